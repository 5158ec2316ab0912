"""What made-up tables are made of in PostgreSQL, with psycopg2."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from made_up import Database, Generated, Kind
from psycopg2.extras import Json

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
SHORT = TEXTS.map(lambda value: value.rstrip(" ")[:5].rstrip(" "))
MOODS = ("ok", "so so", "it's", 'a,"b"\\')
# -0.0 is no change of 0.0 to the ORM, which compares them
FLOATS = st.floats(allow_nan=False).filter(lambda value: repr(value) != "-0.0")
SINGLES = st.floats(width=32, allow_nan=False)
ZONE = dt.UTC
MOMENTS = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))
# PostgreSQL writes an IPv4 address within one of IPv6 as such, and Python does not
ADDRESSES = st.ip_addresses().filter(lambda value: value.version == 4 or int(value) >= 2**48)
DURATIONS = st.timedeltas(dt.timedelta(-999_999), dt.timedelta(999_999))


def integers(bits: int) -> st.SearchStrategy[int]:
    """Make up integers of so many bits."""
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def numbers(digits: int, places: int) -> st.SearchStrategy[Decimal]:
    """Make up numbers of so many digits."""
    most = 10**digits - 1
    return st.integers(-most, most).map(lambda value: Decimal(f"{value}e-{places}"))


def listed(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Make up lists of values, NULL among them."""
    return st.lists(values | st.none(), max_size=4)


def literal(value: list[Any]) -> str:
    """Return how PostgreSQL writes an array."""

    def element(each: Any) -> str:
        if each is None:
            return "NULL"
        text = str(each)
        plain = text and text.upper() != "NULL" and not set(text) & set('{},"\\ \t\n\r\v\f')
        return text if plain else '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'

    return "{" + ",".join(map(element, value)) + "}"


def of_text(ddl: str, values: st.SearchStrategy[Any], **options: Any) -> Kind:
    """Return the kind of an array that psycopg2 gives as text."""
    return Kind(ddl, listed(values), literal, **options)


def moment(value: dt.datetime) -> dt.datetime:
    """Return a moment as the driver gives it."""
    return value.replace(fold=0)


POSTGRESQL = Database(
    kinds=(
        Kind(
            "boolean", st.booleans(), defaults=(("true", True), ("(NOT true)", False)), is_key=True
        ),
        Kind("smallint", integers(16), defaults=(("7", 7),), is_key=True),
        Kind("integer", integers(32), defaults=(("(1 + 2)", 3),), is_key=True),
        Kind("bigint", integers(64), defaults=(("length('four')", 4),), is_key=True),
        Kind("numeric", numbers(60, 30), defaults=(("1.50", Decimal("1.50")),), is_key=True),
        Kind("numeric(8, 2)", numbers(8, 2), is_key=True),
        Kind("double precision", FLOATS, is_key=True),
        Kind(
            "real",
            SINGLES.map(lambda value: float(f"{value:.6g}")).filter(
                lambda value: repr(value) != "-0.0"
            ),
            is_compared=False,
        ),
        Kind("text", TEXTS, defaults=(("'a''b:c'", "a'b:c"),), is_key=True),
        Kind("varchar(20)", TEXTS, defaults=(("upper('x')", "X"),), is_key=True),
        Kind("char(5)", SHORT.map(lambda value: value.ljust(5)), is_key=True),
        Kind("citext", TEXTS),
        Kind("bytea", st.binary(max_size=20), defaults=((r"'\x0041'", b"\0A"),), is_key=True),
        Kind("date", st.dates(), defaults=(("'2001-02-03'", dt.date(2001, 2, 3)),), is_key=True),
        Kind("time", st.times().map(lambda value: value.replace(fold=0)), is_key=True),
        Kind("timestamp", MOMENTS.map(moment), is_key=True),
        Kind("timestamptz", MOMENTS.map(lambda value: moment(value).replace(tzinfo=ZONE))),
        Kind("interval", DURATIONS, is_key=True),
        Kind("uuid", st.uuids(), is_key=True),
        Kind(
            "jsonb",
            st.dictionaries(TEXTS, integers(32) | TEXTS | st.none(), max_size=3),
            sent=Json,
        ),
        Kind("inet", ADDRESSES.map(str), is_key=True),
        Kind("bit varying(9)", st.text("01", max_size=9), defaults=(("B'101'", "101"),)),
        Kind("oid", st.integers(0, 2**32 - 1), is_key=True),
        Kind("made_up_mood", st.sampled_from(MOODS), defaults=(("'so so'", "so so"),), is_key=True),
        Kind("made_up_state", st.sampled_from(MOODS), defaults=(("'ok'", "ok"),), is_key=True),
        Kind("made_up_name", TEXTS, is_key=True),
        Kind("made_up_number", integers(32), defaults=(("3", 3),), is_key=True),
        Kind("integer[]", listed(integers(32)), defaults=(("'{1,NULL}'", [1, None]),)),
        Kind("text[]", listed(TEXTS), defaults=(("ARRAY['a']", ["a"]),)),
        Kind("uuid[]", listed(st.uuids())),
        Kind("timestamp[]", listed(MOMENTS.map(moment))),
        of_text("citext[]", TEXTS, defaults=(("'{a}'", ["a"]),)),
        of_text("made_up_mood[]", st.sampled_from(MOODS)),
        of_text("made_up_state[]", st.sampled_from(MOODS)),
        of_text("made_up_number[]", integers(32)),
        of_text("bit varying(9)[]", st.text("01", max_size=9)),
    ),
    keys=(
        "serial PRIMARY KEY",
        "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "integer GENERATED BY DEFAULT AS IDENTITY (INCREMENT -1) PRIMARY KEY",
        "integer DEFAULT nextval('made_up_down') PRIMARY KEY",
        "uuid DEFAULT gen_random_uuid() PRIMARY KEY",
    ),
    generated=(
        Generated("integer GENERATED ALWAYS AS (n + 1) STORED", lambda n: n + 1),
        Generated("text GENERATED ALWAYS AS ('n' || n) STORED", lambda n: f"n{n}"),
        Generated(
            "made_up_number GENERATED ALWAYS AS (n * 2) STORED",
            lambda n: n * 2,
        ),
    ),
    before=(
        "CREATE EXTENSION IF NOT EXISTS citext",
        "CREATE SEQUENCE made_up_down INCREMENT BY -1",
        """CREATE TYPE made_up_mood AS ENUM ('ok', 'so so', 'it''s', 'a,"b"\\')""",
        "CREATE DOMAIN made_up_state AS made_up_mood",
        "CREATE DOMAIN made_up_name AS varchar(20)",
        "CREATE DOMAIN made_up_number AS integer",
    ),
    after=(
        "DROP SEQUENCE made_up_down",
        "DROP DOMAIN made_up_state",
        "DROP TYPE made_up_mood",
        "DROP DOMAIN made_up_name",
        "DROP DOMAIN made_up_number",
    ),
)
