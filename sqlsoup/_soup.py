"""SQLSoup: the tables of a database as attributes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence  # noqa: TC003 - for type hints
from keyword import iskeyword
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet, WeakValueDictionary

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, FromClause, MetaData, Table
from sqlalchemy.orm.exc import UnmappedInstanceError

from sqlsoup import _blocks, _places, _session
from sqlsoup._arguments import check, check_words, mention_unknown, no_row
from sqlsoup._catalog import locate, table_names
from sqlsoup._classes import Origin, SelectableClassType
from sqlsoup._engine import metadata_of, shown_engine
from sqlsoup._execute import execute, returns_result
from sqlsoup._implied import Implied
from sqlsoup._keys import as_list, joined_key, translated, with_key
from sqlsoup._lookup import cached, class_for, find, is_probe, key_in, make
from sqlsoup._mapping import key_of, labelled, map_class, map_join, selectable_of
from sqlsoup._plan import Namer  # noqa: TC001 - documentation tools evaluate it
from sqlsoup._reflect_many import complete, tables_in

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class SQLSoup:
    """A database whose tables are attributes, each a class mapped to its table.

    The first use of an attribute reflects the table; nothing is declared, and nothing is connected
    to before.

    :param engine_or_metadata: a database URL (``str`` or :class:`sqlalchemy.URL`), an
     :class:`sqlalchemy.Engine`, or a :class:`sqlalchemy.MetaData`.  The engine of a MetaData is its
     attribute ``bind``; where that is not set, it is the bind of the session.  It may be left out
     when a bound session is given.
    :param base: the base class of the mapped classes.
    :param session: a :class:`~sqlalchemy.orm.scoped_session` or a plain
     :class:`~sqlalchemy.orm.Session`; the default is :data:`sqlsoup.Session`.  A bind of its own
     comes before the engine of the SQLSoup.
    :param primary_keys: the columns that tell rows apart, by the name of a table or view that has
     no primary key (``"report"`` or ``"schema.report"``).
    :param relationships: True for relationships without :meth:`TableClassType.relate`, from the
     foreign keys of the database, or a function that names them.  It is called with the name of the
     table that gets the attribute, the name of the other table, the columns of the foreign key (a
     tuple of ``str``) and the name that the attribute would have, and returns a name, or None for
     no attribute.
    :raises ArgumentError: an argument is none of these, or the URL's driver is not installed or is
     an asynchronous one.

    .. versionadded:: 1.0
       *primary_keys* and *relationships*

    .. versionchanged:: 1.0
       The first argument may be left out, or a URL object, and the session a plain one.
    """

    # Slots are found faster than what is in the __dict__, and each db.users looks for both.
    __slots__ = ("__dict__", "__weakref__", "_cache", "schema")

    base: type
    """The base class of classes that are mapped from now on."""

    schema: str | None
    """The schema in which tables are looked up; None is the default schema of the database."""

    _cache: dict[str, SelectableClassType]

    def __init__(
        self,
        engine_or_metadata: str | URL | Engine | MetaData | None = None,
        base: type = object,
        session: _session.SessionSource | None = None,
        *,
        primary_keys: Mapping[str, Sequence[str]] = MappingProxyType({}),
        relationships: bool | Namer = False,
    ) -> None:
        check(engine_or_metadata, session, primary_keys, relationships)
        self._metadata = metadata_of(engine_or_metadata)
        self._cache = {}
        self._mapped: WeakSet[Table] = WeakSet()
        self.schema = None
        self._primary_keys = {name: as_list(key) for name, key in primary_keys.items()}
        self._implied = (
            Implied(relationships, self._metadata, self._connect, self._class_for)
            if relationships
            else None
        )
        self._unnamed: WeakValueDictionary[Table, SelectableClassType] = WeakValueDictionary()
        self._listed: tuple[float, str | None, list[str]] | None = None
        self.base = base
        self.session = _session.Session if session is None else session

    @property
    def session(self) -> _session.SessionSource:
        """The registry of sessions, or the plain session; another may be set at any time.

        Classes that are mapped already keep the one that they were mapped with.

        :raises ArgumentError: what is set is neither.
        """
        return self._origin.session

    @session.setter
    def session(self, session: _session.SessionSource) -> None:
        _session.check(session, self._metadata)
        _session.find_engines(session)
        self._origin = Origin(session, _session.finder(session), self._metadata, self._implied)

    @property
    def bind(self) -> Engine | None:
        """The engine: that of the MetaData, else that of the session, else None."""
        bind = _session.known_bind(self.session, self._metadata)
        return bind if bind is None or isinstance(bind, Engine) else bind.engine

    @property
    def engine(self) -> Engine:
        """The engine.

        :raises ArgumentError: there is none.
        """
        return _session.engine_of(self.session, self._metadata)

    def commit(self) -> None:
        """Flush what is pending and commit the session's transaction."""
        self.session.commit()

    def rollback(self) -> None:
        """Roll back the session's transaction; its rows are expired.

        It does so after an interrupt, too, that leaves the session in a state in which the
        session's own ``rollback()`` raises.
        """
        _session.roll_back(self.session)

    def flush(self) -> None:
        """Send pending changes to the database, within the transaction."""
        self.session.flush()

    def delete(self, instance: Any) -> None:
        """Mark a row to be deleted at the next flush.

        :raises sqlalchemy.orm.exc.UnmappedInstanceError: it is no row.
        """
        try:
            self._origin.current().delete(instance)
        except UnmappedInstanceError as error:
            raise no_row(error, instance) from None

    def expunge(self, instance: Any) -> None:
        """Remove a row from the session, which then neither stores nor refreshes it."""
        self.session.expunge(instance)

    def expunge_all(self) -> None:
        """Remove all rows from the session."""
        self.session.expunge_all()

    def connection(self) -> Connection:
        """Return the session's connection to this engine, within the session's transaction."""
        session = self._origin.current()
        bind = _session.bind_for(self.session, self._metadata)
        return session.connection(bind_arguments={"bind": bind})

    @returns_result
    def execute(self, stmt: Any, *args: Any, **params: Any) -> sqlalchemy.Result[Any]:
        """Execute a statement in the session's transaction, without flushing first.

        :param stmt: SQL text with named parameters (``:name``), anything else that can be executed,
         or a :class:`~sqlalchemy.orm.Query`.
        :param args: parameters as one dict, or as a list of dicts to execute the statement once for
         each.  ``params=`` takes the same.
        :param params: parameters by name.
        :return: the rows, as :meth:`sqlalchemy.orm.Session.execute` returns them.
        :raises ArgumentError: parameters were given in more than one way, or without names; or the
         statement names a table of another database.

        .. versionchanged:: 1.0
           Statements other than text, and keyword parameters, are accepted.
        """
        return execute(self.session, self._metadata, stmt, args, params)

    def entity(
        self, attr: str, schema: str | None = None, *, primary_key: Sequence[Any] = ()
    ) -> SelectableClassType:
        """Return the class of a table, reflecting and mapping the table if that is yet to be done.

        ``db.entity("users")`` is ``db.users``; use it where the name is not a Python identifier or
        is that of a method.

        :param attr: name of the table, or a name given with :meth:`map_to`.
        :param schema: schema of the table; the default is :attr:`SQLSoup.schema`.  Where that is
         None, it is the class of this name that is there already, or else a table of the database's
         default schema.
        :param primary_key: columns, or names of columns, that tell rows apart; for a table or view
         that has no primary key, or in place of the one it has.
        :raises NoSuchTableError: there is no such table or view.
        :raises SQLSoupError: the table has no primary key, or is mapped with another.

        .. versionadded:: 1.0
           *primary_key*
        """
        return find(self, attr, schema, as_list(primary_key))

    def map_to(
        self,
        attrname: str,
        tablename: str | None = None,
        selectable: object = None,
        schema: str | None = None,
        base: type | None = None,
        mapper_args: Mapping[str, Any] = MappingProxyType({}),
    ) -> SelectableClassType:
        """Map a table or selectable to an attribute name.

        :param attrname: name of the attribute.
        :param tablename: name of the table, or
        :param selectable: what to map instead: a table, mapped class, alias, join, subquery or
         ``select()``.
        :param schema: schema of the table; the default is :attr:`SQLSoup.schema`.
        :param base: base class; the default is :attr:`SQLSoup.base`.
        :param mapper_args: what :class:`sqlalchemy.orm.Mapper` takes; ``primary_key`` names the key
         of what has none.
        :return: the class, which is now the attribute.
        :raises SQLSoupError: the name is taken, or there is no primary key.
        :raises ArgumentError: the arguments contradict each other.
        :raises NoSuchTableError: there is no such table or view.

        .. versionchanged:: 1.0
           Selectables other than tables, and keys that are named, are accepted.
        """
        return make(self, attrname, tablename, selectable, schema, base, mapper_args)

    def map(
        self, selectable: object, base: type | None = None, **mapper_args: Any
    ) -> SelectableClassType:
        """Map a selectable; the class belongs to the caller alone.

        :param selectable: a table, mapped class, alias, join, subquery, CTE or ``select()``.
        :param base: base class; the default is :attr:`SQLSoup.base`.
        :param mapper_args: what :class:`sqlalchemy.orm.Mapper` takes.
        :raises ArgumentError: it is nothing that can be selected from.
        :raises sqlalchemy.exc.ArgumentError: it has no primary key, and ``primary_key`` names none.

        .. versionchanged:: 1.0
           A ``select()`` needs no alias.
        """
        source = self._selectable(selectable)
        return self._map(source, base, with_key(mapper_args, key_of(selectable)))

    def with_labels(
        self, selectable: object, base: type | None = None, **mapper_args: Any
    ) -> SelectableClassType:
        """Map a selectable with the name of its table before the name of each column.

        This is for joins of tables that have a column name in common:
        ``db.with_labels(db.join(db.users, db.loans)).users_name``.  What has no name of its own, a
        ``select()`` or its subquery, gets no prefix, unless a select has a name twice.

        :param selectable: as for :meth:`map`.
        :param base: base class; the default is :attr:`SQLSoup.base`.
        :param mapper_args: what :class:`sqlalchemy.orm.Mapper` takes.
        """
        source = self._selectable(labelled(selectable, self._selectable))
        args = with_key(mapper_args, translated(key_of(selectable), source))
        return self._map(source, base, args)

    def join(
        self,
        left: object,
        right: object,
        onclause: Any = None,
        isouter: bool = False,
        base: type | None = None,
        **mapper_args: Any,
    ) -> SelectableClassType:
        """Map a join; a row has the columns of both sides.

        :param left: a mapped class or anything else that can be selected from.
        :param right: likewise.
        :param onclause: condition; the default is the foreign key between the two.
        :param isouter: whether it is a LEFT OUTER JOIN.
        :param base: base class; the default is :attr:`SQLSoup.base`.
        :param mapper_args: what :class:`sqlalchemy.orm.Mapper` takes.
        :raises ArgumentError: the two are in different databases.
        :raises sqlalchemy.exc.NoForeignKeysError: no foreign key ties the two.
        :raises sqlalchemy.exc.AmbiguousForeignKeysError: more than one does.
        :raises sqlalchemy.exc.InvalidRequestError: both have a column of the same name; raised when
         the class is used for anything but :meth:`with_labels`.
        """
        sides = selectable_of(left), selectable_of(right)
        check_words(mapper_args)
        _places.check_join(*map(tables_in, sides))
        if onclause is None:
            for side in sides:  # an alias may have copied its foreign keys before they had a target
                self._selectable(side)
        source = self._selectable(sqlalchemy.join(*sides, onclause, isouter))
        keys = [
            (key_of(thing), list(side.primary_key))
            for thing, side in zip((left, right), sides, strict=True)
        ]
        args = with_key(mapper_args, joined_key(*keys))
        return map_join(source, self._origin, base or self.base, args)

    if TYPE_CHECKING:

        def __setattr__(self, attr: str, value: Any) -> None: ...

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.entity is not SQLSoup.entity and cls.__getattr__ is SQLSoup.__getattr__:
            cls.__getattr__ = _ask_entity  # type: ignore[method-assign]

    def __getattr__(self, attr: str) -> Any:
        if attr != "schema":  # a copy that is being made has none
            try:
                if self.schema is None:
                    return self._cache[attr]
            except KeyError:
                pass
        return _ask_entity(self, attr)

    def __delattr__(self, attr: str) -> None:
        if attr in self._cache and attr not in vars(self):
            raise AttributeError(f"table {attr!r} is no attribute to delete; use del db[{attr!r}]")
        super().__delattr__(attr)

    def __getitem__(self, name: str) -> SelectableClassType:
        """Return the class of a table, whatever its name.

        ``db["schema.table"]`` is a table of another schema, unless there is a table whose own name
        has the dot.

        :raises NoSuchTableError: there is no such table or view; it is a :class:`KeyError`.
        :raises SQLSoupError: the table has no primary key.

        .. versionadded:: 1.0
        """
        dotted: Any = name
        if isinstance(dotted, str) and "." in name and cached(self, name) is None:
            with self._connect() as connection:
                schema, table = locate(connection, name, self._where) or (self._where, name)
            if schema != self._where:
                return class_for(self, schema, table)
            name = table
        return self.entity(name)

    def __delitem__(self, name: str) -> None:
        """Forget the class of a table; the next access reflects and maps the table afresh.

        Rows and classes that are in use keep working.

        :raises KeyError: no class has this name.

        .. versionadded:: 1.0
        """
        del self._cache[key_in(self, name) or name]

    def __contains__(self, name: object) -> bool:
        """Tell if there is a table or view of a name, or a class that was mapped to it.

        .. versionadded:: 1.0
        """
        if not isinstance(name, str):
            return False
        if cached(self, name) is not None:
            return True
        with self._connect() as connection:
            return locate(connection, name, self._where) is not None

    def __iter__(self) -> Iterator[str]:
        """Give the names of all tables and views of the default schema, or of :attr:`schema`.

        .. versionadded:: 1.0
        """
        names = self._names()
        mention_unknown(self._primary_keys, names)
        return iter(names)

    def _names(self) -> list[str]:
        with self._connect() as connection:
            return table_names(connection, self._where)

    def __dir__(self) -> list[str]:
        names = (name for name in self._ipython_key_completions_() if not iskeyword(name))
        return sorted({*super().__dir__(), *filter(str.isidentifier, [*names, *self._cache])})

    def _ipython_key_completions_(self) -> list[str]:
        """Return the names of tables, a few seconds old at most; never raise."""
        listed, now = self._listed, time.monotonic()
        if listed is None or listed[0] < now - 5 or listed[1] != self._where:
            listed = (now, self._where, [])
            try:
                self._listed = listed  # for calls while this one connects
                self._listed = listed = (now, self._where, self._names())
            except Exception:  # noqa: BLE001, S110 - a completion is no place for any error
                pass
            except BaseException:
                self._listed = None
                raise
        return listed[2]

    def __enter__(self) -> Self:
        """Begin a block that is one transaction.

        It is committed at the end, and rolled back if an exception leaves the block; the connection
        goes back to the pool either way.  What the session had not committed before is part of it,
        and so is a block within the block.  When that one fails, the outer block cannot be
        committed any more: if the exception was caught in between, it raises SQLSoupError at its
        end.

        :raises SQLSoupError: an earlier block of the session was interrupted, or is suspended in a
         generator or coroutine; its transaction was rolled back.

        .. versionadded:: 1.0
        """
        _blocks.enter(self)
        return self

    __exit__: _blocks.Exit = _blocks.Exit()

    def __repr__(self) -> str:
        return f"SQLSoup(MetaData(bind={shown_engine(self.bind)}))"

    @property
    def _where(self) -> str | None:
        return self.schema or self._metadata.schema

    def _class_for(self, schema: str | None, name: str) -> SelectableClassType:
        return class_for(self, schema, name)

    def _map(
        self, source: FromClause, base: type | None, mapper_args: Mapping[str, Any]
    ) -> SelectableClassType:
        return map_class(source, self._origin, base or self.base, mapper_args)

    def _selectable(self, thing: object, *, derive: bool = False) -> FromClause:
        selectable = selectable_of(thing)
        complete(selectable, self._metadata, self._connect, derive=derive)
        return selectable

    def _connect(self) -> AbstractContextManager[Connection]:
        return _session.connect(self.session, self._metadata)


def _ask_entity(db: SQLSoup, attr: str) -> Any:
    """Return what entity() gives for an attribute; always, where a subclass has its own."""
    if is_probe(attr) or hasattr(type(db), attr):
        raise AttributeError(f"{type(db).__name__!r} object has no attribute {attr!r}")
    return db.entity(attr)
