"""The relationships that foreign keys imply for a class, by name: one plan for each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sqlalchemy import ForeignKeyConstraint, Table

from sqlsoup._attributes import reserved
from sqlsoup._foreign_keys import foreign_keys_of, table_key, target_of
from sqlsoup._keys import unique_keys

if TYPE_CHECKING:
    from sqlsoup._catalog import Reference

_T = TypeVar("_T")
Namer = Callable[[str, str, tuple[str, ...], str], str | None]
Sides = tuple[ForeignKeyConstraint, ForeignKeyConstraint]


class _Source(Protocol):
    namer: Namer | None

    def references_to(self, table: Table) -> tuple[Reference, ...]: ...
    def reflected(self, tables: list[tuple[str | None, str]]) -> dict[str, Table]: ...


class Plan:
    """The implied relationships of a class by name; each kind is worked out when it is needed.

    Many-to-one takes nothing but the foreign keys of the table.  One-to-many takes the foreign keys
    that refer to it, and many-to-many the tables that may be association tables.

    :param source: what tells of the database and of other tables.
    """

    def __init__(self, cls: Any, table: Table, source: _Source) -> None:
        self._cls = cls
        self._table = table
        self._source = source

    @cached_property
    def names(self) -> dict[str, None]:
        """The names of all relationships, in order."""
        return dict.fromkeys(chain(self.many_to_one, self.one_to_many, self.many_to_many))

    @cached_property
    def many_to_one(self) -> dict[str, ForeignKeyConstraint]:
        """The foreign keys of the table by the names of their many-to-one relationships."""
        keys, taken = foreign_keys_of(self._table), self._table.c.keys()
        stems = []
        for key in keys:
            columns = columns_of(key)
            stem = _stem(columns) if len(columns) == 1 else ""
            stems.append(target_of(key.elements[0])[1] if stem in {"", *taken} else stem)
        often, proposals = Counter(stems), []
        for key, stem in zip(keys, stems, strict=True):
            columns, target = columns_of(key), target_of(key.elements[0])[1]
            longer = target if columns == (target,) else f"{target}_{'_'.join(columns)}"
            proposals.append((longer if often[stem] > 1 else stem, longer, target, columns, key))
        return self._distinct(proposals)

    @cached_property
    def one_to_many(self) -> dict[str, Reference]:
        """The foreign keys that refer to the table by the names of their one-to-many relationships.

        One-to-one is among them: it has the name that a collection would have.
        """
        if not self._between:
            return self._many
        return {name: found for name, found in self._many.items() if found[:2] not in self._between}

    @cached_property
    def many_to_many(self) -> dict[str, Sides]:
        """The foreign keys of association tables, near and far, by the names of relationships."""
        targets = Counter(target_of(far.elements[0]) for _, far in self._pairs)
        proposals = []
        for near, far in self._pairs:
            target = target_of(far.elements[0])
            longer = f"{target[1]}_{far.table.name}"
            if refers(far, self._table):
                name = longer = f"{target[1]}_{_stem(columns_of(far))}"
            else:
                name = target[1] if targets[target] == 1 else longer
            proposals.append((name, longer, target[1], columns_of(far), (near, far)))
        direct = [each for each in self._references if each[:2] not in self._between]
        return self._distinct(proposals, self.many_to_one, self.names_of_many(direct))

    def find(self, name: str) -> ForeignKeyConstraint | Reference | Sides | None:
        """Return what a name stands for, asking the database for no more than that takes."""
        if name in self.many_to_one:
            return self.many_to_one[name]
        found = self._many.get(name)
        if found is not None and not found.bare:
            return found
        return self.many_to_many.get(name) or self.one_to_many.get(name)

    def names_of_many(self, references: Iterable[Reference]) -> dict[str, Reference]:
        """Return foreign keys that refer to the table by the names of their relationships.

        Those that get the bare name of a table of the same schema choose first.
        """
        children = Counter(found[:2] for found in references)
        proposals = []
        for found in references:
            longer = f"{found.table}_{_stem(found.columns)}"
            name = found.table if children[found[:2]] == 1 else longer
            if found.schema not in {self._table.schema, None}:  # the default one has no name here
                longer = f"{found.schema}_{name}"
            proposals.append((name, longer, found.table, found.columns, found))
        proposals.sort(
            key=lambda each: (
                each[-1].schema != self._table.schema,
                each[0] != each[-1].table,
                each[0] != _plain(each[0]),
            )
        )
        return self._distinct(proposals, self.many_to_one)

    def name_of(self, schema: str | None, table: str, columns: tuple[str, ...]) -> str | None:
        """Return the name of the one-to-many relationship over a foreign key of another table."""
        wanted = (schema, table, columns)
        return next((name for name, each in self._many.items() if each[:3] == wanted), None)

    @cached_property
    def _references(self) -> tuple[Reference, ...]:
        return self._source.references_to(self._table)

    @cached_property
    def _many(self) -> dict[str, Reference]:
        return self.names_of_many(self._references)

    @cached_property
    def _pairs(self) -> tuple[Sides, ...]:
        """The foreign keys of association tables: the near one refers to this table."""
        children = list(dict.fromkeys(found[:2] for found in self._references if found.bare))
        there = self._source.reflected(children) if children else {}
        pairs = []
        for schema, name in children:
            child = there.get(table_key(schema, name))
            sides = None if child is None else sides_of(child)
            for near, far in (sides, sides[::-1]) if sides else ():
                if refers(near, self._table):
                    pairs.append((near, far))
        return tuple(pairs)

    @cached_property
    def _between(self) -> frozenset[tuple[str | None, str]]:
        return frozenset((near.table.schema, near.table.name) for near, _ in self._pairs)

    def _distinct(
        self,
        proposals: Iterable[tuple[str, str, str, tuple[str, ...], _T]],
        *others: Container[str],
    ) -> dict[str, _T]:
        """Choose a name for each proposal: none twice, and none that others or the class have."""
        found: dict[str, _T] = {}
        taken = (found, *others, *reserved(self._cls))
        namer = self._source.namer
        for name, longer, other, columns, thing in proposals:
            own = namer(self._table.name, other, columns, name) if namer else name
            own = own and _plain(own)
            if own:
                chosen = _plain(longer) if any(own in names for names in taken) else own
                while any(chosen in names for names in taken):
                    chosen += "_"
                found[chosen] = thing
        return found


def columns_of(key: ForeignKeyConstraint) -> tuple[str, ...]:
    """Return the columns of a foreign key as the database calls them."""
    return tuple(element.parent.name for element in key.elements)


def refers(key: ForeignKeyConstraint, table: Table) -> bool:
    """Tell if a foreign key refers to a table."""
    return target_of(key.elements[0]) == (table.schema, table.name)


def sides_of(table: Table) -> Sides | None:
    """Return the two foreign keys of an association table, or None if it is none.

    It has no columns but theirs, and no pair of values twice.
    """
    keys = foreign_keys_of(table)
    if len(keys) != 2:  # noqa: PLR2004
        return None
    columns = [*chain.from_iterable(key.column_keys for key in keys)]
    whole = sorted(columns) == sorted(table.c.keys()) and {*columns} in unique_keys(table)
    return (keys[0], keys[1]) if whole else None


def _plain(name: str) -> str:
    """Return a name as SQLAlchemy accepts it for a relationship.

    Names with an underscore in front are for Python and SQLAlchemy; in ``overlaps`` it takes commas
    and the spaces around them for what is between names.
    """
    return name.replace(",", " ").strip().lstrip("_ ")


def _stem(columns: tuple[str, ...]) -> str:
    """Return the names of foreign key columns without the endings that say they are keys."""
    return "_".join(column.removesuffix("_id").removesuffix("_name") for column in columns)
