"""What is mapped, under which name, and what a mapped class offers."""

from __future__ import annotations

import gc
import inspect
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.orm import instrumentation

import sqlsoup
from sqlsoup import SelectableClassType, SQLSoup, TableClassType

# Name of the kind: how it is made, type and name of the class, a label of its title.
KINDS: dict[str, tuple[Callable[[SQLSoup], Any], type, str, str]] = {
    "table": (lambda db: db.books._table, TableClassType, "MappedBooks", "books_title"),
    "entity": (lambda db: db.books, TableClassType, "MappedBooks", "books_title"),
    "alias": (lambda db: db.books._table.alias("b"), SelectableClassType, "MappedBooks", "b_title"),
    "aliased entity": (
        lambda db: orm.aliased(db.books, name="b"),
        SelectableClassType,
        "MappedBooks",
        "b_title",
    ),
    "core join": (
        lambda db: db.books._table.join(db.loans._table),
        SelectableClassType,
        "MappedJoin",
        "books_title",
    ),
    "mapped join": (
        lambda db: db.join(db.books, db.loans),
        SelectableClassType,
        "MappedJoin",
        "books_title",
    ),
    "subquery": (
        lambda db: sa.select(db.books._table).subquery("s"),
        SelectableClassType,
        "MappedBooks",
        "s_title",
    ),
    "cte": (
        lambda db: sa.select(db.books._table).cte("s"),
        SelectableClassType,
        "MappedBooks",
        "s_title",
    ),
    "core select": (
        lambda db: sa.select(db.books._table),
        SelectableClassType,
        "MappedBooks",
        "title",
    ),
    "orm select": (
        lambda db: sa.select(db.books),
        SelectableClassType,
        "MappedBooks",
        "title",
    ),
    "select of two": (
        lambda db: sa.select(db.books._table, db.loans._table).where(
            db.books.id == db.loans.book_id
        ),
        SelectableClassType,
        "MappedBooksLoans",
        "title",
    ),
    "text": (
        lambda db: sa.text("SELECT id, title FROM books").columns(
            db.books._table.c.id, db.books._table.c.title
        ),
        SelectableClassType,
        "MappedTextClause",
        "title",
    ),
    "union": (
        lambda db: sa.union(
            sa.select(db.books._table).where(db.books.id == 1),
            sa.select(db.books._table).where(db.books.id > 1),
        ),
        SelectableClassType,
        "MappedCompoundSelect",
        "title",
    ),
}
each_kind = pytest.mark.parametrize("kind", KINDS)

HOSTILE = [
    *("metadata", "registry", "query", "insert", "count", "class", "c", "columns", "_table"),
    *("_query", "self", "cls", "get", "delete", "session", "relate", "filter", "add", "execute"),
    *("base", "args", "kwargs", "name", "values", "with space", "mañana", "a-b", "schema", "bind"),
]


@dataclass
class Imprint:
    """A composite value of two columns."""

    title: str
    year: int | None


def create(engine: sa.Engine, name: str, *columns: sa.Column[Any]) -> None:
    """Create a table that no MetaData of the test knows of."""
    sa.Table(name, sa.MetaData(), *columns).create(engine)


@each_kind
def test_map(soup: SQLSoup, kind: str) -> None:
    """map() makes a class of anything selectable; its results are rows of that class."""
    make, metaclass, name, _ = KINDS[kind]
    cls = soup.map(make(soup))
    assert type(cls) is metaclass
    assert (cls.__module__, cls.__name__) == ("sqlsoup", name)
    rows = cls.all()
    assert {type(row) for row in rows} == {cls}
    assert "Mustards" in {row.title for row in rows}


@each_kind
def test_map_to_selectable(soup: SQLSoup, kind: str) -> None:
    """map_to(selectable=) maps anything selectable to an attribute."""
    make, metaclass, name, _ = KINDS[kind]
    cls = soup.map_to("works", selectable=make(soup))
    assert type(cls) is metaclass
    assert cls.__name__ == name
    assert soup.works is cls
    assert soup._cache["works"] is cls
    assert type(soup.works.filter(cls.title == "Mustards").first()) is cls


