"""Numbers as text, and of single precision: REAL of PostgreSQL, FLOAT of MariaDB and MySQL."""

from __future__ import annotations

import re
import struct
from typing import Any


def is_number(text: str) -> bool:
    """Tell if text is that of a number."""
    return bool(re.fullmatch(_NUMBER, text))


def is_whole(text: str) -> bool:
    """Tell if text is that of an integer, unless it is one that no database has."""
    return bool(re.fullmatch(_WHOLE, text))


# Patterns are compiled when they are first used, here and elsewhere: few programs come to it.
_NUMBER = r"(?a)\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*"
_WHOLE = r"(?a)\s*[+-]?[0-9]{1,20}\s*"


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
