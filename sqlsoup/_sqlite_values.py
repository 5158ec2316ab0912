"""What types of SQLite have in common: a value that a type cannot read comes as it is stored."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, literal, literal_column, types
from sqlalchemy.dialects import sqlite

from sqlsoup._numbers import is_number, is_whole
from sqlsoup.exc import mention

Processor = Callable[[Any], Any] | None
STORED = str, int, float, bytes
"""What SQLite stores; a bool is an int."""


class OfColumn(types.TypeEngine[Any]):
    """A type that knows the name of its column, and tells once what is odd about the values."""

    where = ""
    """The name of the column; what is calculated has none."""
    told: Any = frozenset()
    exact = False
    """Whether all digits are wanted."""
    spelled = False
    """Whether it is of a key, by which a row is found only as it is stored."""

    def adapt(self, cls: Any, **kw: Any) -> Any:
        """Return itself where SQLAlchemy would use its own type for SQLite."""
        own = cls.__module__.startswith(sqlite.__name__)
        adapted: Any = super().adapt(type(self) if own else cls, **kw)
        if isinstance(adapted, OfColumn):
            adapted.where, adapted.exact, adapted.told = self.where, self.exact, self.told
            adapted.spelled = self.spelled
        return adapted

    def as_stored(self, value: Any) -> Any:
        """Return a value that is none of this type."""
        self.tell(f"holds values that are no {type(self).__name__}, which come as they are stored")
        return value

    def no_nan(self, value: Any) -> Any:
        """Return a value, and tell if SQLite stores NULL for it."""
        if value != value:  # noqa: PLR0124 - so is NaN alone
            self.tell("was given NaN, for which SQLite stores NULL")
        return value

    def tell(self, what: str) -> None:
        """Tell something about the column, once."""
        if self.where and what not in self.told:
            self.told.add(what)
            mention(f"{self.where} {what}; a listener to 'column_reflect' can set another type")


def with_all_digits(kind: Any) -> Any:
    """Return a type that gives all digits of a number, as for what is read from a column."""
    if isinstance(kind, OfColumn):
        kind = kind.adapt(type(kind))
        kind.exact = True
    return kind


_DIALECT: Any = sqlite.dialect()


def stored(kind: Any, affinity: str, value: Any) -> Any:
    """Return a value for a key as a column of an affinity stores it, and a type reads it."""
    kind = kind.dialect_impl(_DIALECT)
    written, read = kind.bind_processor(_DIALECT), kind.result_processor(_DIALECT, None)
    given = written(value) if written else value
    if isinstance(given, bytearray | memoryview):
        given = bytes(given)
    if isinstance(given, bool):
        given = int(given)
    if isinstance(given, UUID | date | datetime | time) and affinity == "TEXT":
        given = str(given)
    if not isinstance(given, STORED):
        return value  # it is none for the driver either
    made = _text(given) if affinity == "TEXT" else _number(given, affinity)
    return read(made) if read else made


def _number(value: Any, affinity: str) -> Any:
    if affinity == "BLOB" or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        if not is_number(value):
            return value
        whole = is_whole(value) and abs(int(value)) < _BEYOND
        value = int(value) if whole else float(value)
    if affinity == "REAL":
        return float(value)
    exact = isinstance(value, float) and value.is_integer() and abs(value) < _BEYOND
    return int(value) if exact else value


_BEYOND = 2**63


def _text(value: Any) -> Any:
    """Return the text that SQLite makes of a number, with 15 digits and a point where it is one."""
    if isinstance(value, float):
        digits, e, exponent = f"{value:.15g}".partition("e")
        return digits + ("" if "." in digits else ".0") + e + exponent
    return str(value) if isinstance(value, int) else value


def default(text: str) -> ColumnElement[Any]:
    """Return the value of a DEFAULT, in which a name stands for text, as an expression."""
    if not re.fullmatch(_NAME, text) or text.lower() in _CONSTANTS:
        return literal_column(f"({text})")
    return literal(text if text[0] not in '"`[' else text[1:-1].replace(text[-1] * 2, text[-1]))


_NAME = r"""[^\W\d][\w$]*|"([^"]|"")*"|`([^`]|``)*`|\[[^]]*\]"""
_CONSTANTS = {"null", "true", "false", "current_date", "current_time", "current_timestamp"}
