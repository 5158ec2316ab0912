"""MariaDB: what its catalog says of tables, and how rows of them are stored and read."""

from __future__ import annotations

import datetime as dt
import re
import uuid

import pytest
import sqlalchemy as sa
from conftest import URLS, empty, run

import sqlsoup
from sqlsoup import SQLSoup, SQLSoupError, _counts
from sqlsoup import _mariadb_facts as facts
from sqlsoup import _mariadb_references as references
from sqlsoup._in_place import plain

SERVERS = [url for url in URLS if sa.make_url(url).get_backend_name() == "mysql"]
pytestmark = pytest.mark.parametrize("server", SERVERS, ids=["mysql"] * len(SERVERS), indirect=True)


@pytest.fixture(params=["mysql", "mariadb"])
def engine(request, server, make_engine):
    """An engine on an empty database, by each of the two dialects."""
    engine = make_engine(sa.make_url(server).set(drivername=f"{request.param}+pymysql"))
    yield engine
    sqlsoup.Session.remove()
    empty(engine)
    with engine.begin() as connection:
        for name, kind in connection.exec_driver_sql("SHOW FULL TABLES").all():
            connection.exec_driver_sql(f"DROP {kind} {name}")


@pytest.fixture
def db(engine):
    """A SQLSoup on that database."""
    return SQLSoup(engine)


def insert(cls, number=6, **values):
    """Store rows at one flush, and return them; each has a number of its own in ``n``."""
    rows = [cls.insert(n=n, **values) for n in range(number)]
    cls.session.flush()
    return rows


def inserts(statements):
    """Count the INSERTs among the statements."""
    return sum(statement.startswith("INSERT") for statement in statements)


# keys


ONE_BY_ONE = {
    "a trigger that sets the key": [
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT)",
        "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.id = 100 - NEW.n",
    ],
    "a trigger that makes a key of text": [
        "CREATE TABLE t (id VARCHAR(9) PRIMARY KEY, n INT)",
        "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.id = CONCAT('k', 9 - NEW.n)",
    ],
    "a sequence that counts down": [
        "CREATE SEQUENCE s START WITH -1 INCREMENT BY -1",
        "CREATE TABLE t (id INT DEFAULT nextval(s) PRIMARY KEY, n INT)",
    ],
    "a sequence that cycles": [
        "CREATE SEQUENCE s START WITH 7 MINVALUE 1 MAXVALUE 9 CYCLE NOCACHE",
        "CREATE TABLE t (id INT DEFAULT nextval(s) PRIMARY KEY, n INT)",
    ],
    "uuid()": ["CREATE TABLE t (id UUID DEFAULT uuid() PRIMARY KEY, n INT)"],
    "uuid() as text": ["CREATE TABLE t (id VARCHAR(36) DEFAULT uuid() PRIMARY KEY, n INT)"],
    "an expression": [
        "CREATE TABLE t (id INT DEFAULT (uuid_short() MOD 100000) PRIMARY KEY, n INT)"
    ],
    "a number within a group": [
        "CREATE TABLE t (g INT, id INT AUTO_INCREMENT, n INT, PRIMARY KEY (g, id)) ENGINE = MyISAM"
    ],
}


@pytest.mark.parametrize("ddl", ONE_BY_ONE.values(), ids=ONE_BY_ONE)
def test_each_row_has_its_own_key(db, engine, statements, ddl):
    """Where keys need not rise with the rows, these are inserted one by one."""
    run(engine, *ddl)
    statements.clear()
    group = {"g": 1} if "MyISAM" in ddl[0] else {}
    rows = insert(db.t, **group)
    assert inserts(statements) == 6
    db.commit()
    assert [row.n for row in rows] == [0, 1, 2, 3, 4, 5]
    for row in rows:
        row.n += 10
    db.commit()
    assert [row.n for row in rows] == [10, 11, 12, 13, 14, 15]


@pytest.mark.parametrize("key", ["id, g", "g, id"])
def test_a_default_beside_a_number(db, engine, statements, key):
    """One row, and several that are inserted together, have both parts of their keys."""
    run(
        engine,
        "CREATE TABLE t (id INT AUTO_INCREMENT, g INT NOT NULL DEFAULT 7, n INT DEFAULT 1, "
        f"PRIMARY KEY ({key}), KEY (id))",
    )
    one = db.t.insert()
    db.flush()
    one.n = 2
    db.flush()
    statements.clear()
    rows = insert(db.t) + insert(db.t, g=3)
    assert inserts(statements) == 2
    db.commit()
    assert [(row.id, row.g, row.n) for row in (one, *rows)] == [
        (1, 7, 2),
        *((n + 2, 7, n) for n in range(6)),
        *((n + 8, 3, n) for n in range(6)),
    ]


BATCHED = {
    "AUTO_INCREMENT": ["CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT)"],
    "a part of the key": [
        "CREATE TABLE t (g INT, id INT AUTO_INCREMENT, n INT, PRIMARY KEY (g, id), KEY (id))"
    ],
    "a trigger after the row": [
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT)",
        "CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW SET @inserted = NEW.id",
    ],
    "a versioned table": [
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT) WITH SYSTEM VERSIONING"
    ],
}


@pytest.mark.parametrize("ddl", BATCHED.values(), ids=BATCHED)
def test_rows_with_rising_keys_are_inserted_together(db, engine, statements, ddl):
    """A number that the table counts rises with the rows: one INSERT stores them all."""
    run(engine, *ddl)
    statements.clear()
    group = {"g": 1} if "g INT" in ddl[0] else {}
    rows = insert(db.t, **group)
    assert inserts(statements) == 1
    db.commit()
    assert [(row.id, row.n) for row in rows] == [(n + 1, n) for n in range(6)]


SHAPES = {
    "CHAR": ("CHAR(4)", ["a ", "b  "], ["a", "b"]),
    "BINARY": ("BINARY(2)", [b"ab", b"cd"], [b"ab", b"cd"]),
    "int for text": ("VARCHAR(9)", [5, 6], ["5", "6"]),
    "text for int": ("INT", ["7", "8"], [7, 8]),
    "uuid as text": (
        "UUID",
        [str(uuid.UUID(int=1)), uuid.UUID(int=2)],
        [uuid.UUID(int=1), uuid.UUID(int=2)],
    ),
    "time as duration": (
        "TIME",
        [dt.timedelta(hours=1), dt.time(2)],
        [dt.time(1), dt.time(2)],
    ),
}