@each_kind
def test_with_labels(soup: SQLSoup, kind: str) -> None:
    """with_labels() puts the name of the table before the names of the columns."""
    make, _, _, label = KINDS[kind]
    cls = soup.with_labels(make(soup))
    assert type(cls) is SelectableClassType
    assert label in cls.c.keys()  # noqa: SIM118
    row = cls.filter(getattr(cls, label) == "Mustards").first()
    assert type(row) is cls
    assert getattr(row, label) == "Mustards"


@each_kind
@pytest.mark.parametrize("side", ["left", "right"])
def test_join_of_anything(soup: SQLSoup, kind: str, side: str) -> None:
    """join() takes anything selectable on either side; a row has the columns of both."""
    thing = KINDS[kind][0](soup)
    sides = (thing, soup.tags) if side == "left" else (soup.tags, thing)
    cls = soup.join(*sides, onclause=sa.true())
    assert type(cls) is SelectableClassType
    assert cls.__name__ == "MappedJoin"
    assert isinstance(cls._table, sa.Join)
    rows = cls.all()
    assert {type(row) for row in rows} == {cls}
    assert ("Mustards", "hot") in {(row.title, row.word) for row in rows}


def test_join_on_every_database(db: SQLSoup) -> None:
    """join() joins over the foreign key, or over a condition, inner or outer."""
    inner = db.join(db.books, db.loans).order_by(db.books.id).all()
    assert [(row.title, row.user_name) for row in inner] == [("Mustards", "Bo"), ("Soups", "Bo")]
    outer = db.join(db.books, db.loans, db.loans.book_id == db.books.id, isouter=True)
    rows = outer.order_by(db.books.id).all()
    assert [type(row) for row in rows] == [outer] * 3
    assert [row.user_name for row in rows] == ["Bo", None, "Bo"]


def test_join_of_join(db: SQLSoup) -> None:
    """A mapped join can be joined again."""
    cls = db.join(db.join(db.users, db.loans), db.books, db.loans.book_id == db.books.id)
    row = cls.filter(db.books.title == "Soups").one()
    assert type(row) is cls
    assert (row.name, row.book_id, row.title) == ("Bo", 3, "Soups")


def test_with_labels_of_join(db: SQLSoup) -> None:
    """with_labels() of a join gives attributes that carry the names of the tables."""
    cls = db.with_labels(db.join(db.users, db.loans))
    row = cls.filter_by(loans_book_id=3).one()
    assert type(row) is cls
    assert (row.users_name, row.users_admin, row.loans_user_name) == ("Bo", 0, "Bo")
    assert cls.c.keys() == [
        *("users_name", "users_email", "users_admin"),
        *("loans_book_id", "loans_user_name", "loans_day"),
    ]


def test_with_labels_of_join_that_shares_names(soup: SQLSoup) -> None:
    """with_labels() maps a join of tables that have column names in common."""
    joined = soup.join(soup.books, soup.shelves, soup.books.id == soup.shelves.id)
    cls = soup.with_labels(joined)
    row = cls.filter(cls.books_title == "Mustards").one()
    assert type(row) is cls
    assert (row.books_id, row.shelves_id, row.shelves_title) == (1, 1, "all")


@pytest.mark.parametrize(
    "use",
    [
        lambda cls: cls.all(),
        lambda cls: cls.title,
        lambda cls: cls.c,
        lambda cls: cls(title="x"),
        lambda cls: cls.insert(title="x"),
    ],
    ids=["query", "attribute", "c", "constructor", "insert"],
)
def test_join_that_shares_names(soup: SQLSoup, use: Callable[[Any], Any]) -> None:
    """Without with_labels() such a join raises the mapper's error as soon as it is used."""
    cls = soup.join(soup.books, soup.shelves, soup.books.id == soup.shelves.id)
    with pytest.raises(sa.exc.InvalidRequestError, match=r"with_labels\(\)") as error:
        use(cls)
    assert type(error.value) is sa.exc.InvalidRequestError
    assert "books.id" in str(error.value) or "shelves.id" in str(error.value)


def test_join_without_key(soup: SQLSoup) -> None:
    """join() of tables that no foreign key ties raises SQLAlchemy's error at once."""
    with pytest.raises(sa.exc.NoForeignKeysError) as error:
        soup.join(soup.users, soup.tags)
    assert type(error.value) is sa.exc.NoForeignKeysError
    assert str(error.value) == (
        "Can't find any foreign key relationships between 'users' and 'tags'."
    )


