"""Mappers that are configured when their properties are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Mapper, configure_mappers

from sqlsoup.legacy._bases import NEW
from sqlsoup.legacy._frames import asking, is_of_today, is_ours
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import plan, replace, replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


def _configure(mapper: Any, frame: FrameType) -> bool:
    """Configure all mappers for a program that asks one, and tell if that was yet to be done."""
    is_new = not mapper.registry._new_mappers or issubclass(mapper.class_, NEW)
    if is_new or is_ours(frame) or is_of_today(frame):
        return False
    configure_mappers()
    is_done = not mapper.registry._new_mappers  # but not within an event of configuring
    if is_done:
        note("mapper-configure")
    return is_done


@replaced(Mapper, "get_property")
def _get_property(before: Callable[..., Any]) -> Callable[..., Any]:
    def get_property(mapper: Any, key: str, *args: Any, **kw: Any) -> Any:
        try:
            return before(mapper, key, *args, **kw)
        except InvalidRequestError:
            if not _configure(mapper, asking()):
                raise
            return before(mapper, key, *args, **kw)

    return get_property


@plan
def _iterate_properties() -> None:
    before: Any = vars(Mapper)["iterate_properties"].fget

    def iterate_properties(mapper: Any) -> Iterator[Any]:
        _configure(mapper, asking())
        return before(mapper)  # type: ignore[no-any-return]

    replace(Mapper, "iterate_properties", property(iterate_properties))
