"""``execute()``: what it takes, where it runs, and what it leaves alone."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import sqlsoup

TWO_WAYS = "parameters are either keywords, or one dict, or one list of dicts"
NAME_AND_ADMIN = "SELECT name FROM users WHERE admin = :admin AND name < :below ORDER BY name"
NEW_TAG = "INSERT INTO tags (word) VALUES (:word)"
TWO_TAGS = [{"word": "new"}, {"word": "old"}]


def _words(db):
    """Return what the session's transaction sees of the tags."""
    return db.connection().scalars(sa.text("SELECT word FROM tags ORDER BY word")).all()


@pytest.fixture
def other(tmp_path, make_engine):
    """An engine on another SQLite file, with a table of tags of its own."""
    engine = make_engine(f"sqlite:///{tmp_path}/other.db")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE tags (word VARCHAR PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO tags VALUES ('elsewhere')"))
    return engine


@pytest.mark.parametrize(
    ("args", "keywords"),
    [
        ((), {"admin": 0, "below": "C"}),
        (({"admin": 0, "below": "C"},), {}),
        ((), {"params": {"admin": 0, "below": "C"}}),
    ],
    ids=["keywords", "one dict", "params"],
)
@pytest.mark.parametrize("kind", [str, sa.text], ids=["string", "text"])
def test_parameters_of_a_string(args, keywords, kind, soup):
    """Parameters have names with a colon, and come as keywords, as one dict or as ``params=``."""
    result = soup.execute(kind(NAME_AND_ADMIN), *args, **keywords)
    assert isinstance(result, sa.CursorResult)
    assert [tuple(row) for row in result] == [("Bo",)]


@pytest.mark.parametrize("by_name", [False, True], ids=["by position", "params"])
@pytest.mark.parametrize("kind", ["string", "text", "Core insert", "entity insert"])
def test_a_list_of_dicts_executes_many_times(by_name, kind, soup):
    """A list of dicts executes the statement once for each of them."""
    statement = {
        "string": lambda: NEW_TAG,
        "text": lambda: sa.text(NEW_TAG),
        "Core insert": soup.tags._table.insert,
        "entity insert": lambda: sa.insert(soup.tags),
    }[kind]()
    if by_name:
        soup.execute(statement, params=TWO_TAGS)
    else:
        soup.execute(statement, TWO_TAGS)
    assert _words(soup) == ["food", "hot", "new", "old"]


def test_rows_are_sqlalchemys(db):
    """The rows are SQLAlchemy's, read by position, by name and as a mapping."""
    result = db.execute("SELECT name, admin FROM users ORDER BY name")
    assert list(result.keys()) == ["name", "admin"]
    rows = result.fetchall()
    assert {type(row) for row in rows} == {sa.Row}
    assert rows == [("Ada", 1), ("Bo", 0), ("Cy", 0)]
    assert [rows[0].name, rows[0][1], rows[0]._mapping["admin"]] == ["Ada", 1, 1]
    assert db.execute("SELECT count(*) FROM users").scalar() == 3
    assert db.execute("SELECT name FROM users WHERE 1 = 0").first() is None


def test_rowcount(db):
    """A statement that changes rows tells how many."""
    result = db.execute("UPDATE users SET email = :email WHERE admin = 0", email="x")
    assert isinstance(result, sa.CursorResult)
    assert result.rowcount == 2


def test_many_rows(db):
    """Each of the databases executes a string for a list of dicts."""
    db.execute(NEW_TAG, TWO_TAGS)
    assert _words(db) == ["food", "hot", "new", "old"]


STRINGS = {
    "'100%'": "100%",
    "'%s %%'": "%s %%",
    "'12:30'": "12:30",
    "'a::b'": "a::b",
    "'\\:n'": ":n",
}
if tuple(map(int, re.findall(r"\d+", sa.__version__)[:3])) >= (
    2,
    0,
    55,
):  # a parameter to SQLAlchemy before
    STRINGS["'%(n)s'"] = "%(n)s"


def test_percent_signs_and_colons_in_strings(db):
    """``%`` and colons that name no parameter reach the database as they are."""
    alone = {text: db.execute(f"SELECT {text}").scalar() for text in STRINGS}
    assert alone == STRINGS
    with_parameter = {text: db.execute(f"SELECT {text}, :m", m="x").one()[0] for text in STRINGS}
    assert with_parameter == STRINGS
    like = "SELECT name FROM users WHERE name LIKE 'A%' OR name = :name ORDER BY name"
    assert db.execute(like, name="Bo").scalars().all() == ["Ada", "Bo"]


def test_casts_of_postgresql(db):
    """``::type`` is PostgreSQL's cast and no parameter, also right behind one."""
    if db.engine.dialect.name != "postgresql":
        with pytest.raises(sa.exc.DBAPIError):
            db.execute("SELECT '5'::integer")
        db.rollback()
        return
    assert db.execute("SELECT '5'::integer + (:n)::integer", n="2").scalar() == 7


@pytest.mark.parametrize("name", ["params", "args", "session", "bind", "text"])
def test_a_parameter_of_any_name(name, soup):
    """A parameter may have the name of something that ``execute`` knows, ``params`` included."""
    assert soup.execute(f"SELECT :{name}", **{name: "x"}).scalar() == "x"
    assert soup.execute(f"SELECT :{name}", {name: "x"}).scalar() == "x"


def test_select_of_an_entity(db):
    """``select(db.t)`` gives instances of the mapped class, which the session then knows."""
    users = db.execute(sa.select(db.users).order_by(db.users.name)).scalars().all()
    assert [type(user) for user in users] == [db.users] * 3
    assert users[0] is db.users.get("Ada")
    users[0].email = "new"
    db.commit()
    assert db.execute("SELECT email FROM users WHERE name = 'Ada'").scalar() == "new"


def test_select_with_parameters(db):
    """Keywords are the values of a statement's ``bindparam()``s."""
    statement = sa.select(db.users.name).where(db.users.admin == sa.bindparam("level"))
    assert db.execute(statement, level=1).scalars().all() == ["Ada"]
    assert db.execute(statement, {"level": 1}).scalars().all() == ["Ada"]


@pytest.mark.parametrize("core", [True, False], ids=["Core", "entity"])
def test_other_statements(core, db):
    """``insert``, ``update`` and ``delete``, of tables and of entities, are executed."""
    users, tags = [db.users, db.tags]
    if core:
        users, tags = users._table, tags._table
    db.execute(sa.insert(tags).values(word="new"))
    db.execute(sa.insert(tags), word="old")
    assert db.execute(sa.update(users).values(admin=9)).rowcount == 3
    assert db.execute(
        sa.delete(tags).where(tags.word == "new" if not core else tags.c.word == "new")
    )
    assert _words(db) == ["food", "hot", "old"]
    assert db.users.get("Bo").admin == 9


def test_an_update_reaches_the_rows_of_the_session(db):
    """``update(db.t)`` is the ORM's: rows that the session has show the new values."""
    row = db.users.get("Ada")
    db.execute(sa.update(db.users).where(db.users.name == "Ada").values(email="new"))
    assert row.email == "new"


def test_insert_returning(db):
    """``insert(db.t).returning(db.t)`` gives the new rows as instances."""
    rows = db.execute(sa.insert(db.tags).returning(db.tags), TWO_TAGS).scalars().all()
    assert {type(row) for row in rows} == {db.tags}
    assert sorted(row.word for row in rows) == ["new", "old"]


def test_a_query(db):
    """A Query is executed like the ``select()`` that it stands for."""
    result = db.execute(db.users.filter_by(admin=0).order_by(db.users.name.desc()))
    assert [type(row) for row in result.scalars()] == [db.users, db.users]
    names = db.session.query(db.users.name).order_by(db.users.name).limit(2)
    assert db.execute(names).all() == [("Ada",), ("Bo",)]


def test_a_query_with_parameters(db):
    """A Query's ``bindparam()``s take their values from the keywords."""
    query = db.users.filter(db.users.name == sa.bindparam("who"))
    assert [row.email for row in db.execute(query, who="Bo").scalars()] == ["bo@example.org"]


def test_ddl(db):
    """A table that is made by ``execute`` is there at once."""
    db.execute("CREATE TABLE pets (name VARCHAR(9) PRIMARY KEY)")
    db.execute("INSERT INTO pets VALUES (:name)", name="Rex")
    assert [type(row) for row in db.pets.all()] == [db.pets]
    db.commit()


def test_it_runs_in_the_sessions_transaction(db):
    """What is executed belongs to the session's transaction, and goes or stays with it."""
    db.execute(NEW_TAG, word="new")
    assert db.session().in_transaction() is True
    assert db.tags.get("new").word == "new"
    db.rollback()
    assert _words(db) == ["food", "hot"]
    db.execute(NEW_TAG, word="new")
    db.commit()
    with db.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM tags")) == 3


@pytest.mark.parametrize("kind", ["string", "text", "select", "entity select", "Query"])
def test_it_does_not_flush(kind, soup, statements):
    """Pending rows are not flushed first, whatever is executed, and are not lost either."""
    table = soup.tags._table
    statement = {
        "string": "SELECT word FROM tags",
        "text": sa.text("SELECT word FROM tags"),
        "select": sa.select(table.c.word),
        "entity select": sa.select(soup.tags),
        "Query": soup.tags.filter(soup.tags.word != ""),
    }[kind]
    row = soup.tags.insert(word="new")
    statements.clear()
    assert len(soup.execute(statement).all()) == 2
    assert len(statements) == 1
    assert list(soup.session.new) == [row]
    assert soup.session().autoflush is True
    assert len(soup.tags.all()) == 3


def test_a_failing_statement_leaves_autoflush_as_it_was(soup):
    """``execute`` turns the session's autoflush back on when the statement fails."""
    with pytest.raises(sa.exc.OperationalError) as raised:
        soup.execute("SELECT * FROM nowhere")
    assert str(raised.value.orig) == "no such table: nowhere"
    assert soup.session().autoflush is True


def test_a_session_without_autoflush_stays_so(lite):
    """A session that was made with ``autoflush=False`` does not flush after ``execute`` either."""
    with Session(autoflush=False) as session:
        db = sqlsoup.SQLSoup(lite, session=session)
        db.execute("SELECT 1")
        assert session.autoflush is False


@pytest.mark.parametrize("scoped", [True, False], ids=["scoped_session", "Session"])
@pytest.mark.parametrize("kind", ["string", "Core", "entity"])
def test_a_bind_of_the_session_comes_first(scoped, kind, lite, other):
    """A bound session executes on its own engine."""
    session = scoped_session(sessionmaker(bind=other)) if scoped else Session(other)
    db = sqlsoup.SQLSoup(lite, session=session)
    statement = {
        "string": "SELECT word FROM tags",
        "Core": sa.select(db.tags._table.c.word),
        "entity": sa.select(db.tags.word),
    }[kind]
    assert db.execute(statement).scalars().all() == ["elsewhere"]
    session.close()


def test_a_bind_of_the_sessions_for_a_table_comes_first(lite, other):
    """Of a session with ``binds=``, only what they name is executed elsewhere."""
    db = sqlsoup.SQLSoup(lite)
    with Session(binds={db.tags._table: other}) as session:
        bound = sqlsoup.SQLSoup(db._metadata, session=session)
        assert bound.execute(sa.select(db.tags._table)).scalars().all() == ["elsewhere"]
        assert bound.execute(sa.select(sa.func.count(db.users._table.c.name))).scalar() == 3
        assert bound.execute("SELECT count(*) FROM tags").scalar() == 2


def test_each_soup_executes_on_its_own_engine(lite, other):
    """Soups that share an unbound session execute each on its own engine."""
    here, there = sqlsoup.SQLSoup(lite), sqlsoup.SQLSoup(other)
    count = "SELECT count(*) FROM tags"
    assert [here.execute(count).scalar(), there.execute(count).scalar()] == [2, 1]
    assert there.execute(sa.text(count)).scalar() == 1
    there.execute(NEW_TAG, word="new")
    here.commit()
    assert [here.execute(count).scalar(), there.execute(count).scalar()] == [2, 2]


def test_it_runs_on_the_sessions_connection(engine):
    """With a session that is bound to a Connection, all is executed on that."""
    with engine.connect() as connection, connection.begin() as outer:
        connection.execute(sa.text(NEW_TAG), {"word": "outer"})
        with Session(connection, join_transaction_mode="rollback_only") as session:
            db = sqlsoup.SQLSoup(engine, session=session)
            assert db.execute("SELECT count(*) FROM tags").scalar() == 3
            assert db.execute(sa.select(db.tags._table)).scalars().all() == ["food", "hot", "outer"]
        outer.rollback()


@pytest.mark.parametrize(
    ("args", "keywords"),
    [
        (({"word": "new"},), {"word": "old"}),
        (({"word": "new"}, {"word": "old"}), {}),
        (({"word": "new"},), {"params": {"word": "old"}}),
        ((), {"params": {"word": "new"}, "word": "old"}),
    ],
    ids=["dict and keyword", "two dicts", "dict and params", "params and keyword"],
)
def test_parameters_given_twice(args, keywords, soup):
    """Parameters in more than one form are an ArgumentError; nothing is executed."""
    with pytest.raises(sqlsoup.ArgumentError) as raised:
        soup.execute(NEW_TAG, *args, **keywords)
    assert str(raised.value) == TWO_WAYS
    assert soup.session().in_transaction() is False
    assert _words(soup) == ["food", "hot"]


@pytest.mark.parametrize("value", [5, None, ["SELECT 1"]])
def test_what_cannot_be_executed(value, soup):
    """Anything that is no statement is SQLAlchemy's ArgumentError, and nothing has begun."""
    with pytest.raises(sa.exc.ArgumentError) as raised:
        soup.execute(value)
    assert str(raised.value) == f"Executable SQL or text() construct expected, got {value!r}."
    assert soup.session().in_transaction() is False


def test_a_missing_parameter(soup):
    """A parameter without a value is SQLAlchemy's error."""
    with pytest.raises(sa.exc.StatementError) as raised:
        soup.execute(NEW_TAG)
    assert raised.value.orig.args[0] == "A value is required for bind parameter 'word'"
    soup.rollback()
    assert _words(soup) == ["food", "hot"]
