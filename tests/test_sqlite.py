"""SQLite: keys, foreign keys, unique constraints and views are those that the database has."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable
from decimal import Decimal
from sqlite3 import sqlite_version_info
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import run
from sqlalchemy.orm.exc import FlushError, ObjectDeletedError, StaleDataError

import sqlsoup
from sqlsoup import ArgumentError, SQLSoup, SQLSoupError, SQLSoupWarning
from sqlsoup._keys import unique_keys


@pytest.fixture
def empty(make_engine: Callable[..., sa.Engine]) -> sa.Engine:
    """An engine on an empty database in memory."""
    return make_engine("sqlite://", poolclass=sa.StaticPool)


@pytest.fixture
def make(empty: sa.Engine) -> Any:
    """Execute statements, and return a SQLSoup with relationships."""

    def make(*statements: str, **options: Any) -> SQLSoup:
        run(empty, *statements)
        return SQLSoup(empty, relationships=True, **options)

    yield make
    sqlsoup.Session.remove()


def told(warned: Any) -> list[str]:
    """Return the messages of warnings."""
    return [str(warning.message) for warning in warned]


# names


@pytest.mark.parametrize("bound", [False, True])
def test_labels_that_differ_in_case_alone(make: Any, bound: bool) -> None:
    """SQLite gives the first for both, in a subquery; in a join SQLAlchemy tells them apart."""
    db = make(
        'CREATE TABLE a (id INTEGER PRIMARY KEY, "B_c" TEXT)',
        "CREATE TABLE a_b (id INTEGER PRIMARY KEY, c TEXT, b_c TEXT)",
        "INSERT INTO a VALUES (1, 'one')",
        "INSERT INTO a_b VALUES (1, 'two', 'three')",
    )
    if bound:
        db = SQLSoup(session=sa.orm.Session(db.engine))
    same = db.a.id == db.a_b.id
    with pytest.raises(ArgumentError) as info:
        db.with_labels(db.join(db.a, db.a_b, same))
    message = str(info.value)
    assert message.startswith("the columns 'a_B_c' and 'a_b_c' of ")
    assert message.endswith(
        "and SQLite gives the first for both; pass a select() that labels one of them otherwise"
    )
    labelled = sa.select(db.a.id, db.a.B_c, db.a_b.c.label("x"), db.a_b.b_c.label("X")).where(same)
    for thing in (labelled, labelled.subquery(), labelled.cte()):
        with pytest.raises(ArgumentError, match="the columns 'x' and 'X' of "):
            db.map(thing)
        with pytest.raises(ArgumentError, match="the columns 'x' and 'X' of "):
            db.map_to("both", selectable=thing)
    told_apart = sa.select(db.a.id, db.a.B_c, db.a_b.c, db.a_b.b_c.label("X")).where(same)
    row = db.map(told_apart).one()
    assert (row.B_c, row.c, row.X) == ("one", "two", "three")
    db.session.close()


def test_a_file_that_is_named_by_a_word_that_sqlalchemy_does_not_quote(make: Any) -> None:
    """SQLSoup has it quote that."""
    db = make(
        "ATTACH ':memory:' AS 'returning'",
        'CREATE TABLE "returning".t (id INTEGER PRIMARY KEY, n INTEGER DEFAULT 5)',
    )
    row = db["returning.t"].insert()
    db.commit()
    row.n += 1
    db.commit()
    assert db["returning.t"].one().n == 6


# keys


@pytest.mark.parametrize("pragma", ["full_column_names = ON", "short_column_names = OFF"])
def test_names_of_columns_in_results(make: Any, pragma: str) -> None:
    """SQLite may be told to name them by their tables too."""
    db = make(
        f"PRAGMA {pragma}",
        "CREATE TABLE aunts (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE UNIQUE)",
        "CREATE TABLE girls (id INTEGER PRIMARY KEY, aunt INTEGER REFERENCES AUNTS)",
        "CREATE VIEW nieces AS SELECT girls.id, name FROM girls JOIN aunts ON aunt = aunts.id",
        primary_keys={"nieces": ["id"]},
    )
    db.girls.insert(aunts=db.aunts.insert(name="Ann"))
    db.commit()
    assert db.aunts.filter_by(name="ANN").one().girls == db.girls.all()
    assert [sqlsoup.as_dict(row) for row in db.nieces.all()] == [{"id": 1, "name": "Ann"}]


@pytest.mark.parametrize(
    ("ddl", "generated"),
    [
        ("id INTEGER PRIMARY KEY, n", "id"),
        ("id integer primary key autoincrement, n", "id"),
        ("id INTEGER, n, PRIMARY KEY (id)", "id"),
        ("n, id INTEGER CONSTRAINT c PRIMARY KEY ASC", "id"),
        ("id INT PRIMARY KEY, n", None),
        ("id BIGINT PRIMARY KEY, n", None),
        ("id INTEGER PRIMARY KEY DESC, n", None),
        ("id INTEGER, n INTEGER, PRIMARY KEY (id, n)", None),
        ("id TEXT PRIMARY KEY, n", None),
    ],
)
def test_generated_keys(make: Any, ddl: str, generated: str | None) -> None:
    """Only the rowid is a key that SQLite generates."""
    table = make(f"CREATE TABLE t ({ddl})").t._table
    assert getattr(table.autoincrement_column, "name", None) == generated


@pytest.mark.parametrize(
    ("ddl", "keys"),
    [
        ("INT", [1, "x", 2.5]),
        ("VARCHAR(9)", ["x", b"\x00\xff"]),
        ("BOOLEAN", [True, "perhaps"]),
        ("", [1, "x", b"\x01"]),
    ],
)
@pytest.mark.filterwarnings("ignore:things.id holds values:sqlsoup.SQLSoupWarning")
def test_keys_that_python_does_not_sort(make: Any, ddl: str, keys: list[Any]) -> None:
    """SQLite holds them in one column, and their rows are changed and deleted in one flush."""
    db = make(f"CREATE TABLE things (id {ddl} NOT NULL PRIMARY KEY, word TEXT)")
    things = [db.things.insert(id=key, word="a") for key in keys]
    db.commit()
    for thing in things:
        thing.word = "b"
    db.commit()
    assert {thing.id: thing.word for thing in db.things.all()} == dict.fromkeys(keys, "b")
    for thing in things:
        db.delete(thing)
    db.commit()
    assert db.things.count() == 0


def test_rowids_are_sorted_as_by_declared_models(make: Any) -> None:
    """They are numbers, with or without NOT NULL; sorting others takes a call for each row."""
    db = make("CREATE TABLE things (id INTEGER PRIMARY KEY, word TEXT)")
    assert sa.inspect(db.things).primary_key[0].type.sort_key_function is None


def test_key_of_a_table_without_rowid(make: Any) -> None:
    """A key of a table WITHOUT ROWID is generated by nothing, and is stored as it is given."""
    db = make("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT) WITHOUT ROWID")
    assert db.t._table.autoincrement_column is None
    rows = [db.t.insert(id=n, n=str(n)) for n in (7, 3)]
    db.commit()
    assert [(row.id, row.n) for row in rows] == [(7, "7"), (3, "3")]


IS_THERE = "new.n IN (SELECT n FROM t)"
IGNORE = "BEGIN SELECT RAISE(IGNORE); END"


@pytest.mark.parametrize(
    ("statements", "key"),
    [
        (["CREATE TABLE t (id INTEGER PRIMARY KEY, n UNIQUE ON CONFLICT IGNORE, m)"], "id"),
        (["CREATE TABLE t (n UNIQUE on conflict ignore, m)"], "rowid"),
        (
            [
                "CREATE TABLE t (id INTEGER PRIMARY KEY, n, m)",
                f"CREATE TEMP TRIGGER g BEFORE INSERT ON main.T WHEN {IS_THERE} {IGNORE}",
            ],
            "id",
        ),
    ],
    ids=["conflict", "rowid", "trigger"],
)
def test_row_that_is_ignored(make: Any, statements: list[str], key: str) -> None:
    """A row that the table ignores gets no key of another row; others are stored as ever."""
    db = make("CREATE TABLE other (id INTEGER PRIMARY KEY)", *statements, primary_keys={"t": [key]})
    first, second = (db.t.insert(n=n) for n in ("a", "b"))
    db.commit()
    assert (getattr(first, key), getattr(second, key)) == (1, 2)
    db.other.insert(id=2)  # SQLite tells its key as that of the last row that was stored
    db.flush()
    db.t.insert(n="a")
    with pytest.raises(FlushError, match="did not produce a new primary key"):
        db.flush()
    db.rollback()
    assert sqlsoup.insert_many(db.t, [{"n": "a"}, {"n": "c"}]) == 2
    assert [row.n for row in db.t.order_by(db.t.n)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE t (k INTEGER PRIMARY KEY, n UNIQUE ON CONFLICT IGNORE)"],
        ["CREATE TABLE t (k TEXT PRIMARY KEY, n UNIQUE ON CONFLICT IGNORE)"],
        ["CREATE TABLE t (k TEXT, n UNIQUE ON CONFLICT IGNORE)"],
        [
            "CREATE TABLE t (k INTEGER PRIMARY KEY, n)",
            f"CREATE TRIGGER g BEFORE INSERT ON t WHEN {IS_THERE} {IGNORE}",
        ],
    ],
)
def test_row_with_a_key_that_is_ignored(make: Any, statements: list[str]) -> None:
    """It is not there, and others are; where another has its key, that is what the row shows."""
    db = make(*statements, "INSERT INTO t VALUES ('1', 'a')", primary_keys={"t": ["k"]})
    second, third = db.t.insert(k="2", n="a"), db.t.insert(k="3", n="b")
    db.flush()
    assert db.t.get("2") is None
    with pytest.raises(ObjectDeletedError):
        _ = second.n
    assert (third.n, db.t.count()) == ("b", 2)


def test_key_that_a_trigger_changes_later(make: Any) -> None:
    """SQLite tells nothing of it: the row is not found by what was given, but by its own key."""
    db = make(
        "CREATE TABLE t (k INT PRIMARY KEY, n INT)",
        "CREATE TRIGGER later AFTER INSERT ON t BEGIN UPDATE t SET k = k + 100; END",
    )
    row = db.t.insert(k=1, n=2)
    db.commit()
    with pytest.raises(ObjectDeletedError):
        _ = row.n
    assert [each.k for each in db.t.all()] == [101]


@pytest.mark.parametrize("key", ["id", "rowid"])
def test_row_that_is_not_deleted(make: Any, key: str) -> None:
    """Where a trigger marks it as gone and keeps it there is no warning."""
    db = make(
        f"CREATE TABLE t (id INTEGER {'PRIMARY KEY' if key == 'id' else ''}, gone DEFAULT 0)",
        "INSERT INTO t (id) VALUES (1), (2)",
        "CREATE TRIGGER g BEFORE DELETE ON t BEGIN UPDATE t SET gone = 1 WHERE id = old.id; "
        "SELECT RAISE(IGNORE); END",
        primary_keys={"t": [key]},
    )
    for row in db.t.all():
        db.delete(row)
    db.commit()
    assert [row.gone for row in db.t.all()] == [1, 1]


def test_rows_of_a_tree_that_may_be_ignored(make: Any) -> None:
    """They are stored and deleted in the order that their keys want."""
    db = make(
        "CREATE TABLE t (k TEXT PRIMARY KEY, up TEXT REFERENCES t, n UNIQUE ON CONFLICT IGNORE)",
        "PRAGMA foreign_keys = ON",
    )
    rows = [db.t.insert(k="leaf", up="root", n=1), db.t.insert(k="root", n=2)]
    db.commit()
    assert [(row.k, row.n) for row in rows] == [("leaf", 1), ("root", 2)]
    for row in rows[::-1]:
        db.delete(row)
    db.commit()
    assert db.t.count() == 0


DEFAULTS = [
    *("NULL", "true", "False", "current_date", "-5", "+1.5", "1e3", "x'00ff'", "'a''b:c%d'"),
    *("(1 + 2)", "(lower('X') || 'y')", "active", "k", '"k"', '"a""b"', "`k`", "[a b]", "größe$1"),
]


def test_defaults_of_a_row_in_the_place_of_a_deleted_one(make: Any) -> None:
    """SQLite has no word for the default in an UPDATE, and a name in a DEFAULT is text."""
    columns = ", ".join(f"c{number} DEFAULT {text}" for number, text in enumerate(DEFAULTS))
    db = make(f"CREATE TABLE t (k TEXT PRIMARY KEY, {columns})", "INSERT INTO t (k) VALUES ('x')")
    stored = db.execute("SELECT * FROM t").one()
    row = db.t.one()
    for number in range(len(DEFAULTS)):
        setattr(row, f"c{number}", "other")
    db.commit()
    db.delete(row)
    db.t.insert(k="x")
    db.commit()
    assert db.execute("SELECT * FROM t").one() == stored


def test_row_in_the_place_of_which_another_is_there(make: Any) -> None:
    """A row that was ignored since another has its key shows what that has."""
    db = make(
        "CREATE TABLE t (k INTEGER PRIMARY KEY ON CONFLICT IGNORE, n)",
        "INSERT INTO t VALUES (1, 'there')",
    )
    row = db.t.insert(k=1, n="given")
    db.flush()
    assert (row.n, db.t.count()) == ("there", 1)


def test_generated_columns(make: Any) -> None:
    """Generated columns are left out of INSERT and UPDATE and read back, whatever their names."""
    db = make(
        'CREATE TABLE t (id INTEGER PRIMARY KEY, "a(b" INT,'
        ' twice INT GENERATED ALWAYS AS ("a(b" * 2) STORED,'
        ' d DATE AS (date("a(b" * 86400, \'unixepoch\')), "x, y" AS ("a(b" || \',)\') VIRTUAL)'
    )
    row = db.t.insert(**{"a(b": 1})
    db.commit()
    assert list(sqlsoup.as_dict(row).values()) == [1, 1, 2, dt.date(1970, 1, 2), "1,)"]
    setattr(row, "a(b", 3)
    db.commit()
    assert [bool(column.computed) for column in db.t._table.c] == [False, False, True, True, True]
    assert (row.twice, getattr(row, "x, y")) == (6, "3,)")


# the rowid as a key


def test_rowid(make: Any) -> None:
    """The rowid tells the rows of a table without a key apart, if it is named as the key."""
    db = make("CREATE TABLE t (n TEXT)", "INSERT INTO t VALUES ('a'), ('a')")
    with pytest.raises(SQLSoupError, match="does not have a primary key defined"):
        db.t  # noqa: B018
    t = db.entity("t", primary_key=["rowid"])
    assert sqlsoup.as_dicts(t) == [{"n": "a", "rowid": 1}, {"n": "a", "rowid": 2}]
    rows = [t.insert(n=n) for n in ("b", "c")]
    db.commit()
    assert [(row.n, row.rowid) for row in rows] == [("b", 3), ("c", 4)]
    assert t.get(4) is rows[1]
    rows[0].n = "d"
    db.delete(t.get(1))
    db.commit()
    assert repr(t.order_by(t.rowid).all()) == (
        "[MappedT(n='a',rowid=2), MappedT(n='d',rowid=3), MappedT(n='c',rowid=4)]"
    )
    assert db.t is t
    assert SQLSoup(db._metadata).t.count() == 3


@pytest.mark.parametrize("name", ["rowid", "oid", "_rowid_", "ROWID"])
def test_names_of_the_rowid(make: Any, name: str) -> None:
    """It has three names, in any case, of which primary_keys may have one."""
    db = make("CREATE TABLE t (n TEXT)", primary_keys={"t": [name]})
    row = db.t.insert(n="a")
    db.commit()
    assert getattr(row, name) == 1
    assert sa.inspect(db.t).primary_key[0].name == name


def test_column_of_that_name(make: Any) -> None:
    """A column that is called so is no rowid."""
    db = make(
        "CREATE TABLE t (rowid TEXT, OID INT)",
        "INSERT INTO t VALUES ('a', 5)",
        primary_keys={"t": ["rowid"]},
    )
    assert sqlsoup.as_dicts(db.t) == [{"rowid": "a", "OID": 5}]
    with pytest.raises(ArgumentError, match=r"^'t' has no column 'oid' for its primary key"):
        db.map_to("again", tablename="t", mapper_args={"primary_key": ["oid"]})


def test_rowid_of_a_table_with_a_key(make: Any) -> None:
    """It may take the place of a key, as of one that is NULL in several rows."""
    db = make("CREATE TABLE t (id TEXT PRIMARY KEY)", "INSERT INTO t VALUES (NULL), (NULL)")
    t = db.entity("t", primary_key=["rowid"])
    assert [row.rowid for row in t.all()] == [1, 2]
    row = t.insert()
    db.commit()
    assert (row.id, row.rowid) == (None, 3)


@pytest.mark.parametrize(
    "ddl",
    [
        "CREATE TABLE t (id TEXT PRIMARY KEY) WITHOUT ROWID",
        "CREATE VIEW t AS SELECT 1 AS n",
    ],
)
def test_what_has_no_rowid(make: Any, ddl: str) -> None:
    """A table WITHOUT ROWID has none, and no view has one."""
    with pytest.raises(ArgumentError, match=r"^'t' has no column 'rowid' for its primary key$"):
        make(ddl).entity("t", primary_key=["rowid"])


def test_rowid_of_what_was_brought(make: Any) -> None:
    """A Table of the user's own and what is no table are left as they are."""
    db = make("CREATE TABLE t (n TEXT)")
    mine = sa.Table("t", db._metadata, sa.Column("n", sa.Text))
    with pytest.raises(ArgumentError, match=r"^'t' has no column 'rowid'"):
        db.entity("t", primary_key=["rowid"])
    part = sa.select(mine).subquery("part")
    with pytest.raises(ArgumentError, match=r"^'part' has no column 'rowid'"):
        db.map_to("p", selectable=part, mapper_args={"primary_key": ["rowid"]})


