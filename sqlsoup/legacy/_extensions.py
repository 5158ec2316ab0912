"""MapperExtension, SessionExtension and AttributeExtension, by the events that replaced them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event, inspect
from sqlalchemy.exc import ArgumentError

from sqlsoup.legacy._notes import note

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Mapper, Session


class MapperExtension:
    """Hooks of a mapper: a subclass defines those that it wants."""

    def __init_subclass__(cls) -> None:
        note("mapper-extension")


class SessionExtension:
    """Hooks of a session: a subclass defines those that it wants."""

    def __init_subclass__(cls) -> None:
        note("session-extension")


class AttributeExtension:
    """Hooks of an attribute: a subclass defines those that it wants."""

    active_history = True

    def __init_subclass__(cls) -> None:
        note("attribute-extension")


_ROW_HOOKS = (
    "before_insert", "after_insert", "before_update", "after_update", "before_delete",
    "after_delete",
)  # fmt: skip
_GONE_HOOKS = (
    "append_result", "create_instance", "populate_instance", "translate_row",
)  # fmt: skip
_SESSION_HOOKS = (
    "before_commit", "after_commit", "after_rollback", "before_flush", "after_flush",
    "after_flush_postexec", "after_begin", "after_attach",
)  # fmt: skip
_BULK_HOOKS = ("after_bulk_update", "after_bulk_delete")


def _hook(extension: Any, name: str) -> Any:
    own = getattr(type(extension), name, None)
    return getattr(extension, name) if callable(own) else None


def instrument(mapper: Mapper[Any], extension: Any) -> None:
    """Have the hooks of a MapperExtension called.

    :raises ArgumentError: it has a hook for which SQLAlchemy 2 has no event.
    """
    for name in _GONE_HOOKS:
        if _hook(extension, name):
            raise ArgumentError(
                f"{type(extension).__name__}.{name}() cannot be called on SQLAlchemy 2, which has "
                "no such event; use the event 'load', or change the rows after they are loaded"
            )
    cls = mapper.class_
    if hook := _hook(extension, "instrument_class"):
        hook(mapper, cls)
        event.listen(mapper, "instrument_class", hook, propagate=True)
    for name in _ROW_HOOKS:
        if hook := _hook(extension, name):
            event.listen(mapper, name, hook, propagate=True)
    if hook := _hook(extension, "init_instance"):
        event.listen(mapper, "init", _init(hook, mapper, cls), propagate=True)
    if hook := _hook(extension, "init_failed"):
        event.listen(mapper, "init_failure", _init(hook, mapper, cls), propagate=True)
    for name in ("reconstruct_instance", "on_reconstitute"):
        if hook := _hook(extension, name):
            event.listen(mapper, "load", _load(hook, mapper), propagate=True)


def _init(hook: Callable[..., Any], mapper: Any, cls: type) -> Callable[..., None]:
    def call(instance: Any, args: Any, kw: Any) -> None:
        hook(mapper, cls, vars(cls).get("__init__", object.__init__), instance, args, kw)

    return call


def _load(hook: Callable[..., Any], mapper: Any) -> Callable[..., None]:
    def call(instance: Any, _context: Any) -> None:
        hook(mapper, instance)

    return call


def listen_session(session: Session, extension: Any) -> None:
    """Have the hooks of a SessionExtension called."""
    for name in _SESSION_HOOKS:
        if hook := _hook(extension, name):
            event.listen(session, name, hook)
    for name in _BULK_HOOKS:
        if hook := _hook(extension, name):
            event.listen(session, name, _bulk(hook))


def _bulk(hook: Callable[..., Any]) -> Callable[..., None]:
    def call(context: Any) -> None:
        hook(context.session, context.query, context, context.result)

    return call


def listen_attribute(attribute: Any, extension: Any) -> None:
    """Have the hooks of an AttributeExtension called."""
    if hook := _hook(extension, "set"):
        event.listen(
            attribute,
            "set",
            lambda instance, value, old, initiator, hook=hook: hook(
                inspect(instance), value, old, initiator
            ),
            retval=True,
            active_history=extension.active_history,
        )
    for name, retval in (("append", True), ("remove", False)):
        if hook := _hook(extension, name):
            event.listen(
                attribute,
                name,
                lambda instance, value, initiator, hook=hook: hook(
                    inspect(instance), value, initiator
                ),
                retval=retval,
            )
