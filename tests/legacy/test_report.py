"""What is noted of a program's old forms, and how that is told."""

from __future__ import annotations

import _thread
import json
import os
import re
import string
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from operator import methodcaller
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import pytest
import sqlalchemy as sa
from sqlalchemy import column, select

import sqlsoup
from sqlsoup import legacy
from sqlsoup.legacy import _frames, _notes
from sqlsoup.legacy._forms import FORMS
from sqlsoup.legacy._notes import Note, Report

TABLES = FORMS["engine-tables"]
LIST = FORMS["select-list"]
EMPTY = "what ran used no old forms, and needs no sqlsoup.legacy\n"


@pytest.fixture(autouse=True)
def _fresh():
    """No notes from before, and nothing in force afterwards."""
    _notes.clear()
    yield
    legacy.disable()
    _notes.clear()


@pytest.fixture
def noting():
    """Old forms are in force, and noted without a warning."""
    with legacy.enabled(warnings=False):
        yield


def here():
    """Return the line of the caller, and its file as it is shown."""
    frame = sys._getframe(1)
    file = Path(frame.f_code.co_filename)
    shown = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    return str(shown), frame.f_lineno


def use(engine, file, lines=1):
    """Use an old form on the last line of a source file of a name."""
    code = compile("\n" * (lines - 1) + "engine.has_table('x')", file, "exec")
    exec(code, {"engine": engine, "__name__": "used"})


def test_place_form_and_count(noting, lite):
    """A note has file, line, form, both texts, and how often it was used there."""
    for _ in range(3):
        _, (file, line) = lite.has_table("users"), here()
    (note,) = legacy.report().notes
    assert type(legacy.report()) is Report
    assert type(note) is Note
    assert note == Note(file, line, "engine-tables", TABLES.old, TABLES.instead, 3)
    assert [type(value) for value in vars(note).values()] == [str, int, str, str, str, int]


def test_two_forms_at_one_place(noting, lite):
    """Two forms at one place are two notes; one form at two places is two notes as well."""
    _, _, (file, line) = lite.has_table("users"), select([column("x")]), here()
    lite.has_table("users")
    found = [(note.file, note.line, note.form) for note in legacy.report().notes]
    assert found == [
        (file, line, "engine-tables"),
        (file, line, "select-list"),
        (file, line + 1, "engine-tables"),
    ]


def test_texts_of_one_place_are_one_note(noting):
    """Text that differs from one use of a place to the next does not make it another note."""
    for number in range(5):
        select(column("x")).where(f"x IN (1, {number})")
    (note,) = legacy.report().notes
    assert (note.form, note.count) == ("textual", 5)


def test_place_is_the_programs(noting, lite):
    """The place is in the program, however deep in SQLAlchemy or SQLSoup the form is noticed."""
    db = sqlsoup.SQLSoup(lite)
    _, (file, line) = db.users.filter("name = 'Ada'").all(), here()
    (note,) = legacy.report().notes
    assert (note.file, note.line, note.form) == (file, line, "query-text")


def test_code_without_a_file(noting, lite):
    """Executed text and what is typed in have no file, and are shown as Python shows them."""
    for name in ("<string>", "<stdin>", ""):
        use(lite, name, 2)
    exec("engine.has_table('x')", {"engine": lite})
    found = {(note.file, note.line): note.count for note in legacy.report().notes}
    assert found == {("<string>", 2): 1, ("<stdin>", 2): 1, ("", 2): 1, ("<string>", 1): 1}


def test_files_below_the_folder_and_elsewhere(noting, lite, tmp_path, monkeypatch):
    """A file is shown from the folder where the program began, wherever it has gone since."""
    start = Path.cwd()
    monkeypatch.chdir(tmp_path)
    use(lite, str(start / "lib" / ".." / "app.py"))
    use(lite, str(start.parent / "other.py"))
    use(lite, str(tmp_path / "own.py"))
    assert [note.file for note in legacy.report().notes] == sorted(
        ["app.py", str(start.parent / "other.py"), str(tmp_path / "own.py")]
    )


