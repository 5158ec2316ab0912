"""Corrections of what SQLAlchemy reflects of MariaDB and MySQL.

SQLAlchemy (2.0, 2.1) reads the text that SHOW CREATE TABLE gives line by line, with regular
expressions, and leaves out or cuts short what these do not foresee.  What is right is in the
information_schema, of which :mod:`sqlsoup._mariadb_facts` asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import FetchedValue, text
from sqlalchemy.types import NullType

from sqlsoup._corrections import (
    CHANGE,
    COUNTS,
    MEDDLERS,
    REVISE,
    TIMED,
    foreign_keys_once,
    read_again,
)
from sqlsoup._key_values import note_cuts
from sqlsoup._mariadb_facts import Column, Facts, facts
from sqlsoup._mariadb_references import references_to, schemas_of
from sqlsoup._mariadb_types import DOUBLE, ENUM, FLOAT, exact, type_of
from sqlsoup.exc import SQLSoupError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Inspector, Table

    from sqlsoup._corrections import Answer, Answers, Corrections

_Reflected = dict[str, Any]


def _each(
    inspector: Inspector, schema: str | None, answers: Answers
) -> Iterator[tuple[tuple[str | None, str], Any, Facts]]:
    known = facts(inspector, schema, [name for _, name in answers])
    for key, answer in answers.items():
        yield key, answer, known[key]


def _unquoted(inspector: Inspector, names: list[str]) -> list[str]:
    """Return names of which SQLAlchemy has left the quotes in them doubled.

    They are backticks, or double quotes where the ``sql_mode`` has ANSI_QUOTES.
    """
    quote = _quote(inspector)
    return [name.replace(quote * 2, quote) for name in names]


def _quote(inspector: Inspector) -> str:
    return inspector.dialect.identifier_preparer.initial_quote


def read_bytes(inspector: Inspector, schema: str | None, names: Collection[str]) -> None:
    """Have SQLAlchemy read tables with defaults of bytes, and leave the answer to it.

    The server writes the bytes as they are, and where they are no UTF-8 the driver stops in the
    middle of them, with SQLAlchemy 2.0 and 2.1.  When the results are of another character set it
    writes a question mark, and names and comments have no character that ``utf8mb3`` has not.
    """
    connection: Any = inspector.bind
    known = facts(inspector, schema, names)
    unread = [
        name for (_, name), each in known.items() if any(map(_of_bytes, each.columns.values()))
    ]
    before = connection.exec_driver_sql(_RESULTS).scalar() if unread else ""
    if before.startswith("utf8"):
        connection.exec_driver_sql("SET character_set_results = utf8mb3")
        try:
            for name in unread:  # SQLAlchemy keeps the text that it reads for this
                inspector.get_table_options(name, schema)
        finally:
            connection.exec_driver_sql(f"SET character_set_results = {before}")


_RESULTS = "SELECT @@character_set_results"


def _of_bytes(column: Column) -> bool:
    """Tell if the default of a column is of bytes, some of which are a question mark as text."""
    literal = (column.default or "").startswith("'") and "?" in str(column.default)
    return literal and ("binary" in column.type or "blob" in column.type)


def correct_columns(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Give columns the names, defaults, expressions and types that they have.

    SQLAlchemy (2.0, 2.1) leaves quotes in names doubled, as percent signs in those of views, and
    columns with a line break in their names out; loses defaults like ``b'1'`` and ``nextval(s)``,
    those of INVISIBLE and COMPRESSED columns, AUTO_INCREMENT among them, and, on MariaDB,
    expressions; does not know columns that are GENERATED ALWAYS AS ROW START or END for generated
    ones, and says that all columns of views may be NULL.
    """
    for (where, name), found, known in _each(inspector, schema, answers):
        if not found and known.ansi and _quote(inspector) == "`":
            raise SQLSoupError(
                f"SQLAlchemy cannot read the columns of {name!r}: the sql_mode has ANSI_QUOTES, "
                "and had not when the engine first connected; set it with init_command, or in a "
                "listener to 'connect' with insert=True"
            )
        # it has neither keys nor an engine, which a sql_mode may leave out for tables as well
        known.view = not (known.unique or inspector.get_table_options(name, where))
        names = _unquoted(inspector, [column["name"] for column in found])
        if known.view and inspector.dialect.paramstyle in {"format", "pyformat"}:
            names = [column.replace("%%", "%") for column in names]
        reflected = dict(zip(names, found, strict=True))
        if _hides(reflected, known):
            known.forget()
        if reflected.keys() <= known.columns.keys():
            columns = [
                _corrected(inspector, key, reflected.get(key), column)
                for key, column in known.columns.items()
            ]
        else:  # a temporary table
            columns = [
                {**column, "name": key, "type": exact(column["type"], "")}
                for key, column in reflected.items()
            ]
        leave_to_database(columns, known)
        answers[where, name] = columns


