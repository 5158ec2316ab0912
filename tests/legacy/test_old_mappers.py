"""Mappers, properties and their extensions as SQLAlchemy 1.3 and before had them."""

from __future__ import annotations

import importlib
import re

import pytest
import sqlalchemy as sa
from conftest import noted_in
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, InvalidRequestError
from sqlalchemy.orm import (
    Query,
    Session,
    backref,
    class_mapper,
    clear_mappers,
    column_property,
    configure_mappers,
    create_session,
    declarative_base,
    dynamic_loader,
    mapper,
    object_mapper,
    registry,
    relationship,
    scoped_session,
    sessionmaker,
    synonym,
)
from sqlalchemy.orm.collections import attribute_mapped_collection
from sqlalchemy.orm.exc import ObjectDereferencedError, UnmappedClassError, UnmappedInstanceError
from sqlalchemy.orm.util import AliasedClass

from sqlsoup import legacy
from sqlsoup.exc import SQLSoupDeprecationWarning
from sqlsoup.legacy import _mappers, _notes


@pytest.fixture(autouse=True)
def _old_classes(old_forms):
    yield
    sa.orm.close_all_sessions()
    clear_mappers()


@pytest.fixture
def tables(soup):
    """The tables of the library by name."""
    names = ("users", "books", "loans", "tags", "book_tags", "seats")
    return {name: soup.entity(name)._table for name in names}


@pytest.fixture
def session(lite):
    """A session in which nothing is flushed unless it is asked for."""
    return Session(lite, autoflush=False)


class Row:
    """Base class of what the tests map."""

    def __init__(self, **values):
        for name, value in values.items():
            setattr(self, name, value)


def new(name, base=Row, **namespace):
    """Return a new class to be mapped."""
    return type(name, (base,), namespace)


def forms():
    """Return the identifiers of what was noted, each once."""
    return sorted({note.form for note in legacy.report().notes})


# what maps


def test_mapper(tables, session):
    """mapper() maps a class to a table, with arguments by position."""
    users, User = tables["users"], new("User")
    mapped = mapper(User, users, {"mail": users.c.email}, [users.c.email], False)
    assert (mapped.class_, mapped.primary_key) == (User, (users.c.email,))
    assert session.query(User).filter_by(mail="bo@example.org").one().name == "Bo"
    assert forms() == ["mapper"]


def test_mapper_by_name(tables, session):
    """mapper() takes all its arguments by name."""
    Tag = new("Tag")
    assert mapper(class_=Tag, local_table=tables["tags"]) is class_mapper(class_=Tag)
    assert session.query(Tag).count() == 2


def test_classes_are_configured_together(tables):
    """A backref is there as soon as any class is used, however many have the same name."""
    for _ in range(3):
        Book, Tag = new("Book"), new("Tag")
        tags = relationship(Tag, secondary=tables["book_tags"], backref="books", viewonly=True)
        mapper(Book, tables["books"], {"tags": tags})
        mapper(Tag, tables["tags"])
        assert Tag().books == []


@pytest.mark.parametrize("inherits", ["class", "mapper", "position"])
def test_inherits(inherits, tables, session):
    """A mapper inherits from a class or from its mapper, and has its order."""
    users, Base = tables["users"], new("Base")
    Admin = new("Admin", Base)
    base = mapper(
        Base,
        users,
        polymorphic_on=users.c.admin,
        polymorphic_identity=0,
        order_by=users.c.name.desc(),
    )
    if inherits == "position":
        mapper(Admin, None, None, None, False, Base, polymorphic_identity=1)
    else:
        mapper(Admin, inherits=Base if inherits == "class" else base, polymorphic_identity=1)
    assert [(type(row), row.name) for row in session.query(Base)] == [
        (Base, "Cy"), (Base, "Bo"), (Admin, "Ada"),
    ]  # fmt: skip
    assert session.query(Admin).one().name == "Ada"
    assert forms() == ["mapper", "mapper-order-by"]


def test_order_of_what_inherits(tables, session, statements):
    """An order is inherited, but not by a concrete mapper, and may be replaced."""
    users, Base = tables["users"], new("Base")
    mapper(
        Base,
        users,
        polymorphic_on=users.c.admin,
        polymorphic_identity=2,
        order_by=users.c.name.desc(),
    )
    Plain, Own, Concrete = (new(name, Base) for name in ("Plain", "Own", "Concrete"))
    mapper(Plain, inherits=Base, polymorphic_identity=0)
    mapper(Own, inherits=Base, polymorphic_identity=1, order_by=[users.c.email])
    mapper(Concrete, tables["seats"], inherits=Base, concrete=True, polymorphic_identity=3)
    for cls, order in ((Plain, "users.name DESC"), (Own, "users.email"), (Concrete, "")):
        session.query(cls).all()
        assert statements[-1].partition(" ORDER BY ")[2].replace("\n", "") == order


@pytest.mark.parametrize(
    "argument",
    [
        {"allow_column_override": True},
        {"allow_null_pks": True},
        {"_compiled_cache_size": 5},
        {"entity_name": None},
        {"non_primary": False},
        {"extension": None},
        {"order_by": False},
        {"order_by": None},
        {"batch": False},
        {"eager_defaults": True},
        {"column_prefix": "my_"},
    ],
    ids=str,
)
def test_arguments_of_a_mapper(argument, tables, session):
    """What means nothing any more is taken, and what still means something as well."""
    User = new("User")
    mapper(User, tables["users"], **argument)
    assert session.query(User).count() == 3
    gone = {"allow_column_override", "allow_null_pks", "_compiled_cache_size"}
    assert ("mapper-argument" in forms()) is bool(gone & argument.keys())
    assert ("mapper-extension" in forms()) is ("extension" in argument)
    assert ("mapper-order-by" in forms()) is ("order_by" in argument)


def test_entity_name(tables, session):
    """entity_name= is noted where it says nothing, and refused where it names a second mapper."""
    User = new("User")
    mapped = mapper(User, tables["users"])
    assert object_mapper(User(), None) is object_mapper(User(), entity_name=None) is mapped
    assert "entity-name" in forms()
    for name, use in {
        "mapper": lambda: mapper(new("Other"), tables["users"], entity_name="other"),
        "relation": lambda: relationship(User, entity_name="other"),
        "class_mapper": lambda: class_mapper(User, entity_name="other"),
        "object_mapper": lambda: object_mapper(User(), "other"),
        "Query": lambda: Query(User, session, "other"),
    }.items():
        with pytest.raises(ArgumentError) as caught:
            use()
        assert str(caught.value) == (
            f"{name}(entity_name=) cannot be done since SQLAlchemy 0.5: a class has one mapper; "
            "map a second class to the other table"
        )


def test_a_second_mapper(tables, session):
    """non_primary=True gives rows of a mapped class from another table, also to relationships."""
    users, loans = tables["users"], tables["loans"]
    User, Loan = new("User"), new("Loan")
    mapper(Loan, loans)
    late = loans.alias("late")
    other = mapper(Loan, late, non_primary=True)
    first = mapper(Loan, loans.select().where(loans.c.book_id == 1).alias(), non_primary=True)
    condition = sa.and_(other.c.user_name == users.c.name, late.c.book_id > 1)
    mapper(
        User,
        users,
        {
            "loans": relationship(Loan),
            "late": relationship(other, primaryjoin=condition, viewonly=True),
        },
    )
    bo = session.query(User).filter_by(name="Bo").one()
    assert [loan.book_id for loan in bo.late] == [3]
    assert {loan.book_id for loan in bo.loans} == {1, 3}
    assert bo.late[0] in bo.loans
    assert [loan.book_id for loan in session.query(first)] == [1]
    eager = session.query(User).options(sa.orm.joinedload(User.late)).filter_by(name="Bo")
    assert [loan.book_id for loan in eager.populate_existing().one().late] == [3]
    assert forms() == ["mapper", "non-primary"]


