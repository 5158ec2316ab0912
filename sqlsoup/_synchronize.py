"""Which rows of a session an UPDATE or DELETE of many has changed.

SQLAlchemy (2.0, 2.1) compares their values in Python where it can, and takes ``'ADA'`` for another
value than ``'Ada'``, and ``'1'`` for another than 1, which the database may find equal.  A row that
was changed shows what was there before then, and one that was deleted is still in the session.
"""

from __future__ import annotations

from functools import wraps
from itertools import chain
from types import MethodType
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BinaryExpression,
    BindParameter,
    ClauseElement,
    Column,
    Delete,
    Integer,
    String,
    Table,
    Update,
    inspect,
)
from sqlalchemy.sql import operators
from sqlalchemy.sql.expression import BooleanClauseList, Grouping, Null

from sqlsoup import _sa
from sqlsoup._compare import are_loose
from sqlsoup._corrections import MEDDLERS, REVISE, RULED, noted

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_CHANGES = frozenset((Update, Delete))


def executing(cls: Any, *, in_class: bool) -> Any:
    """Return a method ``execute`` for a class of sessions, or for a session of it."""

    @wraps(cls.execute)
    @_sa.unseen
    def execute(self: Any, *args: Any, **options: Any) -> Any:
        own = super(cls, self).execute if in_class else MethodType(cls.execute, self)
        if not args or args[0].__class__ not in _CHANGES:
            return own(*args, **options)
        asked, expired = _ask_database(self, args, options)
        result = own(*args, **asked)
        for row in expired:
            if inspect(row).persistent:  # and not deleted by the flush before the statement
                self.expire(row)
        if isinstance(args[0], Update):
            _read_unset(self, args[0], options)
        return result

    return execute


def _options(statement: Any, options: dict[str, Any]) -> dict[str, Any]:
    return {**statement.get_execution_options(), **(options.get("execution_options") or {})}


def _read_unset(session: Session, statement: Update, options: dict[str, Any]) -> None:
    """Have what was not given for a new row read after an UPDATE, as SQLAlchemy takes it for None.

    It sets the values of an UPDATE in rows that have a value there already.
    """
    entity = statement.entity_description.get("entity")
    if entity is None or _options(statement, options).get("synchronize_session") is False:
        return
    mapper: Any = inspect(entity).mapper
    cls, names = mapper.class_, frozenset(mapper.column_attrs.keys())
    for row in session.identity_map.values():
        if isinstance(row, cls) and not row.__dict__.keys() >= names:
            state: Any = inspect(row)
            if not state.expired:
                session.expire(row, names - row.__dict__.keys())


def _ask_database(
    session: Session, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[dict[str, Any], list[Any]]:
    """Return options of ``Session.execute()`` to synchronize by, and rows to read again after it.

    The options are those that were given where Python can tell which rows a statement changes.
    Else the database does.  Where the session has no row of the class nobody need.

    SQLAlchemy cannot ask for a key that the table has not itself, nor with RETURNING where a rule
    of PostgreSQL does something else, and takes None for what is given apart from the statement.
    """
    statement, params = args[0], args[1] if len(args) > 1 else options.get("params")
    given = _options(statement, options)
    entity = statement.entity_description.get("entity")
    wanted = given.get("synchronize_session", "auto") in {"auto", "evaluate"}
    if not wanted or entity is None or isinstance(params, list):
        return options, []
    mapper: Any = inspect(entity).mapper
    table = mapper.local_table
    others = params or (noted(table, MEDDLERS) or 0) & REVISE
    if not others and (statement.whereclause is None or _can_tell(statement.whereclause)):
        return options, []
    rows = [
        row
        for row in chain(session.identity_map.values(), session.new)
        if isinstance(row, mapper.class_)
    ]
    own_key = isinstance(table, Table) and {*mapper.primary_key} == {*table.primary_key}
    expires = bool(others) or not own_key or bool(noted(table, RULED))
    given["synchronize_session"] = "fetch" if rows and not expires else False
    unchanged = [row for row in rows if not session.is_modified(row)] if expires else []
    return {**options, "execution_options": given}, unchanged


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
    """Tell if what is compared is a column, NULL or a value of a type.

    The value of a parameter that is yet to be given, of which SQLAlchemy makes None, is none.
    """
    if not isinstance(side, BindParameter):
        return isinstance(side, Column | Null)
    values = side.value if isinstance(side.value, list | tuple) else [side.value]
    return all(isinstance(value, kind) for value in values)
