"""Classes mapped to a table or to anything else that can be selected from.

A mapping is imperative and has a registry of its own: no class knows of another by name, so the
same table can be mapped any number of times, and a class that is dropped is collected.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import (
    LABEL_STYLE_TABLENAME_PLUS_COL,
    FromClause,
    Join,
    MetaData,
    Select,
    SelectBase,
    Table,
    inspect,
)
from sqlalchemy import exc as sa_exc
from sqlalchemy.orm import Mapper, Query, column_property

from sqlsoup import _sa
from sqlsoup._attributes import other_names, refuse_names
from sqlsoup._classes import AmbiguousJoin, NewQuery, SelectableClassType, TableClassType
from sqlsoup._corrections import SPARES, keep
from sqlsoup._foreign_keys import settle
from sqlsoup._generated import watch_rows
from sqlsoup._hashable import make_hashable, set_hashable
from sqlsoup._in_place import track_changes
from sqlsoup._instances import (
    attribute_setter,
    equal,
    find_attribute,
    init,
    less,
    names_of,
    representation,
)
from sqlsoup._keys import (
    NAMED,
    as_list,
    described,
    is_unnamed,
    key_columns,
    named_key,
    translated,
)
from sqlsoup._order import FlushOrder
from sqlsoup._reflect_many import tables_in
from sqlsoup._session import known_bind
from sqlsoup._sqlite import is_view
from sqlsoup._sqlite_facts import folded
from sqlsoup._sqlite_views import watch_view
from sqlsoup._stored_keys import StoredKeys
from sqlsoup.exc import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Column
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    from sqlsoup._classes import Origin

_T = TypeVar("_T", bound="SelectableClassType")


def map_class(
    selectable: FromClause, origin: Origin, base: type, mapper_args: Mapping[str, Any]
) -> SelectableClassType:
    """Return a new class that is mapped to a selectable.

    :raises ArgumentError: ``primary_key`` names a column that is not there, or SQLite cannot tell
     two columns apart.
    """
    for table in tables_in(selectable):
        settle(table)
    if not isinstance(selectable, Table | Join):
        _check_case(selectable, origin)
    args, renamed = _arguments(selectable, mapper_args)
    metaclass = TableClassType if isinstance(selectable, Table) else SelectableClassType
    cls: Any = _new_class(metaclass, selectable, origin, base, renamed)
    _sa.manage(cls)
    mapper: Mapper[Any] = _sa.new_registry(_NO_TABLES).map_imperatively(cls, selectable, **args)
    _sa.steady(mapper)
    _sa.read_without_flush(mapper)
    if mapper.eager_defaults == "auto" and "eager_defaults" not in mapper_args:
        _sa.return_keys_alone(mapper)
    if isinstance(selectable, Table):
        mapper.registry.configure(cascade=True)  # at once, while it has no other class
    StoredKeys(mapper)
    FlushOrder(mapper)
    watch_rows(mapper)
    track_changes(mapper)
    set_hashable(mapper)
    if args.get("primary_key"):
        cls._sqlsoup_key = list(mapper.primary_key)
        if isinstance(selectable, Table) and not selectable.primary_key:
            selectable.info[NAMED] = [column.key for column in mapper.primary_key]
    if isinstance(selectable, Table) and is_view(selectable):
        watch_view(mapper)
    for name, value in (("_table", selectable), ("_query", _QUERY), ("c", _columns(mapper))):
        if name not in vars(cls):  # a column of that name comes first
            setattr(cls, name, value)
    return cast("SelectableClassType", cls)


def _check_case(selectable: FromClause, origin: Origin) -> None:
    """Refuse two columns whose names are one for SQLite, which gives the first of them for both."""
    bind = known_bind(origin.session, origin.metadata)
    if bind is None or bind.dialect.name != "sqlite":
        return
    known: dict[bytes, str] = {}
    for column in selectable.columns:
        other = known.setdefault(folded(column.name), column.name)
        if other != column.name:
            raise ArgumentError(
                f"the columns {other!r} and {column.name!r} of {described(selectable)!r} differ in "
                "case alone, and SQLite gives the first for both; pass a select() that labels one "
                "of them otherwise"
            )


def _arguments(
    selectable: FromClause, mapper_args: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the arguments of a mapper, and the attribute names for reserved ones."""
    # With "auto" SQLAlchemy asks for the defaults of new rows by RETURNING, and cannot match rows
    # whose keys come back in another shape than they were given in: a uuid given as text.
    args = {"eager_defaults": False, **mapper_args}
    properties = dict(args.get("properties") or {})
    renamed = other_names(selectable, properties)
    if key := as_list(args.get("primary_key")):
        key = args["primary_key"] = key_columns(selectable, key, properties)
        if isinstance(selectable, Table):
            make_hashable(selectable, key)
            keep(key)
    if key and isinstance(selectable, Table) and not _OF_PROPERTIES & args.keys():
        # without the old value, which need not be loaded, a change of the key would be lost
        properties = {
            renamed.get(column, column.key): column_property(column, active_history=column in key)
            for column in selectable.columns
        }
    else:
        properties.update({name: column for column, name in renamed.items()})
    if properties:
        args["properties"] = properties
    if isinstance(selectable, Table):
        if _made_unseen(selectable, key):
            args["eager_defaults"] = mapper_args.get("eager_defaults", "auto")
        cascades = any(key.ondelete == "CASCADE" for key in selectable.foreign_key_constraints)
        if _sa.noted(selectable, SPARES) or cascades or _links(selectable):
            # triggers may delete other rows or none, a row may be deleted with that of a table in
            # between, and a many-to-many relationship deletes too
            args.setdefault("confirm_deleted_rows", False)
    return args, {column.key: name for column, name in renamed.items()}


