"""From a file to a server, with the code of the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import empty, library, run
from pages import documented
from sqlalchemy.exc import DBAPIError, IntegrityError, InternalError

import sqlsoup

KINDS = """CREATE TABLE kinds (
    id INTEGER PRIMARY KEY, amount NUMERIC(8, 2), day DATE, at DATETIME, ratio REAL, big BIGINT,
    data BLOB, note TEXT, flag BOOLEAN, label VARCHAR(5) NOT NULL DEFAULT 'none',
    CHECK ("ratio" < [big])
)"""


@pytest.fixture
def target(url: str, make_engine: Callable[..., sa.Engine], lite: sa.Engine) -> Iterator[Any]:
    """A SQLSoup on another database, to which the library in the file was moved."""
    run(lite, KINDS)
    run(
        lite,
        "INSERT INTO kinds VALUES (7, 12.5, '2026-03-02', '2026-03-02 10:30:00', 0.5, 5000000000,"
        " x'00ff', 'a note', 1, 'label')",
        "CREATE VIEW titles AS SELECT title FROM books",
        "UPDATE shelves SET parent_id = 1",
    )
    engine = make_engine(url)
    target = sqlsoup.SQLSoup(engine)
    move = documented("growing.rst", "move", select=sa.select)["move"]
    move(sqlsoup.SQLSoup(lite), target)
    if engine.dialect.name == "postgresql":
        documented("growing.rst", "next-key", target=target)
    yield target
    sqlsoup.Session.remove()
    if engine.dialect.name != "sqlite":
        empty(engine)


def content(engine: sa.Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables."""
    with engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
            for table in library.sorted_tables
        }


def test_all_rows_are_there(target, lite):
    """Every table has the rows that the file has, and views are not there."""
    assert content(target.engine) == content(lite)
    assert list(target) == sorted([*library.tables, "kinds"])


def test_values_of_every_type(target, lite):
    """Values of all types that a file may have arrive, and are of the same Python types."""
    before = sqlsoup.as_dict(sqlsoup.SQLSoup(lite).kinds.get(7))
    after = sqlsoup.as_dict(target.kinds.get(7))
    assert after == before
    kinds = {key: type(value) for key, value in before.items()}
    if target.engine.dialect.name == "mysql":
        kinds["flag"] = int
    assert {key: type(value) for key, value in after.items()} == kinds


def test_keys_go_on(target):
    """The next key is greater than those that were copied; PostgreSQL has to be told of them."""
    row = target.books.insert(title="new")
    target.commit()
    assert row.id == 4
    shelf = target.shelves.insert(title="new")
    if target.engine.dialect.name == "postgresql":
        with pytest.raises(IntegrityError):
            target.commit()
    else:
        target.commit()
        assert shelf.id == 4


def test_keys_and_references_are_there(target):
    """Primary keys, foreign keys, defaults and NOT NULL come along."""
    tables = sa.inspect(target.engine)
    assert tables.get_pk_constraint("book_tags")["constrained_columns"] == ["book_id", "word"]
    (key,) = tables.get_foreign_keys("shelves")
    assert (key["referred_table"], key["constrained_columns"]) == ("shelves", ["parent_id"])
    row = target.kinds.insert(note="new")
    target.commit()
    assert row.label == "none"


def test_what_a_server_refuses(target, lite):
    """A file takes values of other types and lengths, and rows that refer to nothing."""
    wrong = [
        "INSERT INTO books (title, year) VALUES ('x', 'soon')",
        f"INSERT INTO tags (word) VALUES ('{'x' * 21}')",
        "INSERT INTO loans (book_id, user_name) VALUES (2, 'nobody')",
    ]
    run(lite, *wrong)
    for statement in wrong if target.engine.dialect.name != "sqlite" else ():
        with pytest.raises(DBAPIError), target:
            target.execute(statement)


def test_case(target, lite):
    """A file has a table under its name in any case, and servers have not."""
    assert sqlsoup.SQLSoup(lite).Books.count() == 3
    if target.engine.dialect.name != "sqlite":
        with pytest.raises(sqlsoup.NoSuchTableError):
            _ = target.Books


def test_comparing_text(target):
    """Whether case counts is up to the database, and differs between = and LIKE in a file."""
    equal = target.users.filter(target.users.name == "ADA").count()
    like = target.users.filter(target.users.name.like("ADA")).count()
    expected = {"sqlite": (0, 1), "postgresql": (0, 0), "mysql": (1, 1)}
    assert (equal, like) == expected[target.engine.dialect.name]


def test_after_an_error(target):
    """After a failed statement PostgreSQL refuses the next; other databases go on."""
    with pytest.raises(DBAPIError):
        target.execute("SELECT nothing")
    if target.engine.dialect.name == "postgresql":
        with pytest.raises(InternalError, match="current transaction is aborted"):
            target.tags.count()
        target.rollback()
    assert target.tags.count() == 2
