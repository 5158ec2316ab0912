"""Directives that show how SQLSoup is built, from its sources.

``.. rooms::`` makes a table of modules with the first line of each.
``.. layers::`` draws the direction of imports, from the contract in ``pyproject.toml``.
``.. walk::`` runs its content on the library of the examples, and lists the calls within SQLSoup
that its last line makes, those within calls indented; ``:depth:`` is how deep.
``.. reaches::`` makes a table of what ``_sa.py`` has, ``.. corrections::`` one of the corrections
of each database; both have the docstrings whole, with links to the source of SQLAlchemy.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from deviations import inline
from docutils import nodes
from old_names import table
from sphinx.util.docutils import SphinxDirective

import sqlsoup
from sqlsoup import SQLSoup, _mariadb, _postgresql, _sqlite, legacy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
PACKAGE = Path(sqlsoup.__file__).parent
PARTICULARS = {"SQLite": _sqlite, "PostgreSQL": _postgresql, "MariaDB, MySQL": _mariadb}


class Rooms(SphinxDirective):
    """A table of the modules of the package, or of a package in it that is named."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        folder = PACKAGE.joinpath(*self.arguments)
        rows = [([nodes.literal(name, name)], [*quoted(text)]) for name, text in modules(folder)]
        return [table(("Module", "What is in it"), rows)]


def modules(folder: Path) -> Iterator[tuple[str, str]]:
    """Give the modules of a folder and the packages in it, with the first line of each."""
    for path in sorted([*folder.glob("*.py"), *folder.glob("*/__init__.py")]):
        name = path.parent.name + "/" if path.parent != folder else path.name
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        if text:
            yield name, text.partition("\n")[0]


class Layers(SphinxDirective):
    """The layers of modules; each imports what is below it."""

    def run(self) -> list[nodes.Node]:
        """Return the picture."""
        text = picture()
        return [nodes.literal_block(text, text, language="text")]


def picture() -> str:
    """Return a box for each layer, from the top."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["type"] == "layers")
    lines: list[list[str]] = []
    for layer in layers:
        wrapped = [""]
        for name in layer.split(" | "):
            if len(wrapped[-1]) + 2 + len(name) > WIDTH:
                wrapped.append("")
            wrapped[-1] += f"  {name}" if wrapped[-1] else name
        lines.append(wrapped)
    edge = f"+{'-' * (WIDTH + 4)}+"
    boxes = ["\n".join([edge, *(f"|  {line:<{WIDTH}}  |" for line in box), edge]) for box in lines]
    return f"\n{'v':>{WIDTH // 2}}\n".join(boxes)


WIDTH = 60


class Walk(SphinxDirective):
    """The calls that the last line of a program makes."""

    has_content = True
    option_spec: ClassVar[dict[str, Callable[[str], Any]]] = {"depth": int}

    def run(self) -> list[nodes.Node]:
        """Return the program and the list."""
        source = "\n".join(self.content)
        text = "\n".join(calls(source, self.options.get("depth", 3)))
        return [
            nodes.literal_block(source, source, language="python"),
            nodes.literal_block(text, text, language="text"),
        ]


def calls(source: str, depth: int) -> list[str]:
    """Return the functions of SQLSoup that the last line of a program calls, each once in a row."""
    *before, last = ast.parse(source).body
    db = SQLSoup("sqlite://", relationships=True)
    for statement in (ROOT / "docs" / "library.sql").read_text(encoding="utf-8").split(";"):
        if statement.strip():
            db.execute(statement)
    names: dict[str, Any] = {"db": db, "sqlsoup": sqlsoup, "legacy": legacy}
    exec(compile(ast.Module(before, []), "before", "exec"), names)  # noqa: S102 - ours
    found: list[str] = []
    stack: list[bool] = []

    def hear(frame: FrameType, event: str, _argument: object) -> None:
        if event not in ("call", "return"):
            return
        code = frame.f_code
        path = Path(code.co_filename)
        ours = path.is_relative_to(PACKAGE) and not code.co_name.startswith("<")
        if event == "return":
            if stack:
                stack.pop()
        else:
            level = sum(stack)
            stack.append(ours)
            if ours and level < depth:
                module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
                line = f"{'    ' * level}{module}.{code.co_qualname}"
                if line not in found[-REPEATED:]:
                    found.append(line)

    sys.setprofile(hear)
    try:
        exec(compile(ast.Module([last], []), "last", "exec"), names)  # noqa: S102
    finally:
        sys.setprofile(None)
        db.session.remove()
        db.engine.dispose()
        legacy.disable()
    return found


REPEATED = 12
"""So many lines back a call is not told again."""


class Reaches(SphinxDirective):
    """A table of what ``_sa.py`` has."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        rows = [
            ([nodes.literal(node.name, node.name)], [*quoted(ast.get_docstring(node) or "")])
            for node in ast.parse((PACKAGE / "_sa.py").read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        ]
        return [table(("Name", "What for, where, and until when"), rows)]


class Corrections(SphinxDirective):
    """A table of the corrections of each database."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        rows = [
            (
                [nodes.Text(database)],
                [nodes.literal(kind, kind)],
                [nodes.literal(function.__name__, function.__name__)],
                [*quoted(inspect.getdoc(function) or "")],
            )
            for database, module in PARTICULARS.items()
            for kind, function in corrections(module)
        ]
        return [table(("Database", "Of what", "Function", "What and why"), rows)]


def corrections(module: Any) -> Iterator[tuple[str, Callable[..., object]]]:
    """Give the corrections of a database with what they are of."""
    for kind, functions in module.CORRECTIONS.items():
        for function in functions:
            yield kind, function
    yield from getattr(module, "ANSWERS", {}).items()


def quoted(text: str) -> Iterator[nodes.Node]:
    """Give a docstring as one paragraph, with links."""
    for node in inline(" ".join(text.replace("``", "`").split())):
        if isinstance(node, nodes.literal) and SOURCE.fullmatch(node.astext()):
            yield nodes.reference("", "", node, refuri=REPOSITORY + node.astext())
        elif isinstance(node, nodes.Text):
            for index, part in enumerate(ADDRESS.split(node.astext())):
                yield nodes.reference("", part, refuri=part) if index % 2 else nodes.Text(part)
        else:
            yield node


REPOSITORY = "https://github.com/sqlalchemy/sqlalchemy/blob/main/lib/sqlalchemy/"
SOURCE = re.compile(r"[a-z]+/\w+\.py")
ADDRESS = re.compile(r"(https://[\w./-]*[\w/])")


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives to Sphinx."""
    for directive in (Rooms, Layers, Walk, Reaches, Corrections):
        app.add_directive(directive.__name__.lower(), directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