def test_full_text_search(make: Any) -> None:
    """Rows of FTS5 are found, inserted with their rowid read back, changed and deleted."""
    db = make("CREATE VIRTUAL TABLE f USING fts5(x)", "INSERT INTO f VALUES ('hello world')")
    f = db.entity("f", primary_key=["rowid"])
    assert sqlsoup.as_dicts(f) == [{"x": "hello world", "rowid": 1}]
    rows = [f.insert(x=x) for x in ("one", "two", "three")]
    db.commit()
    assert [row.rowid for row in rows] == [2, 3, 4]
    rows[0].x = "uno"
    db.delete(rows[1])
    db.commit()
    assert f.filter(sa.text("f MATCH 'uno'")).one() is rows[0]
    assert [row.x for row in f.order_by(f.rowid)] == ["hello world", "uno", "three"]


@pytest.mark.skipif(sqlite_version_info < (3, 37), reason="SQLite does not tell of them")
def test_tables_of_full_text_search(make: Any) -> None:
    """Those in which it keeps its rows are not listed; each is there when it is asked for."""
    db = make(
        "CREATE VIRTUAL TABLE f USING fts5(x)",
        "CREATE VIEW v AS SELECT x FROM f",
        "ATTACH ':memory:' AS other",
        "CREATE VIRTUAL TABLE other.g USING fts5(x)",
    )
    assert list(db) == sqlsoup.reflect(db) == ["f", "v"]
    assert "f_data" in db
    db.schema = "other"
    assert list(db) == ["g"]


