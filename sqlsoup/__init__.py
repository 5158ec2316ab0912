"""Use an existing database as Python classes, with no model declared.

>>> import sqlsoup
>>> db = sqlsoup.SQLSoup("sqlite://")
"""

from sqlalchemy.exc import SQLAlchemyError

from sqlsoup._mapping import SelectableClassType, TableClassType
from sqlsoup._rows import as_dict, as_dicts, iter_dicts
from sqlsoup._session import Session
from sqlsoup._soup import SQLSoup, reflect, refresh
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
]

SqlSoup = SQLSoup
