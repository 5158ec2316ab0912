"""An interrupt at every line of every operation: whatever it breaks off, ``rollback()`` mends.

A trace raises KeyboardInterrupt at the first line of SQLSoup that an operation reaches, then in
another run at the second, and so on.  A line counts once for each line of SQLSoup that leads there,
in the first operation that does.  Of those of SQLAlchemy beneath a few are tried.  With
``SQLSOUP_INTERRUPTS=lines`` those of SQLSoup are tried in each operation, and of SQLAlchemy all,
which takes half an hour.  With ``all`` each is tried whenever it is reached, which takes a day.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import linecache
import os
import re
import shutil
import sqlite3
import sys
import threading
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import empty, fill
from operations import OPERATIONS
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Mapper,
    Session,
    mapped_column,
    scoped_session,
    sessionmaker,
)
from sqlalchemy.orm.mapper import _CONFIGURE_MUTEX

import sqlsoup
from sqlsoup import _relate
from sqlsoup._foreign_keys import guard

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""Connections that SQLAlchemy lost are closed by Python, which 3.13 and later report."""

OURS = (str(Path(sqlsoup.__file__).parent),)
THEIRS = (str(Path(sa.__file__).parent), "<sqlalchemy", contextlib.__file__)
WANTED = os.environ.get("SQLSOUP_INTERRUPTS")

OLD = ["food", "hot"]


@pytest.fixture(autouse=True)
def collected():
    """Have what a test lost be closed before the next."""
    yield
    gc.collect()


class Fault(KeyboardInterrupt):
    """The interrupt of a test."""