def test_join_with_properties(soup: SQLSoup) -> None:
    """mapper_args reach the mapper of a join: columns under new names, or left out."""
    books, loans = soup.books._table, soup.loans._table
    cls = soup.join(
        soup.books,
        soup.loans,
        properties={"id": [books.c.id, loans.c.book_id], "borrower": loans.c.user_name},
        exclude_properties=["year"],
    )
    row = cls.order_by(cls.id).first()
    assert type(row) is cls
    assert (row.id, row.borrower) == (1, "Bo")
    assert cls.c.keys() == ["id", "title", "borrower", "day"]
    assert repr(row) == "MappedJoin(id=1,title='Mustards',borrower='Bo',day=None)"


@pytest.mark.parametrize("thing", [3, "books", object(), None, [], sa.text("SELECT 1")])
@pytest.mark.parametrize("method", ["map", "with_labels", "map_to", "join"])
def test_not_selectable(soup: SQLSoup, method: str, thing: object) -> None:
    """What cannot be selected from raises ArgumentError and leaves nothing behind."""
    message = "'selectable' argument must be a table, select, join, or other selectable construct."
    if method == "map_to" and thing is None:
        message = "'tablename' or 'selectable' argument is required."
    calls: dict[str, Callable[[], Any]] = {
        "map": lambda: soup.map(thing),
        "with_labels": lambda: soup.with_labels(thing),
        "map_to": lambda: soup.map_to("works", selectable=thing),
        "join": lambda: soup.join(thing, thing),
    }
    with pytest.raises(sqlsoup.ArgumentError) as error:
        calls[method]()
    assert str(error.value) == message
    assert soup._cache == {}
    assert not soup.session.registry.has()


def test_map_of_one_column_is_refused(soup: SQLSoup) -> None:
    """A column is nothing to select rows of a class from."""
    with pytest.raises(sqlsoup.ArgumentError, match=r"^'selectable' argument must be a table"):
        soup.map(soup.books.title)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tablename": 3}, "'tablename' argument must be a string."),
        (
            {"tablename": "books", "selectable": sa.table("books")},
            "'tablename' and 'selectable' arguments are mutually exclusive",
        ),
        (
            {"selectable": sa.table("books"), "schema": "main"},
            "'tablename' argument is required when using 'schema'.",
        ),
        ({}, "'tablename' or 'selectable' argument is required."),
    ],
)
def test_map_to_arguments(soup: SQLSoup, arguments: dict[str, Any], message: str) -> None:
    """map_to() says which arguments contradict each other."""
    with pytest.raises(sqlsoup.ArgumentError) as error:
        soup.map_to("works", **arguments)
    assert str(error.value) == message
    assert soup._cache == {}


def test_map_to_tablename(soup: SQLSoup) -> None:
    """map_to(tablename=) gives a table another name; the table's own name stays free."""
    works = soup.map_to("works", tablename="books")
    assert type(works) is TableClassType
    assert works.__name__ == "MappedBooks"
    assert soup.works is works
    assert soup.books is not works
    assert soup.books._table is works._table
    assert type(works.first()) is works


def test_map_to_taken_name(soup: SQLSoup) -> None:
    """map_to() does not replace a class that is there."""
    books = soup.books
    with pytest.raises(sqlsoup.SQLSoupError) as error:
        soup.map_to("books", tablename="users")
    assert type(error.value) is sqlsoup.SQLSoupError
    assert str(error.value) == "Attribute 'books' is already mapped to 'books'"
    assert soup.books is books


def test_mapped_again(soup: SQLSoup) -> None:
    """After del db._cache[...] the table is mapped anew; the old class goes on working."""
    old = soup.users
    row = old.get("Ada")
    del soup._cache["users"]
    assert soup.users is not old
    assert type(soup.users.get("Ada")) is soup.users
    assert old.get("Ada") is row


def test_name_of_a_table_is_capitalized(lite: sa.Engine) -> None:
    """A class is called Mapped and the table's name in str.capitalize."""
    create(lite, "ODD_Names", sa.Column("id", sa.Integer, primary_key=True))
    cls = SQLSoup(lite).ODD_Names
    assert repr(cls) == "<class 'sqlsoup.MappedOdd_names'>"
    assert type(cls) is TableClassType