def _hides(reflected: Collection[str], known: Facts) -> bool:
    """Tell if a table is a temporary one, of which the catalog knows nothing, before another.

    Its columns are not those of the other, or in another order.
    """
    seen = [name for name in known.columns if name in reflected or "\n" not in name]
    return seen != [*reflected]


def _corrected(
    inspector: Inspector, name: str, found: _Reflected | None, column: Column
) -> _Reflected:
    known = inspector.dialect.ischema_names  # type: ignore[attr-defined]
    answer = found or {"type": NullType(), "default": None}
    kind = answer["type"]
    if isinstance(kind, NullType):  # as of mariadb_schema.date, with sql_mode=ORACLE
        kind = type_of(column.type, known)
    answer = {
        **answer,
        "name": name,
        "type": exact(kind, column.type),
        "nullable": column.nullable,
        "comment": column.comment or None,
        "autoincrement": "auto_increment" in column.extra.lower(),
    }
    if column.expression:
        stored = "VIRTUAL" not in column.extra.upper()
        computed = {"sqltext": column.expression, "persisted": stored}
        answer = {"computed": computed, **answer, "default": None}
    elif _of_bytes(column):
        answer["default"] = FetchedValue()
    elif answer["default"] is None and column.default not in (None, "NULL"):
        answer["default"] = text(str(column.default).replace(":", r"\:"))
    return answer


def leave_to_database(columns: list[_Reflected], known: Facts) -> None:
    """Have columns that are not given take what the database makes of them, and read that.

    Behind a view are the defaults of a table, a trigger gives values, the defaults of temporary
    tables are in no catalog, an ENUM that is NOT NULL has its first value, and where the
    ``sql_mode`` is not strict other types have one too.  SQLAlchemy (2.0, 2.1) inserts NULL.  Of
    that AUTO_INCREMENT makes a value outside of the primary key too, which SQLAlchemy does not
    read.

    It gives the keys that AUTO_INCREMENT makes for many rows out in rising order, which is wrong
    where a trigger sets them, or where they are counted within another column of the key (MyISAM).
    With something to fetch it inserts the rows one by one.
    """
    primary = known.unique.get("PRIMARY", ())
    for column in columns:
        if "computed" in column:
            continue
        outside = bool(known.columns) and column["name"] not in primary
        if column.get("autoincrement") is True:
            counted_within = bool(known.columns) and column["name"] not in known.leading
            # SQLAlchemy 2.1 refuses a table that counts in floats
            floats = isinstance(column["type"], DOUBLE | FLOAT)
            column["autoincrement"] = not floats
            unknown = "INSERT" in known.triggers or counted_within or floats or outside
        else:
            implied = known.lax or isinstance(column["type"], ENUM)
            first = implied and not column["nullable"] and outside
            told = known.columns and "INSERT" not in known.triggers and not first
            unknown = known.view or (column["default"] is None and not told)
        if unknown:
            column["default"] = FetchedValue()


