"""The order of a flush: parents are stored before their children and deleted after them."""

from __future__ import annotations

from itertools import count, permutations

import pytest
import sqlalchemy as sa
from conftest import called, run
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

import sqlsoup
from sqlsoup import _order


@pytest.fixture
def enforced(engine: Engine) -> Engine:
    """The engine, with foreign keys in force on SQLite too."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA foreign_keys = ON").close())
        engine.dispose()
    return engine


def store_and_delete(
    db: sqlsoup.SQLSoup, rows: dict[str, dict[str, object]], order: object
) -> None:
    """Make one row a table in some order, flush, and delete all of them in that order."""
    made = [db.entity(name).insert(**rows[name]) for name in order]
    db.flush()
    assert [db.entity(name).count() for name in rows] == [1] * len(rows)
    for row in made:
        db.delete(row)
    db.flush()
    assert [db.entity(name).count() for name in rows] == [0] * len(rows)
    db.rollback()


GENERATIONS = {
    "aunts": {"id": 1},
    "girls": {"id": 1, "aunt": 1},
    "dolls": {"id": 1, "girl": 1},
}


@pytest.fixture
def generations(enforced: Engine) -> Engine:
    """Three tables, each with a foreign key to the one before."""
    run(
        enforced,
        "CREATE TABLE aunts (id INTEGER PRIMARY KEY)",
        "CREATE TABLE girls (id INTEGER PRIMARY KEY, aunt INTEGER, "
        "FOREIGN KEY (aunt) REFERENCES aunts (id))",
        "CREATE TABLE dolls (id INTEGER PRIMARY KEY, girl INTEGER, "
        "FOREIGN KEY (girl) REFERENCES girls (id))",
    )
    return enforced


@pytest.mark.parametrize("relationships", [False, True])
@pytest.mark.parametrize("met", list(permutations(GENERATIONS)), ids="-".join)
def test_generations_are_stored_in_whatever_order_they_are_made(
    generations: Engine, met: tuple[str, ...], relationships: bool
) -> None:
    """All orders of first use and all orders of making rows give the same."""
    db = sqlsoup.SQLSoup(generations, relationships=relationships)
    for name in met:
        db.entity(name)
    for made in permutations(GENERATIONS):
        store_and_delete(db, GENERATIONS, made)


@pytest.mark.parametrize("relationships", [False, True])
def test_association_tables_and_composite_keys_come_after_what_they_refer_to(
    enforced: Engine, relationships: bool
) -> None:
    """A table whose key is made of two foreign keys, and one that refers to that key."""
    run(
        enforced,
        "CREATE TABLE rooms (code VARCHAR(5) PRIMARY KEY)",
        "CREATE TABLE days (number INTEGER NOT NULL PRIMARY KEY)",
        "CREATE TABLE slots (room VARCHAR(5) NOT NULL, day INTEGER NOT NULL, "
        "PRIMARY KEY (room, day), FOREIGN KEY (room) REFERENCES rooms (code), "
        "FOREIGN KEY (day) REFERENCES days (number))",
        "CREATE TABLE talks (title VARCHAR(9) PRIMARY KEY, room VARCHAR(5), day INTEGER, "
        "FOREIGN KEY (room, day) REFERENCES slots (room, day))",
    )
    rows: dict[str, dict[str, object]] = {
        "rooms": {"code": "A"},
        "days": {"number": 1},
        "slots": {"room": "A", "day": 1},
        "talks": {"title": "Soups", "room": "A", "day": 1},
    }
    db = sqlsoup.SQLSoup(enforced, relationships=relationships)
    for name in reversed(rows):
        db.entity(name)
    for made in permutations(rows):
        store_and_delete(db, rows, made)


@pytest.mark.parametrize("relationships", [False, True])
def test_a_parent_in_another_schema_comes_first(
    enforced: Engine, other_schema: str, relationships: bool
) -> None:
    """On SQLite no foreign key leads out of a file, so both tables are in the other one there."""
    where = f"{other_schema}." if enforced.dialect.name == "sqlite" else ""
    run(
        enforced,
        f"CREATE TABLE {other_schema}.aunts (id INTEGER PRIMARY KEY)",
        f"CREATE TABLE {where}girls (id INTEGER PRIMARY KEY, aunt INTEGER, FOREIGN KEY (aunt) "
        f"REFERENCES {'' if where else other_schema + '.'}aunts (id))",
    )
    child = f"{where}girls"
    for first in ("aunts", "girls"):
        db = sqlsoup.SQLSoup(enforced, relationships=relationships)
        classes = {"aunts": db[f"{other_schema}.aunts"], "girls": db[child]}
        for made in ((first, "girls"), (first, "aunts")):
            names = list(dict.fromkeys((*made, "aunts", "girls")))
            for name in names:
                classes[name].insert(**GENERATIONS[name])
            db.commit()
            for row in [classes[name].get(1) for name in names]:
                db.delete(row)
            db.commit()
            assert [cls.count() for cls in classes.values()] == [0, 0]
    sqlsoup.Session.remove()
    run(enforced, f"DROP TABLE {child}")


def test_the_same_table_may_be_asked_for_with_and_without_its_schema(generations: Engine) -> None:
    """The default schema and None are one."""
    with generations.connect() as connection:
        schema = connection.dialect.default_schema_name
    db = sqlsoup.SQLSoup(generations)
    db.girls.insert(**GENERATIONS["girls"])
    db.entity("aunts", schema=schema)(id=1)
    db.commit()
    db.aunts(id=2)
    db[f"{schema}.girls"](id=2, aunt=2)
    db.commit()
    assert [row.aunt for row in db.girls.order_by("id")] == [1, 2]


def test_two_soups_in_one_session_are_ordered_together(generations: Engine) -> None:
    """Each has its own tables, of the same database."""
    one, two = sqlsoup.SQLSoup(generations), sqlsoup.SQLSoup(generations, relationships=True)
    two.dolls.insert(**GENERATIONS["dolls"])
    one.girls.insert(**GENERATIONS["girls"])
    two.aunts.insert(**GENERATIONS["aunts"])
    one.commit()
    assert two.dolls.one().girl == 1


def test_a_session_of_ones_own_is_ordered_too(generations: Engine) -> None:
    """A plain Session, which knows nothing of SQLSoup."""
    with Session(generations) as session:
        db = sqlsoup.SQLSoup(session=session, engine_or_metadata=generations)
        for name in reversed(GENERATIONS):
            db.entity(name).insert(**GENERATIONS[name])
        session.commit()
        assert db.dolls.count() == 1


@pytest.mark.parametrize("relationships", [False, True])
def test_rows_that_the_database_deletes_as_well(enforced: Engine, relationships: bool) -> None:
    """It does through a table of which the flush has no row, and nothing is wrong with that."""
    cascade = "ON DELETE CASCADE"
    run(
        enforced,
        "CREATE TABLE aunts (id INTEGER PRIMARY KEY)",
        "CREATE TABLE girls (id INTEGER PRIMARY KEY, aunt INTEGER, "
        f"FOREIGN KEY (aunt) REFERENCES aunts (id) {cascade})",
        "CREATE TABLE dolls (id INTEGER PRIMARY KEY, girl INTEGER, "
        f"FOREIGN KEY (girl) REFERENCES girls (id) {cascade})",
        "CREATE TABLE tree (id INTEGER PRIMARY KEY, up INTEGER, "
        f"FOREIGN KEY (up) REFERENCES tree (id) {cascade})",
    )
    db = sqlsoup.SQLSoup(enforced, relationships=relationships)
    db.aunts.insert(id=1), db.girls.insert(id=1, aunt=1), db.dolls.insert(id=1, girl=1)
    leaves = [db.tree.insert(id=number, up=up) for number, up in ((1, None), (2, 1), (3, 2))]
    db.commit()
    for row in (db.aunts.get(1), db.dolls.get(1), leaves[0], leaves[2]):
        db.delete(row)
    db.commit()
    tables = (db.aunts, db.girls, db.dolls, db.tree)
    assert [table.count() for table in tables] == [0, 0, 0, 0]


def test_a_child_is_led_elsewhere_before_its_parent_is_deleted(generations: Engine) -> None:
    """One commit with a new parent, a changed child and a parent that is deleted."""
    db = sqlsoup.SQLSoup(generations)
    for name, values in GENERATIONS.items():
        db.entity(name).insert(**values)
    db.commit()
    girl, aunt = db.girls.one(), db.aunts.one()
    db.delete(aunt)
    girl.aunt = 2
    db.aunts.insert(id=2)
    db.commit()
    assert [row.id for row in db.aunts.all()] == [2]
    assert db.girls.one().aunt == 2


@pytest.fixture
def tree(enforced: Engine) -> sqlsoup.SQLSoup:
    """A table that refers to itself."""
    run(
        enforced,
        "CREATE TABLE nodes (id INTEGER NOT NULL PRIMARY KEY, up INTEGER, name VARCHAR(5), "
        "FOREIGN KEY (up) REFERENCES nodes (id))",
    )
    return sqlsoup.SQLSoup(enforced)


def test_rows_of_a_tree_are_stored_by_their_keys(tree: sqlsoup.SQLSoup) -> None:
    """All orders of four rows: a root, two rows below it, and one below these."""
    above = {1: None, 2: 1, 3: 1, 4: 2}
    for made in permutations(above):
        rows = [tree.nodes.insert(id=key, up=above[key]) for key in made]
        tree.flush()
        assert {row.id: row.up for row in tree.nodes.all()} == above
        for row in rows:
            tree.delete(row)
        tree.flush()
        assert tree.nodes.count() == 0
        tree.rollback()


def test_rows_of_a_tree_are_stored_by_keys_that_the_database_compares(enforced: Engine) -> None:
    """Case and spaces at the end are nothing to some collations and types."""
    key, one, two = {
        "sqlite": ("TEXT COLLATE NOCASE", "A", "B"),
        "postgresql": ("CHAR(3)", "a", "b"),
    }.get(enforced.dialect.name, ("VARCHAR(9)", "A", "b "))
    run(
        enforced,
        f"CREATE TABLE nodes (id {key} NOT NULL PRIMARY KEY, up {key}, "
        "FOREIGN KEY (up) REFERENCES nodes (id))",
    )
    db = sqlsoup.SQLSoup(enforced)
    above = {"a": None, "b": one, "c": two}
    if enforced.dialect.name == "mysql":
        above |= {"é": "c", "d": "E"}
    for made in permutations(above):
        for name in made:
            db.nodes.insert(id=name, up=above[name])
        db.flush()
        db.session.expire_all()
        for row in db.nodes.all():
            db.delete(row)
        db.flush()
        assert db.nodes.count() == 0
        db.rollback()


def test_an_old_row_of_a_tree_may_be_hung_under_a_new_one(tree: sqlsoup.SQLSoup) -> None:
    """SQLAlchemy updates before it inserts; the new row comes first all the same."""
    tree.nodes.insert(id=1)
    tree.nodes.insert(id=3)
    tree.commit()
    tree.nodes.get(1).up = 2
    tree.nodes.insert(id=2, up=3)
    tree.commit()
    assert [(row.id, row.up) for row in tree.nodes.order_by("id")] == [(1, 2), (2, 3), (3, None)]


def test_what_is_deleted_goes_by_what_is_stored(tree: sqlsoup.SQLSoup) -> None:
    """A change of a row that is then deleted does not count."""
    tree.nodes.insert(id=1)
    tree.nodes.insert(id=2, up=1)
    tree.commit()
    first, second = tree.nodes.order_by("id")
    second.up = None
    tree.delete(first)
    tree.delete(second)
    tree.commit()
    assert tree.nodes.count() == 0


def test_an_expression_for_a_key_has_no_say(tree: sqlsoup.SQLSoup) -> None:
    """Its value is for the database to tell."""
    for key in (1, 2):
        tree.nodes.insert(id=key, up=sa.null())
    tree.nodes.insert(id=3, up=sa.literal(2))
    tree.commit()
    assert [row.up for row in tree.nodes.order_by(tree.nodes.id)] == [None, None, 2]


@pytest.mark.parametrize("relationships", [False, True])
@pytest.mark.parametrize("made", list(permutations((1, 2, 3))), ids=str)
def test_rows_of_a_tree_are_deleted_and_made_anew_in_one_commit(
    tree: sqlsoup.SQLSoup, made: tuple[int, ...], relationships: bool
) -> None:
    """Those that are made again stay; SQLAlchemy updates them, and deletes them after that."""
    db = sqlsoup.SQLSoup(tree.engine, relationships=relationships)
    for again in (made, made[:2], made[:1]):
        above = {1: None, 2: 1, 3: 2}
        rows = [db.nodes.insert(id=key, up=up, name="old") for key, up in above.items()]
        db.commit()
        for row in rows:
            db.delete(row)
        above = {key: 1 if key == 3 and 1 in again else None for key in again}
        new = [db.nodes.insert(id=key, up=up, name="new") for key, up in above.items()]
        db.commit()
        assert {row.id: (row.up, row.name) for row in new} == {k: (above[k], "new") for k in again}
        assert {*db.nodes.all()} == {*new}
        for row in new:
            row.up = None
        db.flush()
        db.nodes.delete()
        db.commit()


def test_a_row_that_is_made_anew_under_a_new_one(tree: sqlsoup.SQLSoup) -> None:
    """SQLAlchemy would update it before it inserts the other."""
    old = tree.nodes.insert(id=1)
    tree.commit()
    tree.delete(old)
    rows = [tree.nodes.insert(id=2), tree.nodes.insert(id=1, up=2)]
    tree.commit()
    assert [row.up for row in rows] == [None, 2]


def test_a_row_that_is_gone_already_has_no_say(tree: sqlsoup.SQLSoup, engine: Engine) -> None:
    """SQLAlchemy's own answer to it is an error, and that comes as it is."""
    tree.nodes.insert(id=1)
    tree.nodes.insert(id=2, up=1)
    tree.commit()
    rows = tree.nodes.all()
    tree.commit()
    run(engine, "DELETE FROM nodes WHERE id = 2")
    for row in rows:
        tree.delete(row)
    with pytest.raises(sa.orm.exc.ObjectDeletedError):
        tree.commit()
    tree.rollback()
    assert [row.id for row in tree.nodes.all()] == [1]


