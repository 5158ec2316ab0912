"""Mappers with ``non_primary=True``: aliases of a class, which are what took their place."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import aliased

from sqlsoup.legacy._notes import note

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapper


class NonPrimary:
    """What a further mapper of a class was: a target of relationships and queries."""

    def __init__(
        self, cls: Any, selectable: Any, properties: Any = None, primary_key: Any = None, **kw: Any
    ) -> None:
        note("non-primary")
        if kw:
            raise ArgumentError(
                f"mapper(non_primary=True, {next(iter(kw))}=) cannot be done on SQLAlchemy 2; "
                "use aliased() with a subquery"
            )
        mapper: Mapper[Any] = inspect(cls)
        columns = {
            prop.key: _column(mapper, selectable, prop, (properties or {}).get(prop.key))
            for prop in mapper.column_attrs
        }
        self.class_ = cls
        named = {column.name: column for column in selectable.c}
        self.c = self.columns = SimpleNamespace(**(named | (properties or {}) | columns))
        self.primary_key = tuple(primary_key or ())
        self.entity = aliased(cls, selectable)


def _column(mapper: Any, selectable: Any, prop: Any, given: Any) -> Any:
    """Return the column of a selectable for an attribute of a class."""
    own = prop.columns[0]
    given = given if isinstance(given, list | tuple) or given is None else [given]
    found = selectable.corresponding_column(own)
    if found is None or (given and not any(each.shares_lineage(own) for each in given)):
        name = f"{mapper.class_.__name__}.{prop.key}"
        raise ArgumentError(
            f"mapper(non_primary=True) cannot be done on SQLAlchemy 2 where {name} is another "
            "column; use aliased() with a subquery"
        )
    return found


def real(entity: Any) -> Any:
    """Return the alias for such a mapper, and anything else as it is."""
    return entity.entity if type(entity) is NonPrimary else entity
