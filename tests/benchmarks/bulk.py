"""Rows in bulk: run by ``tox -e bench-bulk``, which writes docs/benchmarks-bulk.rst."""

from __future__ import annotations

import argparse
import csv
import importlib.metadata
import os
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dataset
import fastlite
import report
import sqlalchemy as sa
import sqlite_utils
from rounds import Samples, interleave, median, ratio
from sqlalchemy.ext import automap
from sqlalchemy.orm import Session

import sqlsoup

PAGE = report.PAGE.with_name("benchmarks-bulk.rst")
NAMES = ["id", "name", "email", "age"]
COLUMNS = "(id INTEGER PRIMARY KEY NOT NULL, name VARCHAR(40), email VARCHAR(60), age INTEGER)"
TEXT = """\
Benchmarks of rows in bulk
==========================

Many rows at once, beside what other libraries have for it. ``tox -e bench-bulk`` measures anew
and writes this page; it needs PostgreSQL and MariaDB servers on this machine. It was measured on
{date} ({machine}; {versions}).

The contestants of a table took turns, in another order each round, and committed each time. A
time is the median of {rounds} rounds, and a ratio the median of the ratios within the rounds. The
driver sends its ``executemany()``, or reads with ``fetchall()`` and makes dicts by ``zip()``. The
drivers are ``sqlite3``, psycopg2 and PyMySQL. fastlite and sqlite-utils are for SQLite alone.

*Insert* stores {rows:,} new rows of four columns, by :func:`.insert_many` with SQLSoup. *Upsert*
gives as many by the primary key, of which half are there, by :func:`.upsert`. *Dicts* reads
{read:,} rows, by :func:`.as_dicts`.

{tables}


CSV
---

{read:,} rows of a SQLite database, written to a file by a process that starts, does so and ends.
The script has ``csv.writer().writerows()`` over the driver's cursor.

{csv}
"""


def rows(count: int, first: int = 0) -> list[dict[str, Any]]:
    """Make rows."""
    return [
        {"id": i, "name": f"name {i}", "email": f"p{i}@example.org", "age": i % 90}
        for i in range(first, first + count)
    ]


class Driver:
    """The database's driver alone."""

    def __init__(self, url: sa.URL) -> None:
        self.engine = sa.create_engine(url, poolclass=sa.StaticPool)
        self.connection = self.engine.raw_connection()
        self.cursor = self.connection.cursor()
        mark = "?" if url.get_backend_name() == "sqlite" else "%s"
        self.statement = f"INSERT INTO people VALUES ({', '.join([mark] * 4)})"
        taken = "VALUES({0})" if url.get_backend_name() == "mysql" else "excluded.{0}"
        sets = ", ".join(f"{name} = {taken.format(name)}" for name in NAMES[1:])
        mysql = url.get_backend_name() == "mysql"
        on = "ON DUPLICATE KEY UPDATE" if mysql else "ON CONFLICT (id) DO UPDATE SET"
        self.merge = f"{self.statement} {on} {sets}"

    def insert(self, new: list[dict[str, Any]]) -> None:
        """Store new rows."""
        self.cursor.executemany(self.statement, [tuple(row.values()) for row in new])
        self.connection.commit()

    def upsert(self, new: list[dict[str, Any]]) -> None:
        """Store new rows and change those that are there."""
        self.cursor.executemany(self.merge, [tuple(row.values()) for row in new])
        self.connection.commit()

    def dicts(self) -> list[dict[str, Any]]:
        """Read all rows."""
        self.cursor.execute("SELECT * FROM people")
        found = [dict(zip(NAMES, row, strict=True)) for row in self.cursor.fetchall()]
        self.connection.commit()
        return found

    def close(self) -> None:
        """Disconnect."""
        self.connection.close()
        self.engine.dispose()


