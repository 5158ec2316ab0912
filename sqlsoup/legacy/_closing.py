"""Results of a connection that nobody else closes, and the lists that they gave."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import CursorResult, Result, Row

from sqlsoup.legacy._frames import (
    asking,
    asks_if,
    is_asked_by_json,
    is_format,
    is_ours,
    place_of,
)  # fmt: skip
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import missing, plan, replace, replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


def _noting(name: str) -> Callable[..., Any]:
    def call(keys: _Keys, *args: Any, **kw: Any) -> Any:
        note("result-keys")
        return getattr(list, name)(keys, *args, **kw)

    return call


def _as_set(name: str) -> Callable[..., Any]:
    def call(keys: _Keys, other: Any) -> Any:
        return getattr(dict.fromkeys(keys).keys(), name)(other)

    return call


def _ordered(name: str) -> Callable[..., Any]:
    def call(keys: _Keys, other: Any) -> Any:
        return (_noting if isinstance(other, list) else _as_set)(name)(keys, other)

    return call


class _Iterated(list[Any]):
    """A list that tells when JSON is made of it: other modules take what can be iterated."""

    def __iter__(self) -> Iterator[Any]:
        if is_asked_by_json():
            note("result-keys" if isinstance(self, _Keys) else "key-list")
        return list.__iter__(self)


class _Keys(_Iterated):
    """The names of a result's columns: a list, which is also the set that they are on 2.x.

    That equals a list, and has the columns themselves.
    """

    def __init__(self, names: Any) -> None:
        super().__init__(names)
        self._names = names

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._names

    def __eq__(self, other: object) -> bool:
        if isinstance(other, AbstractSet):
            return {*self} == other
        return isinstance(other, Iterable) and list(self) == list(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]


for _make, _names in {
    _noting: (
        "__getitem__ __setitem__ __delitem__ __add__ __iadd__ __mul__ __imul__ __rmul__ append "
        "clear copy count extend index insert pop remove reverse sort __reversed__ __repr__ "
        "__reduce_ex__"
    ),
    _as_set: "__and__ __or__ __sub__ __xor__ __rand__ __ror__ __rsub__ __rxor__ isdisjoint",
    _ordered: "__lt__ __le__ __gt__ __ge__",
}.items():
    for _name in _names.split():
        setattr(_Keys, _name, _make(_name))


@replaced(Result, "keys")
def _keys(before: Callable[..., Any]) -> Callable[..., Any]:
    def keys(result: Result[Any]) -> Any:
        frame = asking()
        return before(result) if is_ours(frame) else _listed(before, result, frame)

    return keys


def _listed(keys: Callable[..., Any], result: Any, frame: FrameType) -> list[str]:
    if getattr(result._metadata, "returns_rows", True):  # which a result of the ORM does not say
        if asks_if(*place_of(frame)):
            note("result-keys")
        return _Keys(keys(result))
    note("result-keys")
    return []


@missing(Result, "next")
def _next(result: Result[Any]) -> Any:
    note("result-next")
    return next(result)


@plan
def _iter_rows() -> None:
    rows: Any = Result.__iter__

    def __iter__(result: Any) -> Any:  # noqa: N807
        if getattr(result._metadata, "returns_rows", True):
            return rows(result)
        note("name", old="rows of a statement without any", instead="if result.returns_rows")
        return _when_asked(rows, result)

    replace(CursorResult, "__iter__", __iter__)


def _when_asked(rows: Callable[..., Any], result: Any) -> Iterator[Any]:
    """Have a generator that nobody asks for a row be no error, as in 1.3."""
    yield from rows(result)


class _Key(_Iterated):
    """The key of a new row: a list, with the names that it has as a row.

    It is hashed and printed as the row that it is on 2.x, unless what gave it is an old form.
    """

    def __init__(self, row: Row[Any], *, is_old: bool) -> None:
        super().__init__(row)
        self._row = row
        self._is_old = is_old

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
        # what isinstance() asks beside the type
        return type(self._row)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)

    def __repr__(self) -> str:
        if self._is_old or is_format(asking()):
            note("key-list")
        return super().__repr__() if self._is_old else repr(self._row)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(self._row)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, list):
            note("key-list")
        return list(self) == (list(other) if isinstance(other, tuple) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other


def _of_key(name: str) -> Callable[..., Any]:
    def call(key: _Key, *args: Any) -> Any:
        note("key-list")
        return getattr(list, name)(key, *args)

    return call


for _name in [
    "__setitem__",
    "__delitem__",
    "__add__",
    "__iadd__",
    "__mul__",
    "__imul__",
    "__rmul__",
    "append",
    "clear",
    "copy",
    "extend",
    "insert",
    "pop",
    "remove",
    "reverse",
    "sort",
]:
    setattr(_Key, _name, _of_key(_name))


@plan
def _inserted_key() -> None:
    described: Any = vars(CursorResult)["inserted_primary_key"]

    def inserted_primary_key(result: CursorResult[Any]) -> Any:
        return _key_of(result, asking())

    _inserted.append(described.fget)
    replace(CursorResult, "inserted_primary_key", property(inserted_primary_key))


_inserted: list[Callable[..., Any]] = []
"""What gives the key of a new row on 2.x."""


def _key_of(result: Any, frame: FrameType) -> Any:
    key = _inserted[-1](result)
    if key is None or is_ours(frame):
        return key
    if asks_if(*place_of(frame)):
        note("key-list")
    return _Key(key, is_old=ONCE in vars(result.context))


ONCE = "_sqlsoup_once"
"""What the context of a statement has that was executed by an engine or by itself."""


_OTHER_RESULTS = ("columns", "mappings", "partitions", "scalars", "tuples", "unique", "yield_per")


class ClosingResult:
    """The result of a connection of its own, which is given back after the last row.

    All else that a result has is that of the result within.
    """

    def __init__(self, result: CursorResult[Any], close: Callable[[], None]) -> None:
        self._result = result
        self._close = weakref.finalize(self, close)

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
        # what isinstance() asks beside the type
        return CursorResult

    def __getattr__(self, name: str) -> Any:
        if name in _OTHER_RESULTS:
            return getattr(self._call(self._result.freeze)(), name)
        value = getattr(self._result, name)
        return partial(self._call, value) if callable(value) else value

    def _call(self, function: Callable[..., Any], *args: Any, **kw: Any) -> Any:
        try:
            value = function(*args, **kw)
        except BaseException:
            self._close()
            raise
        if self._result._soft_closed:
            self._close()
        return value

    def keys(self) -> list[str]:
        """Return the names of the columns."""
        return _listed(Result.keys.__wrapped__, self._result, asking())  # type: ignore[attr-defined]

    def __iter__(self) -> Iterator[Any]:
        yield from self._result
        self._close()

    def __next__(self) -> Any:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def next(self) -> Any:
        """Return the next row."""
        note("result-next")
        return next(self)
