"""``insert_many()`` and ``upsert()``: many rows from dicts."""

import datetime
import tracemalloc
from collections import OrderedDict

import pandas
import polars
import pytest
import sqlalchemy as sa
from conftest import run
from sqlalchemy.exc import IntegrityError, OperationalError

import sqlsoup
from sqlsoup import ArgumentError, SQLSoupError, as_dicts, insert_many, upsert


def titles(db):
    """Return the titles and years of the books, in the order of their keys."""
    return [(book["title"], book["year"]) for book in as_dicts(db.books.order_by(db.books.id))]


HELD = [("Mustards", 1989), ("Regional", 1991), ("Soups", None)]


def refused(match, call, *args, error=ArgumentError):
    """Have a call refused with a whole message."""
    with pytest.raises(error) as caught:
        call(*args)
    assert type(caught.value) is error
    assert str(caught.value) == match


def test_insert(db, statements):
    """Rows of dicts are stored, with one statement where there are few, and counted."""
    _ = db.books
    statements.clear()
    assert (
        insert_many(db.books, [{"title": "Teas", "year": 2001}, {"title": "Oils", "year": None}])
        == 2
    )
    assert len(statements) == 1
    assert titles(db) == [*HELD, ("Teas", 2001), ("Oils", None)]


def test_it_is_part_of_the_transaction(db):
    """A rollback undoes it, a commit stores it."""
    insert_many(db.tags, [{"word": "sour"}])
    db.rollback()
    assert db.tags.count() == 2
    insert_many(db.tags, [{"word": "sour"}])
    db.commit()
    with db.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM tags")) == 3


def test_what_is_pending_comes_first(db):
    """What the rows refer to may be pending in the session."""
    db.books.insert(id=77, title="Teas")
    assert insert_many(db.loans, [{"book_id": 77, "user_name": "Bo"}]) == 1
    assert db.loans.get(77).user_name == "Bo"
    db.rollback()


def test_no_autoflush(soup):
    """Without ``autoflush`` nothing is flushed, as for a query."""
    soup.tags.insert(word="sour")
    with soup.session.no_autoflush:
        insert_many(soup.books, [{"title": "Teas"}])
        assert len(soup.session.new) == 1
    soup.rollback()


def test_defaults_of_the_database(db):
    """What no row gives takes its default; what is given as None is NULL."""
    assert insert_many(db.users, [{"name": "Dee"}]) == 1
    assert db.users.get("Dee").admin == 0
    insert_many(db.users, [{"name": "Eve", "admin": None}])
    assert db.users.get("Eve").admin is None
    db.rollback()


@pytest.mark.parametrize("write", [insert_many, upsert])
def test_no_rows(db, statements, write):
    """No rows are none, and nothing is sent."""
    _ = db.tags
    statements.clear()
    assert write(db.tags, []) == 0
    assert statements == []


def test_other_mappings(db):
    """Rows may be any mappings: of a result, of a subclass of dict, in any order of names."""
    rows = db.execute("SELECT 'Teas' AS title, 2001 AS year").mappings().all()
    assert insert_many(db.books, [*rows, OrderedDict(year=2002, title="Oils")]) == 2
    assert titles(db)[3:] == [("Teas", 2001), ("Oils", 2002)]
    db.rollback()


def test_rows_of_queries(db):
    """``as_dicts`` and ``iter_dicts`` make rows that can be written."""
    assert insert_many(db.books, ({**row, "id": row["id"] + 10} for row in as_dicts(db.books))) == 3
    assert titles(db) == HELD * 2
    assert upsert(db.books, sqlsoup.iter_dicts(db.books)) == 6
    assert titles(db) == HELD * 2
    db.rollback()


def test_generators_in_batches(soup, statements):
    """A generator is read in batches, and may give the same dict again with other values."""
    _ = soup.books

    def rows():
        row = {}
        for number in range(5000):
            row.update(title=f"Book {number}", year=number)
            yield row

    statements.clear()
    assert insert_many(soup.books, rows()) == 5000
    assert len(statements) == 3
    assert soup.session.query(sa.func.count(soup.books.year.distinct())).scalar() == 5000


