"""Queries as SQLAlchemy 1.3 and before had them."""

from __future__ import annotations

from contextlib import suppress

import pytest
import sqlalchemy as sa
from conftest import noted_in
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import (
    ArgumentError,
    InvalidRequestError,
    MultipleResultsFound,
    NoResultFound,
)
from sqlalchemy.ext.horizontal_shard import ShardedSession
from sqlalchemy.orm import (
    Load,
    Query,
    Session,
    aliased,
    contains_eager,
    declarative_base,
    defaultload,
    defer,
    deferred,
    immediateload,
    joinedload,
    lazyload,
    load_only,
    noload,
    raiseload,
    relationship,
    selectinload,
    subqueryload,
    undefer,
    undefer_group,
    with_loader_criteria,
    with_parent,
)

import sqlsoup
from sqlsoup import legacy
from sqlsoup.legacy import _notes

LEGACY_API = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.LegacyAPIWarning")


pytestmark = pytest.mark.usefixtures("old_forms")


def relate(db):
    """Relate users, loans, books and tags."""
    db.users.relate("loans", db.loans, order_by=db.loans.book_id)
    db.loans.relate("user", db.users)
    db.loans.relate("book", db.books)
    db.books.relate(
        "tags", db.tags, secondary=db.book_tags._table, backref="books", order_by=db.tags.word
    )
    return db


@pytest.fixture
def lib(soup):
    """A SQLSoup in which users, loans, books and tags are related, in SQLite alone."""
    return relate(soup)


def forms():
    """Return the identifiers of what was noted, each once."""
    return sorted({note.form for note in legacy.report().notes})


def names(query):
    """Return the names of the users that a query gives."""
    return [user.name for user in query]


def loaded(row):
    """Return what a row holds without asking the database."""
    return sorted(name for name in vars(row) if not name.startswith("_"))


# text and names of columns


@pytest.mark.parametrize(
    ("order", "expected", "is_noted"),
    [
        (("name",), ["Ada", "Bo", "Cy"], False),
        (("admin", "name"), ["Bo", "Cy", "Ada"], False),
        (("name DESC",), ["Cy", "Bo", "Ada"], True),
        (("users.name",), ["Ada", "Bo", "Cy"], True),
        ((["admin", "name"],), ["Bo", "Cy", "Ada"], True),
        ((("admin", sa.text("name DESC")),), ["Cy", "Bo", "Ada"], True),
        ((sa.desc("name"),), ["Cy", "Bo", "Ada"], False),
    ],
    ids=str,
)
def test_order_by(order, expected, is_noted, db):
    """The name of a column stays one, other text becomes text, and a list is its items."""
    assert names(db.users.order_by(*order)) == expected
    assert bool(legacy.report()) is is_noted


def test_text_in_a_query(db):
    """A string in filter(), having() and from_statement() is text, and noted as it is bound."""
    users = db.users
    assert names(users.filter("admin = 0").order_by("name")) == ["Bo", "Cy"]
    counted = db.session.query(users.admin, sa.func.count(users.name))
    assert counted.group_by("admin").having("count(name) > 1").all() == [(0, 2)]
    assert counted.group_by(["admin"]).order_by("admin").all() == [(0, 2), (1, 1)]
    assert names(users.from_statement("SELECT * FROM users ORDER BY name DESC")) == [
        "Cy", "Bo", "Ada",
    ]  # fmt: skip
    assert forms() == ["query-text", "select-arguments"]
    assert (
        legacy.report()
        .notes[0]
        .instead.startswith('text("admin = :admin").bindparams(admin=...); ')
    )


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_distinct_with_names(lib):
    """distinct() takes names of columns and lists."""
    users = lib.users
    assert lib.session.query(users.admin).distinct().order_by("admin").all() == [(0,), (1,)]
    dialect = postgresql.dialect()
    for asked in (("admin",), (["admin"],), (users.admin,)):
        statement = lib.session.query(users.admin).distinct(*asked).statement
        text = str(statement.compile(dialect=dialect))
        assert text.startswith("SELECT DISTINCT ON (users.admin) users.admin")


# joins


JOINS = {
    "a name": lambda q, db: q.join("loans").filter_by(book_id=1),
    "names": lambda q, db: q.join("loans", "book").filter_by(title="Soups"),
    "a dotted name": lambda q, db: q.join("loans.book").filter_by(title="Soups"),
    "a list of names": lambda q, db: q.join(["loans", "book", "tags"]).filter_by(word="hot"),
    "attributes": lambda q, db: q.join(db.users.loans, db.loans.book).filter_by(title="Soups"),
    "a list of attributes": lambda q, db: q.join([db.users.loans, db.loans.book]).filter_by(id=1),
    "an attribute and a name": lambda q, db: q.join(db.users.loans, "book").filter_by(id=1),
    "a tuple": lambda q, db: q.join(
        (db.loans, db.loans.user_name == db.users.name)
    ).filter_by(book_id=1),
    "tuples": lambda q, db: q.join(
        (db.loans, db.loans.user_name == db.users.name), (db.books, db.books.id == db.loans.book_id)
    ).filter_by(id=1),
    "a tuple with a name": lambda q, db: q.join((db.loans, "loans"), "book").filter_by(id=1),
    "a tuple of one": lambda q, db: q.join((db.loans,)).filter_by(book_id=1),
    "a target and a name": lambda q, db: q.join(db.loans, "loans").filter_by(book_id=1),
    "targets": lambda q, db: q.join(db.loans, db.books, db.book_tags).filter_by(word="hot"),
    "tables": lambda q, db: q.join(db.loans._table, db.books._table).filter(db.books.id == 1),
    "a target by keyword": lambda q, db: q.join(target="loans").filter_by(book_id=1),
    "one after the other": lambda q, db: q.join("loans").join(
        "book", from_joinpoint=True
    ).filter_by(id=1),
    "from what was joined": lambda q, db: q.join(db.users.loans).join(
        "book", "tags", from_joinpoint=True
    ).filter_by(word="hot"),
    "after a filter": lambda q, db: q.join("loans").filter_by(book_id=1).order_by("name").join(
        "book", from_joinpoint=True
    ).filter_by(id=1),
    "again from the start": lambda q, db: q.join("loans").reset_joinpoint().filter_by(name="Bo"),
}  # fmt: skip


@pytest.mark.parametrize("form", JOINS)
def test_join(form, lib):
    """Each of the old ways to join finds the way, and filter_by() is about what came last."""
    assert names(JOINS[form](lib.session.query(lib.users), lib)) == ["Bo"]
    assert forms() == ["query-join"]


def test_join_of_an_alias(lib):
    """Names are those of what was joined last, be it an alias."""
    other, loan = aliased(lib.users), aliased(lib.loans)
    assert names(lib.session.query(other).join("loans").filter_by(book_id=1)) == ["Bo"]
    assert names(lib.users.join((loan, "loans"), (lib.books, "book")).filter_by(id=1)) == ["Bo"]
    assert names(lib.users.join(loan, lib.users.loans, "book").filter_by(id=1)) == ["Bo"]


def test_outerjoin(db):
    """outerjoin() takes the same, and so does isouter=True."""
    relate(db)
    for query in (
        db.users.outerjoin("loans"),
        db.users.outerjoin("loans", "book"),
        db.users.join("loans", isouter=True),
        db.users.outerjoin((db.loans, db.loans.user_name == db.users.name)),
    ):
        found = query.filter(db.loans.book_id == None).order_by(db.users.name)  # noqa: E711
        assert names(found) == ["Ada", "Cy"]


def test_where_a_join_begins(lib):
    """Names are those of what the query selects from, else of what it gives first."""
    session, users, books = lib.session, lib.users, lib.books
    assert session.query(users.name).join("loans").count() == 2
    assert session.query(sa.func.count(users.name)).join("loans").scalar() == 2
    assert session.query(sa.func.count("*")).select_from(users).join("loans").scalar() == 2
    titles = session.query(books.title).select_from(users).join("loans", "book").order_by("title")
    assert titles.all() == [("Mustards",), ("Soups",)]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (lambda db: db.users.join("nothing"), "MappedUsers has no relationship 'nothing' to join"),
        (lambda db: db.users.join("name"), "MappedUsers has no relationship 'name' to join"),
        (
            lambda db: db.users.join("loans").join("book"),
            "MappedUsers has no relationship 'book' to join",
        ),
        (
            lambda db: db.users.join("loans.nothing"),
            "MappedLoans has no relationship 'nothing' to join",
        ),
        (
            lambda db: db.session.query(sa.func.count()).join("loans"),
            "what is selected from has no relationship 'loans' to join",
        ),
    ],
)
def test_no_such_relationship(query, message, lib):
    """A name that is no relationship is an error that says of which class."""
    with pytest.raises(InvalidRequestError) as caught:
        query(lib)
    assert str(caught.value) == message