def test_types_of_classes(soup: SQLSoup) -> None:
    """TableClassType is a SelectableClassType; only a table has relate()."""
    assert issubclass(TableClassType, SelectableClassType)
    assert isinstance(type(soup.books.first()), TableClassType)
    assert type(soup.map(sa.select(soup.books._table))) is SelectableClassType
    assert not hasattr(soup.join(soup.books, soup.loans), "relate")


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda db: db.join(db.books, db.loans), "Join"),
        (lambda db: db.with_labels(db.books), "Subquery"),
        (lambda db: db.map(db.books._table.alias()), "Alias"),
        (lambda db: db.map(sa.select(db.books._table).cte()), "CTE"),
    ],
)
def test_insert_into_no_table(soup: SQLSoup, make: Callable[[SQLSoup], Any], found: str) -> None:
    """insert() works for tables alone."""
    cls = make(soup)
    with pytest.raises(sqlsoup.SQLSoupError) as error:
        cls.insert(title="x")
    assert type(error.value) is sqlsoup.SQLSoupError
    assert str(error.value) == f"SQLSoup can only modify mapped Tables (found: {found})"
    assert not soup.session.new


def test_update_through_join(db: SQLSoup) -> None:
    """Changing a row of a join stores the change in the table that has the column."""
    row = db.join(db.books, db.loans).filter_by(title="Soups").one()
    row.title, row.user_name = "Stews", "Ada"
    db.commit()
    assert db.execute("SELECT title FROM books WHERE id = 3").scalar() == "Stews"
    assert db.execute("SELECT user_name FROM loans WHERE book_id = 3").scalar() == "Ada"


@pytest.mark.parametrize("method", ["map", "with_labels"])
def test_query_as_selectable(soup: SQLSoup, method: str) -> None:
    """A query can be mapped too; its columns carry the name of the table, as they do in its SQL."""
    cls = getattr(soup, method)(soup.books.filter(soup.books.id > 1))
    assert cls.c.keys() == ["books_id", "books_title", "books_year"]
    assert [type(row) for row in cls.all()] == [cls, cls]


# mapper_args


def test_properties_with_column_and_synonym(soup: SQLSoup) -> None:
    """properties= may give a column another name, and a name a synonym."""
    table = soup.books._table
    works = soup.map_to(
        "works",
        selectable=table,
        mapper_args={"properties": {"heading": table.c.title, "caption": orm.synonym("heading")}},
    )
    row = works.filter_by(caption="Soups").one()
    assert type(row) is works
    assert (row.heading, row.caption) == ("Soups", "Soups")
    assert works.c.keys() == ["id", "heading", "year"]
    assert works.insert(caption="Broths").heading == "Broths"


def test_synonym_named_like_a_query_method(soup: SQLSoup) -> None:
    """A synonym comes before a Query method of its name, as a column does."""
    works = soup.map(soup.books, properties={"label": orm.synonym("title")})
    assert works.insert(label="Broths").title == "Broths"
    assert works.filter_by(label="Soups").one().label == "Soups"


def test_composite_named_like_a_query_method(soup: SQLSoup) -> None:
    """A composite comes before a Query method of its name."""
    table = soup.books._table
    composite = orm.composite(Imprint, table.c.title, table.c.year)
    works = soup.map(table, properties={"values": composite})
    assert works.insert(values=Imprint("Broths", 1)).title == "Broths"
    assert works.get(1).values == Imprint("Mustards", 1989)


def test_properties_with_relationship(soup: SQLSoup) -> None:
    """properties= may hold a relationship, which joins like one that was related later."""
    books = soup.map(
        soup.books,
        properties={"loans": orm.relationship(soup.loans, viewonly=True, lazy="joined")},
    )
    row = books.filter_by(title="Soups").one()
    assert [type(loan) for loan in row.loans] == [soup.loans]
    assert row.loans[0].user_name == "Bo"


def test_properties_with_deferred_column(soup: SQLSoup, statements: list[str]) -> None:
    """A deferred column is loaded when it is looked at."""
    table = soup.books._table
    works = soup.map(table, properties={"title": orm.deferred(table.c.title)})
    statements.clear()
    row = works.get(1)
    assert len(statements) == 1
    assert "title" not in statements[0]
    assert row.title == "Mustards"
    assert len(statements) == 2


