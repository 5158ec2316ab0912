"""Types of PostgreSQL as the drivers give and take their values."""

# SQLAlchemy annotates these methods for their callers; its own types override them so as well.
# pyright: reportIncompatibleMethodOverride=false
# pyright: reportAssignmentType=false, reportArgumentType=false

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, cast, type_coerce
from sqlalchemy import types as sqltypes
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.sql import operators

from sqlsoup._key_values import AS_STORED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine

    from sqlsoup._postgresql_facts import Type


class Plain(sqltypes.UserDefinedType[Any]):
    """A type whose values are what the driver gives and takes: mostly text, as PostgreSQL has it.

    :param name: what SQL calls the type, in a statement of the driver.
    """

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        """Return what PostgreSQL calls it, for ``help()``."""
        return self.name.replace("%%", "%")

    def get_col_spec(self, **_: Any) -> str:
        return self.name

    def bind_expression(self, bindparam: Any) -> Any:
        """Have the database make the value of what is given.

        Else ``'pg_class'`` is no regclass, nor ``'(1,x)'`` a row, nor a Decimal money.
        """
        return cast(bindparam, self)

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:  # noqa: ARG002
        """Return this type for a comparison; what other operators take may be of another."""
        return self if op in _COMPARISONS else Given()


class Money(Plain):
    """The type money, which PostgreSQL does not make of a small number."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:  # noqa: ARG002
        return lambda value: Decimal(value) if isinstance(value, int) else value


class Given(sqltypes.UserDefinedType[Any]):
    """The type of a value whose type PostgreSQL infers."""

    cache_ok = True


_COMPARISONS = {
    *(operators.eq, operators.ne, operators.lt, operators.le, operators.gt, operators.ge),
    *(operators.in_op, operators.not_in_op, operators.between_op, operators.not_between_op),
    *(operators.is_distinct_from, operators.is_not_distinct_from),
    operators.and_,  # of BETWEEN
}


class Enum(pg.ENUM):
    """An enum that lets pass a value which was added to it after it was reflected."""

    class Comparator(pg.ENUM.Comparator):
        """Comparisons with a domain, which PostgreSQL can only compare as the enum that it is."""

        def operate(self, op: Any, *other: Any, **options: Any) -> Any:
            sides = [self.expr, *other]
            # a dict tells by == if it has a column
            looked_up = any(
                isinstance(each, ColumnElement) and hash(each) == hash(self.expr) for each in other
            )
            if op not in _COMPARISONS or looked_up or not any(map(_is_domain, sides)):
                return super().operate(op, *other, **options)
            return op(*map(_as_enum, sides), **options)

    comparator_factory = Comparator

    def result_processor(self, dialect: Dialect, coltype: object) -> None:  # noqa: ARG002
        """Return None: a value comes as the text that it is."""
        return


class DomainOfEnum(Enum):
    """A domain of an enum."""


def _is_domain(value: Any) -> bool:
    return isinstance(getattr(value, "type", None), DomainOfEnum)


def _as_enum(value: Any) -> Any:
    return cast(value, value.type.adapt(Enum)) if _is_domain(value) else value


class NUMERIC(sqltypes.NUMERIC[Any]):
    """A number; psycopg2 by itself writes one that is infinite as NaN."""

    def adapt(self, cls: Any, **kw: Any) -> Any:
        return super().adapt(_with(_Infinite, cls), **kw)


class _Infinite(sqltypes.NUMERIC[Any]):
    def bind_processor(self, dialect: Dialect) -> Any:
        if dialect.driver == "psycopg2":
            return lambda value: str(value) if _is_infinite(value) else value
        own: Any = super()
        return own.bind_processor(dialect)


def _is_infinite(value: object) -> bool:
    return isinstance(value, Decimal) and value.is_infinite()


class Months(sqltypes.TypeDecorator[Any]):
    """An interval of years and months alone, whose values are durations.

    The drivers read 365 days for 12 months and 30 for another, and write days, which PostgreSQL
    would leave out.
    """

    impl = pg.INTERVAL
    cache_ok = True
    python_type = timedelta

    def coerce_compared_value(self, op: Any, value: Any) -> Any:  # noqa: ARG002
        """Return this type for a comparison; what is added may have days."""
        return self if op in _COMPARISONS else pg.INTERVAL()

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        if not isinstance(value, timedelta):
            return value
        years, days = divmod(abs(value).days, 365)
        sign = "-" if value < timedelta() else ""
        return f"{sign}{12 * years + days // 30} months"


class List(pg.ARRAY[Any]):
    """An array that takes text as well; SQLAlchemy (2.0, 2.1) makes a list of its characters."""

    def __str__(self) -> str:
        """Return what PostgreSQL calls it, for ``help()``."""
        dialect: Any = pg.dialect
        return self.compile(dialect=dialect())

    def adapt(self, cls: Any, **kw: Any) -> Any:
        return super().adapt(_with(_OfText, cls), **kw)

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """Return this type for text with which it is compared."""
        whole = isinstance(value, str) and op in _COMPARISONS
        return self if whole else super().coerce_compared_value(op, value)


class _OfText(pg.ARRAY[Any]):
    def bind_processor(self, dialect: Dialect) -> Any:
        own: Any = super()
        of_list = own.bind_processor(dialect)
        return lambda value: value if isinstance(value, str) else of_list(value)


@cache
def _with(more: type, cls: Any) -> Any:
    """Return the type that a driver has for another, with something more."""
    return type(cls.__name__, (more, cls), {})


class Name(sqltypes.String):
    """The type of PostgreSQL's own names, which cuts off what is beyond 63 bytes."""

    def as_key(self, value: Any) -> Any:
        return value.encode()[:63].decode(errors="ignore") if isinstance(value, str) else value


