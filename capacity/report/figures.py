"""Charts of findings as SVG: lines over plain or logarithmic axes, bars or dots by name. Marks tell their number."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

import pandas as pd

from capacity.report.marks import PALETTE, svg, tag, ticks
from capacity.studies.founding.argument import Chart
from capacity.studies.founding.say import share, short, usd

WIDTH, PLOT, LEFT, RIGHT, TOP, BOTTOM = 640.0, 240.0, 64.0, 16.0, 26.0, 40.0
ROW, NAMES, VALUES = 20.0, 284.0, 62.0
"""Height of a bar's row; room for names at the left and for values at the right."""
LETTER, SLIM = 6.8, 6.2
"""Width of a letter of the legend, and of one in the names of bars."""
DASHES = ("none", "6 3", "2 3", "8 3 2 3")
MOST_LABELS = 12
AXES = {"parameters_b": "billion parameters", "size_of_gpt3": "times the size of GPT-3", "copies": "copies served",
        "slots": "layers that fit beside the one at work", "context": "tokens of context",
        "cluster": "accelerators of the cluster", "layers": "layers", "tokens a second": "tokens a second asked for"}
"""What an axis counts, by the name of the table's column."""
STYLE = (
    "text{font-family:system-ui,'Segoe UI',Roboto,'DejaVu Sans',Arial,sans-serif;font-size:12px;fill:#5b6470}"
    ".unit{fill:#1b1f24}.note{fill:#1b1f24}.grid{stroke:#e8ebef}.base{stroke:#98a1ab}.line{fill:none;stroke-width:2}"
)

Place = Callable[[float], float]


def draw(chart: Chart) -> str:
    """The chart as one SVG element."""
    return _bars(chart) if chart.kind == "bars" else _lines(chart)


MARGIN = 28.0
"""Room left of a picture for names that are wider in another font."""


def standalone(picture: str) -> str:
    """The picture as a file of its own, with its style and a white ground."""
    head, rest = picture.split(">", 1)
    head = head.replace(f'viewBox="0 0 {WIDTH:g}', f'viewBox="{-MARGIN:g} 0 {WIDTH + MARGIN:g}')
    ground = tag("rect", x=-MARGIN, width="100%", height="100%", fill="#fff")
    return f'{head} xmlns="http://www.w3.org/2000/svg">' + tag("style", STYLE) + ground + rest + "\n"


# ---- scales ---------------------------------------------------------------------------------------------------------


def _scale(values: Sequence[float], log: bool, start: float, end: float) -> tuple[list[float], Place]:
    """Ticks and the place of a value between `start` and `end`."""
    known = [v for v in values if math.isfinite(v) and (v > 0 or not log)]
    if not log:
        at = ticks(max([*known, 0.0]))
        return at, lambda v: start + (end - start) * v / at[-1]
    low, high = math.floor(math.log10(min(known)) + 1e-9), math.ceil(math.log10(max(known)) - 1e-9)
    high = max(high, low + 1)
    step = max(1, math.ceil((high - low) / 6))
    high = low + step * math.ceil((high - low) / step)
    marks = [10.0**power for power in range(low, high + 1, step)]
    return marks, lambda v: start + (end - start) * (math.log10(v) - low) / (high - low)


def _along(index: pd.Index, log: bool) -> Place:
    values = [float(v) for v in index]
    first, last = (math.log10(v) if log else v for v in (min(values), max(values)))
    room, span = WIDTH - LEFT - RIGHT - 24, (last - first) or 1.0
    return lambda v: LEFT + 12 + room * ((math.log10(v) if log else v) - first) / span


# ---- lines ----------------------------------------------------------------------------------------------------------


def _lines(chart: Chart) -> str:
    data = chart.data.astype(float)
    legend, top = _legend([str(name) for name in data.columns]) if data.shape[1] > 1 else ("", TOP)
    floor = top + PLOT
    marks, y = _scale(data.to_numpy().ravel().tolist(), chart.log, floor, top)
    x = _along(data.index, chart.log_x)
    body = "".join(
        tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y(v), y2=y(v), class_="base" if i == 0 else "grid")
        + _text(LEFT - 6, y(v) + 4, _axis(v, chart.unit), "end") for i, v in enumerate(marks))
    body += _text(0, 14, _unit(chart), "start", "unit") + legend
    for i, name in enumerate(data.columns):
        points = [(float(at), float(v)) for at, v in data[name].items()  # type: ignore[arg-type]
                  if math.isfinite(v) and (v > 0 or not chart.log)]
        line = " ".join(f"{x(at):.1f},{y(v):.1f}" for at, v in points)
        colour = PALETTE[i % len(PALETTE)]
        body += tag("polyline", points=line, class_="line", stroke=colour, stroke_dasharray=DASHES[i % len(DASHES)])
        for at, v in points:
            told = tag("title", escape(f"{name}, {_at(at, data.index.name)}: {short(v)} {chart.unit}"))
            body += tag("circle", told, cx=x(at), cy=y(v), r=2.6, fill=colour)
    body += _below(chart, [float(v) for v in data.index], x, floor)
    return svg(WIDTH, floor + BOTTOM, body, chart.title)