def test_files_below_the_folder_of_another_process(noting, lite, tmp_path, request):
    """A process that a program started shows files as the program's own report does."""
    request.addfinalizer(partial(_notes.begin_in, Path.cwd()))
    use(lite, str(tmp_path / "app.py"))
    _notes.begin_in(str(tmp_path))
    use(lite, str(tmp_path / "app.py"))
    found = {note.file for note in legacy.report().notes}
    assert found == {"app.py", str(tmp_path / "app.py")}


def test_counts_of_many_threads(noting):
    """Sixteen threads at one place lose no count, and make one note."""
    together = threading.Barrier(16)

    def work(_):
        together.wait()
        for _ in range(250):
            select([column("x")])

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    (note,) = legacy.report().notes
    assert note.count == 16 * 250


def test_use_by_no_program(noting, lite, monkeypatch):
    """A form that no code of a program used, such as the function of a thread, has no place."""
    done = threading.Event()
    entity = SimpleNamespace(create=lambda _: done.set())
    _thread.start_new_thread(lite.create, (entity,))
    assert done.wait(5)
    done.clear()
    monkeypatch.setattr(_frames, "_kind", lambda module, file: "passing on")
    lite.create(entity)
    assert done.is_set()
    assert not legacy.report()


def test_table(noting, lite):
    """``str()`` of a report is a table with a header, sorted by place, and a line of sums."""
    use(lite, "<b>", 12)
    use(lite, "<a>", 3)
    use(lite, "<b>", 2)
    use(lite, "<b>", 2)
    assert str(legacy.report()) == (
        "place   used  old form" + " " * (len(TABLES.old) - 6) + "write instead\n"
        f"<a>:3   1x    {TABLES.old}  {TABLES.instead}\n"
        f"<b>:2   2x    {TABLES.old}  {TABLES.instead}\n"
        f"<b>:12  1x    {TABLES.old}  {TABLES.instead}\n"
        "3 places to change, used 4 times\n"
    )


def test_table_of_one():
    """One place, used once, is told in the singular, and text of several lines in one."""
    report = Report((Note("a.py", 1, "textual", "text", 'text("x = 1\n    OR\tx = 2")', 1),))
    assert str(report) == (
        "place   used  old form  write instead\n"
        'a.py:1  1x    text      text("x = 1 OR x = 2")\n'
        "1 place to change, used 1 time\n"
    )


def test_empty_report():
    """A report of nothing is false, and says so in one line."""
    report = legacy.report()
    assert report.notes == ()
    assert not report
    assert str(report) == EMPTY
    assert json.loads(report.to_json())["notes"] == []
    assert json.loads(report.to_sarif())["runs"][0]["results"] == []


def test_json(noting, lite):
    """JSON has the two releases, and the notes with all they have."""
    use(lite, "/é/ü.py", 7)
    text = legacy.report().to_json()
    assert json.loads(text) == {
        "sqlsoup": sqlsoup.__version__,
        "sqlalchemy": sa.__version__,
        "notes": [
            {
                "file": "/é/ü.py",
                "line": 7,
                "form": "engine-tables",
                "old": TABLES.old,
                "instead": TABLES.instead,
                "count": 1,
            }
        ],
    }
    assert text.endswith("}\n")
    assert text.isascii()


