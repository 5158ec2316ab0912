"""The picture of a terminal on the first pages.

``python docs/picture.py`` runs the commands and draws it.
"""

import os
import shlex
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from html import escape
from pathlib import Path

DOCS = Path(__file__).parent
COMMANDS = [
    "sqlsoup library.db --tables",
    "sqlsoup library.db 'db.books.filter(db.books.year > 2000)'",
    "sqlsoup library.db 'db.users.get(\"Ines\").loans'",
]
WIDTH, LINE = 66, 19
PROMPT, OUTPUT = "#7ee787", "#e6edf3"
NBSP = "\N{NO-BREAK SPACE}"


def run() -> list[str]:
    """Return the lines that a terminal shows of the commands."""
    shown = []
    variables = {**os.environ, "COLUMNS": str(WIDTH)}
    with tempfile.TemporaryDirectory() as folder:
        with closing(sqlite3.connect(Path(folder, "library.db"))) as connection:
            connection.executescript((DOCS / "library.sql").read_text(encoding="utf-8"))
        for command in COMMANDS:
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-m", *shlex.split(command)],
                cwd=folder,
                env=variables,
                check=True,
                capture_output=True,
                text=True,
            )
            shown += [f"$ {command}", *done.stdout.splitlines(), ""]
    return shown[:-1]


def draw(lines: list[str]) -> str:
    """Return the lines as SVG."""
    text = "\n".join(
        f'<text x="16" y="{32 + LINE * number}" fill="{PROMPT if line[:2] == "$ " else OUTPUT}">'
        f"{escape(line.replace(' ', NBSP), quote=False)}</text>"
        for number, line in enumerate(lines)
        if line
    )
    width, height = 16 * 2 + 8 * WIDTH, 30 + LINE * len(lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'font-family="monospace" font-size="13">\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>\n{text}\n</svg>\n'
    )


if __name__ == "__main__":
    (DOCS / "terminal.svg").write_text(draw(run()), encoding="utf-8")
