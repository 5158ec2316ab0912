"""Modules that tell editors and type checkers which tables and columns there are.

What type checkers make of such a module is checked in ``tests/typecheck``.  The modules there are
those that these tests write.
"""

from __future__ import annotations

import ast
import datetime
import decimal
import importlib.util
import uuid
from collections.abc import Callable, Iterator
from inspect import isroutine
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import sqlalchemy as sa
from conftest import break_a_view, empty, run
from sqlalchemy.orm import Query, scoped_session, sessionmaker

import sqlsoup
from sqlsoup import SQLSoup
from sqlsoup.command import main
from sqlsoup.command._problems import Problem
from sqlsoup.command._types import check_types, write_types

WRITTEN = Path(__file__).parent / "typecheck"

SHOP = """
CREATE TABLE users (
    name VARCHAR(40) PRIMARY KEY, email VARCHAR(60), admin INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE books (
    id INTEGER PRIMARY KEY, title VARCHAR(60) NOT NULL, year INTEGER, price NUMERIC(6, 2),
    added TIMESTAMP NULL
);
CREATE TABLE loans (
    book_id INTEGER PRIMARY KEY, user_name VARCHAR(40), due DATE NOT NULL,
    FOREIGN KEY (book_id) REFERENCES books (id), FOREIGN KEY (user_name) REFERENCES users (name)
);
CREATE TABLE tags (word VARCHAR(20) PRIMARY KEY);
CREATE TABLE book_tags (
    book_id INTEGER NOT NULL, word VARCHAR(20) NOT NULL, PRIMARY KEY (book_id, word),
    FOREIGN KEY (book_id) REFERENCES books (id), FOREIGN KEY (word) REFERENCES tags (word)
);
CREATE TABLE "order items" (
    id INTEGER PRIMARY KEY, "item no." INTEGER NOT NULL, "class" VARCHAR(10),
    count INTEGER NOT NULL, book_id INTEGER NOT NULL, FOREIGN KEY (book_id) REFERENCES books (id)
);
CREATE TABLE visits (day DATE, n INTEGER);
CREATE VIEW report AS SELECT year, price FROM books
"""

HIDING = [
    *("c", "cls", "self", "values", "count", "first", "filter", "filter_by", "insert", "session"),
    *("columns", "statement", "mro", "items", "keys", "date", "datetime", "decimal", "int", "str"),
    *("list", "type", "bytes", "Any", "Mapped", "typed", "builtins", "Query", "Unpack"),
]
"""Names of columns that are used for something else in a module or in the class of a row."""

ODD = f"""
CREATE TABLE hiding (
    id INTEGER PRIMARY KEY, {", ".join(f'"{name}" INTEGER NOT NULL' for name in HIDING)},
    day DATE NOT NULL, price NUMERIC(6, 2) NOT NULL, text VARCHAR(9) NOT NULL, other_id INTEGER,
    "__odd" INTEGER, FOREIGN KEY (other_id) REFERENCES hiding (id)
);
CREATE TABLE plain (id INTEGER PRIMARY KEY, text TEXT, list_id INTEGER REFERENCES "type" (id));
CREATE TABLE "type" (id INTEGER PRIMARY KEY);
CREATE TABLE session (id INTEGER PRIMARY KEY);
CREATE TABLE odd (id INTEGER PRIMARY KEY);
CREATE TABLE "2019 sales" (id INTEGER PRIMARY KEY);
CREATE TABLE none (id INTEGER PRIMARY KEY);
CREATE TABLE "%" (id INTEGER PRIMARY KEY);
CREATE TABLE "plain values" (id INTEGER PRIMARY KEY);
CREATE TABLE plain_values (id INTEGER PRIMARY KEY);
CREATE TABLE "it's ""x"" \\" (id INTEGER PRIMARY KEY);
CREATE TABLE "ﬁle" (id INTEGER PRIMARY KEY);
CREATE TABLE größe (id INTEGER PRIMARY KEY);
CREATE TABLE sqlsoup (id INTEGER PRIMARY KEY)
"""


KEYS = {"report": ["year"]}
LEFT_OUT = (
    "table 'visits' does not have a primary key defined; name columns that tell its rows apart, "
    "as in --key visits=day,n; it has the columns day, n"
)


