"""Relationships that the foreign keys of a database imply."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import run
from sqlalchemy import event, orm

import sqlsoup
from sqlsoup import SQLSoup, _catalog
from sqlsoup._catalog import _particulars, references_to

PEOPLE = "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20))"


@pytest.fixture
def db(engine: sa.Engine) -> SQLSoup:
    """A SQLSoup that relates, on each of the databases."""
    return SQLSoup(engine, relationships=True)


@pytest.fixture
def soup(lite: sa.Engine) -> SQLSoup:
    """A SQLSoup that relates, on SQLite alone."""
    return SQLSoup(lite, relationships=True)


def child(name: str, *columns: str, to: str = "people (id)", more: str = "") -> str:
    """The statement that makes a table with foreign keys of one column each."""
    parts = ["id INTEGER PRIMARY KEY", *(f"{column} INTEGER" for column in columns)]
    parts += [f"FOREIGN KEY ({column}) REFERENCES {to}" for column in columns]
    return f"CREATE TABLE {name} ({', '.join([*parts, *[more] * bool(more)])})"


def related(cls: object) -> list[str]:
    """The names of the relationships that a class has by now."""
    return sorted(sa.inspect(cls).relationships.keys())


# what there is


def test_many_to_one_and_back(db: SQLSoup) -> None:
    """loan.user and user.loans are there with no relate() call."""
    loan = db.loans.get(1)
    assert type(loan.user) is db.users
    assert loan.user is db.users.get("Bo")
    assert {type(one) for one in loan.user.loans} == {db.loans}
    assert {one.book_id for one in loan.user.loans} == {1, 3}
    assert db.users.get("Ada").loans == []


def test_the_collection_first(db: SQLSoup) -> None:
    """It does not matter which side is used first."""
    bo = db.users.get("Bo")
    assert {one.book_id for one in bo.loans} == {1, 3}
    assert {one.user for one in bo.loans} == {bo}


def test_no_copies_of_columns_but_those_in_use(soup: SQLSoup) -> None:
    """What SQLAlchemy was given to make a relationship of takes no memory afterwards."""
    assert hasattr(soup.loans, "user")
    columns = soup.loans.c.user_name, soup.users.c.name
    gc.collect()
    marks = [
        {*each._annotations} - {"foreign", "remote"}
        for each in gc.get_objects()
        if type(each).__name__ == "AnnotatedColumn" and each._deannotate() in {*columns}
    ]
    assert marks
    assert all(marks)


@pytest.mark.parametrize("first", ["user", "loans"])
def test_both_sides_follow_each_other(db: SQLSoup, first: str) -> None:
    """What is done on one side shows on the other before any flush, whichever was used first."""
    assert hasattr(db.loans if first == "user" else db.users, first)
    with db.session.no_autoflush:
        ada, cy, loan = db.users.get("Ada"), db.users.get("Cy"), db.loans.get(1)
        assert ada.loans == cy.loans == []
        ada.loans.append(loan)
        assert loan.user is ada
        loan.user = cy
        assert (ada.loans, cy.loans) == ([], [loan])
    db.commit()
    assert db.execute("SELECT user_name FROM loans WHERE book_id = 1").scalar() == "Cy"


def test_insert(db: SQLSoup) -> None:
    """insert() takes related rows on both sides, also where the attribute was never used."""
    loan = db.loans.insert(book_id=2, user=db.users.get("Cy"))
    db.commit()
    assert loan.user_name == "Cy"
    dee = db.users.insert(name="Dee", loans=[loan])
    db.commit()
    assert loan.user is dee
    assert db.execute("SELECT user_name FROM loans WHERE book_id = 2").scalar() == "Dee"


@pytest.mark.parametrize("known", [False, True])
def test_assignment(db: SQLSoup, known: bool) -> None:
    """An attribute that was never used can be assigned to, and is stored; be it known or not."""
    if known:
        assert all(dir(db[name].first()) for name in ("shelves", "users", "books"))
    old = db.shelves.get(2)
    old.parent = db.shelves.get(1)
    db.users.get("Ada").loans = [db.loans.get(1)]
    db.books.get(2).tags = db.tags.all()
    db.commit()
    assert old.parent_id == 1
    assert db.loans.get(1).user_name == "Ada"
    assert db.execute("SELECT count(*) FROM book_tags WHERE book_id = 2").scalar() == 2


def test_plain_attributes(soup: SQLSoup) -> None:
    """A row may have other attributes too, also by the methods of its base class."""

    class Base:
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, f"{value}!" if name == "note" else value)

    cls = soup.map(soup.loans, base=Base)
    loan = cls.get(1)
    loan.note = "late"
    loan.note = "later"
    loan._private = 5
    assert (loan.note, loan._private, related(cls)) == ("later!", 5, [])


def test_plain_attributes_cost_what_they_do_without(soup: SQLSoup) -> None:
    """Once the names of relationships are known, Python itself sets attributes, or the base."""

    class Base:
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)

    for cls, setter in ((soup.users, object.__setattr__), (soup.map(soup.users, Base), None)):
        user = cls.get("Bo")
        user.note = 5
        assert cls.__setattr__ is (setter or Base.__setattr__)
        user.loans = []
        user.note = 6
        assert (user.loans, user.note, related(cls)) == ([], 6, ["loans"])


def test_a_setter_of_the_user(soup: SQLSoup) -> None:
    """One that a program gives to the class stays there."""
    seen = []

    def audit(row: object, name: str, value: object) -> None:
        seen.append(name)
        object.__setattr__(row, name, value)

    soup.users.__setattr__ = audit
    user = soup.users.get("Bo")
    assert "loans" in dir(user)
    user.loans = []
    assert seen.count("loans") == 1
    assert user.loans == []


def test_an_attribute_of_the_user(soup: SQLSoup) -> None:
    """One that a program gives to the class under the name of a relationship stays there."""
    soup.users.loans = "none"
    user = soup.users.get("Bo")
    assert "loans" in dir(user)
    assert (user.loans, soup.users.loans, related(soup.users)) == ("none", "none", [])
    user.loans = "some"
    assert (user.loans, soup.users.loans) == ("some", "none")


def test_a_mapped_subclass(soup: SQLSoup) -> None:
    """It inherits relationships that were known and not yet used."""
    assert "loans" in dir(soup.users.first())

    class Reader(soup.users):
        pass

    orm.registry().map_imperatively(Reader, inherits=soup.users)
    loan = soup.loans.get(1)
    reader = Reader(name="Dee", loans=[loan])
    assert reader.loans == [loan]
    assert loan.user is reader


def test_a_known_name_whose_foreign_key_is_gone(lite: sa.Engine) -> None:
    """A name that was known and leads nowhere by now is that of a plain attribute."""
    run(lite, PEOPLE, child("pets", "owner_id"), "INSERT INTO people VALUES (1, 'Ann')")
    db = SQLSoup(lite, relationships=True)
    ann = db.people.get(1)
    assert "pets" in dir(ann)
    db.commit()
    run(lite, "DROP TABLE pets", "CREATE TABLE pets (id INTEGER PRIMARY KEY)")
    assert not hasattr(ann, "pets")
    ann.pets = 5
    assert (ann.pets, related(db.people)) == (5, [])


def test_threads_that_set_what_is_known(lite: sa.Engine) -> None:
    """Each stores its own, whichever of them adds the relationship."""
    run(lite, PEOPLE, child("pets", "owner_id"))
    db = SQLSoup(lite, relationships=True)
    for _ in range(20):
        sqlsoup.refresh(db)
        people = [db.people(id=number) for number in range(4)]
        assert "pets" in dir(people[0])
        pets = [db.pets(id=number) for number in range(4)]
        start = threading.Barrier(4)

        def give(number: int, people=people, pets=pets, start=start) -> None:
            start.wait()
            people[number].pets = [pets[number]]

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(give, range(4)))
        assert [pet.owner for pet in pets] == people
        db.rollback()


def test_in_queries(db: SQLSoup) -> None:
    """A query may be the first to name a relationship."""
    assert db.loans.join(db.loans.user).filter(db.users.name == "Bo").count() == 2
    sqlsoup.refresh(db)
    assert db.loans.filter(db.loans.user.has(name="Bo")).count() == 2
    sqlsoup.refresh(db)
    assert [user.name for user in db.users.filter(db.users.loans.any(book_id=3))] == ["Bo"]
    sqlsoup.refresh(db)
    assert db.loans.filter_by(user=db.users.get("Bo")).count() == 2
    sqlsoup.refresh(db)
    alias = orm.aliased(db.loans)
    assert db.session.query(alias).join(alias.user).filter(db.users.name == "Bo").count() == 2


def test_loader_options(db: SQLSoup, statements: list[str]) -> None:
    """A loader option takes the attribute."""
    query = db.loans.options(orm.joinedload(db.loans.user), orm.selectinload(db.loans.book))
    statements.clear()
    loans = query.all()
    sent = len(statements)
    assert {(loan.user.name, loan.book.title) for loan in loans} == {
        ("Bo", "Mustards"),
        ("Bo", "Soups"),
    }
    assert sent == len(statements) == 2


def test_self_reference(db: SQLSoup) -> None:
    """A table that refers to itself has both sides: a shelf's parent, and its shelves."""
    top, old, new = (db.shelves.get(number) for number in (1, 2, 3))
    old.parent = top
    top.shelves.append(new)
    assert new.parent is top
    db.commit()
    assert {shelf.title for shelf in top.shelves} == {"old", "new"}
    assert top.parent is None
    upper = orm.aliased(db.shelves)
    query = db.shelves.join(db.shelves.parent.of_type(upper)).filter(upper.title == "all")
    assert {shelf.title for shelf in query} == {"old", "new"}


