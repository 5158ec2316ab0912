"""Asynchronous programs: drivers that wait by ``await``, tasks, and threads that are awaited."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from conftest import URLS, words
from sqlalchemy import AsyncAdaptedQueuePool, make_url, select
from sqlalchemy.exc import IntegrityError, MissingGreenlet, StatementError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session, joinedload, scoped_session, selectinload

import sqlsoup
from sqlsoup import SQLSoup, SQLSoupError, TableClassType

_T = TypeVar("_T")
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
POSTGRESQL = [url for url in URLS if make_url(url).get_backend_name() == "postgresql"]
NAMES = ["Ada", "Bo", "Cy"]
MISSING = "greenlet_spawn has not been called; can't call await_"

pytestmark = pytest.mark.parametrize(
    "server",
    ["sqlite://", *POSTGRESQL],
    indirect=True,
    scope="session",
    ids=lambda url: make_url(url).get_backend_name(),
)


@pytest.fixture
def run(engine: sa.Engine) -> Iterator[Callable[[Callable[[AsyncEngine], Awaitable[_T]]], _T]]:
    """Run a coroutine on an asynchronous engine, all connections of which come back."""
    url = engine.url.set(drivername=DRIVERS[engine.dialect.name])

    async def main(work: Callable[[AsyncEngine], Awaitable[_T]]) -> _T:
        waiting = create_async_engine(url, poolclass=AsyncAdaptedQueuePool)
        try:
            result = await work(waiting)
            assert waiting.pool.checkedout() == 0  # type: ignore[attr-defined]
        finally:
            await waiting.dispose()
        return result

    return lambda work: asyncio.run(main(work))


@pytest.fixture
def with_session(run: Any) -> Any:
    """Run a coroutine with a session, and a SQLSoup of it with implied relationships."""

    async def begin(engine: AsyncEngine, work: Any) -> Any:
        async with AsyncSession(engine) as session:
            db = SQLSoup(session=session.sync_session, relationships=True)
            return await work(session, db)

    return lambda work: run(lambda engine: begin(engine, work))


def no_session() -> Session:
    """Stand for a task that has begun no session."""
    raise LookupError("no session")


class Shared:
    """One SQLSoup for all tasks, each of which has a session of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.registry = scoped_session(no_session, scopefunc=asyncio.current_task)
        self.db = SQLSoup(engine.sync_engine, session=self.registry, relationships=True)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        """Begin a session of this task, and commit it."""
        async with AsyncSession(self.engine) as session:
            self.registry.registry.set(session.sync_session)
            try:
                async with session.begin():
                    yield session
            finally:
                self.registry.registry.clear()


def test_reading(with_session: Any) -> None:
    """A table is reflected in ``run_sync()``; its class then serves in any awaited statement."""

    async def work(session: AsyncSession, db: SQLSoup) -> None:
        users = await session.run_sync(lambda _: db.users)
        assert type(users) is TableClassType
        assert db.users is users
        rows = (await session.scalars(select(db.users).order_by(db.users.name))).all()
        assert [type(row) for row in rows] == [users] * 3
        assert [row.name for row in rows] == NAMES
        assert (await session.execute(select(users.admin).filter_by(name="Ada"))).scalar() == 1
        assert (await session.get(users, "Bo")) is rows[1]
        assert db.users.get("Bo") is rows[1]  # which the session has
        assert await session.run_sync(lambda _: users.filter_by(admin=0).count()) == 2
        assert sqlsoup.as_dict(rows[0])["email"] == "ada@example.org"

    with_session(work)


def test_whole_schema(with_session: Any) -> None:
    """After ``reflect()`` in ``run_sync()`` no table needs another round trip."""

    async def work(session: AsyncSession, db: SQLSoup) -> None:
        found = await session.run_sync(lambda _: sqlsoup.reflect(db, ["users", "loans", "books"]))
        assert found == ["books", "loans", "users"]
        rows = await session.execute(select(db.loans, db.books).join(db.books))
        assert sorted(book.title for _, book in rows) == ["Mustards", "Soups"]
        assert await session.run_sync(lambda _: "tags" in db and "tag" not in db)
        await session.run_sync(lambda _: db.users)
        del db["users"]
        await session.run_sync(lambda _: db.users)
        sqlsoup.refresh(db)
        assert (await session.run_sync(lambda _: db.users.get("Cy"))).email is None

    with_session(work)