def test_a_second_mapper_of_two_tables(tables, session):
    """Its columns have the names that it gives them, and its rows are of the class."""
    User, Book = new("User"), new("Book")
    users, books, loans = tables["users"], tables["books"], tables["loans"]
    mapper(Book, books)
    join = sa.join(books, loans, books.c.id == loans.c.book_id)
    lent = mapper(
        Book,
        join,
        non_primary=True,
        primary_key=[join.c.books_id],
        properties={"id": [join.c.books_id, join.c.loans_book_id], "lent_to": loans.c.user_name},
    )
    assert (lent.c.id, lent.c.day) == (join.c.books_id, join.c.loans_day)
    condition = users.c.name == sa.orm.foreign(lent.c.lent_to)
    mapper(User, users, {"books": relationship(lent, primaryjoin=condition, viewonly=True)})
    bo = session.query(User).filter_by(name="Bo").one()
    expected = session.query(loans.c.book_id).filter(loans.c.user_name == "Bo").all()
    assert sorted(book.id for book in bo.books) == sorted(book_id for (book_id,) in expected)
    assert {type(book) for book in bo.books} == {Book}
    found = session.query(lent, lent.c.lent_to).filter(lent.c.lent_to == "Bo").all()
    assert {(type(book), name) for book, name in found} == {(Book, "Bo")}
    assert "non-primary" in forms()


def test_a_second_mapper_that_cannot_be(tables):
    """Other columns and arguments are refused, and the error says what to do."""
    Book = new("Book")
    books = tables["books"]
    mapper(Book, books)
    few = sa.select([books.c.id, books.c.title.label("name")]).alias()
    for kw in ({}, {"properties": {"title": few.c.id}}):
        with pytest.raises(ArgumentError) as caught:
            mapper(Book, books if kw else few, non_primary=True, **kw)
        assert re.fullmatch(
            r"mapper\(non_primary=True\) cannot be done on SQLAlchemy 2 where Book\.\w+ is another "
            r"column; use aliased\(\) with a subquery",
            str(caught.value),
        )
    with pytest.raises(ArgumentError) as caught:
        mapper(Book, books, non_primary=True, order_by=books.c.id)
    assert str(caught.value) == (
        "mapper(non_primary=True, order_by=) cannot be done on SQLAlchemy 2; use aliased() with a "
        "subquery"
    )


def test_a_second_mapper_of_a_join(tables, session):
    """Its columns are those of the join, and those that it names otherwise."""
    users, loans = tables["users"], tables["loans"]
    User = new("User")
    mapper(User, users)
    joined = sa.join(users, loans, loans.c.user_name == users.c.name)
    lending = mapper(
        User, joined, {"name": [users.c.name, loans.c.user_name], "book": loans.c.book_id},
        non_primary=True,
    )  # fmt: skip
    assert lending.c.name is users.c.name
    assert lending.c.book is loans.c.book_id
    assert lending.c.email is users.c.email
    assert {user.name for user in session.query(lending)} == {"Bo"}
    of_select = mapper(User, sa.select(users).where(users.c.name == "Cy"), non_primary=True)
    assert [user.name for user in session.query(of_select)] == ["Cy"]


def test_what_is_mapped_by_others(tables, session):
    """A class that SQLAlchemy 2 maps in its own way is not noted."""
    Tag = new("Tag")
    registry().map_imperatively(Tag, tables["tags"])
    assert session.query(Tag).count() == 2
    assert not legacy.report()


# MapperExtension


def recorder(*names):
    """Return a MapperExtension with hooks of these names, and the list that these append to."""
    from sqlalchemy.orm import EXT_CONTINUE, MapperExtension

    seen = []

    def hook(name):
        def call(self, *arguments):
            seen.append((name, *arguments))
            return EXT_CONTINUE

        return call

    return type("Recorder", (MapperExtension,), {name: hook(name) for name in names})(), seen


ROW_HOOKS = [
    f"{when}_{what}" for what in ("insert", "update", "delete") for when in ("before", "after")
]


def work(session, cls):
    """Insert, load, change and delete a row; return the one inserted and the one loaded."""
    added = cls(word="new")
    session.add(added)
    session.flush()
    session.expunge_all()
    loaded = session.get(cls, "new")
    loaded.word = "newer"
    session.flush()
    session.delete(loaded)
    session.flush()
    return added, loaded


@pytest.mark.parametrize("way", ["mapper", "list", "inherited", "map", "map_to"])
def test_hooks_of_rows(way, tables, session, soup):
    """Each hook gets the mapper, a connection and the row, however the class was mapped."""
    extension, seen = recorder(*ROW_HOOKS)
    Tag = new("Tag")
    if way == "map":
        Tag = soup.map(tables["tags"], extension=extension)
    elif way == "map_to":
        mapper_args = {"extension": [extension]}
        Tag = soup.map_to("words", tablename="tags", mapper_args=mapper_args)
    else:
        mapper(Tag, tables["tags"], extension=[extension] if way == "list" else extension)
    if way == "inherited":
        Base, Tag = Tag, new("Special", Tag)
        mapper(Tag, inherits=Base)
    session = soup.session if way.startswith("map_") or way == "map" else session
    added, loaded = work(session, Tag)
    assert [name for name, *_ in seen] == ROW_HOOKS
    for name, mapped, connection, row in seen:
        assert mapped is class_mapper(Tag)
        assert isinstance(connection, sa.Connection)
        assert row is (added if name.endswith("insert") else loaded)
    assert "mapper-extension" in forms()


def test_hooks_of_instances(tables, session):
    """They are called when a row is made, when that fails, and when a row is loaded."""
    hooks = ("instrument_class", "init_instance", "init_failed", "reconstruct_instance")
    extension, seen = recorder(*hooks)

    class Tag:
        def __init__(self, word, fail=False):
            if fail:
                raise ZeroDivisionError
            self.word = word

    constructor = Tag.__init__
    mapped = mapper(Tag, tables["tags"], extension=extension)
    assert seen == [("instrument_class", mapped, Tag)]
    seen.clear()
    tag = Tag("new")
    [(name, of, cls, old_init, instance, args, kw)] = seen
    assert (name, of, cls, instance, args) == ("init_instance", mapped, Tag, tag, ("new",))
    assert kw == {"fail": False}
    assert old_init.__name__ == constructor.__name__
    seen.clear()
    with pytest.raises(ZeroDivisionError):
        Tag("new", fail=True)
    assert [name for name, *_ in seen] == ["init_instance", "init_failed"]
    assert seen[1][-2:] == (("new",), {"fail": True})
    seen.clear()
    loaded = session.query(Tag).filter_by(word="hot").one()
    assert seen == [("reconstruct_instance", mapped, loaded)]


