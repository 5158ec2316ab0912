"""Many rows at once, inserted without making objects of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Table, insert, inspect
from sqlalchemy.orm import InstanceState

from sqlsoup._classes import SelectableClassType
from sqlsoup._generated import comes_by_itself, is_generated
from sqlsoup._session import find_engines
from sqlsoup.exc import ArgumentError, SQLSoupError, shown, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, KeysView

    from sqlalchemy import Column, Connection
    from sqlalchemy.orm import Mapper

_BATCH = 2000
"""Rows that are sent at once, and that are in memory when they come from a generator."""


def insert_many(table: SelectableClassType, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert rows that are given as dicts, without making objects of them, which is fast.

    This is part of the session's transaction, and what is pending is flushed before, as for a
    query.

    :param table: the class of a table, as ``db.users``.
    :param rows: dicts or other mappings by the names of attributes, all with the same names.  They
     may come from a generator, which is read in batches.  What is not given takes the database's
     default; generated columns are left out.
    :return: number of rows that were given.
    :raises ArgumentError: a row is no mapping, has a name that is no column or other names than the
     first, or has no value for a column that needs one.  The message counts rows from 0.  Batches
     before that row were sent; ``rollback()`` undoes them.
    :raises SQLSoupError: the class is not mapped to a table.

    .. versionadded:: 1.0
    """
    return Insert("insert_many", table).write(rows)


