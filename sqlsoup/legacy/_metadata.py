"""MetaData and tables that know their engine, and statements that execute themselves."""

from __future__ import annotations

from collections import deque
from functools import wraps
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import (
    URL,
    Engine,
    Index,
    MetaData,
    Select,
    Sequence,
    String,
    Table,
    inspect,
)
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.engine.mock import MockConnection
from sqlalchemy.exc import ArgumentError, UnboundExecutionError
from sqlalchemy.schema import DefaultGenerator, ExecutableDDLElement, SchemaItem
from sqlalchemy.sql.expression import ClauseElement, Executable, FromClause
from sqlalchemy.types import SchemaType

from sqlsoup import _engine
from sqlsoup.legacy._engines import execute_once
from sqlsoup.legacy._frames import asking, is_ours
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import method, missing, plan, replace, replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_UNBOUND = (
    "{} is not bound to an Engine or Connection.  "
    "Execution can not proceed without a database to execute against."
)
_UNBOUND_STATEMENT = (
    "This {} object is not directly bound to a Connection or Engine. "
    "Use the .execute() method of a Connection or Engine to execute this construct."
)


def bind_of(element: Any) -> Any:
    """Return the engine or connection of a MetaData, a table or a statement, or None."""
    if isinstance(element, MetaData):
        held = getattr(element, "bind", None)
        return held if isinstance(held, MockConnection) else _engine.bind_of(element)
    own, metadata = vars(element).get("bind"), getattr(element, "metadata", None)
    if own is not None or metadata is not None:
        is_bound = type(metadata) is not MetaData or "bind" in vars(metadata)
        return own or (bind_of(metadata) if is_bound else None)
    if isinstance(element, SchemaItem | ExecutableDDLElement):
        on = getattr(element, "table", getattr(element, "element", None))
        return None if on is None or isinstance(on, str) else bind_of(on)  # a name of a schema
    return _bind_within(element)


def _bind_within(element: Any) -> Any:
    """Return the first bind of a part of a statement, or of a table in it, or None."""
    seen: set[Any] = set()
    parts = deque([element])
    while parts:
        part = parts.popleft()
        if isinstance(part, _SEVERAL):
            parts.extend(part)
        elif isinstance(part, ClauseElement):
            has = part.__dict__  # as a column asks its type for what it has not
            on = has.get("table", has.get("sequence", part))
            is_bound = isinstance(on, _BOUND)
            of = on if is_bound else part
            if of in seen:
                continue
            seen.add(of)  # as a select may have itself in its dict
            found = bind_of(of) if is_bound else has.get("bind")
            if found is not None:
                return found
            if not is_bound:
                # what a select has is in its dict, and is quicker found there
                parts.extend(has.values() if type(part) is Select else part.get_children())
                parts.append(on)  # an alias or a subquery, of which a column is
    return None


_BOUND = (Table, Sequence)
_SEVERAL = (list, tuple)


def required(element: Any) -> Any:
    bind = bind_of(element)
    if bind is None:
        raise UnboundExecutionError(_unbound(element))
    return bind


def _unbound(element: Any) -> str:
    kind = type(element).__name__
    if isinstance(element, Table | Index | Sequence):
        return _UNBOUND.format(f"{kind} object {element.name!r}")
    if isinstance(element, MetaData | ExecutableDDLElement):
        return _UNBOUND.format(f"{kind} object")
    return _UNBOUND_STATEMENT.format(kind)


@replaced(MetaData, "__init__")
def _init(before: Callable[..., Any]) -> Callable[..., Any]:
    def init(metadata: MetaData, *args: Any, **kw: Any) -> None:
        if args or "bind" in kw or "reflect" in kw:
            _init_any(before, metadata, *args, **kw)
        else:
            before(metadata, **kw)  # nothing old

    return init


def _init_any(before: Callable[..., Any], metadata: MetaData, *args: Any, **kw: Any) -> None:
    if "bind" in kw:
        note("metadata-bind")
    bind = kw.pop("bind", None)
    first = args[0] if args else ""
    is_bind = "://" in first if isinstance(first, str) else first is not None or "schema" in kw
    if is_bind:
        note("metadata-bind")
        bind, args = args[0], args[1:]
        if args and isinstance(args[0], bool):
            kw["reflect"], args = args[0], args[1:]
    if "reflect" in kw:
        note("metadata-bind", old="MetaData(reflect=)", instead="metadata.reflect(engine)")
    reflect = kw.pop("reflect", False)
    before(metadata, *args, **kw)
    holder: Any = metadata
    if bind is not None:
        holder.bind = bind
    if reflect:
        if bind is None:
            raise ArgumentError("A bind must be supplied in conjunction with reflect=True")
        metadata.reflect(holder.bind)
        with_keys_not_null(metadata.tables.values())


def _get_bind(metadata: MetaData) -> Any:
    if "bind" not in vars(metadata) and not is_ours(asking()):
        note("bind-attribute", old="metadata.bind, which was not set")
    return vars(metadata).get("bind")


