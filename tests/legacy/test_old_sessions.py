"""Sessions as SQLAlchemy 1.3 and before had them, on all databases."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import (
    ArgumentError,
    IntegrityError,
    InvalidRequestError,
    OperationalError,
    ResourceClosedError,
    UnboundExecutionError,
)
from sqlalchemy.ext.horizontal_shard import ShardedSession
from sqlalchemy.orm import (
    DeclarativeBase,
    Query,
    Session,
    create_session,
    declarative_base,
    defer,
    joinedload,
    scoped_session,
    selectinload,
    sessionmaker,
    subqueryload,
)

import sqlsoup
from sqlsoup import legacy
from sqlsoup.legacy import _mappers, _notes

IDLE = "No transaction is begun."
INACTIVE = (
    "This session is in 'inactive' state, due to the SQL transaction being rolled back; no further "
    "SQL can be emitted within this transaction."
)
FOOD = "INSERT INTO tags (word) VALUES ('food')"


pytestmark = pytest.mark.usefixtures("old_forms")


@pytest.fixture
def lib(db):
    """A SQLSoup whose users have loans and whose session is not used by the test."""
    db.users.relate("loans", db.loans, order_by=db.loans.book_id, backref="user")
    for name in ("books", "tags"):  # now, as later would be through the session of the SQLSoup
        db.entity(name)
    return db


@pytest.fixture
def auto(engine):
    """A session with autocommit=True, on each of the databases."""
    return Session(engine, autocommit=True)


@pytest.fixture
def lite_auto(lite):
    """A session with autocommit=True, in SQLite alone."""
    return Session(lite, autocommit=True)


@pytest.fixture
def plain(lite):
    """A session without, in SQLite alone."""
    return Session(lite)


@pytest.fixture
def tags(soup):
    """The class of tags, in SQLite alone."""
    return soup.tags


def tag(cls, word):
    """Make a tag that is in no session yet."""
    made = cls(word=word)
    sa.orm.object_session(made).expunge(made)
    return made


def fail_after_adding(session, row):
    """Add a row, flush, and raise ZeroDivisionError."""
    session.add(row)
    session.flush()
    raise ZeroDivisionError


def words(bind):
    """Return the tags that another connection sees."""
    engine = sa.create_engine(bind.engine.url)
    with engine.connect() as connection:
        found = list(connection.scalars(sa.text("SELECT word FROM tags ORDER BY word")))
    engine.dispose()
    return found


def change(engine, statement):
    """Execute a statement on a connection of its own and commit it."""
    other = sa.create_engine(engine.url)
    with other.begin() as connection:
        connection.execute(sa.text(statement))
    other.dispose()


def idle(engine):
    """Tell if no connection is in use and none has a transaction."""
    gc.collect()
    if engine.pool.checkedout():
        return False
    if engine.dialect.name != "postgresql":
        return True
    with engine.connect() as connection:
        found = connection.scalar(
            sa.text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND state LIKE 'idle in transaction%'"
            )
        )
    return found == 0


def forms():
    """Return the identifiers of what was noted, each once."""
    return sorted({note.form for note in legacy.report().notes})


# autocommit=True: what is stored


def test_a_flush_is_a_transaction(auto, lib, engine):
    """Each flush commits, and expires the rows as a commit does."""
    auto.add(tag(lib.tags, "new"))
    assert words(engine) == ["food", "hot"]
    auto.flush()
    assert idle(engine)
    assert words(engine) == ["food", "hot", "new"]
    book, other = auto.get(lib.books, 1), auto.get(lib.books, 2)
    book.title = "changed"
    auto.flush()
    assert "title" not in vars(book)
    assert "title" not in vars(other)
    assert (book.title, other.title) == ("changed", "Regional")
    auto.delete(auto.get(lib.tags, "new"))
    auto.flush()
    assert idle(engine)
    assert words(engine) == ["food", "hot"]
    assert forms() == ["session-autocommit"]


def test_rows_stay_where_they_are_to(lib, engine):
    """expire_on_commit=False holds for the commits of flushes as well."""
    session = Session(engine, autocommit=True, expire_on_commit=False)
    book = session.get(lib.books, 1)
    book.title = "changed"
    session.flush()
    assert vars(book)["title"] == "changed"


def test_a_flush_that_fails(auto, lib, engine):
    """Nothing of it is stored, and the session can be used at once."""
    auto.add_all([tag(lib.tags, "new"), tag(lib.tags, "food")])
    with pytest.raises(IntegrityError):
        auto.flush()
    assert idle(engine)
    assert words(engine) == ["food", "hot"]
    auto.add(tag(lib.tags, "old"))
    auto.flush()
    assert words(engine) == ["food", "hot", "old"]


def test_autoflush(auto, lib, engine):
    """What a query flushes first is committed; a statement by itself flushes nothing."""
    auto.add(tag(lib.tags, "new"))
    auto.execute("SELECT 1")
    auto.execute(sa.select(lib.tags._table))
    assert words(engine) == ["food", "hot"]
    assert auto.query(lib.tags).count() == 3
    assert words(engine) == ["food", "hot", "new"]
    assert idle(engine)


def test_autoflush_that_fails(auto, lib, engine):
    """The query then is not sent, and nothing is stored."""
    auto.add(tag(lib.tags, "food"))
    with pytest.raises(IntegrityError):
        auto.query(lib.tags).count()
    assert idle(engine)
    assert auto.query(lib.tags).count() == 2


def test_rows_that_are_made_while_others_are_loaded(lite_auto, lite, soup):
    """What a listener adds while a query's rows are loaded is stored when it is flushed."""
    soup.users.relate("loans", soup.loans)

    @event.listens_for(soup.users, "load")
    def add(user, _context):
        lite_auto.add(tag(soup.tags, user.name))
        lite_auto.flush()

    assert len(lite_auto.query(soup.users).options(selectinload(soup.users.loans)).all()) == 3
    assert words(lite) == ["Ada", "Bo", "Cy", "food", "hot"]


@pytest.mark.parametrize("way", ["objects", "mappings", "update"])
def test_bulk(way, auto, lib, engine):
    """The bulk methods commit, and leave nothing when they fail."""
    cls = lib.tags
    if way == "objects":
        auto.bulk_save_objects([tag(cls, "b1"), tag(cls, "b2")])
    elif way == "mappings":
        auto.bulk_insert_mappings(cls, [{"word": "b1"}, {"word": "b2"}])
    else:
        auto.bulk_insert_mappings(cls, [{"word": "b1"}, {"word": "b2"}])
        auto.bulk_update_mappings(lib.books, [{"id": 1, "title": "changed"}])
        assert lib.books.get(1).title == "changed"
        lib.rollback()
    assert words(engine) == ["b1", "b2", "food", "hot"]
    with pytest.raises(IntegrityError):
        auto.bulk_insert_mappings(cls, [{"word": "b3"}, {"word": "food"}])
    assert words(engine) == ["b1", "b2", "food", "hot"]
    assert idle(engine)


