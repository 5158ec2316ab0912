"""Corrections of what SQLAlchemy reflects of SQLite, and answers in its place.

It parses the text of CREATE TABLE for much of what PRAGMAs tell; see :mod:`sqlsoup._sqlite_facts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import FetchedValue, text
from sqlalchemy.types import Integer, NullType, String

from sqlsoup._compare import loosen
from sqlsoup._corrections import CHANGE, IGNORE, MEDDLERS, REVISE, SPARES
from sqlsoup._key_values import note_cuts
from sqlsoup._sqlite_facts import (
    CHANGED,
    COLLATE,
    MORE,
    Target,
    affinity,
    columns_of,
    folded,
    has_word,
    ignores_rows,
    indexes_of,
    references_to,
    schemas_of,
    spelled,
    table_names,
    targets_of,
)
from sqlsoup.exc import mention

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Inspector, Table

    from sqlsoup._corrections import Answer, Answers, Corrections


class OfView(FetchedValue):
    """The default of a column of a view: what its trigger makes of a column that is not given."""


def is_virtual(connection: Any, table: Table) -> bool:
    """Tell if a table is a virtual one, which has no page in the database."""
    place = connection.dialect.identifier_preparer.quote(table.schema or "main")
    statement = f"SELECT rootpage FROM {place}.sqlite_master WHERE name = ? AND type = 'table'"  # noqa: S608
    return bool(connection.exec_driver_sql(statement, (table.name,)).scalar() == 0)


def _nameless(inspector: Inspector, schema: str | None, answers: Answers) -> None:  # noqa: ARG001
    """Leave out a column whose name is empty, as a table made from a file of CSV may have one.

    SQLAlchemy, in all releases, cannot make it, and refuses the whole table.
    """
    for (_, table), found in answers.items():
        named = [column for column in found if column["name"]]
        if len(named) < len(found):
            found[:] = named
            mention(
                f"{'.'.join(filter(None, (schema, table)))}: the column without a name is left "
                'out; ALTER TABLE ... RENAME COLUMN "" TO ... gives it one'
            )


def _types(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Give columns the types that can read what SQLite holds.

    SQLAlchemy, in all releases, gives a column of a type name that nobody knows ``NUMERIC``, which
    cannot read text; it takes the arguments of ``DATETIME(6)`` for its own, which cannot write
    then; and its types fail at values that SQLite takes for them, or change them.  Nor does it know
    of the collation of a column, which may find ``Ada`` and ``ADA`` equal: of ``VARCHAR(10, 2)`` it
    takes the second argument for one, whose type has no name then.
    """
    for (_, table), found in answers.items():
        declared = {row.column: row.type for row in columns_of(inspector, schema, table)}
        collations: dict[str, str] = {}
        loose = has_word(inspector, schema, table, COLLATE)
        if loose:
            indexes = indexes_of(inspector, schema, table)
            collations = {row.column: row.coll for row in indexes if row.origin != "c"}
        for column in found:
            name = column["name"]
            where = ".".join(filter(None, (schema, table, name)))
            if not isinstance(column["type"], Integer | String):
                from sqlsoup._sqlite_types import mended  # it takes a millisecond, and is for few

                column["type"] = mended(
                    column["type"], declared.get(name, ""), where, inspector.dialect
                )
            elif isinstance(column["type"], String):
                column["type"].collation = None
            of_text = loose and isinstance(column["type"], String | NullType)
            if of_text and collations.get(name) != "BINARY":
                loosen(column["type"], collations.get(name, ""), "BINARY")


