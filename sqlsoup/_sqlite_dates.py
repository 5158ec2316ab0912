"""Types of dates and times in SQLite, which are text there.

What a type cannot read comes as it is stored, and is written back so.  So is a key that is spelled
in another way than it would be written: ``2020-01-01 00:00:00`` without microseconds.
"""

# SQLAlchemy annotates these methods for their callers; its own types override them so as well.
# pyright: reportIncompatibleMethodOverride=false
# pyright: reportAssignmentType=false, reportArgumentType=false

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from sqlalchemy import types
from sqlalchemy.dialects import sqlite

from sqlsoup._sqlite_values import STORED, OfColumn

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlsoup._sqlite_values import Processor


class Spelled:
    """A date or time with the text that SQLite has for it; what is made of it has none."""

    text: str | None = None
    _plain: Any

    def __repr__(self) -> str:
        return repr(self.plain())

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return spell, (self.plain(), self.text)

    def __conform__(self, protocol: Any) -> Any:
        """Return what the driver stores, in a statement that knows no type for it.

        psycopg2 asks too, by a protocol of its own, and is given nothing.
        """
        return (self.text or str(self)) if protocol.__module__ == "sqlite3" else None

    def plain(self) -> Any:
        """Return the same without the text."""
        it: Any = self
        return self._plain.fromisoformat(it.isoformat())


class SpelledDate(Spelled, date):
    """A day."""

    _plain = date


class SpelledDateTime(Spelled, datetime):
    """A day and a time."""

    _plain = datetime


class SpelledTime(Spelled, time):
    """A time of day."""

    _plain = time


_SPELLED: dict[type, Any] = {date: SpelledDate, datetime: SpelledDateTime, time: SpelledTime}


def spell(value: Any, text: str) -> Any:
    """Return a date or time with a text."""
    made = _SPELLED[type(value)].fromisoformat(value.isoformat())
    made.text = text
    return made


class _Temporal(OfColumn):
    """Dates and times: what Python's ``fromisoformat()`` reads, and without leading zeros."""

    _python: Any
    _pattern: str
    """Its groups are called like the arguments of the Python type; few need it compiled."""
    _written: type = date
    _text: Callable[[Any], str]
    """Turns a value of the written type into text."""
    _may_be_native = True

    def result_processor(self, dialect: Any, coltype: object) -> Processor:  # noqa: ARG002
        if self._is_native(dialect):
            return None
        parse, read = self._python.fromisoformat, self._read

        def process(value: Any) -> Any:
            if value is None:
                return None
            try:
                return parse(value)
            except (TypeError, ValueError):
                return read(value)

        return (lambda value: self._spell(process(value), value)) if self.spelled else process

    def _spell(self, found: Any, value: Any) -> Any:
        """Return what was read of a key, with its text where that is not what would be written."""
        is_other = isinstance(found, self._python) and self._text(found) != value
        return spell(found, value) if is_other else found

    def _read(self, value: Any) -> Any:
        found = isinstance(value, str) and re.fullmatch(self._pattern, value, re.ASCII)
        if not found:
            return self.as_stored(value)
        parts = found.groupdict("0")
        if "microsecond" in parts:
            parts["microsecond"] = f"{parts['microsecond']:0<6.6}"
        try:
            return self._python(**{name: int(number) for name, number in parts.items()})
        except ValueError:  # there is no such day
            return self.as_stored(value)

    def bind_processor(self, dialect: Any) -> Processor:
        if self._is_native(dialect):
            return None
        written, text, spelled = self._written, self._text, _SPELLED[self._python]
        refuse: Any = super().bind_processor(dialect)

        def process(value: Any) -> Any:
            if isinstance(value, written):
                return (isinstance(value, spelled) and value.text) or text(value)
            return value if value is None or isinstance(value, STORED) else refuse(value)

        return process

    def _is_native(self, dialect: Any) -> bool:
        """Tell if the driver itself reads and writes the type."""
        return self._may_be_native and getattr(dialect, "native_datetime", False)


_DAY = r"(?P<year>\d+)-(?P<month>\d+)-(?P<day>\d+)"
_HOUR = r"(?P<hour>\d+):(?P<minute>\d+):(?P<second>\d+)(\.(?P<microsecond>\d+))?"


class DATE(_Temporal, sqlite.DATE):
    """A day."""

    _python = date
    _pattern = _DAY

    @staticmethod
    def _text(value: Any) -> str:
        return date.isoformat(value)  # of a datetime too


class DATETIME(_Temporal, sqlite.DATETIME):
    """A day and a time, with the offset of their time zone if they have one."""

    _python = datetime
    _pattern = f"{_DAY}[ T]{_HOUR}"
    _may_be_native = False

    @staticmethod
    def _text(value: Any) -> str:
        if not isinstance(value, datetime):
            return f"{value.isoformat()} 00:00:00.000000"
        return datetime.isoformat(value, " ", "microseconds")


class TIMESTAMP(DATETIME, types.TIMESTAMP):
    """The same as DATETIME."""

    _may_be_native = True


class TIME(_Temporal, sqlite.TIME):
    """A time of day."""

    _python = _written = time
    _pattern = _HOUR
    _may_be_native = False

    @staticmethod
    def _text(value: Any) -> str:
        return time.isoformat(value, "microseconds")
