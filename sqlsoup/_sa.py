"""Every reach past SQLAlchemy's documented API, with its reason.

Each says what it is for, where SQLAlchemy's source has what it uses, and when it may go: this is
what to read again when a release of SQLAlchemy is new.  There are none elsewhere but those of
:mod:`sqlsoup.legacy`.  They are in order of their subject: sessions, statements, tables, classes,
relationships, flushes.
"""

from __future__ import annotations

import sys
import warnings
from abc import ABC, abstractmethod
from functools import cache, cached_property, partial
from operator import attrgetter
from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from sqlalchemy import BindParameter, ClauseElement, RowMapping, Select, Table, event
from sqlalchemy import util as util  # noqa: PLC0414 - sqlsoup.util, which 0.9 had
from sqlalchemy.exc import SAWarning
from sqlalchemy.orm import (
    CascadeOptions,
    PassiveFlag,
    RelationshipProperty,
    Session,
    decl_api,
    instrumentation,
    registry,
    relationship,
    relationships,
    unitofwork,
)
from sqlalchemy.orm.session import SessionTransactionState
from sqlalchemy.sql import expression, visitors
from sqlalchemy.sql.expression import BinaryExpression, ColumnClause

from sqlsoup._compare import are_loose
from sqlsoup._key_values import takes_place
from sqlsoup._locks import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Column, ForeignKey, MetaData
    from sqlalchemy.orm import InstanceState, Mapper, SessionTransaction
    from sqlalchemy.sql.base import ReadOnlyColumnCollection


def finish_rollback(session: Any, root: SessionTransaction | None) -> None:
    """Roll a session back in which something was interrupted; ``rollback()`` was called before.

    An exception between two lines of ``Session.commit()``, ``rollback()`` or ``flush()`` (of a
    signal, or a RecursionError) can leave its transaction between two states, which every later
    call refuses, ``rollback()`` and ``close()`` as well (``_StateChange`` in
    ``orm/state_changes.py``); or leave the session without the transaction whose connections are
    yet to be given back, or ``_flushing``.  Here the transaction is made an active one again.  See
    https://github.com/sqlalchemy/sqlalchemy/issues/13356 for one such state.  It may go when
    ``rollback()`` works in every state.
    """
    session._flushing = False
    transaction: Any = session._transaction or root
    if transaction is None or transaction._state is SessionTransactionState.CLOSED:
        return
    session._transaction = transaction
    while transaction is not None:
        for name in ("_next_state", "_current_fn"):  # the class has what holds between two calls
            vars(transaction).pop(name, None)
        transaction._state = SessionTransactionState.ACTIVE
        transaction = transaction._parent
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # of what was rolled back already
        session.rollback()


binds_of: Callable[[Session], Any] = attrgetter(
    "binds" if hasattr(Session(), "binds") else "_Session__binds"
)
"""Returns the binds of tables and classes that a session was given, which may be none.

Only 2.1 has them by a public name (``Session`` in ``orm/session.py``).  It may go with 2.0.
"""


def is_out_of_reach(transaction: Any) -> bool:
    """Tell if a transaction has a connection that is to be awaited, where nothing can be.

    A commit or rollback there, outside of ``run_sync()``, raises MissingGreenlet, and SQLAlchemy
    gives the connection up as it is: the server goes on with the transaction and its locks
    (``_finalize_fairy`` in ``pool/base.py``; connections are in ``_connections`` of
    ``SessionTransaction`` in ``orm/session.py``, ``in_greenlet()`` in ``util/concurrency.py``).  It
    may go when SQLAlchemy keeps such a connection.
    """
    if transaction is not None:
        for entry in transaction._connections.values():
            if entry[0].dialect.is_async:
                from sqlalchemy.util.concurrency import in_greenlet  # which needs greenlet

                return not in_greenlet()
    return False