@pytest.mark.parametrize("first", ["seats", "bookings"])
def test_composite_key(db: SQLSoup, engine: sa.Engine, first: str) -> None:
    """A key of several columns has the name of its target."""
    run(
        engine,
        "CREATE TABLE bookings (id INTEGER PRIMARY KEY, room VARCHAR(5), number INTEGER,"
        " FOREIGN KEY (room, number) REFERENCES seats (room, number))",
    )
    assert hasattr(db.bookings if first == "seats" else db.seats, first)
    booking = db.bookings.insert(id=1, seats=db.seats.get(("A", 2)))
    db.commit()
    assert (booking.room, booking.number) == ("A", 2)
    assert db.seats.get(("A", 2)).bookings == [booking]


def test_keys_that_share_a_column(db: SQLSoup, engine: sa.Engine) -> None:
    """Composite keys may have a column in common; nothing is warned of."""
    run(
        engine,
        "CREATE TABLE rooms (site INTEGER, no INTEGER, PRIMARY KEY (site, no))",
        "CREATE TABLE staff (site INTEGER, no INTEGER, PRIMARY KEY (site, no))",
        "CREATE TABLE shifts (id INTEGER PRIMARY KEY, site INTEGER, room INTEGER, who INTEGER,"
        " FOREIGN KEY (site, room) REFERENCES rooms (site, no),"
        " FOREIGN KEY (site, who) REFERENCES staff (site, no))",
        "INSERT INTO rooms VALUES (1, 5)",
        "INSERT INTO staff VALUES (1, 7)",
    )
    room, who = db.rooms.get((1, 5)), db.staff.get((1, 7))
    shift = db.shifts.insert(id=1, rooms=room, staff=who)
    db.commit()
    assert (shift.site, shift.room, shift.who) == (1, 5, 7)
    assert room.shifts == who.shifts == [shift]


def test_keys_that_are_there_twice(db: SQLSoup, engine: sa.Engine) -> None:
    """Two foreign keys that are the same are one, in an association table too."""
    to = "FOREIGN KEY ({0}_id) REFERENCES {0}s (id)"
    cabin, sign = (f"{to} ON DELETE CASCADE, {to}".format(name) for name in ("cabin", "sign"))
    run(
        engine,
        "CREATE TABLE cabins (id INTEGER PRIMARY KEY)",
        "CREATE TABLE signs (id INTEGER PRIMARY KEY)",
        f"CREATE TABLE trips (id INTEGER PRIMARY KEY, cabin_id INTEGER, {cabin})",
        "CREATE TABLE cabin_signs (cabin_id INTEGER, sign_id INTEGER, "
        f"PRIMARY KEY (cabin_id, sign_id), {cabin}, {sign})",
    )
    sqlsoup.refresh(db)
    hut = db.cabins.insert(id=1, signs=[db.signs.insert(id=2)])
    trip = db.trips.insert(id=3, cabin=hut)
    db.commit()
    assert (trip.cabin_id, hut.trips, db.signs.one().cabins) == (1, [trip], [hut])
    assert {*dir(db.trips)} >= {"cabin", "cabin_id"}
    assert not {"cabins_cabin_id", "cabins_cabin_id_"} & {*dir(db.trips)}


@pytest.mark.parametrize("kind", ["unique", "primary"])
def test_one_to_one(db: SQLSoup, engine: sa.Engine, kind: str) -> None:
    """Where the key's columns are unique, or the primary key, the way back leads to one row."""
    if kind == "unique":
        made = child("cards", "person_id", more="UNIQUE (person_id)")
    else:
        made = (
            "CREATE TABLE cards (person_id INTEGER PRIMARY KEY,"
            " FOREIGN KEY (person_id) REFERENCES people (id))"
        )
    run(engine, PEOPLE, made, "INSERT INTO people VALUES (1, 'Ada'), (2, 'Bo')")
    ada = db.people.get(1)
    card = db.cards.insert(person=ada, **({"id": 5} if kind == "unique" else {}))
    db.commit()
    assert db.execute("SELECT person_id FROM cards").scalar() == 1
    assert type(ada.cards) is db.cards
    assert ada.cards is card
    assert db.people.get(2).cards is None


def test_one_to_one_taken_away(db: SQLSoup, engine: sa.Engine) -> None:
    """None or another row is assigned without looking at what is there."""
    run(
        engine,
        PEOPLE,
        child("cards", "person_id", more="UNIQUE (person_id)"),
        "INSERT INTO people VALUES (1, 'Ada'), (2, 'Bo')",
        "INSERT INTO cards VALUES (5, 1), (6, 2)",
    )
    db.people.get(1).cards = None
    db.people.get(2).cards = None
    db.flush()
    db.people.get(2).cards = db.cards.get(5)
    db.commit()
    assert db.execute("SELECT id, person_id FROM cards ORDER BY id").all() == [(5, 2), (6, None)]


def test_shared_primary_key(db: SQLSoup, engine: sa.Engine) -> None:
    """A key that is called as the target's is has the name of the target."""
    run(
        engine,
        PEOPLE,
        "CREATE TABLE faces (id INTEGER PRIMARY KEY, FOREIGN KEY (id) REFERENCES people (id))",
    )
    ada = db.people.insert(id=1, name="Ada")
    face = db.faces.insert(people=ada)
    db.commit()
    assert (face.id, ada.faces) == (1, face)


@pytest.mark.parametrize("first", ["books", "tags"])
def test_many_to_many(db: SQLSoup, first: str) -> None:
    """A table of nothing but two keys relates those on its sides, each by the other's name."""
    assert hasattr(db.tags if first == "books" else db.books, first)
    book, hot = db.books.get(1), db.tags.get("hot")
    assert {type(tag) for tag in book.tags} == {db.tags}
    assert {tag.word for tag in book.tags} == {"food", "hot"}
    other = db.books.get(2)
    with db.session.no_autoflush:
        assert hot.books == [book]
        hot.books.append(other)
        assert other.tags == [hot]
        book.tags.remove(hot)
        assert hot.books == [other]
    db.commit()
    stored = db.execute("SELECT book_id, word FROM book_tags ORDER BY book_id, word").all()
    assert stored == [(1, "food"), (2, "hot"), (3, "food")]
    assert db.books.filter(db.books.tags.any(word="hot")).one() is other


def test_association_table_itself(db: SQLSoup) -> None:
    """A row of an association table leads to both sides; the sides have no collection of it."""
    link = db.book_tags.get((3, "food"))
    assert (link.book, link.tags) == (db.books.get(3), db.tags.get("food"))
    assert not hasattr(db.books, "book_tags")
    assert not hasattr(db.tags, "book_tags")
    assert "tags" in dir(db.books)
    assert "book_tags" not in dir(db.books)


@pytest.mark.parametrize("related", [True, False])
def test_links_and_what_they_link_are_deleted_together(db: SQLSoup, related: bool) -> None:
    """Of one row the many-to-many relationship deletes the links as well, without a warning."""
    if related:
        assert [tag.word for tag in db.books.get(3).tags] == ["food"]
    for row in (*db.book_tags.all(), *db.tags.all(), db.loans.get(3), db.books.get(3)):
        db.delete(row)
    db.commit()
    assert (db.book_tags.count(), db.tags.count(), db.books.count()) == (0, 0, 2)


@pytest.mark.parametrize("related", [True, False])
def test_a_row_that_refers_to_itself_is_deleted(db: SQLSoup, related: bool) -> None:
    """As the root of a tree may, alone and with the rows that refer to it."""
    if db.engine.dialect.name == "mysql":
        pytest.skip("InnoDB refuses to delete such a row")
    rows = [db.shelves.insert(id=n, parent_id=7) for n in (7, 8)]
    other = db.shelves.insert(id=9, parent_id=9)
    db.commit()
    if related:
        assert (other.parent, rows[1].parent, rows[0].shelves) == (other, rows[0], rows)
    db.delete(other)
    db.commit()
    for row in rows:
        db.delete(row)
    db.commit()
    assert db.shelves.filter(db.shelves.id > 6).count() == 0


