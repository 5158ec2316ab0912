"""Columns that the database generates are left to it, and keys that it does not are asked for."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from conftest import run
from sqlalchemy import Engine

import sqlsoup


@pytest.fixture
def sums(engine: Engine) -> sqlsoup.SQLSoup:
    """A table with a column that is computed of another."""
    run(
        engine,
        "CREATE TABLE sums (id INTEGER NOT NULL PRIMARY KEY, a INTEGER, "
        "twice INTEGER GENERATED ALWAYS AS (a * 2) STORED, note VARCHAR(9))",
    )
    return sqlsoup.SQLSoup(engine)


def test_a_copy_of_a_row_has_a_value_of_its_own(sums: sqlsoup.SQLSoup) -> None:
    """``as_dict()`` gives the generated value too, and ``insert()`` takes it."""
    row = sums.sums.insert(id=1, a=2)
    sums.commit()
    assert row.twice == 4
    copies = [sums.sums.insert(**{**sqlsoup.as_dict(row), "id": n, "a": n}) for n in (7, 8)]
    sums.flush()
    assert [copy.twice for copy in copies] == [14, 16]
    assert sums.execute("SELECT a, twice FROM sums ORDER BY id").all() == [(2, 4), (7, 14), (8, 16)]


def test_a_generated_value_that_is_set_is_read_back(sums: sqlsoup.SQLSoup) -> None:
    """It is not sent, alone or with others, and the row shows what the database has."""
    row = sums.sums.insert(id=1, a=2, twice=99)
    sums.flush()
    assert row.twice == 4
    row.twice = 98
    sums.flush()
    assert row.twice == 4
    row.a, row.twice = 5, 97
    sums.commit()
    assert row.twice == 10


def test_rows_with_generated_values_are_one_batch(
    sums: sqlsoup.SQLSoup, statements: list[str]
) -> None:
    """Whether the values are given or not."""
    _ = sums.sums
    statements.clear()
    for n in range(20):
        sums.sums.insert(id=n, a=n, **({"twice": 1} if n % 2 else {}))
    sums.flush()
    assert [word for text in statements for word in text.split()[:1]] == ["INSERT"]
    sums.rollback()


def test_columns_of_a_versioned_table_are_left_to_the_database(engine: Engine) -> None:
    """MariaDB says of a row since when and until when it is as it is."""
    if engine.dialect.name not in ("mysql", "mariadb"):
        pytest.skip("such tables are MariaDB's")
    run(
        engine,
        "CREATE TABLE prices (id INT PRIMARY KEY, n INT, since TIMESTAMP(6) GENERATED ALWAYS AS "
        "ROW START, until TIMESTAMP(6) GENERATED ALWAYS AS ROW END, "
        "PERIOD FOR SYSTEM_TIME (since, until)) WITH SYSTEM VERSIONING",
    )
    db = sqlsoup.SQLSoup(engine)
    row = db.prices.insert(id=1, n=1)
    db.commit()
    copy = db.prices.insert(**{**sqlsoup.as_dict(row), "id": 2})
    db.commit()
    assert (copy.n, copy.until) == (1, row.until)
    copy.until, copy.n = None, 2
    db.commit()
    assert copy.until == row.until


def test_a_relationship_over_a_generated_key_is_not_set(engine: Engine) -> None:
    """The row that is given would not be stored; the error says so, and nothing has changed."""
    run(
        engine,
        "CREATE TABLE owners (id INT PRIMARY KEY)",
        "CREATE TABLE things (id INT PRIMARY KEY, n INT, owner_id INT GENERATED ALWAYS AS (n - 10)"
        " STORED, FOREIGN KEY (owner_id) REFERENCES owners (id))",
        "INSERT INTO owners VALUES (1), (2)",
    )
    db = sqlsoup.SQLSoup(engine, relationships=True)
    thing = db.things.insert(id=1, n=11)
    db.commit()
    first, second = db.owners.get(1), db.owners.get(2)
    assert (thing.owner, first.things, second.things) == (first, [thing], [])
    why = (
        "cannot be set: the database makes 'things.owner_id' of other columns of the row "
        "(GENERATED ALWAYS AS), set those"
    )

    def insert() -> None:
        db.things.insert(id=2, n=11, owner=second)

    for change in (
        insert,
        lambda: setattr(thing, "owner", second),
        lambda: second.things.append(thing),
        lambda: first.things.remove(thing),
    ):
        with pytest.raises(sqlsoup.SQLSoupError) as caught:
            change()
        assert str(caught.value).partition(" ")[2] == why
        assert (thing.owner, first.things, second.things) == (first, [thing], [])
    db.commit()
    thing.n = 12
    db.commit()
    assert (thing.owner, first.things, second.things) == (second, [], [thing])


def test_a_relationship_over_a_key_of_which_a_part_is_generated(engine: Engine) -> None:
    """The other part is stored."""
    run(
        engine,
        "CREATE TABLE items (id INT, kind INT, PRIMARY KEY (id, kind))",
        "CREATE TABLE maps (id INT PRIMARY KEY, kind INT GENERATED ALWAYS AS (id - id + 3) STORED,"
        " FOREIGN KEY (id, kind) REFERENCES items (id, kind))",
    )
    db = sqlsoup.SQLSoup(engine, relationships=True)
    item = db.items.insert(id=7, kind=3)
    row = db.maps.insert(items=item)
    db.commit()
    assert (row.id, row.kind, row.items) == (7, 3, item)


def listeners(mapper: sa.orm.Mapper[object]) -> int:
    """Count what a mapper calls for each row."""
    return sum(len(getattr(mapper.dispatch, f"before_{kind}")) for kind in ("insert", "update"))


def test_other_tables_are_not_listened_to(db: sqlsoup.SQLSoup, sums: sqlsoup.SQLSoup) -> None:
    """A table without such columns, whose key the database generates, costs nothing."""
    assert listeners(sa.inspect(db.books)) == 0
    assert listeners(sa.inspect(sums.sums)) == 2
    db.users.insert(name="Dee")
    db.flush()
    assert listeners(sa.inspect(db.users)) == 0
    db.rollback()


KEYS = {
    "text": ("CREATE TABLE k (code VARCHAR(9) PRIMARY KEY, n INTEGER)", {}, "code"),
    "part": (
        "CREATE TABLE k (a INT NOT NULL, code INT NOT NULL, n INT, PRIMARY KEY (a, code))",
        {"a": 1},
        "code",
    ),
    "number": ("CREATE TABLE k (code INT NOT NULL, n INTEGER, PRIMARY KEY (code))", {}, "code"),
    "odd": ('CREATE TABLE k ("__len__" VARCHAR(9) PRIMARY KEY, n INTEGER)', {}, "__len__"),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_that_nothing_generates_wants_a_value(engine: Engine, kind: str) -> None:
    """The error names table, column and the way out, and nothing is stored."""
    create, given, column = KEYS[kind]
    if engine.dialect.name == "mysql":
        create = create.replace('"', "`")
    run(engine, create)
    db = sqlsoup.SQLSoup(engine)
    db.k.insert(n=1, **given)
    name = f"column{column}" if column == "__len__" else column
    with pytest.raises(sqlsoup.SQLSoupError) as caught:
        db.commit()
    assert str(caught.value) == (
        f"'k.{column}' wants a value: it is part of the primary key, and the database generates "
        f"none; give the new row one, as in insert(**{{{name!r}: ...}})"
    )
    db.rollback()
    assert db.k.count() == 0
    db.k.insert(n=2, **given, **{name: "2"})
    db.commit()
    assert db.k.one().n == 2


def test_a_key_that_refers_to_another_row_wants_a_value(engine: Engine) -> None:
    """SQLite would give a rowid, which is the key of any row of the other table or of none."""
    run(
        engine,
        "CREATE TABLE k (id INTEGER PRIMARY KEY, FOREIGN KEY (id) REFERENCES books (id))",
    )
    db = sqlsoup.SQLSoup(engine)
    db.k.insert()
    with pytest.raises(sqlsoup.SQLSoupError) as caught:
        db.commit()
    assert str(caught.value) == (
        "'k.id' wants a value: it is part of the primary key, and refers to another row; give "
        "the new row one, as in insert(**{'id': ...})"
    )
    db.rollback()
    assert db.k.count() == 0


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"a": 1}, (1, None, 5)),
        ({"b": 2}, (None, 2, 5)),
        ({"a": 1, "b": None}, (1, None, 5)),
        ({"b": 2, "c": 3}, (None, 2, 3)),
        ({}, (None, None, 5)),
    ],
)
@pytest.mark.parametrize("key", [["a", "b"], ["a", "b", "c"]])
def test_a_part_of_a_named_key_is_not_given(
    engine: Engine, key: list[str], given: dict[str, int], stored: tuple[int, int, int]
) -> None:
    """It is NULL, or the default, in the identity of the row too, so that the row is read again."""
    run(engine, "CREATE TABLE k (a INTEGER, b INTEGER, c INTEGER DEFAULT 5)")
    db = sqlsoup.SQLSoup(engine, primary_keys={"k": key})
    row = db.k.insert(**given)
    if not given and len(key) == 2:
        with pytest.raises(sqlsoup.SQLSoupError, match=r"'k\.a' wants a value"):
            db.commit()
        db.rollback()
        return
    db.commit()
    assert (row.a, row.b, row.c) == stored
    assert db.k.all() == [row]
    db.session.remove()
    assert [(one.a, one.b, one.c) for one in db.k.all()] == [stored]


def test_the_schema_is_named(engine: Engine, other_schema: str) -> None:
    """A table of another schema has that before its name."""
    run(engine, f"CREATE TABLE {other_schema}.k (code VARCHAR(9) PRIMARY KEY)")
    db = sqlsoup.SQLSoup(engine)
    db[f"{other_schema}.k"].insert()
    with pytest.raises(sqlsoup.SQLSoupError, match=rf"'{other_schema}\.k\.code' wants a value"):
        db.flush()
    db.rollback()


def test_a_key_that_comes_from_a_relationship_is_there(db: sqlsoup.SQLSoup) -> None:
    """It is set when its row is stored, after the one that it refers to."""
    db.loans.relate("book", db.books)
    loan = db.loans.insert(book=db.books.insert(title="Stews"), user_name="Ada")
    db.commit()
    assert loan.book_id == loan.book.id


def test_a_key_with_a_default_is_left_to_it(engine: Engine) -> None:
    """A server default makes the key, also in part of one, and is read back where it can be."""
    run(
        engine,
        "CREATE TABLE k (a INTEGER NOT NULL, code INTEGER DEFAULT 7 NOT NULL, "
        "PRIMARY KEY (a, code))",
    )
    db = sqlsoup.SQLSoup(engine)
    db.k.insert(a=2, code=1)
    db.commit()
    assert listeners(sa.inspect(db.k)) == 0
    if engine.dialect.name == "mysql":
        return  # it returns no default, and SQLAlchemy asks for none
    row = db.k.insert(a=1)
    db.commit()
    assert row.code == 7
    assert listeners(sa.inspect(db.k)) == 0


def test_a_key_that_was_named_may_have_nulls(engine: Engine) -> None:
    """Nothing of the table says that it must not."""
    run(engine, "CREATE TABLE k (a INTEGER, b INTEGER)")
    db = sqlsoup.SQLSoup(engine, primary_keys={"k": ["a", "b"]})
    db.k.insert(a=1)
    db.commit()
    assert db.k.one().b is None


REVISING = {
    "sqlite": (
        (
            "CREATE TRIGGER b INSTEAD OF INSERT ON v BEGIN"
            " INSERT INTO t (id, n) VALUES (NEW.id, min(NEW.n, 100)); END"
        ),
        (
            "CREATE TRIGGER a INSTEAD OF UPDATE ON v BEGIN"
            " UPDATE t SET n = min(NEW.n, 100), note = NEW.note WHERE id = NEW.id; END"
        ),
    ),
    "postgresql": (
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.n := least(NEW.n, 100); RETURN NEW; END $$"
        ),
        "CREATE TRIGGER a BEFORE UPDATE OR INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
    ),
    "mysql": (
        "CREATE TRIGGER b BEFORE INSERT ON t FOR EACH ROW SET NEW.n = least(NEW.n, 100)",
        "CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW SET NEW.n = least(NEW.n, 100)",
    ),
}


@pytest.mark.parametrize("name", ["t", "v"])
def test_a_value_that_a_trigger_changes(engine: Engine, name: str) -> None:
    """The row shows what is stored, and not what was set, by flushes and by update()."""
    database = engine.dialect.name
    run(
        engine,
        "CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, n INTEGER, note VARCHAR(9))",
        "CREATE VIEW v AS SELECT * FROM t",
        "INSERT INTO t (id, n) VALUES (1, 1), (2, 2)",
        *REVISING[database],
    )
    if database == "sqlite" and name == "t":
        pytest.skip("a trigger of SQLite changes a row of a table after it is stored alone")
    db = sqlsoup.SQLSoup(engine, primary_keys={"v": ["id"]})
    first, second = db.entity(name).order_by("id")
    first.n = 1000
    second.note = "seen"
    db.flush()
    assert (first.n, first.note, second.n, second.note) == (100, None, 2, "seen")
    new = db.entity(name).insert(id=3, n=300)
    db.flush()
    assert new.n == 100
    db.entity(name).filter_by(id=2).update({"n": 2000})
    assert second.n == 100
    assert db.execute("SELECT n FROM t").scalars().all() == [100, 100, 100]


def test_a_default_of_python_is_one(lite: Engine) -> None:
    """A column of the user's own makes its values itself."""
    metadata = sa.MetaData()
    metadata.bind = lite  # type: ignore[attr-defined]
    column = sa.Column("word", sa.String(20), primary_key=True, default="mild")
    sa.Table("tags", metadata, column)
    db = sqlsoup.SQLSoup(metadata)
    row = db.tags.insert()
    db.commit()
    assert row.word == "mild"


