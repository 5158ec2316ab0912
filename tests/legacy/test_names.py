"""Every public name and calling form of the documents of the time is accounted for.

The rows are in the files ``names-*.toml``, which the documentation shows as tables.  ``native``
works on SQLAlchemy 2 as it is, ``legacy`` with :mod:`sqlsoup.legacy`, and ``gone`` cannot be.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tomllib
import warnings
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.exc import SADeprecationWarning
from sqlalchemy.orm import clear_mappers, close_all_sessions

import sqlsoup
from sqlsoup import legacy
from sqlsoup.legacy import _notes

HERE = Path(__file__).parent
LIBRARY = HERE.parents[1] / "docs" / "library.sql"
DOCUMENTS = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8"))["row"]
    for path in HERE.glob("names-*.toml")
}
ROWS = [
    pytest.param(row, id=f"{document}: {row['name']} {row['form']}")
    for document, rows in sorted(DOCUMENTS.items())
    for row in rows
]
RELEASE = tuple(map(int, sqlalchemy.__version__.split(".")[:2]))


@cache
def library():
    """Return what the file of the library holds."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(LIBRARY.read_text(encoding="utf-8"))
        return connection.serialize()


@pytest.fixture
def names(tmp_path):
    """What the examples find: a SQLSoup on a library of its own."""
    path = tmp_path / "library.db"
    path.write_bytes(library())
    db = sqlsoup.SQLSoup(f"sqlite:///{path}")
    yield {
        "__name__": "example",
        "db": db,
        "url": f"sqlite:///{path}",
        "sqlsoup": sqlsoup,
        "sqlalchemy": sqlalchemy,
        "pytest": pytest,
    }
    close_all_sessions()
    sqlsoup.Session.remove()
    db.engine.dispose()


def run(row, names):
    """Run the example of a row."""
    exec(compile(row["example"], row["name"], "exec"), names)


APART = """
import json, sys, traceback, warnings
import pytest, sqlalchemy, sqlsoup
from sqlsoup import legacy
from sqlsoup.legacy import _notes
for url, example in json.load(sys.stdin):
    db = sqlsoup.SQLSoup(url)
    error = ""
    try:
        with legacy.enabled(warnings=False):
            exec(example, {**globals(), "__name__": "example"})
        assert legacy.report()
    except BaseException:
        error = traceback.format_exc()
    print(json.dumps(error))
    _notes.clear()
    sqlsoup.Session.remove()
    db.engine.dispose()
"""


def is_apart(row):
    """Tell if the example of a row changes how classes are instrumented, in all of its process."""
    return row["name"].startswith("InstrumentationManager")


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """What went wrong with each example that changes its process: they have one of their own."""
    examples = [row.values[0]["example"] for row in LEGACY if is_apart(row.values[0])]
    paths = [tmp_path_factory.mktemp("apart") / "library.db" for _ in examples]
    for path in paths:
        path.write_bytes(library())
    urls = [f"sqlite:///{path}" for path in paths]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", APART],
        input=json.dumps(list(zip(urls, examples, strict=True))),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return dict(zip(examples, map(json.loads, done.stdout.splitlines()), strict=True))


def is_native(row):
    """Tell if a row needs nothing on the SQLAlchemy that is installed."""
    return row["status"] == "native" or row.get("gone_in", "2.0") > "{}.{}".format(*RELEASE)


@pytest.mark.parametrize("row", [row for row in ROWS if is_native(row.values[0])])
def test_native(row, names):
    """It works without the module, and without a warning."""
    if row.get("warns"):
        warnings.simplefilter("ignore", SADeprecationWarning)
    run(row, names)


LEGACY = [
    row for row in ROWS if row.values[0]["status"] == "legacy" and not is_native(row.values[0])
]


@pytest.mark.parametrize("row", LEGACY)
def test_legacy(row, names, request):
    """It works with the module, which notes it."""
    if is_apart(row):
        assert request.getfixturevalue("apart")[row["example"]] == ""
        return
    warnings.simplefilter("ignore", SADeprecationWarning)
    _notes.clear()
    with legacy.enabled(warnings=False):
        run(row, names)
        clear_mappers()
    assert legacy.report()


@pytest.mark.parametrize("row", LEGACY)
def test_legacy_needs_the_module(row, names):
    """It does not work without the module, which would have nothing to do otherwise."""
    warnings.simplefilter("ignore")
    with pytest.raises((Exception, pytest.fail.Exception)):
        run(row, names)


def test_gone_says_why():
    """What cannot be says why and what to do, and nothing else has to."""
    for rows in DOCUMENTS.values():
        for row in rows:
            assert row.keys() - {"instead", "warns", "gone_in"} == (
                {"name", "form", "status", "why"}
                if row["status"] == "gone"
                else {"name", "form", "status", "example"}
            )
            assert row["status"] == "native" or row["instead"], row["name"]


def test_documents_are_complete():
    """As many names are accounted for as the documents have, so none is lost."""
    assert {name: len({row["name"] for row in rows}) for name, rows in DOCUMENTS.items()} == {
        "names-0.5-orm": 110,
        "names-0.5-session": 6,
        "names-0.6-session": 55,
        "names-1.3-session-guide": 128,
    }
