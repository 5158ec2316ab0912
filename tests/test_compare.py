"""What is set is stored, also where Python finds it equal to what was there."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from conftest import run

import sqlsoup
from sqlsoup._compare import same

if TYPE_CHECKING:
    from collections.abc import Iterator

UTC = dt.UTC
ROME = dt.timezone(dt.timedelta(hours=2))
AT_EIGHT = dt.datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
CHANGES: dict[str, list[tuple[str, Any, Any]]] = {
    "JSON": [
        ("true is no 1", [True], [1]),
        ("nor within", {"a": [{"b": 0}]}, {"a": [{"b": False}]}),
        ("1.0 is no 1", [1], [1.0]),
        ("one value", 1, True),
        ("0.0 and -0.0", [0.0], [-0.0]),
        ("order", {"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ],
    "": [("a column of no type", 1, 1.0)],
    "TIME": [("another zone", AT_EIGHT.timetz(), dt.time(10, 0, tzinfo=ROME))],
    "TIMESTAMP": [("another zone", AT_EIGHT, dt.datetime(2026, 5, 4, 10, 0, tzinfo=ROME))],
    "JSONB": [("true is no 1", {"a": True}, {"a": 1})],
    "JSONB[]": [("true is no 1", [[True]], [[1]])],
    "TIME WITH TIME ZONE": [("another zone", AT_EIGHT.timetz(), dt.time(10, 0, tzinfo=ROME))],
    "NUMERIC": [("digits", Decimal("1.0"), Decimal("1.00"))],
}
TYPES = {
    "sqlite": ("JSON", "", "TIME", "TIMESTAMP"),
    "postgresql": ("JSON", "JSONB", "JSONB[]", "TIME WITH TIME ZONE", "NUMERIC"),
    "mysql": ("JSON",),
}


@pytest.fixture
def make(engine: sa.Engine) -> Iterator[Any]:
    """Give a function that makes a table with a column of a type."""

    def make_table(kind: str) -> Any:
        run(engine, f"CREATE TABLE t (id INTEGER PRIMARY KEY, x {kind})")
        db = sqlsoup.SQLSoup(engine)

        @sa.event.listens_for(db._metadata, "column_reflect")
        def set_type(inspector: object, table: object, column: dict[str, Any]) -> None:
            if engine.dialect.name == "mysql" and column["name"] == "x":  # where it is a LONGTEXT
                column["type"] = sa.JSON()

        return db

    yield make_table
    sqlsoup.Session.remove()


@pytest.mark.parametrize("kind", CHANGES)
def test_what_is_set_is_stored(engine: sa.Engine, make: Any, kind: str) -> None:
    """Values that are equal in Python, and not in the database, are stored."""
    if kind not in TYPES.get(engine.dialect.name, ()):
        pytest.skip("no type of this database")
    db = make(kind)
    for key, (_, before, after) in enumerate(CHANGES[kind]):
        row = db.t.insert(id=key, x=before)
        db.commit()
        assert repr(row.x) == repr(before)
        row.x = after
        db.commit()
        assert repr(row.x) == repr(after)


@pytest.mark.parametrize("kind", CHANGES)
def test_what_is_the_same_is_not(engine: sa.Engine, make: Any, kind: str) -> None:
    """Nothing is sent for a value that is the same."""
    if kind not in TYPES.get(engine.dialect.name, ()):
        pytest.skip("no type of this database")
    db = make(kind)
    rows = [db.t.insert(id=key, x=after) for key, (_, _, after) in enumerate(CHANGES[kind])]
    db.commit()
    read = [row.x for row in rows]
    for row, value, (_, _, after) in zip(rows, read, CHANGES[kind], strict=True):
        row.x = after
        assert value == after
        assert not db.session.is_modified(row) or kind == "JSONB"  # has an order of its own
    db.rollback()


def test_a_type_that_compares_by_itself(make_engine: Any) -> None:
    """A type of the program's own decides itself, and what SQLAlchemy shares stays as it is."""

    class Folded(sa.JSON):
        cache_ok = True

        def compare_values(self, x: Any, y: Any) -> bool:
            return str(x).lower() == str(y).lower()

    class Over(sa.TypeDecorator[Any]):
        impl = sa.JSON
        cache_ok = True

    engine = make_engine("sqlite://")
    run(engine, "CREATE TABLE t (id INTEGER PRIMARY KEY, own JSON, over JSON, shared)")
    db = sqlsoup.SQLSoup(engine)
    kinds = {"own": Folded(), "over": Over(), "shared": sa.types.NULLTYPE}

    @sa.event.listens_for(db._metadata, "column_reflect")
    def set_type(inspector: object, table: object, column: dict[str, Any]) -> None:
        column["type"] = kinds.get(column["name"], column["type"])

    row = db.t.insert(id=1, own="A", over=[True], shared=1)
    db.commit()
    assert (row.own, row.over, row.shared) == ("A", [True], 1)
    row.own, row.over, row.shared = "a", [1], 1.0
    db.commit()
    assert repr((row.own, row.over, row.shared)) == "('A', [1], 1)"
    assert "compare_values" not in vars(sa.types.NULLTYPE)
    db.session.remove()


def test_values_that_cannot_be_compared() -> None:
    """What gives no plain answer is another value."""

    class Odd:
        def __eq__(self, other: object) -> Any:
            return [True]

        __hash__ = object.__hash__

    odd = Odd()
    assert not same(odd, odd)
    assert same({"a": [1, "x", None]}, {"a": [1, "x", None]})
    assert not same([1, 2], [1])
    assert not same({"a": 1}, {})
    assert not same({"a": 1}, [1])


def test_a_value_that_was_held_while_the_database_changed(engine: sa.Engine, make: Any) -> None:
    """A change of what is no longer there is an error, also where Python finds it equal."""
    db = make("JSON")
    row = db.t.insert(id=1, x=[True])
    db.commit()
    held = row.x
    db.commit()
    run(engine, "UPDATE t SET x = '[1]'")
    with pytest.raises(sqlsoup.SQLSoupError, match="was changed in the database after"):
        held.append(2)
    db.rollback()
