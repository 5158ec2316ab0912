"""Engines and connections as they were: statements that commit, and transactions in each other."""

from __future__ import annotations

import asyncio
import gc
import re
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from unittest import mock

import pytest
import sqlalchemy as sa
from conftest import noted_in, on_postgresql, words
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    InvalidRequestError,
    OperationalError,
    PendingRollbackError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

import sqlsoup
from sqlsoup import legacy
from sqlsoup.legacy import _notes, _threads, _urls

INACTIVE = "This transaction is inactive"
tags = sa.table("tags", sa.column("word"))
visits = sa.table("visits", sa.column("day"), sa.column("n"))


pytestmark = pytest.mark.usefixtures("old_forms")


@pytest.fixture
def shared(url, engine, make_engine):
    """An engine whose threads have a connection of their own."""
    return make_engine(url, strategy="threadlocal")


def forms():
    """Return the forms that were noted in this file."""
    return noted_in(__file__)


def add(on, word):
    """Insert a tag with a string."""
    return on.execute(f"INSERT INTO tags VALUES ('{word}')")


def native(engine, statement):
    """Return a statement with the placeholders of the driver."""
    if engine.dialect.name == "sqlite":
        return statement
    return re.sub(r":(\w+)", r"%(\1)s", statement).replace("?", "%s")


BY_PLACE = "INSERT INTO visits VALUES (?, ?)"
BY_NAME = "INSERT INTO visits VALUES (:day, :n)"
TWO = [{"day": 8, "n": 1}, {"day": 9, "n": 2}]


@pytest.mark.parametrize(
    ("args", "kw", "added"),
    [
        ((8, 1), {}, 1),
        (((8, 1),), {}, 1),
        (([8, 1],), {}, 1),
        (([(8, 1), (9, 2)],), {}, 2),
        (([[8, 1], [9, 2]],), {}, 2),
        (((8, 1), (9, 2)), {}, 2),
        (([8, 1], [9, 2]), {}, 2),
    ],
)
def test_parameters_by_place(args, kw, added, engine):
    """Strings take the driver's placeholders, with values, a tuple, a list of tuples or several."""
    result = engine.execute(native(engine, BY_PLACE), *args, **kw)
    assert result.rowcount == added
    rows = engine.execute("SELECT day, n FROM visits WHERE day > 2 ORDER BY day").fetchall()
    assert rows == [(8, 1), (9, 2)][:added]
    assert engine.pool.checkedout() == 0
    assert forms() == {"engine-execute"}


@pytest.mark.parametrize(
    ("args", "kw", "added"),
    [
        ((TWO[0],), {}, 1),
        ((TWO,), {}, 2),
        ((tuple(TWO),), {}, 2),
        (TWO, {}, 2),
        ((), TWO[0], 1),
    ],
)
@pytest.mark.parametrize("kind", ["string", "text", "construct", "compiled"])
def test_parameters_by_name(kind, args, kw, added, engine):
    """Every statement takes a dict, a list of dicts, several dicts or keywords."""
    statement = {
        "string": native(engine, BY_NAME),
        "text": sa.text(BY_NAME),
        "construct": visits.insert(),
        "compiled": visits.insert().compile(engine),
    }[kind]
    assert engine.execute(statement, *args, **kw).rowcount == added
    rows = engine.execute("SELECT day, n FROM visits WHERE day > 2 ORDER BY day").fetchall()
    assert rows == [(8, 1), (9, 2)][:added]
    with engine.connect() as connection:
        connection.execute(statement, *args, **kw)
        assert connection.scalar("SELECT count(*) FROM visits") == 2 + 2 * added


ROWS = {
    "a list": lambda rows: (rows,),
    "one": lambda rows: (rows[0],),
    "several": lambda rows: rows,
    "in a tuple": lambda rows: (tuple(rows),),
}


@pytest.mark.parametrize("given", ROWS)
@pytest.mark.parametrize("kind", ["place", "name", "construct"])
@pytest.mark.parametrize("on", ["engine", "connection", "session"])
def test_rows_as_parameters(on, kind, given, engine):
    """Rows of a statement are parameters by name or by place, of which copying makes use."""
    rows = engine.execute(visits.select().order_by("day")).fetchall()
    args = ROWS[given](rows)
    if on == "session" and (len(args) > 1 or kind == "place"):
        pytest.skip("sessions had neither")
    engine.execute(visits.delete())
    statement = {
        "place": native(engine, BY_PLACE), "name": sa.text(BY_NAME), "construct": visits.insert(),
    }[kind]  # fmt: skip
    _notes.clear()
    with engine.connect() as connection, Session(engine) as session:
        {"engine": engine, "connection": connection, "session": session}[on].execute(
            statement, *args
        )
        session.commit()
    assert "statement-params" in forms()
    assert engine.execute(visits.select().order_by("day")).fetchall() == (
        rows[:1] if given == "one" else rows
    )


def test_rows_of_a_query_as_parameters(engine):
    """They are tuples: values by place."""
    with Session(engine) as session:
        rows = session.query(visits.c.day, visits.c.n).all()
    engine.execute(native(engine, BY_PLACE), rows)
    engine.execute(native(engine, BY_PLACE), *rows[0])
    assert engine.execute(visits.count()).scalar() == 5


def test_no_parameters(lite):
    """An empty list, tuple or dict is no parameter; None is one of a string."""
    for nothing in ([], (), {}):
        assert lite.execute("SELECT 5", nothing).scalar() == 5
        assert lite.execute(sa.text("SELECT 5"), nothing).scalar() == 5
    assert lite.execute("SELECT ? IS NULL", None).scalar() == 1
    assert lite.execute(sa.text("SELECT 5"), None).scalar() == 5
    with pytest.raises(StatementError, match="A value is required for bind parameter 'word'"):
        lite.execute(sa.text("SELECT :word"))
    with pytest.raises(ArgumentError, match=r"^List argument must consist only of"):
        lite.execute(tags.insert(), ("new",))
    assert lite.pool.checkedout() == 0


def test_parameters_of_any_name(lite):
    """Keywords are parameters whatever their names are, those of 2.x aside."""
    names = ("statement", "connection", "engine", "before", "parameters", "params", "args")
    for name in names:
        assert lite.execute(sa.text(f"SELECT :{name}"), **{name: "x"}).scalar() == "x"
        assert lite.scalar(f"SELECT :{name}", **{name: "x"}) == "x"
        assert sa.text(f"SELECT :{name}", bind=lite).scalar(**{name: "x"}) == "x"
        with lite.connect() as connection:
            assert connection.scalar(sa.text(f"SELECT :{name}"), **{name: "x"}) == "x"


def test_scalar(engine):
    """``scalar()`` gives the first column of the first row, or None, and the connection back."""
    assert engine.scalar("SELECT 5") == 5
    assert engine.scalar(native(engine, "SELECT n FROM visits WHERE day = ?"), 1) == 7
    assert engine.scalar(sa.select(visits.c.n).where(visits.c.day == sa.bindparam("d")), d=2) == 5
    assert engine.scalar("SELECT 5 FROM tags WHERE word = 'none'") is None
    assert engine.scalar(sa.func.lower("ABC")) == "abc"
    assert engine.pool.checkedout() == 0
    with engine.connect() as connection:
        assert connection.scalar("SELECT 5") == 5
        assert connection.scalar(native(engine, "SELECT n FROM visits WHERE day = ?"), 1) == 7
    assert forms() == {"engine-execute", "statement-string"}


def test_ddl_and_functions(engine):
    """DDL commits; functions, defaults and compiled statements are executed."""
    table = sa.Table("made", sa.MetaData(), sa.Column("id", sa.Integer))
    engine.execute(sa.schema.CreateTable(table))
    assert engine.has_table("made")
    assert "made" in engine.table_names()
    with engine.connect() as connection:
        assert "made" in engine.table_names(connection=connection)
    engine.execute(sa.DDL("DROP TABLE made"))
    assert not engine.has_table("made")
    engine.create(table)
    assert engine.has_table("made")
    engine.drop(table)
    assert not engine.has_table("made")
    engine.create(table.metadata)
    engine.drop(table.metadata)
    assert not engine.has_table("made")
    assert engine.execute(sa.func.lower("ABC")).scalar() == "abc"
    assert engine.execute(sa.ColumnDefault(5)) == 5
    assert engine.execute(sa.select(visits.c.n).compile(engine)).fetchall() == [(7,), (5,)]
    assert engine.pool.checkedout() == 0
    assert forms() == {
        "engine-execute", "engine-tables", "engine-create", "statement-execute", "statement-string"
    }  # fmt: skip
    assert "the statement that was compiled" in str(legacy.report())


def test_sequences(engine):
    """A sequence gives its next value."""
    sequence = sa.Sequence("counting")
    if engine.dialect.name == "sqlite":
        with pytest.raises(NotImplementedError):
            engine.execute(sequence.next_value())
        return
    sequence.create(engine)
    try:
        assert engine.execute(sequence) == 1
        assert engine.execute(sequence.next_value()).scalar() == 2
        with engine.connect() as connection:
            assert connection.execute(sequence) == 3
            assert connection.scalar(sequence) == 4
        assert engine.pool.checkedout() == 0
    finally:
        sequence.drop(engine)


