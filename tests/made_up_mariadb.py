"""What made-up tables are made of in MariaDB."""

from __future__ import annotations

import datetime as dt
import struct
from decimal import Decimal

from hypothesis import strategies as st
from made_up import Database, Generated, Kind

DAY = dt.timedelta(days=1)
LONGEST = dt.timedelta(hours=838, minutes=59, seconds=59)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NO_SPACE = TEXTS.map(lambda value: value.rstrip(" ")[:10].rstrip(" "))
MEMBERS = ("a", "b'c", "d é")
ENUM = "ENUM('a', 'b''c', 'd é')"
SET = "SET('a', 'b''c', 'd é')"


def time_of(value: dt.timedelta) -> dt.time | dt.timedelta:
    """Return what SQLSoup gives for a duration."""
    return value if not dt.timedelta() <= value < DAY else (dt.datetime.min + value).time()


def duration_of(value: dt.time | dt.timedelta) -> dt.timedelta:
    """Return what the driver gives for it."""
    if isinstance(value, dt.timedelta):
        return value
    return dt.datetime.combine(dt.date.min, value) - dt.datetime.min


def clock(value: dt.time | dt.timedelta) -> str:
    """Return what the database takes for it."""
    micros = duration_of(value) // dt.timedelta(microseconds=1)
    seconds, fraction = divmod(abs(micros), 1_000_000)
    sign = "-" if micros < 0 else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60}:{seconds % 60}.{fraction:06}"


def shortest(value: float) -> float:
    """Return the shortest float that a FLOAT column holds as this one."""
    stored = struct.pack("f", value)
    near = (float(f"{value:.{digits}g}") for digits in range(6, 10))
    return next(
        (x for x in near if abs(x) < 3.40282347e38 and struct.pack("f", x) == stored), value
    )


def listed(value: set[str]) -> str:
    """Return what the driver gives for a set."""
    return ",".join(member for member in MEMBERS if member in value)


def integers(bits: int, *, signed: bool = True) -> st.SearchStrategy[int]:
    """Make up integers of so many bits."""
    return (
        st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if signed
        else st.integers(0, 2**bits - 1)
    )


