"""The database that a URL or a path on the command line means."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote
from warnings import catch_warnings

import sqlalchemy
from sqlalchemy import URL, TextClause, event, make_url
from sqlalchemy.exc import DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session, scoped_session

import sqlsoup
from sqlsoup.command import _interrupts
from sqlsoup.command._problems import Problem, near, said_by

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection
    from sqlalchemy.orm import ORMExecuteState

_DIALECTS = ("postgresql", "mysql", "mariadb", "sqlite", "oracle", "mssql", "duckdb")

_IN_FILES = ("sqlite", "duckdb")
"""Their drivers create a file that is missing."""

_MAGIC = b"SQLite format 3\0"


def opened(
    text: str, schema: str | None, keys: Iterable[str], session: Session | None
) -> sqlsoup.SQLSoup:
    """Return a database that answers.

    :param text: its URL, or the path of a SQLite file.
    :param keys: what was given with ``--key``.
    :param session: a session of its own; None is that of all SQLSoup objects.
    :raises Problem: it is not there, or something in it that was named is not.
    """
    primary_keys = dict(map(_key, keys))
    url = _url(text)
    try:
        db = sqlsoup.SQLSoup(url, session=session, relationships=True, primary_keys=primary_keys)
    except NoSuchModuleError as error:
        name = url.drivername
        raise Problem(f"no database or driver is called {name!r}{near(name, _DIALECTS)}") from error
    except sqlsoup.SQLSoupError as error:
        raise Problem(str(error)) from error
    try:
        _interrupts.enable(db.engine)
        with _connected(db) as connection:
            if schema is not None:
                _check_schema(connection, schema)
        db.schema = schema
        for name in primary_keys:
            if name not in db:
                with catch_warnings(action="ignore"):  # about the same name
                    names = list(db)
                raise Problem(
                    f"--key {name}: there is no table or view of this name{near(name, names)}"
                )
    except BaseException:
        closed(db)
        raise
    return db


def views_of(db: sqlsoup.SQLSoup) -> set[str]:
    """Return the names of views and materialised views."""
    inspector = sqlalchemy.inspect(db.engine)
    names = {*inspector.get_view_names(db.schema)}
    with suppress(NotImplementedError):
        names.update(inspector.get_materialized_view_names(db.schema))
    return names


def session_of(db: sqlsoup.SQLSoup) -> Session:
    """Return the session of this thread."""
    session: Session = db.session() if isinstance(db.session, scoped_session) else db.session
    return session


def closed(db: sqlsoup.SQLSoup) -> None:
    """End the session, whose changes are rolled back, and close all connections."""
    db.session.close()
    db.engine.dispose()
    _interrupts.disable(db.engine)


def _connected(db: sqlsoup.SQLSoup) -> Connection:
    try:
        return db.engine.connect()
    except DBAPIError as error:
        said = " ".join(said_by(error).split())
    except Exception as error:  # noqa: BLE001 - drivers have errors of their own for a bad URL
        said = str(error)
    raise Problem(f"cannot connect to {shown(db)}: {said}; look at the parts of the URL")


def _check_schema(connection: Connection, schema: str) -> None:
    inspector = sqlalchemy.inspect(connection)
    if not inspector.has_schema(schema):
        names = inspector.get_schema_names()
        raise Problem(f"there is no schema {schema!r}{near(schema, names) or _listed(names)}")


def _listed(names: Iterable[str]) -> str:
    return f"; there are {', '.join(names)}"


def shown(db: sqlsoup.SQLSoup) -> str:
    """Return the URL of a database, without secrets."""
    return re.sub(r".*Engine\((.*?)\)+$", r"\1", repr(db))


def _url(text: str) -> URL:
    """Return the URL that is meant, after a look at its file if it has one."""
    if "://" in text:
        try:
            url = make_url(text)
        except Exception as error:  # a port that is no number is a ValueError
            raise Problem("this is no URL such as postgresql://user@host:5432/name") from error
    else:
        url = URL.create("sqlite", database=text)
        if not text:
            raise Problem(f"the URL is empty{_NO_URL}")
        if not Path(text).exists():
            path = re.sub(r":.*@", ":***@", text)  # of a URL without its beginning
            raise Problem(f"there is no file {path!r}{_file_near(text) or _NO_URL}")
    name = url.database or ""
    if url.get_backend_name() == "sqlite" and url.host:
        path = "/".join(filter(None, (url.host, name)))
        raise Problem(
            f"SQLite has no host {url.host!r}; a file has three slashes, sqlite:///{path}"
        )
    if url.get_backend_name() in _IN_FILES and name and ":memory:" not in name:
        _check_file(name, url)
    return url


_NO_URL = "; a database that is no file has a URL, as postgresql://user@host/name"


def _check_file(name: str, url: URL) -> None:
    if url.query.get("uri") and name.startswith("file:"):
        if url.query.get("mode") == "memory":
            return
        name = unquote(name.removeprefix("file:").removeprefix("//"))
    path = Path(name)
    if not path.exists():
        raise Problem(f"there is no file {name!r}{_file_near(name)}")
    if path.is_dir():
        raise Problem(f"{name!r} is a folder")
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        try:
            known = is_database(path)
        except OSError as error:
            raise Problem(f"cannot read {name!r}: {error.strerror}") from error
        if not known and path.stat().st_size:
            raise Problem(f"{name!r} is no SQLite database")


def is_database(path: Path) -> bool:
    """Tell if a file is a database of SQLite, and not an empty one."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _file_near(name: str) -> str:
    path = Path(name)
    try:
        return near(path.name, (other.name for other in path.parent.iterdir() if other.is_file()))
    except OSError:
        return ""


def _key(option: str) -> tuple[str, list[str]]:
    table, equals, columns = option.rpartition("=")
    if not (table and equals and columns):
        raise Problem(f"--key {option!r} is not TABLE=COLUMN or TABLE=COLUMN,COLUMN")
    return table, columns.split(",")


def streaming() -> Session:
    """Return a session that has rows of text sent as they are read, as those of queries are.

    MySQL and MariaDB can execute nothing else meanwhile, hence only what is executed alone there.
    """
    session = Session()
    event.listen(session, "do_orm_execute", _stream)
    return session


ALONE = "sqlsoup.command.alone"
"""What the info of a session says of an expression that is one call."""

_READS = re.compile(r"\s*(?:select|table|values)\b", re.IGNORECASE)


def _stream(state: ORMExecuteState) -> None:
    statement = state.statement
    reads = state.is_select or (isinstance(statement, TextClause) and _READS.match(statement.text))
    bind = state.session.get_bind(**state.bind_arguments)
    if reads and (bind.dialect.name == "postgresql" or state.session.info.get(ALONE)):
        state.update_execution_options(stream_results=True)
