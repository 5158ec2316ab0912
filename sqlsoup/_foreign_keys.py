"""The foreign keys of Tables: what they refer to, found late, dangling or postponed."""

from __future__ import annotations

import threading
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

from sqlalchemy import ForeignKey, ForeignKeyConstraint, MetaData, Table
from sqlalchemy import exc as sa_exc
from sqlalchemy.types import NullType

from sqlsoup import _sa
from sqlsoup._corrections import PARTITION
from sqlsoup._locks import locked, under
from sqlsoup._weak import Named, add_weakly, alive
from sqlsoup.exc import mention

guard = threading.RLock()
"""Held while a MetaData is changed or looked at closely, and never during a round trip."""


class Notes:
    """What is to be known of the tables of a MetaData; kept in its ``info``."""

    def __init__(self) -> None:
        self.spelled: dict[str, str] = {}
        """The names of tables by keys that spell them in another case."""
        self.turns: WeakValueDictionary[str, Any] = WeakValueDictionary()
        """The lock of the last thread that began to reflect a table, by the key of the table."""
        self.tables: WeakKeyDictionary[Table, int] = WeakKeyDictionary()
        """Flags, ``REFLECTED`` here and ``SETTLED``: one dict takes less memory than two sets."""
        self.referrers: Named[ForeignKeyConstraint] = {}
        """The foreign keys by what they refer to."""
        self.postponed: WeakSet[ForeignKeyConstraint] = WeakSet()
        """Those whose ``use_alter`` was set here."""
        self.given_up: WeakSet[ForeignKeyConstraint] = WeakSet()
        """Those with a missing target, of which there was a warning."""

    def add(self, table: Table, what: int) -> None:
        """Set a flag of a table."""
        self.tables[table] = self.tables.get(table, 0) | what

    def tells(self, table: Table, what: int) -> bool:
        """Tell if a flag of a table is set."""
        return bool(self.tables.get(table, 0) & what)


REFLECTED, SETTLED = 1, 2


@under(guard)
def notes_of(metadata: MetaData) -> Notes:
    """Return the notes on a MetaData, which are made at the first call."""
    notes: Notes | None = metadata.info.get("sqlsoup")
    if notes is None:
        notes = metadata.info["sqlsoup"] = Notes()
    return notes


def is_given_up(key: ForeignKey) -> bool:
    """Tell if there was a warning that the target of a foreign key is missing."""
    return key.constraint in notes_of(key.parent.table.metadata).given_up


def give_up(key: ForeignKey) -> None:
    """Warn that the target of a foreign key is missing, and note it."""
    constraint: Any = key.constraint
    notes_of(key.parent.table.metadata).given_up.add(constraint)
    target = table_key(*target_of(key))
    mention(f"{key.parent} refers to {target!r}, which is not there or may not be read")


def table_key(schema: str | None, name: str) -> str:
    """Return the key of a table in its MetaData."""
    return f"{schema}.{name}" if schema else name


def target_of(key: ForeignKey) -> tuple[str | None, str]:
    """Return schema and name of the table that a foreign key refers to."""
    tokens: Any = getattr(key, "target_tokens", None)  # SQLAlchemy 2.0 has only a string
    prefix, name = (
        tokens[:2] if tokens else key.target_fullname.rpartition(".")[0].rpartition(".")[::2]
    )
    return prefix or key.parent.table.metadata.schema, name


def foreign_keys_of(table: Table) -> list[ForeignKeyConstraint]:
    """Return the foreign keys of a table in the order of its columns."""
    places = {column: place for place, column in enumerate(table.c)}
    return sorted(
        table.foreign_key_constraints, key=lambda key: [places[e.parent] for e in key.elements]
    )


def foreign_keys_to(table: Table) -> list[ForeignKeyConstraint]:
    """Return the foreign keys that refer to a table, of the tables that are in its MetaData.

    Those of partitions are left out, since the partitioned table has the same ones.
    """
    found = locked(guard, alive, notes_of(table.metadata).referrers.get(table.key, ()))
    tables = table.metadata.tables
    return [k for k in found if tables.get(k.table.key) is k.table and not _sa.noted(k, PARTITION)]


def described_target(key: ForeignKey) -> str:
    """Return the name of the column that a foreign key refers to, with table and schema."""
    tokens: Any = getattr(key, "target_tokens", None)
    return key.target_fullname if tokens is None else ".".join(filter(None, tokens))


def target_column(key: ForeignKey) -> str:
    """Return the name of the column that a foreign key refers to, without its table."""
    return described_target(key).rpartition(".")[2]


@under(guard)
def settle(table: Table) -> None:
    """Make a table, reflected or the user's own, fit for the ORM's unit of work.

    Primary key columns are not nullable: SQLite says they are, and SQLAlchemy then refuses two new
    rows in one flush.  A foreign key whose target is not in the MetaData is marked ``use_alter``,
    which takes it out of the sorting of tables at a flush; otherwise the flush would fail for lack
    of a table that it does not touch.  Foreign keys that wait for this table, or referred to an
    earlier one in its place, refer to it from now on.
    """
    for column in table.primary_key:
        column.nullable = False
    notes = notes_of(table.metadata)
    constraints = table.foreign_key_constraints
    if not notes.tells(table, SETTLED):
        for constraint in constraints:
            for key in constraint.elements:
                add_weakly(notes.referrers, table_key(*target_of(key)), constraint)
        referrers = alive(notes.referrers.get(table.key, ()))
        for constraint in referrers:
            for key in constraint.elements:
                _renew(key)
        constraints = constraints.union(referrers)
        notes.add(table, SETTLED)  # last, so that an interrupt leaves nothing out
    for constraint in constraints:
        if not constraint.use_alter or constraint in notes.postponed:
            constraint.use_alter = not all(resolves(key) for key in constraint.elements)
            if constraint.use_alter:
                notes.postponed.add(constraint)


def _renew(key: ForeignKey) -> None:
    """Have a foreign key look for its column again; the earlier one stays if there is none."""
    key.parent.foreign_keys.add(key)  # an interrupt may have kept it out
    before = _sa.forget_target(key)
    if before is not None and not resolves(key):
        _sa.set_target(key, before)


def follows(key: ForeignKey) -> bool:
    """Tell if the target of a foreign key is there, for a key that the column of an alias has too.

    Such a copy that was made before the target was there would not find it any more, and neither
    would the key of a table that was forgotten since.
    """
    if not resolves(key) and key.constraint is not None:
        for original in key.constraint.elements:
            if described_target(original) == described_target(key) and resolves(original):
                _sa.set_target(key, original.column)
    table = key.parent.table
    if not resolves(key) and isinstance(table, Table):
        target = table.metadata.tables.get(table_key(*target_of(key)))
        if target is not None and target_column(key) in target.columns:
            _sa.set_target(key, target.columns[target_column(key)])
    return resolves(key)


@under(guard)
def resolves(key: Any) -> bool:
    """Tell if the target of a foreign key is there; its column then has a type in any case."""
    try:
        target = key.column
    except sa_exc.InvalidRequestError:  # no such table or column, or it was just forgotten
        return False
    if isinstance(key.parent.type, NullType):
        key.parent.type = target.type
    return True
