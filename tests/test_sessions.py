"""Sessions of every kind, and how each finds the engine of a soup's tables."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.orm import Query, Session, scoped_session, sessionmaker

import sqlsoup


class OwnSession(Session):
    """A session class of the application's own."""


class OwnQuery(Query):
    """A query class of the application's own."""

    def administrators(self):
        """Return a query of administrators alone."""
        return self.filter_by(admin=1)


class Base:
    """A base class, to which a session can be bound."""


SESSIONS = {
    "the default": lambda engine: sqlsoup.Session,
    "unbound registry": lambda engine: scoped_session(sessionmaker()),
    "bound registry": lambda engine: scoped_session(sessionmaker(bind=engine)),
    "registry of an own class": lambda engine: scoped_session(sessionmaker(class_=OwnSession)),
    "registry of a class": lambda engine: scoped_session(Session),
    "registry of a callable": lambda engine: scoped_session(lambda: OwnSession(autoflush=True)),
    "registry of a bound callable": lambda engine: scoped_session(lambda: Session(engine)),
    "plain session": lambda engine: Session(),
    "plain bound session": Session,
    "plain session of a sessionmaker": lambda engine: sessionmaker()(),
}


def _entity_query(db):
    rows = db.users.order_by(db.users.name).all()
    assert {type(row) for row in rows} == {db.users}
    return [row.name for row in rows]


def _entity_get(db):
    row = db.users.get("Ada")
    assert type(row) is db.users
    return row.email


def _session_query(db):
    rows = db.session.query(db.users).filter_by(admin=1).all()
    assert {type(row) for row in rows} == {db.users}
    return [row.name for row in rows]


def _columns_only(db):
    rows = db.session.query(db.users.name, db.users.admin).order_by(db.users.name).all()
    return [tuple(row) for row in rows]


def _select_entity(db):
    rows = db.session.execute(sa.select(db.users).order_by(db.users.name)).scalars().all()
    assert {type(row) for row in rows} == {db.users}
    return [row.name for row in rows]


def _select_columns(db):
    return db.session.execute(sa.select(db.users.email).where(db.users.name == "Bo")).scalar_one()


def _aggregate(db):
    return db.session.scalar(sa.select(sa.func.count()).select_from(db.users))


def _subquery(db):
    names = sa.select(db.users.name).where(db.users.admin == 1).subquery()
    return db.session.scalars(sa.select(names)).all()


def _core_select(db):
    table = db.users._table
    return db.session.execute(sa.select(table.c.name).order_by(table.c.name)).scalars().all()


def _core_insert(db):
    db.session.execute(db.tags._table.insert(), [{"word": "new"}, {"word": "old"}])
    return sorted(tag.word for tag in db.tags.all())


def _core_update(db):
    done = db.session.execute(db.users._table.update().values(admin=1))
    return [done.rowcount, db.users.filter_by(admin=1).count()]


def _core_delete(db):
    table = db.users._table
    return db.session.execute(table.delete().where(table.c.name == "Cy")).rowcount


def _lazy_load(db):
    db.loans.relate("book", db.books)
    book = db.loans.get(3).book
    assert type(book) is db.books
    return book.title


def _lazy_collection(db):
    db.users.relate("loans", db.loans)
    loans = db.users.get("Bo").loans
    assert {type(loan) for loan in loans} == {db.loans}
    return sorted(loan.book_id for loan in loans)


def _refresh(db):
    row = db.users.get("Ada")
    db.session.execute(db.users._table.update().values(email="new"))
    db.session.refresh(row)
    return row.email


def _expired(db):
    row = db.users.get("Ada")
    db.commit()
    return row.email


def _flush_of_an_insert(db):
    row = db.books.insert(title="Stock")
    db.flush()
    return [type(row.id), row.id > 3]


def _flush_of_an_update(db):
    db.users.get("Bo").email = "new"
    db.flush()
    return db.execute("SELECT email FROM users WHERE name = 'Bo'").scalar()


def _flush_of_a_delete(db):
    db.delete(db.users.get("Cy"))
    db.flush()
    return db.execute("SELECT count(*) FROM users").scalar()


