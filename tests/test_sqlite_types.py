"""SQLite: what columns of every type name hold is shown as it is, and stored as it is given."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
import re
import sqlite3
import textwrap
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import check_key, run
from made_up import shape
from sqlalchemy.orm.attributes import flag_modified

import sqlsoup
from sqlsoup import SQLSoup, SQLSoupWarning

D, UTC = Decimal, dt.UTC
HIGH, LOW = 2**63 - 1, -(2**63)
INTEGERS = [(0, 0), (-1, -1), (HIGH, HIGH), (LOW, LOW), ("five", "five"), (0.5, 0.5)]
REALS = [(0.0, 0.0), (0.1 + 0.2, 0.1 + 0.2), (-1e308, -1e308), (5e-324, 5e-324)]
REALS += [(float("inf"), float("inf")), ("many", "many")]
TEXTS = [("", ""), ("naïve ☃", "naïve ☃"), ("7", "7"), (" a\n", " a\n"), (b"\0a", b"\0a")]
ANYTHING = [(b"\0\xff", b"\0\xff"), (5, 5), (HIGH, HIGH), (0.5, 0.5), ("Alice", "Alice")]
EXACT = [
    (5, D("5.00")),
    (0.5, D("0.50")),
    (0.1 + 0.2, D("0.30000000000000004")),
    (-1.125, D("-1.125")),
    (2**53 + 1, D("9007199254740993.00")),
    (HIGH, D("9223372036854775807.00")),
    (LOW, D("-9223372036854775808.00")),
    (1e22, D("10000000000000000000000.00")),
    (float("-inf"), D("-Infinity")),
]
TEN = [
    (5, D("5.0000000000")),
    (0.5, D("0.5000000000")),
    (0.1 + 0.2, D("0.30000000000000004")),
    (2**53 + 1, D("9007199254740993.0000000000")),
]
WHOLE = [(5, D(5)), (2**53 + 1, D(2**53 + 1)), (LOW, D(LOW)), (0.5, D("0.5"))]
FLOATS = [(5.0, D("5.0000000000")), (0.1, D("0.1000000000")), (0.1 + 0.2, TEN[2][1])]
DATES = [("2024-02-29", dt.date(2024, 2, 29)), ("0001-01-01", dt.date.min)]
DATES += [("9999-12-31", dt.date.max)]
DATETIMES = [
    ("2024-02-29 23:59:59.000001", dt.datetime(2024, 2, 29, 23, 59, 59, 1)),
    ("0001-01-01 00:00:00.000000", dt.datetime.min),
    ("9999-12-31 23:59:59.999999", dt.datetime.max),
    ("2024-01-02 03:04:05.000000+00:00", dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
]
TIMES = [("00:00:00.000000", dt.time.min), ("23:59:59.999999", dt.time.max)]
TIMES += [("01:02:03.000000+00:00", dt.time(1, 2, 3, tzinfo=UTC))]
BOOLEANS = [(1, True), (0, False)]
DOCUMENTS = [
    ("{}", {}),
    ('{"a": [1, null, true, 0.5]}', {"a": [1, None, True, 0.5]}),
    ('["\\u00e9"]', ["é"]),
    ('"text"', "text"),
    ("true", True),
    (5, 5),
    (0.5, 0.5),
]

TYPES: dict[str, list[tuple[Any, Any]]] = {
    **dict.fromkeys(
        [
            "INTEGER",
            "INT",
            "int(5)",
            "BIGINT",
            "BIGINT(20)",
            "SMALLINT",
            "TINYINT(1)",
            "INT UNSIGNED",
        ],
        INTEGERS,
    ),
    **dict.fromkeys(["MEDIUMINT", "UNSIGNED BIG INT", "INT2", "INT8", "POINT"], INTEGERS),
    **dict.fromkeys(["REAL", "DOUBLE", "DOUBLE PRECISION", "FLOAT", "FLOAT(24)"], REALS),
    **dict.fromkeys(["TEXT", "VARCHAR(20)", "CHAR", "CHARACTER(20)", "NCHAR(5)", "CLOB"], TEXTS),
    **dict.fromkeys(["NVARCHAR(100)", "VARYING CHARACTER(255)", "TEXT(5, 6)", "LONGTEXT"], TEXTS),
    **dict.fromkeys(["NATIVE CHARACTER(70)", "VARCHAR2(9)"], TEXTS),
    **dict.fromkeys(["", "BLOB", "BLOB(16)", "LONGBLOB"], ANYTHING),
    **dict.fromkeys(
        ["STRING", "anything", "UUID", "MONEY", "NUMBER(10, 2)", "ANY", "BIT"], ANYTHING
    ),
    **dict.fromkeys(["TIMESTAMP WITH TIME ZONE", "YEAR", "DATETIME2", "BINARY(16)"], ANYTHING),
    "DECIMAL(10, 2)": EXACT,
    "NUMERIC(10,2)": EXACT,
    "NUMERIC": TEN,
    "DECIMAL": TEN,
    "DECIMAL(20, 0)": WHOLE,
    "FLOAT(10, 2)": FLOATS,
    "DOUBLE(10, 2)": FLOATS,
    "DATE": DATES,
    "DATE(5)": DATES,
    "DATETIME": DATETIMES,
    "datetime(6)": DATETIMES,
    "TIMESTAMP": DATETIMES,
    "TIMESTAMP(3)": DATETIMES,
    "TIME": TIMES,
    "TIME(3)": TIMES,
    "BOOLEAN": BOOLEANS,
    "BOOL": BOOLEANS,
    "JSON": DOCUMENTS,
    "JSONB": DOCUMENTS,
}


@pytest.fixture
def memory(make_engine: Callable[..., sa.Engine]) -> sa.Engine:
    """An engine on an empty database in memory."""
    return make_engine("sqlite://", poolclass=sa.StaticPool)


@pytest.fixture
def make(memory: sa.Engine) -> Any:
    """Make a table ``t`` with a column ``v`` of some type, which holds some values."""

    def make(declared: str, *stored: Any) -> SQLSoup:
        with memory.begin() as connection:
            connection.exec_driver_sql(f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})")
            for value in stored:
                connection.exec_driver_sql("INSERT INTO t (v) VALUES (?)", (value,))
        return SQLSoup(memory)

    yield make
    sqlsoup.Session.remove()


def driven(db: SQLSoup) -> list[Any]:
    """Return what the driver gives."""
    return [shape(value) for value in db.connection().exec_driver_sql("SELECT v FROM t").scalars()]


def shown(db: SQLSoup) -> list[Any]:
    """Return what SQLSoup shows."""
    return [shape(row.v) for row in db.t.order_by(db.t.id)]


@pytest.mark.parametrize("declared", TYPES)
def test_values(make: Any, declared: str) -> None:
    """What the driver stored is shown, written back as it was, and stored so if it is set.

    JSONB alone may be stored in another form of the same.
    """
    pairs = [*TYPES[declared], (None, None)]
    stored, expected = [pair[0] for pair in pairs], [shape(pair[1]) for pair in pairs]
    db = make(declared, *stored)
    before = driven(db)
    assert before == [shape(value) for value in stored]
    assert shown(db) == expected
    for row in db.t.all():
        flag_modified(row, "v")
    db.commit()
    binary = driven(db)[0][0] is bytes and declared == "JSONB"  # SQLite 3.45, SQLAlchemy 2.1
    assert binary or driven(db)[:-1] == before[:-1]
    assert shown(db) == expected
    db.expunge_all()
    assert db.t.delete() == len(pairs)
    for _, value in pairs:
        db.t.insert(v=value)
    db.commit()
    assert binary or driven(db)[:-1] == before[:-1]
    assert shown(db) == expected


def test_document_that_is_none(make: Any) -> None:
    """None that is set in a column of JSON is JSON's null, and what is not given is NULL."""
    db = make("JSON")
    db.t.insert(v=None)
    db.t.insert()
    db.commit()
    assert driven(db) == [shape("null"), shape(None)]
    assert shown(db) == [shape(None), shape(None)]


