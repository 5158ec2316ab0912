"""Sessions of every kind, several soups, several engines, threads and schemas."""

import gc
import weakref

import sqlalchemy
from bench import in_thread, select, tuples
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import sqlsoup

ANNEX = """
CREATE TABLE bin (id INTEGER PRIMARY KEY, kind VARCHAR(20));
CREATE TABLE tool (serial INTEGER PRIMARY KEY, brand VARCHAR(20));
INSERT INTO bin VALUES (1, 'screws');
INSERT INTO tool VALUES (7, 'Acme');
"""


def _two(bench, **options):
    """Two soups, on the workshop and on an annex."""
    annex = bench.new_engine("sqlite:///" + bench.database("annex", ANNEX))
    return sqlsoup.SQLSoup(bench.engine, **options), sqlsoup.SQLSoup(annex, **options)


def two_engines_one_session(bench):
    """Two soups on two engines share the default session; each row goes to its own database."""
    shop, annex = _two(bench)
    shop.tool.insert(code="VICE", title="bench vice")
    annex.tool.insert(brand="Brill")
    annex.bin.get(1).kind = "nails"
    shop.commit()
    path = bench.folder + "/annex.db"
    return [
        shop.session is annex.session,
        bench.stored("SELECT title FROM tool WHERE code = 'VICE'"),
        bench.stored("SELECT * FROM tool ORDER BY serial", path),
        bench.stored("SELECT * FROM bin", path),
    ]


def rollback_over_two_engines(bench):
    """One rollback undoes the work on both engines."""
    shop, annex = _two(bench)
    shop.member.get(1).name = "Adele"
    annex.bin.get(1).kind = "nails"
    annex.flush()
    annex.rollback()
    return [shop.member.get(1).name, annex.bin.get(1).kind]


def statements_on_two_engines(bench):
    """``execute`` and ``connection`` of each soup are on its own engine."""
    shop, annex = _two(bench)
    return [
        shop.execute("SELECT count(*) FROM tool").scalar(),
        annex.execute("SELECT count(*) FROM tool").scalar(),
        shop.connection().engine is shop.engine,
        annex.connection().engine is annex.engine,
        tuples(annex.session.execute(select(annex.tool._table.c.brand))),
        tuples(annex.session.query(shop.tool.code).order_by(shop.tool.code)[:1]),
    ]


def same_tables_on_two_engines(bench):
    """Two databases with the same tables: copying rows from one to the other."""
    target = bench.database("copy")
    bench.sql("INSERT INTO skill VALUES (10, 'forging'), (11, 'glazing')")
    source, copy = (
        sqlsoup.SQLSoup(bench.engine),
        sqlsoup.SQLSoup(bench.new_engine("sqlite:///" + target)),
    )
    for row in source.skill.filter(source.skill.id >= 10).all():
        copy.skill.insert(**{name: getattr(row, name) for name in row.c.keys()})
    copy.commit()
    return [
        bench.stored("SELECT * FROM skill WHERE id > 3", target),
        source.skill.count(),
        copy.skill.count(),
    ]


def unbound_registry(bench):
    """A scoped session without a bind finds the soup's engine."""
    own = scoped_session(sessionmaker())
    db = sqlsoup.SQLSoup(bench.engine, session=own)
    db.skill.insert(title="forging")
    db.commit()
    return [
        db.session is own,
        bench.stored("SELECT * FROM skill WHERE id = 4"),
        own.query(db.skill).count(),
    ]


def bound_registry(bench):
    """A scoped session with a bind."""
    own = scoped_session(sessionmaker(bind=bench.engine))
    db = sqlsoup.SQLSoup(bench.engine, session=own)
    db.skill.insert(title="forging")
    db.commit()
    return [
        bench.stored("SELECT * FROM skill WHERE id = 4"),
        db.execute("SELECT count(*) FROM skill").scalar(),
    ]


