"""Collections that are dicts, and have rows whose key is yet to be set."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import KeyFuncDict
from sqlalchemy.orm.base import NO_VALUE
from sqlalchemy.orm.mapped_collection import _AttrGetter

from sqlsoup.legacy._bases import NEW
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import replaced

if TYPE_CHECKING:
    from collections.abc import Callable


_names = vars(sys.modules[_AttrGetter.__module__])
MISSING = _names.get("Missing", _names.get("_UNMAPPED_AMBIGUOUS_NONE"))
"""What stands for the key None, under the name that it has in later releases or in early ones."""


@replaced(_AttrGetter, "__call__")
def _key(before: Callable[..., Any]) -> Callable[..., Any]:
    def key(getter: Any, row: Any) -> Any:
        found = before(getter, row)
        return MISSING if found is NO_VALUE and not isinstance(row, NEW) else found

    return key


@replaced(KeyFuncDict, "_raise_for_unpopulated")
def _without_key(before: Callable[..., Any]) -> Callable[..., Any]:
    def without_key(keyed: Any, row: Any, *args: Any, **kw: Any) -> None:
        """Let a row that has no key yet be that of None, as one whose key is None."""
        name = getattr(keyed.keyfunc, "attr_name", None)
        if name is None or name in vars(row) or isinstance(row, NEW):
            before(keyed, row, *args, **kw)
        else:
            note("keyed-none")

    return without_key
