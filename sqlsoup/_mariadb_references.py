"""The foreign keys that refer to a table of MariaDB or MySQL, and the schemas that have it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

# The dictionary of InnoDB, which alone has foreign keys, is read without opening any table.  Its
# names are those of files.  Each of its tables is read wholly, whatever is asked for, and to join
# two of them takes as long as the number of rows of one times that of the other.
_DECODED = """CONVERT(CONVERT(CAST(SUBSTRING_INDEX(f.{0}, '/', {1}) AS BINARY) USING filename)
            USING utf8mb4)"""
_FOLDED = "CAST(IF(@@lower_case_table_names, LOWER({0}), {0}) AS BINARY)"
_SCHEMA = "CAST(CONVERT(COALESCE(:schema, DATABASE()) USING filename) AS BINARY)"
_TABLE = f"CONCAT({_SCHEMA}, '/', CAST(CONVERT(:name USING filename) AS BINARY))"
_KEYS = f"""
SELECT CASE WHEN found.child_schema = :schema OR found.child_schema <> DATABASE()
        THEN found.child_schema END,
    found.child, found.id, found.parent, found.for_name, found.child_schema
FROM (
    SELECT {_DECODED.format("for_name", 1)} AS child_schema,
        {_DECODED.format("for_name", -1)} AS child,
        {_DECODED.format("ref_name", -1)} AS parent, f.id, f.for_name
    FROM information_schema.innodb_sys_foreign AS f
    WHERE CASE WHEN :name IS NULL
        THEN {_FOLDED.format("SUBSTRING_INDEX(f.ref_name, '/', 1)")} = {_FOLDED.format(_SCHEMA)}
        ELSE {_FOLDED.format("f.ref_name")} = {_FOLDED.format(_TABLE)} END
) AS found
"""  # noqa: S608 - of constants
_COLUMNS = "SELECT id, for_col_name FROM information_schema.innodb_sys_foreign_cols ORDER BY pos"

# Of the columns of a table three are hidden, and two more where its versions have no columns of
# their own; the virtual ones are not counted.
_BARE = """
SELECT t.name
FROM information_schema.innodb_sys_tables AS t
JOIN (SELECT for_name, sum(n_cols) AS columns FROM information_schema.innodb_sys_foreign
    GROUP BY for_name) AS u ON u.for_name = t.name
WHERE t.n_cols - 3 - 2 * (t.table_id IN (SELECT table_id
    FROM information_schema.innodb_sys_columns WHERE name = 'row_start')) <= u.columns
"""

# MySQL finds these in tables with indexes.  MariaDB opens all tables that the user may see, or the
# one that is named in each place.
_CATALOG = f"""
SELECT CASE WHEN k.table_schema = :schema OR k.table_schema <> DATABASE() THEN k.table_schema END,
    k.table_name, k.constraint_name, k.referenced_table_name, k.column_name, c.columns <= u.columns,
    k.ordinal_position
FROM information_schema.key_column_usage AS k
JOIN (SELECT table_schema, table_name, count(*) AS columns FROM information_schema.columns AS c
    WHERE {{1}} GROUP BY table_schema, table_name) AS c USING (table_schema, table_name)
JOIN (SELECT table_schema, table_name, count(*) AS columns
    FROM information_schema.key_column_usage AS u WHERE referenced_table_name IS NOT NULL AND {{2}}
    GROUP BY table_schema, table_name) AS u USING (table_schema, table_name)
WHERE {{0}} AND k.referenced_table_schema = coalesce(:schema, DATABASE())
    AND (:name IS NULL OR k.referenced_table_name = :name
        AND {_FOLDED.format("k.referenced_table_name")} = {_FOLDED.format(":name")})
"""  # noqa: S608
_ORDER = "ORDER BY 1, 2, 3, 7"
_ALL = _CATALOG.format("TRUE", "TRUE", "TRUE") + _ORDER
_FEW = 30
"""How many tables are opened, rather than that more of the dictionary is read."""


def references_to(connection: Connection, name: str | None, schema: str | None) -> Iterable[Any]:
    """Return schema, table, foreign key, target, column, and whether there may be no other columns.

    On MariaDB a user with the PROCESS privilege asks InnoDB which tables refer to it, and of few
    tables the catalog for the rest; others ask the catalog for all.

    :param name: the table that is referred to; None for all of the schema.
    """
    values = {"name": name, "schema": schema}
    in_innodb = connection.dialect.is_mariadb  # type: ignore[attr-defined]
    try:
        return (_in_innodb if in_innodb else _in_catalog)(connection, values)
    except DBAPIError:
        if connection.invalidated or not in_innodb:
            raise
    return _in_catalog(connection, values)


def _in_catalog(connection: Connection, values: dict[str, str | None]) -> Iterable[Any]:
    return connection.execute(text(_ALL), values)


def _in_innodb(connection: Connection, values: dict[str, str | None]) -> Iterable[Any]:
    keys = connection.execute(text(_KEYS), values).all()
    children = dict.fromkeys((schema, child) for _, child, *_, schema in keys)
    if len(children) > _FEW:
        columns = defaultdict(list)
        for key, column in connection.execute(text(_COLUMNS)):
            columns[key].append(column)
        bare = {*connection.scalars(text(_BARE))}
        return [
            (schema, child, key, parent, column, name in bare)
            for schema, child, key, parent, name, _ in keys
            for column in columns[key]
        ]
    for number, (schema, child) in enumerate(children):
        values |= {f"schema{number}": schema, f"child{number}": child}
    parts = " UNION ALL ".join(map(_of_child, range(len(children))))
    return connection.execute(text(parts + _ORDER), values) if parts else ()


def _of_child(number: int) -> str:
    named = "{0}.table_schema = :schema{1} AND {0}.table_name = :child{1}"
    return _CATALOG.format(*(named.format(alias, number) for alias in "kcu"))


_SYSTEM = {"information_schema", "mysql", "performance_schema", "sys"}


def schemas_of(connection: Connection, name: str) -> list[str]:
    """Return the schemas that have a table or view of a name, but for those of the server."""
    statement = "SELECT table_schema FROM information_schema.tables WHERE table_name = :name"
    found = connection.scalars(text(statement), {"name": name})
    return [schema for schema in found if schema.lower() not in _SYSTEM]
