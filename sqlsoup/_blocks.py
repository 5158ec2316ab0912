"""Blocks ``with db:``, each of which is one transaction."""

from __future__ import annotations

import sys
import threading
from functools import partial
from inspect import CO_ASYNC_GENERATOR, CO_GENERATOR
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, ref

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, InvalidRequestError

from sqlsoup import _sa
from sqlsoup.exc import SQLSoupError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from sqlalchemy.orm import Session as PlainSession
    from sqlalchemy.orm import SessionTransaction

    _Found = Callable[[], partial[None] | None]

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
_getframe = sys._getframe  # noqa: SLF001 - inspect has it from there
_heard: WeakSet[type] = WeakSet()


class Block:
    """A block of a session."""

    __slots__ = ("end", "failed", "lost", "owner", "session", "soup", "thread")

    owner: FrameType | None
    """The frame that runs as long as the block is open."""
    thread: int

    def __init__(self, end: Callable[..., None], soup: object) -> None:
        self.end = end
        self.soup = soup
        self.session: PlainSession | None = None
        self.lost: str | None = None
        self.failed: tuple[SessionTransaction | None, BaseException | None] | None = None


class Exit:
    """The method ``__exit__``, of which each ``with`` statement gets one of its own.

    Nothing but the statement, or an ExitStack, holds it.  When it is gone, the block is not open,
    whether or not it was called: a signal can arrive before the statement is ready to do so.
    """

    def __init__(self, end: Callable[..., None]) -> None:
        self._end = end

    def __get__(self, soup: object, cls: type) -> partial[None]:
        # no bound method: Python 3.14 drops it before the call
        end = partial(_end, Block(self._end, soup))
        _next.found = ref(end)
        return end


def _end(block: Block, *args: Any) -> None:
    """End a block; who calls the method of the class passes the SQLSoup before the exception."""
    block.owner = _getframe()
    try:
        block.end(*(args if block.soup is None else (block.soup, *args)), block)
    finally:
        block.owner = None


def enter(session: PlainSession, soup: object, *, shared: bool) -> None:
    """Begin a block of a session, or one within it.

    :param shared: whether the session may be that of several threads.
    :raises SQLSoupError: a block of the session did not end, and is not around this one.
    """
    found: _Found = getattr(_next, "found", _nothing)
    block = _block(found)
    if block is None or block.session is not None or block.soup not in (None, soup):
        block = Block(_nothing, soup)  # __enter__() was called by hand
        found = partial(_same, partial(_end, block))
    block.owner = _getframe()
    block.thread, block.session = threading.get_ident(), session
    blocks: list[_Found] | None = session.info.get(_OPEN)
    if blocks is None:
        if type(session) not in _heard:
            event.listen(type(session), "after_transaction_create", _begun)
            _heard.add(type(session))
        blocks = session.info[_OPEN] = []
    elif blocks:
        _look_around(session, blocks, block.owner, shared=shared)
    blocks.append(found)
    if not session.in_transaction():
        session.begin()
    block.owner = _owner(_getframe(2))


def leave(session: PlainSession, block: Block, error: BaseException | None) -> None:
    """End a block: the outermost one commits, or rolls back if it or one within it failed.

    :raises SQLSoupError: one within it failed, and the exception was caught in between; or the
     block began in another session, or was suspended while another began; or its connection is
     one that is to be awaited, and this is not within ``run_sync()``.
    """
    blocks: list[_Found] = session.info.get(_OPEN, [])
    there = [*map(_block, blocks)]
    transaction = session.get_transaction()
    if block.session is None and there:  # __exit__() was called by hand
        block = there[-1] or block
    if block not in there:
        _leave_elsewhere(session, block, there, error)
    elif block is not there[0]:
        del blocks[there.index(block)]
        if error is not None and there[0] is not None:
            there[0].failed = transaction, error
    elif _sa.is_out_of_reach(transaction):  # the next block rolls it back
        if error is None:
            raise SQLSoupError(_AWAITED)
    else:
        try:
            _leave_outermost(session, transaction, block, there[1:], error)
        finally:  # not before: what an interrupt leaves of the transaction is the block's
            blocks.clear()