def _bulk_update(db):
    return db.users.filter_by(admin=0).update({"admin": 2}, synchronize_session=False)


def _bulk_delete(db):
    return db.book_tags.filter_by(word="hot").delete()


def _bulk_update_statement(db):
    return db.session.execute(sa.update(db.users).values(admin=3)).rowcount


def _bulk_insert_mappings(db):
    mapper = sa.inspect(db.tags)
    db.session.bulk_insert_mappings(mapper, [{"word": "new"}, {"word": "old"}])
    return sorted(tag.word for tag in db.tags.all())


def _bulk_save_objects(db):
    tag = db.tags(word="new")
    db.expunge(tag)
    db.session.bulk_save_objects([tag])
    return sorted(tag.word for tag in db.tags.all())


def _insert_statement(db):
    db.session.execute(sa.insert(db.tags), [{"word": "new"}, {"word": "old"}])
    return sorted(tag.word for tag in db.tags.all())


def _joined(db):
    rows = db.join(db.books, db.loans).order_by(db.books.title).all()
    return [(row.title, row.user_name) for row in rows]


def _aliased(db):
    alias = orm.aliased(db.users)
    return [row.name for row in db.session.query(alias).filter(alias.admin == 1)]


NAMES = ["Ada", "Bo", "Cy"]
WORDS = ["food", "hot", "new", "old"]
WORK = {
    _entity_query: NAMES,
    _entity_get: "ada@example.org",
    _session_query: ["Ada"],
    _columns_only: [("Ada", 1), ("Bo", 0), ("Cy", 0)],
    _select_entity: NAMES,
    _select_columns: "bo@example.org",
    _aggregate: 3,
    _subquery: ["Ada"],
    _core_select: NAMES,
    _core_insert: WORDS,
    _core_update: [3, 3],
    _core_delete: 1,
    _lazy_load: "Soups",
    _lazy_collection: [1, 3],
    _refresh: "new",
    _expired: "ada@example.org",
    _flush_of_an_insert: [int, True],
    _flush_of_an_update: "new",
    _flush_of_a_delete: 2,
    _bulk_update: 2,
    _bulk_delete: 1,
    _bulk_update_statement: 3,
    _bulk_insert_mappings: WORDS,
    _bulk_save_objects: ["food", "hot", "new"],
    _insert_statement: WORDS,
    _joined: [("Mustards", "Bo"), ("Soups", "Bo")],
    _aliased: ["Ada"],
}
BY_NAME = {work.__name__.strip("_"): work for work in WORK}


