"""Nothing is kept alive: neither mapped classes nor SQLSoup objects that were dropped."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

import sqlsoup
from sqlsoup import SelectableClassType, SQLSoup
from sqlsoup._weak import Named, add_weakly, alive

MAKE: dict[str, Callable[[SQLSoup], Any]] = {
    "map table": lambda db: db.map(db.books),
    "map alias": lambda db: db.map(db.books._table.alias()),
    "map select": lambda db: db.map(sa.select(db.books._table)),
    "map orm select": lambda db: db.map(sa.select(db.books)),
    "map cte": lambda db: db.map(sa.select(db.books._table).cte()),
    "join": lambda db: db.join(db.books, db.loans),
    "join of join": lambda db: db.join(db.join(db.books, db.loans), db.users),
    "with_labels": lambda db: db.with_labels(db.books),
    "with_labels of join": lambda db: db.with_labels(db.join(db.books, db.loans)),
}
each_way = pytest.mark.parametrize("way", MAKE)


def live(*kinds: type) -> list[int]:
    """Count the living instances of types."""
    things = gc.get_objects()
    return [sum(issubclass(type(thing), kind) for thing in things) for kind in kinds]


@pytest.fixture(autouse=True, scope="module")
def few_objects() -> Iterator[None]:
    """Keep the collector from looking at what other tests have left, which takes its time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def clear(engine: sa.Engine) -> None:
    """Empty the engine's cache of statements, which holds the classes that were queried."""
    engine.clear_compiled_cache()
    for _ in range(3):  # what one round frees may hold the last reference to more
        gc.collect()


@each_way
def test_dropped_class_is_collected(soup: SQLSoup, way: str) -> None:
    """A class that was made and dropped is collected."""
    gone = weakref.ref(MAKE[way](soup))
    gc.collect()
    assert gone() is None


@each_way
def test_queried_class_is_collected(soup: SQLSoup, lite: sa.Engine, way: str) -> None:
    """So is one that was queried, once the engine's cache of statements lets it go."""
    cls = MAKE[way](soup)
    assert [type(row) for row in cls.all()][0] is cls  # noqa: RUF015
    assert cls.count() > 1
    gone = weakref.ref(cls)
    del cls
    soup.session.remove()
    clear(lite)
    assert gone() is None


@each_way
def test_queried_past_the_cache(lite: sa.Engine, way: str) -> None:
    """And at once, where the engine is told to keep no statements."""
    db = SQLSoup(lite.execution_options(compiled_cache=None))
    cls = MAKE[way](db)
    assert type(cls.first()) is cls
    gone = weakref.ref(cls)
    del cls
    db.session.remove()
    gc.collect()
    assert gone() is None


@each_way
def test_many_classes(soup: SQLSoup, lite: sa.Engine, way: str) -> None:
    """Hundreds of classes made in a loop and queried leave as many living ones as before."""
    make = MAKE[way]
    make(soup).first()
    soup.session.remove()
    clear(lite)
    before = live(SelectableClassType, orm.Mapper, orm.registry)
    for number in range(300 if way == "join" else 30):
        cls = make(soup)
        if number % 10 == 0:
            assert type(cls.first()) is cls
    del cls
    soup.session.remove()
    clear(lite)
    assert live(SelectableClassType, orm.Mapper, orm.registry) == before


@pytest.mark.parametrize("how", ["cached", "map_to"])
def test_forgotten_class_is_collected(soup: SQLSoup, lite: sa.Engine, how: str) -> None:
    """A class that is taken out of the cache is collected as well."""
    name = "books" if how == "cached" else "works"
    if how == "map_to":
        soup.map_to(name, tablename="books")
    getattr(soup, name).all()
    gone = weakref.ref(getattr(soup, name))
    del soup._cache[name]
    soup.session.remove()
    clear(lite)
    assert gone() is None
    assert type(soup.books.first()) is soup.books


def test_forgotten_related_class_is_collected(soup: SQLSoup, lite: sa.Engine) -> None:
    """Both classes of a relationship are collected when both are forgotten."""
    soup.loans.relate("user", soup.users, backref="loans")
    assert soup.loans.get(1).user.name == "Bo"
    gone = [weakref.ref(soup.loans), weakref.ref(soup.users)]
    soup._cache.clear()
    soup.session.remove()
    clear(lite)
    assert [ref() for ref in gone] == [None, None]


