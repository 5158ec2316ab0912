"""Item access, ``in``, iteration, completion and help: what a database tells of itself."""

from __future__ import annotations

import copy
import pydoc
import re
import rlcompleter
import socket
import time

import pytest
import sqlalchemy as sa
from conftest import run
from help_texts import HELP
from sqlalchemy.ext.compiler import compiles

import sqlsoup
from sqlsoup import NoSuchTableError, SQLSoup, SQLSoupError, TableClassType

LIBRARY = ["book_tags", "books", "loans", "seats", "shelves", "tags", "users", "visits"]
NO_TABLE = "there is no table or view of this name"
PUBLIC = [
    *("base", "bind", "commit", "connection", "delete", "engine", "entity", "execute", "expunge"),
    *("expunge_all", "flush", "join", "map", "map_to", "rollback", "schema", "session"),
    "with_labels",
]
ODD = ["order items", "select", "class", "Mixed Case", "quote'd", 'double "quote"', "Ünder", "_low"]
ODD += ["5", "a.b", "semi;colon", "100%", ":name", "back\\slash", "session", "commit", "__init__"]


def create(engine, name, schema=None):
    """Create a table of any name, with one row."""
    table = sa.Table(name, sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))
    table.schema = schema
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), {"id": 5})


def cost(statements, call):
    """Return how many statements a call sends, and what it gives."""
    statements.clear()
    given = call()
    return len(statements), given


@pytest.fixture
def annex(engine, other_schema):
    """The name of another schema, with a table of users of its own, and one of pets."""
    run(
        engine,
        f"CREATE TABLE {other_schema}.users (name VARCHAR(9) PRIMARY KEY, age INTEGER)",
        f"CREATE TABLE {other_schema}.pets (name VARCHAR(9) PRIMARY KEY)",
        f"CREATE VIEW {other_schema}.elders AS"
        f" SELECT name FROM {other_schema}.users WHERE age > 80",
    )
    return other_schema