WRITES = {
    "Core insert": lambda s, t: s.execute(t.insert(), {"word": "new"}),
    "values": lambda s, t: s.execute(t.insert().values(word="new")),
    "text": lambda s, t: s.execute(sa.text("INSERT INTO tags VALUES (:w)"), {"w": "new"}),
    "a string": lambda s, t: s.execute("INSERT INTO tags VALUES (:w)", {"w": "new"}),
    "a string with spaces": lambda s, t: s.execute("\n insert into tags values ('new')"),
    "many": lambda s, t: s.execute(t.insert(), [{"word": "new"}]),
    "update of a query": lambda s, t: (
        s.execute(t.insert(), {"word": "old"}),
        s.query(t).filter(t.c.word == "old").update({"word": "new"}, synchronize_session=False),
    ),
    "delete of a query": lambda s, t: (
        s.execute(t.insert(), [{"word": "old"}, {"word": "new"}]),
        s.query(t).filter(t.c.word == "old").delete(synchronize_session=False),
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WRITES)
def test_statements_commit(way, auto, db, engine):
    """What writes is committed at once."""
    WRITES[way](auto, db.tags._table)
    assert idle(engine)
    assert words(engine) == ["food", "hot", "new"]


def test_what_a_statement_returns(auto, lib, engine):
    """The result of a statement that was committed can still be read, as one of a cursor."""
    books = lib.books._table
    result = auto.execute(books.insert().values(title="New"))
    assert result.inserted_primary_key == (4,)
    assert result.rowcount == 1
    result = auto.execute(books.update().where(books.c.year == None).values(year=1))  # noqa: E711
    assert result.rowcount == 2
    rows = auto.execute("SELECT title, year FROM books WHERE id < 3 ORDER BY id")
    assert idle(engine)
    assert isinstance(rows, sa.CursorResult)
    assert (rows.fetchone(), rows.fetchall(), rows.fetchone()) == (
        ("Mustards", 1989), [("Regional", 1991)], None,
    )  # fmt: skip
    if engine.dialect.name == "postgresql":
        returned = auto.execute(books.insert().values(title="Newer").returning(books.c.title))
        assert returned.all() == [("Newer",)]
    assert idle(engine)


def test_what_does_not_commit(auto, engine):
    """autocommit=False of a statement keeps it from being stored, as it was."""
    auto.execute(sa.text("INSERT INTO tags VALUES ('new')").execution_options(autocommit=False))
    assert idle(engine)
    assert words(engine) == ["food", "hot"]


def test_a_statement_that_fails(auto, engine):
    """It leaves nothing open, and the session can be used at once."""
    with pytest.raises(IntegrityError):
        auto.execute(FOOD)
    assert idle(engine)
    assert auto.scalar("SELECT count(*) FROM tags") == 2
    assert auto.scalars(sa.text("SELECT word FROM tags ORDER BY word")).all() == ["food", "hot"]
    assert idle(engine)


@pytest.mark.filterwarnings("ignore:The `objects` parameter:sqlalchemy.exc.SADeprecationWarning")
def test_flush_stores_no_more_than_it_is_asked_for(lite_auto, soup):
    """A flush commits what it has stored, and leaves what is new beside and after it."""
    added = []

    def add(session, _context):
        added.append(tag(soup.tags, f"more{len(added)}"))
        session.add(added[-1])

    first, second = tag(soup.tags, "first"), tag(soup.tags, "second")
    lite_auto.autoflush = False
    lite_auto.add_all([first, second])
    lite_auto.flush([first])
    assert (first in lite_auto.new, second in lite_auto.new) == (False, True)
    event.listen(lite_auto, "after_flush_postexec", add)
    lite_auto.flush()
    assert list(lite_auto.new) == added
    assert len(added) == 1


# autocommit=True: queries


READS = {
    "all": lambda s, db: s.query(db.users).all(),
    "first": lambda s, db: s.query(db.users).first(),
    "one": lambda s, db: s.query(db.users).filter_by(name="Bo").one(),
    "count": lambda s, db: s.query(db.users).count(),
    "get": lambda s, db: s.get(db.users, "Bo"),
    "columns": lambda s, db: s.query(db.users.name).all(),
    "one by one": lambda s, db: [row.name for row in s.query(db.users).yield_per(1)],
    "not to the end": lambda s, db: next(iter(s.query(db.users))),
    "joined": lambda s, db: s.query(db.users).options(joinedload(db.users.loans)).all(),
    "joined, two classes": lambda s, db: s.query(db.users, db.loans).join(
        db.users.loans
    ).options(joinedload(db.users.loans)).all(),
    "selectin": lambda s, db: s.query(db.users).options(selectinload(db.users.loans)).all(),
    "subquery": lambda s, db: s.query(db.users).options(subqueryload(db.users.loans)).all(),
    "lazy": lambda s, db: [user.loans for user in s.query(db.users)],
    "refresh": lambda s, db: s.refresh(s.query(db.users).first()),
    "expired": lambda s, db: (
        (user := s.query(db.users).first()), s.expire(user), user.email,
    ),
    "execute": lambda s, db: s.execute("SELECT name FROM users").fetchone(),
    "nothing": lambda s, db: s.query(db.users).filter_by(name="nobody").all(),
    "lock": lambda s, db: s.query(db.users).with_lockmode("update").all(),
}  # fmt: skip


@pytest.mark.parametrize("way", READS)
def test_queries_leave_nothing_open(way, auto, lib, engine):
    """After a query no connection is in use, and none has a transaction."""
    READS[way](auto, lib)
    assert idle(engine)
    assert not auto.in_transaction()


def test_a_query_that_fails(lite_auto, lite):
    """Neither is one after a query that the database refuses."""
    with pytest.raises(OperationalError, match="no such column"):
        lite_auto.query(sa.literal_column("no_such_column")).all()
    assert idle(lite)


def test_what_queries_give(auto, lib):
    """Rows are the same as with a transaction, be they loaded with what is related or not."""
    users, loans = lib.users, lib.loans
    eager = auto.query(users).options(joinedload(users.loans)).order_by(users.name)
    assert [(user.name, len(user.loans)) for user in eager] == [("Ada", 0), ("Bo", 2), ("Cy", 0)]
    pairs = auto.query(users, loans).join(users.loans).options(joinedload(users.loans))
    found = [(user.name, len(user.loans), loan.book_id) for user, loan in pairs]
    assert sorted(found) == [("Bo", 2, 1), ("Bo", 2, 3)]
    assert [user.name for user in auto.query(users).order_by(users.name).yield_per(1)] == [
        "Ada", "Bo", "Cy",
    ]  # fmt: skip


def test_queries_see_what_others_commit(auto, lib, engine):
    """Each query sees what another connection has committed in between."""
    assert auto.query(lib.users.email).filter_by(name="Bo").scalar() == "bo@example.org"
    change(engine, "UPDATE users SET email = 'new' WHERE name = 'Bo'")
    assert auto.query(lib.users.email).filter_by(name="Bo").scalar() == "new"
    bo = auto.query(lib.users).filter_by(name="Bo").one()
    change(engine, "UPDATE users SET email = 'newer' WHERE name = 'Bo'")
    auto.refresh(bo)
    assert bo.email == "newer"
    change(engine, "UPDATE users SET email = 'newest' WHERE name = 'Bo'")
    auto.expire(bo)
    assert bo.email == "newest"


# autocommit=True: transactions


def test_begin(auto, lib, engine):
    """begin() begins a transaction that commit() and rollback() end; before and after is none."""
    assert auto.autocommit is True
    assert (auto.transaction, auto.is_active, auto.in_transaction()) == (None, False, False)
    begun = auto.begin()
    assert auto.transaction is begun
    assert (auto.is_active, begun.parent) == (True, None)
    auto.add(tag(lib.tags, "new"))
    auto.flush()
    assert words(engine) == ["food", "hot"]
    auto.commit()
    assert (auto.transaction, auto.is_active) == (None, False)
    assert words(engine) == ["food", "hot", "new"]
    auto.begin()
    auto.add(tag(lib.tags, "newer"))
    auto.execute("DELETE FROM tags WHERE word = 'new'")
    auto.rollback()
    assert words(engine) == ["food", "hot", "new"]
    assert not auto.new
    assert idle(engine)


def test_begin_as_a_block(auto, lib, engine):
    """`with session.begin():` commits at its end, and rolls back on an exception."""
    with auto.begin():
        auto.add(tag(lib.tags, "new"))
    assert words(engine) == ["food", "hot", "new"]
    with pytest.raises(ZeroDivisionError), auto.begin():
        fail_after_adding(auto, tag(lib.tags, "newer"))
    assert words(engine) == ["food", "hot", "new"]
    assert idle(engine)


def test_outside_a_transaction(lite_auto):
    """commit() is an error outside a transaction, and rollback() does nothing."""
    with pytest.raises(InvalidRequestError) as caught:
        lite_auto.commit()
    assert str(caught.value) == IDLE
    lite_auto.rollback()
    with pytest.raises(InvalidRequestError) as caught:
        lite_auto.begin_nested()
    assert str(caught.value) == "begin_nested() of a session is for after begin()"
    lite_auto.begin()
    with pytest.raises(InvalidRequestError, match="already begun"):
        lite_auto.begin()


def test_pending_rows_at_begin(lite_auto, tags, lite):
    """What is pending when begin() is called is stored before, and does not go with a rollback."""
    lite_auto.add(tag(tags, "before"))
    lite_auto.begin()
    assert words(lite) == ["before", "food", "hot"]
    lite_auto.add(tag(tags, "within"))
    lite_auto.rollback()
    assert words(lite) == ["before", "food", "hot"]


def test_savepoints(auto, lib, engine):
    """commit() and rollback() after begin_nested() are for the savepoint alone."""
    auto.begin()
    auto.add(tag(lib.tags, "a"))
    auto.begin_nested()
    auto.add(tag(lib.tags, "b"))
    auto.flush()
    auto.rollback()
    with auto.begin_nested():
        auto.add(tag(lib.tags, "c"))
    auto.begin_nested()
    auto.add(tag(lib.tags, "d"))
    auto.commit()
    for word in ("e", "food"):
        try:
            with auto.begin_nested():
                auto.add(tag(lib.tags, word))
        except IntegrityError:
            pass
    assert words(engine) == ["food", "hot"]
    auto.commit()
    assert words(engine) == ["a", "c", "d", "e", "food", "hot"]
    assert idle(engine)
    assert forms() == ["session-autocommit", "session-savepoint"]


def test_the_connection_of_a_session(auto, db, engine):
    """connection() is one that commits by itself, and that of the transaction after begin()."""
    connection = auto.connection(execution_options={"mine": 1})
    assert connection.get_execution_options()["mine"] == 1
    connection.execute(sa.text("INSERT INTO tags VALUES ('new')"))
    assert words(engine) == ["food", "hot", "new"]
    connection.close()
    auto.connection(db.users).close()
    assert idle(engine)
    with auto.begin():
        assert auto.connection() is auto.connection(mapper=db.users)
        auto.connection().execute(sa.text("DELETE FROM tags WHERE word = 'new'"))
        assert words(engine) == ["food", "hot", "new"]
    assert words(engine) == ["food", "hot"]


def test_a_session_of_a_connection(engine, db):
    """A session that is bound to a connection commits by itself, unless that has a transaction."""
    with engine.connect() as connection:
        session = Session(connection, autocommit=True)
        session.execute("INSERT INTO tags VALUES ('a')")
        session.add(tag(db.tags, "b"))
        session.flush()
        assert words(engine) == ["a", "b", "food", "hot"]
        with session.connection() as same:
            assert same.scalar(sa.text("SELECT count(*) FROM tags")) == 4
        assert not connection.closed
        outer = connection.begin()
        session.execute("INSERT INTO tags VALUES ('c')")
        session.add(tag(db.tags, "d"))
        session.flush()
        outer.rollback()
        assert words(engine) == ["a", "b", "food", "hot"]


def test_where_sessions_with_autocommit_come_from(lite, soup):
    """Session, sessionmaker, scoped_session and create_session make them, with what was given."""
    made = sessionmaker(lite, autocommit=True, info={"mine": 1})
    assert made().autocommit is True
    assert made().info["mine"] == 1
    assert made(autocommit=False).autocommit is False
    made.configure(autocommit=False)
    assert made().autocommit is False
    assert sessionmaker(lite)(autocommit=True).autocommit is True
    assert scoped_session(sessionmaker(lite, autocommit=True)).autocommit is True
    session = create_session(lite)
    assert (session.autocommit, session.autoflush, session.expire_on_commit) == (True, False, False)
    session.add(tag(soup.tags, "new"))
    assert session.query(soup.tags).count() == 2
    session.flush()
    assert session.query(soup.tags).count() == 3
    assert create_session(lite, autocommit=False).autocommit is False

    class Mine(Session):
        def __init__(self, bind):
            super().__init__(bind, autocommit=True)

    assert Mine(lite).autocommit is True


def test_what_is_noted_of_a_sessionmaker(lite):
    """It is where the argument is, and not where a session is made of it."""
    made = sessionmaker(lite, autocommit=True)
    made()
    made()
    assert [(n.form, n.count) for n in legacy.report().notes] == [("session-autocommit", 1)]
    _notes.clear()
    made(autocommit=True)
    assert [(n.form, n.count) for n in legacy.report().notes] == [("session-autocommit", 1)]


def test_scoped_sessions_in_threads(engine, db):
    """Each thread has a session that commits by itself."""
    cls, sessions = db.tags, scoped_session(sessionmaker(engine, autocommit=True))
    made = [tag(cls, f"t{number}") for number in range(8)]
    lock = threading.Lock()

    def store(row):
        with lock:  # SQLite has one writer at a time
            sessions.add(row)
            sessions.flush()
        found = sessions.query(cls).filter_by(word=row.word).count()
        sessions.remove()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(store, made)) == [1] * 8
    assert words(engine) == ["food", "hot", *(f"t{number}" for number in range(8))]
    assert idle(engine)


