"""Tables by name: attributes, schemas, the cache, and names that lead nowhere."""

from __future__ import annotations

import copy
import inspect
import pydoc

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

import sqlsoup
from sqlsoup._foreign_keys import notes_of

NO_TABLE = "there is no table or view of this name"
PROBES = [
    "__wrapped__",
    "__deepcopy__",
    "__array_interface__",
    "__html__",
    "__clause_element__",
    "_repr_html_",
    "_repr_mimebundle_",
    "_repr_latex_",
    "_ipython_display_",
    "_ipython_canary_method_should_not_exist_",
]


@pytest.fixture
def annex(engine, other_schema):
    """The name of another schema, with a table of users of its own, and one of pets."""
    with engine.begin() as connection:
        for table in ("users", "pets"):
            connection.exec_driver_sql(
                f"CREATE TABLE {other_schema}.{table} (name VARCHAR(9) PRIMARY KEY, age INTEGER)"
            )
            connection.exec_driver_sql(f"INSERT INTO {other_schema}.{table} VALUES ('Rex', 3)")
    return other_schema


@pytest.fixture
def run(lite):
    """Run SQL on the SQLite database, each statement committed."""

    def run(*statements):
        with lite.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    return run


def _schemas(db):
    """Return the cache's keys with the schemas of their tables."""
    return {key: cls._table.schema for key, cls in db._cache.items()}


def test_an_attribute_is_a_class(db):
    """``db.users`` is a class, the same one each time, whose type is TableClassType."""
    assert type(db.users) is sqlsoup.TableClassType
    assert db.users is db.users
    assert db.users is db.entity("users")
    assert [db.users.__name__, db.users.__module__] == ["MappedUsers", "sqlsoup"]
    assert type(db.users._table) is sa.Table
    assert db.users._table is db._metadata.tables["users"]
    assert [type(row) for row in db.users.all()] == [db.users] * 3


def test_a_table_is_reflected_once(db, statements):
    """The first access reads the table, none after it sends anything."""
    users = db.users
    assert len(statements) > 0
    statements.clear()
    assert [db.users, db.entity("users"), getattr(db, "users")] == [users] * 3  # noqa: B009
    assert statements == []


def test_a_table_does_not_drag_in_others(db):
    """Tables that the foreign keys refer to are left until they are asked for."""
    assert type(db.loans) is sqlsoup.TableClassType
    assert sorted(db._metadata.tables) == ["loans"]


def test_the_cache_is_a_dict(soup):
    """``db._cache`` is a dict of classes by attribute name."""
    assert isinstance(soup._cache, dict)
    assert soup._cache == {}
    assert [soup.users, soup.books] == list(soup._cache.values())
    assert list(soup._cache) == ["users", "books"]


DROPS = {
    "del": lambda db: db._cache.__delitem__("users"),
    "pop": lambda db: db._cache.pop("users"),
    "pop with default": lambda db: db._cache.pop("users", None),
    "popitem": lambda db: db._cache.popitem(),
    "clear": lambda db: db._cache.clear(),
    "a new dict": lambda db: setattr(db, "_cache", {}),
}


@pytest.mark.parametrize("way", DROPS)
def test_dropping_from_the_cache_maps_anew(way, soup):
    """When a class was dropped from ``db._cache``, the next access makes a new one."""
    before = soup.users
    assert soup.users is before
    DROPS[way](soup)
    assert soup.users is not before
    assert type(soup.users) is sqlsoup.TableClassType
    assert soup._cache == {"users": soup.users}
    assert [type(row) for row in soup.users.all()] == [soup.users] * 3


def test_a_changed_table_is_read_again(soup, run):
    """After ``del db._cache[name]`` a column that the table was given meanwhile is there."""
    assert soup.users.c.keys() == ["name", "email", "admin"]
    run("ALTER TABLE users ADD COLUMN age INTEGER")
    del soup._cache["users"]
    assert soup.users.c.keys() == ["name", "email", "admin", "age"]


PUTS = {
    "item": lambda db, cls: db._cache.__setitem__("users", cls),
    "update": lambda db, cls: db._cache.update(users=cls),
    "a new dict": lambda db, cls: setattr(db, "_cache", {"users": cls}),
}


