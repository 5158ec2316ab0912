"""Attributes with an underscore of SQLAlchemy 1.3's queries, which programs asked what they are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.ext.horizontal_shard import ShardedSession
from sqlalchemy.orm import Query

from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import missing, replaced

if TYPE_CHECKING:
    from collections.abc import Callable


class QueryEntity(SimpleNamespace):
    """What a query is of."""


class MapperEntity(QueryEntity):
    """A class, or an alias of one."""


class ColumnEntity(QueryEntity):
    """A column, or another expression."""


ENTITIES = {
    "_QueryEntity": QueryEntity,
    "_MapperEntity": MapperEntity,
    "_ColumnEntity": ColumnEntity,
}
"""The classes of these by their names in ``sqlalchemy.orm.query``."""


def _entities(query: Any) -> list[Any]:
    return [_entity(found) for found in query.column_descriptions]


def _entity(found: Any) -> Any:
    zero: Any = inspect(found["entity"], raiseerr=False)
    mapper = getattr(zero, "mapper", None)
    of = {"entity_zero": zero, "mapper": mapper, "type": found["type"], "expr": found["expr"]}
    if found["expr"] is found["entity"]:
        return MapperEntity(**of)
    return ColumnEntity(**of, column=found["expr"], _label_name=found["name"])


def _value(clause: Any) -> Any:
    return None if clause is None else clause.value


_ATTRIBUTES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "_entities": (_entities, "query.column_descriptions"),
    "_criterion": (lambda query: query.whereclause, "query.whereclause"),
    "_limit": (lambda query: _value(query._limit_clause), "what limit() was given"),
    "_offset": (lambda query: _value(query._offset_clause), "what offset() was given"),
    "_order_by": (lambda query: list(query._order_by_clauses) or False, "what it was given"),
    "_group_by": (lambda query: list(query._group_by_clauses) or False, "what it was given"),
}
_METHODS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "_mapper_zero": (
        lambda query: _entities(query)[0].mapper,
        "query.column_descriptions[0]['entity'].__mapper__",
    ),
    "_entity_zero": (lambda query: _entities(query)[0].entity_zero, "query.column_descriptions"),
}
"""What gives each, and what to write instead."""


class _Attribute:
    """One that the program may set, as SQLAlchemy's baked queries do."""

    def __init__(self, get: Callable[[Any], Any]) -> None:
        self.get = get

    def __get__(self, query: Any, owner: type) -> Any:
        return self if query is None else self.get(query)


def _noting(name: str, get: Callable[[Any], Any], instead: str) -> Callable[[Any], Any]:
    def call(query: Any) -> Any:
        note("name", old=f"Query.{name}", instead=instead)
        return get(query)

    return call


@replaced(ShardedSession, "__init__")
def _init(before: Callable[..., Any]) -> Callable[..., Any]:
    def init(session: Any, *args: Any, query_chooser: Any = None, **kw: Any) -> None:
        if query_chooser is not None:
            note("name", old="query_chooser=", instead="execute_chooser=")
            kw["execute_chooser"] = lambda context: query_chooser(_Sharded(context))
        before(session, *args, **kw)

    return init


class _Sharded:
    """The query of which the shards are asked: a statement, with the attributes of a query."""

    def __init__(self, context: Any) -> None:
        self._statement = context.statement
        self._params = context.parameters or {}

    @property
    def _criterion(self) -> Any:
        return self._statement.whereclause

    def __getattr__(self, name: str) -> Any:
        return getattr(self._statement, name)


for _name, _of in _ATTRIBUTES.items():
    missing(Query, _name, _Attribute)(_noting(_name, *_of))
for _name, _of in _METHODS.items():
    missing(Query, _name)(_noting(_name, *_of))