@pytest.fixture
def unreachable(make_engine):
    """A SQLSoup on a server at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    yield SQLSoup(make_engine(f"postgresql+psycopg2://joe:secret@127.0.0.1:{port}/x"))
    sqlsoup.Session.remove()


# items


def test_an_item_of_any_name(db, engine):
    """``db[name]`` is the class of a table, whatever its name; so is what ``entity`` gives."""
    for name in ODD:
        create(engine, name)
    for name in ODD:
        assert name in db
        cls = db[name]
        assert type(cls) is TableClassType
        assert cls._table.name == name
        assert [(type(row), row.id) for row in cls.all()] == [(cls, 5)]
        assert db[name] is cls
        assert db.entity(name) is cls
    assert {*ODD} <= {*db}


def test_an_item_with_the_name_of_an_attribute(soup, lite):
    """A table that an attribute of SQLSoup hides is an item, and the attribute stays."""
    for name in [*PUBLIC, "_cache", "_metadata", "__dict__", "__class__", "__module__"]:
        before = getattr(soup, name)
        create(lite, name)
        assert [row.id for row in soup[name].all()] == [5]
        assert getattr(soup, name) == before
        assert name in soup


def test_items_and_attributes_are_the_same(db, statements):
    """``db["users"]`` is ``db.users``, and costs nothing the second time."""
    assert db["users"] is db.users
    assert cost(statements, lambda: db["users"]) == (0, db.users)
    mapped = db.map_to("readers", tablename="users")
    assert db["readers"] is mapped


def test_an_item_of_another_schema(db, annex):
    """``db["schema.table"]`` is the table of that schema."""
    here, there = db["users"], db[f"{annex}.users"]
    assert type(there) is TableClassType
    assert [here._table.schema, there._table.schema] == [None, annex]
    assert there.c.keys() == ["name", "age"]
    there.insert(name="Rex", age=3)
    db.commit()
    assert [(type(row), row.age) for row in there.all()] == [(there, 3)]
    assert db[f"{annex}.users"] is there
    assert db.entity("users", schema=annex) is there
    assert db["users"] is here


def test_an_item_of_the_schema_that_is_set(db, annex):
    """With ``db.schema`` set, a bare name is of that schema, and a dotted one of any."""
    default = sa.inspect(db.engine).default_schema_name
    db.schema = annex
    there = db["users"]
    assert there._table.schema == annex
    assert db[f"{annex}.users"] is there
    assert db[f"{annex}.pets"] is db.pets
    assert db[f"{default}.users"]._table.schema == default
    assert db[f"{default}.users"].count() == 3
    with pytest.raises(NoSuchTableError):
        db["books"]


def test_a_name_with_a_dot_comes_first(db, engine, annex):
    """A table whose own name has the dot wins over schema and table."""
    create(engine, f"{annex}.pets")
    here = db[f"{annex}.pets"]
    assert [here._table.schema, here._table.name] == [None, f"{annex}.pets"]
    assert [row.id for row in here.all()] == [5]


def test_two_tables_with_one_name(db, engine, annex):
    """SQLAlchemy cannot tell the two apart in one MetaData: an error, and not the wrong table."""
    there = db.entity("pets", schema=annex)
    assert db.entity(f"{annex}.pets")._table is there._table
    del db[f"{annex}.pets"]
    create(engine, f"{annex}.pets")
    with pytest.raises(SQLSoupError) as raised:
        db[f"{annex}.pets"]
    assert str(raised.value) == (
        f"there is '{annex}.pets' as the name of a table, and as schema and name of another; "
        "one MetaData cannot hold both, use another SQLSoup for one of them"
    )
    del db["pets"]
    here = db[f"{annex}.pets"]
    assert here.c.keys() == ["id"]
    with pytest.raises(SQLSoupError, match=r"use another SQLSoup for one of them$"):
        db.entity("pets", schema=annex)
    assert there.c.keys() == ["name"]
    run(engine, f"DROP TABLE {annex}.pets")
    with pytest.raises(NoSuchTableError):
        db.entity("pets", schema=annex)


def test_names_with_dots_in_a_schema(db, engine, annex):
    """The table of another schema may have dots of its own."""
    create(engine, "old.pets", schema=annex)
    assert f"{annex}.old.pets" in db
    cls = db[f"{annex}.old.pets"]
    assert [cls._table.schema, cls._table.name] == [annex, "old.pets"]
    assert [row.id for row in cls.all()] == [5]


def test_a_missing_item(db):
    """A name that leads nowhere is NoSuchTableError and KeyError, and nothing is kept."""
    for name in ("nothing", "no.thing", "", ".", "nothing.", ".nothing", "a.b.c"):
        with pytest.raises(KeyError) as raised:
            db[name]
        assert type(raised.value) is NoSuchTableError
        assert isinstance(raised.value, sa.exc.NoSuchTableError)
        assert str(raised.value) == f"{name}: {NO_TABLE}"
    assert db._cache == {}


def test_a_missing_item_of_a_schema(db, annex):
    """A table that the other schema does not have is missing; the nearest names are told."""
    with pytest.raises(NoSuchTableError) as raised:
        db[f"{annex}.books"]
    assert str(raised.value) == f"{annex}.books: {NO_TABLE}"
    with pytest.raises(NoSuchTableError) as raised:
        db["user"]
    assert str(raised.value) == f"user: {NO_TABLE}; did you mean 'users'?"


def test_an_item_without_a_key(soup):
    """A table without a primary key is a SQLSoupError, and no KeyError."""
    with pytest.raises(SQLSoupError, match=r"^table 'visits' does not have a primary key defined"):
        soup["visits"]
    assert "visits" in soup


@pytest.mark.parametrize("name", [5, 1.5, b"users", ("users",), ["users"], sa.column("users")])
def test_an_item_that_is_no_name(soup, statements, name):
    """What is no string is no name of a table."""
    with pytest.raises(sqlsoup.ArgumentError) as raised:
        soup[name]
    assert str(raised.value) == "'tablename' argument must be a string."
    assert statements == []


def test_deleting_an_item(db, engine):
    """``del db[name]`` forgets a class; of a table that was not used it is a KeyError."""
    before = db.users
    del db["users"]
    assert db._cache == {}
    assert "users" in db
    assert db["users"] is not before
    with pytest.raises(KeyError):
        del db["books"]


# in

STRANGE = {
    "nul": "a\0b",
    "only nul": "\0",
    "surrogate": "\ud800",
    "surrogate in a schema": "\ud800.table",
    "long": "n" * 70,
    "longer": "n" * 10_000,
    "long schema": "n" * 70 + ".table",
    "dots": "." * 20,
    "emoji": "\N{GRINNING FACE}",
    "percent": "%(name)s %s",
    "quotes": "`\"'",
    "newline": "new\nline",
    "space": " ",
    "injection": 'users"; DROP TABLE users; --',
    "empty": "",
}


def test_in(db, engine, statements):
    """``in`` tells if there is a table or view, and maps nothing."""
    run(engine, "CREATE VIEW readers AS SELECT name FROM users")
    names = ["users", "readers", "visits", "nothing", "session", "Users ", "sqlite_master_"]
    assert [name in db for name in names] == [True, True, True, False, False, False, False]
    assert db._cache == {}
    assert not db._metadata.tables
    assert db.engine.pool.checkedout() == 0
    assert db.session().in_transaction() is False


def test_in_costs_one_check(db, engine, statements):
    """``in`` costs what SQLAlchemy needs to look for one table; nothing, when it is in use."""

    def has_table(name):
        with engine.connect() as connection:
            return sa.inspect(connection).has_table(name)

    for name in ("users", "nothing"):
        assert cost(statements, lambda name=name: name in db) == cost(
            statements, lambda name=name: has_table(name)
        )
    assert len(statements) == (2 if engine.dialect.name == "sqlite" else 1)
    _ = db.users
    assert cost(statements, lambda: "users" in db) == (0, True)


def test_in_of_another_schema(db, annex):
    """``in`` takes what an item takes, and looks in the schema that is set."""
    assert f"{annex}.users" in db
    assert f"{annex}.elders" in db
    assert f"{annex}.books" not in db
    assert f"{annex}." not in db
    assert "pets" not in db
    db.schema = annex
    assert "pets" in db
    assert "books" not in db


def test_in_of_strange_names(db):
    """A name that no table can have is in no database; the connection is fit for use after it."""
    for kind, name in STRANGE.items():
        assert (name in db) is False, kind
        assert hasattr(db, name) is False, kind
        with pytest.raises(NoSuchTableError) as raised:
            db[name]
        assert str(raised.value) == f"{name}: {NO_TABLE}"
        db.connection()
        assert (name in db) is False, kind
        assert db.users.count() == 3
        db.rollback()


@pytest.mark.parametrize(
    "thing", [None, 5, 1.5, b"users", ("users",), ["users"], {}, sa.column("users"), object()]
)
def test_in_of_what_is_no_name(soup, statements, thing):
    """Anything else than a string is not in it, and never an error."""
    assert (thing in soup) is False
    _ = soup.users
    statements.clear()
    assert (soup.users in soup) is False
    assert statements == []


def test_in_sees_what_the_session_sees(db):
    """A table that is made in the transaction of the session is there for it."""
    db.connection()
    db.execute("CREATE TABLE pets (name VARCHAR(9) PRIMARY KEY)")
    assert "pets" in db
    assert "pets" in list(db)
    assert "pets" in dir(db)


# iteration and truth


def test_iteration(db, engine, statements):
    """Iteration gives the names of tables and views, sorted, and maps nothing."""
    run(engine, "CREATE VIEW readers AS SELECT name FROM users")
    assert list(db) == sorted([*LIBRARY, "readers"])
    assert [type(name) for name in db] == [str] * 9
    assert [name for name in db if name.startswith("b")] == ["book_tags", "books"]
    assert sorted(db) == list(db)
    assert db._cache == {}
    assert not db._metadata.tables
    assert db.engine.pool.checkedout() == 0
    assert db.session().in_transaction() is False


def test_iteration_in_a_schema(db, annex):
    """With ``db.schema`` set, the names are those of that schema."""
    assert list(db) == LIBRARY
    db.schema = annex
    assert list(db) == ["elders", "pets", "users"]
    db.schema = None
    assert list(db) == LIBRARY


def test_tables_that_the_database_keeps_for_itself(soup, lite):
    """SQLite's own tables are not listed, but can be asked for."""
    run(
        lite,
        "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT)",
        "INSERT INTO counted VALUES (7)",
        "ANALYZE",
    )
    assert list(soup) == sorted([*LIBRARY, "counted"])
    sequence = soup.entity("sqlite_sequence", primary_key=["name"])
    assert sequence.get("counted").seq == 7