class File:
    """A small library in a SQLite file, of which each trial gets a copy."""

    def __init__(self, folder):
        self.folder, self.number = folder, itertools.count()
        self.template = folder / "template.db"
        engine = sa.create_engine(f"sqlite:///{self.template}")
        fill(engine)
        engine.dispose()

    def renew(self):
        """Return the URL of a copy."""
        self.path = self.folder / f"{next(self.number)}.db"
        shutil.copyfile(self.template, self.path)
        return f"sqlite:///{self.path}"

    def stored(self):
        """Return the words that are stored, if nobody has a lock."""
        with contextlib.closing(sqlite3.connect(self.path, timeout=0)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            return [word for (word,) in connection.execute("SELECT word FROM tags ORDER BY word")]

    def leave(self):
        """Remove the copy."""
        self.path.unlink()


class Server:
    """A small library on a server, in which each trial finds the rows of the first."""

    def __init__(self, url):
        self.url = url
        self.engine = sa.create_engine(url)
        fill(self.engine)
        self.postgresql = self.engine.dialect.name == "postgresql"

    def renew(self):
        """Remove what the last trial stored, and return the URL."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM tags WHERE word NOT IN ('food', 'hot')")
        return self.url

    def stored(self):
        """Return the words that are stored, if nobody has a lock."""
        with self.engine.connect() as connection:
            tables = ["tags", "users", "books", "loans", "book_tags"]
            if self.postgresql:
                connection.exec_driver_sql(
                    f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE NOWAIT"
                )
            else:
                locks = " WRITE, ".join(tables)
                connection.exec_driver_sql(f"LOCK TABLES {locks} WRITE NOWAIT")
            found = connection.exec_driver_sql("SELECT word FROM tags ORDER BY word")
            words = [*found.scalars()]
            if not self.postgresql:
                connection.exec_driver_sql("UNLOCK TABLES")
            return words

    def leave(self):
        """Leave the database as it is."""


class Trial:
    """A SQLSoup on a library, and an operation on it."""

    def __init__(self, library, operation):
        self.library = library
        self.engine = sa.create_engine(library.renew(), pool_timeout=0)
        self.fault = None
        self.db = sqlsoup.SQLSoup(
            self.engine,
            session=scoped_session(sessionmaker()),
            relationships=operation.implied,
        )
        self.operation = operation
        operation.prepare(self.db)
        self.db.session.remove()
        self.classes = dict(self.db._cache)

    def close(self):
        """Give all connections back."""
        self.db.session.remove()
        self.engine.dispose()
        self.library.leave()

    def run(self, number=1):
        """Do the operation, for the first time or once more."""
        return self.operation.run(self.db, number)

    def problem(self):
        """Tell what is wrong after the interrupt and one ``rollback()``, or return None."""
        self.db.rollback()
        for look in (self.lost, self.half_done, self.again, self.doubled, self.locked):
            found = look()
            if found is not None:
                return found
        return None

    def lost(self):
        """Tell if a connection is in use, or anything is left in the session."""
        if self.engine.pool.checkedout():
            self.fault = None
            gc.collect()  # what the traceback held
        if self.engine.pool.checkedout():
            return "a connection is lost"
        session = self.db.session
        return "rows are left" if session.new or session.dirty or session.deleted else None

    def half_done(self):
        """Tell if more is stored than before, or less than all, or if a class was replaced."""
        self.before = self.library.stored()
        whole = [OLD, sorted([*OLD, *self.operation.words(1)])]
        if self.before not in whole[: 1 + self.operation.commits]:
            return f"stored: {self.before}"
        replaced = {
            name for name, cls in self.classes.items() if self.db._cache.get(name) is not cls
        }
        return f"replaced: {replaced}" if replaced and not self.operation.forgets else None

    def again(self):
        """Tell if the operation does anything else now."""
        found = self.run(2)
        if not self.operation.commits:
            self.db.commit()
        stored = self.library.stored()
        if found != self.operation.result:
            return f"the second time it gave {found!r}"
        expected = sorted([*self.before, *self.operation.words(2)])
        return None if stored == expected else f"stored the second time: {stored}"

    def doubled(self):
        """Tell if there are two classes of a table, or one that does not work."""
        for name, cls in {**self.db._cache}.items():
            cls.first()
            if self.db.entity(name) is not cls:
                return f"two classes of {name}"
        self.db.session.remove()
        return None

    def locked(self):
        """Tell if another thread cannot do the operation, such as for a lock that is held."""
        found = []
        thread = threading.Thread(target=self.elsewhere, args=[found], daemon=True)
        thread.start()
        thread.join(10)
        if not found:
            return "a lock is held"
        return None if found == [self.operation.result] else f"elsewhere it gave {found[0]!r}"

    def elsewhere(self, found):
        """Do the operation in another thread, and note what it gave."""
        try:
            for lock in (guard, _relate.lock):
                with lock:
                    pass
            found.append(self.run(3))
        except Exception as error:  # noqa: BLE001
            found.append(error)
        finally:
            self.db.session.remove()


@pytest.fixture(scope="module")
def library(server, tmp_path_factory):
    """A small library on each of the databases."""
    if server == "sqlite://":
        yield File(tmp_path_factory.mktemp("interrupts"))
        return
    library = Server(server)
    yield library
    empty(library.engine)


LEFT_BY_SQLALCHEMY = {
    "pool/base.py _ConnectionFairy._checkout",
    "pool/base.py _ConnectionFairy._checkin",
    "pool/base.py _finalize_fairy",
    "pool/base.py Pool.connect",
    "engine/base.py RootTransaction.__init__",
    "engine/base.py RootTransaction._close_impl",
    "orm/session.py SessionTransaction._connection_for_bind",
    "orm/session.py SessionTransaction.close",
    "engine/util.py TransactionalContext.__enter__",
    "engine/util.py TransactionalContext.__exit__",
    "orm/mapper.py _configure_registries",
}
"""Where SQLAlchemy loses a connection, a session or a lock of its own, or the interrupt itself."""
REPLACED_BY_SQLALCHEMY = {
    "engine/base.py Transaction.close",
    "engine/base.py Transaction.commit",
    "engine/base.py Transaction.rollback",
    "orm/session.py SessionTransaction.commit",
    "orm/state_changes.py _StateChange.declare_states.<locals>._go",
}
"""Where SQLAlchemy raises another exception in its place, if it strikes there or just beneath."""
SWALLOWED_BY_SQLALCHEMY = {"util/langhelpers.py _warnings_warn"}
"""Where SQLAlchemy takes it for something else, if it strikes there or just beneath."""
WARNED_BY_SQLALCHEMY = {
    "engine/base.py Transaction.commit",
    "orm/session.py Session._flush",
    "orm/session.py SessionTransaction.commit",
}
"""Where SQLAlchemy gives a warning later, if it strikes there or just beneath."""
AT_OR_BENEATH = REPLACED_BY_SQLALCHEMY | SWALLOWED_BY_SQLALCHEMY | WARNED_BY_SQLALCHEMY
LOCKING = re.compile(r"\s*((with|if) \S*(lock|mutex)\b|\S*(lock|mutex)\.release\b)", re.IGNORECASE)
"""Lines of SQLAlchemy at which a trace leaves a lock held, so that all that follows waits for ever.

Python returns to the line of the statement when the lock is yet to be given back.
"""
HANDLED = re.compile(r"\s*except\b.*:\s*\n\s*pass\b")
"""Lines at which a trace leaves the exception in force that is handled there."""
UNREAD = (
    "sqlsoup/_sa.py _Snapshots",
    "engine/default.py DefaultExecutionContext.get_result_processor",
)
"""Where the traceback of an interrupt has a cursor that SQLAlchemy was yet to read."""
ON_SERVERS = {"first access", "insert_many", "upsert", "block"}
"""Operations that differ by database."""

HAD = set()
"""Places to which an operation led before."""


def traced(run, places, at):
    """Do an operation, and call a function at each line of some places; return what it gave."""

    def trace(frame, _kind, _argument):
        return at_line if frame.f_code.co_filename.startswith(places) else None

    def at_line(frame, kind, _argument):
        if kind == "line":
            at(frame)
        return at_line

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return run()
    finally:
        sys.settrace(before)


def where(frame):
    """Return file, function and line of a frame."""
    code = frame.f_code
    return code.co_filename, getattr(code, "co_qualname", code.co_name), frame.f_lineno


@functools.cache
def named(code):
    """Return what some code is called, as the keys of LEFT_BY_SQLALCHEMY are."""
    folder = "/".join(Path(code.co_filename).parts[-2:])
    return f"{folder} {getattr(code, 'co_qualname', code.co_name)}"


def around(frame):
    """Return what is running at an instant, the innermost first."""
    while frame is not None:
        yield named(frame.f_code)
        frame = frame.f_back


def mend_configuration():
    """Have SQLAlchemy configure mappers again: a lock and a flag are for all of them."""
    while _CONFIGURE_MUTEX._is_owned():
        _CONFIGURE_MUTEX.release()
    sys.modules[Mapper.__module__]._already_compiling = False


def raiser(number, fault, found):
    """Return what raises at the line of a number that is reached, and notes where that is."""
    numbers = itertools.count(1)

    def count(frame):
        # others run when Python collects garbage
        if next(numbers) >= number and not is_untraceable(where(frame)):
            sys.settrace(None)
            found.extend([str(frame.f_lineno), *around(frame)])
            raise fault

    return count


def interrupt(trial, places, number):
    """Do the operation with an interrupt at a line; return where it was, and what was wrong."""
    found, fault = [], Fault()
    with ignored(fault) as ignores:
        try:
            traced(trial.run, places, raiser(number, fault, found))
        except Fault as error:
            trial.fault = error  # whose traceback a console keeps too
            # it has cursors that SQLAlchemy was yet to read
            if places is THEIRS or any(place.startswith(UNREAD) for place in found):
                error.__traceback__ = error.__context__ = None
                if any(place.startswith(UNREAD) for place in found):
                    gc.collect()
            return found, None if error is fault else "another interrupt in its place"
        except Exception as error:  # noqa: BLE001
            return found, f"{type(error).__name__} in its place: {error}".splitlines()[0]
    return found, "it was swallowed" if found and not ignores else None


@contextlib.contextmanager
def ignored(fault):
    """Note whether Python ignores an exception, as it does in a callback of a weak reference."""
    before, found = sys.unraisablehook, []
    sys.unraisablehook = lambda event: (
        found.append(1) if event.exc_value is fault else before(event)
    )
    try:
        yield found
    finally:
        sys.unraisablehook = before


def instants(library, operation, places):
    """Return the place of each line that an operation reaches, in their order."""
    trial, seen = Trial(library, operation), []
    try:
        operation.result = traced(trial.run, places, lambda frame: seen.append(place(frame)))
    finally:
        trial.close()
    return seen


def place(frame):
    """Return where a frame is, and which line of SQLSoup led there."""
    ours = frame.f_back
    while ours and not ours.f_code.co_filename.startswith(OURS):
        ours = ours.f_back
    return where(frame), ours and where(ours)


def chosen(seen, few, had):
    """Return the numbers of the instants to try: each place that was not had, or a few."""
    first = {}
    for number, at in enumerate(seen, 1):
        first.setdefault(at, number)
    new = [number for at, number in first.items() if at not in had]
    had.update(first)
    numbers = range(1, len(seen) + 1) if WANTED == "all" else new
    numbers = [number for number in numbers if not is_untraceable(seen[number - 1][0])]
    return numbers[:: -(-len(numbers) // few) or 1] if few and not WANTED else numbers


def is_untraceable(at):
    """Tell if a trace at a line of SQLAlchemy does what no signal does."""
    file, _, line = at
    if not file.startswith(THEIRS):
        return False
    lines = [linecache.getline(file, number) for number in (line - 1, line)]
    if lines[1].strip() == "try:":  # not yet within the statement before it
        lines[1] = lines[0]
    return bool(LOCKING.match(lines[1]) or HANDLED.match("".join(lines)))


def is_theirs(place, problem):
    """Tell if SQLAlchemy by itself has this problem at this place."""
    if " in its place" in problem and not REPLACED_BY_SQLALCHEMY.isdisjoint(place[1:4]):
        return True
    if "swallowed" in problem and not SWALLOWED_BY_SQLALCHEMY.isdisjoint(place[1:4]):
        return True
    if "SAWarning afterwards" in problem and not WARNED_BY_SQLALCHEMY.isdisjoint(place[1:4]):
        return True
    return not LEFT_BY_SQLALCHEMY.isdisjoint(place)


def wrong_after(library, operation, places, numbers):
    """Interrupt an operation at each of some lines.

    Return how often, how often SQLAlchemy did not survive it, and what else was wrong where.
    """
    tried, left, wrong = 0, 0, Counter()
    for number in numbers:
        trial = Trial(library, operation)
        try:
            place, problem = interrupt(trial, places, number)
            tried += bool(place)  # or else it took fewer lines this time
            problem = problem or trial.problem()
        except Exception as error:  # noqa: BLE001
            problem = f"{type(error).__name__} afterwards: {error}".splitlines()[0]
        finally:
            trial.close()
            mend_configuration()  # or else no trial after this one would work
        if problem and is_theirs(place, problem):
            left += 1
        elif problem:
            wrong[f"{' < '.join(place[1:4])}, line {place[0]}: {problem}"] += 1
    return tried, left, wrong


def check(library, name, places, had, few=None):
    """Interrupt an operation, print how often, and fail if anything was wrong."""
    operation = OPERATIONS[name]
    instants(library, operation, places)  # the first time in a process takes more lines
    seen = instants(library, operation, places)
    numbers = chosen(seen, few, had)
    tried, left, wrong = wrong_after(library, operation, places, numbers)
    print(
        f"{name}: {tried} of {len(seen)} instants tried, {left} not survived by SQLAlchemy, "
        f"{sum(wrong.values())} wrong"
    )
    assert bool(tried) == bool(numbers)
    assert dict(wrong) == {}


@pytest.mark.parametrize("name", OPERATIONS)
def test_lines_of_sqlsoup(name, library):
    """After an interrupt anywhere in SQLSoup and a ``rollback()``, all works as before."""
    if isinstance(library, Server) and name not in ON_SERVERS:
        pytest.skip("it is the same on all databases")
    if isinstance(library, Server):
        check(library, name, OURS, set(), few=4)
    else:
        check(library, name, OURS, set() if WANTED else HAD)


@pytest.mark.skipif(sa.__version__ < "2.1", reason="the places are those of SQLAlchemy 2.1")
@pytest.mark.parametrize("name", OPERATIONS)
def test_lines_of_sqlalchemy(name, tmp_path_factory):
    """So it does after an interrupt in SQLAlchemy, but where that does not survive it alone."""
    check(File(tmp_path_factory.mktemp("interrupts")), name, THEIRS, HAD, few=3)


class Alone:
    """A class mapped by SQLAlchemy alone, a session, and what is done with them."""

    def __init__(self, url):
        class Base(DeclarativeBase):
            pass

        class Tag(Base):
            __tablename__ = "tags"
            word: Mapped[str] = mapped_column(primary_key=True)

        self.tag = Tag
        self.engine = sa.create_engine(url, pool_timeout=0)
        self.session = Session(self.engine)

    def run(self, word):
        """Store a word, and look at all of them."""
        with self.session.begin():
            self.session.add(self.tag(word=word))
        self.session.add(self.tag(word=f"{word}er"))
        self.session.commit()
        with self.engine.connect() as connection:
            connection.execute(sa.select(self.tag.word)).first()
        with self.engine.begin() as connection:
            connection.execute(sa.delete(self.tag).where(self.tag.word == ""))
        found = [*self.session.scalars(sa.select(self.tag.word))]
        self.session.rollback()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sa.util.warn("nothing is wrong")
        return found

    def interrupted(self, number):
        """Do it with an interrupt at a line of SQLAlchemy; tell if it was the one that came out."""
        fault = Fault()
        with ignored(fault):
            try:
                traced(lambda: self.run("new"), THEIRS, raiser(number, fault, []))
            except BaseException as error:  # noqa: BLE001
                return error is fault
        return False

    def is_well(self):
        """Tell if all works after ``rollback()``."""
        gc.collect()
        if _CONFIGURE_MUTEX._is_owned():
            return False
        try:
            self.session.rollback()
            return not self.engine.pool.checkedout() and "more" in self.run("more")
        except Exception:  # noqa: BLE001
            return False

    def close(self):
        """Close the session and its connections."""
        mend_configuration()
        with contextlib.suppress(Exception):
            self.session.close()
        self.engine.dispose()


@pytest.mark.skipif(not WANTED, reason="it takes minutes; set SQLSOUP_INTERRUPTS")
def test_what_sqlalchemy_does_not_survive(tmp_path):
    """Interrupts there break SQLAlchemy by itself, whose lines are then not held to more."""
    library = File(tmp_path)

    def survives(number):
        alone = Alone(library.renew())
        try:
            return alone.interrupted(number) and alone.is_well()
        finally:
            alone.close()
            library.leave()

    def note(frame):
        now, places = next(number), [*around(frame)]
        if is_untraceable(where(frame)):  # which would hang
            return
        for place in LEFT_BY_SQLALCHEMY.intersection(places):
            within[place].append(now)
        for place in AT_OR_BENEATH.intersection(places[:3]):
            within[place].append(now)

    def run():
        alone = Alone(library.renew())
        traced(lambda: alone.run("new"), THEIRS, note)
        alone.close()

    number, within = itertools.count(1), defaultdict(list)
    run()  # the first time in a process takes more lines
    number, within = itertools.count(1), defaultdict(list)
    run()
    listed = LEFT_BY_SQLALCHEMY | AT_OR_BENEATH
    for place in sorted(listed):
        some = within[place][:: -(-len(within[place]) // 200)]
        tried = next((n for n, at in enumerate(some, 1) if not survives(at)), None)
        print(f"{place}: broken at the instant {tried} of {len(some)}")
        if tried is None:
            del within[place]
    assert {*within} == listed


def test_a_cursor_alone(tmp_path):
    """A cursor that SQLAlchemy was yet to read is open as long as the traceback is there."""
    library = File(tmp_path)
    engine = sa.create_engine(library.renew())

    class Interrupted(sa.types.TypeDecorator):
        impl, cache_ok = sa.String, True

        def result_processor(self, _dialect, _kind):
            raise Fault

    table = sa.Table("tags", sa.MetaData(), sa.Column("word", Interrupted))
    with Session(engine) as session:
        kept = None
        try:
            session.execute(sa.select(table)).all()
        except Fault as error:
            kept = error
        session.rollback()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            library.stored()
        kept.__traceback__ = None
        assert library.stored() == OLD
    engine.dispose()


def test_a_lock_alone():
    """At the line of a ``with`` statement a trace leaves a lock of SQLAlchemy held."""
    count = sa.util.counter()
    (lock,) = (
        cell.cell_contents for cell in count.__closure__ if hasattr(cell.cell_contents, "locked")
    )
    reached = []

    def at_the_end(frame):
        reached.append(where(frame))
        if reached.count(reached[0]) == 2:
            raise Fault

    with pytest.raises(Fault):
        traced(count, THEIRS, at_the_end)
    assert is_untraceable(reached[0])
    assert lock.locked()


def test_an_exception_alone():
    """At the line of a ``pass`` that ends a handler a trace leaves the exception in force."""
    found = []

    def at_the_pass(frame):
        if is_untraceable(where(frame)):
            sys.settrace(None)
            raise Fault

    def use():
        with contextlib.suppress(Fault):
            traced(lambda: sa.String().dialect_impl(sqlite.dialect()), THEIRS, at_the_pass)
        found.append(sys.exc_info()[0])

    thread = threading.Thread(target=use)  # for the rest of which it is in force
    thread.start()
    thread.join()
    assert found == [KeyError]


def test_the_pool_alone(tmp_path):
    """SQLAlchemy by itself loses a connection that is interrupted; ``dispose()`` mends the pool."""
    places = tuple(str(Path(sa.__file__).parent / name) for name in ("pool", "util/queue.py"))

    def use(engine):
        with Session(engine) as session:
            session.execute(sa.text("SELECT 1"))

    def interrupted(engine, number):
        found = []
        with contextlib.suppress(Fault):
            traced(lambda: use(engine), places, raiser(number, Fault(), found))
        return bool(found)

    lost = 0
    for number in itertools.count(1, 3):
        engine = sa.create_engine(
            f"sqlite:///{tmp_path / 'alone.db'}", pool_size=1, max_overflow=0, pool_timeout=0
        )
        use(engine)
        if not interrupted(engine, number):
            break
        gc.collect()
        try:
            use(engine)
        except sa.exc.TimeoutError:
            lost += 1
            engine.dispose()
            use(engine)
        engine.dispose()
    engine.dispose()
    print(f"SQLAlchemy alone: {number // 3} instants tried, {lost} connections lost")
    assert lost
