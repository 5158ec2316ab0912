"""``with db:``, a block that is one transaction."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from conftest import words
from sqlalchemy import event
from sqlalchemy.exc import (
    IntegrityError,
    InvalidRequestError,
    OperationalError,
    PendingRollbackError,
)
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import sqlsoup

SPOILED = "a block within this one failed, so that nothing of it was stored"
ELSEWHERE = (
    "this block ends in another session than it began in, so that it was rolled back; "
    "do not remove the session within a block, nor end a block in another thread"
)
SESSIONS = {
    "the default": lambda engine: sqlsoup.Session,
    "unbound registry": lambda engine: scoped_session(sessionmaker()),
    "bound registry": lambda engine: scoped_session(sessionmaker(bind=engine)),
    "registry of a callable": lambda engine: scoped_session(lambda: Session(autoflush=True)),
    "registry without autobegin": lambda engine: scoped_session(sessionmaker(autobegin=False)),
    "plain session": lambda engine: Session(),
    "plain bound session": Session,
    "plain session without autobegin": lambda engine: Session(autobegin=False),
}


class Stop(Exception):
    """What goes wrong in a block."""


def idle(db):
    """Tell if the session has no transaction and no connection is in use."""
    session = db.session() if isinstance(db.session, scoped_session) else db.session
    return not session.in_transaction() and db.engine.pool.checkedout() == 0


@pytest.fixture
def other(tmp_path, make_engine):
    """An engine on another SQLite file, with a table of tags of its own."""
    engine = make_engine(f"sqlite:///{tmp_path}/other.db")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE tags (word VARCHAR PRIMARY KEY)"))
    return engine


def test_commits_at_its_end(db, engine):
    """What a block inserts, changes and deletes is stored at its end, and not before."""
    with db:
        db.tags.insert(word="new")
        db.users.get("Ada").email = "new"
        db.delete(db.book_tags.get((1, "hot")))
        db.flush()
        assert words(engine) == ["food", "hot"]
        assert engine.pool.checkedout() == 1
    assert idle(db)
    assert words(engine) == ["food", "hot", "new"]
    with engine.connect() as connection:
        ada = connection.scalar(sa.text("SELECT email FROM users WHERE name = 'Ada'"))
        left = connection.scalar(sa.text("SELECT count(*) FROM book_tags"))
    assert [ada, left] == ["new", 2]


def test_gives_the_soup_itself(soup):
    """``with`` gives the very object, and nothing that hides an exception."""
    with soup as given:
        assert given is soup
    with pytest.raises(Stop), soup:
        raise Stop
    assert type(soup) is sqlsoup.SQLSoup


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_rolls_back_on_any_exception(error, db, engine):
    """Whatever leaves the block undoes it in the database and in the rows, and goes on."""
    ada = db.users.get("Ada")
    thrown = error("stop")
    with pytest.raises(error) as caught, db:
        db.tags.insert(word="flushed")
        ada.email = "new"
        db.flush()
        db.tags.insert(word="pending")
        raise thrown
    assert caught.value is thrown
    assert idle(db)
    assert words(engine) == ["food", "hot"]
    assert ada.email == "ada@example.org"
    db.commit()
    assert words(engine) == ["food", "hot"]


def test_an_interrupt_is_raised_whatever_the_rollback_says(soup, lite, monkeypatch):
    """SQLAlchemy may warn of what an interrupt left half changed, and warnings may be errors."""

    def interrupt(_connection):
        raise KeyboardInterrupt

    def warn(_transaction):
        raise sa.exc.SAWarning("transaction already deassociated from connection")

    with pytest.raises(KeyboardInterrupt), soup:
        soup.tags.insert(word="new")
        soup.flush()
        monkeypatch.setattr(lite.dialect, "do_commit", interrupt)
        monkeypatch.setattr(sa.engine.RootTransaction, "rollback", warn)
    monkeypatch.undo()
    with soup:
        soup.tags.insert(word="later")
    assert words(lite) == ["food", "hot", "later"]


@pytest.mark.parametrize("lost", [True, False])
def test_a_rollback_that_fails(lost, soup, lite, monkeypatch):
    """The program's exception goes on if the connection is lost, and if not the rollback's own."""

    @event.listens_for(lite, "handle_error")
    def tell(context):
        context.is_disconnect = lost

    def fail(_connection):
        raise sqlite3.OperationalError("it failed")

    with pytest.raises(Stop if lost else OperationalError) as raised, soup:
        soup.tags.insert(word="new")
        soup.flush()
        monkeypatch.setattr(lite.dialect, "do_rollback", fail)
        raise Stop
    monkeypatch.undo()
    assert lost or type(raised.value.__context__) is Stop
    sqlsoup.Session.remove()
    assert lite.pool.checkedout() == 0
    assert words(lite) == ["food", "hot"]


def test_a_generator_that_is_closed(soup, lite):
    """A block in a generator is rolled back when the generator is not run to its end."""

    def work():
        with soup:
            soup.tags.insert(word="new")
            soup.flush()
            yield
            yield

    stopped = work()
    next(stopped)
    stopped.close()
    assert idle(soup)
    assert words(lite) == ["food", "hot"]
    for _ in work():
        pass
    assert words(lite) == ["food", "hot", "new"]


@pytest.mark.parametrize("flush", [True, False], ids=["flush", "commit"])
def test_what_the_database_refuses(flush, db, engine):
    """When a flush or the commit fails, nothing of the block is stored and the error is raised."""
    with pytest.raises(IntegrityError), db:
        db.users.insert(name="new")
        db.execute("INSERT INTO tags (word) VALUES ('new')")
        db.books.insert(title=None)
        if flush:
            db.flush()
            pytest.fail("the flush was to fail")
    assert idle(db)
    assert words(engine) == ["food", "hot"]
    assert db.users.get("new") is None


def test_a_constraint_that_is_checked_at_the_commit(lite, soup):
    """A commit that the database refuses is rolled back, and its error raised."""
    with lite.begin() as connection:
        connection.execute(
            sa.text(
                "CREATE TABLE late (id INTEGER PRIMARY KEY, word VARCHAR REFERENCES tags (word)"
                " DEFERRABLE INITIALLY DEFERRED)"
            )
        )
    with pytest.raises(IntegrityError, match="FOREIGN KEY constraint failed"), soup:
        soup.connection().connection.driver_connection.execute("PRAGMA foreign_keys = ON")
        soup.late.insert(word="food")
        soup.late.insert(word="nothing")
        soup.flush()
    assert idle(soup)
    assert soup.late.count() == 0


def test_a_failed_flush_that_was_caught(soup, lite):
    """A block in which a flush failed cannot be stored, not even if the error was caught."""
    with pytest.raises(PendingRollbackError), soup:
        soup.execute("INSERT INTO tags (word) VALUES ('new')")
        soup.tags.insert(word="food")
        with pytest.raises(IntegrityError):
            soup.flush()
    assert idle(soup)
    assert words(lite) == ["food", "hot"]


@pytest.mark.parametrize("error", [PendingRollbackError, Stop])
def test_a_row_after_a_failed_flush_that_was_caught(error, soup, lite):
    """The error is that of the block, where warnings are errors too, and nothing is stored."""
    with pytest.raises(error), soup:
        soup.tags.insert(word="food")
        with pytest.raises(IntegrityError):
            soup.flush()
        soup.tags.insert(word="late")
        if error is Stop:
            raise Stop
    soup.tags.insert(word="later")
    soup.commit()
    assert words(lite) == ["food", "hot", "later"]


def test_a_savepoint_within_a_block(db, engine):
    """What may fail stands in a savepoint; the rest of the block is stored."""
    with db:
        db.tags.insert(word="one")
        with pytest.raises(IntegrityError), db.session.begin_nested():
            db.books.insert(title=None)
        with db.session.begin_nested():
            db.tags.insert(word="two")
    assert idle(db)
    assert words(engine) == ["food", "hot", "one", "two"]


def test_raw_sql_is_part_of_it(db, engine):
    """``db.execute()`` and ``db.connection()`` work in the transaction of the block."""
    with db:
        db.execute("INSERT INTO tags (word) VALUES (:word)", word="one")
        db.connection().execute(sa.text("INSERT INTO tags (word) VALUES ('two')"))
        assert words(engine) == ["food", "hot"]
    assert words(engine) == ["food", "hot", "one", "two"]
    with pytest.raises(Stop), db:
        db.execute("DELETE FROM book_tags")
        db.execute("DELETE FROM tags")
        raise Stop
    assert idle(db)
    assert words(engine) == ["food", "hot", "one", "two"]


def test_a_block_costs_no_statement(soup, statements):
    """A block sends no statement of its own, and one without work takes no connection."""
    with soup, soup:
        assert soup.engine.pool.checkedout() == 0
    with pytest.raises(Stop), soup:
        raise Stop
    assert statements == []


@pytest.mark.parametrize("kind", SESSIONS)
def test_every_kind_of_session(kind, lite):
    """A block stores or undoes its work whatever the session, nested blocks included."""
    db = sqlsoup.SQLSoup(lite, session=SESSIONS[kind](lite))
    with db:
        db.tags.insert(word="one")
        with db:
            db.tags.insert(word="two")
            db.flush()
        assert words(lite) == ["food", "hot"]
    assert idle(db)
    assert words(lite) == ["food", "hot", "one", "two"]
    with pytest.raises(Stop), db:
        db.execute("DELETE FROM tags")
        raise Stop
    assert idle(db)
    assert words(lite) == ["food", "hot", "one", "two"]
    db.session.close()


def test_nested_blocks_join_the_outer_one(db, engine):
    """Only the outermost block commits, or rolls all of them back."""
    with db:
        with db:
            db.tags.insert(word="one")
            with db:
                db.tags.insert(word="two")
            assert words(engine) == ["food", "hot"]
        with db:
            db.tags.insert(word="three")
        assert words(engine) == ["food", "hot"]
    assert words(engine) == ["food", "hot", "one", "three", "two"]
    with pytest.raises(Stop), db:
        with db:
            db.tags.insert(word="four")
        raise Stop
    assert idle(db)
    assert words(engine) == ["food", "hot", "one", "three", "two"]


@pytest.mark.parametrize("depth", [1, 2])
def test_an_inner_block_that_failed_fails_the_outer(depth, soup, lite):
    """An exception that is caught between blocks leaves nothing of either, and that is told."""

    def fail(levels):
        with soup:
            soup.tags.insert(word=f"inner {levels}")
            soup.flush()
            if levels > 1:
                fail(levels - 1)
            raise Stop

    with pytest.raises(sqlsoup.SQLSoupError) as caught, soup:
        soup.tags.insert(word="before")
        with pytest.raises(Stop):
            fail(depth)
        soup.tags.insert(word="after")
    assert type(caught.value) is sqlsoup.SQLSoupError
    assert str(caught.value) == SPOILED
    assert type(caught.value.__cause__) is Stop
    assert idle(soup)
    assert words(lite) == ["food", "hot"]


def test_a_block_that_fails_after_one_within_it(soup, lite):
    """An exception that leaves the outer block goes on as it is."""
    with pytest.raises(KeyError, match="outer"), soup:
        with pytest.raises(Stop), soup:
            raise Stop
        raise KeyError("outer")
    assert idle(soup)
    with soup:
        soup.tags.insert(word="new")
    assert words(lite) == ["food", "hot", "new"]


def test_an_inner_flush_that_failed(soup, lite):
    """The same holds where it was the database that refused, with nothing done in between."""
    with pytest.raises(sqlsoup.SQLSoupError) as caught, soup:
        soup.execute("INSERT INTO tags (word) VALUES ('before')")
        with pytest.raises(IntegrityError), soup:
            soup.books.insert(title=None)
            soup.flush()
    assert str(caught.value) == SPOILED
    assert type(caught.value.__cause__) is IntegrityError
    assert words(lite) == ["food", "hot"]


def test_a_rollback_after_an_inner_block_that_failed(soup, lite):
    """After ``db.rollback()`` nothing of the failed block is left, and the outer may go on."""
    with soup:
        soup.tags.insert(word="before")
        with pytest.raises(Stop), soup:
            soup.tags.insert(word="inner")
            raise Stop
        soup.rollback()
        soup.tags.insert(word="after")
    assert idle(soup)
    assert words(lite) == ["after", "food", "hot"]


@pytest.mark.parametrize("times", [1, 3])
def test_a_block_after_failed_ones(times, db, engine):
    """A failed block leaves nothing that hinders the next."""
    for _ in range(times):
        with pytest.raises(sqlsoup.SQLSoupError), db, pytest.raises(Stop), db:
            raise Stop
        with pytest.raises(IntegrityError), db:
            db.books.insert(title=None)
    with db:
        db.tags.insert(word="new")
        with db:
            pass
    assert idle(db)
    assert words(engine) == ["food", "hot", "new"]


def test_two_soups_on_two_engines(lite, other):
    """Soups on the default session are in one block, whatever their engines."""
    one, two = sqlsoup.SQLSoup(lite), sqlsoup.SQLSoup(other)
    with one:
        one.tags.insert(word="one")
        with two as given:
            assert given is two
            two.tags.insert(word="two")
            two.flush()
        assert [words(lite), words(other)] == [["food", "hot"], []]
    assert [words(lite), words(other)] == [["food", "hot", "one"], ["two"]]
    assert [idle(one), idle(two)] == [True, True]
    with pytest.raises(Stop), two:
        two.tags.insert(word="three")
        with one:
            one.tags.insert(word="three")
            one.flush()
        raise Stop
    assert [words(lite), words(other)] == [["food", "hot", "one"], ["two"]]
    assert [idle(one), idle(two)] == [True, True]


def test_sessions_of_their_own(lite, other):
    """Blocks of different sessions are independent of each other, also one within the other."""
    one = sqlsoup.SQLSoup(lite)
    log = sqlsoup.SQLSoup(other, session=scoped_session(sessionmaker()))
    with pytest.raises(Stop), one:
        one.tags.insert(word="one")
        with log:
            log.tags.insert(word="logged")
        assert words(other) == ["logged"]
        with pytest.raises(KeyError), log:
            raise KeyError
        raise Stop
    with one:
        one.tags.insert(word="two")
        with pytest.raises(Stop), log:
            raise Stop
    assert [words(lite), words(other)] == [["food", "hot", "two"], ["logged"]]
    log.session.remove()


def test_a_commit_within_a_block(soup, lite):
    """``commit()`` stores what there is at once; the block goes on and commits at its end."""
    with soup:
        soup.tags.insert(word="one")
        soup.commit()
        assert words(lite) == ["food", "hot", "one"]
        soup.tags.insert(word="two")
    assert words(lite) == ["food", "hot", "one", "two"]
    with pytest.raises(Stop), soup:
        soup.tags.insert(word="three")
        soup.commit()
        soup.tags.insert(word="four")
        raise Stop
    assert idle(soup)
    assert words(lite) == ["food", "hot", "one", "three", "two"]


def test_a_commit_within_an_inner_block(soup, lite):
    """A commit by hand does not take the inner block out of the outer one."""
    with pytest.raises(Stop), soup:
        with soup:
            soup.tags.insert(word="one")
            soup.commit()
            soup.tags.insert(word="two")
        raise Stop
    assert words(lite) == ["food", "hot", "one"]


def test_a_rollback_within_a_block(soup, lite):
    """``rollback()`` undoes what there is; what follows is committed at the end."""
    with soup:
        soup.tags.insert(word="one")
        soup.rollback()
        soup.tags.insert(word="two")
    assert idle(soup)
    assert words(lite) == ["food", "hot", "two"]


@pytest.mark.parametrize("nested", [False, True], ids=["outermost", "within another"])
@pytest.mark.parametrize("more", [False, True], ids=["at the end", "and on"])
def test_remove_within_a_block(more, nested, soup, lite):
    """A block whose session was removed raises, as its work is gone; nothing is half stored."""

    def work():
        with soup:
            soup.tags.insert(word="before")
            soup.flush()
            soup.session.remove()
            if more:
                soup.tags.insert(word="after")
                soup.flush()

    with pytest.raises(sqlsoup.SQLSoupError) as caught:
        if nested:
            with soup:
                work()
        else:
            work()
    assert type(caught.value) is sqlsoup.SQLSoupError
    assert str(caught.value) == ELSEWHERE
    assert idle(soup)
    assert words(lite) == ["food", "hot"]
    with soup:
        soup.tags.insert(word="new")
    assert words(lite) == ["food", "hot", "new"]


def test_an_exception_after_remove(soup, lite):
    """An exception leaves such a block as it is."""
    with pytest.raises(Stop), soup:
        soup.session.remove()
        soup.tags.insert(word="after")
        soup.flush()
        raise Stop
    assert idle(soup)
    assert words(lite) == ["food", "hot"]


def test_remove_after_a_block(soup, lite):
    """After the block the session may be removed; it holds nothing that is not stored."""
    with soup:
        soup.tags.insert(word="new")
    soup.session.remove()
    assert lite.pool.checkedout() == 0
    assert words(lite) == ["food", "hot", "new"]


def test_a_block_that_ends_in_another_thread(soup, lite):
    """A block cannot end where it did not begin: the other thread has another session."""

    def end():
        try:
            soup.__exit__(None, None, None)
        finally:
            soup.session.remove()

    soup.__enter__()
    soup.tags.insert(word="new")
    with ThreadPoolExecutor(1) as pool, pytest.raises(sqlsoup.SQLSoupError) as caught:
        pool.submit(end).result()
    assert str(caught.value) == ELSEWHERE
    assert words(lite) == ["food", "hot"]


def test_threads_have_blocks_of_their_own(soup, lite):
    """A block of one thread neither joins nor commits that of another."""
    meet = threading.Barrier(2)

    def fail():
        try:
            with soup:
                soup.tags.all()
                meet.wait(60)
                meet.wait(60)
                soup.tags.insert(word="failed")
                soup.flush()
                raise Stop
        except Stop:
            return words(lite)
        finally:
            soup.session.remove()

    def store():
        try:
            meet.wait(60)
            with soup:
                soup.tags.insert(word="stored")
            return words(lite)
        finally:
            meet.wait(60)
            soup.session.remove()

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(work) for work in (fail, store)]
        assert [one.result() for one in done] == [["food", "hot", "stored"]] * 2
    assert lite.pool.checkedout() == 0


def test_a_registry_by_request_spans_threads(lite):
    """Where the registry's scope goes through several threads, so does the block."""
    session = scoped_session(sessionmaker(), scopefunc=lambda: "the request")
    db = sqlsoup.SQLSoup(lite, session=session)

    def work():
        db.tags.insert(word="new")
        with db:
            db.tags.insert(word="newer")

    with ThreadPoolExecutor(1) as pool:
        with db:
            pool.submit(work).result()
            assert words(lite) == ["food", "hot"]
        assert words(lite) == ["food", "hot", "new", "newer"]
        session.remove()


