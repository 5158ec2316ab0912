"""Each type of PostgreSQL: what its values are in Python, read, written and compared.

``docs/types-postgresql.rst`` has the table of them.
"""

from __future__ import annotations

import datetime as dt
import importlib
import ipaddress
import os
import re
import uuid
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import check_key, on_postgresql, run, use_keys_of_single_precision
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.dialects.postgresql.ranges import MultiRange
from sqlalchemy.orm import scoped_session, sessionmaker
from sqlalchemy.orm.attributes import flag_modified

import sqlsoup
from sqlsoup import _in_place
from sqlsoup._sqlite_dates import spell

pytestmark = on_postgresql


ADDRESSES = (ipaddress.IPv4Address, ipaddress.IPv6Address)
INTERFACES = (ipaddress.IPv4Interface, ipaddress.IPv6Interface)
NETWORKS = (ipaddress.IPv4Network, ipaddress.IPv6Network)

TYPES = {
    "boolean": (bool, ["true", "false"]),
    "smallint": (int, ["'-32768'", "32767"]),
    "integer": (int, ["'-2147483648'", "2147483647", "0"]),
    "bigint": (int, ["'-9223372036854775808'", "9223372036854775807"]),
    "real": (float, ["1.5", "'Infinity'", "3.4028235e38", "1e-45", "0.1"]),
    "double precision": (float, ["0.1", "'-Infinity'", "1.7976931348623157e308", "5e-324"]),
    "numeric": (
        Decimal,
        ["12345678901234567890.123456789", "0.10", "'1e-100'", "'1e100'", "'-Infinity'"],
    ),
    "numeric(8,2)": (Decimal, ["123456.78", "'-0.01'"]),
    "money": (str, ["12.34", "'-92233720368547758.08'", "1234567.89"]),
    "text": (str, ["''", r"""'a,b "c" {d} \ é 🍲'""", "'NULL'", "'%(x)s :y'"]),
    "varchar": (str, ["'x'", "''"]),
    "varchar(5)": (str, ["'abcde'"]),
    "char(5)": (str, ["'abcde'", "'ab'"]),
    '"char"': (str, ["'x'"]),
    "name": (str, ["'abc'"]),
    "citext": (str, ["'Ab'"]),
    "bytea": (bytes, [r"'\x00ff'", "''"]),
    "date": (dt.date, ["'2020-02-29'", "'0001-01-01'", "'9999-12-31'"]),
    "time": (dt.time, ["'23:59:59.999999'", "'00:00'"]),
    "time with time zone": (dt.time, ["'12:00+02'", "'23:59:59.999999-12'"]),
    "timestamp": (dt.datetime, ["'0001-01-01 00:00'", "'9999-12-31 23:59:59.999999'"]),
    "timestamp(3)": (dt.datetime, ["'2020-02-29 12:34:56.789'"]),
    "timestamp with time zone": (dt.datetime, ["'2020-02-29 12:34:56.789012+03'"]),
    "interval": (dt.timedelta, ["'1 day 02:03:04.5'", "'-3 days'", "'999999999 days'"]),
    "uuid": (uuid.UUID, ["'00000000-0000-0000-0000-000000000001'"]),
    "json": ((dict, list, str, int), ["""'{"a": [1, null, 1.5]}'""", "'[]'", """'"x"'""", "'7'"]),
    "jsonb": ((dict, list, str, int), ["""'{"a": [1, null, 1.5]}'""", "'[]'", """'"x"'""", "'7'"]),
    "jsonpath": (str, ["""'$."a"[*]'"""]),
    "xml": (str, ["'<a>x</a>'"]),
    "inet": (str, ["'10.0.0.1'", "'10.0.0.1/8'", "'::1'", "'fe80::/10'"]),
    "cidr": (str, ["'10.0.0.0/8'", "'::/0'"]),
    "macaddr": (str, ["'08:00:2b:01:02:03'"]),
    "macaddr8": (str, ["'08:00:2b:01:02:03:04:05'"]),
    "bit": (str, ["B'1'", "B'0'"]),
    "bit(3)": (str, ["B'101'"]),
    "bit varying": (str, ["B'1010101'", "B''"]),
    "bit varying(5)": (str, ["B'10101'"]),
    "point": (str, ["'(1,2.5)'"]),
    "line": (str, ["'{1,2,3}'"]),
    "lseg": (str, ["'[(0,0),(1,1)]'"]),
    "box": (str, ["'(1,1),(0,0)'"]),
    "path": (str, ["'((0,0),(1,1))'", "'[(0,0),(1,1)]'"]),
    "polygon": (str, ["'((0,0),(1,1),(2,0))'"]),
    "circle": (str, ["'<(1,2),3>'"]),
    "tsvector": (str, ["'''a'':1 ''b'':2'"]),
    "tsquery": (str, ["'''a'' & ''b'''"]),
    "pg_lsn": (str, ["'16/B374D848'"]),
    "pg_snapshot": (str, ["'10:20:10,14'"]),
    "txid_snapshot": (str, ["'10:20:10,14'"]),
    "xid": (str, ["'4294967295'"]),
    "xid8": (str, ["'18446744073709551615'"]),
    "cid": (str, ["'1'"]),
    "tid": (str, ["'(0,1)'"]),
    "oid": (int, ["4294967295", "0"]),
    "oidvector": (str, ["'1 2'"]),
    "int2vector": (str, ["'1 2'"]),
    "regclass": (str, ["'pg_class'"]),
    "regcollation": (str, ["""'"C"'"""]),
    "regconfig": (str, ["'english'"]),
    "regdictionary": (str, ["'simple'"]),
    "regnamespace": (str, ["'pg_catalog'"]),
    "regoper": (str, ["'||/'"]),
    "regoperator": (str, ["'+(integer,integer)'"]),
    "regproc": (str, ["'now'"]),
    "regprocedure": (str, ["'abs(integer)'"]),
    "regrole": (str, ["current_user::regrole"]),
    "regtype": (str, ["'integer'"]),
    "aclitem": (str, ["'=r/' || current_user"]),
    "refcursor": (str, ["'c'"]),
    "int4range": (Range, ["'[1,5)'", "'empty'", "'(,5)'", "'(,)'"]),
    "int8range": (Range, ["'[1,9223372036854775807)'"]),
    "numrange": (Range, ["'[1.5,2.5]'", "'(1,)'"]),
    "daterange": (Range, ["'[2020-01-01,2020-02-01)'"]),
    "tsrange": (Range, ["'[2020-01-01 00:00:00,2020-02-01 00:00:00]'"]),
    "tstzrange": (Range, ["'[2020-01-01 00:00:00+00,2020-02-01 00:00:00+00)'"]),
    "int4multirange": (str, ["'{[1,5),[7,9)}'", "'{}'"]),
    "int8multirange": (str, ["'{[1,5)}'"]),
    "nummultirange": (str, ["'{[1.5,2.5]}'"]),
    "datemultirange": (str, ["'{[2020-01-01,2020-02-01)}'"]),
    "tsmultirange": (str, ["'{[2020-01-01 00:00:00,2020-02-01 00:00:00]}'"]),
    "tstzmultirange": (str, ["'{[2020-01-01 00:00:00+00,2020-02-01 00:00:00+00)}'"]),
    "hstore": (dict, ["'a=>1, b=>NULL'", "''"]),
    "ltree": (str, ["'a.b.c'"]),
    "lquery": (str, ["'a.*'"]),
    "ltxtquery": (str, ["'a & b'"]),
    "mood": (str, ["'ok'", "'so so'", "'it''s'"]),
    "pair": (str, ["'(1,x)'", """'(,"a b,""c")'"""]),
    "floatrange": (str, ["'[1,2)'"]),
    "floatmultirange": (str, ["'{[1,2)}'"]),
}
"""By type: what its values are in Python with psycopg2, and some of them in SQL."""