def create(engine: sa.Engine, script: str) -> None:
    """Make tables and views."""
    quote = engine.dialect.identifier_preparer.initial_quote
    run(engine, *script.replace('"', quote).split(";"))


@pytest.fixture
def shop(url: str, make_engine: Callable[..., sa.Engine]) -> Iterator[sa.Engine]:
    """An engine on the database of ``shop.py``, on each of the databases."""
    engine = make_engine(url)
    create(engine, SHOP)
    yield engine
    sqlsoup.Session.remove()
    if engine.dialect.name != "sqlite":
        empty(engine)


@pytest.fixture
def small(tmp_path: Path, make_engine: Callable[..., sa.Engine]) -> Iterator[sa.Engine]:
    """An engine on an empty database, on SQLite alone."""
    yield make_engine(f"sqlite:///{tmp_path}/small.db")
    sqlsoup.Session.remove()


def related(engine: sa.Engine, **options: Any) -> SQLSoup:
    """A SQLSoup as the command makes it."""
    return SQLSoup(engine, relationships=True, **options)


def load(path: Path) -> Any:
    """Import a module from a file."""
    spec: Any = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def annotations(path: Path, name: str) -> dict[str, str]:
    """The annotations in the body of a class of a module."""
    found = next(
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and node.name == name
    )
    return {
        ast.unparse(part.target): ast.unparse(part.annotation)
        for part in found.body
        if isinstance(part, ast.AnnAssign)
    }


# what is written


def test_whole_module(shop: sa.Engine, tmp_path: Path) -> None:
    """The module is the same to the last byte on each of the databases, and each time."""
    path = tmp_path / "shop.py"
    assert write_types(related(shop, primary_keys=KEYS), path) == [LEFT_OUT]
    expected = (WRITTEN / "shop.py").read_bytes()
    assert path.read_bytes() == expected
    assert write_types(related(shop, primary_keys=KEYS), path) == [LEFT_OUT]
    assert path.read_bytes() == expected


def test_odd_names(small: sa.Engine, tmp_path: Path) -> None:
    """Any name can be that of a table or column, those that a module uses itself included."""
    create(small, ODD)
    path = tmp_path / "odd.py"
    assert write_types(related(small), path) == []
    assert path.read_bytes() == (WRITTEN / "odd.py").read_bytes()


def test_any_text_is_a_name(small: sa.Engine, tmp_path: Path) -> None:
    """Quotes, line breaks and what turns the direction of text stay within their strings."""
    names = ['"""', "a\nb = 1", "\u202e#", "\N{DIAERESIS}", "{x}", "\\", "%(x)s", "'", "\x1b[2J"]
    for name in names:
        sa.Table(
            name, sa.MetaData(), *(sa.Column(n, sa.Integer, primary_key=True) for n in names)
        ).create(small)
    path, db = tmp_path / "module.py", related(small)
    write_types(db, path)
    source = path.read_text("utf-8")
    assert all(line.isprintable() for line in source.splitlines())
    assert [type(node) for node in ast.parse(source).body] == [
        *(ast.Expr, ast.ImportFrom, ast.ImportFrom, ast.Import, ast.If)
    ]
    assert sorted(load(path).Module(small)) == sorted(names)


def test_some_tables(shop: sa.Engine, tmp_path: Path) -> None:
    """Tables may be named; a relationship to a table that is not in the module gives anything."""
    path = tmp_path / "shop.py"
    assert write_types(related(shop), path, ["loans", "users", "loans"]) == []
    assert annotations(path, "Shop") == {"loans": "type[Loans]", "users": "type[Users]"}
    assert annotations(path, "Loans")["book"] == "Mapped[Any]"
    assert annotations(path, "Loans")["user"] == "Mapped[Users | None]"
    assert write_types(related(shop), path, ["tags"]) == []
    assert annotations(path, "Tags") == {"word": "Mapped[str]", "books": "Mapped[list[Any]]"}


