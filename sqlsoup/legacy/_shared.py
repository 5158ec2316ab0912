"""Connections of a thread that are one: to a database in memory, or by ``pool_threadlocal=True``.

SQLAlchemy 1.3 left it as it was where one of them was closed that had only read, and SQLAlchemy 2
rolls back what another has stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlsoup.legacy._notes import note

if TYPE_CHECKING:
    from sqlalchemy import Connection


COUNTER = "_counter"
"""What a connection of the driver has: how many of SQLAlchemy's it is that of."""


POOL = "_sqlsoup_pool"
"""What an engine or pool has of which a thread gets the connection that it has already."""


def leave_to_others(connection: Connection, *, is_noted: bool = True) -> None:
    """Have the close of a connection leave what others have stored in the same one."""
    shared: Any = connection._dbapi_connection
    is_changed = getattr(shared.driver_connection, "in_transaction", True)  # which SQLite knows
    if connection._transaction is not None and is_changed:
        if is_noted and POOL not in vars(connection.engine):
            note("connection-shared")
        connection._transaction.is_active = False


def has_stored(transaction: Any) -> bool:
    """Tell if a session has stored rows in its transaction."""
    return bool(transaction._new or transaction._dirty or transaction._deleted)
