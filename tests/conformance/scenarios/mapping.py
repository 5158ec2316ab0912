"""``map``: classes over selects, aliases and tables; ``map_to``: the same under a name."""

import gc
import weakref

import sqlalchemy
from bench import reflected, select
from sqlalchemy import func, orm

import sqlsoup


def _summary(db):
    """Repairs and their cost for each tool."""
    repair = db.repair._table
    columns = (
        repair.c.tool_code,
        func.count(repair.c.id).label("times"),
        func.sum(repair.c.cost).label("total"),
    )
    return select(*columns).group_by(repair.c.tool_code).alias("summary")


def select_with_key(bench):
    """A grouped select with a key named by the caller."""
    db = sqlsoup.SQLSoup(bench.engine)
    summary = _summary(db)
    repairs = db.map(summary, primary_key=[summary.c.tool_code])
    return [
        repairs.__name__,
        repairs.c.keys(),
        repairs.order_by(repairs.total).all(),
        repairs.filter(repairs.times > 1).one().total,
        repairs.get("LATHE"),
        type(repairs) is sqlsoup.SelectableClassType,
    ]


def select_with_its_own_key(bench):
    """A select that takes the table's key along needs no other."""
    db = sqlsoup.SQLSoup(bench.engine)
    tool = db.tool._table
    dear = db.map(select(tool.c.code, tool.c.price).where(tool.c.price > 100).alias("pricey"))
    return [dear.order_by(dear.code).all(), dear.get("DRILL"), dear.get("SAW")]


def select_without_key(bench):
    """A select of columns that are no key, with no key named."""
    db = sqlsoup.SQLSoup(bench.engine)
    tool = db.tool._table
    return bench.raises(
        lambda: db.map(select(tool.c.title).alias("titles")), sqlalchemy.exc.ArgumentError
    )


def alias_of_a_table(bench):
    """An alias of a table is mapped next to the table."""
    db = sqlsoup.SQLSoup(bench.engine)
    other = db.map(db.tool._table.alias("other"))
    row = other.get("SAW")
    return [other.__name__, row, other.filter(other.price > 100).count(), row is db.tool.get("SAW")]


def alias_with_changes(bench):
    """Changes to rows of an alias."""
    db = sqlsoup.SQLSoup(bench.engine)
    other = db.map(db.tool._table.alias("other"))
    row = other.get("SAW")
    row.price = 1
    db.session.expunge(row)
    return [row.price, bench.stored("SELECT price FROM tool WHERE code = 'SAW'")]


def table_with_key(bench):
    """A table without a key is mapped by ``map`` with one."""
    db = sqlsoup.SQLSoup(bench.engine)
    table = reflected("scrap", db._metadata, bench.engine)
    scrap = db.map(table, primary_key=[table.c.kind])
    return [
        scrap.order_by(scrap.kind).all(),
        scrap.get("iron").kilos,
        type(scrap).__name__,
        sorted(db._cache),
    ]


def view_with_key(bench):
    """A view is mapped by ``map`` with a key."""
    db = sqlsoup.SQLSoup(bench.engine)
    view = reflected("dear", db._metadata, bench.engine)
    dear = db.map(view, primary_key=[view.c.code])
    return [dear.order_by(dear.price).all(), dear.get("LATHE").title]


def plain_table(bench):
    """A table mapped with ``map`` inserts and updates."""
    db = sqlsoup.SQLSoup(bench.engine)
    skill = db.map(db.skill._table)
    skill.insert(title="forging")
    skill.get(1).title = "lathing"
    db.commit()
    return [
        bench.stored("SELECT * FROM skill"),
        skill is db.skill,
        isinstance(skill, sqlsoup.TableClassType),
    ]


def mapped_class_again(bench):
    """A mapped class as the selectable of ``map``."""
    db = sqlsoup.SQLSoup(bench.engine)
    again = db.map(db.skill)
    return [again.__name__, again is db.skill, again.get(2), type(again).__name__]


def core_join(bench):
    """A Core join is mapped."""
    db = sqlsoup.SQLSoup(bench.engine)
    pair = db.map(sqlalchemy.join(db.member._table, db.lending._table))
    return [pair.__name__, pair.filter_by(tool_code="SAW").one().name]


