"""A complete Table from a name, whatever other threads do meanwhile."""

from __future__ import annotations

import difflib
import threading
import warnings
from contextlib import AbstractContextManager, ExitStack
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
    inspect,
)
from sqlalchemy import exc as sa_exc
from sqlalchemy.sql import visitors

from sqlsoup.exc import NoSuchTableError, SQLSoupWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_guard = threading.Lock()


def reflect(
    metadata: MetaData,
    name: str,
    schema: str | None,
    connect: Callable[[], AbstractContextManager[Connection]],
) -> Table:
    """Return the table of a name, reflecting it if the MetaData has none.

    SQLAlchemy puts a Table into its MetaData before the columns are there.  A lock for each name
    keeps threads from seeing one half-built, and is never held while waiting for a connection, so
    that a pool of one connection cannot deadlock.

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


def complete_joins(
    selectable: FromClause,
    metadata: MetaData,
    connect: Callable[[], AbstractContextManager[Connection]],
) -> None:
    """Reflect what the primary keys of joined tables refer to; a Join compares the two.

    All of it takes one round of reflection.  A target that is not there is warned of, and the
    foreign key to it is left out.
    """
    if not any(isinstance(element, Join) for element in visitors.iterate(selectable)):
        return
    keys = [
        key
        for table in tables_in(selectable)
        if table.metadata is metadata
        for column in table.primary_key
        for key in column.foreign_keys
        if not _resolves(key)
    ]
    if not keys:
        return
    wanted: dict[str | None, set[str]] = {}
    for key in keys:
        prefix, _, name = _target(key).rpartition(".")
        wanted.setdefault(prefix or metadata.schema, set()).add(name)
    with connect() as connection, ExitStack() as stack:
        for lock in [_lock(metadata, target) for target in sorted({_target(key) for key in keys})]:
            stack.enter_context(lock)
        for schema, names in wanted.items():
            metadata.reflect(
                connection,
                schema,
                only=lambda name, _, names=names: name in names,
                resolve_fks=False,
            )
            for name in names:
                if (table := metadata.tables.get(_key(name, schema))) is not None:
                    _drop_sequence_default(table)
    for key in keys:
        if not _resolves(key):
            warnings.warn(
                f"{_target(key)!r}, to which {key.parent} refers, is not there or not readable; "
                "the foreign key is left out",
                SQLSoupWarning,
                stacklevel=4,
            )
            key.parent.foreign_keys.discard(key)
            key.parent.table.foreign_keys.discard(key)
            key.parent.table.constraints.discard(key.constraint)


def _key(name: str, schema: str | None) -> str:
    return f"{schema}.{name}" if schema else name


def _target(key: ForeignKey) -> str:
    return key.target_fullname.rpartition(".")[0]


def tables_in(selectable: ClauseElement) -> Iterator[Table]:
    """Give the tables that a selectable is made of."""
    return (e for e in visitors.iterate(selectable) if isinstance(e, Table))


def _lock(metadata: MetaData, key: str) -> threading.RLock:
    with _guard:
        locks = metadata.info.setdefault("sqlsoup.locks", WeakValueDictionary())
        lock: threading.RLock = locks.get(key) or locks.setdefault(key, threading.RLock())
        return lock


def _load(metadata: MetaData, name: str, schema: str | None, connection: Connection) -> Table:
    try:
        table = Table(name, metadata, schema=schema, autoload_with=connection, resolve_fks=False)
    except sa_exc.NoSuchTableError as error:
        message = f"{error}: there is no table or view of this name"
        if near := _nearest(name, schema, connection):
            message += f"; did you mean {near!r}?"
        raise NoSuchTableError(message) from None
    _drop_sequence_default(table)
    return table


def _nearest(name: str, schema: str | None, connection: Connection) -> str | None:
    inspector = inspect(connection)
    try:
        names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    except sa_exc.SQLAlchemyError:
        return None
    return next(iter(difflib.get_close_matches(name, names, n=1)), None)


def _drop_sequence_default(table: Table) -> None:
    """Let SQLAlchemy treat a SERIAL key as the generated key that it is.

    With ``nextval()`` as a server default it would send the rows of a flush one by one.
    """
    if len(table.primary_key.columns) == 1:
        (key,) = table.primary_key.columns
        default: Any = key.server_default
        if isinstance(default, DefaultClause) and str(default.arg).startswith("nextval("):
            key.server_default = None


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
    except sa_exc.NoReferenceError:
        return False
