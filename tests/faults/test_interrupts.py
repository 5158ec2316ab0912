"""An interrupt at every line of every operation: whatever it breaks off, ``rollback()`` mends.

A trace raises KeyboardInterrupt at the first line of SQLSoup that an operation reaches, then in
another run at the second, and so on.  The first and the last time that a line is reached count, and
of these every twelfth; with ``SQLSOUP_INTERRUPTS=lines`` all of these, and with ``all``
each line whenever it is reached.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import sqlite3
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import fill
from sqlalchemy.orm import scoped_session, sessionmaker

import sqlsoup
from sqlsoup import _relate
from sqlsoup._foreign_keys import guard

OURS = str(Path(sqlsoup.__file__).parent)
WANTED = os.environ.get("SQLSOUP_INTERRUPTS")


OLD = ["food", "hot"]


class Fault(KeyboardInterrupt):
    """The interrupt of a test."""


class Trial:
    """A database of three tables' worth of rows, a SQLSoup, and an operation on them."""

    def __init__(self, folder, template, operation):
        self.path = folder / "trial.db"
        shutil.copyfile(template, self.path)
        self.engine = sa.create_engine(f"sqlite:///{self.path}", pool_timeout=0)
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

    def stored(self):
        """Return the words that are stored, through a connection of its own that needs no lock."""
        with contextlib.closing(sqlite3.connect(self.path, timeout=0)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            return [word for (word,) in connection.execute("SELECT word FROM tags ORDER BY word")]

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
            gc.collect()  # what a traceback held
        if self.engine.pool.checkedout():
            return "a connection is lost"
        session = self.db.session
        return "rows are left" if session.new or session.dirty or session.deleted else None

    def half_done(self):
        """Tell if more is stored than before, or less than all, or if a class was replaced."""
        self.before = self.stored()
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
        stored = self.stored()
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


class Operation:
    """What is interrupted."""

    def __init__(self, run, *, prepare=None, implied=False, commits=False, forgets=False, word=""):
        self.run = run
        self.prepare = prepare or (lambda _db: None)
        self.implied = implied
        self.commits = commits
        self.forgets = forgets
        self.word = word
        self.result = None

    def words(self, number):
        """Return the words that it stores, if it is not interrupted."""
        return [self.word.format(number)] if self.word else []


def count(entity):
    """Use a class, and return what it is called and how many rows it has."""
    return entity.__name__, entity.count()


def insert(db, number):
    """Insert a tag and send it."""
    db.tags.insert(word=f"new {number}")
    db.flush()


def commit(db, number):
    """Insert a tag and commit."""
    db.tags.insert(word=f"new {number}")
    db.commit()


def block(db, number):
    """Insert a tag in a block."""
    with db:
        db.tags.insert(word=f"new {number}")


def nested(db, number):
    """Insert a tag in a block within another."""
    with db:
        with db:
            db.tags.insert(word=f"new {number}")
        db.flush()


def failing(db, number):
    """Have a block fail, and insert a tag in another."""
    with contextlib.suppress(KeyError), db:
        db.tags.insert(word=f"failed {number}")
        db.flush()
        raise KeyError
    block(db, number)


def in_block(db, _number):
    """Look up a class in a block."""
    with db:
        return count(db.users)


def look_up(*names):
    """Return a function that looks up some classes."""

    def prepare(db):
        for name in names:
            assert db.entity(name).first() is not None or name in {"visits", "seats"}

    return prepare


def map_to(db, _number):
    """Map a table to another name."""
    if "people" in db._cache:
        del db["people"]
    return count(db.map_to("people", tablename="users"))


def relate(db, _number):
    """Relate users to loans."""
    db.users.relate("lent", db.loans)
    return sorted(loan.book_id for loan in db.users.get("Bo").lent)


def relate_backref(db, _number):
    """Relate users and loans, if that is yet to be."""
    if "lent" not in sa.inspect(db.users).relationships:
        db.users.relate("lent", db.loans, backref="lender")
    return db.loans.get(1).lender.name, len(db.users.get("Bo").lent)


def relate_pair(db, _number):
    """Relate users and loans by two calls."""
    db.users.relate("lent", db.loans, back_populates="borrower")
    db.loans.relate("borrower", db.users, back_populates="lent")
    return db.loans.get(1).borrower.name, len(db.users.get("Bo").lent)


def forget(db, _number):
    """Forget a class, and look it up again."""
    if "users" in db._cache:
        del db["users"]
    return count(db.users)


def refresh(db, _number):
    """Forget all classes, and look one up again."""
    sqlsoup.refresh(db)
    return count(db.users)


OPERATIONS = {
    "first access": Operation(lambda db, _: count(db.users)),
    "first access in a block": Operation(in_block),
    "item access": Operation(lambda db, _: count(db["book_tags"])),
    "known class": Operation(lambda db, _: count(db.users), prepare=look_up("users")),
    "join": Operation(
        lambda db, _: count(db.join(db.users, db.loans)), prepare=look_up("users", "loans")
    ),
    "with_labels": Operation(
        lambda db, _: count(db.with_labels(db.join(db.books, db.loans))),
        prepare=look_up("books", "loans"),
    ),
    "map": Operation(
        lambda db, _: count(db.map(sa.select(db.users).where(db.users.admin == 0))),
        prepare=look_up("users"),
    ),
    "map_to": Operation(map_to, forgets=True),
    "insert": Operation(insert, prepare=look_up("tags"), word="new {}"),
    "commit": Operation(commit, prepare=look_up("tags"), commits=True, word="new {}"),
    "block": Operation(block, prepare=look_up("tags"), commits=True, word="new {}"),
    "nested block": Operation(nested, prepare=look_up("tags"), commits=True, word="new {}"),
    "block that fails": Operation(failing, prepare=look_up("tags"), commits=True, word="new {}"),
    "relate": Operation(relate, prepare=look_up("users", "loans")),
    "relate with backref": Operation(relate_backref, prepare=look_up("users", "loans")),
    "relate, two sides": Operation(relate_pair, prepare=look_up("users", "loans")),
    "implied, to one": Operation(
        lambda db, _: db.loans.get(1).user.name, prepare=look_up("users", "loans"), implied=True
    ),
    "implied, collection": Operation(
        lambda db, _: sorted(one.book_id for one in db.users.get("Bo").loans),
        prepare=look_up("users", "loans"),
        implied=True,
    ),
    "implied, one to one": Operation(
        lambda db, _: db.books.get(1).loans.user_name,
        prepare=look_up("books", "loans"),
        implied=True,
    ),
    "implied, many to many": Operation(
        lambda db, _: sorted(tag.word for tag in db.books.get(1).tags),
        prepare=look_up("books", "tags", "book_tags"),
        implied=True,
    ),
    "implied, one table": Operation(
        lambda db, _: len(db.shelves.get(1).shelves), prepare=look_up("shelves"), implied=True
    ),
    "implied, names": Operation(
        lambda db, _: "loans" in dir(db.users), prepare=look_up("users"), implied=True
    ),
    "implied, in a new row": Operation(
        lambda db, n: db.session.expunge(db.tags.insert(word=f"x {n}", books=[])),
        prepare=look_up("tags", "books", "book_tags"),
        implied=True,
    ),
    "del": Operation(forget, prepare=look_up("users"), forgets=True),
    "refresh": Operation(refresh, prepare=look_up("users", "loans"), forgets=True),
    "reflect": Operation(lambda db, _: sorted(sqlsoup.reflect(db, ["users", "loans"]))),
    "as_dicts": Operation(lambda db, _: sqlsoup.as_dicts(db.tags), prepare=look_up("tags")),
    "help": Operation(lambda db, _: len(db.users.__doc__), prepare=look_up("users")),
    "iteration": Operation(lambda db, _: sorted(db)),
    "contains": Operation(lambda db, _: ["users" in db, "nothing" in db]),
    "dir": Operation(lambda db, _: "users" in dir(db)),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A file of a small library."""
    path = tmp_path_factory.mktemp("interrupts") / "template.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    fill(engine)
    engine.dispose()
    return path


def traced(trial, places, at):
    """Do the operation, and call a function at each line of some places; return what it gave."""

    def trace(frame, _kind, _argument):
        return at_line if frame.f_code.co_filename.startswith(places) else None

    def at_line(frame, kind, _argument):
        if kind == "line":
            at(frame)
        return at_line

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return trial.run()
    finally:
        sys.settrace(before)


def where(frame):
    """Return file, line and function of a frame."""
    name = getattr(frame.f_code, "co_qualname", frame.f_code.co_name)
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {name}"


def interrupt(trial, places, number):
    """Do the operation with an interrupt at a line; return where it was, and what was wrong."""
    left, found, fault = number, None, Fault()

    def count_down(frame):
        nonlocal left, found
        left -= 1
        if not left:
            sys.settrace(None)
            found = where(frame)
            raise fault

    try:
        traced(trial, places, count_down)
    except Fault as error:
        return found, None if error is fault else "another interrupt in its place"
    except Exception as error:  # noqa: BLE001
        return found, f"{type(error).__name__} in its place: {error}".splitlines()[0]
    return found, "it was swallowed" if found else None


def instants(folder, template, operation, places):
    """Return the place of each line that an operation reaches, in their order."""
    trial, seen = Trial(folder, template, operation), []
    try:
        operation.result = traced(trial, places, lambda frame: seen.append(where(frame)))
    finally:
        trial.close()
    return seen


def chosen(seen):
    """Return the numbers of the instants to try: a sample, each line twice, or all."""
    numbers = range(1, len(seen) + 1)
    first = dict(zip(reversed(seen), reversed(numbers), strict=True))
    last = dict(zip(seen, numbers, strict=True))
    if WANTED == "all":
        return numbers
    each = sorted({*first.values(), *last.values()})
    return each if WANTED == "lines" else each[::12]


def wrong_after(folder, template, operation, places, numbers):
    """Interrupt an operation at each of some lines; return how often, and what was wrong where."""
    tried, wrong = 0, Counter()
    for tried, number in enumerate(numbers, 1):  # noqa: B007
        trial = Trial(folder, template, operation)
        try:
            place, problem = interrupt(trial, places, number)
            problem = problem or trial.problem()
        except Exception as error:  # noqa: BLE001
            problem = f"{type(error).__name__} afterwards: {error}".splitlines()[0]
        finally:
            trial.close()
        if problem:
            wrong[f"{place}: {problem}"] += 1
    return tried, wrong


@pytest.mark.parametrize("name", OPERATIONS)
def test_lines_of_sqlsoup(name, tmp_path, template):
    """After an interrupt anywhere in SQLSoup and a ``rollback()``, all works as before."""
    operation = OPERATIONS[name]
    seen = instants(tmp_path, template, operation, (OURS,))
    tried, wrong = wrong_after(tmp_path, template, operation, (OURS,), chosen(seen))
    print(f"{name}: {tried} of {len(seen)} instants tried, {sum(wrong.values())} wrong")
    assert tried
    assert dict(wrong) == {}
