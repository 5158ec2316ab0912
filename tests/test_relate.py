"""Relationships between tables."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from sqlsoup import SQLSoup, _sa

PEOPLE = "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20))"
LETTERS = """
CREATE TABLE letters (
    id INTEGER PRIMARY KEY,
    sender INTEGER, receiver INTEGER,
    FOREIGN KEY (sender) REFERENCES people (id),
    FOREIGN KEY (receiver) REFERENCES people (id)
)
"""
BOOKINGS = """
CREATE TABLE bookings (
    id INTEGER PRIMARY KEY,
    room VARCHAR(5), number INTEGER,
    FOREIGN KEY (room, number) REFERENCES seats (room, number)
)
"""


def run(engine: sa.Engine, *statements: str) -> None:
    """Execute statements and commit them."""
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


# directions


def test_many_to_one(db: SQLSoup) -> None:
    """From the table with the foreign key the attribute is a row or None."""
    db.loans.relate("user", db.users)
    loan = db.loans.get(1)
    assert type(loan.user) is db.users
    assert loan.user is db.users.get("Bo")
    loan.user = db.users.get("Ada")
    db.commit()
    assert loan.user_name == "Ada"
    loan.user = None
    db.commit()
    assert db.execute("SELECT user_name FROM loans WHERE book_id = 1").scalar() is None


def test_one_to_many(db: SQLSoup) -> None:
    """From the table referred to the attribute is a list of rows."""
    db.users.relate("loans", db.loans)
    loans = db.users.get("Bo").loans
    assert [type(loan) for loan in loans] == [db.loans] * 2
    assert {loan.book_id for loan in loans} == {1, 3}
    ada = db.users.get("Ada")
    ada.loans.append(db.loans.insert(book_id=2))
    db.commit()
    assert db.execute("SELECT user_name FROM loans WHERE book_id = 2").scalar() == "Ada"


def test_one_to_one(db: SQLSoup) -> None:
    """uselist=False makes it one row."""
    db.books.relate("loan", db.loans, uselist=False)
    assert type(db.books.get(3).loan) is db.loans
    assert db.books.get(2).loan is None


@pytest.mark.parametrize("secondary", ["table", "class"])
def test_secondary(db: SQLSoup, secondary: str) -> None:
    """An association table relates many to many; it may be given as its class."""
    association = db.book_tags if secondary == "class" else db.book_tags._table
    db.books.relate("tags", db.tags, secondary=association, backref="books", order_by=db.tags.word)
    book = db.books.get(1)
    assert [type(tag) for tag in book.tags] == [db.tags] * 2
    assert [tag.word for tag in book.tags] == ["food", "hot"]
    assert {one.id for one in db.tags.get("food").books} == {1, 3}
    hot = db.tags.get("hot")
    hot.books.append(db.books.get(2))
    book.tags.remove(hot)
    db.commit()
    stored = db.execute("SELECT book_id, word FROM book_tags ORDER BY book_id, word").all()
    assert stored == [(1, "food"), (2, "hot"), (3, "food")]


def test_self_referential(db: SQLSoup) -> None:
    """A table that refers to itself is a tree."""
    shelves = db.shelves
    remote = shelves.id
    shelves.relate("parent", shelves, remote_side=remote, backref=orm.backref("children"))
    top, old, new = (shelves.get(number) for number in (1, 2, 3))
    old.parent = top
    top.children.append(new)
    db.commit()
    assert db.execute("SELECT id FROM shelves WHERE parent_id = 1 ORDER BY id").scalars().all() == [
        2,
        3,
    ]
    assert type(new.parent) is shelves
    assert {shelf.title for shelf in top.children} == {"old", "new"}
    upper = orm.aliased(shelves)
    query = shelves.join(shelves.parent.of_type(upper)).filter(upper.title == "all")
    assert {shelf.title for shelf in query} == {"old", "new"}


def test_several_keys_to_one_table(db: SQLSoup, engine: sa.Engine) -> None:
    """foreign_keys= chooses among several keys to one table."""
    run(engine, PEOPLE, LETTERS, "INSERT INTO people VALUES (1, 'Ada'), (2, 'Bo')")
    run(engine, "INSERT INTO letters VALUES (1, 1, 2)")
    letters = db.letters
    letters.relate("by", db.people, foreign_keys=[letters.sender], backref="sent")
    letters.relate("to", db.people, foreign_keys=[letters.receiver], backref="received")
    letter = letters.get(1)
    assert (letter.by.name, letter.to.name) == ("Ada", "Bo")
    assert letter.by.sent == [letter]
    assert letter.by.received == []
    letter.by, letter.to = letter.to, letter.by
    db.commit()
    assert db.execute("SELECT sender, receiver FROM letters").one() == (2, 1)


def test_several_keys_by_primaryjoin(soup: SQLSoup, lite: sa.Engine) -> None:
    """So does primaryjoin=, without any warning."""
    run(lite, PEOPLE, LETTERS, "INSERT INTO people VALUES (1, 'Ada'), (2, 'Bo')")
    people, letters = soup.people, soup.letters
    letters.relate("by", people, primaryjoin=letters.sender == people.id)
    people.relate("received", letters, primaryjoin=letters.receiver == people.id)
    letter = letters.insert(id=1, by=people.get(1))
    receiver = people.get(2)
    receiver.received.append(letter)
    soup.commit()
    assert soup.execute("SELECT sender, receiver FROM letters").one() == (1, 2)


def test_composite_key(db: SQLSoup, engine: sa.Engine) -> None:
    """A foreign key of several columns relates as one of a single column does."""
    run(engine, BOOKINGS)
    db.bookings.relate("seat", db.seats, backref="bookings")
    booking = db.bookings.insert(id=1, seat=db.seats.get(("A", 2)))
    db.commit()
    assert (booking.room, booking.number) == ("A", 2)
    assert db.seats.get(("A", 2)).bookings == [booking]


def test_join_as_target(soup: SQLSoup) -> None:
    """The other class may be mapped to a join."""
    lent = soup.join(soup.books, soup.loans)
    user = soup.loans._table.c.user_name
    soup.users.relate(
        "lent", lent, primaryjoin=soup.users._table.c.name == orm.foreign(user), viewonly=True
    )
    assert {row.title for row in soup.users.get("Bo").lent} == {"Mustards", "Soups"}
    assert {type(row) for row in soup.users.get("Bo").lent} == {lent}


@pytest.mark.parametrize("argument", ["class", "mapper", "lambda", "keyword", "aliased"])
def test_ways_to_name_the_other_class(soup: SQLSoup, argument: str) -> None:
    """The other class is given as relationship() takes it."""
    users = soup.users
    ways: dict[str, Callable[[], Any]] = {
        "class": lambda: soup.loans.relate("user", users),
        "mapper": lambda: soup.loans.relate("user", sa.inspect(users)),
        "lambda": lambda: soup.loans.relate("user", lambda: users),
        "keyword": lambda: soup.loans.relate("user", argument=users),
        "aliased": lambda: soup.loans.relate("user", orm.aliased(users), viewonly=True),
    }
    assert ways[argument]() is None
    assert type(soup.loans.get(1).user) is users


# the other side


@pytest.mark.parametrize("reverse", ["loans", orm.backref("loans"), orm.backref("loans", lazy=0)])
def test_backref(db: SQLSoup, reverse: Any) -> None:
    """A backref gives the other side the reverse attribute; both follow each other."""
    if isinstance(reverse, tuple):
        reverse = (reverse[0], dict(reverse[1], lazy="select"))
    db.loans.relate("user", db.users, backref=reverse)
    ada, loan = db.users.get("Ada"), db.loans.get(1)
    loan.user = ada
    assert ada.loans == [loan]
    db.commit()
    assert [type(one) for one in ada.loans] == [db.loans]
    assert db.execute("SELECT user_name FROM loans WHERE book_id = 1").scalar() == "Ada"


@pytest.mark.parametrize("first", ["users", "loans"])
def test_back_populates(db: SQLSoup, first: str) -> None:
    """Two relationships are told of each other with back_populates, whichever is made first."""
    ways: dict[str, Callable[[], Any]] = {
        "users": lambda: db.users.relate("loans", db.loans, back_populates="user"),
        "loans": lambda: db.loans.relate("user", db.users, back_populates="loans"),
    }
    ways.pop(first)()
    for way in ways.values():
        way()
    ada, loan = db.users.get("Ada"), db.loans.get(1)
    ada.loans.append(loan)
    assert loan.user is ada
    db.commit()
    assert db.execute("SELECT user_name FROM loans WHERE book_id = 1").scalar() == "Ada"


@pytest.mark.parametrize("used", [True, False])
def test_both_sides_apart(db: SQLSoup, used: bool) -> None:
    """Either side of one foreign key may be related by itself, without any warning."""
    db.loans.relate("user", db.users)
    if used:
        assert db.loans.get(1).user.name == "Bo"
    db.users.relate("loans", db.loans)
    assert {loan.book_id for loan in db.users.get("Bo").loans} == {1, 3}
    db.loans.get(1).user = db.users.get("Ada")
    db.commit()
    db.session.expire_all()
    assert [loan.book_id for loan in db.users.get("Ada").loans] == [1]


def test_many_relationships_on_one_key(db: SQLSoup) -> None:
    """Any number of relationships over one foreign key warns of nothing."""
    db.loans.relate("user", db.users)
    db.loans.relate("reader", db.users)
    db.users.relate("loans", db.loans)
    db.users.relate("borrowed", db.loans, backref="borrower")
    loan = db.loans.get(1)
    assert loan.user is loan.reader is loan.borrower is db.users.get("Bo")
    loan.reader = db.users.get("Cy")
    db.commit()
    assert loan.user is db.users.get("Cy")
    assert db.users.get("Cy").borrowed == db.users.get("Cy").loans == [loan]


def test_related_on_another_class_of_the_table(soup: SQLSoup) -> None:
    """Two classes of one table may both be related to a third."""
    again = soup.map(soup.loans)
    soup.loans.relate("user", soup.users, backref="loans")
    again.relate("user", soup.users, backref="more")
    assert {loan.book_id for loan in soup.users.get("Bo").more} == {1, 3}
    assert {type(loan) for loan in soup.users.get("Bo").more} == {again}


def test_both_sides_of_an_association(soup: SQLSoup) -> None:
    """An association related from both sides, and to its own rows, warns of nothing."""
    soup.books.relate("tags", soup.tags, secondary=soup.book_tags)
    soup.tags.relate("books", soup.books, secondary=soup.book_tags)
    soup.books.relate("links", soup.book_tags, backref="book")
    soup.book_tags.relate("tag", soup.tags)
    book = soup.books.get(3)
    assert [tag.word for tag in book.tags] == ["food"]
    assert [type(link) for link in book.links] == [soup.book_tags]
    assert {one.id for one in book.links[0].tag.books} == {1, 3}


# options


def test_order_by(db: SQLSoup) -> None:
    """order_by= orders the list."""
    db.users.relate("loans", db.loans, order_by=db.loans.book_id.desc())
    assert [loan.book_id for loan in db.users.get("Bo").loans] == [3, 1]


def test_cascade_delete_orphan(db: SQLSoup) -> None:
    """cascade= deletes what hangs on a row, and what is taken off it."""
    db.books.relate("loans", db.loans, cascade="all, delete-orphan", backref="book")
    book = db.books.get(3)
    book.loans.clear()
    db.commit()
    assert db.loans.get(3) is None
    db.books.relate("links", db.book_tags, cascade="all, delete-orphan")
    db.delete(db.books.get(1))
    db.commit()
    assert db.loans.count() == 0
    assert [(link.book_id, link.word) for link in db.book_tags.all()] == [(3, "food")]


def test_deleted_parent(db: SQLSoup) -> None:
    """Without a cascade the rows that refer to a deleted one lose their reference."""
    db.users.relate("loans", db.loans, backref="user")
    db.delete(db.users.get("Bo"))
    db.commit()
    assert db.execute("SELECT user_name FROM loans").scalars().all() == [None, None]


@pytest.mark.parametrize(
    ("lazy", "count"), [("select", 2), ("joined", 1), ("selectin", 2), ("subquery", 2)]
)
def test_lazy_modes(db: SQLSoup, statements: list[str], lazy: str, count: int) -> None:
    """lazy= decides when and with how many statements the related rows are loaded."""
    db.users.relate("loans", db.loans, lazy=lazy)
    statements.clear()
    bo = db.users.filter_by(name="Bo").one()
    assert len(statements) == (1 if lazy == "select" else count)
    assert {loan.book_id for loan in bo.loans} == {1, 3}
    assert len(statements) == count


def test_lazy_dynamic(db: SQLSoup) -> None:
    """lazy="dynamic" gives a query."""
    db.users.relate("loans", db.loans, lazy="dynamic")
    found = db.users.get("Bo").loans.filter_by(book_id=3).one()
    assert type(found) is db.loans


def test_lazy_write_only(soup: SQLSoup) -> None:
    """lazy="write_only" gives a collection that is written to and selected from."""
    soup.users.relate("loans", soup.loans, lazy="write_only")
    ada = soup.users.get("Ada")
    ada.loans.add(soup.loans.insert(book_id=2))
    soup.commit()
    assert [row.book_id for row in soup.session.scalars(ada.loans.select())] == [2]


def test_lazy_raise(soup: SQLSoup) -> None:
    """lazy="raise" refuses to load."""
    soup.users.relate("loans", soup.loans, lazy="raise")
    with pytest.raises(sa.exc.InvalidRequestError, match="is not available due to lazy='raise'"):
        soup.users.get("Bo").loans  # noqa: B018


@pytest.mark.parametrize("option", [orm.joinedload, orm.selectinload, orm.contains_eager])
def test_loader_options(db: SQLSoup, statements: list[str], option: Callable[[Any], Any]) -> None:
    """SQLAlchemy's loader options take the attribute."""
    db.users.relate("loans", db.loans)
    query = db.users.filter_by(name="Bo").options(option(db.users.loans))
    if option is orm.contains_eager:
        query = query.join(db.users.loans)
    statements.clear()
    (bo,) = query.all()
    sent = len(statements)
    assert {loan.book_id for loan in bo.loans} == {1, 3}
    assert len(statements) == sent


