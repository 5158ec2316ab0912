"""The default session registry, and how a session finds the engine of a reflected table.

A MetaData is not bound to an engine in SQLAlchemy 2, so a session that was given no bind of its
own cannot tell where a reflected table lives.  SQLSoup notes the engine in the attribute ``bind``
of the MetaData, and :func:`find_engines` makes sessions look there when they have nothing else.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import wraps
from inspect import signature
from types import MethodType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, MetaData, Table, event, inspect
from sqlalchemy.exc import InvalidRequestError, SAWarning, UnboundExecutionError
from sqlalchemy.orm import Mapper, ORMExecuteState, scoped_session, sessionmaker
from sqlalchemy.orm import Session as PlainSession
from sqlalchemy.sql import visitors

from sqlsoup import _places, _sa
from sqlsoup._engine import Bind, bind_of, is_asynchronous, refuse_asynchronous, refused, to_read
from sqlsoup._synchronize import executing
from sqlsoup.exc import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from sqlalchemy import ClauseElement

SessionSource = scoped_session[Any] | PlainSession


def check(session: object, metadata: MetaData) -> None:
    """Check the session of a SQLSoup.

    :raises ArgumentError: it is no session.  Or it is the default session and the driver is
     asynchronous: all tasks, being in one thread, would share a transaction.
    """
    for given in (session, getattr(session, "session_factory", None)):
        if is_asynchronous(given) or not isinstance(session, scoped_session | PlainSession):
            raise refused("invalid session argument", given, "; pass a scoped_session or a Session")
    bind = bind_of(metadata)
    if bind is None:
        return
    _places.note(bind)
    if session is Session:
        refuse_asynchronous(bind.engine.url, bind.dialect)


def current(session: SessionSource) -> PlainSession:
    """Return the session of this thread or scope."""
    return finder(session)()


def finder(session: SessionSource) -> Callable[[], PlainSession]:
    """Return a function that returns the session of this thread or scope."""
    if isinstance(session, scoped_session):
        return session.registry.__call__  # which is called in a third less than the registry itself
    return lambda: session


def roll_back(session: SessionSource) -> None:
    """Roll a session back, also one whose commit or flush was interrupted between two states."""
    plain = current(session)
    transaction = plain.get_transaction()
    # which it would raise at every call from now on, a warning for rows since a failed flush
    with suppress(InvalidRequestError, SAWarning):
        session.rollback()
    _sa.finish_rollback(plain, transaction)


def existing(session: SessionSource) -> PlainSession | None:
    """Return the session of this thread or scope if it has one, without making it."""
    if isinstance(session, scoped_session) and not session.registry.has():
        return None
    return current(session)


def given_bind(session: SessionSource) -> Bind | None:
    """Return the engine or connection that all sessions were bound to, or None."""
    plain = existing(session)
    if plain is None:
        factory = getattr(session, "session_factory", None)
        if isinstance(factory, sessionmaker):
            bind: Bind | None = factory.kw.get("bind")
            return bind
        plain = current(session)
    return plain.bind


def known_bind(session: SessionSource, metadata: MetaData) -> Bind | None:
    """Return what is noted in a MetaData, or else what the session is bound to, or None."""
    return bind_of(metadata) or given_bind(session)


def engine_of(session: SessionSource, metadata: MetaData) -> Engine:
    """Return the engine that is noted in a MetaData, or else that of the session.

    :raises ArgumentError: there is none.
    """
    bind = known_bind(session, metadata)
    if bind is None:
        raise ArgumentError(
            "no engine for SQLSoup(MetaData(bind=None)): pass an engine or a URL, set the 'bind' "
            "of the MetaData, or pass a session that is bound to an engine"
        )
    _places.note(bind)
    return bind.engine


def bind_for(session: SessionSource, metadata: MetaData) -> Bind:
    """Return the connection to the engine that session or MetaData are bound to, or the engine."""
    engine = engine_of(session, metadata)
    for bind in (given_bind(session), bind_of(metadata)):
        if isinstance(bind, Connection) and bind.engine is engine:
            return bind
    return engine


def connect(session: SessionSource, metadata: MetaData) -> AbstractContextManager[Connection]:
    """Return a connection to reflect with: the session's, if the session works on this engine."""
    bind, plain, given = bind_for(session, metadata), existing(session), given_bind(session)
    if isinstance(bind, Connection):
        return _borrowed(bind)
    reader = to_read(bind)
    if (
        reader is bind
        and plain is not None
        and plain.in_transaction()
        and plain.is_active
        and (given is None or given.engine.pool is bind.pool)
    ):
        return _borrowed(plain.connection(bind_arguments={"bind": given or bind}))
    return reader.connect()


