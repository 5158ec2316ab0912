"""Values of primary keys as a column rounds, cuts or pads them, in the type that they come back in.

The row of a key that is stored otherwise than it was given would not be found again, or be there
twice: as the object that was inserted and as the one that a query gives.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    BINARY,
    VARBINARY,
    Integer,
    LargeBinary,
    String,
    TypeDecorator,
    Uuid,
    event,
)

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
            event.listen(attribute, "set", partial(_set, stored, _EXACT.get(stored)), **_DIRECTLY)


_DIRECTLY: dict[str, Any] = {"raw": True, "retval": True, "include_key": True}
"""Options with which SQLAlchemy calls a listener itself, and not a function that calls it."""


def _set(
    stored: Callable[[Any], Any],
    exact: type[Any] | None,
    _row: object,
    value: Any,
    _old: object,
    _initiator: object,
    key: object = None,  # noqa: ARG001 - of what a dict holds
) -> Any:
    if value.__class__ is exact:
        return value
    try:
        return stored(value)
    except (ArithmeticError, TypeError, ValueError):  # only the database can tell what it is
        return value


def _stored(kind: Any) -> Callable[[Any], Any] | None:
    while isinstance(kind, TypeDecorator) and not hasattr(kind, "as_key"):
        kind = kind.impl_instance
    if hasattr(kind, "as_key"):
        return kind.as_key  # type: ignore[no-any-return]
    return _as_stored(kind, kind.__visit_name__) if hasattr(kind, CUTS) else None


def _as_stored(kind: Any, name: str) -> Callable[[Any], Any] | None:
    if getattr(kind, CUTS) is None:
        return _integer_of_sqlite if isinstance(kind, Integer) else _text
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name in {"DATETIME", "TIMESTAMP", "TIME"}:
        return _as_moment(kind, name)
    if hasattr(kind, "scale"):
        step = None if kind.scale is None else Decimal(1).scaleb(-kind.scale)
        stored = partial(_single if name in SINGLE else _of_scale, step)
        return partial(_number, Decimal if kind.asdecimal else float, stored)
    make = next((make for cls, make in _BY_CLASS if isinstance(kind, cls)), None)
    return make and make(kind, name)


def _as_moment(kind: Any, name: str) -> Callable[[Any], Any]:
    digits = kind.fsp or 0 if hasattr(kind, "fsp") else kind.precision
    digits = _MICROSECONDS if digits is None else min(digits, _MICROSECONDS)
    stored = partial(_shortened, 10 ** (_MICROSECONDS - digits), getattr(kind, CUTS))
    read = time.fromisoformat if name == "TIME" else datetime.fromisoformat
    return partial(_moment, read, bool(getattr(kind, "timezone", False)), stored)


CUTS = "_sqlsoup_cuts"
"""Attribute of a type that stores values of another precision: whether it cuts their fractions."""
SINGLE = frozenset(("FLOAT", "REAL"))
"""The names of types of single precision."""
_MICROSECONDS = 6


def note_cuts(table: Table, *, cuts: bool | None) -> None:
    """Note of the types of a table, where they are of a key or may be of one that is named.

    :param cuts: None for SQLite, which has nothing but numbers and text.
    """
    for column in table.columns:
        kind = column.type
        if cuts is None and not isinstance(kind, Integer | String):
            continue
        if column.primary_key or column.foreign_keys or not table.primary_key:
            setattr(kind, CUTS, cuts)


def _moment(
    read: Callable[[str], Any], zoned: bool, stored: Callable[[Any], Any], value: Any
) -> Any:
    if isinstance(value, str):
        found = read(value) if _ISO.fullmatch(value) else value
        # the databases do not convert the time zone of text, and the drivers do
        value = value if getattr(found, "tzinfo", None) and not zoned else found
    elif type(value) is date:
        value = datetime.combine(value, time())
    elif isinstance(value, timedelta) and value.days == 0:  # a TIME of MariaDB
        value = (datetime.combine(date.min, time()) + value).time()
    return stored(value)


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


_TIME = r"(?!24)[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_ISO = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([ T]{_TIME}(Z|[+-][0-9:]+)?)?|{_TIME}")
"""Text of a moment that Python reads as the databases do: ``10`` is ten seconds to MariaDB."""


def _number(kind: type[Any], stored: Callable[[Any], Any], value: Any) -> Any:
    inexact = kind is float and isinstance(value, Decimal)
    if inexact or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        found = kind(value)
        value = value if math.isinf(found) else found
    return stored(value)


_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")


def _integer(value: Any) -> Any:
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value


def _integer_of_sqlite(value: Any) -> Any:
    found = _integer(value)
    fits = not isinstance(found, int) or abs(found) < 2**63  # others become inexact numbers
    return found if fits else value


def uuid_of(value: Any) -> Any:
    """Return the UUID that text stands for.

    :raises ValueError: the text is none.
    """
    return UUID(value) if isinstance(value, str) else value


def text_of_uuid(value: Any) -> Any:
    """Return a UUID as the text that the database gives."""
    found = uuid_of(value)
    return str(found) if isinstance(found, UUID) else value


def _of_scale(step: Decimal | None, value: Any) -> Any:
    if step is None:
        return value
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
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    return str(value) if type(value) is int or isinstance(value, UUID) else value


def _char(kind: Any, value: Any) -> Any:
    """Return text as ``CHAR`` has it: without spaces at its end on MariaDB, filled up elsewhere."""
    value = _text(value)
    if not isinstance(value, str):
        return value
    text = value.rstrip(" ")
    return text if hasattr(kind, "charset") else text.ljust(kind.length or 1)


def _bytes(length: int, value: Any) -> Any:
    given = isinstance(value, bytes | bytearray | memoryview)
    return bytes(value).ljust(length, b"\0") if given else value


def _range(step: Any, value: Any) -> Any:
    """Return a range with the bounds that PostgreSQL gives it, of which equal ones have the same.

    :param step: what is between a value and the next, or None for numbers and moments.
    """
    if getattr(value, "empty", True):
        return value
    lower, upper, (begin, end) = value.lower, value.upper, value.bounds
    if lower is None:
        begin = "("
    elif step and begin == "(":
        lower, begin = lower + step, "["
    if upper is None:
        end = ")"
    elif step and end == "]":
        upper, end = upper + step, ")"
    if lower == upper is not None and begin + end != "[]":
        return type(value)(empty=True)
    return type(value)(lower, upper, bounds=begin + end)


def _day(value: Any) -> Any:
    if isinstance(value, str):
        return date.fromisoformat(value) if _ISO.fullmatch(value) else value
    return value.date() if isinstance(value, datetime) else value


_BY_NAME: dict[str, Callable[[Any], Any] | None] = {
    "DATE": _day,
    "ENUM": None,
    "INT4RANGE": partial(_range, 1),
    "INT8RANGE": partial(_range, 1),
    "DATERANGE": partial(_range, timedelta(1)),
    **dict.fromkeys(("NUMRANGE", "TSRANGE", "TSTZRANGE"), partial(_range, None)),
}
_BY_CLASS: tuple[tuple[Any, Callable[[Any, str], Callable[[Any], Any]]], ...] = (
    (Integer, lambda *_: _integer),
    (String, lambda kind, name: partial(_char, kind) if name == "CHAR" else _text),
    (Uuid, lambda kind, _: uuid_of if kind.as_uuid else text_of_uuid),
    (
        (LargeBinary, BINARY, VARBINARY),
        lambda kind, name: partial(_bytes, kind.length or 1 if name == "BINARY" else 0),
    ),
)
_EXACT: dict[Callable[[Any], Any], type[Any]] = {
    _integer: int,
    _integer_of_sqlite: int,
    _text: str,
    uuid_of: UUID,
}
"""The type whose values are returned as they are."""
