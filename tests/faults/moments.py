"""The moments at which a fault strikes: each is something that a program does with a SQLSoup.

All of them are about one loan, the first: it is Bo's, and becomes Ada's where something is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlsoup import SQLSoup


@dataclass(frozen=True)
class Moment:
    """What is done before a fault strikes and what when it does."""

    prepare: Callable[[SQLSoup, bool], object]
    """Told whether it may write."""
    act: Callable[[SQLSoup], object]
    lends: bool = False
    """Whether the loan is Ada's after a commit."""


def _begin(db: SQLSoup, write: bool) -> None:
    """Begin a transaction, which stores a tag if it may."""
    _ = db.users, db.tags  # or else it would hold locks on the catalog
    assert db.users.get("Cy").name == "Cy"
    if write:
        db.tags.insert(word="early")
        db.flush()


def _load(db: SQLSoup, write: bool) -> None:
    _ = db.loans
    _begin(db, write)
    assert db.loans.get(1).user_name == "Bo"


def _lend(db: SQLSoup) -> None:
    db.loans.get(1).user_name = "Ada"
    db.flush()


def _flushed(db: SQLSoup, write: bool) -> None:
    _load(db, write)
    if write:
        _lend(db)


def _used_before(db: SQLSoup, write: bool) -> None:
    _ = db.tags
    assert db.loans.get(1).user_name == "Bo"
    db.commit()


def _next_use(db: SQLSoup) -> None:
    if db.tags.get("early") is None:
        db.tags.insert(word="early")
    _lend(db)


def _query(db: SQLSoup) -> None:
    assert db.loans.filter_by(book_id=1).one().user_name == "Bo"


def _locking_query(db: SQLSoup) -> None:
    assert db.loans.filter_by(book_id=1).with_for_update().one().user_name == "Bo"


def _first_access(db: SQLSoup) -> None:
    assert db.loans.c.keys() == ["book_id", "user_name", "day"]


def _connect(db: SQLSoup, write: bool) -> None:
    """Have a connection in the pool, with no transaction."""
    with db.engine.connect():
        pass


MOMENTS = {
    "first_access": Moment(_begin, _first_access),
    "query": Moment(_load, _query),
    "flush": Moment(_load, _lend, lends=True),
    "commit": Moment(_flushed, SQLSoup.commit, lends=True),
    "between": Moment(_used_before, _next_use, lends=True),
}
LOCKING_QUERY = Moment(_load, _locking_query)
FIRST_ACCESS_ALONE = Moment(_connect, _first_access)