OF_PSYCOPG = {
    "inet": ADDRESSES + INTERFACES,
    "cidr": NETWORKS,
    **{name: MultiRange for name in TYPES if name.endswith("multirange") and name[0] != "f"},
}
"""What is another in Python with psycopg 3."""

VECTORS = ("oidvector", "int2vector")
"""What looks like an array, so that there are no arrays of it that are read as lists of it."""

NOT_COMPARED = {
    *(
        "json",
        "jsonb",
        "xml",
        "jsonpath",
        "point",
        "box",
        "line",
        "lseg",
        "path",
        "polygon",
        "circle",
    ),
    *("pg_snapshot", "txid_snapshot", "cid", "aclitem", "refcursor", "lquery", "ltxtquery"),
    "real",
}
"""Types that have no ``=``, or of whose values another is not the same to PostgreSQL."""

SETUP = """
    CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;
    CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public;
    CREATE EXTENSION IF NOT EXISTS ltree WITH SCHEMA public;
    CREATE TYPE mood AS ENUM ('ok', 'so so', 'it''s');
    CREATE TYPE pair AS (a int, b text);
    CREATE TYPE floatrange AS RANGE (subtype = float8, multirange_type_name = floatmultirange);"""


def make_table(engine, kind, name):
    """Make a table with columns of a type, of arrays and domains of it, and rows."""
    statements = [
        f"""CREATE DOMAIN {name}_one AS {kind}; CREATE DOMAIN {name}_two AS {name}_one;
        CREATE DOMAIN {name}_many AS {kind}[];
        CREATE TABLE {name} (id serial PRIMARY KEY, a {kind}, b {kind}[], c {name}_one,
            d {name}_two, e {name}_one[], f {name}_many)"""
    ]
    for value in [*TYPES[kind][1], "NULL"]:
        one = f"({value.replace('%', '%%')})::{kind}"
        statements.append(
            f"INSERT INTO {name} (a, b, c, d, e, f) VALUES ({one}, ARRAY[{one}, NULL]::{kind}[], "
            f"{one}, {one}, ARRAY[{one}, NULL]::{name}_one[], ARRAY[[{one}], [{one}]]::{kind}[])"
        )
    run(engine, *statements)


def stored(engine, table, names="abcdef"):
    """Return what is in a table, as text."""
    columns = ", ".join(f"{name}::text" for name in names)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT {columns} FROM {table} ORDER BY id")
        return [tuple(row) for row in found]


def plain_type(value):
    """Return the type of a value; lists and dicts that notice a change are lists and dicts."""
    return {_in_place._List: list, _in_place._Dict: dict}.get(type(value), type(value))


def python_types(engine, kind):
    """Return what the values of a type are in Python."""
    found = TYPES[kind][0]
    if engine.driver == "psycopg":
        found = OF_PSYCOPG.get(kind, found)
    return found if isinstance(found, tuple) else (found,)


def nothing(kind, value):
    """Return what stores NULL: in columns of JSON None is the null of JSON."""
    return sa.null() if value is None and kind.startswith("json") else value


def check_conditions(cls, values):
    """Check that conditions find a row by each of its values."""
    for name, value in values.items():
        column = getattr(cls, name)
        found = cls.filter(column == value).count()
        assert found >= 1, (name, value)
        assert cls.filter(column.in_([value])).count() == found
        assert cls.filter_by(**{name: value}).count() == found


@pytest.fixture
def typed(pg):
    """An engine on a schema with further types."""
    run(pg, SETUP)
    return pg


@pytest.fixture(scope="module", params=["psycopg2", "psycopg"])
def filled(server, request):
    """A SQLSoup on a database with a table of each type, the first ``t0``."""
    url = sa.make_url(server).set(drivername=f"postgresql+{request.param}")
    schema = f"types_{os.getpid()}"
    engine = sa.create_engine(url, connect_args={"options": f"-csearch_path={schema},public"})
    run(engine, f"CREATE SCHEMA {schema}", SETUP)
    for number, kind in enumerate(TYPES):
        if kind not in VECTORS:
            make_table(engine, kind, f"t{number}")
    db = sqlsoup.SQLSoup(engine, session=scoped_session(sessionmaker()))
    yield db
    db.session.remove()
    run(engine, f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind not in VECTORS])
