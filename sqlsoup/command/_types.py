"""Modules that tell editors and type checkers which tables and columns a database has."""

from __future__ import annotations

import ast
import sys
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from difflib import unified_diff
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.dialects.mysql import SET, TIME
from sqlalchemy.exc import DBAPIError, UnreflectableTableError
from sqlalchemy.orm import RelationshipDirection

from sqlsoup import NoSuchTableError, SQLSoupError
from sqlsoup.command._database import views_of
from sqlsoup.command._once import warnings_in_a_line
from sqlsoup.command._problems import FAILED, Problem, problem_of
from sqlsoup.command._target import target
from sqlsoup.command._types_source import (
    HEAD,
    Database,
    Member,
    Row,
    camel,
    class_names,
    is_name,
    source,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Column
    from sqlalchemy.orm import RelationshipProperty
    from sqlalchemy.types import TypeEngine

    from sqlsoup import SelectableClassType, SQLSoup

_TYPES: dict[object, str] = {
    **{plain: plain.__name__ for plain in (bool, bytes, float, int, str)},
    **{moment: f"datetime.{moment.__name__}" for moment in (date, datetime, time, timedelta)},
    Decimal: "decimal.Decimal",
    UUID: "uuid.UUID",
    list: "list[Any]",
}


def run(db: SQLSoup, file: str, *tables: str, check: bool) -> int:
    """Write a module, or compare it with the database; return the exit status."""
    path = Path(file)
    with warnings_in_a_line():
        if not check:
            for reason in write_types(db, path, tables):
                print(f"sqlsoup: left out: {reason}", file=sys.stderr)
            return 0
        differences = check_types(db, path, tables)
    if differences:
        print(*differences, sep="\n")
        print(f"sqlsoup: {path} differs from the database; write it again", file=sys.stderr)
    return FAILED if differences else 0


def write_types(db: SQLSoup, path: Path, tables: Iterable[str] = ()) -> list[str]:
    """Write a module whose class is used in place of SQLSoup.

    :param db: the database, with relationships if the module is to have them.
    :param path: the file to write.
    :param tables: names of tables and views; the default is all.
    :return: why a table or view is not in the module; one text for each that cannot be mapped.
    :raises Problem: this is no name of a module, or there is a file that is not such a one.
    :raises NoSuchTableError: there is no such table or view.
    :raises SQLSoupError: one that was named has no primary key.
    """
    name = _class_name(path)
    if path.exists() and not path.read_text("utf-8", "replace").startswith(HEAD):
        raise Problem(f"{path} is there and was not written by --types; give another name")
    database, left_out = _read(db, name, tables)
    with target(str(path)) as out:
        out.write(source(database, path.name))
    return left_out


def check_types(db: SQLSoup, path: Path, tables: Iterable[str] = ()) -> list[str]:
    """Compare a module with the database, and return the lines of a unified diff.

    How the module is formatted makes no difference.

    :param db: the database, as for :func:`write_types`.
    :param path: the file.
    :param tables: those that it was written for.
    :raises Problem: there is no such file.
    """
    name = _class_name(path)
    if not path.exists():
        raise Problem(f"there is no {path} to check; write it without --check first")
    database, _ = _read(db, name, tables)
    before, now = _lines(path.read_text("utf-8", "replace")), _lines(source(database, path.name))
    return list(unified_diff(before, now, str(path), "the database", lineterm=""))


def _lines(text: str) -> list[str]:
    try:
        return ast.unparse(ast.parse(text)).splitlines()
    except SyntaxError:
        return text.splitlines()


def _class_name(path: Path) -> str:
    if path.suffix != ".py" or not is_name(path.stem):
        raise Problem(f"{path} is no name of a module; give one like shop.py")
    return camel(path.stem)


def _read(db: SQLSoup, name: str, tables: Iterable[str]) -> tuple[Database, list[str]]:
    """Return what the module is to say, and why some tables are not in it."""
    classes: dict[str, SelectableClassType] = {}
    left_out: dict[str, str] = {}
    named = sorted(set(tables))
    for table in named or db:
        try:
            classes[table] = db[table]
        except (SQLSoupError, NoSuchTableError, UnreflectableTableError) as error:
            if named:
                raise
            left_out[table] = str(problem_of(error))
        except DBAPIError as error:  # as of a view in SQLite of a table that is gone
            if named or table not in views_of(db):
                raise
            left_out[table] = f"{table}: {problem_of(error)}"
    related_by = {table: dict(_relationships(cls)) for table, cls in classes.items()}
    members = [*(inspect(cls).columns.keys() for cls in classes.values()), *related_by.values()]
    names = class_names(classes, {name, *classes, *chain.from_iterable(members)})
    known = {cls: names[table] for table, cls in classes.items()}
    rows = [
        Row(
            table,
            names[table],
            attribute=is_name(table) and getattr(db, table, None) is cls,
            members=[
                *(Member(key, _column(column)) for key, column in inspect(cls).columns.items()),
                *(
                    Member(key, _relationship(prop, known), column=False)
                    for key, prop in related_by[table].items()
                ),
            ],
        )
        for table, cls in classes.items()
    ]
    related, keys = db._implied is not None, dict(sorted(db._primary_keys.items()))  # noqa: SLF001
    database = Database(name, db.schema, related, keys, rows, [*left_out])
    return database, [*left_out.values()]


def _column(column: Column[Any]) -> str:
    """Return the type of what a row has in a column."""
    kind: TypeEngine[Any] = column.type
    found: object = None
    # the values of the first are sets, and for SQLAlchemy strings; those of the second may be
    # times of day or durations
    if not isinstance(kind, SET | TIME):
        with suppress(NotImplementedError):
            found = kind.python_type
    spelled = _TYPES.get(found, "Any")
    return f"{spelled} | None" if column.nullable and spelled != "Any" else spelled


def _relationships(cls: SelectableClassType) -> Iterator[tuple[str, RelationshipProperty[Any]]]:
    """Yield the relationships that foreign keys imply, those to what cannot be mapped left out."""
    related, mapper = cls._sqlsoup.relationships, inspect(cls)
    if related is None:
        return
    for name in related.names(cls):
        with suppress(AttributeError):
            related.add(cls, name)
            yield name, mapper.relationships[name]


def _relationship(prop: RelationshipProperty[Any], known: Mapping[Any, str]) -> str:
    """Return the type of what a row has in a relationship."""
    other = known.get(prop.mapper.class_, "Any")
    if prop.uselist:
        return f"list[{other}]"
    always = prop.direction is RelationshipDirection.MANYTOONE and not any(
        column.nullable for column in prop.local_columns
    )
    return other if always or other == "Any" else f"{other} | None"
