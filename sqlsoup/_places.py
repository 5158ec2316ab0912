"""The database that each table is in; a statement is sent to the one that has all its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from sqlalchemy import ClauseElement, Engine, Table
from sqlalchemy.sql import visitors
from sqlalchemy.sql.expression import ColumnClause

from sqlsoup import _sa
from sqlsoup._engine import Bind, bind_of, file_of, shown_engine
from sqlsoup.exc import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_Place = tuple[object, ...]

_known: set[ref[Engine]] = set()
"""The engines of all SQLSoup objects: while there is one, no statement need be looked at."""


def note(bind: Bind) -> None:
    """Take note of what tables are bound to."""
    _known.add(ref(bind.engine, _known.discard))


def check_join(left: Iterable[Table], right: Iterable[Table]) -> None:
    """Refuse to join tables of two databases.

    :raises ArgumentError: they are of two.
    """
    _refuse_two("a join", [*left, *right])


def check(statement: object, bind: Bind | None = None) -> None:
    """Refuse a statement that names tables of two databases, or of another than it is sent to.

    It does not see options of the statement, such as joined eager loading and
    with_loader_criteria(), nor a subquery among the rows of an INSERT.

    :param bind: what it is sent to, if that does not follow from the tables.
    :raises ArgumentError: the statement names such tables.
    """
    if len(_known) > 1 and (bind is not None or not _sa.is_plain(statement)):
        tables = list(_tables_of(statement))
        if bind is not None or len({id(table.metadata) for table in tables}) > 1:
            _refuse_two("a statement", tables)
        if bind is not None:
            _refuse_other(bind.engine, tables)


def _tables_of(statement: object) -> Iterator[Table]:
    """Yield the tables that a statement names, those included that only its columns refer to."""
    pending: list[Any] = [statement] if isinstance(statement, ClauseElement) else []
    seen = set()
    while pending:
        for element in visitors.iterate(pending.pop()):
            source = element.table if isinstance(element, ColumnClause) else element
            if isinstance(source, Table):
                yield source
            elif source is not element and source is not None and source not in seen:
                seen.add(source)
                pending.append(source)


def _refuse_two(what: str, tables: Iterable[Table]) -> None:
    found: list[tuple[Engine, _Place]] = []
    for _, engine, place in _placed(tables):
        for first, other in found:
            if _apart(other, place):
                raise ArgumentError(
                    f"the tables of {what} must be in one database, and these are in "
                    f"{shown_engine(first)} and {shown_engine(engine)}; look for the rows of each, "
                    "or attach one database to the other"
                )
        if (engine, place) not in found:
            found.append((engine, place))


def _refuse_other(engine: Engine, tables: Iterable[Table]) -> None:
    for table, other, place in _placed(tables):
        if _apart(_place(engine, None), place):
            raise ArgumentError(
                f"the table {table.name!r} is in {shown_engine(other)}, and this SQLSoup executes "
                f"statements in {shown_engine(engine)}; use execute() of the SQLSoup of the table"
            )


def _placed(tables: Iterable[Table]) -> Iterator[tuple[Table, Engine, _Place]]:
    """Yield the tables whose engine is known, with it and with their place."""
    for table in tables:
        bind = bind_of(table.metadata)
        if bind is not None:
            yield table, bind.engine, _place(bind.engine, table.schema)


def _place(engine: Engine, schema: str | None) -> _Place:
    """Return the database that tables of an engine and a schema are in.

    None may be anything: the host that a driver chooses, and the file or database of a schema.
    """
    url, backend = engine.url, engine.dialect.name.replace("mariadb", "mysql")
    database: Any = url.database
    if schema and backend in {"sqlite", "mysql"}:
        database = None
    elif backend == "sqlite":
        shared = (database or "").startswith("file:")  # in memory, by a name
        database = file_of(engine) or (database if shared else engine.pool)
    return backend, url.host, url.port, database


def _apart(one: _Place, other: _Place) -> bool:
    """Tell if two places cannot be the same database."""
    pairs = zip(one, other, strict=True)
    return any(a != b and a is not None and b is not None for a, b in pairs)
