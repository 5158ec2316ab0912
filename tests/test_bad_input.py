"""Bad input: one clear error each, and nothing left behind."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

import sqlsoup
from sqlsoup.exc import KeylessError

NO_TABLE = "there is no table or view of this name"
NO_SELECTABLE = (
    "'selectable' argument must be a table, select, join, or other selectable construct."
)
NO_STRING = "'tablename' argument must be a string."
UNRELATED = (
    "Could not determine join condition between parent/child tables on relationship "
    "MappedUsers.books - there are no foreign keys linking these tables.  Ensure that referencing "
    "columns are associated with a ForeignKey or ForeignKeyConstraint, or specify a 'primaryjoin' "
    "expression."
)
ONE_NAME = (
    "Implicitly combining column books.title with column shelves.title under attribute 'title'.  "
    "Please configure one or more attributes for these same-named columns explicitly. Or wrap the "
    "join in with_labels()."
)
DUPLICATE = {
    "sqlite": "UNIQUE constraint failed: tags.word",
    "postgresql": 'duplicate key value violates unique constraint "tags_pkey"\n'
    "DETAIL:  Key (word)=(food) already exists.\n",
    "mysql": "(1062, \"Duplicate entry 'food' for key 'PRIMARY'\")",
}


@contextmanager
def _refused(db, error, message):
    """Expect an error of a type and its whole message, and nothing left behind by it."""
    cached = dict(db._cache)
    with pytest.raises(error) as raised:
        yield raised
    assert type(raised.value) is error
    assert raised.value.args[0] == message
    assert dict(db._cache) == cached
    _assert_whole(db)
    assert db.session().in_transaction() is False
    assert db.engine.pool.checkedout() == 0


def _assert_whole(db):
    """Assert that each table in the MetaData has the columns that it has in the database."""
    inspector = sa.inspect(db.engine)
    for table in db._metadata.tables.values():
        there = [column["name"] for column in inspector.get_columns(table.name, table.schema)]
        assert table.columns.keys() == there


def _free_port():
    """Return a port of the loopback interface at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.parametrize("url", ["", "nonsense", "://"])
def test_what_is_no_url(url):
    """A string that is no URL is SQLAlchemy's ArgumentError."""
    with pytest.raises(sa.exc.ArgumentError) as raised:
        sqlsoup.SQLSoup(url)
    assert type(raised.value) is sa.exc.ArgumentError
    assert str(raised.value) in (
        "Could not parse SQLAlchemy URL from given URL string",
        f"Could not parse SQLAlchemy URL from string {url!r}",
    )


@pytest.mark.parametrize(
    ("url", "plugin"),
    [("nosuch://127.0.0.1/x", "nosuch"), ("sqlite+nosuch:///x.db", "sqlite.nosuch")],
)
def test_a_url_of_an_unknown_database(url, plugin):
    """A URL of a database or driver that SQLAlchemy does not know is its NoSuchModuleError."""
    with pytest.raises(sa.exc.NoSuchModuleError) as raised:
        sqlsoup.SQLSoup(url)
    assert type(raised.value) is sa.exc.NoSuchModuleError
    assert str(raised.value) == f"Can't load plugin: sqlalchemy.dialects:{plugin}"


def test_a_sqlite_url_with_two_slashes():
    """``sqlite://file.db``, a slash too few, is SQLAlchemy's ArgumentError with the right forms."""
    with pytest.raises(sa.exc.ArgumentError) as raised:
        sqlsoup.SQLSoup("sqlite://library.db")
    assert str(raised.value) == (
        "Invalid SQLite URL: sqlite://library.db\nValid SQLite URL forms are:\n"
        " sqlite:///:memory: (or, sqlite://)\n sqlite:///relative/path/to/file.db\n"
        " sqlite:////absolute/path/to/file.db"
    )


UNREACHABLE = {
    "postgresql+psycopg2": lambda port: (
        f'connection to server at "127.0.0.1", port {port} failed: Connection refused\n'
        "\tIs the server running on that host and accepting TCP/IP connections?\n"
    ),
    "mysql+pymysql": lambda port: (
        "(2003, \"Can't connect to MySQL server on '127.0.0.1' "
        f'([Errno {errno.ECONNREFUSED}] {os.strerror(errno.ECONNREFUSED)})")'
    ),
}


