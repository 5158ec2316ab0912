"""Rows that answer to names."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnClause, ColumnElement, Label
from sqlalchemy.engine import Result, Row
from sqlalchemy.engine.cursor import MD_OBJECTS, CursorResultMetaData
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.engine.row import BaseRow
from sqlalchemy.orm import QueryableAttribute

from sqlsoup.legacy._frames import (
    asking,
    has_another_way,
    is_call,
    is_new_to,
    is_ours,
    place_of,
)  # fmt: skip
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import missing, plan, replace, replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType


_made_dicts: set[tuple[object, int]] = set()
"""The calls that asked a row for its keys: dict(row) then asks for the values in the same call."""


_values_of: Any = Row._to_tuple_instance
"""What gives the values: quicker than the compiled ``__getitem__``, for which Python makes a tuple
of arguments at each call, and than the attribute ``_data``, which a compiled row finds last."""


@plan
def _getitem() -> None:
    def __getitem__(row: Any, key: Any) -> Any:  # noqa: N807 - as short as can be, for its speed
        try:
            return _values_of(row)[key]
        except TypeError:
            return _by_name(row, key, asking())

    replace(Row, "__getitem__", __getitem__)


class Native(Row[Any]):
    """A row as without the module: what the ORM of SQLAlchemy 2.0 makes objects of."""

    __slots__ = ()
    __getitem__ = vars(BaseRow)["__getitem__"]
    __contains__ = Row.__contains__


class TableRow(Row[Any]):
    """A row of ``table.select()`` with a criterion of a class: of a statement, made by the ORM."""

    __slots__ = ()


for _kind in (Native, TableRow):
    _kind.__name__, _kind.__qualname__, _kind.__module__ = "Row", "Row", Row.__module__


@plan
def _inner_rows() -> None:
    def raw_all_rows(result: Any) -> list[Any]:
        make = result._row_getter
        if getattr(make, "func", None) is Row:
            make = partial(Native, *make.args)
        return [make(row) for row in result._fetchall_impl()]

    replace(Result, "_raw_all_rows", raw_all_rows)


def _by_name(row: Row[Any], key: Any, frame: FrameType) -> Any:
    if place_of(frame) not in _made_dicts and not has_another_way(frame):
        note("row-name")
    return row._mapping[_known(row, key)]


def _known(row: Row[Any], key: Any) -> Any:
    """Return the name of a column that the row has by name alone, or else the key itself."""
    metadata = row._parent
    if (
        not isinstance(key, ColumnElement)
        or key in row._mapping
        or not isinstance(metadata, CursorResultMetaData)
    ):
        return key
    name: Any = getattr(key, "name", None)
    if name is None:
        labels = (each for each in metadata._keymap if isinstance(each, Label))
        return next((each for each in labels if each.element is key), key)
    names: tuple[Any, ...] = (getattr(key, "_tq_label", None), name)
    for known in names:  # of a table, users_name at first
        found = metadata._keymap.get(known)
        if found is not None and _is_alike(key, found[MD_OBJECTS] or ()):
            return known
    return key


def _is_alike(key: Any, of_name: Iterable[Any]) -> bool:
    """Tell if a column is one of those that have a name, or is so by it alone."""
    columns = [each for each in of_name if isinstance(each, ColumnElement)]
    return (
        not columns
        or getattr(key, "table", None) is None
        or any(
            key.shares_lineage(each)
            or (isinstance(each, ColumnClause) and (each.table is None or each.is_literal))
            for each in columns
        )
    )


@replaced(Row, "__contains__")
def _contains(_before: object) -> Callable[..., Any]:
    def contains(row: Any, key: Any) -> Any:
        # a query gave named tuples; what is no name, index or column is a value
        if (
            (isinstance(row._parent, SimpleResultMetaData) and type(row) is not TableRow)
            or not isinstance(key, str | int | ColumnElement | QueryableAttribute)
            or is_ours(asking())
        ):
            return key in _values_of(row)
        note("row-in")
        return _has_key(row, key)

    return contains


def _has_key(row: Row[Any], key: Any) -> bool:
    return _known(row, key) in row._mapping


@missing(Row, "_row", property)
def _data(row: Row[Any]) -> tuple[Any, ...]:
    note("row-values", old="row._row")
    return tuple(row)


@missing(Row, "__add__")
def _add(row: Row[Any], other: tuple[Any, ...]) -> tuple[Any, ...]:
    note("row-values")
    return tuple(row) + other


class _RowMethod:
    """A method of a row, which gives way to a column of its name unless it is called."""

    def __init__(self, form: str, values: Callable[..., Any]) -> None:
        self.form, self.values = form, values

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, row: Row[Any] | None, owner: type) -> Any:
        if row is None:
            return self
        frame = asking()
        if is_new_to(frame):
            raise AttributeError(self.name)
        if self.name in row._fields and not is_call(frame):
            return row._mapping[self.name]

        def call(*args: Any) -> Any:
            if note(self.form) and self.name == "keys":
                _made_dicts.add(place_of(asking()))
            return self.values(row, *args)

        return call


class _RowMethods:
    keys = _RowMethod("row-keys", lambda row: list(row._mapping.keys()))
    iterkeys = _RowMethod("row-keys", lambda row: iter(row._mapping.keys()))
    values = _RowMethod("row-values", list)
    itervalues = _RowMethod("row-values", iter)
    items = _RowMethod("row-items", lambda row: list(row._mapping.items()))
    has_key = _RowMethod("row-in", _has_key)


@plan
def _row_methods() -> None:
    for name, value in vars(_RowMethods).items():
        if isinstance(value, _RowMethod):
            replace(Row, name, value)
