"""Writers on a cluster, who pay and note what they were told is paid, and what is found then.

The payments stand in one table and their sums in another, so that one that was done twice shows,
although its reference is unique.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from pages import documented
from servers import wait_until
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import scoped_session, sessionmaker

from sqlsoup import SQLSoup

ACCOUNTS_TABLE = "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)"
PAYMENTS_TABLE = (
    "CREATE TABLE payments (reference VARCHAR(40) PRIMARY KEY, account_id INTEGER NOT NULL,"
    " amount INTEGER NOT NULL, node VARCHAR(20))"
)
NODE_OF_PAYMENT = (
    "CREATE TRIGGER node_of_payment BEFORE INSERT ON payments"
    " FOR EACH ROW SET NEW.node = @@wsrep_node_name"
)
ACCOUNTS = 20
ROWS = f"INSERT INTO accounts VALUES {', '.join(f'({number}, 0)' for number in range(ACCOUNTS))}"
WRITERS = 8

attempt = documented("when-things-fail.rst", "attempt")["attempt"]
cluster_engine = documented(
    "growing.rst", "cluster_engine", **documented("when-things-fail.rst", "mariadb_engine")
)["cluster_engine"]


def failures(engine: Engine) -> Counter[int]:
    """Count the errors of an engine by their number, from here on; each is an OperationalError."""
    seen: Counter[int] = Counter()

    @event.listens_for(engine, "handle_error")
    def note(context: Any) -> None:
        seen[context.original_exception.args[0]] += 1
        assert type(context.sqlalchemy_exception) is OperationalError

    return seen


def own_sessions(engine: Engine) -> SQLSoup:
    """Return a SQLSoup with a registry of its own."""
    return SQLSoup(engine, session=scoped_session(sessionmaker()))


class Writers:
    """Eight threads that pay with the documentation's functions, one payment after the other."""

    def __init__(self, engine: Engine) -> None:
        self.db = SQLSoup(engine)
        self.pay = documented("when-things-fail.rst", "pay", db=self.db)["pay"]
        self.failed = failures(engine)
        self.acknowledged: list[list[tuple[str, float]]] = [[] for _ in range(WRITERS)]
        self.tries: Counter[str] = Counter()
        self.stop = threading.Event()
        self.futures: list[Future[None]] = []
        self.begin = self.end = 0.0

    def write(self, writer: int) -> None:
        """Pay until told to stop."""
        chance = random.Random(writer)

        def work() -> None:
            self.tries[reference] += 1
            self.pay(reference, account, 1)

        try:
            for number in itertools.count():
                if self.stop.is_set():
                    return
                reference, account = f"{writer}-{number}", chance.randrange(ACCOUNTS)
                attempt(self.db, work)
                self.acknowledged[writer].append((reference, time.monotonic()))
        finally:
            self.db.session.remove()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Have them write, until the end."""
        self.begin = time.monotonic()
        with ThreadPoolExecutor(WRITERS) as pool:
            self.futures = [pool.submit(self.write, writer) for writer in range(WRITERS)]
            try:
                yield
            finally:
                self.stop.set()
            for future in self.futures:
                future.result()
        self.end = time.monotonic()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until it is so, or one of the writers has failed."""
        wait_until(lambda: condition() or any(future.done() for future in self.futures))

    def go_on(self) -> None:
        """Wait until each has paid something from now on."""
        moment = time.monotonic()
        self.wait_for(lambda: all(mine and mine[-1][1] > moment for mine in self.acknowledged))

    def found_at(self, engines: list[Engine]) -> dict[str, Any]:
        """Compare what the nodes have with what is known, and tell."""
        known = {reference for mine in self.acknowledged for reference, _ in mine}
        found: dict[str, Any] = {"acknowledged": len(known)}
        counts = [found.setdefault(name, []) for name in WRONG]
        nodes = found.setdefault("found", [])
        for engine in engines:
            with own_sessions(engine) as each:
                payments = {payment.reference: payment for payment in each.payments.all()}
                balances = {account.id: account.balance for account in each.accounts.all()}
                nodes.append(len(payments))
                missing, unknown = known - payments.keys(), payments.keys() - known
                twice = sum(balances.values()) - len(payments)
                paid = Counter(payment.account_id for payment in payments.values())
                assert balances == {number: paid[number] for number in range(ACCOUNTS)}
            each.session.remove()
            for count, number in zip(counts, (len(missing), len(unknown), twice), strict=True):
                count.append(number)
        moments = [[self.begin, *(t for _, t in mine), self.end] for mine in self.acknowledged]
        found["longest pause"] = max(b - a for one in moments for a, b in itertools.pairwise(one))
        found["tries"] = f"{self.tries.total()}, at most {max(self.tries.values())} for one"
        found["errors"] = dict(self.failed)
        return found


WRONG = ("missing", "not acknowledged", "duplicated")
"""What is 0 at each node."""


def tell(title: str, found: dict[str, Any]) -> None:
    """Print what was found."""
    shown = {k: f"{v:.1f} s" if isinstance(v, float) else v for k, v in found.items()}
    print(f"\n{title}:", ", ".join(f"{name} {value}" for name, value in shown.items()))
