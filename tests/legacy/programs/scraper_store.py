"""The store of a small web scraper.

Pages are "fetched" in rounds from the constants below, parsed, and kept in three tables: one row
for each page, one for each link, one for each address that turned out to be a copy. A page that
has not changed is left alone, a page that has is updated.

Usage: scraper_store.py [database URL]
"""
from __future__ import print_function

import hashlib
import os
import shutil
import sqlite3
import sys
import tempfile
from html.parser import HTMLParser

from sqlalchemy import (
    Column, Integer, MetaData, String, Table, and_, create_engine, exists, func, not_, or_, select,
    text,
)

try:
    from sqlalchemy.ext.sqlsoup import SqlSoup
except ImportError:
    from sqlsoup import SQLSoup as SqlSoup

ROUNDS = [
    {
        '/index': '<title>Mill Lane Bakery</title><a href="/bread">Bread</a><a href="/cake">C</a>',
        '/bread': '<title>Our bread</title><p>Rye, spelt</p><a href="/index">Home</a>',
        '/start': '<title>Mill Lane Bakery</title><a href="/bread">Bread</a><a href="/cake">C</a>',
        '/soon': '',
    },
    {
        '/index': '<title>Mill Lane Bakery</title><a href="/bread">Bread</a><a href="/cake">C</a>',
        '/bread': '<title>Bread &amp; rolls</title><a href="/index">Home</a><a href="/rolls">R</a>',
        '/crepe': '<title>Cr\xeape</title><a href="/index">Home</a><a href="/index">Top</a>',
        '/start': '<title>Moved</title><a href="/index">This way</a>',
    },
]


class PageParser(HTMLParser):
    """Collects the title and the links of a page."""

    def __init__(self):
        HTMLParser.__init__(self)
        self.title = None
        self.links = []
        self._in_title = False

    def handle_starttag(self, tag, attrs):
        self._in_title = tag == 'title'
        if tag == 'a' and 'href' in dict(attrs):
            self.links.append(dict(attrs)['href'])

    def handle_endtag(self, tag):
        self._in_title = False

    def handle_data(self, data):
        if self._in_title:
            self.title = (self.title or '') + data


def define_tables(engine):
    """Make the tables anew; a former run may have left some of them behind."""
    metadata = MetaData(engine)
    Table('scraped_page', metadata,
          Column('url', String(100), primary_key=True),
          Column('title', String(100)),
          Column('digest', String(40), nullable=False),
          Column('visits', Integer, nullable=False))
    Table('scraped_link', metadata,
          Column('source', String(100), primary_key=True),
          Column('target', String(100), primary_key=True),
          Column('uses', Integer, nullable=False))
    Table('scraped_copy', metadata,
          Column('url', String(100), primary_key=True),
          Column('original', String(100), nullable=False))
    for table in metadata.sorted_tables:
        if table.exists():
            table.drop()
    metadata.create_all()
    return metadata


def store_page(db, url, html):
    """Insert or update one page. Says what was done with it."""
    parser = PageParser()
    parser.feed(html)
    parser.close()
    if parser.title is None:
        return 'empty'
    if db.scraped_copy.get(url):
        return 'known as a copy'
    digest = hashlib.sha1(html.encode('utf-8')).hexdigest()
    page = db.scraped_page.get(url)
    if page is None:
        db.scraped_page.insert(url=url, title=parser.title, digest=digest, visits=1)
        done = 'new'
    else:
        page.visits += 1
        done = 'same'
        if page.digest != digest:
            page.title, page.digest = parser.title, digest
            db.scraped_link.filter_by(source=url).delete()
            done = 'changed'
    db.commit()
    if done != 'same':
        store_links(db, url, parser.links)
    return done


def store_links(db, url, targets):
    link = db.scraped_link._table
    for target in targets:
        this = and_(link.c.source == url, link.c.target == target)
        if link.update(this, {link.c.uses: link.c.uses + 1}).execute().rowcount == 0:
            inserted = link.insert().execute(source=url, target=target, uses=1)
            assert inserted.inserted_primary_key == [url, target]


def drop_copies(db, engine):
    """Keep the first address of each content and note the others as its copies."""
    page, copy = db.scraped_page._table, db.scraped_copy._table
    groups = select([page.c.digest, func.min(page.c.url).label('original')],
                    group_by=[page.c.digest], having=func.count(page.c.url) > 1).execute()
    found = []
    for group in groups.fetchall():
        same = select([page.c.url], and_(page.c.digest == group['digest'],
                                         page.c.url != group['original'])).execute()
        found.extend({'url': row['url'], 'original': group['original']} for row in same)
    if found:
        copy.insert().execute(found)
        seen = [row['url'] for row in found]
        db.scraped_page.filter(db.scraped_page.url.in_(seen)).delete(synchronize_session=False)
        db.commit()
        db.expunge_all()
        engine.execute(text('DELETE FROM scraped_link WHERE source = :url'),
                       [{'url': url} for url in seen])
    return len(found)


def report(db, engine):
    page, link = db.scraped_page._table, db.scraped_link._table
    print('%d pages, %d links' % (func.count(page.c.url).scalar(), link.count().scalar()))
    for row in page.select(order_by=[page.c.url]).execute():
        assert row.has_key('title') and 'title' in row and 'body' not in row
        print('  %s: %a, visited %d times' % (row['url'], row[page.c.title], row['visits']))
    dangling = select([link.c.target], not_(exists([1], page.c.url == link.c.target)),
                      distinct=True, order_by=[link.c.target]).execute()
    print('not fetched yet: ' + ', '.join(row['target'] for row in dangling))
    for row in engine.execute('SELECT original, url FROM scraped_copy ORDER BY url'):
        print('copy: %(url)s of %(original)s' % dict(row))
    twice = text('SELECT source FROM scraped_link WHERE uses >= :uses', bind=engine)
    print('links twice: %s' % twice.execute(uses=2).scalar())
    titled = db.scraped_page.filter(text("title LIKE :start")).params(start='Bread%')
    print('begins with Bread: %s' % [found.title for found in titled])
    known = or_(page.c.url == '/cake', page.c.url == '/index')
    print('known: %s' % select([page.c.url], known).scalar())


def read_back(path):
    """What other programs see in the file."""
    connection = sqlite3.connect(path)
    for table in ('scraped_copy', 'scraped_link', 'scraped_page'):
        rows = connection.execute('SELECT * FROM %s ORDER BY 1, 2' % table).fetchall()
        print('on disk, %s:' % table)
        for row in rows:
            print('  ' + ' | '.join(ascii(value)[:24] for value in row))
    connection.close()


def main(arguments):
    folder = tempfile.mkdtemp()
    url = arguments[0] if arguments else 'sqlite:///' + os.path.join(folder, 'pages.db')
    engine = create_engine(url, encoding='utf-8', convert_unicode=True)
    try:
        metadata = define_tables(engine)
        db = SqlSoup(engine)
        for number, pages in enumerate(ROUNDS, 1):
            print('round %d' % number)
            for address in sorted(pages):
                print('  %s: %s' % (address, store_page(db, address, pages[address])))
            print('  %d copies found' % drop_copies(db, engine))
        report(db, engine)
        db.rollback()
        if engine.name == 'sqlite':
            read_back(engine.url.database)
        metadata.drop_all()
        print('left: %s' % [name for name in engine.table_names() if name.startswith('scraped_')])
    finally:
        engine.dispose()
        shutil.rmtree(folder)


if __name__ == '__main__':
    main(sys.argv[1:])