def test_other_virtual_table(make: Any) -> None:
    """So are those of an R-tree, by its own key or the rowid."""
    db = make("CREATE VIRTUAL TABLE r USING rtree(id, low, high)")
    r = db.entity("r", primary_key=["rowid"])
    row = r.insert(low=1, high=2)
    db.commit()
    assert sqlsoup.as_dict(row) == {"id": 1, "low": 1.0, "high": 2.0, "rowid": 1}


def test_rowid_and_foreign_keys(make: Any) -> None:
    """A table that has its rowid for a key keeps its foreign keys, and relationships find it."""
    db = make(
        "CREATE TABLE a (id INTEGER PRIMARY KEY)",
        "INSERT INTO a VALUES (1)",
        "CREATE TABLE t (a_id INT REFERENCES a, n TEXT UNIQUE)",
        "INSERT INTO t VALUES (1, 'x')",
        primary_keys={"t": "rowid"},
    )
    assert db.t.get(1).a.id == 1
    assert db.a.get(1).t == [db.t.get(1)]
    assert unique_keys(db.t._table) == [{"rowid"}, {"n"}]


@pytest.fixture
def statements_of() -> Any:
    """Listen to the statements of an engine."""
    listening: list[Any] = []

    def listen(engine: sa.Engine) -> list[str]:
        seen: list[str] = []

        def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
            seen.append(statement)

        sa.event.listen(engine, "before_cursor_execute", note)
        listening.append((engine, note))
        return seen

    yield listen
    for engine, note in listening:
        sa.event.remove(engine, "before_cursor_execute", note)