@pytest.mark.parametrize("driver", UNREACHABLE)
@pytest.mark.parametrize(
    "use",
    [
        lambda db: db.users,
        lambda db: db.entity("users", schema="s"),
        lambda db: db.execute("SELECT 1"),
        lambda db: db.connection(),
    ],
    ids=["attribute", "entity", "execute", "connection"],
)
def test_an_unreachable_server(driver, use, make_engine):
    """A server that cannot be reached is the driver's error, each time; no password is in it."""
    port = _free_port()
    db = sqlsoup.SQLSoup(make_engine(f"{driver}://joe:secret@127.0.0.1:{port}/x"))
    for _ in range(2):
        with pytest.raises(sa.exc.OperationalError) as raised:
            use(db)
        assert type(raised.value) is sa.exc.OperationalError
        assert str(raised.value.orig) == UNREACHABLE[driver](port)
        assert "secret" not in str(raised.value)
        assert db._cache == {}
        assert not db._metadata.tables
        assert db.engine.pool.checkedout() == 0
        db.rollback()
        assert db.session().in_transaction() is False
    sqlsoup.Session.remove()


def test_looking_up_at_an_unreachable_server_begins_nothing(make_engine):
    """A failed table access leaves no transaction to roll back."""
    url = f"postgresql+psycopg2://joe:secret@127.0.0.1:{_free_port()}/x"
    db = sqlsoup.SQLSoup(make_engine(url))
    with pytest.raises(sa.exc.OperationalError):
        hasattr(db, "users")
    assert db.session().in_transaction() is False
    sqlsoup.Session.remove()


def test_a_directory_that_is_missing(tmp_path, make_engine):
    """A SQLite file that cannot be made is SQLite's error, and none is made."""
    db = sqlsoup.SQLSoup(make_engine(f"sqlite:///{tmp_path}/nowhere/library.db"))
    with pytest.raises(sa.exc.OperationalError) as raised:
        _ = db.users
    assert str(raised.value.orig) == "unable to open database file"
    assert list(tmp_path.iterdir()) == []
    assert db.session().in_transaction() is False
    sqlsoup.Session.remove()


@pytest.mark.parametrize(
    ("name", "hint"), [("nothing", ""), ("userz", "; did you mean 'users'?")], ids=["far", "near"]
)
def test_a_missing_table(name, hint, db):
    """A missing table is a NoSuchTableError that names it, and the nearest there is."""
    with _refused(db, sqlsoup.NoSuchTableError, f"{name}: {NO_TABLE}{hint}"):
        getattr(db, name)
    assert not db._metadata.tables


def test_a_table_without_a_key(db):
    """A table without a primary key is a SQLSoupError that names it."""
    message = (
        "table 'visits' does not have a primary key defined; name columns that tell its rows "
        "apart, as in db.entity('visits', primary_key=['day', 'n']); it has the columns day, n"
    )
    with _refused(db, KeylessError, message):
        _ = db.visits
    with _refused(db, KeylessError, message):
        db.map_to("v", tablename="visits")


def test_a_selectable_without_a_key(db):
    """A selectable without a primary key is an error that names it, of map_to() and of map()."""
    totals = sa.select(sa.func.count().label("n")).select_from(db.users._table).subquery("totals")
    message = (
        "selectable 'totals' does not have a primary key defined; name columns that tell its rows "
        "apart, as in mapper_args={\"primary_key\": ['n']}; it has the columns n"
    )
    with _refused(db, KeylessError, message):
        db.map_to("totals", selectable=totals)
    message = (
        "Mapper Mapper[MappedUsers(totals)] could not assemble any primary key columns for mapped "
        "table 'totals'"
    )
    with pytest.raises(sa.exc.ArgumentError) as raised:
        db.map(totals)
    assert raised.value.args[0] == message


@pytest.mark.parametrize("by", ["argument", "attribute"])
def test_a_schema_that_does_not_exist(by, db):
    """A table in a schema that is not there is a missing table."""
    if by == "attribute":
        db.schema = "nowhere"
    there = f"db.entity('users', schema={sa.inspect(db.engine).default_schema_name!r})"
    message = f"nowhere.users: {NO_TABLE}; there is one in another schema: {there}"
    with _refused(db, sqlsoup.NoSuchTableError, message):
        db.entity("users", schema="nowhere" if by == "argument" else None)
    assert not db._metadata.tables
    db.schema = None
    assert len(db.users.all()) == 3


def test_no_name(soup):
    """Neither is None a name; the words are those of 0.9."""
    message = "'tablename' or 'selectable' argument is required."
    with _refused(soup, sqlsoup.ArgumentError, message):
        soup.entity(None)


