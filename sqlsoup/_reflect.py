"""A complete Table from a name, whatever other threads do meanwhile."""

from __future__ import annotations

import difflib
import threading
import warnings
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from sqlalchemy import (
    ClauseElement,
    Connection,
    DefaultClause,
    ForeignKey,
    FromClause,
    Join,
    MetaData,
    Table,
    event,
    inspect,
)
from sqlalchemy import exc as sa_exc
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import AliasedReturnsRows

from sqlsoup.exc import NoSuchTableError, SQLSoupWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_REFLECTED = "sqlsoup.reflected"
_MISSING = "sqlsoup.missing"
_guard = threading.Lock()


def reflect(
    metadata: MetaData,
    name: str,
    schema: str | None,
    connect: Callable[[], AbstractContextManager[Connection]],
) -> Table:
    """Return the table of a name, reflecting it if the MetaData has none.

    A lock for each name has one thread reflect it.  It is never held while waiting for a
    connection, so that a pool of one connection cannot deadlock.

    Tables that the foreign keys refer to are not reflected with it.

    :raises NoSuchTableError: there is no table or view of this name.
    """
    schema = schema or metadata.schema
    key = _key(name, schema)
    lock = _lock(metadata, key)
    with lock:
        table = metadata.tables.get(key)
    if table is None:
        with connect() as connection, lock:
            table = metadata.tables.get(key)
            if table is None:
                table = _load(metadata, name, schema, connection)
    return table


def complete(
    selectable: FromClause,
    metadata: MetaData,
    connect: Callable[[], AbstractContextManager[Connection]],
    *,
    derive: bool = False,
) -> None:
    """Reflect the tables that foreign keys in a selectable refer to, where it needs them.

    A join compares its primary keys with what they refer to.  The columns of an alias or subquery
    (or of what is to be derived) copy the foreign keys as they are then.  All that is missing takes
    one round of reflection; a target that is not there is warned of, once.
    """
    elements = list(visitors.iterate(selectable))
    derive = derive or any(isinstance(element, AliasedReturnsRows) for element in elements)
    join = any(isinstance(element, Join) for element in elements)
    keys = [
        key
        for table in elements
        if isinstance(table, Table) and table.metadata is metadata
        for key in table.foreign_keys
        if (derive or (join and key.parent.primary_key))
        and not _resolves(key)
        and not _given_up(key)
    ]
    if keys:
        found = _reflect_targets(keys, metadata, connect)
        for key in keys:
            if _target(key) not in found and not _given_up(key):
                _give_up(key)


def _reflect_targets(
    keys: list[ForeignKey],
    metadata: MetaData,
    connect: Callable[[], AbstractContextManager[Connection]],
) -> set[str]:
    """Reflect what foreign keys refer to, and return the names of what was there."""
    wanted: dict[str | None, set[str]] = {}
    for key in keys:
        prefix, _, name = _target(key).rpartition(".")
        wanted.setdefault(prefix or metadata.schema, set()).add(name)
    found: set[str] = set()
    with connect() as connection, ExitStack() as stack:
        for target in sorted({_key(name, where) for where in wanted for name in wanted[where]}):
            stack.enter_context(_lock(metadata, target))
        for schema, names in wanted.items():
            there = {name for name in names if _key(name, schema) in metadata.tables}
            found.update(_key(name, schema) for name in there)
            missing = names - there
            known = schema is None or schema in inspect(connection).get_schema_names()
            if not missing or not known:
                continue
            scratch = _scratch(metadata)
            scratch.reflect(
                connection, schema, only=lambda name, _, n=missing: name in n, resolve_fks=False
            )
            for target, table in scratch.tables.items():
                _publish(table, metadata)
                found.add(target)
    return found


def _given_up(key: ForeignKey) -> bool:
    return key.constraint is not None and _MISSING in key.constraint.info


def _give_up(key: ForeignKey) -> None:
    """Keep a foreign key to a table that is not there out of the way, and warn of it."""
    constraint: Any = key.constraint
    constraint.info[_MISSING] = True
    column = key.parent
    if column.primary_key:  # a join would not have it
        column.foreign_keys.discard(key)
        column.table.foreign_keys.discard(key)
        column.table.constraints.discard(constraint)
    warnings.warn(
        f"{column} refers to {_target(key)!r}, which is not there or may not be read",
        SQLSoupWarning,
        stacklevel=5,
    )


