"""No password or token of a URL is in what SQLSoup shows, raises, warns of or writes."""

from __future__ import annotations

import ast
import copy
import logging
import os
import pickle
import socket
import subprocess
import sys
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import sqlsoup
from sqlsoup import legacy
from sqlsoup.legacy import _notes

MARK = "hUsh5"
"""In every part of each secret, so that no quoting and no cut hides it from the test."""
SECRET = MARK.join(["", *"@:/#%?&=+ '\"\\;{}[]ü", ""])


@pytest.fixture(scope="module")
def port():
    """A port of the loopback interface at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener.getsockname()[1]


def url_of(driver, port, secret=SECRET, **query):
    """A URL with a password, if that is given, and with a query."""
    return sa.URL.create(driver, "joe", secret, "127.0.0.1", port, "library", query)


POSTGRESQL, MYSQL = "postgresql+psycopg2", "mysql+pymysql"
URLS = {
    "password": lambda port: url_of(POSTGRESQL, port),
    "password of another driver": lambda port: url_of(MYSQL, port),
    "password as it was typed": lambda port: f"{POSTGRESQL}://joe:{MARK}%{MARK}@127.0.0.1:{port}/x",
    "password as text": lambda port: url_of(POSTGRESQL, port).render_as_string(hide_password=False),
    "password in the query": lambda port: url_of(POSTGRESQL, port, None, password=SECRET),
    "password for a key": lambda port: url_of(POSTGRESQL, port, None, sslpassword=SECRET),
    "password of pymysql": lambda port: url_of(MYSQL, port, None, passwd=SECRET),
    "options": lambda port: url_of(POSTGRESQL, port, None, options=f"-c app.token={MARK}"),
    "token": lambda port: url_of(POSTGRESQL, port, None, token=SECRET),
    "token of pymysql": lambda port: url_of(MYSQL, port, token=SECRET),
    "two of a name": lambda port: url_of(MYSQL, port, token=(SECRET, MARK)),
    "query as text": lambda port: (
        f"{POSTGRESQL}://joe@127.0.0.1:{port}/x?password={quote(SECRET)}&token={quote_plus(SECRET)}"
    ),
    "a driver that is not there": lambda port: (
        f"mssql+pyodbc:///?odbc_connect={quote_plus(f'DRIVER=x;UID=joe;PWD={SECRET}')}"
    ),
    "a file": lambda port: f"sqlite:///file:nowhere/x.db?mode=ro&uri=true&password={quote(SECRET)}",
    "an option of a file": lambda port: f"sqlite:///x.db?token={quote(SECRET)}",
}


@pytest.fixture(params=URLS.values(), ids=URLS)
def secret_url(request, port, tmp_path, monkeypatch):
    """A URL with a secret in one of the places where there may be one."""
    monkeypatch.chdir(tmp_path)
    return request.param(port)


class Told:
    """All that was told: what was shown, raised, warned of, printed and logged."""

    def __init__(self, capfd, caplog):
        self.capfd = capfd
        self.caplog = caplog
        self.texts = []

    def show(self, thing):
        """Note how a thing shows itself."""
        self.texts += [repr(thing), str(thing), f"{thing}", f"{thing!a}"]

    def call(self, use, *args):
        """Call something, and note what it gives or raises, and what it warns of."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                given = use(*args)
            except Exception as error:  # noqa: BLE001 - any may tell
                self.show(error)
                self.texts += traceback.format_exception(error)
                chain = [error]
                for each in chain:  # what is not shown may be shown by other tools
                    self.texts += [repr(each), str(each), repr(vars(each).get("params"))]
                    chain += filter(None, [each.__cause__, each.__context__])
                raised = error
            else:
                self.show(given)
                raised = None
        for one in caught:
            shown = warnings.formatwarning(one.message, one.category, "", 1)
            self.texts += [str(one.message), shown]
        return raised

    def all(self):
        """Everything, with what was printed and logged."""
        printed = self.capfd.readouterr()
        records = [record.getMessage() for record in self.caplog.records]
        return [*self.texts, printed.out, printed.err, self.caplog.text, *records]

    def assert_quiet(self):
        """Nothing of the secret is in anything that was told."""
        texts = self.all()
        assert len(self.texts) > 3
        for text in texts:
            assert MARK.lower() not in text.lower(), text


@pytest.fixture
def told(capfd, caplog):
    """What is told from now on; log lines of all levels are part of it."""
    caplog.set_level(logging.DEBUG)
    told = Told(capfd, caplog)
    yield told
    told.assert_quiet()


def in_a_block(db):
    """Work in a block."""
    with db:
        return db.users.all()


