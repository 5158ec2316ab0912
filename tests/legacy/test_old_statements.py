"""Statements as they were: lists, arguments, and text that is not marked."""

from __future__ import annotations

from functools import partial

import pytest
import sqlalchemy as sa
from conftest import noted_in
from sqlalchemy import and_, asc, case, column, desc, exists, func, not_, or_, select, table, text
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, aliased

from sqlsoup import legacy
from sqlsoup.legacy import _notes
from sqlsoup.legacy._text import bound

a = table("a", column("id", sa.Integer), column("name", sa.String), column("v", sa.Integer))
b = table("b", column("id", sa.Integer), column("aid", sa.Integer))
c = table("c", column("id", sa.Integer))
ON = a.c.id == b.c.aid
BOOKS = {1: "Mustards", 2: "Regional", 3: "Soups"}


pytestmark = pytest.mark.usefixtures("old_forms")


@pytest.fixture
def books(engine):
    """The table of books."""
    return sa.Table("books", sa.MetaData(), autoload_with=engine)


def forms():
    """Return the forms that were noted in this file."""
    return noted_in(__file__)


def sql(statement):
    """Return the SQL of a statement in one line, with its values."""
    return " ".join(str(statement.compile(compile_kwargs={"literal_binds": True})).split())


COUNTED = "(SELECT b.aid AS aid, count(*) AS n FROM b GROUP BY b.aid) AS anon_1"


def joined_to_a_select(join):
    """Return a statement of a join to another statement, whose columns it uses."""
    counted = select([b.c.aid, func.count().label("n")]).group_by(b.c.aid)
    return select([a.c.id, counted.c.n]).select_from(join(counted, counted.c.aid == a.c.id))


def of_a_select(statement):
    """Return a statement with the columns of another."""
    return select([statement.c.id], statement.columns.id > 1)