@pytest.mark.parametrize(("ddl", "given", "found"), SHAPES.values(), ids=SHAPES)
def test_keys_in_another_shape(db, engine, ddl, given, found):
    """Keys may be given in another shape than they come back in, several at one flush."""
    run(engine, f"CREATE TABLE t (id {ddl} PRIMARY KEY, n INT DEFAULT 5)")
    rows = [db.t.insert(id=key) for key in given]
    db.commit()
    assert [row.n for row in rows] == [5, 5]
    db.session.expunge_all()
    assert [row.id for row in db.t.order_by(db.t.id)] == found


@pytest.mark.parametrize(
    ("ddl", "given", "found"),
    [
        ("BINARY(4)", [b"a", b"b"], [b"a\0\0\0", b"b\0\0\0"]),
        (
            "DATETIME",
            [dt.datetime(2020, 1, 1, 1, 1, second, 400000) for second in (1, 2)],
            [dt.datetime(2020, 1, 1, 1, 1, 1), dt.datetime(2020, 1, 1, 1, 1, 2)],
        ),
    ],
    ids=["BINARY", "DATETIME"],
)
def test_keys_that_the_database_changes(db, engine, ddl, given, found):
    """A key that is padded or cut is stored; the row is found by what it became."""
    run(engine, f"CREATE TABLE t (id {ddl} PRIMARY KEY, n INT DEFAULT 5)")
    for key in given:
        db.t.insert(id=key)
    db.commit()
    db.session.expunge_all()
    assert [row.id for row in db.t.order_by(db.t.id)] == found


# what was not given


DEFAULTS = {
    "a bit": ("BIT(1) DEFAULT b'1'", 1),
    "bits": ("BIT(3) NOT NULL DEFAULT b'101'", 5),
    "a number": ("INT DEFAULT 7", 7),
    "text": ("VARCHAR(20) DEFAULT 'a`:b, ''c'' (d)'", "a`:b, 'c' (d)"),
    "text that says NULL": ("VARCHAR(20) DEFAULT 'NULL'", "NULL"),
    "long text": ("TEXT DEFAULT 'long'", "long"),
    "an expression": ("VARCHAR(20) DEFAULT (CONCAT('a', ':', 'b'))", "a:b"),
    "a sequence": ("INT NOT NULL DEFAULT nextval(s)", 1),
    "an invisible column": ("INT INVISIBLE NOT NULL DEFAULT 5", 5),
    "a compressed column": ("VARCHAR(100) COMPRESSED NOT NULL DEFAULT 'x'", "x"),
    "an enum": ("ENUM('a', 'b''c', '(,)') NOT NULL DEFAULT 'b''c'", "b'c"),
    "a set": ("SET('a', 'b') NOT NULL DEFAULT 'a,b'", {"a", "b"}),
    "bytes": ("VARBINARY(4) NOT NULL DEFAULT x'0041'", b"\0A"),
    "a time": ("TIME NOT NULL DEFAULT '30:00:00'", dt.timedelta(hours=30)),
    "a comment": ("INT NOT NULL DEFAULT 3 COMMENT 'it''s, DEFAULT 4 `x` COLLATE y'", 3),
    "a check": ("INT DEFAULT 3 CHECK (d <> 4 AND 'PARTITION' <> '\n`')", 3),
    "nothing": ("INT", None),
    "NULL": ("INT DEFAULT NULL", None),
    "the first of an ENUM": ("ENUM('b', 'a') NOT NULL", "b"),
    "a column without versions": ("INT NOT NULL WITHOUT SYSTEM VERSIONING DEFAULT 4", 4),
    "a generated column": ("INT AS (n + 1) STORED", 1),
    "a virtual column": ("INT GENERATED ALWAYS AS (n + 2) VIRTUAL", 2),
    "a persistent column": ("VARCHAR(9) AS (CONCAT(':', n)) PERSISTENT", ":0"),
}


@pytest.mark.parametrize(("ddl", "value"), DEFAULTS.values(), ids=DEFAULTS)
@pytest.mark.parametrize("temporary", ["", "TEMPORARY"])
def test_a_column_that_is_not_given(db, engine, ddl, value, temporary):
    """It takes the default of the database, which the row shows; so in temporary tables."""
    versioned = " WITH SYSTEM VERSIONING" if "VERSIONING" in ddl else ""
    if temporary and versioned:
        pytest.skip("a temporary table has no versions")
    run(engine, "CREATE SEQUENCE s")
    create = f"CREATE {temporary} TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT, d {ddl})"
    db.connection().exec_driver_sql(create + versioned)
    row = db.t.insert(n=0)
    db.flush()
    assert type(plain(row.d)) is type(value)
    assert row.d == value
    db.commit()
    assert db.execute("SELECT count(*) FROM t WHERE d <=> :d", {"d": as_sent(value)}).scalar() == 1


def as_sent(value):
    """Return what the driver takes for a value."""
    return "a,b" if isinstance(value, set) else value


@pytest.mark.parametrize("key", ["code", "id"])
def test_a_number_beside_the_key(db, engine, key):
    """What AUTO_INCREMENT gives to a column outside of the primary key is shown at once."""
    primary = "PRIMARY KEY" if key == "code" else ""
    run(engine, f"CREATE TABLE t (code CHAR(1) {primary}, id INT AUTO_INCREMENT, KEY (id))")
    t = db.entity("t", primary_key=[key])
    rows = [t.insert(code=code) for code in "zxy"]
    db.flush()
    assert sorted(row.id for row in rows) == [1, 2, 3]
    db.commit()
    assert [row.code for row in rows] == ["z", "x", "y"]
    assert {row.id: row.code for row in rows} == dict(db.execute("SELECT id, code FROM t").all())