@pytest.mark.parametrize("declared", ["MONEY", "NUMBER(10, 2)", "ANY", "CURRENCY"])
def test_decimal_of_no_known_type(make: Any, declared: str) -> None:
    """A Decimal is stored as a number, as in 0.9, in keys and batches too."""
    db = make(declared)
    rows = [db.t.insert(v=Decimal(text)) for text in ("1.10", "5", "9007199254740993")]
    assert sqlsoup.insert_many(db.t, [{"v": Decimal("2.5")}, {"v": "x"}]) == 2
    db.commit()
    assert shown(db) == [shape(value) for value in (1.1, 5, 2**53 + 1, 2.5, "x")]
    rows[0].v = Decimal("0.25")
    db.commit()
    assert db.t.filter_by(v=Decimal("0.25")).one() is rows[0]
    keyed = SQLSoup(db.engine, primary_keys={"u": ["v"]})
    keyed.execute(f"CREATE TABLE u (v {declared} NOT NULL, n INT)")
    row = keyed.u.insert(v=Decimal("1.50"))
    keyed.commit()
    row.n = 1
    keyed.commit()
    assert (keyed.u.get(Decimal("1.50")), row.v) == (row, 1.5)


def test_decimal_of_too_many_digits(make: Any) -> None:
    """There is a warning where SQLite does not keep all digits."""
    db = make("MONEY")
    db.t.insert(v=Decimal("0.12345678901234567890"))
    with pytest.warns(SQLSoupWarning, match=r"^t\.v was given more digits than SQLite stores"):
        db.commit()


