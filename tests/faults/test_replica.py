"""A PostgreSQL streaming replica that is read from, with the code of the documentation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from conftest import empty, fill, run, words
from pages import documented
from servers import PATIENCE, PostgreSQL, wait_until
from sqlalchemy.exc import IntegrityError, InternalError, OperationalError
from sqlalchemy.orm import scoped_session, sessionmaker

import sqlsoup


class Pair(NamedTuple):
    """A primary and its replica: servers and engines."""

    primary_server: PostgreSQL
    replica_server: PostgreSQL
    primary: sa.Engine
    replica: sa.Engine


def scalar(engine: sa.Engine, statement: str) -> Any:
    """Return a value, by a connection of its own."""
    with engine.connect() as connection:
        return connection.exec_driver_sql(statement).scalar()


def catch_up(pair: Pair) -> None:
    """Wait until the replica has all that the primary has."""
    written = scalar(pair.primary, "SELECT pg_current_wal_lsn()")
    wait_until(lambda: scalar(pair.replica, f"SELECT pg_last_wal_replay_lsn() >= '{written}'"))


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """A primary and its replica, at work."""
    with PostgreSQL() as first:
        first.start()
        with PostgreSQL(copy_of=first) as second:
            second.start()
            primary, replica = sa.create_engine(first.url), sa.create_engine(second.url)
            yield Pair(first, second, primary, replica)
            primary.dispose()
            replica.dispose()


@pytest.fixture
def library(pair: Pair) -> Iterator[Pair]:
    """The two, with the same small library."""
    fill(pair.primary)
    catch_up(pair)
    yield pair
    sqlsoup.Session.remove()
    empty(pair.primary)
    pair.replica.dispose()


@pytest.fixture
def lagging(library: Pair) -> Iterator[Callable[[], None]]:
    """The replica stays behind until the function that this gives is called."""
    run(library.replica, "SELECT pg_wal_replay_pause()")
    wait_until(
        lambda: scalar(library.replica, "SELECT pg_get_wal_replay_pause_state()") == "paused"
    )

    def resume() -> None:
        run(library.replica, "SELECT pg_wal_replay_resume()")
        catch_up(library)

    yield resume
    resume()


@pytest.fixture
def db(library: Pair) -> Iterator[sqlsoup.SQLSoup]:
    """A SQLSoup as documented, whose tables are reflected already."""
    engines = {"primary": library.primary, "replica": library.replica}
    names = documented("growing.rst", "replica", sqlsoup=sqlsoup, **engines)
    db: sqlsoup.SQLSoup = names["db"]
    for table in ("users", "tags", "loans", "books"):
        db.entity(table)
    yield db
    db.session.remove()


@pytest.fixture
def asked(library: Pair, db: sqlsoup.SQLSoup) -> Iterator[list[str]]:
    """Server and first word of each statement: ``primary INSERT``."""
    seen: list[str] = []

    def listener(name: str) -> Callable[..., None]:
        def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
            seen.append(f"{name} {statement.partition(' ')[0]}")

        return note

    listening = [
        (library.primary, listener("primary")),
        (library.replica, listener("replica")),
    ]
    for engine, note in listening:
        sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    for engine, note in listening:
        sa.event.remove(engine, "before_cursor_execute", note)


def test_the_servers_are_what_they_should_be(library):
    """One is a replica in recovery, to which the other streams."""
    assert scalar(library.primary, "SELECT pg_is_in_recovery()") is False
    assert scalar(library.replica, "SELECT pg_is_in_recovery()") is True
    assert scalar(library.primary, "SELECT state FROM pg_stat_replication") == "streaming"


def test_reads_from_the_replica_and_writes_to_the_primary(db, library, asked):
    """What only reads asks the replica alone; what is stored goes to the primary, and arrives."""
    assert [tag.word for tag in db.tags.order_by(db.tags.word)] == ["food", "hot"]
    assert db.session.scalar(sa.select(sa.func.pg_is_in_recovery())) is True
    assert db.users.get("Ada").email == "ada@example.org"
    assert db.users.count() == 3
    db.rollback()
    assert asked == ["replica SELECT"] * 4
    del asked[:]
    with db:
        db.tags.insert(word="new")
    assert asked == ["primary INSERT"]
    catch_up(library)
    assert words(library.replica) == ["food", "hot", "new"]
    del asked[:]
    assert db.tags.get("new").word == "new"
    assert asked == ["replica SELECT"]


def test_a_transaction_reads_what_it_wrote(db, library, lagging, asked):
    """After the first write of a transaction all of it goes to the primary; the next reads anew."""
    with db:
        assert db.tags.count() == 2
        db.tags.insert(word="new")
        assert db.tags.count() == 3
        assert db.session.scalar(sa.select(sa.func.pg_is_in_recovery())) is False
    kinds = [entry for entry in asked if entry.endswith(("SELECT", "INSERT"))]
    assert kinds == ["replica SELECT", "primary INSERT", "primary SELECT", "primary SELECT"]
    assert words(library.primary) == ["food", "hot", "new"]
    with db:
        assert db.tags.count() == 2
    lagging()
    with db:
        assert db.tags.count() == 3


def test_a_transaction_that_is_marked(db, lagging, asked):
    """session.info["primary"] sends a transaction to the primary from its first statement on."""
    with db:
        db.tags.insert(word="new")
    assert db.tags.get("new") is None
    db.rollback()
    del asked[:]
    with db:
        db.session.info["primary"] = True
        tag = db.tags.get("new")
        assert tag.word == "new"
    assert asked == ["primary SELECT"]
    assert db.tags.get("new") is None


WRITES = {
    "a row": lambda db: db.tags.insert(word="new") and db.flush(),
    "a change": lambda db: setattr(db.session.get(db.users, "Ada"), "email", "x") or db.flush(),
    "a deletion": lambda db: db.delete(db.loans.get(1)) or db.flush(),
    "update() of a query": lambda db: db.users.filter_by(name="Ada").update({"email": "x"}),
    "delete() of a query": lambda db: db.loans.filter_by(book_id=1).delete(),
    "insert()": lambda db: db.execute(sa.insert(db.tags), [{"word": "a"}, {"word": "b"}]),
    "RETURNING": lambda db: db.execute(sa.insert(db.tags).returning(db.tags.word), {"word": "a"}),
    "text": lambda db: db.execute("INSERT INTO tags (word) VALUES ('new')"),
    "a text that reads": lambda db: db.execute("SELECT 1"),
    "bulk": lambda db: db.session.bulk_insert_mappings(sa.inspect(db.tags), [{"word": "a"}]),
    "the session's connection": lambda db: db.session.connection(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_every_kind_of_write(write, db, library, asked):
    """Whatever is no SELECT of SQLAlchemy is taken for a write, until the transaction ends."""
    with db:
        write(db)
        del asked[:]
        assert db.session.scalar(sa.select(sa.func.pg_is_in_recovery())) is False
    assert asked == ["primary SELECT"]
    assert db.session.scalar(sa.select(sa.func.pg_is_in_recovery())) is True


def test_the_end_of_a_transaction(db):
    """The mark goes with a rollback, a failed write and remove(), and not with a savepoint."""

    def reads_from_replica() -> bool:
        return bool(db.session.scalar(sa.select(sa.func.pg_is_in_recovery())))

    db.tags.insert(word="new")
    db.flush()
    assert not reads_from_replica()
    db.rollback()
    assert reads_from_replica()
    with pytest.raises(IntegrityError), db:
        db.tags.insert(word="food")
    assert reads_from_replica()
    with db:
        with db.session.begin_nested():
            db.tags.insert(word="new")
        assert not reads_from_replica()
        with pytest.raises(IntegrityError), db.session.begin_nested():
            db.execute("INSERT INTO tags (word) VALUES ('food')")
        assert not reads_from_replica()
    assert reads_from_replica()
    db.session.info["primary"] = True
    assert not reads_from_replica()
    db.session.remove()
    assert reads_from_replica()


def test_threads_are_marked_one_by_one(db):
    """A thread that writes does not send the reads of another to the primary."""
    wrote, read = threading.Event(), threading.Event()
    found: list[bool] = []

    def reader() -> None:
        wrote.wait(PATIENCE)
        with db:
            found.append(db.session.scalar(sa.select(sa.func.pg_is_in_recovery())))
        read.set()

    thread = threading.Thread(target=reader)
    thread.start()
    with db:
        db.tags.insert(word="new")
        db.flush()
        wrote.set()
        assert read.wait(PATIENCE)
        found.append(db.session.scalar(sa.select(sa.func.pg_is_in_recovery())))
    thread.join(PATIENCE)
    assert found == [True, False]


def test_related_rows_are_read_where_the_transaction_reads(db, asked):
    """A relationship is loaded from the replica, and from the primary after a write."""
    db.loans.relate("user", db.users)
    assert db.loans.get(1).user.email == "bo@example.org"
    assert asked == ["replica SELECT"] * 2
    db.rollback()
    del asked[:]
    with db:
        db.tags.insert(word="new")
        db.flush()
        assert db.loans.get(1).user.email == "bo@example.org"
    assert asked == ["primary INSERT", "primary SELECT", "primary SELECT"]


def test_tables_are_reflected_from_the_primary(db, library, lagging, asked):
    """The first access to a table asks the engine that SQLSoup was given; it has new tables."""
    run(library.primary, "CREATE TABLE notes (id SERIAL PRIMARY KEY, note VARCHAR(9))")
    del asked[:]
    with db:
        db.notes.insert(note="new")
    assert all(entry.startswith("primary ") for entry in asked)
    assert scalar(library.primary, "SELECT note FROM notes") == "new"


def test_the_connection_is_on_the_primary(db):
    """db.connection() is on the engine that SQLSoup was given, and marks nothing."""
    connection = db.connection()
    assert connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar() is False
    assert db.session.scalar(sa.select(sa.func.pg_is_in_recovery())) is True


def test_a_replica_alone(library):
    """A SQLSoup on the replica reflects, reads and relates; the replica refuses what writes."""
    db = sqlsoup.SQLSoup(library.replica, relationships=True)
    assert "loans" in list(db)
    assert {loan.book.title for loan in db.users.get("Bo").loans} == {"Mustards", "Soups"}
    db.tags.insert(word="new")
    with pytest.raises(InternalError, match="read-only transaction") as caught:
        db.commit()
    assert type(caught.value.orig).__name__ == "ReadOnlySqlTransaction"
    db.rollback()
    assert db.tags.count() == 2
    with pytest.raises(InternalError, match="FOR UPDATE in a read-only transaction"):
        db.tags.with_for_update().all()
    db.rollback()
    with pytest.raises(InternalError, match="read-only transaction"), db:
        db.execute("DELETE FROM tags")
    assert words(library.primary) == ["food", "hot"]


def test_a_select_that_locks(db, asked):
    """FOR UPDATE is refused by the replica, so it is never without effect; marked it is right."""
    with pytest.raises(InternalError, match="FOR UPDATE in a read-only transaction"), db:
        db.tags.with_for_update().all()
    with db:
        db.session.info["primary"] = True
        assert len(db.tags.with_for_update().all()) == 2
    assert asked == ["replica SELECT", "primary SELECT"]


def test_a_primary_that_waits_for_the_replica(db, library):
    """With synchronous_commit = remote_apply a commit returns when the replica shows it."""
    settings = {"synchronous_standby_names": "'*'", "synchronous_commit": "remote_apply"}
    engine = library.primary.execution_options(isolation_level="AUTOCOMMIT")

    def configure(*statements: str) -> None:
        run(engine, *statements, "SELECT pg_reload_conf()")

    configure(*(f"ALTER SYSTEM SET {name} = {value}" for name, value in settings.items()))
    try:
        wait_until(
            lambda: scalar(library.primary, "SELECT sync_state FROM pg_stat_replication") == "sync"
        )
        wait_until(lambda: scalar(library.primary, "SHOW synchronous_commit") == "remote_apply")
        run(engine, "CHECKPOINT")  # by the process that has to tell the others of it first
        for number in range(30):
            with db:
                db.tags.insert(word=f"new {number}")
            with db:
                assert db.tags.count() == 3 + number
                assert db.session.scalar(sa.select(sa.func.pg_is_in_recovery())) is True
    finally:
        configure(*(f"ALTER SYSTEM RESET {name}" for name in settings))
        wait_until(
            lambda: scalar(library.primary, "SELECT sync_state FROM pg_stat_replication") == "async"
        )


def test_a_replica_that_is_gone(db, library):
    """Reads fail while the replica is down, marked ones do not; afterwards all is as before."""
    library.replica_server.stop()
    try:
        for _ in range(2):
            with pytest.raises(OperationalError), db:
                db.tags.count()
        with db:
            db.session.info["primary"] = True
            assert db.tags.count() == 2
            db.tags.insert(word="new")
    finally:
        library.replica_server.start()
    catch_up(library)
    with db:
        assert db.tags.count() == 3


def test_a_bound_session_on_the_replica(library):
    """A session that is bound to the replica reads there whatever engine SQLSoup was given."""
    session = scoped_session(sessionmaker(bind=library.replica))
    db = sqlsoup.SQLSoup(library.primary, session=session)
    assert db.session.scalar(sa.select(sa.func.pg_is_in_recovery())) is True
    assert db.tags.count() == 2
    session.remove()
