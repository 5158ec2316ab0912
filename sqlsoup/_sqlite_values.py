"""What types of SQLite have in common: a value that a type cannot read comes as it is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import types
from sqlalchemy.dialects import sqlite

from sqlsoup.exc import mention

Processor = Callable[[Any], Any] | None
STORED = str, int, float, bytes
"""What SQLite stores; a bool is an int."""


class OfColumn(types.TypeEngine[Any]):
    """A type that knows the name of its column, and tells once what is odd about the values."""

    where = ""
    """The name of the column; what is calculated has none."""
    told: Any = frozenset()
    exact = False
    """Whether all digits are wanted."""
    spelled = False
    """Whether it is of a key, by which a row is found only as it is stored."""

    def adapt(self, cls: Any, **kw: Any) -> Any:
        """Return itself where SQLAlchemy would use its own type for SQLite."""
        own = cls.__module__.startswith(sqlite.__name__)
        adapted: Any = super().adapt(type(self) if own else cls, **kw)
        if isinstance(adapted, OfColumn):
            adapted.where, adapted.exact, adapted.told = self.where, self.exact, self.told
            adapted.spelled = self.spelled
        return adapted

    def as_stored(self, value: Any) -> Any:
        """Return a value that is none of this type."""
        self.tell(f"holds values that are no {type(self).__name__}, which come as they are stored")
        return value

    def no_nan(self, value: Any) -> Any:
        """Return a value, and tell if SQLite stores NULL for it."""
        if value != value:  # noqa: PLR0124 - so is NaN alone
            self.tell("was given NaN, for which SQLite stores NULL")
        return value

    def tell(self, what: str) -> None:
        """Tell something about the column, once."""
        if self.where and what not in self.told:
            self.told.add(what)
            mention(f"{self.where} {what}; a listener to 'column_reflect' can set another type")
