"""What each thread has of its own: a connection of an engine or pool, the engine of a MetaData."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import URL, Connection, Engine, MetaData
from sqlalchemy.pool import Pool
from sqlalchemy.pool.base import _ConnectionFairy

from sqlsoup.legacy._patch import missing
from sqlsoup.legacy._shared import POOL


class _State(threading.local):
    """The connection of a thread while it is in a transaction, and what was begun on it."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.transactions: list[Any] = []


KEY = "_sqlsoup_thread"
"""What an engine has whose threads share a connection with themselves."""


def share(engine: Engine) -> None:
    """Have the threads of an engine share a connection with themselves."""
    vars(engine)[KEY] = _State()


def connection_of(engine: Engine) -> Connection | None:
    """Return the connection on which the thread is in a transaction, or None."""
    state: _State | None = vars(engine).get(KEY)
    return None if state is None else state.connection


def begin(engine: Engine, kind: str = "begin") -> Any:
    """Begin a transaction of the thread, or one within it."""
    state = _state_of(engine, kind)
    if state.connection is None:
        state.connection = engine.connect()
    state.transactions.append(getattr(state.connection, kind)())
    return _Block(engine)


@missing(Engine, "begin_nested", property)
def _begin_nested(engine: Engine) -> Any:
    _state_of(engine, "begin_nested")
    return partial(begin, engine, "begin_nested")


class _Block:
    def __init__(self, engine: Any) -> None:
        self.engine = engine

    def __enter__(self) -> Any:
        return self.engine

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self.commit() if error is None else self.rollback()

    def commit(self) -> None:
        self.engine.commit()

    def rollback(self) -> None:
        self.engine.rollback()


def _state_of(engine: Engine, name: str) -> _State:
    """Return what a thread has, for a method that other engines are not even said to have."""
    state: _State | None = vars(engine).get(KEY)
    if state is None:
        raise AttributeError(f"'Engine' object has no attribute {name!r}")
    return state


def _end(state: _State, name: str) -> None:
    if not state.transactions:
        return
    transaction = state.transactions.pop()
    try:
        getattr(transaction, name)()
    finally:
        if not state.transactions:
            _give_back(state)


def _give_back(state: _State) -> None:
    connection, state.connection = state.connection, None
    state.transactions.clear()
    if connection is not None:
        connection.close()


@missing(Engine, "commit", property)
def _commit(engine: Engine) -> Any:
    return partial(_end, _state_of(engine, "commit"), "commit")


@missing(Engine, "rollback", property)
def _rollback(engine: Engine) -> Any:
    return partial(_end, _state_of(engine, "rollback"), "rollback")


@missing(Engine, "close", property)
def _close(engine: Engine) -> Any:
    return partial(_give_back, _state_of(engine, "close"))


def share_pool(owner: Any) -> None:
    """Have a thread get the connection that it has, of a pool or by an engine's own methods."""
    vars(owner)[POOL] = threading.local()
    if isinstance(owner, Pool):
        vars(owner)["connect"] = partial(checked_out, owner, owner)


def checked_out(owner: Any, pool: Pool) -> Any:
    """Return the connection of a pool that the thread has, or another one."""
    own = vars(owner)[POOL]
    found = getattr(own, "current", lambda: None)()
    is_used = found is not None and found.is_valid and not found.is_detached
    return _ConnectionFairy._checkout(pool, own, found if is_used else None)


class ThreadLocalMetaData(MetaData):
    """A MetaData with an engine for each thread."""

    def __init__(self) -> None:
        self._own = threading.local()
        super().__init__()

    @property
    def bind(self) -> Any:
        """The engine of this thread, or None."""
        return getattr(self._own, "bind", None)

    @bind.setter
    def bind(self, bind: Any) -> None:
        self._own.bind = sa.create_engine(bind) if isinstance(bind, str | URL) else bind

    def dispose(self) -> None:
        """Dispose of the engine of this thread."""
        if self.bind is not None:
            self.bind.dispose()
