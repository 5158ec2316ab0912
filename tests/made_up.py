"""Made-up tables, whose rows go in by SQLSoup and come out by the driver, and the other way round.

What a database has to make tables of is a :class:`Database`; ``test_made_up.py`` has one for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import sqlalchemy as sa
from conftest import run
from hypothesis import strategies as st
from sqlalchemy.orm.attributes import flag_modified

import sqlsoup

Values = dict[str, Any]


def unchanged(value: Any) -> Any:
    """Return a value of which driver and SQLSoup give and take the same."""
    return value


class Kind(NamedTuple):
    """A type of columns, and the values that they hold."""

    ddl: str
    values: st.SearchStrategy[Any]
    """What SQLSoup takes and gives; None is added where a column may be NULL."""
    driven: Callable[[Any], Any] = unchanged
    """Turns such a value into what the driver gives for it."""
    sent: Callable[[Any], Any] | None = None
    """Turns such a value into what the driver takes for it, where that differs."""
    defaults: tuple[tuple[str, Any], ...] = ()
    """Defaults, in SQL and as SQLSoup gives them."""
    is_key: bool = False
    """Whether columns of it may be a primary key, or a part of it."""
    is_compared: bool = True
    """Whether ``column = value`` finds the rows that have it."""
    is_null: bool = True
    """Whether None is NULL, and not a value of its own as JSON has one."""


class Generated(NamedTuple):
    """A generated column."""

    ddl: str
    """Its type and what it is generated from: the column ``n``, an INTEGER that is not NULL."""
    value: Callable[[int], Any]
    """What SQLSoup and the driver give for the ``n`` of a row."""


class Database(NamedTuple):
    """What tables are made of."""

    kinds: tuple[Kind, ...]
    keys: tuple[str, ...]
    """What is written after the name of a primary key column whose values are generated."""
    generated: tuple[Generated, ...]
    before: tuple[str, ...] = ()
    """Statements that make what the types need."""
    after: tuple[str, ...] = ()
    """Statements that drop it."""


class Column(NamedTuple):
    """A column that may be given a value."""

    name: str
    kind: Kind
    default: tuple[str, Any] | None = None
    nullable: bool = True

    @property
    def ddl(self) -> str:
        """How it is written in CREATE TABLE."""
        default = f" DEFAULT {self.default[0]}" if self.default else ""
        return f"{self.name} {self.kind.ddl}{default}{'' if self.nullable else ' NOT NULL'}"


class Example(NamedTuple):
    """A table, and rows for it."""

    ddl: str
    columns: dict[str, Column]
    keys: list[str]
    generated: dict[str, Generated]
    rows: list[Values]
    """What is given for each row; ``n`` numbers them."""
    changes: list[Values]
    """What is set in each of them afterwards."""

    def completed(self, row: Values) -> Values:
        """Return a row as SQLSoup gives it, but for a key that the database generates."""
        defaults = {c.name: c.default[1] if c.default else None for c in self.columns.values()}
        return {
            **defaults,
            **{name: column.value(row["n"]) for name, column in self.generated.items()},
            **row,
        }

    def driven(self, row: Values) -> Values:
        """Return a complete row as the driver gives it."""
        return {name: self._of_driver(name, value) for name, value in row.items()}

    def sent(self, row: Values) -> Values:
        """Return what is given for a row as the driver takes it."""
        return {name: self._of_driver(name, value, sent=True) for name, value in row.items()}

    def _of_driver(self, name: str, value: Any, *, sent: bool = False) -> Any:
        if value is None or name not in self.columns:
            return value
        kind = self.columns[name].kind
        return (kind.sent or kind.driven)(value) if sent else kind.driven(value)


@st.composite
def examples(draw: Any, database: Database) -> Example:
    """Make up a table and rows."""
    kinds = st.sampled_from(database.kinds)
    key = draw(st.sampled_from([*database.keys, None]))
    keys = []
    if key is None:
        fit = [kind for kind in database.kinds if kind.is_key]
        chosen = draw(st.lists(st.sampled_from(fit), min_size=1, max_size=2))
        keys = [Column(f"k{i}", kind, None, nullable=False) for i, kind in enumerate(chosen)]
    columns = []
    for i, kind in enumerate(draw(st.lists(kinds, min_size=1, max_size=6))):
        default = draw(st.none() | st.sampled_from(kind.defaults)) if kind.defaults else None
        nullable = kind.is_null and draw(st.booleans())
        columns.append(Column(f"c{i}", kind, default, nullable))
    generated = draw(st.lists(st.sampled_from(database.generated), max_size=2))
    ddl = ["n INTEGER NOT NULL", *(column.ddl for column in [*keys, *columns])]
    ddl += [f"g{i} {column.ddl}" for i, column in enumerate(generated)]
    ddl += [] if keys else [f"id {key}"]
    ddl = draw(st.permutations(ddl))
    if keys:
        ddl.append(f"PRIMARY KEY ({', '.join(column.name for column in keys)})")
    of_key = st.fixed_dictionaries({column.name: column.kind.values for column in keys})
    unique = {"unique_by": lambda values: repr(sorted(values.items()))} if keys else {}
    idents = draw(st.lists(of_key, min_size=1, max_size=4, **unique))
    rows = [{"n": n, **ident, **draw(_given(columns))} for n, ident in enumerate(idents)]
    return Example(
        f"CREATE TABLE made_up ({', '.join(ddl)})",
        {column.name: column for column in [*keys, *columns]},
        [column.name for column in keys] or ["id"],
        {f"g{i}": column for i, column in enumerate(generated)},
        rows,
        [draw(_given(columns, change=True)) for _ in rows],
    )


def _given(columns: list[Column], *, change: bool = False) -> st.SearchStrategy[Values]:
    """Make up values for columns.

    The ORM takes None, in a new row, for the default of a column that has one, so that none is
    given there.
    """
    values = {
        column.name: column.kind.values | st.none()
        if column.nullable and (change or not column.default)
        else column.kind.values
        for column in columns
    }
    needed = {c.name for c in columns if not (c.nullable or c.default or change)}
    return st.fixed_dictionaries(
        {name: each for name, each in values.items() if name in needed},
        optional={name: each for name, each in values.items() if name not in needed},
    )


def shape(value: Any) -> Any:
    """Return what makes two values the same: their types and all of their digits.

    Dicts and lists that notice a change are dicts and lists.
    """
    if isinstance(value, dict):
        return dict, sorted((repr(key), shape(each)) for key, each in value.items())
    if isinstance(value, list):
        return list, [shape(each) for each in value]
    if isinstance(value, tuple):
        return type(value), [shape(each) for each in value]
    if isinstance(value, set):
        return set, sorted(map(repr, value))
    if isinstance(value, memoryview):
        value = bytes(value)
    return type(value), repr(value)


def shapes(rows: list[Values], leave_out: tuple[str, ...] = ()) -> list[Values]:
    """Return rows in a form that can be compared."""
    return [
        {name: shape(row[name]) for name in sorted(row) if name not in leave_out} for row in rows
    ]


def stored(engine: sa.Engine, example: Example) -> list[Values]:
    """Return the rows as the driver gives them."""
    names = [*dict.fromkeys(["n", *example.keys, *example.columns, *example.generated])]
    with engine.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT {', '.join(names)} FROM made_up ORDER BY n")
        return [dict(zip(names, row, strict=True)) for row in found]


def store(engine: sa.Engine, example: Example) -> None:
    """Have the driver replace the rows."""
    mark = "?" if engine.dialect.paramstyle == "qmark" else "%s"
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM made_up")
        for row in example.rows:
            sent = example.sent(row)
            marks = ", ".join([mark] * len(sent))
            connection.exec_driver_sql(
                f"INSERT INTO made_up ({', '.join(sent)}) VALUES ({marks})", tuple(sent.values())
            )


def check(engine: sa.Engine, example: Example) -> None:
    """Write and read the rows by SQLSoup and by the driver, and compare."""
    run(engine, example.ddl)
    db = sqlsoup.SQLSoup(engine)
    expected = [example.completed(row) for row in example.rows]
    ids = () if example.keys != ["id"] else ("id",)
    try:
        rows = [db.made_up(**row) for row in example.rows]
        db.commit()
        assert shapes(sqlsoup.as_dicts(rows), ids) == shapes(expected, ids), example.ddl
        assert shapes(stored(engine, example), ids) == shapes(map(example.driven, expected), ids)
        db.session.remove()
        store(engine, example)
        rows = db.made_up.order_by(db.made_up.n).all()
        assert shapes(sqlsoup.as_dicts(rows), ids) == shapes(expected, ids), example.ddl
        for column in example.columns.values():
            for row in rows if column.kind.is_compared else ():
                value = getattr(row, column.name)
                found = db.made_up.filter(getattr(db.made_up, column.name) == value)
                assert row in found.all(), (example.ddl, column.name, value)
        before = stored(engine, example)
        for row in rows:
            for name in example.columns.keys() - {*example.keys}:
                flag_modified(row, name)
        db.commit()
        assert shapes(stored(engine, example)) == shapes(before), example.ddl
        for row, changes in zip(rows, example.changes, strict=True):
            for name, value in changes.items():
                setattr(row, name, value)
        db.commit()
        after = [row | changes for row, changes in zip(expected, example.changes, strict=True)]
        assert shapes(sqlsoup.as_dicts(rows), ids) == shapes(after, ids), example.ddl
        changed = [
            row | example.driven(changes)
            for row, changes in zip(before, example.changes, strict=True)
        ]
        assert shapes(stored(engine, example)) == shapes(changed), example.ddl
    finally:
        sqlsoup.Session.remove()
        run(engine, "DROP TABLE made_up")