@pytest.mark.parametrize("way", PUTS)
def test_another_class_in_the_cache(way, soup):
    """A class that takes the place of another in ``db._cache`` is the attribute from then on."""
    people = soup.map(soup.users._table)
    assert soup.users is not people
    PUTS[way](soup, people)
    assert soup.users is people
    assert soup.entity("users") is people


def test_what_is_put_into_the_cache_is_found(soup):
    """A class that was put into the cache by hand is the attribute."""
    soup._cache["people"] = soup.users
    assert soup.people is soup.users
    assert soup.entity("people") is soup.users


def test_a_table_of_the_metadata_is_used_as_it_is(lite, statements):
    """A Table that the MetaData has already is not reflected again."""
    metadata = sa.MetaData()
    metadata.bind = lite
    table = sa.Table("users", metadata, sa.Column("name", sa.String, primary_key=True))
    db = sqlsoup.SQLSoup(metadata)
    assert db.users._table is table
    assert db.users.c.keys() == ["name"]
    assert statements == []


@pytest.mark.parametrize("name", ["work bench", "select", "a.b", "quote'd", "Ünder", "_low", "5"])
def test_names_that_are_no_identifiers(name, soup, run):
    """``entity`` and ``getattr`` find a table of any name."""
    run(f'CREATE TABLE "{name}" (id INTEGER PRIMARY KEY)', f'INSERT INTO "{name}" VALUES (5)')
    assert soup.entity(name) is getattr(soup, name)
    assert [row.id for row in soup.entity(name).all()] == [5]


def test_names_in_another_case_on_sqlite(soup):
    """SQLite knows a table by its name in any case; it is one table, and one class."""
    assert soup.Books._table.primary_key.columns.keys() == ["id"]
    assert soup.Books.c.keys() == ["id", "title", "year"]
    assert soup.BOOKS.count() == 3
    assert soup.Books is soup.BOOKS is soup["bOOks"] is soup.books
    assert list(soup._cache) == list(soup._metadata.tables) == ["books"]


def test_many_names_in_another_case(soup, monkeypatch):
    """So many spellings are noted, and no more: the class is found all the same."""
    monkeypatch.setattr("sqlsoup._reflect._SPELLINGS", 2)
    for name in ("Books", "BOoks", "BOOks", "BOOKs"):
        assert getattr(soup, name) is soup.books
        assert len(notes_of(soup._metadata).spelled) <= 2


@pytest.mark.parametrize("name", ["commit", "join", "bind", "session", "schema", "entity"])
def test_tables_with_the_name_of_a_method(name, soup, run):
    """A method or attribute of SQLSoup hides a table of its name; ``entity`` finds that."""
    before = getattr(soup, name)
    run(f'CREATE TABLE "{name}" (id INTEGER PRIMARY KEY)')
    assert type(soup.entity(name)) is sqlsoup.TableClassType
    assert soup.entity(name)._table.name == name
    assert getattr(soup, name) == before


def test_setting_an_attribute(soup):
    """An attribute that is set hides the table of that name, and the cache is as before."""
    users = soup.users
    soup.users = "mine"
    soup.note = 5
    assert [soup.users, soup.note] == ["mine", 5]
    assert soup.entity("users") is users
    del soup.users
    assert soup.users is users
    assert soup._cache == {"users": users}


def test_an_explicit_schema(db, annex):
    """``entity(name, schema=...)`` is the table of that schema, also when another is cached."""
    here = db.users
    there = db.entity("users", schema=annex)
    assert [here._table.schema, there._table.schema] == [None, annex]
    assert there.c.keys() == ["name", "age"]
    assert [(type(row), row.age) for row in there.all()] == [(there, 3)]
    assert db.entity("users", schema=annex) is there
    assert db.entity("users") is here
    assert db.users is here
    assert _schemas(db) == {"users": None, f"{annex}.users": annex}


def test_a_cached_name_of_another_schema(db, annex):
    """With no schema asked for, the class that has the name is returned as in 0.9."""
    there = db.entity("users", annex)
    assert db.users is there
    assert db.entity("users") is there
    assert _schemas(db) == {"users": annex}


