"""Reading rows: the session's query, spelled on the class."""

import sqlalchemy
from bench import select, tuples
from sqlalchemy import and_, desc, func, or_
from sqlalchemy.orm import Query, aliased, exc, scoped_session, sessionmaker

import sqlsoup


def everything(bench):
    """``all()`` gives instances of the class, in a list."""
    db = sqlsoup.SQLSoup(bench.engine)
    rows = db.member.order_by(db.member.id).all()
    return [
        rows,
        type(rows) is list,
        all(type(row) is db.member for row in rows),
        len(db.member.all()),
    ]


def ordered(bench):
    """``order_by`` with columns, names, several of them, and downwards."""
    db = sqlsoup.SQLSoup(bench.engine)
    member = db.member
    return [
        [row.id for row in member.order_by(member.points)],
        [row.id for row in member.order_by(desc(member.points)).all()],
        [row.id for row in member.order_by(member.sponsor_id.desc(), member.name.desc())],
        [row.id for row in member.order_by("points")],
        [row.id for row in member.order_by(member.c.name.desc())],
    ]


def first(bench):
    """``first()`` gives a row or None."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        db.tool.order_by(db.tool.price).first(),
        db.tool.filter_by(code="?").first(),
        db.tool.first() is not None,
    ]


def by_key(bench):
    """``get`` by a simple key; None when there is none."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        db.member.get(3),
        db.tool.get("SAW"),
        db.member.get(99),
        db.member.get(3) is db.member.get(3),
    ]


def by_composite_key(bench):
    """``get`` by the values of a composite key, in table order."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        db.slot.get((2, 9)),
        db.slot.get([1, 10]),
        db.slot.get((2, 10)),
        db.lending.get((2, "LEVEL")),
        bench.attempt(lambda: db.slot.get(1), message=False),
    ]


def by_key_without_a_query(bench):
    """``get`` of a row that the session holds sends no statement."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.tool.get("DRILL")
    del bench.statements[:]
    return [db.tool.get("DRILL") is row, bench.statements]


def filtered(bench):
    """``filter`` with comparisons of every kind."""
    db = sqlsoup.SQLSoup(bench.engine)
    tool = db.tool

    def codes(*conditions):
        return [row.code for row in tool.filter(*conditions).order_by(tool.code)]

    return [
        codes(tool.price > 100),
        codes(tool.price >= 90, tool.price < 1000),
        codes(tool.title.like("%aw")),
        codes(tool.code.in_(["SAW", "DRILL", "?"])),
        codes(tool.shelf == None),  # noqa: E711
        codes(tool.shelf != None),  # noqa: E711
        codes(tool.price.between(20, 90)),
        codes(or_(tool.price < 50, and_(tool.price > 100, tool.shelf == "F1"))),
        codes(~(tool.code == "SAW")),
        codes(tool.title.startswith("w")),
        codes(func.length(tool.code) == 5),
        codes(tool.c.price == 140),
        codes(tool._table.c.price == 140),
    ]


def filtered_by_keywords(bench):
    """``filter_by`` with one and more keywords, and with one that is no column."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        db.member.filter_by(name="Bo").all(),
        db.member.filter_by(sponsor_id=1, points=20).one(),
        db.member.filter_by(name="Bo", points=99).all(),
        bench.raises(
            lambda: db.member.filter_by(nom="Bo").all(), sqlalchemy.exc.InvalidRequestError
        ),
    ]


def filtered_by_text(bench):
    """``filter(text(...))`` with parameters."""
    db = sqlsoup.SQLSoup(bench.engine)
    return (
        db.tool.filter(sqlalchemy.text("price > :least"))
        .params(least=100)
        .order_by(db.tool.code)
        .all()
    )


def filters_chained(bench):
    """A query built step by step; each step leaves the one before as it was."""
    db = sqlsoup.SQLSoup(bench.engine)
    query = db.tool.filter(db.tool.price > 10)
    cheap = query.filter(db.tool.price < 100)
    return [query.count(), cheap.count(), cheap.filter_by(shelf="A2").one(), query.count()]


def exactly_one(bench):
    """``one()`` and ``one_or_none()`` with no, one and two rows."""
    db = sqlsoup.SQLSoup(bench.engine)
    members = db.member.order_by(db.member.id)
    return [
        db.member.filter_by(name="Ada").one(),
        bench.attempt(lambda: db.member.filter_by(name="Zoe").one(), message=False),
        bench.attempt(lambda: members.one(), message=False),
        bench.raises(lambda: db.member.filter_by(name="Zoe").one(), exc.NoResultFound),
        bench.raises(lambda: members.one(), exc.MultipleResultsFound),
        db.member.filter_by(name="Zoe").one_or_none(),
    ]


def counted(bench):
    """``count()`` of a class and of queries."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        db.member.count(),
        db.member.filter(db.member.sponsor_id == 1).count(),
        db.member.limit(2).count(),
        db.tool.filter_by(code="?").count(),
    ]


