"""Joins by names, tuples and lists, and to aliases that later criteria are about."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

from sqlalchemy import FromClause, inspect
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Query, QueryableAttribute, RelationshipProperty, aliased, context
from sqlalchemy.orm.util import _ORMJoin
from sqlalchemy.sql import coercions, roles
from sqlalchemy.sql.expression import ClauseElement, Join, SelectBase
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from sqlsoup.legacy._bases import NEW
from sqlsoup.legacy._mappers import UNORDERED
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import internal, method, replaced
from sqlsoup.legacy._text import label, textual

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def entity_of(query: Any) -> Any:
    """Return the first class, or alias of one, of which a query or select gives rows, or None."""
    return next((d["entity"] for d in query.column_descriptions if d["expr"] is d["entity"]), None)


@replaced(Query, "filter", "where", "having")
def _criteria(before: Callable[..., Any]) -> Callable[..., Any]:
    def where(query: Any, *criteria: Any) -> Any:
        is_one = len(criteria) == 1 and isinstance(criteria[0], ClauseElement)
        if is_one and _ADAPTERS not in vars(query):
            return before(query, criteria[0])  # which is quicker than with *criteria
        for each in criteria:
            if isinstance(each, str):
                criteria = tuple(textual(every, "query-text") for every in criteria)
                break
        if _ADAPTERS in vars(query):
            criteria = tuple(_adapted(query, each) for each in criteria)
        return before(query, *criteria)

    return where


@replaced(Query, "order_by", "group_by", "distinct")
def _labels(before: Callable[..., Any]) -> Callable[..., Any]:
    is_order = before.__name__ == "order_by"

    def order_by(query: Any, *clauses: Any) -> Any:
        if len(clauses) == 1 and isinstance(clauses[0], list | tuple):
            note("select-arguments")
            clauses = tuple(clauses[0])
        for each in clauses:
            if isinstance(each, str):
                clauses = tuple(label(every, "query-text") for every in clauses)
                break
        if _ADAPTERS in vars(query):
            clauses = tuple(_adapted(query, each) for each in clauses)
        ordered = before(query, *clauses)
        if is_order and clauses:  # False asks for the order of the mapper again
            vars(ordered)[UNORDERED] = clauses[0] is None
        return ordered

    return order_by


def _targets(keys: tuple[Any, ...]) -> Iterator[tuple[Any, Any]]:
    """Give target and condition of each join; a name or relationship is a target by itself."""
    if len(keys) == 2 and _is_target(keys[0]) and not _is_target(keys[1]):  # noqa: PLR2004
        keys = (keys,)
    for key in keys:
        if isinstance(key, tuple):
            target, onclause = (*key, None)[:2]
            is_backwards = _is_target(onclause) and not _is_target(target)
            yield (onclause, target) if is_backwards else (target, onclause)
        elif isinstance(key, list):
            yield from _targets(tuple(key))
        elif isinstance(key, str):
            yield from ((name, None) for name in key.split("."))
        else:
            yield key, None


def _is_target(key: Any) -> bool:
    if isinstance(key, FromClause | SelectBase | type):
        return True
    found = None if isinstance(key, str | tuple | list) else inspect(key, raiseerr=False)
    return getattr(found, "is_aliased_class", False) or getattr(found, "is_mapper", False)


def _is_new(keys: tuple[Any, ...]) -> bool:
    """Tell if the arguments of join() are one target, or one target and its condition."""
    for key in keys:
        if isinstance(key, str | tuple | list):
            return False
    return len(keys) == 1 or (
        len(keys) == 2  # noqa: PLR2004
        and (isinstance(keys[0], FunctionType) or _is_target(keys[0]))  # which gives a target
        and not _is_target(keys[1])
    )


@replaced(Query, "join", "outerjoin")
def _join(before: Callable[..., Any]) -> Callable[..., Any]:
    def join(query: Any, /, *keys: Any, **kw: Any) -> Any:
        if len(keys) == 1 and not kw and isinstance(keys[0], _TARGETS):
            return before(query if _ADAPTERS not in vars(query) else _not_adapted(query), keys[0])
        if not _OF_OLD_JOIN.isdisjoint(kw) or not _is_new(keys):
            return _join_any(before, query, *keys, **kw)
        return before(query if _ADAPTERS not in vars(query) else _not_adapted(query), *keys, **kw)

    return join


_TARGETS = (QueryableAttribute, type, FromClause)
_OF_OLD_JOIN = frozenset(("target", "aliased", "from_joinpoint"))


def _join_any(before: Callable[..., Any], query: Any, /, *keys: Any, **kw: Any) -> Any:
    if "target" in kw:
        keys = (kw.pop("target"), *keys)
    is_old = bool({"aliased", "from_joinpoint"} & kw.keys()) or not _is_new(keys)
    aliased_, from_joinpoint = kw.pop("aliased", False), kw.pop("from_joinpoint", False)
    if is_old:
        note("query-join")
    start = query if from_joinpoint else query.reset_joinpoint()
    if _is_new(keys) and not aliased_ and not (is_old and from_joinpoint):
        return before(_not_adapted(query), *keys, **kw)
    left = start._filter_by_zero()
    query = query if from_joinpoint else _not_adapted(query)
    adapted: tuple[Any, ...] = ()
    for target, onclause in _targets(keys):
        target, onclause = (_relationship(query, left, each) for each in (target, onclause))  # noqa: PLW2901
        if aliased_:
            target, onclause, adapted = _aliased(target, onclause, vars(query).get(_ADAPTERS, ()))  # noqa: PLW2901
        query = before(query, target, *[onclause] * (onclause is not None), **kw)
        if aliased_:
            vars(query)[_ADAPTERS] = adapted
        left = query._filter_by_zero()
    return query


_ADAPTERS = "_sqlsoup_adapters"
"""What a query keeps of joins with ``aliased=True``: what puts the alias into later criteria."""

_SELECTED = "_sqlsoup_selected"
"""What it keeps of ``with_polymorphic()`` of a selectable, for criteria after other joins too."""


def adapt_to(query: Any, alias: Any) -> None:
    """Have later criteria of a query that is new be about an alias that it selects."""
    vars(query)[_SELECTED] = vars(query)[_ADAPTERS] = (inspect(alias)._adapter,)


def _aliased(target: Any, onclause: Any, adapters: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    """Return target and condition of a join to an alias, and what puts aliases into criteria."""
    relationship = target if onclause is None else onclause
    prop = getattr(relationship, "property", None)
    joined = target
    if prop is not None and target is relationship:
        joined = (relationship._of_type or prop.mapper).entity
    alias = aliased(joined, flat=True)
    adapters = (*adapters, inspect(alias)._adapter)
    if prop is not None:
        return relationship.of_type(alias), None, adapters
    return alias, None if onclause is None else _adapt(adapters, onclause), adapters


def _adapted(query: Any, clause: Any) -> Any:
    """Put the aliases of the joins before into a criterion."""
    adapters = vars(query).get(_ADAPTERS)
    if not adapters or not isinstance(clause, ClauseElement | QueryableAttribute):
        return clause
    return _adapt(adapters, clause)


def _adapt(adapters: tuple[Any, ...], clause: Any) -> Any:
    """Put aliases into an expression: of a table joined twice, the last one."""

    def replace(element: Any, **_: Any) -> Any:
        if _OF_CLASSES.isdisjoint(element._annotations):  # a table is itself, as within any()
            return None
        found = (adapter.replace(element) for adapter in reversed(adapters))
        return next((each for each in found if each is not None), None)

    return replacement_traverse(coercions.expect(roles.ExpressionElementRole, clause), {}, replace)


_OF_CLASSES = frozenset(("parententity", "_orm_adapt"))
"""What attributes of classes have, and the half of a condition that is about the class outside."""


def _not_adapted(query: Any) -> Any:
    """Return a query whose later criteria are about tables, and no aliases of a join."""
    if _ADAPTERS in vars(query):
        query = query._generate()
        vars(query)[_ADAPTERS] = vars(query).get(_SELECTED, ())
    return query


@method(internal(context, "ORMSelectCompileState"), "_adapt_polymorphic_element")
def _adapt_element(before: Callable[..., Any], state: Any, element: Any) -> Any:
    """Leave columns of a class alone where a subclass of it is joined, under another name.

    Criteria would compare the subclass with itself.
    """
    made = before(state, element)
    if made is None or not _is_of_query(state):
        return made
    adapters = state._polymorphic_adapters
    adapter = adapters[element if isinstance(element, FromClause) else element.table]
    if (
        element._annotations.get("parententity") in adapters
        or adapter.role.name != "DEPRECATED_JOIN_ADAPT_RIGHT_SIDE"  # but selects a class as asked
    ):
        return made
    note("query-join", old="join() of a subclass by its class", instead=_FLAT)
    return None


_FLAT = "join(aliased(Sub, flat=True), ...)"


@method(internal(context, "ORMSelectCompileState"), "_adjust_for_extra_criteria")
def _adjust_criteria(before: Callable[..., Any], state: Any) -> None:
    """Have a query that only compares columns of a subclass give rows of the class as well.

    SQLAlchemy 2.1 adds to it that rows are of the subclass.
    """
    criteria = state.select_statement._where_criteria
    if criteria and _is_of_query(state):
        for criterion in criteria:
            for element in iterate(criterion):
                entity = element._annotations.get("parententity")
                if entity is not None and _is_compared_alone(state, entity):
                    note("subclass-criteria")
                    state._join_entities += (entity,)
    before(state)


def _is_compared_alone(state: Any, entity: Any) -> bool:
    """Tell if a query selects nothing of a class that shares the table of another."""
    return (
        entity.mapper._single_table_criterion is not None
        and not issubclass(entity.mapper.class_, NEW)
        and entity not in state._join_entities
        and entity not in state.extra_criteria_entities
        and all(each._annotations.get("parententity") is not entity for each in state.from_clauses)
        and ("additional_entity_criteria", entity.mapper) not in state.global_attributes
    )


def _is_of_query(state: Any) -> bool:
    return bool(state.compile_options._use_legacy_query_style)


@method(Query, "reset_joinpoint")
def _reset_joinpoint(before: Callable[..., Any], query: Any) -> Any:
    return before(_not_adapted(query))


@replaced(_ORMJoin, "__init__")
def _join_of_classes(before: Callable[..., Any]) -> Callable[..., Any]:
    def init(join: Any, left: Any, right: Any, onclause: Any = None, *args: Any, **kw: Any) -> None:
        if isinstance(onclause, str):
            note("query-join", old="join() of classes with a name")
            joined = left
            while isinstance(joined, Join):
                joined = joined.right
            onclause = _relationship(joined, joined, onclause)
        before(join, left, right, onclause, *args, **kw)

    return init


def _relationship(query: Any, left: Any, name: Any) -> Any:
    """Return the relationship of a name, of what a query selects from or has joined."""
    if not isinstance(name, str):
        return name
    annotations = getattr(left, "_annotations", None)
    if annotations is not None:
        left = annotations.get("parententity") or query._propagate_attrs.get("plugin_subject")
    entity = getattr(inspect(left, raiseerr=False), "entity", None)
    attribute = getattr(entity, name, None)
    if not isinstance(getattr(attribute, "property", None), RelationshipProperty):
        mapper = getattr(inspect(entity, raiseerr=False), "mapper", None)
        shown = "what is selected from" if mapper is None else mapper.class_.__name__
        raise InvalidRequestError(f"{shown} has no relationship {name!r} to join")
    return attribute