def test_relationships_are_those_of_the_classes(engine: sa.Engine, tmp_path: Path) -> None:
    """A row has each relationship under the name that relationships=True gives, and of its kind."""
    path, db = tmp_path / "library.py", related(engine)
    write_types(db, path)
    fresh = related(engine)
    for table in annotations(path, "Library"):
        cls: Any = fresh[table]
        names = [n for n in dir(cls) if n in cls._sqlsoup.relationships.names(cls)]
        kinds = {n: isinstance(getattr(cls(), n), list) for n in names}
        fresh.rollback()
        written = annotations(path, annotations(path, "Library")[table][5:-1])
        assert {n: "list[" in kind for n, kind in written.items() if n not in cls.c} == kinds
    assert kinds == {"loans": True, "seats": True}
    assert annotations(path, "Books")["loans"] == "Mapped[Loans | None]"
    assert annotations(path, "Shelves") == {
        "id": "Mapped[int]",
        "title": "Mapped[str | None]",
        "parent_id": "Mapped[int | None]",
        "parent": "Mapped[Shelves | None]",
        "shelves": "Mapped[list[Shelves]]",
    }


def test_without_relationships(shop: sa.Engine, tmp_path: Path) -> None:
    """The module has no relationships if the SQLSoup has none, and makes such a SQLSoup."""
    path = tmp_path / "shop.py"
    write_types(SQLSoup(shop), path)
    assert list(annotations(path, "Loans")) == ["book_id", "user_name", "due"]
    db = load(path).Shop(shop)
    assert not hasattr(db.loans, "user")


def test_relationships_to_what_cannot_be_mapped(small: sa.Engine, tmp_path: Path) -> None:
    """They are left out, as the class does not have them either."""
    run(small, "CREATE TABLE bare (id INTEGER UNIQUE)")
    run(small, "CREATE TABLE child (id INTEGER PRIMARY KEY, bare_id INTEGER REFERENCES bare (id))")
    path = tmp_path / "module.py"
    (left_out,) = write_types(related(small), path)
    assert left_out.startswith("table 'bare' does not have a primary key defined; ")
    assert list(annotations(path, "Child")) == ["id", "bare_id"]
    assert "        # bare cannot be mapped\n" in path.read_text("utf-8")


def test_no_tables(small: sa.Engine, tmp_path: Path) -> None:
    """An empty database makes a module, too."""
    path = tmp_path / "empty.py"
    assert write_types(related(small), path) == []
    assert type(load(path).Empty(small)).__name__ == "Empty"


def test_another_schema(engine: sa.Engine, other_schema: str, tmp_path: Path) -> None:
    """A table of another schema is an item; with a schema set, tables are looked up there."""
    run(engine, f"CREATE TABLE {other_schema}.staff (id INTEGER PRIMARY KEY)")
    path = tmp_path / "shop.py"
    write_types(related(engine), path, ["users", f"{other_schema}.staff"])
    assert list(annotations(path, "Shop")) == ["users"]
    assert f'name: Literal["{other_schema}.staff"]' in path.read_text("utf-8")
    db = related(engine)
    db.schema = other_schema
    write_types(db, path)
    assert annotations(path, "Shop") == {"staff": "type[Staff]"}
    other = load(path).Shop(engine)
    assert other.schema == other_schema
    assert other.staff.all() == []
    assert check_types(other, path) == []


