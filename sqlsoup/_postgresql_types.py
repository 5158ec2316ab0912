"""Types of PostgreSQL as the drivers give and take their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import cast
from sqlalchemy import types as sqltypes
from sqlalchemy.dialects import postgresql as pg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine

    from sqlsoup._postgresql_facts import Type


class Plain(sqltypes.UserDefinedType[Any]):
    """A type whose values are what the driver gives and takes: mostly text, as PostgreSQL has it.

    :param name: what SQL calls the type.
    """

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        """Return the name of the type."""
        return self.name


class Enum(pg.ENUM):
    """An enum that lets pass a value which was added to it after it was reflected."""

    def result_processor(self, dialect: Dialect, coltype: object) -> None:  # noqa: ARG002
        """Return None: a value comes as the text that it is."""
        return


class Array(sqltypes.TypeDecorator[Any]):
    """An array of which the drivers do not know the type, so that they give one text for all of it.

    :param name: what SQL calls the type.
    :param item: a type by which the elements are written.
    :param known: a type as which they are read, whose arrays the drivers know.
    """

    impl = pg.ARRAY
    cache_ok = True

    def __init__(self, name: str, item: TypeEngine[Any], known: TypeEngine[Any]) -> None:
        super().__init__(item)
        self.name = name
        self.item = item
        self.known = known

    def bind_expression(self, bindparam: Any) -> Any:
        """Have the database make the array of a list, or of text."""
        return cast(bindparam, Plain(self.name))

    def column_expression(self, column: Any) -> Any:
        """Have the database give what the drivers make a list of."""
        return cast(column, pg.ARRAY(self.known))

    def bind_processor(self, dialect: Dialect) -> Any:
        """Return what is done to a list; text, as PostgreSQL writes arrays, is left as it is."""
        own: Any = super().bind_processor(dialect)
        return own and (lambda value: value if isinstance(value, str) else own(value))


SHIPPED: dict[str, Callable[[], TypeEngine[Any]]] = {
    "bool": sqltypes.BOOLEAN,
    "int2": sqltypes.SMALLINT,
    "int4": sqltypes.INTEGER,
    "int8": sqltypes.BIGINT,
    "float4": sqltypes.REAL,
    "float8": pg.DOUBLE_PRECISION,
    "numeric": sqltypes.NUMERIC,
    "text": sqltypes.TEXT,
    "varchar": sqltypes.VARCHAR,
    "bpchar": sqltypes.CHAR,
    "date": sqltypes.DATE,
    "time": pg.TIME,
    "timetz": lambda: pg.TIME(timezone=True),
    "timestamp": pg.TIMESTAMP,
    "timestamptz": lambda: pg.TIMESTAMP(timezone=True),
    "interval": pg.INTERVAL,
    "bytea": pg.BYTEA,
    "uuid": sqltypes.UUID,
    "json": pg.JSON,
    "jsonb": pg.JSONB,
}
"""The types of which both drivers know the arrays as well, by their names in ``pg_type``."""


def corrected(given: TypeEngine[Any], steps: Sequence[Type]) -> TypeEngine[Any]:
    """Return the type of a column, or of what is beneath its domain.

    :param given: the type that SQLAlchemy reflects.
    :param steps: from the type of the column down to what is beneath.
    """
    shown = steps[0].shown
    while steps[0].kind == "d":
        given, steps = getattr(given, "data_type", sqltypes.NULLTYPE), steps[1:]
        if steps[0].shipped and steps[0].name in SHIPPED:
            given = SHIPPED[steps[0].name]()
    found, *elements = steps
    if elements:
        return _array(given, elements, shown)
    if isinstance(given, pg.ENUM):
        return _enum(given, found)
    return Plain(shown) if isinstance(given, sqltypes.NullType) else given


def _array(given: TypeEngine[Any], elements: Sequence[Type], shown: str) -> TypeEngine[Any]:
    """Return the type of an array."""
    *domains, last = elements
    known = last.shipped and last.name in SHIPPED and all(each.kind == "d" for each in domains)
    if not known:
        item: TypeEngine[Any] = Plain(elements[0].shown)
        return Array(shown, item, sqltypes.TEXT())
    if domains:
        return Array(shown, SHIPPED[last.name](), SHIPPED[last.name]())
    return given if isinstance(given, pg.ARRAY) else pg.ARRAY(SHIPPED[last.name]())


def _enum(given: pg.ENUM, found: Type) -> TypeEngine[Any]:
    return Enum(*(found.labels or ()), name=given.name, schema=given.schema)
