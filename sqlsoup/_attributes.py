"""The attribute names of a mapped class: those of columns, reserved ones and unknown ones."""

from __future__ import annotations

from functools import lru_cache
from inspect import isroutine
from typing import TYPE_CHECKING, Any

from sqlalchemy import exc as sa_exc
from sqlalchemy import inspect

from sqlsoup.exc import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    from sqlalchemy import FromClause
    from sqlalchemy.orm import Mapper

ASKED = "is_clause_element"
"""The attribute that SQLAlchemy looks up on any object."""

_INTERNAL = {"get_children", "memoized_instancemethod"}
"""Methods of queries that are internal to SQLAlchemy."""

_PROPERTIES = {"column_descriptions", "columns", "session", "statement", "whereclause"}


_PREFIXES = (
    "_sqlsoup",
    *(f"_sa_{name}" for name in ("instance", "class", "registry", "original", "apply", "decl")),
)


def is_taken(name: str) -> bool:
    """Tell if a name is reserved by Python, SQLAlchemy or SQLSoup.

    Python looks for special methods in the class of a row, whether it has them or not, and
    SQLAlchemy for ``__table__`` and others; ``__self`` is an argument of the constructor.
    """
    special = name.startswith("__") and name.endswith("__")
    return special or name == "__self" or name.startswith(_PREFIXES)


def other_names(selectable: FromClause, properties: Mapping[str, Any]) -> dict[Any, str]:
    """Return attribute names for the columns whose own names are reserved, by the columns.

    Such a name is ``column`` and the column's own, with underscores behind until it is unique.
    Columns to which ``properties`` of the mapper give an attribute are left out.

    :raises sqlalchemy.exc.InvalidRequestError: two columns of a join would have the same, as
     SQLAlchemy does for other names.
    """
    given = [one for each in properties.values() for one in (each if _is_list(each) else [each])]
    found: dict[Any, str] = {}
    for column in selectable.c:
        if is_taken(column.key) and not any(column is one for one in given):
            name = f"column{column.key}"
            while name in selectable.c or name in properties:
                name += "_"
            other = next((one for one in found if found[one] == name), None)
            if other is not None:
                raise sa_exc.InvalidRequestError(
                    f"Implicitly combining column {other} with column {column} under attribute "
                    f"{name!r}.  Please configure one or more attributes for these same-named "
                    "columns explicitly."
                )
            found[column] = name
    return found


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def refuse_names(
    base: Any, setter: Callable[[Any, str, Any], None] | None
) -> Callable[[Any, str, Any], None]:
    """Return a ``__setattr__`` that refuses the reserved name of a column."""

    def set_attribute(self: Any, name: str, value: Any) -> None:
        other = type(self)._sqlsoup_renamed.get(name)
        if other is not None and not name.startswith("_sa_"):  # SQLAlchemy sets those itself
            raise AttributeError(
                f"the column {name!r} of {type(self).__name__} is the attribute {other!r}, since "
                "its name is reserved by Python or SQLAlchemy"
            )
        (setter or base.__setattr__)(self, name, value)

    return set_attribute


def of_columns(mapper: Mapper[Any]) -> list[str]:
    """Return the attribute names of the columns, in order; one may stand for several columns."""
    return [*dict.fromkeys(mapper.columns.keys())]


def renamed(cls: Any) -> dict[str, str]:
    """Return the attribute names of columns whose own are reserved; none while it is mapped."""
    found: dict[str, str] = vars(cls).get("_sqlsoup_renamed", {})
    return found


def offered(cls: Any) -> frozenset[str]:
    """Return the public names that a class has from its metaclass and from queries."""
    kinds: tuple[Any, ...] = type(cls), cls._sqlsoup.query_class
    return _offered(*kinds)


@lru_cache
def _offered(metaclass: Any, query: Any) -> frozenset[str]:
    methods = {name for name in dir(query) if isroutine(getattr(query, name))} - _INTERNAL
    names = methods | _PROPERTIES | ({*dir(metaclass)} - {*dir(type)})
    return frozenset(name for name in names if not name.startswith("_"))


def reserved(cls: Any) -> tuple[Container[str], Container[str]]:
    """Return the names that an implied relationship cannot have.

    They are those of columns, and of what the class and its rows have anyway.
    """
    ancestors: tuple[Any, ...] = (cls._sqlsoup.query_class, type(cls), *cls.__mro__[1:])
    return inspect(cls).columns.keys(), _names_in(*ancestors)


@lru_cache
def _names_in(*classes: Any) -> frozenset[str]:
    return frozenset({"c", "columns", "session"}.union(*map(dir, classes)))


def unknown(cls: Any, name: str) -> str:
    """Return the message for an unknown attribute."""
    message = f"{cls.__name__!r} has no column, relationship or query method {name!r}"
    if name in renamed(cls):
        message += f"; the column of that name is the attribute {renamed(cls)[name]!r}"
    return message


def no_attribute(cls: Any, name: str) -> AttributeError:
    """Return the error for an unknown attribute, when implied relationships were looked for."""
    message = unknown(cls, name)
    if name in renamed(cls) or name.startswith("_") or name == ASKED:
        return AttributeError(message)
    plan = cls._sqlsoup_plan
    known = {*inspect(cls).attrs.keys(), *(plan.names if plan else ())}
    near = suggestion(name, known | offered(cls))
    error = AttributeError(message + near)
    if near:
        error.name = name  # which keeps Python from adding a suggestion of its own
    return error


def with_near(
    error: sa_exc.InvalidRequestError, cls: Any, names: Iterable[str]
) -> sa_exc.InvalidRequestError:
    """Return the error with a suggestion for the first of the names that is unknown."""
    known = [*inspect(cls).attrs.keys()]
    wrong = next((name for name in names if name not in known), None)
    if type(error) is not sa_exc.InvalidRequestError or wrong is None:
        return error
    return sa_exc.InvalidRequestError(f"{error}{suggestion(wrong, known)}")
