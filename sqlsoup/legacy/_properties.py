"""Relations and properties with the names and arguments of the time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy.orm as sa_orm
from sqlalchemy import inspect
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import ClassManager

from sqlsoup.legacy import _backrefs, _extensions, _viewonly
from sqlsoup.legacy._bases import NEW
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, replaced
from sqlsoup.legacy._text import listed

if TYPE_CHECKING:
    from collections.abc import Callable


_HOOKS = "sqlsoup.legacy.extensions"


_RELATION = (
    "argument", "secondary", "primaryjoin", "secondaryjoin", "foreign_keys", "uselist", "order_by",
    "backref", "back_populates", "post_update", "cascade", "extension", "viewonly", "lazy",
    "collection_class", "passive_deletes", "passive_updates", "remote_side", "enable_typechecks",
    "join_depth", "comparator_factory", "single_parent", "innerjoin",
)  # fmt: skip


class ComparableProperty:
    """An attribute of Python whose comparisons in queries are those of a comparator."""

    def __init__(self, comparator_factory: Any, descriptor: Any = None, doc: Any = None) -> None:
        note("name", old="comparable_property()", instead="sqlalchemy.ext.hybrid.hybrid_property")
        self.comparator_factory, self.descriptor = comparator_factory, descriptor
        self.parent: Any = None
        self.key = ""
        self.__doc__ = doc

    def __get__(self, row: Any, cls: Any) -> Any:
        if row is None:
            return self.comparator_factory(self, inspect(cls))
        return self.descriptor.__get__(row, cls)

    def __set__(self, row: Any, value: Any) -> None:
        self.descriptor.__set__(row, value)


def comparable_using(comparator_factory: Any) -> Callable[[Any], ComparableProperty]:
    """Return what makes a method of a declared class an attribute with a comparator."""
    return lambda descriptor: ComparableProperty(comparator_factory, descriptor)


def instrument_declarative(cls: type, registry: Any, metadata: Any) -> None:
    """Map a class by what it declares, with a dict of classes that its relations find by name."""
    note("name", old="instrument_declarative()", instead="registry().map_declaratively()")
    sa_orm.registry(metadata=metadata, class_registry=registry).map_declaratively(cls)


def without_entity_name(function: str, kw: dict[str, Any]) -> None:
    """Take ``entity_name`` out of the arguments of a function.

    :raises ArgumentError: it is the name of one of several mappers of a class.
    """
    if "entity_name" not in kw:
        return
    note("entity-name", old=f"entity_name= of {function}()")
    if kw.pop("entity_name") is not None:
        raise ArgumentError(
            f"{function}(entity_name=) cannot be done since SQLAlchemy 0.5: a class has one "
            "mapper; map a second class to the other table"
        )


@function(sa_orm.relationship)
def _relationship(before: Callable[..., Any], /, *args: Any, **kw: Any) -> Any:
    if len(args) > 2:  # noqa: PLR2004
        note("relation-arguments")
    prop = _property(before, **dict(zip(_RELATION, args, strict=False)), **kw)
    secondary = prop._init_args.secondary
    if isinstance(secondary.argument, str) and "(" in secondary.argument:
        note("relation-secondary")
        secondary.argument = partial(_evaluated, prop, secondary.argument)
    return prop


def _evaluated(prop: Any, text: str) -> Any:
    """Return what an expression stands for, in which there are names of classes."""
    return prop._clsregistry_resolvers[1](text)()


def relation(*args: Any, **kw: Any) -> Any:
    """Return a relationship."""
    note("relation")
    return sa_orm.relationship(*args, **kw)


@function(sa_orm.column_property)
def _column_property(before: Callable[..., Any], /, *args: Any, **kw: Any) -> Any:
    return _property(before, *args, **kw)


@function(sa_orm.dynamic_loader)
def _dynamic_loader(before: Callable[..., Any], /, *args: Any, **kw: Any) -> Any:
    if len(args) > 1:
        note("relation-arguments")
        kw |= zip(_RELATION, args, strict=False)
        args = ()
    return before(*args, **kw)


@function(sa_orm.backref)
def _backref(before: Callable[..., Any], /, name: str, **kw: Any) -> Any:
    return before(name, **_current(kw))


def _property(make: Callable[..., Any], *args: Any, **kw: Any) -> Any:
    return make(*args, **_current(kw))


def _current(kw: dict[str, Any]) -> dict[str, Any]:
    """Take the old arguments out of those of a property, and note in its info what they ask for."""
    if "extension" in kw:
        note("attribute-extension")
    extensions = listed(kw.pop("extension", None))
    asked: dict[str, Any] = {}
    without_entity_name("relation", kw)
    for name in ("cascade_backrefs", "bake_queries"):
        if name in kw:
            note("property-argument", old=f"{name}= of a property")
            if kw.pop(name) is False and name == "cascade_backrefs":
                asked[_backrefs.NO_CASCADE] = True
    if kw.get("cascade") is False:
        note("property-argument", old="cascade=False of a property")
        del kw["cascade"]
    if extensions:
        asked[_HOOKS] = extensions
    if asked:
        kw["info"] = {**(kw.get("info") or {}), **asked}
    return kw


@replaced(ClassManager, "post_configure_attribute")
def _configure(before: Callable[..., Any]) -> Callable[..., Any]:
    def configure(manager: Any, key: str) -> None:
        before(manager, key)
        _listen(manager[key])

    return configure


def _listen(attribute: Any) -> None:
    """Attach hooks, and the cascade along backrefs, to an attribute that is being made.

    A listener to ``attribute_instrument`` is lost when ``sqlalchemy.ext.instrumentation`` is
    imported.
    """
    prop = getattr(attribute, "prop", None)
    if prop is None:  # of a class that no mapper has instrumented
        return
    for extension in prop.info.get(_HOOKS, ()):
        _extensions.listen_attribute(attribute, extension)
    if isinstance(prop, sa_orm.RelationshipProperty) and not issubclass(attribute.class_, NEW):
        if prop.viewonly:
            _viewonly.listen(attribute, prop)
        _backrefs.listen(attribute, prop)


@function(sa_orm.synonym)
def _synonym(before: Callable[..., Any], /, name: str, *args: Any, **kw: Any) -> Any:
    names = ("map_column", "descriptor", "comparator_factory", "doc")
    if args or "proxy" in kw:
        note("property-argument", old="synonym() with proxy= or arguments by position")
        kw.pop("proxy", None)
    return before(name, **dict(zip(names, args, strict=False)), **kw)