SELECTS = {
    "columns": (lambda: select([a.c.id, a.c.name]), "SELECT a.id, a.name FROM a"),
    "a tuple": (lambda: select((a.c.id,)), "SELECT a.id FROM a"),
    "a table": (lambda: select([b]), "SELECT b.id, b.aid FROM b"),
    "its columns": (lambda: select(b.c, b.c.id > 1), "SELECT b.id, b.aid FROM b WHERE b.id > 1"),
    "its columns by name": (lambda: select(columns=b.c), "SELECT b.id, b.aid FROM b"),
    "None": (lambda: select(None, from_obj=[a]), "SELECT FROM a"),
    "None alone": (lambda: select(None), "SELECT"),
    "a select() in FROM": (
        lambda: select([column("x")], from_obj=select([a.c.id])),
        "SELECT x FROM (SELECT a.id AS id FROM a) AS anon_1",
    ),
    "a select() in select_from()": (
        lambda: select(column("x")).select_from(select(a.c.id)),
        "SELECT x FROM (SELECT a.id AS id FROM a) AS anon_1",
    ),
    "a join to a select()": (
        lambda: joined_to_a_select(a.join),
        f"SELECT a.id, anon_1.n FROM a JOIN {COUNTED} ON anon_1.aid = a.id",
    ),
    "an outer join to a select()": (
        lambda: joined_to_a_select(partial(sa.outerjoin, a)),
        f"SELECT a.id, anon_1.n FROM a LEFT OUTER JOIN {COUNTED} ON anon_1.aid = a.id",
    ),
    "an alias() of a select()": (
        lambda: select([sa.alias(select([a.c.id]), "x").c.id]),
        "SELECT x.id FROM (SELECT a.id AS id FROM a) AS x",
    ),
    "an alias() of a union": (
        lambda: select([sa.alias(sa.union(select([a.c.id]), select([b.c.id])), "x")]),
        "SELECT x.id FROM (SELECT a.id AS id FROM a UNION SELECT b.id AS id FROM b) AS x",
    ),
    "a join to text": (
        lambda: select([a.c.id]).select_from(
            a.join(text("SELECT 1 AS n").columns(n=sa.Integer), ON)
        ),
        "SELECT a.id FROM a JOIN (SELECT 1 AS n) AS anon_1 ON a.id = b.aid",
    ),
    "a select() as a column": (
        lambda: select([b.c.id, select([func.max(a.c.id)])]),
        "SELECT b.id, anon_1.max_1 FROM b, (SELECT max(a.id) AS max_1 FROM a) AS anon_1",
    ),
    "a select() as columns": (
        lambda: select([select([a.c.id, a.c.v])]),
        "SELECT anon_1.id, anon_1.v FROM (SELECT a.id AS id, a.v AS v FROM a) AS anon_1",
    ),
    "only a select()": (
        lambda: select(b.c.id).with_only_columns([select([func.max(a.c.id)])]),
        "SELECT anon_1.max_1 FROM (SELECT max(a.id) AS max_1 FROM a) AS anon_1",
    ),
    "a generator": (lambda: select(c for c in b.c), "SELECT b.id, b.aid FROM b"),
    "by name": (lambda: select(columns=[a.c.id]), "SELECT a.id FROM a"),
    "once": (lambda: select([a.c.id, a.c.id, b, b.c.id]), "SELECT a.id, b.id, b.aid FROM a, b"),
    "names": (lambda: select(["id", "name"], from_obj=[a]), "SELECT id, name FROM a"),
    "text": (lambda: select(["count(*)"], from_obj=["a"]), "SELECT count(*) FROM a"),
    "numbers": (lambda: select([1, 1.5]), "SELECT 1, 1.5"),
    "True": (lambda: select([True, a.c.id]), "SELECT true AS anon_1, a.id FROM a"),
    "nothing": (lambda: select([], from_obj=[a]), "SELECT FROM a"),
    "where": (lambda: select([a.c.id], a.c.id > 1), "SELECT a.id FROM a WHERE a.id > 1"),
    "whereclause": (
        lambda: select([a.c.id], whereclause=text("x = 1")),
        "SELECT a.id FROM a WHERE x = 1",
    ),
    "whereclause as text": (lambda: select([a.c.id], "x = 1"), "SELECT a.id FROM a WHERE x = 1"),
    "from": (
        lambda: select([func.count()], a.c.id > 1, [a]),
        "SELECT count(*) AS count_1 FROM a WHERE a.id > 1",
    ),
    "from one": (
        lambda: select([a.c.id], from_obj=a.join(b, ON)),
        "SELECT a.id FROM a JOIN b ON a.id = b.aid",
    ),
    "from after the columns": (
        lambda: select([a.c.id], b.c.id > 1, [text("x")]),
        "SELECT a.id FROM a, b, x WHERE b.id > 1",
    ),
    "from a join after the columns": (
        lambda: select([b.c.id, a.c.id]).select_from(a.join(c, a.c.id == c.c.id)),
        "SELECT b.id, a.id FROM b, a JOIN c ON a.id = c.id",
    ),
    "from after the table": (
        lambda: a.select(a.c.id > 1).select_from(b),
        "SELECT a.id, a.name, a.v FROM a, b WHERE a.id > 1",
    ),
    "a cast": (
        lambda: select([sa.cast(a.c.id, sa.String), a.c.id, sa.type_coerce(a.c.v, sa.String)]),
        "SELECT CAST(a.id AS VARCHAR) AS anon_1, a.id, a.v AS anon_2 FROM a",
    ),
    "distinct": (lambda: select([a.c.id], distinct=True), "SELECT DISTINCT a.id FROM a"),
    "not distinct": (lambda: select([a.c.id], None, None, False), "SELECT a.id FROM a"),
    "having": (
        lambda: select([a.c.v], group_by=[a.c.v], having=func.count(a.c.id) > 1),
        "SELECT a.v FROM a GROUP BY a.v HAVING count(a.id) > 1",
    ),
    "having as text": (
        lambda: select([a.c.v], group_by="v", having="count(*) > 1"),
        "SELECT a.v FROM a GROUP BY a.v HAVING count(*) > 1",
    ),
    "order": (
        lambda: select([a.c.id], order_by=[a.c.v.desc(), a.c.id]),
        "SELECT a.id FROM a ORDER BY a.v DESC, a.id",
    ),
    "order by one": (
        lambda: select([a.c.id], order_by=desc(a.c.v)),
        "SELECT a.id FROM a ORDER BY a.v DESC",
    ),
    "order by a name": (
        lambda: select([a.c.id.label("x")], order_by="x"),
        "SELECT a.id AS x FROM a ORDER BY x",
    ),
    "order by text": (
        lambda: select([a.c.id], order_by=["v desc"]),
        "SELECT a.id FROM a ORDER BY v desc",
    ),
    "no order": (lambda: select([a.c.id], order_by=None), "SELECT a.id FROM a"),
    "limit": (lambda: select([a.c.id], limit=2, offset=1), "SELECT a.id FROM a LIMIT 2 OFFSET 1"),
    "limit 0": (lambda: select([a.c.id], limit=0), "SELECT a.id FROM a LIMIT 0"),
    "for update": (lambda: select([a.c.id], for_update=True), "SELECT a.id FROM a FOR UPDATE"),
    "not for update": (lambda: select([a.c.id], for_update=False), "SELECT a.id FROM a"),
    "labels": (lambda: select([a.c.id], use_labels=True), "SELECT a.id AS a_id FROM a"),
    "prefixes": (lambda: select([a.c.id], prefixes=["ALL"]), "SELECT ALL a.id FROM a"),
    "suffixes": (lambda: select([a.c.id], suffixes=["-- x"]), "SELECT a.id FROM a -- x"),
    "correlated": (
        lambda: select([a.c.id, select([func.max(b.c.id)], ON).scalar_subquery()]),
        "SELECT a.id, (SELECT max(b.id) AS max_1 FROM b WHERE a.id = b.aid) AS anon_1 FROM a",
    ),
    "not correlated": (
        lambda: select([a.c.id, select([func.max(b.c.id)], ON, correlate=False).scalar_subquery()]),
        "SELECT a.id, (SELECT max(b.id) AS max_1 FROM b, a WHERE a.id = b.aid) AS anon_1 FROM a",
    ),
    "autocommit": (lambda: select([a.c.id], autocommit=True), "SELECT a.id FROM a"),
    "autocommit()": (lambda: select([a.c.id]).autocommit(), "SELECT a.id FROM a"),
    "apply_labels()": (lambda: select([a.c.id]).apply_labels(), "SELECT a.id AS a_id FROM a"),
    "of a table": (lambda: a.select(a.c.id == 1), "SELECT a.id, a.name, a.v FROM a WHERE a.id = 1"),
    "of a table by name": (
        lambda: b.select(whereclause=text("x"), limit=1),
        "SELECT b.id, b.aid FROM b WHERE x LIMIT 1",
    ),
    "of a join": (
        lambda: a.join(b, ON).select(b.c.id == 1),
        "SELECT a.id, a.name, a.v, b.id, b.aid FROM a JOIN b ON a.id = b.aid WHERE b.id = 1",
    ),
    "of a join with labels": (
        lambda: b.join(a, ON).select(use_labels=True),
        (
            "SELECT b.id AS b_id, b.aid AS b_aid, a.id AS a_id, a.name AS a_name, a.v AS a_v "
            "FROM b JOIN a ON a.id = b.aid"
        ),
    ),
    "of an alias": (
        lambda: b.alias("c").select(order_by=["id"]),
        "SELECT c.id, c.aid FROM b AS c ORDER BY c.id",
    ),
    "count": (
        lambda: a.count(a.c.v > 1),
        "SELECT count(a.id) AS tbl_row_count FROM a WHERE a.v > 1",
    ),
    "count of nothing": (lambda: table("x").count(), "SELECT count(*) AS tbl_row_count FROM x"),
    "count of a select": (
        lambda: select([a.c.v]).count(),
        "SELECT count(anon_1.v) AS tbl_row_count FROM (SELECT a.v AS v FROM a) AS anon_1",
    ),
    "select of a select": (
        lambda: select([a.c.v]).select(),
        "SELECT anon_1.v FROM (SELECT a.v AS v FROM a) AS anon_1",
    ),
    "other columns": (
        lambda: select([a.c.id], a.c.v > 1).with_only_columns([a.c.name, func.count()]),
        "SELECT a.name, count(*) AS count_1 FROM a WHERE a.v > 1",
    ),
    "order_by()": (
        lambda: select([a.c.id]).order_by([a.c.v, "id"]).group_by([a.c.id]),
        "SELECT a.id FROM a GROUP BY a.id ORDER BY a.v, a.id",
    ),
    "where()": (
        lambda: select([a.c.id]).where("x = 1").where(a.c.v > 1),
        "SELECT a.id FROM a WHERE x = 1 AND a.v > 1",
    ),
    "having()": (
        lambda: select([a.c.v]).group_by("v").having("count(*) > 1"),
        "SELECT a.v FROM a GROUP BY a.v HAVING count(*) > 1",
    ),
    "select_from()": (lambda: select([column("id")]).select_from("a"), "SELECT id FROM a"),
    "and_": (
        lambda: select([a.c.id], and_("x = 1", a.c.v > 1)),
        "SELECT a.id FROM a WHERE x = 1 AND a.v > 1",
    ),
    "or_": (
        lambda: select([a.c.id], or_(a.c.v > 1, "x = 1")),
        "SELECT a.id FROM a WHERE a.v > 1 OR x = 1",
    ),
    "not_": (
        lambda: select([a.c.id], not_("x = 1 OR y")),
        "SELECT a.id FROM a WHERE NOT (x = 1 OR y)",
    ),
    "desc": (
        lambda: select([a.c.id]).order_by(desc("id"), asc("lower(v)")),
        "SELECT a.id FROM a ORDER BY a.id DESC, lower(v) ASC",
    ),
    "exists": (
        lambda: select([a.c.id], exists([1], ON)),
        "SELECT a.id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE a.id = b.aid)",
    ),
    "exists by name": (
        lambda: select([a.c.id], not_(exists([b.c.id], whereclause=ON, from_obj=[b]))),
        "SELECT a.id FROM a WHERE NOT (EXISTS (SELECT b.id FROM b WHERE a.id = b.aid))",
    ),
    "exists of a column": (
        lambda: select([a.c.id], exists(b.c.id, ON)),
        "SELECT a.id FROM a WHERE EXISTS (SELECT b.id FROM b WHERE a.id = b.aid)",
    ),
    "exists with a criterion": (
        lambda: select([a.c.id], exists(whereclause=ON)),
        "SELECT a.id FROM a WHERE EXISTS (SELECT * FROM b WHERE a.id = b.aid)",
    ),
    "select of exists": (
        lambda: exists([1], ON).select(a.c.id == 1),
        "SELECT EXISTS (SELECT 1 FROM b WHERE a.id = b.aid) AS anon_1 FROM a WHERE a.id = 1",
    ),
    "case": (
        lambda: select([case([(a.c.v > 1, "x")], else_="y")]),
        "SELECT CASE WHEN (a.v > 1) THEN 'x' ELSE 'y' END AS anon_1 FROM a",
    ),
    "case by position": (
        lambda: select([case([(a.c.v > 1, 1)], None, 0)]),
        "SELECT CASE WHEN (a.v > 1) THEN 1 ELSE 0 END AS anon_1 FROM a",
    ),
    "case of a tuple": (
        lambda: select([case(((a.c.v > 1, 1), (a.c.v > 0, 2)), else_=0)]),
        "SELECT CASE WHEN (a.v > 1) THEN 1 WHEN (a.v > 0) THEN 2 ELSE 0 END AS anon_1 FROM a",
    ),
    "case of a generator": (
        lambda: select([case((a.c.v > n, n) for n in (2, 1))]),
        "SELECT CASE WHEN (a.v > 2) THEN 2 WHEN (a.v > 1) THEN 1 END AS anon_1 FROM a",
    ),
    "case of a dict": (
        lambda: select([case({1: "x"}, a.c.v)]),
        "SELECT CASE a.v WHEN 1 THEN 'x' END AS anon_1 FROM a",
    ),
    "case by name": (
        lambda: select([case(value=a.c.v, whens=[(1, "x")])]),
        "SELECT CASE a.v WHEN 1 THEN 'x' END AS anon_1 FROM a",
    ),
    "union": (
        lambda: sa.union(select([a.c.id]), select([b.c.id]), order_by=["id"], limit=1),
        "SELECT a.id FROM a UNION SELECT b.id FROM b ORDER BY id LIMIT 1",
    ),
    "union()": (
        lambda: select([a.c.id]).union_all(select([b.c.id]), order_by="id", offset=1),
        "SELECT a.id FROM a UNION ALL SELECT b.id FROM b ORDER BY id LIMIT -1 OFFSET 1",
    ),
    "union and order_by()": (
        lambda: sa.union(select([a.c.id]), select([b.c.id])).order_by(["id desc"]),
        "SELECT a.id FROM a UNION SELECT b.id FROM b ORDER BY id desc",
    ),
    "columns of a select": (
        lambda: of_a_select(select([a.c.id])),
        "SELECT anon_1.id FROM (SELECT a.id AS id FROM a) AS anon_1 WHERE anon_1.id > 1",
    ),
    "insert": (lambda: b.insert({"id": 1, "aid": 2}), "INSERT INTO b (id, aid) VALUES (1, 2)"),
    "insert by name": (lambda: b.insert(values={b.c.id: 1}), "INSERT INTO b (id) VALUES (1)"),
    "insert of a tuple": (lambda: b.insert((1, 2)), "INSERT INTO b (id, aid) VALUES (1, 2)"),
    "insert inline": (
        lambda: sa.insert(b, {"id": 1}, inline=True),
        "INSERT INTO b (id) VALUES (1)",
    ),
    "insert with a prefix": (
        lambda: sa.insert(b, {"id": 1}, prefixes=["OR IGNORE"]),
        "INSERT OR IGNORE INTO b (id) VALUES (1)",
    ),
    "insert returning": (
        lambda: b.insert({"id": 1}, returning=[b.c.id]),
        "INSERT INTO b (id) VALUES (1) RETURNING b.id",
    ),
    "insert returning one": (
        lambda: b.insert({"id": 1}, returning=b.c.id),
        "INSERT INTO b (id) VALUES (1) RETURNING b.id",
    ),
    "insert with defaults": (
        lambda: b.insert({"id": 1}, return_defaults=True),
        "INSERT INTO b (id) VALUES (1)",
    ),
    "update": (lambda: b.update(b.c.id == 1, {"aid": 2}), "UPDATE b SET aid=2 WHERE b.id = 1"),
    "update by name": (
        lambda: sa.update(b, whereclause=b.c.id == 1, values={b.c.aid: b.c.aid + 1}),
        "UPDATE b SET aid=(b.aid + 1) WHERE b.id = 1",
    ),
    "update of text": (lambda: b.update("x = 1", {"aid": 2}), "UPDATE b SET aid=2 WHERE x = 1"),
    "update with where()": (
        lambda: sa.update(b).values(aid=2).where("x = 1"),
        "UPDATE b SET aid=2 WHERE x = 1",
    ),
    "update inline": (lambda: b.update(values={"aid": 2}, inline=True), "UPDATE b SET aid=2"),
    "update of a dialect": (
        lambda: sa.update(b, None, {"aid": 2}, mysql_limit=1),
        "UPDATE b SET aid=2",
    ),
    "delete": (lambda: b.delete(b.c.id == 1), "DELETE FROM b WHERE b.id = 1"),
    "delete by name": (
        lambda: sa.delete(b, whereclause=b.c.id == 1),
        "DELETE FROM b WHERE b.id = 1",
    ),
    "delete with where()": (lambda: sa.delete(b).where("x = 1"), "DELETE FROM b WHERE x = 1"),
}