def test_association_with_itself(db: SQLSoup, engine: sa.Engine) -> None:
    """Many to many within a table has the name of the key's column as well."""
    run(
        engine,
        PEOPLE,
        "CREATE TABLE follows (who_id INTEGER, whom_id INTEGER, PRIMARY KEY (who_id, whom_id),"
        " FOREIGN KEY (who_id) REFERENCES people (id),"
        " FOREIGN KEY (whom_id) REFERENCES people (id))",
    )
    ada, bo = db.people.insert(id=1), db.people.insert(id=2)
    ada.people_whom.append(bo)
    assert bo.people_who == [ada]
    db.commit()
    assert db.execute("SELECT who_id, whom_id FROM follows").all() == [(1, 2)]
    assert (ada.people_whom, ada.people_who) == ([bo], [])


def test_two_association_tables(db: SQLSoup, engine: sa.Engine) -> None:
    """Where two of them lie between the same tables, each has its own name added."""
    run(engine, PEOPLE, "CREATE TABLE clubs (id INTEGER PRIMARY KEY)")
    for name in ("members", "fans"):
        run(
            engine,
            f"CREATE TABLE {name} (club_id INTEGER, person_id INTEGER,"
            " PRIMARY KEY (club_id, person_id),"
            " FOREIGN KEY (club_id) REFERENCES clubs (id),"
            " FOREIGN KEY (person_id) REFERENCES people (id))",
        )
    ada, club = db.people.insert(id=1), db.clubs.insert(id=1)
    ada.clubs_fans.append(club)
    db.commit()
    assert club.people_fans == [ada]
    assert club.people_members == ada.clubs_members == []
    assert db.execute("SELECT club_id, person_id FROM fans").all() == [(1, 1)]
    assert not hasattr(ada, "clubs")


def test_association_beside_a_key(db: SQLSoup, engine: sa.Engine) -> None:
    """Tables tied in both ways: the plain name is that of the foreign key's rows."""
    run(
        engine,
        PEOPLE,
        child("clubs", "owner_id"),
        "CREATE TABLE members (club_id INTEGER, person_id INTEGER,"
        " PRIMARY KEY (club_id, person_id),"
        " FOREIGN KEY (club_id) REFERENCES clubs (id),"
        " FOREIGN KEY (person_id) REFERENCES people (id))",
    )
    ada, bo, club = db.people.insert(id=1), db.people.insert(id=2), db.clubs.insert(id=1)
    ada.clubs_members.append(club)
    club.owner = bo
    db.commit()
    assert (ada.clubs, bo.clubs, club.people) == ([], [club], [ada])


@pytest.mark.parametrize("kind", ["another column", "no key"])
def test_association_that_is_not_pure(db: SQLSoup, engine: sa.Engine, kind: str) -> None:
    """A table with another column, or that may have a pair twice, relates as any other does."""
    extra = ", since INTEGER" if kind == "another column" else ", id INTEGER PRIMARY KEY"
    key = ", PRIMARY KEY (club_id, person_id)" if kind == "another column" else ""
    run(
        engine,
        PEOPLE,
        "CREATE TABLE clubs (id INTEGER PRIMARY KEY)",
        f"CREATE TABLE members (club_id INTEGER, person_id INTEGER{extra}{key},"
        " FOREIGN KEY (club_id) REFERENCES clubs (id),"
        " FOREIGN KEY (person_id) REFERENCES people (id))",
    )
    ada, club = db.people.insert(id=1), db.clubs.insert(id=1)
    member = db.members.insert(club=club, person=ada, **({} if "column" in kind else {"id": 1}))
    db.commit()
    assert club.members == ada.members == [member]
    assert not hasattr(ada, "clubs")


def test_pairs_that_may_be_there_twice(db: SQLSoup, engine: sa.Engine) -> None:
    """Two keys and nothing that tells the rows apart are no association."""
    run(
        engine,
        PEOPLE,
        "CREATE TABLE clubs (id INTEGER PRIMARY KEY)",
        "CREATE TABLE visitors (club_id INTEGER, person_id INTEGER,"
        " FOREIGN KEY (club_id) REFERENCES clubs (id),"
        " FOREIGN KEY (person_id) REFERENCES people (id))",
    )
    assert not hasattr(db.clubs, "people")
    with pytest.raises(AttributeError, match=r"^MappedClubs\.visitors: table 'visitors' does not "):
        db.clubs.visitors  # noqa: B018


# names


def names_of(db: SQLSoup, table: str) -> set[str]:
    """The names that completion shows for a class, less those that every class has."""
    cls, plain = db[table], SQLSoup(db.engine)[table]
    return {*dir(cls)} - {*dir(plain)} - {"__getattr__"}


def test_dir(db: SQLSoup) -> None:
    """dir() lists the names before they are used, as completion needs it, and no other; once."""
    assert names_of(db, "loans") == {"user", "book"}
    assert names_of(db, "users") == {"loans", "seats"}
    assert names_of(db, "books") == {"loans", "tags"}
    assert names_of(db, "shelves") == {"parent", "shelves"}
    assert related(db.loans) == related(db.users) == []
    for table in ("loans", "users", "books", "shelves"):
        for name in names_of(db, table):
            assert hasattr(db[table], name)
            assert dir(db[table]).count(name) == 1


def test_dir_of_a_row(soup: SQLSoup) -> None:
    """dir() of a row shows the relationships, used or not, beside the columns and c."""
    loan = soup.loans.get(1)
    assert loan.user.name == "Bo"
    shown = [name for name in dir(loan) if not name.startswith("_")]
    assert shown == ["book", "book_id", "c", "day", "user", "user_name"]


def test_a_name_that_leads_nowhere(soup: SQLSoup, statements: list[str]) -> None:
    """It is known to lead nowhere after the first use, of whatever name; a row can hold others."""
    user = soup.users.get("Bo")
    assert not hasattr(user, "none")
    statements.clear()
    assert not hasattr(user, "nothing")
    assert not hasattr(soup.users, "nothing")
    user.note = 5
    assert user.note == 5
    assert statements == []


@pytest.mark.parametrize(
    ("columns", "names", "collections"),
    [
        (["person_id"], ["person"], ["kids"]),
        (["person_name"], ["person"], ["kids"]),
        (["person"], ["people"], ["kids"]),
        (["people"], ["people_"], ["kids"]),
        (["_id"], ["people"], ["kids"]),
        (["_person_id"], ["person"], ["kids"]),
        (["Boss_id"], ["Boss"], ["kids"]),
        (["person_id", "person"], ["people_person_id", "people_person"], None),
        (["mother_id", "father_id"], ["mother", "father"], ["kids_mother", "kids_father"]),
        (["a", "b"], ["people_a", "people_b"], ["kids_a", "kids_b"]),
        (["a_id", "a_name"], ["people_a_id", "people_a_name"], ["kids_a", "kids_a_"]),
        (["filter_id"], ["people_filter_id"], ["kids"]),
        (["metadata_id"], ["metadata"], ["kids"]),
        (["session_id"], ["people_session_id"], ["kids"]),
        (["c_id"], ["people_c_id"], ["kids"]),
    ],
    ids=str,
)
def test_names(
    soup: SQLSoup,
    lite: sa.Engine,
    columns: list[str],
    names: list[str],
    collections: list[str] | None,
) -> None:
    """A key is called what its column is less _id or _name, else what its target is; never taken.

    Several keys of one table to another have their columns' names in those of the collections.
    """
    run(lite, PEOPLE, child("kids", *columns), "INSERT INTO people VALUES (1, 'Ada')")
    assert names_of(soup, "kids") == {*names}
    ada = soup.people.get(1)
    kid = soup.kids.insert(id=1, **dict.fromkeys(names, ada))
    soup.commit()
    assert [getattr(kid, column) for column in columns] == [1] * len(columns)
    shown = names_of(soup, "people")
    if collections is not None:
        assert shown == {*collections}
    assert [getattr(ada, name) for name in shown] == [[kid]] * len(columns)


def test_a_table_called_as_its_own_key(soup: SQLSoup, lite: sa.Engine) -> None:
    """The row above has the name, and the collection of those below the key's added to it."""
    run(lite, child("parent", "parent_id", to="parent (id)"))
    above, below = soup.parent(id=1), soup.parent(id=2)
    below.parent = above
    soup.commit()
    assert names_of(soup, "parent") == {"parent", "parent_parent"}
    assert (above.parent_parent, below.parent) == ([below], above)


