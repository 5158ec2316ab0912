"""The order in which a flush stores and deletes rows that foreign keys tie."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData, Table
from sqlalchemy.orm import attributes
from sqlalchemy.orm import exc as orm_exc

from sqlsoup._corrections import PARTS, noted
from sqlsoup._engine import bind_of
from sqlsoup._foreign_keys import resolves, target_of
from sqlsoup._key_values import is_sql, takes_place
from sqlsoup._mariadb_keys import bare
from sqlsoup._sa import (
    FlushProcessor,
    is_new_after,
    kept_by_flush,
    order_rows,
    part_with_itself,
    rows_of,
    sort_rows,
    store_before,
    watch,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import ForeignKeyConstraint
    from sqlalchemy.orm import InstanceState

    _Pair = tuple[InstanceState[Any], InstanceState[Any]]

_MET = "sqlsoup.order"


class FlushOrder(FlushProcessor):
    """Parents are inserted before their children and deleted after them, as foreign keys say.

    Relationships between the classes are not needed, and neither are the tables that a key refers
    to.  Where tables refer to each other, or one to itself, rows are ordered by the values of keys.
    """

    def begin(self, flush: Any) -> None:
        """Tell a flush how this mapper depends on those that it has met, and they on this one."""
        met: list[FlushOrder] = kept_by_flush(flush).setdefault(_MET, [])
        for other in met:
            if not self.refers.isdisjoint(other.names):
                store_before(flush, other.parent, self.parent)
            if not other.refers.isdisjoint(self.names):
                store_before(flush, self.parent, other.parent)
        met.append(self)
        if not self.refers.isdisjoint(self.names):
            watch(flush, self)
            part_with_itself(flush)

    def sort(self, flush: Any, states: object, *, deletes: bool) -> None:  # noqa: ARG002
        """Have rows of a table that refers to itself sorted, if they are in the wrong order.

        A new row with the key of a deleted one is an UPDATE, which comes before an INSERT.
        """
        gone = {row.key for row in rows_of(flush, self.parent, deletes=True)}
        for first, second in self.pairs(flush, [self], deletes=deletes):
            if deletes or (
                not takes_place(first, gone)
                and (takes_place(second, gone) or is_new_after(first, second))
            ):
                sort_rows(flush, self.parent, deletes=deletes)
                return

    def order(self, flush: Any, states: Iterable[Any], *, deletes: bool) -> None:
        """Order rows as they refer to each other."""
        order_rows(flush, states, self._row_pairs(flush, deletes=deletes), deletes=deletes)

    def _row_pairs(self, flush: Any, *, deletes: bool) -> Iterable[_Pair]:
        """Give the pairs of all rows of a flush, but those that refer to each other in a cycle."""
        kept, wanted = kept_by_flush(flush), (_MET, deletes)
        if wanted not in kept:
            met: list[FlushOrder] = kept[_MET]
            found = {pair for order in met for pair in order.pairs(flush, met, deletes=deletes)}
            kept[wanted] = _without_rings(found)
        pairs_of_flush: set[_Pair] = kept[wanted]
        return pairs_of_flush

    @cached_property
    def _tables(self) -> list[Table]:
        return [table for table in self.parent.tables if isinstance(table, Table)]

    @cached_property
    def names(self) -> frozenset[tuple[str | None, str]]:
        return frozenset(_name(table.metadata, table.schema, table.name) for table in self._tables)

    @cached_property
    def refers(self) -> frozenset[tuple[str | None, str]]:
        return frozenset(
            _name(table.metadata, *target)
            for table in self._tables
            for target in (*map(target_of, table.foreign_keys), *_parts(table))
        )

    def pairs(self, flush: Any, others: list[FlushOrder], *, deletes: bool) -> Iterator[_Pair]:
        """Yield the pairs of a row of other mappers and one of this that refers to it."""
        for constraint in {key for t in self._tables for key in t.foreign_key_constraints}:
            if constraint.initially == "DEFERRED":  # it is checked when all rows are there
                continue
            for other in others:
                attrs = _attributes(constraint, self.parent, other.parent)
                if attrs is None:
                    continue
                ours, theirs = attrs
                parents: dict[Any, InstanceState[Any]] = {
                    values: row
                    for row in rows_of(flush, other.parent, deletes=deletes)
                    if (deletes or row.key is None) and (values := _values(row, theirs, deletes))
                }
                loosely = {_folded(values): row for values, row in parents.items()}
                for row in rows_of(flush, self.parent, deletes=deletes) if parents else ():
                    values = _values(row, ours, deletes)
                    parent = parents.get(values) or loosely.get(_folded(values), row)
                    if parent is not row:
                        yield (row, parent) if deletes else (parent, row)


def _name(metadata: MetaData, schema: str | None, name: str) -> tuple[str | None, str]:
    """Return schema and name of a table, the same in whatever way it was asked for."""
    bind = bind_of(metadata)
    schema = schema or metadata.schema or (bind.dialect.default_schema_name if bind else None)
    return schema, name


def _parts(table: Table) -> list[tuple[str | None, str]]:
    parts: list[tuple[str | None, str]] = noted(table, PARTS) or []
    return parts


def _attributes(
    constraint: ForeignKeyConstraint, child: Any, parent: Any
) -> tuple[list[str], list[str]] | None:
    """Return the attributes for both sides of a foreign key, or None if a class lacks them."""
    if not all(resolves(element) for element in constraint.elements):
        return None
    try:
        return (
            [child.get_property_by_column(element.parent).key for element in constraint.elements],
            [parent.get_property_by_column(element.column).key for element in constraint.elements],
        )
    except orm_exc.UnmappedColumnError:
        return None


def _values(row: Any, keys: list[str], deletes: bool) -> tuple[str, ...] | None:
    """Return values as text, for they may come in several shapes; None if one is not there.

    Of a row to be deleted they are those that the database has.
    """
    try:
        values = [_stored(row, name) if deletes else row.dict.get(name) for name in keys]
    except orm_exc.ObjectDeletedError:
        return None
    unknown = any(value is None or is_sql(value) for value in values)
    return None if unknown else tuple(map(str, values))


def _folded(values: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return values without what may count for nothing.

    A row too many that comes before another does no harm.
    """
    return tuple(map(bare, values or ()))


def _stored(row: Any, name: str) -> Any:
    history = attributes.get_history(row.obj(), name)
    return next(iter((*history.deleted, *history.unchanged)), None)


def _without_rings(pairs: set[_Pair]) -> set[_Pair]:
    """Leave out the pairs that are part of a cycle."""
    after: defaultdict[Any, list[Any]] = defaultdict(list)
    for first, second in pairs:
        after[first].append(second)
    left = Counter(second for _, second in pairs)
    ready = [row for row in after if row not in left]
    for row in ready:  # the list grows meanwhile
        for second in after[row]:
            left[second] -= 1
            if not left[second]:
                ready.append(second)
    return {pair for pair in pairs if not left[pair[1]]}
