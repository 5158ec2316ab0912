"""Blocks that do not end where they should: interrupted, suspended, dropped, in another thread."""

from __future__ import annotations

import asyncio
import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager

import pytest
from conftest import words
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import sqlsoup
from sqlsoup import _blocks

LOST = (
    "an earlier block of this session did not end: it was interrupted as it began or ended, or it "
    "is in a generator, coroutine or the like that is suspended; its transaction was rolled back, "
    "and this block has done nothing"
)
OVERTAKEN = (
    "this block was suspended while another of its session began or ended, so that it was rolled "
    "back; do not leave a block by yield or await while the session is used elsewhere"
)
FAILED = "a block within this one failed, so that nothing of it was stored"
ELSEWHERE = (
    "this block ends in another session than it began in, so that it was rolled back; "
    "do not remove the session within a block, nor end a block in another thread"
)
SHARED = "another thread is in a block of this session; a plain Session is for one thread alone"
OLD = ["food", "hot"]


class Alarm(BaseException):
    """What a signal raises."""


@contextmanager
def interrupted_in(function, line=1):
    """Raise an Alarm when a line of a function is next reached."""
    code, left = function.__code__, [line]

    def trace(frame, _event, _argument):
        return at_line if frame.f_code is code else None

    def at_line(frame, kind, _argument):
        left[0] -= kind == "line"
        if not left[0]:
            sys.settrace(before)
            raise Alarm
        return at_line

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


@contextmanager
def alarm_in(function, line=1):
    """Raise an Alarm when a line of a function is next reached, and have it caught."""
    with pytest.raises(Alarm), interrupted_in(function, line):
        yield


@contextmanager
def told(message):
    """Expect an SQLSoupError of these words."""
    with pytest.raises(sqlsoup.SQLSoupError) as caught:
        yield
    assert type(caught.value) is sqlsoup.SQLSoupError
    assert str(caught.value) == message


def add(soup, word):
    """Store a tag in a block of its own."""
    with soup:
        soup.tags.insert(word=word)


def lines(soup, word):
    """Add a tag in a block that is left by ``yield``."""
    with soup:
        soup.tags.insert(word=word)
        soup.flush()
        yield
        soup.tags.insert(word=f"{word} on")


@pytest.fixture
def suspended(soup):
    """A generator that is suspended in a block, in which it has sent something."""
    generator = lines(soup, "suspended")
    next(generator)
    yield generator
    generator.close()


def test_a_block_while_another_is_suspended(suspended, soup, lite):
    """It does not begin, and neither is stored; the next one is."""
    with told(LOST):
        add(soup, "new")
    assert words(lite) == OLD
    with told(OVERTAKEN):
        next(suspended)
    add(soup, "newer")
    assert words(lite) == [*OLD, "newer"]
    assert lite.pool.checkedout() == 0


def test_a_rollback_while_a_block_is_suspended(suspended, soup, lite):
    """After ``rollback()`` nothing of the suspended block is left, so that others can begin."""
    soup.rollback()
    add(soup, "new")
    assert words(lite) == [*OLD, "new"]
    with told(OVERTAKEN):
        next(suspended)
    assert words(lite) == [*OLD, "new"]
    assert lite.pool.checkedout() == 0


def test_a_lost_block_that_goes_on_within_another(suspended, soup, lite):
    """What it adds is not stored with the other, even where its error is caught."""
    soup.rollback()
    with told(FAILED), soup:
        soup.tags.insert(word="new")
        with told(OVERTAKEN):
            next(suspended)
    assert words(lite) == OLD


def test_a_lost_block_that_is_closed(suspended, soup, lite):
    """It disturbs neither a block nor what is outside of blocks."""
    soup.rollback()
    with soup:
        soup.tags.insert(word="new")
        suspended.close()
    assert words(lite) == [*OLD, "new"]


def test_a_block_that_ends_before_one_within_it(soup, lite):
    """The outer block is stored; the inner one, suspended, cannot go on and says so."""
    with soup:
        generator = lines(soup, "inner")
        next(generator)
        soup.tags.insert(word="outer")
    assert words(lite) == [*OLD, "inner", "outer"]
    with told(OVERTAKEN):
        next(generator)
    assert words(lite) == [*OLD, "inner", "outer"]


