"""List what is overdue at the library, and give the borrowers a week more."""
from datetime import date

from sqlalchemy import MetaData, create_engine, func, select
from sqlalchemy.ext.sqlsoup import SqlSoup

TODAY = date(2026, 3, 10)

engine = create_engine("sqlite:///library.db", encoding="utf-8")
db = SqlSoup(MetaData(engine))
books, loans = db.books._table, db.loans._table

overdue = select([books.c.title, loans.c.borrower, loans.c.due], loans.c.due < TODAY,
                 from_obj=[loans.join(books)], order_by="due DESC")
for row in overdue.execute():
    print("%s has %s, due on %s" % (row["borrower"], row["title"], row["due"]))

for user in db.users.filter("branch = 'Harbour'").order_by("name"):
    print("at the harbour: %s" % user.name)

engine.execute("UPDATE loans SET due = date(due, '+7 days') WHERE due < ?", "2026-03-10")

late = engine.execute(select([func.count()], loans.c.due < TODAY)).scalar()
print("still overdue: %d" % late)
