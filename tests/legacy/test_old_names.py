"""Modules and names of SQLAlchemy 1.3 and before, where programs import them from."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from types import ModuleType

import pytest
import sqlalchemy
import sqlalchemy.orm
from sqlalchemy.exc import LegacyAPIWarning, SADeprecationWarning, SQLAlchemyError
from sqlalchemy.orm import Session

import sqlsoup
from sqlsoup import legacy
from sqlsoup.legacy import _notes

pytestmark = pytest.mark.usefixtures("old_forms")


def noted():
    """Return form, old name and count of what was noted."""
    return [(note.form, note.old, note.count) for note in legacy.report().notes]


def run(text):
    """Execute a program of a few lines and return its names."""
    names = {"__name__": "program"}
    exec(compile(text, "program.py", "exec"), names)
    return names


# where sqlsoup was


def test_sqlsoup_in_sqlalchemy():
    """sqlalchemy.ext.sqlsoup has the names that it had, and is noted where they are taken."""
    names = run(
        "from sqlalchemy.ext.sqlsoup import SqlSoup, SQLSoup, PKNotFoundError\n"
        "from sqlalchemy.ext.sqlsoup import Session, TableClassType, SelectableClassType\n"
        "from sqlalchemy.ext import sqlsoup\n"
        "from sqlalchemy.ext.sqlsoup import NoSuchTableError, ArgumentError, SQLAlchemyError\n"
    )
    assert names["SqlSoup"] is names["SQLSoup"] is sqlsoup.SQLSoup
    for name in ("PKNotFoundError", "Session", "TableClassType", "SelectableClassType"):
        assert names[name] is getattr(sqlsoup, name)
    assert names["NoSuchTableError"] is sqlalchemy.exc.NoSuchTableError
    errors = {"ArgumentError": sqlsoup.ArgumentError, "SQLAlchemyError": sqlsoup.SQLSoupError}
    for name, own in errors.items():
        of_sqlalchemy = getattr(sqlalchemy.exc, name)
        for raised in (own("x"), of_sqlalchemy("x"), names[name]("x")):
            with pytest.raises(names[name]):
                raise raised
    assert [(note.line, note.form, note.instead) for note in legacy.report().notes] == [
        (line, "import-sqlsoup", "sqlsoup") for line in (1, 2, 3, 4)
    ]


def test_import_of_the_module():
    """The module itself can be imported, also under another name, and used."""
    names = run(
        "import sqlalchemy.ext.sqlsoup\n"
        "import sqlalchemy.ext.sqlsoup as soup\n"
        "first = sqlalchemy.ext.sqlsoup.SqlSoup\n"
        "second = soup.SqlSoup\n"
    )
    assert names["first"] is names["second"] is sqlsoup.SQLSoup
    found = [(note.line, note.count) for note in legacy.report().notes]
    assert found == [(1, 1), (2, 2), (3, 1)]
    assert importlib.import_module("sqlalchemy.ext.sqlsoup") is names["soup"]
    assert ("import-sqlsoup", "sqlalchemy.ext.sqlsoup", 1) in noted()


def test_names_of_the_module():
    """The module sqlsoup has the names that it had; those that are gone are noted."""
    names = run(
        "from sqlsoup import Engine, MetaData, Table, join, class_mapper, object_session\n"
        "from sqlsoup import scoped_session, sessionmaker, relationship, EXT_CONTINUE\n"
        "from sqlsoup import attributes, expression, schema, session, sql, util\n"
    )
    assert names["Table"] is sqlalchemy.Table
    assert names["relationship"] is sqlalchemy.orm.relationship
    assert noted() == []
    names = run("from sqlsoup import mapper, MapperExtension, AutoAdd, string_types, py2k\n")
    assert issubclass(names["AutoAdd"], names["MapperExtension"])
    assert [form for form, *_ in noted()] == ["mapper", "mapper-extension", "name", "name"]


def test_adding_by_itself(lite, tmp_path):
    """AutoAdd adds new instances to the session, and none whose constructor fails."""
    from sqlsoup import AutoAdd, mapper, scoped_session, sessionmaker

    sessions = scoped_session(sessionmaker(bind=lite))

    class Tag:
        pass

    class Own:
        def __init__(self, word):
            self.word = int(word)

    tags = sqlsoup.SQLSoup(lite).tags._table
    for cls in (Tag, Own):
        mapper(cls, tags, extension=AutoAdd(sessions))
    row = Tag(word="new")
    assert row in sessions
    with pytest.raises(ValueError, match="invalid literal"):
        Own("x")
    assert list(sessions.new) == [row]
    sessions.remove()


def test_module_is_noted_once():
    """The import is noted, whether what is imported is used or not, and nothing after it."""
    run(
        "from sqlalchemy.ext import sqlsoup as soup\n"
        "soup.SqlSoup, soup.Session\n"
        "from sqlalchemy.ext.sqlsoup import SqlSoup\n"
    )
    found = [(note.line, note.form, note.count) for note in legacy.report().notes]
    assert found == [(1, "import-sqlsoup", 1), (3, "import-sqlsoup", 1)]


def test_all_of_a_module():
    """A star imports all that a module had."""
    assert run("from sqlalchemy.ext.sqlsoup import *")["SqlSoup"] is sqlsoup.SQLSoup
    assert run("from sqlalchemy.exceptions import *")["SQLAlchemyError"] is SQLAlchemyError


# other modules


def test_exceptions():
    """sqlalchemy.exceptions has what is in sqlalchemy.exc."""
    names = run(
        "from sqlalchemy import exceptions\n"
        "from sqlalchemy.exceptions import OperationalError, NoSuchTableError as Missing\n"
        "caught = exceptions.SQLAlchemyError\n"
    )
    assert names["OperationalError"] is sqlalchemy.exc.OperationalError
    assert names["Missing"] is sqlalchemy.exc.NoSuchTableError
    assert names["caught"] is SQLAlchemyError
    assert noted() == [
        ("name", "sqlalchemy.exceptions", 1),
        ("name", "sqlalchemy.exceptions", 1),
    ]


def test_databases():
    """sqlalchemy.databases has the dialects, and PostgreSQL's under its old name too."""
    names = run("from sqlalchemy.databases import mysql, postgres, postgresql, sqlite")
    for name in ("mysql", "postgresql", "sqlite"):
        assert names[name].__name__ == f"sqlalchemy.dialects.{name}.base"
    assert names["postgres"] is names["postgresql"]
    assert noted() == [("name", "sqlalchemy.databases", 1)]


