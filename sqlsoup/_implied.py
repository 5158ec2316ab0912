"""Relationships that the foreign keys of a database imply, added when they are first used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import Connection, ForeignKeyConstraint, MetaData, Table, and_, inspect
from sqlalchemy import exc as sa_exc
from sqlalchemy.orm import backref, foreign, remote

from sqlsoup import _relate
from sqlsoup._catalog import Reference, references_to
from sqlsoup._corrections import PARTITION
from sqlsoup._foreign_keys import table_key, target_of
from sqlsoup._keys import foreign_keys_of, unique_keys
from sqlsoup._mapping import SelectableClassType, reserved_names
from sqlsoup._reflect import reflect_all
from sqlsoup.exc import SQLSoupError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_T = TypeVar("_T")
Namer = Callable[[str, str, tuple[str, ...], str], str | None]
_UNRELATED = (SQLSoupError, sa_exc.NoReferenceError, sa_exc.NoSuchTableError, sa_exc.ArgumentError)


class Implied:
    """The implied relationships of the tables of a SQLSoup.

    They lead from a foreign key to the table that it refers to, from there back to a collection,
    and through a table that is nothing but two foreign keys to the tables on its other side.
    """

    def __init__(
        self,
        naming: bool | Namer,
        metadata: MetaData,
        connect: Callable[[], AbstractContextManager[Connection]],
        class_for: Callable[[str | None, str], SelectableClassType],
    ) -> None:
        self._name: Namer | None = None if isinstance(naming, bool) else naming
        self._metadata = metadata
        self._connect = connect
        self._class_for = class_for
        self._references: WeakKeyDictionary[Table, list[Reference]] = WeakKeyDictionary()
        self._reflected_between: WeakSet[Table] = WeakSet()
        self._related: dict[str, WeakSet[SelectableClassType]] = {}
        """The classes that may have relationships, by the keys of the tables these lead to."""

    def names(self, cls: Any) -> list[str]:
        """Return the names of the relationships of a class; this reflects only tables between."""
        table = inspect(cls).local_table
        if not isinstance(table, Table):
            return []
        between, through = self._through(cls, table)
        many = self._to_many(cls, table, self._references_to(table))
        direct = (name for name, found in many.items() if found[:2] not in between)
        return [*self._to_one(cls, table), *direct, *through]

    def add(self, cls: Any, name: str) -> bool:
        """Add the relationship of a name to a class; tell if there is one.

        :raises AttributeError: the foreign key is there, but the other table cannot be mapped.
        """
        table = inspect(cls).local_table
        if name.startswith("_") or not isinstance(table, Table):
            return False
        try:
            return (
                self._add_to_one(cls, table, name)
                or self._add_to_many(cls, table, name)
                or self._add_through(cls, table, name)
            )
        except _UNRELATED as error:
            raise AttributeError(f"{cls.__name__}.{name}: {error}") from error

    def renew(self, cls: Any) -> None:
        """Have the relationships that led to an earlier class of a table lead to this one."""
        table = inspect(cls).local_table
        for other in list(self._related.get(getattr(table, "key", ""), ())):
            outdated = [
                prop.key
                for prop in inspect(other).relationships
                if _relate.IMPLIED in prop.info
                and prop.mapper.class_ is not cls
                and getattr(prop.mapper.local_table, "key", "") == table.key
            ]
            for name in outdated:
                with suppress(AttributeError):  # it goes on leading to the earlier class
                    self.add(other, name)

    def _add_to_one(self, cls: Any, table: Table, name: str) -> bool:
        key = self._to_one(cls, table).get(name)
        if key is None:
            return False
        target = target_of(key.elements[0])
        parent = self._class_for(*target)
        reverse = None
        whole = PARTITION not in key.info and _sides(table) is None
        if whole and self._class_for(table.schema, table.name) is cls:
            siblings = [
                Reference(table.schema, table.name, _columns(each))
                for each in foreign_keys_of(table)
                if target_of(each.elements[0]) == target
            ]
            reverse = self._reverse(parent, key, siblings)
        self._tie(cls, name, key, parent, reverse)
        return True

    def _add_to_many(self, cls: Any, table: Table, name: str) -> bool:
        references = self._references_to(table)
        found = self._to_many(cls, table, references).get(name)
        if found is None:
            return False
        child = self._class_for(found.schema, found.table)
        child_table: Any = inspect(child).local_table
        if _sides(child_table) is not None:
            return False
        names = self._to_one(child, child_table)
        for key in child_table.foreign_key_constraints:
            if _columns(key) == found.columns and _refers(key, table):
                known = self._class_for(table.schema, table.name) is cls
                forward = next((n for n, each in names.items() if known and each is key), None)
                self._tie(child, forward, key, cls, name)
                return True
        return False

    def _reverse(
        self, parent: Any, key: ForeignKeyConstraint, siblings: list[Reference]
    ) -> str | None:
        """Return the name of the collection of a foreign key, one of some in the same table.

        Other tables have no say in it where it is plainly the name of the table.
        """
        table: Any = inspect(parent).local_table
        plain = len(siblings) == 1 and key.table.schema == table.schema and self._name is None
        references = siblings if plain else self._references_to(table)
        wanted = (key.table.schema, key.table.name, _columns(key))
        names = self._to_many(parent, table, references)
        return next((name for name, each in names.items() if each[:3] == wanted), None)

    def _add_through(self, cls: Any, table: Table, name: str) -> bool:
        ways = self._through(cls, table)[1]
        if name not in ways:
            return False
        near, far = ways[name]
        other = self._class_for(*target_of(far.elements[0]))
        reverse = None
        if self._class_for(table.schema, table.name) is cls:
            back = self._through(other, far.referred_table)[1]
            reverse = next((way for way, keys in back.items() if keys == (far, near)), None)
        joins = _condition(near), _condition(far)
        options = _options(primaryjoin=joins[0], secondaryjoin=joins[1], secondary=near.table)
        mirrored = _options(primaryjoin=joins[1], secondaryjoin=joins[0], secondary=near.table)
        del mirrored["secondary"]  # the backref has it anyway
        with _relate.lock:
            if reverse is not None and _is_free(other, reverse, cls):
                options["backref"] = backref(reverse, **mirrored)
            if _is_free(cls, name, other):
                _relate.relate(inspect(cls), name, (other,), options)
            self._note(cls, other)
        return True

    def _tie(
        self,
        child: Any,
        name: str | None,
        key: ForeignKeyConstraint,
        parent: Any,
        reverse: str | None,
    ) -> None:
        """Add the relationships over a foreign key that have a name and are not there."""
        columns = [element.parent for element in key.elements]
        one_row = {column.key for column in columns} in unique_keys(key.table)
        one = _options(primaryjoin=_condition(key, remote_parent=True), foreign_keys=columns)
        many = _options(
            primaryjoin=_condition(key, remote_parent=False),
            uselist=not one_row,
            active_history=one_row,
            passive_deletes=True,
        )
        with _relate.lock:
            if reverse is not None and not _is_free(parent, reverse, child):
                reverse = None
            if name is not None and _is_free(child, name, parent):
                if reverse is not None:
                    # what a delete does to the other rows is for the database to say
                    one["backref"] = backref(reverse, **{**many, "passive_deletes": "all"})
                _relate.relate(inspect(child), name, (parent,), one)
            elif reverse is not None:
                _relate.relate(inspect(parent), reverse, (child,), many)
            self._note(child, parent)

    def _note(self, *classes: Any) -> None:
        """Note that each of two classes may have a relationship that leads to the other's table."""
        for cls, other in (classes, classes[::-1]):
            self._related.setdefault(inspect(other).local_table.key, WeakSet()).add(cls)

    def _references_to(self, table: Table) -> list[Reference]:
        if table not in self._references:
            with self._connect() as connection:
                found = references_to(connection, table.name, table.schema)
            found.sort(key=lambda each: (each.schema or "", each.table, each.columns))
            self._references[table] = found
        return self._references[table]

    def _to_one(self, cls: Any, table: Table) -> dict[str, ForeignKeyConstraint]:
        """Return the foreign keys of a table by the names of their relationships."""
        keys = foreign_keys_of(table)
        stems = []
        for key in keys:
            columns = _columns(key)
            stem = _stem(columns) if len(columns) == 1 else ""
            stems.append(target_of(key.elements[0])[1] if stem in {"", *table.c.keys()} else stem)
        often, proposals = Counter(stems), []
        for key, stem in zip(keys, stems, strict=True):
            columns, target = _columns(key), target_of(key.elements[0])[1]
            longer = f"{target}_{'_'.join(columns)}"
            proposals.append((longer if often[stem] > 1 else stem, longer, target, columns, key))
        return self._distinct(table, proposals, reserved_names(cls))

    def _to_many(self, cls: Any, table: Table, references: list[Reference]) -> dict[str, Reference]:
        """Return the foreign keys that refer to a table by the names of their relationships.

        The names that are plainly those of tables of the same schema are given first.
        """
        children = Counter(found[:2] for found in references)
        proposals = []
        for found in references:
            longer = f"{found.table}_{_stem(found.columns)}"
            name = found.table if children[found[:2]] == 1 else longer
            near = found.schema == table.schema
            proposals.append((name, longer if near else f"{found.schema}_{name}", found))
        proposals.sort(
            key=lambda each: (
                each[2].schema != table.schema,
                each[0] != each[2].table,
                each[0] != _plain(each[0]),
            )
        )
        return self._distinct(
            table,
            [(name, longer, each.table, each.columns, each) for name, longer, each in proposals],
            {*reserved_names(cls), *self._to_one(cls, table)},
        )

    def _through(
        self, cls: Any, table: Table
    ) -> tuple[
        set[tuple[str | None, str]], dict[str, tuple[ForeignKeyConstraint, ForeignKeyConstraint]]
    ]:
        """Return the tables between this one and others, and the pairs of their keys by name."""
        references = self._references_to(table)
        children = list(dict.fromkeys(found[:2] for found in references if found.bare))
        if not children:
            return set(), {}
        if table not in self._reflected_between:
            reflect_all(children, self._metadata, self._connect)
            self._reflected_between.add(table)
        pairs, between = [], set()
        for schema, name in children:
            child = self._metadata.tables.get(table_key(schema, name))
            sides = None if child is None else _sides(child)
            for near, far in (sides, sides[::-1]) if sides else ():
                if _refers(near, table):
                    pairs.append((near, far))
                    between.add((schema, name))
        targets = Counter(target_of(far.elements[0]) for _, far in pairs)
        proposals = []
        for near, far in pairs:
            target = target_of(far.elements[0])
            longer = f"{target[1]}_{far.table.name}"
            if _refers(far, table):
                name = longer = f"{target[1]}_{_stem(_columns(far))}"
            else:
                name = target[1] if targets[target] == 1 else longer
            proposals.append((name, longer, target[1], _columns(far), (near, far)))
        direct = [found for found in references if found[:2] not in between]
        taken = {
            *reserved_names(cls),
            *self._to_one(cls, table),
            *self._to_many(cls, table, direct),
        }
        return between, self._distinct(table, proposals, taken)

    def _distinct(
        self,
        table: Table,
        proposals: Iterable[tuple[str, str, str, tuple[str, ...], _T]],
        taken: Iterable[str],
    ) -> dict[str, _T]:
        """Choose names that are not taken, each used once."""
        found: dict[str, _T] = {}
        for name, longer, other, columns, thing in proposals:
            own = name if self._name is None else self._name(table.name, other, columns, name)
            own = own and _plain(own)
            if own:
                chosen = _plain(longer) if own in found or own in taken else own
                while chosen in found or chosen in taken:
                    chosen += "_"
                found[chosen] = thing
        return found


