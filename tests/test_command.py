"""The command ``sqlsoup``: the tour, tables, columns, and what one expression gives."""

from __future__ import annotations

import builtins
import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import on_postgresql, run
from help_texts import HELP
from sqlalchemy.exc import OperationalError, PendingRollbackError
from sqlalchemy.ext.compiler import compiles

import sqlsoup
from sqlsoup.command import _target, main
from sqlsoup.command._database import closed, opened
from sqlsoup.command._once import Output, describe

AFTER_THE_ENGINE = """
Reflect: the first use of db.users reads the table's columns and keys.
  db.users.c.keys() -> ['name', 'admin']

Query: every method of SQLAlchemy's Query is on the class.
  admins -> [MappedUsers(name='Ada',admin=1)]

Insert: a row has its key after a flush, and is stored by commit().
  book -> MappedBooks(id=3,title='Stock and Bones')

Join: a row has the columns of both tables.
  A History of Mustard -> Bo
  Stock and Bones -> Ada

Relate: a foreign key becomes an attribute, and a list on the other side.
  Bo has -> ['A History of Mustard']

Commit, and look from outside:
   [('Ada', 1), ('Bo', 1)]
"""
NOT_KEPT = "sqlsoup: the changes are rolled back; --commit keeps them\n"
BOOKS = "id,title,year\n1,Mustards,1989\n2,Regional,1991\n3,Soups,\n"


@pytest.fixture
def command(capsys, monkeypatch):
    """Run the command, and return its status, its output and its errors."""
    monkeypatch.delenv("COLUMNS", raising=False)

    def call(*arguments):
        status = main([*map(str, arguments)])
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def path(lite):
    """The path of the library in a SQLite file."""
    return lite.url.database


@pytest.fixture
def gives(command, path):
    """Return what an expression gives."""

    def call(expression, *options):
        status, out, err = command(path, expression, *options)
        assert (status, err) == (0, "")
        return out

    return call


@pytest.fixture
def fails(command, path):
    """Return the line that an expression ends with."""

    def call(expression, *options, status=2, where=None):
        found, out, err = command(path if where is None else where, expression, *options)
        assert (found, out) == (status, "")
        assert err.startswith("sqlsoup: ")
        assert err.endswith("\n")
        return err[len("sqlsoup: ") : -1]

    return call


# without a database


def test_tour(command):
    """Without arguments it is the tour, which shows what it says."""
    status, out, err = command()
    engine, _, rest = out.partition("\n")
    assert engine.startswith("db = SQLSoup(MetaData(bind=Engine(sqlite:///")
    assert rest == AFTER_THE_ENGINE
    assert (status, err) == (0, "")