class SQLSoup:
    """SQLSoup."""

    def __init__(self, url: sa.URL) -> None:
        self.db = sqlsoup.SQLSoup(url)

    def insert(self, new: list[dict[str, Any]]) -> None:
        """Store new rows."""
        sqlsoup.insert_many(self.db.people, new)
        self.db.commit()

    def upsert(self, new: list[dict[str, Any]]) -> None:
        """Store new rows and change those that are there."""
        sqlsoup.upsert(self.db.people, new)
        self.db.commit()

    def dicts(self) -> list[dict[str, Any]]:
        """Read all rows."""
        found = sqlsoup.as_dicts(self.db.people)
        self.db.commit()
        return found

    def close(self) -> None:
        """Disconnect."""
        self.db.session.remove()
        self.db.engine.dispose()


class Dataset:
    """dataset."""

    def __init__(self, url: sa.URL) -> None:
        self.db = dataset.connect(url.render_as_string(hide_password=False))

    def insert(self, new: list[dict[str, Any]]) -> None:
        """Store new rows."""
        with self.db as db:
            db["people"].insert_many(new)

    def upsert(self, new: list[dict[str, Any]]) -> None:
        """Store new rows and change those that are there."""
        with self.db as db:
            db["people"].upsert_many(new, ["id"])

    def dicts(self) -> list[dict[str, Any]]:
        """Read all rows."""
        return list(self.db["people"].all())

    def close(self) -> None:
        """Disconnect."""
        self.db.close()


class Fastlite:
    """fastlite."""

    def __init__(self, url: sa.URL) -> None:
        self.db = fastlite.database(url.database)

    def insert(self, new: list[dict[str, Any]]) -> None:
        """Store new rows."""
        self.db.t.people.insert_all(new)

    def upsert(self, new: list[dict[str, Any]]) -> None:
        """Store new rows and change those that are there."""
        self.db.t.people.upsert_all(new, pk="id")

    def dicts(self) -> list[dict[str, Any]]:
        """Read all rows."""
        return self.db.t.people()

    def close(self) -> None:
        """Disconnect."""
        self.db.conn.close()


class SqliteUtils:
    """sqlite-utils."""

    def __init__(self, url: sa.URL) -> None:
        self.db = sqlite_utils.Database(url.database)

    def insert(self, new: list[dict[str, Any]]) -> None:
        """Store new rows."""
        self.db["people"].insert_all(new)

    def upsert(self, new: list[dict[str, Any]]) -> None:
        """Store new rows and change those that are there."""
        self.db["people"].upsert_all(new, pk="id")

    def dicts(self) -> list[dict[str, Any]]:
        """Read all rows."""
        return list(self.db["people"].rows)

    def close(self) -> None:
        """Disconnect."""
        self.db.close()


class Automap:
    """SQLAlchemy's automap and a session's add_all()."""

    def __init__(self, url: sa.URL) -> None:
        self.engine = sa.create_engine(url)
        base = automap.automap_base()
        base.prepare(autoload_with=self.engine)
        self.cls = base.classes.people

    def insert(self, new: list[dict[str, Any]]) -> None:
        """Store new rows."""
        with Session(self.engine) as session, session.begin():
            session.add_all(self.cls(**row) for row in new)

    def upsert(self, new: list[dict[str, Any]]) -> None:
        """Store new rows and change those that are there."""
        with Session(self.engine) as session, session.begin():
            for row in new:
                session.merge(self.cls(**row))

    def dicts(self) -> list[dict[str, Any]]:
        """Read all rows."""
        with Session(self.engine) as session:
            found = session.scalars(sa.select(self.cls))
            return [{name: getattr(row, name) for name in NAMES} for row in found]

    def close(self) -> None:
        """Disconnect."""
        self.engine.dispose()


TITLES: dict[str, Callable[[sa.URL], Any]] = {
    "the driver": Driver,
    "SQLSoup": SQLSoup,
    "dataset": Dataset,
    "fastlite": Fastlite,
    "sqlite-utils": SqliteUtils,
    "automap": Automap,
}


@contextmanager
def database(url: sa.URL) -> Iterator[sa.URL]:
    """Give the URL of a new database on the server of another."""
    own = url.set(database=f"sqlsoup_bulk_{os.getpid()}")
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {own.database}")
        try:
            yield own
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {own.database}")
    server.dispose()