def test_query_over_a_relationship(db: SQLSoup) -> None:
    """Relationships serve in join(), any(), has() and comparisons."""
    db.loans.relate("user", db.users, backref="loans")
    bo = db.users.get("Bo")
    assert db.users.join(db.users.loans).filter(db.loans.book_id == 3).one() is bo
    assert db.users.filter(db.users.loans.any(book_id=3)).one() is bo
    assert db.loans.filter(db.loans.user.has(name="Ada")).count() == 0
    assert db.loans.filter(db.loans.user == bo).count() == 2
    statement = sa.select(db.users).join(db.loans.user.of_type(db.users)).select_from(db.loans)
    assert {type(row) for row in db.session.scalars(statement)} == {db.users}


# when


def test_after_rows_were_loaded(db: SQLSoup) -> None:
    """Rows that were there before get the attributes too."""
    bo, loan = db.users.get("Bo"), db.loans.get(1)
    new = db.loans(book_id=2)
    db.loans.relate("user", db.users, backref="loans")
    assert loan.user is bo
    assert {one.book_id for one in bo.loans} == {1, 3}
    new.user = bo
    db.commit()
    assert db.loans.get(2).user_name == "Bo"


def test_before_the_other_table_was_used(db: SQLSoup) -> None:
    """The other side gets its backref though none of its rows was ever loaded."""
    db.loans.relate("book", db.books, backref="loans")
    assert [loan.user_name for loan in db.books.get(1).loans] == ["Bo"]