def test_the_schema_of_the_soup(db, annex):
    """``db.schema`` is honoured by attributes and ``entity``, whatever is cached."""
    here = db.users
    db.schema = annex
    there = db.users
    assert [there._table.schema, there.c.keys()] == [annex, ["name", "age"]]
    assert db.entity("users") is there
    assert db.entity("users", schema=annex) is there
    assert db.pets._table.schema == annex
    db.schema = None
    assert db.users is here
    assert _schemas(db) == {"users": None, f"{annex}.users": annex, "pets": annex}


def test_an_explicit_schema_comes_before_that_of_the_soup(db, annex):
    """``schema=`` wins over ``db.schema``."""
    default = sa.inspect(db.engine).default_schema_name
    db.schema = annex
    assert db.users._table.schema == annex
    assert db.entity("users", schema=default)._table.schema == default
    assert db.entity("users", schema=default).c.keys() == ["name", "email", "admin"]
    assert db.users._table.schema == annex


def test_rows_are_written_to_the_schema(db, annex):
    """Rows go to the table of the schema, and to that alone."""
    there = db.entity("users", schema=annex)
    here = db.map_to("readers", tablename="users")
    here.insert(name="new", email="e")
    there.insert(name="other", age=1)
    db.commit()
    assert sorted(row.name for row in here.all()) == ["Ada", "Bo", "Cy", "new"]
    assert sorted(row.name for row in there.all()) == ["Rex", "other"]


def test_map_to_with_a_schema(db, annex):
    """``map_to`` maps a table of a schema to an attribute of any name."""
    mapped = db.map_to("others", tablename="users", schema=annex)
    assert db.others is mapped
    assert mapped._table.schema == annex
    assert db.users._table.schema is None
    db.schema = annex
    assert db.map_to("animals", tablename="pets")._table.schema == annex


def test_a_missing_table_of_a_schema(db, annex):
    """A table that only the default schema has is missing in another, and nothing is cached."""
    with pytest.raises(sqlsoup.NoSuchTableError) as raised:
        db.entity("books", schema=annex)
    default = sa.inspect(db.engine).default_schema_name
    assert str(raised.value) == (
        f"{annex}.books: {NO_TABLE}; there is one in another schema: "
        f"db.entity('books', schema={default!r})"
    )
    assert db.books._table.schema is None
    db.schema = annex
    assert hasattr(db, "books") is False
    assert _schemas(db) == {"books": None}


@pytest.mark.parametrize(
    "look_up",
    [
        lambda db: db.nothing,
        lambda db: db.entity("nothing"),
        lambda db: db.map_to("n", tablename="nothing"),
    ],
    ids=["attribute", "entity", "map_to"],
)
def test_a_missing_table(look_up, db):
    """A name that is no table is a NoSuchTableError and an AttributeError, and is not kept."""
    for _ in range(2):
        with pytest.raises(sqlsoup.NoSuchTableError) as raised:
            look_up(db)
        assert type(raised.value) is sqlsoup.NoSuchTableError
        assert isinstance(raised.value, sa.exc.NoSuchTableError)
        assert isinstance(raised.value, AttributeError)
        assert str(raised.value) == f"nothing: {NO_TABLE}"
    assert db._cache == {}
    assert not db._metadata.tables


@pytest.mark.parametrize(
    ("name", "near"),
    [("user", "users"), ("boks", "books"), ("book_tag", "book_tags"), ("lons", "loans")],
)
def test_the_nearest_name_is_suggested(name, near, db):
    """The error for a near miss names the table that was probably meant."""
    with pytest.raises(sqlsoup.NoSuchTableError) as raised:
        db.entity(name)
    assert str(raised.value) == f"{name}: {NO_TABLE}; did you mean {near!r}?"


def test_views_are_suggested_too(soup, run):
    """The nearest name may be that of a view, or of a table in the schema asked for."""
    run("CREATE VIEW administrators AS SELECT * FROM users")
    with pytest.raises(sqlsoup.NoSuchTableError) as raised:
        soup.entity("adminstrators", schema="main")
    assert str(raised.value) == f"main.adminstrators: {NO_TABLE}; did you mean 'administrators'?"


