"""MetaData, tables and statements that know their engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from inspect import signature

import pytest
import sqlalchemy as sa
from conftest import noted_in, words
from sqlalchemy import Column, Integer, MetaData, String, Table
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    InvalidRequestError,
    NoSuchTableError,
    UnboundExecutionError,
)
from sqlalchemy.schema import CreateTable, DropTable

import sqlsoup
from sqlsoup import legacy
from sqlsoup.legacy import _metadata, _notes

UNBOUND = (
    "{} is not bound to an Engine or Connection.  "
    "Execution can not proceed without a database to execute against."
)
UNBOUND_STATEMENT = (
    "This {} object is not directly bound to a Connection or Engine. "
    "Use the .execute() method of a Connection or Engine to execute this construct."
)
NO_ENGINE = (
    "No engine is bound to this Table's MetaData. Pass an engine to the Table via "
    "autoload_with=<someengine>, or associate the MetaData with an engine via "
    "metadata.bind=<someengine>"
)


pytestmark = pytest.mark.usefixtures("old_forms")


@pytest.fixture
def tags(engine):
    """The table of tags, which knows its engine."""
    return Table("tags", MetaData(engine), autoload=True)


def forms():
    """Return the forms that were noted in this file, the reflection in fixtures aside."""
    return noted_in(__file__)


def made(metadata):
    """Return two tables that are yet to be made."""
    return (
        Table("made", metadata, Column("id", Integer, primary_key=True), Column("x", String(9))),
        Table("other", metadata, Column("id", Integer)),
    )


def test_bind(lite, tmp_path):
    """A MetaData knows an engine, a URL by position, name or attribute, or nothing."""
    url = f"sqlite:///{tmp_path}/lite.db"
    binds = [
        MetaData(lite), MetaData(bind=lite), MetaData(url), MetaData(bind=url),
        MetaData(sa.make_url(url)), MetaData(lite, schema=None), MetaData(url, True),
    ]  # fmt: skip
    assert forms() == {"metadata-bind"}
    assert [metadata.bind is lite for metadata in binds] == [True, True, *[False] * 3, True, False]
    for metadata in binds:
        assert isinstance(metadata.bind, sa.Engine)
        assert metadata.bind.url.database == lite.url.database
        assert metadata.is_bound()
        metadata.bind.dispose()
    assert forms() == {"metadata-bind", "bind-attribute"}
    metadata = MetaData()
    metadata.bind = url
    assert isinstance(metadata.bind, sa.Engine)
    metadata.bind = None
    assert metadata.bind is None
    assert not metadata.is_bound()
    with pytest.raises(
        sqlsoup.ArgumentError, match=r"^the bind of the MetaData is no engine but 5$"
    ):
        MetaData(5).create_all()


def test_new_metadata(lite):
    """A MetaData without an engine is as it is, and so is what is given an engine."""
    metadata = MetaData("annex", naming_convention={"pk": "pk_%(table_name)s"})
    assert metadata.schema == MetaData(schema="annex").schema == "annex"
    metadata = MetaData()
    table, _ = made(metadata)
    metadata.create_all(lite)
    metadata.drop_all(bind=lite)
    table.create(lite, checkfirst=True)
    with lite.begin() as connection:
        table.drop(connection)
    metadata.reflect(lite, only=["tags"])
    Table("users", metadata, autoload_with=lite)
    metadata.bind = lite
    assert sqlsoup.SQLSoup(metadata).tags.count() == 2
    sa.Index("made_x", table.c.x)
    assert String(5).length == String(length=5, collation="C").length == 5
    assert not legacy.report()


def test_metadata_without_an_engine():
    """That there is none is noted as well, as SQLAlchemy 2 takes no such argument."""
    assert MetaData(None, schema="annex").schema == "annex"
    assert MetaData(bind=None).tables == {}
    assert MetaData(reflect=False).tables == {}
    assert MetaData().bind is None
    assert [(note.form, note.old) for note in legacy.report().notes] == [
        ("metadata-bind", "MetaData(bind)"),
        ("metadata-bind", "MetaData(bind)"),
        ("metadata-bind", "MetaData(reflect=)"),
        ("bind-attribute", "metadata.bind, which was not set"),
    ]


def test_bind_of_declarative_base(lite):
    """A base of declarative classes takes an engine, and the other arguments by position too."""
    for args, kw in (((), {"bind": lite}), ((lite,), {})):
        metadata = MetaData()
        assert sa.orm.declarative_base(*args, metadata=metadata, **kw).metadata is metadata
        assert metadata.bind is lite
    assert sa.orm.declarative_base(lite, metadata, None, Exception, "Old").__mro__[1] is Exception
    assert noted_in(__file__) == {"metadata-bind"}
    assert sa.orm.declarative_base(bind=None).metadata.bind is None
    _notes.clear()
    assert sa.orm.declarative_base(metadata=metadata, name="New").__name__ == "New"
    assert noted_in(__file__) == set()


def test_metadata_of_threads(lite, make_engine):
    """A ThreadLocalMetaData has the engine that the thread gave it, by URL as well."""
    metadata = sa.ThreadLocalMetaData()
    assert metadata.bind is None
    metadata.bind = lite
    tags = Table("tags", metadata, autoload=True)

    def elsewhere():
        before = metadata.bind
        metadata.bind = "sqlite://"
        url = metadata.bind.url
        metadata.bind.dispose()
        return before, str(url)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(elsewhere).result() == (None, "sqlite://")
    assert tags.count().scalar() == 2
    assert noted_in(__file__) == {"name", "table-autoload", "table-count", "statement-execute"}


def test_bind_outlives_the_module(lite):
    """The engine of a MetaData stays with it, whether the module is enabled or not."""
    metadata = MetaData(lite)
    legacy.disable()
    try:
        assert metadata.bind is lite
        assert sqlsoup.SQLSoup(metadata).tags.count() == 2
        assert not hasattr(MetaData(), "bind")
    finally:
        legacy.enable(warnings=False)
    assert metadata.bind is lite


def test_reflect_at_once(engine):
    """``MetaData(engine, reflect=True)`` has all tables; without an engine it is refused."""
    for metadata in (MetaData(engine, reflect=True), MetaData(engine, True)):
        assert {"tags", "users"} < metadata.tables.keys()
    metadata = MetaData(engine)
    metadata.reflect(only=["tags"])
    assert list(metadata.tables) == ["tags"]
    message = r"^A bind must be supplied in conjunction with reflect=True$"
    with pytest.raises(ArgumentError, match=message):
        MetaData(reflect=True)


def test_tables_on_their_engine(engine):
    """Tables are made, dropped and looked for where their MetaData knows."""
    metadata = MetaData(engine)
    table, other = made(metadata)
    index = sa.Index("made_x", table.c.x)
    metadata.create_all(tables=[other])
    assert (table.exists(), other.exists()) == (False, True)
    metadata.create_all()
    metadata.create_all(checkfirst=True)
    with pytest.raises(DBAPIError):
        table.create()
    table.create(checkfirst=True)
    index.drop()
    assert index.create() is index
    index.drop(engine)
    assert index.create(bind=engine) is index
    assert table.exists(engine)
    assert table.exists(bind=engine)
    other.drop()
    other.drop(checkfirst=True)
    metadata.drop_all()
    assert (table.exists(), other.exists()) == (False, False)
    assert engine.pool.checkedout() == 0
    assert forms() == {"metadata-bind", "metadata-unbound", "table-unbound", "table-exists"}


UNBOUND_USES = {
    "create_all": lambda table: table.metadata.create_all(),
    "drop_all": lambda table: table.metadata.drop_all(),
    "reflect": lambda table: table.metadata.reflect(),
    "create": lambda table: table.create(),
    "drop": lambda table: table.drop(),
    "exists": lambda table: table.exists(),
    "Index.create": lambda table: sa.Index("made_x", table.c.x).create(),
    "lone Index.drop": lambda table: sa.Index("made_x", "x").drop(),
    "Sequence.create": lambda table: sa.Sequence("counting").create(),
    "Sequence.execute": lambda table: sa.Sequence("counting", metadata=table.metadata).execute(),
    "DDL": lambda table: sa.DDL("DROP TABLE x").execute(),
    "CreateTable": lambda table: CreateTable(table).execute(),
    "select": lambda table: table.select().execute(),
    "scalar": lambda table: table.select().scalar(),
    "insert": lambda table: table.insert().execute(x=1),
    "text": lambda table: sa.text("SELECT 1").execute(),
    "function": lambda table: sa.func.now().scalar(),
    "union": lambda table: sa.union(table.select(), table.select()).execute(),
    "autoload": lambda table: Table("tags", MetaData(), autoload=True),
}
MESSAGES = {
    "create_all": UNBOUND.format("MetaData object"),
    "drop_all": UNBOUND.format("MetaData object"),
    "reflect": UNBOUND.format("MetaData object"),
    "create": UNBOUND.format("Table object 'made'"),
    "drop": UNBOUND.format("Table object 'made'"),
    "exists": UNBOUND.format("Table object 'made'"),
    "Index.create": UNBOUND.format("Index object 'made_x'"),
    "lone Index.drop": UNBOUND.format("Index object 'made_x'"),
    "Sequence.create": UNBOUND.format("Sequence object 'counting'"),
    "Sequence.execute": UNBOUND.format("Sequence object 'counting'"),
    "DDL": UNBOUND.format("DDL object"),
    "CreateTable": UNBOUND.format("CreateTable object"),
    "select": UNBOUND_STATEMENT.format("Select"),
    "scalar": UNBOUND_STATEMENT.format("Select"),
    "insert": UNBOUND_STATEMENT.format("Insert"),
    "text": UNBOUND_STATEMENT.format("TextClause"),
    "function": UNBOUND_STATEMENT.format("now"),
    "union": UNBOUND_STATEMENT.format("CompoundSelect"),
    "autoload": NO_ENGINE,
}


@pytest.mark.parametrize("use", UNBOUND_USES)
def test_without_an_engine(use):
    """What knows no engine says so."""
    table, _ = made(MetaData())
    with pytest.raises(UnboundExecutionError) as caught:
        UNBOUND_USES[use](table)
    assert str(caught.value) == MESSAGES[use]


def test_statements(engine, tags):
    """Statements execute themselves, with parameters in every form."""
    assert tags.insert().execute(word="a").rowcount == 1
    tags.insert().execute({"word": "b"})
    tags.insert().execute([{"word": "c"}, {"word": "d"}])
    tags.insert().execute({"word": "e"}, {"word": "f"})
    tags.update(tags.c.word == "a").execute(word="A")
    tags.delete(tags.c.word.in_(["e", "f"])).execute(execution_options={})
    assert {"A", "b", "c", "d", "food", "hot"} == set(words(engine))
    rows = tags.select(tags.c.word == sa.bindparam("asked")).execute(asked="b")
    assert [row["word"] for row in rows] == ["b"]
    assert tags.select(tags.c.word == sa.bindparam("asked")).scalar(asked="c") == "c"
    assert tags.count().scalar() == 6
    assert sa.func.max(tags.c.word).execute().fetchone()[0] == "hot"
    assert sa.func.max(tags.c.word).scalar() == "hot"
    assert sa.func.lower("X", bind=engine).scalar() == "x"
    both = sa.union(tags.select(), tags.alias().select())
    assert len(both.execute().fetchall()) == 6
    assert tags.alias().select().execute().fetchone() is not None
    assert tags.join(tags.alias("t"), sa.text("1 = 1")).select().execute().first() is not None
    assert sa.select([sa.exists([1], tags.c.word == "b")]).scalar()
    with pytest.raises(IntegrityError):
        tags.insert().execute(word="b")
    assert engine.pool.checkedout() == 0
    assert {"statement-execute", "table-select", "table-count"} < forms()


def test_bind_of_statements(lite):
    """``bind=`` of text, select, insert and functions is where they execute."""
    lone = sa.table("tags", sa.column("word"))
    assert (
        sa.text("SELECT word FROM tags WHERE word > :w", bind=lite).execute(w="g").scalar() == "hot"
    )
    assert sa.text("SELECT 5", lite).scalar() == 5
    assert sa.select([lone.c.word], order_by=["word"], bind=lite).scalar() == "food"
    sa.text("INSERT INTO tags VALUES (:w)", bind=lite).execute([{"w": "a"}, {"w": "b"}])
    lone.insert(bind=lite).execute(word="c")
    sa.delete(lone, lone.c.word == "c", bind=lite).execute()
    assert words(lite) == ["a", "b", "food", "hot"]
    assert sa.union(lone.select(), lone.select(), bind=lite, order_by=["word"]).scalar() == "a"
    assert sa.select([sa.literal(1)], bind=lite).where(sa.text("1 = 1")).scalar() == 1
    assert forms() == {
        "statement-bind", "statement-execute", "select-arguments", "dml-arguments",
    }  # fmt: skip


def test_attribute_bind(engine, tags):
    """Tables, columns and statements tell their engine."""
    bound = [
        tags, tags.c.word, tags.select(), tags.insert(), tags.alias(), sa.func.max(tags.c.word),
        sa.select([tags.c.word]), sa.union(tags.select(), tags.select()), tags.c.word == "x",
        sa.text("x", bind=engine), tags.metadata,
    ]  # fmt: skip
    assert {each.bind for each in bound} == {engine}
    lone = sa.table("tags", sa.column("word"))
    assert {each.bind for each in (lone, lone.select(), sa.text("x"), sa.func.now())} == {None}
    assert "bind-attribute" in forms()


def test_connection_as_bind(engine):
    """What knows a connection works in its transaction, and it stays open."""
    with engine.connect() as connection:
        metadata = MetaData(connection)
        table = Table("tags", metadata, autoload=True)
        transaction = connection.begin()
        table.insert().execute(word="a")
        assert table.count().scalar() == 3
        assert sa.text("SELECT 5", bind=connection).scalar() == 5
        transaction.rollback()
        table.insert().execute(word="b")
        assert not connection.in_transaction()
        assert metadata.bind is table.bind is connection
        new, _ = made(metadata)
        new.create()
        sa.DDL("DROP TABLE made").execute(connection)
        assert not new.exists()
        metadata.create_all()
        metadata.drop_all(tables=[new])
        assert "users" in MetaData(connection, reflect=True).tables
        assert not connection.closed
    assert words(engine) == ["b", "food", "hot"]


def test_sequences(engine):
    """A sequence executes itself, on its engine or another."""
    if engine.dialect.name != "postgresql":
        assert sa.Sequence("counting", metadata=MetaData(engine)).next_value().bind is engine
        return
    sequence = sa.Sequence("counting", metadata=MetaData(engine))
    sequence.create()
    assert sequence.execute() == 1
    assert sequence.execute(engine) == 2
    assert sequence.next_value().execute().scalar() == 3
    assert sequence.next_value().scalar() == 4
    with engine.connect() as connection:
        assert sequence.execute(connection) == 5
    sequence.drop()
    assert engine.pool.checkedout() == 0
    assert {"statement-execute", "table-unbound"} < forms()


def test_ddl(engine):
    """DDL executes itself where it is told to, where it knows, and for a table."""
    _, table = made(MetaData(engine))
    sa.DDL("CREATE TABLE other (id INTEGER)").execute(engine)
    assert table.exists()
    sa.DDL("DROP TABLE %(table)s").execute(engine, table)
    assert not table.exists()
    sa.DDL("CREATE TABLE other (id INTEGER)", bind=engine).execute()
    assert table.exists()
    DropTable(table).execute(bind=engine)
    CreateTable(table).execute()
    assert table.exists()
    table.drop()
    assert {"statement-execute", "statement-bind"} < forms()


def test_ddl_of_a_table_with_an_engine(lite):
    """CREATE and DROP of a table take an engine and dialects, as DDL does."""
    table = Table("other", MetaData(), Column("id", sa.Integer))
    CreateTable(table, bind=lite).execute()
    assert sa.inspect(lite).has_table("other")
    DropTable(table, on="postgresql", bind=lite).execute()
    assert sa.inspect(lite).has_table("other")
    DropTable(table, on="sqlite", bind=lite).execute()
    assert not sa.inspect(lite).has_table("other")
    assert {"statement-execute", "statement-bind", "name"} <= forms()


def test_ddl_on_a_dialect(lite):
    """DDL that is for some dialects is executed on those alone, by itself or at an event."""
    for on, runs in (
        ("sqlite", True),
        ("postgresql", False),
        (("postgresql", "sqlite"), True),
        (lambda ddl, event, target, bind, **kw: True, True),
        (lambda ddl, event, target, bind, **kw: False, False),
    ):
        _, table = made(MetaData(lite))
        ddl = sa.DDL("INSERT INTO tags VALUES ('%(word)s')", on, {"word": "new"})
        ddl.execute(lite)
        assert ("new" in words(lite)) == runs
        lite.execute("DELETE FROM tags WHERE word = 'new'")
        sa.DDL("INSERT INTO tags VALUES ('new')", on=on).execute_at("after-create", table)
        table.create()
        assert ("new" in words(lite)) == runs
        table.drop()
        lite.execute("DELETE FROM tags WHERE word = 'new'")
    assert "name" in forms()
    _notes.clear()
    for ddl in (
        sa.DDL("SELECT '%(x)s'", {"x": 1}),
        sa.DDL("SELECT '%(x)s'", context={"x": 1}),
        sa.DDL("SELECT 1").execute_if(dialect="sqlite"),
    ):
        with lite.begin() as connection:
            connection.execute(ddl)
    assert not legacy.report()


def test_condition_of_ddl(lite):
    """It is told of the event, and by itself of nothing that came with SQLAlchemy 1.4."""
    told = []

    def at_event(ddl, target, bind, tables=None, checkfirst=None, **kw):
        told.append((target, tables, checkfirst, kw["state"]))
        return False

    def by_itself(ddl, target, bind, state):
        told.append((target, state))
        return False

    ddl = sa.DDL("SELECT x")
    ddl.execute_if(callable_=by_itself, state=1).execute(lite)
    ddl.execute_if(callable_=by_itself, dialect="mysql").execute(lite)
    assert "ddl-condition" not in forms()
    metadata = MetaData()
    table = Table("new", metadata, Column("id", Integer))
    for each in (metadata, table):
        sa.event.listen(each, "after_create", ddl.execute_if(callable_=at_event, state=2))
    metadata.create_all(lite)
    metadata.drop_all(lite)
    table.create(lite)
    assert told == [
        (None, 1),
        (table, None, True, 2),
        (metadata, [table], True, 2),
        (table, None, False, 2),
    ]
    notes = [note for note in legacy.report().notes if note.form == "ddl-condition"]
    assert [(note.line, note.count) for note in notes] == [(at_event.__code__.co_firstlineno, 3)]


def test_condition_of_ddl_of_today(lite):
    """One that knows nothing of them is told what it is told without the module."""
    table = Table("new", MetaData(), Column("id", Integer))
    told = []
    today = lambda ddl, target, bind, state, dialect, compiler: told.append(dialect)  # noqa: E731
    ddl = sa.DDL("SELECT x").execute_if(callable_=today)
    sa.event.listen(table, "after_create", ddl)
    table.create(lite)
    assert told == [lite.dialect]
    assert not legacy.report()


def test_condition_is_told_the_event(lite):
    """That of ``DDL(on=)`` has its name before the target; it is None where it is not known."""
    told = []

    def on(ddl, event, target, bind, **kw):
        told.append((event, target, kw))
        return False

    metadata = MetaData()
    table = Table("new", metadata, Column("id", Integer))
    ddl = sa.DDL("SELECT x", on=on)
    ddl.execute(lite)
    ddl.execute(lite, table)
    ddl.execute_at("after-create", metadata)
    sa.event.listen(table, "after_create", ddl)
    metadata.create_all(lite)
    assert told == [
        (None, None, {}),
        (None, table, {}),
        (None, table, {"checkfirst": True}),
        ("after-create", metadata, {"tables": [table], "checkfirst": True}),
    ]
    assert forms() == {"name", "statement-execute"}


def test_autoload(engine):
    """``autoload=True`` reflects on the engine that the MetaData knows, or another."""
    metadata = MetaData(engine)
    assert Table("tags", metadata, autoload=True).c.keys() == ["word"]
    assert Table("tags", MetaData(), autoload=True, autoload_with=engine).c.keys() == ["word"]
    assert Table("x", metadata, autoload=False).c.keys() == []
    users = Table("users", metadata, Column("email", sa.Text), autoload=True)
    assert isinstance(users.c.email.type, sa.Text)
    assert sorted(users.c.keys()) == ["admin", "email", "name"]
    with pytest.raises(NoSuchTableError, match=r"^nothing$"):
        Table("nothing", metadata, autoload=True)
    assert forms() == {"metadata-bind", "table-autoload"}


def new_base():
    """Return a base that SQLAlchemy 1.3 did not have."""
    return type("Base", (sa.orm.DeclarativeBase,), {})


@pytest.mark.parametrize("make_base", [sa.orm.declarative_base, new_base])
def test_class_of_a_table_that_is_reflected(make_base, lite):
    """A declared class of SQLite's can store two rows at once; one of today does as without."""
    lite.execute("CREATE TABLE ideas (id INTEGER PRIMARY KEY, text TEXT)")
    table = Table("ideas", MetaData(), autoload_with=lite)
    _notes.clear()
    Idea = type("Idea", (make_base(),), {"__table__": table})
    with sa.orm.Session(lite) as session:
        session.add_all([Idea(text="A"), Idea(text="B")])
        if make_base is new_base:
            with pytest.raises(InvalidRequestError, match="sentinel column"):
                session.flush()
        else:
            session.flush()
    noted = [note.old for note in legacy.report().notes]
    old = "a class of a table whose key is reflected as nullable"
    assert noted == [old] * (make_base is not new_base)


