"""Reflection: one table costs one table, whatever it is tied to, and is complete."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import NAMESPACE
from sqlalchemy import orm

import sqlsoup
from sqlsoup import SQLSoup, SQLSoupWarning, TableClassType
from sqlsoup._reflect import reflect

Keys = dict[int, list[int]]
TITLES = {"Mustards", "Regional", "Soups"}
OTHER = f"{NAMESPACE}_other"


def tied(size: int) -> Keys:
    """Each table refers to two earlier ones."""
    return {n: sorted({n // 2, n // 3}) if n > 1 else [] for n in range(size)}


def cyclic(size: int) -> Keys:
    """Each table refers to two others by chance, and one to itself."""
    chance = random.Random(7)
    return {n: chance.sample(range(size), 2) for n in range(size)} | {0: [0, 1]}


SHAPES: dict[str, tuple[Keys, int]] = {
    "unrelated": ({n: [] for n in range(30)}, 29),
    "tied": (tied(30), 29),
    "chain": ({n: [n - 1] if n else [] for n in range(300)}, 299),
    "cyclic": (cyclic(40), 0),
}


def run(engine: sa.Engine, *statements: str) -> None:
    """Execute statements and commit them, whatever they refer to."""
    with engine.begin() as connection:
        if engine.dialect.name in ("mysql", "mariadb"):
            connection.exec_driver_sql("SET foreign_key_checks = 0")
        for statement in statements:
            connection.exec_driver_sql(statement)
        if engine.dialect.name in ("mysql", "mariadb"):
            connection.exec_driver_sql("SET foreign_key_checks = 1")


def build(engine: sa.Engine, keys: Keys) -> None:
    """Create tables t0, t1 and so on; each has a key, a note and the foreign keys told."""
    later, statements = [], []
    for number, targets in keys.items():
        columns = ["id INTEGER PRIMARY KEY", "note VARCHAR(9)"]
        columns += [f"r{target} INTEGER" for target in targets]
        constraints = [f"FOREIGN KEY (r{target}) REFERENCES t{target} (id)" for target in targets]
        if engine.dialect.name == "postgresql":
            later += [f"ALTER TABLE t{number} ADD {constraint}" for constraint in constraints]
        else:
            columns += constraints
        statements.append(f"CREATE TABLE t{number} ({', '.join(columns)})")
    run(engine, *statements, *later)


MORE = {"postgresql": (-9, -2), "sqlite": (-6, 3), "mysql": (0, 1)}
"""So many statements more than SQLAlchemy's for a table, at least and at most, correct it."""


def cost_of_one(engine: sa.Engine, statements: list[str], name: str) -> int:
    """Count the statements of reflecting one table by SQLAlchemy alone."""
    with engine.connect() as connection:
        for _ in range(2):  # SQLAlchemy asks the server for one thing more the first time
            statements.clear()
            sa.Table(name, sa.MetaData(), autoload_with=connection, resolve_fks=False)
    return len(statements)


@pytest.fixture
def other_schema(engine: sa.Engine) -> Iterator[str]:
    """A second schema in the same database, with a table ``parts``."""
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no foreign keys into another schema")
    run(
        engine,
        f"CREATE SCHEMA {OTHER}",
        f"CREATE TABLE {OTHER}.parts (id INTEGER PRIMARY KEY, note VARCHAR(9))",
        f"CREATE TABLE uses (id INTEGER PRIMARY KEY, part_id INTEGER,"
        f" FOREIGN KEY (part_id) REFERENCES {OTHER}.parts (id))",
    )
    yield OTHER
    sqlsoup.Session.remove()
    run(engine, "DROP TABLE uses", f"DROP TABLE {OTHER}.parts", f"DROP SCHEMA {OTHER}")


# what the first access costs


@pytest.mark.parametrize("shape", SHAPES)
def test_first_access(db: SQLSoup, engine: sa.Engine, statements: list[str], shape: str) -> None:
    """The first access sends what reflecting that one table takes, however tables are tied.

    On MariaDB it is one statement more, on PostgreSQL some fewer, on SQLite mostly fewer too.
    """
    keys, number = SHAPES[shape]
    build(engine, keys)
    name = f"t{number}"
    alone = cost_of_one(engine, statements, name)
    statements.clear()
    cls = getattr(db, name)
    assert type(cls) is TableClassType
    least, most = MORE.get(engine.dialect.name, (0, 0))
    assert least <= len(statements) - alone <= most
    assert set(db._metadata.tables) == {name}
    assert {key.target_fullname for key in cls._table.foreign_keys} == {
        f"t{target}.id" for target in keys[number]
    }
    row = cls.insert(id=1, note="x")
    db.commit()
    row.note = "y"
    db.commit()
    assert db.execute(f"SELECT note FROM {name}").scalars().all() == ["y"]
    assert set(db._metadata.tables) <= {name, *(f"t{target}" for target in keys[number])}


