"""Blocks ``with db:``, each of which is one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from sqlsoup.exc import SQLSoupError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session as PlainSession

_DEPTH = "sqlsoup.blocks"
_SPOILED = "sqlsoup.spoiled"


def enter(session: PlainSession) -> None:
    """Begin a block of a session, or one within it."""
    if not session.in_transaction():
        session.begin()
    session.info[_DEPTH] = session.info.get(_DEPTH, 0) + 1


def leave(session: PlainSession, error: BaseException | None) -> None:
    """End a block: the outermost one commits, or rolls back if it or one within it failed.

    :raises SQLSoupError: one within it failed, and the exception was caught in between; or the
     block began in another session.
    """
    depth = session.info.pop(_DEPTH, 0)
    if depth > 1:
        session.info[_DEPTH] = depth - 1
        if error is not None:
            session.info[_SPOILED] = session.get_transaction(), error
        return
    spoiled, cause = session.info.pop(_SPOILED, (None, None))
    if error is not None:
        _roll_back(session)
        return
    try:
        if not depth:
            raise SQLSoupError(
                "this block ends in another session than it began in, so that it was rolled back; "
                "do not remove the session within a block, nor end a block in another thread"
            )
        if spoiled is not None and spoiled is session.get_transaction():
            raise SQLSoupError(
                "a block within this one failed, so that nothing of it was stored"
            ) from cause
        session.commit()
    except BaseException:
        _roll_back(session)
        raise


def _roll_back(session: PlainSession) -> None:
    """Roll back after an error, which is to go on also where the connection is lost."""
    try:
        session.rollback()
    except DBAPIError as lost:  # the server has rolled back
        if not lost.connection_invalidated:
            raise
