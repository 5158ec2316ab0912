"""Types of the columns of SQLite, where any value can be in any column.

What a type cannot read comes as it is stored, and is written back so.
"""

# SQLAlchemy annotates these methods for their callers; its own types override them so as well.
# pyright: reportIncompatibleMethodOverride=false
# pyright: reportAssignmentType=false, reportArgumentType=false

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ColumnElement, type_coerce, types
from sqlalchemy.dialects import sqlite

from sqlsoup._sqlite_dates import DATE, DATETIME, TIME, TIMESTAMP
from sqlsoup._sqlite_values import STORED, OfColumn, with_all_digits

if TYPE_CHECKING:
    from sqlsoup._sqlite_values import Processor


class _Decimals(OfColumn):
    """Decimals with all their digits, if they are the values of a column.

    What is calculated is rounded to the scale, as SQLAlchemy does with all: the sum of 0.1 and 0.2
    in ``NUMERIC(10, 2)`` is 0.30.
    """

    scale: int | None = None

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any] | None:
        if not all(isinstance(base, Column) for base in column.base_columns):
            return column
        return type_coerce(column, with_all_digits(self))

    def result_processor(self, dialect: Any, coltype: object) -> Processor:  # noqa: ARG002
        scale = 10 if self.scale is None else self.scale
        written, zeros, exact = f"%.{scale}f", "." * bool(scale) + "0" * scale, self.exact

        def process(value: Any) -> Any:
            if isinstance(value, float):
                rounded = written % value
                if exact and (len(rounded) > _SURE or float(rounded) != value):
                    return _digits(value, written)
                return Decimal(rounded)
            if isinstance(value, int):
                return Decimal(f"{value}{zeros}")
            return None if value is None else self.as_stored(value)

        return process

    def bind_processor(self, dialect: Any) -> Processor:  # noqa: ARG002
        def process(value: Any) -> Any:
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                value = Decimal(value)
            if isinstance(value, Decimal):
                return _number(self, value)
            if value is None or isinstance(value, STORED):
                return self.no_nan(value)
            return float(value)

        return process


def _number(kind: OfColumn, value: Decimal) -> Any:
    """Return the number that SQLite stores for a Decimal."""
    if not value.is_finite():
        return kind.no_nan(float(value))
    if value == value.to_integral_value() and -(2**63) <= value < 2**63:
        return int(value)
    number = float(value)
    if Decimal(repr(number)) != value:
        kind.tell(_TOO_MANY)
    return number


_TOO_MANY = "was given more digits than SQLite stores of a number"
_SURE = 16
"""Up to so many characters, with the point, a rounded float shows no digits but its own."""


def _digits(value: float, written: str) -> Decimal:
    """Return a float in the digits that tell it from others, with the zeros of its scale."""
    shortest = Decimal(repr(value))
    padded = Decimal(format(shortest, written[1:]))
    return padded if padded == shortest else shortest


class NUMERIC(_Decimals, types.NUMERIC[Any]):
    """Integers and floats."""


class DECIMAL(_Decimals, types.DECIMAL[Any]):
    """The same as NUMERIC."""


class _DecimalFloat(_Decimals, types.FLOAT[Any]):
    """Floats that SQLAlchemy gives as decimals: those of a type with two arguments."""


_DecimalFloat.__name__ = "FLOAT"


class _Floats(OfColumn):
    """Floats, and text that is no number."""

    def bind_processor(self, dialect: Any) -> Processor:  # noqa: ARG002
        def process(value: Any) -> Any:
            if value is None or isinstance(value, str | bytes):
                return value
            return self.no_nan(float(value))

        return process


class FLOAT(_Floats, types.FLOAT[Any]):
    """Floats, also of single precision: SQLite has one kind."""


class REAL(_Floats, types.REAL[Any]):
    """The same as FLOAT."""


class DOUBLE(_Floats, types.DOUBLE[Any]):
    """The same as FLOAT."""


class BOOLEAN(OfColumn, types.BOOLEAN):
    """Numbers, and what PostgreSQL and people write."""

    def result_processor(self, dialect: Any, coltype: object) -> Processor:  # noqa: ARG002
        def process(value: Any) -> Any:
            if value is None or isinstance(value, int | float):
                return None if value is None else bool(value)
            known = _WORDS.get(value.lower()) if isinstance(value, str) else None
            return self.as_stored(value) if known is None else known

        def process_key(value: Any) -> Any:
            return process(value) if value in (None, 0, 1) else self.as_stored(value)

        return process_key if self.spelled else process

    def bind_processor(self, dialect: Any) -> Processor:
        own: Any = super()
        strict = own.bind_processor(dialect)

        def process(value: Any) -> Any:
            is_stored = isinstance(value, STORED) and not isinstance(value, bool)
            return value if is_stored else strict(value)

        return process


_WORDS: dict[str, bool] = dict.fromkeys(("true", "t", "yes", "y", "on"), True)
_WORDS |= dict.fromkeys(("false", "f", "no", "n", "off"), False)


class JSON(OfColumn, sqlite.JSON):
    """JSON; SQLite makes numbers of such text, and may have it as bytes."""

    def bind_processor(self, dialect: Any) -> Processor:
        own: Any = super()
        written = own.bind_processor(dialect)

        def process(value: Any) -> Any:
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                self.tell(_TOO_MANY)
            return value if isinstance(value, bytes) else written(value)

        return process

    def result_processor(self, dialect: Any, coltype: Any) -> Processor:
        parse: Any = super().result_processor(dialect, coltype)

        def process(value: Any) -> Any:
            try:
                return parse(value)
            except (TypeError, ValueError):
                return value if isinstance(value, int | float) else self.as_stored(value)

        return process


class BLOB(OfColumn, types.BLOB):
    """Whatever is stored."""

    def bind_processor(self, dialect: Any) -> Processor:  # noqa: ARG002
        return None

    def result_processor(self, dialect: Any, coltype: object) -> Processor:  # noqa: ARG002
        return None


class _Anything(OfColumn, types.NullType):
    """Whatever is stored, of a type that SQLite does not know; a Decimal is stored as a number."""

    def bind_processor(self, dialect: Any) -> Processor:  # noqa: ARG002
        return lambda value: _number(self, value) if isinstance(value, Decimal) else value


_Anything.__name__ = "NullType"

_BY_CLASS: dict[type, type[OfColumn]] = {
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
        known = _NUMBERS.get(name)
        made = known(found.precision, found.scale) if known else _Anything()
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