@contextmanager
def _borrowed(connection: Connection) -> Generator[Connection]:
    """Yield a connection that is in use, and undo what reflection does to its options.

    That of MySQL and MariaDB leaves one behind by which listeners hear of no more errors.
    """
    before = connection.get_execution_options()
    try:
        yield connection
    finally:
        after = connection.get_execution_options()
        changed = {name for name in after if after[name] is not before.get(name)}
        if changed:
            connection.execution_options(**{name: before.get(name) for name in changed})


def own_bind(session: PlainSession, clause: ClauseElement) -> Bind | None:
    """Return the bind that the session was given for a statement, or None if it was given none.

    It is None for a ShardedSession too, which chooses when it executes the statement.
    """
    if hasattr(session, "execute_chooser"):
        return None
    get_bind = session.get_bind
    own = getattr(get_bind, "own", type(session).get_bind)
    try:
        bind: Bind = own(session, None, clause=clause)  # one may have to be given a mapper
    except UnboundExecutionError:
        return None
    return bind


def bind_to_execute(session: PlainSession, statement: Any, metadata: MetaData) -> Bind:
    """Return where execute() sends a statement: to the session's own bind, or that of the MetaData.

    :raises ArgumentError: the session has none, and the statement names a table of a database that
     is not the one of the SQLSoup.
    """
    own = own_bind(session, statement)
    if own is not None:
        return own
    bind = bind_for(session, metadata)
    if not hasattr(session, "execute_chooser"):
        _places.check(statement, bind)
    return bind


def find_engines(session: SessionSource) -> None:
    """Make a session, or all that a registry gives, find the engines of reflected tables.

    A session's own binds always come first.  The sessions of a ``sessionmaker`` share a class of
    their own, which is changed once, also for those made already.  Sessions from any other callable
    are changed one by one, when they begin to work.
    """
    source: Any = session.session_factory if isinstance(session, scoped_session) else session
    if isinstance(source, sessionmaker):
        _teach(source.class_)
    elif isinstance(source, PlainSession):
        _teach(source)
    elif not event.contains(PlainSession, "do_orm_execute", _teach_executing):
        event.listen(PlainSession, "do_orm_execute", _teach_executing)
        event.listen(PlainSession, "after_transaction_create", _teach_beginning)


def _teach_executing(state: ORMExecuteState) -> None:
    _teach(state.session)


def _teach_beginning(session: PlainSession, _transaction: object) -> None:
    _teach(session)


def _teach(target: Any) -> None:
    """Give a session, or a class of sessions, a ``get_bind`` that falls back on the MetaData.

    And an ``execute`` that has the database tell which rows an UPDATE or DELETE of many changes.
    """
    if hasattr(target.get_bind, "own"):
        return
    cls: type[PlainSession] = target if isinstance(target, type) else type(target)
    own = cls.get_bind
    ordinary = own is PlainSession.get_bind
    takes = signature(own).parameters.values()
    takes_bind = any(each.name == "bind" or each.kind is each.VAR_KEYWORD for each in takes)

    @wraps(own)
    def get_bind(self: PlainSession, mapper: Any = None, *args: Any, **kw: Any) -> Bind:
        clause = args[0] if args else kw.get("clause")
        bind: Bind | None = None if takes_bind else kw.pop("bind", None)
        if bind is not None:
            return bind
        if (  # it would raise an error, and that takes four times as long
            ordinary
            and (mapper is None or isinstance(mapper, Mapper))
            and not (args or kw.get("bind") or self.bind or _sa.binds_of(self))
        ):
            bind = _bind_of_tables(mapper, clause)
        if bind is None:
            try:
                return own(self, mapper, *args, **kw)
            except UnboundExecutionError:
                bind = _bind_of_tables(mapper, clause)
                if bind is None:
                    raise
        if clause is not None:
            _places.check(clause)
        return bind

    finder: Any = get_bind
    finder.own = own
    for method in (finder, executing(cls, in_class=target is cls)):
        setattr(target, method.__name__, method if target is cls else MethodType(method, target))


def _bind_of_tables(mapper: Any, clause: ClauseElement | None) -> Bind | None:
    """Return the bind of the first table that has one, or that of the SQLSoup of the class."""
    if mapper is not None:
        if not isinstance(mapper, Mapper):
            mapper = inspect(mapper).mapper
        clause = mapper.persist_selectable
    if isinstance(clause, Table):
        bind = bind_of(clause.metadata)
        if bind is not None:
            return bind
    elif clause is not None:
        for element in visitors.iterate(clause):
            bind = bind_of(element.metadata) if isinstance(element, Table) else None
            if bind is not None:
                return bind
    mapped = getattr(mapper.class_, "_sqlsoup", None) if mapper is not None else None
    return None if mapped is None else bind_of(mapped.metadata)


Session: scoped_session[PlainSession] = scoped_session(sessionmaker())
"""The registry of sessions that every :class:`.SQLSoup` uses unless it is given another.

It is thread-local and unbound: one session serves any number of SQLSoup objects on any number of
engines, and one ``commit()`` covers them all.
"""
find_engines(Session)
