"""The class that stands for a name: the one in the cache, or one that is made of the table.

These functions stand for methods of a SQLSoup, which calls them.
"""

from __future__ import annotations

from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, inspect

from sqlsoup._arguments import check_map_to, mention_unknown
from sqlsoup._foreign_keys import table_key
from sqlsoup._keys import as_list, described, has_key, keyless
from sqlsoup._mapping import key_of
from sqlsoup._reflect import forget, real_name, reflect
from sqlsoup._system_keys import with_rowid, with_tableoid
from sqlsoup.exc import ArgumentError, SQLSoupError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import FromClause

    from sqlsoup._classes import SelectableClassType
    from sqlsoup._soup import SQLSoup


def find(db: SQLSoup, attr: str, schema: str | None, key: list[Any]) -> SelectableClassType:
    """Return the class of a table, as entity() does."""
    if not isinstance(attr, str | None):
        raise ArgumentError("'tablename' argument must be a string.")
    wanted = schema or db.schema
    names = _names(attr, wanted)
    taken = [name for name in names if name in db._cache]
    found = cached(db, attr, schema)
    if found is not None:
        if key and not has_key(inspect(found), key):
            raise SQLSoupError(
                f"{_already_mapped(attr, found)} by another key; del db[{attr!r}] first"
            )
        return found
    attrname = names[-1] if attr in taken else attr
    args = {"primary_key": key} if key else {}
    try:
        return db.map_to(attrname, tablename=attr, schema=wanted, mapper_args=args)
    except SQLSoupError as error:
        if attrname in taken or not _was_faster(error):
            raise
        return db.entity(attr, schema, primary_key=key)


def make(
    db: SQLSoup,
    attrname: str,
    tablename: str | None,
    selectable: object,
    schema: str | None,
    base: type | None,
    mapper_args: Mapping[str, Any],
) -> SelectableClassType:
    """Map a table or selectable to an attribute name, as map_to() does."""
    name: Any = attrname
    taken = db._cache.get(name) if isinstance(name, str) else None
    if taken is not None:
        raise _already_mapped(attrname, taken)
    check_map_to(attrname, tablename, selectable, schema)
    if tablename is None:
        kind, source = "selectable", db._selectable(selectable)
    else:
        kind, source = "table", _table(db, tablename, schema or db._where)
        spelling = real_name(db._metadata, schema or db._where, tablename)
        if attrname == tablename != spelling:
            return class_for(db, source.schema, spelling, mapper_args)
    key = as_list(mapper_args.get("primary_key")) or _named_key(db, source, selectable)
    if key:
        source = with_tableoid(with_rowid(source, key, db._connect), key, db._connect)
        mapper_args = {**mapper_args, "primary_key": key}
    elif not source.primary_key:
        if db._primary_keys:
            with suppress(Exception):  # the error is what matters
                mention_unknown(db._primary_keys, db._names())
        raise keyless(kind, source)
    mapped = db._map(source, base, mapper_args)
    first = db._cache.setdefault(attrname, mapped)
    if first is not mapped:
        raise _already_mapped(attrname, first)
    if isinstance(source, Table):
        db._mapped.add(source)
    if db._implied is not None:
        db._implied.renew(mapped)
    return mapped


def class_for(
    db: SQLSoup,
    schema: str | None,
    name: str,
    mapper_args: Mapping[str, Any] = MappingProxyType({}),
) -> SelectableClassType:
    """Return the class of a table of exactly this schema; one without an attribute if need be.

    The attribute of a table of another schema is ``schema.name``.
    """
    table = _table(db, name, schema)
    attr = name if schema == db._where else table_key(schema, name)
    for key in {attr, name}:
        found = db._cache.get(key)
        if found is not None and inspect(found).local_table is table:
            return found
    if attr in db._cache or (db._where and not schema):
        return db._unnamed.get(table) or db._unnamed.setdefault(table, db.map(table))
    try:
        return db.map_to(attr, tablename=name, schema=schema, mapper_args=mapper_args)
    except SQLSoupError as error:
        if not _was_faster(error):
            raise
        return class_for(db, schema, name, mapper_args)


def _table(db: SQLSoup, name: str, schema: str | None) -> Table:
    """Return a table, reflected afresh if the class that it had here left the cache."""
    metadata = db._metadata
    known = metadata.tables.get(table_key(schema or metadata.schema, name))
    if known is not None and known in db._mapped:
        if not _has_class(db._cache, known, name):
            forget(known)
        elif known.name == name:
            return known
    return reflect(metadata, name, schema, db._connect)


def _has_class(cache: dict[str, SelectableClassType], table: Table, name: str) -> bool:
    """Tell if a class of a table is in the cache, most likely by its name, alone or with schema."""

    def has(classes: Iterable[SelectableClassType]) -> bool:
        return any(inspect(cls).local_table is table for cls in classes)

    return has(filter(None, map(cache.get, (name, table.key)))) or has(cache.copy().values())


def _named_key(db: SQLSoup, source: FromClause, selectable: object) -> list[Any]:
    """Return the columns that were named as the key of a table or of the sides of a join."""
    key = [] if selectable is None else key_of(selectable)
    if not key and isinstance(source, Table):
        names = [source.fullname, *[source.name] * (source.schema == db._where)]
        key = next((db._primary_keys[n] for n in names if n in db._primary_keys), [])
    return key


def cached(db: SQLSoup, attr: str, schema: str | None = None) -> SelectableClassType | None:
    """Return the class for the table of a name that is there already, or None."""
    return db._cache.get(key_in(db, attr, schema) or "")


def key_in(db: SQLSoup, attr: str, schema: str | None = None) -> str | None:
    """Return the name by which the class for the table of a name is in the cache, or None.

    :param schema: the schema, if one was asked for.
    """
    wanted = schema or db.schema
    for key in _names(attr, wanted):
        found = db._cache.get(key)
        if found is not None and (not wanted or _is_in(found, wanted, attr, lenient=not schema)):
            return key
    return None


def _names(attr: str, schema: str | None) -> tuple[str, str]:
    """Return the names that the class of a table may have: its own, and one where that is taken."""
    return attr, table_key(schema, attr)


def _is_in(cls: SelectableClassType, schema: str, name: str, *, lenient: bool) -> bool:
    """Tell if a cached class stands for the table of a name in a schema.

    What ``map_to()`` put under the name, a selectable or a table of another name, does so for the
    schema of the SQLSoup (lenient), but not for one that is asked for.
    """
    table = inspect(cls).local_table
    if isinstance(table, Table) and table.name == real_name(table.metadata, schema, name):
        return table.schema == schema
    return lenient


def _already_mapped(attrname: str, cls: SelectableClassType) -> SQLSoupError:
    """Return the error for a name that has a class."""
    error: Any = SQLSoupError(
        f"Attribute {attrname!r} is already mapped to {described(inspect(cls).local_table)!r}"
    )
    error.taken = True
    return error  # type: ignore[no-any-return]


def _was_faster(error: SQLSoupError) -> bool:
    """Tell if another thread took a name that was free; it may be free again."""
    return hasattr(error, "taken")


def is_probe(attr: str) -> bool:
    """Tell if a name is one by which Python and IPython look for features."""
    return attr.startswith(("_repr_", "_ipython_")) or (attr[:2] == attr[-2:] == "__")