VALUES: dict[str, list[tuple[str, str, str]]] = {
    "sqlite": [
        ("INTEGER", "1", "int"),
        ("BIGINT", "1", "int"),
        ("REAL", "1.5", "float"),
        ("FLOAT", "1.5", "float"),
        ("NUMERIC", "1.5", "decimal.Decimal"),
        ("DECIMAL(9, 2)", "1.5", "decimal.Decimal"),
        ("TEXT", "'x'", "str"),
        ("VARCHAR(9)", "'x'", "str"),
        ("BLOB", "x'00'", "bytes"),
        ("BOOLEAN", "1", "bool"),
        ("DATE", "'2020-02-02'", "datetime.date"),
        ("TIME", "'10:00:00'", "datetime.time"),
        ("DATETIME", "'2020-02-02 10:00:00'", "datetime.datetime"),
        ("TIMESTAMP", "'2020-02-02 10:00:00'", "datetime.datetime"),
        ("JSON", "'[1]'", "Any"),
        ("", "1", "Any"),
    ],
    "postgresql": [
        ("smallint", "1", "int"),
        ("bigint", "1", "int"),
        ("real", "1.5", "float"),
        ("double precision", "1.5", "float"),
        ("numeric(9, 2)", "1.5", "decimal.Decimal"),
        ("text", "'x'", "str"),
        ("char(3)", "'x'", "str"),
        ("bytea", "'x'", "bytes"),
        ("boolean", "true", "bool"),
        ("date", "'2020-02-02'", "datetime.date"),
        ("time", "'10:00'", "datetime.time"),
        ("timestamp", "'2020-02-02 10:00'", "datetime.datetime"),
        ("timestamptz", "'2020-02-02 10:00'", "datetime.datetime"),
        ("interval", "'1 day'", "datetime.timedelta"),
        ("uuid", "'00000000-0000-0000-0000-000000000000'", "uuid.UUID"),
        ("jsonb", "'[1]'", "Any"),
        ("int[]", "'{1,2}'", "list[Any]"),
        ("text[]", "'{x,y}'", "list[Any]"),
        ("int4range", "'[1,2)'", "Any"),
        ("inet", "'::1'", "Any"),
    ],
    "mysql": [
        ("TINYINT", "1", "int"),
        ("BIGINT UNSIGNED", "1", "int"),
        ("FLOAT", "1.5", "float"),
        ("DECIMAL(9, 2)", "1.5", "decimal.Decimal"),
        ("TEXT", "'x'", "str"),
        ("ENUM('x', 'y')", "'x'", "str"),
        ("SET('x', 'y')", "'x,y'", "Any"),
        ("BLOB", "'x'", "bytes"),
        ("VARBINARY(3)", "'x'", "bytes"),
        ("DATE", "'2020-02-02'", "datetime.date"),
        ("DATETIME", "'2020-02-02 10:00'", "datetime.datetime"),
        ("TIME", "'10:00'", "Any"),
        ("TIME(6)", "'-100:00:00.5'", "Any"),
        ("DOUBLE", "1.5", "decimal.Decimal"),
        ("JSON", "'[1]'", "str"),
        ("POINT", "POINT(1, 2)", "bytes"),
        ("YEAR", "2020", "int"),
        ("BIT(3)", "b'101'", "int"),
    ],
}
"""Types, a value of each, and the type that the module gives."""


def test_types(url: str, make_engine: Callable[..., sa.Engine], tmp_path: Path) -> None:
    """A column has the Python type of the values that rows have in it, or else anything."""
    engine = make_engine(url)
    kinds = VALUES[engine.dialect.name]
    columns = ", ".join(f"c{n} {kind} NOT NULL" for n, (kind, _, _) in enumerate(kinds))
    run(
        engine,
        f"CREATE TABLE kinds (id INTEGER PRIMARY KEY, {columns})",
        f"INSERT INTO kinds VALUES (1, {', '.join(value for _, value, _ in kinds)})",
    )
    path, db = tmp_path / "things.py", related(engine)
    write_types(db, path)
    written = annotations(path, "Kinds")
    row: Any = db.kinds.one()
    for n, (kind, _, expected) in enumerate(kinds):
        assert (kind, written[f"c{n}"]) == (kind, f"Mapped[{expected}]")
        names = {"datetime": datetime, "decimal": decimal, "uuid": uuid, "Any": object}
        known: Any = eval(expected, names)
        assert isinstance(getattr(row, f"c{n}"), getattr(known, "__origin__", known)), kind
    db.session.remove()
    run(engine, "DROP TABLE kinds")


# the file


def test_check(shop: sa.Engine, tmp_path: Path) -> None:
    """A module is compared with the database; the difference is a diff, and nothing is written."""
    path = tmp_path / "shop.py"
    write_types(related(shop), path)
    assert check_types(related(shop), path) == []
    run(shop, "ALTER TABLE tags ADD COLUMN note VARCHAR(9)")
    before = path.read_bytes()
    lines = check_types(related(shop), path)
    assert lines[:2] == [f"--- {path}", "+++ the database"]
    assert [line for line in lines[2:] if line[0] in "+-"] == [
        "+        note: Mapped[str | None]",
        "+        note: typed.Value[str | None]",
    ]
    assert path.read_bytes() == before


