"""Mappers with the names and arguments of the time."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import sqlalchemy.orm as sa_orm
from sqlalchemy import Column, MetaData, Table, event, inspect, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import DeclarativeMeta, Mapper, Query, registry
from sqlalchemy.orm.base import opt_manager_of_class
from sqlalchemy.orm.util import AliasedClass
from sqlalchemy.sql.expression import SelectBase

from sqlsoup.legacy import _extensions
from sqlsoup.legacy._bases import NEW
from sqlsoup.legacy._distinct import note_distinct
from sqlsoup.legacy._frames import is_within, is_within_call
from sqlsoup.legacy._metadata import with_keys_not_null
from sqlsoup.legacy._non_primary import second_mapper
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, method, missing
from sqlsoup.legacy._properties import ComparableProperty, without_entity_name
from sqlsoup.legacy._subqueries import subquery_of
from sqlsoup.legacy._text import listed

if TYPE_CHECKING:
    from collections.abc import Callable


orders: weakref.WeakKeyDictionary[Mapper[Any], list[Any]] = weakref.WeakKeyDictionary()
are_ordered = False
"""Whether a mapper has ever had an order, which is quicker to ask."""


UNORDERED = "_sqlsoup_unordered"
"""What is true of a query after order_by(None)."""


_class_names: dict[str, Any] = {}


_shared = registry(class_registry=_class_names)
"""All classes are configured together, and there may be any number of the same name."""


_MAPPER_GONE = (
    "allow_column_override", "allow_null_pks", "_compiled_cache_size", "non_primary",
    "polymorphic_fetch",
)  # fmt: skip


@function(getattr(sa_orm, "mapper"))  # noqa: B009 - kept in order to raise, and not declared
def _mapper(_before: object, /, *args: Any, **kw: Any) -> Any:
    names = ("class_", "local_table", "properties", "primary_key", "non_primary", "inherits")
    kw |= zip(names, args, strict=False)
    note("mapper", instead=_INSTEAD_OF_BASE if _is_declaring(kw["class_"]) else "")
    if kw.pop("non_primary", False):
        return second_mapper(kw.pop("class_"), kw.pop("local_table"), **kw)
    table = kw.pop("local_table", None)
    with_keys_not_null([table] if isinstance(table, Table) else [])
    return _map(kw.pop("class_"), table, **kw)


_INSTEAD_OF_BASE = "nothing in declarative_base(); arguments in __mapper_args__"


def _is_declaring(cls: type) -> bool:
    """Tell if a class is being declared, by a base with ``mapper=``, and so is in a registry."""
    manager: Any = opt_manager_of_class(cls)
    return manager is not None and manager.registry is not None and not manager.is_mapped


def _map(cls: type, *args: Any, **kw: Any) -> Mapper[Any]:
    """Map a class in the registry of its parent, or in the one that all others share."""
    if _is_declaring(cls):
        return Mapper(cls, *args, **kw)
    parent = inspect(kw["inherits"]) if kw.get("inherits") is not None else None
    _class_names.clear()
    return (_shared if parent is None else parent.registry).map_imperatively(cls, *args, **kw)


_OF_BASE = ("bind", "metadata", "mapper", "cls", "name", "constructor", "class_registry")


@function(sa_orm.declarative_base)
def _declarative_base(before: Callable[..., Any], *args: Any, **kw: Any) -> Any:
    kw |= zip(_OF_BASE, args, strict=False)
    if "bind" in kw:
        note(
            "metadata-bind",
            old="declarative_base(bind)",
            instead="declarative_base(), and the engine where it is needed",
        )
        bind = kw.pop("bind")
        metadata: Any = MetaData() if kw.get("metadata") is None else kw["metadata"]
        if bind is not None:
            metadata.bind = bind
        kw["metadata"] = metadata
    base = before(**kw)
    return _ordered(base) if is_within(_OLD_HOME) else base


@function(sa_orm.as_declarative)
def _as_declarative(before: Callable[..., Any], **kw: Any) -> Any:
    make = before(**kw)
    return (lambda cls: _ordered(make(cls))) if is_within(_OLD_HOME) else make


_OLD_HOME = "sqlalchemy.ext.declarative"


def _ordered(base: Any) -> Any:
    """Have the tables of classes with an old base have their columns in the old order."""
    if not hasattr(base, "__table_cls__"):
        base.__table_cls__ = classmethod(_table)
    return base


_in_body: weakref.WeakKeyDictionary[type, frozenset[str]] = weakref.WeakKeyDictionary()
"""The attributes of a declared class that are its own, and no copies of those of its mixins."""


@method(DeclarativeMeta, "__init__")
def _declare(before: Callable[..., Any], cls: Any, /, *args: Any, **kw: Any) -> None:
    _in_body[cls] = frozenset(vars(cls))
    before(cls, *args, **kw)


def _table(cls: type, name: str, metadata: MetaData, *items: Any, **kw: Any) -> Table:
    """Make the table of a class, with the columns of mixins where they came in SQLAlchemy 1.3."""
    made: dict[str, Any] = {}
    for base in cls.__mro__[1:]:  # the class itself has copies, which are made last
        for attribute, value in vars(base).items():
            if isinstance(value, Column) and attribute not in _in_body.get(cls, ()):
                made.setdefault(value.name or attribute, value._creation_order)
    columns = [each for each in items if isinstance(each, Column)]
    ordered = sorted(columns, key=lambda column: made.get(column.name, column._creation_order))
    if list(map(id, ordered)) != list(map(id, columns)):
        note("column-order")
    others = [each for each in items if not isinstance(each, Column)]
    return Table(name, metadata, *ordered, *others, **kw)


def map_in(
    sessions: Any,
    cls: Any,
    *args: Any,
    save_on_init: bool = True,
    validate: bool = False,
    **kw: Any,
) -> Any:
    """Map a class whose new instances come into the session, and which has a ``query``."""
    if cls.__init__ is object.__init__:

        def assign(self: Any, **values: Any) -> None:
            for name, value in values.items():
                if validate and name not in mapped.attrs:
                    raise ArgumentError(f"Invalid __init__ argument: {name!r}")
                setattr(self, name, value)

        cls.__init__ = assign
    if not any("query" in vars(kind) for kind in cls.__mro__):  # that of a base asks for a mapper
        cls.query = sessions.query_property()
    mapped = _map(cls, *args, **kw)
    if save_on_init:
        event.listen(mapped, "init", lambda row, _args, _kw: sessions.add(row), propagate=True)
        event.listen(mapped, "init_failure", lambda row, *_: _leave(sessions, row), propagate=True)
    return mapped


def _leave(sessions: Any, row: object) -> None:
    if row in sessions:
        sessions.expunge(row)


def _with_key_not_null(mapper: Any) -> None:
    """Have new rows of a class be stored several at once, though SQLite's key may be NULL."""
    table = mapper.local_table
    if issubclass(mapper.class_, NEW) or not isinstance(table, Table):
        return
    if any(column.nullable for column in table.primary_key):
        if not is_within_call("prepare_by_engine"):
            note("table-autoload", old=_NULLABLE, instead=_KEY)
        with_keys_not_null([table])


