"""Reaches past SQLAlchemy's documented API: relationships added to classes in use.

See :mod:`sqlsoup._sa`.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import CascadeOptions, RelationshipProperty, instrumentation, relationship

from sqlsoup._compare import are_loose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import InstanceState, Mapper


def prepare(prop: Any, mapper: Mapper[Any], name: str) -> None:
    """Initialize a relationship before a mapper has it.

    ``Mapper.add_property()`` shows it to other threads first and then completes it, which takes
    some milliseconds (``_configure_property`` in ``orm/mapper.py``); a query of another thread that
    meets it between raises AttributeError.  This does the same steps before, and ``init()``, which
    is called again, does nothing then.  It may go when SQLAlchemy adds a property that is complete.
    """
    prop.key = name
    prop._overlaps = _OVERLAPS.setdefault(frozenset(prop._overlaps), prop._overlaps)
    prop.set_parent(mapper, init=False)
    prop.init()
    prop.init = _nothing
    if any(are_loose(one.type, other.type) for one, other in prop.local_remote_pairs):
        match_in_database(prop)
    if _stands_alone(mapper):
        _ = prop.strategy  # which give_loader() asks for the rest
    else:
        prop.post_instrument_class(mapper)  # loaders that need not look at the attribute for it


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


_OVERLAPS: dict[frozenset[str], Any] = {}
"""The values of ``overlaps``, which most relationships share."""


def _nothing() -> None:
    """Do what is left of ``init()``."""


def add(prop: Any) -> None:
    """Instrument the class of an initialized relationship, and then add it to the mapper.

    ``Mapper.add_property()`` does so after the mapper has it, and would once more, for attributes
    that are as expensive as the relationship itself.  This may go with ``prepare()``.
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
    ``orm/relationships.py``).  This may go with ``prepare()``.
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


def pair(first: Any, second: Any) -> None:
    """Have two initialized relationships populate each other.

    ``init()`` does so only where one of them is in its mapper (``_add_reverse_property``).
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
    than that and is left to SQLAlchemy.  It is called under a lock, and may go with ``prepare()``.
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


def steady(mapper: Mapper[Any]) -> None:
    """Have queries of other threads go on while a relationship is added.

    They look through the properties of the mapper and the attributes of the class, one by one
    (``Mapper.iterate_properties`` in ``orm/mapper.py``, ``ClassManager`` in
    ``orm/instrumentation.py``), and RuntimeError says that the dictionary changed.  It is called
    before anything was made of these.  A class with custom instrumentation is left to SQLAlchemy.
    It may go with ``prepare()``.
    """
    it: Any = mapper
    it._props = _SteadyDict(it._props)
    manager: Any = it.class_manager
    if type(it.class_manager) is instrumentation.ClassManager:
        manager.__class__ = _SteadyManager
        manager._new_row = mapper.class_.__new__


def renew(mapper: Mapper[Any]) -> None:
    """Have memoized collections of attributes made anew, where a thread made them meanwhile."""
    manager: Any = mapper.class_manager
    manager._reset_memoizations()