@pytest.mark.parametrize(
    "name", ["in`visible", "new\nline", "it's", "(a), b", "a:b", "DEFAULT", "%s"]
)
def test_names_of_columns(db, engine, name):
    """A column is there, with its default, whatever its name."""
    quoted = name.replace("`", "``").replace("%", "%%")
    run(
        engine,
        f"CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT,"
        f" `{quoted}` DECIMAL(5, 2) UNSIGNED DEFAULT 1.5, `{quoted}2` TIME(3),"
        f" `{quoted}3` ENUM('a', 'b''c') NOT NULL DEFAULT 'b''c')",
    )
    row = db.t.insert(n=1)
    db.commit()
    assert db.t.c.keys() == ["id", "n", name, f"{name}2", f"{name}3"]
    assert (repr(row.__getattribute__(name)), getattr(row, f"{name}3")) == (
        "Decimal('1.50')",
        "b'c",
    )
    setattr(row, f"{name}2", dt.time(1, 2, 3, 4000))
    db.commit()
    assert getattr(row, f"{name}2") == dt.time(1, 2, 3, 4000)
    number = db.t.c[name].type
    assert (number.precision, number.scale, number.unsigned) == (5, 2, True)


@pytest.mark.parametrize("mode", ["ANSI", "NO_TABLE_OPTIONS"])
def test_a_table_of_which_no_engine_is_told(make_engine, engine, mode):
    """It is no view: its rows are inserted together, and defaults are known."""
    mode = f"{mode},STRICT_ALL_TABLES"
    engine = make_engine(engine.url.update_query_dict({"sql_mode": mode}))
    run(
        engine,
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT, note CHAR(9) DEFAULT 'x')",
    )
    db, seen = SQLSoup(engine), []
    _ = db.t
    sa.event.listen(engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    rows = insert(db.t)
    assert inserts(seen) == 1
    assert [(row.id, row.note) for row in rows] == [(n, "x") for n in range(1, 7)]
    assert db.t.c.note.server_default.arg.text == "'x'"
    db.session.remove()


def test_a_table_of_whose_columns_sqlalchemy_reads_none(db, engine):
    """It reads line by line."""
    run(engine, "CREATE TABLE t (`a\nb` INT PRIMARY KEY, `c\nd` INT DEFAULT 5)")
    row = db.t.insert(**{"a\nb": 1})
    db.commit()
    assert getattr(row, "c\nd") == 5


def test_quotes_that_sqlalchemy_does_not_expect(db, engine):
    """It asks for the sql_mode once for an engine, and finds no columns after that has changed."""
    run(engine, "CREATE TABLE t (id INT PRIMARY KEY)")
    db.execute("SET sql_mode = 'ANSI_QUOTES'")
    with pytest.raises(SQLSoupError) as info:
        _ = db.t
    assert str(info.value) == (
        "SQLAlchemy cannot read the columns of 't': the sql_mode has ANSI_QUOTES, and had not when "
        "the engine first connected; set it with init_command, or in a listener to 'connect' with "
        "insert=True"
    )
    db.execute("SET sql_mode = ''")
    assert db.t.all() == []
    engine.dispose()


@pytest.mark.parametrize("charset", ["utf8mb4", "latin1"])
@pytest.mark.parametrize("batch", [False, True])
def test_a_default_of_bytes_that_are_no_text(make_engine, engine, charset, batch):
    """The server writes them into what SQLAlchemy reads, where the driver would stop at them."""
    run(
        engine,
        "CREATE TABLE t (id INT PRIMARY KEY, a VARBINARY(9) DEFAULT x'ff003f',"
        " b BINARY(2) DEFAULT '?', c VARCHAR(9) DEFAULT '?', d BLOB DEFAULT x'fe',"
        " `ä€` INT COMMENT '€')",
    )
    db = SQLSoup(make_engine(engine.url.update_query_dict({"charset": charset})))
    if batch:
        assert sqlsoup.reflect(db) == ["t"]
    row = db.t.insert(id=1)
    db.commit()
    assert (row.a, row.b, row.c, row.d) == (b"\xff\x00?", b"?\x00", "?", b"\xfe")
    if charset == "utf8mb4":
        assert db.t._table.c["ä€"].comment == "€"
    assert db.t._table.c.c.server_default.arg.text == "'?'"
    assert db.execute("SELECT @@character_set_results").scalar() == charset
    db.delete(row)
    db.t.insert(id=1)  # it takes the place of the other, and the defaults
    db.commit()
    assert db.t.get(1).a == b"\xff\x00?"
    db.session.remove()


def test_a_key_that_is_the_time_of_the_last_change(db, engine):
    """The server changes it with each UPDATE, and the row has the new one."""
    when = "TIMESTAMP({0}) NOT NULL DEFAULT current_timestamp({0}) ON UPDATE current_timestamp({0})"
    run(
        engine,
        f"CREATE TABLE t (k INT, at {when.format(3)}, n INT, PRIMARY KEY (k, at))",
        f"CREATE TABLE keyless (at {when.format(0)}, n INT)",
    )
    db.entity("keyless", primary_key=["at"])
    for cls in (db.t, db.keyless):
        old = dt.datetime(2020, 1, 2, 3, 4, 5)
        row = cls.insert(at=old, n=1, **({"k": 1} if cls is db.t else {}))
        db.commit()
        assert row.at == old
        row.n = 2
        db.commit()
        assert row.at > old
        assert (row.n, cls.all()) == (2, [row])
        later = row.at
        db.expunge_all()
        assert db.execute(f"SELECT at, n FROM {cls._table.name}").all() == [(later, 2)]
        row = cls.one()
        row.at, row.n = old, 3
        db.commit()
        assert (row.at, row.n) == (old, 3)
        row.n = 3  # which changes nothing
        db.commit()
        assert row.at == old
    rows = [db.t.insert(k=k, at=old, n=1) for k in range(5, 9)]
    db.commit()
    for row in rows:
        row.n = 2
    db.commit()
    assert all(row.at > old and row.n == 2 for row in rows)


def test_upsert_finds_a_row_by_the_time_of_its_last_change(db, engine):
    """What was given is stored: the server would set the key to the time, and not find it again."""
    when = "TIMESTAMP NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp()"
    run(
        engine,
        f"CREATE TABLE t (k INT, at {when}, n INT, PRIMARY KEY (k, at))",
        f"CREATE TABLE u (id INT AUTO_INCREMENT PRIMARY KEY, at {when} UNIQUE, n INT)",
    )
    at = dt.datetime(2020, 1, 2, 3, 4, 5)
    for number in (1, 2):
        assert sqlsoup.upsert(db.t, [{"k": 1, "at": at, "n": number}]) == 1
        assert sqlsoup.upsert(db.u, [{"at": at, "n": number}], "at") == 1
    db.commit()
    for row in (db.t.one(), db.u.one()):
        assert (row.at, row.n) == (at, 2)


def test_a_time_of_the_last_change(db, engine):
    """A column with ON UPDATE is read again after an UPDATE, one without is not."""
    run(
        engine,
        "CREATE TABLE t (id INT PRIMARY KEY, n INT,"
        " made TIMESTAMP(6) DEFAULT current_timestamp(6),"
        " changed TIMESTAMP(6) DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6),"
        " once DATETIME ON UPDATE current_timestamp())",
    )
    row = db.t.insert(id=1, n=1)
    db.flush()
    made, changed = row.made, row.changed
    assert (type(made), made, row.once) == (dt.datetime, changed, None)
    row.n = 2
    db.flush()
    assert row.made == made
    assert row.changed > changed
    assert type(row.once) is dt.datetime


@pytest.mark.parametrize("mode", ["", "STRICT_TRANS_TABLES"])
def test_a_column_that_has_no_default(db, engine, mode):
    """Where the sql_mode is not strict it takes what is none, such as 0; else it is refused."""
    run(engine, "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL, s TEXT NOT NULL, m INT)")
    db.execute(f"SET sql_mode = '{mode}'")
    row = db.t.insert(id=1, m=5)
    if mode:
        with pytest.raises(sa.exc.IntegrityError, match="Column 'n' cannot be null"):
            db.flush()
    else:
        db.flush()
        assert (row.n, row.s, row.m) == (0, "", 5)
    db.rollback()
    db.connection().invalidate()
    db.rollback()


def test_what_a_trigger_gives(db, engine):
    """The row shows what a trigger gave to columns that were not given, nullable or not."""
    run(
        engine,
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT, a INT NOT NULL, b INT, c INT)",
        "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW"
        " SET NEW.a = COALESCE(NEW.a, 5), NEW.b = COALESCE(NEW.b, 6)",
    )
    row, other = db.t.insert(n=1), db.t.insert(n=2, a=7, b=8)
    db.flush()
    assert (row.a, row.b, row.c) == (5, 6, None)
    assert (other.a, other.b, other.c) == (7, 8, None)