NEW = "INSERT INTO tags VALUES ('new')"


@pytest.mark.parametrize(
    ("statement", "on"),
    [
        (NEW, "all"),
        (f"\n  {NEW.lower()}", "all"),
        (sa.text(NEW), "all"),
        (tags.insert().values(word="new"), "all"),
        (f"/* why */ {NEW}", ""),
        (f"-- why\n{NEW}", ""),
        (sa.text(f"/* why */ {NEW}"), ""),
        (sa.text(f"/* why */ {NEW}").execution_options(autocommit=True), "all"),
        (sa.text(NEW).execution_options(autocommit=False), ""),
        (tags.insert().values(word="new").execution_options(autocommit=False), ""),
        (f"{NEW} RETURNING word", "all"),
        (sa.text(f"{NEW} RETURNING word"), "all"),
        (tags.insert().values(word="new").returning(tags.c.word), "all"),
        (f"WITH made AS ({NEW} RETURNING word) SELECT word FROM made", ""),
        ("REPLACE INTO tags VALUES ('new')", "mysql"),
        ("TRUNCATE TABLE visits", "postgresql"),
        ("UPDATE visits SET n = 0", "all"),
        ("SELECT 'new'", ""),
    ],
    ids=str,
)
def test_what_commits(statement, on, engine):
    """What 1.3 took for a change is committed, and nothing else is."""
    name = engine.dialect.name
    runs = {"REPLACE": "mysql sqlite", "WITH": "postgresql", "TRUNCATE": "postgresql"}
    if name not in runs.get(str(statement).split()[0], name):
        return
    before = words(engine), engine.scalar("SELECT sum(n) FROM visits")
    engine.execute(statement)
    gc.collect()
    assert engine.pool.checkedout() == 0
    after = words(engine), engine.scalar("SELECT sum(n) FROM visits")
    is_stored = on == "all" or name in on.split()
    assert (after != before) == is_stored
    with engine.connect() as connection:
        connection.execute(statement) if after == before else None
    assert (words(engine), engine.scalar("SELECT sum(n) FROM visits")) == after


CHANGING = {
    "engine": lambda engine, select: engine.execute(select).scalar(),
    "connection": lambda engine, select: engine.connect().execute(select).fetchall()[0][0],
    "scalar": lambda engine, select: engine.connect().scalar(select),
    "union": lambda engine, select: engine.connect().scalar(select.union(select)),
    "session": lambda engine, select: Session(engine, autocommit=True).execute(select).scalar(),
}


@pytest.mark.parametrize("way", CHANGING)
def test_a_change_as_a_common_table_expression(way, engine):
    """A SELECT with an INSERT, UPDATE or DELETE as a common table expression commits as well."""
    if engine.dialect.name != "postgresql":  # the others have none
        return
    tags = sa.table("tags", sa.column("word"))
    made = tags.insert().values(word="new").returning(tags.c.word).cte("made")
    select = sa.select([made.c.word])
    engine.execute(select.execution_options(autocommit=False)).close()
    with engine.connect() as connection:
        transaction = connection.begin()
        connection.execute(select)
        transaction.rollback()
    assert "new" not in words(engine)
    assert CHANGING[way](engine, select) == "new"
    assert "new" in words(engine)


def test_a_change_as_a_common_table_expression_that_the_program_ends(engine):
    """It is the program's where that says commit() or rollback() of the connection."""
    if engine.dialect.name != "postgresql":
        return
    tags = sa.table("tags", sa.column("word"))
    made = tags.insert().values(word="new").returning(tags.c.word).cte("made")
    with engine.connect() as connection:
        assert connection.scalar(sa.select(made.c.word)) == "new"
        connection.rollback()
    assert "new" not in words(engine)
    assert forms() == set()


def test_text_autocommit(lite):
    """``text(autocommit=)`` and the option of an engine or connection decide; theirs come first."""
    comment = f"/* why */ {NEW}"
    lite.execute(sa.text(NEW, autocommit=False))
    assert "new" not in words(lite)
    lite.execution_options(autocommit=False).execute(NEW)
    lite.execution_options(autocommit=False).execute(sa.text(NEW, autocommit=True))
    assert "new" not in words(lite)
    lite.execute(sa.text(comment, autocommit=True))
    assert "new" in words(lite)
    lite.execute("DELETE FROM tags WHERE word = 'new'")
    lite.execution_options(autocommit=True).execute(comment)
    assert "new" in words(lite)
    assert forms() == {"text-arguments", "engine-execute", "autocommit-option"}


def test_option_of_a_connection(lite):
    """A connection with the option is another one than that without, but shares all else."""
    connection = lite.connect()
    asking = connection.execution_options(autocommit=True)
    assert isinstance(asking, sa.Connection)
    assert asking is not connection
    asking.execute(sa.text(f"/* why */ {NEW}").execution_options(autocommit=False))
    assert "new" in words(lite)
    connection.execute("/* why */ DELETE FROM tags WHERE word = 'new'")
    asking.close()
    assert connection.closed
    assert "new" in words(lite)
    with lite.connect() as connection:
        assert connection.execution_options(stream_results=True) is connection
    assert forms() == {"autocommit-option", "autocommit", "statement-string"}


def test_errors_leave_nothing(engine):
    """An error gives the connection back, with nothing of the statement stored."""
    before = words(engine)
    with pytest.raises(IntegrityError):
        engine.execute(tags.insert(), [{"word": "new"}, {"word": "hot"}])
    with pytest.raises(DBAPIError):
        engine.execute("INSERT INTO nothing VALUES (1)")
    with pytest.raises(sa.exc.ObjectNotExecutableError, match=r"^Not an executable object: 5$"):
        engine.execute(5)
    assert engine.pool.checkedout() == 0
    assert words(engine) == before


def test_returning_keeps_the_result(engine):
    """The result of what returned rows and was committed is whole: rows, names, count, key."""
    result = engine.execute(f"{NEW} RETURNING word")
    assert words(engine) == ["food", "hot", "new"]
    assert result.keys() == ["word"]
    if engine.dialect.name == "postgresql":
        assert result.rowcount == 1
    assert result.fetchone()["word"] == "new"
    assert result.fetchone() is None
    books = sa.Table("books", sa.MetaData(), autoload_with=engine)
    with engine.connect() as connection:
        result = connection.execute(books.insert(), {"title": "Fresh"})
        assert result.inserted_primary_key == [4]
        assert result.rowcount == 1
    result = engine.execute(books.insert(), title="Fresher")
    assert isinstance(result, sa.CursorResult)
    assert result.inserted_primary_key == [5]
    assert engine.pool.checkedout() == 0


def test_connection_commits_by_itself(engine):
    """Outside a transaction a connection commits, and stays open for what follows."""
    with engine.connect() as connection:
        assert add(connection, "new").rowcount == 1
        assert words(engine) == ["food", "hot", "new"]
        assert not connection.in_transaction()
        connection.execute(native(engine, "DELETE FROM tags WHERE word = ?"), "new")
        assert words(engine) == ["food", "hot"]
        connection.execute(tags.insert(), word="new")
        connection.execute(tags.insert(), {"word": "newer"}, {"word": "newest"})
        assert words(engine) == ["food", "hot", "new", "newer", "newest"]
    assert forms() == {"statement-string", "statement-params", "autocommit"}


def test_new_code_on_a_connection(lite):
    """An insert() and a commit() after it are nothing old, nor is a block of the engine."""
    with lite.connect() as connection:
        connection.execute(tags.insert(), {"word": "new"})
        connection.execute(statement=tags.insert(), parameters=[{"word": "newer"}])
        connection.execute(sa.text("SELECT 1"), parameters=None, execution_options={})
        connection.commit()
        assert connection.scalars(sa.select(tags.c.word)).all() != []
        connection.rollback()
        with connection.begin():
            connection.execute(tags.delete())
        assert not connection.in_transaction()
    with lite.begin() as connection:
        connection.execute(tags.insert(), [{"word": "newest"}])
        with connection.begin_nested():
            connection.exec_driver_sql("SELECT 1")
    assert words(lite) == ["newest"]
    assert not legacy.report()


def add_tag(connection, word):
    """Leave the commit to the caller."""
    connection.execute(tags.insert(), {"word": word})


def test_program_that_ends_its_transactions(engine):
    """What says commit() or rollback() of its connection, as one can in 2.x, ends it alone."""
    with engine.connect() as connection:
        add_tag(connection, "a")
        assert connection.in_transaction()
        connection.commit()
        assert not connection.in_transaction()
        connection.execute(sa.text("INSERT INTO tags (word) VALUES ('b')"))
        with connection.begin_nested():
            add_tag(connection, "c")
        connection.rollback()
        connection.execute(sa.insert(tags), [{"word": "d"}])
    assert words(engine) == ["a", "food", "hot"]
    assert not legacy.report()