def _elsewhere(work, *args):
    """Do the work in another thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *args).result()


def _work_and_close(work, db):
    """Do the work in the session of this thread, and end that."""
    try:
        return work(db)
    finally:
        _close(db.session)


def _close(session):
    session.remove() if isinstance(session, scoped_session) else session.close()


@pytest.fixture
def other(tmp_path, make_engine):
    """An engine on another SQLite file, with a table of users of its own."""
    engine = make_engine(f"sqlite:///{tmp_path}/other.db")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE users (name VARCHAR PRIMARY KEY, age INTEGER)"))
        connection.execute(sa.text("CREATE TABLE pets (name VARCHAR PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO users VALUES ('Zoe', 9)"))
    return engine


def _stored(engine, statement):
    """Return the first column of what other connections see."""
    with engine.connect() as connection:
        return list(connection.execute(sa.text(statement)).scalars())


def test_the_default_session_on_every_database(db):
    """The unbound default session finds the engine for each kind of work."""
    done = {name: _work_and_close(work, db) for name, work in BY_NAME.items()}
    assert done == dict(zip(BY_NAME, WORK.values(), strict=True))


@pytest.mark.parametrize("place", ["this thread", "another thread"])
@pytest.mark.parametrize("kind", SESSIONS)
def test_every_kind_of_session(kind, place, lite):
    """Each kind of session finds the engine, in the thread that made the soup and in others."""
    db = sqlsoup.SQLSoup(lite, session=SESSIONS[kind](lite))
    run = _elsewhere if place == "another thread" else lambda work, *args: work(*args)
    done = {name: run(_work_and_close, work, db) for name, work in BY_NAME.items()}
    assert done == dict(zip(BY_NAME, WORK.values(), strict=True))


@pytest.mark.parametrize("place", ["this thread", "another thread"])
@pytest.mark.parametrize("kind", SESSIONS)
def test_what_is_committed_is_stored(kind, place, lite):
    """After ``commit()`` other connections see the rows, whatever the session and the thread."""
    db = sqlsoup.SQLSoup(lite, session=SESSIONS[kind](lite))

    def store(db):
        db.tags.insert(word="new")
        db.delete(db.tags.get("food"))
        db.commit()

    with lite.begin() as connection:
        connection.execute(sa.text("DELETE FROM book_tags"))
    run = _elsewhere if place == "another thread" else lambda work, *args: work(*args)
    run(_work_and_close, store, db)
    assert _stored(lite, "SELECT word FROM tags ORDER BY word") == ["hot", "new"]


@pytest.mark.parametrize("begun", [False, True], ids=["idle", "in a transaction"])
@pytest.mark.parametrize("kind", SESSIONS)
def test_sessions_that_were_there_before_the_soup(kind, begun, lite):
    """A session that existed before the soup finds the engine, even if it has begun already."""
    source = SESSIONS[kind](lite)
    session = source() if isinstance(source, scoped_session) else source
    if begun:
        session.begin()
    db = sqlsoup.SQLSoup(lite, session=source)
    db.tags.insert(word="new")
    db.flush()
    assert (source() if isinstance(source, scoped_session) else source) is session
    assert sorted(session.scalars(sa.select(db.tags._table.c.word))) == ["food", "hot", "new"]
    assert sorted(tag.word for tag in session.query(db.tags)) == ["food", "hot", "new"]
    _close(source)


@pytest.mark.parametrize("kind", [kind for kind in SESSIONS if "plain" not in kind])
def test_the_session_of_a_thread_that_began_before_the_soup(kind, lite):
    """A session that another thread made before the soup finds the engine too."""
    source = SESSIONS[kind](lite)
    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(source).result()
        db = sqlsoup.SQLSoup(lite, session=source)
        assert pool.submit(_entity_query, db).result() == NAMES
        assert pool.submit(source).result() is before
        pool.submit(source.remove).result()


@pytest.mark.parametrize("kind", [kind for kind in SESSIONS if "plain" not in kind])
def test_sessions_that_are_made_after_the_soup(kind, lite):
    """When a registry's session is removed, the next one finds the engine."""
    source = SESSIONS[kind](lite)
    db = sqlsoup.SQLSoup(lite, session=source)
    first = source()
    assert _entity_query(db) == NAMES
    source.remove()
    assert _entity_query(db) == NAMES
    assert source() is not first
    source.remove()


@pytest.mark.parametrize("kind", [kind for kind in SESSIONS if "bound" not in kind.split()])
@pytest.mark.parametrize("bound", [True, False], ids=["engine", "MetaData"])
def test_two_soups_on_two_engines_in_one_session(kind, bound, lite, other):
    """Soups of one session read and write each in its own database, also tables of one name."""
    source = SESSIONS[kind](lite)
    pair = [lite, other]
    if not bound:
        pair = [sa.MetaData(), sa.MetaData()]
        pair[0].bind, pair[1].bind = lite, other
    one, two = (sqlsoup.SQLSoup(where, session=source) for where in pair)
    assert [one.engine, two.engine] == [lite, other]
    assert [row.name for row in two.users.all()] == ["Zoe"]
    assert _entity_query(one) == NAMES
    one.users.insert(name="new", email="e")
    two.users.insert(name="new", age=1)
    two.pets.insert(name="Rex")
    one.users.get("Ada").admin = 5
    one.commit()
    assert _stored(lite, "SELECT name FROM users ORDER BY name") == ["Ada", "Bo", "Cy", "new"]
    assert _stored(lite, "SELECT name FROM users WHERE admin = 5") == ["Ada"]
    assert _stored(other, "SELECT name FROM users ORDER BY name") == ["Zoe", "new"]
    assert _stored(other, "SELECT name FROM pets") == ["Rex"]
    assert one.execute("SELECT count(*) FROM users").scalar() == 4
    assert two.execute("SELECT count(*) FROM users").scalar() == 2
    assert [one.connection().engine, two.connection().engine] == [lite, other]
    assert source.execute(sa.select(two.users._table.c.age)).scalars().all() == [9, 1]
    assert source.execute(sa.select(one.users.email).filter_by(name="new")).scalar() == "e"
    _close(source)


