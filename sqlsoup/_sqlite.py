"""Corrections of what SQLAlchemy reflects of SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlsoup._corrections import Corrections

CORRECTIONS: Corrections = {}
