"""``show()``: tables, queries, rows and databases as text."""

from __future__ import annotations

import datetime
import io
import os
import pty
import termios
from decimal import Decimal

import pytest
import sqlalchemy as sa
from conftest import run
from help_texts import HELP

import sqlsoup
from sqlsoup import ArgumentError, show

USERS = f"""\
{HELP["users"]}

name | email           | admin
-----+-----------------+------
Ada  | ada@example.org |     1
Bo   | bo@example.org  |     0
(2 rows, and there are more)
"""
NO_ROWS = "{} has no rows; pass a mapped class, a query, a result, rows or a SQLSoup"


@pytest.fixture
def shown(capsys, monkeypatch):
    """Return what show() prints, where it is not limited by a terminal or is as wide as given."""
    monkeypatch.delenv("COLUMNS", raising=False)

    def call(thing, *args, width=None, **kwargs):
        if width is not None:
            monkeypatch.setenv("COLUMNS", str(width))
        assert show(thing, *args, **kwargs) is None
        return capsys.readouterr().out

    return call


# what is shown of what


def test_class(soup, shown):
    """A class has its columns, types and keys before its first rows."""
    sqlsoup.reflect(soup)
    assert shown(soup.users, 2) == USERS


def test_class_on_every_database(db, shown):
    """A class is shown so on every database, with no more rows than there are."""
    text = shown(db.loans)
    assert text.startswith("Table loans\n\nbook_id ")
    assert "\nRefers to:\nbook_id -> books.id\nuser_name -> users.name\n" in text
    assert text.endswith(
        "\n\nbook_id | user_name | day\n--------+-----------+-----\n"
        "      1 | Bo        | NULL\n      3 | Bo        | NULL\n(2 rows)\n"
    )


def test_the_dict_of_a_row(soup, shown):
    """What SQLAlchemy keeps beside the values of a row is no row itself."""
    text = shown(vars(soup.tags.get("hot")))
    assert text.startswith("column")
    assert "\nword               | hot\n" in text


def test_class_without_rows(soup, shown, statements):
    """With a limit of 0 it is the columns alone, and the table is not read."""
    sqlsoup.reflect(soup)
    cls = soup.tags
    statements.clear()
    assert shown(cls, 0) == (
        "Table tags\n\nword  VARCHAR(20)  primary key, not null\n\n"
        "Is referred to by:\nbook_tags (word)\n"
    )
    assert not [statement for statement in statements if "FROM tags" in statement]


def test_database(soup, lite, shown):
    """A database has the names of its tables and views, and numbers of rows where cheap."""
    run(lite, "CREATE VIEW early AS SELECT title FROM books WHERE year < 1990")
    assert shown(soup, 3) == (
        f"{soup!r}\n\n"
        "name      | kind  | rows\n----------+-------+-----\n"
        "book_tags | table | 3\nbooks     | table | 3\nearly     | view  |\n"
        "(3 of 9 tables and views)\n"
    )
    assert shown(soup, None).endswith("\nvisits    | table | 2\n(9 tables and views)\n")


def test_database_of_many_rows(soup, lite, shown):
    """On SQLite a table is not read for longer than 10,000 rows take."""
    run(
        lite,
        "CREATE TABLE aa (id INTEGER PRIMARY KEY)",
        "INSERT INTO aa WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 10001) SELECT i FROM n",
        "CREATE TABLE ab AS SELECT * FROM aa WHERE id <= 10000",
    )
    lines = shown(soup, 2).splitlines()
    assert lines[4:6] == ["aa   | table | more than 10,000", "ab   | table | 10,000"]


def test_database_on_every_server(db, engine, shown):
    """On servers the numbers are those of the catalog, if it has any, and no table is read."""
    run(engine, "ANALYZE TABLE books" if "m" in engine.dialect.name[:1] else "ANALYZE books")
    lines = {line.split()[0]: line.split()[-1] for line in shown(db).splitlines()[2:]}
    assert lines["books"] == ("3" if engine.dialect.name == "sqlite" else "~3")
    assert {"users", "visits", "(8"} < {*lines}


def test_database_in_another_schema(db, engine, other_schema, shown):
    """The schema of the SQLSoup is the one whose tables are listed."""
    run(engine, f"CREATE TABLE {other_schema}.staff (id INTEGER)")
    db.schema = other_schema
    assert [line.split()[0] for line in shown(db).splitlines()[4:]] == ["staff", "(1"]


