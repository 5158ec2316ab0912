"""A short tour on a SQLite database that it makes itself."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import sqlsoup

SCHEMA = """
CREATE TABLE users (name TEXT PRIMARY KEY, admin INTEGER DEFAULT 0);
CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT NOT NULL);
CREATE TABLE loans (
    user_name TEXT REFERENCES users (name),
    book_id INTEGER PRIMARY KEY REFERENCES books (id)
);
INSERT INTO users VALUES ('Ada', 1), ('Bo', 0);
INSERT INTO books (title) VALUES ('A History of Mustard'), ('Regional Soups');
INSERT INTO loans VALUES ('Bo', 1);
"""


def tour(path: Path) -> None:
    """Print what SQLSoup does with the database in a file."""
    db = sqlsoup.SQLSoup(f"sqlite:///{path}")
    print(f"db = {db!r}")

    print("\nReflect: the first use of db.users reads the table's columns and keys.")
    print("  db.users.c.keys() ->", db.users.c.keys())

    print("\nQuery: every method of SQLAlchemy's Query is on the class.")
    print("  admins ->", db.users.filter(db.users.admin == 1).all())

    print("\nInsert: a row has its key after a flush, and is stored by commit().")
    book = db.books.insert(title="Stock and Bones")
    db.flush()
    db.loans.insert(book_id=book.id, user_name="Ada")
    db.commit()
    print("  book ->", book)

    print("\nJoin: a row has the columns of both tables.")
    for row in db.join(db.books, db.loans).order_by(db.books.title):
        print(f"  {row.title} -> {row.user_name}")

    print("\nRelate: a foreign key becomes an attribute, and a list on the other side.")
    db.loans.relate("book", db.books, backref="loans")
    db.users.relate("loans", db.loans)
    print("  Bo has ->", [loan.book.title for loan in db.users.get("Bo").loans])

    print("\nCommit, and look from outside:")
    db.users.get("Bo").admin = 1
    db.commit()
    db.session.close()
    db.engine.dispose()
    with closing(sqlite3.connect(path)) as connection:
        print("  ", connection.execute("SELECT name, admin FROM users ORDER BY name").fetchall())


def tour_of_a_library() -> None:
    """Take the tour on a database in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "library.db")
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(SCHEMA)
        tour(path)
