"""Rows that come into a session along a backref, as they did in SQLAlchemy 1.3.

It is noted, unless the program brings such a row into the session by itself before it is stored.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from weakref import WeakKeyDictionary, ref

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session, object_session

from sqlsoup.legacy import _patch
from sqlsoup.legacy._frames import is_within
from sqlsoup.legacy._notes import note, withdraw

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
            if inspect(row) not in vars(session).get(_ALONG, ()):
                _settle(session, value)
        elif (
            NO_CASCADE not in prop.info
            and object_session(value) is not session
            and not is_within("sqlsoup._classes")  # whose constructor adds the row
        ):
            _bring(session, value)

    event.listen(attribute, "append", add)
    event.listen(attribute, "set", lambda row, value, _old, by: add(row, value, by))


def _bring(session: Any, row: Any) -> None:
    Session.add(session, row)
    if _ALONG not in vars(session):
        vars(session)[_ALONG] = WeakKeyDictionary()
        vars(session)["add"] = partial(_add, ref(session))  # no other session has to look
        event.listen(session, "pending_to_persistent", _warn)
    vars(session)[_ALONG][inspect(row)] = note("backref-cascade", warn=False)


def _add(own: ref[Any], row: Any, **options: Any) -> None:
    session: Any = own()
    type(session).add(session, row, **options)
    _settle(session, row)


def _warn(session: Any, row: Any) -> None:
    site = vars(session)[_ALONG].pop(inspect(row), None)
    if site is not None:
        site.warn()


def _settle(session: Any, row: Any) -> None:
    """Withdraw the notes of all that comes into a session with a row on SQLAlchemy 2."""
    along = vars(session).get(_ALONG)
    if not along:
        return
    state: Any = inspect(row)
    reached = state.mapper.cascade_iterator(
        "save-update", state, lambda other: other.session is session and other not in along
    )
    states = [state, *(other for _, _, other, _ in reached)]
    withdraw(filter(None, [along.pop(each) for each in states if each in along]))
