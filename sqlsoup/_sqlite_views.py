"""Rows of views of SQLite, which are stored by INSTEAD OF triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, event, inspect, select, text
from sqlalchemy.orm import object_session
from sqlalchemy.orm.exc import StaleDataError

from sqlsoup import _sa
from sqlsoup._sqlite import is_view
from sqlsoup.exc import SQLSoupError

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapper


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