def test_values_stay_the_same(filled, kind):
    """Whatever is read, changed, written and compared, the value stays the same.

    So it does in arrays, domains, domains of domains, arrays of a domain and domains of an array.
    """
    table = f"t{list(TYPES).index(kind)}"
    cls, engine = filled[table], filled.engine
    before = stored(engine, table)
    rows = cls.order_by(cls.id).all()
    values = [{name: getattr(row, name) for name in "abcdef"} for row in rows]
    for value in values[:-1]:
        assert plain_type(value["a"]) in python_types(engine, kind)
        assert repr(value["c"]) == repr(value["d"]) == repr(value["a"])
        for name in "bef":
            assert plain_type(value[name]) is list
        assert value["b"][1] is value["e"][1] is None
        assert repr(value["b"]) == repr(value["e"])
    assert [values[-1][name] for name in "acd"] == [None] * 3
    whole = {} if "json" not in kind else {"b", "e", "f"}  # NULL in an array is the null of JSON
    for row in rows:
        for name in {*"abcdef"} - {*whole}:
            if getattr(row, name) is not None:
                flag_modified(row, name)
    cls.session.commit()
    assert stored(engine, table) == before
    made = [
        {name: nothing(kind, v) for name, v in one.items() if name not in whole} for one in values
    ]
    for one in made:  # together
        cls(**one)
    cls.session.commit()
    for one in made:
        cls(**one)
        cls.session.flush()
    cls.session.commit()
    expected = [
        tuple(None if name in whole else row[i] for i, name in enumerate("abcdef"))
        for row in before
    ]
    assert stored(engine, table) == [*before, *expected, *expected]
    if kind not in NOT_COMPARED:
        for value in values[:-1]:
            check_conditions(cls, {k: v for k, v in value.items() if k not in whole})
    filled.session.remove()


def test_arrays_of_hstore(typed):
    """They are lists of dicts, as a column of hstore is a dict, in arrays of a domain too."""
    run(typed, "CREATE DOMAIN d AS hstore")
    run(typed, "CREATE TABLE t (id serial PRIMARY KEY, a hstore[], b d[])")
    db = sqlsoup.SQLSoup(typed)
    value = [{"a b": None, '"': "\\,"}, None, {}]
    row = db.t.insert(a=value, b=[value, value])
    db.t.insert(a='{"k=>v"}')
    db.commit()
    assert (row.a, row.b) == (value, [value, value])
    row.a[2]["new"] = "x"
    db.commit()
    assert [found.a for found in db.t.order_by(db.t.id)] == [
        [*value[:2], {"new": "x"}],
        [{"k": "v"}],
    ]
    assert db.t.filter_by(b=[value, value]).one() is row


def test_hstore_outside_the_search_path(typed, make_engine):
    """It is a dict that is written as well where the drivers do not find the extension."""
    run(typed, "CREATE DOMAIN d AS hstore")
    run(typed, "CREATE TABLE t (id serial PRIMARY KEY, a hstore, b d DEFAULT '')")
    path = f"-csearch_path=own_{os.getpid()}"
    db = sqlsoup.SQLSoup(make_engine(typed.url, connect_args={"options": path}))
    value = {"a b": None, '"': "\\,"}
    row, other, third = db.t.insert(a=value), db.t.insert(a="k=>v", b=value), db.t.insert()
    db.commit()
    assert [(one.a, one.b) for one in (row, other, third)] == [
        (value, {}),
        ({"k": "v"}, value),
        (None, {}),
    ]
    row.a["new"] = "x"
    sqlsoup.upsert(db.t, [{"id": other.id, "a": {}}])
    sqlsoup.insert_many(db.t, [{"a": value, "b": {"n": "1"}}])
    db.commit()
    assert sqlsoup.as_dicts(db.t.order_by(db.t.id)) == [
        {"id": 1, "a": {**value, "new": "x"}, "b": {}},
        {"id": 2, "a": {}, "b": value},
        {"id": 3, "a": None, "b": {}},
        {"id": 4, "a": value, "b": {"n": "1"}},
    ]
    assert [str(column.type) for column in db.t._table.c] == ["INTEGER", "public.hstore", "d"]


def test_arrays_as_text(typed):
    """Arrays take text as PostgreSQL writes them, in conditions and together with lists, too."""
    run(typed, "CREATE TABLE t (id serial PRIMARY KEY, a text[], b int[], c numeric[], d uuid[])")
    db = sqlsoup.SQLSoup(typed)
    row = db.t.insert(a='{a,"b,c",NULL}', b="{{1,2},{3,4}}", c="{1.50}")
    other = db.t.insert(a=["{x}"], b=[], c=[Decimal("-Infinity"), Decimal("1.5"), None])
    db.commit()
    assert (row.a, row.b, row.c, row.d) == (
        ["a", "b,c", None],
        [[1, 2], [3, 4]],
        [Decimal("1.50")],
        None,
    )
    assert (other.a, other.b, other.c) == (
        ["{x}"],
        [],
        [Decimal("-Infinity"), Decimal("1.5"), None],
    )
    assert db.t.filter_by(b="{{1,2},{3,4}}").one() is row
    assert db.t.filter(db.t.c.contains([Decimal("1.5")])).count() == 2
    assert db.t.filter(db.t.a[1] == "a").one() is row


@pytest.mark.parametrize("kind", VECTORS)
def test_vectors_stay_the_same(typed, kind):
    """So do types that look like arrays."""
    run(typed, f"CREATE TABLE t (id serial PRIMARY KEY, a {kind})")
    run(typed, f"INSERT INTO t (a) VALUES ({TYPES[kind][1][0]})")
    cls = sqlsoup.SQLSoup(typed).t
    row = cls.one()
    value = row.a
    assert type(value) is str
    flag_modified(row, "a")
    cls(a=value)
    cls(a=value)
    cls.session.commit()
    assert [row.a for row in cls.all()] == [value] * 3


