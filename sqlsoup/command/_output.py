"""What an expression gave, as a table, CSV, JSON or JSON Lines."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, time
from functools import cache
from itertools import chain
from typing import Any, NamedTuple, TextIO

from sqlalchemy import CompoundSelect, Executable, Result, Row, RowMapping, Select, inspect
from sqlalchemy.engine import FilterResult
from sqlalchemy.orm import Query, QueryableAttribute

import sqlsoup
from sqlsoup.command._problems import Problem
from sqlsoup.command._target import target

_AT_ONCE = 1000
"""How many rows are read at once."""


def write(db: sqlsoup.SQLSoup, thing: Any, form: str, path: str | None) -> None:
    """Write a thing to a file or to standard output.

    :param form: ``"table"``, ``"csv"``, ``"json"`` or ``"jsonl"``.
    :raises Problem: the file cannot be written, or the thing has no such form.
    """
    thing = _readable(db, thing)
    with target(path) as file:
        _FORMS[form](thing, file)


def _readable(db: sqlsoup.SQLSoup, thing: Any) -> Any:
    """Return a query of columns, a result, rows or a value for what an expression gave."""
    if isinstance(thing, sqlsoup.SelectableClassType | QueryableAttribute):
        thing = db.session.query(thing)
    elif callable(thing):
        name = getattr(thing, "__name__", "it")
        raise Problem(f"the expression gives a function; to call it, write {name}()")
    if isinstance(thing, Query):
        return _of_columns(thing)
    if isinstance(thing, Select | CompoundSelect):
        thing = thing.execution_options(yield_per=_AT_ONCE)
    result: Any = db.execute(thing) if isinstance(thing, Executable) else thing
    if not getattr(result, "returns_rows", True):
        return result.rowcount if result.rowcount >= 0 else None
    return result


def _of_columns(query: Query[Any]) -> Query[Any]:
    """Return a query that gives the columns of rows, which cost more to make."""
    found = query.column_descriptions
    columns: list[Any] = []
    for place, one in enumerate(found, 1):
        entity: Any = one["expr"]
        if entity is not one["entity"]:
            name = one["name"] or getattr(entity, "name", f"column_{place}")
            columns.append(entity.label(name))
            continue
        mapper = inspect(entity).mapper
        prefix = f"{getattr(mapper.local_table, 'name', place)}." if len(found) > 1 else ""
        keys = dict.fromkeys(mapper.columns.keys())
        columns += [getattr(entity, key).label(prefix + key) for key in keys]
    of_columns: Query[Any] = query.enable_eagerloads(False).with_entities(*columns)
    return of_columns.yield_per(_AT_ONCE)


def is_row(thing: object) -> bool:
    """Tell rows of classes and of results."""
    return isinstance(thing, Row | RowMapping) or isinstance(
        type(thing), sqlsoup.SelectableClassType
    )


def _is_many(thing: object) -> bool:
    """Tell what is written one by one."""
    one = isinstance(thing, str | bytes | Mapping) or is_row(thing)
    return isinstance(thing, Iterable) and not one


# a table


def _write_table(thing: Any, file: TextIO) -> None:
    if isinstance(thing, Query | Result | FilterResult | Mapping | sqlsoup.SQLSoup) or is_row(
        thing
    ):
        sqlsoup.show(thing, None, file=file)
    elif _is_many(thing):
        first, things = _first(thing)
        if not (is_row(first) or isinstance(first, Mapping)):
            things = ({"value": value} for value in things)
        sqlsoup.show(things, None, file=file)
    elif thing is not None:
        file.write(f"{thing}\n")


# CSV, JSON and JSON Lines


def _write_csv(thing: Any, file: TextIO) -> None:
    names, rows = _lists(thing if _is_many(thing) else [thing])
    writer = csv.writer(_Lines(file))
    if names:
        writer.writerow(names)
    writer.writerows([_cell(value) for value in row] for row in rows)


class _Lines(NamedTuple):
    """A file whose lines end as they do elsewhere.

    Before Python 3.13 the csv module quotes only the line breaks that its own lines end with.
    """

    file: TextIO

    def write(self, line: str) -> int:
        return self.file.write(line[:-2] + "\n")


def _lists(things: Any) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    """Return the names of columns, and the rows."""
    if isinstance(things, Query):
        return [column["name"] for column in things.column_descriptions], things
    names = [*things.keys()] if isinstance(things, Result) else []
    first, things = _first(things)
    if isinstance(first, Row) and not any(map(is_row, first)):
        names = names or [*first._fields]
        return names if len(names) == len(first) else [*sqlsoup.as_dict(first)], things
    if first is _NOTHING:
        return names, ()
    names = [*_record(first)]

    def values(thing: Any) -> Sequence[Any]:
        record = _record(thing)
        if [*record] != names:
            raise Problem("the rows differ in columns, as those of CSV cannot; --jsonl takes them")
        return [*record.values()]

    return names, map(values, things)


def _write_json(thing: Any, file: TextIO) -> None:
    if not _is_many(thing):
        file.write(_encoded(_for_json(thing)) + "\n")
        return
    between = "[\n"
    for item in _items(thing):
        file.write(between + _encoded(item))
        between = ",\n"
    file.write("[]\n" if between == "[\n" else "\n]\n")


def _write_jsonl(thing: Any, file: TextIO) -> None:
    file.writelines(_encoded(item) + "\n" for item in _items(thing if _is_many(thing) else [thing]))


def _items(things: Any) -> Iterable[Any]:
    """Return rows as dicts, and other values as they are."""
    if not isinstance(things, Query | Result):
        return map(_for_json, things)
    names, rows = _lists(things)
    if twice := [name for name in names if names.count(name) > 1]:
        raise Problem(f"two columns are named {twice[0]!r}; give one of them a label")
    return (dict(zip(names, row, strict=True)) for row in rows)


def _for_json(thing: Any) -> Any:
    return _record(thing) if isinstance(thing, Mapping) or is_row(thing) else thing


def _record(thing: Any) -> dict[str, Any]:
    """Return a row as a dict; the columns of a row in it stand after its name and a dot."""
    if not is_row(thing):
        return dict(thing) if isinstance(thing, Mapping) else {"value": thing}
    values: Any = thing._mapping if isinstance(thing, Row) else thing  # noqa: SLF001 - it is public
    record: dict[str, Any] = {}
    for name, value in sqlsoup.as_dict(thing).items():
        if isinstance(thing, Row | RowMapping) and is_row(values.get(name)):
            table = inspect(values[name]).mapper.local_table
            record |= {f"{getattr(table, 'name', name)}.{key}": part for key, part in value.items()}
        else:
            record[name] = value
    return record


def _first(things: Iterable[Any]) -> tuple[Any, Iterable[Any]]:
    """Return the first thing, or _NOTHING, and all of them."""
    things = iter(things)
    first = next(things, _NOTHING)
    return first, things if first is _NOTHING else chain([first], things)


_NOTHING = object()


def _plain(value: Any) -> Any:
    """Return what stands for a value that neither CSV nor JSON knows."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping) or is_row(value):
        return _record(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    return str(value)


def _encoded(value: Any) -> str:
    try:
        return _encoder.encode(value)
    except ValueError:  # JSON has no numbers that are not finite
        return _encoder.encode(_finite(value))


def _finite(value: Any) -> Any:
    """Return a value with text for the numbers in it that are not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, dict):
        return {_finite(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return _finite(_plain(value))


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_plain)


def _cell(value: object) -> object:
    kind: Any = type(value)
    text = _for_csv(kind)
    return value if text is None else text(value)


@cache
def _for_csv(kind: type) -> Callable[[Any], Any] | None:
    """Return what makes text of values that the csv module would write as ``str()`` does."""
    if issubclass(kind, bytes | bytearray | memoryview):
        return _plain
    many = issubclass(kind, Mapping | set | frozenset | Sequence)
    return _encoded if many and not issubclass(kind, str) else None


_FORMS: dict[str, Callable[[Any, TextIO], None]] = {
    "table": _write_table,
    "csv": _write_csv,
    "json": _write_json,
    "jsonl": _write_jsonl,
}
