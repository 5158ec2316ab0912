"""A program on a module that ``sqlsoup URL --types`` wrote: no type checker has anything to say."""
# pyright: strict

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, assert_type

from shop import Books, Loans, OrderItems, OrderItemsValues, Shop, Tags, Users
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, Query, joinedload, selectinload

import sqlsoup
from sqlsoup import SelectableClassType, SQLSoup


def reading(db: Shop) -> None:
    """Queries are of rows of the table, and rows have the columns of the database."""
    user = db.users.filter(db.users.admin == 1).first()
    assert_type(user, Users | None)
    assert_type(db.users.filter_by(admin=1).order_by(db.users.name.desc()), Query[Users])
    assert_type(db.users.where(db.users.email.is_(None)).limit(5).offset(5).all(), list[Users])
    assert_type(db.users.all(), list[Users])
    assert_type(db.users.one(), Users)
    assert_type(db.users.get("Ada"), Users | None)
    assert_type(db.users.order_by("name").distinct().count(), int)
    assert_type(db.users.name, InstrumentedAttribute[str])
    if user is not None:
        assert_type(user.name.upper(), str)
        assert_type(user.email, str | None)
        assert_type(user.admin, int)
    for book in db.books.filter(db.books.year > 2000, db.books.title.like("%soup%")):
        assert_type(book.price, Decimal | None)
        assert_type(book.added, datetime.datetime | None)
    for title, year in db.books.with_entities(db.books.title, db.books.year):
        print(title, year)
    names: list[str] = [name for (name,) in db.execute("SELECT name FROM users")]
    print(names, sqlsoup.as_dicts(db.users), db.users.c.keys(), sorted(db.users.all()))


def relating(db: Shop) -> None:
    """Relationships lead to rows of the other table, which may be None where the key may."""
    loan = db.loans.options(joinedload(db.loans.user)).first()
    if loan is not None:
        assert_type(loan.user, Users | None)
        assert_type(loan.book, Books)
        assert_type(loan.book.tags, list[Tags])
        assert_type(loan.book.loans, Loans | None)
        assert_type([one.due.year for one in loan.user.loans] if loan.user else [], list[int])
        loan.user = db.users.one_or_none()
        loan.book.tags.append(db.tags(word="soup"))
    print(db.loans.join(db.loans.user).filter(db.users.name == "Bo").all())
    print(db.users.filter(db.users.loans.any(book_id=3)).all())


def writing(db: Shop) -> None:
    """A row is made of its columns and relationships, by value or SQL expression."""
    with db:
        user = db.users.insert(name="Ada", email=None)
        book = db.books(id=1, title=func.upper("soups"), price=Decimal("9.50"))
        assert_type(db.loans.insert(user=user, book=book, due=datetime.date(2026, 1, 1)), Loans)
        user.email, user.admin = "ada@example.org", 1
        book.added = func.now()
        db.users.filter_by(name="Bo").update({"admin": 0})
        assert_type(db.users.update({"admin": 0}), int)
        assert_type(db.loans.delete(db.loans.due < datetime.date(2020, 1, 1)), int)
        db.delete(user)


def odd_names(db: Shop) -> None:
    """A table of any name is an item, and so is one that is not known yet."""
    item = db["order items"].first()
    assert_type(item, OrderItems | None)
    assert_type(db["order items"].count, InstrumentedAttribute[int])
    assert_type(db["users"].all(), list[Users])
    assert_type([db[name] for name in db], list[SelectableClassType])
    values: OrderItemsValues = {"item no.": 7, "class": "b", "count": 5, "book_id": 1}
    assert_type(db["order items"].insert(**values), OrderItems)
    assert_type(item.book.title if item else None, str | None)


async def waiting(db: Shop, session: AsyncSession) -> None:
    """What is awaited has the same types, and so has what is done within ``run_sync()``."""
    loaded = await session.run_sync(lambda _: selectinload(db.users.loans))
    statement = select(db.users).options(loaded).order_by(db.users.name)
    assert_type((await session.execute(statement)).scalars().all(), Sequence[Users])
    assert_type((await session.scalars(statement)).first(), Users | None)
    assert_type(await session.get(db.users, "Bo"), Users | None)
    assert_type(await session.run_sync(lambda _: db.users.get("Bo")), Users | None)
    user = (await session.scalars(statement)).one()
    assert_type(await session.run_sync(lambda _: user.loans), list[Loans])
    async for row in await session.stream_scalars(select(db.books)):
        assert_type(row.title, str)


def as_ever(db: Shop, other: SQLSoup) -> None:
    """A Shop is a SQLSoup, in whatever takes one."""
    sqlsoup.refresh(db)
    assert_type(db.session.scalars(select(db.users)).all(), Sequence[Users])
    rows: Any = db.join(db.users, db.loans).all()
    print(
        rows, other.anything, db.map(select(db.users.name)), Shop("sqlite://", relationships=True)
    )
