"""Names and values as a table, in lines for a terminal or in HTML."""

from __future__ import annotations

import html
import json
import unicodedata
from decimal import Decimal
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

LONGEST = 200
"""How much of a value is shown, in columns, unless the terminal is narrower."""

_SAMPLE = 1000
"""How many rows are read ahead to find the widths of columns."""

_NARROWEST = 8
"""A column that could be wider is not made narrower than this; others are left out instead."""

_BYTES = 24
"""How many bytes of a binary value are shown."""

_BETWEEN = 3  # " | "


def text_of(value: object) -> str:
    """Return a value as text on one line, in which nothing moves a cursor or turns text around."""
    match value:
        case None:
            return "NULL"
        case "NULL":
            return "'NULL'"  # the text
        case bytes() | bytearray() | memoryview():
            return _hexadecimal(bytes(value))
        case Decimal() if value.is_finite():
            return format(value, "f")
        case set() | frozenset():
            value = json.dumps(sorted(value, key=str), ensure_ascii=False, default=str)
        case dict() | list() | tuple():
            value = json.dumps(value, ensure_ascii=False, default=str)
    return escaped(str(value)[: LONGEST + 1])


def _hexadecimal(value: bytes) -> str:
    if len(value) <= _BYTES:
        return f"x'{value.hex()}'"
    return f"x'{value[:_BYTES].hex()}…' ({len(value):,} bytes)"


def escaped(text: str) -> str:
    r"""Return text in which control characters, as ``\n``, are escaped."""
    if text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character < " " or "\x7f" <= character < "\xa0" or _turns(character):
        return character.encode("unicode_escape").decode()
    if "\ud800" <= character <= "\udfff":  # half of a pair, which cannot be encoded
        return f"\\u{ord(character):04x}"
    return character


def _turns(character: str) -> bool:
    """Tell characters that end a line, or change the direction of what follows."""
    return "\u2028" <= character <= "\u202e" or "\u2066" <= character <= "\u2069"


_JOINER, _WIDE_FORM, _SOFT_HYPHEN = "\u200d", "\ufe0f", "\xad"


@lru_cache(maxsize=4096)
def _columns_of(character: str) -> int:
    if "\u1160" <= character <= "\u11ff":  # the middle and the end of a Korean syllable
        return 0
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return int(character == _SOFT_HYPHEN)
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _widths(text: str) -> Iterator[int]:
    """Yield the columns that each character of a text adds."""
    before, width = "", 0
    for character in text:
        added = _columns_of(character)
        if before == _JOINER or "\U0001f3fb" <= character <= "\U0001f3ff":
            added = 0 if width else added  # one glyph with what is before
        elif character == _WIDE_FORM:
            added = int(width == 1)
        yield added
        before, width = character, added or width


