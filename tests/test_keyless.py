"""Views, and tables without a primary key: found by name, with a key that is named."""

from __future__ import annotations

import copy
import inspect
import pickle
import rlcompleter

import pytest
import sqlalchemy as sa
from conftest import run
from sqlalchemy.orm.exc import ObjectDeletedError

import sqlsoup
from sqlsoup import ArgumentError, SelectableClassType, SQLSoup, SQLSoupError, TableClassType

REPORTS = [
    (
        "CREATE TABLE report (region VARCHAR(9) NOT NULL, year INTEGER NOT NULL, total INTEGER,"
        " code VARCHAR(9), CONSTRAINT by_year UNIQUE (region, year))"
    ),
    "CREATE UNIQUE INDEX by_code ON report (code)",
    "INSERT INTO report VALUES ('east', 2020, 5, 'a'), ('east', 2021, 7, 'b')",
    "INSERT INTO report VALUES ('west', 2020, 1, 'c')",
    "CREATE VIEW totals AS SELECT region, SUM(total) AS total FROM report GROUP BY region",
    "CREATE VIEW eastern AS SELECT region, year, total FROM report WHERE region = 'east'",
]
NO_KEY = (
    "table 'report' does not have a primary key defined; name columns that tell its rows apart, as "
    "in db.entity('report', primary_key=['region', 'year']); it has the columns region, year, "
    "total, code; unique: region, year; unique: code"
)
NO_KEY_OF_TOTALS = (
    "table 'totals' does not have a primary key defined; name columns that tell its rows apart, as "
    "in db.entity('totals', primary_key=['region', 'total']); it has the columns region, total"
)
NO_COLUMN = "'report' has no column 'yeer' for its primary key; did you mean 'year'?"


def test_the_call_names_no_column_that_cannot_be_a_key(engine):
    """Dicts cannot be looked up; where there is nothing else, the call names what there is."""
    kind = {"sqlite": "JSON", "postgresql": "jsonb", "mysql": "LONGTEXT"}[engine.dialect.name]
    run(
        engine,
        f"CREATE TABLE events (day DATE, data {kind})",
        f"CREATE TABLE logs (data {kind})",
        "INSERT INTO events VALUES ('2020-01-02', '{\"a\": 1}')",
    )
    db = SQLSoup(engine)
    with pytest.raises(SQLSoupError) as caught:
        _ = db.logs
    assert call_in(str(caught.value)) == "db.entity('logs', primary_key=['data'])"
    with pytest.raises(SQLSoupError) as caught:
        _ = db.events
    named = ["day", "data"] if kind == "LONGTEXT" else ["day"]  # which is text on MariaDB
    assert call_in(str(caught.value)) == f"db.entity('events', primary_key={named})"
    assert len(db.entity("events", primary_key=named).all()) == 1


def call_in(message):
    """Return the call that the message of a table without a key shows."""
    return message.partition("as in ")[2].partition("; it has")[0]


def key_of(cls):
    """Return the names of the columns that a class has for its key."""
    return [column.key for column in sa.inspect(cls).primary_key]


@pytest.fixture
def reports(engine):
    """A table with two unique keys and no primary key, and views."""
    run(engine, *REPORTS)


@pytest.fixture
def lite_reports(lite):
    """The same in SQLite alone."""
    run(lite, *REPORTS)


@pytest.fixture
def annex(engine, other_schema):
    """The name of another schema, which has a table ``log`` without a key."""
    run(
        engine,
        f"CREATE TABLE {other_schema}.log (id INTEGER, line VARCHAR(9))",
        f"INSERT INTO {other_schema}.log VALUES (1, 'there')",
        "CREATE TABLE log (id INTEGER, line VARCHAR(9))",
        "INSERT INTO log VALUES (1, 'here')",
    )
    return other_schema


# the error, and the call that it shows


