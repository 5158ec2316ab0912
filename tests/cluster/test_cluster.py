"""A cluster of three nodes, as SQLSoup meets it: conflicts between nodes, and the loss of one."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pymysql
import pytest
import sqlalchemy as sa
from conftest import empty, run
from galera import Node, cluster, running, status
from servers import PATIENCE, wait_until
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from writers import (
    ACCOUNTS_TABLE,
    NODE_OF_PAYMENT,
    PAYMENTS_TABLE,
    ROWS,
    WRITERS,
    WRONG,
    Writers,
    attempt,
    cluster_engine,
    failures,
    own_sessions,
    tell,
)

import sqlsoup
from sqlsoup import SQLSoup

NOTES_TABLE = (
    "CREATE TABLE notes (id INTEGER AUTO_INCREMENT PRIMARY KEY, account_id INTEGER NOT NULL,"
    " text VARCHAR(40), FOREIGN KEY (account_id) REFERENCES accounts (id))"
)
CONFLICT, NOT_READY, NO_COLUMN, ALTERED = 1213, 1047, 1054, 1412

READERS = 4
SECONDS = 30
KILL, COME_BACK = 8, 16


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[Node]]:
    """Three nodes; nothing that they started is left of them."""
    with cluster() as nodes:
        yield nodes
    assert running(nodes) == []


@pytest.fixture
def engines(nodes: list[Node], make_engine: Callable[..., Engine]) -> Iterator[list[Engine]]:
    """An engine on each node, with reads that wait for what the other nodes have committed."""
    wait = {"init_command": "SET SESSION wsrep_sync_wait = 1"}
    engines = [make_engine(node.url, connect_args=wait, pool_pre_ping=True) for node in nodes]
    run(engines[0], ACCOUNTS_TABLE, PAYMENTS_TABLE, NOTES_TABLE, NODE_OF_PAYMENT)
    run(engines[0], ROWS)
    yield engines
    sqlsoup.Session.remove()
    empty(engines[0])


@pytest.fixture
def one_engine(nodes: list[Node], engines: list[Engine]) -> Iterator[Engine]:
    """One engine, of the documentation's making, whose connections go to the nodes in turn."""
    addresses = [("127.0.0.1", node.port) for node in nodes]
    engine = cluster_engine(nodes[0].url, addresses, pool_size=WRITERS, pool_recycle=5)
    yield engine
    sqlsoup.Session.remove()
    engine.dispose()


def refuse(node: Node, what: str) -> None:
    """Have a node refuse queries; it then takes this statement, but no commit."""
    with closing(pymysql.connect(host="127.0.0.1", port=node.port, user="root")) as connection:
        connection.cursor().execute(f"SET GLOBAL wsrep_reject_queries = {what}")


def test_every_node_reads_and_writes(engines: list[Engine]) -> None:
    """What is made, changed and deleted on any node is so on every other."""
    soups = [SQLSoup(engine, relationships=True) for engine in engines]
    made = []
    for number, db in enumerate(soups):
        with db:
            note = db.notes.insert(account=db.accounts.get(number), text=f"of node {number}")
            db.flush()
            made.append(note.id)
    assert len(set(made)) == len(engines)

    def notes(db: SQLSoup) -> list[tuple[int, int, str]]:
        with db:
            found = db.notes.options(sa.orm.joinedload(db.notes.account)).order_by(db.notes.id)
            return [(note.id, note.account.id, note.text) for note in found]

    expected = sorted((key, number, f"of node {number}") for number, key in enumerate(made))
    assert [notes(db) for db in soups] == [expected] * len(soups)
    for number, db in enumerate(soups):
        with db:
            db.notes.get(made[number - 1]).text = f"changed by node {number}"
    with soups[2]:
        soups[2].delete(soups[2].notes.get(made[0]))
    expected = sorted(
        (made[number - 1], (number - 1) % 3, f"changed by node {number}") for number in (0, 2)
    )
    assert [notes(db) for db in soups] == [expected] * len(soups)
    assert [engine.pool.checkedout() for engine in engines] == [0, 0, 0]


