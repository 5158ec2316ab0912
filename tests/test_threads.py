"""Any number of threads may use a SQLSoup at once."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

import sqlsoup
from sqlsoup import SelectableClassType, SQLSoup, TableClassType
from sqlsoup._reflect import wait_for

THREADS = 32
TABLES = [f"w{number}" for number in range(200)]
SOME = 32
COLUMNS = ["id", "note", "size", "up_id"]


@pytest.fixture(autouse=True)
def _hostile(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Switch threads five thousand times as often as usual, and let none read what another does."""
    monkeypatch.setattr("sqlsoup._reflect._PATIENCE", 60)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def many(engine: sa.Engine) -> sa.Engine:
    """An engine on a database with many tables, each of which refers to the one before."""
    return chained(engine, TABLES)


@pytest.fixture
def some(engine: sa.Engine) -> sa.Engine:
    """As many, with fewer tables, for what is about other things."""
    return chained(engine, TABLES[:SOME])


def chained(engine: sa.Engine, names: list[str]) -> sa.Engine:
    """Make the tables."""
    with engine.begin() as connection:
        for number, name in enumerate(names):
            connection.exec_driver_sql(
                f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, note VARCHAR(9), size INTEGER,"
                f" up_id INTEGER, FOREIGN KEY (up_id) REFERENCES {names[max(number - 1, 0)]} (id))"
            )
    return engine


def slowed(metadata: sa.MetaData) -> Counter[tuple[str, str]]:
    """Make reflection slow, and count how often each column is reflected."""
    reflected: Counter[tuple[str, str]] = Counter()

    @sa.event.listens_for(metadata, "column_reflect")
    def note(_inspector: object, table: sa.Table, column: Any) -> None:
        reflected[table.name, column["name"]] += 1
        time.sleep(0.0005)

    return reflected


def race(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """Do the work in many threads at once, each with its number; return what they return."""
    barrier = threading.Barrier(threads)
    results: list[Any] = [None] * threads
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            barrier.wait(60)
            results[number] = work(number)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        finally:
            sqlsoup.Session.remove()

    running = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(threads)]
    for thread in running:
        thread.start()
    deadline = time.monotonic() + 120
    for thread in running:
        thread.join(max(0.0, deadline - time.monotonic()))
    assert [thread for thread in running if thread.is_alive()] == []
    if errors:
        raise errors[0]
    return results


def turned(number: int, size: int = len(TABLES)) -> list[str]:
    """Return the names of the tables, beginning with another one for each thread."""
    start = number * 7 % size if number % 2 else 0
    return TABLES[start:size] + TABLES[:start]


def complete(cls: Any) -> bool:
    """Tell if a class has all that its table has."""
    return (
        type(cls) is TableClassType
        and cls.c.keys() == COLUMNS
        and cls._table.primary_key.columns.keys() == ["id"]
        and len(cls._table.foreign_keys) == 1
        and isinstance(cls.note, orm.InstrumentedAttribute)
    )


def test_first_accesses(many: sa.Engine) -> None:
    """Each table is reflected once; every thread gets the same complete class."""
    db = SQLSoup(many)
    reflected = slowed(db._metadata)

    def touch(number: int) -> dict[str, Any]:
        found = {}
        for name in turned(number):
            found[name] = getattr(db, name)
            assert complete(found[name])
        return found

    results = race(touch)
    assert [column for column in reflected if reflected[column] > 1] == []
    assert set(reflected) == {(name, column) for name in TABLES for column in COLUMNS}
    assert all(found == results[0] for found in results)
    assert results[0] == db._cache


def test_one_metadata(some: sa.Engine) -> None:
    """Soups that share a MetaData share its Tables, each reflected once; classes are their own."""
    metadata = sa.MetaData()
    metadata.bind = some  # type: ignore[attr-defined]
    reflected = slowed(metadata)
    soups = [SQLSoup(metadata) for _ in range(4)]

    def touch(number: int) -> list[Any]:
        db = soups[number % 4]
        classes = [getattr(db, name) for name in turned(number, SOME)[:24]]
        assert [cls for cls in classes if not complete(cls)] == []
        return [db._cache[cls._table.name] is cls for cls in classes]

    results = race(touch)
    assert {same for found in results for same in found} == {True}
    assert [column for column in reflected if reflected[column] > 1] == []
    assert len({soup.w0 for soup in soups}) == 4
    assert {soup.w0._table for soup in soups} == {metadata.tables["w0"]}


