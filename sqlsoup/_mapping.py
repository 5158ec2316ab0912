"""Classes mapped to a table or to anything else that can be selected from.

A mapping is imperative and has a registry of its own: no class knows of another by name, so the
same table can be mapped any number of times, and a class that is dropped is collected.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from inspect import isroutine
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Protocol, TypeVar, cast

from sqlalchemy import FromClause, Select, SelectBase, Table, inspect
from sqlalchemy import exc as sa_exc
from sqlalchemy.orm import Mapper, Query, column_property, registry

from sqlsoup import _sa
from sqlsoup._describe import describe
from sqlsoup._foreign_keys import settle
from sqlsoup._generated import watch_rows
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
from sqlsoup._keys import NAMED, as_list, key_columns, named_key, translated
from sqlsoup._names import other_names, refuse_names
from sqlsoup._order import FlushOrder
from sqlsoup._reflect_many import tables_in
from sqlsoup._relate import holds, relate
from sqlsoup._session import current
from sqlsoup._sqlite_rows import is_view, watch_view
from sqlsoup.exc import ArgumentError, SQLSoupError, suggestion, warn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Column, MetaData
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    from sqlsoup._session import SessionSource

_T = TypeVar("_T", bound="SelectableClassType")


class _Related(Protocol):
    """Relationships that foreign keys imply: what there is of them for a class."""

    def add(self, cls: Any, name: str) -> bool: ...
    def names(self, cls: Any) -> Iterable[str]: ...


class Origin(NamedTuple):
    """What a class has from the SQLSoup that made it."""

    session: SessionSource
    metadata: MetaData
    relationships: _Related | None


class SelectableClassType(type):
    """The type of a class that is mapped to a join, an alias, a select or the like.

    Every method and attribute of the session's :class:`~sqlalchemy.orm.Query` class can be used on
    the class itself and starts a new query of it: ``db.users.filter_by(name="Joe").all()``.  A
    column or relationship of the same name comes first.
    """

    _sqlsoup: Origin
    _sqlsoup_plan: Any
    _sqlsoup_names: dict[str, None] | None
    """The names of all implied relationships, once they are known."""

    _sqlsoup_query_type: type[Query[Any]] | None
    _sqlsoup_key: list[Any]
    """The columns of the primary key where it was named, by the user or for a side of a join."""
    _sqlsoup_renamed: dict[str, str]
    """The attributes of columns whose own names are taken."""
    _table: FromClause

    def __call__(cls, /, *args: Any, **kwargs: Any) -> Any:
        """Make a row and add it to the session; a row whose constructor fails is not added."""
        return _new(cls, args, kwargs)

    def insert(cls, /, **kwargs: Any) -> Any:  # noqa: ARG002
        """Refuse: rows are inserted into tables.

        :raises SQLSoupError: always.
        """
        found = type(inspect(cls).local_table).__name__
        raise SQLSoupError(f"SQLSoup can only modify mapped Tables (found: {found})")

    def get(cls, ident: Any) -> Any:
        """Return the row with this primary key, or None; no SQL if the session has it.

        :param ident: value of the key.  For a key of several columns a tuple or list in their
         order, or a dict by attribute name.
        """
        if (cls._sqlsoup_query_type or cls._sqlsoup_query_class()).get is not Query.get:
            return new_query(cls).get(ident)
        return None if ident is None else current(cls._sqlsoup.session).get(cls, ident)

    def delete(cls, *criteria: Any, **options: Any) -> int:
        """Delete all rows, or those that meet the criteria, with one statement.

        :param criteria: SQL expressions, joined by AND.  A first argument that is a string or
         False is taken for ``synchronize_session``, as :meth:`sqlalchemy.orm.Query.delete` does.
        :param options: what :meth:`sqlalchemy.orm.Query.delete` takes.
        :return: number of rows, as counted by the database.
        """
        query = new_query(cls)
        if criteria and isinstance(criteria[0], str | bool):
            return query.delete(*criteria, **options)
        return query.filter(*criteria).delete(**options)

    def __getattr__(cls, name: str) -> Any:
        if not name.startswith("_") and hasattr(cls, "_table"):  # not while it is being mapped
            if name == "session" or hasattr(cls._sqlsoup_query_class(), name):
                return getattr(new_query(cls), name)
            if name == "columns":
                return inspect(cls).columns
            if name != "is_clause_element" and cls._sqlsoup_relates(name):  # SQLAlchemy asks for it
                return getattr(cls, name)
        message = f"{cls.__name__!r} has no column, relationship or query method {name!r}"
        renamed = vars(cls).get("_sqlsoup_renamed", {})
        if name in renamed:
            message += f"; the column of that name is the attribute {renamed[name]!r}"
        raise AttributeError(message)

    def __getitem__(cls, item: object) -> NoReturn:
        """Say where the rows are to who looks for them in a class, by a place or in a loop.

        :raises TypeError: always.
        """
        raise TypeError(
            f"{cls.__name__} is a class, its rows are those of a query: for row in db.t.all(), "
            "db.t.limit(1).first(), db.t.get(key), db.t.count()"
        )

    def __clause_element__(cls) -> Any:
        """Return what stands for the class in a statement, as SQLAlchemy sees it."""
        return inspect(cls).__clause_element__()

    def __setattr__(cls, name: str, value: Any) -> None:
        if not holds(cls, name, value):
            super().__setattr__(name, value)

    def __dir__(cls) -> list[str]:
        own = [*super().__dir__()]
        if not hasattr(cls, "_table"):  # SQLAlchemy asks while it maps the class
            return own
        query = cls._sqlsoup_query_class()
        methods = {name for name in dir(query) if isroutine(getattr(query, name))}
        names = {"columns", "session", *methods, *dir(type(cls))} - {*dir(type)}
        names.update(cls._sqlsoup_relationships())
        return list({*own, *(name for name in names if not name.startswith("_"))})

    def _sqlsoup_relationships(cls) -> Iterable[str]:
        """Return the names of implied relationships, or none where the database cannot tell."""
        related = cls._sqlsoup.relationships
        with suppress(Exception):  # completion tells what it can
            return related.names(cls) if related else ()
        return ()

    def _sqlsoup_relates(cls, name: str) -> bool:
        """Tell if there is a relationship of this name, after adding it if it was yet to be."""
        related = cls._sqlsoup.relationships
        return related is not None and related.add(cls, name)

    def _sqlsoup_query_class(cls) -> type[Query[Any]]:
        if cls._sqlsoup_query_type is None:
            cls._sqlsoup_query_type = type(cls._sqlsoup.session.query())
        return cls._sqlsoup_query_type


def new_query(cls: SelectableClassType) -> Query[Any]:
    """Return a query of a class, whatever its columns are called."""
    if isinstance(cls, _AmbiguousJoin):
        raise sa_exc.InvalidRequestError(cls._sqlsoup_problem)
    return cls._sqlsoup.session.query(cls)


def reserved_names(cls: SelectableClassType) -> frozenset[str]:
    """Return the names that a relationship which nobody asked for cannot have.

    They are those of columns, and of what class and rows have by themselves.
    """
    ancestors: tuple[Any, ...] = (cls._sqlsoup_query_class(), type(cls), *cls.__mro__[1:])
    return _names_in(*ancestors).union(inspect(cls).columns.keys())


@lru_cache
def _names_in(*classes: Any) -> frozenset[str]:
    return frozenset({"c", "columns", "session"}.union(*map(dir, classes)))


class TableClassType(SelectableClassType):
    """The type of a class that is mapped to a table."""

    def insert(cls, /, **kwargs: Any) -> Any:
        """Make a row and add it to the session; the next flush or commit stores it.

        :param kwargs: values by the name of a column or relationship.  Any other name becomes a
         plain attribute of the row, with a :class:`.SQLSoupWarning`.
        :return: the row.  A key that the database generates is there after a flush.
        """
        return _new(cls, (), kwargs)

    def relate(cls, propname: str, *args: Any, **kwargs: Any) -> None:
        """Add a relationship to the class.

        :param propname: name of the new attribute.
        :param args: what :func:`sqlalchemy.orm.relationship` takes: first the other class.
        :param kwargs: likewise; ``secondary`` may be a mapped class.
        :raises sqlalchemy.exc.ArgumentError: the classes cannot be related so.  Neither of them
         has changed then.
        """
        relate(inspect(cls), propname, args, kwargs)


class _AmbiguousJoin(SelectableClassType):
    """The type of a join whose tables share a column name: for with_labels(), or an error."""

    _sqlsoup_problem: str

    def __getattribute__(cls, name: str) -> Any:
        if name.startswith("_"):
            return super().__getattribute__(name)
        raise sa_exc.InvalidRequestError(cls._sqlsoup_problem)

    def __call__(cls, /, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002
        raise sa_exc.InvalidRequestError(cls._sqlsoup_problem)


class _NewQuery:
    """The class attribute ``_query``."""

    def __get__(self, row: object, cls: SelectableClassType) -> Query[Any]:
        return new_query(cls)


class _Description:
    """The docstring of mapped classes, made when ``help()`` asks for it; their type keeps its own.

    ``pydoc`` looks at the type of a class first, hence it is there.
    """

    def __init__(self, own: str | None) -> None:
        self._own = own

    def __get__(self, cls: SelectableClassType | None, metaclass: type) -> str | None:
        if cls is None:
            return self._own
        mapper: Mapper[Any] | None = inspect(cls, raiseerr=False)
        if mapper is None or vars(cls).get("__doc__"):  # a subclass
            return cast("str | None", vars(cls)["__doc__"])
        return describe(mapper)

    def __set__(self, cls: SelectableClassType, text: str | None) -> None:
        vars(type)["__doc__"].__set__(cls, text)


for _metaclass in (SelectableClassType, TableClassType, _AmbiguousJoin):
    _documented: Any = _metaclass
    _documented.__doc__ = _Description(_metaclass.__doc__)


def map_class(
    selectable: FromClause, origin: Origin, base: type, mapper_args: Mapping[str, Any]
) -> SelectableClassType:
    """Return a new class that is mapped to a selectable.

    :raises ArgumentError: ``primary_key`` names a column that is not there.
    """
    for table in tables_in(selectable):
        settle(table)
    args, renamed = _arguments(selectable, mapper_args)
    metaclass = TableClassType if isinstance(selectable, Table) else SelectableClassType
    cls: Any = _new_class(metaclass, selectable, origin, base, renamed)
    mapper: Mapper[Any] = registry().map_imperatively(cls, selectable, **args)
    if isinstance(selectable, Table):
        mapper.registry.configure(cascade=True)  # mostly it knows of no other class yet
    FlushOrder(mapper)
    watch_rows(mapper)
    track_changes(mapper)
    if args.get("primary_key"):
        cls._sqlsoup_key = list(mapper.primary_key)
        if isinstance(selectable, Table) and not selectable.primary_key:
            selectable.info[NAMED] = [column.key for column in mapper.primary_key]
    if isinstance(selectable, Table) and is_view(selectable):
        watch_view(mapper)
    for name, value in (("_table", selectable), ("_query", _NewQuery()), ("c", _columns(mapper))):
        if name not in vars(cls):  # a column of that name comes first
            setattr(cls, name, value)
    return cast("SelectableClassType", cls)


def _arguments(
    selectable: FromClause, mapper_args: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the arguments of a mapper, and the attributes of columns whose names are taken."""
    # With "auto" SQLAlchemy asks for the defaults of new rows by RETURNING, and cannot match rows
    # whose keys come back in another shape than they were given in: a uuid given as text.
    args = {"eager_defaults": False, **mapper_args}
    properties = dict(args.get("properties") or {})
    renamed = other_names(selectable, properties)
    if key := as_list(args.get("primary_key")):
        key = args["primary_key"] = key_columns(selectable, key, properties)
    if key and isinstance(selectable, Table) and not _OF_PROPERTIES & args.keys():
        # without the old value, which need not be loaded, a change of the key would be lost
        properties = {
            renamed.get(column.key, column.key): column_property(
                column, active_history=column in key
            )
            for column in selectable.columns
        }
    else:
        properties.update({renamed[c.key]: c for c in selectable.c if c.key in renamed})
    if properties:
        args["properties"] = properties
    if key and isinstance(selectable, Table) and not selectable.primary_key:
        # without a key of the table, one that the database makes comes back as a default alone
        generated = any(getattr(column, "server_default", None) is not None for column in key)
        args["eager_defaults"] = mapper_args.get("eager_defaults", "auto" if generated else False)
    if isinstance(selectable, Table) and is_view(selectable):
        args = {"confirm_deleted_rows": False, **args}  # the triggers of a view are not counted
    return args, renamed


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
        ambiguous = _new_class(_AmbiguousJoin, join, origin, base)
        ambiguous._table = join
        ambiguous._sqlsoup_key = as_list(mapper_args.get("primary_key"))
        ambiguous._sqlsoup_problem = f"{error} Or wrap the join in with_labels()."
        return ambiguous


