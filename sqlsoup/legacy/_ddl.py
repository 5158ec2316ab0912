"""DDL elements that have an engine, a condition, and execute themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import DDL, event
from sqlalchemy.schema import (
    AddConstraint,
    CreateIndex,
    CreateSchema,
    CreateTable,
    DropConstraint,
    DropIndex,
    DropSchema,
    DropTable,
    ExecutableDDLElement,
)

from sqlsoup.legacy._frames import knows, ours
from sqlsoup.legacy._metadata import execute_on, required
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import method, missing, replaced

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.sql.ddl import DDLIf


@method(ExecutableDDLElement, "execute")
def _execute_ddl(_before: object, ddl: Any, bind: Any = None, target: Any = None) -> Any:
    note("statement-execute")
    bind, condition = bind or required(ddl), ddl._ddl_if
    if condition is not None and not _is_met(condition, ddl, target, bind):
        return None
    return execute_on(bind, ddl if target is None else ddl.against(target))


def _is_met(condition: DDLIf, ddl: Any, target: Any, bind: Any) -> bool:
    """Tell if a condition is met that is given nothing of what came with SQLAlchemy 1.4."""
    asked: Any = condition.callable_
    is_of_dialect = condition._replace(callable_=None)._should_execute(ddl, target, bind)
    return is_of_dialect and (asked is None or asked(ddl, target, bind, state=condition.state))


@method(ExecutableDDLElement, "__call__")
def _hear(before: Callable[..., Any], ddl: Any, target: Any, bind: Any, **kw: Any) -> None:
    asked: Any = None if ddl._ddl_if is None else ddl._ddl_if.callable_
    given = {name: _plain(kw[name]) for name in _TOLD if name in kw and knows(asked, name)}
    if not given:
        before(ddl, target, bind)
        return
    if not ours(asked.__module__):
        note("ddl-condition", of=asked)
    if ddl._should_execute(target, bind, **given):
        bind.execute(ddl.against(target))


_TOLD = ("tables", "checkfirst")
"""What a condition heard of an event, and does not with SQLAlchemy 2."""


def _plain(value: Any) -> Any:
    """Return whether tables are looked for first, where SQLAlchemy 2.1 says what is."""
    of_tables = getattr(type(value), "TABLES", None)
    return value if of_tables is None else of_tables in value


@method(DDL, "__init__")
def _ddl(before: Callable[..., Any], ddl: Any, statement: str, *args: Any, **kw: Any) -> None:
    old = _taken(kw, "bind")
    on, context = ([*args, None, None])[:2]
    if args and not isinstance(on, dict):
        kw = {"on": on, "context": context, **kw}
    elif args:
        kw["context"] = on
    old |= _taken(kw, "on")
    before(ddl, statement, **kw)
    _put(ddl, **old)


_OF_ELEMENTS = (
    CreateTable, DropTable, CreateIndex, DropIndex, CreateSchema, DropSchema, AddConstraint,
    DropConstraint,
)  # fmt: skip


def _element(before: Callable[..., Any]) -> Callable[..., Any]:
    def init(ddl: Any, element: Any, **kw: Any) -> None:
        if "bind" not in kw and "on" not in kw:
            before(ddl, element, **kw)
            return
        old = _taken(kw, "bind", "on")
        before(ddl, element, **kw)
        _put(ddl, **old)

    return init


for _class in _OF_ELEMENTS:
    replaced(_class, "__init__")(_element)


def _taken(kw: dict[str, Any], *names: str) -> dict[str, Any]:
    """Take old arguments out of those of a DDL element, and note them."""
    old = {name: kw.pop(name) for name in names if name in kw}
    if "bind" in old:
        note("statement-bind")
    if "on" in old:
        note("name", old="DDL(on=)", instead="DDL(...).execute_if(dialect=...)")
    return old


def _put(ddl: Any, bind: Any = None, on: Any = None) -> None:
    """Have a DDL element know its engine, and where it is executed."""
    if bind is not None:
        vars(ddl)["bind"] = bind
    if callable(on):
        vars(ddl).update(vars(_told(ddl, on)), on=on)
    elif on is not None:
        vars(ddl).update(vars(ddl.execute_if(dialect=on)))


def _told(ddl: Any, on: Callable[..., Any], event_name: str | None = None) -> Any:
    """Return DDL with a condition that is told the event as well."""

    def is_met(
        ddl: Any, target: Any, bind: Any, tables: Any = None, checkfirst: Any = None, **_kw: Any
    ) -> Any:
        given = {"tables": tables, "checkfirst": checkfirst}
        heard = {name: value for name, value in given.items() if value is not None}
        return on(ddl, event_name, target, bind, **heard)

    return ddl.execute_if(callable_=is_met)


@missing(ExecutableDDLElement, "execute_at")
def _execute_at(ddl: Any, event_name: str, target: Any) -> None:
    note("name", old="execute_at()", instead="sqlalchemy.event.listen(table, 'after_create', ddl)")
    on = vars(ddl).get("on")
    heard = ddl if on is None else _told(ddl, on, event_name)
    event.listen(target, event_name.replace("-", "_"), heard)