def test_what_a_trigger_makes_of_a_value(db, engine):
    """The row shows what a trigger made of values that were given, also of one with a given key."""
    run(
        engine,
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT, word VARCHAR(9))",
        "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.word = UPPER(NEW.word)",
    )
    rows = [db.t.insert(n=1, word="a"), db.t.insert(id=7, n=2, word="b")]
    db.flush()
    assert [(row.id, row.n, row.word) for row in rows] == [(1, 1, "A"), (7, 2, "B")]
    rows[0].word = "c"
    db.commit()
    assert rows[0].word == "c"


def test_what_a_view_changes(db, engine):
    """After an UPDATE a row of a view shows what became of the columns that were not set."""
    run(
        engine,
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT, g INT AS (n + 1) VIRTUAL)",
        "CREATE VIEW v AS SELECT id, n, g, n * 2 AS twice FROM t",
    )
    view = db.entity("v", primary_key=["id"])
    row = view.insert(n=1)
    db.flush()
    assert (row.g, row.twice) == (2, 2)
    row.n = 5
    db.flush()
    assert (row.g, row.twice) == (6, 10)


@pytest.mark.parametrize("kind", ["INT INVISIBLE", "BIGINT UNSIGNED INVISIBLE", "FLOAT", "DOUBLE"])
def test_keys_that_are_hidden_or_no_integers(db, engine, kind):
    """AUTO_INCREMENT makes a key of them, too, and each row has its own."""
    run(engine, f"CREATE TABLE t (id {kind} AUTO_INCREMENT PRIMARY KEY, n INT)")
    rows = [db.t.insert(n=n) for n in range(3)]
    db.flush()
    assert [row.id for row in rows] == [1, 2, 3]
    rows[1].n = 7
    db.commit()
    assert db.execute("SELECT id, n FROM t ORDER BY id").all() == [(1, 0), (2, 7), (3, 2)]


def test_keys_within_and_beyond_a_day(db, engine):
    """Rows are changed together, whose keys are a time and a timedelta."""
    run(engine, "CREATE TABLE t (k TIME PRIMARY KEY, n INT)")
    run(engine, "INSERT INTO t VALUES ('01:00:00', 0), ('30:00:00', 0)")
    for row in db.t.all():
        row.n = 1
    db.commit()
    assert db.t.filter_by(n=1).count() == 2


def test_what_a_trigger_changes(db, engine):
    """After an UPDATE the row shows what a trigger made of the columns that were not set."""
    run(
        engine,
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT, m INT, g INT AS (n + 1) STORED)",
        "CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW SET NEW.m = NEW.n * 2",
    )
    row = db.t.insert(n=1)
    db.flush()
    row.n = 5
    db.flush()
    assert (row.n, row.m, row.g) == (5, 10, 6)


VIEWED = {
    "AUTO_INCREMENT": "id INT AUTO_INCREMENT PRIMARY KEY",
    "a sequence": "id INT DEFAULT nextval(s) PRIMARY KEY",
    "uuid()": "id UUID DEFAULT uuid() PRIMARY KEY",
}


@pytest.mark.parametrize("key", VIEWED.values(), ids=VIEWED)
def test_rows_of_a_view(db, engine, key):
    """What is not given takes the default of the table behind, keys included."""
    run(
        engine,
        "CREATE SEQUENCE s START WITH -1 INCREMENT BY -1",
        f"CREATE TABLE t ({key}, n INT, d BIT(2) NOT NULL DEFAULT b'10', x VARCHAR(9) DEFAULT 'x',"
        " g INT AS (n + 1) STORED, ts TIMESTAMP NOT NULL DEFAULT current_timestamp())",
        "CREATE VIEW v AS SELECT * FROM t",
    )
    view = db.entity("v", primary_key=["id"])
    rows = insert(view, 1) + [view.insert(n=n) for n in range(1, 6)]
    db.commit()
    assert [(row.n, row.d, row.x, row.g) for row in rows] == [(n, 2, "x", n + 1) for n in range(6)]
    for row in rows:
        row.n += 10
    db.commit()
    assert [(row.n, row.g) for row in rows] == [(n + 10, n + 11) for n in range(6)]
    assert db.t.count() == 6


