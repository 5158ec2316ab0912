"""Public names of SQLAlchemy 1.3 that have no successor: what became of each, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import result_tuple

from sqlsoup.legacy._frames import asking, is_import_of_name, is_named
from sqlsoup.legacy._notes import note

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

PROXY = "listen to the events of the engine, such as 'before_execute' and 'before_cursor_execute'"
"""What to do for a ConnectionProxy, and for ``create_engine(proxy=)``."""

_SUBQUERY = "write select(...).subquery('name')"
_RAISE = "write `raise error from cause`"
_COPY = "it was of SQLAlchemy's own use; define in the program what it needs"
_RESULT = "a result is a CursorResult, and reads its rows as the driver gives them"
_BAKED = "all statements are cached; leave it out"
_STRATEGY = "leave out strategy= of create_engine()"
_POOL = "make a pool with QueuePool(lambda: driver.connect(...))"
_PACKAGE = "SQLAlchemy has no dialect of it; install the package sqlalchemy-{}, which has one"


def _each(text: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, text)


_RESULTS = _each(
    _RESULT,
    "BaseRowProxy",
    "BufferedColumnResultProxy",
    "BufferedColumnRow",
    "BufferedRowResultProxy",
    "FullyBufferedResultProxy",
)

GONE: dict[str, dict[str, str]] = {
    "sqlalchemy": {
        "subquery": _SUBQUERY,
        "IdentityOptions": "import it from sqlalchemy.sql.schema",
    },
    "sqlalchemy.sql": {"subquery": _SUBQUERY},
    "sqlalchemy.sql.expression": {
        "subquery": _SUBQUERY,
        "Generative": "import it from sqlalchemy.sql.base",
        "PARSE_AUTOCOMMIT": "leave it out, and commit() after the statement",
        "public_factory": _COPY,
    },
    "sqlalchemy.sql.elements": {
        **{n: f"import it from sqlalchemy: {n}" for n in ("between", "collate", "outparam")},
        "not_": "import it from sqlalchemy: not_",
    },
    "sqlalchemy.sql.selectable": {"subquery": _SUBQUERY},
    "sqlalchemy.sql.visitors": {
        "VisitableType": "derive from sqlalchemy.sql.visitors.Visitable",
        **_each("use iterate() or traverse()", "iterate_depthfirst", "traverse_depthfirst"),
    },
    "sqlalchemy.schema": {
        "DDLBase": "derive from sqlalchemy.schema.ExecutableDDLElement",
        "IdentityOptions": "import it from sqlalchemy.sql.schema",
    },
    "sqlalchemy.orm": {"public_factory": _COPY},
    "sqlalchemy.orm.util": {
        n: f"import it from sqlalchemy.orm: {n}"
        for n in ("aliased", "join", "outerjoin", "with_polymorphic")
    },
    "sqlalchemy.orm.identity": {
        "StrongInstanceDict": "keep the rows that a session is to keep in a list"
    },
    "sqlalchemy.engine": _RESULTS,
    "sqlalchemy.engine.result": {**_RESULTS, "rowproxy_reconstructor": _RESULT},
    "sqlalchemy.engine.base": {"Connectable": "ask for an Engine or a Connection"},
    "sqlalchemy.engine.strategies": _each(
        _STRATEGY,
        "DefaultEngineStrategy",
        "EngineStrategy",
        "PlainEngineStrategy",
        "ThreadLocalEngineStrategy",
    ),
    "sqlalchemy.pool": _each(_POOL, "manage", "clear_managers"),
    "sqlalchemy.interfaces": {"ConnectionProxy": PROXY},
    "sqlalchemy.dialects": {n: _PACKAGE.format(n) for n in ("firebird", "sybase")},
    "sqlalchemy.ext.baked": _each(
        _BAKED,
        "bake_lazy_loaders",
        "unbake_lazy_loaders",
        "baked_lazyload",
        "baked_lazyload_all",
    ),
    "sqlalchemy.ext.declarative": {
        "comparable_using": "write a hybrid_property with a comparator of its own",
        "instrument_declarative": "write registry().map_declaratively(cls)",
    },
    "sqlalchemy.util": {
        "u": "write the string as it is",
        "ue": "write the string as it is",
        "with_metaclass": "write `class A(Base, metaclass=Meta)`",
        "nested": "use contextlib.ExitStack",
        "lightweight_named_tuple": "use collections.namedtuple",
        **_each(_RAISE, "raise_", "raise_from_cause", "reraise"),
        **_each(
            _COPY,
            "EnsureKWArgType",
            "ImmutableContainer",
            "ImmutableProperties",
            "dependencies",
            "group_expirable_memoized_property",
            "pending_deprecation",
            "safe_kwarg",
            "warn_pending_deprecation",
        ),
    },
}
"""What to do instead of each name, by module."""


class _Rows(type):
    """The class of what a query gave for several columns: rows are of it, and it makes some."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, sa.Row)

    def __call__(cls, values: Any, labels: Any = None) -> Any:
        return result_tuple(list(labels or ()))(tuple(values))


class KeyedTuple(tuple[Any, ...], metaclass=_Rows):
    """A row, under the name that it had in sqlalchemy.util."""

    __slots__ = ()


def error(module: str, name: str, frame: FrameType) -> Exception:
    """Return what to raise where a frame asks a module for a name that it does not have."""
    instead = GONE.get(module, {}).get(name)
    if instead is None:
        return AttributeError(f"module {module!r} has no attribute {name!r}")
    text = f"SQLAlchemy 2 has no {module}.{name}: {instead}"
    # only an ImportError of a module reaches `from module import name` with its own words
    return ImportError(text) if is_import_of_name(frame) else AttributeError(text)


def getattr_of(module: str) -> Callable[[str], Any]:
    """Return what a module of SQLAlchemy is to ask for the names that it does not have."""

    def __getattr__(name: str) -> Any:  # noqa: N807 - what Python asks a module for
        frame = asking()
        if (module, name) == ("sqlalchemy.util", "KeyedTuple"):
            if is_named(frame, name):
                note("name", old="KeyedTuple", instead="Row")
            return KeyedTuple
        raise error(module, name, frame)

    return __getattr__
