"""Values of each type, as SQLSoup gives and takes them; it runs on SQLSoup 0.9.1 too.

``values-0.9.1.json`` has the values in SQL, by database and type, each with what SQLSoup 0.9.1 on
SQLAlchemy 1.3.24 answers: the value; what is stored when it is written back, or null if that is
what was stored before; and how many rows a condition finds by it.  An answer that begins with ``!``
is an error.
"""

import json
import os
import warnings
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine.url import make_url
from sqlalchemy.orm import scoped_session, sessionmaker
from sqlalchemy.orm.attributes import flag_modified

import sqlsoup

RECORDED = Path(__file__).parent / "values-0.9.1.json"
NAME = f"sqlsoup_values_{os.getpid()}"
KEYS = {"sqlite": "INTEGER", "postgresql": "SERIAL", "mysql": "INT AUTO_INCREMENT"}
IN_ARRAYS = {
    *("boolean", "integer", "numeric", "text", '"char"', "bytea", "date", "uuid", "json", "money"),
    *("citext", "bit", "tsvector", "oid", "macaddr", "int4range", "tstzrange", "hstore", "mood"),
    *("pair", "floatrange", "int4multirange", "xml"),
}
"""Types of PostgreSQL of which arrays and domains are tried as well: one of each kind."""
TEXTS = {"sqlite": "quote(v)", "postgresql": "v::text", "mysql": "CAST(v AS CHAR)"}
SHAPES = ("GEOM", "LINE", "POINT", "POLYGON")
SETUP = {
    "postgresql": """CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree;
        CREATE TYPE mood AS ENUM ('ok', 'so so', 'it''s'); CREATE TYPE pair AS (a int, b text);
        CREATE TYPE floatrange AS RANGE (subtype = float8,
            multirange_type_name = floatmultirange)"""
}


def send(engine, *statements):
    """Execute statements by the driver alone, and return the rows of the last."""
    connection = engine.raw_connection()
    cursor = connection.cursor()
    try:
        for statement in statements:
            cursor.execute(statement)
        rows = cursor.fetchall() if cursor.description else []
        connection.commit()
    finally:
        cursor.close()
        connection.close()
    return rows


def shown(value):
    """Return what a value is, in whatever kind of list, dict or set."""
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, set):
        return f"{{{', '.join(sorted(map(shown, value)))}}}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {shown(each)}' for key, each in value.items())}}}"
    return repr(value)


class Table:
    """A table with a column ``v`` of some type, one row for each value in SQL."""

    def __init__(self, engine, name, ddl, values):
        self.engine, self.name = engine, name
        backend = engine.dialect.name
        is_shape = backend == "mysql" and any(word in ddl for word in SHAPES)
        self.text = "HEX(v)" if is_shape else TEXTS[backend]
        send(
            engine,
            f"CREATE TABLE {name} (id {KEYS[backend]} PRIMARY KEY, v {ddl})",
            *(f"INSERT INTO {name} (v) VALUES ({value})".replace("%", "%%") for value in values),
        )
        self.db = sqlsoup.SQLSoup(engine, session=scoped_session(sessionmaker(bind=engine)))
        self.cls = getattr(self.db, name)

    def answers(self, key):
        """Return the value of a row, what is stored when it is written back, and what it finds."""
        found = [self.tried(step, key) for step in (self.value, self.stored, self.found)]
        self.db.session.remove()
        return found

    def tried(self, step, key):
        """Return what a step gives, or the name of the error."""
        try:
            return step(key)
        except Exception as error:  # noqa: BLE001 - it is the answer
            self.db.rollback()
            return f"!{type(error).__name__}"

    def value(self, key):
        """Return the value in a row, in a query of the column and in a statement."""
        column, place = self.cls._table.c.v, self.cls._table.c.id == key
        statement = sa.select([column]) if sa.__version__ < "2" else sa.select(column)
        found = {
            shown(self.row(key).v): "row",
            shown(self.db.session.query(self.cls.v).filter(place).scalar()): "query",
            shown(self.db.session.execute(statement.where(place)).scalar()): "statement",
        }
        return next(iter(found)) if len(found) == 1 else str(found)

    def row(self, key):
        """Return a row."""
        return self.cls.filter_by(id=key).one()

    def stored(self, key):
        """Write the value back, and return what is in the database then, if that is another."""
        before, row = self.in_database(key), self.row(key)
        flag_modified(row, "v")
        self.db.commit()
        after = self.in_database(key)
        self.db.session.remove()
        return None if after == before else after

    def in_database(self, key):
        """Return what is in the database, as text."""
        ((text,),) = send(self.engine, f"SELECT {self.text} FROM {self.name} WHERE id = {key}")
        return text.hex() if isinstance(text, bytes) else text

    def found(self, key):
        """Return how many of one row a condition finds by its value."""
        return self.cls.filter(self.cls.id == key, self.cls.v == self.row(key).v).count()


