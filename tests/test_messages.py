"""What people try, and the whole text of what they are told."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import on_postgresql, run
from sqlalchemy.orm.exc import UnmappedInstanceError

import sqlsoup
from sqlsoup._engine import shown_engine

NO_TABLE = "there is no table or view of this name"
IN_MEMORY = "in memory each thread has a database of its own, threads share one in a file"
NO_LIST = (
    "MappedUsers is a class, its rows are those of a query: for row in db.t.all(), "
    "db.t.limit(1).first(), db.t.get(key), db.t.count()"
)


def told(error, use):
    """Return what a use says that raises an error of exactly this type."""
    with pytest.raises(error) as raised:
        use()
    assert type(raised.value).__name__ == error.__name__
    return raised.value.args[0]


def open_and_close(url, use):
    """Use a SQLSoup on a URL, and leave nothing open."""
    db = sqlsoup.SQLSoup(url)
    try:
        return use(db)
    finally:
        sqlsoup.Session.remove()
        db.engine.dispose()


@pytest.mark.parametrize(
    ("url", "end"),
    [
        ("postgres://u@h/d", "Can't load plugin: sqlalchemy.dialects:postgres; {}'postgresql'?"),
        ("SQLite:///x.db", "Can't load plugin: sqlalchemy.dialects:SQLite; {}'sqlite'?"),
        (
            "postgresql+psycop://h/d",
            "Can't load plugin: sqlalchemy.dialects:postgresql.psycop; {}'postgresql+psycopg'?",
        ),
        ("mysql+foo://h/d", "Can't load plugin: sqlalchemy.dialects:mysql.foo"),
    ],
)
def test_a_misspelt_scheme(url, end):
    """The nearest database or driver is named."""
    use = lambda: sqlsoup.SQLSoup(url)  # noqa: E731
    assert told(sa.exc.NoSuchModuleError, use) == end.format("did you mean ")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("library.db", "for a file of SQLite write 'sqlite:///library.db'"),
        ("c:/data/x.sqlite", "for a file of SQLite write 'sqlite:///c:/data/x.sqlite'"),
        ("sqlite", "a URL of sqlite begins with 'sqlite:///'"),
        ("sqlite:/library.db", "a URL of sqlite begins with 'sqlite:///'"),
        ("mysql//me:geheim@h", "a URL of mysql begins with 'mysql://'"),
    ],
)
def test_what_is_nearly_a_url(text, hint):
    """It says how to write it, and repeats nothing that may be a password."""
    message = told(sa.exc.ArgumentError, lambda: sqlsoup.SQLSoup(text))
    assert message.partition("; ")[2] == hint


def test_a_path(tmp_path):
    """A path of a file that is there needs no ending; a Path is no URL either."""
    file = tmp_path / "library"
    file.touch()
    hint = f"for a file of SQLite write 'sqlite:///{file}'"
    message = told(sa.exc.ArgumentError, lambda: sqlsoup.SQLSoup(str(file)))
    assert message.partition("; ")[2] == hint
    assert told(sqlsoup.ArgumentError, lambda: sqlsoup.SQLSoup(file)) == (
        f"invalid engine or metadata argument {file!r}; {hint}"
    )


@pytest.mark.parametrize("url", ["sqlite://:memory:", "postgresql://me@h:geheim/d"])
def test_a_port_that_is_no_number(url):
    """SQLAlchemy's ValueError would show a part of the password."""
    with pytest.raises(ValueError, match="the port") as raised:
        sqlsoup.SQLSoup(url)
    assert str(raised.value) == (
        "the port in the URL is no number; write '/', '@' and ':' of a password as %2F, %40 and "
        "%3A, and 'sqlite://' for a database in memory"
    )
    assert isinstance(raised.value, sqlsoup.ArgumentError)


@pytest.mark.parametrize(
    "url",
    ["sqlite:///new.db", "sqlite:///file:new.db?uri=true", "sqlite:///file:n%65w.db?uri=True"],
)
def test_a_file_that_is_not_there(url, tmp_path, monkeypatch):
    """Looking for tables makes no file; the error names the path, also of a relative URL."""
    monkeypatch.chdir(tmp_path)

    def use(db):
        message = f"users: {NO_TABLE}; there is no file {str(tmp_path / 'new.db')!r}"
        assert told(sqlsoup.NoSuchTableError, lambda: db.users) == message
        assert [list(db), "users" in db, hasattr(db, "users"), sqlsoup.reflect(db)] == [
            [],
            False,
            False,
            [],
        ]
        assert "users" not in dir(db)
        db.rollback()
        with db:
            assert hasattr(db, "users") is False
            assert list(tmp_path.iterdir()) == []

    open_and_close(url, use)
    assert list(tmp_path.iterdir()) == []