def test_names_of_the_catalogs(db):
    """No name of a catalog is among those listed, on any database."""
    assert [name for name in db if name.startswith(("sqlite_", "pg_", "innodb"))] == []
    assert not {*db} & {"tables", "columns", "user", "views"}


def test_items_of_what_iteration_gives(db):
    """Every name that is listed is in it, and is an item."""
    for name in db:
        assert name in db
        assert type(db.entity(name, primary_key="n" if name == "visits" else ())) is TableClassType
    assert list(db._cache) == LIBRARY


def test_truth(engine, statements):
    """A SQLSoup is true, whatever is in the database, and no statement is sent for that."""
    db = SQLSoup(engine)
    assert bool(db) is True
    assert (db or None) is db
    assert statements == []


def test_no_length(soup, statements):
    """It has no length, so that its truth is no question to the database."""
    with pytest.raises(TypeError) as raised:
        len(soup)
    assert str(raised.value) == "object of type 'SQLSoup' has no len()"
    assert statements == []


# completion


def test_dir(db, engine):
    """``dir(db)`` is what SQLSoup has, and the tables and views that can be attributes."""
    run(engine, "CREATE VIEW readers AS SELECT name FROM users")
    for name in ("order items", "class", "5", "Ünder"):
        create(engine, name)
    public = [name for name in dir(db) if not name.startswith("_")]
    assert public == sorted([*LIBRARY, *PUBLIC, "readers", "Ünder"])
    assert {"_cache", "_metadata", "__class__", "__getitem__"} <= {*dir(db)}
    assert db._ipython_key_completions_() == list(db)
    assert {"order items", "class", "5", "Ünder"} <= {*db._ipython_key_completions_()}
    assert db._cache == {}