def _keys(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Expect no value for a primary key that SQLite does not generate.

    SQLAlchemy, in all releases, takes each key of one integer for the rowid and a value for it is
    read back.  Only ``INTEGER PRIMARY KEY`` is the rowid, for which there is no index: not ``INT``,
    not with ``DESC``, and not in a table ``WITHOUT ROWID``.  And a row that the table or a trigger
    ignores has no rowid; it gets that of another row, the last that was stored, unless it is asked
    for by RETURNING.
    """
    for (_, table), found in answers.items():
        keys = [column for column in found if column["primary_key"]]
        if keys and any(row.origin == "pk" for row in indexes_of(inspector, schema, table)):
            for column in keys:
                column["autoincrement"] = False
        elif keys and ignores_rows(inspector, schema, table):
            keys[0].update(autoincrement=False, default=FetchedValue())


def _views(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Have columns of a view left out of an INSERT that gives them no value.

    SQLAlchemy, in all releases, sees no default there and inserts NULL, so that what the trigger of
    the view, or the table behind it, would make of no value is never asked for.
    """
    for (_, table), found in answers.items():
        if any(row.kind == "view" for row in columns_of(inspector, schema, table)):
            for column in found:
                column["default"] = OfView()


def mark_updates(inspector: Inspector, table: Table) -> None:
    """Have the columns of a view read anew after an INSERT, and all after an UPDATE.

    RETURNING, which SQLAlchemy uses in all releases, gives what was sent to the trigger of a view,
    and not what that made of it.  And a row that was ignored, or that a trigger of its table has
    changed afterwards, shows what was given.
    """
    rows = columns_of(inspector, table.schema, table.name)
    note_cuts(table, {row.column: affinity(row) for row in rows})
    if is_view(table):
        table.implicit_returning = False
        for column in table.columns:
            column.server_onupdate = OfView(for_update=True)
        table.info.update({MEDDLERS: CHANGE | REVISE, SPARES: True})
        return
    changed = has_word(inspector, table.schema, table.name, CHANGED)
    ignored = ignores_rows(inspector, table.schema, table.name)
    if meddlers := (CHANGE | REVISE) * changed | IGNORE * ignored:
        table.info[MEDDLERS] = meddlers
    if ignored:
        table.info[SPARES] = True


def is_view(table: Any) -> bool:
    """Tell if a table is in fact a view of SQLite."""
    return any(isinstance(column.server_default, OfView) for column in table.columns)


def _foreign_keys(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Give foreign keys the tables and columns that SQLite finds, and leave out what leads nowhere.

    SQLAlchemy, in all releases, spells tables and columns as the key does, where SQLite finds them
    in any case; for a key without columns it looks for the table in the case of the key alone; and
    it refuses a table with a key that has not as many columns as what it refers to.
    """
    for (_, table), keys in answers.items():
        if not keys:
            continue
        referred = targets_of(inspector, schema, table)
        distinct: dict[str, Any] = {}
        for key in keys:
            problem = _mend(key, referred[folded(key["referred_table"])])
            if problem:
                columns = ", ".join(key["constrained_columns"])
                mention(
                    f"{'.'.join(filter(None, (schema, table)))}: the foreign key of {columns} is "
                    f"left out, since {key['referred_table']!r} {problem}; give relate() its "
                    "primaryjoin and foreign_keys"
                )
                continue
            told = (key["constrained_columns"], key["referred_table"], key["referred_columns"])
            distinct.setdefault(repr(told), key)
        keys[:] = distinct.values()


def _mend(key: Any, target: Target) -> str | None:
    """Mend a foreign key, or return why it cannot be."""
    size, columns = len(key["constrained_columns"]), key["referred_columns"]
    if len(columns) != size:  # the key names no columns
        columns = target.key
    if len(columns) != size:
        if target.name is None:
            return "is not there"
        return f"has a primary key of {len(columns)} columns" if columns else "has no primary key"
    missing = [column for column in columns if folded(column) not in target.columns]
    if missing and target.name is not None:
        return f"has no column {missing[0]!r}"
    key["referred_table"] = target.name or key["referred_table"]
    key["referred_columns"] = [target.columns.get(folded(column), column) for column in columns]
    return None


def _unique_constraints(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Give all unique constraints.

    SQLAlchemy, in all releases, misses those that it does not find in the text of CREATE TABLE:
    inline ones that are not the first on their line, have a constraint before them or no type, and
    those whose columns are quoted in some way or spelled in another case.
    """
    for where, parsed in answers.items():
        columns: dict[str, list[str]] = {}
        for row in indexes_of(inspector, schema, where[1]):
            if row.origin == "u":
                columns.setdefault(row.name, []).append(row.column)
        names = {tuple(constraint["column_names"]): constraint["name"] for constraint in parsed}
        answers[where] = [
            {"name": names.get(tuple(found)), "column_names": found} for found in columns.values()
        ]


def _indexes(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Do not take a partial index for one on all rows.

    SQLAlchemy, in all releases, looks for the condition in the text of CREATE INDEX, and where it
    does not find it (there need not be a space before it) the index seems to be on all rows.
    """
    for (_, table), indexes in answers.items():
        for index in indexes if any(index["unique"] for index in indexes) else ():
            rows = indexes_of(inspector, schema, table)
            if any(row.partial for row in rows if row.name == index["name"]):
                index["dialect_options"].setdefault("sqlite_where", text("1"))


def _no_indexes(inspector: Inspector, schema: str | None, names: Collection[str]) -> Answers:
    """Return of tables without an index that they have none.

    SQLAlchemy's answer is right, and costs five statements more and the regular expressions for the
    text of CREATE TABLE.
    """
    known = {name: columns_of(inspector, schema, name) for name in names}
    return {(schema, n): [] if rows and not rows[0].indexed else None for n, rows in known.items()}


def _no_checks(inspector: Inspector, schema: str | None, names: Collection[str]) -> Answers:
    """Return of tables without check constraints that they have none.

    SQLAlchemy's answer is right, and has SQLite read the whole catalog once more.
    """
    return {(schema, n): None if has_word(inspector, schema, n, MORE) else [] for n in names}


def _no_options(inspector: Inspector, schema: str | None, names: Collection[str]) -> Answers:
    """Return of tables without options like STRICT that they have none, likewise."""
    return {(schema, n): None if has_word(inspector, schema, n, MORE) else {} for n in names}


def temporary(inspector: Inspector, schema: str | None, names: Collection[str]) -> list[str]:
    """Return the names of temporary tables, which statements find before others of their names.

    SQLAlchemy, in all releases, takes the table of ``main``.
    """
    known = [(name, columns_of(inspector, schema, name)) for name in names]
    return [name for name, rows in known if schema is None and rows and rows[0].place == "temp"]


RESERVED = frozenset(("nothing", "returning"))
"""Words that SQLAlchemy (2.0, 2.1) does not quote."""
CORRECTIONS: Corrections = {
    "columns": (_nameless, _types, _keys, _views),
    "foreign_keys": (_foreign_keys,),
    "indexes": (_indexes,),
    "unique_constraints": (_unique_constraints,),
}
ANSWERS: dict[str, Answer] = {
    "check_constraints": _no_checks,
    "indexes": _no_indexes,
    "table_options": _no_options,
    "unique_constraints": _no_indexes,
}

__all__ = [
    "ANSWERS",
    "CORRECTIONS",
    "RESERVED",
    "ignores_rows",
    "is_view",
    "is_virtual",
    "mark_updates",
    "references_to",
    "schemas_of",
    "spelled",
    "table_names",
    "temporary",
]