AS_BEFORE = {
    "DATE": [("2006-7-1", dt.date(2006, 7, 1))],
    "DATETIME": [
        ("2006-07-12 0:0:0", dt.datetime(2006, 7, 12)),
        ("2006-7-2 1:2:3.5", dt.datetime(2006, 7, 2, 1, 2, 3, 500000)),
        ("2024-01-02T03:04:05", dt.datetime(2024, 1, 2, 3, 4, 5)),
        ("2024-01-02 03:04:05", dt.datetime(2024, 1, 2, 3, 4, 5)),
        ("2024-01-02", dt.datetime(2024, 1, 2)),
    ],
    "TIME": [("1:2:3", dt.time(1, 2, 3)), ("1:2:3.25", dt.time(1, 2, 3, 250000))],
    "BOOLEAN": [
        *(("true", True), ("t", True), ("Yes", True), ("y", True), ("on", True), (2, True)),
        *(("FALSE", False), ("f", False), ("no", False), ("n", False), ("off", False)),
        *((0.0, False), (-1, True), ("1", True), ("0", False)),
    ],
}


@pytest.mark.parametrize("declared", AS_BEFORE)
def test_other_spellings(make: Any, declared: str) -> None:
    """Dates and times without leading zeros are read, and booleans as words."""
    db = make(declared, *(stored for stored, _ in AS_BEFORE[declared]))
    assert shown(db) == [shape(value) for _, value in AS_BEFORE[declared]]


ODD = {
    "DATE": ["2024-01-01 00:00:00", "2024-02-30", "soon", "", 5, 20240131, 0.5, b"\0"],
    "DATETIME": ["0000-00-00 00:00:00", "2024-2-30 1:2:3", "now", 1700000000, 0.5],
    "TIMESTAMP": ["later", 1700000000],
    "TIME": ["24:00:00.5", "25:0:0", "noon", 5],
    "BOOLEAN": ["maybe", b"\1"],
    "NUMERIC": ["much", b"\1"],
    "JSON": ["{", "plain"],
}


@pytest.mark.parametrize("declared", ODD)
def test_odd_values(make: Any, declared: str) -> None:
    """What is none of a type comes as it is stored, with one warning that names the column."""
    db = make(declared, *ODD[declared], None)
    before = driven(db)
    with pytest.warns(SQLSoupWarning) as warned:
        assert shown(db) == before
    message = (
        f"t.v holds values that are no {declared}, which come as they are stored; a listener to "
        "'column_reflect' can set another type"
    )
    assert [str(warning.message) for warning in warned] == [message]
    assert [warning.filename for warning in warned] == [__file__]
    db.session.expire_all()
    assert shown(db) == before
    if declared != "JSON":
        for row in db.t.all():
            flag_modified(row, "v")
        db.commit()
        assert driven(db) == before


def test_bytes_in_json(make: Any) -> None:
    """Bytes, as SQLite's own JSONB are, come and go as they are; no text of JSON can be meant."""
    db = make("JSON", b"\x1c")
    before = driven(db)
    with pytest.warns(SQLSoupWarning):
        row = db.t.one()
    assert row.v == b"\x1c"
    flag_modified(row, "v")
    db.commit()
    assert driven(db) == before


def test_odd_value_where_warnings_are_errors(make: Any) -> None:
    """An odd value is shown all the same where warnings are errors, and no row is lost for it."""
    assert shown(make("DATE", "soon", "2024-01-01")) == [
        shape("soon"),
        shape(dt.date(2024, 1, 1)),
    ]


def test_another_type(make: Any) -> None:
    """A listener sets the type of a column with odd values, and there is no warning."""
    db = make("DATE", "soon", "2024-01-01")

    @sa.event.listens_for(db._metadata, "column_reflect")
    def set_type(inspector: object, table: object, column: Any) -> None:
        if isinstance(column["type"], sa.Date):
            column["type"] = sa.Text()

    assert shown(db) == [shape("soon"), shape("2024-01-01")]


def test_listener_to_integers_with_a_width(make: Any) -> None:
    """So does one for a type with arguments that SQLAlchemy cannot use."""
    db = make("int(5)", 7)
    seen: list[Any] = []

    @sa.event.listens_for(db._metadata, "column_reflect")
    def set_type(inspector: object, table: object, column: Any) -> None:
        seen.append(type(column["type"]))
        column["type"] = sa.BigInteger()

    assert shown(db) == [shape(7)]
    assert seen == [sa.INTEGER, sa.INTEGER]
    assert type(db.t.c.v.type) is sa.BigInteger


