"""DataFrames on the terminal: as much as fits, the rest named; or CSV and JSON for other programs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    import pandas as pd

ELLIPSIS = "…"
GUTTER = 3
"""Characters rich puts between two columns."""


def print_frame(frame: pd.DataFrame, title: str = "", all_columns: bool = False, csv: bool = False,
                json: bool = False, widest: int = 44) -> None:
    """Print a table. `csv` and `json` print everything, for programs.

    On a terminal, columns that do not fit are left out from the right and named below, unless `all_columns`.
    """
    if csv:
        frame.to_csv(sys.stdout, index=False)
        return
    if json:
        sys.stdout.write(frame.to_json(orient="records", force_ascii=False, indent=1) + "\n")
        return
    console = Console()
    cells = [[_cell(value, widest) for value in frame[name]] for name in frame.columns]
    names = [str(name) for name in frame.columns]
    widths = [max(map(len, [name, *column])) + GUTTER for name, column in zip(names, cells, strict=True)]
    shown = len(widths) if all_columns else _fitting(widths, console.width)
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in names[:shown]:
        right = frame[name].dtype.kind in "if"
        table.add_column(Text(name), justify="right" if right else "left", no_wrap=True)
    for row in zip(*cells[:shown], strict=True):
        table.add_row(*map(Text, row))
    console.print(table)
    if shown < len(widths):
        rest = ", ".join(names[shown:])
        console.print(Text(f"not shown: {rest} (choose with --columns, or --csv)"), style="dim")
    if not len(frame):
        console.print(Text("no rows"), style="dim")


def _fitting(widths: list[int], room: int) -> int:
    """How many columns fit into the terminal; one at least."""
    used = 0
    for shown, width in enumerate(widths):
        used += width
        if used > room and shown > 0:
            return shown
    return len(widths)


def _cell(value: object, widest: int) -> str:
    if value is None or value != value:  # NaN is the one value that differs from itself
        return ""
    if isinstance(value, float):
        text = f"{value:,.0f}" if abs(value) >= 1000 and value == int(value) else f"{value:.5g}"
        return text if "e" not in text or abs(value) < 1 else f"{value:,.0f}"
    text = str(value)
    return text if len(text) <= widest else text[: widest - 1] + ELLIPSIS
