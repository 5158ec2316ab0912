"""What the information_schema of MariaDB and MySQL says of tables, with one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, text

from sqlsoup._corrections import kept_by

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Inspector


class Column(NamedTuple):
    """A column; ``default`` is an SQL expression on MariaDB, and may be a bare value on MySQL."""

    default: str | None
    extra: str
    type: str
    expression: str | None
    nullable: bool
    comment: str | None


class Target(NamedTuple):
    """What a column of a foreign key refers to."""

    column: str
    schema: str
    table: str
    referred: str


class Facts:
    """What there is to be known of a table."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Know nothing, as of a temporary table."""
        self.columns: dict[str, Column] = {}
        self.unique: dict[str, list[str]] = {}
        """The columns of the primary and unique keys by name."""
        self.leading: set[str] = set()
        """The columns that come first in some key."""
        self.foreign: dict[str, list[Target]] = {}
        self.lax = False
        """Whether a column that is NOT NULL, and has no default, takes 0 or ``''`` for one."""
        self.ansi = False
        """Whether double quotes quote names."""
        self.nought = False
        """Whether 0 is a number like others for AUTO_INCREMENT."""
        self.rounds = False
        """Whether moments are rounded, and not cut, to the digits of their column."""
        self.view = False
        """Whether it is a view, once its columns were corrected."""
        self.triggers: set[str] = set()
        """``INSERT`` and ``UPDATE``, if a trigger may change a row before that."""

    def add(self, kind: str, name: str, values: tuple[Any, ...]) -> None:
        """Add a row of the statement."""
        if kind == "column":
            default, extra, type_, expression, nullable, comment = values
            column = Column(default, extra, type_, expression, nullable == "YES", comment)
            self.columns[name] = column
        elif kind == "key":
            column, many, place = values[:3]
            if str(place) == "1":
                self.leading.add(column)
            if str(many) == "0" and column is not None:  # it is an expression on MySQL
                self.unique.setdefault(name, []).append(column)
        elif kind == "foreign":
            self.foreign.setdefault(name, []).append(Target(*values[:4]))
        else:
            self.triggers.add(values[0])

    @property
    def periods(self) -> set[str]:
        """The columns that hold the period in which a version of the row was valid."""
        return {
            name for name, column in self.columns.items() if column.expression in _ROW_START_AND_END
        }


_ROW_START_AND_END = ("ROW START", "ROW END")

# The server opens only the tables that are named by constants.
_STATEMENT = """
SELECT table_name, 'column', column_name, column_default, extra, column_type,
    generation_expression, is_nullable, column_comment, ordinal_position AS place,
    @@lower_case_table_names AS folded, @@sql_mode AS mode
FROM information_schema.columns WHERE table_schema = {schema} AND table_name {names}
UNION ALL
SELECT table_name, 'key', index_name, column_name, non_unique, seq_in_index,
    NULL, NULL, NULL, seq_in_index, @@lower_case_table_names, NULL
FROM information_schema.statistics WHERE table_schema = {schema} AND table_name {names}
UNION ALL
SELECT table_name, 'foreign', constraint_name, column_name, referenced_table_schema,
    referenced_table_name, referenced_column_name, NULL, NULL, ordinal_position,
    @@lower_case_table_names, NULL
FROM information_schema.key_column_usage
WHERE table_schema = {schema} AND table_name {names} AND referenced_table_name IS NOT NULL
UNION ALL
SELECT event_object_table, 'trigger', trigger_name, event_manipulation,
    NULL, NULL, NULL, NULL, NULL, 0,
    @@lower_case_table_names, NULL
FROM information_schema.triggers
WHERE event_object_schema = {schema} AND event_object_table {names}
    AND action_timing = 'BEFORE' AND event_manipulation <> 'DELETE'
"""


def facts(
    inspector: Inspector, schema: str | None, names: Collection[str]
) -> dict[tuple[str | None, str], Facts]:
    """Return what is to be known of some tables, with one statement for those not asked before.

    Of a temporary table there is nothing.
    """
    known: dict[tuple[str | None, str], Facts] = kept_by(inspector)
    unknown = [name for name in names if (schema, name) not in known]
    if unknown:
        known.update({(schema, name): Facts() for name in unknown})
        one = len(unknown) == 1
        statement = text(
            _STATEMENT.format(
                schema="DATABASE()" if schema is None else ":schema",
                names="= :names" if one else "IN :names",
            )
        )
        values: dict[str, Any] = {"names": unknown[0] if one else unknown}
        if not one:
            statement = statement.bindparams(bindparam("names", expanding=True))
        if schema is not None:
            values["schema"] = schema
        connection: Any = inspector.bind
        for row in sorted(connection.execute(statement, values), key=lambda row: int(row.place)):
            table, kind, name, *more = row[:-3]
            fold = str.lower if row.folded else str
            for asked in unknown:
                if fold(asked) == fold(table):  # names are compared without regard to case in IN
                    known[schema, asked].add(kind, name, tuple(more))
                    if row.mode is not None:
                        known[schema, asked].lax |= "STRICT" not in row.mode
                        known[schema, asked].ansi |= "ANSI_QUOTES" in row.mode
                        known[schema, asked].nought |= "NO_AUTO_VALUE_ON_ZERO" in row.mode
                        known[schema, asked].rounds |= "TIME_ROUND_FRACTIONAL" in row.mode
    return known