@pytest.mark.parametrize("value", [5, b"users", [], ("users",), sa.column("users")])
def test_a_name_that_is_no_string(value, soup):
    """The name of a table must be a string."""
    with _refused(soup, sqlsoup.ArgumentError, NO_STRING):
        soup.entity(value)


@pytest.mark.parametrize("value", [5, b"users", ["users"], sa.column("users")])
def test_a_tablename_that_is_no_string(value, soup):
    """So must the ``tablename`` of map_to()."""
    with _refused(soup, sqlsoup.ArgumentError, NO_STRING):
        soup.map_to("people", tablename=value)


@pytest.mark.parametrize("value", [5, None, b"users", []])
def test_an_attribute_name_that_is_no_string(value, soup):
    """The attribute's name must be a string too: no other could ever be one."""
    with _refused(soup, sqlsoup.ArgumentError, "'attrname' argument must be a string."):
        soup.map_to(value, tablename="users")


@pytest.mark.parametrize("value", [5, b"main", ["main"]])
def test_a_schema_that_is_no_string(value, soup):
    """And so must the schema."""
    with _refused(soup, sqlsoup.ArgumentError, "'schema' argument must be a string."):
        soup.entity("users", schema=value)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({}, "'tablename' or 'selectable' argument is required."),
        ({"schema": "main"}, "'tablename' argument is required when using 'schema'."),
        (
            {"selectable": sa.table("users"), "schema": "main"},
            "'tablename' argument is required when using 'schema'.",
        ),
        (
            {"tablename": "users", "selectable": sa.table("users")},
            "'tablename' and 'selectable' arguments are mutually exclusive",
        ),
    ],
    ids=["neither", "schema alone", "schema of a selectable", "both"],
)
def test_arguments_of_map_to_that_contradict(kwargs, message, soup):
    """``map_to()`` takes a name or a selectable, one of them, and a schema with a name alone."""
    with _refused(soup, sqlsoup.ArgumentError, message):
        soup.map_to("people", **kwargs)


def test_a_name_that_is_taken(soup):
    """``map_to()`` refuses a name that is mapped already, and leaves what has it."""
    users = soup.users
    with _refused(soup, sqlsoup.SQLSoupError, "Attribute 'users' is already mapped to 'users'"):
        soup.map_to("users", tablename="books")
    assert soup.users is users


@pytest.mark.parametrize(
    "value",
    [5, "users", int, ["users"], sa.column("name"), sa.text("SELECT 1"), object()],
    ids=["number", "string", "class", "list", "column", "text", "object"],
)
def test_what_is_no_selectable(value, soup):
    """A selectable that is none is an ArgumentError, wherever one is taken."""
    assert soup.users.c.keys() == ["name", "email", "admin"]
    for use in (
        lambda: soup.map(value),
        lambda: soup.map_to("x", selectable=value),
        lambda: soup.with_labels(value),
        lambda: soup.join(soup.users, value),
        lambda: soup.join(value, soup.users),
    ):
        with _refused(soup, sqlsoup.ArgumentError, NO_SELECTABLE):
            use()


def test_a_row_is_no_selectable(soup):
    """A row is taken for its table by nobody."""
    row = soup.tags.get("hot")
    soup.commit()
    with _refused(soup, sqlsoup.ArgumentError, NO_SELECTABLE):
        soup.map(row)


def test_a_join_without_a_foreign_key(db):
    """Joining tables that share no foreign key is SQLAlchemy's NoForeignKeysError."""
    users, books = db.users, db.books
    message = "Can't find any foreign key relationships between 'users' and 'books'."
    with _refused(db, sa.exc.NoForeignKeysError, message):
        db.join(users, books)


@pytest.mark.parametrize(
    "use",
    [
        lambda cls: cls.all(),
        lambda cls: cls.c,
        lambda cls: cls(),
        lambda cls: cls.insert(title="x"),
        lambda cls: cls.filter_by(title="x"),
        lambda cls: cls.title,
    ],
    ids=["all", "c", "call", "insert", "filter_by", "column"],
)
def test_a_join_of_tables_that_share_a_column_name(use, soup):
    """Such a join is good for with_labels() alone; the error at any other use says so."""
    books = soup.map(sa.select(soup.books.id.label("number"), soup.books.title).subquery("books"))
    joined = soup.join(books, soup.shelves, books.number == soup.shelves.id)
    with _refused(soup, sa.exc.InvalidRequestError, ONE_NAME):
        use(joined)
    labelled = soup.with_labels(joined)
    assert labelled.c.keys()[:2] == ["books_number", "books_title"]
    assert labelled.count() == 3


