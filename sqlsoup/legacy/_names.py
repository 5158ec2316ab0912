"""Modules and names that are gone, for as long as the module is enabled."""

from __future__ import annotations

import re
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import sqlalchemy.dialects
import sqlalchemy.engine.base
import sqlalchemy.engine.result
import sqlalchemy.engine.strategies
import sqlalchemy.ext.baked
import sqlalchemy.ext.declarative
import sqlalchemy.orm.interfaces
import sqlalchemy.orm.session
import sqlalchemy.schema
import sqlalchemy.types
from sqlalchemy import exc
from sqlalchemy.dialects import registry
from sqlalchemy.orm.util import AliasedClass
from sqlalchemy.util import langhelpers

import sqlsoup
from sqlsoup.legacy import _extensions, _gone, _loaders, _properties, _threads, _urls
from sqlsoup.legacy._forms import FORMS
from sqlsoup.legacy._frames import (
    asking,
    is_import_of_all,
    is_import_of_module,
    is_named,
    uses,
)  # fmt: skip
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import plan, replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Self


def _renamed(old: str, new: Any, instead: str) -> Callable[..., Any]:
    def call(*args: Any, **kw: Any) -> Any:
        note("name", old=f"{old}()", instead=f"{instead}()")
        return new(*args, **kw)

    call.__name__ = call.__qualname__ = old
    return call


_EXTENSIONS = {
    "MapperExtension": (_extensions.MapperExtension, "mapper-extension"),
    "SessionExtension": (_extensions.SessionExtension, "session-extension"),
    "AttributeExtension": (_extensions.AttributeExtension, "attribute-extension"),
    "EXT_PASS": (sqlalchemy.orm.EXT_CONTINUE, "mapper-extension"),
}
_INSTRUMENTATION = (None, "sqlalchemy.ext.instrumentation")
"""Not imported before it is asked for, as that import changes how classes are instrumented."""

_OF_SQLSOUP = (
    "SqlSoup", "SQLSoup", "TableClassType", "SelectableClassType", "Session", "PKNotFoundError",
    "EXT_CONTINUE", "Engine", "MetaData", "Table", "attributes", "class_mapper", "expression",
    "join", "object_session", "relationship", "schema", "scoped_session", "session",
    "sessionmaker", "sql", "util",
)  # fmt: skip
_OF_SQLSOUP_GONE: dict[str, Any] = {
    "mapper": getattr(sqlalchemy.orm, "mapper"),  # noqa: B009 - it is kept in order to raise
    "MapperExtension": _extensions.MapperExtension,
    "AutoAdd": _extensions.AutoAdd,
}
"""Names that the module of SQLSoup 0.9 had of SQLAlchemy: those that are there, and the others."""

_GONE: dict[ModuleType, dict[str, tuple[Any, str]]] = {
    sqlalchemy.orm: {
        **_EXTENSIONS,
        **{name: (value, "loader-old") for name, value in _loaders.GONE.items()},
        "relation": (_properties.relation, "relation"),
        "AliasedClass": (AliasedClass, "aliased"),
        "InstrumentationManager": _INSTRUMENTATION,
        "comparable_property": (_properties.ComparableProperty, "hybrid_property"),
        "ComparableProperty": (_properties.ComparableProperty, "hybrid_property"),
        "compile_mappers": (
            _renamed("compile_mappers", sqlalchemy.orm.configure_mappers, "configure_mappers"),
            "configure_mappers",
        ),
    },
    sqlalchemy.orm.interfaces: {**_EXTENSIONS, "InstrumentationManager": _INSTRUMENTATION},
    sqlalchemy.orm.session: {"SessionExtension": _EXTENSIONS["SessionExtension"]},
    sqlalchemy: {
        "Binary": (sqlalchemy.LargeBinary, "LargeBinary"),
        "PassiveDefault": (sqlalchemy.DefaultClause, "DefaultClause"),
        "ThreadLocalMetaData": (_threads.ThreadLocalMetaData, "MetaData"),
    },
    sqlalchemy.types: {"Binary": (sqlalchemy.LargeBinary, "LargeBinary")},
    sqlalchemy.schema: {
        "PassiveDefault": (sqlalchemy.DefaultClause, "DefaultClause"),
        "ThreadLocalMetaData": (_threads.ThreadLocalMetaData, "MetaData"),
    },
    sqlalchemy.engine: {"RowProxy": (sqlalchemy.Row, "Row")},
    sqlalchemy.engine.base: {"RowProxy": (sqlalchemy.Row, "Row")},
    sqlalchemy.engine.result: {
        "RowProxy": (sqlalchemy.Row, "Row"),
        "ResultProxy": (sqlalchemy.CursorResult, "CursorResult"),
    },
    sqlsoup: {
        "mapper": (_OF_SQLSOUP_GONE["mapper"], "mapper"),
        "MapperExtension": _EXTENSIONS["MapperExtension"],
        "AutoAdd": (_extensions.AutoAdd, "mapper-extension"),
        "py2k": (False, "nothing: it is False"),
        "string_types": ((str,), "str"),
    },
}
"""Names by module, with what they stand for and the form that is noted, or the new name."""


class Errors(tuple[type[Exception], ...]):
    """Classes of errors that were one: for ``except``, and to be raised."""

    __slots__ = ()

    def __new__(cls, *classes: type[Exception]) -> Self:
        """Make it of the class that is raised, and others."""
        return super().__new__(cls, classes)

    def __call__(self, *args: object) -> Exception:
        return self[0](*args)


