"""Statements that a program compiles, for their text and to execute them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Compiled
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.elements import CompilerElement

from sqlsoup.legacy._frames import asking, is_ours
from sqlsoup.legacy._metadata import bind_of, execute_on, required
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import missing, replaced

if TYPE_CHECKING:
    from collections.abc import Callable

_BIND = "_sqlsoup_bind"
"""What a compiled statement keeps: the engine for which it was compiled."""


@replaced(CompilerElement, "compile")
def _compile(before: Callable[..., Any]) -> Callable[..., Any]:
    def compile_(element: Any, bind: Any = None, dialect: Any = None, **kw: Any) -> Any:
        if bind is None and dialect is None and not is_ours(asking()):
            bind = bind_of(element)
            if bind is not None:
                note(
                    "statement-bind",
                    old="compile() of a statement with an engine",
                    instead="compile(engine)",
                )
        compiled = before(element, bind, dialect, **kw)
        if "__[POSTCOMPILE_" in str(compiled) and bind_of(element) is not None:
            compiled = _with_parameters(before, compiled, (element, bind, dialect), kw)
        if bind is not None:
            vars(compiled)[_BIND] = bind
        return compiled

    return compile_


def _with_parameters(
    compile_: Callable[..., Any], compiled: Any, args: tuple[Any, ...], kw: dict[str, Any]
) -> Any:
    """Compile a statement of bound tables with a parameter for each value of in_(), if it has them.

    A program that binds them is an old one; others see what SQLAlchemy makes of their statements.
    """
    options = {**(kw.get("compile_kwargs") or {}), "render_postcompile": True}
    try:
        compiled = compile_(*args, **{**kw, "compile_kwargs": options})
    except SQLAlchemyError:  # the values are yet to come
        return compiled
    note("in-parameters")
    return compiled


@missing(Compiled, "bind", property)
def _bind(compiled: Any) -> Any:
    note("bind-attribute")
    return vars(compiled).get(_BIND)


@missing(Compiled, "execute")
def _execute(compiled: Any, /, *args: Any, **params: Any) -> Any:
    note("statement-execute")
    bind = vars(compiled).get(_BIND)
    if bind is None:
        return execute_on(required(compiled.statement), compiled.statement, *args, **params)
    return execute_on(bind, compiled, *args, **params)


@missing(Compiled, "scalar")
def _scalar(compiled: Any, /, *args: Any, **params: Any) -> Any:
    return _execute(compiled, *args, **params).scalar()
