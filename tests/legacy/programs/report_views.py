"""The yearly report of a small publisher, made of tables, views and joins.

Views have no key that the database could tell, so each is defined with one before its first use.
Usage: report_views.py [database URL]
"""
from __future__ import print_function

import os
import shutil
import sqlite3
import sys
import tempfile

from sqlalchemy import (
    Column, ForeignKey, Integer, MetaData, String, Table, and_, case, create_engine, exists, func,
    join, not_, select, text,
)
from sqlalchemy.orm import eagerload, joinedload
from sqlsoup import SQLSoup

SALES_VIEW = """
    CREATE VIEW press_turnover AS
    SELECT b.book_no AS book_no, b.title AS title, b.author_id AS author_id,
           SUM(s.copies) AS copies, SUM(s.copies * b.price) AS amount
    FROM press_book b JOIN press_sale s ON s.book_id = b.book_no
    GROUP BY b.book_no, b.title, b.author_id
"""
SHOPS_VIEW = 'CREATE VIEW press_shop AS SELECT DISTINCT shop AS name FROM press_sale'


def set_up(engine):
    """Make the tables and views anew and fill them."""
    take_down(engine)
    metadata = MetaData(bind=engine)
    author = Table('press_author', metadata,
                   Column('author_no', Integer, primary_key=True),
                   Column('name', String(40), nullable=False))
    book = Table('press_book', metadata,
                 Column('book_no', Integer, primary_key=True),
                 Column('author_id', Integer, ForeignKey('press_author.author_no')),
                 Column('title', String(40), nullable=False),
                 Column('price', Integer, nullable=False))
    sale = Table('press_sale', metadata,
                 Column('book_id', Integer, ForeignKey('press_book.book_no'), primary_key=True),
                 Column('shop', String(20), primary_key=True),
                 Column('copies', Integer, nullable=False))
    metadata.create_all()
    author.insert().execute([{'author_no': number, 'name': name}
                             for number, name in [(1, 'adler'), (2, 'brook'), (3, 'castle')]])
    engine.execute(book.insert(), [
        dict(book_no=1, author_id=1, title='apples', price=12),
        dict(book_no=2, author_id=1, title='bees', price=20),
        dict(book_no=3, author_id=2, title='clouds', price=9),
        dict(book_no=4, author_id=2, title='drums', price=30),
    ])
    engine.execute(sale.insert(), *[
        dict(book_id=book_id, shop=shop, copies=copies) for book_id, shop, copies in
        [(1, 'north', 10), (1, 'south', 5), (2, 'north', 2), (3, 'south', 40)]])
    engine.execute(SALES_VIEW)
    engine.execute(SHOPS_VIEW)


def take_down(engine):
    for view in ('press_shop', 'press_turnover'):
        engine.execute('DROP VIEW IF EXISTS ' + view)
    for table in ('press_sale', 'press_book', 'press_author'):
        if engine.has_table(table):
            Table(table, MetaData(engine), autoload=True).drop()


def open_report(engine):
    db = SQLSoup(engine)
    Table('press_turnover', db._metadata, Column('book_no', Integer, primary_key=True),
          autoload=True)
    shop = Table('press_shop', db._metadata, Column('name', String(20), primary_key=True),
                 autoload=True)
    db.map_to('shops', selectable=shop)
    db.press_author.relate('books', db.press_book, order_by=db.press_book.title)
    db.press_book.relate('turnover', db.press_turnover, uselist=False, viewonly=True,
                         primaryjoin=db.press_book.book_no == db.press_turnover.book_no,
                         foreign_keys=[db.press_turnover.book_no])
    return db


def per_author(db):
    print('* turnover of each author')
    author, view = db.press_author._table, db.press_turnover._table
    both = author.outerjoin(view, author.c.author_no == view.c.author_id)
    amount = func.coalesce(func.sum(view.c.amount), 0)
    result = select(
        [author.c.name, amount.label('amount'),
         case([(amount > 300, 'large'), (amount > 0, 'small')], else_='none').label('size')],
        author.c.author_no > 0, from_obj=[both], group_by=[author.c.name],
        order_by=[author.c.name]).execute()
    print('%s (first: %s)' % (', '.join(result.keys()), result.keys()[0]))
    for row in result:
        assert 'size' in row and row.keys() == ['name', 'amount', 'size']
        print('%s: %d, %s' % (row['name'], row['amount'], row[2]))


