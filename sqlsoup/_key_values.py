"""Values of primary keys as a column rounds, cuts or pads them.

The row of a key that is stored otherwise than it was given would not be found again.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import String, TypeDecorator, event

from sqlsoup._single import nearest, shortest

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Table
    from sqlalchemy.orm import Mapper


def set_as_stored(mapper: Mapper[Any]) -> None:
    """Have values that are set for a key be those that PostgreSQL or MariaDB stores for them."""
    for column in mapper.primary_key:
        stored = _stored(column.type)
        if stored is not None:
            attribute = getattr(mapper.class_, mapper.get_property_by_column(column).key)
            event.listen(attribute, "set", partial(_set, stored), **_DIRECTLY)


_DIRECTLY: dict[str, Any] = {"raw": True, "retval": True, "include_key": True}
"""Options with which SQLAlchemy calls a listener itself, and not a function that calls it."""


def _set(
    stored: Callable[[Any], Any], _row: object, value: Any, *_more: object, **_options: object
) -> Any:
    return stored(value)


def _stored(kind: Any) -> Callable[[Any], Any] | None:
    while isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    if hasattr(kind, "as_key"):
        return kind.as_key  # type: ignore[no-any-return]
    return _as_stored(kind, kind.__visit_name__) if hasattr(kind, CUTS) else None


def _as_stored(kind: Any, name: str) -> Callable[[Any], Any] | None:
    if name in {"DATETIME", "TIMESTAMP", "TIME"}:
        digits = kind.fsp or 0 if hasattr(kind, "fsp") else kind.precision
        digits = _MICROSECONDS if digits is None else min(digits, _MICROSECONDS)
        cut = partial(_shortened, 10 ** (_MICROSECONDS - digits), getattr(kind, CUTS))
        return cut if digits < _MICROSECONDS else None
    if hasattr(kind, "scale"):
        step = None if kind.scale is None else Decimal(1).scaleb(-kind.scale)
        if name in SINGLE:
            return partial(_single, step)
        return None if step is None else partial(_of_scale, step)
    if isinstance(kind, String):
        return None if name == "ENUM" else _text
    if name == "BINARY":
        return partial(_padded, kind.length or 1)
    return _day if name == "DATE" else None


CUTS = "_sqlsoup_cuts"
"""Attribute of a type that stores values of another precision: whether it cuts their fractions."""
SINGLE = frozenset(("FLOAT", "REAL"))
"""The names of types of single precision."""
_MICROSECONDS = 6


def note_cuts(table: Table, *, cuts: bool) -> None:
    """Note of the types of a table, where they are of a key or may be of one that is named."""
    for column in table.columns:
        if column.primary_key or column.foreign_keys or not table.primary_key:
            setattr(column.type, CUTS, cuts)


def _shortened(step: int, cuts: bool, value: Any) -> Any:
    if not isinstance(value, datetime | time):
        return value
    rest = value.microsecond % step
    up = not cuts and rest * 2 >= step
    cut = value.replace(microsecond=value.microsecond - rest)
    if not up:
        return cut
    if isinstance(cut, datetime):
        return cut + timedelta(microseconds=step)
    later = cut.microsecond + step
    return cut.replace(microsecond=later) if later < 10**6 else value


def _of_scale(step: Decimal, value: Any) -> Any:
    if isinstance(value, float):
        value = Decimal(repr(value))
    exact = isinstance(value, Decimal) and value.is_finite()
    return value.quantize(step, ROUND_HALF_UP, _LONG) if exact else value


_LONG = Context(prec=10**6)


def _single(step: Decimal | None, value: Any) -> Any:
    number = nearest(value if step is None else _of_scale(step, value))
    return shortest(number) if isinstance(number, float) else number


def _text(value: Any) -> Any:
    """Return the text of a number, with which MariaDB finds ``'05'`` equal, and PostgreSQL none."""
    if value.__class__ is str:
        return value
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    return str(value) if type(value) is int or isinstance(value, UUID) else value


def _padded(length: int, value: Any) -> Any:
    return bytes(value).ljust(length, b"\0") if isinstance(value, bytes | bytearray) else value


def _day(value: Any) -> Any:
    return value.date() if isinstance(value, datetime) else value
