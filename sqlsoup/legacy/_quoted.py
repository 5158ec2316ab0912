"""Values of MySQL's ENUM and SET that a program gives with quotes around each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects.mysql import ENUM, SET

from sqlsoup.legacy._frames import asking, is_ours
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import replaced

if TYPE_CHECKING:
    from collections.abc import Callable


@replaced(ENUM, "__init__")
@replaced(SET, "__init__")
def _init(before: Callable[..., Any]) -> Callable[..., Any]:
    def init(kind: Any, *values: Any, **kw: Any) -> None:
        if not is_ours(asking()):
            quoting = kw.pop("quoting", None)
            is_quoted = quoting == "quoted" or (quoting != "unquoted" and _are_quoted(values))
            if quoting or is_quoted:
                note(
                    "name",
                    old=f"{type(kind).__name__}() with quoted values, or quoting=",
                    instead="the values without quotes",
                )
            if is_quoted:
                values = tuple(map(_without_quotes, values))
        before(kind, *values, **kw)

    return init


def _are_quoted(values: tuple[Any, ...]) -> bool:
    """Tell if each value begins and ends with one and the same quote."""
    ends = {(value[:1], value[1:][-1:]) for value in values if isinstance(value, str)}
    return ends in ({("'", "'")}, {('"', '"')})


def _without_quotes(value: str) -> str:
    return value[1:-1].replace(value[0] * 2, value[0]) if value[:1] in ("'", '"') else value