def test_rows_keep_their_class(soup: SQLSoup, lite: sa.Engine) -> None:
    """A row keeps its class alive, and the class goes with the last row."""
    row = soup.join(soup.books, soup.loans).first()
    gone = weakref.ref(type(row))
    soup.session.remove()
    clear(lite)
    assert type(row) is gone()
    assert repr(row).startswith("MappedJoin(id=1,title='Mustards',")
    del row
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("use", ["made", "queried", "written", "related"])
def test_dropped_soup_is_collected(lite: sa.Engine, use: str) -> None:
    """A SQLSoup on the default Session is collected with its classes, though the engine lives."""
    db = SQLSoup(lite)
    gone: list[weakref.ref[Any]] = [weakref.ref(db), weakref.ref(db._metadata)]
    if use != "made":
        db.users.all()
        gone += [weakref.ref(db.users), weakref.ref(db.users._table)]
    if use == "written":
        db.users.insert(name="Dee")
        db.commit()
    if use == "related":
        db.loans.relate("user", db.users, backref="loans")
        assert len(db.users.get("Bo").loans) == 2
    del db
    sqlsoup.Session.remove()
    clear(lite)
    assert [ref() for ref in gone] == [None] * len(gone)


def test_dropped_soup_while_the_session_lives(lite: sa.Engine) -> None:
    """The session itself keeps no SQLSoup either, once its rows are gone."""
    sqlsoup.Session()
    db = SQLSoup(lite)
    db.users.all()
    db.commit()
    gone = weakref.ref(db)
    del db
    clear(lite)
    assert gone() is None
    assert sqlsoup.Session.registry.has()


SESSIONS: dict[str, Callable[[], Any]] = {
    "default": lambda: sqlsoup.Session,
    "scoped": lambda: orm.scoped_session(orm.sessionmaker()),
    "callable": lambda: orm.scoped_session(lambda: orm.Session()),  # noqa: PLW0108
    "plain": lambda: orm.Session(),  # noqa: PLW0108
}


@pytest.mark.parametrize("kind", SESSIONS)
def test_many_soups(lite: sa.Engine, kind: str) -> None:
    """Dozens of soups on one engine and session, made and dropped, leave nothing."""
    session = SESSIONS[kind]()
    SQLSoup(lite, session=session).users.first()

    def count() -> list[int]:
        session.rollback()
        session.expunge_all()
        clear(lite)
        return live(SQLSoup, SelectableClassType, sa.MetaData, sa.Table, orm.Mapper)

    before = count()
    for _ in range(40):
        assert SQLSoup(lite, session=session).users.first().name == "Ada"
    assert count() == before
    session.close()


def test_many_failed_accesses(soup: SQLSoup) -> None:
    """Names that are no table leave nothing in the SQLSoup, nor in its MetaData."""
    for number in range(100):
        assert not hasattr(soup, f"absent_{number}")
    assert soup._cache == {}
    assert not soup._metadata.tables
    gc.collect()
    (notes,) = soup._metadata.info.values()
    assert {len(noted) for noted in vars(notes).values()} == {0}


def test_session_of_an_ended_thread(lite: sa.Engine) -> None:
    """A plain session that worked on a dropped SQLSoup is collected too."""
    session = orm.Session()
    db = SQLSoup(lite, session=session)
    db.users.first()
    session.close()
    gone = [weakref.ref(session), weakref.ref(db)]
    del session, db
    clear(lite)
    assert [ref() for ref in gone] == [None, None]


@pytest.mark.parametrize("number", [1, 7, 8, 9, 40])
def test_things_by_name(number: int) -> None:
    """Few or many things of a name are there once, as long as something else keeps them."""

    class Thing:
        pass

    named: Named[Thing] = {}
    things = [Thing() for _ in range(number)]
    for thing in (*things, *things):
        add_weakly(named, "a name", thing)
    found = alive(named["a name"])
    assert len(found) == number
    assert {*found} == {*things}
    found.clear()
    del things[1:], thing
    for _ in range(50):
        add_weakly(named, "a name", Thing())
    assert alive(named["a name"]) == things
    assert len(named["a name"]) < number + 50
