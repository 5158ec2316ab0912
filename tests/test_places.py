"""A statement is sent to the database that has all its tables, or to none."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from conftest import run
from sqlalchemy import orm
from sqlalchemy.ext.horizontal_shard import ShardedSession
from sqlalchemy.orm import Session, joinedload, scoped_session, sessionmaker

import sqlsoup
from sqlsoup import _places

STATEMENTS = {
    "filter": lambda u, p: u.filter(p.owner == u.name),
    "filter_by of a join": lambda u, p: u.join(p, p.owner == u.name).filter_by(owner="Ada"),
    "outer join": lambda u, p: sa.select(u).outerjoin(p, p.owner == u.name),
    "relationship": lambda u, _: u.join(u.pets),
    "any()": lambda u, _: u.filter(u.pets.any()),
    "order_by": lambda u, p: u.order_by(p.owner),
    "two classes": sa.select,
    "two columns": lambda u, p: sa.select(u.name, p.owner),
    "two tables": lambda u, p: sa.select(u.c.name).where(u.c.name == p.c.owner),
    "alias of a class": lambda u, p: u.filter(orm.aliased(p).owner == u.name),
    "column of an alias": lambda u, p: u.filter(p._table.alias().c.owner == u.name),
    "column of a subquery": lambda u, p: u.filter(sa.select(p).subquery().c.owner == u.name),
    "column of a CTE": lambda u, p: u.filter(sa.select(p).cte().c.owner == u.name),
    "IN": lambda u, p: u.filter(u.name.in_(sa.select(p.owner))),
    "IN a query": lambda u, p: u.filter(u.name.in_(p.filter_by(kind="cat").with_entities(p.owner))),
    "EXISTS": lambda u, p: u.filter(sa.exists().where(p.owner == u.name)),
    "scalar": lambda u, p: sa.select(u.name, sa.select(sa.func.count(p.id)).scalar_subquery()),
    "UNION": lambda u, p: sa.union(sa.select(u.name), sa.select(p.owner)),
    "union of queries": lambda u, p: u.with_entities(u.name).union(p.with_entities(p.owner)),
    "lambda": lambda u, p: sa.select(u).where(lambda: u.name == p.owner),
    "class of a select": lambda u, p: sa.select(
        sqlsoup.SQLSoup(u._table.metadata).map(
            sa.select(u.name).where(u.name == p.owner), primary_key=["name"]
        )
    ),
    "UPDATE": lambda u, p: sa.update(u).where(u.name == p.owner).values(admin=1),
    "SET": lambda u, p: sa.update(u).values(email=p.owner),
    "DELETE": lambda u, p: sa.delete(u).where(u.name.in_(sa.select(p.owner))),
    "INSERT of a SELECT": lambda u, p: sa.insert(u).from_select(["name"], sa.select(p.owner)),
}


@pytest.fixture
def there(tmp_path, make_engine):
    """A SQLSoup on another SQLite file, with a table that the first lacks and one that it has."""
    engine = make_engine(f"sqlite:///{tmp_path}/there.db")
    run(engine, "CREATE TABLE pets (id INTEGER PRIMARY KEY, owner VARCHAR, kind VARCHAR)")
    run(engine, "INSERT INTO pets VALUES (1, 'Ada', 'cat')")
    run(engine, "CREATE TABLE users (name VARCHAR PRIMARY KEY)")
    run(engine, "INSERT INTO users VALUES ('Zoe')")
    return sqlsoup.SQLSoup(engine)


def two(one, other):
    """Return what is said of a statement that names tables of two."""
    return (
        f"the tables of a statement must be in one database, and these are in {one!r} and "
        f"{other!r}; look for the rows of each, or attach one database to the other"
    )


def relate(here, there):
    """Return users with a relationship to the pets of another database, and these."""
    users, pets = here.users, there.pets
    on = pets.owner == users.name
    users.relate("pets", pets, primaryjoin=on, foreign_keys=[pets.owner])
    return users, pets


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_of_two_databases(statement, soup, there, statements):
    """It is refused before anything is sent, however it is written and whoever executes it."""
    users, pets = relate(soup, there)
    made = STATEMENTS[statement](users, pets)
    ways = [soup.execute, there.execute]
    if isinstance(made, orm.Query):
        ways.append(orm.Query.all)
    elif not isinstance(made, sa.CompoundSelect):  # of it SQLAlchemy tells get_bind() nothing
        ways.append(soup.session.execute)
    statements.clear()
    for way in ways:
        with pytest.raises(sqlsoup.ArgumentError) as raised:
            way(made)
        assert str(raised.value) in {
            two(soup.engine, there.engine),
            two(there.engine, soup.engine),
        }
    assert statements == []


def test_queries_that_change_rows(soup, there):
    """Neither the update nor the delete of a query reaches the rows of one of two databases."""
    users, pets = soup.users, there.pets
    query = users.filter(users.name == pets.owner)
    for change in (lambda: query.update({"admin": 5}, False), lambda: query.delete(False)):
        with pytest.raises(sqlsoup.ArgumentError, match="must be in one database"):
            change()
    with pytest.raises(sqlsoup.ArgumentError, match="must be in one database"):
        query.count()
    assert users.count() == 3


def test_a_relationship_between_two_databases(soup, there):
    """Each side is loaded from its own database, and is no join."""
    users, pets = relate(soup, there)
    assert [pet.kind for pet in users.get("Ada").pets] == ["cat"]
    soup.session.expunge_all()
    query = users.options(orm.selectinload(users.pets)).order_by(users.name)
    assert [len(user.pets) for user in query] == [1, 0, 0]
    assert pets.count() == 1


def test_executing_in_the_wrong_database(soup, there):
    """A table of the same name would give the rows of another database."""
    message = (
        f"the table 'users' is in {there.engine!r}, and this SQLSoup executes statements in "
        f"{soup.engine!r}; use execute() of the SQLSoup of the table"
    )
    for statement in (sa.select(there.users), there.users.filter_by(name="Zoe")):
        with pytest.raises(sqlsoup.ArgumentError) as raised:
            soup.execute(statement)
        assert str(raised.value) == message
    assert there.execute(sa.select(there.users.name)).scalar() == "Zoe"
    assert soup.session.execute(sa.select(there.users.name)).scalar() == "Zoe"
    assert soup.execute(sa.select(soup.users.name).limit(1)).scalar() == "Ada"
    loose = sa.table("users", sa.column("name"))
    assert there.execute(sa.select(loose.c.name)).scalar() == "Zoe"
    assert soup.execute(sa.select(sa.literal(1))).scalar() == 1


def test_a_database_of_another_kind(engine, tmp_path, make_engine):
    """Tables of two servers, or of a server and a file, are not in one database."""
    run(make_engine(f"sqlite:///{tmp_path}/o.db"), "CREATE TABLE pets (owner VARCHAR PRIMARY KEY)")
    here = sqlsoup.SQLSoup(engine)
    there = sqlsoup.SQLSoup(make_engine(f"sqlite:///{tmp_path}/o.db"))
    for one, query in (
        (here, here.users.filter(here.users.name == there.pets.owner)),
        (there, there.pets.filter(here.users.name == there.pets.owner)),
    ):
        for use in (query.first, query.count, lambda q=query, one=one: one.execute(q)):
            with pytest.raises(sqlsoup.ArgumentError, match="statement must be in one database"):
                use()
    sqlsoup.Session.rollback()
    assert [here.users.count(), there.pets.count()] == [3, 0]


def test_a_schema(engine, other_schema, make_engine, tmp_path):
    """A schema that one connection reaches may be on any engine of its kind of SQLite or MySQL."""
    run(engine, f"CREATE TABLE {other_schema}.pets (owner VARCHAR(20) PRIMARY KEY)")
    here, attached = sqlsoup.SQLSoup(engine), sqlsoup.SQLSoup(engine)
    pets = attached.entity("pets", schema=other_schema)
    assert here.users.filter(here.users.name == pets.owner).all() == []
    run(make_engine(f"sqlite:///{tmp_path}/o.db"), "CREATE TABLE cats (owner VARCHAR PRIMARY KEY)")
    there = sqlsoup.SQLSoup(make_engine(f"sqlite:///{tmp_path}/o.db"))
    query = there.cats.filter(there.cats.owner == pets.owner)
    if engine.dialect.name == "sqlite":
        with pytest.raises(sa.exc.OperationalError, match="no such table: annex"):
            query.all()
    else:
        with pytest.raises(sqlsoup.ArgumentError, match="statement must be in one database"):
            query.all()


def test_two_engines_on_one_database(engine, url, make_engine):
    """They are no obstacle: the statement runs on one of them."""
    here, again = sqlsoup.SQLSoup(engine), sqlsoup.SQLSoup(make_engine(url))
    assert here.users.filter(here.users.name != again.tags.word).count() == 6
    assert len(here.execute(sa.select(again.users.name)).all()) == 3
    here.session.rollback()


@pytest.mark.parametrize("name", ["file:there.db", "file://{}/%74here.db", "there.db"])
def test_two_ways_to_write_one_file(name, there, tmp_path, make_engine, monkeypatch):
    """A URI of SQLite names the same file as its path, and another one is apart from it."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{name.format(tmp_path)}?uri=true"
    same, other = (sqlsoup.SQLSoup(make_engine(each)) for each in (url, url.replace("there", "o")))
    assert there.pets.filter(there.pets.owner != same.users.name).count() == 1
    if "there" in url:
        run(other.engine, "CREATE TABLE cats (owner VARCHAR PRIMARY KEY)")
        with pytest.raises(sqlsoup.ArgumentError, match="must be in one database"):
            there.pets.filter(there.pets.owner == other.cats.owner).all()
    sqlsoup.Session.remove()


