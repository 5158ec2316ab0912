"""The runner: a program as ``python`` would run it, and a report at its end."""

from __future__ import annotations

import argparse
import atexit
import json
import os
import pkgutil
import runpy
import shutil
import sys
import tempfile
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from sqlsoup import legacy
from sqlsoup.exc import SQLSoupError
from sqlsoup.legacy import _notes
from sqlsoup.legacy._frames import is_handled
from sqlsoup.legacy._python3 import (
    compile_program,
    compiled_again,
    compiled_file,
    not_python_3,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

STRICT = 3
"""Exit status of a program that used old forms, under ``--strict``."""

UNWRITTEN = 1
"""Exit status of a program that ended well, where the report cannot be written."""


def parse(args: list[str] | None = None) -> argparse.Namespace:
    """Return the options, and the program with its arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m sqlsoup.legacy",
        usage="%(prog)s [options] (SCRIPT | -m MODULE | -c CODE | -) [ARGS]",
        description="Run a program written for SQLSoup 0.9 and SQLAlchemy 1.3 or older, and tell "
        "what to change in it.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="write the report there, as JSON, SARIF or text by its ending",
    )
    parser.add_argument("--quiet", action="store_true", help="print no report")
    parser.add_argument(
        "--strict", action="store_true", help="exit with 3 if the program used an old form"
    )
    parser.add_argument(
        "--children",
        action="store_true",
        help="have the old forms in Python processes too that the program starts anew",
    )
    parser.add_argument("-m", dest="module", metavar="MODULE", help="run a module")
    parser.add_argument("-c", dest="code", metavar="CODE", help="run this code")
    parser.add_argument(
        "script", nargs="?", metavar="SCRIPT", help="run a script, or standard input if it is -"
    )
    args = sys.argv[1:] if args is None else args
    end = 0  # of what is ours, up to the name of the program
    while end < len(args) and args[end].startswith("-") and not args[end].startswith(_PROGRAM):
        if args[end] == "-":
            break
        end += 2 if args[end] == "--report" else 1
    end += 2 if args[end : end + 1] in (["-m"], ["-c"]) else 1
    options = parser.parse_args(args[:end])
    program = options.module or options.script or options.code
    if program is None:
        parser.error("name a SCRIPT, a module with -m, code with -c, or - for standard input")
    options.program = [program, *args[end:]]
    return options


_PROGRAM = ("-m", "-c")


class _Run:
    """One run of a program: who reports, and what the process ends with."""

    def __init__(self, options: argparse.Namespace, children: str = "") -> None:
        self.options = options
        self.failed = False
        self.status = 0
        self.report = options.report and Path(options.report).absolute()
        self.stderr = sys.stderr
        self.children = Path(children or tempfile.mkdtemp(prefix="sqlsoup-legacy-"))
        self.name = ""
        if options.children:
            self.prepare_children()
        self.os_exit = os._exit
        setattr(os, "_exit", self.exit)  # noqa: B010 - it is declared as a function
        _notes.in_child_processes(self.forked)

    def prepare_children(self) -> None:
        """Have each Python process that has this one's environment call :func:`join` at first."""
        site = self.children / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(_SITE, encoding="utf-8")
        path = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(path)
        os.environ[_CHILDREN] = os.pathsep.join(map(str, (self.children, Path.cwd())))

    def forked(self) -> None:
        """Begin anew in a child process, which does not report but tells its parent."""
        self.name = f"{os.getpid()}-{time.monotonic_ns()}"
        _notes.clear()
        _notes.first_use = self.tell_parent

    def tell_parent(self) -> None:
        """Write what a child process noted to where the parent looks."""
        notes = [vars(note) for note in _notes.report().notes]
        written = self.children / f"{self.name}.{threading.get_ident()}"
        with suppress(OSError):  # the parent has ended before
            written.write_text(json.dumps(notes), encoding="utf-8")
            written.replace(self.children / f"{self.name}.json")

    def exit(self, status: int) -> NoReturn:
        """Stand for ``os._exit``, with which the children of multiprocessing end."""
        try:
            self.finish()
        finally:
            self.os_exit(status or self.status)

    def finish(self) -> None:
        """Report, when all else of the program has ended."""
        if self.name:
            self.tell_parent()
            return
        setattr(os, "_exit", self.os_exit)  # noqa: B010
        for path in self.children.glob("*.json"):
            _notes.merge(_notes.Note(**each) for each in json.loads(path.read_text("utf-8")))
        shutil.rmtree(self.children, ignore_errors=True)
        report = legacy.report()
        if self.options.strict and report:
            self.status = STRICT
        with suppress(Exception):  # what the program has put in place of stdout
            sys.stdout.flush()
        if not self.options.quiet and report:
            self.tell(f"\nsqlsoup.legacy:\n{report}")
        elif not self.options.quiet and not self.failed:
            self.tell(f"sqlsoup.legacy: {report}")
        if self.report:
            try:
                report.write(self.report)
            except OSError as error:
                self.status = self.status or UNWRITTEN
                self.tell(f"sqlsoup.legacy: the report cannot be written: {error}\n")

    def tell(self, text: str) -> None:
        """Print to the stderr that there was when the program began."""
        with suppress(AttributeError, OSError, ValueError):  # None, cut off or closed
            self.stderr.write(text)
            self.stderr.flush()


_CHILDREN = "SQLSOUP_LEGACY_CHILDREN"
"""The variable with the folder for the notes of children, and that in which the program began."""

_SITE = """
import importlib.util, os, sys
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [path for path in sys.path if os.path.abspath(path) != here]
del sys.modules["sitecustomize"]
if importlib.util.find_spec("sitecustomize"):
    import sitecustomize
if importlib.util.find_spec("sqlsoup"):
    from sqlsoup.legacy import _run
    _run.join()
sys.modules.setdefault("sitecustomize", sys)
"""


def join() -> None:
    """Put the old forms in force in a process that a program has started anew."""
    children, folder = os.environ.get(_CHILDREN, "").split(os.pathsep)
    if not Path(children).is_dir():  # the program has ended
        return
    legacy.enable(warnings=False)
    _notes.begin_in(folder)
    run = _Run(argparse.Namespace(report=None, children=False), children)
    run.forked()
    atexit.register(run.finish)


def main(args: list[str] | None = None) -> None:
    """Run a program; what ends it ends this process as well.

    :param args: the command line without the name of the command; the default is that of the
     process.
    """
    options = parse(args)
    try:
        legacy.enable(warnings=False)
    except SQLSoupError as error:
        sys.exit(str(error))
    run = _Run(options)
    atexit.register(run.finish)
    sys.modules["__main__"] = ModuleType("__main__")
    if sys.version_info < (3, 12):
        setattr(sys, "exit", _exit)  # noqa: B010
    try:
        _how(options)(options.program)
    except SystemExit as error:
        _keep_tuple(error)
        run.failed = not isinstance(error.code, int | None) or bool(error.code)
        if run.failed:
            raise
    except BaseException as error:
        run.failed = True
        _show_from_program(error)
        raise
    finally:
        setattr(sys, "exit", _sys_exit)  # noqa: B010
    if options.strict or options.report:
        # What Python does at its end, but for the exit status, which it has settled by then.
        threading._shutdown()  # type: ignore[attr-defined]
        sys.exit(
            atexit._run_exitfuncs()  # type: ignore[func-returns-value, redundant-expr]
            or run.status
        )


def _exit(status: object = None, /) -> NoReturn:
    """Stand for ``sys.exit`` before Python 3.12: see :func:`_keep_tuple`."""
    _sys_exit(status)  # type: ignore[arg-type]


_sys_exit = sys.exit


def _keep_tuple(error: SystemExit) -> None:
    """Have a tuple that was given to ``sys.exit`` be the status, as where nothing catches it.

    Python makes arguments of the error out of it when it is caught, as it is here.
    """
    passed = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if passed[-1].f_code is _exit.__code__ and not is_handled(error.__traceback__):
        status: Any = passed[-1].f_locals["status"]
        if isinstance(status, tuple):
            error.code = status  # type: ignore[assignment]


def _how(options: argparse.Namespace) -> Callable[[list[str]], None]:
    if options.module:
        return _run_module
    if options.code is not None:
        return _run_code
    return _run_input if options.script == "-" else _run_script


def _run_code(program: list[str]) -> None:
    _run_text(program[0], "<string>", ["-c", *program[1:]])


def _run_input(program: list[str]) -> None:
    vars(sys.modules["__main__"])["__file__"] = "<stdin>"
    _run_text(sys.stdin.read(), "<stdin>", program)


def _run_text(source: str, name: str, arguments: list[str]) -> None:
    sys.argv = arguments
    if not sys.flags.safe_path:
        sys.path[0] = ""
    try:
        code = compile_program(source, name)
    except (SyntaxError, ValueError) as error:
        sys.exit(not_python_3(name, getattr(error, "lineno", None), error))
    exec(code, vars(sys.modules["__main__"]))  # noqa: S102 - that is what is asked for


def _run_module(program: list[str]) -> None:
    sys.argv = ["-m", *program[1:]]
    runpy._run_module_as_main(program[0])  # type: ignore[attr-defined]


def _run_script(program: list[str]) -> None:
    sys.argv = program
    path = Path(program[0]).absolute()
    if not sys.flags.safe_path:
        del sys.path[0]  # the working directory, which -m has put there
    if pkgutil.get_importer(str(path)) is not None:  # a folder or a zip file
        sys.path.insert(0, str(path))
        runpy._run_module_as_main("__main__", alter_argv=False)  # type: ignore[attr-defined]
        return
    try:
        code = compiled_file(program[0], path)
    except OSError as error:
        where = f"{str(path)!r}: [Errno {error.errno}] {error.strerror}"
        print(f"{sys.executable}: can't open file {where}", file=sys.stderr)
        sys.exit(2)
    if not sys.flags.safe_path:
        sys.path.insert(0, str(path.resolve().parent))
    runpy._run_code(  # type: ignore[attr-defined]
        code, vars(sys.modules["__main__"]), mod_name="__main__", script_name=str(path)
    )


def _show_from_program(error: BaseException) -> None:
    """Have the traceback begin where the program begins."""
    trimmed = error.__traceback__
    while trimmed and trimmed.tb_frame.f_globals.get("__name__") in (__name__, "runpy"):
        trimmed = trimmed.tb_next
    hook = sys.excepthook

    def show(kind: type[BaseException], shown: BaseException, _: TracebackType | None) -> None:
        sys.excepthook = hook
        hook(kind, shown.with_traceback(trimmed), trimmed)
        found = compiled_again(trimmed) if isinstance(error, NameError) else error
        if isinstance(found, SyntaxError) and str(found.filename).endswith(".py"):
            print(not_python_3(str(found.filename), found.lineno, found), file=sys.stderr)

    sys.excepthook = show