@pytest.mark.parametrize("name", ["users", "books", "loans", "book_tags", "shelves", "seats"])
def test_first_access_in_the_library(
    db: SQLSoup, engine: sa.Engine, statements: list[str], name: str
) -> None:
    """So it is for each table of an ordinary schema; the second access sends nothing."""
    alone = cost_of_one(engine, statements, name)
    statements.clear()
    cls = getattr(db, name)
    least, most = MORE.get(engine.dialect.name, (0, 0))
    assert least <= len(statements) - alone <= most
    statements.clear()
    assert getattr(db, name) is cls
    assert db.map_to("again", tablename=name)._table is cls._table
    assert statements == []


def test_constructing_sends_nothing(engine: sa.Engine, statements: list[str]) -> None:
    """Making a SQLSoup reads nothing."""
    SQLSoup(engine)
    assert statements == []


def test_every_table_of_a_chain(soup: SQLSoup, lite: sa.Engine, statements: list[str]) -> None:
    """Touching all tables of a chain costs what all of them cost alone, from either end."""
    build(lite, SHAPES["chain"][0])
    costs = [cost_of_one(lite, statements, f"t{number}") for number in (0, 299)]
    statements.clear()
    for number in reversed(range(300)):
        getattr(soup, f"t{number}")
    assert len(statements) <= 300 * (max(costs) + MORE["sqlite"][1])
    soup.t7.insert(id=1, r6=None)
    soup.commit()
    assert soup.t7.count() == 1


# foreign keys whose targets were never touched


def only_loans(db: SQLSoup) -> None:
    """Check that nothing but the direct targets came in."""
    assert {"loans"} <= set(db._metadata.tables) <= {"loans", "books", "users"}


def test_flush(db: SQLSoup) -> None:
    """Rows are inserted, updated and deleted though no target of a foreign key was touched."""
    row = db.loans.insert(book_id=2, user_name="Ada")
    db.commit()
    row.user_name = "Cy"
    db.delete(db.loans.get(1))
    db.commit()
    stored = db.execute("SELECT book_id, user_name FROM loans ORDER BY book_id").all()
    assert stored == [(2, "Cy"), (3, "Bo")]
    assert db.loans.get(2).book_id == 2
    only_loans(db)


BULK: dict[str, Callable[[SQLSoup, list[dict[str, Any]]], Any]] = {
    "insert": lambda db, rows: db.session.execute(sa.insert(db.loans), rows),
    "values": lambda db, rows: db.session.execute(sa.insert(db.loans).values(rows)),
    "core": lambda db, rows: db.execute(db.loans._table.insert(), rows),
    "mappings": lambda db, rows: db.session.bulk_insert_mappings(db.loans, rows),
    "objects": lambda db, rows: db.session.bulk_save_objects([db.loans(**row) for row in rows]),
}


@pytest.mark.parametrize("way", BULK)
def test_bulk_insert(db: SQLSoup, way: str) -> None:
    """So are rows in bulk."""
    db.execute("DELETE FROM loans")
    with db.session.no_autoflush:
        BULK[way](db, [{"book_id": 1, "user_name": "Cy"}, {"book_id": 2, "user_name": "Ada"}])
    db.session.expunge_all()
    db.commit()
    rows = db.loans.order_by(db.loans.book_id).all()
    assert [(type(row), row.user_name) for row in rows] == [(db.loans, "Cy"), (db.loans, "Ada")]
    only_loans(db)


def test_bulk_update_and_delete(db: SQLSoup) -> None:
    """Bulk updates and deletions work as they are."""
    assert db.loans.filter_by(book_id=1).update({"user_name": "Cy"}) == 1
    db.session.bulk_update_mappings(db.loans, [{"book_id": 3, "user_name": "Ada"}])
    assert db.loans.delete(db.loans.user_name == "Cy") == 1
    db.commit()
    assert db.execute("SELECT book_id, user_name FROM loans").all() == [(3, "Ada")]


JOINS: dict[str, Callable[[SQLSoup], Any]] = {
    "query.join": lambda db: db.loans.join(db.users).filter(db.users.name == "Bo").all(),
    "reverse": lambda db: (
        db.users.join(db.loans).with_entities(db.loans).filter(db.users.name == "Bo").all()
    ),
    "outerjoin": lambda db: db.loans.outerjoin(db.users).all(),
    "select": lambda db: db.session.scalars(sa.select(db.loans).join(db.users)).all(),
    "core": lambda db: db.session.scalars(
        sa.select(db.loans).select_from(db.loans._table.join(db.users._table))
    ).all(),
    "exists": lambda db: db.loans.filter(
        sa.exists().where(db.users.name == db.loans.user_name)
    ).all(),
}


