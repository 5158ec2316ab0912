"""Joins, selects and aliases of tables whose key was named give every row that they count."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import run
from sqlalchemy import Engine, select
from sqlalchemy.orm import aliased
from sqlalchemy.orm.exc import FlushError

import sqlsoup


@pytest.fixture
def db(engine: Engine) -> sqlsoup.SQLSoup:
    """Two tables without a key and a view, whose keys are named, beside one that has a key."""
    run(
        engine,
        "CREATE TABLE guests (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(9))",
        "CREATE TABLE stays (guest INTEGER, day VARCHAR(9), "
        "FOREIGN KEY (guest) REFERENCES guests (id))",
        "CREATE TABLE remarks (who INTEGER, words VARCHAR(9))",
        "CREATE VIEW diary AS SELECT g.id AS g_id, s.day AS g_day "
        "FROM guests g LEFT JOIN stays s ON s.guest = g.id",
        "INSERT INTO guests VALUES (1, 'Ada'), (2, 'Bo')",
        "INSERT INTO stays VALUES (1, 'mon'), (1, 'tue'), (1, 'wed'), (2, NULL), (NULL, 'thu')",
        "INSERT INTO remarks VALUES (1, 'good'), (1, 'bad'), (3, 'none')",
    )
    keys = {"stays": ["guest", "day"], "remarks": ["who", "words"], "diary": ["g_id", "g_day"]}
    return sqlsoup.SQLSoup(engine, primary_keys=keys)


def joined(db: sqlsoup.SQLSoup, *args: Any, **options: Any) -> Any:
    """A join with the names of its tables before those of its columns."""
    return db.with_labels(db.join(*args, **options))


def on(db: sqlsoup.SQLSoup) -> Any:
    """The condition that stays and remarks are of one guest."""
    return db.stays.guest == db.remarks.who


def thrice(db: sqlsoup.SQLSoup, stays: sa.Table) -> Any:
    """A table joined with itself twice, by way of a join that is good for labels alone."""
    one, other = stays.alias("o"), stays.alias("p")
    twice = db.join(stays, one, sa.literal(1) == 1)
    return joined(db, twice, other, other.c.guest == stays.c.guest)


THINGS: dict[str, tuple[int, Callable[[sqlsoup.SQLSoup], Any]]] = {
    "join": (4, lambda db: db.join(db.stays, db.guests)),
    "the other way round": (4, lambda db: db.join(db.guests, db.stays)),
    "outer join": (5, lambda db: db.join(db.stays, db.guests, isouter=True)),
    "two without keys": (6, lambda db: db.join(db.stays, db.remarks, on(db))),
    "two, outer": (8, lambda db: db.join(db.stays, db.remarks, on(db), isouter=True)),
    "labels": (8, lambda db: joined(db, db.stays, db.remarks, on(db), isouter=True)),
    "view": (4, lambda db: db.join(db.guests, db.diary, db.guests.id == db.diary.g_id)),
    "nested": (6, lambda db: db.join(db.join(db.stays, db.guests), db.remarks, on(db))),
    "itself": (25, lambda db: joined(db, db.stays, db.stays._table.alias("o"), sa.literal(1) == 1)),
    "aliased class": (25, lambda db: joined(db, db.stays, aliased(db.stays), sa.literal(1) == 1)),
    "three times": (50, lambda db: thrice(db, db.stays._table)),
    "alias": (5, lambda db: db.map(db.stays._table.alias("o"))),
    "select": (5, lambda db: db.map(select(db.stays._table))),
    "select of the class": (5, lambda db: db.map(select(db.stays))),
    "subquery": (5, lambda db: db.map(select(db.stays._table).subquery("q"))),
    "CTE": (5, lambda db: db.map(select(db.stays._table).cte("q"))),
    "select of a select": (5, lambda db: db.map(select(select(db.stays._table).subquery("q")))),
    "select of two": (
        4,
        lambda db: db.map(
            select(db.stays._table, db.guests.name).join_from(db.stays._table, db.guests._table)
        ),
    ),
    "select of a join": (4, lambda db: db.map(select(db.join(db.stays, db.guests)))),
    "class": (5, lambda db: db.map(db.stays)),
    "labels of a class": (5, lambda db: db.with_labels(db.stays)),
    "labels of a select": (5, lambda db: db.with_labels(select(db.stays._table))),
    "labels of an unnamed subquery": (
        5,
        lambda db: db.with_labels(select(db.stays._table).subquery()),
    ),
    "map_to": (5, lambda db: db.map_to("all", selectable=select(db.stays._table))),
    "join of a mapped select": (
        15,
        lambda db: db.join(
            db.map(select(db.stays._table).subquery("q")), db.remarks, sa.literal(1) == 1
        ),
    ),
}


@pytest.mark.parametrize("thing", THINGS)
def test_as_many_rows_as_it_counts(db: sqlsoup.SQLSoup, thing: str) -> None:
    """``count()`` is the database's answer, ``all()`` goes through the identity map."""
    rows, make = THINGS[thing]
    cls = make(db)
    assert (cls.count(), len(cls.all()), len(set(cls.all()))) == (rows, rows, rows)


