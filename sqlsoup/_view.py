"""What is shown of a table, a query, rows or a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from sqlalchemy import Executable, Result, Row, RowMapping, ScalarResult, inspect
from sqlalchemy.engine import FilterResult
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import InstanceState, Mapper, Query

from sqlsoup._attributes import of_columns
from sqlsoup._catalog import table_names, view_names
from sqlsoup._classes import SelectableClassType, new_query
from sqlsoup._counts import counts
from sqlsoup._describe import describe, notes
from sqlsoup._rows import columns_of, names_of
from sqlsoup._sa import names_in
from sqlsoup._soup import SQLSoup
from sqlsoup.exc import ArgumentError, shown

_AT_ONCE = 1000
"""How many rows are read at once when all are shown; the first of them tell the columns."""

Rows = Iterable[Sequence[Any]]


@dataclass
class View:
    """A title, something about it, a table and a line below."""

    names: Sequence[str]
    rows: Rows
    below: Callable[[int], str] = lambda _: ""
    """The last line, by the number of rows that were shown."""
    title: str = ""
    about: str = ""
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What HTML has under the names of columns, in place of what text has before the table."""

    def lines(self, width: int | None) -> Iterator[str]:
        """Yield the lines of text as the rows are read, for a terminal as wide as that."""
        from sqlsoup import _grid  # with what it imports, when something is shown

        for line in self.about.splitlines():
            text = _grid.escaped(line)
            yield text if width is None else _grid.cut(text, width)
        if self.about and self.names:
            yield ""
        count = 0

        def counted() -> Iterator[Sequence[Any]]:
            nonlocal count
            for row in self.rows:
                count += 1
                yield row

        if self.names:
            yield from _grid.lines(self.names, counted(), width)
        if below := self.below(count):
            yield below

    def html(self) -> str:
        """Return HTML; rows have to be a list."""
        from sqlsoup import _grid

        rows = [*self.rows]
        title = f"<b>{_grid.html_text(self.title)}</b>" if self.title else ""
        names = self.names or [*self.notes]
        table = _grid.html_of(names, rows, self.notes) if names else ""
        below = f"<small>{_grid.html_text(self.below(len(rows)))}</small>"
        return f'<div style="overflow-x:auto">{title}{table}{below}</div>'


def is_row(thing: object) -> bool:
    """Tell a row of a class or of a result from anything else."""
    return isinstance(thing, Row | RowMapping) or _mapper_of(thing) is not None


def view_of(thing: Any, limit: int | None) -> View:
    """Return what is shown of a thing.

    :raises ArgumentError: it is nothing that can be shown.
    """
    match thing:
        case SelectableClassType():
            return _view_of_class(thing, limit)
        case SQLSoup():
            return _view_of_database(thing, limit)
        case Query():
            rows, names = _read(thing, limit)
            return _view_of_rows(rows, limit, names)
        case Result() | FilterResult():
            return _view_of_result(thing, limit)
    if isinstance(thing, Mapping) or is_row(thing):
        names, values = _reader([thing])
        title = type(thing).__name__ if _mapper_of(thing) else ""
        return View(("column", "value"), [*zip(names, values(thing), strict=True)], title=title)
    if isinstance(thing, Executable):
        raise ArgumentError("a statement has no rows; pass what db.execute(statement) returns")
    if isinstance(thing, str | bytes) or not isinstance(thing, Iterable):
        raise ArgumentError(
            f"{shown(thing)} has no rows; pass a mapped class, a query, a result, rows or a SQLSoup"
        )
    total = len(thing) if isinstance(thing, Sequence) else None
    return _view_of_rows(iter(thing), limit, total=total)


def _view_of_class(cls: SelectableClassType, limit: int | None) -> View:
    query, mapper = new_query(cls), inspect(cls)
    about = describe(mapper)
    if limit == 0:
        view = View((), ())
    else:
        rows, names = _read(query, limit)
        view = _view_of_rows(rows, limit, names)
    view.title, view.about, view.notes = about.partition("\n")[0], about, notes(mapper)
    return view


def _view_of_database(db: SQLSoup, limit: int | None) -> View:
    schema = db._where  # noqa: SLF001
    with db._connect() as connection:  # noqa: SLF001
        names, views = table_names(connection, schema), view_names(connection, schema)
        listed = names[:limit]
        known = counts(connection, [name for name in listed if name not in views], schema)
    rows = [(name, "view" if name in views else "table", known.get(name, "")) for name in listed]
    return View(
        ("name", "kind", "rows"),
        rows,
        lambda count: _number(count, len(names), "table or view", "tables and views"),
        title=repr(db),
        about=repr(db),
    )


