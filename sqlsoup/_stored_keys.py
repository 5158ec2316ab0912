"""Keys of rows that are as the database stores them from the flush on that stores the row."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import (
    ColumnElement,
    Enum,
    Integer,
    String,
    TypeDecorator,
    cast,
    event,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.types import TEXT, UserDefinedType

from sqlsoup._key_values import AS_STORED, CUTS, EXACT, NOTHING, as_stored, is_sql
from sqlsoup._sa import FlushProcessor, watch_saved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection
    from sqlalchemy.orm import InstanceState, Mapper, Session

_AT_ONCE = 100
"""Of how many values one statement asks."""


class Rule(NamedTuple):
    """What is done to the values of a column of a key."""

    left: frozenset[type]
    """The types whose values come back as they are."""
    stored: Callable[[Any], Any]
    """Return a value as it is stored, as far as Python can tell."""
    sure: Callable[[Any], bool]
    """Tell if what that returned comes back as it is."""


def _rule_of(kind: Any) -> Rule | None:
    """Return what is done to the values of a key of a type, None where nothing is known of it."""
    known = getattr(kind, CUTS, None)
    while isinstance(kind, TypeDecorator) and not hasattr(kind, "as_key"):
        kind = kind.impl_instance
        known = getattr(kind, CUTS, known)
    if hasattr(kind, "as_key"):
        return Rule(NOTHING, kind.as_key, _always)
    if known is None:
        return None
    if isinstance(known, str):
        return _rule_of_sqlite(kind, known)
    stored = as_stored(kind, cuts=known)
    return Rule(EXACT.get(stored, NOTHING), stored, _sure(kind))


def _rule_of_sqlite(kind: Any, affinity: str) -> Rule:
    # this imports SQLAlchemy's dialect for SQLite
    from sqlsoup._sqlite_values import stored, with_all_digits

    of, left = _LEFT.get(affinity, (object, NOTHING))
    known = partial(stored, with_all_digits(kind), affinity)
    return Rule(left if isinstance(kind, of) else NOTHING, known, _always)


_LEFT: dict[str, tuple[type, frozenset[type]]] = {
    "TEXT": (String, NOTHING | {str}),
    "INTEGER": (Integer, NOTHING | {int}),
}
"""What comes back as it is from a column of an affinity, if it has one of these types."""


def _always(_value: object) -> bool:
    return True


def _sure(kind: Any) -> Callable[[Any], bool]:
    """Return what tells if a value comes back from a server as it is."""
    made: Any = object  # of a type that does not tell, as SQLAlchemy 2.1 has it
    with suppress(NotImplementedError):
        made = kind.python_type
    if made is object or isinstance(kind, UserDefinedType) or hasattr(kind, AS_STORED):
        return lambda _: False
    if made is timedelta and (kind.precision is not None or kind.fields):
        return lambda _: False
    if made in {datetime, time}:
        zoned = bool(kind.timezone)
        return lambda value: isinstance(value, made) and zoned == (value.tzinfo is not None)
    equal: dict[Any, Any] = {bool: (bool, int), Decimal: (Decimal, int), float: (float, int)}
    sure = equal.get(made, made)
    return lambda value: isinstance(value, sure)


class StoredKeys(FlushProcessor):
    """Has each key be what is stored for it, in the type of that, so that a row is one object.

    Python knows what most values become.  The database is asked for the others before the rows are
    stored, and is sent what was given: what a driver returns for that may be another (an interval).
    """

    def __init__(self, mapper: Mapper[Any]) -> None:
        super().__init__(mapper)
        self._rules = [
            (mapper.get_property_by_column(column).key, column.type, rule)
            for column in mapper.primary_key
            if (rule := _rule_of(column.type))
        ]

    def begin(self, flush: Any) -> None:
        if self._rules:
            watch_saved(flush, self)

    def sort(self, flush: Any, states: Iterable[Any], *, deletes: bool) -> None:
        if deletes:
            return
        unsure: list[Any] = []
        for name, kind, rule in self._rules:
            for row in states:
                value = row.dict.get(name)
                if value.__class__ in rule.left or is_sql(value):
                    continue
                if row.key is None or name in row.committed_state:
                    row.dict[name] = value = _stored(rule, value)
                    if not rule.sure(value):
                        unsure.append((row, name, kind, rule, value))
        if unsure:
            self._ask(flush.session, unsure)

    def _ask(self, session: Session, unsure: list[Any]) -> None:
        connection = session.connection(bind_arguments={"mapper": self.parent})
        ask = _of_postgresql if connection.dialect.name == "postgresql" else _of_mariadb
        questions = [(each, ask(each[2], each[4])) for each in unsure]
        asked = [(each, question) for each, question in questions if question is not None]
        for start in range(0, len(asked), _AT_ONCE):
            batch = asked[start : start + _AT_ONCE]
            found = connection.execute(select(*(question for _, question in batch))).one()
            for ((row, name, _, rule, value), _), stored in zip(batch, found, strict=True):
                if stored is not None:  # MariaDB makes nothing of some text
                    _ASKED.setdefault(row, {})[name] = value, _stored(rule, stored)
        if asked:
            event.listen(self.parent, "after_insert", self._stored, raw=True)
            event.listen(self.parent, "after_update", self._stored, raw=True)

    def _stored(self, _mapper: object, _connection: Connection, row: Any) -> None:
        for name, (value, stored) in _ASKED.pop(row, {}).items():
            if row.dict.get(name) is value:
                row.dict[name] = stored


_ASKED: WeakKeyDictionary[InstanceState[Any], dict[str, tuple[Any, Any]]] = WeakKeyDictionary()
"""What was given and what is stored for the keys of rows of which the database was asked."""


def _stored(rule: Rule, value: Any) -> Any:
    try:
        return rule.stored(value)
    except (ArithmeticError, TypeError, ValueError):
        return value  # only the database can tell what it is


def _of_postgresql(kind: Any, value: Any) -> ColumnElement[Any]:
    """Return what gives a value as a column has it, none of which is cut off."""
    text = isinstance(kind, String) and not isinstance(kind, Enum)
    target = getattr(kind, AS_STORED, TEXT() if text else kind)
    return type_coerce(cast(literal(value, kind), target), kind)


def _of_mariadb(kind: Any, value: Any) -> ColumnElement[Any] | None:
    """Return the same where an expression does what a column does."""
    given = literal(value, kind)
    if getattr(kind, "name", None) in {"inet4", "inet6"}:
        return func.inet6_ntoa(func.inet6_aton(given))
    if kind.__visit_name__ == "TIMESTAMP":  # SQLAlchemy drops its digits
        return func.timestamp(given, type_=kind)
    return cast(given, kind) if kind.__visit_name__ in {"DATE", "DATETIME", "TIME"} else None