def test_three_engines_and_one_rollback(lite, other, make_engine, tmp_path):
    """One rollback undoes the work on each of the engines."""
    third = make_engine(f"sqlite:///{tmp_path}/third.db")
    with third.begin() as connection:
        connection.execute(sa.text("CREATE TABLE pets (name VARCHAR PRIMARY KEY)"))
    soups = [sqlsoup.SQLSoup(engine) for engine in (lite, other, third)]
    soups[0].tags.insert(word="new")
    for soup in soups[1:]:
        soup.pets.insert(name="Rex")
    soups[2].flush()
    assert [soup.pets.count() for soup in soups[1:]] == [1, 1]
    soups[2].rollback()
    assert [soup.pets.count() for soup in soups[1:]] == [0, 0]
    assert soups[0].tags.count() == 2


def test_two_soups_on_one_engine(lite):
    """Two soups on one engine have classes of their own, and share the session's transaction."""
    one, two = sqlsoup.SQLSoup(lite), sqlsoup.SQLSoup(lite)
    assert one.users is not two.users
    one.users.get("Ada").email = "new"
    one.flush()
    assert two.users.get("Ada").email == "new"
    assert one.connection() is two.connection()


@pytest.mark.parametrize("scoped", [True, False], ids=["scoped_session", "Session"])
def test_a_bind_of_the_session_comes_first(scoped, lite, other):
    """The ORM uses a bound session's own engine; ``connection()`` is on that of the soup."""
    with other.begin() as connection:
        connection.execute(sa.text("DELETE FROM users"))
        connection.execute(sa.text("ALTER TABLE users ADD COLUMN email VARCHAR"))
        connection.execute(sa.text("ALTER TABLE users ADD COLUMN admin INTEGER"))
    session = scoped_session(sessionmaker(bind=other)) if scoped else Session(other)
    db = sqlsoup.SQLSoup(lite, session=session)
    assert db.bind is lite
    assert db.users.all() == []
    db.users.insert(name="new")
    db.commit()
    assert _stored(other, "SELECT name FROM users") == ["new"]
    assert session.execute(sa.select(db.users._table.c.name)).scalars().all() == ["new"]
    assert db.execute("SELECT name FROM users").scalars().all() == ["new"]
    assert db.connection().engine is lite
    _close(session)


def test_no_error_is_made_to_find_an_engine(soup, monkeypatch):
    """A session without a bind is not asked for one, which would take longer than the rest."""
    first, made = soup.users.get("Ada"), []
    soup.rollback()
    monkeypatch.setattr(sa.exc.UnboundExecutionError, "__init__", lambda *_: made.append(1))
    assert soup.users.get("Ada") is first
    assert soup.session.execute(sa.select(soup.users._table.c.name)).first() == ("Ada",)
    assert made == []


def test_a_session_on_a_connection_of_another_engine(lite, other):
    """Tables are those of the soup's own engine, which is not that of the connection."""
    with other.connect() as connection, Session(connection) as session:
        db = sqlsoup.SQLSoup(lite, session=session)
        assert db.users.c.keys() == ["name", "email", "admin"]


