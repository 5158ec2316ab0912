"""The results as tables, and the page of the documentation that has them."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import sqlite3
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.rst"

TEXT = """\
Benchmarks
==========

SQLSoup against other ways to a table. ``tox -e bench`` measures anew and writes this page; it needs
Python 3.13, a PostgreSQL and a MariaDB server on this machine, and takes some {minutes} minutes.

.. code-block:: console

   $ tox -e bench             # all of it
   $ tox -e bench -- --quick  # small sizes, in four minutes; the page stays as it is
   $ tox -e bench -- --pair   # only work with rows, beside declared models
   $ tox -e bench-py311       # likewise, on Python 3.11
   $ tox -e bench -- --postgresql postgresql://postgres@127.0.0.1:5432/test

On the servers it makes databases of its own and drops them. The times below were measured on {date}
({machine}; {versions}).

The contestants of a table took turns, in another order each round; a time is the median of the
rounds, and a ratio the median of the ratios within the rounds. Where the least times are compared
instead, which what else the machine does disturbs least, it is said. Who needed more than {slow} s
in the first round was measured once, except for the work that the targets are about; so was a first
row whose time no target is about. *Statements*
are calls of the driver's ``execute()`` or ``executemany()``, what is sent on connecting included.
Times differ from machine to machine: look at the ratios and at the statements.

The contestants:

- the driver alone: the standard library's ``sqlite3``, and psycopg2;
- models declared by hand with SQLAlchemy;
- one table: ``Table("t", MetaData(), autoload_with=engine, resolve_fks=False)``, used with
  SQLAlchemy's Core;
- SQLSoup, and SQLSoup 0.9.1 on SQLAlchemy 1.3.24 in an environment of its own;
- the ``DataSet`` of peewee, the library dataset, and SQLAlchemy's automap.


Targets
-------

What SQLSoup is meant to reach, and what it reached in this run.

{targets}


Import
------

Each in a new process. The last column is what importing took of the time of
``import sqlalchemy.orm``, the least of each.

{imports}


First row of one table
----------------------

A new process imports what it needs; then the clock starts, and it opens the database and reads the
first row of the last table. A cell has the time and the statements. A contestant that needed more
than {limit:.0f} s was stopped and did not try larger schemas of that shape.

- *unrelated*: no table has a foreign key;
- *tied*: each has foreign keys to two earlier ones, and the last one leads to all;
- *chain*: each refers to the one before it;
- *cyclic*: each refers to two of all, drawn by chance;
- *dangling*: as tied, and the last one also refers to a table that is not there.

{first}


Second access
-------------

What it costs to name a table that was used before, against an instance attribute of a class that
has ``__getattr__``.

{second}


Work with rows
--------------

{people:,} rows loaded at once; {rows:,} rows loaded by their keys, inserted, changed and deleted,
with one commit at the end. The driver and the table are given all rows at once, the ORMs and
SQLSoup one by one, which they send in batches; dataset and peewee's DataSet send a statement a row.
The ratios are to the models declared by hand; the second is that of the processor time of the
program alone, which is less noisy. What was there before a part of the work is left out of its
garbage collections. For the targets, models and SQLSoup took {pair_rounds} turns in each of
{pair_processes} processes of their own, with {pair_rows:,} rows each; the least of each are not
compared, as now and then a server answers twice as fast. On Python 3.11 *get* and *insert* come out
a few hundredths higher: it makes an AttributeError, and drops it, each time that
``db.users`` is looked up, and Python 3.12 does not.

{rows_tables}


Rows as dicts
-------------

{people:,} rows read and made dicts: by the driver, with ``fetchall()`` and ``zip()``, by
:func:`.as_dicts` of a class, of a query and of a result of ``execute()``, and by dataset.

{dicts_tables}


Relationships
-------------

A new process imports what it needs; then it opens the database and has both relationships of each
foreign key complete: of {collections} tables that refer to one, and of a schema of {schema:,}
tables of the shape *tied*. The ratios are to automap, of the least of each; the memory is what was
allocated at the end, and was measured in a process of its own.

{related}

An attribute that is neither a column nor a relationship, set on a row of a table to which ten
others refer:

{assign}

The first ``person.loans``, alone on a server and beside another database of {others:,} tables. The
time is to be the same but for one thing: MariaDB has no index of its foreign keys by the table that
they refer to, and reads through all of them.

{children}


Joins
-----

{joins:,} joins, each mapped to a new class and dropped. The first tenth is queried before, which
fills the statement cache, and of the others every tenth. The time is processor time of one mapping,
the shortest of those around it. What is kept is the memory that was allocated since the start, and
the number of all objects, after a collection and ``engine.clear_compiled_cache()``; tables of weak
references keep the size that they needed when the cache was full.

{joins_table}
"""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay a table out, to be read as it is or as reStructuredText."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    rule = "  ".join("=" * width for width in widths)

    def line(row: Sequence[str]) -> str:
        cells = zip(row, widths, strict=True)
        return "  ".join(cell.ljust(width) for cell, width in cells).rstrip()

    return "\n".join([rule, line(head), rule, *map(line, rows), rule])


def duration(seconds: float | None) -> str:
    """Write a time with three digits."""
    if seconds is None:
        return "-"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def times(ratio: float | None) -> str:
    """Write a ratio."""
    if ratio is None:
        return "-"
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}"


def machine() -> str:
    """Describe the machine."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def versions(postgresql: str | None) -> str:
    """List what took part."""
    import sqlsoup

    packages = ["SQLAlchemy", "psycopg2-binary", "peewee", "dataset"]
    return ", ".join(
        [
            f"Python {platform.python_version()}",
            f"SQLSoup {sqlsoup.__version__}",
            *(f"{name} {importlib.metadata.version(name)}" for name in packages),
            f"SQLite {sqlite3.sqlite_version}",
            *([f"PostgreSQL {postgresql}"] if postgresql else []),
        ]
    )


def today() -> str:
    """Return the date."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()
