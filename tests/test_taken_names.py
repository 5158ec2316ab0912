"""Columns whose names Python, SQLAlchemy or SQLSoup take are stored and read like any other."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from conftest import run
from sqlalchemy import Engine, orm
from sqlalchemy.pool import StaticPool

import sqlsoup
from sqlsoup._attributes import is_taken

MORE = """
    __table__ __mapper__ __mapper_args__ __tablename__ __abstract__ __clause_element__
    __composite_values__ __sa_validators__ __sa_reconstructor__ __table_cls__ __len__ __bool__
    __iter__ __call__ __getattr__ __get__ __set__ __delete__ __copy__ __deepcopy__ __getstate__
    __setstate__ __array__ __html__ __self __annotations__ __slots__ __match_args__
    __orig_class__ __origin__ _sa_registry _sa_adapter _repr_html_ _ipython_display_ _ __ ____
    self cls kwargs values args metadata registry key info manager state"""


@pytest.fixture
def make_table(make_engine: Callable[..., Engine]) -> Callable[..., sqlsoup.SQLSoup]:
    """Make a SQLSoup on a database in memory, with one table of such columns beside an id."""

    def make(*names: str, **options: bool) -> sqlsoup.SQLSoup:
        engine = make_engine("sqlite://", poolclass=StaticPool)
        columns = "".join(f', "{name}" TEXT' for name in names)
        run(engine, f"CREATE TABLE t (id INTEGER PRIMARY KEY{columns})")
        return sqlsoup.SQLSoup(engine, **options)

    return make


def test_every_name_that_means_something(make_table: Callable[..., sqlsoup.SQLSoup]) -> None:
    """Stored by its name, read, changed, searched, compared, copied and deleted.

    Every other one has relationships, whose classes look for unknown attributes.
    """
    plain = make_table("a")
    row = plain.t(a="x")
    kinds = (object, type, type(plain.t), plain.t, row)
    names = {name for thing in kinds for name in (*dir(thing), *vars(type(thing)))}
    names.update(vars(plain.t), vars(row), MORE.split())
    plain.rollback()
    for place, name in enumerate(sorted(names - {"id"})):
        db = make_table(name, relationships=bool(place % 2))
        row = db.t(id=1, **{name: "v"})
        db.commit()
        assert db.execute("SELECT * FROM t").all() == [(1, "v")], name
        key = f"column{name}" if is_taken(name) else name
        assert sqlsoup.as_dict(row) == {"id": 1, key: "v"}
        setattr(row, key, "w")
        db.commit()
        assert db.execute("SELECT * FROM t").all() == [(1, "w")], name
        found = db.session.query(db.t).filter(getattr(db.t, key) == "w").one()
        assert found is row
        assert bool(row)
        assert copy.copy(row) == row
        assert not copy.copy(row) < row
        assert repr(row) == f"MappedT(id=1,{key}='w')"
        assert f"{name} " in db.t.__doc__
        db.session.delete(row)
        db.commit()
        assert db.execute("SELECT * FROM t").all() == []
        db.session.remove()


def test_a_name_that_is_taken_says_which_attribute_it_is(
    make_table: Callable[..., sqlsoup.SQLSoup],
) -> None:
    """Nothing is set by it in silence, and a class that is asked for it tells."""
    db = make_table("__int__", "__init__")
    row = db.t(id=1)
    with pytest.raises(AttributeError) as caught:
        row.__init__ = "x"
    assert str(caught.value) == (
        "the column '__init__' of MappedT is the attribute 'column__init__', since its name is "
        "reserved by Python or SQLAlchemy"
    )
    with pytest.raises(AttributeError) as caught:
        _ = db.t.__int__
    assert str(caught.value) == (
        "'MappedT' has no column, relationship or query method '__int__'; the column of that "
        "name is the attribute 'column__int__'"
    )
    with pytest.raises(sa.exc.InvalidRequestError) as refused:
        db.t.filter_by(id=1, __init__="x")
    assert str(refused.value) == (
        "'MappedT' has no column, relationship or query method '__init__'; the column of that "
        "name is the attribute 'column__init__'"
    )
    assert db.t.filter_by(column__init__="x").count() == 0
    db.rollback()


def test_an_attribute_is_alone(make_table: Callable[..., sqlsoup.SQLSoup]) -> None:
    """A column that has the other name already keeps it."""
    db = make_table("__len__", "column__len__")
    row = db.t(__len__="one", column__len__="two")
    assert (row.column__len___, row.column__len__) == ("one", "two")
    db.rollback()


def test_a_name_of_ones_own_comes_first(make_table: Callable[..., sqlsoup.SQLSoup]) -> None:
    """``properties`` of the mapper, and the key that a listener gives."""
    db = make_table("__len__")
    table = db.t._table
    named = db.map(table, properties={"length": table.c["__len__"]})
    assert sa.inspect(named).columns.keys() == ["id", "length"]
    other = make_table("__len__")

    @sa.event.listens_for(other._metadata, "column_reflect")
    def name_attribute(inspector: object, table: object, column: dict[str, str]) -> None:
        column["key"] = column["name"].strip("_")

    assert other.t(len="x").len == "x"
    other.rollback()


def test_a_key_may_have_a_name_that_is_taken(make_engine: Callable[..., Engine]) -> None:
    """Its own, one that is named, and that of a join."""
    engine = make_engine("sqlite://", poolclass=StaticPool)
    run(engine, 'CREATE TABLE k ("__hash__" INTEGER PRIMARY KEY, "_sqlsoup" TEXT)')
    run(engine, 'CREATE TABLE n ("__class__" INTEGER, "k" INTEGER REFERENCES k)')
    db = sqlsoup.SQLSoup(engine, primary_keys={"n": ["__class__"]})
    db.k(__hash__=3, _sqlsoup="x")
    db.n(__class__=4, k=3)
    db.commit()
    assert db.k.get(3).column_sqlsoup == "x"
    assert db.n.get(4).column__class__ == 4
    both = db.join(db.k, db.n, db.k.column__hash__ == db.n.k).one()
    assert (both.column__hash__, both.column__class__) == (3, 4)
    db.session.remove()


@pytest.fixture
def pair(make_engine: Callable[..., Engine]) -> Iterator[sqlsoup.SQLSoup]:
    """Two tables that share the name ``__init__``, the key of one and not of the other."""
    engine = make_engine("sqlite://", poolclass=StaticPool)
    run(
        engine,
        'CREATE TABLE one ("__init__" INTEGER PRIMARY KEY)',
        'CREATE TABLE two (id INTEGER PRIMARY KEY, "__init__" INT REFERENCES one ("__init__"))',
        "INSERT INTO one VALUES (5)",
        "INSERT INTO two VALUES (1, 5)",
    )
    yield sqlsoup.SQLSoup(engine)
    sqlsoup.Session.remove()


@pytest.mark.parametrize("first", ["one", "two"])
def test_a_join_of_two_such_columns(pair: sqlsoup.SQLSoup, first: str) -> None:
    """A join is as good for ``with_labels()``, and for nothing else, as with other names."""
    other = "two" if first == "one" else "one"
    join = pair.join(pair[first], pair[other])
    with pytest.raises(sa.exc.InvalidRequestError) as caught:
        join.count()
    assert str(caught.value) == (
        f"Implicitly combining column {first}.__init__ with column {other}.__init__ under "
        "attribute 'column__init__'.  Please configure one or more attributes for these "
        "same-named columns explicitly. Or wrap the join in with_labels()."
    )
    row = pair.with_labels(join).one()
    assert (row.one___init__, row.two___init__) == (5, 5)


def test_one_attribute_for_two_such_columns(pair: sqlsoup.SQLSoup) -> None:
    """A list in ``properties`` has a join have one, and one of the two may be named alone."""
    one, two = pair.one._table, pair.two._table
    both = [one.c["__init__"], two.c["__init__"]]
    join = pair.join(one, two, properties={"key": both})
    assert join.filter_by(key=5).one().id == 1
    assert join.c.keys() == ["key", "id"]
    join = pair.join(one, two, properties={"key": one.c["__init__"]})
    assert join.c.keys() == ["key", "id", "column__init__"]
    assert join.filter_by(column__init__=5).one().key == 5


@pytest.mark.parametrize("name", ["__init__", "_sa_instance_state", "_sqlsoup"])
def test_no_relationship_takes_such_a_name(soup: sqlsoup.SQLSoup, name: str) -> None:
    """Neither as a name nor as that of the way back."""
    for arguments in ((name, soup.loans, {}), ("loans", soup.loans, {"backref": name})):
        with pytest.raises(sa.exc.ArgumentError) as caught:
            soup.users.relate(*arguments[:2], **arguments[2])
        assert str(caught.value) == (
            f"no relationship of MappedUsers can be called {name!r}, which is reserved by Python "
            "or SQLAlchemy; choose another name"
        )
    assert soup.users(name="Dee").name == "Dee"
    soup.rollback()


def test_a_new_row_of_a_derived_class(make_table: Callable[..., sqlsoup.SQLSoup]) -> None:
    """A class that is derived from a mapped one and mapped takes the same names."""
    db = make_table("__init__")
    derived = type("Derived", (db.t,), {})
    orm.registry().map_imperatively(derived, inherits=db.t)
    for row in (derived(__init__="a"), derived.insert(__init__="b")):
        assert type(row) is derived
    db.commit()
    assert db.execute("SELECT __init__ FROM t ORDER BY id").scalars().all() == ["a", "b"]
    db.rollback()
