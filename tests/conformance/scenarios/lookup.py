"""Tables by name: attributes, ``entity``, the cache, and names that lead nowhere."""

import sqlalchemy
from bench import full_name, reflected

import sqlsoup


def attribute(bench):
    """An attribute gives a class, the same one each time."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        db.member.__name__,
        db.member is db.member,
        type(db.member) is sqlsoup.TableClassType,
        isinstance(db.member, sqlsoup.TableClassType),
        db.member.__module__,
        repr(db.member),
    ]


def entity(bench):
    """``entity(name)`` is the attribute of that name."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [db.entity("tool") is db.tool, db.entity(attr="skill") is db.skill, sorted(db._cache)]


def dynamic_names(bench):
    """A program that walks over table names kept in a list."""
    db = sqlsoup.SQLSoup(bench.engine)
    counts = {
        name: getattr(db, name).count() for name in ("member", "tool", "lending", "repair", "slot")
    }
    names = sqlalchemy.inspect(db.engine).get_table_names()
    return [counts, {name: db.entity(name).__name__ for name in names if name != "scrap"}]


def class_names(bench):
    """Class names come from ``str.capitalize``."""
    bench.sql(
        """CREATE TABLE toolBox (id INTEGER PRIMARY KEY);
        CREATE TABLE LOUD (id INTEGER PRIMARY KEY);
        CREATE TABLE "work bench" (id INTEGER PRIMARY KEY);
        CREATE TABLE "2nd" (id INTEGER PRIMARY KEY);
        CREATE TABLE _low (id INTEGER PRIMARY KEY)"""
    )
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        db.entity(name).__name__
        for name in ("toolBox", "LOUD", "work bench", "2nd", "_low", "member_skill")
    ]


def awkward_table_names(bench):
    """Tables with spaces, reserved words and leading underscores are read and written."""
    answers = {}
    db = sqlsoup.SQLSoup(bench.engine)
    for name in ("order", "work bench", "SELECT", "_low", "Ünder", "a.b", "quote'd"):
        bench.sql('CREATE TABLE "%s" (id INTEGER PRIMARY KEY, what TEXT)' % name)
        db.entity(name).insert(what=name)
        db.commit()
        answers[name] = [getattr(db, name).first(), bench.stored('SELECT * FROM "%s"' % name)]
    return answers


def names_taken_by_methods(bench):
    """A table that is called like a method is reached through ``entity``."""
    for name in ("map", "join", "commit", "engine", "session"):
        bench.sql('CREATE TABLE "%s" (id INTEGER PRIMARY KEY)' % name)
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        [db.entity(name).__name__ for name in ("map", "join", "commit", "engine", "session")],
        callable(db.map),
        db.engine is bench.engine,
    ]


def cache(bench):
    """The cache is a plain dict by attribute name."""
    db = sqlsoup.SQLSoup(bench.engine)
    member = db.member
    return [list(db._cache), db._cache["member"] is member, "tool" in db._cache]


def cache_entry_deleted(bench):
    """Deleting a cache entry makes the next access map anew; the old class goes on working."""
    db = sqlsoup.SQLSoup(bench.engine)
    old = db.member
    row = old.get(1)
    del db._cache["member"]
    new = db.member
    row.name = "Adele"
    db.commit()
    return [old is new, old._table is new._table, old.get(1), new.get(1)]


def cache_cleared(bench):
    """Clearing the cache of a soup that is at work does no harm."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.member.insert(name="Dora")
    db._cache.clear()
    db.tool.insert(code="VICE", title="bench vice")
    db.commit()
    return [db.member.count(), db.tool.count(), sorted(db._cache)]


def missing_table(bench):
    """A name that is no table raises SQLAlchemy's NoSuchTableError, and leaves nothing in the cache."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        bench.raises(lambda: db.anvil, sqlalchemy.exc.NoSuchTableError),
        bench.raises(lambda: db.entity("anvil"), sqlalchemy.exc.NoSuchTableError),
        bench.raises(lambda: db.anvil, sqlalchemy.exc.InvalidRequestError),
        db._cache,
        list(db._metadata.tables),
    ]


def missing_table_error(bench):
    """The exact error for a missing table."""
    db = sqlsoup.SQLSoup(bench.engine)
    return bench.attempt(lambda: db.anvil)


def near_miss(bench):
    """A table name that is spelled wrong by one letter."""
    db = sqlsoup.SQLSoup(bench.engine)
    return bench.attempt(lambda: db.membr)