@pytest.mark.parametrize("way", JOINS)
@pytest.mark.parametrize("first", ["loans", "users"])
def test_joins(db: SQLSoup, way: str, first: str) -> None:
    """Joins find the foreign key, whichever table was touched first."""
    getattr(db, first)
    rows = JOINS[way](db)
    assert {type(row) for row in rows} == {db.loans}
    assert {row.book_id for row in rows} == {1, 3}


def test_mapped_join(db: SQLSoup) -> None:
    """join() finds the foreign key too; the target of another one comes in unnoticed."""
    cls = db.join(db.loans, db.users)
    rows = cls.order_by(db.loans.book_id).all()
    assert [type(row) for row in rows] == [cls, cls]
    assert [(row.book_id, row.name) for row in rows] == [(1, "Bo"), (3, "Bo")]


def test_relate_and_cascade(db: SQLSoup) -> None:
    """relate() and cascades work while other targets were never touched."""
    db.users.relate("loans", db.loans, backref="user", cascade="all, delete-orphan")
    bo = db.users.get("Bo")
    bo.loans.append(db.loans.insert(book_id=2))
    db.commit()
    assert db.loans.get(2).user is bo
    db.delete(bo)
    db.commit()
    assert db.execute("SELECT count(*) FROM loans").scalar() == 0
    assert "books" not in db._cache


def test_target_touched_later(db: SQLSoup) -> None:
    """A key resolves once its target was touched; rows flushed before and after are in order."""
    db.loans.insert(book_id=2)
    db.flush()
    (key,) = db.loans._table.c.user_name.foreign_keys
    assert key.target_fullname == "users.name"
    assert db.users._table.c.name is key.column
    new = db.users.insert(name="Dee")
    db.loans.get(2).user_name = "Dee"
    db.commit()
    assert db.loans.get(2).user_name == new.name


def test_self_reference(db: SQLSoup) -> None:
    """A table that refers to itself needs no other."""
    db.shelves.insert(id=9, title="x", parent_id=1)
    db.commit()
    assert db.shelves.get(9).parent_id == 1
    assert set(db._metadata.tables) == {"shelves"}


def test_cycle(db: SQLSoup, engine: sa.Engine) -> None:
    """Two tables that refer to each other are flushed, one or both touched."""
    build(engine, {0: [1], 1: [0]})
    db.t0.insert(id=1)
    db.commit()
    db.t1.insert(id=1, r0=1)
    db.commit()
    db.t0.get(1).r1 = 1
    db.commit()
    assert db.t0.join(db.t1, db.t1.id == db.t0.r1).count() == 1
    assert db.execute("SELECT r0 FROM t1").scalar() == 1


def test_cycle_without_warning(db: SQLSoup, engine: sa.Engine) -> None:
    """A cycle of tables that were all touched is flushed in one go."""
    build(engine, {0: [2], 1: [0], 2: [1]})
    for number, cls in enumerate([db.t0, db.t1, db.t2]):
        cls.insert(id=number)
    db.commit()
    assert [cls.count() for cls in (db.t0, db.t1, db.t2)] == [1, 1, 1]


def test_composite_foreign_key(db: SQLSoup, engine: sa.Engine) -> None:
    """A foreign key of several columns is one constraint, and needs no target either."""
    run(
        engine,
        "CREATE TABLE bookings (id INTEGER PRIMARY KEY, room VARCHAR(5), number INTEGER,"
        " FOREIGN KEY (room, number) REFERENCES seats (room, number))",
    )
    db.bookings.insert(id=1, room="A", number=2)
    db.commit()
    (constraint,) = db.bookings._table.foreign_key_constraints
    assert constraint.column_keys == ["room", "number"]
    assert db.bookings.join(db.seats).one().id == 1
    joined = db.join(db.bookings, db.seats, db.bookings.number == db.seats.number)
    assert db.with_labels(joined).count() == 1


def test_key_into_another_schema(db: SQLSoup, other_schema: str) -> None:
    """A key into another schema is listed, flushed and joined like any other."""
    (key,) = db.uses._table.foreign_keys
    assert key.target_fullname == f"{other_schema}.parts.id"
    db.uses.insert(id=1)
    db.commit()
    parts = db.entity("parts", schema=other_schema)
    parts.insert(id=5, note="x")
    db.uses.get(1).part_id = 5
    db.commit()
    assert [type(row) for row in db.uses.join(parts).all()] == [db.uses]
    db.uses.relate("part", parts)
    assert db.uses.get(1).part.note == "x"


