"""``sqlsoup.reflect()``: many tables in one round."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import sqlalchemy as sa
from conftest import break_a_view, called, on_postgresql, run
from sqlalchemy.ext import automap

import sqlsoup
from sqlsoup import SQLSoup
from sqlsoup._reflect import publish

NAMES = ["book_tags", "books", "loans", "seats", "shelves", "tags", "users", "visits"]


@pytest.fixture
def view(engine):
    """A view beside the tables."""
    run(engine, "CREATE VIEW readers AS SELECT name FROM users")
    return "readers"


def test_accesses_after_it_send_nothing(engine, view, statements):
    """All tables and views are there, and their classes cost no statement."""
    db = SQLSoup(engine, primary_keys={"readers": ["name"], "visits": ["day"]})
    assert sqlsoup.reflect(db) == sorted([*NAMES, view])
    statements.clear()
    classes = [db[name] for name in [*NAMES, view]]
    assert {type(cls) for cls in classes} == {sqlsoup.TableClassType}
    assert statements == []
    assert [user.name for user in db.readers.order_by(db.readers.name)] == ["Ada", "Bo", "Cy"]


def test_it_takes_one_round(engine, statements):
    """The statements do not depend on how many tables there are, on servers, if there are some."""
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLAlchemy reflects table by table on SQLite, MySQL and MariaDB")
    SQLSoup(engine).users.count()
    counts = []
    for more in (20, 40):
        run(engine, *(f"CREATE TABLE t{more}_{n} (id INTEGER PRIMARY KEY)" for n in range(more)))
        statements.clear()
        sqlsoup.reflect(SQLSoup(engine))
        counts.append(len(statements))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("jit", ["on", "off"])
def test_the_server_does_not_compile_what_is_asked(engine, jit):
    """That would take it a second; the transaction goes on as it was."""
    if engine.dialect.name != "postgresql":
        pytest.skip("no other server compiles queries")
    run(engine, *(f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY)" for number in range(20)))
    settings = []

    def look(connection, cursor, statement, *_more):
        if "pg_trigger" in statement:
            other = cursor.connection.cursor()
            other.execute("SHOW jit")
            settings.append(other.fetchone()[0])
            other.close()

    db = SQLSoup(engine)
    db.execute(f"SET jit = {jit}")
    sa.event.listen(engine, "before_cursor_execute", look)
    assert len(sqlsoup.reflect(db)) == len(NAMES) + 20
    assert settings == ["off"]
    assert db.execute("SHOW jit").scalar_one() == jit
    db.rollback()


def test_each_table_of_mariadb_is_read_once(engine, statements):
    """Its text is not asked for again, nor warned of where SQLAlchemy does not know a type."""
    if engine.dialect.name != "mysql":
        pytest.skip("the text of tables is read on MySQL and MariaDB")
    run(engine, "CREATE TABLE places (id INT PRIMARY KEY, place GEOMETRY)")
    statements.clear()
    sqlsoup.reflect(SQLSoup(engine))
    texts = [each for each in statements if each.startswith("SHOW CREATE TABLE")]
    assert len(texts) == len({*texts}) == len(NAMES) + 1


@on_postgresql
def test_it_takes_no_more_than_automap(engine, statements):
    """All tables and relationships take as many statements as automap sends, or fewer."""
    base = automap.automap_base()
    base.prepare(autoload_with=engine)
    sa.orm.configure_mappers()
    assert "loans_collection" in base.classes.books.__mapper__.attrs
    theirs = len(statements)
    statements.clear()
    db = SQLSoup(engine, relationships=True)
    sqlsoup.reflect(db)
    assert db.users.loans.property.mapper is sa.inspect(db.loans)
    assert len(statements) <= theirs


def test_each_further_table_of_sqlite_takes_four_statements(lite, statements):
    """They are SQLAlchemy's own; what it does not tell is asked of all tables at once."""
    counts = []
    for size in (10, 20):
        names = [f"t{size}_{number}" for number in range(size)]
        run(lite, *(f"CREATE TABLE {n} (id INTEGER PRIMARY KEY REFERENCES {n})" for n in names))
        statements.clear()
        assert sqlsoup.reflect(SQLSoup(lite), names) == sorted(names)
        counts.append(len(statements))
    assert counts[1] - counts[0] == 4 * 10


