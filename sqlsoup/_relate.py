"""Relationships added to classes that are in use."""

from __future__ import annotations

import threading
import warnings
from typing import Any

from sqlalchemy import Table, inspect
from sqlalchemy import exc as sa_exc
from sqlalchemy.orm import (
    Mapper,
    RelationshipDirection,
    RelationshipProperty,
    backref,
    relationship,
)

from sqlsoup._names import is_taken

_NAMES = "sqlsoup.relationships"
_WAITING = "sqlsoup.waiting"
IMPLIED = "sqlsoup.implied"
"""In the ``info`` of a relationship: nobody asked for it, so that it gives way to others.

The value is its options where it stands alone, without another that leads back.
"""
lock = threading.RLock()
"""Held while relationships are added."""
_Definition = tuple[tuple[Any, ...], dict[str, Any]]


def relate(mapper: Mapper[Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Add a relationship to a mapper, or raise and leave both sides as they were.

    SQLAlchemy keeps what it knows of relationships over one column in common, hence the lock.
    """
    with lock:
        _relate(mapper, name, args, kwargs)


def _relate(mapper: Mapper[Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if name in mapper.columns:
        raise sa_exc.ArgumentError(f"{mapper.class_.__name__}.{name} is a column already")
    options = dict(kwargs)
    reverse, reverse_options = _named(options.pop("backref", None))
    for chosen in filter(None, (name, reverse)):
        if is_taken(chosen):
            raise sa_exc.ArgumentError(
                f"no relationship of {mapper.class_.__name__} can be called {chosen!r}, which "
                "has a meaning in Python or SQLAlchemy; choose another name"
            )
    partner = options.pop("back_populates", None)
    secondary = inspect(options.get("secondary"), raiseerr=False)
    if isinstance(secondary, Mapper):
        options["secondary"] = secondary.local_table
    tables = _tables(mapper, args, options)
    names = {name, reverse or name}.union(*(table.info.get(_NAMES, ()) for table in tables))
    # several relationships over one foreign key are ordinary here, and not to be warned of
    options["overlaps"] = ",".join(sorted({*names, *options.get("overlaps", "").split(",")}))
    trial = _try(mapper, name, args, options, reverse_options)
    if reverse:
        _add_with_backref(mapper, name, (args, options), trial, reverse, reverse_options)
    elif partner:
        _add_with_partner(mapper, name, (args, options), trial, partner)
    else:
        _add(mapper, name, args, options)
    for table in tables:
        table.info.setdefault(_NAMES, set()).update((name, reverse or name))


def _try(
    mapper: Mapper[Any],
    name: str,
    args: tuple[Any, ...],
    options: dict[str, Any],
    reverse_options: dict[str, Any],
) -> RelationshipProperty[Any]:
    """Return the relationship, complete but in no mapper, where one that fails would stay."""
    relationship(mapper, **reverse_options)
    lazy = options.get("lazy", "select")
    for way in (reverse_options.get("lazy", lazy), lazy):
        trial = relationship(*args, **{**options, "lazy": way})
        trial.key = name
        trial.set_parent(mapper, init=False)
        trial.init()
    mapper.registry.configure(cascade=True)
    return trial


def _add_with_backref(
    mapper: Mapper[Any],
    name: str,
    definition: _Definition,
    trial: RelationshipProperty[Any],
    reverse: str,
    reverse_options: dict[str, Any],
) -> None:
    (args, options), target = definition, trial.mapper
    other = target.attrs.get(reverse)
    if other is None:
        reverse_options = {"overlaps": options["overlaps"], **reverse_options}
        _add(mapper, name, args, {**options, "backref": backref(reverse, **reverse_options)})
    elif _gives_way(other, mapper):
        reverse_definition = ((mapper,), {**_mirrored(options), **reverse_options})
        _pair(mapper, name, definition, target, reverse, reverse_definition)
    else:
        raise sa_exc.ArgumentError(
            f"Error creating backref {reverse!r} on relationship {trial}: property of that "
            f"name exists on {target}"
        )


def _add_with_partner(
    mapper: Mapper[Any],
    name: str,
    definition: _Definition,
    trial: RelationshipProperty[Any],
    partner: str,
) -> None:
    (args, options), target = definition, trial.mapper
    other: Any = target.attrs.get(partner)
    if other is None or _gives_way(other, mapper):
        waiting = {_WAITING: (partner, definition)}
        _add(mapper, name, args, {**options, "info": {**options.get("info", {}), **waiting}})
        return
    _check_partner(trial, other)
    waits_for, other_definition = other.info.get(_WAITING, (name, None))
    if waits_for != name:
        raise sa_exc.ArgumentError(f"back_populates of {other} is {waits_for!r}, not {name!r}")
    if other_definition:
        _pair(mapper, name, definition, target, partner, other_definition)
    else:
        _add(mapper, name, args, {**options, "back_populates": partner})


def _named(argument: Any) -> tuple[str | None, dict[str, Any]]:
    """Return name and options of what was given as ``backref=``."""
    return (argument, {}) if argument is None or isinstance(argument, str) else argument


def _tables(mapper: Mapper[Any], args: tuple[Any, ...], options: dict[str, Any]) -> set[Table]:
    """Return the tables that the relationship may concern."""
    argument = args[0] if args else options.get("argument")
    if callable(argument) and not isinstance(argument, type):
        argument = argument()
    target = getattr(inspect(argument, raiseerr=False), "mapper", None)
    mapped = [*mapper.tables, *(target.tables if target is not None else ())]
    return {t for t in (*mapped, options.get("secondary")) if isinstance(t, Table)}


def _gives_way(other: object, mapper: Mapper[Any]) -> bool:
    """Tell if an attribute is a relationship that nobody asked for, or is outdated.

    It is outdated when it leads to an earlier class of the mapper's table.
    """
    if not isinstance(other, RelationshipProperty):
        return False
    if IMPLIED in other.info:
        return True
    table, earlier = mapper.local_table, other.mapper.local_table
    return (
        other.mapper is not mapper
        and isinstance(table, Table)
        and isinstance(earlier, Table)
        and (table.metadata, table.key) == (earlier.metadata, earlier.key)
    )


def _mirrored(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a relationship that are those of its reverse too."""
    first, second = "primaryjoin", "secondaryjoin"
    swapped = {first: second, second: first} if "secondary" in options else {}
    kept = ("overlaps", "secondary", "foreign_keys", first, second)
    return {swapped.get(key, key): options[key] for key in kept if key in options}


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


def _pair(
    mapper: Mapper[Any],
    name: str,
    definition: _Definition,
    target: Mapper[Any],
    partner: str,
    partner_definition: _Definition,
) -> None:
    """Add two relationships that populate each other.

    Each can name the other only once that is there, so the partner is added before and after.
    """
    (args, options), (partner_args, partner_options) = definition, partner_definition
    _add(target, partner, partner_args, partner_options)
    _add(mapper, name, args, {**options, "back_populates": partner})
    _add(target, partner, partner_args, {**partner_options, "back_populates": name})


def _add(mapper: Mapper[Any], name: str, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    prop, before = relationship(*args, **options), mapper.attrs.get(name)
    if not isinstance(before, RelationshipProperty):
        mapper.add_property(name, prop)
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "User-placed", sa_exc.SADeprecationWarning)
        mapper.add_property(name, prop)
    partner = before.mapper.attrs.get(before.back_populates or name)
    if isinstance(partner, RelationshipProperty) and partner.back_populates == name:
        alone = partner.info.get(IMPLIED)
        if alone is not None and partner.mapper is mapper:  # it has lost its other side
            args, options = (mapper,), {**alone, "overlaps": options["overlaps"]}
            _add(before.mapper, partner.key, args, {**options, "info": partner.info})
