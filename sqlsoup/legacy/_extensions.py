"""MapperExtension, SessionExtension and AttributeExtension, by the events that replaced them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import EXT_CONTINUE

from sqlsoup.legacy._frames import ours
from sqlsoup.legacy._listeners import BULK_HOOKS, bulk
from sqlsoup.legacy._notes import note

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Mapper, Session


class MapperExtension:
    """Hooks of a mapper: a subclass defines those that it wants."""

    def __init_subclass__(cls) -> None:
        if not ours(cls.__module__):
            note("mapper-extension")


class AutoAdd(MapperExtension):
    """Adds new instances to a session."""

    def __init__(self, scoped_session: Any) -> None:
        self.scoped_session = scoped_session

    def init_instance(self, _mapper: Any, _cls: Any, _init: Any, instance: Any, *_: Any) -> Any:
        """Add a new instance."""
        self.scoped_session.add(instance)
        return EXT_CONTINUE

    def init_failed(self, _mapper: Any, _cls: Any, _init: Any, instance: Any, *_: Any) -> Any:
        """Take it away, as it is not complete."""
        self.scoped_session.expunge(instance)
        return EXT_CONTINUE


class SessionExtension:
    """Hooks of a session: a subclass defines those that it wants."""

    def __init_subclass__(cls) -> None:
        note("session-extension")


class AttributeExtension:
    """Hooks of an attribute: a subclass defines those that it wants."""

    active_history = True

    def __init_subclass__(cls) -> None:
        note("attribute-extension")

    def append(self, _state: Any, value: Any, _initiator: Any) -> Any:
        """Return what is appended to a collection."""
        return value

    def remove(self, _state: Any, _value: Any, _initiator: Any) -> None:
        """Hear of what is removed from a collection."""

    def set(self, _state: Any, value: Any, _old: Any, _initiator: Any) -> Any:
        """Return what is set."""
        return value


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
_INSTANCE_HOOKS = (
    "instrument_class", "init_instance", "init_failed", "reconstruct_instance", "on_reconstitute",
)  # fmt: skip


def _continue(_extension: object, *_args: object) -> object:
    return EXT_CONTINUE


for _name in (*_INSTANCE_HOOKS, *_ROW_HOOKS):
    setattr(MapperExtension, _name, _continue)
for _name in (*_SESSION_HOOKS, *BULK_HOOKS):
    setattr(SessionExtension, _name, _continue)

_BASES = (MapperExtension, SessionExtension, AttributeExtension)


def _hook(extension: Any, name: str) -> Any:
    """Return a hook that an extension has of its own, in its class or by itself."""
    hook = getattr(extension, name, None)
    inherited = [vars(base).get(name) for base in _BASES if isinstance(extension, base)]
    return hook if callable(hook) and getattr(hook, "__func__", hook) not in inherited else None


def instrument(mapper: Mapper[Any], extension: Any) -> None:
    """Have the hooks of a MapperExtension called, but for those that SQLAlchemy 1.0 gave up."""
    for name in _GONE_HOOKS:
        if _hook(extension, name):
            note(
                "mapper-hook",
                old=f"{type(extension).__name__}.{name}(), which is not called",
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
    for name in BULK_HOOKS:
        if hook := _hook(extension, name):
            event.listen(session, name, bulk(hook))


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