def test_interfaces(make_engine):
    """sqlalchemy.interfaces has PoolListener, whose hooks are called."""
    seen = []
    names = run(
        "from sqlalchemy.interfaces import PoolListener\n"
        "class Listener(PoolListener):\n"
        "    def connect(self, connection, record):\n"
        "        seen.append('connect')\n"
        "    def checkout(self, connection, record, proxy):\n"
        "        seen.append('checkout')\n"
    )
    names["seen"] = seen
    make_engine("sqlite://", listeners=[names["Listener"]()]).connect().close()
    assert seen == ["connect", "checkout"]
    assert noted()[0][0] == "engine-listeners"


# names in modules that are there


def test_where_a_name_is_imported():
    """A name that is gone is noted at the line of its import, in functions too."""
    names = run(
        "from sqlalchemy.orm import eagerload\n"
        "from sqlalchemy.orm import (\n"
        "    Query, relation, MapperExtension)\n"
        "from sqlalchemy import Binary, PassiveDefault, Integer\n"
        "from sqlalchemy.types import Binary as B\n"
        "from sqlalchemy.schema import PassiveDefault as P\n"
        "from sqlalchemy.engine import RowProxy\n"
        "def later():\n"
        "    from sqlalchemy.orm import subqueryload_all, EXT_PASS\n"
    )
    assert [(note.line, note.old) for note in legacy.report().notes] == [
        (1, "eagerload()"),
        (2, "MapperExtension"),
        (2, "relation()"),
        (4, "Binary"),
        (4, "PassiveDefault"),
        (5, "Binary"),
        (6, "PassiveDefault"),
        (7, "RowProxy"),
    ]
    names["later"]()
    names["later"]()
    assert [note.count for note in legacy.report().notes if note.line == 9] == [1, 1]
    assert names["B"] is names["Binary"] is sqlalchemy.LargeBinary
    assert names["P"] is names["PassiveDefault"] is sqlalchemy.DefaultClause
    assert names["RowProxy"] is sqlalchemy.Row