class Insert:
    """Rows on their way to a table."""

    def __init__(self, function: str, cls: SelectableClassType) -> None:
        given: object = cls
        if not isinstance(given, SelectableClassType):
            raise ArgumentError(f"{function}() wants a class, as db.users is, not {shown(given)}")
        mapper: Mapper[Any] | None = inspect(cls, raiseerr=False)
        table = None if mapper is None else mapper.local_table
        if mapper is None or not isinstance(table, Table):
            found = cls.__name__ if mapper is None else type(table).__name__
            raise SQLSoupError(f"SQLSoup can only modify mapped Tables (found: {found})")
        self.function, self.name = function, cls.__name__
        self.mapper: Mapper[Any] = mapper
        self.table: Table = table
        self.columns: dict[str, Column[Any]] = {
            mapper.get_property_by_column(column).key: column
            for column in table.columns
            if mapper.columns.contains_column(column)
        }
        aliases = {k: self.columns[v] for k, v in cls._sqlsoup_renamed.items()}
        self.known = {**aliases, **self.columns}
        self.session = cls._sqlsoup.current()
        find_engines(self.session)

    def write(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Send rows in batches, and return how many there were."""
        given: object = rows
        frame = type(given).__name__ == "DataFrame"
        if frame or isinstance(given, Mapping) or not isinstance(given, Iterable):
            way = "iter_rows(named=True)" if hasattr(given, "iter_rows") else "to_dict('records')"
            raise ArgumentError(
                f"{self.function}() wants a list of dicts, or another iterable of them, not "
                f"one {type(given).__name__}{f'; its {way} gives them' * frame}"
            )
        source, count = enumerate(rows), 0
        batch = _copies(islice(source, _BATCH))
        if not batch:
            return 0
        names = batch[0].keys()
        columns = self.stored(names)
        wanted, statement = self.wanted(columns), self.statement(columns)
        while batch:
            _check(batch, names, wanted, count)
            count += len(batch)
            if self.session.autoflush:
                self.session.flush()
            self.send(statement, self.by_column(batch, columns))
            batch = _copies(islice(source, _BATCH))
        return count

    def stored(self, names: Iterable[str]) -> dict[str, Column[Any]]:
        """Return the columns that are stored, by the names that the rows have for them."""
        for name in names:
            if name not in self.known:
                raise ArgumentError(
                    f"rows[0] has {name!r}, which is no column of {self.name}"
                    + suggestion(str(name), self.known)
                )
        found = {name: self.known[name] for name in names if not is_generated(self.known[name])}
        if not found:
            raise ArgumentError("rows[0] has no value to store; name a column at least")
        return found

    def wanted(self, columns: Mapping[str, Column[Any]]) -> list[str]:
        """Return the names of the columns that hold no NULL, all of which the first row has."""
        known = {column: name for name, column in columns.items()}
        wanted = []
        for name, column in self.columns.items():
            if column.nullable:
                continue
            if column in known:
                if not column.type.should_evaluate_none:  # None is a value of JSON
                    wanted.append(known[column])
            elif not comes_by_itself(column):
                raise no_value(0, name)
        return wanted

    def statement(self, columns: Mapping[str, Column[Any]]) -> Any:  # noqa: ARG002
        """Return the statement for rows that have these columns."""
        return insert(self.table).inline()  # inline: a single row does not ask for its key

    def by_column(
        self, batch: list[dict[str, Any]], columns: Mapping[str, Column[Any]]
    ) -> list[dict[str, Any]]:
        """Return rows as SQLAlchemy wants them."""
        if len(columns) == len(batch[0]) and all(n == c.key for n, c in columns.items()):
            return batch
        return [{c.key: row[name] for name, c in columns.items()} for row in batch]

    def send(self, statement: Any, batch: list[dict[str, Any]]) -> None:
        """Execute the statement for each of the rows, in the session's transaction."""
        where = {"mapper": self.mapper, "clause": self.table}
        connection = self.session.connection(bind_arguments={**where})
        if not self.as_they_are(connection, batch[0]):
            self.session.execute(statement, batch, bind_arguments=where)
            return
        compiled: Any = statement.compile(dialect=connection.dialect, column_keys=[*batch[0]])
        values = (map(itemgetter(key), batch) for key in compiled.positiontup)
        connection.exec_driver_sql(str(compiled), [*zip(*values, strict=True)])

    def as_they_are(self, connection: Connection, keys: Iterable[str]) -> bool:
        """Tell if the driver takes all values as they are.

        SQLAlchemy looks at each of them otherwise, which takes longer than SQLite does.
        """
        dialect = connection.dialect
        return (
            dialect.name == "sqlite"
            and dialect.paramstyle == "qmark"
            and not connection.get_execution_options().get("schema_translate_map")
            and all(column.default is None for column in self.table.columns)
            and all(
                self.table.c[key].type.dialect_impl(dialect).bind_processor(dialect) is None
                for key in keys
            )
        )


def _copies(rows: Iterator[tuple[int, Any]]) -> list[dict[str, Any]]:
    """Return copies of rows, since a generator may give the same dict again with other values."""
    return [row.copy() if type(row) is dict else _copy(number, row) for number, row in rows]


def _copy(number: int, row: object) -> dict[str, Any]:
    if isinstance(row, Mapping):
        return dict(row)
    hint = "make it one with sqlsoup.as_dict()"
    if not isinstance(row, Row) and not isinstance(inspect(row, raiseerr=False), InstanceState):
        hint = "give each row as {name: value, ...}"
    raise ArgumentError(f"rows[{number}] is a {type(row).__name__} and no dict; {hint}")


def _check(
    batch: list[dict[str, Any]], names: KeysView[str], wanted: list[str], start: int
) -> None:
    """Refuse rows with other names, or without a value that is wanted."""
    if len({*map(tuple, batch)}) > 1 or batch[0].keys() != names:  # faster than row by row
        for number, row in enumerate(batch, start):
            if row.keys() != names:
                missing = ", ".join(repr(name) for name in names if name not in row)
                more = ", ".join(repr(name) for name in row if name not in names)
                found = [missing and f"{missing} missing", more and f"{more} more"]
                differs = " and ".join(filter(None, found))
                raise ArgumentError(f"rows[{number}] has other names than rows[0]: {differs}")
    for name in wanted:
        for number, row in enumerate(batch, start):
            if row[name] is None:
                raise no_value(number, name)


def no_value(number: int, name: str) -> ArgumentError:
    return ArgumentError(f"rows[{number}] has no value for {name!r}, which must not be NULL")