def test_no_key_is_an_error(db, reports):
    """A table without any key is a SQLSoupError, which shows the call that names one."""
    for look_up in (
        lambda: db.report,
        lambda: db["report"],
        lambda: db.entity("report"),
        lambda: db.map_to("r", tablename="report"),
    ):
        with pytest.raises(SQLSoupError) as raised:
            look_up()
        assert isinstance(raised.value, AttributeError)
        assert type(raised.value).__name__ == "SQLSoupError"
        assert str(raised.value) == NO_KEY
    assert db._cache == {}


def test_no_key_of_a_view(db, reports):
    """A view has no unique index to propose, so that all of its columns are."""
    with pytest.raises(SQLSoupError) as raised:
        _ = db.totals
    assert str(raised.value) == NO_KEY_OF_TOTALS


@pytest.mark.parametrize("name", ["report", "totals", "eastern"])
def test_the_call_works_when_pasted(db, reports, name):
    """The call in the message gives the class."""
    with pytest.raises(SQLSoupError) as raised:
        getattr(db, name)
    cls = eval(call_in(str(raised.value)), {"db": db})
    assert type(cls) is TableClassType
    assert cls is getattr(db, name)
    assert {type(row) for row in cls.all()} == {cls}


def test_the_call_names_the_schema(db, annex):
    """The call in the message names the schema of the table, and works."""
    with pytest.raises(SQLSoupError) as raised:
        db.entity("log", schema=annex)
    call = call_in(str(raised.value))
    assert call == f"db.entity('log', '{annex}', primary_key=['id', 'line'])"
    assert [row.line for row in eval(call, {"db": db}).all()] == ["there"]


def test_the_call_of_an_odd_name(soup, lite):
    """The call works for a table and columns of any name."""
    run(lite, """CREATE TABLE "o'dd ""name" ("it's" INTEGER, "Ünder" INTEGER)""")
    with pytest.raises(SQLSoupError) as raised:
        soup["o'dd \"name"]
    cls = eval(call_in(str(raised.value)), {"db": soup})
    assert key_of(cls) == ["it's", "Ünder"]
    assert soup["o'dd \"name"] is cls


def test_the_error_of_a_selectable(soup):
    """For a selectable it is the argument of map_to() that is shown, and it works."""
    totals = sa.select(sa.func.count().label("n")).select_from(soup.users._table).subquery("totals")
    with pytest.raises(SQLSoupError) as raised:
        soup.map_to("totals", selectable=totals)
    assert str(raised.value) == (
        "selectable 'totals' does not have a primary key defined; name columns that tell its rows "
        "apart, as in mapper_args={\"primary_key\": ['n']}; it has the columns n"
    )
    shown = eval(f"dict({call_in(str(raised.value))})")
    cls = soup.map_to("totals", selectable=totals, **shown)
    assert type(cls) is SelectableClassType
    assert [row.n for row in cls.all()] == [3]


@pytest.mark.parametrize(
    ("indexes", "key"),
    [
        ([], ["a", "b", "c"]),
        (["CREATE UNIQUE INDEX i ON t (a)"], ["a"]),
        (["CREATE UNIQUE INDEX i ON t (a)", "CREATE UNIQUE INDEX j ON t (b, c)"], ["b", "c"]),
        (["CREATE UNIQUE INDEX i ON t (a) WHERE a > 5"], ["a", "b", "c"]),
        (["CREATE UNIQUE INDEX i ON t (abs(a))"], ["a", "b", "c"]),
        (["CREATE INDEX i ON t (a)"], ["a", "b", "c"]),
    ],
    ids=["none", "unique", "not null first", "partial", "expression", "not unique"],
)
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_which_key_is_proposed(soup, lite, indexes, key):
    """A unique index of all rows is proposed; one whose columns are never NULL comes first."""
    run(lite, "CREATE TABLE t (a INTEGER, b INTEGER NOT NULL, c INTEGER NOT NULL)", *indexes)
    with pytest.raises(SQLSoupError) as raised:
        _ = soup.t
    assert call_in(str(raised.value)) == f"db.entity('t', primary_key={key})"