def test_names_that_are_there_are_not_noted():
    """What SQLAlchemy 2 has is imported as ever."""
    run(
        "from sqlalchemy import *\n"
        "from sqlalchemy.orm import *\n"
        "from sqlalchemy.orm import EXT_CONTINUE, Session, joinedload, mapper\n"
        "from sqlalchemy.orm.interfaces import EXT_CONTINUE, EXT_STOP, PropComparator\n"
        "from sqlalchemy.orm.session import Session\n"
        "from sqlalchemy.exc import SQLAlchemyError\n"
        "from sqlalchemy.types import Integer\n"
        "from sqlalchemy.engine import Row, create_engine\n"
        "import sqlalchemy.orm as orm\n"
        "orm.Session, orm.relationship\n"
    )
    assert noted() == []


def test_star():
    """`from sqlalchemy.orm import *` gives the names that are gone, noted only where used."""
    names = run(
        "from sqlalchemy import *\n"
        "from sqlalchemy.orm import *\n"
        "class A: pass\n"
        "made = relation(A)\n"
        "def later():\n"
        "    return [\n"
        "        Binary]\n"
        "def eagerload(): pass\n"
        "eagerload()\n"
    )
    assert [(note.line, note.old, note.count) for note in legacy.report().notes] == [
        (4, "relation()", 1),
        (7, "Binary", 1),
    ]
    assert names["eagerload_all"].__name__ == "eagerload_all"


def test_star_of_modules_that_say_what_it_gives():
    """`import *` gives the names that are gone of a module that lists what it gives, too."""
    names = run(
        "from sqlalchemy.ext.declarative import *\n"
        "from sqlalchemy.orm.interfaces import *\n"
        "from sqlalchemy.sql.expression import *\n"
        "class Hooks(MapperExtension): pass\n"
        "some = subquery('some', [column('id')])\n"
    )
    assert "instrument_declarative" in names
    assert str(names["some"].select()) == 'SELECT "some".id \nFROM (SELECT id) AS "some"'
    assert [(note.line, note.old) for note in legacy.report().notes] == [
        (4, "MapperExtension"),
        (5, "subquery()"),
        (5, "select([...])"),
    ]


def test_star_leaves_names_of_the_program():
    """`import *` gave no modules and fewer classes: it takes no name that a program has."""
    names = run(
        "from sqlalchemy import create_engine, exc\n"
        "engine, Row, unread = 1, 2, 3\n"
        "from sqlalchemy import *\n"
        "from sqlalchemy.orm import *\n"
        "from sqlalchemy.sql import *\n"
        "unread = Select, session = 4, 5\n"
        "def later(): return engine, exc, Row, session\n"
        "from sqlalchemy.orm import *\n"
        "from sqlalchemy.sql import *\n"
        "from sqlalchemy.engine import *\n"
    )
    assert [names[name] for name in ("engine", "Row", "session")] == [1, 2, 5]
    assert names["exc"] is sqlalchemy.exc
    assert names["Select"] is sqlalchemy.Select
    assert names["later"]() == (1, sqlalchemy.exc, 2, 5)
    assert names["types"] is sqlalchemy.types
    assert [(note.line, note.old) for note in legacy.report().notes] == [
        (3, "import * over the program's Row"),
        (3, "import * over the program's engine"),
        (4, "import * over the program's exc"),
        (8, "import * over the program's exc"),
        (8, "import * over the program's session"),
        (10, "import * over the program's Row"),
    ]


def test_star_over_names_of_another_star():
    """A name that another `import *` gave stays where SQLAlchemy did not give it."""
    names = run(
        "from sqlalchemy import *\n"
        "globals()['session'] = globals()['query'] = 1\n"
        "from sqlalchemy.orm import *\n"
        "session, exc\n"
    )
    assert (names["session"], names["query"]) == (1, 1)
    assert names["exc"] is sqlalchemy.orm.exc
    assert noted() == [("import-all", "import * over the program's session", 1)]