@pytest.mark.parametrize("form", SELECTS)
def test_forms(form):
    """Each form gives the statement that it gave, and is noted."""
    make, expected = SELECTS[form]
    assert sql(make()) == expected
    assert forms()


NEW = [
    lambda: select(b.c),
    lambda: select(b.c["id", "aid"], b.c.id),
    lambda: select(b.c["id", "aid"], sa.Column("flag", sa.Boolean)),
    lambda: select(a.c.id, a.c.name).where(a.c.id > 1).order_by("id").group_by(a.c.id),
    lambda: select(a).select_from(a.join(b, ON)).having(func.count() > 1).order_by(None),
    lambda: select(text("x"), sa.literal(1)).with_only_columns(a.c.id, a.c.name),
    lambda: sa.select().select_from(a),
    lambda: a.select().distinct().limit(1),
    lambda: a.join(b, ON).select(),
    lambda: a.insert().values(id=1),
    lambda: a.insert().values([{"id": 1}, {"id": 2}]).returning(a.c.id),
    lambda: a.update().where(a.c.id == 1).values({"v": 2}),
    lambda: a.delete().where(a.c.id == 1, a.c.v == 2),
    lambda: sa.insert(a).from_select(["id"], select(b.c.id)),
    lambda: sa.update(a).values(v=1).inline(),
    lambda: sa.delete(a).prefix_with("x"),
    lambda: select(case((a.c.id > 1, "x"), else_="y")),
    lambda: select(case((a.c.id > 1, "x"), (a.c.id > 0, "z"))),
    lambda: select(case({1: "x"}, value=a.c.id)),
    lambda: select(case((1, "x"), value=a.c.id)),
    lambda: select(exists().where(ON)),
    lambda: select(exists(select(b.c.id).where(ON))),
    lambda: select(exists(b.c.id)),
    lambda: exists().where(ON).select(),
    lambda: sa.union(select(a.c.id), select(b.c.id)).order_by("id").limit(1),
    lambda: select(a.c.id).union(select(b.c.id)),
    lambda: text("x = :x").bindparams(x=1).columns(a.c.id),
    lambda: select(a).where(and_(a.c.id > 1, or_(a.c.v > 1, not_(a.c.v == 2))), text("x")),
    lambda: select(a).order_by(desc("id"), asc(a.c.v), desc(text("x"))),
    lambda: select(a.c.id).subquery().select(),
    lambda: select(select(a.c.id).subquery().c.id, select(a.c.id).scalar_subquery()),
    lambda: select(a.c.id).set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL),
    lambda: select(a.c.id).selected_columns.id,
    lambda: select(a.c.id).with_for_update(nowait=True),
    lambda: select(a.c.id).execution_options(stream_results=True),
    lambda: select(func.lower(a.c.name)).join(b, ON),
    lambda: select(a.c.id).cte("x").select(),
    lambda: text(text="x"),
]