def test_relating_what_is_unrelated(db):
    """``relate()`` between tables that no foreign key ties fails at once, and changes neither."""
    users, books = db.users, db.books
    with _refused(db, sa.exc.NoForeignKeysError, UNRELATED):
        users.relate("books", books)
    assert [sa.inspect(cls).relationships.keys() for cls in (users, books)] == [[], []]
    assert hasattr(users, "books") is False
    assert len(users.all()) == 3


def test_relating_to_what_is_no_class(soup):
    """``relate()`` to something that is not mapped fails at once."""
    users = soup.users
    message = "relationship 'books' expects a class or a mapper argument (received: <class 'int'>)"
    with _refused(soup, sa.exc.ArgumentError, message):
        users.relate("books", 5)
    assert sa.inspect(users).relationships.keys() == []


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda db: db.join(db.books, db.loans), "Join"),
        (lambda db: db.map(sa.select(db.books)), "Subquery"),
        (lambda db: db.map(db.books._table.alias()), "Alias"),
        (lambda db: db.with_labels(db.join(db.books, db.loans)), "Subquery"),
        (lambda db: db.map(sa.select(db.books).cte()), "CTE"),
    ],
    ids=["join", "select", "alias", "labels", "cte"],
)
def test_inserting_into_what_is_no_table(make, found, soup):
    """``insert()`` on a class that is not of a table is a SQLSoupError; no row is added."""
    mapped = make(soup)
    message = f"SQLSoup can only modify mapped Tables (found: {found})"
    with _refused(soup, sqlsoup.SQLSoupError, message):
        mapped.insert(title="x")
    assert list(soup.session.new) == []


@pytest.mark.parametrize("how", ["commit", "flush"])
def test_a_commit_that_fails_half_way(how, db):
    """Nothing of it is stored, and the session is good for more after ``rollback()``."""
    db.books.insert(title="new")
    db.users.get("Ada").email = "new"
    db.delete(db.seats.get(("B", 1)))
    db.tags.insert(word="food")
    with pytest.raises(sa.exc.IntegrityError) as raised:
        getattr(db, how)()
    assert type(raised.value) is sa.exc.IntegrityError
    assert str(raised.value.orig) == DUPLICATE[db.engine.dialect.name]
    db.rollback()
    assert db.session().in_transaction() is False
    assert db.engine.pool.checkedout() == 0
    assert [list(db.session.new), list(db.session.dirty), list(db.session.deleted)] == [[], [], []]
    with db.engine.connect() as connection:
        count = (
            "SELECT (SELECT count(*) FROM books), (SELECT count(*) FROM seats), email FROM users"
        )
        row = connection.execute(sa.text(f"{count} WHERE name = 'Ada'")).one()
    assert row == (3, 3, "ada@example.org")
    assert db.users.get("Ada").email == "ada@example.org"
    db.tags.insert(word="new")
    db.commit()
    assert sorted(tag.word for tag in db.tags.all()) == ["food", "hot", "new"]


def test_working_on_without_a_rollback(soup):
    """Until ``rollback()`` the session says what went wrong, and what to do."""
    soup.tags.insert(word="food")
    with pytest.raises(sa.exc.IntegrityError):
        soup.commit()
    with pytest.raises(sa.exc.PendingRollbackError) as raised:
        soup.tags.all()
    assert type(raised.value) is sa.exc.PendingRollbackError
    soup.rollback()
    assert [type(tag) for tag in soup.tags.all()] == [soup.tags] * 2


def test_a_commit_that_fails_on_the_second_of_two_databases(lite, tmp_path, make_engine):
    """When the flush fails on one engine, nothing is stored on the other either."""
    other = make_engine(f"sqlite:///{tmp_path}/other.db")
    with other.begin() as connection:
        connection.execute(sa.text("CREATE TABLE pets (name VARCHAR PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO pets VALUES ('Rex')"))
    here, there = sqlsoup.SQLSoup(lite), sqlsoup.SQLSoup(other)
    here.tags.insert(word="new")
    here.flush()
    there.pets.insert(name="Rex")
    with pytest.raises(sa.exc.IntegrityError) as raised:
        here.commit()
    assert str(raised.value.orig) == "UNIQUE constraint failed: pets.name"
    here.rollback()
    assert [here.tags.count(), there.pets.count()] == [2, 1]
    there.pets.insert(name="Tom")
    here.commit()
    assert there.pets.count() == 2