def test_hooks_of_classes_that_inherit(tables, session):
    """They are called for a subclass, which is instrumented too, with its own mapper."""
    extension, seen = recorder("instrument_class", "init_instance", "on_reconstitute")
    Base = new("Base")
    Special = new("Special", Base)
    base = mapper(Base, tables["tags"], extension=extension)
    special = mapper(Special, inherits=Base)
    assert seen == [("instrument_class", base, Base), ("instrument_class", special, Special)]
    seen.clear()
    Special(word="new")
    assert [name for name, *_ in seen] == ["init_instance"]
    session.query(Special).filter_by(word="hot").one()
    assert seen[-1][0] == "on_reconstitute"


def test_several_extensions(tables, session):
    """They are called in their order, and what they change is stored."""
    from sqlalchemy.orm.interfaces import EXT_STOP, MapperExtension

    class First(MapperExtension):
        def before_insert(self, mapper, connection, instance):
            instance.email = "first"
            return EXT_STOP

        def before_update(self, mapper, connection, instance):
            instance.email = "updated"

    class Second(MapperExtension):
        def before_insert(self, mapper, connection, instance):
            instance.email += " second"

    User = new("User")
    mapper(User, tables["users"], extension=[First(), Second()])
    user = User(name="new")
    session.add(user)
    session.commit()
    assert user.email == "first second"
    user.admin = 1
    session.commit()
    assert user.email == "updated"


@pytest.mark.parametrize(
    "hook", ["append_result", "create_instance", "populate_instance", "translate_row"]
)
def test_hooks_that_are_gone(hook, tables, session):
    """A hook that SQLAlchemy 1.0 gave up is not called, as it was not in 1.3, and is noted."""
    extension, called = recorder(hook, "before_insert")
    Tag = new("Tag")
    mapper(Tag, tables["tags"], extension=extension)
    session.add(Tag(word="new"))
    session.flush()
    assert [name for name, *_ in called] == ["before_insert"]
    assert [note.old for note in legacy.report().notes if note.form == "mapper-hook"] == [
        f"Recorder.{hook}(), which is not called"
    ]


def test_hooks_of_an_instance(tables, session):
    """A hook that is set on the extension itself is called, and those of the base say to go on."""
    from sqlalchemy.orm import (
        EXT_CONTINUE,
        AttributeExtension,
        MapperExtension,
        SessionExtension,
    )

    extension = MapperExtension()
    extension.before_insert = lambda mapper, connection, row: setattr(row, "email", "set")
    User = new("User")
    mapper(User, tables["users"], extension=extension)
    user = User(name="new")
    session.add(user)
    session.flush()
    assert user.email == "set"
    assert MapperExtension().after_insert(None, None, user) is EXT_CONTINUE
    assert SessionExtension().after_begin(session, None, None) is EXT_CONTINUE
    watch = AttributeExtension()
    assert watch.append(None, 1, None) == watch.set(None, 1, 2, None) == 1
    assert watch.remove(None, 1, None) is None


# AttributeExtension


def watcher(**replaced):
    """Return an AttributeExtension with all hooks, and the list that these append to."""
    from sqlalchemy.orm.interfaces import AttributeExtension

    seen = []

    class Watcher(AttributeExtension):
        active_history = replaced.get("active_history", True)

        def set(self, state, value, oldvalue, initiator):
            seen.append(("set", state.obj(), value, oldvalue))
            return replaced.get("set", lambda given: given)(value)

        def append(self, state, value, initiator):
            seen.append(("append", state.obj(), value))
            return replaced.get("append", lambda given: given)(value)

        def remove(self, state, value, initiator):
            seen.append(("remove", state.obj(), value))

    return Watcher(), seen


def test_extension_of_a_column(tables, session):
    """set() gets the state, the value and the old one, and returns what is stored."""
    extension, seen = watcher(set=str.upper)
    User, users = new("User"), tables["users"]
    mapper(User, users, {"email": column_property(users.c.email, extension=extension)})
    ada = session.get(User, "Ada")
    ada.email = "new"
    assert ada.email == "NEW"
    assert seen == [("set", ada, "new", "ada@example.org")]
    session.commit()
    assert session.get(User, "Ada").email == "NEW"
    assert "attribute-extension" in forms()


@pytest.mark.parametrize("active_history", [True, False])
def test_the_old_value(active_history, tables, session):
    """It is loaded when it was not yet, unless active_history is False."""
    extension, seen = watcher(active_history=active_history)
    User, users = new("User"), tables["users"]
    mapper(User, users, {"email": column_property(users.c.email, extension=extension)})
    ada = session.get(User, "Ada")
    session.expire(ada)
    ada.email = "new"
    assert (seen[0][3] == "ada@example.org") is active_history


def test_extension_of_a_collection(tables, session):
    """append() and remove() are called from both sides of a relation, and by replacing it."""
    (many, on_many), (one, on_one) = watcher(), watcher()
    User, Loan = new("User"), new("Loan")
    from sqlalchemy.orm import relation

    mapper(
        User,
        tables["users"],
        {"loans": relation(Loan, extension=many, backref=backref("user", extension=[one]))},
    )
    mapper(Loan, tables["loans"])
    bo = session.get(User, "Bo")
    first, second = sorted(bo.loans, key=lambda loan: loan.book_id)
    assert (on_many, on_one) == ([], [])
    bo.loans.remove(first)
    assert on_many == [("remove", bo, first)]
    assert on_one == [("set", first, None, bo)]
    first.user = bo
    assert on_many[1:] == [("append", bo, first)]
    assert on_one[1:] == [("set", first, bo, None)]
    on_many.clear()
    bo.loans = [first]
    assert next(each for each in on_many if each[2] is second) == ("remove", bo, second)
    assert bo.loans == [first]
    assert forms() == ["attribute-extension", "mapper", "relation"]


def test_what_append_returns(tables):
    """It is what the collection gets."""
    Tag, Book = new("Tag"), new("Book")
    extension, _ = watcher(append=lambda tag: Tag(word=tag.word * 2))
    mapper(
        Book,
        tables["books"],
        {"tags": relationship(Tag, secondary=tables["book_tags"], extension=extension)},
    )
    mapper(Tag, tables["tags"])
    book = Book(title="New")
    book.tags.append(Tag(word="a"))
    assert [tag.word for tag in book.tags] == ["aa"]


def test_an_extension_with_no_hooks(tables):
    """Neither is one needed that has none, nor hooks that are no methods."""
    from sqlalchemy.orm.interfaces import AttributeExtension, MapperExtension, SessionExtension

    User, users = new("User"), tables["users"]
    nothing = type("Nothing", (AttributeExtension,), {"set": None})()
    email = column_property(users.c.email, extension=nothing)
    mapper(User, users, {"email": email}, extension=type("M", (MapperExtension,), {})())
    assert User(email="a").email == "a"
    Session(extension=type("S", (SessionExtension,), {})()).commit()


# relations


def test_relation_by_position(tables, session):
    """relation() takes its arguments by position, as relationship() does."""
    from sqlalchemy.orm import relation

    users, loans = tables["users"], tables["loans"]
    User, Loan, Book, Tag = (new(name) for name in ("User", "Loan", "Book", "Tag"))
    condition = users.c.name == loans.c.user_name
    order = loans.c.book_id.desc()
    mapper(
        User,
        users,
        {"loans": relationship(Loan, None, condition, None, None, None, order, "user")},
    )
    mapper(Loan, loans)
    mapper(
        Book,
        tables["books"],
        {"tags": relation(Tag, tables["book_tags"], order_by=tables["tags"].c.word)},
    )
    mapper(Tag, tables["tags"])
    assert [loan.book_id for loan in session.get(User, "Bo").loans] == [3, 1]
    assert session.get(Loan, 1).user.name == "Bo"
    assert [tag.word for tag in session.get(Book, 1).tags] == ["food", "hot"]
    assert forms() == ["mapper", "relation", "relation-arguments"]


