"""Charts of a plan as SVG: stacked bars by year, a line by year. Every mark tells its number on hover."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


def line(values: pd.Series, say: Callable[[float], str], unit: str, label: str) -> str:
    """One line by year with its points labelled; years without a value are left out."""
    years = [int(y) for y in values.index]
    known = [(i, float(v)) for i, v in enumerate(values) if np.isfinite(v)]
    scale = ticks(max((v for _, v in known), default=1.0))
    points = " ".join(f"{_x(i, years):.1f},{_y(v, scale):.1f}" for i, v in known)
    body = _frame(scale, say, unit) + tag("polyline", points=points, class_="line", stroke=PALETTE[0])
    for i, v in known:
        told = tag("title", f"{years[i]}: {say(v)} {escape(unit)}")
        body += tag("circle", told, cx=_x(i, years), cy=_y(v, scale), r=3.5, fill=PALETTE[0])
        side = "start" if i + 1 < len(years) else "middle"
        body += _text(_x(i, years) + 3, _y(v, scale) - 7, say(v), side, "note halo")
    body += "".join(_text(_x(i, years), HEIGHT - 8, str(y), "middle") for i, y in enumerate(years))
    return svg(WIDTH, HEIGHT, body, label)


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
