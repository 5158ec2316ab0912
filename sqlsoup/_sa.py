"""Every reach past SQLAlchemy's documented API.

Each says what it is for, where SQLAlchemy's source has what it uses, and when it may go.
"""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SAWarning
from sqlalchemy.orm import RelationshipProperty, instrumentation, relationship
from sqlalchemy.orm.session import SessionTransactionState

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapper, SessionTransaction


def finish_rollback(session: Any, root: SessionTransaction | None) -> None:
    """Roll a session back in which something was interrupted; ``rollback()`` was called before.

    An exception between two lines of ``Session.commit()``, ``rollback()`` or ``flush()`` (of a
    signal, or a RecursionError) can leave its transaction between two states, which every later
    call refuses, ``rollback()`` and ``close()`` as well (``_StateChange`` in
    ``orm/state_changes.py``); or leave the session without the transaction whose connections are
    yet to be given back, or ``_flushing``.  Here the transaction is made an active one again.  It
    may go when ``rollback()`` works in every state.
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


def prepare(prop: Any, mapper: Mapper[Any], name: str) -> None:
    """Make a relationship complete while no mapper has it.

    ``Mapper.add_property()`` shows it to other threads first and then completes it, which takes
    some milliseconds (``_configure_property`` in ``orm/mapper.py``); a query of another thread that
    meets it between raises AttributeError.  This does the same steps before, and ``init()``, which
    is called again, does nothing then.  It may go when SQLAlchemy adds a property that is complete.
    """
    prop.key = name
    prop.set_parent(mapper, init=False)
    prop.init()
    prop.init = lambda: None
    prop.post_instrument_class(mapper)  # loaders that need not look at the attribute for it


def reverse_of(
    prop: RelationshipProperty[Any], options: dict[str, Any]
) -> RelationshipProperty[Any]:
    """Return the relationship that leads back, as ``backref=`` would make it.

    SQLAlchemy makes it within ``init()`` and adds it at once (``_generate_backref`` in
    ``orm/relationships.py``).  This may go with ``prepare()``.
    """
    forward: Any = prop
    joins, options = forward._join_condition, dict(options)
    if prop.secondary is None:
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
    """Have two relationships that are complete populate each other.

    ``init()`` does so only where one of them is in its mapper (``_add_reverse_property``).
    """
    for prop, other in ((first, second), (second, first)):
        prop.back_populates = other.key
        prop._reverse_property.add(other)


def give_loader(prop: Any, attribute: Any) -> None:
    """Give an attribute of a class what it loads by, before the class manager has it.

    ``instrument_class()`` adds it without, ``post_instrument_class()`` looks it up there
    (``_register_attribute_impl`` in ``orm/attributes.py``), and a flush, a query or a commit of
    another thread that meets it between fails.  So it is looked up in the manager of a class that
    nobody else knows.  A mapper with heirs does more than that, and is left to SQLAlchemy.  This
    may go with ``prepare()``.
    """
    mapper = prop.parent
    if len(mapper.self_and_descendants) > 1:
        return
    alone = type(mapper.class_.__name__, (), {})
    manager: Any = instrumentation.register_class(alone)
    manager[prop.key] = attribute
    stand_in = SimpleNamespace(
        class_=alone,
        class_manager=manager,
        iterate_to_root=mapper.iterate_to_root,
        _props={prop.key: prop},
    )
    stand_in.self_and_descendants = [stand_in]
    prop.strategy.init_class_attribute(stand_in)
    attribute.impl.class_ = mapper.class_


def renew(mapper: Mapper[Any]) -> None:
    """Have the attributes of a class counted anew, where a thread counted them meanwhile."""
    manager: Any = mapper.class_manager
    manager._reset_memoizations()
