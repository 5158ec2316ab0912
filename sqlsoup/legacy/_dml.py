"""insert(), update() and delete() with arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.sql.expression import (
    TableClause,
)

from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, method
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


@function(sa.insert)
@method(TableClause, "insert")
def _insert(before: Callable[..., Any], table: Any, *args: Any, **kw: Any) -> Any:
    return _dml(before, "insert", table, args, kw) if args or kw else before(table)


@function(sa.update)
@method(TableClause, "update")
def _update(before: Callable[..., Any], table: Any, *args: Any, **kw: Any) -> Any:
    return _dml(before, "update", table, args, kw) if args or kw else before(table)


@function(sa.delete)
@method(TableClause, "delete")
def _delete(before: Callable[..., Any], table: Any, *args: Any, **kw: Any) -> Any:
    return _dml(before, "delete", table, args, kw) if args or kw else before(table)


def _dml(make: Any, name: str, table: Any, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
    statement = make(table)
    old = dict(zip(_DML[name], args, strict=False)) | kw
    is_of_table = getattr(make, "__qualname__", "").startswith("TableClause.")
    if old.keys() - {"bind"}:
        note("table-select" if is_of_table else "dml-arguments")
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