def test_names_in_a_view(db, engine):
    """Percent signs and quotes in them are those of the table behind."""
    names = ["a%b", "c``d", "e%%f", 'g"h', "%%s"]
    run(
        engine,
        "CREATE TABLE t (id INT PRIMARY KEY, "
        + ", ".join(f"`{name}` INT DEFAULT {number}" for number, name in enumerate(names)).replace(
            "%", "%%"
        )
        + ")",
        "CREATE VIEW `v%%` AS SELECT * FROM t",
    )
    view = db.entity("v%", primary_key=["id"])
    row = view.insert(id=1)
    db.flush()
    given = {"id": 1, **{name.replace("``", "`"): number for number, name in enumerate(names)}}
    assert sqlsoup.as_dict(row) == given
    for name in given:
        setattr(row, name, 7)
    db.commit()
    assert db.execute("SELECT * FROM t").all() == [(7,) * 6]


# versions, periods, sequences, partitions


def test_a_versioned_table(db, engine):
    """The columns that say from when until when are no part of a key, and are not written."""
    run(
        engine,
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT UNIQUE,"
        " `from` TIMESTAMP(6) GENERATED ALWAYS AS ROW START,"
        " until TIMESTAMP(6) GENERATED ALWAYS AS ROW END,"
        " PERIOD FOR SYSTEM_TIME (`from`, until)) WITH SYSTEM VERSIONING",
    )
    row = db.t.insert(n=1)
    db.flush()
    assert type(row.until) is dt.datetime
    row.n = 2
    db.commit()
    assert db.t.get(row.id) is row
    assert db.t._table.primary_key.columns.keys() == ["id"]
    assert [index.columns.keys() for index in db.t._table.indexes if index.unique] == [["n"]]
    assert db.t.c["from"].computed.sqltext.text == "ROW START"
    assert db.execute("SELECT count(*) FROM t FOR SYSTEM_TIME ALL").scalar() == 2
    db.session.delete(row)
    db.commit()
    assert db.t.count() == 0
    assert "t" in list(db)


def test_a_table_with_periods(db, engine):
    """A key WITHOUT OVERLAPS has the two columns of its period."""
    run(
        engine,
        "CREATE TABLE t (id INT, a DATE, b DATE, n INT, PERIOD FOR d (a, b),"
        " PRIMARY KEY (id, d WITHOUT OVERLAPS), UNIQUE u (n, d WITHOUT OVERLAPS))",
    )
    for year in (2020, 2021):
        db.t.insert(id=1, a=dt.date(year, 1, 1), b=dt.date(year + 1, 1, 1), n=year)
    db.commit()
    assert [row.n for row in db.t.order_by(db.t.a)] == [2020, 2021]
    assert sorted(db.t._table.primary_key.columns.keys()) == ["a", "b", "id"]


def test_a_sequence_is_read_as_a_table(db, engine):
    """A sequence is a table of one row, which is not listed."""
    run(engine, "CREATE SEQUENCE s START WITH 5")
    cls = db.entity("s", primary_key=["start_value"])
    assert [row.start_value for row in cls.all()] == [5]
    assert list(db) == []


UNUSUAL = {
    "partitions": "PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (9), PARTITION p1 VALUES"
    " LESS THAN MAXVALUE)",
    "Aria": "ENGINE = Aria PAGE_CHECKSUM = 1",
    "a comment": "COMMENT = ') ENGINE = it''s `x` \n PARTITION (1)'",
}


