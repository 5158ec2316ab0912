"""A machine that vanishes: it answers no packet any more, and closes no connection.

PostgreSQL and MariaDB run on one machine of a network of the tests' own. The programs, on another,
have the engines of the documentation, and each is at another moment when the first one vanishes.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import run
from network import Namespace, cut, lose, mend, network
from pages import documented
from servers import PATIENCE, MariaDB, PostgreSQL, wait_until
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from sqlsoup import SQLSoup

PAGE = "when-things-fail.rst"
attempt = documented(PAGE, "attempt")["attempt"]
MAKERS = {
    "postgresql": documented(PAGE, "postgresql_engine")["postgresql_engine"],
    "mysql": documented(PAGE, "mariadb_engine")["mariadb_engine"],
}
CONNECT, STATEMENT = 2, 4
DATABASES = {"psycopg2": "postgresql", "psycopg": "postgresql", "pymysql": "mysql"}
SILENCE = {"psycopg2": 3, "psycopg": 3, "pymysql": 5}
"""In seconds; the documentation has 5 and 30, and 20 or 40 of silence."""
BUSY = 3
"""Seconds that a machine with other things to do may take more."""

MOMENTS = ("first access", "query", "answer", "flush", "commit", "rollback", "between")
"""Those of the table of faults, and two more.

"Answer" is when the server has the query and works on it, "rollback" when the program gives up.
"""
LONG = {"postgresql": "SELECT pg_sleep(60)", "mysql": "SELECT sleep(60)"}
WORKING = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE usename = 'member'"
    " AND state = 'active' AND query LIKE '%%sleep(60)'",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE user = 'member'"
    " AND info LIKE '%%sleep(60)'",
}
END = {
    "postgresql": "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE usename = 'member'",
    "mysql": "KILL USER member",
}
TABLES = (
    "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)",
    "CREATE TABLE payments (reference VARCHAR(9) PRIMARY KEY, account_id INTEGER, amount INTEGER)",
)
PAID = (
    "SELECT id, balance, (SELECT count(*) FROM payments WHERE account_id = id) FROM accounts"
    " ORDER BY id"
)
MEMBER = {
    "postgresql": ("CREATE ROLE member LOGIN", "GRANT ALL ON accounts, payments TO member"),
    "mysql": ("CREATE USER member", "GRANT ALL ON test.* TO member"),
}


Outcome = tuple[Exception | None, float]
"""An error, and the seconds that it took since the machine had vanished."""


class GivenUp(Exception):
    """What a program raises when it does not want to go on."""


@dataclass
class Site:
    """Two machines; engines of an administrator by database, and URLs of a user by driver."""

    servers: Namespace
    programs: Namespace
    admins: dict[str, Engine] = field(default_factory=dict)
    urls: dict[str, sa.URL] = field(default_factory=dict)
    gone: threading.Event = field(default_factory=threading.Event)
    back: threading.Event = field(default_factory=threading.Event)

    def ask(self, name: str, query: str) -> Any:
        """Return what the administrator gets of a database."""
        with self.admins[name].connect() as connection:
            return connection.exec_driver_sql(query).scalar()

    def paid(self, name: str) -> list[int]:
        """Return the accounts with a payment; each has one, and the balance says the same."""
        with self.admins[name].connect() as connection:
            rows = [*connection.exec_driver_sql(PAID)]
        assert {row[1:] for row in rows} <= {(0, 0), (1, 1)}
        return [number for number, balance, _ in rows if balance]

    def come_back(self) -> None:
        """Have all packets arrive again."""
        mend(self.servers, self.programs)
        self.back.set()


class Program:
    """A program that has one thing to pay, and is at some moment of it when the machine vanishes.

    Reference and account are its own.
    """

    def __init__(self, site: Site, engine: Engine, moment: str, number: int) -> None:
        self.site, self.moment, self.number = site, moment, number
        self.db = SQLSoup(engine)
        self.name = engine.dialect.name
        self.there, self.waits = threading.Event(), threading.Event()
        self.tries = 0
        self.since = 0.0

    def prepare(self) -> None:
        """Use all tables but one that is to be met later."""
        with self.db as db:
            db.accounts.count()
            if self.moment != "first access":
                db.payments.count()

    def is_it(self, moment: str) -> bool:
        """Tell if this is the program's moment; if so wait until the machine has vanished."""
        if moment != self.moment or self.there.is_set():
            return False
        self.there.set()
        assert moment == "answer" or self.site.gone.wait(PATIENCE)
        self.since = time.monotonic()
        return True

    def pay(self) -> None:
        """Pay, unless that was done."""
        db = self.db
        self.tries += 1
        account = db.accounts.get(self.number)
        self.is_it("first access")
        payments = db.payments
        self.is_it("query")
        if payments.get(str(self.number)) is None:
            if self.is_it("answer"):
                db.execute(LONG[self.name])
            payments.insert(reference=str(self.number), account_id=self.number, amount=1)
            db.flush()
            self.is_it("flush")
            account.balance = db.accounts.balance + 1
            db.flush()
        self.is_it("commit")
        if self.is_it("rollback"):
            raise GivenUp

    def pay_in_block(self) -> None:
        """Pay, without another try."""
        self.is_it("between")
        with self.db:
            self.pay()

    def wait_until_back(self) -> None:
        """Wait until the machine is back."""
        self.waits.set()
        assert self.site.back.wait(PATIENCE)

    def outcome(self, work: Callable[[], object]) -> Outcome:
        """Return the error that work raises, and the seconds since the machine has vanished."""
        began = time.monotonic()
        error: Exception | None = None
        try:
            work()
        except (OperationalError, GivenUp) as raised:
            error = raised
        return error, time.monotonic() - max(began, self.since)

    def pay_for_sure(self, tries: int = 10) -> None:
        """Pay, and try again where that fails."""
        self.is_it("between")
        try:
            attempt(self.db, self.pay, tries)
        except GivenUp:
            attempt(self.db, self.pay, tries)


