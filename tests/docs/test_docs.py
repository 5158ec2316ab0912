"""The examples of README and documentation run, and what is public is documented.

Examples are all that stand at a ``>>>`` prompt, and the Python blocks with the class ``tested``.  A
page runs from top to bottom, in an empty folder that holds the library database, as one program.
"""

from __future__ import annotations

import ast
import doctest
import inspect
import io
import itertools
import re
import runpy
import shlex
import sqlite3
import subprocess
import sys
import textwrap
import warnings
from contextlib import closing, redirect_stdout

import pytest
from pages import DOCS, ROOT, blocks, named
from sqlalchemy import Engine, event
from sqlalchemy.orm import close_all_sessions

import sqlsoup
from sqlsoup import legacy
from sqlsoup.command import main

README = ROOT / "README.rst"
PAGES = [README, *sorted(DOCS.glob("*.rst"))]
REFERENCE = (DOCS / "reference.rst").read_text(encoding="utf-8")

COMMAND = re.compile(r"^ +(python3 -m venv \.venv && .*)$", re.MULTILINE)
COMMANDS = [
    "python3 -m venv .venv && .venv/bin/pip install --quiet . && .venv/bin/python -m sqlsoup",
    (
        "python3 -m venv .venv && .venv/bin/pip install --quiet --editable '.[test]' "
        "&& .venv/bin/python -m pytest"
    ),
]


def is_tested(options):
    """Whether a block is to run with the examples."""
    return ":class: tested" in options


def run_block(source, name, names):
    """Run a block; what it prints is not compared."""
    with redirect_stdout(io.StringIO()):
        exec(compile(source, name, "exec"), names)


def examples(page):
    """A page as one doctest; a tested block becomes an example without output."""
    text = page.read_text(encoding="utf-8")
    found = doctest.DocTestParser().get_examples(text, page.name)
    for line, options, source in blocks(text):
        if is_tested(options):
            call = f"run_block({source!r}, {f'{page.name}, a block'!r}, globals())\n"
            found.append(doctest.Example(call, "", lineno=line))
    found.sort(key=lambda example: example.lineno)
    names = {"__name__": page.stem, "run_block": run_block}
    return doctest.DocTest(found, names, page.name, str(page), 0, text)


@pytest.fixture
def page_folder(tmp_path, monkeypatch):
    """An empty folder with library.db; afterwards no session and no engine is left open."""
    monkeypatch.chdir(tmp_path)
    engines = []

    def note(connection):
        engines.append(connection.engine)

    with closing(sqlite3.connect("library.db")) as connection:
        connection.executescript((DOCS / "library.sql").read_text(encoding="utf-8"))
    event.listen(Engine, "engine_connect", note)
    yield tmp_path
    event.remove(Engine, "engine_connect", note)
    sqlsoup.Session.remove()
    close_all_sessions()
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples(page, page_folder):
    """Every example of a page gives what the page says, without a warning."""
    test = examples(page)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = []
        result = doctest.DocTestRunner(verbose=False).run(
            test, out=report.append, clear_globs=False
        )
    test.globs.clear()
    assert not result.failed, "".join(report)


@pytest.mark.parametrize(("name", "count"), [("command.rst", 11), ("typing.rst", 2)])
def test_transcripts_of_the_command(page_folder, capsys, monkeypatch, name, count):
    """What a page shows of the command is what it prints."""
    monkeypatch.delenv("COLUMNS", raising=False)
    page = (DOCS / name).read_text(encoding="utf-8")
    found = re.findall(
        r"^   \$ sqlsoup (.*)\n((?:   (?!\$).*\n|\n(?=   (?!\$)))*)", page, re.MULTILINE
    )
    shown = {}
    for arguments, expected in found:
        if "In [1]" not in expected:
            main(shlex.split(arguments))
            shown[arguments] = "".join(capsys.readouterr()), textwrap.dedent(expected)
    assert [printed for printed, _ in shown.values()] == [said for _, said in shown.values()]
    assert len(shown) == count