@pytest.mark.parametrize("number", range(len(NEW)))
def test_new_forms(number):
    """The forms of 2.x give what they give without the module, and are not noted."""
    with_module = str(NEW[number]())
    assert not legacy.report()
    legacy.disable()
    without = str(NEW[number]())
    legacy.enable(warnings=False)
    assert with_module == without


APPENDED = {
    "append_whereclause": (a.c.id > 1, "SELECT a.id FROM a WHERE a.id > 1"),
    "append_column": (a.c.v, "SELECT a.id, a.v FROM a"),
    "append_from": (text("x"), "SELECT a.id FROM a, x"),
    "append_having": (func.count() > 1, "SELECT a.id FROM a HAVING count(*) > 1"),
    "append_prefix": ("ALL", "SELECT ALL a.id FROM a"),
    "append_order_by": (a.c.v, "SELECT a.id FROM a ORDER BY a.v"),
    "append_group_by": ("id", "SELECT a.id FROM a GROUP BY a.id"),
}


@pytest.mark.parametrize("method", APPENDED)
def test_append(method):
    """A statement is changed in place, whatever was done with it before."""
    statement = select([a.c.id])
    assert sql(statement) == "SELECT a.id FROM a"
    assert statement.c.keys() == ["id"]
    argument, expected = APPENDED[method]
    assert getattr(statement, method)(argument) is None
    assert sql(statement) == expected
    assert "v" not in statement.c or method == "append_column"
    assert forms() >= {"select-list", "select-append", "select-columns"}