def test_while_others_work(many: sa.Engine) -> None:
    """First accesses, queries, flushes, relationships, joins and dropped entries go together."""
    db = SQLSoup(many)
    reflected = slowed(db._metadata)

    def query(number: int) -> None:
        for place, name in enumerate(turned(number)):
            cls = getattr(db, name)
            assert complete(cls)
            if place % 16 == 0:
                assert cls.filter_by(size=-1).all() == []
                assert {type(row) for row in db.session.query(db.books)} == {db.books}
                db.rollback()

    def write(number: int) -> None:
        for name in TABLES[number % 4 :: 50]:
            cls = getattr(db, name)
            row = cls.insert(id=number, note="x")
            db.commit()
            row.note = "y"
            db.commit()
            assert type(row) is cls

    def drop(number: int) -> None:
        for name in turned(number):
            db._cache.pop(name, None)
            time.sleep(0.002)

    def extend(number: int) -> None:
        for name, upper in zip(
            TABLES[number % 8 :: 25], TABLES[(number + 7) % 8 :: 25], strict=True
        ):
            cls = db.map(getattr(db, name))
            cls.relate("up", getattr(db, upper), primaryjoin=_to(cls, getattr(db, upper)))
            assert cls.filter(cls.up.has(size=-1)).all() == []
            joined = db.with_labels(db.join(cls, db.tags, sa.true()))
            assert type(joined) is SelectableClassType
            db.rollback()

    works = [query, query, drop, extend]
    race(lambda number: (write if number < 4 else works[number % 4])(number))
    assert {name for name, _ in reflected} >= set(TABLES)
    stored = [db.execute(f"SELECT count(*), min(note) FROM {name}").one() for name in TABLES[::50]]
    assert stored == [(1, "y")] * 4


def _to(cls: Any, upper: Any) -> Any:
    return orm.foreign(cls._table.c.size) == upper._table.c.id


def test_one_connection(some: sa.Engine, url: str, make_engine: Callable[..., sa.Engine]) -> None:
    """With a pool of one connection threads wait for each other, and none for ever."""
    one = make_engine(url, poolclass=sa.QueuePool, pool_size=1, max_overflow=0, pool_timeout=20)
    db = SQLSoup(one)
    reflected = slowed(db._metadata)

    def work(number: int) -> list[str]:
        names = turned(number, SOME)[:6]
        for first, second in zip(names[::2], names[1::2], strict=True):
            getattr(db, first)
            assert getattr(db, first).count() == 0
            assert complete(getattr(db, second))  # within the transaction
            db.rollback()
        return names

    names = {name for names in race(work) for name in names}
    assert set(reflected) == {(name, column) for name in names for column in COLUMNS}
    assert [column for column in reflected if reflected[column] > 1] == []
    assert one.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_lambdas_that_are_configured(some: sa.Engine) -> None:
    """A relationship that reflects its target while mappers are configured blocks nobody."""
    db = SQLSoup(some)
    reflected = slowed(db._metadata)
    mapped = orm.registry()
    children = sa.Table(
        "w1",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("up_id", sa.Integer),
    )

    def declare(name: str) -> type:
        def join() -> Any:
            return orm.foreign(children.c.up_id) == getattr(db, name)._table.c.id

        cls = type(f"Child_{name}", (), {})
        up = orm.relationship(lambda: getattr(db, name), primaryjoin=join, viewonly=True)
        mapped.map_imperatively(cls, children, properties={"up": up})
        return cls

    classes = {name: declare(name) for name in TABLES[:SOME]}

    def work(number: int) -> None:
        if number % 2:
            mapped.configure(cascade=True)
            assert all(sa.inspect(cls).relationships.up for cls in classes.values())
        else:
            for name in turned(number + 1, SOME):
                assert complete(getattr(db, name))
                db.map(getattr(db, name)).filter_by(id=1)

    race(work)
    assert [column for column in reflected if reflected[column] > 1] == []
    assert {sa.inspect(classes[name]).relationships.up.mapper.class_ for name in classes} == {
        getattr(db, name) for name in classes
    }
    mapped.dispose()


def test_relate_while_others_query(db: SQLSoup) -> None:
    """Threads relate classes of their own to one that others query meanwhile."""

    def work(number: int) -> None:
        if number % 2:
            cls = db.map(db.loans)
            cls.relate("user", db.users)
            assert cls.get(1).user is db.users.get("Bo")
        else:
            assert {type(row) for row in db.users.all()} == {db.users}

    race(work, threads=16)


