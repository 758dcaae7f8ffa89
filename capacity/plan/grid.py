"""Tables for a terminal of any width in which nothing is cut off: names wrap, years split into parts.

All matrices of one page share a `Layout`, so that a year stands in the same column from top to bottom.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.text import Text

LEAST_LABEL, MOST_LABEL = 16, 28
LEAST_CELL, MOST_CELL = 5, 8
"""Characters of a row's name and of a number; one more follows each number, for its mark."""
NOTHING = "·"


@dataclass(frozen=True)
class Row:
    """One line of a matrix: what it is, a text for each year that has one, marks behind some of them, a style."""

    label: str
    cells: Mapping[int, str]
    marks: Mapping[int, str] = field(default_factory=dict)
    style: str = ""
    styles: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """Widths in characters, and the years of each part, one below the other."""

    width: int
    label: int
    cell: int
    parts: tuple[tuple[int, ...], ...]


def page(width: int, years: Sequence[int]) -> Layout:
    """The layout for a terminal: as few parts of years as fit beside a readable label."""
    fitting = max((width - LEAST_LABEL) // (LEAST_CELL + 1), 1)
    count = -(-len(years) // fitting)
    size = -(-len(years) // count)
    parts = tuple(tuple(years[i: i + size]) for i in range(0, len(years), size))
    cell = min(max((width - MOST_LABEL) // size - 1, LEAST_CELL), MOST_CELL)
    return Layout(width, min(MOST_LABEL, max(width - size * (cell + 1), LEAST_LABEL)), cell, parts)


def matrix(layout: Layout, head: str, rows: Sequence[Row], total: Row | None = None) -> list[Text]:
    """Lines of a table of years across; `total` stands below a rule of its own."""
    lines: list[Text] = []
    for part, years in enumerate(layout.parts):
        span = layout.label + len(years) * (layout.cell + 1)
        rule = Text("─" * span, style="dim")
        if part:
            lines.append(Text())
        title = f"{head:<{layout.label}}" + "".join(f"{year:>{layout.cell}} " for year in years)
        lines += [Text(title.rstrip(), style="dim"), rule]
        for row in rows:
            lines += _row(layout, row, years)
        if total is not None:
            lines += [rule, *_row(layout, total, years)]
    return lines


def _row(layout: Layout, row: Row, years: Sequence[int]) -> list[Text]:
    *above, label = wrapped(row.label, layout.label - 1)
    line = Text(f"{label:<{layout.label}}", style=row.style)
    for year in years:
        text = row.cells.get(year, NOTHING)
        style = row.styles.get(year, "dim" if text == NOTHING else "")
        line.append(f"{text:>{layout.cell}}", style=style).append(row.marks.get(year, " "))
    line.rstrip()
    return [*(Text(part, style=row.style) for part in above), line]


def wrapped(text: str, width: int) -> list[str]:
    """The words of a name on lines of at most `width` characters, later ones indented; broken behind hyphens too."""
    return textwrap.wrap(text, max(width, 2), subsequent_indent=" ", break_long_words=True) or [""]


def listing(width: int, headers: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[Text]:
    """Lines of a table of natural widths; the first `left` columns and the last are text, the last wraps to fit.

    Where even that does not fit, each row is told on lines of its own, a `header: text` for each column.
    """
    last = len(headers) - 1
    sizes = [max(len(c) for c in column) for column in zip(headers, *rows, strict=True)]
    room = width - sum(sizes[:-1]) - 2 * last
    if room < min(sizes[last], LEAST_LABEL):
        return _told(width, headers, rows)
    lines = [_cells(headers, sizes, left, "dim"), Text("─" * min(width, sum(sizes) + 2 * last), style="dim")]
    for row in rows:
        first, *more = textwrap.wrap(row[last], room) or [""]
        lines.append(_cells([*row[:last], first], sizes, left, ""))
        lines += [Text(" " * (width - room) + text) for text in more]
    return lines


def _cells(texts: Sequence[str], sizes: Sequence[int], left: int, style: str) -> Text:
    last = len(texts) - 1
    shown = [
        f"{text:<{size}}" if i < left or i == last else f"{text:>{size}}"
        for i, (text, size) in enumerate(zip(texts, sizes, strict=True))
    ]
    return Text("  ".join(shown).rstrip(), style=style)


def _told(width: int, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Text]:
    lines = []
    for row in rows:
        told = ", ".join(f"{h}: {c}" if i else c for i, (h, c) in enumerate(zip(headers, row, strict=True)) if c)
        lines += [Text(t) for t in textwrap.wrap(told, width, subsequent_indent="  ")]
    return lines


def prose(width: int, text: str, style: str = "") -> list[Text]:
    """A paragraph as lines."""
    return [Text(line, style=style) for line in textwrap.wrap(text, width, break_on_hyphens=False)]
