"""What the PRAGMAs and the catalog of SQLite say of tables.

Nothing is parsed.  Each statement is sent once for a table or a batch of them, and what it gives is
kept in the Inspector.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, inspect, text

from sqlsoup._corrections import batch_of, kept_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Inspector, Result

# With ``temp.``: else a table or view of the database that is named like the function is read.
_MASTER = """(SELECT 'main' AS place, name, type, sql, tbl_name FROM main.sqlite_master
        UNION ALL SELECT 'temp', name, type, sql, tbl_name FROM temp.sqlite_master)"""
_PLACES = """(SELECT 'main' AS place UNION ALL SELECT 'temp'
        WHERE EXISTS (SELECT 1 FROM temp.sqlite_master AS m
            WHERE m.name COLLATE NOCASE IN (SELECT name FROM asked)))"""
"""Where a table of no schema is; SQLite takes the one of ``temp`` first, and so do statements."""

_TABLE = """,
    k AS (SELECT DISTINCT a.name AS "table", s.place, f."table" COLLATE NOCASE AS target
        FROM asked AS a CROSS JOIN {places} AS s
            CROSS JOIN temp.pragma_foreign_key_list(a.name, s.place) AS f),
    m AS (SELECT * FROM {master} WHERE tbl_name COLLATE NOCASE IN (
        SELECT name FROM asked UNION SELECT target FROM k) LIMIT -1),
    w AS (SELECT tbl_name, max(instr(upper(sql), 'IGNORE') > 0)
            + 2 * max(instr(upper(sql), 'COLLATE') > 0)
            + 4 * max(type = 'trigger' AND (instr(upper(sql), 'REPLACE')
                OR instr(substr(upper(sql), instr(upper(sql), 'BEGIN')), 'UPDATE')))
            + 8 * max(type = 'table' AND (instr(upper(sql), 'CHECK')
                OR instr(upper(sql), 'WITHOUT') OR instr(upper(sql), 'STRICT'))) AS words
        FROM m GROUP BY tbl_name COLLATE NOCASE),
    t AS (SELECT a.name AS "table", s.place, m.name, m.type AS kind, coalesce(w.words, 0) AS words,
            EXISTS (SELECT 1 FROM temp.pragma_index_list(a.name, s.place)) AS indexed
        FROM asked AS a CROSS JOIN {places} AS s
            LEFT JOIN m ON m.name = a.name COLLATE NOCASE AND m.place = s.place
                AND m.type IN ('table', 'view')
            LEFT JOIN w ON w.tbl_name = a.name COLLATE NOCASE LIMIT -1)
    SELECT t."table" AS "table", t.place AS place, t.name AS name, t.kind AS kind, t.words AS words,
        t.indexed AS indexed, NULL AS target, c.cid AS cid, c.name AS "column", c.type AS type,
        c.pk AS pk
    FROM t CROSS JOIN temp.pragma_table_xinfo(t."table", t.place) AS c
    UNION ALL
    SELECT k."table", k.place, m.name, NULL, NULL, NULL, k.target, c.cid, c.name, c.type, c.pk
    FROM k LEFT JOIN m ON m.name = k.target COLLATE NOCASE AND m.place = k.place
            AND m.type IN ('table', 'view')
        CROSS JOIN temp.pragma_table_xinfo(k.target, k.place) AS c
    ORDER BY 2 DESC, cid"""
"""The columns of tables, each with what is to be known of all of it, and of what they refer to.

The LIMIT has SQLite go through the catalog as it is, once, and not through a copy of it.  All
columns are named, as PRAGMAs may have SQLite name them by their tables too.
"""

_INDEXES = """
    SELECT a.name AS "table", s.place AS place, i.name AS name, i.origin AS origin,
        i.partial AS partial, c.name AS "column", c.coll AS coll
    FROM asked AS a CROSS JOIN {places} AS s
        CROSS JOIN temp.pragma_index_list(a.name, s.place) AS i
        CROSS JOIN temp.pragma_index_xinfo(i.name, s.place) AS c
    WHERE c.key
    ORDER BY s.place DESC, i.seq DESC, c.seqno"""

_REFERENCES = """
    SELECT :schema, m.name, f.id, f."table", f."from",
        (SELECT count(*) FROM temp.pragma_table_info(m.name, coalesce(:schema, 'main'))) = (
            SELECT count(DISTINCT "from")
            FROM temp.pragma_foreign_key_list(m.name, coalesce(:schema, 'main')))
    FROM {schema}sqlite_master AS m,
        temp.pragma_foreign_key_list(m.name, coalesce(:schema, 'main')) AS f
    WHERE m.type = 'table' AND f."table" = :name COLLATE NOCASE AND CASE WHEN f."to" IS NULL THEN (
        SELECT count(*) FROM temp.pragma_foreign_key_list(m.name, coalesce(:schema, 'main')) AS one
            WHERE one.id = f.id) = (
        SELECT count(*) FROM temp.pragma_table_info(f."table", coalesce(:schema, 'main')) AS c
            WHERE c.pk > 0)
    ELSE NOT EXISTS (
        SELECT 1 FROM temp.pragma_foreign_key_list(m.name, coalesce(:schema, 'main')) AS one
            WHERE one.id = f.id AND one."to" COLLATE NOCASE NOT IN (SELECT c.name
                FROM temp.pragma_table_xinfo(f."table", coalesce(:schema, 'main')) AS c)) END
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
    """Return what a statement gives for a table, in the first place that has something of it.

    It is asked of all tables of a batch at once.
    """
    kept = kept_by(inspector)
    if (statement, schema, table) not in kept:
        batch = batch_of(inspector)
        names = sorted(batch) if table in batch else [table]
        given: dict[str, list[Row[Any]]] = {name: [] for name in names}
        for begin in range(0, len(names), _AT_ONCE):
            for row in _ask(inspector, statement, schema, names[begin : begin + _AT_ONCE]):
                rows = given[row.table]
                if not rows or rows[0].place == row.place:
                    rows.append(row)
        kept.update({(statement, schema, name): rows for name, rows in given.items()})
    found: Sequence[Row[Any]] = kept[statement, schema, table]
    return found