@pytest.mark.parametrize(
    "statement",
    [
        sqlite.insert(tags).values(word="a").on_conflict_do_nothing(),
        sa.DDL("CREATE TABLE made (x INTEGER)"),
        sa.schema.CreateTable(sa.Table("made", sa.MetaData(), sa.Column("x", sa.Integer))),
    ],
    ids=["insert of a database", "text", "table"],
)
def test_program_that_ends_statements_of_other_classes(lite, statement):
    """It ends statements of a database and DDL as well."""
    ended = []
    sa.event.listen(lite, "commit", ended.append)
    with lite.connect() as connection:
        connection.execute(statement)
        connection.rollback()
    assert (words(lite), ended, forms()) == (["food", "hot"], [], set())


def test_program_that_ends_create_all(lite):
    """It ends the statements of MetaData, all at once."""
    metadata = sa.MetaData()
    for name in ("made", "other"):
        sa.Table(name, metadata, sa.Column("x", sa.Integer))
    ended = []
    sa.event.listen(lite, "commit", ended.append)
    with lite.connect() as connection:
        metadata.create_all(connection)
        connection.commit()
    assert (len(ended), forms()) == (1, set())


class Tags:
    """An object with a connection, to which it says commit() or rollback()."""

    def __init__(self, engine):
        self.connection = engine.connect()

    def add(self, word):
        """Add a tag."""
        self.connection.execute(tags.insert(), {"word": word})

    def undo(self):
        """Undo what was added."""
        self.connection.rollback()


class SlottedTags:
    """One that keeps its connection in a slot."""

    __slots__ = ("connection",)
    __init__, add, undo = Tags.__init__, Tags.add, Tags.undo


class Unit:
    """A unit of work, which makes the connection that others use."""

    def __init__(self, engine):
        self.engine = engine

    def __enter__(self):
        self.connection = self.engine.connect()
        return self

    def __exit__(self, kind, *_):
        (self.connection.rollback if kind else self.connection.commit)()
        self.connection.close()


class Counted:
    """Namespace of another one, whose connection has options."""

    class Work(Unit):
        """One that can commit before its end."""

        def __enter__(self):
            self.connection = self.engine.connect().execution_options(count=True)
            return self

        def save(self):
            """Commit."""
            self.connection.commit()


def add_tag_and_fail(connection, word):
    """Leave the rollback to the caller."""
    add_tag(connection, word)
    raise ZeroDivisionError


@pytest.mark.parametrize("kind", [Unit, Counted.Work])
def test_unit_of_work(lite, kind):
    """A class that ends the transactions of the connection that it makes ends those of others."""
    with kind(lite) as unit:
        add_tag(unit.connection, "a")
    with pytest.raises(ZeroDivisionError), kind(lite) as unit:
        add_tag_and_fail(unit.connection, "b")
    assert (words(lite), forms()) == (["a", "food", "hot"], set())


class NoHash(type):
    """The type of classes that cannot be looked up."""

    __hash__ = None

    def __eq__(cls, other):
        return cls is other


class Odd(metaclass=NoHash):
    """A class of which nothing can be known."""

    def __init__(self, engine):
        self.connection = engine.connect()

    def add(self, word):
        """Add a tag."""
        self.connection.execute(tags.insert(), {"word": word})

    def undo(self):
        """Undo what was added."""
        self.connection.rollback()


class Unbound:
    """A proxy that stands for a class, and for none now."""

    @property
    def __class__(self):
        raise RuntimeError("unbound")

    class Inner(Odd):
        """It is not found by its name."""


class Wrapped:
    """One with methods that wrap odd things, and a slot without a value."""

    __slots__ = ("connection", "other")

    def __init__(self, engine):
        self.connection = engine.connect()

    def add(self, word):
        """Add a tag."""
        self.connection.execute(tags.insert(), {"word": word})

    def turn(self):
        """Do nothing with what may not be there."""
        self.other.rollback()

    def turn_back(self):
        """Do nothing."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    turn.__wrapped__ = turn
    turn_back.__wrapped__ = mock.call


def commit(connection, word):
    """Add a tag, whatever the name of this function says."""
    connection.execute(tags.insert(), {"word": word})


class Giver:
    """One that gives its connection to a function, which is called commit()."""

    def __init__(self, engine):
        self.connection = engine.connect()

    def add(self, word):
        """Add a tag."""
        run(self.connection, commit, word)

    def end_others(self, other):
        """End what others do, on connections that are not its own."""
        other.commit()
        other.connect().rollback()


def run(connection, function, word):
    """Call a function."""
    function(connection, word)


@pytest.mark.parametrize("kind", [Odd, Unbound.Inner, Wrapped, Giver])
def test_objects_that_tell_nothing(lite, kind, monkeypatch):
    """What is changed on their connections is committed at once, and noted."""
    monkeypatch.setitem(globals(), "Unbound", Unbound())
    kept = kind(lite)
    kept.add("a")
    kept.connection.close()
    assert (words(lite), forms()) == (["a", "food", "hot"], {"autocommit"})


def test_options_that_are_asked_for_later(lite):
    """Where a connection gives its method for options, what is changed is committed at once."""
    options = lite.connect().execution_options
    connection = options(count=1)
    add_tag(connection, "a")
    connection.close()
    assert (words(lite), forms()) == (["a", "food", "hot"], {"autocommit"})


def test_connection_that_is_dropped_by_a_method(make_engine, tmp_path):
    """It goes back to the pool at once, though the program was looked at."""
    engine = make_engine(
        f"sqlite:///{tmp_path}/one.db", pool_size=1, max_overflow=0, pool_timeout=1
    )
    metadata = sa.MetaData()
    words_ = sa.Table("words", metadata, sa.Column("word", sa.String))
    metadata.create_all(engine)

    def add(engine):
        connection = engine.connect()
        connection.execute(words_.insert(), {"word": "a"})
        del connection
        engine.connect().close()

    add(engine)


class Keeper:
    """One that makes a connection, whose transactions it does not end."""

    def __init__(self, engine):
        self.connection = engine.connect()


def test_connection_that_is_kept(lite):
    """What is changed by one whose end nobody says is committed at once, and noted."""

    def keep():
        class Local:
            def __init__(self):
                self.connection = lite.connect()

        return Local()

    for kept, word in ((Keeper(lite), "a"), (keep(), "b")):
        add_tag(kept.connection, word)
        kept.connection.close()
    assert (words(lite), forms()) == (["a", "b", "food", "hot"], {"autocommit"})


class GivenTags(Tags):
    """One that is given a connection, which another one makes."""

    def __init__(self, engine):
        self.connection = next(iter([engine.connect()]))


@pytest.mark.parametrize("kind", [Tags, SlottedTags, GivenTags])
def test_object_that_ends_its_transactions(lite, kind):
    """A class that says commit() or rollback() of its connection ends what its methods do."""
    kept = kind(lite)
    kept.add("a")
    kept.undo()
    kept.connection.close()
    assert (words(lite), forms()) == (["food", "hot"], set())


OF_TWO_KINDS = """
class Store:
    def __init__(self, engine):
        self.connection = engine.connect()

    def add(self, statement):
        self.connection.execute(statement)

    def commit_of_the_driver(self):
        self.connection.commit()
"""


@pytest.mark.parametrize(
    ("driver", "noted"),
    [
        ("import sqlite3", {"change-undone"}),
        ("from sqlite3 import connect", {"change-undone"}),
        ("import sqlite3.dbapi2 as driver", {"change-undone"}),
        ("import json, sqlalchemy", set()),
    ],
)
def test_change_that_nothing_has_ended(lite, driver, noted):
    """Where what commits may be a driver's, a change that close() undoes is noted."""
    names = {"__name__": driver}
    exec(compile(f"{driver}\n{OF_TWO_KINDS}", "program.py", "exec"), names)
    store = names["Store"](lite)
    store.add(tags.insert().values(word="a"))
    store.connection.close()
    assert (words(lite), forms()) == (["food", "hot"], noted)
    _notes.clear()
    store = names["Store"](lite)
    store.add(tags.insert().values(word="a"))
    with suppress(ZeroDivisionError):
        try:
            raise ZeroDivisionError
        finally:
            store.connection.close()
    store = names["Store"](lite)
    store.add(tags.insert().values(word="b"))
    store.commit_of_the_driver()
    store.add(tags.insert().values(word="c"))
    store.connection.close()
    assert (words(lite), forms()) == (["b", "food", "hot"], set())


def test_change_on_a_connection_that_is_never_closed(lite):
    """It is noted where it is made, unless what it is made in is committed or rolled back."""
    names = {"__name__": "program"}
    exec(compile(f"import sqlite3\n{OF_TWO_KINDS}", "program.py", "exec"), names)
    store = names["Store"](lite)
    store.add(tags.insert().values(word="a"))
    store.connection.rollback()
    assert forms() == set()
    store.add(tags.insert().values(word="a"))
    store.add(tags.insert().values(word="b"))
    del store
    gc.collect()
    notes = [(note.form, note.file, note.line) for note in legacy.report().notes]
    assert (words(lite), notes) == (["food", "hot"], [("change-undone", "program.py", 8)])


class App:
    """One that keeps a connection."""

    def __init__(self, engine):
        self.pool = SimpleNamespace(connection=None)
        self.pool.connection = engine.connect()


class Part:
    """A part of it, which uses the connection, and ends what it does."""

    def __init__(self, app):
        self.app = app

    def add(self, word):
        """Add a tag."""
        add_tag(self.app.pool.connection, word)

    def undo(self):
        """End it."""
        self.app.pool.connection.rollback()