def test_help_and_version(capsys):
    """--help shows examples, --version the releases of SQLSoup and SQLAlchemy."""
    for option, expected in (
        ("--help", "usage: sqlsoup "),
        ("--version", f"sqlsoup {sqlsoup.__version__} (SQLAlchemy {sa.__version__})\n"),
    ):
        with pytest.raises(SystemExit) as ended:
            main([option])
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith(expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tables"], "there is no URL"),
        (["x.db", "db", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["x.db", "db", "--tab"], "unrecognized arguments: --tab"),
        (["x.db", "db", "more"], "unrecognized arguments: more"),
        (["x.db", "db", "--csv", "--json"], "argument --json: not allowed with argument --csv"),
        (
            ["x.db", "db", "--tables"],
            "an expression comes alone, without --tables, --describe and --types",
        ),
        (["--types", "shop.py", "x.db"], "there is no URL; it comes before --types"),
        (["x.db", "db", "--check"], "--check is for --types"),
        (["x.db", "--types", "x.py", "--csv"], "--types has a file and a form of its own"),
        (["x.db", "--commit"], "--commit is for an expression"),
        (["x.db", "--csv"], "there is no expression for the output"),
        (["x.db", "-o", "file"], "there is no expression for the output"),
    ],
)
def test_bad_options(arguments, message, capsys):
    """Options that are not there, or contradict each other, are one line, and status 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", f"sqlsoup: {message}; sqlsoup --help tells more\n")


def test_as_a_program(path):
    """``python -m sqlsoup`` and ``sqlsoup`` are the same, also where warnings are errors."""
    script = Path(sys.executable).with_name("sqlsoup")
    for program in ([sys.executable, "-W", "error", "-m", "sqlsoup"], [str(script)]):
        done = subprocess.run(
            [*program, path, "db.tags", "--csv"], capture_output=True, check=False, text=True
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "word\nfood\nhot\n", "")


@pytest.mark.parametrize("way", ["query.all()", "db.session.execute(query.statement)"])
def test_rows_without_a_name(way, command, path):
    """What is calculated in a query has no name in its rows; here it has that of its place."""
    query = "db.session.query(db.books.id + 1, db.books.title).order_by(db.books.id)"
    expression = way.replace("query", query)
    assert command(path, expression, "--csv")[1].startswith("column_1,title\n2,Mustards\n")
    first = command(path, expression, "--jsonl")[1].splitlines()[0]
    assert json.loads(first) == {"column_1": 2, "title": "Mustards"}


# tables and columns


def test_tables(command, path, lite):
    """--tables lists tables and views."""
    run(lite, "CREATE VIEW early AS SELECT title FROM books WHERE year < 1990")
    status, out, err = command(path, "--tables")
    assert (status, err) == (0, "")
    assert out.splitlines()[2:6] == [
        "name      | kind  | rows",
        "----------+-------+-----",
        "book_tags | table | 3",
        "books     | table | 3",
    ]
    assert out.splitlines()[-1] == "(9 tables and views)"
    assert command(path, "--tables", "--csv")[1].startswith(
        "name,kind\nbook_tags,table\nbooks,table\nearly,view\n"
    )
    assert command(path, "db", "--csv")[1:] == command(path, "--tables", "--csv")[1:]


@on_postgresql
def test_materialised_views(command, url, engine):
    """They are views in each form."""
    run(engine, "CREATE MATERIALIZED VIEW early AS SELECT title FROM books WHERE year < 1990")
    assert "early     | view  |\n" in command(url, "--tables")[1].replace(" \n", "\n")
    assert "\nearly,view\n" in command(url, "--tables", "--csv")[1]


def test_describe(command, path):
    """--describe lists the columns of a table."""
    assert command(path, "--describe", "loans") == (0, f"{HELP['loans']}\n", "")
    status, out, err = command(path, "--describe", "loans", "--jsonl")
    assert (status, err) == (0, "")
    assert [json.loads(line) for line in out.splitlines()][:2] == [
        {
            "column": "book_id",
            "type": "INTEGER",
            "nullable": False,
            "primary_key": True,
            "refers_to": "books.id",
        },
        {
            "column": "user_name",
            "type": "VARCHAR(40)",
            "nullable": True,
            "primary_key": False,
            "refers_to": "users.name",
        },
    ]


class Vector(sa.types.TypeEngine):
    """A type that one other dialect can name."""


compiles(Vector, "duckdb")(lambda *_, **__: "VECTOR")


def test_describe_a_type_that_sqlalchemy_cannot_name(command, path, lite, monkeypatch):
    """It is called as Python shows it, in every form."""
    monkeypatch.setitem(lite.dialect.ischema_names, "VECTOR", Vector)
    run(lite, "CREATE TABLE t (id INTEGER PRIMARY KEY, v VECTOR)")
    assert "v   Vector()\n" in command(path, "--describe", "t")[1]
    assert command(path, "--describe", "t", "--csv")[1].splitlines()[2] == "v,Vector(),True,False,"


def test_describe_without_key(command, url, engine, other_schema):
    """A table without a key, or a view, has columns too, in any schema."""
    run(
        engine,
        "CREATE VIEW early AS SELECT title FROM books WHERE year < 1990",
        f"CREATE TABLE {other_schema}.log (line VARCHAR(9))",
    )
    status, out, err = command(url, "--describe", "early", "--csv")
    assert (status, err) == (0, "")
    nullable = engine.dialect.name != "mysql"  # which tells it of the columns of views
    line = f"title,VARCHAR(60),{nullable},False,"
    assert out == f"column,type,nullable,primary_key,refers_to\n{line}\n"
    assert "NULL" not in command(url, "--describe", "early")[1]
    if engine.dialect.name != "sqlite":  # which attaches it to the other engine alone
        status, out, err = command(url, "--describe", f"{other_schema}.log")
        assert (status, err) == (0, "")
        assert "\nline   | VARCHAR(9) | True     | False       |\n" in out


def test_describe_a_view_of_odd_types(command, url, engine):
    """The types of a view are those of SQLSoup, and nothing is warned of."""
    kind = {"sqlite": "STRING", "postgresql": "jsonpath", "mysql": "POINT"}[engine.dialect.name]
    run(
        engine,
        f"CREATE TABLE odd (id INTEGER PRIMARY KEY, v {kind})",
        "CREATE VIEW odd_view AS SELECT v FROM odd",
    )
    told = [command(url, "--describe", name, "--csv") for name in ("odd", "odd_view")]
    assert {(status, err) for status, _, err in told} == {(0, "")}
    assert told[0][1].splitlines()[-1] == told[1][1].splitlines()[-1]


def test_describe_with_a_key_that_is_not_there(lite):
    """The error comes out, as it is none of a table without a key."""
    with lite.begin() as connection:
        connection.execute(sa.text("CREATE TABLE bare (a INTEGER)"))
    db = sqlsoup.SQLSoup(lite, primary_keys={"bare": ["b"]})
    with pytest.raises(sqlsoup.SQLSoupError, match="'b'"):
        describe(db, "bare", Output("csv", None))


def test_describe_one_of_two_tables(lite, tmp_path, capsys):
    """The table is that of the schema, also where another one has its name."""
    with lite.begin() as connection:
        connection.execute(sa.text("CREATE TABLE bare (a INTEGER)"))
        connection.execute(sa.text("ATTACH :file AS other"), {"file": f"{tmp_path}/other.db"})
        connection.execute(sa.text("CREATE TABLE other.bare (b INTEGER)"))
    db = sqlsoup.SQLSoup(lite)
    for name in ("bare", "other.bare"):
        describe(db, name, Output("csv", None))
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["column", "a", "column", "b"]


def test_describe_what_refers_to_a_name_with_a_dot(command, url, engine):
    """What a foreign key refers to is told, whatever its name is."""
    quote = engine.dialect.identifier_preparer.quote
    run(
        engine,
        f"CREATE TABLE {quote('a.b')} (id INTEGER PRIMARY KEY)",
        f"CREATE TABLE dotted (id INTEGER PRIMARY KEY, b INTEGER,"
        f" FOREIGN KEY (b) REFERENCES {quote('a.b')} (id))",
    )
    status, out, err = command(url, "--describe", "dotted", "--csv")
    assert (status, out.splitlines()[-1], err) == (0, "b,INTEGER,True,False,a.b.id", "")


def test_describe_what_is_not_there(command, path):
    """A table that is not there is one line."""
    message = "sqlsoup: boks: there is no table or view of this name; did you mean 'books'?\n"
    assert command(path, "--describe", "boks") == (2, "", message)


# what an expression gives


def test_table(gives):
    """A table, a query or rows are printed as a table, with all rows."""
    expected = (
        "id | title    | year\n---+----------+-----\n"
        " 1 | Mustards | 1989\n 2 | Regional | 1991\n 3 | Soups    | NULL\n(3 rows)\n"
    )
    for expression in (
        "db.books",
        " db.books.order_by(db.books.id)",
        "db.books.all()",
        "(book for book in db.books.all())",
        "sqlsoup.as_dicts(db.books)",
        "select(db.books)",
        "sa.select(db.books.id, db.books.title, db.books.year)",
        "text('SELECT * FROM books')",
        "db.execute('SELECT * FROM books')",
        "db.execute('SELECT * FROM books').mappings()",
        "db.session.scalars(select(db.books))",
    ):
        assert gives(expression) == expected


def test_csv(gives):
    """--csv has a line of names, and nothing for NULL."""
    for expression in (
        "db.books",
        "db.books.all()",
        "(book for book in db.books.all())",
        "sqlsoup.as_dicts(db.books)",
        "select(db.books)",
        "db.execute('SELECT * FROM books')",
        "db.execute('SELECT * FROM books').mappings()",
        "db.session.scalars(select(db.books))",
    ):
        assert gives(expression, "--csv") == BOOKS
    assert gives("db.books.filter_by(id=9)", "--csv") == "id,title,year\n"
    assert gives("db.execute('SELECT * FROM books WHERE id = 9')", "--csv") == "id,title,year\n"
    assert gives("[]", "--csv") == ""


def test_csv_of_line_breaks(gives):
    """A line break of any kind within a text is quoted, so that it ends no row."""
    texts = ["a\rb", "\r", "a\nb", "a\r\nb", "a"]
    written = gives(f"[{{'a': text, 'b': 1}} for text in {texts}]", "--csv")
    assert written.startswith('a,b\n"a\rb",1\n')
    read = list(csv.reader(io.StringIO(written, newline="")))
    assert read == [["a", "b"], *([text, "1"] for text in texts)]


def test_json(gives):
    """--json is one document, an object a line."""
    for expression in ("db.books", "db.books.all()", "db.execute('SELECT * FROM books')"):
        assert gives(expression, "--json") == (
            '[\n{"id": 1, "title": "Mustards", "year": 1989},\n'
            '{"id": 2, "title": "Regional", "year": 1991},\n'
            '{"id": 3, "title": "Soups", "year": null}\n]\n'
        )
    assert gives("db.books.filter_by(id=9)", "--json") == "[]\n"


def test_jsonl(gives):
    """--jsonl is an object a line."""
    for expression in ("db.tags", "db.tags.all()", "db.execute('SELECT * FROM tags')"):
        assert gives(expression, "--jsonl") == '{"word": "food"}\n{"word": "hot"}\n'


def test_one_row(gives):
    """A single row is a line for each column, or one record."""
    for expression in ("db.books.get(3)", "db.execute('SELECT * FROM books WHERE id = 3').one()"):
        assert gives(expression) == (
            "column | value\n-------+------\nid     | 3\ntitle  | Soups\nyear   | NULL\n"
        )
        assert gives(expression, "--csv") == "id,title,year\n3,Soups,\n"
        assert gives(expression, "--json") == '{"id": 3, "title": "Soups", "year": null}\n'
        assert gives(expression, "--jsonl") == '{"id": 3, "title": "Soups", "year": null}\n'


def test_values(gives):
    """A value that is no row is printed as it is; None is not printed in a table."""
    assert gives("db.books.count()") == "3\n"
    assert gives("db.books.count()", "--csv") == "value\n3\n"
    assert gives("db.books.count()", "--json") == "3\n"
    assert gives("db.users.get('Zed')") == ""
    assert gives("db.users.get('Zed')", "--json") == "null\n"
    assert gives("'text'") == "text\n"
    assert gives("[b.title for b in db.books.all()]") == (
        "value\n--------\nMustards\nRegional\nSoups\n(3 rows)\n"
    )
    assert gives("[1, None]", "--csv") == 'value\n1\n""\n'
    assert gives("(n for n in [1, 'x'])", "--jsonl") == '1\n"x"\n'


def test_columns(gives):
    """A column, or columns, are a query."""
    assert gives("db.tags.word", "--csv") == "word\nfood\nhot\n"
    assert gives("db.books.with_entities(db.books.year + 1, func.count())", "--csv") == (
        "column_1,count\n1990,3\n"
    )


def test_rows_of_two_tables(gives):
    """Rows in a row have the name of their table before that of the column."""
    both = "db.session.query(db.tags, db.book_tags.book_id).join(db.book_tags)"
    expected = "tags.word,book_id\nfood,1\nhot,1\nfood,3\n"
    assert sorted(gives(both, "--csv").split()) == sorted(expected.split())
    assert sorted(gives(f"{both}.all()", "--csv").split()) == sorted(expected.split())
    assert json.loads(gives(f"{both}.filter_by(book_id=3)", "--json")) == [
        {"tags.word": "food", "book_id": 3}
    ]


def test_values_of_other_types(gives):
    """Dates are ISO, bytes hexadecimal; what neither CSV nor JSON has is text."""
    row = (
        "{'day': __import__('datetime').date(2026, 1, 2), 'raw': b'\\0\\xff', 'list': [1, 'é'],"
        " 'price': __import__('decimal').Decimal('1.50'), 'nan': float('nan')}"
    )
    assert gives(row, "--csv").splitlines()[1] == '2026-01-02,00ff,"[1, ""é""]",1.50,nan'
    assert json.loads(gives(row, "--json")) == {
        "day": "2026-01-02",
        "raw": "00ff",
        "list": [1, "é"],
        "price": "1.50",
        "nan": "nan",
    }
    assert gives("float('inf')", "--json") == '"inf"\n'
    nested = (
        "{'rows': db.tags.all(), 'set': {1}, 'one': db.tags.first(), 'map': text('').__class__}"
    )
    assert json.loads(gives(nested.replace("text('').__class__", "range(2)"), "--json")) == {
        "rows": [{"word": "food"}, {"word": "hot"}],
        "set": [1],
        "one": {"word": "food"},
        "map": [0, 1],
    }


def test_values_in_values(gives):
    """A set is sorted, and numbers that JSON does not have are text, however deep they are."""
    inf = "float('inf')"
    row = (
        f"{{'set': {{'b', 'a'}}, 'none': frozenset(), 'key': (1, 'é'), 'list': [{inf}, [-{inf}]],"
        f" 'json': __import__('collections').OrderedDict(a={{{inf}: b'\\0'}})}}"
    )
    expected = {
        "set": ["a", "b"],
        "none": [],
        "key": [1, "é"],
        "list": ["inf", ["-inf"]],
        "json": {"a": {"inf": "00"}},
    }
    assert json.loads(gives(row, "--json")) == expected
    assert json.loads(gives(f"[{row}]", "--jsonl")) == expected
    _, values = csv.reader(gives(row, "--csv").splitlines())
    assert [json.loads(value) for value in values] == [*expected.values()]
    assert gives("{'set': {'b', 'a'}, 'key': (1, 'é')}").splitlines()[2:] == [
        'set    | ["a", "b"]',
        'key    | [1, "é"]',
    ]


def test_relationships_are_on(gives):
    """Foreign keys are relationships."""
    assert gives("[loan.book.title for loan in db.loans.all()]", "--csv") == (
        "value\nMustards\nSoups\n"
    )


def test_on_every_database(command, url, engine):
    """It is the same on every database, for a query and for the text of a statement."""
    for expression in ("db.books", "db.execute('SELECT * FROM books ORDER BY id')"):
        assert command(url, expression, "--csv") == (0, BOOKS, "")
    nested = "[b.title for b in db.execute('SELECT * FROM books ORDER BY id') if db.tags.count()]"
    assert command(url, nested, "--jsonl")[1] == '"Mustards"\n"Regional"\n"Soups"\n'


def test_rows_are_streamed(command, url, engine, capsys, monkeypatch):
    """No more than a thousand rows are fetched at once, and servers are asked to send no more."""
    streams = []

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, _parameters, context, _many):
        if "FROM books" in statement:
            streams.append(context.execution_options.get("stream_results"))

    try:
        command(url, "db.books", "--csv")
        command(url, "select(db.books)", "--csv")
        command(url, "db.execute('SELECT * FROM books')", "--csv")
        command(url, "len(db.execute('SELECT * FROM books').all())", "--csv")
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    nested = True if engine.dialect.name == "postgresql" else None
    assert streams == [True, True, True, nested]


def test_memory_is_flat(path, lite):
    """A hundred thousand rows take no more memory than a thousand."""
    run(
        lite,
        "CREATE TABLE big (id INTEGER PRIMARY KEY, note TEXT)",
        "INSERT INTO big WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 100000) SELECT i, 'a note that is as long as notes are' FROM n",
    )
    program = (
        "import resource, sys\nfrom sqlsoup.command import main\n"
        "assert main([*sys.argv[1:], '-o', '/dev/null']) == 0\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )

    def used(*arguments):
        done = subprocess.run(
            [sys.executable, "-c", program, path, *arguments],
            capture_output=True,
            check=True,
            text=True,
        )
        return int(done.stdout)

    few = used("db.big.limit(1000)")
    assert used("db.big") < few + 8000
    assert used("db.big", "--json") < few + 8000


def test_encoding(path):
    """What standard output cannot encode is escaped, in the help too."""
    for arguments, expected in (
        ([path, "[{'é': 1}]", "--csv"], b"\\xe9\n1\n"),
        (["--help"], b"--key TABLE=COLUMN,\\u2026"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "sqlsoup", *arguments],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
        )
        assert expected in done.stdout


# changes


def test_changes_are_rolled_back(command, path, lite):
    """What an expression changes is not kept, and that is said."""
    assert command(path, "db.tags.insert(word='new')", "--jsonl") == (
        0,
        '{"word": "new"}\n',
        NOT_KEPT,
    )
    assert command(path, "db.tags.delete()") == (0, "2\n", NOT_KEPT)
    assert command(path, "db.execute('UPDATE tags SET word = 1 WHERE word = :w', w='hot')") == (
        0,
        "1\n",
        NOT_KEPT,
    )
    assert command(path, "db.execute('/* none */ DELETE FROM tags WHERE word = 1')") == (
        0,
        "0\n",
        "",
    )
    with lite.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM tags").scalar_one() == 2


def test_commit(command, path, lite):
    """--commit keeps the changes; a row has its generated key."""
    assert command(path, "db.books.insert(title='New')", "--commit", "--csv") == (
        0,
        "id,title,year\n4,New,\n",
        "",
    )
    with lite.connect() as connection:
        titles = connection.exec_driver_sql("SELECT title FROM books WHERE id = 4").scalars().all()
    assert titles == ["New"]


def test_nothing_is_committed_if_the_output_fails(command, path, lite, tmp_path):
    """What cannot be written is not kept either."""
    where = tmp_path / "none" / "file"
    status, _, err = command(path, "db.tags.delete()", "--commit", "-o", where)
    assert (status, err) == (2, f"sqlsoup: cannot write '{where}': No such file or directory\n")
    with lite.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM tags").scalar_one() == 2


def test_definitions(command, url, engine):
    """Definitions are rolled back where the database does so, and only there is that said."""
    assert command(url, "db.execute('CREATE TABLE extra (i INTEGER)')") == (
        0,
        "0\n" if engine.dialect.name == "mysql" else "",
        NOT_KEPT if engine.dialect.name == "postgresql" else "",
    )
    assert sa.inspect(engine).has_table("extra") == (engine.dialect.name != "postgresql")


def test_changes_before_a_rollback(command, path):
    """Nothing is said of what the expression itself rolled back or committed."""
    deleted = "(db.tags.filter_by(word='x').delete(), db.tags.delete(), db.{}())[:1]"
    assert command(path, deleted.format("rollback"), "--jsonl") == (0, "0\n", "")
    assert command(path, deleted.format("commit"), "--jsonl") == (0, "0\n", "")
    with_select = "db.execute('WITH t AS (SELECT 1 AS a) SELECT * FROM t')"
    assert command(path, with_select, "--csv") == (0, "a\n1\n", "")


# files


def test_file(command, path, tmp_path):
    """-o writes a file in UTF-8; its suffix may tell the form."""
    file = tmp_path / "books"
    for name, options, expected in (
        ("books.csv", [], BOOKS),
        ("books.jsonl", [], '{"word": "é"}\n'),
        ("BOOKS.JSONL", [], '{"word": "é"}\n'),
        ("books.json", [], '[\n{"word": "é"}\n]\n'),
        ("books.json", ["--csv"], "word\né\n"),
        ("books", [], "word\n----\né\n(1 row)\n"),
    ):
        file = tmp_path / name
        expression = "db.books" if expected is BOOKS else "[{'word': 'é'}]"
        assert command(path, expression, "-o", file, *options) == (0, "", "")
        assert file.read_text("utf-8") == expected


def test_file_that_is_a_database(command, path):
    """The database that was asked, or another, is not replaced by what it gave."""
    before = Path(path).read_bytes()
    message = f"sqlsoup: {path!r} is a SQLite database, which the output would replace\n"
    assert command(path, "db.tags", "--csv", "-o", path) == (2, "", message)
    assert Path(path).read_bytes() == before


def test_file_is_replaced_when_it_is_whole(command, path, tmp_path):
    """A file keeps its content and its mode if the new one fails half way."""
    file = tmp_path / "link.csv"
    (tmp_path / "tags.csv").write_text("old")
    (tmp_path / "tags.csv").chmod(0o640)
    file.symlink_to("tags.csv")
    failing = "({'a': 1 / (2 - n)} for n in range(9))"
    status, _, err = command(path, failing, "-o", file)
    assert (status, err) == (2, "sqlsoup: ZeroDivisionError: division by zero\n")
    assert file.read_text() == "old"
    assert command(path, "db.tags", "-o", file)[0] == 0
    assert file.read_text() == "word\nfood\nhot\n"
    assert (tmp_path / "tags.csv").stat().st_mode & 0o777 == 0o640
    assert file.is_symlink()
    assert {p.name for p in tmp_path.iterdir()} == {"lite.db", "link.csv", "tags.csv"}


def test_device(command, path):
    """A device or a pipe is written to as it is."""
    assert command(path, "db.tags", "-o", os.devnull) == (0, "", "")
    assert not Path(os.devnull).is_file()


def test_standard_output_by_name(command, path, tmp_path):
    """- and /dev/stdout are standard output, and nothing that it goes to is replaced."""
    for name in ("-", "/dev/stdout"):
        assert command(path, "db.tags", "--csv", "-o", name) == (0, "word\nfood\nhot\n", "")
        file = tmp_path / "log"
        file.write_text("earlier\n")
        with file.open("a") as log:
            subprocess.run(
                [sys.executable, "-m", "sqlsoup", path, "db.tags.count()", "-o", name],
                stdout=log,
                check=True,
            )
        assert file.read_text() == "earlier\n2\n"


def test_pipe_by_name(path):
    """A pipe that a shell names is written to."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as pipe:
        subprocess.run(
            [sys.executable, "-m", "sqlsoup", path, "db.tags", "-o", f"/dev/fd/{writing}"],
            pass_fds=[writing],
            check=True,
        )
        os.close(writing)
        assert pipe.read().startswith("word\n----\nfood\n")


