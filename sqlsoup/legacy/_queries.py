"""Queries: text that is not marked, joins by name, from_self() and others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy.orm as sa_orm
from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, FromClause, column, inspect, literal_column
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Query, QueryableAttribute, RelationshipProperty, aliased, object_session
from sqlalchemy.sql import coercions, roles
from sqlalchemy.sql.expression import ClauseElement, Select

from sqlsoup._mapping import selectable_of
from sqlsoup.legacy._frames import asking, is_ours
from sqlsoup.legacy._loaders import resolved
from sqlsoup.legacy._mappers import UNORDERED, without_entity_name
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, method, missing, plan, replace, replaced
from sqlsoup.legacy._results import MainAlias, keep_alias
from sqlsoup.legacy._statements import bound, label, lock_arguments, textual

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def entity_of(query: Any) -> Any:
    """Return the first class, or alias of one, of which a query or select gives rows, or None."""
    return next((d["entity"] for d in query.column_descriptions if d["expr"] is d["entity"]), None)


@replaced(Query, "filter", "where", "having")
def _criteria(before: Callable[..., Any]) -> Callable[..., Any]:
    def where(query: Any, *criteria: Any) -> Any:
        for each in criteria:
            if isinstance(each, str):
                criteria = tuple(textual(every, "query-text") for every in criteria)
        if _ADAPTERS in vars(query):
            criteria = tuple(_adapted(query, each) for each in criteria)
        return before(query, *criteria)

    return where


@method(Query, "order_by", "group_by", "distinct")
def _labels(before: Callable[..., Any], query: Any, *clauses: Any) -> Any:
    if len(clauses) == 1 and isinstance(clauses[0], list | tuple):
        note("select-arguments")
        clauses = tuple(clauses[0])
    ordered = before(query, *(_adapted(query, label(each, "query-text")) for each in clauses))
    if clauses and before.__name__ == "order_by":  # False asks for the order of the mapper again
        vars(ordered)[UNORDERED] = clauses[0] is None
    return ordered


def _targets(keys: tuple[Any, ...]) -> Iterator[tuple[Any, Any]]:
    """Give target and condition of each join; a name or relationship is a target by itself."""
    if len(keys) == 2 and _is_target(keys[0]) and not _is_target(keys[1]):  # noqa: PLR2004
        keys = (keys,)
    for key in keys:
        if isinstance(key, tuple):
            yield key[0], key[1] if len(key) > 1 else None
        elif isinstance(key, list):
            yield from _targets(tuple(key))
        elif isinstance(key, str):
            yield from ((name, None) for name in key.split("."))
        else:
            yield key, None


def _is_target(key: Any) -> bool:
    if isinstance(key, FromClause | type):
        return True
    found = None if isinstance(key, str | tuple | list) else inspect(key, raiseerr=False)
    return getattr(found, "is_aliased_class", False) or getattr(found, "is_mapper", False)


def _is_new(keys: tuple[Any, ...]) -> bool:
    """Tell if the arguments of join() are one target, or one target and its condition."""
    if any(isinstance(key, str | tuple | list) for key in keys):
        return False
    return len(keys) == 1 or (
        len(keys) == 2 and _is_target(keys[0]) and not _is_target(keys[1])  # noqa: PLR2004
    )


@method(Query, "join", "outerjoin")
def _join(before: Callable[..., Any], query: Any, /, *keys: Any, **kw: Any) -> Any:
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


def _aliased(target: Any, onclause: Any, adapters: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    """Return target and condition of a join to an alias, and what puts aliases into criteria."""
    relationship = target if onclause is None else onclause
    prop = getattr(relationship, "property", None)
    joined = prop.mapper.class_ if prop is not None and target is relationship else target
    alias = aliased(joined)
    adapters = (*adapters, inspect(alias)._adapter)
    if prop is not None:
        return relationship.of_type(alias), None, adapters
    return alias, None if onclause is None else adapters[-1].traverse(onclause), adapters


def _adapted(query: Any, clause: Any) -> Any:
    """Put the aliases of the joins before into a criterion."""
    if isinstance(clause, ClauseElement | QueryableAttribute):
        for adapter in vars(query).get(_ADAPTERS, ()):
            clause = adapter.traverse(coercions.expect(roles.ExpressionElementRole, clause))
    return clause


def _not_adapted(query: Any) -> Any:
    """Return a query whose later criteria are about tables, and no aliases of a join."""
    if _ADAPTERS in vars(query):
        query = query._generate()
        del vars(query)[_ADAPTERS]
    return query


@method(Query, "reset_joinpoint")
def _reset_joinpoint(before: Callable[..., Any], query: Any) -> Any:
    return before(_not_adapted(query))


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


OF_QUERY = "_sqlsoup_of_query"
"""What the statement of a query has; executed, it gives columns and not rows of a class."""


@method(Query, "__init__")
def _init(
    before: Callable[..., Any],
    query: Any,
    /,
    entities: Any,
    session: Any = None,
    *args: Any,
    **kw: Any,
) -> None:
    without_entity_name("Query", kw | dict(zip(("entity_name",), args, strict=False)))
    if isinstance(entities, list | tuple):
        entities = [_named(each) for each in entities]
    before(query, entities, session)


def _named(entity: Any) -> Any:
    """Make a column of a name or other text."""
    if not isinstance(entity, str):
        return entity
    made = _column(entity)
    make = column if entity.isidentifier() else literal_column
    instead = f'{make.__name__}("{entity}")'
    if {"'", '"', "$"} & {*entity}:  # it may have values in it
        instead = bound(entity)
    note("query-text", instead=instead)
    return made


def _column(name: Any) -> Any:
    if not isinstance(name, str):
        return name
    return (column if name.isidentifier() else literal_column)(name)


@method(Query, "values", "add_column", "add_columns")
def _with_columns(before: Callable[..., Any], query: Any, *columns: Any) -> Any:
    if any(isinstance(each, str) for each in columns):
        note("query-values", old=f"{before.__name__}() with a name")
    return before(query, *(_column(each) for each in columns))


@missing(Query, "iterate_instances")
def _iterate_instances(query: Any, cursor: Any) -> Any:
    note("name", old="Query.iterate_instances()", instead="Query.instances()")
    return query.instances(cursor)


@missing(Query, "query_from_parent", staticmethod)
def _query_from_parent(instance: Any, name: str) -> Any:
    note("name", old="Query.query_from_parent()", instead="query.with_parent(instance, A.b)")
    attribute = getattr(type(instance), name)
    session: Any = object_session(instance)
    return session.query(attribute.property.mapper).with_parent(instance, attribute)


@plan
def _statement() -> None:
    before: Any = Query.statement.fget  # type: ignore[attr-defined]

    def statement(query: Any) -> Any:
        made = before(query)
        caller: Any = asking()
        if caller.f_code.co_name == "__getattr__":  # of a SQLSoup class
            caller = caller.f_back
        if is_ours(caller) or not isinstance(made, Select):
            return made
        made = query._compile_state(for_statement=True).statement
        if query._params:
            made = made.params(query._params)
        vars(made)[OF_QUERY] = True
        return made

    replace(Query, "statement", property(statement))


@method(Query, "options")
@method(Select, "options")
def _options(before: Callable[..., Any], query: Any, *options: Any) -> Any:
    for option in options:
        query = option.on(query) if isinstance(option, MainAlias) else query
    given = [option for option in options if not isinstance(option, MainAlias)]
    query = before(query, *(resolved(option, lambda: entity_of(query)) for option in given))
    for option in given:
        for alias in getattr(option, "aliases", ()):
            keep_alias(query, alias)
    return query


@missing(Query, "from_self")
def _from_self(query: Any, *entities: Any) -> Any:
    note("from-self")
    inner = query.enable_eagerloads(False).set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL).statement
    wrapped = query._from_selectable(inner.correlate(None).subquery())
    return wrapped.with_entities(*entities) if entities else wrapped


@missing(Query, "select_entity_from")
def _select_entity_from(query: Any, from_obj: Any) -> Any:
    note("select-entity-from")
    return query._from_selectable(selectable_of(from_obj))


@missing(Query, "with_lockmode")
def _with_lockmode(query: Any, mode: Any) -> Any:
    note("with-lockmode")
    return query.with_for_update(**lock_arguments(mode)) if mode else query


@missing(Query, "with_polymorphic")
def _with_polymorphic(
    query: Any, classes: Any, selectable: Any = None, polymorphic_on: Any = None
) -> Any:
    note("name", old="Query.with_polymorphic()", instead="sqlalchemy.orm.with_polymorphic()")
    wide = sa_orm.with_polymorphic(
        entity_of(query),
        classes,
        selectable=False if selectable is None else selectable,
        polymorphic_on=polymorphic_on,
    )
    return query.with_entities(wide)


@function(sa_orm.with_parent)
def _with_parent(
    before: Callable[..., Any], /, instance: Any, prop: Any, from_entity: Any = None
) -> Any:
    if isinstance(prop, str):
        note("with-parent-name")
        prop = getattr(type(instance), prop)
    return before(instance, prop, from_entity)


@method(Query, "__getitem__")
def _getitem(before: Callable[..., Any], query: Any, item: Any) -> Any:
    bounds = (item.start, item.stop) if isinstance(item, slice) else (item,)
    if not any(isinstance(bound, int) and bound < 0 for bound in bounds):
        return before(query, item)
    note("query-index")
    if len(bounds) == 2 and None not in bounds and bounds[1] <= bounds[0]:  # noqa: PLR2004
        return []
    return list(query)[item]


@method(Query, "add_entity")
def _add_entity(before: Callable[..., Any], query: Any, entity: Any, *args: Any, **kw: Any) -> Any:
    old = dict(zip(("alias",), args, strict=False)) | kw
    if old:
        note("name", old="add_entity(entity, alias)", instead="add_entity(aliased(entity, alias))")
    alias = old.get("alias")
    return before(query, entity if alias is None else aliased(entity, alias))
