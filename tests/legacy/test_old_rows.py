"""Rows and results as they were: names, lists, and connections that go back by themselves."""

from __future__ import annotations

import copy
import gc
import json
import pickle
from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace

import pandas as pd
import pytest
import sqlalchemy as sa
from conftest import noted_in
from sqlalchemy.engine import Result, Row, result_tuple
from sqlalchemy.exc import InvalidRequestError, NoSuchColumnError, ResourceClosedError
from sqlalchemy.orm import Session, aliased

import sqlsoup
from sqlsoup import legacy
from sqlsoup.legacy import _notes

TAGS = "SELECT word FROM tags ORDER BY word"
BOOKS = "SELECT id, title, year FROM books ORDER BY id"
ODD = ("keys", "values", "items", "iterkeys", "itervalues", "has_key", "count", "index")


pytestmark = pytest.mark.usefixtures("old_forms")


@pytest.fixture
def books(lite):
    """The table of books."""
    return sa.Table("books", sa.MetaData(), autoload_with=lite)


def forms():
    """Return the forms that were noted in this file, the execution of strings aside."""
    return noted_in(__file__) - {"engine-execute", "statement-string"}


def asks(result):
    """Tell if the names of a result are a list, by a variable."""
    keys = result.keys()
    return isinstance(keys, list)


@pytest.mark.parametrize("kind", ["string", "text", "construct"])
def test_names(kind, engine):
    """A row has its values by name, by column and by place."""
    books = sa.table("books", sa.column("id"), sa.column("title"), sa.column("year"))
    statement = {"string": BOOKS, "text": sa.text(BOOKS), "construct": books.select()}[kind]
    row = engine.execute(statement).fetchone()
    assert (row["title"], row[books.c.title], row.title, row[1], row[-2]) == ("Mustards",) * 5
    assert row[1:] == ("Mustards", 1989)
    assert row[sa.column("title")] == row[sa.literal_column("title")] == "Mustards"
    assert row[books.alias("b").c.title] == "Mustards"
    assert ("title" in row, books.c.title in row, "Mustards" in row, 1 in row) == (
        True, True, False, False,
    )  # fmt: skip
    assert (row.has_key("title"), row.has_key(books.c.year), row.has_key("x")) == (
        True, True, False,
    )  # fmt: skip
    assert row.keys() == ["id", "title", "year"]
    assert row.values() == [1, "Mustards", 1989]
    assert row.items() == [("id", 1), ("title", "Mustards"), ("year", 1989)]
    assert list(row.iterkeys()) == row.keys()
    assert list(row.itervalues()) == row.values()
    assert dict(row) == {"id": 1, "title": "Mustards", "year": 1989}
    assert forms() == {"row-name", "row-in", "row-keys", "row-values", "row-items"}


def test_column_of_another_table(lite, books):
    """A column of another table has a value only where the row knows no columns."""
    other = sa.table("other", sa.column("title"), sa.column("x"))
    assert lite.execute(BOOKS).fetchone()[other.c.title] == "Mustards"
    row = lite.execute(books.select()).fetchone()
    for key in (other.c.title, other.c.x, sa.column("x"), sa.func.max(books.c.id)):
        with pytest.raises(NoSuchColumnError, match=r"^Could not locate column in row for column"):
            row[key]
        assert key not in row
    label = sa.func.max(books.c.id).label("last")
    assert lite.execute(sa.select(label)).fetchone()[label] == 3


@pytest.mark.parametrize("make", [sa.column, sa.literal_column, sa.text])
def test_column_by_its_name(make, lite, books):
    """A column of a table has the value of one that a statement has by its name alone."""
    other = sa.table("other", sa.column("name"))
    with lite.connect() as connection:
        row = connection.execute(sa.select([make("title")]).select_from(books)).first()
    assert row[books.c.title] == "Mustards"
    assert other.c.name not in row


def test_column_by_its_label(lite, books):
    """It has that of one which is called by the table and the column, in text as well."""
    labeled = sa.select([books.c.title.label("books_title")])
    texts = ("SELECT title AS books_title FROM books", labeled)
    for statement in texts:
        row = lite.execute(statement).first()
        assert books.c.title in row
        assert row[books.c.title] == "Mustards"
    assert books.c.id not in row


