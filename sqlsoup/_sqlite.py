"""Corrections of what SQLAlchemy reflects of SQLite.

It parses the text of CREATE TABLE for much of what PRAGMAs tell.  Here nothing is parsed.  Each
statement is sent once for a table, and what it gives is kept in the Inspector's cache.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import FetchedValue, Row, inspect, text

from sqlsoup import _sa
from sqlsoup.exc import mention

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Inspector, Result, Table

    from sqlsoup._corrections import Answers, Corrections


class OfView(FetchedValue):
    """The default of a column of a view: what its trigger makes of a column that is not given."""


# ``temp.``, or a table or view of the database that is named like the function would be read.
_MASTER = """(SELECT 'main' AS place, name, type FROM main.sqlite_master
        UNION ALL SELECT 'temp', name, type FROM temp.sqlite_master)"""
_PLACES = "(SELECT 'main' AS place UNION ALL SELECT 'temp')"
"""Where SQLAlchemy looks for a table of no schema."""

_COLUMNS = """
    SELECT s.place, c.name AS "column", c.type,
        EXISTS (SELECT 1 FROM temp.pragma_index_list(:name, s.place)) AS indexed,
        CASE WHEN NOT EXISTS (SELECT 1 FROM temp.pragma_table_xinfo(:name, s.place) WHERE pk)
            THEN (SELECT m.type || ' ' || m.name FROM {master} AS m WHERE m.place = s.place
                AND m.name = :name COLLATE NOCASE AND m.type IN ('table', 'view')) END AS keyless
    FROM {places} AS s CROSS JOIN temp.pragma_table_xinfo(:name, s.place) AS c
    ORDER BY s.place"""

_NAME = """
    SELECT m.place, m.name FROM {master} AS m
    WHERE m.name = :name COLLATE NOCASE AND m.type IN ('table', 'view') ORDER BY m.place"""

_INDEXES = """
    SELECT s.place, i.name, i.origin, i.partial, c.name AS "column"
    FROM {places} AS s CROSS JOIN temp.pragma_index_list(:name, s.place) AS i
        CROSS JOIN temp.pragma_index_info(i.name, s.place) AS c
    ORDER BY s.place, i.seq DESC, c.seqno"""

_TARGETS = """
    WITH k AS (SELECT DISTINCT s.place, f."table" AS spelled
        FROM {places} AS s CROSS JOIN temp.pragma_foreign_key_list(:name, s.place) AS f)
    SELECT k.place, k.spelled AS name, c.name AS "column", c.pk
    FROM k CROSS JOIN temp.pragma_table_xinfo(k.spelled, k.place) AS c
    UNION ALL
    SELECT m.place, m.name, NULL, NULL FROM {master} AS m
    WHERE m.type IN ('table', 'view') AND m.name COLLATE NOCASE IN (SELECT spelled FROM k)
    ORDER BY 1, 4"""


_REFERENCES = """
    SELECT :schema, m.name, f.id, f."table", f."from",
        (SELECT count(*) FROM temp.pragma_table_info(m.name, coalesce(:schema, 'main'))) = (
            SELECT count(DISTINCT "from")
            FROM temp.pragma_foreign_key_list(m.name, coalesce(:schema, 'main')))
    FROM {schema}sqlite_master AS m,
        temp.pragma_foreign_key_list(m.name, coalesce(:schema, 'main')) AS f
    WHERE m.type = 'table' AND f."table" = :name COLLATE NOCASE AND (f."to" IS NOT NULL OR (
        SELECT count(*) FROM temp.pragma_foreign_key_list(m.name, coalesce(:schema, 'main')) AS one
            WHERE one.id = f.id) = (
        SELECT count(*) FROM temp.pragma_table_info(f."table", coalesce(:schema, 'main')) AS c
            WHERE c.pk > 0))
    ORDER BY m.name, f.id, f.seq"""
"""The foreign keys that refer to a table, but for those that SQLite cannot use."""

_ALL_REFERENCES = _REFERENCES.replace("""f."table" = :name COLLATE NOCASE AND """, "")
"""The same for all tables of a schema."""


def references_to(connection: Connection, name: str | None, schema: str | None) -> Result[Any]:
    """Return schema, table, foreign key, target, column, and whether there may be no other columns.

    :param name: the table that is referred to; None for all of the schema.
    """
    quote = connection.dialect.identifier_preparer.quote
    quoted = "" if schema is None else quote(schema).replace(":", r"\:") + "."
    statement = (_ALL_REFERENCES if name is None else _REFERENCES).replace("{schema}", quoted)
    return connection.execute(text(statement), {"name": name, "schema": schema})


def _rows(
    inspector: Inspector, statement: str, schema: str | None, table: str
) -> Sequence[Row[Any]]:
    """Return what a statement gives for a table, in the first place that has something of it."""
    kept, key = _sa.kept_by(inspector), (statement, schema, table)
    if key not in kept:
        places, master = _PLACES, _MASTER
        if schema is not None:
            quoted = inspector.dialect.identifier_preparer.quote_identifier(schema)
            places = "(SELECT :schema AS place)"
            master = f"(SELECT :schema AS place, name, type FROM {quoted}.sqlite_master)"  # noqa: S608
        connection: Any = inspector.bind
        rows = connection.exec_driver_sql(
            statement.format(places=places, master=master), {"name": table, "schema": schema}
        ).all()
        kept[key] = [row for row in rows if row.place == rows[0].place]
    found: Sequence[Row[Any]] = kept[key]
    return found


def _indexed(inspector: Inspector, schema: str | None, table: str) -> Sequence[Row[Any]]:
    """Return the columns of the indexes of a table, without a statement if it has none."""
    columns = _rows(inspector, _COLUMNS, schema, table)
    return _rows(inspector, _INDEXES, schema, table) if columns and columns[0].indexed else ()


def _folded(name: str) -> bytes:
    """Return what SQLite compares of a name: it knows the case of ASCII letters alone."""
    return name.encode(errors="surrogatepass").lower()


def spelled(inspector: Inspector, schema: str | None, name: str) -> str:
    """Return the name of a table without a key as it was when it was made.

    SQLite finds a table in any case, SQLAlchemy its keys in the right one alone, in all releases.
    """
    rows = _rows(inspector, _COLUMNS, schema, name)
    if rows and rows[0].keyless:
        return str(rows[0].keyless.partition(" ")[2])
    rows = _rows(inspector, _NAME, schema, name)
    return str(rows[0].name) if rows else name


def schemas_of(connection: Connection, name: str) -> list[str]:
    """Return the schemas, which are attached files, that have a table or view of a name."""
    inspector = inspect(connection)
    return [schema for schema in inspector.get_schema_names() if inspector.has_table(name, schema)]


def is_virtual(connection: Any, table: Table) -> bool:
    """Tell if a table is a virtual one, which has no page in the database."""
    place = connection.dialect.identifier_preparer.quote(table.schema or "main")
    statement = f"SELECT rootpage FROM {place}.sqlite_master WHERE name = ? AND type = 'table'"  # noqa: S608
    return bool(connection.exec_driver_sql(statement, (table.name,)).scalar() == 0)


def _types(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Give columns the types that can read what SQLite holds.

    SQLAlchemy, in all releases, gives a column of a type name that nobody knows ``NUMERIC``, which
    cannot read text; it takes the arguments of ``DATETIME(6)`` for its own, which cannot write
    then; and its types fail at values that SQLite takes for them, or change them.
    """
    from sqlsoup._sqlite_types import mended  # it imports SQLAlchemy's dialect for SQLite

    for (_, table), columns in answers.items():
        declared = {row.column: row.type for row in _rows(inspector, _COLUMNS, schema, table)}
        for column in columns:
            name = column["name"]
            where = ".".join(filter(None, (schema, table, name)))
            column["type"] = mended(
                column["type"], declared.get(name, ""), where, inspector.dialect
            )


