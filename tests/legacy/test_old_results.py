"""Rows of a class out of statements and results whose columns have names of their own."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from conftest import noted_in
from sqlalchemy.orm import contains_alias, contains_eager, defer, joinedload, undefer

from sqlsoup import legacy

pytestmark = [
    pytest.mark.usefixtures("old_forms"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
]

USERS = "SELECT * FROM users ORDER BY name"
LABELS = "SELECT name AS users_name, email AS users_email, admin AS users_admin FROM users"
WITH_LOANS = (
    "SELECT u.name AS users_name, u.email AS users_email, u.admin AS users_admin, "
    "ad.book_id AS ad_book_id, ad.user_name AS ad_user_name, ad.day AS ad_day "
    "FROM users u LEFT OUTER JOIN loans ad ON ad.user_name = u.name ORDER BY u.name"
)


def forms():
    """Return the forms that were noted in this file."""
    return noted_in(__file__)


@pytest.mark.parametrize("sql", [USERS, LABELS, "SELECT name FROM users"])
@pytest.mark.parametrize("run", ["engine", "connection", "soup", "text"])
def test_instances_of_a_string(sql, run, db):
    """Rows of a string become instances, whose columns are found by name or by label."""
    with db.engine.connect() as connection:
        result = {
            "engine": lambda: db.engine.execute(sql),
            "connection": lambda: connection.execute(sql),
            "soup": lambda: db.execute(sql),
            "text": lambda: connection.execute(sa.text(sql)),
        }[run]()
        rows = list(db.session.query(db.users).instances(result))
    assert sorted(row.name for row in rows) == ["Ada", "Bo", "Cy"]
    assert {type(row).__name__ for row in rows} == {"MappedUsers"}
    assert rows[0] is db.users.get(rows[0].name)
    assert "query-instances" in forms()


def test_instances_of_a_statement(db):
    """Rows of a statement become instances by its columns, from an engine and a session."""
    statement = db.users._table.select().order_by("name")
    for result in (db.engine.execute(statement), db.execute(statement)):
        assert [u.name for u in db.session.query(db.users).instances(result)] == ["Ada", "Bo", "Cy"]
    assert "query-instances" not in forms()


def test_instances_of_several_things(db):
    """A query of two classes and a column gives rows of the three."""
    query = db.session.query(db.users, db.loans, db.users.email)
    result = db.engine.execute(
        "SELECT users.name AS users_name, email AS users_email, admin AS users_admin, "
        "book_id AS loans_book_id, user_name AS loans_user_name, day AS loans_day "
        "FROM users JOIN loans ON user_name = users.name ORDER BY book_id"
    )
    rows = [(user.name, loan.book_id, email) for user, loan, email in query.instances(result)]
    assert rows == [("Bo", 1, "bo@example.org"), ("Bo", 3, "bo@example.org")]
    query = db.session.query(db.users, sa.column("twice"))
    result = db.engine.execute("SELECT name, email, admin, 2 * admin AS twice FROM users")
    assert {(user.name, twice) for user, twice in query.instances(result)} == {
        ("Ada", 2), ("Bo", 0), ("Cy", 0),
    }  # fmt: skip


def eager(db, option):
    """Return a query of users with loans out of a statement that names their alias ``ad``."""
    return db.session.query(db.users).options(option)


@pytest.fixture
def lib(db):
    """The library, with the loans of users."""
    db.users.relate("loans", db.loans)
    return db


@pytest.mark.parametrize("by", ["name", "attribute"])
@pytest.mark.parametrize("how", ["statement", "other names", "text", "instances"])
def test_contains_eager_of_an_alias_by_name(by, how, lib):
    """The collection is filled from the alias that a statement has under the name."""
    users, loans = lib.users._table, lib.loans._table
    of = {"name": "loans", "attribute": lib.users.loans}[by]
    query = eager(lib, contains_eager(of, alias="ad"))
    alias = loans.alias("other" if how == "other names" else "ad")
    statement = (
        users.outerjoin(alias, alias.c.user_name == users.c.name)
        .select(use_labels=True)
        .order_by(users.c.name)
    )
    if how == "instances":
        found = list(query.instances(lib.engine.execute(WITH_LOANS)))
    else:
        found = query.from_statement(WITH_LOANS if how == "text" else statement).all()
    loaded = [sorted(loan.book_id for loan in vars(user).get("loans", ())) for user in found]
    assert loaded == [[], [] if how == "other names" else [1, 3], []]
    assert "eager-alias-name" in forms()


@pytest.mark.parametrize("alias", ["b", None])
@pytest.mark.parametrize("how", ["text", "statement", "instances"])
def test_contains_alias(alias, how, lib):
    """contains_alias() tells under which alias the statement has the table of the class."""
    table = lib.books._table.alias("b")
    query = lib.session.query(lib.books).options(contains_alias(alias or table))
    text = "SELECT b.id AS b_id, b.title AS b_title, b.year AS b_year FROM books b ORDER BY b.id"
    if how == "instances":
        rows = list(query.instances(lib.engine.execute(text)))
    else:
        statement = table.select().order_by(table.c.id)
        rows = query.from_statement(text if how == "text" else statement).all()
    assert [(row.id, row.title) for row in rows] == [(1, "Mustards"), (2, "Regional"), (3, "Soups")]
    assert rows[0] is lib.books.get(1)
    assert "contains-alias" in forms()


def test_columns_by_name(db):
    """values(), add_column() and add_columns() take the names of columns."""
    query = db.session.query(db.users).filter(db.users.name < "B")
    assert list(query.values("name")) == [("Ada",)]
    assert query.add_column("email").first()[1] == "ada@example.org"
    assert query.add_columns("email", db.users.admin).first()[1:] == ("ada@example.org", 1)
    assert query.add_columns("1 + 1").first()[1] == 2
    assert forms() == {"query-values"}


def test_columns_on_the_way(lib):
    """defer() and undefer() take several attributes, of which the last one is meant."""
    lib.loans.relate("user", lib.users)
    path = (lib.loans.user, lib.users.email)
    for option, is_loaded in ((defer(*path), False), (undefer(*path), True)):
        row = lib.loans.options(joinedload(lib.loans.user), option).first()
        assert ("email" in vars(row.user)) is is_loaded
        lib.session.expunge_all()
    assert forms() == {"loader-old"}


def test_listeners_of_bulk_changes(db):
    """A listener with four arguments gets session, query, context and result."""
    called = []
    session = db.session()

    def listen(session, query, query_context, result):
        called.append((session, result.rowcount))

    sa.event.listen(session, "after_bulk_update", listen)
    sa.event.listen(session, "after_bulk_delete", listen)
    new = []
    sa.event.listen(session, "after_bulk_delete", new.append)
    other = db.session.session_factory()
    sa.event.listen(other, "after_bulk_delete", max)  # whose arguments nobody knows
    db.users.filter_by(name="Cy").update({"admin": 1})
    db.users.filter_by(name="Cy").delete()
    assert called == [(session, 1)] * 2
    assert len(new) == 1
    assert [note.form for note in legacy.report().notes] == ["event-arguments"] * 2
