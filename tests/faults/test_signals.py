"""Ctrl-C at any moment of a block: a real signal, from a timer, wherever Python takes it."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import signal
import sqlite3
import time

import pytest
import sqlalchemy as sa
from conftest import fill
from sqlalchemy.orm import scoped_session, sessionmaker

import sqlsoup

TRIES = int(os.environ.get("SQLSOUP_SIGNALS", "300"))


def block(db, word, delay=0.0):
    """Insert a tag in a block while a timer runs, which is none if the delay is 0."""
    signal.setitimer(signal.ITIMER_REAL, delay)
    try:
        with db:
            db.tags.insert(word=word)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def stored(path):
    """Return the words that are stored, if nobody has a lock, and remove those of a try."""
    with contextlib.closing(sqlite3.connect(path, timeout=0)) as connection, connection:
        connection.execute("BEGIN EXCLUSIVE")
        found = [word for (word,) in connection.execute("SELECT word FROM tags")]
        connection.execute("DELETE FROM tags WHERE word NOT IN ('food', 'hot')")
    return found


@pytest.mark.skipif(
    "SQLSOUP_SIGNALS" not in os.environ,
    reason="where a signal strikes is chance, also in SQLAlchemy; set SQLSOUP_SIGNALS to a number",
)
# of a callback of SQLAlchemy in which it struck
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_blocks(tmp_path):
    """A block that is interrupted is stored or not; after rollback() the next but one works.

    There is no pool: SQLAlchemy's own loses a connection that is interrupted on its way.
    """
    path = tmp_path / "signals.db"
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    sa.event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF").close())
    fill(engine)
    db = sqlsoup.SQLSoup(engine, session=scoped_session(sessionmaker()))
    block(db, "begun")
    begun = time.perf_counter()
    block(db, "timed")
    took = time.perf_counter() - begun
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    chance, wrong, struck = random.Random(14), [], 0
    try:
        for number in range(TRIES):
            try:
                block(db, f"a {number}", chance.uniform(1e-6, 1.5 * took))
                ended = True
            except KeyboardInterrupt:
                ended, struck = False, struck + 1
            except Exception as error:  # noqa: BLE001
                ended = False
                wrong.append(repr(error))
            db.rollback()
            with contextlib.suppress(sqlsoup.SQLSoupError):  # the block was lost, as it says
                block(db, f"b {number}")
            block(db, f"c {number}")
            found = stored(path)
            if f"c {number}" not in found or (ended and f"a {number}" not in found):
                wrong.append(f"{number}: {found}")
    finally:
        signal.signal(signal.SIGALRM, before)
        db.session.remove()
        engine.dispose()
        gc.collect()  # connections that SQLAlchemy lost, while the filter holds
    print(f"{TRIES} blocks, {struck} interrupted, {len(wrong)} wrong")
    assert struck
    assert wrong == []
