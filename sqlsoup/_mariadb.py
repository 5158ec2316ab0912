"""Corrections of what SQLAlchemy reflects of MariaDB and MySQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Inspector

    from sqlsoup._corrections import Answers, Corrections


def unquote_names(_: Inspector, __: str | None, answers: Answers) -> None:
    """Undo the doubling of a backtick in the names of columns.

    SQLAlchemy 2.0 and 2.1 leave them as SHOW CREATE TABLE quotes them.
    """
    for answer in answers.values():
        for found in answer if isinstance(answer, list) else [answer]:
            for kind in ("constrained_columns", "column_names"):
                if kind in found:
                    found[kind] = [name.replace("``", "`") for name in found[kind]]
            if "type" in found and "nullable" in found:  # a column
                found["name"] = found["name"].replace("``", "`")


CORRECTIONS: Corrections = dict.fromkeys(
    ("columns", "pk_constraint", "foreign_keys", "indexes", "unique_constraints"), (unquote_names,)
)
