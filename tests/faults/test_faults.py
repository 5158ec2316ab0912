"""Faults of the database: one clear error each, nothing half stored, and the next use works.

``expected.toml`` has what each fault gives at each moment; the documentation shows the same file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import fault_servers
import pytest
import sqlalchemy as sa
from fault_kinds import KINDS, NO_CHANGE
from fault_servers import Site
from moments import FIRST_ACCESS_ALONE, LOCKING_QUERY, MOMENTS
from pages import documented
from sqlalchemy.exc import (
    DBAPIError,
    OperationalError,
    PendingRollbackError,
    ProgrammingError,
    SQLAlchemyError,
)

import sqlsoup

EXPECTED = tomllib.loads(Path(__file__).with_name("expected.toml").read_text(encoding="utf-8"))
SERVERS = ("postgresql", "mariadb")
FAULTS = [name for name in EXPECTED if name != "moments"]
MANY_ROWS = {
    "postgresql": "SELECT n FROM generate_series(1, 500000) AS n ORDER BY -n",
    "mariadb": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
    " SELECT DISTINCT a.i, b.i, repeat('x', 500) FROM n AS a, n AS b",
}
SMALL = "SET SESSION tmp_memory_table_size = 16384, tmp_disk_table_size = 65536"


@pytest.fixture(scope="module", params=SERVERS)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A server of the tests' own with the library."""
    with getattr(fault_servers, request.param)() as server:
        server.start()
        yield Site(server)


@pytest.fixture
def make_soup(site, make_engine):
    """Make SQLSoup objects for a user of the server; what is stored is undone at the end."""

    def make(**options: Any) -> sqlsoup.SQLSoup:
        return sqlsoup.SQLSoup(make_engine(site.url, **options))

    yield make
    sqlsoup.Session.remove()
    site.restore()


def _code(error: DBAPIError) -> str:
    """Return the SQLSTATE of an error of PostgreSQL, and the number of one of MariaDB."""
    orig: Any = error.orig
    return orig.pgcode if hasattr(orig, "pgcode") else str(orig.args[0])


def _told(error: BaseException | None) -> Iterator[str]:
    """Give the errors of SQLAlchemy that a traceback shows."""
    while error is not None:
        if isinstance(error, SQLAlchemyError):
            yield type(error).__name__
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _assert_whole(db, site):
    """Assert that each table and class has the columns that the database has."""
    there = sa.MetaData()
    there.reflect(site.admin, only=[*db._metadata.tables], resolve_fks=False)
    for name, table in db._metadata.tables.items():
        assert table.columns.keys() == there.tables[name].columns.keys()
    for name, mapped in db._cache.items():
        assert mapped._table is db._metadata.tables[name]
        assert mapped.c.keys() == there.tables[name].columns.keys()


def _after(before, use, *, wrote):
    """Return what is stored when all went well."""
    lent = use.lends and (wrote or use is not MOMENTS["commit"])
    return {
        "tags": sorted([*before["tags"], "early"]) if wrote else before["tags"],
        "loans": ["Ada", *before["loans"][1:]] if lent else before["loans"],
    }


def _meet(site, make_soup, fault, moment, use):
    """Have a fault strike at a moment, and compare with the table what comes of it."""
    kind, cell = KINDS[fault], EXPECTED[fault][site.name][moment]
    before = site.stored()
    db = make_soup(pool_pre_ping=True, **kind.options.get(site.name, {}))
    with kind.strike(site, db.engine, moment) as strike:
        try:
            use.prepare(db, moment in kind.writes)
            strike()
            if "error" in cell:
                with pytest.raises(SQLAlchemyError) as raised:
                    use.act(db)
                _assert_expected(raised.value, cell)
            else:
                use.act(db)
                db.commit()
                wrote = moment in kind.writes and use is not FIRST_ACCESS_ALONE
                assert site.stored() == _after(before, use, wrote=wrote)
        finally:
            db.rollback()
    if "error" in cell:
        assert moment != "first_access" or "loans" not in {*db._cache, *db._metadata.tables}
    else:
        site.restore()
    assert site.stored() == before
    _assert_whole(db, site)
    use.prepare(db, True)
    use.act(db)
    db.commit()
    assert site.stored() == _after(before, use, wrote=use is not FIRST_ACCESS_ALONE)
    db.session.remove()
    assert db.engine.pool.checkedout() == 0


