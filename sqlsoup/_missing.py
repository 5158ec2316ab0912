"""The error for a table that is not there, and what may have been meant."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import SingletonThreadPool, inspect
from sqlalchemy.exc import SQLAlchemyError

from sqlsoup._catalog import schemas_of, table_names
from sqlsoup._engine import IN_MEMORY, file_of, shown_engine
from sqlsoup._foreign_keys import table_key
from sqlsoup.exc import NoSuchTableError, suggestion

if TYPE_CHECKING:
    from sqlalchemy import Connection


def missing(
    name: str, schema: str | None, connection: Connection, *, denied: bool = False
) -> NoSuchTableError:
    """Return the error, after asking the database what there is instead."""
    message = f"{table_key(schema, name)}: there is no table or view of this name"
    if denied:
        message += ", or it may not be read"
    with suppress(SQLAlchemyError, ValueError):  # the name cannot be sent, or the server is lost
        message += _instead(name, schema, connection)
    error = NoSuchTableError(message)
    error.name = name  # which keeps Python from making a suggestion of its own, from dir(db)
    return error


def _instead(name: str, schema: str | None, connection: Connection) -> str:
    inspector: Any = inspect(connection)
    try:
        names = table_names(connection, schema)
    except SQLAlchemyError:  # what SQLite and MariaDB say of a schema that is not there
        names = []
        if schema in inspector.get_schema_names():
            return ""
    elsewhere = [each for each in schemas_of(connection, name) if each != schema]
    if inspector.default_schema_name in elsewhere:
        elsewhere = [inspector.default_schema_name]
    if elsewhere:
        calls = " or ".join(f"db.entity({name!r}, schema={each!r})" for each in elsewhere[:_SHOWN])
        return f"; there is one in another schema: {calls}"
    if names:
        return suggestion(name, names)
    schemas = inspector.get_schema_names()
    if schema and schema.lower() not in {"temp", *map(str.lower, schemas)}:
        return f"; there is no schema {schema!r}{suggestion(schema, schemas)}"
    return f"; {_why_none(schema, connection)}"


_SHOWN = 3
"""How many schemas a message names."""


def _why_none(schema: str | None, connection: Connection) -> str:
    file = file_of(connection.engine)
    if file and not schema:
        if not Path(file).exists():
            return f"there is no file {file!r}"
        if not Path(file).stat().st_size:
            return f"the file {file!r} is new and empty"
    place = shown_engine(connection.engine)
    if connection.dialect.name == "postgresql":  # where other schemas are likely to have tables
        schema = schema or connection.dialect.default_schema_name
    if schema:
        place = f"the schema {schema!r} of {place}"
    elif isinstance(connection.engine.pool, SingletonThreadPool):
        place += f": {IN_MEMORY}"
    return f"there are no tables in {place}"