def test_missing_names(lite):
    """A name that a row does not have is a KeyError, or an AttributeError."""
    row = lite.execute(BOOKS).fetchone()
    for key in ("x", "TITLE", "books.title", None, 1.5, b"title"):
        with pytest.raises(KeyError) as caught:
            row[key]
        assert type(caught.value) is NoSuchColumnError
        assert key not in row
    with pytest.raises(AttributeError, match=r"^Could not locate column in row for column 'x'$"):
        row.x  # noqa: B018
    with pytest.raises(IndexError):
        row[3]
    assert getattr(row, "x", 5) == 5
    assert not hasattr(row, "x")


def test_rows_in_other_things(lite):
    """A row goes where a mapping or a tuple goes."""
    row = lite.execute(BOOKS).fetchone()
    assert dict(row, more=1) == {"id": 1, "title": "Mustards", "year": 1989, "more": 1}
    assert {**row} == dict(**row) == dict(row.items()) == dict(zip(row.keys(), row, strict=True))
    kept = {}
    kept.update(row)
    assert kept == dict(row)
    assert "%(title)s" % dict(row) == "{title}".format(**row) == f"{row['title']}"  # noqa: UP031
    assert "{title}".format_map(row) == "Mustards"
    assert list(map(dict, lite.execute(TAGS).fetchall())) == [{"word": "food"}, {"word": "hot"}]
    assert json.dumps(dict(row)) == '{"id": 1, "title": "Mustards", "year": 1989}'
    assert pickle.loads(pickle.dumps(row))["title"] == copy.copy(row)["title"] == "Mustards"
    number, title, _ = row
    assert "%s %s" % (number, title) == "1 Mustards"  # noqa: UP031
    assert row + (5,) == (1, "Mustards", 1989, 5)  # noqa: RUF005


def test_comparisons(lite):
    """A row is compared, sorted and found as a tuple."""
    rows = lite.execute("SELECT title, id FROM books ORDER BY id DESC").fetchall()
    assert rows == [("Soups", 3), ("Regional", 2), ("Mustards", 1)]
    assert ("Soups", 3) == rows[0] != ("Soups", 4)
    assert ("Soups", 3) in rows
    assert rows[0] > ("Regional", 9)
    assert rows[1] <= ("Regional", 2) < rows[0]
    assert rows[0] == lite.execute("SELECT title, id FROM books WHERE id = 3").fetchone()
    assert [row["id"] for row in sorted(rows)] == [1, 2, 3]
    assert max(rows)["title"] == "Soups"
    assert sorted(rows, key=lambda row: row["id"]) == rows[::-1]
    assert dict(rows) == {"Soups": 3, "Regional": 2, "Mustards": 1}
    assert forms() == {"row-name"}


def test_names_twice(lite, books):
    """A name that two columns of tables have cannot be asked for; the columns themselves can."""
    row = lite.execute("SELECT id, title, id FROM books").fetchone()
    assert row.keys() == ["id", "title", "id"]
    assert row.values() == [1, "Mustards", 1]
    other = books.alias("other")
    two = sa.select([books.c.id, other.c.id], other.c.id == books.c.id + 1, order_by=[books.c.id])
    both = lite.execute(two).fetchone()
    assert both.keys() == ["id", "id"]
    assert (both[books.c.id], both[other.c.id]) == (1, 2)
    assert (row["id"], dict(row)) == (1, {"id": 1, "title": "Mustards"})
    with pytest.raises(InvalidRequestError, match=r"^Ambiguous column name 'id'"):
        both["id"]
    with pytest.raises(InvalidRequestError, match=r"^Ambiguous column name 'id'"):
        both.id  # noqa: B018
    assert lite.execute(sa.select([books.c.id, books, books.c.id])).keys() == [
        "id",
        "title",
        "year",
    ]
    two = sa.select([books, other], books.c.id == other.c.id, use_labels=True)
    labelled = lite.execute(two).fetchone()
    assert (labelled["books_id"], labelled["other_id"]) == (1, 1)