def test_errors_are_heard_after_reflection(engine):
    """A connection in use has the same execution options after a table was reflected with it."""
    db = sqlsoup.SQLSoup(engine)
    before = dict(db.connection().get_execution_options())
    assert db.users.count() == 3
    after = db.connection().get_execution_options()
    assert {name: value for name, value in after.items() if value} == before
    heard: list[sa.ExceptionContext] = []
    hear = heard.append
    sa.event.listen(engine, "handle_error", hear)
    with pytest.raises(sa.exc.DBAPIError):
        db.execute("SELECT nothing FROM nowhere")
    sa.event.remove(engine, "handle_error", hear)
    assert len(heard) == 1
    sqlsoup.Session.remove()


@pytest.mark.parametrize("kind", ["base class", "mapped class", "table"])
def test_a_session_bound_per_mapper(kind, lite, other):
    """What ``binds=`` names goes to that engine, the rest to the soup's."""
    with other.begin() as connection:
        connection.execute(sa.text("CREATE TABLE tags (word VARCHAR PRIMARY KEY)"))
    soup = sqlsoup.SQLSoup(lite)
    tags = soup.map(soup.tags._table, base=Base)
    binds = {"base class": Base, "mapped class": tags, "table": soup.tags._table}
    session = scoped_session(sessionmaker(binds={binds[kind]: other}))
    db = sqlsoup.SQLSoup(soup._metadata, session=session)
    mapped = db.map(soup.tags._table, base=Base) if kind == "base class" else tags
    session.add(type.__call__(mapped, word="new")) if mapped is tags else mapped(word="new")
    sqlsoup.Session.expunge_all()
    db.users.insert(name="new")
    session.flush()
    assert [tag.word for tag in session.query(mapped)] == ["new"]
    session.commit()
    assert _stored(other, "SELECT word FROM tags") == ["new"]
    assert _stored(lite, "SELECT count(*) FROM tags") == [2]
    assert _stored(lite, "SELECT count(*) FROM users") == [4]
    assert db.execute("SELECT count(*) FROM users").scalar() == 4
    session.remove()


@pytest.mark.parametrize("given", ["engine", "MetaData", "nothing"])
def test_a_session_on_a_connection_in_an_outer_transaction(given, engine):
    """All is done within the outer transaction, reflection included, and goes when that does."""
    with engine.connect() as connection:
        outer = connection.begin()
        session = Session(connection, join_transaction_mode="rollback_only")
        first = {"engine": engine, "MetaData": sa.MetaData(), "nothing": None}[given]
        db = sqlsoup.SQLSoup(first, session=session)
        temporary = "CREATE TEMPORARY TABLE notes (id INTEGER PRIMARY KEY, note VARCHAR(9))"
        connection.exec_driver_sql(temporary)
        db.notes.insert(id=1, note="here")
        db.users.insert(name="new")
        db.users.get("Ada").email = "new"
        db.execute("INSERT INTO tags VALUES ('new')")
        db.commit()
        assert db.engine is engine
        assert db.connection() is connection
        assert [row.note for row in db.notes.all()] == ["here"]
        assert sorted(tag.word for tag in db.tags.all()) == ["food", "hot", "new"]
        assert db.users.count() == 4
        assert connection.scalar(sa.text("SELECT count(*) FROM users")) == 4
        session.close()
        outer.rollback()
    assert _stored(engine, "SELECT name FROM users ORDER BY name") == NAMES
    assert _stored(engine, "SELECT email FROM users WHERE name = 'Ada'") == ["ada@example.org"]
    assert _stored(engine, "SELECT count(*) FROM tags") == [2]


def test_a_rollback_within_an_outer_transaction(engine):
    """``rollback()`` undoes what the session did, not what the outer transaction did before."""
    with engine.connect() as connection, connection.begin() as outer:
        connection.execute(sa.text("INSERT INTO tags VALUES ('outer')"))
        with Session(connection, join_transaction_mode="rollback_only") as session:
            db = sqlsoup.SQLSoup(engine, session=session)
            with session.begin_nested():
                db.tags.insert(word="kept")
            db.tags.insert(word="inner")
            with session.begin_nested() as savepoint:
                db.tags.insert(word="dropped")
                db.flush()
                savepoint.rollback()
            assert db.tags.count() == 5
        outer.rollback()
    assert _stored(engine, "SELECT word FROM tags ORDER BY word") == ["food", "hot"]


