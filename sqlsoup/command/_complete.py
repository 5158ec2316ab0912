"""Completion that maps no table and calls nothing; it asks the catalog for names of columns."""

from __future__ import annotations

import builtins
import keyword
import re
from contextlib import nullcontext, suppress
from inspect import getattr_static, isclass, isroutine
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy
from sqlalchemy.orm import Query

import sqlsoup
from sqlsoup.command._database import session_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAME = r"[^\W\d]\w*"
_CHAIN = rf"""(?<![\w.\])])(?P<chain>{_NAME}(?:\.{_NAME}|\[(?:"[^"]*"|'[^']*')\])*)"""
_STEP = re.compile(rf"""\.?({_NAME})|\[(?:"([^"]*)"|'([^']*)')\]""")
_ITEM = re.compile(rf"""{_CHAIN}\[(?P<quote>["'])(?P<typed>[^"']*)$""")
_KEYWORD = re.compile(rf"{_CHAIN}\.(?:filter_by|insert)\((?:[^()]*,)?\s*(?P<typed>\w*)$")
_ATTRIBUTE = re.compile(rf"{_CHAIN}\.(?P<typed>\w*)$")
_WORD = re.compile(r"(?<![\w.])(?P<typed>\w*)$")


class _Unmapped(NamedTuple):
    """A table that is yet to be mapped."""

    db: sqlsoup.SQLSoup
    name: str

    def columns(self) -> list[str]:
        session, engine = session_of(self.db), self.db.engine
        # what a transaction made is to be seen, and not waited for
        inside = nullcontext(self.db.connection()) if session.in_transaction() else None
        with inside or engine.connect() as connection:
            found = sqlalchemy.inspect(connection).get_columns(self.name, self.db.schema)
            return [column["name"] for column in found]


class Completer:
    """Finds what can follow the text of a line."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._namespace = namespace

    def matches(self, line: str) -> tuple[int, list[str]]:
        """Return where a completion begins, and what can stand from there on."""
        if not line.strip():
            return len(line), ["    "]
        begin, found = self.of_tables(line) or (len(line), [])
        if found and (begin == len(line) or not found[0].endswith("=")):
            return begin, found
        with suppress(Exception):  # a completion is no place for any error
            if attribute := _ATTRIBUTE.search(line):
                return _fitting(attribute, dir(self._resolved(attribute["chain"])))
            word = _WORD.search(line)
            if word and line.count('"') % 2 == line.count("'") % 2 == 0:  # not within a string
                begin, words = _fitting(word, {*self._namespace, *dir(builtins), *keyword.kwlist})
                found += words
        return begin, found

    def of_tables(self, line: str) -> tuple[int, list[str]] | None:
        """Return the same for names of tables and columns, or None where none can be."""
        with suppress(Exception):
            for pattern, names in (
                (_ITEM, _items_of),
                (_KEYWORD, _keywords_of),
                (_ATTRIBUTE, _attributes_of),
            ):
                if found := pattern.search(line):
                    return _fitting(found, names(self._resolved(found["chain"]), found))
        return None

    def _resolved(self, chain: str) -> Any:
        first, *steps = _STEP.findall(chain)
        found = self._namespace[first[0]]
        for attribute, *items in steps:
            found = _attribute(found, attribute) if attribute else _item(found, "".join(items))
        return found


def _fitting(found: re.Match[str], names: Iterable[str]) -> tuple[int, list[str]]:
    typed = found["typed"]
    hidden = typed.startswith("_")
    fit = (name for name in names if name.startswith(typed) and (hidden or name[:1] != "_"))
    return found.start("typed"), sorted({*fit})


def _items_of(thing: sqlsoup.SQLSoup, found: re.Match[str]) -> Iterable[str]:
    names = thing._ipython_key_completions_()
    return (f"{name}{found['quote']}]" for name in names if found["quote"] not in name)


def _keywords_of(thing: Any, _: re.Match[str]) -> Iterable[str]:
    return (f"{name}=" for name in _columns_of(thing))


def _attributes_of(thing: Any, _: re.Match[str]) -> Iterable[str]:
    if isinstance(thing, _Unmapped):
        return {*_columns_of(thing), *(_METHODS - {*dir(type)})}
    if not isinstance(thing, sqlsoup.SQLSoup | sqlsoup.SelectableClassType):
        raise TypeError
    return dir(thing)


_METHODS = {*dir(Query), *dir(sqlsoup.TableClassType)}


def _columns_of(thing: Any) -> Iterable[str]:
    unmapped = isinstance(thing, _Unmapped)
    names = thing.columns() if unmapped else sqlalchemy.inspect(thing).attrs.keys()
    return filter(str.isidentifier, names)


def _item(thing: Any, name: str) -> Any:
    return thing._cache.get(name) or _Unmapped(thing, name)  # noqa: SLF001 - it is documented


def _attribute(thing: Any, name: str) -> Any:
    """Return an attribute, if nothing has to be called for it."""
    if isinstance(thing, sqlsoup.SQLSoup) and not hasattr(type(thing), name):
        return vars(thing).get(name) or _item(thing, name)
    found = getattr_static(thing, name)
    if hasattr(type(found), "__get__") and not (isclass(thing) or isroutine(found)):
        raise TypeError  # a property
    return found