@pytest.mark.parametrize(
    "argument",
    [
        {"cascade": False},
        {"cascade_backrefs": False},
        {"bake_queries": False},
        {"entity_name": None},
        {"extension": None},
        {"lazy": True},
        {"lazy": False},
        {"cascade": "all, delete-orphan"},
    ],
    ids=str,
)
def test_arguments_of_a_relation(argument, tables, session):
    """What is gone is taken, and what is not does what it did."""
    User, Loan = new("User"), new("Loan")
    mapper(User, tables["users"], {"loans": relationship(Loan, **argument)})
    mapper(Loan, tables["loans"])
    assert len(session.get(User, "Bo").loans) == 2
    gone = {"cascade_backrefs", "bake_queries"}
    is_gone = bool(gone & argument.keys()) or argument == {"cascade": False}
    assert ("property-argument" in forms()) is is_gone
    assert ("entity-name" in forms()) is ("entity_name" in argument)
    assert ("attribute-extension" in forms()) is ("extension" in argument)


def test_dynamic_loader(tables, session):
    """dynamic_loader() gives queries, and takes arguments by position."""
    users, loans = tables["users"], tables["loans"]
    User, Loan = new("User"), new("Loan")
    condition = users.c.name == loans.c.user_name
    mapper(User, users, {"loans": dynamic_loader(Loan, None, condition, order_by=loans.c.book_id)})
    mapper(Loan, loans)
    bo = session.get(User, "Bo")
    assert [loan.book_id for loan in bo.loans] == [1, 3]
    assert bo.loans.filter(loans.c.book_id > 1).count() == 1
    bo.loans.append(Loan(book_id=2))
    session.flush()
    assert bo.loans.count() == 3
    assert "relation-arguments" in forms()


def test_properties_while_a_class_is_declared():
    """iterate_properties configures, so that what declares a class can change its attributes."""

    def declare(cls, *args, **kw):
        mapped = mapper(cls, *args, **kw)
        for prop in mapped.iterate_properties:
            getattr(cls, prop.key).impl.active_history = True
        assert [prop.key for prop in mapped.iterate_properties] == ["id"]
        return mapped

    namespace = {"__tablename__": "t", "id": sa.Column(sa.Integer, primary_key=True)}
    Own = type("Own", (declarative_base(),), {"__mapper_cls__": declare, **namespace})
    assert Own.id.impl.active_history
    assert forms() == ["mapper", "mapper-configure"]


# relationships with viewonly=True


@pytest.fixture
def shown(tables, session):
    """A function that maps users and loans, a relationship of which is viewonly."""

    def make(many, one, base=Row):
        User, Loan = new("User", base), new("Loan", base)
        if base is Row:
            mapper(Loan, tables["loans"])
            mapper(User, tables["users"])
        else:
            Loan.__table__, User.__table__ = tables["loans"], tables["users"]
            Base = type("Base", (sa.orm.DeclarativeBase,), {})
            Loan, User = (
                type(kind.__name__, (Base,), {"__table__": kind.__table__}) for kind in (Loan, User)
            )
        sa.inspect(User).add_property("loans", relationship(Loan, back_populates="user", **many))
        sa.inspect(Loan).add_property("user", relationship(User, back_populates="loans", **one))
        return User, Loan

    return make


@pytest.mark.parametrize("mode", ["many", "one"])
def test_viewonly_is_in_step_with_its_reverse(mode, shown, session):
    """A change of either side is one of both, and what is put in comes into the session."""
    options = [{"viewonly": True}, {}]
    User, Loan = shown(*(options if mode == "many" else reversed(options)))
    user = session.query(User).filter_by(name="Cy").one()
    assert user.loans == []
    _notes.clear()
    first, second = Loan(book_id=1), Loan(book_id=2)
    first.user = user
    user.loans.append(second)
    assert user.loans == [first, second]
    assert second.user is user
    assert {first, second} <= {*session.new}
    assert {note.count for note in legacy.report().notes if note.form == "viewonly"} == {1}
    user.loans.remove(second)
    assert second.user is None
    first.user = None
    assert user.loans == []
    assert len([note for note in legacy.report().notes if note.form == "viewonly"]) == 4
    session.expunge_all()


def test_viewonly_of_new_rows(shown):
    """A collection of a row that no session has is in step as well; one not read needs no note."""
    User, Loan = shown({"viewonly": True}, {})
    user = User()
    Loan(user=user)
    assert len(user.loans) == 1
    assert forms() == ["mapper", "viewonly"]


def test_viewonly_that_nothing_has_read(shown, session):
    """Nothing is noted where a collection is loaded after the change, or of no session."""
    User, Loan = shown({"viewonly": True, "cascade": "merge"}, {})
    user = session.query(User).filter_by(name="Cy").one()
    _notes.clear()
    Loan(book_id=1).user = user
    assert "viewonly" not in forms()
    session.expunge_all()


@pytest.mark.parametrize("asked", ["merge", "all"])
def test_viewonly_has_the_cascade_that_it_says(asked, tables, session):
    """A row comes into the session, and is stored, unless the cascade is without save-update."""
    User, Loan = new("User"), new("Loan")
    mapper(Loan, tables["loans"])
    mapper(User, tables["users"], {"shown": relationship(Loan, viewonly=True, cascade=asked)})
    loan = Loan()
    user = User(name="Di", shown=[loan])
    assert forms() == ["mapper"]
    session.add(user)
    assert (loan in session) is (asked == "all")
    session.expunge_all()


def test_viewonly_of_today(shown, session):
    """A class with a base that 1.3 did not have does as without the module."""
    User, Loan = shown({"viewonly": True}, {}, type("Of", (), {}))
    _notes.clear()
    user = session.query(User).filter_by(name="Cy").one()
    assert user.loans == []
    loan = Loan(book_id=1, user=user)
    user.loans.append(Loan())
    assert loan not in user.loans
    assert list(session.new) == []
    assert forms() == []


def test_viewonly_that_is_not_to_be_in_step(shown):
    """sync_backref=True of either side is SQLAlchemy's error, and False leaves the other alone."""
    shown({"viewonly": True}, {"sync_backref": True})
    with pytest.raises(InvalidRequestError, match="cannot specify sync_backref=True"):
        configure_mappers()
    clear_mappers()
    User, Loan = shown({"viewonly": True, "sync_backref": False}, {})
    user, loan = User(), Loan()
    user.loans.append(loan)
    assert loan.user is None
    Loan(user=user)
    assert len(user.loans) == 2


# the cascade along backrefs


@pytest.fixture
def related(tables):
    """A function that maps users, loans, books and tags, which are related by backrefs."""

    def map_them(there=None, back=None):
        User, Loan, Book, Tag = (new(name) for name in ("User", "Loan", "Book", "Tag"))
        there, back = there or {}, back or {}
        mapper(
            User,
            tables["users"],
            {"loans": relationship(Loan, backref=backref("user", **back), **there)},
        )
        mapper(Loan, tables["loans"])
        tags = relationship(
            Tag, secondary=tables["book_tags"], backref=backref("books", **back), **there
        )
        mapper(Book, tables["books"], {"tags": tags})
        mapper(Tag, tables["tags"])
        return User, Loan, Book, Tag

    return map_them