ALIASED = {
    "order of none": (
        lambda db: db.users.join("loans", aliased=True).filter_by(book_id=3).order_by(None),
        ["Bo"],
    ),
    "a name": (
        lambda db: db.users.join("loans", aliased=True).filter(db.loans.book_id == 3),
        ["Bo"],
    ),
    "an attribute": (
        lambda db: db.users.join(db.users.loans, aliased=True).filter_by(book_id=3),
        ["Bo"],
    ),
    "a class and a condition": (
        lambda db: db.users.join(
            (db.loans, db.users.name == db.loans.user_name), aliased=True
        ).filter(db.loans.book_id == 3),
        ["Bo"],
    ),
    "twice": (
        lambda db: (
            db.users.join("loans", aliased=True)
            .filter(db.loans.book_id == 1)
            .join("loans", aliased=True)
            .filter(db.loans.book_id == 3)
        ),
        ["Bo"],
    ),
    "onwards": (
        lambda db: db.users.join("loans", "book", aliased=True).filter(db.books.title == "Soups"),
        ["Bo"],
    ),
    "in steps": (
        lambda db: (
            db.users.join("loans", aliased=True)
            .join("book", aliased=True, from_joinpoint=True)
            .filter(db.books.title == "Soups", db.loans.book_id == 3)
        ),
        ["Bo"],
    ),
    "outer": (
        lambda db: (
            db.users.outerjoin("loans", aliased=True)
            .filter(db.loans.book_id.is_(None))
            .order_by(db.loans.book_id, db.users.name)
        ),
        ["Ada", "Cy"],
    ),
    "any of the same": (
        lambda db: db.users.join("loans", aliased=True).filter(
            db.loans.book_id == 1, db.users.loans.any(db.loans.book_id == 3)
        ),
        ["Bo"],
    ),
    "has of what is joined": (
        lambda db: db.users.join("loans", aliased=True).filter(
            db.loans.book.has(db.books.title == "Soups")
        ),
        ["Bo"],
    ),
    "a condition about the alias": (
        lambda db: (
            db.users.join("loans", aliased=True)
            .join((db.books, db.books.id == db.loans.book_id), aliased=True, from_joinpoint=True)
            .filter(db.books.title == "Soups")
        ),
        ["Bo"],
    ),
    "back at the start": (
        lambda db: (
            db.users.join("loans", aliased=True)
            .filter(db.loans.book_id == 3)
            .reset_joinpoint()
            .join(db.users.loans)
            .filter(db.loans.book_id == 1)
        ),
        ["Bo"],
    ),
}


@pytest.mark.parametrize("kind", ALIASED)
def test_join_with_an_alias_of_its_own(kind, db):
    """aliased=True joins an alias, which criteria and order are about until the next join()."""
    relate(db)
    make, expected = ALIASED[kind]
    query = make(db)
    assert [user.name for user in query] == expected
    assert "AS loans_1" in str(query)
    assert "query-join" in {note.form for note in legacy.report().notes}


# from_self() and what is like it


def test_from_self(db):
    """from_self() makes a subquery of what there was, limit and all, on which to go on."""
    relate(db)
    users = db.users
    two = users.order_by(users.name.desc()).limit(2)
    assert names(two.from_self().order_by(users.name)) == ["Bo", "Cy"]
    assert two.from_self().count() == 2
    assert names(two.from_self().filter(users.name > "C")) == ["Cy"]
    assert two.from_self().filter_by(name="Ada").first() is None
    assert two.from_self(users.name).order_by(users.name).all() == [("Bo",), ("Cy",)]
    assert two.from_self(sa.func.count(users.name)).scalar() == 2
    assert names(two.from_self().from_self().order_by(users.name)) == ["Bo", "Cy"]
    assert names(two.from_self().join("loans").filter_by(book_id=1)) == ["Bo"]
    both = db.session.query(users, db.loans).join(users.loans).from_self()
    assert [(u.name, x.book_id) for u, x in both.order_by(db.loans.book_id)] == [
        ("Bo", 1), ("Bo", 3),
    ]  # fmt: skip
    eager = two.options(joinedload(users.loans)).from_self().order_by(users.name)
    assert [len(user.loans) for user in eager] == [2, 0]
    assert forms() == ["from-self", "query-join"]


def test_select_entity_from(lib):
    """select_entity_from() takes the rows of a class from a subquery, a select or a join."""
    users, session = lib.users, lib.session
    some = sa.select(users._table).where(users.name != "Ada")
    for source in (some.subquery(), some, users.filter(users.name != "Ada").subquery()):
        query = session.query(users).select_entity_from(source)
        assert names(query.order_by(users.name)) == ["Bo", "Cy"]
        assert query.filter(users.name == "Cy").count() == 1
        assert names(query.join("loans").filter_by(book_id=1)) == ["Bo"]
    joined = users._table.join(lib.loans._table)
    assert names(session.query(users).select_entity_from(joined)) == ["Bo"]
    with pytest.raises(sqlsoup.ArgumentError) as caught:
        session.query(users).select_entity_from("users")
    assert str(caught.value).startswith("'selectable' argument must be a table")


@pytest.mark.parametrize(
    ("mode", "postgresql", "mysql"),
    [
        ("read", "FOR SHARE", "LOCK IN SHARE MODE"),
        ("update", "FOR UPDATE", "FOR UPDATE"),
        ("update_nowait", "FOR UPDATE NOWAIT", "FOR UPDATE NOWAIT"),
        (None, "", ""),
    ],
)
def test_with_lockmode(mode, postgresql, mysql, db, statements):
    """with_lockmode() locks the rows in each of its modes."""
    assert len(db.users.filter_by(name="Bo").with_lockmode(mode).all()) == 1
    expected = {"postgresql": postgresql, "mysql": mysql, "sqlite": ""}[db.engine.dialect.name]
    assert statements[-1].partition("WHERE")[2].partition("\n")[2] == expected or (
        expected and statements[-1].endswith(f" {expected}")
    )
    db.rollback()


def test_unknown_lockmode(soup):
    """A mode that never was is an error."""
    with pytest.raises(ArgumentError) as caught:
        soup.users.with_lockmode("gently")
    assert str(caught.value) == "Unknown with_lockmode argument: 'gently'"


@LEGACY_API
def test_with_parent(lib):
    """with_parent() takes the name of the relationship, as a method and as a function."""
    users, loans = lib.users, lib.loans
    bo = users.get("Bo")
    for query in (
        loans.with_parent(bo, "loans"),
        loans.with_parent(bo, property="loans"),
        loans.filter(with_parent(bo, "loans")),
    ):
        assert [loan.book_id for loan in query.order_by("book_id")] == [1, 3]
    assert forms() == ["with-parent-name"]
    with pytest.raises(AttributeError):
        loans.with_parent(bo, "nothing")


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (-1, "Cy"),
        (-3, "Ada"),
        (slice(-2, None), ["Bo", "Cy"]),
        (slice(None, -1), ["Ada", "Bo"]),
        (slice(-2, -1), ["Bo"]),
        (slice(-2, None, -1), ["Bo", "Ada"]),
        (slice(1, -1), []),  # as it was: the bounds are compared as they are
    ],
    ids=str,
)
def test_negative_index(index, expected, soup):
    """A query has negative indexes and slices, as a list has."""
    found = soup.users.order_by("name")[index]
    assert (names(found) if isinstance(found, list) else found.name) == expected
    assert forms() == ["query-index"] * bool(expected)  # what is empty is so without the module


def test_index_before_the_first(soup):
    """A negative index beyond the first row is an error."""
    with pytest.raises(IndexError):
        soup.users.order_by("name")[-4]


