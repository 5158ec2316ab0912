"""What a scenario works with, and the few calls that SQLAlchemy 1.3 and 2 spell differently.

Everything here runs with SQLAlchemy 1.3 as well as with 2.0 and 2.1, and nothing here touches
sqlsoup: the scenarios call that themselves, the way a program written for sqlsoup 0.9 does.
"""

import datetime as dt
import decimal
import os
import re
import sqlite3
import threading

import sqlalchemy
from sqlalchemy import event

SQLALCHEMY_2 = not sqlalchemy.__version__.startswith("1.")

WORKSHOP = """
CREATE TABLE member (
    id INTEGER PRIMARY KEY,
    name VARCHAR(40) NOT NULL,
    email VARCHAR(60) UNIQUE,
    points INTEGER DEFAULT 5,
    sponsor_id INTEGER REFERENCES member (id)
);
CREATE TABLE tool (
    code VARCHAR(10) NOT NULL PRIMARY KEY,
    title VARCHAR(40) NOT NULL,
    price INTEGER,
    shelf VARCHAR(10)
);
CREATE TABLE lending (
    member_id INTEGER NOT NULL REFERENCES member (id),
    tool_code VARCHAR(10) NOT NULL REFERENCES tool (code),
    since VARCHAR(10),
    weeks INTEGER,
    PRIMARY KEY (member_id, tool_code)
);
CREATE TABLE skill (
    id INTEGER PRIMARY KEY,
    title VARCHAR(20) NOT NULL
);
CREATE TABLE member_skill (
    member_id INTEGER NOT NULL REFERENCES member (id),
    skill_id INTEGER NOT NULL REFERENCES skill (id),
    PRIMARY KEY (member_id, skill_id)
);
CREATE TABLE repair (
    id INTEGER PRIMARY KEY,
    tool_code VARCHAR(10) REFERENCES tool (code),
    note VARCHAR(40),
    cost FLOAT
);
CREATE TABLE slot (
    room INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    booked_by VARCHAR(40),
    PRIMARY KEY (room, hour)
);
CREATE TABLE scrap (kind VARCHAR(10), kilos INTEGER);
CREATE VIEW dear AS SELECT code, title, price FROM tool WHERE price >= 100;

INSERT INTO member VALUES (1, 'Ada', 'ada@shed.example', 30, NULL);
INSERT INTO member VALUES (2, 'Bo', 'bo@shed.example', 12, 1);
INSERT INTO member VALUES (3, 'Cleo', NULL, 20, 1);
INSERT INTO tool VALUES ('DRILL', 'hammer drill', 140, 'A1');
INSERT INTO tool VALUES ('LATHE', 'wood lathe', 1200, 'F1');
INSERT INTO tool VALUES ('LEVEL', 'spirit level', 20, NULL);
INSERT INTO tool VALUES ('SAW', 'jig saw', 90, 'A2');
INSERT INTO lending VALUES (1, 'SAW', '2024-03-01', 2);
INSERT INTO lending VALUES (2, 'DRILL', '2024-03-05', 1);
INSERT INTO lending VALUES (2, 'LEVEL', '2024-03-07', NULL);
INSERT INTO skill VALUES (1, 'turning');
INSERT INTO skill VALUES (2, 'welding');
INSERT INTO skill VALUES (3, 'carving');
INSERT INTO member_skill VALUES (1, 1);
INSERT INTO member_skill VALUES (1, 3);
INSERT INTO member_skill VALUES (2, 2);
INSERT INTO repair VALUES (1, 'SAW', 'new blade', 12.5);
INSERT INTO repair VALUES (2, 'SAW', 'new cord', 8.0);
INSERT INTO repair VALUES (3, 'LATHE', 'belt', 55.25);
INSERT INTO slot VALUES (1, 9, 'Ada');
INSERT INTO slot VALUES (1, 10, NULL);
INSERT INTO slot VALUES (2, 9, 'Cleo');
INSERT INTO scrap VALUES ('wood', 12);
INSERT INTO scrap VALUES ('iron', 30);
"""


