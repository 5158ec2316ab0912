"""Work that is tried again, with the function of the documentation, on every database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import run, words
from pages import documented, named
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, OperationalError

from sqlsoup import SQLSoup

attempt = documented("when-things-fail.rst", "attempt")["attempt"]


def test_a_lost_answer(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a commit is stored and its answer is lost, the next try finds it done."""
    run(
        engine,
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)",
        "INSERT INTO accounts VALUES (7, 5)",
        "CREATE TABLE payments (reference VARCHAR(40) PRIMARY KEY, account_id INTEGER NOT NULL,"
        " amount INTEGER NOT NULL)",
    )
    db = SQLSoup(engine)
    pay = documented("when-things-fail.rst", "pay", db=db)["pay"]
    error = engine.dialect.loaded_dbapi.OperationalError
    commit = engine.dialect.do_commit
    tries: list[int] = []

    def lose_answer(connection: Any) -> None:
        commit(connection)
        monkeypatch.undo()
        raise error(2013, "Lost connection")

    def work() -> None:
        tries.append(db.payments.count())
        pay("a", 7, 100)

    monkeypatch.setattr(engine.dialect, "do_commit", lose_answer)
    attempt(db, work)
    assert tries == [0, 1]
    with db:
        assert [payment.reference for payment in db.payments.all()] == ["a"]
        assert db.accounts.get(7).balance == 105
    assert engine.pool.checkedout() == 0


IMPATIENT = {
    "sqlite": "PRAGMA busy_timeout = 0",
    "postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "mysql": "SET innodb_lock_wait_timeout = 0",
}


def test_trying_again_on_one_server(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    """What another transaction is in the way of is done at the second try, on every database.

    On PostgreSQL it is a serialization failure, on the others a lock.
    """
    db = SQLSoup(engine)
    with db:
        assert db.users.get("Ada").admin == 1
    failed: list[object] = []
    sa.event.listen(engine, "handle_error", failed.append)
    tries = 0
    update = sa.text("UPDATE users SET admin = 5 WHERE name = 'Ada'")
    with make_engine(engine.url).connect() as other:

        def work() -> int:
            nonlocal tries
            tries += 1
            db.execute(IMPATIENT[engine.dialect.name])
            ada = db.users.get("Ada")
            ada.email = f"written at try {tries}"
            if tries == 1:
                other.execute(update)
                if engine.dialect.name == "postgresql":
                    other.commit()
            try:
                db.flush()
            finally:
                other.commit()
            return ada.admin

        assert attempt(db, work) == 5
    assert [tries, len(failed)] == [2, 1]
    assert not db.session().in_transaction()
    assert engine.pool.checkedout() == 0
    with db:
        assert db.users.get("Ada").email == "written at try 2"


def test_trying_again_has_an_end(soup: SQLSoup, lite: Engine) -> None:
    """The last failure goes on, and so does at once what is no OperationalError.

    Either leaves a session that is not in a transaction.  The function has ten lines.
    """
    tries: Counter[str] = Counter()

    def work(statement: str) -> None:
        tries[statement] += 1
        soup.tags.insert(word="new")
        soup.flush()
        soup.execute(statement)

    for statement, error, count in (
        ("SELECT * FROM missing", OperationalError, 3),
        ("INSERT INTO tags VALUES ('new')", IntegrityError, 1),
    ):
        with pytest.raises(error):
            attempt(soup, lambda statement=statement: work(statement), tries=3)
        assert tries[statement] == count
        assert not soup.session().in_transaction()
        assert lite.pool.checkedout() == 0
        assert words(lite) == ["food", "hot"]
    source = named("when-things-fail.rst", "attempt")
    assert len(source[source.index("def ") :].strip().splitlines()) == 10
