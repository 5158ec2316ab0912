"""Corrections of what SQLAlchemy reflects of PostgreSQL, and answers in its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import FetchedValue
from sqlalchemy.types import Integer

from sqlsoup._corrections import (
    CHANGE,
    IGNORE,
    MEDDLERS,
    PARTITION,
    PARTS,
    REVISE,
    RULED,
    SPARES,
    foreign_keys_once,
    read_again,
)
from sqlsoup._key_values import note_cuts
from sqlsoup._postgresql_facts import (
    COVERING,
    DELETED,
    INSERTED,
    OTHERS,
    UPDATED,
    Facts,
    facts,
    knows_facts,
    references_to,
    schemas_of,
    table_names,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from sqlalchemy import Inspector, Table

    from sqlsoup._corrections import Answer, Answers, Corrections

_NEXTVAL = re.compile(r"nextval\('([^']|'')+'::regclass\)")


def _tables(
    inspector: Inspector, schema: str | None, answers: Answers
) -> Iterator[tuple[list[dict[str, Any]], Facts]]:
    """Yield the columns of tables with what is known of them."""
    for key, known in facts(inspector, schema, [name for _, name in answers]).items():
        yield answers[key], known


def types(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Give columns the types by which their values can be read, compared and written.

    SQLAlchemy 2.0 and 2.1 give NullType for types that they do not know, so that rows cannot be
    inserted together; arrays of such types, which take the text of the driver apart; types of
    domains, which take no dict over jsonb and whose conditions warn on 2.1; and enums that raise
    LookupError for a value that was added later.
    """
    from sqlsoup._postgresql_types import corrected  # imports the dialect

    for columns, known in _tables(inspector, schema, answers):
        for column in columns:
            column["type"] = corrected(column["type"], known.types[column["name"]])


