"""``execute``: statements written by hand."""

import sqlalchemy
from bench import tuples
from sqlalchemy import text

import sqlsoup


def text_statement(bench):
    """A text gives a result with all the usual ways to read it."""
    db = sqlsoup.SQLSoup(bench.engine)
    query = "SELECT id, name FROM member ORDER BY id"
    return [
        tuples(db.execute(query)),
        tuples(db.execute(query).fetchall()),
        list(db.execute(query).fetchone()),
        list(db.execute(query).first()),
        db.execute("SELECT count(*) FROM tool").scalar(),
        tuples(db.execute(query).fetchmany(2)),
        list(db.execute(query).keys()),
    ]


def fields_of_result_rows(bench):
    """Result rows by position, by attribute and by unpacking."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.execute("SELECT code, price AS cost FROM tool WHERE code = 'SAW'").fetchone()
    code, cost = row
    return [row[0], row[-1], row.code, row.cost, code, cost, len(row)]


def parameters(bench):
    """Named parameters as ``params=``."""
    db = sqlsoup.SQLSoup(bench.engine)
    between = "SELECT code FROM tool WHERE price > :least AND price < :most ORDER BY code"
    return [
        tuples(db.execute("SELECT name FROM member WHERE id = :key", params={"key": 2})),
        tuples(db.execute("SELECT :a, :b, :a", params={"a": 1, "b": "it's"})),
        tuples(db.execute(between, params={"least": 10, "most": 100})),
    ]


def keyword_parameters(bench):
    """Named parameters as keywords."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        bench.attempt(
            lambda: tuples(db.execute("SELECT name FROM member WHERE id = :key", key=2)),
            message=False,
        ),
        bench.attempt(
            lambda: db.execute("DELETE FROM scrap WHERE kilos > :most", most=20).rowcount,
            message=False,
        ),
    ]


def text_object(bench):
    """``text()`` as the statement: SQLAlchemy's own clause."""
    db = sqlsoup.SQLSoup(bench.engine)
    return bench.attempt(
        lambda: tuples(db.execute(text("SELECT name FROM member WHERE id = :key"), key=2))
    )


def core_statements(bench):
    """Statements built with SQLAlchemy Core."""
    db = sqlsoup.SQLSoup(bench.engine)
    table = db.skill._table

    def run():
        db.execute(table.insert().values(title="forging"))
        return tuples(db.execute(table.select().where(table.c.id > 2).order_by(table.c.id)))

    return bench.attempt(run, message=False)


def parameters_in_a_dict(bench):
    """Parameters as one dict after the statement."""
    db = sqlsoup.SQLSoup(bench.engine)
    query = "SELECT name FROM member WHERE id = :key"
    return bench.attempt(lambda: tuples(db.execute(query, {"key": 2})), message=False)


def writes(bench):
    """Writing statements count their rows and belong to the session's transaction."""
    db = sqlsoup.SQLSoup(bench.engine)
    changed = db.execute(
        "UPDATE tool SET price = price + 1 WHERE price < :most", params={"most": 100}
    ).rowcount
    inside = db.execute("SELECT price FROM tool WHERE code = 'SAW'").scalar()
    outside = bench.stored("SELECT price FROM tool WHERE code = 'SAW'")
    db.rollback()
    undone = db.tool.get("SAW").price
    db.execute("DELETE FROM scrap")
    db.commit()
    return [changed, inside, outside, undone, bench.stored("SELECT count(*) FROM scrap")]


def generated_key(bench):
    """The key that an INSERT by hand generated."""
    db = sqlsoup.SQLSoup(bench.engine)
    result = db.execute("INSERT INTO skill (title) VALUES (:title)", params={"title": "forging"})
    db.commit()
    return [result.lastrowid, result.rowcount, bench.stored("SELECT * FROM skill WHERE id = 4")]


def no_flush(bench):
    """``execute`` does not flush what is pending."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member.get(1).points = 0
    db.skill.insert(title="forging")
    before = db.execute("SELECT count(*) FROM skill").scalar()
    points = db.execute("SELECT points FROM member WHERE id = 1").scalar()
    pending = len(db.session.new)
    db.flush()
    return [before, points, pending, db.execute("SELECT count(*) FROM skill").scalar()]


def percent_signs_and_colons(bench):
    """Percent signs, and colons in literals and times, are left alone."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        tuples(
            db.execute(
                "SELECT code FROM tool WHERE title LIKE '%aw' OR title LIKE '%level%' ORDER BY code"
            )
        ),
        tuples(db.execute("SELECT 10 % 3, '50 %s'")),
        tuples(db.execute("SELECT '12:30', 'a: b', :t", params={"t": "12:30:00"})),
        tuples(db.execute("SELECT '\\:key'")),
    ]


def missing_parameter(bench):
    """A parameter without a value is SQLAlchemy's StatementError; the session works on."""
    db = sqlsoup.SQLSoup(bench.engine)
    failed = bench.raises(
        lambda: db.execute("SELECT name FROM member WHERE id = :key"), sqlalchemy.exc.StatementError
    )
    return [failed, db.execute("SELECT count(*) FROM member").scalar(), db.member.count()]


def wrong_sql(bench):
    """Wrong SQL is the driver's OperationalError; after a rollback the session works on."""
    db = sqlsoup.SQLSoup(bench.engine)
    failed = bench.raises(lambda: db.execute("SELEKT 1"), sqlalchemy.exc.OperationalError)
    missing = bench.raises(
        lambda: db.execute("SELECT * FROM anvil"), sqlalchemy.exc.OperationalError
    )
    db.rollback()
    return [failed, missing, db.member.count()]


def wrong_statement(bench):
    """Things that are no statement raise an error, and the session works on."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        bench.raises(lambda: db.execute(None), Exception),
        bench.raises(lambda: db.execute(5), Exception),
        db.member.count(),
    ]


def tables_made_and_dropped(bench):
    """DDL by hand: a table made, filled, read through the ORM, and dropped."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.execute("CREATE TABLE peg (id INTEGER PRIMARY KEY, colour TEXT)")
    db.execute("INSERT INTO peg (colour) VALUES ('red'), ('blue')")
    db.commit()
    pegs = [[row.id, row.colour] for row in db.peg.order_by(db.peg.id)]
    db.commit()
    db.execute("DROP TABLE peg")
    db.commit()
    return [pegs, bench.stored("SELECT count(*) FROM sqlite_master WHERE name = 'peg'")]


def same_connection(bench):
    """Several statements of one transaction use one connection."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.execute("CREATE TEMPORARY TABLE tally (n INTEGER)")
    db.execute("INSERT INTO tally VALUES (1)")
    db.connection().execute(text("INSERT INTO tally VALUES (2)"))
    return tuples(db.execute("SELECT n FROM tally ORDER BY n"))


def orm_and_execute_together(bench):
    """Rows changed by hand show in objects after they were expired."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.tool.get("SAW")
    db.execute("UPDATE tool SET price = 1 WHERE code = 'SAW'")
    before = row.price
    db.session.expire_all()
    return [before, row.price]


def engine_directly(bench):
    """Statements through ``db.engine`` and ``db.bind``, outside the session."""
    db = sqlsoup.SQLSoup(bench.engine)
    with db.engine.begin() as connection:
        connection.execute(db.skill._table.insert(), [{"title": "forging"}, {"title": "glazing"}])
    with db.bind.connect() as connection:
        return tuples(
            connection.execute(text("SELECT id, title FROM skill WHERE id > 3 ORDER BY id"))
        )