@pytest.fixture(scope="module")
def machines() -> Iterator[Site]:
    """A machine with both servers, on which the tests run, and one for the programs."""
    with ExitStack() as stack:
        site = Site(*stack.enter_context(network(2)))
        stack.enter_context(site.servers.inside())
        postgresql = stack.enter_context(PostgreSQL("listen_addresses=*"))
        with (postgresql.data / "pg_hba.conf").open("a", encoding="ascii") as access:
            access.write("host all member all trust\n")
        mariadb = stack.enter_context(
            MariaDB("--bind-address=0.0.0.0", "--innodb-flush-log-at-trx-commit=0")
        )
        for server in (postgresql, mariadb):
            server.start()
            name = server.url.get_backend_name()
            site.admins[name] = sa.create_engine(server.url, poolclass=sa.NullPool)
            run(site.admins[name], *TABLES, *MEMBER[name])
            url = server.url.set(host=site.servers.address, username="member")
            for driver in (one for one, of in DATABASES.items() if of == name):
                site.urls[driver] = url.set(drivername=f"{name}+{driver}")
        yield site


@pytest.fixture
def site(machines: Site) -> Iterator[Site]:
    """Nobody has paid yet."""
    machines.gone.clear()
    machines.back.clear()
    accounts = ", ".join(f"({number}, 0)" for number in range(len(DATABASES) * len(MOMENTS)))
    for admin in machines.admins.values():
        run(admin, f"INSERT INTO accounts VALUES {accounts}")
    yield machines
    for admin in machines.admins.values():
        run(admin, "DELETE FROM accounts", "DELETE FROM payments")


@pytest.fixture
def engines(site: Site, make_engine: Callable[..., Engine]) -> Iterator[dict[str, Engine]]:
    """The engine of the documentation for each driver."""
    made = {}
    for driver, name in DATABASES.items():
        made[driver] = MAKERS[name](
            site.urls[driver],
            connect=CONNECT,
            statement=STATEMENT,
            silence=SILENCE[driver],
            pool_size=len(MOMENTS),
        )
    yield made
    for engine in made.values():
        engine.dispose()