def test_columns_called_as_methods(lite):
    """A column called keys or items does not stand in the way of the method when that is called."""
    with lite.begin() as connection:
        names = ", ".join(f'"{name}" INTEGER' for name in ODD)
        connection.exec_driver_sql(f"CREATE TABLE odd ({names})")
        connection.exec_driver_sql(f"INSERT INTO odd VALUES ({', '.join(map(str, range(8)))})")
    row = lite.execute("SELECT * FROM odd").fetchone()
    called = row.keys(), row.values(), list(row.iterkeys()), list(row.itervalues())
    assert called == (list(ODD), list(range(8)), list(ODD), list(range(8)))
    items, has_key = row.items(), row.has_key("count")
    assert (items, has_key) == (list(zip(ODD, range(8), strict=True)), True)
    assert dict(row) == dict(items)
    assert [row[name] for name in ODD] == list(range(8))
    used = len(legacy.report().notes)
    assert [row.keys, row.values, row.items] == [0, 1, 2]
    assert [row.iterkeys, row.itervalues, row.has_key] == [3, 4, 5]
    assert [row.count, row.index] == [6, 7]
    assert len(legacy.report().notes) == used


def test_rows_of_a_query(soup):
    """The rows of a query are named tuples: ``in`` is by value."""
    row = soup.session.query(soup.books.id, soup.books.title).first()
    assert row.keys() == ["id", "title"]
    assert forms() == {"row-keys"}
    assert ("Mustards" in row, 1 in row, "title" in row) == (True, True, False)
    assert (row == (1, "Mustards"), row < (2,), row[1:], row.title) == (
        True, True, ("Mustards",), "Mustards",
    )  # fmt: skip
    assert forms() == {"row-keys"}
    assert row + (5,) == (1, "Mustards", 5)  # noqa: RUF005
    assert forms() == {"row-keys", "row-values"}


def test_rows_of_a_session(soup):
    """The rows of statements are known by name, whatever executed them, classes or not."""
    session = Session(soup.engine)
    other = aliased(soup.books)
    for statement in (
        sa.text(BOOKS),
        sa.select([soup.books]),
        sa.select([soup.books.id, soup.books.title, soup.books.year]),
        sa.select([other.id, other.title, other.year]),
        sa.select([sa.column("id"), sa.column("title"), sa.column("year")], from_obj=[soup.books]),
        sa.select([soup.books._table]).where(soup.books.id > 0),
    ):
        for on in (session, soup, soup.engine):
            row = on.execute(statement).fetchone()
            assert ("title" in row, "Mustards" in row, row["title"]) == (True, False, "Mustards")
            assert dict(row) == {"id": 1, "title": "Mustards", "year": 1989}
    session.close()


def test_new_use_of_rows(soup):
    """Attributes, mappings, unpacking and the like are nothing old."""
    row = soup.execute(BOOKS).first()
    number, title, _ = row
    assert (row.title, row[1], row[:1], row._mapping["title"]) == (title, title, (number,), title)
    assert row._asdict() == dict(row._mapping)
    assert row._fields == ("id", "title", "year")
    assert isinstance(row, sa.Row)
    assert isinstance(row, tuple) == issubclass(sa.Row, tuple)
    assert len({row, row}) == 1
    assert (len(row), list(row), tuple(row)) == (3, [1, title, 1989], (1, title, 1989))
    assert (row.count(1), row.index(title)) == (1, 1)
    assert soup.execute(BOOKS).mappings().first()["title"] == title
    result = soup.execute(BOOKS)
    assert list(result.keys()) == ["id", "title", "year"]
    assert "id" in result.keys()  # noqa: SIM118
    assert result.keys() & {"id", "x"} == {"id"}
    assert result.keys() - {"id"} == result.keys() ^ {"id"} == {"title", "year"}
    assert {"id", "x"} - result.keys() == {"x"}
    assert result.keys() | {"x"} == {"x"} | result.keys() == {"id", "title", "year", "x"}
    assert {"id"} & result.keys() == {"id"}
    assert {"id"} ^ result.keys() == {"title", "year"}
    assert result.keys() == {"id", "title", "year"}
    assert result.keys() != {"id"}
    assert result.keys() >= {"id"} < result.keys()
    assert result.keys().isdisjoint({"x"})
    assert next(result).title == title
    assert not legacy.report()


