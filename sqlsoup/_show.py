"""Looking at tables, queries and rows, in a terminal and in a notebook."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from sqlsoup.exc import ArgumentError, shown

if TYPE_CHECKING:
    from sqlsoup._view import View


class Shown:
    """What IPython shows of a view: text, and HTML in a notebook."""

    def __init__(self, view: View) -> None:
        view.rows = list(view.rows)
        self._view = view

    def __repr__(self) -> str:
        return "\n".join(self._view.lines(_width_of(sys.stdout)))

    def _repr_html_(self) -> str:
        return self._view.html()


def show(thing: object, limit: int | None = 20, *, file: TextIO | None = None) -> None:
    """Print what there is in a table, a query, rows or a database, as a table.

    In a notebook it is an HTML table.  A class comes with the types and keys of its columns.  How
    many more rows there are is said if that is known.

    :param thing: a mapped class, a query, a result of ``execute()``, rows of any of these or dicts,
     one row, or a :class:`SQLSoup`, of which the tables and views are listed.
    :param limit: how many rows to show; None for all, which are printed as they are read.  What a
     result has beyond that can still be read from it.
    :param file: where to print, if not to standard output.  On a terminal a table is as wide as
     that at most: long texts are cut, and columns that do not fit are named below.
    :raises ArgumentError: there is nothing in it that can be shown, or its rows differ in columns.

    .. versionadded:: 1.0
    """
    from sqlsoup._view import view_of  # which few programs need

    given: object = limit
    if not (given is None or (isinstance(given, int) and given >= 0)):
        raise ArgumentError(f"invalid limit argument {shown(limit)}; pass a number of rows or None")
    view = view_of(thing, limit)
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if file is None and shell is not None:
        from IPython.display import display

        display(Shown(view))  # type: ignore[no-untyped-call]
        return
    out: Any = sys.stdout if file is None else file
    encoding = getattr(out, "encoding", None) or "utf-8"
    for line in view.lines(_width_of(out)):
        out.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _width_of(file: Any) -> int | None:
    """Return the columns of a terminal, or None for what is no terminal."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(file.fileno()).columns or 80
    except (AttributeError, OSError, ValueError):
        return None
