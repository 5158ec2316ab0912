"""Listeners to ``before_compile``, which heard of all that loaded rows in SQLAlchemy 1.3.

Programs hid rows so.  SQLAlchemy 2 tells them of queries alone, and of no row or collection that
an attribute loads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.orm import Query, QueryEvents, Session

from sqlsoup.legacy._bases import selects_new
from sqlsoup.legacy._frames import ours
from sqlsoup.legacy._notes import Site, note, withdraw
from sqlsoup.legacy._patch import replaced

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import ORMExecuteState

listened: list[Site] = []
"""Where the program listens."""


@replaced(QueryEvents, "_listen")
def _listen(before: Callable[..., Any]) -> Callable[..., Any]:
    def listen(key: Any, **kw: Any) -> None:
        if key.identifier == "before_compile" and not ours(str(key.fn.__module__)):
            _begin()
        before(key, **kw)

    return listen


def _begin() -> None:
    """Have what attributes load be told of from now on, and note it where that hides a row."""
    old = "a listener to before_compile, by which all rows came"
    sites = [*filter(None, [note("query-iter", old=old, warn=False)])]
    withdraw(sites)
    listened.extend(sites)
    event.listen(Session, "do_orm_execute", _hear)


def forget() -> None:
    """Listen to sessions no more."""
    listened.clear()
    if event.contains(Session, "do_orm_execute", _hear):
        event.remove(Session, "do_orm_execute", _hear)


def mark() -> None:
    """Note that a listener has hidden a row, or may have."""
    for site in listened:
        site.count += 1
        site.warn()


def _hear(state: ORMExecuteState) -> None:
    statement: Any = state.statement
    is_of_attribute = state.is_relationship_load or state.is_column_load
    if not is_of_attribute or selects_new(statement):
        return
    if statement._compile_options._use_legacy_query_style:  # a query, of which they are told
        return
    described = statement.column_descriptions
    query: Any = Query([each["expr"] for each in described if each["expr"] is each["type"]])
    before = len(query._where_criteria)
    for listener in query.dispatch.before_compile:
        query = listener(query)
    added = query._where_criteria[before:]
    if added:
        mark()
        state.statement = statement.where(*added)
