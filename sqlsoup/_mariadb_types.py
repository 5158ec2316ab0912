"""Types of MariaDB and MySQL whose values come and go as they are stored."""

# SQLAlchemy annotates these methods for their callers; its own types override them so as well.
# pyright: reportIncompatibleMethodOverride=false
# pyright: reportAssignmentType=false, reportArgumentType=false

from __future__ import annotations

import datetime
import re
import uuid
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import literal_column
from sqlalchemy.dialects import mysql
from sqlalchemy.sql import operators
from sqlalchemy.types import (
    BINARY,
    VARBINARY,
    LargeBinary,
    NullType,
    String,
    TypeEngine,
    UserDefinedType,
)

from sqlsoup._key_values import uuid_of
from sqlsoup._mariadb_keys import member
from sqlsoup._numbers import shortest
from sqlsoup.exc import mention

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, Dialect

    _Processor = Callable[[Any], Any]


class TIME(mysql.TIME):
    """TIME is a duration of up to 838 hours, also a negative one.

    SQLAlchemy (2.0, 2.1) makes a time of day of it, without its days and its sign.  So it stays
    within a day; any other duration is a :class:`datetime.timedelta`.  PyMySQL (1.2) writes a
    negative one with minutes wrongly, hence the text.
    """

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """Return this type for a duration; SQLAlchemy would compare with a moment of 1970."""
        if isinstance(value, datetime.timedelta):
            return self
        return super().coerce_compared_value(op, value)

    def bind_processor(self, dialect: Dialect) -> _Processor:  # noqa: ARG002
        return lambda value: _clock(value) if isinstance(value, datetime.timedelta) else value

    def result_processor(self, dialect: Dialect, coltype: object) -> _Processor:  # noqa: ARG002
        return _time_of_day


def _clock(value: datetime.timedelta) -> str:
    seconds, fraction = divmod(abs(value), datetime.timedelta(seconds=1))
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    sign = "-" if value < datetime.timedelta() else ""
    return f"{sign}{hours:02}:{minute:02}:{second:02}.{fraction.microseconds:06}"


_MIDNIGHT = datetime.datetime(1, 1, 1)  # noqa: DTZ001 - a time of day has no zone


def _time_of_day(value: Any) -> Any:
    if isinstance(value, datetime.timedelta) and value.days == 0:
        return (_MIDNIGHT + value).time()
    return value


class DOUBLE(mysql.DOUBLE):
    """DOUBLE as a Decimal of all digits; SQLAlchemy (2.0, 2.1) keeps ten after the point."""

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """Return this type for a Decimal, which may have more digits than a number in SQL."""
        return self if isinstance(value, Decimal) else super().coerce_compared_value(op, value)

    def bind_processor(self, dialect: Dialect) -> _Processor | None:  # noqa: ARG002
        """Return what writes a Decimal as the double next to it, in however many digits it is.

        ``DOUBLE(10,2)`` has another double for 1.14, which is found by the Decimal alone.
        """
        if self.scale is not None:
            return None
        return lambda value: float(value) if isinstance(value, Decimal) else value

    def result_processor(self, dialect: Dialect, coltype: object) -> _Processor:  # noqa: ARG002
        return lambda value: Decimal(repr(value)) if isinstance(value, float) else value


class FLOAT(mysql.FLOAT):
    """FLOAT as a float of as many digits as tell it from others.

    MariaDB and MySQL send six; as a double they send them all.
    """

    def column_expression(self, colexpr: ColumnElement[Any]) -> ColumnElement[Any]:
        return colexpr.op("*")(literal_column("1e0"))

    def result_processor(self, dialect: Dialect, coltype: object) -> _Processor:  # noqa: ARG002
        return lambda value: shortest(value) if isinstance(value, float) else value


_PLAIN = frozenset((type(None), str, int, float, bool, Decimal, bytes, datetime.datetime))
_MANY = list, tuple, set, frozenset, dict


