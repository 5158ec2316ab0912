"""All that is patched stands in one table, with the old form that it serves and its note."""

from __future__ import annotations

import re
import tomllib
import warnings
from pathlib import Path
from types import ModuleType

import pytest
import sqlalchemy as sa
from conftest import fill
from greenlet import greenlet
from sqlalchemy import orm
from sqlalchemy.orm import close_all_sessions, scoped_session, sessionmaker

import sqlsoup
from sqlsoup import legacy
from sqlsoup.legacy import _attributes, _moved, _names, _notes, _patch
from sqlsoup.legacy._forms import FORMS

ROWS = tomllib.loads((Path(__file__).parent / "patches.toml").read_text(encoding="utf-8"))["row"]
EXAMPLES = [
    pytest.param(row, name, id=name) for row in ROWS if "example" in row for name in row["names"]
]
REPLACED = tomllib.loads((Path(__file__).parent / "replacements.toml").read_text(encoding="utf-8"))
ON = {
    "Connection": "c",
    "Engine": "engine",
    "Session": "session",
    "scoped_session": "scoped",
    "sessionmaker": "orm.sessionmaker()",
    "Select": "U.select()",
    "CompoundSelect": "U.select().union(U.select())",
    "Update": "U.update()",
    "Delete": "U.delete()",
    "FromClause": "U",
    "Join": "U.join(L)",
    "sessionmaker.__init__": "orm.sessionmaker(extension=None)",
    "sessionmaker.configure": "orm.sessionmaker().configure(extension=None)",
}


def name_of(owner, attribute):
    """Return the name under which the table has what is patched."""
    if isinstance(owner, dict):
        return f"sys.modules.{attribute}"
    if attribute in ("__code__", "__defaults__", "__kwdefaults__"):
        return owner.__qualname__.replace("_mapper_fn", "mapper").removeprefix("_")
    is_module = isinstance(owner, ModuleType)
    name = owner.__name__ if is_module else owner.__qualname__
    name = name.replace("_ORM", "ORM")  # which 2.0 has without an underscore
    return f"{name.removeprefix('Strict')}.{attribute}"  # of FROM, of which 2.0 has two


def test_table_has_all_that_is_patched():
    """Each attribute is in the table, once, and nothing else; a row has an example or a reason.

    Those that say what to do are in a table of their own, of which test_gone.py asks for each, and
    views of modules have what the modules have.
    """
    with legacy.enabled(warnings=False):
        patched = {
            name_of(owner, name)
            for owner, name in _patch.applied()
            if not isinstance(_patch._get(owner, name), _attributes.Sentence | _names.View)
        }
        patched |= {  # what the `__getattr__` of these modules gives
            f"{module.__name__}.{name}"
            for module in _moved.FROM_WHICH_ALL
            for name in {*dir(module)} - {*vars(module)}
        }
    names = [name for row in ROWS for name in row["names"]]
    assert sorted(names) == sorted(patched)
    for row in ROWS:
        assert row.keys() - {"differs"} in ({"names", "reason"}, {"names", "form", "example"})
        assert row.get("form", "mapper") in FORMS


def example_of(row, name):
    """Return the example for one of the names of a row."""
    of, _, last = name.rpartition(".")
    on = ON.get(name, ON.get(of, ""))
    end = last if last in ("commit", "rollback") else "commit"
    text = row["example"]
    for word, value in {"name": last, "of": of, "on": on, "end": end}.items():
        text = text.replace(f"{{{word}}}", value)
    return text


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """The tables of the library, as they are reflected."""
    engine = sa.create_engine(f"sqlite:///{tmp_path_factory.mktemp('reflected')}/library.db")
    fill(engine)
    metadata = sa.MetaData()
    metadata.reflect(engine, only=["users", "books", "loans"])
    engine.dispose()
    return metadata.tables


def compiled(text, names):
    """Return the code of an example; a SQLSoup that it uses has the relationship of the library."""
    if re.search(r"\bdb\b", text):
        names["db"].users.relate("loans", names["db"].loans)
    return compile(text, "<example>", "exec")


@pytest.fixture
def names(soup, lite, tables):
    """What the examples find: engine, connection, sessions, and the library in a SQLSoup."""
    metadata = sa.MetaData()
    users, books, loans = (
        tables[name].to_metadata(metadata) for name in ("users", "books", "loans")
    )
    metadata.bind = lite
    scoped = scoped_session(sessionmaker(lite))
    with lite.connect() as connection:
        row = connection.execute(users.select().order_by(users.c.name)).first()
        connection.rollback()
        yield {
            "__name__": "example", "db": soup, "engine": lite, "c": connection, "sa": sa,
            "orm": orm, "pytest": pytest, "session": orm.Session(lite), "scoped": scoped,
            "U": users, "B": books, "L": loans, "row": row,
        }  # fmt: skip
    close_all_sessions()
    scoped.remove()


@pytest.mark.parametrize(("row", "name"), EXAMPLES)
def test_noted(row, name, names):
    """The old form works with the module, which notes it at its line.

    It is that of a program's main module, which nothing has called.
    """
    warnings.simplefilter("ignore", sa.exc.SADeprecationWarning)
    code = compiled(example_of(row, name), names)
    _notes.clear()
    with legacy.enabled(warnings=False):
        greenlet(exec).switch(code, names)
        orm.close_all_sessions()
    found = {note.form for note in legacy.report().notes if note.file == "<example>"}
    _notes.clear()
    assert row["form"] in found


@pytest.mark.parametrize(("row", "name"), [p for p in EXAMPLES if "differs" not in p.values[0]])
def test_fails_without(row, name, names):
    """It does not work without the module, which would have nothing to note otherwise."""
    warnings.simplefilter("ignore")
    code = compiled(example_of(row, name), names)
    with pytest.raises((Exception, pytest.fail.Exception)):
        exec(code, names)


def test_each_form_has_a_replacement():
    """Each form that can be noted has a line of old code and one to write instead."""
    assert REPLACED["new"].keys() == FORMS.keys()
    assert REPLACED["old"].keys() == FORMS.keys() - {row.get("form") for row in ROWS}


@pytest.mark.parametrize("form", REPLACED["old"])
def test_form_is_noted(form, names):
    """The line of old code works with the module, which notes it."""
    if form == "url-driver" and sa.__version__ < "2.1":
        pytest.skip("such a URL means what it meant")
    code = compiled(REPLACED["old"][form], names)
    _notes.clear()
    with legacy.enabled(warnings=False):
        greenlet(exec).switch(code, names)
        orm.close_all_sessions()
        names["c"].close()
    found = {note.form for note in legacy.report().notes if note.file == "<example>"}
    _notes.clear()
    assert form in found


@pytest.mark.parametrize("form", REPLACED["new"])
def test_replacement(form, names):
    """What to write instead works without the module, and with it, and is not noted."""
    code = compiled(REPLACED["new"][form], names)
    exec(code, dict(names))
    names["session"].rollback()
    names["c"].rollback()
    _notes.clear()
    sqlsoup.Session.remove()
    if form == "table-unbound":
        sa.Table("new", sa.MetaData()).drop(names["engine"])
    with legacy.enabled(warnings=False):
        greenlet(exec).switch(code, names)
        orm.close_all_sessions()
    found = [note for note in legacy.report().notes if note.file == "<example>"]
    _notes.clear()
    assert found == []