def _leave_outermost(
    session: PlainSession,
    transaction: SessionTransaction | None,
    block: Block,
    inner: list[Block | None],
    error: BaseException | None,
) -> None:
    for other in inner:
        if other is None:  # it was interrupted as it began or ended
            block.failed = block.failed or (transaction, None)
        else:
            other.lost = _OVERTAKEN
    if error is not None:
        _roll_back(session, transaction, error)
        return
    handled = sys.exc_info()[1]
    try:
        if block.failed is not None:
            failed, cause = block.failed
            if failed is not None and failed is transaction:
                raise SQLSoupError(_FAILED) from cause
        session.commit()
    except BaseException as raised:
        _roll_back(session, transaction, raised)
        if interrupt := _interrupt(raised, handled):
            raise interrupt  # noqa: B904
        raise


def _leave_elsewhere(
    session: PlainSession, block: Block, there: list[Block | None], error: BaseException | None
) -> None:
    """End a block that is not one of the session's: it was lost, or its session was removed."""
    strange = block.session not in {None, session} and (
        block.thread != threading.get_ident() or isinstance(error, GeneratorExit)
    )
    if not strange and (error is None or block.lost is None):
        outer = there[0] if there else None
        if outer is None:
            _roll_back(session, session.get_transaction(), error)
        else:
            outer.failed = session.get_transaction(), error
    if error is None:
        raise SQLSoupError(block.lost or _ELSEWHERE)


def _look_around(
    session: PlainSession, blocks: list[_Found], frame: FrameType, *, shared: bool
) -> None:
    """Make sure that a new block is nested in those that are open, or that none is open.

    It is nested in them while the function that began the outermost one is running.  Otherwise that
    one is lost, and what is left of its transaction is rolled back.
    """
    outer = _block(blocks[0])
    if outer is not None:
        if _is_running(outer.owner, frame):
            return
        if outer.thread != threading.get_ident() and any(
            _is_running(outer.owner, top)
            for top in sys._current_frames().values()  # noqa: SLF001
        ):
            if shared:
                return
            raise SQLSoupError(_SHARED)
    lost = session.in_transaction()
    if lost:
        _roll_back(session, session.get_transaction(), None)
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


def _begun(session: PlainSession, transaction: SessionTransaction) -> None:
    """Forget blocks that were interrupted before a transaction began: nothing is left of them."""
    blocks: list[_Found] | None = session.info.get(_OPEN)
    if blocks and (len(blocks) > 1 or blocks[0]() is None) and transaction.parent is None:
        blocks[:] = [found for found in blocks if found() is not None]


def _block(found: _Found) -> Block | None:
    end = found()
    return None if end is None else end.args[0]


def _interrupt(error: BaseException | None, handled: BaseException | None) -> BaseException | None:
    """Return the interrupt that another exception replaced, as happens within a flush."""
    found = error.__context__ if isinstance(error, Exception) else None
    while found is not handled and isinstance(found, Exception):
        found = found.__context__
    return None if found is handled else found


def _nothing(*_args: object) -> None:
    return None


def _same(end: partial[None]) -> partial[None]:
    return end


def _roll_back(
    session: PlainSession, transaction: SessionTransaction | None, error: BaseException | None
) -> None:
    """Roll back after an error, which is raised also where the connection is lost."""
    try:
        session.rollback()
    except DBAPIError as failed:
        interrupted = not isinstance(error, Exception | None)
        if not failed.connection_invalidated and not interrupted:
            raise  # otherwise the server has rolled back
    except BaseException as failed:
        _sa.finish_rollback(session, transaction)
        if not isinstance(failed, InvalidRequestError):
            raise
    else:
        _sa.finish_rollback(session, transaction)
