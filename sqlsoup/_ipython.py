"""``%load_ext sqlsoup``: IPython and Jupyter show tables, queries and rows as ``show()`` does."""

from __future__ import annotations

from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Result, inspect
from sqlalchemy.engine import FilterResult
from sqlalchemy.orm import Query

from sqlsoup._classes import SelectableClassType
from sqlsoup._show import Shown
from sqlsoup._soup import SQLSoup
from sqlsoup.exc import ArgumentError

_LIMIT = 20


def load_ipython_extension(shell: Any) -> None:
    """Show tables, queries, rows and databases by themselves; ``%load_ext sqlsoup`` calls it.

    .. versionadded:: 1.0
    """
    if shell not in _displays:
        _displays[shell] = _Display(shell.display_formatter)


def unload_ipython_extension(shell: Any) -> None:
    """Undo :func:`load_ipython_extension`; ``%unload_ext sqlsoup`` calls it.

    .. versionadded:: 1.0
    """
    if shell in _displays:
        _displays.pop(shell).remove()


class _Display:
    """The printers of a shell.

    Rows are of any class, hence a printer of all formats for every object.  IPython's own texts of
    classes and lists would come before what that gives, hence two more, which print what it found.
    """

    def __init__(self, formatter: Any) -> None:
        self._found: tuple[object, Shown | None] = (None, None)
        texts = formatter.formatters["text/plain"]
        self._undo = [
            _register(formatter.mimebundle_formatter, object, self._formats),
            _register(texts, SelectableClassType, self._text),
            _register(texts, list, self._text),
        ]

    def remove(self) -> None:
        for undo in self._undo:
            undo()

    def _formats(self, earlier: Any, thing: object) -> Any:
        found = _shown(thing)
        if isinstance(thing, SelectableClassType | list):
            self._found = thing, found
        if found is not None:
            return {"text/plain": repr(found), "text/html": found._repr_html_()}
        from IPython.utils.dir2 import get_real_method

        method = earlier or get_real_method(thing, "_repr_mimebundle_")
        return method and (earlier(thing) if earlier else method(include=None, exclude=None))

    def _text(self, earlier: Any, thing: object, printer: Any, cycle: bool) -> None:
        (known, found), self._found = self._found, (None, None)
        if known is thing and found is not None and len(printer.stack) == 1:
            printer.text(repr(found))
        else:
            earlier(thing, printer, cycle)


_displays: WeakKeyDictionary[Any, _Display] = WeakKeyDictionary()


def _register(formatter: Any, kind: type, function: Any) -> Any:
    """Register a printer that is given the one before it, and return what undoes it."""
    own = formatter.type_printers.get(kind)
    earlier = formatter.for_type(kind)
    formatter.for_type(kind, partial(function, earlier))
    return partial(formatter.for_type, kind, own) if own else partial(formatter.pop, kind)


def _shown(thing: object) -> Shown | None:
    """Return what is shown of a thing, or None if that is not for us to say."""
    from sqlsoup._view import is_row, view_of  # which few programs need

    kinds = (SelectableClassType, Query, Result, FilterResult, SQLSoup)
    row = thing[0] if isinstance(thing, list) and thing else thing
    unusable = isinstance(thing, SelectableClassType) and inspect(thing, raiseerr=False) is None
    if unusable or not (isinstance(thing, kinds) or is_row(row)):
        return None
    try:
        return Shown(view_of(thing, _LIMIT))
    except ArgumentError:  # rows of several kinds
        return None
