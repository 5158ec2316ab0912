"""What a SQLSoup is made from, and what making one does not do."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import sqlsoup

NO_ENGINE = (
    "no engine for SQLSoup(MetaData(bind=None)): pass an engine or a URL, set the 'bind' of the "
    "MetaData, or pass a session that is bound to an engine"
)
NAMES_OF_0_9 = ["SQLSoupError", "SQLSoup", "SelectableClassType", "TableClassType", "Session"]
METHODS_OF_0_9 = {
    "__init__": "(self, engine_or_metadata=None, base=<class 'object'>, session=None)",
    "commit": "(self)",
    "connection": "(self)",
    "delete": "(self, instance)",
    "entity": "(self, attr, schema=None)",
    "execute": "(self, stmt, *args, **params)",
    "expunge": "(self, instance)",
    "expunge_all": "(self)",
    "flush": "(self)",
    "join": "(self, left, right, onclause=None, isouter=False, base=None, **mapper_args)",
    "map": "(self, selectable, base=None, **mapper_args)",
    "map_to": "(self, attrname, tablename=None, selectable=None, schema=None, base=None, "
    "mapper_args=mappingproxy({}))",
    "rollback": "(self)",
    "with_labels": "(self, selectable, base=None, **mapper_args)",
}


@pytest.fixture
def make_soup():
    """Make SQLSoup objects whose engines are disposed of when the test ends."""
    made = []

    def make(*args, **kwargs):
        made.append(sqlsoup.SQLSoup(*args, **kwargs))
        return made[-1]

    yield make
    sqlsoup.Session.remove()
    for soup in made:
        if soup.bind is not None:
            soup.bind.dispose()


@pytest.fixture
def run():
    """Run a program in a new interpreter, warnings being errors, and return what it prints."""

    def run(program):
        env = {**os.environ, "PYTHONPATH": str(Path(sqlsoup.__file__).parents[1])}
        command = [sys.executable, "-W", "error", "-c", program]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.stdout

    return run


def bound_to(metadata, bind):
    """Assign a MetaData's bind, which SQLAlchemy 2 neither knows nor forbids."""
    metadata.bind = bind
    return metadata


def emails(db):
    """Return what the table of users holds."""
    return sorted(row.email or "" for row in db.users.all())


MORE = {
    "__init__": "primary_keys=mappingproxy({}), relationships=False",
    "entity": "primary_key=()",
}


def plain(function):
    """Return a signature without annotations."""
    signature = inspect.signature(function)
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=signature.empty))


@pytest.mark.parametrize("kind", [str, sa.make_url], ids=["string", "URL object"])
def test_a_url_makes_an_engine(kind, engine, make_soup):
    """A URL, as a string or an object, makes an engine, and the tables are there."""
    url = engine.url.render_as_string(hide_password=False)
    db = make_soup(kind(url))
    assert type(db.bind) is sa.Engine
    assert db.bind is db.engine
    assert db.engine.url == sa.make_url(url)
    assert emails(db) == ["", "ada@example.org", "bo@example.org"]


def test_an_engine_is_used_as_it_is(engine, db):
    """``bind`` and ``engine`` are the very engine given; they are properties of the class."""
    assert db.bind is engine
    assert db.engine is engine
    assert type(sqlsoup.SQLSoup.bind) is property
    assert type(sqlsoup.SQLSoup.engine) is property
    assert type(db._metadata) is sa.MetaData
    assert emails(db) == ["", "ada@example.org", "bo@example.org"]


def test_a_bound_metadata_gives_its_engine(engine):
    """A MetaData is used as it is, and its ``bind`` is the engine."""
    metadata = bound_to(sa.MetaData(), engine)
    db = sqlsoup.SQLSoup(metadata)
    assert db._metadata is metadata
    assert db.bind is engine
    assert emails(db) == ["", "ada@example.org", "bo@example.org"]
    assert list(metadata.tables) == ["users"]


