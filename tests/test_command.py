"""The tour."""

from __future__ import annotations

from sqlsoup.command import main

AFTER_THE_ENGINE = """
Reflect: the first use of db.users reads the table's columns and keys.
  db.users.c.keys() -> ['name', 'admin']

Query: every method of SQLAlchemy's Query is on the class.
  admins -> [MappedUsers(name='Ada',admin=1)]

Insert: a row has its key after a flush, and is stored by commit().
  book -> MappedBooks(id=3,title='Stock and Bones')

Join: a row has the columns of both tables.
  A History of Mustard -> Bo
  Stock and Bones -> Ada

Relate: a foreign key becomes an attribute, and a list on the other side.
  Bo has -> ['A History of Mustard']

Commit, and look from outside:
   [('Ada', 1), ('Bo', 1)]
"""


def test_tour(capsys):
    """The tour shows what it says, on a database that it makes itself."""
    assert main([]) == 0
    engine, _, rest = capsys.readouterr().out.partition("\n")
    assert engine.startswith("db = SQLSoup(MetaData(bind=Engine(sqlite:///")
    assert rest == AFTER_THE_ENGINE
