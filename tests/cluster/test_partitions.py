"""A cluster whose network fails: a node is cut from the programs, from the others, or by turns.

Each node is on a machine of its own, and the programs are on another.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from conftest import empty, run
from galera import Node, cluster, status
from network import Namespace, cut, mend, network
from servers import wait_until
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

TIME_OUTS = {"connect": 2, "statement": 4, "silence": 6}
LIMIT = TIME_OUTS["silence"] + TIME_OUTS["connect"] + 3
"""Seconds for one try; the last three are for a machine with other things to do."""
LONGEST = 2 * LIMIT
"""Seconds for a payment: a node that is silent, and then the others that wait for it."""
NOT_READY, NOT_IN_TIME = 1047, 1205


@pytest.fixture(scope="module")
def machines() -> Iterator[list[Namespace]]:
    """A machine for the programs, on which the tests run, and three for the nodes."""
    with network(4) as (programs, *others), programs.inside():
        yield [programs, *others]


@pytest.fixture(scope="module")
def nodes(machines: list[Namespace]) -> Iterator[list[Node]]:
    """Three nodes that can be reached from the machine of the programs."""
    with cluster(*machines[1:]) as nodes:
        admin = sa.create_engine(nodes[0].url, poolclass=sa.NullPool)
        with nodes[0].inside():
            run(admin, "CREATE USER root@'%%'", "GRANT ALL ON *.* TO root@'%%'")
        yield nodes


@pytest.fixture
def addresses(machines: list[Namespace], nodes: list[Node]) -> list[tuple[str, int]]:
    """Where the nodes are."""
    pairs = zip(machines[1:], nodes, strict=True)
    return [(machine.address, node.port) for machine, node in pairs]


@pytest.fixture
def engines(
    machines: list[Namespace], nodes: list[Node], addresses: list[tuple[str, int]]
) -> Iterator[list[Engine]]:
    """An engine on each node; afterwards the network is whole again, and nothing is left."""
    engines = [cluster_engine(nodes[0].url, [address], **TIME_OUTS) for address in addresses]
    run(engines[0], ACCOUNTS_TABLE, PAYMENTS_TABLE, NODE_OF_PAYMENT, ROWS)
    yield engines
    sqlsoup.Session.remove()
    repair(machines, nodes, engines)
    empty(engines[0])
    for engine in engines:
        engine.dispose()


@pytest.fixture
def one_engine(
    engines: list[Engine], nodes: list[Node], addresses: list[tuple[str, int]]
) -> Iterator[Engine]:
    """One engine, of the documentation's making, whose connections go to the nodes in turn."""
    engine = cluster_engine(nodes[0].url, addresses, **TIME_OUTS, pool_size=WRITERS, pool_recycle=5)
    yield engine
    sqlsoup.Session.remove()
    engine.dispose()


def repair(machines: list[Namespace], nodes: list[Node], engines: list[Engine]) -> None:
    """Have all packets arrive, and wait until each node has found the others."""

    def is_whole(node: Node, engine: Engine) -> bool:
        return node.answers(engine) and status(engine, "wsrep_cluster_size") == str(len(nodes))

    mend(*machines)
    wait_until(lambda: all(map(is_whole, nodes, engines)))


def refuses(engine: Engine) -> bool:
    """Tell if a node says that it may not be used."""
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT balance FROM accounts")
    except OperationalError as error:
        return error.orig.args[0] in {NOT_READY, NOT_IN_TIME}
    return False


def test_a_node_that_is_cut_from_the_others(
    machines: list[Namespace],
    nodes: list[Node],
    engines: list[Engine],
    one_engine: Engine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It refuses all with an OperationalError, in time, and attempt() goes on at another node.

    What it had not committed is not stored.
    """
    cut_off, others = machines[1], machines[2:]
    flushed, committing = own_sessions(engines[0]), own_sessions(engines[0])
    for number, db in enumerate((flushed, committing)):
        db.accounts.get(number).balance = 99
        db.flush()
    cut(cut_off, *others)
    began = time.monotonic()
    with pytest.raises(OperationalError) as at_commit:
        committing.commit()
    assert time.monotonic() - began < LIMIT
    committing.session.remove()
    wait_until(lambda: refuses(engines[0]))
    with pytest.raises(OperationalError) as later:
        flushed.commit()
    flushed.rollback()
    with pytest.raises(OperationalError) as query:
        flushed.accounts.get(3)
    flushed.session.remove()
    with pytest.raises(OperationalError) as first_access, SQLSoup(engines[0]) as fresh:
        _ = fresh.accounts
    db = SQLSoup(one_engine)
    failed = failures(one_engine)
    for reference in "abc":
        attempt(db, lambda: db.payments.insert(reference=reference, account_id=1, amount=1) and 0)  # noqa: B023
        one_engine.dispose()
    seen = {
        "a commit under way": at_commit.value.orig.args,
        "a later commit": later.value.orig.args,
        "a query": query.value.orig.args,
        "a first access": first_access.value.orig.args,
        "attempt() on all nodes": dict(failed),
    }
    with capsys.disabled():
        tell("a node without the others", seen)
    assert {query.value.orig.args[0], first_access.value.orig.args[0]} <= {NOT_READY, NOT_IN_TIME}
    assert failed
    repair(machines, nodes, engines)
    for engine in engines:
        with own_sessions(engine) as each:
            assert each.payments.count() == 3
            assert each.accounts.filter(each.accounts.balance > 0).count() == 0
        each.session.remove()


def test_writers_while_the_network_fails(
    machines: list[Namespace],
    nodes: list[Node],
    engines: list[Engine],
    one_engine: Engine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A node is cut from the programs, then from the nodes, then both by turns: none is lost.

    Each payment is there once, at each node, and no connection is left checked out.
    """
    programs, first, second, third = machines
    writers = Writers(one_engine)
    with writers.at_work():
        writers.go_on()
        cut(first, programs)
        time.sleep(8)
        writers.go_on()
        repair(machines, nodes, engines)
        writers.go_on()
        cut(first, second, third)
        time.sleep(8)
        writers.go_on()
        repair(machines, nodes, engines)
        for seconds in (0.5, 2, 4):
            for one, others in ((second, [first, third]), (third, [programs])):
                cut(one, *others)
                time.sleep(seconds)
                mend(*machines)
                time.sleep(1)
        writers.go_on()
        repair(machines, nodes, engines)
        writers.go_on()
    assert one_engine.pool.checkedout() == 0
    found = writers.found_at(engines)
    with capsys.disabled():
        tell("a network that fails", found)
    assert found["found"] == [found["acknowledged"]] * len(nodes)
    assert [found[name] for name in WRONG] == [[0] * len(nodes)] * len(WRONG)
    assert found["longest pause"] < LONGEST
