"""The foreign keys that refer to a table of MariaDB or MySQL, and the schemas that have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

# The dictionary of InnoDB, which alone has foreign keys, is read without opening any table.  Its
# names are those of files.  Of the columns of a table three are hidden, and two more where its
# versions have no columns of their own; the virtual ones are not counted.
_DICTIONARY = """
SELECT CASE WHEN found.child_schema = :schema OR found.child_schema <> DATABASE()
        THEN found.child_schema END,
    found.child, found.id, found.parent, found.for_col_name, found.bare
FROM (
    SELECT CONVERT(CONVERT(CAST(SUBSTRING_INDEX(f.for_name, '/', 1) AS BINARY) USING filename)
            USING utf8mb4) AS child_schema,
        CONVERT(CONVERT(CAST(SUBSTRING_INDEX(f.for_name, '/', -1) AS BINARY) USING filename)
            USING utf8mb4) AS child,
        CONVERT(CONVERT(CAST(SUBSTRING_INDEX(f.ref_name, '/', -1) AS BINARY) USING filename)
            USING utf8mb4) AS parent,
        f.id, c.for_col_name, c.pos, t.n_cols - 3 - 2 * (v.name IS NOT NULL) <= u.columns AS bare
    FROM information_schema.innodb_sys_foreign AS f
    JOIN information_schema.innodb_sys_foreign_cols AS c ON c.id = f.id
    JOIN information_schema.innodb_sys_tables AS t ON t.name = f.for_name
    JOIN (SELECT for_name, sum(n_cols) AS columns FROM information_schema.innodb_sys_foreign
        GROUP BY for_name) AS u ON u.for_name = f.for_name
    LEFT JOIN information_schema.innodb_sys_columns AS v
        ON v.table_id = t.table_id AND v.name = 'row_start'
    WHERE BINARY {referred} = BINARY {target}
) AS found
ORDER BY found.child_schema, found.child, found.id, found.pos
"""
_SCHEMA = "CAST(CONVERT(COALESCE(:schema, DATABASE()) USING filename) AS BINARY)"
_TABLE = f"CONCAT({_SCHEMA}, '/', CAST(CONVERT(:name USING filename) AS BINARY))"
_FOLDED = "IF(@@lower_case_table_names, LOWER({0}), {0})"
_OF_ONE = {"referred": _FOLDED.format("f.ref_name"), "target": _FOLDED.format(_TABLE)}
_OF_ALL = {
    "referred": _FOLDED.format("SUBSTRING_INDEX(f.ref_name, '/', 1)"),
    "target": _FOLDED.format(_SCHEMA),
}

# MySQL finds these in tables with indexes.  MariaDB opens all tables that the user may see.
_CATALOG = """
SELECT CASE WHEN k.table_schema = :schema OR k.table_schema <> DATABASE() THEN k.table_schema END,
    k.table_name, k.constraint_name, k.referenced_table_name, k.column_name, c.columns = u.columns
FROM information_schema.key_column_usage AS k
JOIN (SELECT table_schema, table_name, count(*) AS columns FROM information_schema.columns
    GROUP BY table_schema, table_name) AS c USING (table_schema, table_name)
JOIN (SELECT table_schema, table_name, count(*) AS columns
    FROM information_schema.key_column_usage WHERE referenced_table_name IS NOT NULL
    GROUP BY table_schema, table_name) AS u USING (table_schema, table_name)
WHERE k.referenced_table_schema = coalesce(:schema, DATABASE())
    AND k.referenced_table_name = {name}
ORDER BY k.table_schema, k.table_name, k.constraint_name, k.ordinal_position
"""


def references_to(connection: Connection, name: str | None, schema: str | None) -> Iterable[Any]:
    """Return schema, table, foreign key, target, column, and whether there may be no other columns.

    On MariaDB a user with the PROCESS privilege asks InnoDB, whose answer does not depend on how
    many tables there are; others ask once more.

    :param name: the table that is referred to; None for all of the schema.
    """
    values = {"name": name, "schema": schema}
    known = _CATALOG.format(name="k.referenced_table_name" if name is None else ":name")
    of = _OF_ALL if name is None else _OF_ONE
    in_innodb = connection.dialect.is_mariadb  # type: ignore[attr-defined]
    try:
        return connection.execute(text(_DICTIONARY.format(**of) if in_innodb else known), values)
    except DBAPIError:
        if connection.invalidated or not in_innodb:
            raise
    return connection.execute(text(known), values)


_SYSTEM = {"information_schema", "mysql", "performance_schema", "sys"}


def schemas_of(connection: Connection, name: str) -> list[str]:
    """Return the schemas that have a table or view of a name, but for those of the server."""
    statement = "SELECT table_schema FROM information_schema.tables WHERE table_name = :name"
    found = connection.scalars(text(statement), {"name": name})
    return [schema for schema in found if schema.lower() not in _SYSTEM]
