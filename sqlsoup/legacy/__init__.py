"""Old SQLAlchemy names and calling forms, for programs written for SQLSoup 0.9.

Nothing here is active until asked for: ``python -m sqlsoup.legacy SCRIPT`` runs a program with the
old forms in force, and :func:`enable` or ``with enabled():`` do it inside a process.  Each use is
noted, so that a program can be changed line by line until it needs none.

.. versionadded:: 1.0
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy

from sqlsoup.exc import SQLSoupDeprecationWarning, SQLSoupError, warn
from sqlsoup.legacy import _notes
from sqlsoup.legacy._notes import Note, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Note",
    "Report",
    "SQLSoupDeprecationWarning",
    "disable",
    "enable",
    "enabled",
    "report",
]

KNOWN = ("2.0", "2.1")
"""The releases of SQLAlchemy in which the old forms can be put."""

_enabled = False
_lock = threading.RLock()


def enable(*, warnings: bool = True) -> None:
    """Put the old names and calling forms in force, in the whole process.

    Does nothing where they are in force already.

    :param warnings: whether each old form gives a :class:`.SQLSoupDeprecationWarning` at the
     caller's line, when it is used there for the first time.
    :raises SQLSoupError: the installed SQLAlchemy is neither 2.0 nor 2.1.
    """
    global _enabled  # noqa: PLW0603
    if not sqlalchemy.__version__.startswith(tuple(f"{release}." for release in KNOWN)):
        raise SQLSoupError(
            f"sqlsoup.legacy knows SQLAlchemy {' and '.join(KNOWN)}, not {sqlalchemy.__version__}; "
            "install one of them"
        )
    from sqlsoup.legacy import _all

    with _lock:
        if not _enabled:
            _notes.warning = warnings
            _all.apply()
            _enabled = True


def disable() -> None:
    """Take the old names and calling forms out again; SQLAlchemy is what it was before.

    What the program itself has patched in the meantime is left as it is, with a
    :class:`.SQLSoupWarning`.
    """
    global _enabled  # noqa: PLW0603
    with _lock:
        if not _enabled:
            return
        from sqlsoup.legacy import _all

        _enabled = False
        foreign = _all.undo()
    for name in foreign:
        warn(f"{name} was patched by the program while sqlsoup.legacy was enabled, and stays so")


@contextmanager
def enabled(*, warnings: bool = True) -> Iterator[None]:
    """Have the old names and calling forms in force within a ``with`` block.

    Where they are in force already, they stay so after it.

    :param warnings: as for :func:`enable`.
    :raises SQLSoupError: as :func:`enable` does.
    """
    before = _enabled
    enable(warnings=warnings)
    try:
        yield
    finally:
        if not before:
            disable()


def report() -> Report:
    """Return what was noted in this process so far.

    :return: the old forms that were used, by file and line; empty, hence false, if there were none.
     It has ``notes``, ``to_json()``, ``to_sarif()`` and ``write(path)``; its ``str()`` is a table.
    """
    return _notes.report()
