"""What a row is: its text, comparisons, attributes and ways out to JSON."""

import json

import sqlalchemy
from bench import full_name

import sqlsoup


def text_of_rows(bench):
    """``repr`` and ``str`` in table order, values as their own repr."""
    bench.sql(
        """CREATE TABLE mix (id INTEGER PRIMARY KEY, zeta TEXT, alpha FLOAT, note TEXT);
        INSERT INTO mix VALUES (1, 'it''s', 1.5, NULL), (2, 'naïve', -0.25, 'a "b"')"""
    )
    db = sqlsoup.SQLSoup(bench.engine)
    return [[repr(row), str(row)] for row in db.mix.order_by(db.mix.id)]


def text_of_new_rows(bench):
    """``repr`` of a row before and after its flush, and after a change."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.skill.insert(title="forging")
    before = repr(row)
    db.flush()
    after = repr(row)
    row.title = "smithing"
    return [before, after, repr(row)]


def text_of_classes(bench):
    """``repr`` and ``str`` of mapped classes of each kind."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        repr(db.tool),
        str(db.member_skill),
        repr(db.join(db.member, db.lending)),
        repr(db.with_labels(db.join(db.member, db.lending))),
    ]


def equal_rows(bench):
    """Equality goes by the values of the columns."""
    bench.sql("CREATE TABLE pair (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER)")
    db, other = sqlsoup.SQLSoup(bench.engine), sqlsoup.SQLSoup(bench.engine)
    row, twin = db.member.get(1), other.member.get(1)
    values = (row == twin, row != twin, row is twin)
    twin.points = 31
    one, two = db.pair(id=None, a=1, b=2), db.pair(id=None, a=1, b=2)
    return [
        values,
        row == twin,
        row != twin,
        one == two,
        row == db.member.get(2),
        row in [db.member.get(3), row],
    ]


def ordered_rows(bench):
    """Rows sort by their columns in the order of the column names."""
    bench.sql(
        """CREATE TABLE pair (id INTEGER PRIMARY KEY, b INTEGER, a INTEGER);
        INSERT INTO pair VALUES (1, 5, 2), (2, 1, 2), (3, 9, 1)"""
    )
    db = sqlsoup.SQLSoup(bench.engine)
    rows = db.pair.all()
    return [
        sorted(rows),
        min(rows),
        max(rows),
        rows[0] < rows[1],
        rows[1] < rows[0],
        rows[0] > rows[1],
    ]


def sorting_with_none(bench):
    """Sorting rows that have None in the first column of the comparison."""
    bench.sql(
        """CREATE TABLE pair (id INTEGER PRIMARY KEY, a INTEGER);
        INSERT INTO pair VALUES (1, 5), (2, NULL), (3, 1)"""
    )
    db = sqlsoup.SQLSoup(bench.engine)
    return bench.attempt(
        lambda: [row.id for row in sorted(db.pair.order_by(db.pair.id))], message=False
    )


def equal_to_other_things(bench):
    """A row compared with things that lack its columns."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.get(1)
    return [
        bench.attempt(lambda: row == None, message=False),  # noqa: E711
        bench.attempt(lambda: row == "Ada", message=False),
        bench.attempt(lambda: row != None, message=False),  # noqa: E711
        bench.attempt(lambda: row == db.tool.get("SAW"), message=False),
        bench.attempt(lambda: row in [1, 2], message=False),
    ]


def less_than_other_things(bench):
    """A row ordered against things that lack its columns."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.get(1)
    return [
        bench.attempt(lambda: row < None, message=False),
        bench.attempt(lambda: row < 3, message=False),
        bench.attempt(lambda: sorted([row, "Ada"]), message=False),
    ]


def equal_to_a_lookalike(bench):
    """A row equals any object that has the same values under the same names."""

    class Paper:
        id, title = 1, "turning"

    db = sqlsoup.SQLSoup(bench.engine)
    return [db.skill.get(1) == Paper(), db.skill.get(2) == Paper(), db.skill.get(2) != Paper()]


def hashed_rows(bench):
    """Rows are keys of dicts and members of sets by identity."""
    db = sqlsoup.SQLSoup(bench.engine)
    ada, bo = db.member.get(1), db.member.get(2)
    seats = {ada: "left", bo: "right"}
    ada.points = 999
    return [
        seats[ada],
        len({ada, bo, db.member.get(1)}),
        len(set(db.member.all())),
        isinstance(hash(ada), int),
    ]


def json_through_dict(bench):
    """A row to JSON by way of ``__dict__``, dropping the underscored names."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.get(2)
    data = {key: value for key, value in row.__dict__.items() if not key.startswith("_")}
    return [json.loads(json.dumps(data)), sorted(row.__dict__)]


def json_through_dir(bench):
    """A row to JSON by way of ``dir()``, as web services did."""
    db = sqlsoup.SQLSoup(bench.engine)

    def encode(row):
        fields = {}
        for name in [name for name in dir(row) if not name.startswith("_") and name != "metadata"]:
            value = getattr(row, name)
            try:
                json.dumps(value)
                fields[name] = value
            except TypeError:
                fields[name] = None
        return fields

    return encode(db.member.get(1))


def json_through_columns(bench):
    """Rows to dicts by way of ``c.keys()``, of the row and of the class, and of the table."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.tool.get("LEVEL")
    return [
        {key: getattr(row, key) for key in row.c.keys()},
        {key: getattr(row, key) for key in db.tool.c.keys()},
        {column.name: getattr(row, column.name) for column in row._table.columns},
        {column.name: getattr(row, column.name) for column in db.tool._table.c},
    ]