@pytest.mark.parametrize("name", ["name", "filter", "count", "insert", "relate", "columns"])
def test_a_table_called_as_a_column_or_method(soup: SQLSoup, lite: sa.Engine, name: str) -> None:
    """A collection hides no column and no method; the key's name is added then."""
    run(lite, PEOPLE, child(f'"{name}"', "person_id"), "INSERT INTO people VALUES (1, 'Ada')")
    ada = soup.people.get(1)
    row = soup[name].insert(id=1, person=ada)
    soup.commit()
    assert getattr(ada, f"{name}_person") == [row]
    assert names_of(soup, "people") == {f"{name}_person"}
    assert (soup.people.filter_by(name="Ada").count(), ada.name) == (1, "Ada")


def test_attributes_of_the_base_class(lite: sa.Engine) -> None:
    """A relationship does not hide what the base class has."""

    class Base:
        def loans(self) -> str:
            return "mine"

    db = SQLSoup(lite, Base, relationships=True)
    bo = db.loans.get(1).user
    assert bo.loans() == "mine"
    assert {loan.book_id for loan in bo.loans_user} == {1, 3}


@pytest.mark.parametrize("first", ["books", "books_author"])
def test_names_do_not_depend_on_what_is_used_first(
    soup: SQLSoup, lite: sa.Engine, first: str
) -> None:
    """A table called what a collection would be called keeps its name, used first or not."""
    run(
        lite,
        PEOPLE,
        child("papers", "author_id", "editor_id"),
        child("papers_author", "person_id"),
        "INSERT INTO people VALUES (1, 'Ada')",
    )
    assert hasattr(soup.papers, "author") if first == "books" else soup.papers_author.person
    assert names_of(soup, "people") == {"papers_author", "papers_author_", "papers_editor"}
    ada = soup.people.get(1)
    paper, note = soup.papers.insert(id=1, author=ada), soup.papers_author.insert(id=2, person=ada)
    soup.commit()
    assert (ada.papers_author, ada.papers_author_, ada.papers_editor) == ([note], [paper], [])


def test_names_of_ones_own(db: SQLSoup, engine: sa.Engine) -> None:
    """A function is told table, other table, columns and the name, and gives one, or None."""
    calls = []

    def name(table: str, other: str, columns: tuple[str, ...], proposed: str) -> str | None:
        calls.append((table, other, columns, proposed))
        return {"user": "borrower", "loans": "borrowed", "tags": "words"}.get(proposed)

    own = SQLSoup(engine, relationships=name)
    loan = own.loans.get(1)
    assert type(loan.borrower) is own.users
    assert {one.book_id for one in loan.borrower.borrowed} == {1, 3}
    assert [hasattr(own.loans, name) for name in ("user", "book")] == [False, False]
    assert {tag.word for tag in own.books.get(1).words} == {"food", "hot"}
    assert not hasattr(own.tags, "books")
    assert names_of(own, "users") == {"borrowed"}
    assert {
        ("loans", "users", ("user_name",), "user"),
        ("loans", "books", ("book_id",), "book"),
        ("users", "loans", ("user_name",), "loans"),
        ("users", "seats", ("user_name",), "seats"),
        ("books", "tags", ("word",), "tags"),
    } <= {*calls}


def test_names_of_ones_own_that_are_taken(lite: sa.Engine) -> None:
    """A name that is taken is not given twice; the longer one is used, or an underscore added."""
    db = SQLSoup(lite, relationships=lambda *_: "name")
    assert names_of(db, "loans") == {"name", "users_user_name"}
    assert db.loans.get(1).name is db.books.get(1)
    assert db.loans.get(1).users_user_name is db.users.get("Bo")
    assert names_of(db, "users") == {"loans_user", "seats_user"}


# what it costs


@pytest.fixture
def tied(engine: sa.Engine) -> sa.Engine:
    """The library, with 20 more tables that are tied to one another and to it."""
    made = [PEOPLE, child("t0", "person_id")]
    made += [child(f"t{n}", "left_id", to=f"t{n - 1} (id)") for n in range(1, 12)]
    made.append("CREATE TABLE hub (id INTEGER PRIMARY KEY)")
    made += [child(f"s{n}", "hub_id", to="hub (id)") for n in range(9)]
    run(engine, *made)
    return engine


def test_nothing_is_reflected_before(db: SQLSoup, tied: sa.Engine, statements: list[str]) -> None:
    """To map a table, query it and insert into it costs what it does without relationships."""
    counts = []
    assert SQLSoup(tied).t4.all() == []  # the first of all learns about the database
    for relationships in (False, True):
        one = SQLSoup(tied, relationships=relationships)
        statements.clear()
        assert [one.t5.all(), one.t5.filter_by(left_id=1).all()] == [[], []]
        one.t5.insert(id=1)
        one.flush()
        one.rollback()
        counts.append(len(statements))
        assert list(one._metadata.tables) == ["t5"]
    assert counts[0] == counts[1]


def test_cost_of_one_row(db: SQLSoup, tied: sa.Engine, statements: list[str]) -> None:
    """loan.user costs the reflection of users and the row, and after that the row alone."""
    assert SQLSoup(tied).t4.all() == []  # the first of all learns about the database
    statements.clear()
    assert list(SQLSoup(tied).users.c.keys()) == ["name", "email", "admin"]
    reflecting = len(statements)
    loan = db.loans.get(1)
    statements.clear()
    assert loan.user.name == "Bo"
    assert len(statements) == reflecting + 1
    assert sorted(db._metadata.tables) == ["loans", "users"]
    db.session.expire_all()
    assert loan.book_id == 1
    statements.clear()
    assert loan.user.name == "Bo"
    assert len(statements) == 1


def asking(engine: sa.Engine) -> int:
    """Return how many statements tell what refers to a table: MariaDB has two."""
    return 2 if engine.dialect.name == "mysql" else 1


def test_cost_of_a_collection(db: SQLSoup, tied: sa.Engine, statements: list[str]) -> None:
    """user.loans costs a statement or two of the catalog, the reflection of loans, and the rows."""
    assert SQLSoup(tied).t4.all() == []  # the first of all learns about the database
    statements.clear()
    assert list(SQLSoup(tied).t0.c.keys()) == ["id", "person_id"]
    reflecting = len(statements)
    person = db.people.insert(id=1)
    db.flush()
    statements.clear()
    assert person.t0 == []
    assert len(statements) == asking(tied) + reflecting + 1
    assert sorted(db._metadata.tables) == ["people", "t0"]
    statements.clear()
    db.session.expire(person, ["t0"])
    assert person.t0 == []
    assert len(statements) == 1


def test_cost_of_a_name_that_is_not_there(
    db: SQLSoup, tied: sa.Engine, statements: list[str]
) -> None:
    """It costs as much, once, and reflects none of the tables that refer."""
    hub = db.hub.insert(id=1)
    db.flush()
    statements.clear()
    assert [hasattr(hub, "zzz"), hasattr(db.hub, "zzz"), hasattr(hub, "yyy")] == [False] * 3
    assert len(statements) == asking(tied)
    assert list(db._metadata.tables) == ["hub"]
    assert {f"s{n}" for n in range(9)} <= {*dir(db.hub)}
    assert len(statements) == asking(tied)


def test_private_names_cost_nothing(db: SQLSoup, statements: list[str]) -> None:
    """Nothing is looked up for a name with an underscore before it."""
    bo = db.users.get("Bo")
    statements.clear()
    assert [hasattr(one, "_loans") or hasattr(one, "__loans__") for one in (bo, db.users)] == [
        False
    ] * 2
    assert statements == []


@pytest.mark.parametrize("kind", ["join", "select", "labels"])
def test_joins_and_selects_have_none(db: SQLSoup, statements: list[str], kind: str) -> None:
    """What is no table has no relationships and asks the database for none."""
    made = {
        "join": lambda: db.join(db.loans, db.books, isouter=True),
        "select": lambda: db.map(sa.select(db.loans._table)),
        "labels": lambda: db.with_labels(db.join(db.loans, db.books)),
    }[kind]()
    row = made.first()
    statements.clear()
    assert [hasattr(row, "user"), hasattr(made, "user"), "user" in dir(made)] == [False] * 3
    assert statements == []


def test_views_have_none(db: SQLSoup, engine: sa.Engine, statements: list[str]) -> None:
    """A view has no relationships."""
    run(engine, "CREATE VIEW lent AS SELECT book_id, user_name FROM loans")
    cls = db.entity("lent", primary_key=["book_id"])
    row = cls.filter_by(book_id=1).one()
    assert [hasattr(row, "user"), hasattr(row, "book")] == [False, False]
    assert related(cls) == []


@pytest.mark.parametrize("relationships", [False, None])
def test_none_unless_asked_for(
    lite: sa.Engine, statements: list[str], relationships: bool | None
) -> None:
    """Without relationships=True there are none, and no statement looks for any."""
    options = {} if relationships is None else {"relationships": relationships}
    db = SQLSoup(lite, **options)
    loan, bo = db.loans.get(1), db.users.get("Bo")
    statements.clear()
    assert [hasattr(loan, "user"), hasattr(bo, "loans"), hasattr(db.users, "loans")] == [False] * 3
    assert statements == []
    with pytest.warns(sqlsoup.SQLSoupWarning, match="no column or relationship 'user'"):
        db.loans.insert(book_id=2, user=bo)