def test_rows_after_the_block(db, statements):
    """Rows stay usable: what a commit expired is read anew when it is next asked for."""
    with db:
        book = db.books.insert(title="Stock", year=2020)
        ada = db.users.get("Ada")
    assert type(book) is db.books
    statements.clear()
    assert [book.title, book.year, type(book.id)] == ["Stock", 2020, int]
    assert ada.email == "ada@example.org"
    assert len(statements) == 2
    with db:
        book.title = "Broth"
    assert db.books.get(book.id).title == "Broth"


def test_rows_of_a_session_that_keeps_them(lite):
    """With ``expire_on_commit=False`` rows are of use without a statement, also detached."""
    own = scoped_session(sessionmaker(expire_on_commit=False))
    db = sqlsoup.SQLSoup(lite, session=own)
    with db:
        ada = db.users.get("Ada")
    own.remove()
    assert ada.email == "ada@example.org"


@pytest.mark.parametrize("fail", [False, True], ids=["stored", "rolled back"])
def test_a_session_that_is_in_a_transaction(fail, soup, lite):
    """What was not committed before the block is part of it, for better or worse."""
    soup.tags.insert(word="pending")
    soup.execute("INSERT INTO tags (word) VALUES ('sent')")
    if fail:
        with pytest.raises(Stop), soup:
            raise Stop
    else:
        with soup:
            assert words(lite) == ["food", "hot"]
    assert idle(soup)
    assert words(lite) == (["food", "hot"] if fail else ["food", "hot", "pending", "sent"])


