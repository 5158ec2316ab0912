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
    from contextlib import AbstractContextManager


def complete(
    selectable: FromClause,
    metadata: MetaData,
    connect: Callable[[], AbstractContextManager[Connection]],
    *,
    derive: bool,
) -> None:
    """Reflect the tables that foreign keys in a selectable refer to, where it needs them.

    A join compares its primary keys with what they refer to.  The columns of an alias or subquery
    (or of what is to be derived) copy the foreign keys as they are then, or were when the columns
    were looked at first.  All that is missing takes one round of reflection; a target that is not
    there is warned of, once.
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
    connect: Callable[[], AbstractContextManager[Connection]],
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
        return in_turn(metadata, keys, _read_all, wanted, metadata, connection, progress)


def _read_all(
    wanted: dict[str | None, set[str]],
    metadata: MetaData,
    connection: Connection,
    progress: Callable[[str], object],
) -> set[str]:
    found: set[str] = set()
    for schema, names in wanted.items():
        there = {name for name in names if table_key(schema, name) in metadata.tables}
        found.update(table_key(schema, name) for name in there)
        missing = names - there
        if not missing or (
            schema is not None and schema not in inspect(connection).get_schema_names()
        ):
            continue
        found |= _read_schema(missing, schema, metadata, connection, progress)
    return found


def _read_schema(
    names: set[str],
    schema: str | None,
    metadata: MetaData,
    connection: Connection,
    progress: Callable[[str], object],
) -> set[str]:
    """Reflect tables and views in one round, and without those that cannot be read if it fails."""
    try:
        return _read_round(names, schema, metadata, connection, progress)
    except (sa_exc.DBAPIError, sa_exc.UnreflectableTableError) as error:
        there = {name for name in names if table_key(schema, name) in metadata.tables}
        found, left = {table_key(schema, name) for name in there}, names - there
        if is_denied(error):
            listed, views = {*table_names(connection, schema)}, set[str]()  # what may be read
            tables = left & listed
        else:
            views = _views(left, schema, connection)
            tables = left - views
        if tables == left:
            raise
        found |= _read_schema(tables, schema, metadata, connection, progress) if tables else set()
        return found | _read_views(views, schema, metadata, connection, progress)


def _views(names: set[str], schema: str | None, connection: Connection) -> set[str]:
    """Return those of some names that views have, or none where the database tells no more."""
    with suppress(sa_exc.DBAPIError):
        if not connection.invalidated:
            return names & view_names(connection, schema)
    return set()


def _read_views(
    views: set[str],
    schema: str | None,
    metadata: MetaData,
    connection: Connection,
    progress: Callable[[str], object],
) -> set[str]:
    """Reflect views one by one, and leave out those of something that is not there any more."""
    found: set[str] = set()
    for name in sorted(views):
        try:
            found |= _read_round({name}, schema, metadata, connection, progress)
        except (sa_exc.DBAPIError, sa_exc.UnreflectableTableError) as error:
            if connection.invalidated:
                raise
            mention(f"{table_key(schema, name)} is left out: {getattr(error, 'orig', error)}")
    return found


def _read_round(
    names: set[str],
    schema: str | None,
    metadata: MetaData,
    connection: Connection,
    progress: Callable[[str], object],
) -> set[str]:
    inspector, found, apart = catalog(connection, names), set(), scratch(metadata)
    for name in sorted(names):
        apart.clear()  # or foreign keys would lead to tables that are not published
        table = Table(name, apart, schema=schema)
        with suppress(sa_exc.NoSuchTableError):
            reflect_table(inspector, table)
            found.add(publish(table, metadata, connection).key)
            progress(name)
    return found


def tables_in(selectable: ClauseElement) -> Iterator[Table]:
    """Give the tables that a selectable is made of."""
    return (e for e in visitors.iterate(selectable) if isinstance(e, Table))
