"""Relationships added to classes that are in use."""

from __future__ import annotations

import threading
import warnings
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, inspect
from sqlalchemy import exc as sa_exc
from sqlalchemy.orm import (
    CascadeOptions,
    Mapper,
    QueryableAttribute,
    RelationshipDirection,
    RelationshipProperty,
    relationship,
)

from sqlsoup import _sa
from sqlsoup._attributes import is_taken
from sqlsoup._conditions import compare_as_keys
from sqlsoup._generated import refuse_generated
from sqlsoup._locks import under

if TYPE_CHECKING:
    from collections.abc import Callable

ALL = "__*"
"""Given as ``overlaps``: several relationships over one foreign key are ordinary here.

SQLAlchemy's automap gives it too, and no names to look through (``orm/relationships.py``).
"""
_NONE = CascadeOptions("")
_WAITING = "sqlsoup.waiting"
IMPLIED = "_sqlsoup_implied"
"""Attribute of a relationship that is implied, so that it gives way to others; option for one."""
lock = threading.RLock()
"""Held while relationships are added."""
_adding = threading.local()


def alone(**options: Any) -> dict[str, Any]:
    """Return the options of an implied relationship where no other leads back."""
    return {**options, IMPLIED: options}


_Property = RelationshipProperty[Any]
_Definition = tuple[tuple[Any, ...], dict[str, Any]]