def test_in_memory(make_engine):
    """Each engine on memory has a database of its own, but for one with a name."""
    engines = [make_engine("sqlite://") for _ in range(2)]
    url = "sqlite:///file:x?mode=memory&cache=shared&uri=true"
    engines += [make_engine(url, poolclass=sa.SingletonThreadPool) for _ in range(2)]
    for engine in engines[:3]:
        run(engine, "CREATE TABLE t (a INTEGER PRIMARY KEY)")
    run(engines[2], "CREATE TABLE s (a INTEGER PRIMARY KEY)")
    one, two, three, four = map(sqlsoup.SQLSoup, engines)
    for other in (two, three):
        with pytest.raises(sqlsoup.ArgumentError, match="must be in one database"):
            one.t.filter(one.t.a == other.t.a).all()
    assert three.t.filter(three.t.a == four.s.a).all() == []
    sqlsoup.Session.remove()


@pytest.mark.parametrize("way", ["bind", "binds", "get_bind"])
def test_a_session_that_decides_for_itself(way, soup, there):
    """A session with binds or a routing of its own is asked, as its database may have both."""
    engine = there.engine
    run(engine, "ALTER TABLE users ADD COLUMN email VARCHAR")
    run(engine, "ALTER TABLE users ADD COLUMN admin INTEGER")
    users, pets = soup.users, there.pets

    class Routing(Session):
        def get_bind(self, *_args, **_kw):
            return engine

    sessions = {
        "bind": sessionmaker(engine),
        "binds": sessionmaker(binds={users: engine, pets: engine}),
        "get_bind": sessionmaker(class_=Routing),
    }
    session = scoped_session(sessions[way])
    one = sqlsoup.SQLSoup(soup.engine, session=session)
    query = session.query(users).filter(users.name != pets.owner)
    assert [user.name for user in query] == ["Zoe"]
    assert [user.name for user in one.execute(query).scalars()] == ["Zoe"]
    session.remove()