def test_memory_stays_flat(soup):
    """Ten times as many rows of a generator take no more memory."""

    def peak(count):
        tracemalloc.reset_peak()
        insert_many(soup.visits, ({"day": n, "n": n} for n in range(count)))
        return tracemalloc.get_traced_memory()[1]

    soup.entity("visits", primary_key=["day"])
    tracemalloc.start()
    try:
        peak(4000)
        assert peak(40_000) < 1.5 * peak(4000)
    finally:
        tracemalloc.stop()
    soup.rollback()


def test_upsert(db, statements):
    """Rows that are there are updated in the columns that are given, others are inserted."""
    _ = db.users
    statements.clear()
    rows = [{"name": "Ada", "email": "a@example.com"}, {"name": "Dee", "email": None}]
    assert upsert(db.users, rows) == 2
    assert len(statements) == 1
    assert as_dicts(db.users.order_by(db.users.name))[::3] == [
        {"name": "Ada", "email": "a@example.com", "admin": 1},
        {"name": "Dee", "email": None, "admin": 0},
    ]
    db.rollback()


def test_the_last_row_counts(db):
    """Of two rows with the same key the last one counts, in one batch or in two."""
    rows = [{"name": name, "email": email} for email in "ab" for name in ("Ada", "Dee")]
    assert upsert(db.users, rows) == 4
    assert db.users.get("Ada").email == db.users.get("Dee").email == "b"
    many = [{"word": f"w{n % 2500}"} for n in range(4000)]
    assert upsert(db.tags, many) == 4000
    assert db.tags.count() == 2502
    db.rollback()


def test_upsert_of_keys_alone(db):
    """Rows of nothing but keys are inserted where they are not there."""
    assert upsert(db.tags, [{"word": "hot"}, {"word": "sour"}]) == 2
    assert [tag.word for tag in db.tags.order_by(db.tags.word)] == ["food", "hot", "sour"]
    db.rollback()


def test_a_key_of_several_columns(db):
    """The primary key may have several columns, and ``keys`` are names or columns in any order."""
    row = {"room": "A", "number": 2, "user_name": "Bo"}
    for keys in (None, ["number", "room"], (db.seats.room, db.seats.c.number)):
        assert upsert(db.seats, [row], keys) == 1
    assert (db.seats.count(), db.seats.get(("A", 2)).user_name) == (3, "Bo")
    db.rollback()


def test_objects_are_read_again(db):
    """Objects of the class in the session, and of others that show the table, are read again."""
    ada, book, other = db.users.get("Ada"), db.books.get(1), db.map(db.users._table).get("Ada")
    assert (ada.email, other.email) == ("ada@example.org", "ada@example.org")
    assert book.year == 1989
    upsert(db.users, [{"name": "Ada", "email": "new"}])
    assert sa.inspect(book).expired_attributes == set()
    assert (ada.email, other.email) == ("new", "new")
    db.rollback()


def test_pending_changes_are_kept(soup):
    """A change that is yet to be sent is not lost."""
    ada = soup.users.get("Ada")
    with soup.session.no_autoflush:
        ada.admin = 5
        upsert(soup.users, [{"name": "Ada", "email": "new"}])
    assert (ada.email, ada.admin) == ("new", 5)
    soup.flush()
    assert soup.users.filter_by(admin=5).one() is ada
    soup.rollback()


