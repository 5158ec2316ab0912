"""Types of keys by which rows are found again: hashable, of single precision, or as spelled.

SQLAlchemy could not look up a list or a set.  Numbers of single precision come in as many digits as
tell them from others, 0.1 for instance, and are compared with what is given as doubles, where 0.1
is another number.  Dates and times of SQLite are text in one spelling or another.
"""

# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, TypeDecorator, event, type_coerce
from sqlalchemy.sql import operators
from sqlalchemy.types import NullType

from sqlsoup._key_values import SINGLE, is_of_server
from sqlsoup._numbers import nearest

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.orm import Mapper
    from sqlalchemy.types import TypeEngine


class _OfKey(TypeDecorator[Any]):
    impl = NullType
    kind: TypeEngine[Any]

    def __init__(self, kind: TypeEngine[Any]) -> None:
        super().__init__()
        it: Any = self
        it.kind = it.impl = kind


class Hashable(_OfKey):
    """A type whose lists come as tuples, and sets as frozensets."""

    cache_ok = True

    @property
    def python_type(self) -> type[Any]:
        """What the values are."""
        return frozenset if self.kind.__visit_name__ == "SET" else tuple

    def column_expression(self, column: Any) -> Any:
        """Have the database give what the type wants, as this type."""
        wanted = self.kind.column_expression(column)
        return column if wanted is None else type_coerce(wanted, self)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Return a value that can be a key."""
        return _hashable(value)


def _hashable(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(map(_hashable, value))
    return frozenset(value) if isinstance(value, set) else value


class Single(_OfKey):
    """A type of numbers of single precision."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Return the double that is equal to what is stored."""
        return nearest(value)

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """Return this type for a comparison; what is multiplied keeps its digits."""
        compared = op is not None and operators.is_comparison(op)
        return self if compared else self.kind.coerce_compared_value(op, value)


def make_hashable(table: Table, key: Any = ()) -> None:
    """Give the keys of a table, and its foreign keys, types by which rows are found again.

    :param key: columns that are named to be the primary key.
    """
    for column in table.columns:
        if column.primary_key or column.foreign_keys or column in key:
            kind = _beneath(column.type)
            if kind.__visit_name__.endswith(("ARRAY", "SET", "MULTIRANGE")):
                column.type = Hashable(column.type)
            elif hasattr(kind, "spelled"):
                kind.spelled = True
            elif kind is column.type and kind.__visit_name__ in SINGLE and is_of_server(kind):
                column.type = Single(kind)


def tells_apart(kind: Any) -> bool:
    """Tell if values of a type may be a key: those of JSON and hstore are dicts, or may be."""
    return _beneath(kind).__visit_name__ not in {"JSON", "JSONB", "HSTORE"}


def _beneath(kind: Any) -> Any:
    """Return what a type decorates, but for what is hashable already."""
    while isinstance(kind, TypeDecorator) and not isinstance(kind, Hashable):
        kind = kind.impl_instance
    return kind


def set_hashable(mapper: Mapper[Any]) -> None:
    """Have such keys hashable where they are given."""
    for column in mapper.columns:
        if isinstance(column.type, Hashable):
            attribute = getattr(mapper.class_, mapper.get_property_by_column(column).key)
            event.listen(attribute, "set", _set, retval=True)


def _set(_row: object, value: Any, *_more: object) -> Any:
    return _hashable(value)