def sliced(bench):
    """``limit``, ``offset``, ``slice``, indexes and slices of queries."""
    db = sqlsoup.SQLSoup(bench.engine)
    tools = db.tool.order_by(db.tool.code)
    return [
        [row.code for row in tools.limit(2)],
        [row.code for row in tools.offset(2)],
        [row.code for row in tools.limit(1).offset(1)],
        [row.code for row in tools[1:3]],
        tools[0],
        [row.code for row in tools.slice(2, 4)],
    ]


def looped_over(bench):
    """A loop over a query, and over a limited one from the class."""
    db = sqlsoup.SQLSoup(bench.engine)
    names = []
    for row in db.member.order_by(db.member.name):
        names.append(row.name)
    return [names, [row.id for row in db.member.order_by(db.member.id).limit(10)]]


def class_not_iterable(bench):
    """The class itself can be neither looped over nor indexed."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        bench.attempt(lambda: list(db.member), message=False),
        bench.attempt(lambda: db.member[0], message=False),
        bench.attempt(lambda: len(db.member), message=False),
    ]


def columns_only(bench):
    """Single columns through the session, ``with_entities`` and ``session.query``."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        tuples(db.session.query(db.member.name, db.member.points).order_by(db.member.id)),
        tuples(db.member.with_entities(db.member.name).order_by(db.member.name.desc())),
        db.session.query(func.max(db.tool.price)).scalar(),
        db.session.query(db.tool.price).filter(db.tool.code == "SAW").scalar(),
        [row.name for row in db.session.query(db.member.name).order_by(db.member.id)],
    ]


def grouped(bench):
    """Counting and summing by groups, with ``having``."""
    db = sqlsoup.SQLSoup(bench.engine)
    repair = db.repair
    query = db.session.query(
        repair.tool_code, func.count(repair.id), func.sum(repair.cost)
    ).group_by(repair.tool_code)
    return [
        tuples(query.order_by(repair.tool_code)),
        tuples(query.having(func.count(repair.id) > 1)),
    ]


def distinct_values(bench):
    """``distinct()`` on a query of one column."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        tuples(db.session.query(db.repair.tool_code).distinct().order_by(db.repair.tool_code)),
        db.member.distinct().count(),
    ]


def session_query_of_a_class(bench):
    """``session.query(db.table)`` gives instances that can be changed."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.session.query(db.member).filter(db.member.name == "Bo").one()
    row.points = 13
    db.commit()
    return [type(row) is db.member, row, bench.stored("SELECT points FROM member WHERE id = 2")]


def session_query_of_two_classes(bench):
    """``session.query(a, b)`` with a condition between them gives pairs of rows."""
    db = sqlsoup.SQLSoup(bench.engine)
    pairs = (
        db.session.query(db.member, db.lending)
        .filter(db.member.id == db.lending.member_id)
        .order_by(db.lending.since)
    )
    return tuples(pairs)


