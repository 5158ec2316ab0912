"""Changes within JSON, ARRAY and HSTORE values are stored."""

from __future__ import annotations

import copy
import json
import operator
import pickle
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import called, run
from sqlalchemy import Engine
from sqlalchemy.ext.mutable import MutableDict

import sqlsoup
from sqlsoup import _in_place


@pytest.fixture
def db(engine: Engine) -> sqlsoup.SQLSoup:
    """A table with a JSON column and rows whose values are of several kinds."""
    kind = {"postgresql": "JSONB"}.get(engine.dialect.name, "JSON")
    run(
        engine,
        f"CREATE TABLE docs (id INTEGER NOT NULL PRIMARY KEY, data {kind}, note VARCHAR(9))",
        """INSERT INTO docs (id, data) VALUES (1, '{"a": {"b": [1, {"c": 2}]}}'), (2, '[3, 1, 2]'),
        (3, '"text"'), (4, NULL), (5, '7')""",
    )
    db = sqlsoup.SQLSoup(engine)

    @sa.event.listens_for(db._metadata, "column_reflect")
    def set_type(inspector: object, table: object, column: dict[str, Any]) -> None:
        if column["name"] == "data":  # MariaDB calls it LONGTEXT
            column["type"] = column["type"] if kind == "JSONB" else sa.JSON()

    return db


def stored(db: sqlsoup.SQLSoup, key: int) -> Any:
    """What the database has, after a commit."""
    db.commit()
    value = db.execute("SELECT data FROM docs WHERE id = :key", key=key).scalar()
    db.commit()
    return json.loads(value) if isinstance(value, str) else value


def test_a_change_is_stored_though_nothing_holds_the_row(db: sqlsoup.SQLSoup) -> None:
    """The value holds its row, which the session alone would let go."""
    db.docs.get(1).data["x"] = 1
    assert stored(db, 1) == {"a": {"b": [1, {"c": 2}]}, "x": 1}


def test_a_change_at_any_depth_is_stored(db: sqlsoup.SQLSoup) -> None:
    """Also within what was put there since."""
    row = db.docs.get(1)
    row.data["a"]["b"][1]["c"] = 3
    assert stored(db, 1) == {"a": {"b": [1, {"c": 3}]}}
    row.data["a"]["new"] = {"list": []}
    db.flush()
    row.data["a"]["new"]["list"].append({"deep": 1})
    db.flush()
    row.data["a"]["new"]["list"][0]["deep"] = 2
    assert stored(db, 1) == {"a": {"b": [1, {"c": 3}], "new": {"list": [{"deep": 2}]}}}


DICTS: dict[str, Any] = {
    "setitem": lambda d: d.__setitem__("k", 1),
    "delitem": lambda d: d.__delitem__("a"),
    "ior": lambda d: d.__ior__({"k": {}}),
    "clear": lambda d: d.clear(),
    "pop": lambda d: d.pop("a"),
    "popitem": lambda d: d.popitem(),
    "setdefault": lambda d: d.setdefault("k", []),
    "update": lambda d: d.update(k=[1], l=2),
}
LISTS: dict[str, Any] = {
    "setitem": lambda x: x.__setitem__(0, {"k": 1}),
    "slice": lambda x: x.__setitem__(slice(0, 2), [[7], 8]),
    "delitem": lambda x: x.__delitem__(0),
    "iadd": lambda x: x.__iadd__([[1]]),
    "imul": lambda x: x.__imul__(2),
    "append": lambda x: x.append([]),
    "clear": lambda x: x.clear(),
    "extend": lambda x: x.extend(iter([1, 2])),
    "insert": lambda x: x.insert(1, [5]),
    "pop": lambda x: x.pop(),
    "remove": lambda x: x.remove(1),
    "reverse": lambda x: x.reverse(),
    "sort": lambda x: x.sort(key=str, reverse=True),
}


@pytest.mark.parametrize(
    ("key", "change"),
    [(1, change) for change in DICTS.values()] + [(2, change) for change in LISTS.values()],
    ids=[*DICTS, *(f"list-{name}" for name in LISTS)],
)
def test_every_method_that_changes(db: sqlsoup.SQLSoup, key: int, change: Any) -> None:
    """It does and returns what it does on a dict or list, and is stored."""
    row = db.docs.get(key)
    plain = copy.deepcopy(row.data)
    assert type(plain) in (dict, list)
    assert change(row.data) == change(plain)
    assert row.data == plain
    assert stored(db, key) == plain


