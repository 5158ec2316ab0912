"""The ways to a table that are compared, each doing the same work as its users would.

A class imports its library when it is made.  ``first`` is the way from nothing to the first row of
a table; the other methods work with the rows of the tables ``people`` and ``items``.
"""

from __future__ import annotations

from typing import Any

VALUES = {"name": "new", "email": "new@example.org", "age": 40}


class Contestant:
    """What all have in common."""

    def __init__(self, url: str) -> None:
        self.url = url

    def prepare(self, table: str) -> None:
        """Do what a program has done before it opens the database."""

    def end(self) -> None:
        """Forget the rows and leave the transaction."""


class Driver(Contestant):
    """The database's driver alone."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.sqlite = url.startswith("sqlite")
        if self.sqlite:
            import sqlite3 as driver
        else:
            import psycopg2 as driver
        self.driver: Any = driver
        self.mark = "?" if self.sqlite else "%s"

    def open(self) -> None:
        """Connect."""
        where = self.url.removeprefix("sqlite:///") if self.sqlite else self.url
        self.connection = self.driver.connect(where)
        self.cursor = self.connection.cursor()

    def first(self, table: str) -> Any:
        """Return the first row of a table."""
        self.open()
        self.cursor.execute(f"SELECT * FROM {table} LIMIT 1")
        return self.cursor.fetchone()

    def load(self) -> Any:
        """Load all people."""
        self.cursor.execute("SELECT * FROM people")
        return self.cursor.fetchall()

    def dicts(self) -> Any:
        """Load all people as dicts."""
        self.cursor.execute("SELECT * FROM people")
        names = [column[0] for column in self.cursor.description]
        return [dict(zip(names, row, strict=True)) for row in self.cursor.fetchall()]

    def get(self, keys: list[int]) -> Any:
        """Load people one by one."""
        statement = f"SELECT * FROM people WHERE id = {self.mark}"
        for key in keys:
            self.cursor.execute(statement, (key,))
            row = self.cursor.fetchone()
        return row

    def insert(self, count: int) -> None:
        """Store new items."""
        marks = ", ".join([self.mark] * 3)
        statement = f"INSERT INTO items (name, email, age) VALUES ({marks})"
        self.cursor.executemany(statement, [tuple(VALUES.values()) for _ in range(count)])
        self.connection.commit()

    def items(self) -> Any:
        """Load all items, or their keys, to work on."""
        self.cursor.execute("SELECT id FROM items")
        return self.cursor.fetchall()

    def update(self, items: list[Any]) -> None:
        """Change each item."""
        statement = f"UPDATE items SET name = {self.mark} WHERE id = {self.mark}"
        self.cursor.executemany(statement, [("changed", key) for (key,) in items])
        self.connection.commit()

    def delete(self, items: list[Any]) -> None:
        """Delete each item."""
        self.cursor.executemany(f"DELETE FROM items WHERE id = {self.mark}", items)
        self.connection.commit()

    def end(self) -> None:
        """Leave the transaction."""
        self.connection.rollback()

    def close(self) -> None:
        """Disconnect."""
        self.connection.close()


class _Alchemy(Contestant):
    def __init__(self, url: str) -> None:
        super().__init__(url.replace("postgresql:", "postgresql+psycopg2:"))
        import sqlalchemy as sa
        from sqlalchemy import orm

        if not url.startswith("sqlite"):
            import psycopg2.extras  # noqa: F401 - SQLAlchemy imports it when it connects

        self.sa, self.orm = sa, orm
        sa.create_engine(self.url).dispose()  # imports the dialect

    def close(self) -> None:
        """Disconnect."""
        self.end()
        self.engine.dispose()


class OneTable(_Alchemy):
    """SQLAlchemy's Core on a single reflected table."""

    def _table(self, name: str) -> Any:
        metadata = self.sa.MetaData()
        return self.sa.Table(name, metadata, autoload_with=self.engine, resolve_fks=False)

    def first(self, table: str) -> Any:
        """Return the first row of a table."""
        self.engine = self.sa.create_engine(self.url)
        found = self._table(table)
        with self.engine.connect() as connection:
            return connection.execute(found.select().limit(1)).first()

    def open(self) -> None:
        """Reflect the tables of the work with rows."""
        self.engine = self.sa.create_engine(self.url)
        self.people, self.all_items = self._table("people"), self._table("items")

    def load(self) -> Any:
        """Load all people."""
        with self.engine.connect() as connection:
            return connection.execute(self.people.select()).all()

    def get(self, keys: list[int]) -> Any:
        """Load people one by one."""
        table = self.people
        with self.engine.connect() as connection:
            for key in keys:
                row = connection.execute(table.select().where(table.c.id == key)).first()
        return row

    def insert(self, count: int) -> None:
        """Store new items."""
        with self.engine.begin() as connection:
            connection.execute(self.all_items.insert(), [VALUES] * count)

    def items(self) -> Any:
        """Load the keys of all items."""
        with self.engine.connect() as connection:
            rows = connection.execute(self.sa.select(self.all_items.c.id.label("key")))
            return [dict(row) for row in rows.mappings()]

    def _is_key(self) -> Any:
        return self.all_items.c.id == self.sa.bindparam("key")

    def update(self, items: list[Any]) -> None:
        """Change each item."""
        with self.engine.begin() as connection:
            change = self.all_items.update().where(self._is_key()).values(name="changed")
            connection.execute(change, items)

    def delete(self, items: list[Any]) -> None:
        """Delete each item."""
        with self.engine.begin() as connection:
            connection.execute(self.all_items.delete().where(self._is_key()), items)


