"""Two-phase commit over two PostgreSQL databases, with the code of the documentation."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import run
from pages import documented, named
from servers import PATIENCE, PostgreSQL
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, SAWarning
from sqlalchemy.orm import scoped_session, sessionmaker

import sqlsoup

BOTH = ["library", "archive"]
TABLES = [
    "CREATE TABLE books (id INTEGER PRIMARY KEY)",
    """CREATE TABLE late (id INTEGER PRIMARY KEY,
        book_id INTEGER REFERENCES books (id) DEFERRABLE INITIALLY DEFERRED)""",
    "CREATE TABLE committed (xid VARCHAR(80))",
]
DRIVER = {"same server": "psycopg2", "two servers": "psycopg"}

CHILD = """
import json, os, signal, sys, threading
from sqlalchemy import event
import sqlsoup

given = json.loads(sys.argv[1])
names = {"sqlsoup": sqlsoup, **given["urls"]}
exec(given["source"], names)
library, archive = names["library"], names["archive"]
moment, left = given["moment"], [given["passes"]]

def reach(*_):
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1

def work(start):
    for number in range(start, start + given["count"]):
        with library:
            library.books.insert(id=number)
            archive.books.insert(id=number)
        os.write(1, b"%d\\n" % number)

if moment:
    for db in (library, archive):
        event.listen(db.engine, moment, reach)
