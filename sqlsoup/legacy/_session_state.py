"""What a session remembers of the transactions of a program, to work as in SQLAlchemy 1.3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import InvalidRequestError

if TYPE_CHECKING:
    from sqlalchemy.orm import (
        Session,
        SessionTransaction,
    )

    from sqlsoup.legacy._transactions import SubTransaction


KEY = "_sqlsoup_state"
"""Under which a session has it, where there is something to remember."""


IDLE = "No transaction is begun."


_INACTIVE = (
    "This session is in 'inactive' state, due to the SQL transaction being rolled back; no further "
    "SQL can be emitted within this transaction."
)


class State:
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


def state_of(session: Session) -> State:
    state: State | None = vars(session).get(KEY)
    if state is None:
        state = vars(session)[KEY] = State(autocommit=False)
    return state
