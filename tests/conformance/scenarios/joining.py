"""``join`` and ``with_labels``: classes over more than one table."""

import sqlalchemy

import sqlsoup


def _lent(db, **options):
    return db.join(db.member, db.lending, **options)


def over_a_foreign_key(bench):
    """Two tables that a foreign key ties are joined over it."""
    db = sqlsoup.SQLSoup(bench.engine)
    lent = _lent(db)
    rows = lent.order_by(lent.since).all()
    return [
        lent.__name__,
        lent.c.keys(),
        rows,
        type(rows[0]) is lent,
        isinstance(lent, sqlsoup.SelectableClassType),
    ]


def kind_of_class(bench):
    """The class of a join is a SelectableClassType that does not insert."""
    db = sqlsoup.SQLSoup(bench.engine)
    lent = _lent(db)
    return [
        type(lent) is sqlsoup.SelectableClassType,
        isinstance(lent, sqlsoup.TableClassType),
        bench.attempt(lambda: lent.insert(name="Dora")),
        hasattr(lent, "relate"),
        len(db.session.new),
    ]


def with_condition(bench):
    """A condition takes the place of the foreign key."""
    db = sqlsoup.SQLSoup(bench.engine)
    booked = db.join(db.member, db.slot, db.member.name == db.slot.booked_by)
    by_name = db.join(db.member, db.slot, onclause=db.member.name == db.slot.booked_by)
    return [booked.order_by(booked.hour, booked.room).all(), by_name.count()]


def outer(bench):
    """``isouter=True`` keeps the rows that have no partner."""
    db = sqlsoup.SQLSoup(bench.engine)
    booked = db.join(db.slot, db.member, db.member.name == db.slot.booked_by, isouter=True)
    return [
        booked.count(),
        [[row.room, row.hour, row.name] for row in booked.order_by(booked.room, booked.hour)],
    ]


def positional_outer(bench):
    """All arguments of ``join`` by position."""
    db = sqlsoup.SQLSoup(bench.engine)

    class Pair:
        def both(self):
            return "%s-%s" % (self.hour, self.name)

    booked = db.join(db.slot, db.member, db.member.name == db.slot.booked_by, True, Pair)
    return [row.both() for row in booked.order_by(booked.room, booked.hour)]


def three_tables(bench):
    """A join's class joined with a third table."""
    db = sqlsoup.SQLSoup(bench.engine)
    lent = _lent(db)
    full = db.join(lent, db.tool, lent.tool_code == db.tool.code)
    return [full.c.keys(), full.filter(full.name == "Bo").order_by(full.code).all()]


def three_tables_over_foreign_keys(bench):
    """A join's class and a third table, tied by a foreign key."""
    db = sqlsoup.SQLSoup(bench.engine)
    full = db.join(_lent(db), db.tool)
    return [full.count(), full.filter_by(title="jig saw").one()]


def changes_through_a_join(bench):
    """Attributes set on a joined row reach both tables."""
    db = sqlsoup.SQLSoup(bench.engine)
    lent = _lent(db)
    row = lent.filter(lent.tool_code == "SAW").one()
    row.name, row.weeks = "Adele", 9
    db.commit()
    return [
        bench.stored("SELECT name FROM member WHERE id = 1"),
        bench.stored("SELECT weeks FROM lending WHERE tool_code = 'SAW'"),
    ]


def delete_through_a_join(bench):
    """Deleting a joined row deletes from both tables."""
    db = sqlsoup.SQLSoup(bench.engine)
    lent = _lent(db)
    db.delete(lent.filter(lent.tool_code == "SAW").one())
    db.commit()
    return [
        bench.stored("SELECT id FROM member"),
        bench.stored("SELECT tool_code FROM lending ORDER BY 1"),
    ]


def queries_on_a_join(bench):
    """A joined class is queried like a table: filters, order, count, first, columns."""
    db = sqlsoup.SQLSoup(bench.engine)
    lent = _lent(db)
    return [
        lent.filter(lent.points < 20, lent.weeks == 1).one().tool_code,
        lent.filter_by(name="Bo").count(),
        lent.order_by(lent.since.desc()).first().tool_code,
        [list(row) for row in lent.with_entities(lent.name, lent.weeks).order_by(lent.since)],
        lent.filter_by(name="Zoe").first(),
    ]


