"""The names of the attributes of a mapped class, and what is said of a name that is none."""

from __future__ import annotations

from functools import lru_cache
from inspect import isroutine
from typing import TYPE_CHECKING, Any

from sqlalchemy import exc as sa_exc
from sqlalchemy import inspect

from sqlsoup.exc import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Mapper

ASKED = "is_clause_element"
"""The name for which SQLAlchemy asks any object."""

_INTERNAL = {"get_children", "memoized_instancemethod"}
"""Methods of queries that SQLAlchemy has for itself."""

_PROPERTIES = {"column_descriptions", "columns", "session", "statement", "whereclause"}


def of_columns(mapper: Mapper[Any]) -> list[str]:
    """Return the attributes for the columns, in their order; one may be for several columns."""
    return [*dict.fromkeys(mapper.columns.keys())]


def renamed(cls: Any) -> dict[str, str]:
    """Return the attributes of columns whose own names are taken; a class being mapped has none."""
    found: dict[str, str] = vars(cls).get("_sqlsoup_renamed", {})
    return found


def offered(cls: Any) -> frozenset[str]:
    """Return the names that a class has from its type and from queries, for users to know."""
    kinds: tuple[Any, ...] = type(cls), cls._sqlsoup_query_class()
    return _offered(*kinds)


@lru_cache
def _offered(metaclass: Any, query: Any) -> frozenset[str]:
    methods = {name for name in dir(query) if isroutine(getattr(query, name))} - _INTERNAL
    names = methods | _PROPERTIES | ({*dir(metaclass)} - {*dir(type)})
    return frozenset(name for name in names if not name.startswith("_"))


def reserved(cls: Any) -> frozenset[str]:
    """Return the names that a relationship which nobody asked for cannot have.

    They are those of columns, and of what class and rows have by themselves.
    """
    ancestors: tuple[Any, ...] = (cls._sqlsoup_query_class(), type(cls), *cls.__mro__[1:])
    return _names_in(*ancestors).union(inspect(cls).columns.keys())


@lru_cache
def _names_in(*classes: Any) -> frozenset[str]:
    return frozenset({"c", "columns", "session"}.union(*map(dir, classes)))


def unknown(cls: Any, name: str) -> str:
    """Return the message for a name that a class has not."""
    message = f"{cls.__name__!r} has no column, relationship or query method {name!r}"
    if name in renamed(cls):
        message += f"; the column of that name is the attribute {renamed(cls)[name]!r}"
    return message


def no_attribute(cls: Any, name: str) -> AttributeError:
    """Return the error for a name that a class has not, and was asked for its relationships."""
    message = unknown(cls, name)
    if name in renamed(cls) or name.startswith("_") or name == ASKED:
        return AttributeError(message)
    plan = cls._sqlsoup_plan
    known = {*inspect(cls).attrs.keys(), *(plan.names if plan else ())}
    near = suggestion(name, known | offered(cls))
    error = AttributeError(message + near)
    if near:
        error.name = name  # or else Python makes a suggestion of its own, too
    return error


def with_near(
    error: sa_exc.InvalidRequestError, cls: Any, names: Iterable[str]
) -> sa_exc.InvalidRequestError:
    """Return an error that says which attribute was meant by one of the names, if any was."""
    known = [*inspect(cls).attrs.keys()]
    wrong = next((name for name in names if name not in known), None)
    if type(error) is not sa_exc.InvalidRequestError or wrong is None:
        return error
    return sa_exc.InvalidRequestError(f"{error}{suggestion(wrong, known)}")