def test_two_engines(tmp_path, make_engine, lite, soup):
    """A session with two engines commits on both, or on neither when a flush fails."""
    other = make_engine(f"sqlite:///{tmp_path}/other.db")
    with other.begin() as connection:
        connection.execute(sa.text("CREATE TABLE tags (word VARCHAR PRIMARY KEY)"))
    here, there = soup.tags, sqlsoup.SQLSoup(other).tags
    session = Session(binds={here: lite, there: other}, autocommit=True)
    session.add_all([tag(here, "new"), tag(there, "new")])
    session.flush()
    assert (words(lite), words(other)) == (["food", "hot", "new"], ["new"])
    session.add_all([tag(here, "food"), tag(there, "newer")])
    with pytest.raises(IntegrityError):
        session.flush()
    assert (words(lite), words(other)) == (["food", "hot", "new"], ["new"])
    session.execute("INSERT INTO tags VALUES ('a')", mapper=there)
    session.execute("INSERT INTO tags VALUES ('b')", None, there)
    session.execute("INSERT INTO tags VALUES ('c')", None, None, other)
    session.execute("INSERT INTO tags VALUES ('d')", bind=other)
    assert words(other) == ["a", "b", "c", "d", "new"]
    assert (session.query(here).count(), session.query(there).count()) == (3, 5)
    with pytest.raises(UnboundExecutionError):
        session.execute("SELECT 1")
    assert other.pool.checkedout() == lite.pool.checkedout() == 0