def test_check_after_a_formatter(shop: sa.Engine, tmp_path: Path) -> None:
    """How the module is formatted makes no difference, and what is no Python at all is compared."""
    path = tmp_path / "shop.py"
    write_types(related(shop), path)
    source = path.read_text("utf-8")
    path.write_text(source.replace("    ", "  ").replace("\n", "\r\n"), "utf-8")
    assert check_types(related(shop), path) == []
    path.write_text(f"<<<<<<<\n{source}", "utf-8")
    assert "-<<<<<<<" in check_types(related(shop), path)


def test_check_of_some_tables(shop: sa.Engine, tmp_path: Path) -> None:
    """A module of some tables is checked with these."""
    path = tmp_path / "shop.py"
    write_types(related(shop), path, ["users"])
    assert check_types(related(shop), path, ["users"]) == []
    assert check_types(related(shop), path) != []


def test_nothing_to_check(small: sa.Engine, tmp_path: Path) -> None:
    """A file that is not there is an error."""
    with pytest.raises(Problem) as caught:
        check_types(related(small), tmp_path / "shop.py")
    assert str(caught.value) == (
        f"there is no {tmp_path}/shop.py to check; write it without --check first"
    )


@pytest.mark.parametrize("name", ["shop", "shop.txt", "my-shop.py", "2shop.py", "class.py"])
def test_no_name_of_a_module(small: sa.Engine, tmp_path: Path, name: str) -> None:
    """A file that could not be imported is an error, and is not written."""
    for function in (write_types, check_types):
        with pytest.raises(Problem) as caught:
            function(related(small), tmp_path / name)
        assert str(caught.value) == (
            f"{tmp_path}/{name} is no name of a module; give one like shop.py"
        )
    assert not (tmp_path / name).exists()


def test_a_file_of_somebody_else(small: sa.Engine, tmp_path: Path) -> None:
    """A file that was written by hand is not overwritten."""
    path = tmp_path / "app.py"
    path.write_text("print('hello')\n")
    with pytest.raises(Problem) as caught:
        write_types(related(small), path)
    assert str(caught.value) == (
        f"{path} is there and was not written by --types; give another name"
    )
    assert path.read_text() == "print('hello')\n"


@pytest.mark.parametrize("name", ["nowhere", "visits"])
def test_a_named_table_that_cannot_be_mapped(shop: sa.Engine, tmp_path: Path, name: str) -> None:
    """A table that is asked for must be there and have a key; nothing is written otherwise."""
    with pytest.raises((sqlsoup.NoSuchTableError, sqlsoup.SQLSoupError)) as caught:
        write_types(related(shop), tmp_path / "shop.py", ["users", name])
    assert name in str(caught.value)
    assert not (tmp_path / "shop.py").exists()


# at run time


def test_at_run_time(shop: sa.Engine, tmp_path: Path) -> None:
    """The class is a SQLSoup that reflects as ever, with relationships and the keys named."""
    module = load(WRITTEN / "shop.py")
    assert module.Shop.__mro__[1:] == SQLSoup.__mro__
    db = module.Shop(shop)
    assert db._cache == {}
    db.users.insert(name="Ada", admin=1)
    book = db.books.insert(id=1, title="Soups", year=1991)
    loan = db.loans.insert(book=book, user=db.users.get("Ada"), due=datetime.date(2026, 1, 1))
    db.commit()
    assert type(loan) is db.loans
    assert loan.user.loans == [loan]
    assert db.users.get("Ada").admin == 1
    assert db.report.one().year == 1991
    assert db["order items"].all() == []
    assert sorted(db) == sorted(related(shop))
    db.loans.relate("reader", db.users)  # and it is as open as ever
    assert loan.reader is loan.user
    assert repr(db) == repr(SQLSoup(shop))


def test_a_view_of_what_is_gone(engine: sa.Engine, tmp_path: Path) -> None:
    """It is left out like what has no key, and the module has the others."""
    if engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL drops no table that a view reads")
    break_a_view(engine)
    path = tmp_path / "shop.py"
    left_out = write_types(SQLSoup(engine), path)
    (reason,) = [text for text in left_out if "broken" in text]
    assert "gone" in reason or "invalid table" in reason
    with pytest.raises(sa.exc.SQLAlchemyError, match=r"gone|invalid table"):
        write_types(SQLSoup(engine), path, ["broken"])
    assert list(annotations(path, "Loans"))[:1] == ["book_id"]


