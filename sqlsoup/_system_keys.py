"""Keys that name a system column: the rowid of SQLite, the tableoid of PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    FetchedValue,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from sqlsoup._catalog import catalog
from sqlsoup._foreign_keys import REFLECTED, guard, notes_of
from sqlsoup._locks import locked
from sqlsoup._reflect import publish
from sqlsoup._sqlite import ignores_rows, is_view, is_virtual

if TYPE_CHECKING:
    from sqlsoup._catalog import Connect

_TABLEOID = "tableoid"


def with_rowid(table: Any, key: list[Any], connect: Connect) -> Any:
    """Return a table with its rowid as its primary key, if that is what the key names.

    It takes the place of the one in the MetaData.  What is no reflected table of SQLite, or has no
    rowid, is returned as it is.
    """
    name = str(key[0]) if len(key) == 1 else ""
    if (
        name.lower() not in {"rowid", "oid", "_rowid_"}
        or not _is_reflected(table)
        or any(column.name.lower() == name.lower() for column in table.columns)
        or is_view(table)
    ):
        return table
    with connect() as connection:
        if connection.dialect.name != "sqlite" or not _has_rowid(connection, table):
            return table
        rowid: Column[int] = Column(name, Integer)
        returns = not is_virtual(connection, table)  # RETURNING of a virtual table gives -1
        if returns and ignores_rows(catalog(connection), table.schema, table.name):
            rowid.autoincrement, rowid.server_default = False, FetchedValue()
        return locked(guard, _with_key, table, rowid, key, connection, returns=returns)


def _has_rowid(connection: Connection, table: Table) -> bool:
    if not table.primary_key:
        return True
    try:
        connection.execute(select(text("rowid")).select_from(table).limit(0)).close()
    except DBAPIError:  # it is WITHOUT ROWID
        return False
    return True


def with_tableoid(table: Any, key: list[Any], connect: Connect) -> Any:
    """Return a table with the column that tells where a row is, if a key names that.

    A table of PostgreSQL gives the rows of those that inherit from it too, whose keys may be the
    same as its own.  All else is as for the rowid.
    """
    if _TABLEOID not in key or not _is_reflected(table) or _TABLEOID in table.c:
        return table
    with connect() as connection:
        if connection.dialect.name != "postgresql":
            return table
        column = Column(_TABLEOID, BigInteger, system=True, server_default=FetchedValue())
        return locked(guard, _with_key, table, column, key, connection)


def _is_reflected(table: Any) -> bool:
    return isinstance(table, Table) and notes_of(table.metadata).tells(table, REFLECTED)


def _with_key(
    table: Table,
    column: Column[Any],
    key: list[Any],
    connection: Connection,
    *,
    returns: bool = True,
) -> Table:
    now = table.metadata.tables.get(table.key, table)
    if column.name in now.c:
        return now
    made = now.to_metadata(MetaData())
    made.implicit_returning = returns
    made.info.update(now.info)
    for each in made.primary_key:
        each.primary_key = False
    made.append_column(column)
    names = [getattr(each, "key", each) for each in key]
    made.append_constraint(PrimaryKeyConstraint(*(made.c[n] for n in names if n in made.c)))
    return publish(made, now.metadata, connection, replace=True)
