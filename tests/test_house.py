"""What holds of the sources: where SQLAlchemy is used past its documentation, and what is told."""

from __future__ import annotations

import ast
import datetime
import importlib
import re
import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

import sqlsoup

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(sqlsoup.__file__).parent
SQLALCHEMY = Path(sa.__file__).parent
MODULES = {
    path: ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
    if "legacy" not in path.relative_to(PACKAGE).parts  # tests/legacy/patches.toml is its ledger
}
ROOM = PACKAGE / "_sa.py"

DOCUMENTED = {
    "sqlalchemy",
    "sqlalchemy.engine",
    "sqlalchemy.engine.reflection",
    "sqlalchemy.event",
    "sqlalchemy.exc",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.orm",
    "sqlalchemy.orm.attributes",
    "sqlalchemy.orm.exc",
    "sqlalchemy.orm.session",
    "sqlalchemy.schema",
    "sqlalchemy.sql",
    "sqlalchemy.sql.expression",
    "sqlalchemy.sql.operators",
    "sqlalchemy.sql.visitors",
    "sqlalchemy.types",
}
"""Modules whose names stand in SQLAlchemy's documentation; all of its dialects do too."""

PUBLIC = {
    "_asdict": "of named tuples, and so of a Row",
    "_current_frames": "of the module sys",
    "_fields": "of named tuples, and so of a Row",
    "_getframe": "of the module sys",
    "_ipython_key_completions_": "of IPython",
    "_mapping": "of a Row; SQLAlchemy documents it",
    "_replace": "of named tuples",
    "_repr_html_": "of IPython",
}
"""Names with an underscore that others document."""

UNDOCUMENTED = {
    "cycles",
    "dependencies",
    "deps",
    "dispatch",
    "info_cache",
    "init_class_attribute",
    "insert_order",
    "memo",
    "register_preprocessor",
    "skip_user_error_events",
    "states_for_mapper_hierarchy",
    "strategy",
    "WriteableColumnCollection",
    "_sa_instance_state",
}
"""Attributes, options and the like that reaches of ours have used, and no documentation has."""

BY_NAME = {
    *("getattr", "setattr", "hasattr", "delattr", "attrgetter", "methodcaller"),
    *("__getattribute__", "__setattr__", "__delattr__"),
}
IN_DICTS = {"get", "pop", "setdefault", "update"}


def is_private(name: str) -> bool:
    """Whether a name begins with one underscore; those with two have a meaning in Python."""
    return name.startswith("_") and not name.startswith("__")


def names_of(tree: ast.AST) -> Iterator[str]:
    """The private attributes that the classes of a module and their objects have."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for part in ast.walk(node):
                match part:
                    case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                        yield name
                    case ast.Name(id=name, ctx=ast.Store()):
                        yield name
                    case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                        yield name


OURS = {
    name
    for path, tree in MODULES.items()
    if path != ROOM
    for name in names_of(tree)
    if is_private(name)
}


THEIRS = {
    name
    for path in SQLALCHEMY.rglob("*.py")
    if "testing" not in path.parts
    for name in names_of(ast.parse(path.read_text(encoding="utf-8")))
    if is_private(name)
}
"""The private attributes that SQLAlchemy's classes have."""

OWNERS = {"self", "cls", "db", "thing"}
"""What variables are called that hold an object of ours."""


def is_ours(name: str) -> bool:
    """Whether it is an attribute of a class of ours, or of the classes that it maps."""
    return name in OURS or name in {"_table", "_query"} or name.startswith("_sqlsoup")


def is_reach(name: str) -> bool:
    """Whether an attribute of this name is neither ours nor documented."""
    return name in UNDOCUMENTED or (is_private(name) and not is_ours(name) and name not in PUBLIC)


def is_namespace(node: ast.AST) -> bool:
    """Whether an expression is ``vars(x)`` or ``x.__dict__``."""
    match node:
        case ast.Call(func=ast.Name(id="vars"), args=[_]) | ast.Attribute(attr="__dict__"):
            return True
    return False


def is_hidden(name: str) -> bool:
    """Whether a name that is looked up in the namespace of an object is not one of ours."""
    return not name.startswith("__") and not is_ours(name)


def types_alone(tree: ast.AST) -> set[ast.AST]:
    """What is imported under ``if TYPE_CHECKING``, and so by type checkers alone."""
    return {
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for part in ast.walk(statement)
    }


def is_documented(module: str) -> bool:
    """Whether a module is one of SQLAlchemy's that documentation tells of, or is of others."""
    ours = module.partition(".")[0] != "sqlalchemy"
    return ours or module in DOCUMENTED or module.startswith("sqlalchemy.dialects")


def is_module(name: str) -> bool:
    """Whether it is the whole name of a module of SQLAlchemy."""
    path = SQLALCHEMY.parent.joinpath(*name.split("."))
    found = path.with_suffix(".py").exists() or path.joinpath("__init__.py").exists()
    return found and not name.endswith(".")


