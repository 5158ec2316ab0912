"""Mappers with ``non_primary=True``: aliases of a class, which are what took their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import aliased
from sqlalchemy.sql.expression import ColumnElement, SelectBase
from sqlalchemy.util import Properties

from sqlsoup.legacy._notes import note
from sqlsoup.legacy._subqueries import subquery_of
from sqlsoup.legacy._text import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Mapper


def second_mapper(
    cls: type,
    selectable: Any,
    properties: Mapping[str, Any] | None = None,
    primary_key: object = None,  # noqa: ARG001 - an alias has that of the class
    **kw: Any,
) -> Any:
    """Return what stands for a second mapper of a class: rows of it from another table or join."""
    note("non-primary")
    if kw:
        raise ArgumentError(
            f"mapper(non_primary=True, {next(iter(kw))}=) cannot be done on SQLAlchemy 2; "
            "use aliased() with a subquery"
        )
    table = subquery_of(selectable) if isinstance(selectable, SelectBase) else selectable
    given = {name: listed(columns) for name, columns in (properties or {}).items()}
    mapper: Mapper[Any] = inspect(cls)
    for prop in mapper.column_attrs:
        column = prop.columns[0]
        others = given.get(prop.key, [column])
        if table.corresponding_column(column) is None or not any(
            other.shares_lineage(column) for other in others
        ):
            raise ArgumentError(
                f"mapper(non_primary=True) cannot be done on SQLAlchemy 2 where {cls.__name__}."
                f"{prop.key} is another column; use aliased() with a subquery"
            )
    named = {name: each[0] for name, each in given.items() if isinstance(each[0], ColumnElement)}
    second: Any = aliased(cls, table)
    vars(second)["c"] = Properties({column.name: column for column in table.c} | named)
    return second
