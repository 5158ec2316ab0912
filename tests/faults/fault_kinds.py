"""The faults: a context each, which gives the function by which it strikes and ends when it passes.

What the function does has its effect at the moment that is told: the connection is cut right before
the statement that is sent next, for instance, and the lock is one that this statement needs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from conftest import run
from fault_servers import Site
from moments import MOMENTS
from servers import wait_until
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

Strike = Callable[[], object]

LOAN = "SELECT user_name FROM loans WHERE book_id = 1 FOR UPDATE"
ADA = "SELECT name FROM users WHERE name = 'Ada' FOR UPDATE"
CATALOG = "LOCK TABLE pg_catalog.pg_attribute"
NO_CHANGE = (  # it has the tables to itself, one after the other in the order of their names
    "RENAME TABLE loans TO aside, aside TO loans, {other} TO aside, aside TO {other}"
)


@contextmanager
def _sudden(blow: Strike, engine: Engine, moment: str) -> Iterator[Strike]:
    """Deal a blow when the next statement, or the COMMIT, is about to be sent."""
    armed: list[Strike] = []

    @event.listens_for(engine, "commit" if moment == "commit" else "before_cursor_execute")
    def deal(*_args: object) -> None:
        if armed:
            armed.pop()()

    yield blow if moment == "between" else lambda: armed.append(blow)
    assert not armed


def cut(site: Site, engine: Engine, moment: str) -> Any:
    """The server cuts the connection."""
    return _sudden(site.cut, engine, moment)


def restart(site: Site, engine: Engine, moment: str) -> Any:
    """The server is restarted."""
    return _sudden(site.restart, engine, moment)


@contextmanager
def lock(site: Site, engine: Engine, moment: str, *, fleeting: bool = False) -> Iterator[Strike]:
    """Another transaction holds a lock that is needed, and keeps it.

    One that is fleeting is let go of where it holds up a COMMIT of PostgreSQL, which no timeout of
    statements ends.
    """
    with site.other() as other, site.other() as third:
        if moment == "first_access" and site.name == "mariadb":

            def hold() -> None:
                third.run("SELECT room FROM seats")
                other.wait_for(NO_CHANGE.format(other="seats"))

            yield hold
            third.end()
        elif moment == "commit" and site.name == "mariadb":
            yield partial(other.run, "FLUSH TABLES WITH READ LOCK")
        elif moment == "commit":

            def hold_ada() -> None:
                other.run(ADA)
                if fleeting:
                    other.commit_after("SELECT pg_sleep(1.5)")

            yield hold_ada
        else:
            yield partial(other.run, CATALOG if moment == "first_access" else LOAN)


@contextmanager
def deadlock(site: Site, engine: Engine, moment: str) -> Iterator[Strike]:
    """Another transaction holds what is needed, and waits for what was stored before."""
    with site.other() as other:
        if site.name == "postgresql":
            other.run("SET deadlock_timeout = '1h'")  # the first to look is the one that fails
        else:
            other.run("UPDATE books SET year = 2000")  # who has done less is the one that fails

        def cross() -> None:
            other.run(needed)
            other.wait_for("INSERT INTO tags (word) VALUES ('early')")

        def lock_both_tables() -> None:
            other.wait_for(NO_CHANGE.format(other="tags"))

        def come_and_go() -> None:
            other.run(LOAN, ADA)
            other.commit()

        needed = {"first_access": CATALOG, "commit": ADA}.get(moment, LOAN)
        if moment == "commit" and site.name == "mariadb":
            needed = "SELECT name FROM users WHERE name = 'Cy' FOR UPDATE"  # it is not, nor is any
        if moment == "between":
            yield come_and_go
        elif moment == "first_access" and site.name == "mariadb":
            yield lock_both_tables
        else:
            yield cross


@contextmanager
def serialization(site: Site, engine: Engine, moment: str) -> Iterator[Strike]:
    """Another transaction changes and commits what this one has read, or reads what it wrote."""
    with site.other() as other:

        def change() -> None:
            if site.name == "postgresql":
                other.run("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            if moment == "commit":
                other.run(
                    "SELECT user_name FROM loans", "UPDATE users SET email = name WHERE name = 'Cy'"
                )
            else:
                other.run("UPDATE loans SET day = '2026-01-01' WHERE book_id = 1")
            other.commit()

        yield change


@contextmanager
def full(site: Site, engine: Engine, moment: str) -> Iterator[Strike]:
    """The table that changes of loans are written to by a trigger cannot grow any more."""
    if site.name == "postgresql":
        when = "DEFERRED" if moment == "commit" else "IMMEDIATE"
        run(
            site.admin,
            f"CREATE CONSTRAINT TRIGGER note AFTER UPDATE ON loans INITIALLY {when}"
            " FOR EACH ROW EXECUTE FUNCTION note()",
        )
    else:
        run(
            site.admin,
            "CREATE TRIGGER note AFTER UPDATE ON loans FOR EACH ROW"
            " INSERT INTO audit VALUES (REPEAT('x', 7000))",
        )
    try:
        yield partial(_fill_up, site)
    finally:
        drop = "DROP TRIGGER note" + (" ON loans" if site.name == "postgresql" else "")
        run(site.admin, drop, "TRUNCATE TABLE audit")
        if site.name == "mariadb":  # which gives the space free a little later
            run(site.admin, "SET GLOBAL innodb_max_purge_lag_wait = 0")


def _fill_up(site: Site) -> None:
    row = "repeat('x', 1900)" if site.name == "postgresql" else "repeat('x', 7000)"
    many = "generate_series(1, {})" if site.name == "postgresql" else "seq_1_to_{}"
    for size in (1024, 64, 8, 1):
        with suppress(OperationalError):
            while True:
                run(site.admin, f"INSERT INTO audit SELECT {row} FROM " + many.format(size))


@contextmanager
def read_only(site: Site, engine: Engine, moment: str) -> Iterator[Strike]:
    """Every transaction is read-only from its beginning."""

    def forbid(connection: Connection) -> None:
        cursor = connection.connection.cursor()  # the Connection has not begun yet
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.close()

    event.listen(engine, "begin", forbid)
    try:
        yield lambda: None
    finally:
        event.remove(engine, "begin", forbid)


@contextmanager
def read_only_server(site: Site, engine: Engine, moment: str) -> Iterator[Strike]:
    """The server is made read-only, except for administrators on MariaDB."""

    def turn(to: str) -> None:
        if site.name == "mariadb":
            run(site.admin, f"SET GLOBAL read_only = {to}")
            return
        with site.admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"ALTER SYSTEM SET default_transaction_read_only = {to}")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        wait_until(lambda: _default(site) == to)

    try:
        yield partial(turn, "on")
    finally:
        turn("off")


def _default(site: Site) -> object:
    """Return what new connections have; those that were there have been told before."""
    with site.admin.connect() as connection:
        return connection.exec_driver_sql("SHOW default_transaction_read_only").scalar()


def permission(site: Site, engine: Engine, moment: str) -> Any:
    """The user loses all permissions on the table."""
    return _revoked(site, "loans")


def permission_referred(site: Site, engine: Engine, moment: str) -> Any:
    """The user loses all permissions on the tables that the table refers to."""
    return _revoked(site, "users", "books")


@contextmanager
def _revoked(site: Site, *tables: str) -> Iterator[Strike]:
    try:
        yield lambda: run(site.admin, *(f"REVOKE ALL ON {table} FROM member" for table in tables))
    finally:
        run(site.admin, *(f"GRANT ALL ON {table} TO member" for table in tables))


@dataclass(frozen=True)
class Kind:
    """A fault, and what it needs."""

    strike: Callable[[Site, Engine, str], Any]
    writes: Collection[str] = frozenset(MOMENTS)
    """The moments before which the transaction has written something."""
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Options of the engine, by database."""


KINDS = {
    "cut": Kind(cut),
    "restart": Kind(restart),
    "lock_timeout": Kind(
        lock,
        options={
            "postgresql": {"connect_args": {"options": "-c lock_timeout=200ms"}},
            "mariadb": {
                "connect_args": {
                    "init_command": "SET innodb_lock_wait_timeout = 1, lock_wait_timeout = 1"
                }
            },
        },
    ),
    "statement_timeout": Kind(
        partial(lock, fleeting=True),
        options={
            "postgresql": {"connect_args": {"options": "-c statement_timeout=1s"}},
            "mariadb": {"connect_args": {"init_command": "SET max_statement_time = 1"}},
        },
    ),
    "deadlock": Kind(deadlock),
    "serialization": Kind(
        serialization, options={"postgresql": {"isolation_level": "SERIALIZABLE"}}
    ),
    "full": Kind(full),
    "read_only": Kind(read_only, writes=()),
    "read_only_server": Kind(read_only_server, writes=("commit",)),
    "permission": Kind(permission),
    "permission_referred": Kind(permission_referred),
}
