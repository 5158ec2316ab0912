"""Rows spread over four databases by a ``ShardedSession``, with the code of the documentation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import NAMESPACE, run
from pages import documented
from sqlalchemy.exc import IntegrityError, MultipleResultsFound
from sqlalchemy.ext.horizontal_shard import set_shard_id
from sqlalchemy.orm import joinedload, selectinload

import sqlsoup

NAMES = ["north", "east", "south", "west"]
TITLES = {number: f"book {number}" for number in range(1, 9)}
HOME = {number: NAMES[number % 4] for number in TITLES}
BOOKS = "CREATE TABLE books (id INTEGER PRIMARY KEY, title VARCHAR(60))"
LOANS = """CREATE TABLE loans (
    book_id INTEGER PRIMARY KEY, borrower VARCHAR(40), FOREIGN KEY (book_id) REFERENCES books (id)
)"""
Shards = dict[str, sa.Engine]


@pytest.fixture(scope="module")
def shards(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shards]:
    """Engines on four databases of a server, or on four files, each with the tables."""
    url = sa.make_url(server)
    if server == "sqlite://":
        folder: Path = tmp_path_factory.mktemp("shards")
        urls = {name: url.set(database=f"{folder}/{name}.db") for name in NAMES}
    else:
        urls = {name: url.set(database=f"{NAMESPACE}_{name}") for name in NAMES}
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    databases = [url.database for url in urls.values() if server != "sqlite://"]
    run(admin, *(f"CREATE DATABASE {database}" for database in databases))
    engines = {name: sa.create_engine(url) for name, url in urls.items()}
    for engine in engines.values():
        run(engine, BOOKS, LOANS)
    yield engines
    for engine in engines.values():
        engine.dispose()
    run(admin, *(f"DROP DATABASE {database}" for database in databases))


@pytest.fixture
def db(shards: Shards) -> Iterator[sqlsoup.SQLSoup]:
    """A SQLSoup on the shards as documented, with eight books, two in each."""
    names = documented("growing.rst", "shards", sqlsoup=sqlsoup, shards=shards)
    db: sqlsoup.SQLSoup = names["db"]
    with db:
        for number, title in TITLES.items():
            db.books.insert(id=number, title=title)
    yield db
    db.session.remove()
    for engine in shards.values():
        run(engine, "DELETE FROM loans", "DELETE FROM books")
        engine.dispose()


@pytest.fixture
def asked(shards: Shards, db: sqlsoup.SQLSoup) -> Iterator[list[str]]:
    """The shards that were sent a statement, once for each."""
    seen: list[str] = []

    def listener(name: str) -> Callable[..., None]:
        def note(*_arguments: object) -> None:
            seen.append(name)

        return note

    listeners = {name: listener(name) for name in shards}
    for table in ("books", "loans"):
        db.entity(table)
    for name, engine in shards.items():
        sa.event.listen(engine, "before_cursor_execute", listeners[name])
    yield seen
    for name, engine in shards.items():
        sa.event.remove(engine, "before_cursor_execute", listeners[name])


def stored(
    shards: Shards, column: str = "title", table: str = "books"
) -> dict[str, dict[int, str]]:
    """Return what each shard has, as another connection sees it."""
    key = "id" if table == "books" else "book_id"
    found = {}
    for name, engine in shards.items():
        with engine.connect() as connection:
            rows = connection.exec_driver_sql(f"SELECT {key}, {column} FROM {table} ORDER BY {key}")
            found[name] = dict(map(tuple, rows))
    return found


def spread(values: dict[int, str]) -> dict[str, dict[int, str]]:
    """Return what each shard should have."""
    return {
        name: {number: value for number, value in values.items() if NAMES[number % 4] == name}
        for name in NAMES
    }


def test_a_row_is_stored_in_the_shard_of_its_key(db, shards):
    """What is inserted goes to the shard that the chooser names, and to no other."""
    assert stored(shards) == spread(TITLES)


def test_get_asks_one_shard(db, asked):
    """get() finds a row with one statement to its shard, and none when the session has it."""
    rows = {number: db.books.get(number) for number in TITLES}
    assert asked == list(HOME.values())
    assert {number: row.title for number, row in rows.items()} == TITLES
    assert [db.books.get(number) is row for number, row in rows.items()] == [True] * len(rows)
    assert len(asked) == len(TITLES)
    assert db.books.get(101) is None
    assert asked[len(TITLES) :] == ["east"]


def test_a_query_asks_all_shards(db, asked):
    """A query gives the rows of all shards, shard after shard."""
    found = db.books.order_by(db.books.id).all()
    assert asked == NAMES
    assert [book.id for book in found] == sorted(TITLES, key=lambda number: (number % 4, number))
    assert {book.id: sa.inspect(book).identity_token for book in found} == HOME


def test_a_query_for_a_key_asks_one_shard(db, asked):
    """A query whose only condition is a key goes to the shard of the key; one with OR to all."""
    assert db.books.filter_by(id=6).one().title == "book 6"
    assert asked == ["south"]
    del asked[:]
    either = sa.or_(db.books.id == 6, db.books.title == "book 3")
    assert {book.id for book in db.books.filter(either)} == {3, 6}
    assert asked == NAMES


def test_one_shard_by_name(db, asked):
    """A query can be told its shard, by a method or an option, which also holds for a select."""
    assert [book.id for book in db.books.set_shard("west")] == [3, 7]
    assert [book.id for book in db.books.options(set_shard_id("west"))] == [3, 7]
    assert db.execute(sa.select(db.books.id).options(set_shard_id("west"))).scalars().all() == [
        3,
        7,
    ]
    assert asked == ["west"] * 3


def test_a_loop_over_a_query(db, asked):
    """A loop over a query gives each row, although nothing holds the rows that it is done with."""
    for _ in range(20):
        assert [book.id for book in db.books.order_by(db.books.id)] == [4, 8, 1, 5, 2, 6, 3, 7]
    assert asked == NAMES * 20


def test_counting(db):
    """A count counts within each shard: the sum is the program's, and count() raises."""
    counts = db.execute(sa.select(sa.func.count()).select_from(db.books)).scalars().all()
    assert counts == [2, 2, 2, 2]
    with pytest.raises(MultipleResultsFound):
        db.books.count()