class Declared(_Alchemy):
    """SQLAlchemy's ORM on models declared by hand."""

    def prepare(self, table: str) -> None:
        """Declare the model of a table."""
        self.model = self._model(table)

    def _model(self, table: str, **columns: Any) -> Any:
        sa, column = self.sa, self.orm.mapped_column
        base = self.orm.declarative_base()
        key, name = column(sa.Integer, primary_key=True), column(sa.String(40))
        return type(table, (base,), {"__tablename__": table, "id": key, "name": name, **columns})

    def first(self, table: str) -> Any:
        """Return the first row of a table."""
        self._open()
        return self.session.query(self.model).first()

    def _open(self) -> None:
        self.engine = self.sa.create_engine(self.url)
        self.session = self.orm.Session(self.engine)

    def open(self) -> None:
        """Make a session, and models of the tables with rows."""
        sa, column = self.sa, self.orm.mapped_column
        self._open()
        self.people, self.all_items = (
            self._model(table, email=column(sa.String(60)), age=column(sa.Integer))
            for table in ("people", "items")
        )

    def load(self) -> Any:
        """Load all people."""
        return self.session.scalars(self.sa.select(self.people)).all()

    def get(self, keys: list[int]) -> Any:
        """Load people one by one."""
        for key in keys:
            row = self.session.get(self.people, key)
        return row

    def insert(self, count: int) -> None:
        """Store new items."""
        for _ in range(count):
            self.session.add(self.all_items(name="new", email="new@example.org", age=40))
        self.session.commit()

    def items(self) -> Any:
        """Load all items."""
        return self.session.scalars(self.sa.select(self.all_items)).all()

    def update(self, items: list[Any]) -> None:
        """Change each item."""
        for item in items:
            item.name = "changed"
        self.session.commit()

    def delete(self, items: list[Any]) -> None:
        """Delete each item."""
        for item in items:
            self.session.delete(item)
        self.session.commit()

    def end(self) -> None:
        """Forget the rows and leave the transaction."""
        self.session.close()

    def joined(self) -> Any:
        """Map a join to a new class."""
        if not hasattr(self, "on"):
            metadata = self.people.metadata
            column = self.sa.Column
            self.on = (
                self.people.__table__,
                self.sa.Table(
                    "loans",
                    metadata,
                    column("number", self.sa.Integer, primary_key=True),
                    column("person_id", self.sa.ForeignKey("people.id")),
                ),
            )
        joined = type("Joined", (), {})
        self.orm.registry().map_imperatively(joined, self.sa.join(*self.on))
        return lambda: self.session.query(joined).first()