def _below(chart: Chart, values: list[float], x: Place, floor: float) -> str:
    """Labels of the x axis, as many as fit, and what it counts."""
    shown, last = "", -math.inf
    for value in _marked(values, chart.log_x):
        label = _at(value, chart.data.index.name)
        half = len(label) * LETTER / 2
        if x(value) - half < last + 6:
            continue
        last = x(value) + half
        shown += _text(x(value), floor + 16, label, "middle")
    name = str(chart.data.index.name or "")
    name = AXES.get(name, name.replace("_", " "))
    return shown + ("" if name == "year" else _text(WIDTH - RIGHT, floor + 33, name, "end", "unit"))


def _marked(values: list[float], log: bool) -> list[float]:
    """Values that the x axis tells: all that there are, or, of many on a logarithmic axis, the powers of ten."""
    if len(values) <= MOST_LABELS:
        return values
    if log:
        low, high = math.ceil(math.log10(min(values)) - 1e-9), math.floor(math.log10(max(values)) + 1e-9)
        return [10.0**power for power in range(low, high + 1)]
    return values[:: math.ceil(len(values) / MOST_LABELS)]


def _at(value: float, name: object) -> str:
    if name == "year":
        return f"{value:.0f}"
    return f"{value:,.0f}" if value == round(value) else short(value)


def _unit(chart: Chart) -> str:
    return ("times" if chart.unit == "x" else chart.unit) + (", logarithmic" if chart.log else "")


def _axis(value: float, unit: str = "") -> str:
    if unit == "share":
        return share(value)
    return short(value).replace(" million", "M").replace(" billion", "B").replace(" trillion", "T")


# ---- bars -----------------------------------------------------------------------------------------------------------


def _bars(chart: Chart) -> str:
    """A row a name and series: a bar from zero, or on a logarithmic axis a dot, for its length would tell nothing."""
    data = chart.data.astype(float)
    many = data.shape[1] > 1
    legend, top = _legend([str(name) for name in data.columns]) if many else ("", TOP)
    rows = len(data) * data.shape[1]
    gap = 8.0 if many else 0.0
    floor = top + rows * ROW + len(data) * gap
    left = min(NAMES, max(len(str(name)) for name in data.index) * SLIM + 14)
    marks, x = _scale(data.to_numpy().ravel().tolist(), chart.log, left, WIDTH - RIGHT - VALUES)
    body = "".join(tag("line", x1=x(v), x2=x(v), y1=top, y2=floor, class_="base" if i == 0 else "grid")
                   + _text(x(v), floor + 16, _axis(v, chart.unit), "middle") for i, v in enumerate(marks))
    body += _text(0, 14, _unit(chart), "start", "unit") + legend
    y = top
    for name, row in data.iterrows():
        y += gap / 2
        body += _text(left - 8, y + ROW * data.shape[1] / 2 + 4, _cut(str(name), left), "end", "note")
        for i, (series, value) in enumerate(row.items()):
            body += _bar(chart, float(value), f"{name}, {series}" if many else str(name), x, left, y,
                         PALETTE[i % len(PALETTE)])
            y += ROW
        y += gap / 2
    return svg(WIDTH, floor + 26, body, chart.title)


def _bar(chart: Chart, value: float, name: str, x: Place, left: float, y: float, colour: str) -> str:
    if not math.isfinite(value):
        return _text(left + 6, y + ROW / 2 + 4, "does not fit", "start")
    told = tag("title", escape(f"{name}: {short(value)} {chart.unit}"))
    end = x(value)
    mark = (tag("line", x1=left, x2=end, y1=y + ROW / 2, y2=y + ROW / 2, stroke=colour, stroke_opacity=0.35)
            + tag("circle", told, cx=end, cy=y + ROW / 2, r=4.5, fill=colour) if chart.log else
            tag("rect", told, x=left, y=y + 3, width=max(end - left, 0.5), height=ROW - 6, fill=colour))
    note = usd(value) if chart.unit.startswith("USD") else _axis(value, chart.unit)
    return mark + _text(end + 8, y + ROW / 2 + 4, note, "start", "note")


def _cut(name: str, room: float) -> str:
    most = int((room - 14) / SLIM) + 1
    return name if len(name) <= most else name[: most - 1] + "…"


# ---- pieces ---------------------------------------------------------------------------------------------------------


def _legend(names: Sequence[str]) -> tuple[str, float]:
    """Coloured names below the unit, in as many rows as they need; and where the plot starts."""
    body, x, y = "", 0.0, 34.0
    for i, name in enumerate(names):
        width = 22 + len(name) * LETTER + 14
        if x and x + width > WIDTH:
            x, y = 0.0, y + 17
        colour = PALETTE[i % len(PALETTE)]
        body += tag("rect", x=x, y=y - 8, width=14, height=5, fill=colour) + _text(x + 20, y, name, "start", "note")
        x += width
    return body, y + 18


def _text(x: float, y: float, text: str, anchor: str, class_: str = "tick") -> str:
    return tag("text", escape(text), x=x, y=y, text_anchor=anchor, class_=class_)