def hasattr_of_missing_table(bench):
    """``hasattr`` and ``getattr`` with a default for a table that may not be there."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        hasattr(db, "member"),
        bench.attempt(lambda: hasattr(db, "anvil")),
        bench.attempt(lambda: getattr(db, "anvil", "none")),
    ]


def table_made_later(bench):
    """A table that appears after a failed lookup is found by the next one."""
    db = sqlsoup.SQLSoup(bench.engine)
    missing = bench.raises(lambda: db.anvil, sqlalchemy.exc.NoSuchTableError)
    bench.sql(
        "CREATE TABLE anvil (id INTEGER PRIMARY KEY, kilos INTEGER); INSERT INTO anvil VALUES (1, 80)"
    )
    return [missing, db.anvil.all()]


def table_made_through_the_soup(bench):
    """A table made with ``execute`` and committed is there at once."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.execute("CREATE TABLE anvil (id INTEGER PRIMARY KEY, kilos INTEGER)")
    db.commit()
    db.anvil.insert(kilos=65)
    db.commit()
    return db.anvil.all()


def temporary_table(bench):
    """A temporary table of the session's own connection."""
    db = sqlsoup.SQLSoup(bench.engine)
    db.execute("CREATE TEMPORARY TABLE tally (id INTEGER PRIMARY KEY, n INTEGER)")
    db.execute("INSERT INTO tally VALUES (1, 7)")
    return bench.attempt(lambda: db.tally.all(), message=False)


def column_added_later(bench):
    """A new column shows after cache entry and Table were thrown away."""
    db = sqlsoup.SQLSoup(bench.engine)
    before = db.skill.c.keys()
    bench.sql("ALTER TABLE skill ADD COLUMN level INTEGER")
    same = db.skill.c.keys()
    db._metadata.remove(db.skill._table)
    del db._cache["skill"]
    return [before, same, db.skill.c.keys(), db.skill.get(2)]


def no_primary_key(bench):
    """A table and a view without a key are refused."""
    db = sqlsoup.SQLSoup(bench.engine)
    return [
        bench.attempt(lambda: db.scrap),
        bench.attempt(lambda: db.dear),
        bench.attempt(lambda: db.scrap),
        db._cache,
        db.member.count(),
    ]


def key_given_by_hand(bench):
    """A table without a key, mapped under its own name with the key named in ``mapper_args``."""
    db = sqlsoup.SQLSoup(bench.engine)
    table = reflected("scrap", db._metadata, bench.engine)

    def use():
        db.map_to("scrap", selectable=table, mapper_args={"primary_key": [table.c.kind]})
        return db.scrap.order_by(table.c.kilos).all()

    return bench.attempt(use)


def columns_of_a_class(bench):
    """Names, types, keys and nullability of reflected columns."""
    db = sqlsoup.SQLSoup(bench.engine)
    return {
        name: [
            [column.name, str(column.type), column.primary_key, column.nullable]
            for column in getattr(db, name)._table.c
        ]
        for name in ("member", "tool", "lending", "slot")
    }


def keys_of_the_column_collection(bench):
    """``c`` of a class: names in table order, membership, items and attributes."""
    db = sqlsoup.SQLSoup(bench.engine)
    c = db.tool.c
    return [
        c.keys(),
        "price" in c,
        "weight" in c,
        c["code"].name,
        c.title.name,
        len(c),
        [column.name for column in c],
    ]


def table_behind_a_class(bench):
    """``_table`` is the Table of the soup's MetaData, with its keys and foreign keys."""
    db = sqlsoup.SQLSoup(bench.engine)
    table = db.lending._table
    return [
        table.name,
        table.schema,
        table is db._metadata.tables["lending"],
        table.metadata is db._metadata,
        [column.name for column in table.primary_key],
        sorted(key.target_fullname for key in table.foreign_keys),
    ]


def foreign_key_to_nowhere(bench):
    """A table whose foreign key names a table that does not exist."""
    bench.sql("CREATE TABLE stray (id INTEGER PRIMARY KEY, ghost_id INTEGER REFERENCES ghost (id))")
    bench.sql("INSERT INTO stray VALUES (1, 9)")
    db = sqlsoup.SQLSoup(bench.engine)
    return bench.attempt(lambda: db.stray.all(), message=False)


def one_class_for_each_soup(bench):
    """Two soups on one engine have classes, caches and MetaData of their own, and one session."""
    one, two = sqlsoup.SQLSoup(bench.engine), sqlsoup.SQLSoup(bench.engine)
    return [
        one.tool is two.tool,
        one._metadata is two._metadata,
        one.session is two.session,
        one.tool.get("SAW") == two.tool.get("SAW"),
        one.tool.get("SAW") is two.tool.get("SAW"),
    ]


def kinds_of_the_metaclass(bench):
    """``isinstance(type(row), TableClassType)`` tells rows from other objects."""
    db = sqlsoup.SQLSoup(bench.engine)
    row = db.member.first()
    return [
        isinstance(type(row), sqlsoup.TableClassType),
        isinstance(type(row), sqlsoup.SelectableClassType),
        isinstance(str, sqlsoup.SelectableClassType),
        isinstance(row, db.member),
        isinstance(row, db.tool),
        full_name(type(row)),
    ]
