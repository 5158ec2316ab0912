"""URLs, drivers and engines, and what may be shown of them."""

from __future__ import annotations

import importlib.util
import os
import re
import threading
from typing import Any
from urllib.parse import quote_plus, unquote, urlsplit
from weakref import WeakSet

from sqlalchemy import (
    URL,
    Connection,
    Dialect,
    Engine,
    ExceptionContext,
    MetaData,
    NullPool,
    SingletonThreadPool,
    create_engine,
    event,
    make_url,
)
from sqlalchemy import exc as sa_exc

from sqlsoup.exc import ArgumentError, URLError, shown, suggestion

Bind = Engine | Connection


def bind_of(metadata: MetaData) -> Bind | None:
    """Return the engine noted in a MetaData, or None.

    :raises ArgumentError: what is noted is neither an engine nor a connection.
    """
    bind: Any = getattr(metadata, "bind", None)  # SQLAlchemy 2 declares no such attribute
    if bind is None or isinstance(bind, Engine):
        return bind
    if isinstance(bind, str | URL):
        bind = _make_engine(bind)
        set_bind(metadata, bind)
    if not isinstance(bind, Bind):
        raise refused("the bind of the MetaData is no engine but", bind)
    return bind


_IN_ASYNC = (
    "pass the sync_session of an AsyncSession as session=, and use the SQLSoup within run_sync(); "
    "see 'Async programs' in the documentation"
)


def is_asynchronous(value: object) -> bool:
    """Tell if an object is one of sqlalchemy.ext.asyncio, which cannot be imported everywhere."""
    return any(cls.__module__.startswith("sqlalchemy.ext.asyncio") for cls in type(value).__mro__)


def refused(beginning: str, value: object, hint: str = "") -> ArgumentError:
    """Return the error for an argument of the wrong kind."""
    if is_asynchronous(value):
        hint = f": {_IN_ASYNC}"
    return ArgumentError(f"{beginning} {shown(value)}{hint}")


def refuse_asynchronous(url: URL, dialect: Dialect | type[Dialect]) -> None:
    """Refuse an asynchronous driver.

    :raises ArgumentError: the driver is one.
    """
    if dialect.is_async:
        raise ArgumentError(f"the driver of {url.drivername}:// is asynchronous: {_IN_ASYNC}")


def set_bind(metadata: MetaData, bind: Bind) -> None:
    """Note the engine on which the tables of a MetaData live."""
    holder: Any = metadata  # SQLAlchemy 2 declares no such attribute
    holder.bind = bind


def shown_engine(engine: Engine | None) -> str:
    """Return the repr of an engine, in which the query of its URL has names and no values.

    An ``@`` in the host or the database belongs to a password that was not quoted.
    """
    url: object = getattr(engine, "url", None)
    if not isinstance(url, URL):
        return repr(engine)
    known = url.set(query={})
    _, at, host = (url.host or "").rpartition("@")
    if url.password is not None and "@" in (url.database or ""):
        known = known.set(host="***", database="")
    elif at:
        known = known.set(host=f"***@{host}")
    names = "&".join(f"{quote_plus(name)}=***" for name in sorted(url.query))
    return repr(engine).replace(repr(url), f"{known!r}{'?' * bool(names)}{names}")


_DRIVERS = {
    "postgresql": {"psycopg": "psycopg", "psycopg2": "psycopg2-binary", "pg8000": "pg8000"},
    "mysql": {"MySQLdb": "mysqlclient", "pymysql": "pymysql"},
    "mariadb": {"MySQLdb": "mysqlclient", "pymysql": "pymysql"},
}
"""Modules of drivers by backend, and the packages that install them."""


_FILE = r"(?i)([a-z]:[\\/])?[^:@?=]+\.(db3?|sqlite3?)"
_BACKENDS = ("sqlite", "postgresql", "mysql", "mariadb", "oracle", "mssql")


def _make_engine(url: str | URL) -> Engine:
    """Make an engine, and say what to do when the driver is not installed or the URL is invalid.

    :raises ArgumentError: the URL's driver is not installed, or is an asynchronous one, or its port
     is no number.
    """
    url = _parsed(url)
    try:
        refuse_asynchronous(url, url.get_dialect())
        engine = create_engine(url)
    except sa_exc.NoSuchModuleError as error:
        raise sa_exc.NoSuchModuleError(f"{error}{_near(url)}") from None
    except ModuleNotFoundError as error:
        backend = url.get_backend_name()
        packages = _DRIVERS.get(backend, {})
        installed = [module for module in packages if importlib.util.find_spec(module)]
        hint = f"install {packages.get(str(error.name), error.name)!r}"
        if installed:
            hint += (
                f", or use an installed driver with a URL like {backend}+{installed[0].lower()}://"
            )
        raise ArgumentError(
            f"the driver for {url.drivername}:// is not installed ({error}): {hint}"
        ) from error
    _made.add(engine)
    if isinstance(engine.pool, SingletonThreadPool):
        event.listen(engine, "handle_error", _tell_threads)
    return engine


