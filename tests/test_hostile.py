"""Hostile names and values stay names and values, whatever they would be as SQL.

Each is compared with a harmless one: the statements must be the same but for what is quoted in
them, and the tables of the library must stay as they are.  ``SQLSOUP_TEST_EXAMPLES`` sets how many
made-up strings are tried on each database, besides those of the list.
"""

from __future__ import annotations

import ast
import os
import re
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import library, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import ArgumentError, CompileError, DBAPIError, IdentifierError
from test_odd_names import OLD, relatable

import sqlsoup
from sqlsoup import _sqlite_facts

DROP = "; DROP TABLE users; --"
ENDS = ["'", '"', "`", "]", "')", '")', "`)", "''", '""', "``", "\\'", '\\"', "\\`", "\\\\'", ""]
STRINGS = [
    *(end + DROP for end in ENDS),
    *("users; DELETE FROM users", "users\nDROP TABLE users", "\n" + DROP, "*/" + DROP, "$$" + DROP),
    # conditions and queries
    *("' OR '1'='1", '" OR "1"="1', "` OR `1`=`1", "' OR 1=1 --", '" OR 1=1 --', "` OR 1=1 #"),
    *("') OR ('1'='1", "' OR 1=1 /*", "1 OR 1=1", "'='", "' AND 1=0 --", "' || '1'='1"),
    *("' UNION SELECT name FROM users --", '" UNION SELECT 1 --', "users UNION SELECT 1"),
    *("(SELECT name FROM users)", "users WHERE 1=1", "users, books", "users JOIN books", "a AS b"),
    # comments
    *("--", "-- x", "/*", "*/", "/**/", "#", "users--", "users/*", "/*!50000 DROP TABLE users */"),
    # functions
    *("'||pg_sleep(9)||'", "'; SELECT pg_sleep(9); --", "' AND SLEEP(9) --", "benchmark(9e9,1)"),
    *("randomblob(1e9)", "load_extension('x')", "'; ATTACH DATABASE 'x' AS y; --", "@@version"),
    *("lo_import('/etc/passwd')", "LOAD_FILE('/etc/passwd')", "'; COPY users TO PROGRAM 'id'; --"),
    # quotes, and what may become one
    *("'", '"', "`", "''", '""', "``", "'\"`", "[users]", "]", "E'\\''", "N'x'"),
    *("\\", "\\\\", "end\\", "\\x27", "\\u0027", "x'27'", 'U&"\\0027"', "CHAR(39)", "%27"),
    *("\u02bc OR 1=1 --", "\u2019 OR 1=1 --", "\u201cusers\u201d", "\uff07" + DROP, "\u00bf'"),
    *("users\u00a0", "users\u200b", "\ufeffusers", "u\u202esers", "\x7f", "users\x85"),
    # parameters and formats
    *("%", "%%", "%s", "%%s", "%(x)s", "%(name_1)s", "100%", ":x", ":name_1", "::text", "\\:x"),
    *("?", "??", "@p1", "{}", "{name}", "{0.__class__}", "${jndi:ldap://x}", "{{7*7}}", "$(id)"),
    # control characters, markup and paths
    *("\t", "a\tb", "\r\n", "\x01", "\x08", "\x1a", "\x1b[31m", "<script>alert(1)</script>", "|"),
    *("../../etc/passwd", "..\\users", "users.name", "other.users'" + DROP, "&", "~", "!"),
]
MOST = [*STRINGS[:30], *STRINGS[30::2]]
SOME = [name for name in [*MOST[:15], *MOST[15::7]] if not re.fullmatch(r"[\w.]+", name)]
"""Those for what takes longer, and for what takes long."""

REFUSED = [
    *("\0", "users\0", "users\0" + DROP, "\ud800", "users\udc27", "\ud83d" + DROP, "x" * 65),
    *("n" * 300, "'" * 300, '"' * 300, "`" * 300, "\\" * 300, "users" + " " * 300, "\u00fc" * 300),
    *(".", "..", "users.", ".users", "'.'", '"."', DROP + "." + DROP, "x" * 300 + ".users"),
]
"""What is only asked for: most databases take none of these for a name."""

