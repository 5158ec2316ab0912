"""Values are what they were in SQLSoup 0.9.1 on SQLAlchemy 1.3.24, read and written back."""

from __future__ import annotations

import copy
import datetime as dt
import json
import re
import uuid
import warnings
from decimal import Decimal
from pathlib import Path

import old_values
import pytest
import sqlalchemy as sa
from conftest import empty, noted_in, on_postgresql, run
from sqlalchemy.orm import scoped_session, sessionmaker
from test_mariadb_types import on_servers

import sqlsoup
from sqlsoup import SQLSoup, legacy
from sqlsoup.legacy import _notes

RECORDED = json.loads(old_values.RECORDED.read_text(encoding="utf-8"))
DOCS = Path(__file__).parents[2] / "docs"

LETTERS = {"bit", "bit(3)", "bit varying", "bit varying(5)", "money", "regclass", "tsvector"}
"""Arrays of these were a list of the letters of their text, and stored so."""


def is_kept(backend, ddl, value, place):
    """Tell where 1.3 lost or garbled what is stored, so that today's answer stays."""
    if backend == "sqlite":
        bytes_of_number = ddl == "BLOB" and re.fullmatch(r"-?[0-9.]+", value)
        number_in_document = ddl == "JSONB" and value in ("5", "0.5")
        return bytes_of_number or number_in_document or (value == str(-(2**63)) and place == 1)
    if backend == "mysql":  # 1.3 stored -1e65
        return (ddl, value, place) == ("DOUBLE", "-1.7976931348623157e308", 1)
    return ddl in LETTERS and place // 3 == 2


def is_wrong(backend, ddl, value, place):
    """Tell where 1.3 has no answer to keep to."""
    answer = RECORDED[backend][ddl][value][place]
    return str(answer).startswith("!") or is_kept(backend, ddl, value, place)


def alike(backend, answers):
    """Return answers with the digits of Python for numbers; those of SQLite vary by release."""
    if backend != "sqlite":
        return answers
    number = re.compile(r"-?\d+\.\d+(e[+-]\d+)?")
    return [str(float(one)) if number.fullmatch(str(one)) else one for one in answers]


def test_values_are_what_they_were(server):
    """Each value of each type is that of 1.3, in rows and queries, written back and as a condition.

    What 1.3 could not read, write or compare, and what it garbled, is as it is without the module.
    A value that 1.3 could not write back stays the same.
    """
    backend = sa.make_url(server).get_backend_name()
    expected = copy.deepcopy(RECORDED[backend])
    wrong = [
        (ddl, value, place)
        for ddl, values in expected.items()
        for value, answers in values.items()
        for place in range(len(answers))
        if is_wrong(backend, ddl, value, place)
    ]
    now = old_values.answers_on(server, dict.fromkeys(ddl for ddl, _, _ in wrong))
    for ddl, value, place in wrong:
        was, answer = expected[ddl][value], now[ddl][value]
        is_other = was[place // 3 * 3] != answer[place // 3 * 3]
        was[place] = None if is_other and place % 3 == 1 else answer[place]
    with legacy.enabled(warnings=False):
        then = old_values.answers_on(server)
    _notes.clear()
    for ddl, values in expected.items():
        for value, answers in values.items():
            assert alike(backend, then[ddl][value]) == alike(backend, answers), (ddl, value)


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"])
def test_each_type_of_the_pages_is_recorded(backend):
    """The recording has each type of the pages of types."""
    page = (DOCS / f"types-{backend}.rst").read_text("utf-8")
    names = re.findall(r'^   "``(.+?)``", ', page, re.MULTILINE)
    recorded = RECORDED["mysql" if backend == "mariadb" else backend]
    assert {name.replace("''char''", '"char"') for name in names} == recorded.keys()


@pytest.fixture
def old(old_forms, tmp_path, make_engine):
    """A SQLSoup on an empty SQLite file, with the old forms in force."""
    engine = make_engine(f"sqlite:///{tmp_path}/old.db")
    db = SQLSoup(engine, session=scoped_session(sessionmaker(bind=engine)))
    yield db
    db.session.remove()


def values_noted():
    """Return what is noted of values, and how often."""
    return [(n.old, n.count) for n in legacy.report().notes if n.form == "value"]


def test_value_is_noted_once_a_column(old):
    """A value that is another without the module is noted where it is read, once a column."""
    run(
        old.engine,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, d DATE, e DATE, n NUMERIC(5, 2), b BOOLEAN)",
        "INSERT INTO t VALUES (1, '2024-1-2', '2024-01-02 00:00:00', 0.5, 'true')",
        "INSERT INTO t VALUES (2, '2024-01-02', '2024-01-03 00:00:00', 7, 1)",
    )
    rows = [(row.d, row.e, row.n, row.b) for row in old.t.order_by(old.t.id)]
    assert rows == [
        (dt.date(2024, 1, 2), dt.date(2024, 1, 2), Decimal("0.50"), True),
        (dt.date(2024, 1, 2), dt.date(2024, 1, 3), Decimal("7.00"), True),
    ]
    assert values_noted() == [("a value of t.e as SQLAlchemy 1.3 gave it", 1)]
    assert noted_in(__file__) == {"value"}