@under(lock)
def relate(mapper: Mapper[Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Add a relationship to a mapper, or raise and leave both sides as they were.

    The lock is for what SQLAlchemy shares between the relationships over one column.
    """
    if name in mapper.columns:
        raise sa_exc.ArgumentError(f"{mapper.class_.__name__}.{name} is a column already")
    options = dict(kwargs)
    given = options.pop("backref", None)
    reverse, reverse_options = (given, {}) if given is None or isinstance(given, str) else given
    for chosen in filter(None, (name, reverse)):
        if is_taken(chosen):
            raise sa_exc.ArgumentError(
                f"no relationship of {mapper.class_.__name__} can be called {chosen!r}, which "
                "is reserved by Python or SQLAlchemy; choose another name"
            )
    partner = options.pop("back_populates", None)
    secondary = inspect(options.get("secondary"), raiseerr=False)
    if isinstance(secondary, Mapper):
        options["secondary"] = secondary.local_table
    options["overlaps"] = ALL
    prop = _made(relationship, mapper, name, *args, **options)
    mapper.registry.configure(cascade=True)
    added: list[_Property]
    if reverse:
        added = _with_backref(mapper, prop, options, reverse, reverse_options)
    elif partner:
        added = _with_partner(mapper, prop, (args, options), partner)
    else:
        added = [prop]
    _show([*_left_alone(added, options), *added])


def _made(
    make: Callable[..., _Property], mapper: Mapper[Any], name: str, /, *args: Any, **options: Any
) -> _Property:
    """Return a relationship that is prepared for a mapper, and marked if it is implied."""
    implied = options.pop(IMPLIED, None)
    prop = make(*args, **options)
    _sa.prepare_relationship(prop, mapper, name)
    joins, comparisons = compare_as_keys(prop)
    if joins:
        prop = make(*args, **{**options, **joins})
        _sa.prepare_relationship(prop, mapper, name)
        _sa.find_links(prop, comparisons)
    if implied is not None:
        setattr(prop, IMPLIED, implied)
        if callable(implied["primaryjoin"]):
            _sa.forget_marks(prop)
    return prop


def is_implied(prop: object) -> bool:
    """Tell if it is a relationship that was added because a foreign key is there."""
    return hasattr(prop, IMPLIED)


def _with_backref(
    mapper: Mapper[Any],
    prop: _Property,
    options: dict[str, Any],
    reverse: str,
    reverse_options: dict[str, Any],
) -> list[_Property]:
    target = prop.mapper
    other = target.attrs.get(reverse)
    if other is not None and not _gives_way(other, mapper):
        raise sa_exc.ArgumentError(
            f"Error creating backref {reverse!r} on relationship {prop}: property of that "
            f"name exists on {target}"
        )
    options_back = {**reverse_options, "overlaps": options["overlaps"]}
    back = _made(_sa.reverse_of, target, reverse, prop, **options_back)
    _check_partner(prop, back)
    _sa.pair_relationships(prop, back)
    return [prop, back]


def _with_partner(
    mapper: Mapper[Any], prop: _Property, definition: _Definition, partner: str
) -> list[_Property]:
    (args, options), target, name = definition, prop.mapper, prop.key
    other: Any = target.attrs.get(partner)
    if other is None or _gives_way(other, mapper):
        prop.info[_WAITING] = partner, definition
        return [prop]
    _check_partner(prop, other)
    waits_for, other_definition = other.info.get(_WAITING, (name, None))
    if waits_for != name:
        raise sa_exc.ArgumentError(f"back_populates of {other} is {waits_for!r}, not {name!r}")
    if not other_definition:
        return [_made(relationship, mapper, name, *args, **options, back_populates=partner)]
    other_args, other_options = other_definition
    other = _made(relationship, target, partner, *other_args, **other_options)
    _sa.pair_relationships(prop, other)
    return [prop, other]


def _gives_way(other: object, mapper: Mapper[Any]) -> bool:
    """Tell if an attribute is a relationship that is implied, or is outdated.

    It is outdated when it leads to an earlier class of the mapper's table.
    """
    if not isinstance(other, RelationshipProperty):
        return False
    if is_implied(other):
        return True
    table, earlier = mapper.local_table, other.mapper.local_table
    return (
        other.mapper is not mapper
        and isinstance(table, Table)
        and isinstance(earlier, Table)
        and (table.metadata, table.key) == (earlier.metadata, earlier.key)
    )


def _check_partner(trial: RelationshipProperty[Any], other: Any) -> None:
    if not isinstance(other, RelationshipProperty) or other.mapper is not trial.parent:
        raise sa_exc.ArgumentError(
            f"back_populates of {trial} names {other}, which does not lead back to {trial.parent}"
        )
    if (
        trial.direction is other.direction
        and trial.direction is not RelationshipDirection.MANYTOMANY
    ):
        raise sa_exc.ArgumentError(
            f"{trial} and {other} are both of the same direction {trial.direction!r}; "
            "set remote_side on the many-to-one side"
        )


def _left_alone(added: list[_Property], options: dict[str, Any]) -> list[_Property]:
    """Return what takes the place of implied relationships that lose their other side."""
    found: list[_Property] = []
    for prop in added:
        before = prop.parent.attrs.get(prop.key)
        if not isinstance(before, RelationshipProperty):
            continue
        other = before.mapper.attrs.get(before.back_populates or prop.key)
        if (
            isinstance(other, RelationshipProperty)
            and other.back_populates == prop.key
            and other.mapper is prop.parent
            and is_implied(other)
            and not any(each.parent is other.parent and each.key == other.key for each in added)
        ):
            again = {**alone(**getattr(other, IMPLIED)), "overlaps": options["overlaps"]}
            found.append(_made(relationship, other.parent, other.key, prop.parent, **again))
    return found


def _show(added: list[_Property]) -> None:
    """Add relationships, all of which are complete, to their mappers, so that others see them.

    An interrupt comes too late to leave the classes as they were.
    """
    cascades = [prop.cascade for prop in added]
    try:
        _show_all(added, cascades)
    except BaseException:
        _show_all(added, cascades)
        raise


def _show_all(added: list[_Property], cascades: list[Any]) -> None:
    held: dict[tuple[type, str], object] = {}
    try:
        if any(map(_replaces, added)):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "User-placed", sa_exc.SADeprecationWarning)
                _add_all(added, held)
        else:  # the filters are shared with other threads
            _add_all(added, held)
    finally:
        _adding.now = None
    for prop, cascade in zip(added, cascades, strict=True):
        _sa.set_cascade(prop, cascade)
        _sa.renew(prop.parent)
    for (cls, name), attribute in held.items():
        type.__setattr__(cls, name, attribute)
    for prop in added:
        refuse_generated(prop)


def _replaces(prop: _Property) -> bool:
    """Tell if SQLAlchemy would warn that something has the name of a relationship already."""
    return prop.key in prop.parent.attrs or prop.key in vars(prop.parent.class_)


def _add_all(added: list[_Property], held: dict[tuple[type, str], object]) -> None:
    for prop in added:
        _adding.now = prop, held
        # else rows of other threads cascade to an attribute that is not there yet
        _sa.set_cascade(prop, _NONE)
        _sa.add_relationship(prop)


def holds(cls: type, name: str, attribute: object) -> bool:
    """Tell if an attribute of a class is not to be set yet: its relationship is being added."""
    prop, held = getattr(_adding, "now", None) or (None, None)
    if held is None or not isinstance(attribute, QueryableAttribute):
        return False
    _sa.give_loader(prop, attribute)
    held[cls, name] = attribute
    return True