def test_a_new_file(tmp_path):
    """A file that a statement made is new and empty, until there is a table in it."""
    file = tmp_path / "new.db"

    def use(db):
        db.execute("SELECT 1")
        message = f"users: {NO_TABLE}; the file {str(file)!r} is new and empty"
        assert told(sqlsoup.NoSuchTableError, lambda: db.users) == message
        db.execute("CREATE TABLE users (name VARCHAR PRIMARY KEY)")
        db.commit()
        assert db.users.count() == 0
        db.execute("DROP TABLE users")
        db.commit()
        del db["users"]
        message = f"users: {NO_TABLE}; there are no tables in Engine(sqlite:///{file})"
        assert told(sqlsoup.NoSuchTableError, lambda: db.users) == message

    open_and_close(f"sqlite:///{file}", use)


def test_an_engine_without_a_file(tmp_path, make_engine):
    """An engine of one's own, which may connect elsewhere, is used as it is."""
    db = sqlsoup.SQLSoup(make_engine(f"sqlite:///{tmp_path}/x.db"))
    message = f"users: {NO_TABLE}; the file '{tmp_path}/x.db' is new and empty"
    assert told(sqlsoup.NoSuchTableError, lambda: db.users) == message


def test_a_folder_that_is_not_there(tmp_path):
    """A file that cannot be made is SQLite's error, as for an engine."""
    error = sa.exc.OperationalError
    url = f"sqlite:///{tmp_path}/no/x.db"
    message = told(error, lambda: open_and_close(url, lambda db: db.users))
    assert message == "(sqlite3.OperationalError) unable to open database file"


def test_a_table_in_another_schema(db, engine, other_schema):
    """The call that finds it is shown; a schema that is not there is named as well."""
    run(engine, f"CREATE TABLE {other_schema}.staff_here (id INTEGER PRIMARY KEY)")
    call = f"db.entity('staff_here', schema={other_schema!r})"
    assert told(sqlsoup.NoSuchTableError, lambda: db.staff_here) == (
        f"staff_here: {NO_TABLE}; there is one in another schema: {call}"
    )
    assert db.entity("staff_here", schema=other_schema).count() == 0
    near = f"{other_schema}x"
    look_up = lambda: db.entity("nothing_there", schema=near)  # noqa: E731
    assert told(sqlsoup.NoSuchTableError, look_up).startswith(
        f"{near}.nothing_there: {NO_TABLE}; there is no schema {near!r}; did you mean "
    )


def test_a_schema_without_tables(db, other_schema):
    """An empty schema is said to be empty."""
    look_up = lambda: db.entity("nothing_there", schema=other_schema)  # noqa: E731
    message = told(sqlsoup.NoSuchTableError, look_up)
    assert message == (
        f"{other_schema}.nothing_there: {NO_TABLE}; there are no tables in the schema "
        f"{other_schema!r} of {shown_engine(db.engine)}"
    )


@on_postgresql
def test_a_default_schema_without_tables(pg):
    """On PostgreSQL other schemas may have tables, so the schema is named."""
    schema = sa.inspect(pg).default_schema_name
    assert told(sqlsoup.NoSuchTableError, lambda: sqlsoup.SQLSoup(pg).nothing_there) == (
        f"nothing_there: {NO_TABLE}; there are no tables in the schema {schema!r} "
        f"of {shown_engine(pg)}"
    )


def test_other_errors_in_memory():
    """An error of another kind is SQLAlchemy's alone."""

    def fail(db):
        with pytest.raises(sa.exc.OperationalError) as raised:
            db.execute("x")
        return str(raised.value)

    assert IN_MEMORY not in open_and_close("sqlite://", fail)


