"""Programs written for 0.9 run unmodified, and print what they printed under 0.9.1."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from test_mariadb_types import on_servers

PROGRAMS = Path(__file__).parent / "programs"
NAMES = sorted(path.stem for path in PROGRAMS.glob("*.py"))
ELSEWHERE = ("report_views", "scraper_store", "user_store")
"""The programs that are not for SQLite alone."""


def run(*args, folder=PROGRAMS):
    """Run a program, and return what it printed."""
    command = [sys.executable, "-W", "ignore", "-m", "sqlsoup.legacy", *map(str, args)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_program_prints_what_it_printed(name, tmp_path):
    """The output is that of 0.9.1, and the report is the recorded one, place by place."""
    report = tmp_path / "report.txt"
    printed, _ = run("--report", report, f"{name}.py")
    assert printed == (PROGRAMS / f"{name}.out").read_text(encoding="utf-8")
    assert report.read_text(encoding="utf-8") == (PROGRAMS / f"{name}.report").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("name", ELSEWHERE)
def test_program_on_any_database(name, server):
    """It prints the same on a server, but for what it reads back from the file by itself."""
    if server == "sqlite://":
        pytest.skip("the test above")
    printed, _ = run("--quiet", f"{name}.py", server)
    recorded = (PROGRAMS / f"{name}.out").read_text(encoding="utf-8")
    shown, file, _ = recorded.partition("on disk")
    assert file
    assert printed.startswith(shown)


@on_servers
def test_program_on_mariadb(server, tmp_path):
    """A program for MariaDB prints what it printed, and its report is the recorded one."""
    report, folder = tmp_path / "report.txt", PROGRAMS / "mariadb"
    printed, _ = run("--report", report, "nightly_prune.py", server, folder=folder)
    assert printed == (folder / "nightly_prune.out").read_text(encoding="utf-8")
    assert report.read_text(encoding="utf-8") == (folder / "nightly_prune.report").read_text(
        encoding="utf-8"
    )
