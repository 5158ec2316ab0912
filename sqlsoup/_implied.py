"""Relationships implied by the foreign keys of a database, added when they are first used."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import ForeignKey, ForeignKeyConstraint, MetaData, Table, and_, inspect
from sqlalchemy import exc as sa_exc
from sqlalchemy.orm import backref, foreign

from sqlsoup import _relate, _sa
from sqlsoup._catalog import Reference, all_references, references_to
from sqlsoup._corrections import PARTITION, noted
from sqlsoup._foreign_keys import (
    foreign_keys_of,
    resolves,
    table_key,
    target_column,
    target_of,
)
from sqlsoup._instances import expect
from sqlsoup._keys import unique_keys
from sqlsoup._locks import locked, under
from sqlsoup._plan import Plan, columns_of, refers, sides_of
from sqlsoup._reflect_many import reflect_all
from sqlsoup._relate import alone
from sqlsoup._weak import Named, add_weakly, alive
from sqlsoup.exc import SQLSoupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlsoup._catalog import Connect
    from sqlsoup._classes import SelectableClassType
    from sqlsoup._plan import Namer

_UNRELATED = (SQLSoupError, sa_exc.NoReferenceError, sa_exc.NoSuchTableError, sa_exc.ArgumentError)


class Implied:
    """The implied relationships of the tables of a SQLSoup.

    A foreign key implies a many-to-one relationship and the one-to-many that leads back, and an
    association table a many-to-many one.
    """

    def __init__(
        self,
        naming: bool | Namer,
        metadata: MetaData,
        connect: Connect,
        class_for: Callable[[str | None, str], SelectableClassType],
    ) -> None:
        self.namer: Namer | None = None if isinstance(naming, bool) else naming
        self._metadata = metadata
        self._connect = connect
        self._class_for = class_for
        self._references: WeakKeyDictionary[Table, tuple[Reference, ...]] = WeakKeyDictionary()
        self._related: Named[SelectableClassType] = {}
        """The classes that may have relationships, by the keys of the tables these lead to."""

    def names(self, cls: Any) -> dict[str, None]:
        """Return the names of the relationships of a class.

        Of the other tables only those that may be association tables are reflected.
        """
        plan = self._plan(cls)
        if plan is None:
            return {}
        locked(_relate.lock, expect, inspect(cls).class_, plan.names)
        return plan.names

    def add(self, cls: Any, name: str) -> bool:
        """Add the relationship of this name to a class, and tell if there is one.

        :raises AttributeError: the foreign key is there, but the other table cannot be mapped.
        """
        plan = None if name.startswith("_") else self._plan(cls)
        if plan is None:
            return False
        try:
            found = plan.find(name)
            if isinstance(found, ForeignKeyConstraint):
                return self._add_many_to_one(cls, name, found)
            if isinstance(found, Reference):
                return self._add_one_to_many(cls, name, found)
            if found is not None:
                return self._add_many_to_many(cls, name, *found)
            self.names(cls)
            return False
        except _UNRELATED as error:
            raise AttributeError(f"{cls.__name__}.{name}: {error}") from error

    def renew(self, cls: Any) -> None:
        """Have relationships that lead to an earlier class of the same table lead to this one."""
        table = inspect(cls).local_table
        for other in alive(self._related.get(getattr(table, "key", ""), ())):
            outdated = [
                prop.key
                for prop in inspect(other).relationships
                if _relate.is_implied(prop)
                and prop.mapper.class_ is not cls
                and getattr(prop.mapper.local_table, "key", "") == table.key
            ]
            for name in outdated:
                with suppress(AttributeError):  # it goes on leading to the earlier class
                    self.add(other, name)

    def references_to(self, table: Table) -> tuple[Reference, ...]:
        """Return the foreign keys that refer to a table; the database is asked once."""
        if table not in self._references:
            with self._connect() as connection:
                self._references[table] = _sorted(
                    references_to(connection, table.name, table.schema)
                )
        return self._references[table]

    def ask_for_all(self, schema: str | None) -> None:
        """Ask at once for the foreign keys that refer to the reflected tables of a schema."""
        with self._connect() as connection:
            known = all_references(connection, schema)
            spelled = str.lower if connection.dialect.name == "sqlite" else str
        for table in list(self._metadata.tables.values()):
            if table.schema == schema:
                self._references.setdefault(table, _sorted(known.get(spelled(table.name), ())))

    def _plan(self, cls: Any) -> Plan | None:
        """Return the plan of a class that is mapped to a table; it lives as long as the class."""
        mapper = inspect(cls)
        own: Any = mapper.class_
        plan: Plan | None = own._sqlsoup_plan
        if plan is None and isinstance(mapper.local_table, Table):
            plan = own._sqlsoup_plan = Plan(own, mapper.local_table, self)
        return plan

    def reflected(self, tables: list[tuple[str | None, str]]) -> dict[str, Table]:
        """Return the tables of these schemas and names that are there, by key."""
        found = reflect_all(tables, self._metadata, self._connect)
        return {key: table for key, table in self._metadata.tables.items() if key in found}

    def _add_many_to_one(self, cls: Any, name: str, key: ForeignKeyConstraint) -> bool:
        table, target = key.table, target_of(key.elements[0])
        parent = self._class_for(*target)
        reverse = None
        whole = not noted(key, PARTITION) and sides_of(table) is None
        if whole and self._class_for(table.schema, table.name) is cls:
            reverse = self._reverse(parent, key, target)
        self._add_both(cls, name, key, parent, reverse)
        return True

    def _reverse(
        self, parent: Any, key: ForeignKeyConstraint, target: tuple[str | None, str]
    ) -> str | None:
        """Return the name of the one-to-many relationship over a foreign key.

        Where that is plainly the name of the table, the database is not asked for other tables.
        """
        plan: Any = self._plan(parent)
        table = key.table
        siblings = [
            Reference(table.schema, table.name, columns_of(each))
            for each in foreign_keys_of(table)
            if target_of(each.elements[0]) == target
        ]
        if len(siblings) == 1 and table.schema == target[0] and self.namer is None:
            return next(iter(plan.names_of_many(siblings)), None)
        name: str | None = plan.name_of(table.schema, table.name, columns_of(key))
        return name

    def _add_one_to_many(self, cls: Any, name: str, found: Reference) -> bool:
        table: Any = inspect(cls).local_table
        child = self._class_for(found.schema, found.table)
        child_table: Any = inspect(child).local_table
        plan: Any = self._plan(child)
        for key in child_table.foreign_key_constraints:
            if columns_of(key) == found.columns and refers(key, table):
                known = self._class_for(table.schema, table.name) is cls
                names = plan.many_to_one.items() if known else ()
                forward = next((each for each, other in names if other is key), None)
                self._add_both(child, forward, key, cls, name)
                return True
        return False

    def _add_many_to_many(
        self, cls: Any, name: str, near: ForeignKeyConstraint, far: ForeignKeyConstraint
    ) -> bool:
        table: Any = inspect(cls).local_table
        other = self._class_for(*target_of(far.elements[0]))
        reverse, plan = None, self._plan(other)
        if plan is not None and self._class_for(table.schema, table.name) is cls:
            ways = plan.many_to_many.items()
            reverse = next((way for way, keys in ways if keys == (far, near)), None)
        joins = _joined(near, cls), _joined(far, other)
        options, mirrored = (
            alone(primaryjoin=first, secondaryjoin=second, secondary=near.table)
            for first, second in (joins, joins[::-1])
        )
        locked(_relate.lock, self._add_through, cls, name, options, other, reverse, mirrored)
        return True

    def _add_through(
        self,
        cls: Any,
        name: str,
        options: dict[str, Any],
        other: Any,
        reverse: str | None,
        mirrored: dict[str, Any],
    ) -> None:
        if reverse is not None and _is_free(other, reverse, cls):
            options["backref"] = backref(reverse, **mirrored)
        self._note(cls, other)
        if _is_free(cls, name, other):
            _relate.relate(inspect(cls), name, (other,), options)

    @under(_relate.lock)
    def _add_both(
        self,
        child: Any,
        name: str | None,
        key: ForeignKeyConstraint,
        parent: Any,
        reverse: str | None,
    ) -> None:
        """Add the relationships over a foreign key, one of which may have no name or exist."""
        pairs = [(element.parent, _own(element, parent)) for element in key.elements]
        one_row = {child.key for child, _ in pairs} in unique_keys(key.table)
        one = alone(primaryjoin=partial(_condition, pairs, of_parent=False))
        many = alone(
            primaryjoin=partial(_condition, pairs, of_parent=True),
            uselist=not one_row,
            active_history=one_row,
            passive_deletes=True,
        )
        self._note(child, parent)
        if reverse is not None and not _is_free(parent, reverse, child):
            reverse = None
        if name is not None and _is_free(child, name, parent):
            # what a delete does to the other rows is for the database to say
            back = reverse and backref(reverse, **{**many, "passive_deletes": "all"})
            _relate.relate(inspect(child), name, (parent,), {**one, "backref": back})
        elif reverse is not None:
            _relate.relate(inspect(parent), reverse, (child,), many)

    def _note(self, *classes: Any) -> None:
        """Note that each of two classes may have a relationship that leads to the other's table."""
        for cls, other in (classes, classes[::-1]):
            add_weakly(self._related, inspect(other).local_table.key, cls)


