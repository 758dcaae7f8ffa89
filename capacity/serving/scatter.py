"""Predicted against measured as a picture: one SVG a metric, logarithmic both ways, one colour an accelerator."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

SIZE, EDGE, LEGEND = 420, 56, 150
"""Pixels: the square of the plot, the room for its labels, and for the names of colours."""
COLOURS = ("#3366cc", "#dc3912", "#109618", "#ff9900", "#990099", "#0099c6", "#dd4477", "#66aa00", "#b82e2e", "#316395")
BAND = 1.25
"""Ratio of the dashed lines beside the diagonal."""


def metrics(predicted: pd.DataFrame) -> list[str]:
    """Metrics with something to draw."""
    return sorted(predicted.loc[predicted["predicted"].notna() & ~predicted["saturated"], "metric"].unique())


def scatter_svg(predicted: pd.DataFrame, metric: str) -> str:
    """An SVG of one metric of a table of `validate.predict`, saturated rows left out."""
    rows = predicted[(predicted["metric"] == metric) & predicted["predicted"].notna() & ~predicted["saturated"]]
    values = np.log10(rows[["value", "predicted"]].to_numpy(dtype=float))
    low, high = np.floor(values.min() * 2) / 2, np.ceil(values.max() * 2) / 2
    scale = SIZE / max(high - low, 0.5)

    def at(x: float, y: float) -> tuple[float, float]:
        return EDGE + (x - low) * scale, EDGE / 2 + SIZE - (y - low) * scale

    parts = [_frame(metric, len(rows)), *_ticks(low, high, scale)]
    for ratio in (1.0 / BAND, 1.0, BAND):
        shift = float(np.log10(ratio))
        (x1, y1), (x2, y2) = at(low, low + shift), at(high, high + shift)
        dash = "" if shift == 0 else ' stroke-dasharray="4 4"'
        line = f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"
        parts.append(f'<path d="{line}" stroke="#888" fill="none" clip-path="url(#a)"{dash}/>')
    for place, name in enumerate(sorted(rows["accelerator"].unique())):
        colour = COLOURS[place % len(COLOURS)]
        points = (at(*point) for point in values[(rows["accelerator"] == name).to_numpy()])
        path = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in points)
        parts.append(f'<path d="{path}" stroke="{colour}" stroke-width="4" stroke-linecap="round" opacity="0.5"/>')
        top = EDGE / 2 + 14 + 18 * place
        parts.append(f'<text x="{EDGE + SIZE + 12}" y="{top}" fill="{colour}">{escape(str(name))}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _frame(metric: str, count: int) -> str:
    width, height = EDGE + SIZE + LEGEND, EDGE * 1.5 + SIZE
    box = f'x="{EDGE}" y="{EDGE / 2}" width="{SIZE}" height="{SIZE}"'
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
            f'font-size="12"><rect width="100%" height="100%" fill="white"/><clipPath id="a"><rect {box}/></clipPath>'
            f'<rect {box} fill="none" stroke="#444"/>'
            f'<text x="{EDGE + SIZE / 2}" y="{height - 8}" text-anchor="middle">measured {escape(metric)}, '
            f'{count} rows, dashed: x {BAND} and / {BAND}</text>'
            f'<text transform="translate(14 {EDGE / 2 + SIZE / 2}) rotate(-90)" text-anchor="middle">predicted</text>')


def _ticks(low: float, high: float, scale: float) -> list[str]:
    made = []
    for power in range(int(np.ceil(low)), int(np.floor(high)) + 1):
        x, y = EDGE + (power - low) * scale, EDGE / 2 + SIZE - (power - low) * scale
        made.append(f'<text x="{x:.1f}" y="{EDGE / 2 + SIZE + 16}" text-anchor="middle">{10.0**power:g}</text>'
                    f'<text x="{EDGE - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    return made
