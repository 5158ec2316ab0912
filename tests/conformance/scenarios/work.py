"""The unit of work: changes, deletes, commit, rollback, flush, expunge."""

import sqlalchemy
from sqlalchemy.orm import exc, object_session

import sqlsoup


def changes(bench):
    """Attributes set on rows reach the file with the commit."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.filter_by(name="Bo").one()
    row.name, row.points = "Bob", row.points + 1
    before = bench.stored("SELECT name, points FROM member WHERE id = 2")
    returned = db.commit()
    return [
        before,
        returned,
        bench.stored("SELECT name, points FROM member WHERE id = 2"),
        row.name,
    ]


def changes_undone(bench):
    """A rollback brings back the values that the file has."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.get(2)
    row.name = "Bob"
    returned = db.rollback()
    return [returned, row.name, len(db.session.dirty)]


def deleted(bench):
    """``delete`` of a row takes effect with the flush and the commit."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.repair.get(1)
    returned = db.delete(row)
    marked = row in db.session.deleted
    seen = db.repair.count()
    before = bench.stored("SELECT count(*) FROM repair")
    db.commit()
    return [
        returned,
        marked,
        seen,
        before,
        bench.stored("SELECT id FROM repair"),
        db.repair.get(1),
        row in db.session,
    ]


def delete_undone(bench):
    """A rollback brings a deleted row back."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.repair.get(1)
    db.delete(row)
    db.flush()
    gone = db.repair.get(1)
    db.rollback()
    return [gone, db.repair.get(1), row in db.session]


def delete_of_others(bench):
    """``delete`` of rows that were never stored, of classes, and of other things."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        bench.raises(lambda: db.delete(db.skill(title="x")), sqlalchemy.exc.InvalidRequestError),
        bench.raises(lambda: db.delete(None), exc.UnmappedInstanceError),
        bench.raises(lambda: db.delete("Ada"), exc.UnmappedInstanceError),
        bench.raises(lambda: db.delete(db.member), exc.UnmappedInstanceError),
    ]


def delete_while_looping(bench):
    """Deleting rows in a loop over a query."""
    db = sqlsoup.SQLSoup(bench.engine)
    for row in db.lending.filter_by(member_id=2).all():
        db.delete(row)
    db.commit()
    return bench.stored("SELECT * FROM lending")


def replaced_in_one_commit(bench):
    """A row is deleted and one with the same key made, with a flush in between."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.delete(db.tool.get("LEVEL"))
    db.flush()
    db.tool.insert(code="LEVEL", title="laser level", price=60)
    db.commit()
    return bench.stored("SELECT * FROM tool WHERE code = 'LEVEL'")


def keys_changed(bench):
    """A new value for a key column moves the row."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.slot.get((1, 9))
    row.hour = 12
    db.commit()
    return [
        db.slot.get((1, 12)) is row,
        db.slot.get((1, 9)),
        bench.stored("SELECT * FROM slot ORDER BY room, hour"),
    ]


def flushed(bench):
    """``flush`` sends the statements and keeps the transaction open."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member.get(1).points = 31
    returned = db.flush()
    clean = len(db.session.dirty)
    seen = db.execute("SELECT points FROM member WHERE id = 1").scalar()
    stored = bench.stored("SELECT points FROM member WHERE id = 1")
    db.rollback()
    return [returned, clean, seen, stored, db.member.get(1).points]


def expunged(bench):
    """``expunge`` makes the session forget one row and its changes."""
    db = sqlsoup.SQLSoup(bench.engine)
    ada, bo = db.member.get(1), db.member.get(2)
    ada.points = bo.points = 0
    returned = db.expunge(ada)
    db.commit()
    return [
        returned,
        object_session(ada) is None,
        ada.points,
        bench.stored("SELECT points FROM member"),
        bench.raises(lambda: db.expunge(ada), sqlalchemy.exc.InvalidRequestError),
    ]


def expunged_new_row(bench):
    """``expunge`` of a new row keeps it from being stored."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.skill.insert(title="forging")
    db.expunge(row)
    db.commit()
    return [row, bench.stored("SELECT count(*) FROM skill")]


def expunged_all(bench):
    """``expunge_all`` empties the session; the next look gives new objects."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.get(1)
    row.points = 0
    db.skill.insert(title="forging")
    returned = db.expunge_all()
    db.commit()
    return [
        returned,
        len(list(db.session)),
        db.member.get(1) is row,
        db.member.get(1).points,
        db.skill.count(),
    ]


