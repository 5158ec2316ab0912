"""What the database generates in new and changed rows, and what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import Table, TextClause, event, literal_column, null, text
from sqlalchemy.orm import object_session
from sqlalchemy.orm.attributes import get_history, set_attribute

from sqlsoup._corrections import CHANGE, COUNTS, IGNORE, MEDDLERS, REVISE, TIMED, noted
from sqlsoup._key_values import takes_place
from sqlsoup._sa import (
    FlushProcessor,
    kept_by_flush,
    may_replace_rows,
    rows_of,
    watch,
    watch_saved,
)
from sqlsoup.exc import SQLSoupError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Column, Connection
    from sqlalchemy.orm import Mapper, Session


def watch_rows(mapper: Mapper[Any]) -> None:
    """Store rows without the values of generated columns, and refuse those without a key.

    SQLAlchemy would send such values, as those of a copied row, and the database refuse them.  A
    key that is missing is NULL on SQLite, and an error that does not name it elsewhere.  Only
    mappers with such columns are listened to, and those of rows that take the place of a deleted
    one, which get the defaults.
    """
    table = mapper.local_table
    if not isinstance(table, Table) or mapper.inherits is not None:
        return
    generated = _attributes(mapper, filter(is_generated, table.columns))
    if generated:
        _leave_out(mapper, list(generated))
    for name in _attributes(mapper, (c for c in table.columns if noted(c, COUNTS))):
        event.listen(getattr(mapper.class_, name), "set", _count, raw=True, retval=True)
    timed: Any = (column for column in mapper.primary_key if noted(column, TIMED))
    for name, column in _attributes(mapper, timed).items():
        _set_time(mapper, name, text(f"SELECT {noted(column, TIMED)}"))
    meddlers = noted(table, MEDDLERS) or 0
    if mapper.eager_defaults is True:  # the user wants what comes with the INSERT, and no more
        meddlers &= IGNORE
    if meddlers:
        _Meddled(mapper, meddlers)
    _Replacing(mapper)
    wanted = _attributes(mapper, (c for c in table.primary_key if not comes_by_itself(c)))
    if wanted:
        _Wanted(mapper, wanted)
        return
    key = {*mapper.primary_key}
    wanted = _attributes(mapper, (c for c in table.columns if c in key and not comes_by_itself(c)))
    if wanted:
        _WantedInPart(mapper, wanted)


_STORED = "sqlsoup.stored"


class _Meddled(FlushProcessor):
    """Has rows read again where the database may have stored others than were given, or none."""

    def __init__(self, mapper: Mapper[Any], meddlers: int) -> None:
        super().__init__(mapper)
        table: Any = mapper.local_table
        key = {*mapper.primary_key}
        keys = [column for column in table.columns if column in key]
        others = [column for column in table.columns if column not in key]
        self._generated = [*_attributes(mapper, filter(comes_by_itself, keys))]
        self._others = [*_attributes(mapper, others)]
        self._meddlers = meddlers

    def begin(self, flush: Any) -> None:
        watch(flush, self)

    def sort(self, flush: Any, states: Iterable[Any], *, deletes: bool) -> None:
        if deletes:
            return
        stored = kept_by_flush(flush).setdefault(_STORED, [])
        for row in states:
            if row.key is not None:
                if self._meddlers & REVISE:
                    stored.append((row, self._others))
            else:
                # the database has told the key of a row that it stored
                told = any(row.dict.get(name) is None for name in self._generated)
                if self._meddlers & IGNORE and not told:
                    stored.append((row, None))
                elif self._meddlers & CHANGE:
                    stored.append((row, self._others))
        session = flush.session
        if stored and not event.contains(session, "after_flush_postexec", _read_again):
            event.listen(session, "after_flush_postexec", _read_again)


class _Replacing(FlushProcessor):
    """Has a new row with the key of one that the same flush deletes take the defaults.

    SQLAlchemy changes the old row into the new one, and leaves what was not given as it was.  The
    key of a relationship is known when the row is stored.
    """

    def __init__(self, mapper: Mapper[Any]) -> None:
        super().__init__(mapper)
        if any(column.foreign_keys for column in mapper.primary_key):
            event.listen(mapper, "before_insert", _with_key, raw=True)

    def begin(self, flush: Any) -> None:
        if may_replace_rows(flush.session):
            watch(flush, self)

    def sort(self, flush: Any, states: Iterable[Any], *, deletes: bool) -> None:
        mapper: Any = self.parent
        keys = set() if deletes else {row.key for row in rows_of(flush, mapper, deletes=True)}
        for row in states:
            if takes_place(row, keys):
                connection = flush.session.connection(bind_arguments={"mapper": mapper})
                _take_defaults(row, mapper, connection)


def _with_key(mapper: Mapper[Any], connection: Connection, row: Any) -> None:
    session: Any = row.session
    if may_replace_rows(session) and takes_place(row, session.identity_map):
        _take_defaults(row, mapper, connection)


def _take_defaults(row: Any, mapper: Mapper[Any], connection: Connection) -> None:
    columns: Any = mapper.local_table.columns
    left = (c for c in columns if not (c.primary_key or is_generated(c) or c.default))
    for name, column in _attributes(mapper, left).items():
        given = name in row.dict and column.type.should_evaluate_none
        value = None if given else _default(column, connection)
        if row.dict.get(name) is None and value is not None:
            set_attribute(row.obj(), name, value)


def _default(column: Column[Any], connection: Connection) -> Any:
    """Return what an UPDATE has for the default of a column, None where that is not known."""
    if column.server_default is None:
        return null()
    default_text = getattr(getattr(column.server_default, "arg", None), "text", None)
    if default_text is None:  # of a view, say
        return None
    if connection.dialect.name != "sqlite":
        return literal_column("DEFAULT")
    from sqlsoup._sqlite_values import default  # it imports SQLAlchemy's dialect for SQLite

    return default(default_text)


def _count(row: Any, value: Any, *_more: object) -> Any:
    """Return no value in place of a 0 that is set in a new row."""
    return None if isinstance(value, int | str) and value in _NOUGHT and row.key is None else value


_NOUGHT = 0, "0"


def _set_time(mapper: Mapper[Any], name: str, now: TextClause) -> None:
    """Have a key that the database would set at an UPDATE set before, as the row is found by it."""

    @event.listens_for(mapper, "before_update")
    def updating(_mapper: object, connection: Connection, row: Any) -> None:
        session: Any = object_session(row)
        given = get_history(row, name).has_changes()
        if not given and session.is_modified(row, include_collections=False):
            setattr(row, name, connection.scalar(now))


def _read_again(session: Session, flush: Any) -> None:
    for row, names in kept_by_flush(flush).get(_STORED, ()):
        if row.persistent and not session.is_modified(row.obj()):  # by another listener
            session.expire(row.obj(), names)


def _attributes(mapper: Mapper[Any], columns: Iterable[Column[Any]]) -> dict[str, Column[Any]]:
    mapped = set(mapper.columns)
    return {mapper.get_property_by_column(c).key: c for c in columns if c in mapped}


def is_generated(column: Column[Any]) -> bool:
    """Tell if the database takes no value for a column, which is no key."""
    always = column.identity is not None and column.identity.always and not column.primary_key
    return bool(always) or column.computed is not None


def comes_by_itself(column: Column[Any]) -> bool:
    """Tell if the database gives a new row a value for a column."""
    return (
        column is column.table.autoincrement_column
        or column.server_default is not None
        or column.default is not None
    )


def _leave_out(mapper: Mapper[Any], names: list[str]) -> None:
    @event.listens_for(mapper, "before_insert", raw=True)
    def inserting(_mapper: object, _connection: Connection, row: Any) -> None:
        for name in names:
            row.dict.pop(name, None)

    @event.listens_for(mapper, "before_update")
    def updating(_mapper: object, _connection: Connection, row: Any) -> None:
        session: Any = object_session(row)
        session.expire(row, names)


def refuse_generated(prop: Any) -> None:
    """Refuse rows for a relationship whose foreign key the database makes of other columns.

    SQLAlchemy would set the key, which is left out of the row that is stored.  Where a part of the
    key is not generated, that part is stored, and the database looks after the other.
    """
    keys = [key for _, key in prop.synchronize_pairs]
    if prop.viewonly or prop.secondary is not None or not all(map(is_generated, keys)):
        return

    def refuse(*_args: object, **_options: object) -> NoReturn:
        names = ", ".join(repr(f"{key.table.fullname}.{key.name}") for key in keys)
        raise SQLSoupError(
            f"{prop.parent.class_.__name__}.{prop.key} cannot be set: the database makes {names} "
            "of other columns of the row (GENERATED ALWAYS AS), set those"
        )

    for name in ("set", "append", "remove"):
        event.listen(prop.class_attribute, name, refuse)


class _Wanted(FlushProcessor):
    """Looks for new rows without a key when a flush begins.

    A listener for each row would cost it some 7 %.  It is there from the first row on that has no
    value yet, which may come from a relationship before the row is stored.
    """

    def __init__(self, mapper: Mapper[Any], wanted: dict[str, Column[Any]]) -> None:
        super().__init__(mapper)
        self._wanted = wanted
        self._listens = False

    def begin(self, flush: Any) -> None:
        watch_saved(flush, self)

    def sort(self, flush: object, states: Iterable[Any], *, deletes: bool) -> None:  # noqa: ARG002
        if deletes or self._listens:
            return
        for name in self._wanted:
            for row in states:
                if row.key is None and row.dict.get(name) is None:
                    self._listens = True
                    event.listen(self.parent, "before_insert", self._check, raw=True)
                    return

    def _check(self, mapper: Any, connection: Connection, row: Any) -> None:  # noqa: ARG002
        for name, column in self._wanted.items():
            if row.dict.get(name) is None:
                _refuse(name, column)


class _WantedInPart(_Wanted):
    """Looks for new rows that have no value at all for a key, of which a part may be NULL.

    SQLAlchemy (2.0, 2.1) takes a part that was not given for a value that it does not know, and
    does not find the row again.
    """

    def _check(self, mapper: Any, connection: Connection, row: Any) -> None:
        names = self._wanted.keys()
        alone = len(names) == len(mapper.primary_key)
        if alone and all(row.dict.get(name) is None for name in names):
            super()._check(mapper, connection, row)
        for name in names:
            row.dict.setdefault(name, None)


def _refuse(name: str, column: Any) -> NoReturn:
    full_name = f"{column.table.fullname}.{column.name}"
    # SQLite would make one even so (INTEGER PRIMARY KEY REFERENCES), and it would refer to anything
    reason = "refers to another row" if column.foreign_keys else "the database generates none"
    raise SQLSoupError(
        f"{full_name!r} wants a value: it is part of the primary key, and {reason}; give "
        f"the new row one, as in insert(**{{{name!r}: ...}})"
    )