def test_a_constructor_that_fails(soup):
    """A row whose constructor fails is not left in the session."""

    class Base:
        @property
        def age(self):
            return 5

    pets = soup.map(soup.tags._table, base=Base)
    for make in (pets, pets.insert):
        with pytest.raises(AttributeError):
            make(word="new", age=6)
        assert list(soup.session.new) == []
    soup.commit()
    assert soup.tags.count() == 2


def test_a_session_of_another_library(lite):
    """A session that is none is an ArgumentError that names it; a closed session is one still."""
    with pytest.raises(sqlsoup.ArgumentError) as raised:
        sqlsoup.SQLSoup(lite, session="session")
    assert str(raised.value) == (
        "invalid session argument 'session'; pass a scoped_session or a Session"
    )
    session = Session()
    session.close()
    assert sqlsoup.SQLSoup(lite, session=session).users.count() == 3
    session.close()


def test_a_file_that_is_no_database(tmp_path, make_engine):
    """What the driver says of a broken database passes through."""
    path = tmp_path / "broken.db"
    path.write_bytes(b"this is no database" * 100)
    db = sqlsoup.SQLSoup(make_engine(f"sqlite:///{path}"))
    db.schema = "main"
    with pytest.raises(sa.exc.DatabaseError, match="file is not a database"):
        _ = db.users
    assert not db._metadata.tables


def test_a_join_that_fails_for_another_reason(soup):
    """Only the error of a shared column name waits for the first use of a join."""

    class Base:
        def __init_subclass__(cls):
            raise sa.exc.InvalidRequestError("not today")

    with pytest.raises(sa.exc.InvalidRequestError, match=r"^not today$"):
        soup.join(soup.books, soup.loans, base=Base)


def test_a_warning_in_code_without_a_module(soup):
    """Code that runs in a namespace of its own is warned as well."""
    with pytest.warns(sqlsoup.SQLSoupWarning, match="no column or relationship 'nope'"):
        exec("db.books.insert(title='x', nope=1)", {"db": soup})
    soup.rollback()


# what people try


@pytest.mark.parametrize(
    ("url", "error", "end"),
    [
        ("postgres://u@h/d", sa.exc.NoSuchModuleError, "; did you mean 'postgresql'?"),
        ("sqlit:///x.db", sa.exc.NoSuchModuleError, "; did you mean 'sqlite'?"),
        ("abacus://", sa.exc.NoSuchModuleError, "sqlalchemy.dialects:abacus"),
        (
            "library.db",
            sa.exc.ArgumentError,
            "; for a file of SQLite write 'sqlite:///library.db'",
        ),
    ],
)
def test_a_url_that_is_nearly_one(url, error, end):
    """The error is SQLAlchemy's, and says what was probably meant."""
    with pytest.raises(error) as raised:
        sqlsoup.SQLSoup(url)
    assert type(raised.value) is error
    assert str(raised.value).endswith(end)


@pytest.mark.parametrize("url", ["u:pw@host/d", "host?password=pw", ""])
def test_what_may_be_a_password_is_not_repeated(url):
    """Where the text may hold a password, nothing is made of it."""
    with pytest.raises(sa.exc.ArgumentError) as raised:
        sqlsoup.SQLSoup(url)
    assert "for a file" not in str(raised.value)


@pytest.mark.parametrize("look", [lambda cls: cls[0], list, lambda cls: next(iter(cls))])
def test_a_class_is_no_list(look, soup):
    """A class has no places and is no sequence: its rows are those of a query."""
    users = soup.users
    with pytest.raises(TypeError) as raised:
        look(users)
    assert str(raised.value) == (
        "MappedUsers is a class, its rows are those of a query: for row in db.t.all(), "
        "db.t.limit(1).first(), db.t.get(key), db.t.count()"
    )
    assert bool(users)


def test_a_database_without_tables(make_engine):
    """The first missing table of an empty database says so, as after a misspelt file name."""
    db = sqlsoup.SQLSoup(make_engine("sqlite://"))
    with pytest.raises(sqlsoup.NoSuchTableError) as raised:
        _ = db.users
    assert raised.value.args[0] == (
        "users: there is no table or view of this name; there are no tables in Engine(sqlite://): "
        "in memory each thread has a database of its own, threads share one in a file"
    )