def test_options_at_run_time(shop: sa.Engine) -> None:
    """The options of SQLSoup can be given, and come before those of the module."""
    session = scoped_session(sessionmaker())
    db = load(WRITTEN / "shop.py").Shop(
        shop, session=session, relationships=False, primary_keys={"visits": ["day"]}
    )
    assert db.session is session
    assert db.visits.all() == []
    assert not hasattr(db.loans, "user")
    session.remove()


def test_names_of_rows_at_run_time() -> None:
    """Names that type checkers know stand in annotations at run time, where they mean nothing."""
    module = load(WRITTEN / "shop.py")
    scope = vars(module)
    exec("def greet(user: Users | None, values: UsersValues) -> list[Loans]: ...", scope)
    assert get_type_hints(scope["greet"]) == {
        "user": Any | None,
        "values": Any,
        "return": list[Any],
    }


def test_nothing_else_at_run_time() -> None:
    """What the module is made of for type checkers is not there at run time."""
    module = load(WRITTEN / "shop.py")
    names = {name for name in vars(module) if not name.startswith("__")}
    assert {name for name in names if getattr(module, name) is not Any} == {
        "Shop",
        "TYPE_CHECKING",
        "annotations",
        "sqlsoup",
    }
    public = {name for name in vars(importlib.import_module("sqlsoup.typed")) if name[0] != "_"}
    assert public == {"TYPE_CHECKING", "annotations"}


def test_every_method_of_queries_is_typed() -> None:
    """The class of a row has every documented method of SQLAlchemy's Query for type checkers."""
    tree = ast.parse(Path(sqlsoup.__file__).with_name("typed.py").read_text("utf-8"))
    typed = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    methods = {name for name in dir(Query) if name[0] != "_" and isroutine(getattr(Query, name))}
    # the first two are those of sqlsoup and of each module, the others are not documented
    assert methods - typed == {"delete", "filter_by", "get_children", "memoized_instancemethod"}


# the command


def test_command(shop: sa.Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``sqlsoup URL --types FILE`` writes the module, and tells what is not in it."""
    path = tmp_path / "shop.py"
    url = shop.url.render_as_string(hide_password=False)
    assert main([url, "--key", "report=year", "--types", str(path)]) == 0
    assert path.read_bytes() == (WRITTEN / "shop.py").read_bytes()
    assert capsys.readouterr() == ("", f"sqlsoup: left out: {LEFT_OUT}\n")
    assert main([url, "--types", str(path), "users", "loans"]) == 0
    assert list(annotations(path, "Shop")) == ["loans", "users"]
    assert capsys.readouterr() == ("", "")


def test_command_checks(
    shop: sa.Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --check it prints the differences and ends with status 1; without any it is quiet."""
    path = tmp_path / "shop.py"
    url = shop.url.render_as_string(hide_password=False)
    assert main([url, "--types", str(path), "users"]) == 0
    assert main([url, "--types", str(path), "users", "--check"]) == 0
    assert capsys.readouterr() == ("", "")
    path.write_text(path.read_text("utf-8").replace("email: Mapped[str | None]", "mail: int"))
    assert main([url, "--check", "--types", str(path), "users"]) == 1
    out, err = capsys.readouterr()
    assert [line for line in out.splitlines()[2:] if line[0] in "+-"] == [
        "-        mail: int",
        "+        email: Mapped[str | None]",
    ]
    assert err == f"sqlsoup: {path} differs from the database; write it again\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["shop.txt"], "shop.txt is no name of a module; give one like shop.py"),
        (["shop.py", "--check"], "there is no shop.py to check; write it without --check first"),
        (["no/shop.py"], "cannot write 'no/shop.py': No such file or directory"),
        (["shop.py", "tag"], "tag: there is no table or view of this name; did you mean 'tags'?"),
        (["shop.py", "visits"], LEFT_OUT),
    ],
)
def test_command_fails(
    shop: sa.Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    """What is wrong is one line, the status is 2, and no file is written."""
    monkeypatch.chdir(tmp_path)
    url = shop.url.render_as_string(hide_password=False)
    assert main([url, "--types", *arguments]) == 2
    assert capsys.readouterr() == ("", f"sqlsoup: {message}\n")
    assert list(tmp_path.glob("*shop*")) == []