def test_a_block_beside_a_suspended_one_within_another(soup, lite):
    """All are part of the outermost block, in whatever order they end."""
    with soup:
        generator = lines(soup, "first")
        next(generator)
        add(soup, "second")
        assert next(generator, "ended") == "ended"
        assert words(lite) == OLD
    assert words(lite) == ["first", "first on", *OLD, "second"]


def test_a_generator_that_is_dropped(soup, lite):
    """Its block is rolled back, and does not hinder the next."""
    next(lines(soup, "dropped"))
    add(soup, "new")
    assert words(lite) == [*OLD, "new"]


@pytest.mark.parametrize("closed", [True, False])
def test_an_exit_stack(closed, soup, lite):
    """The stack's block is around what follows in the function, and lost if it is dropped."""
    stack = ExitStack()
    stack.enter_context(soup)
    soup.tags.insert(word="outer")
    add(soup, "inner")
    assert words(lite) == OLD
    if closed:
        stack.close()
        assert words(lite) == [*OLD, "inner", "outer"]
    else:
        del stack
        with told(LOST):
            add(soup, "more")
        assert words(lite) == OLD
    add(soup, "new")
    assert "new" in words(lite)


def test_an_exit_stack_that_outlives_its_function(soup, lite):
    """Its block is around nothing that the function did not do."""

    def begin():
        stack.enter_context(soup)
        add(soup, "inner")

    with ExitStack() as stack:
        begin()
        with told(LOST):
            add(soup, "new")
        with told(OVERTAKEN):
            stack.close()
    with ExitStack() as stack:
        begin()
        soup.tags.insert(word="outer")
    assert words(lite) == [*OLD, "inner", "outer"]


@pytest.mark.parametrize("line", range(1, 15))
def test_an_exit_stack_is_interrupted(line, soup, lite):
    """A block that was not begun for the stack is not around the next one."""
    add(soup, "before")
    with ExitStack() as stack:
        with pytest.raises(Alarm) as kept, interrupted_in(_blocks.enter, line=line):
            stack.enter_context(soup)
        soup.tags.insert(word="left over")
        add(soup, "new")
        assert words(lite) == ["before", *OLD, "left over", "new"]
    assert kept.tb is not None
    assert lite.pool.checkedout() == 0


@pytest.mark.parametrize("kept", [True, False], ids=["exception kept", "exception dropped"])
def test_an_exit_stack_is_interrupted_at_its_end(kept, soup, lite):
    """What its block has done is rolled back by the next, which tells of it."""
    stack = ExitStack()
    stack.enter_context(soup)
    soup.tags.insert(word="lost")
    soup.flush()
    with pytest.raises(Alarm) as caught, interrupted_in(sqlsoup.SQLSoup.__exit__.func, line=2):
        stack.close()
    if not kept:
        del caught
    with told(LOST):
        add(soup, "new")
    add(soup, "newer")
    assert words(lite) == [*OLD, "newer"]


def test_an_exit_stack_within_a_block_is_interrupted(soup, lite):
    """The outer block is not stored, though what was interrupted is in the traceback still."""
    with told(FAILED), soup:
        stack = ExitStack()
        stack.enter_context(soup)
        soup.tags.insert(word="inner")
        with (
            pytest.raises(Alarm) as kept,
            interrupted_in(sqlsoup.SQLSoup.__exit__.func, line=2),
        ):
            stack.close()
    assert kept.tb is not None
    assert words(lite) == OLD


class Unit:
    """A context manager that begins and ends a block by hand."""

    def __init__(self, soup):
        self.soup = soup

    def __enter__(self):
        self.soup.__enter__()

    def __exit__(self, *error):
        self.soup.__exit__(*error)


class Named(sqlsoup.SQLSoup):
    """A SQLSoup with methods of its own for blocks."""

    def __enter__(self):
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)


@contextmanager
def unit(soup):
    """Begin and end a block in a generator."""
    with soup:
        yield