def _set_bind(metadata: MetaData, bind: Any) -> None:
    vars(metadata)["bind"] = sa.create_engine(bind) if isinstance(bind, str | URL) else bind


@plan
def _bind_of_metadata() -> None:
    replace(MetaData, "bind", property(_get_bind, _set_bind))


@missing(MetaData, "is_bound")
def _is_bound(metadata: MetaData) -> bool:
    note("bind-attribute")
    return bind_of(metadata) is not None


@method(MetaData, "create_all", "drop_all", "reflect")
def _on_bind(
    before: Callable[..., Any], metadata: MetaData, bind: Any = None, *args: Any, **kw: Any
) -> None:
    if bind is None:
        name = before.__name__
        note(
            "metadata-unbound",
            old=f"{name}() without an engine",
            instead=f"metadata.{name}(engine)",
        )
        bind = required(metadata)
        before(metadata, bind, *args, **kw)
        if name == "reflect":
            with_keys_not_null(metadata.tables.values())
        return
    before(metadata, bind, *args, **kw)


def with_keys_not_null(tables: Iterable[Any]) -> None:
    """Have primary key columns not be nullable: SQLite's are, and rows cannot be inserted then."""
    for table in tables:
        for column in table.primary_key:
            column.nullable = False


@method(Table, "create", "drop")
@method(Index, "create", "drop")
@method(Sequence, "create", "drop")
@method(SchemaType, "create", "drop")
@method(ENUM, "create", "drop")
def _item_on_bind(
    before: Callable[..., Any], item: Any, bind: Any = None, *args: Any, **kw: Any
) -> Any:
    if bind is None:
        name = before.__name__
        kind = "table" if isinstance(item, Table) else type(item).__name__.lower()
        note(
            "table-unbound",
            old=f"{name}() without an engine",
            instead=f"{kind}.{name}(engine)",
        )
        bind = required(item)
    done = before(item, bind, *args, **kw)
    return item if isinstance(item, Index) and before.__name__ == "create" else done


@missing(Table, "exists")
def _exists(table: Table, bind: Any = None) -> bool:
    note("table-exists")
    inspector: Any = inspect(bind or required(table))
    return bool(inspector.has_table(table.name, table.schema))


@plan
def _bind_of_elements() -> None:
    replace(ClauseElement, "bind", property(_bind, _bind_element))


@replaced(ClauseElement, "__str__")
def _str(before: Callable[..., Any]) -> Callable[..., Any]:
    def to_str(element: Any) -> Any:
        is_asked = isinstance(element, _STATEMENTS) and not is_ours(asking())
        bind = bind_of(element) if is_asked else None
        if bind is None:
            return before(element)
        text = str(element.compile(dialect=bind.dialect))
        if text != before(element):
            note(
                "statement-bind",
                old="str() of a statement with an engine",
                instead="compile(engine)",
            )
        return text

    return to_str


_STATEMENTS: tuple[Any, ...] = (Executable, FromClause, ExecutableDDLElement)


def _bind(element: Any) -> Any:
    note("bind-attribute")
    return bind_of(element)


def _bind_element(element: Any, bind: Any) -> None:
    note("statement-bind")
    vars(element)["bind"] = sa.create_engine(bind) if isinstance(bind, str | URL) else bind


@missing(Executable, "execute")
def _execute(statement: Any, /, *args: Any, **params: Any) -> Any:
    note("statement-execute")
    return execute_on(required(statement), statement, *args, **params)


def execute_on(bind: Any, statement: Any, /, *args: Any, **params: Any) -> Any:
    if isinstance(bind, Engine):
        return execute_once(bind, statement, *args, **params)
    return bind.execute(statement, *args, **params)


@missing(Executable, "scalar")
def _scalar(statement: Any, /, *args: Any, **params: Any) -> Any:
    note("statement-execute")
    return execute_on(required(statement), statement, *args, **params).scalar()


@method(DefaultGenerator, "execute")
def _value(_before: object, default: Any, bind: Any = None) -> Any:
    note("statement-execute")
    return execute_on(bind or required(default), default)


@plan
def _string() -> None:
    before: Any = String.__init__

    # with all arguments by name, as SQLAlchemy copies a type by them, and looks for more in **kw
    @wraps(before)
    def init(
        kind: String, length: Any = None, collation: Any = None, collation_schema: Any = None,
        unicode_error: Any = None, _warn_on_bytestring: Any = None, assert_unicode: Any = None,
        convert_unicode: Any = None,
    ) -> None:  # fmt: skip
        old = unicode_error, _warn_on_bytestring, assert_unicode, convert_unicode
        if collation_schema is None and old == _NO_UNICODE:
            before(kind, length, collation)  # nothing old
            return
        is_schema = isinstance(collation_schema, str)  # and not convert_unicode by position
        if old != _NO_UNICODE or not is_schema:
            note("type-unicode")
        given = {"collation_schema": collation_schema} if is_schema else {}
        before(kind, length, collation, **given)

    replace(String, "__init__", init)


_NO_UNICODE = (None,) * 4
