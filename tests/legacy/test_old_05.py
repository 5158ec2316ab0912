"""What sessions and mappers had in SQLAlchemy 0.5, and tables that reflect themselves."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, InvalidRequestError
from sqlalchemy.orm import Session, mapper, scoped_session, sessionmaker

from sqlsoup import legacy

pytestmark = pytest.mark.usefixtures("old_forms")


def noted():
    """Return the forms that were noted, each once."""
    return sorted({note.form for note in legacy.report().notes})


@pytest.fixture(params=["session", "scoped"])
def session(request, lite):
    """A session, or a registry of sessions."""
    if request.param == "session":
        yield Session(lite)
        return
    registry = scoped_session(sessionmaker(bind=lite))
    yield registry
    registry.remove()


def test_saving(session, soup):
    """save() is for new rows, update() for others, save_or_update() for any, clear() for none."""
    row = soup.tags(word="new")
    soup.session.expunge(row)
    with pytest.raises(InvalidRequestError, match=r"^Instance <.*> is not persisted$"):
        session.update(row)
    session.save(row)
    assert row in session
    session.commit()
    with pytest.raises(InvalidRequestError, match=r"^Instance <.*> is already persistent$"):
        session.save(row)
    session.clear()
    assert row not in session
    session.update(row)
    assert row in session
    session.clear()
    session.save_or_update(row, entity_name=None)
    assert row in session
    with pytest.raises(ArgumentError, match=r"^Session\.save\(entity_name=\) cannot be done"):
        session.save(row, entity_name="other")
    assert noted() == ["entity-name", "session-method"]
    assert {note.old for note in legacy.report().notes} >= {"Session.save()", "Session.clear()"}


def test_arguments(lite, soup):
    """echo_uow=, select_table= and polymorphic_fetch= are taken, and Mapper.compile() as well."""
    assert Session(lite, echo_uow=True).bind is lite
    tags = soup.tags._table

    class Tag:
        pass

    mapped = mapper(Tag, tags, select_table=tags, polymorphic_fetch="union")
    assert mapped.compile() is mapped
    assert mapped.with_polymorphic_mappers == [mapped]
    assert noted() == ["mapper", "mapper-argument", "name", "session-argument"]


def rows_of(table, lite):
    """Map a table, store two new rows in one flush, and return how many there are."""

    class Tag:
        pass

    mapper(Tag, table)
    with Session(lite) as session:
        for title in "xy":
            row = Tag()
            row.title = title
            session.add(row)
        session.commit()
        return session.query(Tag).count()


@pytest.mark.parametrize("how", ["autoload", "reflect", "metadata", "table", "native"])
def test_two_new_rows_of_a_reflected_table(how, lite):
    """However a table was reflected, several new rows are stored in one flush on SQLite."""
    metadata = sa.MetaData(lite)
    if how == "autoload":
        table = sa.Table("books", metadata, autoload=True)
    elif how == "reflect":
        table = sa.MetaData(lite, reflect=True).tables["books"]
    elif how == "metadata":
        metadata.reflect()
        table = metadata.tables["books"]
    elif how == "table":
        table = sa.Table("books", metadata)
        lite.reflecttable(table)
    else:
        table = sa.Table("books", metadata, autoload_with=lite)
    assert rows_of(table, lite) == 5
    assert table.c.id.nullable is False


def test_inspectors(lite):
    """An Inspector answers get_primary_keys(), and reflects a table by its name of the time."""
    inspector = sa.inspect(lite)
    assert inspector.get_primary_keys("seats") == ["room", "number"]
    table = sa.Table("books", sa.MetaData())
    inspector.reflecttable(table, ["id"])
    assert table.c.keys() == ["id"]
    with lite.connect() as connection:
        table = sa.Table("tags", sa.MetaData())
        connection.reflecttable(table)
    assert table.c.keys() == ["word"]
    assert {note.old for note in legacy.report().notes} == {
        "Inspector.get_primary_keys()",
        "Inspector.reflecttable()",
        "reflecttable() of an engine",
    }


def test_statement_shown_in_the_words_of_its_engine(lite):
    """str() of a statement whose tables have an engine is SQL of that; of others it is general.

    It is noted where the two differ.
    """
    tags = sa.Table("tags", sa.MetaData(lite), autoload=True)
    assert str(tags.select()) == "SELECT tags.word \nFROM tags"
    assert "str() of a statement with an engine" not in {n.old for n in legacy.report().notes}
    assert str(tags.select().where(tags.c.word == "x")).endswith("tags.word = ?")
    assert "str() of a statement with an engine" in {n.old for n in legacy.report().notes}
    other = sa.table("tags", sa.column("word"))
    assert str(other.c.word == "x") == "tags.word = :word_1"


def test_statement_compiled_for_its_engine(lite):
    """compile() of a statement whose tables have an engine is for that; of others it is general."""
    tags = sa.Table("tags", sa.MetaData(lite), autoload=True)
    compiled = tags.select().where(tags.c.word == "hot").compile()
    assert (str(compiled)[-1], compiled.positiontup) == ("?", ["word_1"])
    assert compiled.execute().fetchall() == [("hot",)]
    assert "compile() of a statement with an engine" in {n.old for n in legacy.report().notes}
    other = sa.table("tags", sa.column("word"))
    assert str((other.c.word == "x").compile()) == "tags.word = :word_1"


def test_engine_of_a_statement(lite):
    """The bind of a statement can be set, to an engine or its URL."""
    statement = sa.select(sa.literal(5))
    statement.bind = lite
    assert statement.execute().scalar() == 5
    statement.bind = "sqlite://"
    assert statement.scalar() == 5
    statement.bind.dispose()
    assert "statement-bind" in noted()
