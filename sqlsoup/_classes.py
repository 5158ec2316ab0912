"""The metaclasses of mapped classes: what ``db.users`` itself can do."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from inspect import signature
from typing import TYPE_CHECKING, Any, Never, NoReturn, Protocol

from sqlalchemy import FromClause, inspect
from sqlalchemy import exc as sa_exc
from sqlalchemy.orm import InstanceState, Query

from sqlsoup._attributes import ASKED, no_attribute, offered, renamed, unknown, with_near
from sqlsoup._describe import Description
from sqlsoup._relate import holds, relate
from sqlsoup.exc import ParametersError, SQLSoupError, suggestion, warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import MetaData
    from sqlalchemy.orm import Session

    from sqlsoup._session import SessionSource


class _Related(Protocol):
    """The relationships that foreign keys imply for a class."""

    def add(self, cls: Any, name: str) -> bool: ...
    def names(self, cls: Any) -> Iterable[str]: ...


class Origin:
    """What a class has from the SQLSoup that made it.

    :param current: returns the session of this thread or scope.
    """

    def __init__(
        self,
        session: SessionSource,
        current: Callable[[], Session],
        metadata: MetaData,
        relationships: _Related | None,
    ) -> None:
        self.session, self.current = session, current
        self.metadata, self.relationships = metadata, relationships

    @cached_property
    def query_class(self) -> type[Query[Any]]:
        """The class of the session's queries."""
        return type(self.session.query())


class SelectableClassType(type):
    """The type of a class that is mapped to a join, an alias, a select or the like.

    Every method and attribute of the session's :class:`~sqlalchemy.orm.Query` class can be used on
    the class itself and starts a new query of it: ``db.users.filter_by(name="Joe").all()``.  A
    column or relationship of the same name comes first.
    """

    _sqlsoup: Origin
    _sqlsoup_plan: Any
    _sqlsoup_setter: Any
    """The method that adds an implied relationship before it is set, until all are known."""

    _sqlsoup_key: Sequence[Any]
    """The columns of the primary key where it was named, by the user or for a side of a join."""
    _sqlsoup_renamed: Mapping[str, str]
    """The attribute names of columns whose own names are reserved."""
    _table: FromClause

    def __call__(cls, /, *args: Any, **kwargs: Any) -> Any:
        """Make a row and add it to the session; a row whose constructor fails is not added."""
        return _new(cls, args, kwargs)

    def insert(cls, /, **kwargs: Any) -> Any:  # noqa: ARG002
        """Refuse: rows are inserted into tables.

        :raises SQLSoupError: always.
        """
        found = type(inspect(cls).local_table).__name__
        raise SQLSoupError(f"SQLSoup can only modify mapped Tables (found: {found})")

    def get(cls, ident: Any) -> Any:
        """Return the row with this primary key, or None; no SQL if the session has it.

        :param ident: value of the key.  For a key of several columns a tuple or list in their
         order, or a dict by attribute name.
        """
        origin = cls._sqlsoup
        try:
            if origin.query_class.get is not Query.get:
                return new_query(cls).get(ident)
            return None if ident is None else origin.current().get(cls, ident)
        except sa_exc.InvalidRequestError as error:
            raise with_near(error, cls, ident if isinstance(ident, dict) else ()) from None

    def filter_by(cls, /, *args: Any, **values: Any) -> Any:
        """Return a query of the rows that have these values.

        :param args: what a query class of the user's own takes.
        :param values: by the names of attributes.
        """
        for name in renamed(cls).keys() & values.keys():  # SQLAlchemy would compare a method
            raise sa_exc.InvalidRequestError(unknown(cls, name))
        try:
            return new_query(cls).filter_by(*args, **values)
        except sa_exc.InvalidRequestError as error:
            raise with_near(error, cls, values) from None

    def delete(cls, *criteria: Any, **options: Any) -> int:
        """Delete all rows, or those that meet the criteria, with one statement.

        :param criteria: SQL expressions, joined by AND.  A first argument that is a string or
         False is taken for ``synchronize_session``, as :meth:`sqlalchemy.orm.Query.delete` does.
        :param options: what :meth:`sqlalchemy.orm.Query.delete` takes.
        :return: number of rows, as counted by the database.
        :raises sqlalchemy.exc.ArgumentError: a criterion is none.

        .. versionchanged:: 1.0
           Criteria are accepted.
        """
        query = new_query(cls)
        if criteria and isinstance(criteria[0], str | bool):
            return query.delete(*criteria, **options)
        if criteria and isinstance(type(criteria[0]), SelectableClassType):
            raise ParametersError(
                f"{cls.__name__}.delete() takes conditions, not a row, which db.delete(row) deletes"
            )
        return query.filter(*criteria).delete(**options)

    def __getattr__(cls, name: str) -> Any:
        if not name.startswith("_") and hasattr(cls, "_table"):  # not while it is being mapped
            if name == "session" or hasattr(cls._sqlsoup.query_class, name):
                return getattr(new_query(cls), name)
            if name == "columns":
                return inspect(cls).columns
            if name != ASKED and cls._sqlsoup_relates(name):
                return getattr(cls, name)
        raise no_attribute(cls, name)

    def __getitem__(cls, item: object) -> NoReturn:
        """Refuse an index, or a loop over the class, and say where its rows are.

        :raises TypeError: always.
        """
        raise cls._sqlsoup_no_list()

    def __len__(cls) -> NoReturn:
        """Refuse ``len()`` in the same way.

        :raises TypeError: always.
        """
        raise cls._sqlsoup_no_list()

    def __bool__(cls) -> bool:
        return True

    def _sqlsoup_no_list(cls) -> TypeError:
        return TypeError(
            f"{cls.__name__} is a class, its rows are those of a query: for row in db.t.all(), "
            "db.t.limit(1).first(), db.t.get(key), db.t.count()"
        )

    def __clause_element__(cls) -> Any:
        """Return what stands for the class in a statement, as SQLAlchemy sees it."""
        return inspect(cls).__clause_element__()

    def __setattr__(cls, name: str, value: Any) -> None:
        if not holds(cls, name, value):
            super().__setattr__(name, value)

    def __dir__(cls) -> list[str]:
        own = [*super().__dir__()]
        if not hasattr(cls, "_table"):  # SQLAlchemy calls it while it maps the class
            return own
        return [*{*own, *offered(cls), *cls._sqlsoup_relationships()}]

    def _sqlsoup_relationships(cls) -> Iterable[str]:
        """Return the names of implied relationships, or none where the database cannot tell."""
        related = cls._sqlsoup.relationships
        with suppress(Exception):  # completion tells what it can
            return related.names(cls) if related else ()
        return ()

    def _sqlsoup_relates(cls, name: str) -> bool:
        """Tell if there is a relationship of this name; one that is implied is added first."""
        related = cls._sqlsoup.relationships
        return related is not None and related.add(cls, name)