def test_cast(engine, books):
    """A cast() without a label has a name of its own, and the row has it under itself as well."""
    text, year = sa.cast(books.c.id, sa.String), sa.type_coerce(books.c.year, sa.String)
    statement = select([text, books.c.id]).order_by(text).limit(1)
    statement.append_column(year)
    row = engine.execute(statement).first()
    assert dict(row) == {"anon_1": "1", "id": 1, "anon_2": 1989}
    assert (row[text], row[year], row["id"], row[books.c.id]) == ("1", 1989, 1, 1)
    with pytest.raises(sa.exc.NoSuchColumnError):
        row[sa.cast(books.c.id, sa.String)]
    assert "select-cast" in forms()
    _notes.clear()
    with engine.connect() as connection:
        assert list(connection.execute(sa.select(text)).keys()) == ["id"]
    assert not legacy.report()


def test_append_from():
    """What is added to FROM comes after the tables of the columns, in new statements as well."""
    statement = sa.select(a.c.id, b.c.id)
    assert sql(statement.select_from(c)) == "SELECT a.id, b.id AS id_1 FROM c, a, b"
    statement.append_from(c)
    statement.append_from(a.join(b, ON))
    assert sql(statement) == "SELECT a.id, b.id AS id_1 FROM c, a JOIN b ON a.id = b.aid"


