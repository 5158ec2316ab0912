"""Sessions: their arguments of the time, and what they were made by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event, inspect
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import (
    Session,
    close_all_sessions,
    create_session,
    scoped_session,
    sessionmaker,
)

from sqlsoup.legacy import _extensions, _mappers
from sqlsoup.legacy._frames import asking, is_ours
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, method, missing, replaced
from sqlsoup.legacy._session_state import KEY, State, state_of
from sqlsoup.legacy._text import listed

if TYPE_CHECKING:
    from collections.abc import Callable


_KEPT = "_sqlsoup_kept"


_OLD = ("autocommit", "extension", "weak_identity_map")
"""Arguments of a session that are gone, and that a sessionmaker keeps."""


_GONE = {
    "weak_identity_map": "keep rows in a list, or nothing",
    "_enable_transaction_accounting": "leave it out",
    "autoexpire": "expire_on_commit=",
    "echo_uow": "logging of sqlalchemy.orm",
}
"""Others, and what to write instead."""


_OF_SESSION = frozenset((*_OLD, *_GONE))


def _noted(kw: dict[str, Any]) -> None:
    """Note the old arguments of a session."""
    if not kw:
        return
    for name, instead in _GONE.items():
        if name in kw:
            note("session-argument", old=f"{name}= of a session", instead=instead)
    if kw.get("autocommit"):
        note("session-autocommit")
    if "extension" in kw:
        note("session-extension")


def _arguments(kw: dict[str, Any]) -> dict[str, Any]:
    """Take the old arguments out of those of a session."""
    kw.pop("echo_uow", None)
    if "autoexpire" in kw:
        kw["expire_on_commit"] = kw.pop("autoexpire")
    if not kw.pop("_enable_transaction_accounting", True):
        raise ArgumentError(
            "_enable_transaction_accounting=False of a session cannot be done on SQLAlchemy 2"
        )
    return {name: kw.pop(name) for name in _OLD if name in kw}


@replaced(Session, "__init__")
def _init(before: Callable[..., Any]) -> Callable[..., Any]:
    def init(session: Session, /, bind: Any = None, *args: Any, **kw: Any) -> None:
        if not args and _OF_SESSION.isdisjoint(kw):
            before(session, bind, **kw)  # nothing old
        else:
            _init_any(before, session, bind, *args, is_noted=not is_ours(asking()), **kw)

    return init


def _init_any(
    before: Callable[..., Any], session: Session, bind: Any, *args: Any, is_noted: bool, **kw: Any
) -> None:
    names = ("autoflush", "expire_on_commit", "_enable_transaction_accounting", "autocommit")
    if args:
        note("session-argument", old="Session() with arguments by position", instead="by name")
        kw |= zip(names, args, strict=False)
    if is_noted:  # and not by a sessionmaker, which was given them
        _noted(kw)
    old = _arguments(kw)
    before(session, bind, **kw)
    vars(session)[KEY] = State(autocommit=bool(old.get("autocommit")))
    for extension in listed(old.get("extension")):
        _extensions.listen_session(session, extension)
    if not old.get("weak_identity_map", True):
        _keep_rows(session)


def _keep_rows(session: Session) -> None:
    kept: dict[int, object] = {}
    vars(session)[_KEPT] = kept

    def keep(_session: Session, row: object) -> None:
        kept[id(row)] = row

    for name in ("pending", "detached", "deleted"):
        event.listen(session, f"{name}_to_persistent", keep)
    event.listen(session, "loaded_as_persistent", keep)
    for name in ("detached", "deleted", "transient"):
        event.listen(session, f"persistent_to_{name}", lambda _, row: kept.pop(id(row), None))


@method(sessionmaker, "__init__", "configure")
def _maker(before: Callable[..., Any], maker: Any, /, *args: Any, **kw: Any) -> None:
    names = ("bind", "class_", "autoflush", "autocommit", "expire_on_commit")
    if len(args) > 1:
        note("session-argument", old="sessionmaker() with arguments by position")
    kw |= zip(names, args, strict=False)
    _noted(kw)
    if kw.get("class_", Session) is None:
        del kw["class_"]
        note("session-argument", old="sessionmaker(class_=None)")
    old = _arguments(kw)
    before(maker, **kw)
    maker.kw.update(old)


@replaced(sessionmaker, "__call__")
def _make(before: Callable[..., Any]) -> Callable[..., Any]:
    def make(maker: Any, /, **kw: Any) -> Any:
        if kw:
            _noted(kw)
        return before(maker, **kw)

    return make


@missing(Session, "prune")
def _prune(session: Session) -> int:
    note("session-attribute", old="Session.prune()", instead="nothing: the session prunes itself")
    kept = vars(session).get(_KEPT)
    if kept is None:
        return 0
    before = len(kept)
    kept.clear()  # what is in use elsewhere stays in the session
    kept.update((id(row), row) for row in session)
    return before - len(kept)


@missing(Session, "autocommit", property)
@missing(scoped_session, "autocommit", property)
def _autocommit(session: Any) -> bool:
    note("session-attribute", old="Session.autocommit", instead="nothing: it is always False")
    plain = session() if isinstance(session, scoped_session) else session
    return state_of(plain).autocommit


@missing(Session, "close_all", classmethod, to_go=True)
@missing(scoped_session, "close_all", classmethod, to_go=True)
@missing(sessionmaker, "close_all", classmethod, to_go=True)
def _close_all(_cls: object) -> None:
    note("close-all")
    close_all_sessions()


def _through(name: str) -> None:
    @method(scoped_session, name)
    def call(_before: object, registry: Any, *args: Any, **kw: Any) -> Any:
        return getattr(registry(), name)(*args, **kw)


for _name in (
    "begin",
    "execute",
    "scalar",
    "connection",
    "get_bind",
    "refresh",
    "is_modified",
    "merge",
):
    _through(_name)


@function(create_session)
def _create_session(_before: object, bind: Any = None, **kw: Any) -> Session:
    old = {"autocommit": True, "autoflush": False, "expire_on_commit": False}
    if old.keys() - kw.keys():
        note("create-session")
    kw = {**old, **kw}
    return Session(bind, **kw)


@method(scoped_session, "query_property")
def _query_property(before: Callable[..., Any], registry: Any, *args: Any, **kw: Any) -> Any:
    return _QueryProperty(before(registry, *args, **kw))


class _QueryProperty:
    """The queries of a class, and None for one that is not mapped, such as a base."""

    def __init__(self, of_today: Any) -> None:
        self._of_today = of_today

    def __get__(self, instance: Any, owner: Any) -> Any:
        try:
            return self._of_today.__get__(instance, owner)
        except ArgumentError:
            if inspect(owner, raiseerr=False) is not None:
                raise
        note(
            "name",
            old="query of a class that is not mapped",
            instead="inspect(cls, raiseerr=False)",
        )
        return None


@missing(scoped_session, "mapper")
def _mapper(registry: Any, cls: type, *args: Any, **kw: Any) -> Any:
    note("scoped-mapper")
    return _mappers.map_in(registry, cls, *args, **kw)