def test_add_entity_with_an_alias(lib):
    """add_entity() takes an alias of the table, by position and by name."""
    loans = lib.loans._table.alias()
    query = lib.session.query(lib.users)
    for added in (query.add_entity(lib.loans, loans), query.add_entity(lib.loans, alias=loans)):
        found = added.filter(loans.c.user_name == lib.users.name).order_by(loans.c.book_id)
        assert [(user.name, loan.book_id) for user, loan in found] == [("Bo", 1), ("Bo", 3)]


def test_entity_name(lib):
    """Query() takes an entity_name that is None."""
    assert Query(lib.users, lib.session(), None).count() == 3
    assert Query(lib.users, lib.session(), entity_name=None).count() == 3
    assert noted_in(__file__) == {"entity-name"}


# the statement of a query


@LEGACY_API
def test_statement_gives_columns(db):
    """What a session gives for the statement of a query is columns, and noted."""
    relate(db)
    session, users = db.session, db.users
    query = users.filter(users.admin == 0).order_by(users.name)
    expected = [("Bo", "bo@example.org", 0), ("Cy", None, 0)]
    assert [tuple(row) for row in session.execute(query.statement)] == expected
    assert forms() == ["query-statement"]
    assert [tuple(row) for row in db.execute(query.statement)] == expected
    assert session.scalar(query.statement) == "Bo"
    with db.engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(query.statement)] == expected
    labelled = session.query(users, db.loans).join(users.loans).with_labels()
    first = session.execute(labelled.order_by(db.loans.book_id).statement).first()
    assert first._fields == (
        "users_name", "users_email", "users_admin", "loans_book_id", "loans_user_name", "loans_day",
    )  # fmt: skip
    of_class = session.execute(db.users.statement.where(users.name == "Bo")).all()
    assert of_class == [("Bo", "bo@example.org", 0)]


def test_statement_has_its_parameters(soup):
    """Parameters that a query was given are in its statement."""
    query = soup.users.filter("name = :n").params(n="Bo")
    assert soup.session.execute(query.statement).scalar() == "Bo"


def test_statement_elsewhere(lib):
    """A statement within another, and one that is mapped, is what it is without the module."""
    session, users = lib.session, lib.users
    some = session.query(users.name).filter(users.admin == 0)
    assert names(users.filter(users.name.in_(some.statement)).order_by("name")) == ["Bo", "Cy"]
    mapped = lib.map(users.filter(users.admin == 0).statement, primary_key=["name"])
    assert names(mapped.order_by("name")) == ["Bo", "Cy"]
    assert isinstance(mapped.first(), mapped)
    everybody = some.statement.union(session.query(users.name).filter(users.admin == 1).statement)
    assert session.execute(everybody.order_by("name")).all() == [("Ada",), ("Bo",), ("Cy",)]
    assert session.query(users.statement.subquery()).count() == 3
    assert names(users.from_statement(users.order_by(users.name).statement)) == ["Ada", "Bo", "Cy"]
    assert not legacy.report()


def test_statement_that_is_no_select(soup):
    """A query of a textual statement has that for its statement."""
    query = soup.users.from_statement(sa.text("SELECT * FROM users WHERE name = 'Bo'"))
    assert [row.name for row in soup.session.execute(query.statement).scalars()] == ["Bo"]


# loader options


@pytest.fixture
def bo(lib, statements):
    """A function that loads one user with options: what is loaded, and in how many statements."""

    def load(*options):
        lib.session.expunge_all()
        query = lib.users.options(*options).filter_by(name="Bo")
        statements.clear()
        user = query.one()
        count = len(statements)
        found = [count, *set(loaded(user)) - {"name", "email", "admin"}]
        if "loans" in vars(user) and user.loans and "book" in vars(user.loans[0]):
            found.append("book")
            if "tags" in vars(user.loans[0].book):
                found.append("tags")
        assert len(statements) == count
        return found

    return load


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (lambda db: joinedload("loans"), [1, "loans"]),
        (lambda db: subqueryload("loans"), [2, "loans"]),
        (lambda db: selectinload("loans"), [2, "loans"]),
        (lambda db: immediateload("loans"), [2, "loans"]),
        (lambda db: lazyload("loans"), [1]),
        (lambda db: raiseload("loans"), [1]),
        (lambda db: joinedload("loans.book"), [1]),
        (lambda db: joinedload("loans").joinedload("book"), [1, "loans", "book"]),
        (lambda db: joinedload("loans").joinedload(db.loans.book), [1, "loans", "book"]),
        (lambda db: joinedload(db.users.loans).joinedload("book"), [1, "loans", "book"]),
        (lambda db: joinedload(db.users.loans).subqueryload("book"), [2, "loans", "book"]),
        (lambda db: joinedload("loans", db.loans.book), [1]),
        (lambda db: joinedload(db.users.loans, "book"), [1]),
        (lambda db: Load(db.users).joinedload("loans").selectinload("book"), [2, "loans", "book"]),
        (lambda db: defaultload("loans").joinedload("book"), [1]),
        (lambda db: joinedload("loans", innerjoin=True), [1, "loans"]),
        (lambda db: joinedload("loans").joinedload("*"), [1, "loans", "book"]),
        (lambda db: joinedload("loans.*"), [1]),
    ],
)
def test_loader_option_with_a_name(option, expected, lib, bo):
    """A loader option takes names, dotted or one after the other, and mixed with attributes."""
    assert bo(option(lib)) == expected
    assert forms() == ["loader-name"]


def test_options_for_one_attribute(lib, bo):
    """The last one holds."""
    loans = lib.users.loans
    assert bo(lazyload(loans), joinedload(loans)) == [1, "loans"]
    assert bo(joinedload(loans), lazyload(loans)) == [1]
    assert forms() == ["loader-twice"]


def test_an_option_is_noted_where_it_is_made(lib):
    """It is noted once, in its own words, where it is made and not where it is used."""
    option = joinedload("loans").subqueryload("book")
    lib.users.options(option).all()
    lib.users.options(option).all()
    [note] = legacy.report().notes
    assert (note.old, note.instead, note.count) == (
        "joinedload() with a name", "joinedload(A.b)", 1,
    )  # fmt: skip


def test_options_that_are_gone(lib, bo):
    """eagerload() and the options for all of a path work by name and by attribute."""
    users, loans = lib.users, lib.loans
    from sqlalchemy.orm import (
        eagerload,
        eagerload_all,
        joinedload_all,
        lazyload_all,
        selectinload_all,
        subqueryload_all,
    )

    assert bo(eagerload("loans")) == bo(eagerload(users.loans)) == [1, "loans"]
    assert bo(eagerload_all("loans.book")) == [1, "loans", "book"]
    assert bo(eagerload_all("loans", "book")) == [1, "loans", "book"]
    assert bo(eagerload_all(users.loans, loans.book)) == [1, "loans", "book"]
    assert bo(joinedload_all("loans.book.tags")) == [1, "loans", "book", "tags"]
    assert bo(subqueryload_all("loans.book")) == bo(selectinload_all("loans.book"))
    assert bo(lazyload_all("loans.book")) == [1]
    assert forms() == ["loader-old"]


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_noload(lib):
    """noload() by name leaves a collection empty."""
    assert lib.users.options(noload("loans")).filter_by(name="Bo").one().loans == []


def test_columns_by_name(lib):
    """defer(), undefer() and load_only() take names, also of what is related."""

    def load(*options):
        lib.session.expunge_all()
        return lib.users.options(*options).filter_by(name="Bo").one()

    assert loaded(load(defer("email"))) == ["admin", "name"]
    assert loaded(load(load_only("name", "admin"))) == ["admin", "name"]
    assert loaded(load(load_only("name"), undefer("email"))) == ["email", "name"]
    assert loaded(load(Load(lib.users).load_only("name"))) == ["name"]
    assert loaded(load(joinedload("loans").load_only("day")).loans[0]) == ["book_id", "day"]
    assert loaded(load(joinedload("loans"), defer("loans.day")).loans[0]) == [
        "book_id", "user_name",
    ]  # fmt: skip