def test_association_tables(db: SQLSoup, engine: sa.Engine, statements: list[str]) -> None:
    """A join of association tables brings all their targets in by one round of reflection."""
    book_tags, loans = db.book_tags, db.loans
    with engine.connect() as connection:
        statements.clear()
        sa.MetaData().reflect(
            connection, only=lambda name, _: name in ("books", "tags"), resolve_fks=False
        )
    one_round = len(statements)
    statements.clear()
    cls = db.join(book_tags, loans, book_tags.book_id == loans.book_id)
    assert 0 < len(statements) <= one_round + 2 * max(0, *MORE.get(engine.dialect.name, ()))
    labelled = db.with_labels(cls)
    assert {(row.book_tags_word, row.loans_user_name) for row in labelled.all()} == {
        ("food", "Bo"),
        ("hot", "Bo"),
    }
    statements.clear()
    db.join(book_tags, loans, book_tags.book_id == loans.book_id)
    assert statements == []


# targets that are gone


@pytest.mark.skipif(not hasattr(sa.MetaData, "schemas"), reason="SQLAlchemy 2.1 has it")
def test_metadata_tells_schemas(engine: sa.Engine, other_schema: str) -> None:
    """``MetaData.schemas`` has the schema of a table that was reflected, until it is forgotten."""
    db = SQLSoup(engine)
    assert list(db._metadata.schemas) == []
    db.entity("parts", other_schema)
    assert list(db._metadata.schemas) == [other_schema]
    sqlsoup.refresh(db)
    assert list(db._metadata.schemas) == []


@pytest.fixture
def orphans(db: SQLSoup, engine: sa.Engine) -> SQLSoup:
    """A database with tables whose foreign keys lead nowhere."""
    if engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL lets no key lead nowhere")
    run(
        engine,
        "CREATE TABLE orphan (id INTEGER PRIMARY KEY, gone_id INTEGER, user_name VARCHAR(40),"
        " FOREIGN KEY (gone_id) REFERENCES gone (id),"
        " FOREIGN KEY (user_name) REFERENCES users (name))",
        "CREATE TABLE lost (id INTEGER PRIMARY KEY, word VARCHAR(20),"
        " FOREIGN KEY (id) REFERENCES gone (id))",
        "INSERT INTO lost VALUES (1, 'hot')",
    )
    return db


def test_dangling_key(orphans: SQLSoup) -> None:
    """A table with a key to one that is gone is used as if the key were not there."""
    db = orphans
    row = db.orphan.insert(id=1, user_name="Bo")
    db.commit()
    row.user_name = "Ada"
    db.commit()
    targets = {key.target_fullname for key in db.orphan._table.foreign_keys}
    assert targets == {"gone.id", "users.name"}
    assert db.orphan.join(db.users).one() is row
    db.orphan.relate("user", db.users, backref="orphans")
    assert row.user.orphans == [row]
    assert db.join(db.orphan, db.users).one().name == "Ada"
    db.delete(row)
    db.commit()
    assert db.orphan.count() == 0


def test_join_with_dangling_key(orphans: SQLSoup) -> None:
    """A join that has to leave a key out warns once, at the caller's line, and works."""
    db = orphans
    lost, tags = db.lost, db.tags
    with pytest.warns(SQLSoupWarning) as caught:
        cls = db.map(lost._table.join(tags._table, lost.word == tags.word, full=False).select())
    assert cls is not None
    assert [str(warning.message) for warning in caught] == [
        "lost.id refers to 'gone', which is not there or may not be read"
    ]
    assert caught[0].category is SQLSoupWarning
    assert caught[0].filename == __file__
    joined = db.with_labels(db.join(lost, tags, lost.word == tags.word))
    assert [(type(row), row.lost_id) for row in joined.all()] == [(joined, 1)]