# names in another case


def test_names_in_another_case(make: Any) -> None:
    """A table is found in any case, with its keys, and is one table for all of them."""
    db = make(
        "CREATE TABLE Parts (Id INTEGER PRIMARY KEY, kind INT REFERENCES KINDS (ID))",
        "CREATE TABLE kinds (id INTEGER PRIMARY KEY)",
        "CREATE TABLE Bare (n INT)",
        primary_keys={"Bare": ["n"]},
    )
    assert [column.name for column in sa.inspect(db.parts).primary_key] == ["Id"]
    assert db.parts is db.Parts is db.PARTS
    assert [key.target_fullname for key in db.parts._table.foreign_keys] == ["kinds.id"]
    assert db.bare._table.name == "Bare"
    bare = SQLSoup(db.engine).entity("BARE", primary_key=["n"])
    assert [column.name for column in sa.inspect(bare).primary_key] == ["n"]
    assert db.join(db.parts, db.Kinds).c.keys() == ["Id", "kind", "id"]
    part = db.parts.insert(kind=1)
    db.kinds.insert(id=1, Parts=[part])
    db.commit()
    assert db.Parts.get(1).kinds is db.kinds.get(1)


def test_another_case_in_a_schema(make: Any) -> None:
    """So it is in a schema that is named."""
    db = make(
        "ATTACH ':memory:' AS \"an:nex\"", 'CREATE TABLE "an:nex".Parts (n INTEGER PRIMARY KEY)'
    )
    cls = db.entity("parts", "an:nex")
    assert cls._table.fullname == "an:nex.Parts"
    assert db.entity("parts", "an:nex") is cls
    assert type(cls.insert(n=None)) is cls
    db.commit()
    assert cls.count() == 1


# foreign keys

PARENT = "CREATE TABLE parent (id INTEGER PRIMARY KEY, a INT, b INT, UNIQUE (a, b))"
PAIR = "CREATE TABLE pair (a INT, b INT, PRIMARY KEY (a, b))"


@pytest.mark.parametrize(
    ("ddl", "expected"),
    [
        ("p INT REFERENCES parent", ["parent.id"]),
        ("p INT REFERENCES PARENT", ["parent.id"]),
        ("p INT REFERENCES Parent (ID)", ["parent.id"]),
        ('p INT REFERENCES "parent"("id")', ["parent.id"]),
        ("p INT REFERENCES [parent](`id`) ON DELETE CASCADE", ["parent.id"]),
        ("p INT CONSTRAINT\nlong REFERENCES\n parent\n(id)", ["parent.id"]),
        ("p INT, FOREIGN KEY(p)REFERENCES parent(id)", ["parent.id"]),
        ("p INT REFERENCES parent (id), FOREIGN KEY (p) REFERENCES Parent (Id)", ["parent.id"]),
        ("p INT, q INT, FOREIGN KEY (q, p) REFERENCES pair", ["pair.a", "pair.b"]),
        ("p INT, q INT, FOREIGN KEY (P, Q) REFERENCES PAIR (B, A)", ["pair.a", "pair.b"]),
        ("p INT, q INT, FOREIGN KEY (p, q) REFERENCES parent (a, b)", ["parent.a", "parent.b"]),
        ("p INT /* FOREIGN KEY (p) REFERENCES parent (id) */", []),
        ("p INT -- , FOREIGN KEY (p) REFERENCES old (id)\n", []),
        ("p TEXT DEFAULT ', FOREIGN KEY (p) REFERENCES old (id)'", []),
        ("p INT REFERENCES t", ["t.k"]),
        ("p INT REFERENCES gone (id)", ["gone.id"]),
        ("p INT REFERENCES seen (id)", ["seen.id"]),
    ],
)
def test_foreign_keys(make: Any, ddl: str, expected: list[str]) -> None:
    """Foreign keys are those that PRAGMA tells, and lead to the columns that SQLite finds."""
    columns, _, constraints = ddl.partition(", FOREIGN KEY")
    constraints = f", FOREIGN KEY{constraints}" if constraints and "/*" not in ddl else ""
    if "--" in ddl or "DEFAULT" in ddl or "/*" in ddl:
        columns, constraints = ddl, ""
    db = make(
        PARENT,
        PAIR,
        "CREATE VIEW seen AS SELECT * FROM parent",
        f"CREATE TABLE t (k INTEGER PRIMARY KEY, {columns}{constraints})",
    )
    assert sorted(key.target_fullname for key in db.t._table.foreign_keys) == expected
    assert len(db.t._table.foreign_key_constraints) == bool(expected)
    assert db.t.insert(p=None).k is None
    db.commit()
    assert db.t.count() == 1