def test_autoload_with_keys(engine):
    """A column that is given with a key comes after those that are reflected."""
    metadata = MetaData(engine)
    mail, admin = Column("email", sa.Text, key="mail"), Column("admin", sa.Text)
    users = Table("users", metadata, mail, admin, autoload=True)
    assert users.c.keys() == ["name", "admin", "mail"]
    assert (users.c.mail, users.c.admin) == (mail, admin)
    assert [tuple(row)[2] for row in users.select(users.c.mail != None).execute()]  # noqa: E711
    plain = Table("users", MetaData(), Column("email", key="mail"), autoload_with=engine)
    assert plain.c.keys() == ["name", "mail", "admin"]


def test_existing_tables(lite):
    """``useexisting=True`` adds to a table that is there."""
    metadata = MetaData()
    table, _ = made(metadata)
    assert Table("made", metadata, Column("y", Integer), useexisting=True) is table
    assert table.c.keys() == ["id", "x", "y"]
    with pytest.raises(InvalidRequestError):
        Table("made", metadata, Column("z", Integer), useexisting=False)
    assert forms() == {"table-existing"}


def test_types():
    """Arguments of types that are gone are left out."""
    gone = {"convert_unicode": True, "unicode_error": None, "_warn_on_bytestring": True}
    assert String(10, **gone).length == 10
    assert String(10, None, True).length == 10
    assert sa.Unicode(length=5, assert_unicode=True).length == 5
    assert sa.Text(convert_unicode="force").length is None
    assert sa.Enum("a", "b", name="e", convert_unicode=True).enums == ["a", "b"]
    assert len(legacy.report().notes) == 4
    assert forms() == {"type-unicode"}
    _notes.clear()
    assert sa.Unicode(5).length == 5
    assert sa.Enum("a", name="e").enums == ["a"]
    with pytest.raises(TypeError, match="colour"):
        String(5, colour=1)
    assert not legacy.report()