def test_a_table_that_is_made_later(db):
    """A name that led nowhere is found as soon as there is such a table."""
    assert hasattr(db, "pets") is False
    db.execute("CREATE TABLE pets (name VARCHAR(9) PRIMARY KEY)")
    db.commit()
    assert hasattr(db, "pets") is True
    assert db.pets.all() == []


def test_getattr_and_hasattr(db):
    """``hasattr`` and ``getattr`` with a default work as on any object."""
    assert hasattr(db, "users") is True
    assert hasattr(db, "nothing") is False
    assert getattr(db, "nothing", None) is None
    assert getattr(db, "users", None) is db.users


@pytest.mark.parametrize("name", PROBES)
def test_probes_reach_no_database(name, soup, statements):
    """Names by which Python and IPython look for features are never taken for tables."""
    assert hasattr(soup, name) is False
    with pytest.raises(AttributeError) as raised:
        getattr(soup, name)
    assert type(raised.value) is AttributeError
    assert str(raised.value) == f"'SQLSoup' object has no attribute {name!r}"
    assert statements == []


def test_a_probe_of_a_subclass_names_it(lite):
    """The error of a probe names the class that was asked."""
    with pytest.raises(AttributeError) as raised:
        type("MySoup", (sqlsoup.SQLSoup,), {})(lite).__html__  # noqa: B018
    assert str(raised.value) == "'MySoup' object has no attribute '__html__'"


def test_copy(soup, statements):
    """``copy.copy`` gives a SQLSoup on the same engine, with the same cache."""
    copied = copy.copy(soup)
    assert type(copied) is sqlsoup.SQLSoup
    assert statements == []
    assert copied.engine is soup.engine
    assert copied.users is soup.users


def test_help_and_inspect(soup, statements):
    """``help(db)`` describes the class without a query, and ``inspect`` reflects no table."""
    assert "A database whose tables are attributes" in pydoc.render_doc(soup)
    assert inspect.getdoc(soup).startswith("A database whose tables are attributes")
    assert callable(soup) is False
    assert statements == []
    assert "users" not in dict(inspect.getmembers_static(soup))
    assert soup._metadata.tables == {}


def test_a_half_made_object():
    """An object whose constructor did not run is no endless recursion."""
    empty = object.__new__(sqlsoup.SQLSoup)
    with pytest.raises(AttributeError) as raised:
        _ = empty.users
    assert str(raised.value) == "'SQLSoup' object has no attribute 'schema'"


def test_a_table_without_a_key(db):
    """A table without a primary key is a SQLSoupError, which map_to() has a way out of."""
    with pytest.raises(sqlsoup.SQLSoupError, match=r"^table 'visits' does not have a primary key"):
        _ = db.visits
    assert db._cache == {}
    table = db._metadata.tables["visits"]
    assert table.c.keys() == ["day", "n"]
    key = {"primary_key": [table.c.day]}
    visits = db.map_to("visits", tablename="visits", mapper_args=key)
    assert db.visits is visits
    assert [(type(row), row.n) for row in visits.order_by(visits.day)] == [(visits, 7), (visits, 5)]


def test_a_view(db):
    """A view has no key of its own; with one that is named it is mapped like a table."""
    db.execute("CREATE VIEW administrators AS SELECT name FROM users WHERE admin = 1")
    db.commit()
    with pytest.raises(sqlsoup.SQLSoupError, match=r"^table 'administrators' does not have a "):
        _ = db.administrators
    table = db._metadata.tables["administrators"]
    mapped = db.map(table, primary_key=[table.c.name])
    assert [(type(row), row.name) for row in mapped.all()] == [(mapped, "Ada")]


class OwnInit(sqlsoup.SQLSoup):
    """A soup with a constructor of its own."""

    def __init__(self, engine, greeting):
        self.greeting = greeting
        super().__init__(engine)


class OwnEntity(sqlsoup.SQLSoup):
    """A soup that adds a prefix to the names of tables."""

    def entity(self, attr, schema=None):
        """Return the class of a table."""
        return super().entity(f"book_{attr}", schema)