def joined_query(bench):
    """``join`` and ``outerjoin`` on the class, with conditions; rows stay rows of the class."""
    db = sqlsoup.SQLSoup(bench.engine)
    member, lending = db.member, db.lending
    open_ended = member.outerjoin(lending, lending.member_id == member.id).filter(
        lending.weeks.is_(None)
    )
    return [
        member.join(lending, lending.member_id == member.id).filter(lending.weeks == 2).all(),
        open_ended.order_by(member.id).all(),
        member.join(lending._table, lending._table.c.member_id == member.id)
        .filter(lending.tool_code == "DRILL")
        .one(),
    ]


def aliased_class(bench):
    """``aliased`` of a class against the class itself."""
    db = sqlsoup.SQLSoup(bench.engine)
    sponsor = aliased(db.member)
    pairs = db.session.query(db.member.name, sponsor.name).join(
        sponsor, db.member.sponsor_id == sponsor.id
    )
    return [
        tuples(pairs.order_by(db.member.name)),
        db.session.query(sponsor).filter(sponsor.id == 1).all(),
    ]


def subqueries(bench):
    """Subqueries from queries, in conditions and as sources."""
    db = sqlsoup.SQLSoup(bench.engine)
    lent = db.lending.with_entities(db.lending.tool_code).subquery()
    best = db.session.query(func.max(db.member.points).label("most")).subquery()
    return [
        [
            row.code
            for row in db.tool.filter(db.tool.code.in_(select(lent.c.tool_code))).order_by(
                db.tool.code
            )
        ],
        db.member.filter(db.member.points == best.c.most).all(),
        tuples(db.session.query(best)),
    ]


def exists_conditions(bench):
    """``exists()`` of a query as a condition."""
    db = sqlsoup.SQLSoup(bench.engine)
    busy = db.lending.filter(db.lending.member_id == db.member.id).exists()
    return [
        [row.name for row in db.member.filter(busy).order_by(db.member.id)],
        [row.name for row in db.member.filter(~busy)],
    ]


def unions(bench):
    """``union`` of two queries on a class."""
    db = sqlsoup.SQLSoup(bench.engine)
    dear, unplaced = db.tool.filter(db.tool.price > 1000), db.tool.filter_by(shelf=None)
    return [row.code for row in dear.union(unplaced).order_by(db.tool.code)]


def from_statement(bench):
    """Rows of a class out of a statement written by hand."""
    db = sqlsoup.SQLSoup(bench.engine)
    statement = sqlalchemy.text("SELECT * FROM member WHERE points > :p ORDER BY id")
    rows = db.member.from_statement(statement).params(p=15).all()
    rows[0].name = "Adele"
    db.commit()
    return [rows, bench.stored("SELECT name FROM member WHERE id = 1")]


def core_select_of_columns(bench):
    """A Core select of a class's columns, run through the session and the connection."""
    db = sqlsoup.SQLSoup(bench.engine)
    statement = (
        select(db.member.name, db.member.points)
        .where(db.member.points > 15)
        .order_by(db.member.name)
    )
    table = db.member._table
    return [
        tuples(db.session.execute(statement)),
        tuples(db.connection().execute(statement)),
        tuples(db.session.execute(select(table.c.name).where(table.c.id == 2))),
        db.session.execute(select(func.count()).select_from(table)).scalar(),
    ]