def _key(name: str, schema: str | None) -> str:
    return f"{schema}.{name}" if schema else name


def _target(key: ForeignKey) -> str:
    prefix, _, name = key.target_fullname.rpartition(".")[0].rpartition(".")
    return _key(name, prefix or key.parent.table.metadata.schema)


def tables_in(selectable: ClauseElement) -> Iterator[Table]:
    """Give the tables that a selectable is made of."""
    return (e for e in visitors.iterate(selectable) if isinstance(e, Table))


def _lock(metadata: MetaData, key: str) -> threading.RLock:
    with _guard:
        locks = metadata.info.setdefault("sqlsoup.locks", WeakValueDictionary())
        lock: threading.RLock = locks.get(key) or locks.setdefault(key, threading.RLock())
        return lock


def _load(metadata: MetaData, name: str, schema: str | None, connection: Connection) -> Table:
    scratch = _scratch(metadata)
    try:
        table = Table(name, scratch, schema=schema, autoload_with=connection, resolve_fks=False)
    except sa_exc.NoSuchTableError:
        raise _missing(name, schema, connection) from None
    except sa_exc.DBAPIError:
        if schema and schema not in inspect(connection).get_schema_names():
            raise _missing(name, schema, connection) from None
        raise
    if not table.primary_key and connection.dialect.name == "sqlite":
        # SQLite finds a table in any case, but SQLAlchemy its key in the right one alone
        for other in inspect(connection).get_table_names(schema):
            if other != name and other.lower() == name.lower():
                return reflect(metadata, other, schema, lambda: nullcontext(connection))
    return _publish(table, metadata)


def _scratch(metadata: MetaData) -> MetaData:
    """Return a MetaData to reflect into, where no other thread sees a table without its columns."""
    scratch = MetaData(naming_convention=metadata.naming_convention)

    @event.listens_for(scratch, "column_reflect")
    def forward(inspector: Any, table: Table, column: Any) -> None:
        metadata.dispatch.column_reflect(inspector, table, column)

    return scratch


def _publish(found: Table, metadata: MetaData) -> Table:
    """Copy a reflected table into its MetaData.

    A SERIAL key becomes the generated key that it is: with ``nextval()`` as its server default
    SQLAlchemy would insert the rows of a flush one by one.
    """
    table = found.to_metadata(metadata)
    table.info[_REFLECTED] = True
    if len(table.primary_key.columns) == 1:
        (key,) = table.primary_key.columns
        default: Any = key.server_default
        if isinstance(default, DefaultClause) and str(default.arg).startswith("nextval("):
            key.server_default = None
    return table


def _missing(name: str, schema: str | None, connection: Connection) -> NoSuchTableError:
    message = f"{_key(name, schema)}: there is no table or view of this name"
    if near := _nearest(name, schema, connection):
        message += f"; did you mean {near!r}?"
    return NoSuchTableError(message)


def _nearest(name: str, schema: str | None, connection: Connection) -> str | None:
    inspector = inspect(connection)
    try:
        names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    except sa_exc.SQLAlchemyError:
        return None
    return next(iter(difflib.get_close_matches(name, names, n=1)), None)


def forget(table: object) -> None:
    """Take a table that was reflected here out of its MetaData; the foreign keys to it stay."""
    if (
        isinstance(table, Table)
        and _REFLECTED in table.info
        and table.metadata.tables.get(table.key) is table
    ):
        table.metadata.remove(table)


def settle(table: Table) -> None:
    """Make a table, reflected or the user's own, fit for the ORM's unit of work.

    Key columns are not nullable: SQLite says they are, and SQLAlchemy then refuses two new rows
    in one flush.  A foreign key whose target is not in the MetaData is marked ``use_alter``, which
    takes it out of the sorting of tables at a flush; without that the flush would fail for the
    want of a table that it does not touch.
    """
    for column in table.primary_key:
        column.nullable = False
    for constraint in table.foreign_key_constraints:
        if not constraint.use_alter or constraint.info.get("sqlsoup.unresolved"):
            constraint.use_alter = constraint.info["sqlsoup.unresolved"] = not all(
                map(_resolves, constraint.elements)
            )


def _resolves(key: Any) -> bool:
    try:
        return key.column is not None
    except sa_exc.InvalidRequestError:  # no such table or column, or it was just forgotten
        return False
