"""Tables as large and as oddly named as a database lets strangers make them."""

from __future__ import annotations

import gc
import sys
from itertools import chain, pairwise

import pytest
from conftest import run

import sqlsoup
from sqlsoup import SQLSoup

WIDEST = {"sqlite": 2000, "postgresql": 1600, "mysql": 1017}
"""What each database takes; InnoDB's limit is lower than MariaDB's own."""
SPECIAL = sorted(
    {
        name
        for name in chain(dir(object), dir(type), dir(dict), dir(int), dir(sqlsoup.SQLSoup))
        if name.startswith("__")
    }
    | {"__del__", "__getattr__", "__get__", "__set_name__", "__mapper_args__", "__tablename__"}
)


def test_the_widest_table(engine):
    """A table of as many columns as there can be is read, changed and written back."""
    count = WIDEST[engine.dialect.name]
    columns = ", ".join(f"c{n} INTEGER" for n in range(1, count))
    run(engine, f"CREATE TABLE wide (id INTEGER PRIMARY KEY, {columns})")
    db = SQLSoup(engine)
    db.wide.insert(id=1, **{f"c{n}": n for n in range(1, count, 7)})
    db.commit()
    row = db.wide.one()
    assert len(db.wide.c) == count
    assert (row.c1, row.c2, row.c8) == (1, None, 8)
    row.c2 = -2
    db.commit()
    assert sqlsoup.as_dicts(db.wide)[0]["c2"] == -2
    assert db.users.count() == 3


def test_a_large_comment(engine):
    """The comments of a table and a column, as long as the database takes them, harm nothing."""
    if engine.dialect.name == "sqlite":
        text = "x' -- {} %s :name" * 60_000
        run(engine, f"CREATE TABLE told (id INTEGER PRIMARY KEY /* {text} */)")
    elif engine.dialect.name == "postgresql":
        text = "x'' -- {} $1 :name" * 55_000
        run(
            engine,
            "CREATE TABLE told (id INTEGER PRIMARY KEY)",
            f"COMMENT ON TABLE told IS '{text}'",
            f"COMMENT ON COLUMN told.id IS '{text}'",
        )
    else:
        text = "x'' -- {} $1 :name" * 50
        run(
            engine,
            f"CREATE TABLE told (id INTEGER PRIMARY KEY COMMENT '{text}') COMMENT='{text}'",
        )
    db = SQLSoup(engine)
    db.told.insert(id=1)
    db.commit()
    assert db.told.one().id == 1
    if engine.dialect.name != "sqlite":
        assert db.told._table.comment == text.replace("''", "'")


def test_names_of_special_methods(engine):
    """Tables, columns, keys and checks named like what Python calls by itself do nothing."""
    quote = engine.dialect.identifier_preparer.quote_identifier
    for number, special in enumerate(SPECIAL):
        q = quote(special)
        checked = f"CONSTRAINT {q} CHECK ({q} <> 'no')"
        key = f"CONSTRAINT {quote(special + 'key')} FOREIGN KEY (owner) REFERENCES users (name)"
        run(
            engine,
            f"CREATE TABLE {q} (id INTEGER PRIMARY KEY, {q} VARCHAR(20), owner VARCHAR(40), "
            f"{checked}, {key})",
            f"INSERT INTO {q} VALUES ({number}, 'v', 'Bo')",
        )
    db = SQLSoup(engine, relationships=True)
    for special in SPECIAL:
        table = db[special]
        row = table.one()
        assert sqlsoup.as_dict(row)["owner"] == "Bo"
        assert "v" in sqlsoup.as_dict(row).values()
        assert row.owner == "Bo"
    assert {*SPECIAL} <= {*db}
    bo = db.users.get("Bo")
    assert [loan.user_name for loan in bo.loans] == ["Bo", "Bo"]
    db.session.remove()


def test_enums_of_special_names(engine):
    """The labels of an enum may be anything too."""
    labels = ", ".join(f"'{name}'" for name in SPECIAL)
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no enums")
    if engine.dialect.name == "postgresql":
        run(engine, f'CREATE TYPE "__init__" AS ENUM ({labels})')
        kind = '"__init__"'
    else:
        kind = f"ENUM({labels})"
    run(engine, f"CREATE TABLE moods (id INTEGER PRIMARY KEY, mood {kind})")
    db = SQLSoup(engine)
    db.moods.insert(id=1, mood="__class__")
    db.commit()
    assert db.moods.one().mood == "__class__"
    assert db.moods.filter_by(mood="__del__").all() == []


def kept(db, use):
    """Return how many blocks of memory 50 uses of a SQLSoup keep, each of another number.

    It is the least of six times, for what grows with each use does so every time, and caches of
    Python that fill do not.
    """

    def after(numbers):
        for number in numbers:
            use(number)
        db.session.remove()
        db.engine.dispose()  # with the statements of the driver
        db.engine.clear_compiled_cache()
        gc.collect()
        return sys.getallocatedblocks()

    sizes = [after(range(first, first + 50)) for first in range(1, 351, 50)]
    return min(later - before for before, later in pairwise(sizes))


@pytest.mark.parametrize("way", ["missing", "in another case"])
def test_names_leave_nothing_behind(way, engine, monkeypatch):
    """Memory does not grow with the names that are asked for and lead to no table of theirs."""
    found = way != "missing" and engine.dialect.name == "sqlite"  # which alone takes any case
    monkeypatch.setattr("sqlsoup._reflect._SPELLINGS", 20)
    letters = "abcdefghijkl"
    run(engine, f"CREATE TABLE {letters} (id INTEGER PRIMARY KEY)")
    db = SQLSoup(engine)

    def use(number):
        if way == "missing":
            assert f"nothing_{number}" not in db
        else:
            name = "".join(c.upper() if number >> i & 1 else c for i, c in enumerate(letters))
            assert (name in db) is (found or name == letters)
            assert not found or db[name] is db[letters]

    assert kept(db, use) < 40
    assert len(db._cache) == found
    db.session.remove()


def test_errors_leave_nothing_behind(engine):
    """Nor with the errors about them, and with what they suggest."""
    db = SQLSoup(engine)

    def use(number):
        with pytest.raises(sqlsoup.NoSuchTableError):
            db.entity(f"nothing_{number}")
        with pytest.raises(AttributeError):
            getattr(db, f"Nothing_{number}")

    names = 50  # Python may keep those that getattr() is given, which takes a block each
    assert kept(db, use) < 40 + names
    assert isinstance(db.users.first(), db.users)
    db.session.remove()
