"""``relate``: relations between mapped classes."""

import sqlalchemy
from bench import select
from sqlalchemy.orm import backref, joinedload

import sqlsoup


def to_many(bench):
    """A relation from the one side gives lists."""
    db = sqlsoup.SQLSoup(bench.engine)
    returned = db.tool.relate("repairs", db.repair)
    return [
        returned,
        sorted(repair.note for repair in db.tool.get("SAW").repairs),
        db.tool.get("DRILL").repairs,
        type(db.tool.get("SAW").repairs[0]) is db.repair,
    ]


def to_one(bench):
    """A relation from the many side gives one row or None."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.repair.relate("tool", db.tool)
    loose = db.repair.insert(note="oil")
    db.commit()
    return [db.repair.get(3).tool, loose.tool, db.repair.get(1).tool is db.tool.get("SAW")]


def both_ways(bench):
    """A backref by name gives the other direction."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.tool.relate("repairs", db.repair, backref="tool")
    saw = db.tool.get("SAW")
    oil = db.repair.insert(note="oil")
    saw.repairs.append(oil)
    there = oil.tool is saw
    db.commit()
    return [
        there,
        bench.stored("SELECT tool_code FROM repair WHERE note = 'oil'"),
        db.repair.get(3).tool.code,
    ]


def backref_function(bench):
    """``backref()`` with options of its own."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.repair.relate(
        "tool", db.tool, backref=backref("repairs", order_by=db.repair.cost.desc(), lazy="joined")
    )
    return [[repair.id for repair in db.tool.get("SAW").repairs], db.repair.get(1).tool.code]


def separate_sides(bench):
    """A relation on either side with ``back_populates``."""
    db = sqlsoup.SQLSoup(bench.engine)

    def use():
        db.tool.relate("repairs", db.repair, back_populates="tool")
        db.repair.relate("tool", db.tool, back_populates="repairs")
        row = db.repair.insert(note="oil")
        row.tool = db.tool.get("DRILL")
        there = row in db.tool.get("DRILL").repairs
        db.commit()
        return [there, bench.stored("SELECT tool_code FROM repair WHERE note = 'oil'")]

    return bench.attempt(use, message=False)


def over_a_secondary_table(bench):
    """Many-to-many over an association table, given as a Table."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member.relate(
        "skills",
        db.skill,
        secondary=db.member_skill._table,
        order_by=db.skill.title,
        backref="members",
    )
    bo = db.member.get(2)
    before = [skill.title for skill in bo.skills]
    bo.skills.append(db.skill.get(3))
    bo.skills.remove(db.skill.get(2))
    db.commit()
    return [
        before,
        bench.stored("SELECT * FROM member_skill ORDER BY 1, 2"),
        sorted(member.name for member in db.skill.get(3).members),
    ]


def over_a_secondary_class(bench):
    """Many-to-many over an association table, given as a mapped class."""
    db = sqlsoup.SQLSoup(bench.engine)

    def use():
        db.member.relate("skills", db.skill, secondary=db.member_skill)
        return sorted(skill.title for skill in db.member.get(1).skills)

    return bench.attempt(use, message=False)


def to_itself(bench):
    """A table related to itself, both ways."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member.relate(
        "sponsor",
        db.member,
        remote_side=db.member._table.c.id,
        backref=backref("sponsored", order_by=db.member.id),
    )
    ada = db.member.get(1)
    return [[row.name for row in ada.sponsored], ada.sponsor, db.member.get(2).sponsor is ada]


def to_itself_downwards(bench):
    """A table related to itself without naming the remote side is a list."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member.relate("sponsored", db.member, order_by=db.member.id)
    return [[row.name for row in db.member.get(1).sponsored], db.member.get(3).sponsored]