threads = [
    threading.Thread(target=work, args=(first,)) for first in given["firsts"]
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
"""Inserts books into both databases; killed before a moment, after it was passed some times."""


PARTS = ("two-phase", "two-phase-note", "recover")
SOURCE = "".join(named("growing.rst", part) for part in PARTS)


@pytest.fixture(scope="module")
def servers() -> Iterator[list[PostgreSQL]]:
    """Two servers that allow prepared transactions, with two databases and one."""
    with (
        PostgreSQL("max_prepared_transactions=20") as first,
        PostgreSQL("max_prepared_transactions=20") as second,
    ):
        for server in (first, second):
            server.launch()
        for server in (first, second):
            server.wait()
            admin = sa.create_engine(
                server.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
            )
            run(admin, *(f"CREATE DATABASE {name}" for name in BOTH))
        yield [first, second]


@pytest.fixture(params=DRIVER)
def urls(
    request: pytest.FixtureRequest,
    servers: list[PostgreSQL],
    make_engine: Callable[..., sa.Engine],
) -> Iterator[dict[str, str]]:
    """URLs of the two databases, on one server or on two, with empty tables."""
    first = servers[0]
    second = servers[request.param == "two servers"]
    drivername = f"postgresql+{DRIVER[request.param]}"
    urls = {}
    for name, server in zip(BOTH, (first, second), strict=True):
        url = server.url.set(database=name, drivername=drivername)
        run(make_engine(url), *TABLES)
        urls[f"{name}_url"] = url.render_as_string()
    yield urls
    for url in urls.values():
        engine = make_engine(url)
        assert prepared([engine]) == []
        run(engine, "DROP TABLE late, books, committed")


@pytest.fixture
def engines(urls: dict[str, str], make_engine: Callable[..., sa.Engine]) -> list[sa.Engine]:
    """Engines that look at the two databases from outside."""
    return [make_engine(url, poolclass=sa.NullPool) for url in urls.values()]


@pytest.fixture
def names(urls: dict[str, str]) -> Iterator[dict[str, Any]]:
    """What the documented code gives names to; both databases have their tables reflected."""
    names = documented("growing.rst", *PARTS, sqlsoup=sqlsoup, **urls)
    for db in (names["library"], names["archive"]):
        for table in ("books", "late"):
            db.entity(table)
    yield names
    names["session"].remove()
    for db in (names["library"], names["archive"]):
        db.engine.dispose()


def books(engines: list[sa.Engine]) -> list[list[int]]:
    """Return the books that each database has."""
    return [column(engine, "SELECT id FROM books ORDER BY id") for engine in engines]


def prepared(engines: list[sa.Engine]) -> list[str]:
    """Return the prepared transactions of the databases."""
    query = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"
    return [gid for engine in engines for gid in column(engine, query)]


def column(engine: sa.Engine, query: str) -> list[Any]:
    """Return the first column of a query."""
    with engine.connect() as connection:
        return list(connection.exec_driver_sql(query).scalars())


def on_pass(
    dbs: list[sqlsoup.SQLSoup], moment: str, action: Callable[[sa.Connection], object], number: int
) -> None:
    """Do something when a moment of two-phase commit comes to one of the databases again."""
    passed: list[object] = []

    def note(connection: sa.Connection, *_more: object) -> None:
        passed.append(connection)
        if len(passed) == number:
            action(connection)

    for db in dbs:
        sa.event.listen(db.engine, moment, note)


def insert(dbs: list[sqlsoup.SQLSoup], number: int) -> None:
    """Insert a book into each database, in one transaction."""
    with dbs[0]:
        for db in dbs:
            db.books.insert(id=number)


def warnings_of_sqlalchemy(expected: int) -> AbstractContextManager[object]:
    """Expect the warning that a rollback gives when some of it is committed."""
    if not expected:
        return nullcontext()
    return pytest.warns(SAWarning, match="transaction already deassociated from connection")


def recover(urls: dict[str, str]) -> None:
    """Recover as documented, in a program that starts anew."""
    names = documented("growing.rst", *PARTS, sqlsoup=sqlsoup, **urls)
    try:
        names["recover"](names["library"], names["archive"])
    finally:
        names["session"].remove()
        for db in (names["library"], names["archive"]):
            db.engine.dispose()


def start(urls: dict[str, str], **more: Any) -> subprocess.Popen[str]:
    """Start the child process."""
    given = {"urls": urls, "source": SOURCE, "moment": None, "passes": 0, "firsts": [0], "count": 1}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", CHILD, json.dumps({**given, **more})],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_savepoint_is_no_commit(names, engines):
    """What is written down of a transaction is so once, however many savepoints it has."""
    library, archive = names["library"], names["archive"]
    with library:
        for number in range(3):
            with library.session.begin_nested():
                library.books.insert(id=number)
                archive.books.insert(id=number)
    assert books(engines) == [[0, 1, 2]] * 2
    assert [len(column(engine, "SELECT xid FROM committed")) for engine in engines] == [2, 2]


def test_both_are_stored(names, engines):
    """One commit prepares both transactions, commits both, and leaves nothing prepared."""
    library, archive = names["library"], names["archive"]
    moments: list[tuple[str, int]] = []
    for moment in ("prepare_twophase", "commit_twophase"):
        for db in (library, archive):
            sa.event.listen(
                db.engine,
                moment,
                lambda *_, moment=moment: moments.append((moment, len(prepared(engines)))),
            )
    with library:
        library.books.insert(id=1)
        archive.books.insert(id=1)
        library.execute("INSERT INTO books VALUES (2)")
        archive.execute("INSERT INTO books VALUES (2)")
    assert moments == [
        ("prepare_twophase", 0),
        ("prepare_twophase", 1),
        ("commit_twophase", 2),
        ("commit_twophase", 1),
    ]
    assert books(engines) == [[1, 2], [1, 2]]
    assert prepared(engines) == []
    library.books.insert(id=3)
    archive.books.insert(id=3)
    archive.commit()
    assert books(engines) == [[1, 2, 3], [1, 2, 3]]


def test_neither_after_an_error(names, engines):
    """What fails before the commit undoes both, and prepares nothing."""
    library, archive = names["library"], names["archive"]
    library.books.insert(id=1)
    archive.books.insert(id=1)
    archive.flush()
    with pytest.raises(IntegrityError), library:
        archive.execute("INSERT INTO books VALUES (1)")
    library.books.insert(id=1)
    archive.books.insert(id=1)
    library.rollback()
    assert books(engines) == [[], []]
    with library:
        library.books.insert(id=1)
        archive.books.insert(id=1)
    assert books(engines) == [[1], [1]]


@contextmanager
def refused_at_the_commit(db: sqlsoup.SQLSoup) -> Iterator[None]:
    """Expect what the constraint raises; psycopg 3 then raises another error on top of it."""
    kind = ProgrammingError if db.engine.driver == "psycopg" else IntegrityError
    with pytest.raises(kind) as caught:
        yield
    reason: BaseException | None = caught.value
    while not isinstance(reason, IntegrityError):
        assert reason is not None
        reason = reason.__context__
    assert "late_book_id_fkey" in str(reason)


@pytest.mark.parametrize("failing", BOTH)
def test_a_database_that_refuses_at_the_commit(failing, names, engines):
    """When a database finds at the commit what it cannot store, nothing is stored in either."""
    with refused_at_the_commit(names["library"]), names["library"]:
        for name in BOTH:
            names[name].books.insert(id=1)
        names[failing].late.insert(id=1, book_id=7)
    assert books(engines) == [[], []]
    assert prepared(engines) == []
    with names["library"]:
        for name in BOTH:
            names[name].books.insert(id=1)
    assert books(engines) == [[1], [1]]


def test_the_second_refuses_when_the_first_is_prepared(names, engines):
    """When the second cannot be prepared, the first is rolled back although it was."""
    dbs = [names["library"], names["archive"]]
    at_the_time: list[int] = []

    def spoil(connection: sa.Connection) -> None:
        at_the_time.append(len(prepared(engines)))
        connection.exec_driver_sql("INSERT INTO late VALUES (1, 7)")

    on_pass(dbs, "prepare_twophase", spoil, 2)
    with refused_at_the_commit(dbs[0]):
        insert(dbs, 1)
    assert at_the_time == [1]
    assert books(engines) == [[], []]
    assert prepared(engines) == []


DEATHS = {
    "before the second is prepared": ("prepare_twophase", 1, 1, [[], []], [[], []]),
    "before the first commit": ("commit_twophase", 0, 2, [[], []], [[], []]),
    "between the two commits": ("commit_twophase", 1, 1, [[], [0]], [[0], [0]]),
}


@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS)
def test_a_process_that_dies(death, urls, engines):
    """Whenever the process is killed, afterwards recover() leaves both or neither."""
    moment, passes, left, before, after = death
    child = start(urls, moment=moment, passes=passes)
    output, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == -signal.SIGKILL
    assert output == ""
    assert len(prepared(engines)) == left
    assert sorted(books(engines)) == before
    recover(urls)
    assert prepared(engines) == []
    assert books(engines) == after
    assert column(engines[0], "SELECT xid FROM committed") == []