USES = [
    *(repr, str, dir, list, copy.copy, sqlsoup.refresh, sqlsoup.as_dict, sqlsoup.as_dicts),
    *(lambda db: db.users, lambda db: db["users"], lambda db: "users" in db, in_a_block),
    *(lambda db: db["schema.users"], lambda db: db.entity("users", schema="s"), hash),
    *(lambda db: db.map_to("x", tablename="users"), lambda db: db.map_to("x"), lambda db: db[5]),
    *(lambda db: db.execute("SELECT 1"), lambda db: db.connection(), lambda db: db.commit()),
    *(lambda db: db.flush(), lambda db: db.rollback(), lambda db: db.map("users")),
    *(lambda db: db.join("a", "b"), lambda db: db.with_labels(5), lambda db: db.__nothing__),
    *(lambda db: db.delete(db), lambda db: db.expunge(5), lambda db: delattr(db, "users")),
    *(lambda db: sqlsoup.as_dict(db.engine), lambda db: sqlsoup.as_dicts(db.engine)),
    *(lambda db: sqlsoup.as_dicts([db.engine]), lambda db: sqlsoup.as_dict(db.engine.url)),
    *(lambda db: db.execute("SELECT 1", {"a": 1}, b=2), lambda db: db.session),
    *(lambda db: db._metadata, pickle.dumps),
]


def use_all(told, db):
    """Use a SQLSoup in every way; what cannot be reached or made is an error."""
    raised = [told.call(use, db) for use in USES]
    assert len(list(filter(None, raised))) > 15
    told.call(sqlsoup.Session.remove)
    told.call(db.engine.dispose)


def test_what_is_told_of_a_url(told, secret_url):
    """Whatever is done with a SQLSoup whose URL has a secret, the secret is not told."""
    made = []
    error = told.call(lambda: made.append(sqlsoup.SQLSoup(secret_url)))
    if error is None:
        use_all(told, made[0])
    else:
        assert type(error) is sqlsoup.ArgumentError
        assert str(error).startswith("the driver for mssql+pyodbc:// is not installed")


def test_what_is_told_of_an_engine(told, port):
    """The same is so for an engine, a session that is bound to one, and a MetaData."""
    url = url_of(POSTGRESQL, port, token=SECRET)
    engine = sa.create_engine(url)
    bound, metadata = sa.MetaData(), sa.MetaData()
    bound.bind, metadata.bind = engine, url
    for db in (
        sqlsoup.SQLSoup(engine),
        sqlsoup.SQLSoup(bound),
        sqlsoup.SQLSoup(metadata),
        sqlsoup.SQLSoup(engine, session=scoped_session(sessionmaker(bind=engine))),
        sqlsoup.SQLSoup(session=Session(engine)),
        sqlsoup.SQLSoup(engine.execution_options(compiled_cache=None), relationships=True),
    ):
        use_all(told, db)
        told.call(db.session.close)


USES_OF_TABLES = [
    lambda db: db.execute("CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, n INT)"),
    lambda db: db.execute("CREATE VIEW IF NOT EXISTS v AS SELECT n FROM users"),
    lambda db: db.execute("CREATE TABLE IF NOT EXISTS lost (id INT PRIMARY KEY, x REFERENCES no)"),
    *(lambda db: db.commit(), lambda db: db.users, lambda db: db.users.__doc__),
    *(lambda db: db.users.insert(name="Ada", m=1), lambda db: db.flush()),
    *(lambda db: db.users.first(), lambda db: pickle.dumps(db.users.first())),
    *(lambda db: db.users.nothing, lambda db: db.userz, lambda db: db.v, lambda db: db.lost),
    *(lambda db: db.execute("SELECT nothing"), lambda db: db.users.filter_by(nothing=1)),
    *(lambda db: db.join(db.lost, db.users), lambda db: db.users.relate("x", db.lost)),
    *(lambda db: db.map(db.lost), lambda db: db.users._sqlsoup, lambda db: type(db.users)),
    *(lambda db: db.users.get("Ada") < 5, lambda db: db.users.insert(name=None), *USES),
]


@pytest.mark.parametrize("relationships", [False, True])
def test_what_is_told_of_a_database(relationships, told, tmp_path):
    """With a database that is there, classes, rows, errors, warnings and help tell nothing."""
    url = f"sqlite:///file:{tmp_path}/x.db?mode=rwc&uri=true&token={quote(SECRET)}"
    db = sqlsoup.SQLSoup(url, relationships=relationships)
    assert db.engine.url.query["token"] == SECRET
    raised = [told.call(use, db) for use in USES_OF_TABLES]
    assert len(list(filter(None, raised))) > 15
    sqlsoup.Session.remove()
    db.engine.dispose()


@dataclass
class Settings:
    """What a program may keep its URL in."""

    url: str


