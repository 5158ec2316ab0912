"""Statements and their parameters, as ``execute()`` takes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import ArgumentError as StatementArgumentError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import ORMExecuteState, Query

from sqlsoup._session import bind_to_execute, current
from sqlsoup.exc import ArgumentError, ParametersError

if TYPE_CHECKING:
    from sqlalchemy import MetaData, Result
    from sqlalchemy.exc import SQLAlchemyError

    from sqlsoup._session import SessionSource

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _returns_as(_other: Callable[..., _R]) -> Callable[[Callable[_P, Any]], Callable[_P, _R]]:
    """Give a function the return type of another.

    A result whose columns are not known is ``Result[Any]`` on SQLAlchemy 2.0, which is one of a
    single column on 2.1, so that neither can be written down for both.
    """
    return lambda function: function


returns_result = _returns_as(ORMExecuteState.invoke_statement)


def execute(
    session: SessionSource, metadata: MetaData, given: Any, args: tuple[Any, ...], params: Any
) -> Result[Any]:
    """Execute what was given in the transaction of a session, without flushing first."""
    stmt = given
    if isinstance(stmt, str):
        stmt = text(stmt)
    elif isinstance(stmt, Query):
        stmt = stmt.statement
    if isinstance(params.get("params"), Mapping | list | tuple):
        args += (params.pop("params"),)
    if len(args) + bool(params) > 1:
        raise ArgumentError("parameters are either keywords, or one dict, or one list of dicts")
    plain = current(session)
    bind = bind_to_execute(plain, stmt, metadata)
    parameters = args[0] if args else params
    try:
        with plain.no_autoflush:
            return plain.execute(stmt, parameters, bind_arguments={"bind": bind})
    except (DBAPIError, StatementArgumentError) as error:
        _explain(error, given, parameters)
        raise


_PLACEHOLDER = r"\?|%s|%\(\w+\)s"
_QUOTED = r"'[^']*'|\"[^\"]*\""
_MISPLACED = r"(?i)syntax|binding|column \"s\""
"""What SQLite, PostgreSQL and MariaDB say of a placeholder that they do not know."""


def _explain(error: SQLAlchemyError, stmt: object, parameters: object) -> None:
    """Say how to write and pass parameters, after an error that may come from that.

    :raises ArgumentError: they were given without names.
    """
    rows = parameters if isinstance(parameters, list | tuple) else [parameters]
    wrong = next((row for row in rows if not isinstance(row, Mapping)), None)
    if wrong is not None:
        of = f" of {type(wrong).__name__}" if wrong is not parameters else ""
        raise ParametersError(
            f"parameters are given by name, not as a {type(parameters).__name__}{of}: write "
            "':name' in the text, and name=value or {'name': value}"
        ) from None
    if isinstance(stmt, str) and isinstance(error, DBAPIError):
        found = re.search(_PLACEHOLDER, re.sub(_QUOTED, "", stmt))
        if found and re.search(_MISPLACED, str(error.orig)):
            error.add_detail(f"a parameter is written ':name' in the text, not {found[0]!r}")
