"""The errors and warnings that SQLSoup itself raises.

SQLAlchemy's own exceptions pass through SQLSoup unchanged: a missing driver aside, whatever the
database or the ORM reports arrives as the class that SQLAlchemy documents for it.
"""

from __future__ import annotations

import re
import sys
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import exc as sa_exc
from sqlalchemy.orm.exc import UnmappedInstanceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import FromClause


class SQLSoupError(Exception):
    """Base of the errors of this library, and what a table without a primary key raises."""

    __module__ = "sqlsoup"


class KeylessError(SQLSoupError, AttributeError):
    """A table has no primary key, so that there is no attribute; users know it as SQLSoupError.

    Whatever looks through the attributes of an object would stop at the first view otherwise.
    """

    __module__ = "sqlsoup"

    source: FromClause
    """What has no key."""

    def __reduce__(self) -> tuple[type[SQLSoupError], tuple[object, ...]]:
        return SQLSoupError, self.args


KeylessError.__name__ = KeylessError.__qualname__ = "SQLSoupError"


class ArgumentError(SQLSoupError):
    """An argument is of the wrong kind, or two of them contradict each other."""

    __module__ = "sqlsoup"


class _KnownArgumentError(ArgumentError):
    """An ArgumentError that is also what was raised before; users know it as ArgumentError."""

    def __reduce__(self) -> tuple[type[ArgumentError], tuple[object, ...]]:
        return ArgumentError, self.args


class CallError(_KnownArgumentError, TypeError):
    """A function was called in a way that Python refuses."""


class URLError(_KnownArgumentError, ValueError):
    """A URL has a port that is no number."""


class ParametersError(_KnownArgumentError, sa_exc.ArgumentError):
    """The parameters or conditions of a statement are of a kind that SQLAlchemy refuses."""


class NoRowError(_KnownArgumentError, UnmappedInstanceError):
    """Something was to be deleted that is no row."""

    def __init__(self, message: str) -> None:
        sa_exc.InvalidRequestError.__init__(self, message)


for _error in (CallError, URLError, ParametersError, NoRowError):
    _error.__module__, _error.__name__, _error.__qualname__ = "sqlsoup", *["ArgumentError"] * 2


class NoSuchTableError(sa_exc.NoSuchTableError, AttributeError, KeyError):
    """There is no table or view of the name asked for.

    It is :class:`sqlalchemy.exc.NoSuchTableError`, which is what SQLSoup 0.9 raised, and an
    :class:`AttributeError` and :class:`KeyError` too, so that ``hasattr(db, "x")``, ``db["x"]`` and
    the tools that probe an object behave.

    .. versionadded:: 1.0
    """

    __module__ = "sqlsoup"


class SQLSoupWarning(UserWarning):
    """Something was accepted that is probably a mistake.

    .. versionadded:: 1.0
    """

    __module__ = "sqlsoup"


class SQLSoupDeprecationWarning(DeprecationWarning):
    """A form that SQLAlchemy 2 does not have was used, and works by :mod:`sqlsoup.legacy` alone.

    .. versionadded:: 1.0
    """

    __module__ = "sqlsoup"


PKNotFoundError = SQLSoupError
"""The name that releases before 0.9 used for the error of a table without a primary key."""


_CONFIDENTIAL = r"(?is)://.*[@?]|passw|pwd|secret|token"


def shown(value: object) -> str:
    """Return the repr of a value for a message, or its type alone where a password may be in it.

    Of a long one it is the beginning.
    """
    text = repr(value)
    if re.search(_CONFIDENTIAL, text):
        return f"<{type(value).__name__} that may hold a password>"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


_LONGEST = 500
"""How many characters of a value a message has."""


def warn(message: str) -> None:
    """Issue a :class:`SQLSoupWarning` that points at the first caller outside the package.

    SQLAlchemy is no caller: it asks because somebody called it.
    """
    level = 2
    while sys._getframe(level - 1).f_globals.get("__name__", "").startswith(_WITHIN):  # noqa: SLF001
        level += 1
    warnings.warn(message, SQLSoupWarning, stacklevel=level)


_WITHIN = "sqlsoup.", "sqlalchemy."


def mention(message: str) -> None:
    """Warn, and go on where warnings are errors.

    This is for what is odd about a table or value that can be used all the same.
    """
    with suppress(SQLSoupWarning):
        warn(message)


def suggestion(name: str, names: Iterable[str]) -> str:
    """Return the end of a message that says which of the names may have been meant, or ``""``."""
    import difflib  # slow to import, and rarely needed

    near = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