@pytest.mark.parametrize("loader", [selectinload, joinedload])
@pytest.mark.parametrize("implied", [True, False], ids=["implied", "relate"])
def test_eager_loading(loader: Any, implied: bool, with_session: Any) -> None:
    """What was loaded eagerly is there without ``run_sync()``, over two relationships as well."""

    async def work(session: AsyncSession, db: SQLSoup) -> None:
        def options(_: Session) -> Any:
            if not implied:
                db.users.relate("loans", db.loans)
                db.loans.relate("book", db.books)
            return loader(db.users.loans).options(loader(db.loans.book))

        option = await session.run_sync(options)
        statement = select(db.users).options(option).order_by(db.users.name)
        rows = (await session.scalars(statement)).unique().all()
        lent = [(row.name, sorted(loan.book.title for loan in row.loans)) for row in rows]
        assert lent == [("Ada", []), ("Bo", ["Mustards", "Soups"]), ("Cy", [])]
        assert {type(loan) for row in rows for loan in row.loans} == {db.loans}

    with_session(work)


def test_loading_later(with_session: Any) -> None:
    """A relationship is loaded within ``run_sync()`` and is there from then on."""

    async def work(session: AsyncSession, db: SQLSoup) -> None:
        bo = await session.run_sync(lambda _: db.users.get("Bo"))
        loans = await session.run_sync(lambda _: bo.loans)
        assert [type(loan) for loan in loans] == [db.loans] * 2
        assert bo.loans is loans
        book = await session.run_sync(lambda _: loans[0].book)
        assert loans[0].book is book

    with_session(work)


def _block(db: SQLSoup, word: str = "lost") -> None:
    with db:
        db.tags.insert(word=word)


@pytest.mark.parametrize(
    "use",
    [
        lambda db: db.shelves,
        lambda db: "shelves" in db,
        list,
        lambda db: db.users.count(),
        lambda db: db.users.get("Cy"),
        lambda db: db.users.loans,
        lambda db: db.execute("SELECT 1"),
        _block,
    ],
    ids=["first access", "in", "iteration", "query", "get", "relationship", "execute", "block"],
)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
def test_what_needs_run_sync(use: Any, with_session: Any, engine: sa.Engine) -> None:
    """Outside of ``run_sync()`` what asks the database raises; after a rollback all is well."""

    async def work(session: AsyncSession, db: SQLSoup) -> None:
        await session.run_sync(lambda _: (db.users, db.tags))
        await session.rollback()
        await session.bind.dispose()  # type: ignore[union-attr]
        with pytest.raises((MissingGreenlet, StatementError)) as raised:
            use(db)
        error = getattr(raised.value, "orig", raised.value)
        assert type(error) is MissingGreenlet
        assert str(error).startswith(MISSING)
        await session.rollback()
        await session.run_sync(lambda _: (db.tags.insert(word="new"), db.commit()))

    with_session(work)
    assert words(engine) == ["food", "hot", "new"]
    gc.collect()  # the coroutines, while the filter holds


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
def test_completion_outside_of_run_sync(with_session: Any) -> None:
    """``dir()`` and ``repr()`` raise nothing, and leave no connection in use."""

    async def work(session: AsyncSession, db: SQLSoup) -> None:
        assert "commit" in dir(db)
        assert repr(db) == f"SQLSoup(MetaData(bind={session.bind.sync_engine!r}))"

    with_session(work)
    gc.collect()  # the coroutines, while the filter holds


def test_writing(with_session: Any, engine: sa.Engine) -> None:
    """Rows that are inserted, changed and deleted are stored by ``await session.commit()``."""

    async def work(session: AsyncSession, db: SQLSoup) -> None:
        def write(_: Session) -> Any:
            db.loans.insert(user_name="Dee", book=db.books.get(2))
            db.users.insert(name="Dee")
            db.users.get("Ada").email = "new"
            db.delete(db.loans.get(3))
            return db.books.insert(title="Ferries")

        book = await session.run_sync(write)
        await session.flush()
        assert book.id == 4
        await session.commit()
        await session.run_sync(lambda _: db.tags.insert(word="lost"))
        await session.rollback()
        await session.run_sync(lambda _: db.tags.insert(word="new"))
        await session.commit()

    with_session(work)
    with engine.connect() as connection:
        loans = connection.execute(sa.text("SELECT book_id, user_name FROM loans ORDER BY 1"))
        assert loans.all() == [(1, "Bo"), (2, "Dee")]
        email = connection.scalar(sa.text("SELECT email FROM users WHERE name = 'Ada'"))
    assert email == "new"
    assert words(engine) == ["food", "hot", "new"]


