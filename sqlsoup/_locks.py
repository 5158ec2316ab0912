"""Locks that no interrupt leaves held."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

_P = ParamSpec("_P")
_R = TypeVar("_R")


def locked(
    lock: threading.RLock, function: Callable[_P, _R], *args: _P.args, **kw: _P.kwargs
) -> _R:
    """Call a function under a lock.

    All of it is one line: an exception that a trace or a debugger raises at the line of a ``with``
    statement, to which Python returns at its end, would leave the lock held.
    """
    with lock: return function(*args, **kw)  # noqa: E701  # fmt: skip


def under(lock: threading.RLock) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Decorate a function to be called under a lock."""

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @wraps(function)
        def call(*args: _P.args, **kw: _P.kwargs) -> _R:
            return locked(lock, function, *args, **kw)

        return call

    return decorate
