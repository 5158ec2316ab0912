"""Modules and names that are gone, for as long as the module is enabled."""

from __future__ import annotations

import re
import sys
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


_watched: set[str] = set()
"""All these names, of any module: a name that is none of them is asked for without delay."""

_value_of = ModuleType.__getattribute__


class _Noting(ModuleType):
    """A module that has names that are gone, for ``import *``, and notes who gets them."""

    def __getattribute__(self, name: str) -> Any:
        if name in _watched:
            _note_asked(self, name, asking())
        return _value_of(self, name)

    def __getattr__(self, name: str) -> Any:
        if name in _missing.get(self, ()):
            return _value_of_gone(self, name)
        return _all_of(self, name, asking())


def _all_of(module: ModuleType, name: str, frame: FrameType) -> list[str]:
    """Return what ``import *`` asks a module for, which SQLAlchemy 2 does not say."""
    if name == "__all__" and module in _stars.GIVEN and is_import_of_all(frame):
        return _stars.names_of(module, frame)
    raise _gone.error(module.__name__, name, frame)


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
        return getattr(sqlalchemy.dialects, value)


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
        if module in FROM_WHICH_ALL:
            _watched.update(_missing[module])
            for name in _missing[module]:
                if names[name][0] is not None:
                    replace(module, name, names[name][0])
            replace(module, "__class__", _Noting)


@plan
def _add_modules() -> None:
    for name, (_, package, _, _) in MODULES.items():
        module, last = _OldModule(name), name.rpartition(".")[2]
        replace(sys.modules, name, module)
        _modules_of.setdefault(package, {})[last] = name
        if package in FROM_WHICH_ALL:
            _watched.add(last)
            replace(package, last, module)


@plan
def _add_answers() -> None:
    with_sentences = [sys.modules[name] for name in _gone.GONE]
    for module in dict.fromkeys([*NAMES, *_modules_of, *with_sentences]):
        if not isinstance(module, _Noting | _OldModule):
            replace(module, "__getattr__", _getattr_of(module))


def _getattr_of(module: ModuleType) -> Callable[[str], Any]:
    """Return what a module is to ask for the names that it does not have."""

    def __getattr__(name: str) -> Any:  # noqa: N807 - what Python asks a module for
        frame = asking()
        if name in _missing.get(module, ()) or name in _modules_of.get(module, ()):
            _note_asked(module, name, frame)
            return _value_of_gone(module, name)
        return _all_of(module, name, frame)

    return __getattr__


def _value_of_gone(module: ModuleType, name: str) -> Any:
    if name in _modules_of.get(module, ()):
        return sys.modules[_modules_of[module][name]]
    if name == "InstrumentationManager":
        from sqlsoup.legacy._instrumentation import InstrumentationManager

        return InstrumentationManager
    return NAMES[module][name][0]
