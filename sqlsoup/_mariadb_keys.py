"""What MariaDB and MySQL make of values for a key that are of another type than the column."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Integer, String

from sqlsoup._numbers import is_number, is_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def of_mariadb(kind: Any, name: str) -> Callable[[Any], Any] | None:
    """Return what makes of values of a type those that are stored, for what is no other's."""
    if name == "YEAR":
        return _year
    if name == "DOUBLE" and kind.scale is None and kind.asdecimal:
        return _double
    if name == "ENUM" and hasattr(kind, "charset"):
        return partial(_of_enum, kind.enums)
    if isinstance(kind, Integer) and hasattr(kind, "unsigned"):
        return integer_of_mariadb
    text = isinstance(kind, String) and hasattr(kind, "charset") and name != "CHAR"
    return text_of_mariadb if text else None


def integer_of_mariadb(value: Any) -> Any:
    """Return the integer next to a number: a double of a half becomes an even one."""
    if isinstance(value, float):
        return round(value)
    if isinstance(value, str) and is_number(value):
        value = Decimal(value.strip())
    if isinstance(value, Decimal) and abs(value) < 2**64:
        return int(value.to_integral_value(ROUND_HALF_UP))
    return value


def _year(value: Any) -> Any:
    """Return the year that one or two digits stand for; the number 0 is the year 0."""
    of_text = isinstance(value, str) and len(value) <= 2  # noqa: PLR2004
    year = integer_of_mariadb(value)
    short = isinstance(year, int) and 0 <= year < 100 and (year or of_text)  # noqa: PLR2004
    return year + (2000 if year < 70 else 1900) if short else year  # noqa: PLR2004


def _double(value: Any) -> Any:
    number = isinstance(value, float | int | Decimal)
    if number or (isinstance(value, str) and is_number(value)):
        return Decimal(repr(float(value)))
    return value


def member(members: Sequence[str], value: Any) -> Any:
    """Return the member of an ``ENUM`` or ``SET`` that text is, in whatever case."""
    if value in members or not isinstance(value, str):
        return value
    same = [each for each in members if bare(each) == bare(value)]
    return same[0] if len(same) == 1 else value


def _of_enum(members: Sequence[str], value: Any) -> Any:
    found = member(members, value)
    numbered = isinstance(found, str) and found not in members and is_whole(found)
    place = int(found) if numbered else 0
    return members[place - 1] if 0 < place <= len(members) else found


def bare(value: str) -> str:
    """Return text without what may count for nothing: case, accents, spaces at the end."""
    folded = value.casefold().rstrip()
    if not folded.isascii():
        from unicodedata import combining, normalize

        folded = "".join(each for each in normalize("NFKD", folded) if not combining(each))
    return folded


def text_of_mariadb(value: Any) -> Any:
    """Return the text of a value; MariaDB finds ``'05'`` equal to a number."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, bytes | bytearray) and value.isascii():
        return value.decode()
    if isinstance(value, float) and (value == 0 or _LEAST <= abs(value) < _MOST):
        value = Decimal(repr(value)).normalize()
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    zoned = getattr(value, "tzinfo", None) is not None
    return str(value) if isinstance(value, _OF_TEXT) and not zoned else value


_LEAST, _MOST = 1e-15, 1e15
"""Between these a double has no exponent as text."""
_OF_TEXT = int, UUID, date, datetime, time
