"""Rows as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, RowMapping, inspect
from sqlalchemy.orm import InstanceState

from sqlsoup._mapping import SelectableClassType, new_query
from sqlsoup.exc import ArgumentError, shown


def as_dict(row: object) -> dict[str, Any]:
    """Return the values of a row by the names of its columns, in their order.

    Relationships are left out.  Where a row of a query has whole rows in it, these become dicts
    too; a row that has nothing but one other row becomes what that one does.

    :param row: a row of a mapped class, or one that a query of columns or ``execute()`` gave.
    :raises ArgumentError: it is no row, or two of its columns have the same name.

    .. versionadded:: 1.0
    """
    state = inspect(row, raiseerr=False)
    if isinstance(state, InstanceState):
        return {name: getattr(row, name) for name in dict.fromkeys(state.mapper.columns.keys())}
    if isinstance(row, Row):
        row = row._mapping  # noqa: SLF001 - SQLAlchemy's public name
    if not isinstance(row, RowMapping):
        raise ArgumentError(f"{shown(row)} is no row")
    values = {name: as_dict(value) if _is_mapped(value) else value for name, value in row.items()}
    if len(values) < len(row):
        names = list(row.keys())
        twice = next(name for name in names if names.count(name) > 1)
        raise ArgumentError(f"two columns of the row are named {twice!r}; give one of them a label")
    if len(row) == 1 and _is_mapped(*row.values()):
        values = as_dict(*row.values())
    return values


def as_dicts(query: SelectableClassType | Iterable[object]) -> list[dict[str, Any]]:
    """Return the rows of a query as dicts.

    :param query: a mapped class, a query, a result of ``execute()``, or any rows.
    :raises ArgumentError: there is something else than rows in it.

    .. versionadded:: 1.0
    """
    rows: Any = new_query(query) if isinstance(query, SelectableClassType) else query
    if not isinstance(rows, Iterable):
        raise ArgumentError(f"{shown(rows)} has no rows; pass a mapped class, a query or a result")
    return [as_dict(row) for row in rows]


def _is_mapped(value: object) -> bool:
    return isinstance(inspect(value, raiseerr=False), InstanceState)
