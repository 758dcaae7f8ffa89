"""Numbers for reading: short, with their scale, the same in the terminal and on the page."""

from __future__ import annotations

import math

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
    """$950, $12.3k, $4.56M, $1.02B; with cents below a thousand when asked; a dash when unknown."""
    if math.isnan(value):
        return "–"
    if cents and abs(value) < SCALES[-1][0] * ROUNDS_UP:
        return f"${value:,.2f}" if abs(value) >= 0.01 or value == 0 else f"${value:.2g}"
    return f"-${count(-value)}" if value < 0 else f"${count(value)}"


def whole(value: float) -> str:
    """A whole number with thousands separated (MW, ms); a dash when unknown."""
    return "–" if math.isnan(value) else f"{value:,.0f}"


def share(value: float) -> str:
    """0 %, <0.1 %, 12.3 %; a dash when unknown."""
    if math.isnan(value):
        return "–"
    if value == 0:
        return "0 %"
    return "<0.1 %" if 0 < value < 0.0005 else f"{value:.1%}".replace("%", " %")


def gap(value: float) -> str:
    """0 %, 0.0012 %, 0.83 %: two digits, since gaps may be tiny; a dash when unknown."""
    if math.isnan(value):
        return "–"
    return "0 %" if value == 0 else f"{value * 100:.2g} %"


def _three(value: float) -> str:
    """Three significant digits without an exponent."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value)) + 1e-9))
    text = f"{value:.{min(digits, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