def _is_free(cls: Any, name: str, other: Any) -> bool:
    """Tell if a class has no such attribute yet, or one that led to an earlier class of a table."""
    prop: Any = inspect(cls).attrs[name] if inspect(cls).has_property(name) else None
    return prop is None or (_relate.IMPLIED in prop.info and prop.mapper.class_ is not other)


def _options(**options: Any) -> dict[str, Any]:
    """Return the options of a relationship that nobody asked for."""
    return {**options, "info": {_relate.IMPLIED: options}}


def _plain(name: str) -> str:
    """Return what SQLAlchemy takes for the name of a relationship.

    Names with an underscore in front are for Python and SQLAlchemy; in ``overlaps`` it takes commas
    and the spaces around them for what is between names.
    """
    return name.replace(",", " ").strip().lstrip("_ ")


def _columns(key: ForeignKeyConstraint) -> tuple[str, ...]:
    """Return the columns of a foreign key as the database calls them."""
    return tuple(element.parent.name for element in key.elements)


def _stem(columns: tuple[str, ...]) -> str:
    """Return what foreign key columns are called, less what says that they are keys."""
    return "_".join(column.removesuffix("_id").removesuffix("_name") for column in columns)


def _refers(key: ForeignKeyConstraint, table: Table) -> bool:
    return target_of(key.elements[0]) == (table.schema, table.name)


def _sides(table: Table) -> tuple[ForeignKeyConstraint, ForeignKeyConstraint] | None:
    """Return the two foreign keys of a table that has nothing but these, and no pair twice."""
    keys = foreign_keys_of(table)
    if len(keys) != 2:  # noqa: PLR2004
        return None
    columns = [*chain.from_iterable(key.column_keys for key in keys)]
    whole = sorted(columns) == sorted(table.c.keys()) and {*columns} in unique_keys(table)
    return (keys[0], keys[1]) if whole else None


def _condition(key: ForeignKeyConstraint, *, remote_parent: bool | None = None) -> Any:
    """Return the join of a foreign key; for one table twice it is told which side is the other."""
    pairs = []
    for element in key.elements:
        child, parent = foreign(element.parent), element.column
        if remote_parent is not None:
            child = child if remote_parent else remote(child)
            parent = remote(parent) if remote_parent else parent
        pairs.append(child == parent)
    return and_(*pairs)
