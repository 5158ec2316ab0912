"""Bulk changes by queries: of columns, with lists, and of a class in its parent's table."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnClause, inspect
from sqlalchemy.orm import Query
from sqlalchemy.sql import visitors

from sqlsoup.legacy._bases import selects_new
from sqlsoup.legacy._joins import entity_of
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import replaced

if TYPE_CHECKING:
    from collections.abc import Callable


@replaced(Query, "update", "delete")
def _change(before: Callable[..., Any]) -> Callable[..., Any]:
    name = before.__name__

    def change(query: Any, *args: Any, **kw: Any) -> Any:
        entity = entity_of(query)
        found = {each["entity"] for each in query.column_descriptions} - {entity}
        if entity is None and len(found) == 1:
            note("bulk-change", old=f"{name}() of columns", instead=f"query(A).{name}()")
            query = query.with_entities(*found)
        elif _leaves_parent(query, entity):
            note("bulk-change", old=f"{name}() {_OF_CHILD}")
        values = args[0] if args and name == "update" else kw.get("values")
        if isinstance(values, list | tuple) and not kw.get("update_args"):
            note("bulk-change", old="update() with a list", instead="update({...})")
            args, kw["values"] = args[1:], dict(values)
            kw |= zip(("synchronize_session", "update_args"), args, strict=False)
            args = ()
        return before(query, *args, **kw)

    return change


_OF_CHILD = "of a class in its parent's table, which changed the parent's rows as well"


def _leaves_parent(query: Any, entity: Any) -> bool:
    """Tell if no criterion says which rows of its parent's table are those of a class."""
    mapper: Any = inspect(entity) if isinstance(entity, type) else None
    if mapper is None or not (mapper.inherits and mapper.single) or selects_new(query):
        return False
    kind: Any = mapper.polymorphic_on
    found = chain.from_iterable(map(visitors.iterate, query._where_criteria))
    return kind is not None and not any(
        isinstance(each, ColumnClause) and each.shares_lineage(kind) for each in found
    )