def new_query(cls: SelectableClassType) -> Query[Any]:
    """Return a query of a class, whatever its columns are called."""
    if isinstance(cls, AmbiguousJoin):
        raise sa_exc.InvalidRequestError(cls._sqlsoup_problem)
    return cls._sqlsoup.session.query(cls)


class TableClassType(SelectableClassType):
    """The type of a class that is mapped to a table."""

    def insert(cls, /, *args: Never, **kwargs: Any) -> Any:
        """Make a row and add it to the session; the next flush or commit stores it.

        :param kwargs: values by the name of a column or relationship.  Any other name becomes a
         plain attribute of the row, with a :class:`.SQLSoupWarning`.
        :return: the row.  A key that the database generates is there after a flush.
        :raises TypeError: a value was given without a name.
        """
        return _new(cls, args, kwargs)

    def relate(cls, propname: str, *args: Any, **kwargs: Any) -> None:
        """Add a relationship to the class.

        :param propname: name of the new attribute.
        :param args: what :func:`sqlalchemy.orm.relationship` takes: first the other class.
        :param kwargs: likewise; ``secondary`` may be a mapped class.
        :raises sqlalchemy.exc.ArgumentError: the classes cannot be related so.  Neither of them
         has changed then.
        """
        relate(inspect(cls), propname, args, kwargs)


class AmbiguousJoin(SelectableClassType):
    """The type of a join whose tables share a column name: for with_labels(), or an error."""

    _sqlsoup_problem: str

    def __getattribute__(cls, name: str) -> Any:
        if name.startswith("_"):
            return super().__getattribute__(name)
        raise sa_exc.InvalidRequestError(cls._sqlsoup_problem)

    def __call__(cls, /, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002
        raise sa_exc.InvalidRequestError(cls._sqlsoup_problem)


class NewQuery:
    """The class attribute ``_query``."""

    def __get__(self, row: object, cls: SelectableClassType) -> Query[Any]:
        return new_query(cls)


_insert: Any = TableClassType.insert  # it takes positional arguments only to explain the error
_insert.__signature__ = signature(SelectableClassType.insert)

for _metaclass in (SelectableClassType, TableClassType, AmbiguousJoin):
    _documented: Any = _metaclass
    _documented.__doc__ = Description(_metaclass.__doc__)


_namespace: Any = type.__dict__["__dict__"].__get__
"""What a class has in itself, as ``vars()`` gives it, for what is done for each new row: a look-up
takes more than twice as long on a class whose metaclass has a ``__getattr__``.
"""


def _new(cls: SelectableClassType, args: Iterable[Any], values: dict[str, Any]) -> Any:
    own = _namespace(cls)
    try:
        origin, renamed = own["_sqlsoup"], own["_sqlsoup_renamed"]
    except KeyError:  # a class that the user derived
        origin, renamed = cls._sqlsoup, cls._sqlsoup_renamed
    if renamed:
        values = {renamed.get(name, name): value for name, value in values.items()}
    for name in values:
        if name not in own:
            _check_names(cls, values)
            break
    row = type.__call__(cls, *args, **values)
    session = origin.current()
    try:
        session.add(row)
    except BaseException:  # what it refers to cannot be stored; the session has the row already
        with suppress(sa_exc.InvalidRequestError):
            session.expunge(row)
        raise
    return row


def _check_names(cls: SelectableClassType, values: dict[str, Any]) -> None:
    """Warn of values that are not stored, and leave the state of another row out."""
    for name in [*values]:
        if any(name in vars(ancestor) for ancestor in cls.__mro__):
            continue
        if isinstance(values[name], InstanceState):  # vars(row) includes it
            del values[name]
        elif not cls._sqlsoup_relates(name):
            message = f"{cls.__name__} has no column or relationship {name!r}, it is not stored"
            warn(message + suggestion(name, inspect(cls).attrs.keys()))