@pytest.mark.parametrize("options", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_tables(db, engine, options):
    """Tables are used whatever stands after their columns."""
    run(
        engine,
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT, a DATE, b DATE,"
        " KEY k (n) IGNORED, CONSTRAINT `c``d` CHECK (n <> 99 OR '`, (' = ')')) " + options,
    )
    rows = insert(db.t)
    db.commit()
    assert [row.id for row in rows] == [1, 2, 3, 4, 5, 6]
    assert "primary key" in db.t.__doc__


# foreign keys


ODD = ["a`b", "f(x)", "a,b", "a) REFERENCES `x", "new\nline", "it's", "Ä ö"]


@pytest.mark.parametrize("name", ODD)
def test_names_in_foreign_keys(db, engine, name):
    """A foreign key is there whatever the names of tables, columns and the key itself."""
    quoted = "`" + name.replace("`", "``") + "`"
    run(
        engine,
        f"CREATE TABLE {quoted} (id INT AUTO_INCREMENT PRIMARY KEY, {quoted} INT UNIQUE)",
        f"CREATE TABLE kid (id INT AUTO_INCREMENT PRIMARY KEY, {quoted} INT UNIQUE,"
        f" CONSTRAINT {quoted} FOREIGN KEY ({quoted}) REFERENCES {quoted} ({quoted})"
        ")",
    )
    (key,) = db.kid._table.foreign_key_constraints
    assert (key.name, key.column_keys) == (name, [name])
    parent = db[name]
    parent(**{name: 3})
    kid = db.kid(**{name: 3})
    db.kid.relate("parent", parent)
    db.commit()
    assert getattr(kid.parent, name) == 3
    tied = SQLSoup(engine, relationships=True)
    assert type(tied[name]).__name__ == "TableClassType"
    assert tied[name].first().kid.id == kid.id  # one to one, as the column is unique


@pytest.mark.parametrize("name", ['a"b', "a`b"])
def test_names_where_double_quotes_quote(engine, make_engine, name):
    """So they are where the sql_mode has ANSI_QUOTES."""
    engine = make_engine(engine.url.update_query_dict({"sql_mode": "ANSI_QUOTES"}))
    quoted = '"' + name.replace('"', '""') + '"'
    run(
        engine,
        f"CREATE TABLE {quoted} ({quoted} INT AUTO_INCREMENT PRIMARY KEY, n INT DEFAULT 7)",
        f"CREATE TABLE kid (id INT AUTO_INCREMENT PRIMARY KEY, {quoted} INT,"
        f" FOREIGN KEY ({quoted}) REFERENCES {quoted} ({quoted}))",
    )
    db = SQLSoup(engine)
    row = db[name].insert()
    db.flush()
    kid = db.kid(**{name: getattr(row, name)})
    db.commit()
    assert (getattr(row, name), row.n) == (getattr(kid, name), 7) == (1, 7)
    (key,) = db.kid._table.foreign_key_constraints
    assert key.elements[0].column is db[name]._table.c[name]


def test_where_the_modes_are_those_of_another_database(engine, make_engine):
    """It shows tables as those are, a date as ``mariadb_schema.date``."""
    engine = make_engine(engine.url.update_query_dict({"sql_mode": "ORACLE"}))
    run(
        engine,
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, day mariadb_schema.date NOT NULL"
        " DEFAULT '2020-01-02', n INT)",
    )
    db = SQLSoup(engine)
    rows = [db.t.insert(n=1), db.t.insert(n=2, day=dt.date(2021, 1, 2))]
    db.commit()
    assert [(row.id, row.day.year) for row in rows] == [(1, 2020), (2, 2021)]


def test_foreign_keys_that_share_columns(db, engine):
    """Composite keys that share a column, and two keys to the same column, are all there."""
    run(
        engine,
        "CREATE TABLE p (a INT, b INT, PRIMARY KEY (a, b))",
        "CREATE TABLE q (a INT, c INT, UNIQUE (c, a))",
        "CREATE TABLE r (id INT PRIMARY KEY)",
        "CREATE TABLE kid (id INT PRIMARY KEY, a INT, b INT, c INT, r1 INT, r2 INT,"
        " CONSTRAINT one FOREIGN KEY (a, b) REFERENCES p (a, b),"
        " CONSTRAINT two FOREIGN KEY (c, a) REFERENCES q (c, a),"
        " FOREIGN KEY (r1) REFERENCES r (id), FOREIGN KEY (r2) REFERENCES r (id))",
    )
    found = {
        (tuple(key.column_keys), key.elements[0].target_fullname)
        for key in db.kid._table.foreign_key_constraints
    }
    assert found == {
        (("a", "b"), "p.a"),
        (("c", "a"), "q.c"),
        (("r1",), "r.id"),
        (("r2",), "r.id"),
    }


@pytest.fixture
def annex(engine):
    """The name of a second database of the server."""
    name = f"{engine.url.database}_annex"
    run(engine, f"CREATE DATABASE {name}")
    yield name
    sqlsoup.Session.remove()
    off, on = (f"SET foreign_key_checks = {number}" for number in (0, 1))
    run(engine, off, f"DROP DATABASE {name}", on)


def test_foreign_keys_between_databases(db, engine, annex):
    """They lead to the classes of either database, there and back."""
    run(
        engine,
        "CREATE TABLE p (id INT AUTO_INCREMENT PRIMARY KEY, n INT)",
        f"CREATE TABLE {annex}.kids (id INT AUTO_INCREMENT PRIMARY KEY, p_id INT,"
        f" FOREIGN KEY (p_id) REFERENCES {engine.url.database}.p (id))",
        f"CREATE TABLE back (id INT PRIMARY KEY, kid_id INT,"
        f" FOREIGN KEY (kid_id) REFERENCES {annex}.kids (id))",
    )
    kid = db.entity("kids", annex)
    kid.relate("parent", db.p)
    db.back.relate("kid", kid)
    parent = db.p.insert(n=1)
    db.flush()
    row = kid.insert(p_id=parent.id)
    db.flush()
    back = db.back.insert(id=1, kid_id=row.id)
    db.commit()
    assert back.kid.parent is parent
    tied = SQLSoup(engine, relationships=True)
    assert [found.id for found in tied.p.first().kids] == [row.id]
    there = db.entity("back", engine.url.database)
    named = {key.referred_table.schema for key in kid._table.foreign_key_constraints}
    assert named == {None}
    assert {key.target_fullname for key in there._table.foreign_keys} == {f"{annex}.kids.id"}
    run(engine, f"CREATE TABLE {annex}.far (id INT PRIMARY KEY REFERENCES {annex}.kids (id))")
    (key,) = db.entity("far", annex)._table.foreign_keys
    assert key.target_fullname == f"{annex}.kids.id"


def test_who_refers_to_a_table_without_the_privilege(engine, make_engine):
    """A user who may not ask InnoDB has the same relationships."""
    run(
        engine,
        "CREATE TABLE p (id INT AUTO_INCREMENT PRIMARY KEY, n INT)",
        "CREATE TABLE kids (id INT AUTO_INCREMENT PRIMARY KEY, p_id INT,"
        " FOREIGN KEY (p_id) REFERENCES p (id))",
        "INSERT INTO p VALUES (1, 1)",
        "INSERT INTO kids VALUES (5, 1)",
    )
    user = f"{engine.url.database}_user"[-32:]
    run(
        engine,
        f"CREATE USER {user}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {engine.url.database}.* TO {user}",
    )
    try:
        limited = make_engine(engine.url.set(username=user))
        tied = SQLSoup(limited, relationships=True)
        assert [kid.id for kid in tied.p.first().kids] == [5]
        sqlsoup.Session.remove()
        limited.dispose()
    finally:
        run(engine, f"DROP USER {user}")


def test_ways_to_ask_who_refers_to_a_table(engine, annex, monkeypatch):
    """InnoDB and the catalog tell the same of few tables, of many, of a table and of a schema."""
    run(
        engine,
        "CREATE TABLE `a-b` (x INT, y INT, PRIMARY KEY (x, y))",
        "CREATE TABLE p (id INT PRIMARY KEY, self INT REFERENCES p (id))",
        "CREATE TABLE plain (id INT PRIMARY KEY, q INT REFERENCES p (id), p INT REFERENCES p (id))",
        "CREATE TABLE `of-é` (p INT PRIMARY KEY REFERENCES p (id))",
        "CREATE TABLE pair (x INT, y INT, p INT, PRIMARY KEY (x, y, p),"
        " FOREIGN KEY (p) REFERENCES p (id), FOREIGN KEY (x, y) REFERENCES `a-b` (x, y))",
        "CREATE TABLE versions (p INT PRIMARY KEY REFERENCES p (id)) WITH SYSTEM VERSIONING",
        f"CREATE TABLE {annex}.far (n INT, p INT REFERENCES {engine.url.database}.p (id))",
    )
    if not engine.dialect.is_mariadb:
        pytest.skip("MySQL is asked in one way")
    with engine.connect() as connection:
        for name in ("p", "a-b", "pair", None):
            for schema in (None, engine.url.database):
                asked = {"name": name, "schema": schema}
                found = [connection.execute(sa.text(references._ALL), asked).all()]
                for few in (0, references._FEW):
                    monkeypatch.setattr(references, "_FEW", few)
                    found.append(references.references_to(connection, **asked))
                first, *others = (
                    sorted((str(r[0]), r[1], *r[3:6]) for r in rows) for rows in found
                )
                assert others == [first, first]
        found = {row[1]: row[5] for row in references.references_to(connection, "p", None)}
    assert found == {"p": 0, "plain": 0, "of-é": 1, "pair": 1, "versions": 1, "far": 0}


def test_a_first_access_of_any_user_scans_no_database(engine, make_engine):
    """What is asked of one table is asked of that one alone, whatever the user may do."""
    with engine.connect() as connection:
        if not connection.dialect.is_mariadb:
            pytest.skip("MySQL has tables and indexes for it")
    run(engine, "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT)")
    user = f"{engine.url.database}_user"[-32:]
    run(engine, f"CREATE USER {user}", f"GRANT SELECT ON t TO {user}")
    try:
        limited, asked = make_engine(engine.url.set(username=user)), []

        @sa.event.listens_for(limited, "before_cursor_execute")
        def note(connection, cursor, statement, parameters, context, many):
            if "information_schema" in statement:
                asked.append((statement, parameters))

        for relationships in (False, True):
            db = SQLSoup(limited, relationships=relationships)
            assert db.t.first() is None
            sqlsoup.Session.remove()
        assert len(asked) == 2
        with limited.connect() as connection:
            for statement, parameters in [*asked]:
                plan = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).mappings()
                extra = [row["Extra"] for row in plan if row["table"]]
                assert {text.rpartition("; ")[2] for text in extra[:4]} == {"Scanned 0 databases"}
        limited.dispose()
    finally:
        run(engine, f"DROP USER {user}")