def test_schema_in_the_warning(make_engine: Any, tmp_path: Any) -> None:
    """The warning names the schema too, where there is one."""
    engine = make_engine(f"sqlite:///{tmp_path}/a.db")
    sa.event.listen(engine, "connect", lambda c, _: c.execute("ATTACH ':memory:' AS annex").close())
    db = SQLSoup(engine)
    db.schema = "annex"
    db.execute("CREATE TABLE annex.t (id INTEGER PRIMARY KEY, v DATE)")
    db.execute("INSERT INTO annex.t (v) VALUES ('soon')")
    with pytest.warns(SQLSoupWarning, match=r"^annex\.t\.v holds values that are no DATE, which"):
        assert db.t.one().v == "soon"
    db.session.remove()


def test_filter(make: Any) -> None:
    """A date in a condition is compared as it would be stored, and so is text or a number."""
    db = make("DATE", "2024-01-01", "2024-01-01 00:00:00", "2024-01-02", 5)
    t = db.t
    assert t.filter(t.v == dt.date(2024, 1, 1)).one().id == 1
    assert t.filter(t.v > dt.date(2024, 1, 1)).count() == 2
    assert t.filter_by(v="2024-01-01 00:00:00").one().id == 2
    assert t.filter(t.v.in_([dt.date(2024, 1, 2), 5])).count() == 2
    assert t.filter(t.v == sa.literal("2024-01-02")).one().id == 3


def test_what_no_type_takes(make: Any) -> None:
    """A value that is none of SQLite's is refused in the words of SQLAlchemy."""
    db = make("DATE")
    db.t.insert(v=[1])
    with pytest.raises(sa.exc.StatementError, match="SQLite Date type only accepts Python date"):
        db.commit()
    db.rollback()


def test_date_in_a_datetime(make: Any) -> None:
    """A date is midnight in a column of datetimes, and a datetime its day in one of dates."""
    db = make("DATETIME")
    db.t.insert(v=dt.date(2024, 1, 2))
    db.commit()
    assert driven(db) == [shape("2024-01-02 00:00:00.000000")]
    db.execute("ALTER TABLE t ADD COLUMN d DATE")
    sqlsoup.refresh(db)
    db.t.one().d = dt.datetime(2024, 1, 2, 3)
    db.commit()
    assert db.t.one().d == dt.date(2024, 1, 2)


def test_native_dates(make_engine: Any) -> None:
    """Where the driver makes dates, it does so alone."""
    options = {"detect_types": sqlite3.PARSE_DECLTYPES}
    engine = make_engine("sqlite://", connect_args=options, native_datetime=True)
    sqlite3.register_converter("date", lambda value: dt.date.fromisoformat(value.decode()))
    sqlite3.register_adapter(dt.date, dt.date.isoformat)
    try:
        db = SQLSoup(engine)
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, d DATE, at DATETIME)")
        row = db.t.insert(d=dt.date(2024, 1, 2), at=dt.datetime(2024, 1, 2))
        db.commit()
        assert (row.d, row.at) == (dt.date(2024, 1, 2), dt.datetime(2024, 1, 2))
        db.session.remove()
    finally:
        del sqlite3.converters["DATE"]
        del sqlite3.adapters[dt.date, sqlite3.PrepareProtocol]


# decimals


def test_sums(make: Any) -> None:
    """What is calculated from decimals is rounded to the scale of the column."""
    db = make("NUMERIC(10, 2)", 0.1, 0.2)
    v = db.t.v
    query = db.session.query
    assert str(query(sa.func.sum(v)).scalar()) == "0.30"
    assert str(query(sa.func.max(v)).scalar()) == "0.20"
    assert str(query(v.label("x")).order_by("x").first().x) == "0.10"
    part = sa.select(v, (v * 3).label("thrice")).subquery()
    assert [tuple(map(str, row)) for row in query(part)] == [
        ("0.10", "0.3000000000"),
        ("0.20", "0.6000000000"),
    ]
    db.t.insert(v=0.1 + 0.2)
    db.flush()
    assert str(query(part.c.v, part.c.thrice).all()[2].v) == "0.30000000000000004"
    assert str(query(sa.func.total(v)).scalar()) == "0.6000000000000001"


@pytest.mark.parametrize(
    ("given", "stored"),
    [("1.5", 1.5), ("much", "much"), (7, 7), (2**70, 2.0**70), (True, 1), (D("7.0"), 7)],
)
def test_given_decimals(make: Any, given: Any, stored: Any) -> None:
    """Text and numbers are stored as SQLite stores them."""
    db = make("NUMERIC(10, 2)")
    db.t.insert(v=given)
    db.commit()
    assert driven(db) == [shape(stored)]