def test_groups_of_columns(soup):
    """undefer_group() works by itself and after a name."""
    table = soup.users._table
    person = soup.map(table, properties={"email": deferred(table.c.email, group="more")})
    soup.loans.relate(
        "person",
        person,
        primaryjoin=table.c.name == soup.loans.user_name,
        foreign_keys=[soup.loans._table.c.user_name],
    )
    assert loaded(soup.session.query(person).first()) == ["admin", "name"]
    soup.session.expunge_all()
    assert "email" in loaded(soup.session.query(person).options(undefer_group("more")).first())
    soup.session.expunge_all()
    loan = soup.loans.options(joinedload("person").undefer_group("more")).first()
    assert loaded(loan.person) == ["admin", "email", "name"]


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_contains_eager_of_a_path(lib):
    """The end of a path has the alias, and what is on the way one of its own, or none."""
    users, loans, books = lib.users, lib.loans, lib.books
    loan, book = loans._table.alias("l1"), books._table.alias("b1")
    query = (
        users.outerjoin(loan, loan.c.user_name == users.name)
        .outerjoin(book, book.c.id == loan.c.book_id)
        .order_by(users.name, loan.c.book_id)
    )
    expected = [("Ada", []), ("Bo", ["Mustards", "Soups"]), ("Cy", [])]
    by_alias = [contains_eager("loans", alias=loan), contains_eager("loans.book", alias=book)]
    by_name = [contains_eager("loans", alias="l1"), contains_eager("loans.book", alias="b1")]
    of_text = query.set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL).statement

    def titles(found):
        return [(user.name, [loan.book.title for loan in user.loans]) for user in found]

    assert titles(query.options(by_alias)) == expected
    lib.session.expunge_all()
    assert titles(query.options(*reversed(by_alias))) == expected
    for options in (by_alias, by_name):
        lib.session.expunge_all()
        found = users.options(options).instances(lib.connection().execute(of_text))
        assert titles(found) == expected


def test_contains_eager(lib):
    """contains_eager() takes names, for all of a path, and an alias."""
    users, loans = lib.users, lib.loans
    path = users.join("loans", "book").options(contains_eager("loans.book"))
    assert loaded(path.one().loans[0]) == ["book", "book_id", "day", "user_name"]
    lib.session.expunge_all()
    loan = loans._table.alias()
    joined = users.join(loan, loan.c.user_name == users.name)
    assert "loans" in loaded(joined.options(contains_eager("loans", alias=loan)).one())


def test_the_class_of_an_option(lib):
    """A name is that of an attribute of the first class whose rows the query gives."""
    session, users, loans = lib.session, lib.users, lib.loans
    other = aliased(users)
    assert "loans" in loaded(session.query(other).options(joinedload("loans")).first())
    session.expunge_all()
    pairs = session.query(users.name, loans).join(users.loans).options(joinedload("book"))
    assert "book" in loaded(pairs.first()[1])
    session.expunge_all()
    found = session.execute(sa.select(loans).options(joinedload("book"))).scalars().first()
    assert "book" in loaded(found)
    option = joinedload("loans")
    assert users.options(option).count() == users.options(option).count() == 3


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            lambda db: db.users.options(joinedload("nothing")),
            "MappedUsers has no column or relationship 'nothing' to load",
        ),
        (
            lambda db: db.users.options(joinedload("loans.nothing")),
            "MappedLoans has no column or relationship 'nothing' to load",
        ),
        (
            lambda db: db.users.options(load_only("name", "nothing")),
            "MappedUsers has no column or relationship 'nothing' to load",
        ),
        (
            lambda db: db.session.query(db.loans, db.users).options(joinedload("loans")),
            "MappedLoans has no column or relationship 'loans' to load",
        ),
        (
            lambda db: db.session.query(db.users.name).options(joinedload("loans")),
            "joinedload() with a name is for queries of a class, not of columns alone",
        ),
    ],
)
def test_option_with_a_wrong_name(query, message, lib):
    """A name that the class does not have is an error that says so."""
    with pytest.raises(ArgumentError) as caught:
        query(lib)
    assert str(caught.value) == message


def test_an_option_by_name_is_no_anything(soup):
    """What waits for its class has no attributes but options."""
    with pytest.raises(AttributeError):
        joinedload("loans")._to_bind  # noqa: B018


# the order of a mapper


@pytest.fixture
def ordered(soup):
    """Users that come by descending name."""
    table = soup.users._table
    return soup.map(table, order_by=table.c.name.desc())


def test_mapper_order(ordered, soup, statements):
    """The order of a mapper is that of queries which have no other, limited or not."""
    query = soup.session.query(ordered)
    assert names(query) == ["Cy", "Bo", "Ada"]
    assert names(query.limit(2)) == ["Cy", "Bo"]
    assert query.first().name == "Cy"
    assert query[-1].name == "Ada"
    assert names(query.filter_by(admin=0)) == ["Cy", "Bo"]
    assert names(query.from_self()) == ["Cy", "Bo", "Ada"]
    assert names(query.order_by("name")) == ["Ada", "Bo", "Cy"]
    assert names(query.order_by(None).order_by("name")) == ["Ada", "Bo", "Cy"]
    assert names(query.order_by(None).order_by(False)) == ["Cy", "Bo", "Ada"]
    statements.clear()
    assert len(query.order_by(None).all()) == 3
    assert "ORDER BY" not in statements[-1]
    assert forms() == ["from-self", "mapper-order-by", "query-index"]


@LEGACY_API
def test_mapper_order_does_not_apply(ordered, soup, statements):
    """It is not for columns, counts, a get(), or changes to many rows."""
    session = soup.session
    session.query(ordered.name).all()
    session.query(sa.func.count(ordered.name)).scalar()
    session.query(ordered.admin).group_by(ordered.admin).all()
    session.query(ordered).filter_by(name="nobody").update({"email": None})
    session.query(ordered).filter_by(name="nobody").delete()
    assert session.query(ordered).get("Bo").name == "Bo"
    assert session.query(ordered).count() == 3
    assert [s for s in statements if "ORDER BY" in s] == [statements[-1]]
    assert statements[-1].startswith("SELECT count(*)")


def test_mapper_order_of_others(ordered, soup):
    """It is that of the first class with one, adapted to an alias."""
    session, loans = soup.session, soup.loans
    assert names(session.query(aliased(ordered))) == ["Cy", "Bo", "Ada"]
    pairs = session.query(loans, ordered).filter(loans.user_name <= ordered.name)
    assert [user.name for _, user in pairs.filter(loans.book_id == 1)] == ["Cy", "Bo"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("name", ["Ada", "Bo", "Cy"]),
        ("name desc", ["Cy", "Bo", "Ada"]),
        (["admin", "name ASC"], ["Bo", "Cy", "Ada"]),
        ("lower(name) DESC", ["Cy", "Bo", "Ada"]),
        (sa.text("name DESC"), ["Cy", "Bo", "Ada"]),
    ],
    ids=str,
)
def test_mapper_order_in_words(order, expected, soup):
    """It may be names of columns, with a direction, or text."""
    assert names(soup.session.query(soup.map(soup.users, order_by=order))) == expected


@pytest.mark.parametrize("lazy", ["select", "selectin", "subquery", "dynamic"])
def test_mapper_order_of_what_is_related(lazy, soup):
    """It is that of a collection which has no order of its own."""
    loans = soup.loans._table
    backwards = soup.map(loans, order_by=loans.c.book_id.desc())
    soup.users.relate(
        "backwards",
        backwards,
        primaryjoin=soup.users._table.c.name == loans.c.user_name,
        foreign_keys=[loans.c.user_name],
        lazy=lazy,
    )
    bo = soup.users.filter_by(name="Bo").one()
    assert [loan.book_id for loan in bo.backwards] == [3, 1]


# what needs no change