def unseen(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that SQLAlchemy does not take for the program when it warns.

    A warning is given at the line of the first function whose module has another name than those of
    SQLAlchemy (``_warnings_warn()`` in ``util/langhelpers.py``).  All queries call what stands for
    ``Session.execute()``, and the program is further above.  It may go when that can be said.
    """
    return FunctionType(
        function.__code__,
        _named_as_theirs(function.__module__),
        argdefs=function.__defaults__,
        closure=function.__closure__,
    )


@cache
def _named_as_theirs(module: str) -> dict[str, Any]:
    """Return the global names of a module, with a name that may be one of SQLAlchemy's."""
    return {**vars(sys.modules[module]), "__name__": UNSEEN}


UNSEEN = "sqlalchemy.sqlsoup"
"""The name of the module of a function that ``unseen()`` has made."""


def set_rowcount(context: Any, number: int) -> None:
    """Have SQLAlchemy take a number of rows for what the driver counted.

    SQLite does not count rows that INSTEAD OF triggers of a view change, and the ORM then raises an
    error after they were changed.  No option of a mapper or a connection says so; only a dialect
    can, for all tables.  ``DefaultExecutionContext.rowcount`` in ``engine/default.py`` asks the
    cursor where ``_rowcount`` is None.  It may go when the ORM's check can be turned off for a
    mapper, as ``confirm_deleted_rows`` does for DELETE.
    """
    context._rowcount = number


def names_in(row: Any) -> list[str]:
    """Return the names of the columns of a row; one that has none is called after its place.

    ``keys()`` leaves it out: it has no name in a Query if it is calculated, or an alias of a class.
    Where the others are is in ``BaseRow._key_to_index`` in ``engine/row.py``.  It may go when rows
    have as many keys as values.
    """
    names = list(row.keys() if isinstance(row, RowMapping) else row._fields)
    if len(names) == len(row):
        return names
    places = {row._key_to_index[name]: name for name in names}
    return [places.get(place, f"column_{place + 1}") for place in range(len(row))]


def is_plain(statement: object) -> bool:
    """Tell if a SELECT is so plain that a glance shows tables of one MetaData alone.

    What ``get()``, ``filter_by()`` and a relationship ask for is: columns compared with values.  To
    visit such a statement by ``visitors.iterate()`` takes ten times as long, a tenth of what
    executing it takes.  What a Select was given stands in its ``__dict__`` as tuples, lists and
    clauses (``sql/selectable.py``).  It may go when SQLAlchemy visits statements faster.
    """
    if type(statement) is not Select:
        return False
    metadata = None
    pending: list[Any] = []
    for name, value in statement.__dict__.items():
        if value.__class__ is tuple or value.__class__ is list:
            pending += value
        elif isinstance(value, ClauseElement) and name != "_is_clone_of":
            pending.append(value)
    for element in pending:
        source = element
        if isinstance(element, BinaryExpression):
            pending.append(element.left)
            pending.append(element.right)
            continue
        if isinstance(element, BindParameter):
            continue
        if isinstance(element, ColumnClause):
            source = element.table
        if not isinstance(source, Table) or source.metadata is not (metadata or source.metadata):
            return False
        metadata = source.metadata
    return True


def add_table(metadata: MetaData, table: Table) -> None:
    """Put a table that is complete, and its schema, into a MetaData.

    The constructor of a Table and ``to_metadata()`` put it there before it has its columns, by the
    same step (``MetaData._add_table`` in ``sql/schema.py``).  It may go when a Table is added as
    its last step.
    """
    metadata._add_table(table.name, table.schema, table)


def forward_column(metadata: MetaData, inspector: Any, table: Table, column: Any) -> None:
    """Have the listeners to ``column_reflect`` of a MetaData hear of a column.

    It is reflected into another MetaData.  ``Inspector._reflect_column`` in
    ``engine/reflection.py`` calls ``dispatch`` so.  It may go with ``add_table()``, which makes the
    other MetaData necessary.
    """
    dispatch: Any = metadata.dispatch
    dispatch.column_reflect(inspector, table, column)


def forget_options(table: Table) -> None:
    """Give back the memory of the options of a reflected table that has none.

    ``Inspector.reflect_table()`` in ``engine/reflection.py`` looks at them, which makes the dict
    that is memoized in ``DialectKWArgs.dialect_options`` (``sql/base.py``); it is made anew when
    it is needed: half a kilobyte of the 43 that a small table and its class take.  It may go when
    looking makes none.
    """
    if not table.dialect_kwargs:
        vars(table).pop("dialect_options", None)


def noted(item: Any, name: str) -> Any:
    """Return what the ``info`` of a table, a column or a key has under a name, or None.

    Asking for ``info`` makes a dict where there is none, memoized by ``SchemaItem.info`` in
    ``sql/schema.py``: one part in a hundred of the memory that a small table and its class take.
    It may go when asking makes none.
    """
    return vars(item).get("info", {}).get(name)


def forget_target(key: ForeignKey) -> Column[Any] | None:
    """Have a foreign key look for its column again; return the one that it had found, if any.

    ``ForeignKey.column`` is memoized in ``sql/schema.py`` and leads to a Table that may have been
    removed from its MetaData since.  It may go when removing a table makes the keys to it look
    again.
    """
    found: Column[Any] | None = vars(key).pop("column", None)
    return found


def set_target(key: ForeignKey, column: Column[Any]) -> None:
    """Have a foreign key refer to a column without looking for it; see ``forget_target()``."""
    vars(key)["column"] = column


def collection(columns: list[tuple[str, Any]]) -> ReadOnlyColumnCollection[str, Any]:
    """Return a collection of columns by other names than their own, like ``Table.c``.

    On 2.0 a ``ColumnCollection`` can be made by hand; on 2.1 only a subclass of it, which is not
    documented (``WriteableColumnCollection`` in ``sql/base.py``).  It may go when that is.
    """
    kind: Any = getattr(expression, "WriteableColumnCollection", expression.ColumnCollection)
    made: ReadOnlyColumnCollection[str, Any] = kind(columns).as_readonly()
    return made


def read_through(mapper: Mapper[Any], key: str, reader: Callable[[Any, str, Any], Any]) -> None:
    """Have a function make what is read of an attribute out of what the row has.

    No event comes when an attribute is read, and those of a load are paid for by every row.  So the
    attribute of the class becomes one of a subclass, which differs in ``__get__`` alone
    (``InstrumentedAttribute`` in ``orm/attributes.py``).  It may go when there is such an event.
    """
    attribute: Any = mapper.class_manager[key]
    own: Any = type(attribute)

    class ReadThrough(own):  # type: ignore[misc]
        __slots__ = ()
        inherit_cache = True

        def __get__(self, row: Any, owner: Any) -> Any:
            value = own.__get__(self, row, owner)
            return value if row is None else reader(row, key, value)

    attribute.__class__ = ReadThrough


def return_keys_alone(mapper: Mapper[Any]) -> None:
    """Have an INSERT ask for the columns of the key that the database makes, and for no others.

    A mapper whose key is not that of its table asks for all defaults with it, or for none (the
    option ``eager_defaults``), and raises FlushError where a trigger ignores a row, though its key
    was given.  Which columns have one is memoized (``Mapper._server_default_cols`` in
    ``orm/mapper.py``).  It may go when a named key is asked for as that of a table is.
    """
    it: Any = mapper
    made = (column for column in mapper.primary_key if column.server_default is not None)
    vars(it)["_server_default_cols"] = {mapper.local_table: frozenset(made)}


class _Names(dict[str, Any]):
    """The classes of a registry by their names, kept alive by others; see ``new_registry()``."""

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        found = self.get(str(name))
        return name == _MODULES or (found is not None and found() is not None)

    def __getitem__(self, name: str) -> Any:
        found = _Modules(self) if name == _MODULES else dict.__getitem__(self, name)()
        if found is None:
            raise KeyError(name)
        return found

    def __setitem__(self, name: str, thing: Any) -> None:
        dict.__setitem__(self, name, ref(thing))


class _Managers:
    """The class managers of a registry, kept alive by others; see ``new_registry()``."""

    __slots__ = ("_refs",)

    def __init__(self, *refs: Callable[[], Any]) -> None:
        self._refs = refs

    def __len__(self) -> int:
        return len(self._refs)

    def __iter__(self) -> Iterator[Any]:
        return iter([manager for each in self._refs if (manager := each()) is not None])

    def __setitem__(self, manager: Any, _value: object) -> None:
        self._refs = (*map(ref, self), ref(manager))

    def popitem(self) -> tuple[Any, Any]:
        last, self._refs = self._refs[-1], self._refs[:-1]
        manager = last()
        if manager is None:
            raise KeyError(last)
        return manager, True


class _Modules:
    """What of the modules of classes is needed, as mapped ones have the same; see ``_Names``."""

    __slots__ = ("_names",)

    def __init__(self, names: _Names) -> None:
        self._names = names

    def __contains__(self, name: str) -> bool:
        return name == "sqlsoup"

    def __getattr__(self, name: str) -> Any:
        return self._names[name]

    def resolve_attr(self, _name: str) -> _Modules:
        return self

    get_module = resolve_attr

    def add_class(self, name: str, cls: type) -> None:
        """Leave it at the name that the registry has."""

    remove_class = add_class


_MODULES = "_sa_module_registry"
_decl_api: Any = decl_api


class _Registry(registry):
    """A registry that makes what few need when they do; see ``new_registry()``."""

    def __init__(self, metadata: MetaData) -> None:
        it: Any = self
        it.metadata, it.constructor = metadata, _ORDINARY["constructor"]
        it._class_registry, it._managers = _Names(), _Managers()
        it._dependents, it._dependencies = set(), set()
        it._new_mappers = False
        mapperlib = _decl_api.mapperlib
        locked(mapperlib._CONFIGURE_MUTEX, mapperlib._mapper_registries.setdefault, self, True)

    @cached_property
    def type_annotation_map(self) -> dict[Any, Any]:  # type: ignore[override]
        return {}

    @cached_property
    def _declare_first_classes(self) -> WeakKeyDictionary[Any, Any]:  # type: ignore[override]
        event.listen(self, "before_configured", _decl_api._declare_first_for_registry)
        return WeakKeyDictionary()

    @cached_property
    def _declare_last_classes(self) -> WeakKeyDictionary[Any, Any]:  # type: ignore[override]
        event.listen(self, "after_configured", _decl_api._declare_last_for_registry)
        return WeakKeyDictionary()


_ORDINARY: dict[str, Any] = vars(registry())
_LEAN = {*_ORDINARY} == {
    *("metadata", "constructor", "type_annotation_map", "dispatch", "_class_registry"),
    *("_managers", "_dependents", "_dependencies", "_declare_first_classes"),
    *("_declare_last_classes", "_new_mappers"),
}


def new_registry(metadata: MetaData) -> registry:
    """Return a registry for one class, on 2.1 in a tenth of the memory.

    That of SQLAlchemy has a tree of modules for the names of its classes (``orm/clsregistry.py``),
    and on 2.1 two listeners for hooks of declarative classes (``registry.__init__`` in
    ``orm/decl_api.py``), which take more than the mapper's own attributes.  Where it has
    other state than what is known here, it is made by its own constructor.  It may go when one
    registry can have several classes of one name, or costs less.
    """
    return _Registry(metadata) if _LEAN else registry(metadata=metadata, class_registry=_Names())


def prepare_relationship(prop: Any, mapper: Mapper[Any], name: str) -> None:
    """Initialize a relationship before a mapper has it.

    ``Mapper.add_property()`` shows it to other threads first and then completes it, which takes
    some milliseconds (``_configure_property`` in ``orm/mapper.py``); a query of another thread that
    meets it between raises AttributeError.  This does the same steps before, and ``init()``, which
    is called again, does nothing then.  It may go when SQLAlchemy adds a property that is complete.
    """
    prop.key = name
    prop._overlaps = _OVERLAPS.setdefault(frozenset(prop._overlaps), prop._overlaps)
    prop.set_parent(mapper, init=False)
    prop._columns_are_mapped = partial(_are_mapped, prop)
    prop.init()
    del prop._columns_are_mapped
    prop.init = lambda: None
    if any(are_loose(one.type, other.type) for one, other in prop.local_remote_pairs):
        match_in_database(prop)
    if _stands_alone(mapper):
        _ = prop.strategy  # which give_loader() asks for the rest
    else:
        prop.post_instrument_class(mapper)  # loaders that need not look at the attribute for it


def _are_mapped(prop: Any, *columns: Any) -> bool:
    """Tell if columns are those of one of the tables of a relationship that is initialized.

    ``RelationshipProperty._columns_are_mapped()`` in ``orm/relationships.py`` looks for a column in
    a set, where it makes an expression of each comparison with a marked one, a twentieth of what a
    relationship takes.  It may go when that compares less.
    """
    tables = prop.parent.persist_selectable, prop.target
    mapped = all(getattr(column, "table", None) in tables for column in columns)
    return mapped or type(prop)._columns_are_mapped(prop, *columns)


def marked(element: Any, *roles: str) -> Any:
    """Return a side of a join condition whose columns are marked for a relationship.

    It is what ``foreign()`` and ``remote()`` do, and for the role ``local`` there is no such
    function; where it is not marked, SQLAlchemy copies the condition to do so
    (``_JoinCondition._annotate_local`` in ``orm/relationships.py``).  It may go when there is.
    """
    return relationships._annotate_columns(element, dict.fromkeys(roles, True))


def forget_marks(prop: Any) -> None:
    """Take the marks off the condition that a function made for an initialized relationship.

    Each mark is a copy of a column, two kilobytes.  The relationship has a copy of the condition,
    which keeps that one too (``ClauseElement._is_clone_of`` in ``sql/elements.py``), and so does
    ``_JoinCondition.primaryjoin_initial`` in ``orm/relationships.py``.  It may go when they do not.
    """
    for each in visitors.iterate(prop._join_condition.primaryjoin_initial):
        for given in (each, getattr(each, "_is_clone_of", None)):  # 2.0 makes a copy before
            if isinstance(given, BinaryExpression):
                given.left, given.right = given.left._deannotate(), given.right._deannotate()


_OVERLAPS: dict[frozenset[str], Any] = {}
"""The values of ``overlaps``, which most relationships share."""


def match_in_database(prop: Any) -> None:
    """Have eager loading match rows by keys that the database compares, and not Python.

    ``selectinload()`` looks in a dict for what a foreign key refers to, and so does not find the
    row of ``Ada`` for ``ADA``, though a collation may.  With ``omit_join=False``, which is
    documented, it joins and looks for the key of the row itself.  ``subqueryload()`` knows nothing
    of the kind (``orm/strategies.py``) and is taken for the other.  The second half may go when
    that has such an option.
    """
    prop.omit_join = False
    strategy = prop._get_strategy

    def get_strategy(key: Any) -> Any:
        return strategy(_SELECTIN if key == _SUBQUERY else key)

    prop._get_strategy = get_strategy
    for key in (_SELECTIN, _SUBQUERY):
        prop._strategies.pop(key, None)
    prop.strategy = get_strategy(prop.strategy_key)


_SELECTIN, _SUBQUERY = (("lazy", "selectin"),), (("lazy", "subquery"),)


def find_links(prop: Any, comparisons: dict[Any, Callable[[Any], Any]]) -> None:
    """Have rows of an association table deleted, and updated, by keys that the database compares.

    SQLAlchemy looks for them by the keys of the rows on both sides, compared as the columns of the
    association table compare, and raises StaleDataError where those find nothing
    (``_ManyToManyDP._run_crud`` in ``orm/dependency.py``).  It may go when that compares as
    ``primaryjoin`` and ``secondaryjoin`` do.

    :param comparisons: what compares columns with values; others are compared as they are.
    """
    table, processor = prop.secondary, prop._dependency_processor
    if table is not None and processor is not None:
        columns = [_Linking(column, comparisons.get(column) or column.__eq__) for column in table.c]
        processor.secondary = SimpleNamespace(
            c=columns,
            description=table.description,
            insert=table.insert,
            update=table.update,
            delete=table.delete,
        )


class _Linking:
    """A column of an association table; see ``find_links()``."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, column: Any, compare: Callable[[Any], Any]) -> None:
        self.key, self.type, self._compare = column.key, column.type, compare

    def __eq__(self, value: object) -> Any:
        return self._compare(value)


def add_relationship(prop: Any) -> None:
    """Instrument the class of an initialized relationship, and then add it to the mapper.

    ``Mapper.add_property()`` does so after the mapper has it, and would once more, for attributes
    that are as expensive as the relationship itself.  This may go with ``prepare_relationship()``.
    """
    mapper, instrument = prop.parent, type(prop).instrument_class

    def instrument_subclass(other: Any) -> None:
        if other is not mapper:
            instrument(prop, other)

    instrument(prop, mapper)
    prop.instrument_class = instrument_subclass
    try:
        mapper.add_property(prop.key, prop)
    finally:
        vars(prop).pop("instrument_class", None)


def set_cascade(prop: Any, cascade: CascadeOptions) -> None:
    """Set the cascade of an initialized relationship to options that are known to be valid.

    Setting ``cascade`` does the same with a copy (``RelationshipProperty._set_cascade`` in
    ``orm/relationships.py``), and relationships without number have equal ones.  It may go when
    that takes what it is given.
    """
    prop._cascade = _CASCADES.setdefault(cascade, cascade)
    if prop._dependency_processor:
        prop._dependency_processor.cascade = prop._cascade


_CASCADES: dict[CascadeOptions, CascadeOptions] = {}


def reverse_of(prop: RelationshipProperty[Any], /, **options: Any) -> RelationshipProperty[Any]:
    """Return the relationship that leads back, as ``backref=`` would make it.

    SQLAlchemy makes it within ``init()`` and adds it at once (``_generate_backref`` in
    ``orm/relationships.py``).  This may go with ``prepare_relationship()``.
    """
    forward: Any = prop
    joins, joined = forward._join_condition, {}
    if prop.secondary is None:
        if "primaryjoin" not in options:
            joined = {"primaryjoin": joins.primaryjoin_reverse_remote}
    else:
        joined = {
            "primaryjoin": joins.secondaryjoin_minus_local,
            "secondaryjoin": joins.primaryjoin_minus_local,
            "secondary": prop.secondary,
        }
    kept = ("viewonly", "post_update", "passive_updates", "sync_backref")
    same = {name: getattr(prop, name) for name in kept}
    keys = {"foreign_keys": forward._user_defined_foreign_keys}
    return relationship(prop.parent, **{**joined, **same, **keys, **options})


def pair_relationships(first: Any, second: Any) -> None:
    """Have two initialized relationships populate each other.

    ``init()`` does so only where one of them is in its mapper (``_add_reverse_property`` in
    ``orm/relationships.py``).  This may go with ``prepare_relationship()``.
    """
    for prop, other in ((first, second), (second, first)):
        prop.back_populates = other.key
        prop._reverse_property.add(other)


def give_loader(prop: Any, attribute: Any) -> None:
    """Give an attribute of a class its loader before the class manager has it.

    ``instrument_class()`` adds it without, ``post_instrument_class()`` looks it up there
    (``_register_attribute_impl`` in ``orm/attributes.py``), and a flush, a query or a commit of
    another thread that meets it between fails.  So it is looked up in the manager of a class that
    nobody else uses.  A mapper with subclasses, or a class with custom instrumentation, does more
    than that and is left to SQLAlchemy.  It is called under a lock, and may go with
    ``prepare_relationship()``.
    """
    mapper = prop.parent
    if not _stands_alone(mapper):
        return
    stand_in = SimpleNamespace(
        class_=_StandIn,
        class_manager=_stand_in,
        iterate_to_root=mapper.iterate_to_root,
        _props={prop.key: prop},
    )
    stand_in.self_and_descendants = [stand_in]
    _stand_in[prop.key] = attribute
    try:
        prop.strategy.init_class_attribute(stand_in)
    finally:
        _stand_in.clear()
        stand_in.self_and_descendants.clear()  # which refers to itself
    attribute.impl.class_ = mapper.class_


class _StandIn:
    """The class of which ``give_loader()`` makes use."""


_new_manager: Any = instrumentation.ClassManager
_stand_in = _new_manager(_StandIn)


def _stands_alone(mapper: Any) -> bool:
    """Tell if ``give_loader()`` can do all that SQLAlchemy does for a class."""
    plain = type(mapper.class_manager) is _SteadyManager
    return plain and len(mapper.self_and_descendants) == 1


class _Snapshots:
    """What makes a dict one that may grow while something looks through it."""

    __slots__ = ()

    def __iter__(self: Any) -> Iterator[Any]:
        return iter([*dict.keys(self)])

    def values(self: Any) -> list[Any]:
        return [*dict.values(self)]

    def items(self: Any) -> list[tuple[Any, Any]]:
        return [*dict.items(self)]


class _SteadyDict(_Snapshots, dict[Any, Any]):  # type: ignore[misc]
    """The properties of a mapper; see ``steady()``."""

    __slots__ = ()


class _SteadyManager(_Snapshots, instrumentation.ClassManager[Any]):  # type: ignore[misc]
    """The attributes of a class; see ``steady()``."""

    _new_row: Any

    def new_instance(self, state: InstanceState[Any] | None = None) -> Any:
        """Make a row for what was loaded, without looking ``__new__`` up for each.

        That costs a metaclass with ``__getattr__`` one part in forty of a load.
        """
        row = self._new_row(self.class_)
        self._state_setter(row, state or self._state_constructor(row, self))
        return row

    def _instrument_init(self) -> None:
        """Give the class a constructor; see ``manage()``."""
        manager: Any = self
        manager.new_init = _constructor(manager, manager.original_init)
        manager.install_member("__init__", manager.new_init)


def _constructor(manager: Any, original: Any) -> Any:
    """Return a constructor that does what the one does that SQLAlchemy compiles."""

    def construct(row: Any, /, *args: Any, **values: Any) -> Any:
        state = manager._new_state_if_none(row)
        if state:
            return state._initialize_instance(row, *args, **values)
        return original(row, *args, **values)

    construct.__name__ = construct.__qualname__ = "__init__"
    construct.__doc__ = original.__doc__
    return construct


_new_steady_manager: Any = _SteadyManager


def manage(cls: type) -> None:
    """Give a class that is to be mapped its manager, and with that a cheaper constructor.

    SQLAlchemy compiles source text for each class, so that the constructor takes the arguments that
    the original takes (``_generate_init`` in ``orm/instrumentation.py``), which is a quarter of
    the time that mapping takes, and the memory of the code.  Where custom instrumentation may be
    chosen, the class is left to SQLAlchemy.  It may go when equal constructors share their code.
    """
    module: Any = instrumentation
    if type(module._instrumentation_factory) is instrumentation.InstrumentationFactory:
        manager = _new_steady_manager(cls)
        manager.factory = _new_manager
        _make_rows_quickly(manager)


def _make_rows_quickly(manager: Any) -> None:
    """Note what ``new_instance()`` calls."""
    manager._new_row = manager.class_.__new__


def steady(mapper: Mapper[Any]) -> None:
    """Have queries of other threads go on while a relationship is added.

    They look through the properties of the mapper and the attributes of the class, one by one
    (``Mapper.iterate_properties`` in ``orm/mapper.py``, ``ClassManager`` in
    ``orm/instrumentation.py``), and RuntimeError says that the dictionary changed.  It is called
    before anything was made of these.  A class with custom instrumentation is left to SQLAlchemy.
    It may go with ``prepare_relationship()``.
    """
    it: Any = mapper
    it._props = _SteadyDict(it._props)
    if type(it.class_manager) is instrumentation.ClassManager:
        it.class_manager.__class__ = _SteadyManager
        _make_rows_quickly(it.class_manager)


def read_without_flush(mapper: Mapper[Any]) -> None:
    """Have an attribute of an expired row read while new rows are not complete yet, as in 1.3.

    Since 1.4 it flushes the session first, and a new row that takes its values one by one from rows
    that a commit has expired is stored before it has them all (``_load_scalar_attributes()`` in
    ``orm/loading.py``).  It may go when the session can be told not to.
    """
    manager: Any = mapper.class_manager
    load = manager.expired_attribute_loader

    def read(state: InstanceState[Any], names: set[str], passive: PassiveFlag) -> Any:
        return load(state, names, passive | PassiveFlag.NO_AUTOFLUSH)

    manager.expired_attribute_loader = read


def renew(mapper: Mapper[Any]) -> None:
    """Have memoized collections of attributes made anew, where a thread made them meanwhile.

    ``ClassManager`` in ``orm/instrumentation.py`` has them.  It may go with ``steady()``.
    """
    manager: Any = mapper.class_manager
    manager._reset_memoizations()


_unitofwork: Any = unitofwork
_SAVE, _DELETE, _SAVE_ROW, _DELETE_ROW = (  # 2.1 gave them an underscore
    getattr(_unitofwork, f"_{name}", None) or getattr(_unitofwork, name)
    for name in ("SaveUpdateAll", "DeleteAll", "SaveUpdateState", "DeleteState")
)


class FlushProcessor(ABC):
    """What SQLAlchemy's unit of work asks about the order of a flush, for the rows of one mapper.

    SQLAlchemy orders a flush by relationships alone; see
    https://github.com/sqlalchemy/sqlalchemy/issues/13554 and 5735 there.  No event comes once a
    flush knows its mappers and before it sorts them, and one before that would have to look at
    every row.  So this stands among the mapper's dependency processors.  The flush context calls
    ``per_property_preprocessors()`` once for each mapper that takes part
    (``UOWTransaction._per_mapper_flush_actions`` in ``orm/unitofwork.py``), and the other methods
    as it does for relationships (``orm/dependency.py``).  All names are those of 2.0 and 2.1.  It
    may go when a flush is sorted by foreign keys too.
    """

    key = prop = None  # of no relationship, and so of all rows: UOWTransaction._mapper_for_dep

    def __init__(self, mapper: Mapper[Any]) -> None:
        self.parent = mapper
        processors: list[Any] = mapper._dependency_processors
        processors.append(self)

    @abstractmethod
    def begin(self, flush: Any) -> None:
        """Take part in a flush."""

    @abstractmethod
    def sort(self, flush: Any, states: Iterable[Any], *, deletes: bool) -> None:
        """Look at the rows of a flush, all of which are known; called for ``watch()`` alone."""

    def order(self, flush: Any, states: Iterable[Any], *, deletes: bool) -> None:  # noqa: B027
        """Order the rows of mappers that depend on each other, or of one on itself."""

    def per_property_preprocessors(self, flush: Any) -> None:
        flush.deps[self.parent.base_mapper].add(self)
        self.begin(flush)

    def presort_saves(self, flush: Any, states: Iterable[Any]) -> None:
        self.sort(flush, states, deletes=False)

    def presort_deletes(self, flush: Any, states: Iterable[Any]) -> None:
        self.sort(flush, states, deletes=True)

    def prop_has_changes(self, _flush: object, _states: object, _isdelete: object) -> bool:
        return False

    def per_state_flush_actions(self, flush: Any, states: Iterable[Any], isdelete: bool) -> None:
        self.order(flush, states, deletes=isdelete)


def order_rows(
    flush: Any,
    states: Iterable[Any],
    pairs: Iterable[tuple[InstanceState[Any], InstanceState[Any]]],
    *,
    deletes: bool,
) -> None:
    """Have a flush store, or delete, the first row of each pair before the second.

    Those that may leave a row are saved before it is deleted, as SQLAlchemy has it for the rows of
    one mapper alone (``UOWTransaction.dependencies`` in ``orm/unitofwork.py``).  It may go with
    ``FlushProcessor``.
    """
    all_rows, one_row = (_DELETE, _DELETE_ROW) if deletes else (_SAVE, _SAVE_ROW)
    changes = _changes_of(flush) if deletes else ()
    for state in states if deletes else ():
        one_row(flush, state).__class__ = _DeleteUnlessReplaced
        flush.dependencies.update((change, one_row(flush, state)) for change in changes)
    for pair in pairs:
        if all(all_rows(flush, state.mapper.base_mapper) in flush.cycles for state in pair):
            flush.dependencies.add(tuple(one_row(flush, state) for state in pair))


def _changes_of(flush: Any) -> list[Any]:
    """Return the actions of a flush that UPDATE rows of mappers which depend on each other.

    They are those of its ``cycles``.  It may go with ``FlushProcessor``.
    """
    kept, known = kept_by_flush(flush), flush.session.identity_map
    if _CHANGES not in kept:
        kept[_CHANGES] = [
            _SAVE_ROW(flush, row)
            for action in flush.cycles
            if isinstance(action, _SAVE)
            for row in rows_of(flush, action.mapper, deletes=False)
            if row.key is not None or takes_place(row, known)
        ]
    changes: list[Any] = kept[_CHANGES]
    return changes


_CHANGES = "sqlsoup.changes"


class _DeleteUnlessReplaced(_DELETE_ROW):  # type: ignore[misc,valid-type]
    """Deletes a row, unless a new one with the same key was stored in its place.

    SQLAlchemy sends an UPDATE for two such rows, and takes the one to be deleted off its lists
    (``UOWTransaction.remove_state_actions()``).  Where rows are ordered among themselves it then
    sends the DELETE nevertheless (``DeleteState`` in ``orm/unitofwork.py``), and the new row is
    lost.  It may go when ``DeleteState`` looks at the lists.
    """

    __slots__ = ()

    def execute_aggregate(self, flush: Any, others: set[Any]) -> None:
        cls = type(self)
        others -= {each for each in others if type(each) is cls and flush.states[each.state][1]}
        if not flush.states[self.state][1]:
            super().execute_aggregate(flush, others)


def watch(flush: Any, processor: FlushProcessor) -> None:
    """Have a ``FlushProcessor`` called when all rows of its mapper are known."""
    flush.register_preprocessor(processor, True)


def watch_saved(flush: Any, processor: FlushProcessor) -> None:
    """Have one that looks at saved rows alone called, but for a flush that only deletes rows.

    ``Session._flush`` in ``orm/session.py`` asks the same of a session, and ``Session.new`` makes a
    set each time.  It may go with ``FlushProcessor``.
    """
    session = flush.session
    if session._new or session.identity_map.check_modified():
        watch(flush, processor)


def store_before(flush: Any, parent: Mapper[Any], child: Mapper[Any]) -> None:
    """Have a flush save the rows of one mapper before those of another, and delete them after.

    ``UOWTransaction._generate_actions`` in ``orm/unitofwork.py`` sorts them.  It may go with
    ``FlushProcessor``.
    """
    parent, child = parent.base_mapper, child.base_mapper
    flush.dependencies.add((_SAVE(flush, parent), _SAVE(flush, child)))
    flush.dependencies.add((_DELETE(flush, child), _DELETE(flush, parent)))


def sort_rows(flush: Any, mapper: Mapper[Any], *, deletes: bool) -> None:
    """Have a flush sort the rows of a mapper among themselves, as if it depended on itself.

    It is ``store_before()`` of a mapper and itself.
    """
    all_rows = (_DELETE if deletes else _SAVE)(flush, mapper.base_mapper)
    flush.dependencies.add((all_rows, all_rows))


def part_with_itself(flush: Any) -> None:
    """Have a flush delete a row that refers to itself, though it cannot be deleted after itself.

    Where a relationship leads from a row to that row, SQLAlchemy has it depend on itself, and
    raises CircularDependencyError (``per_state_dependencies()`` in ``orm/dependency.py``, which
    puts pairs into ``UOWTransaction.dependencies``).  It may go when that leaves such pairs out.
    """
    flush.dependencies = _Dependencies(flush.dependencies)


class _Dependencies(set[Any]):
    """Pairs of actions of which the first comes before the second."""

    def update(self, *pairs: Iterable[Any]) -> None:
        super().update(
            (first, second)
            for each in pairs
            for first, second in each
            if first is not second or not isinstance(first, _DELETE_ROW)
        )


def rows_of(flush: Any, mapper: Mapper[Any], *, deletes: bool) -> Iterable[InstanceState[Any]]:
    """Give the rows of a mapper that a flush saves or deletes.

    They are in ``UOWTransaction.mappers`` in ``orm/unitofwork.py``.  It may go with
    ``FlushProcessor``.
    """
    rows: Iterable[InstanceState[Any]] = flush.states_for_mapper_hierarchy(mapper, deletes, False)
    return rows


def may_replace_rows(session: Any) -> bool:
    """Tell if a session deletes rows and has new ones.

    ``Session.deleted`` and ``new`` make sets of them each time (``orm/session.py``).  It may go
    when they do not.
    """
    return bool(session._deleted and session._new)


def kept_by_flush(flush: Any) -> dict[Any, Any]:
    """Return what may be kept for as long as a flush lasts.

    It is ``UOWTransaction.attributes`` in ``orm/unitofwork.py``, which is made for each flush.  It
    may go with ``FlushProcessor``.
    """
    kept: dict[Any, Any] = flush.attributes
    return kept


def is_new_after(first: Any, second: Any) -> bool:
    """Tell if a new row would be inserted after another row was saved.

    SQLAlchemy sends the updates of a mapper before its inserts, and these in the order of
    ``insert_order`` (``_sort_states`` in ``orm/persistence.py``).  It may go with
    ``FlushProcessor``.
    """
    return second.key is not None or bool(first.insert_order > second.insert_order)