@pytest.mark.parametrize(
    ("declared", "given", "shown"),
    [
        ("NUMERIC", "1234567.1", "1234567.1000000000"),
        ("DECIMAL(20, 10)", "-123456789.12", "-123456789.1200000000"),
        ("FLOAT(10, 2)", "1234567.1", "1234567.1000000000"),
        ("DECIMAL(10, 2)", "1E+30", "1" + "0" * 30 + ".00"),
        ("DECIMAL(20, 0)", "1E+23", "1" + "0" * 23),
        ("DECIMAL(10, 2)", "0.12345678901234", "0.12345678901234"),
    ],
)
def test_digits_of_large_numbers(make: Any, declared: str, given: str, shown: str) -> None:
    """A Decimal comes back in the digits that it was given, with the zeros of its type."""
    db = make(declared)
    row = db.t.insert(v=D(given))
    db.commit()
    assert str(row.v) == shown
    assert db.t.filter(db.t.v == row.v).count() == 1


@pytest.mark.parametrize("given", ["123456789.0123456789", "0.1234567890123456789", "1e20"])
def test_digits_that_sqlite_does_not_keep(make: Any, given: str) -> None:
    """A Decimal whose digits SQLite does not keep is stored with one warning."""
    db = make("NUMERIC(30, 10)")
    value = D(given)
    db.t.insert(v=value)
    if D(repr(float(value))) == value:
        db.commit()
    else:
        with pytest.warns(SQLSoupWarning) as warned:
            db.commit()
        message = (
            "t.v was given more digits than SQLite stores of a number; a listener to "
            "'column_reflect' can set another type"
        )
        assert [str(warning.message) for warning in warned] == [message]
        db.t.insert(v=value)
        db.commit()
    assert driven(db)[0] == shape(float(value))


@pytest.mark.parametrize("kind", ["FLOAT", "REAL", "DOUBLE", "NUMERIC", "DECIMAL(9, 2)"])
def test_nan(make: Any, kind: str) -> None:
    """SQLite has no NaN and stores NULL, which is told."""
    db = make(kind)
    db.t.insert(v=D("inf"))
    db.t.insert(v=float("-inf"))
    db.commit()
    row = db.t.insert(v=D("nan") if kind == "NUMERIC" else float("nan"))
    with pytest.warns(SQLSoupWarning, match="t.v was given NaN, for which SQLite stores NULL; a"):
        db.commit()
    assert row.v is None


@pytest.mark.parametrize("given", [2**63, -(2**63) - 1, 10**400, True])
def test_numbers_of_json_that_sqlite_does_not_keep(make: Any, given: int) -> None:
    """A number alone is one of SQLite, with its digits; within a list it is text."""
    db = make("JSON")
    db.t.insert(v=[given])
    db.commit()
    row = db.t.insert(v=given)
    if given is True:
        db.commit()
    else:
        with pytest.warns(SQLSoupWarning, match="t.v was given more digits than SQLite stores"):
            db.commit()
    assert db.t.order_by(db.t.id).first().v == [given]
    assert row.v == (float("inf") if given > 2**1024 else given if given is True else float(given))


def test_other_numbers(make: Any) -> None:
    """Numbers of other Python types are stored as floats."""
    from fractions import Fraction

    db = make("NUMERIC")
    db.t.insert(v=Fraction(1, 4))
    db.t.insert(v=D("NaN"))
    db.commit()
    assert driven(db) == [shape(0.25), shape(None)]


# the types themselves


@pytest.mark.parametrize(
    ("declared", "kind", "text"),
    [
        ("DATE", sa.Date, "DATE"),
        ("DATETIME(6)", sa.DateTime, "DATETIME"),
        ("TIMESTAMP", sa.TIMESTAMP, "TIMESTAMP"),
        ("TIME", sa.Time, "TIME"),
        ("DECIMAL(10,2)", sa.DECIMAL, "DECIMAL(10, 2)"),
        ("NUMERIC", sa.Numeric, "NUMERIC"),
        ("FLOAT(10,2)", sa.Float, "FLOAT"),
        ("BOOLEAN", sa.Boolean, "BOOLEAN"),
        ("BLOB", sa.LargeBinary, "BLOB"),
        ("JSON", sa.JSON, "JSON"),
        ("VARCHAR(10,2)", sa.VARCHAR, "VARCHAR(10)"),
        ("STRING", sa.types.NullType, "NULL"),
    ],
)
def test_types(make: Any, declared: str, kind: type, text: str) -> None:
    """The type of a column is one of SQLAlchemy's, and a copy of the table has the same."""
    db = make(declared)
    found = db.t.c.v.type
    assert isinstance(found, kind)
    assert str(found) == text
    copied = db.t._table.to_metadata(sa.MetaData()).c.v.type
    assert (type(copied), repr(copied)) == (type(found), repr(found))
    assert type(found.as_generic(allow_nulltype=True)).__module__.startswith("sqlalchemy")


