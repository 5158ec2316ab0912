"""The Python blocks of the documentation."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

_BLOCK = re.compile(
    r"^(?P<indent> *)\.\. code-block:: python\n(?P<options>(?: *:\w+:.*\n)*)\n"
    r"(?P<code>(?:(?P=indent) +\S.*\n|[ ]*\n)+)",
    re.MULTILINE,
)


def blocks(text: str) -> list[tuple[int, str, str]]:
    """The Python blocks of a page: line number, options, source."""
    return [
        (text[: found.start("code")].count("\n"), found["options"], textwrap.dedent(found["code"]))
        for found in _BLOCK.finditer(text)
    ]


def named(page: str, name: str) -> str:
    """The source of the block of a page that has the option ``:name: <name>``."""
    text = (DOCS / page).read_text(encoding="utf-8")
    (source,) = (
        source
        for _, options, source in blocks(text)
        if f":name: {name}" in map(str.strip, options.splitlines())
    )
    return source


def documented(page: str, *blocks: str, **given: Any) -> dict[str, Any]:
    """Run named blocks of a page, and return the names that there are then."""
    for block in blocks:
        exec(compile(named(page, block), f"{page}, {block}", "exec"), given)
    return given