# what cannot be related


def test_target_without_a_key(db: SQLSoup, engine: sa.Engine) -> None:
    """A table without a primary key is not in the way of the others."""
    run(
        engine,
        PEOPLE,
        child("kids", "person_id"),
        "CREATE TABLE marks (person_id INTEGER, FOREIGN KEY (person_id) REFERENCES people (id))",
    )
    ada = db.people.insert(id=1)
    db.flush()
    assert ada.kids == []
    with pytest.raises(AttributeError) as error:
        ada.marks  # noqa: B018
    assert type(error.value) is AttributeError
    assert str(error.value).startswith(
        "MappedPeople.marks: table 'marks' does not have a primary key defined; name columns"
    )
    assert not hasattr(ada, "marks")
    keyed = SQLSoup(engine, relationships=True, primary_keys={"marks": ["person_id"]})
    assert keyed.people(id=2).marks == []


def test_dangling_key(soup: SQLSoup, lite: sa.Engine) -> None:
    """Nor is a key that leads nowhere."""
    run(
        lite,
        PEOPLE,
        "INSERT INTO people VALUES (1, 'Ada')",
        "CREATE TABLE kids (id INTEGER PRIMARY KEY, school_id INTEGER REFERENCES schools (id),"
        " town_id INTEGER REFERENCES people (town),"
        " person_id INTEGER REFERENCES people (id))",
        "INSERT INTO kids VALUES (1, 2, 3, 1)",
    )
    with pytest.warns(sqlsoup.SQLSoupWarning, match="of town_id is left out, since 'people' has"):
        kid = soup.kids.get(1)
    assert kid.person.name == "Ada"
    assert kid.person.kids == [kid]
    message = r"^MappedKids\.school: schools: there is no table or view of this name$"
    with pytest.raises(AttributeError, match=message) as error:
        kid.school  # noqa: B018
    assert type(error.value) is AttributeError
    assert [hasattr(kid, "school"), hasattr(kid, "town")] == [False, False]
    with pytest.raises(AttributeError, match=r"^MappedKids\.school: "):
        soup.kids.insert(id=2, school=kid)
    kid.person_id = None
    soup.commit()
    assert kid.person is None


def test_target_that_may_not_be_read(engine: sa.Engine, make_engine, statements: list[str]) -> None:
    """Nor is a table that this user of the database may not read."""
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no users")
    name = f"reader_{os.getpid()}"
    if engine.dialect.name == "postgresql":
        made = [f"CREATE ROLE {name} LOGIN", f"GRANT SELECT ON loans, books TO {name}"]
        undo = [f"DROP OWNED BY {name}", f"DROP ROLE {name}"]
    else:
        made = [f"CREATE USER {name}@'%%'", f"GRANT SELECT ON loans TO {name}@'%%'"]
        made.append(f"GRANT SELECT ON books TO {name}@'%%'")
        undo = [f"DROP USER {name}@'%%'"]
    run(engine, *made)
    try:
        db = SQLSoup(make_engine(engine.url.set(username=name, password=None)), relationships=True)
        loan = db.loans.get(1)
        assert loan.book.title == "Mustards"
        if engine.dialect.name == "postgresql":  # the catalog is for all to read there
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                loan.user  # noqa: B018
        else:
            with pytest.raises(AttributeError, match=r"^MappedLoans\.user: ") as error:
                loan.user  # noqa: B018
            assert type(error.value) is AttributeError
    finally:
        db.session.remove()
        db.engine.dispose()
        run(engine, *undo)


def test_no_such_name(db: SQLSoup) -> None:
    """Any other name is an AttributeError as it is without relationships."""
    for one, message in (
        (db.users, r"^'MappedUsers' has no column, relationship or query method 'zzz'$"),
        (db.users.get("Bo"), r"^'MappedUsers' object has no attribute 'zzz'$"),
    ):
        with pytest.raises(AttributeError, match=message) as error:
            one.zzz  # noqa: B018
        assert type(error.value) is AttributeError
    with pytest.warns(sqlsoup.SQLSoupWarning, match="no column or relationship 'zzz'"):
        db.users(name="Dee", zzz=1)


# schemas


@pytest.fixture
def annex(engine: sa.Engine, tmp_path) -> Iterator[str]:
    """The name of another schema, with loans of its own to users, within it and without."""
    name = f"annex_{os.getpid()}"
    if engine.dialect.name == "sqlite":
        pytest.skip("keys of SQLite do not leave their schema")
    run(
        engine,
        f"CREATE SCHEMA {name}",
        f"CREATE TABLE {name}.rooms (id INTEGER PRIMARY KEY)",
        f"CREATE TABLE {name}.loans (id INTEGER PRIMARY KEY, user_name VARCHAR(40),"
        f" room_id INTEGER, FOREIGN KEY (room_id) REFERENCES {name}.rooms (id),"
        f" FOREIGN KEY (user_name) REFERENCES {schema_of(engine)}.users (name))",
        f"INSERT INTO {name}.rooms VALUES (4)",
        f"INSERT INTO {name}.loans VALUES (9, 'Bo', 4)",
    )
    yield name
    sqlsoup.Session.remove()
    cascade = " CASCADE" if engine.dialect.name == "postgresql" else ""
    run(engine, f"DROP SCHEMA {name}{cascade}")


def schema_of(engine: sa.Engine) -> str:
    """The name of the default schema."""
    return "public" if engine.dialect.name == "postgresql" else str(engine.url.database)


def test_a_class_of_another_schema_is_found_by_its_name(db: SQLSoup, annex: str) -> None:
    """The more classes there are, the longer it would take to look through all of them."""

    class Names(dict[str, Any]):
        def copy(self) -> Any:
            pytest.fail("all classes are looked through")

    rooms = db[f"{annex}.rooms"]
    db._cache = Names(db._cache)
    assert db.entity("loans", schema=annex).room.property.mapper.class_ is rooms


@pytest.mark.parametrize("first", ["there", "here"])
def test_keys_into_another_schema(db: SQLSoup, engine: sa.Engine, annex: str, first: str) -> None:
    """Keys lead into other schemas and back; a name taken has the schema's name before it."""
    if first == "here":
        assert db.loans.get(1).user.name == "Bo"
    loan = db[f"{annex}.loans"].get(9)
    assert loan.user.name == "Bo"
    assert loan.room is db.entity("rooms", schema=annex).get(4)
    assert loan.room.loans == [loan]
    if engine.dialect.name == "postgresql":  # MariaDB names the schema that is the default too
        assert loan.user is db.users.get("Bo")
        assert {type(one) for one in loan.user.loans} == {db.loans}
        assert getattr(loan.user, f"{annex}_loans") == [loan]
    db.delete(loan)
    db.commit()


def test_names_of_tables_of_two_schemas(db: SQLSoup, engine: sa.Engine, annex: str) -> None:
    """The schema's own table has the plain name; the schema's name or the column tells others."""
    own, near = [f"{annex}_kids", "kids"], [f"{annex}.kids", f"{annex}.count"]
    run(engine, *(child(name, "room_id", to=f"{annex}.rooms (id)") for name in (*own, *near)))
    try:
        rooms: Any = db.entity("rooms", schema=annex)
        found = {
            name: getattr(rooms, name).property.mapper.class_
            for name in ("kids", f"{annex}_kids", "kids_room", "count_room")
        }
        assert found == {
            "kids": db.entity("kids", schema=annex),
            f"{annex}_kids": db[f"{annex}_kids"],
            "kids_room": db.kids,
            "count_room": db.entity("count", schema=annex),
        }
        assert not [name for name in dir(rooms) if "kids" in name and name not in found]
    finally:
        sqlsoup.Session.remove()
        run(engine, *(f"DROP TABLE {name}" for name in own))


def test_the_schema_set(db: SQLSoup, engine: sa.Engine, annex: str) -> None:
    """With db.schema set, the classes are those of that schema; others have one class each."""
    db.schema = annex
    loan = db.loans.get(9)
    assert type(loan.room) is db.rooms
    assert loan.room.loans == [loan]
    assert loan.user.name == "Bo"
    assert getattr(loan.user, f"{annex}_loans") == [loan]
    db.delete(loan)
    db.commit()


def test_the_default_schema_by_name(db: SQLSoup, engine: sa.Engine) -> None:
    """The default schema may be the one that is set."""
    db.schema = "main" if engine.dialect.name == "sqlite" else schema_of(engine)
    loan = db.loans.get(1)
    assert type(loan.user) is db.users
    assert {type(one) for one in loan.user.loans} == {db.loans}
    del db["loans"], db["users"]
    assert {type(one) for one in db.users.get("Bo").loans} == {db.loans}