class Automap(Declared):
    """SQLAlchemy's automap."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        from sqlalchemy.ext.automap import automap_base

        self.base = automap_base

    def prepare(self, table: str) -> None:
        """Declare nothing."""

    def _reflect(self) -> Any:
        self._open()
        base = self.base()
        base.prepare(autoload_with=self.engine)
        return base.classes

    def first(self, table: str) -> Any:
        """Return the first row of a table."""
        model = self._reflect()[table]
        return self.session.query(model).first()

    def relate(self, ties: list[tuple[str, str]]) -> Any:
        """Reflect all tables, and have both relationships of each foreign key."""
        self.db = self._reflect()
        for child, parent in ties:
            for table, attribute in ((child, parent), (parent, f"{child}_collection")):
                found = getattr(self.db[table], attribute).property.mapper
        return found

    def open(self) -> None:
        """Reflect all tables."""
        self.db = self._reflect()
        self.people, self.all_items = self.db["people"], self.db["items"]


class SQLSoup(_Alchemy):
    """SQLSoup; the same program for 1.0 and 0.9."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        import sqlsoup

        self.sqlsoup = sqlsoup

    def open(self) -> None:
        """Make the object."""
        self.db = self.sqlsoup.SQLSoup(self.url)
        self.engine = self.db.engine

    def first(self, table: str) -> Any:
        """Return the first row of a table."""
        self.open()
        return getattr(self.db, table).first()

    def load(self) -> Any:
        """Load all people."""
        return self.db.people.all()

    def get(self, keys: list[int]) -> Any:
        """Load people one by one."""
        for key in keys:
            row = self.db.people.get(key)
        return row

    def insert(self, count: int) -> None:
        """Store new items."""
        for _ in range(count):
            self.db.items.insert(name="new", email="new@example.org", age=40)
        self.db.commit()

    def items(self) -> Any:
        """Load all items."""
        return self.db.items.all()

    def update(self, items: list[Any]) -> None:
        """Change each item."""
        for item in items:
            item.name = "changed"
        self.db.commit()

    def delete(self, items: list[Any]) -> None:
        """Delete each item."""
        for item in items:
            self.db.delete(item)
        self.db.commit()

    def end(self) -> None:
        """Forget the rows and leave the transaction."""
        self.sqlsoup.Session.remove()

    def dicts(self) -> Any:
        """Load all people as dicts, by their class."""
        return self.sqlsoup.as_dicts(self.db.people)

    def dicts_of_query(self) -> Any:
        """Load all people as dicts, by a query."""
        return self.sqlsoup.as_dicts(self.db.people.filter(self.db.people.id > 0))

    def dicts_of_result(self) -> Any:
        """Load all people as dicts, by a statement."""
        return self.sqlsoup.as_dicts(self.db.execute("SELECT * FROM people"))

    def row(self, table: str) -> Any:
        """Return a row."""
        self.open()
        return getattr(self.db, table).first()

    def joined(self) -> Any:
        """Map a join to a new class."""
        return self.db.join(self.db.people, self.db.loans).first


class Related(SQLSoup):
    """SQLSoup with the relationships of foreign keys."""

    def open(self) -> None:
        """Make the object."""
        self.db = self.sqlsoup.SQLSoup(self.url, relationships=True)
        self.engine = self.db.engine

    def relate(self, ties: list[tuple[str, str]]) -> Any:
        """Have both relationships of each foreign key."""
        self.open()
        for child, parent in ties:
            for table, attribute in ((parent, child), (child, parent)):
                found = getattr(self.db[table], attribute).property.mapper
        return found

    def children(self) -> Any:
        """Load the loans of a person, for the first time."""
        return self.person.loans

    def meet(self) -> None:
        """Load a person."""
        self.open()
        self.person = self.db.people.first()