def compare(url: sa.URL, names: list[str], count: int, read: int, rounds: int) -> str:
    """Measure the work with rows in a new database, and return its table."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

    def run(statement: str) -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)

    run(f"CREATE TABLE people {COLUMNS}")
    ready = {name: TITLES[name](url) for name in names}

    def measure(work: str) -> Callable[[str], dict[str, Any]]:
        def turn(name: str) -> dict[str, Any]:
            given: list[Any] = []
            if work != "dicts":
                run("DELETE FROM people")
                given = [rows(count)]
                if work == "upsert":
                    ready["the driver"].insert(rows(count // 2))
            begin = time.perf_counter()
            getattr(ready[name], work)(*given)
            return {"seconds": time.perf_counter() - begin}

        return turn

    found: dict[str, Samples] = {}
    for work in ("insert", "upsert"):
        found[work] = interleave(names, measure(work), rounds)
    run("DELETE FROM people")
    ready["the driver"].insert(rows(read))
    found["dicts"] = interleave(names, measure("dicts"), rounds)
    for contestant in ready.values():
        contestant.close()
    lines = [
        [
            name,
            *(
                f"{report.duration(median(samples[name]))}, "
                f"{report.times(ratio(samples, name, 'the driver'))}"
                for samples in found.values()
            ),
        ]
        for name in names
    ]
    title = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}
    return report.table([title[url.get_backend_name()], "insert", "upsert", "dicts"], lines)


def write_csv(folder: Path, read: int, rounds: int) -> str:
    """Measure what a shell has for CSV."""
    path, out = folder / "csv.db", folder / "people.csv"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE people {COLUMNS}")
        connection.executemany(
            "INSERT INTO people VALUES (?, ?, ?, ?)", [tuple(row.values()) for row in rows(read)]
        )
    script = (
        "import csv, sqlite3, sys\n"
        "cursor = sqlite3.connect(sys.argv[1]).execute('SELECT * FROM people')\n"
        "writer = csv.writer(sys.stdout)\n"
        "writer.writerow([column[0] for column in cursor.description])\n"
        "writer.writerows(cursor)"
    )
    module = [sys.executable, "-m"]
    commands = {
        "script": [sys.executable, "-c", script, str(path)],
        "sqlsoup": [*module, "sqlsoup", str(path), "db.people", "--csv"],
        "sqlite-utils": [*module, "sqlite_utils", "rows", str(path), "people", "--csv"],
    }

    def measure(name: str) -> dict[str, Any]:
        begin = time.perf_counter()
        with out.open("w") as file:
            subprocess.run(commands[name], check=True, stdout=file)
        seconds = time.perf_counter() - begin
        with out.open(newline="") as file:
            if sum(1 for _ in csv.reader(file)) != read + 1:
                raise RuntimeError(f"{shlex.join(commands[name])} lost rows")
        return {"seconds": seconds}

    found = interleave(commands, measure, rounds, always=commands)
    lines = [
        [name, report.duration(median(samples)), report.times(ratio(found, name, "script"))]
        for name, samples in found.items()
    ]
    return report.table(["", "time", "ratio"], lines)


def main() -> None:
    """Run all and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes; writes no page")
    quick = parser.parse_args().quick
    count, read, rounds = (200, 500, 2) if quick else (20_000, 50_000, 7)
    tables = []
    shared = ["the driver", "SQLSoup", "dataset", "automap"]
    with tempfile.TemporaryDirectory() as folder:
        lite = sa.make_url(f"sqlite:///{folder}/bulk.db")
        tables.append(compare(lite, [*TITLES], count, read, rounds))
        for url in (
            "postgresql+psycopg2://postgres@127.0.0.1/test",
            "mysql+pymysql://root@127.0.0.1/test?charset=utf8mb4",
        ):
            with database(sa.make_url(url)) as own:
                tables.append(compare(own, shared, count, read, rounds))
        csv_table = write_csv(Path(folder), read, rounds)
    packages = ["SQLAlchemy", "psycopg2-binary", "PyMySQL", "dataset", "fastlite", "sqlite-utils"]
    text = TEXT.format(
        date=report.today(),
        machine=report.machine(),
        versions=", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages),
        rounds=rounds,
        rows=count,
        read=read,
        tables="\n\n".join(tables),
        csv=csv_table,
    )
    print(text)
    if not quick:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