def mark_updates(inspector: Inspector, table: Table) -> None:
    """Have columns with ON UPDATE read again after an UPDATE, and all if a trigger changes a row.

    So may all of a view, whose columns need not be those of a table.  A key with ON UPDATE is set
    to the time, as the row would not be found again.  For 0 a column that is AUTO_INCREMENT has the
    next number.  SQLAlchemy (2.0, 2.1) does not know of any of this.
    """
    known = facts(inspector, table.schema, [table.name])[table.schema, table.name]
    every = known.view or "UPDATE" in known.triggers
    timed = {name for name, each in known.columns.items() if "on update" in each.extra.lower()}
    updated = known.columns if every else timed
    read_again(column for column in table.columns if column.name in updated)
    for column in table.primary_key or table.columns:
        if column.name in timed:
            digits: Any = column.type
            column.info[TIMED] = f"CURRENT_TIMESTAMP({digits.fsp or 0})"
    dialect: Any = inspector.dialect
    note_cuts(table, dialect.is_mariadb and not known.rounds)
    for column in table.columns if not known.nought else ():
        if column.autoincrement is True:
            column.info[COUNTS] = True
    if meddlers := CHANGE * (known.view or "INSERT" in known.triggers) | REVISE * every:
        table.info[MEDDLERS] = meddlers


def correct_primary_key(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Give the columns of a primary key.

    SQLAlchemy (2.0, 2.1) stumbles over backticks and parentheses in names and over WITHOUT
    OVERLAPS, and includes the column that says until when a row of a versioned table was valid.
    """
    for _, found, known in _each(inspector, schema, answers):
        columns = known.unique.get("PRIMARY") or _unquoted(inspector, found["constrained_columns"])
        found["constrained_columns"] = [name for name in columns if name not in known.periods]


def correct_indexes(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Give the columns of indexes, as for the primary key."""
    for key, found, known in _each(inspector, schema, answers):
        answers[key] = corrected = []
        for answer in found:
            columns = known.unique.get(answer["name"]) or _unquoted(
                inspector, answer["column_names"]
            )
            names = [name for name in columns if name not in known.periods]
            corrected.append({**answer, "column_names": names})


def correct_unique_keys(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Give all unique constraints; SQLAlchemy (2.0, 2.1) leaves out those that it cannot read."""
    correct_indexes(inspector, schema, answers)
    for _, found, known in _each(inspector, schema, answers):
        names = {"PRIMARY", *(answer["name"] for answer in found)}
        found.extend(
            {"name": name, "column_names": [one for one in columns if one not in known.periods]}
            for name, columns in known.unique.items()
            if name not in names
        )


def correct_foreign_keys(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Give all foreign keys, and what they refer to.

    SQLAlchemy (2.0, 2.1) leaves out those that have backticks or parentheses in the name of a table
    or column.  It gives the schema of those that refer from another database to the default one,
    whose tables have none.
    """
    for key, found, known in _each(inspector, schema, answers):
        options = {answer["name"]: answer["options"] for answer in found}
        answers[key] = [answer for answer in found if answer["name"] not in known.foreign] + [
            {
                "name": name,
                "constrained_columns": [target.column for target in targets],
                "referred_schema": _referred_schema(inspector, schema, targets[0].schema),
                "referred_table": targets[0].table,
                "referred_columns": [target.referred for target in targets],
                "options": options.get(name, {}),
            }
            for name, targets in known.foreign.items()
        ]


def _referred_schema(inspector: Inspector, schema: str | None, name: str) -> str | None:
    if name == schema:
        return schema
    return None if name == inspector.default_schema_name else name


RESERVED = frozenset(
    (
        "delete_domain_id",
        "master_demote_to_replica",
        "master_demote_to_slave",
        "portion",
        "value",  # as the name of a table
    )
)
"""Words that SQLAlchemy (2.0, 2.1) does not quote."""
CORRECTIONS: Corrections = {
    "columns": (correct_columns,),
    "pk_constraint": (correct_primary_key,),
    "foreign_keys": (correct_foreign_keys, foreign_keys_once),
    "indexes": (correct_indexes,),
    "unique_constraints": (correct_unique_keys,),
}
ANSWERS: dict[str, Answer] = {"columns": read_bytes}

__all__ = ["ANSWERS", "CORRECTIONS", "RESERVED", "mark_updates", "references_to", "schemas_of"]
