"""Numbers in sentences: two or three digits, large ones in words, money in dollars or cents."""

from __future__ import annotations

import math

WORDS = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
PRECISE = 100.0
"""From here on three digits are told, below two."""
CENTS = 100.0


def short(value: float) -> str:
    """0.058, 1.2, 17, 547, 4,320, 12.4 million, 8 billion; `none` where there is no number."""
    if not math.isfinite(value):
        return "none"
    for size, name in WORDS:
        if abs(value) >= size * (1 - 5e-3):
            return f"{_digits(value / size, 3 if abs(value) >= size * 10 else 2)} {name}"
    return _digits(value, 3 if abs(value) >= PRECISE else 2)


def usd(value: float) -> str:
    """$60, $1.2, 0.14 cents, $45 million; `no price` where there is none."""
    if not math.isfinite(value):
        return "no price"
    if 0 < abs(value) < 0.1:
        return f"{_digits(value * CENTS, 2)} cents"
    return f"${value:.2f}" if abs(value) < 10 else f"${short(value)}"


def share(value: float) -> str:
    """58 %, 0.12 %, 99.9 %; `none` where there is no number."""
    if not math.isfinite(value):
        return "none"
    if 0.99 < value < 1:
        return f"{math.floor(value * 1e4) / 100:g} %"
    return f"{_digits(value * 100, 2)} %"


def times(value: float) -> str:
    """1.6 times, 547 times."""
    return f"{short(value)} times"


def _digits(value: float, digits: int) -> str:
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.10f}".rstrip("0").rstrip(".")
