"""A directive that shows what the database's faults give, from the data that the tests read.

``.. faults:: FILE`` makes a table for each database, and a list of the notes on the faults.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deviations import inline
from docutils import nodes
from old_names import table
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DATABASES = {"postgresql": ("PostgreSQL", "SQLSTATE"), "mariadb": ("MariaDB", "number")}


class Faults(SphinxDirective):
    """Tables from a file whose path is relative to the page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the tables and the notes."""
        relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        faults = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        moments = faults.pop("moments")
        shown: list[nodes.Node] = []
        for database, (title, code) in DATABASES.items():
            shown.append(nodes.paragraph("", f"{title}, with the {code} of the error:"))
            rows = [
                [[*inline(fault["title"])], *(cell(fault[database][moment]) for moment in moments)]
                for fault in faults.values()
            ]
            shown.append(table(("Fault", *moments.values()), rows))
        notes = nodes.bullet_list()
        for fault in faults.values():
            if "note" in fault:
                sentences = inline(f"{fault['title']}: {fault['note']}")
                notes += nodes.list_item("", nodes.paragraph("", "", *sentences))
        return [*shown, notes]


def cell(found: dict[str, Any]) -> list[nodes.Node]:
    """Return what a fault gives at one moment."""
    if "error" not in found:
        return [nodes.Text("works" if "works" in found else "cannot be")]
    codes = f" {' or '.join(found['codes'])}" if "codes" in found else ""
    return [nodes.literal(found["error"], found["error"]), nodes.Text(codes)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive to Sphinx."""
    app.add_directive("faults", Faults)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