def test_a_row_that_refers_to_itself_is_stored(tree: sqlsoup.SQLSoup) -> None:
    """It comes before nothing but itself."""
    row = tree.nodes.insert(id=1, up=1)
    tree.commit()
    assert row.up == 1


def test_rows_of_a_tree_in_order_are_one_batch(
    tree: sqlsoup.SQLSoup, statements: list[str]
) -> None:
    """Rows that are made in the right order cost no statement more."""
    tree.nodes.insert(id=0)
    tree.flush()
    statements.clear()
    for key in range(1, 40):
        tree.nodes.insert(id=key, up=key // 3)
    tree.flush()
    assert len(statements) == 1
    tree.rollback()


@pytest.fixture
def mutual(enforced: Engine) -> sqlsoup.SQLSoup:
    """Two tables that refer to each other, and a third that refers to one of them."""
    run(
        enforced,
        "CREATE TABLE teams (id INTEGER NOT NULL PRIMARY KEY, captain INTEGER)",
        "CREATE TABLE people (id INTEGER NOT NULL PRIMARY KEY, team INTEGER, "
        "FOREIGN KEY (team) REFERENCES teams (id))",
        "CREATE TABLE games (id INTEGER NOT NULL PRIMARY KEY, host INTEGER, "
        "FOREIGN KEY (host) REFERENCES teams (id))",
    )
    if enforced.dialect.name == "sqlite":
        run(
            enforced,
            "DROP TABLE teams",
            "CREATE TABLE teams (id INTEGER NOT NULL PRIMARY KEY, captain INTEGER, "
            "FOREIGN KEY (captain) REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED)",
        )
    else:
        deferred = " DEFERRABLE INITIALLY DEFERRED" * (enforced.dialect.name == "postgresql")
        run(
            enforced,
            "ALTER TABLE teams ADD CONSTRAINT led FOREIGN KEY (captain) REFERENCES people (id)"
            + deferred,
        )
    return sqlsoup.SQLSoup(enforced)


def test_tables_that_refer_to_each_other_are_ordered_row_by_row(mutual: sqlsoup.SQLSoup) -> None:
    """All orders of a chain that goes back and forth, and of what hangs on it."""
    chain = {
        ("people", 1): {"team": None},
        ("teams", 1): {"captain": 1},
        ("people", 2): {"team": 1},
        ("games", 1): {"host": 1},
    }
    for made in permutations(chain):
        rows = [mutual.entity(name).insert(id=key, **chain[name, key]) for name, key in made]
        mutual.flush()
        assert [row.host for row in mutual.games.all()] == [1]
        for row in rows:
            mutual.delete(row)
        mutual.flush()
        assert mutual.teams.count() == mutual.people.count() == 0
        mutual.rollback()


def test_a_row_leaves_one_that_is_deleted(mutual: sqlsoup.SQLSoup) -> None:
    """Before that; SQLAlchemy sorts either first, by chance."""
    for _ in range(20):
        team, other = mutual.teams.insert(id=1), mutual.teams.insert(id=2)
        people = [mutual.people.insert(id=key, team=1) for key in (1, 2)]
        mutual.flush()
        for row, number in zip(people, (2, None), strict=True):
            row.team = number
        mutual.delete(team)
        mutual.flush()
        assert [row.team for row in mutual.people.order_by("id")] == [2, None]
        assert mutual.teams.all() == [other]
        mutual.rollback()


@pytest.mark.parametrize("relationships", [False, True])
def test_rows_that_refer_to_each_other_are_deleted_and_made_anew(
    mutual: sqlsoup.SQLSoup, relationships: bool
) -> None:
    """In one commit, as rows of a tree."""
    db = sqlsoup.SQLSoup(mutual.engine, relationships=relationships)
    old = [db.people.insert(id=1), db.teams.insert(id=1, captain=1), db.people.insert(id=2, team=1)]
    db.commit()
    for row in old:
        db.delete(row)
    new = [db.teams.insert(id=1), db.people.insert(id=2, team=1)]
    db.commit()
    assert [*db.teams.all(), *db.people.all()] == new


def test_rows_that_refer_to_each_other_need_a_key_that_waits(mutual: sqlsoup.SQLSoup) -> None:
    """A foreign key that is checked at the commit has no say in the order; MariaDB has none."""
    mutual.people.insert(id=1, team=1)
    mutual.teams.insert(id=1, captain=1)
    if mutual.engine.dialect.name not in ("sqlite", "postgresql"):
        with pytest.raises(sa.exc.IntegrityError):
            mutual.commit()
        mutual.rollback()
        return
    mutual.commit()
    assert mutual.teams.one().captain == mutual.people.one().team == 1


def test_a_ring_of_rows_is_for_the_database(tree: sqlsoup.SQLSoup) -> None:
    """No order of two rows that refer to each other is right, and the others come in theirs.

    PostgreSQL takes them in the one statement that they are.
    """
    tree.nodes.insert(id=4, up=3)
    tree.nodes.insert(id=3)
    tree.nodes.insert(id=1, up=2)
    tree.nodes.insert(id=2, up=1)
    if tree.engine.dialect.name == "postgresql":
        tree.commit()
        assert tree.nodes.count() == 4
        return
    with pytest.raises(sa.exc.IntegrityError):
        tree.commit()
    tree.rollback()
    assert tree.nodes.count() == 0


def test_columns_that_are_not_mapped_have_no_say_in_the_order_of_rows(
    tree: sqlsoup.SQLSoup,
) -> None:
    """The foreign key is there, but no row of the class has its value."""
    nodes = tree.map_to("n", tablename="nodes", mapper_args={"exclude_properties": ["up"]})
    nodes(id=2)
    nodes(id=1)
    tree.commit()
    assert nodes.count() == 2


def test_a_foreign_key_that_leads_nowhere_has_no_say(lite: Engine) -> None:
    """SQLite lets such tables be, and rows of them where keys are not in force."""
    run(lite, "CREATE TABLE lost (id INTEGER PRIMARY KEY, a INTEGER REFERENCES nowhere (id), "
        "b INTEGER REFERENCES lost (gone))")  # fmt: skip
    db = sqlsoup.SQLSoup(lite)
    db.lost.insert(id=2, a=1, b=1)
    db.lost.insert(id=1, a=1, b=2)
    db.commit()
    assert [row.id for row in db.lost.order_by("id")] == [1, 2]


def test_a_table_of_ones_own_may_name_its_target_late(generations: Engine) -> None:
    """``use_alter`` of a foreign key that the user declared does not change the order."""
    metadata = sa.MetaData()
    metadata.bind = generations  # type: ignore[attr-defined]
    key = sa.ForeignKey("aunts.id", use_alter=True, name="late")
    sa.Table(
        "girls", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("aunt", key)
    )
    db = sqlsoup.SQLSoup(metadata)
    for made in permutations(["aunts", "girls"]):
        store_and_delete(db, {name: GENERATIONS[name] for name in ("aunts", "girls")}, made)


def test_a_target_in_the_schema_of_the_metadata(enforced: Engine, other_schema: str) -> None:
    """A foreign key without a schema leads to a table of the schema that the MetaData has."""
    target = "aunts" if enforced.dialect.name == "sqlite" else f"{other_schema}.aunts"
    run(
        enforced,
        f"CREATE TABLE {other_schema}.aunts (id INTEGER PRIMARY KEY)",
        f"CREATE TABLE {other_schema}.girls (id INTEGER PRIMARY KEY, aunt INTEGER, "
        f"FOREIGN KEY (aunt) REFERENCES {target} (id))",
    )
    metadata = sa.MetaData(schema=other_schema)
    metadata.bind = enforced  # type: ignore[attr-defined]
    aunt = sa.Column("aunt", sa.ForeignKey("aunts.id"))
    sa.Table("girls", metadata, sa.Column("id", sa.Integer, primary_key=True), aunt)
    db = sqlsoup.SQLSoup(metadata)
    for made in permutations(["aunts", "girls"]):
        store_and_delete(db, {name: GENERATIONS[name] for name in ("aunts", "girls")}, made)
    assert db.aunts.__doc__.endswith(f"Is referred to by:\n{other_schema}.girls (aunt)")


names = map("reader {}".format, count())


def calls_of(db: sqlsoup.SQLSoup, rows: int) -> int:
    """Count the calls of what orders a flush while so many rows of two tables are stored."""
    for _ in range(rows):
        db.books.insert(title="Soups")
        db.users.insert(name=next(names))
    return sum(code.co_filename == _order.__file__ for code in called(db.flush))


def test_order_costs_nothing_for_each_row(soup: sqlsoup.SQLSoup) -> None:
    """A flush of one row calls as much of it as one of a hundred."""
    calls_of(soup, 1)
    assert calls_of(soup, 1) == calls_of(soup, 100) > 0
    soup.rollback()


def test_a_flush_that_only_deletes_looks_at_no_row(soup: sqlsoup.SQLSoup) -> None:
    """What becomes of given keys is for rows that are saved."""

    def looks() -> bool:
        return any(code.co_qualname.endswith("Preprocess.execute") for code in called(soup.flush))

    user = soup.users.insert(name=next(names))
    assert looks()
    soup.delete(user)
    assert not looks()
    soup.delete(soup.users.first())
    soup.users.insert(name=next(names))
    assert looks()
    soup.rollback()
