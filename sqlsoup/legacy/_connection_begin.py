"""Transactions of connections: within one another, and begun late."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Self
from weakref import proxy

from sqlalchemy import Connection
from sqlalchemy.engine import NestedTransaction, RootTransaction
from sqlalchemy.engine.util import TransactionalContext
from sqlalchemy.exc import DBAPIError, InvalidRequestError

from sqlsoup.legacy._connections import (
    BEGUN,
    BY_PROGRAM,
    COMMITS,
    COMMITTED,
    UNDONE,
    UNHEARD,
    is_begun,
    is_made_by_old_form,
    reconnect,
    says_end,
)
from sqlsoup.legacy._frames import asking, is_new_to, is_of_today, is_ours, module_of
from sqlsoup.legacy._notes import note, withdraw
from sqlsoup.legacy._patch import method, plan, replace, replaced
from sqlsoup.legacy._shared import COUNTER, leave_to_others

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


INACTIVE = "This transaction is inactive"


SPOILED = "_sqlsoup_spoiled"
"""What a connection has of which a transaction was rolled back by one within: that transaction."""


@replaced(Connection, "commit")
def _commit(before: Callable[..., Any]) -> Callable[..., Any]:
    def commit(connection: Connection) -> None:
        before(connection)
        vars(connection)[COMMITS] = True
        for places in (COMMITTED, UNDONE):
            if places in vars(connection):
                withdraw(vars(connection).pop(places))

    return commit


@replaced(Connection, "rollback")
def _roll_back(before: Callable[..., Any]) -> Callable[..., Any]:
    def rollback(connection: Connection) -> None:
        before(connection)
        if COMMITTED in vars(connection):  # for which it comes too late, whatever commit() follows
            for site in vars(connection).pop(COMMITTED):
                site.warn()

    return rollback


@replaced(Connection, "close")
def _close(before: Callable[..., Any]) -> Callable[..., Any]:
    def close(connection: Connection) -> None:
        if getattr(connection._dbapi_connection, COUNTER, 1) > 1 and not is_begun(connection):
            leave_to_others(connection, is_noted=not is_made_by_old_form(connection))
        if UNDONE in vars(connection):
            withdraw(vars(connection).pop(UNDONE))
            if sys.exception() is None:
                note("change-undone")
        try:
            before(connection)
        except DBAPIError:
            if vars(connection).get(BEGUN, True) or says_end(connection):
                raise
            # what began by itself was left to the pool
            note("connection-lost", old="close() of a connection that was lost")
            connection._transaction = None
            before(connection)
        if COMMITTED in vars(connection):
            for site in vars(connection).pop(COMMITTED):
                site.warn()

    return close


@replaced(Connection, "in_transaction")
def _in_transaction(before: Callable[..., Any]) -> Callable[..., Any]:
    def in_transaction(connection: Connection) -> bool:
        if not before(connection):
            return False
        frame = asking()
        if is_begun(connection) or is_new_to(frame) or says_end(connection):
            return True
        if not is_ours(frame) and not is_of_today(frame):
            note("in-transaction")
        return False

    return in_transaction


@replaced(Connection, "get_transaction")
def _get_transaction(_before: object) -> Callable[..., Any]:
    def get_transaction(connection: Connection) -> Any:
        transaction: Any = connection._transaction
        if transaction is not None and not is_ours(asking()):  # it is the program's to end
            transaction.connection = original(connection)
            vars(connection)[BEGUN] = True
        return transaction

    return get_transaction


def original(connection: Connection) -> Connection:
    """Return the connection of which one is a branch, or it itself."""
    return connection.original if isinstance(connection, Branch) else connection


class Branch(Connection):
    """A connection that is another one, but for close()."""

    __slots__ = ("original",)
    original: Connection

    def __init__(self, connection: Connection) -> None:
        self.__dict__ = connection.__dict__
        self.original = original(connection)

    def close(self) -> None:
        """Leave the connection open."""


class Joined(Branch):
    """The connection of the thread for what asks its engine for one."""

    def in_transaction(self) -> bool:
        """Tell a session that there is none, so that it begins one within: it would end this."""
        return module_of(asking()) != "sqlalchemy.orm.session"


class SubTransaction:
    """What begin() gave within a transaction: a commit() of it leaves that open."""

    def __init__(self, parent: RootTransaction | NestedTransaction) -> None:
        self._parent = parent
        self.connection = parent.connection
        self.is_active = True

    def commit(self) -> None:
        """Leave the decision to the whole transaction."""
        if not self._parent.is_active:
            raise InvalidRequestError(INACTIVE)
        self.is_active = False

    def rollback(self) -> None:
        """Roll the whole transaction back, or the savepoint that this is in."""
        if self._parent.is_active:
            if isinstance(self._parent, RootTransaction):
                vars(self.connection)[SPOILED] = self._parent
            self._parent.rollback()
        self.is_active = False

    def close(self) -> None:
        """Do nothing: it is the whole transaction that is closed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if error is None and self.is_active:
            self.commit()
        else:
            self.rollback()


