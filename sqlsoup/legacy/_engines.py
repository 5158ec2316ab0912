"""Engines that execute, and tell what is in the database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import InvalidRequestError

from sqlsoup.legacy import _threads
from sqlsoup.legacy._closing import ONCE, ClosingResult
from sqlsoup.legacy._connection_begin import INACTIVE, SPOILED, Branch, Joined
from sqlsoup.legacy._connections import MADE, instead_of_string, is_open, run
from sqlsoup.legacy._frames import asking, at_work, is_ours
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import missing, replaced
from sqlsoup.legacy._shared import POOL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@replaced(Engine, "begin")
def _engine_begin(before: Callable[..., Any]) -> Callable[..., Any]:
    def begin(engine: Engine, **kw: Any) -> Any:
        if kw:
            note("engine-argument", old="begin(close_with_result=) of an engine")
        if _threads.KEY not in vars(engine):
            return _block(engine)
        return before(engine) if is_ours(asking()) else _threads.begin(engine)

    return begin


@contextmanager
def _block(engine: Engine) -> Iterator[Connection]:
    """Do as SQLAlchemy does, but do not end as if all were well after a rollback within."""
    with engine.connect() as connection:
        with connection.begin() as transaction:
            yield connection
        if vars(connection).get(SPOILED) is transaction:
            raise InvalidRequestError(INACTIVE)


@replaced(Engine, "connect")
def _engine_connect(before: Callable[..., Any]) -> Callable[..., Any]:
    def connect(engine: Engine, **kw: Any) -> Any:
        if kw:
            note("engine-argument", old="connect(close_with_result=) of an engine")
        if _threads.KEY not in vars(engine):
            is_shared = POOL in vars(engine) and is_ours(asking())
            connection = before(engine) if not is_shared else _shared(engine)
            frame = at_work().f_back
            if frame is not None:  # as at the bottom of a greenlet
                vars(connection)[MADE] = frame.f_code, frame.f_lasti, frame.f_globals
            return connection
        shared = _threads.connection_of(engine)
        return before(engine) if shared is None or not is_ours(asking()) else Joined(shared)

    return connect


def _shared(engine: Engine) -> Connection:
    return Connection(engine, _threads.checked_out(engine, engine.pool))


@missing(Engine, "execute")
def _engine_execute(engine: Engine, statement: Any, /, *args: Any, **params: Any) -> Any:
    if isinstance(statement, str) and (args or params):
        call = instead_of_string("connection", args, params)
        note("engine-execute", instead=f"in `with engine.begin() as connection`: {call}")
    else:
        note("engine-execute")
    return execute_once(engine, statement, *args, **params)


def execute_once(engine: Engine, statement: Any, /, *args: Any, **params: Any) -> Any:
    """Execute a statement on a connection that is given back when its rows are read."""
    execute = Connection.execute.__wrapped__  # type: ignore[attr-defined]
    connection = _threads.connection_of(engine)
    if connection is not None:
        return _marked(run(execute, connection, statement, args, params)[0])
    connection = engine.connect()
    try:
        result, _ = run(execute, connection, statement, args, params)
        _marked(result)
    except BaseException:
        connection.close()
        raise
    if is_open(result):
        return ClosingResult(result, connection.close)
    connection.close()
    return result


def _marked(result: Any) -> Any:
    """Mark the result of an old form, as new ones give what is the same but for its looks."""
    if getattr(result, "context", None) is not None:
        vars(result.context)[ONCE] = True
    return result


@missing(Engine, "scalar")
def _engine_scalar(engine: Engine, statement: Any, /, *args: Any, **params: Any) -> Any:
    note("engine-execute")
    return execute_once(engine, statement, *args, **params).scalar()


@missing(Engine, "table_names")
def _table_names(engine: Engine, schema: str | None = None, connection: Any = None) -> list[str]:
    note("engine-tables")
    return inspect(connection or engine).get_table_names(schema)


@missing(Engine, "has_table")
def _has_table(engine: Engine, table_name: str, schema: str | None = None) -> bool:
    note("engine-tables")
    return inspect(engine).has_table(table_name, schema)


@missing(Engine, "create")
def _create(engine: Engine, entity: Any, **kw: Any) -> None:
    note("engine-create")
    (entity.create if hasattr(entity, "create") else entity.create_all)(engine, **kw)


@missing(Engine, "drop")
def _drop(engine: Engine, entity: Any, **kw: Any) -> None:
    note("engine-create")
    (entity.drop if hasattr(entity, "drop") else entity.drop_all)(engine, **kw)


@missing(Engine, "contextual_connect")
def _contextual_connect(engine: Engine, **_kw: Any) -> Connection:
    note("engine-connect")
    return engine.connect()


@missing(Engine, "run_callable")
def _run_on_engine(engine: Engine, function: Callable[..., Any], /, *args: Any, **kw: Any) -> Any:
    note("run-callable")
    with engine.connect() as connection:
        return function(connection, *args, **kw)


@missing(Engine, "transaction")
def _transaction(engine: Engine, function: Callable[..., Any], /, *args: Any, **kw: Any) -> Any:
    note("run-callable")
    with engine.begin() as connection:
        return function(connection, *args, **kw)


@missing(Connection, "run_callable")
def _run_callable(
    connection: Connection, function: Callable[..., Any], /, *args: Any, **kw: Any
) -> Any:
    note("run-callable")
    return function(connection, *args, **kw)


@missing(Connection, "transaction")
def _connection_transaction(
    connection: Connection, function: Callable[..., Any], /, *args: Any, **kw: Any
) -> Any:
    note("run-callable")
    with connection.begin():
        return function(connection, *args, **kw)


@missing(Connection, "connect")
@missing(Connection, "contextual_connect")
def _connect(connection: Connection, **_kw: Any) -> Branch:
    note("connection-connect")
    return Branch(connection)
