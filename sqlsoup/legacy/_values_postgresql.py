"""Types of PostgreSQL whose values are those of SQLAlchemy 1.3 with psycopg2."""

# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import types as sqltypes
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.types import TypeDecorator

from sqlsoup._key_values import text_of_uuid
from sqlsoup._postgresql_types import Array, Plain
from sqlsoup.legacy._values import OfColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlsoup._postgresql_facts import Type


class _Decorated(OfColumn, TypeDecorator[Any]):
    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind
        self.impl = kind

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """Return what the type itself says, as a range is compared with a number too."""
        return self.kind.coerce_compared_value(op, value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        """Return the value as it was, and note that."""
        old = None if value is None else self._as_then(value, dialect)
        if old is not value:
            self.note_value()
        return old

    def _as_then(self, value: Any, dialect: Any) -> Any:
        """Return the value as it was."""


class UUID(_Decorated):
    """A UUID as text."""

    impl = sqltypes.UUID
    cache_ok = True

    def as_key(self, value: Any) -> Any:
        """Return a key as it comes back."""
        return text_of_uuid(value)

    def _as_then(self, value: Any, dialect: Any) -> Any:  # noqa: ARG002
        return str(value)


class Range(_Decorated):
    """A range as psycopg2 has it."""

    impl = pg.INT4RANGE
    cache_ok = True

    def _as_then(self, value: Any, dialect: Any) -> Any:
        if dialect.driver != "psycopg2":
            return value
        cls = getattr(dialect.dbapi.extras, _RANGES[type(self.kind)])
        return cls(value.lower, value.upper, value.bounds, value.empty)


_RANGES: dict[Any, str] = {
    pg.INT4RANGE: "NumericRange",
    pg.INT8RANGE: "NumericRange",
    pg.NUMRANGE: "NumericRange",
    pg.DATERANGE: "DateRange",
    pg.TSRANGE: "DateTimeRange",
    pg.TSTZRANGE: "DateTimeTZRange",
}


class PlainArray(OfColumn, Plain):
    """An array as the driver gives it: one text for all of it, where it does not know the type."""

    cache_ok = True

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Any]:  # noqa: ARG002
        """Return what notes the value."""
        return self.noted


_LISTS = {
    *("char", "macaddr", "name", "oid"),
    *("bit", "money", "regclass", "tsvector", "varbit"),
}
"""Types of which 1.3 knew arrays: psycopg2 makes lists of the first, 1.3 took the others apart."""

_UNREAD = {"bytea", "float4", "float8", "numeric"}
"""Types of which 1.3 could not read an array of a domain."""


def as_then(kind: Any, steps: Sequence[Type], where: str) -> Any:
    """Return the type of a column whose values are those of 1.3.

    :param kind: the type that SQLSoup gives it.
    :param steps: from the type of the column down to what is beneath.
    """
    if isinstance(kind, Array):
        return PlainArray(kind.name).of(where) if _was_text(steps) else kind
    return of_known(kind, where)


def of_known(kind: Any, where: str) -> Any:
    """Return the same for a type of SQLAlchemy, or an array of it."""
    item = getattr(kind, "item_type", None)
    old = _one(kind if item is None else item)
    if old is None:
        return kind
    old.of(where)
    return old if item is None else pg.ARRAY(old)


def _one(kind: Any) -> Any:
    if isinstance(kind, sqltypes.Uuid):
        return UUID(kind)
    return Range(kind) if type(kind) in _RANGES else None


def _was_text(steps: Sequence[Type]) -> bool:
    """Tell if an array came as the driver has it, and was neither a list nor an error."""
    while steps[0].kind == "d":
        steps = steps[1:]
    _, item, *_ = steps
    last = steps[-1]
    if last.kind == "e":
        return False
    return last.name not in (_UNREAD if item.kind == "d" else _LISTS)