def test_a_listing_that_fails(lite, monkeypatch):
    """Where the tables cannot be listed although the schema is there, nothing is made of it."""

    def refuse(*_where):
        raise sa.exc.OperationalError("", {}, Exception("refused"))

    monkeypatch.setattr("sqlsoup._missing.table_names", refuse)
    db = sqlsoup.SQLSoup(lite)
    message = told(sqlsoup.NoSuchTableError, lambda: db.entity("nothing", schema="main"))
    assert message == f"main.nothing: {NO_TABLE}"
    db.session.remove()


@pytest.mark.parametrize("mapped", [False, True])
def test_a_table_in_memory_of_another_thread(mapped):
    """Each thread has its own database in memory, which is said there."""
    errors = []

    def look_up(db):
        try:
            db.pets.all()
        except sa.exc.SQLAlchemyError as error:
            errors.append(error)
        finally:
            sqlsoup.Session.remove()
            with db.engine.connect() as connection:  # which dispose() cannot close elsewhere
                connection.detach()

    def use(db):
        db.execute("CREATE TABLE pets (name VARCHAR PRIMARY KEY)")
        if mapped:
            assert db.pets.count() == 0
        db.commit()
        thread = threading.Thread(target=look_up, args=(db,))
        thread.start()
        thread.join()

    db = sqlsoup.SQLSoup("sqlite://")
    use(db)
    sqlsoup.Session.remove()
    db.engine.dispose()
    (error,) = errors
    if mapped:
        assert type(error) is sa.exc.OperationalError
        assert str(error).splitlines()[:2] == [
            f"({IN_MEMORY})",
            "(sqlite3.OperationalError) no such table: pets",
        ]
    else:
        assert type(error) is sqlsoup.NoSuchTableError
        assert error.args[0] == (
            f"pets: {NO_TABLE}; there are no tables in Engine(sqlite://): {IN_MEMORY}"
        )


@pytest.mark.parametrize("call", [False, True])
@pytest.mark.parametrize(
    ("value", "kind", "way"),
    [
        ({"name": "x"}, "dict", "write insert(**values)"),
        ([{"name": "x"}], "list", "sqlsoup.insert_many() takes a list of dicts"),
        ("x", "str", "write insert(name=...)"),
    ],
)
def test_a_value_without_a_name(value, kind, way, call, soup):
    """insert() says how to give values; it is a TypeError as before, and no row is left."""
    users = soup.users if call else soup.users.insert
    message = told(TypeError, lambda: users(value))
    assert message == f"MappedUsers takes values by name, not a {kind}; {way}"
    assert list(soup.session.new) == []


@pytest.mark.parametrize("name", ["item no", "class"])
def test_a_value_without_a_name_that_python_takes(name, lite):
    """What insert() shows can be written, whatever the column is called."""
    run(lite, f'CREATE TABLE items ("{name}" INTEGER PRIMARY KEY)')

    def use(db):
        assert told(TypeError, lambda: db.items.insert("x")) == (
            f"MappedItems takes values by name, not a str; write insert(**{{{name!r}: ...}})"
        )

    open_and_close(lite.url, use)


@pytest.mark.parametrize(
    "row", [lambda db: db.users.first(), lambda db: db.execute("SELECT 1").one()]
)
def test_a_row_to_insert(row, soup):
    """A row is copied by way of a dict."""
    row = row(soup)
    message = told(TypeError, lambda: soup.users.insert(row))
    assert message == (
        f"MappedUsers takes values by name, not a {type(row).__name__}; "
        "insert(**sqlsoup.as_dict(row)) makes a copy of a row"
    )


def test_the_length_of_a_class(soup):
    """A class has no length, and is true."""
    assert told(TypeError, lambda: len(soup.users)) == NO_LIST
    assert told(TypeError, lambda: "Ada" in soup.users) == NO_LIST
    assert bool(soup.users) is True


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [(("Tom",), "tuple of str"), ([("Tom",)], "list of tuple"), ("Tom", "str")],
)
def test_parameters_without_names(parameters, kind, db):
    """They are refused in words that say how to give them; SQLAlchemy's class is still caught."""
    with pytest.raises(sa.exc.ArgumentError) as raised:
        db.execute("SELECT * FROM users WHERE name = ?", parameters)
    assert isinstance(raised.value, sqlsoup.ArgumentError)
    assert str(raised.value) == (
        f"parameters are given by name, not as a {kind}: write ':name' in the text, and "
        "name=value or {'name': value}"
    )