def test_star_over_names_of_sqlalchemy():
    """A name of SQLAlchemy is not replaced by one that a module of it has of Python."""
    names = run(
        "from sqlalchemy import *\n"
        "from sqlalchemy.orm.interfaces import *\n"
        "key = Column(Integer, Sequence('keys'))\n"
    )
    assert names["Sequence"] is sqlalchemy.Sequence
    assert names["cast"] is sqlalchemy.cast
    assert noted() == [("import-all", "import * over the program's Sequence", 1)]


def test_names_in_another_module():
    """A name is found where it was, too."""
    names = run(
        "from sqlalchemy.orm.util import aliased, join\n"
        "from sqlalchemy.orm.mapper import class_mapper\n"
        "from sqlalchemy.sql.elements import not_\n"
        "from sqlalchemy.ext.declarative.base import _declarative_constructor\n"
    )
    assert names["aliased"] is sqlalchemy.orm.aliased
    assert names["join"] is sqlalchemy.orm.join
    assert names["class_mapper"] is sqlalchemy.orm.class_mapper
    assert names["not_"] is sqlalchemy.not_
    assert names["_declarative_constructor"].__name__ == "__init__"
    assert [(note.line, note.old, note.instead) for note in legacy.report().notes] == [
        (1, "aliased()", "sqlalchemy.orm.aliased()"),
        (1, "join()", "sqlalchemy.orm.join()"),
        (2, "class_mapper()", "sqlalchemy.orm.class_mapper()"),
        (3, "not_()", "sqlalchemy.not_()"),
        (4, "sqlalchemy.ext.declarative.base", "sqlalchemy.orm.decl_base"),
    ]


def test_asking_a_module_for_all():
    """What asks a module for `__all__` gets what it gets without the old forms."""
    for module in (sqlalchemy, sqlalchemy.orm, sqlalchemy.sql):
        assert not hasattr(module, "__all__")


def modules_in(module, names):
    """Return the names of modules; the function has none of the names itself."""
    return [name for name in names if inspect.ismodule(getattr(module, name))]


@pytest.mark.parametrize("module", [sqlalchemy, sqlalchemy.orm])
def test_reading_all_names(module):
    """A program that reads `__all__` gets the names that there are, without modules."""
    names = module.__all__
    assert names == sorted(names)
    assert ("Column" in names) is (module is sqlalchemy)
    assert ({"relationship", "relation"} < {*names}) is (module is sqlalchemy.orm)
    assert modules_in(module, names) == []
    assert noted() == [("name", f"{module.__name__}.__all__", 1)]


def test_looking_for_a_name():
    """hasattr() tells that a name is there, as does who looks at all of them; neither is noted."""
    assert hasattr(sqlalchemy.orm, "relation")
    assert "eagerload" in dict(inspect.getmembers(sqlalchemy.orm))
    assert noted() == []
    sqlalchemy.orm.compile_mappers()
    assert noted() == [("name", "compile_mappers()", 1)]


@pytest.mark.parametrize(
    ("code", "form", "old"),
    [
        ("orm.eagerload", "loader-old", "eagerload()"),
        ("orm.relation", "relation", "relation()"),
        ("orm.comparable_property", "name", "comparable_property()"),
        ("getattr(orm, 'EXT_PASS')", "mapper-extension", "MapperExtension"),
        ("types.Binary", "name", "Binary"),
        ("sqlalchemy.PassiveDefault", "name", "PassiveDefault"),
        ("sqlalchemy.exceptions", "name", "sqlalchemy.exceptions"),
        ("sqlalchemy.databases.sqlite", "name", "sqlalchemy.databases"),
    ],
)
def test_name_that_is_handed_on(code, form, old):
    """A name that is read from a module is noted there, also where nothing is called."""
    given = {"sqlalchemy": sqlalchemy, "orm": sqlalchemy.orm, "types": sqlalchemy.types}
    eval(code, {**given, "__name__": "program"})
    assert noted() == [(form, old, 1)]


