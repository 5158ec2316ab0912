"""What sessions and mappers had in SQLAlchemy 0.5, and no more in 0.6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Mapper, Session, configure_mappers, scoped_session

from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import missing
from sqlsoup.legacy._properties import without_entity_name

if TYPE_CHECKING:
    from collections.abc import Callable


def _method(name: str, instead: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Have a function be a method of sessions, and of those that are scoped."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(session: Any, *args: Any, **kw: Any) -> None:
            note("session-method", old=f"Session.{name}()", instead=f"session.{instead}")
            without_entity_name(f"Session.{name}", kw)
            function(session, *args)

        for owner in (Session, scoped_session):
            missing(owner, name)(call)
        return function

    return decorate


@_method("save", "add(row)")
def _save(session: Any, row: object) -> None:
    state: Any = inspect(row)
    if state.has_identity:
        raise InvalidRequestError(f"Instance {state} is already persistent")
    session.add(row)


@_method("update", "add(row)")
def _update(session: Any, row: object) -> None:
    state: Any = inspect(row)
    if not state.has_identity:
        raise InvalidRequestError(f"Instance {state} is not persisted")
    session.add(row)


@_method("save_or_update", "add(row)")
def _save_or_update(session: Any, row: object) -> None:
    session.add(row)


@_method("clear", "expunge_all()")
def _clear(session: Any) -> None:
    session.expunge_all()


@missing(Mapper, "compile")
def _compile(mapper: Mapper[Any]) -> Mapper[Any]:
    note("name", old="Mapper.compile()", instead="configure_mappers()")
    configure_mappers()
    return mapper