def imported(node: ast.AST, *, typing: bool) -> bool:
    """Whether something is imported of SQLAlchemy that is private or not documented."""
    match node:
        case ast.Import(names=names):
            modules, parts = [alias.name for alias in names], []
        case ast.ImportFrom(module=str(module), names=names):
            parts = [alias.name for alias in names]
            inner = [f"{module}.{part}" for part in parts]
            modules = [module, *filter(is_module, inner)]
        case _:
            return False
    return any(
        module.partition(".")[0] == "sqlalchemy"
        and (
            any(map(is_reach, (*module.split("."), *parts)))
            or not (typing or is_documented(module))
        )
        for module in modules
    )


def modules_in(tree: ast.AST) -> dict[str, ModuleType]:
    """The modules of SQLAlchemy that a module has, by the names that it gives them."""
    found = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    if alias.name.partition(".")[0] == "sqlalchemy":
                        name = alias.name if alias.asname else "sqlalchemy"
                        found[alias.asname or "sqlalchemy"] = sys.modules[name]
            case ast.ImportFrom(module=str(module), names=names):
                for alias in names:
                    if (whole := f"{module}.{alias.name}") in sys.modules and is_module(whole):
                        found[alias.asname or alias.name] = sys.modules[whole]
    return found


def module_of(node: ast.AST, known: dict[str, ModuleType]) -> ModuleType | None:
    """The module of SQLAlchemy that an expression is, if it is one."""
    match node:
        case ast.Name(id=name):
            return known.get(name)
        case ast.Attribute(value=value, attr=name):
            found = getattr(module_of(value, known), name, None)
            return found if isinstance(found, ModuleType) else None
    return None


def used(node: ast.AST) -> bool:  # noqa: PLR0911 - one for each way
    """Whether an expression uses what is private or not documented."""
    match node:
        case ast.Attribute(value=owner, attr=name):
            shared = name in OURS and name in THEIRS
            return is_reach(name) or (
                shared and not (isinstance(owner, ast.Name) and owner.id in OWNERS)
            )
        case ast.MatchClass(kwd_attrs=names):
            return any(map(is_reach, names))
        case ast.keyword(arg=str(name)):
            return name in UNDOCUMENTED
        case ast.Constant(value=str(name)):
            by_name = name.startswith("sqlalchemy.") and is_module(name)
            return name in UNDOCUMENTED or (by_name and not is_documented(name))
        case ast.Compare(left=ast.Constant(value=str(name)), comparators=[namespace]):
            return is_namespace(namespace) and is_hidden(name)
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=args) if (
            called in BY_NAME
        ):
            return any(
                isinstance(each, ast.Constant)
                and isinstance(each.value, str)
                and is_reach(each.value)
                for each in args
            )
        case ast.Call(
            func=ast.Attribute(value=namespace, attr=called),
            args=[ast.Constant(value=str(name)), *_],
        ) if called in IN_DICTS and is_namespace(namespace):
            return is_hidden(name)
        case ast.Subscript(value=namespace, slice=ast.Constant(value=str(name))):
            return is_namespace(namespace) and is_hidden(name)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="dict"), attr=called), args=[first, *_]):
            return called.startswith("__") and ast.unparse(first) != "self"  # past its own methods
    return False


def reaches(tree: ast.AST) -> list[str]:
    """The places of a module that use SQLAlchemy past its documentation: line and source."""
    typing, known = types_alone(tree), modules_in(tree)
    return [
        f"{getattr(node, 'lineno', 0)}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if used(node)
        or imported(node, typing=node in typing)
        or ((module := module_of(node, known)) and not is_documented(module.__name__))
    ]


def test_reaches_stand_in_one_module():
    """Nothing of SQLAlchemy is used by underscore or by undocumented module outside ``_sa.py``."""
    found = [
        f"{path.relative_to(PACKAGE)}:{place}"
        for path, tree in MODULES.items()
        if path != ROOM
        for place in reaches(tree)
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "session._transaction",
        "self._dependency_processors",
        "metadata.dispatch",
        "from sqlalchemy.orm import _orm_constructors",
        "from sqlalchemy.sql._typing import is_table",
        "from sqlalchemy.sql.schema import Table",
        "from sqlalchemy.orm import unitofwork",
        "import sqlalchemy.util",
        "import sqlalchemy as sa\nsa.orm.decl_api.registry",
        "from sqlalchemy import orm as o\no.strategies",
        "import_module('sqlalchemy.orm.unitofwork')",
        "mapper._cache",
        "match session:\n    case Session(_transaction=None):\n        pass",
        "'_sa_adapter' in vars(attribute)",
        "operator.attrgetter('_state')",
        "object.__getattribute__(session, '_flushing')",
        "flush.states_for_mapper_hierarchy(mapper, False, False)",
        "getattr(session, '_flushing')",
        "hasattr(row, '_sa_class_manager')",
        "attrgetter('_state')",
        "vars(key)['column']",
        "vars(key).pop('column', None)",
        "key.__dict__['column']",
        "dict.__setitem__(metadata.tables, 'a', table)",
        "connection.execution_options(skip_user_error_events=True)",
        "values.pop('_sa_instance_state', None)",
    ],
)
def test_each_kind_of_reach_is_found(source):
    """The test above sees a reach, however it is written."""
    assert reaches(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "row._mapping",
        "cls._sqlsoup_plan",
        "db._cache",
        "import sqlalchemy as sa\nsa.orm.attributes.flag_modified",
        "from sqlalchemy.orm import attributes",
        "vars(cls)['__doc__']",
        "dict.fromkeys(names)",
        "dict.__setitem__(self, key, value)",
        "from sqlalchemy.dialects import postgresql",
        "if TYPE_CHECKING:\n    from sqlalchemy.sql.base import ReadOnlyColumnCollection",
    ],
)
def test_what_is_documented_or_ours_is_no_reach(source):
    """What may be used anywhere is not taken for a reach."""
    assert reaches(ast.parse(source)) == []


