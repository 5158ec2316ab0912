"""Ctrl-C while a driver works in C, where Python looks at no signal before the statement ends."""

from __future__ import annotations

from contextlib import suppress
from select import select
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from sqlalchemy import Engine, ExceptionContext

_OFTEN = 100_000
"""After how many instructions of its virtual machine SQLite calls Python: a few milliseconds."""


def enable(engine: Engine) -> None:
    """Have Ctrl-C end what a connection of an engine does.

    A SQLite database in memory is left alone, as it would be gone with its connection.
    """
    driver = engine.dialect.driver
    if driver == "psycopg2":
        _callback(engine, _wait)
    elif driver == "pysqlite" and (engine.url.database or ":memory:") != ":memory:":
        event.listen(engine, "connect", _look_at_signals)
        event.listen(engine, "handle_error", _interrupted)


def disable(engine: Engine) -> None:
    """Undo what is for all connections of a process."""
    if engine.dialect.driver == "psycopg2":
        _callback(engine, None)


def _callback(engine: Engine, function: Any) -> None:
    driver: Any = engine.dialect.dbapi
    driver.extensions.set_wait_callback(function)


def _wait(connection: Any) -> None:
    """Wait for PostgreSQL in place of libpq, which has a time-out for connecting alone."""
    patience = None
    if connection.status == 0:  # it is yet to be made
        patience = int(connection.get_dsn_parameters().get("connect_timeout", 0)) or None
    try:
        while state := connection.poll():
            reads = state == 1  # POLL_READ
            to_read, to_write = ([connection], []) if reads else ([], [connection])
            if not any(select(to_read, to_write, [], patience)):
                raise TimeoutError("timeout expired")
    except KeyboardInterrupt:
        with suppress(Exception):  # it is lost, or there is none yet
            connection.cancel()
        raise


def _look_at_signals(connection: Any, _: object) -> None:
    connection.set_progress_handler(_nothing, _OFTEN)


def _nothing() -> None:
    """Let Python raise KeyboardInterrupt, at which SQLite gives up."""


def _interrupted(context: ExceptionContext) -> None:
    """Raise what SQLite reports, and have a rollback be asked for, as SQLite has done one."""
    connection = context.connection
    if connection is not None and str(context.original_exception) == "interrupted":
        connection.invalidate()
        raise KeyboardInterrupt