def _parsed(url: str | URL) -> URL:
    try:
        return make_url(url)
    except sa_exc.ArgumentError as error:
        raise sa_exc.ArgumentError(f"{error}{_hint(str(url))}") from None
    except ValueError:  # whose message may have a part of the password
        raise URLError(
            "the port in the URL is no number; write '/', '@' and ':' of a password as %2F, %40 "
            "and %3A, and 'sqlite://' for a database in memory"
        ) from None


def _near(url: URL) -> str:
    """Return a suggestion for the unknown database or driver of a URL."""
    backend, plus, driver = url.drivername.lower().partition("+")
    if url.get_backend_name() not in _BACKENDS:
        return suggestion(backend, _BACKENDS)
    drivers = [module.lower() for module in _DRIVERS.get(backend, ())]
    return suggestion(driver, drivers).replace("'", f"'{backend}+", 1) if plus else ""


def _hint(text: str) -> str:
    """Return how to write the text as a URL, unless it may hold a password."""
    if re.fullmatch(_FILE, text) or os.path.isfile(text):  # noqa: PTH113 - it may be no path at all
        return f"; for a file of SQLite write {'sqlite:///' + text!r}"
    backend = re.match(r"[a-z]*", text)
    if "://" not in text and backend is not None and backend[0] in _BACKENDS:
        slashes = "///" if backend[0] == "sqlite" else "//"
        return f"; a URL of {backend[0]} begins with {f'{backend[0]}:{slashes}'!r}"
    return ""


_made: WeakSet[Engine] = WeakSet()
"""The engines made here, which connect to what their URLs say."""

IN_MEMORY = "in memory each thread has a database of its own, threads share one in a file"


def _tell_threads(context: ExceptionContext) -> None:
    error = context.sqlalchemy_exception
    if (
        error is not None
        and "no such table" in str(error.orig)
        and threading.current_thread() is not threading.main_thread()
    ):
        error.add_detail(IN_MEMORY)


def file_of(engine: Engine) -> str | None:
    """Return the path of the SQLite file of an engine, or None if it has none."""
    url, name = engine.url, engine.url.database
    if engine.dialect.name != "sqlite" or url.host or not name or name == ":memory:":
        return None
    if name.startswith("file:") and str(url.query.get("uri")).lower() in _TRUE:
        name = unquote(urlsplit(name).path)
        if name == ":memory:" or url.query.get("mode") == "memory" or "vfs" in url.query:
            return None
    return os.path.abspath(name)  # noqa: PTH100 - as SQLAlchemy does


_TRUE = {"true", "yes", "on", "y", "t", "1"}
"""What SQLAlchemy takes for True in a URL."""


def to_read(engine: Engine) -> Engine:
    """Return the engine to reflect with, which does not create a SQLite file that is missing."""
    is_ours = engine in _made and engine.dialect.driver == "pysqlite"
    file = file_of(engine) if is_ours else None
    if file is None or os.path.exists(file):  # noqa: PTH110 - a path may be too long for Path
        return engine
    if not os.path.isdir(os.path.dirname(file)):  # noqa: PTH112, PTH120 - SQLite tells that
        return engine
    import sqlite3

    return create_engine(
        engine.url, poolclass=NullPool, creator=lambda: sqlite3.connect(":memory:")
    )


def metadata_of(argument: object) -> MetaData:
    """Return the MetaData for what was given to SQLSoup, with the engine noted in it.

    :raises ArgumentError: it is no URL, engine or MetaData, or the URL's driver is not installed
     or an asynchronous one.
    """
    if isinstance(argument, MetaData):
        bind_of(argument)
        return argument
    metadata = MetaData()
    if isinstance(argument, str | URL):
        argument = _make_engine(argument)
    if isinstance(argument, Engine):
        set_bind(metadata, argument)
    elif argument is not None:
        hint = _hint(str(argument)) if isinstance(argument, os.PathLike) else ""
        raise refused("invalid engine or metadata argument", argument, hint)
    return metadata
