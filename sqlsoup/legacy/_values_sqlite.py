"""Types of SQLite whose values are those of SQLAlchemy 1.3."""

# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy.types import NullType, Numeric

from sqlsoup import _sqlite_dates as dates
from sqlsoup import _sqlite_types as now
from sqlsoup.legacy._values import DAY, HOUR, OfColumn

if TYPE_CHECKING:
    from collections.abc import Callable

    Processor = Callable[[Any], Any] | None


class _Temporal(OfColumn, dates._Temporal):
    """The beginning of a text, whatever comes after it; digits of a fraction are microseconds."""

    _then: re.Pattern[str]
    """Its groups are the arguments of the Python type, in order."""
    _same: re.Pattern[str]
    """Of this text 1.3 made the value that is made of it now."""

    def result_processor(self, dialect: Any, coltype: object) -> Processor:
        read_now = super().result_processor(dialect, coltype)
        return read_now and (lambda value: self._read_then(value, read_now))

    def _read_then(self, value: Any, read_now: Callable[[Any], Any]) -> Any:
        if isinstance(value, str) and not self._same.fullmatch(value):
            found = self._then.match(value)
            try:
                old = found and self._python(*map(int, found.groups("0")))
            except ValueError:  # there is no such day
                old = None
            if old is not None:
                self.note_value()
                return old
        return self._without_zone(read_now(value))

    def bind_processor(self, dialect: Any) -> Processor:
        write_now = super().bind_processor(dialect)
        return write_now and (lambda value: write_now(self._without_zone(value)))

    def _without_zone(self, value: Any) -> Any:
        if getattr(value, "tzinfo", None) is None:
            return value
        self.note_value()
        return value.replace(tzinfo=None)


_SAME_DAY = r"\d{1,4}-\d{1,2}-\d{1,2}"
_SAME_HOUR = r"\d{1,2}:\d{1,2}:\d{1,2}(\.\d{6})?"


class DATE(_Temporal, dates.DATE):
    """A day, of text that has a time as well."""

    _then = re.compile(DAY, re.ASCII)
    _same = re.compile(_SAME_DAY, re.ASCII)


class DATETIME(_Temporal, dates.DATETIME):
    """A day and a time, without the offset of a time zone."""

    _then = re.compile(DAY + HOUR, re.ASCII)
    _same = re.compile(f"{_SAME_DAY} {_SAME_HOUR}", re.ASCII)


class TIMESTAMP(_Temporal, dates.TIMESTAMP):
    """Another name for it."""

    _then, _same = DATETIME._then, DATETIME._same


class TIME(_Temporal, dates.TIME):
    """A time of day, without the offset of a time zone."""

    _then = re.compile(HOUR, re.ASCII)
    _same = re.compile(_SAME_HOUR, re.ASCII)


class _Decimals(OfColumn, now._Decimals):
    """Decimals that are rounded to the digits of the type, and go through a float."""

    def result_processor(self, dialect: Any, coltype: object) -> Processor:
        read_now: Any = super().result_processor(dialect, coltype)
        written = f"%.{10 if self.scale is None else self.scale}f"

        def process(value: Any) -> Any:
            value_now = read_now(value)
            if not isinstance(value, int | float):
                return value_now
            old = Decimal(written % value)
            if old != value_now:
                self.note_value()
            return old

        return process


class NUMERIC(_Decimals, now.NUMERIC):
    """Integers and floats."""


class DECIMAL(_Decimals, now.DECIMAL):
    """Another name for it."""


class _DecimalFloat(_Decimals, now._DecimalFloat):
    """Floats of a type with two arguments."""


_DecimalFloat.__name__ = "FLOAT"


class _Unknown(NUMERIC):
    """Decimals in a column of a type that SQLite does not know; text in it is no surprise."""

    def result_processor(self, dialect: Any, coltype: object) -> Processor:
        read: Any = super().result_processor(dialect, coltype)

        def process(value: Any) -> Any:
            if not isinstance(value, int | float):
                return value
            self.note_value()
            return read(value)

        return process


_Unknown.__name__ = "NUMERIC"


class BOOLEAN(OfColumn, now.BOOLEAN):
    """Of any text but ``''`` True."""

    def result_processor(self, dialect: Any, coltype: object) -> Processor:  # noqa: ARG002
        def process(value: Any) -> Any:
            if isinstance(value, str | bytes) and now._WORDS.get(str(value).lower()) is not True:
                self.note_value()
            return None if value is None else bool(value)

        return process


_BY_CLASS: dict[Any, Any] = {
    dates.DATE: DATE,
    dates.DATETIME: DATETIME,
    dates.TIMESTAMP: TIMESTAMP,
    dates.TIME: TIME,
    now.NUMERIC: NUMERIC,
    now.DECIMAL: DECIMAL,
    now._DecimalFloat: _DecimalFloat,
    now.BOOLEAN: BOOLEAN,
}


def as_then(kind: Any, found: Any, where: str) -> Any:
    """Return the type of a column whose values are those of 1.3.

    :param kind: the type that SQLSoup gives it.
    :param found: the type that SQLAlchemy reflects.
    """
    if isinstance(kind, NullType) and isinstance(found, Numeric):
        return _Unknown(found.precision, found.scale).of(where)
    cls = _BY_CLASS.get(type(kind))
    return kind if cls is None else kind.adapt(cls).of(where)
