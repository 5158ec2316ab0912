"""Directives that show what became of old names, from the data that the tests read.

``.. old-names:: FILE`` makes a table of the rows of a TOML file, after the number of each status.
``.. old-forms::`` makes a table of the forms that :mod:`sqlsoup.legacy` notes.
``.. old-patches:: FILE`` makes a table of what it patches, with the form that each serves.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from deviations import inline
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from sqlsoup.legacy._forms import FORMS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sphinx.application import Sphinx


class OldNames(SphinxDirective):
    """A table of names, from a file whose path is relative to the page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the numbers and the table."""
        relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        rows = tomllib.loads(Path(path).read_text(encoding="utf-8"))["row"]
        counts = Counter(row["status"] for row in rows)
        numbers = ", ".join(f"{counts[status]} {status}" for status in ("native", "legacy", "gone"))
        cells = [
            (
                [nodes.literal(row["name"], row["name"])],
                [nodes.literal(row["form"], row["form"])],
                [nodes.Text(row["status"])],
                [*inline(" ".join(filter(None, (row.get("why"), row.get("instead")))))],
            )
            for row in rows
        ]
        head = ("Name", "Form", "Status", "What to write")
        return [nodes.paragraph("", f"{len(rows)} forms: {numbers}."), table(head, cells)]


class OldForms(SphinxDirective):
    """A table of the forms."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        cells = [
            ([nodes.literal(name, name)], [*inline(form.old)], [*inline(form.instead)])
            for name, form in FORMS.items()
        ]
        return [table(("Identifier", "Old form", "What to write"), cells)]


class OldPatches(SphinxDirective):
    """A table of what is patched, from a file whose path is relative to the page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        rows = tomllib.loads(Path(path).read_text(encoding="utf-8"))["row"]
        cells = [
            (
                [nodes.literal(", ".join(row["names"]), ", ".join(row["names"]))],
                [nodes.literal(row["form"], row["form"])] if "form" in row else [],
                [*inline(row.get("reason") or FORMS[row["form"]].old)],
            )
            for row in rows
        ]
        return [table(("What is patched", "Noted as", "For what"), cells)]


def table(head: Iterable[str], rows: Iterable[Iterable[list[nodes.Node]]]) -> nodes.table:
    """Return a table of a line of titles and lines of cells."""
    titles = [[nodes.Text(title)] for title in head]
    group = nodes.tgroup("", cols=len(titles))
    group += [nodes.colspec(colwidth=1) for _ in titles]
    group += nodes.thead("", line(titles))
    group += nodes.tbody("", *map(line, rows))
    return nodes.table("", group)


def line(cells: Iterable[list[nodes.Node]]) -> nodes.row:
    """Return a line of a table."""
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives to Sphinx."""
    app.add_directive("old-names", OldNames)
    app.add_directive("old-forms", OldForms)
    app.add_directive("old-patches", OldPatches)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