def test_zone_is_neither_stored_nor_compared(old):
    """A time zone is left away, in rows and conditions, so that what 0.9 stored is found."""
    run(
        old.engine,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n DATETIME, h TIME)",
        "INSERT INTO t VALUES (1, '2024-01-02 03:04:05.000000', '03:04:05.000000')",
        "INSERT INTO t VALUES (2, '2024-01-02T03:04:05+01:00', '03:04:05+01:00')",
    )
    zone = dt.timezone(dt.timedelta(hours=2))
    moment = dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=zone)
    old.t.insert(n=moment, h=moment.timetz())
    old.commit()
    assert old.t.filter(old.t.n == moment, old.t.h == moment.timetz()).count() == 2
    plain = (dt.datetime(2024, 1, 2, 3, 4, 5), dt.time(3, 4, 5))
    assert [(row.n, row.h) for row in old.t.all()] == [plain] * 3
    assert [note for note, _ in values_noted()] == [
        "a value of t.h as SQLAlchemy 1.3 gave it",
        "a value of t.n as SQLAlchemy 1.3 gave it",
    ]


def test_unknown_types_of_sqlite(old):
    """Numbers in a column of a type that SQLite does not know are decimals; text comes as it is."""
    run(
        old.engine,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v STRING, p MONEY)",
        "INSERT INTO t VALUES (1, 'Alice', 5), (2, '7', 2.5)",
    )
    assert [(row.v, str(row.p)) for row in old.t.all()] == [
        ("Alice", "5.0000000000"),
        (Decimal("7.0000000000"), "2.5000000000"),
    ]
    old.t.insert(v="Bo", p=Decimal("1.25"))
    old.commit()
    assert old.t.filter(old.t.v == "Bo", old.t.p == Decimal("1.25")).count() == 1


def test_odd_dates_still_come_as_they_are_stored(old):
    """What 1.3 could not read comes as it does without the module, with the same warning."""
    run(
        old.engine,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, d DATE)",
        "INSERT INTO t VALUES (1, 'soon'), (2, '2024-02-30 1:2:3')",
    )
    with pytest.warns(sqlsoup.SQLSoupWarning, match="t.d holds values that are no DATE"):
        assert [row.d for row in old.t.all()] == ["soon", "2024-02-30 1:2:3"]
    assert values_noted() == []


def test_a_listener_sets_another_type(old):
    """A type that a listener sets stays, and its values are not noted."""
    run(
        old.engine,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, d DATE)",
        "INSERT INTO t VALUES (1, '2024-01-02 00:00:00')",
    )

    @sa.event.listens_for(old._metadata, "column_reflect")
    def set_type(inspector, table, column):
        if column["name"] == "d":
            column["type"] = sa.Text()

    assert old.t.one().d == "2024-01-02 00:00:00"
    assert values_noted() == []


