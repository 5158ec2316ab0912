"""The methods that the rows of a mapped class have by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import Row, inspect
from sqlalchemy.orm import InstanceState

from sqlsoup._attributes import of_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def find_attribute(self: Any, name: str) -> Any:
    """Return an implied relationship, which is added to the class of the row first."""
    cls = type(self)
    if not name.startswith("_") and cls._sqlsoup_relates(name):
        return getattr(self, name)
    for ancestor in cls.__mro__:
        inherited = vars(ancestor).get("__getattr__", find_attribute)
        if inherited is not find_attribute:
            return inherited(self, name)
    raise AttributeError(f"{cls.__name__!r} object has no attribute {name!r}")


def attribute_setter(base: Any) -> Callable[[Any, str, Any], None]:
    """Return a ``__setattr__`` that adds an implied relationship before it is set."""
    return _setter(base.__setattr__) if base.__setattr__ is not object.__setattr__ else _SETTER


def _setter(set_plainly: Callable[[Any, str, Any], None]) -> Callable[[Any, str, Any], None]:
    def set_attribute(self: Any, name: str, value: Any) -> None:
        cls = type(self)
        if not (
            name.startswith("_")
            or name in vars(self)
            or any(name in vars(ancestor) for ancestor in cls.__mro__)
        ):
            cls._sqlsoup_relates(name)
        set_plainly(self, name, value)

    return set_attribute


_SETTER = _setter(object.__setattr__)


class Expected:
    """A placeholder on a class for an implied relationship, which is added when it is set.

    When it is read, Python asks ``__getattr__`` of the row or class, which adds it too.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, row: object, cls: type) -> NoReturn:
        raise AttributeError(self._name)

    def __set__(self, row: Any, value: Any) -> None:
        ancestors: tuple[Any, ...] = type(row).__mro__
        for owner in ancestors:
            if vars(owner).get(self._name) is self and not owner._sqlsoup_relates(self._name):
                with suppress(AttributeError):  # another thread did so
                    delattr(owner, self._name)  # the table has changed since
        setattr(row, self._name, value)


def expect(cls: Any, names: Iterable[str]) -> None:
    """Put placeholders for all implied relationships on a class, in place of ``__setattr__``."""
    if vars(cls).get("__setattr__") is cls._sqlsoup_setter:
        for name in names:
            if name not in vars(cls):
                setattr(cls, name, Expected(name))
        del cls.__setattr__


def names_of(self: Any) -> list[str]:
    """Return the attributes of a row, implied relationships included."""
    return [*{*object.__dir__(self), *type(self)._sqlsoup_relationships()}]


def init(__self: Any, *args: Any, **values: Any) -> None:  # SQLAlchemy's wrapper keeps the names
    """Set the attributes of a new row."""
    if args:
        raise not_by_name(type(__self), args[0])
    for name, value in values.items():
        setattr(__self, name, value)


def not_by_name(cls: Any, value: object) -> TypeError:
    """Return the error for a value that was passed to a new row without a name."""
    if isinstance(value, Mapping):
        way = "write insert(**values)"
    elif isinstance(value, list | tuple) and not isinstance(value, Row):
        way = "sqlsoup.insert_many() takes a list of dicts"
    elif isinstance(value, Row) or isinstance(inspect(value, raiseerr=False), InstanceState):
        way = "insert(**sqlsoup.as_dict(row)) makes a copy of a row"
    else:
        name = next(iter(inspect(cls).columns.keys()))
        odd = iskeyword(name) or not name.isidentifier()
        way = f"write insert({f'**{{{name!r}: ...}}' if odd else f'{name}=...'})"
    return TypeError(f"{cls.__name__} takes values by name, not a {type(value).__name__}; {way}")


def representation(self: Any) -> str:
    """Return the values of a row by the names of its columns, in their order."""
    cls = type(self)
    values = (f"{key}={getattr(self, key)!r}" for key in of_columns(inspect(cls)))
    return f"{cls.__name__}({','.join(values)})"


def _pairs(self: Any, other: Any) -> list[tuple[Any, Any]] | None:
    """Pair the values of two rows, column by column in the order of their names."""
    keys = sorted(of_columns(inspect(type(self))))
    try:
        return [(getattr(self, key), getattr(other, key)) for key in keys]
    except AttributeError:
        return None


def equal(self: Any, other: Any) -> Any:
    """Compare two rows by all their columns."""
    pairs = _pairs(self, other)
    return NotImplemented if pairs is None else all(ours == theirs for ours, theirs in pairs)


def less(self: Any, other: Any) -> bool:
    """Order two rows by their columns, None before all else."""
    pairs = _pairs(self, other)
    if pairs is None:
        raise TypeError(f"unable to compare with {type(other)}")
    for ours, theirs in pairs:
        if ours != theirs:
            return ours is None or (theirs is not None and bool(ours < theirs))
    return False