def _assert_expected(error, cell):
    """Assert that an error is the one of the table, and no second one hides or follows it."""
    assert type(error) in {getattr(module, cell["error"], None) for module in (sqlsoup, sa.exc)}
    assert [*_told(error)] == [cell["error"]]
    if isinstance(error, DBAPIError):
        assert error.connection_invalidated is cell.get("lost", False)
        assert _code(error) in cell.get("codes", [None])


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("fault", KINDS)
def test_a_fault(site, fault, moment, make_soup):
    """A fault gives the error that the table says, undoes it all, and is over when it is over."""
    locking = EXPECTED[fault][site.name][moment].get("locking")
    _meet(site, make_soup, fault, moment, LOCKING_QUERY if locking else MOMENTS[moment])


@pytest.mark.parametrize("fault", [kind for kind in KINDS if kind != "deadlock"])
def test_a_first_access_before_any_transaction(fault, site, make_soup):
    """What the first access gives does not depend on whether the session is in a transaction."""
    _meet(site, make_soup, fault, "first_access", FIRST_ACCESS_ALONE)


def test_the_table_is_complete():
    """Every fault has an entry for each moment on each database, and a title."""
    assert [*EXPECTED["moments"]] == [*MOMENTS]
    assert {*FAULTS} == {*KINDS, "quota"}
    for fault in FAULTS:
        assert not EXPECTED[fault]["title"].endswith(".")
        for server in SERVERS:
            assert [*EXPECTED[fault][server]] == [*MOMENTS]
            for cell in EXPECTED[fault][server].values():
                assert len({"error", "works", "never"} & {*cell}) == 1


def test_a_quota(site, make_soup):
    """A query that takes more temporary space than it may fails; what was flushed is undone."""
    small = {} if site.name == "postgresql" else {"connect_args": {"init_command": SMALL}}
    db = make_soup(**small)
    before = site.stored()
    db.tags.insert(word="early")
    db.flush()
    with pytest.raises(SQLAlchemyError) as raised:
        db.execute(MANY_ROWS[site.name])
    _assert_expected(raised.value, EXPECTED["quota"][site.name]["query"])
    db.rollback()
    assert site.stored() == before
    assert db.tags.count() == 2


def test_a_lock_on_rows_does_not_hinder_the_first_access(site, make_soup):
    """Who changes rows, or on PostgreSQL locks the whole table, holds up no first access."""
    db = make_soup()
    with site.other() as other:
        other.run("UPDATE loans SET day = '2026-01-01'")
        if site.name == "postgresql":
            other.run("LOCK TABLE loans IN ACCESS EXCLUSIVE MODE")
        assert db.loans.c.keys() == ["book_id", "user_name", "day"]


@pytest.mark.parametrize("within", [False, True], ids=["alone", "in a transaction"])
def test_asking_for_a_name(within, site, make_soup):
    """Asking if there is a table, when that cannot be told, gives the first error."""
    db = make_soup(**KINDS["lock_timeout"].options[site.name])
    assert "users" in db
    if within:
        db.connection()
    with site.other() as other, site.other() as third:
        if site.name == "mariadb":  # it has a list of names that nobody locks
            third.run("SELECT room FROM seats")
            other.wait_for(NO_CHANGE.format(other="seats"))
            assert "loans" in db
        else:
            other.run("LOCK TABLE pg_catalog.pg_class")
            with pytest.raises(OperationalError) as raised:
                _ = "loans" in db
            _assert_expected(raised.value, EXPECTED["lock_timeout"][site.name]["first_access"])
        db.rollback()
        third.end()
    assert "loans" in db


def test_a_pool_that_does_not_ping(site, make_soup):
    """Without ``pool_pre_ping`` the first use after a cut fails, once, and a rollback mends it."""
    db = make_soup()
    assert db.loans.get(1).user_name == "Bo"
    db.commit()
    site.cut()
    with pytest.raises(OperationalError) as raised:
        db.loans.get(1)
    assert raised.value.connection_invalidated
    db.rollback()
    assert db.loans.get(1).user_name == "Bo"