def test_name_that_is_handed_on_and_called():
    """What is read by its name and then called is counted once a call."""
    run("import sqlalchemy.orm as orm\nclass A: pass\norm.relation(A)\n")
    assert noted() == [("relation", "relation()", 1)]


@pytest.mark.parametrize(
    "module",
    [
        "sqlalchemy",
        "sqlalchemy.orm",
        "sqlalchemy.ext.sqlsoup",
        "sqlalchemy.exceptions",
        "sqlalchemy.databases",
    ],
)
def test_unknown_names(module):
    """A name that never was is the usual error."""
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        run(f"from {module} import nothing")
    _notes.clear()
    with pytest.raises(AttributeError) as caught:
        sys.modules[module].nothing  # noqa: B018
    assert str(caught.value) == f"module {module!r} has no attribute 'nothing'"
    assert not hasattr(sys.modules[module], "__nothing__")
    assert noted() == []


def test_disabled():
    """Nothing of it is left when the module is disabled, and all is there again with it."""
    legacy.disable()
    assert type(sqlalchemy.orm) is type(sqlalchemy) is ModuleType
    for name in ("relation", "eagerload", "MapperExtension", "InstrumentationManager"):
        assert not hasattr(sqlalchemy.orm, name)
    for module in ("ext.sqlsoup", "exceptions", "databases", "interfaces"):
        assert f"sqlalchemy.{module}" not in sys.modules
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(f"sqlalchemy.{module}")
    legacy.enable(warnings=False)
    assert hasattr(sqlalchemy.orm, "relation")
    assert run("from sqlalchemy.ext.sqlsoup import SqlSoup")["SqlSoup"] is sqlsoup.SQLSoup


INSTRUMENTATION = """
import sys
from sqlsoup import legacy
legacy.enable(warnings=False)
import sqlalchemy.orm
from sqlalchemy.orm import *
import sqlalchemy.orm.interfaces
assert "InstrumentationManager" not in vars(sqlalchemy.orm)
before = "sqlalchemy.ext.instrumentation" in sys.modules
from sqlalchemy.orm.interfaces import InstrumentationManager
print(before, InstrumentationManager.__module__, hasattr(sqlalchemy.orm, "InstrumentationManager"))
[note] = legacy.report().notes
print(note.old, note.instead)
legacy.disable()
"""


def test_instrumentation_is_not_imported_before():
    """InstrumentationManager comes from a module that changes things, so only when asked for."""
    command = [sys.executable, "-W", "error", "-c", INSTRUMENTATION]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout.splitlines()) == (
        "",
        [
            "False sqlsoup.legacy._instrumentation True",
            "InstrumentationManager sqlalchemy.ext.instrumentation",
        ],
    )


HOOKS = """
from sqlsoup import legacy
legacy.enable(warnings=False)
import sqlalchemy.ext.instrumentation
from sqlalchemy import *
from sqlalchemy.orm import *
class Twice(AttributeExtension):
    def set(self, state, value, oldvalue, initiator):
        return value * 2
class User:
    pass
users = Table("users", MetaData(), Column("id", Integer, primary_key=True), Column("x", Integer))
mapper(User, users, properties={"x": column_property(users.c.x, extension=Twice())})
user = User()
user.x = 2
print(user.x)
legacy.disable()
"""


def test_hooks_after_instrumentation_is_imported():
    """What listens to attributes still does after the import of what changes how they are made."""
    command = [sys.executable, "-W", "error", "-c", HOOKS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout) == ("", "4\n")


# warnings of SQLAlchemy


def test_warnings_of_sqlalchemy_are_for_the_program(lite):
    """A warning of SQLAlchemy points at the line of the program, past what is patched."""
    soup = sqlsoup.SQLSoup(lite)
    with Session(lite) as session, pytest.warns(LegacyAPIWarning) as caught:
        session.query(soup.tags).get("hot")
    with pytest.warns(SADeprecationWarning) as others:
        list(session.query(soup.tags).instances(lite.execute("SELECT * FROM tags")))
    assert {warning.filename for warning in [*caught, *others]} == {__file__}
