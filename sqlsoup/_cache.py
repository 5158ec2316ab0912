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
        self.detach(name)
        super().__setitem__(name, cls)

    def __delitem__(self, name: str) -> None:
        """Forget a class and, if SQLSoup reflected it, its table: the next access is afresh."""
        self.detach(name)
        cls = self[name]
        super().__delitem__(name)
        forget(inspect(cls).local_table)

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc]
        self.update(other)
        return self

    def update(self, *args: Any, **kwargs: Any) -> None:
        for name, cls in dict(*args, **kwargs).items():
            self[name] = cls

    def pop(self, name: str, *default: Any) -> Any:
        if name not in self and default:
            return default[0]
        cls = self[name]
        del self[name]
        return cls

    def popitem(self) -> tuple[str, SelectableClassType]:
        name = next(reversed(self))
        return name, self.pop(name)

    def clear(self) -> None:
        self.detach(*self)
        super().clear()

    def detach(self, *names: str) -> None:
        """Make classes attributes no more."""
        for soup in self.soups:
            attributes = vars(soup)
            for name in names:
                if name in self and attributes.get(name) is self[name]:
                    del attributes[name]
