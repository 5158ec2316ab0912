"""Databases to test on, and a small library in each.

``SQLSOUP_TEST_URLS`` names the databases, separated by spaces.  One that cannot be reached is
skipped, or fails the tests where ``SQLSOUP_TEST_REQUIRE`` is set.
"""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import NoReturn

import pytest
import sqlalchemy as sa
from sqlalchemy import Dialect, Engine, event, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, close_all_sessions
from sqlalchemy.schema import CreateTable

import sqlsoup
from sqlsoup import _session, legacy
from sqlsoup.legacy import _notes

DEFAULT_URLS = (
    "sqlite:// postgresql+psycopg2://postgres@127.0.0.1/test mysql+pymysql://root@127.0.0.1/test"
)
URLS = os.environ.get("SQLSOUP_TEST_URLS", DEFAULT_URLS).split()
NAMESPACE = f"sqlsoup_test_{os.getpid()}"

on_postgresql = pytest.mark.parametrize(
    "server",
    [url for url in URLS if make_url(url).get_backend_name() == "postgresql"],
    indirect=True,
    scope="session",
    ids=lambda _: "postgresql",
)
"""The mark of a test that other databases have no use for."""

library = sa.MetaData()
users = sa.Table(
    "users",
    library,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("email", sa.String(60)),
    sa.Column("admin", sa.Integer, server_default="0"),
)
books = sa.Table(
    "books",
    library,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("title", sa.String(60), nullable=False),
    sa.Column("year", sa.Integer),
)
loans = sa.Table(
    "loans",
    library,
    sa.Column("book_id", sa.ForeignKey("books.id"), primary_key=True, autoincrement=False),
    sa.Column("user_name", sa.ForeignKey("users.name")),
    sa.Column("day", sa.Date),
)
tags = sa.Table("tags", library, sa.Column("word", sa.String(20), primary_key=True))
book_tags = sa.Table(
    "book_tags",
    library,
    sa.Column("book_id", sa.ForeignKey("books.id"), primary_key=True),
    sa.Column("word", sa.ForeignKey("tags.word"), primary_key=True),
)
shelves = sa.Table(
    "shelves",
    library,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("title", sa.String(20)),
    sa.Column("parent_id", sa.ForeignKey("shelves.id")),
)
seats = sa.Table(
    "seats",
    library,
    sa.Column("room", sa.String(5), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("user_name", sa.ForeignKey("users.name")),
)
visits = sa.Table("visits", library, sa.Column("day", sa.Integer), sa.Column("n", sa.Integer))

ROWS: list[tuple[sa.Table, list[dict[str, object]]]] = [
    (users, [{"name": "Ada", "email": "ada@example.org", "admin": 1}]),
    (users, [{"name": "Bo", "email": "bo@example.org", "admin": 0}]),
    (users, [{"name": "Cy", "email": None, "admin": 0}]),
    (books, [{"title": "Mustards", "year": 1989}, {"title": "Regional", "year": 1991}]),
    (books, [{"title": "Soups", "year": None}]),
    (loans, [{"book_id": 1, "user_name": "Bo"}, {"book_id": 3, "user_name": "Bo"}]),
    (tags, [{"word": "food"}, {"word": "hot"}]),
    (book_tags, [{"book_id": 1, "word": "food"}, {"book_id": 1, "word": "hot"}]),
    (book_tags, [{"book_id": 3, "word": "food"}]),
    (shelves, [{"id": 1, "title": "all"}, {"id": 2, "title": "old"}, {"id": 3, "title": "new"}]),
    (seats, [{"room": "A", "number": 1}, {"room": "A", "number": 2}, {"room": "B", "number": 1}]),
    (visits, [{"day": 1, "n": 7}, {"day": 2, "n": 5}]),
]


def unavailable(reason: str) -> NoReturn:
    """Skip the test, or fail it where ``SQLSOUP_TEST_REQUIRE`` is set."""
    if os.environ.get("SQLSOUP_TEST_REQUIRE"):
        pytest.fail(reason)
    pytest.skip(reason)


def _own_database(url: sa.URL) -> sa.URL:
    """Make a database for this run alone, on a server that is there for others too."""
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {NAMESPACE}")
            if url.get_backend_name() == "postgresql":  # nothing here need survive a crash
                connection.exec_driver_sql(
                    f"ALTER DATABASE {NAMESPACE} SET synchronous_commit = off"
                )
    finally:
        admin.dispose()
    if url.get_driver_name() == "pymysql":  # it reads all certificates at each connect otherwise
        url = url.update_query_dict({"ssl_disabled": "true"})
    return url.set(database=NAMESPACE)


def pytest_sessionstart() -> None:
    """Leave what is made before the tests, and stays, out of each collection of garbage.

    Processes that tests start heed SIGINT, which a shell has those in its background ignore.
    """
    gc.disable()
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Collect what only the tests make."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how many tests passed on each database."""
    names = {make_url(url).get_backend_name() for url in URLS}
    passed = Counter(
        name
        for report in terminalreporter.getreports("passed")
        for name in names
        if report.when == "call" and re.search(rf"\[.*\b{name}\b", report.nodeid)
    )
    terminalreporter.write_line(f"tests passed by database: {dict(sorted(passed.items()))}")


@pytest.fixture(scope="session", params=URLS, ids=lambda url: make_url(url).get_backend_name())
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database; ``sqlite://`` stands for a file of each test's own."""
    url = make_url(request.param)
    if url.get_backend_name() == "sqlite":
        yield request.param
        return
    try:
        own = _own_database(url)
    except OperationalError as error:
        unavailable(f"no database at {url!r}: {error.orig}")
    yield own.render_as_string(hide_password=False)
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {NAMESPACE}")
    admin.dispose()


@pytest.fixture(autouse=True)
def sessions_of_one_test() -> Iterator[None]:
    """No later session finds the engines of tables because a SQLSoup was given a callable."""
    yield
    listeners = {
        "do_orm_execute": _session._teach_executing,
        "after_transaction_create": _session._teach_beginning,
    }
    for name, listener in listeners.items():
        if event.contains(Session, name, listener):
            event.remove(Session, name, listener)


@pytest.fixture
def make_engine() -> Iterator[Callable[..., Engine]]:
    """Make engines that are disposed of when the test ends."""
    made: list[Engine] = []

    def make(url: object, **options: object) -> Engine:
        made.append(sa.create_engine(url, **options))  # type: ignore[call-overload]
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


@pytest.fixture
def url(server: str, tmp_path: Path) -> str:
    """The URL of a database for one test."""
    return f"sqlite:///{tmp_path}/library.db" if server == "sqlite://" else server


@pytest.fixture
def engine(url: str, make_engine: Callable[..., Engine]) -> Iterator[Engine]:
    """An engine on a small library, on each of the databases."""
    engine = make_engine(url)
    fill(engine)
    yield engine
    sqlsoup.Session.remove()
    if engine.dialect.name != "sqlite":
        empty(engine)


@pytest.fixture
def lite(tmp_path: Path, make_engine: Callable[..., Engine]) -> Iterator[Engine]:
    """An engine on a small library in a SQLite file."""
    engine = make_engine(f"sqlite:///{tmp_path}/lite.db")
    fill(engine)
    yield engine
    sqlsoup.Session.remove()


@pytest.fixture(params=["psycopg2", "psycopg"])
def pg(
    server: str, make_engine: Callable[..., Engine], request: pytest.FixtureRequest
) -> Iterator[Engine]:
    """An engine on an empty schema of PostgreSQL, with each of two drivers."""
    url = make_url(server).set(drivername=f"postgresql+{request.param}")
    schema = f"own_{os.getpid()}"
    engine = make_engine(url, connect_args={"options": f"-csearch_path={schema},public"})
    run(engine, f"CREATE SCHEMA {schema}")
    yield engine
    sqlsoup.Session.remove()
    run(engine, f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def db(engine: Engine) -> sqlsoup.SQLSoup:
    """A SQLSoup on the library, on each of the databases."""
    return sqlsoup.SQLSoup(engine)


@pytest.fixture
def soup(lite: Engine) -> sqlsoup.SQLSoup:
    """A SQLSoup on the library in SQLite alone."""
    return sqlsoup.SQLSoup(lite)


@pytest.fixture
def old_forms(make_engine: Callable[..., Engine]) -> Iterator[None]:
    """Old forms in force, and no notes from before; engines are disposed of after the sessions."""
    _notes.clear()
    with legacy.enabled(warnings=False):
        yield
        close_all_sessions()
    _notes.clear()


def noted_in(file: str) -> set[str]:
    """Return the forms that were noted in a file."""
    notes = legacy.report().notes
    return {note.form for note in notes if Path(note.file).name == Path(file).name}


def words(engine: Engine) -> list[str]:
    """Return the tags that another connection sees, and nothing if none is left of a check-out."""
    with engine.connect() as connection:
        return list(connection.scalars(sa.text("SELECT word FROM tags ORDER BY word")))


@pytest.fixture
def other_schema(engine: Engine, tmp_path: Path) -> Iterator[str]:
    """The name of a second schema of the database, empty; an attached file on SQLite."""
    name = f"annex_{os.getpid()}"
    if engine.dialect.name == "sqlite":
        attach = f"ATTACH '{tmp_path}/annex.db' AS {name}"
        event.listen(engine, "connect", lambda connection, _: connection.execute(attach).close())
        engine.dispose()
    else:
        run(engine, f"CREATE SCHEMA {name}")
    yield name
    sqlsoup.Session.remove()
    if engine.dialect.name != "sqlite":
        cascade = " CASCADE" if engine.dialect.name == "postgresql" else ""
        run(engine, f"DROP SCHEMA {name}{cascade}")


def run(engine: Engine, *statements: str) -> None:
    """Execute statements and commit them."""
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def check_key(engine: Engine, ddl: str, given: object, stored: object) -> None:
    """Store a row with a key, and look for the one object that it is before and after."""
    run(engine, f"CREATE TABLE t (k {ddl} PRIMARY KEY, n INT)")
    db = sqlsoup.SQLSoup(engine)
    row = db.t.insert(k=given, n=1)
    db.flush()
    assert (row.k, type(row.k)) == (stored, type(stored))
    row.n = 2
    db.flush()
    assert db.t.first() is row
    db.commit()
    assert (row.k, type(row.k), row.n) == (stored, type(stored), 2)
    assert db.t.get((row.k,)) is row
    row.k = given
    db.flush()
    assert (row.k, type(row.k), db.t.first()) == (stored, type(stored), row)
    db.rollback()


def break_a_view(engine: Engine) -> None:
    """Make a view of a table that is gone then."""
    run(
        engine,
        "CREATE TABLE gone (id INTEGER PRIMARY KEY)",
        "CREATE VIEW broken AS SELECT id FROM gone",
        "DROP TABLE gone",
    )


def called(function: Callable[[], object]) -> list[CodeType]:
    """Return the code of all Python functions that are called while one runs."""
    found = []

    def note(frame: FrameType, kind: str, _arg: object) -> None:
        if kind == "call":
            found.append(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return found


def use_keys_of_single_precision(db: sqlsoup.SQLSoup) -> None:
    """Change rows with such keys, relate and delete them: of p, kids and bare, each with a 0.1."""
    row, child = db.p.get(0.1), db.kids.one()
    assert (child.p, row.kids) == (row, [child])
    new = db.kids.insert(id=2, p=db.p.insert(k="0.2"))
    bare, other = db.bare.one(), db.bare.insert(k=Decimal("0.3"))
    assert db.kids.insert(id=3, k=None).p is None
    for each in (row, db.p.get(1e-40), bare):
        each.n = 5
    db.commit()
    assert (new.k, other.k, db.bare.get(0.1).n, db.p.filter_by(n=5).count()) == (0.2, 0.3, 5, 2)
    assert db.kids.filter(db.kids.f == 0.1).count() == 0
    assert db.kids.filter(db.kids.k == 0.1).one() is child
    for each in (child, row, bare):
        db.delete(each)
    db.commit()
    assert (db.p.count(), db.bare.count()) == (2, 1)


def fill(engine: Engine) -> None:
    """Make the tables of the library and their rows."""
    if engine.dialect.name == "sqlite" and engine.url.database:
        Path(engine.url.database).write_bytes(_image())
        with engine.connect() as connection:  # each change waits for the disk otherwise
            connection.exec_driver_sql("PRAGMA synchronous = OFF")
    else:
        run(engine, *_script(type(engine.dialect)))


@cache
def _image() -> bytes:
    """Return the library as a file of SQLite."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    fill(engine)
    with engine.connect() as connection:
        image: bytes = connection.connection.driver_connection.serialize()  # type: ignore[union-attr]
    engine.dispose()
    return image


@cache
def _script(dialect: type[Dialect]) -> list[str]:
    """Return what makes the library: to compile it takes longer than to execute it."""
    tables = [CreateTable(table) for table in library.sorted_tables]
    inserts = [table.insert().values(rows) for table, rows in ROWS]
    literally = {"literal_binds": True}
    return [
        *(str(each.compile(dialect=dialect())) for each in tables),
        *(str(each.compile(dialect=dialect(), compile_kwargs=literally)) for each in inserts),
    ]


def empty(engine: Engine) -> None:
    """Drop whatever a test left: tables and views, and on PostgreSQL types and functions too."""
    if engine.dialect.name == "postgresql":
        run(
            engine,
            "DROP SCHEMA public CASCADE",
            "CREATE SCHEMA public AUTHORIZATION pg_database_owner",
            "GRANT USAGE ON SCHEMA public TO PUBLIC",
        )
        engine.dispose()
        return
    inspector = sa.inspect(engine)
    quote = engine.dialect.identifier_preparer.quote_identifier
    with engine.begin() as connection:
        if engine.dialect.name in ("mysql", "mariadb"):
            connection.exec_driver_sql("SET foreign_key_checks = 0")
        for kind, names in (
            ("VIEW", inspector.get_view_names()),
            ("TABLE", inspector.get_table_names()),
        ):
            if names:
                connection.exec_driver_sql(f"DROP {kind} {', '.join(map(quote, names))}")
    engine.dispose()


@pytest.fixture
def statements(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """The statements that the test's engine was sent; clear it to count from there."""
    name = next(each for each in ("pg", "engine", "lite") if each in request.fixturenames)
    engine: Engine = request.getfixturevalue(name)
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)