def test_writing_many(with_session: Any, engine: sa.Engine) -> None:
    """``insert_many()``, ``upsert()`` and blocks work within ``run_sync()``."""

    async def work(session: AsyncSession, db: SQLSoup) -> None:
        def write(_: Session) -> None:
            with db:
                assert sqlsoup.insert_many(db.tags, [{"word": "a"}, {"word": "b"}]) == 2
                with db:
                    assert sqlsoup.upsert(db.tags, [{"word": "b"}, {"word": "c"}]) == 2
            with pytest.raises(IntegrityError), db:  # noqa: PT012
                db.tags.insert(word="d")
                db.execute("INSERT INTO tags VALUES ('a')")

        await session.run_sync(write)

    with_session(work)
    assert words(engine) == ["a", "b", "c", "food", "hot"]


def test_one_soup_for_many_tasks(run: Any, engine: sa.Engine) -> None:
    """Tasks meet tables for the first time at once, and have transactions of their own."""

    async def work(engine: AsyncEngine) -> None:
        shared = Shared(engine)
        db = shared.db

        async def task(number: int) -> set[Any]:
            async with shared.transaction() as session:
                found = await session.run_sync(lambda _: (db.users, db.loans, db.books, db.tags))
                option = await session.run_sync(lambda _: selectinload(db.users.loans))
                statement = select(db.users).filter_by(name="Bo").options(option)
                bo = (await session.scalars(statement)).one()
                assert sorted(loan.book_id for loan in bo.loans) == [1, 3]
                assert db.session() is session.sync_session
                if number == 0:
                    tag = db.tags.insert(word=f"task {number}")
                    assert tag in session
                    await session.flush()
                elif number == 1:
                    await session.execute(sa.insert(db.tags), [{"word": "lost"}])
                    await session.rollback()
            return set(found)

        found = await asyncio.gather(*map(task, range(8)))
        assert found == [{db.users, db.loans, db.books, db.tags}] * 8
        assert len(db._metadata.tables) == 4
        with pytest.raises(LookupError, match=r"^no session$"):
            db.tags.insert(word="lost")

    run(work)
    assert words(engine) == ["food", "hot", "task 0"]


def test_threads_that_are_awaited(db: SQLSoup, engine: sa.Engine) -> None:
    """Blocks in ``asyncio.to_thread()`` are transactions of their own."""

    def work(number: int) -> list[str]:
        with db:
            names = sorted(user.name for user in db.users.all())
            db.tags.insert(word=f"task {number}")
            if number == 3:
                raise LookupError("no")
            return names

    async def main() -> list[Any]:
        tasks = (asyncio.to_thread(work, number) for number in range(8))
        return await asyncio.gather(*tasks, return_exceptions=True)

    found = asyncio.run(main())
    assert type(found.pop(3)) is LookupError
    assert found == [NAMES] * 7
    assert words(engine) == ["food", "hot", *(f"task {n}" for n in range(8) if n != 3)]
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


# tasks that are cancelled, and waiting in the wrong place


class Steps:
    """A coroutine that counts how often it waits, and is cancelled at one of these times."""

    def __init__(self, coroutine: Any, last: int = 0) -> None:
        self.coroutine, self.last, self.number = coroutine, last, 0

    def __await__(self) -> Any:
        inner = self.coroutine.__await__()
        go_on, value = inner.send, None
        while True:
            try:
                waits_for = go_on(value)
            except StopIteration as done:
                return done.value
            self.number += 1
            if self.number == self.last:
                asyncio.current_task().cancel()  # type: ignore[union-attr]
            try:
                go_on, value = inner.send, (yield waits_for)
            except BaseException as error:  # noqa: BLE001
                go_on, value = inner.throw, error


