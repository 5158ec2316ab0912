"""How the values of a column compare: which have changed, which come first, which may be equal.

SQLAlchemy (2.0, 2.1) compares with ``==``, for which 1, 1.0 and True are one value.  They are not
in JSON, nor is a time of day the same in two time zones, nor are 1.0 and 1.00 in a column that
keeps the digits it is given.  And a database may find text equal in which the case differs.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Boolean, DateTime, Integer, Numeric, String, Time, TypeDecorator
from sqlalchemy.types import NULLTYPE, NullType

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Column


def _by_type(value: object) -> tuple[str, object]:
    """Return what a value is sorted by among text, numbers, bytes and NULL."""
    return type(value).__name__, value


def _order(column: Column[Any], kind: object, database: str) -> Callable[[Any], Any] | None:
    """Return what the values of a column are sorted by, or None if Python sorts them."""
    if not isinstance(kind, Integer | String | Boolean):
        return repr
    if database == "sqlite":
        rowid = column is column.table.autoincrement_column  # a number always, if "nullable"
        return None if rowid else _by_type
    return _by_type if column.nullable else None


def compare_as_stored(column: Column[Any], database: str) -> None:
    """Have the type of a column compare as the database does, and put all values in some order.

    SQLAlchemy (2.0, 2.1) sorts the rows that a flush changes by their keys, and raises an error
    where Python knows no order: of ranges, of a uuid and the text of another, of a time and a
    timedelta, of a number and NULL or, on SQLite, text.

    A type that compares in a way of its own, and the one that SQLAlchemy shares, are left alone.

    :param database: the name of its dialect.
    """
    kind: Any = column.type
    _loosen_as(kind, database)
    while isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    if kind is not NULLTYPE and kind.sort_key_function is None:
        kind.sort_key_function = _order(column, kind, database)
    own = not type(kind).compare_values.__module__.startswith("sqlalchemy.")
    comparison = None if own or kind is NULLTYPE else _comparison(kind, database)
    if comparison is not None:
        kind.compare_values = comparison


_LOOSE, _PADDED = "_sqlsoup_loose", "_sqlsoup_padded"


def loosen(kind: Any, collation: str = "", default: str = "") -> None:
    """Note of the type of a column that the database may find values equal that Python does not.

    :param collation: how it compares them, where that may differ from what a foreign key refers to.
    :param default: the name of the collation of a column of which nothing is noted.
    """
    setattr(kind, _LOOSE, (collation, default))


def _loosen_as(kind: Any, database: str) -> None:
    if database in {"mysql", "mariadb"}:  # without regard to spaces at the end, mostly to case
        if isinstance(kind, String):
            loosen(kind)
    elif database == "postgresql":  # types of other dialects may lack what those here have
        if kind.__visit_name__ in {"CHAR", "CITEXT", "user_defined"}:
            loosen(kind)
            padded = kind.__visit_name__ == "CHAR" or getattr(kind, "name", "") == "bpchar"
            setattr(kind, _PADDED, padded)
        elif collation := getattr(kind, "collation", ""):
            loosen(kind, collation, "default")


def is_padded(kind: object) -> bool:
    """Tell if spaces at the end of values count for nothing: a CHAR of PostgreSQL."""
    return getattr(kind, _PADDED, False)


def collation_for(referred: object, key: object) -> str:
    """Return the collation to give a foreign key for a comparison, or ``""`` if it has that.

    :param referred: the type of the column that it refers to, whose collation counts.
    """
    of_referred, of_key = (getattr(kind, _LOOSE, ()) for kind in (referred, key))
    wanted, own = of_referred or of_key[::-1] or ("", ""), of_key or of_referred[::-1]
    return wanted[0] if wanted[:1] != own[:1] else ""


def are_loose(one: object, other: object) -> bool:
    """Tell if the database may find values of two columns equal that Python does not.

    So are ``Ada`` and ``ADA`` where the collation ignores case, and on SQLite 1 and ``'1'``.
    """
    return hasattr(one, _LOOSE) or hasattr(other, _LOOSE) or _kind_of(one) != _kind_of(other)


def _kind_of(kind: object) -> tuple[bool, bool]:
    return isinstance(kind, String), isinstance(kind, NullType)


def _comparison(kind: Any, database: str) -> Callable[[Any, Any], bool] | None:
    if isinstance(kind, JSON) or isinstance(getattr(kind, "item_type", None), JSON):
        return same
    if database == "sqlite":
        if isinstance(kind, DateTime | Time):
            return _same_moment
        return same if isinstance(kind, NullType) else None
    if database == "postgresql":
        if isinstance(kind, Time) and kind.timezone:
            return _same_moment
        if isinstance(kind, Numeric) and kind.scale is None:
            return _same_digits
    return None


def same(one: Any, other: Any) -> bool:
    """Tell if two values are the same, and of the same types, also what is in dicts and lists."""
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = zip(one.items(), other.items(), strict=False)
        return len(one) == len(other) and all(same(*pair) for pair in pairs)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if type(one) is not type(other) or (one == other) is not True:
        return False
    return not isinstance(one, float) or repr(one) == repr(other)  # 0.0 and -0.0


def _same_moment(one: Any, other: Any) -> bool:
    return (one == other) is True and bool(_offset(one) == _offset(other))


def _offset(value: Any) -> Any:
    offset = getattr(value, "utcoffset", None)
    return offset and offset()


def _same_digits(one: Any, other: Any) -> bool:
    both = isinstance(one, Decimal) and isinstance(other, Decimal)
    return (one == other) is True and (not both or bool(one.as_tuple() == other.as_tuple()))
