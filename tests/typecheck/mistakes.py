"""Mistakes on a module that ``sqlsoup URL --types`` wrote; type checkers must find each."""
# pyright: strict

import datetime

from shop import Shop


def mistakes(db: Shop) -> None:
    """Everything that a line says is wrong."""
    user, book = db.users.one(), db.books.one()
    print(db.boks)  # no such table
    print(db.users.titel)  # no such column
    print(book.titel)  # no such column
    book.titel = "Soups"  # no such column
    db.users.insert(nmae="x")  # no such column
    db.users.insert(name=5)  # text
    db.users(name="Ada", admin="yes")  # a number
    db.users.filter_by(nmae="x").all()  # no such column
    db.users.fliter(db.users.admin == 1)  # no such method
    db.users.limit()  # how many?
    book.year = "1991"  # a number
    book.title = None  # not null
    db.loans.one().due = "2026-01-01"  # a date
    db.loans.insert(due=datetime.date(2026, 1, 1), user=book)  # of another table
    user.loans.append(user)  # of another table
    print(user.email.upper())  # may be None
    print(db.loans.one().user.name)  # may be None
    print(db.users.first().name)  # may be None
    print(user.filter)  # of the class alone
    print(db["order items"].titel)  # no such column
    db["order items"].insert(**{"item no.": "x"})  # a number
    db.boks = db.users  # no such table
    db.users.add(user)  # no such method