@pytest.mark.parametrize("how", ["relate", "implied"])
def test_relationships_of_classes_in_use(how: str, lite: sa.Engine) -> None:
    """Whatever others do with the rows of a class, it goes on while relationships are added."""
    for number in range(10):
        db = SQLSoup(lite, relationships=how == "implied")
        added = threading.Event()
        related = []

        def add(db: SQLSoup = db) -> None:
            if how == "relate":
                db.users.relate("lent", db.loans, backref="lender")
                db.loans.relate("book", db.books, backref="loan")
            else:
                _ = db.loans.user, db.loans.book

        def work(number: int, db: SQLSoup = db, added: threading.Event = added) -> None:
            if not number:
                try:
                    add()
                finally:
                    added.set()
            while not added.is_set():
                assert db.users.filter_by(name="Bo").one() in db.users.order_by("name").all()
                db.session.expunge(db.loans.insert(book_id=2))
                db.session.refresh(db.loans.get(1))
                db.rollback()
            lent = "lent" if how == "relate" else "loans"
            rows = getattr(db.users.get("Bo"), lent)
            related.append(sorted(loan.book_id for loan in rows))  # noqa: B023

        _ = db.users, db.loans, db.books
        race(work, threads=6)
        assert related == [[1, 3]] * 6, number


def test_what_is_looked_through_as_a_relationship_is_added(soup: SQLSoup) -> None:
    """A query of another thread that was looking through a class goes on with what was there."""
    mapper: Any = sa.inspect(soup.users)
    bo = soup.users.get("Bo")
    looked_through = [
        mapper.iterate_properties,
        mapper.class_manager.attributes,
        iter(sa.inspect(bo).manager),
        iter(mapper.attrs.items()),
    ]
    for each in looked_through:
        next(each)
    soup.users.relate("lent", soup.loans, backref="lender")
    assert [len([*each]) for each in looked_through] == [2, 2, 2, 2]
    assert "lent" in mapper.attrs
    assert [loan.book_id for loan in bo.lent] == [1, 3]


def test_relate_in_many_threads(db: SQLSoup) -> None:
    """Many threads may relate one class at once; it has all relationships in the end."""
    race(lambda number: db.loans.relate(f"user_{number}", db.users, viewonly=True), threads=16)
    loan, bo = db.loans.get(1), db.users.get("Bo")
    assert [getattr(loan, f"user_{number}") for number in range(16)] == [bo] * 16


def test_joins_in_many_threads(db: SQLSoup) -> None:
    """Joins whose targets were never touched reflect each target once."""
    reflected = slowed(db._metadata)

    def work(_number: int) -> int:
        cls = db.with_labels(db.join(db.book_tags, db.loans, db.book_tags.book_id > 0))
        assert type(cls.first()) is cls
        return cls.count()

    assert set(race(work)) == {6}
    assert [column for column in reflected if reflected[column] > 1] == []
    assert {"book_tags", "loans", "books", "tags"} <= {table for table, _ in reflected}


def test_map_to_in_many_threads(soup: SQLSoup) -> None:
    """Of many threads that map one name one wins, and the others are told."""

    def work(_number: int) -> Any:
        try:
            return soup.map_to("works", tablename="books")
        except sqlsoup.SQLSoupError as error:
            return str(error)

    results = race(work)
    winners = [result for result in results if not isinstance(result, str)]
    assert winners == [soup.works]
    assert set(results) == {soup.works, "Attribute 'works' is already mapped to 'books'"}


def test_missing_table_in_many_threads(db: SQLSoup) -> None:
    """A missing table is missing for every thread, and leaves nothing behind."""

    def work(number: int) -> Any:
        try:
            return db.absent if number % 2 else getattr(db, "users", None)
        except sqlsoup.NoSuchTableError as error:
            return type(error)

    assert set(race(work)) == {sqlsoup.NoSuchTableError, db.users}
    assert set(db._metadata.tables) == {"users"}
    assert set(db._cache) == {"users"}


def test_no_thread_waits_for_another_table(soup: SQLSoup) -> None:
    """While one table is slow to reflect, another thread reflects and uses another table."""
    started, finish = threading.Event(), threading.Event()

    @sa.event.listens_for(soup._metadata, "column_reflect")
    def stop(_inspector: object, table: sa.Table, _column: object) -> None:
        if table.name == "users":
            started.set()
            assert finish.wait(10)

    def work(number: int) -> str:
        if number == 0:
            return soup.users.get("Bo").name
        assert started.wait(10)
        title = soup.books.get(1).title
        finish.set()
        return title

    assert race(work, threads=2) == ["Bo", "Mustards"]