def test_properties_with_composite(soup: SQLSoup) -> None:
    """A composite value of two columns is read, compared and stored."""
    table = soup.books._table
    works = soup.map(
        table, properties={"imprint": orm.composite(Imprint, table.c.title, table.c.year)}
    )
    row = works.get(2)
    assert row.imprint == Imprint("Regional", 1991)
    assert works.filter(works.imprint == Imprint("Mustards", 1989)).one().id == 1
    row.imprint = Imprint("National", 1992)
    soup.commit()
    assert soup.execute("SELECT title, year FROM books WHERE id = 2").one() == ("National", 1992)


def test_properties_with_column_property(soup: SQLSoup) -> None:
    """An SQL expression is an attribute that only reads."""
    table = soup.books._table
    works = soup.map(table, properties={"shout": orm.column_property(sa.func.upper(table.c.title))})
    assert [row.shout for row in works.order_by("id")] == ["MUSTARDS", "REGIONAL", "SOUPS"]


def test_mapper_args_are_not_changed(soup: SQLSoup) -> None:
    """The dict given as mapper_args belongs to the caller, and serves twice."""
    key = [soup.books._table.c.id]
    mapper_args = {"primary_key": key, "exclude_properties": ["year"]}
    first = soup.map_to("one", tablename="books", mapper_args=mapper_args)
    second = soup.map_to("two", tablename="books", mapper_args=mapper_args)
    assert mapper_args == {"primary_key": key, "exclude_properties": ["year"]}
    assert first.c.keys() == second.c.keys() == ["id", "title"]


# primary_key


def test_table_without_key(db: SQLSoup) -> None:
    """A table without a primary key is refused, and nothing is cached."""
    with pytest.raises(sqlsoup.SQLSoupError) as error:
        db.visits  # noqa: B018
    assert isinstance(error.value, AttributeError)
    assert str(error.value).startswith("table 'visits' does not have a primary key defined; ")
    assert db._cache == {}
    assert sqlsoup.PKNotFoundError is sqlsoup.SQLSoupError


def test_selectable_without_key(soup: SQLSoup) -> None:
    """map_to() says that a selectable has no key; map() leaves it to SQLAlchemy."""
    bare = sa.select(sa.table("visits", sa.column("day"), sa.column("n"))).subquery("bare")
    with pytest.raises(sqlsoup.SQLSoupError) as error:
        soup.map_to("bare", selectable=bare)
    assert str(error.value).startswith("selectable 'bare' does not have a primary key defined; ")
    with pytest.raises(sqlsoup.SQLSoupError) as error:
        soup.map_to("bare", selectable=bare.element)
    assert str(error.value).startswith("selectable 'Subquery' does not have a primary key ")
    with pytest.raises(sa.exc.ArgumentError, match="could not assemble any primary key"):
        soup.map(bare)
    assert soup._cache == {}


@pytest.mark.parametrize("key", ["column", "name"])
def test_primary_key_for_table(db: SQLSoup, key: str) -> None:
    """map_to() takes the primary key of a table that has none, as columns or names."""
    with pytest.raises(sqlsoup.SQLSoupError):
        db.visits  # noqa: B018
    column = db._metadata.tables["visits"].c.day if key == "column" else "day"
    visits = db.map_to("visits", tablename="visits", mapper_args={"primary_key": [column]})
    assert db.visits is visits
    assert type(visits) is TableClassType
    assert type(visits.get(2)) is visits
    assert visits.get(2).n == 5
    visits.insert(day=3, n=1)
    visits.get(1).n = 8
    db.commit()
    assert db.execute("SELECT day, n FROM visits ORDER BY day").all() == [(1, 8), (2, 5), (3, 1)]


@pytest.mark.parametrize("wrap", ["subquery", "cte", "alias", None])
def test_primary_key_for_select(soup: SQLSoup, wrap: str | None) -> None:
    """primary_key= may name columns of the table inside a select, wrapped or not."""
    books = soup.books._table
    counts = sa.select(books.c.year, sa.func.count().label("n")).group_by(books.c.year)
    cls = soup.map(
        getattr(counts, wrap)() if wrap else counts, primary_key=[books.c.year], allow_partial_pks=0
    )
    assert cls.get(1989).n == 1
    assert type(cls.get(1989)) is cls


def test_primary_key_of_join(soup: SQLSoup) -> None:
    """A join takes primary_key= too; get() then takes that key."""
    cls = soup.join(soup.books, soup.loans, primary_key=[soup.books._table.c.id])
    assert type(cls.get(3)) is cls
    assert cls.get(3).user_name == "Bo"