class Bench:
    """A fresh SQLite file with the workshop's tables, and ways to look at it from outside."""

    def __init__(self, folder):
        self.folder = folder
        self.statements = []
        self._engines = []
        self._engine = None
        self.path = self.database("workshop")
        self.url = "sqlite:///" + self.path

    def database(self, name, script=WORKSHOP):
        """Make one more SQLite file; its path."""
        path = os.path.join(self.folder, name + ".db")
        run(path, script)
        return path

    def sql(self, script):
        """Run and commit a script behind the library's back, on a connection of its own."""
        run(self.path, script)

    def stored(self, query, path=None):
        """The committed rows that a stranger's connection sees."""
        connection = sqlite3.connect(path or self.path)
        try:
            return [list(row) for row in connection.execute(query)]
        finally:
            connection.close()

    def new_engine(self, url=None, **options):
        """An engine whose statements go to ``statements`` and which is disposed at the end."""
        engine = sqlalchemy.create_engine(url or self.url, **options)

        def note(connection, cursor, statement, parameters, context, executemany):
            self.statements.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        self._engines.append(engine)
        return engine

    @property
    def engine(self):
        """The scenario's usual engine."""
        if self._engine is None:
            self._engine = self.new_engine()
        return self._engine

    def attached(self, name, script):
        """An engine on the workshop with another SQLite file attached as the schema ``name``."""
        path = self.database(name, script)
        engine = self.new_engine()

        def attach(dbapi_connection, record):
            dbapi_connection.execute("ATTACH DATABASE '%s' AS %s" % (path, name))

        event.listen(engine, "connect", attach)
        return engine

    def clean(self, text):
        """A text without this run's addresses, paths and SQLAlchemy's link lines."""
        text = text.replace(self.folder, "<folder>")
        text = re.sub(r"0x[0-9a-fA-F]+", "0x?", text)
        return re.sub(r"\s*\(Background on this error at: [^)]*\)", "", text)

    def attempt(self, call, message=True):
        """What ``call()`` returned, or class and whole message of the error it raised."""
        try:
            value = call()
        except Exception as error:
            answer = {"raised": full_name(type(error))}
            if message:
                answer["message"] = self.clean(str(error))
            return answer
        return {"returned": value}

    def raises(self, call, kind):
        """True when ``call()`` raised an error of that kind, else what came instead."""
        try:
            value = call()
        except kind:
            return True
        except Exception as error:
            return "%s: %s" % (full_name(type(error)), self.clean(str(error)))
        return {"returned": value}

    def plain(self, value):
        """Any answer as JSON data; a mapped row becomes its repr()."""
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, str):
            return self.clean(str(value))
        if isinstance(value, dict):
            return {str(key): self.plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.plain(item) for item in value]
        if isinstance(value, (decimal.Decimal, dt.date, dt.time, bytes)):
            return "%s %s" % (type(value).__name__, value)
        return self.clean(repr(value))

    def close(self):
        """Dispose of all engines."""
        for engine in self._engines:
            engine.dispose()


def run(path, script):
    """Run a script on an SQLite file and commit it."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA synchronous=OFF")
        connection.executescript(script)
    finally:
        connection.close()


def full_name(kind):
    """``sqlalchemy.NoSuchTableError``, ``sqlsoup.ArgumentError``, ``TypeError``: package and class."""
    package = kind.__module__.partition(".")[0]
    return kind.__name__ if package == "builtins" else package + "." + kind.__name__


def tuples(result):
    """Result rows as plain lists."""
    return [list(row) for row in result]


def in_thread(call):
    """Run ``call`` in another thread; its value, or the error as a text."""
    box = []

    def work():
        try:
            box.append(call())
        except Exception as error:
            box.append("%s: %s" % (type(error).__name__, error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return box[0]


# ---- what SQLAlchemy 1.3 and 2 spell differently


def select(*columns):
    """``select()`` of some columns."""
    return sqlalchemy.select(*columns) if SQLALCHEMY_2 else sqlalchemy.select(list(columns))


def reflected(name, metadata, engine, *columns, **options):
    """A Table read from the database, ``columns`` overriding what it says."""
    if not SQLALCHEMY_2:
        options["autoload"] = True
    return sqlalchemy.Table(name, metadata, *columns, autoload_with=engine, **options)


def bound_metadata(engine):
    """A MetaData that knows its engine, set as an attribute as SQLAlchemy 2 leaves no other way."""
    metadata = sqlalchemy.MetaData()
    metadata.bind = engine
    return metadata