NEW = {
    "filter": lambda db: db.users.filter(db.users.admin == 0, sa.text("name > 'B'")),
    "where": lambda db: db.users.where(db.users.admin == 0),
    "order_by": lambda db: db.users.order_by(db.users.name.desc(), "email", None),
    "no order": lambda db: db.users.order_by("name").order_by(None),
    "group_by": lambda db: db.session.query(db.users.admin).group_by("admin").having(
        sa.func.count() > 0
    ),
    "join a class": lambda db: db.users.join(db.loans),
    "join with a condition": lambda db: db.users.join(
        db.loans, db.loans.user_name == db.users.name
    ),
    "join a table": lambda db: db.users.join(
        db.loans._table, db.loans._table.c.user_name == db.users.name
    ),
    "join an attribute": lambda db: db.users.join(db.users.loans),
    "join a class by an attribute": lambda db: db.users.join(db.loans, db.users.loans),
    "join by keyword": lambda db: db.users.join(target=db.loans, onclause=db.users.loans),
    "join an alias": lambda db: db.users.join(aliased(db.loans), db.users.loans),
    "join a subquery": lambda db: db.users.join(
        (some := db.loans.subquery()), some.c.user_name == db.users.name
    ),
    "outerjoin": lambda db: db.users.outerjoin(db.users.loans).outerjoin(db.loans.book),
    "from_statement": lambda db: db.users.from_statement(sa.text("SELECT * FROM users")),
    "options": lambda db: db.users.options(
        joinedload(db.users.loans).joinedload(db.loans.book), defer(db.users.email)
    ),
    "wildcards": lambda db: db.users.options(lazyload("*")),
    "raiseload": lambda db: db.users.options(raiseload("*")),
    "criteria": lambda db: db.users.options(with_loader_criteria(db.loans, db.loans.book_id > 1)),
    "Load": lambda db: db.users.options(Load(db.users).load_only(db.users.name)),
    "with_parent": lambda db: db.loans.with_parent(db.users.get("Bo"), db.users.loans),
    "with_parent alone": lambda db: db.loans.with_parent(db.users.get("Bo")),
    "add_entity": lambda db: db.session.query(db.users).add_entity(db.loans).join(db.loans.user),
    "lock": lambda db: db.users.with_for_update(read=True),
    "distinct": lambda db: db.users.distinct(),
    "a slice": lambda db: db.users.order_by("name")[0:2],
    "union": lambda db: db.users.union(db.users.filter_by(admin=1)),
    "select": lambda db: db.session.execute(
        sa.select(db.users).join(db.users.loans).options(joinedload(db.users.loans))
    ).unique(),
    "subquery": lambda db: db.session.query(db.users.subquery()),
    "scalar subquery": lambda db: db.users.filter(
        db.users.name == db.session.query(sa.func.max(db.users.name)).scalar_subquery()
    ),
    "exists": lambda db: db.users.filter(db.loans.filter_by(user_name="Bo").exists()),
    "update": lambda db: [db.users.filter_by(name="nobody").update({"email": "x"})],
}  # fmt: skip


@LEGACY_API
@pytest.mark.parametrize("form", NEW)
def test_new_forms(form, lib):
    """What SQLAlchemy 2 takes gives what it gives without the module, and is not noted."""

    def rows():
        lib.session.expunge_all()
        return [repr(row) for row in NEW[form](lib)]

    with_module = rows()
    assert not legacy.report()
    legacy.disable()
    assert rows() == with_module


def test_a_session_of_a_program(lib):
    """Queries of a plain session are queries like others."""
    with Session(lib.engine) as session:
        assert names(session.query(lib.users).filter("name = 'Bo'")) == ["Bo"]
        assert forms() == ["query-text"]


def test_names_as_columns(lite):
    """A query takes the names of columns, and other text, for columns."""
    session = Session(lite)
    query = session.query("admin + 1", "name").select_from(sa.table("users"))
    assert query.order_by("name").first() == (2, "Ada")
    found = session.query("name").from_statement(sa.text("SELECT name FROM users ORDER BY name"))
    assert [row.name for row in found] == ["Ada", "Bo", "Cy"]
    noted = {note.instead for note in legacy.report().notes}
    assert noted == {'column("name")', 'literal_column("admin + 1")'}
    assert session.query("'a value'").scalar() == "a value"
    assert session.query(sa.literal(1), "2").one() == (1, 2)
    assert "a value" not in str(legacy.report())


def test_options_in_a_list(db):
    """Options may be in a list or tuple."""
    relate(db)
    query = db.session.query(db.users)
    for options in ([joinedload("loans")], (joinedload("loans"), defer("admin"))):
        db.session.expunge_all()
        assert "loans" in vars(query.options(options).first())
    assert query.options([], joinedload(db.users.loans)).count() == query.count()
    assert "options() with a list" not in str(legacy.report())
    statement = sa.select(db.users).options([defer("admin")])
    assert "admin" not in vars(db.session.scalars(statement).first())
    assert "options() with a list" in str(legacy.report())


def test_join_of_classes_by_name(db):
    """join() and outerjoin() of two classes take the name of a relationship of the left one."""
    relate(db)
    query = db.session.query(db.users)
    alias = aliased(db.loans)
    joined = query.select_from(sa.orm.join(db.users, alias, "loans")).filter(alias.book_id == 1)
    assert joined.count() == query.join(db.users.loans).filter(db.loans.book_id == 1).count() > 0
    both = sa.orm.join(sa.orm.join(db.users, db.loans, "loans"), db.books, "book")
    assert query.select_from(both).count() == query.join(db.users.loans).count()
    assert query.select_from(sa.orm.outerjoin(db.users, db.loans, "loans")).count() >= query.count()
    assert query.select_from(sa.orm.join(db.users, db.loans, db.users.loans)).count() > 0
    with pytest.raises(InvalidRequestError, match="has no relationship 'loans' to join"):
        sa.orm.join(db.users._table, db.loans, "loans")


def test_join_goes_on(lib):
    """A join of classes goes on by names too, and may be what select_entity_from() is given."""
    users, loans, books = lib.users, lib.loans, lib.books
    on = sa.orm.join(users, loans, "loans").join(books, "book")
    outer = sa.orm.join(users, loans, users.loans).outerjoin(books, "book")
    query = lib.session.query(users.name, books.title)
    assert query.select_from(on).order_by(books.id).first() == ("Bo", "Mustards")
    assert query.select_from(outer).order_by(books.id).first() == ("Bo", "Mustards")
    assert query.select_entity_from(on).filter(users.name == "Bo").count() == 2
    assert names(users.select_entity_from(on).distinct()) == ["Bo"]


def test_join_backwards(lib):
    """A tuple for join() may have the relationship before the class."""
    users, loans = lib.users, lib.loans
    assert names(users.join(("loans", loans)).filter(loans.book_id == 3)) == ["Bo"]
    assert names(users.join((users.loans, loans)).filter(loans.book_id == 3)) == ["Bo"]
    assert forms() == ["query-join"]


def test_join_to_a_select(lib):
    """A query joins a statement, and has its columns."""
    users, loans = lib.users._table, lib.loans._table
    count = sa.select([loans.c.user_name, sa.func.count().label("n")]).group_by(loans.c.user_name)
    query = lib.session.query(lib.users.name, count.c.n)
    joined = query.outerjoin(count, count.c.user_name == lib.users.name)
    assert joined.order_by(lib.users.name).all() == [("Ada", None), ("Bo", 2), ("Cy", None)]
    some = lib.session.query(sa.func.count()).select_from(users.select().limit(2))
    assert some.scalar() == 2
    assert {"select-columns", "select-nested"} <= {*forms()}


def test_alias_of_a_select(lib):
    """A class may be an alias of a statement, whose columns are its attributes."""
    some = sa.select([lib.users]).where(lib.users.name > "B")
    user = aliased(lib.users, some)
    assert names(lib.session.query(user).filter(user.name < "C")) == ["Bo"]
    assert names(lib.session.query(aliased(lib.users, alias=some)).order_by("name")) == ["Bo", "Cy"]
    assert "select-nested" in forms()


def test_query_as_columns(lib):
    """A query among the columns of a select() stands for all that it selects."""
    query = lib.users.filter_by(name="Bo")
    found = lib.session.execute(sa.select([query]))
    assert "users_email" in list(found.keys())
    assert found.one().users_name == "Bo"
    assert "select-nested" in forms()


@pytest.fixture
def staff(lite):
    """A session, with a class, a class that derives from it, and what that is related to."""
    Base = declarative_base()

    class Person(Base):
        __tablename__ = "people"
        id = sa.Column(sa.Integer, primary_key=True)
        kind = sa.Column(sa.String(10))
        name = sa.Column(sa.String(10))
        __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "person"}  # noqa: RUF012

    class Cook(Person):
        __tablename__ = "cooks"
        id = sa.Column(sa.ForeignKey("people.id"), primary_key=True)
        dish = sa.Column(sa.String(10))
        pans = relationship("Pan")
        __mapper_args__ = {"polymorphic_identity": "cook"}  # noqa: RUF012

    class Pan(Base):
        __tablename__ = "pans"
        id = sa.Column(sa.Integer, primary_key=True)
        cook_id = sa.Column(sa.ForeignKey("cooks.id"))
        owner_id = sa.Column(sa.ForeignKey("people.id"))
        owner = relationship(Person)

    Base.metadata.create_all(lite)
    with Session(lite) as session:
        cook = Cook(id=2, dish="soup", pans=[Pan(id=7)])
        session.add_all([cook, Pan(id=8, owner=Person(id=1)), Pan(id=9, owner=cook)])
        session.commit()
        yield session, Person, Cook


