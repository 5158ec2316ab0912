"""What with_labels() maps: columns with the names of their tables before their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, FromClause, Select
from sqlalchemy.orm import Query

from sqlsoup._keys import is_unnamed

if TYPE_CHECKING:
    from collections.abc import Callable


def labelled(thing: object, source_of: Callable[..., FromClause]) -> object:
    """Return a select with labels; a thing without a name, or with names of its own, as it is.

    :param source_of: returns what to select from for a thing.
    """
    style = LABEL_STYLE_TABLENAME_PLUS_COL
    if isinstance(thing, Select):
        names = thing.selected_columns.keys()
        return thing if len({*names}) == len(names) else thing.set_label_style(style)
    if isinstance(thing, Query):
        return thing.set_label_style(style).statement
    source = source_of(thing, derive=True)
    return thing if is_unnamed(source) else source.select().set_label_style(style)
