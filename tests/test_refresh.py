"""Schemas that change while a program runs."""

from __future__ import annotations

import copy

import pytest
import sqlalchemy as sa

import sqlsoup
from sqlsoup._reflect import forget


def change(engine, *statements):
    """Do something to the database from outside."""
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


FORGET = {
    "del db[name]": lambda db: db.__delitem__("users"),
    "del db._cache[name]": lambda db: db._cache.__delitem__("users"),
    "refresh": sqlsoup.refresh,
}


@pytest.mark.parametrize("forget", FORGET.values(), ids=FORGET)
def test_the_next_access_is_afresh(db, engine, forget):
    """A forgotten table is reflected with the columns that it has by then."""
    old = db.users
    change(
        engine,
        "ALTER TABLE users ADD COLUMN town VARCHAR(20)",
        "ALTER TABLE users DROP COLUMN email",
    )
    assert db.users is old
    forget(db)
    assert list(db.users.c.keys()) == ["name", "admin", "town"]
    db.users.get("Bo").town = "Graz"
    db.commit()
    assert repr(db.users.get("Bo")) == "MappedUsers(name='Bo',admin=0,town='Graz')"


def test_what_is_in_use_keeps_working(db):
    """Rows, relationships and foreign keys of other classes survive a forgotten table."""
    db.loans.relate("user", db.users, backref="loans")
    loan, bo = db.loans.get(1), db.users.get("Bo")
    del db["users"]
    assert loan.user is bo
    bo.admin = 1
    loan.day = None
    db.commit()
    assert db.users.get("Bo").admin == 1
    assert db.loans.join(db.users).count() == 2
    assert db.join(db.loans, db.users).count() == 2
    db.loans.relate("user", db.users, backref="loans")
    assert type(db.loans.get(1).user) is db.users
    assert len(db.users.get("Bo").loans) == 2


@pytest.mark.parametrize(
    "forget",
    [sqlsoup.refresh, lambda db: [db.__delitem__(name) for name in [*db._cache]]],
    ids=["refresh", "del db[name]"],
)
def test_relationships_of_a_class_that_is_in_use(engine, forget):
    """A class that was forgotten has the relationships that are first used after that."""
    db = sqlsoup.SQLSoup(engine, relationships=True)
    books, loans, tags, users = db.books, db.loans, db.tags, db.users
    forget(db)
    assert [loan.book.title for loan in users.get("Bo").loans] == ["Mustards", "Soups"]
    assert type(books.get(1).loans) is db.loans
    assert [tag.word for tag in books.get(1).tags] == ["food", "hot"]
    assert {type(book) for book in tags.get("food").books} == {db.books}
    assert type(loans.first().book) is db.books
    assert books.filter(books.loans.has(user_name="Bo")).count() == 2
    assert [loan.book.id for loan in db.users.get("Bo").loans] == [1, 3]


def test_a_relationship_while_others_refresh(engine, monkeypatch):
    """One that is first used in the middle of that is whole all the same."""
    db = sqlsoup.SQLSoup(engine, relationships=True)
    users, books = db.users, db.books
    sqlsoup.refresh(db)
    find = db._implied._class_for

    def find_and_refresh(*where):
        found = find(*where)
        sqlsoup.refresh(db)
        return found

    monkeypatch.setattr(db._implied, "_class_for", find_and_refresh)
    assert [loan.book_id for loan in users.get("Bo").loans] == [1, 3]
    assert [tag.word for tag in books.get(1).tags] == ["food", "hot"]


def test_a_join_of_classes_that_are_in_use(db):
    """Classes that were forgotten together can still be joined."""
    users, loans = db.users, db.loans
    sqlsoup.refresh(db)
    assert db.join(users, loans).count() == 2
    assert users.join(loans).count() == 2
    assert db.join(db.users, db.loans).count() == 2


def test_dropped_and_made_again(db, engine):
    """A table that was dropped is missing; one that was made meanwhile is found."""
    with pytest.raises(sqlsoup.NoSuchTableError, match=r"^shops: "):
        _ = db.shops
    change(engine, "CREATE TABLE shops (id INTEGER PRIMARY KEY)")
    assert list(db.shops.c.keys()) == ["id"]
    db.rollback()
    change(engine, "DROP TABLE shops")
    del db["shops"]
    with pytest.raises(sqlsoup.NoSuchTableError, match=r"^shops: "):
        _ = db.shops
    assert "shops" not in db._metadata.tables


