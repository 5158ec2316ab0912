"""Whole little programs, the way they were written with sqlsoup 0.9."""

import json
import os

import sqlalchemy
from sqlalchemy.orm import scoped_session, sessionmaker

import sqlsoup


def polling_loop(bench):
    """A loop that commits before each look, to see what others have stored."""
    db = sqlsoup.SQLSoup(bench.engine)
    seen = []
    for turn in range(4):
        db.commit()
        waiting = db.slot.filter_by(booked_by=None).all()
        seen.append([[row.room, row.hour] for row in waiting])
        bench.sql("INSERT INTO slot VALUES (9, %d, NULL)" % turn)
    return seen


def watching_one_row(bench):
    """A loop around one row whose value others change."""
    db = sqlsoup.SQLSoup(bench.engine)
    row, seen = db.tool.get("SAW"), []
    for price in (95, 96, 97):
        seen.append(row.price)
        bench.sql("UPDATE tool SET price = %d WHERE code = 'SAW'" % price)
        db.session.commit()
    return seen + [row.price]


def work_queue(bench):
    """A queue: take the first job, mark it, commit, until there is none."""
    bench.sql(
        """CREATE TABLE job (id INTEGER PRIMARY KEY, state TEXT, result INTEGER);
        INSERT INTO job (state) VALUES ('new'), ('new'), ('done'), ('new')"""
    )
    db = sqlsoup.SQLSoup(bench.engine)
    done = []
    while True:
        job = db.job.filter_by(state="new").order_by(db.job.id).first()
        if job is None:
            break
        job.state, job.result = "done", job.id * 10
        db.commit()
        done.append(job.id)
    return [done, bench.stored("SELECT * FROM job")]


def get_or_insert(bench):
    """Rows found by name or made, with their keys used at once."""
    db = sqlsoup.SQLSoup(bench.engine)

    def skill(title):
        row = db.skill.filter_by(title=title).first()
        if row is None:
            row = db.skill.insert(title=title)
            db.flush()
        return row.id

    keys = [skill(title) for title in ("carving", "forging", "turning", "forging")]
    db.commit()
    return [keys, db.skill.count()]


def import_with_errors(bench):
    """An import that commits line by line and goes on after the lines that fail."""
    db = sqlsoup.SQLSoup(bench.engine)
    bad = []
    for code, title in [
        ("VICE", "bench vice"),
        ("SAW", "another"),
        ("AXE", None),
        ("FILE", "round file"),
    ]:
        try:
            db.tool.insert(code=code, title=title)
            db.commit()
        except sqlalchemy.exc.IntegrityError:
            db.rollback()
            bad.append(code)
    return [bad, bench.stored("SELECT code FROM tool ORDER BY code")]


def dump_of_all_tables(bench):
    """Every table of the database to JSON, by names that the inspector gives."""
    db = sqlsoup.SQLSoup(bench.url)
    dump = {}
    for name in sorted(sqlalchemy.inspect(db.engine).get_table_names()):
        try:
            entity = db.entity(name)
        except sqlsoup.SQLSoupError:
            continue
        keys = entity.c.keys()
        dump[name] = [
            [getattr(row, key) for key in keys]
            for row in entity.order_by(*entity._table.primary_key).all()
        ]
    db.session.remove()
    db.engine.dispose()
    return json.loads(json.dumps(dump))


def generic_rest_service(bench):
    """Create, read, change and delete by table name, field dict and key, as generic web services did."""
    db = sqlsoup.SQLSoup(bench.engine)

    def show(row):
        return {key: value for key, value in row.__dict__.items() if not key.startswith("_")}

    def create(table, fields):
        row = db.entity(table).insert(**fields)
        db.commit()
        return getattr(row, db.entity(table)._table.primary_key.columns.keys()[0])

    def change(table, key, fields):
        row = getattr(db, table).get(key)
        for name, value in fields.items():
            setattr(row, name, value)
        db.commit()

    def remove(table, key):
        db.delete(getattr(db, table).get(key))
        db.commit()

    key = create("skill", {"title": "forging"})
    made = show(db.skill.filter_by(id=key).one())
    change("skill", key, {"title": "smithing"})
    changed = show(db.skill.filter_by(id=key).one())
    remove("skill", key)
    return [key, made, changed, db.skill.get(key)]


def settings_table(bench):
    """A table of settings used like a dict."""
    bench.sql("CREATE TABLE setting (name TEXT NOT NULL PRIMARY KEY, value TEXT)")
    db = sqlsoup.SQLSoup(bench.engine)

    def put(name, value):
        row = db.setting.get(name)
        if row:
            row.value = value
        else:
            db.setting.insert(name=name, value=value)
        db.commit()

    put("colour", "red")
    put("size", "9")
    put("colour", "blue")
    return [bench.stored("SELECT * FROM setting ORDER BY name"), db.setting.get("size").value]


def soup_as_a_function(bench):
    """A helper that makes a soup for each call, with one engine."""

    def open_soup():
        return sqlsoup.SQLSoup(
            bench.engine, session=scoped_session(sessionmaker(bind=bench.engine))
        )

    for title in ("forging", "glazing"):
        db = open_soup()
        db.skill.insert(title=title)
        db.commit()
        db.session.remove()
    return [row.title for row in open_soup().skill.order_by("id")]