# ways to name a key

KEYS = {
    "names": lambda table: ["region", "year"],
    "tuple": lambda table: ("region", "year"),
    "columns": lambda table: [table.c.region, table.c.year],
    "both": lambda table: ["region", table.c.year],
    "one name": lambda table: "code",
    "one column": lambda table: table.c.code,
}
WAYS = {
    "entity": lambda db, key: db.entity("report", primary_key=key),
    "map_to": lambda db, key: db.map_to(
        "report", tablename="report", mapper_args={"primary_key": key}
    ),
    "map": lambda db, key: db.map(db._metadata.tables["report"], primary_key=key),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", KEYS)
def test_naming_a_key(soup, lite_reports, way, key):
    """Names and columns name the key of entity(), map_to() and map(), several or one."""
    with pytest.raises(SQLSoupError):
        _ = soup.report
    columns = KEYS[key](soup._metadata.tables["report"])
    cls = WAYS[way](soup, columns)
    assert type(cls) is TableClassType
    assert key_of(cls) == (["code"] if key.startswith("one") else ["region", "year"])
    assert [type(row) for row in cls.all()] == [cls] * 3
    if way != "map":
        assert soup.report is cls
        assert soup.entity("report") is cls
        assert soup["report"] is cls


def test_a_key_of_the_whole_database(engine, reports):
    """``primary_keys`` names keys once, by the names of tables and views."""
    keys = {"report": ["region", "year"], "totals": "region", "eastern": ("year",)}
    db = SQLSoup(engine, primary_keys=keys)
    assert [type(cls) for cls in (db.report, db["totals"], db.entity("eastern"))] == [
        TableClassType
    ] * 3
    assert [key_of(db.report), key_of(db.totals), key_of(db.eastern)] == [
        ["region", "year"],
        ["region"],
        ["year"],
    ]
    assert db.report.get(("east", 2021)).total == 7
    assert db.totals.get("east").total == 12
    assert [row.total for row in db.eastern.order_by("year")] == [5, 7]
    with pytest.raises(SQLSoupError, match="'visits' does not have a primary key"):
        _ = db.visits


def test_a_key_of_the_whole_database_is_a_default(soup, lite, lite_reports):
    """A key that is named in a call comes before it, and before that of the table itself."""
    db = SQLSoup(lite, primary_keys={"report": "code", "books": "title"})
    assert key_of(db.entity("report", primary_key=["region", "year"])) == ["region", "year"]
    assert key_of(db.map_to("again", tablename="report")) == ["code"]
    assert db.books.get("Soups").id == 3
    assert key_of(db.entity("users", primary_key=["email"])) == ["email"]


def test_keys_by_schema(engine, annex):
    """``schema.table`` is the table of that schema, and the bare name that of the default one."""
    db = SQLSoup(engine, primary_keys={f"{annex}.log": ["line"], "log": ["id"]})
    here, there = db.log, db[f"{annex}.log"]
    assert [key_of(here), key_of(there)] == [["id"], ["line"]]
    assert [here.get(1).line, there.get("there").id] == ["here", 1]
    assert db.entity("log", schema=annex) is there


def test_a_bare_name_is_of_the_schema_that_is_set(engine, annex):
    """With ``db.schema`` set, bare names are those of its tables; without they are not."""
    db = SQLSoup(engine, primary_keys={"log": "id"})
    with pytest.raises(SQLSoupError, match=f"db.entity\\('log', '{annex}', primary_key="):
        db.entity("log", schema=annex)
    db.schema = annex
    assert [row.line for row in db.log.all()] == ["there"]
    assert key_of(db.log) == ["id"]
    db.schema = None
    assert [row.line for row in db.map_to("here", tablename="log").all()] == ["here"]


def test_a_copy_has_the_keys(lite, lite_reports):
    """The keys of a whole database belong to copies as well."""
    db = copy.copy(SQLSoup(lite, primary_keys={"report": "code"}))
    assert db.report.get("b").total == 7


# keys that are wrong


@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_name(soup, lite_reports, way):
    """A name that is no column is an ArgumentError, which has the nearest one; nothing is kept."""
    with pytest.raises(SQLSoupError):
        _ = soup.report
    with pytest.raises(ArgumentError) as raised:
        WAYS[way](soup, ["region", "yeer"])
    assert type(raised.value) is ArgumentError
    assert str(raised.value) == NO_COLUMN
    assert soup._cache == {}
    assert key_of(WAYS[way](soup, ["region", "year"])) == ["region", "year"]


def test_a_wrong_name_for_the_whole_database(lite, lite_reports):
    """One in ``primary_keys`` is so at the first access of that table, and of no other."""
    db = SQLSoup(lite, primary_keys={"report": ["region", "yeer"], "nothing": ["id"]})
    assert db.users.count() == 3
    with pytest.raises(ArgumentError) as raised:
        _ = db.report
    assert str(raised.value) == NO_COLUMN


@pytest.mark.parametrize("by", ["column", "name"])
def test_a_name_that_a_mapper_gives(soup, lite_reports, by):
    """The attribute names of ``properties`` may name the key of map_to() too."""
    with pytest.raises(SQLSoupError):
        _ = soup.report
    code = soup._metadata.tables["report"].c.code
    key = code if by == "column" else "ident"
    args = {"properties": {"ident": code}, "primary_key": [key]}
    cls = soup.map_to("report", tablename="report", mapper_args=args)
    assert cls.get("b").ident == "b"


def test_another_key_than_it_is_mapped_with(db, reports):
    """A table that is mapped has its key: the same one gives the class, another is an error."""
    cls = db.entity("report", primary_key=["region", "year"])
    assert db.entity("report", primary_key=("region", "year")) is cls
    assert db.entity("report", primary_key=[cls._table.c.region, "year"]) is cls
    with pytest.raises(SQLSoupError) as raised:
        db.entity("report", primary_key=["code"])
    assert type(raised.value) is SQLSoupError
    assert str(raised.value) == (
        "Attribute 'report' is already mapped to 'report' by another key; del db['report'] first"
    )
    with pytest.raises(ArgumentError, match="has no column 'yeer'"):
        db.entity("report", primary_key=["yeer"])
    assert db.report is cls
    del db["report"]
    assert key_of(db.entity("report", primary_key=["code"])) == ["code"]


class Overtaken(SQLSoup):
    """A SQLSoup whose every table is mapped by somebody else just before."""

    def map_to(self, attrname, *args, **kwargs):
        """Map with another key first."""
        if attrname not in self._cache:
            super().map_to(attrname, *args, **{**kwargs, "mapper_args": {"primary_key": ["code"]}})
        return super().map_to(attrname, *args, **kwargs)


def test_another_key_than_a_thread_took(lite, lite_reports):
    """Who comes second to a table learns that the first one took another key."""
    with pytest.raises(SQLSoupError, match=r"^Attribute 'report' is already mapped .* key"):
        Overtaken(lite).entity("report", primary_key=["region", "year"])
    assert key_of(Overtaken(lite).entity("report", primary_key="code")) == ["code"]


@pytest.mark.parametrize("forget", ["refresh", "del"])
def test_forgetting(soup, lite, lite_reports, forget):
    """What was forgotten has no named key any more, unless the whole database has it."""
    db = SQLSoup(lite, primary_keys={"totals": "region"})
    before = [db.entity("report", primary_key="code"), db.totals]
    if forget == "refresh":
        sqlsoup.refresh(db)
    else:
        del db["report"], db["totals"]
    assert key_of(db.totals) == ["region"]
    assert db.totals is not before[1]
    with pytest.raises(SQLSoupError) as raised:
        _ = db.report
    assert str(raised.value) == NO_KEY
    assert before[0].get("b").total == 7


# rows


def test_writing_to_a_table_without_a_key(db, reports):
    """Rows of a table with a named key are inserted, changed and deleted."""
    report = db.entity("report", primary_key=["region", "year"])
    report.insert(region="west", year=2021, total=4)
    report.get(("east", 2020)).total = 6
    db.delete(report.get(("east", 2021)))
    db.commit()
    rows = db.execute("SELECT region, year, total FROM report ORDER BY region, year").all()
    assert rows == [("east", 2020, 6), ("west", 2020, 1), ("west", 2021, 4)]


def test_a_new_row_without_a_named_key(db, reports):
    """It is refused, and nothing is stored; a part of the key may be NULL."""
    report = db.entity("report", primary_key=["total", "code"])
    report.insert(region="west", year=2021)
    with pytest.raises(SQLSoupError, match=r"'report\.total' wants a value"):
        db.commit()
    db.rollback()
    rows = [report.insert(region="west", year=2017 + total, total=total) for total in (4, 5)]
    db.commit()
    assert [(row.total, row.code) for row in rows] == [(4, None), (5, None)]
    assert report.filter(report.year > 2020, report.region == "west").all() == rows
    assert db.execute("SELECT code FROM report WHERE year = 2021 AND total = 4").all() == [(None,)]


def test_a_named_key_that_the_database_knows_in_part(db, engine):
    """One part takes its default, the other is NULL."""
    run(engine, "CREATE TABLE calls (day VARCHAR(9) DEFAULT 'mon', guest INTEGER, n INTEGER)")
    calls = db.entity("calls", primary_key=["day", "guest"])
    row = calls.insert(n=1)
    db.commit()
    assert (row.day, row.guest, row.n) == ("mon", None, 1)
    assert calls.one() is row


def test_an_error_costs_no_list_of_all_tables(db, reports, monkeypatch):
    """It is asked for where keys were named, one of which may be spelled in another way."""
    asked = []
    monkeypatch.setattr("sqlsoup._soup.table_names", lambda *args: asked.append(args) or ["report"])
    with pytest.raises(SQLSoupError, match="name columns that tell its rows apart"):
        db.entity("report")
    assert asked == []
    wrong = sqlsoup.SQLSoup(db.engine, primary_keys={"reports": ["code"]})
    with (
        pytest.raises(SQLSoupError, match="name columns that tell its rows apart"),
        pytest.warns(sqlsoup.SQLSoupWarning, match="there is no table or view 'reports'"),
    ):
        wrong.entity("report")
    assert len(asked) == 1


def test_reading_without_any_key(db, reports, statements):
    """After a failed access the table is in the MetaData: to be mapped, or selected from."""
    with pytest.raises(SQLSoupError):
        _ = db.report
    table = db._metadata.tables["report"]
    assert type(table) is sa.Table
    rows = db.execute(sa.select(table).order_by(table.c.code)).all()
    assert rows[0] == ("east", 2020, 5, "a")
    assert len(rows) == 3
    statements.clear()
    mapped = db.map(table, primary_key=["code"])
    assert statements == []
    assert [type(row) for row in mapped.all()] == [mapped] * 3
    assert db._cache == {}


def test_writing_to_a_view(db, reports):
    """A view that the database can write to is written to."""
    eastern = db.entity("eastern", primary_key=["year"])
    if db.engine.dialect.name == "sqlite":
        run(
            db.engine,
            "CREATE TRIGGER add_one INSTEAD OF INSERT ON eastern BEGIN INSERT INTO report"
            " VALUES (new.region, new.year, new.total, NULL); END",
        )
    else:
        eastern.get(2020).total = 50
        db.delete(eastern.get(2021))
    eastern.insert(region="east", year=2022, total=9)
    db.commit()
    expected = {"sqlite": [(2020, 5), (2021, 7), (2022, 9)]}
    rows = db.execute("SELECT year, total FROM report WHERE region = 'east' ORDER BY year").all()
    assert rows == expected.get(db.engine.dialect.name, [(2020, 50), (2022, 9)])


REFUSED = {
    "sqlite": (sa.exc.OperationalError, "cannot modify totals because it is a view"),
    "postgresql": (sa.exc.DBAPIError, 'cannot insert into view "totals"'),
    "mysql": (sa.exc.DBAPIError, "(1471, "),
}


def test_writing_to_a_view_that_is_not(db, reports):
    """What the database refuses to write is the database's error, and nothing is stored."""
    totals = db.entity("totals", primary_key=["region"])
    totals.insert(region="north", total=1)
    error, message = REFUSED[db.engine.dialect.name]
    with pytest.raises(error) as raised:
        db.commit()
    assert type(raised.value).__module__ == "sqlalchemy.exc"
    assert str(raised.value.orig).startswith(message)
    db.rollback()
    assert sorted(row.region for row in totals.all()) == ["east", "west"]


@pytest.mark.parametrize("way", ["insert", "update"])
def test_a_row_that_its_view_hides(db, reports, way):
    """It is stored where the condition of the view does not hold, and is no row of the view."""
    key = {"sqlite": "INTEGER", "postgresql": "SERIAL", "mysql": "INTEGER AUTO_INCREMENT"}
    run(
        db.engine,
        f"CREATE TABLE notes (id {key[db.engine.dialect.name]} PRIMARY KEY, a VARCHAR(9), n INT)",
        "CREATE VIEW open_notes AS SELECT id, a, n FROM notes WHERE n > 0",
        "INSERT INTO notes (id, a, n) VALUES (7, 'x', 1), (8, 'y', 1)",
    )
    if db.engine.dialect.name == "sqlite":
        run(
            db.engine,
            "CREATE TRIGGER i INSTEAD OF INSERT ON open_notes BEGIN "
            "INSERT INTO notes VALUES (new.id, new.a, new.n); END",
            "CREATE TRIGGER u INSTEAD OF UPDATE ON open_notes BEGIN "
            "UPDATE notes SET a = new.a, n = new.n WHERE id = old.id; END",
        )
    opened = db.entity("open_notes", primary_key=["id"])
    if way == "insert":
        rows = [opened.insert(id=9 + n, n=n, a="new") for n in (0, 1)]
    else:
        rows = opened.order_by(opened.id).all()
        rows[0].n, rows[0].a, rows[1].a = 0, "new", "new"
    db.flush()
    assert (rows[1].n, rows[1].a) == (1, "new")
    with pytest.raises(ObjectDeletedError):
        _ = rows[0].a
    db.commit()
    assert opened.get(rows[1].id) is rows[1]
    found = db.execute("SELECT n FROM notes WHERE a = 'new' ORDER BY n").scalars().all()
    assert found == [0, 1]


# other things that are found by name


def test_views_cost_what_tables_cost(db, reports, statements):
    """A view is reflected once, and mapped again at no cost."""
    totals = db.entity("totals", primary_key=["region"])
    assert len(statements) > 0
    statements.clear()
    assert db.totals is totals
    assert db.map_to("again", tablename="totals", mapper_args={"primary_key": "region"})
    assert statements == []


def test_computed_columns_of_a_view_in_sqlite(soup, lite, lite_reports):
    """SQLite tells no type of them, which is nothing to be warned of."""
    run(lite, "CREATE TABLE plain (a PRIMARY KEY, b)")
    assert str(soup.entity("totals", primary_key="region").c.total.type) == "NULL"
    assert soup.plain.all() == []


def test_missing_views_are_missing(db, reports):
    """A key for what is not there does not make it be there."""
    with pytest.raises(sqlsoup.NoSuchTableError) as raised:
        db.entity("total", primary_key=["region"])
    assert str(raised.value) == (
        "total: there is no table or view of this name; did you mean 'totals'?"
    )


@pytest.fixture
def postgresql(db):
    """A SQLSoup on the library where that is PostgreSQL."""
    if db.engine.dialect.name != "postgresql":
        pytest.skip("PostgreSQL alone")
    return db


def test_materialised_views(postgresql, reports):
    """A materialised view is found, listed and suggested, with its unique index as a key."""
    db = postgresql
    run(
        db.engine,
        "CREATE MATERIALIZED VIEW stored AS SELECT region, year, total FROM report",
        "CREATE UNIQUE INDEX by_region ON stored (region, year)",
    )
    try:
        assert "stored" in db
        assert "stored" in list(db)
        with pytest.raises(sqlsoup.NoSuchTableError, match="did you mean 'stored'"):
            _ = db.storde
        with pytest.raises(SQLSoupError) as raised:
            _ = db.stored
        assert call_in(str(raised.value)) == ("db.entity('stored', primary_key=['region', 'year'])")
        stored = db.entity("stored", primary_key=["region", "year"])
        assert stored.get(("east", 2021)).total == 7
        stored.insert(region="north", year=2020)
        with pytest.raises(sa.exc.DBAPIError) as refused:
            db.commit()
        assert str(refused.value.orig).startswith('cannot change materialized view "stored"')
    finally:
        db.rollback()
        run(db.engine, "DROP MATERIALIZED VIEW stored")


def test_foreign_tables(postgresql, reports):
    """A foreign table is found and listed, and written to if its server is."""
    db = postgresql
    with db.engine.connect() as connection:
        there = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_available_extensions WHERE name = 'file_fdw'"
        ).scalar()
    if not there:
        pytest.skip("the server does not have file_fdw")
    run(
        db.engine,
        "CREATE EXTENSION file_fdw",
        "CREATE SERVER files FOREIGN DATA WRAPPER file_fdw",
        "CREATE FOREIGN TABLE lines (line TEXT) SERVER files"
        " OPTIONS (program 'echo one; echo two')",
    )
    try:
        assert "lines" in db
        assert "lines" in list(db)
        lines = db.entity("lines", primary_key=["line"])
        assert type(lines) is TableClassType
        assert sorted(row.line for row in lines.all()) == ["one", "two"]
        lines.insert(line="three")
        with pytest.raises(sa.exc.DBAPIError) as refused:
            db.commit()
        assert str(refused.value.orig).startswith('cannot insert into foreign table "lines"')
    finally:
        db.rollback()
        run(db.engine, "DROP EXTENSION file_fdw CASCADE")


