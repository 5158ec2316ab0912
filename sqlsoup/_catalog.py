"""What the catalog of a database says: which tables there are, and which refer to one."""

from __future__ import annotations

from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Reference(NamedTuple):
    """A foreign key of some table."""

    schema: str | None
    table: str
    columns: tuple[str, ...]
    bare: bool = True
    """Whether the table may have nothing but foreign keys; True where it was not asked."""


def table_names(connection: Connection, schema: str | None) -> list[str]:
    """Return the names of tables, views, materialised views and foreign tables, sorted."""
    inspector: Any = inspect(connection)
    names = {*inspector.get_table_names(schema), *view_names(connection, schema)}
    if hasattr(inspector, "get_foreign_table_names"):  # PostgreSQL
        names.update(inspector.get_foreign_table_names(schema))
    return sorted(names)


def view_names(connection: Connection, schema: str | None) -> set[str]:
    """Return the names of views and materialised views."""
    inspector = inspect(connection)
    names = {*inspector.get_view_names(schema)}
    with suppress(NotImplementedError):
        names.update(inspector.get_materialized_view_names(schema))
    return names


def locate(connection: Connection, name: str, schema: str | None) -> tuple[str | None, str] | None:
    """Return the schema and name of the table or view that a name means, or None.

    A name with a dot may be that of a table, which comes first, or ``schema.table``.
    """
    names = ((schema, name), *_split(name))
    return next((found for found in names if is_there(connection, *found)), None)


def is_there(connection: Connection, schema: str | None, name: str) -> bool:
    """Tell if there is a table or view; a name that cannot be that of any is no error."""
    try:
        return inspect(connection).has_table(name, schema)
    except ValueError:  # no driver can send it: a NUL, or half of a surrogate pair
        return False
    except DBAPIError:  # the database refuses such a name, or whatever it is asked
        with suppress(DBAPIError):  # which says less than the first error
            if not connection.invalidated:
                return _is_listed(connection, schema, name)
        raise


def may_be_there(connection: Connection, schema: str | None, name: str) -> bool:
    """Tell, after an error, if a name can be that of a table or view.

    It can if nothing more can be asked: the connection is lost, or the transaction has failed.
    What may wait for a lock on the table is asked last.
    """
    if connection.invalidated:
        return True
    try:
        return _is_listed(connection, schema, name) or is_there(connection, schema, name)
    except DBAPIError:
        return True


def _is_listed(connection: Connection, schema: str | None, name: str) -> bool:
    known = schema is None or schema in inspect(connection).get_schema_names()
    return known and name in table_names(connection, schema)


_DOTS = 8
"""So many dots of a name are tried as the one after a schema; each costs statements."""


def _split(name: str) -> Iterator[tuple[str, str]]:
    parts = name.split(".")
    for place in range(1, min(len(parts), _DOTS + 1)):
        schema, table = ".".join(parts[:place]), ".".join(parts[place:])
        if schema and table:
            yield schema, table


_REFERENCES = {
    "sqlite": """
        SELECT :schema, m.name, f.id, f."from",
            (SELECT count(*) FROM pragma_table_info(m.name, coalesce(:schema, 'main')))
                = (SELECT count(*) FROM pragma_foreign_key_list(m.name, coalesce(:schema, 'main')))
        FROM {schema}sqlite_master AS m,
            pragma_foreign_key_list(m.name, coalesce(:schema, 'main')) AS f
        WHERE m.type = 'table' AND lower(f."table") = lower(:name)
        ORDER BY m.name, f.id, f.seq""",
    "postgresql": """
        SELECT CASE WHEN n.nspname = :schema OR NOT pg_catalog.pg_table_is_visible(child.oid)
                THEN n.nspname END,
            child.relname, k.conname, a.attname,
            (SELECT count(*) FROM pg_catalog.pg_attribute AS one
                WHERE one.attrelid = child.oid AND one.attnum > 0 AND NOT one.attisdropped)
                = (SELECT sum(cardinality(one.conkey)) FROM pg_catalog.pg_constraint AS one
                    WHERE one.conrelid = child.oid AND one.contype = 'f')
        FROM pg_catalog.pg_constraint AS k
        JOIN pg_catalog.pg_class AS child ON child.oid = k.conrelid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = child.relnamespace
        JOIN pg_catalog.pg_class AS parent ON parent.oid = k.confrelid
        JOIN pg_catalog.pg_namespace AS pn ON pn.oid = parent.relnamespace
        CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = child.oid AND a.attnum = u.attnum
        WHERE k.contype = 'f' AND parent.relname = :name AND NOT child.relispartition
            AND CASE WHEN CAST(:schema AS text) IS NULL
                THEN pg_catalog.pg_table_is_visible(parent.oid) ELSE pn.nspname = :schema END
        ORDER BY n.nspname, child.relname, k.conname, u.place""",
    "mysql": """
        SELECT CASE WHEN k.table_schema = :schema OR k.table_schema <> DATABASE()
                THEN k.table_schema END,
            k.table_name, k.constraint_name, k.column_name, c.columns = u.columns
        FROM information_schema.key_column_usage AS k
        JOIN (SELECT table_schema, table_name, count(*) AS columns FROM information_schema.columns
            GROUP BY table_schema, table_name) AS c USING (table_schema, table_name)
        JOIN (SELECT table_schema, table_name, count(*) AS columns
            FROM information_schema.key_column_usage WHERE referenced_table_name IS NOT NULL
            GROUP BY table_schema, table_name) AS u USING (table_schema, table_name)
        WHERE k.referenced_table_schema = coalesce(:schema, DATABASE())
            AND k.referenced_table_name = :name
        ORDER BY k.table_schema, k.table_name, k.constraint_name, k.ordinal_position""",
}
_REFERENCES["mariadb"] = _REFERENCES["mysql"]


def references_to(connection: Connection, name: str, schema: str | None) -> list[Reference]:
    """Return the foreign keys that refer to a table, with one statement where there is one for it.

    On other databases than SQLite, PostgreSQL, MySQL and MariaDB it costs what SQLAlchemy needs
    for the foreign keys of a whole schema, and other schemas are not looked at.
    """
    dialect = connection.dialect
    if dialect.name not in _REFERENCES:
        found = inspect(connection).get_multi_foreign_keys(schema=schema)
        return [
            Reference(schema, child, tuple(key["constrained_columns"]))
            for (_, child), keys in found.items()
            for key in keys
            if (key["referred_schema"], key["referred_table"]) == (schema, name)
        ]
    quoted = "" if schema is None else dialect.identifier_preparer.quote(schema) + "."
    statement = text(_REFERENCES[dialect.name].replace("{schema}", quoted.replace(":", r"\:")))
    rows = connection.execute(statement, {"name": name, "schema": schema})
    return [
        Reference(where, child, tuple(row[3] for row in key), bool(bare))
        for (where, child, _, bare), key in groupby(rows, lambda row: (*row[:3], row[4]))
    ]