def test_a_key_that_is_given_is_taken(db: sqlsoup.SQLSoup) -> None:
    """``primary_key`` comes before the keys of the sides."""
    both = db.join(db.stays, db.guests, primary_key=[db.guests._table.c.id])
    assert (both.count(), len(both.all())) == (4, 2)


def test_a_join_of_tables_with_keys_keeps_sqlalchemys_key(db: sqlsoup.SQLSoup) -> None:
    """Columns that the condition makes equal are one, so get() takes what it took."""
    both = db.join(db.books, db.loans)
    assert both.get(1).user_name == "Bo"


def test_a_select_without_the_columns_of_a_named_key_has_none(db: sqlsoup.SQLSoup) -> None:
    """SQLAlchemy's error says so."""
    with pytest.raises(sa.exc.ArgumentError, match="could not assemble any primary key"):
        db.map(select(db.stays._table.c.guest))
    one = db.map(select(db.stays._table.c.guest).distinct(), primary_key=["guest"])
    assert one.count() == 3


def test_a_row_of_a_join_is_changed_by_its_whole_key(db: sqlsoup.SQLSoup) -> None:
    """The table that has no key of its own is updated by the one that was named."""
    both = db.join(db.stays, db.guests)
    row = both.filter(both.day == "tue").one()
    row.day = "sun"
    db.commit()
    assert sorted(db.execute("SELECT day FROM stays WHERE guest = 1").scalars()) == [
        "mon",
        "sun",
        "wed",
    ]


def test_a_key_that_does_not_tell_rows_apart(db: sqlsoup.SQLSoup) -> None:
    """Rows with one key are one, and one without any is None; several are deleted, not changed."""
    stays = db.map_to("by_guest", tablename="stays", mapper_args={"primary_key": ["guest"]})
    rows = stays.order_by(stays.guest, stays.day).all()
    assert stays.count() == 5
    assert sorted(row.guest for row in rows if row is not None) == [1, 2]
    assert len(rows) == 3
    stays.get(1).day = "sun"
    with pytest.raises(sa.orm.exc.StaleDataError, match="expected to update 1 row"):
        db.commit()
    db.rollback()
    assert "sun" not in db.execute("SELECT day FROM stays").scalars().all()
    db.delete(stays.get(1))
    with pytest.warns(sa.exc.SAWarning, match="expected to delete 1 row.*; 3 were matched"):
        db.flush()
    db.rollback()


def test_null_in_a_key(db: sqlsoup.SQLSoup) -> None:
    """A row with NULL in its key is read, and the error that refuses a change names the column."""
    for stay in [stay for stay in db.stays.all() if stay.day in {"mon", "thu"}]:
        db.delete(stay)
    with pytest.raises(
        FlushError, match=r"using NULL for primary key value on column stays\.guest"
    ):
        db.commit()
    db.rollback()
    db.stays.filter(db.stays.guest.is_(None)).delete()
    assert db.stays.count() == 4


