"""The databases of the benchmarks: schemas of many tables, and one with rows."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

PEOPLE = 50_000


def name(number: int) -> str:
    """Return the name of a table."""
    return f"t{number:05}"


def unrelated(_size: int, _number: int) -> list[int]:
    """No foreign keys."""
    return []


def tied(size: int, number: int) -> list[int]:
    """Two earlier tables each: the last table leads to all others, in few steps."""
    first = size - 1 - 2 * (size - 1 - number) - 1
    return [first, first - 1] if first > 0 else [number // 2, number // 3] if number else []


def chain(_size: int, number: int) -> list[int]:
    """Each table refers to the one before it."""
    return [number - 1] if number else []


def cyclic(size: int, number: int) -> list[int]:
    """Two tables each, drawn from all."""
    return random.Random(f"{size} {number}").sample(range(size), min(2, size))


def dangling(size: int, number: int) -> list[int]:
    """As tied, and the last table has a key to one that is not there."""
    return [*tied(size, number), *([size] if number == size - 1 else [])]


def star(_size: int, number: int) -> list[int]:
    """All refer to the first one."""
    return [0] if number else []


SHAPES = {shape.__name__: shape for shape in (unrelated, tied, chain, cyclic, dangling, star)}


def ties(shape: str, size: int) -> list[tuple[str, str]]:
    """Return the tables of each foreign key, first the one that has it."""
    return [
        (name(number), name(target))
        for number in range(size)
        for target in dict.fromkeys(SHAPES[shape](size, number))
    ]


def many_tables(shape: str, size: int) -> list[str]:
    """Return the statements that make a schema, in whose last table there is a row."""
    plain, keys = [], []
    for number in range(size):
        targets = [*dict.fromkeys(SHAPES[shape](size, number))]
        columns = [f"to_{i} INTEGER" for i in range(len(targets))]
        references = [f" REFERENCES {name(target)} (id)" for target in targets]
        if shape == "cyclic":  # a table that comes later cannot be named yet
            keys += [
                f"ALTER TABLE {name(number)} ADD FOREIGN KEY (to_{i}){reference}"
                for i, reference in enumerate(references)
            ]
        else:
            columns = [column + end for column, end in zip(columns, references, strict=True)]
        listed = ", ".join(["id INTEGER PRIMARY KEY", "name VARCHAR(40)", *columns])
        plain.append(f"CREATE TABLE {name(number)} ({listed})")
    first, last = (f"INSERT INTO {name(n)} (id, name) VALUES (1, 'a row')" for n in (0, size - 1))
    return [*plain, *keys, last, *([first] if shape == "star" else [])]


def with_rows(*, postgresql: bool) -> list[str]:
    """Return the statements that make the tables of the work with rows."""
    key = "SERIAL" if postgresql else "INTEGER"
    # NOT NULL for automap, which cannot insert two rows into a SQLite table without it
    columns = f"(id {key} PRIMARY KEY NOT NULL, name VARCHAR(40), email VARCHAR(60), age INTEGER)"
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
    person = "SELECT i, 'name ' || i, 'p' || i || '@example.org', i % 90 FROM n"
    return [
        f"CREATE TABLE people {columns}",
        f"CREATE TABLE items {columns}",
        "CREATE TABLE loans (number INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people (id))",
        numbers.format(PEOPLE) + "INSERT INTO people " + person,
        numbers.format(100) + "INSERT INTO loans SELECT i, i FROM n",
    ]


class Sqlite:
    """Databases in files of a folder."""

    title = "SQLite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def database(self, statements: list[str]) -> Iterator[str]:
        """Give the URL of a new database."""
        path = self.folder / "bench.db"
        script = ";".join(statements)
        if " ADD FOREIGN KEY " in script:
            statements = _keys_in_place(statements)
        with closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)
        try:
            yield f"sqlite:///{path}"
        finally:
            path.unlink()

    def empty(self, url: str, table: str) -> None:
        """Remove all rows of a table."""
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute(f"DELETE FROM {table}")


def _keys_in_place(statements: list[str]) -> list[str]:
    """Put keys that were added by ALTER TABLE into CREATE TABLE: SQLite takes them only there."""
    keys: dict[str, str] = {}
    rest = []
    for statement in statements:
        head, added, key = statement.partition(" ADD FOREIGN KEY ")
        if added:
            table = head.removeprefix("ALTER TABLE ")
            keys[table] = f"{keys.get(table, '')}, FOREIGN KEY {key}"
        else:
            rest.append(statement)
    return [
        f"{statement[:-1]}{keys.get(statement.split()[2], '')})"
        if statement.startswith("CREATE")
        else statement
        for statement in rest
    ]


class Mariadb:
    """Databases of the benchmarks' own on a server: one with rows, and one beside it."""

    title = "MariaDB"

    def __init__(self, url: str) -> None:
        self.url = url
        self.own = f"sqlsoup_bench_{os.getpid()}"

    @contextmanager
    def database(self, statements: list[str], beside: list[str]) -> Iterator[str]:
        """Give the URL of a new database, beside which there is another."""
        import sqlalchemy as sa

        url = sa.make_url(self.url)
        made = {self.own: statements, f"{self.own}_beside": beside}
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            try:
                for name, each in made.items():
                    connection.exec_driver_sql(f"CREATE DATABASE {name}")
                    connection.exec_driver_sql(f"USE {name}")
                    for statement in each:
                        connection.exec_driver_sql(statement)
                yield url.set(database=self.own).render_as_string(hide_password=False)
            finally:
                for name in made:
                    connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        engine.dispose()


class Postgresql:
    """A database of the benchmarks' own on a server, made anew each time."""

    title = "PostgreSQL"

    def __init__(self, url: str) -> None:
        self.url = url
        self.own = f"sqlsoup_bench_{os.getpid()}"

    @contextmanager
    def database(self, statements: list[str]) -> Iterator[str]:
        """Give the URL of a new database."""
        url = f"{self.url.rpartition('/')[0]}/{self.own}"
        self._run(self.url, f"CREATE DATABASE {self.own}")
        try:
            with closing(psycopg2.connect(url)) as connection, connection:
                cursor = connection.cursor()
                for statement in statements:
                    cursor.execute(statement)
            self._run(url, "VACUUM ANALYZE")
            yield url
        finally:
            self._run(self.url, f"DROP DATABASE {self.own} WITH (FORCE)")

    def empty(self, url: str, table: str) -> None:
        """Remove all rows of a table."""
        self._run(url, f"TRUNCATE {table}")

    @staticmethod
    def _run(url: str, statement: str) -> None:
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            connection.cursor().execute(statement)