def reached(session, User, Loan, Book, Tag):
    """Relate new rows to those of a session in each way; tell which came into it."""
    bo = session.get(User, "Bo")
    by_scalar, by_collection, by_many = Loan(book_id=2), Loan(book_id=9), Tag(word="new")
    by_scalar.user = bo
    bo.loans.append(by_collection)
    by_many.books.append(session.get(Book, 1))
    forward = User(name="new")
    session.get(Loan, 1).user = forward
    return [row in session for row in (by_scalar, by_collection, by_many, forward)]


@pytest.mark.parametrize(
    ("there", "back", "expected"),
    [
        ({}, {}, [True, True, True, True]),
        ({"cascade_backrefs": False}, {}, [False, True, False, True]),
        ({}, {"cascade_backrefs": False}, [True, True, True, True]),
        ({"cascade": "merge"}, {}, [False, False, False, True]),
        ({}, {"cascade": "merge"}, [True, True, True, False]),
    ],
    ids=str,
)
def test_cascade(there, back, expected, related, session):
    """A row that is related to one of a session comes into it, along backrefs as well."""
    assert reached(session, *related(there, back)) == expected


def test_cascade_from_pending_rows(related, session):
    """It comes from rows that are yet to be stored, and when a row is made with its relation."""
    User, Loan, Book, Tag = related()
    user, book = User(name="new"), Book(title="New")
    session.add_all([user, book])
    loan = Loan(book_id=2, user=user)
    tag = Tag(word="new")
    tag.books.append(book)
    assert loan in session
    assert tag in session
    session.commit()
    assert (loan.user_name, [each.word for each in book.tags]) == ("new", ["new"])


def test_cascade_is_noted_at_its_line(related, session):
    """It is noted only where it made a difference: not for a row of the session, or of none."""
    User, Loan, _, _ = related()
    bo, ada = session.get(User, "Bo"), session.get(User, "Ada")
    _notes.clear()
    bo.loans[0].user = ada
    ada.loans.append(Loan(book_id=7))
    alone = Loan(book_id=8)
    alone.user = User(name="nobody")
    alone.user = None
    assert alone not in session
    assert not legacy.report()
    Loan(book_id=2).user = bo
    assert [(note.form, note.count) for note in legacy.report().notes] == [("backref-cascade", 1)]


def _append(session, row, cls):
    other = session.query(cls).all()[-1]
    other.books.append(row)


ADDING = {
    "add": lambda session, row, _: session.add(row),
    "add_all": lambda session, row, _: session.add_all([row]),
    "a row that refers to it": lambda session, row, cls: session.add(cls(word="x", books=[row])),
    "a collection": _append,
}


@pytest.mark.parametrize("way", ADDING)
def test_rows_that_a_program_adds_are_not_noted(way, related, session, monkeypatch):
    """A row that came along a backref needs nothing where the program adds it, in any way."""
    _, _, Book, Tag = related()
    tag, book = session.query(Tag).first(), Book(title="New")
    _notes.clear()
    monkeypatch.setattr(_notes, "warning", True)
    book.tags.append(tag)
    assert book in session
    assert legacy.report()
    session.add(Book(title="Newer", tags=[tag]))
    ADDING[way](session, book, Tag)
    session.flush()
    assert not legacy.report()


def test_cascade_is_a_warning_where_the_row_is_stored(related, session, monkeypatch):
    """Until then the program may add the row."""
    User, Loan, _, _ = related()
    monkeypatch.setattr(_notes, "warning", True)
    Loan(book_id=2).user = session.query(User).first()
    session.add(Loan(book_id=7))
    with pytest.warns(SQLSoupDeprecationWarning, match="along a backref"):
        session.flush()
    assert [(note.form, note.count) for note in legacy.report().notes][-1:] == [
        ("backref-cascade", 1)
    ]


def test_a_collection_of_a_row_that_is_gone(related, session):
    """SQLAlchemy says so."""
    _, _, Book, Tag = related()
    with pytest.raises(ObjectDereferencedError):
        session.query(Tag).first().books.append(Book(title="New"))


def test_what_a_row_along_a_backref_refers_to(related, session):
    """Such a row has to be added, with what is related to it."""
    User, Loan, _, _ = related()
    loan = Loan(book_id=2)
    loan.user = session.query(User).first()
    loan.user = User(name="new")
    assert [note.count for note in legacy.report().notes if note.form == "backref-cascade"] == [1]


def test_cascade_inserts_once(related, session):
    """A row that came in along a backref, and is added as well, is stored once."""
    User, Loan, _, _ = related()
    loan = Loan(book_id=2)
    loan.user = session.get(User, "Bo")
    session.add(loan)
    session.flush()
    session.commit()
    assert session.query(Loan).filter_by(user_name="Bo").count() == 3


def test_cascade_of_a_soup(soup):
    """relate() with a backref has it too, for classes that are mapped with the module."""
    soup.users.relate("loans", soup.loans, backref="user")
    bo = soup.users.get("Bo")
    loan = soup.loans(book_id=2)
    soup.expunge(loan)
    loan.user = bo
    assert loan in soup.session


def test_no_cascade_without_the_module(related, session):
    """When it is disabled there is none, nor for what is configured then."""
    classes = related()
    configure_mappers()
    legacy.disable()
    assert reached(session, *classes) == [False, True, False, True]
    session.rollback()
    legacy.enable(warnings=False)
    assert reached(session, *classes) == [True, True, True, True]
    session.close()
    clear_mappers()
    classes = related()
    legacy.disable()
    configure_mappers()
    legacy.enable(warnings=False)
    assert reached(session, *classes) == [False, True, False, True]


def test_listeners():
    """What listens to queries and to new attributes does so only while the module is enabled."""

    def count():
        dispatch = _of_new_class()
        on_query = event.contains(Query, "before_compile", _mappers.keep_order)
        return [on_query, *(len(list(getattr(dispatch, name))) for name in ("append", "set"))]

    with_module = count()
    legacy.disable()
    without = count()
    assert [a - b for a, b in zip(with_module, without, strict=True)] == [1, 1, 1]
    legacy.enable(warnings=False)
    assert count() == with_module
    legacy.disable()
    assert count() == without


def _of_new_class():
    metadata, Node = sa.MetaData(), new("Node")
    table = sa.Table(
        "nodes",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("up", sa.ForeignKey("nodes.id")),
    )
    registry().map_imperatively(Node, table, properties={"nodes": relationship(Node)})
    configure_mappers()
    return Node.nodes.dispatch


# other properties and functions


def test_synonym(tables, session):
    """synonym() takes proxy=, and arguments by position."""
    User = new("User")
    made = {
        "called": synonym("name", proxy=True),
        "mail": synonym("email", None, None, None, "Where to write to."),
    }
    mapper(User, tables["users"], made)
    bo = session.query(User).filter_by(called="Bo").one()
    assert (bo.called, bo.mail) == ("Bo", "bo@example.org")
    assert "property-argument" in forms()


def test_comparable_property(tables, session):
    """comparable_property() compares with a comparator, and reads and sets with a descriptor."""
    from sqlalchemy.orm import ComparableProperty, comparable_property
    from sqlalchemy.orm.interfaces import PropComparator

    assert comparable_property is ComparableProperty

    class Lower(PropComparator):
        def __eq__(self, other):
            return sa.func.lower(tables["users"].c.name) == other.lower()

        __hash__ = None

    def get(self):
        return self.name.lower()

    def put(self, value):
        self.name = value.title()

    lower = property(get, put)
    User = new("User", lower=lower)
    mapped = mapper(User, tables["users"], {"lower": comparable_property(Lower)})
    mapped.add_property("again", comparable_property(Lower, lower, "In small letters."))
    bo = session.query(User).filter(User.lower == "BO").one()
    assert (bo.lower, bo.again) == ("bo", "bo")
    bo.lower = "uma"
    assert bo.name == "Uma"
    assert vars(User)["again"].__doc__ == "In small letters."