_AT_ONCE = 500
"""How many names a statement has: SQLite before 3.32 takes 999 parameters."""


def _ask(
    inspector: Inspector, statement: str, schema: str | None, names: list[str]
) -> Sequence[Row[Any]]:
    places, master = _PLACES, _MASTER
    if schema is not None:
        quoted = inspector.dialect.identifier_preparer.quote_identifier(schema)
        places = "(SELECT :schema AS place)"
        master = f"(SELECT :schema AS place, name, type, sql, tbl_name FROM {quoted}.sqlite_master)"  # noqa: S608
    values = {f"name_{number}": name for number, name in enumerate(names)}
    asked = ", ".join(f"(:{parameter})" for parameter in values)
    connection: Any = inspector.bind
    rows: Sequence[Row[Any]] = connection.exec_driver_sql(
        f"WITH asked(name) AS (VALUES {asked})" + statement.format(places=places, master=master),
        {**values, "schema": schema},
    ).all()
    return rows


def columns_of(inspector: Inspector, schema: str | None, table: str) -> Sequence[Row[Any]]:
    """Return the columns of a table or view, each with what is to be known of all of it."""
    return [row for row in _rows(inspector, _TABLE, schema, table) if row.target is None]


def affinity(column: Row[Any]) -> str:
    """Return what SQLite does with the values of a column, by the rules for its declared type.

    ``ANY`` is one in a STRICT table alone.
    """
    upper = column.type.upper()
    words = (name for word, name in _AFFINITIES if word in upper)
    is_any = not upper or (upper == "ANY" and column.words & MORE)
    return "BLOB" if is_any else next(words, "NUMERIC")


_AFFINITIES = (
    ("INT", "INTEGER"),
    *((word, "TEXT") for word in ("CHAR", "CLOB", "TEXT")),
    ("BLOB", "BLOB"),
    *((word, "REAL") for word in ("REAL", "FLOA", "DOUB")),
)


def indexes_of(inspector: Inspector, schema: str | None, table: str) -> Sequence[Row[Any]]:
    """Return the columns of the indexes of a table, without a statement if it has none."""
    known = columns_of(inspector, schema, table)
    return _rows(inspector, _INDEXES, schema, table) if known and known[0].indexed else ()


_IGNORE, COLLATE, CHANGED, MORE = 1, 2, 4, 8
"""Words in what makes a table, its indexes and triggers."""


def has_word(inspector: Inspector, schema: str | None, table: str, word: int) -> bool:
    """Tell if a table, or an index or trigger of it, may have a word that no PRAGMA tells of."""
    known = columns_of(inspector, schema, table)
    return bool(known and int(known[0].words) & word)


def ignores_rows(inspector: Inspector, schema: str | None, table: str) -> bool:
    """Tell if a table or trigger may ignore a new row, by its ON CONFLICT or RAISE()."""
    return has_word(inspector, schema, table, _IGNORE)


def folded(name: str) -> bytes:
    """Return what SQLite compares of a name: it knows the case of ASCII letters alone."""
    return name.encode(errors="surrogatepass").lower()


def spelled(inspector: Inspector, schema: str | None, name: str) -> str:
    """Return the name of a table without a key as it was when it was made.

    SQLite finds a table in any case, SQLAlchemy its keys in the right one alone, in all releases.
    """
    rows = columns_of(inspector, schema, name)
    return str(rows[0].name or name) if rows else name


def table_names(connection: Connection, schema: str | None) -> set[str]:
    """Return the names of tables and views, but for those in which full-text search keeps its rows.

    SQLite tells which these are from 3.37 on.
    """
    place = connection.dialect.identifier_preparer.quote_identifier(schema or "main")
    listed = connection.exec_driver_sql(f"PRAGMA {place}.table_list").all()
    shadows = {name for _, name, kind, *_ in listed if kind == "shadow"}
    inspector = inspect(connection)
    return {*inspector.get_table_names(schema), *inspector.get_view_names(schema)} - shadows


def schemas_of(connection: Connection, name: str) -> list[str]:
    """Return the schemas, which are attached files, that have a table or view of a name."""
    inspector = inspect(connection)
    return [schema for schema in inspector.get_schema_names() if inspector.has_table(name, schema)]


class Target:
    """What a foreign key refers to."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.columns: dict[bytes, str] = {}
        self.key: list[str] = []


def targets_of(inspector: Inspector, schema: str | None, table: str) -> defaultdict[bytes, Target]:
    """Return what the foreign keys of a table refer to."""
    found: defaultdict[bytes, Target] = defaultdict(Target)
    rows = [row for row in _rows(inspector, _TABLE, schema, table) if row.target is not None]
    for row in sorted(rows, key=lambda row: row.pk):
        target = found[folded(row.target)]
        target.name = row.name
        target.columns[folded(row.column)] = row.column
        target.key.extend([row.column] * bool(row.pk))
    return found
