"""What made-up tables are made of in SQLite."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from made_up import Database, Generated, Kind

INTEGERS = st.integers(-(2**63), 2**63 - 1)
# SQLite stores NaN as NULL and -0.0 as 0.0
FLOATS = st.floats(allow_nan=False).filter(lambda value: repr(value) != "-0.0")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
DATES = st.dates()
DATETIMES = st.datetimes().map(lambda value: value.replace(fold=0))
TIMES = st.times().map(lambda value: value.replace(fold=0))
# SQLite makes a number of text that looks like one where the type is none that it knows.
FRACTIONS = FLOATS.filter(lambda value: math.isfinite(value) and not value.is_integer())
ANYTHING = st.one_of(INTEGERS, FRACTIONS, TEXTS.filter(lambda text: not is_number(text)))
EXACT = st.integers(-(10**14), 10**14).map(lambda number: Decimal(number).scaleb(-4))
TEN = EXACT.map(lambda value: value.quantize(Decimal("1.0000000000")))
WHOLE = INTEGERS.map(Decimal)
WHOLE_DEFAULT = Decimal(2**53 + 1)
DOCUMENTS = st.recursive(
    INTEGERS | TEXTS | st.booleans(),
    lambda inner: st.lists(inner | FLOATS, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def is_number(text: str) -> bool:
    """Tell if SQLite may take text for a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def number(value: Decimal) -> float:
    """Return the number that is stored for a Decimal."""
    return int(value) if value == value.to_integral_value() else float(value)


def document(value: Any) -> Any:
    """Return what is stored for JSON: SQLite makes numbers of numbers."""
    return value if type(value) is int else json.dumps(value)


def microseconds(value: dt.datetime | dt.time) -> str:
    """Return the text that stands for a datetime or time."""
    return value.isoformat(*[" "] * isinstance(value, dt.datetime), timespec="microseconds")


SQLITE = Database(
    kinds=(
        Kind("INTEGER", INTEGERS, defaults=(("7", 7), ("(1 + 2)", 3)), is_key=True),
        Kind("BIGINT", INTEGERS, defaults=(("-9223372036854775808", -(2**63)),), is_key=True),
        Kind("REAL", FLOATS, defaults=(("0.5", 0.5),)),
        Kind("TEXT", TEXTS, defaults=(("'it''s'", "it's"), ("''", "")), is_key=True),
        Kind("VARCHAR(20)", TEXTS, defaults=(("'a'", "a"),), is_key=True),
        Kind("BLOB", st.binary(max_size=20), defaults=(("x'00ff'", b"\0\xff"),), is_key=True),
        Kind("DATE", DATES, dt.date.isoformat, is_key=True),
        Kind("TIME", TIMES, microseconds),
        Kind("DATETIME", DATETIMES, microseconds, is_key=True),
        Kind("DECIMAL(20, 4)", EXACT, number, defaults=(("1.5", Decimal("1.5000")),), is_key=True),
        Kind("NUMERIC", TEN, number, defaults=(("1234567.1", Decimal("1234567.1000000000")),)),
        Kind("NUMERIC(19, 0)", WHOLE, int, defaults=(("9007199254740993", WHOLE_DEFAULT),)),
        Kind("STRING", ANYTHING, defaults=(("'a'", "a"), ("5", 5))),
        Kind("JSON", DOCUMENTS, document, is_compared=False, is_null=False),
        Kind("BOOLEAN", st.booleans(), int, defaults=(("1", True), ("0", False))),
    ),
    keys=("INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT"),
    generated=(
        Generated("INTEGER GENERATED ALWAYS AS (n + 1) STORED", lambda n: n + 1),
        Generated("INTEGER AS (n * 2) VIRTUAL", lambda n: n * 2),
        Generated("TEXT AS ('n' || n)", lambda n: f"n{n}"),
    ),
)
