"""An adapter between a login form and the tables of users and groups, with its tests.

A program makes a UserStore of an engine or a database URL. Run by itself, the module tests the
store: user_store.py [database URL]
"""
import hashlib
import os
import shutil
import sqlite3
import sys
import tempfile
import unittest

import sqlsoup
from sqlalchemy import (
    Column, ForeignKey, Integer, MetaData, String, Table, create_engine, exists, func, select, text,
)
from sqlalchemy.exc import IntegrityError
from sqlsoup import SQLSoup

MEMBERS = """
    SELECT u.login AS login FROM store_user u
    JOIN store_member m ON m.user_id = u.id JOIN store_group g ON g.id = m.group_id
    WHERE g.name = :name ORDER BY u.login
"""
DUMP = """
    SELECT login, failures, substr(secret, 1, 8), count(group_id) FROM store_user
    LEFT JOIN store_member ON user_id = id GROUP BY login ORDER BY login
"""


def encrypt(login, password):
    return hashlib.sha256((login + ':' + password).encode('utf-8')).hexdigest()


def user_tables(metadata):
    Table('store_user', metadata,
          Column('id', Integer, primary_key=True),
          Column('login', String(30), nullable=False, unique=True),
          Column('secret', String(64), nullable=False),
          Column('failures', Integer, nullable=False, default=0))
    Table('store_group', metadata,
          Column('id', Integer, primary_key=True),
          Column('name', String(30), nullable=False, unique=True))
    Table('store_member', metadata,
          Column('user_id', Integer, ForeignKey('store_user.id'), primary_key=True),
          Column('group_id', Integer, ForeignKey('store_group.id'), primary_key=True))
    return metadata


class UserStore(object):
    """Users, their passwords and their groups."""

    most_failures = 3

    def __init__(self, engine_or_url):
        self.db = SQLSoup(engine_or_url)
        self.db._metadata.reflect(only=lambda name, metadata: name.startswith('store_'))
        self.db.store_user.relate(
            'groups', self.db.store_group, secondary=self.db.store_member._table,
            order_by=self.db.store_group.name, backref='users')

    def _user(self, login):
        user = self.db.store_user.filter_by(login=login).first()
        if user is None:
            raise KeyError(login)
        return user

    def add_user(self, login, password):
        """Add a user in a statement of its own and return the new id."""
        insert = self.db.store_user._table.insert()
        result = insert.execute(login=login, secret=encrypt(login, password), failures=0)
        return result.inserted_primary_key[0]

    def add_to_groups(self, login, *names):
        user = self._user(login)
        for name in names:
            group = self.db.store_group.filter_by(name=name).first()
            if group is None:
                group = self.db.store_group.insert(name=name)
            user.groups.append(group)
        self.db.commit()

    def groups(self, login):
        rows = self.db.store_group.join('users').filter(self.db.store_user.login == login)
        return [row.name for row in rows.order_by('name')]

    def members(self, name):
        return [row['login'] for row in text(MEMBERS, bind=self.db.bind).execute(name=name)]

    def authenticate(self, login, password):
        """Return the user as a dict, or None. Too many failures lock the user out."""
        table = self.db.store_user._table
        row = table.select(table.c.login == login).execute().fetchone()
        if row is None or row['failures'] >= self.most_failures:
            return None
        if row['secret'] != encrypt(login, password):
            table.update(table.c.id == row['id'], {'failures': table.c.failures + 1}).execute()
            return None
        self.db.store_user.filter_by(login=login).update({'failures': 0})
        self.db.commit()
        user = dict(row)
        del user['secret']
        user['groups'] = self.groups(login)
        return user

    def remove_user(self, login):
        user_id = self._user(login).id
        self.db.rollback()
        connection = self.db.engine.connect()
        trans = connection.begin()
        try:
            for where in [('store_member', 'user_id'), ('store_user', 'id')]:
                connection.execute(text('DELETE FROM %s WHERE %s = :id' % where), id=user_id)
            trans.commit()
        except Exception:
            trans.rollback()
            raise
        finally:
            connection.close()
        self.db.expunge_all()

    def idle_users(self):
        """Those in no group at all."""
        user, member = self.db.store_user._table, self.db.store_member._table
        found = select([user.c.login], ~exists([1], member.c.user_id == user.c.id),
                       order_by=[user.c.login])
        return [row.values()[0] for row in found.execute()]


class UserStoreTest(unittest.TestCase):
    engine = None

    def setUp(self):
        self.metadata = user_tables(MetaData(self.engine))
        self.metadata.drop_all()
        self.metadata.create_all()
        self.store = UserStore(self.engine)
        for login in ('ann', 'bob', 'cid'):
            self.store.add_user(login, login + '-pass')
        self.store.add_to_groups('ann', 'staff', 'editors')
        self.store.add_to_groups('bob', 'staff')

    def tearDown(self):
        sqlsoup.Session.remove()

    def count(self, name):
        return self.metadata.tables[name].count().execute().scalar()

    def test_authenticate(self):
        user = self.store.authenticate('ann', 'ann-pass')
        self.assertEqual(sorted(user), ['failures', 'groups', 'id', 'login'])
        self.assertEqual(user['groups'], ['editors', 'staff'])
        self.assertEqual(self.store.authenticate('dot', 'dot-pass'), None)

    def test_failures(self):
        self.store.authenticate('cid', 'wrong')
        self.assertTrue(self.store.authenticate('cid', 'cid-pass'))
        for attempt in range(3):
            self.assertEqual(self.store.authenticate('cid', 'wrong'), None)
        self.assertEqual(self.store.authenticate('cid', 'cid-pass'), None)
        self.assertEqual(func.max(self.metadata.tables['store_user'].c.failures).scalar(), 3)

    def test_groups(self):
        self.assertEqual(self.store.members('staff'), ['ann', 'bob'])
        self.assertEqual(self.store.groups('cid'), [])
        self.assertEqual(self.store.idle_users(), ['cid'])

    def test_remove(self):
        self.store.remove_user('ann')
        self.assertEqual((self.count('store_user'), self.count('store_member')), (2, 1))
        self.assertRaises(KeyError, self.store.remove_user, 'ann')

    def test_same_login_twice(self):
        self.assertRaises(IntegrityError, self.store.add_user, 'bob', 'other')
        self.assertEqual(self.count('store_user'), 3)


def main(arguments):
    folder = tempfile.mkdtemp()
    url = arguments[0] if arguments else 'sqlite:///' + os.path.join(folder, 'users.db')
    engine = UserStoreTest.engine = create_engine(url)
    try:
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(UserStoreTest)
        result = unittest.TextTestRunner(stream=sys.stderr).run(suite)
        print('%d tests, %s' % (result.testsRun, 'OK' if result.wasSuccessful() else 'FAILED'))
        if engine.name == 'sqlite':
            connection = sqlite3.connect(engine.url.database)
            for row in connection.execute(DUMP):
                print('on disk: %s, %d, %s, groups: %d' % row)
            connection.close()
        user_tables(MetaData(engine)).drop_all()
        return 0 if result.wasSuccessful() else 1
    finally:
        engine.dispose()
        shutil.rmtree(folder)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
