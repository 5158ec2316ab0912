"""Where output goes: standard output, or a file that is there when it is whole."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from sqlsoup.command._database import is_database
from sqlsoup.command._problems import Problem, harmless

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

_PATIENCE = 2.0
"""Seconds after which progress is shown."""

_PACE = 0.2
"""Seconds between two looks at plain counts."""


@contextmanager
def target(path: str | None) -> Generator[TextIO]:
    """Yield a file to write to, and tell on a terminal how far that has come.

    :param path: of a file; None, ``-`` and ``/dev/stdout`` are standard output.
    :raises Problem: it cannot be written.
    """
    if path is None or path in {"-", "/dev/stdout"}:
        if sys.stdout is None:
            raise Problem("standard output is closed")
        with _counted(sys.stdout) as file:
            yield cast("TextIO", _Harmless(file)) if sys.stdout.isatty() else file
        sys.stdout.flush()
        return
    try:
        with _replacing(Path(path)) as whole, _counted(whole) as file:
            yield file
    except OSError as error:
        raise Problem(f"cannot write {path!r}: {error.strerror or error}") from error


@contextmanager
def _replacing(path: Path) -> Generator[TextIO]:
    """Yield a file that takes the place of another when all is written, and else is removed."""
    if path.exists() and not path.is_file():  # a pipe or a device
        with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
            yield file
        return
    path = path.resolve()
    if path.exists() and is_database(path):
        raise Problem(f"{str(path)!r} is a SQLite database, which the output would replace")
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("x", encoding="utf-8", errors="backslashreplace") as file:
            yield file
        if path.exists():
            part.chmod(path.stat().st_mode)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _counted(file: TextIO) -> Generator[TextIO]:
    if not sys.stderr.isatty() or file.isatty():
        yield file
        return
    counting = _Counting(file)
    try:
        yield cast("TextIO", counting)
    finally:
        counting.close()


class _Harmless:
    """A terminal whose cursor no value can move."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.encoding, self.fileno = file.encoding, file.fileno

    def write(self, text: str) -> int:
        return self._file.write(harmless(text))

    def writelines(self, texts: Iterable[str]) -> None:
        self._file.writelines(map(harmless, texts))


class _Counting:
    """A file that counts the rows, which are written one by one, on standard error."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.encoding = file.encoding
        try:
            from tqdm import tqdm
        except ImportError:
            self._bar: Any = _Counts()
        else:
            self._bar = tqdm(
                file=sys.stderr, unit=" rows", delay=_PATIENCE, leave=False, dynamic_ncols=True
            )

    def write(self, text: str) -> int:
        self._bar.update()
        return self._file.write(text)

    def writelines(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.write(text)

    def close(self) -> None:
        with suppress(OSError):
            self._bar.close()


class _Counts:
    """Counts without a library."""

    def __init__(self) -> None:
        self._count = 0
        self._next = time.monotonic() + _PATIENCE
        self._shown = False

    def update(self) -> None:
        self._count += 1
        if self._count % 100 == 0 and time.monotonic() > self._next:
            self._shown = True
            self._next = time.monotonic() + _PACE
            sys.stderr.write(f"\r{self._count:,} rows")
            sys.stderr.flush()

    def close(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
