"""What every picture shares: its formats and colours, the library that draws, and how many of a long row are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from capacity.errors import InputError

FORMATS = (".svg", ".png", ".pdf")
INK, FAINT, PAPER = "#1b2733", "#7c8a97", "#ffffff"
TIERS = ("#2f6f8f", "#c8703a", "#7a5195")
"""Leaves, aggregation switches or spines, cores."""
ACCELERATOR = "#8aa62f"


def canvas(path: Path) -> Any:
    """matplotlib's pyplot, ready to write to `path`. Raises InputError for another format, a missing folder, and where
    matplotlib is not installed."""
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"--draw {path}: a picture's name ends in {', '.join(FORMATS)}")
    if not path.resolve().parent.is_dir():
        raise InputError(f"--draw {path}: the folder {path.parent} does not exist")
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise InputError("--draw needs matplotlib: pip install 'capacity[draw]'") from error
    mpl.use("Agg")
    from matplotlib import pyplot

    mpl.rcParams.update({"font.family": "DejaVu Sans", "svg.fonttype": "none", "text.color": INK,
                         "svg.hashsalt": "capacity"})
    return pyplot


def some(count: int, most: int) -> list[int | None]:
    """Which of so many to show: all, or the first ones, a gap (None) and the last."""
    if count <= most:
        return list(range(count))
    return [*range(most - 2), None, count - 1]
