"""Rows of queries where the tuples are wanted that they were: JSON, ``%``, ``+``; columns ``t``."""

from __future__ import annotations

from json import JSONEncoder
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Row
from sqlalchemy.engine.result import SimpleResultMetaData

from sqlsoup.legacy import _patch
from sqlsoup.legacy._frames import asking, is_call, is_ours, is_value_in_format
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import method, missing, plan, replace

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


@plan
def _str() -> None:
    def __str__(row: Row[Any]) -> str:  # noqa: N807
        if len(row) != 1 or not _is_of_query(row) or not is_value_in_format(asking(), row):
            return repr(row)
        note("row-tuple", old="'%s' % row", instead="'%s' % row[0]")
        return str(row[0])

    replace(Row, "__str__", __str__)


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