def test_the_page_has_the_types(server):
    """The page of the documentation names each type, with what it is in Python."""
    page = (Path(__file__).parents[1] / "docs" / "types-postgresql.rst").read_text("utf-8")
    table = dict(re.findall(r'^   "``(.+?)``", "(.+?)"', page, re.MULTILINE))
    told = {
        name.replace("''", '"'): {
            word.rpartition(".")[2] for word in re.findall(r":class:`~?([\w.]+)`", kinds)
        }
        for name, kinds in table.items()
    }
    assert told == {
        name: {one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,))}
        for name, (kind, _) in TYPES.items()
    }


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("varchar(3)", "abcd"),
        ("char(3)", "abcd"),
        ("bit(3)", "1010"),
        ("bit varying(3)", "1010"),
        ("varchar(3)[]", ["abcd"]),
        ("char(3)[]", ["abcd"]),
        ("bit(3)[]", ["1010"]),
        ("bit varying(3)[]", ["1010"]),
        ("d", "abcd"),
        ("d[]", ["abcd"]),
    ],
)
def test_nothing_is_cut_off(pg, kind, value):
    """What is too long for a column is refused, also where rows are inserted together."""
    run(pg, f"CREATE DOMAIN d AS varchar(3); CREATE TABLE t (id serial PRIMARY KEY, a {kind})")
    db = sqlsoup.SQLSoup(pg)
    for count in (1, 2):
        for _ in range(count):
            db.t(a=value)
        with pytest.raises(sa.exc.DataError):
            db.flush()
        db.rollback()
    assert db.t.count() == 0


def test_values_of_an_enum_that_are_added_later(pg):
    """They are read and written as the text that they are, in arrays and domains as well."""
    run(
        pg,
        """CREATE TYPE mood AS ENUM ('ok'); CREATE DOMAIN state AS mood;
        CREATE TABLE t (id serial PRIMARY KEY, a mood, b mood[], c state, d state[])""",
    )
    db = sqlsoup.SQLSoup(pg)
    assert db.t._table.c.a.type.enums == ["ok"]
    db.rollback()
    run(pg, "ALTER TYPE mood ADD VALUE 'bad'")
    run(pg, "INSERT INTO t (a, b, c, d) VALUES ('bad', '{ok,bad}', 'bad', '{bad}')")
    row = db.t.filter_by(a="bad").one()
    assert (row.a, row.b, row.c, row.d) == ("bad", ["ok", "bad"], "bad", ["bad"])
    db.t(a="bad", b=["bad"], c="bad", d=["bad"])
    db.commit()
    assert db.t.filter(db.t.b.contains(["bad"])).count() == 2


@pytest.mark.parametrize("left", "abc")
@pytest.mark.parametrize("right", "abc")
def test_domains_of_an_enum_are_compared(pg, left, right):
    """One column with another, which PostgreSQL by itself does for the enum alone."""
    run(
        pg,
        """CREATE TYPE mood AS ENUM ('ok', 'bad'); CREATE DOMAIN state AS mood;
        CREATE DOMAIN final AS state;
        CREATE TABLE t (id serial PRIMARY KEY, a mood, b state, c final);
        INSERT INTO t (a, b, c) VALUES ('ok', 'ok', 'ok'), ('bad', 'bad', 'bad')""",
    )
    db = sqlsoup.SQLSoup(pg)
    one, other = getattr(db.t, left), getattr(sa.orm.aliased(db.t), right)
    assert db.t.filter(one == getattr(db.t, right)).count() == 2
    assert db.t.filter(one < other).one().b == "ok"
    assert db.t.filter(one.between("ok", other)).count() == 3


def test_names_of_types_with_a_percent_sign(pg):
    """They are written as they are, in statements of drivers for which the sign has a meaning."""
    run(
        pg,
        """CREATE TYPE "m%%s" AS ENUM ('100%%'); CREATE DOMAIN "d%%" AS "m%%s";
        CREATE TYPE "p%%" AS ("a%%" int);
        CREATE TABLE t (id serial PRIMARY KEY, a "m%%s", b "m%%s"[], c "d%%", d "d%%"[], e "p%%",
            f "p%%"[])""",
    )
    db = sqlsoup.SQLSoup(pg)
    values = {"a": "100%", "b": ["100%"], "c": "100%", "d": ["100%"], "e": "(1)", "f": ["(1)"]}
    for _ in range(2):
        db.t(**values)
    db.commit()
    assert db.t.filter_by(**values).count() == 2
    assert [{**row, "id": None} for row in sqlsoup.as_dicts(db.t)] == [{"id": None, **values}] * 2
    assert [str(db.t._table.c[name].type) for name in "ef"] == ['"p%"', '"p%"[]']


@pytest.mark.parametrize("kind", ["interval year to month", "interval year", "interval month"])
def test_years_and_months(pg, kind):
    """An interval of them is a timedelta, and stays the same when that is written back."""
    run(
        pg,
        f"CREATE DOMAIN d AS {kind}; CREATE DOMAIN many AS {kind}[]",
        f"""CREATE TABLE t (id serial PRIMARY KEY, a {kind}, b {kind}[], c d, d d[], e many);
        INSERT INTO t (a, b, c, d, e) SELECT v, ARRAY[v, NULL], v, ARRAY[v], ARRAY[[v]]
        FROM (VALUES ('7 years'::{kind}), ('7 years 11 mons'), ('-7 years -2 mons'), ('1 mon'),
            (NULL), ('0')) AS u (v)""",
    )
    db = sqlsoup.SQLSoup(pg)
    names, before = "abcde", stored(pg, "t", "abcde")
    rows = db.t.order_by(db.t.id).all()
    assert rows[0].a == dt.timedelta(days=7 * 365)
    assert db.t._table.c.a.type.python_type is dt.timedelta
    for row in rows:
        for name in names:
            flag_modified(row, name)
    db.commit()
    assert stored(pg, "t", names) == before
    for row in rows:
        db.t(**{name: getattr(row, name) for name in names})
    db.commit()
    assert stored(pg, "t", names) == before * 2
    assert db.t.filter_by(a=rows[2].a, b=rows[2].b, c=rows[2].c, d=rows[2].d).count() == 2
    rows[0].a = "3 years"
    db.commit()
    assert rows[0].a == dt.timedelta(days=3 * 365)
    more = db.t.a + dt.timedelta(days=1)
    assert db.t.filter(more > dt.timedelta(days=36 * 30), db.t.id == 1).one() is rows[0]


