"""What the catalog of a database says: its tables, what is in them, and what refers to one."""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from functools import lru_cache, partial, wraps
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Inspector, inspect
from sqlalchemy import exc as sa_exc
from sqlalchemy.engine.reflection import ObjectKind, ObjectScope
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import quoted_name

from sqlsoup import _sa
from sqlsoup.exc import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from contextlib import AbstractContextManager

    from sqlsoup._corrections import Answer, Answers, Correction

    Connect = Callable[[], AbstractContextManager[Connection]]
    """Opens a connection on which the catalog is read."""


def _particulars(database: str) -> Any:
    """Return the module of corrections for a database, which imports SQLAlchemy's dialect."""
    if database == "sqlite":
        from sqlsoup import _sqlite

        return _sqlite
    if database == "postgresql":
        from sqlsoup import _postgresql

        return _postgresql
    if database in ("mysql", "mariadb"):
        from sqlsoup import _mariadb

        return _mariadb
    return None


def catalog(connection: Connection, names: Collection[str] = ()) -> Inspector:
    """Return an Inspector whose answers about tables are those of the database.

    Its ``get_multi_`` methods, which ``reflect_table()`` asks too, correct what SQLAlchemy makes of
    the catalog; see :mod:`sqlsoup._corrections`.  Its other methods for one table do not.

    :param names: the tables that will be asked for one by one; the first question about one of them
     is put for all, and the others are answered from that.
    """
    _hush()
    inspector: Any = inspect(connection)
    kind: Any = type(inspector)
    inspector.__class__ = _corrected(kind)
    vars(inspector).update(_sqlsoup_batch=frozenset(names), _sqlsoup_known={})
    return inspector  # type: ignore[no-any-return]


_KINDS = (
    "columns",
    "pk_constraint",
    "foreign_keys",
    "indexes",
    "unique_constraints",
    "table_comment",
    "check_constraints",
    "table_options",
)


@lru_cache
def _corrected(kind: Any) -> Any:
    """Return a subclass of a type of Inspector, whose answers are corrected.

    It is one for all, as an Inspector that referred to itself would be kept with its answers until
    garbage is collected.
    """
    methods = {f"get_multi_{what}": _asking(kind, what) for what in _KINDS}
    return type(kind.__name__, (kind,), methods)


def _asking(kind: Any, what: str) -> Callable[..., Answers]:
    own: Callable[..., Answers] = getattr(kind, f"get_multi_{what}")

    def ask(
        inspector: Any,
        schema: str | None,
        names: Collection[str] | None,
        options: dict[str, Any],
    ) -> Answers:
        particulars = _particulars(inspector.dialect.name)
        instead: Answer | None = getattr(particulars, "ANSWERS", {}).get(what)
        corrections: dict[str, Iterable[Correction]] = getattr(particulars, "CORRECTIONS", {})
        asked = partial(_in_its_place, own, inspector, schema, options)
        answers = instead(inspector, schema, names) if instead and names is not None else None
        if answers is None:
            answers = asked(names)
        elif left := [name for (_, name), answer in answers.items() if answer is None]:
            ours = {key: answer for key, answer in answers.items() if answer is not None}
            answers = {**ours, **asked(left)}
        for correct in corrections.get(what, ()):
            correct(inspector, schema, answers)
        return answers

    @wraps(own)
    def get_multi(
        self: Any,
        schema: str | None = None,
        filter_names: Collection[str] | None = None,
        kind: ObjectKind = ObjectKind.TABLE,
        scope: ObjectScope = ObjectScope.DEFAULT,
        **options: Any,
    ) -> Answers:
        options |= {"kind": kind, "scope": scope}
        batch, known = vars(self)["_sqlsoup_batch"], vars(self)["_sqlsoup_known"]
        if filter_names is None or not batch.issuperset(filter_names):
            return ask(self, schema, filter_names, options)
        if (what, schema) not in known:
            refused: dict[Any, Any] = {}
            options_of_all = {**options, "unreflectable": refused}
            try:
                answers = ask(self, schema, sorted(batch), options_of_all)
            except NotImplementedError:  # SQLite has no comments; SQLAlchemy would ask for each
                answers = {}
            known[what, schema] = answers, refused
        answers, refused = known[what, schema]
        asked = [(schema, name) for name in filter_names]
        options.get("unreflectable", {}).update({k: refused[k] for k in asked if k in refused})
        return {key: answers[key] for key in asked if key in answers}

    return get_multi