def registry_bound_elsewhere(bench):
    """The session's own bind wins over the soup's engine for rows."""
    elsewhere = bench.new_engine("sqlite:///" + bench.database("copy"))
    db = sqlsoup.SQLSoup(bench.engine, session=scoped_session(sessionmaker(bind=elsewhere)))
    db.skill.insert(title="forging")
    db.commit()
    return [
        bench.stored("SELECT count(*) FROM skill"),
        bench.stored("SELECT count(*) FROM skill", bench.folder + "/copy.db"),
        db.skill.count(),
        db.connection().engine is bench.engine,
    ]


def registry_bound_later(bench):
    """A scoped session that gets its bind by ``configure``."""
    own = scoped_session(sessionmaker())
    own.configure(bind=bench.engine)
    db = sqlsoup.SQLSoup(bench.engine, session=own)
    return [db.member.count(), own().bind is bench.engine]


def registry_options(bench):
    """Options of the session keep their meaning: no autoflush, no expiry."""
    db = sqlsoup.SQLSoup(
        bench.engine, session=scoped_session(sessionmaker(autoflush=False, expire_on_commit=False))
    )
    db.skill.insert(title="forging")
    unseen = db.skill.count()
    row = db.tool.get("SAW")
    db.commit()
    bench.sql("UPDATE tool SET price = 95 WHERE code = 'SAW'")
    return [unseen, db.skill.count(), row.price]


def plain_session(bench):
    """A plain Session in place of a scoped one."""
    own = Session(bind=bench.engine)

    def use():
        db = sqlsoup.SQLSoup(bench.engine, session=own)
        db.skill.insert(title="forging")
        db.commit()
        return [db.session is own, bench.stored("SELECT * FROM skill WHERE id = 4")]

    try:
        return bench.attempt(use, message=False)
    finally:
        own.close()


def session_inside_an_outer_transaction(bench):
    """A session on a connection whose transaction the caller undoes, as test suites do."""
    with bench.engine.connect() as connection:
        transaction = connection.begin()
        db = sqlsoup.SQLSoup(bench.engine, session=scoped_session(sessionmaker(bind=connection)))
        db.skill.insert(title="forging")
        db.flush()
        inside = db.skill.count()
        db.session.remove()
        transaction.rollback()
    return [inside, bench.stored("SELECT count(*) FROM skill")]


def two_sessions_one_engine(bench):
    """Two soups with sessions of their own work apart from each other."""
    one = sqlsoup.SQLSoup(bench.engine, session=scoped_session(sessionmaker()))
    two = sqlsoup.SQLSoup(bench.engine, session=scoped_session(sessionmaker()))
    one.member.get(1).points = 0
    two.rollback()
    before = two.member.get(1).points
    two.commit()
    one.commit()
    return [before, two.member.get(1).points, one.member.get(1) is two.member.get(1)]


def registry_removed(bench):
    """``session.remove()`` ends the session; the soup goes on with a new one."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.get(1)
    old = db.session()
    db.session.remove()
    again = db.member.get(1)
    return [db.session() is old, again is row, again == row]


def session_closed(bench):
    """``session.close()`` forgets all rows; the soup goes on."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member.get(1).points = 0
    db.session.close()
    return [db.member.get(1).points, bench.stored("SELECT points FROM member WHERE id = 1")]


def threads_have_sessions_of_their_own(bench):
    """The default session is one for each thread; classes are shared."""
    db = sqlsoup.SQLSoup(bench.engine)
    mine = db.session()
    row = db.member.get(1)

    def work():
        try:
            db.skill.insert(title="forging")
            db.commit()
            return [
                db.session() is mine,
                db.member.get(1) is row,
                type(db.member.get(1)) is type(row),
            ]
        finally:
            db.session.remove()

    return [in_thread(work), bench.stored("SELECT * FROM skill WHERE id = 4"), row in db.session]