@pytest.fixture
def accounts(db):
    """A table with a second unique column, a generated one, and one named so that it is renamed."""
    serial = {"sqlite": "INTEGER", "postgresql": "SERIAL"}.get(
        db.engine.dialect.name, "INTEGER AUTO_INCREMENT"
    )
    name = db.engine.dialect.identifier_preparer.quote("__doc__")
    run(
        db.engine,
        f"CREATE TABLE accounts (id {serial} PRIMARY KEY, email VARCHAR(40) NOT NULL UNIQUE, "
        f"n INTEGER, {name} INTEGER, twice INTEGER GENERATED ALWAYS AS (n * 2) STORED)",
    )
    insert_many(db.accounts, [{"email": "a", "n": 1}, {"email": "b", "n": 2}])
    db.commit()
    return db.accounts


def test_other_unique_keys(db, accounts):
    """A unique column can be the key, by its name alone too; the primary key is generated."""
    assert upsert(accounts, [{"email": "b", "n": 7}, {"email": "c", "n": 8}], keys="email") == 2
    assert upsert(accounts, [{"email": "a"}], keys=accounts.email) == 1
    found = accounts.order_by(accounts.email).all()
    assert [(row.email, row.n, row.twice) for row in found] == [
        ("a", 1, 2),
        ("b", 7, 14),
        ("c", 8, 16),
    ]
    assert found[1].id == 2
    db.rollback()


def test_no_row_of_another_key(db, accounts):
    """A row that is the same as one with another key, in a unique column, is refused."""
    assert upsert(accounts, [{"id": 1, "email": "z", "n": 3}]) == 1
    assert accounts.get(1).email == "z"
    rows = [{"id": 1, "email": "b", "n": 3}]
    with pytest.raises((SQLSoupError, IntegrityError)):
        upsert(accounts, rows)
    db.rollback()
    rows = [{"id": 9, "email": "b", "n": 3}]
    if db.engine.dialect.name in {"mysql", "mariadb"}:
        message = (
            "a row of MappedAccounts is there with other keys, and the same email; "
            "nothing of these rows was stored"
        )
        refused(message, upsert, accounts, rows, error=SQLSoupError)
    else:
        with pytest.raises(IntegrityError):
            upsert(accounts, rows)
    db.rollback()
    assert [(row.id, row.n) for row in accounts.order_by(accounts.id)] == [(1, 1), (2, 2)]


def test_percent_signs(db):
    """Tables and columns may have percent signs in their names."""
    # SQLAlchemy took it for a parameter of a statement for SQLite until 2.0.55
    other = "c%" if sa.__version__ < "2.0.55" and db.engine.name == "sqlite" else "%(c)s"
    columns = (sa.Column(name, sa.Integer) for name in ("a%b", other))
    key = sa.Column("id%s", sa.Integer, primary_key=True)
    made = sa.Table("t%", sa.MetaData(), key, *columns, sa.UniqueConstraint("a%b"))
    made.create(db.engine)
    table = db["t%"]
    upsert(table, [{"id%s": 1, "a%b": 2, other: 3}, {"id%s": 2, "a%b": 3, other: 4}])
    upsert(table, [{"id%s": 1, "a%b": 5, other: 6}])
    upsert(table, [{"id%s": 2, "a%b": 3, other: 7}], keys="a%b")
    assert [[*row.values()] for row in as_dicts(table)] == [[1, 5, 6], [2, 3, 7]]
    db.rollback()


@pytest.mark.parametrize("name", ["__doc__", "column__doc__"])
def test_renamed_and_generated_columns(db, accounts, name):
    """Columns have the names of their attributes; values of generated ones are left out."""
    rows = [{**row, "id": row["id"] + 5, "email": f"{row['id']}"} for row in as_dicts(accounts)]
    for row in rows:
        row[name] = row.pop("column__doc__") or 3
    assert insert_many(accounts, rows) == 2
    assert (accounts.get(6).column__doc__, accounts.get(6).twice) == (3, 2)
    rows[0][name] = 4
    assert upsert(accounts, rows) == 2
    assert accounts.get(6).column__doc__ == 4
    db.rollback()


