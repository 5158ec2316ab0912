"""The classes that a SQLSoup has mapped."""

from __future__ import annotations

import weakref
from typing import Any, Self

from sqlalchemy import inspect

from sqlsoup._mapping import SelectableClassType
from sqlsoup._reflect import forget


class Cache(dict[str, SelectableClassType]):
    """The classes of a SQLSoup, and of its copies, by attribute name.

    One that was found by attribute access is an attribute of the object as well, which makes the
    next access a plain one.  It stops being one when it leaves the cache, in whatever way.
    """

    def __init__(self) -> None:
        super().__init__()
        self.soups: weakref.WeakSet[Any] = weakref.WeakSet()

    def __setitem__(self, name: str, cls: SelectableClassType) -> None:
        before = self.get(name)
        super().__setitem__(name, cls)
        self._detach(name, before)

    def __delitem__(self, name: str) -> None:
        """Forget a class and, if SQLSoup reflected it, its table: the next access is afresh."""
        self.pop(name)

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc]
        self.update(other)
        return self

    def update(self, *args: Any, **kwargs: Any) -> None:
        for name, cls in dict(*args, **kwargs).items():
            self[name] = cls

    def pop(self, name: str, *default: Any) -> Any:
        cls = super().pop(name, *default)
        if isinstance(cls, SelectableClassType):
            self._leave(name, cls)
        return cls

    def popitem(self) -> tuple[str, SelectableClassType]:
        name, cls = super().popitem()
        self._leave(name, cls)
        return name, cls

    def clear(self) -> None:
        gone = self.copy()
        super().clear()
        for name, cls in gone.items():
            self._detach(name, cls)

    def detach(self) -> None:
        """Make all classes attributes no more."""
        for name, cls in self.copy().items():
            self._detach(name, cls)

    def _leave(self, name: str, cls: SelectableClassType) -> None:
        self._detach(name, cls)
        table = inspect(cls).local_table
        if not any(inspect(other).local_table is table for other in self.copy().values()):
            forget(table)

    def _detach(self, name: str, cls: SelectableClassType | None) -> None:
        for soup in self.soups:
            if cls is not None and vars(soup).get(name) is cls:
                vars(soup).pop(name, None)
