"""Functions for all tables of a SQLSoup at once: reflect() and refresh()."""

from __future__ import annotations

from collections.abc import Callable, Iterable  # noqa: TC003 - documentation tools evaluate them

from sqlsoup._arguments import mention_unknown
from sqlsoup._catalog import table_names
from sqlsoup._foreign_keys import table_key
from sqlsoup._keys import as_list
from sqlsoup._reflect import forget
from sqlsoup._reflect_many import reflect_all
from sqlsoup._soup import SQLSoup  # noqa: TC001 - likewise


def reflect(
    db: SQLSoup,
    tables: Iterable[str] | None = None,
    schema: str | None = None,
    *,
    progress: Callable[[str], object] | None = None,
) -> list[str]:
    """Reflect many tables in one round, so that their first accesses send nothing.

    It is for programs that use a whole schema: one table after the other costs some statements
    each.  Where only a few of the tables are used, those few cost less without.

    A view that the database cannot read any more is left out with a :class:`SQLSoupWarning`.

    :param tables: names of tables and views, or one of them; the default is all of the schema.
    :param schema: the schema; the default is :attr:`SQLSoup.schema`.
    :param progress: called with the name of each table that is reflected, as soon as it is.
    :return: the names of those that are there, sorted.

    .. versionadded:: 1.0
    """
    where = schema or db._where
    if tables is None:
        with db._connect() as connection:
            names = table_names(connection, where)
        mention_unknown(db._primary_keys if where == db._where else (), names)
    else:
        names = sorted({*as_list(tables)})
    found = reflect_all(
        ((where, name) for name in names),
        db._metadata,
        db._connect,
        progress or (lambda _: None),
    )
    if db._implied is not None:
        db._implied.ask_for_all(where)
    return [name for name in names if table_key(where, name) in found]


def refresh(db: SQLSoup) -> None:
    """Forget all classes and all reflected tables, after the database's schema was changed.

    The next access to a table reflects and maps it afresh.  Rows and classes that are in use keep
    working.  To forget a single table, ``del db["users"]``.

    .. versionadded:: 1.0
    """
    db._listed = None
    db._cache.clear()
    for table in list(db._metadata.tables.values()):
        forget(table)
