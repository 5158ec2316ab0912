"""Every reach past SQLAlchemy's documented API.

Each says what it is for, where SQLAlchemy's source has what it uses, and when it may go.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SAWarning
from sqlalchemy.orm.session import SessionTransactionState

if TYPE_CHECKING:
    from sqlalchemy.orm import SessionTransaction


def finish_rollback(session: Any, root: SessionTransaction | None) -> None:
    """Roll a session back in which something was interrupted; ``rollback()`` was called before.

    An exception between two lines of ``Session.commit()``, ``rollback()`` or ``flush()`` (of a
    signal, or a RecursionError) can leave its transaction between two states, which every later
    call refuses, ``rollback()`` and ``close()`` as well (``_StateChange`` in
    ``orm/state_changes.py``); or leave the session without the transaction whose connections are
    yet to be given back, or ``_flushing``.  Here the transaction is made an active one again.  It
    may go when ``rollback()`` works in every state.
    """
    session._flushing = False
    transaction: Any = session._transaction or root
    if transaction is None or transaction._state is SessionTransactionState.CLOSED:
        return
    session._transaction = transaction
    while transaction is not None:
        for name in ("_next_state", "_current_fn"):  # the class has what holds between two calls
            vars(transaction).pop(name, None)
        transaction._state = SessionTransactionState.ACTIVE
        transaction = transaction._parent
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # of what was rolled back already
        session.rollback()


def set_rowcount(context: Any, number: int) -> None:
    """Have SQLAlchemy take a number of rows for what the driver counted.

    SQLite does not count rows that INSTEAD OF triggers of a view change, and the ORM then raises an
    error after they were changed.  No option of a mapper or a connection says so; only a dialect
    can, for all tables.  ``DefaultExecutionContext.rowcount`` in ``engine/default.py`` asks the
    cursor where ``_rowcount`` is None.  It may go when the ORM's check can be turned off for a
    mapper, as ``confirm_deleted_rows`` does for DELETE.
    """
    context._rowcount = number