def test_no_thread_waits_for_long(soup: SQLSoup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one table takes long to read, all that ask for it read it; they get one class."""
    monkeypatch.setattr("sqlsoup._reflect._PATIENCE", 0.01)
    all_read, threads = threading.Barrier(4), set()

    @sa.event.listens_for(soup._metadata, "column_reflect")
    def meet(*_: object) -> None:
        if threading.get_ident() not in threads:
            threads.add(threading.get_ident())
            all_read.wait(10)

    assert {*race(lambda _: soup.users, threads=4)} == {soup.users}
    assert len(threads) == 4


def test_a_listener_that_asks_for_the_table(soup: SQLSoup) -> None:
    """A thread does not wait for itself, though a listener asks for what it is reading."""
    asked: list[Any] = []

    @sa.event.listens_for(soup._metadata, "column_reflect")
    def ask(*_: object) -> None:
        if not asked:
            asked.append(None)
            asked.append(soup.users)

    began = time.monotonic()
    assert soup.users is asked[1]
    assert time.monotonic() - began < 30


def test_no_connection_is_waited_for_in_vain(
    lite: sa.Engine, make_engine: Callable[..., sa.Engine]
) -> None:
    """Who waits for another to reflect the same table needs no connection of its own."""
    one = make_engine(
        lite.url, poolclass=sa.QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.1
    )
    db, reading = SQLSoup(one), threading.Event()

    @sa.event.listens_for(db._metadata, "column_reflect")
    def read_slowly(*_: object) -> None:
        if not reading.is_set():
            reading.set()
            time.sleep(0.5)

    def work(number: int) -> Any:
        if number:
            reading.wait(10)
            return db.users
        db.connection()  # the only one, kept until the other thread is done
        return db.users

    assert {*race(work, threads=2)} == {db.users}


def test_waits_do_not_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for several tables waits no longer than for one."""
    monkeypatch.setattr("sqlsoup._reflect._PATIENCE", 0.2)
    turns = [threading.RLock() for _ in range(20)]
    began = time.monotonic()
    with ExitStack() as held:
        for turn in turns:
            held.enter_context(turn)
        thread = threading.Thread(target=wait_for, args=(turns,))
        thread.start()
        thread.join()
    assert 0.2 <= time.monotonic() - began < 2


def test_sessions_of_threads(db: SQLSoup) -> None:
    """Each thread has a session of its own: what one has not committed no other sees."""

    def work(number: int) -> tuple[int, int]:
        row = db.shelves.get(1)
        row.title = str(number)
        assert list(db.session.dirty) == [row]
        found = id(db.session()), id(row)
        db.rollback()
        assert row.title == "all"
        return found

    db.shelves  # noqa: B018
    race(work, threads=8)
    assert db.execute("SELECT title FROM shelves WHERE id = 1").scalar() == "all"


def test_schemas_of_one_name(make_engine: Callable[..., sa.Engine], tmp_path: Path) -> None:
    """Threads that ask for one name in different schemas get each its own table."""
    engine = make_engine(f"sqlite:///{tmp_path}/main.db")

    @sa.event.listens_for(engine, "connect")
    def attach(connection: Any, _record: object) -> None:
        for schema in ("s1", "s2"):
            connection.execute(f"ATTACH DATABASE '{tmp_path}/{schema}.db' AS {schema}")
            connection.execute(f"CREATE TABLE IF NOT EXISTS {schema}.t (id INTEGER PRIMARY KEY)")
            connection.commit()

    engine.connect().close()
    for _ in range(20):
        db = SQLSoup(engine)

        def ask(number: int, db: SQLSoup = db) -> str | None:
            return db.entity("t", schema=f"s{number % 2 + 1}")._table.schema

        assert race(ask, threads=2) == ["s1", "s2"]


def test_an_attribute_leaves_with_the_class(soup: SQLSoup) -> None:
    """No attribute outlives its class in the cache, however threads meet."""

    def work(number: int) -> None:
        for _ in range(200):
            if number:
                _ = soup.books
            else:
                soup._cache.pop("books", None)

    race(work, threads=4)
    assert soup.books is soup._cache["books"]