class OwnMapTo(sqlsoup.SQLSoup):
    """A soup that notes what is mapped."""

    def map_to(self, attrname, *args, **kwargs):
        """Map and note the name."""
        vars(self).setdefault("seen", []).append(attrname)
        return super().map_to(attrname, *args, **kwargs)


class OwnGetattr(sqlsoup.SQLSoup):
    """A soup whose attributes may have a plural less."""

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except sa.exc.NoSuchTableError:
            return super().__getattr__(f"{name}s")


def test_a_subclass_with_an_own_constructor(lite):
    """A subclass may override ``__init__``, and set attributes before the parent's."""
    db = OwnInit(lite, greeting="hello")
    assert [db.greeting, db.users.__name__, db.engine] == ["hello", "MappedUsers", lite]


def test_a_subclass_with_an_own_entity(lite):
    """Attributes go through an overridden ``entity``, also when their name is in the cache."""
    db = OwnEntity(lite)
    assert type(db.tags) is sqlsoup.TableClassType
    assert db.tags._table.name == "book_tags"
    db.map_to("tags", tablename="users")
    assert db.tags._table.name == "book_tags"


def test_a_subclass_with_an_own_map_to(lite):
    """Attributes and ``entity`` go through an overridden ``map_to``."""
    db = OwnMapTo(lite)
    assert [db.users, db.entity("books"), db.users] == [*db._cache.values(), db.users]
    assert db.seen == ["users", "books"]


def test_a_subclass_with_an_own_getattr(lite):
    """An overridden ``__getattr__`` is asked first and may turn to the parent's."""
    db = OwnGetattr(lite)
    assert db.user is db.users
    assert db.users.count() == 3
    assert hasattr(db, "nothing") is False
    assert list(db._cache) == ["users"]


def test_temporary_tables_of_the_session(db):
    """Reflection inside the session's transaction sees the session's temporary tables."""
    db.execute("CREATE TEMPORARY TABLE notes (id INTEGER PRIMARY KEY, note VARCHAR(9))")
    db.execute("INSERT INTO notes VALUES (1, 'here')")
    assert [(type(row), row.note) for row in db.notes.all()] == [(db.notes, "here")]


@pytest.mark.parametrize(
    "columns", ["name VARCHAR(9), note VARCHAR(9)", "admin INT, name VARCHAR(9)"]
)
def test_a_temporary_table_before_another(db, columns):
    """A temporary table is the one of its name, as in every statement, until it is forgotten."""
    db.books.count()
    db.execute(f"CREATE TEMPORARY TABLE users ({columns}, nr INT DEFAULT 7, PRIMARY KEY (name))")
    db.execute("INSERT INTO users (name) VALUES ('Zoe')")
    assert db.users.c.keys() == [*(part.split()[0] for part in columns.split(", ")), "nr"]
    assert [(row.name, row.nr) for row in db.users.all()] == [("Zoe", 7)]
    row = db.users.insert(name="Yan")
    db.flush()
    assert (row.nr, db.users.count()) == (7, 2)
    row.nr = 8
    db.flush()
    assert db.execute("SELECT nr FROM users WHERE name = 'Yan'").scalar() == 8
    db.execute("DROP TABLE users")
    db.session.expunge_all()
    del db["users"]
    assert db.users.c.keys() == ["name", "email", "admin"]
    assert db.users.get("Ada").admin == 1


def test_a_table_that_is_not_committed(db):
    """Reflection inside the session's transaction sees a table that others do not."""
    db.connection()
    db.execute("CREATE TABLE pets (name VARCHAR(9) PRIMARY KEY)")
    db.pets.insert(name="Rex")
    db.flush()
    assert [(type(row), row.name) for row in db.pets.all()] == [(db.pets, "Rex")]


def test_a_pool_of_one_connection(url, engine, make_engine):
    """Tables are found while the session holds the only connection, and when it does not."""
    small = make_engine(url, poolclass=sa.QueuePool, pool_size=1, max_overflow=0, pool_timeout=1)
    db = sqlsoup.SQLSoup(small)
    assert db.users.get("Ada").admin == 1
    assert small.pool.checkedout() == 1
    assert db.books.count() == 3
    assert hasattr(db, "nothing") is False
    assert db.join(db.books, db.loans).count() == 2
    assert small.pool.checkedout() == 1
    db.commit()
    assert db.tags.c.keys() == ["word"]
    assert small.pool.checkedout() == 0
    sqlsoup.Session.remove()