def _links(table: Table) -> bool:
    """Tell if a table has nothing but two foreign keys."""
    return len(table.foreign_key_constraints) == 2 and all(  # noqa: PLR2004
        column.foreign_keys for column in table.columns
    )


def _made_unseen(table: Table, key: list[Any]) -> bool:
    """Tell if SQLAlchemy reads what the database makes of a key only as it reads defaults.

    It does where the key is not that of the table, and on MariaDB beside an AUTO_INCREMENT.
    """
    counted = table.autoincrement_column
    if table.primary_key:
        key = [column for column in table.primary_key if counted not in {None, column}]
    return any(getattr(column, "server_default", None) is not None for column in key)


_NO_TABLES = MetaData()
"""Where a registry looks for tables by name; without it each would make one of its own."""

_NO_NAMES: Mapping[str, str] = MappingProxyType({})
_QUERY = NewQuery()
_OF_PROPERTIES = {"properties", "column_prefix", "include_properties", "exclude_properties"}


def map_join(
    join: FromClause, origin: Origin, base: type, mapper_args: Mapping[str, Any]
) -> SelectableClassType:
    """Return a new class that is mapped to a join.

    If the tables share a column name, the class is good for ``with_labels()`` and raises the
    mapper's error as soon as it is used for anything else.
    """
    try:
        return map_class(join, origin, base, mapper_args)
    except sa_exc.InvalidRequestError as error:
        if len({column.key for column in join.columns}) == len(join.columns):
            raise
        ambiguous = _new_class(AmbiguousJoin, join, origin, base)
        ambiguous._table = join
        ambiguous._sqlsoup_key = as_list(mapper_args.get("primary_key"))
        ambiguous._sqlsoup_problem = f"{error} Or wrap the join in with_labels()."
        return ambiguous


def selectable_of(thing: object) -> FromClause:
    """Return what to select from for a table, mapped class, alias, join, subquery or select.

    :raises ArgumentError: it is none of these.
    """
    if isinstance(thing, AmbiguousJoin):
        return thing._table
    inspected: Any = inspect(thing, raiseerr=False)
    found: object = getattr(inspected, "selectable", inspected)
    if isinstance(found, SelectBase):
        return found.subquery()
    if isinstance(found, FromClause):
        return found
    raise ArgumentError(_NO_SELECTABLE)


_NO_SELECTABLE = (
    "'selectable' argument must be a table, select, join, or other selectable construct."
)


def labelled(thing: object, source_of: Callable[..., FromClause]) -> object:
    """Return a select with labels; a thing without a name, or with names of its own, as it is.

    :param source_of: returns what to select from for a thing.
    """
    style = LABEL_STYLE_TABLENAME_PLUS_COL
    if isinstance(thing, Select):
        names = thing.selected_columns.keys()
        return thing if len({*names}) == len(names) else thing.set_label_style(style)
    if isinstance(thing, Query):
        return thing.set_label_style(style).statement
    source = source_of(thing, derive=True)
    return thing if is_unnamed(source) else source.select().set_label_style(style)


def key_of(thing: object) -> list[Any]:
    """Return the named key of what :func:`selectable_of` takes, or an empty list.

    The key of a mapped class is that of the class, of whatever it is an alias.
    """
    mapper = getattr(inspect(thing, raiseerr=False), "mapper", None)
    cls: Any = thing if mapper is None else mapper.class_
    key = getattr(cls, "_sqlsoup_key", ())
    selectable = selectable_of(thing)
    return translated(key, selectable) if key else named_key(selectable)


def _new_class(
    metaclass: type[_T],
    selectable: FromClause,
    origin: Origin,
    base: type,
    renamed: Mapping[str, str] = _NO_NAMES,
) -> _T:
    base_hash: Any = base.__hash__
    namespace: dict[str, Any] = {
        "__module__": "sqlsoup",
        "__init__": init,
        "__repr__": representation,
        "__eq__": equal,
        "__lt__": less,
        "__hash__": base_hash or object.__hash__,
        "_sqlsoup": origin,
        "_sqlsoup_key": (),
        "_sqlsoup_renamed": renamed or _NO_NAMES,
        "_sqlsoup_plan": None,
        "_sqlsoup_setter": None,
    }
    if origin.relationships is not None:
        namespace["__dir__"] = names_of
        namespace["__getattr__"] = find_attribute
        namespace["__setattr__"] = namespace["_sqlsoup_setter"] = attribute_setter(base)
    if renamed:
        namespace["__setattr__"] = refuse_names(base, namespace.get("__setattr__"))
    return metaclass("Mapped" + _name(selectable), (base,), namespace)


def _name(selectable: Any) -> str:
    element = getattr(selectable, "element", None)
    if element is not None:
        return _name(element)
    if isinstance(selectable, Select):
        return "".join(map(_name, selectable.get_final_froms()))
    name = getattr(selectable, "name", None)
    return str(name).capitalize() if name else type(selectable).__name__


def _columns(mapper: Mapper[Any]) -> ReadOnlyColumnCollection[str, Column[Any]]:
    columns: Any = mapper.columns
    first = dict(reversed(columns.items()))
    if len(first) < len(columns):  # an attribute for several columns, named in properties=
        columns = _sa.collection([(key, first[key]) for key in dict.fromkeys(columns.keys())])
    return cast("ReadOnlyColumnCollection[str, Column[Any]]", columns)