LITERALS = {
    "sqlite": r"""
        "(?:[^"]|"")*" | '(?:[^']|'')*'
    """,
    "postgresql": r"""
        "(?:[^"]|"")*" | '(?:[^']|'')*' | %\([^)]*\)s
    """,
    "mysql": r"""
        `(?:[^`]|``)*` | '(?:[^'\\]|''|\\.)*' | "(?:[^"\\]|""|\\.)*" | %\([^)]*\)s
    """,
}
"""Where names, values and parameters begin and end for each database."""


class Watch:
    """What the test's engine is sent, and what the library holds."""

    def __init__(self, engine, statements):
        self.engine = engine
        self.statements = statements
        self.before = self.state()

    def state(self, tables=tuple(library.sorted_tables)):
        """The names of all tables, and the rows of some."""
        with self.engine.connect() as connection:
            rows = {
                table.name: [*connection.execute(sa.select(table).order_by(*table.c))]
                for table in tables
            }
            return {*sa.inspect(connection).get_table_names()}, rows

    def assert_whole(self):
        """Nothing of the library has changed, and there is no table more or less."""
        assert self.state() == self.before

    def assert_there(self):
        """The users, whom so many strings would drop, are there, and no table is more or less."""
        tables, rows = self.before
        assert self.state([library.tables["users"]]) == (tables, {"users": rows["users"]})

    def shape(self, call):
        """The statements that a call sends, without what is quoted in them."""
        self.statements.clear()
        call()
        literal = re.compile(LITERALS[self.engine.dialect.name], re.VERBOSE | re.DOTALL)
        shapes = [literal.sub(lambda found: found[0][0], each) for each in self.statements]
        for shape in shapes:  # one statement each, with no comment
            assert not re.search(r";|--|/\*|#|\\", shape), shape
        return shapes

    def usual(self, call):
        """The same, when SQLAlchemy has asked what it asks once."""
        call()
        shape = self.shape(call)
        assert len(shape) > 15
        return shape


def do_not_wait(connection, _record):
    """Have SQLite leave the writing to the system."""
    for _, name, _ in connection.execute("PRAGMA database_list").fetchall():
        quoted = name.replace('"', '""')
        connection.execute(f'PRAGMA "{quoted}".synchronous = OFF').close()


@pytest.fixture
def watch(engine, statements):
    """What the engine is sent from now on, and the library as it is now."""
    if engine.dialect.name == "sqlite":  # whose many commits would each wait for the disk
        sa.event.listen(engine, "connect", do_not_wait)
        engine.dispose()
    watch = Watch(engine, statements)
    yield watch
    sqlsoup.Session.remove()
    watch.assert_whole()


def tell(capsys, engine, tried, text):
    """Show how much was tried, also where output is captured."""
    with capsys.disabled():
        print(f"\n{engine.dialect.name}: {tried} {text}")


# names of what is not there


UNSENDABLE = re.compile("[\0\ud800-\udfff]")
"""What no driver sends to every database, but raises a ValueError."""


def raises_missing(use):
    """A function that looks for what is not there."""

    def call(db, name):
        with pytest.raises((sqlsoup.NoSuchTableError, ValueError)) as raised:
            use(db, name)
        if isinstance(raised.value, sqlsoup.NoSuchTableError):
            assert name in str(raised.value)
        else:
            assert UNSENDABLE.search(name)
        assert db._cache == {}
        assert not db._metadata.tables

    return call


def is_not_in(db, name):
    """Ask if there is a table."""
    assert (name in db) is False
    assert (f"{name}.users" in db) is False


def in_the_schema(db, name):
    """Ask for a table of the schema that is set."""
    db.schema = name
    return db.users


