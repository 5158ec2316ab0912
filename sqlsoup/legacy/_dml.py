"""insert(), update() and delete() with arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.sql.expression import (
    TableClause,
)

from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, replaced, with_one
from sqlsoup.legacy._selects import refuse
from sqlsoup.legacy._text import listed, textual, with_bind

if TYPE_CHECKING:
    from collections.abc import Callable


_DML = {
    "insert": ("values", "inline", "bind", "prefixes"),
    "update": ("whereclause", "values", "inline", "bind", "prefixes"),
    "delete": ("whereclause", "bind", "returning", "prefixes"),
}
"""The arguments of a statement after its table, by position."""


@function(sa.insert, sa.update, sa.delete, template=with_one)
@function(mysql.insert, postgresql.insert, template=with_one)
def _of_function(make: Any, table: Any, *args: Any, **kw: Any) -> Any:
    return _dml("dml-arguments", make, table, args, kw)


@replaced(TableClause, "insert", "update", "delete")
def _of_table(before: Callable[..., Any]) -> Callable[..., Any]:
    def make(table: Any, *args: Any, **kw: Any) -> Any:
        if not args and not kw:
            return before(table)
        return _dml("table-select", before, table, args, kw)

    return make


def _dml(form: str, make: Any, table: Any, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
    statement, name = make(table), make.__name__
    old = dict(zip(_DML[name], args, strict=False)) | kw
    if old.keys() - {"bind"}:
        note(form)
    return _with_values(statement, name, **old)


def _with_values(
    statement: Any, name: str, *, whereclause: Any = None, values: Any = None,
    inline: bool = False, prefixes: Any = None, returning: Any = None,
    return_defaults: Any = False, **options: Any,
) -> Any:  # fmt: skip
    bind = {"bind": options.pop("bind")} if "bind" in options else {}
    refuse(name, options.keys() & {"preserve_parameter_order"})
    if whereclause is not None:
        statement = statement.where(textual(whereclause))
    if values is not None:
        statement = statement.values(values)
    if inline:
        statement = statement.inline()
    if prefixes:
        statement = statement.prefix_with(*listed(prefixes))
    if returning is not None:
        statement = statement.returning(*listed(returning))
    if return_defaults:
        columns = listed(return_defaults)
        statement = statement.return_defaults(*(each for each in columns if each is not True))
    if options:
        statement = statement.with_dialect_options(**options)
    return with_bind(statement, **bind)