@pytest.mark.parametrize("name", ["__len__", "column__len__"])
def test_a_key_that_was_renamed(lite, name):
    """Keys are found by the name of the column, or of the attribute that it is."""
    run(lite, 'CREATE TABLE t (id INTEGER PRIMARY KEY, "__len__" INTEGER UNIQUE, size INTEGER)')
    table = sqlsoup.SQLSoup(lite).t
    for size in (2, 3):
        upsert(table, [{"__len__": 1, "size": size}], keys=name)
    assert [[*row.values()] for row in as_dicts(table)] == [[1, 1, 3]]


def test_attributes_named_otherwise(soup):
    """A column that the mapper gives another name has that name alone."""
    table = soup.users._table
    cls = soup.map(table, properties={"mail": table.c.email})
    assert upsert(cls, [{"name": "Ada", "mail": "x"}, {"name": "Dee", "mail": "y"}]) == 2
    assert [cls.get(name).mail for name in ("Ada", "Dee")] == ["x", "y"]
    refused(
        "rows[0] has 'email', which is no column of MappedUsers; did you mean 'mail'?",
        *(insert_many, cls, [{"name": "Eve", "email": "x"}]),
    )
    soup.rollback()


BAD_ROWS = {
    "no column": (
        [{"title": "Teas", "yaer": 1}],
        "rows[0] has 'yaer', which is no column of MappedBooks; did you mean 'year'?",
    ),
    "no text": ([{5: 1}], "rows[0] has 5, which is no column of MappedBooks"),
    "missing": (
        [{"title": "Teas", "year": 1}, {"title": "Oils"}],
        "rows[1] has other names than rows[0]: 'year' missing",
    ),
    "more": (
        [{"title": "Teas"}, {"title": "Oils", "year": 1}],
        "rows[1] has other names than rows[0]: 'year' more",
    ),
    "other": (
        [{"title": "Teas", "year": 1}, {"title": "Oils", "id": 1}],
        "rows[1] has other names than rows[0]: 'year' missing and 'id' more",
    ),
    "no title": ([{"year": 1}], "rows[0] has no value for 'title', which must not be NULL"),
    "None": (
        [{"title": "Teas"}, {"title": None}],
        "rows[1] has no value for 'title', which must not be NULL",
    ),
    "None as key": (
        [{"title": "Teas", "id": None}],
        "rows[0] has no value for 'id', which must not be NULL",
    ),
    "nothing": ([{}], "rows[0] has no value to store; name a column at least"),
    "a list": ([["Teas", 1]], "rows[0] is a list and no dict; give each row as {name: value, ...}"),
    "text": ("Teas", "rows[0] is a str and no dict; give each row as {name: value, ...}"),
    "one dict": (
        {"title": "Teas"},
        "insert_many() wants a list of dicts, or another iterable of them, not one dict",
    ),
    "a number": (
        5,
        "insert_many() wants a list of dicts, or another iterable of them, not one int",
    ),
}


@pytest.mark.parametrize("kind", BAD_ROWS)
def test_bad_rows(soup, statements, kind):
    """What cannot be stored is refused before it is sent, with the row that is wrong."""
    rows, message = BAD_ROWS[kind]
    _ = soup.books
    statements.clear()
    refused(message, insert_many, soup.books, rows)
    assert statements == []


def test_rows_that_are_no_dicts(soup):
    """Rows of a class or of a statement are to be made dicts."""
    refused(
        "rows[0] is a MappedUsers and no dict; make it one with sqlsoup.as_dict()",
        *(insert_many, soup.users, soup.users.filter_by(name="Ada")),
    )
    refused(
        "rows[0] is a Row and no dict; make it one with sqlsoup.as_dict()",
        *(insert_many, soup.users, soup.execute("SELECT 1")),
    )