def test_database_that_cannot_be_counted(soup, lite, shown):
    """Numbers that the database does not tell are left out, and the tables are listed."""
    run(
        lite,
        "CREATE TABLE trees (name TEXT)",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET rootpage = 0, sql = 'CREATE VIRTUAL TABLE trees USING missing(x)'"
        " WHERE name = 'trees'",
    )
    lite.dispose()
    assert shown(soup).splitlines()[-5:] == [
        "tags      | table | 2",
        "trees     | table |",
        "users     | table |",
        "visits    | table |",
        "(9 tables and views)",
    ]


def test_database_of_another_kind(soup, lite, shown, monkeypatch):
    """A database of which nothing is known has names alone, and one without tables none."""
    monkeypatch.setattr(lite.dialect, "name", "other")
    assert shown(soup, 1).splitlines()[2:] == [
        "name      | kind  | rows",
        "----------+-------+-----",
        "book_tags | table |",
        "(1 of 8 tables and views)",
    ]
    empty = sqlsoup.SQLSoup("sqlite://")
    assert shown(empty).endswith(
        "\n\nname | kind | rows\n-----+------+-----\n(0 tables and views)\n"
    )
    empty.engine.dispose()


def test_query(soup, shown):
    """A query has its rows; a limit of its own is kept."""
    books = soup.books.order_by(soup.books.id)
    assert shown(books, 1) == (
        "id | title    | year\n---+----------+-----\n 1 | Mustards | 1989\n"
        "(1 row, and there are more)\n"
    )
    assert shown(books.limit(2), 1).endswith("(1 row, and there are more)\n")
    assert shown(books.limit(1), 1).endswith("| 1989\n(1 row)\n")
    assert shown(books.filter_by(year=1)) == "id | title | year\n---+-------+-----\n(0 rows)\n"


def test_query_asks_for_no_more_than_it_shows(soup, shown, statements):
    """The database is asked for one row beyond the limit."""
    query = soup.books.order_by(soup.books.id)
    statements.clear()
    shown(query, 1)
    assert len(statements) == 1
    assert "LIMIT" in statements[0]


def test_query_of_text(soup, shown):
    """A query from the text of a statement has no limit, and is read no further than shown."""
    query = soup.session.query(soup.tags).from_statement(sa.text("SELECT * FROM tags ORDER BY 1"))
    assert shown(query, 1) == "word\n----\nfood\n(1 row, and there are more)\n"


def test_query_of_columns(soup, shown):
    """A query of columns has their names, also where it has no rows."""
    counted = soup.loans.with_entities(soup.loans.user_name, sa.func.count().label("n"))
    assert shown(counted.group_by(soup.loans.user_name)) == (
        "user_name | n\n----------+--\nBo        | 2\n(1 row)\n"
    )
    none = soup.loans.with_entities(soup.loans.user_name, soup.loans.book_id + 1)
    assert shown(none.filter_by(book_id=9)) == (
        "user_name | column_2\n----------+---------\n(0 rows)\n"
    )


def test_rows_without_a_name(soup, shown):
    """Rows of a query have no name for what is calculated; it is shown, under its place."""
    query = soup.session.query(soup.books.id + 1, soup.books.title).order_by(soup.books.id).limit(1)
    table = "column_1 | title\n---------+---------\n       2 | Mustards\n"
    assert shown(query.all()) == table + "(1 row)\n"
    assert shown(soup.session.execute(query.statement), None) == table + "(1 row)\n"
    assert "column_1 | 2" in shown(query.first())


def test_query_of_two_classes(soup, shown):
    """Rows of several classes have the name of the table before that of the column."""
    both = (
        soup.session.query(soup.tags, soup.book_tags)
        .outerjoin(soup.book_tags, soup.book_tags.word == soup.tags.word)
        .order_by(soup.tags.word, soup.book_tags.book_id)
    )
    soup.tags.insert(word="new")
    expected = (
        "tags.word | book_tags.book_id | book_tags.word\n"
        "----------+-------------------+---------------\n"
        "food      |                 1 | food\n"
        "food      |                 3 | food\n"
        "hot       |                 1 | hot\n"
        "new       |              NULL | NULL\n"
        "(4 rows)\n"
    )
    assert shown(both) == expected
    assert shown(both.all()) == expected
    assert shown(both.filter(soup.tags.word == "x")).startswith("tags.word | book_tags.book_id |")


