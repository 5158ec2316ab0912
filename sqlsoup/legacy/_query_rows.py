"""Query classes whose ``__iter__()``, ``one()``, ``one_or_none()`` or ``from_self()`` is its own.

All that gives rows went through the first in SQLAlchemy 1.3, ``get()`` through the second,
``one()`` through the third and ``count()`` through the last.  Programs hid rows so, or kept them
in a cache.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal_column
from sqlalchemy.engine import IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Query

from sqlsoup.legacy import _query_loads
from sqlsoup.legacy._bases import selects_new
from sqlsoup.legacy._frames import asking, is_running
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import replaced

if TYPE_CHECKING:
    from collections.abc import Callable


@replaced(Query, "_iter")
def _iter(before: Callable[..., Any]) -> Callable[..., Any]:
    def rows(query: Any) -> Any:
        own = type(query).__iter__
        if own is Query.__iter__:
            return before(query)
        if asking().f_code is Query.__iter__.__code__ or is_running(own):
            return before(query)  # for the program's own
        note("query-iter", of=own)
        found = list(query)
        return IteratorResult(SimpleResultMetaData(["row"]), ((row,) for row in found)).scalars()

    return rows


@replaced(Query, "get")
def _get(before: Callable[..., Any]) -> Callable[..., Any]:
    def get(query: Any, ident: Any) -> Any:
        is_heard = _query_loads.listened and not selects_new(query)
        if not is_heard and all(getattr(type(query), n) is getattr(Query, n) for n in _OF_GET):
            return before(query, ident)
        return query._get_impl(ident, partial(_load, query))

    return get


_OF_GET = ("__iter__", "one", "one_or_none")


def _load(query: Any, _session: object, _statement: object, key: Any, **_kw: object) -> Any:
    """Return the row with a key, or None, where the session does not have it."""
    columns = query._only_full_mapper_zero("get").primary_key
    condition = (column == value for column, value in zip(columns, key, strict=True))
    query = query.order_by(None).enable_assertions(False).filter(*condition)
    own = type(query).one
    if own is not Query.one:
        old, instead = "one() of a query class, by which get() came", "get() as well"
        note("query-iter", old=old, instead=instead, of=own)
    try:
        return query.one()
    except NoResultFound:
        _query_loads.mark()
        return None


@replaced(Query, "one")
def _one(before: Callable[..., Any]) -> Callable[..., Any]:
    def one(query: Any) -> Any:
        own = type(query).one_or_none
        if own is Query.one_or_none or is_running(own):
            return before(query)
        old, instead = "one_or_none() of a query class, by which one() came", "one() as well"
        note("query-iter", old=old, instead=instead, of=own)
        row = query.one_or_none()
        if row is None:
            raise NoResultFound("No row was found for one()")
        return row

    return one


@replaced(Query, "count")
def _count(before: Callable[..., Any]) -> Callable[..., Any]:
    def count(query: Any) -> Any:
        if type(query).from_self is Query.from_self:  # type: ignore[attr-defined]
            return before(query)
        note("query-iter", of=type(query).from_self)
        return query.from_self(func.count(literal_column("*"))).scalar()

    return count
