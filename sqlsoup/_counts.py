"""How many rows tables have, where that is cheap to tell."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, text
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

_MOST = 10_000
"""How many rows of a table are counted at most on SQLite, which keeps no number of them."""

_ESTIMATES = {
    "postgresql": """
        SELECT c.relname, pg_catalog.pg_stat_get_live_tuples(c.oid), c.reltuples
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        WHERE c.relname OPERATOR(pg_catalog.=) ANY (CAST(:names AS pg_catalog.name[]))
            AND CASE WHEN CAST(:schema AS pg_catalog.text) IS NULL
                THEN pg_catalog.pg_table_is_visible(c.oid)
                ELSE n.nspname OPERATOR(pg_catalog.=) CAST(:schema AS pg_catalog.name) END""",
    "mysql": """
        SELECT table_name, table_rows, -1 FROM information_schema.tables
        WHERE table_schema = coalesce(:schema, DATABASE()) AND table_name IN :names""",
}
_ESTIMATES["mariadb"] = _ESTIMATES["mysql"]


def counts(connection: Connection, names: Sequence[str], schema: str | None) -> dict[str, str]:
    """Return the numbers of rows of tables, as far as they are known without reading them all.

    What the catalog estimates has a tilde before it: the numbers of PostgreSQL, MySQL and MariaDB.
    """
    known: dict[str, str] = {}
    count = {"sqlite": _counted, **dict.fromkeys(_ESTIMATES, _estimated)}
    if names and connection.dialect.name in count:
        with suppress(DBAPIError):
            known.update(count[connection.dialect.name](connection, names, schema))
    return known


def _counted(
    connection: Connection, names: Sequence[str], schema: str | None
) -> Iterator[tuple[str, str]]:
    quote = connection.dialect.identifier_preparer.quote
    prefix = "" if schema is None else f"{quote(schema)}."
    for name in names:
        table = f"{prefix}{quote(name)}"
        number: int = connection.exec_driver_sql(
            f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {_MOST + 1})"  # noqa: S608 - quoted
        ).scalar_one()
        yield name, f"{number:,}" if number <= _MOST else f"more than {_MOST:,}"


def _estimated(
    connection: Connection, names: Sequence[str], schema: str | None
) -> Iterator[tuple[str, str]]:
    backend = connection.dialect.name
    statement = text(_ESTIMATES[backend])
    if backend != "postgresql":
        statement = statement.bindparams(bindparam("names", expanding=True))
    for name, live, analysed in connection.execute(
        statement, {"names": [*names], "schema": schema}
    ):
        number = live or analysed  # there is none without statistics: NULL, 0 or -1
        if number is not None and number >= 0:
            yield name, f"~{number:,.0f}"