def test_first_and_limit_are_of_each_shard(db):
    """LIMIT holds within each shard, and first() is the first row of the first shard."""
    assert [book.id for book in db.books.order_by(db.books.id).limit(1)] == [4, 1, 2, 3]
    assert db.books.order_by(db.books.id).first().id == 4


def test_update_and_delete_of_a_row_go_to_its_shard(db, shards, asked):
    """A changed or deleted row is changed or deleted where it came from."""
    with db:
        six, seven = db.books.get(6), db.books.filter_by(title="book 7").one()
        del asked[:]
        six.title = "changed"
        db.flush()
        assert asked == ["south"]
        db.delete(seven)
        db.flush()
        assert asked == ["south", "west"]
    expected = {**TITLES, 6: "changed"}
    del expected[7]
    assert stored(shards) == spread(expected)


def test_a_row_is_refreshed_from_its_shard(db, shards, asked):
    """After a commit a row is read anew from its shard alone."""
    book = db.books.get(6)
    db.commit()
    run(shards["south"], "UPDATE books SET title = 'elsewhere' WHERE id = 6")
    del asked[:]
    assert book.title == "elsewhere"
    assert asked == ["south"]


def test_a_row_from_another_shard_than_its_key_says(db, shards):
    """A row is written back to where it was found, also where it should not have been."""
    run(shards["north"], "INSERT INTO books VALUES (9, 'astray')")
    with db:
        (astray,) = db.books.filter(db.books.title == "astray")
        astray.title = "found"
    assert stored(shards)["north"] == {4: "book 4", 8: "book 8", 9: "found"}
    assert stored(shards)["east"] == {1: "book 1", 5: "book 5"}


def test_update_and_delete_of_a_query(db, shards, asked):
    """update() and delete() of a query reach all shards, or that of the key, and add up."""
    with db:
        rows = {book.id: book for book in db.books.all()}
        del asked[:]
        assert db.books.filter(db.books.id < 7).update({"title": "new"}) == 6
        assert asked == NAMES
        assert {number: row.title for number, row in rows.items()} == {
            number: "new" if number < 7 else title for number, title in TITLES.items()
        }
        del asked[:]
        assert db.books.filter_by(id=8).delete() == 1
        assert db.books.filter_by(id=7).update({"title": "last"}) == 1
        assert asked == ["north", "west"]
        assert db.books.delete(db.books.id > 4) == 3
    assert stored(shards) == spread({1: "new", 2: "new", 3: "new", 4: "new"})


def test_relationships_stay_in_a_shard(db, shards, asked):
    """Rows that belong to a row are stored in its shard, and looked for in its shard alone."""
    db.loans.relate("book", db.books, backref="loans")
    with db:
        for number in TITLES:
            db.loans.insert(book=db.books.get(number), borrower=f"reader {number}")
    readers = {number: f"reader {number}" for number in TITLES}
    assert stored(shards, "borrower", "loans") == spread(readers)
    del asked[:]
    six = db.books.get(6)
    assert [loan.borrower for loan in six.loans] == ["reader 6"]
    assert asked == ["south", "south"]
    db.session.remove()
    del asked[:]
    assert db.loans.get(7).book.title == "book 7"
    assert asked == ["west", "west"]


def test_a_new_row_of_a_collection(db, shards):
    """A row that is put into a collection is stored in the shard of the collection's row."""
    db.books.relate("loans", db.loans, backref="book")
    with db:
        book = db.books.get(3)
        book.loans.append(db.loans(borrower="Tom"))
    assert stored(shards, "borrower", "loans") == {**spread({}), "west": {3: "Tom"}}


