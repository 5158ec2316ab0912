"""Many rows at once, inserted or updated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping  # noqa: TC003 - documentation tools evaluate it
from contextlib import suppress
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, dialects, func, inspect, literal_column
from sqlalchemy.exc import OperationalError

from sqlsoup._classes import SelectableClassType  # noqa: TC001 - likewise
from sqlsoup._corrections import TIMED, noted
from sqlsoup._keys import unique_keys
from sqlsoup._write import Insert, no_value
from sqlsoup.exc import ArgumentError, SQLSoupError, suggestion

if TYPE_CHECKING:
    from sqlalchemy import Column


def upsert(table: SelectableClassType, rows: Iterable[Mapping[str, Any]], keys: Any = None) -> int:
    """Insert rows, and update those that are there already, without making objects of them.

    Of a row that is there, the columns that are given are updated.  If two of *rows* have the same
    key, the last one counts.  Objects of the session that show the table are read again when they
    are next used.  In all else it is like :func:`insert_many`.

    It works on SQLite, PostgreSQL, MySQL and MariaDB.

    :param table: the class of a table, as ``db.users``.
    :param rows: what :func:`insert_many` takes, with values for the keys in each.
    :param keys: a name, or names, of the attributes by which a row is found: the primary key, which
     is the default, or the columns of a unique constraint or index.
    :return: number of rows that were given.
    :raises ArgumentError: as :func:`insert_many` does; or *keys* are not unique in the database,
     or it is a database of another kind.  Nothing was sent then.
    :raises SQLSoupError: the class is not mapped to a table.  On MySQL and MariaDB also if a row
     is the same as one with another key, in a column that is unique too.

    .. versionadded:: 1.0
    """
    return _Upsert("upsert", table, keys).write(rows)


class _Upsert(Insert):
    """Rows on their way to a table that may hold them already."""

    def __init__(self, function: str, cls: SelectableClassType, keys: Any) -> None:
        super().__init__(function, cls)
        bind = self.session.get_bind(self.mapper, clause=self.table)
        self.dialect = bind.dialect.name
        if self.dialect not in _DIALECTS:
            raise ArgumentError(
                f"upsert() works on SQLite, PostgreSQL, MySQL and MariaDB, not on {self.dialect!r}"
            )
        if keys is None:
            keys = [n for n, column in self.columns.items() if column in self.mapper.primary_key]
        elif isinstance(keys, str) or hasattr(keys, "key"):
            keys = [keys]
        names = [getattr(key, "key", key) for key in keys]
        for name in names:
            if name not in self.known:
                raise ArgumentError(
                    f"keys: {self.name} has no column {name!r}" + suggestion(str(name), self.known)
                )
        self.keys = {self.known[name]: name for name in names}
        unique = [key for key in unique_keys(self.table) if key]
        given = {column.key for column in self.keys}
        if given not in unique:
            raise ArgumentError(
                f"keys: nothing in the database keeps two rows of {self.name} from having the same "
                f"{', '.join(map(str, names)) or 'key'}; unique are: "
                + ("; ".join(", ".join(sorted(key)) for key in unique) or "none")
            )
        self.others = [sorted(key) for key in unique if key != given]

    def wanted(self, columns: Mapping[str, Column[Any]]) -> list[str]:
        """Return the names of the columns that hold no NULL, those of the keys included."""
        wanted, known = super().wanted(columns), {c: n for n, c in columns.items()}
        for column, name in self.keys.items():
            if column not in known:
                raise no_value(0, name)
        return list(dict.fromkeys([*(known[column] for column in self.keys), *wanted]))

    def statement(self, columns: Mapping[str, Column[Any]]) -> Any:
        """Return the statement of the database in use."""
        dialect: Any = getattr(dialects, _DIALECTS[self.dialect])
        made = dialect.insert(self.table).inline()
        changed = [column.key for column in columns.values() if column not in self.keys]
        if self.dialect in {"mysql", "mariadb"}:
            # ON UPDATE of MariaDB would change the key of a row that is found by it
            kept = [c.key for c in self.keys if noted(c, TIMED) or c.server_onupdate]
            keys = changed + kept or [min(c.key for c in self.keys)]
            values = {key: _given(made, self.table.c[key]) for key in keys}
            if self.others:  # a row is found by any of these here
                same = and_(*(_given(made, column) == column for column in self.keys))
                key, value = values.popitem()
                values = {key: func.if_(same, value, literal_column(_FAILS)), **values}
            return made.on_duplicate_key_update(values)
        if not changed:
            return made.on_conflict_do_nothing(index_elements=[*self.keys])
        values = {key: made.excluded[key] for key in changed}
        return made.on_conflict_do_update(index_elements=[*self.keys], set_=values)

    def send(self, statement: Any, batch: list[dict[str, Any]]) -> None:
        """Execute the statement, and have the objects of these rows read again."""
        if self.dialect == "postgresql":  # which takes no row twice in one statement
            key_of = itemgetter(*(column.key for column in self.keys))
            with suppress(TypeError):  # a key that has no hash
                batch = list({key_of(row): row for row in batch}.values())
        try:
            super().send(statement, batch)
        except OperationalError as error:
            if "1242" not in str(error.orig) or not self.others:
                raise
            raise SQLSoupError(
                f"a row of {self.name} is there with other keys, and the same "
                f"{' or '.join(map(', '.join, self.others))}; nothing of these rows was stored"
            ) from error
        finally:
            self.expire()

    def expire(self) -> None:
        """Have objects that show the table read again, but for changes that are yet to be sent."""
        for row in self.session.identity_map.values():
            state: Any = inspect(row)
            if self.table in state.mapper.tables:
                self.session.expire(row, state.unmodified)


def _given(made: Any, column: Column[Any]) -> Any:
    """Return what a row that is given to MySQL or MariaDB has for a column.

    SQLAlchemy (2.0, 2.1) doubles a percent sign in its name twice.
    """
    return func.values(column) if "%" in column.name else made.inserted[column.key]


_DIALECTS = {"sqlite": "sqlite", "postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}
"""The modules that have the statement, which the dialect in use has imported."""
_FAILS = "(SELECT 1 UNION ALL SELECT 2)"
"""An expression of MySQL and MariaDB that fails if it is evaluated."""
