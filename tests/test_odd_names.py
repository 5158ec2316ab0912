"""Tables and columns of any name, and types that SQLAlchemy does not know.

``SQLSOUP_TEST_EXAMPLES`` sets how many tables with made-up names are tried on each database.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import run
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute

import sqlsoup

os.environ.setdefault(
    "HYPOTHESIS_STORAGE_DIRECTORY", str(Path(tempfile.gettempdir(), "hypothesis"))
)
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

SPELLINGS = [
    *("order items", "two  spaces", " lead", "trail ", "it's", 'say "hi"', "back`tick", "a.b"),
    *("MixedCase", "UPPER", "select", "order", "user", "table", "group", "1st", "2", "_leading"),
    *("__two", "größe", "naïve", "nai\u0308ve", "日本", "emoji🍲", "100%", "%s", "%(x)s", "a:b"),
    *(":x", "f(x)", "(", "[x]", "x]y", "back\\slash", "end\\", "$x", "a$", "#h", "what?", "?"),
    *("a,b", "a;b", "a/b", "a-b", "a=b", "@at", "a&b", "{x}", "%%", "x'y\"z`w"),
]
MEANINGS = [
    *("c", "_table", "_query", "self", "cls", "key", "keys", "items", "values", "metadata"),
    *("registry", "insert", "relate", "session", "get", "delete", "filter", "count", "all"),
    *("query", "columns", "class", "None", "_sa_x", "update", "name", "mro", "type", "def"),
    *("info", "primary_key", "row", "schema", "entity", "engine", "bind", "join", "map", "commit"),
]
REFUSED = {"mysql": {"trail ": 1166, "emoji🍲": 1300}}
"""Names that a database does not take, and its error for such a column."""


OLD = not hasattr(sa.ForeignKey, "target_tokens")  # SQLAlchemy 2.0
PERCENT = sa.select(sa.column("%(x)s")).where(sa.column("x") == 1)
TAKEN_FOR_PARAMETERS = (
    set() if "%(x)s" in str(PERCENT.compile(dialect=sqlite.dialect())) else {"%(x)s"}
)
"""What early releases of SQLAlchemy replace by a parameter of SQLite wherever it stands."""


def accepted(engine):
    """All odd names that the database takes."""
    refused = {*REFUSED.get(engine.dialect.name, {})}
    if engine.dialect.name == "sqlite":
        refused |= TAKEN_FOR_PARAMETERS
    return [name for name in [*SPELLINGS, *MEANINGS] if name not in refused]


@pytest.fixture
def metadata(engine):
    """A MetaData whose tables the test makes; they are dropped afterwards."""
    metadata = sa.MetaData()
    yield metadata
    sqlsoup.Session.remove()
    metadata.drop_all(engine)


@pytest.fixture
def wide(engine, metadata):
    """A table with a column of each odd name."""
    columns = [sa.Column(name, sa.String(20)) for name in accepted(engine)]
    table = sa.Table("wide", metadata, sa.Column("id", sa.Integer, primary_key=True), *columns)
    table.create(engine)
    return table


def values_of(table, prefix="of "):
    """A value for each column but the key."""
    return {name: f"{prefix}{name}"[:20] for name in table.columns.keys()[1:]}


def stored(engine, table):
    """The rows of a table as Core finds them, as dicts in the order of the columns."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(table).order_by(*table.primary_key))
        return [dict(zip(table.c.keys(), row, strict=True)) for row in rows]


def test_every_column_is_written_and_read(engine, db, wide):
    """Columns of any name are given to the class, read from a row, shown by repr and as_dict()."""
    cls, values = db.wide, {"id": 1, **values_of(wide)}
    assert type(cls) is sqlsoup.TableClassType
    row = cls(**values)
    db.commit()
    assert stored(engine, wide) == [values]
    db.session.expire_all()
    assert type(row) is cls
    assert {name: getattr(row, name) for name in values} == values
    assert list(sqlsoup.as_dict(row).items()) == list(values.items())
    assert repr(row) == f"MappedWide({','.join(f'{k}={v!r}' for k, v in values.items())})"
    assert {*values} <= {*dir(row)} & {*dir(cls)}
    assert sa.inspect(cls).columns.keys() == wide.c.keys()
    assert [line.split("  ")[0] for line in cls.__doc__.splitlines()[2:4]] == ["id", "order items"]


