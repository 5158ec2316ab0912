"""An importer of SQL scripts into an SQLite database.

Each script is run in one transaction and noted in a log. Afterwards the program tells which tables
and views there are now, and what is in them.

Usage: sql_importer.py [URL of an SQLite database file]
"""
from __future__ import print_function

import glob
import os
import shutil
import sqlite3
import sys
import tempfile

from sqlalchemy import (
    Column, Integer, MetaData, String, Table, create_engine, func, or_, select, text,
)
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError

try:
    from sqlalchemy.ext.sqlsoup import SqlSoup
except ImportError:
    from sqlsoup import SQLSoup as SqlSoup

SCRIPTS = {
    '1_tables.sql': """
        -- two tables; this comment has a semicolon
        CREATE TABLE plant (id INTEGER PRIMARY KEY, name VARCHAR(30) NOT NULL, bed VARCHAR(10));
        CREATE TABLE bed (code VARCHAR(10) PRIMARY KEY, soil VARCHAR(20));
        CREATE VIEW planted AS SELECT name, soil FROM plant JOIN bed ON bed.code = plant.bed
    """,
    '2_rows.sql': """
        INSERT INTO bed VALUES ('A', 'clay; heavy');
        INSERT INTO bed VALUES ('B', 'sand');
        INSERT INTO plant (name, bed) VALUES ('sorrel', 'A');
        INSERT INTO plant (name, bed) VALUES ('lady''s mantle', 'B');
        UPDATE plant SET bed = 'B' WHERE name = 'sorrel';
    """,
    '3_wrong.sql': """
        INSERT INTO plant (name, bed) VALUES ('lost', 'A');
        DELETE FROM bed;
        INSERT INTO plant (name, bed) VALUES (NULL, 'B');
    """,
    '4_more.sql': "INSERT INTO plant (name, bed) VALUES ('10% vinegar', 'A');",
}
HARVEST = [('sorrel', 12), ('lady\'s mantle', 3), ('sorrel', 8)]


def write_scripts(folder):
    for name in SCRIPTS:
        with open(os.path.join(folder, name), 'w') as script:
            script.write(SCRIPTS[name])


def split_script(script):
    """Yield the statements of a script. Semicolons in strings and comments do not count."""
    lines = [line for line in script.splitlines() if not line.strip().startswith('--')]
    statement, quoted = '', False
    for character in '\n'.join(lines) + ';':
        if character == "'":
            quoted = not quoted
        if character == ';' and not quoted:
            if statement.strip():
                yield ' '.join(statement.split())
            statement = ''
        else:
            statement += character


def run_statement(connection, statement):
    """Run a statement, in the transaction of the caller if there is one."""
    trans = connection.begin()
    try:
        result = connection.execute(statement)
        trans.commit()
    except Exception:
        trans.rollback()
        raise
    return max(result.rowcount, 0)


def import_script(engine, path):
    name = os.path.basename(path)
    with open(path) as script:
        statements = list(split_script(script.read()))
    connection = engine.connect()
    outer = connection.begin()
    changed = 0
    try:
        for statement in statements:
            changed += run_statement(connection, statement)
        outer.commit()
        state = 'done'
    except SQLAlchemyError as error:
        outer.rollback()
        state, changed = 'failed', 0
        print('%s: %s' % (name, error.__class__.__name__))
    connection.execute('INSERT INTO import_log (name, changed, state) VALUES (?, ?, ?)',
                       name, changed, state)
    connection.close()


def make_log(engine):
    metadata = MetaData(bind=engine)
    log = Table('import_log', metadata,
                Column('id', Integer, primary_key=True),
                Column('name', String(30)), Column('changed', Integer),
                Column('state', String(10), default='new'))
    assert not log.exists() and not engine.has_table('import_log')
    log.create()
    log.create(checkfirst=True)
    first = log.insert().execute(name='(begin)', changed=0)
    print('log made: %s, entry %s' % (log.exists(), first.inserted_primary_key[0]))
    return log