def test_without_standard_output(path, tmp_path, monkeypatch, capsys):
    """Where it is closed a file can be written, and all else is an error."""
    file = tmp_path / "tags.csv"
    monkeypatch.setattr(sys, "stdout", None)
    assert main([path, "db.tags", "-o", str(file)]) == 0
    assert file.read_text() == "word\nfood\nhot\n"
    for options in (["db.tags"], ["db.tags", "--csv"], ["--tables"], ["--describe", "tags"]):
        assert main([path, *options]) == 2
        assert capsys.readouterr().err == "sqlsoup: standard output is closed\n"


# what is wrong


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("db.boks", "boks: there is no table or view of this name; did you mean 'books'?"),
        (
            "db.books.filter(db.books.titel == 'x')",
            (
                "'MappedBooks' has no column, relationship or query method 'titel'; "
                "did you mean 'title'?"
            ),
        ),
        (
            "db.books.xyz",
            (
                "'MappedBooks' has no column, relationship or query method 'xyz'; "
                "it has the columns id, title, year"
            ),
        ),
        ("None.xyz", "'NoneType' object has no attribute 'xyz'"),
        ("dbb.books", "name 'dbb' is not defined; did you mean 'db'?"),
        (
            "db.books.filter(",
            (
                "no expression of Python: '(' was never closed; "
                "the console, which sqlsoup URL opens, takes statements too"
            ),
        ),
        (
            "SELECT * FROM books",
            'no expression of Python: invalid syntax; SQL is run by db.execute("…")',
        ),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("db.books.all", "the expression gives a function; to call it, write all()"),
        (
            "db.visits",
            (
                "table 'visits' does not have a primary key defined; name columns that tell its "
                "rows apart, as in --key visits=day,n; it has the columns day, n"
            ),
        ),
        (
            "[db.tags.first(), db.books.get(1)]",
            "MappedBooks(id=1,title='Mustards',year=1989) has other columns than the first row",
        ),
    ],
)
def test_bad_expression(fails, expression, message):
    """A mistake in an expression is one line with the way out, and status 2."""
    assert fails(expression) == message


