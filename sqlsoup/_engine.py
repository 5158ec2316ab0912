"""URLs, drivers and engines, and what may be shown of them."""

from __future__ import annotations

import importlib.util
import re
from typing import Any
from urllib.parse import quote_plus

from sqlalchemy import URL, Connection, Dialect, Engine, MetaData, create_engine, make_url
from sqlalchemy import exc as sa_exc

from sqlsoup.exc import ArgumentError, shown, suggestion

Bind = Engine | Connection


def bind_of(metadata: MetaData) -> Bind | None:
    """Return the engine noted in a MetaData, or None.

    :raises ArgumentError: what is noted is neither an engine nor a connection.
    """
    bind: Any = getattr(metadata, "bind", None)
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
    """Tell if something is of SQLAlchemy's asyncio part, which cannot be imported everywhere."""
    return any(cls.__module__.startswith("sqlalchemy.ext.asyncio") for cls in type(value).__mro__)


def refused(beginning: str, value: object, hint: str = "") -> ArgumentError:
    """Return the error for an argument that is of a wrong kind."""
    if is_asynchronous(value):
        hint = f": {_IN_ASYNC}"
    return ArgumentError(f"{beginning} {shown(value)}{hint}")


def refuse_asynchronous(url: URL, dialect: Dialect | type[Dialect]) -> None:
    """Raise if a driver waits by ``await``.

    :raises ArgumentError: it does.
    """
    if dialect.is_async:
        raise ArgumentError(f"the driver of {url.drivername}:// is asynchronous: {_IN_ASYNC}")


def set_bind(metadata: MetaData, bind: Bind) -> None:
    """Note the engine on which the tables of a MetaData live."""
    holder: Any = metadata  # SQLAlchemy 2 declares no such attribute
    holder.bind = bind


def shown_engine(engine: Engine | None) -> str:
    """Return the repr of an engine, where the query of its URL has names and no values.

    An ``@`` in the host or the database is that of a password which was not quoted.
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
"""Modules of drivers by backend, and the packages that they are in."""


_FILE = re.compile(r"[^:@?=]+\.(db3?|sqlite3?)", re.IGNORECASE)
_BACKENDS = ("sqlite", "postgresql", "mysql", "mariadb", "oracle", "mssql")


def _make_engine(url: str | URL) -> Engine:
    """Make an engine, and say what to do when the driver is not installed or the URL is none.

    :raises ArgumentError: the URL's driver is not installed, or is an asynchronous one.
    """
    try:
        parsed = make_url(url)
        refuse_asynchronous(parsed, parsed.get_dialect())
        return create_engine(url)
    except sa_exc.NoSuchModuleError as error:
        backend = make_url(url).get_backend_name()
        near = "" if backend in _BACKENDS else suggestion(backend, _BACKENDS)
        raise sa_exc.NoSuchModuleError(f"{error}{near}") from None
    except sa_exc.ArgumentError as error:
        if not isinstance(url, str) or not _FILE.fullmatch(url):  # it may hold a password
            raise
        hint = f"for a file of SQLite write {'sqlite:///' + url!r}"
        raise sa_exc.ArgumentError(f"{error}; {hint}") from None
    except ModuleNotFoundError as error:
        url = make_url(url)
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
        raise refused("invalid engine or metadata argument", argument)
    return metadata
