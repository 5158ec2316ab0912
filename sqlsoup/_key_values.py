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

from sqlalchemy import BINARY, VARBINARY, ClauseElement, Enum, Integer, LargeBinary, String, Uuid

from sqlsoup._mariadb_keys import integer_of_mariadb, of_mariadb, text_of_mariadb
from sqlsoup._numbers import is_number, is_whole, nearest, shortest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from sqlalchemy import Table


NOTHING: frozenset[type] = frozenset((type(None),))
"""The type of no value, which is always left as it is."""


def is_sql(value: object) -> bool:
    """Tell if a value is an expression, which the database is yet to evaluate."""
    return isinstance(value, ClauseElement) or hasattr(value, "__clause_element__")


def takes_place(row: Any, keys: Collection[Any]) -> bool:
    """Tell if a row, by its state, is new and has the identity key of another."""
    if not keys or row.key is not None:
        return False
    return row.mapper.identity_key_from_instance(row.obj()) in keys


def as_stored(kind: Any, *, cuts: bool) -> Callable[[Any], Any]:
    """Return what makes of values of a type those that a server stores, as far as Python can."""
    name = kind.__visit_name__
    if made := of_mariadb(kind, name):
        return made
    if name == "DATE":
        return _day
    if name in {"DATETIME", "TIMESTAMP", "TIME"}:
        return _as_moment(kind, name, cuts=cuts)
    if hasattr(kind, "scale"):
        step = None if kind.scale is None else Decimal(1).scaleb(-kind.scale)
        stored = partial(_single if name in SINGLE else _of_scale, step)
        return partial(_number, Decimal if kind.asdecimal else float, stored)
    make = next((make for cls, make in _BY_CLASS if isinstance(kind, cls)), None)
    return make(kind, name) if make else _same


def _same(value: Any) -> Any:
    return value


def _as_moment(kind: Any, name: str, *, cuts: bool) -> Callable[[Any], Any]:
    digits = kind.fsp or 0 if hasattr(kind, "fsp") else kind.precision
    digits = _MICROSECONDS if digits is None else min(digits, _MICROSECONDS)
    stored = partial(_shortened, 10 ** (_MICROSECONDS - digits), cuts)
    read = time.fromisoformat if name == "TIME" else datetime.fromisoformat
    return partial(_moment, read, bool(getattr(kind, "timezone", False)), stored)


CUTS = "_sqlsoup_cuts"
"""Attribute of a type of a key: whether fractions of moments are cut; of SQLite, the affinity."""
AS_STORED = "_sqlsoup_as_stored"
"""Attribute of a type that has no length itself: another one, to which PostgreSQL cuts values."""
SINGLE = frozenset(("FLOAT", "REAL"))
"""The names of types of single precision."""
_MICROSECONDS = 6


def is_of_server(kind: Any) -> bool:
    """Tell if a type is that of a key of another database than SQLite."""
    return isinstance(getattr(kind, CUTS, None), bool)


def note_cuts(table: Table, cuts: bool | Mapping[str, str]) -> None:
    """Note of the types of a table, where they are of a key or may be of one that is named.

    :param cuts: for SQLite the affinities of the columns.
    """
    for column in table.columns:
        if column.primary_key or column.foreign_keys or not table.primary_key:
            known = cuts if isinstance(cuts, bool) else cuts.get(column.name, "")
            setattr(column.type, CUTS, known)


def _moment(
    read: Callable[[str], Any], zoned: bool, stored: Callable[[Any], Any], value: Any
) -> Any:
    if isinstance(value, str):
        found = read(value) if re.fullmatch(_ISO, value) else value
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
    later = datetime.combine(date.min, cut) + timedelta(microseconds=step)
    if later.date() > date.min:
        raise OverflowError("24:00 is no time to Python")
    return later.timetz()


_TIME = r"(?!24)[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_ISO = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([ T]{_TIME}(Z|[+-][0-9:]+)?)?|{_TIME}"
"""Text of a moment that Python reads as the databases do: ``10`` is ten seconds to MariaDB."""


def _number(kind: type[Any], stored: Callable[[Any], Any], value: Any) -> Any:
    if kind is Decimal and isinstance(value, float):
        value = Decimal(repr(value))
    inexact = kind is float and isinstance(value, Decimal | int)
    if inexact or (isinstance(value, str) and is_number(value)):
        found = kind(value)
        value = value if math.isinf(found) else found
    return stored(value)


def _integer(value: Any) -> Any:
    return int(value) if isinstance(value, str) and is_whole(value) else value


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
    if isinstance(value, float | int):
        value = Decimal(repr(value))
    exact = isinstance(value, Decimal) and value.is_finite()
    return value.quantize(step, ROUND_HALF_UP, _LONG) if exact else value


_LONG = Context(prec=10**6)


def _single(step: Decimal | None, value: Any) -> Any:
    number = nearest(value if step is None else _of_scale(step, value))
    return shortest(number) if isinstance(number, float) else number


def _text(value: Any) -> Any:
    """Return the text of a number, with which PostgreSQL finds none equal."""
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    return str(value) if type(value) is int or isinstance(value, UUID) else value


def _char(kind: Any, value: Any) -> Any:
    """Return text as ``CHAR`` has it: without spaces at its end on MariaDB, filled up elsewhere."""
    padded = not hasattr(kind, "charset")
    value = _text(value) if padded else text_of_mariadb(value)
    if not isinstance(value, str):
        return value
    text = value.rstrip(" ")
    return text.ljust(kind.length or 1) if padded else text


def _bytes(length: int, value: Any) -> Any:
    given = isinstance(value, bytes | bytearray | memoryview)
    return bytes(value).ljust(length, b"\0") if given else value


def _day(value: Any) -> Any:
    if isinstance(value, str):
        return datetime.fromisoformat(value).date() if re.fullmatch(_ISO, value) else value
    return value.date() if isinstance(value, datetime) else value


_BY_CLASS: tuple[tuple[Any, Callable[[Any, str], Callable[[Any], Any]]], ...] = (
    (Integer, lambda *_: _integer),
    (Enum, lambda *_: _same),
    (String, lambda kind, name: partial(_char, kind) if name == "CHAR" else _text),
    (Uuid, lambda kind, _: uuid_of if kind.as_uuid else text_of_uuid),
    (
        (LargeBinary, BINARY, VARBINARY),
        lambda kind, name: partial(_bytes, kind.length or 1 if name == "BINARY" else 0),
    ),
)
EXACT: dict[Callable[[Any], Any], frozenset[type]] = {
    _integer: NOTHING | {int},
    integer_of_mariadb: NOTHING | {int},
    _text: NOTHING | {str},
    text_of_mariadb: NOTHING | {str},
    uuid_of: NOTHING | {UUID},
}
"""The types whose values are returned as they are."""
