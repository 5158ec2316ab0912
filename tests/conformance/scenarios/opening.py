"""Making a soup, and what it knows of its engine, session and base class."""

import inspect

import sqlalchemy
from bench import bound_metadata, full_name, reflected
from sqlalchemy import event
from sqlalchemy.engine.url import make_url
from sqlalchemy.orm import scoped_session, sessionmaker

import sqlsoup


def url_text(bench):
    """A URL as text makes an engine."""
    db = sqlsoup.SQLSoup(bench.url)
    return [
        db.engine.dialect.name,
        db.engine is db.bind,
        str(db.engine.url),
        db.tool.order_by(db.tool.code).first(),
    ]


def url_object(bench):
    """A URL object in place of a text."""
    return bench.attempt(lambda: sqlsoup.SQLSoup(make_url(bench.url)).member.count())


def engine_as_given(bench):
    """An engine is used as it is: ``engine`` and ``bind`` are the very object."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [db.engine is bench.engine, db.bind is bench.engine, db.member.get(2)]


def memory_database(bench):
    """A database that lives in memory, filled through the soup itself."""
    db = sqlsoup.SQLSoup("sqlite://")
    db.execute("CREATE TABLE peg (id INTEGER PRIMARY KEY, colour VARCHAR(10))")
    db.commit()
    db.peg.insert(colour="red")
    db.commit()
    return [db.peg.all(), repr(db)]


def metadata_with_bind(bench):
    """A MetaData that has a bind brings its engine along."""
    metadata = bound_metadata(bench.engine)
    db = sqlsoup.SQLSoup(metadata)
    row = db.member.get(1)
    return [
        db._metadata is metadata,
        db.bind is bench.engine,
        db.engine is bench.engine,
        row,
        list(metadata.tables)[:1],
    ]


def metadata_with_tables(bench):
    """A Table that the MetaData already holds is mapped as it stands, fewer columns and all."""
    metadata = bound_metadata(bench.engine)
    table = sqlalchemy.Table(
        "member",
        metadata,
        sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True),
        sqlalchemy.Column("name", sqlalchemy.String(40)),
    )
    db = sqlsoup.SQLSoup(metadata)
    first = db.member(name="Dora")
    db.member.insert(name="Emil")
    db.commit()
    return [db.member._table is table, db.member.order_by(db.member.id).all(), first.id]


def metadata_table_with_override(bench):
    """A view gets a key when it is loaded into the MetaData with a column that is declared as one."""
    metadata = bound_metadata(bench.engine)
    reflected(
        "dear",
        metadata,
        bench.engine,
        sqlalchemy.Column("code", sqlalchemy.String(10), primary_key=True),
    )
    db = sqlsoup.SQLSoup(metadata)
    return [db.dear.order_by("code").all(), db.dear.get("LATHE").price]


def two_soups_one_metadata(bench):
    """Two soups on one MetaData share the Table but not the class."""
    metadata = bound_metadata(bench.engine)
    one, two = sqlsoup.SQLSoup(metadata), sqlsoup.SQLSoup(metadata)
    return [
        one.tool is two.tool,
        one.tool._table is two.tool._table,
        one.tool.get("SAW"),
        two.tool.get("SAW"),
    ]


def wrong_first_argument(bench):
    """Things that lead to no database."""
    return [
        bench.attempt(lambda thing=thing: sqlsoup.SQLSoup(thing))
        for thing in (None, 42, ["sqlite://"], b"x")
    ]


def wrong_url(bench):
    """Texts that are no URL, or name no dialect, fail with SQLAlchemy's errors."""
    return [
        bench.raises(lambda: sqlsoup.SQLSoup("workshop.db"), sqlalchemy.exc.ArgumentError),
        bench.raises(lambda: sqlsoup.SQLSoup("abacus://"), sqlalchemy.exc.NoSuchModuleError),
        bench.raises(lambda: sqlsoup.SQLSoup("abacus://"), sqlalchemy.exc.ArgumentError),
    ]


def keyword_arguments(bench):
    """All constructor arguments by name."""

    class Thing:
        pass

    own = scoped_session(sessionmaker())
    db = sqlsoup.SQLSoup(engine_or_metadata=bench.engine, base=Thing, session=own)
    return [db.base is Thing, db.session is own, issubclass(db.tool, Thing), db.tool.count()]


def positional_arguments(bench):
    """All constructor arguments by position."""

    class Thing:
        pass

    own = scoped_session(sessionmaker())
    db = sqlsoup.SQLSoup(bench.engine, Thing, own)
    return [db.base is Thing, db.session is own, db.tool.__mro__[1] is Thing, db.tool.count()]


def fresh_attributes(bench):
    """What a new soup's attributes hold."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        db.base is object,
        db.schema,
        db._cache,
        type(db._cache) is dict,
        isinstance(db._metadata, sqlalchemy.MetaData),
        len(db._metadata.tables),
        db.session is sqlsoup.Session,
    ]


def default_session(bench):
    """The module's Session: a scoped session that flushes by itself and expires rows at commit."""
    db = sqlsoup.SQLSoup(bench.engine)
    session = db.session()
    return [
        isinstance(sqlsoup.Session, scoped_session),
        session is sqlsoup.Session(),
        session.autoflush,
        session.expire_on_commit,
        type(session.query(db.member)).__name__,
    ]