@pytest.mark.parametrize("method", ["map", "with_labels"])
def test_primary_key_of_view(soup: SQLSoup, lite: sa.Engine, method: str) -> None:
    """A view is mapped once it is told its key."""
    with lite.begin() as connection:
        connection.exec_driver_sql("CREATE VIEW recent AS SELECT id, title FROM books")
    recent = soup.map_to("recent", tablename="recent", mapper_args={"primary_key": ["id"]})
    cls = getattr(soup, method)(recent, primary_key=[recent._table.c.id])
    name = "title" if method == "map" else "recent_title"
    assert type(cls.get(3)) is cls
    assert getattr(cls.get(3), name) == "Soups"


# base


class Shouting:
    """A base with a method, a property and a constructor of its own."""

    def shout(self: Any) -> str:
        """Return the title in capitals."""
        return str(self.title).upper()


@pytest.mark.parametrize(
    "make",
    [
        lambda db: db.map_to("works", tablename="books", base=Shouting),
        lambda db: db.map(db.books, base=Shouting),
        lambda db: db.join(db.books, db.loans, base=Shouting),
        lambda db: db.map(sa.select(db.books._table), Shouting),
    ],
    ids=["map_to", "map", "join", "select"],
)
def test_base_of_one_class(soup: SQLSoup, make: Callable[[SQLSoup], Any]) -> None:
    """base= gives one class a base; the others keep that of the SQLSoup."""
    cls = make(soup)
    assert cls.__bases__ == (Shouting,)
    assert cls.filter_by(title="Soups").one().shout() == "SOUPS"
    assert soup.books.__bases__ == (object,)


def test_base_with_labels(soup: SQLSoup) -> None:
    """with_labels() takes a base too."""
    assert soup.with_labels(soup.books, base=Shouting).__bases__ == (Shouting,)


def test_base_of_all_classes(lite: sa.Engine) -> None:
    """The base of the SQLSoup is that of every class, and can be changed for later ones."""
    db = SQLSoup(lite, base=Shouting)
    assert db.base is Shouting
    assert db.books.__bases__ == db.join(db.books, db.loans).__bases__ == (Shouting,)
    db.base = object
    assert db.users.__bases__ == (object,)
    assert db.books.get(1).shout() == "MUSTARDS"


# class attributes


def test_class_attributes(soup: SQLSoup) -> None:
    """A class has c, _table, _query and columns, and so have its rows the first three."""
    books = soup.books
    assert type(books._table) is sa.Table
    assert books._table is soup._metadata.tables["books"]
    assert type(books._query) is orm.Query
    assert books._query is not books._query
    assert books.c.keys() == books.columns.keys() == ["id", "title", "year"]
    assert books.c.title is books._table.c.title
    assert type(books.c) is type(sa.inspect(books).columns)
    row = books.get(1)
    assert row.c is books.c
    assert row._table is books._table
    assert type(row._query.first()) is books


def test_unknown_attribute(soup: SQLSoup, statements: list[str]) -> None:
    """A name that is nothing raises AttributeError, without any SQL."""
    books = soup.books
    statements.clear()
    with pytest.raises(AttributeError) as error:
        books.titel  # noqa: B018
    assert str(error.value) == (
        "'MappedBooks' has no column, relationship or query method 'titel'; did you mean 'title'?"
    )
    assert not hasattr(books, "_private")
    assert statements == []


def test_every_query_attribute_is_reachable(soup: SQLSoup) -> None:
    """Whatever the Query class offers is on the class, bound to a new query of it."""
    names = [name for name in dir(orm.Query) if not name.startswith("_")]
    assert [name for name in names if not hasattr(soup.books, name)] == []
    own = {"get", "delete", "filter_by"}
    functions = [name for name in names if inspect.isfunction(getattr(orm.Query, name))]
    queries = [getattr(soup.books, name).__self__ for name in functions if name not in own]
    assert len(queries) > 60
    assert {type(query) for query in queries} == {orm.Query}
    assert {query.column_descriptions[0]["entity"] for query in queries} == {soup.books}


