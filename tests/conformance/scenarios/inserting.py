"""New rows: ``insert`` and the constructor."""

import datetime as dt

import sqlalchemy

import sqlsoup


def insert(bench):
    """``insert`` gives the new row: in the session at once, in the file after the commit."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.insert(name="Dora", points=1)
    pending = row in db.session.new
    before = bench.stored("SELECT count(*) FROM member")
    db.commit()
    return [
        type(row) is db.member,
        pending,
        before,
        bench.stored("SELECT * FROM member WHERE name = 'Dora'"),
        row,
    ]


def constructor(bench):
    """Calling the class does the same as ``insert``."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.tool(code="VICE", title="bench vice")
    pending = row in db.session
    db.commit()
    return [pending, row, bench.stored("SELECT * FROM tool WHERE code = 'VICE'")]


def key_after_flush(bench):
    """A generated key is None before the flush and there after it."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.insert(name="Dora")
    before = row.id
    db.flush()
    after = row.id
    db.rollback()
    return [before, after, bench.stored("SELECT count(*) FROM member")]


def key_after_commit(bench):
    """Keys read from what ``insert`` returned, used for rows in other tables."""
    db = sqlsoup.SQLSoup(bench.engine)
    member = db.member.insert(name="Dora")
    skill = db.skill.insert(title="forging")
    db.commit()
    db.member_skill.insert(member_id=member.id, skill_id=skill.id)
    db.lending.insert(member_id=member.id, tool_code="LATHE", weeks=3)
    db.commit()
    return [
        member.id,
        skill.id,
        bench.stored("SELECT * FROM member_skill WHERE skill_id > 3"),
        db.lending.get((4, "LATHE")),
    ]


def several_in_one_flush(bench):
    """Many new rows in one flush get their keys in the order they were made."""
    db = sqlsoup.SQLSoup(bench.engine)
    rows = [db.skill.insert(title="skill %d" % n) for n in range(12)]
    db.commit()
    return [[row.id for row in rows], bench.stored("SELECT * FROM skill WHERE id > 3")]


def several_tables_in_one_flush(bench):
    """New rows in three tables that foreign keys tie are stored by one flush."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.lending.insert(member_id=9, tool_code="VICE")
    db.tool.insert(code="VICE", title="bench vice")
    db.member.insert(id=9, name="Dora")
    db.commit()
    return [db.lending.get((9, "VICE")), db.tool.get("VICE"), db.member.get(9)]


def explicit_keys(bench):
    """Keys given by the caller, and the next generated one."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.skill.insert(id=40, title="forging")
    db.commit()
    row = db.skill.insert(title="glazing")
    db.commit()
    return [row.id, db.skill.get(40)]


def composite_keys(bench):
    """Rows with a composite key."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.slot.insert(room=3, hour=9, booked_by="Bo")
    db.slot(room=3, hour=10)
    db.commit()
    return db.slot.filter_by(room=3).order_by(db.slot.hour).all()


def database_defaults(bench):
    """Columns that were left out take the database's default, seen after the flush."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.insert(name="Dora")
    db.flush()
    empty = db.member.insert(name="Emil", points=None)
    db.commit()
    return [row.points, empty.points]


def seen_before_commit(bench):
    """Queries of the same session see the new row before the commit, others do not."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.tool.insert(code="VICE", title="bench vice")
    seen = db.tool.filter_by(code="VICE").one()
    return [seen, bench.stored("SELECT count(*) FROM tool")]


def rolled_back(bench):
    """After a rollback the new row is gone from session and table."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.tool.insert(code="VICE", title="bench vice")
    db.rollback()
    return [row in db.session, db.tool.get("VICE"), db.tool.count()]


def refused_by_the_database(bench):
    """A commit that the database refuses stores nothing; after a rollback the session goes on."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.skill.insert(title="forging")
    db.member.insert(points=3)
    refused = bench.raises(db.commit, sqlalchemy.exc.IntegrityError)
    db.rollback()
    db.skill.insert(title="glazing")
    db.commit()
    return [
        refused,
        bench.stored("SELECT * FROM skill WHERE id > 3"),
        bench.stored("SELECT count(*) FROM member"),
    ]


def duplicates(bench):
    """A key or a unique value that is taken already."""
    db = sqlsoup.SQLSoup(bench.engine)

    def store(entity, **values):
        entity.insert(**values)
        try:
            db.commit()
        finally:
            db.rollback()

    return [
        bench.raises(lambda: store(db.tool, code="SAW", title="x"), sqlalchemy.exc.IntegrityError),
        bench.raises(
            lambda: store(db.member, name="x", email="ada@shed.example"),
            sqlalchemy.exc.IntegrityError,
        ),
        bench.raises(lambda: store(db.slot, room=1, hour=9), sqlalchemy.exc.IntegrityError),
        db.tool.get("SAW").title,
    ]


def session_before_rollback(bench):
    """After a failed flush the session refuses to work until it is rolled back."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member.insert(points=1)
    first = bench.raises(db.flush, sqlalchemy.exc.IntegrityError)
    db.rollback()
    return [first, db.member.count(), len(db.session.new)]


def unknown_keyword(bench):
    """A keyword that is no column is set on the row and stored nowhere."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.skill.insert(title="forging", titel="x")
    db.commit()
    return [row.titel, row, bench.stored("SELECT * FROM skill WHERE id = 4")]


