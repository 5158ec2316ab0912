"""The bases of classes that SQLAlchemy 1.3 did not have: what they do is new as well."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import DeclarativeBase, DeclarativeBaseNoMeta, MappedAsDataclass

NEW = (DeclarativeBase, DeclarativeBaseNoMeta, MappedAsDataclass)


def selects_new(statement: Any) -> bool:
    """Tell if a query or statement is of a class with such a base."""
    entities = (found["entity"] for found in statement.column_descriptions)
    return any(isinstance(each, type) and issubclass(each, NEW) for each in entities)
