"""Listeners to events with the arguments of the time."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

from sqlalchemy.event.attr import _ClsLevelDispatch

from sqlsoup.legacy._connections import GIVEN, distilled, given_then
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import replaced

if TYPE_CHECKING:
    from collections.abc import Callable

BULK_HOOKS = ("after_bulk_update", "after_bulk_delete")


def bulk(hook: Callable[..., Any]) -> Callable[..., None]:
    """Return a listener to bulk changes that gives a hook its four arguments."""

    def call(context: Any) -> None:
        hook(context.session, context.query, context, context.result)

    return call


def _executed(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return a listener to statements that gives a hook their parameters as 1.3 gave them."""

    # SQLAlchemy counts the arguments of a listener, and takes this for one of today
    def call(*args: Any) -> Any:
        connection, statement, multiparams, params, _options, *result = args
        given = given_then(connection, statement, multiparams, params)
        returned = hook(connection, statement, *given, *result)
        if returned is None or isinstance(statement, str):
            return returned
        statement, *given = returned
        if GIVEN in vars(connection):
            vars(connection)[GIVEN] = given
        values = distilled(*given)
        return statement, *((values, {}) if isinstance(values, list) else ((), values or {}))

    return call


_EXECUTED: dict[str, Any] = {
    "old": "a listener to statements without execution_options",
    "instead": "one more argument after params, which is a dict, or multiparams a list of dicts",
}
_OLD: dict[str, tuple[int, Callable[..., Any], dict[str, Any]]] = {
    **dict.fromkeys(BULK_HOOKS, (4, bulk, {})),
    "before_execute": (4, _executed, _EXECUTED),
    "after_execute": (5, _executed, _EXECUTED),
}
"""The events that had other arguments: how many, what makes a listener of today, and the note."""


@replaced(_ClsLevelDispatch, "_adjust_fn_spec")
def _adjust(before: Callable[..., Any]) -> Callable[..., Any]:
    def adjust(event: Any, listener: Any, named: bool) -> Any:
        number, make, texts = _OLD.get(event.name, (None, bulk, {}))
        if not named and _count_of_arguments(listener) == number:
            note("event-arguments", **texts)
            listener = make(listener)
        return before(event, listener, named)

    return adjust


def _count_of_arguments(function: Any) -> int:
    try:
        return len(signature(function).parameters)
    except (TypeError, ValueError):  # it is built in
        return 0