def test_own_use_of_rows(soup):
    """What SQLAlchemy and SQLSoup do with rows is not noted."""
    soup.books.insert(title="New")
    soup.loans.relate("book", soup.books)
    assert soup.loans.first().book.title == "Mustards"
    soup.commit()
    assert soup.with_labels(soup.join(soup.books, soup.loans, isouter=True)).count() == 4
    assert soup.books.filter_by(title="New").update({"year": 2000}) == 1
    soup.rollback()
    assert not legacy.report()


def test_pandas(lite):
    """Frames are read by pandas with a statement of the time, and made of rows."""
    with lite.connect() as connection:
        frame = pd.read_sql(sa.select([sa.column("title")], from_obj=["books"]), connection)
        assert list(frame["title"]) == ["Mustards", "Regional", "Soups"]
        frame = pd.read_sql("SELECT year FROM books ORDER BY id", lite)
        assert frame["year"].sum() == 3980
        result = connection.execute("SELECT id, title FROM books")
        frame = pd.DataFrame(result.fetchall(), columns=result.keys())
        pd.read_sql_table("tags", connection)
    assert list(frame.columns) == ["id", "title"]
    frame = pd.DataFrame([dict(row) for row in lite.execute(BOOKS)])
    assert list(frame["id"]) == [1, 2, 3]
    assert {note.file for note in legacy.report().notes if "pandas" in note.file} == set()


def test_what_pandas_asks(lite):
    """A row has no methods of a mapping to pandas, and a connection is to it what it is on 2.x."""
    pandas = {"__name__": "pandas.of_a_test", "row": lite.execute(BOOKS).first()}
    assert hasattr(pandas["row"], "keys")
    assert not eval("hasattr(row, 'keys')", pandas)
    assert callable(sa.Row.__dict__["keys"].values)
    assert sa.Row.keys is sa.Row.__dict__["keys"]
    with lite.connect() as connection:
        assert connection.scalar("SELECT 1") == 1
        assert not connection.in_transaction()
        assert eval("connection.in_transaction()", {**pandas, "connection": connection})


def test_keys_of_a_result(lite):
    """``keys()`` is a list, and is noted where it is used as one."""
    with lite.connect() as connection:
        keys = connection.execute(sa.text(BOOKS)).keys()
    assert ",".join(keys) == "id,title,year"
    assert ([*keys], len(keys), "id" in keys) == (["id", "title", "year"], 3, True)
    assert dict(zip(keys, range(3), strict=True)) == {"id": 0, "title": 1, "year": 2}
    assert keys == ["id", "title", "year"] != ["id"]
    assert keys == ("id", "title", "year")
    assert keys != 5
    assert forms() == set()
    for use in (
        lambda: json.dumps(keys),
        lambda: json.dumps({"names": keys}, indent=1),
        lambda: list(reversed(keys)),
        lambda: str(keys),
        lambda: copy.copy(keys),
        lambda: isinstance(lite.execute(BOOKS).keys(), list),
        lambda: asks(lite.execute(BOOKS)),
    ):
        _notes.clear()
        use()
        assert "result-keys" in forms()
    assert asks(lite.execute(BOOKS))
    assert json.dumps(keys) == '["id", "title", "year"]'
    assert (keys[0], keys[1:], keys.index("year")) == ("id", ["title", "year"], 2)
    assert (keys > ["a"], keys >= ["a"], keys < ["z"], keys <= ["z"]) == (True,) * 4
    assert keys + ["x"] == ["id", "title", "year", "x"]  # noqa: RUF005
    assert ["x"] + keys == ["x", "id", "title", "year"]  # noqa: RUF005
    assert (keys * 2)[3] == (2 * keys)[3] == "id"
    assert (keys.count("id"), keys.copy()) == (1, ["id", "title", "year"])
    keys.append("x")
    keys.sort(reverse=True)
    assert keys.pop() == "id"
    assert forms() == {"result-keys"}
    with lite.connect() as connection:
        assert connection.execute(sa.text(BOOKS)).keys()[1] == "title"
        assert connection.execute("DELETE FROM visits").keys() == []
    assert lite.execute("DELETE FROM visits").keys() == []


def test_columns_among_keys(lite, books):
    """The names of a result have its columns as well, as they have without the module."""
    with lite.connect() as connection:
        keys = connection.execute(sa.select(books.c.id)).keys()
    assert (books.c.id in keys, books.c.title in keys, "id" in keys) == (True, False, True)
    assert forms() == set()


