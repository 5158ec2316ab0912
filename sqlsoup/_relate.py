"""Relationships added to classes that are in use."""

from __future__ import annotations

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

_NAMES = "sqlsoup.relationships"
_WAITING = "sqlsoup.waiting"


def relate(mapper: Mapper[Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Add a relationship to a mapper, or raise and leave both sides as they were.

    A relationship that failed would stay in its mapper, so one that belongs to none is tried first.
    """
    if name in mapper.columns:
        raise sa_exc.ArgumentError(f"{mapper.class_.__name__}.{name} is a column already")
    options = dict(kwargs)
    reverse, reverse_options = _named(options.pop("backref", None))
    partner = options.pop("back_populates", None)
    secondary = inspect(options.get("secondary"), raiseerr=False)
    if isinstance(secondary, Mapper):
        options["secondary"] = secondary.local_table
    tables = _tables(mapper, args, options)
    names = {name, reverse or name}.union(*(table.info.get(_NAMES, ()) for table in tables))
    # several relationships over one foreign key are ordinary here, and not to be warned of
    options["overlaps"] = ",".join(sorted({*names, *options.get("overlaps", "").split(",")}))
    trial = relationship(*args, **options)
    trial.key = name
    trial.set_parent(mapper, init=False)
    trial.init()
    mapper.registry.configure(cascade=True)

    target = trial.mapper
    other: Any = target.attrs.get(reverse or partner or "")
    outdated = isinstance(other, RelationshipProperty) and _maps_again(mapper, other.mapper)
    if reverse and other is None:
        reverse_options = {"overlaps": options["overlaps"], **reverse_options}
        _add(mapper, name, args, {**options, "backref": backref(reverse, **reverse_options)})
    elif reverse:
        if not outdated:
            raise sa_exc.ArgumentError(
                f"Error creating backref {reverse!r} on relationship {trial}: property of that "
                f"name exists on {target}"
            )
        reverse_options = {**_mirrored(options), **reverse_options}
        _pair(mapper, name, (args, options), target, reverse, ((mapper,), reverse_options))
    elif partner and (other is None or outdated):
        info = {**options.get("info", {}), _WAITING: (args, options)}
        _add(mapper, name, args, {**options, "info": info})
    elif partner:
        _check_partner(trial, other)
        definition = other.info.get(_WAITING)
        if definition:
            _pair(mapper, name, (args, options), target, partner, definition)
        else:
            _add(mapper, name, args, {**options, "back_populates": partner})
    else:
        _add(mapper, name, args, options)
    for table in tables:
        table.info.setdefault(_NAMES, set()).update((name, reverse or name))


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


def _maps_again(mapper: Mapper[Any], earlier: Mapper[Any]) -> bool:
    """Tell if a mapper has taken the place of an earlier one of the same table."""
    table, earlier_table = mapper.local_table, earlier.local_table
    return (
        mapper is not earlier
        and isinstance(table, Table)
        and isinstance(earlier_table, Table)
        and (table.metadata, table.key) == (earlier_table.metadata, earlier_table.key)
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
    definition: tuple[tuple[Any, ...], dict[str, Any]],
    target: Mapper[Any],
    partner: str,
    partner_definition: tuple[tuple[Any, ...], dict[str, Any]],
) -> None:
    """Add two relationships that populate each other.

    Each can name the other only once that is there, so the partner is added before and after.
    """
    (args, options), (partner_args, partner_options) = definition, partner_definition
    _add(target, partner, partner_args, partner_options)
    _add(mapper, name, args, {**options, "back_populates": partner})
    _add(target, partner, partner_args, {**partner_options, "back_populates": name})


def _add(mapper: Mapper[Any], name: str, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    prop = relationship(*args, **options)
    if isinstance(mapper.attrs.get(name), RelationshipProperty):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "User-placed", sa_exc.SADeprecationWarning)
            mapper.add_property(name, prop)
    else:
        mapper.add_property(name, prop)