def test_a_metadata_may_be_bound_later(lite):
    """The ``bind`` of a MetaData is looked up at each use."""
    db = sqlsoup.SQLSoup(sa.MetaData())
    assert db.bind is None
    bound_to(db._metadata, lite)
    assert db.bind is lite
    assert emails(db) == ["", "ada@example.org", "bo@example.org"]


def test_a_metadata_may_be_bound_to_a_connection(engine):
    """All work of a SQLSoup on a MetaData bound to a Connection is in that one's transaction."""
    with engine.connect() as connection:
        db = sqlsoup.SQLSoup(bound_to(sa.MetaData(), connection))
        assert db.connection() is connection
        db.execute("INSERT INTO tags VALUES ('new')")
        assert [tag.word for tag in db.tags.order_by(db.tags.word)] == ["food", "hot", "new"]
        sqlsoup.Session.remove()
        connection.rollback()
        assert connection.scalar(sa.text("SELECT count(*) FROM tags")) == 2


@pytest.mark.parametrize("argument", [sa.MetaData, type(None)], ids=["MetaData", "nothing"])
@pytest.mark.parametrize("scoped", [True, False], ids=["scoped_session", "Session"])
def test_the_engine_may_come_from_the_session(argument, scoped, lite):
    """A MetaData without a bind, or none at all, takes the engine that the session is bound to."""
    session = scoped_session(sessionmaker(bind=lite)) if scoped else Session(lite)
    db = sqlsoup.SQLSoup(argument(), session=session)
    assert db.bind is lite
    assert db.engine is lite
    assert emails(db) == ["", "ada@example.org", "bo@example.org"]
    session.close()


def test_the_session_alone_is_enough(lite):
    """``SQLSoup(session=...)`` needs no other argument if the session is bound."""
    with Session(lite) as session:
        db = sqlsoup.SQLSoup(session=session)
        assert db.session is session
        assert db.engine is lite
        assert repr(db) == f"SQLSoup(MetaData(bind={lite!r}))"


def test_a_session_on_a_connection_gives_its_engine(lite):
    """With a session that is bound to a Connection, the engine is that Connection's."""
    with lite.connect() as connection, Session(connection) as session:
        db = sqlsoup.SQLSoup(sa.MetaData(), session=session)
        assert db.bind is lite
        assert emails(db) == ["", "ada@example.org", "bo@example.org"]


def test_the_metadata_comes_before_the_session(lite, make_engine):
    """Where both are bound, ``bind`` is that of the MetaData."""
    with Session(make_engine("sqlite://")) as session:
        assert sqlsoup.SQLSoup(bound_to(sa.MetaData(), lite), session=session).bind is lite


@pytest.mark.parametrize(
    "use",
    [
        lambda db: db.users,
        lambda db: db.entity("users"),
        lambda db: db.map_to("people", tablename="users"),
        lambda db: db.execute("SELECT 1"),
        lambda db: db.connection(),
        lambda db: db.engine,
    ],
    ids=["attribute", "entity", "map_to", "execute", "connection", "engine"],
)
@pytest.mark.parametrize("session", [None, Session, lambda: scoped_session(sessionmaker())])
def test_without_any_engine_the_first_use_fails(use, session):
    """A MetaData without a bind and a session without one are accepted, and the first use fails."""
    db = sqlsoup.SQLSoup(sa.MetaData(), session=session and session())
    assert db.bind is None
    assert repr(db) == "SQLSoup(MetaData(bind=None))"
    with pytest.raises(sqlsoup.ArgumentError) as raised:
        use(db)
    assert str(raised.value) == NO_ENGINE
    assert db._cache == {}
    assert not db._metadata.tables


@pytest.mark.parametrize(
    "value", [None, 5, b"sqlite://", ["sqlite://"], object, sa.create_engine, {"url": "sqlite://"}]
)
def test_anything_else_is_refused(value):
    """A value of another kind is an ArgumentError that names it."""
    with pytest.raises(sqlsoup.ArgumentError) as raised:
        sqlsoup.SQLSoup(value)
    assert str(raised.value) == f"invalid engine or metadata argument {value!r}"