@pytest.fixture
def pool(site: Site) -> Iterator[ThreadPoolExecutor]:
    """Threads on the machine of the programs, for all of which the outage is over at the end."""
    with ThreadPoolExecutor(64, initializer=site.programs.enter) as pool:
        yield pool
        site.gone.set()
        site.come_back()


def start(pool: ThreadPoolExecutor, programs: list[Program], do: Any) -> dict[Program, Future[Any]]:
    """Have each program do something in a thread; return when all have come to their moment."""

    def connect(engine: Engine) -> None:  # so that there is one left for "between"
        with ExitStack() as stack:
            for _ in range(engine.pool.size()):
                stack.enter_context(engine.connect())

    def prepare_and_do(program: Program) -> Any:
        try:
            program.prepare()
            return do(program)
        finally:
            program.db.session.remove()

    list(pool.map(connect, {program.db.engine for program in programs}))
    futures = {program: pool.submit(prepare_and_do, program) for program in programs}
    wait_until(lambda: all(one.there.is_set() or futures[one].done() for one in programs))
    return futures


def vanish(site: Site) -> None:
    """Have all packets vanish when the long queries run."""
    wait_until(lambda: site.ask("postgresql", WORKING["postgresql"]) == 2)
    wait_until(lambda: site.ask("mysql", WORKING["mysql"]) == 1)
    cut(site.programs, site.servers)
    site.gone.set()


def make_programs(site: Site, engines: dict[str, Engine]) -> list[Program]:
    """Make a program for each driver and moment."""
    pairs = itertools.product(engines.values(), MOMENTS)
    return [Program(site, *pair, number) for number, pair in enumerate(pairs)]


def numbers(programs: list[Program]) -> dict[str, list[int]]:
    """Return by database the numbers of the programs that use it."""
    return {name: [one.number for one in programs if one.name == name] for name in WORKING}


def show(capsys: pytest.CaptureFixture[str], title: str, outcomes: dict[Program, Outcome]) -> None:
    """Print what each program got, and when."""
    with capsys.disabled():
        print(f"\n{title}:")
        for one, (error, waited) in outcomes.items():
            what = type(error).__name__ if error else f"paid at try {one.tries}"
            print(f"    {one.moment}, {one.db.engine.driver}: {what} after {waited:.1f} s")


def test_for_good(site, engines, pool, capsys):
    """One try, and then attempt(), raise an OperationalError in time; nothing is stored.

    When the machine is back after all, the same SQLSoup works.
    """
    programs = make_programs(site, engines)

    def work(program: Program) -> list[Outcome]:
        found = [program.outcome(program.pay_in_block)]
        found.append(program.outcome(lambda: program.pay_for_sure(tries=2)))
        program.wait_until_back()
        program.pay_for_sure()
        return found

    futures = start(pool, programs, work)
    vanish(site)
    assert all(program.waits.wait(PATIENCE) for program in programs)
    assert [site.paid(name) for name in site.admins] == [[], []]
    site.come_back()
    outcomes = {program: future.result(PATIENCE) for program, future in futures.items()}
    show(capsys, "vanished for good", {one: first for one, (first, _) in outcomes.items()})
    for program, ((first, waited), (second, more)) in outcomes.items():
        limit = SILENCE[program.db.engine.driver] + BUSY
        if program.moment == "rollback":
            assert type(first) is GivenUp
        else:
            assert type(first) is OperationalError
            # the ping notes the silence of a connection of the pool; a new one cannot be had
            assert first.connection_invalidated is (program.moment != "between")
        assert waited < limit + (CONNECT if program.moment == "between" else 0)
        assert type(second) is OperationalError
        assert more < 2 * CONNECT + BUSY
    assert {name: site.paid(name) for name in site.admins} == numbers(programs)
    assert [engine.pool.checkedout() for engine in engines.values()] == [0, 0, 0]