def test_every_column_is_changed(engine, db, wide):
    """An assignment to an attribute of any name is stored."""
    row = db.wide(id=1)
    db.commit()
    changed = values_of(wide, "new ")
    for name, value in changed.items():
        setattr(row, name, value)
    db.commit()
    assert stored(engine, wide) == [{"id": 1, **changed}]


def test_every_column_is_filtered_by(db, wide):
    """A column of any name stands in a condition, an order, filter_by() and a bulk update."""
    cls, values = db.wide, values_of(wide)
    row = cls(id=1, **values)
    cls(id=2)
    db.flush()
    query = db.session.query(cls)
    assert query.filter(*(getattr(cls, name) == value for name, value in values.items())).all() == [
        row
    ]
    for name, value in values.items():
        column = getattr(cls, name)
        found = query.filter(column == value, column.in_([value, "x"]), column.like("%o%"))
        assert found.order_by(column.desc()).all() == [row], name
        by_keyword = {"id": 1} if name == "self" else {name: value}
        assert query.filter_by(**by_keyword).all() == [row], name
        assert type(cls).filter_by(cls, **by_keyword).all() == [row], name
    assert query.update({getattr(cls, name): "u" for name in values}) == 2
    assert {*sqlsoup.as_dict(row).values()} == {1, "u"}


def test_filter_by_has_a_self(db, wide):
    """The one keyword that ``Query.filter_by()`` cannot take is ``self``; filter() does it."""
    with pytest.raises(TypeError, match="multiple values for argument 'self'"):
        db.session.query(db.wide).filter_by(self="x")
    assert db.session.query(db.wide).filter(db.wide.self == "x").count() == 0


def test_columns_of_similar_names(engine, db, metadata):
    """Names that differ in a space, a dot or a colon alone are different columns."""
    if OLD:
        pytest.skip("SQLAlchemy 2.0, Core included, gives all of them the value of one")
    names = ["a b", "a_b", "a.b", "a]b", "c:d", "cCd"]
    columns = [sa.Column(name, sa.String(20)) for name in names]
    table = sa.Table("alike", metadata, sa.Column("id", sa.Integer, primary_key=True), *columns)
    table.create(engine)
    row = db.alike(**values_of(table))
    db.commit()
    assert stored(engine, table) == [{"id": 1, **values_of(table)}]
    for name, value in values_of(table, "new ").items():
        setattr(row, name, value)
    db.commit()
    assert stored(engine, table) == [{"id": 1, **values_of(table, "new ")}]


def test_insert_takes_every_column(engine, db, metadata):
    """``insert()`` takes all of these names but its own, which hides it."""
    columns = [sa.Column(name, sa.String(20)) for name in accepted(engine) if name != "insert"]
    table = sa.Table("narrow", metadata, sa.Column("id", sa.Integer, primary_key=True), *columns)
    table.create(engine)
    values = values_of(table)
    row = db.narrow.insert(**values)
    assert type(row) is db.narrow
    db.commit()
    assert row.id == 1
    assert stored(engine, table) == [{"id": 1, **values}]


def test_a_column_hides_a_method(db, wide):
    """A column named like a method hides it; call the class, or the method of its type."""
    cls, plain = db.wide, db.users
    for name in ("insert", "get", "filter", "count", "_query", "_table", "c", "session"):
        assert type(getattr(cls, name)) is InstrumentedAttribute, name
    row = cls(id=7, insert="in")
    db.flush()
    assert db.session.get(cls, 7) is row
    assert db.session.query(cls).filter(cls.insert == "in").one() is row
    assert type(type(cls).insert(cls, id=8)) is cls
    type(cls).relate(cls, "reader", plain, primaryjoin=cls.all == plain.name, foreign_keys=cls.all)
    row.reader = plain.get("Bo")
    db.flush()
    assert row.all == "Bo"
    assert type(cls).delete(cls, cls.id == 8) == 1


RELATED = [
    *("order items", " lead", "it's", 'say "hi"', "back`tick", "a.b", "MixedCase", "select", "2"),
    *("_leading", "__two", "größe", "nai\u0308ve", "emoji🍲", "%(x)s", "a:b", "f(x)", "[x]", "$x"),
    *("back\\slash", "what?", "a,b", "_table", "_query", "c", "self", "all", "metadata"),
]


def related_names(engine):
    """Names of tables and columns between which SQLAlchemy reads a foreign key."""
    return [name for name in RELATED if name in accepted(engine) and relatable(engine, name)]