def test_rows_of_several_kinds(fails, gives, command, path):
    """Rows of several kinds have no common columns; JSON takes them as they are."""
    rows = "[db.tags.first(), db.books.get(1)]"
    status, _, err = command(path, rows, "--csv")
    assert (status, err) == (
        2,
        "sqlsoup: the rows differ in columns, as those of CSV cannot; --jsonl takes them\n",
    )
    assert gives(rows, "--jsonl").splitlines() == [
        '{"word": "food"}',
        '{"id": 1, "title": "Mustards", "year": 1989}',
    ]
    assert gives("[1, db.tags.first()]").splitlines()[2:] == [
        "1",
        "MappedTags(word='food')",
        "(2 rows)",
    ]
    assert fails("db.execute('SELECT 1 AS a, 2 AS a')", "--json") == (
        "two columns are named 'a'; give one of them a label"
    )


def test_failure_outside_an_expression(command, path, lite):
    """So is what the database refuses when tables are listed."""
    run(
        lite,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = 'x' WHERE name = 'tags'",
    )
    lite.dispose()
    status, out, err = command(path, "--tables")
    assert (status, out) == (1, "")
    assert err.startswith("sqlsoup: malformed database schema (tags)")


def test_failed_statement(fails, url, engine):
    """A statement that the database refuses is its message, and status 1."""
    said = fails("db.execute('SELEC 1')", status=1, where=url)
    assert said.startswith(
        {
            "sqlite": 'near "SELEC": syntax error',
            "postgresql": 'syntax error at or near "SELEC"\nLINE 1: SELEC 1\n',
            "mysql": "You have an error in your SQL syntax; ",
        }[engine.dialect.name]
    )


