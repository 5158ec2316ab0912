"""What with_labels() maps: columns with the names of their tables before their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, FromClause, Select, Table
from sqlalchemy.orm import Query

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
    if not isinstance(source, Table) and str(getattr(source, "name", "")).startswith("%("):
        return thing  # SQLAlchemy is yet to name it
    return source.select().set_label_style(style)