def test_a_connection_is_refused(lite):
    """A Connection is no engine; it is named."""
    with lite.connect() as connection, pytest.raises(sqlsoup.ArgumentError) as raised:
        sqlsoup.SQLSoup(connection)
    assert str(raised.value) == f"invalid engine or metadata argument {connection!r}"


@pytest.mark.parametrize("value", [5, "session", Session, sessionmaker()])
def test_any_other_session_is_refused(value, lite):
    """A session that is neither a scoped_session nor a Session is an ArgumentError naming it."""
    with pytest.raises(sqlsoup.ArgumentError) as raised:
        sqlsoup.SQLSoup(lite, session=value)
    expected = f"invalid session argument {value!r}; pass a scoped_session or a Session"
    assert str(raised.value) == expected
    db = sqlsoup.SQLSoup(lite)
    with pytest.raises(sqlsoup.ArgumentError) as raised:
        db.session = value
    assert str(raised.value) == expected
    assert db.session is sqlsoup.Session


IN_ASYNC = (
    "pass the sync_session of an AsyncSession as session=, and use the SQLSoup within run_sync(); "
    "see 'Async programs' in the documentation"
)
ASYNCHRONOUS = f"the driver of sqlite+aiosqlite:// is asynchronous: {IN_ASYNC}"


@pytest.fixture
def waiting():
    """An AsyncEngine, which connects to nothing."""
    return create_async_engine("sqlite+aiosqlite://")


def bind_of_metadata(bind):
    """Return a MetaData with a bind."""
    return bound_to(sa.MetaData(), bind)


def test_an_async_engine_is_refused(waiting):
    """The error for an AsyncEngine, or a connection of one, says what to pass instead."""
    for value in (waiting, waiting.connect()):
        with pytest.raises(sqlsoup.ArgumentError) as raised:
            sqlsoup.SQLSoup(value)
        expected = f"invalid engine or metadata argument {value!r}: {IN_ASYNC}"
        assert str(raised.value) == expected


def test_a_bind_that_is_an_async_engine_is_refused(waiting):
    """So does the error for a MetaData that is bound to one, when the SQLSoup is made."""
    with pytest.raises(sqlsoup.ArgumentError) as raised:
        sqlsoup.SQLSoup(bind_of_metadata(waiting))
    assert str(raised.value) == (
        f"the bind of the MetaData is no engine but {waiting!r}: {IN_ASYNC}"
    )


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite"),
        ("postgresql+psycopg_async://joe:secret@127.0.0.1/x", "postgresql+psycopg_async"),
        ("postgresql+asyncpg://joe:secret@127.0.0.1/x", "postgresql+asyncpg"),
        ("mysql+asyncmy://joe:secret@127.0.0.1/x", "mysql+asyncmy"),
    ],
)
@pytest.mark.parametrize(
    "wrap", [str, sa.make_url, bind_of_metadata], ids=["string", "URL", "MetaData"]
)
def test_an_async_url_is_refused(wrap, url, driver):
    """A URL of an asynchronous driver is refused with its name, be the driver installed or not."""
    with pytest.raises(sqlsoup.ArgumentError) as raised, Session() as session:
        sqlsoup.SQLSoup(wrap(url), session=session)
    assert str(raised.value) == f"the driver of {driver}:// is asynchronous: {IN_ASYNC}"


@pytest.mark.parametrize(
    "wrap", [lambda engine: engine, bind_of_metadata], ids=["Engine", "MetaData"]
)
def test_the_default_session_is_not_for_an_async_driver(wrap, waiting):
    """Tasks would share the session of their thread, so that one of their own must be given."""
    with pytest.raises(sqlsoup.ArgumentError) as raised:
        sqlsoup.SQLSoup(wrap(waiting.sync_engine))
    assert str(raised.value) == ASYNCHRONOUS
    with Session() as session:
        db = sqlsoup.SQLSoup(wrap(waiting.sync_engine), session=session)
        assert db.engine is waiting.sync_engine
        with pytest.raises(sqlsoup.ArgumentError) as raised:
            db.session = sqlsoup.Session
        assert str(raised.value) == ASYNCHRONOUS
        assert db.session is session