class _Value:
    """A type of one value.

    PyMySQL (1.2) writes a list of one value as that value, and of an object that it does not know
    what ``str()`` gives: for a row, as for any other object without text, its repr.
    """

    def bind_processor(self, dialect: Dialect) -> _Processor:
        own: Any = super()
        write = own.bind_processor(dialect)
        return (lambda value: write(self._one(value))) if write else self._one

    def _one(self, value: Any) -> Any:
        kind = value.__class__
        if kind not in _PLAIN and (issubclass(kind, _MANY) or kind.__str__ is object.__str__):
            raise TypeError(f"a {kind.__name__} is no {self._hint or type(self).__name__}")
        return value

    _hint = ""

    def __reduce__(self) -> Any:
        """Have it pickled, with the MetaData, though its class is in no module."""
        return _blank, (type(self).__bases__[1],), vars(self)


class ENUM(_Value, mysql.ENUM):
    """ENUM as text, whatever values it got since, or the ``''`` that stands for a wrong one.

    SQLAlchemy (2.0, 2.1) raises a LookupError for those that the table did not have at first.
    """

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        """Return None: the text is the value."""

    __reduce__ = object.__reduce__  # this class is in a module


class SET(mysql.SET):
    """SET whose values are written in the order of its members, as the database compares them.

    SQLAlchemy (2.0, 2.1) takes that in which Python happens to give them.
    """

    def bind_processor(self, dialect: Dialect) -> _Processor:
        """Return what writes a set as text, or as a number where ``''`` is a member."""
        write = super().bind_processor(dialect)
        places = {member: place for place, member in enumerate(self.values)}

        def process(value: Any) -> Any:
            if isinstance(value, set | frozenset) and not self.retrieve_as_bitwise:
                return ",".join(sorted(value, key=lambda one: places.get(one, len(places))))
            return write(value)

        return process

    def as_key(self, value: Any) -> Any:
        """Return the members that text names, in whatever order and case."""
        named = [*filter(None, value.split(","))] if isinstance(value, str) else value
        if self.retrieve_as_bitwise or not isinstance(named, list | set | frozenset):
            return value
        return frozenset(member(self.values, each) for each in named)


class _Text(_Value):
    """Text, JSON of MariaDB among it."""

    _hint = "text; a column of JSON takes json.dumps(value)"


class _Bytes(_Value):
    """Bytes; Python makes as many zero bytes of a number, and one of each in a list."""

    def _one(self, value: Any) -> Any:
        if value is None or isinstance(value, str | bytes | bytearray | memoryview):
            return value
        raise TypeError(f"a column of bytes takes bytes, not {type(value).__name__}")


class _Moment(_Value):
    """A time; PyMySQL (1.2) drops the offset of its time zone."""

    _told = False

    def _one(self, value: Any) -> Any:
        if not self._told and getattr(value, "tzinfo", None) and value.utcoffset():
            self._told = True
            mention(
                f"a {type(self).__name__} of MariaDB and MySQL keeps no time zone: "
                f"{value.isoformat()} is stored without its offset; give it with astimezone() "
                "in the zone that is meant"
            )
        return super()._one(value)


_ANY = getattr(getattr(operators, "OperatorClass", None), "ANY", None)  # since 2.1


class BIT(mysql.BIT):
    """BIT, of which conditions can be made; SQLAlchemy 2.1 warns of each.

    MariaDB sends what is made of a column, ``max(b)`` or that in a view, in decimal digits, and
    says that they are bits.  As an integer it sends all alike.
    """

    operator_classes: ClassVar[Any] = _ANY
    python_type = int

    def column_expression(self, colexpr: ColumnElement[Any]) -> ColumnElement[Any]:
        return colexpr.op("+")(literal_column("0"))

    def result_processor(self, dialect: Dialect, coltype: object) -> _Processor:
        """Return what makes an integer of bytes, which come of other statements alone."""
        own: Any = super()
        of_bytes = own.result_processor(dialect, coltype)
        return lambda value: of_bytes(value) if isinstance(value, bytes) else value

    def as_key(self, value: Any) -> Any:
        """Return the number that bytes are, or the bytes of text."""
        value = value.encode() if isinstance(value, str) else value
        return int.from_bytes(value) if isinstance(value, bytes | bytearray) else value


class YEAR(mysql.YEAR):
    """YEAR, likewise."""

    operator_classes: ClassVar[Any] = _ANY
    python_type = int