def test_comparator_knows_its_mapper(tables):
    """A comparator finds the class by its property, which needs no attribute of Python."""
    from sqlalchemy.orm import comparable_property
    from sqlalchemy.orm.interfaces import PropComparator

    class Lower(PropComparator):
        def __eq__(self, other):
            return sa.func.lower(getattr(self.prop.parent.class_, self.prop.key[6:])) == other

        __hash__ = None

    User = new("User")
    mapper(User, tables["users"], {"lower_name": comparable_property(Lower)})
    assert str(User.lower_name == "bo") == "lower(users.name) = :lower_1"


def test_comparable_using():
    """comparable_using() makes a method of a declared class an attribute with a comparator."""
    from sqlalchemy.ext.declarative import comparable_using
    from sqlalchemy.orm.interfaces import PropComparator

    class Lower(PropComparator):
        def __eq__(self, other):
            return sa.func.lower(User.__table__.c.name) == other.lower()

        __hash__ = None

    class User(declarative_base()):
        __tablename__ = "users"
        name = sa.Column(sa.String, primary_key=True)

        @comparable_using(Lower)
        @property
        def lower(self):
            return self.name.lower()

    assert User(name="Bo").lower == "bo"
    assert "lower(users.name) = " in str(User.lower == "BO")
    assert forms() == ["name"]


class Mixin:
    """Columns of several classes."""

    id = sa.Column(sa.Integer, primary_key=True)
    made = sa.Column("created", sa.Integer)

    @sa.orm.declared_attr
    def owner(cls):
        """Give a column of each class."""
        return sa.Column(sa.String)


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.MovedIn20Warning")
@pytest.mark.parametrize("home", ["sqlalchemy.ext.declarative", "sqlalchemy.orm"])
def test_columns_of_mixins(home):
    """They come where they were made, with the bases of sqlalchemy.ext.declarative alone."""
    module = importlib.import_module(home)
    bases = (module.declarative_base(cls=Mixin), module.as_declarative()(type("B", (Mixin,), {})))
    for base in bases:

        class A(base):
            __tablename__ = "a"
            __table_args__ = (sa.UniqueConstraint("x"), {"info": {"of": "a"}})
            x = sa.Column(sa.Integer)

        assert A.__table__.info == {"of": "a"}
        names = A.__table__.c.keys()
        if home == "sqlalchemy.orm":
            assert sorted(names) == ["created", "id", "owner", "x"] != names
        else:
            assert names == ["id", "created", "x", "owner"]
    assert forms() == (["column-order"] if home == "sqlalchemy.ext.declarative" else [])


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.MovedIn20Warning")
def test_columns_in_place_of_those_of_mixins():
    """They come where the class has them, and those of a mixin where the first one has them."""
    from sqlalchemy.ext.declarative import declarative_base

    class Other(Mixin):
        n = sa.Column(sa.Integer)
        made = sa.Column("created", sa.Date)

    class A(Other, declarative_base()):
        __tablename__ = "a"
        n = sa.Column(sa.Integer)
        id = sa.Column("ident", sa.Integer, primary_key=True)

    class B(A):
        __tablename__ = "b"
        x = sa.Column(sa.Integer)
        id = sa.Column(sa.ForeignKey("a.ident"), primary_key=True)

    assert A.__table__.c.keys() == ["created", "n", "ident", "owner"]
    assert B.__table__.c.keys() == ["x", "id"]
    assert forms() == ["column-order"]


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.MovedIn20Warning")
def test_columns_in_order():
    """Where nothing moves nothing is noted, and a base may make its tables by itself."""
    from sqlalchemy.ext.declarative import declarative_base

    class Base:
        @classmethod
        def __table_cls__(cls, name, *args, **kw):
            return sa.Table(f"{name}_own", *args, **kw)

    for cls, name in ((object, "a"), (Base, "a_own")):

        class A(declarative_base(cls=cls)):
            __tablename__ = "a"
            id = sa.Column(sa.Integer, primary_key=True)
            x = sa.Column(sa.Integer)

        assert (A.__table__.name, A.__table__.c.keys()) == (name, ["id", "x"])
    assert not forms()


def test_instrument_declarative():
    """instrument_declarative() maps a class with a dict of classes and metadata of the program."""
    from sqlalchemy.ext.declarative import instrument_declarative

    classes, metadata = {}, sa.MetaData()

    class User:
        __tablename__ = "users"
        name = sa.Column(sa.String, primary_key=True)

    instrument_declarative(User, classes, metadata)
    assert classes["User"] is User
    assert User.__table__ is metadata.tables["users"]
    assert forms() == ["name"]


def test_class_mapper(tables, session):
    """class_mapper() and object_mapper() take their old arguments."""
    User = new("User")
    mapped = mapper(User, tables["users"])
    _notes.clear()
    assert class_mapper(User) is class_mapper(User, False) is mapped
    assert class_mapper(User, configure=False) is mapped
    assert object_mapper(User()) is mapped
    assert not legacy.report()
    assert class_mapper(User, compile=False) is class_mapper(User, entity_name=None) is mapped
    assert class_mapper(User, raiseerror=False) is mapped
    assert object_mapper(User(), entity_name=None) is object_mapper(User(), None) is mapped
    assert object_mapper(User(), raiseerror=False) is mapped
    assert class_mapper(Row, raiseerror=False) is None
    assert object_mapper(Row(), raiseerror=False) is None
    assert forms() == ["class-mapper", "entity-name"]
    with pytest.raises(UnmappedClassError):
        class_mapper(Row)
    with pytest.raises(UnmappedInstanceError):
        object_mapper(Row())


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_mapped_table(tables):
    """mapped_table is what a mapper selects from, noted also where SQLAlchemy has it yet."""
    mapped = registry().map_imperatively(new("User"), tables["users"])
    assert mapped.mapped_table is tables["users"]
    assert [note.old for note in legacy.report().notes] == ["Mapper.mapped_table"]


def test_aliased_class(tables, session):
    """AliasedClass() takes its class as cls=."""
    User = new("User")
    mapper(User, tables["users"])
    for made in (AliasedClass(cls=User), AliasedClass(User)):
        assert session.query(made).filter(made.name == "Bo").count() == 1
    assert [note.old for note in legacy.report().notes if note.form == "name"] == [
        "AliasedClass(cls=)"
    ]


# ScopedSession.mapper


def test_mapper_of_a_scoped_session(tables, lite):
    """New rows come into the session by themselves, and the class has a query."""
    sessions = scoped_session(sessionmaker(lite))
    Tag = type("Tag", (), {})
    mapped = sessions.mapper(Tag, tables["tags"])
    tag = Tag(word="new")
    assert tag in sessions
    sessions.commit()
    assert Tag.query.filter_by(word="new").one() is tag
    Sub = type("Sub", (Tag,), {})
    sessions.mapper(Sub, inherits=Tag)
    assert Sub.query.first() is Sub.query.order_by(Sub.word).first()
    assert mapped is class_mapper(Tag)
    assert forms() == ["scoped-mapper"]
    sessions.remove()