def test_one_engine_on_all_nodes(one_engine: Engine) -> None:
    """The connections of one engine are spread evenly, and what one stored the next one reads."""
    db = SQLSoup(one_engine)
    for number in range(12):
        with db:
            assert db.payments.count() == number
            db.payments.insert(reference=str(number), account_id=1, amount=1)
        one_engine.dispose()
    with db:
        used = Counter(payment.node for payment in db.payments.all())
    assert used == {"node0": 4, "node1": 4, "node2": 4}


def test_first_accesses_while_another_node_alters_the_table(engines: list[Engine]) -> None:
    """The class has all columns from before or all from after, and so have its rows.

    What the server does not do in the middle of the change is an OperationalError, in or outside of
    a block, after which the same session works.
    """
    altered, engine = engines[:2]
    columns = ("id", "title"), ("id", "title", "width", "height")
    rows = [(1, "one"), (2, "two")], [(1, "one", 7, 9), (2, "two", 7, 9)]
    run(
        altered,
        "CREATE TABLE shelves (id INTEGER PRIMARY KEY, title VARCHAR(20))",
        "INSERT INTO shelves VALUES (1, 'one'), (2, 'two')",
    )
    seen: list[Counter[tuple[str, ...]]] = [Counter() for _ in range(READERS)]
    failed: Counter[int] = Counter()
    done = threading.Event()

    def look(reads: bool) -> tuple[str, ...]:
        try:
            shelves = SQLSoup(engine).shelves
            names = tuple(shelves.c.keys())
            assert shelves._table.primary_key.columns.keys() == ["id"]
            if reads:
                found = shelves.order_by(shelves.id).all()
                got = [tuple(getattr(row, name) for name in names) for row in found]
                assert got == rows[columns.index(names)]
        except OperationalError as error:
            failed[error.orig.args[0]] += 1
            raise
        return names

    def read(reader: int) -> None:
        db = SQLSoup(engine)
        try:
            while not done.is_set():
                if reader % 2:
                    names = attempt(db, lambda: look(True))
                else:
                    try:
                        names = look(False)
                    except OperationalError:
                        names = attempt(db, lambda: look(False))
                seen[reader][names] += 1
        finally:
            db.session.remove()

    with ThreadPoolExecutor(READERS) as pool:
        readers = [pool.submit(read, reader) for reader in range(READERS)]
        try:
            for number in range(40):
                change = (
                    "ADD COLUMN width INTEGER DEFAULT 7, ADD COLUMN height INTEGER DEFAULT 9",
                    "DROP COLUMN width, DROP COLUMN height",
                )[number % 2]
                how = ("INSTANT", "COPY")[number // 2 % 2]
                before = [one.total() for one in seen]
                run(altered, f"ALTER TABLE shelves {change}, ALGORITHM={how}")
                wait_until(
                    lambda before=before: (
                        all(one.total() > was for one, was in zip(seen, before, strict=True))
                        or any(one.done() for one in readers)
                    )
                )
        finally:
            done.set()
        for one in readers:
            one.result()
    assert [set(one) for one in seen] == [set(columns)] * READERS
    assert set(failed) <= {CONFLICT, ALTERED, NO_COLUMN}
    assert engine.pool.checkedout() == 0


def test_a_conflict_at_commit(engines: list[Engine]) -> None:
    """Of two nodes that change a row the first to commit wins; the other learns it at its commit.

    Its session works after ``rollback()``, and reads what the first has stored.
    """
    first, second = (own_sessions(engine) for engine in engines[:2])
    first.accounts.get(1).balance = 10
    second.accounts.get(1).balance = 20
    second.accounts.get(2).balance = 20
    first.flush()
    second.flush()
    first.commit()
    with pytest.raises(OperationalError) as caught:
        second.commit()
    assert type(caught.value) is OperationalError
    assert caught.value.orig.args[0] == CONFLICT
    assert caught.value.statement is None  # it was none of the statements, so it was COMMIT
    second.rollback()
    assert [second.accounts.get(key).balance for key in (1, 2)] == [10, 0]
    second.accounts.get(1).balance += 20
    second.commit()
    for engine in engines:
        with own_sessions(engine) as db:
            assert [db.accounts.get(key).balance for key in (1, 2)] == [30, 0]
    first.session.remove()
    second.session.remove()
    assert [engine.pool.checkedout() for engine in engines] == [0, 0, 0]


def test_conflicts_of_commits_at_once(engines: list[Engine]) -> None:
    """Where both commit at once, until certification has refused one, nothing is stored by halves.

    A block that fails so has given its connection back, and the next one works.
    """
    meet = threading.Barrier(2)
    pair = engines[:2]

    def refused() -> list[str]:
        return [status(engine, "wsrep_local_cert_failures") for engine in pair]

    def add(engine: Engine, key: int) -> OperationalError | None:
        db = SQLSoup(engine)
        meet.wait(PATIENCE)
        try:
            with db:
                db.accounts.get(key).balance = db.accounts.balance + 1
                db.accounts.get(0).balance = db.accounts.balance + 1
                db.flush()
                meet.wait(PATIENCE)
        except OperationalError as error:
            return error
        finally:
            db.session.remove()
        return None

    before = refused()
    stored = [0, 0]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(200):
            errors = [*pool.map(add, pair, (1, 2))]
            assert None in errors
            for number, error in enumerate(errors):
                if error is None:
                    stored[number] += 1
                else:
                    assert error.orig.args[0] == CONFLICT
                    assert error.statement is None
            assert [engine.pool.checkedout() for engine in pair] == [0, 0]
            if refused() != before:
                break
    assert refused() != before
    for engine in engines:
        with own_sessions(engine) as db:
            found = [db.accounts.get(key).balance for key in (1, 2, 0)]
            assert found == [*stored, sum(stored)]


def test_a_node_that_takes_no_work(nodes: list[Node], one_engine: Engine) -> None:
    """A node that answers 1047, as one without the others does, costs one more try each time."""
    db = SQLSoup(one_engine)
    failed = failures(one_engine)
    tries: Counter[int] = Counter()

    def store(number: int) -> None:
        tries[number] += 1
        soup = db if number % 2 else SQLSoup(one_engine)  # for which it is a first access
        soup.payments.insert(reference=str(number), account_id=1, amount=1)

    with db:
        assert db.payments.count() == 0
    one_engine.dispose()
    refuse(nodes[1], "ALL")
    try:
        for number in range(6):
            attempt(db, lambda number=number: store(number))
            one_engine.dispose()
    finally:
        refuse(nodes[1], "NONE")
    assert failed[NOT_READY] == failed.total() == tries.total() - 6 > 0
    assert max(tries.values()) == 2
    with db:
        assert db.payments.count() == 6
    assert one_engine.pool.checkedout() == 0


def test_the_loss_of_a_node(
    nodes: list[Node],
    engines: list[Engine],
    one_engine: Engine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Eight writers go on while a node is killed and comes back; each payment is there, once.

    They use the node again when it is back, and no connection is left checked out.
    """
    writers = Writers(one_engine)
    first = own_sessions(engines[0])

    def paid_at_the_first() -> int:
        with first:
            return first.payments.filter_by(node=nodes[0].name).count()

    begin = time.monotonic()
    with writers.at_work():
        time.sleep(KILL)
        nodes[0].stop()
        killed = time.monotonic()
        writers.go_on()
        time.sleep(max(0, begin + COME_BACK - time.monotonic()))
        nodes[0].come_back()
        back = time.monotonic()
        writers.go_on()
        before = paid_at_the_first()
        writers.wait_for(lambda: paid_at_the_first() > before)
        time.sleep(max(0, begin + SECONDS - time.monotonic()))
    assert one_engine.pool.checkedout() == 0
    first.session.remove()
    found = writers.found_at(engines)
    how = f"{killed - begin:.1f} s, {back - begin:.1f} s by {nodes[0].came_by()}"
    with capsys.disabled():
        tell("the loss of a node", found | {"killed and back": how})
    assert found["found"] == [found["acknowledged"]] * len(nodes)
    assert [found[name] for name in WRONG] == [[0] * len(nodes)] * len(WRONG)
    assert [engine.pool.checkedout() for engine in engines] == [0, 0, 0]