WRAPPERS = {
    "generator": unit,
    "class": Unit,
    "subclass": lambda soup: Named(soup.engine),
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_context_manager_around_a_block(wrapper, soup, lite):
    """Its block is around what its ``with`` statement is around."""
    around = WRAPPERS[wrapper]
    with around(soup):
        soup.tags.insert(word="outer")
        with around(soup):
            add(soup, "inner")
        assert words(lite) == OLD
    assert words(lite) == [*OLD, "inner", "outer"]
    with pytest.raises(Alarm), around(soup):
        add(soup, "more")
        raise Alarm
    assert words(lite) == [*OLD, "inner", "outer"]
    assert lite.pool.checkedout() == 0


def test_the_method_for_the_end_is_handed_on(soup, lite):
    """``__exit__`` that was looked up before, as callbacks are, ends the block that follows."""
    with ExitStack() as stack:
        stack.callback(soup.__exit__, None, None, None)
        soup.__enter__()
        add(soup, "inner")
        assert words(lite) == OLD
    assert words(lite) == [*OLD, "inner"]


def test_a_block_by_hand_in_a_thread(soup, lite):
    """A block may be begun by hand before anything else in its thread."""

    def work():
        soup.__enter__()
        soup.tags.insert(word="new")
        soup.__exit__(None, None, None)
        soup.session.remove()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()
    assert words(lite) == [*OLD, "new"]


def test_a_block_that_fails_while_an_interrupt_is_handled(soup, lite):
    """An exception of its own goes on; the interrupt was caught."""
    with pytest.raises(IntegrityError):
        try:
            raise Alarm
        except Alarm:
            with soup:
                soup.books.insert(title=None)
    assert words(lite) == OLD


def test_a_block_of_a_function_that_has_returned(soup, lite):
    """A block that was begun by hand is lost where its function ended without ending it."""

    def begin():
        soup.__enter__()
        soup.tags.insert(word="forgotten")

    begin()
    with told(LOST):
        add(soup, "new")
    add(soup, "newer")
    assert words(lite) == [*OLD, "newer"]


def test_recursion(soup, lite):
    """Blocks of a function that calls itself are within one another."""

    def walk(level):
        with soup:
            soup.tags.insert(word=str(level))
            if level:
                walk(level - 1)
            assert words(lite) == OLD

    walk(3)
    assert words(lite) == ["0", "1", "2", "3", *OLD]


def test_recursion_without_end(soup, lite):
    """After a RecursionError, wherever it struck, nothing is stored and the next block is."""

    def walk():
        with soup:
            soup.tags.insert(word="new")
            walk()

    with pytest.raises(RecursionError):
        walk()
    soup.rollback()
    add(soup, "newer")
    assert words(lite) == [*OLD, "newer"]


@pytest.mark.parametrize("kept", [True, False], ids=["exception kept", "exception dropped"])
@pytest.mark.parametrize("committed", [True, False], ids=["after a commit", "in one go"])
def test_an_interrupt_before_a_block_can_end(kept, committed, soup, lite):
    """The next block tells of it, also in the same function; the one after it is stored."""
    alarm = alarm_in(sqlsoup.SQLSoup.__exit__.func)
    with alarm, soup:
        soup.commit() if committed else None
        soup.tags.insert(word="interrupted")
        soup.flush()
    if not kept:
        del alarm
        gc.collect()
    with told(LOST), soup:
        soup.tags.insert(word="new")
    with soup:
        soup.tags.insert(word="newer")
    assert words(lite) == [*OLD, "newer"]


def test_an_interrupt_and_a_rollback(soup, lite):
    """After ``rollback()``, of the SQLSoup or the session, nothing is left to be told of."""
    for roll_back in (soup.rollback, soup.session.rollback):
        with alarm_in(sqlsoup.SQLSoup.__exit__.func), soup:
            soup.tags.insert(word="interrupted")
        roll_back()
        soup.tags.insert(word=f"added {roll_back.__self__ is soup}")
        add(soup, f"new {roll_back.__self__ is soup}")
    added = ["added False", "added True"]
    assert words(lite) == [*added, *OLD, "new False", "new True"]


def test_an_interrupt_of_an_inner_block(soup, lite):
    """The outer block is not stored, as with any exception that left the inner one."""
    with told(FAILED), soup:
        soup.tags.insert(word="outer")
        with alarm_in(sqlsoup.SQLSoup.__exit__.func), soup:
            soup.tags.insert(word="inner")
        add(soup, "second")
    assert words(lite) == OLD
    with soup:
        with alarm_in(sqlsoup.SQLSoup.__exit__.func), soup:
            soup.tags.insert(word="inner")
        soup.rollback()
        soup.tags.insert(word="outer")
    assert words(lite) == [*OLD, "outer"]


def test_an_interrupt_where_python_ignores_it(soup, lite, monkeypatch):
    """One that strikes as a block is dropped does not hide that the block was lost."""
    ignored = []
    monkeypatch.setattr(sys, "unraisablehook", lambda event: ignored.append(event.exc_type))

    stack = ExitStack()
    stack.enter_context(soup)
    soup.tags.insert(word="lost")
    with interrupted_in(_blocks._gone):
        del stack
    assert ignored == [Alarm]
    with told(LOST):
        add(soup, "new")
    add(soup, "newer")
    assert words(lite) == [*OLD, "newer"]


@pytest.mark.parametrize("name", ["commit", "_prepare_impl", "close", "rollback"])
@pytest.mark.parametrize("line", range(1, 12))
def test_an_interrupt_in_sqlalchemy(line, name, soup, lite):
    """What ends a block is the interrupt itself, and the session works."""
    seen = []

    def trace(frame, kind, _argument):
        if frame.f_code.co_name != name or "orm/session.py" not in frame.f_code.co_filename:
            return trace
        seen.append(kind)
        if seen.count("line") == line:
            sys.settrace(before)
            raise Alarm
        return trace

    before = sys.gettrace()
    try:
        with soup:
            soup.tags.insert(word="one")
            soup.flush()
            sys.settrace(trace)
            if name == "rollback":
                raise KeyError
    except Alarm:
        assert seen.count("line") == line
    except KeyError:
        assert seen.count("line") < line
    finally:
        sys.settrace(before)
    assert lite.pool.checkedout() == 0
    stored = words(lite)
    soup.rollback()
    add(soup, "two")
    assert words(lite) == [*stored, "two"]


MOMENTS = ["before_flush", "after_flush", "before_commit", "after_commit", "after_transaction_end"]


@pytest.mark.parametrize("moment", [*MOMENTS, "after_rollback", "after_soft_rollback"])
def test_an_interrupt_in_a_listener(moment, soup, lite):
    """The same holds where it strikes a listener of the program's own."""
    session = soup.session()

    def interrupt(*_):
        event.remove(session, moment, interrupt)
        raise Alarm

    event.listen(session, moment, interrupt)
    with pytest.raises(Alarm), soup:
        soup.tags.insert(word="one")
        if "rollback" in moment:
            raise KeyError
    assert lite.pool.checkedout() == 0
    stored = words(lite)
    assert stored == ([*OLD, "one"] if moment == "after_commit" else OLD)
    add(soup, "two")
    assert words(lite) == [*stored, "two"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_goes_on_where_the_rollback_fails(error, soup, lite, monkeypatch):
    """The database's complaint does not take the place of an interrupt."""

    def fail(_connection):
        raise lite.dialect.dbapi.OperationalError("it failed")

    with pytest.raises(error), soup:
        soup.tags.insert(word="new")
        soup.flush()
        monkeypatch.setattr(lite.dialect, "do_rollback", fail)
        raise error
    monkeypatch.undo()
    sqlsoup.Session.remove()
    assert words(lite) == OLD


def test_a_listener_with_a_block(soup, lite):
    """A block in a listener to the commit is part of the block that commits."""

    def log(_session):
        add(soup, "logged")

    event.listen(soup.session(), "before_commit", log, once=True)
    add(soup, "new")
    assert words(lite) == [*OLD, "logged", "new"]


def test_two_threads_on_a_plain_session(lite):
    """A block of the second thread does not begin while the first one is in its own."""
    with Session() as session:
        db = sqlsoup.SQLSoup(lite, session=session)
        with ThreadPoolExecutor(1) as pool:
            with db:
                db.tags.insert(word="one")
                with told(SHARED):
                    pool.submit(add, db, "two").result()
            pool.submit(add, db, "three").result()
    assert words(lite) == [*OLD, "one", "three"]


def test_a_thread_that_ended_in_a_block(lite):
    """Its block is around nothing."""
    with Session() as session:
        db = sqlsoup.SQLSoup(lite, session=session)
        kept = []

        def begin():
            kept.append(lines(db, "lost"))
            next(kept[0])

        with ThreadPoolExecutor(1) as pool:
            pool.submit(begin).result()
        with told(LOST):
            add(db, "new")
        add(db, "newer")
        assert words(lite) == [*OLD, "newer"]


@pytest.mark.parametrize("block", [True, False])
def test_a_generator_that_is_dropped_in_another_thread(block, suspended, soup, lite):
    """The garbage collector runs in any thread; the work of that thread is not its business."""

    def work():
        with soup if block else ExitStack():
            soup.tags.insert(word="new")
            suspended.close()
        soup.commit()
        soup.session.remove()

    soup.rollback()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()
    assert words(lite) == [*OLD, "new"]
    add(soup, "newer")
    assert words(lite) == [*OLD, "new", "newer"]


def test_a_generator_that_ends_in_another_thread(soup, lite):
    """It raises, and leaves the work of that thread alone."""
    generator = lines(soup, "one")
    next(generator)
    soup.rollback()

    def work():
        end = soup.tags.insert(word="new")
        with told(ELSEWHERE):
            next(generator)
        soup.session.expunge(next(row for row in soup.session.new if row is not end))
        soup.commit()
        soup.session.remove()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()
    assert words(lite) == [*OLD, "new"]


def test_a_generator_that_is_dropped_after_remove(suspended, soup, lite):
    """What the new session of the thread has in hand stays."""
    soup.session.remove()
    soup.tags.insert(word="new")
    suspended.close()
    soup.commit()
    assert words(lite) == [*OLD, "new"]


def test_coroutines(soup, lite):
    """A coroutine that is awaited within a block is within it; a task of its own is not."""

    async def inner(word):
        with soup:
            await asyncio.sleep(0)
            soup.tags.insert(word=word)

    @asynccontextmanager
    async def around():
        with soup:
            yield

    async def outer(task):
        async with around():
            soup.tags.insert(word="outer")
            await inner("inner")
            if task:
                with told(LOST):
                    await asyncio.create_task(inner("task"))

    asyncio.run(outer(task=False))
    assert words(lite) == [*OLD, "inner", "outer"]
    with told(OVERTAKEN):
        asyncio.run(outer(task=True))
    assert words(lite) == [*OLD, "inner", "outer"]


def test_a_coroutine_that_is_dropped(soup, lite):
    """Its block is rolled back, and does not hinder the next."""

    class Pause:
        def __await__(self):
            yield

    async def work():
        with soup:
            soup.tags.insert(word="dropped")
            await Pause()

    work().send(None)
    add(soup, "new")
    assert words(lite) == [*OLD, "new"]


def test_tasks_with_sessions_of_their_own(lite):
    """With a session for each task, blocks may be left by ``await`` as one likes."""
    session = scoped_session(sessionmaker(), scopefunc=asyncio.current_task)
    db = sqlsoup.SQLSoup(lite, session=session)

    async def work(number):
        with db:
            await asyncio.sleep(0)
            with db:
                db.tags.insert(word=f"task {number}")
                await asyncio.sleep(0)
        session.remove()

    async def main():
        await asyncio.gather(*map(work, range(3)))

    asyncio.run(main())
    assert words(lite) == [*OLD, "task 0", "task 1", "task 2"]
    assert lite.pool.checkedout() == 0


def test_no_block_is_kept(soup):
    """A block that has ended leaves nothing for the garbage collector."""
    add(soup, "new")
    gc.collect()
    gc.disable()
    try:
        add(soup, "newer")
        assert not [one for one in gc.get_objects() if type(one) is _blocks.Block]
    finally:
        gc.enable()