def test_join_of_a_subclass_with_an_alias_of_its_own(staff):
    """A join with aliased=True to a subclass is to that alone, and criteria are about its alias."""
    session, _, Cook = staff
    Pan = Cook.pans.property.mapper.class_
    query = session.query(Pan).join(Pan.owner.of_type(Cook), aliased=True)
    assert [pan.id for pan in query] == [9]
    assert [pan.id for pan in query.filter(Cook.dish == "soup")] == [9]


def test_options_of_subclasses(staff):
    """A query with_polymorphic() takes loader options of the subclasses, also in a list."""
    session, Person, Cook = staff
    query = session.query(Person).with_polymorphic("*").order_by(Person.id)
    _, cook = query.options(joinedload(Cook.pans), defer(Cook.dish))
    assert loaded(cook) == ["id", "kind", "name", "pans"]
    session.expunge_all()
    person, cook = query.options([subqueryload(Cook.pans), defer(Person.name)])
    assert (loaded(person), loaded(cook)) == (["id", "kind"], ["dish", "id", "kind", "pans"])
    assert [pan.id for pan in cook.pans] == [7]
    session.expunge_all()
    assert query.options(joinedload(Cook.pans)).filter(Cook.dish == "soup").one().pans[0].id == 7
    session.expunge_all()
    assert loaded(query.options(defer("name")).first()) == ["id", "kind"]
    with pytest.raises(ArgumentError, match="does not apply to any of the root entities"):
        query.options(joinedload(Cook.pans.property.mapper.class_.owner)).all()
    assert "name" in forms()


def test_union_of_selects(db):
    """polymorphic_union() takes a select() as well as a table."""
    users = db.users._table
    names = {"a": users.select().where(users.c.admin == 1), "b": users}
    union = sa.orm.polymorphic_union(names, "kind")
    kinds = {kind for *_, kind in db.execute(sa.select(union))}
    assert kinds == {"a", "b"}
    assert sa.orm.polymorphic_union({"b": users}, "kind").c.kind.name == "kind"


def test_attributes_with_an_underscore(soup):
    """Programs asked queries with them what they are of, and what was called."""
    users, session = soup.users, soup.session
    query = session.query(users, users.name)
    entity, column = query._entities
    query_module = sa.orm.query
    assert isinstance(entity, query_module._MapperEntity)
    assert isinstance(column, query_module._ColumnEntity)
    assert (column.column.key, column._label_name) == ("name", "name")
    assert (entity.entity_zero, entity.type, entity.expr) == (sa.inspect(users), users, users)
    assert (column.mapper, column.entity_zero) == (sa.inspect(users), sa.inspect(users))
    assert session.query(sa.func.now())._mapper_zero() is None
    assert (query._criterion, query._limit, query._offset) == (None, None, None)
    assert (query._order_by, query._group_by) == (False, False)
    ordered = query.filter(users.admin == 1).order_by(users.name).group_by(users.name)
    assert str(ordered._criterion) == "users.admin = :admin_1"
    assert [str(each) for each in ordered._order_by + ordered._group_by] == ["users.name"] * 2
    limited = query.limit(3).offset(2)
    assert (limited._limit, limited._offset) == (3, 2)
    assert noted_in(__file__) == {"name"}


def test_chooser_of_shards(lite):
    """A function that chooses shards by a query is asked with its criterion and parameters."""
    table = sa.Table("tags", sa.MetaData(), sa.Column("word", sa.String, primary_key=True))
    asked = []

    def choose(query):
        def see(bound):
            asked.append(query._params.get(bound.key, bound.value))

        sa.sql.visitors.traverse_depthfirst(
            query._criterion,
            {},
            {"bindparam": see, "column": lambda c: asked.append(c.name), "binary": asked.append},
        )
        return ["all"] if query.is_select else []

    with ShardedSession(
        shard_chooser=lambda *_: "all",
        identity_chooser=lambda *_, **__: ["all"],
        query_chooser=choose,
        shards={"all": lite},
    ) as session:
        query = session.query(table.c.word).filter(table.c.word == sa.bindparam("w"))
        assert query.params(w="hot").all() == [("hot",)]
        assert session.query(table.c.word).filter(table.c.word == "hot").all() == [("hot",)]
    assert [each for each in asked if isinstance(each, str)] == ["word", "hot"] * 2
    assert isinstance(asked[2], sa.sql.expression.BinaryExpression)  # after its parts
    assert forms() == ["name"]


def visible(users, names):
    """Return a query class that shows administrators alone, and tells when it gives rows."""

    class Visible(Query):
        def get(self, key):
            return Query.get(self.populate_existing(), key)

        def __iter__(self):
            names.append("iter")
            return Query.__iter__(self.shown())

        def from_self(self, *entities):
            names.append("from_self")
            return Query.from_self(self.shown(), *entities)

        def shown(self):
            if not any(found["entity"] is users for found in self.column_descriptions):
                return self
            return self.enable_assertions(False).filter(users.admin == 1)

    return Visible


@LEGACY_API
def test_rows_of_an_own_iter(lib):
    """All that gives rows gives those of __iter__(), and count() those of from_self()."""
    users, called = lib.users, []
    Visible = visible(users, called)

    def query(*entities):
        return Visible(entities or [users], lib.session())

    assert [user.name for user in query()] == [user.name for user in query().all()] == ["Ada"]
    by_name = query().order_by(users.name.desc())
    assert (
        by_name.first()
        is by_name[0]
        is query().one()
        is query().one_or_none()
        is query().get("Ada")
    )
    assert (
        query().filter_by(name="Bo").first() is query().filter_by(name="Bo").one_or_none() is None
    )
    assert query().get("Bo") is query().get("Nobody") is None
    assert query(users.name).all() == query(users.name, users.name).with_entities(users.name).all()
    assert query(users.name).scalar() == "Ada"
    assert called == ["iter"] * 14
    del called[:]
    assert query().count() == 1
    assert called == ["from_self", "iter"]
    with pytest.raises(NoResultFound):
        query().filter_by(name="Bo").one()
    with pytest.raises(MultipleResultsFound):
        query(lib.loans).one()
    lines = {note.line for note in legacy.report().notes if note.form == "query-iter"}
    first = {f.__code__.co_firstlineno for f in (Visible.__iter__, Visible.from_self)}
    assert lines == first
    assert noted_in(__file__) == {"query-iter", "from-self"}


def declared(kind, engine):
    """Return classes of users and loans with a base, and the engine for them."""

    class User(kind):
        __table__ = sa.Table("users", kind.metadata, autoload_with=engine)

    class Loan(kind):
        __table__ = sa.Table("loans", kind.metadata, autoload_with=engine)
        user = sa.orm.relationship(User, backref="loans")

    sa.orm.configure_mappers()
    return User, Loan


def test_listener_that_hides_rows(lite):
    """What a listener to before_compile hides is hidden where attributes load rows as well."""
    User, Loan = declared(sa.orm.declarative_base(), lite)
    called = []

    @sa.event.listens_for(Query, "before_compile", retval=True)
    def hide(query):
        called.append(query)
        for found in query.column_descriptions:
            if found["type"] is User:
                query = query.enable_assertions(False).filter(User.name != "Ada")
            if found["type"] is Loan:
                query = query.enable_assertions(False).filter(Loan.book_id != 1)
        return query

    line = hide.__code__.co_firstlineno
    with Session(lite) as session:
        assert session.query(User).count() == len(session.query(User).all())
        assert session.query(User).get("Bo").name == "Bo"
        noted = [note for note in legacy.report().notes if note.form == "query-iter"]
        assert noted == []
        assert session.query(User).get("Ada") is None
        for load in (None, sa.orm.selectinload, sa.orm.subqueryload):
            session.expunge_all()
            options = [load(User.loans)] if load else []
            bo = session.query(User).options(*options).filter_by(name="Bo").one()
            del called[:]
            assert [loan.book_id for loan in bo.loans] == [3]
            assert len(called) == (0 if load else 1)
        session.expire(bo)
        assert bo.name == "Bo"
        sa.event.remove(Query, "before_compile", hide)
        session.expire(bo)
        assert len(bo.loans) == 2
    noted = [note for note in legacy.report().notes if note.form == "query-iter"]
    assert [note.line for note in noted] == [line]


