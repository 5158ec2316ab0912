"""The model of an address book's window: rows that come into the session, and undo."""
import os
import shutil
import tempfile

from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import MapperExtension, mapper, object_session, relation
from sqlalchemy.orm.interfaces import EXT_CONTINUE, SessionExtension
from sqlsoup import SQLSoup, AutoAdd, scoped_session, sessionmaker, MetaData, Table, class_mapper

folder = tempfile.mkdtemp()
engine = create_engine("sqlite:///" + os.path.join(folder, "contacts.db"))
engine.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(30) NOT NULL UNIQUE)")
engine.execute(
    "CREATE TABLE phones (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people (id), "
    "number VARCHAR(20))"
)


class Log(SessionExtension):
    lines = []

    def after_flush(self, session, context):
        self.lines.append("+%d -%d" % (len(session.new), len(session.deleted)))


class Title(MapperExtension):
    def before_insert(self, mapper, connection, instance):
        instance.name = instance.name.title()
        return EXT_CONTINUE

    def translate_row(self, mapper, context, row):
        raise AssertionError("nobody calls this")


Session = scoped_session(sessionmaker(bind=engine, extension=Log()))
metadata = MetaData(engine, reflect=True)


class Person(object):
    pass


class Phone(object):
    pass


mapper(Phone, Table("phones", metadata, autoload=True), extension=AutoAdd(Session))
mapper(
    Person, metadata.tables["people"], extension=[AutoAdd(Session), Title()],
    properties={"phones": relation(Phone, backref="person", order_by=Phone.id)},
)
print(class_mapper(Person).class_.__name__, sorted(metadata.tables))

for name, numbers in (("ann", ["1", "2"]), ("bob", []), ("cyd", ["3"])):
    person = Person(name=name)
    person.phones = [Phone(number=number) for number in numbers]
Session.commit()
print([(p.name, [n.number for n in p.phones]) for p in Session.query(Person).order_by("name")])

Person(name="Ann")
try:
    Session.commit()
except IntegrityError:
    Session.rollback()
    print("there is an Ann already")

found = Session.query(Person).join("phones", aliased=True).filter(Phone.number == "3").one()
print(found.name, object_session(found) is Session())
both = Session.query(Person).join("phones", aliased=True).filter_by(number="1")
both = both.join("phones", aliased=True).filter_by(number="2")
print([p.name for p in both])

rows = engine.execute("SELECT * FROM people ORDER BY id DESC")
print([p.name for p in Session.query(Person).instances(rows)])

Session.begin_nested()
found.name = "Dee"
Session.flush()
Session.rollback()
print(found.name)
Session.delete(found)
Session.commit()
print(Log.lines)

db = SQLSoup(engine)
print([p.name for p in db.people.order_by(db.people.name)], "%s" % db.bind.url == str(engine.url))
Session.remove()
engine.dispose()
shutil.rmtree(folder)
