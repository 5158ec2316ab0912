"""Sixteen threads share a pool of five connections; nothing is lost, kept open or kept alive."""

from __future__ import annotations

import gc
import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import run
from servers import SERVERS

import sqlsoup

IDLE = {
    "postgresql": """
        SELECT count(*) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()""",
    "mysql": """
        SELECT count(*) FROM information_schema.processlist AS p
        JOIN information_schema.innodb_trx AS t ON t.trx_mysql_thread_id = p.id
        WHERE p.id <> connection_id()""",
}
"""The number of sessions of the server that are in a transaction."""

THREADS, ACCOUNTS, START = 16, 40, 1000
ROUNDS, SHARE = 4, 170
"""Of transactions in each thread; each has some five operations."""


class Declined(Exception):
    """What makes a piece of work fail after it was flushed."""


@pytest.fixture(params=SERVERS)
def pooled(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """An engine with a pool of five on a server of the test's own."""
    with SERVERS[request.param]() as server:
        server.start()
        engine = sa.create_engine(server.url, pool_size=5, max_overflow=0)
        key = "worker INTEGER, number INTEGER, PRIMARY KEY (worker, number)"
        run(
            engine,
            "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)",
            f"CREATE TABLE entries (amount INTEGER NOT NULL, {key})",
            *(f"INSERT INTO accounts VALUES ({n}, {START})" for n in range(ACCOUNTS)),
        )
        yield engine
        sqlsoup.Session.remove()
        engine.dispose()


def transfer(db: sqlsoup.SQLSoup, worker: int, number: int) -> None:
    """Do five operations: query and lock, update, insert, get, delete."""
    first = (worker + 7 * number) % ACCOUNTS
    second = (first + 1 + number % 5) % ACCOUNTS
    pair = db.accounts.filter(db.accounts.id.in_([first, second])).order_by(db.accounts.id)
    one, other = pair.with_for_update()
    amount = 1 + number % 8
    one.balance -= amount
    other.balance += amount
    db.entries.insert(worker=worker, number=number, amount=amount)
    db.flush()
    before = db.entries.get((worker, number - 2))
    if before is not None:
        db.delete(before)
    if number % 10 == 9:
        raise Declined


def in_a_block(db: sqlsoup.SQLSoup, worker: int, number: int) -> None:
    """Do the work in a block."""
    with db:
        transfer(db, worker, number)


def bare(db: sqlsoup.SQLSoup, worker: int, number: int) -> None:
    """Do the work with a commit or rollback of one's own."""
    try:
        transfer(db, worker, number)
    except Declined:
        db.rollback()
        raise
    db.commit()


def test_load(pooled: sa.Engine, capsys: pytest.CaptureFixture[str]) -> None:
    """After 50,000 operations sums are right, and no connection, transaction or row is left."""
    db = sqlsoup.SQLSoup(pooled)
    done: Counter[str] = Counter()
    counting = threading.Lock()
    sent = itertools.count()
    sa.event.listen(pooled, "after_cursor_execute", lambda *_: next(sent))

    def work(worker: int, numbers: range) -> None:
        for number in numbers:
            result = "committed"
            try:
                (in_a_block if (worker + number) % 2 else bare)(db, worker, number)
            except Declined:
                result = "declined"
            with counting:
                done[result] += 1

    alive: list[int] = []
    resident: list[int] = []
    began = time.monotonic()
    for each in range(ROUNDS):
        numbers = range(each * SHARE, (each + 1) * SHARE)
        with ThreadPoolExecutor(THREADS) as pool:
            for result in [pool.submit(work, worker, numbers) for worker in range(THREADS)]:
                result.result()
        gc.collect()
        alive.append(len(gc.get_objects()))
        resident.append(int(Path("/proc/self/statm").read_text("ascii").split()[1]))
    took = time.monotonic() - began

    assert pooled.pool.checkedout() == 0  # type: ignore[attr-defined]
    with pooled.connect() as connection:
        assert connection.scalar(sa.text(IDLE[pooled.dialect.name])) == 0
        balances = list(connection.scalars(sa.text("SELECT balance FROM accounts")))
        entries = connection.execute(sa.text("SELECT worker, number, amount FROM entries")).all()
    assert sum(balances) == ACCOUNTS * START
    assert sorted(entries) == sorted(left(SHARE * ROUNDS))
    assert done.total() == THREADS * SHARE * ROUNDS
    assert done["declined"] == THREADS * len(range(9, SHARE * ROUNDS, 10))
    operations = next(sent)
    assert operations >= 50_000
    assert not [row for row in gc.get_objects() if isinstance(row, (db.accounts, db.entries))]
    assert alive[-1] <= alive[0] * 1.01
    assert resident[-1] <= resident[0] * 1.1
    with capsys.disabled():
        print(
            f"\n{pooled.dialect.name}: {operations:,} operations in {took:.0f} s in {THREADS} "
            f"threads on 5 connections, {dict(done)}, objects alive {alive}, pages {resident}"
        )


def left(count: int) -> Iterator[tuple[int, int, int]]:
    """The entries that are there in the end: those not deleted by the work two numbers on."""
    for worker in range(THREADS):
        for number in range(count):
            stored, later = number % 10 != 9, number + 2
            deleted = later < count and later % 10 != 9
            if stored and not deleted:
                yield worker, number, 1 + number % 8
