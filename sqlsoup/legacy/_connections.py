"""Connections: strings as statements, parameters one by one, and what commits by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import NoneType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Delete, Insert, Select, TextClause, Update
from sqlalchemy.engine import Compiled, Row
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.schema import DefaultGenerator, ExecutableDDLElement
from sqlalchemy.sql.annotation import Annotated
from sqlalchemy.sql.expression import (
    CompoundSelect,
    ReleaseSavepointClause,
    RollbackToSavepointClause,
    SavepointClause,
    UpdateBase,
)

from sqlsoup.legacy._frames import ends, has_driver, is_ended_by
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import method, replaced

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType


_WRITES = r"\s*(?:UPDATE|INSERT|CREATE|DELETE|DROP|ALTER{})"


_WRITES_OF = {
    "postgresql": "|GRANT|REVOKE|IMPORT FOREIGN SCHEMA|REFRESH MATERIALIZED VIEW|TRUNCATE",
    "mysql": "|LOAD +DATA|REPLACE",
    "mariadb": "|LOAD +DATA|REPLACE",
}
"""What SQLAlchemy 1.3 took for a statement to commit, found by asking its dialects."""


BEGUN = "_sqlsoup_begun"
"""What a connection has whose transaction a program, an engine or a session began, or the program
ends; others began by themselves.  It is kept until the next begins."""


BY_PROGRAM = "by the program"
"""The value of that where the program says commit() or rollback()."""


MADE = "_sqlsoup_made"
"""What a connection has that was made by connect() of an engine: the instruction that called it,
and the names that are global there."""


def _named(row: Row[Any]) -> dict[str, Any]:
    return dict(row._mapping)


def distilled(
    args: tuple[Any, ...], params: dict[str, Any], of_row: Callable[[Any], Any] = _named
) -> Any:
    """Return the parameters of a call with any number of them, as 2.x takes them.

    :param of_row: what makes the parameters that a row stands for.
    """
    if not args:
        return params or None
    first = args[0]
    is_one = len(args) == 1
    if is_one and isinstance(first, list | tuple):
        if not first:
            return None
        args, first, is_one = tuple(first), first[0], False
    if isinstance(first, Row):
        note("statement-params", old="rows as parameters", instead="dict(row._mapping)")
    if is_one and (first is None or isinstance(first, Mapping | Row)):
        return _one(first, of_row)
    return [_one(each, of_row) for each in args] if isinstance(first, _SEVERAL) else args


_SEVERAL = (list, tuple, Row, Mapping)
"""What stands for all parameters of a statement, and not for one."""


def _one(params: Any, of_row: Callable[[Any], Any]) -> Any:
    if isinstance(params, Row):
        return of_row(params)
    return tuple(params) if isinstance(params, list) else params


GIVEN = "_sqlsoup_given"
"""What a connection has while it executes a statement with parameters that 2.x does not take."""


def given_then(connection: Connection, statement: Any, multiparams: Any, params: Any) -> Any:
    """Return the parameters of a call as listeners got them, from what they get on 2.x."""
    if isinstance(statement, str):  # of which they are told with those of the call
        return multiparams, params
    if GIVEN in vars(connection):
        return vars(connection)[GIVEN]
    return (([*multiparams],) if multiparams else (params,) if params else ()), {}


def commits(statement: Any, connection: Connection, result: Any) -> bool:
    """Tell if SQLAlchemy 1.3 would have committed after a statement outside a transaction."""
    options = {} if isinstance(statement, str) else dict(statement.get_execution_options())
    options.update(connection.get_execution_options())
    if isinstance(connection, _Asking):
        options["autocommit"] = connection.asked
    if "autocommit" in options:
        if options["autocommit"]:
            note("autocommit-option")
        return bool(options["autocommit"])
    if isinstance(statement, UpdateBase | ExecutableDDLElement) or _changes_within(result):
        return True
    if isinstance(statement, TextClause):
        statement = statement.text
    return isinstance(statement, str) and _writes(statement, connection.dialect.name)


def _changes_within(result: Any) -> bool:
    """Tell if what was executed has an INSERT, UPDATE or DELETE as a common table expression."""
    compiled = getattr(getattr(result, "context", None), "compiled", None)
    found = getattr(compiled, "ctes", None) or ()
    return any(isinstance(cte.element, UpdateBase) for cte in found)


@lru_cache(1000)
def _writes(statement: str, dialect: str) -> bool:
    pattern = _WRITES.format(_WRITES_OF.get(dialect, ""))
    return re.match(pattern, statement, re.IGNORECASE) is not None


def run(
    execute: Callable[..., Any],
    connection: Connection,
    statement: Any,
    args: tuple[Any, ...],
    params: dict[str, Any],
) -> tuple[Any, bool]:
    """Execute a statement; return the result, and whether that was committed at once."""
    result: Any
    options = params.pop("execution_options", None)
    reconnect(connection)
    is_idle = connection._transaction is None
    if is_idle and (isinstance(statement, str) or is_made_by_old_form(connection)):
        begin_unheard(connection)
    if isinstance(statement, str):
        result = _execute_string(connection, statement, args, params, options)
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
        result = _execute_with(execute, connection, statement, args, params, options)
    return _ended(connection, statement, result)


def _ended(connection: Connection, statement: Any, result: Any) -> tuple[Any, bool]:
    """Commit what commits by itself; return the result, and whether that was done."""
    transaction = connection._transaction
    if transaction is None or is_begun(connection) or not commits(statement, connection, result):
        return result, False
    if not isinstance(statement, str) and _is_ended_by_program(statement, connection):
        vars(connection)[BEGUN] = BY_PROGRAM
        return result, False
    if is_open(result) and not isinstance(result.cursor_strategy, FullyBufferedCursorFetchStrategy):
        result.cursor_strategy = FullyBufferedCursorFetchStrategy(result.cursor)
    transaction.commit()
    return result, True


UNHEARD = None
"""The value of BEGUN for what an old form has begun by itself, of which 1.3 told no listener."""

_NO_LISTENERS: Any = SimpleNamespace(begin=lambda _connection: None)


def begin_unheard(connection: Connection) -> None:
    """Begin what an old form does by itself."""
    if connection._dbapi_connection is not None:
        own: Any = connection
        dispatch, own.dispatch = own.dispatch, _NO_LISTENERS
        try:
            own._autobegin()
        finally:
            own.dispatch = dispatch
        vars(connection)[BEGUN] = UNHEARD


def _execute_with(
    execute: Callable[..., Any],
    connection: Connection,
    statement: Any,
    args: tuple[Any, ...],
    params: dict[str, Any],
    options: Any,
) -> Any:
    """Execute a statement, of whose parameters by name or one by one listeners are told as such."""
    values = distilled(args, params)
    if not params and len(args) <= 1:
        return execute(connection, statement, values, execution_options=options)
    vars(connection)[GIVEN] = args, params
    try:
        return execute(connection, statement, values, execution_options=options)
    finally:
        del vars(connection)[GIVEN]


def _execute_string(
    connection: Connection,
    statement: str,
    args: tuple[Any, ...],
    params: dict[str, Any],
    options: Any,
) -> Any:
    """Execute a string, of which listeners to all statements are told, as they were."""
    dispatch: Any = connection.dispatch
    for listener in dispatch.before_execute:
        statement, args, params = listener(connection, statement, args, params, options or {})
    values = (None,) if args == (None,) else distilled(args, params, tuple)
    result = connection.exec_driver_sql(statement, values, execution_options=options)
    dispatch.after_execute(connection, statement, args, params, options or {}, result)
    return result


def is_open(result: Any) -> bool:
    """Tell if there are rows to be read."""
    return getattr(result, "returns_rows", False) and not result._soft_closed


def reconnect(connection: Connection) -> None:
    """End what began by itself on a connection that is lost since."""
    transaction = connection._transaction
    if (
        transaction is not None
        and connection.invalidated
        and not is_begun(connection)
        and not says_end(connection)
    ):
        note("connection-lost")
        transaction.rollback()


COMMITTED = "_sqlsoup_committed"
"""What a connection has: where statements committed by themselves, while no commit() follows."""


STATEMENTS = frozenset(
    (
        *(Select, CompoundSelect, TextClause, Insert, Update, Delete),
        *(SavepointClause, ReleaseSavepointClause, RollbackToSavepointClause),
    )
)
"""The classes of statements of 2.x, whose subclasses and instances of others may be old forms."""


_is_annotated: Callable[[Any], bool] = lru_cache(100)(
    lambda kind: issubclass(kind, Annotated) and not STATEMENTS.isdisjoint(kind.__mro__)
)
"""Tells the classes of statements that the ORM makes of new ones."""

_ABSENT = object()
_GIVEN_ONCE = frozenset((object, dict, NoneType))
"""The types of the values of execute(): none, or those of one statement."""


@replaced(Connection, "execute", "scalar")
def _execute(before: Callable[..., Any]) -> Callable[..., Any]:
    is_scalar = before.__name__ == "scalar"
    execute_any = _scalar_any if is_scalar else _execute_any
    of: Any = getattr(Connection.execute, "__wrapped__", Connection.execute)

    def execute(
        connection: Any,
        statement: Any = _ABSENT,
        values: Any = _ABSENT,
        /,
        *args: Any,
        execution_options: Any = None,
        **kw: Any,
    ) -> Any:
        if (
            (type(statement) in STATEMENTS or _is_annotated(type(statement)))
            and (type(values) in _GIVEN_ONCE or _is_list_of_dicts(values))
            and not (args or kw)
            and type(connection) is Connection
            and connection._dbapi_connection is not None
        ):
            if values is _ABSENT:
                values = None
            is_begun = connection._transaction is not None and connection.__dict__.get(BEGUN)
            if is_begun:
                return before(connection, statement, values, execution_options=execution_options)
            if _only_reads(statement, connection):  # but for what it may have within
                result = of(connection, statement, values, execution_options=execution_options)
                if result.context.compiled.ctes:
                    result = _noted(connection, *_ended(connection, statement, result))
                return result.scalar() if is_scalar else result
            if _is_ended_by_program(statement, connection):
                result = before(connection, statement, values, execution_options=execution_options)
                vars(connection)[BEGUN] = BY_PROGRAM
                return result
        if execution_options is not None:
            kw["execution_options"] = execution_options
        given = (each for each in (statement, values) if each is not _ABSENT)
        return execute_any(before, connection, *given, *args, **kw)

    return execute


def _is_list_of_dicts(values: Any) -> bool:
    return type(values) is list and bool(values) and type(values[0]) is dict


def _only_reads(statement: Any, connection: Connection) -> bool:
    """Tell if it is plain that there is nothing to commit after a statement."""
    if _has_options(statement, connection):
        return False
    kind = type(statement)
    return kind in (Select, CompoundSelect) or (
        kind is TextClause and not _writes(statement.text, connection.dialect.name)
    )


def _is_ended_by_program(statement: Any, connection: Connection) -> bool:
    """Tell if a program ends the transaction of a change, which is noted as long as it may not.

    What it ends may be the connection of a driver, and not this one.
    """
    if _has_options(statement, connection) or not says_end(connection):
        return False
    made = vars(connection).get(MADE)
    if made is not None and COMMITS not in vars(connection):
        found = _has_driver(made[0], made[-1].get("__name__"))
        if not found:
            found.append(has_driver(made[-1]))
        if found[0]:
            vars(connection)[UNDONE] = [*filter(None, [note("change-undone", warn=False)])]
    return True


@lru_cache(1000)
def _has_driver(_code: CodeType, _module: str | None) -> list[bool]:
    """Return what is kept for code of a module: whether it has a driver, once that is known."""
    return []


def says_end(connection: Connection) -> bool:
    """Tell if a program says commit() or rollback() of a connection, or where it was made."""
    made = vars(connection).get(MADE)
    return (made is not None and is_ended_by(*made)) or ends(connection)


COMMITS = "_sqlsoup_commits"
"""What a connection has of which the program has said commit(), as it can on SQLAlchemy 2 alone."""


UNDONE = "_sqlsoup_undone"
"""What a connection has with a change that is undone if nothing ends its transaction: where."""


def is_made_by_old_form(connection: Connection) -> bool:
    """Tell if it is execute() of an engine or statement that has made a connection."""
    made = vars(connection).get(MADE)
    return made is not None and str(made[-1]["__name__"]).startswith("sqlsoup.")


def _has_options(statement: Any, connection: Connection) -> bool:
    """Tell if options say whether a statement commits."""
    return (
        "autocommit" in statement._execution_options
        or "autocommit" in connection._execution_options
    )


def _execute_any(
    before: Callable[..., Any], connection: Connection, /, *args: Any, **kw: Any
) -> Any:
    if not args:
        args = (kw.pop("statement"),)
    statement, *rest = args
    if isinstance(statement, str):
        note("statement-string", instead=instead_of_string("connection", rest, kw))
    elif isinstance(kw.get("parameters"), dict | list):
        rest = [kw.pop("parameters")]
    elif len(rest) > 1 or kw.keys() - {"execution_options", "parameters"}:
        note("statement-params")
    return _noted(connection, *run(before, connection, statement, tuple(rest), kw))


def _noted(connection: Connection, result: Any, committed: bool) -> Any:
    """Note where a statement has committed by itself, and return its result."""
    if committed:
        sites = vars(connection).setdefault(COMMITTED, [])
        sites.extend(filter(None, [note("autocommit", warn=False)]))
    return result


def instead_of_string(connection: str, args: Any, params: Any) -> str:
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


def _scalar_any(
    before: Callable[..., Any], connection: Connection, /, *args: Any, **kw: Any
) -> Any:
    if args and isinstance(args[0], DefaultGenerator):
        return before(connection, *args, **kw)
    return connection.execute(*args, **kw).scalar()


def is_begun(connection: Connection) -> bool:
    """Tell if a connection is in a transaction that did not begin by itself."""
    return connection._transaction is not None and vars(connection).get(BEGUN, False)


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
