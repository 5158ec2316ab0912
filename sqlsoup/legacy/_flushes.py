"""What left new and changed rows where they were in SQLAlchemy 1.3, and flushes them in 2."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column
from sqlalchemy.orm import PassiveFlag, Query, Session, loading, object_mapper

from sqlsoup._generated import comes_by_itself
from sqlsoup.legacy._bases import NEW, selects_new
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, internal, replaced

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


@function(internal(loading, "load_scalar_attributes"))
def _load(before: Callable[..., Any], mapper: Any, state: Any, names: Any, passive: Any) -> Any:
    """Read attributes of an expired row, or deferred ones."""
    is_old = not issubclass(mapper.class_, NEW)
    if is_old and not passive & PassiveFlag.NO_AUTOFLUSH:
        _note_incomplete(state.session)
        passive |= PassiveFlag.NO_AUTOFLUSH
    return before(mapper, state, names, passive)


def refreshing(session: Session, row: object) -> AbstractContextManager[object]:
    """Return what a session refreshes a row in."""
    if isinstance(row, NEW):
        return nullcontext()
    _note_incomplete(session)
    return session.no_autoflush


@replaced(Query, "populate_existing")
def _populate_existing(before: Callable[..., Any]) -> Callable[..., Any]:
    def populate_existing(query: Any) -> Any:
        made = before(query)
        if selects_new(query) or not query.load_options._autoflush:
            return made
        session = query.session
        if session and session.autoflush and not session._is_clean():
            note("populate-existing")
        return made.autoflush(False)

    return populate_existing


def leaves_rows(session: Any, statement: Any) -> bool:
    """Tell if SQLAlchemy 1.3 did not store the rows of a session before a statement, as 2.1 does.

    It is one of tables, and no query of a class, and the rows are of a class of the time.
    """
    changed = chain(session._new, session.identity_map._modified, session._deleted)
    state = next(iter(changed), None)
    if state is None or issubclass(state.class_, NEW):
        return False
    if getattr(statement, "is_dml", False):  # which may be of a table, with criteria of a class
        return "parententity" not in statement.table._annotations
    return bool(statement._propagate_attrs.get("compile_state_plugin") != "orm")


def _note_incomplete(session: Any) -> None:
    """Note that the newest row of a session is one that the database would not take yet.

    To look at each would take a program that makes many without a flush the square of its time.
    """
    newest = next(reversed(session._new.values()), None) if session and session.autoflush else None
    if newest is not None and _is_incomplete(newest):
        note("flush-first")


def _is_incomplete(row: Any) -> bool:
    """Tell if a new row has no value for a column that must have one, nor a row to take it from."""
    mapper, values = object_mapper(row), vars(row)
    given = {
        column
        for relation in mapper.relationships
        if values.get(relation.key) is not None
        for column in relation.local_columns
    }
    return any(
        values.get(mapper.get_property_by_column(column).key) is None
        for column in {*mapper.columns} - given
        if isinstance(column, Column) and not column.nullable and not comes_by_itself(column)
    )
