"""select() with a list and other arguments, and selects as tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from types import NoneType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import (
    LABEL_STYLE_NONE,
    LABEL_STYLE_TABLENAME_PLUS_COL,
    FromClause,
    Select,
)
from sqlalchemy.orm import Query, QueryableAttribute
from sqlalchemy.sql.elements import WrapsColumnExpression
from sqlalchemy.sql.expression import (
    Alias,
    ClauseElement,
    CompoundSelect,
    Delete,
    GenerativeSelect,
    SelectBase,
    Subquery,
    TableClause,
    Update,
)
from sqlalchemy.sql.selectable import Join, SelectState
from sqlalchemy.util import immutabledict

from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, method, missing, replaced, without_names
from sqlsoup.legacy._subqueries import SUBQUERY, subquery_of
from sqlsoup.legacy._text import (
    NAME,
    bound,
    label,
    listed,
    lock_arguments,
    selectable,
    textual,
    with_bind,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def column_of(value: Any) -> Any:
    if isinstance(value, str):
        if NAME.match(value):
            return sa.column(value)
        note("textual", instead=bound(value))
        return sa.literal_column(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return sa.literal_column(str(value))
    return selectable(value)


_OLD = {
    "columns", "whereclause", "from_obj", "distinct", "having", "correlate", "prefixes",
    "suffixes", "order_by", "group_by", "limit", "offset", "for_update", "use_labels",
    "autocommit", "bind",
}  # fmt: skip


POSITIONAL = (
    "columns", "whereclause", "from_obj", "distinct", "having", "correlate", "prefixes", "suffixes",
)  # fmt: skip


CORE = immutabledict({"compile_state_plugin": "sqlsoup.legacy", "plugin_subject": None})
"""Marks a statement made by an old form, and keeps it from being one of the ORM, with columns of
mapped classes in it."""


@SelectState.plugin_for("sqlsoup.legacy", "select")
class _OldSelect(SelectState):
    """A statement made by an old form, whose FROM begins with the tables of its columns."""

    def _get_froms(self, statement: Any) -> Any:
        elements = (*statement._raw_columns, *statement._where_criteria)
        found = [table for element in elements for table in element._from_objects]
        self.from_clauses = (*found, *self.from_clauses)
        return super()._get_froms(statement)


_SUSPECT = (list, tuple, set, Iterator, NoneType, sa.ColumnCollection)


_is_suspect: Callable[[Any], bool] = lru_cache(100)(lambda kind: issubclass(kind, _SUSPECT))


def _one_by_one(*args: Any, **kw: Any) -> Any:
    before: Any = "BEFORE"
    handler: Any = "HANDLER"
    is_suspect: Any = "IS_SUSPECT"
    if kw or (args and is_suspect(type(args[0]))):
        return handler(*args, **kw)
    return before(*args)


@function(sa.select, template=_one_by_one, IS_SUSPECT=_is_suspect)
def _select(before: Callable[..., Any], *args: Any, **kw: Any) -> Any:
    if not kw and not _is_old(args):
        return before(*args)
    old = {**dict(zip(POSITIONAL, args, strict=False)), **kw}
    note("select-arguments" if old.keys() - {"columns"} else "select-list")
    columns = [each for column in old.pop("columns", None) or () for each in _columns(column)]
    statement = before(*columns)
    once = list(dict.fromkeys(statement.inner_columns))
    if len(once) < len(list(statement.inner_columns)):
        statement = before(*once)
    return with_arguments(plain(statement), old)


def _is_old(args: tuple[Any, ...]) -> bool:
    """Tell if the arguments by position are not columns one by one."""
    columns = args[0]
    return (
        isinstance(columns, list | tuple | set | Iterator)
        or (columns is None and len(args) == 1)
        or (len(args) > 1 and isinstance(columns, sa.ColumnCollection) and not _is_column(args[1]))
    )


def _is_column(value: Any) -> bool:
    """Tell a column, or several, from a criterion."""
    if isinstance(value, sa.ColumnClause):
        return True
    is_criterion = isinstance(getattr(value, "type", None), sa.Boolean)
    return not (value is None or is_criterion or isinstance(value, str | list))


def _columns(value: Any) -> list[Any]:
    """Return what one item of a list of columns stands for."""
    if isinstance(value, Query):
        value = value.enable_eagerloads(False).set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
        value = value.statement
    if isinstance(value, SelectBase):
        note("select-nested")
        return list(subquery_of(value).c)
    made = column_of(value)
    if isinstance(made, WrapsColumnExpression):
        note("select-cast")
        made = made.label(None)
    return [made]


def plain(statement: Any) -> Any:
    statement = statement.set_label_style(LABEL_STYLE_NONE)
    statement._propagate_attrs = CORE
    return statement


def with_arguments(statement: Any, old: dict[str, Any], name: str = "select") -> Any:
    refuse(name, old.keys() - _OLD)
    for whereclause in listed(old.get("whereclause")):
        statement = statement.where(textual(whereclause))
    for source in listed(old.get("from_obj")):
        statement = statement.select_from(_source(source))
    if old.get("having") is not None:
        statement = statement.having(textual(old["having"]))
    distinct = listed(old.get("distinct"))
    if distinct:
        statement = statement.distinct(*(each for each in distinct if each is not True))
    if old.get("correlate") is False:
        statement = statement.correlate(None)
    for argument, add in (("prefixes", "prefix_with"), ("suffixes", "suffix_with")):
        if old.get(argument):
            statement = getattr(statement, add)(*listed(old[argument]))
    return _with_order(statement, old)


def _source(value: Any) -> Any:
    """Return what may stand in FROM: text as such."""
    return textual(selectable(value))


def refuse(name: str, unknown: set[str]) -> None:
    if unknown:
        raise TypeError(f"{name}() got an unexpected keyword argument {min(unknown)!r}")


def _with_order(statement: Any, old: dict[str, Any]) -> Any:
    for name in ("group_by", "order_by"):
        if listed(old.get(name)):
            statement = getattr(statement, name)(*map(label, listed(old[name])))
    for name in ("limit", "offset"):
        if old.get(name) is not None:
            statement = getattr(statement, name)(old[name])
    if old.get("for_update"):
        statement = statement.with_for_update(**lock_arguments(old["for_update"]))
    if old.get("use_labels"):
        statement = statement.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    if old.get("autocommit"):
        statement = statement.execution_options(autocommit=True)
    return with_bind(statement, **{name: old[name] for name in ("bind",) if name in old})


_COMPOUNDS = (sa.union, sa.union_all, sa.except_, sa.except_all, sa.intersect, sa.intersect_all)


@function(*_COMPOUNDS, template=without_names)
@method(Select, "union", "union_all", "except_", "except_all", "intersect", "intersect_all")
def _compound(before: Callable[..., Any], *selects: Any, **kw: Any) -> Any:
    statement = before(*selects)
    if not kw:
        return statement
    note("select-arguments")
    refuse("union", kw.keys() - _OLD)
    return _with_order(statement, kw)


OF_SOURCE = ("whereclause",)


@replaced(FromClause, "select")
@replaced(Join, "select")
def _from_select(before: Callable[..., Any]) -> Callable[..., Any]:
    def select(source: Any, *args: Any, **kw: Any) -> Any:
        if not args and not kw:
            return before(source)
        note("table-select")
        old = dict(zip(OF_SOURCE, args, strict=False)) | kw
        return with_arguments(plain(before(source)), old)

    return select


@missing(FromClause, "count")
def _count(source: FromClause, whereclause: Any = None, **kw: Any) -> Any:
    note("table-count")
    column = next(iter([*source.primary_key, *source.columns]), None)
    count = sa.func.count() if column is None else sa.func.count(column)
    statement = sa.select(count.label("tbl_row_count")).select_from(source)
    return with_arguments(statement, {"whereclause": whereclause, **kw}, "count")


_NO_TEXT = (ClauseElement, QueryableAttribute)


@replaced(Select, "where", "having", "filter")
@replaced(Update, "where")
@replaced(Delete, "where")
def _criteria(before: Callable[..., Any]) -> Callable[..., Any]:
    def where(statement: Any, *criteria: Any) -> Any:
        if len(criteria) == 1 and isinstance(criteria[0], ClauseElement):
            return before(statement, criteria[0])  # which is quicker than with *criteria
        for each in criteria:
            if isinstance(each, str):
                criteria = tuple(map(textual, criteria))
                break
        return before(statement, *criteria)

    return where


@replaced(Select, "order_by", "group_by")
@replaced(CompoundSelect, "order_by", "group_by")
def _labels(before: Callable[..., Any]) -> Callable[..., Any]:
    def order_by(statement: Any, *clauses: Any) -> Any:
        if len(clauses) == 1:
            if isinstance(clauses[0], _NO_TEXT):
                return before(statement, clauses[0])
            if isinstance(clauses[0], list | tuple):
                note("select-arguments")
                clauses = tuple(clauses[0])
        for each in clauses:
            if isinstance(each, str):
                clauses = tuple(map(label, clauses))
                break
        return before(statement, *clauses)

    return order_by


@method(Select, "with_only_columns")
def _only_columns(before: Callable[..., Any], statement: Any, *columns: Any, **kw: Any) -> Any:
    if len(columns) == 1 and isinstance(columns[0], list | tuple):
        note("only-columns-list")
        columns = tuple(each for column in columns[0] for each in _columns(column))
    return before(statement, *columns, **kw)


@method(Join, "alias")
def _alias_of_join(_before: object, join: Any, name: Any = None, flat: bool = False) -> Any:
    note("join-alias")
    return join._anonymous_fromclause(name=name, flat=flat)


_FROM = (Join, TableClause, Subquery, Alias)


@replaced(Select, "select_from")
def _select_from(before: Callable[..., Any]) -> Callable[..., Any]:
    def select_from(statement: Any, *sources: Any) -> Any:
        if len(sources) == 1 and isinstance(sources[0], _FROM):
            return before(statement, sources[0])  # which is quicker than with *sources
        return before(statement, *map(_source_of, sources))

    return select_from


def _source_of(value: Any) -> Any:
    return _source(value) if isinstance(value, str) else value


def _appending(name: str) -> Callable[..., None]:
    def append(statement: Any, *args: Any) -> None:
        note("select-append")
        if name == "add_columns":
            args = tuple(each for column in args for each in _columns(column))
        changed = getattr(statement, name)(*args)
        changed._propagate_attrs = changed._propagate_attrs or CORE
        vars(changed).pop(SUBQUERY, None)
        vars(statement).clear()
        vars(statement).update(vars(changed))

    return append


for _old, _new in {
    "append_whereclause": "where", "append_column": "add_columns", "append_from": "select_from",
    "append_having": "having", "append_correlation": "correlate", "append_prefix": "prefix_with",
}.items():  # fmt: skip
    missing(Select, _old)(_appending(_new))


for _old, _new in {"append_order_by": "order_by", "append_group_by": "group_by"}.items():
    missing(GenerativeSelect, _old)(_appending(_new))


@missing(GenerativeSelect, "apply_labels")
def _apply_labels(statement: Any) -> Any:
    note("select-labels")
    return statement.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)


@missing(SelectBase, "autocommit")
def _autocommit(statement: Any) -> Any:
    note("autocommit-option", old="autocommit() of a statement")
    return statement.execution_options(autocommit=True)
