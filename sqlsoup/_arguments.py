"""Checks of arguments, and hints at what was meant by wrong ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy.orm import Query

from sqlsoup.exc import ArgumentError, CallError, NoRowError, mention, shown, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.exc import InvalidRequestError


def check(
    engine_or_metadata: object, session: object, primary_keys: object, relationships: object
) -> None:
    """Refuse wrong arguments of SQLSoup()."""
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
    """Refuse wrong arguments of map_to(), in 0.9's words where it had any."""
    named, made = tablename is not None, selectable is not None
    for is_wrong, problem in (
        (not isinstance(tablename, str | None), "'tablename' argument must be a string."),
        (not isinstance(schema, str | None), "'schema' argument must be a string."),
        (named and made, "'tablename' and 'selectable' arguments are mutually exclusive"),
        (schema and not named, "'tablename' argument is required when using 'schema'."),
        (not (named or made), "'tablename' or 'selectable' argument is required."),
        (not isinstance(attrname, str), "'attrname' argument must be a string."),
    ):
        if is_wrong:
            raise ArgumentError(problem)


def mention_unknown(primary_keys: Iterable[str], names: list[str]) -> None:
    """Warn of each name in primary_keys that is not among those of tables and views."""
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
"""Keywords that people pass to join() by mistake, and what to pass instead."""


def check_words(words: Iterable[str]) -> None:
    """Refuse keywords that are no arguments of join()."""
    for word in words:
        if word in _WORDS:
            raise CallError(f"join() has no argument {word!r}; {_WORDS[word]}")


def no_row(error: InvalidRequestError, thing: object) -> InvalidRequestError:
    """Return the error for a delete() of something that is no row."""
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