def test_partitioned_tables(postgresql):
    """A partitioned table is found by name, and so are its partitions."""
    db = postgresql
    run(
        db.engine,
        "CREATE TABLE events (year INTEGER, note TEXT) PARTITION BY RANGE (year)",
        "CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM (2020) TO (2021)",
        "INSERT INTO events VALUES (2020, 'x')",
    )
    try:
        assert {"events", "events_2020"} <= {*db}
        for name in ("events", "events_2020"):
            assert [row.note for row in db.entity(name, primary_key="year").all()] == ["x"]
    finally:
        db.rollback()
        run(db.engine, "DROP TABLE events")


def test_looking_through_attributes(soup):
    """A table without a key is no attribute to getattr(), inspect and plain Python's completion."""
    assert getattr(soup, "visits", None) is None
    assert not hasattr(soup, "visits")
    names = dict(inspect.getmembers(soup))
    assert names["users"] is soup.users
    assert "visits" not in names
    matches = rlcompleter.Completer({"db": soup}).attr_matches("db.")
    assert {"db.users", "db.books"} <= {match.partition("(")[0] for match in matches}


def test_the_error_travels_between_processes(soup):
    """It can be pickled, and comes back as SQLSoupError."""
    with pytest.raises(SQLSoupError) as raised:
        _ = soup.visits
    copied = pickle.loads(pickle.dumps(raised.value))
    assert type(copied) is SQLSoupError
    assert str(copied) == str(raised.value)
