"""Loader options with names instead of attributes, and those that have another name now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy.orm as sa_orm
from sqlalchemy import inspect
from sqlalchemy.exc import ArgumentError, InvalidRequestError
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.orm.strategy_options import _LoadElement

from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, plan, replace, replaced

if TYPE_CHECKING:
    from collections.abc import Callable


_OPTIONS = (
    "joinedload", "subqueryload", "selectinload", "lazyload", "immediateload", "noload",
    "raiseload", "contains_eager", "defaultload", "defer", "undefer", "load_only",
)  # fmt: skip


@plan
def _last_one() -> None:
    before = _LoadElement._reconcile

    def reconcile(replacement: _LoadElement, existing: _LoadElement) -> _LoadElement:
        try:
            return before(replacement, existing)
        except InvalidRequestError:
            note("loader-twice")
            return replacement

    replace(_LoadElement, "_reconcile", staticmethod(reconcile))


class NamedOption:
    """A loader option that waits for the class on which its names are attributes."""

    def __init__(self, *steps: tuple[str, tuple[str, ...], dict[str, Any]]) -> None:
        self.steps = steps
        self.aliases: list[Any] = []
        """Aliases that were given by their names, which a statement has as well."""

    def __getattr__(self, kind: str) -> Callable[..., NamedOption]:
        if kind.startswith("_"):
            raise AttributeError(kind)
        return lambda *names, **kw: NamedOption(*self.steps, (kind, names, kw))

    def on(self, entity: Any) -> Any:
        """Return the option for a class."""
        if entity is None:
            raise ArgumentError(
                f"{self.steps[0][0]}() with a name is for queries of a class, not of columns alone"
            )
        option: Any = sa_orm.Load(inspect(entity).entity)
        for kind, names, kw in self.steps:
            found = _attributes(option, names) if kind in _OPTIONS else names
            option = getattr(option, kind)(*found, **self._with_alias(found, kw))
        return option

    def _with_alias(self, attributes: Any, kw: dict[str, Any]) -> dict[str, Any]:
        name = kw.get("alias")
        if not isinstance(name, str):
            return kw
        note("eager-alias-name")
        self.aliases.append(attributes[-1].property.mapper.local_table.alias(name))
        return {**kw, "alias": self.aliases[-1]}


def _attributes(option: Any, names: tuple[Any, ...]) -> list[Any]:
    """Return the attributes of names, on the class to which an option leads."""
    entity = next(each.entity for each in reversed(option.path) if hasattr(each, "entity"))
    return [_attribute(entity, name) if _is_name(name) else name for name in names]


def _attribute(entity: Any, name: str) -> Any:
    attribute = getattr(entity, name, None)
    if not isinstance(attribute, QueryableAttribute):
        shown = inspect(entity).mapper.class_.__name__
        raise ArgumentError(f"{shown} has no column or relationship {name!r} to load")
    return attribute


def resolved(option: Any, entity: Callable[[], Any]) -> Any:
    """Return an option of SQLAlchemy for one that has names."""
    return option.on(entity()) if isinstance(option, NamedOption) else option


def _is_name(key: Any) -> bool:
    """Tell the name of an attribute from a wildcard, which SQLAlchemy has another word for."""
    return isinstance(key, str) and key not in ("*", ".*", "_sa_default")


def _steps(kind: str, keys: tuple[Any, ...], kw: dict[str, Any], *, each: bool) -> NamedOption:
    path = [name for key in keys for name in (key.split(".") if isinstance(key, str) else [key])]
    before = kind if each else "defaultload"
    on_the_way = {"_is_chain": True} if kind == "contains_eager" else kw if each else {}
    steps = [(before, (name,), on_the_way) for name in path[:-1]]
    return NamedOption(*steps, (kind, (path[-1],), kw))


def _of_one_attribute(*args: Any, **kw: Any) -> Any:
    before: Any = "BEFORE"
    handler: Any = "HANDLER"
    if kw or len(args) != 1 or isinstance(args[0], str):
        return handler(*args, **kw)
    return before(args[0])


def _by_name(name: str) -> None:
    @function(getattr(sa_orm, name), template=_of_one_attribute)
    def option(before: Callable[..., Any], *keys: Any, **kw: Any) -> Any:
        if not any(map(_is_name, keys)) and not isinstance(kw.get("alias"), str):
            return _in_a_row(before, name, keys, kw)
        if any(map(_is_name, keys)):
            note("loader-name", old=f"{name}() with a name", instead=f"{name}(A.b)")
        if name == "load_only":
            return NamedOption((name, keys, kw))
        return _steps(name, keys, kw, each=name == "contains_eager")


def _in_a_row(
    before: Callable[..., Any], name: str, keys: tuple[Any, ...], kw: dict[str, Any]
) -> Any:
    if len(keys) == 1 or name not in ("defer", "undefer"):
        return before(*keys, **kw)
    note("loader-old", old=f"{name}(A.b, B.c)", instead=f"defaultload(A.b).{name}(B.c)")
    return getattr(sa_orm.defaultload(*keys[:-1]), name)(keys[-1], **kw)


@replaced(sa_orm.Load, *_OPTIONS)
def _of_load(before: Callable[..., Any]) -> Callable[..., Any]:
    name = before.__name__

    def of_load(load: Any, /, *keys: Any, **kw: Any) -> Any:
        for key in keys:
            if isinstance(key, str) and _is_name(key):
                note("loader-name", old=f"{name}() with a name", instead=f"{name}(A.b)")
                return before(load, *_attributes(load, keys), **kw)
        return before(load, *keys, **kw)

    return of_load


for _name in _OPTIONS:
    _by_name(_name)


def instead_of(old: str) -> str:
    """Tell what to write instead of an option that has another name now."""
    new = _NEW[old]
    return f"{new}(A.b)" + f".{new}(B.c)" * old.endswith("_all")


_NEW = {
    "eagerload": "joinedload",
    "eagerload_all": "joinedload",
    "joinedload_all": "joinedload",
    "lazyload_all": "lazyload",
    "subqueryload_all": "subqueryload",
    "selectinload_all": "selectinload",
}


def _renamed(old: str, new: str, *, every: bool) -> Callable[..., Any]:
    def option(*keys: Any, **kw: Any) -> Any:
        note("loader-old", old=f"{old}()", instead=instead_of(old))
        if not any(map(_is_name, keys)):
            loader = getattr(sa_orm, new)(keys[0], **kw)
            for key in keys[1:]:
                loader = getattr(loader, new)(key, **kw)
            return loader
        return _steps(new, keys, kw, each=every)

    option.__name__ = option.__qualname__ = old
    return option


GONE = {old: _renamed(old, new, every=old.endswith("_all")) for old, new in _NEW.items()}
"""The functions that SQLAlchemy 2 does not have, by name."""
