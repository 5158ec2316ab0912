"""A server with the library and an ordinary user of it, and what an administrator can do to it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa
from conftest import fill, run
from servers import PATIENCE, MariaDB, PostgreSQL, Server, find, wait_until
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

LARGEST_FILE = 16 * 1024 * 1024 + 4096
"""In bytes, for PostgreSQL: 2048 pages and a half.

Where it ends a page is written in part only, which is what happens when a disk is full.
"""


class LimitedPostgreSQL(PostgreSQL):
    """A PostgreSQL server that cannot write larger files than that."""

    def command(self) -> list[str]:
        """Return the command that runs the server."""
        return [*find("prlimit"), f"--fsize={LARGEST_FILE}", *super().command()]


def postgresql() -> Server:
    """Make a PostgreSQL server that looks for deadlocks at once."""
    return LimitedPostgreSQL("deadlock_timeout=50ms", "lock_timeout=20s", "temp_file_limit=1MB")


def mariadb() -> Server:
    """Make a MariaDB server that has little space for tables without a file of their own."""
    return MariaDB(
        "--innodb-data-file-path=ibdata1:12M:autoextend:max:20M",
        "--innodb-file-per-table=OFF",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-snapshot-isolation=ON",
        "--innodb-lock-wait-timeout=20",
        "--lock-wait-timeout=20",
    )


_AUDIT = {
    "postgresql": [
        "ALTER TABLE loans ALTER CONSTRAINT loans_user_name_fkey DEFERRABLE INITIALLY DEFERRED",
        "CREATE TABLE audit (line varchar)",
        """
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO audit VALUES (repeat(''x'', 1900)); RETURN NULL; END'
        """,
        "CREATE ROLE member LOGIN",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO member",
    ],
    "mariadb": [
        "CREATE TABLE audit (line varchar(7000) CHARACTER SET latin1)",
        "CREATE USER member",
        *(
            f"GRANT ALL ON {table} TO member"
            for table in ("audit", "books", "loans", "tags", "users")
        ),
    ],
}
_CUT = {
    "postgresql": "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE usename = 'member'",
    "mariadb": "KILL USER member",
}
_CONNECTED = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE usename = 'member'",
    "mariadb": "SELECT count(*) FROM information_schema.processlist WHERE user = 'member'",
}
_WAITING = {
    "postgresql": "SELECT count(*) FROM pg_locks WHERE NOT granted",
    "mariadb": "SELECT (SELECT sum(variable_value) FROM information_schema.global_status"
    " WHERE variable_name = 'innodb_row_lock_current_waits')"
    " + (SELECT count(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for%%'"
    " AND info IS NOT NULL)",
}
_RESTORE = [
    "DELETE FROM tags WHERE word IN ('early', 'late')",
    "UPDATE loans SET user_name = 'Bo', day = NULL WHERE book_id = 1",
]


class Site:
    """The server; its library is used by ``member``, who may be refused something."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.name = "postgresql" if isinstance(server, PostgreSQL) else "mariadb"
        self.url = server.url.set(username="member")
        self.admin = sa.create_engine(server.url, poolclass=sa.NullPool)
        fill(self.admin)
        run(self.admin, *_AUDIT[self.name])

    def stored(self) -> dict[str, list[Any]]:
        """Return what another connection sees of the tables that the moments write to."""
        with self.admin.connect() as connection:
            words = connection.scalars(sa.text("SELECT word FROM tags ORDER BY word")).all()
            lent = connection.scalars(sa.text("SELECT user_name FROM loans ORDER BY book_id")).all()
        return {"tags": [*words], "loans": [*lent]}

    def restore(self) -> None:
        """Undo what the moments store."""
        run(self.admin, *_RESTORE)

    def cut(self) -> None:
        """Cut all connections of ``member``."""
        run(self.admin, _CUT[self.name])
        with self.admin.connect() as connection:
            wait_until(lambda: not connection.exec_driver_sql(_CONNECTED[self.name]).scalar())

    def restart(self) -> None:
        """Stop the server and start it again."""
        self.server.stop()
        self.server.start()

    @contextmanager
    def other(self) -> Iterator[Other]:
        """Give the transaction of another program, which is rolled back at the end."""
        with (
            self.admin.connect().execution_options(isolation_level="AUTOCOMMIT") as watch,
            self.admin.connect() as connection,
            ThreadPoolExecutor(max_workers=1) as thread,
        ):
            other = Other(connection, watch, thread, _WAITING[self.name])
            other.is_waiting()  # so that the catalog need not be read when it is locked
            try:
                yield other
            finally:
                other.end()


class Other:
    """A transaction of another program's, which can wait for a lock."""

    def __init__(
        self, connection: Connection, watch: Connection, thread: ThreadPoolExecutor, waiting: str
    ) -> None:
        self._connection = connection
        self._watch = watch
        self._thread = thread
        self._waiting = waiting
        self._pending: Any = None

    def run(self, *statements: str) -> None:
        """Execute statements."""
        for statement in statements:
            self._connection.exec_driver_sql(statement)

    def is_waiting(self) -> bool:
        """Tell if somebody waits for a lock."""
        return bool(self._watch.exec_driver_sql(self._waiting).scalar())

    def wait_for(self, statement: str) -> None:
        """Execute a statement that has to wait for a lock; return when it does."""
        self._pending = self._thread.submit(self.run, statement)
        wait_until(lambda: self.is_waiting() or self._pending.done())
        assert not self._pending.done(), statement

    def commit(self) -> None:
        """Commit what was done."""
        self._connection.commit()

    def commit_after(self, statement: str) -> None:
        """Execute a statement, and commit when it has ended; do not wait for that."""

        def work() -> None:
            self.run(statement)
            self.commit()

        self._pending = self._thread.submit(work)

    def end(self) -> None:
        """Wait for the statement that had to wait, and roll back."""
        if self._pending is not None:
            with suppress(IntegrityError):  # what it was to insert is there already
                self._pending.result(PATIENCE)
        self._connection.rollback()