class Reflected(Related):
    """SQLSoup with the relationships of foreign keys, and all tables reflected at once."""

    def open(self) -> None:
        """Make the object and reflect."""
        super().open()
        self.sqlsoup.reflect(self.db)


class _Records(Contestant):
    """A library whose tables give dicts, by the name of the table."""

    def first(self, table: str) -> Any:
        """Return the first row of a table."""
        self.open()
        return self.db[table].find_one()

    def load(self) -> Any:
        """Load all people."""
        return list(self.db["people"].all())

    def get(self, keys: list[int]) -> Any:
        """Load people one by one."""
        for key in keys:
            row = self.db["people"].find_one(id=key)
        return row

    def dicts(self) -> Any:
        """Load all people as dicts."""
        return self.load()

    def items(self) -> Any:
        """Load all items."""
        return list(self.db["items"].all())

    def close(self) -> None:
        """Disconnect."""
        self.db.close()


class Dataset(_Records):
    """The library dataset."""

    def __init__(self, url: str) -> None:
        super().__init__(url.replace("postgresql:", "postgresql+psycopg2:"))
        import dataset
        import sqlalchemy

        if not url.startswith("sqlite"):
            import psycopg2.extras  # noqa: F401

        self.dataset: Any = dataset
        sqlalchemy.create_engine(self.url).dispose()

    def open(self) -> None:
        """Make the object; the database's file is shared and keeps its journal mode."""
        self.db = self.dataset.connect(self.url, sqlite_wal_mode=False)

    def insert(self, count: int) -> None:
        """Store new items."""
        with self.db as db:
            for _ in range(count):
                db["items"].insert(dict(VALUES))

    def update(self, items: list[Any]) -> None:
        """Change each item."""
        with self.db as db:
            for item in items:
                db["items"].update({"id": item["id"], "name": "changed"}, ["id"])

    def delete(self, items: list[Any]) -> None:
        """Delete each item."""
        with self.db as db:
            for item in items:
                db["items"].delete(id=item["id"])

    def end(self) -> None:
        """Leave the transaction."""
        self.db.executable.rollback()


class Peewee(_Records):
    """The DataSet of peewee."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        from playhouse.dataset import DataSet

        self.dataset = DataSet

    def open(self) -> None:
        """Make the object."""
        self.db = self.dataset(self.url)

    def insert(self, count: int) -> None:
        """Store new items."""
        with self.db.transaction():
            for _ in range(count):
                self.db["items"].insert(**VALUES)

    def update(self, items: list[Any]) -> None:
        """Change each item."""
        with self.db.transaction():
            for item in items:
                self.db["items"].update(columns=["id"], id=item["id"], name="changed")

    def delete(self, items: list[Any]) -> None:
        """Delete each item."""
        with self.db.transaction():
            for item in items:
                self.db["items"].delete(id=item["id"])


class Attribute(Contestant):
    """Not a library: an instance attribute of a class that has ``__getattr__``."""

    def open(self) -> None:
        """Make the object."""

        class Holder:
            def __getattr__(self, name: str) -> Any:
                raise AttributeError(name)

        self.db: Any = Holder()
        self.db.people = object

    def close(self) -> None:
        """Do nothing."""


CONTESTANTS: dict[str, type[Any]] = {
    "driver": Driver,
    "declared": Declared,
    "table": OneTable,
    "sqlsoup": SQLSoup,
    "old": SQLSoup,
    "related": Related,
    "reflected": Reflected,
    "peewee": Peewee,
    "dataset": Dataset,
    "automap": Automap,
    "attribute": Attribute,
}