def relatable(engine, name):
    """Tell if SQLAlchemy reads a foreign key between tables and columns of this name."""
    return "." not in name or not OLD


def make_pairs(engine, metadata, names):
    """Make a table of each name with a column of that name, and another that refers to it."""
    for name in names:
        sa.Table(name, metadata, sa.Column(name, sa.Integer, primary_key=True, autoincrement=False))
        key = sa.ForeignKey(metadata.tables[name].c[name])
        number = sa.Column("id", sa.Integer, primary_key=True, autoincrement=False)
        sa.Table(f"{name} kid", metadata, number, sa.Column(f"{name}_id", sa.Integer, key))
    metadata.create_all(engine, checkfirst=False)
    with engine.begin() as connection:
        for name in names:
            connection.execute(metadata.tables[name].insert(), {name: 1})
            connection.execute(metadata.tables[f"{name} kid"].insert(), {"id": 5, f"{name}_id": 1})


def test_every_table_is_found(engine, db, metadata):
    """``db[...]`` and entity() find a table of any name, ``in`` and the listing tell of it."""
    for name in accepted(engine):
        sa.Table(name, metadata, sa.Column(name, sa.Integer, primary_key=True))
    metadata.create_all(engine, checkfirst=False)
    listed = list(db)
    for name in accepted(engine):
        cls = db[name]
        assert type(cls) is sqlsoup.TableClassType
        assert cls.__name__ == "Mapped" + name.capitalize()
        assert db.entity(name) is cls
        assert name in db, name
        assert name in listed, name
        cls(**{name: 5})
        assert sqlsoup.as_dicts(db.session.query(cls)) == [{name: 5}]
        assert sa.inspect(db.with_labels(cls)).columns.keys() == [f"{name}_{name}"]
        del db[name]
        assert db[name] is not cls


def test_tables_are_joined_and_related(engine, db, metadata):
    """Foreign keys between such tables serve join(), with_labels() and relate()."""
    names = related_names(engine)
    make_pairs(engine, metadata, names)
    for name in names:
        parent, kid = db[name], db[f"{name} kid"]
        joined = db.join(parent, kid)
        assert sqlsoup.as_dicts(joined) == [{name: 1, "id": 5, f"{name}_id": 1}]
        labelled = db.with_labels(joined)
        columns = [f"{name}_{name}", f"{name} kid_id", f"{name} kid_{name}_id"]
        assert sa.inspect(labelled).columns.keys() == columns
        if name[0] != " " or engine.dialect.name != "mysql":  # which strips spaces from a label
            assert sqlsoup.as_dicts(labelled) == [dict(zip(columns, (1, 5, 1), strict=True))]
        kid.relate("its parent", parent, backref="its kids")
        row, other = db.session.get(kid, 5), db.session.get(parent, 1)
        assert type(row) is kid
        assert getattr(row, "its parent") is other
        assert getattr(other, "its kids") == [row]


def test_relationships_of_their_own(engine, metadata):
    """With ``relationships=True`` they have the names of tables and columns.

    Underscores and spaces in front are left out, and commas, which SQLAlchemy would take for the
    end of a name.  A name that is taken, by a column or a method, is made another.
    """
    names = related_names(engine)
    make_pairs(engine, metadata, names)
    db = sqlsoup.SQLSoup(engine, relationships=True)
    cut = {" lead": "lead", "a,b": "a b", "_leading": "leading", "__two": "two"}
    cut.update({"_table": "table", "_query": "query"})
    for name in names:
        parent, kid = db[name], db[f"{name} kid"]
        plain = cut.get(name, name)
        (up,), (down,) = db._implied.names(kid), db._implied.names(parent)
        if plain not in MEANINGS:
            assert up == plain, name
        assert down == f"{name} kid".replace(",", " ").lstrip("_ ")
        row, other = db.session.get(kid, 5), db.session.get(parent, 1)
        assert getattr(row, up) is other, name
        assert getattr(other, down) == [row], name


