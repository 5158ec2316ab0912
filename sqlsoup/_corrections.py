"""What a correction of SQLAlchemy's reflection is, and what several of them do.

Each is a function in the module of its database.  It mends one kind of answer of an
:class:`sqlalchemy.Inspector` in place, and can be deleted alone when SQLAlchemy gives the right
answer.  Its docstring says what SQLAlchemy gives, what is right, and on which releases.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from sqlalchemy import Column, FetchedValue, Inspector

Answers = dict[tuple[str | None, str], Any]
"""What a ``get_multi_`` method gives: by schema and name of a table."""

Correction = Callable[[Inspector, str | None, Answers], None]
"""It is called with the Inspector, the schema that was asked for and the answers, which it changes.

The ``bind`` of the Inspector is the connection.
"""

Corrections = dict[str, tuple[Correction, ...]]
"""The corrections for a database by what they correct: ``"columns"``, ``"foreign_keys"`` ..."""

Answer = Callable[[Inspector, str | None, Collection[str]], Answers | None]
"""It answers in place of SQLAlchemy, of tables by name.

None leaves the answer to SQLAlchemy, be it that for a table or as a whole.
"""

PARTITION = "sqlsoup: partition"
"""In the ``info`` of a foreign key: its table is a partition of another."""
PARTS = "sqlsoup.parts"
"""In the ``info`` of a table: schema and name of the partitions of what it refers to."""


def foreign_keys_once(
    inspector: Inspector,  # noqa: ARG001
    schema: str | None,  # noqa: ARG001
    answers: Answers,
) -> None:
    """Leave out foreign keys that are there twice, with two names.

    SQLAlchemy (2.0, 2.1) gives both, but on SQLite.  One gives the relationship, under the name
    that it has by itself, and an association table with four such keys has two.
    """
    parts = "constrained_columns", "referred_schema", "referred_table", "referred_columns"
    for keys in answers.values():
        once = {repr([key[part] for part in parts]): key for key in reversed(keys)}
        keys[:] = reversed(once.values())


def kept_by(inspector: Inspector) -> dict[Any, Any]:
    """Return a dict for what corrections have asked, which lives as long as an Inspector."""
    kept: dict[Any, Any] = vars(inspector).setdefault("_sqlsoup_kept", {})
    return kept


def batch_of(inspector: Inspector) -> frozenset[str]:
    """Return the names of the tables that an Inspector will be asked for, where it was told."""
    batch: frozenset[str] = vars(inspector).get("_sqlsoup_batch", frozenset())
    return batch


def read_again(columns: Iterable[Column[Any]]) -> None:
    """Have columns read again after an UPDATE, but for keys, and for those that are anyway."""
    for column in columns:
        if not column.computed and not column.primary_key:
            column.server_onupdate = FetchedValue(for_update=True)


def keep(key: Iterable[Any]) -> None:
    """Have a key that was named not read again: a row is looked for by it, and may leave a view."""
    for column in key:
        if isinstance(column, Column):  # and not a name that only the mapper knows
            column.server_onupdate = None


def noted(item: Any, name: str) -> Any:
    """Return what the ``info`` of a table, a column or a key has under a name, or None.

    Asking for ``info`` makes a dict: 1 % of the memory of a small table and its class.
    """
    return vars(item).get("info", _NOTHING).get(name)


_NOTHING: dict[str, Any] = {}
MEDDLERS = "sqlsoup.meddlers"
"""In the ``info`` of a table: what triggers, rules or clauses of it may do to a new row.

REVISE is what they may do to a row that is changed: set other values than were given.
"""
IGNORE, CHANGE, REVISE = 1, 2, 4
COUNTS = "sqlsoup.counts"
"""In the ``info`` of a column: it counts by itself, and takes 0 for no value."""
RULED = "sqlsoup.ruled"
"""In the ``info`` of a table: a rule may refuse to say which rows an UPDATE or DELETE changes."""
SPARES = "sqlsoup.spares"
"""In the ``info`` of a table: a row that is deleted may stay, which is no mishap."""
TIMED = "sqlsoup.timed"
"""In the ``info`` of a column that may be of a key: SQL for the time that an UPDATE sets it to."""