@pytest.mark.parametrize("forget", [["loans"], ["users"], ["loans", "users"]])
@pytest.mark.parametrize("used", [True, False])
def test_again_after_mapping_anew(db: SQLSoup, forget: list[str], used: bool) -> None:
    """After del db._cache[...] the same relate() works again, with the same backref name."""
    for _ in range(3):
        db.loans.relate("user", db.users, backref="loans")
        if used:
            assert db.loans.get(1).user.name == "Bo"
        for name in forget:
            del db._cache[name]
        db.session.expunge_all()
        if forget == ["users"]:
            del db._cache["loans"]
    db.loans.relate("user", db.users, backref="loans")
    bo, loan = db.users.get("Bo"), db.loans.get(1)
    assert type(loan.user) is db.users
    assert {type(one) for one in bo.loans} == {db.loans}
    ada = db.users.get("Ada")
    ada.loans.append(loan)
    assert loan.user.name == "Ada"
    db.commit()
    assert db.execute("SELECT user_name FROM loans WHERE book_id = 1").scalar() == "Ada"


def test_again_with_one_side_mapped_anew(soup: SQLSoup) -> None:
    """A new class of the table takes over the backref from the earlier one."""
    soup.loans.relate("user", soup.users, backref="loans")
    old = soup.loans.get(1)
    assert old.user.name == "Bo"
    del soup._cache["loans"]
    soup.loans.relate("user", soup.users, backref="loans")
    bo = soup.users.get("Bo")
    soup.session.expire(bo)
    assert {type(one) for one in bo.loans} == {soup.loans}
    assert type(soup.loans.get(3).user) is soup.users
    assert old.user is bo