def test_dir_costs_one_listing(db, engine, statements):
    """``dir`` twice, and the completion of items, cost one listing; ``refresh`` drops it."""
    listing, names = cost(statements, lambda: list(db))
    assert cost(statements, lambda: dir(db))[0] == listing
    run(engine, "CREATE TABLE pets (name VARCHAR(9) PRIMARY KEY)")
    assert cost(statements, lambda: [*dir(db), *dir(db)])[0] == 0
    assert cost(statements, db._ipython_key_completions_) == (0, names)
    sqlsoup.refresh(db)
    assert cost(statements, lambda: "pets" in dir(db)) == (listing, True)


def test_dir_of_another_schema(db, annex, statements):
    """A listing is that of the schema which is set."""
    assert {"users", "books"} <= {*dir(db)}
    db.schema = annex
    assert {"users", "pets", "elders"} <= {*dir(db)}
    assert "books" not in dir(db)


def test_dir_listing_grows_old(soup, lite, monkeypatch):
    """A listing is good for seconds, not for the whole session."""
    assert "pets" not in dir(soup)
    create(lite, "pets")
    assert "pets" not in dir(soup)
    later = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert "pets" in dir(soup)


def test_dir_of_a_copy(soup, statements):
    """A copy uses the listing that there is."""
    _ = dir(soup)
    assert cost(statements, lambda: dir(copy.copy(soup)))[0] == 0


