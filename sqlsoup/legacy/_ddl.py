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

from sqlsoup.legacy._metadata import execute_on, required
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import method, missing, replaced

if TYPE_CHECKING:
    from collections.abc import Callable


@method(ExecutableDDLElement, "execute")
def _execute_ddl(_before: object, ddl: Any, bind: Any = None, target: Any = None) -> Any:
    note("statement-execute")
    bind, condition = bind or required(ddl), ddl._ddl_if
    if condition is not None and not condition._should_execute(ddl, target, bind):
        return None
    return execute_on(bind, ddl if target is None else ddl.against(target))


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
    if on is not None:
        conditional = ddl.execute_if(**{"callable_" if callable(on) else "dialect": on})
        vars(ddl).update(vars(conditional))


@missing(ExecutableDDLElement, "execute_at")
def _execute_at(ddl: Any, event_name: str, target: Any) -> None:
    note("name", old="execute_at()", instead="sqlalchemy.event.listen(table, 'after_create', ddl)")
    event.listen(target, event_name.replace("-", "_"), ddl)