def test_a_trigger_is_seen_by_who_may_insert(engine, make_engine):
    """Whoever may insert rows sees that a trigger sets their keys."""
    run(engine, *ONE_BY_ONE["a trigger that sets the key"])
    user = f"{engine.url.database}_user"[-32:]
    run(engine, f"CREATE USER {user}", f"GRANT SELECT, INSERT ON t TO {user}")
    try:
        limited = make_engine(engine.url.set(username=user))
        db = SQLSoup(limited)
        assert [(row.id, row.n) for row in insert(db.t)] == [(100 - n, n) for n in range(6)]
        sqlsoup.Session.remove()
        limited.dispose()
    finally:
        run(engine, f"DROP USER {user}")


def test_names_that_differ_in_case(db, engine):
    """Tables whose names differ in case alone are told apart, reflected one by one or together."""
    if db.execute("SELECT @@lower_case_table_names").scalar():
        pytest.skip("this server does not tell upper from lower case")
    db.rollback()
    run(
        engine,
        "CREATE TABLE t (id INT PRIMARY KEY, n BIT(2) DEFAULT b'01')",
        "CREATE TABLE `T` (id INT PRIMARY KEY, n BIT(2) DEFAULT b'10', m INT)",
        "CREATE TABLE other (id INT PRIMARY KEY, d BIT(2) DEFAULT b'11')",
        "CREATE TABLE kid (id INT PRIMARY KEY, t INT, o INT,"
        " FOREIGN KEY (t) REFERENCES `T` (id), FOREIGN KEY (o) REFERENCES other (id))",
    )
    assert sqlsoup.reflect(db, ["T", "kid", "other"]) == ["T", "kid", "other"]
    upper, other, lower = db["T"].insert(id=1), db.other.insert(id=1), db.t.insert(id=1)
    db.commit()
    assert (upper.n, upper.m, other.d, lower.n) == (2, None, 3, 1)


# what it costs


def opened(db):
    """Return how many tables and their definitions the server opened for this session."""
    found = db.execute("SHOW SESSION STATUS LIKE 'Opened_table%'").all()
    return sum(int(number) for _, number in found)


def test_what_else_the_server_has_is_not_looked_at(engine, annex):
    """First access and relationships open no tables of others, in the database or beside it."""
    run(
        engine,
        "CREATE TABLE p (id INT PRIMARY KEY, n INT)",
        "CREATE TABLE kids (id INT PRIMARY KEY, p_id INT, FOREIGN KEY (p_id) REFERENCES p (id))",
        "INSERT INTO p VALUES (1, 1)",
        *(f"CREATE TABLE {annex}.t{n} (id INT PRIMARY KEY)" for n in range(60)),
        *(f"CREATE TABLE t{n} (id INT PRIMARY KEY)" for n in range(60)),
        "FLUSH TABLES",
    )
    tied = SQLSoup(engine, relationships=True)
    before = opened(tied)
    assert tied.p.first().kids == []
    assert 0 < opened(tied) - before < 20


# strangers' functions

OURS = " ".join(
    [
        *(facts._STATEMENT, _counts._ESTIMATES["mysql"]),
        *(references._KEYS, references._COLUMNS, references._BARE, references._ALL),
    ]
)
"""All that SQLSoup itself asks the catalog, but for ``schemas_of()``, which calls nothing."""