def test_a_dot_in_a_foreign_key(engine, db, metadata):
    """SQLAlchemy 2.0 writes what a foreign key refers to as a string with dots.

    There a table or column whose own name has one cannot be its target.  The tables are mapped and
    written all the same, and a relationship takes its condition in words.
    """
    make_pairs(engine, metadata, ["a.b"])
    parent, kid = db["a.b"], db["a.b kid"]
    parent(**{"a.b": 2})
    db.flush()
    row = kid(**{"id": 6, "a.b_id": 2})
    db.commit()
    assert "Refers to:" in kid.__doc__
    condition = getattr(kid, "a.b_id") == getattr(parent, "a.b")
    options = {"primaryjoin": condition, "foreign_keys": getattr(kid, "a.b_id")}
    kid.relate("parent", parent, **options)
    assert row.parent is db.session.get(parent, 2)
    implied = sqlsoup.SQLSoup(engine, relationships=True)
    row = implied.session.get(implied["a.b kid"], 6)
    if relatable(engine, "a.b"):
        assert getattr(row, "a.b") is implied.session.get(implied["a.b"], 2)
    else:
        with pytest.raises(AttributeError, match="there is no table or view of this name"):
            getattr(row, "a.b")


UNQUOTED = {
    "mysql": "delete_domain_id master_demote_to_replica master_demote_to_slave portion value",
    "postgresql": "collation concurrently lateral tablesample",
    "sqlite": "nothing returning",
}


def test_words_that_sqlalchemy_does_not_quote(engine):
    """SQLSoup has it quote tables and columns that are named by them."""
    quote = engine.dialect.identifier_preparer.quote_identifier
    words = UNQUOTED[engine.dialect.name].split()
    for word in words:
        name = quote(word)
        run(
            engine,
            f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, {name} VARCHAR(9) UNIQUE)",
            f"CREATE TABLE {quote('of ' + word)} (id INTEGER PRIMARY KEY, {name} VARCHAR(9),"
            f" FOREIGN KEY ({name}) REFERENCES {name} ({name}))",
        )
    db = sqlsoup.SQLSoup(engine, relationships=True)
    for word in words:
        cls, kids = db[word], db[f"of {word}"]
        row, kid = cls.insert(id=1, **{word: "a"}), kids.insert(id=1)
        db.flush()
        setattr(row, word, "b")
        db.flush()
        setattr(kid, word, "b")
        db.commit()
        labelled = db.with_labels(db.join(cls, kids))
        assert [getattr(found, f"{word}_{word}") for found in labelled.all()] == ["b"]
        assert sqlsoup.upsert(cls, [{"id": 1, word: "b"}, {"id": 2, word: "c"}], word) == 2
        assert sqlsoup.insert_many(cls, [{"id": 3, word: "d"}]) == 1
        assert cls.filter(getattr(cls, word) > "b").delete() == 2
        assert cls.filter_by(**{word: "b"}).all() == [row]
    other = sqlsoup.SQLSoup(engine)
    assert len(sqlsoup.reflect(other)) >= 2 * len(words)
    assert other[words[0]].count() == 1
    sqlsoup.Session.remove()


def test_names_that_a_database_refuses(engine, db):
    """A name that the database takes for no table is not there, which is no other error."""
    refused = REFUSED.get(engine.dialect.name, {})
    for name, code in refused.items():
        table = sa.Table("refused", sa.MetaData(), sa.Column(name, sa.Integer))
        with pytest.raises(DBAPIError) as caught:
            table.create(engine)
        assert caught.value.orig.args[0] == code
    for name in ["trail ", "emoji🍲", "x" * 300]:
        assert name not in db
        with pytest.raises(sqlsoup.NoSuchTableError) as missing:
            _ = db[name]
        assert missing.value.args == (f"{name}: there is no table or view of this name",)


def test_a_column_gets_another_attribute(engine, db, metadata):
    """A listener to ``column_reflect`` gives a column another attribute, by its key."""
    number = sa.Column("id", sa.Integer, primary_key=True)
    table = sa.Table("notes", metadata, number, sa.Column("__doc__", sa.String(9)))
    table.create(engine)

    @sa.event.listens_for(db._metadata, "column_reflect")
    def rename(inspector, table, column):
        column["key"] = column["name"].strip("_")

    row = db.notes.insert(doc="text")
    db.commit()
    assert repr(row) == "MappedNotes(id=1,doc='text')"
    assert stored(engine, table) == [{"id": 1, "__doc__": "text"}]


ODD = " .'\"`%:()[]{}\\$#?,;/-+=@&*<>|~^!_"
INTERNAL = ("__", "_sa_", "_sqlsoup")