def _in_its_place(
    own: Callable[..., Answers],
    inspector: Any,
    schema: str | None,
    options: dict[str, Any],
    names: Collection[str] | None,
) -> Answers:
    """Ask SQLAlchemy of tables, and of temporary ones in the place where SQLite has them."""
    particulars = _particulars(inspector.dialect.name)
    temporary = getattr(particulars, "temporary", None)
    there = temporary(inspector, schema, names) if temporary and names else ()
    others = names if names is None else [name for name in names if name not in there]
    ask = partial(own, inspector, **options)
    answers = ask(schema=schema, filter_names=others) if others or not there else {}
    for (_, name), found in ask(schema="temp", filter_names=there).items() if there else ():
        answers[schema, name] = found
        for each in found if isinstance(found, list) else ():
            if "referred_schema" in each:
                each["referred_schema"] = None
    return answers


def _hush() -> None:
    """Ignore SQLAlchemy's warnings about reflection, whatever filters were added since.

    They are about what SQLSoup does not need, or corrects.  What the user should know is a
    :class:`.SQLSoupWarning`.  SQLAlchemy warns in the name of the first caller that is not its own.
    """
    module = re.compile(re.escape(__name__))
    if warnings.filters[:1] != [("ignore", None, sa_exc.SAWarning, module, 0)]:
        warnings.filterwarnings("ignore", "", sa_exc.SAWarning, module.pattern)


def reflect_table(inspector: Inspector, table: Any) -> None:
    """Fill an empty Table from a catalog, without the tables that it refers to."""
    inspector.reflect_table(table, None, resolve_fks=False)
    _sa.forget_options(table)
    particulars = _particulars(inspector.dialect.name)
    if particulars is not None:
        particulars.mark_updates(inspector, table)
        _quote(table, particulars.RESERVED)


def _quote(table: Any, words: frozenset[str]) -> None:
    """Have words quoted that are no names to the database otherwise."""
    for each in (table, *table.columns):
        if each.name in words:
            each.name = quoted_name(each.name, quote=True)
    if table.schema in words:
        table.schema = quoted_name(table.schema, quote=True)


def spelled(inspector: Inspector, table: Any) -> str:
    """Return the name of a reflected table as the database spells it."""
    particulars = _particulars(inspector.dialect.name)
    if table.primary_key or not hasattr(particulars, "spelled"):
        return str(table.name)
    return str(particulars.spelled(inspector, table.schema, table.name))


class Reference(NamedTuple):
    """A foreign key of some table."""

    schema: str | None
    table: str
    columns: tuple[str, ...]
    bare: bool = True
    """Whether the table may have nothing but foreign keys; True where it was not asked."""


def table_names(connection: Connection, schema: str | None) -> list[str]:
    """Return the names of tables, views, materialised views and foreign tables, sorted.

    :raises ArgumentError: no schema is meant.
    """
    if _is_nowhere(connection, schema):
        raise ArgumentError(
            "the connection is to no database: put its name at the end of the URL, or name it as "
            "the schema of a table"
        )
    particulars = _particulars(connection.dialect.name)
    if hasattr(particulars, "table_names"):
        return sorted(particulars.table_names(connection, schema))
    return sorted({*inspect(connection).get_table_names(schema), *view_names(connection, schema)})


def _is_nowhere(connection: Connection, schema: str | None) -> bool:
    """Tell if no schema is meant; SQLAlchemy fails where MySQL is connected to no database."""
    dialect = connection.dialect
    at_none = dialect.name in ("mysql", "mariadb") and dialect.default_schema_name is None
    return schema is None and at_none


def schemas_of(connection: Connection, name: str) -> list[str]:
    """Return the schemas that have a table or view of a name, where one statement can tell."""
    particulars = _particulars(connection.dialect.name)
    return sorted(particulars.schemas_of(connection, name)) if particulars else []