ASK = {
    "in": is_not_in,
    "item": raises_missing(lambda db, name: db[name]),
    "attribute": raises_missing(getattr),
    "entity": raises_missing(lambda db, name: db.entity(name)),
    "map_to": raises_missing(lambda db, name: db.map_to("x", tablename=name)),
    "schema of an item": raises_missing(lambda db, name: db[f"{name}.users"]),
    "schema of entity": raises_missing(lambda db, name: db.entity("users", schema=name)),
    "schema": raises_missing(in_the_schema),
}


OFTEN = {"in", "item", "schema of entity"}
"""The ways in which all names are asked for; some are in the others."""


def alike(name):
    """Harmless names with as many dots: one that may be, one too long, and one that may not be."""
    words = "no table", "no table" * 40, "no\0table"
    return [re.sub(r"[^.]+", word, name) for word in words]


def ask(watch, name, known, ways=ASK):
    """Ask for a table or schema of a name in some ways, and compare the statements."""
    for way in ways:
        use = ASK[way]
        for other in alike(name):
            if (way, other) not in known:
                db = sqlsoup.SQLSoup(watch.engine)
                known[way, other] = watch.shape(lambda use=use, db=db, o=other: use(db, o))
        db = sqlsoup.SQLSoup(watch.engine)
        shape = watch.shape(lambda use=use, db=db: use(db, name))
        expected = [known[way, other] for other in alike(name)]
        assert {*shape} <= {*chain(*expected)}, (way, name)
        assert len(shape) <= max(map(len, expected)), (way, name)
    watch.assert_there()


def test_names_of_nothing(watch, capsys):
    """A hostile name that no table or schema has is missing, and costs what a harmless one does."""
    known = {}
    names = [*STRINGS, *REFUSED]
    for name in names:
        ask(watch, name, known, OFTEN)
    for name in [*SOME, *REFUSED]:
        ask(watch, name, known, ASK.keys() - OFTEN)
    tried = len(names) * len(OFTEN) + (len(SOME) + len(REFUSED)) * (len(ASK) - len(OFTEN))
    assert len(names) == len({*names}) > 140
    tell(capsys, watch.engine, tried, "hostile names of nothing asked for")


def test_a_name_of_a_megabyte(watch):
    """A name as long as a request can be is missing like any other, with as many statements."""
    word = "n'\"`\\%"
    for way in ("in", "item"):
        use = ASK[way]
        shapes = []
        for size in (50, 200_000):
            db = sqlsoup.SQLSoup(watch.engine)
            shapes.append(watch.shape(lambda use=use, db=db, size=size: use(db, word * size)))
        assert len(shapes[1]) <= len(shapes[0]), way


def test_a_name_of_many_dots(watch):
    """However many dots a name has, only a few are tried as the one after a schema."""
    shapes = [
        watch.shape(lambda dots=dots: ASK["in"](sqlsoup.SQLSoup(watch.engine), "a." * dots + "a"))
        for dots in (20, 100_000)
    ]
    assert max(map(len, shapes)) < 50


# names that tables have


@contextmanager
def made(engine, *tables):
    """Have tables in the database for a while; tell which it takes."""
    taken = []
    try:
        for table in tables:
            table.create(engine)
            taken.append(table)
        yield True
    except (DBAPIError, IdentifierError):
        if len(taken) == len(tables):  # it is none of those that make the tables
            raise
        yield False
    finally:
        sqlsoup.Session.remove()
        for table in reversed(taken):
            table.drop(engine)


def table_of(name, schema=None):
    """A table whose name is that of its column, too."""
    key = sa.Column("id", sa.Integer, primary_key=True, autoincrement=False)
    return sa.Table(name, sa.MetaData(), key, sa.Column(name, sa.String(80)), schema=schema)


def stored(engine, table):
    """The rows of a table as Core finds them."""
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(sa.select(table))]


