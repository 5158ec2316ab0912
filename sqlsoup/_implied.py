"""Relationships that the foreign keys of a database imply, added when they are first used."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from sqlalchemy import Connection, ForeignKeyConstraint, MetaData, Table, and_, inspect
from sqlalchemy import exc as sa_exc
from sqlalchemy.orm import backref, foreign, remote

from sqlsoup import _relate
from sqlsoup._catalog import Reference, all_references, references_to
from sqlsoup._corrections import PARTITION
from sqlsoup._foreign_keys import target_of
from sqlsoup._instances import expect
from sqlsoup._keys import foreign_keys_of, unique_keys
from sqlsoup._locks import locked, under
from sqlsoup._plan import Plan, columns_of, refers, sides_of
from sqlsoup._reflect_many import reflect_all
from sqlsoup._weak import add_weakly, alive
from sqlsoup.exc import SQLSoupError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sqlsoup._classes import SelectableClassType
    from sqlsoup._plan import Namer

_UNRELATED = (SQLSoupError, sa_exc.NoReferenceError, sa_exc.NoSuchTableError, sa_exc.ArgumentError)


class Implied:
    """The implied relationships of the tables of a SQLSoup.

    They lead from a foreign key to the table that it refers to, from there back to a collection,
    and through an association table to the tables on its other side.
    """

    def __init__(
        self,
        naming: bool | Namer,
        metadata: MetaData,
        connect: Callable[[], AbstractContextManager[Connection]],
        class_for: Callable[[str | None, str], SelectableClassType],
    ) -> None:
        self.namer: Namer | None = None if isinstance(naming, bool) else naming
        self._metadata = metadata
        self._connect = connect
        self._class_for = class_for
        self._references: WeakKeyDictionary[Table, list[Reference]] = WeakKeyDictionary()
        self._related: dict[str, set[ref[SelectableClassType]]] = {}
        """The classes that may have relationships, by the keys of the tables these lead to."""

    def names(self, cls: Any) -> dict[str, None]:
        """Return the names of the relationships of a class; this reflects only tables between."""
        plan = self._plan(cls)
        if plan is None:
            return {}
        locked(_relate.lock, expect, inspect(cls).class_, plan.names)
        return plan.names

    def add(self, cls: Any, name: str) -> bool:
        """Add the relationship of a name to a class; tell if there is one.

        :raises AttributeError: the foreign key is there, but the other table cannot be mapped.
        """
        plan = None if name.startswith("_") else self._plan(cls)
        if plan is None:
            return False
        try:
            found = plan.find(name)
            if isinstance(found, ForeignKeyConstraint):
                return self._add_to_one(cls, name, found)
            if isinstance(found, Reference):
                return self._add_to_many(cls, name, found)
            if found is not None:
                return self._add_through(cls, name, *found)
            self.names(cls)
            return False
        except _UNRELATED as error:
            raise AttributeError(f"{cls.__name__}.{name}: {error}") from error

    def renew(self, cls: Any) -> None:
        """Have the relationships that led to an earlier class of a table lead to this one."""
        table = inspect(cls).local_table
        for other in alive(self._related.get(getattr(table, "key", ""), ())):
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

    def references_to(self, table: Table) -> list[Reference]:
        """Return the foreign keys that refer to a table, which are asked for once."""
        if table not in self._references:
            with self._connect() as connection:
                self._references[table] = _sorted(
                    references_to(connection, table.name, table.schema)
                )
        return self._references[table]

    def ask_for_all(self, schema: str | None) -> None:
        """Ask for the foreign keys that refer to the tables of a schema that are reflected."""
        with self._connect() as connection:
            known = all_references(connection, schema)
            spelled = str.lower if connection.dialect.name == "sqlite" else str
        for table in list(self._metadata.tables.values()):
            if table.schema == schema:
                self._references.setdefault(table, _sorted(known.get(spelled(table.name), [])))

    def _plan(self, cls: Any) -> Plan | None:
        """Return the plan of a class that is mapped to a table; it lives as long as the class."""
        own = inspect(cls).class_
        plan: Plan | None = own._sqlsoup_plan
        table = inspect(cls).local_table
        if plan is None and isinstance(table, Table):
            plan = Plan(own, table, self)
            own._sqlsoup_plan = plan
        return plan

    def reflected(self, tables: list[tuple[str | None, str]]) -> dict[str, Table]:
        """Return those of some tables, given by schema and name, that are there."""
        found = reflect_all(tables, self._metadata, self._connect)
        return {key: table for key, table in self._metadata.tables.items() if key in found}

    def _add_to_one(self, cls: Any, name: str, key: ForeignKeyConstraint) -> bool:
        table, target = key.table, target_of(key.elements[0])
        parent = self._class_for(*target)
        reverse = None
        whole = PARTITION not in key.info and sides_of(table) is None
        if whole and self._class_for(table.schema, table.name) is cls:
            reverse = self._reverse(parent, key, target)
        self._tie(cls, name, key, parent, reverse)
        return True

    def _reverse(
        self, parent: Any, key: ForeignKeyConstraint, target: tuple[str | None, str]
    ) -> str | None:
        """Return the name of the collection of a foreign key.

        Other tables have no say in it where it is plainly the name of the table.
        """
        plan: Any = self._plan(parent)
        table = key.table
        siblings = [
            Reference(table.schema, table.name, columns_of(each))
            for each in foreign_keys_of(table)
            if target_of(each.elements[0]) == target
        ]
        wanted = (table.schema, table.name, columns_of(key))
        if len(siblings) == 1 and table.schema == target[0] and self.namer is None:
            return next(iter(plan.names_of_many(siblings)), None)
        name: str | None = plan.name_of(*wanted)
        return name

    def _add_to_many(self, cls: Any, name: str, found: Reference) -> bool:
        table: Any = inspect(cls).local_table
        child = self._class_for(found.schema, found.table)
        child_table: Any = inspect(child).local_table
        plan: Any = self._plan(child)
        for key in child_table.foreign_key_constraints:
            if columns_of(key) == found.columns and refers(key, table):
                known = self._class_for(table.schema, table.name) is cls
                names = plan.to_one.items() if known else ()
                forward = next((each for each, other in names if other is key), None)
                self._tie(child, forward, key, cls, name)
                return True
        return False

    def _add_through(
        self, cls: Any, name: str, near: ForeignKeyConstraint, far: ForeignKeyConstraint
    ) -> bool:
        table: Any = inspect(cls).local_table
        other = self._class_for(*target_of(far.elements[0]))
        reverse, plan = None, self._plan(other)
        if plan is not None and self._class_for(table.schema, table.name) is cls:
            ways = plan.through.items()
            reverse = next((way for way, keys in ways if keys == (far, near)), None)
        joins = _joined(near), _joined(far)
        options = _options(primaryjoin=joins[0], secondaryjoin=joins[1], secondary=near.table)
        mirrored = _options(primaryjoin=joins[1], secondaryjoin=joins[0], secondary=near.table)
        del mirrored["secondary"]  # the backref has it anyway
        locked(_relate.lock, self._tie_through, cls, name, options, other, reverse, mirrored)
        return True

    def _tie_through(
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
        joins = _conditions(key)
        one = _options(primaryjoin=joins[0], foreign_keys=columns)
        many = _options(
            primaryjoin=joins[1],
            foreign_keys=columns,
            uselist=not one_row,
            active_history=one_row,
            passive_deletes=True,
        )
        self._note(child, parent)
        if reverse is not None and not _is_free(parent, reverse, child):
            reverse = None
        if name is not None and _is_free(child, name, parent):
            if reverse is not None:
                # what a delete does to the other rows is for the database to say
                one["backref"] = backref(reverse, **{**many, "passive_deletes": "all"})
            _relate.relate(inspect(child), name, (parent,), one)
        elif reverse is not None:
            _relate.relate(inspect(parent), reverse, (child,), many)

    def _note(self, *classes: Any) -> None:
        """Note that each of two classes may have a relationship that leads to the other's table."""
        for cls, other in (classes, classes[::-1]):
            add_weakly(self._related.setdefault(inspect(other).local_table.key, set()), cls)