WRONG = {
    "bytes": str.encode,
    "list": lambda url: [url],
    "tuple": lambda url: (url, {}),
    "dict": lambda url: {"url": url},
    "parts": lambda url: dict(sa.make_url(url)._asdict()),
    "settings": Settings,
    "factory": lambda url: sessionmaker(bind=sa.create_engine(url)),
    "nested": lambda url: [{"engine": sa.create_engine(url)}],
}


@pytest.mark.parametrize("wrap", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(
    "url",
    [
        f"{POSTGRESQL}://joe:{MARK}@127.0.0.1/x",
        f"{POSTGRESQL}://joe@127.0.0.1/x?password={MARK}",
        f"{POSTGRESQL}:///x?token={MARK}",
    ],
)
def test_arguments_that_hold_a_url(wrap, url, told, lite):
    """What is no argument is named by its type where its repr could tell a secret."""
    value = wrap(url)
    bound = sa.MetaData()
    bound.bind = value
    uses = {
        "invalid engine or metadata argument ": lambda: sqlsoup.SQLSoup(value),
        "invalid session argument ": lambda: sqlsoup.SQLSoup(lite, session=value),
        "the bind of the MetaData is no engine but ": lambda: sqlsoup.SQLSoup(bound).users,
        "<": lambda: sqlsoup.as_dict(value),
    }
    for beginning, use in uses.items():
        error = told.call(use)
        assert type(error) is sqlsoup.ArgumentError
        name = type(value).__name__
        hidden = f"{beginning.removesuffix('<')}<{name} that may hold a password>"
        assert str(error).startswith(hidden)
    if not callable(value):
        error = told.call(lambda: sqlsoup.SQLSoup(lite, relationships=value))
        assert str(error).startswith("invalid relationships argument <")


def test_repr_without_a_query(make_engine):
    """``repr()`` of a SQLSoup on a URL without a query is what it was: the repr of the engine."""
    for url in ("sqlite://", "sqlite:///x.db", url_of(POSTGRESQL, 1), f"{MYSQL}://joe@server"):
        engine = make_engine(url)
        assert repr(sqlsoup.SQLSoup(engine)) == f"SQLSoup(MetaData(bind={engine!r}))"
        optioned = engine.execution_options(compiled_cache=None)
        assert repr(sqlsoup.SQLSoup(optioned)) == f"SQLSoup(MetaData(bind={engine!r}))"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg2://joe:x@h/d?sslmode=a&b=c", "joe:***@h/d?b=***&sslmode=***"),
        ("postgresql+psycopg2://joe@/d?host=a&host=b", "joe@/d?host=***"),
        ("postgresql+psycopg2://joe:p@ss@h/d", "joe:***@***@h/d"),
        ("postgresql+psycopg2://joe:p@s@s@h:5/d?a=b", "joe:***@***@h:5/d?a=***"),
        ("postgresql+psycopg2://joe:p@ss/word@h/d", "joe:***@***/"),
    ],
)
def test_repr_with_a_query(url, shown, make_engine):
    """It shows the names in the query alone, and not the rest of a password with an ``@``."""
    db = sqlsoup.SQLSoup(make_engine(url))
    assert repr(db) == str(db) == f"SQLSoup(MetaData(bind=Engine(postgresql+psycopg2://{shown})))"


def test_repr_of_other_engines(make_engine):
    """An engine of another class shows itself as it does, with the same parts of its URL."""

    class Own(sa.Engine):
        def __repr__(self):
            return f"Own[{self.url!r}]"

    class Quiet(sa.Engine):
        def __repr__(self):
            return "Quiet"

    engine = make_engine("sqlite:///x.db?timeout=5")
    parts = engine.pool, engine.dialect
    assert repr(sqlsoup.SQLSoup(Own(*parts, engine.url))) == (
        "SQLSoup(MetaData(bind=Own[sqlite:///x.db?timeout=***]))"
    )
    assert repr(sqlsoup.SQLSoup(Quiet(*parts, engine.url))) == "SQLSoup(MetaData(bind=Quiet))"
    assert repr(sqlsoup.SQLSoup(Own(*parts, None))) == "SQLSoup(MetaData(bind=Own[None]))"


def test_a_mock_engine_is_named(told):
    """A mock engine, which is none, is an ArgumentError that names it."""
    metadata = sa.MetaData()
    metadata.bind = sa.create_mock_engine(f"{POSTGRESQL}://joe:{MARK}@h/d", print)
    error = told.call(lambda: sqlsoup.SQLSoup(metadata).users)
    assert str(error) == f"the bind of the MetaData is no engine but {metadata.bind!r}"