def use_table(engine, table, name):
    """Do all that is done with a table and its columns; every answer is the right one."""
    db = sqlsoup.SQLSoup(engine)
    cls = db.entity(name)
    assert (cls._table.name, cls.c.keys()) == (name, ["id", name])
    assert db[name] is cls
    assert name in db
    assert name in list(db)
    assert cls.__doc__.startswith(f"Table {name}\n")
    row, other = cls.insert(**{"id": 1, name: name}), cls(**{"id": 2, name: "other"})
    db.commit()
    assert stored(engine, table) == [{"id": 1, name: name}, {"id": 2, name: "other"}]
    column = getattr(cls, name)
    assert cls.filter_by(**{name: name}).all() == [row]
    assert cls.filter(column == name).order_by(column.desc()).all() == [row]
    assert cls.filter(column.contains(name, autoescape=True)).all() == [row]
    assert sqlsoup.as_dicts(cls.order_by(cls.id)) == [
        {"id": 1, name: name},
        {"id": 2, name: "other"},
    ]
    selected = sa.select(column.label(name)).where(cls.id == 1)
    assert [row._mapping[name] for row in db.execute(selected)] == [name]
    labelled = db.with_labels(cls)
    assert labelled.c.keys() == [f"{name}_id", f"{name}_{name}"]
    setattr(row, name, "changed")
    db.commit()
    assert cls.filter(cls.id == 2).update({column: name}) == 1
    assert cls.delete(column == "changed") == 1
    db.commit()
    assert stored(engine, table) == [{"id": 2, name: name}]
    assert other in db.session
    db.delete(other)
    db.commit()
    assert stored(engine, table) == []


def is_usable(engine, name):
    """Tell if SQLAlchemy reads a table of this name, and leaves the name as it is in a statement.

    For MariaDB it reads the definition of a table by lines; for SQLite it looks for its parameters
    in the whole of a statement.
    """
    return {"mysql": "\n", "sqlite": "%("}.get(engine.dialect.name, "\0") not in name


def is_relatable(engine, name):
    """Tell if SQLAlchemy reads a foreign key of such tables, and the name can be an attribute."""
    if OLD and engine.dialect.name == "sqlite" and '"' in name:
        return False
    return is_usable(engine, name) and relatable(engine, name) and name.isprintable()


def test_names_of_tables_and_columns(watch, capsys):
    """A table of a hostile name, with a column of that name, is used like one of a harmless name.

    The statements are the same, but for what is quoted in them.
    """
    engine, plain = watch.engine, table_of("plain name")
    with made(engine, plain):
        expected = watch.usual(lambda: use_table(engine, plain, "plain name"))
    tried = 0
    for name in MOST:
        if not is_usable(engine, name):
            continue
        table = table_of(name)
        with made(engine, table) as taken:
            if taken:
                shape = watch.shape(lambda table=table, name=name: use_table(engine, table, name))
                assert shape == expected, name
                tried += 1
        watch.assert_there()
    assert tried > len(MOST) * 0.8
    tell(capsys, engine, tried, "hostile names of tables and columns used")


def pair_of(name, schema=None):
    """A table, and another that refers to it by a foreign key, with names made from one."""
    metadata = sa.MetaData()
    key = sa.Column(name, sa.Integer, primary_key=True, autoincrement=False)
    parent = sa.Table(name, metadata, key, schema=schema)
    number = sa.Column("id", sa.Integer, primary_key=True, autoincrement=False)
    refers = sa.Column(f"{name}_id", sa.Integer, sa.ForeignKey(key))
    return parent, sa.Table(f"{name} kid", metadata, number, refers, schema=schema)


