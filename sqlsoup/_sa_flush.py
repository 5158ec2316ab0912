"""Reaches past SQLAlchemy's documented API: the order of a flush.

See :mod:`sqlsoup._sa`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import unitofwork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.orm import InstanceState, Mapper

_unitofwork: Any = unitofwork
_SAVE, _DELETE, _SAVE_ROW, _DELETE_ROW = (  # 2.1 gave them an underscore
    getattr(_unitofwork, f"_{name}", None) or getattr(_unitofwork, name)
    for name in ("SaveUpdateAll", "DeleteAll", "SaveUpdateState", "DeleteState")
)


class FlushProcessor(ABC):
    """What SQLAlchemy's unit of work asks about the order of a flush, for the rows of one mapper.

    SQLAlchemy orders a flush by relationships alone; see
    https://github.com/sqlalchemy/sqlalchemy/issues/13554 and 5735 there.  No event comes once a
    flush knows its mappers and before it sorts them, and one before that would have to look at
    every row.  So this stands among the mapper's dependency processors.  The flush context calls
    ``per_property_preprocessors()`` once for each mapper that takes part
    (``UOWTransaction._per_mapper_flush_actions`` in ``orm/unitofwork.py``), and the other methods
    as it does for relationships (``orm/dependency.py``).  All names are those of 2.0 and 2.1.  It
    may go when a flush is sorted by foreign keys too.
    """

    key = prop = None  # of no relationship, and so of all rows: UOWTransaction._mapper_for_dep

    def __init__(self, mapper: Mapper[Any]) -> None:
        self.parent = mapper
        processors: list[Any] = mapper._dependency_processors
        processors.append(self)

    @abstractmethod
    def begin(self, flush: Any) -> None:
        """Take part in a flush."""

    @abstractmethod
    def sort(self, flush: Any, states: Iterable[Any], *, deletes: bool) -> None:
        """Look at the rows of a flush, all of which are known; called for ``watch()`` alone."""

    @abstractmethod
    def row_pairs(
        self, flush: Any, *, deletes: bool
    ) -> Iterable[tuple[InstanceState[Any], InstanceState[Any]]]:
        """Give pairs of rows of which the first must be stored, or deleted, before the second."""

    def per_property_preprocessors(self, flush: Any) -> None:
        flush.deps[self.parent.base_mapper].add(self)
        self.begin(flush)

    def presort_saves(self, flush: Any, states: Iterable[Any]) -> None:
        self.sort(flush, states, deletes=False)

    def presort_deletes(self, flush: Any, states: Iterable[Any]) -> None:
        self.sort(flush, states, deletes=True)

    def prop_has_changes(self, _flush: object, _states: object, _isdelete: object) -> bool:
        return False

    def per_state_flush_actions(self, flush: Any, _states: object, isdelete: bool) -> None:
        """Order the rows of mappers that depend on each other, or of one on itself."""
        all_rows, one_row = (_DELETE, _DELETE_ROW) if isdelete else (_SAVE, _SAVE_ROW)
        for pair in self.row_pairs(flush, deletes=isdelete):
            if all(all_rows(flush, state.mapper.base_mapper) in flush.cycles for state in pair):
                flush.dependencies.add(tuple(one_row(flush, state) for state in pair))


def watch(flush: Any, processor: FlushProcessor) -> None:
    """Have the processor called when all rows of its mapper are known."""
    flush.register_preprocessor(processor, True)


def store_before(flush: Any, parent: Mapper[Any], child: Mapper[Any]) -> None:
    """Have a flush save the rows of one mapper before those of another, and delete them after."""
    parent, child = parent.base_mapper, child.base_mapper
    flush.dependencies.add((_SAVE(flush, parent), _SAVE(flush, child)))
    flush.dependencies.add((_DELETE(flush, child), _DELETE(flush, parent)))


def sort_rows(flush: Any, mapper: Mapper[Any], *, deletes: bool) -> None:
    """Have a flush sort the rows of a mapper among themselves, as if it depended on itself."""
    all_rows = (_DELETE if deletes else _SAVE)(flush, mapper.base_mapper)
    flush.dependencies.add((all_rows, all_rows))


def rows_of(flush: Any, mapper: Mapper[Any], *, deletes: bool) -> Iterable[InstanceState[Any]]:
    """Give the rows of a mapper that a flush saves or deletes."""
    rows: Iterable[InstanceState[Any]] = flush.states_for_mapper_hierarchy(mapper, deletes, False)
    return rows


def kept_by_flush(flush: Any) -> dict[Any, Any]:
    """Return what may be kept for as long as a flush lasts.

    It is ``UOWTransaction.attributes`` in ``orm/unitofwork.py``, which is made for each flush.  It
    may go with ``FlushProcessor``.
    """
    kept: dict[Any, Any] = flush.attributes
    return kept


def once_a_flush(flush: Any, key: object, make: Callable[[], Any]) -> Any:
    """Return what a function makes, which is called once a flush for each key.

    It is ``UOWTransaction.memo`` in ``orm/unitofwork.py``, and may go with ``FlushProcessor``.
    """
    return flush.memo(key, make)


def is_new_after(first: Any, second: Any) -> bool:
    """Tell if a new row would be inserted after another row was saved.

    SQLAlchemy sends the updates of a mapper before its inserts, and these in the order of
    ``insert_order`` (``_sort_states`` in ``orm/persistence.py``).
    """
    return second.key is not None or bool(first.insert_order > second.insert_order)
