"""What a program used that SQLAlchemy 2 does not have: noted once a place, and counted."""

from __future__ import annotations

import json
import os
import threading
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import sqlalchemy

import sqlsoup
from sqlsoup.exc import SQLSoupDeprecationWarning
from sqlsoup.legacy._forms import FORMS
from sqlsoup.legacy._frames import caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType


@dataclass(frozen=True, order=True)
class Note:
    """One old form at one place of a program."""

    file: str
    """Path of the source file, relative to the working directory where it is below it."""

    line: int
    """Number of the line, from 1."""

    form: str
    """Identifier of the form, such as ``engine-execute``."""

    old: str
    """What was used."""

    instead: str
    """What to write instead."""

    count: int
    """How often it was used, in calls."""


@dataclass(frozen=True)
class Report:
    """The old forms that were used, sorted by file and line.

    ``str(report)`` is a table, and a report is false when there is nothing in it.
    """

    notes: tuple[Note, ...]
    """A note for each form and place."""

    def __bool__(self) -> bool:
        return bool(self.notes)

    def __str__(self) -> str:
        if not self:
            return "what ran used no old forms, and needs no sqlsoup.legacy\n"
        rows = [("place", "used", "old form", "write instead")]
        rows += [
            (f"{n.file}:{n.line}", f"{n.count}x", _one_line(n.old), _one_line(n.instead))
            for n in self.notes
        ]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [
            "  ".join(
                [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]
            )
            for row in rows
        ]
        used = sum(n.count for n in self.notes)
        lines.append(
            f"{len(self.notes)} place{'s' * (len(self.notes) > 1)} to change, "
            f"used {used} time{'s' * (used > 1)}"
        )
        return "\n".join(lines) + "\n"

    def to_json(self) -> str:
        """Return the report as JSON: an object with ``sqlsoup``, ``sqlalchemy`` and ``notes``."""
        document = {
            "sqlsoup": sqlsoup.__version__,
            "sqlalchemy": sqlalchemy.__version__,
            "notes": [vars(note) for note in self.notes],
        }
        return json.dumps(document, indent=2) + "\n"

    def to_sarif(self) -> str:
        """Return the report in SARIF 2.1.0, the format of code scanners."""
        forms = sorted({note.form for note in self.notes})
        rules = [{"id": f, "shortDescription": {"text": FORMS[f].old}} for f in forms]
        results = [
            {
                "ruleId": note.form,
                "ruleIndex": forms.index(note.form),
                "level": "warning",
                "message": {"text": f"{note.old}: {note.instead}"},
                "occurrenceCount": note.count,
                "locations": [
                    {
                        "physicalLocation": {
                            "artifactLocation": {"uri": _uri(note.file)},
                            "region": {"startLine": note.line},
                        }
                    }
                ],
            }
            for note in self.notes
        ]
        driver = {"name": "sqlsoup.legacy", "version": sqlsoup.__version__, "rules": rules}
        document = {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{"tool": {"driver": driver}, "results": results}],
        }
        return json.dumps(document, indent=2) + "\n"

    def write(self, path: str | Path) -> None:
        """Write the report to a file, as JSON, SARIF or text by the ending of its name."""
        render = {".json": self.to_json, ".sarif": self.to_sarif}.get(
            Path(path).suffix.lower(), self.__str__
        )
        Path(path).write_text(render(), encoding="utf-8", errors="backslashreplace")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))


@dataclass
class Site:
    """A place of a program, and what was used there."""

    note: Note
    file: str = ""
    module: str = ""
    count: int = 0
    is_named: bool = False
    warned: bool = False

    def warn(self) -> None:
        """Issue the warning for this place, once, at the line of the program."""
        with _lock:
            if self.warned or not warning:
                return
            self.warned = True
        try:
            warnings.warn_explicit(
                f"{self.note.old}: {self.note.instead}",
                SQLSoupDeprecationWarning,
                self.file,
                self.note.line,
                self.module,
            )
        except BaseException:  # where the warning is an error, each use is
            self.warned = False
            raise


_sites: dict[tuple[str, int, str, str], Site] = {}
_lock = threading.RLock()  # a handler of a signal may use an old form as well
_folder = Path.cwd()
warning = True
"""Whether a note is a warning as well."""

first_use: Callable[[], None] = lambda: None  # noqa: E731
"""Called when something is noted for the first time at a place."""


def in_child_processes(step: Callable[[], None]) -> None:
    """Have a function called in each process that is forked, where there is such a thing."""
    getattr(os, "register_at_fork", lambda **_: None)(after_in_child=step)


def renew_lock() -> None:
    """Let go of a lock that another thread of the parent process may have held."""
    global _lock  # noqa: PLW0603
    _lock = threading.RLock()


in_child_processes(renew_lock)


def begin_in(folder: str) -> None:
    """Show files relative to another folder than the one in which this process began."""
    global _folder  # noqa: PLW0603
    _folder = Path(folder)
    _shown.cache_clear()


def note(
    form: str,
    *,
    old: str = "",
    instead: str = "",
    warn: bool = True,
    line: int | None = None,
    of: Callable[..., Any] | None = None,
    is_use: bool = True,
) -> Site | None:
    """Note that the program used a form, and return the place.

    :param form: a key of :data:`FORMS`, whose texts are used unless others are given.
    :param warn: False where it is yet to be seen if it is an old form.
    :param line: the line in the program's file, where it is another one than what runs.
    :param of: a function of the program that is the old form, and not what calls it.
    :param is_use: False for the name of what notes each use by itself, and so is not counted again.
    """
    frame = caller()
    if frame is None:
        return None
    old, instead = old or FORMS[form].old, instead or FORMS[form].instead
    code: CodeType = getattr(of, "__code__", frame.f_code)
    file = _shown(code.co_filename)
    at = line or (frame.f_lineno if code is frame.f_code else code.co_firstlineno)
    with _lock:
        site = _sites.get((file, at, form, old))
        if site is None:
            site = Site(
                Note(file, at, form, old, instead, 0),
                code.co_filename,
                frame.f_globals.get("__name__", "?"),
            )
            _sites[file, at, form, old] = site
        is_first = not site.count and not site.is_named
        if is_use:
            site.count += 1
        else:
            site.is_named = True
    if is_first:
        first_use()
    if warn:
        site.warn()
    return site


def withdraw(sites: Iterable[Site]) -> None:
    """Take back notes of what turned out to be new forms."""
    with _lock:
        for site in sites:
            site.count -= 1


def report() -> Report:
    """Return what was noted since :func:`enable` was first called, or since :func:`clear`.

    :return: a :class:`Report`, empty if the program used no old form.
    """
    with _lock:
        counts = [(site.note, max(site.count, int(site.is_named))) for site in _sites.values()]
    found = [(n, count) for n, count in counts if count > 0]
    return Report(tuple(sorted(Note(**{**vars(n), "count": count}) for n, count in found)))


def clear() -> None:
    """Forget what was noted."""
    with _lock:
        _sites.clear()


def merge(notes: Iterable[Note]) -> None:
    """Add the notes of another process."""
    with _lock:
        for n in notes:
            _sites.setdefault((n.file, n.line, n.form, n.old), Site(n)).count += n.count


@cache
def _shown(file: str) -> str:
    if not Path(file).is_absolute():  # <stdin>, <string>
        return file
    path = Path(os.path.normpath(file))
    return str(path.relative_to(_folder) if path.is_relative_to(_folder) else path)