def test_threads_that_are_killed_at_any_time(urls, engines):
    """Killed amid the commits of four threads: each is in both or in neither, and none is lost."""
    seen: set[int] = set()
    for killing in range(2):
        firsts = [(4 * killing + thread) * 10000 for thread in range(4)]
        child = start(urls, firsts=firsts, count=10000)
        assert child.stdout is not None
        for _ in range(25):
            seen.add(int(child.stdout.readline()))
        child.kill()
        seen.update(map(int, child.stdout.read().split()))
        child.stdout.close()
        child.wait(PATIENCE)
        recover(urls)
        assert prepared(engines) == []
        library, archive = books(engines)
        assert library == archive
        assert seen <= set(library)


def test_a_transaction_in_doubt_keeps_its_locks(urls, engines):
    """Until recover() others wait for the rows that a prepared transaction wrote."""
    child = start(urls, moment="commit_twophase", passes=0)
    child.communicate(timeout=PATIENCE)
    with pytest.raises(OperationalError, match="lock timeout"):
        run(engines[0], "SET lock_timeout = 50", "INSERT INTO books VALUES (0)")
    recover(urls)
    run(engines[0], "INSERT INTO books VALUES (0)")


@pytest.mark.parametrize("committed", [0, 1])
def test_a_server_that_crashes(committed, names, urls, engines, servers):
    """After a server crashed amid the commit, which raises, recover() leaves both or neither."""
    dbs = [names["library"], names["archive"]]
    crashed: list[PostgreSQL] = []

    def crash(connection: sa.Connection) -> None:
        (server,) = [s for s in servers if s.port == connection.engine.url.port]
        server.stop(signal.SIGQUIT)
        crashed.append(server)

    on_pass(dbs, "commit_twophase", crash, committed + 1)
    try:
        # rolling back what was committed already, the session warns
        with warnings_of_sqlalchemy(committed), pytest.raises(OperationalError):
            insert(dbs, 1)
    finally:
        for server in crashed:
            server.start()
    recover(urls)
    assert prepared(engines) == []
    assert books(engines) == ([[1], [1]] if committed else [[], []])
    for db in dbs:
        db.engine.dispose()
    insert(dbs, 2)
    assert books(engines) == ([[1, 2], [1, 2]] if committed else [[2], [2]])


def test_an_answer_that_is_lost(names, engines):
    """When the first commit is done but the answer lost, the second is left to recover()."""
    dbs = [names["library"], names["archive"]]

    def lose(connection: sa.Connection) -> None:
        backend = connection.connection.driver_connection.info.backend_pid
        xid = connection.get_transaction().xid
        outside = connection.engine.execution_options(isolation_level="AUTOCOMMIT")
        run(outside, f"COMMIT PREPARED '{xid}'", f"SELECT pg_terminate_backend({backend})")

    on_pass(dbs, "commit_twophase", lose, 1)
    with pytest.raises(OperationalError):
        insert(dbs, 1)
    assert sorted(books(engines)) == [[], [1]]
    assert len(prepared(engines)) == 1
    names["recover"](*dbs)
    assert books(engines) == [[1], [1]]


@pytest.mark.parametrize("commits", [0, 1])
def test_an_interruption_of_the_commit(commits, names, engines):
    """Ctrl-C before the first commit stores neither, and between the two recover() stores both."""
    dbs = [names["library"], names["archive"]]

    def interrupt(_connection: object) -> None:
        raise KeyboardInterrupt

    on_pass(dbs, "commit_twophase", interrupt, commits + 1)
    with warnings_of_sqlalchemy(commits), pytest.raises(KeyboardInterrupt):
        insert(dbs, 1)
    names["recover"](*dbs)
    assert prepared(engines) == []
    assert books(engines) == ([[1], [1]] if commits else [[], []])


def test_a_server_that_allows_no_prepared_transactions():
    """PostgreSQL as it is set up by default refuses to prepare; nothing is stored then."""
    with PostgreSQL() as server:
        server.start()
        engine = sa.create_engine(server.url, poolclass=sa.NullPool)
        run(engine, TABLES[0])
        session = scoped_session(sessionmaker(twophase=True))
        db = sqlsoup.SQLSoup(engine, session=session)
        db.books.insert(id=1)
        with pytest.raises(OperationalError, match="prepared transactions are disabled"):
            db.commit()
        session.remove()
        assert books([engine]) == [[]]


def test_sqlite_has_none(lite):
    """SQLite has no two-phase commit: the first use of such a session raises."""
    session = scoped_session(sessionmaker(twophase=True))
    db = sqlsoup.SQLSoup(lite, session=session)
    with pytest.raises(NotImplementedError):
        db.users.all()
    session.remove()