def test_what_a_scoped_session_maps(tables, lite):
    """save_on_init=False and validate=True are what they were; a row that fails is not kept."""
    sessions = scoped_session(sessionmaker(lite))
    Plain = type("Plain", (), {"query": "mine"})
    sessions.mapper(Plain, tables["tags"], save_on_init=False)
    assert Plain(word="new", other=1) not in sessions
    assert Plain.query == "mine"
    Sub = type("Sub", (Plain,), {})
    assert sessions.mapper(Sub, inherits=Plain).inherits is class_mapper(Plain)
    Strict = type("Strict", (), {})
    sessions.mapper(Strict, tables["users"], validate=True)
    with pytest.raises(ArgumentError) as caught:
        Strict(name="new", other=1)
    assert str(caught.value) == "Invalid __init__ argument: 'other'"

    class Leaving:
        def __init__(self):
            sessions.expunge(self)
            raise ZeroDivisionError

    sessions.mapper(Leaving, tables["books"])
    with pytest.raises(ZeroDivisionError):
        Leaving()
    assert not list(sessions.new)
    sessions.remove()


def test_query_of_a_class_that_is_not_mapped(tables, lite):
    """It is None, as that of a base is; another error is what it is."""
    sessions = scoped_session(sessionmaker(lite))

    class Odd(Query):
        def __init__(self, *args, **kw):
            raise ArgumentError("odd")

    class Model:
        query = sessions.query_property()
        odd = sessions.query_property(Odd)

    class Tag(Model):
        pass

    assert Model.query is Tag.query is Model.odd is None
    assert forms() == ["name"]
    registry().map_imperatively(Tag, tables["tags"])
    assert Tag.query.count() == Tag().query.count() == 2
    with pytest.raises(ArgumentError, match="odd"):
        Tag.odd  # noqa: B018
    sessions.remove()


# what needs no change


def test_new_forms(tables, session, soup):
    """What SQLAlchemy 2 takes is not noted."""
    User, Loan = new("User"), new("Loan")
    users = tables["users"]
    registry().map_imperatively(
        User,
        users,
        properties={
            "mail": synonym("email", map_column=False, doc="Where to write to."),
            "upper": column_property(sa.func.upper(users.c.name), info={"a": 1}),
            "loans": relationship(Loan, back_populates="user", info={"b": 2}, lazy="selectin"),
        },
    )
    registry().map_imperatively(
        Loan, tables["loans"], properties={"user": relationship(User, back_populates="loans")}
    )
    bo = session.get(User, "Bo")
    assert (bo.upper, len(bo.loans), bo.mail) == ("BO", 2, "bo@example.org")
    assert sa.inspect(User).attrs.upper.info == {"a": 1}
    assert sa.inspect(User).attrs.loans.info == {"b": 2}
    event.listen(User, "before_insert", lambda *_: None)
    event.listen(User.email, "set", lambda *_: None)
    assert not legacy.report()


def test_create_session_is_not_needed(lite):
    """create_session() with all three arguments is what it is on SQLAlchemy 2."""
    session = create_session(lite, autocommit=False, autoflush=True, expire_on_commit=True)
    assert session.in_transaction() is False
    assert not legacy.report()


def test_an_error_while_mapping(tables):
    """What SQLAlchemy refuses stays its own error."""
    mapper(new("User"), tables["users"], {"loans": relationship("Nothing")})
    with pytest.raises(InvalidRequestError, match="'Nothing' failed to locate a name"):
        configure_mappers()


def test_rows_that_sqlsoup_makes(soup):
    """A row that SQLSoup makes comes into the session anyway: its values are no old form."""
    soup.users.relate("loans", soup.loans, backref="user")
    ada = soup.users.get("Ada")
    _notes.clear()
    loan = soup.loans(book_id=2, user=ada)
    assert loan in soup.session.new
    assert ada.loans == [loan]
    assert not legacy.report()
    soup.session.expunge(loan)
    loan.user = None
    loan.user = ada
    assert loan in soup.session
    assert [note.form for note in legacy.report().notes] == ["backref-cascade"]


def test_subclass_of_what_refers_to_a_later_class():
    """A class whose relationship names a class to come may have subclasses before that."""
    Base = sa.orm.declarative_base()

    class Person(Base):
        __tablename__ = "people"
        id = sa.Column(sa.Integer, primary_key=True)
        kind = sa.Column(sa.Text)
        notes = relationship("Note", order_by="Note.id")
        __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "person"}  # noqa: RUF012

    class Manager(Person):
        __mapper_args__ = {"polymorphic_identity": "manager"}  # noqa: RUF012

    class Note(Base):
        __tablename__ = "notes"
        id = sa.Column(sa.Integer, primary_key=True)
        person = sa.Column(sa.ForeignKey("people.id"))

    assert class_mapper(Person, False).class_ is Person
    assert Manager(notes=[Note()]).kind == "manager"


def test_classes_of_a_base():
    """The classes of a declarative base are found by their names."""
    Base = sa.orm.declarative_base()
    names = {"__tablename__": "tags", "id": sa.Column(sa.Text, primary_key=True)}
    Tag = type("Tag", (Base,), names)
    assert Base._decl_class_registry["Tag"] is Tag
    assert "name" in forms()


@pytest.mark.parametrize("make", ["mapper", "function", "scoped", "class"])
def test_mapper_of_a_base(make, lite):
    """A declarative base takes what maps its classes, and so does a class."""
    sessions = scoped_session(sessionmaker(lite))

    def own(cls, table=None, **kw):
        made.append(cls.__name__)
        return mapper(cls, table, **kw)

    made = []
    how = {"mapper": mapper, "function": own, "scoped": sessions.mapper, "class": mapper}[make]
    base = declarative_base() if make == "class" else declarative_base(mapper=how)

    class Book(base):
        __tablename__ = "books"
        if make == "class":
            __mapper_cls__ = staticmethod(mapper)
        id = sa.Column(sa.Integer, primary_key=True)
        title = sa.Column(sa.String(30))

    class Novel(Book):
        pass

    assert sa.inspect(Novel).inherits is sa.inspect(Book)
    assert {mapped.class_ for mapped in base.registry.mappers} == {Book, Novel}
    assert sessions.query(Book).count() == 3
    assert made == (["Book", "Novel"] if make == "function" else [])
    sessions.remove()
    kind = "scoped-mapper" if make == "scoped" else "mapper"
    assert forms() == [kind]
    assert ("nothing in declarative_base()" in str(legacy.report())) is (make != "scoped")


def test_order_of_a_mapper_and_an_aliased_join(tables, session):
    """A mapper's order is that of its own table, and not of the alias of a join to itself."""
    User, users = new("User"), tables["users"]
    friends = relationship(
        User,
        primaryjoin=users.c.name != sa.orm.foreign(sa.orm.remote(users.c.name)),
        viewonly=True,
    )
    mapper(User, users, {"friends": friends}, order_by=users.c.name.desc())
    query = session.query(User).join("friends", aliased=True)
    assert str(query).endswith("ORDER BY users.name DESC")
    assert [user.name for user in query] == sorted(users_of(session, users), reverse=True)
    twice = session.query(User).join("friends", "friends", aliased=True).filter(User.name == "x")
    assert "WHERE users_2.name = ?" in str(twice)  # of the last alias, and not of the first


def users_of(session, users):
    """Return the names of all users."""
    return session.execute(sa.select(users.c.name)).scalars().all()