# beside what was done by hand


def test_relate_by_hand_before(db: SQLSoup) -> None:
    """What relate() made stays, and the other attributes are there."""
    db.users.relate("loans", db.loans, order_by=db.loans.book_id.desc())
    db.books.relate("tags", db.tags, secondary=db.book_tags, order_by=db.tags.word.desc())
    bo = db.loans.get(1).user
    assert [loan.book_id for loan in bo.loans] == [3, 1]
    assert [tag.word for tag in db.books.get(1).tags] == ["hot", "food"]
    assert {book.id for book in db.tags.get("food").books} == {1, 3}
    db.loans.get(1).user = db.users.get("Ada")
    db.commit()
    assert [loan.book_id for loan in bo.loans] == [3]


def test_relate_by_hand_after(db: SQLSoup) -> None:
    """relate() replaces an attribute that was used already, and its other side."""
    assert db.loans.get(1).user.loans != []
    db.loans.relate("user", db.users, backref=orm.backref("loans", order_by=db.loans.book_id))
    ada, loan = db.users.get("Ada"), db.loans.get(1)
    assert ada.loans == []
    loan.user = ada
    assert ada.loans == [loan]
    db.commit()
    assert [one.book_id for one in db.users.get("Bo").loans] == [3]


@pytest.mark.parametrize("side", ["user", "loans"])
def test_one_side_by_hand_after(db: SQLSoup, side: str) -> None:
    """One side alone leaves the other as it was; they agree once they are stored."""
    assert db.loans.get(1).user.loans != []
    if side == "user":
        db.loans.relate("user", db.users, lazy="joined")
    else:
        db.users.relate("loans", db.loans, order_by=db.loans.book_id.desc())
    ada, bo = db.users.get("Ada"), db.users.get("Bo")
    loan, other = db.loans.get(1), db.loans.get(3)
    loan.user = ada
    db.commit()
    assert (loan.user, ada.loans, bo.loans) == (ada, [loan], [other])
    ada.loans.append(other)
    db.commit()
    assert (other.user, bo.loans) == (ada, [])
    db.session.expunge_all()
    cy, other = db.users.get("Cy"), db.loans.get(3)
    cy.loans.append(other)
    db.commit()
    cy.loans.remove(other)
    db.commit()
    assert (other.user_name, other.user) == (None, None)


def test_another_name_by_hand_after(db: SQLSoup) -> None:
    """A relate() under another name may take the collection; the old attribute still works."""
    assert db.loans.get(1).user.loans != []
    db.loans.relate("borrower", db.users, backref="loans")
    ada, loan, other = db.users.get("Ada"), db.loans.get(1), db.loans.get(3)
    loan.borrower = ada
    assert ada.loans == [loan]
    other.user = ada
    db.commit()
    assert (other.borrower, other.user, loan.user) == (ada, ada, ada)


def test_many_to_many_by_hand_after(db: SQLSoup) -> None:
    """An association may be related by hand after it was used."""
    assert db.tags.get("hot").books == [db.books.get(1)]
    db.books.relate("tags", db.tags, secondary=db.book_tags, order_by=db.tags.word)
    book, hot = db.books.get(1), db.tags.get("hot")
    assert [tag.word for tag in book.tags] == ["food", "hot"]
    book.tags.remove(hot)
    db.commit()
    assert hot.books == []
    hot.books.append(db.books.get(2))
    db.commit()
    assert db.books.get(2).tags == [hot]


def test_another_class_of_a_table(soup: SQLSoup) -> None:
    """A class that was made with map() has the attributes too, and db.loans is as it was."""
    loans, users = soup.map(soup.loans), soup.map(soup.users)
    loan, bo = loans.get(1), users.get("Bo")
    assert type(loan.user) is soup.users
    assert {type(one) for one in bo.loans} == {soup.loans}
    assert related(soup.loans) == related(soup.users) == []
    assert {type(one) for one in loan.user.loans} == {soup.loans}
    assert type(soup.loans.get(1).user) is soup.users
    assert {type(one) for one in soup.map(soup.books).get(1).tags} == {soup.tags}
    assert {type(one) for one in soup.tags.get("hot").books} == {soup.books}


def test_base_class_with_a_getattr_of_its_own(lite: sa.Engine) -> None:
    """The base class is asked for what is no relationship."""

    class Base:
        def __getattr__(self, name: str) -> str:
            return f"no {name}"

    db = SQLSoup(lite, Base, relationships=True)
    loan = db.loans.get(1)
    assert type(loan.user) is db.users
    assert loan.zzz == "no zzz"


# what changes


@pytest.mark.parametrize("forgotten", [["users"], ["loans"], ["users", "loans"], ["all"]])
def test_forgotten_tables(db: SQLSoup, forgotten: list[str]) -> None:
    """After del db["users"] or refresh() both sides lead to the classes that there are now."""
    for _ in range(3):
        loan = db.loans.get(1)
        assert type(loan.user) is db.users
        assert {type(one) for one in loan.user.loans} == {db.loans}
        db.session.expunge_all()
        for name in forgotten:
            if name == "all":
                sqlsoup.refresh(db)
            else:
                del db[name]
        users, loans = db.users, db.loans
        ada = users.get("Ada")
        new = loans.insert(book_id=2, user=ada)
        assert ada.loans == [new]
        db.commit()
        assert loans.filter_by(user=ada).one() is new
        assert users.filter(users.loans.any(book_id=2)).one() is ada
        db.delete(new)
        db.commit()


@pytest.mark.parametrize("forgotten", ["books", "tags"])
def test_forgotten_sides_of_an_association(db: SQLSoup, forgotten: str) -> None:
    """So do those of an association."""
    for _ in range(2):
        assert type(db.books.get(1).tags[0]) is db.tags
        db.session.expunge_all()
        del db[forgotten]
        hot, book = db[forgotten] and db.tags.get("hot"), db.books.get(3)
        book.tags.append(hot)
        assert book in hot.books
        db.rollback()


def test_classes_in_use_keep_working(db: SQLSoup) -> None:
    """Rows that were there when their table was forgotten go on with their attributes."""
    loan = db.loans.get(1)
    bo = loan.user
    assert len(bo.loans) == 2
    sqlsoup.refresh(db)
    loan.user = None
    db.commit()
    assert loan.user is None
    assert [one.book_id for one in bo.loans] == [3]


def test_a_key_that_was_added(db: SQLSoup, engine: sa.Engine) -> None:
    """A foreign key that is new to the database is found after refresh()."""
    run(engine, PEOPLE)
    assert not hasattr(db.people, "kids")
    db.rollback()
    run(engine, child("kids", "person_id"))
    sqlsoup.refresh(db)
    assert db.people(id=1).kids == []


def test_deleting_is_left_to_the_database(db: SQLSoup, engine: sa.Engine) -> None:
    """db.delete() does to other rows what the database does, attributes used or not."""
    run(
        engine,
        PEOPLE,
        "CREATE TABLE kids (id INTEGER PRIMARY KEY, person_id INTEGER,"
        " FOREIGN KEY (person_id) REFERENCES people (id) ON DELETE CASCADE)",
        child("pets", "person_id"),
        "INSERT INTO people VALUES (1, 'Ada'), (2, 'Bo')",
        "INSERT INTO kids VALUES (1, 1)",
        "INSERT INTO pets VALUES (1, 2)",
    )
    if engine.dialect.name == "sqlite":
        db.execute("PRAGMA foreign_keys = ON")
        db.rollback()
        db.execute("PRAGMA foreign_keys = ON")
    ada, bo = db.people.get(1), db.people.get(2)
    assert (len(ada.kids), len(ada.pets), len(bo.pets)) == (1, 0, 1)
    db.delete(ada)
    db.flush()
    assert db.execute("SELECT count(*) FROM kids").scalar() == 0
    db.delete(bo)
    with pytest.raises(sa.exc.IntegrityError):
        db.flush()
    db.rollback()
    assert db.execute("SELECT person_id FROM pets").scalar() == 2
    db.session.remove()


def test_both_deleted_in_one_flush(db: SQLSoup) -> None:
    """A row and those that refer to it can be deleted at once, in any order."""
    bo = db.users.get("Bo")
    loans = list(bo.loans)
    db.delete(bo)
    for loan in loans:
        db.delete(loan)
    db.commit()
    assert (db.users.get("Bo"), db.loans.count()) == (None, 0)


def test_pickle(soup: SQLSoup) -> None:
    """A row that cannot be pickled says so as it does without relationships; none is added."""
    loan = soup.loans.get(1)
    with pytest.raises((pickle.PicklingError, AttributeError), match="MappedLoans"):
        pickle.dumps(loan)
    assert related(soup.loans) == []


