"""Modules and names that are gone, for as long as the module is enabled."""

from __future__ import annotations

import re
import sys
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import sqlalchemy.dialects.postgresql.ranges
import sqlalchemy.engine.strategies
import sqlalchemy.engine.util
import sqlalchemy.ext.associationproxy
import sqlalchemy.ext.baked
import sqlalchemy.ext.declarative
import sqlalchemy.ext.horizontal_shard
import sqlalchemy.ext.hybrid
import sqlalchemy.orm
import sqlalchemy.util
from sqlalchemy.dialects import registry
from sqlalchemy.util import langhelpers

from sqlsoup.legacy import _gone, _loaders, _stars
from sqlsoup.legacy._forms import FORMS
from sqlsoup.legacy._frames import (
    asking,
    is_import_of_all,
    is_import_of_module,
    is_named,
    uses,
)  # fmt: skip
from sqlsoup.legacy._moved import FROM_WHICH_ALL, MODULES, NAMES
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import plan, replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


_missing: dict[ModuleType, set[str]] = {}
"""Names that the installed SQLAlchemy does not have, by module."""

_modules_of: dict[ModuleType, dict[str, str]] = {}
"""Modules that are gone, by the package in which they were, under their names there."""

_GIVE_ALL = {*FROM_WHICH_ALL, *_stars.GIVEN}
"""Modules of which ``import *`` gives other names than without this one."""

_HAD_ALL = (sqlalchemy, sqlalchemy.orm)
"""Those whose names a program could ask for, as Flask-SQLAlchemy did before its release 3."""


def _note_asked(module: ModuleType, name: str, frame: FrameType) -> None:
    if name in _missing.get(module, ()):
        if is_import_of_all(frame):
            _note_used(frame, module)
        elif is_named(frame, name):
            _note_name(module, name)
    elif name in _modules_of.get(module, ()) and is_named(frame, name):
        _note_module(_modules_of[module][name])


def _note_name(module: ModuleType, name: str, line: int | None = None) -> None:
    _, instead = NAMES[module][name]
    if instead in FORMS:
        old = f"{name}()" if instead == "loader-old" else ""
        text = _loaders.instead_of(name) if old else ""
        note(instead, old=old, instead=text, line=line, is_use=False)
        return
    is_function = name.islower()
    old, instead = (f"{name}()", f"{instead}()") if is_function else (name, instead)
    note("name", old=old, instead=instead, line=line, is_use=False)


def _note_module(name: str) -> None:
    _, _, form, instead = MODULES[name]
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
        names = MODULES[self.__name__][0]
        if name == "__all__":
            return list(names)
        if name not in names:
            raise _gone.error(self.__name__, name, asking())
        value = names[name]
        if not isinstance(value, str):
            return value
        registry.load(value)  # imports the dialect
        return sys.modules[f"sqlalchemy.dialects.{value}.base"]


class _OrderedDict(dict[Any, Any]):
    """A dict that may be a base beside another one, as in recipes for collections."""

    def __init_subclass__(cls) -> None:
        note(
            "name",
            old="OrderedDict of sqlalchemy.util as a base",
            instead="OrderedDict of collections",
        )


@plan
def _ordered_dict() -> None:
    replace(sqlalchemy.util, "OrderedDict", _OrderedDict)  # where SQLAlchemy has dict itself


@plan
def _lines_of_warnings() -> None:
    # SQLAlchemy's own warnings are for the line of the program, past what stands for its methods;
    # those of what _catalog reads are for that, which has them ignored.
    outside = re.compile(r"^(?:sqlalchemy\.(?!testing)|alembic\.|sqlsoup\.(?!_catalog$))")
    replace(langhelpers, "_not_sa_pattern", outside)


@plan
def _add_names() -> None:
    for module, names in NAMES.items():
        _missing[module] = {name for name in names if not hasattr(module, name)}


@plan
def _add_modules() -> None:
    for name, (_, package, _, _) in MODULES.items():
        replace(sys.modules, name, _OldModule(name))
        _modules_of.setdefault(package, {})[name.rpartition(".")[2]] = name


@plan
def _add_answers() -> None:
    with_sentences = [sys.modules[name] for name in _gone.GONE]
    asked = dict.fromkeys([*NAMES, *_modules_of, *with_sentences])
    views = {each: _view_of(each) for each in asked if not isinstance(each, _OldModule)}
    for module in views:
        replace(module, "__getattr__", _getattr_of(module))
    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] == "sqlalchemy":
            _put_views(module, views)
    for module in FROM_WHICH_ALL:
        replace(module, "__dir__", partial(_names_of, module))


def _getattr_of(module: ModuleType) -> Callable[[str], Any]:
    """Return what a module is to ask for the names that it does not have."""

    def __getattr__(name: str) -> Any:  # noqa: N807 - what Python asks a module for
        return _asked(module, name, asking())

    return __getattr__


def _asked(module: ModuleType, name: str, frame: FrameType) -> Any:
    if name in _missing.get(module, ()) or name in _modules_of.get(module, ()):
        _note_asked(module, name, frame)
        return _value_of_gone(module, name)
    if name == "__all__" and module in _GIVE_ALL and is_import_of_all(frame):
        return _stars.given_by(module, _names_of(module), frame)
    if name == "__all__" and module in _HAD_ALL and is_named(frame, name):
        note("name", old=f"{module.__name__}.__all__", instead="the names that are used")
        return [each for each in _names_of(module) if _is_public(module, each)]
    raise _gone.error(module.__name__, name, frame)


def _is_public(module: ModuleType, name: str) -> bool:
    is_module = name in _modules_of.get(module, ()) or isinstance(
        vars(module).get(name), ModuleType | View
    )
    return not (name.startswith("_") or is_module)


class View:
    """What other modules of SQLAlchemy have in the place of a module: its very names, for less.

    Python reads a name of a module that has a ``__getattr__`` the slow way, which CPython's
    ``specialize.c`` says, and SQLAlchemy does so hundreds of times for a statement.
    """

    def __init__(self, module: ModuleType) -> None:
        self.__dict__ = vars(module)


def _view_of(module: ModuleType) -> View:
    """Return a view, whose class has the names that the module does not have."""
    sentences = _gone.GONE.get(module.__name__, {})
    gone = [*_missing.get(module, ()), *_modules_of.get(module, ()), *sentences]
    kind: type[View] = type("View", (View,), {name: _gone_name(module, name) for name in gone})
    return kind(module)


def _gone_name(module: ModuleType, name: str) -> property:
    return property(lambda _: _asked(module, name, asking()))


def _put_views(module: ModuleType, views: dict[ModuleType, View]) -> None:
    """Put views in the place of modules that a module has imported, but for those within it."""
    names = list(vars(module).items())
    for name, value in [(k, v) for k, v in names if isinstance(v, ModuleType) and v in views]:
        if value.__name__ != f"{module.__name__}.{name}":
            replace(module, name, views[value])


def _names_of(module: ModuleType) -> list[str]:
    """Return the names that a module has, those that are gone among them."""
    gone = {name for name in _missing.get(module, ()) if NAMES[module][name][0] is not None}
    return sorted({*vars(module), *gone, *_modules_of.get(module, ())})


def _value_of_gone(module: ModuleType, name: str) -> Any:
    if name in _modules_of.get(module, ()):
        return sys.modules[_modules_of[module][name]]
    if name == "InstrumentationManager":
        from sqlsoup.legacy._instrumentation import InstrumentationManager

        return InstrumentationManager
    return NAMES[module][name][0]
