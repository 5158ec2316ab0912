"""What ``help()`` says of a mapped class, made when it is asked for."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Table, inspect
from sqlalchemy.exc import UnsupportedCompilationError

from sqlsoup._foreign_keys import described_target, foreign_keys_of, foreign_keys_to, table_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Column
    from sqlalchemy.orm import Mapper


def describe(mapper: Mapper[Any]) -> str:
    """Return the columns of a mapper, and for a table what it refers to and what refers to it.

    No statement is sent, since tools read docstrings at any time: the foreign keys that refer to
    the table are those of the tables that were reflected.
    """
    source = mapper.local_table
    kind = "Table" if isinstance(source, Table) else type(source).__name__
    lines = [f"{kind} {getattr(source, 'fullname', None) or mapper.class_.__name__}", ""]
    rows = [[key, *_described(column, mapper)] for key, column in mapper.columns.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    if isinstance(source, Table):
        for title, found in (
            ("Refers to", _targets(source)),
            ("Is referred to by", _referrers(source)),
        ):
            listed = list(found)
            lines += ["", f"{title}:", *listed] if listed else []
    return "\n".join(lines)


def notes(mapper: Mapper[Any]) -> dict[str, list[str]]:
    """Return the type of each column of a mapper, with what else there is to say of it."""
    found = {
        key: [*filter(None, _described(column, mapper))] for key, column in mapper.columns.items()
    }
    source = mapper.local_table
    for key in foreign_keys_of(source) if isinstance(source, Table) else ():
        for element in key.elements:
            name = mapper.get_property_by_column(element.parent).key
            found[name].append(f"→ {described_target(element)}")
    return found


class Description:
    """The docstring of mapped classes, made when ``help()`` asks for it; their type keeps its own.

    ``pydoc`` looks at the type of a class first, hence it is there.
    """

    def __init__(self, own: str | None) -> None:
        self._own = own

    def __get__(self, cls: Any, metaclass: type) -> str | None:
        if cls is None:
            return self._own
        mapper: Mapper[Any] | None = inspect(cls, raiseerr=False)
        if mapper is None or vars(cls).get("__doc__"):  # a subclass
            return cast("str | None", vars(cls)["__doc__"])
        return describe(mapper)

    def __set__(self, cls: type, text: str | None) -> None:
        vars(type)["__doc__"].__set__(cls, text)


def _described(column: Column[Any], mapper: Mapper[Any]) -> tuple[str, str]:
    nullable = getattr(column, "nullable", True)
    notes = [*["primary key"] * (column in mapper.primary_key), *["not null"] * (not nullable)]
    return _called(column.type), ", ".join(notes)


def _called(kind: object) -> str:
    """Return the name of a type, or what Python shows where only its own dialect can name it."""
    with suppress(UnsupportedCompilationError):
        return str(kind)
    return repr(kind)


def _targets(table: Table) -> Iterator[str]:
    for key in foreign_keys_of(table):
        targets = map(described_target, key.elements)
        yield f"{', '.join(key.column_keys)} -> {', '.join(targets)}"


def _referrers(table: Table) -> Iterator[str]:
    found = [
        (key.table.schema or "", key.table.name, key.column_keys) for key in foreign_keys_to(table)
    ]
    for schema, name, columns in sorted(found):
        yield f"{table_key(schema, name)} ({', '.join(columns)})"
