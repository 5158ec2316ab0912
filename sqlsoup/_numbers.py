"""Numbers as text, and those of single precision: REAL of PostgreSQL, FLOAT of MariaDB and MySQL.

The latter come in as many digits as tell them from others, 0.1 for instance, and are compared with
what is given as doubles, where 0.1 is another number.
"""

# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any

from sqlalchemy import TypeDecorator
from sqlalchemy.sql import operators
from sqlalchemy.types import NullType

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine


def is_number(text: str) -> bool:
    """Tell if text is that of a number."""
    return bool(re.fullmatch(_NUMBER, text))


def is_whole(text: str) -> bool:
    """Tell if text is that of an integer, unless it is one that no database has."""
    return bool(re.fullmatch(_WHOLE, text))


# Patterns are compiled when they are first used, here and elsewhere: few programs come to it.
_NUMBER = r"(?a)\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*"
_WHOLE = r"(?a)\s*[+-]?[0-9]{1,20}\s*"


class Single(TypeDecorator[float]):
    """A type by which a row with such a number for a key is found again."""

    impl = NullType
    cache_ok = True

    def __init__(self, kind: TypeEngine[Any]) -> None:
        super().__init__()
        it: Any = self
        it.kind = it.impl = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Return the double that is equal to what is stored."""
        return nearest(value)

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """Return this type for a comparison; what is multiplied keeps its digits."""
        own: Any = self
        compared = op is not None and operators.is_comparison(op)
        return self if compared else own.kind.coerce_compared_value(op, value)


def nearest(value: Any) -> Any:
    """Return the number of single precision next to a number, or what is none."""
    try:
        return struct.unpack("<f", struct.pack("<f", float(value)))[0]
    except (TypeError, ValueError, OverflowError):
        return value


def shortest(value: float) -> float:
    """Return a number of single precision in the digits that tell it from others."""
    if abs(value) > _MOST:
        return value
    stored = struct.pack("<f", value)
    if struct.unpack("<f", stored) != (value,):  # a sum, for one
        return value
    found = (float(f"{value:.{digits}g}") for digits in range(6, 10))
    near = (one for one in found if abs(one) <= _MOST and struct.pack("<f", one) == stored)
    return next(near, value)


_MOST = 3.4028234663852886e38  # the database takes no more, were it rounded to that