def use_pair(engine, parent, kid):
    """Do all that is done with tables that are related; every answer is the right one."""
    with engine.begin() as connection:
        connection.execute(parent.insert(), {parent.name: 1})
        connection.execute(kid.insert(), {"id": 5, f"{parent.name}_id": 1})
    db = sqlsoup.SQLSoup(engine)
    one, many = (db.entity(table.name, schema=table.schema) for table in (parent, kid))
    assert "Refers to:" in many.__doc__
    assert "Is referred to by:" in one.__doc__
    joined = db.join(one, many)
    values = {parent.name: 1, "id": 5, f"{parent.name}_id": 1}
    assert sqlsoup.as_dicts(joined) == [values]
    many.relate("up", one, backref="down")
    row, other = db.session.get(many, 5), db.session.get(one, 1)
    assert (row.up, other.down) == (other, [row])
    assert many.join(many.up).filter(getattr(one, parent.name) == 1).all() == [row]
    db.session.close()
    db = sqlsoup.SQLSoup(engine, relationships=True)
    one, many = (db.entity(table.name, schema=table.schema) for table in (parent, kid))
    row, other = db.session.get(many, 5), db.session.get(one, 1)
    (up,), (down,) = db._implied.names(many), db._implied.names(one)
    assert (getattr(row, up), getattr(other, down)) == (other, [row])
    assert {up} <= {*dir(many)}
    db.session.close()


def test_names_of_related_tables(watch, capsys):
    """Joins, ``relate()`` and the relationships of ``relationships=True`` take such names too."""
    engine, plain = watch.engine, pair_of("plain name")
    with made(engine, *plain):
        use_pair(engine, *plain)
    with made(engine, *plain):
        expected = watch.shape(lambda: use_pair(engine, *plain))
    assert len(expected) > 15
    tried = 0
    for name in SOME:
        if not is_relatable(engine, name):
            continue
        pair = pair_of(name)
        with made(engine, *pair) as taken:
            if taken:
                shape = watch.shape(lambda pair=pair: use_pair(engine, *pair))
                assert shape == expected, name
                tried += 1
        watch.assert_there()
    assert tried > len(SOME) * 0.5
    tell(capsys, engine, tried, "hostile names of related tables used")


# names of schemas


@contextmanager
def schema_of(engine, name, path):
    """Have a schema of a name for a while, an attached file on SQLite; tell if it is taken."""
    if engine.dialect.name == "sqlite":
        quoted = engine.dialect.identifier_preparer.quote_identifier(name)

        def attach(connection, _record):
            connection.execute(f"ATTACH '{path}' AS {quoted}").close()
            do_not_wait(connection, None)

        sa.event.listen(engine, "connect", attach)
        engine.dispose()
        try:
            yield True
        finally:
            sqlsoup.Session.remove()
            sa.event.remove(engine, "connect", attach)
            engine.dispose()
        return
    try:
        with engine.begin() as connection:
            connection.execute(sa.schema.CreateSchema(name))
    except DBAPIError:
        yield False
        return
    try:
        yield True
    finally:
        sqlsoup.Session.remove()
        with engine.begin() as connection:
            cascade = engine.dialect.name == "postgresql"
            connection.execute(sa.schema.DropSchema(name, cascade=cascade))


def use_schema(engine, name):
    """Do all that is done with a schema in which is a table of users; the answers are right."""
    db = sqlsoup.SQLSoup(engine)
    here, there = db.users, db.entity("users", schema=name)
    assert [here._table.schema, there._table.schema] == [None, name]
    assert (len(here.c), there.c.keys()) == (3, ["id", "users"])
    assert db[f"{name}.users"] is there
    there.insert(id=1, users=name)
    db.commit()
    assert sqlsoup.as_dicts(there.filter_by(users=name)) == [{"id": 1, "users": name}]
    assert (f"{name}.users" in db, f"{name}.books" in db) == (True, False)
    assert there.__doc__.startswith(f"Table {name}.users\n")
    joined = db.with_labels(db.join(here, there, here.name != there.users))
    assert joined.count() == here.count() == 3
    db.schema = name
    assert db.users is there
    assert (list(db), "users" in dir(db)) == (["users"], True)
    assert db.map_to("more", tablename="users")._table is there._table
    assert there.delete(there.users == name) == 1
    db.commit()