def ordered(bench):
    """``order_by`` of a relation."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.tool.relate("repairs", db.repair, order_by=db.repair.cost)
    db.member.relate("lendings", db.lending, order_by=db.lending.since.desc())
    return [
        [repair.id for repair in db.tool.get("SAW").repairs],
        [lending.tool_code for lending in db.member.get(2).lendings],
    ]


def with_own_condition(bench):
    """A relation without a foreign key, by ``primaryjoin`` and ``foreign_keys``."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member.relate(
        "slots",
        db.slot,
        primaryjoin=db.member.name == db.slot.booked_by,
        foreign_keys=[db.slot.booked_by],
        order_by=db.slot.hour,
    )
    return [db.member.get(3).slots, db.member.get(2).slots]


def with_table_condition(bench):
    """A relation with a condition on Table columns, for reading only."""
    db = sqlsoup.SQLSoup(bench.engine)
    tool, repair = db.tool._table, db.repair._table
    db.tool.relate(
        "costly",
        db.repair,
        primaryjoin=sqlalchemy.and_(tool.c.code == repair.c.tool_code, repair.c.cost > 10),
        viewonly=True,
    )
    return [
        [row.id for row in db.tool.get("SAW").costly],
        [row.id for row in db.tool.get("LATHE").costly],
    ]


def cascades(bench):
    """``cascade="all, delete-orphan"`` deletes what belonged to the row."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.tool.relate("repairs", db.repair, cascade="all, delete-orphan", order_by=db.repair.id)
    saw = db.tool.get("SAW")
    del saw.repairs[0]
    db.commit()
    first = bench.stored("SELECT id FROM repair")
    db.delete(saw)
    db.commit()
    return [first, bench.stored("SELECT id FROM repair"), bench.stored("SELECT count(*) FROM tool")]


def without_cascade(bench):
    """Without a cascade the rows that pointed to a deleted one point nowhere."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.tool.relate("repairs", db.repair)
    db.delete(db.tool.get("SAW"))
    db.commit()
    return bench.stored("SELECT id, tool_code FROM repair")


def new_rows_by_relation(bench):
    """New rows appended to a new row are stored with it, keys in place."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member.relate("lendings", db.lending, backref="member")
    dora = db.member.insert(name="Dora")
    dora.lendings.append(db.lending(tool_code="LATHE"))
    dora.lendings.append(db.lending(tool_code="SAW"))
    db.commit()
    return [
        bench.stored("SELECT member_id, tool_code FROM lending WHERE member_id > 3 ORDER BY 2"),
        len(dora.lendings),
    ]


def lazy_modes(bench):
    """Eager, select-in, dynamic and no loading."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.tool.relate("eager", db.repair, lazy="joined", order_by=db.repair.id, viewonly=True)
    db.tool.relate("inlist", db.repair, lazy="selectin", order_by=db.repair.id, viewonly=True)
    db.tool.relate("asked", db.repair, lazy="dynamic", viewonly=True)
    del bench.statements[:]
    saw = db.tool.filter_by(code="SAW").one()
    sent = len([text for text in bench.statements if text.startswith("SELECT")])
    lists = [[row.id for row in saw.eager], [row.id for row in saw.inlist]]
    sent_more = len([text for text in bench.statements if text.startswith("SELECT")]) - sent
    return [sent, lists, sent_more, saw.asked.filter_by(id=2).one(), saw.asked.count()]


def eager_option(bench):
    """``options(joinedload(...))`` on the class."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.tool.relate("repairs", db.repair, order_by=db.repair.id)
    rows = db.tool.options(joinedload(db.tool.repairs)).order_by(db.tool.code).all()
    del bench.statements[:]
    return [[len(row.repairs) for row in rows], bench.statements]


def queries_over_relations(bench):
    """``any``, ``has`` and ``join`` over a relation."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.tool.relate("repairs", db.repair, backref="tool")
    db.repair.relate("tool_again", db.tool, viewonly=True)
    return [
        [row.code for row in db.tool.filter(db.tool.repairs.any()).order_by(db.tool.code)],
        [row.code for row in db.tool.filter(db.tool.repairs.any(db.repair.cost > 50))],
        [row.id for row in db.repair.filter(db.repair.tool_again.has(title="wood lathe"))],
        [row.code for row in db.tool.join(db.tool.repairs).filter(db.repair.cost < 10)],
        [
            row.id
            for row in db.repair.filter(db.repair.tool_again == db.tool.get("SAW")).order_by(
                db.repair.id
            )
        ],
    ]