def test_operators_of_types(typed):
    """Other operators than comparisons take values of other types."""
    run(
        typed,
        """CREATE TABLE t (id serial PRIMARY KEY, shape polygon, words tsvector, path ltree,
            price money, moods mood[], tags citext[], state mood)""",
    )
    db = sqlsoup.SQLSoup(typed)
    t = db.t
    t(
        shape="((0,0),(4,0),(4,4))",
        words="'cat' 'dog'",
        path="a.b.c",
        price=Decimal("2.50"),
        moods=["ok", "so so"],
        tags="{Red,blue}",
        state="ok",
    )
    db.commit()
    row = t.one()
    assert (row.price, row.tags) == ("$2.50", ["Red", "blue"])
    assert t.filter(t.shape.op("@>")("(3,1)")).one() is row
    assert t.filter(t.words.match("cat")).one() is row
    assert t.filter(t.path.op("~")("*.b.*")).one() is row
    assert t.filter(t.path.op("<@")("a.b")).one() is row
    assert t.filter(t.price > Decimal(2), t.price.between("$1", 3)).one() is row
    assert t.filter(t.moods.contains(["so so"]), t.moods[1] == "ok").one() is row
    assert t.filter(t.state == "ok", t.state > "ok").all() == []
    assert t.order_by(t.state.desc(), t.moods, t.price).all() == [row]
    assert db.session.query(sa.func.cardinality(t.tags)).scalar() == 2
    of_text = sa.func.array_agg(sa.cast(t.price, sa.Text))
    assert db.session.query(of_text).scalar() == ["$2.50"]
    assert sa.inspect(t).columns["shape"].type.compile(typed.dialect) == "polygon"


def test_types_in_schemas_that_are_not_searched(pg):
    """Their names are written with the schema."""
    far = f"types_{pg.driver}"
    run(
        pg,
        f"""CREATE SCHEMA {far}; CREATE TYPE {far}."odd mood" AS ENUM ('ok');
        CREATE TYPE {far}.pair AS (a int, b text);
        CREATE TABLE t (id serial PRIMARY KEY, a {far}."odd mood", b {far}."odd mood"[],
            c {far}.pair, d {far}.pair[])""",
    )
    try:
        db = sqlsoup.SQLSoup(pg)
        for _ in range(2):
            db.t(a="ok", b=["ok"], c="(1,x)", d=["(1,x)"])
        db.commit()
        row = db.t.filter_by(a="ok", b=["ok"], c="(1,x)", d=["(1,x)"]).first()
        assert (row.a, row.b, row.c, row.d) == ("ok", ["ok"], "(1,x)", ["(1,x)"])
    finally:
        sqlsoup.Session.remove()
        run(pg, f"DROP SCHEMA {far} CASCADE")


def test_a_listener_sets_the_type(pg):
    """A listener on ``db._metadata`` finds the type by its name."""
    run(pg, "CREATE TABLE shapes (id int PRIMARY KEY, shape polygon)")
    run(pg, "INSERT INTO shapes VALUES (1, '((0,0),(1,1))')")
    db = sqlsoup.SQLSoup(pg)

    class Shape(sa.types.UserDefinedType):
        cache_ok = True

        def result_processor(self, dialect, coltype):
            return lambda value: [float(each) for each in re.findall(r"[\d.]+", value)]

    @sa.event.listens_for(db._metadata, "column_reflect")
    def set_type(inspector, table, column):
        if str(column["type"]) == "polygon":
            column["type"] = Shape()

    assert db.shapes.one().shape == [0.0, 0.0, 1.0, 1.0]


def test_json_takes_and_gives_what_it_stands_for(pg):
    """A domain over jsonb takes a dict; None is the null of JSON, ``null()`` is NULL."""
    run(pg, "CREATE DOMAIN d AS jsonb; CREATE TABLE t (id serial PRIMARY KEY, a d, b jsonb[])")
    db = sqlsoup.SQLSoup(pg)
    row, second = db.t(a={"x": [1]}, b=[{"y": None}, 2]), db.t(a=None)
    db.t(a=sa.null())
    db.commit()
    assert (row.a, row.b, second.a) == ({"x": [1]}, [{"y": None}, 2], None)
    assert db.t.filter(db.t.a["x"][0].as_integer() == 1).one() is row
    assert db.t.filter(db.t.a.is_(sa.null())).count() == 1


def test_quiet(typed, recwarn):
    """No type, whatever it is, gives a warning, and ``help()`` gives none."""
    columns = ", ".join(f"c{i} {kind}, a{i} {kind}[]" for i, kind in enumerate(TYPES))
    run(typed, f"CREATE TABLE t (id serial PRIMARY KEY, {columns})")
    db = sqlsoup.SQLSoup(typed, relationships=True)
    db.t()
    db.t()
    db.commit()
    assert db.t.count() == 2
    assert "c0" in db.t.__doc__
    assert not recwarn.list


@pytest.mark.parametrize(
    ("ddl", "value", "other"),
    [
        ("int[]", (1, 2), [3]),
        ("int[]", ((1, 2), (3, 4)), [[3], [4]]),
        ("text[]", ("a", None), ["b"]),
        ("public.citext[]", ("a",), ["b"]),
        ("numeric[]", (Decimal("1.50"),), [Decimal(2)]),
    ],
)
def test_an_array_as_a_key(pg, ddl, value, other):
    """An array in a primary or foreign key comes as a tuple, for a list cannot be looked up."""
    run(
        pg,
        "CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public",
        f"CREATE TABLE p (k {ddl} PRIMARY KEY, v int)",
        f"CREATE TABLE t (id int PRIMARY KEY, k {ddl} REFERENCES p, other {ddl})",
    )
    db = sqlsoup.SQLSoup(pg, relationships=True)
    db.t.insert(id=1, p=db.p.insert(k=value, v=1), other=list(value))
    db.commit()
    row = db.p.one()
    assert (type(row.k), row.k) == (tuple, value)
    assert isinstance(db.t.get(1).other, list)
    assert db.p.get((value,)) is db.t.get(1).p is row
    assert db.p.filter(db.p.k == value).all() == [row]
    new = db.p.insert(k=other, v=2)
    db.t.get(1).p = new
    db.commit()
    assert db.t.filter(db.t.k == new.k).count() == 1
    assert sa.inspect(db.p).columns["k"].type.python_type is tuple