class Array(sqltypes.TypeDecorator[Any]):
    """An array of which the drivers do not know the type, so that they give one text for all of it.

    :param name: what SQL calls the type.
    :param item: a type by which the elements are written; a plain one, as text.
    :param known: a type as which they are read, whose arrays the drivers know; None for text.
    :param delimiter: what is between the elements as PostgreSQL writes them.
    """

    impl = pg.ARRAY
    cache_ok = True

    def __init__(
        self,
        name: str,
        item: TypeEngine[Any],
        known: TypeEngine[Any] | None = None,
        delimiter: str = ",",
    ) -> None:
        super().__init__(item)
        self.name = name
        self.item = item
        self.known = known
        self.delimiter = delimiter

    def __str__(self) -> str:
        """Return what PostgreSQL calls it, for ``help()``."""
        return self.name.replace("%%", "%")

    def bind_expression(self, bindparam: Any) -> Any:
        return cast(bindparam, Plain(self.name))

    def column_expression(self, column: Any) -> Any:
        """Have the database give what the drivers make a list of."""
        return cast(column, pg.ARRAY(self.known or sqltypes.TEXT()))

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:  # noqa: ARG002
        """Return the type of an index, or else this one."""
        return sqltypes.INTEGER() if op is operators.getitem else self

    def bind_processor(self, dialect: Dialect) -> Any:
        """Return what is done to a list; text, as PostgreSQL writes arrays, is left as it is."""
        own: Any = (
            self._written if isinstance(self.item, Plain) else super().bind_processor(dialect)
        )
        return own and (lambda value: own(value) if isinstance(value, list | tuple) else value)

    def _written(self, value: Any) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, list | tuple):
            return "{" + self.delimiter.join(map(self._written, value)) + "}"
        return '"' + re.sub(r'(["\\])', r"\\\1", str(value)) + '"'


class Hstores(Array):
    """An array of hstore: dicts, also where the driver does not know the extension."""

    cache_ok = True

    def column_expression(self, column: Any) -> Any:
        """Have the database give text for each."""
        return type_coerce(super().column_expression(column), self)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return _each(_HSTORE_OF_TEXT, value)

    def _written(self, value: Any) -> str:
        return super()._written(_HSTORE_AS_TEXT(value))


_HSTORE: Any = pg.HSTORE()
_HSTORE_AS_TEXT = _HSTORE.bind_processor(None)
_HSTORE_OF_TEXT = _HSTORE.result_processor(None, None)