def tables_as_arguments(bench):
    """Tables in place of classes."""
    db = sqlsoup.SQLSoup(bench.engine)
    lent = db.join(db.member._table, db.lending._table)
    mixed = db.join(db.member, db.lending._table)
    return [lent.count(), lent.filter_by(tool_code="DRILL").one(), mixed.count()]


def self_join(bench):
    """A table joined with an alias of itself, with labels."""
    db = sqlsoup.SQLSoup(bench.engine)
    sponsor = db.member._table.alias("sponsor")
    member = db.member._table
    pairs = db.with_labels(sqlalchemy.join(member, sponsor, member.c.sponsor_id == sponsor.c.id))
    return [
        pairs.c.keys(),
        [[row.member_name, row.sponsor_name] for row in pairs.order_by(pairs.member_id)],
    ]


def not_cached(bench):
    """Joins are not put in the cache; each call makes a new class."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [_lent(db) is _lent(db), sorted(db._cache)]


def no_way_to_join(bench):
    """Tables that no foreign key ties."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        bench.raises(lambda: db.join(db.skill, db.slot), sqlalchemy.exc.NoForeignKeysError),
        sorted(db._cache),
    ]


def columns_of_one_name(bench):
    """Tables that share a column name, joined without labels."""
    db = sqlsoup.SQLSoup(bench.engine)
    return bench.raises(
        lambda: db.join(db.member, db.repair, db.member.name == db.repair.note).count(),
        sqlalchemy.exc.InvalidRequestError,
    )


def columns_of_one_name_unused(bench):
    """The same join, made and not used."""
    db = sqlsoup.SQLSoup(bench.engine)
    return bench.attempt(
        lambda: db.join(db.member, db.repair, db.member.name == db.repair.note), message=False
    )


def mapper_arguments(bench):
    """Keywords of the mapper handed to ``join``: left-out columns and renamed ones."""
    db = sqlsoup.SQLSoup(bench.engine)
    lent = _lent(db, exclude_properties=["email", "points"])
    renamed = _lent(db, properties={"who": db.member._table.c.name})
    return [
        [name for name in dir(lent.first()) if name[0] != "_"],
        renamed.filter_by(who="Ada").one().who,
        lent.order_by(lent.since).first().tool_code,
    ]


def with_labels(bench):
    """``with_labels`` puts the table's name in front of each column's."""
    db = sqlsoup.SQLSoup(bench.engine)
    lent = db.with_labels(_lent(db))
    row = lent.filter(lent.member_name == "Ada").one()
    return [
        lent.c.keys(),
        row,
        lent.__name__,
        lent.order_by(lent.lending_since).first().lending_tool_code,
    ]


def with_labels_of_one_name(bench):
    """With labels, tables that share a column name can be joined."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.tool, db.repair, db.skill, db.member_skill
    pair = sqlalchemy.join(
        db.member._table, db.skill._table, db.member._table.c.id == db.skill._table.c.id
    )
    labelled = db.with_labels(pair)
    return [
        labelled.c.keys(),
        [[row.member_name, row.skill_title] for row in labelled.order_by(labelled.member_id)],
    ]


def with_labels_of_a_soup_join(bench):
    """``with_labels`` over ``join`` when the tables share a column name."""
    db = sqlsoup.SQLSoup(bench.engine)

    def use():
        pair = db.with_labels(db.join(db.member, db.skill, db.member.id == db.skill.id))
        return [[row.member_id, row.skill_title] for row in pair.order_by(pair.member_id)]

    return bench.attempt(use, message=False)


def with_labels_of_a_table(bench):
    """``with_labels`` of one class, with a base class."""

    class Mixin:
        def shout(self):
            return self.member_name.upper()

    db = sqlsoup.SQLSoup(bench.engine)
    labelled = db.with_labels(db.member, base=Mixin)
    return [labelled.c.keys(), [row.shout() for row in labelled.order_by(labelled.member_id)]]


def with_labels_does_not_insert(bench):
    """A labelled class refuses ``insert``."""
    db = sqlsoup.SQLSoup(bench.engine)
    return bench.attempt(lambda: db.with_labels(_lent(db)).insert(member_name="x"))


def base_class(bench):
    """A join with a base class of its own, and with the soup's."""

    class Own:
        def label(self):
            return "%s has %s" % (self.name, self.tool_code)

    class Usual:
        def label(self):
            return "usual"

    db = sqlsoup.SQLSoup(bench.engine, base=Usual)
    own, usual = _lent(db, base=Own), _lent(db)
    return [own.order_by(own.since).first().label(), usual.first().label(), issubclass(own, Usual)]
