"""Text that is not marked as such, and what may be one or a list of them."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy import (
    inspect,
)
from sqlalchemy.exc import ArgumentError

from sqlsoup.legacy._notes import note

NAME = re.compile(r"\w+\Z")


_VALUE = r"""
    (?P<name> `[^`]*` | (?<![=<>(,])(?<![=<>(,]\s)"(?:[^"]|"")*" | "[^"]*"(?=\s*\.) )
    | (?:\b(?:[ebnx]|u&))?'%s(?:'|\Z)  # a string, if need be to the end
    | "(?:[^"]|"")*(?:"|\Z)  # another one, where no name can be
    | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)
    | (?<![\w.:$@])[+-]?\d[\w.]*
    """


_FLAGS = re.IGNORECASE | re.VERBOSE | re.DOTALL


_VALUES = re.compile(_VALUE % "(?:[^']|'')*", _FLAGS)


_VALUES_WITH_BACKSLASHES = re.compile(_VALUE % ".*", _FLAGS)
"""Finds all from the first quote to the last, as a backslash may end a string or continue it."""


_COMPARED = re.compile(
    r"""
    \b(?!(?:not|and|or|where|having)\b)([a-z_]\w*)["`\]]? \s*
    (?:[=<>!]+ | \b(?:not\s+)?(?:i?like|between|in\s*\()) \s* \Z
    """,
    re.IGNORECASE | re.VERBOSE,
)


def bound(value: str) -> str:
    """Return a statement's text as it is written with bound parameters, values left out."""
    names: list[str] = []

    def bind(match: re.Match[str]) -> str:
        if match["name"]:
            return match[0]
        compared = _COMPARED.search(value[: match.start()])
        stem = name = compared[1] if compared else "value"
        while name in names:
            name = f"{stem}_{len(names) + 1}"
        names.append(name)
        return f":{name}"

    values = _VALUES_WITH_BACKSLASHES if "\\" in value else _VALUES
    shown = " ".join(values.sub(bind, value).split())
    quoted = repr(shown) if {'"', "\\"} & set(shown) else f'"{shown}"'
    given = ", ".join(f"{name}=..." for name in names)
    return f"text({quoted})" + (f".bindparams({given})" if names else "")


def textual(value: Any, form: str = "textual") -> Any:
    """Make text of a string, and note it."""
    if not isinstance(value, str):
        return value
    note(
        form,
        instead=f"{bound(value)}; a value pasted into text is a place for SQL injection, bind it",
    )
    return sa.text(value)


def label(value: Any, form: str = "textual") -> Any:
    """Leave the name of a column in ORDER BY or GROUP BY as it is, and make text of the rest."""
    return value if isinstance(value, str) and NAME.match(value) else textual(value, form)


def listed(value: Any) -> list[Any]:
    """Return what may be one or a list of them as a list; None and False are nothing."""
    if value is None or value is False:
        return []
    return list(value) if isinstance(value, list | tuple | set) else [value]


def selectable(value: Any) -> Any:
    """Return the table of a mapped class, which gives columns and not rows of the class."""
    found = inspect(value, raiseerr=False) if not isinstance(value, str | int | float) else None
    return (
        getattr(found, "selectable", value)
        if getattr(found, "is_mapper", False) or getattr(found, "is_aliased_class", False)
        else value
    )


def lock_arguments(mode: Any) -> dict[str, bool]:
    """Return the arguments of with_for_update() for a lock mode of the time."""
    known = {
        True: {}, "update": {}, "nowait": {"nowait": True}, "update_nowait": {"nowait": True},
        "read": {"read": True}, "read_nowait": {"read": True, "nowait": True},
    }  # fmt: skip
    if mode not in known:
        raise ArgumentError(f"Unknown with_lockmode argument: {mode!r}")
    return known[mode]


def with_bind(element: Any, **given: Any) -> Any:
    """Note the engine of a statement in it, if one was given by ``bind=``."""
    if given:
        note("statement-bind")
    if given.get("bind") is not None:
        vars(element)["bind"] = given["bind"]
    return element
