"""Rows of a class out of statements and results in which its columns have names of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy import inspect
from sqlalchemy.engine.cursor import MD_OBJECTS
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.orm import Query, aliased
from sqlalchemy.sql import visitors
from sqlalchemy.sql.expression import Alias, SelectBase

from sqlsoup.legacy._closing import ClosingResult
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, method
from sqlsoup.legacy._text import textual

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ALIASES = "_sqlsoup_aliases"
"""What a query keeps: the aliases of its options, which its statement has under their names."""


def keep_alias(query: Any, alias: Any) -> None:
    """Have a query know an alias, which the statement or result to come has as well."""
    vars(query)[_ALIASES] = (*vars(query).get(_ALIASES, ()), alias)


class MainAlias:
    """An option that tells under which alias a statement has the table of the class."""

    def __init__(self, alias: Any) -> None:
        self.alias = alias

    def on(self, query: Any) -> Any:
        """Return the query for rows from the alias."""
        first, *others = [found["expr"] for found in query.column_descriptions]
        alias = self.alias
        if isinstance(alias, str):
            alias = inspect(first).selectable.alias(alias)
        query = query.with_entities(aliased(first, alias), *others)
        keep_alias(query, alias)
        return query


@function(sa_orm.contains_alias)
def _contains_alias(_before: object, alias: Any) -> MainAlias:
    note("contains-alias")
    return MainAlias(alias)


@method(Query, "from_statement")
def _from_statement(before: Callable[..., Any], query: Any, statement: Any) -> Any:
    statement = textual(statement, "query-text")
    if isinstance(statement, SelectBase):
        for alias in vars(query).get(_ALIASES, ()):
            statement = _with_alias(statement, alias)
    return before(query, statement)


def _with_alias(statement: Any, alias: Any) -> Any:
    """Put an alias in the place of the one of its name in a statement."""
    found = (
        each
        for each in visitors.iterate(statement)
        if isinstance(each, Alias) and each.name == alias.name and each is not alias
    )
    own = next(found, None)
    if own is None:
        return statement

    def replace(element: Any, **_kw: Any) -> Any:
        is_column = isinstance(element, sa.ColumnClause) and element.table is own
        return alias.c[element.key] if is_column else alias if element is own else None

    return visitors.replacement_traverse(statement, {}, replace)


class _Metadata(SimpleResultMetaData):
    """Names of columns, of which some that are asked for may be missing: they are loaded later."""

    __slots__ = ()

    def _index_for_key(self, key: Any, raiseerr: Any = True) -> Any:
        if not raiseerr and key not in self._keymap:
            return None
        return super()._index_for_key(key, raiseerr)


@method(Query, "instances")
def _instances(before: Callable[..., Any], query: Any, result: Any, context: Any = None) -> Any:
    raw = result._result if type(result) is ClosingResult else result
    keymap: dict[Any, Any] = getattr(raw._metadata, "_keymap", {})
    keys = list(raw.keys())
    objects = [[o for o in (keymap[key][MD_OBJECTS] or ()) if o not in keys] for key in keys]
    wanted = [(key, c) for key, c in _columns_by_name(query, keys) if c not in keymap]
    if wanted:
        note("query-instances")
    elif raw is result:
        return before(query, result, context)
    for key, column in wanted:
        objects[keys.index(key)].append(column)
    metadata = _Metadata(keys, extra=[tuple(each) for each in objects])
    rows = [tuple(row) for row in result.fetchall()]
    made: Any = IteratorResult(metadata, iter(rows))
    made.context = raw.context  # which says whether the server keeps the rows
    return before(query, made, context)


def _columns_by_name(query: Any, keys: list[str]) -> Iterator[tuple[str, Any]]:
    """Give the columns of a query that are among names, with or without the name of the table."""
    for table in (*_tables(query), *vars(query).get(_ALIASES, ())):
        for column in table.c:
            label = f"{getattr(table, 'name', None)}_{column.name}"
            if label in keys:
                yield label, column
            elif column.name in keys and not isinstance(table, Alias):
                yield column.name, column
    for found in query.column_descriptions:
        if isinstance(found["expr"], sa.ColumnClause) and found["name"] in keys:
            yield found["name"], found["expr"]


def _tables(query: Any) -> Iterator[Any]:
    """Give the tables of the classes of a query, and the alias of one that has an alias."""
    for found in query.column_descriptions:
        entity: Any = inspect(found["entity"], raiseerr=False)
        if getattr(entity, "is_mapper", False):
            yield from entity.tables
        elif entity is not None:
            yield entity.selectable
