"""Reaches past SQLAlchemy's documented API: sessions, attributes, tables and statements.

Each says what it is for, where SQLAlchemy's source has what it uses, and when it may go.  The other
modules whose names begin with ``_sa`` have the rest of them; there are none elsewhere.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, ClauseElement, Select, Table
from sqlalchemy.exc import SAWarning
from sqlalchemy.orm import Session as PlainSession
from sqlalchemy.orm.session import SessionTransactionState
from sqlalchemy.sql import expression
from sqlalchemy.sql.expression import BinaryExpression, ColumnClause

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Column, Connection, ForeignKey, Inspector, MetaData
    from sqlalchemy.orm import Mapper, SessionTransaction
    from sqlalchemy.sql.base import ReadOnlyColumnCollection


def finish_rollback(session: Any, root: SessionTransaction | None) -> None:
    """Roll a session back in which something was interrupted; ``rollback()`` was called before.

    An exception between two lines of ``Session.commit()``, ``rollback()`` or ``flush()`` (of a
    signal, or a RecursionError) can leave its transaction between two states, which every later
    call refuses, ``rollback()`` and ``close()`` as well (``_StateChange`` in
    ``orm/state_changes.py``); or leave the session without the transaction whose connections are
    yet to be given back, or ``_flushing``.  Here the transaction is made an active one again.  It
    may go when ``rollback()`` works in every state.
    """
    session._flushing = False
    transaction: Any = session._transaction or root
    if transaction is None or transaction._state is SessionTransactionState.CLOSED:
        return
    session._transaction = transaction
    while transaction is not None:
        for name in ("_next_state", "_current_fn"):  # the class has what holds between two calls
            vars(transaction).pop(name, None)
        transaction._state = SessionTransactionState.ACTIVE
        transaction = transaction._parent
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # of what was rolled back already
        session.rollback()


def has_binds(session: Any) -> bool:
    """Tell if a session was given a bind, or binds of tables and classes.

    Only 2.1 has the latter by a public name, ``Session.binds``.  It may go with 2.0.
    """
    return bool(session.bind or getattr(session, _BINDS))


_BINDS = "binds" if hasattr(PlainSession(), "binds") else "_Session__binds"


def is_out_of_reach(transaction: Any) -> bool:
    """Tell if a transaction has a connection that is to be awaited, where nothing can be.

    A commit or rollback there, outside of ``run_sync()``, raises MissingGreenlet, and SQLAlchemy
    gives the connection up as it is: the server goes on with the transaction and its locks
    (``_finalize_fairy`` in ``pool/base.py``; connections are in ``_connections`` of
    ``SessionTransaction`` in ``orm/session.py``, ``in_greenlet()`` in ``util/concurrency.py``).  It
    may go when SQLAlchemy keeps such a connection.
    """
    if transaction is not None:
        for connection, *_ in transaction._connections.values():
            if connection.dialect.is_async:
                from sqlalchemy.util.concurrency import in_greenlet  # which needs greenlet

                return not in_greenlet()
    return False


def set_rowcount(context: Any, number: int) -> None:
    """Have SQLAlchemy take a number of rows for what the driver counted.

    SQLite does not count rows that INSTEAD OF triggers of a view change, and the ORM then raises an
    error after they were changed.  No option of a mapper or a connection says so; only a dialect
    can, for all tables.  ``DefaultExecutionContext.rowcount`` in ``engine/default.py`` asks the
    cursor where ``_rowcount`` is None.  It may go when the ORM's check can be turned off for a
    mapper, as ``confirm_deleted_rows`` does for DELETE.
    """
    context._rowcount = number


def read_through(mapper: Mapper[Any], key: str, reader: Callable[[Any, str, Any], Any]) -> None:
    """Have a function make what is read of an attribute out of what the row has.

    No event comes when an attribute is read, and those of a load are paid for by every row.  So the
    attribute of the class becomes one of a subclass, which differs in ``__get__`` alone
    (``InstrumentedAttribute`` in ``orm/attributes.py``).  It may go when there is such an event.
    """
    attribute: Any = mapper.class_manager[key]
    own: Any = type(attribute)

    class ReadThrough(own):  # type: ignore[misc]
        __slots__ = ()
        inherit_cache = True

        def __get__(self, row: Any, owner: Any) -> Any:
            value = own.__get__(self, row, owner)
            return value if row is None else reader(row, key, value)

    attribute.__class__ = ReadThrough


def add_table(metadata: MetaData, table: Table) -> None:
    """Put a table that is complete, and its schema, into a MetaData.

    The constructor of a Table and ``to_metadata()`` put it there before it has its columns, by the
    same step (``MetaData._add_table`` in ``sql/schema.py``).  It may go when a Table is added as
    its last step.
    """
    metadata._add_table(table.name, table.schema, table)


def forget_options(table: Table) -> None:
    """Give back the memory of the options of a reflected table that has none.

    ``Inspector.reflect_table()`` in ``engine/reflection.py`` looks at them, which makes the dict
    that is memoized in ``DialectKWArgs.dialect_options`` (``sql/base.py``); it is made anew when
    it is needed.  It may go when looking makes none.
    """
    if not table.dialect_kwargs:
        vars(table).pop("dialect_options", None)


def forward_column(metadata: MetaData, inspector: Any, table: Table, column: Any) -> None:
    """Have the listeners to ``column_reflect`` of a MetaData hear of a column.

    It is reflected into another MetaData.  ``Inspector._reflect_column`` in
    ``engine/reflection.py`` calls ``dispatch`` so.  It may go with ``add_table()``, which makes the
    other MetaData necessary.
    """
    dispatch: Any = metadata.dispatch
    dispatch.column_reflect(inspector, table, column)


def forget_target(key: ForeignKey) -> Column[Any] | None:
    """Have a foreign key look for its column again; return the one that it had found, if any.

    ``ForeignKey.column`` is memoized in ``sql/schema.py`` and leads to a Table that may have been
    removed from its MetaData since.  It may go when removing a table makes the keys to it look
    again.
    """
    found: Column[Any] | None = vars(key).pop("column", None)
    return found


def set_target(key: ForeignKey, column: Column[Any]) -> None:
    """Have a foreign key refer to a column without looking for it; see ``forget_target()``."""
    vars(key)["column"] = column


def kept_by(inspector: Inspector) -> dict[Any, Any]:
    """Return what is kept for as long as an Inspector keeps the answers that it was given.

    ``Inspector.info_cache`` in ``engine/reflection.py`` is what ``clear_cache()`` empties.  It may
    go when an Inspector has an ``info`` that is emptied with it.
    """
    kept: dict[Any, Any] = inspector.info_cache.setdefault("sqlsoup", {})
    return kept


def silence_of(connection: Connection) -> dict[str, bool]:
    """Return the execution option by which listeners of a connection hear of no more errors.

    Reflecting on MySQL and MariaDB leaves it behind (``_show_create_table`` and others in
    ``dialects/mysql/base.py``).  Where SQLAlchemy has no option of this name, nothing changes.  It
    may go when reflecting leaves the options of a connection as they were.
    """
    name = "skip_user_error_events"
    return {name: bool(connection.get_execution_options().get(name, False))}


def collection(columns: list[tuple[str, Any]]) -> ReadOnlyColumnCollection[str, Any]:
    """Return a collection of columns by other names than their own, like ``Table.c``.

    On 2.0 a ``ColumnCollection`` can be made by hand; on 2.1 only a subclass of it, which is not
    documented (``WriteableColumnCollection`` in ``sql/base.py``).  It may go when that is.
    """
    kind: Any = getattr(expression, "WriteableColumnCollection", expression.ColumnCollection)
    made: ReadOnlyColumnCollection[str, Any] = kind(columns).as_readonly()
    return made


STATE = "_sa_instance_state"
"""What ``vars(row)`` has beside values, for those who make a row of another so.