def test_connection_of_an_object_in_an_attribute(lite):
    """A program may say commit() or rollback() of it as well."""
    app = App(lite)
    part = Part(app)
    part.add("a")
    part.undo()
    add_tag(app.pool.connection, "b")
    app.pool.connection.commit()
    assert (words(lite), forms()) == (["b", "food", "hot"], set())
    app.pool.connection.close()


def end(kept, *, is_good):
    """End what one has done on its connection, of which it knows nothing."""
    if is_good:
        kept.connection.commit()
    else:
        kept.connection.rollback()


def test_rollback_that_comes_too_late(lite):
    """What has committed by itself stays noted, though the program commits what follows."""
    kept = Keeper(lite)
    add_tag(kept.connection, "a")
    end(kept, is_good=False)
    add_tag(kept.connection, "b")
    end(kept, is_good=True)
    kept.connection.close()
    assert words(lite) == ["a", "b", "food", "hot"]
    assert [(note.form, note.count) for note in legacy.report().notes] == [("autocommit", 1)]


class Whole:
    """One that makes a connection for one of its parts, and ends what that does."""

    def __init__(self, engine):
        self.part = SimpleNamespace()
        self.part.connection = engine.connect()

    def undo(self):
        """End it."""
        self.part.connection.rollback()


def test_connection_made_for_an_object_in_an_attribute(lite):
    """Who makes it and says rollback() of it, ends what others do with it."""
    whole = Whole(lite)
    add_tag(whole.part.connection, "a")
    whole.undo()
    whole.part.connection.close()
    assert (words(lite), forms()) == (["food", "hot"], set())


@contextmanager
def block(engine, **options):
    """Commit at the end of a block, and roll back at an error."""
    connection = engine.connect().execution_options(**options)
    try:
        yield connection
        connection.commit()
    except ValueError:
        connection.rollback()
    finally:
        connection.close()


def given(engine):
    """Give a connection away, and roll back what was done with it."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def test_maker_that_ends_transactions(lite):
    """What makes a connection and says commit() or rollback() of it ends what others do with it."""
    with block(lite, logging_token="a") as work:
        add_tag(work, "a")
        assert work.in_transaction()
        raise ValueError
    for work in given(lite):
        add_tag(work, "a")
    assert (words(lite), forms()) == (["food", "hot"], set())


def test_session_on_a_connection_after_a_statement(lite):
    """It commits, and is noted: on 2.x it leaves that to a program, which may say so."""
    with lite.connect() as old:
        old.execute(sa.select(tags))
        session = Session(old)
        session.execute(tags.insert(), {"word": "a"})
        session.commit()
    assert (words(lite), forms()) == (["a", "food", "hot"], {"begin-late"})
    _notes.clear()
    with lite.connect() as connection:
        connection.execute(sa.select(tags))
        session = Session(connection)
        session.execute(tags.insert(), {"word": "b"})
        session.commit()
        connection.rollback()
    assert (words(lite), forms()) == (["a", "food", "hot"], set())


def test_loss_of_a_connection_that_a_program_ends(lite):
    """It is to be rolled back by the program before it is used again, as without the module."""
    with lite.connect() as connection:
        connection.execute(sa.select(tags))
        connection.invalidate()
        with pytest.raises(PendingRollbackError):
            connection.execute(sa.select(tags))
        connection.rollback()
        assert len(connection.execute(sa.select(tags)).all()) == 2
    assert forms() == set()


def test_transaction_that_is_taken(lite):
    """What a program gets of get_transaction(), it ends."""
    ended = []
    with lite.connect() as connection:
        connection.execute(sa.select(tags))
        taken = connection.get_transaction()
        ended.append(taken.connection is connection)
        add_tag(connection, "a")
        taken.rollback()
        ended.append(connection.get_transaction())
    assert (words(lite), ended, forms()) == (["food", "hot"], [True, None], set())


class Work:
    """An object with an asynchronous connection, which somebody else ends."""

    async def add(self, word):
        """Add a tag."""
        await self.connection.execute(tags.insert(), {"word": word})


def test_asynchronous_connections(tmp_path):
    """They are new altogether, and end their transactions as without the module."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/async.db")

    async def main():
        work = Work()
        async with engine.begin() as connection:
            await connection.execute(sa.DDL("CREATE TABLE tags (word VARCHAR)"))
        async with engine.connect() as work.connection:
            await work.add("a")
            assert work.connection.in_transaction()
        async with engine.connect() as connection:
            found = (await connection.scalars(sa.select(tags.c.word))).all()
        await engine.dispose()
        return found

    assert (asyncio.run(main()), forms()) == ([], set())


def test_program_that_ends_something_else(engine):
    """Strings, and connections of no variable that has a commit(), commit by themselves."""
    raw = engine.raw_connection()
    raw.commit()
    raw.close()
    with engine.connect() as connection:
        add_tag(connection, "a")
        with engine.connect() as other:
            other.execute("INSERT INTO tags (word) VALUES ('b')")
            assert words(engine) == ["a", "b", "food", "hot"]
            other.rollback()
    assert words(engine) == ["a", "b", "food", "hot"]
    assert forms() == {"statement-string", "autocommit"}


def test_commit_that_does_not_follow(lite):
    """An insert() without a commit() is noted when the connection is closed, by a warning too."""
    with legacy.enabled(), lite.connect() as connection:
        connection.execute(tags.insert(), {"word": "new"})
    assert words(lite) == ["food", "hot", "new"]
    assert forms() == {"autocommit"}
    _notes.clear()
    connection = lite.connect()
    legacy.disable()
    with legacy.enabled():
        connection.execute(tags.insert(), {"word": "newer"})
        with pytest.warns(sqlsoup.SQLSoupDeprecationWarning, match=r"^a statement that commits"):
            connection.close()
    legacy.enable(warnings=False)


def test_transactions(engine):
    """``begin()`` is committed, rolled back or closed, after a statement as before one."""
    with engine.connect() as connection:
        transaction = connection.begin()
        add(connection, "a")
        assert (connection.in_transaction(), transaction.is_active) == (True, True)
        transaction.rollback()
        assert (connection.in_transaction(), transaction.is_active) == (False, False)
        transaction.rollback()
        connection.execute("SELECT 1").fetchall()
        transaction = connection.begin()
        add(connection, "b")
        transaction.close()
        add(connection, "c")
        transaction = connection.begin()
        add(connection, "d")
        transaction.commit()
        with pytest.raises(InvalidRequestError, match=f"^{INACTIVE}$"):
            transaction.commit()
    assert words(engine) == ["c", "d", "food", "hot"]
    assert forms() == {"statement-string", "autocommit", "begin-late"}


def inner_commit(connection):
    """Commit both."""
    outer = connection.begin()
    inner = connection.begin()
    assert inner.connection is connection
    add(connection, "a")
    inner.commit()
    assert (inner.is_active, outer.is_active, connection.in_transaction()) == (False, True, True)
    add(connection, "b")
    outer.commit()


def inner_commit_outer_rollback(connection):
    """Commit within what is rolled back."""
    outer = connection.begin()
    inner = connection.begin()
    add(connection, "a")
    inner.commit()
    outer.rollback()


def inner_rollback(connection):
    """Roll back within what is then to be committed."""
    outer = connection.begin()
    inner = connection.begin()
    add(connection, "a")
    inner.rollback()
    assert (inner.is_active, outer.is_active, connection.in_transaction()) == (False, False, False)
    add(connection, "b")
    with pytest.raises(InvalidRequestError, match=f"^{INACTIVE}$"):
        outer.commit()
    outer.rollback()


def inner_close(connection):
    """Close within what is then committed."""
    outer = connection.begin()
    inner = connection.begin()
    add(connection, "a")
    inner.close()
    assert (inner.is_active, outer.is_active) == (True, True)
    outer.commit()


def outer_first(connection):
    """Commit the outer one first."""
    outer = connection.begin()
    inner = connection.begin()
    add(connection, "a")
    outer.commit()
    with pytest.raises(InvalidRequestError, match=f"^{INACTIVE}$"):
        inner.commit()
    inner.rollback()
    assert not inner.is_active


def rollback_after_commit(connection):
    """Roll back an inner one that was committed."""
    outer = connection.begin()
    inner = connection.begin()
    add(connection, "a")
    inner.commit()
    inner.rollback()
    assert not outer.is_active


def blocks(connection):
    """Nest blocks."""
    with connection.begin():
        add(connection, "a")
        with connection.begin():
            add(connection, "b")


def failing_block(connection):
    """Let an inner block fail, and go on."""
    with connection.begin() as outer:
        add(connection, "a")
        with pytest.raises(ZeroDivisionError), connection.begin():
            raise ZeroDivisionError
        assert not outer.is_active
        add(connection, "b")


def committed_block(connection):
    """Commit within a block, and go on."""
    with connection.begin() as transaction:
        add(connection, "a")
        transaction.commit()
        add(connection, "b")


def committed_inner_block(connection):
    """Commit within an inner block, which then rolls all back at its end."""
    with connection.begin():
        add(connection, "a")
        with connection.begin() as inner:
            inner.commit()