def bits(number: int) -> Kind:
    """Return the kind of so many bits."""
    return Kind(
        f"BIT({number})",
        integers(number, signed=False),
        lambda value: value.to_bytes((number + 7) // 8),
        sent=int,
        defaults=(("b'1'", 1),),
    )


def numbers(digits: int, places: int) -> st.SearchStrategy[Decimal]:
    """Make up numbers of so many digits."""
    most = 10**digits - 1
    return st.integers(-most, most).map(lambda value: Decimal(f"{value}e-{places}"))


DURATIONS = st.timedeltas(-LONGEST, LONGEST)
SECONDS = DURATIONS.map(lambda value: dt.timedelta(seconds=value // dt.timedelta(seconds=1)))
FINITE = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda value: repr(value) != "-0.0"
)
SINGLE = st.floats(width=32, allow_nan=False, allow_infinity=False).filter(
    lambda value: repr(value) != "-0.0"
)
POINTS = st.tuples(FINITE, FINITE).map(lambda pair: struct.pack("<IBIdd", 0, 1, 1, *pair))
MARIADB = Database(
    kinds=(
        Kind("TINYINT", integers(8), defaults=(("7", 7), ("(1 + 2)", 3)), is_key=True),
        Kind("BOOLEAN", st.integers(0, 1), defaults=(("true", 1),)),
        Kind("SMALLINT", integers(16), is_key=True),
        Kind("MEDIUMINT UNSIGNED", integers(24, signed=False), is_key=True),
        Kind("INT ZEROFILL", integers(32, signed=False), defaults=(("5", 5),)),
        Kind("BIGINT", integers(64), defaults=(("nextval(made_up_ten)", 10),), is_key=True),
        Kind("BIGINT UNSIGNED", integers(64, signed=False), defaults=(("9", 9),)),
        Kind("DECIMAL(65, 30)", numbers(65, 30), is_key=True),
        Kind("DECIMAL(5, 2)", numbers(5, 2), defaults=(("1.5", Decimal("1.50")),)),
        Kind("DOUBLE", FINITE.map(lambda value: Decimal(repr(value))), float),
        Kind(
            "FLOAT",
            SINGLE.map(shortest),
            lambda value: float(f"{value:.6g}"),
            sent=float,
            is_compared=False,
        ),
        bits(1),
        bits(13),
        bits(64),
        Kind(
            "VARCHAR(20) COLLATE utf8mb4_nopad_bin",
            TEXTS,
            defaults=(("'a''`:b'", "a'`:b"),),
            is_key=True,
        ),
        Kind("VARCHAR(20) COMPRESSED", TEXTS, defaults=(("'x'", "x"), ("concat('a', ':')", "a:"))),
        Kind("CHAR(10) COLLATE utf8mb4_nopad_bin", NO_SPACE, is_key=True),
        Kind("TEXT", TEXTS, defaults=(("'a text'", "a text"),)),
        Kind("VARBINARY(20)", st.binary(max_size=20), defaults=(("x'0041'", b"\0A"),), is_key=True),
        Kind("BINARY(4)", st.binary(min_size=4, max_size=4), is_key=True),
        Kind("BLOB", st.binary(max_size=20), defaults=(("'b'", b"b"),)),
        Kind("DATE", st.dates(), defaults=(("'2001-02-03'", dt.date(2001, 2, 3)),), is_key=True),
        Kind("DATETIME(6)", st.datetimes().map(lambda value: value.replace(fold=0)), is_key=True),
        Kind(
            "TIMESTAMP(6) NULL",
            st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2038, 1, 18)).map(
                lambda value: value.replace(fold=0)
            ),
        ),
        Kind("TIME(6)", DURATIONS.map(time_of), duration_of, sent=clock, is_key=True),
        Kind(
            "TIME",
            SECONDS.map(time_of),
            duration_of,
            sent=clock,
            defaults=(("'30:00:00'", dt.timedelta(hours=30)),),
        ),
        Kind("YEAR", st.just(0) | st.integers(1901, 2155), defaults=(("1999", 1999),)),
        Kind(ENUM, st.sampled_from(MEMBERS), defaults=(("'b''c'", "b'c"),)),
        Kind(SET, st.sets(st.sampled_from(MEMBERS)), listed, defaults=(("'a'", {"a"}),)),
        Kind("UUID", st.uuids(version=4), str, is_key=True),
        Kind("INET4", st.ip_addresses(v=4).map(str), is_key=True),
        Kind("INET6", st.sampled_from(["::", "::1", "2001:db8::ff00:42:8329"])),
        Kind("JSON", st.sampled_from(["[1, 2]", '{"a": "é"}', "null"])),
        Kind("POINT", POINTS, is_compared=False),
    ),
    keys=(
        "INTEGER AUTO_INCREMENT PRIMARY KEY",
        "BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY",
        "INTEGER DEFAULT nextval(made_up_down) PRIMARY KEY",
        "UUID DEFAULT uuid() PRIMARY KEY",
    ),
    generated=(
        Generated("INTEGER AS (n + 1) STORED", lambda n: n + 1),
        Generated("INTEGER AS (n * 2) VIRTUAL", lambda n: n * 2),
        Generated("VARCHAR(20) AS (concat('n', n)) PERSISTENT", lambda n: f"n{n}"),
    ),
    before=(
        "CREATE SEQUENCE made_up_ten MINVALUE 10 MAXVALUE 11 INCREMENT BY 2 CYCLE NOCACHE",
        "CREATE SEQUENCE made_up_down START WITH -1 INCREMENT BY -1",
    ),
    after=("DROP SEQUENCE made_up_ten", "DROP SEQUENCE made_up_down"),
)