def _sorted(references: list[Reference]) -> list[Reference]:
    return sorted(references, key=lambda each: (each.schema or "", each.table, each.columns))


def _is_free(cls: Any, name: str, other: Any) -> bool:
    """Tell if a class has no such attribute yet, or one that led to an earlier class of a table."""
    prop: Any = inspect(cls).attrs[name] if inspect(cls).has_property(name) else None
    return prop is None or (_relate.IMPLIED in prop.info and prop.mapper.class_ is not other)


def _options(**options: Any) -> dict[str, Any]:
    """Return the options of a relationship that nobody asked for."""
    return {**options, "info": {_relate.IMPLIED: options}}


def _conditions(key: ForeignKeyConstraint) -> list[Any]:
    """Return the join of a foreign key for the row that has it, and for the one that it refers to.

    Of one table twice SQLAlchemy has to be told which side is the other, and keeps copies of all
    columns that it is told of.
    """
    pairs = [(element.parent, element.column) for element in key.elements]
    if all(parent.table is not key.table for _, parent in pairs):
        return [and_(*(child == parent for child, parent in pairs))] * 2
    return [
        and_(*(foreign(child) == remote(parent) for child, parent in pairs)),
        and_(*(remote(foreign(child)) == parent for child, parent in pairs)),
    ]


def _joined(key: ForeignKeyConstraint) -> Any:
    """Return the join of a side of an association table."""
    return and_(*(foreign(element.parent) == element.column for element in key.elements))