def test_query_loads_no_relationships(soup, shown, statements):
    """Relationships that a query loads eagerly are not shown, hence not loaded."""
    soup.loans.relate("book", soup.books, lazy="joined")
    soup.books.relate("tags", soup.tags, secondary=soup.book_tags, lazy="joined")
    books = soup.books
    statements.clear()
    assert shown(books.order_by(books.id), 1).count("\n") == 4
    assert "JOIN" not in statements[0]


def test_rows(soup, shown):
    """A list of rows tells how many there are; no rows at all have no columns."""
    rows = soup.books.order_by(soup.books.id).all()
    assert shown(rows, 2).endswith(" 2 | Regional | 1991\n(2 of 3 rows)\n")
    assert shown(rows).endswith(" 3 | Soups    | NULL\n(3 rows)\n")
    assert shown(iter(rows), 2).endswith("(2 rows, and there are more)\n")
    assert shown([]) == "(0 rows)\n"


def test_dicts(shown):
    """Dicts are rows as well."""
    rows = [{"a": 1, "b": Decimal("1.50")}, {"a": -22, "b": Decimal(100)}]
    assert shown(rows) == "  a |      b\n----+-------\n  1 |   1.50\n-22 | 100\n(2 rows)\n"


def test_row(soup, shown):
    """A single row has a line for each column, whichever kind of row it is."""
    expected = (
        "column | value\n-------+---------\nid     | 3\ntitle  | Soups\nyear   | NULL\n"
    ).replace("---------", "------")
    row = soup.books.get(3)
    assert shown(row) == expected
    assert shown(sqlsoup.as_dict(row)) == expected
    result = soup.execute("SELECT * FROM books WHERE id = 3").one()
    assert shown(result) == expected
    assert shown(result._mapping) == expected


def test_result(soup, shown):
    """A result shows so many rows, and the others can still be read from it."""
    result = soup.execute("SELECT word FROM tags ORDER BY word")
    assert shown(result, 1) == "word\n----\nfood\n(1 row read, there may be more)\n"
    assert shown(result) == "word\n----\nhot\n(1 row)\n"
    assert shown(soup.execute("SELECT word FROM tags WHERE 1 = 0")) == "word\n----\n(0 rows)\n"
    assert shown(soup.execute("SELECT word FROM tags ORDER BY 1"), None).endswith("hot\n(2 rows)\n")


def test_result_of_scalars_and_mappings(soup, shown):
    """So does a result of single values, of whole rows or of mappings."""
    words = sa.select(soup.tags.word).order_by(soup.tags.word)
    assert shown(soup.execute(words).scalars()) == "value\n-----\nfood\nhot\n(2 rows)\n"
    assert shown(soup.execute(words).mappings()) == "word\n----\nfood\nhot\n(2 rows)\n"
    tags = sa.select(soup.tags).order_by(soup.tags.word)
    assert shown(soup.execute(tags)) == "word\n----\nfood\nhot\n(2 rows)\n"
    assert shown(soup.execute(tags).scalars()) == "word\n----\nfood\nhot\n(2 rows)\n"


def test_result_without_rows(soup, shown):
    """A statement that gives no rows tells how many it changed, if the driver does."""
    assert shown(soup.execute("UPDATE users SET admin = 1")) == "(3 rows changed)\n"
    assert shown(soup.execute("DELETE FROM tags WHERE word = 'x'")) == "(0 rows changed)\n"
    assert shown(soup.execute("CREATE TABLE t (i INTEGER)")) == "(no rows)\n"
    soup.rollback()


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        ("text", NO_ROWS.format("'text'")),
        (b"\0", NO_ROWS.format("b'\\x00'")),
        (3, NO_ROWS.format("3")),
        (None, NO_ROWS.format("None")),
        (
            sa.select(sa.literal(1)),
            "a statement has no rows; pass what db.execute(statement) returns",
        ),
        ([1, 2], "1 is no row"),
        ([{"a": 1}, {"b": 1}], "{'b': 1} has other columns than the first row"),
    ],
)
def test_what_cannot_be_shown(shown, thing, message):
    """What has no rows is an error that tells what has."""
    with pytest.raises(ArgumentError) as caught:
        shown(thing)
    assert str(caught.value) == message