def json_encoder(bench):
    """An encoder's ``default`` that knows rows by their metaclass."""
    db = sqlsoup.SQLSoup(bench.engine)

    def default(thing):
        if isinstance(type(thing), sqlsoup.TableClassType):
            return {key: getattr(thing, key) for key in thing.c.keys()}
        raise TypeError(thing)

    return json.loads(json.dumps({"rows": db.skill.order_by(db.skill.id).all()}, default=default))


def names_in_dir(bench):
    """``dir()`` of a row without underscored names, before and after a relation is there."""
    db = sqlsoup.SQLSoup(bench.engine)
    before = [name for name in dir(db.member.get(1)) if name[0] != "_"]
    db.member.relate("lendings", db.lending)
    return [before, [name for name in dir(db.member.get(2)) if name[0] != "_"]]


def names_in_dir_of_the_class(bench):
    """``dir()`` of a class without underscored names: columns, and whether there is a method."""
    db = sqlsoup.SQLSoup(bench.engine)
    names = [name for name in dir(db.tool) if name[0] != "_"]
    return [[name for name in names if name in ["c"] + db.tool.c.keys()], "filter" in names]


def class_attributes_from_rows(bench):
    """What rows reach of their class: ``c``, ``_table``; not the query's methods."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.skill.get(1)
    return [
        row.c is db.skill.c,
        row._table is db.skill._table,
        bench.attempt(lambda: row.all(), message=False),
        bench.attempt(lambda: row.insert, message=False),
        type(row) is db.skill,
        full_name(type(row)),
    ]


def changed_attributes(bench):
    """Setting columns and names that are no columns."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.get(1)
    row.points = None
    row.mood = "fine"
    row.email = ""
    db.commit()
    return [row.mood, bench.stored("SELECT * FROM member WHERE id = 1"), row]


def functions_on_classes(bench):
    """Methods and properties hung on a class later serve its rows."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.tool.label = lambda self: "%s (%s)" % (self.title, self.code)
    db.tool.is_dear = property(lambda self: self.price > 100)
    return [[row.label(), row.is_dear] for row in db.tool.order_by(db.tool.code)]


def detached_rows(bench):
    """Rows taken out of the session keep the values they had."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.get(1)
    db.expunge_all()
    bench.sql("UPDATE member SET name = 'Adele' WHERE id = 1")
    return [row, row in db.session, db.member.get(1)]


def vanished_row(bench):
    """A row that others deleted says so at the next access after a commit."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.skill.get(3)
    db.commit()
    bench.sql("DELETE FROM skill WHERE id = 3")
    return [
        bench.attempt(lambda: row.title, message=False),
        bench.raises(lambda: repr(row), sqlalchemy.orm.exc.ObjectDeletedError),
    ]


def odd_column_names(bench):
    """Columns that are called like parts of the ORM or with spaces are plain attributes."""
    names = [
        "metadata",
        "registry",
        "query",
        "insert",
        "class",
        "two words",
        "_table_name",
        "Upper",
        "self",
        "id_",
    ]
    bench.sql(
        "CREATE TABLE odd (id INTEGER PRIMARY KEY, %s); INSERT INTO odd VALUES (1, %s)"
        % (
            ", ".join('"%s" TEXT' % name for name in names),
            ", ".join("'%s!'" % name for name in names),
        )
    )
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.odd.first()
    for name in names[::2]:
        setattr(row, name, "new")
    db.commit()
    return [
        row,
        [getattr(row, name) for name in names],
        [str(getattr(db.odd, name)) for name in names],
        bench.stored("SELECT * FROM odd"),
    ]


def odd_column_names_in_constructor(bench):
    """New rows with such columns, by way of keywords."""
    bench.sql(
        'CREATE TABLE odd (id INTEGER PRIMARY KEY, "class" TEXT, "two words" TEXT, "metadata" TEXT)'
    )
    db = sqlsoup.SQLSoup(bench.engine)
    db.odd.insert(**{"class": "a", "two words": "b", "metadata": "c"})
    db.odd(**{"class": "d", "metadata": "e"})
    db.commit()
    return [
        db.odd.filter(getattr(db.odd, "two words") == "b").all(),
        db.odd.filter_by(metadata="e").all(),
    ]


def typed_columns(bench):
    """Dates, numbers, blobs and booleans come back as Python values and compare."""
    bench.sql(
        """CREATE TABLE typed (id INTEGER PRIMARY KEY, day DATE, at DATETIME, price FLOAT, raw BLOB,
            done BOOLEAN);
        INSERT INTO typed VALUES (1, '2024-05-06', '2024-05-06 07:08:09.000000', 12.5, x'0aff', 1)"""
    )
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.typed.one()
    return [row.day, row.at, row.price, row.raw, row.done, repr(row), row.day < row.at.date()]