def test_each_further_table_takes_as_much_work(engine):
    """What is done for each table does not grow with their number."""
    names = [f"t{number:02}" for number in range(80)]
    run(engine, *(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY)" for name in names))
    _, few, many = (
        len(called(partial(sqlsoup.reflect, SQLSoup(engine), wanted)))
        for wanted in (names[:2], names[:20], names)
    )
    assert many < 4.1 * few


def test_more_tables_than_a_statement_of_sqlite_names(lite):
    """Each of many tables has what is known of it, be it of a temporary one in place of another."""
    names = [f"t{number:03}" for number in range(501)]
    first, last = names[0], names[-1]
    run(lite, *(f"CREATE TABLE {n} (id INT PRIMARY KEY REFERENCES T000)" for n in names))
    run(lite, f"CREATE VIEW v AS SELECT * FROM {last}")
    with lite.connect() as connection:
        connection.exec_driver_sql(f"CREATE TEMP TABLE {first} (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql(f"CREATE TEMP TABLE w (id INT PRIMARY KEY REFERENCES {last})")
        session = sa.orm.Session(connection)
        db = SQLSoup(lite, session=session, primary_keys={"v": ["id"]})
        assert sqlsoup.reflect(db, [*names, "v", "w"]) == [*names, "v", "w"]
        session.close()
    targets = {key.target_fullname for n in names for key in db[n]._table.foreign_keys}
    assert targets == {f"{first}.id"}
    assert {db[name].c.id.autoincrement for name in names[1:]} == {False}
    assert db[first].c.id.autoincrement == "auto"
    assert db.w._table.foreign_keys == set()  # SQLite looks for its target in the same place
    assert db.v.c.id.server_default is not None


def test_one_odd_table_leaves_the_others_cheap(lite, statements):
    """What costs more statements on SQLite does so for the tables that have it, and no others."""
    more = []
    for odd in ("", ", UNIQUE (a)", ", CHECK (a > 0)"):
        counts = []
        for size in (10, 20):
            names = [f"t{len(more)}_{size}_{n}" for n in range(size)]
            for number, name in enumerate(names):
                columns = f"id INTEGER PRIMARY KEY, a INTEGER REFERENCES {name}"
                run(lite, f"CREATE TABLE {name} ({columns}{odd if number == 0 else ''})")
            statements.clear()
            db = SQLSoup(lite)
            assert sqlsoup.reflect(db, names) == sorted(names)
            counts.append(len(statements))
        more.append(counts[1] - counts[0])
    assert more == [more[0]] * 3
    assert [*map(len, (db._metadata.tables, db.t2_20_0._table.indexes))] == [20, 0]


def test_some_tables(db, statements):
    """Names can be given, or one; what is not there is left out, and what is there stays."""
    users = db.users
    assert sqlsoup.reflect(db, "users") == ["users"]
    assert sqlsoup.reflect(db, ["users", "books", "nothing"]) == ["books", "users"]
    assert sorted(db._metadata.tables) == ["books", "users"]
    statements.clear()
    assert db.users is users
    assert db.books.c.keys() == ["id", "title", "year"]
    assert statements == []


def test_another_schema(db, engine, other_schema):
    """The tables of a schema have its name."""
    run(engine, f"CREATE TABLE {other_schema}.pets (id INTEGER PRIMARY KEY)")
    assert sqlsoup.reflect(db, schema=other_schema) == ["pets"]
    assert list(db._metadata.tables) == [f"{other_schema}.pets"]
    db.schema = other_schema
    assert sqlsoup.reflect(db) == ["pets"]
    both = SQLSoup(engine, relationships=True)
    sqlsoup.reflect(both, schema=other_schema)
    assert sqlsoup.reflect(both) == NAMES
    assert len(both.users.get("Bo").loans) == 2


def test_relationships_are_known(engine, statements):
    """Which tables refer to one is known as well, so that only rows are asked for."""
    db = SQLSoup(engine, relationships=True)
    sqlsoup.reflect(db)
    user = db.users.get("Bo")
    statements.clear()
    assert sorted({"loans", "seats", "books"} & {*dir(user)}) == ["loans", "seats"]
    assert statements == []
    assert len(user.loans) == 2
    assert len(statements) == 1
    assert db.users.__doc__.endswith("Is referred to by:\nloans (user_name)\nseats (user_name)")


def test_the_names_are_those_without_it(engine):
    """Relationships have the same names whether or not all was reflected at once."""
    one, many = SQLSoup(engine, relationships=True), SQLSoup(engine, relationships=True)
    sqlsoup.reflect(many)
    for name in NAMES[:-1]:
        assert {*dir(many[name])} == {*dir(one[name])}


def test_in_threads(db):
    """Threads that read a whole schema at once have the same tables."""
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(lambda _: sqlsoup.reflect(db), range(4))]
    assert found == [NAMES] * 4
    assert db.users._table is db._metadata.tables["users"]
    assert db.loans.join(db.users._table).count() == 2


def test_a_table_that_is_there_first(db, engine):
    """Foreign keys lead to the table that the MetaData has, and not to the one that came second."""

    def add_users(name: str) -> None:
        if name == "loans":
            sa.Table("users", db._metadata, autoload_with=engine)

    sqlsoup.reflect(db, progress=add_users)
    assert db.loans.join(db.users._table).count() == 2


def test_the_first_of_two_stays(lite):
    """A table that two threads have read is the one that came first."""
    metadata = sa.MetaData()
    with lite.connect() as connection:
        first, second = (
            publish(
                sa.Table("users", sa.MetaData(), autoload_with=connection), metadata, connection
            )
            for _ in range(2)
        )
    assert first is second is metadata.tables["users"]


@pytest.mark.parametrize("lost", [1, 2])
def test_a_connection_that_is_lost_at_a_view(lite, lost):
    """The error comes out, when all is read at once and when views are read one by one."""
    break_a_view(lite)
    errors = []

    @sa.event.listens_for(lite, "handle_error")
    def fail(context):
        errors.append(context)
        context.is_disconnect = len(errors) == lost

    with pytest.raises(sa.exc.OperationalError, match="gone"):
        sqlsoup.reflect(SQLSoup(lite))
    assert len(errors) == lost


@pytest.mark.parametrize("code", [1142, 1205])
def test_a_table_that_may_not_be_read(code, lite, monkeypatch):
    """One that MariaDB refuses and does not list is left out; any other error comes out."""
    whole, listed = sqlsoup._catalog.reflect_table, sqlsoup._catalog.table_names

    def refuse(inspector, table):
        if table.name == "users":
            raise sa.exc.OperationalError("", {}, Exception(code, "refused"))
        whole(inspector, table)

    monkeypatch.setattr("sqlsoup._reflect_many.reflect_table", refuse)
    monkeypatch.setattr(
        "sqlsoup._reflect_many.table_names", lambda *where: {*listed(*where)} - {"users"}
    )
    db = SQLSoup(lite)
    if code == 1142:
        assert sqlsoup.reflect(db) == [name for name in NAMES if name != "users"]
    else:
        with pytest.raises(sa.exc.OperationalError, match="refused"):
            sqlsoup.reflect(db)


def test_a_view_of_what_is_gone_beside_a_table_that_may_not_be_read(lite, monkeypatch):
    """Both are left out, whichever comes first, and the view with a warning."""
    whole, listed = sqlsoup._catalog.reflect_table, sqlsoup._catalog.table_names
    break_a_view(lite)

    def refuse(inspector, table):
        if table.name in {"another", "users"}:
            raise sa.exc.OperationalError("", {}, Exception(1142, "refused"))
        whole(inspector, table)

    monkeypatch.setattr("sqlsoup._reflect_many.reflect_table", refuse)
    monkeypatch.setattr(
        "sqlsoup._reflect_many.table_names", lambda *where: {*listed(*where)} - {"users"}
    )
    names = [name for name in NAMES if name != "users"]
    for more in ([], ["another"]):
        with pytest.warns(sqlsoup.SQLSoupWarning, match=r"^broken is left out: no such table"):
            found = sqlsoup.reflect(SQLSoup(lite), [*NAMES, "broken", *more])
        assert found == names


def test_a_view_of_what_is_gone(engine):
    """It is left out with a warning, and the others are there; by itself it is an error."""
    if engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL drops no table that a view reads")
    break_a_view(engine)
    run(engine, "CREATE VIEW readers AS SELECT name FROM users")
    db = SQLSoup(engine)
    seen = []
    with pytest.warns(sqlsoup.SQLSoupWarning, match="^broken is left out: .*(gone|invalid table)"):
        assert sqlsoup.reflect(db, progress=seen.append) == sorted([*NAMES, "readers"])
    assert sorted(seen) == sorted([*NAMES, "readers"])
    assert sqlsoup.reflect(SQLSoup(engine)) == sorted([*NAMES, "readers"])  # warnings are errors
    with pytest.raises(sa.exc.SQLAlchemyError, match=r"gone|invalid table"):
        _ = db.broken
    assert db.users.count() == 3


def test_progress(db):
    """A function is told of each table as it comes."""
    seen = []
    assert sqlsoup.reflect(db, progress=seen.append) == NAMES
    assert seen == NAMES


def test_an_interrupted_round(db):
    """What was reflected before an exception stays, and the rest comes with the next call."""

    def stop(name):
        if name == "loans":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sqlsoup.reflect(db, progress=stop)
    assert sorted(db._metadata.tables) == ["book_tags", "books", "loans"]
    assert db.engine.pool.checkedout() == 0
    assert sqlsoup.reflect(db) == NAMES
    assert db.loans.count() == 2


def test_a_table_that_is_dropped_meanwhile(lite, monkeypatch):
    """It is left out, as if it had not been there."""
    db = SQLSoup(lite)
    names = sqlsoup._all_tables.table_names

    def and_drop(connection, schema):
        found = names(connection, schema)
        connection.exec_driver_sql("DROP TABLE visits")
        return found

    monkeypatch.setattr("sqlsoup._all_tables.table_names", and_drop)
    assert sqlsoup.reflect(db) == NAMES[:-1]


def test_beside_other_threads(db):
    """Threads that use tables meanwhile get the same classes, whole."""
    with ThreadPoolExecutor(8) as pool:
        used = [pool.submit(lambda name=name: (db[name], db[name].c.keys())) for name in NAMES[:-1]]
        assert sqlsoup.reflect(db) == NAMES
        found = [one.result() for one in used]
    assert [cls for cls, _ in found] == [db[name] for name in NAMES[:-1]]
    assert [keys for _, keys in found] == [db[name]._table.c.keys() for name in NAMES[:-1]]