@pytest.mark.parametrize(
    ("program", "stored"),
    [
        (inner_commit, ["a", "b"]),
        (inner_commit_outer_rollback, []),
        (inner_rollback, ["b"]),
        (inner_close, ["a"]),
        (outer_first, ["a"]),
        (rollback_after_commit, []),
        (blocks, ["a", "b"]),
        (failing_block, ["b"]),
        (committed_block, ["a", "b"]),
        (committed_inner_block, []),
    ],
)
def test_transactions_in_each_other(program, stored, engine):
    """An inner transaction leaves the decision to the outer one, unless it rolls all back."""
    with engine.connect() as connection:
        program(connection)
        assert not connection.in_transaction()
    assert words(engine) == [*stored, "food", "hot"]
    assert engine.pool.checkedout() == 0
    assert ("nested-begin" in forms()) == (program is not committed_block)


def test_block_of_an_engine(engine):
    """A block of an engine does not end as if all were well when one within it rolled back."""
    with engine.begin() as connection:
        add(connection, "a")
        with connection.begin():
            add(connection, "b")

    def roll_back():
        with engine.begin() as connection:
            add(connection, "c")
            connection.begin().rollback()

    def fail():
        with engine.begin(close_with_result=False) as connection:
            add(connection, "d")
            raise ZeroDivisionError

    with pytest.raises(InvalidRequestError, match=f"^{INACTIVE}$"):
        roll_back()
    with pytest.raises(ZeroDivisionError):
        fail()
    assert words(engine) == ["a", "b", "food", "hot"]
    assert engine.pool.checkedout() == 0


def test_savepoint_of_what_ends_its_transactions(engine):
    """begin_nested() alone is a savepoint within what a program that says rollback() ends."""
    with engine.connect() as connection:
        with connection.begin_nested():
            connection.execute(sa.text("INSERT INTO tags VALUES ('new')"))
        assert connection.in_transaction()
        connection.rollback()
    if engine.dialect.name != "sqlite":  # whose driver begins nothing before a savepoint
        assert "new" not in words(engine)
    assert not legacy.report()


