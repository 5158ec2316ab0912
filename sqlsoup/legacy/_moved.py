"""Names and modules of SQLAlchemy 1.3 that have a successor, by which they work."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import sqlalchemy.engine.base
import sqlalchemy.engine.processors
import sqlalchemy.engine.result
import sqlalchemy.ext.declarative
import sqlalchemy.orm.clsregistry
import sqlalchemy.orm.decl_base
import sqlalchemy.orm.descriptor_props
import sqlalchemy.orm.interfaces
import sqlalchemy.orm.properties
import sqlalchemy.orm.query
import sqlalchemy.orm.session
import sqlalchemy.orm.strategy_options
import sqlalchemy.orm.util
import sqlalchemy.pool
import sqlalchemy.schema
import sqlalchemy.sql.base
import sqlalchemy.sql.elements
import sqlalchemy.sql.expression
import sqlalchemy.sql.schema
import sqlalchemy.sql.selectable
import sqlalchemy.sql.sqltypes
import sqlalchemy.types
import sqlalchemy.util
from sqlalchemy import exc
from sqlalchemy.orm.util import AliasedClass
from sqlalchemy.sql import visitors

import sqlsoup
from sqlsoup.legacy import (
    _extensions,
    _loaders,
    _properties,
    _proxies,
    _query_attributes,
    _subqueries,
    _threads,
    _urls,
)
from sqlsoup.legacy._gone import KeyedTuple
from sqlsoup.legacy._notes import note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType
    from typing import Self


def _renamed(old: str, new: Any, instead: str) -> Callable[..., Any]:
    def call(*args: Any, **kw: Any) -> Any:
        note("name", old=f"{old}()", instead=f"{instead}()")
        return new(*args, **kw)

    call.__name__ = call.__qualname__ = old
    return call


_EXTENSIONS = {
    "MapperExtension": (_extensions.MapperExtension, "mapper-extension"),
    "SessionExtension": (_extensions.SessionExtension, "session-extension"),
    "AttributeExtension": (_extensions.AttributeExtension, "attribute-extension"),
    "EXT_PASS": (sqlalchemy.orm.EXT_CONTINUE, "mapper-extension"),
}


def iterate_depthfirst(obj: Any, opts: Any = None) -> Iterator[Any]:
    """Give all parts of an expression, each before what it is part of."""
    for part in obj.get_children(**(opts or {})):
        yield from iterate_depthfirst(part, opts)
    yield obj


def traverse_depthfirst(obj: Any, opts: Any, functions: Any) -> Any:
    """Call functions with all parts of an expression, each before what it is part of."""
    return visitors.traverse_using(iterate_depthfirst(obj, opts), obj, functions)


_COMPARABLE = {"ComparableProperty": (_properties.ComparableProperty, "hybrid_property")}
_INSTRUMENTATION = (None, "sqlalchemy.ext.instrumentation")
"""Not imported before it is asked for, as that import changes how classes are instrumented."""

_SUBQUERY = {"subquery": (_subqueries.subquery, "select(...).subquery")}
_OF_DECLARATIVE = {
    "comparable_using": (_properties.comparable_using, "hybrid_property"),
    "instrument_declarative": (_properties.instrument_declarative, "registry().map_declaratively"),
}
_OF_SCHEMA = {
    "PassiveDefault": (sqlalchemy.DefaultClause, "DefaultClause"),
    "ThreadLocalMetaData": (_threads.ThreadLocalMetaData, "MetaData"),
}

_OF_SQLSOUP = (
    "SqlSoup", "SQLSoup", "TableClassType", "SelectableClassType", "Session", "PKNotFoundError",
    "EXT_CONTINUE", "Engine", "MetaData", "Table", "attributes", "class_mapper", "expression",
    "join", "object_session", "relationship", "schema", "scoped_session", "session",
    "sessionmaker", "sql", "util",
)  # fmt: skip
_OF_SQLSOUP_GONE: dict[str, Any] = {
    "mapper": getattr(sqlalchemy.orm, "mapper"),  # noqa: B009 - it is kept in order to raise
    "MapperExtension": _extensions.MapperExtension,
    "AutoAdd": _extensions.AutoAdd,
}
"""Names that the module of SQLSoup 0.9 had of SQLAlchemy: those that are there, and the others."""


def _now_in(module: ModuleType, *names: str) -> dict[str, tuple[Any, str]]:
    """Return names that are in another module now."""
    return {name: (getattr(module, name), f"{module.__name__}.{name}") for name in names}


_PRIVATE = (
    "BinaryExpression", "Case", "Cast", "Executable", "Exists", "Extract", "False_", "FromGrouping",
    "Grouping", "Label", "Null", "Over", "ScalarSelect", "SelectBase", "TextClause", "True_",
    "Tuple", "TypeClause", "UnaryExpression",
)  # fmt: skip
_OF_EXPRESSION = {
    "_BindParamClause": (sqlalchemy.BindParameter, "BindParameter"),
    "_Generative": (sqlalchemy.sql.base.Generative, "sqlalchemy.sql.base.Generative"),
    **{
        f"_{name.rstrip('_')}": (getattr(sqlalchemy.sql.expression, name), name)
        for name in _PRIVATE
    },
}
"""Classes under the names that they had before SQLAlchemy 0.9, and still in 1.3."""


NAMES: dict[ModuleType, dict[str, tuple[Any, str]]] = {
    sqlalchemy.orm: {
        **_EXTENSIONS,
        **{name: (value, "loader-old") for name, value in _loaders.GONE.items()},
        "relation": (_properties.relation, "relation"),
        "AliasedClass": (AliasedClass, "aliased"),
        "InstrumentationManager": _INSTRUMENTATION,
        "comparable_property": (_properties.ComparableProperty, "hybrid_property"),
        **_COMPARABLE,
        "compile_mappers": (
            _renamed("compile_mappers", sqlalchemy.orm.configure_mappers, "configure_mappers"),
            "configure_mappers",
        ),
    },
    sqlalchemy.orm.interfaces: {**_EXTENSIONS, "InstrumentationManager": _INSTRUMENTATION},
    sqlalchemy.orm.session: {"SessionExtension": _EXTENSIONS["SessionExtension"]},
    sqlalchemy.orm.util: _now_in(
        sqlalchemy.orm, "aliased", "join", "outerjoin", "with_polymorphic"
    ),
    sqlalchemy.orm.query: {
        **_now_in(sqlalchemy.orm, "Bundle", "aliased"),
        **{
            n: (kind, "query.column_descriptions") for n, kind in _query_attributes.ENTITIES.items()
        },
    },
    sys.modules["sqlalchemy.orm.mapper"]: _now_in(sqlalchemy.orm, "class_mapper"),
    sqlalchemy.ext.declarative: _OF_DECLARATIVE,
    sqlalchemy.sql: _SUBQUERY,
    sqlalchemy.sql.expression: {**_SUBQUERY, **_OF_EXPRESSION},
    sqlalchemy.sql.selectable: _SUBQUERY,
    visitors: {
        "iterate_depthfirst": (iterate_depthfirst, "visitors.iterate"),
        "traverse_depthfirst": (traverse_depthfirst, "visitors.traverse"),
    },
    sqlalchemy.sql.elements: _now_in(sqlalchemy, "between", "collate", "not_", "outparam"),
    exc: _now_in(sqlalchemy.orm.exc, "UnmappedColumnError"),
    sqlalchemy.orm.descriptor_props: _COMPARABLE,
    sqlalchemy.orm.properties: _COMPARABLE,
    sqlalchemy.orm.strategy_options: {
        name: (_loaders.GONE[name], "loader-old")
        for name in ("joinedload_all", "lazyload_all", "selectinload_all", "subqueryload_all")
    },
    sqlalchemy: {
        "Binary": (sqlalchemy.LargeBinary, "LargeBinary"),
        **_OF_SCHEMA,
        **_SUBQUERY,
    },
    sqlalchemy.types: {"Binary": (sqlalchemy.LargeBinary, "LargeBinary")},
    sqlalchemy.sql.sqltypes: {"Binary": (sqlalchemy.LargeBinary, "LargeBinary")},
    sqlalchemy.schema: _OF_SCHEMA,
    sqlalchemy.sql.schema: _OF_SCHEMA,
    sqlalchemy.engine: {"RowProxy": (sqlalchemy.Row, "Row")},
    sqlalchemy.engine.base: {"RowProxy": (sqlalchemy.Row, "Row")},
    sqlalchemy.engine.result: {
        "RowProxy": (sqlalchemy.Row, "Row"),
        "ResultProxy": (sqlalchemy.CursorResult, "CursorResult"),
    },
    sqlalchemy.util: {"KeyedTuple": (KeyedTuple, "Row")},
    sqlsoup: {
        "mapper": (_OF_SQLSOUP_GONE["mapper"], "mapper"),
        "MapperExtension": _EXTENSIONS["MapperExtension"],
        "AutoAdd": (_extensions.AutoAdd, "mapper-extension"),
        "py2k": (False, "nothing: it is False"),
        "string_types": ((str,), "str"),
    },
}
"""Names by module, with what they stand for and the form that is noted, or the new name."""


FROM_WHICH_ALL = (
    sqlalchemy,
    sqlalchemy.engine,
    sqlalchemy.orm,
    sqlalchemy.orm.interfaces,
    sqlalchemy.schema,
    sqlalchemy.sql,
    sqlalchemy.sql.expression,
    sqlalchemy.types,
    sqlsoup,
)
"""Modules of which programs import all names."""


class Errors(tuple[type[Exception], ...]):
    """Classes of errors that were one: for ``except``, and to be raised."""

    __slots__ = ()

    def __new__(cls, *classes: type[Exception]) -> Self:
        """Make it of the class that is raised, and others."""
        return super().__new__(cls, classes)

    def __call__(self, *args: object) -> Exception:
        return self[0](*args)


def _public(module: ModuleType) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if not name.startswith("_")}


MODULES: dict[str, tuple[dict[str, Any], ModuleType, str, str]] = {
    "sqlalchemy.ext.sqlsoup": (
        {
            **{name: getattr(sqlsoup, name) for name in _OF_SQLSOUP},
            **_OF_SQLSOUP_GONE,
            "relation": _properties.relation,
            "NoSuchTableError": exc.NoSuchTableError,
            "ArgumentError": Errors(exc.ArgumentError, sqlsoup.ArgumentError),
            "InvalidRequestError": Errors(exc.InvalidRequestError, sqlsoup.SQLSoupError),
            "SQLAlchemyError": Errors(exc.SQLAlchemyError, sqlsoup.SQLSoupError),
        },
        sqlalchemy.ext,
        "import-sqlsoup",
        "sqlsoup",
    ),
    "sqlalchemy.exceptions": (
        {n: v for n, v in vars(exc).items() if isinstance(v, type)},
        sqlalchemy,
        "name",
        "sqlalchemy.exc",
    ),
    "sqlalchemy.databases": (
        {
            **{name: name for name in ("mssql", "mysql", "oracle", "postgresql", "sqlite")},
            "postgres": "postgresql",
        },
        sqlalchemy,
        "name",
        "sqlalchemy.dialects",
    ),
    "sqlalchemy.interfaces": (
        {"ConnectionProxy": _proxies.ConnectionProxy, "PoolListener": _urls.PoolListener},
        sqlalchemy,
        "engine-listeners",
        "sqlalchemy.event",
    ),
    "sqlalchemy.processors": (
        _public(sqlalchemy.engine.processors),
        sqlalchemy,
        "name",
        "sqlalchemy.engine.processors",
    ),
    "sqlalchemy.engine.threadlocal": ({}, sqlalchemy.engine, "threadlocal", ""),
    "sqlalchemy.pool.dbapi_proxy": ({}, sqlalchemy.pool, "name", "sqlalchemy.pool"),
    "sqlalchemy.ext.declarative.api": (
        {
            **_public(sqlalchemy.ext.declarative),
            **{name: value for name, (value, _) in _OF_DECLARATIVE.items()},
        },
        sqlalchemy.ext.declarative,
        "name",
        "sqlalchemy.orm",
    ),
    "sqlalchemy.ext.declarative.base": (
        {
            **_public(sqlalchemy.orm.decl_base),
            "declared_attr": sqlalchemy.orm.declared_attr,
            "_declarative_constructor": sqlalchemy.orm.decl_base._declarative_constructor,
        },
        sqlalchemy.ext.declarative,
        "name",
        "sqlalchemy.orm.decl_base",
    ),
    "sqlalchemy.ext.declarative.clsregistry": (
        _public(sqlalchemy.orm.clsregistry),
        sqlalchemy.ext.declarative,
        "name",
        "sqlalchemy.orm.clsregistry",
    ),
    "sqlalchemy.orm.deprecated_interfaces": (
        {name: value for name, (value, _) in _EXTENSIONS.items()},
        sqlalchemy.orm,
        "mapper-extension",
        "",
    ),
}
"""Modules that are gone: their names, or dialects; where they were, and what is noted."""
