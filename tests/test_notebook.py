"""Tables, queries and rows in IPython and Jupyter: HTML, and what is shown by itself."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from conftest import run

from sqlsoup import load_ipython_extension, show, unload_ipython_extension

pytest.importorskip("IPython")

from IPython.core.formatters import DisplayFormatter

NAME = '<th style="text-align:start;vertical-align:top"><bdi>{}</bdi>'
NOTE = '<br><small style="font-weight:normal;opacity:.7">{}</small>'
TEXT = '<td dir="auto" style="text-align:start;max-width:40em;overflow-wrap:anywhere">{}</td>'
NUMBER = (
    '<td dir="auto" style="text-align:right;font-variant-numeric:tabular-nums;'
    'overflow-wrap:anywhere">{}</td>'
)


class Shell:
    """As much of IPython's shell as an extension meets."""

    def __init__(self):
        self.display_formatter = DisplayFormatter()
        self.display_formatter.active_types = ["text/plain", "text/html"]

    def shown(self, thing):
        """Return the text and the HTML that are shown, and nothing else."""
        formats, metadata = self.display_formatter.format(thing)
        assert metadata == {}
        assert {*formats} <= {"text/plain", "text/html"}
        return formats.get("text/plain"), formats.get("text/html")


@pytest.fixture
def shell(monkeypatch):
    """A shell in which the extension is loaded."""
    monkeypatch.delenv("COLUMNS", raising=False)
    shell = Shell()
    load_ipython_extension(shell)
    yield shell
    unload_ipython_extension(shell)


def table(heads, *rows, title="", below=""):
    """Return the HTML of a table."""
    head = "".join(f"{head}</th>" for head in heads)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return (
        f'<div style="overflow-x:auto">{title and f"<b>{title}</b>"}<table><thead><tr>{head}</tr>'
        f"</thead><tbody>{body}</tbody></table><small>{below}</small></div>"
    )


WORDS = [NAME.format("word")], [TEXT.format("food")], [TEXT.format("hot")]


# what is shown


def test_class(soup, shell):
    """The columns of a class have types and keys below their names."""
    text, html = shell.shown(soup.book_tags)
    assert text.startswith("Table book_tags\n\nbook_id  INTEGER      primary key, not null\n")
    number = NAME.replace("start", "right", 1).format("book_id")
    assert html == table(
        [
            number + "".join(map(NOTE.format, ("INTEGER", "primary key, not null", "→ books.id"))),
            NAME.format("word")
            + "".join(map(NOTE.format, ("VARCHAR(20)", "primary key, not null", "→ tags.word"))),
        ],
        *[[NUMBER.format(n), TEXT.format(w)] for n, w in ((1, "food"), (1, "hot"), (3, "food"))],
        title="Table book_tags",
        below="(3 rows)",
    )


def test_class_is_read_once(soup, shell, statements):
    """Text and HTML come from the same rows."""
    cls = soup.tags
    statements.clear()
    shell.shown(cls)
    assert len([statement for statement in statements if "FROM tags" in statement]) == 1


def test_class_that_is_no_table(soup, shell):
    """A join is shown too; it has no foreign keys of its own.  One without a mapper is not."""
    _, html = shell.shown(soup.join(soup.books, soup.loans))
    assert "<b>Join MappedJoin</b>" in html
    assert "→" not in html
    ambiguous = soup.join(soup.tags, soup.book_tags)
    assert shell.shown(ambiguous) == ("sqlsoup.MappedJoin", None)


def test_query(soup, shell):
    """A query is shown as its rows."""
    text, html = shell.shown(soup.tags.order_by(soup.tags.word))
    assert text == "word\n----\nfood\nhot\n(2 rows)"
    assert html == table(*WORDS, below="(2 rows)")


def test_result_and_rows(soup, shell):
    """So are results, lists of rows and a row."""
    tags = soup.tags.order_by(soup.tags.word)
    assert shell.shown(soup.execute("SELECT * FROM tags ORDER BY 1"))[1] == table(
        *WORDS, below="(2 rows)"
    )
    rows = soup.session.scalars(tags.statement)
    assert shell.shown(rows)[1] == table(*WORDS, below="(2 rows)")
    text, html = shell.shown(tags.all())
    assert text == "word\n----\nfood\nhot\n(2 rows)"
    assert html == table(*WORDS, below="(2 rows)")
    text, html = shell.shown(tags.first())
    assert text == "column | value\n-------+------\nword   | food"
    assert html == table(
        [NAME.format("column"), NAME.format("value")],
        [TEXT.format("word"), TEXT.format("food")],
        title="MappedTags",
    )


def test_database(soup, shell):
    """A database is shown as its tables."""
    text, html = shell.shown(soup)
    assert text.startswith(f"{soup!r}\n\nname      | kind  | rows\n")
    assert "<b>SQLSoup(MetaData(bind=Engine(sqlite:///" in html
    assert TEXT.format("book_tags") + TEXT.format("table") + TEXT.format("3") in html


def test_no_rows(soup, shell):
    """No rows are a table without any."""
    _, html = shell.shown(soup.tags.filter_by(word="x"))
    assert html == table([NAME.format("word")], below="(0 rows)")


