"""ConnectionProxy, by the events of an engine that took its place."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from sqlsoup.legacy._connections import given_then, is_begun
from sqlsoup.legacy._frames import is_within_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

_OF_TRANSACTIONS = (
    "begin", "rollback", "commit", "savepoint", "rollback_savepoint", "release_savepoint",
    "begin_twophase", "prepare_twophase", "rollback_twophase", "commit_twophase",
)  # fmt: skip


class ConnectionProxy:
    """Base class of what hears of all that connections do, with hooks that do nothing more."""

    def execute(
        self, _conn: Any, execute: Any, clauseelement: Any, *multiparams: Any, **params: Any
    ) -> Any:
        """Hear of a statement that is about to be executed."""
        return execute(clauseelement, *multiparams, **params)

    def cursor_execute(
        self, execute: Any, cursor: Any, statement: Any, parameters: Any, context: Any, _many: Any
    ) -> Any:
        """Hear of what the driver is about to be given."""
        return execute(cursor, statement, parameters, context)


def _pass_on(_proxy: object, _conn: object, done: Callable[..., None], *args: Any) -> None:
    done(*args)


for _name in _OF_TRANSACTIONS:
    setattr(ConnectionProxy, _name, _pass_on)


def listen(engine: Engine, proxy: Any) -> None:
    """Have the hooks of a ConnectionProxy called.  What they return changes nothing, as in 1.3."""

    def execute(
        conn: Connection, clauseelement: Any, multiparams: Any, params: Any, _options: Any
    ) -> None:
        given, by_name = given_then(conn, clauseelement, multiparams, params)
        proxy.execute(conn, _done, clauseelement, *given, **by_name)

    def cursor_execute(
        _conn: Connection, cursor: Any, statement: Any, parameters: Any, context: Any, many: Any
    ) -> None:
        proxy.cursor_execute(_done, cursor, statement, parameters, context, many)

    def begin(conn: Connection) -> None:
        if not is_within_call("_autobegin"):
            proxy.begin(conn, _done)

    def rollback(conn: Connection) -> None:
        if is_begun(conn):  # else it is the end of what began by itself
            proxy.rollback(conn, _done)

    event.listen(engine, "before_execute", execute)
    event.listen(engine, "before_cursor_execute", cursor_execute)
    event.listen(engine, "begin", begin)
    event.listen(engine, "rollback", rollback)
    for name in _OF_TRANSACTIONS[2:]:
        event.listen(engine, name, partial(_told, getattr(proxy, name)))


def _told(hook: Callable[..., Any], conn: Connection, *args: Any) -> None:
    hook(conn, _done, *args)


def _done(*args: Any, **_kw: Any) -> Any:
    """Stand for what is done when the hook has returned."""
    return args