def test_in_a_transaction(db: SQLSoup, engine: sa.Engine, make_engine) -> None:
    """Within a transaction the only connection of a pool is enough."""
    one = make_engine(engine.url, pool_size=1, max_overflow=0, pool_timeout=1)
    own = SQLSoup(one, relationships=True)
    with own:
        loan = own.loans.get(1)
        assert {each.book_id for each in loan.user.loans} == {1, 3}
        assert {tag.word for tag in loan.book.tags} == {"food", "hot"}
    own.session.remove()


def test_collected(soup: SQLSoup) -> None:
    """Statements of the catalog are asked for once for each table, and again after refresh()."""
    asked: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.extend([statement] * ('f."from"' in statement))

    event.listen(soup.engine, "before_cursor_execute", note)
    for _ in range(2):
        assert hasattr(soup.users, "loans")
        assert not hasattr(soup.users, "zzz")
        assert dir(soup.users)
    assert len(asked) == 1
    sqlsoup.refresh(soup)
    assert hasattr(soup.users, "loans")
    assert len(asked) == 2


def test_asked_for_twice(soup: SQLSoup) -> None:
    """Threads that ask for one name at once get one relationship."""
    for cls, name in ((soup.loans, "book"), (soup.users, "loans"), (soup.books, "tags")):
        prop = getattr(cls, name).property
        assert soup._implied.add(cls, name)
        assert getattr(cls, name).property is prop


def test_a_key_in_another_case(soup: SQLSoup) -> None:
    """SQLite takes a table and its columns in any case for the target, and so does SQLSoup."""
    run(soup.engine, child("notes", "book_id", to="BOOKS (ID)"))
    assert soup.notes.insert(book=soup.books.get(1)).book.notes == [soup.notes.first()]


