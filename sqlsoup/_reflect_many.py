"""Many tables at once: those that are named, or that the foreign keys of a selectable need."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import (
    ClauseElement,
    Connection,
    ForeignKey,
    FromClause,
    Join,
    MetaData,
    Table,
    inspect,
)
from sqlalchemy import exc as sa_exc
from sqlalchemy.sql import visitors
from sqlalchemy.sql.expression import AliasedReturnsRows

from sqlsoup._catalog import catalog, reflect_table, table_names, view_names
from sqlsoup._foreign_keys import (
    follows,
    give_up,
    guard,
    is_given_up,
    resolves,
    table_key,
    target_of,
)
from sqlsoup._locks import under
from sqlsoup._reflect import in_turn, is_denied, publish, scratch
from sqlsoup.exc import mention

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlsoup._catalog import Connect


def complete(selectable: FromClause, metadata: MetaData, connect: Connect, *, derive: bool) -> None:
    """Reflect the tables that foreign keys in a selectable refer to, where it needs them.

    A join compares its primary keys with what they refer to.  An alias, a subquery and what is to
    be derived copy the foreign keys as they are when their columns are first looked at.  All that
    is missing takes one round of reflection; there is one warning of each target that is not there.
    """
    elements = list(visitors.iterate(selectable))
    derive = derive or any(isinstance(element, AliasedReturnsRows) for element in elements)
    joins = [element for element in elements if isinstance(element, Join)]
    keys = [
        key
        for table in elements
        if isinstance(table, Table) and table.metadata is metadata
        for key in table.foreign_keys
        if (derive or (joins and key.parent.primary_key)) and not resolves(key)
    ]
    for key in keys:
        key.parent.foreign_keys.add(key)  # an interrupt may have kept it out
    unknown = [key for key in keys if not is_given_up(key)]
    if unknown:
        found = reflect_all(map(target_of, unknown), metadata, connect)
        for key in unknown:
            if table_key(*target_of(key)) not in found and not is_given_up(key):
                give_up(key)
    copies = [
        key
        for element in elements
        if isinstance(element, AliasedReturnsRows)
        for column in element.c
        for key in column.foreign_keys
    ]
    _compare_keys(joins, [key for key in (*keys, *copies) if not follows(key)])


@under(guard)
def _compare_keys(joins: list[Join], dangling: list[ForeignKey]) -> None:
    """Have joins compare their primary keys while foreign keys that lead nowhere are put aside."""
    try:
        for key in dangling:
            key.parent.foreign_keys.discard(key)
        for join in joins:
            _ = join.primary_key
    finally:
        for key in dangling:
            key.parent.foreign_keys.add(key)


def reflect_all(
    tables: Iterable[tuple[str | None, str]],
    metadata: MetaData,
    connect: Connect,
    progress: Callable[[str], object] = lambda _: None,
) -> set[str]:
    """Reflect those of some tables, given by schema and name, that are not in the MetaData.

    This takes one round of reflection for each schema.  Return the keys of the tables that are
    there.  A table that another thread reflects meanwhile is the one that came first.

    :param progress: called with the name of each table that is there now.
    """
    wanted: defaultdict[str | None, set[str]] = defaultdict(set)
    for schema, name in tables:
        wanted[schema or metadata.schema].add(name)
    keys = sorted(table_key(schema, name) for schema in wanted for name in wanted[schema])
    with connect() as connection:
        return in_turn(metadata, keys, _Reader(metadata, connection, progress).read, wanted)


class _Reader:
    """Reflects tables into a MetaData; each method returns the keys of those that are there."""

    def __init__(
        self, metadata: MetaData, connection: Connection, progress: Callable[[str], object]
    ) -> None:
        self._metadata, self._connection, self._progress = metadata, connection, progress

    def read(self, wanted: dict[str | None, set[str]]) -> set[str]:
        found: set[str] = set()
        for schema, names in wanted.items():
            there = self._there(names, schema)
            found.update(table_key(schema, name) for name in there)
            if there != names and (
                schema is None or schema in inspect(self._connection).get_schema_names()
            ):
                found |= self._read_schema(names - there, schema)
        return found

    def _there(self, names: set[str], schema: str | None) -> set[str]:
        return {name for name in names if table_key(schema, name) in self._metadata.tables}

    def _read_schema(self, names: set[str], schema: str | None) -> set[str]:
        """Reflect all in one round; if that fails, without those that cannot be read."""
        try:
            return self._read_round(names, schema)
        except (sa_exc.DBAPIError, sa_exc.UnreflectableTableError) as error:
            there = self._there(names, schema)
            found, left = {table_key(schema, name) for name in there}, names - there
            if is_denied(error):
                listed = {*table_names(self._connection, schema)}  # what may be read
                tables, views = left & listed, set[str]()
            else:
                views = self._views(left, schema)
                tables = left - views
            if tables == left:
                raise
            found |= self._read_schema(tables, schema) if tables else set()
            return found | self._read_views(views, schema)

    def _views(self, names: set[str], schema: str | None) -> set[str]:
        """Return those of some names that views have, or none where the database tells no more."""
        with suppress(sa_exc.DBAPIError):
            if not self._connection.invalidated:
                return names & view_names(self._connection, schema)
        return set()

    def _read_views(self, views: set[str], schema: str | None) -> set[str]:
        """Reflect views one by one; leave out those of something that is not there any more."""
        found: set[str] = set()
        for name in sorted(views):
            try:
                found |= self._read_round({name}, schema)
            except (sa_exc.DBAPIError, sa_exc.UnreflectableTableError) as error:
                if self._connection.invalidated:
                    raise
                mention(f"{table_key(schema, name)} is left out: {getattr(error, 'orig', error)}")
        return found

    def _read_round(self, names: set[str], schema: str | None) -> set[str]:
        inspector, apart = catalog(self._connection, names), scratch(self._metadata)
        found = set()
        for name in sorted(names):
            apart.clear()  # or foreign keys would lead to tables that are not published
            table = Table(name, apart, schema=schema)
            with suppress(sa_exc.NoSuchTableError):
                reflect_table(inspector, table)
                found.add(publish(table, self._metadata, self._connection).key)
                self._progress(name)
        return found


def tables_in(selectable: ClauseElement) -> Iterator[Table]:
    """Give the tables that a selectable is made of."""
    return (e for e in visitors.iterate(selectable) if isinstance(e, Table))
