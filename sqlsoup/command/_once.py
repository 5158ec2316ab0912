"""What the command does at once, without a console: tables, columns, an expression."""

from __future__ import annotations

import ast
import sys
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy
from sqlalchemy import inspect
from sqlalchemy.exc import UnsupportedCompilationError
from sqlalchemy.types import NullType

import sqlsoup
from sqlsoup.command._changes import Changes
from sqlsoup.command._database import ALONE, session_of, views_of
from sqlsoup.command._output import write
from sqlsoup.command._problems import problem_of
from sqlsoup.command._target import target

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy import Column, ForeignKey
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

_FROM_SQLALCHEMY = ("func", "select", "text", "and_", "or_", "not_", "desc")


def names_for(db: sqlsoup.SQLSoup) -> dict[str, Any]:
    """Return the names that an expression and the console can use."""
    names = {name: getattr(sqlalchemy, name) for name in _FROM_SQLALCHEMY}
    return {"db": db, "show": sqlsoup.show, "sqlsoup": sqlsoup, "sa": sqlalchemy, **names}


class Output(NamedTuple):
    """The form of what is written, and a file, or None for standard output."""

    form: str
    path: str | None


def expression(db: sqlsoup.SQLSoup, source: str, out: Output, *, commit: bool) -> None:
    """Write what an expression gives, and keep what it changes or say that it is not kept.

    :raises Problem: it is no expression, fails, or gives what cannot be written.
    """
    names = names_for(db)
    changes = Changes(db)
    try:
        with warnings_in_a_line():
            tree = ast.parse(source.strip(), "expression", "eval")
            calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
            session_of(db).info[ALONE] = calls == [tree.body]
            thing = eval(compile(tree, "expression", "eval"), names)  # noqa: S307 - of who runs the command
            db.flush()
            if isinstance(thing, sqlsoup.SQLSoup):
                tables(thing, out)
            else:
                write(db, thing, *out)
            if commit:
                db.commit()
    except BrokenPipeError:
        raise
    except Exception as error:
        raise problem_of(error, names) from error
    if changes:
        print("sqlsoup: the changes are rolled back; --commit keeps them", file=sys.stderr)


@contextmanager
def warnings_in_a_line() -> Generator[None]:
    """Tell a warning as the command tells an error."""

    def tell(message: Warning | str, *_: Any) -> None:
        print("sqlsoup: warning:", *str(message).split(), file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = tell  # type: ignore[assignment]
        yield


def tables(db: sqlsoup.SQLSoup, out: Output) -> None:
    """Write the names of tables and views; as a table with numbers of rows."""
    if out.form == "table":
        write(db, db, *out)
        return
    names, views = list(db), views_of(db)
    write(db, [{"name": n, "kind": "view" if n in views else "table"} for n in names], *out)


def describe(db: sqlsoup.SQLSoup, name: str, out: Output) -> None:
    """Write the columns of a table, their types and their keys.

    :raises NoSuchTableError: there is no such table.
    """
    try:
        cls = db[name]
    except sqlsoup.SQLSoupError as error:
        source = getattr(error, "source", None)  # it has no key, but it has columns
        if source is None:
            raise
        rows = _described(source.columns)
        if out.form == "table":
            rows = [{key: "" if it is None else it for key, it in row.items()} for row in rows]
        write(db, rows, *out)
        return
    if out.form == "table":
        with target(out.path) as file:
            sqlsoup.show(cls, 0, file=file)
    else:
        write(db, _described(inspect(cls).columns), *out)


def _described(columns: ReadOnlyColumnCollection[str, Column[Any]]) -> list[dict[str, Any]]:
    return [
        {
            "column": key,
            "type": None if isinstance(column.type, NullType) else _called(column.type),
            "nullable": column.nullable,
            "primary_key": column.primary_key,
            "refers_to": ", ".join(map(_target, column.foreign_keys)) or None,
        }
        for key, column in columns.items()
    ]


def _called(kind: object) -> str:
    """Return the name of a type as ``help()`` has it."""
    with suppress(UnsupportedCompilationError):
        return str(kind)
    return repr(kind)


def _target(key: ForeignKey) -> str:
    tokens: Any = getattr(key, "target_tokens", None)  # a string cannot say all of it
    return key.target_fullname if tokens is None else ".".join(filter(None, tokens))
