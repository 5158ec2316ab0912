"""Expressions that took lists, or text: case(), exists(), text() and others."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from operator import truediv
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.sql.expression import BinaryExpression, ColumnElement, Executable, Exists
from sqlalchemy.types import NullType

from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, method, replaced, with_one
from sqlsoup.legacy._selects import OF_SOURCE, POSITIONAL, column_of, plain, with_arguments
from sqlsoup.legacy._text import label, listed, textual, with_bind

if TYPE_CHECKING:
    from collections.abc import Callable


def _of_tuples(*args: Any, **kw: Any) -> Any:
    before: Any = "BEFORE"
    handler: Any = "HANDLER"
    for each in args:
        if type(each) is not tuple or not each or type(each[0]) in (tuple, list):
            return handler(*args, **kw)
    return handler(*args, **kw) if not args or "whens" in kw else before(*args, **kw)


@function(sa.case, template=_of_tuples)
def _case(before: Callable[..., Any], *whens: Any, **kw: Any) -> Any:
    if "whens" in kw:
        note("case-list")
        whens = (kw.pop("whens"), *whens)
    first: Any = whens[0] if whens else None
    others = whens[1:]
    if isinstance(first, Iterator) or _is_tuple_of_whens(first):
        first = list(first)
    if not _is_list_of_whens(first) and not (others and isinstance(first, dict)):
        return before(*whens, **kw)
    note("case-list")
    arguments = dict(zip(("value", "else_"), others, strict=False)) | kw
    if isinstance(first, dict):
        return before(first, **arguments)
    return before(*(tuple(when) if isinstance(when, list) else when for when in first), **arguments)


def _is_tuple_of_whens(first: Any) -> bool:
    return isinstance(first, tuple) and all(isinstance(each, list | tuple) for each in first)


def _is_list_of_whens(first: Any) -> bool:
    """Tell a list of them from one of them, which may be a list."""
    return isinstance(first, list) and all(isinstance(each, list | tuple) for each in first)


def _of_columns(*args: Any, **kw: Any) -> Any:
    before: Any = "BEFORE"
    handler: Any = "HANDLER"
    old: Any = "OLD"
    if kw or len(args) > 1 or (args and isinstance(args[0], old)):
        return handler(*args, **kw)
    return before(*args)


@function(sa.exists, template=_of_columns, OLD=(list, tuple, str))
def _exists(before: Callable[..., Any], *args: Any, **kw: Any) -> Any:
    note("exists-list")
    columns = args[0] if args else [sa.literal_column("*")]
    return before(
        with_arguments(
            plain(sa.select(*map(column_of, listed(columns)))),
            dict(zip(POSITIONAL, args, strict=False)) | kw,
            "exists",
        )
    )


@method(Exists, "select")
def _select_exists(before: Callable[..., Any], exists: Any, *args: Any, **kw: Any) -> Any:
    old = dict(zip(OF_SOURCE, args, strict=False)) | kw
    if old:
        note("table-select")
    return with_arguments(before(exists), old)


@function(sa.text, template=with_one)
def _text(before: Callable[..., Any], text: str, *args: Any, **kw: Any) -> Any:
    element: Any = before(text)
    old = dict(zip(("bind", "bindparams", "typemap", "autocommit"), args, strict=False)) | kw
    if old.keys() - {"bind"}:
        note("text-arguments")
    if old.get("bindparams"):
        element = element.bindparams(*old["bindparams"])
    if old.get("autocommit") is not None:
        element = element.execution_options(autocommit=old["autocommit"])
    if old.get("typemap"):
        element = element.columns(**old["typemap"])
    return with_bind(element, **{name: old[name] for name in ("bind",) if name in old})


def _without_text(*args: Any, **kw: Any) -> Any:
    before: Any = "BEFORE"
    handler: Any = "HANDLER"
    for each in args:
        if isinstance(each, str):
            return handler(*args, **kw)
    return before(*args, **kw)


@function(sa.and_, sa.or_, template=_without_text)
def _conjunction(before: Callable[..., Any], *clauses: Any) -> Any:
    return before(*map(textual, clauses))


@function(sa.not_, template=_without_text)
def _negation(_before: object, clause: str) -> Any:
    return sa.text(f"NOT ({textual(clause)})")


@function(sa.desc, sa.asc, template=_without_text)
def _ordered(before: Callable[..., Any], column: Any) -> Any:
    return before(label(column))


@replaced(type(sa.func.x), "__call__")
def _call_function(before: Callable[..., Any]) -> Callable[..., Any]:
    def call(maker: Any, *args: Any, **kw: Any) -> Any:
        if not kw:
            return before(maker, *args)
        given = {"bind": kw.pop("bind")} if "bind" in kw else {}
        return with_bind(before(maker, *args, **kw), **given)

    return call


@replaced(ColumnElement, "__truediv__", "__rtruediv__")
def _divide(before: Callable[..., Any]) -> Callable[..., Any]:
    """Leave the division of whole numbers to the database, as it was, and not to decimals."""

    def divide(element: ColumnElement[Any], other: Any) -> Any:
        if element.type._type_affinity not in _WHOLE or type(other) is float:
            return before(element, other)
        made = before(element, other)
        if not isinstance(made, BinaryExpression) or made.operator is not truediv:
            return made
        left, right = made.left, made.right
        if left.type._type_affinity not in _WHOLE or right.type._type_affinity not in _WHOLE:
            return made
        note("integer-division")
        return left.op("/", _OF_DIVISION, return_type=left.type)(right)

    return divide


_WHOLE = (sa.Integer, NullType)
"""What whole numbers are of, and what may be one."""


_OF_DIVISION = 8
"""Its precedence, which is that of SQLAlchemy."""


@replaced(Executable, "execution_options")
def _execution_options(before: Callable[..., Any]) -> Callable[..., Any]:
    def execution_options(statement: Any, **options: Any) -> Any:
        if hasattr(statement, "_generate"):
            return before(statement, **options)
        note(
            "name",
            old="execution_options() of a program's own kind of statement",
            instead="connection.execution_options(...)",
        )
        made = copy(statement)
        made._execution_options = made._execution_options.union(options)
        return made

    return execution_options
