"""What a session executes and stores, and on which connection."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from functools import lru_cache
from inspect import signature
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import CursorResult, Engine
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.exc import UnboundExecutionError
from sqlalchemy.orm import (
    Session,
)

from sqlsoup.legacy import _mappers
from sqlsoup.legacy._connection_begin import Branch
from sqlsoup.legacy._connections import STATEMENTS, commits
from sqlsoup.legacy._frames import asking, is_ours, module_of
from sqlsoup.legacy._metadata import bind_of
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, method, replaced
from sqlsoup.legacy._queries import OF_QUERY
from sqlsoup.legacy._session_state import KEY, State, state_of
from sqlsoup.legacy._text import lock_arguments
from sqlsoup.legacy._transactions import end

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


@replaced(Session, "bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings")
def _store(before: Callable[..., Any]) -> Callable[..., Any]:
    def store(session: Session, /, *args: Any, **kw: Any) -> None:
        state = vars(session).get(KEY)
        if state is None or not (state.autocommit or state.dead):
            before(session, *args, **kw)  # as without the module
        else:
            _store_any(before, session, state, *args, **kw)

    return store


@replaced(Session, "flush")
def _flush(before: Callable[..., Any]) -> Callable[..., Any]:
    def flush(session: Session, objects: Any = None) -> None:
        state = session.__dict__.get(KEY)
        if state is None or not (state.autocommit or state.dead):
            before(session, objects)  # as without the module
        else:
            _store_any(before, session, state, objects)

    return flush


def _store_any(
    before: Callable[..., Any], session: Session, state: State, /, *args: Any, **kw: Any
) -> None:
    if before.__name__ != "flush" or not session._is_clean():
        state.check(session)
    transaction: Any = session.get_transaction()
    if state.executing and transaction is not None and transaction._connections:
        before(session, *args, **kw)  # by a listener, while the rows of a query are made
        state.stored = True
        return
    if state.flushing or not state.is_idle(session):
        before(session, *args, **kw)
        return
    state.flushing = True
    try:
        before(session, *args, **kw)
        if session.get_transaction() is not None:
            Session.commit.__wrapped__(session)  # type: ignore[attr-defined]
    except BaseException:
        Session.rollback.__wrapped__(session)  # type: ignore[attr-defined]
        raise
    finally:
        state.flushing = False


def _binds(session: Session, kw: dict[str, Any], statement: Any = None) -> dict[str, Any]:
    """Make ``bind_arguments`` of the arguments of the time, and of those of a get_bind()."""
    own = _own_get_bind(session)
    names = kw.keys() - _ARGUMENTS if own else kw.keys() & {"mapper", "clause", "bind"}
    old = {name: kw.pop(name) for name in names}
    if old.get("bind") is not None and own:
        note("session-mapper", old="bind= past a get_bind() of the program", instead=_RETURN)
    elif old:
        note("session-mapper")
    if "mapper" not in (kw.get("bind_arguments") or old) and not (
        own is None
        or hasattr(session.get_bind, "own")  # a SQLSoup gives it one
        or not _needs_mapper(own)
        or getattr(statement, "_propagate_attrs", {}).get("plugin_subject")  # which has one
    ):
        note("session-mapper", old="get_bind(mapper) that has no default", instead=_DEFAULT)
        old["mapper"] = None
    if old:
        kw["bind_arguments"] = {**(kw.get("bind_arguments") or {}), **old}
    return kw


_ARGUMENTS = frozenset(
    ("execution_options", "bind_arguments", "_parent_execute_state", "_add_event")
)
"""Arguments by name of the methods of a session that find an engine; the others are old."""

_RETURN = "bind_arguments={'bind': ...}, and in get_bind() `if bind is not None: return bind`"
_DEFAULT = "get_bind(self, mapper=None, *, clause=None, **kw)"


def _own_get_bind(session: Session) -> Callable[..., Any] | None:
    """Return the function by which a session of the program finds an engine, if it has its own."""
    found: Any = session.get_bind
    own = getattr(found, "own", getattr(found, "__func__", found))  # the first, where taught
    return None if own is Session.get_bind else own


@lru_cache(100)
def _needs_mapper(get_bind: Callable[..., Any]) -> bool:
    """Tell if a function has no default for the mapper, which it was always given."""
    mapper = signature(get_bind).parameters.get("mapper")
    return mapper is not None and mapper.default is mapper.empty


@contextmanager
def _bound_to(session: Session, kw: dict[str, Any]) -> Iterator[None]:
    """Have a session use a bind that it is given, whatever a get_bind() of the program says."""
    bind = (kw.get("bind_arguments") or {}).get("bind")
    if bind is None or not _own_get_bind(session):
        yield
        return
    before = vars(session).get("get_bind")
    vars(session)["get_bind"] = lambda *_args, **_kw: bind
    try:
        yield
    finally:
        del vars(session)["get_bind"]
        if before is not None:
            vars(session)["get_bind"] = before


@replaced(Session, "execute")
def _execute(before: Callable[..., Any]) -> Callable[..., Any]:
    def execute(
        session: Any, /, statement: Any = None, params: Any = None, *args: Any, **kw: Any
    ) -> Any:
        if not args and _is_new(session, statement):
            if not kw:
                return before(session, statement, params)  # which is quicker than with **kw
            if _ARGUMENTS.issuperset(kw):
                return before(session, statement, params, **kw)
        return _execute_any(before, asking(), session, statement, params, *args, **kw)

    return execute


@replaced(Session, "scalar", "scalars")
def _scalars(before: Callable[..., Any]) -> Callable[..., Any]:
    def scalars(
        session: Any, /, statement: Any = None, params: Any = None, *args: Any, **kw: Any
    ) -> Any:
        if not args and _is_new(session, statement):
            if not kw:
                return before(session, statement, params)
            if _ARGUMENTS.issuperset(kw):
                return before(session, statement, params, **kw)
        return getattr(session.execute(statement, params, *args, **kw), before.__name__)()

    return scalars


def _is_new(session: Any, statement: Any) -> bool:
    """Tell if it is plain that what a session is to execute is no old form."""
    state = session.__dict__.get(KEY)
    found = type(session).get_bind
    return (
        (found is Session.get_bind or hasattr(found, "own") or not _needs_mapper(found))
        and (state is None or not (state.autocommit or state.dead))
        and type(statement) in STATEMENTS
        and OF_QUERY not in statement.__dict__
        and not _mappers.are_ordered
    )


def _execute_any(
    before: Callable[..., Any],
    frame: FrameType,
    session: Session,
    /,
    statement: Any = None,
    params: Any = None,
    *args: Any,
    **kw: Any,
) -> Any:
    state = state_of(session)
    state.check(session)
    kw |= zip(("mapper", "bind"), args, strict=False)
    if "clause" in kw:
        note("session-mapper")
        statement = kw.pop("clause")
    autoflush = not state.autocommit or is_ours(frame)  # which no execute() of a program did in 1.3
    if isinstance(statement, str):
        note("session-string")
        statement = sa.text(statement)
        autoflush = False
    elif getattr(statement, OF_QUERY, False):
        note("query-statement")
        autoflush = False
    elif module_of(frame) == "sqlalchemy.orm.strategies":
        statement = statement.order_by(*_mappers.order_of(statement))
    if {"mapper", "bind"} & kw.keys():  # nor did the execute() of the time
        autoflush = False
    kw = _binds(session, kw, statement)
    with nullcontext() if autoflush else session.no_autoflush, _bound_to(session, kw):
        if state.flushing or state.executing or not state.is_idle(session):
            return before(session, statement, params, **kw)
        return _at_once(before, session, statement, params, **kw)


def _at_once(
    before: Callable[..., Any], session: Session, statement: Any, params: Any, **kw: Any
) -> Any:
    """Execute a statement outside a transaction, and have no connection in use after it."""
    state = state_of(session)
    state.executing, state.stored = True, False
    dispatch: Any = session.dispatch
    session.dispatch = _Quiet(dispatch)  # type: ignore[assignment]
    try:
        return _finished(session, state, statement, before(session, statement, params, **kw))
    except BaseException:
        end(session)
        raise
    finally:
        session.dispatch = dispatch
        state.executing = False


class _Quiet:
    """The events of a session, but for those of a transaction that there was not in 1.3."""

    def __init__(self, dispatch: Any) -> None:
        self._dispatch = dispatch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dispatch, name)

    def _nothing(self, *_args: object) -> None:
        """Tell no listener."""

    after_begin = after_transaction_create = after_transaction_end = _nothing


def _finished(session: Session, state: State, statement: Any, result: Any) -> Any:
    """Commit a statement if 1.3 would have, and give its connection back."""
    transaction: Any = session.get_transaction()
    if not isinstance(result, CursorResult):
        result = (result.unique() if result._attributes.get("filtered") else result).freeze()()
    else:
        if result.returns_rows and not result._soft_closed:
            result.cursor_strategy = FullyBufferedCursorFetchStrategy(result.cursor)
        state.stored |= commits(statement, result.connection)
    if state.stored:
        for _, begun, is_own, _ in set(transaction._connections.values()):
            if is_own:
                begun.commit()
    end(session)
    return result


@replaced(Session, "connection")
def _connection(before: Callable[..., Any]) -> Callable[..., Any]:
    def connection(session: Session, /, *args: Any, **kw: Any) -> Any:
        found = type(session).get_bind
        if not (args or kw or KEY in vars(session)) and (
            found is Session.get_bind or hasattr(found, "own") or not _needs_mapper(found)
        ):  # nothing old
            return before(session)
        return _connection_any(before, session, *args, **kw)

    return connection


def _connection_any(before: Callable[..., Any], session: Session, /, *args: Any, **kw: Any) -> Any:
    if args and not isinstance(args[0], dict):
        kw |= zip(("mapper", "clause", "bind"), args, strict=False)
        args = ()
    if "close_with_result" in kw:
        note("session-argument", old="connection(close_with_result=) of a session")
        del kw["close_with_result"]
    kw = _binds(session, kw)
    state = state_of(session)
    state.check(session)
    if state.flushing or state.executing or not state.is_idle(session):
        return before(session, *args, **kw)
    arguments = args[0] if args else kw.get("bind_arguments") or {}
    bind = arguments.get("bind") or session.get_bind(**arguments)
    connection = bind.connect() if isinstance(bind, Engine) else Branch(bind)
    return connection.execution_options(**(kw.get("execution_options") or {}))


def _bound(session: Any, /, mapper: Any = None, *args: Any, clause: Any = None, **kw: Any) -> Any:
    before: Any = "BEFORE"
    handler: Any = "HANDLER"
    unbound: Any = "UNBOUND"
    if not args:
        try:
            if not kw:
                return before(session, mapper, clause=clause)  # which is quicker than with **kw
            return before(session, mapper, clause=clause, **kw)
        except unbound:
            pass
    return handler(session, mapper, *args, clause=clause, **kw)


# of which sessions that find the engine of a SQLSoup have kept the function
@function(Session.get_bind, template=_bound, UNBOUND=UnboundExecutionError)
def _get_bind(
    before: Callable[..., Any], session: Session, /, mapper: Any = None, *args: Any, **kw: Any
) -> Any:
    if args:
        note("session-mapper")
        kw["clause"] = args[0]
    try:
        return before(session, mapper, **kw)
    except UnboundExecutionError:
        if hasattr(session.get_bind, "own"):  # it finds the engine of a SQLSoup without the module
            raise
        bind = None if kw.get("clause") is None else bind_of(kw["clause"])
        if bind is None and mapper is not None:
            bind = bind_of(sa.inspect(mapper).mapper.persist_selectable)
        if bind is None:
            raise
    note("session-unbound")
    return bind


@method(Session, "refresh")
def _refresh(
    before: Callable[..., Any], session: Session, /, instance: Any, *args: Any, **kw: Any
) -> None:
    if "lockmode" in kw or (len(args) > 1 and isinstance(args[1], str)):
        note("with-lockmode")
    mode = kw.pop("lockmode", None)
    if len(args) > 1 and isinstance(args[1], str):
        args, mode = args[:1], args[1]
    if mode:
        kw["with_for_update"] = lock_arguments(mode) or True
    before(session, instance, *args, **kw)


@method(Session, "is_modified")
def _is_modified(
    before: Callable[..., Any], session: Session, /, instance: Any, *args: Any, **kw: Any
) -> bool:
    if "passive" in kw or len(args) > 1:
        note("session-argument", old="is_modified(passive=)")
        kw.pop("passive", None)
    return before(session, instance, *args[:1], **kw)  # type: ignore[no-any-return]


@method(Session, "merge")
def _merge(
    before: Callable[..., Any], session: Session, /, instance: Any, *args: Any, **kw: Any
) -> Any:
    if args or "dont_load" in kw:
        note("session-argument", old="merge() with dont_load= or load by position", instead="load=")
        kw["load"] = args[0] if args else not kw.pop("dont_load")
    return before(session, instance, **kw)