def test_dir_never_raises(unreachable):
    """With a server that cannot be reached, ``dir`` has what SQLSoup has; ``in`` says why."""
    assert [name for name in dir(unreachable) if not name.startswith("_")] == PUBLIC
    assert unreachable._ipython_key_completions_() == []
    for ask in (lambda: "users" in unreachable, lambda: list(unreachable)):
        with pytest.raises(sa.exc.OperationalError, match="Connection refused"):
            ask()
    assert unreachable.engine.pool.checkedout() == 0


def test_dir_connects_once(make_engine):
    """A driver that asks for ``dir`` when it cannot connect, as it formats its error, gets one.

    Python's suggestion for an AttributeError asks so in PyMySQL's traceback.
    """
    connects = []

    def connect():
        connects.append(len(dir(db)))
        raise OSError("nobody is there")

    db = SQLSoup(make_engine("sqlite://", creator=connect))
    assert [name for name in dir(db) if not name.startswith("_")] == PUBLIC
    assert connects == [len(dir(db))]
    with pytest.raises(OSError, match="nobody is there"):
        _ = db.users
    assert len(connects) == 2


def test_dir_without_an_engine():
    """Without any engine ``dir`` has what SQLSoup has."""
    assert [name for name in dir(SQLSoup(sa.MetaData())) if not name.startswith("_")] == PUBLIC


def test_dir_in_an_aborted_transaction(db):
    """After an error in the transaction ``dir`` does not raise, nor end the transaction."""
    db.users.get("Ada").email = "new@example.org"
    db.flush()
    with pytest.raises(sa.exc.DBAPIError):
        db.execute("SELECT nonsense FROM nowhere")
    names = {*dir(db)}
    assert {*PUBLIC} <= names
    assert ("books" in names) is (db.engine.dialect.name != "postgresql")
    assert db.session().in_transaction() is True
    db.rollback()
    sqlsoup.refresh(db)
    assert "books" in dir(db)
    assert db.users.get("Ada").email == "ada@example.org"


def test_dir_begins_no_transaction(db):
    """A completion leaves no transaction and no connection behind."""
    assert "books" in dir(db)
    assert db.session().in_transaction() is False
    assert db.engine.pool.checkedout() == 0


def test_dir_flushes_nothing(soup):
    """A completion does not send what is pending."""
    row = soup.tags.insert(word="new")
    assert "books" in dir(soup)
    assert list(soup.session.new) == [row]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("db.us", ["db.users"]),
        ("db.boo", ["db.book_tags", "db.books"]),
        ("db.users.na", ["db.users.name"]),
        ("db.users.filter", ["db.users.filter", "db.users.filter_by"]),
        ("row.em", ["row.email"]),
    ],
)
def test_the_tab_key(soup, text, expected):
    """The completion of Python's own prompt finds tables, columns and methods."""
    completer = rlcompleter.Completer({"db": soup, "row": soup.users.first()})
    found = []
    while (match := completer.complete(text, len(found))) is not None:
        found.append(match.rstrip("()"))
    assert sorted(found) == expected


# classes and rows


def test_dir_of_a_class(db, statements):
    """``dir(db.users)`` has columns, relationships and the methods of queries."""
    db.users.relate("loans", db.loans)
    statements.clear()
    names = {*dir(db.users)}
    assert dir(db.users) == sorted(names)
    assert {"name", "email", "admin", "loans", "c", "columns", "session"} <= names
    assert {"all", "filter", "filter_by", "order_by", "count", "get"} <= names
    assert {"insert", "relate", "delete", "update"} <= names
    assert {"_table", "_query", "__init__"} <= names
    assert not names & {"mro", "is_insert", "logger", "load_options", "title"}
    assert statements == []
    assert [name for name in sorted(names) if not hasattr(db.users, name)] == []


