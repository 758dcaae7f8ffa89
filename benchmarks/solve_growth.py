"""How the time to a plan within 1 % grows with each dimension of a scenario, others held; with a chart."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.solve import _alone
from capacity.scenario.synth import Size, synthesise

MIDDLE = Size(12, 6, 6, 4, 8)
STEPS: dict[str, tuple[int, ...]] = {
    "sites": (6, 12, 24), "years": (3, 6, 12), "accelerators": (3, 6, 12), "classes": (2, 4, 8), "regions": (4, 8, 16),
}
COLOURS = {"sites": "#1b6ca8", "years": "#c0392b", "accelerators": "#27803b", "classes": "#8e44ad",
           "regions": "#b8860b"}
DRAWS = 3
"""Plans of each size: draws of one size differ by two to four times among themselves."""
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 400, 70, 40, 150, 60


def grow(limit: float, gap: float, seed: int, chart: Path | None) -> str:
    """CPU seconds to the gap (or the limit) at half, one and two times the middle size in each dimension: the median
    of three plans drawn by `seed` and the two after it, with the quickest and the slowest."""
    seeds = range(seed, seed + DRAWS)
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    middle = [_measured(MIDDLE, one, limit, gap) for one in seeds]
    for name, sizes in STEPS.items():
        for size in sizes:
            other = replace(MIDDLE, **{name: size})
            found[name, size] = middle if other == MIDDLE else [_measured(other, one, limit, gap) for one in seeds]
    if chart is not None:
        chart.write_text(svg(found), encoding="utf-8")
    lines = [f"CPU seconds to a gap of {gap:.1%}, seeds {seeds[0]} to {seeds[-1]}, around {MIDDLE}",
             f"  {'':13}{'':5}{'median':>9}{'least':>8}{'most':>8}{'columns':>10}{'nonzeros':>11}  gaps"]
    for (name, size), got in found.items():
        columns, nonzeros = (round(median(one["size"][word] for one in got)) for word in ("columns", "nonzeros"))
        gaps = ", ".join(f"{one['gap']:.2%}" for one in got)
        least, most = (pick(one["cpu"] for one in got) for pick in (min, max))
        took = f"{typical(got):9.1f}{least:8.1f}{most:8.1f}"
        lines.append(f"  {name:13}{size:5}{took}{columns:10,}{nonzeros:11,}  {gaps}")
    return "\n".join(lines)


def typical(got: list[dict[str, Any]]) -> float:
    """CPU seconds of the draw in the middle."""
    return float(median(one["cpu"] for one in got))


def _measured(size: Size, seed: int, limit: float, gap: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return _alone("ours", synthesise(Path(folder) / "synthetic.yaml", size, seed), limit, gap)


def svg(found: dict[tuple[str, int], list[dict[str, Any]]]) -> str:
    """Lines of the medians against the factor of each dimension, both axes in powers of two; each draw is a point."""
    seconds = [one["cpu"] for got in found.values() for one in got]
    low, high = math.floor(math.log2(min(seconds))), math.ceil(math.log2(max(seconds)))

    def x(factor: float) -> float:
        return LEFT + (math.log2(factor) + 1) / 2 * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (math.log2(value) - low) / max(high - low, 1) * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
           f'font-size="13"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{LEFT}" y="22" font-size="15">CPU seconds to a proven gap of 1 %</text>']
    for power in range(low, high + 1):
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(2.0**power):.0f}" y2="{y(2.0**power):.0f}" '
                   f'stroke="#ddd"/><text x="{LEFT - 8}" y="{y(2.0**power) + 4:.0f}" text-anchor="end">'
                   f'{2**power} s</text>')
    for factor, word in ((0.5, "half"), (1.0, "middle"), (2.0, "double")):
        out.append(f'<text x="{x(factor):.0f}" y="{HEIGHT - BOTTOM + 22}" text-anchor="middle">{word}</text>')
    ends = []
    for name, sizes in STEPS.items():
        points = [(x(s / getattr(MIDDLE, name)), y(typical(found[name, s]))) for s in sizes]
        path = " ".join(f"{a:.0f},{b:.0f}" for a, b in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>')
        out += [f'<circle cx="{a:.0f}" cy="{b:.0f}" r="3" fill="{COLOURS[name]}"/>' for a, b in points]
        out += [f'<circle cx="{a:.0f}" cy="{y(one["cpu"]):.0f}" r="2" fill="{COLOURS[name]}" opacity="0.4"/>'
                for (a, _), s in zip(points, sizes, strict=True) for one in found[name, s]]
        ends.append([points[-1][1], name, f"{name} {sizes[0]} to {sizes[-1]}"])
    ends.sort()
    for i in range(1, len(ends)):
        ends[i][0] = max(ends[i][0], ends[i - 1][0] + 16)
    out += [f'<text x="{WIDTH - RIGHT + 8}" y="{at + 4:.0f}" fill="{COLOURS[name]}">{word}</text>'
            for at, name, word in ends]
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 12}" text-anchor="middle">'
               "size of one dimension, the others at their middle</text></svg>")
    return "\n".join(out) + "\n"
