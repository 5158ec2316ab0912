"""Reaches past SQLAlchemy's documented API: a registry for each class.

See :mod:`sqlsoup._sa`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from sqlalchemy import event
from sqlalchemy.orm import decl_api, registry

from sqlsoup._locks import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import MetaData


class _Names(dict[str, Any]):
    """The classes of a registry by their names, kept alive by others; see ``new_registry()``."""

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        found = self.get(str(name))
        return name == _MODULES or (found is not None and found() is not None)

    def __getitem__(self, name: str) -> Any:
        found = _Modules(self) if name == _MODULES else dict.__getitem__(self, name)()
        if found is None:
            raise KeyError(name)
        return found

    def __setitem__(self, name: str, thing: Any) -> None:
        dict.__setitem__(self, name, ref(thing))


class _Managers:
    """The class managers of a registry, kept alive by others; see ``new_registry()``."""

    __slots__ = ("_refs",)

    def __init__(self, *refs: Callable[[], Any]) -> None:
        self._refs = refs

    def __len__(self) -> int:
        return len(self._refs)

    def __iter__(self) -> Iterator[Any]:
        return iter([manager for each in self._refs if (manager := each()) is not None])

    def __setitem__(self, manager: Any, _value: object) -> None:
        self._refs = (*map(ref, self), ref(manager))

    def popitem(self) -> tuple[Any, Any]:
        last, self._refs = self._refs[-1], self._refs[:-1]
        manager = last()
        if manager is None:
            raise KeyError(last)
        return manager, True


class _Modules:
    """What of the modules of classes is needed, as mapped ones have the same; see ``_Names``."""

    __slots__ = ("_names",)

    def __init__(self, names: _Names) -> None:
        self._names = names

    def __contains__(self, name: str) -> bool:
        return name == "sqlsoup"

    def __getattr__(self, name: str) -> Any:
        return self._names[name]

    def resolve_attr(self, _name: str) -> _Modules:
        return self

    get_module = resolve_attr

    def add_class(self, name: str, cls: type) -> None:
        """Leave it at the name that the registry has."""

    remove_class = add_class


_MODULES = "_sa_module_registry"
_decl_api: Any = decl_api


class _Registry(registry):
    """A registry that makes what few need when they do; see ``new_registry()``."""

    def __init__(self, metadata: MetaData) -> None:
        it: Any = self
        it.metadata, it.constructor = metadata, _ORDINARY["constructor"]
        it._class_registry, it._managers = _Names(), _Managers()
        it._dependents, it._dependencies = set(), set()
        it._new_mappers = False
        mapperlib = _decl_api.mapperlib
        locked(mapperlib._CONFIGURE_MUTEX, mapperlib._mapper_registries.setdefault, self, True)

    @cached_property
    def type_annotation_map(self) -> dict[Any, Any]:  # type: ignore[override]
        return {}

    @cached_property
    def _declare_first_classes(self) -> WeakKeyDictionary[Any, Any]:  # type: ignore[override]
        event.listen(self, "before_configured", _decl_api._declare_first_for_registry)
        return WeakKeyDictionary()

    @cached_property
    def _declare_last_classes(self) -> WeakKeyDictionary[Any, Any]:  # type: ignore[override]
        event.listen(self, "after_configured", _decl_api._declare_last_for_registry)
        return WeakKeyDictionary()


_ORDINARY: dict[str, Any] = vars(registry())
_LEAN = {*_ORDINARY} == {
    *("metadata", "constructor", "type_annotation_map", "dispatch", "_class_registry"),
    *("_managers", "_dependents", "_dependencies", "_declare_first_classes"),
    *("_declare_last_classes", "_new_mappers"),
}


def new_registry(metadata: MetaData) -> registry:
    """Return a registry for one class, in a third of the memory.

    That of SQLAlchemy has a tree of modules for the names of its classes (``orm/clsregistry.py``),
    and on 2.1 two listeners for hooks of declarative classes (``registry.__init__`` in
    ``orm/decl_api.py``), which take more than the mapper's own attributes.  Where it has
    other state than what is known here, it is made by its own constructor.  It may go when one
    registry can have several classes of one name, or costs less.
    """
    return _Registry(metadata) if _LEAN else registry(metadata=metadata, class_registry=_Names())