def test_query_methods(db: SQLSoup) -> None:
    """Query methods on the class give rows of the class, counts and queries."""
    books = db.books
    assert {type(row) for row in books.all()} == {books}
    assert type(books.first()) is books
    assert type(books.filter(books.year < 1990).one()) is books
    assert type(books.order_by(books.title.desc())) is orm.Query
    assert [row.id for row in books.order_by(books.id.desc()).limit(2)] == [3, 2]
    assert books.count() == 3
    assert books.filter_by(title="none").first() is None
    assert books.filter_by(id=3).update({"title": "Stews"}) == 1
    assert books.with_entities(books.title).filter_by(id=3).scalar() == "Stews"
    assert [type(row) for row in db.session.query(books).all()] == [books] * 3
    assert [type(row) for row in db.session.scalars(sa.select(books))] == [books] * 3
    with pytest.raises(sa.exc.NoResultFound) as error:
        books.filter_by(id=99).one()
    assert type(error.value) is sa.exc.NoResultFound


def test_session_of_a_class(soup: SQLSoup) -> None:
    """The session of a query is on the class as well."""
    assert soup.books.session is soup.session()


def test_query_class_of_the_session(lite: sa.Engine) -> None:
    """A session with a Query class of its own lends its methods to the classes."""

    class Paged(orm.Query):  # type: ignore[type-arg]
        def page(self, number: int) -> list[Any]:
            return self.order_by("id").limit(2).offset(2 * number).all()

        def get(self, ident: Any) -> Any:
            return ("got", ident)

    session = orm.scoped_session(orm.sessionmaker(query_cls=Paged))
    db = SQLSoup(lite, session=session)
    assert [row.title for row in db.books.page(1)] == ["Soups"]
    assert type(db.books.filter_by(id=1)) is Paged
    assert db.books.get(1) == ("got", 1)
    session.remove()


# get


def test_get(db: SQLSoup, statements: list[str]) -> None:
    """get() finds a row by its key, without SQL when the session has it."""
    ada = db.users.get("Ada")
    assert type(ada) is db.users
    assert ada.email == "ada@example.org"
    statements.clear()
    assert db.users.get("Ada") is ada
    assert statements == []
    assert db.users.get("Nobody") is None
    assert len(statements) == 1
    assert db.users.get(None) is None


@pytest.mark.parametrize(
    "key", [("A", 2), ["A", 2], {"room": "A", "number": 2}], ids=["tuple", "list", "dict"]
)
def test_get_composite_key(db: SQLSoup, key: Any) -> None:
    """get() takes a key of several columns in their order or by their names."""
    seat = db.seats.get(key)
    assert type(seat) is db.seats
    assert (seat.room, seat.number) == ("A", 2)


def test_get_incomplete_key(soup: SQLSoup) -> None:
    """A key with a value too few raises SQLAlchemy's error."""
    with pytest.raises(sa.exc.InvalidRequestError, match="Incorrect number of values") as error:
        soup.seats.get("A")
    assert type(error.value) is sa.exc.InvalidRequestError


# columns whose names mean something to Python, SQLAlchemy or us


@pytest.mark.parametrize("name", HOSTILE)
def test_column_of_any_name(lite: sa.Engine, name: str) -> None:
    """A column of any name is a plain attribute: inserted, queried, changed, shown, deleted."""
    create(lite, "odd", sa.Column("id", sa.Integer, primary_key=True), sa.Column(name, sa.Integer))
    db = SQLSoup(lite)
    odd = db.odd
    assert db.odd is db.entity("odd") is odd
    row = odd(**{"id": 1, name: 5})
    assert getattr(row, name) == 5
    db.commit()
    attribute = getattr(odd, name)
    assert isinstance(attribute, orm.InstrumentedAttribute)
    found = db.session.query(odd).filter(attribute == 5).one()
    assert found is row
    setattr(row, name, 6)
    db.commit()
    assert repr(row) == f"MappedOdd(id=1,{name}=6)"
    assert row == row  # noqa: PLR0124
    table = db._metadata.tables["odd"]
    assert db.execute(sa.select(table.c[name])).scalar() == 6
    assert type(db.map(sa.select(table)).__mro__[0]) is SelectableClassType
    assert db.session.query(db.join(odd, db.tags, sa.true())).count() == 2
    db.delete(row)
    db.commit()
    assert db.session.query(odd).count() == 0


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "insert"])
def test_insert_with_column_of_any_name(lite: sa.Engine, name: str) -> None:
    """insert() takes a column of any name as a keyword."""
    create(lite, "odd", sa.Column("id", sa.Integer, primary_key=True), sa.Column(name, sa.Integer))
    db = SQLSoup(lite)
    row = db.odd.insert(**{name: 5})
    assert type(row) is db.odd
    db.commit()
    assert getattr(row, name) == 5


