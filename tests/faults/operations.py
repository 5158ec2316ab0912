"""What is interrupted: operations of SQLSoup, each of which is done once, again, and elsewhere."""

from __future__ import annotations

import contextlib
import io

import sqlalchemy as sa
from sqlalchemy.orm import scoped_session, sessionmaker

import sqlsoup


class Operation:
    """What is interrupted."""

    def __init__(self, run, *, prepare=None, implied=False, commits=False, forgets=False, word=""):
        self.run = run
        self.prepare = prepare or (lambda _db: None)
        self.implied = implied
        self.commits = commits
        self.forgets = forgets
        self.word = word
        self.result = None

    def words(self, number):
        """Return the words that it stores, if it is not interrupted."""
        return [self.word.format(number)] if self.word else []


def count(entity):
    """Use a class, and return what it is called and how many rows it has."""
    return entity.__name__, entity.count()


def look_up(*names):
    """Return a function that looks up some classes."""

    def prepare(db):
        for name in names:
            assert db.entity(name).first() is not None or name in {"visits", "seats"}

    return prepare


def insert(db, number):
    """Insert a tag and send it."""
    db.tags.insert(word=f"new {number}")
    db.flush()


def insert_many(db, number):
    """Insert a tag without making an object of it."""
    return sqlsoup.insert_many(db.tags, [{"word": f"new {number}"}])


def upsert(db, number):
    """Insert a tag, beside one that is there."""
    return sqlsoup.upsert(db.tags, [{"word": "hot"}, {"word": f"new {number}"}])


def tied(db, number):
    """Insert a tag and what refers to it, in the wrong order, and delete what refers to another."""
    db.book_tags.insert(book_id=2, word=f"new {number}")
    db.tags.insert(word=f"new {number}")
    db.flush()
    db.delete(db.book_tags.get((2, f"new {number}")))
    db.flush()


def update_of_many(db, number):
    """Insert a tag, and have the database say that it is the one whose word is changed."""
    db.tags.insert(word=f"old {number}")
    db.flush()
    db.tags.filter(sa.func.lower(db.tags.word) == f"old {number}").update({"word": f"new {number}"})


def commit(db, number):
    """Insert a tag and commit."""
    db.tags.insert(word=f"new {number}")
    db.commit()


def block(db, number):
    """Insert a tag in a block."""
    with db:
        db.tags.insert(word=f"new {number}")


def nested(db, number):
    """Insert a tag in a block within another."""
    with db:
        with db:
            db.tags.insert(word=f"new {number}")
        db.flush()


def savepoint(db, number):
    """Insert a tag at a savepoint in a block, and go back to the savepoint after another."""
    with db:
        with db.session.begin_nested():
            db.tags.insert(word=f"new {number}")
        with contextlib.suppress(KeyError), db.session.begin_nested():
            db.tags.insert(word=f"undone {number}")
            db.flush()
            raise KeyError


def failing(db, number):
    """Have a block fail, and insert a tag in another."""
    with contextlib.suppress(KeyError), db:
        db.tags.insert(word=f"failed {number}")
        db.flush()
        raise KeyError
    block(db, number)


def in_block(db, _number):
    """Look up a class in a block."""
    with db:
        return count(db.users)


def map_to(db, _number):
    """Map a table to another name."""
    if "people" in db._cache:
        del db["people"]
    return count(db.map_to("people", tablename="users"))


def keyless(db, _number):
    """Map a table that has no key."""
    return db.entity("visits", primary_key=["day"]).get(2).n


def relate(db, _number):
    """Relate users to loans."""
    db.users.relate("lent", db.loans)
    return sorted(loan.book_id for loan in db.users.get("Bo").lent)


def relate_backref(db, _number):
    """Relate users and loans, if that is yet to be."""
    if "lent" not in sa.inspect(db.users).relationships:
        db.users.relate("lent", db.loans, backref="lender")
    return db.loans.get(1).lender.name, len(db.users.get("Bo").lent)


def relate_pair(db, _number):
    """Relate users and loans by two calls."""
    db.users.relate("lent", db.loans, back_populates="borrower")
    db.loans.relate("borrower", db.users, back_populates="lent")
    return db.loans.get(1).borrower.name, len(db.users.get("Bo").lent)


def relate_secondary(db, _number):
    """Relate books to tags."""
    db.books.relate("words", db.tags, secondary=db.book_tags)
    return sorted(tag.word for tag in db.books.get(1).words)


def forget(db, _number):
    """Forget a class, and look it up again."""
    if "users" in db._cache:
        del db["users"]
    return count(db.users)


def forget_attribute(db, _number):
    """Try to delete an attribute that is a table, which is refused."""
    try:
        del db.users
    except AttributeError as error:
        return str(error), db.users.count()


def refresh(db, _number):
    """Forget all classes, and look one up again."""
    sqlsoup.refresh(db)
    return count(db.users)


def construct(db, _number):
    """Make a SQLSoup with sessions of its own, and use it."""
    other = sqlsoup.SQLSoup(db.engine, session=scoped_session(sessionmaker()))
    try:
        with other:
            return count(other.users)
    finally:
        other.session.remove()


