"""Types of the columns of SQLite, where any value can be in any column.

What a type cannot read comes as it is stored, and is written back so.
"""

# SQLAlchemy annotates these methods for their callers; its own types override them so as well.
# pyright: reportIncompatibleMethodOverride=false
# pyright: reportAssignmentType=false, reportArgumentType=false

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ColumnElement, type_coerce, types
from sqlalchemy.dialects import sqlite

from sqlsoup.exc import mention

if TYPE_CHECKING:
    from collections.abc import Callable

    Processor = Callable[[Any], Any] | None

_STORED = str, int, float, bytes
"""What SQLite stores; a bool is an int."""


class _OfColumn(types.TypeEngine[Any]):
    """A type that knows the name of its column, and tells once what is odd about the values."""

    where = ""
    """The name of the column; what is calculated has none."""
    told: Any = frozenset()
    exact = False
    """Whether all digits are wanted."""

    def adapt(self, cls: Any, **kw: Any) -> Any:
        """Stay what it is where SQLAlchemy would take its own type for SQLite."""
        own = cls.__module__.startswith(sqlite.__name__)
        adapted: Any = super().adapt(type(self) if own else cls, **kw)
        if isinstance(adapted, _OfColumn):
            adapted.where, adapted.exact, adapted.told = self.where, self.exact, self.told
        return adapted

    def as_stored(self, value: Any) -> Any:
        """Return a value that is none of this type."""
        self.tell(f"holds values that are no {type(self).__name__}, which come as they are stored")
        return value

    def tell(self, what: str) -> None:
        """Tell something about the column, once."""
        if self.where and what not in self.told:
            self.told.add(what)
            mention(f"{self.where} {what}; a listener to 'column_reflect' can set another type")


class _Temporal(_OfColumn):
    """Dates and times: what Python's ``fromisoformat()`` reads, and without leading zeros."""

    _python: Any
    _pattern: re.Pattern[str]
    """Its groups are called like the arguments of the Python type."""
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

        return process

    def _read(self, value: Any) -> Any:
        found = self._pattern.fullmatch(value) if isinstance(value, str) else None
        if found is None:
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
        written, text = self._written, self._text
        refuse: Any = super().bind_processor(dialect)

        def process(value: Any) -> Any:
            if isinstance(value, written):
                return text(value)
            return value if value is None or isinstance(value, _STORED) else refuse(value)

        return process

    def _is_native(self, dialect: Any) -> bool:
        """Tell if the driver itself reads and writes the type."""
        return self._may_be_native and getattr(dialect, "native_datetime", False)


_DAY = r"(?P<year>\d+)-(?P<month>\d+)-(?P<day>\d+)"
_HOUR = r"(?P<hour>\d+):(?P<minute>\d+):(?P<second>\d+)(\.(?P<microsecond>\d+))?"


class DATE(_Temporal, sqlite.DATE):
    """A day."""

    _python = date
    _pattern = re.compile(_DAY, re.ASCII)

    @staticmethod
    def _text(value: Any) -> str:
        return date.isoformat(value)  # of a datetime too


class DATETIME(_Temporal, sqlite.DATETIME):
    """A day and a time, with the offset of their time zone if they have one."""

    _python = datetime
    _pattern = re.compile(f"{_DAY}[ T]{_HOUR}", re.ASCII)
    _may_be_native = False

    @staticmethod
    def _text(value: Any) -> str:
        if not isinstance(value, datetime):
            return f"{value.isoformat()} 00:00:00.000000"
        return datetime.isoformat(value, " ", "microseconds")


class TIMESTAMP(DATETIME, types.TIMESTAMP):
    """Another name for it."""

    _may_be_native = True


class TIME(_Temporal, sqlite.TIME):
    """A time of day."""

    _python = _written = time
    _pattern = re.compile(_HOUR, re.ASCII)
    _may_be_native = False

    @staticmethod
    def _text(value: Any) -> str:
        return time.isoformat(value, "microseconds")


class _Decimals(_OfColumn):
    """Decimals in all their digits where they are those of a column.

    What is calculated is rounded to the scale, as SQLAlchemy does with all: the sum of 0.1 and 0.2
    in ``NUMERIC(10, 2)`` is 0.30.
    """

    scale: int | None = None

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any] | None:
        if not all(isinstance(base, Column) for base in column.base_columns):
            return column
        exact = self.adapt(type(self))
        exact.exact = True
        return type_coerce(column, exact)

    def result_processor(self, dialect: Any, coltype: object) -> Processor:  # noqa: ARG002
        scale = 10 if self.scale is None else self.scale
        written, zeros, exact = f"%.{scale}f", "." * bool(scale) + "0" * scale, self.exact

        def process(value: Any) -> Any:
            if isinstance(value, float):
                rounded = written % value
                return Decimal(repr(value) if exact and float(rounded) != value else rounded)
            if isinstance(value, int):
                return Decimal(f"{value}{zeros}")
            return None if value is None else self.as_stored(value)

        return process

    def bind_processor(self, dialect: Any) -> Processor:  # noqa: ARG002
        def process(value: Any) -> Any:
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                value = Decimal(value)
            if isinstance(value, Decimal):
                return self._number(value)
            return value if value is None or isinstance(value, _STORED) else float(value)

        return process

    def _number(self, value: Decimal) -> float:
        """Return the number that SQLite stores for a Decimal."""
        if not value.is_finite():
            return float(value)
        if value == value.to_integral_value() and -(2**63) <= value < 2**63:
            return int(value)
        number = float(value)
        if Decimal(repr(number)) != value:
            self.tell("was given more digits than SQLite stores of a number")
        return number