It is ``DEFAULT_STATE_ATTR`` in ``orm/base.py``, and may go when a row keeps its state elsewhere.
"""


def is_plain(statement: object) -> bool:
    """Tell if a SELECT is so plain that a glance shows tables of one MetaData alone.

    What ``get()``, ``filter_by()`` and a relationship ask for is: columns compared with values.  To
    visit such a statement by ``visitors.iterate()`` takes ten times as long, a tenth of what
    executing it takes.  What a Select was given stands in its ``__dict__`` as tuples, lists and
    clauses (``sql/selectable.py``).  It may go when SQLAlchemy visits statements faster.
    """
    if type(statement) is not Select:
        return False
    metadata = None
    pending: list[Any] = []
    for name, value in statement.__dict__.items():
        if value.__class__ is tuple or value.__class__ is list:
            pending += value
        elif isinstance(value, ClauseElement) and name != "_is_clone_of":
            pending.append(value)
    for element in pending:
        source = element
        if isinstance(element, BinaryExpression):
            pending.append(element.left)
            pending.append(element.right)
            continue
        if isinstance(element, BindParameter):
            continue
        if isinstance(element, ColumnClause):
            source = element.table
        if not isinstance(source, Table) or source.metadata is not (metadata or source.metadata):
            return False
        metadata = source.metadata
    return True
