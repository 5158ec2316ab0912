"""Sets that do not keep alive what is in them, for which a WeakSet takes three times the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Iterable

_T = TypeVar("_T")


def add_weakly(known: set[ref[_T]], thing: _T) -> None:
    """Add a thing to a set, which now and then drops what was collected.

    The references have no callback, so that a thing has one for all such sets.
    """
    size = len(known)
    if not size & (size - 1):  # at 1, 2, 4, 8 and so on
        known.difference_update([each for each in [*known] if each() is None])
    known.add(ref(thing))


def alive(known: Iterable[ref[_T]]) -> list[_T]:
    """Return what of a set is still there."""
    return [thing for each in [*known] if (thing := each()) is not None]