def test_savepoints(engine):
    """``begin_nested()`` alone begins a transaction; within one it is a savepoint."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.begin_nested().commit()
            connection.scalar(sa.select(1))
            connection.begin_nested().commit()
            assert not connection.in_transaction()
        return
    with engine.connect() as connection:
        connection.scalar(sa.select(1))
        alone = connection.begin_nested()
        add(connection, "a")
        alone.commit()
        assert not connection.in_transaction()
        with connection.begin() as transaction:
            add(connection, "b")
            savepoint = connection.begin_nested()
            add(connection, "c")
            connection.begin().rollback()
            assert (savepoint.is_active, transaction.is_active) == (False, True)
            connection.begin().commit()
            add(connection, "d")
        with connection.begin():
            with pytest.raises(IntegrityError), connection.begin_nested():
                add(connection, "food")
            add(connection, "e")
    assert words(engine) == ["a", "b", "d", "e", "food", "hot"]


def test_two_phases(engine):
    """``begin_twophase()`` works after a statement, and is a transaction to what is within."""
    if engine.dialect.name != "postgresql":
        with engine.connect() as connection:
            connection.begin()
            with pytest.raises((InvalidRequestError, NotImplementedError)):
                connection.begin_twophase()
        return
    with engine.connect() as connection:
        connection.execute("SELECT 1").fetchall()
        transaction = connection.begin_twophase()
        add(connection, "a")
        connection.begin().commit()
        assert connection.in_transaction()
        transaction.rollback()
        transaction = connection.begin_twophase("a name")
        add(connection, "b")
        transaction.commit()
        transaction = connection.begin()
        with pytest.raises(InvalidRequestError):
            connection.begin_twophase()
        transaction.rollback()
    assert words(engine) == ["b", "food", "hot"]
    assert "begin-late" in forms()


def test_session_in_a_transaction(engine):
    """A session on a connection in a transaction leaves that to whoever began it."""
    with engine.connect() as connection:
        transaction = connection.begin()
        db = sqlsoup.SQLSoup(engine, session=Session(connection))
        db.tags.insert(word="new")
        db.commit()
        assert db.tags.count() == 3
        db.session.close()
        assert transaction.is_active
        transaction.rollback()
    assert words(engine) == ["food", "hot"]
    assert forms() == set()


def test_session_on_a_connection(engine):
    """A session on a connection outside a transaction has its own, after a statement too."""
    with engine.connect() as connection:
        connection.execute("SELECT 1").fetchall()
        session = Session(connection)
        session.execute(tags.insert(), {"word": "a"})
        assert connection.in_transaction()
        session.commit()
        assert not connection.in_transaction()
        session.execute(tags.insert(), {"word": "b"})
        session.rollback()
        add(connection, "c")
        session.close()
    assert words(engine) == ["a", "c", "food", "hot"]


def test_isolation_level_after_a_statement(engine):
    """The isolation level is changed after a statement, but not within a transaction."""
    with engine.connect() as connection:
        add(connection, "new")
        changed = connection.execution_options(isolation_level="SERIALIZABLE")
        assert changed.get_isolation_level() == "SERIALIZABLE"
    with engine.connect() as connection:
        connection.begin()
        with pytest.raises(InvalidRequestError, match="already initialized"):
            connection.execution_options(isolation_level="SERIALIZABLE")
    assert words(engine) == ["food", "hot", "new"]


def test_errors_outside_a_transaction(engine):
    """After an error outside a transaction the connection works on."""
    with engine.connect() as connection:
        for statement in ("INSERT INTO nothing VALUES (1)", sa.text("nonsense")):
            with pytest.raises((OperationalError, ProgrammingError)):
                connection.execute(statement)
            assert connection.scalar("SELECT 5") == 5
        add(connection, "new")
        transaction = connection.begin()
        with pytest.raises((OperationalError, ProgrammingError)):
            connection.execute("nonsense")
        assert transaction.is_active
        transaction.rollback()
        add(connection, "newer")
    assert words(engine) == ["food", "hot", "new", "newer"]


def lose(engine, connection):
    """End the connection at the server."""
    query = {
        "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"),
        "mysql": ("SELECT connection_id()", "KILL {}"),
    }[engine.dialect.name]
    number = connection.exec_driver_sql(query[0]).scalar()
    with engine.connect() as other:
        other.exec_driver_sql(query[1].format(number))
    threading.Event().wait(0.05)


def test_loss_of_a_connection(engine):
    """A lost connection is made anew, within a transaction not before that is rolled back."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.execute("SELECT 1").fetchall()
            connection.invalidate()
            assert connection.scalar("SELECT 5") == 5
        assert forms() == {"statement-string", "connection-lost"}
        return
    with engine.connect() as connection:
        lose(engine, connection)
        with pytest.raises(OperationalError):
            connection.execute("SELECT 1")
        add(connection, "a")
        lose(engine, connection)
        with pytest.raises(OperationalError):
            connection.scalar(sa.text("SELECT 1"))
        transaction = connection.begin()
        add(connection, "b")
        lose(engine, connection)
        for _ in range(2):
            with pytest.raises(sa.exc.SQLAlchemyError, match=r"server|Lost|reconnect"):
                connection.execute("SELECT 1")
        assert connection.in_transaction()
        transaction.rollback()
        add(connection, "c")
    assert words(engine) == ["a", "c", "food", "hot"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_close_of_a_lost_connection(engine):
    """A connection that was lost is closed without an error."""
    if engine.dialect.name == "sqlite":
        connection = engine.connect()
        connection.execute("/* why */ INSERT INTO tags VALUES ('new')")
    else:
        connection = engine.connect()
        connection.execute("/* why */ INSERT INTO tags VALUES ('new')")
        lose(engine, connection)
    connection.close()
    assert engine.pool.checkedout() == 0
    assert engine.scalar("SELECT count(*) FROM tags") == 2
    if engine.dialect.name != "sqlite":
        assert "connection-lost" in forms()
        begun = engine.connect()
        begun.begin()
        lose(engine, begun)
        with pytest.raises(DBAPIError):
            begun.close()


def test_branches(engine):
    """``connect()`` of a connection gives that connection, and close() leaves it open."""
    with engine.connect() as connection:
        for branch in (connection.connect(), connection.contextual_connect(close_with_result=True)):
            assert isinstance(branch, sa.Connection)
            with branch, branch.begin():
                branch.execute(tags.delete().where(tags.c.word == "new"))
            add(branch, "new")
            branch.close()
        assert not connection.closed
        with connection.begin() as transaction:
            connection.connect().begin().rollback()
            assert not transaction.is_active
        assert Session(connection.connect()).scalar(sa.text("SELECT 5")) == 5
    with engine.contextual_connect() as connection:
        assert connection.scalar("SELECT 5") == 5
    assert engine.pool.checkedout() == 0
    assert words(engine) == ["food", "hot", "new"]
    assert {"connection-connect", "engine-connect"} < forms()


def test_functions_with_a_connection(engine):
    """``run_callable()`` begins no transaction, ``transaction()`` does."""

    def fail(connection, word, *, engine):
        add(connection, f"{word}{connection.in_transaction()}")
        raise ZeroDivisionError

    def work(connection, word, *, engine):
        add(connection, f"{word}{connection.in_transaction()}")
        return engine

    with engine.connect() as connection:
        for on, word in ((engine, "e"), (connection, "c")):
            for kind in ("run_callable", "transaction"):
                assert getattr(on, kind)(work, f"{word}-{kind[0]}-", engine=5) == 5
                with pytest.raises(ZeroDivisionError):
                    getattr(on, kind)(fail, f"{word}-{kind[0]}-not-", engine=5)
    assert [word for word in words(engine) if "-" in word] == [
        "c-r-False", "c-r-not-False", "c-t-True", "e-r-False", "e-r-not-False", "e-t-True",
    ]  # fmt: skip
    assert engine.pool.checkedout() == 0
    assert "run-callable" in forms()


def test_threadlocal_transactions(engine, shared):
    """``begin()``, ``commit()`` and ``rollback()`` of an engine are of all that the thread does."""
    shared.commit()
    shared.rollback()
    add(shared, "a")
    shared.begin()
    add(shared, "b")
    assert shared.pool.checkedout() == 1
    shared.rollback()
    shared.begin()
    shared.begin()
    add(shared, "c")
    shared.commit()
    with shared.contextual_connect() as connection:
        connection.execute("SELECT 1")
    shared.commit()
    with shared.begin() as given:
        assert given is shared
        add(shared, "d")
    begun = shared.begin()
    add(shared, "g")
    begun.rollback()
    begun = shared.begin()
    add(shared, "h")
    begun.commit()

    def fail():
        with shared.begin():
            add(shared, "e")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    shared.begin()
    add(shared, "f")
    shared.close()
    shared.close()
    assert shared.pool.checkedout() == 0
    assert words(engine) == ["a", "c", "d", "food", "h", "hot"]
    assert "threadlocal" not in forms()


def test_threadlocal_rollback_within(engine, shared):
    """After a rollback within a transaction that cannot be committed."""
    shared.begin()
    shared.begin()
    add(shared, "a")
    shared.rollback()
    with pytest.raises(InvalidRequestError, match=f"^{INACTIVE}$"):
        shared.commit()
    shared.begin()
    if engine.dialect.name != "sqlite":
        shared.begin_nested()
        add(shared, "b")
        shared.rollback()
    add(shared, "c")
    shared.commit()
    assert shared.pool.checkedout() == 0
    assert words(engine) == ["c", "food", "hot"]


def test_threadlocal_and_the_rest(engine, shared):
    """Sessions, tables and reflection take part in the transaction; connect() does not."""
    table = sa.Table("tags", sa.MetaData(shared), autoload=True)
    shared.begin()
    table.insert().execute(word="a")
    with Session(shared) as session:
        session.execute(tags.insert(), {"word": "b"})
        session.commit()
    table.metadata.create_all()
    assert sa.inspect(shared).has_table("tags")
    assert shared.scalar("SELECT count(*) FROM tags") == 4
    if engine.dialect.name != "sqlite":
        with shared.connect() as other:
            assert other.scalar("SELECT count(*) FROM tags") == 2
    shared.rollback()
    assert words(engine) == ["food", "hot"]
    shared.begin()
    with Session(shared) as session:
        session.execute(tags.insert(), {"word": "c"})
        session.rollback()
    add(shared, "d")
    shared.rollback()
    assert words(engine) == ["d", "food", "hot"]


def test_threadlocal_threads(engine, shared):
    """The transaction of one thread is nothing to another."""
    if engine.dialect.name == "sqlite":
        shared.begin()
    else:
        shared.begin()
        add(shared, "a")
    seen = []

    def work():
        seen.append(shared.scalar("SELECT count(*) FROM tags"))
        shared.begin()
        add(shared, "b")
        shared.rollback()
        seen.append(_threads.connection_of(shared))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [2, None]
    assert _threads.connection_of(shared) is not None
    shared.commit()
    assert words(engine) == (
        ["food", "hot"] if engine.dialect.name == "sqlite" else ["a", "food", "hot"]
    )


def test_plain_engines_have_no_commit(lite):
    """An engine of another strategy has no commit(), rollback(), begin_nested() or close()."""
    for name in ("commit", "rollback", "begin_nested", "close"):
        with pytest.raises(AttributeError, match=f"^'Engine' object has no attribute {name!r}$"):
            getattr(lite, name)()


def test_mock_engine():
    """The mock strategy hands statements and parameters to a function, as they were given."""
    seen = []
    engine = sa.create_engine(
        "sqlite://", strategy="mock", executor=lambda *args, **kw: seen.append((args, kw))
    )
    metadata = sa.MetaData(engine)
    table = sa.Table("made", metadata, sa.Column("id", sa.Integer))
    metadata.create_all()
    engine.execute("SELECT 1")
    engine.execute("SELECT ?", 1, 2)
    engine.execute("SELECT :a", a=5)
    table.insert().execute(id=5)
    (ddl,), kw = seen.pop(0)
    assert str(ddl.compile(dialect=engine.dialect)).split() == [
        "CREATE",
        "TABLE",
        "made",
        "(",
        "id",
        "INTEGER",
        ")",
    ]
    assert kw == {}
    assert seen[:3] == [(("SELECT 1",), {}), (("SELECT ?", 1, 2), {}), (("SELECT :a",), {"a": 5})]
    assert seen[3][1] == {"id": 5}
    assert forms() == {"mock-engine", "metadata-bind", "metadata-unbound", "statement-execute"}
    with pytest.raises(
        ArgumentError, match=r"^create_engine\(strategy='mock'\) takes an executor=$"
    ):
        sa.create_engine("sqlite://", strategy="mock")


def test_gone_arguments(make_engine):
    """Arguments that are gone are left out, and an unknown strategy is refused."""
    engine = make_engine(
        "sqlite://", encoding="utf-8", convert_unicode=True, case_sensitive=True,
        pool_threadlocal=False, strategy="plain",
    )  # fmt: skip
    assert engine.scalar("SELECT 5") == 5
    noted = [note.old for note in legacy.report().notes if note.form == "engine-argument"]
    assert sorted(noted) == [
        f"create_engine({name}=...)"
        for name in ("case_sensitive", "convert_unicode", "encoding", "pool_threadlocal")
    ] + ["create_engine(strategy='plain')"]
    with pytest.raises(ArgumentError, match=r"^unknown strategy: 'green'$"):
        sa.create_engine("sqlite://", strategy="green")
    with pytest.raises(TypeError, match="colour"):
        sa.create_engine("sqlite://", colour="green")


def test_gone_arguments_of_drivers(make_engine):
    """So are those of psycopg2; those of SQLite for JSON have no underscore now."""
    pytest.importorskip("psycopg2")
    gone = {"use_batch_mode": True, "use_native_uuid": True, "executemany_values_page_size": 9}
    for mode in ("batch", "values", "values_plus_batch"):
        make_engine("postgresql+psycopg2://h/d", executemany_mode=mode, **gone)
    engine = make_engine("sqlite://", _json_serializer=lambda value: "[5]")
    assert engine.scalar(sa.select([sa.literal([], sa.JSON)])) == [5]
    noted = {note.old for note in legacy.report().notes if note.form == "engine-argument"}
    assert noted == {
        *(f"create_engine({name}=...)" for name in (*gone, "_json_serializer")),
        "create_engine(executemany_mode='batch')",
        "create_engine(executemany_mode='values')",
    }


def test_begin_as_a_decorator(lite):
    """The block of an engine's begin() is one for each call of a function that it decorates."""

    @lite.begin()
    def count():
        return len(words(lite))

    assert [count(), count()] == [2, 2]
    assert lite.pool.checkedout() == 0


def test_url_by_its_name(lite):
    """The URL had another name as an argument."""
    _notes.clear()
    assert sa.create_engine(name_or_url=lite.url).url == lite.url
    (noted,) = legacy.report().notes
    assert (noted.old, noted.instead) == ("create_engine(name_or_url=...)", "create_engine(url)")


def test_listeners(make_engine):
    """Listeners of the pool have the hooks of their names called; a function hears of connects."""
    from sqlalchemy.interfaces import PoolListener

    class Listener(PoolListener):
        def __init__(self):
            self.heard = []

        def connect(self, connection, record):
            self.heard.append("connect")

        def checkout(self, connection, record, proxy):
            self.heard.append("checkout")

        def checkin(self, connection, record):
            self.heard.append("checkin")

    first, second, connects = Listener(), Listener(), []
    engine = make_engine("sqlite://", poolclass=QueuePool, listeners=[first])
    engine.pool.add_listener(second)
    engine.pool.add_listener(lambda connection, record: connects.append(record))
    assert engine.scalar("SELECT 5") == 5
    assert first.heard == second.heard == ["connect", "checkout", "checkin"]
    assert len(connects) == 1
    assert forms() == {"engine-listeners", "engine-execute"}


def test_listener_as_dict(lite):
    """A listener of a pool may be a dict of hooks by their names."""
    heard = []
    hooks = {"checkout": lambda *_: heard.append("checkout")}
    pool = QueuePool(lite.raw_connection, listeners=[hooks])
    pool.add_listener({"checkin": lambda *_: heard.append("checkin"), "other": 1})
    pool.connect().close()
    pool.dispose()
    assert heard == ["checkout", "checkin"]
    assert forms() == {"engine-listeners"}


def test_pool_of_threads():
    """A pool takes use_threadlocal=False, which has nothing to do, and tells its arguments."""
    pool = QueuePool(None, pool_size=3, recycle=7, use_threadlocal=False)
    assert (pool.size(), pool._recycle) == (3, 7)
    engine = sa.create_engine("sqlite://", poolclass=QueuePool, pool_recycle=9, pool_size=2)
    assert (engine.pool.size(), engine.pool._recycle) == (2, 9)
    assert forms() == {"engine-argument"}


def test_pool_that_gives_a_thread_its_connection():
    """use_threadlocal=True gives a thread the connection that it has, as long as it is open."""
    pool = QueuePool(
        lambda: sqlite3.connect(":memory:", check_same_thread=False),
        pool_size=2, max_overflow=0, timeout=0, use_threadlocal=True,
    )  # fmt: skip
    first, again = pool.connect(), pool.connect()
    assert first is again
    other = pool.unique_connection()
    assert other.dbapi_connection is not first.dbapi_connection
    other.close()
    with ThreadPoolExecutor(1) as threads:
        of_thread = threads.submit(pool.connect).result()
    assert of_thread.dbapi_connection is not first.dbapi_connection
    of_thread.close()
    first.close()
    assert again.is_valid
    again.close()
    assert not again.is_valid
    first = pool.connect()
    first.invalidate()
    again = pool.connect()
    again.detach()
    last = pool.connect()
    assert last.dbapi_connection is not again.dbapi_connection
    for connection in (last, again):
        connection.close()
    pool.dispose()
    assert forms() == {"threadlocal", "name"}


def test_engine_that_gives_a_thread_its_connection(engine):
    """pool_threadlocal=True shares a connection of the thread, but that of connect()."""
    shared = sa.create_engine(
        engine.url, pool_threadlocal=True, poolclass=QueuePool, pool_size=2, max_overflow=0
    )
    count = "SELECT count(*) FROM tags"
    session, other = Session(shared), Session(shared)
    before = shared.scalar(count)
    session.execute("INSERT INTO tags VALUES ('new')")
    own = session.connection().connection.dbapi_connection
    assert own is shared.contextual_connect().connection.dbapi_connection
    assert (shared.scalar(count), other.execute(count).scalar()) == (before + 1, before + 1)
    other.close()
    with shared.connect() as connection:
        assert connection.connection.dbapi_connection is not own
    assert session.execute(count).scalar() == before + 1
    session.rollback()
    assert shared.scalar(count) == before
    with shared.begin() as connection:
        connection.execute("INSERT INTO tags VALUES ('new')")
        assert shared.scalar(count) == before + 1
    session.close()
    shared.dispose()
    assert shared.scalar(count) == before + 1
    shared.dispose()
    assert "connection-shared" not in forms()
    assert "threadlocal" in forms()


def test_dbapi_error(lite):
    """The event ``dbapi_error`` tells an error of the driver, and nothing else."""
    heard = []
    sa.event.listen(lite, "dbapi_error", lambda *args: heard.append(args))
    connection = lite.connect()
    with pytest.raises(OperationalError) as caught:
        connection.execute(sa.text("SELECT * FROM nothing WHERE 1 = :a"), {"a": 1})
    with pytest.raises(StatementError):  # of no driver
        connection.execute(sa.text("SELECT :a"), {"b": 1})
    connection.close()
    ((at, cursor, statement, parameters, context, error),) = heard
    assert at is connection
    assert (statement, parameters) == ("SELECT * FROM nothing WHERE 1 = ?", (1,))
    assert context.cursor is cursor
    assert error is caught.value.orig
    assert forms() == {"name"}


def test_result_class(lite):
    """The result of an engine is an instance of ``ResultProxy``."""
    result = lite.execute("SELECT 1")
    assert isinstance(result, sa.engine.ResultProxy)
    assert result.fetchall() == [(1,)]


@pytest.mark.parametrize(
    "use",
    [
        lambda engine: engine.connect().execute("SELECT 1").fetchall(),
        lambda engine: engine.connect().execute(sa.text("SELECT 1")).fetchone(),
        lambda engine: engine.connect().scalar("SELECT 1"),
        lambda engine: engine.connect().connect().execute("SELECT 1").fetchone(),
        lambda engine: engine.connect().execution_options(autocommit=True).scalar("SELECT 1"),
    ],
)
def test_connection_that_is_dropped(engine, use):
    """A connection that the program drops goes back to the pool at once."""
    gc.collect()
    gc.disable()
    try:
        use(engine)
        assert engine.pool.checkedout() == 0
    finally:
        gc.enable()


def test_connection_of_a_branch_that_is_dropped(lite):
    """A connection works on after what it was used by is dropped, and begins a transaction."""
    connection = lite.connect()
    assert connection.connect().scalar("SELECT 1") == 1
    assert connection.get_transaction().connection.closed is False
    transaction = connection.begin()
    assert transaction.connection is connection
    connection.execute("DELETE FROM tags")
    transaction.rollback()
    assert words(lite) == ["food", "hot"]
    connection.close()


def read_by_session(engine):
    """Read and close in a second session."""
    with Session(engine) as session:
        session.execute(sa.text("SELECT 1"))


@pytest.mark.parametrize(
    "read",
    [
        lambda engine: engine.execute("SELECT 1").fetchall(),
        lambda engine: engine.has_table("tags"),
        lambda engine: engine.connect().execute(sa.text("SELECT 1")).connection.close(),
        lambda engine: sa.inspect(engine).has_table("tags"),
        read_by_session,
    ],
)
def test_reading_where_another_connection_is_the_same(read, make_engine):
    """What a session has stored in a database in memory stays when others of the thread read it."""
    engine = make_engine("sqlite://")
    engine.execute("CREATE TABLE tags (word TEXT)")
    with Session(engine) as session:
        session.execute(sa.text("INSERT INTO tags VALUES ('new')"))
        _notes.clear()
        read(engine)
        shared = {"connection-shared"} & forms()
        session.commit()
    assert words(engine) == ["new"]
    assert shared == ({"connection-shared"} if "engine-execute" not in forms() else set())
    _notes.clear()
    with Session(engine) as session:
        session.execute(sa.text("SELECT 1"))
        read(engine)
        assert "connection-shared" not in forms()  # there is nothing to lose


def test_what_is_undone_where_another_connection_is_the_same(make_engine):
    """A transaction that a program has begun, and rows that a session has stored, are undone."""
    engine = make_engine("sqlite://")
    tags = sa.Table("tags", sa.MetaData(), sa.Column("word", sa.Text, primary_key=True))
    tags.create(engine)
    home = orm.registry()
    tag = type("Tag", (), {})
    home.map_imperatively(tag, tags)
    with Session(engine) as session:
        session.execute(tags.insert(), {"word": "new"})
        with engine.connect() as connection:
            connection.begin()
        session.commit()
    assert words(engine) == []
    with Session(engine) as session:
        session.execute(tags.insert(), {"word": "new"})
        with Session(engine) as other:
            row = tag()
            row.word = "other"
            other.add(row)
            other.flush()
        session.commit()
    assert words(engine) == []
    assert "connection-shared" not in forms()
    home.dispose()


def test_urls():
    """``postgres://`` and a URL without a driver mean what they meant; others are left alone."""
    for url in ("postgres://u:secret@h/d", "postgres+psycopg2://u:secret@h/d"):
        engine = sa.create_engine(url)
        assert (engine.dialect.name, engine.driver) == ("postgresql", "psycopg2")
    assert forms() >= {"url-scheme"}
    _notes.clear()
    assert sa.create_engine("postgresql://u:secret@h/d").driver == "psycopg2"
    default = sa.make_url("postgresql://h/d").get_dialect().driver
    assert forms() == (set() if default == "psycopg2" else {"url-driver"})
    _notes.clear()
    assert sa.create_engine("postgresql+psycopg2://h/d").driver == "psycopg2"
    assert sa.create_engine("sqlite://").driver == "pysqlite"
    assert not legacy.report()


def test_driver_that_a_url_meant(monkeypatch):
    """A URL without a driver gets the one that it meant, if that is another one than now."""
    monkeypatch.setattr(_urls, "_DRIVERS", {"mysql": "pymysql"})
    assert sa.create_engine("mysql://h/d").driver == "pymysql"
    (note,) = legacy.report().notes
    assert (note.form, note.instead) == ("url-driver", "mysql+pymysql://")


def test_driver_that_is_not_installed(monkeypatch):
    """A URL without a driver means what it means now where the former driver is not there."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    default = sa.make_url("postgresql://h/d").get_dialect().driver
    assert sa.create_engine("postgresql://h/d").driver == default
    assert not legacy.report()


def test_passwords():
    """``str(url)`` shows the password to a program, repr() and SQLAlchemy itself do not."""
    url = sa.make_url("postgresql+psycopg2://u:secret@h/d")
    assert str(url) == f"{url:}" == "postgresql+psycopg2://u:secret@h/d"
    assert forms() == {"url-password"}
    assert "secret" not in repr(url)
    assert "secret" not in repr(sa.create_engine(url))
    assert "secret" not in eval("str(url)", {"__name__": "sqlalchemy.of_a_test", "url": url})
    assert "secret" not in eval("str(url)", {"__name__": "sqlsoup.of_a_test", "url": url})
    _notes.clear()
    assert str(sa.make_url("sqlite://")) == "sqlite://"
    assert forms() == set()


def test_no_secret_in_a_report(make_engine):
    """Neither passwords nor values are in what is noted."""
    engine = make_engine("sqlite://", poolclass=QueuePool)
    assert "secret" in str(sa.make_url("postgres://u:secret@h/d"))
    sa.create_engine("postgres://u:secret@h/d")
    sa.select([sa.column("x"), "'secret' AS y"], "x = 'secret'", order_by=["x = 'secret'"])
    engine.execute("SELECT 'secret'").fetchall()
    report = legacy.report()
    assert len(report.notes) > 4
    for text in (str(report), report.to_json(), report.to_sarif()):
        assert "secret" not in text.replace("test_no_secret_in_a_report", "")


HEARD = {
    "nothing": (lambda c, b: c.execute(b.select()), (), {}),
    "a dict": (lambda c, b: c.execute(b.insert(), {"title": "x"}), ({"title": "x"},), {}),
    "names": (lambda c, b: c.execute(b.insert(), title="x"), (), {"title": "x"}),
    "a list": (
        lambda c, b: c.execute(b.insert(), [{"title": "x"}, {"title": "y"}]),
        ([{"title": "x"}, {"title": "y"}],),
        {},
    ),
    "several": (
        lambda c, b: c.execute(b.insert(), {"title": "x"}, {"title": "y"}),
        ({"title": "x"}, {"title": "y"}),
        {},
    ),
    "of a session": (
        lambda c, b: Session(c).execute(b.insert(), {"title": "x"}),
        ({"title": "x"},),
        {},
    ),
}


@pytest.mark.parametrize("given", HEARD)
@pytest.mark.parametrize("retval", [False, True])
def test_events_of_statements(lite, given, retval):
    """Listeners get the parameters that they got in 1.3, and may return others of that kind."""
    execute, args, params = HEARD[given]
    books = sa.Table("books", sa.MetaData(), autoload_with=lite)
    seen = []

    @sa.event.listens_for(lite, "before_execute", retval=retval)
    def before(_connection, statement, args, params):
        seen.append((args, params))
        if not retval:
            return None
        return statement, (), {"title": "z"} if args or params else params

    @sa.event.listens_for(lite, "after_execute")
    def after(_connection, _statement, args, params, result):
        seen.append((args, params, type(result)))

    with lite.connect() as connection, connection.begin():
        assert connection.scalar(sa.select(sa.func.count()).select_from(books)) == 3
        del seen[:]
        execute(connection, books)
        first, second = seen
        titles = connection.scalars(books.select().with_only_columns(books.c.title)).all()
    assert first == (args, params)
    assert second[2] is sa.CursorResult
    is_changed = retval and given != "nothing"
    if not is_changed:
        assert second[:2] == (args, params)
    elif given in ("names", "several"):
        assert second[:2] == ((), {"title": "z"})
    else:
        assert second[:2] == (({"title": "z"},), {})
    assert ("z" in titles) == is_changed
    assert noted_in(__file__) >= {"event-arguments"}


def test_events_of_several_rows(lite):
    """A listener may return what it got."""
    books = sa.Table("books", sa.MetaData(), autoload_with=lite)
    sa.event.listen(lite, "before_execute", lambda _c, a, b, c: (a, b, c), retval=True)
    lite.execute(books.insert(), [{"title": "x"}, {"title": "y"}])
    assert lite.execute(books.count()).scalar() == 5


def test_begin_is_not_heard_of_what_commits_by_itself(lite):
    """A listener that says BEGIN, as for SQLite's savepoints, is told of begin() alone."""
    heard = []

    @sa.event.listens_for(lite, "connect")
    def connect(connection, _record):
        connection.isolation_level = None

    @sa.event.listens_for(lite, "begin")
    def begin(connection):
        heard.append("begin")
        connection.execute("BEGIN")

    lite.dispose()
    lite.execute("VACUUM")
    lite.execute(sa.text("VACUUM"))
    with lite.connect() as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        assert connection.execute("PRAGMA foreign_keys").scalar() == 1
        assert heard == []
        with connection.begin():
            assert heard == ["begin"]
            add(connection, "a")
            nested = connection.begin_nested()
            add(connection, "b")
            nested.rollback()
        with connection.begin():
            assert heard == ["begin"] * 2
    assert heard == ["begin"] * 2
    with lite.connect() as connection:
        connection.execute(sa.text("SELECT 1"))  # as on 2.x
        assert heard == ["begin"] * 3
        with connection.begin():
            assert heard == ["begin"] * 3
    assert words(lite) == ["a", "food", "hot"]


def test_events_of_strings(lite):
    """Listeners to all statements are told of strings, with the arguments that they had in 1.3."""
    seen = []

    @sa.event.listens_for(lite, "before_execute", retval=True)
    def before(_connection, statement, args, params):
        seen.append((statement, args, params))
        return statement.replace("0", "1"), args, params

    @sa.event.listens_for(lite, "after_execute")
    def after(_connection, statement, args, params, result):
        seen.append((statement, args, params, result.returns_rows))

    assert lite.execute("SELECT 0, ?", 2).fetchall() == [(1, 2)]
    assert seen == [("SELECT 0, ?", (2,), {}), ("SELECT 1, ?", (2,), {}, True)]


def test_connection_proxy(make_engine):
    """A ConnectionProxy hears of statements and transactions, and changes none of them."""
    from sqlalchemy.interfaces import ConnectionProxy

    class Log(ConnectionProxy):
        def __init__(self):
            self.heard = []

        def execute(self, conn, execute, clauseelement, *multiparams, **params):
            self.heard.append((type(clauseelement).__name__, multiparams, params))
            return execute(sa.text("SELECT 7"))

        def cursor_execute(self, execute, cursor, statement, parameters, context, executemany):
            self.heard.append((statement, parameters, executemany))
            return execute(cursor, "SELECT 7", parameters, context)

        def begin(self, conn, begin):
            self.heard.append("begin")
            return begin()

        def rollback(self, conn, rollback):
            self.heard.append("rollback")
            return rollback()

        def savepoint(self, conn, savepoint, name=None):
            self.heard.append("savepoint")
            return savepoint(name=name)

    proxy = Log()
    engine = make_engine("sqlite://", proxy=proxy)
    assert engine.execute(sa.text("SELECT :x"), x=5).scalar() == 5
    assert proxy.heard == [("TextClause", (), {"x": 5}), ("SELECT ?", (5,), False)]
    del proxy.heard[:]
    assert engine.execute(sa.text("SELECT :x"), {"x": 5}).scalar() == 5
    assert proxy.heard[0] == ("TextClause", ({"x": 5},), {})
    assert engine.execute("SELECT ?", 5).scalar() == 5
    assert proxy.heard[2] == ("str", (5,), {})
    del proxy.heard[:]
    with engine.connect() as connection:
        transaction = connection.begin()
        connection.begin_nested().commit()
        transaction.rollback()
    assert [each for each in proxy.heard if isinstance(each, str)] == [
        "begin", "savepoint", "rollback",
    ]  # fmt: skip
    del proxy.heard[:]
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        connection.commit()
    assert "begin" not in proxy.heard
    plain = sa.create_engine("sqlite://", proxy=ConnectionProxy())
    assert plain.execute("SELECT 3").scalar() == 3
    plain.execute("CREATE TABLE t (a INTEGER)")
    plain.dispose()
    assert "engine-proxy" in noted_in(__file__)


@on_postgresql
def test_types_without_engine(pg):
    """A type is created and dropped by the engine of its MetaData."""
    metadata = sa.MetaData(pg)
    letters = postgresql.ENUM("a", "b", name="letters", metadata=metadata)
    letters.create()
    assert [each["name"] for each in sa.inspect(pg).get_enums()] == ["letters"]
    letters.drop()
    assert sa.inspect(pg).get_enums() == []
    assert forms() == {"metadata-bind", "table-unbound"}


@on_postgresql
def test_materialized_views(pg):
    """Views are all of them, or those that are asked for."""
    with pg.begin() as connection:
        connection.exec_driver_sql("CREATE VIEW plain AS SELECT 1 AS x")
        connection.exec_driver_sql("CREATE MATERIALIZED VIEW stored AS SELECT 1 AS x")
    inspector = sa.inspect(pg)
    assert inspector.get_view_names() == ["plain", "stored"]
    assert inspector.get_view_names(include="plain") == ["plain"]
    assert inspector.get_view_names(include=("materialized",)) == ["stored"]
    assert forms() == {"name"}
    _notes.clear()
    reflected = sa.MetaData()
    reflected.reflect(pg, views=True)  # which asks for each kind
    assert {"plain", "stored"} <= {*reflected.tables}
    assert forms() == set()
    with pg.begin() as connection:
        connection.exec_driver_sql("DROP MATERIALIZED VIEW stored")
    assert sa.inspect(pg).get_view_names() == ["plain"]
    assert forms() == set()