def _view_of_result(result: Any, limit: int | None) -> View:
    if not getattr(result, "returns_rows", True):
        changed = result.rowcount
        return View((), (), lambda _: "(no rows)" if changed < 0 else f"({_rows(changed)} changed)")
    scalars = isinstance(result, ScalarResult)
    names = ["value"] if scalars else [*result.keys()]
    rows = result if limit is None else result.fetchmany(limit)  # what is read beyond is lost
    if scalars:
        rows = (value if is_row(value) else {"value": value} for value in rows)
    view = _view_of_rows(iter(rows), limit, names)
    if limit is None:
        return view
    view.below = lambda n: _number(n, n) if n < limit else f"({_rows(n)} read, there may be more)"
    return view


def _view_of_rows(
    rows: Iterator[Any], limit: int | None, names: Sequence[str] = (), total: int | None = None
) -> View:
    """Return the view of rows, of which one beyond the limit is read."""
    if limit is not None:
        some = [*islice(rows, limit + 1)]
        known = len(some) if len(some) <= limit else total
        sample, rest = some[:limit], iter(())
    else:
        known, sample, rest = None, [*islice(rows, _AT_ONCE)], rows
    if sample:
        names, values = _reader(sample)
        found: Rows = map(values, chain(sample, rest))
    else:
        found = ()
    return View(
        names,
        found if limit is None else [*found],
        lambda count: _number(count, count if limit is None else known),
    )


def _number(count: int, total: int | None, one: str = "row", many: str = "rows") -> str:
    if total is None:
        return f"({count:,} {one if count == 1 else many}, and there are more)"
    of = f"{count:,} of {total:,}" if count < total else f"{count:,}"
    return f"({of} {one if total == 1 else many})"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _read(query: Query[Any], limit: int | None) -> tuple[Iterator[Any], list[str]]:
    """Return the rows of a query, of which no more than needed are asked for, and their names.

    They are rows of columns: those of classes would be given once each, and load relationships.
    """
    if limit is not None:
        try:  # a limit of its own would be overwritten
            if query.statement.compare(query.limit(None).statement):
                query = query.limit(limit + 1)
        except InvalidRequestError:  # it is the text of a statement
            pass
    columns = columns_of(query)
    named = query.with_entities(*(column.label(name) for name, column in columns))
    at_once = _AT_ONCE if limit is None else min(limit + 1, _AT_ONCE)
    return iter(named.yield_per(at_once)), [name for name, _ in columns]


def _reader(sample: Sequence[Any]) -> tuple[list[str], Callable[[Any], Sequence[Any]]]:
    """Return the names of the columns of rows, and what gives the values of one.

    A row of a result may have whole rows in it, or None in the place of one.

    :raises ArgumentError: they are no rows, or differ in columns; so does the function that is
     returned.
    """
    kind = _kind_of(sample[0])

    def values(row: Any) -> Sequence[Any]:
        if _kind_of(row) != kind:
            raise ArgumentError(f"{shown(row)} has other columns than the first row")
        if isinstance(kind, Mapper):
            return _attributes(kind, row)
        return [*row.values()] if isinstance(row, Mapping) else [*row]

    if isinstance(kind, Mapper):
        return of_columns(kind), values
    columns = zip(*map(values, sample), strict=True)
    mappers = [*map(_mapper_of_all, columns)]
    if not any(mappers):
        return [*kind], values
    names = (
        [name] if mapper is None else names_of(mapper, alone=len(kind) == 1)
        for name, mapper in zip(kind, mappers, strict=True)
    )
    return [*chain.from_iterable(names)], lambda row: [
        value
        for mapper, part in zip(mappers, values(row), strict=True)
        for value in ([part] if mapper is None else _attributes(mapper, part))
    ]


def _kind_of(row: object) -> Mapper[Any] | tuple[str, ...]:
    """Return what tells columns: the mapper of a row, or the names in a row of a result.

    :raises ArgumentError: it is no row.
    """
    if isinstance(row, Row | RowMapping):
        return tuple(names_in(row))
    if isinstance(row, Mapping):
        return tuple(map(str, row))
    mapper = _mapper_of(row)
    if mapper is None:
        raise ArgumentError(f"{shown(row)} is no row")
    return mapper


def _mapper_of(thing: object) -> Mapper[Any] | None:
    state = inspect(thing, raiseerr=False)
    if state is thing or not isinstance(state, InstanceState):
        return None
    return state.mapper


def _mapper_of_all(values: Iterable[object]) -> Mapper[Any] | None:
    """Return the mapper of values that are rows of one class or None."""
    found = {_mapper_of(value) for value in values if value is not None}
    return found.pop() if len(found) == 1 else None


def _attributes(mapper: Mapper[Any], row: object) -> list[Any]:
    return [None if row is None else getattr(row, key) for key in of_columns(mapper)]