_MODULES: dict[str, tuple[dict[str, Any], ModuleType, str, str]] = {
    "sqlalchemy.ext.sqlsoup": (
        {
            **{name: getattr(sqlsoup, name) for name in _OF_SQLSOUP},
            **_OF_SQLSOUP_GONE,
            "relation": _properties.relation,
            "NoSuchTableError": exc.NoSuchTableError,
            "ArgumentError": Errors(exc.ArgumentError, sqlsoup.ArgumentError),
            "InvalidRequestError": Errors(exc.InvalidRequestError, sqlsoup.SQLSoupError),
            "SQLAlchemyError": Errors(exc.SQLAlchemyError, sqlsoup.SQLSoupError),
        },
        sqlalchemy.ext,
        "import-sqlsoup",
        "sqlsoup",
    ),
    "sqlalchemy.exceptions": (
        {n: v for n, v in vars(exc).items() if isinstance(v, type)},
        sqlalchemy,
        "name",
        "sqlalchemy.exc",
    ),
    "sqlalchemy.databases": (
        {
            **{name: name for name in ("mssql", "mysql", "oracle", "postgresql", "sqlite")},
            "postgres": "postgresql",
        },
        sqlalchemy,
        "name",
        "sqlalchemy.dialects",
    ),
    "sqlalchemy.interfaces": (
        {"PoolListener": _urls.PoolListener},
        sqlalchemy,
        "engine-listeners",
        "sqlalchemy.event",
    ),
}
"""Modules that are gone: their names, or dialects; where they were, and what is noted."""

_missing: dict[ModuleType, set[str]] = {}
"""Names that the installed SQLAlchemy does not have, by module."""

_modules_of: dict[ModuleType, dict[str, str]] = {}
"""Modules that are gone, by the package in which they were, under their names there."""


class _Noting(ModuleType):
    """A module in which a name that is gone is noted where a program gets it from there."""

    def __getattribute__(self, name: str) -> Any:
        if name in _missing.get(self, ()):
            frame = asking()
            if is_import_of_all(frame):
                _note_used(frame, self)
            elif is_named(frame, name):
                _note_name(self, name)
        elif name in _modules_of.get(self, ()) and is_named(asking(), name):
            _note_module(_modules_of[self][name])
        return super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        if name == "InstrumentationManager" and name in _missing.get(self, ()):
            from sqlsoup.legacy._instrumentation import InstrumentationManager

            return InstrumentationManager
        raise _gone.error(self.__name__, name, asking())


def _note_name(module: ModuleType, name: str, line: int | None = None) -> None:
    _, instead = _GONE[module][name]
    if instead in FORMS:
        old = f"{name}()" if instead == "loader-old" else ""
        text = _loaders.instead_of(name) if old else ""
        note(instead, old=old, instead=text, line=line, is_use=False)
        return
    is_function = name.islower()
    old, instead = (f"{name}()", f"{instead}()") if is_function else (name, instead)
    note("name", old=old, instead=instead, line=line, is_use=False)


def _note_module(name: str) -> None:
    _, _, form, instead = _MODULES[name]
    note(form, old=name, instead=instead)


def _note_used(frame: FrameType, module: ModuleType) -> None:
    """Note the names that a program uses of those that it imports all together."""
    for name, line in uses(frame.f_code, frozenset(_missing.get(module, ()))).items():
        _note_name(module, name, line)


class _OldModule(ModuleType):
    """A module that is gone, made of what took its place."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__spec__" and is_import_of_module(asking()):
            _note_module(super().__getattribute__("__name__"))
        return super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        names = _MODULES[self.__name__][0]
        if name == "__all__":
            return list(names)
        if name not in names:
            raise _gone.error(self.__name__, name, asking())
        value = names[name]
        if not isinstance(value, str):
            return value
        registry.load(value)  # imports the dialect
        return getattr(sqlalchemy.dialects, value)


@plan
def _lines_of_warnings() -> None:
    # SQLAlchemy's own warnings are for the line of the program, past what stands for its methods;
    # those of what _catalog reads are for that, which has them ignored.
    outside = re.compile(r"^(?:sqlalchemy\.(?!testing)|alembic\.|sqlsoup\.(?!_catalog$))")
    replace(langhelpers, "_not_sa_pattern", outside)


@plan
def _add_names() -> None:
    for module, names in _GONE.items():
        _missing[module] = {name for name in names if not hasattr(module, name)}
        for name in _missing[module]:
            if names[name][0] is not None:
                replace(module, name, names[name][0])
        replace(module, "__class__", _Noting)


@plan
def _add_sentences() -> None:
    for name in _gone.GONE.keys() - _MODULES.keys():
        module = sys.modules[name]
        if module not in _GONE:  # whose class asks for the sentences
            replace(module, "__getattr__", _gone.getattr_of(name))


@plan
def _add_modules() -> None:
    for name, (_, package, _, _) in _MODULES.items():
        module = _OldModule(name)
        replace(sys.modules, name, module)
        replace(package, name.rpartition(".")[2], module)
        _modules_of.setdefault(package, {})[name.rpartition(".")[2]] = name
    for package in _modules_of:
        if not isinstance(package, _Noting):
            replace(package, "__class__", _Noting)