_NULLABLE = "a class of a table whose key is reflected as nullable"
_KEY = "Table(..., Column('id', Integer, primary_key=True), autoload_with=engine)"


@method(Mapper, "__init__")
def _init(before: Callable[..., Any], mapper: Mapper[Any], /, *args: Any, **kw: Any) -> None:
    global are_ordered  # noqa: PLW0603
    without_entity_name("mapper", kw)
    if "select_table" in kw:
        note("mapper-argument", old="select_table= of a mapper", instead="with_polymorphic=")
        kw["with_polymorphic"] = ("*", kw.pop("select_table"))
    for name in _MAPPER_GONE:
        if name in kw:
            note("mapper-argument", old=f"{name}= of a mapper")
            del kw[name]
    if "extension" in kw:
        note("mapper-extension")
    if "order_by" in kw:
        note("mapper-order-by")
    extensions = listed(kw.pop("extension", None))
    order = kw.pop("order_by", None)
    properties = dict(kw.pop("properties", None) or {})
    comparable = {k: p for k, p in properties.items() if isinstance(p, ComparableProperty)}
    kw["properties"] = {k: p for k, p in properties.items() if k not in comparable}
    before(mapper, *args, **kw)
    _with_key_not_null(mapper)
    for name, prop in comparable.items():
        mapper.add_property(name, prop)  # type: ignore[arg-type]
    if listed(order):
        are_ordered = True
        orders[mapper] = [_ordering(mapper, each) for each in listed(order)]
    elif mapper.inherits is not None and not mapper.concrete and mapper.inherits in orders:
        orders[mapper] = orders[mapper.inherits]
    for extension in extensions:
        _extensions.instrument(mapper, extension)