def test_a_row_in_the_place_of_a_deleted_one_takes_the_defaults(engine: Engine) -> None:
    """SQLAlchemy changes the old row, and left what was not given as it was."""
    run(
        engine,
        "CREATE TABLE wares (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(9), details JSON, "
        "price INTEGER DEFAULT 7, unit VARCHAR(9) DEFAULT ':a' NOT NULL, since DATE DEFAULT "
        "CURRENT_DATE, twice INTEGER GENERATED ALWAYS AS (price * 2) STORED)",
        "CREATE VIEW dear AS SELECT id, name, unit FROM wares",
        "INSERT INTO wares (id, name, details, price, unit, since) "
        "VALUES (1, 'old', '[1]', 1, 'old', '2001-01-01')",
    )
    db = sqlsoup.SQLSoup(engine, primary_keys={"dear": ["id"]})
    db.delete(db.wares.one())
    row = db.wares.insert(id=1)
    db.commit()
    assert (row.name, row.details, row.price, row.unit, row.twice) == (None, None, 7, ":a", 14)
    assert row.since.year > 2001
    db.delete(row)
    row = db.wares.insert(id="1", name="new", details=None, price=None, unit="new")
    db.wares.insert(id=2, price=sa.null())
    db.commit()
    stored = "SELECT price, name, unit, twice FROM wares ORDER BY id"
    assert db.execute(stored).all() == [(7, "new", "new", 14), (None, None, ":a", None)]
    of_text = engine.dialect.name == "mysql"  # what JSON is there
    assert db.wares.filter_by(details=sa.null()).count() == 1 + of_text
    if engine.dialect.name != "sqlite":  # which takes no changes of the view
        db.delete(db.dear.get(1))
        assert db.dear.insert(id=1, name="seen")
        db.commit()
        assert db.execute(stored).first() == (7, "seen", "new", 14)


def test_a_row_whose_key_is_that_of_a_relationship_takes_the_defaults(engine: Engine) -> None:
    """In the place of a deleted one, too."""
    run(
        engine,
        "CREATE TABLE tomes (id INTEGER NOT NULL PRIMARY KEY)",
        "CREATE TABLE stays (book INTEGER, day INTEGER, note VARCHAR(9) DEFAULT 'none', "
        "PRIMARY KEY (book, day), FOREIGN KEY (book) REFERENCES tomes (id))",
        "INSERT INTO tomes VALUES (1), (2)",
        "INSERT INTO stays VALUES (1, 5, 'late')",
    )
    db = sqlsoup.SQLSoup(engine)
    db.stays.relate("of", db.tomes)
    tomes = db.tomes.order_by(db.tomes.id).all()
    db.delete(db.stays.one())
    rows = [db.stays.insert(of=tome, day=5) for tome in tomes]
    db.commit()
    assert [(row.book, row.note) for row in rows] == [(1, "none"), (2, "none")]
