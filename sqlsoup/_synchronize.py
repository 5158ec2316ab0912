"""Which rows of a session an UPDATE or DELETE of many has changed.

SQLAlchemy (2.0, 2.1) compares their values in Python where it can, and takes ``'ADA'`` for another
value than ``'Ada'``, and ``'1'`` for another than 1, which the database may find equal.  A row that
was changed shows what was there before then, and one that was deleted is still in the session.
"""

from __future__ import annotations

from functools import wraps
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BinaryExpression,
    BindParameter,
    ClauseElement,
    Column,
    Delete,
    Integer,
    String,
    Update,
    inspect,
)
from sqlalchemy.sql import operators
from sqlalchemy.sql.expression import BooleanClauseList, Grouping, Null

from sqlsoup._compare import are_loose

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_CHANGES = frozenset((Update, Delete))


def executing(cls: Any, *, in_class: bool) -> Any:
    """Return a method ``execute`` for a class of sessions, or for a session of it."""

    @wraps(cls.execute)
    def execute(self: Any, *args: Any, **options: Any) -> Any:
        if args and args[0].__class__ in _CHANGES:
            options = _ask_database(self, args[0], options)
        if in_class:
            return super(cls, self).execute(*args, **options)
        return cls.execute(self, *args, **options)

    return execute


def _ask_database(session: Session, statement: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of ``Session.execute()`` that ask the database which rows it changes.

    They are those that were given where Python can tell.  Where the session has no row of the class
    nobody need.
    """
    given = {**statement.get_execution_options(), **(options.get("execution_options") or {})}
    entity = statement.entity_description.get("entity")
    if given.get("synchronize_session", "auto") not in {"auto", "evaluate"} or entity is None:
        return options
    if statement.whereclause is None or _can_tell(statement.whereclause):
        return options
    cls = inspect(entity).mapper.class_
    there = any(isinstance(row, cls) for row in chain(session.identity_map.values(), session.new))
    given["synchronize_session"] = "fetch" if there else False
    return {**options, "execution_options": given}


def _can_tell(clause: Any) -> bool:
    """Tell if Python finds a condition true of the rows of which the database does."""
    if isinstance(clause, BooleanClauseList):
        return all(map(_can_tell, clause.clauses))
    if isinstance(clause, Grouping):
        return _can_tell(clause.element)
    if not isinstance(clause, BinaryExpression):
        return False
    sides = clause.left, clause.right
    columns = [side for side in sides if isinstance(side, Column)]
    kinds = [column.type for column in columns]
    if not columns or are_loose(kinds[0], kinds[-1]):
        return False
    if isinstance(kinds[0], Integer):
        return clause.operator in _NUMERIC and all(_is_of(int, side) for side in sides)
    of_text = isinstance(kinds[0], String) and clause.operator in _EQUAL
    return of_text and all(_is_of(str, side) for side in sides)


_EQUAL = {
    *(operators.eq, operators.ne, operators.in_op, operators.not_in_op),
    *(operators.is_, operators.is_not),
}
_NUMERIC = {*_EQUAL, operators.lt, operators.le, operators.gt, operators.ge}


def _is_of(kind: type, side: ClauseElement) -> bool:
    """Tell if what is compared is a column, NULL or a value of a type."""
    if not isinstance(side, BindParameter):
        return isinstance(side, Column | Null)
    values = side.value if isinstance(side.value, list | tuple) else [side.value]
    return all(value is None or isinstance(value, kind) for value in values)
