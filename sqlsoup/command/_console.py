"""A console with a database as ``db``: IPython's where that is installed, else Python's."""

from __future__ import annotations

import ast
import atexit
import builtins
import code
import importlib.util
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import sqlalchemy
from sqlalchemy import Result
from sqlalchemy.engine import FilterResult
from sqlalchemy.orm import Query

import sqlsoup
from sqlsoup.command._changes import Changes
from sqlsoup.command._complete import Completer
from sqlsoup.command._database import shown, views_of
from sqlsoup.command._once import names_for
from sqlsoup.command._output import is_row
from sqlsoup.command._problems import FAILED, Problem

if TYPE_CHECKING:
    from collections.abc import Callable


def run(db: sqlsoup.SQLSoup) -> int:
    """Run a console, and roll back what it leaves uncommitted.

    :return: the exit status.
    :raises Problem: there is no standard input.
    """
    if sys.stdin is None:
        raise Problem("standard input is closed")
    changes = Changes(db)
    names = names_for(db)
    terminal = sys.stdin.isatty()
    try:
        if terminal and importlib.util.find_spec("IPython"):
            _run_ipython(names, _banner(db))
        else:
            _run_python(names, _banner(db) if terminal else "")
    except SystemExit as leaving:
        status = leaving.code
    else:
        status = 0
    finally:
        if changes:
            print("Changes that were not committed are rolled back.", file=sys.stderr)
    if isinstance(status, str):
        print(status, file=sys.stderr)
        return FAILED
    return status or 0


def _banner(db: sqlsoup.SQLSoup) -> str:
    both = len(list(db))
    views = len(views_of(db))
    tables = both - views
    counted = f"{tables} table{'s' * (tables != 1)}, {views} view{'s' * (views != 1)}"
    return (
        f"SQLSoup {sqlsoup.__version__}, SQLAlchemy {sqlalchemy.__version__}, "
        f"Python {sys.version.split()[0]}\n"
        f"db is {shown(db)}: {counted}\n"
        "db.commit() keeps changes; exit with Ctrl-D"
    )


def _run_ipython(names: dict[str, Any], banner: str) -> None:
    from IPython.core.completer import SimpleCompletion, context_matcher
    from IPython.terminal.interactiveshell import TerminalInteractiveShell
    from IPython.terminal.ipapp import TerminalIPythonApp
    from traitlets.config import Config

    completer = Completer(names)

    @context_matcher(priority=1000)  # type: ignore[untyped-decorator]
    def tables(context: Any) -> Any:
        line = context.text_until_cursor
        begin, found = completer.of_tables(line) or (len(line), [])
        return {
            "completions": [SimpleCompletion(text) for text in found],
            "matched_fragment": line[begin:],
            "suppress": bool(found),
        }

    config = Config()
    config.IPCompleter.use_jedi = False  # it maps the tables whose names it meets
    config.TerminalInteractiveShell.banner1 = banner + "\n"
    config.TerminalInteractiveShell.banner2 = ""
    tips = {"enable_tip"} & {*TerminalInteractiveShell.class_traits()}  # since 9.0
    config.TerminalInteractiveShell.update(dict.fromkeys(tips, False))
    config.InteractiveShellApp.extra_extensions = ["sqlsoup"]
    app: Any = TerminalIPythonApp.instance(config=config, user_ns=names)
    app.initialize([])
    app.shell.Completer.custom_matchers.append(tables)
    app.start()


def _run_python(names: dict[str, Any], banner: str) -> None:
    sys.displayhook = _display
    if banner:
        _use_readline(Completer(names))
        code.InteractiveConsole(names).interact(banner, exitmsg="")
    else:
        _Program({**names, "__name__": "__main__"}).run(sys.stdin.read())


class _Program(code.InteractiveInterpreter):
    """What comes from a pipe: it ends at the first error, lest the next line commits."""

    def run(self, source: str) -> None:
        """Run a program, of which expressions are shown as in a console."""
        compiler: Any = self.compile.compiler  # it remembers what is imported from __future__
        try:
            statements = ast.parse(source, "<stdin>").body
            codes = [compiler(ast.Interactive([each]), "<stdin>", "single") for each in statements]
        except (SyntaxError, ValueError):  # a NUL is a ValueError before Python 3.12
            self.showsyntaxerror("<stdin>")
        for each in codes:
            self.runcode(each)

    def showtraceback(self) -> NoReturn:
        if isinstance(sys.exc_info()[1], KeyboardInterrupt | BrokenPipeError):
            raise  # noqa: PLE0704 - it is being handled
        super().showtraceback()
        raise SystemExit(FAILED)

    def showsyntaxerror(self, *args: Any, **kwargs: Any) -> NoReturn:
        super().showsyntaxerror(*args, **kwargs)
        raise SystemExit(FAILED)


def _display(value: Any) -> None:
    """Show tables, queries and rows as tables, and anything else as Python does."""
    if is_row(value[0] if isinstance(value, list) and value else value) or isinstance(
        value, Query | Result | FilterResult | sqlsoup.SelectableClassType | sqlsoup.SQLSoup
    ):
        with suppress(sqlsoup.ArgumentError):  # rows of several kinds
            sqlsoup.show(value)
            builtins.__dict__["_"] = value
            return
    sys.__displayhook__(value)


def _use_readline(completer: Completer) -> None:
    try:
        import readline
    except ImportError:  # Windows
        return
    found: list[str] = []

    def complete(_text: str, state: int) -> str | None:
        if state == 0:
            line = readline.get_line_buffer()[: readline.get_endidx()]
            begin, names = completer.matches(line)
            before = readline.get_begidx() - begin  # where readline splits is not where we do
            head = line[begin + before : begin]
            found[:] = [head + name[max(before, 0) :] for name in names]
        return found[state] if state < len(found) else None

    readline.set_completer(complete)
    delimiters = readline.get_completer_delims()  # a quote among them is typed once more
    readline.set_completer_delims(delimiters.translate({ord(quote): None for quote in "'\""}))
    libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
    path = Path.home() / ".sqlsoup_history"
    with suppress(OSError):
        readline.read_history_file(path)
    atexit.register(_keep_history, readline.write_history_file, path)


def _keep_history(write: Callable[[Path], None], path: Path) -> None:
    with suppress(OSError):
        write(path)
