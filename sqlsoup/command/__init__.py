"""The command ``sqlsoup``: a console, or what one expression gives, on a database that is there."""

from __future__ import annotations

import argparse
import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from traceback import clear_frames
from typing import TYPE_CHECKING, NoReturn

import sqlalchemy

import sqlsoup
from sqlsoup.command._problems import harmless, problem_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_HELP = """\
Open a console with the database as `db`, or print what an expression gives.

examples:
  sqlsoup library.db
  sqlsoup postgresql+psycopg://me@localhost/library --tables
  sqlsoup library.db --describe books
  sqlsoup library.db 'db.books.filter(db.books.year > 2000)'
  sqlsoup library.db db.books --csv -o books.csv
  sqlsoup library.db 'db.loans.delete(db.loans.due < "2020")' --commit
  sqlsoup library.db --types library.py
"""

_END = """\
Without arguments it is a short tour.  Exit status: 0, 1 if the database refuses a statement or
--check finds a difference, 2 if something is not there or not understood.
"""


_FORMS = {".csv": "csv", ".json": "json", ".jsonl": "jsonl"}

_BROKEN_PIPE, _INTERRUPTED = 141, 130
"""The statuses that a shell gives to what ends by these signals."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"sqlsoup: {message}; sqlsoup --help tells more\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="sqlsoup",
        description=_HELP,
        epilog=_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"sqlsoup {sqlsoup.__version__} (SQLAlchemy {sqlalchemy.__version__})",
    )
    parser.add_argument("url", metavar="URL", nargs="?", help="URL, or path of a SQLite file")
    parser.add_argument(
        "expression",
        metavar="EXPRESSION",
        nargs="?",
        help="Python in which db is the database: a table, a query, rows or any value",
    )
    instead = parser.add_argument_group("instead of an expression").add_mutually_exclusive_group()
    instead.add_argument("--tables", action="store_true", help="list tables and views")
    instead.add_argument("--describe", metavar="TABLE", help="list the columns and keys of a table")
    instead.add_argument(
        "--types",
        nargs="+",
        metavar=("FILE", "TABLE"),
        help="write a module that tells editors and type checkers the columns of tables",
    )
    parser.add_argument(
        "--check", action="store_true", help="with --types: compare the module with the database"
    )
    output = parser.add_argument_group("output, if not a table as wide as the terminal")
    formats = output.add_mutually_exclusive_group()
    for name in ("csv", "json", "jsonl"):
        formats.add_argument(
            f"--{name}",
            action="store_const",
            dest="format",
            const=name,
            help={"jsonl": "one JSON object a line"}.get(name, f"as {name.upper()}"),
        )
    output.add_argument(
        "-o", "--output", metavar="FILE", help="to a file; .csv, .json and .jsonl say its format"
    )
    more = parser.add_argument_group("database")
    more.add_argument("--schema", metavar="NAME", help="schema in which tables are looked up")
    more.add_argument(
        "--key",
        metavar="TABLE=COLUMN,…",
        action="append",
        default=[],
        help="columns that tell the rows of a table or view apart that has no primary key",
    )
    more.add_argument(
        "--commit", action="store_true", help="keep what the expression changes; else rolled back"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    :param arguments: what follows the name of the command; the default is that of the process.
    :return: the exit status.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = _parser()
    given = parser.parse_intermixed_args(arguments)
    if contradiction := _contradiction(given):
        parser.error(contradiction)
    try:
        status = _run(given)
        with suppress(AttributeError):  # there is no standard output
            sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output has enough of it
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - one line, whatever it is
        problem = problem_of(error)
        print(f"sqlsoup: {harmless(str(problem))}", file=sys.stderr)
        return problem.status
    return status


def _contradiction(given: argparse.Namespace) -> str | None:
    """Return what is wrong with a combination of options, each of which is right by itself."""
    types, expression = given.types is not None, given.expression is not None
    instead = given.tables or given.describe is not None or types
    output = given.format or given.output
    named = any(vars(given).values())
    problems = {
        "there is no URL; it comes before --types": types and given.url is None,
        "there is no URL": named and given.url is None,
        "an expression comes alone, without --tables, --describe and --types": (
            instead and expression
        ),
        "--check is for --types": given.check and not types,
        "--types has a file and a form of its own": types and output,
        "--commit is for an expression": given.commit and not expression,
        "there is no expression for the output": output and not expression and not instead,
    }
    return next((problem for problem, found in problems.items() if found), None)


def _run(given: argparse.Namespace) -> int:
    if given.url is None:
        from sqlsoup.command._tour import tour_of_a_library

        tour_of_a_library()
        return 0
    from sqlsoup.command import _database, _once

    expression: str = given.expression
    once = any((given.tables, given.describe is not None, given.types, expression is not None))
    session = _database.streaming() if once else None
    db = _database.opened(given.url, given.schema, given.key, session)
    try:
        if not once:
            from sqlsoup.command import _console

            return _console.run(db)
        if given.types:
            from sqlsoup.command import _types

            return _types.run(db, *given.types, check=given.check)
        suffix = Path(given.output or "").suffix.lower()
        out = _once.Output(given.format or _FORMS.get(suffix, "table"), given.output)
        if given.tables:
            _once.tables(db, out)
        elif given.describe is not None:
            _once.describe(db, given.describe, out)
        else:
            _once.expression(db, expression, out, commit=given.commit)
        return 0
    except BaseException as error:
        _let_go(error)
        raise
    finally:
        _database.closed(db)


def _let_go(error: BaseException) -> None:
    """Drop what a traceback holds, as a result does that is yet to be read to its end.

    SQLAlchemy logs an error when its cursor is closed later than the database.
    """
    link: BaseException | None = error
    while link is not None:
        clear_frames(link.__traceback__)
        link = link.__context__