def test_program_of_the_typing_page(page_folder, capsys, monkeypatch):
    """The program runs with the module that the page has the command write."""
    monkeypatch.syspath_prepend(page_folder)
    assert main(["library.db", "--types", "library.py"]) == 0
    source = named("typing.rst", "typed program")
    exec(compile(source, "typing.rst", "exec"), {"__name__": "program"})
    sys.modules.pop("library")
    assert capsys.readouterr().out.splitlines()[:2] == ["INES", "TOM"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_are_python(page):
    """The blocks that need something else to run, a web framework for instance, compile."""
    for line, _, source in blocks(page.read_text(encoding="utf-8")):
        compile(source, f"{page.name}, line {line}", "exec")


def test_examples_are_found():
    """The pages have as many examples as a look at them tells, so none is missed."""
    prompts = {
        page.name: len(re.findall(r"^ *>>> ", page.read_text(encoding="utf-8"), re.MULTILINE))
        for page in PAGES
    }
    ran = {page.name: len([e for e in examples(page).examples if e.indent]) for page in PAGES}
    assert ran == prompts
    assert prompts["tutorial.rst"] > 80


def shell(command, folder):
    """What a command prints; in the folder, with the Python of the tests, and nothing on stderr."""
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


@pytest.mark.parametrize("times", [1, 2])
def test_readme_from_top_to_bottom(tmp_path, times):
    """In an empty folder each snippet of README works, one after the other, and once more."""
    text = README.read_text(encoding="utf-8")
    snippets = [source for _, options, source in blocks(text) if is_tested(options)]
    for _ in range(times):
        # the snippets leave it to Python's end to close the database, which 3.13 and later report
        options = ["-W", "error", "-W", "ignore::ResourceWarning"]
        first, second = (shell([*options, "-c", code], tmp_path) for code in snippets)
    assert first == "MappedBooks(id=1,title='Night Trains',year=2020)\n"
    lines = second.splitlines()
    assert lines[:2] == ["['books', 'loans', 'recent']", "Night Trains"]
    assert ast.literal_eval(lines[2])[0] == {"title": "Night Trains", "year": 2020}
    assert "id | title        | year" in lines
    if times == 1:
        transcript = re.findall(r"^   \$ sqlsoup (.*)\n((?:   (?!\$).*\n)+)", text, re.MULTILINE)
        assert len(transcript) == 2
        for arguments, expected in transcript:
            printed = shell(["-m", "sqlsoup", *shlex.split(arguments)], tmp_path)
            assert printed == textwrap.dedent(expected)


def test_picture_of_a_terminal():
    """The picture on the first pages shows what the commands print today."""
    drawn = runpy.run_path(str(DOCS / "picture.py"))
    assert drawn["draw"](drawn["run"]()) == (DOCS / "terminal.svg").read_text(encoding="utf-8")


def test_readme_commands():
    """README has the two commands that .ci/run takes from it, and no third."""
    assert COMMAND.findall(README.read_text(encoding="utf-8")) == COMMANDS


def test_ci_runs_readme_commands():
    """.ci/run reads the commands from README by the same pattern."""
    run = ROOT / ".ci" / "run"
    if not run.exists():
        pytest.skip("not in a source distribution")
    assert r"grep -oP '^ +\Kpython3 -m venv \.venv && .*' README.rst" in run.read_text()


def documented(directive, name):
    """Tell if the reference has a directive for a name."""
    return re.search(rf"^ *\.\. {directive}:: ({re.escape(name)})$", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("name", sqlsoup.__all__)
def test_public_name_is_in_reference(name):
    """Every public name stands in the reference under its public address."""
    assert documented(r"(?:auto)?(?:class|exception|data|function)", name)


@pytest.mark.parametrize("name", sorted({*legacy.__all__} - {*sqlsoup.__all__}))
def test_public_name_of_legacy_is_in_reference(name):
    """So does every public name of sqlsoup.legacy."""
    assert documented("auto(?:class|function)", f"sqlsoup.legacy.{name}")


@pytest.mark.parametrize("name", ["SQLSoup", "SelectableClassType", "TableClassType"])
def test_members_are_in_reference(name):
    """Every public member of the classes has a docstring, or an entry of its own."""
    assert re.search(
        rf"^\.\. autoclass:: {name}\n(   :.*\n)*   :members:\n", REFERENCE, re.MULTILINE
    )
    for member, value in vars(getattr(sqlsoup, name)).items():
        if not member.startswith("_") and not inspect.ismemberdescriptor(value):
            assert inspect.cleandoc(value.__doc__ or ""), member


def test_attributes_are_in_reference():
    """What is no method is annotated and described in the class, or has an entry of its own."""
    (cls,) = ast.parse(inspect.getsource(sqlsoup.SQLSoup)).body
    described = {
        attribute.target.id
        for attribute, text in itertools.pairwise(cls.body)
        if isinstance(attribute, ast.AnnAssign) and isinstance(text, ast.Expr)
    }
    for name in (*vars(sqlsoup.SQLSoup("sqlite://")), *sqlsoup.SQLSoup.__slots__):
        assert name in described or name.startswith("_"), name
    for name in ("_metadata", "_cache", "c", "_table", "_query"):
        assert documented("attribute", name), name


def test_what_was_before_is_labelled():
    """Of two blocks of the migration page, one after the other, each says which it is."""
    text = (DOCS / "migrating.rst").read_text(encoding="utf-8")
    labels = [re.findall(":caption: (.*)", options) for _, options, _ in blocks(text)]
    pairs = list(itertools.pairwise(label for (label,) in filter(None, labels)))[::2]
    assert {*pairs} == {("Before", "Now")}
    assert all(
        label or "tested" in options
        for label, (_, options, _) in zip(labels, blocks(text), strict=True)
    )


def test_migration_page_shows_the_deviations():
    """The migration page is rendered from the list that the conformance tests check."""
    assert "\n.. deviations:: ../tests/conformance/deviations.toml\n" in (
        DOCS / "migrating.rst"
    ).read_text(encoding="utf-8")


def rows(page, head):
    """The cells of a table by the first of each row, given what its head begins with."""
    lines = (DOCS / page).read_text(encoding="utf-8").partition(f"\n{head}  ")[2].splitlines()[2:]
    table = itertools.takewhile(lambda line: not line.startswith("="), lines)
    return {name: cells for name, *cells in (re.split("  +", line) for line in table)}


def test_numbers_of_the_benchmarks():
    """The page on choosing has what was measured last: the largest schemas of one shape."""
    sqlite, postgresql = (rows("benchmarks.rst", f"{on}, tied") for on in ("SQLite", "PostgreSQL"))
    quoted = rows("choosing.rst", "\\                       SQLite, 5,000")
    assert {"SQLSoup", "automap"} <= quoted.keys()
    for name, numbers in quoted.items():
        assert numbers == [sqlite[name][-1], postgresql[name][-1]], name
