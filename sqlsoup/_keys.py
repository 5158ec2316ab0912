"""Primary and unique keys of tables, those named by the user included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ColumnElement, FromClause, Join, Select, Table, UniqueConstraint
from sqlalchemy.sql.expression import AliasedReturnsRows, FromGrouping

from sqlsoup._corrections import noted
from sqlsoup._hashable import tells_apart
from sqlsoup.exc import ArgumentError, KeylessError, suggestion

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from sqlalchemy import Column
    from sqlalchemy.orm import Mapper


def as_list(columns: Any) -> list[Any]:
    """Return a list of columns or their names from such a list, from one alone, or from None."""
    if columns is None:
        return []
    return [columns] if isinstance(columns, str | ColumnElement) else list(columns)


def key_columns(selectable: FromClause, columns: Any, properties: Container[str] = ()) -> list[Any]:
    """Return the columns of a selectable that make its primary key.

    Names that ``properties`` of the mapper give are left to SQLAlchemy.

    :raises ArgumentError: there is no such column.
    """
    return [_column_in(selectable, column, properties) for column in columns]


def _column_in(selectable: FromClause, column: Any, properties: Container[str]) -> Any:
    if isinstance(column, ColumnElement):  # perhaps of a table within the subquery
        found = selectable.corresponding_column(cast("Column[Any]", column))
        return column if found is None else found
    if column in selectable.c or column in properties:
        return selectable.c.get(column, column)
    raise ArgumentError(
        f"{described(selectable)!r} has no column {column!r} for its primary key"
        + suggestion(str(column), selectable.c.keys())
    )


def has_key(mapper: Mapper[Any], columns: Any) -> bool:
    """Tell if a class is mapped with a primary key of these columns."""
    return list(mapper.primary_key) == key_columns(mapper.local_table, columns)


NAMED = "sqlsoup.primary_key"
"""In the ``info`` of a table without a primary key: the columns that were named for it."""


def named_key(thing: FromClause) -> list[Any]:
    """Return the primary key of a selectable, if that of one of its tables was named by the user.

    SQLAlchemy knows nothing of those, and would take the columns of the other keys alone.  The
    answer is empty where none was named, or a column of one that was is not there.
    """
    keys = _keys(thing)
    if not any(named for _, named in keys) or any(named and _lacks(key) for key, named in keys):
        return []
    return [column for key, _ in keys for column in key if column is not None]


def joined_key(*keys: tuple[list[Any], list[Any]]) -> list[Any]:
    """Return the primary key of a join, given the named key and the own key of each side."""
    if not any(named for named, _ in keys):
        return []
    return [column for named, own in keys for column in named or own]


def _keys(thing: Any) -> list[tuple[list[Any], bool]]:
    """Return the primary keys of the tables in a selectable, None for a column that it lacks.

    With each comes whether it was named.
    """
    names = noted(thing, NAMED) if isinstance(thing, Table) else None
    if names:
        return [([thing.c[name] for name in names], True)]
    if isinstance(thing, Join):
        return [*_keys(thing.left), *_keys(thing.right)]
    if isinstance(thing, Select):
        return [key for part in thing.get_final_froms() for key in _keys(part)]
    if isinstance(thing, AliasedReturnsRows | FromGrouping):
        return [
            ([None if c is None else thing.corresponding_column(c) for c in key], named)
            for key, named in _keys(thing.element)
        ]
    return [(list(getattr(thing, "primary_key", None) or ()), False)]  # a function has False


def with_key(mapper_args: Mapping[str, Any], key: list[Any]) -> Mapping[str, Any]:
    """Return the arguments of a mapper with a primary key, unless they name one or it is empty."""
    if not key or mapper_args.get("primary_key"):
        return mapper_args
    return {**mapper_args, "primary_key": key}


def translated(key: Iterable[Any], selectable: FromClause) -> list[Any]:
    """Return the columns of a selectable for those of a key, or none if it lacks one."""
    found = [selectable.corresponding_column(column) for column in key]
    return [] if _lacks(found) else found


def _lacks(key: list[Any]) -> bool:
    return any(column is None for column in key)


def keyless(kind: str, source: FromClause) -> KeylessError:
    """Return the error for what has no primary key, which shows how to name one."""
    error = KeylessError(_without_key(kind, source))
    error.source = source
    error.name = described(source)  # or else Python makes a suggestion of its own, from dir(db)
    return error


def _without_key(kind: str, source: FromClause) -> str:
    name, columns = described(source), source.c.keys()
    if not columns:
        return (
            f"{kind} {name!r} does not have a primary key defined, nor any column to name; "
            "use it in statements, as in db.execute()"
        )
    unique = _unique(source) if isinstance(source, Table) else []
    hashable = [name for name, column in source.c.items() if tells_apart(column.type)]
    example = unique[0] if unique else hashable or columns
    if kind == "table":
        schema = f", {source.schema!r}" if getattr(source, "schema", None) else ""
        call = f"db.entity({name!r}{schema}, primary_key={example})"
    else:
        call = f'mapper_args={{"primary_key": {example}}}'
    message = (
        f"{kind} {name!r} does not have a primary key defined; name columns that tell its rows "
        f"apart, as in {call}; it has the columns {', '.join(columns)}"
    )
    for key in unique:
        message += f"; unique: {', '.join(key)}"
    return message


def unique_keys(table: Table) -> list[set[str]]:
    """Return the sets of columns that are unique."""
    return [{column.key for column in table.primary_key}, *map(set, _unique(table))]


def _unique(table: Table) -> list[list[str]]:
    """Return the columns of unique constraints and indexes on all rows, NULLs last."""
    found: list[list[Any]] = [
        list(constraint)
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    for index in table.indexes:
        partial = any(
            option.endswith("_where") and value is not None
            for option, value in index.dialect_kwargs.items()
        )
        if index.unique and not partial and len(index.columns) == len(index.expressions):
            found.append(list(index.columns))
    found.sort(key=lambda columns: any(column.nullable for column in columns))
    keys = dict.fromkeys(tuple(column.key for column in columns) for columns in found)
    return [list(key) for key in keys]


def described(selectable: FromClause) -> str:
    """Return a name for a selectable: that of its type, if it has none."""
    kind = type(selectable).__name__
    return kind if is_unnamed(selectable) else str(getattr(selectable, "name", kind))


def is_unnamed(selectable: FromClause) -> bool:
    """Tell if SQLAlchemy is yet to name a selectable, an alias or a subquery for one."""
    name = getattr(selectable, "name", None)
    return not isinstance(selectable, Table) and str(name).startswith("%(")