def test_sarif(noting, lite):
    """SARIF 2.1.0 has a rule for each form that was used, and a result for each note."""
    use(lite, str(Path.cwd() / "a" / "b.py"), 7)
    use(lite, str(Path.cwd() / "a" / "b.py"), 7)
    use(lite, str(Path.cwd() / "c.py"), 1)
    select([column("x")])
    document = json.loads(legacy.report().to_sarif())
    assert document.keys() == {"$schema", "version", "runs"}
    assert document["$schema"] == "https://json.schemastore.org/sarif-2.1.0.json"
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    assert run.keys() == {"tool", "results"}
    assert run["tool"] == {
        "driver": {
            "name": "sqlsoup.legacy",
            "version": sqlsoup.__version__,
            "rules": [
                {"id": "engine-tables", "shortDescription": {"text": TABLES.old}},
                {"id": "select-list", "shortDescription": {"text": LIST.old}},
            ],
        }
    }
    assert run["results"][0] == {
        "ruleId": "engine-tables",
        "ruleIndex": 0,
        "level": "warning",
        "message": {"text": f"{TABLES.old}: {TABLES.instead}"},
        "occurrenceCount": 2,
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "a/b.py"},
                    "region": {"startLine": 7},
                }
            }
        ],
    }
    found = [(result["ruleId"], result["ruleIndex"]) for result in run["results"]]
    assert found == [("engine-tables", 0), ("engine-tables", 0), ("select-list", 1)]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("/a b/ü%.py", "file:///a%20b/%C3%BC%25.py"),
        ("/x/\udce9.py", "file:///x/%E9.py"),
        ("{here}/a b/ü#1?.py", "a%20b/%C3%BC%231%3F.py"),
        ("{here}/c:x.py", "c%3Ax.py"),
        ("{here}/\udce9.py", "%E9.py"),
        ("<stdin>", "%3Cstdin%3E"),
    ],
)
def test_uri(noting, lite, tmp_path, file, uri):
    """In SARIF a file is a URI, percent-encoded, and relative where its path is."""
    file = file.format(here=Path.cwd())
    use(lite, file)
    report = legacy.report()
    (result,) = json.loads(report.to_sarif())["runs"][0]["results"]
    found = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert found == uri
    shown = unquote(found, errors="surrogateescape").removeprefix("file://")
    assert file in (shown, f"{Path.cwd()}/{shown}")
    report.write(tmp_path / "report.txt")
    assert os.fsencode(report.notes[0].file).decode("utf-8", "backslashreplace").replace(
        "\\x", "\\udc"
    ) in (tmp_path / "report.txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "render"),
    [
        ("x.json", Report.to_json),
        ("x.JSON", Report.to_json),
        ("x.sarif", Report.to_sarif),
        ("x.txt", str),
        ("json", str),
    ],
)
def test_write(noting, lite, tmp_path, name, render):
    """The ending of a file's name is that of its format; any other is for text."""
    use(lite, "/ü.py")
    report = legacy.report()
    report.write(tmp_path / name)
    assert (tmp_path / name).read_text("utf-8") == render(report)
    (tmp_path / name).unlink()
    report.write(str(tmp_path / name))
    assert (tmp_path / name).exists()


def test_report_does_not_change():
    """A report is what was noted when it was asked for; the next has what came since."""
    with legacy.enabled(warnings=False):
        select([column("x")])
        before = legacy.report()
        for _ in range(2):
            select([column("x")])
    assert len(before.notes) == 1
    assert [note.count for note in legacy.report().notes] == [1, 2]
    with pytest.raises(AttributeError):
        before.notes = ()