def test_key_of_a_new_row(engine):
    """``inserted_primary_key`` is a list, which has the names that it has on 2.x."""
    books = sa.Table("books", sa.MetaData(), autoload_with=engine)
    for result in (
        engine.execute(books.insert(), title="New"),
        engine.execute(books.insert().values(id=4 + 1, title="Newer")),
    ):
        key = result.inserted_primary_key
        assert isinstance(key, list)
        assert key in ([4], [5])
        assert key + [1] in ([4, 1], [5, 1])  # noqa: RUF005
        assert key[0] == key.id == max(tuple(key))
    assert forms() == {"key-list"}
    _notes.clear()
    assert (key == (5,), key != (5,), key == 5, key[0], len(key)) == (True, False, False, 5, 1)
    assert result.rowcount == 1
    assert result.lastrowid in (5, 0)
    assert forms() == set()
    with engine.connect() as connection:
        result = connection.execute(books.delete().where(books.c.id > 3))
        assert result.rowcount == 2
        with pytest.raises(InvalidRequestError):
            result.inserted_primary_key  # noqa: B018
    eval_ = {
        "__name__": "sqlalchemy.of_a_test",
        "result": engine.execute(books.insert(), title="N"),
    }
    assert isinstance(eval("result.inserted_primary_key", eval_), sa.Row)
    assert engine.pool.checkedout() == 0


def test_key_of_a_new_row_as_a_list(lite, books):
    """What needs a list is noted; hash() and print() give what they give without the module."""
    with lite.begin() as connection:
        key = connection.execute(books.insert().values(title="N")).inserted_primary_key
    assert {key: 1} == {(4,): 1}
    assert isinstance(key, sa.Row)
    assert [*key] == [4]
    assert [repr(key), f"{key}"] == ["(4,)"] * 2
    assert forms() == set()
    for use, value in (
        (lambda: "%s" % key, "(4,)"),  # noqa: UP031
        (lambda: json.dumps(key), "[4]"),
        (lambda: key + [5], [4, 5]),  # noqa: RUF005
        (lambda: [5] + key, [5, 4]),  # noqa: RUF005
        (lambda: key == [4], True),
        (key.copy, [4]),
    ):
        _notes.clear()
        assert use() == value
        assert forms() == {"key-list"} or value == [5, 4]
    with lite.begin() as connection:
        result = connection.execute(books.insert().values(title="N"))
        _notes.clear()
        assert isinstance(result.inserted_primary_key, list)
    assert forms() == {"key-list"}
    assert str(lite.execute(books.insert(), title="N").inserted_primary_key) == "[6]"


def checked_out(result, *steps):
    """Return what the steps give, with the connections that are in use after each."""
    pool = result.connection.engine.pool
    return [(step(result), pool.checkedout()) for step in steps]


ALL = [("food",), ("hot",)]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["fetchone"] * 4, [(ALL[0], 1), (ALL[1], 1), (None, 0), (None, 0)]),
        (["fetchmany"] * 4, [(ALL[:1], 1), (ALL[1:], 1), ([], 0), ([], 0)]),
        (["fetchall", "fetchall", "fetchone"], [(ALL, 0), ([], 0), (None, 0)]),
        (["fetchone", "fetchall"], [(ALL[0], 1), (ALL[1:], 0)]),
        (["first"], [(ALL[0], 0)]),
        (["scalar"], [("food", 0)]),
        (["next", "next"], [(ALL[0], 1), (ALL[1], 1)]),
        (["fetchone", "close"], [(ALL[0], 1), (None, 0)]),
        (["supports_sane_rowcount", "keys", "fetchall"], [(True, 1), (["word"], 1), (ALL, 0)]),
        (["all"], [(ALL, 0)]),
    ],
)
def test_connection_of_a_result(steps, expected, engine):
    """The connection of a result goes back after the last row, and not before."""
    result = engine.execute(TAGS)
    assert engine.pool.checkedout() == 1
    assert checked_out(result, *(lambda r, s=step: getattr(r, s)() for step in steps)) == expected
    result.close()
    assert engine.pool.checkedout() == 0