def test_other_databases(db: SQLSoup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no statement of the catalog is known, SQLAlchemy finds the same foreign keys."""
    with db.engine.connect() as connection:
        known = {each[:3] for each in references_to(connection, "users", None)}
        assert _particulars("oracle") is None
        monkeypatch.setattr("sqlsoup._catalog._particulars", lambda _: None)
        assert {each[:3] for each in references_to(connection, "users", None)} == known
    assert (None, "loans", ("user_name",)) in known
    assert [loan.book_id for loan in db.users.get("Bo").loans] == [1, 3]


def test_a_connection_that_was_cut(db: SQLSoup, engine: sa.Engine) -> None:
    """A lost connection is no missing name: the error comes out, and the next use works."""
    kill = {
        "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"),
        "mysql": ("SELECT connection_id()", "KILL {}"),
    }.get(engine.dialect.name)
    if kill is None:
        pytest.skip("SQLite has no connection to cut")
    for use in (lambda: "nothing" in db, lambda: db.users.nothing, lambda: db.books):
        assert db.users.count() == 3
        cut = kill[1].format(db.execute(kill[0]).scalar())
        with engine.connect() as other:
            other.exec_driver_sql(cut)
        with pytest.raises(sa.exc.OperationalError):
            use()
        db.rollback()
    assert "users" in db


CASCADING = (
    PEOPLE,
    (
        "CREATE TABLE pets (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL,"
        " FOREIGN KEY (person_id) REFERENCES people (id) ON DELETE CASCADE)"
    ),
    "INSERT INTO people VALUES (1, 'Ada')",
    "INSERT INTO pets VALUES (1, 1)",
)


@pytest.mark.parametrize("way", ["by itself", "by hand", "named None"])
def test_delete_of_a_collection_alone(engine: sa.Engine, way: str) -> None:
    """The database decides on a delete too where the other side is by hand, or is not wanted."""
    run(engine, *CASCADING)
    names = {"named None": lambda table, _other, _columns, name: None if table == "pets" else name}
    db = SQLSoup(engine, relationships=names.get(way, True))
    if engine.dialect.name == "sqlite":
        db.execute("PRAGMA foreign_keys = ON")
    ada = db.people.get(1)
    assert [pet.id for pet in ada.pets] == [1]
    if way == "by hand":
        db.pets.relate("person", db.people)
    db.session.expunge_all()
    db.delete(db.people.get(1))
    db.flush()
    assert db.execute("SELECT count(*) FROM pets").scalar() == 0
    db.session.remove()


def test_errors_of_the_database_come_out(engine: sa.Engine) -> None:
    """An attribute that cannot be found out about is no missing one."""
    if engine.dialect.name != "postgresql":
        pytest.skip("only PostgreSQL refuses to work on after an error")
    db = SQLSoup(engine, relationships=True)
    loan = db.loans.get(1)
    with pytest.raises(sa.exc.ProgrammingError):
        db.execute("SELECT nothing")
    with pytest.raises(sa.exc.DBAPIError):
        getattr(loan, "book", None)
    db.rollback()
    assert loan.book.title == "Mustards"


def test_columns_of_another_key(lite: sa.Engine) -> None:
    """A listener to column_reflect may call the columns what it likes."""
    db = SQLSoup(lite, relationships=True)

    @event.listens_for(db._metadata, "column_reflect")
    def rename(_inspector: object, _table: object, column: dict[str, object]) -> None:
        column["key"] = str(column["name"]).upper()

    bo = db.users.get("Bo")
    assert {loan.BOOK_ID for loan in bo.loans} == {1, 3}
    assert {loan.user for loan in bo.loans} == {bo}
    assert {tag.WORD for tag in db.books.get(1).tags} == {"food", "hot"}


def test_a_miss_takes_no_connection(soup: SQLSoup) -> None:
    """A name that is nothing costs no connection the second time, nor does a plain attribute."""
    taken: list[object] = []
    assert not hasattr(soup.books, "nothing")
    book = soup.books.get(1)
    event.listen(soup.engine, "checkout", lambda *_: taken.append(1))
    book.note = "plain"
    assert not hasattr(soup.books, "nothing")
    assert (taken, book.note) == ([], "plain")


@pytest.mark.parametrize("first", ["loan", "user"])
def test_a_copy_of_a_table(lite: sa.Engine, first: str) -> None:
    """A collection has the same name whichever side was used first."""
    run(lite, "CREATE TABLE _loans (id INTEGER PRIMARY KEY, user_name REFERENCES users (name))")
    db = SQLSoup(lite, relationships=True)
    if first == "loan":
        assert db.loans.get(1).user.name == "Bo"
    assert {type(loan) for loan in db.users.get("Bo").loans} == {db.loans}


@pytest.mark.parametrize("wrong", ["all", 1, None])
def test_neither_true_nor_a_function(lite: sa.Engine, wrong: object) -> None:
    """Anything else for relationships= is refused at once."""
    with pytest.raises(sqlsoup.ArgumentError) as raised:
        SQLSoup(lite, relationships=wrong)  # type: ignore[arg-type]
    assert str(raised.value) == (
        f"invalid relationships argument {wrong!r}; pass True or a function"
    )


def test_a_target_mapped_meanwhile(lite: sa.Engine) -> None:
    """A class that another thread was faster to map is the one that a relationship leads to."""

    class Overtaken(SQLSoup):
        def map_to(self, attrname: str, *args: object, **options: object) -> object:
            if attrname == "users" and "users" not in self._cache:
                super().map_to(attrname, *args, **options)
            return super().map_to(attrname, *args, **options)

    db = Overtaken(lite, relationships=True)
    assert type(db.loans.get(1).user) is db._cache["users"]


def test_a_foreign_key_that_the_table_in_use_has_not(lite: sa.Engine) -> None:
    """A table of the user's own without the foreign key of the database gives no attribute."""
    metadata = sa.MetaData()
    sa.Table("loans", metadata, sa.Column("book_id", sa.Integer, primary_key=True))
    metadata.bind = lite  # type: ignore[attr-defined]
    db = SQLSoup(metadata, relationships=True)
    assert not hasattr(db.users, "loans")
    assert len(db.users.get("Cy").seats) == 0


def test_dir_without_the_database(soup: SQLSoup, monkeypatch: pytest.MonkeyPatch) -> None:
    """dir() tells what it can when the database does not answer."""

    def fail(*_: object) -> None:
        raise sa.exc.OperationalError("", {}, Exception("gone"))

    monkeypatch.setattr("sqlsoup._implied.references_to", fail)
    assert {"name", "filter"} <= {*dir(soup.users)}
    assert "loans" not in dir(soup.users)
    assert "name" in dir(soup.users.get("Bo"))


def test_an_interrupt_while_foreign_keys_are_listed(lite, monkeypatch):
    """Its traceback, which a console keeps, holds no cursor that would lock the file."""
    db = SQLSoup(lite, relationships=True)

    def interrupt(*_columns):
        raise KeyboardInterrupt

    monkeypatch.setattr(_catalog, "Reference", interrupt)
    with pytest.raises(KeyboardInterrupt) as kept:
        sqlsoup.reflect(db)
    db.rollback()
    with contextlib.closing(sqlite3.connect(lite.url.database, timeout=0)) as other:
        other.execute("BEGIN EXCLUSIVE")
    assert type(kept.value) is KeyboardInterrupt


# keys that the database compares, and not Python

LOOSE = {
    "sqlite": [
        ("TEXT COLLATE NOCASE", "TEXT COLLATE NOCASE", ("ADA", "ada")),
        ("TEXT COLLATE NOCASE", "TEXT", ("ADA", "ada")),
        ("TEXT COLLATE RTRIM", "TEXT COLLATE NOCASE", ("Ada ", "Ada")),
        ("TEXT", "TEXT COLLATE NOCASE", ("Ada", "Ada")),
    ],
    "postgresql": [
        ("CHAR(5)", "CHAR(3)", ("Ada", "Ada")),
        ("CHAR(5)", "VARCHAR(9)", ("Ada", "Ada  ")),
        ("VARCHAR(5)", "CHAR(9)", ("Ada", "Ada")),
        ("TEXT", "CHAR(9)", ("Ada", "Ada")),
        ("TEXT COLLATE ci", "TEXT", ("ADA", "ada")),
    ],
    "mysql": [("VARCHAR(9)", "VARCHAR(9)", ("ADA", "ada "))],
}
CI = "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"


@pytest.fixture(params=range(5))
def loose(engine: sa.Engine, request: pytest.FixtureRequest) -> SQLSoup:
    """Tables whose keys are found in another case, or with other spaces at the end."""
    kinds = LOOSE[engine.dialect.name]
    if request.param >= len(kinds):
        pytest.skip("the database has fewer kinds of such keys")
    key, foreign, values = kinds[request.param]
    run(
        engine,
        *([CI] if key.endswith("ci") else []),
        f"CREATE TABLE writers (name {key} PRIMARY KEY, born INTEGER)",
        f"CREATE TABLE texts (id INTEGER PRIMARY KEY, writer {foreign},"
        " FOREIGN KEY (writer) REFERENCES writers (name))",
        "INSERT INTO writers VALUES ('Ada', 1815), ('Bo', NULL)",
        f"INSERT INTO texts VALUES (1, '{values[0]}'), (2, '{values[1]}'), (3, NULL)",
    )
    return SQLSoup(engine, relationships=True)


def test_condition_over_no_foreign_key(loose: SQLSoup) -> None:
    """One of the program's own is left as it is, though a foreign key would compare otherwise."""
    db = loose
    names = sa.orm.foreign(db.writers.name) == sa.orm.remote(db.texts.writer)
    db.writers.relate("same", db.texts, primaryjoin=names, uselist=True, viewonly=True)
    joined = db.session.query(db.texts.id).select_from(db.writers).join(db.writers.same)
    found = db.execute("SELECT t.id FROM writers w JOIN texts t ON w.name = t.writer ORDER BY 1")
    assert joined.order_by(db.texts.id).all() == found.all()


LOADERS = {
    "select": orm.lazyload,
    "joined": orm.joinedload,
    "selectin": orm.selectinload,
    "subquery": orm.subqueryload,
    "immediate": orm.immediateload,
}


@pytest.mark.parametrize("load", LOADERS.values())
def test_loading_by_keys_that_the_database_compares(loose: SQLSoup, load: Any) -> None:
    """Whichever way related rows are loaded, they are those that the database finds."""
    texts = loose.texts.options(load(loose.texts.writers)).order_by(loose.texts.id)
    assert [text.writers and text.writers.born for text in texts] == [1815, 1815, None]
    loose.expunge_all()
    writers = loose.writers.options(load(loose.writers.texts)).order_by(loose.writers.name)
    assert [sorted(text.id for text in each.texts) for each in writers] == [[1, 2], []]


@pytest.mark.parametrize("lazy", LOADERS)
def test_loading_by_loose_keys_on_command(loose: SQLSoup, lazy: str) -> None:
    """So are those of a relationship that relate() adds, with loading of its own."""
    loose.texts.relate("by", loose.writers, lazy=lazy)
    assert [t.by and t.by.born for t in loose.texts.order_by(loose.texts.id)] == [1815, 1815, None]


def test_rows_by_loose_keys_one_by_one(loose: SQLSoup) -> None:
    """A row and its collection are those of the foreign key, also of relate()."""
    loose.writers.relate("works", loose.texts, order_by=loose.texts.id, backref="by")
    ada = loose.writers.get("Ada")
    assert [text.id for text in ada.works] == sorted(text.id for text in ada.texts) == [1, 2]
    assert [text.by is text.writers is ada for text in ada.works] == [True, True]


def test_a_row_that_only_the_foreign_key_finds_equal(lite: sa.Engine) -> None:
    """What a foreign key refers to is found as that compares, whatever the key itself ignores."""
    run(
        lite,
        "CREATE TABLE writers (name TEXT PRIMARY KEY)",
        "CREATE TABLE texts (id INTEGER PRIMARY KEY,"
        " writer TEXT COLLATE NOCASE REFERENCES writers)",
        "INSERT INTO writers VALUES ('Ada'), ('ADA')",
        "INSERT INTO texts VALUES (1, 'Ada'), (2, 'ADA')",
    )
    db = SQLSoup(lite, relationships=True)
    for load in LOADERS.values():
        writers = db.writers.options(load(db.writers.texts))
        assert {each.name: [text.id for text in each.texts] for each in writers} == {
            "Ada": [1],
            "ADA": [2],
        }
        db.expunge_all()


def test_loose_keys_of_an_association_table(lite: sa.Engine) -> None:
    """Both sides of a many-to-many relationship are found so."""
    run(
        lite,
        "CREATE TABLE writers (name TEXT COLLATE NOCASE PRIMARY KEY)",
        "CREATE TABLE themes (word TEXT PRIMARY KEY)",
        "CREATE TABLE about (name TEXT REFERENCES writers, word TEXT REFERENCES themes,"
        " PRIMARY KEY (name, word))",
        "INSERT INTO writers VALUES ('Ada')",
        "INSERT INTO themes VALUES ('sums')",
        "INSERT INTO about VALUES ('ADA', 'sums')",
    )
    db = SQLSoup(lite, relationships=True)
    ada, sums = db.writers.get("Ada"), db.themes.get("sums")
    assert (ada.themes, sums.writers) == ([sums], [ada])


@pytest.mark.parametrize("kinds", range(5))
def test_removal_of_loose_keys_from_an_association_table(engine: sa.Engine, kinds: int) -> None:
    """What is found by such a key can be removed, and the key be changed, by either side."""
    if kinds >= len(LOOSE[engine.dialect.name]):
        pytest.skip("the database has fewer kinds of such keys")
    key, foreign, (one, other) = LOOSE[engine.dialect.name][kinds]
    run(
        engine,
        *([CI] if key.endswith("ci") else []),
        f"CREATE TABLE writers (name {key} PRIMARY KEY)",
        "CREATE TABLE themes (id INTEGER PRIMARY KEY)",
        f"CREATE TABLE about (name {foreign}, theme INTEGER, PRIMARY KEY (name, theme),"
        " FOREIGN KEY (name) REFERENCES writers (name),"
        " FOREIGN KEY (theme) REFERENCES themes (id))",
        "INSERT INTO writers VALUES ('Ada'), ('Bo')",
        "INSERT INTO themes VALUES (1), (2), (3)",
        f"INSERT INTO about VALUES ('{one}', 1), ('{other}', 2), ('{one}', 3), ('Bo', 1)",
    )
    db = SQLSoup(engine, relationships=True)
    ada, (first, second, third) = db.writers.get("Ada"), db.themes.order_by(db.themes.id)
    ada.themes.remove(second)
    first.writers.remove(ada)
    db.commit()
    assert ada.themes == [third]
    assert [row.name.strip() for row in first.writers] == ["Bo"]
    ada.themes.clear()
    db.commit()
    assert db.execute("SELECT theme FROM about").all() == [(1,)]


def test_loading_by_numbers_as_text(lite: sa.Engine) -> None:
    """SQLite finds the row 1 for the text '1'."""
    run(
        lite,
        "CREATE TABLE writers (id INTEGER PRIMARY KEY)",
        "CREATE TABLE texts (id INTEGER PRIMARY KEY, writer TEXT REFERENCES writers)",
        "INSERT INTO writers VALUES (1)",
        "INSERT INTO texts VALUES (7, '1')",
    )
    db = SQLSoup(lite, relationships=True)
    text = db.texts.options(orm.selectinload(db.texts.writers)).one()
    assert text.writers is db.writers.get(1)


def test_loading_by_other_keys_needs_no_join(db: SQLSoup) -> None:
    """Keys that Python can compare are looked up as ever."""
    query = db.loans.options(orm.selectinload(db.loans.book))
    statements: list[str] = []
    event.listen(db.bind, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert {loan.book.title for loan in query} == {"Mustards", "Soups"}
    assert "JOIN" not in statements[-1]