def test_connections_that_are_cut_in_the_pool(site, make_engine, monkeypatch):
    """The engine of the documentation gives no connection away that was cut in the pool."""
    monkeypatch.setenv("DATABASE_URL", site.url.render_as_string(hide_password=False))
    names = documented("when-things-fail.rst", "lasting")
    engine, db = names["engine"], names["db"]
    with engine.connect(), engine.connect(), engine.connect():
        assert engine.pool.checkedout() == 3
    site.cut()
    with engine.connect() as one, engine.connect() as two, engine.connect() as three:
        assert [c.scalar(sa.text("SELECT 1")) for c in (one, two, three)] == [1, 1, 1]
    assert db.loans.get(1).user_name == "Bo"
    sqlsoup.Session.remove()
    assert engine.pool.checkedout() == 0
    engine.dispose()


def test_a_block_whose_connection_is_cut(site, make_soup):
    """``with db:`` needs no ``rollback()``: the error leaves it, and the next block works."""
    db = make_soup(pool_pre_ping=True)
    before = site.stored()

    def lend(strike):
        with db:
            MOMENTS["flush"].prepare(db, True)
            strike()
            db.loans.get(1).user_name = "Ada"

    with pytest.raises(OperationalError) as raised:
        lend(site.cut)
    assert raised.value.connection_invalidated
    assert [*_told(raised.value)] == ["OperationalError"]
    assert site.stored() == before
    assert db.engine.pool.checkedout() == 0
    lend(lambda: None)
    assert site.stored() == _after(before, MOMENTS["flush"], wrote=True)


def test_a_block_that_fails_when_its_connection_is_cut(site, make_soup):
    """The first exception goes on, and nothing of the block is stored."""
    db = make_soup(pool_pre_ping=True)
    before = site.stored()

    def work(inner):
        with db:
            db.tags.insert(word="early")
            db.flush()
            with suppress(LookupError), db if inner else nullcontext():
                raise LookupError
            site.cut()
            if not inner:
                raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        work(inner=False)
    with pytest.raises(sqlsoup.SQLSoupError, match="a block within this one failed"):
        work(inner=True)
    assert site.stored() == before
    assert db.engine.pool.checkedout() == 0
    assert db.tags.count() == 2


def test_going_on_after_a_lost_connection(site, make_soup):
    """Until ``rollback()`` a session whose connection was lost refuses all, and stores nothing."""
    db = make_soup(pool_pre_ping=True)
    before = site.stored()
    db.tags.insert(word="early")
    db.flush()
    site.cut()
    with pytest.raises(OperationalError):
        db.tags.count()
    for go_on in (db.tags.count, lambda: db.loans, db.commit):
        with pytest.raises(PendingRollbackError):
            go_on()
    assert site.stored() == before
    db.rollback()
    assert db.tags.count() == 2


@pytest.mark.parametrize("fault", ["lock_timeout", "deadlock"])
def test_a_commit_after_an_error_that_was_caught(fault, site, make_soup):
    """PostgreSQL stores nothing then; MariaDB all but what came before a deadlock."""
    kind = KINDS[fault]
    db = make_soup(**kind.options.get(site.name, {}))
    before = site.stored()
    with kind.strike(site, db.engine, "query") as strike:
        LOCKING_QUERY.prepare(db, True)
        strike()
        with pytest.raises(OperationalError):
            LOCKING_QUERY.act(db)
        if site.name == "mariadb":
            db.tags.insert(word="late")
        db.commit()
        stored = {*site.stored()["tags"]} - {*before["tags"]}
        db.rollback()
    late = {"lock_timeout": {"early", "late"}, "deadlock": {"late"}}
    assert stored == (late[fault] if site.name == "mariadb" else set())


def test_a_table_that_is_referred_to_without_permission(site, make_soup):
    """A table that may not be read is a missing one to MariaDB; PostgreSQL tells its columns."""
    db = make_soup()
    with KINDS["permission_referred"].strike(site, db.engine, "query") as strike:
        strike()
        if site.name == "mariadb":
            with pytest.warns(sqlsoup.SQLSoupWarning, match="is not there or may not be read"):
                labelled = db.with_labels(db.loans)
            with pytest.raises(sqlsoup.NoSuchTableError, match="it may not be read"):
                _ = db.users
        else:
            labelled = db.with_labels(db.loans)
            with pytest.raises(ProgrammingError) as raised:
                db.users.all()
            assert _code(raised.value) == "42501"
            db.rollback()
        assert labelled.filter_by(loans_book_id=1).one().loans_user_name == "Bo"
        db.rollback()
    assert db.users.count() == 3
    _assert_whole(db, site)