def test_a_later_batch(soup):
    """A row is counted from the first batch on, and a rollback undoes those before."""
    rows = ({"word": f"w{n}" if n < 3000 else None} for n in range(5000))
    refused(
        "rows[3000] has no value for 'word', which must not be NULL",
        *(insert_many, soup.tags, rows),
    )
    soup.rollback()
    assert soup.tags.count() == 2
    rows = ({"word": "a"} if n < 2000 else {"name": "b"} for n in range(2001))
    refused(
        "rows[2000] has other names than rows[0]: 'word' missing and 'name' more",
        *(upsert, soup.tags, rows),
    )
    soup.rollback()


BAD_KEYS = {
    "title": (
        "keys: nothing in the database keeps two rows of MappedBooks from having the same title; "
        "unique are: id"
    ),
    "titel": "keys: MappedBooks has no column 'titel'; did you mean 'title'?",
    (): (
        "keys: nothing in the database keeps two rows of MappedBooks from having the same key; "
        "unique are: id"
    ),
}


@pytest.mark.parametrize("keys", BAD_KEYS)
def test_bad_keys(soup, statements, keys):
    """Keys have to be unique in the database, and nothing is sent otherwise."""
    _ = soup.books
    statements.clear()
    refused(BAD_KEYS[keys], upsert, soup.books, [{"id": 1, "title": "Teas"}], keys)
    assert statements == []


def test_keys_without_values(soup, accounts_lite):
    """Each row has values for the keys, NULL being none."""
    refused(
        "rows[0] has no value for 'id', which must not be NULL",
        *(upsert, soup.books, [{"title": "Teas"}]),
    )
    refused(
        "rows[1] has no value for 'code', which must not be NULL",
        *(upsert, soup.codes, [{"code": 1, "n": 1}, {"code": None, "n": 2}], "code"),
    )


@pytest.fixture
def accounts_lite(lite):
    """A table with a unique column that may be NULL, and one without a key."""
    run(lite, "CREATE TABLE codes (id INTEGER PRIMARY KEY, code INTEGER UNIQUE, n INTEGER)")


def test_a_named_key_is_not_unique(db):
    """A key that was named for a table without one is not unique in the database."""
    visits = db.entity("visits", primary_key=["day"])
    assert insert_many(visits, [{"day": 3, "n": 1}]) == 1
    refused(
        "keys: nothing in the database keeps two rows of MappedVisits from having the same day; "
        "unique are: none",
        *(upsert, visits, [{"day": 3, "n": 1}]),
    )
    db.rollback()


def test_no_class_of_a_table(soup):
    """The class is one that is mapped to a table."""
    joined, heir = (
        soup.join(soup.users, soup.loans, isouter=True),
        type(soup.users)("Heir", (soup.users,), {}),
    )
    for write in (insert_many, upsert):
        for cls, found in ((joined, "Join"), (heir, "Heir")):
            message = f"SQLSoup can only modify mapped Tables (found: {found})"
            refused(message, write, cls, [], error=SQLSoupError)
        refused(f"{write.__name__}() wants a class, as db.users is, not 5", write, 5, [])


def test_another_database(soup, monkeypatch):
    """A database for which SQLAlchemy has no such statement is named."""
    monkeypatch.setattr(soup.engine.dialect, "name", "oracle")
    refused(
        "upsert() works on SQLite, PostgreSQL, MySQL and MariaDB, not on 'oracle'",
        *(upsert, soup.tags, [{"word": "hot"}]),
    )


def test_errors_of_the_database(db):
    """What the database refuses is its own error."""
    with pytest.raises(IntegrityError):
        insert_many(db.tags, [{"word": "hot"}])
    db.rollback()
    bad = [{"book_id": 99, "user_name": "nobody"}]
    if db.engine.dialect.name != "sqlite":  # which does not look at foreign keys
        with pytest.raises(IntegrityError):
            upsert(db.loans, bad)
    db.rollback()


def test_a_table_that_is_gone(soup, accounts_lite):
    """An error of the database that comes from nothing in the rows is not taken for one of keys."""
    _ = soup.codes
    run(soup.engine, "DROP TABLE codes")
    with pytest.raises(OperationalError, match="no such table: codes"):
        upsert(soup.codes, [{"id": 1, "code": 1}])
    soup.rollback()


