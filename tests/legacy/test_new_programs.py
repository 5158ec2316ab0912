"""What new programs do gives what it gives without the module, and is not noted."""

from __future__ import annotations

import copy
import importlib
import warnings
from functools import partial
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from conftest import noted_in
from sqlalchemy import orm
from sqlalchemy.ext.baked import bakery

from sqlsoup import legacy
from sqlsoup.legacy import _notes


def declared():
    """Return classes of writers and books."""

    class Base(orm.DeclarativeBase):
        pass

    class Author(Base):
        __tablename__ = "authors"
        id = orm.mapped_column(sa.Integer, primary_key=True)
        name = orm.mapped_column(sa.String(30))
        books = orm.relationship("Book", back_populates="author")

    class Book(Base):
        __tablename__ = "author_books"
        id = orm.mapped_column(sa.Integer, primary_key=True)
        title = orm.mapped_column(sa.String(30))
        author_id = orm.mapped_column(sa.ForeignKey("authors.id"))
        author = orm.relationship("Author", back_populates="books")

    return SimpleNamespace(Base=Base, Author=Author, Book=Book)


def baked_get(engine, of):
    """A baked query looks a row up by its key."""
    make = bakery()
    with orm.Session(engine) as session:
        return make(lambda s: s.query(of.Author))(session).get(2).name


def case_of_lists(_engine, _of):
    """Conditions of case() are lists as well as tuples."""
    return str(sa.case([sa.column("x") == 1, "one"], [sa.column("x") == 2, "two"], else_="more"))


def schemas(_engine, _of):
    """CREATE SCHEMA is printed."""
    return [str(kind("s")).strip() for kind in (sa.schema.CreateSchema, sa.schema.DropSchema)]


def printed(_engine, _of):
    """Items of a schema are printed."""
    return [repr(sa.Sequence("x")), repr(sa.Identity(start=2))]


def copied_url(engine, _of):
    """A URL is copied."""
    return [make(engine.url) == engine.url for make in (copy.copy, copy.deepcopy)]


def columns_among_keys(engine, of):
    """The names of a result have its columns as well, and equal a list."""
    with engine.connect() as connection:
        keys = connection.execute(sa.select(of.Author.__table__)).keys()
    return of.Author.__table__.c.id in keys, keys == ["id", "name"], keys != ["id"]


def key_of_a_row(engine, of):
    """The key of a new row is printed."""
    with engine.begin() as connection:
        result = connection.execute(sa.insert(of.Author).values(name="D"))
    return str(result.inserted_primary_key)


def row_of_another(engine, of):
    """A new row is not in the session of the row that it is tied to, unless it is added."""
    with orm.Session(engine) as session:
        author = session.get(of.Author, 1)
        loose, added = of.Book(title="a", author=author), of.Book(title="b", author=author)
        kept = [loose in session, added in session]
        session.add(added)
        with warnings.catch_warnings():  # SQLAlchemy warns of the other one
            warnings.simplefilter("ignore", sa.exc.SAWarning)
            session.flush()
        return [*kept, session.scalars(sa.select(of.Book.title)).all()]


def instrumented_by_hand(_engine, _of):
    """An attribute is instrumented without a mapper."""
    kind = type("Kind", (), {})
    orm.instrumentation.register_class(kind)
    find = partial(getattr, orm.attributes)
    register = find("register_attribute", None) or find("_register_attribute")
    about = dict.fromkeys(("comparator", "parententity"), object())
    register(kind, "a", uselist=False, useobject=False, **about)
    made = kind()
    made.a = 1
    return made.a


def join_of_functions(engine, of):
    """Functions give what is joined and on what, which keeps their statement."""
    author, book = of.Author, of.Book
    with orm.Session(engine) as session:
        query = session.query(lambda: author).join(lambda: book, lambda: author.books)
        return str(query.order_by(book.id))


def slices_with_nothing(engine, of):
    """A slice with nothing in it is empty, and its numbers are no matter; others are parameters."""
    with orm.Session(engine) as session:
        query = session.query(of.Author).params(a=1, b=2)
        some = query[sa.bindparam("a", type_=sa.Integer) : sa.bindparam("b", type_=sa.Integer)]
        return query[-2:-5], len(some)


def options_in_a_list(engine, of):
    """Options of a query are in a list."""
    with orm.Session(engine) as session:
        query = session.query(of.Author).options([orm.selectinload(of.Author.books)])
        return query.first().books


def statement_of_a_query(engine, of):
    """The statement of a query gives rows of the class."""
    with orm.Session(engine) as session:
        statement = session.query(of.Author).order_by(of.Author.id).statement
        return [
            [each.name for each in session.scalars(statement.limit(2))],
            [each.name for (each,) in session.execute(statement)],
        ]