def bare_select(bench):
    """A select that is not wrapped in an alias."""
    db = sqlsoup.SQLSoup(bench.engine)
    tool = db.tool._table
    return bench.attempt(
        lambda: db.map(select(tool.c.code, tool.c.price)).get("SAW"), message=False
    )


def select_does_not_insert(bench):
    """The class of a select refuses ``insert``."""
    db = sqlsoup.SQLSoup(bench.engine)
    summary = _summary(db)
    return bench.attempt(
        lambda: db.map(summary, primary_key=[summary.c.tool_code]).insert(tool_code="X")
    )


def base_and_mapper_arguments(bench):
    """``map`` with a base class and keywords of the mapper."""

    class Priced:
        def in_cents(self):
            return self.cost * 100

    db = sqlsoup.SQLSoup(bench.engine)
    tool = db.tool._table
    priced = db.map(
        tool, base=Priced, properties={"cost": tool.c.price}, exclude_properties=["shelf"]
    )
    row = priced.get("SAW")
    return [
        row.in_cents(),
        hasattr(row, "shelf"),
        hasattr(row, "price"),
        priced.filter_by(cost=20).one().code,
    ]


def order_of_renamed_columns(bench):
    """Where a renamed column stands in ``c`` and in ``repr``."""
    db = sqlsoup.SQLSoup(bench.engine)
    tool = db.tool._table
    priced = db.map(tool, properties={"cost": tool.c.price})
    return [priced.c.keys(), repr(priced.get("SAW"))]


def things_that_are_no_selectable(bench):
    """``map`` of texts, numbers and rows raises an error."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.skill.get(1)
    return [
        bench.raises(lambda thing=thing: db.map(thing), Exception)
        for thing in ("skill", 5, None, row)
    ]


def dropped_classes(bench):
    """Classes of ``map``, ``join`` and ``with_labels`` are collected when the program lets go of them."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member, db.lending
    orm.configure_mappers()
    held = [
        weakref.ref(db.map(db.tool._table)),
        weakref.ref(db.join(db.member, db.lending)),
        weakref.ref(db.with_labels(db.member)),
    ]
    gc.collect()
    return [reference() is None for reference in held]


def name_in_the_soup(bench):
    """``map_to`` puts the class in the cache under the new name."""
    db = sqlsoup.SQLSoup(bench.engine)
    made = db.map_to("people", tablename="member")
    return [
        made is db.people,
        made.__name__,
        made.get(1),
        sorted(db._cache),
        db.people is db.member,
        made._table.name,
    ]


def name_by_position(bench):
    """``map_to`` with the table's name by position."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [db.map_to("gear", "tool").count(), db.gear.get("SAW")]


def selectable_in_the_soup(bench):
    """``map_to`` with a select or a join as the selectable."""
    db = sqlsoup.SQLSoup(bench.engine)
    tool = db.tool._table
    pricey = select(tool.c.code, tool.c.price).where(tool.c.price > 100).alias("p")
    lent = sqlalchemy.join(db.member._table, db.lending._table)
    return [
        bench.attempt(
            lambda: db.map_to("pricey", selectable=pricey).order_by(pricey.c.code).all(),
            message=False,
        ),
        bench.attempt(
            lambda: db.map_to("lent", selectable=lent).filter_by(tool_code="SAW").one().name,
            message=False,
        ),
    ]


def table_as_selectable(bench):
    """``map_to`` with a Table as the selectable inserts like a table."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.map_to("craft", selectable=db.skill._table)
    db.craft.insert(title="forging")
    db.commit()
    return [
        bench.stored("SELECT title FROM skill WHERE id = 4"),
        db.craft.__name__,
        type(db.craft).__name__,
    ]


def group_without_key(bench):
    """``map_to`` refuses a selectable without a key, whole message."""
    db = sqlsoup.SQLSoup(bench.engine)
    tool = db.tool._table
    titles = select(tool.c.title).alias("titles")
    return [bench.attempt(lambda: db.map_to("titles", selectable=titles)), "titles" in db._cache]