@pytest.mark.parametrize("eager", [joinedload, selectinload])
def test_eager_loading(eager, db):
    """Related rows that a query loads along are those of the rows' own shard."""
    db.loans.relate("book", db.books, backref="loans")
    with db:
        for number in TITLES:
            db.loans.insert(book_id=number, borrower=f"reader {number}")
    books = db.books.options(eager(db.books.loans)).all()
    assert {book.id: [loan.borrower for loan in book.loans] for book in books} == {
        number: [f"reader {number}"] for number in TITLES
    }
    tokens = {sa.inspect(book.loans[0]).identity_token == HOME[book.id] for book in books}
    assert tokens == {True}


def test_relationships_by_themselves(db, shards):
    """relationships=True reads the catalog of one shard, and its relationships stay in a shard."""
    own = sqlsoup.SQLSoup(db.engine, session=db.session, relationships=True)
    with own:
        own.loans.insert(book=own.books.get(7), borrower="Tom")
    assert stored(shards, "borrower", "loans") == {**spread({}), "west": {7: "Tom"}}
    assert own.books.get(7).loans.book.title == "book 7"


def test_reflected_once_from_one_shard(db, shards, asked):
    """The first access to a table reflects it from the engine that SQLSoup was given, and once."""
    fresh = sqlsoup.SQLSoup(shards["south"], session=db.session)
    assert [column.name for column in fresh.books.c] == ["id", "title"]
    assert set(asked) <= {"south"}
    del asked[:]
    assert fresh.books.get(1).title == "book 1"
    assert fresh.books.get(2).title == "book 2"
    assert asked == ["east", "south"]


def test_reflected_within_a_transaction(db, shards):
    """In a transaction the first access goes through the transaction's connection to the shard."""
    with db:
        db.books.all()
        db.connection().exec_driver_sql(
            "CREATE TEMPORARY TABLE notes (id INTEGER PRIMARY KEY, note VARCHAR(9))"
        )
        assert [column.name for column in db.notes.c] == ["id", "note"]
        held = Counter(name for name in shards if shards[name].pool.checkedout())
        assert held == dict.fromkeys(NAMES, 1)


def test_text_goes_where_the_chooser_says(db, shards, asked):
    """db.execute() of a text is sent to all shards, and gives the rows and row counts of all."""
    assert sorted(db.execute("SELECT title FROM books").scalars()) == sorted(TITLES.values())
    assert asked == NAMES
    done = db.execute("UPDATE books SET title = :title WHERE id <= 4", title="new")
    assert done.rowcount == 4
    db.commit()
    assert stored(shards) == spread({**TITLES, **dict.fromkeys([1, 2, 3, 4], "new")})


def test_statements_without_a_class(db, shards, asked):
    """So are statements on the table itself, while one for a key goes to the shard of the key."""
    table = db.books._table
    assert len(db.execute(sa.select(table)).all()) == 8
    del asked[:]
    assert db.execute(sa.select(table.c.title).where(table.c.id == 6)).scalar() == "book 6"
    assert db.execute(sa.update(table).where(table.c.id == 6).values(title="new")).rowcount == 1
    assert asked == ["south", "south"]
    db.rollback()
    assert stored(shards) == spread(TITLES)


def test_the_connection_is_that_of_the_engine(db, shards):
    """db.connection() is on the engine that SQLSoup was given, within the transaction."""
    with db:
        connection = db.connection()
        assert connection.engine is db.engine is shards["north"]
        connection.exec_driver_sql("INSERT INTO books VALUES (12, 'by hand')")
        assert db.books.get(12).title == "by hand"
    assert stored(shards)["north"] == {4: "book 4", 8: "book 8", 12: "by hand"}


def test_a_block_is_one_transaction_of_all_shards(db, shards):
    """What fails in one shard before the commit undoes the block in all of them."""
    for number in (9, 10, 11):
        db.books.insert(id=number, title="new")
    db.flush()
    with pytest.raises(IntegrityError), db:
        db.execute("INSERT INTO books VALUES (1, 'there already')")
    assert stored(shards) == spread(TITLES)
    assert [engine.pool.checkedout() for engine in shards.values()] == [0, 0, 0, 0]
    with db:
        db.books.insert(id=9, title="new")
    assert stored(shards) == spread({**TITLES, 9: "new"})


def test_threads(db, shards):
    """Threads that share the SQLSoup each have a session, and rows go to their shards in all."""

    def work(numbers: range) -> list[str]:
        with db:
            for number in numbers:
                db.books.insert(id=number, title=f"book {number}")
        with db:
            return [db.books.get(number).title for number in numbers]

    ranges = [range(100, 120), range(120, 140)]
    with ThreadPoolExecutor(max_workers=2) as pool:
        found = list(pool.map(work, ranges))
    assert found == [[f"book {number}" for number in numbers] for numbers in ranges]
    everything = {**TITLES, **{number: f"book {number}" for number in range(100, 140)}}
    assert stored(shards) == spread(everything)