def test_all_names_on_every_database(engine: sa.Engine) -> None:
    """All these names together make one table that works on every database."""
    create(
        engine,
        "odd",
        sa.Column("id", sa.Integer, primary_key=True),
        *[sa.Column(name, sa.Integer) for name in HOSTILE],
    )
    db = SQLSoup(engine)
    odd = db.odd
    values = {name: number for number, name in enumerate(HOSTILE)}
    odd(id=1, **values)
    db.commit()
    row = db.session.query(odd).filter(getattr(odd, "with space") == values["with space"]).one()
    assert type(row) is odd
    assert {name: getattr(row, name) for name in HOSTILE} == values


def test_column_hides_query_method(lite: sa.Engine) -> None:
    """A column comes before a Query method of its name, which db.session.query() still has."""
    create(
        lite, "odd", sa.Column("id", sa.Integer, primary_key=True), sa.Column("count", sa.Integer)
    )
    db = SQLSoup(lite)
    db.odd.insert(count=7)
    db.commit()
    assert db.odd.filter_by(count=7).one().count == 7
    assert db.odd.filter_by(count=7).count() == 1


# neither cached nor kept


@pytest.mark.parametrize(
    "make",
    [
        lambda db: db.map(db.books),
        lambda db: db.map(sa.select(db.books._table)),
        lambda db: db.join(db.books, db.loans),
        lambda db: db.with_labels(db.books),
        lambda db: db.join(db.books, db.shelves, db.books.id == db.shelves.id),
    ],
    ids=["table", "select", "join", "with_labels", "ambiguous join"],
)
def test_not_cached(soup: SQLSoup, make: Callable[[SQLSoup], Any]) -> None:
    """Each call gives another class, which is not cached and collected when it is dropped."""
    first, second = make(soup), make(soup)
    assert first is not second
    assert first not in soup._cache.values()
    assert set(soup._cache) <= {"books", "loans", "shelves"}
    gone = weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None
    assert isinstance(second, SelectableClassType)


def test_what_stands_for_a_class_in_a_statement(soup):
    """``__clause_element__`` is what SQLAlchemy itself takes for it: results are rows."""
    element = soup.users.__clause_element__()
    assert element.compare(soup.users._table)
    assert {type(row) for (row,) in soup.session.execute(sa.select(element))} == {soup.users}


def test_the_constructor_takes_any_name(soup):
    """SQLAlchemy's stands before it, which leaves names and the documentation as they are."""
    constructor = vars(soup.users)["__init__"]
    assert (constructor.__name__, constructor.__qualname__) == ("__init__", "__init__")
    assert constructor.__doc__ == "Set the attributes of a new row."
    with pytest.warns(sqlsoup.SQLSoupWarning, match="no column or relationship"):
        row = soup.users(name="Di", self=1, row=2)
    assert (row.name, row.self, row.row) == ("Di", 1, 2)


def test_listeners_for_all_mappers_hear_of_new_rows(soup):
    """They hear of those of classes that were mapped before and after they were set."""
    heard = []

    def hear(row, _args, _values):
        heard.append(type(row).__name__)

    before = soup.users
    sa.event.listen(orm.Mapper, "init", hear)
    try:
        before(name="Di")
        soup.books(title="Tides")
    finally:
        sa.event.remove(orm.Mapper, "init", hear)
    assert heard == ["MappedUsers", "MappedBooks"]


def test_custom_instrumentation_is_left_to_sqlalchemy(soup, monkeypatch):
    """Where it may be chosen, SQLAlchemy makes the manager of a class and its constructor."""
    own = type("Factory", (instrumentation.InstrumentationFactory,), {})
    monkeypatch.setattr(instrumentation, "_instrumentation_factory", own())
    first, second = (vars(cls)["__init__"].__code__ for cls in (soup.users, soup.books))
    assert first is not second
    assert soup.users(name="Di").name == "Di"
    assert soup.users.get("Bo").name == "Bo"