def test_types_are_back_when_the_module_is_not(tmp_path, make_engine):
    """A table that is reflected after ``disable()`` has today's values."""
    engine = make_engine(f"sqlite:///{tmp_path}/old.db")
    run(
        engine,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, d DATETIME)",
        "INSERT INTO t VALUES (1, '2024-01-02 03:04:05.5')",
    )
    found = []
    for _ in range(2):
        with legacy.enabled(warnings=False):
            found.append(SQLSoup(engine).t.one().d.microsecond)
        sqlsoup.Session.remove()
        found.append(SQLSoup(engine).t.one().d.microsecond)
        sqlsoup.Session.remove()
    _notes.clear()
    assert found == [5, 500000] * 2


@on_servers
def test_values_of_mariadb(server, make_engine, old_forms):
    """Each old value is noted once, and takes what it takes without the module."""
    engine = make_engine(server)
    run(
        engine,
        "CREATE TABLE t (id INT PRIMARY KEY, u UUID, d DOUBLE, f FLOAT, g FLOAT, h TIME, i TIME)",
        """INSERT INTO t VALUES (1, '00000000-0000-0000-0000-000000000005', 0.5, 1.5, 123456.789,
            '10:00:00', '30:00:00')""",
        "INSERT INTO t (id) VALUES (2)",
    )
    db = SQLSoup(engine, session=scoped_session(sessionmaker(bind=engine)))
    t, key = db.t, uuid.UUID(int=5)
    row = t.filter(t.u == str(key), t.u == key).one()
    assert (row.u, str(row.d), row.f, row.g) == (str(key), "0.5000000000", 1.5, 123457.0)
    assert (row.h, row.i) == (dt.time(10), dt.time(6))
    assert [re.sub(".* of t|as.*", "", note).strip() for note, _ in values_noted()] == [
        ".d", ".g", ".i", ".u",
    ]  # fmt: skip
    empty_row = t.filter_by(id=2).one()
    assert (empty_row.u, empty_row.d, empty_row.f, empty_row.h) == (None,) * 4
    row.i, row.d = dt.timedelta(hours=-40), Decimal("1E+300")
    db.commit()
    stored = db.execute("SELECT CAST(i AS CHAR), CAST(d AS CHAR) FROM t WHERE id = 1").fetchone()
    assert tuple(stored) == ("-40:00:00", "1e300")
    db.session.remove()
    empty(engine)


@on_postgresql
def test_values_of_postgresql(pg, old_forms):
    """Ranges are those of psycopg2, and operators and functions of old values work."""
    extras = pytest.importorskip("psycopg2.extras")
    run(
        pg,
        """CREATE DOMAIN corners AS point[];
        CREATE TABLE t (id serial PRIMARY KEY, r int4range, p tstzrange[], u uuid, c corners)""",
    )
    db = SQLSoup(pg, session=scoped_session(sessionmaker(bind=pg)))
    t, key = db.t, str(uuid.UUID(int=5))
    is_old = pg.driver == "psycopg2"
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    t.insert(r="[1,5)", u=key, p=["[2020-01-01 00:00+00,)"], c="{}")
    db.commit()
    row = t.filter(t.r.contains(3), t.u == key, t.u == uuid.UUID(key), t.u.in_([key])).one()
    assert (row.u, db.session.query(sa.func.array_agg(t.u)).scalar()) == (key, [key])
    if is_old:
        assert (row.r, row.c) == (extras.NumericRange(1, 5), "{}")
        assert row.p == [extras.DateTimeTZRange(start, None)]
        assert t.filter(t.r == row.r, t.p == row.p, t.r.overlaps(extras.NumericRange(2, 9))).one()
    else:
        assert (row.r.lower, row.p[0].lower) == (1, start)
    t.insert(r=None, u=None, c=None)
    db.commit()
    assert t.filter(t.r.is_(None), t.u.is_(None), t.c.is_(None)).one().c is None
    names = {note for note, _ in values_noted()}
    assert "a value of t.u as SQLAlchemy 1.3 gave it" in names
    assert ("a value of t.r as SQLAlchemy 1.3 gave it" in names) == is_old
    db.session.remove()