@pytest.mark.parametrize("kind", [scoped_session, lambda factory: factory()])
def test_rollback_after_an_interrupted_commit(kind, lite):
    """``rollback()`` mends a session that was interrupted between two states."""
    session = kind(sessionmaker())
    db = sqlsoup.SQLSoup(lite, session=session)

    def interrupt(_session):
        raise KeyboardInterrupt

    sa.event.listen(session, "after_commit", interrupt, once=True)
    db.tags.insert(word="new")
    with pytest.raises(KeyboardInterrupt):
        db.commit()
    with pytest.raises(sa.exc.InvalidRequestError):
        session.rollback()
    db.rollback()
    assert lite.pool.checkedout() == 0
    db.tags.insert(word="newer")
    db.commit()
    assert [tag.word for tag in db.tags.order_by("word")] == ["food", "hot", "new", "newer"]
    db.rollback()


def test_rollback_after_a_row_that_came_after_a_failed_flush(db):
    """Where warnings are errors, SQLAlchemy's about that row does not keep it from being undone."""
    db.tags.insert(word="food")
    with pytest.raises(sa.exc.IntegrityError):
        db.flush()
    late = db.tags.insert(word="late")
    db.rollback()
    assert late not in db.session
    db.tags.insert(word="later")
    db.commit()
    assert [tag.word for tag in db.tags.order_by("word")] == ["food", "hot", "later"]


def test_connection_is_in_the_sessions_transaction(db):
    """``connection()`` is a Connection on the soup's engine that sees what was flushed."""
    assert type(db.connection()) is sa.Connection
    assert db.connection().engine is db.engine
    db.tags.insert(word="new")
    db.flush()
    assert db.connection() is db.session.connection(bind_arguments={"mapper": db.tags})
    assert db.connection().scalar(sa.text("SELECT count(*) FROM tags")) == 3
    db.rollback()
    assert db.connection().scalar(sa.text("SELECT count(*) FROM tags")) == 2


@pytest.mark.parametrize("scoped", [True, False], ids=["scoped_session", "Session"])
def test_an_own_query_class(scoped, lite):
    """Queries are of the session's own class, whose methods the mapped classes have."""
    session = scoped_session(sessionmaker(query_cls=OwnQuery))
    source = session if scoped else session()
    db = sqlsoup.SQLSoup(lite, session=source)
    assert type(db.users.filter_by(admin=1)) is OwnQuery
    assert type(db.users._query) is OwnQuery
    assert [type(row) for row in db.users.administrators()] == [db.users]
    assert [row.name for row in db.users.administrators()] == ["Ada"]
    session.remove()


def test_a_session_is_the_registry_itself(lite):
    """``db.session`` is what was given: the registry, or the plain session."""
    registry = scoped_session(sessionmaker())
    with Session() as plain:
        assert sqlsoup.SQLSoup(lite, session=registry).session is registry
        assert sqlsoup.SQLSoup(lite, session=plain).session is plain
    assert registry.registry.has() is False


@pytest.mark.parametrize("kind", SESSIONS)
def test_a_session_that_is_given_later(kind, lite):
    """Classes mapped from then on work in it, whatever it is, and blocks and statements do too."""
    db = sqlsoup.SQLSoup(lite, session=scoped_session(sessionmaker()))
    first, before = db.session, db.users
    db.session = later = SESSIONS[kind](lite)
    assert db.session is later
    with db:
        tag = db.tags.insert(word="new")
        assert tag in later
        assert db.books.count() == 3
    assert db.execute("SELECT count(*) FROM tags").scalar() == 3
    assert db.connection().engine is lite
    assert before is db.users
    assert before.get("Ada") in first
    db.session = first
    del db._cache["tags"]
    assert db.tags.get("new") in first
    _close(first)
    _close(later)


