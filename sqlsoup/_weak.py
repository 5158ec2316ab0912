"""Things by name that are not kept alive, in a fraction of the memory of WeakSets."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Iterable

_T = TypeVar("_T")
Named = dict[str, "tuple[ref[_T], ...] | set[ref[_T]]"]
"""The things of each name, in a tuple where they are few, which takes a quarter of a set."""
_FEW = 8


def add_weakly(named: Named[_T], name: str, thing: _T) -> None:
    """Add a thing to those of a name, which now and then drops what was collected.

    The references have no callback, so that a thing has one for all such dicts.
    """
    known, own = named.get(name, ()), ref(thing)
    size = len(known)
    if own in known:
        return
    if isinstance(known, set) and size & (size - 1):
        known.add(own)
    else:  # a tuple, or a set that has grown to 16, 32, 64 ...
        left = (*map(ref, alive(known)), own)
        named[name] = left if len(left) < _FEW else {*left}


def alive(known: Iterable[ref[_T]]) -> list[_T]:
    """Return what of the things of a name is still there."""
    return [thing for each in [*known] if (thing := each()) is not None]