def test_keys_that_have_no_hash(db):
    """Keys of arrays are written as any others."""
    if db.engine.dialect.name != "postgresql":
        pytest.skip("arrays are PostgreSQL's")
    run(db.engine, "CREATE TABLE paths (steps INTEGER[] PRIMARY KEY, n INTEGER)")
    assert upsert(db.paths, [{"steps": [1, 2], "n": 1}, {"steps": [3], "n": 2}]) == 2
    assert upsert(db.paths, [{"steps": [3], "n": 5}]) == 1
    assert as_dicts(db.paths.order_by(db.paths.n)) == [
        {"steps": (1, 2), "n": 1},
        {"steps": (3,), "n": 5},
    ]
    db.rollback()


def test_null_of_json(db):
    """None is a value of a JSON column, also where that may not be NULL."""
    if db.engine.dialect.name != "postgresql":
        pytest.skip("elsewhere JSON is text")
    run(db.engine, "CREATE TABLE notes (id INTEGER PRIMARY KEY, body JSON NOT NULL)")
    assert insert_many(db.notes, [{"id": 1, "body": None}, {"id": 2, "body": {"a": [1]}}]) == 2
    assert [row.body for row in db.notes.order_by(db.notes.id)] == [None, {"a": [1]}]
    db.rollback()


def test_views(soup, lite):
    """A view is written to by its INSTEAD OF triggers."""
    run(
        lite,
        "CREATE VIEW words AS SELECT word FROM tags",
        "CREATE TRIGGER w INSTEAD OF INSERT ON words BEGIN INSERT INTO tags VALUES (NEW.word); END",
    )
    words = soup.entity("words", primary_key=["word"])
    assert insert_many(words, [{"word": "sour"}, {"word": "sweet"}]) == 2
    assert soup.tags.count() == 4
    soup.rollback()


def test_data_frames(db):
    """Frames of pandas and polars give their rows as dicts."""
    day = datetime.date(2026, 2, 20)
    data = {"book_id": [1, 2], "user_name": ["Bo", None], "day": [day, day]}
    frame = pandas.DataFrame(data).astype(object)
    assert upsert(db.loans, frame.where(frame.notna(), None).to_dict("records")) == 2
    assert upsert(db.loans, polars.DataFrame(data).iter_rows(named=True)) == 2
    assert [row.day for row in db.loans.order_by(db.loans.book_id)] == [day, day, None]
    assert db.loans.get(2).user_name is None
    db.rollback()


@pytest.mark.parametrize(
    ("frame", "way"),
    [(pandas.DataFrame, "to_dict('records')"), (polars.DataFrame, "iter_rows(named=True)")],
)
def test_a_frame_as_it_is(soup, frame, way):
    """A frame is iterated by its columns, so that it is told how it gives its rows."""
    refused(
        "insert_many() wants a list of dicts, or another iterable of them, not one DataFrame; its "
        f"{way} gives them",
        insert_many,
        soup.tags,
        frame({"word": ["sour"]}),
    )


def test_sessions_with_binds_of_their_own(lite, make_engine, tmp_path):
    """The rows go where the session sends those of a flush."""
    other = make_engine(f"sqlite:///{tmp_path}/other.db")
    run(other, "CREATE TABLE tags (word VARCHAR(20) PRIMARY KEY)")
    with sa.orm.Session(other) as session:
        db = sqlsoup.SQLSoup(lite, session=session)
        assert upsert(db.tags, [{"word": "sour"}, {"word": "sweet"}]) == 2
        session.commit()
    for engine, count in ((lite, 2), (other, 2)):
        with engine.connect() as connection:
            found = [*connection.scalars(sa.text("SELECT word FROM tags ORDER BY word"))]
        assert len(found) == count
    assert found == ["sour", "sweet"]