def test_append_correlation(lite):
    """A subquery is told what it takes from around it; a union is ordered in place."""
    inner = select([func.count()], from_obj=[a, b])
    inner.append_correlation(a)
    whole = select([a.c.id, inner.scalar_subquery()])
    assert sql(whole) == "SELECT a.id, (SELECT count(*) AS count_1 FROM b) AS anon_1 FROM a"
    both = sa.union(select([a.c.id]), select([b.c.id]))
    both.append_order_by("id")
    assert sql(both) == "SELECT a.id FROM a UNION SELECT b.id FROM b ORDER BY id"


def test_columns_of_a_statement():
    """The columns of a statement are those of one subquery, and new for a changed statement."""
    statement = select([a.c.id, a.c.name])
    assert statement.c.id is statement.columns.id
    more = statement.where(a.c.v > 1)
    assert more.c.id is not statement.c.id
    assert sql(select([more.c.id])) == (
        "SELECT anon_1.id FROM (SELECT a.id AS id, a.name AS name FROM a WHERE a.v > 1) AS anon_1"
    )
    both = sa.union(select([a.c.id]), select([b.c.id]))
    assert both.c.keys() == ["id"]
    _notes.clear()
    for name in ("sqlalchemy.of_a_test", "sqlsoup.of_a_test"):
        scope = {"__name__": name, "statement": sa.select(a.c.id)}
        with pytest.raises((AttributeError, sa.exc.SADeprecationWarning)):
            eval("statement.c", scope)
    assert not legacy.report()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (True, "FOR UPDATE"),
        ("nowait", "FOR UPDATE NOWAIT"),
        ("read", "FOR SHARE"),
        ("read_nowait", "FOR SHARE NOWAIT"),
    ],
)
def test_for_update(mode, expected):
    """``for_update=`` takes the modes of the time."""
    from sqlalchemy.dialects import postgresql

    statement = select([a.c.id], for_update=mode)
    found = " ".join(str(statement.compile(dialect=postgresql.dialect())).split())
    assert found == f"SELECT a.id FROM a {expected}"


@pytest.mark.filterwarnings("ignore:Passing expression:sqlalchemy.exc.SADeprecationWarning")
def test_distinct_of_postgresql():
    """``distinct=`` takes columns, one or a list of them."""
    from sqlalchemy.dialects import postgresql

    for distinct in (a.c.v, [a.c.v], (a.c.v,)):
        statement = select([a.c.id], distinct=distinct)
        found = " ".join(str(statement.compile(dialect=postgresql.dialect())).split())
        assert found == "SELECT DISTINCT ON (a.v) a.id FROM a"