@pytest.mark.parametrize(
    "make",
    [
        AsyncSession,
        async_sessionmaker,
        lambda engine: async_scoped_session(async_sessionmaker(engine), scopefunc=lambda: 1),
    ],
    ids=["AsyncSession", "async_sessionmaker", "async_scoped_session"],
)
def test_an_async_session_is_refused(make, waiting, lite):
    """The error for whatever is or makes an AsyncSession says what to pass instead, also later."""
    value, db = make(waiting), sqlsoup.SQLSoup(lite)
    for use in (
        lambda: sqlsoup.SQLSoup(session=value),
        lambda: sqlsoup.SQLSoup(lite, session=value),
        lambda: setattr(db, "session", value),
    ):
        with pytest.raises(sqlsoup.ArgumentError) as raised:
            use()
        assert str(raised.value) == f"invalid session argument {value!r}: {IN_ASYNC}"
    assert db.session is sqlsoup.Session


def test_a_registry_of_async_sessions_is_refused(waiting):
    """A scoped_session that makes an AsyncSession is refused with what it makes it by."""
    maker = async_sessionmaker(waiting)
    with pytest.raises(sqlsoup.ArgumentError) as raised:
        sqlsoup.SQLSoup(session=scoped_session(maker))
    assert str(raised.value) == f"invalid session argument {maker!r}: {IN_ASYNC}"


def test_repr_hides_the_password(make_soup):
    """``repr()`` shows the engine, and never a password."""
    db = make_soup("postgresql+psycopg2://joe:secret@127.0.0.1/x")
    expected = "SQLSoup(MetaData(bind=Engine(postgresql+psycopg2://joe:***@127.0.0.1/x)))"
    assert repr(db) == expected
    assert str(db) == expected


def missing(module, *others):
    """Return the error of a driver that cannot be imported, as SQLSoup quotes it."""
    return f"(import of {module} halted; None in sys.modules): install {others[0]!r}" + "".join(
        f", or use an installed driver with a URL like {other}://" for other in others[1:]
    )


@pytest.mark.parametrize(
    ("driver", "gone", "ending"),
    [
        (
            "postgresql+psycopg",
            ["psycopg"],
            missing("psycopg", "psycopg", "postgresql+psycopg2"),
        ),
        (
            "postgresql+psycopg2",
            ["psycopg2"],
            missing("psycopg2", "psycopg2-binary", "postgresql+psycopg"),
        ),
        ("postgresql+psycopg", ["psycopg", "psycopg2", "pg8000"], missing("psycopg", "psycopg")),
        ("mysql", ["MySQLdb", "mysql"], missing("MySQLdb", "mysqlclient", "mysql+pymysql")),
        ("mysql+pymysql", ["pymysql", "MySQLdb", "mysql"], missing("pymysql", "pymysql")),
        ("mariadb", ["MySQLdb", "mariadb"], missing("MySQLdb", "mysqlclient", "mariadb+pymysql")),
        ("oracle+oracledb", ["oracledb"], missing("oracledb", "oracledb")),
    ],
)
@pytest.mark.parametrize("kind", [str, sa.make_url], ids=["string", "URL object"])
def test_a_missing_driver_is_named(driver, gone, ending, kind, monkeypatch):
    """A URL whose driver is not installed says what to install, or which URL to use."""
    for module in gone:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(sqlsoup.ArgumentError) as raised:
        sqlsoup.SQLSoup(kind(f"{driver}://joe:secret@127.0.0.1/x"))
    assert str(raised.value) == f"the driver for {driver}:// is not installed {ending}"
    assert type(raised.value.__cause__) is ModuleNotFoundError