def test_listener_of_classes_of_today(lite):
    """Rows of classes with a base of SQLAlchemy 2 are loaded as without the module."""

    class Base(sa.orm.DeclarativeBase):
        pass

    User, Loan = declared(Base, lite)

    def hide(query):
        is_of_loans = query.column_descriptions[0]["type"] is Loan
        return query.filter(Loan.user_name != "Bo") if is_of_loans else query

    sa.event.listen(Query, "before_compile", hide, retval=True)
    with Session(lite) as session:
        assert session.get(User, "Bo").loans
        assert session.query(Loan).filter_by(user_name="Bo").all() == []
    sa.event.remove(Query, "before_compile", hide)
    assert not noted_in(__file__)


def test_row_of_an_own_one_or_none(lib):
    """one() gives the row of one_or_none(), which may ask for it, and is an error if it is None."""
    users, called = lib.users, []

    class Logged(Query):
        def one_or_none(self):
            called.append("one_or_none")
            return super().one_or_none()

    class Guarded(Query):
        def one_or_none(self):
            with suppress(MultipleResultsFound):
                return self.one()

    query = Logged([users], lib.session())
    assert query.filter_by(name="Ada").one().name == "Ada"
    assert Logged([users.name], lib.session()).filter_by(name="Ada").scalar() == "Ada"
    with pytest.raises(NoResultFound):
        query.filter_by(name="Nobody").one()
    assert called == ["one_or_none"] * 3
    assert noted_in(__file__) == {"query-iter"}
    assert Guarded([users], lib.session()).one_or_none() is None
    _notes.clear()
    assert Guarded([users], lib.session()).filter_by(name="Ada").one_or_none().name == "Ada"
    assert not noted_in(__file__)


def test_rows_of_an_iter_that_asks_itself(lib):
    """One that asks for all rows has them as without the module, and so has another query."""
    session, loans = lib.session(), lib.loans

    class Turned(Query):
        def __iter__(self):
            return iter(self.all()[::-1])

    class Cached(Query):
        def __iter__(self):
            if not cache:
                cache.append(list(super().__iter__()))
            return iter(cache[0])

    cache = []
    turned, plain = Turned([loans], session), session.query(loans)
    assert list(turned) == turned.all() == plain.all()[::-1]
    cached = Cached([loans], session)
    assert cached.all() == cached.filter_by(user_name="Nobody").all() == plain.all()
    assert plain.filter_by(user_name="Nobody").count() == 0


def test_rows_of_an_own_iter_in_a_dynamic_relationship(lite):
    """The rows of a dynamic relationship come from the query class of the session, or its own."""
    base = sa.orm.declarative_base()

    class Book(base):
        __tablename__ = "books"
        id = sa.Column(sa.Integer, primary_key=True)
        loans = sa.orm.relationship("Loan", lazy="dynamic")

    class Loan(base):
        __tablename__ = "loans"
        book_id = sa.Column(sa.ForeignKey(Book.id), primary_key=True)
        user_name = sa.Column(sa.String(30), primary_key=True)

    class Nothing(Query):
        def __iter__(self):
            found = list(Query.__iter__(self))
            return iter([] if found and isinstance(found[0], Loan) else found)

    with Session(lite) as session:
        assert sum(len(book.loans.all()) for book in session.query(Book)) > 0
    with Session(lite, query_cls=Nothing) as session:
        books = session.query(Book).all()
        assert [list(book.loans) + book.loans.all() for book in books] == [[]] * len(books)
        assert len(books) > 0


DISTINCT = {
    "column": (lambda db: db.session.query(db.users.admin).order_by(db.users.name), 3, True),
    "descending": (
        lambda db: db.session.query(db.users.admin).order_by(db.users.name.desc(), db.users.admin),
        3,
        True,
    ),
    "label": (
        lambda db: db.session.query(db.users.admin.label("x")).order_by("x", db.users.name),
        3,
        True,
    ),
    "join": (
        lambda db: db.session.query(db.users).join(db.users.loans).order_by(db.loans.book_id),
        None,
        True,
    ),
    "selected": (lambda db: db.session.query(db.users.admin).order_by(db.users.admin), 2, False),
    "text": (lambda db: db.session.query(db.users.admin).order_by(sa.text("admin")), 2, False),
    "class": (lambda db: db.session.query(db.users).order_by(db.users.name), 3, False),
    "bundle": (
        lambda db: db.session.query(sa.orm.Bundle("b", db.users.admin)).order_by(db.users.admin),
        2,
        False,
    ),
    "function": (
        lambda db: db.session.query(sa.func.lower(db.users.email)).order_by(
            sa.func.lower(db.users.email)
        ),
        None,
        False,
    ),
    "of text": (
        lambda db: (
            db.session.query(sa.text("admin")).select_from(db.users).order_by(sa.text("admin"))
        ),
        2,
        False,
    ),
}


@pytest.mark.parametrize("case", DISTINCT)
def test_distinct_and_an_order(case, db):
    """distinct() tells rows apart by all that they are ordered by, selected or not."""
    relate(db)
    make, count, is_noted = DISTINCT[case]
    query = make(db).distinct()
    rows = query.all()
    assert count in (None, query.count(), len(rows))
    assert len(rows) <= query.count()
    width = len(query.column_descriptions)
    assert all(len(row) == width for row in rows if isinstance(row, sa.Row))
    assert forms() == ["query-distinct"] * is_noted


def test_distinct_in_a_statement(lib):
    """The statement of a query has what it is ordered by among its columns; a select has not."""
    users = lib.users
    query = lib.session.query(users.admin).distinct().order_by(users.name)
    assert len(lib.session.execute(query.statement).first()) == 2
    assert query.limit(2).count() == 2
    select = sa.select(users.admin).distinct().order_by(users.name)
    assert len(lib.session.execute(select).all()) == 2


def test_distinct_of_new_classes(lite):
    """Classes with a base of SQLAlchemy 2 are selected as without the module."""

    class Base(sa.orm.DeclarativeBase):
        pass

    class User(Base):
        __tablename__ = "users"
        name = sa.orm.mapped_column(sa.String(30), primary_key=True)
        admin = sa.orm.mapped_column(sa.Integer)

    with Session(lite) as session:
        assert session.query(User.admin).distinct().order_by(User.name).count() == 2
    assert forms() == []


def test_get_by_an_own_one(lib):
    """get() gives the row of the one() of a query class, and None where that finds no row."""

    class Logged(Query):
        def one(self):
            called.append("one")
            return super().one()

    called = []
    query = Logged([lib.users], lib.session())
    assert query.get("Ada").name == "Ada"
    assert query.get("nobody") is None
    assert called == ["one"] * 2
    notes = [note for note in legacy.report().notes if note.form == "query-iter"]
    assert [(note.old, note.count) for note in notes] == [
        ("one() of a query class, by which get() came", 2)
    ]


@pytest.mark.parametrize("propagates", [True, False])
def test_option_that_loads_do_not_tell(propagates, lib):
    """An option that is to be told of what attributes load is noted, as it is told of queries."""

    class Option(sa.orm.interfaces.MapperOption):
        propagate_to_loaders = propagates

        def process_query(self, query):
            told.append(query)

    told = []
    lib.users.options(Option()).order_by(lib.users.name).first()
    assert len(told) == 1
    assert forms() == ["name"] * propagates


