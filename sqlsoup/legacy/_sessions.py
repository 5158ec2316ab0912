"""Sessions: autocommit, transactions within transactions, strings as statements."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa
from sqlalchemy import CursorResult, Engine, Select, event
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.exc import ArgumentError, InvalidRequestError, ResourceClosedError
from sqlalchemy.orm import (
    Session,
    close_all_sessions,
    create_session,
    scoped_session,
    sessionmaker,
)

from sqlsoup.legacy import _extensions, _mappers
from sqlsoup.legacy._engines import Branch, commits
from sqlsoup.legacy._frames import asking, is_internal, is_ours, module_of
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, method, missing, plan, replace, replaced
from sqlsoup.legacy._queries import OF_QUERY
from sqlsoup.legacy._statements import listed, lock_arguments

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from sqlalchemy.orm import SessionTransaction

_KEY = "sqlsoup.legacy"
_KEPT = "sqlsoup.legacy.kept"
_IDLE = "No transaction is begun."
_INACTIVE = (
    "This session is in 'inactive' state, due to the SQL transaction being rolled back; no further "
    "SQL can be emitted within this transaction."
)
_OLD = ("autocommit", "extension", "weak_identity_map")
"""Arguments of a session that are gone, and that a sessionmaker keeps."""

_GONE = {
    "weak_identity_map": "keep rows in a list, or nothing",
    "_enable_transaction_accounting": "leave it out",
    "autoexpire": "expire_on_commit=",
    "echo_uow": "logging of sqlalchemy.orm",
}
"""Others, and what to write instead."""


class _State:
    """What a session needs to remember to work as in SQLAlchemy 1.3."""

    def __init__(self, *, autocommit: bool) -> None:
        self.autocommit = autocommit
        self.flushing = self.executing = False
        self.stored = False
        """Whether there was a flush while a statement was executed, which is to be committed."""
        self.forget()

    def forget(self) -> None:
        """Start with no transaction."""
        self.begun: SessionTransaction | None = None
        self.subs: list[SubTransaction] = []
        self.dead: SessionTransaction | None = None
        self.in_block = False

    @property
    def is_plain(self) -> bool:
        """Whether the session works as it does without the module."""
        return not self.autocommit and self.dead is None

    def is_idle(self, session: Session) -> bool:
        """Tell if what comes next is to be committed at once."""
        return self.autocommit and not self.in_begun(session)

    def in_begun(self, session: Session) -> bool:
        """Tell if the program has begun a transaction that is still open."""
        return self.begun is not None and self.begun is session.get_transaction()

    def is_inactive(self, session: Session) -> bool:
        """Tell if an inner rollback() has ended a transaction whose outer ones are still open."""
        if self.in_block and session._trans_context_manager is not self.dead:  # its `with` ended
            self.forget()
        return self.dead is not None

    def check(self, session: Session) -> None:
        """Refuse to work where an outer transaction is still to be rolled back."""
        if self.is_inactive(session):
            raise InvalidRequestError(_INACTIVE)

    def innermost(self, session: Session) -> Any:
        """Return the transaction that commit() and rollback() are for, or None."""
        if self.is_inactive(session):
            current = self.dead
        else:
            current = session.get_nested_transaction() or session.get_transaction()
            self.subs = [sub for sub in self.subs if sub.inside.session is not None]
        return self.subs[-1] if self.subs and self.subs[-1].inside is current else current


def _state(session: Session) -> _State:
    state: _State | None = session.info.get(_KEY)
    if state is None:
        state = session.info[_KEY] = _State(autocommit=False)
    return state


def _noted(kw: dict[str, Any]) -> None:
    """Note the old arguments of a session."""
    for name, instead in _GONE.items():
        if name in kw:
            note("session-argument", old=f"{name}= of a session", instead=instead)
    if kw.get("autocommit"):
        note("session-autocommit")
    if "extension" in kw:
        note("session-extension")


def _arguments(kw: dict[str, Any]) -> dict[str, Any]:
    """Take the old arguments out of those of a session."""
    kw.pop("echo_uow", None)
    if "autoexpire" in kw:
        kw["expire_on_commit"] = kw.pop("autoexpire")
    if not kw.pop("_enable_transaction_accounting", True):
        raise ArgumentError(
            "_enable_transaction_accounting=False of a session cannot be done on SQLAlchemy 2"
        )
    return {name: kw.pop(name) for name in _OLD if name in kw}


@method(Session, "__init__")
def _init(
    before: Callable[..., Any], session: Session, /, bind: Any = None, *args: Any, **kw: Any
) -> None:
    names = ("autoflush", "expire_on_commit", "_enable_transaction_accounting", "autocommit")
    if args:
        note("session-argument", old="Session() with arguments by position", instead="by name")
        kw |= zip(names, args, strict=False)
    if not is_internal():  # a sessionmaker was given them
        _noted(kw)
    old = _arguments(kw)
    before(session, bind, **kw)
    session.info[_KEY] = _State(autocommit=bool(old.get("autocommit")))
    for extension in listed(old.get("extension")):
        _extensions.listen_session(session, extension)
    if not old.get("weak_identity_map", True):
        _keep_rows(session)


def _keep_rows(session: Session) -> None:
    kept: dict[int, object] = {}
    session.info[_KEPT] = kept

    def keep(_session: Session, row: object) -> None:
        kept[id(row)] = row

    for name in ("pending", "detached", "deleted"):
        event.listen(session, f"{name}_to_persistent", keep)
    event.listen(session, "loaded_as_persistent", keep)
    for name in ("detached", "deleted", "transient"):
        event.listen(session, f"persistent_to_{name}", lambda _, row: kept.pop(id(row), None))


@method(sessionmaker, "__init__", "configure")
def _maker(before: Callable[..., Any], maker: Any, /, *args: Any, **kw: Any) -> None:
    names = ("bind", "class_", "autoflush", "autocommit", "expire_on_commit")
    if len(args) > 1:
        note("session-argument", old="sessionmaker() with arguments by position")
    kw |= zip(names, args, strict=False)
    _noted(kw)
    if kw.get("class_", Session) is None:
        del kw["class_"]
        note("session-argument", old="sessionmaker(class_=None)")
    old = _arguments(kw)
    before(maker, **kw)
    maker.kw.update(old)


@method(sessionmaker, "__call__")
def _make(before: Callable[..., Any], maker: Any, /, **kw: Any) -> Any:
    _noted(kw)
    return before(maker, **kw)


class SubTransaction:
    """What begin(subtransactions=True) gives within a transaction."""

    nested = False

    def __init__(self, session: Session, parent: Any, inside: Any) -> None:
        self.session = session
        self.parent = parent
        self.inside = inside  # a transaction or savepoint, whose session is None when it is over

    @property
    def is_active(self) -> bool:
        """Whether it is open, and was not rolled back within."""
        state = _state(self.session)
        return self in state.subs and not state.is_inactive(self.session)

    def commit(self) -> None:
        """Leave the decision to the whole transaction."""
        for _ in self._levels():
            self.session.commit()

    def rollback(self) -> None:
        """Roll the whole transaction back."""
        for _ in self._levels():
            self.session.rollback()

    def close(self) -> None:
        """Leave it, without a flush."""
        state = _state(self.session)
        state.subs = state.subs[: -len(self._levels())]

    def _levels(self) -> list[SubTransaction]:
        """Return those that are open within, and itself.

        :raises ResourceClosedError: it is not open any more.
        """
        subs = _state(self.session).subs
        if self not in subs:
            raise ResourceClosedError("This transaction is closed")
        return subs[subs.index(self) :]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if error is not None:
            self.rollback()
            return
        try:
            self.commit()
        except BaseException:
            self.rollback()
            raise


@method(Session, "begin")
def _begin(
    before: Callable[..., Any],
    session: Session,
    /,
    subtransactions: bool | None = None,
    nested: bool = False,
) -> Any:
    if subtransactions is not None:
        note("session-subtransactions")
    state = _state(session)
    state.check(session)
    if nested:
        if state.is_idle(session):
            raise InvalidRequestError("begin_nested() of a session is for after begin()")
        return before(session, nested=True)
    if state.is_idle(session):
        session.flush()
        _end(session)
        state.begun = before(session)
        return state.begun
    if not subtransactions:
        return before(session)
    if not session.in_transaction():
        before(session)
    inside: Any = session.get_nested_transaction() or session.get_transaction()
    sub = SubTransaction(session, state.innermost(session), inside)
    state.subs.append(sub)
    return sub


@method(Session, "begin_nested")
def _begin_nested(_before: object, session: Session) -> Any:
    return session.begin(nested=True)


@method(Session, "commit")
def _commit(before: Callable[..., Any], session: Session) -> None:
    state = _state(session)
    state.check(session)
    if state.is_idle(session):
        raise InvalidRequestError(_IDLE)
    current = state.innermost(session)
    if isinstance(current, SubTransaction):
        session.flush()
        state.subs.pop()
    elif current is not None and current.nested:
        note("session-savepoint")
        current.commit()
    else:
        before(session)


@method(Session, "rollback")
def _rollback(before: Callable[..., Any], session: Session) -> None:
    state = _state(session)
    current = state.innermost(session)
    if isinstance(current, SubTransaction):
        state.subs.pop()
        if state.dead is None:
            whole: Any = current.inside
            state.dead = whole
            state.in_block = session._trans_context_manager is whole
            whole.rollback() if whole.nested else before(session)
    elif state.dead is not None:
        state.dead, state.in_block = None, False
    elif current is not None and current.nested:
        note("session-savepoint")
        current.rollback()
    else:
        before(session)


@method(Session, "close", "invalidate")
def _close(before: Callable[..., Any], session: Session) -> None:
    before(session)
    _state(session).forget()


@method(Session, "in_transaction")
def _in_transaction(before: Callable[..., Any], session: Session) -> bool:
    return before(session) and not _state(session).is_idle(session)


def _end(session: Session) -> None:
    """End the transaction that began by itself, and leave the rows of the session as they are."""
    transaction: Any = session.get_transaction()
    if transaction is not None:
        transaction.close()


@method(Session, "flush", "bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings")
def _store(before: Callable[..., Any], session: Session, /, *args: Any, **kw: Any) -> None:
    state = _state(session)
    if state.is_plain:
        before(session, *args, **kw)
        return
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


def _binds(kw: dict[str, Any]) -> dict[str, Any]:
    """Make ``bind_arguments`` of the arguments of the time."""
    old = {name: kw.pop(name) for name in ("mapper", "clause", "bind") if name in kw}
    if old:
        note("session-mapper")
        kw["bind_arguments"] = {**(kw.get("bind_arguments") or {}), **old}
    return kw


@replaced(Session, "execute")
def _execute(before: Callable[..., Any]) -> Callable[..., Any]:
    def execute(session: Any, /, *args: Any, **kw: Any) -> Any:
        state = session.info.get(_KEY)
        if (
            state is not None
            and state.is_plain
            and 0 < len(args) <= 2  # noqa: PLR2004
            and kw.keys() <= _OF_EXECUTE
            and type(args[0]) is Select
            and OF_QUERY not in vars(args[0])
            and not _mappers.orders
        ):
            return before(session, *args, **kw)  # nothing old
        return _execute_any(before, asking(), session, *args, **kw)

    return execute


_OF_EXECUTE = {"params", "execution_options", "bind_arguments", "_parent_execute_state"}
"""The arguments of Session.execute() on 2.x, beside the statement."""


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
    state = _state(session)
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
    kw = _binds(kw)
    with nullcontext() if autoflush else session.no_autoflush:
        if state.flushing or state.executing or not state.is_idle(session):
            return before(session, statement, params, **kw)
        return _at_once(before, session, statement, params, **kw)


def _at_once(
    before: Callable[..., Any], session: Session, statement: Any, params: Any, **kw: Any
) -> Any:
    """Execute a statement outside a transaction, and have no connection in use after it."""
    state = _state(session)
    state.executing, state.stored = True, False
    dispatch: Any = session.dispatch
    session.dispatch = _Quiet(dispatch)  # type: ignore[assignment]
    try:
        return _finished(session, state, statement, before(session, statement, params, **kw))
    except BaseException:
        _end(session)
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


def _finished(session: Session, state: _State, statement: Any, result: Any) -> Any:
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
    _end(session)
    return result


@method(Session, "scalar")
def _scalar(_before: object, session: Session, /, *args: Any, **kw: Any) -> Any:
    return session.execute(*args, **kw).scalar()


@method(Session, "scalars")
def _scalars(_before: object, session: Session, /, *args: Any, **kw: Any) -> Any:
    return session.execute(*args, **kw).scalars()


@method(Session, "connection")
def _connection(before: Callable[..., Any], session: Session, /, *args: Any, **kw: Any) -> Any:
    if args and not isinstance(args[0], dict):
        kw |= zip(("mapper", "clause", "bind"), args, strict=False)
        args = ()
    if "close_with_result" in kw:
        note("session-argument", old="connection(close_with_result=) of a session")
        del kw["close_with_result"]
    kw = _binds(kw)
    state = _state(session)
    state.check(session)
    if state.flushing or state.executing or not state.is_idle(session):
        return before(session, *args, **kw)
    bind = session.get_bind(**(args[0] if args else kw.get("bind_arguments") or {}))
    connection = bind.connect() if isinstance(bind, Engine) else Branch(bind)
    return connection.execution_options(**(kw.get("execution_options") or {}))


@function(Session.get_bind)  # which sessions that find the engine of a SQLSoup have kept
def _get_bind(
    before: Callable[..., Any], session: Session, /, mapper: Any = None, *args: Any, **kw: Any
) -> Any:
    if args:
        note("session-mapper")
        kw["clause"] = args[0]
    return before(session, mapper, **kw)


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


@plan
def _is_active() -> None:
    before: Any = Session.is_active.fget  # type: ignore[attr-defined]

    def is_active(session: Session) -> bool:
        state = _state(session)
        idle = state.is_idle(session) or state.is_inactive(session)
        return not idle and before(session)

    replace(Session, "is_active", property(is_active))


@missing(Session, "prune")
def _prune(session: Session) -> int:
    note("session-attribute", old="Session.prune()", instead="nothing: the session prunes itself")
    kept = session.info.get(_KEPT)
    if kept is None:
        return 0
    before = len(kept)
    kept.clear()  # what is in use elsewhere stays in the session
    kept.update((id(row), row) for row in session)
    return before - len(kept)


@missing(Session, "transaction", property)
def _transaction(session: Session) -> Any:
    note("session-attribute", old="Session.transaction", instead="session.get_transaction()")
    state = _state(session)
    if state.is_idle(session) and not state.is_inactive(session):
        return None
    return state.innermost(session) or session.begin()


@missing(Session, "autocommit", property)
@missing(scoped_session, "autocommit", property)
def _autocommit(session: Any) -> bool:
    note("session-attribute", old="Session.autocommit", instead="nothing: it is always False")
    plain = session() if isinstance(session, scoped_session) else session
    return _state(plain).autocommit


@missing(Session, "close_all", classmethod, to_go=True)
@missing(scoped_session, "close_all", classmethod, to_go=True)
@missing(sessionmaker, "close_all", classmethod, to_go=True)
def _close_all(_cls: object) -> None:
    note("close-all")
    close_all_sessions()


def _through(name: str) -> None:
    @method(scoped_session, name)
    def call(_before: object, registry: Any, *args: Any, **kw: Any) -> Any:
        return getattr(registry(), name)(*args, **kw)


for _name in (
    "begin",
    "execute",
    "scalar",
    "connection",
    "get_bind",
    "refresh",
    "is_modified",
    "merge",
):
    _through(_name)


@function(create_session)
def _create_session(_before: object, bind: Any = None, **kw: Any) -> Session:
    old = {"autocommit": True, "autoflush": False, "expire_on_commit": False}
    if old.keys() - kw.keys():
        note("create-session")
    kw = {**old, **kw}
    return Session(bind, **kw)


@missing(scoped_session, "mapper")
def _mapper(registry: Any, cls: type, *args: Any, **kw: Any) -> Any:
    note("scoped-mapper")
    return _mappers.map_in(registry, cls, *args, **kw)