def test_a_multirange_as_a_key(pg):
    """It is one row and one object, and comes as a tuple with the driver that gives a list."""
    run(
        pg,
        "CREATE TABLE p (k int4multirange PRIMARY KEY, v int)",
        "CREATE TABLE t (id int PRIMARY KEY, k int4multirange REFERENCES p)",
    )
    db = sqlsoup.SQLSoup(pg, relationships=True)
    row = db.p.insert(k="{[1,2],[9,9]}", v=1)
    db.t.insert(id=1, p=row)
    db.commit()
    assert type(row.k) is (tuple if pg.driver == "psycopg" else str)
    assert db.p.one() is db.t.get(1).p is db.p.get((row.k,)) is row
    row.v = 2
    other = db.p.insert(
        k=MultiRange([Range(3, 4, bounds="[]")]) if pg.driver == "psycopg" else "{}"
    )
    db.commit()
    assert {each.k: each.v for each in db.p.all()} == {row.k: 2, other.k: None}


def test_a_key_of_the_type_name(pg):
    """PostgreSQL cuts off what is longer than a name may be, and the row has what is left."""
    run(pg, "CREATE TABLE t (k name PRIMARY KEY, v int)")
    db = sqlsoup.SQLSoup(pg)
    rows = [db.t.insert(k=given) for given in ("x" * 70, "é" * 40, "short")]
    db.commit()
    assert [row.k for row in rows] == ["x" * 63, "é" * 31, "short"]
    assert {*db.t.all()} == {*rows}
    assert db.t.get("short") is rows[2]


def test_arrays_in_help(engine):
    """help() calls arrays what people call them."""
    run(
        engine,
        "CREATE DOMAIN size AS INTEGER",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER[], v VARCHAR(3)[], o OID[], s size[])",
    )
    lines = [line.split() for line in sqlsoup.SQLSoup(engine).t.__doc__.splitlines()[3:]]
    assert lines == [["i", "INTEGER[]"], ["v", "VARCHAR[]"], ["o", "oid[]"], ["s", "size[]"]]


NOW = dt.datetime(2020, 1, 2, 3, 4, 5, 999999)
SOME_UUID = uuid.UUID(int=7)


@pytest.mark.parametrize(
    ("ddl", "given", "stored"),
    [
        ("timestamp", NOW, NOW),
        ("timestamp(0)", NOW, NOW.replace(second=6, microsecond=0)),
        ("timestamp(3)", NOW.replace(microsecond=1499), NOW.replace(microsecond=1000)),
        ("timestamp(3)", NOW.replace(microsecond=1500), NOW.replace(microsecond=2000)),
        ("time(2)", dt.time(3, 4, 5, 678901), dt.time(3, 4, 5, 680000)),
        ("time(0)", "03:04:05", dt.time(3, 4, 5)),
        ("time(0)", dt.time(3, 59, 59, 500000), dt.time(4)),
        ("time(2)", dt.time(3, 4, 5, 996000), dt.time(3, 4, 6)),
        ("time(0)", dt.time(3, 4, 59, 500000), dt.time(3, 5)),
        ("timetz(2)", NOW.timetz().replace(tzinfo=dt.UTC), dt.time(3, 4, 6, tzinfo=dt.UTC)),
        ("date", NOW, NOW.date()),
        ("numeric(5,2)", Decimal("1.005"), Decimal("1.01")),
        ("numeric(5,2)", -1.125, Decimal("-1.13")),
        ("numeric(5,2)", Decimal("NaN"), Decimal("NaN")),
        ("numeric(50,2)", Decimal("1e40"), Decimal(f"{10**40}.00")),
        ("numeric", Decimal("1.005"), Decimal("1.005")),
        ("real", 0.1, 0.1),
        ("real", Decimal("0.123456789"), 0.12345679),
        ("real", 16777217, 16777216.0),
        ("real", "0.1", 0.1),
        ("real", float("inf"), float("inf")),
        ("double precision", Decimal("0.12345678901234567890"), 0.12345678901234568),
        ("varchar(40)", 5, "5"),
        ("text", Decimal("5.50"), "5.50"),
        ("char(3)", 5, "5  "),
        ("text", SOME_UUID, str(SOME_UUID)),
    ],
)
def test_keys_that_are_stored_otherwise(engine, ddl, given, stored):
    """The key of a row is the one that is stored, by which the row is found again."""
    run(engine, f"CREATE TABLE t (k {ddl} PRIMARY KEY, n int)")
    check_that_it_is_found(sqlsoup.SQLSoup(engine), given, stored)


def check_that_it_is_found(db, given, stored):
    """Check that a row is changed and deleted after its key was stored."""
    row = db.t.insert(k=given, n=1)
    db.flush()
    row.n = 2
    db.commit()
    assert (repr(row.k), row.n) == (repr(stored), 2)
    db.delete(row)
    db.commit()
    assert db.t.count() == 0


@pytest.mark.parametrize(
    ("ddl", "given", "stored"),
    [
        ("timestamp(0)", NOW, NOW.replace(second=6, microsecond=0)),
        ("timetz(3)", NOW.time().replace(tzinfo=dt.UTC), dt.time(3, 4, 6, tzinfo=dt.UTC)),
        ("time(0)", NOW.time(), dt.time(3, 4, 6)),
        ("numeric(5,2)", Decimal("1.005"), Decimal("1.01")),
        ("numeric(5)", 1.5, Decimal(2)),
        ("numeric(5,-2)", Decimal(1250), Decimal(1300)),
        ("numeric", Decimal("1.005"), Decimal("1.005")),
        ("interval(0)", dt.timedelta(seconds=1.7), dt.timedelta(seconds=2)),
        ("interval", dt.timedelta(seconds=1.7), dt.timedelta(seconds=1.7)),
        ("interval hour to minute", dt.timedelta(seconds=67), dt.timedelta(minutes=1)),
        ("varchar(3)", 12, "12"),
        ("char(3)", "a", "a  "),
        ("timestamp(0)[]", [NOW], (NOW.replace(second=6, microsecond=0),)),
    ],
)
@pytest.mark.parametrize("of", ["base", "two"])
def test_keys_of_a_domain(typed, of, ddl, given, stored):
    """They are limited as what is beneath, also where the domain is of another domain."""
    kind = ddl if of == "base" else of
    run(typed, f"CREATE DOMAIN one AS {ddl}", "CREATE DOMAIN two AS one")
    run(typed, f"CREATE TABLE t (k {kind} PRIMARY KEY, n int)")
    check_that_it_is_found(sqlsoup.SQLSoup(typed), given, stored)