def import_harvest(db):
    """Rows that come from elsewhere than a script, through the session's connection."""
    engine = db.bind
    engine.execute('CREATE TABLE harvest (plant VARCHAR(30), weight INTEGER)')
    db.connection().execute('INSERT INTO harvest VALUES (?, ?)', HARVEST)
    db.connection().execute('INSERT INTO harvest VALUES (?, ?)', 'nettle', 1)
    db.commit()
    db.connection().execute('INSERT INTO harvest VALUES (?, ?)', ('never', 0))
    db.rollback()
    harvest = Table('harvest', db._metadata, autoload=True)
    harvest.delete(harvest.c.plant == 'nettle').execute()
    for row in select([harvest.c.plant, func.sum(harvest.c.weight).label('weight')],
                      group_by='plant', order_by='plant').execute():
        print('harvest: %s' % ', '.join('%s=%s' % pair for pair in row.items()))


def show(engine):
    print('tables: %s' % ', '.join(engine.table_names()))
    views = engine.execute('SELECT name FROM sqlite_master WHERE type = ?', 'view')
    print('views: %s' % ', '.join(row['name'] for row in views))
    metadata = MetaData(engine)
    metadata.reflect(views=True)
    for table in sorted(metadata.tables.values(), key=lambda found: found.name):
        rows = table.select().execute()
        print('%s (%s): %d rows' % (table.name, ', '.join(rows.keys()), table.count().scalar()))
        for row in sorted(rows.fetchall(), key=lambda row: str(row.values())):
            print('  ' + ' | '.join(str(value) for value in row))
    print('last plant: %d' % func.max(metadata.tables['plant'].c.id).execute().fetchone()[0])
    try:
        Table('weeds', MetaData(engine), autoload=True)
    except NoSuchTableError as error:
        print('no table %s' % error)


def tidy_up(db):
    """Through mapped rows and through statements, then drop what was imported."""
    plant = db.plant
    found = plant.filter(or_(text("name LIKE '%vinegar'"), plant.name == 'nettle')).one()
    db.delete(found)
    plant.filter_by(name='sorrel').one().bed = 'A'
    db.commit()
    count = text('SELECT count(*) FROM plant WHERE bed = :bed', bind=db.bind)
    print('in bed A: %d, in B: %d' % (count.execute(bed='A').scalar(),
                                      count.execute({'bed': 'B'}).scalar()))
    renamed = db.bind.execute('UPDATE plant SET name = upper(name) WHERE bed = :bed', bed='B')
    print('renamed: %d, %s' % (renamed.rowcount, db.plant.filter_by(bed='B').one().name))
    print(func.replace('All is done', 'All', 'The tidying', bind=db.bind).scalar())
    db.rollback()


def main(arguments):
    folder = tempfile.mkdtemp()
    url = arguments[0] if arguments else 'sqlite:///' + os.path.join(folder, 'garden.db')
    engine = create_engine(url, convert_unicode=True)
    try:
        write_scripts(folder)
        log = make_log(engine)
        for path in sorted(glob.glob(os.path.join(folder, '*.sql'))):
            import_script(engine, path)
        db = SqlSoup(MetaData(engine))
        import_harvest(db)
        show(engine)
        tidy_up(db)
        connection = sqlite3.connect(engine.url.database)
        for query in ('SELECT name, bed FROM plant ORDER BY id', 'SELECT sum(weight) FROM harvest',
                      'SELECT name, changed, state FROM import_log ORDER BY id'):
            print('on disk: %s' % connection.execute(query).fetchall())
        connection.close()
        engine.execute('DROP VIEW planted')
        log.drop()
        metadata = MetaData()
        metadata.bind = engine
        metadata.reflect()
        metadata.drop_all()
        print('tables left: %d' % len(engine.table_names()))
    finally:
        engine.dispose()
        shutil.rmtree(folder)


if __name__ == '__main__':
    main(sys.argv[1:])
