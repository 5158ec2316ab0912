"""Keys whose values are lists or sets, which SQLAlchemy could not look up: unhashable type.

And keys of SQLite that are dates and times, which are text there in one spelling or another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, TypeDecorator, event, type_coerce
from sqlalchemy.types import NullType

from sqlsoup._key_values import SINGLE, is_of_server
from sqlsoup._numbers import Single

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.orm import Mapper
    from sqlalchemy.types import TypeEngine


class Hashable(TypeDecorator[Any]):
    """A type whose lists come as tuples, and sets as frozensets."""

    impl = NullType
    cache_ok = True
    kind: TypeEngine[Any]

    def __init__(self, kind: TypeEngine[Any]) -> None:
        super().__init__()
        it: Any = self
        it.kind = it.impl = kind

    @property
    def python_type(self) -> type[Any]:
        """What the values are."""
        return frozenset if _is_set(self.kind) else tuple

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


def _is_set(kind: Any) -> bool:
    return bool(kind.__visit_name__ == "SET")


def make_hashable(table: Table, key: Any = ()) -> None:
    """Have keys of a table, and foreign keys, hashable, where their types are those of lists.

    Those of SQLite that are text keep their spelling, by which a row is found again.

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
