"""Each type of MariaDB: what its values are in Python, read, written and compared.

``docs/types-mariadb.rst`` has the table of them.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import pickle
import re
import struct
import uuid
from collections import OrderedDict
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import URLS, check_key, empty, run, use_keys_of_single_precision
from sqlalchemy.orm.attributes import flag_modified

import sqlsoup
from sqlsoup import SQLSoup
from sqlsoup._in_place import plain

SERVERS = [url for url in URLS if sa.make_url(url).get_backend_name() == "mysql"]
on_servers = pytest.mark.parametrize("server", SERVERS, ids=["mysql"] * len(SERVERS), indirect=True)
DIALECTS = ["mysql", "mariadb"]


@pytest.fixture(params=DIALECTS)
def engine(request, server, make_engine):
    """An engine on an empty database, by each of the two dialects."""
    engine = make_engine(sa.make_url(server).set(drivername=f"{request.param}+pymysql"))
    yield engine
    sqlsoup.Session.remove()
    empty(engine)


def integers(least, most):
    """Return integers of a range as they are in SQL and in Python."""
    return {str(number): number for number in (least, 0, 1, most)}


def seconds(hours, **more):
    """Return a duration."""
    return dt.timedelta(hours=hours, **more)


def point(x, y, srid=0):
    """Return a point as MariaDB sends it."""
    return struct.pack("<IBIdd", srid, 1, 1, x, y)


def shape(kind, *parts):
    """Return a shape of several parts as MariaDB sends it."""
    return struct.pack("<IBII", 0, 1, kind, len(parts)) + b"".join(parts)


def at(x, y):
    """Return the coordinates of a point within a shape."""
    return struct.pack("<dd", x, y)


RING = struct.pack("<I", 4) + at(0, 0) + at(0, 1) + at(1, 1) + at(0, 0)
LINE = struct.pack("<BII", 1, 2, 2) + at(0, 0) + at(1, 1)
TEXTS = {"''": "", "'a ''b'' \\\\ \\n 🍲'": "a 'b' \\ \n 🍲"}
BYTES = {"''": b"", "x'00ff0a27'": b"\0\xff\n'"}
DATETIMES = {
    "'0001-01-01'": dt.datetime(1, 1, 1),
    "'2020-02-29 23:59:59'": dt.datetime(2020, 2, 29, 23, 59, 59),
    "'9999-12-31 23:59:59'": dt.datetime(9999, 12, 31, 23, 59, 59),
}
TYPES = {
    "TINYINT": (int, integers(-128, 127)),
    "TINYINT UNSIGNED": (int, integers(0, 255)),
    "TINYINT(1)": (int, integers(-128, 127)),
    "BOOLEAN": (int, {"false": 0, "true": 1, "2": 2}),
    "SMALLINT": (int, integers(-(2**15), 2**15 - 1)),
    "MEDIUMINT": (int, integers(-(2**23), 2**23 - 1)),
    "INT": (int, integers(-(2**31), 2**31 - 1)),
    "INT UNSIGNED ZEROFILL": (int, integers(0, 2**32 - 1)),
    "BIGINT": (int, integers(-(2**63), 2**63 - 1)),
    "BIGINT UNSIGNED": (int, integers(0, 2**64 - 1)),
    "DECIMAL(65,30)": (
        Decimal,
        {
            f"{'9' * 35}.{'9' * 30}": Decimal(f"{'9' * 35}.{'9' * 30}"),
            f"-{'9' * 35}.{'9' * 30}": Decimal(f"-{'9' * 35}.{'9' * 30}"),
            f"0.{'0' * 29}1": Decimal(f"0.{'0' * 29}1"),
        },
    ),
    "DECIMAL(20,0)": (Decimal, {"99999999999999999999": Decimal(10**20 - 1)}),
    "DECIMAL(5,2) ZEROFILL": (Decimal, {"1.5": Decimal("1.50"), "0": Decimal("0.00")}),
    "DOUBLE": (
        Decimal,
        {
            "0.1": Decimal("0.1"),
            "123456789.123456789": Decimal("123456789.12345679"),
            "1e-300": Decimal("1E-300"),
            "-1.7976931348623157e308": Decimal("-1.7976931348623157E+308"),
            "2.2250738585072014e-308": Decimal("2.2250738585072014E-308"),
        },
    ),
    "DOUBLE(10,2)": (
        Decimal,
        {
            "1.25": Decimal("1.25"),
            "1.14": Decimal("1.14"),  # stored as the double next to it
            "-99999999.99": Decimal("-99999999.99"),
        },
    ),
    "FLOAT": (
        float,
        {
            "0.1": 0.1,
            "16777215": 16777215.0,
            "3.4028234e38": 3.4028234663852886e38,
            "-1.17549435e-38": -1.1754944e-38,
        },
    ),
    "FLOAT(7,3)": (float, {"1.125": 1.125, "-9999.999": -9999.999}),
    "BIT(1)": (int, {"b'0'": 0, "b'1'": 1}),
    "BIT(13)": (int, {"b'0'": 0, "b'1000000000001'": 4097}),
    "BIT(64)": (int, {"b'0'": 0, f"b'{'1' * 64}'": 2**64 - 1}),
    "CHAR(20)": (str, TEXTS),
    "VARCHAR(20)": (str, {**TEXTS, "' a '": " a "}),
    "VARCHAR(20) COMPRESSED": (str, TEXTS),
    "TINYTEXT": (str, TEXTS),
    "TEXT": (str, {**TEXTS, "REPEAT('é', 30000)": "é" * 30000}),
    "MEDIUMTEXT": (str, TEXTS),
    "LONGTEXT": (str, TEXTS),
    "JSON": (str, {"'{\"a\": [1, null]}'": '{"a": [1, null]}', "'null'": "null"}),
    "BINARY(4)": (bytes, {"'a'": b"a\0\0\0", "x'00ff0a27'": b"\0\xff\n'"}),
    "VARBINARY(20)": (bytes, BYTES),
    "TINYBLOB": (bytes, BYTES),
    "BLOB": (bytes, BYTES),
    "MEDIUMBLOB": (bytes, BYTES),
    "LONGBLOB": (bytes, BYTES),
    "DATE": (
        dt.date,
        {"'0001-01-01'": dt.date(1, 1, 1), "'9999-12-31'": dt.date(9999, 12, 31)},
    ),
    "DATETIME": (dt.datetime, DATETIMES),
    "DATETIME(6)": (
        dt.datetime,
        {**DATETIMES, "'9999-12-31 23:59:59.999999'": dt.datetime.max},
    ),
    "TIMESTAMP(6) NULL": (
        dt.datetime,
        {
            "'1971-01-01 00:00:00.000001'": dt.datetime(1971, 1, 1, microsecond=1),
            "'2038-01-18 00:00:00'": dt.datetime(2038, 1, 18),
        },
    ),
    "TIME": (
        (dt.time, dt.timedelta),
        {
            "'00:00:00'": dt.time(),
            "'23:59:59'": dt.time(23, 59, 59),
            "'24:00:00'": seconds(24),
            "'30:00:00'": seconds(30),
            "'838:59:59'": seconds(838, minutes=59, seconds=59),
            "'-00:30:01'": -seconds(0, minutes=30, seconds=1),
            "'-838:59:59'": -seconds(838, minutes=59, seconds=59),
        },
    ),
    "TIME(6)": (
        (dt.time, dt.timedelta),
        {
            "'23:59:59.999999'": dt.time(23, 59, 59, 999999),
            "'-00:00:00.000001'": -seconds(0, microseconds=1),
            "'100:00:00.5'": seconds(100, milliseconds=500),
        },
    ),
    "YEAR": (int, {"0": 0, "1901": 1901, "2155": 2155}),
    "ENUM('a','b''c','é')": (str, {"'a'": "a", "'b''c'": "b'c", "'é'": "é"}),
    "SET('a','b c','d')": (set, {"''": set(), "'a,d'": {"a", "d"}, "'b c'": {"b c"}}),
    "UUID": (
        uuid.UUID,
        {
            "'00000000-0000-0000-0000-000000000000'": uuid.UUID(int=0),
            "'ffffffff-ffff-ffff-bfff-ffffffffffff'": uuid.UUID(
                "ffffffff-ffff-ffff-bfff-ffffffffffff"
            ),
        },
    ),
    "INET4": (str, {"'0.0.0.0'": "0.0.0.0", "'255.255.255.255'": "255.255.255.255"}),
    "INET6": (str, {"'::'": "::", "'2001:db8::ff00:42:8329'": "2001:db8::ff00:42:8329"}),
    "GEOMETRY": (bytes, {"POINT(1, 2)": point(1, 2)}),
    "POINT": (bytes, {"POINT(-1.5, 2)": point(-1.5, 2)}),
    "LINESTRING": (
        bytes,
        {"ST_GeomFromText('LINESTRING(0 0, 1 1)')": shape(2, at(0, 0), at(1, 1))},
    ),
    "POLYGON": (bytes, {"ST_GeomFromText('POLYGON((0 0, 0 1, 1 1, 0 0))')": shape(3, RING)}),
    "MULTIPOINT": (
        bytes,
        {"ST_GeomFromText('MULTIPOINT(1 2, 3 4)')": shape(4, point(1, 2)[4:], point(3, 4)[4:])},
    ),
    "MULTILINESTRING": (
        bytes,
        {"ST_GeomFromText('MULTILINESTRING((0 0, 1 1))')": shape(5, LINE)},
    ),
    "MULTIPOLYGON": (
        bytes,
        {
            "ST_GeomFromText('MULTIPOLYGON(((0 0, 0 1, 1 1, 0 0)))')": shape(
                6, struct.pack("<BII", 1, 3, 1) + RING
            )
        },
    ),
    "GEOMETRYCOLLECTION": (
        bytes,
        {"ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2))')": shape(7, point(1, 2)[4:])},
    ),
}
UNEQUAL = {"FLOAT", "FLOAT(7,3)"}
"""Of these no value in Python equals what is stored."""


@on_servers
@pytest.mark.parametrize("ddl", TYPES)
def test_values_of_a_type(engine, ddl):
    """What SQL stores is what the row shows, and what a row is given is what SQL would store."""
    kind, values = TYPES[ddl]
    run(
        engine,
        f"CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v {ddl})",
        *(f"INSERT INTO t (v) VALUES ({literal})".replace("%", "%%") for literal in values),
        "INSERT INTO t (v) VALUES (NULL)",
        "CREATE TABLE u (id INT AUTO_INCREMENT PRIMARY KEY) AS SELECT * FROM t",
    )
    db = SQLSoup(engine)
    rows = db.t.order_by(db.t.id).all()
    assert [row.v for row in rows] == [*values.values(), None]
    kinds = {type(value) for value in map(plain, (row.v for row in rows[:-1]))}
    assert kinds <= {*(kind if isinstance(kind, tuple) else [kind])}
    for row in rows:
        flag_modified(row, "v")
        if row.v is not None and ddl not in UNEQUAL:
            assert row in db.t.filter(db.t.v == row.v).all()
    db.commit()
    assert unlike(db) == 0
    db.t.delete()
    rows = []
    for place, value in enumerate([*values.values(), None], start=1):
        rows.append(db.t.insert(id=place, v=value))
    db.commit()
    assert unlike(db) == 0
    for row in rows:
        row.v = next(iter(values.values()))
    db.commit()
    assert db.t.filter(db.t.v.is_(None)).count() == 0


def unlike(db):
    """Count the rows of the two tables that are not the same."""
    return db.execute(
        "SELECT COUNT(*) FROM u LEFT JOIN t ON u.id = t.id AND u.v <=> t.v WHERE t.id IS NULL"
    ).scalar()


@on_servers
def test_types_in_help(engine):
    """The documentation of a class calls types what the database does."""
    names = ["BIT(3)", "YEAR", "ENUM('a')", "SET('a')", "TIME", "DOUBLE", "FLOAT", "UUID", "INET6"]
    columns = [f"c{place} {name}" for place, name in enumerate([*names, "POINT"])]
    run(engine, f"CREATE TABLE t (id INT PRIMARY KEY, {', '.join(columns)})")
    lines = SQLSoup(engine).t.__doc__.splitlines()
    told = [line.split()[1] for line in lines if line.startswith("c")]
    plain = [name.partition("(")[0] for name in names]
    assert [name.partition("(")[0] for name in told] == [*plain, "POINT"]


@on_servers
def test_dates_that_are_none(engine):
    """A date of zeros, or with a part of zero, is the text that the driver gives."""
    run(
        engine,
        "CREATE TABLE t (id INT PRIMARY KEY, d DATE, n DATETIME)",
        "INSERT INTO t VALUES (1, '0000-00-00', '0000-00-00'), (2, '2020-00-00', '2020-02-00')",
    )
    db = SQLSoup(engine)
    rows = db.t.order_by(db.t.id).all()
    found = [(row.d, row.n) for row in rows]
    assert found == [
        ("0000-00-00", "0000-00-00 00:00:00"),
        ("2020-00-00", "2020-02-00 00:00:00"),
    ]
    for row in rows:
        flag_modified(row, "d")
        flag_modified(row, "n")
    db.commit()
    assert [(row.d, row.n) for row in rows] == found


@on_servers
def test_members_that_came_later(engine):
    """Values that an ENUM or SET got after the table was reflected are read and written."""
    run(
        engine,
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, e ENUM('a'), s SET('a'))",
        "INSERT INTO t (e, s) VALUES ('a', 'a')",
    )
    db = SQLSoup(engine)
    row = db.t.one()
    db.commit()
    run(
        engine,
        "ALTER TABLE t MODIFY e ENUM('a', 'b'), MODIFY s SET('a', 'b')",
        "UPDATE t SET e = 'b', s = 'a,b'",
    )
    assert (row.e, row.s) == ("b", {"a", "b"})
    new = db.t.insert(e="b", s={"b"})
    db.commit()
    assert (new.e, new.s) == ("b", {"b"})
    assert db.t.filter(db.t.e == "b", db.t.s == {"b", "a"}).all() == [row]


@on_servers
def test_a_set_with_an_empty_member(engine):
    """Of a SET that has ``''`` as a member, SQLAlchemy reads and writes numbers."""
    run(engine, "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, s SET('', 'a', 'b'))")
    db = SQLSoup(engine)
    rows = [db.t.insert(s=value) for value in ({""}, {"a", ""}, set(), {"b"})]
    db.commit()
    assert [row.s for row in rows] == [{""}, {"", "a"}, set(), {"b"}]


@on_servers
def test_an_enum_with_a_wrong_value(engine):
    """The ``''`` that the database stores for a wrong value, when it is lax, is read as that."""
    run(
        engine,
        "CREATE TABLE t (id INT PRIMARY KEY, e ENUM('a'))",
        "INSERT IGNORE INTO t VALUES (1, 'wrong')",
    )
    assert SQLSoup(engine).t.one().e == ""


@on_servers
def test_uuids_as_text(engine):
    """A uuid may be given as text, in a condition as well."""
    run(engine, "CREATE TABLE t (id UUID PRIMARY KEY, n INT)")
    db = SQLSoup(engine)
    text = "6CCD780C-BABA-1026-9564-5B8C656024DB"
    db.t.insert(id=text, n=1)
    db.commit()
    db.session.expunge_all()
    row = db.t.filter_by(id=text).one()
    assert row.id == uuid.UUID(text)
    assert db.t.get(row.id) is row


@on_servers
def test_floats_in_other_statements(engine):
    """In a union, an alias, a subquery and a sum FLOAT is what it is; a sum has all its digits."""
    run(
        engine,
        "CREATE TABLE t (id INT PRIMARY KEY, f FLOAT)",
        "CREATE TABLE large (id INT PRIMARY KEY, f FLOAT)",
        "INSERT INTO t VALUES (1, 0.1), (2, 16777215)",
        "INSERT INTO large VALUES (1, 3e38), (2, 3e38)",
    )
    db = SQLSoup(engine)
    assert 6e38 < db.session.scalar(sa.select(sa.func.sum(db.large.f))) < 6.001e38
    column = db.t.f
    both = sa.union_all(sa.select(column), sa.select(column)).subquery()
    assert {*db.session.scalars(sa.select(both.c.f))} == {0.1, 16777215.0}
    assert db.session.scalar(sa.select(column).distinct().order_by(column)) == 0.1
    assert db.session.scalar(sa.select(sa.func.max(column))) == 16777215.0
    assert db.session.scalar(sa.select(sa.func.sum(column))) == 16777215.100000001
    assert db.session.scalar(sa.select(column * 1e200).order_by(column.desc())) == 1.6777215e207
    assert db.with_labels(db.t).first().t_f == 0.1
    assert [row.f for row in db.t.group_by(column).order_by(column)] == [0.1, 16777215.0]


@on_servers
def test_bits_in_other_statements(engine):
    """What is made of bits, and of no column, is what it is; MariaDB sends it in digits."""
    run(
        engine,
        "CREATE TABLE t (id INT PRIMARY KEY, b BIT(5), w BIT(64))",
        f"INSERT INTO t VALUES (1, 1, 1), (2, 9, b'{'1' * 64}'), (3, 12, NULL)",
        "CREATE VIEW v AS SELECT id, IF(id = 3, b, NULL) AS b, COALESCE(w, w) AS w FROM t",
    )
    db = SQLSoup(engine)
    for function, value in {sa.func.max: 12, sa.func.min: 1, sa.func.sum: 22}.items():
        assert db.session.scalar(sa.select(function(db.t.b))) == value
    assert db.session.scalar(sa.select(sa.func.max(db.t.w))) == 2**64 - 1
    chosen = sa.case((db.t.id > 1, db.t.b)).label("chosen")
    assert [*db.session.scalars(sa.select(chosen).order_by(db.t.id))] == [None, 9, 12]
    view = db.entity("v", primary_key=["id"])
    assert [row.b for row in view.order_by(view.id)] == [None, None, 12]
    assert [row.w for row in view.order_by(view.id)] == [1, 2**64 - 1, None]
    assert [row.b for row in db.t.from_statement(sa.text("SELECT * FROM t"))] == [1, 9, 12]


@on_servers
@pytest.mark.parametrize("value", [[1], (1,), {1}])
def test_a_list_is_no_json(engine, value):
    """The driver would store a 1 and no list."""
    run(engine, "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, j LONGTEXT)")
    db = SQLSoup(engine)
    db.t.insert(j=value)
    with pytest.raises(sa.exc.StatementError, match="is no text"):
        db.commit()
    db.rollback()
    db.t.insert(j="[1]")
    db.commit()
    assert [row.j for row in db.t.all()] == ["[1]"]


@on_servers
def test_text_of_other_drivers_stays(engine):
    """What is no duration, no float and no text passes through the types of these."""
    run(
        engine,
        "CREATE TABLE t (id INT PRIMARY KEY, h TIME, d DOUBLE, f FLOAT, u UUID)",
        "INSERT INTO t VALUES (1, '01:00:00', 1, 1, '00000000-0000-0000-0000-000000000001')",
    )
    db = SQLSoup(engine)
    for name, value in {"h": "2:00", "d": "1.5", "f": 2, "u": None}.items():
        process = db.t.c[name].type.result_processor(engine.dialect, None)
        assert process(value) == value
    row = db.t.one()
    row.h, row.d, row.f = "02:00:00", 2.5, Decimal("1.5")
    db.commit()
    assert (row.h, row.d, row.f) == (dt.time(2), Decimal("2.5"), 1.5)


def test_the_page_has_the_types():
    """The page of the documentation names each type, with what it is in Python."""
    page = (Path(__file__).parents[1] / "docs" / "types-mariadb.rst").read_text("utf-8")
    table = dict(re.findall(r'^   "``(.+?)``", "(.+?)"', page, re.MULTILINE))
    told = {
        name: {word.rpartition(".")[2] for word in re.findall(r":class:`~?([\w.]+)`", kinds)}
        for name, kinds in table.items()
    }
    assert told == {
        name: {one.__name__ for one in (kind if isinstance(kind, tuple) else [kind])}
        for name, (kind, _) in TYPES.items()
    }


@on_servers
def test_a_set_as_a_key(engine):
    """A SET in a primary or foreign key comes as a frozenset, for a set cannot be looked up."""
    run(
        engine,
        "CREATE TABLE p (s SET('a', 'b', 'c') NOT NULL, n INT, v INT, PRIMARY KEY (s, n))",
        "CREATE TABLE t (id INT PRIMARY KEY, s SET('a', 'b', 'c'), n INT, other SET('a'),"
        " FOREIGN KEY (s, n) REFERENCES p (s, n))",
        "CREATE VIEW seen AS SELECT * FROM p",
        "INSERT INTO p VALUES ('a,b', 1, 5)",
        "INSERT INTO t VALUES (1, 'a,b', 1, 'a')",
    )
    db = SQLSoup(engine, relationships=True, primary_keys={"seen": ["s", "n"]})
    row = db.p.one()
    assert (type(row.s), row.s) == (frozenset, {"a", "b"})
    assert db.p.get((frozenset("ab"), 1)) is db.t.get(1).p is row
    assert type(plain(db.t.get(1).other)) is set
    new = db.p.insert(s={"c", "a"}, n=2, v=6)
    child = db.t.insert(id=2, p=new)
    db.commit()
    assert (new.s, child.s, child.n) == ({"a", "c"}, {"a", "c"}, 2)
    db.delete(child)
    db.commit()
    new.s = {"b"}
    db.commit()
    assert db.p.filter(db.p.s == {"b"}).all() == [new]
    assert db.seen.get((frozenset("b"), 2)).v == 6
    assert sa.inspect(db.p).columns["s"].type.python_type is frozenset


@on_servers
@pytest.mark.parametrize("ddl", ["CHAR(9)", "VARCHAR(9)", "TINYTEXT", "TEXT", "MEDIUMTEXT", "JSON"])
@pytest.mark.parametrize(
    "value", [["1"], ("1",), {"1"}, frozenset("1"), {"1": 1}, OrderedDict(a=1), object()]
)
def test_a_list_is_no_text(engine, ddl, value):
    """PyMySQL would store the one value of a list, and the repr of an object."""
    run(engine, f"CREATE TABLE t (id INT PRIMARY KEY, v {ddl})")
    db = SQLSoup(engine)
    db.t.insert(id=1, v=value)
    with pytest.raises(sa.exc.StatementError, match=f"a {type(value).__name__} is no text"):
        db.flush()
    db.rollback()
    db.t.insert(id=2, v='["1"]')
    db.commit()
    row = db.t.get(2)
    assert row.v == '["1"]'
    row.v = row
    with pytest.raises(sa.exc.StatementError) as refused:
        db.flush()
    db.rollback()
    assert "a MappedT is no text" in str(refused.value)


@on_servers
@pytest.mark.parametrize(
    ("ddl", "value"),
    [
        *(("INT", "1"), ("BIGINT UNSIGNED", 1), ("DECIMAL(5,2)", 1), ("DOUBLE", 1), ("FLOAT", 1)),
        *(("DATE", "2020-01-01"), ("DATETIME(3)", "2020-01-01"), ("TIME", "01:00"), ("YEAR", 2020)),
        *(("BIT(3)", 1), ("BOOLEAN", 1), ("ENUM('a')", "a"), ("INET6", "::1"), ("POINT", b"")),
        *(("UUID", "00000000-0000-0000-0000-000000000001"), ("BLOB", 65), ("VARBINARY(9)", 65)),
    ],
)
def test_a_list_is_no_value(engine, ddl, value):
    """Nor is it one of any other type, and BLOB makes no bytes of the numbers in it."""
    run(engine, f"CREATE TABLE t (id INT PRIMARY KEY, v {ddl})")
    db = SQLSoup(engine)
    for given in ([value], (value,), {value}):
        db.t.insert(id=1, v=given)
        with pytest.raises(sa.exc.StatementError, match=rf"\b{type(given).__name__}\b"):
            db.flush()
        db.rollback()
    assert db.t.filter_by(v=None).all() == []


@on_servers
@pytest.mark.parametrize("value", [5, True, 0, range(3), {65: 1}, 1.5])
def test_what_is_no_bytes(engine, value):
    """Python makes five zero bytes of the number 5; it is refused, as on other databases."""
    run(
        engine,
        "CREATE TABLE t (id INT PRIMARY KEY, v LONGBLOB, w BINARY(2))",
    )
    db = SQLSoup(engine)
    for name in ("v", "w"):
        db.t.insert(id=1, **{name: value})
        with pytest.raises(sa.exc.StatementError, match=f"bytes, not {type(value).__name__}"):
            db.flush()
        db.rollback()
    db.t.insert(id=2, v=bytearray(b"x"), w=memoryview(b"yz"))
    db.commit()
    assert db.execute("SELECT v, w FROM t").all() == [(b"x", b"yz")]


@on_servers
def test_a_pickled_metadata(engine):
    """Tables can be kept in a file, with what their types refuse."""
    run(engine, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9), w BLOB, x ENUM('a'), u UUID)")
    db = SQLSoup(engine)
    types = {column.name: repr(column.type) for column in db.t.c}
    table = pickle.loads(pickle.dumps(db._metadata)).tables["t"]
    assert {column.name: repr(column.type) for column in table.c} == types
    assert [type(column.type) for column in table.c] == [type(column.type) for column in db.t.c]
    with engine.connect() as connection, pytest.raises(sa.exc.StatementError, match="a list"):
        connection.execute(sa.insert(table), {"id": 1, "v": ["1"]})


@on_servers
@pytest.mark.parametrize("ddl", ["DATETIME(6)", "TIMESTAMP NULL", "TIME"])
def test_a_time_zone_that_is_not_kept(engine, ddl):
    """The driver drops the offset without a word; a warning tells of the first."""
    run(engine, f"CREATE TABLE t (id INT PRIMARY KEY, v {ddl})")
    db = SQLSoup(engine)
    there = dt.datetime(2020, 1, 2, 3, 4, tzinfo=dt.timezone(dt.timedelta(hours=5)))
    utc, plain = there.replace(tzinfo=dt.UTC), there.replace(tzinfo=None)
    if ddl == "TIME":
        there, utc, plain = there.timetz(), utc.timetz(), plain.time()
    db.t.insert(id=1, v=utc)
    db.flush()
    db.t.insert(id=2, v=there)
    with pytest.warns(sqlsoup.SQLSoupWarning) as warned:
        db.flush()
    name = ddl.partition("(")[0].removesuffix(" NULL")
    message = f"a {name} of MariaDB and MySQL keeps no time zone: {there.isoformat()} is stored"
    message += " without its offset; give it with astimezone() in the zone that is meant"
    assert [str(warning.message) for warning in warned] == [message]
    db.t.insert(id=3, v=there)
    db.commit()
    assert [row.v for row in db.t.all()] == [plain] * 3


NOW = dt.datetime(2020, 1, 2, 3, 4, 5, 999999)
SOME_UUID = uuid.UUID(int=7)


@on_servers
@pytest.mark.parametrize(
    ("ddl", "given", "stored"),
    [
        ("DATETIME", NOW, NOW.replace(microsecond=0)),
        ("DATETIME(3)", NOW, NOW.replace(microsecond=999000)),
        ("DATETIME(6)", NOW, NOW),
        ("DATETIME", "2020-01-02 03:04:05", NOW.replace(microsecond=0)),
        ("TIMESTAMP", NOW, NOW.replace(microsecond=0)),
        ("TIME", NOW.time(), dt.time(3, 4, 5)),
        ("TIME", "10", dt.time(0, 0, 10)),
        ("TIME", "24:00:00", dt.timedelta(1)),
        ("TIME", "30:00:00", dt.timedelta(hours=30)),
        ("DATE", NOW, NOW.date()),
        ("DATE", NOW.date(), NOW.date()),
        ("DECIMAL(5,2)", Decimal("1.005"), Decimal("1.01")),
        ("DECIMAL(5,2)", 1.125, Decimal("1.13")),
        ("DECIMAL(5,2)", 3, Decimal("3.00")),
        ("BINARY(3)", b"a", b"a\0\0"),
        ("BINARY", bytearray(b"a"), b"a"),
        ("BINARY(3)", memoryview(b"abc"), b"abc"),
        ("FLOAT", 0.1, 0.1),
        ("FLOAT", Decimal("0.123456789"), 0.12345679),
        ("FLOAT", 16777217, 16777216.0),
        ("FLOAT", "0.1", 0.1),
        ("FLOAT(7,3)", 0.12345, 0.123),
        ("DOUBLE", Decimal("0.12345678901234567890"), Decimal("0.12345678901234568")),
        ("DOUBLE(7,3)", Decimal("0.12345"), Decimal("0.123")),
        ("DOUBLE(7,3)", 1.23456, Decimal("1.235")),
        ("SET('a','b')", "b,a", frozenset("ab")),
        ("SET('a','b')", "", frozenset()),
        ("SET('a','b')", 3, frozenset("ab")),
        ("SET('','b')", "b", frozenset("b")),
        ("BIT(13)", b"\1\5", 261),
        ("BIT(13)", "5", 53),
        ("BIT(13)", 5, 5),
        ("VARCHAR(40)", 5, "5"),
        ("VARCHAR(40)", Decimal("5.50"), "5.50"),
        ("VARCHAR(40)", SOME_UUID, str(SOME_UUID)),
        ("ENUM('a','b')", "B", "b"),
    ],
)
def test_keys_that_are_stored_otherwise(engine, ddl, given, stored):
    """The key of a row is the one that is stored, by which the row is found again."""
    run(engine, f"CREATE TABLE t (k {ddl} PRIMARY KEY, n INT)")
    db = SQLSoup(engine)
    row = db.t.insert(k=given, n=1)
    db.flush()
    row.n = 2
    db.commit()
    assert (row.k, row.n) == (stored, 2)
    db.delete(row)
    db.commit()
    assert db.t.count() == 0


@on_servers
@pytest.mark.parametrize(
    ("ddl", "given", "stored"),
    [
        ("DATETIME(3)", "2020-01-02 03:04:05.9999", NOW.replace(microsecond=999000)),
        ("DATETIME", dt.date(2020, 1, 2), dt.datetime(2020, 1, 2)),
        ("TIME", "03:04:05", dt.time(3, 4, 5)),
        ("TIME", dt.timedelta(hours=5), dt.time(5)),
        ("DATE", "2020-01-02", NOW.date()),
        ("DECIMAL(5,2)", "1.505", Decimal("1.51")),
        ("DOUBLE", "1.50", Decimal("1.5")),
        ("INT", "05", 5),
        ("BIGINT UNSIGNED", "18446744073709551615", 2**64 - 1),
        ("CHAR(3)", "a ", "a"),
        ("VARCHAR(3)", "a ", "a "),
        ("VARBINARY(3)", bytearray(b"a"), b"a"),
        ("UUID", str(SOME_UUID).upper(), SOME_UUID),
        *(("YEAR", given, 2024) for given in ("24", 24, "2024", 24.0, Decimal(24))),
        *(("YEAR", given, 2000) for given in ("0", "00")),
        *(("YEAR", given, 0) for given in (0, "0000")),
        *(("YEAR", given, 1970) for given in (70, "70")),
        ("INET4", "010.0.0.1", "10.0.0.1"),
        ("INET6", "::FFFF:1.2.3.4", "::ffff:1.2.3.4"),
        ("INET6", ipaddress.ip_address("2001:db8::1"), "2001:db8::1"),
        ("ENUM('a','B')", "A ", "a"),
        ("ENUM('a','\u00c9')", "e\u0301", "\u00c9"),
        ("ENUM('a','B')", "2", "B"),
        ("ENUM('a','1')", "1", "1"),
        ("SET('a','b')", "B,A", frozenset("ab")),
        ("SET('a','b')", {"A"}, frozenset("a")),
        ("VARCHAR(5)", b"ab", "ab"),
        ("CHAR(5)", True, "1"),
        ("VARCHAR(9)", 1.5, "1.5"),
        ("VARCHAR(20)", 1e14, "100000000000000"),
        ("VARCHAR(30)", NOW, "2020-01-02 03:04:05.999999"),
        *(("INT", given, 6) for given in ("5.6", 5.6, 5.5, Decimal("5.5"), " 6", "55e-1")),
        ("INT", 4.5, 4),
        ("DECIMAL(5,2)", " 5", Decimal("5.00")),
        ("DOUBLE", 0.1, Decimal("0.1")),
        ("DOUBLE", 2**53 + 1, Decimal(f"{2**53}.0")),
        ("DATE", "2020-1-2", NOW.date()),
        ("DATE", 20200102, NOW.date()),
        ("DATE", "2020-01-02 03:04:05", NOW.date()),
        ("DATETIME", "2020-1-2 3:4:5", NOW.replace(microsecond=0)),
        ("DATETIME", 20200102030405, NOW.replace(microsecond=0)),
        ("TIMESTAMP(2)", NOW.replace(tzinfo=dt.UTC), NOW.replace(microsecond=990000)),
        ("TIME", 30405, dt.time(3, 4, 5)),
        ("TIME", "30:00:00", dt.timedelta(hours=30)),
        ("TIME(2)", dt.timedelta(2, 0, 999999), dt.timedelta(2, 0, 990000)),
    ],
)
def test_keys_in_another_type(engine, ddl, given, stored):
    """What is given for a key is what a query gives from the flush on: a row is one object."""
    check_key(engine, ddl, given, stored)


@on_servers
@pytest.mark.parametrize(
    ("ddl", "given"), [("DATE", "yesterday"), ("DOUBLE", "much"), ("INT", "few"), ("YEAR", 3000)]
)
def test_keys_that_the_database_does_not_take(engine, ddl, given):
    """They are left as they are, for the database to say what is wrong."""
    run(engine, f"CREATE TABLE t (k {ddl} PRIMARY KEY)")
    db = SQLSoup(engine)
    db.t.insert(k=given)
    with pytest.raises(sa.exc.DBAPIError, match=f"{given}|Out of range|truncated"):
        db.flush()
    db.rollback()


@on_servers
def test_bytes_for_a_key_of_text(engine):
    """Those that are no ASCII are stored as text of the character set of the connection."""
    run(engine, "CREATE TABLE t (k VARCHAR(9) PRIMARY KEY)")
    db = SQLSoup(engine)
    row = db.t.insert(k="\u00e9".encode())
    db.commit()
    assert (row.k, db.t.count()) == ("\u00e9", 1)


@on_servers
def test_a_number_for_a_key_of_text(engine):
    """No other row is changed or deleted whose text is that of the same number to MariaDB."""
    run(engine, "CREATE TABLE t (k VARCHAR(9) PRIMARY KEY, n INT)")
    run(engine, "INSERT INTO t VALUES ('05', 1)")
    db = SQLSoup(engine)
    row = db.t.insert(k=5, n=2)
    db.flush()
    db.delete(row)
    db.commit()
    assert [row.k for row in db.t.all()] == ["05"]


@on_servers
def test_a_float_as_a_key(engine):
    """A row with such a key is changed, related to and deleted."""
    run(
        engine,
        "CREATE TABLE p (k FLOAT PRIMARY KEY, n INT)",
        "CREATE TABLE kids (id INT PRIMARY KEY, k FLOAT, f FLOAT, "
        "FOREIGN KEY (k) REFERENCES p (k))",
        "CREATE TABLE bare (k FLOAT, n INT)",
        "INSERT INTO p VALUES (0.1, 1), (1e-40, 2)",
        "INSERT INTO kids VALUES (1, 0.1, 0.1)",
        "INSERT INTO bare VALUES (0.1, 1)",
    )
    db = SQLSoup(engine, relationships=True, primary_keys={"bare": ["k"]})
    assert db.p.filter(db.p.k * 10 > 1).count() == 1
    assert db.p.filter(db.p.k.in_([0.1, 7])).all() == [db.p.get(0.1)]
    assert db.p.__doc__.splitlines()[2].split() == ["k", "FLOAT", "primary", "key,", "not", "null"]
    use_keys_of_single_precision(db)