def test_failed_statement_of_sqlite(fails):
    """So is one of a flush, and one that lacks a parameter."""
    assert fails("db.execute('SELECT nope FROM books')", status=1) == "no such column: nope"
    assert fails("db.users.insert(name='Ada')", status=1) == (
        "UNIQUE constraint failed: users.name"
    )
    assert fails("db.execute('SELECT :a')", status=1) == (
        "A value is required for bind parameter 'a'"
    )


def test_warnings(command, path):
    """A warning is a line of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        status, out, err = command(path, "db.tags.insert(word='x', wrod='y')", "--jsonl")
    assert (status, out) == (0, '{"word": "x"}\n')
    assert err == (
        "sqlsoup: warning: MappedTags has no column or relationship 'wrod', it is not stored; "
        f"did you mean 'word'?\n{NOT_KEPT}"
    )


def test_no_such_file(fails, path, tmp_path, monkeypatch):
    """A file that is not there is not made, whichever way it is named."""
    monkeypatch.chdir(tmp_path)
    near = "there is no file {!r}; did you mean 'lite.db'?"
    url_hint = "; a database that is no file has a URL, as postgresql://user@host/name"
    for where, message in (
        ("liter.db", near.format("liter.db")),
        ("sqlite:///liter.db", near.format("liter.db")),
        ("sqlite:///file:liter.db?uri=true&mode=rwc", near.format("liter.db")),
        ("library", f"there is no file 'library'{url_hint}"),
        ("none/lite.db", f"there is no file 'none/lite.db'{url_hint}"),
        ("sqlite:///none/lite.db", "there is no file 'none/lite.db'"),
        (".", "'.' is a folder"),
        ("", f"the URL is empty{url_hint}"),
        (
            "sqlite://lite.db",
            "SQLite has no host 'lite.db'; a file has three slashes, sqlite:///lite.db",
        ),
        ("sqlite://a/b.db", "SQLite has no host 'a'; a file has three slashes, sqlite:///a/b.db"),
        ("me:gehe@im@host/name", f"there is no file 'me:***@host/name'{url_hint}"),
    ):
        assert fails("db.tags", where=where) == message
    assert [file.name for file in tmp_path.iterdir()] == ["lite.db"]


def test_file_of_something_else(fails, tmp_path):
    """A file that is no database of SQLite is one line."""
    other = tmp_path / "other.txt"
    other.write_text("some text that is long enough")
    assert fails("db", where=other) == f"'{other}' is no SQLite database"


def test_file_that_cannot_be_read(fails, tmp_path, monkeypatch):
    """So is one that may not be read."""
    other = tmp_path / "other.db"
    other.touch()

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert fails("db", where=other) == f"cannot read '{other}': Permission denied"


@pytest.mark.filterwarnings("ignore:Selection of the SingletonThreadPool")
def test_databases_without_a_file(command, tmp_path):
    """A database in memory, an empty file and a URI of SQLite are databases."""
    empty = tmp_path / "empty.db"
    empty.touch()
    for where in (
        "sqlite://",
        "sqlite:///:memory:",
        f"sqlite:///{empty}",
        f"sqlite:///file:{empty}?uri=true",
        "sqlite:///file:x?mode=memory&uri=true",
    ):
        assert command(where, "list(db)", "--json") == (0, "[]\n", "")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgres://me:geheim@h/x", "no database or driver is called 'postgres'; did you mean"),
        ("mysql+nothing://me:geheim@h/x", "no database or driver is called 'mysql+nothing'"),
        ("postgresql://me:geheim@h:port/x", "this is no URL such as postgresql://user@host:5432/"),
        ("sqlite+pysqlcipher:////etc/passwd", "the driver for sqlite+pysqlcipher:// is not"),
        ("oracle+oracledb://me:geheim@h/x", "the driver for oracle+oracledb:// is not installed"),
        (
            "postgresql+psycopg2://me:geheim@127.0.0.1:1/x?application_name=geheim",
            "cannot connect to postgresql+psycopg2://me:***@127.0.0.1:1/x?application_name=***: ",
        ),
        (
            "mysql+pymysql://me:geheim@127.0.0.1:1/x",
            (
                "cannot connect to mysql+pymysql://me:***@127.0.0.1:1/x: "
                "Can't connect to MySQL server on '127.0.0.1' ([Errno 111] Connection refused); "
                "look at the parts of the URL"
            ),
        ),
        (
            "mysql+pymysql://me:geheim@127.0.0.1:1/x?nonsense=geheim",
            "cannot connect to mysql+pymysql://me:***@127.0.0.1:1/x?nonsense=***: ",
        ),
    ],
)
def test_no_such_database(fails, url, message):
    """A URL, driver or server that is not there is one line, which shows no secret."""
    said = fails("db", where=url)
    assert said.startswith(message)
    assert "\n" not in said
    assert "geheim" not in said


def test_schema(command, url, engine, other_schema, fails):
    """--schema is where tables are looked up; one that is not there is an error."""
    if engine.dialect.name == "sqlite":  # which attaches it to the other engine alone
        assert fails("db", "--schema", "nope", where=url) == (
            "there is no schema 'nope'; there are main"
        )
        return
    if engine.dialect.name == "postgresql":  # which does not list its own among the others
        found = command(url, "'pg_am' in db", "--schema", "pg_catalog")
        assert found == (0, "True\n", "")
    run(engine, f"CREATE TABLE {other_schema}.staff (id INTEGER PRIMARY KEY)")
    listed = command(url, "list(db)", "--schema", other_schema, "--jsonl")
    assert listed == (0, '"staff"\n', "")
    assert command(url, "db.staff", "--schema", other_schema, "--csv") == (0, "id\n", "")
    assert fails("db", "--schema", f"{other_schema}x", where=url) == (
        f"there is no schema '{other_schema}x'; did you mean '{other_schema}'?"
    )


def test_no_database(command, url, engine):
    """A URL of MariaDB without a database lists nothing, and says why."""
    if engine.dialect.name != "mysql":
        return
    where = sa.make_url(url).set(database="").render_as_string(hide_password=False)
    for options in (["--tables"], ["--tables", "--csv"], ["list(db)"]):
        status, out, err = command(where, *options)
        assert (status, out) == (2, "")
        assert err.startswith("sqlsoup: the connection is to no database: put its name at the end")


def test_key(gives, fails):
    """--key names the key of a table that has none."""
    assert gives("db.visits.get((2, 5))", "--csv", "--key", "visits=day,n") == "day,n\n2,5\n"
    assert fails("db.visits", "--key", "visits=dya") == (
        "'visits' has no column 'dya' for its primary key; did you mean 'day'?"
    )
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert fails("db.visits", "--key", "vists=day") == (
            "--key vists: there is no table or view of this name; did you mean 'visits'?"
        )
    assert warned == []
    for key in ("visits", "visits=", "=day"):
        assert fails("db", "--key", key) == (
            f"--key {key!r} is not TABLE=COLUMN or TABLE=COLUMN,COLUMN"
        )


def test_key_of_another_schema(command, fails, url, engine, other_schema):
    """The message of a table without a key shows the option for it, with its schema."""
    if engine.dialect.name == "sqlite":
        return
    run(engine, f"CREATE TABLE {other_schema}.log (id INTEGER, line VARCHAR(9))")
    name = f"{other_schema}.log"
    said = fails(f"db[{name!r}]", where=url)
    assert f"as in --key {name}=id,line; it has" in said
    assert command(url, f"db[{name!r}]", "--key", f"{name}=id", "--csv") == (0, "id,line\n", "")


# how it ends


@pytest.fixture
def endless(path):
    """The command while it writes rows without end, after the first."""
    with subprocess.Popen(
        [sys.executable, "-m", "sqlsoup", path, "({'n': n} for n in range(10**9))", "--jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stdout.readline() == b'{"n": 0}\n'
        yield program


def test_broken_pipe(endless):
    """When nobody reads the output any more it ends quietly."""
    endless.stdout.close()
    assert endless.stderr.read() == b""
    assert endless.wait() == 141


def test_interrupt(endless, command, path):
    """Ctrl-C ends it quietly."""
    assert command(path, "(_ for _ in ()).throw(KeyboardInterrupt)") == (130, "", "")
    endless.send_signal(signal.SIGINT)
    assert endless.communicate()[1] == b""
    assert endless.returncode == 130


LONG = {
    "sqlite": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT 1 FROM c) SELECT count(*) FROM c",
    "postgresql": "SELECT pg_sleep(600)",
    "mysql": "SELECT sleep(600)",
}


@pytest.mark.parametrize("driver", ["", "psycopg"])
def test_interrupt_of_a_statement(driver, url, engine):
    """Ctrl-C ends a statement at once, and rolls back, whatever the driver does meanwhile."""
    if driver:
        if engine.dialect.name != "postgresql":
            return
        url = url.replace("psycopg2", driver)
    statements = f"print('now', flush=True), db.execute({LONG[engine.dialect.name]!r}).all()"
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "sqlsoup",
            url,
            f"(db.book_tags.delete(), {statements})",
            "--commit",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stdout.readline() == b"now\n"
        time.sleep(0.3)
        program.send_signal(signal.SIGINT)
        assert program.communicate(timeout=30) == (b"", b"")
        assert program.returncode == 130
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM book_tags").scalar_one() == 3


def test_what_an_interrupt_leaves(lite):
    """SQLite has rolled back then, so a session is asked to do so too; other errors are its own."""
    db = opened(lite.url.database, None, (), None)
    db.tags.delete()
    with pytest.raises(OperationalError, match="no such table: missing"):
        db.execute("SELECT * FROM missing")
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            db.execute(LONG["sqlite"])
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(PendingRollbackError):
        db.commit()
    db.rollback()
    assert db.tags.count() == 2
    closed(db)


@pytest.fixture
def silent():
    """The URL of a server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql+psycopg2://me@127.0.0.1:{server.getsockname()[1]}/x"