def names(database):
    """Strings that may be names of tables and columns."""
    widest = 0xFFFF if database == "mysql" else 0x10FFFF
    letters = st.sampled_from(ODD + "abcxyzABCXYZ019") | st.characters(
        exclude_categories=["Cc", "Cs"], max_codepoint=widest
    )
    texts = st.text(letters, min_size=1, max_size=15) | st.sampled_from(SPELLINGS + MEANINGS)
    return texts.filter(lambda name: not name.startswith(INTERNAL))


@st.composite
def tables(draw, database):
    """A table: its name, those of its columns with their types, and rows."""
    alike = str.maketrans("%():.[] ", "PAZC____") if OLD else {}  # see the test of similar names
    different = {"unique_by": lambda name: name.translate(alike).casefold()}
    columns = draw(st.lists(names(database), min_size=2, max_size=5, **different))
    texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
    numbers = st.integers(-(2**63), 2**63 - 1)
    kinds = [draw(st.sampled_from([sa.Text, sa.BigInteger])) for _ in columns[1:]]
    a_row = st.tuples(*(st.none() | (texts if k is sa.Text else numbers) for k in kinds))
    rows = draw(st.lists(st.tuples(a_row, a_row), min_size=1, max_size=3))
    return draw(names(database)), columns, kinds, rows


def check(engine, name, columns, kinds, rows):
    """Write, read, filter and change rows through SQLSoup, and compare with what Core finds."""
    key, *others = columns
    table = sa.Table(
        name,
        sa.MetaData(),
        sa.Column(key, sa.Integer, primary_key=True, autoincrement=False),
        *map(sa.Column, others, kinds),
    )
    try:
        table.create(engine)
    except DBAPIError:
        assume(False)  # such a name is not for this database, or there is a table of it
    try:
        db = sqlsoup.SQLSoup(engine)
        cls = db[name]
        before = [dict(zip(columns, (n, *row), strict=True)) for n, (row, _) in enumerate(rows)]
        after = [dict(zip(columns, (n, *row), strict=True)) for n, (_, row) in enumerate(rows)]
        made = [cls(**values) for values in before]
        db.commit()
        assert stored(engine, table) == before
        query = db.session.query(cls).order_by(getattr(cls, key))
        assert sqlsoup.as_dicts(query) == before
        assert query.all() == made
        for column, value in before[0].items():
            with engine.connect() as connection:
                where = sa.select(table.c[key]).where(table.c[column] == value)
                expected = [*connection.execute(where.order_by(table.c[key])).scalars()]
            found = query.filter(getattr(cls, column) == value)
            assert [getattr(row, key) for row in found] == expected
            if column != "self":
                assert query.filter_by(**{column: value}).all() == found.all()
        for row, values in zip(made, after, strict=True):
            for column, value in values.items():
                setattr(row, column, value)
        db.commit()
        assert stored(engine, table) == after
    finally:
        sqlsoup.Session.remove()
        table.drop(engine)


def test_any_name_and_value(engine):
    """Whatever its names and values, a table holds through SQLSoup what it holds through Core."""
    database = engine.dialect.name

    number = int(os.environ.get("SQLSOUP_TEST_EXAMPLES", "25"))
    checked = []

    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(tables(database))
    def examples(example):
        check(engine, *example)
        checked.append(example)

    examples()
    assert len(checked) >= number


def test_sqlite_takes_any_type(lite):
    """SQLite knows no unknown types; a column without a type holds whatever was stored."""
    with lite.begin() as connection:
        for statement in (
            "CREATE TABLE loose (id INTEGER PRIMARY KEY, a, b FROBNICATE, c STRANGE(3), d MYBLOB)",
            "INSERT INTO loose VALUES (1, 'x', 2, 3, x'00'), (2, 2.5, NULL, 4, 'y')",
            "CREATE VIEW summary AS SELECT count(*) AS n, 'x' AS a FROM loose",
        ):
            connection.exec_driver_sql(statement)
    db = sqlsoup.SQLSoup(lite, primary_keys={"summary": ["n"]})
    rows = sqlsoup.as_dicts(db.loose)
    assert [(type(row["a"]), type(row["d"])) for row in rows] == [(str, bytes), (float, str)]
    db.loose.get(1).b = 5
    db.commit()
    assert db.loose.get(1).b == 5
    assert sqlsoup.as_dicts(db.summary) == [{"n": 2, "a": "x"}]