# autocommit=True: in a SQLSoup


@pytest.mark.parametrize("kind", ["registry", "session"])
def test_a_soup_whose_session_commits_by_itself(kind, engine):
    """Everything a SQLSoup does through such a session is stored at once."""
    maker = sessionmaker(autocommit=True)
    db = sqlsoup.SQLSoup(engine, session=scoped_session(maker) if kind == "registry" else maker())
    db.tags.insert(word="a")
    db.flush()
    db.execute("INSERT INTO tags VALUES ('b')")
    db.execute("INSERT INTO tags VALUES (:w)", w="c")
    db.tags.filter_by(word="c").update({"word": "d"})
    assert words(engine) == ["a", "b", "d", "food", "hot"]
    db.tags.filter_by(word="d").delete()
    db.delete(db.tags.get("a"))
    db.flush()
    assert [row.word for row in db.tags.order_by("word")] == words(engine) == ["b", "food", "hot"]
    with pytest.raises(InvalidRequestError) as caught:
        db.commit()
    assert str(caught.value) == IDLE
    db.rollback()
    assert "tags" in db
    assert idle(engine)


def test_a_block_of_such_a_soup(engine):
    """`with db:` begins a transaction there, which is committed, or rolled back."""
    db = sqlsoup.SQLSoup(engine, session=scoped_session(sessionmaker(autocommit=True)))
    db.tags.insert(word="before")
    with db:
        db.tags.insert(word="within")
        db.execute("INSERT INTO tags VALUES ('executed')")
        db.flush()
        assert words(engine) == ["before", "food", "hot"]
        with db:
            db.tags.insert(word="nested")
    assert words(engine) == ["before", "executed", "food", "hot", "nested", "within"]
    with pytest.raises(ZeroDivisionError), db:
        fail_after_adding(db.session, tag(db.tags, "never"))
    assert words(engine) == ["before", "executed", "food", "hot", "nested", "within"]
    assert idle(engine)


# subtransactions


@pytest.mark.parametrize("autocommit", [True, False])
def test_subtransactions(autocommit, engine, db):
    """Inner commits leave the decision to the outermost one, at each depth."""
    session = Session(engine, autocommit=autocommit)
    session.begin(subtransactions=True)
    session.begin(subtransactions=True)
    session.add(tag(db.tags, "new"))
    session.commit()
    assert not session.new
    session.commit()
    assert words(engine) == (["food", "hot", "new"] if autocommit else ["food", "hot"])
    if not autocommit:  # the session itself is the outermost
        session.commit()
    assert words(engine) == ["food", "hot", "new"]
    assert idle(engine)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_inner_rollback(depth, lite, tags):
    """It undoes all, and the session is inactive until the outermost level has rolled back."""
    session = Session(lite, autocommit=True)
    session.begin()
    for _ in range(depth):
        session.begin(subtransactions=True)
    session.add(tag(tags, "new"))
    session.flush()
    for _ in range(depth):
        session.rollback()
        assert not session.is_active
        assert session.transaction is not None
        for refused in (
            session.commit,
            session.begin,
            session.connection,
            lambda: session.begin(subtransactions=True),
            lambda: session.query(tags).count(),
            lambda: session.execute("SELECT 1"),
            lambda: session.bulk_insert_mappings(tags, [{"word": "b"}]),
        ):
            with pytest.raises(InvalidRequestError) as caught:
                refused()
            assert str(caught.value) == INACTIVE
        session.flush()  # nothing is there to be stored
    session.add(tag(tags, "other"))
    with pytest.raises(InvalidRequestError) as caught:
        session.flush()
    assert str(caught.value) == INACTIVE
    session.rollback()
    session.expunge_all()
    assert session.transaction is None
    assert words(lite) == ["food", "hot"]
    with session.begin():
        session.add(tag(tags, "later"))
    assert words(lite) == ["food", "hot", "later"]


@pytest.mark.parametrize("way", ["rollback", "close"])
@pytest.mark.parametrize("outer", ["begin", "begin_nested"])
def test_outer_transaction_of_an_inner_rollback(outer, way, lite, tags):
    """What begin() has given is rolled back as well, commits nothing, and is over then."""
    session = Session(lite, autocommit=True)
    session.begin()
    whole = session.begin_nested() if outer == "begin_nested" else session.transaction
    session.begin(subtransactions=True)
    session.add(tag(tags, "new"))
    session.flush()
    session.rollback()
    with pytest.raises(InvalidRequestError) as caught:
        whole.commit()
    assert str(caught.value) == INACTIVE
    assert not whole.is_active
    getattr(whole, way)()
    session.add(tag(tags, "later"))
    if outer == "begin":
        assert session.transaction is None
        session.begin()
    for end in (whole.commit, whole.rollback):
        with pytest.raises(ResourceClosedError) as caught:
            end()
        assert str(caught.value) == "This transaction is closed"
    session.commit()
    assert words(lite) == ["food", "hot", "later"]


def test_functions_that_call_each_other(plain, tags, lite):
    """The usual try: commit, except: rollback works at any depth."""

    def store(*rows):
        plain.begin(subtransactions=True)
        try:
            for row in rows:
                store(*row) if isinstance(row, list) else plain.add(tag(tags, row))
            plain.commit()
        except IntegrityError:
            plain.rollback()
            raise

    with pytest.raises(IntegrityError):
        store("a", ["b"], ["food"], "c")
    plain.rollback()
    store("d", ["e", ["f"]])
    plain.commit()
    assert words(lite) == ["d", "e", "f", "food", "hot"]
    assert forms() == ["session-subtransactions"]


def test_subtransactions_as_blocks(plain, tags, lite):
    """A block leaves the decision to the outer one, and rolls all back on an exception."""
    with plain.begin(subtransactions=True), plain.begin(subtransactions=True):
        plain.add(tag(tags, "a"))
    assert words(lite) == ["food", "hot"]
    plain.commit()
    assert words(lite) == ["a", "food", "hot"]
    with pytest.raises(ZeroDivisionError), plain.begin(subtransactions=True):
        fail_after_adding(plain, tag(tags, "b"))
    assert not plain.is_active
    plain.rollback()
    with pytest.raises(IntegrityError), plain.begin(subtransactions=True):
        plain.add(tag(tags, "food"))
    plain.rollback()
    assert plain.is_active


def test_a_block_whose_inner_one_failed(lite_auto, tags, lite):
    """An outer block cannot commit after that, and the session can be used again after it."""

    def inner():
        with lite_auto.begin(subtransactions=True):
            fail_after_adding(lite_auto, tag(tags, "new"))

    def outer():
        with lite_auto.begin():
            with pytest.raises(ZeroDivisionError):
                inner()
            lite_auto.query(tags).count()

    with pytest.raises(InvalidRequestError):
        outer()
    assert words(lite) == ["food", "hot"]
    lite_auto.add(tag(tags, "newer"))
    lite_auto.flush()
    assert words(lite) == ["food", "hot", "newer"]


