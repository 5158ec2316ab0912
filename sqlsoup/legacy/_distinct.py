"""``distinct()`` of a query, which selected in SQLAlchemy 1.3 what the query is ordered by as well.

Rows that differ in that alone were several, and PostgreSQL insists on it.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Query, context
from sqlalchemy.sql.expression import ColumnElement, FromClause, TextClause
from sqlalchemy.sql.util import unwrap_order_by

from sqlsoup.legacy._bases import selects_new
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import internal, replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@replaced(internal(context, "ORMSelectCompileState"), "_simple_statement")
def _simple(before: Callable[..., Any]) -> Callable[..., Any]:
    def simple(state: Any) -> Any:
        is_distinct = state.distinct and not state.distinct_on and state.use_legacy_query_style
        if is_distinct and state.order_by and not selects_new(state.select_statement):
            state.primary_columns += _others(state.order_by, state.primary_columns)
        return before(state)

    return simple


def note_distinct(query: Query[Any]) -> None:
    """Note that a query with ``distinct()`` is ordered by what it does not select."""
    if query._distinct_on or selects_new(query):
        return
    selected = [*chain.from_iterable(map(_columns_of, query._raw_columns))]
    others = _others(query._order_by_clauses, selected)
    if any(not any(each.compare(column) for column in selected) for each in others):
        note("query-distinct")


def _columns_of(entity: Any) -> Any:
    """Return what a query selects for a column, a class or a Bundle."""
    if isinstance(entity, ColumnElement | TextClause):  # a function is one that has columns
        return (entity,)
    return entity.c if isinstance(entity, FromClause) else entity.clauses


def _others(order: Iterable[Any], selected: Iterable[Any]) -> list[Any]:
    """Return what is among an order but is not selected."""
    present = {_without_label(each) for each in selected}
    found = dict.fromkeys(chain.from_iterable(map(unwrap_order_by, order)))
    return [each for each in found if each not in present]


def _without_label(column: Any) -> Any:
    is_label = getattr(column, "_order_by_label_element", None) is not None  # which text has not
    return column.element if is_label else column