@pytest.mark.parametrize(
    "name",
    [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
        if path != ROOM and path.name != "__main__.py"
    ],
)
def test_no_class_overrides_what_is_private(name):
    """A class of ours that is also one of SQLAlchemy's has only public attributes of it anew."""
    overridden = [
        f"{cls.__name__}.{attribute} of {base}"
        for cls in vars(importlib.import_module(name)).values()
        if isinstance(cls, type) and cls.__module__ == name
        for base in cls.__mro__
        if base.__module__.startswith("sqlalchemy.")
        for attribute in vars(cls).keys() & vars(base).keys()
        if is_private(attribute) and attribute not in PUBLIC
    ]
    assert overridden == []


REACHES = {
    node.name: node
    for node in MODULES[ROOM].body
    if isinstance(node, ast.FunctionDef | ast.ClassDef) and not is_private(node.name)
}
WITHOUT_NAMES = {
    "kept_by_flush": "others have attributes, too",
    "is_plain": "it looks through the whole of a statement",
    "new_registry": "the private class that it makes has them",
    "read_through": "it changes the class of an attribute",
    "read_without_flush": "it changes what loads attributes",
    "unseen": "it changes the name of a module",
}


@pytest.mark.parametrize("name", REACHES)
def test_nothing_else_is_with_the_reaches(name):
    """What the test finds elsewhere it finds in each function of ``_sa.py``: none could leave."""
    assert bool(reaches(REACHES[name])) is (name not in WITHOUT_NAMES)


SOURCE = re.compile(r"\b[a-z]+/\w+\.py\b")
NAMED = re.compile(r"``([\w.]+)(?:\(\))?``(?: in| of ``\w+`` in)\s+``([a-z]+/\w+\.py)``")


@pytest.mark.parametrize("name", REACHES)
def test_each_reach_says_why(name):
    """Each says what in SQLAlchemy's source it is about and when it may go, or which other does."""
    text = ast.get_docstring(REACHES[name]) or ""
    others = [other for other in REACHES if other != name and f"``{other}" in text]
    assert others or (SOURCE.search(text) and re.search(r"may\s+go", text))


@pytest.mark.skipif(sa.__version__ < "2.1", reason="names are those of 2.1")
@pytest.mark.parametrize("name", REACHES)
def test_what_a_reach_is_about_is_there(name):
    """The files and names of SQLAlchemy's source that a reach is about are in this release."""
    text = ast.get_docstring(REACHES[name]) or ""
    assert [path for path in SOURCE.findall(text) if not SQLALCHEMY.joinpath(path).exists()] == []
    assert [
        (named, path)
        for named, path in NAMED.findall(text)
        if named.rpartition(".")[2] not in SQLALCHEMY.joinpath(path).read_text(encoding="utf-8")
    ] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_first_line_says_what_is_in_a_module(path):
    """The table of modules in the documentation has one sentence for each of them."""
    text = ast.get_docstring(MODULES[path]) or ""
    first, _, rest = text.partition("\n")
    assert first.endswith(".")
    assert not rest.strip() or rest.startswith("\n")


RELEASE = Path(__file__).parents[1] / ".ci" / "release"


@pytest.mark.skipif(not RELEASE.exists(), reason="a source distribution has no .ci")
@pytest.mark.parametrize(
    ("version", "changelog", "problems"),
    [
        ("1.2.3", "1.2.3 (2026-01-31)\n------------------\n", []),
        (
            "1.2.3",
            "1.2.2 (2026-01-30)\n------------------\n",
            [
                "the changelog begins with 1.2.2, not with 1.2.3",
                "the changelog says 2026-01-30, and today is 2026-01-31",
            ],
        ),
        (
            "1.2.dev0",
            "Changelog\n=========\n",
            [
                "1.2.dev0 is no version of a release",
                "the changelog has no section with a version and a date",
            ],
        ),
    ],
    ids=["good", "of another", "none"],
)
def test_release_is_refused_with_reasons(version, changelog, problems):
    """The script that makes a release tells all that is wrong with version and changelog."""
    release = runpy.run_path(str(RELEASE))
    assert release["version_of"](f'__version__ = "{version}"') == version
    assert release["problems_of"](version, changelog, datetime.date(2026, 1, 31)) == problems