def test_threads_share_an_engine(lite):
    """An engine made of a MetaData's URL is made once."""
    metadata = MetaData(f"sqlite:///{lite.url.database}")
    assert metadata.bind is metadata.bind
    assert sqlsoup.SQLSoup(metadata).bind is metadata.bind
    metadata.bind.dispose()


def test_types_are_what_they_are_without(lite):
    """Types are shown, copied and made general as without the module, and tell their arguments."""
    word = sa.Table("tags", MetaData(), autoload_with=lite).c.word.type
    assert repr(word) == "VARCHAR(length=20)"
    assert repr(String(30, collation="C")) == "String(length=30, collation='C')"
    assert repr(word.as_generic()) == "String(length=20)"
    assert String(30).adapt(sa.VARCHAR).length == word.copy().length + 10 == 30
    parameters = [*signature(String.__init__).parameters]
    assert parameters[:3] == ["self", "length", "collation"]
    if "collation_schema" in parameters:
        placed = String(30, "C", "public")
        assert repr(placed) == "String(length=30, collation='C', collation_schema='public')"
    assert "type-unicode" not in {note.form for note in legacy.report().notes}


def test_expressions_are_printed_as_before(lite):
    """Statements, tables and functions are printed for their engine; other expressions are not."""
    metadata = sa.MetaData()
    metadata.bind = lite
    words = sa.Table("words", metadata, sa.Column("id", sa.Integer))
    with legacy.enabled(warnings=False):
        assert str(words.select().where(words.c.id == 1)).endswith("WHERE words.id = ?")
        assert str(sa.func.max(words.c.id + 1)) == "max(words.id + ?)"
        assert str(words.c.id == 1) == "words.id = :id_1"
        assert str(sa.exists().where(words.c.id == 1)).endswith("WHERE words.id = :id_1)")


