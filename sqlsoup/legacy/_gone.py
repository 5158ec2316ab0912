"""Public names of SQLAlchemy 1.3 that have no successor: what became of each, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import result_tuple

from sqlsoup.legacy._frames import is_import_of_name

if TYPE_CHECKING:
    from types import FrameType

_RAISE = "write `raise error from cause`"
_COPY = "it was of SQLAlchemy's own use; define in the program what it needs"
_RESULT = "a result is a CursorResult, and reads its rows as the driver gives them"
_BAKED = "all statements are cached; leave it out"
_STRATEGY = "leave out strategy= of create_engine()"
_DDL = "derive from sqlalchemy.schema.ExecutableDDLElement"
_NEVER_SET = "write PASSIVE_RETURN_NO_VALUE"
_NO_EXTENSION = "write NotExtension.NOT_EXTENSION"
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

_PYTHON = {
    name: f"no name is needed for both Python 2 and 3; write {instead}"
    for name, instead in {
        "StringIO": "io.StringIO",
        "binary_type": "bytes",
        "byte_buffer": "io.BytesIO",
        "callable": "callable",
        "contextmanager": "contextlib.contextmanager",
        "int_types": "(int,)",
        "iterbytes": "iter",
        "itertools_filter": "filter",
        "itertools_filterfalse": "itertools.filterfalse",
        "jython": "False",
        "namedtuple": "collections.namedtuple",
        "next": "next",
        "parse_qsl": "urllib.parse.parse_qsl",
        "print_": "print",
        "py2k": "False",
        "py33": "True",
        "py36": "True",
        "py3k": "True",
        "quote_plus": "urllib.parse.quote_plus",
        "reduce": "functools.reduce",
        "string_types": "(str,)",
        "text_type": "str",
        "timezone": "datetime.timezone",
        "u": "the string as it is",
        "ue": "the string as it is",
        "unquote": "urllib.parse.unquote",
        "unquote_plus": "urllib.parse.unquote_plus",
        "with_metaclass": "`class A(Base, metaclass=Meta)`",
        "zip_longest": "itertools.zip_longest",
    }.items()
}
_COMPATIBLE = {
    **_PYTHON,
    "nested": "use contextlib.ExitStack",
    **_each(_RAISE, "raise_", "raise_from_cause", "reraise"),
    "safe_kwarg": _COPY,
}

_DIALECTS = {name: _PACKAGE.format(name) for name in ("firebird", "sybase")}

GONE: dict[str, dict[str, str]] = {
    "sqlalchemy": {
        "IdentityOptions": "import it from sqlalchemy.sql.schema",
    },
    "sqlalchemy.sql.expression": {
        "Generative": "import it from sqlalchemy.sql.base",
        "PARSE_AUTOCOMMIT": "leave it out, and commit() after the statement",
        "public_factory": _COPY,
    },
    "sqlalchemy.sql.visitors": {"VisitableType": "derive from sqlalchemy.sql.visitors.Visitable"},
    "sqlalchemy.schema": {
        "DDLBase": _DDL,
        "IdentityOptions": "import it from sqlalchemy.sql.schema",
    },
    "sqlalchemy.orm": {"public_factory": _COPY},
    "sqlalchemy.orm.identity": {
        "StrongInstanceDict": "keep the rows that a session is to keep in a list"
    },
    "sqlalchemy.orm.attributes": {"PASSIVE_RETURN_NEVER_SET": _NEVER_SET},
    "sqlalchemy.orm.base": {"PASSIVE_RETURN_NEVER_SET": _NEVER_SET, "NOT_EXTENSION": _NO_EXTENSION},
    "sqlalchemy.orm.interfaces": {"NOT_EXTENSION": _NO_EXTENSION},
    "sqlalchemy.orm.query": {"LockmodeArg": "write with_for_update()"},
    "sqlalchemy.sql.base": {"ImmutableColumnCollection": "write ReadOnlyColumnCollection"},
    "sqlalchemy.sql.ddl": {"DDLBase": _DDL},
    "sqlalchemy.sql.operators": {"div": "write operators.truediv"},
    "sqlalchemy.dialects.postgresql.ranges": {
        "RangeOperators": "derive from sqlalchemy.dialects.postgresql.AbstractRange"
    },
    "sqlalchemy.engine": {**_RESULTS, "default_strategy": _STRATEGY},
    "sqlalchemy.engine.result": {**_RESULTS, "rowproxy_reconstructor": _RESULT},
    "sqlalchemy.engine.base": {"Connectable": "ask for an Engine or a Connection"},
    "sqlalchemy.engine.strategies": _each(
        _STRATEGY,
        "DefaultEngineStrategy",
        "EngineStrategy",
        "PlainEngineStrategy",
        "ThreadLocalEngineStrategy",
    ),
    "sqlalchemy.engine.threadlocal": _each(
        "leave out strategy= of create_engine(), and pass one connection on",
        "TLConnection",
        "TLEngine",
    ),
    "sqlalchemy.engine.util": {"py_fallback": _COPY},
    "sqlalchemy.pool": _each(_POOL, "manage", "clear_managers"),
    "sqlalchemy.pool.dbapi_proxy": _each(_POOL, "manage", "clear_managers", "proxies"),
    "sqlalchemy.processors": _each(
        _COPY,
        "py_fallback",
        "to_conditional_unicode_processor_factory",
        "to_unicode_processor_factory",
    ),
    "sqlalchemy.databases": _DIALECTS,
    "sqlalchemy.dialects": _DIALECTS,
    "sqlalchemy.ext.baked": _each(
        _BAKED,
        "bake_lazy_loaders",
        "unbake_lazy_loaders",
        "baked_lazyload",
        "baked_lazyload_all",
    ),
    "sqlalchemy.ext.associationproxy": {
        "ASSOCIATION_PROXY": "write AssociationProxyExtensionType.ASSOCIATION_PROXY"
    },
    "sqlalchemy.ext.hybrid": {
        name: f"write HybridExtensionType.{name}" for name in ("HYBRID_METHOD", "HYBRID_PROPERTY")
    },
    "sqlalchemy.ext.horizontal_shard": {"ShardedResult": _RESULT},
    "sqlalchemy.util.compat": _COMPATIBLE,
    "sqlalchemy.util": {
        **_COMPATIBLE,
        "lightweight_named_tuple": "use collections.namedtuple",
        **_each(
            _COPY,
            "EnsureKWArgType",
            "ImmutableContainer",
            "ImmutableProperties",
            "dependencies",
            "group_expirable_memoized_property",
            "pending_deprecation",
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