def test_what_a_subtransaction_is(plain):
    """It has the attributes of a transaction, and ends once."""
    outer = plain.begin(subtransactions=True)
    inner = plain.begin(subtransactions=True)
    assert plain.transaction is inner
    assert (inner.parent, inner.nested, inner.is_active, inner.session) == (
        outer, False, True, plain,
    )  # fmt: skip
    outer.commit()  # those within are part of it
    assert (inner.is_active, outer.is_active) == (False, False)
    assert plain.transaction is outer.parent
    for again in (outer.commit, outer.rollback, inner.close):
        with pytest.raises(ResourceClosedError) as caught:
            again()
        assert str(caught.value) == "This transaction is closed"
    outer = plain.begin(subtransactions=True)
    inner = plain.begin(subtransactions=True)
    outer.close()
    assert (inner.is_active, outer.is_active, plain.is_active) == (False, False, True)
    inner = plain.begin(subtransactions=True)
    inner.rollback()
    assert not plain.is_active
    plain.rollback()
    assert plain.is_active


def test_the_outermost_ends_by_itself(lite_auto, tags, lite):
    """The object that the outermost begin() gave ends all within."""
    outer = lite_auto.begin()
    lite_auto.begin(subtransactions=True)
    lite_auto.add(tag(tags, "new"))
    outer.commit()
    assert words(lite) == ["food", "hot", "new"]
    assert lite_auto.transaction is None


def test_subtransactions_within_a_savepoint(plain, tags, lite):
    """An inner rollback goes to the savepoint, and what was before can be committed."""
    plain.add(tag(tags, "a"))
    plain.begin_nested()
    plain.begin(subtransactions=True)
    plain.add(tag(tags, "b"))
    plain.flush()
    plain.rollback()
    assert not plain.is_active
    with pytest.raises(InvalidRequestError) as caught:
        plain.commit()
    assert str(caught.value) == INACTIVE
    plain.rollback()
    assert plain.is_active
    plain.begin(subtransactions=True)
    plain.begin_nested()
    plain.add(tag(tags, "c"))
    plain.commit()
    plain.commit()
    plain.commit()
    assert words(lite) == ["a", "c", "food", "hot"]


def test_close_ends_all(lite, tags):
    """close() forgets what was begun, inactive or not."""
    for session in (Session(lite), Session(lite, autocommit=True)):
        session.begin()
        session.begin(subtransactions=True)
        session.rollback()
        session.close()
        session.add(tag(tags, "new"))
        session.flush()
        session.close()
    assert words(lite) == ["food", "hot", "new"]


# other arguments and methods


def test_strings_as_statements(plain):
    """execute() and scalar() take strings with named parameters."""
    query = "SELECT word FROM tags WHERE word = :w"
    assert plain.execute(query, {"w": "hot"}).scalar() == "hot"
    assert plain.execute(query, params={"w": "hot"}).scalar() == "hot"
    assert plain.execute(clause=query, params={"w": "hot"}).scalar() == "hot"
    assert plain.scalar(query, {"w": "hot"}) == "hot"
    assert plain.scalar("SELECT count(*) FROM tags") == 2
    assert forms() == ["session-mapper", "session-string"]


def test_a_string_flushes_nothing(plain, tags):
    """What is pending is not flushed before a string is executed."""
    plain.add(tag(tags, "new"))
    assert plain.scalar("SELECT count(*) FROM tags") == 2
    assert plain.query(tags).count() == 3


def test_where_to_execute(plain, soup, lite):
    """mapper=, clause= and bind= are taken by name and by position."""
    users, table = soup.users, soup.users._table
    assert plain.execute("SELECT 1", mapper=users).scalar() == 1
    assert plain.scalar("SELECT 1", None, users) == 1
    assert plain.connection(users) is plain.connection(None, table) is plain.connection()
    assert plain.connection(bind=lite) is plain.connection(close_with_result=True)
    assert plain.get_bind(users) is plain.get_bind(users, table) is lite
    assert plain.get_bind(None, clause=table) is lite
    assert soup.session().get_bind(users, table) is soup.session().get_bind(None, table) is lite
    assert forms() == ["session-argument", "session-mapper", "session-string"]


@pytest.fixture(params=["bare", "taught"])
def routed(request, lite, make_engine):
    """Sessions of a program with a get_bind() of the time, which a SQLSoup knows or not."""
    engines = {"lite": lite, "other": make_engine("sqlite://")}
    with engines["other"].begin() as connection:
        connection.execute(sa.text("CREATE TABLE tags (word TEXT PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO tags VALUES ('other')"))

    class Routed(Session):
        def get_bind(self, mapper=None, clause=None, role="lite"):
            return engines[role]

    Routed.other = engines["other"]
    if request.param == "taught":
        sqlsoup.SQLSoup(lite, session=scoped_session(sessionmaker(class_=Routed)))
    return Routed


def test_a_bind_past_a_get_bind(routed):
    """A bind that is given is where a statement goes, whatever the session finds itself."""
    session, other = routed(), routed.other
    count, tags = "SELECT count(*) FROM tags", sa.table("tags", sa.column("word"))
    assert session.execute(count, bind=other).scalar() == session.scalar(count, bind=other) == 1
    assert session.execute(tags.select(), None, None, other).first().word == "other"
    assert session.connection(bind=other).engine is other
    session.get_bind = session.get_bind  # as that of one session alone
    session.execute(tags.insert(), {"word": "x"}, bind=other)
    session.commit()
    assert session.scalar(count) == session.scalar(count, bind=other) == 2
    assert "get_bind() `if bind is not None: return bind`" in str(legacy.report())
    assert forms() == ["session-mapper", "session-string"]


def test_a_bind_past_the_get_bind_of_a_session_that_commits_by_itself(routed):
    """It is, too, where statements have connections of their own."""
    session, other = routed(autocommit=True), routed.other
    session.execute("INSERT INTO tags VALUES ('x')", bind=other)
    assert session.connection(bind=other).scalar("SELECT count(*) FROM tags") == 2
    assert session.connection().engine is session.get_bind() is not other


def test_arguments_for_a_get_bind(routed):
    """All other arguments by name are for it; those that nothing takes are an error."""
    session, other = routed(), routed.other
    word = sa.text("SELECT max(word) FROM tags")
    assert session.execute(word, role="other").scalar() == "other"
    assert session.scalar(word, mapper=None, role="other") == "other"
    assert scoped_session(routed).connection(role="other").engine is other
    assert forms() == ["session-mapper"]
    with pytest.raises(TypeError, match="'rol'"):
        session.execute(word, rol="other")
    for call in (Session.execute, Session.scalar):
        with pytest.raises(TypeError, match="'role'"):
            call(Session(other), word, role="other")


