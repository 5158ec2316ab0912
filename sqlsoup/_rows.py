"""Rows as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Any

from sqlalchemy import CursorResult, Result, Row, RowMapping, Select, inspect
from sqlalchemy.orm import InstanceState, Mapper, Query

from sqlsoup import _sa
from sqlsoup._attributes import of_columns
from sqlsoup._classes import SelectableClassType, new_query
from sqlsoup._in_place import plain
from sqlsoup._keys import described
from sqlsoup.exc import ArgumentError, shown


def as_dict(row: object) -> dict[str, Any]:
    """Return the values of a row by the names of its columns, in their order.

    Relationships are left out.  Where a row of a query has whole rows in it, these become dicts
    too; a row that is made of one other row becomes the dict of that one.  A column without a name
    is called after its place: ``column_2``.

    :param row: a row of a mapped class, or one that a query of columns or ``execute()`` gave.
    :raises ArgumentError: it is no row, or two of its columns have the same name.

    .. versionadded:: 1.0
    """
    state = inspect(row, raiseerr=False)
    if isinstance(state, InstanceState):
        return {name: plain(getattr(row, name)) for name in of_columns(state.mapper)}
    if not isinstance(row, Row | RowMapping):
        raise ArgumentError(f"{shown(row)} is no row")
    names, values = _sa.names_in(row), row.values() if isinstance(row, RowMapping) else row
    found = {
        name: as_dict(value) if _is_mapped(value) else value
        for name, value in zip(names, values, strict=True)
    }
    if len(found) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ArgumentError(f"two columns of the row are named {twice!r}; give one of them a label")
    return as_dict(*values) if len(names) == 1 and _is_mapped(*values) else found


def as_dicts(query: SelectableClassType | Iterable[object]) -> list[dict[str, Any]]:
    """Return the rows of a query as dicts.

    For a mapped class, or a query of one, columns are selected in place of objects where the answer
    is the same: the values are those of the database after a flush.

    :param query: a mapped class, a query, a result of ``execute()``, or any rows.
    :raises ArgumentError: there is something other than rows in it.

    .. versionadded:: 1.0
    """
    return [*iter_dicts(query)]


def iter_dicts(query: SelectableClassType | Iterable[object]) -> Iterator[dict[str, Any]]:
    """Give the rows of a query as dicts, one by one.

    It takes little memory where the query does: ``iter_dicts(db.users.yield_per(1000))``.

    :param query: what :func:`as_dicts` takes.
    :raises ArgumentError: there is something other than rows in it.

    .. versionadded:: 1.0
    """
    rows: Any = new_query(query) if isinstance(query, SelectableClassType) else query
    if not isinstance(rows, Iterable):
        raise ArgumentError(f"{shown(rows)} has no rows; pass a mapped class, a query or a result")
    if isinstance(rows, Query) and type(rows).__iter__ is Query.__iter__:
        return _of_query(rows)
    if isinstance(rows, Result):
        return _of_result(rows)
    return map(as_dict, rows)


def _of_query(query: Query[Any]) -> Iterator[dict[str, Any]]:
    if _needs_no_objects(query):
        columns = dict(columns_of(query))
        return _by_position(columns, query.with_entities(*columns.values()), plain=True)
    found = query.column_descriptions
    if any(each["expr"] is each["entity"] for each in found):
        return map(as_dict, query)
    return _by_position([name for name, _ in columns_of(query)], query, plain=False)


def _of_result(result: Result[Any]) -> Iterator[dict[str, Any]]:
    rows = iter(result)
    first = next(rows, None)
    if first is None:
        return iter(())
    names, plain = _sa.names_in(first), isinstance(result, CursorResult)
    return _by_position(names, chain([first], rows), plain=plain)


def _needs_no_objects(query: Query[Any]) -> bool:
    """Tell if the columns of a query give the same as its objects: it is one of a single class.

    With others beside it, SQLAlchemy gives an object once.
    """
    found = query.column_descriptions
    entity: Any = inspect(found[0]["expr"], raiseerr=False)
    mapper = getattr(entity, "mapper", None)
    if (
        len(found) > 1
        or not isinstance(mapper, Mapper)
        or found[0]["expr"] is not found[0]["entity"]
        or len([*mapper.self_and_descendants]) > 1
    ):
        return False
    statement = query.statement
    return isinstance(statement, Select) and statement.get_final_froms() == [entity.selectable]


def columns_of(query: Query[Any]) -> list[tuple[str, Any]]:
    """Return names and expressions of the columns of a query, those of a class in its place."""
    found = query.column_descriptions
    columns: list[tuple[str, Any]] = []
    for place, each in enumerate(found, 1):
        thing: Any = each["expr"]
        if thing is not each["entity"]:
            name = each["name"] or getattr(thing, "name", f"column_{place}")
            columns.append((name, thing))
            continue
        mapper = inspect(thing).mapper
        names = names_of(mapper, alone=len(found) == 1)
        columns += zip(names, (getattr(thing, key) for key in of_columns(mapper)), strict=True)
    return columns


def names_of(mapper: Mapper[Any], *, alone: bool) -> list[str]:
    """Return the names of the columns of a class, after that of its table if it is not alone."""
    prefix = "" if alone else f"{described(mapper.local_table)}."
    return [prefix + key for key in of_columns(mapper)]


def _by_position(
    names: Iterable[str], rows: Iterable[Any], *, plain: bool
) -> Iterator[dict[str, Any]]:
    """Turn rows that have the same columns; plain ones have no rows of classes in them."""
    names, rows = [*names], iter(rows)
    if len({*names}) < len(names):
        return map(as_dict, rows)
    return (_zipped if plain else _looked_at)(names, rows)


def _zipped(names: list[str], rows: Iterator[Any]) -> Iterator[dict[str, Any]]:
    return map(dict, map(zip, repeat(names), rows))


def _looked_at(names: list[str], rows: Iterator[Any]) -> Iterator[dict[str, Any]]:
    """Look at the values of each column until one shows whether it has rows of a class."""
    unknown = {*range(len(names))}
    for row in rows:
        told = {place for place in unknown if row[place] is not None}
        if any(_is_mapped(row[place]) for place in told):
            yield as_dict(row)
            yield from map(as_dict, rows)
        else:
            unknown -= told
            yield from _zipped(names, iter((row,)))
            if not unknown:
                yield from _zipped(names, rows)


def _is_mapped(value: object) -> bool:
    return isinstance(inspect(value, raiseerr=False), InstanceState)
