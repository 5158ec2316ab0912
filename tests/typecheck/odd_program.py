"""A program on a module whose tables and columns have the names of what a module uses itself."""
# pyright: strict

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import assert_type

from odd import Hiding, HidingValues, Odd, Plain, Type
from sqlalchemy.orm import InstrumentedAttribute


def of_classes(db: Odd) -> None:
    """A column comes before a method of the class."""
    assert_type(db.hiding.count, InstrumentedAttribute[int])
    assert_type(db.hiding.filter, InstrumentedAttribute[int])
    assert_type(db.hiding.filter_by, InstrumentedAttribute[int])
    assert_type(db.hiding.insert, InstrumentedAttribute[int])
    assert_type(db.hiding.session, InstrumentedAttribute[int])
    assert_type(db.hiding.statement, InstrumentedAttribute[int])
    assert_type(db.hiding.mro, InstrumentedAttribute[int])
    assert_type(db.hiding.c, InstrumentedAttribute[int])
    assert_type(db.hiding.all(), list[Hiding])


def of_rows(db: Odd) -> None:
    """A type is what it is, also in a row that has a column of its name."""
    values: HidingValues = {"self": 5, "date": 1, "__odd": 4, "day": datetime.date(2026, 1, 1)}
    row = db.hiding(**values)
    row.filter = row.count = row.c + row.int + row.date + row.self + row.Mapped
    assert_type(row.date, int)
    assert_type(row.day, datetime.date)
    assert_type(row.price, Decimal)
    assert_type(row.text, str)
    assert_type(row.other, Hiding | None)
    assert_type(row.hiding, list[Hiding])
    plain = db.plain.one()
    assert_type(plain, Plain)
    assert_type(plain.list, Type | None)
    assert_type(db.type.one().plain, list[Plain])


def of_tables(db: Odd) -> None:
    """A table that cannot be an attribute is an item."""
    print(db["2019 sales"].one().id, db["%"].one().id, db["plain values"].one().id)
    print(db['it\'s "x" \\'].one().id, db.größe.one().id, db.none.one().id, db.odd.one().id)
    print(db["session"].one().id, db["ﬁle"].one().id, db.sqlsoup.one().id, db.plain_values.count())
    db.session.expunge_all()
