"""Charts of studies as SVG: a tornado around the base, effects with their spread, values with their bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd

from capacity.report.marks import PALETTE, svg, tag, ticks
from capacity.studies.founding.say import short

WIDTH, ROW, TOP, FOOT, LETTER = 640.0, 24.0, 44.0, 30.0, 6.2
LOW, HIGH = PALETTE[1], PALETTE[4]
MOST_ROWS = 30
"""Rows of a chart; the table has all."""
DOT = 4.5
MANY = 1e6
"""From here on ticks are told in words."""


def tornado(table: pd.DataFrame, unit: str) -> str:
    """Bars from the base to the figure at each input's low and high end; the widest first. Needs columns input, at_low,
    at_high, base, decided; an end without a plan has no bar."""
    rows = table.head(MOST_ROWS).to_dict("records")
    ends = [float(row[name]) for row in rows for name in ("at_low", "at_high", "base")]
    axis = _Axis([str(row["input"]) for row in rows], ends, unit)
    base = float(rows[0]["base"])
    body = axis.frame() + _legend((("at its low", LOW), ("at its high", HIGH)))
    for i, row in enumerate(rows):
        y = axis.row(i)
        body += axis.name(i, str(row["input"]))
        for end, colour in (("at_low", LOW), ("at_high", HIGH)):
            value = float(row[end])
            if not math.isfinite(value):
                continue
            told = f"{row['input']} {end.removeprefix('at_')}: {short(value)} {unit}"
            faint = 1.0 if row["decided"] else 0.45
            left, right = sorted((axis.x(base), axis.x(value)))
            body += tag("rect", tag("title", escape(told)), x=left, y=y + 4, width=max(right - left, 0.5),
                        height=ROW - 8, fill=colour, fill_opacity=faint)
    body += tag("line", x1=axis.x(base), x2=axis.x(base), y1=TOP, y2=axis.floor, class_="base")
    return svg(WIDTH, axis.floor + FOOT, body, f"{unit} by uncertain input")


def dots(table: pd.DataFrame, name: str, value: str, unit: str, spread: str = "", low: str = "", mark: float | None
         = None) -> str:
    """A dot a row, with a line of half-width `spread` around it or from `low` to it; a rule at `mark`."""
    rows = table.head(MOST_ROWS).to_dict("records")
    spans = [_span(row, value, spread, low) for row in rows]
    axis = _Axis([str(row[name]) for row in rows], [v for span in spans for v in span]
                 + ([] if mark is None else [mark]), unit)
    body = axis.frame()
    if mark is not None and math.isfinite(mark):
        body += tag("line", x1=axis.x(mark), x2=axis.x(mark), y1=TOP, y2=axis.floor, class_="base")
    for i, (row, (first, last)) in enumerate(zip(rows, spans, strict=True)):
        at, y = float(row[value]), axis.row(i) + ROW / 2
        body += axis.name(i, str(row[name]))
        if not math.isfinite(at):
            body += _text(axis.left + 6, y + 4, "no plan", "start")
            continue
        told = tag("title", escape(f"{row[name]}: {short(at)} {unit}" + (
            f", {short(first)} to {short(last)}" if last > first else "")))
        body += tag("line", x1=axis.x(first), x2=axis.x(last), y1=y, y2=y, stroke=PALETTE[0], stroke_opacity=0.45,
                    stroke_width=3)
        body += tag("circle", told, cx=axis.x(at), cy=y, r=DOT, fill=PALETTE[0])
    return svg(WIDTH, axis.floor + FOOT, body, f"{unit} by {name}")


def _span(row: dict[object, object], value: str, spread: str, low: str) -> tuple[float, float]:
    at = float(str(row[value]))
    half = float(str(row[spread])) if spread else 0.0
    least = float(str(row[low])) if low and row[low] is not None else at - half
    return (min(at, least) if math.isfinite(least) else at), at + half


class _Axis:
    """Names at the left, a plain axis that starts at zero unless the values lie far from it."""

    def __init__(self, names: Sequence[str], values: Sequence[float], unit: str) -> None:
        known = np.array([v for v in values if math.isfinite(v)] or [0.0, 1.0])
        low, high = float(known.min()), float(known.max())
        self.unit, self.left = unit, min(300.0, max([60.0, *(len(n) * LETTER + 14 for n in names)]))
        self.floor = TOP + len(names) * ROW
        far = low > 0 and high - low < 0.5 * high
        step = ticks(max(high - low, 1e-9 * max(abs(high), 1.0)))[1]
        first = math.floor(low / step) * step if far or low < 0 else 0.0
        step = ticks(max(high - first, 1e-12))[1]
        self.marks = [first + i * step for i in range(math.ceil((high - first) / step - 1e-9) + 1)]
        if len(self.marks) < 2:
            self.marks.append(first + step)

    def x(self, value: float) -> float:
        first, last = self.marks[0], self.marks[-1]
        return self.left + (WIDTH - self.left - 24.0) * (value - first) / (last - first)

    def row(self, i: int) -> float:
        return TOP + i * ROW

    def frame(self) -> str:
        lines = "".join(
            tag("line", x1=self.x(v), x2=self.x(v), y1=TOP, y2=self.floor, class_="grid")
            + _text(self.x(v), self.floor + 16, self.tick(v), "middle") for v in self.marks)
        return lines + _text(0, 14, self.unit, "start", "unit")

    def tick(self, value: float) -> str:
        """With as many digits as tell it from its neighbour."""
        step = self.marks[1] - self.marks[0]
        if abs(value) >= MANY:
            return short(value)
        return f"{value:,.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"

    def name(self, i: int, name: str) -> str:
        most = int((self.left - 14) / LETTER) + 1
        told = name if len(name) <= most else "…" + name[-(most - 1):]
        return _text(self.left - 8, self.row(i) + ROW / 2 + 4, told, "end", "note")


def _legend(entries: Sequence[tuple[str, str]]) -> str:
    body, x = "", 0.0
    for name, colour in entries:
        body += tag("rect", x=x, y=24, width=14, height=8, fill=colour) + _text(x + 20, 32, name, "start", "note")
        x += 22 + len(name) * LETTER + 14
    return body


def _text(x: float, y: float, text: str, anchor: str, class_: str = "tick") -> str:
    return tag("text", escape(text), x=x, y=y, text_anchor=anchor, class_=class_)
