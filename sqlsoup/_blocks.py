"""Blocks ``with db:``, each of which is one transaction."""

from __future__ import annotations

import sys
import threading
from functools import partial
from inspect import CO_ASYNC_GENERATOR, CO_GENERATOR
from typing import TYPE_CHECKING, Any
from weakref import ref

from sqlalchemy.exc import DBAPIError, InvalidRequestError, SAWarning
from sqlalchemy.orm import scoped_session

from sqlsoup import _sa
from sqlsoup.exc import SQLSoupError

if TYPE_CHECKING:
    from types import FrameType

    from sqlalchemy.orm import Session as PlainSession
    from sqlalchemy.orm import SessionTransaction

_OPEN = "sqlsoup.open"
"""In the ``info`` of a session: what finds the ends of its blocks, the outermost first."""
_ENTERING = {"__enter__", "__aenter__", "enter_context"}
_GENERATOR = CO_GENERATOR | CO_ASYNC_GENERATOR
_FAILED = "a block within this one failed, so that nothing of it was stored"
_LOST = (
    "an earlier block of this session did not end: it was interrupted as it began or ended, or it "
    "is in a generator, coroutine or the like that is suspended; its transaction was rolled back, "
    "and this block has done nothing"
)
_OVERTAKEN = (
    "this block was suspended while another of its session began or ended, so that it was rolled "
    "back; do not leave a block by yield or await while the session is used elsewhere"
)
_ELSEWHERE = (
    "this block ends in another session than it began in, so that it was rolled back; "
    "do not remove the session within a block, nor end a block in another thread"
)
_AWAITED = (
    "this block ends outside of run_sync(), where nothing can be awaited, so that it is not "
    "committed; have all of it in one function that run_sync() calls, and await rollback() now"
)
_SHARED = "another thread is in a block of this session; a plain Session is for one thread alone"
_next = threading.local()


class Block:
    """A block of a session."""

    soup: Any = None
    session: PlainSession | None = None
    thread: int
    owner: FrameType | None = None
    """The frame that runs as long as the block is open."""
    lost: str | None = None
    failed: tuple[SessionTransaction | None, BaseException | None] | None = None


class Exit:
    """The method ``__exit__``, of which each ``with`` statement gets one of its own.

    Nothing but the statement, or an ExitStack, holds it.  When it is gone, the block is not open,
    whether or not it was called: a signal can arrive before the statement is ready to do so.
    """

    def __get__(self, soup: Any, cls: type) -> partial[None]:
        block = Block()
        block.soup = soup
        # no bound method: Python 3.14 drops it before the call
        end = partial(_end, block) if soup is None else partial(_end, block, soup)
        _next.end = ref(end)
        return end


class _Found(ref["partial[None]"]):
    """What finds the end of a block as long as the block is open."""

    __slots__ = ("held", "left", "session")

    held: partial[None] | None
    session: PlainSession
    left: SessionTransaction | None
    """The transaction in which a block was that did not end."""

    def has_left(self, transaction: SessionTransaction | None) -> bool:
        """Tell if a transaction has what a block that did not end left of it.

        It may be that ``left`` was not set: by an interrupt that Python ignored.
        """
        return transaction is not None and getattr(self, "left", transaction) is transaction


def _gone(found: _Found) -> None:
    found.left = found.session.get_transaction()


def enter(soup: Any) -> None:
    """Begin a block of the session of a SQLSoup, or one within it.

    :raises SQLSoupError: a block of the session did not end, and is not around this one.
    """
    origin = soup._origin  # noqa: SLF001
    session = origin.current()
    caller = sys._getframe(2)  # noqa: SLF001 - inspect has it from there
    pending = getattr(_next, "end", None)
    end, held = pending and pending(), None
    if end is None or end.args[0].session is not None or end.args[0].soup not in (None, soup):
        end = held = partial(_end, Block(), soup)  # __enter__() was called by hand
    block = end.args[0]
    blocks: list[_Found] = session.info.setdefault(_OPEN, [])
    if blocks:
        _look_around(session, blocks, caller, shared=isinstance(origin.session, scoped_session))
    if not session.in_transaction():
        session.begin()
    block.session, block.thread, block.owner = session, threading.get_ident(), _owner(caller)
    found = _Found(end, _gone)
    found.session, found.held = session, held
    blocks.append(found)


def _end(
    block: Block, soup: Any, _kind: object, error: BaseException | None, _trace: object
) -> None:
    """End a block: the outermost one commits, or rolls back if it or one within it failed.

    :raises SQLSoupError: one within it failed, and the exception was caught in between; or the
     block began in another session, or was suspended while another began; or its connection is
     one that is to be awaited, and this is not within ``run_sync()``.
    """
    try:
        session = soup._origin.current()  # noqa: SLF001
        blocks: list[_Found] = session.info.get(_OPEN, [])
        if block.session is None and blocks:  # __exit__() was called by hand
            block = _block(blocks[-1]) or block
        transaction = session.get_transaction()
        outer = _block(blocks[0]) if blocks else None
        if block is not outer:
            _leave_inner(session, transaction, block, blocks, error)
        elif not _sa.is_out_of_reach(transaction):
            try:
                _leave_outermost(session, transaction, block, blocks, error)
            finally:  # not before: what an interrupt leaves of the transaction is the block's
                blocks.clear()
        elif error is None:  # the next block rolls it back
            raise SQLSoupError(_AWAITED)
    finally:
        block.owner = None