def threads_of_an_unbound_registry(bench):
    """A table first met in one thread is read and written in another."""
    db = sqlsoup.SQLSoup(bench.engine, session=scoped_session(sessionmaker()))
    before = db.tool.count()

    def work():
        try:
            db.repair.insert(tool_code="SAW", note="oil")
            db.commit()
            return [
                db.tool.count(),
                db.repair.count(),
                db.execute("SELECT count(*) FROM tool").scalar(),
            ]
        finally:
            db.session.remove()

    return [before, in_thread(work), db.repair.count()]


def changes_do_not_cross_threads(bench):
    """What one thread has not committed is not seen by another, nor undone by its rollback."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member.get(1).points = 0

    def work():
        try:
            seen = db.member.get(1).points
            db.rollback()
            return seen
        finally:
            db.session.remove()

    seen = in_thread(work)
    db.commit()
    return [seen, bench.stored("SELECT points FROM member WHERE id = 1")]


def metadata_without_bind(bench):
    """A MetaData without an engine, and a session that has one."""
    metadata = sqlalchemy.MetaData()
    sqlalchemy.Table(
        "skill", metadata, sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True)
    )

    def use():
        db = sqlsoup.SQLSoup(metadata, session=scoped_session(sessionmaker(bind=bench.engine)))
        return db.skill.count()

    return bench.attempt(use, message=False)


def metadata_without_any_bind(bench):
    """A MetaData without an engine, and a session without one."""
    return bench.attempt(lambda: sqlsoup.SQLSoup(sqlalchemy.MetaData()).skill, message=False)


def soups_in_a_loop(bench):
    """Soups made and dropped in a loop leave nothing behind."""
    held = []
    for _ in range(5):
        db = sqlsoup.SQLSoup(bench.engine)
        db.member.get(1)
        held.append(weakref.ref(db))
        db.session.remove()
    del db
    gc.collect()
    return [reference() is None for reference in held]


def schema_by_argument(bench):
    """``entity`` with a schema."""
    db = sqlsoup.SQLSoup(bench.attached("annex", ANNEX))
    bin_class = db.entity("bin", schema="annex")
    bin_class.insert(kind="nails")
    db.commit()
    return [
        bin_class.order_by(bin_class.id).all(),
        bin_class._table.schema,
        bench.stored("SELECT * FROM bin", bench.folder + "/annex.db"),
        db.bin is bin_class,
        sorted(db._cache),
    ]


def schema_by_attribute(bench):
    """``db.schema`` is the schema of the tables that follow."""
    db = sqlsoup.SQLSoup(bench.attached("annex", ANNEX))
    member = db.member
    db.schema = "annex"
    return [db.tool.all(), db.bin.all(), db.tool._table.fullname, member.count()]


def schema_in_map_to(bench):
    """``map_to`` with a schema, beside the table of that name without one."""
    db = sqlsoup.SQLSoup(bench.attached("annex", ANNEX))
    db.map_to("annex_tool", tablename="tool", schema="annex")
    return [
        db.annex_tool.all(),
        db.tool.count(),
        db.annex_tool._table.fullname,
        db.tool._table.fullname,
    ]


def schema_of_a_cached_name(bench):
    """A schema is asked for when a table of that name from elsewhere is cached."""
    db = sqlsoup.SQLSoup(bench.attached("annex", ANNEX))
    db.tool
    return db.entity("tool", schema="annex")._table.fullname


def missing_schema(bench):
    """A schema or a table in it that is not there."""
    db = sqlsoup.SQLSoup(bench.attached("annex", ANNEX))
    return [
        bench.raises(lambda: db.entity("anvil", schema="annex"), sqlalchemy.exc.NoSuchTableError),
        bench.raises(lambda: db.entity("tool", schema="cellar"), sqlalchemy.exc.SQLAlchemyError),
        db.tool.count(),
        sorted(db._cache),
    ]


def join_over_schemas(bench):
    """A join of a table with one of another schema."""
    db = sqlsoup.SQLSoup(bench.attached("annex", ANNEX))
    bin_class = db.entity("bin", schema="annex")
    pair = db.join(db.slot, bin_class, db.slot.room == bin_class.id)
    return [[row.hour, row.kind] for row in pair.order_by(pair.hour)]