def unknown_keyword_in_constructor(bench):
    """The same for a call of the class."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.skill(title="forging", colour="red")
    db.commit()
    return [row.colour, row]


def positional_values(bench):
    """Values without names are refused, and no row is left behind."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.skill
    return [
        bench.attempt(lambda: db.skill.insert("forging"), message=False),
        bench.attempt(lambda: db.skill("forging"), message=False),
        len(db.session.new),
        db.skill.count(),
    ]


class _Graded:
    @property
    def grade(self):
        return len(self.title)

    @grade.setter
    def grade(self, value):
        raise ValueError("the grade is computed")


def failing_constructor(bench):
    """When an attribute of the base class refuses its value, the row is not left in the session."""
    db = sqlsoup.SQLSoup(bench.engine, base=_Graded)
    failed = bench.attempt(lambda: db.skill(title="forging", grade=1))
    waiting = len(db.session.new)
    db.commit()
    return [failed, waiting, bench.stored("SELECT count(*) FROM skill"), db.skill.get(1).grade]


def failing_insert(bench):
    """The same for ``insert``."""
    db = sqlsoup.SQLSoup(bench.engine, base=_Graded)
    failed = bench.attempt(lambda: db.skill.insert(title="forging", grade=1), message=False)
    waiting = len(db.session.new)
    db.commit()
    return [failed, waiting, bench.stored("SELECT count(*) FROM skill")]


def base_constructor(bench):
    """A constructor of the base class is not called for new rows."""

    class Careful:
        def __init__(self, **values):
            raise ValueError("not called")

    db = sqlsoup.SQLSoup(bench.engine, base=Careful)
    db.skill(title="forging")
    db.skill.insert(title="glazing")
    db.commit()
    return bench.stored("SELECT * FROM skill WHERE id > 3")


def from_another_rows_dict(bench):
    """A row copied with another row's ``__dict__`` minus its key and the ORM's state."""
    db = sqlsoup.SQLSoup(bench.engine)
    values = dict(db.repair.get(1).__dict__)
    values.pop("_sa_instance_state")
    values.pop("id")
    copy = db.repair.insert(**values)
    db.commit()
    return [copy, bench.stored("SELECT count(*) FROM repair")]


def state_among_the_keywords(bench):
    """A row copied with the whole ``__dict__`` of another one, the ORM's state included."""
    db = sqlsoup.SQLSoup(bench.engine)
    values = dict(db.repair.get(1).__dict__, id=None)

    def copy():
        db.repair.insert(**values)
        db.commit()
        return bench.stored("SELECT * FROM repair WHERE id > 3")

    return bench.attempt(copy, message=False)


def related_objects(bench):
    """Related rows given to ``insert`` by the relation's name."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.repair.relate("tool", db.tool)

    def store():
        db.repair.insert(note="oil", tool=db.tool.get("LATHE"))
        db.commit()
        return bench.stored("SELECT tool_code FROM repair WHERE note = 'oil'")

    return bench.attempt(store, message=False)


def related_objects_set_later(bench):
    """Related rows set on the new row after ``insert``."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.repair.relate("tool", db.tool)
    row = db.repair.insert(note="oil")
    row.tool = db.tool.get("LATHE")
    db.commit()
    return [row.tool_code, bench.stored("SELECT tool_code FROM repair WHERE note = 'oil'")]


def python_values(bench):
    """Dates, times, numbers, bytes, truth values and long texts go in and come out."""
    bench.sql(
        "CREATE TABLE typed (id INTEGER PRIMARY KEY, day DATE, at DATETIME, raw BLOB, done BOOLEAN, "
        "txt TEXT)"
    )
    db = sqlsoup.SQLSoup(bench.engine)
    at = dt.datetime(2024, 2, 29, 23, 59, 58, 123)
    row = db.typed.insert(day=at.date(), at=at, raw=b"\x00\xff", done=True, txt="Grüße " * 100)
    db.commit()
    return [
        row.day,
        row.at,
        row.raw,
        row.done,
        row.txt == "Grüße " * 100,
        bench.stored("SELECT day, at FROM typed"),
    ]


def sql_expressions_as_values(bench):
    """An SQL expression as a value is computed by the database."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.skill.insert(title=sqlalchemy.func.upper("forging"))
    db.commit()
    saw = db.tool.get("SAW")
    saw.price = db.tool.price + 5
    db.commit()
    return [row.title, saw.price]


def large_batches(bench):
    """A hundred rows in a loop with commits in between."""
    db = sqlsoup.SQLSoup(bench.engine)
    for number in range(100):
        db.slot.insert(room=10 + number // 10, hour=number % 10, booked_by="n%d" % number)
        if number % 25 == 24:
            db.commit()
    return [
        bench.stored("SELECT count(*), min(room), max(room) FROM slot WHERE room >= 10"),
        db.slot.get((13, 7)),
    ]
