"""Changes within the value of a column: ``row.data["a"] = 2`` is stored.

SQLAlchemy stores what is assigned.  Its extension ``mutable`` copies every value when a row is
loaded, does not see what is deeper than one level, and loses a change when nothing else refers to
the row.  Here a value is copied when it is first read from its row, and the copy knows the row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, JSON, TypeDecorator
from sqlalchemy.orm import object_session
from sqlalchemy.orm.attributes import flag_modified

from sqlsoup._compare import same
from sqlsoup._sa import read_through
from sqlsoup.exc import SQLSoupError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Mapper


def track_changes(mapper: Mapper[Any]) -> None:
    """Have dicts, lists and sets stored when they are changed in place."""
    for column in mapper.columns:
        kind: Any = column.type
        while isinstance(kind, TypeDecorator):
            kind = kind.impl_instance
        name = getattr(kind, "__visit_name__", "")
        if isinstance(kind, JSON | ARRAY) or name in {"HSTORE", "SET"}:
            read_through(mapper, mapper.get_property_by_column(column).key, _tracked)


def _tracked(row: Any, key: str, value: Any) -> Any:
    if type(value) not in _KINDS:
        return value
    owner = getattr(value, "_owner", None)
    if owner is not None and owner.row is row and owner.value is value:
        return value
    owner = _Owner(row, key)
    owner.value = vars(row)[key] = _copy(value, owner)
    return owner.value


class _Owner:
    """The row and the attribute that a value was read from."""

    value: Any

    def __init__(self, row: Any, key: str) -> None:
        self.row, self.key = row, key

    def is_current(self) -> bool:
        """Tell if the row still has the value, also when a commit has expired it."""
        values = vars(self.row)
        if self.key not in values and object_session(self.row) is not None:
            if not same(getattr(self.row, self.key), self.value):
                raise SQLSoupError(
                    f"{self.key!r} of {type(self.row).__name__} was changed in the database after "
                    "it was read; read it from the row again"
                )
            values[self.key] = self.value
        return values.get(self.key) is self.value


def _copy(value: Any, owner: _Owner) -> Any:
    kind = _KINDS.get(type(value))
    if kind is None or getattr(value, "_owner", None) is owner:
        return value
    copied = kind(value)
    copied._owner = owner
    copied._adopt_all()
    return copied


def plain(value: Any) -> Any:
    """Return a copy of what a row has that is of no row, and other values as they are."""
    if type(value) is _Dict:
        return {key: plain(each) for key, each in value.items()}
    if type(value) is _List:
        return [*map(plain, value)]
    return {*value} if type(value) is _Set else value


class _Dict(dict[Any, Any]):
    _owner: _Owner

    def _adopt_all(self) -> None:
        for key, value in self.items():
            if type(value) in _KINDS:
                dict.__setitem__(self, key, _copy(value, self._owner))

    def __reduce_ex__(self, _protocol: object) -> Any:
        return dict, (dict(self),)


class _List(list[Any]):
    _owner: _Owner

    def _adopt_all(self) -> None:
        for place, value in enumerate(self):
            if type(value) in _KINDS:
                list.__setitem__(self, place, _copy(value, self._owner))

    def __reduce_ex__(self, _protocol: object) -> Any:
        return list, (list(self),)


class _Set(set[Any]):
    _owner: _Owner

    def _adopt_all(self) -> None:
        """Do nothing, for what can be in a set does not change."""

    def __repr__(self) -> str:
        """Return what a set has: this one alone of the three would show its name."""
        return repr({*self})

    def __reduce_ex__(self, _protocol: object) -> Any:
        return set, (set(self),)


_KINDS: dict[type, Any] = {dict: _Dict, list: _List, set: _Set}
_KINDS.update({kind: kind for kind in _KINDS.values()})
_ONE = {"__setitem__", "setdefault", "append", "insert"}
"""The methods whose last argument is one new value, unless it is for a slice."""


def _changing(method: Any) -> Callable[..., Any]:
    one = method.__name__ in _ONE

    def change(self: Any, *args: Any, **kwargs: Any) -> Any:
        owner = self._owner
        current = owner.is_current()
        single = one and bool(args) and not isinstance(args[0], slice)
        if single:
            args = (*args[:-1], _copy(args[-1], owner))
        result = method(self, *args, **kwargs)
        if not single:
            self._adopt_all()
        if current:
            flag_modified(owner.row, owner.key)
        return result

    change.__name__, change.__doc__ = method.__name__, method.__doc__
    return change


_CHANGING = {
    dict: "__setitem__ __delitem__ __ior__ clear pop popitem setdefault update",
    list: "__setitem__ __delitem__ __iadd__ __imul__ append clear extend insert pop remove reverse"
    " sort",
    set: "__iand__ __ior__ __isub__ __ixor__ add clear difference_update discard"
    " intersection_update pop remove symmetric_difference_update update",
}
for _plain, _names in _CHANGING.items():
    for _name in _names.split():
        setattr(_KINDS[_plain], _name, _changing(getattr(_plain, _name)))
