"""List what is overdue at the library, and give the borrowers a week more."""
from datetime import date

from sqlalchemy import func, select
from sqlsoup import SQLSoup

TODAY = date(2026, 3, 10)

db = SQLSoup("sqlite:///library.db")
books, loans = db.books._table, db.loans._table

overdue = (
    select(books.c.title, loans.c.borrower, loans.c.due)
    .select_from(loans.join(books))
    .where(loans.c.due < TODAY)
    .order_by(loans.c.due.desc())
)
for row in overdue.execute():
    print("%s has %s, due on %s" % (row["borrower"], row["title"], row["due"]))

for user in db.users.filter("branch = 'Harbour'").order_by("name"):
    print("at the harbour: %s" % user.name)

db.engine.execute("UPDATE loans SET due = date(due, '+7 days') WHERE due < ?", "2026-03-10")

late = db.engine.execute(select(func.count()).where(loans.c.due < TODAY)).scalar()
print("still overdue: %d" % late)