def test_nothing_to_forget(soup):
    """A name that has no class is a KeyError."""
    with pytest.raises(KeyError, match="users"):
        del soup["users"]


def test_refresh_forgets_keyless_tables_too(soup, lite):
    """refresh() forgets tables that could not be mapped."""
    with pytest.raises(sqlsoup.SQLSoupError, match="'visits' does not have a primary key"):
        _ = soup.visits
    change(lite, "DROP TABLE visits", "CREATE TABLE visits (day INTEGER PRIMARY KEY)")
    sqlsoup.refresh(soup)
    assert list(soup.visits.c.keys()) == ["day"]


def test_a_table_that_was_brought_stays(lite):
    """Forgetting the class of a Table of one's own leaves the Table in its MetaData."""
    metadata = sa.MetaData()
    mine = sa.Table("users", metadata, sa.Column("name", sa.String(40), primary_key=True))
    metadata.bind = lite
    db = sqlsoup.SQLSoup(metadata)
    first = db.users
    del db["users"]
    assert db.users is not first
    assert db.users._table is mine


def test_the_class_is_an_attribute_until_it_is_forgotten(soup):
    """A table looks like an attribute, which nevertheless cannot be deleted."""
    users = soup.users
    with pytest.raises(AttributeError, match="use del db\\['users'\\]"):
        del soup.users
    soup.note = 5
    del soup.note
    del soup["users"]
    assert soup.users is not users


def test_ways_out_of_the_cache(soup):
    """Whatever changes the cache changes the attribute."""
    users, books = soup.users, soup.books
    soup._cache |= {"users": books}
    assert soup.users is books
    assert soup._cache.popitem() == ("books", books)
    assert soup.books is not books
    soup._cache = {"users": users}
    assert soup.users is users
    assert list(soup._cache) == ["users"]
    assert soup._cache.pop("nothing", 5) == 5


def test_a_copy_forgets_with_the_original(soup):
    """A copy shares the cache: what is forgotten in one is forgotten in both."""
    users = soup.users
    copied = copy.copy(soup)
    assert copied.users is users
    del soup["users"]
    assert copied.users is soup.users is not users


def test_schema_and_what_was_hung_by_hand(soup):
    """db.schema does not keep a selectable from its name; schema= asks for a table."""
    named = soup.map_to("named", selectable=sa.select(soup.users._table))
    soup.schema = "main"
    assert soup.named is named
    assert soup.users._table.schema == "main"
    with pytest.raises(sqlsoup.NoSuchTableError, match=r"^main\.named: "):
        soup.entity("named", schema="main")


def test_a_table_that_another_class_has_stays(soup):
    """Forgetting one of two classes of a table leaves the other what it joins by."""
    books = soup.books
    soup.map_to("works", tablename="books")
    del soup["works"]
    assert soup.books is books
    assert soup.join(soup.books, soup.loans).count() == 2


def test_a_copy_of_the_users_own(soup):
    """A table that was copied into another MetaData is not forgotten with the original."""
    other = sa.MetaData()
    copied = soup.users._table.to_metadata(other)
    cls = soup.map(copied)
    soup._cache["copy"] = cls
    del soup["copy"]
    assert other.tables["users"] is copied


def test_a_selectable_is_forgotten(soup):
    """A name given to a selectable is free again; its tables stay as they are."""
    users = soup.users
    soup.map_to(
        "people",
        selectable=sa.select(users.name).subquery("people"),
        mapper_args={"primary_key": ["name"]},
    )
    del soup["people"]
    assert soup.users is users
    assert "people" not in soup


def test_a_table_that_took_the_place_of_another_stays(soup):
    """A thread that forgets a table which another reflected anew since takes nothing out."""
    old = soup.users._table
    del soup["users"]
    new = soup.users._table
    forget(old)
    assert new is not old
    assert soup._metadata.tables["users"] is new
