"""A directive that shows the list of differences which the conformance tests check.

``.. deviations:: FILE`` makes a section of each table in a TOML file, in the order of ``bites``.
The page and the tests read the same file, so they cannot disagree.
"""

from __future__ import annotations

import re
import textwrap
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

# What is code in a sentence: anything in backticks, calls, keywords, names_like_this, operators.
CODE = re.compile(
    r"`([^`]+)`"
    r"|([\w.]+\((?:[^()]|\([^()]*\))*\)|\w+=(?:\{[^}]*\}|\w*)|[a-z]+_[\w.]+\b|[!=]=)"
)


class Deviations(SphinxDirective):
    """Sections made from a file, whose path is relative to the page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return one section for each difference."""
        relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        found = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        ranked = sorted(found.items(), key=lambda item: item[1]["bites"])
        return [self.section(name, entry) for name, entry in ranked]

    def section(self, name: str, entry: dict[str, Any]) -> nodes.section:
        """Return the section of one difference."""
        title = title_of(name)
        section = nodes.section("", nodes.title(title, title), ids=[nodes.make_id(name)])
        section += nodes.paragraph("", "", *inline(entry["reason"]))
        for label, key in (("Before", "old"), ("Now", "new")):
            if key in entry:
                section += nodes.paragraph("", f"{label}:")
                code = textwrap.dedent(entry[key]).strip()
                section += nodes.literal_block(code, code, language="python")
        if "warnings" in entry:
            section += nodes.paragraph("", "The warning:")
            text = "\n".join(entry["warnings"])
            section += nodes.literal_block(text, text, language="text")
        return section


def title_of(name: str) -> str:
    """Make a title of a scenario's name: ``rows.equal_to_other_things``."""
    module, _, scenario = name.partition(".")
    return f"{module.capitalize()}: {scenario.replace('_', ' ')}"


def inline(sentence: str) -> Iterator[nodes.Node]:
    """Give the parts of a sentence, code set apart."""
    end = 0
    for match in CODE.finditer(sentence):
        yield nodes.Text(sentence[end : match.start()])
        code = match[1] or match[2]
        yield nodes.literal(code, code)
        end = match.end()
    yield nodes.Text(sentence[end:])


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive to Sphinx."""
    app.add_directive("deviations", Deviations)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
