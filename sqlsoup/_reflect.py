"""A complete Table from a name, whatever other threads do meanwhile."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, MetaData, Table, event
from sqlalchemy import exc as sa_exc
from sqlalchemy.types import NullType

from sqlsoup import _sa
from sqlsoup._catalog import catalog, is_there, may_be_there, reflect_table, spelled
from sqlsoup._compare import compare_as_stored
from sqlsoup._foreign_keys import (
    REFLECTED,
    foreign_keys_to,
    guard,
    notes_of,
    resolves,
    settle,
    table_key,
)
from sqlsoup._hashable import make_hashable
from sqlsoup._locks import locked, under
from sqlsoup._missing import missing
from sqlsoup.exc import SQLSoupError, warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlsoup._catalog import Connect

_R = TypeVar("_R")


def reflect(metadata: MetaData, name: str, schema: str | None, connect: Connect) -> Table:
    """Return the table of a name, reflecting it if the MetaData has none.

    One thread reflects it, for which others wait a moment.  None has a turn while it waits for a
    connection, so that a pool of one connection cannot deadlock.

    Tables that the foreign keys refer to are not reflected with it.

    :raises NoSuchTableError: there is no table or view of this name.
    :raises SQLSoupError: the MetaData has another table in its place.
    """
    schema = schema or metadata.schema
    name = real_name(metadata, schema, name)
    key = table_key(schema, name)
    table = metadata.tables.get(key)
    if table is None:
        wait_for(ahead(metadata, [key]))  # the table may need no connection then
        table = metadata.tables.get(key)
    if table is None:
        with connect() as connection:
            table = in_turn(metadata, [key], _load, metadata, name, schema, connection)
        if table is None:
            return reflect(metadata, name, schema, connect)
    if table.name != name:  # the name has a dot, as if a schema were before it
        with connect() as connection:
            if is_there(connection, schema, name):
                raise SQLSoupError(
                    f"there is {key!r} as the name of a table, and as schema and name of another; "
                    "one MetaData cannot hold both, use another SQLSoup for one of them"
                )
            if schema:
                raise missing(name, schema, connection)
    return table


_PATIENCE = 1.5
"""How many seconds a thread waits for others that read the same tables, before it reads them too.

They may be waiting for a machine that has vanished, and such waits must not add up.
"""


def in_turn(metadata: MetaData, keys: Iterable[str], function: Callable[..., _R], *args: Any) -> _R:
    """Call a function that reads tables, after the threads that began earlier to read one of them.

    The turn is a lock of this call alone: if an interrupt leaves it held, no later call meets it.
    """
    mine = threading.RLock()  # a listener to "column_reflect" may ask for the table, too
    return locked(mine, _after, metadata, keys, mine, function, *args)


def _after(
    metadata: MetaData,
    keys: Iterable[str],
    mine: threading.RLock,
    function: Callable[..., _R],
    *args: Any,
) -> _R:
    wait_for(ahead(metadata, keys, mine))
    return function(*args)


@under(guard)
def ahead(
    metadata: MetaData, keys: Iterable[str], mine: threading.RLock | None = None
) -> list[threading.RLock]:
    """Return the locks of the threads that read some tables, and put one's own in their place."""
    turns = notes_of(metadata).turns
    found = {id(turn): turn for key in keys if (turn := turns.get(key)) is not None}
    if mine is not None:
        turns.update(dict.fromkeys(keys, mine))
    return [*found.values()]


def wait_for(turns: Iterable[threading.RLock]) -> None:
    """Wait until some locks are free, or it has taken too long."""
    end = time.monotonic() + _PATIENCE
    for turn in turns:
        # in one line, or an exception that a trace raises at the second would leave it held
        if turn.acquire(timeout=max(0, end - time.monotonic())): turn.release()  # noqa: E701  # fmt: skip


def real_name(metadata: MetaData, schema: str | None, name: str) -> str:
    """Return the name of a table that is known to be spelled in another case."""
    return notes_of(metadata).spelled.get(table_key(schema or metadata.schema, name), name)


_SPELLINGS = 1000
"""How many names in another case are noted; a long name has millions of them."""


def _load(
    metadata: MetaData, name: str, schema: str | None, connection: Connection
) -> Table | None:
    """Reflect a table, or note that its name is in fact another, and return None."""
    there: Table | None = metadata.tables.get(table_key(schema, name))
    if there is not None:
        return there
    table, spelling = _read(metadata, name, schema, connection)
    if spelling != name:
        known = notes_of(metadata).spelled
        if len(known) >= _SPELLINGS:
            known.clear()
        known[table_key(schema, name)] = spelling
        return None
    return publish(table, metadata, connection)


_DENIED = {1044, 1142}
"""What MariaDB and MySQL say where there is no permission, whether or not the table exists."""


def is_denied(error: Exception) -> bool:
    return any(code in getattr(error, "orig", error).args for code in _DENIED)


def _read(
    metadata: MetaData, name: str, schema: str | None, connection: Connection
) -> tuple[Table, str]:
    inspector, table = catalog(connection), Table(name, scratch(metadata), schema=schema)
    try:
        reflect_table(inspector, table)
        return table, spelled(inspector, table)
    except sa_exc.NoSuchTableError:
        raise missing(name, schema, connection) from None
    except (sa_exc.DBAPIError, ValueError) as error:
        if may_be_there(connection, schema, name):
            raise
        denied = is_denied(error)
        raise missing(name, schema, connection, denied=denied) from None


def scratch(metadata: MetaData) -> MetaData:
    """Return a MetaData to reflect into, where no other thread sees a table without its columns."""
    scratch = MetaData(naming_convention=metadata.naming_convention)

    @event.listens_for(scratch, "column_reflect")
    def forward(inspector: Any, table: Table, column: Any) -> None:
        _sa.forward_column(metadata, inspector, table, column)

    return scratch


def publish(
    table: Table, metadata: MetaData, connection: Connection, *, replace: bool = False
) -> Table:
    """Move a reflected table into its MetaData, so that no thread sees an incomplete one.

    The one that another thread has put there since stays, unless it is to be replaced.

    The constructor of a Table, and so ``to_metadata()`` as well, would show it there before it has
    a name and columns, and other threads look there for the targets of foreign keys at any time.
    """
    table.metadata = metadata
    for column in table.columns:
        compare_as_stored(column, connection.dialect.name)
        if isinstance(column.type, NullType) and connection.dialect.name != "sqlite":
            # a column of SQLite need not have a type, and the computed ones of a view have none
            warn(
                f"SQLAlchemy does not know the type of the column {column}, whose values are what "
                "the driver gives; set it with a listener to 'column_reflect'"
            )
    make_hashable(table)
    return _show(table, metadata, replace=replace)


@under(guard)
def _show(table: Table, metadata: MetaData, *, replace: bool) -> Table:
    there: Table | None = metadata.tables.get(table.key)
    if there is not None and not replace:
        return there
    notes_of(metadata).add(table, REFLECTED)
    _sa.add_table(metadata, table)
    settle(table)
    return table


@under(guard)
def forget(table: Table) -> None:
    """Take a table that was reflected here out of its MetaData; the foreign keys to it stay.

    They look for their columns now, and so do its own, as none can be found after that.
    """
    reflected = notes_of(table.metadata).tells(table, REFLECTED)
    if reflected and table.metadata.tables.get(table.key) is table:
        for constraint in (*table.foreign_key_constraints, *foreign_keys_to(table)):
            for key in constraint.elements:
                resolves(key)
        table.metadata.remove(table)
