"""Whatever table is made up, SQLSoup stores and shows the same as the driver."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import run

os.environ.setdefault(
    "HYPOTHESIS_STORAGE_DIRECTORY", str(Path(tempfile.gettempdir(), "hypothesis"))
)
from hypothesis import HealthCheck, given, settings
from made_up import Example, check, examples
from made_up_mariadb import MARIADB
from made_up_postgresql import POSTGRESQL
from made_up_sqlite import SQLITE

DATABASES = {"mysql": MARIADB, "postgresql": POSTGRESQL, "sqlite": SQLITE}
NUMBER = int(os.environ.get("SQLSOUP_TEST_EXAMPLES", "25"))


def test_made_up_tables(engine: sa.Engine) -> None:
    """Rows of made-up tables go in by SQLSoup and come out by the driver, and the other way."""
    name = engine.dialect.name
    if name not in DATABASES:
        pytest.skip(f"nothing to make tables of in {name}")
    if name == "sqlite":  # each CREATE TABLE waits for the disk otherwise
        sa.event.listen(
            engine, "connect", lambda c, _: c.execute("PRAGMA synchronous = OFF").close()
        )
        engine.dispose()
    database, checked = DATABASES[name], 0

    @settings(
        max_examples=NUMBER,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(examples(database))
    def each(example: Example) -> None:
        nonlocal checked
        check(engine, example)
        checked += 1

    run(engine, *database.before)
    try:
        each()
    finally:
        run(engine, *database.after)
    assert checked >= NUMBER