def test_one_target_in_two_cases(make: Any) -> None:
    """Keys without columns that spell their table in two ways both lead to its primary key."""
    db = make(PARENT, "CREATE TABLE t (p INT REFERENCES parent, q INT REFERENCES PARENT)")
    keys = db.entity("t", primary_key=["rowid"])._table.foreign_keys
    assert [key.target_fullname for key in keys] == ["parent.id", "parent.id"]


def test_a_primary_key_in_another_order(make: Any) -> None:
    """A key without columns leads to those of the primary key in the order of that."""
    db = make(
        "CREATE TABLE turned (a INT, b INT, PRIMARY KEY (b, a))",
        "CREATE TABLE t (p INT, q INT, FOREIGN KEY (p, q) REFERENCES Turned)",
    )
    keys = db.entity("t", primary_key=["rowid"])._table.foreign_keys
    assert {key.parent.name: key.target_fullname for key in keys} == {
        "p": "turned.b",
        "q": "turned.a",
    }


def test_columns_named_like_those_of_the_target(make: Any) -> None:
    """What is known of a column is not what is known of one of that name in another table."""
    db = make(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY, v UNHEARD_OF)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY REFERENCES parent, v NUMERIC(5, 2))",
    )
    db.t.insert(id=1, v=Decimal("1.5"))
    db.commit()
    assert str(db.t.first().v) == "1.50"


def test_triggers_named_like_tables(make: Any) -> None:
    """A trigger may be called like its table, or like what that refers to."""
    nothing = "BEFORE DELETE ON {} BEGIN SELECT 1; END"
    db = make(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, p INT REFERENCES PARENT ON UPDATE CASCADE)",
        f"CREATE TRIGGER t {nothing.format('t')}",
        f"CREATE TRIGGER parent {nothing.format('parent')}",
    )
    assert [key.target_fullname for key in db.t._table.foreign_keys] == ["parent.id"]
    assert db.entity("T") is db.t
    assert not db.t._table.info


@pytest.mark.parametrize(
    ("ddl", "problem"),
    [
        ("REFERENCES nowhere", "of p is left out, since 'nowhere' is not there"),
        ("REFERENCES pair", "of p is left out, since 'pair' has a primary key of 2 columns"),
        ("REFERENCES bare", "of p is left out, since 'bare' has no primary key"),
        ("REFERENCES seen", "of p is left out, since 'seen' has no primary key"),
        ("REFERENCES parent (no)", "of p is left out, since 'parent' has no column 'no'"),
        ("REFERENCES pair (rowid)", "of p is left out, since 'pair' has no column 'rowid'"),
    ],
)
def test_foreign_keys_that_lead_nowhere(make: Any, ddl: str, problem: str) -> None:
    """A key that SQLite cannot use is left out with one warning, and no relationship is there."""
    statements = [
        *(PARENT, PAIR, "CREATE TABLE bare (x INT)", "CREATE VIEW seen AS SELECT x FROM bare"),
        f"CREATE TABLE t (k INTEGER PRIMARY KEY, p INT {ddl}, q INT REFERENCES parent)",
        "INSERT INTO parent (id) VALUES (5)",
        "INSERT INTO t VALUES (1, 2, 5)",
    ]
    db = make(*statements)
    with pytest.warns(SQLSoupWarning) as warned:
        assert db.t.get(1).parent.t == [db.t.get(1)]
    assert told(warned) == [
        f"t: the foreign key {problem}; give relate() its primaryjoin and foreign_keys"
    ]
    assert [warning.filename for warning in warned] == [__file__]
    assert [key.target_fullname for key in db.t._table.foreign_keys] == ["parent.id"]
    if "pair" in ddl:
        assert "t" not in dir(db.pair)
        assert not hasattr(db.pair, "t")
    sqlsoup.refresh(db)
    with pytest.warns(SQLSoupWarning, match="^t: the foreign key of p"):
        assert db.t.count() == 1


def test_join_beside_a_key_that_was_left_out(make: Any) -> None:
    """A key that names a column which is not there is in the way of no join and no other key."""
    db = make(
        PAIR,
        "INSERT INTO pair VALUES (1, 2)",
        "CREATE TABLE t (k INTEGER PRIMARY KEY, p INT, q INT, FOREIGN KEY (p, q) REFERENCES pair "
        "(a, no), FOREIGN KEY (p, q) REFERENCES pair (B, A))",
        "INSERT INTO t VALUES (1, 2, 1)",
    )
    assert [name for name in dir(db.pair) if name in {"t", "t_p_q"}] == ["t"]
    with pytest.warns(SQLSoupWarning):
        assert db.pair.one().t == [db.t.get(1)]
    assert db.with_labels(db.join(db.t, db.pair, db.t.p == db.pair.b)).count() == 1
    assert db.join(db.t, db.pair).one().a == 1


def test_left_out_where_warnings_are_errors(make: Any) -> None:
    """The table can be used where warnings are errors."""
    db = make("CREATE TABLE t (k INTEGER PRIMARY KEY, p INT REFERENCES nowhere)")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert db.t.count() == 0


def test_relationship_of_a_key_that_was_left_out(make: Any) -> None:
    """What the warning says works."""
    db = make(PAIR, "CREATE TABLE t (k INTEGER PRIMARY KEY, p INT REFERENCES pair)")
    db.pair.insert(a=1, b=2)
    with pytest.warns(SQLSoupWarning):
        row = db.t.insert(p=1)
    join = db.t.p == db.pair.a
    db.t.relate("pair", db.pair, primaryjoin=join, foreign_keys=[db.t.c.p])
    db.commit()
    assert row.pair is db.pair.one()


def test_key_to_a_view(make: Any) -> None:
    """A key to a view gives a relationship where the key of the view is named."""
    db = make(
        PARENT,
        "INSERT INTO parent (id) VALUES (5)",
        "CREATE VIEW seen AS SELECT id FROM parent",
        "CREATE TABLE t (k INTEGER PRIMARY KEY, p INT REFERENCES Seen (ID))",
        "INSERT INTO t VALUES (1, 5)",
        primary_keys={"seen": ["id"]},
    )
    assert db.t.get(1).seen.id == 5
    assert db.seen.get(5).t == [db.t.get(1)]


