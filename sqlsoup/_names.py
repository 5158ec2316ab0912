"""Columns whose names are reserved, and the attribute names that they get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import FromClause


_PREFIXES = (
    "_sqlsoup",
    *(f"_sa_{name}" for name in ("instance", "class", "registry", "original", "apply", "decl")),
)


def is_taken(name: str) -> bool:
    """Tell if a name is reserved by Python, SQLAlchemy or SQLSoup.

    Python looks for special methods in the class of a row, whether it has them or not, and
    SQLAlchemy for ``__table__`` and others; ``__self`` is an argument of the constructor.
    """
    special = name.startswith("__") and name.endswith("__")
    return special or name == "__self" or name.startswith(_PREFIXES)


def other_names(selectable: FromClause, properties: Mapping[str, Any]) -> dict[str, str]:
    """Return the attribute names of columns whose own names are reserved, by those.

    Such a name is ``column`` and the column's own, with underscores behind until it is unique.
    Columns to which ``properties`` of the mapper give an attribute are left out.
    """
    found: dict[str, str] = {}
    for column in selectable.c:
        if is_taken(column.key) and not any(column is given for given in properties.values()):
            name = f"column{column.key}"
            while name in selectable.c or name in properties:
                name += "_"
            found[column.key] = name
    return found


def refuse_names(
    base: Any, setter: Callable[[Any, str, Any], None] | None
) -> Callable[[Any, str, Any], None]:
    """Return a ``__setattr__`` that refuses the reserved name of a column."""

    def set_attribute(self: Any, name: str, value: Any) -> None:
        other = type(self)._sqlsoup_renamed.get(name)
        if other is not None and not name.startswith("_sa_"):  # SQLAlchemy sets those itself
            raise AttributeError(
                f"the column {name!r} of {type(self).__name__} is the attribute {other!r}, since "
                "its name is reserved by Python or SQLAlchemy"
            )
        (setter or base.__setattr__)(self, name, value)

    return set_attribute