def states_in_the_session(bench):
    """New, changed and deleted rows in the session's collections."""
    db = sqlsoup.SQLSoup(bench.engine)
    changed, deleted = db.member.get(1), db.repair.get(1)
    new = db.skill.insert(title="forging")
    changed.points = 0
    db.delete(deleted)
    session = db.session
    before = [new in session.new, changed in session.dirty, deleted in session.deleted]
    db.commit()
    return [
        before,
        [len(session.new), len(session.dirty), len(session.deleted)],
        new in session,
        deleted in session,
    ]


def values_after_commit(bench):
    """A commit expires rows: the next access reads what others stored meanwhile."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.tool.get("SAW")
    bench.sql("UPDATE tool SET price = 95 WHERE code = 'SAW'")
    before = row.price
    db.commit()
    return [before, row.price]


def identity(bench):
    """One object for one row in one session, however it is found."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.get(1)
    return [
        row is db.member.filter_by(name="Ada").one(),
        row is db.member.order_by(db.member.id).first(),
        row is db.session.query(db.member).filter_by(id=1).one(),
        row is db.member.filter(db.member.id == 1)[0],
    ]


def refreshed_and_expired(bench):
    """``session.refresh`` and ``session.expire`` of a row."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.tool.get("SAW")
    bench.sql("UPDATE tool SET price = 95 WHERE code = 'SAW'")
    db.session.refresh(row)
    first = row.price
    bench.sql("UPDATE tool SET price = 96 WHERE code = 'SAW'")
    db.session.expire(row)
    return [first, row.price]


def merged(bench):
    """``session.merge`` of a detached row."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.tool.get("SAW")
    db.expunge(row)
    row.price = 91
    merged = db.session.merge(row)
    db.commit()
    return [merged is row, merged, bench.stored("SELECT price FROM tool WHERE code = 'SAW'")]


def added_again(bench):
    """A row that was taken out is added again with ``session.add``."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.tool.get("SAW")
    db.expunge(row)
    row.price = 92
    db.session.add(row)
    db.commit()
    return bench.stored("SELECT price FROM tool WHERE code = 'SAW'")


def nested_transaction(bench):
    """``begin_nested`` and what a rollback of it keeps."""
    db = sqlsoup.SQLSoup(bench.new_engine("sqlite://"))
    db.execute("CREATE TABLE peg (id INTEGER PRIMARY KEY, colour TEXT)")
    db.peg.insert(colour="red")
    db.flush()
    inner = db.session.begin_nested()
    db.peg.insert(colour="blue")
    inner.rollback()
    db.commit()
    return [row.colour for row in db.peg.order_by(db.peg.id)]


def connection_in_the_transaction(bench):
    """``connection()`` is on the soup's engine, inside the session's transaction."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.skill.insert(title="forging")
    db.flush()
    connection = db.connection()
    count = connection.execute(sqlalchemy.text("SELECT count(*) FROM skill")).scalar()
    connection.execute(sqlalchemy.text("DELETE FROM skill WHERE id = 1"))
    stored = bench.stored("SELECT count(*) FROM skill")
    db.rollback()
    return [connection.engine is db.engine, count, stored, db.skill.count()]


def connection_committed(bench):
    """What went through ``connection()`` is stored by the soup's commit."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.connection().execute(db.skill._table.insert(), {"title": "forging"})
    db.connection().execute(
        db.skill._table.update().where(db.skill.id == 1).values(title="lathing")
    )
    db.commit()
    return bench.stored("SELECT * FROM skill")


def objects_across_commits(bench):
    """A long run of reads, changes and commits with the same object."""
    db = sqlsoup.SQLSoup(bench.engine)
    row, seen = db.member.get(3), []
    for step in range(5):
        row.points += step
        db.commit()
        seen.append(bench.stored("SELECT points FROM member WHERE id = 3")[0][0])
    return [seen, db.member.get(3) is row]


def expired_rows_and_new_ones(bench):
    """An attribute of an expired row is read while a new row is not complete yet."""
    db = sqlsoup.SQLSoup(bench.engine)
    first, second, third = map(db.member.get, (1, 2, 3))
    db.commit()
    new = db.member.insert()
    new.name = first.name + " II"
    pending = [new in db.session.new]
    db.session.expire(second, ["email"])
    new.email = second.email.upper()
    pending.append(new in db.session.new)
    new.points = db.member.get(3).points
    pending += [new in db.session.new, third.name]
    db.commit()
    return [pending, new, bench.stored("SELECT * FROM member WHERE id > 3")]
