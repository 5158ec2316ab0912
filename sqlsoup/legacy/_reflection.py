"""Tables that reflect themselves, and what an Inspector was asked by."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, Engine, Inspector, Table, inspect
from sqlalchemy.dialects.postgresql.base import PGInspector
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import UnboundExecutionError
from sqlalchemy.ext.automap import AutomapBase

from sqlsoup.legacy._frames import is_internal
from sqlsoup.legacy._metadata import bind_of, with_keys_not_null
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import method, missing, plan, replace, replaced
from sqlsoup.legacy._text import listed
from sqlsoup.legacy._values import as_reflected_then

if TYPE_CHECKING:
    from collections.abc import Callable

_UNBOUND_METADATA = (
    "No engine is bound to this Table's MetaData. Pass an engine to the Table via "
    "autoload_with=<someengine>, or associate the MetaData with an engine via "
    "metadata.bind=<someengine>"
)


@replaced(Table, "__new__")
def _new(before: Callable[..., Any]) -> Callable[..., Any]:
    def new(cls: type[Table], *args: Any, **kw: Any) -> Any:
        names = set()
        for each in args:
            if isinstance(each, Column):
                if each.key in names:
                    args = _once(args)
                    break
                names.add(each.key)
        if "autoload" not in kw and "useexisting" not in kw:
            return before(cls, *args, **kw)
        return _new_any(before, cls, *args, **kw)

    return new


def _once(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the items of a table with the last of several columns of a name, and no others."""
    note("column-twice")
    last = {each.key: each for each in items if isinstance(each, Column)}
    return tuple(
        dict.fromkeys(last[each.key] if isinstance(each, Column) else each for each in items)
    )


def _new_any(before: Callable[..., Any], cls: type[Table], *args: Any, **kw: Any) -> Any:
    is_reflected = "autoload" in kw
    if is_reflected:
        note("table-autoload")
        if kw.pop("autoload") and kw.get("autoload_with") is None:
            kw["autoload_with"] = bind_of(args[1])
            if kw["autoload_with"] is None:
                raise UnboundExecutionError(_UNBOUND_METADATA)
    if "useexisting" in kw:
        note("table-existing")
        kw["extend_existing"] = kw.pop("useexisting")
    table = before(cls, *args, **kw)
    if is_reflected:
        for column in args[2:]:
            if isinstance(column, Column) and column.key != column.name:
                table._columns.remove(column)  # it was the last one
                table._columns.add(column)
        with_keys_not_null([table])
        as_reflected_then(table)
    return table


@missing(Inspector, "get_primary_keys")
def _get_primary_keys(inspector: Inspector, *args: Any, **kw: Any) -> list[str]:
    note(
        "name",
        old="Inspector.get_primary_keys()",
        instead="Inspector.get_pk_constraint(name)['constrained_columns']",
    )
    return inspector.get_pk_constraint(*args, **kw)["constrained_columns"]


@method(Inspector, "get_table_names")
def _get_table_names(
    before: Callable[..., Any], inspector: Any, schema: Any = None, *args: Any, **kw: Any
) -> Any:
    if not args and "order_by" not in kw:
        return before(inspector, schema, **kw)
    note(
        "name",
        old="get_table_names(order_by=)",
        instead="Inspector.get_sorted_table_and_fkc_names()",
    )
    if kw.pop("order_by", *args) != "foreign_key":
        return before(inspector, schema, **kw)
    return [name for name, _ in inspector.get_sorted_table_and_fkc_names(schema) if name]


@method(PGInspector, "get_view_names")
def _get_view_names(
    before: Callable[..., Any], inspector: Any, schema: Any = None, include: Any = None, **kw: Any
) -> Any:
    """Give the names of materialized views as well, unless SQLAlchemy or SQLSoup asks."""
    if is_internal():
        return before(inspector, schema, **kw)
    wanted = _KINDS if include is None else listed(include)
    stored = inspector.get_materialized_view_names(schema) if "materialized" in wanted else []
    if stored or include is not None:
        note(
            "name",
            old="get_view_names() with materialized views",
            instead="get_materialized_view_names() beside get_view_names()",
        )
    return [*(before(inspector, schema, **kw) if "plain" in wanted else ()), *stored]


_KINDS = ("plain", "materialized")
"""Those of views, which a program may name."""


@missing(Inspector, "reflecttable")
def _reflecttable(inspector: Inspector, table: Table, *args: Any, **kw: Any) -> None:
    note("name", old="Inspector.reflecttable()", instead="Inspector.reflect_table()")
    _reflect(inspector, table, *args, **kw)


@missing(Engine, "reflecttable")
@missing(Connection, "reflecttable")
def _reflect_on(
    bind: Any, table: Table, connection: Any = None, include_columns: Any = None
) -> None:
    note("name", old="reflecttable() of an engine", instead="inspect(engine).reflect_table()")
    _reflect(inspect(connection or bind), table, include_columns)


@missing(DefaultDialect, "reflecttable")
def _reflect_by_dialect(
    _dialect: object, connection: Connection, table: Table, *args: Any, **kw: Any
) -> None:
    note("name", old="reflecttable() of a dialect", instead="inspect(engine).reflect_table()")
    _reflect(inspect(connection), table, *args, **kw)


@plan
def _automap() -> None:
    before: Any = AutomapBase.prepare

    @wraps(before)
    def prepare(cls: Any, *args: Any, **kw: Any) -> None:
        is_old = len(args) > 1 or not kw.keys().isdisjoint(("engine", "reflect"))
        if not is_old:
            before.__func__(cls, *args, **kw)
            return
        note("name", old="prepare(engine, reflect=True)", instead="prepare(autoload_with=engine)")
        prepare_by_engine(before.__func__, cls, **kw, **dict(zip(_OF_PREPARE, args, strict=False)))

    replace(AutomapBase, "prepare", classmethod(prepare))


def prepare_by_engine(before: Callable[..., Any], cls: Any, **kw: Any) -> None:
    """Reflect and map all tables by an engine; it is this form that is noted, and no class."""
    engine = kw.pop("engine", None)
    if kw.pop("reflect", False):
        kw["autoload_with"] = engine
    before(cls, **kw)


_OF_PREPARE = (
    "engine", "reflect", "schema", "classname_for_table", "collection_class",
    "name_for_scalar_relationship", "name_for_collection_relationship", "generate_relationship",
)  # fmt: skip
"""The arguments of prepare() in SQLAlchemy 1.3, by position."""


def _reflect(inspector: Any, table: Table, include_columns: Any = None, *args: Any) -> None:
    inspector.reflect_table(table, include_columns, *args)
    with_keys_not_null([table])
    as_reflected_then(table)
