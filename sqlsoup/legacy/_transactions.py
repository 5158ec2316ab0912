"""Transactions of sessions: within one another, and none at all with autocommit."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy.exc import InvalidRequestError, ResourceClosedError
from sqlalchemy.orm import (
    Session,
)

from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import missing, plan, replace, replaced
from sqlsoup.legacy._session_state import IDLE, KEY, state_of
from sqlsoup.legacy._shared import COUNTER, has_stored, leave_to_others

if TYPE_CHECKING:
    from collections.abc import Callable


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
        state = state_of(self.session)
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
        state = state_of(self.session)
        state.subs = state.subs[: -len(self._levels())]

    def _levels(self) -> list[SubTransaction]:
        """Return those that are open within, and itself.

        :raises ResourceClosedError: it is not open any more.
        """
        subs = state_of(self.session).subs
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


@replaced(Session, "begin")
def _begin(before: Callable[..., Any]) -> Callable[..., Any]:
    def begin(
        session: Session, /, subtransactions: bool | None = None, nested: bool = False
    ) -> Any:
        if subtransactions is None and KEY not in vars(session):
            return before(session, nested)  # nothing old
        return _begin_any(before, session, subtransactions, nested=nested)

    return begin


def _begin_any(
    before: Callable[..., Any], session: Session, subtransactions: bool | None, *, nested: bool
) -> Any:
    if subtransactions is not None:
        note("session-subtransactions")
    state = state_of(session)
    state.check(session)
    if nested:
        if state.is_idle(session):
            raise InvalidRequestError("begin_nested() of a session is for after begin()")
        return before(session, nested=True)
    if state.is_idle(session):
        session.flush()
        end(session)
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


@replaced(Session, "begin_nested")
def _begin_nested(_before: object) -> Callable[..., Any]:
    return lambda session: session.begin(nested=True)


def _commit_any(before: Callable[..., Any], session: Session) -> None:
    state = state_of(session)
    state.check(session)
    if state.is_idle(session):
        raise InvalidRequestError(IDLE)
    current = state.innermost(session)
    if isinstance(current, SubTransaction):
        session.flush()
        state.subs.pop()
    elif current is not None and current.nested:
        note("session-savepoint")
        current.commit()
    else:
        before(session)


def _rollback_any(before: Callable[..., Any], session: Session) -> None:
    state = state_of(session)
    current = state.innermost(session)
    if isinstance(current, SubTransaction):
        state.subs.pop()
        if state.dead is None:
            whole: Any = current.inside
            state.dead = whole
            state.in_block = session._trans_context_manager is whole
            whole.rollback() if whole.nested else before(session)
            _leave_to_end(session, whole)
    elif state.dead is not None:
        state.dead, state.in_block = None, False
    elif current is not None and current.nested:
        note("session-savepoint")
        current.rollback()
    else:
        if current is None and not state.autocommit and _is_heard(session):
            note("session-idle-rollback")
            session.begin()
        before(session)


def _leave_to_end(session: Session, whole: Any) -> None:
    """Have what begin() has given be ended by the program, though it was rolled back within."""

    def end(step: Callable[[], None]) -> None:
        if state_of(session).dead is not whole:
            raise ResourceClosedError("This transaction is closed")
        step()

    for name, step in {
        "commit": session.commit,
        "rollback": session.rollback,
        "close": session.rollback,
    }.items():
        setattr(whole, name, partial(end, step))


def _is_heard(session: Session) -> bool:
    """Tell if a program listens to rollbacks of a session."""
    dispatch: Any = session.dispatch
    return bool(dispatch.after_rollback or dispatch.after_soft_rollback)


@replaced(Session, "commit")
def _commit(before: Callable[..., Any]) -> Callable[..., Any]:
    def commit(session: Session) -> None:
        if KEY in vars(session) or session.get_nested_transaction() is not None:
            _commit_any(before, session)
        else:
            before(session)  # as without the module

    return commit


@replaced(Session, "rollback")
def _rollback(before: Callable[..., Any]) -> Callable[..., Any]:
    def rollback(session: Session) -> None:
        if (
            KEY in vars(session)
            or session.get_nested_transaction() is not None
            or (session.get_transaction() is None and _is_heard(session))
        ):
            _rollback_any(before, session)
        else:
            before(session)  # as without the module

    return rollback


@replaced(Session, "close", "invalidate")
def _close(before: Callable[..., Any]) -> Callable[..., Any]:
    def close(session: Session) -> None:
        whole = session._transaction
        if whole is not None:
            for connection, _, _, is_own in whole._connections.values():
                is_shared = getattr(connection._dbapi_connection, COUNTER, 1) > 1
                if is_shared and is_own and not has_stored(whole):
                    leave_to_others(connection)
        before(session)
        if KEY in vars(session):
            state_of(session).forget()

    return close


@replaced(Session, "in_transaction")
def _in_transaction(before: Callable[..., Any]) -> Callable[..., Any]:
    def in_transaction(session: Session) -> bool:
        state = vars(session).get(KEY)
        return before(session) and (state is None or not state.is_idle(session))

    return in_transaction


def end(session: Session) -> None:
    """End the transaction that began by itself, and leave the rows of the session as they are."""
    transaction: Any = session.get_transaction()
    if transaction is not None:
        transaction.close()


@plan
def _is_active() -> None:
    before: Any = Session.is_active.fget  # type: ignore[attr-defined]

    def is_active(session: Session) -> bool:
        state = vars(session).get(KEY)
        if state is not None and (state.is_idle(session) or state.is_inactive(session)):
            return False
        return before(session)  # type: ignore[no-any-return]

    replace(Session, "is_active", property(is_active))


@missing(Session, "transaction", property)
def _transaction(session: Session) -> Any:
    note("session-attribute", old="Session.transaction", instead="session.get_transaction()")
    state = state_of(session)
    if state.is_idle(session) and not state.is_inactive(session):
        return None
    return state.innermost(session) or session.begin()
