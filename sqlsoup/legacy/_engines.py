"""Engines and connections: statements of strings, executed and committed at once."""

from __future__ import annotations

import re
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, Engine, Select, TextClause, inspect
from sqlalchemy.engine import Compiled, NestedTransaction, RootTransaction
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.engine.util import TransactionalContext
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.schema import DefaultGenerator, ExecutableDDLElement
from sqlalchemy.sql.expression import UpdateBase

from sqlsoup.legacy import _threads
from sqlsoup.legacy._frames import asking, is_internal, is_new_to, module_of
from sqlsoup.legacy._notes import Site, note, withdraw
from sqlsoup.legacy._patch import method, missing, plan, replace, replaced
from sqlsoup.legacy._rows import ONCE, ClosingResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WRITES = r"\s*(?:UPDATE|INSERT|CREATE|DELETE|DROP|ALTER{})"
_WRITES_OF = {
    "postgresql": "|GRANT|REVOKE|IMPORT FOREIGN SCHEMA|REFRESH MATERIALIZED VIEW|TRUNCATE",
    "mysql": "|LOAD +DATA|REPLACE",
    "mariadb": "|LOAD +DATA|REPLACE",
}
"""What SQLAlchemy 1.3 took for a statement to commit, found by asking its dialects."""

_INACTIVE = "This transaction is inactive"

_begun: weakref.WeakSet[RootTransaction] = weakref.WeakSet()
"""Transactions that a program, an engine or a session began; the others began by themselves."""

_spoiled: weakref.WeakSet[RootTransaction] = weakref.WeakSet()
"""Transactions that one within them rolled back."""


