"""What made-up tables are made of in SQLite."""

from __future__ import annotations

import datetime as dt

from hypothesis import strategies as st
from made_up import Database, Generated, Kind

INTEGERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False)  # SQLite stores NaN as NULL
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
DATES = st.dates()
DATETIMES = st.datetimes().map(lambda value: value.replace(fold=0))
TIMES = st.times().map(lambda value: value.replace(fold=0))


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
        Kind("BOOLEAN", st.booleans(), int, defaults=(("1", True), ("0", False))),
    ),
    keys=("INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT"),
    generated=(
        Generated("INTEGER GENERATED ALWAYS AS (n + 1) STORED", lambda n: n + 1),
        Generated("INTEGER AS (n * 2) VIRTUAL", lambda n: n * 2),
        Generated("TEXT AS ('n' || n)", lambda n: f"n{n}"),
    ),
)