def test_a_first_access_that_is_cancelled(run: Any) -> None:
    """Wherever it waits, nothing half done is left: the next access works, no connection is lost.

    ``run`` looks at the pool.
    """

    async def work(engine: AsyncEngine) -> None:
        async def access(last: int) -> tuple[int, bool]:
            async with AsyncSession(engine) as session:
                db = SQLSoup(session=session.sync_session, relationships=True)
                first = session.run_sync(lambda _: (db.users, db.users.loans))
                steps = Steps(first, last)
                (outcome,) = await asyncio.gather(steps, return_exceptions=True)
                cancelled = isinstance(outcome, asyncio.CancelledError)
                assert cancelled or outcome[0] is db.users
                await session.rollback()
                option = await session.run_sync(lambda _: selectinload(db.users.loans))
                statement = select(db.users).options(option).order_by(db.users.name)
                rows = (await session.scalars(statement)).all()
                assert [len(row.loans) for row in rows] == [0, 2, 0]
                assert {type(loan) for row in rows for loan in row.loans} == {db.loans}
                return steps.number, cancelled

        await access(0)
        last, cancelled = await access(0)
        assert not cancelled
        for number in range(1, last + 1, -(-last // 12)):
            assert (await access(number))[1]
            assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]

    run(work)


def _row(db: SQLSoup) -> Any:
    """Return the row that the session has."""
    (row,) = db.session.identity_map.values()
    return row


def _expired(db: SQLSoup) -> None:
    db.session.expire(_row(db))
    assert _row(db).email


@pytest.mark.parametrize(
    ("use", "is_statement"),
    [
        (lambda db: db.shelves, True),
        (lambda db: "shelves" in db, True),
        (list, True),
        (lambda db: db.users.count(), True),
        (lambda db: db.users.get("Cy"), True),
        (lambda db: _row(db).loans, True),
        (_expired, True),
        (lambda db: db.execute("SELECT 1"), True),
        (lambda db: db.flush(), False),
        (lambda db: db.commit(), False),
    ],
    ids=[
        *("first access", "in", "iteration", "query", "get", "relationship", "expired", "execute"),
        *("flush", "commit"),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
def test_what_needs_run_sync_with_a_connection(use: Any, is_statement: bool, run: Any) -> None:
    """So it is where the session has a connection; 2.1 has a StatementError around it."""
    wrapped = is_statement and sa.__version__ >= "2.1"

    async def work(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            db = SQLSoup(session=session.sync_session, relationships=True)
            await session.run_sync(lambda _: (db.tags, db.users.loans))
            bo = await session.run_sync(lambda _: db.users.get("Bo"))
            assert session.in_transaction()
            if not is_statement:
                db.tags.insert(word="lost")
            with pytest.raises((MissingGreenlet, StatementError)) as raised:
                use(db)
            assert type(raised.value) is (StatementError if wrapped else MissingGreenlet)
            error = getattr(raised.value, "orig", raised.value)
            assert type(error) is MissingGreenlet
            assert str(error).startswith(MISSING)
            await session.rollback()
            await session.refresh(bo)
            assert await session.run_sync(lambda _: len(bo.loans)) == 2
            assert await session.run_sync(lambda _: db.tags.count()) == 2

    run(work)
    gc.collect()  # the coroutines, while the filter holds


@pytest.mark.parametrize("flushed", [True, False])
@pytest.mark.parametrize("goes_on", ["rollback", "block"])
def test_a_block_that_ends_outside_of_run_sync(
    flushed: bool, goes_on: str, run: Any, engine: sa.Engine
) -> None:
    """It raises an error that says what to do; what it left is undone by ``rollback()``.

    Without that the next block undoes it, and raises.
    """

    async def work(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            db = SQLSoup(session=session.sync_session)
            block = ExitStack()

            def begin(_: Session) -> None:
                block.enter_context(db)
                db.tags.insert(word="lost")
                if flushed:
                    db.flush()
                else:
                    db.execute("SELECT 1")

            await session.run_sync(begin)
            with pytest.raises(SQLSoupError, match=r"^this block ends outside of run_sync"):
                block.close()
            if goes_on == "rollback":
                await session.rollback()
            else:
                with pytest.raises(SQLSoupError, match=r"^an earlier block of this session"):
                    await session.run_sync(lambda _: _block(db))
            await session.run_sync(lambda _: _block(db, "new"))

    run(work)
    assert words(engine) == ["food", "hot", "new"]


def test_an_error_that_leaves_a_block_outside_of_run_sync(run: Any, engine: sa.Engine) -> None:
    """It goes on as it is."""

    async def work(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            db = SQLSoup(session=session.sync_session)
            with pytest.raises(KeyError), ExitStack() as block:  # noqa: PT012
                await session.run_sync(
                    lambda _: (block.enter_context(db), db.tags.insert(word="lost"), db.flush())
                )
                raise KeyError
            await session.rollback()
            await session.run_sync(lambda _: _block(db, "new"))

    run(work)
    assert words(engine) == ["food", "hot", "new"]