@pytest.mark.parametrize("option", ["of the query", "of the engine", "none"])
def test_queries_that_commit(option, lite, soup):
    """A query with the option autocommit is committed in a session that does so by itself."""
    commits = []
    event.listen(lite, "commit", commits.append)
    engine = lite.execution_options(autocommit=True) if option == "of the engine" else lite
    session = Session(engine, autocommit=True)
    query = session.query(soup.users.name).order_by(soup.users.name)
    if option == "of the query":
        query = query.execution_options(autocommit=True)
    assert [name for (name,) in query] == ["Ada", "Bo", "Cy"]
    assert len(commits) == (option != "none")


def test_a_shard_by_its_name(lite, make_engine):
    """A statement and a connection are for the shard that is named."""
    shards = {"a": lite, "b": make_engine("sqlite://")}
    session = ShardedSession(
        shard_chooser=str, identity_chooser=str, execute_chooser=str, shards=shards
    )
    assert session.connection(shard_id="b").engine is shards["b"]
    assert session.execute("SELECT 1", shard_id="b").scalar() == 1
    assert forms() == ["session-mapper", "session-string"]


def test_shards_that_commit_by_themselves(lite, soup, make_engine):
    """A query gives the rows of all shards."""
    engines = {"a": lite, "b": make_engine(lite.url)}
    session = ShardedSession(
        shard_chooser=lambda mapper, instance, clause=None: "a",
        identity_chooser=str,
        execute_chooser=lambda context: ["a", "b"],
        shards=engines,
        autocommit=True,
    )
    names = [name for (name,) in session.query(soup.users.name)]
    assert sorted(names) == ["Ada", "Ada", "Bo", "Bo", "Cy", "Cy"]


def test_a_get_bind_that_needs_a_mapper(lite, soup):
    """It gets None where there is none, which is noted there alone."""

    class Needy(Session):
        def get_bind(self, mapper, clause=None):
            seen.append(mapper)
            return lite

    seen, session = [], Needy()
    assert session.query(soup.users).filter_by(name="Bo").one().name == "Bo"
    assert session.scalar(sa.select(soup.users.name).limit(1))
    assert None not in seen
    assert forms() == []
    del seen[:]
    assert session.execute(sa.text("SELECT 1")).scalar() == session.scalar(sa.text("SELECT 1")) == 1
    assert session.connection().scalar(sa.text("SELECT 1")) == 1
    assert session.query(sa.literal("x")).scalar() == "x"
    assert session.execute(sa.text("SELECT 1"), mapper=soup.users).scalar() == 1
    assert seen == [None, None, None, None, soup.users]
    assert forms() == ["session-mapper"]


def test_methods_of_a_session_without_new_arguments(lite):
    """Queries pass them by, which they had nothing to do with; the program's calls do not."""

    class Own(Session):
        def execute(self, clause, params=None, mapper=None, bind=None):
            called.append(str(clause))
            return Session.execute(self, clause, params, mapper, bind)

        def connection(self, mapper=None, clause=None):
            called.append("connection")
            return super().connection(mapper, clause)

    class Sub(Own):
        pass

    class Open(Session):
        def execute(self, *args, **kw):
            called.append("any")
            return super().execute(*args, **kw)

        connection = None

    called = []
    db = sqlsoup.SQLSoup(lite, session=scoped_session(sessionmaker(lite, class_=Sub)))
    user = db.session.query(db.users).filter_by(name="Bo").one()
    db.session.refresh(user)
    db.users.filter_by(name="Bo").update({"admin": 1})
    assert db.execute("SELECT 1").scalar() == db.connection().scalar("SELECT 1") == 1
    assert called == []
    assert db.session.execute("SELECT 2").scalar() == db.session.scalar("SELECT 2") == 2
    assert db.session.connection().scalar("SELECT 3") == 3
    assert called == ["SELECT 2", "SELECT 2", "connection"]
    lines = {note.line for note in legacy.report().notes if "without **kw" in note.old}
    assert lines == {f.__wrapped__.__code__.co_firstlineno for f in (Own.execute, Own.connection)}
    db.session.remove()
    session = Open(lite)
    assert session.query(sa.literal("x")).scalar() == "x"
    assert called[3:] == ["any"]


def test_refresh_with_a_lock(db, statements):
    """refresh() takes lockmode=, and a mode for its third argument."""
    bo = db.users.get("Bo")
    session = db.session
    for refresh in (
        lambda: session.refresh(bo, lockmode="update"),
        lambda: session.refresh(bo, ["email"], "update"),
    ):
        refresh()
        assert statements[-1].endswith("FOR UPDATE") is (db.engine.dialect.name != "sqlite")
    session.refresh(bo, ["email"])
    session.refresh(bo, lockmode=None)
    assert "FOR UPDATE" not in statements[-1]
    assert forms() == ["with-lockmode"]


def test_is_modified(plain, soup):
    """is_modified() takes passive=, by name and by position."""
    bo = plain.get(soup.users, "Bo")
    assert not plain.is_modified(bo, passive=True)
    bo.email = "new"
    assert plain.is_modified(bo, False, True)
    assert plain.is_modified(bo, include_collections=False)
    assert [note.old for note in legacy.report().notes] == ["is_modified(passive=)"] * 2


def test_merge(plain, soup):
    """merge() takes load= by position, and dont_load=."""
    bo = plain.get(soup.users, "Bo")
    for arguments, keywords in (((False,), {}), ((), {"dont_load": True}), ((), {"load": False})):
        plain.expunge_all()
        merged = plain.merge(bo, *arguments, **keywords)
        assert (merged.name, merged is bo) == ("Bo", False)
    assert len(legacy.report().notes) == 1


def test_arguments_by_position(lite):
    """Session() and sessionmaker() take their first arguments by position."""
    session = Session(lite, False, False)
    assert (session.autoflush, session.expire_on_commit, session.autocommit) == (
        False, False, False,
    )  # fmt: skip
    assert Session(lite, False, True, True, True).autocommit is True
    made = sessionmaker(lite, Session, False, True, False)()
    assert (made.autoflush, made.autocommit, made.expire_on_commit) == (False, True, False)
    assert type(sessionmaker(lite, class_=None)()) is not Session
    assert forms() == ["session-argument", "session-attribute", "session-autocommit"]


def test_arguments_that_are_gone(lite):
    """autoexpire= is expire_on_commit=, and what cannot be done is an error."""
    assert Session(lite, autoexpire=False).expire_on_commit is False
    assert sessionmaker(lite, autoexpire=False)().expire_on_commit is False
    Session(lite, _enable_transaction_accounting=True)
    with pytest.raises(ArgumentError) as caught:
        Session(lite, _enable_transaction_accounting=False)
    assert str(caught.value) == (
        "_enable_transaction_accounting=False of a session cannot be done on SQLAlchemy 2"
    )
    assert forms() == ["session-argument"]


def test_rows_that_the_session_keeps(lite, soup):
    """weak_identity_map=False keeps the rows of a session until they leave it, or prune()."""
    session = Session(lite, weak_identity_map=False)

    def count():
        gc.collect()
        return len(list(session))

    session.query(soup.tags).all()
    assert count() == 2
    session.add(tag(soup.tags, "new"))
    session.flush()
    assert count() == 3
    session.delete(session.get(soup.tags, "new"))
    session.flush()
    assert count() == 2
    session.rollback()
    session.expunge(session.get(soup.tags, "hot"))
    assert count() == 1
    held = session.query(soup.tags).filter_by(word="hot").one()
    assert session.prune() == 1  # the row that is not in use
    assert list(session) == [held]
    session.expunge_all()
    assert count() == 0
    session.close()
    assert Session(lite).prune() == 0
    assert Session(lite, weak_identity_map=True).prune() == 0


