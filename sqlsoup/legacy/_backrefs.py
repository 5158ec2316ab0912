"""Rows that come into a session along a backref, as they did in SQLAlchemy 1.3.

It is noted, unless the program brings such a row into the session by itself before it is stored.
Classes with a base that SQLAlchemy 1.3 did not have are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session, object_session

from sqlsoup.legacy import _patch
from sqlsoup.legacy._frames import is_within
from sqlsoup.legacy._notes import note, withdraw
from sqlsoup.legacy._patch import replaced

if TYPE_CHECKING:
    from collections.abc import Callable

NO_CASCADE = "sqlsoup.legacy.no-cascade"
"""In the ``info`` of a relationship: it was made with ``cascade_backrefs=False``."""

_ALONG = "_sqlsoup_along"
"""What a session has of such rows: the note of each."""


def listen(attribute: Any, prop: Any) -> None:
    """Have what is set of a relationship come into the session of the row that it is set of."""

    def add(row: Any, value: Any, initiator: Any) -> None:
        if row is None or value is None or not _patch._applied:
            return  # SQLAlchemy tells of a row that is gone
        session: Any = object_session(row)
        if session is None or "save-update" not in prop.cascade:
            return
        if initiator is None or getattr(initiator, "key", prop.key) == prop.key:
            along = vars(session).get(_ALONG)
            if along and inspect(row) not in along:
                _settle(along, session, value)
        elif (
            NO_CASCADE not in prop.info
            and object_session(value) is not session
            and not is_within("sqlsoup._classes")  # whose constructor adds the row
        ):
            _bring(session, value)

    event.listen(attribute, "append", add)
    event.listen(attribute, "set", lambda row, value, _old, by: add(row, value, by))


def _bring(session: Any, row: Any) -> None:
    Session.add.__wrapped__(session, row)  # type: ignore[attr-defined]
    if _ALONG not in vars(session):
        vars(session)[_ALONG] = WeakKeyDictionary()
        event.listen(session, "pending_to_persistent", _stored)
    vars(session)[_ALONG][inspect(row)] = note("backref-cascade", warn=False)


@replaced(Session, "add")
def _add(before: Callable[..., Any]) -> Callable[..., Any]:
    def add(session: Any, instance: Any, *, _warn: bool = True) -> None:
        before(session, instance, _warn=_warn)
        along = session.__dict__.get(_ALONG)
        if along:
            _settle(along, session, instance)

    return add


def _stored(session: Any, row: Any) -> None:
    site = vars(session)[_ALONG].pop(inspect(row), None)
    if site is not None:
        site.warn()


def _settle(along: WeakKeyDictionary[Any, Any], session: Any, row: Any) -> None:
    """Withdraw the notes of all that comes into a session with a row on SQLAlchemy 2."""
    state: Any = inspect(row)
    reached = state.mapper.cascade_iterator(
        "save-update", state, lambda other: other.session is session and other not in along
    )
    states = [state, *(other for _, _, other, _ in reached)]
    withdraw(filter(None, [along.pop(each) for each in states if each in along]))