def test_a_value_behaves_like_the_plain_one(db: sqlsoup.SQLSoup) -> None:
    """It is equal, printed alike, dumped, pickled and copied as a plain dict or list."""
    value = db.docs.get(1).data
    plain = {"a": {"b": [1, {"c": 2}]}}
    assert isinstance(value, dict)
    assert isinstance(value["a"]["b"], list)
    assert value == plain
    assert repr(value) == repr(plain)
    assert json.dumps(value) == json.dumps(plain)
    for twin in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value)):
        assert twin == plain
        assert type(twin) is dict
        assert type(twin["a"]["b"]) is list
    assert [db.docs.get(key).data for key in (3, 4, 5)] == ["text", None, 7]
    row = db.docs.get(2)
    assert row.data is row.data


def test_a_value_belongs_to_the_row_that_has_it(db: sqlsoup.SQLSoup) -> None:
    """One given to another row, or taken apart for a new value, is copied."""
    one, two = db.docs.get(1), db.docs.get(2)
    two.data = one.data
    db.flush()
    two.data["a"]["b"].append(3)
    assert stored(db, 1) == {"a": {"b": [1, {"c": 2}]}}
    assert stored(db, 2) == {"a": {"b": [1, {"c": 2}, 3]}}
    one.data = {**one.data, "k": 1}
    db.flush()
    one.data["a"]["b"].pop()
    assert stored(db, 1) == {"a": {"b": [1]}, "k": 1}


def test_a_value_that_was_replaced_is_of_no_row(db: sqlsoup.SQLSoup) -> None:
    """A change of it is not stored, as it is not the row's."""
    row = db.docs.get(1)
    before = row.data
    row.data = {"new": 1}
    before["x"] = 1
    assert stored(db, 1) == {"new": 1}


def test_a_value_may_be_held_over_a_commit(db: sqlsoup.SQLSoup, engine: Engine) -> None:
    """Unless the database has another value by then, which is an error; a lone value is free."""
    row = db.docs.get(1)
    value = row.data
    db.commit()
    value["x"] = 1
    assert stored(db, 1) == {"a": {"b": [1, {"c": 2}]}, "x": 1}
    run(engine, "UPDATE docs SET data = '{}' WHERE id = 1")
    with pytest.raises(sqlsoup.SQLSoupError) as caught:
        value["x"] = 2
    assert str(caught.value) == (
        "'data' of MappedDocs was changed in the database after it was read; read it from the row "
        "again"
    )
    db.commit()
    db.session.remove()
    value["x"] = 3
    assert value["x"] == 3


def test_new_rows_are_stored_as_they_are_at_the_flush(db: sqlsoup.SQLSoup) -> None:
    """What was changed after the row was made counts."""
    row = db.docs.insert(id=9, data={"k": []})
    row.data["k"].append(1)
    assert stored(db, 9) == {"k": [1]}
    row.data["k"].append(2)
    db.rollback()
    assert row.data == {"k": [1]}


def test_conditions_and_columns_are_what_they_were(db: sqlsoup.SQLSoup) -> None:
    """The attribute of the class makes SQL, and a query of the column plain values."""
    assert db.docs.filter(db.docs.data["a"].is_not(None)).count() >= 1
    assert type(db.session.query(db.docs.data).filter_by(id=1).scalar()) is dict
    assert isinstance(sa.inspect(db.docs).attrs.data.class_attribute, sa.orm.InstrumentedAttribute)


def calls(db: sqlsoup.SQLSoup) -> int:
    """Count the calls within the module while rows are loaded."""
    loaded: list[Any] = []
    codes = called(lambda: loaded.extend(db.docs.all()))
    assert len(loaded) == 5
    return sum(code.co_filename == _in_place.__file__ for code in codes)


def test_a_load_costs_nothing(db: sqlsoup.SQLSoup) -> None:
    """Rows whose values are not looked at are loaded as without it."""
    _ = db.docs
    assert calls(db) == 0