def test_iteration(engine):
    """Rows are iterated over, in part too, and the connection goes back at the end."""
    result = engine.execute(TAGS)
    assert [row["word"] for row in result] == ["food", "hot"]
    assert engine.pool.checkedout() == 0
    assert list(result) == []
    result = engine.execute(TAGS)
    assert next(result) == ("food",)
    assert [tuple(row) for row in result] == [("hot",)]
    with pytest.raises(StopIteration):
        next(result)
    result = engine.execute(TAGS)
    for _row in result:
        break
    assert result.fetchall() == [("hot",)]
    assert engine.pool.checkedout() == 0
    inner = [engine.scalar("SELECT count(*) FROM tags") for _ in engine.execute(TAGS)]
    assert inner == [2, 2]
    assert engine.pool.checkedout() == 0
    assert forms() == {"row-name"}


def test_after_the_end(lite):
    """After the last row there is None or nothing; after close() or first() an error."""
    result = lite.execute(TAGS)
    result.fetchall()
    assert (result.fetchone(), result.fetchall(), result.fetchmany(5), result.keys()) == (
        None, [], [], ["word"],
    )  # fmt: skip
    assert result.rowcount == -1
    assert result.returns_rows
    result.close()
    for name in ("fetchone", "fetchall", "fetchmany", "first", "scalar"):
        with pytest.raises(ResourceClosedError, match=r"^This result object is closed\.$"):
            getattr(result, name)()
    result = lite.execute(TAGS)
    result.first()
    with pytest.raises(ResourceClosedError):
        result.fetchone()
    result = lite.execute("DELETE FROM visits")
    assert (result.rowcount, result.returns_rows) == (2, False)
    with pytest.raises(ResourceClosedError, match=r"^This result object does not return rows"):
        result.fetchall()
    for name in ("first", "scalar"):
        assert getattr(lite.execute(f"{TAGS} LIMIT 0"), name)() is None
    assert lite.pool.checkedout() == 0


def test_rows_of_a_statement_without_any(lite):
    """A generator of them is an error where it is asked for the first, and that is noted."""
    result = lite.execute("UPDATE users SET admin = 0")
    rows = (row for row in result)
    with pytest.raises(sa.exc.ResourceClosedError):
        next(rows)
    _notes.clear()
    with lite.connect() as connection:
        rows = [row for row in connection.execute(sa.text("SELECT 1"))]  # noqa: C416
        assert rows == [(1,)]
        assert noted_in(__file__) == set()
        (row for row in connection.execute(sa.text("UPDATE users SET admin = 0")))
        connection.rollback()
    assert noted_in(__file__) == {"name"}


def test_dropped_results(engine):
    """A result that nobody has any more gives its connection back, its rows read or not."""
    result = engine.execute(TAGS)
    row = result.fetchone()
    del result
    gc.collect()
    assert engine.pool.checkedout() == 0
    assert row["word"] == "food"
    rows = iter(engine.execute(TAGS))
    assert next(rows) == ("food",)
    assert engine.pool.checkedout() == 1
    del rows
    gc.collect()
    assert engine.pool.checkedout() == 0


def test_new_methods_of_an_old_result(engine):
    """The results that 2.x makes of one have all of its rows."""
    assert engine.execute(TAGS).scalars().all() == ["food", "hot"]
    assert engine.execute(TAGS).mappings().first() == {"word": "food"}
    assert [row.word for row in engine.execute(TAGS).unique()] == ["food", "hot"]
    assert engine.execute(TAGS).columns("word").fetchall() == ALL
    assert engine.pool.checkedout() == 0
    result = engine.execute(TAGS)
    assert (result.closed, result.cursor is None) == (False, False)
    with pytest.raises(sa.exc.MultipleResultsFound):
        result.one()
    assert engine.pool.checkedout() == 0


def test_error_while_reading(lite):
    """An error in the midst of the rows gives the connection back."""
    with lite.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE days (day DATE)")
        connection.exec_driver_sql("INSERT INTO days VALUES ('nonsense')")
    days = sa.Table("days", sa.MetaData(), autoload_with=lite)
    result = lite.execute(days.select())
    with pytest.raises(ValueError, match="nonsense"):
        result.fetchall()
    assert lite.pool.checkedout() == 0


def test_drop_table_after_the_last_row(engine):
    """A table whose rows have all been read can be dropped from elsewhere, without waiting."""
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE gone (id INTEGER)")
    result = engine.execute("SELECT id FROM gone")
    assert result.fetchall() == []
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute("SET lock_timeout = '1s'")
        connection.execute("DROP TABLE gone")
    assert not engine.has_table("gone")