def test_the_default_driver_of_postgresql_is_missing(monkeypatch):
    """``postgresql://`` means psycopg on SQLAlchemy 2.1: the driver that is there is named."""
    default = sa.make_url("postgresql://").get_dialect().driver
    other = {"psycopg": "psycopg2", "psycopg2": "psycopg"}[default]
    package = {"psycopg": "psycopg", "psycopg2": "psycopg2-binary"}[default]
    monkeypatch.setitem(sys.modules, default, None)
    with pytest.raises(sqlsoup.ArgumentError) as raised:
        sqlsoup.SQLSoup("postgresql://joe:secret@127.0.0.1/x")
    assert str(raised.value) == (
        "the driver for postgresql:// is not installed "
        + missing(default, package, f"postgresql+{other}")
    )


def test_making_a_soup_connects_to_nothing(make_engine):
    """Nothing is connected to until a table is asked for."""
    tried = []

    def connect():
        tried.append(1)
        raise ConnectionRefusedError("connected")

    db = sqlsoup.SQLSoup(make_engine("sqlite://", creator=connect))
    assert repr(db) == "SQLSoup(MetaData(bind=Engine(sqlite://)))"
    assert [db.bind, db.schema, db.base, db._cache] == [db.engine, None, object, {}]
    assert type(db.session()) is db.session.session_factory.class_
    db.flush()
    db.commit()
    db.rollback()
    assert tried == []
    with pytest.raises(ConnectionRefusedError, match="connected"):
        _ = db.users
    assert tried == [1]
    sqlsoup.Session.remove()


def test_importing_imports_little(run):
    """Beyond ``import sqlalchemy.orm`` it is SQLSoup, without what makes tables to look at."""
    program = (
        "import sys, sqlalchemy.orm\n"
        "before = set(sys.modules)\n"
        "import sqlsoup\n"
        "print({name.partition('.')[0] for name in set(sys.modules) - before})\n"
        "print('sqlsoup._view' in sys.modules)"
    )
    assert run(program) == "{'sqlsoup'}\nFalse\n"


@pytest.mark.parametrize("name", ["users", "books"])
def test_base_is_the_base_of_the_classes(name, lite):
    """``base`` is a base class of every mapped class."""

    class Base:
        def greet(self):
            return f"hello {type(self).__name__}"

    db = sqlsoup.SQLSoup(lite, base=Base)
    assert db.base is Base
    assert getattr(db, name).__bases__ == (Base,)
    assert getattr(db, name).first().greet() == f"hello Mapped{name.capitalize()}"


def test_positions_of_the_arguments(lite):
    """The arguments are, in this order: engine or MetaData, base, session."""
    with Session(lite) as session:
        db = sqlsoup.SQLSoup(lite, dict, session)
        assert [db.bind, db.base, db.session] == [lite, dict, session]


def test_the_default_session(lite):
    """Without a session a SQLSoup uses ``sqlsoup.Session``, which is an unbound scoped_session."""
    db = sqlsoup.SQLSoup(lite)
    assert db.session is sqlsoup.Session
    assert type(sqlsoup.Session) is scoped_session
    assert type(sqlsoup.Session.session_factory) is sessionmaker
    assert sqlsoup.Session().bind is None
    assert sqlsoup.Session().autoflush is True


def test_aliases():
    """The names of older releases are the same objects."""
    assert sqlsoup.SqlSoup is sqlsoup.SQLSoup
    assert sqlsoup.PKNotFoundError is sqlsoup.SQLSoupError
    assert sqlsoup.SQLAlchemyError is sa.exc.SQLAlchemyError


def test_version():
    """``__version__`` is the version."""
    assert sqlsoup.__version__ == "1.0.0"


def test_all():
    """``__all__`` names what 0.9's did first, and nothing that is not there."""
    assert sqlsoup.__all__[:5] == NAMES_OF_0_9
    assert {"ArgumentError", "SqlSoup", "PKNotFoundError", "SQLAlchemyError"} < {*sqlsoup.__all__}
    assert len({*sqlsoup.__all__}) == len(sqlsoup.__all__)
    namespace = {}
    exec("from sqlsoup import *", namespace)
    assert [name for name in sqlsoup.__all__ if name not in namespace] == []