def test_time_out_of_a_connection(command, silent):
    """A time-out of the URL holds, also where the wait is one that Ctrl-C can end."""
    status, _, err = command(f"{silent}?connect_timeout=1", "db.tags")
    assert (status, "timeout expired; look at the parts" in err) == (2, True)


def test_interrupt_of_a_connection(silent):
    """Ctrl-C ends the wait for a server that does not answer."""
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "sqlsoup", silent, "db.tags"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        while "psycopg2" not in program.stderr.readline():
            pass
        time.sleep(1)
        program.send_signal(signal.SIGINT)
        assert "Traceback" not in program.communicate(timeout=30)[1]
        assert program.returncode == 130


@pytest.mark.parametrize("ending", ["BrokenPipeError", "KeyboardInterrupt", "ValueError"])
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_nothing_is_left_open(ending, form, path, lite, monkeypatch, caplog):
    """Rows that are not read to the end are let go of before the database is closed."""
    numbers = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000)"
    run(
        lite,
        "CREATE TABLE many (n INTEGER PRIMARY KEY)",
        f"{numbers} INSERT INTO many SELECT n FROM c",
    )

    class Output(io.StringIO):
        """An output that fails at its third line."""

        def write(self, text):
            if self.getvalue().count("\n") > 2:
                raise getattr(builtins, ending)
            return super().write(text)

    monkeypatch.setattr(sys, "stdout", Output())
    options = [] if form == "table" else [f"--{form}"]
    assert main([path, "db.many", *options]) != 0
    assert caplog.text == ""