WRONG = {
    "select": (
        lambda: select([a.c.id], colour=1),
        TypeError,
        "select() got an unexpected keyword argument 'colour'",
    ),
    "of a table": (
        lambda: a.select(colour=1),
        TypeError,
        "select() got an unexpected keyword argument 'colour'",
    ),
    "count": (
        lambda: a.count(colour=1),
        TypeError,
        "count() got an unexpected keyword argument 'colour'",
    ),
    "exists": (
        lambda: exists([1], colour=1),
        TypeError,
        "exists() got an unexpected keyword argument 'colour'",
    ),
    "union": (
        lambda: sa.union(select([a.c.id]), colour=1),
        TypeError,
        "union() got an unexpected keyword argument 'colour'",
    ),
    "insert": (
        lambda: a.insert(colour=1),
        TypeError,
        "Additional arguments should be named <dialectname>_<argument>, got 'colour'",
    ),
    "order of parameters": (
        lambda: a.update(preserve_parameter_order=True),
        TypeError,
        "update() got an unexpected keyword argument 'preserve_parameter_order'",
    ),
    "mode": (
        lambda: select([a.c.id], for_update="x"),
        ArgumentError,
        "Unknown with_lockmode argument: 'x'",
    ),
    "two lists": (lambda: case([(1, 2)], None, 0, colour=1), TypeError, None),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_unknown_arguments(wrong):
    """An argument that no release had is refused."""
    make, kind, message = WRONG[wrong]
    with pytest.raises(kind) as caught:
        make()
    assert message is None or str(caught.value) == message


def test_text(lite):
    """``text()`` takes parameters, types and whether it commits."""
    statement = text(
        "SELECT id, title FROM books WHERE id = :id",
        bindparams=[sa.bindparam("id", 2)],
        typemap={"id": sa.String, "title": sa.String},
        autocommit=False,
    )
    with lite.connect() as connection:
        assert connection.execute(statement).all() == [(2, "Regional")]
        assert connection.execute(statement, {"id": 3}).all() == [(3, "Soups")]
    assert text("SELECT 5", lite, [], None, None).scalar() == 5
    assert str(text("x", bind=None, bindparams=None)) == "x"
    assert forms() >= {"text-arguments", "statement-bind", "statement-execute"}


def test_mapped_classes(soup):
    """Mapped classes and aliases in a list are their columns, wherever it is executed."""
    other = aliased(soup.books, name="other")
    session = Session(soup.engine)
    for columns in (
        [soup.books], [other], [soup.books.id, soup.books.title, soup.books.year],
        [other.id, other.title, other.year], [soup.books._table],
    ):  # fmt: skip
        for on in (soup.engine, session, soup):
            rows = on.execute(select(columns, order_by=["id"])).fetchall()
            assert [dict(row)["title"] for row in rows] == list(BOOKS.values())
    assert session.scalar(select([func.count()], from_obj=[soup.books])) == 3
    assert session.scalar(select([func.count(soup.books.id)], soup.books.id > 1)) == 2
    wanted = select([soup.books._table], soup.books.id > 1)
    found = session.query(soup.books).from_statement(wanted).all()
    assert {type(book) for book in found} == {soup.books}
    lent = select([soup.loans.book_id], soup.loans.book_id == soup.books.id).correlate(soup.books)
    assert soup.books.filter(exists([1], soup.loans.book_id == soup.books.id)).count() == 2
    assert soup.books.filter(soup.books.id.in_(lent)).count() == 2
    session.close()


def test_on_each_database(engine, books):
    """Statements of the time are executed on each of the databases."""
    small = case([(books.c.id > 2, "big"), (books.c.id > 1, "mid")], else_="small").label("size")
    rows = engine.execute(
        select([books.c.title, small], books.c.id > 0, order_by=["title"], limit=2, offset=1)
    ).fetchall()
    assert rows == [("Regional", "mid"), ("Soups", "big")]
    assert engine.execute(books.count(books.c.year > 1990)).scalar() == 1
    assert engine.execute(select(["title"], "id = 2", ["books"])).scalar() == "Regional"
    assert engine.execute(books.update(books.c.id == 1, {"year": 1990})).rowcount == 1
    assert engine.execute(books.insert({"title": "New"})).inserted_primary_key == [4]
    assert engine.execute(books.delete(books.c.id == 4)).rowcount == 1
    grouped = select(
        [books.c.year, func.count(books.c.id)], group_by=["year"], having=books.c.year > 1,
        order_by=[desc("year")],
    )  # fmt: skip
    assert engine.execute(grouped).fetchall() == [(1991, 1), (1990, 1)]
    other = books.alias("other")
    both = select([books, other], books.c.id == other.c.id, order_by=[books.c.id], use_labels=True)
    assert engine.execute(both).fetchone()["other_title"] == "Mustards"
    assert engine.execute(select([exists([1], books.c.id == 1)])).scalar() in (True, 1)
    ids = sa.union(select([books.c.id]), select([other.c.id]), order_by=["id"], limit=2)
    assert [row[0] for row in engine.execute(ids)] == [1, 2]
    inner = select([books.c.id], books.c.id > 1).alias("inner_")
    assert engine.execute(inner.count()).scalar() == 2
    if engine.dialect.name == "mysql":
        engine.execute(books.update(books.c.id > 0, {"year": 1}, mysql_limit=1))
        assert engine.execute(books.count(books.c.year == 1)).scalar() == 1


def test_count_of_an_outer_join(lite):
    """``count()`` counts the first column of the key, or else the first column."""
    books = sa.Table("books", sa.MetaData(), autoload_with=lite)
    loans = sa.Table("loans", books.metadata, autoload_with=lite)
    both = loans.outerjoin(books.alias("b"), sa.false())
    assert lite.execute(both.count()).scalar() == 0
    assert lite.execute(both.select().alias("x").count()).scalar() == 2


BOUND = {
    "x = 1": 'text("x = :x").bindparams(x=...)',
    "x > 1 AND x < 5.5e3 OR t.x = -2": (
        'text("x > :x AND x < :x_2 OR t.x = :x_3").bindparams(x=..., x_2=..., x_3=...)'
    ),
    "name = 'se''cret'": 'text("name = :name").bindparams(name=...)',
    "name LIKE 'secret%'": 'text("name LIKE :name").bindparams(name=...)',
    "lower(name) NOT LIKE 'secret'": 'text("lower(name) NOT LIKE :value").bindparams(value=...)',
    "x IN ('secret', 'b')": 'text("x IN (:x, :value)").bindparams(x=..., value=...)',
    "d BETWEEN '1' AND '2'": 'text("d BETWEEN :d AND :value").bindparams(d=..., value=...)',
    "'secret' = name": 'text(":value = name").bindparams(value=...)',
    "name\n  = 'se\n  cret'": 'text("name = :name").bindparams(name=...)',
    "name = 'secret": 'text("name = :name").bindparams(name=...)',
    "name = E'secret' OR x = $q$secret$q$": (
        'text("name = :name OR x = :x").bindparams(name=..., x=...)'
    ),
    r"p = 'C:\' AND y = 'secret'": 'text("p = :p").bindparams(p=...)',
    r"p = 'it\'s' AND y = 'secret'": 'text("p = :p").bindparams(p=...)',
    'name = "secret"': 'text("name = :name").bindparams(name=...)',
    'x IN ("secret", 5)': 'text("x IN (:x, :value)").bindparams(x=..., value=...)',
    '"t"."x" = "u"."y"': 'text(\'"t"."x" = "u"."y"\')',
    "`x` = 5": 'text("`x` = :x").bindparams(x=...)',
    "f(x, 'secret')": 'text("f(x, :value)").bindparams(value=...)',
    "x1 = y2 AND t1.c2 > :p1": 'text("x1 = y2 AND t1.c2 > :p1")',
    "x = %s AND y = ?": 'text("x = %s AND y = ?")',
    "name desc": 'text("name desc")',
    "x::int = 0xFF": 'text("x::int = :int").bindparams(int=...)',
}


@pytest.mark.parametrize("criterion", BOUND)
def test_bound(criterion):
    """The form that is shown has parameters for all values, and none of the values."""
    assert bound(criterion) == BOUND[criterion]
    statement = select([a.c.id]).where(criterion)
    assert str(statement.whereclause) == str(text(criterion))
    (note,) = [note for note in legacy.report().notes if note.form == "textual"]
    assert note.instead.startswith(BOUND[criterion])
    assert "secret" not in legacy.report().to_json()


def test_text_in_columns():
    """Text among the columns is noted without its values, names of columns are not noted."""
    select([a.c.id, "'secret' AS x", "name"])
    (note,) = [note for note in legacy.report().notes if note.form == "textual"]
    assert note.instead == 'text(":value AS x").bindparams(value=...)'


def test_division_of_integers(engine):
    """What two integers are divided to is the affair of the database, as it was."""
    seven, two = sa.literal(7), sa.literal(2)
    with engine.connect() as connection:
        found = [
            connection.scalar(select(each))
            for each in (seven / two, seven / 2, 7 / two, (seven / two) * two, seven / (two / 2))
        ]
    if engine.dialect.name == "mysql":
        assert found == [3.5, 3.5, 3.5, 7, 7]
    else:
        assert found == [3, 3, 3, 6, 7]
        assert {type(each) for each in found} == {int}
    assert forms() == {"integer-division"}


class Halves(sa.Integer):
    """Integers that know what they are divided to."""

    class Comparator(sa.Integer.Comparator):
        """The division."""

        def operate(self, _op, *_other, **_options):
            """Answer with something that is no division in SQL."""
            return "a half"

    comparator_factory = Comparator


def test_division_of_others():
    """Any other division is as without the module, and nothing old."""
    x = column("x", sa.Integer)
    assert (x / 2.5).type._type_affinity is not sa.Integer
    assert (x / column("y", sa.Numeric)).type._type_affinity is sa.Numeric
    assert sql(x // 2) == "x / 2"
    assert column("own", Halves) / 2 == "a half"
    assert not forms()


def test_case_of_lists():
    """The pairs of case() may be lists."""
    assert sql(case([[a.c.id == 1, 2]])) == "CASE WHEN (a.id = 1) THEN 2 END"


def test_depth_first():
    """The names of visitors that SQLAlchemy 1.4 gave up go from the parts to the whole."""
    from sqlalchemy.sql import visitors

    found = []
    on = {"column": found.append, "binary": found.append}
    assert visitors.traverse_depthfirst(ON, {}, on) is ON
    assert found == [a.c.id, b.c.aid, ON]
    assert list(visitors.iterate_depthfirst(ON)) == found
    assert forms() == {"name"}


def test_alias_of_a_join(engine):
    """The alias of a join selects it, with the names of its tables before those of the columns."""
    metadata = sa.MetaData()
    metadata.reflect(engine, only=["users", "loans"])
    users, loans = metadata.tables["users"], metadata.tables["loans"]
    joined = users.join(loans, loans.c.user_name == users.c.name)
    for alias in (joined.alias("both"), sa.alias(joined, "both")):
        assert alias.name == "both"
        assert {"users_name", "loans_book_id"} <= {*alias.c.keys()}
        with engine.connect() as connection:
            found = connection.execute(select([alias.c.users_name, alias.c.loans_book_id]))
            assert sorted(map(tuple, found)) == [("Bo", 1), ("Bo", 3)]
    flat = sql(joined.alias(flat=True).select())
    assert flat.endswith(
        "FROM users AS users_1 JOIN loans AS loans_1 ON loans_1.user_name = users_1.name"
    )
    assert forms() == {"join-alias", "select-list"}


def test_what_is_no_table():
    """What cannot be in FROM is the error that it is."""
    with pytest.raises(ArgumentError, match=r"^FROM expression, such as a Table"):
        a.join(sa.literal(1), ON)
    assert forms() == set()


@pytest.mark.parametrize("dialect", [mysql, postgresql])
def test_insert_of_a_dialect(dialect):
    """insert() of a dialect takes values, as that of all dialects does."""
    assert sql(dialect.insert(c, {"id": 1})) == "INSERT INTO c (id) VALUES (1)"
    assert sql(dialect.insert(c, values={"id": 1})) == "INSERT INTO c (id) VALUES (1)"
    assert forms() == {"dml-arguments"}
    assert type(dialect.insert(c)) is dialect.Insert