def width_of(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(_widths(text))


def cut(text: str, most: int) -> str:
    """Return a text, or as much of it as fits with an ellipsis behind it."""
    if width_of(text) <= most:
        return text
    widths = _widths(text)
    taken = end = 0
    while (taken := taken + next(widths)) < most:
        end += 1
    return text[:end].rstrip(_JOINER) + "…"


def _isolated(text: str) -> str:
    """Keep text that runs from right to left from taking its neighbours along."""
    if text.isascii() or not any(unicodedata.bidirectional(c) in {"R", "AL"} for c in text):
        return text
    return f"\u2068{text}\u2069"


class _Column(NamedTuple):
    name: str
    width: int
    number: bool
    places: int

    def cell(self, value: Any, *, fit: bool) -> str:
        """Return a value as wide as the column; a number is never cut."""
        text = text_of(value)
        if not self.number or not is_number(value):
            return self.padded(cut(text, self.width if fit else LONGEST))
        return (text + " " * (self.places - _places(text))).rjust(self.width)

    def padded(self, text: str) -> str:
        blank = " " * (self.width - width_of(text))
        return blank + _isolated(text) if self.number else _isolated(text) + blank


def is_number(value: object) -> bool:
    """Tell what is aligned at its decimal point."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _places(number: str) -> int:
    """Return the length of the fraction of a number, with its point."""
    return len(number) - number.index(".") if "." in number and "e" not in number else 0


def _measured(name: str, values: Sequence[Any]) -> _Column:
    name = escaped(name)
    known = [value for value in values if value is not None]
    number = bool(known) and all(map(is_number, known))
    texts = list(map(text_of, values))
    places = 0
    if number:
        places = max(map(_places, texts))
        texts = [text + " " * (places - _places(text)) for text in texts]
    return _Column(name, max(map(width_of, [name, *texts])), number, places)


def _fitted(columns: list[_Column], total: int) -> list[_Column]:
    """Return the columns, narrowed to the total width; the last are left out if need be."""
    least = [c.width if c.number else min(c.width, _NARROWEST) for c in columns]
    while len(least) > 1 and sum(least) + _BETWEEN * (len(least) - 1) > total:
        least.pop()
    columns = columns[: len(least)]
    room = total - _BETWEEN * (len(columns) - 1) - sum(c.width for c in columns if c.number)
    texts = sorted(c.width for c in columns if not c.number)
    widest = texts[-1] if texts else 0
    for place, width in enumerate(texts):  # each gets what it needs, or an equal share of the rest
        widest = max(room // (len(texts) - place), 1)
        if width > widest:
            break
        room -= width
    return [c if c.number else c._replace(width=min(c.width, widest)) for c in columns]


def lines(names: Sequence[str], rows: Iterable[Sequence[Any]], total: int | None) -> Iterator[str]:
    """Yield the lines of a table, reading no more than a sample of its rows ahead.

    :param total: columns of the terminal; without it nothing is left out.
    """
    rows = iter(rows)
    sample = list(islice(rows, _SAMPLE))
    values = list(zip(*sample, strict=True)) or [()] * len(names)
    columns = list(map(_measured, names, values))
    columns = [c._replace(width=min(c.width, LONGEST)) if not c.number else c for c in columns]
    kept = columns if total is None else _fitted(columns, total)
    yield " | ".join(c.padded(cut(c.name, c.width)) for c in kept).rstrip()
    yield "-+-".join("-" * c.width for c in kept)
    fit = total is not None
    for row in chain(sample, rows):
        cells = (column.cell(value, fit=fit) for column, value in zip(kept, row, strict=False))
        yield " | ".join(cells).rstrip()
    if left := columns[len(kept) :]:
        names = ", ".join(column.name for column in left)
        yield cut(f"and {len(left)} more column{'s' * (len(left) > 1)}: {names}", total or 0)


def html_of(
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    notes: Mapping[str, Sequence[str]],
) -> str:
    """Return an HTML table.

    :param notes: what stands below the name of a column.
    """
    numbers = [
        all(value is None or is_number(value) for value in column)
        for column in zip(*rows, strict=True)
    ] or [False] * len(names)
    head = "".join(map(_heading, names, numbers, (notes.get(name, ()) for name in names)))
    body = "".join(f"<tr>{''.join(map(_cell, row, numbers))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _heading(name: str, number: bool, notes: Sequence[str]) -> str:
    below = "".join(
        f'<br><small style="font-weight:normal;opacity:.7">{html_text(note)}</small>'
        for note in notes
    )
    style = f"text-align:{'right' if number else 'start'};vertical-align:top"
    return f'<th style="{style}"><bdi>{html_text(name)}</bdi>{below}</th>'


def _cell(value: object, number: bool) -> str:
    text = html_text(cut(text_of(value), LONGEST))
    if value is None:
        text = f'<span style="opacity:.5">{text}</span>'
    align = "right;font-variant-numeric:tabular-nums" if number else "start;max-width:40em"
    return f'<td dir="auto" style="text-align:{align};overflow-wrap:anywhere">{text}</td>'


def html_text(text: str) -> str:
    """Return text as it stands in HTML."""
    return html.escape(escaped(text))