def test_dangling_key_where_warnings_are_errors(orphans: SQLSoup) -> None:
    """The join can be used there, since it works without the key."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        join = orphans.join(orphans.lost, orphans.tags, orphans.lost.word == orphans.tags.word)
        assert orphans.with_labels(join).count() == 1
        assert orphans.map(sa.select(orphans.orphan)).all() == []


@pytest.mark.parametrize("method", ["join", "with_labels", "map_to"])
def test_warning_of_a_dangling_key(orphans: SQLSoup, method: str) -> None:
    """The warning names the target and points at the caller, whichever way it is mapped."""
    db = orphans
    lost, books = db.lost, db.books
    core = lost._table.join(books._table, lost.id == books.id)
    calls: dict[str, Callable[[], Any]] = {
        "join": lambda: db.join(lost, books, lost.id == books.id),
        "with_labels": lambda: db.with_labels(core),
        "map_to": lambda: db.map_to(
            "both", selectable=core, mapper_args={"exclude_properties": [books._table.c.id]}
        ),
    }
    with pytest.warns(SQLSoupWarning, match=r"^lost\.id refers to 'gone', ") as caught:
        calls[method]()
    assert caught[0].filename == __file__


# what a table is like


def test_key_columns_are_not_nullable(db: SQLSoup) -> None:
    """Key columns are not nullable, as 0.9 had them."""
    names = ["users", "books", "loans", "tags", "book_tags", "shelves", "seats"]
    keys = [column for name in names for column in getattr(db, name)._table.primary_key]
    assert len(keys) == 9
    assert [column for column in keys if column.nullable] == []
    assert db.books._table.c.year.nullable is True
    assert db.books._table.c.title.nullable is False


def test_no_sequence_default(db: SQLSoup) -> None:
    """A generated key has no server default, which would cost a statement a row."""
    assert db.books._table.c.id.server_default is None
    assert db.books._table.autoincrement_column is db.books._table.c.id
    assert str(db.users._table.c.admin.server_default.arg) in ("'0'", "0")


def test_sequence_default_of_another_column(db: SQLSoup, engine: sa.Engine) -> None:
    """A column that is no key keeps its sequence."""
    if engine.dialect.name != "postgresql":
        pytest.skip("PostgreSQL has sequences as defaults")
    run(engine, "CREATE TABLE tickets (id INTEGER PRIMARY KEY, n SERIAL)")
    assert str(db.tickets._table.c.n.server_default.arg).startswith("nextval(")
    row = db.tickets.insert(id=7)
    db.commit()
    assert row.n == 1


def test_foreign_keys_are_listed(db: SQLSoup) -> None:
    """_table.foreign_keys lists the keys, before and after they are resolved."""
    expected = {("book_id", "books.id"), ("user_name", "users.name")}

    def listed() -> set[tuple[str, str]]:
        return {(key.parent.name, key.target_fullname) for key in db.loans._table.foreign_keys}

    assert listed() == expected
    db.loans.insert(book_id=2)
    db.commit()
    assert listed() == expected
    db.join(db.users, db.loans)
    assert listed() == expected
    assert len(db.loans._table.foreign_key_constraints) == 2


def test_types(db: SQLSoup) -> None:
    """Columns have their types, lengths and order."""
    table = db.users._table
    assert type(table) is sa.Table
    assert table.c.keys() == ["name", "email", "admin"]
    assert isinstance(table.c.name.type, sa.String)
    assert (table.c.name.type.length, table.c.email.type.length) == (40, 60)
    assert isinstance(db.loans._table.c.day.type, sa.Date)


# Tables that the user brings


def brought(engine: sa.Engine) -> tuple[SQLSoup, sa.Table]:
    """Make a SQLSoup on a MetaData that has a table declared by hand."""
    metadata = sa.MetaData()
    metadata.bind = engine  # type: ignore[attr-defined]
    loans = sa.Table(
        "loans",
        metadata,
        sa.Column("book_id", sa.Integer, sa.ForeignKey("books.id"), primary_key=True),
        sa.Column("user_name", sa.String(40), sa.ForeignKey("users.name")),
    )
    return SQLSoup(metadata), loans


def test_brought_table(engine: sa.Engine, statements: list[str]) -> None:
    """A Table that is in the MetaData is used as it is, and not reflected."""
    db, loans = brought(engine)
    assert db.loans._table is loans
    assert statements == []
    assert db.loans.c.keys() == ["book_id", "user_name"]
    db.loans.insert(book_id=2, user_name="Ada")
    db.commit()
    assert type(db.loans.get(2)) is db.loans
    assert {row.title for row in db.join(db.books, db.loans).all()} == TITLES


def test_brought_table_that_was_reflected(lite: sa.Engine) -> None:
    """A Table that the user reflected takes two new rows in one flush, nullable key or not."""
    metadata = sa.MetaData()
    metadata.bind = lite  # type: ignore[attr-defined]
    books = sa.Table("books", metadata, autoload_with=lite)
    db = SQLSoup(metadata)
    rows = [db.books.insert(title="a"), db.books.insert(title="b")]
    db.commit()
    assert db.books._table is books
    assert [row.id for row in rows] == [4, 5]
    other = SQLSoup(lite)
    mapped = other.map(sa.Table("books", sa.MetaData(), autoload_with=lite))
    assert other.map(other.books).count() == 5
    assert mapped._table.c.id.nullable is False


# what changes meanwhile


@pytest.mark.parametrize("name", ["absent", "no such"])
def test_missing_table(db: SQLSoup, name: str) -> None:
    """A missing table leaves nothing behind, and is found once it is there."""
    for _ in range(2):
        with pytest.raises(sqlsoup.NoSuchTableError) as error:
            db.entity(name)
        assert isinstance(error.value, sa.exc.NoSuchTableError)
        assert str(error.value) == f"{name}: there is no table or view of this name"
    assert db._cache == {}
    assert not db._metadata.tables
    assert not db.session.registry.has() or not db.session.in_transaction()
    sa.Table(name, sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True)).create(db.engine)
    assert type(db.entity(name)) is TableClassType


def test_stale_table(db: SQLSoup, engine: sa.Engine) -> None:
    """Once cache and MetaData forget a table, it is reflected afresh; the rest goes on working."""
    db.loans.relate("user", db.users, backref="loans")
    loan, bo = db.loans.get(1), db.users.get("Bo")
    assert loan.user is bo
    db.commit()
    run(engine, "ALTER TABLE users ADD COLUMN age INTEGER")
    old = db.users
    del db._cache["users"]
    db._metadata.remove(old._table)
    assert db.users is not old
    assert db.users.c.keys() == ["name", "email", "admin", "age"]
    db.users.insert(name="Dee", age=7)
    bo.email = "new"
    loan.user = old.get("Ada")
    db.commit()
    assert db.users.get("Dee").age == 7
    assert db.users.get("Bo").email == "new"
    assert (type(loan.user), loan.user_name) == (old, "Ada")
    assert db.loans.get(3).user is bo
    del db._cache["loans"]
    db._metadata.remove(loan._table)
    db.loans.relate("user", db.users, backref="loans")
    assert type(db.loans.get(1).user) is db.users
    assert [type(one) for one in db.users.get("Ada").loans] == [db.loans]


def test_dropped_table(db: SQLSoup, engine: sa.Engine) -> None:
    """A table that was dropped gives the missing-table error once it is forgotten."""
    table = db.seats._table
    db.session.remove()
    run(engine, "DROP TABLE seats")
    del db._cache["seats"]
    db._metadata.remove(table)
    with pytest.raises(sqlsoup.NoSuchTableError):
        db.seats  # noqa: B018


# the connection to reflect with


def test_with_the_only_connection(
    engine: sa.Engine, url: str, make_engine: Callable[..., sa.Engine]
) -> None:
    """A first access in a transaction works though it holds the only connection of the pool."""
    one = make_engine(url, poolclass=sa.QueuePool, pool_size=1, max_overflow=0, pool_timeout=2)
    db = SQLSoup(one)
    db.users.insert(name="Dee")
    db.flush()
    assert one.pool.checkedout() == 1  # type: ignore[attr-defined]
    assert [type(row) for row in db.books.all()] == [db.books] * 3
    assert db.join(db.books, db.loans).count() == 2
    db.rollback()
    assert one.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_temporary_table(db: SQLSoup) -> None:
    """The session's temporary tables are reflected in its transaction."""
    db.execute("CREATE TEMPORARY TABLE scratch (id INTEGER PRIMARY KEY, note VARCHAR(9))")
    row = db.scratch.insert(id=1, note="x")
    db.flush()
    assert db.scratch.get(1) is row
    db.rollback()