@pytest.mark.parametrize("sign", ["?", "%s", "%(name)s"])
def test_a_placeholder_of_a_driver(sign, db):
    """The error is the driver's, and says how parameters are written."""
    with pytest.raises(sa.exc.DBAPIError) as raised:
        db.execute(f"SELECT * FROM users WHERE name = {sign}", {"name": "Tom"})
    first, second, *_ = str(raised.value).splitlines()
    assert first == f"(a parameter is written ':name' in the text, not {sign!r})"
    assert second.startswith(f"({type(raised.value.orig).__module__}.")


@pytest.mark.parametrize("sql", ["SELEC '?'", "SELECT '%s' FROM nowhere", "SELECT * FROM nowhere"])
def test_an_error_of_another_kind(sql, db):
    """What is within quotes is no placeholder."""
    with pytest.raises(sa.exc.DBAPIError) as raised:
        db.execute(sql)
    assert raised.value.detail == []


def test_what_cannot_be_executed(soup):
    """SQLAlchemy's own message about a statement stays."""
    message = told(sa.exc.ArgumentError, lambda: soup.execute(None))
    assert message == "Executable SQL or text() construct expected, got None."


CONDITION = "the condition is onclause=, as in db.users.name == db.loans.user_name"
OUTER = "isouter=True is for a LEFT OUTER JOIN"


@pytest.mark.parametrize(
    ("word", "way"), [("on", CONDITION), ("where", CONDITION), ("how", OUTER), ("outer", OUTER)]
)
def test_words_in_a_join(word, way, soup):
    """Words for the arguments that join() has are answered by these."""
    with pytest.raises(TypeError) as raised:
        soup.join(soup.users, soup.books, **{word: True})
    assert isinstance(raised.value, sqlsoup.ArgumentError)
    assert str(raised.value) == f"join() has no argument {word!r}; {way}"


def test_a_join_of_two_databases(lite, tmp_path, make_engine):
    """It is refused, as one database would be asked for the tables of both."""
    run(make_engine(f"sqlite:///{tmp_path}/o.db"), "CREATE TABLE pets (owner VARCHAR PRIMARY KEY)")
    here = sqlsoup.SQLSoup(lite)
    there = sqlsoup.SQLSoup(make_engine(f"sqlite:///{tmp_path}/o.db"))
    join = lambda: here.join(here.users, there.pets, here.users.name == there.pets.owner)  # noqa: E731
    assert told(sqlsoup.ArgumentError, join) == (
        f"the tables of a join must be in one database, and these are in {lite!r} and "
        f"{there.engine!r}; look for the rows of each, or attach one database to the other"
    )


def test_a_join_of_two_engines(engine, url, make_engine):
    """Two engines on one database are no obstacle, nor is a table of which no engine is known."""
    here, other = sqlsoup.SQLSoup(engine), sqlsoup.SQLSoup(make_engine(url))
    assert here.join(here.users, other.tags, here.users.name == other.tags.word).count() == 0
    loose = sa.Table("loans", sa.MetaData(), sa.Column("user_name", primary_key=True))
    assert here.join(here.users, loose, here.users.name == loose.c.user_name).count() == 2


UNKNOWN = "primary_keys: there is no table or view 'vists'; did you mean 'visits'?"


@pytest.mark.parametrize("use", [list, sqlsoup.reflect, lambda db: hasattr(db, "visits")])
def test_a_key_for_no_table(use, engine):
    """A name in primary_keys that no table has is warned of once the tables are known."""
    db = sqlsoup.SQLSoup(engine, primary_keys={"vists": "day", "far.away": "id"})
    assert db.users.count() == 3
    assert "visits" in dir(db)
    with pytest.warns(sqlsoup.SQLSoupWarning) as caught:
        use(db)
    assert [str(each.message) for each in caught] == [UNKNOWN]
    assert Path(caught[0].filename) == Path(__file__)


