"""Rows of a class with subclasses in which nothing says of which they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import loading

from sqlsoup.legacy._bases import NEW
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import plan, replace

if TYPE_CHECKING:
    from collections.abc import Callable


@plan
def _loading() -> None:
    name = "_decorate_polymorphic_switch"
    replace(loading, name, _switching(getattr(loading, name)))


def _switching(before: Callable[..., Any]) -> Callable[..., Any]:
    def switch(of_class: Any, context: Any, entity: Any, mapper: Any, *args: Any, **kw: Any) -> Any:
        of_subclass = before(of_class, context, entity, mapper, *args, **kw)
        if of_subclass is of_class or issubclass(mapper.class_, NEW):
            return of_subclass

        def instance(row: Any) -> Any:
            try:
                return of_subclass(row)
            except InvalidRequestError as error:
                if not str(error).endswith(" is NULL"):
                    raise
                note("null-kind")
                return of_class(row)

        return instance

    return switch
