"""Use an existing database as Python classes, with no model declared.

>>> import sqlsoup
>>> db = sqlsoup.SQLSoup("sqlite://")
"""

# Beside its own names the module has those that it had in 0.9, where programs found them.
from sqlalchemy import Engine, MetaData, Table, join, schema, sql  # noqa: F401
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import (  # noqa: F401
    EXT_CONTINUE,
    attributes,
    class_mapper,
    object_session,
    relationship,
    scoped_session,
    session,
    sessionmaker,
)
from sqlalchemy.sql import expression  # noqa: F401

from sqlsoup._all_tables import reflect, refresh
from sqlsoup._classes import SelectableClassType, TableClassType
from sqlsoup._ipython import load_ipython_extension as load_ipython_extension
from sqlsoup._ipython import unload_ipython_extension as unload_ipython_extension
from sqlsoup._rows import as_dict, as_dicts, iter_dicts
from sqlsoup._sa import util  # noqa: F401
from sqlsoup._session import Session
from sqlsoup._show import show
from sqlsoup._soup import SQLSoup
from sqlsoup._upsert import upsert
from sqlsoup._write import insert_many
from sqlsoup.exc import (
    ArgumentError,
    NoSuchTableError,
    PKNotFoundError,
    SQLSoupDeprecationWarning,
    SQLSoupError,
    SQLSoupWarning,
)

__version__ = "1.0.0"

__all__ = [
    "SQLSoupError",
    "SQLSoup",
    "SelectableClassType",
    "TableClassType",
    "Session",
    "ArgumentError",
    "NoSuchTableError",
    "SQLSoupWarning",
    "SQLSoupDeprecationWarning",
    "SqlSoup",
    "PKNotFoundError",
    "SQLAlchemyError",
    "reflect",
    "refresh",
    "as_dict",
    "as_dicts",
    "iter_dicts",
    "insert_many",
    "upsert",
    "show",
]

SqlSoup = SQLSoup