def test_related_again_under_the_same_name(soup: SQLSoup) -> None:
    """relate() with a name that is a relationship replaces it, as a REPL needs it."""
    soup.loans.relate("user", soup.users, lazy="raise")
    soup.loans.relate("user", soup.users)
    assert soup.loans.get(1).user.name == "Bo"


def test_backref_that_is_taken(soup: SQLSoup) -> None:
    """A backref name that is taken by another relationship is refused; the other one stays."""
    soup.users.relate("loans", soup.loans)
    with pytest.raises(sa.exc.ArgumentError) as error:
        soup.loans.relate("user", soup.users, backref="loans")
    assert type(error.value) is sa.exc.ArgumentError
    assert str(error.value) == (
        "Error creating backref 'loans' on relationship MappedLoans.user: "
        "property of that name exists on Mapper[MappedUsers(users)]"
    )
    assert "user" not in sa.inspect(soup.loans).attrs
    assert {loan.book_id for loan in soup.users.get("Bo").loans} == {1, 3}


# what cannot be


BAD: dict[str, tuple[Callable[[SQLSoup], Any], type[Exception], str]] = {
    "unrelated tables": (
        lambda db: db.users.relate("tags", db.tags),
        sa.exc.NoForeignKeysError,
        r"^Could not determine join condition",
    ),
    "unrelated tables with backref": (
        lambda db: db.users.relate("tags", db.tags, backref="users"),
        sa.exc.NoForeignKeysError,
        r"^Could not determine join condition",
    ),
    "unrelated secondary": (
        lambda db: db.users.relate("tags", db.tags, secondary=db.book_tags),
        sa.exc.NoForeignKeysError,
        r"^Could not determine join condition",
    ),
    "several keys": (
        lambda db: db.letters.relate("person", db.people),
        sa.exc.AmbiguousForeignKeysError,
        r"multiple foreign key paths",
    ),
    "no class": (
        lambda db: db.users.relate("loans", 3),
        sa.exc.ArgumentError,
        r"expects a class or a mapper argument",
    ),
    "a table": (
        lambda db: db.users.relate("loans", db.loans._table),
        sa.exc.ArgumentError,
        r"expects a class or a mapper argument|Class or mapper expected",
    ),
    "nothing": (lambda db: db.users.relate("loans", None), sa.exc.ArgumentError, r"."),
    "unknown option": (
        lambda db: db.users.relate("loans", db.loans, nonsense=1),
        TypeError,
        r"nonsense",
    ),
    "unknown lazy": (
        lambda db: db.users.relate("loans", db.loans, lazy="later"),
        orm.exc.LoaderStrategyException,
        r"later",
    ),
    "unknown cascade": (
        lambda db: db.users.relate("loans", db.loans, cascade="everything"),
        sa.exc.ArgumentError,
        r"everything",
    ),
    "back_populates is a column": (
        lambda db: db.loans.relate("user", db.users, back_populates="email"),
        sa.exc.ArgumentError,
        r"back_populates .*email",
    ),
    "name is a column": (
        lambda db: db.loans.relate("user_name", db.users),
        sa.exc.ArgumentError,
        r"user_name",
    ),
    "backref is a column": (
        lambda db: db.loans.relate("user", db.users, backref="email"),
        sa.exc.ArgumentError,
        r"Error creating backref 'email'.* property of that name exists",
    ),
    "delete-orphan on many to one": (
        lambda db: db.loans.relate("user", db.users, cascade="all, delete-orphan"),
        sa.exc.ArgumentError,
        r"delete-orphan",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_relate(soup: SQLSoup, lite: sa.Engine, case: str) -> None:
    """relate() that cannot work raises SQLAlchemy's own error at once; both classes go on."""
    run(lite, PEOPLE, LETTERS)
    soup.letters.all()
    act, error_class, match = BAD[case]
    names = ("users", "loans", "tags", "books", "letters", "people")
    before = {name: sa.inspect(getattr(soup, name)).attrs.keys() for name in names}
    with pytest.raises(error_class, match=match) as error:
        act(soup)
    assert type(error.value) is error_class
    assert {name: sa.inspect(getattr(soup, name)).attrs.keys() for name in names} == before
    bo = soup.users.get("Bo")
    bo.email = "new"
    soup.users.insert(name="Dee")
    soup.loans.insert(book_id=2)
    soup.tags.insert(word="new")
    soup.commit()
    soup.loans.relate("user", soup.users, backref="loans")
    assert soup.loans.get(1).user is bo
    assert len(bo.loans) == 2


def test_several_keys_is_no_end(soup: SQLSoup, lite: sa.Engine) -> None:
    """After an ambiguous relate() the same name works with foreign_keys=."""
    run(lite, PEOPLE, LETTERS)
    letters, people = soup.letters, soup.people
    with pytest.raises(sa.exc.AmbiguousForeignKeysError):
        letters.relate("by", people, backref="sent")
    letters.relate("by", people, foreign_keys=[letters.sender], backref="sent")
    letter = letters.insert(id=1, by=people.insert(id=1, name="Ada"))
    soup.commit()
    assert letter.sender == 1
    assert people.get(1).sent == [letter]


@pytest.mark.parametrize("name", ["filter", "all", "count", "insert", "relate", "metadata"])
def test_name_of_a_method(soup: SQLSoup, name: str) -> None:
    """A relationship may have the name of a method or class attribute, which it then hides."""
    soup.loans.relate(name, soup.users)
    assert type(getattr(soup.loans(book_id=2, user_name="Bo"), "book_id")) is int  # noqa: B009
    row = soup.session.get(soup.loans, 1)
    assert getattr(row, name) is soup.session.get(soup.users, "Bo")


def test_backref_with_the_name_of_a_method(soup: SQLSoup) -> None:
    """So may a backref."""
    soup.loans.relate("user", soup.users, backref="filter")
    assert {type(loan) for loan in soup.users.get("Bo").filter} == {soup.loans}


def test_back_populates_of_a_side_that_is_there(soup: SQLSoup) -> None:
    """back_populates may name a relationship that was made without it."""
    soup.loans.relate("user", soup.users)
    soup.users.relate("loans", soup.loans, back_populates="user")
    ada = soup.users.get("Ada")
    loan = soup.loans(book_id=2)
    ada.loans.append(loan)
    assert loan.user is ada


def test_both_sides_of_one_direction(soup: SQLSoup) -> None:
    """Two sides of one direction cannot populate each other, and nothing is changed."""
    soup.shelves.relate("inner", soup.shelves, back_populates="outer")
    with pytest.raises(sa.exc.ArgumentError, match=r"set remote_side on the many-to-one side$"):
        soup.shelves.relate("outer", soup.shelves, back_populates="inner")
    assert not hasattr(soup.shelves, "outer")
    assert soup.shelves.get(1).inner == []


@pytest.mark.parametrize("wrong", [{"lazzy": 1}, {"lazy": "bogus"}], ids=str)
def test_bad_backref_options(soup: SQLSoup, wrong: dict[str, Any]) -> None:
    """A backref that cannot be leaves both classes as they were."""
    with pytest.raises((TypeError, orm.exc.LoaderStrategyException, sa.exc.SQLAlchemyError)):
        soup.loans.relate("book", soup.books, backref=("loans", wrong))
    assert [hasattr(soup.loans, "book"), hasattr(soup.books, "loans")] == [False, False]
    assert len(soup.loans.all()) == 2


def test_back_populates_of_another_name(soup: SQLSoup) -> None:
    """Both sides must name each other."""
    soup.loans.relate("book", soup.books, back_populates="loanz")
    message = "^back_populates of MappedLoans.book is 'loanz', not 'loans'$"
    with pytest.raises(sa.exc.ArgumentError, match=message):
        soup.books.relate("loans", soup.loans, back_populates="book")
    assert not hasattr(soup.books, "loans")


def test_an_interrupt_while_a_relationship_is_added(soup, monkeypatch):
    """It comes too late to leave only one side, or one that does not work."""
    renew, struck = _sa.renew, []

    def interrupt(mapper):
        if not struck:
            struck.append(mapper)
            raise KeyboardInterrupt
        renew(mapper)

    monkeypatch.setattr(_sa, "renew", interrupt)
    with pytest.raises(KeyboardInterrupt):
        soup.users.relate("lent", soup.loans, backref="lender")
    assert struck == [sa.inspect(soup.users)]
    assert sorted(loan.book_id for loan in soup.users.get("Bo").lent) == [1, 3]
    assert soup.loans.get(1).lender is soup.users.get("Bo")


def test_filters_of_warnings_are_left_alone(soup, monkeypatch):
    """Other threads share them, so they change only where a name is taken already."""
    changed = []

    class Noted(warnings.catch_warnings):
        def __init__(self, **options):
            changed.append(options)
            super().__init__(**options)

    monkeypatch.setattr(warnings, "catch_warnings", Noted)
    soup.users.relate("lent", soup.loans, backref="lender")
    assert changed == []
    soup.users.relate("lent", soup.loans, viewonly=True)
    assert changed == [{}]
    assert len(soup.users.get("Bo").lent) == 2


def test_a_class_with_heirs(soup):
    """A class that the program derived others from can be related as well, and they have it too."""
    heir = type("Borrower", (soup.users,), {})
    orm.registry().map_imperatively(heir, inherits=soup.users)
    soup.users.relate("lent", soup.loans)
    assert [loan.book_id for loan in soup.session.get(heir, "Bo").lent] == [1, 3]


def test_instrumentation_of_another_kind() -> None:
    """A class that is instrumented in a way of its own keeps it."""
    manager = object()
    mapper: Any = SimpleNamespace(_props={}, class_manager=manager)
    _sa.steady(mapper)
    assert type(mapper.class_manager) is object
    assert mapper.class_manager is manager