def per_book(db):
    print('* books')
    book, sale = db.press_book._table, db.press_sale._table
    sold = select([func.sum(sale.c.copies)], sale.c.book_id == book.c.book_no).as_scalar()
    for row in select([book.c.title, sold.label('sold')], order_by=[book.c.title]).execute():
        values = [(key, None if value is None else str(value)) for key, value in row.items()]
        print('%s %s' % (values, 'sold' if row['sold'] else 'left on the shelf'))
    unsold = select([book.c.title], not_(exists([1], sale.c.book_id == book.c.book_no)))
    print('never sold: %s' % unsold.scalar())
    dearest = select([book], and_(book.c.price > 10), order_by=[book.c.price.desc()], limit=1)
    print('dearest: %s' % sorted(dict(dearest.execute().fetchone()).items()))
    print('titles: %s' % db.bind.execute(text('SELECT count(*) FROM press_book')).scalar())


def by_rows(db):
    print('* rows')
    for entry in db.press_turnover.order_by(text('amount DESC')):
        print('%s: %d copies, %d' % (entry.title, entry.copies, entry.amount))
    print('shops: %s' % ', '.join(shop.name for shop in db.shops.order_by('name')))
    for author in db.press_author.options(joinedload('books')).order_by('name'):
        print('%s: %s' % (author.name, [book.title for book in author.books]))
    cheap = db.press_author.join('books').filter(db.press_book.price < 15)
    print('with cheap books: %s' % [author.name for author in cheap.order_by('name')])
    pairs = db.press_book.join(
        (db.press_sale, db.press_sale.book_id == db.press_book.book_no),
        (db.press_author, db.press_author.author_no == db.press_book.author_id))
    south = pairs.filter(db.press_sale.shop == 'south').filter(text('copies > 4'))
    print('sold in the south: %s' % [book.title for book in south.order_by(db.press_book.title)])
    loaded = db.press_book.options(eagerload('turnover')).order_by(db.press_book.book_no).all()
    print('turnover: %s' % [int(book.turnover.amount) if book.turnover else 0 for book in loaded])
    dear = db.press_book.order_by(db.press_book.price.desc()).limit(2).from_self()
    print('the two dearest: %s' % [book.title for book in dear.order_by(db.press_book.title)])
    print('their price: %d' % dear.from_self(func.sum(db.press_book.price)).scalar())


def by_joins(db):
    print('* joins')
    written = db.join(db.press_author, db.press_book,
                      db.press_author.author_no == db.press_book.author_id, isouter=True)
    for row in written.order_by(written.name, written.title):
        print('%s wrote %s' % (row.name, row.title))
    labelled = db.with_labels(join(db.press_author._table, db.press_book._table))
    row = labelled.filter_by(press_book_title='drums').one()
    print('%s by %s' % (row.press_book_title, row.press_author_name))
    book = db.press_book._table
    totals = select([book.c.author_id, func.count(book.c.book_no).label('books')],
                    group_by=[book.c.author_id])
    both = join(db.press_author._table, totals.alias('totals'))
    counted = db.map(both.select(use_labels=True).alias('counted'))
    for row in counted.order_by(counted.press_author_name):
        print('%s: %d books' % (row.press_author_name, row.totals_books))


def change(db, engine):
    """The views show what is committed, whoever wrote it."""
    print('* changes')
    sale = db.press_sale._table
    sale.update(and_(sale.c.book_id == 1, sale.c.shop == 'south'), {'copies': 50}).execute()
    db.press_sale.insert(book_id=4, shop='east', copies=1)
    db.press_sale.filter(db.press_sale.shop == 'north').delete()
    db.commit()
    for row in engine.execute('SELECT title, amount FROM press_turnover ORDER BY title'):
        print('%s: %d' % tuple(row.values()))


def main(arguments):
    folder = tempfile.mkdtemp()
    url = arguments[0] if arguments else 'sqlite:///' + os.path.join(folder, 'press.db')
    engine = create_engine(url)
    try:
        set_up(engine)
        db = open_report(engine)
        for part in (per_author, per_book, by_rows, by_joins):
            part(db)
        db.rollback()
        change(db, engine)
        if engine.name == 'sqlite':
            connection = sqlite3.connect(engine.url.database)
            print('on disk: %s' % connection.execute(
                'SELECT * FROM press_sale ORDER BY book_id, shop').fetchall())
            connection.close()
        take_down(engine)
    finally:
        engine.dispose()
        shutil.rmtree(folder)


if __name__ == '__main__':
    main(sys.argv[1:])