def test_keys_of_temporary_tables(make: Any) -> None:
    """Temporary tables have theirs too."""
    db = make(
        "CREATE TEMPORARY TABLE parent (Id INTEGER PRIMARY KEY, u TEXT UNIQUE)",
        "CREATE TEMPORARY TABLE t (k INT PRIMARY KEY, p INT REFERENCES PARENT, v STRING)",
    )
    assert [key.target_fullname for key in db.t._table.foreign_keys] == ["parent.Id"]
    assert db.t._table.autoincrement_column is None
    assert unique_keys(db.parent._table) == [{"Id"}, {"u"}]


def test_keys_of_a_temporary_table_stay_in_its_place(make: Any) -> None:
    """What a temporary table refers to is another one, whatever else there is of that name."""
    db = make(
        "CREATE TABLE Parent (other INTEGER PRIMARY KEY)",
        "CREATE TEMPORARY TABLE PARENT (Id INTEGER PRIMARY KEY)",
        "CREATE TEMPORARY TABLE t (k INTEGER PRIMARY KEY, p INT REFERENCES parent)",
    )
    assert [key.target_fullname for key in db.t._table.foreign_keys] == ["PARENT.Id"]


def test_a_temporary_table_before_another(make: Any) -> None:
    """All that is known of a temporary table is its own, and the other one has its schema."""
    db = make(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        "CREATE TABLE t (k INTEGER PRIMARY KEY, p INT REFERENCES parent, u UNIQUE, n CHECK (n))",
        "CREATE TEMPORARY TABLE Parent (name TEXT PRIMARY KEY)",
        "CREATE TEMPORARY TABLE t (name TEXT REFERENCES parent, b INT, UNIQUE (name, b))",
        primary_keys={"t": ["name"]},
    )
    hidden, other = db.t._table, db.entity("t", "main", primary_key=["k"])._table
    assert [key.target_fullname for key in hidden.foreign_keys] == ["Parent.name"]
    checks = [
        sum(isinstance(each, sa.CheckConstraint) for each in table.constraints)
        for table in (hidden, other)
    ]
    assert checks == [0, 1]
    assert unique_keys(hidden) == [set(), {"name", "b"}]
    assert [key.target_fullname for key in other.foreign_keys] == ["main.parent.id"]
    assert unique_keys(other) == [{"k"}, {"u"}]
    assert db["parent"].c.keys() == ["name"]


def test_a_temporary_table_by_its_schema(make: Any) -> None:
    """The schema of temporary tables is ``temp``, whatever there is in ``main``."""
    db = make(
        "CREATE TABLE t (id INTEGER PRIMARY KEY)",
        "CREATE TEMPORARY TABLE t (k INTEGER PRIMARY KEY)",
        "CREATE TEMPORARY VIEW v AS SELECT 1 AS one",
        primary_keys={"temp.v": ["one"]},
    )
    found = [db[name].c.keys() for name in ("temp.t", "main.t", "temp.v")]
    assert found == [["k"], ["id"], ["one"]]
    assert ["temp.t" in db, "temp.parent" in db] == [True, False]
    db["temp.t"].insert()
    db.commit()
    assert (db.t.count(), db["main.t"].count()) == (1, 0)


def test_column_without_a_name(make: Any) -> None:
    """It is left out with a warning, which is no error, and the others are used."""
    db = make(
        'CREATE TABLE t (id INTEGER PRIMARY KEY, "" TEXT DEFAULT 0, a TEXT, UNIQUE ("", a))',
        "INSERT INTO t VALUES (1, 'x', 'y')",
    )
    with pytest.warns(SQLSoupWarning) as warned:
        row = db.t.one()
    way_out = 'ALTER TABLE ... RENAME COLUMN "" TO ... gives it one'
    assert told(warned) == [f"t: the column without a name is left out; {way_out}"]
    assert sqlsoup.as_dict(row) == {"id": 1, "a": "y"}
    row.a = "z"
    db.t.insert(a="new")
    db.commit()
    assert [*map(tuple, db.execute("SELECT * FROM t"))] == [(1, "x", "z"), (2, "0", "new")]


def test_the_catalog_itself(make: Any) -> None:
    """It is a table of which the catalog says nothing."""
    db = make("CREATE TABLE t (k INTEGER PRIMARY KEY)", primary_keys={"sqlite_master": ["name"]})
    assert [row.name for row in db.sqlite_master.all()] == ["t"]


def test_foreign_keys_in_an_attached_database(make: Any) -> None:
    """So have those of an attached database."""
    db = make(
        "ATTACH ':memory:' AS annex",
        "CREATE TABLE annex.parent (Id INTEGER PRIMARY KEY)",
        "CREATE TABLE annex.t (k INTEGER PRIMARY KEY, p INT REFERENCES PARENT)",
    )
    db.schema = "annex"
    (key,) = db.t._table.foreign_keys
    assert key.target_fullname == "annex.parent.Id"
    assert db.t.insert(parent=db.parent.insert(Id=4)).parent.t == [db.t.one()]


# unique constraints


@pytest.mark.parametrize(
    ("ddl", "expected"),
    [
        ("x INT UNIQUE", [{"x"}]),
        ("x UNIQUE", [{"x"}]),
        ("y INT, x INT NOT NULL DEFAULT 5 CHECK (x > 0) UNIQUE", [{"x"}]),
        ("y TEXT DEFAULT 'UNIQUE', x\nINT\nUNIQUE", [{"x"}]),
        ('"x y" INT UNIQUE', [{"x y"}]),
        ("[x y] INT UNIQUE", [{"x y"}]),
        ("`x y` INT UNIQUE", [{"x y"}]),
        ("x INT, y INT, UNIQUE (Y, X)", [{"x", "y"}]),
        ("x INT, y INT, CONSTRAINT [c d] UNIQUE(x), UNIQUE ( y )", [{"x"}, {"y"}]),
        ("x DECIMAL(10, 2) UNIQUE ON CONFLICT IGNORE", [{"x"}]),
        ("x INT UNIQUE, UNIQUE (x)", [{"x"}]),
        ("x INT /* UNIQUE */", []),
        ("x INT -- UNIQUE\n", []),
        ("x TEXT DEFAULT 'a UNIQUE'", []),
    ],
)
def test_unique_constraints(make: Any, ddl: str, expected: list[set[str]]) -> None:
    """Unique constraints are found however they are written."""
    table = make(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {ddl})").t._table
    assert sorted(map(sorted, unique_keys(table))) == sorted(map(sorted, [{"id"}, *expected]))


