"""Charts of a plan as SVG: stacked bars by year, a line by year over bands. Every mark tells its number on hover."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from capacity.report.marks import OTHER, PALETTE, colours, svg, tag, ticks

WIDTH, HEIGHT = 560.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 8.0, 22.0, 24.0
REST = "other"


def by_year(frame: pd.DataFrame, series: str, value: str, years: Sequence[int], year: str = "year") -> pd.DataFrame:
    """Series x years, largest first; beyond the palette's nine the smallest are summed as `other`."""
    wide = frame.pivot_table(index=series, columns=year, values=value, aggfunc="sum", fill_value=0.0)
    wide = wide.reindex(columns=list(years), fill_value=0.0)
    wide = wide.loc[wide.sum(axis=1).sort_values(ascending=False).index]
    wide = wide[wide.sum(axis=1) > 0]
    if len(wide) > len(PALETTE):
        kept, rest = wide.iloc[: len(PALETTE) - 1], wide.iloc[len(PALETTE) - 1 :]
        wide = pd.concat([kept, rest.sum().to_frame(f"{REST} ({len(rest)})").T])
    return wide


def stacked(
    wide: pd.DataFrame, say: Callable[[float], str], unit: str, label: str,
    hollow: Mapping[int, float] | None = None, notes: Mapping[int, str] | None = None,
) -> str:
    """Stacked bars by year with their legend; `hollow` adds a hatched part on top (what is missing), `notes` a text."""
    years = [int(y) for y in wide.columns]
    missing = np.array([(hollow or {}).get(y, 0.0) for y in years])
    scale = ticks(float((wide.sum().to_numpy() + missing).max()))
    body = _frame(scale, say, unit) + _hatch()
    shades = colours(wide.index)
    wide_of_bar = _step(years) * 0.72
    for i, year in enumerate(years):
        x, base = _x(i, years) - wide_of_bar / 2, 0.0
        for name, value in wide.iloc[:, i].items():
            told = f"{year} · {name}: {say(value)} {unit}"
            body += _bar(x, wide_of_bar, base, float(value), scale, shades[str(name)], told)
            base += float(value)
        told = f"{year} · not served: {say(missing[i])} {unit}"
        body += _bar(x, wide_of_bar, base, missing[i], scale, "url(#hatch)", told)
        body += _text(_x(i, years), HEIGHT - 8, str(year), "middle")
        if notes and notes.get(year):
            body += _text(_x(i, years), _y(base + missing[i], scale) - 5, notes[year], "middle", "note")
    legend = [(str(n), shades[str(n)]) for n in wide.index]
    if missing.any():
        legend.append(("not served", "repeating-linear-gradient(45deg,#fff 0 2px,#b33 2px 3px)"))
    return svg(WIDTH, HEIGHT, body, label) + _legend(legend)


@dataclass(frozen=True)
class Band:
    """A range of values to compare with, from `low` to `high`, named at the left or the right."""

    name: str
    low: float
    high: float
    class_: str
    right: bool = False


def log_line(
    values: pd.Series, say: Callable[[float], str], unit: str, label: str, bands: Sequence[Band] = ()
) -> str:
    """One line by year on a logarithmic axis of whole decades, over bands; years without a value are left out."""
    years = [int(y) for y in values.index]
    known = [(i, float(v)) for i, v in enumerate(values) if np.isfinite(v) and v > 0]
    ends = [v for _, v in known] + [v for b in bands for v in (b.low, b.high) if v > 0] or [1.0]
    low, high = math.floor(math.log10(min(ends)) + 1e-9), math.ceil(math.log10(max(ends)) - 1e-9)
    high = max(high, low + 1)

    def at(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (math.log10(value) - low) / (high - low)

    body = "".join(_band(b, at) for b in bands if b.low > 0)
    for power in range(low, high + 1):
        y = at(10.0**power)
        body += tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid" if power > low else "base")
        body += _text(LEFT - 6, y + 4, say(10.0**power), "end")
    body += _text(0, 11, f"{unit}, logarithmic", "start", "unit")
    points = " ".join(f"{_x(i, years):.1f},{at(v):.1f}" for i, v in known)
    body += tag("polyline", points=points, class_="line", stroke=PALETTE[0])
    for i, v in known:
        told = tag("title", f"{years[i]}: {say(v)} {escape(unit)}")
        body += tag("circle", told, cx=_x(i, years), cy=at(v), r=3.5, fill=PALETTE[0])
        below = at(v) + 16 < HEIGHT - BOTTOM
        body += _text(_x(i, years), at(v) + (16 if below else -8), say(v), "middle", "note halo")
    body += "".join(_text(_x(i, years), HEIGHT - 8, str(y), "middle") for i, y in enumerate(years))
    return svg(WIDTH, HEIGHT, body, label)


def _band(band: Band, at: Callable[[float], float]) -> str:
    top, height = at(band.high), max(at(band.low) - at(band.high), 1.5)
    body = tag("rect", tag("title", escape(band.name)), x=LEFT, y=top, width=WIDTH - LEFT - RIGHT, height=height,
               class_=f"band {band.class_}")
    x, side = (WIDTH - RIGHT - 6, "end") if band.right else (LEFT + 6, "start")
    return body + _text(x, top + 13, band.name, side, f"note {band.class_}-name")


def _step(years: Sequence[int]) -> float:
    return (WIDTH - LEFT - RIGHT) / max(len(years), 1)


def _x(i: int, years: Sequence[int]) -> float:
    return LEFT + _step(years) * (i + 0.5)


def _y(value: float, scale: Sequence[float]) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / scale[-1]


def _bar(x: float, width: float, base: float, value: float, scale: Sequence[float], fill: str, told: str) -> str:
    if value <= 0:
        return ""
    top = _y(base + value, scale)
    height = _y(base, scale) - top
    return tag("rect", tag("title", escape(told)), x=x, y=top, width=width, height=max(height, 0.4), fill=fill)


def _frame(scale: Sequence[float], say: Callable[[float], str], unit: str) -> str:
    lines = "".join(
        tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=_y(v, scale), y2=_y(v, scale), class_="grid" if v else "base")
        + _text(LEFT - 6, _y(v, scale) + 4, say(v), "end")
        for v in scale
    )
    return lines + _text(0, 11, unit, "start", "unit")


def _text(x: float, y: float, text: str, anchor: str, class_: str = "tick") -> str:
    return tag("text", escape(text), x=x, y=y, text_anchor=anchor, class_=class_)


def _hatch() -> str:
    stroke = tag("path", d="M0,5 l5,-5", stroke="#b33", stroke_width=1)
    back = tag("rect", width=5, height=5, fill="#fff")
    return tag("defs", tag("pattern", back + stroke, id="hatch", width=5, height=5, patternUnits="userSpaceOnUse"))


def _legend(entries: Sequence[tuple[str, str]]) -> str:
    shown = [
        tag("span", tag("i", style=f"background:{fill if name else OTHER}") + escape(name)) for name, fill in entries
    ]
    return tag("div", "".join(shown), class_="legend")