def sql_of_expressions(bench):
    """Class attributes and queries turned to SQL text."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        str(db.member.name == "Bo"),
        str(db.member.points + 1 > 3),
        str(db.member.name),
        " ".join(str(db.skill.filter(db.skill.id == 3)).split()),
    ]


def bulk_update(bench):
    """``update`` of a query: the number of rows, loaded rows brought up to date, the file after commit."""
    db = sqlsoup.SQLSoup(bench.engine)
    saw = db.tool.get("SAW")
    changed = db.tool.filter(db.tool.price < 100).update({"price": 99})
    seen = saw.price
    before = bench.stored("SELECT count(*) FROM tool WHERE price = 99")
    db.commit()
    return [changed, seen, before, bench.stored("SELECT code, price FROM tool ORDER BY code")]


def bulk_update_with_expressions(bench):
    """``update`` with columns as keys and expressions as values, on the class itself too."""
    db = sqlsoup.SQLSoup(bench.engine)
    one = db.member.filter(db.member.id > 1).update(
        {db.member.points: db.member.points * 2}, synchronize_session=False
    )
    two = db.slot.update({"booked_by": "Bo"}, synchronize_session="fetch")
    db.commit()
    return [
        one,
        two,
        bench.stored("SELECT points FROM member"),
        bench.stored("SELECT DISTINCT booked_by FROM slot"),
    ]


def bulk_delete(bench):
    """``delete`` of a query and of a whole class."""
    db = sqlsoup.SQLSoup(bench.engine)
    one = db.lending.filter_by(member_id=2).delete()
    two = db.slot.delete()
    kept = bench.stored("SELECT count(*) FROM slot")
    db.commit()
    return [one, two, kept, bench.stored("SELECT count(*) FROM slot"), db.lending.all()]


def bulk_delete_of_loaded_rows(bench):
    """A bulk delete takes loaded rows out of the session."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.repair.get(2)
    db.repair.filter(db.repair.id == 2).delete(synchronize_session="fetch")
    gone = row in db.session
    db.rollback()
    return [gone, db.repair.get(2)]


def stale_values(bench):
    """``populate_existing`` reads values anew that others have changed."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.tool.get("SAW")
    bench.sql("UPDATE tool SET price = 95 WHERE code = 'SAW'")
    first_look = db.tool.filter_by(code="SAW").one().price
    db.tool.populate_existing().filter_by(code="SAW").one()
    return [first_look, row.price]


def yielded(bench):
    """``yield_per`` over a query."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [row.code for row in db.tool.order_by(db.tool.code).yield_per(2)]


def autoflush(bench):
    """A query sees what was changed and inserted before it, unless autoflush is off."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member.insert(name="Dora")
    off = db.member.autoflush(False).count()
    on = db.member.count()
    db.member.get(1).points = 0
    return [off, on, db.member.filter_by(points=0).count()]


def query_of_the_class(bench):
    """``_query`` is a new query of the session at each access."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        isinstance(db.member._query, Query),
        db.member._query is db.member._query,
        db.member._query.session is db.session(),
        db.member._query.count(),
    ]


def own_query_class(bench):
    """Methods of the session's own Query class are reachable on the mapped class."""

    class Shelves(Query):
        def on_shelf(self, shelf):
            return self.filter_by(shelf=shelf)

    db = sqlsoup.SQLSoup(bench.engine, session=scoped_session(sessionmaker(query_cls=Shelves)))
    return [
        db.tool.on_shelf("A1").one(),
        type(db.tool.filter_by(code="SAW")).__name__,
        db.tool.order_by("code").on_shelf("F1")[0],
    ]


def unknown_attribute(bench):
    """A name that neither the class nor the query has."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        bench.attempt(lambda: db.member.weight, message=False),
        hasattr(db.member, "weight"),
        hasattr(db.member, "filter_by"),
        getattr(db.member, "weight", "none"),
        bench.attempt(lambda: db.member.get(1).weight, message=False),
    ]


def column_hides_query_method(bench):
    """A column that is called like a query method wins; ``_query`` still has the method."""
    bench.sql(
        """CREATE TABLE stock (id INTEGER PRIMARY KEY, count INTEGER, first TEXT);
        INSERT INTO stock VALUES (1, 7, 'x'), (2, 8, 'y')"""
    )
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        db.stock.filter(db.stock.count > 7).all(),
        db.stock._query.count(),
        db.stock.filter_by(first="x").one().count,
        str(db.stock.first),
    ]


def locking_and_hints(bench):
    """Query methods that change nothing on SQLite are reachable."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        db.tool.with_for_update().filter_by(code="SAW").one(),
        db.tool.execution_options(note="x").count(),
        db.tool.enable_eagerloads(False).count(),
        db.tool.filter(False).count(),
    ]
