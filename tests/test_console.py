"""The console of the command: in a pseudo-terminal, with the tab key; with and without IPython."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import termios
import time
from pathlib import Path
from select import select

import pytest
from conftest import run

import sqlsoup
from sqlsoup.command import main
from sqlsoup.command._complete import Completer
from sqlsoup.command._console import _display, _use_readline
from sqlsoup.command._once import names_for

WITHOUT_IPYTHON = (
    "import sys; sys.modules['IPython'] = None; from importlib import util; "
    "find = util.find_spec; util.find_spec = lambda n, *a: None if n == 'IPython' else find(n, *a);"
    "from sqlsoup.command import main; sys.exit(main())"
)
ROLLED_BACK = "Changes that were not committed are rolled back."


class Terminal:
    """A program that runs in a terminal of its own."""

    def __init__(self, arguments, folder):
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (40, 100))
        environment = {
            **os.environ,
            "HOME": str(folder),
            "IPYTHONDIR": str(folder / "ipython"),
            "TERM": "xterm",
            "PROMPT_TOOLKIT_NO_CPR": "1",
            "INPUTRC": os.devnull,
        }
        environment.pop("COLUMNS", None)
        self.program = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self._seen = ""

    def send(self, text):
        """Type a text."""
        os.write(self._master, text.encode())

    def until(self, expected, patience=30):
        """Return what is printed up to a text."""
        end = time.monotonic() + patience
        while expected not in self._seen:
            ready, _, _ = select([self._master], [], [], max(end - time.monotonic(), 0))
            assert ready, f"{expected!r} is not in {self._seen!r}"
            self._read()
        before, _, self._seen = self._seen.partition(expected)
        return before

    def _read(self):
        try:
            read = os.read(self._master, 65536)
        except OSError:  # the program has ended
            read = b""
        assert read, f"it ended after {self._seen!r}"
        text = read.decode(errors="replace").replace("\r", "")
        self._seen += re.sub(r"\x1b(\[[0-9;?]*[ -/]*[A-Za-z]|\][^\x07]*\x07|[=>])", "", text)

    def close(self):
        """Wait for the end of the program, and return its status."""
        try:
            return self.program.wait(30)
        finally:
            self.program.kill()
            self.program.wait()
            os.close(self._master)


@pytest.fixture
def path(lite):
    """The path of a library that has a view without a key, and a table with an odd name."""
    run(
        lite,
        "CREATE VIEW per_year AS SELECT year, count(*) AS n FROM books GROUP BY year",
        'CREATE TABLE "order items" (id INTEGER PRIMARY KEY, price INTEGER, "a b" INTEGER)',
    )
    return lite.url.database


def test_python(path, tmp_path):
    """Python's console knows db, completes tables, items and columns, and rolls back at the end."""
    terminal = Terminal(["-c", WITHOUT_IPYTHON, path], tmp_path)
    banner = terminal.until(">>> ")
    assert f"SQLSoup {sqlsoup.__version__}, SQLAlchemy " in banner
    assert f"db is sqlite:///{path}: 9 tables, 1 view\n" in banner
    terminal.send("db.per\t")
    terminal.until("db.per_year")
    terminal.send('\x15db["order \t')
    terminal.until('db["order items"]')
    terminal.send("\x15db.books.tit\t")
    terminal.until("db.books.title")
    terminal.send("\x15db._cache\n")
    terminal.until("{}\n>>> ")
    terminal.send("db.tags\n")
    assert terminal.until("(2 rows)\n>>> ").endswith("\nword\n----\nfood\nhot\n")
    for quote in "\"'":
        terminal.send(f"db[{quote}tag\t is db.tags\n")
        terminal.until(f"{quote}] is db.tags\nTrue\n>>> ")
    terminal.send("db.tags.delete()\n")
    terminal.until("2\n>>> ")
    terminal.send("\x04")
    terminal.until(ROLLED_BACK)
    assert terminal.close() == 0
    assert (tmp_path / ".sqlsoup_history").read_text().splitlines()[-1] == "db.tags.delete()"


def test_python_with_history(path, tmp_path):
    """The console has the lines of the one before; exit() gives a status."""
    (tmp_path / ".sqlsoup_history").write_text("db.tags.count()\n")
    terminal = Terminal(["-c", WITHOUT_IPYTHON, path], tmp_path)
    terminal.until(">>> ")
    terminal.send("\x1b[A\n")
    terminal.until("db.tags.count()\n2\n>>> ")
    terminal.send("exit(3)\n")
    assert terminal.close() == 3