def after_rows_were_loaded(bench):
    """A relation added when rows are loaded already serves them too."""
    db = sqlsoup.SQLSoup(bench.engine)
    saw = db.tool.get("SAW")
    db.tool.relate("repairs", db.repair)
    return [len(saw.repairs), len(db.tool.get("LATHE").repairs)]


def after_the_cache_was_emptied(bench):
    """Both classes mapped anew and related again."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.tool.relate("repairs", db.repair, backref="tool")
    first = len(db.tool.get("SAW").repairs)
    db.expunge_all()
    del db._cache["tool"], db._cache["repair"]
    db.tool.relate("repairs", db.repair, backref="tool")
    return [first, len(db.tool.get("SAW").repairs), db.repair.get(3).tool.code]


def same_name_twice(bench):
    """A relation replaced by another of its name."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member.relate("things", db.lending)
    db.member.relate("things", db.lending, order_by=db.lending.tool_code.desc())
    return [row.tool_code for row in db.member.get(2).things]


def unrelated_tables(bench):
    """A relationship between tables that no foreign key ties fails, at the latest with the first query."""
    db = sqlsoup.SQLSoup(bench.engine)
    return bench.raises(
        lambda: [db.skill.relate("slots", db.slot), db.skill.first()], sqlalchemy.exc.ArgumentError
    )


def unrelated_tables_at_once(bench):
    """When the failure of such a relation shows."""
    db = sqlsoup.SQLSoup(bench.engine)
    skill, slot = db.skill, db.slot
    at_once = bench.attempt(lambda: skill.relate("slots", slot), message=False)
    return [at_once, bench.attempt(lambda: db.member.get(1), message=False)]


def relate_on_a_join(bench):
    """A class of a join has no ``relate``."""
    db = sqlsoup.SQLSoup(bench.engine)
    lent = db.join(db.member, db.lending)
    return bench.attempt(lambda: lent.relate("tool", db.tool), message=False)


def chains(bench):
    """Three tables tied by two relations, walked along."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member.relate("lendings", db.lending, order_by=db.lending.since)
    db.lending.relate("tool", db.tool)
    db.tool.relate("repairs", db.repair, order_by=db.repair.id)
    return {
        member.name: [
            [lending.tool.title, [repair.note for repair in lending.tool.repairs]]
            for lending in member.lendings
        ]
        for member in db.member.order_by(db.member.id)
    }


def collections(bench):
    """Relations as sets and as dicts."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.tool.relate("repairs", db.repair, collection_class=set, viewonly=True)
    repairs = db.tool.get("SAW").repairs
    return [type(repairs).__mro__[1].__name__, sorted(repair.id for repair in repairs)]


def to_a_select(bench):
    """A relation to a mapped select."""
    db = sqlsoup.SQLSoup(bench.engine)
    repair = db.repair._table
    sums = select(repair.c.tool_code, sqlalchemy.func.sum(repair.c.cost).label("total")).group_by(
        repair.c.tool_code
    )
    sums = sums.alias("sums")
    totals = db.map(sums, primary_key=[sums.c.tool_code])
    db.tool.relate(
        "spent",
        totals,
        primaryjoin=db.tool._table.c.code == sums.c.tool_code,
        foreign_keys=[sums.c.tool_code],
        viewonly=True,
        uselist=False,
    )
    return [db.tool.get("SAW").spent.total, db.tool.get("DRILL").spent]