def test_mapping_is_no_transaction(db: SQLSoup, engine: sa.Engine) -> None:
    """A first access alone leaves no transaction and no connection open."""
    assert type(db.users) is TableClassType
    assert not db.session.registry.has() or not db.session.in_transaction()
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_listeners_hear_of_errors_after_it(engine: sa.Engine) -> None:
    """A first access within a transaction leaves the options of its connection as they were."""
    heard: list[object] = []
    sa.event.listen(engine, "handle_error", lambda context: heard.append(context.statement))
    wrong = "SELECT nothing FROM users"
    for bind in (engine, engine.connect()):
        session = orm.scoped_session(orm.sessionmaker(bind=bind))
        db = SQLSoup(engine, session=session)
        assert db.execute("SELECT 1").scalar() == 1
        assert db.users.c.keys() == ["name", "email", "admin"]
        with pytest.raises(sa.exc.DBAPIError):
            db.execute(wrong)
        session.remove()
    bind.close()
    assert heard == [wrong, wrong]


def test_plain_session(engine: sa.Engine) -> None:
    """So it is with a plain session."""
    with orm.Session() as session:
        db = SQLSoup(engine, session=session)
        assert type(db.loans) is TableClassType
        assert session.in_transaction() is False
        db.loans.insert(book_id=2)
        db.commit()
        assert db.loans.count() == 3