@pytest.mark.parametrize(
    ("ddl", "expected"),
    [
        ("UNIQUE INDEX i ON t (x)", [{"x"}]),
        ("UNIQUE INDEX i ON t (x COLLATE NOCASE DESC, y)", [{"x", "y"}]),
        ("INDEX i ON t (x)", []),
        ("UNIQUE INDEX i ON t (x) WHERE y > 0", []),
        ("UNIQUE INDEX i ON t (x)WHERE y > 0", []),
        ("UNIQUE INDEX i ON t (x)/**/\nWHERE\ny > 0", []),
        ("UNIQUE INDEX i ON t (lower(x))", []),
        ("UNIQUE INDEX i ON t (x, y + 1)", []),
        ("UNIQUE INDEX i ON t (x, y + 1) WHERE y", []),
    ],
)
def test_unique_indexes(make: Any, ddl: str, expected: list[set[str]]) -> None:
    """So are unique indexes, of all rows and of columns alone; no other gives a warning."""
    db = make("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, y INT)", f"CREATE {ddl}")
    assert unique_keys(db.t._table) == [{"id"}, *expected]
    assert "id" in db.t.__doc__


def test_names_of_unique_constraints(make: Any) -> None:
    """They have the names that they were given."""
    table = make(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT UNIQUE, y INT, CONSTRAINT c UNIQUE (y))"
    ).t._table
    found = {
        tuple(each.columns.keys()): each.name
        for each in table.constraints
        if isinstance(each, sa.UniqueConstraint)
    }
    assert found == {("x",): None, ("y",): "c"}


def test_one_to_one(make: Any) -> None:
    """A foreign key that is unique gives one row and no list."""
    db = make(
        PARENT,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, p INT NOT NULL REFERENCES parent (id) UNIQUE)",
    )
    row = db.t.insert(parent=db.parent.insert(id=1))
    db.commit()
    assert row.parent.t is row


# views

VIEW = [
    "CREATE TABLE a (id INTEGER PRIMARY KEY, n TEXT DEFAULT 'none', m INT NOT NULL DEFAULT 7)",
    "INSERT INTO a VALUES (1, 'x', 5), (2, 'y', 6)",
    "CREATE VIEW v AS SELECT id, n, m FROM a",
    """CREATE TRIGGER i INSTEAD OF INSERT ON v BEGIN
        INSERT INTO a VALUES (NEW.id, coalesce(NEW.n, 'new'), coalesce(NEW.m, 8)); END""",
    """CREATE TRIGGER u INSTEAD OF UPDATE ON v BEGIN
        UPDATE a SET id = NEW.id, n = NEW.n, m = NEW.m WHERE id = OLD.id; END""",
    "CREATE TRIGGER d INSTEAD OF DELETE ON v BEGIN DELETE FROM a WHERE id = OLD.id; END",
]


@pytest.fixture
def view(make: Any) -> SQLSoup:
    """A view with INSTEAD OF triggers."""
    db: SQLSoup = make(*VIEW, primary_keys={"v": ["id"]})
    return db


def test_row_of_a_view_is_changed(view: SQLSoup) -> None:
    """Changes of rows of a view are stored by its triggers, and so are changes of their keys."""
    one, two = view.v.order_by("id").all()
    one.n = two.n = "z"
    view.commit()
    assert [row.n for row in view.a.all()] == ["z", "z"]
    one.n, two.m = "one", 9
    view.commit()
    assert [(row.n, row.m) for row in view.a.order_by("id")] == [("one", 5), ("z", 9)]
    one.id = 10
    view.commit()
    assert [row.id for row in view.a.order_by("id")] == [2, 10]
    assert view.v.get(10) is one


def test_row_of_a_view_that_is_gone(view: SQLSoup) -> None:
    """A change of a row that is not there any more is an error, and nothing is stored."""
    one, two = view.v.order_by("id").all()
    view.execute("DELETE FROM a WHERE id = 2")
    one.n = two.n = "z"
    message = r"^UPDATE statement on table 'v' expected to update 1 row\(s\); 0 were matched\.$"
    with pytest.raises(StaleDataError, match=message):
        view.commit()
    view.rollback()
    assert [row.n for row in view.a.order_by("id")] == ["x", "y"]


def test_counts_after_a_view(view: SQLSoup) -> None:
    """Rows of tables are counted by the driver, in the same transaction too."""
    row, gone = view.v.get(1), view.a.get(2)
    row.n = "z"
    view.flush()
    assert view.v.filter_by(id=1).update({"n": "zz"}) == 0  # SQLite counts none
    view.execute("DELETE FROM a WHERE id = 2")
    gone.n = "lost"
    with pytest.raises(StaleDataError, match=r"^UPDATE statement on table 'a' expected"):
        view.flush()
    view.rollback()


def test_row_of_a_view_is_not_changed(view: SQLSoup) -> None:
    """What is set to the value it has sends nothing."""
    row = view.v.get(1)
    row.n = row.n + ""
    view.commit()
    assert row.n == "x"


def test_row_goes_into_a_view(view: SQLSoup) -> None:
    """What is not given is what trigger and table make of it."""
    rows = [view.v.insert(id=20), view.v.insert(id=21, n="given"), view.v.insert(id=22, m=1)]
    view.commit()
    assert [(row.n, row.m) for row in rows] == [("new", 8), ("given", 8), ("new", 1)]


def test_row_of_a_view_is_shown_as_it_became(view: SQLSoup) -> None:
    """Before a commit, too, it is what its trigger made of it."""
    row = view.v.insert(id=20)
    view.flush()
    assert (row.n, row.m) == ("new", 8)
    view.execute("CREATE TRIGGER more AFTER UPDATE OF n ON a BEGIN UPDATE a SET m = 9; END")
    row.n = "changed"
    view.flush()
    assert (row.n, row.m) == ("changed", 9)


