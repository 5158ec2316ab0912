"""Queries: text that is not marked, from_self() and others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy.orm as sa_orm
from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, column, inspect, literal_column
from sqlalchemy.orm import Query, object_session
from sqlalchemy.orm.interfaces import MapperOption
from sqlalchemy.orm.path_registry import PathRegistry
from sqlalchemy.sql.expression import Join, Select

from sqlsoup._mapping import selectable_of
from sqlsoup.legacy._bases import selects_new
from sqlsoup.legacy._frames import asking, is_ours
from sqlsoup.legacy._joins import adapt_to, entity_of
from sqlsoup.legacy._loaders import NamedOption, resolved
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, method, missing, plan, replace, replaced
from sqlsoup.legacy._properties import without_entity_name
from sqlsoup.legacy._results import MainAlias, keep_alias
from sqlsoup.legacy._text import bound, listed, lock_arguments

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


OF_QUERY = "_sqlsoup_of_query"
"""What the statement of a query has; executed, it gives columns and not rows of a class."""


@replaced(Query, "__init__")
def _init(before: Callable[..., Any]) -> Callable[..., Any]:
    def init(query: Any, /, entities: Any, session: Any = None, *args: Any, **kw: Any) -> None:
        if args or kw:
            without_entity_name("Query", kw | dict(zip(("entity_name",), args, strict=False)))
        if isinstance(entities, list | tuple):
            for each in entities:
                if isinstance(each, str):
                    entities = [_named(every) for every in entities]
                    break
        before(query, entities, session)

    return init


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
        if is_ours(caller) or not isinstance(made, Select) or _is_new(query, caller):
            return made
        made = query._compile_state(for_statement=True).statement
        if query._params:
            made = made.params(query._params)
        vars(made)[OF_QUERY] = True
        return made

    replace(Query, "statement", property(statement))


def _is_new(query: Any, caller: FrameType) -> bool:
    """Tell if a program knows rows of a class by scalars() alone, or by a base, of SQLAlchemy 2."""
    return "scalars" in caller.f_code.co_names or selects_new(query)


@replaced(Query, "options")
@replaced(Select, "options")
def _options(before: Callable[..., Any]) -> Callable[..., Any]:
    def options(query: Any, *given: Any) -> Any:
        if _WIDE in vars(query):
            flat = [each for option in given for each in listed(option)]
            given = tuple(_of_subclass(query, option) for option in flat)
        for option in given:
            if isinstance(option, _OLD_OPTIONS):
                return _options_any(before, query, *given)
        return before(query, *given)

    return options


_OLD_OPTIONS = (list, tuple, NamedOption, MainAlias, MapperOption)


_NOT_CALLED = "a MapperOption with propagate_to_loaders, which what attributes load does not call"


def _options_any(before: Callable[..., Any], query: Any, *options: Any) -> Any:
    if any(isinstance(option, list | tuple) for option in options):
        if not isinstance(query, Query):
            note("loader-name", old="options() with a list", instead="options(*options)")
        options = tuple(each for option in options for each in listed(option))
    for option in options:
        if isinstance(option, MapperOption) and option.propagate_to_loaders:
            own = type(option).process_query_conditionally
            note("name", old=_NOT_CALLED, instead="the event do_orm_execute", of=own)
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
    if isinstance(from_obj, Join):  # its columns are those of the tables
        return query.select_from(from_obj)
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
    query = query.with_entities(wide)
    found: Any = inspect(wide)
    vars(query)[_WIDE] = (found, *getattr(found, "_with_polymorphic_entities", ()))
    if selectable is not None:
        adapt_to(query, wide)
    return query


_WIDE = "_sqlsoup_wide"
"""What a query keeps of with_polymorphic(): the class and its subclasses as it selects them."""


def _of_subclass(query: Any, option: Any) -> Any:
    """Return a loader option for a subclass as one for what with_polymorphic() has of it."""
    if not isinstance(option, sa_orm.Load):
        return option
    wide = [entity for entity in vars(query)[_WIDE] if entity.mapper is option.path[0]]
    if not wide:
        return option
    option = option._clone()
    option.context = tuple(each._clone() for each in option.context)
    for each in (option, *option.context):
        each.path = PathRegistry.coerce((wide[0], *each.path.path[1:]))
    return option


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
    numbers = [bound for bound in bounds if isinstance(bound, int)]
    is_empty = len(numbers) == 2 and numbers[1] <= numbers[0]  # noqa: PLR2004
    if is_empty or not any(number < 0 for number in numbers):
        return before(query, item)
    note("query-index")
    return list(query)[item]