def written(recorded):
    """Return a recording as JSON, a line for each value."""
    lines = []
    for backend, types in recorded.items():
        lines.append(f"{quoted(backend)}: {{")
        for ddl, values in types.items():
            lines.append(f" {quoted(ddl)}: {{")
            lines += [f"  {quoted(value)}: {quoted(found)}," for value, found in values.items()]
            lines[-1] = lines[-1][:-1]
            lines.append(" },")
        lines[-1] = " }"
        lines.append("},")
    return "\n".join(["{", *lines[:-1], "}", "}", ""])


def quoted(value):
    """Return a value as JSON."""
    return json.dumps(value, ensure_ascii=False)


def forms(backend, place, ddl, values):
    """Give a type, and a domain and arrays of it, with their values."""
    if backend != "postgresql":
        yield ddl, values
        return
    values = [f"({value})::{ddl}" for value in values]
    yield ddl, values
    if ddl not in IN_ARRAYS:
        return
    first = values[:1]
    yield f"d{place}", first
    for item in (ddl, f"d{place}"):
        yield f"{item}[]", [f"ARRAY[{value}, NULL]::{item}[]" for value in first]


def answers(engine, recorded):
    """Return the answers for values of types; those of an array and a domain follow the first."""
    found = {}
    for place, (ddl, values) in enumerate(recorded.items()):
        if engine.dialect.name == "postgresql":
            send(engine, f"CREATE DOMAIN d{place} AS {ddl}")
        found[ddl] = {value: [] for value in values}
        for number, (kind, literals) in enumerate(
            forms(engine.dialect.name, place, ddl, list(values))
        ):
            table = Table(engine, f"t{place}_{number}", kind, literals)
            for key, value in enumerate(list(values)[: len(literals)], start=1):
                found[ddl][value] += table.answers(key)
    return found


def answers_on(url, only=None):
    """Return the answers on a server, in a new database: of all types, or of some."""
    url = make_url(url)
    backend = url.get_backend_name()
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))[backend]
    recorded = {ddl: recorded[ddl] for ddl in only or recorded}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if backend == "sqlite":
            return answers_in(sa.create_engine("sqlite://"), recorded)
        admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {NAME}"))
        try:
            if backend == "postgresql":
                unsafe = f"ALTER DATABASE {NAME} SET synchronous_commit = off"
                with admin.connect() as connection:
                    connection.execute(sa.text(unsafe))
                made = engine_for(url)
                send(made, SETUP[backend])
                made.dispose()  # a connection is to know the extensions from its beginning
            return answers_in(engine_for(url), recorded)
        finally:
            with admin.connect() as connection:
                connection.execute(sa.text(f"DROP DATABASE {NAME}"))
            admin.dispose()


def engine_for(url):
    """Return an engine on the new database."""
    if hasattr(url, "set"):
        return sa.create_engine(url.set(database=NAME))
    own = make_url(str(url))
    own.database = NAME
    return sa.create_engine(own)


def answers_in(engine, recorded):
    """Return the answers on an engine, which is disposed of."""
    try:
        return answers(engine, recorded)
    finally:
        engine.dispose()