def distilled(args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Return the parameters of a call with any number of them, as 2.x takes them."""
    if not args:
        return params or None
    first = args[0]
    if len(args) == 1:
        if first is None or isinstance(first, dict):
            return first
        if not isinstance(first, list | tuple):
            return (first,)
        many = not first or isinstance(first[0], list | tuple | dict)
        return [_one(each) for each in first] or None if many else tuple(first)
    return [_one(each) for each in args] if isinstance(first, list | tuple | dict) else args


def _one(params: Any) -> Any:
    return tuple(params) if isinstance(params, list) else params


def commits(statement: Any, connection: Connection) -> bool:
    """Tell if SQLAlchemy 1.3 would have committed after a statement outside a transaction."""
    options = {} if isinstance(statement, str) else dict(statement.get_execution_options())
    options.update(connection.get_execution_options())
    if isinstance(connection, _Asking):
        options["autocommit"] = connection.asked
    if "autocommit" in options:
        if options["autocommit"]:
            note("autocommit-option")
        return bool(options["autocommit"])
    if isinstance(statement, UpdateBase | ExecutableDDLElement):
        return True
    if isinstance(statement, TextClause):
        statement = statement.text
    if not isinstance(statement, str):
        return False
    pattern = _WRITES.format(_WRITES_OF.get(connection.dialect.name, ""))
    return re.match(pattern, statement, re.IGNORECASE) is not None


def run(
    execute: Callable[..., Any],
    connection: Connection,
    statement: Any,
    args: tuple[Any, ...],
    params: dict[str, Any],
) -> tuple[Any, bool]:
    """Execute a statement; return the result, and whether that was committed at once."""
    options = params.pop("execution_options", None)
    values = distilled(args, params)
    _reconnect(connection)
    if isinstance(statement, str):
        values = (None,) if args == (None,) else values
        result: Any = connection.exec_driver_sql(statement, values, execution_options=options)
    elif isinstance(statement, DefaultGenerator):
        note("statement-execute", old="execute() of a sequence", instead="connection.scalar(...)")
        result = connection.scalar(statement)
    else:
        if isinstance(statement, Compiled):
            note(
                "statement-string",
                old="a compiled statement, executed",
                instead="the statement that was compiled",
            )
            statement = statement.statement
        result = execute(connection, statement, values, execution_options=options)
    transaction = connection.get_transaction()
    if transaction is None or transaction in _begun or not commits(statement, connection):
        return result, False
    if _is_open(result):
        result.cursor_strategy = FullyBufferedCursorFetchStrategy(result.cursor)
    transaction.commit()
    return result, True


def _is_open(result: Any) -> bool:
    """Tell if there are rows to be read."""
    return getattr(result, "returns_rows", False) and not result._soft_closed


def _reconnect(connection: Connection) -> None:
    """End what began by itself on a connection that is lost since."""
    transaction = connection.get_transaction()
    if transaction is not None and transaction not in _begun and connection.invalidated:
        transaction.rollback()


def _committed(connection: Connection) -> list[Site]:
    """Return where statements committed by themselves, while no commit() follows."""
    sites: list[Site] = vars(connection).setdefault("_sqlsoup_committed", [])
    return sites


@replaced(Connection, "execute")
def _execute(before: Callable[..., Any]) -> Callable[..., Any]:
    def execute(connection: Any, /, *args: Any, **kw: Any) -> Any:
        if (
            len(args) == 1
            and not kw
            and type(args[0]) is Select
            and not args[0]._execution_options
            and type(connection) is Connection
            and not connection._execution_options
            and not connection.invalidated
        ):
            return before(connection, args[0])  # nothing old, and nothing to commit
        return _execute_any(before, connection, *args, **kw)

    return execute


def _execute_any(
    before: Callable[..., Any], connection: Connection, /, *args: Any, **kw: Any
) -> Any:
    if not args:
        args = (kw.pop("statement"),)
    statement, *rest = args
    if isinstance(statement, str):
        note("statement-string", instead=_instead_of_string("connection", rest, kw))
    elif isinstance(kw.get("parameters"), dict | list):
        rest = [kw.pop("parameters")]
    elif len(rest) > 1 or kw.keys() - {"execution_options", "parameters"}:
        note("statement-params")
    result, committed = run(before, connection, statement, tuple(rest), kw)
    if committed:
        _committed(connection).extend(filter(None, [note("autocommit", warn=False)]))
    return result


def _instead_of_string(connection: str, args: Any, params: Any) -> str:
    """Tell what to write for a string that is executed with such parameters."""
    if not args and not params.keys() - {"execution_options"}:
        return f"{connection}.execute(text('...')), or db.execute('...')"
    first = args[0] if args else None
    if isinstance(first, dict) or not args:
        given = "{...}"
    elif len(args) == 1 and isinstance(first, list | tuple):
        many = bool(first) and isinstance(first[0], list | tuple | dict)
        given = "[(...), ...]" if many else "(...)"
    else:
        given = "(...,)"
    return f"{connection}.exec_driver_sql('...', {given}), or db.execute('... :name', name=...)"


@method(Connection, "scalar")
def _scalar(before: Callable[..., Any], connection: Connection, /, *args: Any, **kw: Any) -> Any:
    if args and isinstance(args[0], DefaultGenerator):
        return before(connection, *args, **kw)
    return connection.execute(*args, **kw).scalar()


@method(Connection, "commit")
def _commit(before: Callable[..., Any], connection: Connection) -> None:
    before(connection)
    withdraw(_committed(connection))
    _committed(connection).clear()


@method(Connection, "close")
def _close(before: Callable[..., Any], connection: Connection) -> None:
    if connection.get_transaction() not in _begun:  # which is left to the pool, as it was
        connection._transaction = None
    before(connection)
    for site in _committed(connection):
        site.warn()
    _committed(connection).clear()


@method(Connection, "in_transaction")
def _in_transaction(before: Callable[..., Any], connection: Connection) -> bool:
    if not before(connection) or is_new_to(asking(2)) or is_begun(connection):
        return bool(before(connection))
    if not is_internal():
        note("in-transaction")
    return False


def is_begun(connection: Connection) -> bool:
    """Tell if a connection is in a transaction that did not begin by itself."""
    return connection.get_transaction() in _begun


class _Asking(Connection):
    """A connection that says itself whether a statement commits, and is another one otherwise."""

    __slots__ = ("asked",)

    def __init__(self, connection: Connection, asked: Any) -> None:
        self.__dict__ = connection.__dict__
        self.asked = asked


@method(Connection, "execution_options")
def _execution_options(
    before: Callable[..., Any], connection: Connection, /, **options: Any
) -> Connection:
    if "autocommit" not in options:
        return before(connection, **options)  # type: ignore[no-any-return]
    asked = options.pop("autocommit")
    return _Asking(before(connection, **options), asked)


class Branch(Connection):
    """A connection that is another one, but for close()."""

    def __init__(self, connection: Connection) -> None:
        self.__dict__ = connection.__dict__

    def close(self) -> None:
        """Leave the connection open."""


class _Joined(Branch):
    """The connection of the thread for what asks its engine for one."""

    def in_transaction(self) -> bool:
        """Tell a session that there is none, so that it begins one within: it would end this."""
        return module_of(asking()) != "sqlalchemy.orm.session"


class SubTransaction:
    """What begin() gave within a transaction: a commit() of it leaves that open."""

    def __init__(self, parent: RootTransaction | NestedTransaction) -> None:
        self._parent = parent
        self.connection = parent.connection
        self.is_active = True

    def commit(self) -> None:
        """Leave the decision to the whole transaction."""
        if not self._parent.is_active:
            raise InvalidRequestError(_INACTIVE)
        self.is_active = False

    def rollback(self) -> None:
        """Roll the whole transaction back, or the savepoint that this is in."""
        if self._parent.is_active:
            if isinstance(self._parent, RootTransaction):
                _spoiled.add(self._parent)
            self._parent.rollback()
        self.is_active = False

    def close(self) -> None:
        """Do nothing: it is the whole transaction that is closed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if error is None and self.is_active:
            self.commit()
        else:
            self.rollback()


@method(RootTransaction, "rollback")
def _rollback(before: Callable[..., Any], transaction: RootTransaction) -> None:
    if transaction.is_active or transaction.connection.get_transaction() is transaction:
        before(transaction)


@plan
def _open_blocks() -> None:
    before = TransactionalContext._trans_ctx_check

    def check(_cls: type, subject: Any) -> None:
        try:
            before(subject)
        except InvalidRequestError:
            if not isinstance(subject, Connection):  # which went on to work after its end
                raise
            note("closed-block")

    replace(TransactionalContext, "_trans_ctx_check", classmethod(check))


@method(Connection, "begin")
def _begin(before: Callable[..., Any], connection: Connection) -> Any:
    if asking(2).f_code.co_name == "_autobegin":
        return before(connection)
    return _begin_on(connection, is_asked=not is_internal())


def _begin_on(connection: Connection, *, is_asked: bool = False) -> Any:
    """Begin a transaction, or one within it."""
    _reconnect(connection)
    transaction = connection.get_transaction()
    if transaction is None or not transaction.is_active:
        transaction = Connection.begin.__wrapped__(connection)  # type: ignore[attr-defined]
    elif transaction in _begun:
        if is_asked:
            note("nested-begin")
        savepoint = connection.get_nested_transaction()
        return SubTransaction(savepoint if savepoint and savepoint.is_active else transaction)
    elif is_asked:
        note("begin-late")
    _begun.add(transaction)
    return transaction


@method(Connection, "begin_twophase")
def _begin_twophase(before: Callable[..., Any], connection: Connection, xid: Any = None) -> Any:
    transaction = connection.get_transaction()
    if transaction is not None and transaction not in _begun:
        note("begin-late")
        transaction.commit()
    transaction = before(connection, xid)
    _begun.add(transaction)
    return transaction


@method(Connection, "begin_nested")
def _begin_nested(before: Callable[..., Any], connection: Connection) -> Any:
    if is_begun(connection):
        return before(connection)
    if not is_internal():
        note("nested-outside")
    return _begin_on(connection)


@method(Engine, "begin")
def _engine_begin(before: Callable[..., Any], engine: Engine, **kw: Any) -> Any:
    if is_internal():
        return before(engine)
    if kw:
        note("engine-argument", old="begin(close_with_result=) of an engine")
    return _threads.begin(engine) if _threads.is_shared(engine) else _checked(before(engine))


@contextmanager
def _checked(block: Any) -> Iterator[Connection]:
    """Refuse to end a block whose transaction one within it rolled back, as if all were well."""
    with block as connection:
        transaction = connection.get_transaction()
        yield connection
        if transaction in _spoiled:
            raise InvalidRequestError(_INACTIVE)


@method(Engine, "connect")
def _engine_connect(before: Callable[..., Any], engine: Engine, **kw: Any) -> Any:
    if kw:
        note("engine-argument", old="connect(close_with_result=) of an engine")
    shared = _threads.connection_of(engine)
    return before(engine) if shared is None or not is_internal() else _Joined(shared)


@missing(Engine, "execute")
def _engine_execute(engine: Engine, statement: Any, /, *args: Any, **params: Any) -> Any:
    if isinstance(statement, str) and (args or params):
        call = _instead_of_string("connection", args, params)
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
    if _is_open(result):
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