def test_rows_of_several_kinds(soup, shown):
    """Rows that differ in columns are an error."""
    with pytest.raises(ArgumentError) as caught:
        shown([soup.tags.get("hot"), soup.books.get(1)])
    assert str(caught.value) == (
        "MappedBooks(id=1,title='Mustards',year=1989) has other columns than the first row"
    )
    with pytest.raises(ArgumentError, match=r"^\(1,\) has other columns"):
        shown([*soup.execute("SELECT 1 AS a, 2 AS b"), *soup.execute("SELECT 1 AS a")])


@pytest.mark.parametrize("limit", [-1, 2.5, "3"])
def test_limit(soup, shown, limit):
    """The limit is a number of rows, or None."""
    with pytest.raises(ArgumentError) as caught:
        shown(soup.users, limit)
    assert str(caught.value) == (f"invalid limit argument {limit!r}; pass a number of rows or None")


def test_ambiguous_join(soup, shown):
    """A join that needs with_labels() says so."""
    with pytest.raises(sa.exc.InvalidRequestError, match=r"Or wrap the join in with_labels\(\)"):
        shown(soup.join(soup.books, soup.shelves, soup.books.title == soup.shelves.title))


# where it goes


def test_all_rows_are_printed_as_they_are_read(soup, lite):
    """Without a limit no more than a thousand rows are read ahead."""
    read = 0

    def rows():
        nonlocal read
        for read in range(1, 3001):
            yield {"n": read}

    class Out:
        ahead = 0

        def write(self, text):
            number = text.strip()
            if number.isdecimal():
                self.ahead = max(self.ahead, read - int(number))

    out = Out()
    show(rows(), None, file=out)
    assert read == 3000
    assert 0 < out.ahead <= 1000


def test_file(soup, capsys):
    """It may go to any file, and then not to standard output."""
    file = io.StringIO()
    show(soup.tags.order_by(soup.tags.word), file=file)
    assert file.getvalue() == "word\n----\nfood\nhot\n(2 rows)\n"
    assert capsys.readouterr().out == ""


def test_encoding(tmp_path):
    """What a file cannot encode is escaped."""
    with (tmp_path / "out").open("w+", encoding="ascii") as file:
        show([{"café": "naïve"}], file=file)
        file.seek(0)
        assert file.read() == "caf\\xe9\n-----\nna\\xefve\n(1 row)\n"


def test_width_of_terminal(soup, monkeypatch):
    """A table is as wide as the terminal at most."""
    monkeypatch.delenv("COLUMNS", raising=False)
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as terminal:
        for columns, width in ((30, 30), (0, 80)):  # 0: it does not know
            termios.tcsetwinsize(slave, (24, columns))
            show([{"a": "x" * 100}], file=terminal)
            terminal.flush()
            printed = b""
            while b"(1 row)" not in printed:
                printed += os.read(master, 9999)
            assert printed.split()[1] == b"-" * width
    os.close(master)


# the look of values


def test_values(shown):
    """Each value is one line, in which nothing moves the cursor or turns the text around."""
    values = {
        "nothing": None,
        "the text": "NULL",
        "lines": "a\nb\tc\x1b[2J\x7f\x9b\u2028\u202e\u2066",
        "half": "\udc80",
        "bytes": b"\0\xff",
        "many bytes": memoryview(bytes(30)),
        "number": Decimal("1E+3"),
        "not a number": Decimal("NaN"),
        "json": {"a": ["é", None]},
        "list": [1, "x"],
        "day": datetime.date(2026, 1, 2),
        "truth": True,
    }
    assert shown(values).splitlines()[2:] == [
        "nothing      | NULL",
        "the text     | 'NULL'",
        r"lines        | a\nb\tc\x1b[2J\x7f\x9b\u2028\u202e\u2066",
        r"half         | \udc80",
        "bytes        | x'00ff'",
        f"many bytes   | x'{'00' * 24}…' (30 bytes)",
        "number       | 1000",
        "not a number | NaN",
        'json         | {"a": ["é", null]}',
        'list         | [1, "x"]',
        "day          | 2026-01-02",
        "truth        | True",
    ]