@pytest.mark.parametrize(
    ("ddl", "given", "stored"),
    [
        ("timestamp(0)", "2020-01-02 03:04:05.7", NOW.replace(second=6, microsecond=0)),
        ("timestamp", dt.date(2020, 1, 2), dt.datetime(2020, 1, 2)),
        ("timestamptz", "2020-01-02 03:04:05.999999+00", NOW.replace(tzinfo=dt.UTC)),
        ("date", "2020-01-02", NOW.date()),
        ("numeric(5,2)", "1.005", Decimal("1.01")),
        ("numeric(5,-2)", 1250, Decimal("1.3E+3")),
        ("numeric", "1.50", Decimal("1.50")),
        ("double precision", "0.1", 0.1),
        ("integer", "05", 5),
        ("bigint", "-7", -7),
        ("char(3)", "a", "a  "),
        ("char(3)", "a    ", "a  "),
        ("uuid", "{00000000-0000-0000-0000-000000000007}", SOME_UUID),
        ("bytea", bytearray(b"a"), b"a"),
        ("double precision", Decimal("0.12345678901234567890"), 0.12345678901234568),
    ],
)
def test_keys_in_another_type(engine, ddl, given, stored):
    """What is given for a key is what a query gives from the flush on: a row is one object."""
    check_key(engine, ddl, given, stored)


_RANGES = {
    "psycopg": ("psycopg.types.range", "Range"),
    "psycopg2": ("psycopg2.extras", "NumericRange"),
}


@pytest.mark.parametrize("driver", [*_RANGES])
@pytest.mark.parametrize(
    ("ddl", "given", "text"),
    [
        ("inet", "10.0.0.1/32", "10.0.0.1/32"),
        ("inet", "::0001", "::1/128"),
        ("where_from", "10.0.0.1/32", "10.0.0.1/32"),
        ("cidr", "10.0.0.0/8", "10.0.0.0/8"),
        ("macaddr", "08-00-2B-01-02-03", "08:00:2b:01:02:03"),
        ("macaddr8", "08:00:2B:01:02:03", "08:00:2b:ff:fe:01:02:03"),
        ("money", "5", "$5.00"),
        ("money", 5, "$5.00"),
        ("interval", "36 hours", "36:00:00"),
        ("interval", "1 month", "1 mon"),
        ("interval(0)", dt.timedelta(seconds=1, microseconds=700000), "00:00:02"),
        ("oid", "05", "5"),
        ("tsvector", "b a", "'a' 'b'"),
        ("bit(4)", "xA", "1010"),
        ("integer", 5.6, "6"),
        ("bigint", " 5 ", "5"),
        ("numeric", 0.1, "0.1"),
        ("double precision", " 5", "5"),
        ("timestamptz", "2020-01-02 03:04:05 Europe/Berlin", "2020-01-02 02:04:05+00"),
        ("timestamptz", NOW, "2020-01-02 03:04:05.999999+00"),
        ("timestamp", NOW.replace(tzinfo=dt.UTC), "2020-01-02 03:04:05.999999"),
        ("timestamp", "Jan 2 2020", "2020-01-02 00:00:00"),
        ("date", "20200102", "2020-01-02"),
        ("date", "2020-01-02 03:04:05", "2020-01-02"),
        ("time", "3:04", "03:04:00"),
        ("timetz", dt.time(3, 4), "03:04:00+00"),
        ("int4range", "[1,5]", "[1,6)"),
        ("int4range", Range(1, 5, bounds="[]"), "[1,6)"),
        ("int8range", Range(None, 5, bounds="[]"), "(,6)"),
        ("int4range", Range(1, 2, bounds="()"), "empty"),
        ("numrange", Range(1, None, bounds="[]"), "[1,)"),
        ("daterange", "[2020-01-01,2020-01-05]", "[2020-01-01,2020-01-06)"),
        ("int4range", "of the driver", "[1,6)"),
        ("text", True, "true"),
        ("varchar(3)", 1.5, "1.5"),
        ("char(5)", 1.5, "1.5"),
        ("int[]", "{1,02}", "{1,2}"),
        ("int[]", ["1", "2"], "{1,2}"),
        ("inet[]", "{10.0.0.1/32}", "{10.0.0.1}"),
        ("pair", "( 1,x)", "(1,x)"),
        ("pg_lsn", "0/00A", "0/A"),
        ("cents", Decimal("1.005"), "1.01"),
        ("cents", "1.005", "1.01"),
        ("of_cents", 1.0051, "1.01"),
        ('"a%b"', NOW, "2020-01-02 03:04:06"),
        ("code", "a", "a"),
        ("code", 5, "5"),
        ("words", "ab", "ab"),
        ("span", dt.timedelta(seconds=1, microseconds=700000), "00:00:02"),
        ("prices", [Decimal("1.005")], "{1.01}"),
        ("cents[]", [Decimal("1.005")], "{1.01}"),
        ("numeric(5,2)[]", [Decimal("1.005")], "{1.01}"),
        ("char(3)[]", ["a"], '{"a  "}'),
    ],
)
def test_keys_of_which_the_database_is_asked(engine, make_engine, driver, ddl, given, text):
    """A row with such a key is one object, stored as it was given, and found by what is stored."""
    if given == "of the driver":
        module, name = _RANGES[driver]
        given = getattr(importlib.import_module(module), name)(1, 5, "[]")
    run(
        engine,
        "CREATE DOMAIN where_from AS inet",
        "CREATE TYPE pair AS (a int, b text)",
        "CREATE DOMAIN cents AS numeric(5,2)",
        "CREATE DOMAIN of_cents AS cents",
        'CREATE DOMAIN "a%%b" AS timestamp(0)',
        "CREATE DOMAIN code AS char(3)",
        "CREATE DOMAIN words AS varchar(3)",
        "CREATE DOMAIN span AS interval(0)",
        "CREATE DOMAIN prices AS numeric(5,2)[]",
        f"CREATE TABLE t (k {ddl.replace('%', '%%')} PRIMARY KEY, n INT)",
    )
    url = engine.url.set(drivername=f"postgresql+{driver}")
    db = sqlsoup.SQLSoup(make_engine(url.update_query_dict({"options": "-c timezone=UTC"})))
    row = db.t.insert(k=given, n=1)
    db.flush()
    key = row.k
    assert (db.t.one(), db.execute("SELECT k::text FROM t").scalar()) == (row, text)
    row.n = 2
    db.commit()
    assert (row.k, row.n, db.t.get((key,))) == (key, 2, row)
    row.k = given
    db.flush()
    assert (row.k, db.t.one()) == (key, row)
    db.delete(row)
    db.commit()
    assert db.t.count() == 0
    sqlsoup.Session.remove()