def _ordering(mapper: Mapper[Any], order: Any) -> Any:
    """Return what to order by for a name of a column, with or without DESC."""
    if not isinstance(order, str):
        return order
    name, _, direction = order.partition(" ")
    if name in mapper.local_table.c and direction.strip().upper() in ("", "ASC", "DESC"):
        column = mapper.local_table.c[name]
        return column.desc() if direction.strip().upper() == "DESC" else column
    return text(order)


@method(Mapper, "add_property")
def _add_property(before: Callable[..., Any], mapper: Mapper[Any], key: str, prop: Any) -> None:
    if not isinstance(prop, ComparableProperty):
        before(mapper, key, prop)
        return
    prop.parent, prop.key = mapper, key
    if prop.descriptor is None:
        prop.descriptor = getattr(mapper.class_, key, None)
    setattr(mapper.class_, key, prop)


def order_of(query: Any) -> list[Any]:
    """Return the order of the first class, or alias of one, of which a query or select gives rows.

    It is empty where the query has an order, or is to have none.
    """
    if not are_ordered or vars(query).get(UNORDERED) or query._order_by_clauses:
        return []
    for found in query.column_descriptions:
        if found["expr"] is found["entity"]:
            entity: Any = inspect(found["entity"])
            if order := orders.get(entity.mapper):
                aliased = entity.is_aliased_class
                return [entity._adapt_element(each) for each in order] if aliased else order
    return []


def keep_order(query: Query[Any]) -> Any:
    """Order a query that is about to be compiled: listens to ``before_compile``."""
    if query._distinct and query._order_by_clauses:
        note_distinct(query)
    if not are_ordered:
        return query
    order = order_of(query)
    if not order:
        return query
    plain: Any = Query.order_by
    # not the patched one, which would put the alias of a join into it
    return getattr(plain, "__wrapped__", plain)(query.enable_assertions(False), *order)


@function(sa_orm.class_mapper)
def _class_mapper(before: Callable[..., Any], /, class_: Any, *args: Any, **kw: Any) -> Any:
    without_entity_name("class_mapper", kw)
    if kw.keys() - {"configure"} or len(args) > 1:
        note("class-mapper")
    if not kw.get("raiseerror", True) and not getattr(
        inspect(class_, raiseerr=False), "is_mapper", False
    ):
        return None
    return before(class_, *args[:1] or (kw.get("configure", kw.get("compile", True)),))


@missing(sa_orm.DeclarativeMeta, "_decl_class_registry", property)
def _class_registry(cls: Any) -> Any:
    note("name", old="Base._decl_class_registry", instead="Base.registry.mappers")
    return cls.registry._class_registry


@method(AliasedClass, "__init__")
def _aliased_class(before: Callable[..., Any], /, *args: Any, **kw: Any) -> None:
    if "cls" in kw:
        note("name", old="AliasedClass(cls=)", instead="aliased(cls)")
        args = (*args, kw.pop("cls"))
    if isinstance(kw.get("alias"), SelectBase):
        note("select-nested")
        kw["alias"] = subquery_of(kw["alias"])
    before(*args, **kw)


@function(sa_orm.object_mapper)
def _object_mapper(before: Callable[..., Any], /, instance: Any, *args: Any, **kw: Any) -> Any:
    kw |= zip(("entity_name",), args, strict=False)
    without_entity_name("object_mapper", kw)
    if kw:
        note("class-mapper")
    raiseerror = kw.get("raiseerror", True)
    if not raiseerror and inspect(type(instance), raiseerr=False) is None:
        return None
    return before(instance)


@missing(Mapper, "order_by", property)
def _order_by(mapper: Mapper[Any]) -> Any:
    note("mapper-order-by", old="Mapper.order_by")
    return orders.get(mapper, False)


@missing(Mapper, "mapped_table", property, to_go=True)
def _mapped_table(mapper: Mapper[Any]) -> Any:
    note("name", old="Mapper.mapped_table", instead="Mapper.persist_selectable")
    return mapper.persist_selectable