def test_order_of_a_mapper(lite):
    """A mapper tells the order that it was given, or False."""
    books = sa.Table("books", sa.MetaData(), autoload_with=lite)
    ordered = sa.orm.mapper(type("Book", (), {}), books, order_by=[books.c.title])
    assert ordered.order_by == [books.c.title]
    assert sa.orm.mapper(type("Other", (), {}), books).order_by is False


# what mappers do by themselves


def test_mapper_configures(tables):
    """A mapper that is asked for its properties has those of other classes, and is instrumented."""
    User, Loan = new("User"), new("Loan")
    mapped = mapper(User, tables["users"])
    mapper(Loan, tables["loans"], {"user": relationship(User, backref="loans")})
    for prop in mapped.iterate_properties:
        getattr(User, prop.key).impl.active_history = True
    assert User.loans.impl.active_history
    assert forms() == ["mapper", "mapper-configure"]
    _notes.clear()
    assert "loans" in {prop.key for prop in mapped.iterate_properties}
    assert mapped.get_property("loans").key == "loans"
    with pytest.raises(InvalidRequestError, match="has no property 'nothing'"):
        mapped.get_property("nothing")
    assert forms() == []


def test_get_property_configures(tables):
    """So does get_property(), and each of them within an event of that finds what there is."""
    User, Loan, heard = new("User"), new("Loan"), []
    mapped = mapper(User, tables["users"])

    def hear(mapper_, _cls):
        heard.extend(prop.key for prop in mapper_.iterate_properties)

    event.listen(mapped, "mapper_configured", hear)
    mapper(Loan, tables["loans"], {"user": relationship(User, backref="loans")})
    assert mapped.get_property("loans").key == "loans"
    assert "name" in heard
    assert forms() == ["mapper", "mapper-configure"]


def test_mapper_of_new_class_configures_not():
    """A class with a base of SQLAlchemy 2 is configured when SQLAlchemy does so."""

    class Base(sa.orm.DeclarativeBase):
        pass

    class Word(Base):
        __tablename__ = "words"
        id = sa.orm.mapped_column(sa.Integer, primary_key=True)

    assert [prop.key for prop in Word.__mapper__.iterate_properties] == ["id"]
    assert Word.id.impl is None
    assert forms() == []


def animals(base, lite):
    """Return a class without an identity and one derived from it, with a row of each."""

    class Animal(base):
        __tablename__ = "animals"
        id = sa.Column(sa.Integer, primary_key=True)
        kind = sa.Column(sa.String(10))
        owner_id = sa.Column(sa.Integer, sa.ForeignKey("animals.id"))
        pets = relationship("Animal")
        __mapper_args__ = {"polymorphic_on": kind}  # noqa: RUF012

    class Dog(Animal):
        __mapper_args__ = {"polymorphic_identity": "dog"}  # noqa: RUF012

    base.metadata.create_all(lite)
    with lite.begin() as connection:
        rows = [{"id": 1, "kind": None, "owner_id": None}, {"id": 2, "kind": "dog", "owner_id": 1}]
        connection.execute(Animal.__table__.insert(), rows)
    return Animal, Dog


def test_row_of_no_subclass(lite, session):
    """A row that does not say of which subclass it is, is one of the class itself."""
    Animal, Dog = animals(declarative_base(), lite)
    query = session.query(Animal).order_by(Animal.id)
    assert list(map(type, query)) == [Animal, Dog]
    assert noted_in(__file__) == {"null-kind"}
    eager = query.options(sa.orm.joinedload(Animal.pets)).first()
    assert (type(eager), list(map(type, eager.pets))) == (Animal, [Dog])
    session.add(Animal(id=3))
    session.commit()
    assert type(session.get(Animal, 3)) is Animal
    assert session.query(Dog).one().id == 2


def test_row_of_another_subclass(lite, session):
    """Other rows that cannot be of the class are the errors that they are."""
    Animal, Dog = animals(declarative_base(), lite)

    class Cat(Animal):
        __mapper_args__ = {"polymorphic_identity": "cat"}  # noqa: RUF012

    with pytest.raises(InvalidRequestError, match="which is not a sub-mapper"):
        session.query(Cat).from_statement(sa.select(Dog.__table__).where(Dog.id == 2)).all()


def test_row_of_no_subclass_of_new_class(lite, session):
    """A class with a base of SQLAlchemy 2 does as without the module."""

    class Base(sa.orm.DeclarativeBase):
        __allow_unmapped__ = True

    Animal, _ = animals(Base, lite)
    with pytest.raises(InvalidRequestError, match="is NULL"):
        session.query(Animal).all()


def notes_by_word(base):
    """Return a class, with a dict of the rows of another class, and that one."""

    class Book(base):
        __tablename__ = "albums"
        id = sa.Column(sa.Integer, primary_key=True)
        notes = relationship(
            "Note", backref="book", collection_class=attribute_mapped_collection("word")
        )

    class Note(base):
        __tablename__ = "notes"
        id = sa.Column(sa.Integer, primary_key=True)
        book_id = sa.Column(sa.Integer, sa.ForeignKey("albums.id"))
        word = sa.Column(sa.String(10))

    return Book, Note


def test_key_that_is_set_late(lite, session):
    """A row that comes along a backref before its key is set is at None until it is loaded."""
    Base = declarative_base()
    Book, Note = notes_by_word(Base)
    Base.metadata.create_all(lite)
    book = Book()
    note = Note(book=book, word="salt")
    assert book.notes == {None: note}
    assert noted_in(__file__) == {"keyed-none"}
    session.add(book)
    session.commit()
    assert book.notes == {"salt": note}
    _notes.clear()
    with pytest.warns(sa.exc.SAWarning, match="was None"):
        Note(word=None, book=book)
    assert "keyed-none" not in noted_in(__file__)


def test_key_that_is_set_late_of_new_class():
    """A class with a base of SQLAlchemy 2 does as without the module."""

    class Base(sa.orm.DeclarativeBase):
        __allow_unmapped__ = True

    Book, Note = notes_by_word(Base)
    with pytest.raises(InvalidRequestError, match="can't populate value in KeyFuncDict"):
        Note(book=Book(), word="salt")


def test_secondary_as_text(lite, session):
    """secondary= may be a join in text, with the names of classes."""
    Base = declarative_base()

    class A(Base):
        __tablename__ = "a"
        id = sa.Column(sa.Integer, primary_key=True)
        b_id = sa.Column(sa.ForeignKey("b.id"))
        d = relationship(
            "D",
            secondary="join(B, C, B.id == C.b_id)",
            primaryjoin="A.b_id == B.id",
            secondaryjoin="C.d_id == D.id",
            uselist=False,
            viewonly=True,
        )

    class B(Base):
        __tablename__ = "b"
        id = sa.Column(sa.Integer, primary_key=True)

    class C(Base):
        __tablename__ = "c"
        id = sa.Column(sa.Integer, primary_key=True)
        b_id = sa.Column(sa.ForeignKey("b.id"))
        d_id = sa.Column(sa.ForeignKey("d.id"))

    class D(Base):
        __tablename__ = "d"
        id = sa.Column(sa.Integer, primary_key=True)

    Base.metadata.create_all(lite)
    session.add_all([A(id=1, b_id=2), B(id=2), C(id=3, b_id=2, d_id=4), D(id=4)])
    session.commit()
    assert session.query(A).join(A.d).one().d.id == 4
    assert noted_in(__file__) == {"relation-secondary"}