def view_names(connection: Connection, schema: str | None) -> set[str]:
    """Return the names of views and materialised views."""
    inspector = inspect(connection)
    names = {*inspector.get_view_names(schema)}
    with suppress(NotImplementedError):
        names.update(inspector.get_materialized_view_names(schema))
    return names


def locate(connection: Connection, name: str, schema: str | None) -> tuple[str | None, str] | None:
    """Return the schema and name of the table or view that a name means, or None.

    A name with a dot may be that of a table, which comes first, or ``schema.table``.
    """
    names = ((schema, name), *_split(name))
    return next((found for found in names if is_there(connection, *found)), None)


def is_there(connection: Connection, schema: str | None, name: str) -> bool:
    """Tell if there is a table or view; an impossible name is no error."""
    if _is_nowhere(connection, schema):
        return False
    try:
        if schema == "temp" and connection.dialect.name == "sqlite":  # SQLAlchemy looks not there
            return name in table_names(connection, schema)
        return inspect(connection).has_table(name, schema)
    except ValueError:  # no driver can send it: a NUL, or half of a surrogate pair
        return False
    except DBAPIError:  # the database refuses this name, or any statement
        with suppress(DBAPIError):  # which says less than the first error
            if not connection.invalidated:
                return _is_listed(connection, schema, name)
        raise


def may_be_there(connection: Connection, schema: str | None, name: str) -> bool:
    """Tell, after an error, if there may be a table or view of this name.

    There may if nothing more can be asked: the connection is lost, or the transaction has failed.
    What may wait for a lock on the table is asked last.
    """
    if connection.invalidated:
        return True
    try:
        return _is_listed(connection, schema, name) or is_there(connection, schema, name)
    except DBAPIError:
        return True


def _is_listed(connection: Connection, schema: str | None, name: str) -> bool:
    known = schema is None or schema in inspect(connection).get_schema_names()
    return known and name in table_names(connection, schema)


_DOTS = 8
"""How many dots in a name are tried as the one after a schema; each costs statements."""


def _split(name: str) -> Iterator[tuple[str, str]]:
    parts = name.split(".")
    for place in range(1, min(len(parts), _DOTS + 1)):
        schema, table = ".".join(parts[:place]), ".".join(parts[place:])
        if schema and table:
            yield schema, table


def references_to(connection: Connection, name: str, schema: str | None) -> list[Reference]:
    """Return the foreign keys that refer to a table, with one statement where there is one for it.

    On other databases than SQLite, PostgreSQL, MySQL and MariaDB it costs what SQLAlchemy needs
    for the foreign keys of a whole schema, and other schemas are not looked at.
    """
    return [found for _, found in _references(connection, name, schema)]


def all_references(connection: Connection, schema: str | None) -> dict[str, list[Reference]]:
    """Return the foreign keys that refer to the tables of a schema, by name of the table.

    On SQLite the names are in lower case, as they can be spelled in any.
    """
    found: dict[str, list[Reference]] = {}
    for name, reference in _references(connection, None, schema):
        found.setdefault(name, []).append(reference)
    return found


def _references(
    connection: Connection, name: str | None, schema: str | None
) -> Iterator[tuple[str, Reference]]:
    rows: Iterable[Any]
    particulars = _particulars(connection.dialect.name)
    if particulars is not None:
        # at once, for a cursor in the traceback of an interrupt would keep a lock on a SQLite file
        rows = list(particulars.references_to(connection, name, schema))
    else:
        rows = [
            (schema, child, key["name"] or place, key["referred_table"], column, True)
            for (_, child), keys in catalog(connection)
            .get_multi_foreign_keys(schema=schema)
            .items()
            for place, key in enumerate(keys)
            if key["referred_schema"] == schema and name in (None, key["referred_table"])
            for column in key["constrained_columns"]
        ]
    found = (
        (
            target.lower() if connection.dialect.name == "sqlite" else target,
            Reference(where, child, tuple(row[4] for row in key), bool(bare)),
        )
        for (where, child, _, target, bare), key in groupby(rows, lambda row: (*row[:4], row[5]))
    )
    return iter(dict.fromkeys(found))  # a key may be there twice
