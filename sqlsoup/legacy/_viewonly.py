"""Relationships with ``viewonly=True``, which SQLAlchemy 1.3 kept in step with their reverse.

A row that is put into one came into the session, and one that is put into the other was in both
at once.  Classes with a base that SQLAlchemy 1.3 did not have are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import RelationshipProperty, object_session
from sqlalchemy.orm.util import CascadeOptions

from sqlsoup.legacy import _patch
from sqlsoup.legacy._bases import NEW
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import plan, replace, replaced

if TYPE_CHECKING:
    from collections.abc import Callable


_ASKED = "_sqlsoup_cascade"
"""What a relationship has that is viewonly: the cascade that the program asks for."""


@replaced(RelationshipProperty, "_set_cascade")
def _set_cascade(before: Callable[..., Any]) -> Callable[..., Any]:
    def set_cascade(prop: Any, cascade: Any) -> None:
        before(prop, cascade)
        if prop.viewonly:
            vars(prop)[_ASKED] = CascadeOptions(cascade)

    return set_cascade


@plan
def _in_step() -> None:
    check: Any = RelationshipProperty._check_sync_backref
    is_in_step: Any = RelationshipProperty._effective_sync_backref.fget  # type: ignore[attr-defined]

    def check_any(one: Any, other: Any) -> None:
        if other.sync_backref or _is_new(one):
            check(one, other)

    def is_any_in_step(prop: Any) -> bool:
        return is_in_step(prop) if _is_new(prop) else prop.sync_backref is not False

    replace(RelationshipProperty, "_check_sync_backref", staticmethod(check_any))
    replace(RelationshipProperty, "_effective_sync_backref", property(is_any_in_step))


def _is_new(prop: Any) -> bool:
    return issubclass(prop.parent.class_, NEW)


def listen(attribute: Any, prop: Any) -> None:
    """Have what is put into a relationship that is viewonly come into the session, and note it."""
    if "save-update" in vars(prop).get(_ASKED, ()):
        prop._cascade = CascadeOptions({*prop._cascade, "save-update"})

    def is_seen(row: Any, initiator: Any) -> bool:
        if getattr(initiator, "key", prop.key) != prop.key:  # along the reverse
            return prop.key in vars(row) or not inspect(row).persistent
        return bool(prop._reverse_property) or object_session(row) is not None

    def changed(row: Any, value: Any, initiator: Any) -> None:
        is_any = row is not None and value is not None and _patch._applied
        if is_any and is_seen(row, initiator):
            note("viewonly")

    event.listen(attribute, "append", changed)
    event.listen(attribute, "remove", changed)
    event.listen(attribute, "set", lambda row, value, old, by: changed(row, value or old, by))