def test_numbers(shown):
    """Numbers stand below each other by their points; one with an exponent has none."""
    rows = [{"n": n} for n in (1, -20.25, None, Decimal("3.5"), 1e-7)]
    assert shown(rows).splitlines() == [
        "       n",
        "--------",
        "    1",
        "  -20.25",
        "    NULL",
        "    3.5",
        "1e-07",
        "(5 rows)",
    ]


def test_truth_is_no_number(shown):
    """True and False are no numbers."""
    assert shown([{"b": True}, {"b": False}]) == "b\n-----\nTrue\nFalse\n(2 rows)\n"


def test_numbers_and_text(shown):
    """A column that has both is one of text."""
    assert shown([{"n": 5}, {"n": "x"}]) == "n\n-\n5\nx\n(2 rows)\n"


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("abc", 3),
        ("日本", 4),
        ("e\u0301", 1),
        ("한국", 4),
        ("\u1112\u1161\u11ab", 2),
        ("👍", 2),
        ("👍\U0001f3fd", 2),
        ("👩\u200d👩\u200d👧", 2),
        ("❤\ufe0f", 2),
        ("日\ufe0f", 2),
        ("\U0001f3fd", 2),
        ("🇫🇷", 2),
        ("so\xadft", 5),
    ],
)
def test_width_of_text(shown, text, width):
    """A column is as wide as a terminal shows its text."""
    assert shown([{"a": text, "b": 1}]).splitlines()[1:3] == [
        "-" * width + "-+--",
        f"{text} | 1",
    ]


def test_text_from_right_to_left(shown):
    """Text that runs from right to left is isolated, so that it stays within its column."""
    assert shown([{"a": "שלום", "b": "مرحبا", "c": "é"}]).splitlines() == [
        "a    | b     | c",
        "-----+-------+--",
        "\u2068שלום\u2069 | \u2068مرحبا\u2069 | é",
        "(1 row)",
    ]


def test_long_text(shown):
    """Without a terminal a value is cut after 200 columns; text that comes late may be as long."""
    rows = [{"a": "short", "b": 1}] * 1000 + [{"a": "x" * 300, "b": 1}]
    assert shown([{"a": "x" * 300}]).splitlines()[2] == "x" * 199 + "…"
    assert shown(rows, None).splitlines()[1002] == "x" * 199 + "… | 1"


def test_narrow_terminal(shown):
    """Long texts are cut to fit, numbers and short texts are not."""
    row = {"id": 123456789, "word": "word", "title": "t" * 50, "note": "n" * 50}
    assert shown([row], width=50).splitlines() == [
        "       id | word | title          | note",
        "----------+------+----------------+---------------",
        "123456789 | word | ttttttttttttt… | nnnnnnnnnnnnn…",
        "(1 row)",
    ]


def test_cut_text_that_is_wide(shown):
    """A character of two columns is not cut in half, nor is a picture of several characters."""
    assert shown([{"a": "日本語"}], width=4).splitlines()[2] == "日…"
    assert (
        shown([{"a": "a👩\u200d👩\u200d👧👩"}], width=4).splitlines()[2] == "a👩\u200d👩\u200d👧…"
    )


def test_more_columns_than_fit(shown):
    """Columns that cannot be shown are named below; one is always shown."""
    row = {f"column {n}": f"a long value {n}" for n in range(5)}
    lines = shown([row], width=40).splitlines()
    assert lines[0] == "column 0    | column 1    | column 2"
    assert lines[3:] == ["and 2 more columns: column 3, column 4", "(1 row)"]
    assert shown([row], width=28).splitlines()[3] == "and 3 more columns: column …"
    assert shown([{"a": 10**20, "b": 2}], width=10).splitlines() == [
        f"{'a':>21}",
        "-" * 21,
        f"{10**20}",
        "and 1 mor…",
        "(1 row)",
    ]


def test_columns_of_a_class_fit(soup, shown):
    """So do the lines before the rows."""
    lines = shown(soup.users, width=20).splitlines()
    assert lines[2] == "name   VARCHAR(40) …"
    assert max(map(len, lines)) == 20