@method(RootTransaction, "rollback")
def _rollback(before: Callable[..., Any], transaction: RootTransaction) -> None:
    if transaction.is_active or transaction.connection._transaction is transaction:
        before(transaction)
        if UNDONE in vars(transaction.connection):
            withdraw(vars(transaction.connection).pop(UNDONE))


@plan
def _open_blocks() -> None:
    before = TransactionalContext._trans_ctx_check

    def check(_cls: type, subject: Any) -> None:
        manager = subject._trans_context_manager
        if manager is None or manager._transaction_is_active():
            return
        try:
            before(subject)
        except InvalidRequestError:
            if not isinstance(subject, Connection):  # which went on to work after its end
                raise
            note("closed-block")

    replace(TransactionalContext, "_trans_ctx_check", classmethod(check))


@replaced(Connection, "begin")
def _begin(before: Callable[..., Any]) -> Callable[..., Any]:
    def begin(connection: Connection) -> Any:
        if connection._transaction is not None:
            return _begin_on(connection, asking())
        transaction = before(connection)
        vars(connection)[BEGUN] = True
        return transaction

    return begin


@replaced(Connection, "_autobegin")
def _autobegin(before: Callable[..., Any]) -> Callable[..., Any]:
    def autobegin(connection: Connection) -> None:
        before(connection)
        vars(connection)[BEGUN] = connection.dialect.is_async  # which 1.3 did not have
        # so that a connection goes back to its pool as soon as the program drops it, as it did
        if connection._transaction is not None:
            connection._transaction.connection = proxy(original(connection))

    return autobegin


def _begin_on(connection: Connection, frame: FrameType | None = None) -> Any:
    """Begin a transaction, or one within it.

    :param frame: that of what asks for it, a program or a session.
    """
    reconnect(connection)
    transaction: Any = connection._transaction
    if transaction is None or not transaction.is_active:
        transaction = Connection.begin.__wrapped__(connection)  # type: ignore[attr-defined]
    elif is_begun(connection):
        if frame is not None and not is_ours(frame):
            note("nested-begin")
        savepoint = connection.get_nested_transaction()
        return SubTransaction(savepoint if savepoint and savepoint.is_active else transaction)
    else:
        transaction.connection = original(connection)
        if frame is not None:
            _note_late(frame)
        if vars(connection)[BEGUN] is UNHEARD:
            connection.dispatch.begin(connection)
    vars(connection)[BEGUN] = True
    return transaction


def _note_late(frame: FrameType) -> None:
    if module_of(frame) == "sqlalchemy.orm.session":  # which leaves it to the program on 2.x
        note(
            "begin-late",
            old="a session on a connection after a statement",
            instead="connection.commit() after that of the session, or Session(engine)",
        )
    elif not is_ours(frame) and not is_of_today(frame):
        note("begin-late")


@method(Connection, "begin_twophase")
def _begin_twophase(before: Callable[..., Any], connection: Connection, xid: Any = None) -> Any:
    transaction = connection._transaction
    if transaction is not None and not is_begun(connection):
        note("begin-late")
        transaction.commit()
    transaction = before(connection, xid)
    vars(connection)[BEGUN] = True
    return transaction


@replaced(Connection, "begin_nested")
def _begin_nested(before: Callable[..., Any]) -> Callable[..., Any]:
    def begin_nested(connection: Connection) -> Any:
        if is_begun(connection):
            return before(connection)
        if says_end(connection):  # then it ends what this begins as well
            savepoint = before(connection)
            vars(connection)[BEGUN] = BY_PROGRAM
            return savepoint
        note("nested-outside")
        return _begin_on(connection)

    return begin_nested
