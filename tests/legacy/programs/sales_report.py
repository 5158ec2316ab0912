"""A report of sales by region and month, with the SQL that it was made by.

sales_report.py [URL]
"""
import datetime
import sys

from sqlalchemy import (
    Column, Date, ForeignKey, Integer, MetaData, Numeric, String, Table, and_, case, create_engine,
    desc, func, select, text,
)
import sqlsoup

URL = sys.argv[1] if len(sys.argv) > 1 else "sqlite://"


def flat(statement):
    return " ".join(str(statement).split())


def tables(metadata):
    regions = Table(
        "regions", metadata,
        Column("id", Integer, primary_key=True),
        Column("name", String(20), nullable=False),
    )
    sales = Table(
        "sales", metadata,
        Column("id", Integer, primary_key=True),
        Column("region_id", Integer, ForeignKey("regions.id")),
        Column("day", Date),
        Column("units", Integer),
        Column("price", Numeric(8, 2)),
    )
    return regions, sales


def fill(regions, sales):
    for name in ("North", "South", "West"):
        regions.insert().execute(name=name)
    for number in range(12):
        sales.insert(dict(
            region_id=number % 3 + 1, day=datetime.date(2013, number % 4 + 1, 5 + number),
            units=number, price="%d.50" % (number + 1),
        )).execute()


def report(engine, regions, sales):
    total = func.sum(sales.c.units).label("total")
    by_region = select(
        [regions.c.name, total], sales.c.region_id == regions.c.id, group_by=[regions.c.name],
        order_by=[desc("total")],
    )
    print(flat(by_region))
    for row in engine.execute(by_region):
        print("%(name)-8s %(total)4d" % dict(row))

    size = case([(sales.c.units > 8, "large"), (sales.c.units > 3, "middle")], else_="small")
    sizes = select([size.label("size"), func.count(sales.c.id).label("n")]).group_by("size")
    sizes = sizes.order_by("size")
    print(flat(sizes))
    for size, n in sizes.execute():
        print(size, n)

    best = select([func.max(sales.c.units)])
    top = select([sales.c.id, sales.c.units, best.as_scalar().label("best")])
    top.append_whereclause(and_(sales.c.units > 9, text("units < 100")))
    top = top.order_by(sales.c.id)
    print(flat(top))
    result = top.execute()
    print(result.keys())
    for row in result:
        print(row.items(), "units" in row, row.has_key("price"))

    inner = select([sales.c.region_id, func.count("*").label("n")]).group_by(sales.c.region_id)
    outer = select([regions.c.name, inner.alias("s").c.n]).order_by(regions.c.name)
    print(flat(inner), "|", len(outer.froms))


def change(engine, sales):
    print(flat(sales.update(sales.c.id == 1)))
    print(sales.update(sales.c.id == 1, values={"units": 50}).execute().rowcount)
    result = sales.insert().execute(region_id=1, units=1)
    print(result.inserted_primary_key)
    print(engine.execute("DELETE FROM sales WHERE units = 1").rowcount)
    print(sales.count().scalar())


def main():
    engine = create_engine(URL, convert_unicode=True)
    print("report of %s" % engine.url.drivername)
    metadata = MetaData(engine)
    regions, sales = tables(metadata)
    metadata.create_all()
    try:
        fill(regions, sales)
        report(engine, regions, sales)
        change(engine, sales)
        db = sqlsoup.SQLSoup(engine)
        for region in db.regions.order_by("name"):
            print(region.name, db.sales.filter(text("region_id = %d" % region.id)).count())
    finally:
        metadata.drop_all()


main()