def test_no_columns_no_advice(engine: Engine) -> None:
    """An empty list is not advised as a key."""
    if engine.dialect.name != "postgresql":
        table = sa.Table("hollow", sa.MetaData())
        table.metadata.bind = engine  # type: ignore[attr-defined]
        db = sqlsoup.SQLSoup(table.metadata)
    else:
        run(engine, "CREATE TABLE hollow ()")
        db = sqlsoup.SQLSoup(engine)
        assert "hollow" in db
    with pytest.raises(sqlsoup.SQLSoupError) as caught:
        _ = db.hollow
    assert str(caught.value) == (
        "table 'hollow' does not have a primary key defined, nor any column to name; "
        "use it in statements, as in db.execute()"
    )


@pytest.mark.parametrize(
    ("looked", "condition", "outer", "nested"), list(product([False, True], repeat=4))
)
def test_foreign_keys_of_mapped_selects_lead_to_tables_that_nobody_touched(
    lite: Engine, looked: bool, condition: bool, outer: bool, nested: bool
) -> None:
    """With and without a condition, and also if the columns were looked at before."""
    run(
        lite,
        "CREATE TABLE zones (code TEXT PRIMARY KEY)",
        "CREATE TABLE steps (id INTEGER, zone TEXT REFERENCES zones (code), "
        "PRIMARY KEY (id, zone))",
        "CREATE TABLE items (item INTEGER PRIMARY KEY, step INTEGER, area TEXT, "
        "made TEXT REFERENCES makers (name), FOREIGN KEY (step, area) REFERENCES steps (id, zone))",
        "CREATE TABLE makers (name TEXT PRIMARY KEY)",
        "INSERT INTO steps VALUES (1, 'a')",
        "INSERT INTO items VALUES (5, 1, 'a', 'q')",
    )
    db = sqlsoup.SQLSoup(lite)
    steps = select(db.steps._table).subquery("s")
    if nested:
        steps = select(steps).subquery("n")
    items = select(db.items._table).subquery("i")
    if looked:
        assert [*steps.c.keys(), *items.c.keys()][:2] == ["id", "zone"]
    left, right = db.map(steps), db.map(items)
    ways = (left.id == right.step,) if condition else ()
    both = db.join(left, right, *ways, isouter=outer)
    assert [(row.id, row.zone, row.item) for row in both.all()] == [(1, "a", 5)]
    assert db.with_labels(both).count() == 1


@pytest.mark.parametrize("how", ["itself", "select", "beside a table"])
def test_a_function_that_gives_rows(db: sqlsoup.SQLSoup, how: str) -> None:
    """It has no key, and is mapped with one that is named."""
    if db.bind.dialect.name == "mysql":
        pytest.skip("MariaDB has no functions that give rows")
    of = sa.func.json_each('{"a": 1, "b": 2}').table_valued("key", "value", name="f")
    things = {
        "itself": of,
        "select": select(of),
        "beside a table": select(db.stays.day, of.c.key).join(of, db.stays.guest == 1),
    }
    mapped = db.map(things[how], primary_key=["key"] if how != "beside a table" else ["day", "key"])
    assert mapped.count() == len(mapped.all()) == (6 if how == "beside a table" else 2)
    assert {row.key for row in mapped.all()} == {"a", "b"}


def test_tableoid_elsewhere(lite: Engine) -> None:
    """Other databases have no such column, nor has a table that was not reflected."""
    db = sqlsoup.SQLSoup(lite)
    for tables in (
        {"tablename": "users"},
        {"selectable": sa.Table("u", sa.MetaData(), sa.Column("id"))},
    ):
        with pytest.raises(sqlsoup.ArgumentError, match="has no column 'tableoid'"):
            db.map_to("u", **tables, mapper_args={"primary_key": ["tableoid"]})
