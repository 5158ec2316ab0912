"""Use an existing database as Python classes, with no model declared.

>>> import sqlsoup
>>> db = sqlsoup.SQLSoup("sqlite://")
"""

from sqlalchemy.exc import SQLAlchemyError

from sqlsoup._ipython import load_ipython_extension as load_ipython_extension
from sqlsoup._ipython import unload_ipython_extension as unload_ipython_extension
from sqlsoup._mapping import SelectableClassType, TableClassType
from sqlsoup._rows import as_dict, as_dicts
from sqlsoup._session import Session
from sqlsoup._show import show
from sqlsoup._soup import SQLSoup, refresh
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
    "refresh",
    "as_dict",
    "as_dicts",
    "show",
]

SqlSoup = SQLSoup
