"""Greenlets of gevent, and forked processes, each in a program of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest
import sqlalchemy as sa
from conftest import unavailable, words

GREENLETS = """
from gevent import monkey
monkey.patch_all()
import os, gevent, sqlsoup
from sqlalchemy import event

db = sqlsoup.SQLSoup(os.environ["DATABASE_URL"], relationships=True)
reflected = []
sqlsoup._reflect._PATIENCE = 60

@event.listens_for(db._metadata, "column_reflect")
def note(inspector, table, column):
    reflected.append((table.name, column["name"]))
    gevent.sleep(0.001)

def work(number):
    with db:
        tables = db.users, db.books, db.loans, db.tags
        assert len(db.users.get("Bo").loans) == 2
        gevent.sleep(0.001)
        with db:
            assert db.users.count() == 3
    with db:
        db.tags.insert(word=f"green {number}")
    return tables

jobs = [gevent.spawn(work, number) for number in range(12)]
gevent.joinall(jobs, raise_error=True)
print(len({job.value for job in jobs}), len(reflected) == len({*reflected}))
print(db.engine.pool.checkedout())
db.engine.dispose()
"""
LATE = """
import os, gevent, sqlsoup
from gevent import monkey
monkey.patch_all()

db = sqlsoup.SQLSoup(os.environ["DATABASE_URL"])
sessions = set()

def work(number):
    with db:
        sessions.add(db.session())
        db.tags.insert(word=f"green {number}")
        gevent.sleep(0.001)

jobs = [gevent.spawn(work, number) for number in range(4)]
gevent.get_hub().exception_stream = None
gevent.joinall(jobs)
print(len(sessions), [str(job.exception).partition(" while")[0] for job in jobs][::2])
print([str(job.exception).partition(":")[0] for job in jobs][1::2])
with db:
    db.tags.insert(word="last")
db.engine.dispose()
"""
FORKED = """
import os, sqlsoup

db = sqlsoup.SQLSoup(os.environ["DATABASE_URL"])
with db:
    assert db.tags.count() == 2
children = []
for number in range(3):
    child = os.fork()
    if not child:
        db.engine.dispose(close=False)
        with db:
            db.tags.insert(word=f"child {number}")
        os._exit(0)
    children.append(child)
    with db:
        assert db.users.count() == 3
print([os.waitpid(child, 0)[1] for child in children])
with db:
    print(db.tags.count())
db.engine.dispose()
"""


def printed(program: str, engine: sa.Engine, driver: str | None = None) -> str:
    """Run a program on the database, and return what it prints."""
    url = engine.url.set(drivername=driver) if driver else engine.url
    env = {**os.environ, "DATABASE_URL": url.render_as_string(hide_password=False)}
    done = subprocess.run(
        # a forked process ends without closing what it let go of
        [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", "-c", program],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def need_gevent() -> None:
    """Skip or fail where there is no gevent."""
    if importlib.util.find_spec("gevent") is None:
        unavailable("gevent is not installed")


@pytest.mark.parametrize("other", [False, True], ids=["driver", "psycopg"])
def test_greenlets(other: bool, engine: sa.Engine) -> None:
    """Greenlets have transactions of their own, and each table is reflected once for all."""
    need_gevent()
    if other and engine.dialect.name != "postgresql":
        pytest.skip("a driver of PostgreSQL")
    assert printed(GREENLETS, engine, "postgresql+psycopg" if other else None) == "1 True\n0\n"
    assert words(engine) == sorted(["food", "hot", *(f"green {n}" for n in range(12))])


def test_greenlets_patched_late(engine: sa.Engine) -> None:
    """Where SQLSoup was imported first they share a session, and no block of theirs is silent."""
    need_gevent()
    if engine.dialect.name != "sqlite":
        pytest.skip("it is the same on all databases")
    assert printed(LATE, engine).splitlines() == [
        f"1 {['this block was suspended'] * 2}",
        f"{['an earlier block of this session did not end'] * 2}",
    ]
    assert words(engine) == ["food", "hot", "last"]


def test_fork(engine: sa.Engine) -> None:
    """Forked processes that let go of the pool store their rows; the parent keeps its own."""
    assert printed(FORKED, engine) == "[0, 0, 0]\n5\n"
    assert words(engine) == ["child 0", "child 1", "child 2", "food", "hot"]