def selectable_of(thing: object) -> FromClause:
    """Return what to select from for a table, mapped class, alias, join, subquery or select.

    :raises ArgumentError: it is none of these.
    """
    if isinstance(thing, _AmbiguousJoin):
        return thing._table
    inspected: Any = inspect(thing, raiseerr=False)
    found: object = getattr(inspected, "selectable", inspected)
    if isinstance(found, SelectBase):
        return found.subquery()
    if not isinstance(found, FromClause):
        raise ArgumentError(
            "'selectable' argument must be a table, select, join, or other selectable construct."
        )
    return found


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
    renamed: dict[str, str] = {},  # noqa: B006 - nothing changes it
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
        "_sqlsoup_query_type": None,
        "_sqlsoup_key": [],
        "_sqlsoup_renamed": renamed,
        "_sqlsoup_plan": None,
        "_sqlsoup_names": None,
    }
    if origin.relationships is not None:
        namespace["__dir__"] = names_of
        namespace["__getattr__"], namespace["__setattr__"] = find_attribute, attribute_setter(base)
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


def _new(cls: SelectableClassType, args: Iterable[Any], values: dict[str, Any]) -> Any:
    if cls._sqlsoup_renamed:
        values = {cls._sqlsoup_renamed.get(name, name): value for name, value in values.items()}
    values.pop(_sa.STATE, None)
    own = vars(cls)
    for name in values:
        if (
            name not in own
            and not any(name in vars(ancestor) for ancestor in cls.__mro__)
            and not cls._sqlsoup_relates(name)
        ):
            message = f"{cls.__name__} has no column or relationship {name!r}, it is not stored"
            warn(message + suggestion(name, inspect(cls).attrs.keys()))
    row = type.__call__(cls, *args, **values)
    session = cls._sqlsoup.session
    try:
        session.add(row)
    except BaseException:  # what it refers to cannot be stored; the session has the row already
        with suppress(sa_exc.InvalidRequestError):
            session.expunge(row)
        raise
    return row