class NUMERIC(_Decimals, types.NUMERIC[Any]):
    """Integers and floats."""


class DECIMAL(_Decimals, types.DECIMAL[Any]):
    """Another name for it."""


class _DecimalFloat(_Decimals, types.FLOAT[Any]):
    """Floats that SQLAlchemy gives as decimals: those of a type with two arguments."""


_DecimalFloat.__name__ = "FLOAT"


class _Floats(_OfColumn):
    """Floats, and text that is none."""

    def bind_processor(self, dialect: Any) -> Processor:  # noqa: ARG002
        def process(value: Any) -> Any:
            return value if value is None or isinstance(value, str | bytes) else float(value)

        return process


class FLOAT(_Floats, types.FLOAT[Any]):
    """A name for them."""


class REAL(_Floats, types.REAL[Any]):
    """Another one."""


class DOUBLE(_Floats, types.DOUBLE[Any]):
    """And another."""


class BOOLEAN(_OfColumn, types.BOOLEAN):
    """Numbers, and what PostgreSQL and people write."""

    def result_processor(self, dialect: Any, coltype: object) -> Processor:  # noqa: ARG002
        def process(value: Any) -> Any:
            if value is None or isinstance(value, int | float):
                return None if value is None else bool(value)
            known = _WORDS.get(value.lower()) if isinstance(value, str) else None
            return self.as_stored(value) if known is None else known

        return process

    def bind_processor(self, dialect: Any) -> Processor:
        own: Any = super()
        strict = own.bind_processor(dialect)

        def process(value: Any) -> Any:
            is_stored = isinstance(value, _STORED) and not isinstance(value, bool)
            return value if is_stored else strict(value)

        return process


_WORDS: dict[str, bool] = dict.fromkeys(("true", "t", "yes", "y", "on"), True)
_WORDS |= dict.fromkeys(("false", "f", "no", "n", "off"), False)


class JSON(_OfColumn, sqlite.JSON):
    """JSON; SQLite makes numbers of such text."""

    def result_processor(self, dialect: Any, coltype: Any) -> Processor:
        parse: Any = super().result_processor(dialect, coltype)

        def process(value: Any) -> Any:
            if isinstance(value, int | float):
                return value
            try:
                return parse(value)
            except ValueError:
                return self.as_stored(value)

        return process


class BLOB(_OfColumn, types.BLOB):
    """Whatever is stored."""

    def bind_processor(self, dialect: Any) -> Processor:  # noqa: ARG002
        return None

    def result_processor(self, dialect: Any, coltype: object) -> Processor:  # noqa: ARG002
        return None


_BY_CLASS: dict[type, type[_OfColumn]] = {
    types.DATE: DATE,
    types.DATETIME: DATETIME,
    types.TIMESTAMP: TIMESTAMP,
    types.TIME: TIME,
    types.BOOLEAN: BOOLEAN,
    types.BLOB: BLOB,
    sqlite.JSON: JSON,
}
_FLOATS: dict[type, type[Any]] = {types.FLOAT: FLOAT, types.REAL: REAL, types.DOUBLE: DOUBLE}
_NUMBERS: dict[str, type[Any]] = {"NUMERIC": NUMERIC, "DECIMAL": DECIMAL}


def mended(found: Any, declared: str, where: str, dialect: Any) -> Any:
    """Return the type of a column, given what SQLAlchemy makes of what is declared."""
    name = re.sub(r"\(.*|GENERATED ALWAYS", "", declared.upper(), flags=re.DOTALL).strip()
    made: Any
    if name == "JSONB" and not (hasattr(sqlite, name) and dialect.server_version_info >= (3, 45)):
        made = JSON()  # as text; SQLAlchemy 2.1 writes it with a function of SQLite 3.45
    elif type(found) in (types.NUMERIC, types.DECIMAL):
        if name not in _NUMBERS:
            return types.NullType()
        made = _NUMBERS[name](found.precision, found.scale)
    elif isinstance(found, types.Float) and found.asdecimal:
        made = _DecimalFloat(found.precision, asdecimal=True)
    elif isinstance(found, types.Float):
        made = _FLOATS[type(found)](found.precision)
    elif type(found) in _BY_CLASS:
        made = _BY_CLASS[type(found)]()
    else:
        return found
    made.where, made.told = where, set()
    return made