def no_connection_before_use(bench):
    """Making a soup and reading its attributes opens no connection; the first table does."""
    opened = []
    event.listen(bench.engine, "connect", lambda connection, record: opened.append(1))
    db = sqlsoup.SQLSoup(bench.engine)
    repr(db), db.bind, db.engine, db.session, db.schema, db.base
    before = len(opened)
    db.member
    return [before, len(opened) > 0]


def unreachable_database(bench):
    """A database that cannot be opened is noticed at the first table, as the driver's OperationalError."""
    db = sqlsoup.SQLSoup("sqlite:///" + bench.folder + "/no/such/folder/x.db")
    return [
        bench.raises(lambda: db.member, sqlalchemy.exc.OperationalError),
        bench.raises(lambda: db.execute("SELECT 1"), sqlalchemy.exc.OperationalError),
        db._cache,
    ]


def repr_of_soups(bench):
    """What ``repr()`` of a soup looks like."""
    return [
        repr(sqlsoup.SQLSoup("sqlite://")),
        repr(sqlsoup.SQLSoup(bench.engine)),
        str(sqlsoup.SQLSoup(bench.url)),
    ]


def read_only_attributes(bench):
    """``bind`` and ``engine`` cannot be assigned, ``session``, ``base`` and ``schema`` can."""
    db = sqlsoup.SQLSoup(bench.engine)

    def assign(name, value):
        setattr(db, name, value)
        return getattr(db, name) is value

    return {
        name: bench.attempt(lambda name=name, value=value: assign(name, value), message=False)
        for name, value in [
            ("bind", None),
            ("engine", None),
            ("session", scoped_session(sessionmaker())),
            ("base", dict),
            ("schema", "main"),
        ]
    }


def module_names(bench):
    """The names that programs import from the module."""
    names = [
        "SQLSoup",
        "SQLSoupError",
        "ArgumentError",
        "Session",
        "TableClassType",
        "SelectableClassType",
    ]
    return [
        [name for name in names if hasattr(sqlsoup, name)],
        isinstance(sqlsoup.__version__, str),
        issubclass(sqlsoup.TableClassType, sqlsoup.SelectableClassType),
        issubclass(sqlsoup.SelectableClassType, type),
    ]


def error_classes(bench):
    """What the library's own errors derive from."""
    return {
        name: [full_name(kind) for kind in getattr(sqlsoup, name).__mro__ if kind is not object]
        for name in ("SQLSoupError", "ArgumentError")
    }


def signatures(bench):
    """Names, order and plain defaults of the arguments of every public method."""

    def arguments(function):
        spec = inspect.getfullargspec(function)
        defaults = [
            repr(value)
            for value in spec.defaults or ()
            if value is None or isinstance(value, (bool, type))
        ]
        return [spec.args, spec.varargs, spec.varkw, defaults]

    work = ["commit", "rollback", "flush", "delete", "expunge", "expunge_all", "connection"]
    mapping = ["entity", "map_to", "map", "join", "with_labels"]
    return {
        name: arguments(getattr(sqlsoup.SQLSoup, name)) for name in ["__init__"] + work + mapping
    }


def subclass_with_own_init(bench):
    """A subclass that opens its own database and adds a method."""

    class Shed(sqlsoup.SQLSoup):
        def __init__(self, url):
            sqlsoup.SQLSoup.__init__(self, url)
            self.opened = True

        def names(self):
            return [member.name for member in self.member.order_by(self.member.name)]

    db = Shed(bench.url)
    return [db.opened, db.names(), repr(db).partition("(")[0]]


def subclass_with_own_entity(bench):
    """A subclass that renames tables on the way in ``entity``; attribute access goes through it."""
    asked = []

    class Shed(sqlsoup.SQLSoup):
        def entity(self, attr, schema=None):
            asked.append(attr)
            return sqlsoup.SQLSoup.entity(self, attr.lower(), schema)

    db = Shed(bench.engine)
    return [db.MEMBER.get(1), db.entity("TOOL").get("SAW"), asked, sorted(db._cache)]


def subclass_with_own_map_to(bench):
    """A subclass that gives every table a base class in ``map_to``; entity lookups go through it."""

    class Loud:
        def shout(self):
            return self.name.upper()

    class Shed(sqlsoup.SQLSoup):
        def map_to(self, attrname, **arguments):
            arguments["base"] = Loud
            return sqlsoup.SQLSoup.map_to(self, attrname, **arguments)

    db = Shed(bench.engine)
    return [db.member.get(3).shout(), db.member.__mro__[1] is Loud]


def subclass_with_own_getattr(bench):
    """A subclass that adds a prefix to the names in ``__getattr__``."""
    bench.sql(
        "CREATE TABLE app_job (id INTEGER PRIMARY KEY, what TEXT); INSERT INTO app_job VALUES (1, 'sweep')"
    )

    class Shed(sqlsoup.SQLSoup):
        def __getattr__(self, name):
            return self.entity("app_" + name)

    return Shed(bench.engine).job.all()


def subclass_with_methods_over_tables(bench):
    """A property of a subclass hides the table of its name; ``entity`` still reaches that."""

    class Shed(sqlsoup.SQLSoup):
        @property
        def tool(self):
            return "mine"

    db = Shed(bench.engine)
    return [db.tool, db.entity("tool").count()]