def test_names_of_schemas(watch, tmp_path, capsys):
    """A schema of a hostile name is used like one of a harmless name, with its foreign keys."""
    engine = watch.engine

    def use(schema, number):
        users = table_of("users", schema)
        with schema_of(engine, schema, tmp_path / f"{number}.db") as taken:
            strips = engine.dialect.name == "mysql"  # what a label begins with
            if not taken or (strips and not schema.isprintable()):
                return []
            with made(engine, users):
                shape = watch.shape(lambda: use_schema(engine, schema))
            if is_relatable(engine, schema):
                pair = pair_of("plain name", schema)
                with made(engine, *pair) as related:
                    assert related
                    shape += watch.shape(lambda: use_pair(engine, *pair))
            return shape

    use("other schema", -1)
    expected = use("plain schema", 0)
    assert len(expected) > 30
    tried = 0
    for number, name in enumerate(SOME, 1):
        shape = use(name, number)
        watch.assert_there()
        tried += bool(shape)
        if "." in name:  # which are more ways to divide it into schema and table
            assert {*shape} <= {*expected}, name
        elif shape:
            assert shape == expected[: len(shape)], name
    assert tried > len(SOME) * 0.8
    tell(capsys, engine, tried, "hostile names of schemas used")


# values


@pytest.fixture
def words(engine):
    """A table with a text for its key, and another text."""
    key = sa.Column("word", sa.String(400), primary_key=True)
    table = sa.Table("words", sa.MetaData(), key, sa.Column("note", sa.Text))
    table.create(engine)
    yield table
    sqlsoup.Session.remove()
    table.drop(engine)


def use_value(db, value):
    """Store a value, find it in every way, change it and delete it."""
    words = db.words
    words.insert(word=value, note=value)
    db.commit()
    row = words.get(value)
    assert sqlsoup.as_dict(row) == {"word": value, "note": value}
    for found in (
        words.filter_by(note=value),
        words.filter(words.note == value, words.word.in_([value, "x"])),
        words.filter(words.note.contains(value, autoescape=True)),
        words.filter(sa.text("note = :note").bindparams(note=value)),
    ):
        assert found.all() == [row]
    select = "SELECT note FROM words WHERE word = :word"
    assert db.execute(select, word=value).scalar() == value
    assert db.execute(select, {"word": value}).scalar() == value
    db.execute("UPDATE words SET note = :note", [{"note": "x"}, {"note": value + value}])
    db.session.refresh(row)
    assert row.note == value + value
    row.note = value
    db.flush()
    assert words.filter(words.note == value).update({"note": value + "'"}) == 1
    assert words.delete(words.note == value + "'") == 1
    db.commit()
    assert words.get(value) is None


VALUES = [*STRINGS, *REFUSED, "$$", "$q$", "\udcbf' OR 1=1 --", "\udc80" + DROP]


def test_values(watch, words, capsys):
    """A hostile value is stored, found, changed and deleted as it is: the statements have none."""
    db = sqlsoup.SQLSoup(watch.engine)
    _ = db.words
    watch = Watch(watch.engine, watch.statements)
    watch.shape(lambda: use_value(db, "harmless"))
    expected, taken = [*watch.statements], 0
    for value in VALUES:
        watch.statements.clear()
        try:
            use_value(db, value)
        except (ValueError, DBAPIError):
            assert UNSENDABLE.search(value), value
            db.rollback()
            assert watch.statements == expected[: len(watch.statements)]
        else:
            assert watch.statements == expected, value
            taken += 1
        watch.assert_there()
    assert taken >= len(STRINGS) + 10
    tell(capsys, watch.engine, f"{taken} of {len(VALUES)}", "hostile values stored")


# made-up names and values

FRAGMENTS = [*ENDS, *STRINGS, "users", "name", " ", "\n", "\0", ".", "%(", ")s", ":", "\ud800", "é"]