def test_dir_of_a_class_of_a_selectable(soup):
    """A class of a select has its columns; it cannot be related."""
    names = {*dir(soup.map(sa.select(soup.users.name)))}
    assert {"name", "filter", "c"} <= names
    assert not names & {"email", "relate"}


class OwnQuery(sa.orm.Query):
    """A query with a method of its own."""

    def administrators(self):
        """Return the rows of administrators."""
        return self.filter_by(admin=1)


def test_dir_of_a_class_has_the_methods_of_the_session(lite):
    """The methods are those of the session's query class."""
    session = sa.orm.scoped_session(sa.orm.sessionmaker(query_cls=OwnQuery))
    db = SQLSoup(lite, session=session)
    assert "administrators" in dir(db.users)
    assert [row.name for row in db.users.administrators()] == ["Ada"]
    session.remove()


def test_dir_of_a_row(soup):
    """``dir(row)`` is as it was: columns, relationships, ``c``, and nothing of the query."""
    soup.users.relate("loans", soup.loans)
    row = soup.users.first()
    assert [name for name in dir(row) if not name.startswith("_")] == [
        *("admin", "c", "email", "loans", "name")
    ]


# help


@pytest.mark.parametrize("name", HELP)
def test_help(db, name):
    """``help(db.users)`` prints columns with types, keys, nullability, and who refers to whom."""
    for other in ("loans", "seats", "shelves"):
        _ = db[other]
    text = re.sub(r"\b(INTEGER)\(11\)", r"\1", db[name].__doc__).replace("INTEGER(11)", "INTEGER")
    assert text == HELP[name]
    page = re.sub(" +$", "", pydoc.plain(pydoc.render_doc(db[name])), flags=re.MULTILINE)
    begin, _, rest = page.partition("\n |\n |  ")
    assert begin.startswith(
        f"Python Library Documentation: class Mapped{name.capitalize()} in module sqlsoup\n\n"
    )
    told = rest.partition("\n |\n |  Methods defined here:")[0]
    assert re.sub(r"^ \| {0,2}", "", told, flags=re.MULTILINE) == db[name].__doc__
    assert set(db._metadata.tables) == {name, "loans", "seats", "shelves"}
    assert db.engine.pool.checkedout() == 0


class Vector(sa.types.TypeEngine):
    """A type that one other dialect can name."""


compiles(Vector, "duckdb")(lambda *_, **__: "VECTOR")


def test_help_on_a_type_that_sqlalchemy_cannot_name(soup, lite, monkeypatch):
    """It is called as Python shows it."""
    monkeypatch.setitem(lite.dialect.ischema_names, "VECTOR", Vector)
    run(lite, "CREATE TABLE t (id INTEGER PRIMARY KEY, v VECTOR)")
    assert "v   Vector()\n" in f"{soup.t.__doc__}\n"


def test_a_docstring_sends_no_statement(db, statements):
    """Who refers to a table is told of tables that were used, since tools read docstrings."""
    users = db.users
    assert cost(statements, lambda: dir(users))[0] == 0
    assert cost(statements, lambda: users.__doc__)[0] == 0
    assert "Is referred to by:" not in users.__doc__
    _ = db.loans
    assert users.__doc__.endswith("Is referred to by:\nloans (user_name)")
    earlier = db.loans
    del db["loans"]
    assert db.loans is not earlier  # which is kept, with its foreign keys
    assert users.__doc__.endswith("Is referred to by:\nloans (user_name)")
    del db["loans"]
    sqlsoup.refresh(db)
    assert "Is referred to by:" not in db.users.__doc__


def test_help_of_a_schema(db, annex):
    """The schema is told, where it is not the default one."""
    text = db[f"{annex}.users"].__doc__
    assert text.splitlines()[0] == f"Table {annex}.users"
    assert text.splitlines()[2].startswith("name  VARCHAR(9)")