# on a terminal


@pytest.mark.parametrize(
    ("expression", "options", "expected"),
    [
        ("'red \\x1b[31m\\x9b\\r, tab\\t, line\\n'", [], "red \\x1b[31m\\x9b\\r, tab\t, line\n\n"),
        ("[{'a': 'b\\x1b'}]", ["--csv"], "a\nb\\x1b\n"),
        ("['\\x9b']", ["--jsonl"], '"\\x9b"\n'),
        ("[{'a': 'b\\x1b'}]", [], "a\n-----\nb\\x1b\n(1 row)\n"),
    ],
)
def test_control_characters(expression, options, expected, path, monkeypatch, gives):
    """No value can move the cursor of a terminal; elsewhere a text is what it is."""
    if options:
        assert ("\x1b" in gives(expression, *options)) == ("x1b" in expression)
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    assert main([path, expression, *options]) == 0
    assert out.getvalue() == expected


def test_control_characters_of_a_message(fails):
    """Nor can a message."""
    assert fails(r"db['\x1b']") == r"\x1b: there is no table or view of this name"


# progress


class Terminal(io.StringIO):
    """Standard output or error, as a terminal."""

    def isatty(self):
        """Say so."""
        return True


def watched(monkeypatch, patience=0.0):
    """Make standard error a terminal, with this patience; not in a fixture, which capsys undoes."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(_target, "_PATIENCE", patience)
    monkeypatch.setattr(_target, "_PACE", 0.0)
    return terminal


def test_plain_counts(command, path, monkeypatch):
    """Without a library, rows are counted on a terminal, and the count is wiped at the end."""
    terminal = watched(monkeypatch)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert command(path, "range(1000)", "--jsonl")[1].count("\n") == 1000
    counts = "".join(f"\r{n:,} rows" for n in range(100, 1001, 100))
    assert terminal.getvalue() == f"{counts}\r\x1b[K"


def test_no_counts_for_what_is_fast(command, path, monkeypatch, tmp_path):
    """Nothing is counted before its time."""
    terminal = watched(monkeypatch, 60.0)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    file = tmp_path / "file.jsonl"
    assert command(path, "range(1000)", "-o", file) == (0, "", "")
    assert file.read_text().count("\n") == 1000
    assert terminal.getvalue() == ""


def test_progress_bar(command, path, monkeypatch):
    """With tqdm there is a bar, which is wiped at the end."""
    terminal = watched(monkeypatch)
    assert command(path, "range(1000)")[1].splitlines()[-1] == "(1,000 rows)"
    assert " rows [00:00" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r")


def test_no_progress_between_rows_on_a_terminal(command, path, monkeypatch):
    """Where the rows themselves go to the terminal, nothing is counted."""
    terminal = watched(monkeypatch)
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    assert command(path, "range(1000)", "--jsonl")[0] == 0
    assert out.getvalue().count("\n") == 1000
    assert terminal.getvalue() == ""
