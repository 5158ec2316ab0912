"""A program for 0.9 on gunicorn: the old forms work in its workers, and the report has them."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import unavailable
from servers import PATIENCE, free_ports
from test_processes import post

SHOP = """
from sqlalchemy import create_engine, select
from sqlalchemy.ext.sqlsoup import SqlSoup

db = SqlSoup(create_engine("sqlite:///shop.db", convert_unicode=True))

def application(environ, start_response):
    db.orders.insert(number=int(environ["QUERY_STRING"]))
    db.commit()
    db.session.remove()
    found = db.engine.execute("SELECT count(*) AS n FROM orders").fetchone()
    assert found["n"] >= 1
    start_response("204 No Content", [])
    return []
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Gunicorn by the command of the documentation, and its port."""
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE orders (number INTEGER PRIMARY KEY)")
    connection.close()
    (port,) = free_ports(1)
    gunicorn = ["-m", "gunicorn", "--workers", "2", f"--bind=127.0.0.1:{port}"]
    version = [sys.executable, *gunicorn, "--version"]
    if subprocess.run(version, check=False, capture_output=True).returncode:
        unavailable("gunicorn is not installed")
    legacy = [sys.executable, "-m", "sqlsoup.legacy", "--report", "old-forms.json"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*legacy, *gunicorn, "shop:application"], cwd=tmp_path, stdout=log, stderr=log
        )
    yield process, port
    process.terminate()
    process.wait(PATIENCE)


def test_report_of_gunicorn(shop: tuple[subprocess.Popen[bytes], int], tmp_path: Path) -> None:
    """Each request is served, and the report has each place of the program, with all its uses."""
    process, port = shop
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda number: post(port, number), range(1, 41)))
    assert statuses == [204] * 40, (tmp_path / "log").read_text(encoding="utf-8")
    process.terminate()
    process.wait(PATIENCE)
    report = json.loads((tmp_path / "old-forms.json").read_text(encoding="utf-8"))
    found = {(note["line"], note["form"]): note["count"] for note in report["notes"]}
    assert {note["file"] for note in report["notes"]} == {"shop.py"}
    assert found[11, "engine-execute"] == 40
    assert found[12, "row-name"] == 40
    assert {form for line, form in found if line == 3} == {"import-sqlsoup"}
