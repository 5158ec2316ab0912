#!/usr/bin/env python
"""The nightly job of a small backup service, for cron.

Takes up the meter readings of the day, closes jobs that have run past their time, prunes snapshots
by the policy of their host, and prints the mail that cron sends. The database is MariaDB or MySQL.

Usage: nightly_prune.py [database URL]
"""
from __future__ import print_function

import datetime
import sys

from sqlalchemy import and_, create_engine, func, or_, select, text
from sqlalchemy.sql import case

try:
    from sqlalchemy.ext.sqlsoup import SqlSoup
except ImportError:
    from sqlsoup import SQLSoup as SqlSoup

URL = 'mysql+pymysql://root@127.0.0.1/test'
TONIGHT = datetime.datetime(2012, 3, 5, 2, 30)

TABLES = [
    ('nightly_hosts', """CREATE TABLE nightly_hosts (
        id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(30) NOT NULL UNIQUE, token UUID NOT NULL,
        keep_days INT NOT NULL DEFAULT 7, window TIME NOT NULL DEFAULT '04:00:00',
        state ENUM('on', 'off') NOT NULL DEFAULT 'on') ENGINE=InnoDB"""),
    ('nightly_snapshots', """CREATE TABLE nightly_snapshots (
        id INT AUTO_INCREMENT PRIMARY KEY, host_id INT NOT NULL, taken DATETIME NOT NULL,
        bytes BIGINT NOT NULL, ratio FLOAT, hours DOUBLE, pinned BOOLEAN NOT NULL DEFAULT 0,
        FOREIGN KEY (host_id) REFERENCES nightly_hosts (id)) ENGINE=InnoDB"""),
    ('nightly_log', """CREATE TABLE nightly_log (
        id INT AUTO_INCREMENT PRIMARY KEY, at TIMESTAMP NOT NULL DEFAULT '2012-01-01 00:00:00',
        what VARCHAR(80) NOT NULL) ENGINE=InnoDB"""),
]
HOSTS = [
    ('mill', '6ccd780c-baba-1026-9564-5b8c656024db', 2, '30:00:00', 'on'),
    ('bakery', '7ccd780c-baba-1026-9564-5b8c656024db', 30, '01:15:00', 'on'),
    ('attic', '8ccd780c-baba-1026-9564-5b8c656024db', 7, '00:45:30', 'off'),
]
SNAPSHOTS = [
    ('mill', '2012-03-01 02:31:00', 734003200, 0.3333333, 1.0 / 3, False),
    ('mill', '2012-03-04 02:31:00', 734003299, 0.4, 0.25, False),
    ('mill', '2011-12-31 02:31:00', 524288000, 16777217, 2.5, True),
    ('bakery', '2012-02-20 02:40:00', 1048576, None, 0.1, False),
    ('bakery', '2012-01-20 02:40:00', 2097152, 0.5, 1e-7, False),
    ('attic', '2011-06-01 00:00:00', 77, 1.5, None, False),
]


def prepare(engine):
    """Make the tables anew, as the installer of the service did."""
    for name, statement in reversed(TABLES):
        engine.execute('DROP TABLE IF EXISTS %s' % name)
    for name, statement in TABLES:
        engine.execute(statement)
    for host in HOSTS:
        engine.execute('INSERT INTO nightly_hosts (name, token, keep_days, window, state) '
                       'VALUES (%s, %s, %s, %s, %s)', host)
    ids = dict(engine.execute('SELECT name, id FROM nightly_hosts').fetchall())
    engine.execute(
        'INSERT INTO nightly_snapshots (host_id, taken, bytes, ratio, hours, pinned) '
        'VALUES (%s, %s, %s, %s, %s, %s)',
        [(ids[row[0]],) + row[1:] for row in SNAPSHOTS])


class Job(object):
    """One night."""

    def __init__(self, url):
        self.engine = create_engine(url, convert_unicode=True)
        self.db = None

    def open(self):
        self.db = SqlSoup(self.engine)
        self.hosts = self.db.nightly_hosts
        self.snapshots = self.db.nightly_snapshots
        self.snapshots.relate('host', self.hosts)

    def log(self, what, *args):
        self.db.nightly_log.insert(at=TONIGHT, what=what % args)

    def show_hosts(self):
        print('Hosts')
        for host in self.hosts.order_by('name').all():
            print('  %-7s %s %2d days, window %s, %s'
                  % (host.name, host.token[:8], host.keep_days, host.window.strftime('%H:%M'),
                     host.state))

    def show_snapshots(self):
        print('Snapshots')
        for snapshot in self.snapshots.options().order_by(self.snapshots.taken.desc()):
            print('  %s %-7s %10d %s %s %s'
                  % (snapshot.taken, snapshot.host.name, snapshot.bytes, snapshot.ratio,
                     snapshot.hours, snapshot.pinned))

    def prune(self):
        """Delete what is older than the policy of its host, but for what is pinned."""
        pruned = 0
        for host in self.hosts.filter(text("state = 'on'")).with_lockmode('update').order_by('id'):
            limit = TONIGHT - datetime.timedelta(days=host.keep_days)
            old = self.snapshots.filter(and_(
                self.snapshots.host_id == host.id,
                self.snapshots.taken < limit,
                or_(self.snapshots.pinned == 0, self.snapshots.pinned == None)))  # noqa: E711
            count = old.count()
            freed = self.db.session.query(func.sum(self.snapshots.bytes)).filter(
                and_(self.snapshots.host_id == host.id, self.snapshots.taken < limit,
                     self.snapshots.pinned == 0)).scalar()
            old.delete(synchronize_session='fetch')
            if count:
                self.log('%s: %d pruned, %d bytes', host.name, count, freed)
            pruned += count
        self.db.commit()
        return pruned

    def close_host(self, token):
        """Switch a host off by the token that its agent knows."""
        host = self.hosts.filter_by(token=token).one()
        host.state = 'off'
        host.window = datetime.time(0, 5)
        self.log('%s switched off', host.name)
        self.db.flush()
        return host.name

    def totals(self):
        s, h = self.snapshots._table, self.hosts._table
        size = case([(s.c.bytes > 700000000, 'large')], else_='small')
        query = select(
            [h.c.name, size.label('size'), func.count(s.c.id).label('n'),
             func.avg(s.c.hours).label('hours')],
            s.c.host_id == h.c.id, group_by=[h.c.name, size], order_by=[h.c.name])
        return self.engine.execute(query).fetchall()

    def run(self):
        self.open()
        self.show_hosts()
        self.show_snapshots()
        print('Pruned: %d' % self.prune())
        print('Switched off: %s' % self.close_host(HOSTS[1][1]))
        self.db.rollback()
        print('Still on: %s' % ', '.join(
            row['name'] for row in self.engine.execute(
                text("SELECT name FROM nightly_hosts WHERE state = :state ORDER BY name"),
                state='on')))
        print('Totals')
        for row in self.totals():
            print('  %s' % ' '.join('%s=%s' % (key, row[key]) for key in row.keys()))
        print('Log')
        for at, what in self.db.execute('SELECT at, what FROM nightly_log ORDER BY id'):
            print('  %s %s' % (at, what))
        longest = self.db.session.query(self.snapshots.hours).order_by(text('hours desc')).first()
        print('Longest: %s hours' % longest[0])

    def close(self):
        self.db.session.remove()
        for name, statement in reversed(TABLES):
            self.engine.execute('DROP TABLE %s' % name)
        self.engine.dispose()


def main(argv):
    job = Job(argv[1] if len(argv) > 1 else URL)
    prepare(job.engine)
    try:
        job.run()
    finally:
        job.close()
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