def views(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Leave what is not given for a new row of a view to the database.

    SQLAlchemy 2.0 and 2.1 reflect no defaults of a view, and then insert NULL where the table
    behind it, a rule or a trigger has a value.  Triggers do that on tables too.
    """
    for columns, known in _tables(inspector, schema, answers):
        for column in columns if known.kind == "v" or known.meddled else ():
            if column["default"] is None and not {"computed", "identity"} & column.keys():
                column["default"] = FetchedValue()


def mark_updates(inspector: Inspector, table: Table) -> None:
    """Have a row read again after an UPDATE or INSERT where a trigger or a view changes more.

    SQLAlchemy 2.0 and 2.1 show what was there before, or was given, also of a row that a trigger
    has ignored.
    """
    note_cuts(table, False)
    for known in facts(inspector, table.schema, [table.name]).values():
        if known.parts:
            table.info[PARTS] = known.parts
        updated = known.kind in "vf" or bool(known.changing & UPDATED)
        read_again(table.columns if updated else ())
        meddled = known.kind == "v" or known.meddled
        inserted = meddled or bool(known.changing & INSERTED)
        if meddlers := IGNORE * meddled | CHANGE * inserted | REVISE * updated:
            table.info[MEDDLERS] = meddlers
        if known.ruled:
            table.info[RULED] = True
        if known.ruled or known.changing & DELETED:
            table.info[SPARES] = True


def keys(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Tell which keys rise with the rows of an INSERT, and which do not.

    SQLAlchemy 2.0 and 2.1 insert the rows of a flush one by one where the key has a default, as
    that of a SERIAL column is reflected, and many with one statement where it is an identity; then
    they give out the keys in rising order.  The first is right, and slow, for every default.  The
    second is right, for both, where each key is higher than the one before: the sequence rises
    and does not cycle, and no trigger, rule or foreign table puts in another key.
    """
    for columns, known in _tables(inspector, schema, answers):
        generated = False
        for column in columns:
            if column["name"] in known.key:
                rises = not generated and not known.meddled and _rises(column, known)
                generated = generated or rises
                _leave_to_database(column, rises=rises)
            elif "identity" not in column:
                column["autoincrement"] = False


def _rises(column: dict[str, Any], known: Facts) -> bool:
    if "identity" in column:
        return column["identity"]["increment"] > 0 and not column["identity"]["cycle"]
    return (
        column["name"] in known.rising
        and isinstance(column["type"], Integer)
        and _NEXTVAL.fullmatch(str(column["default"])) is not None
    )


def _leave_to_database(column: dict[str, Any], *, rises: bool) -> None:
    """Have a part of a key made by the database, for many rows at once if it rises."""
    if rises:
        column["autoincrement"] = True
        if "identity" not in column:
            column["default"] = None
    elif column["default"] is not None or "identity" in column:
        column["autoincrement"] = False
        if column.pop("identity", None):
            column["default"] = FetchedValue()


_ACTIONS = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


def foreign_keys(
    inspector: Inspector, schema: str | None, names: Collection[str]
) -> Answers | None:
    """Return the foreign keys of tables.

    SQLAlchemy 2.0 and 2.1 take them out of the text of ``pg_get_constraintdef()``, in which a
    comma, dot or parenthesis of a name is taken for what is between names, and have those that
    PostgreSQL keeps for each partition of the table that a key refers to.
    """

    def keys(known: Facts) -> Any:
        return [_foreign_key(each, partition=known.partition) for each in known.foreign_keys]

    return _answered(inspector, schema, names, keys)


def _foreign_key(found: list[Any], *, partition: bool) -> dict[str, Any]:
    name, columns, schema, table, referred, *told, comment = found
    onupdate, ondelete, match, deferrable, deferred = told
    options: dict[str, Any] = {
        "onupdate": _ACTIONS.get(onupdate),
        "ondelete": _ACTIONS.get(ondelete),
        "match": "FULL" if match == "f" else None,
        "deferrable": deferrable or None,
        "initially": "DEFERRED" if deferred else None,
        "info": {PARTITION: True} if partition else None,
    }
    return {
        "name": name,
        "constrained_columns": columns,
        "referred_schema": schema,
        "referred_table": table,
        "referred_columns": referred,
        "options": {key: value for key, value in options.items() if value is not None},
        "comment": comment,
    }


def comments(inspector: Inspector, schema: str | None, names: Collection[str]) -> Answers | None:
    """Return the comments on tables; SQLAlchemy's are right, and cost a statement more."""
    return _answered(inspector, schema, names, lambda known: {"text": known.comment})


def primary_keys(
    inspector: Inspector, schema: str | None, names: Collection[str]
) -> Answers | None:
    """Return the primary keys of tables, but for those whose indexes cover other columns.

    SQLAlchemy's answer is right, and costs two statements more.
    """

    def key(known: Facts) -> Any:
        name, comment = known.key_names
        return {"constrained_columns": known.key, "name": name, "comment": comment}

    return _answered(inspector, schema, names, key, lambda known: known.indexed & COVERING)


def unique_keys(inspector: Inspector, schema: str | None, names: Collection[str]) -> Answers | None:
    """Return of tables without unique constraints that they have none: a statement less."""
    return _answered(inspector, schema, names, _none, lambda known: "u" in known.constraints)


def checks(inspector: Inspector, schema: str | None, names: Collection[str]) -> Answers | None:
    """Return of tables without check constraints that they have none: a statement less."""
    return _answered(inspector, schema, names, _none, lambda known: "c" in known.constraints)


def indexes(inspector: Inspector, schema: str | None, names: Collection[str]) -> Answers | None:
    """Return of tables with no index but that of the primary key that they have none.

    SQLAlchemy's answer is right, and costs two statements more, or three.
    """
    return _answered(inspector, schema, names, _none, lambda known: known.indexed & OTHERS)


def options(inspector: Inspector, schema: str | None, names: Collection[str]) -> Answers | None:
    """Return of tables without options like TABLESPACE that they have none: a statement less."""
    return _answered(inspector, schema, names, lambda _: {}, lambda known: not known.plain)


def _none(_known: Facts) -> Any:
    return []


def _answered(
    inspector: Inspector,
    schema: str | None,
    names: Collection[str],
    answer: Callable[[Facts], Any],
    unless: Callable[[Facts], object] = lambda _: False,
) -> Answers | None:
    """Return the answers for the tables that are there, None where the facts do not tell all."""
    if not knows_facts(inspector):
        return None
    known = facts(inspector, schema, names)
    return {key: None if unless(each) else answer(each) for key, each in known.items()}


RESERVED = frozenset(("collation", "concurrently", "lateral", "tablesample"))
"""Words that SQLAlchemy (2.0, 2.1) does not quote."""
CORRECTIONS: Corrections = {
    "columns": (types, views, keys),
    "foreign_keys": (foreign_keys_once,),
}
ANSWERS: dict[str, Answer] = {
    "check_constraints": checks,
    "foreign_keys": foreign_keys,
    "indexes": indexes,
    "pk_constraint": primary_keys,
    "table_comment": comments,
    "table_options": options,
    "unique_constraints": unique_keys,
}

__all__ = [
    "ANSWERS",
    "CORRECTIONS",
    "RESERVED",
    "mark_updates",
    "references_to",
    "schemas_of",
    "table_names",
]
