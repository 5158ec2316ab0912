"""create_engine(): arguments and URLs that meant something else, or are gone."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import URL, Engine, event, make_url
from sqlalchemy.engine.mock import MockConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import Pool

from sqlsoup.legacy import _threads
from sqlsoup.legacy._frames import is_internal
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, method, missing

if TYPE_CHECKING:
    from collections.abc import Callable

_GONE = {
    "encoding", "convert_unicode", "unicode_error", "assert_unicode", "case_sensitive",
    "pool_threadlocal", "use_native_unicode", "empty_in_strategy", "server_side_cursors",
}  # fmt: skip
_DRIVERS = {"postgresql": "psycopg2", "oracle": "cx_oracle"}
"""The drivers that URLs without one meant before SQLAlchemy 2.1."""

_LISTENER_EVENTS = ("first_connect", "connect", "checkout", "checkin")


def as_it_was(url: URL) -> URL:
    """Return a URL with the driver that it meant."""
    name = url.drivername
    if name.startswith("postgres") and not name.startswith("postgresql"):
        note("url-scheme")
        name = name.replace("postgres", "postgresql", 1)
    driver = _DRIVERS.get(name)
    if (
        driver
        and url.set(drivername=name).get_dialect().driver != driver
        and importlib.util.find_spec(driver)
    ):
        name += f"+{driver}"
        note("url-driver", instead=f"{name}://")
    return url.set(drivername=name)


class _Mock(MockConnection):
    """What calls a function with each statement, and the parameters as they are given."""

    def execute(  # type: ignore[override]
        self, statement: Any, /, *args: Any, **params: Any
    ) -> Any:
        """Call the function; None, which SQLAlchemy 2 gives for no parameters, is none."""
        args = () if args == (None,) else args
        return self._execute_impl(statement, *args, **params)


@function(sa.create_engine)
def _create_engine(before: Callable[..., Any], url: Any, **kw: Any) -> Any:
    strategy = kw.get("strategy", "plain")
    if strategy == "plain" and kw.pop("strategy", None):
        note("engine-argument", old="create_engine(strategy='plain')")
    kw.pop("strategy", None)
    if "listeners" in kw:
        note("engine-listeners")
    listeners = kw.pop("listeners", ())
    if strategy not in ("plain", "threadlocal", "mock"):
        raise ArgumentError(f"unknown strategy: {strategy!r}")
    for name in sorted(_GONE & kw.keys()):
        note("engine-argument", old=f"create_engine({name}=...)")
        del kw[name]
    url = as_it_was(make_url(url))
    if strategy == "mock":
        note("mock-engine")
        if "executor" not in kw:
            raise ArgumentError("create_engine(strategy='mock') takes an executor=")
        return _Mock(sa.create_mock_engine(url, kw["executor"]).dialect, kw["executor"])
    engine: Engine = before(url, **kw)
    if strategy == "threadlocal":
        note("threadlocal")
        _threads.share(engine)
    for listener in listeners:
        _listen(engine.pool, listener)
    return engine


def _listen(pool: Pool, listener: Any) -> None:
    for name in _LISTENER_EVENTS:
        if callable(getattr(listener, name, None)):
            event.listen(pool, name, getattr(listener, name))
    if callable(listener):
        event.listen(pool, "connect", listener)


@missing(Pool, "add_listener")
def _add_listener(pool: Pool, listener: Any) -> None:
    note("engine-listeners")
    _listen(pool, listener)


class PoolListener:
    """Base class of what listens to the connections of a pool, with the hooks of the time."""


@method(URL, "__str__")
def _str(before: Callable[..., Any], url: URL) -> str:
    if url.password is None or is_internal():
        return before(url)  # type: ignore[no-any-return]
    note("url-password")
    return url.render_as_string(hide_password=False)