def _sorted(references: Iterable[Reference]) -> tuple[Reference, ...]:
    return tuple(sorted(references, key=lambda each: (each.schema or "", each.table, each.columns)))


def _is_free(cls: Any, name: str, other: Any) -> bool:
    """Tell if a class has no such attribute yet, or one that led to an earlier class of a table."""
    prop: Any = inspect(cls).attrs.get(name)
    return prop is None or (_relate.is_implied(prop) and prop.mapper.class_ is not other)


def _condition(pairs: list[tuple[Any, Any]], *, of_parent: bool) -> Any:
    """Return the join condition of a foreign key as seen from the child, or from the parent.

    All is marked in it that SQLAlchemy would look for, in a copy of the condition for each mark.
    """
    equal: list[Any] = [child == parent for child, parent in pairs]
    left, right = ("remote", "local") if of_parent else ("local", "remote")
    for each in equal:  # marked only now, as a marked column compares more slowly
        each.left = _sa.marked(each.left, "foreign", left)
        each.right = _sa.marked(each.right, right)
    return and_(*equal)


def _joined(key: ForeignKeyConstraint, side: Any) -> Any:
    """Return the condition that joins an association table to the class of one of its sides."""
    return and_(*(foreign(each.parent) == _own(each, side) for each in key.elements))


def _own(key: ForeignKey, cls: Any) -> Any:
    """Return the column that a foreign key refers to, of the class of its target.

    That may be an earlier class of the table, or a later one, than the key itself finds; and after
    its own table was forgotten it finds none.
    """
    table: Any = inspect(cls).local_table
    if resolves(key):
        if key.column.table is table:
            return key.column
        name = key.column.key
    else:
        name = target_column(key)
    is_target = isinstance(table, Table) and table.key == table_key(*target_of(key))
    return table.columns[name] if is_target and name in table.columns else key.column
