"""Attributes of SQLAlchemy 1.3's classes that are gone: what does their work, or what to do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import Alias, Column, Index, MetaData, Pool, Select, Table, event
from sqlalchemy.engine.base import ExceptionContextImpl
from sqlalchemy.ext.associationproxy import _AssociationDict
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.collections import collection
from sqlalchemy.schema import DefaultGenerator, SchemaItem
from sqlalchemy.sql.expression import ColumnCollection, Over, SelectBase
from sqlalchemy.types import SchemaType

from sqlsoup.legacy._frames import asking, is_ours, is_running
from sqlsoup.legacy._metadata import bind_of
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import missing, plan, replace, replaced
from sqlsoup.legacy._selects import CORE
from sqlsoup.legacy._subqueries import subquery_of

if TYPE_CHECKING:
    from collections.abc import Callable

_COLUMNS = "write table.append_column(column), or make a collection with a dict"

GONE: dict[type, dict[str, str]] = {
    ColumnCollection: dict.fromkeys(
        ("add", "as_immutable", "clear", "extend", "remove", "replace", "update"), _COLUMNS
    ),
    Mapper: {
        "dispose": "write registry.dispose(), of the registry that the class is mapped by",
        "non_primary": "leave it out: it is False of every mapper",
    },
    Select: {"locate_all_froms": "write select.get_final_froms()"},
    Alias: {"as_scalar": "write select(...).scalar_subquery(), of what the alias is of"},
    collection: {
        "converter": "listen to the event 'bulk_replace' of the attribute",
        **dict.fromkeys(
            ("link", "linker"),
            "listen to the events 'init_collection' and 'dispose_collection' of the attribute",
        ),
    },
}
"""What to do instead of each attribute, by class."""


class Sentence:
    """An attribute that a class does not have, for which it says what to do."""

    def __init__(self, owner: type, name: str) -> None:
        self.text = f"SQLAlchemy 2 has no {owner.__name__}.{name}: {GONE[owner][name]}"

    def __get__(self, of: object, owner: type) -> NoReturn:
        raise AttributeError(self.text)


@plan
def _sentences() -> None:
    for owner, names in GONE.items():
        for name in (name for name in names if not hasattr(owner, name)):
            replace(owner, name, Sentence(owner, name))


@missing(Table, "append_ddl_listener")
@missing(MetaData, "append_ddl_listener")
def _append_ddl_listener(of: Any, event_name: str, listener: Callable[..., Any]) -> None:
    note(
        "name",
        old="append_ddl_listener()",
        instead="sqlalchemy.event.listen(table, 'after_create', listener)",
    )

    def listen(target: Any, connection: Any, **kw: Any) -> None:
        given = {"tables": kw["tables"]} if "tables" in kw else {}
        listener(event_name, target, connection, **given)

    event.listen(of, event_name.replace("-", "_"), listen)


@replaced(Column, "_copy")
def _copy(before: Callable[..., Any]) -> Callable[..., Any]:
    def copy(column: Any, **kw: Any) -> Any:
        own = type(column).copy
        if own is Column.copy or is_running(own):
            return before(column, **kw)
        note("name", old="copy() of a column class", instead="what it copies in info=", of=own)
        return own(column, **kw)

    return copy


@missing(ColumnCollection, "has_key")
def _has_key(columns: Any, name: str) -> bool:
    note("name", old="has_key() of columns", instead="'name' in table.c")
    return name in columns


@missing(_AssociationDict, "has_key")
def _has_key_of_proxy(proxy: Any, key: Any) -> bool:
    note("name", old="has_key() of an association proxy", instead="key in row.proxy")
    return key in proxy


@missing(SchemaItem, "quote", property)
def _quote(item: Any) -> Any:
    if is_ours(asking()):  # a repr(), which shows the attributes that there are
        raise AttributeError("quote")
    note("name", old="quote of a table or column", instead="quote of its name")
    return getattr(item.name, "quote", None)


@missing(Table, "quote_schema", property)
def _quote_schema(table: Table) -> Any:
    note("name", old="Table.quote_schema", instead="table.schema.quote")
    return getattr(table.schema, "quote", None)


@missing(Index, "bind", property)
@missing(DefaultGenerator, "bind", property)
@missing(SchemaType, "bind", property)
def _bind(item: Any) -> Any:
    note("bind-attribute")
    return bind_of(item)


@missing(Over, "func", property)
def _func(over: Over[Any]) -> Any:
    note("name", old="Over.func", instead="Over.element")
    return over.element


@replaced(Select, "join", "outerjoin")
def _join_of_select(before: Callable[..., Any]) -> Callable[..., Any]:
    def join(statement: Any, *args: Any, **kw: Any) -> Any:
        if statement._propagate_attrs is CORE:  # made by an old form, it stood for a table
            return _join_subquery(statement, before.__name__, *args, **kw)
        return before(statement, *args, **kw)

    return join


def _join_subquery(statement: Any, name: str, *args: Any, **kw: Any) -> Any:
    note("select-nested")
    return getattr(subquery_of(statement), name)(*args, **kw)


@missing(SelectBase, "join")
def _join(statement: Any, *args: Any, **kw: Any) -> Any:
    return _join_subquery(statement, "join", *args, **kw)


@missing(SelectBase, "outerjoin")
def _outerjoin(statement: Any, *args: Any, **kw: Any) -> Any:
    return _join_subquery(statement, "outerjoin", *args, **kw)


@missing(SelectBase, "primary_key", property)
def _primary_key(statement: Any) -> Any:
    note("select-columns")
    return subquery_of(statement).primary_key


@missing(SelectBase, "foreign_keys", property)
def _foreign_keys(statement: Any) -> Any:
    note("select-columns")
    return subquery_of(statement).foreign_keys


@plan
def _of_errors() -> None:
    for name in ("chained_exception", "cursor"):
        slot: Any = vars(ExceptionContextImpl)[name]
        get = partial(_of_error, slot, name)
        replace(ExceptionContextImpl, name, property(get, slot.__set__))


def _of_error(slot: Any, name: str, context: Any) -> Any:
    """Return what a listener to ``handle_error`` asks for, and None where nothing has set it."""
    try:
        return slot.__get__(context)
    except AttributeError:
        old, instead = (
            f"ExceptionContext.{name} that is not set",
            f"getattr(context, {name!r}, None)",
        )
        note("name", old=old, instead=instead)
        return None


@missing(Pool, "unique_connection")
def _unique_connection(pool: Pool) -> Any:
    note("name", old="Pool.unique_connection()", instead="Pool.connect()")
    return type(pool).connect(pool)  # and not the one that the thread has
