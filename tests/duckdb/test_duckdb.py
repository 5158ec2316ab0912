"""DuckDB, by the dialect of the package ``duckdb-sqlalchemy``."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import pytest
import sqlalchemy as sa
from conftest import run
from sqlalchemy.orm.attributes import flag_modified

import sqlsoup
from sqlsoup import SQLSoup


@pytest.fixture
def engine(tmp_path, make_engine):
    """An engine on a small library in a file."""
    engine = make_engine(f"duckdb:///{tmp_path}/library.duckdb")
    run(
        engine,
        "CREATE SEQUENCE numbers",
        "CREATE SEQUENCE down INCREMENT -1 START -1 MINVALUE -100 MAXVALUE -1",
        "CREATE TABLE users (name VARCHAR PRIMARY KEY, email VARCHAR UNIQUE)",
        "CREATE TABLE books (id INTEGER PRIMARY KEY DEFAULT nextval('numbers'),"
        " title VARCHAR NOT NULL, year INTEGER DEFAULT 1990,"
        " owner VARCHAR REFERENCES users (name))",
        "CREATE TABLE debts (id INTEGER PRIMARY KEY DEFAULT nextval('down'), n INTEGER)",
        "CREATE TABLE seats (room VARCHAR, number INTEGER, PRIMARY KEY (room, number))",
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, room VARCHAR, number INTEGER,"
        " FOREIGN KEY (room, number) REFERENCES seats (room, number))",
        "CREATE VIEW titles AS SELECT title, year FROM books",
        "CREATE TABLE days (day INTEGER, n INTEGER)",
        "CREATE SCHEMA annex",
        "CREATE TABLE annex.parts (id INTEGER PRIMARY KEY, n VARCHAR)",
        "INSERT INTO users VALUES ('Ada', 'ada@example.org'), ('Bo', NULL)",
    )
    yield engine
    sqlsoup.Session.remove()


@pytest.fixture
def db(engine):
    """A SQLSoup on that library."""
    return SQLSoup(engine)


def test_tables_and_views(db):
    """They are listed and read, in other schemas as well; a key is named where there is none."""
    assert list(db) == ["books", "days", "debts", "seats", "titles", "users", "visits"]
    assert [row.name for row in db.users.order_by(db.users.name)] == ["Ada", "Bo"]
    assert "nonsense" not in db
    with pytest.raises(sqlsoup.NoSuchTableError, match="did you mean 'users'"):
        _ = db.user
    assert db.entity("titles", primary_key=["title"]).all() == []
    assert db["annex.parts"] is db.entity("parts", "annex")
    with pytest.raises(sqlsoup.SQLSoupError, match="does not have a primary key defined"):
        _ = db.entity("days")


def test_first_access(db, engine, statements):
    """The first access sends what reflecting that one table takes."""
    with engine.connect() as connection:
        sa.Table("users", sa.MetaData(), autoload_with=connection, resolve_fks=False)
    alone = len(statements)
    statements.clear()
    assert db.users._table.primary_key.columns.keys() == ["name"]
    assert len(statements) == alone


def test_keys(db, engine, statements):
    """Keys that a sequence makes are those of their rows, one INSERT each; others are given."""
    _ = db.books
    statements.clear()
    rows = [db.books.insert(title=f"book {n}") for n in range(5)]
    db.commit()
    assert sum(statement.startswith("INSERT") for statement in statements) == 5
    assert [(row.id, row.title, row.year) for row in rows] == [
        (n + 1, f"book {n}", 1990) for n in range(5)
    ]
    assert db.books.get(3) is rows[2]
    rows = [db.debts.insert(n=n) for n in range(5)]
    db.commit()
    assert [(row.id, row.n) for row in rows] == [(-n - 1, n) for n in range(5)]
    db.seats.insert(room="A", number=1)
    db.commit()
    assert db.seats.get(("A", 1)).room == "A"


def test_changing_and_deleting(db):
    """Rows are changed and deleted, one by one and many at once."""
    for n in range(3):
        db.books.insert(title=f"book {n}", year=2000 + n)
    db.commit()
    row = db.books.filter_by(year=2001).one()
    row.title = "changed"
    db.session.delete(db.books.filter_by(year=2000).one())
    db.commit()
    assert row.title == "changed"
    assert db.books.filter(db.books.year > 2001).update({"year": 1}) == 1
    assert db.books.delete(db.books.year == 1) == 1
    assert sqlsoup.as_dicts(db.books) == [
        {"id": 2, "title": "changed", "year": 2001, "owner": None}
    ]
    with pytest.raises(sa.exc.IntegrityError), db:
        db.users.insert(name="Ada")
    assert db.execute("SELECT count(*) FROM users").scalar() == 2


def test_relationships(db, engine):
    """They follow from foreign keys, composite ones as well, from either side."""
    db.books.relate("person", db.users)
    db.books.insert(title="Soups", owner="Ada")
    db.seats.insert(room="A", number=1)
    db.commit()
    db.visits.insert(id=1, room="A", number=1)
    db.commit()
    assert db.books.first().person.name == "Ada"
    assert [(row.name, row.title) for row in db.join(db.users, db.books).all()] == [
        ("Ada", "Soups")
    ]
    tied = SQLSoup(engine, relationships=True)
    assert [book.title for book in tied.users.get("Ada").books] == ["Soups"]
    assert tied.visits.first().seats.room == "A"
    assert "books (owner)" in tied.users.__doc__


def test_generated_columns(db, engine):
    """A generated column is read back."""
    run(engine, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, d INTEGER AS (n + 1))")
    row = db.t.insert(id=1, n=2)
    db.commit()
    assert row.d == 3
    row.n = 4
    db.commit()
    assert row.d == 5


TYPES = {
    "TINYINT": [-128, 127],
    "UTINYINT": [0, 255],
    "SMALLINT": [-(2**15), 2**15 - 1],
    "INTEGER": [-(2**31), 2**31 - 1],
    "BIGINT": [-(2**63), 2**63 - 1],
    "UBIGINT": [0, 2**64 - 1],
    "HUGEINT": [-(2**127) + 1, 2**127 - 1],
    "DECIMAL(38, 10)": [Decimal("-0.0000000001"), Decimal(f"{'9' * 28}.{'9' * 10}")],
    "DOUBLE": [0.1, -1.7976931348623157e308, 5e-324],
    "FLOAT": [0.5, -3.4028234663852886e38],
    "BOOLEAN": [True, False],
    "VARCHAR": ["", "it's é 🍲"],
    "BLOB": [b"", b"\0\xff"],
    "DATE": [dt.date(1, 1, 1), dt.date(9999, 12, 31)],
    "TIME": [dt.time(), dt.time(23, 59, 59, 999999)],
    "TIMESTAMP": [dt.datetime(1, 1, 1), dt.datetime.max],
    "TIMESTAMP WITH TIME ZONE": [dt.datetime(2020, 2, 29, 12, tzinfo=dt.UTC)],
    "INTERVAL": [dt.timedelta(), dt.timedelta(days=400, microseconds=1)],
    "UUID": [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)],
    "JSON": [{"a": [1, None]}],
    "INTEGER[]": [[], [1, None, 3]],
    "INTEGER[2]": [[1, 2]],
    "STRUCT(a INTEGER, b VARCHAR)": [{"a": 1, "b": "x"}],
    "MAP(VARCHAR, INTEGER)": [{"k": 1}],
    "UNION(a INTEGER, b VARCHAR)": [3, "x"],
    "ENUM('a', 'b''c')": ["a", "b'c"],
}


@pytest.mark.parametrize("ddl", TYPES)
def test_values_of_a_type(db, engine, ddl):
    """A value is the same when it is stored, read, and written back; NULL is None."""
    run(engine, f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {ddl})")
    values = [*TYPES[ddl], None]
    for place, value in enumerate(values):
        db.t.insert(id=place, v=value)
    db.commit()
    db.session.expunge_all()
    for _ in range(2):
        rows = db.t.order_by(db.t.id).all()
        assert [row.v for row in rows] == values
        assert all(isinstance(row.v, type(value)) for row, value in zip(rows, values, strict=True))
        for row in rows:
            flag_modified(row, "v")
        db.commit()
        db.session.expunge_all()


# what does not work


def test_rows_of_a_view_cannot_be_stored(db):
    """DuckDB refuses to write to views."""
    view = db.entity("titles", primary_key=["title"])
    view.insert(title="x")
    with pytest.raises(sa.exc.DBAPIError, match="titles is not an table"):
        db.commit()
    db.rollback()


def test_a_parent_is_deleted_in_a_later_transaction(db):
    """DuckDB sees a row that refers to another until it is gone for good."""
    db.books.insert(title="x", owner="Bo")
    db.commit()
    db.session.delete(db.books.one())
    db.flush()
    db.session.delete(db.users.get("Bo"))
    with pytest.raises(sa.exc.IntegrityError, match="is still referenced by a foreign key"):
        db.commit()
    db.rollback()
    db.session.delete(db.books.one())
    db.commit()
    db.session.delete(db.users.get("Bo"))
    db.commit()
    assert [row.name for row in db.users.all()] == ["Ada"]


def test_there_are_no_savepoints(db):
    """DuckDB has no SAVEPOINT, which is what ``begin_nested()`` sends."""
    db.users.insert(name="Cy")
    db.flush()
    with pytest.raises(sa.exc.ProgrammingError, match="SAVEPOINT"), db.session.begin_nested():
        db.users.insert(name="Di")
    db.rollback()


def test_rows_that_refer_to_each_other_need_a_flush_between(db, engine):
    """DuckDB checks a foreign key at each statement, and one INSERT stores many rows."""
    run(
        engine,
        "CREATE TABLE shelves (id INTEGER PRIMARY KEY, up INTEGER REFERENCES shelves (id))",
    )
    db.shelves.insert(id=1)
    db.shelves.insert(id=2, up=1)
    with pytest.raises(sa.exc.IntegrityError, match="does not exist in the referenced table"):
        db.commit()
    db.rollback()
    db.shelves.insert(id=1)
    db.flush()
    db.shelves.insert(id=2, up=1)
    db.commit()
    assert db.shelves.get(2).up == 1
