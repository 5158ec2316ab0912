"""Which engine a session takes, and what the session classes of programs have of their own."""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache, wraps
from inspect import signature
from types import FunctionType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import UnboundExecutionError
from sqlalchemy.orm import Session

from sqlsoup.legacy._metadata import bind_of
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def binds_of(session: Session, kw: dict[str, Any], statement: Any = None) -> dict[str, Any]:
    """Make ``bind_arguments`` of the arguments of the time, and of those of a get_bind()."""
    own = _own_get_bind(session)
    names = kw.keys() - ARGUMENTS if own else kw.keys() & {"mapper", "clause", "bind"}
    old = {name: kw.pop(name) for name in names}
    if old.get("bind") is not None and own:
        note("session-mapper", old="bind= past a get_bind() of the program", instead=_RETURN)
    elif old:
        note("session-mapper")
    if "mapper" not in (kw.get("bind_arguments") or old) and not (
        own is None
        or hasattr(session.get_bind, "own")  # a SQLSoup gives it one
        or not needs_mapper(own)
        or getattr(statement, "_propagate_attrs", {}).get("plugin_subject")  # which has one
    ):
        note("session-mapper", old="get_bind(mapper) that has no default", instead=_DEFAULT)
        old["mapper"] = None
    if old:
        kw["bind_arguments"] = {**(kw.get("bind_arguments") or {}), **old}
    return kw


ARGUMENTS = frozenset(
    ("execution_options", "bind_arguments", "_parent_execute_state", "_add_event")
)
"""Arguments by name of the methods of a session that find an engine; the others are old."""

_RETURN = "bind_arguments={'bind': ...}, and in get_bind() `if bind is not None: return bind`"
_DEFAULT = "get_bind(self, mapper=None, *, clause=None, **kw)"


def _own_get_bind(session: Session) -> Callable[..., Any] | None:
    """Return the function by which a session of the program finds an engine, if it has its own."""
    found: Any = session.get_bind
    own = getattr(found, "own", getattr(found, "__func__", found))  # the first, where taught
    return None if own is Session.get_bind else own


@lru_cache(100)
def needs_mapper(get_bind: Callable[..., Any]) -> bool:
    """Tell if a function has no default for the mapper, which it was always given.

    What SQLSoup has taught a session gives it one.
    """
    if hasattr(get_bind, "own"):
        return False
    mapper = signature(get_bind).parameters.get("mapper")
    return mapper is not None and mapper.default is mapper.empty


@contextmanager
def bound_to(session: Session, kw: dict[str, Any]) -> Iterator[None]:
    """Have a session use a bind that it is given, whatever a get_bind() of the program says."""
    bind = (kw.get("bind_arguments") or {}).get("bind")
    if bind is None or not _own_get_bind(session):
        yield
        return
    before = vars(session).get("get_bind")
    vars(session)["get_bind"] = lambda *_args, **_kw: bind
    try:
        yield
    finally:
        del vars(session)["get_bind"]
        if before is not None:
            vars(session)["get_bind"] = before


def _bound(session: Any, /, mapper: Any = None, *args: Any, clause: Any = None, **kw: Any) -> Any:
    before: Any = "BEFORE"
    handler: Any = "HANDLER"
    unbound: Any = "UNBOUND"
    if not args:
        try:
            if not kw:
                return before(session, mapper, clause=clause)  # which is quicker than with **kw
            return before(session, mapper, clause=clause, **kw)
        except unbound:
            pass
    return handler(session, mapper, *args, clause=clause, **kw)


# of which sessions that find the engine of a SQLSoup have kept the function
@function(Session.get_bind, template=_bound, UNBOUND=UnboundExecutionError)
def _get_bind(
    before: Callable[..., Any], session: Session, /, mapper: Any = None, *args: Any, **kw: Any
) -> Any:
    if args:
        note("session-mapper")
        kw["clause"] = args[0]
    try:
        return before(session, mapper, **kw)
    except UnboundExecutionError:
        if hasattr(session.get_bind, "own"):  # it finds the engine of a SQLSoup without the module
            raise
        bind = None if kw.get("clause") is None else bind_of(kw["clause"])
        if bind is None and mapper is not None:
            bind = bind_of(sa.inspect(mapper).mapper.persist_selectable)
        if bind is None:
            raise
    note("session-unbound")
    return bind


@missing(Session, "__init_subclass__", classmethod, to_go=True)
def _init_subclass(cls: Any, **kw: Any) -> None:
    super(Session, cls).__init_subclass__(**kw)
    for name in ("execute", "connection"):
        own = vars(cls).get(name)
        if isinstance(own, FunctionType):
            taken = signature(own).parameters.values()
            if not any(each.kind is each.VAR_KEYWORD for each in taken):
                setattr(cls, name, _passed_by(cls, own, ARGUMENTS - {each.name for each in taken}))


def _passed_by(cls: Any, own: Any, unknown: frozenset[str]) -> Any:
    """Return a method of the program as queries have it, which pass it by, as they did in 1.3.

    :param unknown: the arguments of SQLAlchemy 2 that it does not take.
    """

    @wraps(own)
    def call(session: Any, *args: Any, **kw: Any) -> Any:
        if unknown.isdisjoint(kw):
            return own(session, *args, **kw)
        instead = f"def {own.__name__}(self, *args, **kw)"
        note("session-argument", old=f"{own.__name__}() without **kw", instead=instead, of=own)
        return getattr(super(cls, session), own.__name__)(*args, **kw)

    return call
