"""Rows of PostgreSQL that their table tells apart, among those of tables that inherit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    FetchedValue,
    MetaData,
    PrimaryKeyConstraint,
    Table,
)

from sqlsoup._foreign_keys import REFLECTED, guard, notes_of
from sqlsoup._locks import locked
from sqlsoup._reflect import publish

if TYPE_CHECKING:
    from sqlsoup._catalog import Connect

_TABLEOID = "tableoid"


def with_tableoid(table: Any, key: list[Any], connect: Connect) -> Any:
    """Return a table with the column that tells where a row is, if a key names that.

    A table gives the rows of those that inherit from it too, whose keys may be the same as its own.
    It takes the place of the one in the MetaData.  What is no reflected table of PostgreSQL is
    returned as it is.
    """
    if (
        _TABLEOID not in key
        or not isinstance(table, Table)
        or not notes_of(table.metadata).tells(table, REFLECTED)
        or _TABLEOID in table.c
    ):
        return table
    with connect() as connection:
        if connection.dialect.name != "postgresql":
            return table
        return locked(guard, _with_key, table, key, connection)


def _with_key(table: Table, key: list[Any], connection: Connection) -> Table:
    now = table.metadata.tables.get(table.key, table)
    if _TABLEOID in now.c:
        return now
    made = now.to_metadata(MetaData())
    made.info.update(now.info)
    for column in made.primary_key:
        column.primary_key = False
    made.append_column(Column(_TABLEOID, BigInteger, system=True, server_default=FetchedValue()))
    names = [getattr(column, "key", column) for column in key]
    made.append_constraint(PrimaryKeyConstraint(*(made.c[n] for n in names if n in made.c)))
    return publish(made, now.metadata, connection, replace=True)