def statement_of_an_older_class(engine, of):
    """scalars() of such a statement gives rows of a class, whatever its base."""
    base = orm.declarative_base(metadata=of.Base.metadata)
    older = type("Older", (base,), {"__table__": of.Author.__table__})
    with orm.Session(engine) as session:
        return [type(each).__name__ for each in session.scalars(session.query(older).statement)]


def methods_of_an_engine(engine, _of):
    """An engine has no methods of a connection."""
    names = ("begin_nested", "close", "commit", "rollback")
    return [name for name in names if hasattr(engine, name)]


def listeners_to_rollbacks(engine, of):
    """Listeners are told of the end of a connection that has read."""
    ended = []
    sa.event.listen(engine, "rollback", ended.append)
    with engine.connect() as connection:
        connection.execute(sa.select(of.Author.id))
    return len(ended)


def values_in_a_row(engine, of):
    """A row has values."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(of.Author.id, sa.null())).first()
    return [None in row, b"" in row]


PROGRAMS = [
    values_in_a_row,
    listeners_to_rollbacks,
    instrumented_by_hand,
    join_of_functions,
    slices_with_nothing,
    options_in_a_list,
    statement_of_a_query,
    statement_of_an_older_class,
    methods_of_an_engine,
    row_of_another,
    baked_get,
    case_of_lists,
    schemas,
    printed,
    copied_url,
    columns_among_keys,
    key_of_a_row,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_program(program, make_engine, tmp_path):
    """A program gives the same with the module as without, and nothing of it is noted."""

    def run(name):
        engine, of = make_engine(f"sqlite:///{tmp_path}/{name}.db"), declared()
        of.Base.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(sa.insert(of.Author), [{"name": name} for name in "ABC"])
        try:
            return program(engine, of)
        finally:
            of.Base.registry.dispose()  # or other tests would meet a class whose other side is gone

    without = run("without")
    _notes.clear()
    with legacy.enabled(warnings=False):
        found = run("with")
    noted = noted_in(__file__)
    _notes.clear()
    assert (found, noted) == (without, set())


def test_rows_that_are_returned(lite):
    """Rows that a statement returns are there after it has committed by itself."""
    with lite.begin() as connection:
        connection.execute(sa.text("CREATE TABLE numbers (id INTEGER PRIMARY KEY, n INTEGER)"))
    numbers = sa.table("numbers", sa.column("id", sa.Integer), sa.column("n", sa.Integer))
    statement = sa.insert(numbers).returning(numbers.c.n)
    with legacy.enabled(warnings=False), lite.connect() as connection:
        result = connection.execute(statement, [{"n": n} for n in range(3)])
    assert result.scalars().all() == [0, 1, 2]
    assert noted_in(__file__) == {"autocommit"}
    _notes.clear()


PACKAGE = """
def begin(connection):
    if not connection.in_transaction():
        return connection.begin()

def transaction(connection):
    return connection.in_transaction() or connection.begin()

def value(row, name):
    try:
        return row[name]
    except (KeyError, TypeError):
        return getattr(row, name)

def item(row, name):
    return row[name]
"""


@pytest.mark.parametrize(
    ("required", "noted"),
    [
        ("SQLAlchemy>=1.4", {"row-name"}),
        ("SQLAlchemy (<3.0,>=2.0.1) ; extra == 'sql'", {"row-name"}),
        ("sqlalchemy~=2.0", {"row-name"}),
        ("SQLAlchemy==1.3.*", {"row-name", "in-transaction", "begin-late"}),
        ("SQLAlchemy>=1.3", {"row-name", "in-transaction", "begin-late"}),
        ("sqlalchemy-utils>=2", {"row-name", "in-transaction", "begin-late"}),
    ],
)
def test_packages_of_today(required, noted, lite, tmp_path, monkeypatch):
    """A package that requires SQLAlchemy 1.4 knows transactions that begin by themselves.

    One that has another way to ask for a value takes that without the module.
    """
    name = f"of_{abs(hash(required))}"
    site = tmp_path / "site-packages"
    site.mkdir()
    (site / f"{name}.py").write_text(PACKAGE)
    about = site / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\nRequires-Dist: {required}\n")
    (about / "top_level.txt").write_text(name)
    monkeypatch.syspath_prepend(site)
    package = importlib.import_module(name)
    _notes.clear()
    with legacy.enabled(warnings=False), lite.connect() as connection:
        row = connection.execute(sa.text("SELECT 1 AS a")).one()
        package.begin(connection).commit()
        connection.execute(sa.text("SELECT 1 AS a"))
        package.transaction(connection).rollback()
        found = [package.value(row, "a")]
        assert not legacy.report() or noted != {"row-name"}
        found.append(package.item(row, "a"))
    forms = {note.form for note in legacy.report().notes}
    _notes.clear()
    assert (found, forms) == ([1, 1], noted)
