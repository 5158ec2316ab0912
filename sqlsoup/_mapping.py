"""Classes mapped to a table or to anything else that can be selected from.

A mapping is imperative and has a registry of its own: no class knows of another by name, so the
same table can be mapped any number of times, and a class that is dropped is collected.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from sqlalchemy import ColumnElement, FromClause, Select, SelectBase, Table, inspect
from sqlalchemy import exc as sa_exc
from sqlalchemy.orm import Mapper, Query, registry
from sqlalchemy.sql import base as sql_base

from sqlsoup._reflect import settle, tables_in
from sqlsoup._relate import relate
from sqlsoup.exc import ArgumentError, SQLSoupError, SQLSoupWarning, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Column, MetaData
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    from sqlsoup._session import SessionSource

_T = TypeVar("_T", bound="SelectableClassType")


class SelectableClassType(type):
    """The type of a class that is mapped to a join, an alias, a select or the like.

    Every method and attribute of the session's :class:`~sqlalchemy.orm.Query` class can be used on
    the class itself and starts a new query of it: ``db.users.filter_by(name="Joe").all()``.  A
    column or relationship of the same name comes first.
    """

    _sqlsoup_metadata: MetaData
    _sqlsoup_session: SessionSource
    _sqlsoup_query_type: type[Query[Any]] | None
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
        if cls._query_type().get is not Query.get:
            return cls._new_query().get(ident)
        return None if ident is None else cls._sqlsoup_session.get(cls, ident)

    def delete(cls, *criteria: Any, **options: Any) -> int:
        """Delete all rows, or those that meet the criteria, with one statement.

        :param criteria: SQL expressions, joined by AND.  A first argument that is a string or
         False is taken for ``synchronize_session``, as :meth:`sqlalchemy.orm.Query.delete` does.
        :param options: what :meth:`sqlalchemy.orm.Query.delete` takes.
        :return: number of rows, as counted by the database.
        """
        query = cls._new_query()
        if criteria and isinstance(criteria[0], str | bool):
            return query.delete(*criteria, **options)
        return query.filter(*criteria).delete(**options)

    def __getattr__(cls, name: str) -> Any:
        if not name.startswith("_") and hasattr(cls, "_table"):  # not while it is being mapped
            if name == "session" or hasattr(cls._query_type(), name):
                return getattr(cls._new_query(), name)
            if name == "columns":
                return inspect(cls).columns
        raise AttributeError(
            f"{cls.__name__!r} has no column, relationship or query method {name!r}"
        )

    def _query_type(cls) -> type[Query[Any]]:
        if cls._sqlsoup_query_type is None:
            cls._sqlsoup_query_type = type(cls._sqlsoup_session.query())
        return cls._sqlsoup_query_type

    def _new_query(cls) -> Query[Any]:
        return cls._sqlsoup_session.query(cls)


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
        return cls._new_query()


def map_class(
    selectable: FromClause,
    metadata: MetaData,
    session: SessionSource,
    base: type,
    mapper_args: Mapping[str, Any],
) -> SelectableClassType:
    """Return a new class that is mapped to a selectable.

    The MetaData is that of the SQLSoup; it has the engine for what is made of no table.
    """
    for table in tables_in(selectable):
        settle(table)
    args = dict(mapper_args)
    if args.get("primary_key"):
        args["primary_key"] = [_column_in(selectable, key) for key in args["primary_key"]]
    metaclass = TableClassType if isinstance(selectable, Table) else SelectableClassType
    cls: Any = _new_class(metaclass, selectable, session, base)
    cls._sqlsoup_metadata = metadata
    mapper: Mapper[Any] = registry().map_imperatively(cls, selectable, **args)
    for name, value in (("_table", selectable), ("_query", _NewQuery()), ("c", _columns(mapper))):
        if name not in vars(cls):  # a column of that name comes first
            setattr(cls, name, value)
    return cast("SelectableClassType", cls)


def map_join(
    join: FromClause,
    metadata: MetaData,
    session: SessionSource,
    base: type,
    mapper_args: Mapping[str, Any],
) -> SelectableClassType:
    """Return a new class that is mapped to a join.

    If the tables share a column name, the class is good for ``with_labels()`` and raises the
    mapper's error as soon as it is used for anything else.
    """
    try:
        return map_class(join, metadata, session, base, mapper_args)
    except sa_exc.InvalidRequestError as error:
        if len({column.key for column in join.columns}) == len(join.columns):
            raise
        ambiguous = _new_class(_AmbiguousJoin, join, session, base)
        ambiguous._table = join
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


def _new_class(
    metaclass: type[_T], selectable: FromClause, session: SessionSource, base: type
) -> _T:
    base_hash: Any = base.__hash__
    namespace = {
        "__module__": "sqlsoup",
        "__init__": _init,
        "__repr__": _repr,
        "__eq__": _eq,
        "__lt__": _lt,
        "__hash__": base_hash or object.__hash__,
        "_sqlsoup_session": session,
        "_sqlsoup_query_type": None,
    }
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
        unique: Any = getattr(sql_base, "WriteableColumnCollection", sql_base.ColumnCollection)
        columns = unique([(key, first[key]) for key in dict.fromkeys(columns.keys())]).as_readonly()
    return cast("ReadOnlyColumnCollection[str, Column[Any]]", columns)


def _column_in(selectable: FromClause, column: Any) -> Any:
    """Find the column of a subquery that stands for a column of a table inside it."""
    if isinstance(column, ColumnElement):
        found = selectable.corresponding_column(cast("Column[Any]", column))
        return column if found is None else found
    return column


def _new(cls: SelectableClassType, args: Iterable[Any], values: dict[str, Any]) -> Any:
    values.pop("_sa_instance_state", None)
    own = vars(cls)
    for name in values:
        if name not in own and not any(name in vars(ancestor) for ancestor in cls.__mro__):
            message = f"{cls.__name__} has no column or relationship {name!r}, it is not stored"
            message += suggestion(name, inspect(cls).attrs.keys())
            warnings.warn(message, SQLSoupWarning, stacklevel=3)
    row = type.__call__(cls, *args, **values)
    session = cls._sqlsoup_session
    try:
        session.add(row)
    except BaseException:  # what it refers to cannot be stored; the session has the row already
        with suppress(sa_exc.InvalidRequestError):
            session.expunge(row)
        raise
    return row


def _init(__self: Any, **values: Any) -> None:  # SQLAlchemy's wrapper keeps the parameter's name
    for name, value in values.items():
        setattr(__self, name, value)


def _repr(self: Any) -> str:
    cls = type(self)
    values = (f"{key}={getattr(self, key)!r}" for key in dict.fromkeys(inspect(cls).columns.keys()))
    return f"{cls.__name__}({','.join(values)})"


def _pairs(self: Any, other: Any) -> list[tuple[Any, Any]] | None:
    """Pair the values of two rows, column by column in the order of their names."""
    keys = sorted(set(inspect(type(self)).columns.keys()))
    try:
        return [(getattr(self, key), getattr(other, key)) for key in keys]
    except AttributeError:
        return None


def _eq(self: Any, other: Any) -> Any:
    pairs = _pairs(self, other)
    return NotImplemented if pairs is None else all(ours == theirs for ours, theirs in pairs)


def _lt(self: Any, other: Any) -> bool:
    pairs = _pairs(self, other)
    if pairs is None:
        raise TypeError(f"unable to compare with {type(other)}")
    for ours, theirs in pairs:
        if ours != theirs:
            return ours is None or (theirs is not None and bool(ours < theirs))
    return False