def engine_disposed(bench):
    """The pool is emptied while the program runs; the next query opens a new connection."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.get(1)
    db.commit()
    db.engine.dispose()
    row.points = 31
    db.commit()
    db.bind.dispose()
    return [row.points, db.member.count(), db.execute("SELECT 1").scalar()]


def connection_invalidated(bench):
    """A connection that died: the error, a rollback, and the same objects again."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.get(1)
    row.points = 31
    db.flush()
    db.connection().invalidate()
    failed = bench.raises(lambda: db.member.count(), sqlalchemy.exc.SQLAlchemyError)
    db.rollback()
    return [failed, row.points, db.member.count()]


def connection_lost_in_the_middle(bench):
    """The driver's connection is closed under the session; after a rollback and a dispose all goes on."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member.get(1).points = 31
    db.flush()
    db.connection().connection.close()
    db.session.close()
    db.engine.dispose()
    db.member.get(1).points = 32
    db.commit()
    return bench.stored("SELECT points FROM member WHERE id = 1")


def database_file_replaced(bench):
    """The file is replaced by another with the same tables while the soup lives."""
    db = sqlsoup.SQLSoup(bench.engine)
    before = db.member.count()
    db.session.remove()
    db.engine.dispose()
    other = bench.database("fresh")
    os.replace(other, bench.path)
    bench.sql("DELETE FROM member WHERE id > 1")
    return [before, db.member.count(), db.member.all()]


def database_away_for_a_while(bench):
    """The table is missing for a while; the mapped class serves again when it is back."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.slot.count()
    db.commit()
    bench.sql("ALTER TABLE slot RENAME TO slot_away")
    failed = bench.raises(lambda: db.slot.count(), sqlalchemy.exc.OperationalError)
    db.rollback()
    bench.sql("ALTER TABLE slot_away RENAME TO slot")
    return [failed, db.slot.count()]


def locked_database(bench):
    """A commit that waits in vain for a lock fails; after a rollback it is done again."""
    engine = bench.new_engine(connect_args={"timeout": 0.05})
    db = sqlsoup.SQLSoup(engine)
    db.skill
    other = bench.new_engine().connect()
    transaction = other.begin()
    other.execute(sqlalchemy.text("DELETE FROM scrap"))
    db.skill.insert(title="forging")
    failed = bench.raises(db.commit, sqlalchemy.exc.OperationalError)
    transaction.rollback()
    other.close()
    db.rollback()
    db.skill.insert(title="forging")
    db.commit()
    return [failed, bench.stored("SELECT * FROM skill WHERE id > 3")]


def report_over_joins(bench):
    """A report: a join's class, filtered, ordered, printed."""
    db = sqlsoup.SQLSoup(bench.engine)
    lent = db.join(db.member, db.lending)
    full = db.join(lent, db.tool, lent.tool_code == db.tool.code, isouter=True)
    return [
        "%-5s %-12s %s" % (row.name, row.title, row.weeks or "-")
        for row in full.filter(full.price < 1000).order_by(full.name, full.title)
    ]


def base_class_for_all(bench):
    """A base class that gives every row a dict and a save."""

    class Record:
        def as_dict(self):
            return {key: getattr(self, key) for key in self.c.keys()}

        @classmethod
        def titles(cls):
            return [row.title for row in cls.order_by(cls.title)]

    db = sqlsoup.SQLSoup(bench.engine, base=Record)
    return [db.skill.get(1).as_dict(), db.tool.titles(), db.lending.get((1, "SAW")).as_dict()]


def base_changed_later(bench):
    """``db.base`` assigned later serves the tables mapped from then on."""

    class Record:
        pass

    db = sqlsoup.SQLSoup(bench.engine)
    db.member
    db.base = Record
    return [issubclass(db.tool, Record), issubclass(db.member, Record)]


def sum_by_hand(bench):
    """Totals made with the session's query over mapped columns."""
    db = sqlsoup.SQLSoup(bench.engine)
    total = (
        db.session.query(sqlalchemy.func.sum(db.repair.cost))
        .filter(db.repair.tool_code == "SAW")
        .scalar()
    )
    return [total, db.session.query(sqlalchemy.func.count(db.member.id)).scalar()]


def table_chosen_by_row(bench):
    """Rows that name the table in which the details are."""
    bench.sql(
        """CREATE TABLE pointer (id INTEGER PRIMARY KEY, kind TEXT, ref TEXT);
        INSERT INTO pointer VALUES (1, 'tool', 'SAW'), (2, 'skill', '2'), (3, 'anvil', '1')"""
    )
    db = sqlsoup.SQLSoup(bench.engine)
    found = []
    for pointer in db.pointer.order_by(db.pointer.id):
        try:
            found.append(getattr(db, pointer.kind).get(pointer.ref).title)
        except sqlalchemy.exc.NoSuchTableError:
            found.append(None)
    return found


def two_databases_reconciled(bench):
    """What is in one database and not in the other, by comparing rows."""
    other = bench.database("other")
    bench.sql(
        "UPDATE tool SET price = 91 WHERE code = 'SAW'; DELETE FROM tool WHERE code = 'LATHE'"
    )
    one, two = (
        sqlsoup.SQLSoup(bench.engine),
        sqlsoup.SQLSoup(bench.new_engine("sqlite:///" + other)),
    )
    mine = {row.code: row for row in one.tool.all()}
    theirs = {row.code: row for row in two.tool.all()}
    return [
        sorted(set(theirs) - set(mine)),
        sorted(code for code in mine if mine[code] != theirs[code]),
    ]


def events_on_a_class(bench):
    """SQLAlchemy's mapper events on a mapped class."""
    db = sqlsoup.SQLSoup(bench.engine)
    heard = []
    sqlalchemy.event.listen(
        db.skill, "before_insert", lambda mapper, connection, row: heard.append(row.title)
    )
    db.skill.insert(title="forging")
    db.commit()
    return heard