def test_arrays_and_hstore_of_postgresql(engine: Engine) -> None:
    """Lists of lists too, and a domain over jsonb."""
    if engine.dialect.name != "postgresql":
        pytest.skip("these are PostgreSQL's")
    run(
        engine,
        "CREATE EXTENSION IF NOT EXISTS hstore",
        "CREATE DOMAIN doc AS jsonb",
        "CREATE TABLE many (id INT PRIMARY KEY, a INT[], h hstore, d doc)",
        "INSERT INTO many VALUES (1, '{{1,2},{3,4}}', 'k=>v', '{}')",
    )
    db = sqlsoup.SQLSoup(engine)
    row = db.many.get(1)
    row.a[0][1], row.h["k"], row.d["x"] = 9, "w", [1]
    db.commit()
    row.a.append([5, 6])
    db.commit()
    assert (row.a, row.h, row.d) == ([[1, 9], [3, 4], [5, 6]], {"k": "w"}, {"x": [1]})
    db.session.remove()
    run(engine, "DROP TABLE many", "DROP DOMAIN doc", "DROP EXTENSION hstore")


SETS = {
    "add": lambda value: value.add("c"),
    "discard": lambda value: value.discard("a"),
    "remove": lambda value: value.remove("a"),
    "pop": lambda value: value.pop(),
    "clear": lambda value: value.clear(),
    "update": lambda value: value.update(["b", "c"]),
    "difference_update": lambda value: value.difference_update("a"),
    "intersection_update": lambda value: value.intersection_update("b"),
    "symmetric_difference_update": lambda value: value.symmetric_difference_update("ac"),
    "|=": lambda value: operator.ior(value, {"c"}),
    "&=": lambda value: operator.iand(value, {"b"}),
    "-=": lambda value: operator.isub(value, {"b"}),
    "^=": lambda value: operator.ixor(value, {"b", "c"}),
}


@pytest.mark.parametrize("how", SETS)
def test_sets_of_mariadb(engine: Engine, how: str) -> None:
    """Every method that changes a SET is seen, and what is made of one is a set of no row."""
    if engine.dialect.name not in ("mysql", "mariadb"):
        pytest.skip("has no SET")
    run(
        engine,
        "CREATE TABLE sets (id INTEGER PRIMARY KEY, v SET('a', 'b', 'c'))",
        "INSERT INTO sets VALUES (1, 'a,b')",
    )
    db = sqlsoup.SQLSoup(engine)
    row = db.sets.one()
    other = row.v | {"c"}
    other.add("d")
    assert (type(other), type(sqlsoup.as_dict(row)["v"])) == (set, set)
    assert type(pickle.loads(pickle.dumps(row.v))) is set
    assert (repr(row.v), repr(type(row.v)())) == (repr({*row.v}), "set()")
    assert not db.session.dirty
    expected = {"a", "b"}
    SETS[how](expected)
    SETS[how](row.v)
    if how == "pop":
        expected = {*row.v}
    db.commit()
    db.session.expunge_all()
    assert db.sets.one().v == expected != {"a", "b"}


def test_a_type_that_tracks_by_itself_is_left_alone(lite: Engine) -> None:
    """The user's choice of SQLAlchemy's extension stands."""
    run(lite, "CREATE TABLE docs (id INTEGER PRIMARY KEY, data JSON)")
    db = sqlsoup.SQLSoup(lite)

    @sa.event.listens_for(db._metadata, "column_reflect")
    def set_type(inspector: object, table: object, column: dict[str, Any]) -> None:
        if column["name"] == "data":
            column["type"] = MutableDict.as_mutable(sa.JSON())

    row = db.docs.insert(id=1, data={"a": 1})
    db.commit()
    assert type(row.data) is MutableDict
    row.data["a"] = 2
    db.commit()
    assert row.data == {"a": 2}


class Doc(sa.types.TypeDecorator[Any]):
    """A type of the user's own, over JSON."""

    impl = sa.JSON
    cache_ok = True


def test_a_type_over_json_is_tracked_too(lite: Engine) -> None:
    """What counts is what is beneath."""
    run(lite, "CREATE TABLE docs (id INTEGER PRIMARY KEY, data TEXT)")
    db = sqlsoup.SQLSoup(lite)

    @sa.event.listens_for(db._metadata, "column_reflect")
    def set_type(inspector: object, table: object, column: dict[str, Any]) -> None:
        if column["name"] == "data":
            column["type"] = Doc()

    row = db.docs.insert(id=1, data=[1])
    db.commit()
    row.data.append(2)
    db.commit()
    assert row.data == [1, 2]