def test_dangling_key_of_a_plain_column(lite: sa.Engine) -> None:
    """A key that is no part of a primary key stays on its table, and is warned of once."""
    with lite.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE letters (id INTEGER PRIMARY KEY, sender INTEGER REFERENCES gone (id))"
        )
    db = SQLSoup(lite)
    with pytest.warns(sqlsoup.SQLSoupWarning, match="^letters.sender refers to 'gone', which"):
        labelled = db.with_labels(db.letters)
    assert list(labelled.c.keys()) == ["letters_id", "letters_sender"]
    assert [key.target_fullname for key in db.letters._table.foreign_keys] == ["gone.id"]
    assert db.with_labels(db.letters).all() == []


def test_use_alter_of_a_brought_table_stays(lite: sa.Engine) -> None:
    """``use_alter`` that the user set on a key is the user's."""
    metadata = sa.MetaData()
    mine = sa.Table(
        "loans",
        metadata,
        sa.Column("book_id", sa.ForeignKey("books.id", use_alter=True), primary_key=True),
    )
    metadata.bind = lite
    db = SQLSoup(metadata)
    assert db.loans.count() == 2
    assert [constraint.use_alter for constraint in mine.foreign_key_constraints] == [True]


def test_dangling_key_stays_on_its_table(lite: sa.Engine) -> None:
    """A join may put a dangling key aside; its table has it nevertheless, and joins by it later."""
    with lite.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE parts (a INTEGER REFERENCES books (id), b INTEGER REFERENCES later (id),"
            " PRIMARY KEY (a, b))"
        )
    db = SQLSoup(lite)
    with pytest.warns(sqlsoup.SQLSoupWarning, match="^parts.b refers to 'later', which"):
        assert db.join(db.parts, db.books).all() == []
    assert db.join(db.parts, db.books).all() == []
    keys = {key.target_fullname for key in db.parts._table.foreign_keys}
    assert keys == {"books.id", "later.id"}
    with lite.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE later (id INTEGER PRIMARY KEY)")
    assert db.parts.join(db.later).all() == []


def test_sorted_tables(db: SQLSoup) -> None:
    """Tables sort by their foreign keys, whichever was met first."""
    for name in ("book_tags", "loans", "tags", "users", "books"):
        getattr(db, name)
    order = [table.name for table in db._metadata.sorted_tables]
    assert order.index("books") < order.index("loans")
    assert order.index("users") < order.index("loans")
    assert order.index("tags") < order.index("book_tags")


@pytest.mark.parametrize("kind", ["NUMERIC", "VARCHAR(9)"])
def test_sequence_of_a_key_that_is_no_integer(url: str, engine: sa.Engine, kind: str) -> None:
    """A key of another type than INTEGER keeps its default, and gets its value from it."""
    if engine.dialect.name != "postgresql":
        return
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SEQUENCE tickets_s START 501")
        connection.exec_driver_sql(
            f"CREATE TABLE tickets (id {kind} PRIMARY KEY DEFAULT nextval('tickets_s'), n INTEGER)"
        )
    db = SQLSoup(engine)
    rows = [db.tickets.insert(n=n) for n in range(3)]
    db.flush()
    assert [int(row.id) for row in rows] == [501, 502, 503]
    db.rollback()
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE tickets")
        connection.exec_driver_sql("DROP SEQUENCE tickets_s")


def test_key_spelt_in_another_case(lite: sa.Engine) -> None:
    """SQLite takes a table's name in any case, in foreign keys as well."""
    with lite.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE visits_of (id INTEGER PRIMARY KEY, who TEXT REFERENCES Users (name))"
        )
    db = SQLSoup(lite)
    assert list(db.join(db.Users, db.visits_of).c.keys()) == ["name", "email", "admin", "id", "who"]


def test_engine_with_options_of_its_own(lite: sa.Engine) -> None:
    """A session on the same pool is reflected through, whatever options its engine has."""
    one = sa.create_engine(lite.url, poolclass=sa.QueuePool, pool_size=1, max_overflow=0)
    session = orm.scoped_session(orm.sessionmaker(bind=one.execution_options(mark=1)))
    db = SQLSoup(one, session=session)
    db.users.insert(name="Dee")
    db.flush()
    assert db.books.count() == 3
    db.commit()
    assert db.users.count() == 4
    session.remove()
    one.dispose()


def test_reflected_by_another_thread_meanwhile(lite: sa.Engine) -> None:
    """A table that came while a thread waited for a connection is not reflected again."""
    metadata = sa.MetaData()

    @contextmanager
    def connect() -> Iterator[sa.Connection]:
        with lite.connect() as connection:
            reflect(metadata, "users", None, lambda: nullcontext(connection))
            yield connection

    seen: list[str] = []
    sa.event.listen(metadata, "column_reflect", lambda _i, _t, column: seen.append(column["name"]))
    assert reflect(metadata, "users", None, connect) is metadata.tables["users"]
    assert seen == ["name", "email", "admin"]


