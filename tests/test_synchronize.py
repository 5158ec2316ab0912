"""Rows of a session after an UPDATE or DELETE of many are those that the database has."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import run
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import sqlsoup

LOOSE = {"sqlite": "TEXT COLLATE NOCASE", "postgresql": "CITEXT", "mysql": "VARCHAR(9)"}

CONDITIONS: dict[str, Any] = {
    "a number as text": lambda t: t.id == "1",
    "numbers as text": lambda t: t.id.in_(["1", "7"]),
    "another case": lambda t: t.word == "ADA",
    "not another case": lambda t: t.word != "ADA",
    "other cases": lambda t: t.word.in_(["ADA"]),
    "in order": lambda t: t.word > "ADA",
    "a beginning": lambda t: t.word.startswith("ad"),
    "a date as text": lambda t: t.day == "2020-01-02",
    "a number alone": lambda t: t.n,
    "both": lambda t: sa.and_(t.id > 0, sa.or_(t.word == "ada", t.id == 7)),
    "not": lambda t: sa.not_(sa.or_(t.word == "ADA", t.id == 7)),
    "columns": lambda t: t.word == t.plain,
    "in Python": lambda t: sa.and_(t.id == 1, t.plain.in_(["ada", "x"])),
    "all": lambda _: sa.true(),
}


@pytest.fixture
def db(engine: sa.Engine) -> sqlsoup.SQLSoup:
    """A table of two rows."""
    loose = LOOSE[engine.dialect.name]
    flag = "BOOLEAN" if engine.dialect.name == "postgresql" else "INT"
    if loose == "CITEXT":
        run(engine, "CREATE EXTENSION IF NOT EXISTS citext")
    run(
        engine,
        f"CREATE TABLE t (id INT PRIMARY KEY, word {loose}, plain VARCHAR(9), day DATE, n {flag},"
        " mark INT)",
        "INSERT INTO t VALUES (1, 'Ada', 'ada', '2020-01-02', '1', 0),"
        " (2, 'Bo', 'x', '2021-01-02', '0', 0)",
    )
    return sqlsoup.SQLSoup(engine)


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
@pytest.mark.parametrize("options", [{}, {"synchronize_session": "evaluate"}])
def test_update_of_many(db: sqlsoup.SQLSoup, condition: Any, options: Any) -> None:
    """Each row shows what the UPDATE made of it."""
    rows = db.t.order_by(db.t.id).all()
    changed = db.t.filter(condition(db.t)).update({"mark": 5}, **options)
    marks = db.execute("SELECT mark FROM t ORDER BY id").scalars().all()
    assert [row.mark for row in rows] == marks
    assert changed == marks.count(5)


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
def test_delete_of_many(db: sqlsoup.SQLSoup, condition: Any) -> None:
    """Those that are deleted are in the session no more, and all others are."""
    rows = db.t.order_by(db.t.id).all()
    deleted = db.t.filter(condition(db.t)).delete()
    left = db.execute("SELECT id FROM t").scalars().all()
    assert [row.id for row in rows if row in db.session] == left
    assert deleted == 2 - len(left)


SESSIONS: dict[str, Any] = {
    "of a sessionmaker": lambda: scoped_session(sessionmaker()),
    "of a callable": lambda: scoped_session(partial(Session)),
    "alone": Session,
}


@pytest.mark.parametrize("session", SESSIONS.values(), ids=SESSIONS)
def test_statements_in_every_session(db: sqlsoup.SQLSoup, session: Any) -> None:
    """So it is with update() of SQLAlchemy, by whatever session."""
    own = session()
    other = sqlsoup.SQLSoup(db.engine, session=own)
    row = other.t.get(1)
    other.execute(sa.update(other.t).where(other.t.word == "ADA").values(mark=5))
    assert row.mark == 5
    own.execute(sa.update(other.t).where(other.t.word == "ADA").values(mark=6))
    assert row.mark == 6
    own.execute(sa.update(other.t._table).where(other.t._table.c.word == "ADA").values(mark=7))
    assert row.mark == 6
    own.close()


def test_values_that_are_given_apart(db: sqlsoup.SQLSoup) -> None:
    """A parameter of the statement is compared with what it is given."""
    row = db.t.get(1)
    wanted = db.t.id == sa.bindparam("wanted")
    db.execute(sa.update(db.t).where(wanted).values(mark=sa.bindparam("m")), wanted=1, m=5)
    assert row.mark == 5
    db.session.execute(sa.update(db.t).values(mark=sa.bindparam("m")), params={"m": 6})
    assert row.mark == 6
    row.plain = "changed"
    db.execute(sa.update(db.t).values(mark=sa.bindparam("m")), m=7)
    assert row.plain == "changed"
    db.execute(sa.delete(db.t).where(wanted), {"wanted": 1})
    db.rollback()
    db.execute(sa.delete(db.t).where(wanted), {"wanted": 1})
    assert db.t.get(1) is None


def test_rows_by_a_key_that_was_named(db: sqlsoup.SQLSoup, engine: sa.Engine) -> None:
    """Where the table has no key of its own its rows are read again."""
    run(engine, "CREATE TABLE bare AS SELECT id, plain, mark FROM t")
    bare = db.entity("bare", primary_key=["id"])
    rows = bare.order_by(bare.id).all()
    assert bare.filter(bare.plain.like("a%")).update({"mark": 5}) == 1
    assert [row.mark for row in rows] == [5, 0]
    assert bare.filter(bare.plain.like("a%")).delete() == 1
    assert [bare.get(n) for n in (1, 2)] == [None, rows[1]]
    assert bare.insert(id=3, plain="xx")
    db.delete(rows[1])  # by the flush before the statement
    assert bare.filter(bare.plain.like("x%")).delete() == 1


def test_not_synchronized(db: sqlsoup.SQLSoup) -> None:
    """With False rows are left alone, as ever."""
    row = db.t.get(1)
    assert db.t.filter(db.t.word == "ADA").update({"mark": 5}, synchronize_session=False) == 1
    assert row.mark == 0


def test_a_new_row_is_changed_too(db: sqlsoup.SQLSoup) -> None:
    """One that is stored just before the statement counts among those of the session."""
    row = db.t.insert(id=3, word="Cy", mark=0)
    assert db.t.filter(db.t.word == "CY").delete() == 1
    assert row not in db.session


@pytest.mark.parametrize("condition", [lambda t: t.id == 3, lambda t: t.plain.like("a%")])
@pytest.mark.parametrize("flushed", [False, True])
def test_what_a_new_row_was_not_given(db: sqlsoup.SQLSoup, condition: Any, flushed: bool) -> None:
    """It is what the UPDATE made of it; SQLAlchemy knows of no value, and gives None."""
    row = db.t.insert(id=3, plain="a")
    if flushed:
        db.flush()
    assert db.t.filter(condition(db.t)).update({"mark": 5}, synchronize_session=False) >= 1
    assert row.mark is None
    assert db.t.filter(condition(db.t)).update({"mark": 6}) >= 1
    assert row.mark == 6
    db.execute(sa.update(db.t._table).values(mark=7))
    assert row.mark == 6
    db.commit()
    assert db.t.filter(condition(db.t)).update({"mark": 8}) >= 1
    assert row.mark == 8


def test_nothing_more_is_asked(db: sqlsoup.SQLSoup, statements: list[str]) -> None:
    """Where no row of the class is there, or Python can tell, it is one statement without keys."""
    db.t.filter(db.t.word == "ADA").update({"mark": 5})
    db.t.filter(db.t.word == "ADA").delete()
    row = db.t.get(2)
    statements.clear()
    db.t.filter(db.t.id == 2, db.t.mark.is_not(None)).update({"mark": 6})
    db.t.filter(sa.or_(db.t.id.in_([3, 4]), db.t.id < 0), db.t.mark != db.t.id).delete()
    assert [text.split()[0] for text in statements] == ["UPDATE", "DELETE"]
    assert not [text for text in statements if "RETURNING" in text]
    assert row.mark == 6


def test_a_join(db: sqlsoup.SQLSoup, engine: sa.Engine) -> None:
    """The rows of a join are read again, if the database can change them at all."""
    run(engine, "CREATE TABLE more (nr INT PRIMARY KEY, note VARCHAR(9))")
    run(engine, "INSERT INTO more VALUES (1, 'x')")
    join = db.join(db.t, db.more, db.t.id == db.more.nr)
    row = join.one()
    try:
        changed = join.filter(join.plain.like("a%")).update({"mark": 5})
    except sa.exc.DBAPIError:
        assert engine.dialect.name != "mysql"
    else:
        assert (changed, row.mark) == (1, 5)


@pytest.mark.parametrize("source", ["registry", "plain", "callable"])
def test_a_warning_is_given_at_the_line_of_the_program(lite: sa.Engine, source: str) -> None:
    """What SQLAlchemy warns of in a statement is told of the line that has it, as without us."""
    plain = Session()
    sources = {"registry": None, "plain": plain, "callable": scoped_session(lambda: plain)}
    db = sqlsoup.SQLSoup(lite, session=sources[source])
    both = sa.select(db.users.name, db.books.id)
    for use in (
        lambda: db.users.filter(db.books.id == 1).all(),
        lambda: db.session.execute(both),
        lambda: db.session.scalars(both.where(db.books.id > 0)),
    ):
        with pytest.warns(sa.exc.SAWarning, match="cartesian") as caught:
            use()
        assert [warning.filename for warning in caught] == [__file__]
    db.session.close()