def test_transaction_and_autocommit(plain):
    """A session always has a transaction, which is begun where it is asked for."""
    assert plain.autocommit is False
    first = plain.transaction
    assert plain.transaction is first
    assert (plain.is_active, first.parent) == (True, None)
    savepoint = plain.begin_nested()
    assert plain.transaction is savepoint
    plain.rollback()
    assert plain.transaction is first
    assert forms() == ["session-attribute", "session-savepoint"]


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_close_all(lite, soup):
    """close_all() of a session, of its class, and of what makes sessions closes them all."""
    made = sessionmaker(lite)
    for owner in (made(), Session, made, scoped_session(made)):
        session = made()
        session.query(soup.users).all()
        owner.close_all()
        assert not session.in_transaction()
    assert [note.form for note in legacy.report().notes] == ["close-all"]


def test_block_whose_transaction_has_ended(lite):
    """A session refuses to work within a block whose transaction was committed, as on 2.x."""
    with Session(lite) as session, session.begin():
        session.commit()
        with pytest.raises(InvalidRequestError, match="Can't operate on closed transaction"):
            session.execute(sa.text("SELECT 1"))


def test_query_class(lite):
    """query_cls= is what it was."""

    class Mine(Query):
        pass

    assert type(Session(lite, query_cls=Mine).query(sa.literal(1))) is Mine


# extensions


HOOKS = {
    "before_commit": lambda session: (),
    "after_commit": lambda session: (),
    "after_rollback": lambda session: (),
    "before_flush": lambda session, flush_context, instances: (
        session.scalar("SELECT count(*) FROM tags"),
    ),
    "after_flush": lambda session, flush_context: (),
    "after_flush_postexec": lambda session, flush_context: (),
    "after_begin": lambda session, transaction, connection: (),
    "after_attach": lambda session, instance: (instance.word,),
    "after_bulk_update": lambda session, query, query_context, result: (
        type(query), result.rowcount,
    ),
    "after_bulk_delete": lambda session, query, query_context, result: (
        type(query), result.rowcount,
    ),
}  # fmt: skip


def listener():
    """Return an extension with all hooks, and the list that these append to."""
    from sqlalchemy.orm.interfaces import SessionExtension

    seen = []

    def hook(name):
        return lambda self, *arguments: seen.append((name, *HOOKS[name](*arguments)))

    return type("Listener", (SessionExtension,), {name: hook(name) for name in HOOKS})(), seen


def test_session_extension(lite, tags):
    """Each hook is called, with the arguments that it had."""
    extension, seen = listener()
    session = Session(lite, extension=extension)
    session.add(tag(tags, "new"))
    session.commit()
    assert seen == [
        ("after_attach", "new"), ("before_commit",), ("after_begin",), ("before_flush", 2),
        ("after_flush",), ("after_flush_postexec",), ("after_commit",),
    ]  # fmt: skip
    seen.clear()
    new = session.query(tags).filter_by(word="new")
    new.update({"word": "newer"})
    session.query(tags).filter_by(word="newer").delete()
    session.rollback()
    assert seen == [
        ("after_begin",), ("after_bulk_update", Query, 1), ("after_bulk_delete", Query, 1),
        ("after_rollback",),
    ]  # fmt: skip
    assert forms() == ["session-extension", "session-string"]


def test_several_extensions(lite):
    """They are called in their order, for sessions of a sessionmaker as well."""
    from sqlalchemy.orm import SessionExtension

    seen = []

    class First(SessionExtension):
        def after_commit(self, session):
            seen.append(type(self).__name__)

    class Second(First):
        pass

    sessionmaker(lite, extension=[First(), Second()])().commit()
    scoped_session(sessionmaker(lite, extension=Second())).commit()
    assert seen == ["First", "Second", "Second"]


@pytest.mark.parametrize("name", ["after_rollback", "after_soft_rollback"])
@pytest.mark.parametrize("options", [{}, {"autocommit": False}])
def test_rollback_in_which_nothing_has_begun(lite, name, options):
    """Listeners hear of it, which is noted; SQLAlchemy 2 tells them nothing."""
    session = Session(lite, **options)
    session.rollback()
    assert not legacy.report()
    seen = []
    event.listen(session, name, lambda *_: seen.append(session.in_transaction()))
    session.rollback()
    assert len(seen) == 1
    assert forms() == ["session-idle-rollback"]
    assert not session.in_transaction()
    session.begin()
    session.rollback()
    session.begin_nested().rollback()
    session.rollback()
    assert len(seen) == 4
    assert legacy.report().notes[-1].count == 1


def test_rollback_of_a_session_that_commits_by_itself(auto):
    """Where no transaction was begun, none is rolled back."""
    seen = []
    event.listen(auto, "after_rollback", seen.append)
    auto.rollback()
    assert seen == []


def test_events_of_a_session_that_commits_by_itself(auto, lib):
    """A flush gives each event once, and a listener can query before it."""
    seen = []
    for name in ("before_commit", "after_commit", "after_flush", "after_rollback"):
        event.listen(auto, name, lambda *_arguments, name=name: seen.append(name))
    event.listen(
        auto, "before_flush", lambda session, *_: seen.append(session.query(lib.tags).count())
    )
    auto.add(tag(lib.tags, "new"))
    auto.flush()
    assert seen == [2, "after_flush", "before_commit", "after_commit"]
    seen.clear()
    auto.query(lib.tags).all()
    auto.execute("UPDATE tags SET word = 'old' WHERE word = 'new'")
    auto.flush()
    assert seen == []
    with auto.begin():
        auto.add(tag(lib.tags, "newest"))
    assert seen == ["before_commit", 3, "after_flush", "after_commit"]


# what needs no change


NEW = {
    "select": lambda s, db: s.execute(sa.select(db.users)).scalars().all(),
    "parameters": lambda s, db: s.execute(sa.text("SELECT :a"), {"a": 1}).all(),
    "scalar": lambda s, db: s.scalar(sa.select(sa.func.count()).select_from(db.users)),
    "scalars": lambda s, db: s.scalars(sa.select(db.users.name)).all(),
    "bind_arguments": lambda s, db: s.execute(
        sa.select(db.users.name), bind_arguments={"mapper": db.users}
    ).all(),
    "connection": lambda s, db: s.connection({"mapper": db.users}, execution_options={}),
    "get_bind": lambda s, db: s.get_bind(db.users, clause=db.users._table),
    "begin": lambda s, db: s.begin().commit(),
    "savepoint": lambda s, db: s.begin_nested().rollback(),
    "savepoint as a block": lambda s, db: s.begin_nested().__enter__().commit(),
    "refresh": lambda s, db: s.refresh(s.get(db.users, "Bo"), ["email"], with_for_update=True),
    "merge": lambda s, db: s.merge(s.get(db.users, "Bo"), load=True),
    "is_modified": lambda s, db: s.is_modified(s.get(db.users, "Bo"), True),
    "maker": lambda s, db: sessionmaker(s.bind, expire_on_commit=False)(),
    "arguments": lambda s, db: Session(bind=s.bind, autoflush=False, info={}, future=True),
    "commit": lambda s, db: (s.query(db.users).first(), s.commit(), s.rollback(), s.close()),
    "with": lambda s, db: s.__enter__().get_transaction(),
    "is_active": lambda s, db: s.is_active,
    "bulk": lambda s, db: s.bulk_insert_mappings(db.tags, [{"word": "new"}]),
}