def test_the_engine_follows_from_the_arguments_alone(lite, other):
    """While a session is asked for one class's engine, another thread may ask for another's."""
    binds = []

    class Asked(Session):
        def get_bind(self, mapper=None, **kw):
            binds.append(self.bind)
            if len(binds) == 1:
                assert _elsewhere(session.get_bind, sa.inspect(two.users)) is other
            return super().get_bind(mapper, **kw)

    with Asked() as session:
        one, two = (sqlsoup.SQLSoup(engine, session=session) for engine in (lite, other))
        assert [one.users.__name__, two.users.__name__] == ["MappedUsers"] * 2
        binds.clear()
        assert session.get_bind(sa.inspect(one.users)) is lite
        assert binds == [None, None]


def test_a_get_bind_of_the_time(lite, other):
    """A session with a get_bind() that takes no bind, and insists on a mapper, serves execute()."""

    class Routed(Session):
        def get_bind(self, mapper, clause=None):
            return other if getattr(clause, "text", "").endswith("-- other") else lite

    with Routed() as session:
        db = sqlsoup.SQLSoup(lite, session=session)
        count = "SELECT count(*) FROM users"
        assert db.execute(count).scalar() == db.users.count() == 3
        assert db.execute(f"{count} -- other").scalar() == session.scalar(sa.text(count)) - 2 == 1
        assert db.connection().engine is lite


def test_each_thread_has_a_transaction_of_its_own(engine):
    """A row that one thread has not committed is not seen by another, and is when it has."""
    db = sqlsoup.SQLSoup(engine)
    assert db.seats.count() == 3
    db.commit()
    words = "SELECT count(*) FROM seats"
    db.seats.insert(room="C", number=1)
    if engine.dialect.name != "sqlite":
        db.flush()
    assert _elsewhere(_work_and_close, lambda db: db.execute(words).scalar(), db) == 3
    db.commit()
    assert _elsewhere(_work_and_close, lambda db: db.seats.count(), db) == 4


def test_sessions_of_others_are_left_alone(lite):
    """A session that no soup was given says as before that it has no engine for another table."""
    sqlsoup.SQLSoup(lite, session=scoped_session(Session))
    sqlsoup.SQLSoup(lite, session=scoped_session(sessionmaker()))
    table = sa.Table("strange", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))
    with Session() as session, pytest.raises(sa.exc.UnboundExecutionError) as raised:
        session.execute(sa.select(table))
    assert type(raised.value) is sa.exc.UnboundExecutionError
    assert raised.value.args[0] == (
        "Could not locate a bind configured on SQL expression or this Session."
    )
    assert "get_bind" not in vars(OwnSession)


@pytest.mark.parametrize("kind", SESSIONS)
def test_dropped_soups_are_collected(kind, lite):
    """No session keeps a soup, its MetaData or its classes once they are dropped."""
    source = SESSIONS[kind](lite)
    kept = []
    for _ in range(2):
        db = sqlsoup.SQLSoup(lite, session=source)
        assert db.users.get("Ada").admin == 1
        kept += map(weakref.ref, (db, db._metadata, db.users))
        db.commit()
    del db
    lite.clear_compiled_cache()
    gc.collect()
    assert [reference() for reference in kept] == [None] * 6
    _close(source)


def test_dropped_sessions_are_collected(lite):
    """A registry or session that was given to a soup is collected with it."""
    kept = []
    for make in SESSIONS.values():
        source = make(lite)
        if source is not sqlsoup.Session:
            db = sqlsoup.SQLSoup(lite, session=source)
            assert db.users.count() == 3
            _close(source)
            kept.append(weakref.ref(source))
    del db, source
    lite.clear_compiled_cache()
    gc.collect()
    assert [reference() for reference in kept] == [None] * (len(SESSIONS) - 1)


@pytest.mark.parametrize("table", [None, sa.Table("users", sa.MetaData())])
def test_no_table_tells_of_an_engine(table: sa.Table | None) -> None:
    """A session without a bind says so where no table is asked for, or one of no SQLSoup."""
    with pytest.raises(sa.exc.UnboundExecutionError):
        sqlsoup.Session().get_bind(clause=table)
    sqlsoup.Session.remove()
