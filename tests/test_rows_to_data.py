"""Rows as plain data: dicts, JSON, and the data frames of pandas and polars."""

from __future__ import annotations

import datetime
import json
import re

import pandas
import polars
import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm.exc import DetachedInstanceError

import sqlsoup
from sqlsoup import as_dict, as_dicts

ADA = {"name": "Ada", "email": "ada@example.org", "admin": 1}
BO = {"name": "Bo", "email": "bo@example.org", "admin": 0}
CY = {"name": "Cy", "email": None, "admin": 0}
MUSTARDS = {"id": 1, "title": "Mustards", "year": 1989}
DAYS = [datetime.date(2026, 3, 2), datetime.date(2026, 2, 20)]


def made(soup, columns, values):
    """Make a table ``odd`` with one row, and return its class."""
    soup.execute(f"CREATE TABLE odd ({columns})")
    soup.execute(f"INSERT INTO odd VALUES ({values})")
    soup.commit()
    return soup.odd


@pytest.fixture
def lent(db):
    """The library, with a day for each loan."""
    for loan, day in zip(db.loans.order_by(db.loans.book_id), DAYS, strict=True):
        loan.day = day
    db.commit()
    return db


def test_a_row(db):
    """A row becomes a dict by the names of its columns, in the order of the table."""
    done = as_dict(db.users.get("Ada"))
    assert type(done) is dict
    assert list(done.items()) == list(ADA.items())
    assert list(as_dict(db.loans.get(1))) == ["book_id", "user_name", "day"]
    assert list(done) == db.users.c.keys()


def test_a_row_that_is_new(soup):
    """A row that was not flushed has None where the database is yet to give a value."""
    book = soup.books.insert(title="Stock")
    assert as_dict(book) == {"id": None, "title": "Stock", "year": None}
    soup.flush()
    assert as_dict(book) == {"id": 4, "title": "Stock", "year": None}
    soup.rollback()


def test_the_dict_is_a_copy(soup):
    """A change of the dict is none of the row."""
    ada = soup.users.get("Ada")
    as_dict(ada)["email"] = "new"
    assert ada.email == "ada@example.org"
    assert not soup.session.dirty


def test_values_of_the_dict_are_copies(soup):
    """Dicts and lists in it are plain ones, at any depth: a change of them is none of the row."""
    odd = made(soup, "id INTEGER PRIMARY KEY, v JSON", """1, '{"a": [{"b": [1]}]}'""")
    row = odd.one()
    within, _ = as_dicts(soup.session.query(odd, odd.id))[0].values()
    for value in (as_dict(row)["v"], as_dicts([row])[0]["v"], within["v"]):
        parts = [value, value["a"], value["a"][0], value["a"][0]["b"]]
        assert [type(part) for part in parts] == [dict, list, dict, list]
        parts[-1].append(2)
        assert row not in soup.session.dirty
    row.v["a"].append(3)
    assert parts[1] == [{"b": [1, 2]}]
    soup.commit()
    assert row.v == {"a": [{"b": [1]}, 3]}


def test_relationships_are_left_out(soup, statements):
    """Relationships are neither in the dict nor loaded for it, other attributes are left out."""
    soup.loans.relate("book", soup.books, backref="loans")
    book = soup.books.get(1)
    book.note = "not a column"
    statements.clear()
    assert as_dict(book) == MUSTARDS
    assert statements == []


def test_rows_of_a_join(db):
    """A row of a join has the columns of both sides, those of the left side first."""
    lent = db.join(db.books, db.loans)
    assert list(as_dict(lent.filter_by(id=1).one()).items()) == [
        ("id", 1),
        ("title", "Mustards"),
        ("year", 1989),
        ("book_id", 1),
        ("user_name", "Bo"),
        ("day", None),
    ]


def test_rows_with_labels(db):
    """With labels the names are those of the attributes."""
    pairs = db.with_labels(db.join(db.users, db.loans))
    assert as_dicts(pairs.order_by(pairs.loans_book_id))[0] == {
        "users_name": "Bo",
        "users_email": "bo@example.org",
        "users_admin": 0,
        "loans_book_id": 1,
        "loans_user_name": "Bo",
        "loans_day": None,
    }


def test_rows_of_a_mapped_select(soup):
    """A class that is mapped to a select gives the columns of the select."""
    tally = soup.map(
        sa.select(soup.loans.user_name, sa.func.count().label("books")).group_by("user_name"),
        primary_key=["user_name"],
    )
    assert as_dicts(tally) == [{"user_name": "Bo", "books": 2}]