def test_functions_of_others_are_not_run(engine):
    """Those that are called as MariaDB's own, in the database itself, are not used, nor views."""
    run(
        engine,
        "CREATE TABLE a (id INT PRIMARY KEY)",
        "CREATE TABLE b (id INT PRIMARY KEY, a_id INT, FOREIGN KEY (a_id) REFERENCES a (id))",
        "INSERT INTO a VALUES (1)",
        "INSERT INTO b VALUES (1, 1)",
        "CREATE TABLE loot (who TEXT)",
    )
    calls = {*re.findall(r"(\w+)\(", OURS.lower())} - {"using"}
    tables = {*re.findall(r"information_schema\.(\w+)", OURS)}
    assert {"concat", "coalesce", "substring_index", "lower", "database", "count"} <= calls
    assert {"columns", "innodb_sys_foreign"} <= tables
    steal = "DETERMINISTIC BEGIN INSERT INTO loot VALUES ('{}'); RETURN 'x'; END"
    hostile = [
        f"CREATE FUNCTION `{name}`(a TEXT) RETURNS TEXT {steal.format(name)}"
        for name in [*calls, "harmless"]
    ]
    hostile += [f"CREATE VIEW `{name}` AS SELECT harmless('') AS who" for name in tables]
    try:
        with engine.connect() as connection:
            for statement in hostile:
                connection.exec_driver_sql(statement)
            schema = connection.exec_driver_sql("SELECT DATABASE()").scalar_one()
            for where in (schema, None):
                asked = facts.facts(sa.inspect(connection), where, ["a", "b"])
                assert asked[where, "b"].foreign
                assert facts.facts(sa.inspect(connection), where, ["b"])[where, "b"].columns
                for name in ("a", None):
                    assert len(references.references_to(connection, name, where).all()) == 1
                assert {*_counts.counts(connection, ["a", "b"], where)} == {"a", "b"}
            known = {"schema": None, "name": "a"}
            assert len(connection.execute(sa.text(references._ALL), known).all()) == 1
            assert schema in references.schemas_of(connection, "b")
            assert connection.exec_driver_sql("SELECT count(*) FROM loot").scalar() == 0
            connection.exec_driver_sql("SELECT * FROM `columns`")
            assert connection.exec_driver_sql("SELECT who FROM loot").all() == [("harmless",)]
    finally:
        run(
            engine,
            *(f"DROP FUNCTION IF EXISTS `{name}`" for name in [*calls, "harmless"]),
            *(f"DROP VIEW IF EXISTS `{name}`" for name in tables),
        )


@pytest.mark.parametrize(("mode", "second"), [("", 5), (",TIME_ROUND_FRACTIONAL", 6)])
def test_a_key_that_is_rounded(engine, db, mode, second):
    """A moment is cut to the digits of its key, or rounded where the server is told to."""
    run(engine, "CREATE TABLE t (k DATETIME PRIMARY KEY, n INT)")
    db.execute(f"SET sql_mode = concat(@@sql_mode, '{mode}')")
    row = db.t.insert(k=dt.datetime(2020, 1, 2, 3, 4, 5, 700000), n=1)
    db.flush()
    assert row.k.second == second
    db.execute("INSERT INTO t VALUES ('2021-01-02 03:04:05.7', 2)")
    assert db.execute("SELECT second(k) FROM t ORDER BY k").scalars().all() == [second, second]
    db.rollback()


@pytest.mark.parametrize("mode", ["", ",TIME_ROUND_FRACTIONAL"])
@pytest.mark.parametrize(("digits", "fraction"), [(0, 700000), (2, 996000)])
@pytest.mark.parametrize("hours", [-1, 0, 1, 24, 800])
def test_a_time_that_is_rounded_up(engine, db, mode, digits, fraction, hours):
    """So is a TIME, to the next second, the next day or beyond, and the row is one object."""
    run(engine, f"CREATE TABLE t (k TIME({digits}) PRIMARY KEY, n INT)")
    db.execute(f"SET sql_mode = concat(@@sql_mode, '{mode}')")
    row = db.t.insert(k=dt.timedelta(hours=hours, seconds=-1, microseconds=fraction), n=1)
    db.flush()
    key = row.k
    assert db.t.one() is row
    db.session.expire(row)
    assert (row.k, row.n) == (key, 1)
    db.rollback()


@pytest.mark.parametrize("mode", ["", "NO_AUTO_VALUE_ON_ZERO"])
@pytest.mark.parametrize("nought", [0, "0"])
def test_a_key_of_nought(engine, db, mode, nought):
    """AUTO_INCREMENT makes a key for 0, that of the row, unless the server is told not to."""
    run(
        engine,
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT)",
        "CREATE TABLE u (id INT PRIMARY KEY, n INT AUTO_INCREMENT UNIQUE)",
    )
    db.execute(f"SET sql_mode = concat(@@sql_mode, ',{mode}')")
    rows = [db.t.insert(id=nought, n=1), db.t.insert(id=7, n=2)]
    db.flush()
    other = db.u.insert(id=1, n=nought)
    db.flush()
    first = 0 if mode else 1
    assert int(rows[0].id) == int(other.n) == first
    rows[0].n = 3
    db.flush()
    assert db.execute("SELECT id, n FROM t ORDER BY id").all() == [(first, 3), (7, 2)]
    assert db.execute("SELECT n FROM u").scalar() == first
    db.rollback()


def test_rights_on_columns(engine, make_engine):
    """A table is seen by those who have any right on all of it, and read without other columns."""
    run(
        engine,
        "CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)",
        "INSERT INTO t VALUES (1, 5, 6)",
    )
    user = f"{engine.url.database}_user"[-32:]
    run(
        engine,
        f"CREATE USER {user}",
        f"GRANT SELECT (id, a), INSERT (id, a) ON t TO {user}",
    )
    try:
        limited = make_engine(engine.url.set(username=user))
        soup = SQLSoup(limited)
        with pytest.raises(sa.exc.OperationalError, match="SHOW command denied"):
            _ = soup.t
        run(engine, f"GRANT REFERENCES ON t TO {user}")
        some = soup.map_to("some", tablename="t", mapper_args={"exclude_properties": ["b"]})
        some.insert(id=2, a=7)
        soup.commit()
        assert [(row.id, row.a) for row in some.order_by("id")] == [(1, 5), (2, 7)]
        sqlsoup.Session.remove()
        limited.dispose()
    finally:
        run(engine, f"DROP USER {user}")


def test_no_database(engine, make_engine):
    """A URL without a database is an error that says so; tables of a named one can be used."""
    run(engine, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
    db = SQLSoup(make_engine(engine.url.set(database="")))
    name = str(engine.url.database)
    message = (
        "the connection is to no database: put its name at the end of the URL, or name it as the "
        "schema of a table"
    )
    for ask in (lambda: db.t, lambda: list(db), lambda: sqlsoup.reflect(db), lambda: db["t"]):
        with pytest.raises(sqlsoup.ArgumentError, match=f"^{message}$"):
            ask()
    assert "t" not in db
    assert db[f"{name}.t"].count() == 0
    db.schema = name
    assert db.t.count() == 0
