"""What the catalog of PostgreSQL says of a table beyond, or other than, what SQLAlchemy asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Inspector, text

from sqlsoup._corrections import kept_by

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Connection, Result

Key = tuple[str | None, str]


def qualified(statement: str) -> str:
    """Return SQL whose operators are those of PostgreSQL, whatever the search_path has.

    A better match in a schema of the search_path comes before an operator of pg_catalog.
    """
    for operator in ("=", ">", "&", "+", "<="):
        statement = statement.replace(f" {operator} ", f" OPERATOR(pg_catalog.{operator}) ")
    return statement


class Type(NamedTuple):
    """A type, as one of the steps from that of a column down to what is beneath.

    Under a domain there is what it is of, and under an array its elements.
    """

    shown: str
    """What SQL calls it, without a length: a cast to it cuts nothing off.

    Percent signs are doubled for a driver that formats statements by them.
    """
    cut: str | None
    """What SQL calls it where it has a length or precision: with that, or a domain by its name."""
    name: str
    """What ``pg_type`` calls it."""
    kind: str
    """``b`` base, ``c`` composite, ``d`` domain, ``e`` enum, ``r`` range, ``m`` multirange."""
    shipped: bool
    """Whether PostgreSQL itself has it."""


class Facts(NamedTuple):
    """What is to be known of a table or view."""

    kind: str
    """``r`` for a table, ``p`` partitioned, ``f`` foreign, ``v`` a view, ``m`` materialized."""
    partition: bool
    ruled: bool
    """Whether there are rules, as there are for each view."""
    meddled: bool
    """Whether something may give new rows other keys than the defaults of the columns do."""
    changing: int
    """What triggers are of that may change a row, or keep one: INSERTED, UPDATED and DELETED.

    They come before, or instead of it, or update rows afterwards.
    """
    key: list[str]
    """The columns of the primary key."""
    key_names: tuple[str | None, str | None]
    """The name of the primary key, and the comment on it."""
    constraints: str
    """``p`` where there is a primary key, ``f`` foreign ones, ``u`` unique ones, ``c`` CHECKs."""
    indexed: int
    """Whether there are OTHERS than the index of the primary key, or one that is COVERING."""
    plain: bool
    """Whether there is no option like TABLESPACE, WITH or INHERITS."""
    types: dict[str, list[Type]]
    rising: list[str]
    """The columns whose default depends on a sequence that rises and does not cycle."""
    foreign_keys: list[list[Any]]
    parts: list[Key]
    """The partitions of what the foreign keys refer to."""
    comment: str | None


_KEY = """
    {k}.contype = 'f' AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS whole
        WHERE whole.oid = {k}.conparentid AND whole.conrelid = {k}.conrelid)"""
"""What is a foreign key, and no copy of one for a partition of its target."""

INSERTED, DELETED, UPDATED = 4, 8, 16
OTHERS, COVERING = 1, 2

_TRIGGER = """pg_catalog.pg_trigger AS g
        WHERE g.tgrelid = ANY (c.parts) AND NOT g.tgisinternal AND NOT g.tgenabled = 'D'"""

_MEDDLERS = f"""
    EXISTS (SELECT FROM {_TRIGGER} AND g.tgtype & 7::pg_catalog.int2 = 7::pg_catalog.int2)
    OR EXISTS (SELECT FROM pg_catalog.pg_rewrite AS w
        WHERE w.ev_class = ANY (c.parts) AND w.ev_type = '3')
    OR EXISTS (SELECT FROM pg_catalog.pg_class AS part
        WHERE part.oid = ANY (c.parts) AND part.relkind = 'f')
    """  # noqa: S608
"""Triggers before an INSERT for each row, rules that rewrite one, and foreign tables."""

_BEFORE = "g.tgtype & 66::pg_catalog.int2 > 0::pg_catalog.int2"
"""Whether a trigger comes before something, or instead of it."""

_CHANGING = f"""(SELECT pg_catalog.bit_or(g.tgtype & CASE
            WHEN {_BEFORE}
            THEN {DELETED | UPDATED}::pg_catalog.int2
            ELSE {INSERTED | UPDATED}::pg_catalog.int2 END)
        FROM {_TRIGGER}
            AND CASE WHEN {_BEFORE}
                THEN g.tgtype & 1::pg_catalog.int2 > 0::pg_catalog.int2
                ELSE (SELECT p.prosrc OPERATOR(pg_catalog.~*) '(^|[^''])update|'
                        '\\m(execute|call|perform)\\M(?!\\s+(pg_catalog\\.)?pg_notify)'
                    FROM pg_catalog.pg_proc AS p WHERE p.oid = g.tgfoid) END)"""  # noqa: S608
"""What triggers are of: those before something, or instead of it, are for each row.