def test_names_are_those_of_the_attributes(soup):
    """A column that was mapped under another name has that name, in its place."""
    table = soup.books._table
    args = {"properties": {"called": table.c.title}}
    works = soup.map_to("works", selectable=table, mapper_args=args)
    assert list(as_dict(works.get(1)).items()) == [
        ("id", 1),
        ("called", "Mustards"),
        ("year", 1989),
    ]


def test_a_row_of_a_class_of_ones_own(lite):
    """Rows of classes that SQLSoup did not make are rows as well."""

    class Base(orm.DeclarativeBase):
        pass

    class Tag(Base):
        __tablename__ = "tags"
        word: orm.Mapped[str] = orm.mapped_column(primary_key=True)

    with orm.Session(lite) as session:
        assert as_dict(session.get(Tag, "hot")) == {"word": "hot"}
        assert as_dicts(session.scalars(sa.select(Tag).order_by(Tag.word)))[1] == {"word": "hot"}


SOURCES = {
    "entity": lambda db: db.users,
    "query": lambda db: db.users.order_by("name"),
    "query of the session": lambda db: db.session.query(db.users).order_by("name"),
    "query of columns": lambda db: db.users.with_entities(*db.users.c).order_by("name"),
    "all()": lambda db: db.users.order_by("name").all(),
    "generator": lambda db: (row for row in db.users.order_by("name")),
    "scalars of a select": lambda db: db.session.scalars(sa.select(db.users).order_by("name")),
    "result of a select": lambda db: db.session.execute(sa.select(db.users).order_by("name")),
    "execute() of a select": lambda db: db.execute(sa.select(db.users._table).order_by("name")),
    "execute() of text": lambda db: db.execute("SELECT * FROM users ORDER BY name"),
    "mappings()": lambda db: db.execute("SELECT * FROM users ORDER BY name").mappings(),
    "connection": lambda db: db.connection().execute(sa.text("SELECT * FROM users ORDER BY 1")),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_sources_of_rows(kind, db, statements):
    """Whatever gives rows becomes a list of dicts, with one statement."""
    source = SOURCES[kind]
    source(db)
    statements.clear()
    done = as_dicts(source(db))
    assert type(done) is list
    assert {type(row) for row in done} == {dict}
    done.sort(key=lambda row: row["name"])
    assert [list(row.items()) for row in done] == [list(row.items()) for row in (ADA, BO, CY)]
    assert len(statements) == 1


def test_no_rows(soup):
    """Where there are no rows the list is empty."""
    assert as_dicts(soup.users.filter_by(name="Nobody")) == []
    assert as_dicts([]) == []


def test_rows_of_a_query_of_columns(db):
    """Expressions have their labels, in the order of the query."""
    query = db.session.query(sa.func.count().label("n"), db.users.admin).group_by(db.users.admin)
    assert [list(row.items()) for row in as_dicts(query.order_by(db.users.admin))] == [
        [("n", 2), ("admin", 0)],
        [("n", 1), ("admin", 1)],
    ]
    assert as_dict(query.order_by(db.users.admin).first()) == {"n": 2, "admin": 0}


def test_rows_within_rows(soup):
    """Whole rows within a row become dicts, under the names that SQLAlchemy gives them."""
    query = soup.session.query(soup.books, soup.loans, soup.books.year.label("age")).outerjoin(
        soup.loans, soup.loans.book_id == soup.books.id
    )
    first, second, _ = as_dicts(query.order_by(soup.books.id))
    loan = {"book_id": 1, "user_name": "Bo", "day": None}
    assert first == {"MappedBooks": MUSTARDS, "MappedLoans": loan, "age": 1989}
    assert second["MappedLoans"] is None
    assert as_dict(soup.session.execute(sa.select(soup.books)).first()) == MUSTARDS


@pytest.mark.parametrize("mappings", [False, True], ids=["Row", "RowMapping"])
def test_two_columns_of_one_name(mappings, soup):
    """A dict has no room for both, so none is dropped in silence."""
    result = soup.execute("SELECT b.id, l.book_id AS id, title FROM books b, loans l")
    message = "two columns of the row are named 'id'; give one of them a label"
    with pytest.raises(sqlsoup.ArgumentError, match=f"^{message}$"):
        as_dicts(result.mappings() if mappings else result)


def test_columns_without_a_name(soup):
    """SQLAlchemy leaves them out of the keys of a row; none gets lost, or the name of another."""
    books = soup.books
    query = soup.session.query(sa.func.max(books.year), books.id + 1, books.title).group_by(
        books.id, books.title
    )
    query = query.order_by(books.id)
    row = {"column_1": 1989, "column_2": 2, "title": "Mustards"}
    assert as_dicts(query)[0] == {"max": 1989, "column_2": 2, "title": "Mustards"}
    assert as_dict(query.first()) == as_dicts(query.all())[0] == row
    assert as_dict(query.first()._mapping) == row
    assert as_dicts(soup.session.execute(query.statement))[0] == row
    assert as_dicts(soup.session.query(sa.func.count(books.id))) == [{"count": 3}]
    assert as_dicts(soup.session.query(sa.func.count(books.id)).all()) == [{"column_1": 3}]


def test_an_alias_without_a_name(soup):
    """Its rows are called after their place, too."""
    other = orm.aliased(soup.books)
    query = soup.session.query(soup.books, other).filter(soup.books.id == other.id)
    first, *_ = as_dicts(query.order_by(soup.books.id))
    assert first == {"MappedBooks": MUSTARDS, "column_2": MUSTARDS}
    assert as_dict(soup.session.query(other).filter(other.id == 1).one()) == MUSTARDS


def test_an_alias_with_a_name(soup):
    """The name of the alias is the key of its row."""
    other = orm.aliased(soup.books, name="other")
    query = soup.session.query(soup.books, other).filter(soup.books.id == other.id)
    first, *_ = as_dicts(query.order_by(soup.books.id))
    assert first == {"MappedBooks": MUSTARDS, "other": MUSTARDS}


def test_no_rows_of_a_result(soup):
    """A result without rows has no dicts."""
    assert as_dicts(soup.execute("SELECT * FROM books WHERE id = 99")) == []


def test_a_join_with_two_columns_of_one_name(soup):
    """A join that has to be wrapped in with_labels() says so."""
    same = soup.join(soup.books, soup.shelves, soup.books.id == soup.shelves.id)
    with pytest.raises(InvalidRequestError, match=r"Or wrap the join in with_labels\(\)\.$"):
        as_dicts(same)
    assert len(as_dicts(soup.with_labels(same))) == 3


def test_expired_rows(soup, statements):
    """A row that a commit expired is read anew, with one statement."""
    ada = soup.users.get("Ada")
    soup.commit()
    statements.clear()
    assert as_dict(ada) == ADA
    assert len(statements) == 1


def test_detached_rows(soup):
    """A detached row gives the values it has; one that has none raises SQLAlchemy's error."""
    ada = soup.users.get("Ada")
    soup.session.remove()
    assert as_dict(ada) == ADA
    bo = soup.users.get("Bo")
    soup.commit()
    soup.session.remove()
    with pytest.raises(DetachedInstanceError):
        as_dict(bo)


@pytest.mark.parametrize("thing", [None, 5, "Ada", {"name": "Ada"}, ("Ada",), object], ids=repr)
def test_what_is_no_row(thing):
    """Anything else than a row is refused, and named."""
    with pytest.raises(sqlsoup.ArgumentError, match=f"^{re.escape(repr(thing))} is no row$"):
        as_dict(thing)
    with pytest.raises(sqlsoup.ArgumentError, match=f"^{re.escape(repr(thing))} is no row$"):
        as_dicts([thing])


def test_much_that_is_no_row():
    """What is long is named by its beginning."""
    with pytest.raises(sqlsoup.ArgumentError) as refused:
        as_dict(list(range(10**5)))
    assert str(refused.value).startswith("[0, 1, 2, ")
    assert str(refused.value).endswith("… is no row")
    assert len(str(refused.value)) < 600


def test_a_class_is_no_row(soup):
    """Neither is a mapped class, nor what a query of one column gives with ``scalars()``."""
    with pytest.raises(sqlsoup.ArgumentError, match=r"^<class 'sqlsoup\.MappedUsers'> is no row$"):
        as_dict(soup.users)
    with pytest.raises(sqlsoup.ArgumentError, match=r"^'Ada' is no row$"):
        as_dicts(soup.session.scalars(sa.select(soup.users.name).order_by(soup.users.name)))


@pytest.mark.parametrize(
    "thing",
    [
        lambda db: None,
        lambda db: 5,
        lambda db: sa.select(db.users),
        lambda db: db.users.name,
        lambda db: db.users.get("Ada"),
        lambda db: db.users._table,
    ],
    ids=["None", "int", "select", "column", "row", "table"],
)
def test_what_has_no_rows(thing, soup):
    """What cannot be iterated is refused: a statement is executed first, a row is for as_dict."""
    thing = thing(soup)
    message = f"{thing!r} has no rows; pass a mapped class, a query or a result"
    with pytest.raises(sqlsoup.ArgumentError, match=f"^{re.escape(message)}$"):
        as_dicts(thing)


def test_columns_that_hide_methods(soup):
    """Columns may be called like methods of a query, or like what SQLSoup and SQLAlchemy use."""
    words = "key all c columns filter items order_by query registry metadata session statement"
    names = [*words.split(), "_table", "_query", "with_entities"]
    columns = ", ".join(f'"{name}" INTEGER' for name in names)
    odd = made(soup, f"{columns}, PRIMARY KEY (key)", ", ".join(map(str, range(len(names)))))
    assert as_dicts(odd) == [{name: number for number, name in enumerate(names)}]
    assert list(as_dict(soup.session.get(odd, 0))) == names


def test_columns_that_are_no_identifiers(soup):
    """Names keep their spaces, quotes and letters."""
    odd = made(
        soup, 'id INTEGER PRIMARY KEY, "a b" INTEGER, "é""x" INTEGER, "1.2" INTEGER', "1,2,3,4"
    )
    assert as_dicts(odd) == [{"id": 1, "a b": 2, 'é"x': 3, "1.2": 4}]


def test_json(lent):
    """The dicts are ready for JSON, given what is to become of dates."""
    loans = lent.loans.order_by(lent.loans.book_id)
    assert json.dumps(as_dicts(loans), default=str) == (
        '[{"book_id": 1, "user_name": "Bo", "day": "2026-03-02"}, '
        '{"book_id": 3, "user_name": "Bo", "day": "2026-02-20"}]'
    )


def test_copying_rows(soup):
    """The dict can be given to ``insert()``."""
    copy = soup.users.insert(**{**as_dict(soup.users.get("Cy")), "name": "Dee"})
    soup.flush()
    assert as_dict(copy) == {**CY, "name": "Dee"}
    soup.rollback()


ENTITY = {
    "select": lambda db, cls: sa.select(cls),
    "query": lambda db, cls: cls.filter(sa.true()).statement,
}


@pytest.mark.parametrize("kind", ENTITY)
def test_pandas(kind, lent):
    """``pandas.read_sql`` reads an entity or a query in the session's transaction."""
    lent.books.get(1).year = 2001
    lent.flush()
    frame = pandas.read_sql(ENTITY[kind](lent, lent.books), lent.connection(), index_col="id")
    text = "str" if pandas.__version__ >= "3" else "object"
    assert frame.dtypes.astype(str).to_dict() == {"title": text, "year": "float64"}
    assert frame.sort_index()["title"].to_dict() == {1: "Mustards", 2: "Regional", 3: "Soups"}
    assert frame["year"].dropna().to_dict() == {1: 2001.0, 2: 1991.0}
    whole = {"year": "Int64"}
    frame = pandas.read_sql(ENTITY[kind](lent, lent.books), lent.connection(), dtype=whole)
    assert str(frame.dtypes["year"]) == "Int64"
    lent.rollback()

    loans = ENTITY[kind](lent, lent.loans)
    frame = pandas.read_sql(loans, lent.connection(), parse_dates=["day"]).sort_values("book_id")
    assert {name: dtype.kind for name, dtype in frame.dtypes.items()} == {
        "book_id": "i",
        "user_name": "O",
        "day": "M",
    }
    assert frame["book_id"].tolist() == [1, 3]
    assert frame["user_name"].tolist() == ["Bo", "Bo"]
    assert [day.date() for day in frame["day"]] == DAYS
    lent.rollback()
    assert lent.engine.pool.checkedout() == 0


def test_pandas_in_pieces(soup):
    """A query, a join among them, can be read in pieces."""
    lent = soup.join(soup.books, soup.loans).order_by("id")
    pieces = list(pandas.read_sql(lent.statement, soup.connection(), chunksize=1))
    assert [piece["title"].tolist() for piece in pieces] == [["Mustards"], ["Soups"]]
    assert list(pieces[0].columns) == ["id", "title", "year", "book_id", "user_name", "day"]


def test_pandas_writes_in_the_transaction(db, engine):
    """``to_sql`` is part of the transaction, and of a block."""
    frame = pandas.DataFrame({"word": ["new", "old"]})
    frame.to_sql("tags", db.connection(), if_exists="append", index=False)
    assert db.tags.count() == 4
    db.rollback()
    assert db.tags.count() == 2
    with db:
        frame.to_sql("tags", db.connection(), if_exists="append", index=False)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM tags")) == 4


def test_pandas_of_dicts(soup):
    """The dicts make a data frame as well."""
    frame = pandas.DataFrame(as_dicts(soup.users.order_by(soup.users.name)))
    assert list(frame.columns) == ["name", "email", "admin"]
    assert frame["admin"].tolist() == [1, 0, 0]


@pytest.mark.parametrize("kind", ENTITY)
def test_polars(kind, lent):
    """``polars.read_database`` reads an entity or a query in the session's transaction."""
    lent.books.get(1).year = 2001
    lent.flush()
    frame = polars.read_database(ENTITY[kind](lent, lent.books), lent.connection()).sort("id")
    assert frame.schema == {"id": polars.Int64, "title": polars.String, "year": polars.Int64}
    assert frame.rows() == [(1, "Mustards", 2001), (2, "Regional", 1991), (3, "Soups", None)]
    lent.rollback()

    frame = polars.read_database(ENTITY[kind](lent, lent.loans), lent.connection()).sort("book_id")
    assert frame.schema == {
        "book_id": polars.Int64,
        "user_name": polars.String,
        "day": polars.Date,
    }
    assert frame.rows() == [(1, "Bo", DAYS[0]), (3, "Bo", DAYS[1])]
    lent.rollback()
    assert lent.engine.pool.checkedout() == 0


def test_polars_of_dicts(soup):
    """The dicts make a data frame as well."""
    frame = polars.DataFrame(as_dicts(soup.users.order_by(soup.users.name)))
    assert frame.rows(named=True) == [ADA, BO, CY]


# without objects

WITHOUT_OBJECTS = {
    "a class": lambda db: db.users,
    "conditions": lambda db: db.users.filter(db.users.admin == 0).order_by(db.users.name.desc()),
    "limits": lambda db: db.users.order_by(db.users.name).limit(2).offset(1),
    "an alias": lambda db: db.session.query(orm.aliased(db.users)),
    "a mapped select": lambda db: db.map(sa.select(db.users.name).where(db.users.admin == 1)),
    "labels": lambda db: db.with_labels(db.join(db.users, db.loans)),
    "renamed attributes": lambda db: db.map(db.users._table, properties={"n": db.users.c.name}),
}


@pytest.fixture
def loaded():
    """The classes of the objects that were made of rows."""
    seen = []

    def note(row, _context):
        seen.append(type(row))

    sa.event.listen(orm.Mapper, "load", note)
    yield seen
    sa.event.remove(orm.Mapper, "load", note)


def by_objects(rows):
    """The same by way of objects."""
    return [as_dict(row) for row in (rows if isinstance(rows, orm.Query) else rows.all())]


@pytest.mark.parametrize("name", WITHOUT_OBJECTS)
def test_no_objects_are_made(name, db, loaded):
    """A class, or a query of one alone, is asked for columns; the dicts are the same."""
    rows = WITHOUT_OBJECTS[name](db)
    found = as_dicts(rows)
    assert loaded == []
    assert found == by_objects(rows) != []


WITH_OBJECTS = {
    "a join that repeats rows": lambda db: db.users.join(db.loans._table),
    "a condition on another table": lambda db: db.users.filter(db.users.name == db.loans.user_name),
    "two classes": lambda db: db.session.query(db.users, db.loans).filter(
        db.users.name == db.loans.user_name
    ),
    "a class and a column": lambda db: db.session.query(db.users, db.loans.day).filter(
        db.users.name == db.loans.user_name
    ),
    "a class and its own column": lambda db: db.session.query(db.users, db.users.name),
    "columns": lambda db: db.session.query(db.users.name, db.loans.day.label("due")).filter(
        db.users.name == db.loans.user_name
    ),
    "eager loading": lambda db: db.books.options(orm.joinedload(db.books.loans)),
    "text": lambda db: db.users.from_statement(sa.text("SELECT * FROM users WHERE admin = 0")),
    "a union": lambda db: db.users.filter_by(admin=1).union(db.users.filter_by(admin=0)),
}


@pytest.mark.parametrize("name", WITH_OBJECTS)
def test_where_columns_would_tell_otherwise(name, db):
    """Any other query gives what it gives: an object is given once, and options are respected."""
    db.books.relate("loans", db.loans)
    rows = WITH_OBJECTS[name](db)
    found = as_dicts(rows)
    assert found == by_objects(rows) != []


def test_a_class_with_heirs(soup, loaded):
    """Rows of a class that another inherits from have the columns of their own class."""

    class Signed(soup.books):
        pass

    day = sa.Column("id", sa.ForeignKey("books.id"), primary_key=True)
    sa.inspect(soup.books).registry.map_imperatively(
        Signed,
        sa.Table("signed", soup._metadata, day, sa.Column("day", sa.Integer)),
        inherits=soup.books,
    )
    assert as_dicts(soup.books.filter_by(id=1)) == [MUSTARDS]
    assert loaded == [soup.books]
    sa.inspect(soup.books).registry.dispose(cascade=True)


def test_a_query_class_of_ones_own(lite):
    """What a query class does with its rows is done."""

    class First(orm.Query):
        def __iter__(self):
            return (row for row in super().__iter__() if isinstance(row, own.users))

    session = orm.scoped_session(orm.sessionmaker(bind=lite, query_cls=First))
    own = sqlsoup.SQLSoup(lite, session=session)
    assert as_dicts(own.users.filter_by(name="Ada")) == [ADA]
    session.remove()


def test_what_is_pending_is_flushed_before(db):
    """A change that was not stored yet is in the dicts, as it is in a query."""
    db.users.get("Bo").email = "bo@example.com"
    db.users.insert(name="Dee")
    found = as_dicts(db.users.order_by(db.users.name))
    assert [row["email"] for row in found] == ["ada@example.org", "bo@example.com", None, None]
    assert found[-1]["admin"] == 0
    db.rollback()


def test_a_key_that_does_not_tell_rows_apart(db):
    """Every row is there, also where the named key has the same values in some, or is NULL."""
    seats = db.map(db.seats._table, primary_key=["room"])
    assert seats.count() == 3
    assert as_dicts(seats.order_by(seats.number, seats.room)) == [
        {"room": "A", "number": 1, "user_name": None},
        {"room": "B", "number": 1, "user_name": None},
        {"room": "A", "number": 2, "user_name": None},
    ]


def test_rows_one_by_one(db, statements):
    """``iter_dicts`` sends its statement when the first row is asked for, and keeps none."""
    _ = db.users
    statements.clear()
    rows = sqlsoup.iter_dicts(db.users.order_by(db.users.name).yield_per(1))
    assert next(rows) == ADA
    assert len(statements) == 1
    assert [*rows] == [BO, CY]
    assert len(statements) == 1
    with pytest.raises(sqlsoup.ArgumentError, match=r"^5 has no rows; pass a mapped class"):
        sqlsoup.iter_dicts(5)


RESULTS = {
    "text": lambda db: db.execute("SELECT name, NULL AS void FROM users ORDER BY name"),
    "columns": lambda db: db.execute(
        sa.select(db.users.name, sa.null().label("void")).order_by(db.users.name)
    ),
    "a list": lambda db: db.execute("SELECT name, NULL AS void FROM users ORDER BY name").all(),
}


@pytest.mark.parametrize("kind", RESULTS)
def test_results_by_position(kind, db):
    """Rows of a result have the names of its columns, those that hold nothing but NULL included."""
    assert as_dicts(RESULTS[kind](db)) == [
        {"name": name, "void": None} for name in ("Ada", "Bo", "Cy")
    ]


def test_rows_of_a_result_that_come_late(db):
    """A whole row is a dict, also where the rows before had none in its place."""
    found = as_dicts(
        db.execute(
            sa.select(db.books.title, db.loans)
            .outerjoin(db.loans, db.loans.book_id == db.books.id)
            .order_by(db.loans.book_id.is_not(None), db.books.id)
        )
    )
    assert [row["title"] for row in found] == ["Regional", "Mustards", "Soups"]
    name = db.loans.__name__
    assert [row[name] and row[name]["book_id"] for row in found] == [None, 1, 3]
