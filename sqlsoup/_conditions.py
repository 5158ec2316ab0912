"""The condition by which the database finds the row that a foreign key refers to.

The two columns need not compare alike: one may ignore case, or spaces at the end.  SQLAlchemy
(2.0, 2.1) compares a value of one with the other column, where SQL goes by that column alone.
"""

from __future__ import annotations

from functools import partial
from itertools import chain, starmap
from typing import TYPE_CHECKING, Any

from sqlalchemy import cast
from sqlalchemy.sql import visitors
from sqlalchemy.types import UserDefinedType

from sqlsoup._compare import collation_for, is_padded
from sqlsoup._foreign_keys import resolves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Column

    Comparisons = dict[Column[Any], Callable[[Any], Any]]


class _Padded(UserDefinedType[str]):
    """The type CHAR of PostgreSQL without a length, so that a cast to it cuts nothing off."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the name of the type."""
        return "bpchar"


def compare_as_keys(prop: Any) -> tuple[dict[str, Any], Comparisons]:
    """Return the conditions of a relationship that compare as its foreign keys do, and those.

    Both are empty where the conditions that it has do so already, which is nearly always.  Of each
    column in a foreign key comes what compares it with a value of what it refers to.
    """
    pairs = [*prop.synchronize_pairs, *(prop.secondary_synchronize_pairs or ())]
    if not any(chain.from_iterable(starmap(_compared, pairs))):
        return {}, {}
    pairs = [
        (referred, key)
        for referred, key in pairs
        if any(resolves(each) and each.column.shares_lineage(referred) for each in key.foreign_keys)
    ]
    instead = dict(chain.from_iterable(starmap(_compared, pairs)))
    if not instead:
        return {}, {}

    def replace(element: Any, **_: Any) -> Any:
        compared = instead.get(element) if element.__visit_name__ == "column" else None
        return compared and compared(element)

    joins = {
        name: visitors.replacement_traverse(condition, {}, replace)
        for name in ("primaryjoin", "secondaryjoin")
        if (condition := getattr(prop, name)) is not None
    }
    return joins, {key: partial(_comparison, instead, referred, key) for referred, key in pairs}


def _comparison(instead: dict[Any, Any], referred: Any, key: Any, value: Any) -> Any:
    of_referred, of_key = (instead.get(column, _as_it_is) for column in (referred, key))
    return of_key(key) == of_referred(value)


def _as_it_is(element: Any) -> Any:
    return element


def _compared(referred: Column[Any], key: Column[Any]) -> Iterator[tuple[Column[Any], Any]]:
    """Yield a column with a function that makes what is to be compared in its place."""
    if collation := collation_for(referred.type, key.type):
        yield key, lambda column: column.collate(collation)
    padded = [column for column in (referred, key) if is_padded(column.type)]
    if len(padded) == 1:
        yield padded[0], lambda column: cast(column, _Padded())