@pytest.mark.parametrize("given", [str(uuid.UUID(int=10)).upper(), uuid.UUID(int=10)])
def test_a_uuid_as_a_key_is_text(engine, old_forms, given):
    """A new row has the text that a query gives, which gives the same object."""
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no UUID")
    run(engine, "CREATE TABLE t (k UUID PRIMARY KEY, n INT)")
    db = SQLSoup(engine, session=scoped_session(sessionmaker(bind=engine)))
    row = db.t.insert(k=given)
    db.flush()
    assert row.k == str(uuid.UUID(int=10))
    assert db.t.first() is row
    db.commit()
    assert db.t.get(row.k) is row
    db.session.remove()


@on_postgresql
def test_tables_that_the_program_reflects(pg, old_forms):
    """By an old form they have the old values; by a new one, or declared, those of SQLAlchemy."""
    extras = pytest.importorskip("psycopg2.extras")
    key = uuid.UUID(int=5)
    run(
        pg,
        "CREATE TABLE t (id int PRIMARY KEY, r int4range, u uuid, n uuid[])",
        f"INSERT INTO t VALUES (1, '[1,5)', '{key}', '{{{key}}}')",
    )
    old = sa.Table("t", sa.MetaData(), autoload=True, autoload_with=pg)
    empty_table, again = sa.Table("t", sa.MetaData()), sa.MetaData()
    sa.inspect(pg).reflecttable(empty_table, None)
    again.reflect(pg)
    declared = sa.Table("t", sa.MetaData(), sa.Column("id"), sa.Column("u", sa.UUID))
    with pg.connect() as connection:
        for table in (old, empty_table):
            row = connection.execute(table.select().where(table.c.u == str(key))).one()
            assert (row.u, row.n) == (str(key), [str(key)])
            is_old = isinstance(row.r, extras.NumericRange)
            assert (is_old, row.r.lower) == (pg.driver == "psycopg2", 1)
        row = connection.execute(again.tables["t"].select()).one()
        assert (row.u, row.n, type(row.r).__name__) == (key, [key], "Range")
        assert connection.execute(declared.select()).one().u == key


def test_texts_of_sqlite_in_tables_of_the_program(lite, old_forms):
    """Dates and times that 1.3 read are read, and noted; what it could not read is an error."""
    run(
        lite,
        "CREATE TABLE t (d DATE, m DATETIME, h TIME)",
        "INSERT INTO t VALUES ('2024-1-2', '2024-1-2 3:4:5.6', '1:2:3')",
        "INSERT INTO t VALUES ('2024-01-02', '2024-01-02 03:04:05', '01:02:03')",
        "INSERT INTO t VALUES ('soon', NULL, NULL)",
    )
    columns = sa.Column("d", sa.Date), sa.Column("m", sa.DateTime), sa.Column("h", sa.Time)
    tables = (
        sa.Table("t", sa.MetaData(), autoload=True, autoload_with=lite),
        sa.Table("t", sa.MetaData(), *columns),
    )
    with lite.connect() as connection:
        for table in tables:
            first, second, *_ = connection.execute(table.select().where(table.c.h.is_not(None)))
            assert first.m.microsecond == 6
            assert second == (first.d, first.m.replace(microsecond=0), first.h)
            with pytest.raises(ValueError, match="soon"):
                connection.execute(table.select()).all()
    told = "a date or time of SQLite in a form that SQLAlchemy 1.3 read"
    assert (told, 6) in values_noted()


def test_values_that_are_told_of(old):
    """A note is a warning as well, at the line that reads the value."""
    run(
        old.engine,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, b BOOLEAN)",
        "INSERT INTO t VALUES (1, 'no')",
    )
    legacy.disable()
    with legacy.enabled(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert old.t.one().b is True
    assert [warning.filename for warning in caught] == [__file__]
    assert str(caught[0].message) == (
        "a value of t.b as SQLAlchemy 1.3 gave it: what comes without sqlsoup.legacy, or set the "
        "type by a listener to 'column_reflect'"
    )
