"""Rows of queries where the tuples are wanted that they were: JSON, ``%``, ``+``; columns ``t``."""

from __future__ import annotations

from functools import partial
from inspect import getattr_static
from json import JSONEncoder
from typing import TYPE_CHECKING, Any

from sqlalchemy import Alias, Join, Table
from sqlalchemy.engine import IteratorResult, Result, Row
from sqlalchemy.engine.result import SimpleResultMetaData

from sqlsoup.legacy import _patch
from sqlsoup.legacy._frames import (
    asking,
    is_asked_if_tuple,
    is_call,
    is_new_to,
    is_ours,
    is_value_in_format,
    place_of,
)
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import method, missing, plan, replace
from sqlsoup.legacy._rows import Native, TableRow

if TYPE_CHECKING:
    from collections.abc import Callable


def _is_of_query(row: Row[Any]) -> bool:
    return isinstance(row._parent, SimpleResultMetaData)


@method(JSONEncoder, "__init__")
def _init(before: Callable[..., None], encoder: Any, /, **kw: Any) -> None:
    before(encoder, **kw)
    default = encoder.default  # of a class or an argument, which would make text of a row
    encoder.default = lambda value: _jsonable(default, value)


@method(JSONEncoder, "default")
def _default(before: Callable[..., Any], encoder: JSONEncoder, value: Any) -> Any:
    return _jsonable(lambda other: before(encoder, other), value)


def _jsonable(default: Callable[[Any], Any], value: Any) -> Any:
    if not isinstance(value, Row) or not _is_of_query(value) or not _patch._applied:
        return default(value)
    note("row-tuple", old="a row of a query in JSON", instead="list(row)")
    return list(value)


class QueryRow(Native):
    """A row of a query, which was a tuple: it answers to no names, and is quick for it."""

    __slots__ = ()

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
        # what isinstance() asks beside the type
        frame = asking()
        if is_ours(frame) or is_new_to(frame) or not is_asked_if_tuple(*place_of(frame)):
            return Row
        note(
            "row-tuple",
            old="isinstance(row, tuple) of a row of a query",
            instead="isinstance(row, sqlalchemy.Row)",
        )
        return tuple

    def __str__(self) -> str:
        if len(self) != 1 or not is_value_in_format(asking(), self):
            return repr(self)
        note("row-tuple", old="'%s' % row", instead="'%s' % row[0]")
        return str(self[0])


QueryRow.__name__, QueryRow.__qualname__, QueryRow.__module__ = "Row", "Row", Row.__module__


@plan
def _rows_of_queries() -> None:
    native: Any = getattr_static(Result, "_row_getter")

    def _row_getter(result: Any) -> Any:
        made, single = native.fget(result), _maker(result)
        many = lambda rows: [single(row) for row in rows]  # noqa: E731
        return (single, many, made[2]) if isinstance(made, tuple) else single  # which is 2.0's

    replace(IteratorResult, "_row_getter", type(native)(_row_getter))


def _maker(result: Any) -> Callable[[Any], Row[Any]]:
    """Return what makes a row of the values that the ORM has loaded.

    That of a statement which a session has executed, and not for a Query, is none of a Query.
    """
    options = getattr(getattr(result.raw, "context", None), "execution_options", {})
    is_of_session = "_result_disable_adapt_to_context" in options
    loading = options.get("_sa_orm_load_options")
    is_of_query = not is_of_session or getattr(loading, "_legacy_uniquing", False)
    row = QueryRow if is_of_query else TableRow if _is_of_table(result.raw.context) else Native
    make = partial(row, result._metadata, None, result._metadata._key_to_index)
    if result._source_supports_scalars:
        return lambda value: make((value,))
    chosen = result._metadata._tuplefilter
    return make if chosen is None else lambda values: make(chosen(values))


def _is_of_table(context: Any) -> bool:
    """Tell if an executed select has a table for its columns, as that of ``table.select()``."""
    state = getattr(context.compiled, "compile_state", None)
    columns: Any = getattr(getattr(state, "select_statement", None), "_raw_columns", ())
    return len(columns) == 1 and type(columns[0]) in (Table, Alias, Join)


@missing(Row, "__radd__")
def _radd(row: Row[Any], other: Any) -> Any:
    if not isinstance(other, tuple):
        return NotImplemented
    note("row-values")
    return other + tuple(row)


class _ColumnFirst:
    """A property or method that SQLAlchemy 2 has added, which gives way to a column of its name."""

    def __init__(self, name: str, native: Any) -> None:
        self.name, self.native = name, native

    def __get__(self, row: Row[Any] | None, owner: type) -> Any:
        if row is None or self.name not in row._fields:
            return self.native.__get__(row, owner)
        frame = asking()
        if is_ours(frame) or (self.name == "tuple" and is_call(frame)):
            return self.native.__get__(row, owner)
        note(
            "row-name",
            old=f"row.{self.name} of a column {self.name!r}",
            instead=f"row._mapping[{self.name!r}]",
        )
        return row._mapping[self.name]


@plan
def _columns_first() -> None:
    for name in ("t", "tuple"):
        replace(Row, name, _ColumnFirst(name, vars(Row)[name]))