def test_any_name_and_value(watch, words, tmp_path, capsys):
    """Any text is a name of nothing, of a table or a schema, or a value, like a harmless one."""
    engine, plain = watch.engine, table_of("plain name")
    with made(engine, plain):
        expected = watch.usual(lambda: use_table(engine, plain, "plain name"))
    watch = Watch(engine, watch.statements)
    number = int(os.environ.get("SQLSOUP_TEST_EXAMPLES", "15"))
    known, used, tables, schemas = {}, [], 0, 0
    texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=4)
    texts = texts.map("".join).filter(lambda text: text not in {"", *library.tables})

    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(texts)
    def examples(text):
        nonlocal tables, schemas
        ask(watch, text, known)
        db = sqlsoup.SQLSoup(engine)
        try:
            use_value(db, text)
        except (ValueError, DBAPIError):
            assert UNSENDABLE.search(text), text
            db.rollback()
        used.append(text)
        if is_usable(engine, text):
            tables += is_table(text)
            if text.isprintable() and len(text) <= 40:  # or else the labels of a join would be cut
                schemas += is_schema(text)
        watch.assert_there()

    def is_table(text):
        table = table_of(text)
        with made(engine, table) as taken:
            if taken:
                shape = watch.shape(lambda: use_table(engine, table, text))
                assert shape == expected or re.fullmatch(r"[\w$]+", text, re.ASCII)
        return taken

    def is_schema(text):
        with schema_of(engine, text, tmp_path / f"{len(used)}.db") as taken:
            if taken:
                with made(engine, table_of("users", text)):
                    watch.shape(lambda: use_schema(engine, text))
        return taken

    examples()
    assert len(used) >= number
    assert min(tables, schemas) > number / 4
    tried = f"{len(used)}, {tables} and {schemas}"
    tell(capsys, engine, tried, "made-up texts used as values, tables and schemas")


# tables named like what the catalog is asked with

SHADOWS = sorted({*re.findall(r"pragma_\w+", Path(_sqlite_facts.__file__).read_text("utf-8"))})


@pytest.mark.parametrize("kind", ["TABLE {} (name)", "VIEW {} AS SELECT 1 AS name"])
def test_tables_named_like_pragmas(lite, kind):
    """A table or view with the name of a function that tells of tables does not stand for it."""
    assert {"pragma_table_xinfo", "pragma_foreign_key_list"} <= {*SHADOWS}
    run(lite, *(f"CREATE {kind.format(name)}" for name in SHADOWS))
    db = sqlsoup.SQLSoup(lite, relationships=True)
    assert db.loans.filter_by(book_id=1).one().user.name == "Bo"
    assert [row.book_id for row in db.users.get("Bo").loans] == [1, 3]
    for name in library.tables.keys() - {"visits"}:
        assert db[name].count() > 0
    assert db.entity(SHADOWS[0], primary_key=["name"]).c.keys() == ["name"]


# attributes, and what takes SQL


def test_items_are_never_attributes(engine, db):
    """``db[name]`` is a table, whatever attribute has the name; ``getattr`` is the attribute."""
    tables = {*library.tables}
    names = sorted({*dir(db), *dir(object), *vars(db), "__name__", "mro", "__call__"} - tables)
    before = {name: getattr(db, name, None) for name in names}
    assert len(names) > 60
    for name in names:
        with pytest.raises(sqlsoup.NoSuchTableError):
            db[name]
        assert name not in db
    metadata = sa.MetaData()
    for name in names:
        sa.Table(name, metadata, sa.Column("id", sa.Integer, primary_key=True))
    metadata.create_all(engine, checkfirst=False)
    for name in names:
        assert type(db[name]) is sqlsoup.TableClassType
        assert db[name]._table.name == name
        if before[name] is not None and name != "__exit__":  # each block has one of its own
            assert getattr(db, name) == before[name]