def test_keys_of_several_types(make: Any) -> None:
    """Rows are changed and deleted together whose keys Python cannot sort."""
    db = make(
        "CREATE TABLE t (k PRIMARY KEY, n)", "INSERT INTO t VALUES (1, 0), ('a', 0), (x'00', 0)"
    )
    for row in db.t.all():
        row.n = 1
    db.commit()
    assert db.t.filter_by(n=1).count() == 3
    for row in db.t.all():
        db.delete(row)
    db.commit()
    assert db.t.count() == 0


def test_row_goes_into_a_view_without_a_key(view: SQLSoup) -> None:
    """SQLite does not tell the key of such a row: an error says so, and nothing is stored."""
    view.v.insert(n="q")
    message = (
        "^'id' of MappedV wants a value: "
        "SQLite does not tell the key of a row that is inserted into a view$"
    )
    with pytest.raises(SQLSoupError, match=message):
        view.commit()
    view.rollback()
    assert view.a.count() == 2


def test_row_of_a_view_is_deleted(view: SQLSoup) -> None:
    """Rows are deleted by triggers."""
    view.delete(view.v.get(1))
    view.commit()
    assert [row.id for row in view.a.all()] == [2]


def test_row_of_a_view_takes_the_place_of_another(view: SQLSoup) -> None:
    """SQLAlchemy changes a row that is deleted and inserted in one flush."""
    view.delete(view.v.get(1))
    row = view.v.insert(id=1, n="new")
    view.commit()
    assert row.n == view.a.get(1).n == "new"
    assert view.v.count() == 2


def test_view_without_triggers(make: Any) -> None:
    """A view that cannot be changed says so, in the words of SQLite."""
    db = make(*VIEW[:3], primary_keys={"v": ["id"]})
    db.v.get(1).n = "z"
    with pytest.raises(sa.exc.OperationalError, match="cannot modify v because it is a view"):
        db.commit()
    db.rollback()


def test_change_of_a_named_key(make: Any) -> None:
    """A change of a key that was named is stored, though the old one was not loaded."""
    db = make("CREATE TABLE t (n TEXT, k INT)", "INSERT INTO t VALUES ('a', 1)")
    row = db.entity("t", primary_key=["k"]).get(1)
    db.commit()
    row.k = 2
    db.commit()
    assert db.execute("SELECT n, k FROM t").all() == [("a", 2)]
    assert repr(row) == "MappedT(n='a',k=2)"


@pytest.mark.parametrize("key", ["p INT", "p INT REFERENCES parent"])
def test_what_else_a_table_has(make: Any, key: str) -> None:
    """Check constraints and options are those that SQLAlchemy finds."""
    db = make(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        f"CREATE TABLE checked (id INTEGER PRIMARY KEY, {key}, check (p > 4))",
        f"CREATE TABLE strict (id INTEGER PRIMARY KEY, {key}) strict",
        f"CREATE TABLE without (id INTEGER PRIMARY KEY, {key}) without rowid",
        f"CREATE TABLE plain (id INTEGER PRIMARY KEY, {key})",
    )
    for name in ("checked", "strict", "without", "plain"):
        found, plain = db[name]._table, sa.Table(name, sa.MetaData(), autoload_with=db.engine)
        assert checks(found) == checks(plain)
        assert len(checks(found)) == (name == "checked")
        assert dict(found.dialect_kwargs) == dict(plain.dialect_kwargs)


def checks(table: sa.Table) -> list[str]:
    """Return the conditions of check constraints."""
    return [str(each.sqltext) for each in table.constraints if isinstance(each, sa.CheckConstraint)]


# what it costs


@pytest.mark.parametrize(
    ("name", "more"), [("bare", -6), ("plain", -6), ("child", -6), ("full", 2), ("v", -6)]
)
def test_statements(
    empty: sa.Engine,
    make: Any,
    statements_of: Callable[[sa.Engine], list[str]],
    name: str,
    more: int,
) -> None:
    """A first access sends at most two statements more than SQLAlchemy does for the table.

    What has no index it is not asked for; nor what has no check constraint and no options, for
    which SQLAlchemy 2.1 reads the catalog.
    """
    db = make(
        "CREATE TABLE bare (n INT)",
        "CREATE TABLE plain (id INTEGER PRIMARY KEY)",
        "CREATE TABLE child (id INTEGER PRIMARY KEY, p INT REFERENCES plain)",
        "CREATE TABLE full (id INT PRIMARY KEY, p INT REFERENCES plain, q INT REFERENCES plain,"
        " d DATE UNIQUE, g INT AS (p + 1))",
        "CREATE UNIQUE INDEX i ON full (p) WHERE q",
        "CREATE INDEX e ON full (p + q)",
        "CREATE VIEW v AS SELECT * FROM full",
        primary_keys={"bare": ["n"], "v": ["id"]},
    )
    seen = statements_of(empty)
    with empty.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sa.Table(name, sa.MetaData(), autoload_with=connection, resolve_fks=False)
    alone = len(seen)
    seen.clear()
    assert sa.inspect(db[name]).local_table.name == name
    assert len(seen) - alone == more


def test_what_a_trigger_changes_later_is_shown(make: Any) -> None:
    """Before a commit, too, a row shows what a trigger of its table has made of it afterwards."""
    db = make(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT, upper TEXT)",
        """CREATE TRIGGER inserted AFTER INSERT ON t BEGIN
            UPDATE t SET upper = upper(new.n) WHERE id = new.id; END""",
        """CREATE TRIGGER updated AFTER UPDATE OF n ON T BEGIN
            update t SET upper = upper(new.n) WHERE id = new.id; END""",
        "CREATE TABLE r (id INTEGER PRIMARY KEY, n TEXT, upper TEXT)",
        """CREATE TRIGGER replaced AFTER UPDATE OF n ON r BEGIN
            REPLACE INTO r VALUES (new.id, new.n, upper(new.n)); END""",
        "CREATE TABLE log (n TEXT)",
        "CREATE TABLE logged (id INTEGER PRIMARY KEY, n TEXT)",
        "CREATE TRIGGER l AFTER UPDATE ON logged BEGIN INSERT INTO log VALUES (new.n); END",
    )
    rows = [db.t.insert(n=n) for n in "ab"]
    logged, replaced = db.logged.insert(n="a"), db.r.insert(n="a")
    db.flush()
    assert [(row.id, row.upper) for row in rows] == [(1, "A"), (2, "B")]
    rows[0].n = logged.n = replaced.n = "c"
    db.flush()
    assert (rows[0].upper, replaced.upper) == ("C", "C")
    assert not sa.inspect(logged).expired_attributes