@pytest.mark.parametrize("driver", DATABASES)
def test_first_accesses_of_threads(driver, site, engines, pool, capsys):
    """However many threads meet tables for the first time, their waits do not add up."""
    db, number = SQLSoup(engines[driver]), len(MOMENTS)
    in_transactions = threading.Barrier(number + 1)

    def meet(one: int) -> float:
        try:
            db.execute("SELECT 1")
            in_transactions.wait(PATIENCE)
            assert site.gone.wait(PATIENCE)
            began = time.monotonic()
            with pytest.raises(OperationalError):
                db["accounts" if one else "payments"]
            return time.monotonic() - began
        finally:
            db.session.remove()

    futures = [pool.submit(meet, one) for one in range(number)]
    in_transactions.wait(PATIENCE)
    cut(site.programs, site.servers)
    site.gone.set()
    waits = [future.result(PATIENCE) for future in futures]
    with capsys.disabled():
        print(f"\n{number} threads, {driver}: {min(waits):.1f} to {max(waits):.1f} s")
    assert max(waits) < SILENCE[driver] + CONNECT + BUSY
    assert db.engine.pool.checkedout() == 0


def test_for_fifteen_seconds(site, engines, pool, capsys):
    """attempt() goes on until the machine is back, and each has paid once."""
    programs = make_programs(site, engines)
    futures = start(pool, programs, lambda program: program.outcome(program.pay_for_sure))
    began = time.monotonic()
    vanish(site)
    time.sleep(15)
    site.come_back()
    outage = time.monotonic() - began
    outcomes = {program: future.result(PATIENCE) for program, future in futures.items()}
    show(capsys, f"vanished for {outage:.1f} s", outcomes)
    for error, waited in outcomes.values():
        assert error is None
        assert waited < outage + max(SILENCE.values()) + CONNECT + BUSY
    assert {name: site.paid(name) for name in site.admins} == numbers(programs)
    assert [engine.pool.checkedout() for engine in engines.values()] == [0, 0, 0]


def test_a_commit_whose_answer_is_lost(site, engines, pool, capsys):
    """It gives the error of one that was not done; attempt() finds it done by its key."""
    programs = [
        Program(site, engine, "commit", number) for number, engine in enumerate(engines.values())
    ]

    def work(program: Program) -> Outcome:
        found = program.outcome(program.pay_in_block)
        program.wait_until_back()
        program.pay_for_sure()
        return found

    futures = start(pool, programs, work)
    lose(site.servers, site.programs)
    site.gone.set()
    wait_until(lambda: {name: site.paid(name) for name in site.admins} == numbers(programs))
    assert all(program.waits.wait(PATIENCE) for program in programs)
    site.come_back()
    outcomes = {program: future.result(PATIENCE) for program, future in futures.items()}
    show(capsys, "the answer to a commit is lost", outcomes)
    for program, (error, waited) in outcomes.items():
        assert type(error) is OperationalError
        assert error.connection_invalidated
        assert waited < SILENCE[program.db.engine.driver] + BUSY
        assert program.tries == 2
    assert {name: site.paid(name) for name in site.admins} == numbers(programs)


def test_without_time_outs(site, make_engine, pool):
    """With an engine that has none, however it pings, nothing ends the wait but the server."""
    engines = [
        make_engine(url, pool_pre_ping=True, pool_recycle=1800) for url in site.urls.values()
    ]
    programs = [Program(site, engine, "query", number) for number, engine in enumerate(engines)]
    futures = start(pool, programs, lambda program: program.outcome(program.pay_in_block))
    cut(site.programs, site.servers)
    site.gone.set()
    time.sleep(max(SILENCE.values()) + BUSY)
    assert [future.done() for future in futures.values()] == [False] * len(programs)
    for name, admin in site.admins.items():
        run(admin, END[name])
    site.come_back()
    for future in futures.values():
        error, _ = future.result(PATIENCE)
        assert type(error) is OperationalError
        assert error.connection_invalidated
