"""Every reach past SQLAlchemy's documented API.

Each says what it is for, where SQLAlchemy's source has what it uses, and when it may go.
"""

from __future__ import annotations

from typing import Any


def set_rowcount(context: Any, number: int) -> None:
    """Have SQLAlchemy take a number of rows for what the driver counted.

    SQLite does not count rows that INSTEAD OF triggers of a view change, and the ORM then raises an
    error after they were changed.  No option of a mapper or a connection says so; only a dialect
    can, for all tables.  ``DefaultExecutionContext.rowcount`` in ``engine/default.py`` asks the
    cursor where ``_rowcount`` is None.  It may go when the ORM's check can be turned off for a
    mapper, as ``confirm_deleted_rows`` does for DELETE.
    """
    context._rowcount = number
