"""All that is patched."""

from contextlib import suppress

from sqlalchemy import event
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Query

from sqlsoup.legacy import (
    _attributes,
    _backrefs,
    _bulk,
    _closing,
    _compiled,
    _configuring,
    _connection_begin,
    _connections,
    _ddl,
    _distinct,
    _dml,
    _engines,
    _extensions,
    _flushes,
    _joins,
    _keyed,
    _listeners,
    _loaders,
    _mappers,
    _metadata,
    _names,
    _null_kinds,
    _patch,
    _properties,
    _queries,
    _query_attributes,
    _query_loads,
    _query_rows,
    _quoted,
    _reflection,
    _results,
    _rows,
    _selects,
    _session_binds,
    _session_execute,
    _sessions,
    _sessions05,
    _statements,
    _subqueries,
    _threads,
    _transactions,
    _tuples,
    _urls,
    _values,
    _viewonly,
)

MODULES = (
    _attributes,
    _backrefs,
    _bulk,
    _closing,
    _compiled,
    _configuring,
    _connection_begin,
    _connections,
    _ddl,
    _distinct,
    _dml,
    _engines,
    _extensions,
    _flushes,
    _joins,
    _keyed,
    _listeners,
    _loaders,
    _mappers,
    _metadata,
    _names,
    _null_kinds,
    _properties,
    _queries,
    _query_attributes,
    _query_loads,
    _query_rows,
    _quoted,
    _reflection,
    _results,
    _rows,
    _selects,
    _session_binds,
    _session_execute,
    _sessions,
    _sessions05,
    _statements,
    _subqueries,
    _threads,
    _transactions,
    _tuples,
    _urls,
    _values,
    _viewonly,
)
"""The modules whose patches are planned when they are imported."""

_LISTENERS = ((Query, "before_compile", _mappers.keep_order, {"retval": True}),)


def apply() -> None:
    """Put the old forms in force."""
    _patch.apply()
    try:
        for target, name, listener, kw in _LISTENERS:
            event.listen(target, name, listener, **kw)
    except BaseException:
        undo()
        raise


def undo() -> list[str]:
    """Take them out again, and return the names of what the program has replaced since."""
    for target, name, listener, _ in _LISTENERS:
        with suppress(InvalidRequestError):  # it could not be added
            event.remove(target, name, listener)
    _query_loads.forget()
    return _patch.undo()
