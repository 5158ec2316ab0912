"""The pages about old programs: each step runs, and its report is the one that is shown."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sqlsoup.legacy._forms import FORMS

DOCS = Path(__file__).parents[2] / "docs"
STEPS = sorted((DOCS / "overdue").glob("step*.py"))
OUTPUT = (DOCS / "overdue" / "overdue.out").read_text(encoding="utf-8")


@pytest.fixture
def library(tmp_path):
    """A folder with library.db."""
    with closing(sqlite3.connect(tmp_path / "library.db")) as connection:
        connection.executescript((DOCS / "library.sql").read_text(encoding="utf-8"))
    return tmp_path


def python(folder, *args):
    """Run Python in a folder."""
    command = [sys.executable, *map(str, args)]
    # the plugins of this suite would take longer than those that are run
    environment = os.environ | {"COLUMNS": "100", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.stem)
def test_step(step, library):
    """A step prints what the program always printed, stores the same, and has its report."""
    (library / "overdue.py").write_text(step.read_text(encoding="utf-8"), encoding="utf-8")
    done = python(library, "-m", "sqlsoup.legacy", "--report", "overdue.report", "overdue.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout == OUTPUT
    report = (library / "overdue.report").read_text(encoding="utf-8")
    assert report == step.with_suffix(".report").read_text(encoding="utf-8")
    with closing(sqlite3.connect(library / "library.db")) as connection:
        assert connection.execute("SELECT due FROM loans ORDER BY due").fetchall() == [
            ("2026-02-27",),
            ("2026-03-09",),
            ("2026-03-16",),
        ]


def test_last_step_needs_nothing(library):
    """The last step runs by itself, with warnings as errors; the first does not."""
    done = python(library, "-W", "error", "-W", "ignore::ResourceWarning", STEPS[-1])
    assert (done.returncode, done.stdout, done.stderr) == (0, OUTPUT, "")
    done = python(library, STEPS[0])
    assert "No module named 'sqlalchemy.ext.sqlsoup'" in done.stderr


def test_steps_are_on_the_page():
    """The page shows every step, and each step has fewer places than the one before."""
    page = (DOCS / "old-programs.rst").read_text(encoding="utf-8")
    places = []
    for step in STEPS:
        assert f"overdue/{step.name}" in page
        found = re.match(r"(\d+) places", step.with_suffix(".report").read_text().splitlines()[-1])
        places.append(int(found[1]) if found else 0)
    assert places == sorted(places, reverse=True)
    assert places[-1] == 0


def test_suite_of_a_team(tmp_path):
    """A suite runs under the module, the ceiling holds or not, and done files stay done."""
    (tmp_path / "test_old.py").write_text(
        "import sqlalchemy\n"
        "def test_old():\n"
        "    engine = sqlalchemy.create_engine('sqlite://')\n"
        "    assert engine.execute('SELECT 1').scalar() == 1\n"
        "    engine.dispose()\n"
    )
    old_forms = ["-m", "sqlsoup.legacy", "--quiet", "--report", "old-forms.json"]
    pytest_ = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = python(tmp_path, *old_forms, *pytest_)
    assert done.returncode == 0, done.stdout
    (place,) = json.loads((tmp_path / "old-forms.json").read_text())["notes"]
    assert (place["file"], place["line"], place["form"]) == ("test_old.py", 4, "engine-execute")
    for allowed, status in (("1", 0), ("0", 1)):
        (tmp_path / "old-forms.max").write_text(allowed)
        ceiling = DOCS / "overdue" / "ceiling.py"
        checked = python(tmp_path, ceiling, "old-forms.json", "old-forms.max")
        assert checked.returncode == status
        assert checked.stdout == f"1 places with old forms, {allowed} are allowed\n"
    assert python(tmp_path, "-m", "sqlsoup.legacy", "--strict", *pytest_).returncode == 3
    (tmp_path / "conftest.py").write_text("import sqlsoup.legacy\nsqlsoup.legacy.enable()\n")
    assert python(tmp_path, *pytest_).returncode == 0
    with (tmp_path / "test_old.py").open("a") as file:
        file.write(
            "import pytest\n"
            "pytestmark = pytest.mark.filterwarnings('error::sqlsoup.SQLSoupDeprecationWarning')\n"
        )
    done = python(tmp_path, *pytest_)
    assert done.returncode == 1
    assert "SQLSoupDeprecationWarning: Engine.execute()" in done.stdout


def test_forms_are_noted_somewhere():
    """Every form of the table is noted by the code, and no other."""
    package = DOCS.parent / "sqlsoup" / "legacy"
    code = "".join(
        path.read_text(encoding="utf-8") for path in package.glob("*.py") if path.stem != "_forms"
    )
    for form in FORMS:
        assert f'"{form}"' in code, form