class Hstore(sqltypes.TypeDecorator[Any]):
    """An hstore outside the ``search_path``, where psycopg and SQLAlchemy do not find it: a dict.

    :param name: what SQL calls the type.
    """

    impl = pg.HSTORE
    cache_ok = True

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __str__(self) -> str:
        """Return what PostgreSQL calls it, for ``help()``."""
        return self.name.replace("%%", "%")

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:  # noqa: ARG002
        """Return a type for the driver: one that passes the values as they are."""
        return Plain(self.name)

    def bind_expression(self, bindparam: Any) -> Any:
        return cast(bindparam, Plain(self.name))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return _HSTORE_AS_TEXT(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return _HSTORE_OF_TEXT(value) if isinstance(value, str) else value


def _each(function: Any, value: Any) -> Any:
    return [_each(function, one) for one in value] if isinstance(value, list) else function(value)


_PLAIN = ("bit", "varbit", "macaddr", "macaddr8", "regclass", "regconfig", "tsvector", "tsquery")
_MADE: dict[str, Callable[[str], TypeEngine[Any]]] = {
    **dict.fromkeys(_PLAIN, Plain),
    "money": Money,
    "name": lambda _: Name(),
}
"""Types, by their names in ``pg_type``, that are ours, whatever SQLAlchemy has for them.

SQLAlchemy 2.0 and 2.1 cast the values of a batch to the type of the column with its length, by
which bits that are too many are cut off without an error.  Conditions on money warn on 2.1, those
on the registered objects fail, and so do those on the others with psycopg on some releases.
"""

_KNOWN: dict[str, Callable[[], TypeEngine[Any]]] = {
    "bool": sqltypes.BOOLEAN,
    "int2": sqltypes.SMALLINT,
    "int4": sqltypes.INTEGER,
    "int8": sqltypes.BIGINT,
    "float4": sqltypes.REAL,
    "float8": pg.DOUBLE_PRECISION,
    "numeric": NUMERIC,
    "text": sqltypes.TEXT,
    "varchar": sqltypes.VARCHAR,
    "bpchar": partial(Plain, "bpchar"),
    "date": sqltypes.DATE,
    "time": pg.TIME,
    "timetz": partial(pg.TIME, timezone=True),
    "timestamp": pg.TIMESTAMP,
    "timestamptz": partial(pg.TIMESTAMP, timezone=True),
    "interval": pg.INTERVAL,
    "bytea": pg.BYTEA,
    "uuid": sqltypes.UUID,
    "json": pg.JSON,
    "jsonb": pg.JSONB,
    "inet": pg.INET,
    "cidr": pg.CIDR,
    "int4range": pg.INT4RANGE,
    "int8range": pg.INT8RANGE,
    "numrange": pg.NUMRANGE,
    "daterange": pg.DATERANGE,
    "tsrange": pg.TSRANGE,
    "tstzrange": pg.TSTZRANGE,
}
"""Types of which the drivers know the arrays as well, by their names in ``pg_type``."""

_CUT = {"varchar", "bpchar"}
"""A cast to an array of these, or of a domain of them, cuts off what is too long."""


def corrected(given: TypeEngine[Any], steps: Sequence[Type]) -> TypeEngine[Any]:
    """Return the type of a column, or of what is beneath its domain.

    :param given: the type that SQLAlchemy reflects.
    :param steps: from the type of the column down to what is beneath.
    """
    made = _of_steps(given, steps)
    cut = next(step.cut for step in steps if step.cut or step.kind != "d")
    if cut and len(steps) > 1:
        setattr(made, AS_STORED, Plain(cut))
    return made


def _of_steps(given: TypeEngine[Any], steps: Sequence[Type]) -> TypeEngine[Any]:
    shown, of_domain = steps[0].shown, steps[0].kind == "d"
    while steps[0].kind == "d":
        given, steps = getattr(given, "data_type", sqltypes.NULLTYPE), steps[1:]
    found, *elements = steps
    if elements:
        return _array(given, elements, shown)
    if isinstance(given, pg.ENUM):
        kind = DomainOfEnum if of_domain else Enum
        return kind(*given.enums, name=given.name, schema=given.schema)
    if found.shipped and found.name in _MADE:
        return _MADE[found.name](found.shown)
    if found.shipped and (found.name == "interval" or (of_domain and found.name in _KNOWN)):
        return _known(given, found.name)
    if type(given) is sqltypes.NUMERIC:
        return NUMERIC(given.precision, given.scale)
    made: Callable[[str], TypeEngine[Any]] = Hstore if found.name == "hstore" else Plain
    return made(shown) if isinstance(given, sqltypes.NullType) else given


def _known(given: Any, name: str) -> TypeEngine[Any]:
    """Return the type for a name, which what SQLAlchemy reflects may tell more of."""
    while inner := getattr(given, "item_type", getattr(given, "data_type", None)):
        given = inner
    if isinstance(given, pg.INTERVAL):
        of_months = given.fields in {"year to month", "year", "month"}
        return Months(fields=given.fields) if of_months else given
    return _KNOWN[name]()


def _array(given: TypeEngine[Any], elements: Sequence[Type], shown: str) -> TypeEngine[Any]:
    """Return the type of an array."""
    *domains, last = elements
    nested = any(each.kind != "d" for each in domains)
    if nested or not last.shipped or last.name not in _KNOWN:
        delimiter = ";" if last.name == "box" else ","
        known = sqltypes.BIGINT() if last.name == "oid" and not nested else None
        kind = Hstores if last.name == "hstore" and not nested else Array
        return kind(shown, Plain(elements[0].shown), known, delimiter)
    item = _known(given, last.name)
    if domains:
        of_text = Plain(elements[0].shown)
        return Array(shown, of_text if last.name in _CUT else item, known=item)
    if isinstance(given, pg.ARRAY) and last.name not in {*_CUT, "numeric", "interval"}:
        return List(given.item_type)
    return List(item)
