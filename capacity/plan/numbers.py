"""Numbers for reading: short, with their scale, the same in the terminal and on the page."""

from __future__ import annotations

import math
from collections.abc import Iterable

SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
ROUNDS_UP = 0.9995
"""From this share of a scale on, three digits round to the scale itself."""


def count(value: float) -> str:
    """950, 12.3k, 4.56M, 1.02B; a dash when unknown."""
    if math.isnan(value):
        return "–"
    for size, name in SCALES:
        if abs(value) >= size * ROUNDS_UP:
            return _three(value / size) + name
    return _three(value)


def dollars(value: float, cents: bool = False) -> str:
    """$950, $12.3k, $4.56M, $1.02B; with cents from $1 to a thousand when asked; a dash when unknown."""
    if math.isnan(value):
        return "–"
    if cents and 1 <= abs(value) < SCALES[-1][0] * ROUNDS_UP:
        return f"${value:,.2f}"
    return f"-${count(-value)}" if value < 0 else f"${count(value)}"


def cents(values: Iterable[float], per: str) -> tuple[str, float]:
    """Unit and factor that show small prices in few digits: `$ per X`, or `¢ per X` where all are below a dollar."""
    known = [abs(v) for v in values if not math.isnan(v)]
    return (f"¢ {per}", 100.0) if known and max(known) < 1 else (f"$ {per}", 1.0)


def cell(value: float) -> str:
    """A number in five characters: three digits with their scale, no more than three decimals; a dash when unknown."""
    if abs(value) >= 1 or math.isnan(value):
        return count(value)
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "<.001" if value > 0 and text == "0" else text


def whole(value: float) -> str:
    """A whole number with thousands separated (MW, ms); a dash when unknown."""
    return "–" if math.isnan(value) else f"{value:,.0f}"


def share(value: float) -> str:
    """0 %, <0.1 %, 12.3 %, >99.9 %, 100 %; a dash when unknown."""
    if math.isnan(value):
        return "–"
    if value in (0, 1):
        return f"{value:.0%}".replace("%", " %")
    if 0.9995 <= value < 1:
        return ">99.9 %"
    return "<0.1 %" if 0 < value < 0.0005 else f"{value:.1%}".replace("%", " %")


def ended(status: str) -> str:
    """How a solve ended, as a sentence's start."""
    return {
        "optimal": "Proven optimal", "gap_reached": "Solved to the gap asked for",
        "time_limit": "Stopped at the time limit", "interrupted": "Interrupted: the best plan so far",
        "stopped": "Stopped on the way: the best plan so far",
        "one_of_several_futures": "One of the plans for several futures",
    }.get(status, status.replace("_", " "))


def gap(value: float) -> str:
    """0 %, 0.0012 %, 0.83 %: two digits, since gaps may be tiny; a dash when unknown."""
    if not math.isfinite(value):
        return "–"
    return "0 %" if value == 0 else f"{value * 100:.2g} %"


def _three(value: float) -> str:
    """Three significant digits without an exponent."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value)) + 1e-9))
    text = f"{value:.{min(digits, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