def name_taken(bench):
    """``map_to`` refuses a name that the cache has, whole message."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.tool
    again = bench.attempt(lambda: db.map_to("tool", tablename="member"))
    db.map_to("gear", tablename="tool")
    return [again, bench.attempt(lambda: db.map_to("gear", tablename="tool")), db.tool.count()]


def table_and_selectable(bench):
    """``map_to`` with both a table's name and a selectable, whole message."""
    db = sqlsoup.SQLSoup(bench.engine)
    return bench.attempt(
        lambda: db.map_to("gear", tablename="tool", selectable=db.tool._table.alias("x"))
    )


def neither_table_nor_selectable(bench):
    """``map_to`` with a name alone maps nothing it can find."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [bench.attempt(lambda: db.map_to("tool"), message=False), "tool" in db._cache]


def wrong_tables(bench):
    """``map_to`` with things that are no selectable and no table, or have no key."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        bench.attempt(lambda: db.map_to("gear", selectable="tool")),
        bench.raises(lambda: db.map_to("gear", tablename="anvil"), sqlalchemy.exc.NoSuchTableError),
        bench.attempt(lambda: db.map_to("gear", tablename="scrap")),
        db._cache,
    ]


def base_in_the_soup(bench):
    """``map_to`` with a base class for one table."""

    class Priced:
        def dear(self):
            return self.price > 100

    db = sqlsoup.SQLSoup(bench.engine)
    db.map_to("tool", tablename="tool", base=Priced)
    return [
        [row.dear() for row in db.tool.order_by(db.tool.code)],
        db.tool.__mro__[1] is Priced,
        db.skill.__bases__,
    ]


def columns_in_mapper_arguments(bench):
    """``map_to`` with renamed, deferred and computed columns."""
    db = sqlsoup.SQLSoup(bench.engine)
    table = db.tool._table
    properties = {
        "cost": table.c.price,
        "place": orm.deferred(table.c.shelf),
        "double": orm.column_property(table.c.price * 2),
    }
    db.map_to("gear", selectable=table, mapper_args={"properties": properties})
    row = db.gear.filter_by(title="jig saw").one()
    return [
        row.cost,
        row.place,
        row.double,
        db.gear.filter(db.gear.double > 2000).count(),
        db.gear.get("LEVEL").cost,
    ]


def synonym_in_mapper_arguments(bench):
    """``map_to`` with a synonym among the properties."""
    db = sqlsoup.SQLSoup(bench.engine)

    def use():
        db.map_to(
            "gear", tablename="tool", mapper_args={"properties": {"name": orm.synonym("title")}}
        )
        return db.gear.filter_by(name="jig saw").one()

    return bench.attempt(use, message=False)


def relation_in_mapper_arguments(bench):
    """``map_to`` with a relation among the properties."""
    db = sqlsoup.SQLSoup(bench.engine)

    def use():
        properties = {"repairs": orm.relationship(db.repair, order_by=db.repair.id)}
        db.map_to("gear", tablename="tool", mapper_args={"properties": properties})
        return [[row.id for row in db.gear.get("SAW").repairs], db.gear.get("DRILL").repairs]

    return bench.attempt(use, message=False)


def composite_in_mapper_arguments(bench):
    """``map_to`` with a composite of two columns."""

    class Place:
        def __init__(self, room, hour):
            self.room, self.hour = room, hour

        def __composite_values__(self):
            return self.room, self.hour

        def __eq__(self, other):
            return (
                isinstance(other, Place)
                and other.__composite_values__() == self.__composite_values__()
            )

        def __ne__(self, other):
            return not self == other

    db = sqlsoup.SQLSoup(bench.engine)
    table = db.slot._table
    properties = {"place": orm.composite(Place, table.c.room, table.c.hour)}
    db.map_to("booking", tablename="slot", mapper_args={"properties": properties})
    row = db.booking.filter(db.booking.place == Place(2, 9)).one()
    return [row.booked_by, row.place.room, row.place.hour]


def all_arguments(bench):
    """Every argument of ``map_to`` by name."""

    class Thing:
        pass

    db = sqlsoup.SQLSoup(
        bench.attached("annex", "CREATE TABLE bin (id INTEGER PRIMARY KEY, kind TEXT)")
    )
    made = db.map_to(
        attrname="box", tablename="bin", selectable=None, schema="annex", base=Thing, mapper_args={}
    )
    made.insert(kind="nails")
    db.commit()
    return [db.box.all(), db.box._table.schema, issubclass(db.box, Thing), list(db._cache)]