def test_reflection_begins_no_transaction(db):
    """Looking a table up outside of a transaction leaves no transaction and no connection."""
    assert db.users.c.keys() == ["name", "email", "admin"]
    assert hasattr(db, "nothing") is False
    assert db.session().in_transaction() is False
    assert db.engine.pool.checkedout() == 0


def test_reflection_flushes_nothing(soup):
    """Looking a table up within a transaction does not send what is pending."""
    soup.execute("SELECT 1")
    row = soup.tags.insert(word="new")
    assert soup.books.c.keys() == ["id", "title", "year"]
    assert list(soup.session.new) == [row]


def test_reflection_when_the_transaction_has_failed(soup):
    """After a failed flush, before the rollback, tables are still found."""
    soup.tags.insert(word="food")
    with pytest.raises(sa.exc.IntegrityError):
        soup.flush()
    assert soup.books.c.keys() == ["id", "title", "year"]
    soup.rollback()
    assert soup.books.count() == 3


def test_a_session_elsewhere_does_not_mislead(lite, make_engine):
    """With a session that works on another engine, tables are those of the soup's engine."""
    other = make_engine("sqlite://")
    with Session(other) as session:
        session.execute(sa.text("CREATE TABLE elsewhere (id INTEGER PRIMARY KEY)"))
        db = sqlsoup.SQLSoup(lite, session=session)
        assert db.users.c.keys() == ["name", "email", "admin"]
        assert hasattr(db, "elsewhere") is False


class Broken(Exception):
    """What a broken connection raises in the next test."""


def test_nothing_half_built_is_left(db):
    """When the database fails in the midst of reflection, the next access begins anew."""
    fail = [True]

    def fail_at_columns(inspector, table, column):
        if fail and column["name"] == "email":
            raise Broken

    event.listen(db._metadata, "column_reflect", fail_at_columns)
    with pytest.raises(Broken):
        _ = db.users
    assert not db._metadata.tables
    assert db._cache == {}
    assert db.engine.pool.checkedout() == 0
    fail.clear()
    assert db.users.c.keys() == ["name", "email", "admin"]
    assert len(db.users.all()) == 3


def test_nothing_half_mapped_is_left(soup):
    """When mapping fails, no class is kept, and the table can be mapped after that."""
    with pytest.raises(sa.exc.ArgumentError):
        soup.map_to("users", tablename="users", mapper_args={"polymorphic_on": "x"})
    assert soup._cache == {}
    assert soup.users.get("Ada").email == "ada@example.org"


class Overtaken(sqlsoup.SQLSoup):
    """A SQLSoup whose every table is mapped by somebody else just before."""

    def map_to(self, attrname, *args, **kwargs):
        """Map twice."""
        if attrname not in self._cache:
            super().map_to(attrname, *args, **kwargs)
        return super().map_to(attrname, *args, **kwargs)


def test_the_first_of_two_threads_wins(lite):
    """Who comes second to a table gets the class of who was first."""
    db = Overtaken(lite)
    assert db.users is db._cache["users"]
    assert db.entity("users", schema="main") is db._cache["main.users"]


def test_a_name_taken_while_it_is_mapped(soup):
    """map_to() refuses a name that was taken while it worked."""

    class Base:
        def __init_subclass__(cls):
            if "people" not in soup._cache:
                soup.map_to("people", tablename="users", base=object)

    with pytest.raises(sqlsoup.SQLSoupError) as raised:
        soup.map_to("people", tablename="users", base=Base)
    assert str(raised.value) == "Attribute 'people' is already mapped to 'users'"


def test_a_name_with_a_schema_that_was_hung_by_hand(soup):
    """What hangs under the name that a table would take is left alone, and said so."""
    soup.map_to("main.users", tablename="books")
    _ = soup.users
    with pytest.raises(sqlsoup.SQLSoupError, match=r"'main\.users' is already mapped to 'books'$"):
        soup.entity("users", schema="main")