@pytest.mark.parametrize(
    "url", [f"postgresql:/joe:{MARK}@h/d", f"host=h password={MARK}", f"joe:{MARK}"]
)
def test_what_is_no_url(url):
    """What SQLAlchemy cannot read is in no error of SQLSoup; SQLAlchemy before 2.0.41 shows it."""
    with pytest.raises(sa.exc.ArgumentError) as raised:
        sqlsoup.SQLSoup(url)
    assert not isinstance(raised.value, sqlsoup.SQLSoupError)
    version = tuple(map(int, sa.__version__.split(".")[:3]))
    assert (MARK in str(raised.value)) is (version < (2, 0, 41))


# old programs

PROGRAM = """
import os
import sqlalchemy
from sqlalchemy.ext.sqlsoup import SqlSoup
url = os.environ["SECRET_URL"]
engine = sqlalchemy.create_engine(url, strategy="threadlocal", convert_unicode=True)
metadata = sqlalchemy.MetaData(engine)
db = SqlSoup(metadata)
print(db, repr(engine.pool), metadata.is_bound())
other = sqlalchemy.create_engine(str(engine.url))
try:
    engine.execute("SELECT 'x' AS y WHERE 1 = :z", z=1)
except sqlalchemy.exc.DBAPIError as error:
    print(error)
sqlalchemy.select([sqlalchemy.column("x")], "x = 1")
db.users
"""


@pytest.mark.parametrize("ending", ["json", "sarif", "txt"])
def test_what_is_told_of_an_old_program(ending, port, tmp_path):
    """Neither output, traceback nor report of a program tell the secrets of its URL."""
    Path(tmp_path, "program.py").write_text(PROGRAM)
    url = url_of(POSTGRESQL, port, connect_timeout="5", options=f"-c app.token={MARK}")
    command = [sys.executable, "-m", "sqlsoup.legacy", "--report", f"report.{ending}", "program.py"]
    path = str(Path(sqlsoup.__file__).parents[1])
    secret = {"SECRET_URL": url.render_as_string(hide_password=False), "PYTHONPATH": path}
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, **secret},
        capture_output=True,
        text=True,
        check=False,
    )
    report = Path(tmp_path, f"report.{ending}").read_text()
    assert done.returncode == 1
    assert "sqlalchemy.exc.OperationalError: " in done.stderr
    assert "SQLSoup(MetaData(bind=Engine(postgresql+psycopg2://joe:***@127.0.0.1" in done.stdout
    assert report.count("program.py") > 5
    for text in (done.stdout, done.stderr, report):
        assert MARK.lower() not in text.lower()


@pytest.fixture
def warning_forms():
    """Old forms in force, with a warning for each use."""
    _notes.clear()
    with legacy.enabled(warnings=True):
        yield
    _notes.clear()


def test_what_is_told_while_old_forms_are_in_force(told, port, warning_forms):
    """In a process with the old forms nothing of SQLSoup's tells a secret, nor do the notes."""
    url = url_of(POSTGRESQL, port, token=SECRET)
    text, made = url.render_as_string(hide_password=False), []
    told.call(lambda: made.append(sa.create_engine(text, encoding="utf-8")))
    told.call(lambda: made.append(sqlsoup.SQLSoup(sa.MetaData(made[0]))))
    engine, db = made
    use_all(told, db)
    told.call(lambda: engine.execute("SELECT 1"))
    told.call(lambda: sa.create_engine(url, strategy="no such"))
    told.call(lambda: sa.create_engine(url, strategy="mock"))
    told.call(lambda: sa.create_engine(url, strategy="mock", executor=print))
    query = db.session.query
    told.call(lambda: made.append(query(f"'{MARK}' AS x", f'lower("{MARK}")')))
    told.call(lambda: made.append(query(f"$${MARK}$$ AS x").filter(f"x = '{MARK}'")))
    told.call(lambda: made.append(sa.select([sa.column("x")], f"x = '{MARK}'")))
    told.call(lambda: made.append(str(engine.url)))
    assert made[-1] == text
    report = legacy.report()
    assert {note.form for note in report.notes} >= {"url-password", "query-text", "textual"}
    told.texts += [str(report), report.to_json(), report.to_sarif()]
    assert any("SQLSoupDeprecationWarning" in text for text in told.texts)


# the sources


def test_nothing_is_logged():
    """No source of the package logs, and none prints but the programs in it."""
    package = Path(sqlsoup.__file__).parent
    printing = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Import(names=names) | ast.ImportFrom(names=names):
                    assert "logging" not in {alias.name for alias in names}, path
                case ast.Name(id="print"):
                    printing.add(str(path.relative_to(package)))
    assert printing == {
        "command/__init__.py",
        "command/_console.py",
        "command/_once.py",
        "command/_tour.py",
        "command/_types.py",
        "legacy/_run.py",
    }