def test_jsonb_before_sqlite_had_it(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SQLite has no function that writes it, a column called JSONB holds text."""
    db = make("JSONB", '{"a": 1}')
    monkeypatch.setattr(db.engine.dialect, "server_version_info", (3, 44, 0))
    assert db.t.one().v == {"a": 1}
    db.t.insert(id=2, v=[1, None])
    db.commit()
    assert [*db.execute("SELECT typeof(v) FROM t").scalars()] == ["text", "text"]
    assert db.t.get(2).v == [1, None]


def test_copied_table(make: Any) -> None:
    """A copy of a table reads and writes the same, and can be made in another database."""
    db = make("DATE", "2006-7-1")
    copied = db.t._table.to_metadata(sa.MetaData())
    assert list(db.execute(sa.select(copied.c.v)).scalars()) == [dt.date(2006, 7, 1)]
    from sqlalchemy.dialects import postgresql

    ddl = str(sa.schema.CreateTable(copied).compile(dialect=postgresql.dialect()))
    assert "v DATE" in ddl


def test_no_type_is_the_foreign_keys(make: Any) -> None:
    """Columns of views have the types of the columns behind them, and what is calculated none."""
    db = make("DATE", "2024-01-02")
    db.execute("CREATE VIEW w AS SELECT id, v, v || '' AS x, id * 2 AS twice FROM t")
    row = db.entity("w", primary_key=["id"]).one()
    assert (row.v, row.x, row.twice) == (dt.date(2024, 1, 2), "2024-01-02", 2)


def test_the_page_has_the_types() -> None:
    """The page of the documentation names types that are tested, with what they are in Python."""
    page = (Path(__file__).parents[1] / "docs" / "types-sqlite.rst").read_text("utf-8")
    rows = re.findall(r'^   "(.*``.*)", "(.+)"$', page, re.MULTILINE)
    told = {name: kind for names, kind in rows for name in re.findall("``(.+?)``", names)}
    assert len(told) == 27
    for name, kind in told.items():
        _, shown = TYPES[name][0]
        assert type(shown).__name__ in kind or kind.startswith("what")


SPELLED = [
    ("DATETIME", "2020-01-02 03:04:05", dt.datetime(2020, 1, 2, 3, 4, 5)),
    ("TIMESTAMP", "2020-01-02T03:04:05.5", dt.datetime(2020, 1, 2, 3, 4, 5, 500000)),
    ("DATETIME", "2020-1-2 03:04:05", dt.datetime(2020, 1, 2, 3, 4, 5)),
    ("DATETIME", "2020-01-02", dt.datetime(2020, 1, 2)),
    ("DATETIME", "2020-01-02 03:04:05Z", dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
    ("DATETIME", "2020-01-02 03:04:05.000000", dt.datetime(2020, 1, 2, 3, 4, 5)),
    ("DATETIME", "soon", "soon"),
    ("DATE", "2020-1-2", dt.date(2020, 1, 2)),
    ("DATE", "20200102", 20200102),
    ("TIME", "03:04", dt.time(3, 4)),
]


@pytest.mark.filterwarnings("ignore:t.day holds values:sqlsoup.SQLSoupWarning")
@pytest.mark.filterwarnings("ignore:u.day holds values:sqlsoup.SQLSoupWarning")
@pytest.mark.parametrize(("kind", "text", "value"), SPELLED)
@pytest.mark.parametrize("key", ["PRIMARY KEY", "UNIQUE"])
def test_keys_as_they_are_spelled(
    lite: sa.Engine, kind: str, text: str, value: Any, key: str
) -> None:
    """A date in a key finds its row again, however it is written, and is found by foreign keys."""
    run(
        lite,
        f"CREATE TABLE t (day {kind} {key}, n INTEGER)",
        f"CREATE TABLE u (id INTEGER PRIMARY KEY, day {kind} REFERENCES t (day))",
        f"INSERT INTO t VALUES ('{text}', 1)",
        f"INSERT INTO u VALUES (1, '{text}')",
    )
    db = SQLSoup(lite, relationships=True, primary_keys={"t": ["day"]})
    row, child = db.t.one(), db.u.one()
    assert (row.day, child.t) == (value, row)
    assert repr(row.day) == repr(value)
    row.n = 2
    db.u.insert(t=row)
    db.commit()
    stored = db.execute("SELECT day FROM t").scalar()
    assert db.execute("SELECT day, n FROM t").all() == [(stored, 2)]
    assert db.execute("SELECT day FROM u").scalars().all() == [stored, stored]
    if type(row.day) is not dt.datetime:  # which the driver writes otherwise, and warns of
        assert db.execute("SELECT n FROM t WHERE day = :day", day=row.day).scalar() == 2
    again = pickle.loads(pickle.dumps(row.day))
    assert (again, type(again)) == (row.day, type(row.day))
    assert db.t.filter_by(day=copy.deepcopy(row.day)).one() is row
    db.execute("DELETE FROM u")
    db.delete(row)
    db.commit()
    assert db.t.count() == 0


@pytest.mark.parametrize(
    ("kind", "text", "function"),
    [
        ("DATETIME", "2020-01-02 03:04:05", sa.func.datetime),
        ("TIMESTAMP", "2020-01-02T03:04", sa.func.datetime),
        ("DATE", "2020-01-02T00:00", sa.func.date),
        ("DATE", "2020-01-02 00:00:00", sa.func.date),
    ],
)
def test_conditions_with_dates_of_another_spelling(
    lite: sa.Engine, kind: str, text: str, function: Any
) -> None:
    """SQLite compares dates as text, unless its own functions are asked, as the page says."""
    run(lite, f"CREATE TABLE t (id INTEGER PRIMARY KEY, day {kind})")
    db = SQLSoup(lite)
    db.execute("INSERT INTO t (day) VALUES (:day)", day=text)
    day = dt.datetime(2020, 1, 2, 3, 4, 5 if text.endswith("05") else 0)
    if kind == "DATE":
        day = day.date()
    assert db.t.filter(db.t.day == day).count() == 0
    assert db.t.filter(function(db.t.day) == function(day)).count() == 1
    assert db.t.filter(function(db.t.day) > function(day)).count() == 0


def test_what_is_made_of_a_spelled_key(lite: sa.Engine) -> None:
    """It is a date or time like others, and stored as these are."""
    run(
        lite,
        "CREATE TABLE t (day DATETIME PRIMARY KEY, d DATE)",
        "INSERT INTO t VALUES ('2020-01-02 03:04:05', NULL)",
    )
    db = SQLSoup(lite)
    row = db.t.one()
    row.d = row.day
    later = row.day + dt.timedelta(days=1)
    db.t.insert(day=later)
    db.t.insert(day=later.replace(hour=0))
    db.commit()
    assert db.execute("SELECT day, d FROM t ORDER BY day").all() == [
        ("2020-01-02 03:04:05", "2020-01-02"),
        ("2020-01-03 00:04:05.000000", None),
        ("2020-01-03 03:04:05.000000", None),
    ]
    assert later.__conform__(sqlite3.PrepareProtocol) == "2020-01-03 03:04:05"


def test_text_of_another_encoding(lite: sa.Engine) -> None:
    """It is an error of the driver, until a listener of the page takes it as bytes."""
    run(
        lite,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, d DATE)",
        "INSERT INTO t VALUES (1, CAST(x'e9' AS TEXT), CAST(x'e9' AS TEXT)), (2, 'é', NULL)",
    )
    page = Path(__file__).parents[1].joinpath("docs/types-sqlite.rst").read_text("utf-8")
    source = page.partition("bytes of such text:")[2].partition("Keys\n")[0]
    source = textwrap.dedent(source.partition("::")[2].partition("python\n")[2])
    db = SQLSoup(lite)
    with pytest.raises(sa.exc.OperationalError, match="Could not decode to UTF-8"):
        db.t.all()
    sqlsoup.Session.remove()
    lite.dispose()
    exec(source, {"sa": sa, "db": db})
    first, second = db.t.order_by(db.t.id)
    assert (first.v, second.v) == (b"\xe9", "é")
    first.v = first.v.decode("latin-1")
    db.commit()
    assert first.v == "é"


@pytest.mark.parametrize(
    ("ddl", "given", "stored"),
    [
        ("INTEGER", "5", 5),
        ("INT", "05", 5),
        ("BIGINT", "x", "x"),
        ("TEXT", 5, "5"),
        ("VARCHAR(3)", 5, "5"),
        ("CHAR(3)", "a", "a"),
        ("TEXT", uuid.UUID(int=7), str(uuid.UUID(int=7))),
        ("", "5", "5"),
        ("", 5, 5),
        ("INTEGER", "5.0", 5),
        ("INTEGER", 5.0, 5),
        ("INT", " 1e2 ", 100),
        ("INT", "5.5", 5.5),
        ("INT", True, 1),
        ("INT", "9" * 20, 1e20),
        ("TEXT", 1.5, "1.5"),
        ("TEXT", 0.1 + 0.2, "0.3"),
        ("TEXT", 1e20, "1.0e+20"),
        ("TEXT", True, "1"),
        ("TEXT", b"ab", b"ab"),
        ("TEXT", dt.datetime(2020, 1, 2, 3, 4), "2020-01-02 03:04:00"),
        ("NUMERIC(5,2)", "5.5", Decimal("5.50")),
        ("NUMERIC(5,2)", Decimal("2.445"), Decimal("2.445")),
        ("DECIMAL(5,2)", 2.445, Decimal("2.445")),
        ("ANY", "5", 5),
        ("REAL", "5", 5.0),
        ("REAL", 5, 5.0),
        ("REAL", "x", "x"),
        ("BLOB", bytearray(b"a"), b"a"),
        ("BLOB", "5", "5"),
        ("STRING", "5", 5),
        ("BOOLEAN", "1", True),
    ],
)
def test_keys_in_another_type(lite: sa.Engine, ddl: str, given: Any, stored: Any) -> None:
    """What is given for a key is what a query gives from the flush on: a row is one object."""
    check_key(lite, ddl, given, stored)


@pytest.mark.parametrize("stored", ["yes", "f", 2, 1, 0])
def test_a_boolean_as_a_key(lite: sa.Engine, stored: Any) -> None:
    """What is neither 1 nor 0 comes as it is stored, for by that the row is found."""
    run(
        lite,
        "CREATE TABLE t (k BOOLEAN PRIMARY KEY, n INTEGER)",
        "CREATE TABLE u (id INTEGER PRIMARY KEY, k BOOLEAN REFERENCES t)",
        f"INSERT INTO t VALUES ({stored!r}, 1)",
        f"INSERT INTO u VALUES (1, {stored!r})",
    )
    db = SQLSoup(lite, relationships=True)
    if stored in {0, 1}:
        row, child = db.t.one(), db.u.one()
        assert row.k is bool(stored)
    else:
        with pytest.warns(SQLSoupWarning) as warned:
            row, child = db.t.one(), db.u.one()
        assert [str(each.message).partition(";")[0] for each in warned] == [
            f"{name}.k holds values that are no BOOLEAN, which come as they are stored"
            for name in ("t", "u")
        ]
        assert row.k == stored
    assert (child.t, db.t.get(stored)) == (row, row)
    row.n = 2
    db.commit()
    assert db.execute("SELECT k, n FROM t").all() == [(stored, 2)]
    db.delete(child)
    db.delete(row)
    db.commit()
    assert db.t.count() == 0


def test_an_integer_that_sqlite_cannot_have(lite):
    """It is an error of the driver, and so is an object that SQLite has nothing for."""
    run(lite, "CREATE TABLE large (k INT PRIMARY KEY)")
    db = SQLSoup(lite)
    for given in (2**63, Decimal("5.5")):
        db.large.insert(k=given)
        with pytest.raises((OverflowError, sa.exc.ProgrammingError)):
            db.flush()
        db.rollback()


def test_a_key_of_any_type(lite):
    """Text of a number stays text in a column of ANY, which is what it is for in a strict table."""
    run(lite, "CREATE TABLE t (k ANY PRIMARY KEY) STRICT")
    db = SQLSoup(lite)
    row = db.t.insert(k="05")
    db.flush()
    assert (row.k, db.t.one()) == ("05", row)
    db.rollback()


@pytest.mark.parametrize(
    ("ddl", "given", "stored"),
    [
        ("DATE", "2020-1-2", dt.date(2020, 1, 2)),
        ("DATE", dt.datetime(2020, 1, 2, 3), dt.date(2020, 1, 2)),
        ("DATETIME", dt.date(2020, 1, 2), dt.datetime(2020, 1, 2)),
        ("DATETIME", "2020-01-02T03:04:05", dt.datetime(2020, 1, 2, 3, 4, 5)),
        ("TIME", "03:04", dt.time(3, 4)),
    ],
)
def test_moments_for_keys(lite: sa.Engine, ddl: str, given: Any, stored: Any) -> None:
    """What is given for one is one from the flush on, with the text that SQLite has."""
    run(lite, f"CREATE TABLE t (k {ddl} PRIMARY KEY, n INTEGER)")
    db = SQLSoup(lite)
    row = db.t.insert(k=given)
    db.flush()
    assert (row.k, db.t.one()) == (stored, row)
    row.n = 2
    db.commit()
    assert (row.k, row.n) == (stored, 2)
