"""DataFrames on the terminal: as much as fits, the rest named; or CSV and JSON for other programs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    import pandas as pd

ELLIPSIS = "…"
YEARS = ("year", "first_year", "year_end", "base_year", "ppp_year", "price_year")
"""Columns of years, which are not grouped by thousands even where some are missing."""
GUTTER = 3
"""Characters rich puts between two columns."""

PIPE_WIDTH = 120
"""Characters a line may have at least where there is no terminal."""


def print_frame(frame: pd.DataFrame, title: str = "", all_columns: bool = False, csv: bool = False,
                json: bool = False, widest: int = 44) -> None:
    """Print a table. `csv` and `json` print everything, for programs.

    Columns that do not fit a terminal are left out from the right and named below; with `all_columns` they follow in a
    table of their own.
    """
    if csv:
        frame.to_csv(sys.stdout, index=False)
        return
    if json:
        sys.stdout.write(frame.to_json(orient="records", force_ascii=False, indent=1) + "\n")
        return
    cells = [[_cell(value, widest, name in YEARS) for value in frame[name]] for name in frame.columns]
    names = [str(name) for name in frame.columns]
    widths = [max(map(len, [name, *column])) + GUTTER for name, column in zip(names, cells, strict=True)]
    console = console_of(sum(widths))
    parts = _parts(widths, console.width) if all_columns else [list(range(fitting(widths, console.width)))]
    for number, part in enumerate(parts):
        heading = title if number == 0 else ""
        table = Table(title=heading or None, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for at in part:
            right = frame[frame.columns[at]].dtype.kind in "if"
            table.add_column(Text(names[at]), justify="right" if right else "left", no_wrap=True)
        for row in zip(*(cells[at] for at in part), strict=True):
            table.add_row(*map(Text, row))
        console.print(table)
    left_out = names[len(parts[0]):] if not all_columns else []
    if left_out:
        console.print(Text(f"not shown: {', '.join(left_out)} (choose with --columns, or --csv)"), style="dim")
    if not len(frame):
        console.print(Text("no rows"), style="dim")


def console_of(needed: int) -> Console:
    """The terminal as it is; a pipe is as wide as the table, unless COLUMNS says otherwise."""
    if sys.stdout.isatty() or "COLUMNS" in os.environ:
        return Console()
    return Console(width=max(needed, PIPE_WIDTH))


def _parts(widths: list[int], room: int) -> list[list[int]]:
    """All columns in as many tables as needed, the first column repeated in each."""
    parts: list[list[int]] = [[0]] if widths else [[]]
    used = widths[0] if widths else 0
    for at in range(1, len(widths)):
        if used + widths[at] > room and len(parts[-1]) > 1:
            parts.append([0])
            used = widths[0]
        parts[-1].append(at)
        used += widths[at]
    return parts


def fitting(widths: list[int], room: int) -> int:
    """How many columns fit into the terminal; one at least."""
    used = 0
    for shown, width in enumerate(widths):
        used += width
        if used > room and shown > 0:
            return shown
    return len(widths)


def _cell(value: object, widest: int, year: bool) -> str:
    if value is None or value != value:  # NaN is the one value that differs from itself
        return ""
    if isinstance(value, float) and year and value == int(value):
        return f"{value:.0f}"
    if isinstance(value, float):
        text = f"{value:,.0f}" if abs(value) >= 1000 and value == int(value) else f"{value:.5g}"
        return text if "e" not in text or abs(value) < 1 else f"{value:,.0f}"
    text = str(value)
    return text if len(text) <= widest else text[: widest - 1] + ELLIPSIS