@pytest.mark.parametrize(
    ("name", "bases"),
    [
        ("SQLSoupError", (Exception,)),
        ("ArgumentError", (sqlsoup.SQLSoupError,)),
        ("NoSuchTableError", (sa.exc.NoSuchTableError, AttributeError, KeyError)),
        ("SQLSoupWarning", (UserWarning,)),
    ],
)
def test_errors_are_the_packages_own(name, bases):
    """Errors and the warning say that they are of ``sqlsoup``, and derive from what is promised."""
    cls = getattr(sqlsoup, name)
    assert [cls.__module__, cls.__qualname__, cls.__bases__] == ["sqlsoup", name, bases]


@pytest.mark.parametrize(("method", "expected"), METHODS_OF_0_9.items(), ids=METHODS_OF_0_9)
def test_signatures_are_those_of_0_9(method, expected):
    """Every method takes what it took in 0.9, by position or by name; more is keyword-only."""
    more = ", *, " + MORE[method] if method in MORE else ""
    assert plain(getattr(sqlsoup.SQLSoup, method)) == expected.removesuffix(")") + more + ")"


@pytest.mark.parametrize(
    ("cls", "method", "expected"),
    [
        (sqlsoup.SelectableClassType, "insert", "(cls, /, **kwargs)"),
        (sqlsoup.TableClassType, "insert", "(cls, /, **kwargs)"),
        (sqlsoup.TableClassType, "relate", "(cls, propname, *args, **kwargs)"),
    ],
)
def test_signatures_of_the_metaclasses(cls, method, expected):
    """``insert`` leaves every keyword to the columns; ``relate`` is as in 0.9."""
    assert plain(getattr(cls, method)) == expected
    assert issubclass(cls, type)


def test_no_name_is_taken_that_0_9_left_to_tables(soup):
    """A SQLSoup has the public names of 0.9 alone: each other one would hide a table."""
    public = [name for name in {*dir(soup)} - {*soup} if not name.startswith("_")]
    attributes = {"base", "bind", "engine", "schema", "session"}
    assert {*public} == {*METHODS_OF_0_9, *attributes} - {"__init__"}


def test_a_metadata_may_be_bound_to_a_url(lite):
    """A URL as the bind of a MetaData becomes an engine, once."""
    metadata = sa.MetaData()
    metadata.bind = str(lite.url)
    db = sqlsoup.SQLSoup(metadata)
    assert db.users.count() == 3
    assert db.bind is metadata.bind
    sqlsoup.Session.remove()
    db.bind.dispose()


def test_a_metadata_bound_to_nothing_usable():
    """Any other bind is named."""
    metadata = sa.MetaData()
    metadata.bind = 5
    with pytest.raises(
        sqlsoup.ArgumentError, match=r"^the bind of the MetaData is no engine but 5$"
    ):
        _ = sqlsoup.SQLSoup(metadata).users


def test_constructors_are_not_compiled(run):
    """Those of all classes share their code: to compile it is a part of the cost of each.

    Once a program has imported ``sqlalchemy.ext.instrumentation``, SQLAlchemy compiles them.
    """
    program = (
        "import sys, sqlsoup\n"
        "from sqlalchemy import StaticPool, create_engine\n"
        "engine = create_engine('sqlite://', poolclass=StaticPool)\n"
        "with engine.begin() as connection:\n"
        "    for name in ('users', 'books'):\n"
        "        connection.exec_driver_sql(f'CREATE TABLE {name} (id INTEGER PRIMARY KEY)')\n"
        "if len(sys.argv) > 1: import sqlalchemy.ext.instrumentation\n"
        "db = sqlsoup.SQLSoup(engine)\n"
        "print(db.users.__init__.__code__ is db.books.__init__.__code__)\n"
        "db.session.remove()\n"
        "engine.dispose()"
    )
    assert run(program) == "True\n"
    assert run(f"import sys; sys.argv.append('')\n{program}") == "False\n"
