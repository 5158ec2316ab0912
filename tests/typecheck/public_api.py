"""What a type checker makes of a program that uses SQLSoup; it is checked, never run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_type

from sqlalchemy import Connection, Engine, MetaData, create_engine, select
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import sqlsoup
from sqlsoup import SelectableClassType, SQLSoup, SqlSoup, TableClassType


class Base:
    """A base class of a program's own."""

    def shout(self) -> str:
        """Return something."""
        return "!"


class Library(SQLSoup):
    """A subclass, as programs wrote them."""

    def entity(
        self, attr: str, schema: str | None = None, *, primary_key: Sequence[Any] = ()
    ) -> SelectableClassType:
        """Find the tables of a prefix."""
        return super().entity(f"lib_{attr}", schema, primary_key=primary_key)


def constructing(engine: Engine, metadata: MetaData, session: Session) -> None:
    """Every kind of argument is accepted."""
    assert_type(SQLSoup("sqlite://"), SQLSoup)
    assert_type(SQLSoup(engine.url), SQLSoup)
    assert_type(SqlSoup(engine), SQLSoup)
    SQLSoup(metadata, base=Base, session=scoped_session(sessionmaker()))
    SQLSoup(engine, Base, session)
    SQLSoup(session=session)
    Library(engine)
    SQLSoup(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def attributes(db: SQLSoup) -> None:
    """Tables are of any type; what SQLSoup itself has is known."""
    assert_type(db.users, Any)
    assert_type(db.bind, Engine | None)
    assert_type(db.engine, Engine)
    assert_type(db.connection(), Connection)
    assert_type(db.base, type)
    assert_type(db.schema, str | None)
    db.report = db.map(select(db.users))
    for user in db.users.filter(db.users.admin == 1):
        print(user.name)


def classes(db: SQLSoup) -> None:
    """Mapped classes have the type that says what they are mapped to."""
    users = db.entity("users")
    assert_type(users, SelectableClassType)
    assert_type(users.insert(name="Joe"), Any)
    assert_type(users.get("Joe"), Any)
    assert_type(users.delete(users.name == "Joe"), int)
    assert_type(users.filter_by(name="Joe"), Any)
    assert_type(users(name="Joe"), Any)
    assert_type(
        db.map_to("u", tablename="users", mapper_args={"primary_key": ["name"]}),
        SelectableClassType,
    )
    assert_type(db.join(users, db.loans, isouter=True), SelectableClassType)
    assert_type(db.with_labels(db.join(users, db.loans)), SelectableClassType)
    if isinstance(users, TableClassType):
        users.relate("loans", db.loans, backref="user")


def work(db: SQLSoup) -> None:
    """The methods of the session."""
    db.commit()
    db.rollback()
    db.flush()
    db.delete(db.users.first())
    db.expunge(db.users.first())
    db.expunge_all()
    db.execute(select(db.users), {"x": 1})
    db.execute("INSERT INTO t VALUES (:x)", [{"x": 1}, {"x": 2}])


def results(db: SQLSoup) -> None:
    """A row of a result has any number of values, which may be unpacked."""
    for name, admin in db.execute("SELECT name, admin FROM users"):
        assert_type(name, Any)
        assert_type(admin, Any)
    (count,) = db.execute("SELECT count(*) FROM users").one()
    assert_type(count, Any)
    first = db.execute("SELECT :x, :y, :z", x=1, y=2, z=3).first()
    if first is not None:
        x, y, z = first
        assert_type([x, y, z, first.x, first[2]], list[Any])
    for name, email in db.execute("SELECT name, email FROM users").all():
        assert_type([name, email], list[Any])


def module(engine: Engine) -> None:
    """The names of the module."""
    assert_type(sqlsoup.__version__, str)
    assert_type(sqlsoup.Session, scoped_session[Session])
    try:
        SQLSoup(create_engine("sqlite://")).entity("users")
    except sqlsoup.NoSuchTableError as error:
        assert_type(error, sqlsoup.NoSuchTableError)
    except sqlsoup.PKNotFoundError as error:
        assert_type(error, sqlsoup.SQLSoupError)
