"""Sets that do not keep alive what is in them, for which a WeakSet takes three times the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Iterable

_T = TypeVar("_T")


def add_weakly(known: set[ref[_T]], thing: _T) -> None:
    """Add a thing to a set, which it leaves when it is collected."""
    known.add(ref(thing, known.discard))


def alive(known: Iterable[ref[_T]]) -> list[_T]:
    """Return what of a set is still there."""
    return [thing for each in [*known] if (thing := each()) is not None]