def test_a_session_that_chooses_among_shards(soup, there):
    """It chooses when it executes, so that a table of one shard may be asked for in another."""
    session = scoped_session(
        sessionmaker(
            class_=ShardedSession,
            shards={"there": there.engine},
            shard_chooser=lambda *_: "there",
            identity_chooser=lambda *_, **__: ["there"],
            execute_chooser=lambda _: ["there"],
        )
    )
    db = sqlsoup.SQLSoup(soup.engine, session=session)
    assert db.execute(sa.select(there.users.name)).scalars().all() == ["Zoe"]
    session.remove()


def test_what_is_not_looked_into(soup, there):
    """A joined loading is an option of the statement; the table that is not there is the error."""
    users, _ = relate(soup, there)
    with pytest.raises(sa.exc.OperationalError, match="no such table: pets"):
        users.options(joinedload(users.pets)).all()


def test_one_database_costs_nothing(soup, there, monkeypatch):
    """No statement is visited while all SQLSoup objects are on one engine."""
    looked = []
    monkeypatch.setattr(_places, "_known", set())
    monkeypatch.setattr(_places, "_tables_of", lambda *args: looked.append(args) or [])
    again = sqlsoup.SQLSoup(soup.engine)
    assert soup.users.get("Ada") is not None
    assert again.users.filter_by(name="Ada").first() is not None
    assert again.execute("SELECT count(*) FROM users").scalar() == 3
    assert looked == []
    assert there.users.get("Zoe") is not None
    assert there.users.filter(there.users.name == "Zoe").order_by(there.users.name).first()
    assert looked == []  # nor is a plain one
    there.users.filter(sa.func.lower(there.users.name) == "zoe").first()
    assert len(looked) == 1


def test_tables_that_were_never_reflected(lite, there):
    """The databases of tables that the user declared are told apart as well."""
    metadatas = []
    for engine, name in ((lite, "users"), (there.engine, "pets")):
        metadatas.append(sa.MetaData())
        metadatas[-1].bind = engine
        sa.Table(name, metadatas[-1], sa.Column("name", sa.String, primary_key=True))
    one, other = map(sqlsoup.SQLSoup, metadatas)
    with pytest.raises(sqlsoup.ArgumentError) as raised:
        one.users.filter(one.users.name == other.pets.name).all()
    assert str(raised.value) == two(lite, there.engine)