def test_a_session_that_has_to_be_rolled_back(soup, lite):
    """A block after a failed flush raises and cleans up; the next one works."""
    soup.books.insert(title=None)
    with pytest.raises(IntegrityError):
        soup.flush()
    with pytest.raises(PendingRollbackError), soup:
        soup.execute("INSERT INTO tags (word) VALUES ('one')")
    with soup:
        soup.tags.insert(word="two")
    assert words(lite) == ["food", "hot", "two"]


def test_a_block_within_sqlalchemys_own(soup, lite):
    """The block commits; SQLAlchemy's context that surrounds it refuses to go on."""
    closed = pytest.raises(InvalidRequestError, match="closed transaction inside context manager")
    with closed, soup.session.begin():
        with soup:
            soup.tags.insert(word="new")
        soup.tags.insert(word="more")
    soup.rollback()
    assert words(lite) == ["food", "hot", "new"]


def test_tables_met_within_a_block(db, engine):
    """The first use of a table in a block reads it through the connection of the block."""
    with db:
        db.execute("CREATE TABLE made (id INTEGER PRIMARY KEY)")
        db.made.insert(id=1)
        assert engine.pool.checkedout() == 1
    assert idle(db)
    assert db.made.count() == 1


def test_a_pool_of_one_connection(tmp_path, make_engine, lite):
    """A block uses one connection, and the next can have it at once."""
    engine = make_engine(lite.url, pool_size=1, max_overflow=0, pool_timeout=0)
    db = sqlsoup.SQLSoup(engine)
    for number in range(3):
        with db:
            db.tags.insert(word=f"new {number}")
            db.flush()
        with pytest.raises(IntegrityError), db:
            db.books.insert(title=None)
        with engine.connect():
            pass
    assert words(lite) == ["food", "hot", "new 0", "new 1", "new 2"]
