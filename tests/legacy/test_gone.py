"""Public names of SQLAlchemy 1.3 that have no successor: what is raised says what to do."""

from __future__ import annotations

import importlib
import json
import tomllib
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import util
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session

from sqlsoup import legacy
from sqlsoup.legacy import _notes
from sqlsoup.legacy._attributes import GONE as ATTRIBUTES
from sqlsoup.legacy._attributes import Sentence
from sqlsoup.legacy._gone import GONE
from sqlsoup.legacy._moved import MODULES
from sqlsoup.legacy._moved import NAMES as MOVED

RECORDED = json.loads(Path(__file__).with_name("names-1.3.24.json").read_text(encoding="utf-8"))
LEFT = tomllib.loads(Path(__file__).with_name("left-out.toml").read_text(encoding="utf-8"))["kind"]
NAMES = [
    pytest.param(module, name, id=f"{module}.{name}")
    for module, names in GONE.items()
    for name in names
]


pytestmark = pytest.mark.usefixtures("old_forms")


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_import_says_what_to_do(module, name):
    """A program that imports the name gets the sentence, which Python does not replace."""
    with pytest.raises(ImportError) as raised:
        exec(f"from {module} import {name}", {"__name__": "program"})
    assert str(raised.value) == f"SQLAlchemy 2 has no {module}.{name}: {GONE[module][name]}"


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_attribute_says_what_to_do(module, name):
    """One that asks the module for it gets an AttributeError, and so can ask if it is there."""
    of = importlib.import_module(module)
    assert not hasattr(of, name)
    with pytest.raises(AttributeError, match=r"SQLAlchemy 2 has no ") as raised:
        getattr(of, name)
    assert str(raised.value).endswith(GONE[module][name])


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        pytest.param(owner, name, id=f"{owner.__name__}.{name}")
        for owner in ATTRIBUTES
        for name in ATTRIBUTES[owner]
    ],
)
def test_attribute_of_a_class(owner, name):
    """So does an attribute of a class, where the installed SQLAlchemy does not have it yet."""
    if not isinstance(vars(owner).get(name), Sentence):
        pytest.skip("SQLAlchemy has it")
    with pytest.raises(AttributeError) as raised:
        getattr(owner, name)
    text = f"SQLAlchemy 2 has no {owner.__name__}.{name}: {ATTRIBUTES[owner][name]}"
    assert str(raised.value) == text


@pytest.mark.parametrize(
    ("module", "name"),
    [
        *((module.__name__, name) for module, names in MOVED.items() for name in names),
        *(name.rpartition(".")[::2] for name in MODULES),
    ],
)
def test_name_with_a_successor(module, name):
    """One that works is noted where it is imported, if the installed SQLAlchemy has it no more."""
    _notes.clear()
    with legacy_out_of_force():
        is_there = hasattr(importlib.import_module(module), name)
    exec(f"from {module} import {name}", {"__name__": "program"})
    assert len(legacy.report().notes) == (0 if is_there else 1)


@contextmanager
def legacy_out_of_force():
    """Have the module disabled for a moment."""
    legacy.disable()
    yield
    legacy.enable(warnings=False)


@pytest.mark.parametrize("module", ["sqlalchemy", "sqlalchemy.util", "sqlalchemy.interfaces"])
def test_other_names(module):
    """A name that never was is missing as anywhere else."""
    with pytest.raises(AttributeError) as raised:
        importlib.import_module(module).nothing  # noqa: B018
    assert str(raised.value) == f"module {module!r} has no attribute 'nothing'"


def test_keyed_tuple(lite):
    """Rows of several columns are of it, and it makes rows; asking for it is noted."""
    made = util.KeyedTuple([1, 2], labels=["a", "b"])
    assert (tuple(made), made.b, made._asdict()) == ((1, 2), 2, {"a": 1, "b": 2})
    assert tuple(getattr(util, "Keyed" + "Tuple")([1])) == (1,)
    with Session(lite) as session:
        row = session.execute(sa.text("SELECT 1 AS a")).one()
    assert isinstance(row, util.KeyedTuple)
    assert not isinstance((1,), util.KeyedTuple)
    assert {(note.old, note.instead) for note in legacy.report().notes} == {("KeyedTuple", "Row")}


def test_keyed_tuple_that_is_not_asked_for():
    """To look if the name is there is no use of it."""
    assert hasattr(util, "KeyedTuple")
    assert not legacy.report()


@pytest.mark.parametrize("by_position", [False, True])
def test_automap(lite, by_position):
    """prepare() reflects from an engine, and several new rows go in one flush on SQLite."""
    with lite.begin() as connection:
        connection.execute(sa.text("CREATE TABLE words (id INTEGER PRIMARY KEY, w VARCHAR)"))
    base = automap_base()
    base.prepare(lite, True) if by_position else base.prepare(lite, reflect=True)
    with Session(lite) as session:
        session.add_all([base.classes.words(w="a"), base.classes.words(w="b")])
        session.commit()
    assert [note.old for note in legacy.report().notes] == ["prepare(engine, reflect=True)"]


def test_automap_without_reflection(lite):
    """It takes the engine and reflects nothing where it was not to; the new form is not noted."""
    base = automap_base()
    base.prepare(engine=lite)
    assert not base.metadata.tables
    assert len(legacy.report().notes) == 1
    other = automap_base()
    other.prepare(autoload_with=lite)
    assert "users" in other.metadata.tables
    assert len(legacy.report().notes) == 1


def unanswered():
    """Give the public names of SQLAlchemy 1.3 that neither work nor raise what to do."""
    for module, names in RECORDED.items():
        try:
            home = importlib.import_module(module)
        except ImportError:
            yield module
            continue
        for name, attributes in names.items():
            if is_unanswered(home, name):
                yield f"{module}.{name}"
                continue
            yield from (
                f"{module}.{name}.{each}"
                for each in attributes
                if hasattr(home, name) and is_unanswered(getattr(home, name), each)
            )


def is_unanswered(owner, name):
    """Tell if a name fails without a sentence."""
    try:
        getattr(owner, name)
    except AttributeError as error:
        return "SQLAlchemy 2 has no " not in str(error)
    return False


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_each_public_name():
    """Each name of SQLAlchemy 1.3 works, says what to do, or is of a kind that is left out."""
    found = list(unanswered())
    kinds = [pattern for kind in LEFT for pattern in kind["names"]]
    assert [name for name in found if not any(fnmatchcase(name, each) for each in kinds)] == []
    if sa.__version__ >= "2.1":  # 2.0 has more
        assert [each for each in kinds if not any(fnmatchcase(name, each) for name in found)] == []