@pytest.mark.parametrize("form", NEW)
def test_new_forms(form, plain, soup):
    """What SQLAlchemy 2 takes is not noted."""
    NEW[form](plain, soup)
    assert not legacy.report()


def test_a_subclass_with_columns_in_its_statement(plain, soup):
    """A session executes what only looks like a statement, or tells that it cannot."""
    with pytest.raises(ArgumentError):
        plain.execute(soup.users)
    with pytest.raises(ArgumentError):
        plain.execute(None)


def test_engine_of_a_metadata(lite):
    """A session without an engine finds that of the MetaData, by a mapper and by a statement."""
    bound, unbound = sa.MetaData(), sa.MetaData()
    bound.bind = lite
    Tag, Other = type("Tag", (), {}), type("Other", (), {})
    for cls, metadata in ((Tag, bound), (Other, unbound)):
        table = sa.Table("tags", metadata, sa.Column("word", sa.Text, primary_key=True))
        sa.orm.registry().map_imperatively(cls, table)
    _notes.clear()
    session = Session()
    new = Tag()
    new.word = "new"
    session.add(new)
    session.commit()
    assert words(lite) == ["food", "hot", "new"]
    assert session.execute(sa.select(bound.tables["tags"].c.word).limit(1)).scalar() == "food"
    assert session.query(sa.func.count(Tag.word)).scalar() == 3
    assert session.get_bind(Tag) is lite
    assert {note.form for note in legacy.report().notes} == {"session-unbound"}
    for use in (lambda: session.query(Other).all(), lambda: session.execute(sa.text("SELECT 1"))):
        with pytest.raises(UnboundExecutionError):
            use()
    session.close()


def test_engine_of_a_soup_is_not_noted(soup):
    """The session of a SQLSoup finds its engine by itself, and that is nothing old."""
    soup.tags.count()
    soup.rollback()
    assert not [note for note in legacy.report().notes if note.form == "session-unbound"]


@pytest.mark.parametrize("ask", ["execute", "scalar", "scalars"])
def test_new_statements_with_arguments(ask, plain, lib, monkeypatch):
    """A select() is what it is without the module, and may have the arguments that are gone."""
    monkeypatch.setattr(_mappers, "are_ordered", False)  # as if no test had a mapper with order_by
    found = getattr(plain, ask)(sa.select(lib.users.name), execution_options={})
    _notes.clear()
    assert found == "Ada" if ask == "scalar" else found.first()
    assert not legacy.report().notes
    old = getattr(plain, ask)(sa.select(lib.users.name), mapper=lib.users)
    assert old == "Ada" if ask == "scalar" else old.first()
    assert forms() == ["session-mapper"]


def new_base():
    """Return a base that SQLAlchemy 1.3 did not have."""
    return type("Base", (DeclarativeBase,), {})


def declared(engine, base):
    """Declare the users of the library, and the books, whose titles must be given."""
    tables = sa.MetaData()
    for name in ("users", "books"):
        sa.Table(name, tables, autoload_with=engine)
    return [
        type(name.title(), (base,), {"__table__": tables.tables[name]})
        for name in ("users", "books")
    ]


LOADS = {
    "expired by a commit": (lambda session, _: session.commit(), lambda user: user.email),
    "expired attribute": (lambda session, user: session.expire(user, ["email"]), lambda u: u.email),
    "deferred column": (
        lambda session, user: (
            session.expunge(user),
            session.query(type(user)).options(defer("email")).first(),
        )[1],
        lambda user: user.email,
    ),
    "refresh": (lambda *_: None, lambda user: sa.orm.object_session(user).refresh(user)),
    "refresh of one": (
        lambda *_: None,
        lambda user: sa.orm.object_session(user).refresh(user, ["email"]),
    ),
}


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("make_base", [declarative_base, new_base])
def test_loads_that_do_not_flush(load, make_base, engine):
    """A row that is loaded again leaves a new one alone that has no title yet, and is noted."""
    users, books = declared(engine, make_base())
    prepare, read = LOADS[load]
    with Session(engine) as session:
        user = session.query(users).order_by(users.name).first()
        user = prepare(session, user) or user
        _notes.clear()
        book = books()
        session.add(book)
        if make_base is new_base:
            with pytest.raises(IntegrityError):
                read(user)
            assert forms() == []
        else:
            read(user)
            assert book in session.new
            assert forms() == ["flush-first"]
            book.title = user.name
            read(user)
            session.flush()
            assert forms() == ["flush-first"]


def test_loads_beside_complete_rows(lib):
    """Nothing is noted where the new row has all values, or a row or default to take them from."""
    session = lib.session
    user = lib.users.first()
    lib.loans.insert(book_id=1, user=user)
    session.refresh(user)
    session().autoflush = False
    lib.books.insert()
    session.refresh(user)
    session.remove()
    assert forms() == []


@pytest.mark.parametrize("make_base", [declarative_base, new_base])
def test_populate_existing_puts_changes_back(make_base, engine):
    """Changes are not stored before, and noted where there are some."""
    users, _ = declared(engine, make_base())
    with Session(engine) as session:
        query = session.query(users).order_by(users.name).populate_existing()
        assert forms() == []
        user = query.first()
        user.email = "changed"
        session.query(users).order_by(users.name).populate_existing().all()
        assert (user.email == "changed") is (make_base is new_base)
    assert forms() == ["populate-existing"] * (make_base is not new_base)


STATEMENTS = {
    "select of a table": lambda users: users.__table__.select(),
    "select of columns of a class": lambda users: sa.select([users.email]),
    "update of a table": lambda users: sa.update(users.__table__).values(email=None),
    "update with criteria of a class": lambda users: sa.update(users.__table__).where(
        users.name == "new"
    ),
    "text": lambda users: sa.text("SELECT name FROM users"),
}


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("make_base", [declarative_base, new_base])
def test_statements_of_tables_store_nothing(statement, make_base, engine):
    """A session executes a statement of tables without storing its rows, and that is noted."""
    users, _ = declared(engine, make_base())
    statement = STATEMENTS[statement](users)
    if statement.is_dml:
        statement = statement.values(email="changed")
    with Session(engine) as session:
        session.execute(statement)
        new = users(name="new")
        session.add(new)
        _notes.clear()
        session.execute(statement)
        assert new in session.new or make_base is new_base
        assert forms() == ["statement-flush"] * (make_base is not new_base)
        session.rollback()


def test_statements_of_tables_beside_deleted_rows(engine):
    """Neither does scalar(), nor where a row is to be deleted; queries of a class store."""
    _, books = declared(engine, declarative_base())
    count = sa.select(sa.func.count()).select_from(books.__table__)
    with Session(engine) as session:
        book = books(title="Left")
        session.add(book)
        session.flush()
        session.delete(book)
        _notes.clear()
        found = session.scalar(count)
        assert book in session.deleted
        assert forms() == ["statement-flush"]
        with session.no_autoflush:
            session.execute(count)
        assert len(legacy.report().notes) == 1
        assert session.query(books).count() == found - 1
        session.rollback()