def test_ipython(path, tmp_path):
    """IPython's console shows tables, completes likewise, and maps none for it."""
    pytest.importorskip("IPython")
    terminal = Terminal(["-m", "sqlsoup", path], tmp_path)
    banner = terminal.until("In [1]: ")
    assert f"db is sqlite:///{path}: 9 tables, 1 view\n" in banner
    assert banner.endswith("exit with Ctrl-D\n\n")
    for typed, completed in (
        ("db.per", "_year"),
        ('db["order i', "tems"),
        ("db.books.tit", "le"),
        ("db.books.filter_by(titl", "e="),
    ):
        terminal.send(typed)
        terminal.until(typed[-1])
        time.sleep(0.3)  # it takes what comes at once for pasted text
        terminal.send("\t")
        terminal.until(completed)
        terminal.send("\x15")
    terminal.send("db._cache\r")
    terminal.until("Out[1]: {}")
    terminal.send("db.tags.filter_by(word='hot')\r")
    terminal.until("word\n----\nhot\n(1 row)")
    terminal.send("db.tags.insert(word='new')\r")
    terminal.until("Out[3]:")
    terminal.send("exit\r")
    terminal.until(ROLLED_BACK)
    assert terminal.close() == 0


def test_from_a_pipe(path):
    """Lines from a pipe are a program, without banner and prompts."""
    done = subprocess.run(
        [sys.executable, "-m", "sqlsoup", path],
        input="tags = db.tags\ntags\ndb.tags.count()\n",
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout.endswith("\nword\n----\nfood\nhot\n(2 rows)\n2\n")


@pytest.mark.parametrize(
    ("program", "out"),
    [
        ("for n in range(2):\n    print(n)\nprint('after')\n", "0\n1\nafter\n"),
        ("with db:\n    gone = db.tags.delete()\n\n    print(gone)", "2\n"),
        ("for n in range(2): n\n", "0\n1\n"),
        ("if __name__ == '__main__':\n    print(__name__)\n", "__main__\n"),
        ("from __future__ import annotations\ndef f(a: b): ...\nprint('late')", "late\n"),
        ("", ""),
    ],
)
def test_program_from_a_pipe(program, out, path, monkeypatch, capsys):
    """A program is what it is in a file: a block ends without an empty line, and not by one."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(program))
    assert main([path]) == 0
    assert capsys.readouterr() == (out, "")


@pytest.mark.parametrize("mistake", ["1 +", "return", "\0"])
def test_program_that_is_none(mistake, path, lite, monkeypatch, capsys):
    """Nothing of a program is run that cannot be."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"db.tags.delete()\ndb.commit()\n{mistake}\n"))
    assert main([path]) == 1
    out, err = capsys.readouterr()
    assert (out, "Error: " in err) == ("", True)
    with lite.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM tags").scalar_one() == 2


def test_end_of_a_program(path, monkeypatch):
    """Ctrl-C and a closed pipe end it, and only what they lose is worth a word."""
    for error, status, change, said in (
        ("KeyboardInterrupt", 130, "", ""),
        ("KeyboardInterrupt", 130, "db.tags.insert(word='a')", f"{ROLLED_BACK}\n"),
        ("BrokenPipeError", 141, "", ""),
    ):
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{change}\nraise {error}\n"))
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        assert main([path]) == status
        assert sys.stderr.getvalue() == said


@pytest.mark.parametrize("mistake", ["1 / 0", "db.nothing"])
def test_error_from_a_pipe(path, lite, mistake):
    """At the first error the program ends, before it commits."""
    done = subprocess.run(
        [sys.executable, "-m", "sqlsoup", path],
        input=f"gone = db.tags.delete()\n{mistake}\ndb.commit()\n",
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Error: " in done.stderr
    assert done.stderr.endswith(f"{ROLLED_BACK}\n")
    with lite.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM tags").scalar_one() == 2


def test_what_is_said_when_it_ends(path, monkeypatch, capsys):
    """Only what is neither committed nor rolled back is worth a word."""
    for lines, said in (
        ("db.tags.all()", ""),
        ("db.tags.insert(word='a')", ROLLED_BACK),
        ("db.tags.first().word = 'b'", ROLLED_BACK),
        ("tag = db.tags.first()\ntag.word = tag.word", ""),
        ("db.delete(db.tags.first())", ROLLED_BACK),
        ("db.tags.insert(word='c')\ndb.flush()", ROLLED_BACK),
        ("db.tags.insert(word='d')\ndb.commit()", ""),
        ("db.tags.insert(word='e')\ndb.rollback()", ""),
        ("raise SystemExit", ""),
    ):
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines + "\n"))
        assert main([path]) == 0
        assert capsys.readouterr().err.strip() == said
        sqlsoup.Session.remove()


def test_status_of_a_program(path, monkeypatch, capsys):
    """A program ends with the status that it gives; a text is an error, as in Python."""
    for code, status, said in (("3", 3, ""), ("None", 0, ""), ("'no tags'", 1, "no tags")):
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"raise SystemExit({code})\n"))
        assert main([path]) == status
        assert capsys.readouterr().err.strip() == said


def test_without_standard_input(path, monkeypatch, capsys):
    """Where it is closed there is no console."""
    monkeypatch.setattr(sys, "stdin", None)
    assert main([path]) == 2
    assert capsys.readouterr().err == "sqlsoup: standard input is closed\n"