def test_next(lite):
    """``result.next()`` is ``next(result)``."""
    with lite.connect() as connection:
        result = connection.execute(sa.text(TAGS))
        assert result.next() == ("food",)
        assert next(result) == ("hot",)
        with pytest.raises(StopIteration):
            result.next()
    result = lite.execute(TAGS)
    assert [result.next(), result.next()] == ALL
    with pytest.raises(StopIteration):
        result.next()
    assert forms() == {"result-next"}


def test_rows_of_sqlsoup(db):
    """The rows of ``db.execute()`` have the old forms on each of the databases."""
    assert isinstance(db, sqlsoup.SQLSoup)
    rows = db.execute(BOOKS).fetchall()
    assert dict(rows[0]) == {"id": 1, "title": "Mustards", "year": 1989}
    assert ("title" in rows[0], rows[0]["year"], rows[0].keys()[0]) == (True, 1989, "id")
    assert forms() == {"row-keys", "row-in", "row-name"}


class Dates(json.JSONEncoder):
    """An encoder that makes text of what JSON does not know."""

    def default(self, o):
        """Return the text."""
        return f"<{o}>"


def test_rows_of_queries_in_json(books, lite):
    """They are lists, whatever the encoder makes of other values; rows of statements are not."""
    with Session(lite) as session:
        rows = session.query(books.c.id, books.c.year).order_by(books.c.id).all()
        row = session.execute(books.select()).first()
    text = "[[1, 1989], [2, 1991], [3, null]]"
    assert json.dumps(rows) == json.dumps(rows, default=str) == json.dumps(rows, cls=Dates) == text
    assert json.loads(json.dumps({"rows": rows, "set": {1}}, cls=Dates, indent=1)) == {
        "rows": json.loads(text), "set": "<{1}>",
    }  # fmt: skip
    assert noted_in(__file__) == {"row-tuple"}
    with pytest.raises(TypeError, match="Row is not JSON serializable"):
        json.dumps(row)
    encoder = json.JSONEncoder(default=repr)
    legacy.disable()
    assert encoder.encode(rows[0]) == '"(1, 1989)"'
    with pytest.raises(TypeError, match="Row is not JSON serializable"):
        json.dumps(rows)


WORD, WORD_OF = "the word is %s", "%(row)s"


def test_rows_of_queries_in_formats(lite):
    """The only value of a row is formatted, as that of a tuple is, where the row is no part."""
    with Session(lite) as session:
        query = session.query(sa.literal("x").label("word"))
        row, rows = query.first(), query.all()
        (pair,) = session.query(sa.literal("x"), sa.literal(1))
        core = session.execute(sa.text("SELECT 'x'")).first()
        assert (WORD % row, WORD % query.one()) == ("the word is x",) * 2
        args = (row,)
        assert {WORD % args, WORD % (row,), WORD % rows[0], WORD_OF % {"row": row}} <= {
            "the word is ('x',)", "('x',)",
        }  # fmt: skip
    assert (f"{row}", str(row), repr(row), WORD % core, WORD % str(row)) == (
        "('x',)", "('x',)", "('x',)", "the word is ('x',)", "the word is ('x',)",
    )  # fmt: skip
    assert f"{pair}" == "('x', 1)"
    assert noted_in(__file__) == {"row-tuple"}


def test_rows_of_a_session_by_name(lite):
    """They have names as well where the criterion of a select makes it one of the ORM."""
    users = sqlsoup.SQLSoup(lite).users
    table = sa.inspect(users).local_table
    with Session(lite) as session:
        rows = session.execute(table.select().where(users.name == "Ada")).all()
        row = session.execute(table.select().order_by(users.name)).first()
    assert (rows[0]["email"], row[table.c.name]) == ("ada@example.org", "Ada")
    assert (dict(row)["admin"], "name" in row, "Ada" in row) == (1, True, False)
    assert noted_in(__file__) == {"row-name", "row-keys", "row-in"}