def test_warning(lite):
    """The first use at a place is a warning at the caller's line; later ones are none."""
    with legacy.enabled(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            _, (_, line) = lite.has_table("users"), here()
        lite.has_table("users")
    assert [(w.category, w.filename, w.lineno) for w in caught] == [
        (sqlsoup.SQLSoupDeprecationWarning, __file__, line),
        (sqlsoup.SQLSoupDeprecationWarning, __file__, line + 1),
    ]
    assert str(caught[0].message) == f"{TABLES.old}: {TABLES.instead}"
    assert issubclass(sqlsoup.SQLSoupDeprecationWarning, DeprecationWarning)
    assert legacy.SQLSoupDeprecationWarning is sqlsoup.SQLSoupDeprecationWarning


def test_warning_as_error(lite):
    """Where the warning is an error, each use is one, and it is noted all the same."""
    with legacy.enabled(), warnings.catch_warnings():
        warnings.simplefilter("error", sqlsoup.SQLSoupDeprecationWarning)
        for _ in range(2):
            with pytest.raises(sqlsoup.SQLSoupDeprecationWarning, match=re.escape(TABLES.old)):
                lite.has_table("users")
    (note,) = legacy.report().notes
    assert note.count == 2


def test_warning_goes_by_module(lite):
    """Filters of warnings know the module of the program, as they do for any warning."""
    with legacy.enabled(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="used")
        use(lite, "x.py")
        with pytest.raises(sqlsoup.SQLSoupDeprecationWarning):
            lite.has_table("users")


def test_no_warning(lite):
    """With ``warnings=False`` a use is noted only."""
    legacy.enable(warnings=False)
    lite.has_table("users")
    assert len(legacy.report().notes) == 1


def test_nothing_is_left_in_the_program(noting, lite):
    """A program may go through its own names while it uses old forms."""
    names = {"engine": lite, "__name__": "used"}
    exec("name = 0\nfor name in globals():\n    engine.has_table(name)", names)
    assert names.keys() == {"engine", "name", "__name__", "__builtins__"}


def test_form_that_turns_out_to_be_new(noting, lite):
    """What is taken back is on no report, and is on it again when it is used again."""
    with lite.connect() as connection:
        connection.execute(sa.text("UPDATE users SET admin = 1"))
        assert [note.form for note in legacy.report().notes] == ["autocommit"]
        methodcaller("commit")(connection)
    assert not legacy.report()
    with lite.connect() as connection:
        connection.execute(sa.text("UPDATE users SET admin = 1"))
    assert [note.form for note in legacy.report().notes] == ["autocommit"]


def test_merged():
    """The notes of another process are added to those of this one, place by place."""
    note = Note("a.py", 1, "name", "x", "y", 2)
    _notes.merge([note, Note("b.py", 1, "name", "x", "y", 1)])
    _notes.merge([note])
    assert [(note.file, note.count) for note in legacy.report().notes] == [("a.py", 4), ("b.py", 1)]


def test_script_of_an_odd_name(tmp_path):
    """A script of an odd name is told by its path, absolute if it is run from elsewhere."""
    (tmp_path / "so so ü").mkdir()
    (tmp_path / "elsewhere").mkdir()
    script = tmp_path / "so so ü" / "prögram 1.py"
    source = "import sqlalchemy\nsqlalchemy.create_engine('sqlite://').has_table('x')\n"
    script.write_text(source, "utf-8")
    for folder, path, shown, uri in (
        (script.parent, script.name, script.name, "pr%C3%B6gram%201.py"),
        (tmp_path / "elsewhere", f"../so so ü/{script.name}", str(script), script.as_uri()),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "sqlsoup.legacy", "--report", "x.sarif", path],
            cwd=folder,
            capture_output=True,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            check=True,
        )
        assert f"\n{shown}:2  1x    " in done.stderr.decode("utf-8")
        document = json.loads((folder / "x.sarif").read_text("utf-8"))
        (result,) = document["runs"][0]["results"]
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert place == {"uri": uri}


def test_lock_of_a_child():
    """A lock that was held when a process was forked is not waited for."""
    with _notes._lock:
        held = _notes._lock
        _notes.renew_lock()
    assert _notes._lock is not held
    assert not legacy.report()


def test_errors_that_a_program_meets():
    """One that passes a ``with`` block is told from one that nothing meets, on any Python."""

    def alone():
        raise KeyError

    def within():
        with suppress(ValueError):
            alone()

    for function in (alone, within):
        with pytest.raises(KeyError) as caught:
            function()
        assert _frames.is_handled(caught.value.__traceback__.tb_next) is (function is within)


@pytest.mark.usefixtures("noting")
def test_line_behind_a_library(lite):
    """What Python's own library does with a row is noted where the program asks for it."""
    row = lite.execute("SELECT 1 AS a").first()
    text, place = string.Template("$a").substitute(row), here()
    assert text == "1"
    assert (*place, "row-name") in {
        (note.file, note.line, note.form) for note in legacy.report().notes
    }


@pytest.mark.usefixtures("noting")
def test_line_of_a_library_alone(lite):
    """What a thread of the library has been given to call is noted there."""
    thread = threading.Thread(target=lite.table_names)
    thread.start()
    thread.join()
    (note,) = legacy.report().notes
    assert (Path(note.file).name, note.form) == ("threading.py", "engine-tables")
