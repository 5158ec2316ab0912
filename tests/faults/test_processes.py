"""Forked processes have connections of their own, in the ways that the documentation shows."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import run, unavailable
from pages import named
from servers import PATIENCE, SERVERS, free_ports


@pytest.fixture(params=SERVERS)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """An engine on a server of the test's own, which the environment names."""
    with SERVERS[request.param]() as server:
        server.start()
        monkeypatch.setenv("DATABASE_URL", server.url.render_as_string(hide_password=False))
        engine = sa.create_engine(server.url, poolclass=sa.NullPool)
        key = "worker INTEGER, number INTEGER, PRIMARY KEY (worker, number)"
        run(engine, f"CREATE TABLE entries ({key})")
        yield engine
        engine.dispose()


@pytest.fixture
def gunicorn(engine: sa.Engine, tmp_path: Path) -> Iterator[int]:
    """The port of a gunicorn that serves the application of the documentation."""
    for name in ("gunicorn.conf.py", "shop.py"):
        tmp_path.joinpath(name).write_text(named("when-things-fail.rst", name))
    (port,) = free_ports(1)
    command = [sys.executable, "-W", "error", "-m", "gunicorn", f"--bind=127.0.0.1:{port}"]
    if subprocess.run([*command, "--version"], check=False, capture_output=True).returncode:
        unavailable("gunicorn is not installed")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([*command, "shop"], cwd=tmp_path, stdout=log, stderr=log)
    yield port
    process.terminate()
    process.wait(PATIENCE)


def post(port: int, number: int) -> int:
    """Send a request, again while the server is starting, and return the status."""
    end = time.monotonic() + PATIENCE
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request("POST", f"/?{number}")
            return connection.getresponse().status
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


def entries(engine: sa.Engine) -> list[tuple[int, int]]:
    """The entries as another connection sees them."""
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT worker, number FROM entries"))
        return sorted((row.worker, row.number) for row in found)


def test_forked_workers(engine: sa.Engine, tmp_path: Path) -> None:
    """Each of four forked workers stores its rows, and the parent goes on with its connection."""
    script = tmp_path / "script.py"
    script.write_text(named("when-things-fail.rst", "forked"))
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("0 entries\n100 entries\n", "")
    assert entries(engine) == [(worker, number) for worker in range(4) for number in range(25)]


def test_gunicorn(engine: sa.Engine, gunicorn: int) -> None:
    """Workers that gunicorn forks of a loaded application serve requests without an error."""
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda number: post(gunicorn, number), range(200)))
    assert statuses == [204] * 200
    found = entries(engine)
    assert sorted(number for _, number in found) == list(range(200))
    assert 1 < len({worker for worker, _ in found}) <= 3