class _Named(UserDefinedType[Any]):
    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        return self.name.upper()


class Text(_Named):
    """A type that comes and goes as text, as INET4 and INET6 do, which SQLAlchemy may not know."""

    cache_ok = True
    python_type = str


class Spatial(_Named):
    """A spatial type; its values are bytes: four of the SRID, then well-known binary (WKB).

    SQLAlchemy (2.0, 2.1) does not know them, and warns.
    """

    cache_ok = True
    python_type = bytes


class UUID(_Named):
    """UUID, which takes text too.

    SQLAlchemy 2.0 does not know it, and what 2.1 makes of it takes no text.
    """

    cache_ok = True
    python_type = uuid.UUID

    def bind_processor(self, dialect: Dialect) -> _Processor:  # noqa: ARG002
        return lambda value: None if value is None else str(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> _Processor:  # noqa: ARG002
        return lambda value: uuid.UUID(value) if isinstance(value, str) else value

    def as_key(self, value: Any) -> Any:
        return uuid_of(value)


_EXACT: dict[type[TypeEngine[Any]], type[TypeEngine[Any]]] = {
    mysql.TIME: TIME,
    mysql.DOUBLE: DOUBLE,
    mysql.FLOAT: FLOAT,
    mysql.ENUM: ENUM,
    mysql.SET: SET,
    mysql.BIT: BIT,
    mysql.YEAR: YEAR,
}
_SHAPES = (
    "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
    "geometrycollection", "geomcollection",
)  # fmt: skip
_NAMED = {"uuid": UUID, "inet4": Text, "inet6": Text} | dict.fromkeys(_SHAPES, Spatial)

_OF_TIME = mysql.DATETIME, mysql.TIMESTAMP, mysql.TIME
_OF_BYTES = (
    *(BINARY, VARBINARY, LargeBinary),
    *(mysql.TINYBLOB, mysql.MEDIUMBLOB, mysql.LONGBLOB),
)


def exact(found: TypeEngine[Any], name: str) -> TypeEngine[Any]:
    """Return the type that gives exact values for one that SQLAlchemy found.

    :param name: how information_schema calls it, with lengths and all; ``""`` if that is unknown.
    """
    if name in _NAMED:
        named: TypeEngine[Any] = _of_one_value(_NAMED[name])(name)
        return named
    cls: Any = _EXACT.get(type(found), type(found))
    as_it_is = issubclass(cls, _Value | SET | mysql.JSON)
    cls = cls if as_it_is else _of_one_value(cls)
    return found.adapt(cls)


@cache
def _of_one_value(cls: Any) -> Any:
    """Return the type that refuses what PyMySQL makes a value of that was not meant."""
    kinds = ((_Text, String), (_Bytes, _OF_BYTES), (_Moment, _OF_TIME), (_Value, object))
    more = next(more for more, kind in kinds if issubclass(cls, kind))
    return type(cls.__name__, (more, cls), {"cache_ok": True})


def _blank(cls: Any) -> Any:
    kind = _of_one_value(cls)
    return kind.__new__(kind)


def type_of(name: str, known: dict[str, Any]) -> TypeEngine[Any]:
    """Return the type that information_schema names, for a column that SQLAlchemy did not see.

    :param known: the ``ischema_names`` of the dialect.
    """
    word, arguments, options = _TYPE.match(name).groups()  # type: ignore[union-attr]
    cls: Any = known.get(word, NullType)
    values = [
        text.replace("''", "'") if text else int(number)
        for text, number in _ARGUMENT.findall(arguments or "")
    ]
    if issubclass(cls, mysql.TIME | mysql.DATETIME | mysql.TIMESTAMP):
        values, flags = [], {"fsp": values[0] if values else None}
    else:
        flags = {flag: True for flag in ("unsigned", "zerofill") if flag in options.split()}
    found: TypeEngine[Any] = cls(*values, **flags)
    return found


_TYPE = re.compile(r"(\w+)(?:\((.*)\))?(.*)", re.DOTALL)
_ARGUMENT = re.compile(r"'((?:[^']|'')*)'|(\d+)")
