"""Types of MariaDB and MySQL whose values are those of SQLAlchemy 1.3."""

# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import mysql

from sqlsoup import _mariadb_types as now
from sqlsoup._key_values import text_of_uuid
from sqlsoup.legacy._values import OfColumn

if TYPE_CHECKING:
    from collections.abc import Callable

    Processor = Callable[[Any], Any]


class TIME(OfColumn, now.TIME):
    """A time of day, of a duration beyond a day or a negative one too."""

    def result_processor(self, dialect: Any, coltype: object) -> Processor:  # noqa: ARG002
        def process(value: Any) -> Any:
            if not isinstance(value, datetime.timedelta):
                return value
            if value.days:
                self.note_value()
            return (_SOME_DAY + value).time()

        return process


_SOME_DAY = datetime.datetime(2000, 1, 1)  # noqa: DTZ001 - a time of day has no zone


class DOUBLE(OfColumn, now.DOUBLE):
    """A Decimal of ten digits after the point, or of as many as the type says."""

    def result_processor(self, dialect: Any, coltype: object) -> Processor:
        read_now: Any = super().result_processor(dialect, coltype)
        native: Any = mysql.DOUBLE
        read_then = native.result_processor(self, dialect, coltype)

        def process(value: Any) -> Any:
            old = read_then(value)
            if old is not None and str(old) != str(read_now(value)):
                self.note_value()
            return old

        return process


class FLOAT(OfColumn, now.FLOAT):
    """A float of the six digits that the server sends of it."""

    def column_expression(self, colexpr: Any) -> Any:
        return colexpr

    def result_processor(self, dialect: Any, coltype: object) -> Processor:  # noqa: ARG002
        def process(value: Any) -> Any:
            if isinstance(value, float) and float(f"{value:.5g}") != value:
                self.note_value()
            return value

        return process


class UUID(OfColumn, now.UUID):
    """A UUID as text."""

    cache_ok = True

    def result_processor(self, dialect: Any, coltype: object) -> Processor:  # noqa: ARG002
        return self.noted

    def as_key(self, value: Any) -> Any:
        return text_of_uuid(value)


_BY_CLASS: dict[Any, Any] = {now.TIME: TIME, now.DOUBLE: DOUBLE, now.FLOAT: FLOAT, now.UUID: UUID}


def as_then(kind: Any, where: str) -> Any:
    """Return the type of a column whose values are those of 1.3.

    :param kind: the type that SQLSoup gives it.
    """
    cls = next((old for new, old in _BY_CLASS.items() if isinstance(kind, new)), None)
    return kind if cls is None else kind.adapt(cls).of(where)
