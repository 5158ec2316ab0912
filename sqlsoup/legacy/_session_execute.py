"""What a session executes and stores, and on which connection."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import CursorResult, Engine
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.orm import (
    Session,
)

from sqlsoup.legacy import _mappers
from sqlsoup.legacy._connection_begin import Branch
from sqlsoup.legacy._connections import STATEMENTS, commits
from sqlsoup.legacy._flushes import leaves_rows, refreshing
from sqlsoup.legacy._frames import asking, is_ours, module_of
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import method, replaced
from sqlsoup.legacy._queries import OF_QUERY
from sqlsoup.legacy._session_binds import ARGUMENTS, binds_of, bound_to, needs_mapper
from sqlsoup.legacy._session_state import KEY, State, state_of
from sqlsoup.legacy._text import lock_arguments
from sqlsoup.legacy._transactions import end

if TYPE_CHECKING:
    from collections.abc import Callable
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
            session._flushing = True  # which leaves the rest where it is: it was part of the flush
            Session.commit.__wrapped__(session)  # type: ignore[attr-defined]
    except BaseException:
        Session.rollback.__wrapped__(session)  # type: ignore[attr-defined]
        raise
    finally:
        state.flushing = session._flushing = False


@replaced(Session, "execute")
def _execute(before: Callable[..., Any]) -> Callable[..., Any]:
    def execute(
        session: Any, /, statement: Any = None, params: Any = None, *args: Any, **kw: Any
    ) -> Any:
        if not args and _is_new(session, statement):
            if not kw:
                return before(session, statement, params)  # which is quicker than with **kw
            if ARGUMENTS.issuperset(kw):
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
            if ARGUMENTS.issuperset(kw):
                return before(session, statement, params, **kw)
        return getattr(session.execute(statement, params, *args, **kw), before.__name__)()

    return scalars


def _is_new(session: Any, statement: Any) -> bool:
    """Tell if it is plain that what a session is to execute is no old form."""
    state = session.__dict__.get(KEY)
    return (
        not needs_mapper(type(session).get_bind)
        and (state is None or not (state.autocommit or state.dead))
        and type(statement) in STATEMENTS
        and OF_QUERY not in statement.__dict__
        and not _mappers.are_ordered
        and (session._is_clean() or not leaves_rows(session, statement))
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
    elif autoflush and session.autoflush and leaves_rows(session, statement):
        note("statement-flush")
        autoflush = False
    if {"mapper", "bind"} & kw.keys():  # nor did the execute() of the time
        autoflush = False
    kw = binds_of(session, kw, statement)
    with nullcontext() if autoflush else session.no_autoflush, bound_to(session, kw):
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
    raw: Any = result if isinstance(result, CursorResult) else getattr(result, "raw", None)
    if raw is not None:
        state.stored |= commits(statement, raw.connection, raw)
    if raw is not result:
        result = (result.unique() if result._attributes.get("filtered") else result).freeze()()
    elif result.returns_rows and not result._soft_closed:
        result.cursor_strategy = FullyBufferedCursorFetchStrategy(result.cursor)
    if state.stored:
        for _, begun, is_own, _ in set(transaction._connections.values()):
            if is_own:
                begun.commit()
    end(session)
    return result


@replaced(Session, "connection")
def _connection(before: Callable[..., Any]) -> Callable[..., Any]:
    def connection(session: Session, /, *args: Any, **kw: Any) -> Any:
        old = args or kw or KEY in vars(session) or needs_mapper(type(session).get_bind)
        if not old:
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
    kw = binds_of(session, kw)
    state = state_of(session)
    state.check(session)
    if state.flushing or state.executing or not state.is_idle(session):
        return before(session, *args, **kw)
    arguments = args[0] if args else kw.get("bind_arguments") or {}
    bind = arguments.get("bind") or session.get_bind(**arguments)
    connection = bind.connect() if isinstance(bind, Engine) else Branch(bind)
    return connection.execution_options(**(kw.get("execution_options") or {}))


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
    with refreshing(session, instance):
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
