"""Attributes of SQLAlchemy 1.3's classes that are gone, with what they gave."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sqlsoup import legacy
from sqlsoup.legacy import _notes

pytestmark = pytest.mark.usefixtures("old_forms")


@pytest.fixture
def words(lite):
    """A table of a bound MetaData, which is not there yet."""
    metadata = sa.MetaData(lite)
    return sa.Table("words", metadata, sa.Column("id", sa.Integer, primary_key=True, quote=True))


def test_ddl_listeners(words):
    """They are told of the event by the name that they were given it by."""
    told = []
    words.append_ddl_listener("before-create", lambda *args, **kw: told.append((args, kw)))
    words.metadata.append_ddl_listener("after-create", lambda *args, **kw: told.append((args, kw)))
    words.metadata.create_all()
    (first, first_kw), (second, second_kw) = told
    assert first[:2] == ("before-create", words)
    assert second[:2] == ("after-create", words.metadata)
    assert all(isinstance(args[2], sa.Connection) for args in (first, second))
    assert (first_kw, second_kw) == ({}, {"tables": [words]})


def test_copy_of_a_column():
    """A column class copies by its own copy(), in a mixin and for another MetaData."""

    class Labelled(sa.Column):
        inherit_cache = True

        def __init__(self, *args, label_text="", **kw):
            super().__init__(*args, **kw)
            self.label_text = label_text

        def copy(self, **kw):
            made = super()._copy(**kw)
            made.label_text = self.label_text
            return made

    class Named:
        name = Labelled(sa.String(9), label_text="Name")

    class Word(Named, sa.orm.declarative_base()):
        __tablename__ = "words"
        id = sa.Column(sa.Integer, primary_key=True)

    copied = Word.__table__.to_metadata(sa.MetaData())
    assert copied.c.name.label_text == Word.__table__.c.name.label_text == "Name"
    (note,) = legacy.report().notes
    assert (note.line, note.old) == (
        Labelled.copy.__code__.co_firstlineno,
        "copy() of a column class",
    )


def test_compiled(words):
    """A compiled statement executes what it was compiled from."""
    words.create()
    words.insert().execute(id=3)
    compiled = words.select().compile(bind=words.metadata.bind)
    assert [tuple(row) for row in compiled.execute()] == [(3,)]
    assert compiled.scalar() == 3
    assert compiled.bind is words.metadata.bind
    unbound = words.select().compile(dialect=words.metadata.bind.dialect)
    assert unbound.scalar() == 3
    assert unbound.bind is None


@pytest.fixture
def books(lite):
    """The table of books."""
    return sa.Table("books", sa.MetaData(), autoload_with=lite)


def test_compiled_for_an_engine(books, lite):
    """A compiled statement executes itself on the engine that it was compiled for."""
    compiled = books.select().where(books.c.id == sa.bindparam("id")).compile(lite)
    assert (compiled.execute(id=1).first().id, compiled.scalar({"id": 2})) == (1, 2)


def test_parameters_of_in(books, lite):
    """Each value of in_() has a parameter in the text of a statement, which a driver takes.

    It has if the tables are bound, as they are in old programs alone.
    """
    statement = books.select().where(books.c.id.in_([1, 2]))
    unbound = str(statement), str(statement.compile(lite))
    assert [text.partition(" IN ")[2] for text in unbound] == ["(__[POSTCOMPILE_id_1])"] * 2
    assert "in-parameters" not in {note.form for note in legacy.report().notes}
    books.metadata.bind = lite
    assert str(statement).endswith("IN (?, ?)")
    compiled = statement.compile(lite)
    parameters = tuple(compiled.params[name] for name in compiled.positiontup)
    assert parameters == (1, 2)
    assert len(lite.execute(str(compiled), parameters).fetchall()) == 2
    text = statement.compile(lite, compile_kwargs={"literal_binds": True})
    assert str(text).endswith("IN (1, 2)")
    later = books.select().where(books.c.id.in_(sa.bindparam("ids", expanding=True)))
    assert str(later).endswith("IN (__[POSTCOMPILE_ids])")


def test_columns_by_key(books):
    """A collection of columns is asked for a name."""
    assert (books.c.has_key("id"), books.c.has_key("x")) == (True, False)


def test_order_of_table_names(lite):
    """An Inspector gives the names of tables by their foreign keys, or as ever."""
    inspector = sa.inspect(lite)
    tables = inspector.get_table_names(None, "foreign_key")
    assert set(tables) == set(inspector.get_table_names())
    assert tables.index("users") < tables.index("loans")
    assert inspector.get_table_names(order_by=None) == inspector.get_table_names()


def test_quote(words):
    """Whether names are quoted is an attribute of what has them, too."""
    assert (words.quote, words.quote_schema, words.c.id.quote) == (None, None, True)


def test_select_as_a_table(words):
    """A select made by an old form has keys, and is joined as the subquery that it stands for."""
    words.create()
    words.insert().execute([{"id": 1}, {"id": 2}])
    later = sa.select([words.c.id]).where(words.c.id > 1)
    assert list(later.primary_key) == [later.c.id]
    assert list(later.foreign_keys) == []
    joined = later.join(words, words.c.id == later.c.id)
    assert isinstance(joined, sa.sql.expression.Join)
    assert [tuple(row) for row in joined.select().execute()] == [(2, 2)]
    both = later.union(sa.select([words.c.id]))
    assert len(both.outerjoin(words, words.c.id == both.c.id).select().execute().fetchall()) == 2


def test_join_of_a_new_select(words):
    """One made by a new form joins what it selects from, and nothing is noted."""
    _notes.clear()
    other = words.alias()
    statement = sa.select(words.c.id).join(other, other.c.id == words.c.id)
    assert "FROM words JOIN words AS" in " ".join(str(statement).split())
    assert not [note for note in legacy.report().notes if note.form == "select-nested"]


def test_context_of_an_error(lite):
    """What nothing has set is None, and what a listener raises is what later ones are told."""
    seen = []

    @sa.event.listens_for(lite, "handle_error")
    def first(context):
        seen.append((context.cursor, context.chained_exception))
        return ValueError("first")

    @sa.event.listens_for(lite, "handle_error")
    def second(context):
        seen.append(str(context.chained_exception))

    with lite.connect() as connection, pytest.raises(ValueError, match="first"):
        connection.execute(sa.text("no statement"))
    assert seen == [(None, None), "first"]


def test_dispose_of_a_threads_metadata():
    """The MetaData of a thread disposes of its engine, if it has one."""
    metadata = sa.ThreadLocalMetaData()
    metadata.dispose()
    metadata.bind = "sqlite://"
    pool = metadata.bind.pool
    metadata.dispose()
    assert metadata.bind.pool is not pool
    metadata.bind.dispose()