def _keys(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Have no value awaited for a key that SQLite does not generate.

    SQLAlchemy, in all releases, takes each key of one integer for the rowid and a value for it is
    read back.  Only ``INTEGER PRIMARY KEY`` is the rowid, for which there is no index: not ``INT``,
    not with ``DESC``, and not in a table ``WITHOUT ROWID``.
    """
    for (_, table), columns in answers.items():
        keys = [column for column in columns if column["primary_key"]]
        if keys and any(row.origin == "pk" for row in _indexed(inspector, schema, table)):
            for column in keys:
                column["autoincrement"] = False


def _views(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Have columns of a view left out of an INSERT that gives them no value.

    SQLAlchemy, in all releases, sees no default there and inserts NULL, so that what the trigger of
    the view, or the table behind it, would make of no value is never asked for.
    """
    for (_, table), columns in answers.items():
        rows = _rows(inspector, _COLUMNS, schema, table)
        if any((row.keyless or "").startswith("view ") for row in rows):
            for column in columns:
                column["default"] = OfView()


def _foreign_keys(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Give foreign keys the tables and columns that SQLite finds, and leave out what leads nowhere.

    SQLAlchemy, in all releases, spells tables and columns as the key does, where SQLite finds them
    in any case; for a key without columns it looks for the table in the case of the key alone; and
    it refuses a table with a key that has not as many columns as what it refers to.
    """
    for (_, table), keys in answers.items():
        if not keys:
            continue
        targets = _targets(inspector, schema, table)
        distinct: dict[str, Any] = {}
        for key in keys:
            problem = _mend(key, targets[_folded(key["referred_table"])])
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


class _Target:
    """What a foreign key refers to."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.columns: dict[bytes, str] = {}
        self.key: list[str] = []


def _targets(inspector: Inspector, schema: str | None, table: str) -> defaultdict[bytes, _Target]:
    """Return what the foreign keys of a table refer to."""
    found: defaultdict[bytes, _Target] = defaultdict(_Target)
    for row in _rows(inspector, _TARGETS, schema, table):
        target = found[_folded(row.name)]
        if row.column is None:
            target.name = row.name
        else:
            target.columns[_folded(row.column)] = row.column
            target.key.extend([row.column] * bool(row.pk))
    return found


def _mend(key: Any, target: _Target) -> str | None:
    """Mend a foreign key, or return why it cannot be."""
    size, columns = len(key["constrained_columns"]), key["referred_columns"]
    if len(columns) != size:  # it names none
        columns = target.key
    if len(columns) != size:
        if target.name is None:
            return "is not there"
        return f"has a primary key of {len(columns)} columns" if columns else "has no primary key"
    key["referred_table"] = target.name or key["referred_table"]
    key["referred_columns"] = [target.columns.get(_folded(column), column) for column in columns]
    return None


def _unique_constraints(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Give all unique constraints.

    SQLAlchemy, in all releases, misses those that it does not find in the text of CREATE TABLE:
    inline ones that are not the first on their line, have a constraint before them or no type, and
    those whose columns are quoted in some way or spelled in another case.
    """
    for where, parsed in answers.items():
        columns: dict[str, list[str]] = {}
        for row in _indexed(inspector, schema, where[1]):
            if row.origin == "u":
                columns.setdefault(row.name, []).append(row.column)
        names = {tuple(constraint["column_names"]): constraint["name"] for constraint in parsed}
        answers[where] = [
            {"name": names.get(tuple(found)), "column_names": found} for found in columns.values()
        ]


def _indexes(inspector: Inspector, schema: str | None, answers: Answers) -> None:
    """Have no partial index taken for one on all rows.

    SQLAlchemy, in all releases, looks for the condition in the text of CREATE INDEX, and where it
    does not find it (there need not be a space before it) the index seems to be on all rows.
    """
    for (_, table), indexes in answers.items():
        for index in indexes if any(index["unique"] for index in indexes) else ():
            rows = _indexed(inspector, schema, table)
            if any(row.partial for row in rows if row.name == index["name"]):
                index["dialect_options"].setdefault("sqlite_where", text("1"))


CORRECTIONS: Corrections = {
    "columns": (_types, _keys, _views),
    "foreign_keys": (_foreign_keys,),
    "indexes": (_indexes,),
    "unique_constraints": (_unique_constraints,),
}