def test_help_of_a_selectable(soup):
    """Of what is no table the columns are told."""
    cls = soup.map(sa.select(soup.users.name, soup.users.admin).subquery("people"))
    assert cls.__doc__ == (
        "Subquery MappedUsers\n\nname   VARCHAR(40)  primary key, not null\nadmin  INTEGER"
    )
    assert soup.join(soup.users, soup.loans).__doc__.splitlines()[0] == "Join MappedJoin"
    assert soup.join(soup.books, soup.shelves, sa.true()).__doc__ is None


def test_help_of_a_key_that_is_named(soup):
    """A key that was named is told as the key."""
    visits = soup.entity("visits", primary_key=["day"])
    assert visits.__doc__ == "Table visits\n\nday  INTEGER  primary key\nn    INTEGER"


def test_the_docstrings_of_the_types(soup):
    """The types of classes have docstrings of their own, and so has a subclass."""
    assert TableClassType.__doc__.startswith("The type of a class that is mapped to a table.")
    assert sqlsoup.SelectableClassType.__doc__.startswith("The type of a class that is mapped to")

    class Reader(soup.users):
        """One who reads."""

    class Silent(soup.users):
        pass

    assert [Reader.__doc__, Silent.__doc__] == ["One who reads.", None]
    soup.users.__doc__ = "People."
    assert soup.users.__doc__ == "People."
    assert "People." in pydoc.render_doc(soup.users)


def test_a_metadata_of_a_schema(tmp_path, make_engine):
    """The schema of a MetaData is looked into by all ways to a table."""
    engine = make_engine(f"sqlite:///{tmp_path}/main.db", poolclass=sa.StaticPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ATTACH DATABASE '{tmp_path}/aux.db' AS other")
        connection.exec_driver_sql("CREATE TABLE other.notes (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql("CREATE TABLE books (id INTEGER PRIMARY KEY)")
    metadata = sa.MetaData(schema="other")
    metadata.bind = engine
    db = sqlsoup.SQLSoup(metadata, relationships=True)
    assert list(db) == ["notes"]
    assert ("notes" in db, "books" in db) == (True, False)
    assert db["other.notes"] is db.notes
    assert db["main.books"]._table.schema == "main"
    db.session.remove()


def test_del_with_a_schema_set(tmp_path, make_engine):
    """``del db[name]`` forgets the class that ``db[name]`` gives."""
    engine = make_engine(f"sqlite:///{tmp_path}/main.db", poolclass=sa.StaticPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ATTACH DATABASE '{tmp_path}/aux.db' AS other")
        for schema in ("main", "other"):
            connection.exec_driver_sql(f"CREATE TABLE {schema}.books (id INTEGER PRIMARY KEY)")
    db = sqlsoup.SQLSoup(engine)
    default = db.books
    db.schema = "other"
    other = db["books"]
    del db["books"]
    assert db["books"] is not other
    db.schema = None
    assert db["books"] is default
    db.session.remove()


def test_a_table_mapped_meanwhile(soup):
    """A class that another thread maps between two looks at the cache is taken."""
    found = []

    class Meanwhile(sqlsoup.SQLSoup):
        def map_to(self, *args, **kw):
            if not found:
                found.append(None)
                found[0] = self.users
            return super().map_to(*args, **kw)

    db = Meanwhile(soup.engine)
    assert db.users is found[0]
    assert db._cache == {"users": found[0]}


def test_names_given_by_hand_are_completed(soup):
    """``dir(db)`` lists names that were given with map_to() too."""
    made = soup.map_to("works", tablename="books")
    assert "works" in dir(soup)
    assert soup.works is made


def test_an_interrupted_listing(soup, monkeypatch):
    """A completion that is interrupted leaves nothing for the next one."""

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sqlsoup._soup.table_names", interrupt)
        with pytest.raises(KeyboardInterrupt):
            dir(soup)
    assert "users" in dir(soup)