@pytest.mark.parametrize("base", [sa.orm.declarative_base, lambda: new_base])
def test_bulk_changes_of_a_class_in_its_parents_table(base, lite):
    """They change rows of the class alone, and that is noted unless a filter says so."""

    class Tag(base()):
        __tablename__ = "tags"
        word = sa.Column(sa.String, primary_key=True)
        __mapper_args__ = dict(polymorphic_on=word, polymorphic_identity="food")  # noqa: C408, RUF012

    class Hot(Tag):
        __mapper_args__ = dict(polymorphic_identity="hot")  # noqa: C408, RUF012

    class Unnamed(sa.orm.declarative_base()):
        __table__ = sa.Table("tags", sa.MetaData(), autoload_with=lite)

    class Child(Unnamed):
        pass

    with Session(lite) as session:
        _notes.clear()
        session.query(Tag).update({"word": Tag.word})
        session.query(Child).filter_by(word="none").delete()
        session.query(Hot).filter(Hot.word == "hot").update({"word": "hot"})
        assert forms() == []
        assert session.query(Hot).filter(sa.true()).update({"word": "hot"}) == 1
        assert session.query(Hot).delete() == 1
        assert session.query(Tag.word).all() == [("food",)]
    noted = [note.old.split()[0] for note in legacy.report().notes]
    assert noted == ["update()", "delete()"] * (base is sa.orm.declarative_base)


def test_bulk_changes_by_columns_and_lists(lib):
    """A query for columns changes rows of their class, and values may be a list of pairs."""
    tags, books = lib.tags, lib.books
    query = lib.session.query
    assert query(tags.word).filter(tags.word == "hot").update({"word": "cold"}) == 1
    assert query(sa.func.count(tags.word)).filter_by(word="cold").delete() == 1
    with pytest.raises(ArgumentError):
        query(tags.word, books.title).delete()
    assert noted_in(__file__) == {"bulk-change"}
    assert query(tags._table).filter_by(word="food").delete() == 1
    _notes.clear()
    everything = query(books)
    everything.update([("title", "A")], False)
    everything.update((("title", "B"),), synchronize_session=False)
    everything.update([("title", "C")], update_args={"preserve_parameter_order": True})
    everything.update(values={"title": "C"})
    assert {book.title for book in everything} == {"C"}
    assert [note.count for note in legacy.report().notes] == [1, 1]


class new_base(sa.orm.DeclarativeBase):
    """A base that SQLAlchemy 1.3 did not have."""


def single_table(base, lite):
    """Return a class, and one that derives from it and shares its table, with a row of each."""

    class Tool(base):
        __tablename__ = "tools"
        id = sa.Column(sa.Integer, primary_key=True)
        kind = sa.Column(sa.String(10))
        name = sa.Column(sa.String(10))
        part_of = sa.Column(sa.ForeignKey("tools.id"))
        __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "tool"}  # noqa: RUF012

    class Knife(Tool):
        size = sa.Column(sa.Integer)
        __mapper_args__ = {"polymorphic_identity": "knife"}  # noqa: RUF012

    base.metadata.create_all(lite)
    with Session(lite) as session:
        session.add_all([Tool(id=1, name="pot"), Knife(id=2, name="cleaver", size=9, part_of=1)])
        session.commit()
    return Tool, Knife


def test_criteria_of_a_subclass_in_the_table_of_its_parent(lite):
    """A query of the parent is of all that they let pass, be it of the subclass or not."""
    Tool, Knife = single_table(declarative_base(), lite)
    with Session(lite) as session:
        query = session.query(Tool).filter(sa.or_(Knife.size == 9, Tool.name == "pot"))
        assert sorted(tool.id for tool in query) == [1, 2]
        assert sorted(session.query(Tool.id).filter(Knife.name != "")) == [(1,), (2,)]
        assert forms() == ["subclass-criteria"]
        _notes.clear()
        assert [knife.id for knife in session.query(Knife).filter(Knife.name != "")] == [2]
        assert session.query(Knife.id).filter(Knife.name != "").all() == [(2,)]
        whole = aliased(Tool)
        joined = session.query(whole.id).join(Knife, Knife.part_of == whole.id)
        assert joined.filter(Knife.name != "").all() == [(1,)]
        seen = sa.orm.with_loader_criteria(Knife, Knife.size > 9)
        session.query(Tool).filter(Knife.name != "").options(seen).all()
        assert "subclass-criteria" not in forms()


def test_criteria_of_a_new_subclass(lite):
    """Classes with a base of SQLAlchemy 2 do as without the module."""

    class Base(sa.orm.DeclarativeBase):
        pass

    Tool, Knife = single_table(Base, lite)
    with Session(lite) as session:
        found = [tool.id for tool in session.query(Tool).filter(Knife.name != "")]
    assert found == ([2] if sa.__version__ >= "2.1" else [1, 2])
    assert not forms()


@pytest.fixture
def managers(lite):
    """A class, and one whose table is joined to its own."""
    base = sa.orm.declarative_base()

    class Staff(base):
        __tablename__ = "staff"
        key = sa.Column(sa.Integer, primary_key=True)
        kind = sa.Column(sa.String)
        boss = sa.Column(sa.ForeignKey("staff.key"))
        __mapper_args__ = dict(polymorphic_on=kind, polymorphic_identity="staff")  # noqa: C408, RUF012

    class Manager(Staff):
        __tablename__ = "managers"
        key = sa.Column(sa.ForeignKey("staff.key"), primary_key=True)
        room = sa.Column(sa.String)
        __mapper_args__ = dict(  # noqa: C408, RUF012
            polymorphic_identity="manager", inherit_condition=key == Staff.key
        )

    Staff.staff = sa.orm.relationship(Staff, remote_side=Staff.boss)
    base.metadata.create_all(lite)
    with Session(lite) as session:
        session.add(Staff(key=1))
        session.add(Manager(key=2, room="A", staff=[Staff(key=3), Manager(key=4, room="B")]))
        session.commit()
        _notes.clear()
        yield session, Staff, Manager


@pytest.mark.filterwarnings("ignore:An alias is being generated:sqlalchemy.exc.SAWarning")
def test_join_of_a_subclass(managers):
    """Criteria, columns and order of a class are about itself where a subclass of it is joined."""
    session, Staff, Manager = managers
    query = session.query(Staff.key, Manager.room).outerjoin(Manager, Manager.key == Staff.key)
    assert query.order_by(Staff.key).all() == [(1, None), (2, "A"), (3, None), (4, "B")]
    query = session.query(Staff).join(Manager, Staff.key == Manager.boss)
    assert [each.key for each in query.filter(Manager.room == "B")] == [2]
    assert {note.old for note in legacy.report().notes} == {"join() of a subclass by its class"}
    _notes.clear()
    query = session.query(Staff).join(Staff.staff.of_type(aliased(Manager, flat=True)))
    assert [each.key for each in query] == [2]
    table = Staff.__table__
    query = session.query(table.c.key).select_from(Staff).join(Manager, Manager.boss == Staff.key)
    assert query.filter(table.c.kind == "manager").all() == [(2,)]


def test_criteria_of_a_class_that_is_selected_with_its_subclasses(managers):
    """Criteria are about what ``with_polymorphic()`` of a selectable selects, after joins too."""
    session, Staff, _ = managers
    everyone = sa.select([Staff.__table__]).alias()
    query = session.query(Staff).with_polymorphic([], everyone, everyone.c.kind)
    assert [each.key for each in query.filter(Staff.key > 1).order_by(-Staff.key)] == [4, 3, 2]
    joined = query.join("staff", aliased=True).filter(Staff.key > 1).reset_joinpoint()
    assert [each.key for each in joined.filter(Staff.boss.is_(None))] == [2]
    wide = session.query(Staff).with_polymorphic("*").join("staff", aliased=True)
    assert [each.key for each in wide.reset_joinpoint().filter(Staff.boss.is_(None))] == [2]
    assert query.options(sa.orm.joinedload(Staff.staff)).count() == 4


@pytest.mark.filterwarnings("ignore:An alias is being generated:sqlalchemy.exc.SAWarning")
def test_join_of_a_subclass_today(managers):
    """A select() does as without the module."""
    _, Staff, Manager = managers
    statement = sa.select(Staff.key, Manager.room).join(Manager, Manager.key == Staff.key)
    assert "staff_1.key" in str(statement)
    assert forms() == []


def test_aliased_join_of_a_subclass(managers):
    """A join with aliased=True is to the subclass that of_type() says."""
    session, Staff, Manager = managers
    query = session.query(Staff).join(Staff.staff.of_type(Manager), aliased=True)
    assert [each.key for each in query.filter(Manager.room == "B")] == [2]
    assert query.filter(Manager.room == "A").all() == []
    assert forms() == ["query-join"]