Of those afterwards, it is told by the source of the function whether there may be an UPDATE in it,
or in another function that it calls or SQL that it makes.
"""

_TYPE = "t.oid, t.typname, t.typtype, t.typnamespace, t.typbasetype, t.typelem"
_CUT = "WHEN t.typtypmod > -1 THEN pg_catalog.format_type(t.oid, -1)"

_STATEMENT = text(
    qualified(f"""
    WITH RECURSIVE c AS (
        SELECT c.oid, c.relname, c.relkind, c.relispartition, c.relhasrules,
            CASE WHEN c.relhassubclass THEN ARRAY(SELECT c.oid UNION ALL
                SELECT p.relid FROM pg_catalog.pg_partition_tree(c.oid) AS p UNION ALL
                SELECT h.inhrelid FROM pg_catalog.pg_inherits AS h WHERE h.inhparent = c.oid
            ) ELSE ARRAY[c.oid] END AS parts,
            c.reloptions IS NULL AND c.reltablespace = 0::pg_catalog.oid
            AND (c.relam = 0::pg_catalog.oid OR c.relam = 2::pg_catalog.oid
                AND pg_catalog.current_setting('default_table_access_method') = 'heap') AS plain
        FROM pg_catalog.pg_class AS c
        WHERE c.relname = ANY (CAST(:names AS pg_catalog.text[]))
            AND c.relkind = ANY ('{{r,p,f,v,m}}'::pg_catalog."char"[])
            AND CASE WHEN CAST(:schema AS pg_catalog.text) IS NULL
                THEN pg_catalog.pg_table_is_visible(c.oid)
                ELSE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n
                    WHERE n.nspname = :schema) END
    ), step (relid, number, attname, place, id, name, kind, space, base, element, cut) AS (
        SELECT c.oid, a.attnum, a.attname, 0, {_TYPE}, CASE WHEN a.atttypmod > -1
            THEN pg_catalog.format_type(t.oid, a.atttypmod) {_CUT} END
        FROM c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
        JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
        WHERE a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT up.relid, up.number, up.attname, up.place + 1, {_TYPE}, CASE {_CUT} END
        FROM step AS up
        JOIN pg_catalog.pg_type AS t
            ON t.oid = CASE WHEN up.kind = 'd' THEN up.base ELSE up.element END
            AND (up.kind = 'd' OR t.typarray = up.id)
        WHERE up.kind = 'd' OR NOT up.element = 0::pg_catalog.oid
    )
    SELECT c.relname, c.relkind, c.relispartition, c.relhasrules,
        (SELECT m.description FROM pg_catalog.pg_description AS m WHERE m.objoid = c.oid
            AND m.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND m.objsubid = 0),
        {_MEDDLERS},
        {_CHANGING},
        c.plain AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = c.oid),
        (SELECT pg_catalog.bit_or(CASE WHEN NOT i.indisprimary THEN {OTHERS}
                WHEN NOT i.indnatts = i.indnkeyatts THEN {COVERING} ELSE 0 END)
            FROM pg_catalog.pg_index AS i WHERE i.indrelid = c.oid),
        types.steps::pg_catalog.text,
        (SELECT pg_catalog.json_agg(d.adnum) FROM pg_catalog.pg_attrdef AS d
            JOIN pg_catalog.pg_depend AS u
                ON u.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND u.objid = d.oid
                AND u.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
            JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = u.refobjid
            WHERE d.adrelid = c.oid AND s.seqincrement > 0 AND NOT s.seqcycle
        )::pg_catalog.text,
        (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                k.contype, k.oid, k.conparentid, k.conname, k.conkey, k.confkey,
                (SELECT pg_catalog.json_build_array(
                        (SELECT n.nspname FROM pg_catalog.pg_namespace AS n
                            WHERE n.oid = f.relnamespace),
                        f.relname, pg_catalog.pg_table_is_visible(f.oid),
                        (SELECT pg_catalog.json_object_agg(a.attnum, a.attname)
                            FROM pg_catalog.pg_attribute AS a
                            WHERE a.attrelid = f.oid AND a.attnum = ANY (k.confkey)))
                    FROM pg_catalog.pg_class AS f WHERE f.oid = k.confrelid),
                k.confupdtype, k.confdeltype, k.confmatchtype, k.condeferrable, k.condeferred,
                (SELECT m.description FROM pg_catalog.pg_description AS m
                    WHERE m.objoid = k.oid
                        AND m.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass)
            ) ORDER BY k.conname)
            FROM pg_catalog.pg_constraint AS k
            WHERE k.conrelid = c.oid AND k.contype = ANY ('{{p,f,u,c}}'::pg_catalog."char"[])
        )::pg_catalog.text
    FROM c LEFT JOIN (
        SELECT step.relid, pg_catalog.json_agg(pg_catalog.json_build_array(
            step.number, step.attname,
            pg_catalog.format_type(step.id, -1), step.cut, step.name, step.kind,
            step.space = 'pg_catalog'::pg_catalog.regnamespace
            ) ORDER BY step.place) AS steps
        FROM step GROUP BY step.relid
    ) AS types ON types.relid = c.oid""")  # noqa: S608
)
"""Facts by table; the server plans it anew each time, which is most of what it costs.