def test_statements_that_ask_of_keys(engine, statements):
    """One asks of a hundred keys, also of those that were named, and no row is sent alone."""
    run(
        engine,
        "CREATE TABLE t (k inet, d date, n INT)",
        "CREATE VIEW v AS SELECT * FROM t",
    )
    db = sqlsoup.SQLSoup(engine, primary_keys={"t": ["k", "d"], "v": ["k", "d"]})
    db.t, db.v  # noqa: B018
    day = dt.date(2020, 1, 2)
    rows = [db.t.insert(k=f"10.0.0.{n}/32", d=day) for n in range(150)]
    statements.clear()
    db.flush()
    asked = [each for each in statements if each.startswith("SELECT CAST")]
    assert (len(asked), len(statements)) == (2, 3)
    assert {*db.t.all()} == {*rows}
    new = db.v.insert(k="::0001", d=day)
    db.flush()
    assert (new.k, db.v.filter_by(k="::1").one()) == ("::1", new)
    statements.clear()
    new.n = 5
    db.flush()
    assert not [each for each in statements if each.startswith("SELECT CAST")]
    db.rollback()


def test_a_moment_that_python_does_not_have(engine):
    """What psycopg2 has for infinity is the key of the row, which is stored as it was given."""
    run(engine, "CREATE TABLE t (k timestamp(0) PRIMARY KEY)")
    db = sqlsoup.SQLSoup(engine)
    row = db.t.insert(k="infinity")
    db.flush()
    assert db.execute("SELECT k::text FROM t").scalar() == "infinity"
    assert (row.k, db.t.one()) == (dt.datetime.max, row)
    db.rollback()


def test_a_key_that_the_database_does_not_take(engine):
    """The error is that of the database, and a key that is given next is taken."""
    run(engine, "CREATE TABLE t (k inet PRIMARY KEY)", "INSERT INTO t VALUES ('::1')")
    db = sqlsoup.SQLSoup(engine)
    row = db.t.insert(k="::0001")
    with pytest.raises(sa.exc.IntegrityError):
        db.flush()
    db.rollback()
    db.session.add(row)
    row.k = sa.cast("::2/128", sa.Text).cast(db.t.c.k.type)
    db.commit()
    assert row.k == "::2"
    db.t.insert(k="nowhere")
    with pytest.raises(sa.exc.DataError, match="nowhere"):
        db.flush()
    db.rollback()


@pytest.mark.parametrize(
    ("ddl", "given", "stored"),
    [
        ("char(3)", sa.func.lower("A"), "a  "),
        ("int4range", sa.func.int4range(1, 5, "[]"), Range(1, 6)),
        (
            "timestamp(0)",
            sa.cast("2020-01-02 03:04:05.7", sa.DateTime),
            NOW.replace(second=6, microsecond=0),
        ),
    ],
)
def test_expressions_for_keys(engine, ddl, given, stored):
    """The database makes the key of an expression."""
    run(engine, f"CREATE TABLE t (k {ddl} PRIMARY KEY)")
    db = sqlsoup.SQLSoup(engine)
    row = db.t.insert(k=given)
    db.commit()
    assert (row.k, db.t.first()) == (stored, row)


@pytest.mark.parametrize(
    ("ddl", "given"),
    [
        ("daterange", Range(NOW.date(), dt.date.max, bounds="[]")),
        ("double precision", "1e400"),
        ("double precision", Decimal("1e400")),
        ("numeric(10,2)", "1e9999999"),
        ("bigint", "99999999999999999999"),
    ],
)
def test_values_that_python_cannot_convert_for_a_key(engine, ddl, given):
    """They are left as they are, for the database or the driver to say what is wrong."""
    run(engine, f"CREATE TABLE t (k {ddl} PRIMARY KEY)")
    db = sqlsoup.SQLSoup(engine)
    row = db.t.insert(k=given)
    with pytest.raises((sa.exc.DataError, ValueError)):
        db.flush()
    assert str(row.k) == str(given)
    db.rollback()


def test_a_real_as_a_key(engine):
    """A row with such a key is changed, related to and deleted."""
    run(
        engine,
        "CREATE DOMAIN small AS real",
        "CREATE TABLE p (k small PRIMARY KEY, n int)",
        "CREATE TABLE kids (id int PRIMARY KEY, k real REFERENCES p, f real)",
        "CREATE TABLE bare (k real, n int)",
        "INSERT INTO p VALUES (0.1, 1), (1e-40, 2)",
        "INSERT INTO kids VALUES (1, 0.1, 0.1)",
        "INSERT INTO bare VALUES (0.1, 1)",
    )
    db = sqlsoup.SQLSoup(engine, relationships=True, primary_keys={"bare": ["k"]})
    use_keys_of_single_precision(db)


def test_a_time_that_rounds_to_the_end_of_the_day(engine):
    """It is 24:00 for PostgreSQL, and none for Python."""
    run(engine, "CREATE TABLE t (k time(0) PRIMARY KEY)")
    db = sqlsoup.SQLSoup(engine)
    last = dt.time(23, 59, 59, 600000)
    row = db.t.insert(k=last)
    db.flush()
    assert row.k == last
    db.rollback()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_keys_of_sqlite_that_are_copied(make_engine, server, driver):
    """They are dates and times to the drivers, also in a statement that knows no types."""
    days = [dt.date(2020, 1, 2), dt.datetime(2020, 1, 2, 3, 4, 5), dt.time(3, 4)]
    engine = make_engine(sa.make_url(server).set(drivername=f"postgresql+{driver}"))
    db = sqlsoup.SQLSoup(engine)
    for day in days:
        copied = spell(day, "as it was written")
        assert db.execute("SELECT :day", day=copied).scalar() == day
    sqlsoup.Session.remove()