def test_without_readline(monkeypatch):
    """Where there is no readline, as on Windows, there is no completion."""
    monkeypatch.setitem(sys.modules, "readline", None)
    assert _use_readline(Completer({})) is None


# completion


@pytest.fixture
def complete(path, soup, monkeypatch):
    """Return what completes a line."""
    monkeypatch.setattr(soup, "session", soup.session)
    completer = Completer({**names_for(soup), "book": object(), "place": os.path})

    def call(line):
        begin, found = completer.matches(line)
        return [line[:begin] + text for text in found]

    return call


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", ["    "]),
        ("db.book", ["db.book_tags", "db.books"]),
        ("print(db.us", ["print(db.users"]),
        ("sqlsoup.as_dicts(db.vis", ["sqlsoup.as_dicts(db.visits"]),
        ('db["order i', ['db["order items"]']),
        ("db['order i", ["db['order items']"]),
        ('db["per', ['db["per_year"]']),
        ('db["nope', []),
        ("db.books.ye", ["db.books.year"]),
        ('db["books"].ye', ['db["books"].year']),
        ('db["order items"].pri', ['db["order items"].price']),
        ('db["order items"].a', None),
        ("db.books.filter(db.books.ti", ["db.books.filter(db.books.title"]),
        ("db.books.filter_by(ti", ["db.books.filter_by(title="]),
        ("db.books.insert(title='x', ye", ["db.books.insert(title='x', year="]),
        ("db.tags.insert(", ["db.tags.insert(word="]),
        ("db.per_year.ye", ["db.per_year.year"]),
        ("db.books.order_b", ["db.books.order_by"]),
        ("db.books.inser", ["db.books.insert"]),
        ("db.comm", ["db.commit"]),
        ("db.engine.ur", []),
        ("place.joi", ["place.join"]),
        ("place.os.getcw", ["place.os.getcw" + end for end in ("d", "db")]),
        ("book.__cla", ["book.__class__"]),
        ("book.nothing.x", []),
        ("nothing.x", []),
        ("nothing['x", []),
        ("sqlsou", ["sqlsoup"]),
        ("impor", ["import"]),
        ("enumerat", ["enumerate"]),
        ("db.books.all().x", []),
        ("'in a text", []),
    ],
)
def test_completion(complete, soup, line, expected):
    """A line is completed by tables, items, columns and names, and nothing is mapped for it."""
    found = complete(line)
    if expected is None:
        assert 'db["order items"].a b' not in found
        assert 'db["order items"].all' in found
    else:
        assert found == expected
    assert soup._cache == {}


def test_completion_of_mapped_classes(complete, soup):
    """A class that is there has its relationships too; nothing private without an underscore."""
    soup.loans.relate("book", soup.books)
    assert complete("db.loans.boo") == ["db.loans.book", "db.loans.book_id"]
    assert complete('db["loans"].boo') == ['db["loans"].book', 'db["loans"].book_id']
    assert complete("db.loans.book_id.typ") == ["db.loans.book_id.type"]
    assert "db.loans._table" in complete("db.loans._")
    assert not [name for name in complete("db.loans.") if "._" in name]
    assert complete("db.loans.filter_by(book") == [
        "db.loans.filter_by(book=",
        "db.loans.filter_by(book_id=",
        "db.loans.filter_by(book",
    ]


def test_completion_within_a_transaction(complete, soup):
    """A table that this transaction has made is completed as well."""
    soup.execute("CREATE TABLE made (one INTEGER PRIMARY KEY)")
    assert complete("db.made.on")[0] == "db.made.one"
    soup.rollback()


def test_completion_calls_nothing(complete, soup):
    """Properties are not asked for what follows them."""

    class Trap:
        @property
        def sprung(self):
            raise AssertionError

    completer = Completer({"trap": Trap()})
    assert completer.matches("trap.spr") == (5, ["sprung"])
    assert completer.matches("trap.sprung.x") == (13, [])


def test_completion_without_a_database(soup, lite):
    """When the database does not answer there is nothing to complete, and no error."""
    completer = Completer({"db": soup})
    lite.dispose()
    file = Path(lite.url.database)
    file.unlink()
    file.mkdir()
    assert completer.matches("db.books.ti")[1] == []
    assert completer.matches('db["bo')[1] == []


# what is shown


def test_display(soup, capsys, monkeypatch):
    """Tables, queries and rows are shown as tables, anything else as Python does."""
    import builtins

    monkeypatch.setattr(builtins, "_", None, raising=False)
    tags = soup.tags.order_by(soup.tags.word)
    for thing in (tags, tags.all(), soup.execute("SELECT word FROM tags ORDER BY word")):
        _display(thing)
        assert capsys.readouterr().out == "word\n----\nfood\nhot\n(2 rows)\n"
        assert builtins._ is thing
    rows = [soup.tags.get("hot"), soup.books.get(1)]
    for thing in (3, "x", [], [1], rows):
        _display(thing)
        assert capsys.readouterr().out == f"{thing!r}\n"
    _display(None)
    assert capsys.readouterr().out == ""
