"""Selects that stand for the subquery that is made of them."""

from __future__ import annotations

from functools import partial, wraps
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.sql import coercions
from sqlalchemy.sql.expression import SelectBase

from sqlsoup.legacy._frames import asking, is_ours
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import method, missing, plan, replace

if TYPE_CHECKING:
    from collections.abc import Callable

SUBQUERY = "_sqlsoup_subquery"
"""What a statement keeps: itself, and its subquery."""


def subquery_of(statement: Any) -> Any:
    """Return the subquery that a statement stood for, the same one each time."""
    of, subquery = vars(statement).get(SUBQUERY, (None, None))
    if of is not statement:  # but what it was made of
        subquery = statement.subquery()
        vars(statement)[SUBQUERY] = statement, subquery
    return subquery


def subquery(alias: str | None, *args: Any, **kw: Any) -> Any:
    """Return a select as a subquery of a name."""
    note("name", old="subquery()", instead="select(...).subquery()")
    return sa.select(*args, **kw).subquery(alias)


_ROLES = ("FromClauseImpl", "JoinTargetImpl", "StrictFromClauseImpl")  # the last in 2.0 alone


@plan
def _selects_as_tables() -> None:
    for kind in [vars(coercions)[name] for name in _ROLES if name in vars(coercions)]:
        replace(kind, "_implicit_coercions", _as_table(vars(kind)["_implicit_coercions"]))


def _as_table(before: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(before)
    def coerce(role: Any, element: Any, resolved: Any, *args: Any, **kw: Any) -> Any:
        if isinstance(resolved, SelectBase) and not kw.get("explicit_subquery"):
            note("select-nested")
            return subquery_of(resolved)
        return before(role, element, resolved, *args, **kw)

    return coerce


@plan
def _columns_of_selects() -> None:
    for name in ("c", "columns"):
        native = vars(SelectBase).get(name)
        columns_of = getattr(native, "fget", attrgetter("columns_of_a_subquery"))
        replace(SelectBase, name, property(partial(_columns_of, columns_of)))


def _columns_of(native: Callable[[Any], Any], statement: Any) -> Any:
    if is_ours(asking()):
        return native(statement)
    note("select-columns")
    return subquery_of(statement).columns


@method(SelectBase, "select")
def _select_subquery(_before: object, statement: Any, *args: Any, **kw: Any) -> Any:
    note("select-columns")
    return subquery_of(statement).select(*args, **kw)


@missing(SelectBase, "count")
def _count_subquery(statement: Any, *args: Any, **kw: Any) -> Any:
    note("select-columns")
    return subquery_of(statement).count(*args, **kw)