def _leave_outermost(
    session: PlainSession,
    transaction: SessionTransaction | None,
    block: Block,
    blocks: list[_Found],
    error: BaseException | None,
) -> None:
    for found in blocks[1:]:
        other = _block(found)
        if other is not None and other.owner is not None:
            other.lost = _OVERTAKEN
        elif block.failed is None and found.has_left(transaction):
            block.failed = transaction, None
    if error is not None:
        _roll_back(session, transaction, error)
        return
    handled = sys.exception()
    try:
        if block.failed is not None:
            failed, cause = block.failed
            if failed is not None and failed is transaction:
                raise SQLSoupError(_FAILED) from cause
        session.commit()
    except BaseException as raised:
        interrupt = _interrupt(raised, handled)
        _roll_back(session, transaction, interrupt or raised)
        if interrupt:
            raise interrupt  # noqa: B904
        raise


def _leave_inner(
    session: PlainSession,
    transaction: SessionTransaction | None,
    block: Block,
    blocks: list[_Found],
    error: BaseException | None,
) -> None:
    """End a block within another, or one that was lost or whose session was removed."""
    there = [*map(_block, blocks)]
    outer = there[0] if there else None
    if block in there:
        del blocks[there.index(block)]
        if error is not None and outer is not None:
            outer.failed = transaction, error
        return
    strange = block.session not in {None, session} and (
        block.thread != threading.get_ident() or isinstance(error, GeneratorExit)
    )
    if not strange and (error is None or block.lost is None):
        if outer is None:
            _roll_back(session, transaction, error)
        else:
            outer.failed = transaction, error
    if error is None:
        raise SQLSoupError(block.lost or _ELSEWHERE)


def _look_around(
    session: PlainSession, blocks: list[_Found], caller: FrameType, *, shared: bool
) -> None:
    """Make sure that a new block is nested in those that are open, or that none is open.

    It is nested in them while the function that began the outermost one is running.  Otherwise that
    one is lost, and what is left of its transaction is rolled back.

    :param shared: whether the session may be that of several threads.
    """
    outer, transaction = _block(blocks[0]), session.get_transaction()
    if outer is None:
        lost = blocks[0].has_left(transaction)
    elif _is_running(outer.owner, caller):
        return
    else:
        if outer.thread != threading.get_ident() and any(
            _is_running(outer.owner, top)
            for top in sys._current_frames().values()  # noqa: SLF001
        ):
            if shared:
                return
            raise SQLSoupError(_SHARED)
        lost = transaction is not None
    if lost:
        _roll_back(session, transaction, None)
    for block in map(_block, blocks):
        if block is not None:
            block.lost = _OVERTAKEN
    blocks.clear()
    if lost:
        raise SQLSoupError(_LOST)


def _is_running(owner: FrameType | None, top: FrameType | None) -> bool:
    while top is not None and top is not owner:
        top = top.f_back
    return top is not None


def _owner(frame: FrameType) -> FrameType:
    """Return the frame that runs as long as a block does.

    It is not that of a method which begins it for another, nor a generator that such a method runs.
    """
    while (code := frame.f_code).co_name in _ENTERING or code.co_flags & _GENERATOR:
        caller = frame.f_back
        if caller is None or not {code.co_name, caller.f_code.co_name} & _ENTERING:
            break
        frame = caller
    return frame


def _block(found: _Found) -> Block | None:
    end = found()
    return None if end is None else end.args[0]


def _interrupt(error: BaseException | None, handled: BaseException | None) -> BaseException | None:
    """Return the interrupt that another exception replaced, as happens within a flush."""
    found = error.__context__ if isinstance(error, Exception) else None
    while found is not handled and isinstance(found, Exception):
        found = found.__context__
    return None if found is handled else found


def _roll_back(
    session: PlainSession, transaction: SessionTransaction | None, error: BaseException | None
) -> None:
    """Roll back after an error, which is raised also where the connection is lost.

    After an interrupt, SQLAlchemy may find its own objects half changed, and warn or raise.
    """
    interrupted = not isinstance(error, Exception | None)
    try:
        session.rollback()
    except DBAPIError as failed:
        if not failed.connection_invalidated and not interrupted:
            raise  # otherwise the server has rolled back
    except BaseException as failed:
        _sa.finish_rollback(session, transaction)
        # a warning is of rows that are new since a flush failed, which are undone
        if not isinstance(failed, Exception if interrupted else InvalidRequestError | SAWarning):
            raise
    else:
        _sa.finish_rollback(session, transaction)