So a table of the catalog is named no more often than it must be: columns of keys are told by their
numbers, and a subquery is planned faster than a join.  The types of all tables take one recursion:
with one for each table, the plan would look even more expensive than it does.
"""


_REFERENCES = qualified(f"""
    SELECT CASE WHEN n.nspname = :schema OR NOT pg_catalog.pg_table_is_visible(child.oid)
            THEN n.nspname END,
        child.relname, k.conname, parent.relname, a.attname,
        (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute AS one
            WHERE one.attrelid = child.oid AND one.attnum > 0 AND NOT one.attisdropped)
            <= (SELECT pg_catalog.sum(pg_catalog.cardinality(one.conkey))
                FROM pg_catalog.pg_constraint AS one
                WHERE one.conrelid = child.oid AND {_KEY.format(k="one")})
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS child ON child.oid = k.conrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = child.relnamespace
    JOIN pg_catalog.pg_class AS parent ON parent.oid = k.confrelid
    JOIN pg_catalog.pg_namespace AS pn ON pn.oid = parent.relnamespace
    CROSS JOIN LATERAL pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = child.oid AND a.attnum = u.attnum
    WHERE {_KEY.format(k="k")} AND NOT child.relispartition AND parent.relname = :name
        AND CASE WHEN CAST(:schema AS pg_catalog.text) IS NULL
            THEN pg_catalog.pg_table_is_visible(parent.oid) ELSE pn.nspname = :schema END
    ORDER BY n.nspname, child.relname, k.conname, u.place""")  # noqa: S608
"""The foreign keys that refer to a table, a row for each of their columns."""

_ALL_REFERENCES = _REFERENCES.replace("AND parent.relname OPERATOR(pg_catalog.=) :name", "")
"""The same for all tables of a schema."""


OLDEST = (12,)
"""The release of PostgreSQL from which on it can be asked for facts."""


def references_to(connection: Connection, name: str | None, schema: str | None) -> Result[Any]:
    """Return schema, table, foreign key, target, column, and whether there may be no other columns.

    :param name: the table that is referred to; None for all of the schema.
    """
    statement = _ALL_REFERENCES if name is None else _REFERENCES
    return connection.execute(text(statement), {"name": name, "schema": schema})


_SCHEMAS = text(
    qualified("""
    SELECT n.nspname, CAST(c.relkind AS pg_catalog.text) AS kind
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relname = CAST(:name AS pg_catalog.text)""")
)


_NAMES = text(
    qualified("""
    SELECT c.relname FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = ANY ('{r,p,f,v,m}'::pg_catalog."char"[])
        AND NOT c.relpersistence = 't'::pg_catalog."char"
        AND CASE WHEN CAST(:schema AS pg_catalog.text) IS NULL
            THEN pg_catalog.pg_table_is_visible(c.oid) AND NOT n.nspname = 'pg_catalog'
            ELSE n.nspname = :schema END""")
)


def table_names(connection: Connection, schema: str | None) -> Iterable[str]:
    """Return the names of tables and views of all kinds, for which SQLAlchemy has four methods."""
    return connection.execute(_NAMES, {"schema": schema}).scalars()


def schemas_of(connection: Connection, name: str) -> list[str]:
    """Return the schemas that have a table or view of a name, but for those of PostgreSQL."""
    return [
        schema
        for schema, kind in connection.execute(_SCHEMAS, {"name": name})
        if kind in "rvmfp" and schema != "information_schema" and not schema.startswith("pg_")
    ]


def knows_facts(inspector: Inspector) -> bool:
    """Tell if the database can be asked for facts."""
    release: Any = inspector.dialect.server_version_info or (0,)
    return bool(release >= OLDEST)


def facts(inspector: Inspector, schema: str | None, names: Collection[str]) -> dict[Key, Facts]:
    """Return the facts on tables of a schema; each is asked for once, all with one statement."""
    known: dict[Key, Facts] = kept_by(inspector)
    missing = [name for name in names if (schema, name) not in known]
    if missing and knows_facts(inspector):
        connection: Any = inspector.bind
        percent = "%%" if connection.dialect.paramstyle in {"format", "pyformat"} else "%"
        for name, kind, partition, ruled, comment, *more in _ask(connection, schema, missing):
            meddled, changing, plain, indexed, *rest = more
            steps, rising, constraints = (json.loads(each) if each else [] for each in rest)
            columns: dict[int, str] = {}
            types: dict[str, list[Type]] = {}
            for number, column, shown, cut, *step in steps:
                columns[number] = column
                named = Type(*(one and one.replace("%", percent) for one in (shown, cut)), *step)
                types.setdefault(column, []).append(named)
            key, key_names, foreign_keys, parts = _keys(constraints, columns, schema)
            known[schema, name] = Facts(
                kind if isinstance(kind, str) else kind.decode(),
                partition,
                ruled,
                meddled,
                changing or 0,
                key,
                key_names,
                "".join(contype for contype, *_ in constraints),
                indexed or 0,
                plain,
                types,
                [columns[number] for number in rising],
                foreign_keys,
                parts,
                comment,
            )
    return {(schema, name): known[schema, name] for name in names if (schema, name) in known}


def _ask(connection: Connection, schema: str | None, names: list[str]) -> Sequence[Any]:
    """Return the facts on tables; of many without the server compiling the plan for a second."""
    jit = connection.execute(_NO_JIT).scalar_one() if len(names) > _FEW else None
    found = connection.execute(_STATEMENT, {"schema": schema, "names": names}).all()
    if jit is not None:
        connection.execute(_JIT, {"jit": jit})
    return found


_FEW = 10
"""Of how many tables the plan is cheap, whatever the statistics of the server."""

_NO_JIT = text(
    "SELECT pg_catalog.current_setting('jit'), pg_catalog.set_config('jit', 'off', true)"
)
_JIT = text("SELECT pg_catalog.set_config('jit', :jit, true)")
"""Both are for the transaction alone, which may be that of the session."""


def _keys(
    constraints: list[list[Any]], columns: dict[int, str], schema: str | None
) -> tuple[list[str], tuple[str | None, str | None], list[list[Any]], list[Key]]:
    """Return the primary key, its names, the foreign keys and the partitions of their targets.

    The keys that PostgreSQL keeps for these have the key itself for a parent.
    """
    key: list[str] = []
    key_names: tuple[str | None, str | None] = None, None
    foreign_keys: list[list[Any]] = []
    parts: list[Key] = []
    own = {number for _, number, *_ in constraints}
    for kind, _, parent, name, numbers, referred, target, *options in constraints:
        if kind == "p":
            key, key_names = [columns[number] for number in numbers], (name, options[-1])
        elif kind == "f":
            place, table, visible, known = target
            where = None if visible and place != schema else place
            if parent in own:
                parts.append((where, table))
                continue
            names = [columns[number] for number in numbers]
            others = [known[str(number)] for number in referred]
            foreign_keys.append([name, names, where, table, others, *options])
    return key, key_names, foreign_keys, parts