def test_html_is_escaped(soup, lite, shell):
    """Neither names nor values can be taken for HTML; NULL is paler, and long text is cut."""
    run(
        lite,
        'CREATE TABLE "<b>" ("<i>" TEXT PRIMARY KEY, n INTEGER)',
        """INSERT INTO "<b>" VALUES ('<script>alert("&amp;")</script>' || char(10), NULL)""",
    )
    _, html = shell.shown(soup["<b>"])
    assert "<b>Table &lt;b&gt;</b>" in html
    assert "<bdi>&lt;i&gt;</bdi>" in html
    assert TEXT.format("&lt;script&gt;alert(&quot;&amp;amp;&quot;)&lt;/script&gt;\\n") in html
    assert NUMBER.format('<span style="opacity:.5">NULL</span>') in html
    _, html = shell.shown(soup.execute(f"SELECT '{'x' * 300}'"))
    assert TEXT.format("x" * 199 + "…") in html


# what is not


@pytest.mark.parametrize("thing", [1, "x", [1, 2], [], {"a": 1}, int, object(), (1,)])
def test_other_things(thing, shell):
    """Other things are shown as they were."""
    assert shell.shown(thing) == Shell().shown(thing)


def test_rows_of_several_kinds(soup, shell):
    """A list of rows of several kinds is a list."""
    rows = [soup.tags.get("hot"), soup.books.get(1)]
    assert shell.shown(rows) == Shell().shown(rows)


def test_rows_within_something(soup, shell):
    """What is within something else stands there as before."""
    tags = soup.tags.all()
    for thing in ((tags,), {"a": tags}, [tags, tags], (soup.tags,)):
        assert shell.shown(thing) == Shell().shown(thing)


def test_objects_with_formats_of_their_own(shell):
    """An object that has its own formats keeps them."""

    class Own:
        def _repr_mimebundle_(self, include, exclude):
            assert include is exclude is None
            return {"text/plain": "own", "text/html": "<own>"}

    class Html:
        def _repr_html_(self):
            return "<html>"

        def __repr__(self):
            return "text"

    assert shell.shown(Own()) == ("own", "<own>")
    assert shell.shown(Html()) == ("text", "<html>")


def test_unload(soup):
    """Unloading leaves everything as it was; loading twice is loading once."""
    shell, tags = Shell(), soup.tags.all()
    load_ipython_extension(shell)
    load_ipython_extension(shell)
    unload_ipython_extension(shell)
    unload_ipython_extension(shell)
    for thing in (soup.tags, tags, tags[0], soup):
        assert shell.shown(thing) == Shell().shown(thing)
        assert shell.shown(thing)[1] is None


def test_printers_that_were_there_before(soup):
    """Printers that somebody else had registered are asked for other things, and come back."""
    shell = Shell()
    bundles = shell.display_formatter.mimebundle_formatter
    bundles.for_type(object, lambda _: {"text/html": "<other>"})
    load_ipython_extension(shell)
    assert shell.shown(3)[1] == "<other>"
    assert "<table>" in shell.shown(soup.tags.first())[1]
    unload_ipython_extension(shell)
    assert shell.shown(soup.tags.first())[1] == "<other>"


def test_failing_class(soup, lite, shell, monkeypatch):
    """An error while a class is shown is told once, and not by asking the database again."""
    cls = soup.tags
    run(lite, "DROP TABLE tags")
    told = []
    monkeypatch.setattr("traceback.print_exception", lambda *_, **__: told.append(1))
    text, html = shell.shown(cls)
    assert (text, html) == ("sqlsoup.MappedTags", None)


# what show does there


def test_show_in_a_notebook(soup, monkeypatch, capsys):
    """show() hands text and HTML to IPython where that runs, unless a file is given."""
    displayed = []
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=object))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=displayed.append))
    show(soup.tags, 1)
    (view,) = displayed
    assert repr(view).endswith("\nfood\n(1 row, and there are more)")
    assert "(1 row, and there are more)" in view._repr_html_()
    assert capsys.readouterr().out == ""
    show(soup.tags, file=sys.stdout)
    assert len(displayed) == 1
    assert capsys.readouterr().out


def test_show_columns_in_a_notebook(soup, monkeypatch):
    """A class without rows shows its columns."""
    displayed = []
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=object))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=displayed.append))
    show(soup.tags, 0)
    html = displayed[0]._repr_html_()
    heading = (
        NAME.format("word") + NOTE.format("VARCHAR(20)") + NOTE.format("primary key, not null")
    )
    assert html == table([heading], title="Table tags")
    show(soup.execute("UPDATE tags SET word = word"))
    assert displayed[1]._repr_html_() == (
        '<div style="overflow-x:auto"><small>(2 rows changed)</small></div>'
    )


def test_show_where_ipython_is_imported_but_does_not_run(soup, monkeypatch, capsys):
    """In a program that merely imports IPython it prints."""
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    show(soup.tags.first())
    assert capsys.readouterr().out == "column | value\n-------+------\nword   | food\n"
