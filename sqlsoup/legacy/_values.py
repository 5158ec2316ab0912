"""Values of columns as SQLAlchemy 1.3 gave them, where SQLSoup gives others now.

A column has one of these types when its table is reflected while the module is enabled.  The types
of a database are in a module of its own, since it imports SQLAlchemy's dialect.  What 1.3 could not
read, and what it took apart, comes as it does without the module.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import processors
from sqlalchemy.types import TypeEngine, Uuid

from sqlsoup import _mariadb, _postgresql, _sqlite
from sqlsoup._postgresql_facts import facts
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import plan, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Inspector, Table

    from sqlsoup._corrections import Answers

    Place = tuple[str | None, str, str]


DAY = r"\s*(\d{1,4})-(\d{1,2})-(\d{1,2})"
HOUR = r"\s*(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?"
"""How a text of SQLite begins that 1.3 read; what comes after it did not matter."""


class OfColumn(TypeEngine[Any]):
    """What types of old values have: the place of their column, and whether it has been noted."""

    where = ""
    """The name of the column; what is calculated has none."""
    told: Any = frozenset()

    def adapt(self, cls: Any, **kw: Any) -> Any:
        """Keep both where SQLAlchemy makes a type of its own for the dialect."""
        adapted: Any = super().adapt(cls, **kw)
        adapted.where, adapted.told = self.where, self.told
        return adapted

    def of(self, where: str) -> Any:
        """Return the type, which now knows the name of its column."""
        self.where, self.told = where, set()
        return self

    def noted(self, value: Any) -> Any:
        """Return the value as the driver gives it, and note that."""
        if value is not None:
            self.note_value()
        return value

    def note_value(self) -> None:
        """Note, once a column, that the program gets another value than without the module."""
        if self.where and "value" not in self.told:
            self.told.add("value")
            note("value", old=f"a value of {self.where} as SQLAlchemy 1.3 gave it")


def as_reflected_then(table: Table) -> None:
    """Give a table that a program has reflected by an old form the values that it had then."""
    for column in table.columns:
        kind: Any = column.type
        if isinstance(kind, Uuid) or type(kind).__module__.startswith(_POSTGRESQL):
            from sqlsoup.legacy._values_postgresql import of_known

            column.type = of_known(kind, str(column))


_POSTGRESQL = "sqlalchemy.dialects.postgresql."


def _columns(answers: Answers) -> Iterator[tuple[Place, Any]]:
    for (schema, table), columns in answers.items():
        for column in columns:
            yield (schema, table, column["name"]), column


def _where(place: Place) -> str:
    return ".".join(filter(None, place))


def _on_sqlite(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    from sqlsoup.legacy._values_sqlite import as_then

    found = {place: column["type"] for place, column in _columns(answers)}
    _correct(_sqlite, inspector, schema, answers)
    for place, column in _columns(answers):
        column["type"] = as_then(column["type"], found[place], _where(place))


def _on_mariadb(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    from sqlsoup.legacy._values_mariadb import as_then

    _correct(_mariadb, inspector, schema, answers)
    for place, column in _columns(answers):
        column["type"] = as_then(column["type"], _where(place))


def _on_postgresql(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    from sqlsoup.legacy._values_postgresql import as_then

    _correct(_postgresql, inspector, schema, answers)
    for table, known in facts(inspector, schema, [name for _, name in answers]).items():
        for place, column in _columns({table: answers[table]}):
            steps = known.types[column["name"]]
            column["type"] = as_then(column["type"], steps, _where(place))


def _correct(module: Any, *answers: Any) -> None:
    for correct in _before[module]:
        correct(*answers)


_before: dict[Any, tuple[Callable[..., None], ...]] = {}
"""The corrections of columns that there were, by module."""


@plan
def _old_types() -> None:
    for module, correction in (
        (_sqlite, _on_sqlite),
        (_mariadb, _on_mariadb),
        (_postgresql, _on_postgresql),
    ):
        before: Any = module.CORRECTIONS
        _before[module] = before["columns"]
        replace(module, "CORRECTIONS", {**before, "columns": (correction,)})


@plan
def _old_texts() -> None:
    for name, python, pattern in (
        ("str_to_date", date, DAY),
        ("str_to_datetime", datetime, DAY + HOUR),
        ("str_to_time", time, HOUR),
    ):
        read = getattr(processors, name)
        replace(processors, name, _reading(read, python, re.compile(pattern, re.ASCII)))


def _reading(read: Callable[[Any], Any], python: Any, begins: re.Pattern[str]) -> Any:
    """Return what reads a text of SQLite, and where it is an error now, as 1.3 did.

    Columns that SQLSoup reflects have types of their own.
    """

    def process(value: Any) -> Any:
        try:
            return read(value)
        except ValueError:
            found = begins.match(value)
            if found is None:
                raise
            note("value", old=_TEXT, instead="a text that fromisoformat() reads")
            return python(*map(int, found.groups("0")))

    return process


_TEXT = "a date or time of SQLite in a form that SQLAlchemy 1.3 read"