def test_bind_wherever_it_is(lite):
    """A statement has the bind of a table that is an alias in it, or deep within."""
    words = sa.Table("words", MetaData(), sa.Column("id", Integer))
    free = sa.Table("free", MetaData(), sa.Column("id", Integer))
    named = words.alias()
    inner = sa.select(words.c.id).where(words.c.id == free.c.id)
    statements = [
        sa.select(named.c.id),
        sa.select(free.c.id).where(sa.exists(inner.correlate(free))),
        sa.select(free.c.id).join(words, words.c.id == free.c.id),
        sa.select(free.c.id, sa.select(words.c.id).scalar_subquery()),
        sa.select(inner.subquery().c.id),
    ]
    kept = sa.select(free.c.id)
    assert kept.c.id.table.element is kept
    assert [*map(_metadata.bind_of, [*statements, kept])] == [None] * 6
    words.metadata.bind = lite
    assert [*map(_metadata.bind_of, [*statements, kept])] == [lite] * 5 + [None]


def test_column_twice():
    """Of columns with one name a table has the last, in the place of the first."""
    table = sa.Table(
        "t",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("x", sa.Integer),
        sa.Column("y", sa.Integer),
        sa.Column("x", sa.Text),
        sa.UniqueConstraint("x", "y"),
    )
    assert [(each.name, type(each.type)) for each in table.c] == [
        ("id", sa.Integer), ("x", sa.Text), ("y", sa.Integer),
    ]  # fmt: skip
    assert noted_in(__file__) == {"column-twice"}


@pytest.mark.parametrize("kind", ["ENUM", "SET"])
def test_quoted_values(kind):
    """Values of MySQL's types may be quoted, each by the same quote."""
    make = getattr(mysql, kind)

    def values(*args, **kw):
        made = make(*args, **kw)
        return list(getattr(made, "enums", None) or made.values)

    assert values("'a'", "'it''s'") == ["a", "it's"]
    assert values('"a"', '"b"') == ["a", "b"]
    assert values("a", "'b'", quoting="quoted") == ["a", "b"]
    assert noted_in(__file__) == {"name"}
    assert values("'a'", quoting="unquoted") == ["'a'"]
    _notes.clear()
    for plain in (["a", "'b'"], ["'a'", '"b"'], ["'"], ["a"]):
        assert values(*plain) == plain
    assert noted_in(__file__) == set()
