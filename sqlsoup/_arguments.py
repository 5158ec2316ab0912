"""What SQLSoup refuses of its arguments, and what it says of those that others refuse."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import exc as sa_exc
from sqlalchemy.orm import Query

from sqlsoup.exc import (
    ArgumentError,
    CallError,
    NoRowError,
    ParametersError,
    mention,
    shown,
    suggestion,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


def check(
    engine_or_metadata: object, session: object, primary_keys: object, relationships: object
) -> None:
    """Refuse arguments of a SQLSoup."""
    if session is None and engine_or_metadata is None:
        raise ArgumentError("invalid engine or metadata argument None")
    if not isinstance(primary_keys, Mapping):
        raise ArgumentError(
            f"invalid primary_keys argument {shown(primary_keys)}; pass a dict of lists of columns "
            "by the name of a table"
        )
    if not isinstance(relationships, bool) and not callable(relationships):
        raise ArgumentError(
            f"invalid relationships argument {shown(relationships)}; pass True or a function"
        )


def check_map_to(attrname: object, tablename: object, selectable: object, schema: object) -> None:
    """Refuse arguments of map_to()."""
    if problem := _map_to_problem(attrname, tablename, selectable, schema):
        raise ArgumentError(problem)


def _map_to_problem(
    attrname: object, tablename: object, selectable: object, schema: object
) -> str | None:
    """Tell what is wrong with the arguments of map_to(), in the words of 0.9 where it told."""
    for name, value in (("tablename", tablename), ("schema", schema)):
        if not isinstance(value, str | None):
            return f"'{name}' argument must be a string."
    if tablename is not None and selectable is not None:
        return "'tablename' and 'selectable' arguments are mutually exclusive"
    if tablename is None and schema:
        return "'tablename' argument is required when using 'schema'."
    if tablename is None and selectable is None:
        return "'tablename' or 'selectable' argument is required."
    return None if isinstance(attrname, str) else "'attrname' argument must be a string."


def mention_unknown(primary_keys: Iterable[str], names: list[str]) -> None:
    """Warn of a name in primary_keys that no table or view has, given the names of all."""
    for name in primary_keys:
        if name not in names and "." not in name:
            mention(f"primary_keys: there is no table or view {name!r}" + suggestion(name, names))


_WORDS = {
    **dict.fromkeys(
        ("on", "on_clause", "condition", "where", "using", "by"),
        "the condition is onclause=, as in db.users.name == db.loans.user_name",
    ),
    **dict.fromkeys(
        ("how", "outer", "left", "left_outer", "is_outer", "full"),
        "isouter=True is for a LEFT OUTER JOIN",
    ),
}
"""What people write in join() for its arguments, and how these are written."""


def check_words(words: Iterable[str]) -> None:
    """Refuse words that are no arguments of join()."""
    for word in words:
        if word in _WORDS:
            raise CallError(f"join() has no argument {word!r}; {_WORDS[word]}")


def no_row(error: sa_exc.InvalidRequestError, thing: object) -> sa_exc.InvalidRequestError:
    """Return the error for what was to be deleted and is no row."""
    if thing is None:
        return NoRowError(
            "delete() takes a row, not None, which is what a search without result gives"
        )
    if isinstance(thing, Query):
        return NoRowError(
            "delete() takes a row, not a query, whose own delete() deletes what it finds"
        )
    if isinstance(thing, Sequence) and not isinstance(thing, str):
        return NoRowError(
            f"delete() takes one row, not a {type(thing).__name__}; for row in rows: db.delete(row)"
        )
    return error


_PLACEHOLDER = re.compile(r"\?|%s|%\(\w+\)s")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_MISPLACED = re.compile(r"syntax|binding|column \"s\"", re.IGNORECASE)
"""What SQLite, PostgreSQL and MariaDB say of a placeholder that is none."""


def explain(error: sa_exc.SQLAlchemyError, stmt: object, parameters: object) -> None:
    """Say how parameters are written and given, after an error that may come from that.

    :raises ArgumentError: they were given without names.
    """
    rows = parameters if isinstance(parameters, list | tuple) else [parameters]
    wrong = next((row for row in rows if not isinstance(row, Mapping)), None)
    if wrong is not None:
        of = f" of {type(wrong).__name__}" if wrong is not parameters else ""
        raise ParametersError(
            f"parameters are given by name, not as a {type(parameters).__name__}{of}: write "
            "':name' in the text, and name=value or {'name': value}"
        ) from None
    if isinstance(stmt, str) and isinstance(error, sa_exc.DBAPIError):
        found = _PLACEHOLDER.search(_QUOTED.sub("", stmt))
        if found and _MISPLACED.search(str(error.orig)):
            error.add_detail(f"a parameter is written ':name' in the text, not {found[0]!r}")
