"""Rows of SQLite that have their rowid for a key, and those of views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    Connection,
    FetchedValue,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import object_session
from sqlalchemy.orm.exc import StaleDataError

from sqlsoup import _sa
from sqlsoup._catalog import catalog
from sqlsoup._foreign_keys import REFLECTED, guard, notes_of
from sqlsoup._locks import locked
from sqlsoup._reflect import publish
from sqlsoup._sqlite import ignores_rows, is_view, is_virtual
from sqlsoup.exc import SQLSoupError

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapper

    from sqlsoup._catalog import Connect


def with_rowid(table: Any, key: list[Any], connect: Connect) -> Any:
    """Return a table with its rowid as its primary key, if that is what the key names.

    It takes the place of the one in the MetaData.  What is no reflected table of SQLite, or has no
    rowid, is returned as it is.
    """
    name = str(key[0]) if len(key) == 1 else ""
    if (
        name.lower() not in {"rowid", "oid", "_rowid_"}
        or not isinstance(table, Table)
        or not notes_of(table.metadata).tells(table, REFLECTED)
        or any(column.name.lower() == name.lower() for column in table.columns)
        or is_view(table)
    ):
        return table
    with connect() as connection:
        if connection.dialect.name != "sqlite" or not _has_rowid(connection, table):
            return table
        batches = not is_virtual(connection, table)
        return locked(guard, _with_key, table, name, batches, connection)


def _has_rowid(connection: Connection, table: Table) -> bool:
    if not table.primary_key:
        return True
    try:
        connection.execute(select(text("rowid")).select_from(table).limit(0)).close()
    except DBAPIError:  # it is WITHOUT ROWID
        return False
    return True


def _with_key(table: Table, name: str, batches: bool, connection: Connection) -> Table:
    now = table.metadata.tables.get(table.key, table)
    return now if name in now.c else _keyed(now, name, batches, connection)


def _keyed(table: Table, name: str, batches: bool, connection: Connection) -> Table:
    keyed = table.to_metadata(MetaData())
    keyed.implicit_returning = batches  # a virtual table returns -1
    keyed.info.update(table.info)
    for column in keyed.primary_key:
        column.primary_key = False
    rowid: Column[int] = Column(name, Integer)
    if batches and ignores_rows(catalog(connection), table.schema, table.name):
        rowid.autoincrement, rowid.server_default = False, FetchedValue()
    keyed.append_column(rowid)
    keyed.append_constraint(PrimaryKeyConstraint(rowid))
    return publish(keyed, table.metadata, connection, replace=True)


def watch_view(mapper: Mapper[Any]) -> None:
    """Have rows of a view stored by its INSTEAD OF triggers.

    SQLite does not count the rows that these change, nor tells the keys of those that they insert.
    """
    event.listen(mapper, "before_insert", _want_key)
    event.listen(mapper, "before_update", _expect_update)
    for stored in ("after_insert", "after_update"):
        event.listen(mapper, stored, _updated)


def _want_key(mapper: Mapper[Any], connection: Connection, row: Any) -> None:
    for column in mapper.primary_key:
        name = mapper.get_property_by_column(column).key
        if getattr(row, name) is None:
            raise SQLSoupError(
                f"{name!r} of {type(row).__name__} wants a value: SQLite does not tell the key of "
                "a row that is inserted into a view"
            )
    if _sa.may_replace_rows(object_session(row)):  # it may be an UPDATE then
        _count_updates(connection)


def _expect_update(mapper: Mapper[Any], connection: Connection, row: Any) -> None:
    session: Any = object_session(row)
    if not session.is_modified(row, include_collections=False):
        return
    identity: Any = inspect(row).identity
    same = [column == value for column, value in zip(mapper.primary_key, identity, strict=True)]
    if connection.execute(select(text("1")).select_from(mapper.local_table).where(*same)).first():
        _count_updates(connection)
        return
    raise StaleDataError(
        f"UPDATE statement on table {mapper.local_table.description!r} expected to update 1 row(s);"
        " 0 were matched."
    )


def _count_updates(connection: Connection) -> None:
    if not event.contains(connection, "after_cursor_execute", _count):
        event.listen(connection, "after_cursor_execute", _count)


def _updated(_mapper: Mapper[Any], connection: Connection, _row: Any) -> None:
    if event.contains(connection, "after_cursor_execute", _count):
        event.remove(connection, "after_cursor_execute", _count)


def _count(
    _c: Connection, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool
) -> None:
    if context.isupdate and is_view(context.compiled.statement.table):
        _sa.set_rowcount(context, len(context.compiled_parameters))
