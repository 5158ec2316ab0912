"""What an error is on the command line: one line, and a status."""

from __future__ import annotations

import ast
import difflib
import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError, NoSuchTableError, StatementError

from sqlsoup import SelectableClassType, SQLSoupError

if TYPE_CHECKING:
    from collections.abc import Iterable

FAILED, WRONG = 1, 2
"""The statuses: the database refused a statement; something is not there or not understood."""


class Problem(Exception):  # noqa: N818 - it is for the user to read
    """What the command ends with."""

    def __init__(self, message: str, status: int = WRONG) -> None:
        super().__init__(message)
        self.status = status


def harmless(text: str) -> str:
    """Return text that moves no cursor: control characters other than ends of lines are escaped."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def near(name: object, names: Iterable[str]) -> str:
    """Return the end of a message that says which name may have been meant, or ``""``."""
    found = difflib.get_close_matches(str(name), list(names), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def said_by(error: DBAPIError) -> str:
    """Return what the database or its driver said."""
    args: tuple[Any, ...] = getattr(error.orig, "args", ())
    said = args[1] if len(args) > 1 and isinstance(args[0], int) else error.orig
    return str(said).strip()


def problem_of(error: Exception, names: Iterable[str] = ()) -> Problem:
    """Return the problem for an error of an expression, in which these names can be used."""
    match error:
        case Problem():
            return error
        case DBAPIError():
            return Problem(said_by(error), FAILED)
        case StatementError():
            return Problem(_in_a_line(str(error.orig)), FAILED)
        case SyntaxError():
            return Problem(f"no expression of Python: {error.msg}{_of_syntax(error.text or '')}")
        case NoSuchTableError():
            message = str(error)
        case SQLSoupError():
            message = _KEY.sub(_as_option, str(error))
        case NameError():
            message = f"{error}{near(error.name, names)}"
        case AttributeError():
            message = f"{error}{near(error.name, dir(error.obj)) or _columns_of(error.obj)}"
        case _:
            message = f"{type(error).__name__}: {error}"
    return Problem(_in_a_line(message))


def _in_a_line(message: str) -> str:
    """Return a message without line breaks, and without SQLAlchemy's link to its page."""
    return " ".join(message.partition("(Background on this error")[0].split())


def _columns_of(thing: object) -> str:
    if not isinstance(thing, SelectableClassType):
        return ""
    return f"; it has the columns {', '.join(inspect(thing).columns.keys())}"


_KEY = re.compile(r"db\.entity\((?P<names>[^[\]]*), primary_key=(?P<columns>\[.*?\])\)")


def _as_option(found: re.Match[str]) -> str:
    """Return the option that does what the message of a table without a key shows as a call."""
    names, columns = ast.literal_eval(f"({found['names']},)"), ast.literal_eval(found["columns"])
    return f"--key {'.'.join(reversed(names))}={','.join(columns)}"


_SQL = re.compile(
    r"\s*(select|with|insert|update|delete|create|drop|alter|show|explain)\s", re.IGNORECASE
)


def _of_syntax(text: str) -> str:
    if _SQL.match(text):
        return """; SQL is run by db.execute("…")"""
    return "; the console, which sqlsoup URL opens, takes statements too"
