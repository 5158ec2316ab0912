"""An agent that polls a table of jobs and works on them, whatever becomes of its connection.

The session commits by itself; what belongs together is put between begin() and commit(). To show
that nothing is lost or done twice, the connection is cut now and then in the midst of the work.

Usage: polling_agent.py [URL of an SQLite database file]
"""
import os
import shutil
import sqlite3
import sys
import tempfile

from sqlalchemy import create_engine, desc, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import create_session, mapper, relation, scoped_session, sessionmaker
from sqlalchemy.orm.interfaces import EXT_CONTINUE, MapperExtension, SessionExtension
from sqlsoup import SQLSoup

TABLES = [
    """CREATE TABLE job (
        id INTEGER PRIMARY KEY, task VARCHAR(40) NOT NULL, priority INTEGER NOT NULL,
        state VARCHAR(10) DEFAULT 'new', tries INTEGER DEFAULT 0, result VARCHAR(40))""",
    """CREATE TABLE journal (
        id INTEGER PRIMARY KEY, job_id INTEGER REFERENCES job (id), line TEXT, serial INTEGER)""",
]
JOBS = [('sum 3 4 5', 1), ('upper mill lane', 5), ('divide 8 0', 3), ('divide 9 3', 2)]
CUTS = {2: 'before the result', 4: 'after the result'}


class CommitCounter(SessionExtension):
    """Counts what the session really did."""

    commits = rollbacks = 0

    def after_commit(self, session):
        self.commits += 1

    def after_rollback(self, session):
        self.rollbacks += 1


class Serial(MapperExtension):
    """Numbers the lines of the journal."""

    last = 0

    def before_insert(self, mapper, connection, instance):
        self.last += 1
        instance.serial = self.last
        return EXT_CONTINUE


class Line(object):
    pass


class Job(object):
    pass


def perform(task):
    words = task.split()
    if words[0] == 'sum':
        return str(sum(int(word) for word in words[1:]))
    if words[0] == 'divide':
        return str(int(words[1]) // int(words[2]))
    return ' '.join(words[1:]).upper()


def cut_connection(session):
    """As if the server went away."""
    session.connection().connection.connection.close()


class Agent(object):
    def __init__(self, engine, counter):
        self.engine = engine
        self.session = scoped_session(sessionmaker(bind=engine, autocommit=True, extension=counter))
        self.db = SQLSoup(engine, session=self.session)
        self.journal = create_session(bind=engine)
        self.db._metadata.reflect()
        mapper(Job, self.db._metadata.tables['job'])
        mapper(Line, self.db._metadata.tables['journal'], extension=Serial(),
               properties={'job': relation(Job, backref='lines')})
        self.works = 0

    def note(self, job_id, line):
        entry = Line()
        entry.job_id, entry.line = job_id, line
        self.journal.add(entry)
        self.journal.flush()

    def claim(self):
        """Mark the most urgent job as ours and return its id."""
        job = self.db.job
        with self.session.begin():
            waiting = job.filter_by(state='new').with_lockmode('update')
            found = waiting.order_by(desc(job.priority), job.id).first()
            if found is None:
                return None
            found.state = 'running'
            found.tries += 1
            return found.id

    def finish(self, job_id, state, result):
        with self.session.begin(subtransactions=True):
            job = self.db.job.get(job_id)
            job.state, job.result = state, result

    def work(self, job_id):
        self.works += 1
        cut = CUTS.get(self.works)
        self.session.begin()
        try:
            job = self.db.job.get(job_id)
            if cut == 'before the result':
                cut_connection(self.session)
            try:
                self.finish(job_id, 'done', perform(job.task))
            except ZeroDivisionError:
                self.finish(job_id, 'new' if job.tries < 2 else 'failed', None)
            if cut == 'after the result':
                cut_connection(self.session)
            self.db.connection().execute('UPDATE job SET task = trim(task) WHERE id = ?', job_id)
            self.session.commit()
        except Exception:
            self.session.rollback()
            raise

    def recover(self, job_id):
        """Forget all connections and give the job back."""
        self.engine.dispose()
        count = self.db.job.filter_by(id=job_id, state='running').update(
            {'state': 'new', 'tries': self.db.job.tries - 1}, synchronize_session=False)
        self.note(job_id, 'connection lost, %d job given back' % count)

    def poll(self, rounds):
        for number in range(rounds):
            job_id = self.claim()
            if job_id is None:
                print('poll %d: nothing to do' % number)
                continue
            try:
                self.work(job_id)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                print('poll %d: job %d, connection lost' % (number, job_id))
                self.recover(job_id)
                continue
            job = self.db.job.get(job_id)
            print('poll %d: job %d %s: %s' % (number, job_id, job.state, job.result))
            self.note(job_id, 'now ' + job.state)


def report(agent, counter):
    for row in agent.db.job._table.select(text("state <> 'new'"), order_by=['id']).execute():
        print('job %(id)d is %(state)s, tries: %(tries)d' % dict(row.items()))
    for line in agent.journal.query(Line).order_by(Line.serial):
        print('%d. %s: %s' % (line.serial, line.job.task, line.line))
    print('lines of job 1: %d' % len(agent.journal.query(Job).get(1).lines))
    print('rollbacks: %d, commits at all: %s' % (counter.rollbacks, counter.commits > 0))


def read_back(path):
    connection = sqlite3.connect(path)
    for row in connection.execute('SELECT id, task, state, result FROM job ORDER BY id'):
        print('on disk: %d, %s, %s, %s' % row)
    print('lines on disk: %d' % connection.execute('SELECT count(*) FROM journal').fetchone())
    connection.close()


def main(arguments):
    folder = tempfile.mkdtemp()
    url = arguments[0] if arguments else 'sqlite:///' + os.path.join(folder, 'jobs.db')
    engine = create_engine(url, encoding='utf-8')
    try:
        for statement in TABLES:
            engine.execute(statement)
        engine.execute('INSERT INTO job (task, priority) VALUES (?, ?)', *JOBS)
        counter = CommitCounter()
        agent = Agent(engine, counter)
        agent.poll(rounds=5)
        late = agent.db.job.insert(task='  sum 1 1', priority=9)
        agent.db.flush()
        print('late job: %d' % late.id)
        engine.dispose()
        agent.poll(rounds=5)
        report(agent, counter)
        read_back(engine.url.database)
        engine.execute('DROP TABLE journal')
        engine.execute('DROP TABLE job')
    finally:
        engine.dispose()
        shutil.rmtree(folder)


if __name__ == '__main__':
    main(sys.argv[1:])