ASKED = {
    "row, tuple": True,
    "row, (list, tuple)": True,
    "[row][0], (tuple, dict)": True,
    "query.first(), tuple": True,
    "row, list": False,
    "row, sa.Row": True,
    "row, Sequence": True,
    "core, tuple": False,
    "selected, tuple": issubclass(sa.Row, tuple),
}


@pytest.mark.parametrize("asked", ASKED)
def test_rows_of_queries_as_tuples(asked, lite):
    """They are tuples to isinstance(), where a program asks for that, and rows otherwise."""
    with Session(lite) as session:
        query = session.query(sa.literal("x").label("word"), sa.literal(1))
        names = {"sa": sa, "query": query, "row": query.one(), "Sequence": Sequence}
        names["selected"] = session.execute(sa.select(sqlsoup.SQLSoup(lite).users.name)).first()
        names["core"] = session.execute(sa.text("SELECT 1, 2")).first()
    code = compile(f"[isinstance({asked}) for _ in range(20)]", __file__, "eval")
    assert eval(code, names) == [ASKED[asked]] * 20  # which Python specializes meanwhile
    is_old = asked not in {"row, list", "row, sa.Row", "row, Sequence", "core, tuple"}
    assert noted_in(__file__) == ({"row-tuple"} if is_old and "selected" not in asked else set())


@pytest.mark.parametrize("module", ["pandas.core", "sqlalchemy.orm"])
def test_rows_of_queries_for_others(module, lite):
    """What has never known them as tuples sees rows; copies are such rows as well."""
    with Session(lite) as session:
        row = session.query(sa.literal("x").label("word")).one()
    assert not eval("isinstance(row, tuple)", {"row": row, "__name__": module})
    assert (row.__class__, type(row).__name__) == (sa.Row, "Row")
    for other in (copy.copy(row), pickle.loads(pickle.dumps(row))):
        assert (other, other.word) == (row, "x")
    assert not forms()


def test_rows_of_a_frozen_result(soup):
    """Columns of a result of the ORM are chosen, and classes are in rows, as without the module."""
    session = Session(soup.engine)
    statement = sa.select(soup.books.id, soup.books.title)
    assert session.execute(statement).columns(1, 0).first() == ("Mustards", 1)
    assert session.execute(statement).freeze()().all()[0] == (1, "Mustards")
    result = session.execute(statement)
    assert list(result.keys()) == ["id", "title"]
    assert "id" in result.keys()  # noqa: SIM118
    (book,) = session.execute(sa.select(soup.books)).first()
    assert book.title == "Mustards"
    assert session.execute(sa.select(soup.books)).scalars().first() is book
    assert session.execute(statement).mappings().first()["title"] == "Mustards"
    assert not forms()
    session.close()


def test_rows_behind_tuples(lite):
    """A row is added to a tuple, and to nothing else."""
    row = lite.execute("SELECT 1, 2").first()
    assert (0,) + row == (0, 1, 2)  # noqa: RUF005
    with pytest.raises(TypeError):
        [0] + row  # noqa: RUF005


@pytest.mark.filterwarnings("ignore:The Row._?t")
def test_columns_of_names_that_rows_have_since(lite):
    """A column hides what SQLAlchemy 2 has added to rows; as a method it is what it is."""
    with Session(lite) as session:
        query = session.query(sa.literal(5).label("t"), sa.literal(6).label("tuple"))
        row = query.one()
        plain = session.query(sa.literal(5)).one()
    assert (row.t, row.tuple) == (5, 6)
    assert noted_in(__file__) == {"row-name"}
    assert (plain.t, row.tuple()) == ((5,), (5, 6))
    assert hasattr(sa.Row, "t")


def test_rows_that_no_program_sees():
    """Rows for the ORM of SQLAlchemy 2.0 give values as without the module, and no names."""
    row = result_tuple(["id", "title"])((1, "A"))
    result = SimpleNamespace(
        _row_getter=partial(Row, row._parent, None, row._key_to_index),
        _fetchall_impl=lambda: [(1, "A")],
    )
    (inner,) = Result._raw_all_rows(result)
    assert (inner[0], tuple(inner)) == (1, (1, "A"))
    assert ("A" in row, "id" in row) == (True, False)
    with pytest.raises(TypeError, match="indices must be integers"):
        inner["title"]
    result._row_getter = lambda values: values[0]
    assert Result._raw_all_rows(result) == [1]
    assert not forms()
