"""Which class of those that a SQLSoup keeps stands for a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, inspect

from sqlsoup._keys import described
from sqlsoup._reflect import real_name
from sqlsoup.exc import SQLSoupError

if TYPE_CHECKING:
    from sqlsoup._classes import SelectableClassType

    Cache = dict[str, SelectableClassType]


def key_in(cache: Cache, attr: str, wanted: str | None, *, lenient: bool) -> str | None:
    """Return the name by which the class for the table of a name is in the cache, or None.

    :param wanted: the schema, if it has to be of one.
    :param lenient: whether that is the schema of the SQLSoup, and none that was asked for.
    """
    for key in (attr, f"{wanted}.{attr}") if wanted else (attr,):
        cached = cache.get(key)
        if cached is not None and (not wanted or _is_in(cached, wanted, attr, lenient=lenient)):
            return key
    return None


def _is_in(cls: SelectableClassType, schema: str, name: str, *, lenient: bool) -> bool:
    """Tell if a cached class stands for the table of a name in a schema.

    What was hung under the name by hand, a selectable or a table of another name, does so for the
    schema of the SQLSoup (lenient), but not for one that is asked for.
    """
    table = inspect(cls).local_table
    if isinstance(table, Table) and table.name == real_name(table.metadata, schema, name):
        return table.schema == schema
    return lenient


def has_class(cache: Cache, table: Table, name: str) -> bool:
    """Tell if a class of a table is in the cache, most likely by a name."""
    first = cache.get(name)
    classes = [*[first] * (first is not None), *cache.copy().values()]
    return any(inspect(cls).local_table is table for cls in classes)


def already_mapped(attrname: str, cls: SelectableClassType) -> SQLSoupError:
    """Return the error for a name that has a class."""
    error: Any = SQLSoupError(
        f"Attribute {attrname!r} is already mapped to {described(inspect(cls).local_table)!r}"
    )
    error.taken = True
    return error  # type: ignore[no-any-return]


def was_faster(error: SQLSoupError) -> bool:
    """Tell if a name that was free is taken: by another thread, which may have left it again."""
    return hasattr(error, "taken")


def is_probe(attr: str) -> bool:
    """Tell names by which Python and IPython look for features from names of tables."""
    return attr.startswith(("_repr_", "_ipython_")) or (attr[:2] == attr[-2:] == "__")