def test_key_into_a_schema_that_does_not_exist(lite: sa.Engine) -> None:
    """A key into a schema that is not there is warned of like one to a missing table."""
    metadata = sa.MetaData()
    sa.Table(
        "loans",
        metadata,
        sa.Column("book_id", sa.ForeignKey("nowhere.books.id"), primary_key=True),
        sa.Column("user_name", sa.ForeignKey("users.name")),
    )
    metadata.bind = lite
    db = SQLSoup(metadata)
    with pytest.warns(sqlsoup.SQLSoupWarning, match="^loans.book_id refers to 'nowhere.books', wh"):
        assert db.join(db.loans, db.users).count() == 2


def test_type_of_a_key_to_a_table_not_yet_seen(soup):
    """A column of the user's own that takes its type from a foreign key has it in the end."""
    notes = sa.Table(
        "notes",
        soup._metadata,
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("book_id", sa.ForeignKey("books.id")),
    )
    cls = soup.map(notes)
    assert isinstance(notes.c.book_id.type, sa.types.NullType)
    assert isinstance(soup.books.c.id.type, sa.Integer)
    assert isinstance(notes.c.book_id.type, sa.Integer)
    assert soup.join(cls, soup.books).c.keys() == ["number", "book_id", *soup.books.c.keys()]


def test_a_key_of_which_a_part_leads_nowhere(lite):
    """A foreign key that finds some of its columns alone does not keep a flush from its work."""
    metadata = sa.MetaData()
    metadata.bind = lite
    sa.Table("parts", metadata, sa.Column("id", sa.Integer, primary_key=True))
    sa.Table(
        "uses",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("part", sa.Integer),
        sa.Column("kind", sa.Integer),
        sa.ForeignKeyConstraint(["part", "kind"], ["parts.id", "parts.kind"]),
    )
    run(
        lite,
        "CREATE TABLE parts (id INTEGER PRIMARY KEY)",
        "CREATE TABLE uses (id INTEGER PRIMARY KEY, part INTEGER, kind INTEGER)",
    )
    db = sqlsoup.SQLSoup(metadata)
    db.uses.insert(part=1, kind=2)
    db.parts.insert(id=1)
    db.flush()
    assert [(row.part, row.kind) for row in db.uses.all()] == [(1, 2)]


def test_an_earlier_target_stays_where_there_is_none(soup, lite):
    """A foreign key whose column is gone refers to the one that it had, for classes in use."""
    users, loans = soup.users, soup.loans
    assert soup.join(users, loans).count() == 2
    run(lite, "DROP TABLE users", "CREATE TABLE users (id INTEGER PRIMARY KEY)")
    del soup["users"]
    assert soup.users.c.keys() == ["id"]
    onclause = sa.join(users._table, loans._table).onclause
    assert str(onclause) == "users.name = loans.user_name"


def test_a_foreign_key_that_an_interrupt_left_aside(soup):
    """A join puts keys without a target aside for a moment; they are back with the target."""
    (key,) = soup.loans._table.c.user_name.foreign_keys
    key.parent.foreign_keys.discard(key)
    users = soup.users
    assert key.parent.foreign_keys == {key}
    assert soup.join(users, soup.loans).count() == 2


def test_an_alias_made_before_the_target_of_several_columns(lite):
    """Each column of the alias refers to the one that its column of the table refers to."""
    run(
        lite,
        "CREATE TABLE parts (a INTEGER, b INTEGER, PRIMARY KEY (a, b))",
        "CREATE TABLE uses (id INTEGER PRIMARY KEY, x INTEGER, y INTEGER, "
        "FOREIGN KEY (x, y) REFERENCES parts (a, b))",
    )
    db = sqlsoup.SQLSoup(lite)
    alias = db.uses._table.alias()
    assert alias.c.keys() == ["id", "x", "y"]  # here it copies the foreign keys
    joined = sa.inspect(db.join(alias, db.parts)).local_table
    compared = {(clause.left.name, clause.right.name) for clause in joined.onclause.clauses}
    assert {frozenset(pair) for pair in compared} == {frozenset("xa"), frozenset("yb")}


def test_a_naming_convention(lite):
    """Constraints without a name get one by the convention of the MetaData."""
    metadata = sa.MetaData(naming_convention={"pk": "pk_of_%(table_name)s"})
    metadata.bind = lite
    db = sqlsoup.SQLSoup(metadata)
    assert db.users._table.primary_key.name == "pk_of_users"