def test_keys_that_are_no_dict(lite):
    """primary_keys is a dict."""
    message = told(sqlsoup.ArgumentError, lambda: sqlsoup.SQLSoup(lite, primary_keys=["visits"]))
    assert message == (
        "invalid primary_keys argument ['visits']; pass a dict of lists of columns by the name of "
        "a table"
    )


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (
            lambda _: None,
            "delete() takes a row, not None, which is what a search without result gives",
        ),
        (
            lambda db: db.users.filter_by(name="x"),
            "delete() takes a row, not a query, whose own delete() deletes what it finds",
        ),
        (
            lambda db: db.users.all(),
            "delete() takes one row, not a list; for row in rows: db.delete(row)",
        ),
    ],
    ids=["None", "query", "list"],
)
def test_deleting_what_is_no_row(thing, message, soup):
    """It says what to do; SQLAlchemy's class is still caught."""
    with pytest.raises(UnmappedInstanceError) as raised:
        soup.delete(thing(soup))
    assert isinstance(raised.value, sqlsoup.ArgumentError)
    assert str(raised.value) == message
    assert type(pickle.loads(pickle.dumps(raised.value))) is sqlsoup.ArgumentError


def test_deleting_a_row_by_its_class(soup):
    """The class takes conditions; the row is a mistake that SQLAlchemy refuses too."""
    row = soup.users.get("Ada")
    with pytest.raises(sa.exc.ArgumentError) as raised:
        soup.users.delete(row)
    assert isinstance(raised.value, sqlsoup.ArgumentError)
    assert str(raised.value) == (
        "MappedUsers.delete() takes conditions, not a row, which db.delete(row) deletes"
    )
    assert soup.users.count() == 3


def test_deleting_what_is_not_mapped(soup):
    """Of other things SQLAlchemy says what it always said."""
    assert told(UnmappedInstanceError, lambda: soup.delete("x")) == (
        "Class 'builtins.str' is not mapped"
    )


def test_a_misspelt_attribute_of_a_class(soup, statements):
    """A column, a relationship or a method of queries is suggested, without a statement."""
    users = soup.users
    statements.clear()
    start = "'MappedUsers' has no column, relationship or query method"
    for name, near in (
        ("emial", "email"),
        ("frist", "first"),
        ("isnert", "insert"),
        ("statment", "statement"),
        ("select", "select_from"),
    ):
        message = told(AttributeError, lambda name=name: getattr(users, name))
        assert message == f"{start} {name!r}; did you mean {near!r}?"
    assert told(AttributeError, lambda: users.qqqqq) == f"{start} 'qqqqq'"
    assert statements == []


def test_what_queries_have_for_sqlalchemy_is_not_suggested(soup):
    """Nobody is led to a name without an underscore that SQLAlchemy has for itself alone."""
    internal = {"get_children", "is_select", "memoized_instancemethod", "supports_execution"}
    assert not internal & {*dir(soup.users)}
    for name in internal:
        message = told(AttributeError, lambda name=name: getattr(soup.users, name[:-1]))
        assert "did you mean" not in message


def test_a_misspelt_name_in_filter_by(soup):
    """SQLAlchemy's error says which column was meant."""
    message = told(sa.exc.InvalidRequestError, lambda: soup.users.filter_by(emial="x"))
    assert (
        message == 'Entity namespace for "users" has no property "emial"; did you mean \'email\'?'
    )


def test_a_misspelt_name_in_get(soup):
    """So does that of get()."""
    message = told(sa.exc.InvalidRequestError, lambda: soup.users.get({"nmae": "Ada"}))
    assert message == (
        "Incorrect names of values in identifier to formulate primary key for session.get(); "
        "primary key attribute names are 'name' (synonym names are also accepted); did you mean "
        "'name'?"
    )
    assert told(sa.exc.InvalidRequestError, lambda: soup.users.get(("Ada", "Bo"))) == (
        "Incorrect number of values in identifier to formulate primary key for session.get(); "
        "primary key columns are 'users.name'"
    )


def test_a_name_of_a_row_that_is_no_column(soup):
    """Programs hang attributes of their own on rows, so there is no warning."""
    row = soup.users.get("Ada")
    row.mood = "fine"
    soup.commit()
    assert row.mood == "fine"


def test_python_s_own_operators(soup):
    """What Python makes of ``is`` and ``not`` is False, which SQLAlchemy takes for no row."""
    email = soup.users.email
    assert soup.users.filter(email is None).all() == []
    assert soup.users.filter(not email).all() == []
    with pytest.raises(TypeError, match="Boolean value of this clause is not defined"):
        soup.users.filter(1 < soup.users.admin < 3)