def test_columns_are_never_methods(soup):
    """``db.users.c[name]`` is a column or a KeyError; ``getattr`` gives methods as well."""
    names = {*dir(soup.users), *dir(type), *dir(soup.users.c)} - {"name", "email", "admin"}
    assert {"delete", "insert", "get", "mro", "__class__", "keys"} < names
    for name in [*names, *STRINGS, *REFUSED]:
        with pytest.raises(KeyError):
            soup.users.c[name]
    for name in [*STRINGS, *REFUSED]:
        assert not hasattr(soup.users, name)
    assert callable(soup.users.delete)


TEXT_REFUSED = {
    "order_by": lambda cls, text: cls.order_by(text),
    "group_by": lambda cls, text: cls.group_by(text),
    "filter": lambda cls, text: cls.filter(text),
    "where": lambda cls, text: cls.where(text),
    "having": lambda cls, text: cls.group_by(cls.name).having(text),
    "with_entities": lambda cls, text: cls.with_entities(text),
    "add_columns": lambda cls, text: cls.add_columns(text),
    "join": lambda cls, text: cls.join(text),
    "select_from": lambda cls, text: cls.select_from(text),
    "in_": lambda cls, text: cls.filter(cls.name.in_(text)),
    "filter_by": lambda cls, text: cls.filter_by(**{text: 1}),
    "update": lambda cls, text: cls.update({text: 1}) and cls,
}


@pytest.mark.parametrize("use", TEXT_REFUSED.values(), ids=TEXT_REFUSED)
def test_text_is_no_sql(use, db, statements):
    """What takes columns and conditions takes no text for them: SQLAlchemy refuses it."""
    users = db.users
    statements.clear()
    for text in (*STRINGS, "name; DROP TABLE users", "1; --", "name DESC"):
        with pytest.raises((ArgumentError, CompileError, sa.exc.InvalidRequestError)):
            use(users, text).all()
        db.rollback()
    assert statements == []


def test_selectables_are_no_text(db, statements):
    """What maps something takes no text, nor a column that is not there."""
    users = db.users
    statements.clear()
    for text in STRINGS:
        for use in (
            lambda text=text: db.map(text),
            lambda text=text: db.map_to("x", selectable=text),
            lambda text=text: db.join(users, text),
            lambda text=text: db.with_labels(text),
            lambda text=text: db.map(users, primary_key=[text]),
        ):
            with pytest.raises(sqlsoup.ArgumentError):
                use()
    assert statements == []


def test_unknown_columns_are_not_stored(watch):
    """A keyword that names no column is warned of, and is in no statement."""
    db = sqlsoup.SQLSoup(watch.engine)
    _ = db.tags
    for text in [*STRINGS, *REFUSED]:
        watch.statements.clear()
        with pytest.warns(sqlsoup.SQLSoupWarning, match="it is not stored"):
            db.tags.insert(**{"word": "new", text: "x"})
        db.flush()
        assert len(watch.statements) == 1
        assert re.fullmatch(
            r"INSERT INTO tags \(word\) VALUES \([^()]*(\(word\)s)?\)", *watch.statements
        )
        db.rollback()


# the sources

PACKAGE = Path(sqlsoup.__file__).parent
RUNS_TEXT = {
    *("pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "eval", "exec", "compile"),
    *("__import__", "import_module", "exec_module", "load_module", "SourceFileLoader", "runpy"),
    *("subprocess", "system", "popen"),
}


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_sources_run_no_text(path):
    """No source unpickles, evaluates text or imports by name, but what runs what a user typed."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Import(names=names):
                found |= {part for alias in names for part in alias.name.split(".")}
            case ast.ImportFrom(module=module, names=names):
                found |= {*(module or "").split("."), *(alias.name for alias in names)}
            case ast.Name(id=name):
                found.add(name)
            case ast.Attribute(attr=name) if name != "compile":  # of regular expressions
                found.add(name)
    typed = {
        "_run.py": {"runpy", "exec"},
        "_python3.py": {"compile"},
        "_once.py": {"eval", "compile"},
    }
    assert found & RUNS_TEXT == typed.get(path.name, set())