def show(*names):
    """Return an operation that shows tables, or the whole database."""

    def run(db, _number):
        text = io.StringIO()
        for thing in [db.entity(name) for name in names] or [db]:
            sqlsoup.show(thing, file=text)
        return text.getvalue().replace(str(db.engine.url), "")

    return run


OPERATIONS = {
    "construct": Operation(construct),
    "first access": Operation(lambda db, _: count(db.users)),
    "first access in a block": Operation(in_block),
    "item access": Operation(lambda db, _: count(db["book_tags"])),
    "item access with a dot": Operation(lambda db, _: count(db["main.users"])),
    "known class": Operation(lambda db, _: count(db.users), prepare=look_up("users")),
    "get": Operation(lambda db, _: repr(db.users.get("Bo")), prepare=look_up("users")),
    "join": Operation(
        lambda db, _: count(db.join(db.users, db.loans)), prepare=look_up("users", "loans")
    ),
    "with_labels": Operation(
        lambda db, _: count(db.with_labels(db.join(db.books, db.loans))),
        prepare=look_up("books", "loans"),
    ),
    "map": Operation(
        lambda db, _: count(db.map(sa.select(db.users).where(db.users.admin == 0))),
        prepare=look_up("users"),
    ),
    "map_to": Operation(map_to, forgets=True),
    "table without a key": Operation(keyless),
    "insert": Operation(insert, prepare=look_up("tags"), word="new {}"),
    "insert_many": Operation(insert_many, prepare=look_up("tags"), word="new {}"),
    "upsert": Operation(upsert, prepare=look_up("tags"), word="new {}"),
    "update of many": Operation(update_of_many, prepare=look_up("tags"), word="new {}"),
    "order of a flush": Operation(tied, prepare=look_up("tags", "book_tags"), word="new {}"),
    "commit": Operation(commit, prepare=look_up("tags"), commits=True, word="new {}"),
    "block": Operation(block, prepare=look_up("tags"), commits=True, word="new {}"),
    "nested block": Operation(nested, prepare=look_up("tags"), commits=True, word="new {}"),
    "savepoint in a block": Operation(
        savepoint, prepare=look_up("tags"), commits=True, word="new {}"
    ),
    "block that fails": Operation(failing, prepare=look_up("tags"), commits=True, word="new {}"),
    "relate": Operation(relate, prepare=look_up("users", "loans")),
    "relate with backref": Operation(relate_backref, prepare=look_up("users", "loans")),
    "relate, two sides": Operation(relate_pair, prepare=look_up("users", "loans")),
    "relate with secondary": Operation(
        relate_secondary, prepare=look_up("books", "tags", "book_tags")
    ),
    "implied, to one": Operation(
        lambda db, _: db.loans.get(1).user.name, prepare=look_up("users", "loans"), implied=True
    ),
    "implied, collection": Operation(
        lambda db, _: sorted(one.book_id for one in db.users.get("Bo").loans),
        prepare=look_up("users", "loans"),
        implied=True,
    ),
    "implied, one to one": Operation(
        lambda db, _: db.books.get(1).loans.user_name,
        prepare=look_up("books", "loans"),
        implied=True,
    ),
    "implied, many to many": Operation(
        lambda db, _: sorted(tag.word for tag in db.books.get(1).tags),
        prepare=look_up("books", "tags", "book_tags"),
        implied=True,
    ),
    "implied, one table": Operation(
        lambda db, _: len(db.shelves.get(1).shelves), prepare=look_up("shelves"), implied=True
    ),
    "implied, names": Operation(
        lambda db, _: "loans" in dir(db.users), prepare=look_up("users"), implied=True
    ),
    "implied, in a new row": Operation(
        lambda db, n: db.session.expunge(db.tags.insert(word=f"x {n}", books=[])),
        prepare=look_up("tags", "books", "book_tags"),
        implied=True,
    ),
    "del": Operation(forget, prepare=look_up("users"), forgets=True),
    "del of an attribute": Operation(forget_attribute, prepare=look_up("users")),
    "refresh": Operation(refresh, prepare=look_up("users", "loans"), forgets=True),
    "reflect": Operation(lambda db, _: sorted(sqlsoup.reflect(db, ["users", "loans"]))),
    "reflect all, implied": Operation(
        lambda db, _: [sqlsoup.reflect(db), count(db.seats)], implied=True
    ),
    "as_dicts": Operation(lambda db, _: sqlsoup.as_dicts(db.tags), prepare=look_up("tags")),
    "iter_dicts": Operation(
        lambda db, _: [*sqlsoup.iter_dicts(db.users.order_by("name").yield_per(2))],
        prepare=look_up("users"),
    ),
    "as_dict": Operation(
        lambda db, _: sqlsoup.as_dict(db.users.get("Bo")), prepare=look_up("users")
    ),
    "help": Operation(lambda db, _: len(db.users.__doc__), prepare=look_up("users")),
    "show": Operation(show("users", "loans")),
    "show the database": Operation(show()),
    "iteration": Operation(lambda db, _: sorted(db)),
    "contains": Operation(lambda db, _: ["users" in db, "nothing" in db]),
    "dir": Operation(lambda db, _: "users" in dir(db)),
}
