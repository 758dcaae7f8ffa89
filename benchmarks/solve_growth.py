"""How the time to a plan within 1 % grows with each dimension of a scenario, others held; with a chart."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.solve import _alone
from capacity.scenario.synth import Size, synthesise

MIDDLE = Size(12, 6, 6, 4, 8)
STEPS: dict[str, tuple[int, ...]] = {
    "sites": (6, 12, 24), "years": (3, 6, 12), "accelerators": (3, 6, 12), "classes": (2, 4, 8), "regions": (4, 8, 16),
}
COLOURS = {"sites": "#1b6ca8", "years": "#c0392b", "accelerators": "#27803b", "classes": "#8e44ad",
           "regions": "#b8860b"}
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 400, 70, 40, 150, 60


def grow(limit: float, gap: float, seed: int, chart: Path | None) -> str:
    """CPU seconds to the gap (or the limit) at half, one and two times the middle size in each dimension."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    middle = _measured(MIDDLE, seed, limit, gap)
    for name, sizes in STEPS.items():
        for size in sizes:
            same = size == getattr(MIDDLE, name)
            found[name, size] = middle if same else _measured(replace(MIDDLE, **{name: size}), seed, limit, gap)
    if chart is not None:
        chart.write_text(svg(found), encoding="utf-8")
    lines = [f"CPU seconds to a gap of {gap:.1%}, seed {seed}, around {MIDDLE}"]
    for (name, size), got in found.items():
        reached = "" if got["gap"] <= gap else f"  (stopped at {got['gap']:.2%})"
        lines.append(f"  {name:13}{size:5}{got['cpu']:9.1f} s{got['size']['columns']:10,} columns"
                     f"{got['size']['nonzeros']:11,} nonzeros{got['gap']:8.2%}{reached}")
    return "\n".join(lines)


def _measured(size: Size, seed: int, limit: float, gap: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return _alone("ours", synthesise(Path(folder) / "synthetic.yaml", size, seed), limit, gap)


def svg(found: dict[tuple[str, int], dict[str, Any]]) -> str:
    """Lines of CPU seconds against the factor of each dimension, both axes in powers of two; hollow where unproven."""
    seconds = [got["cpu"] for got in found.values()]
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
        points = [(x(s / getattr(MIDDLE, name)), y(found[name, s]["cpu"])) for s in sizes]
        path = " ".join(f"{a:.0f},{b:.0f}" for a, b in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>')
        out += [f'<circle cx="{a:.0f}" cy="{b:.0f}" r="3" fill="{COLOURS[name]}"/>' for a, b in points]
        ends.append([points[-1][1], name, f"{name} {sizes[0]} to {sizes[-1]}"])
    ends.sort()
    for i in range(1, len(ends)):
        ends[i][0] = max(ends[i][0], ends[i - 1][0] + 16)
    out += [f'<text x="{WIDTH - RIGHT + 8}" y="{at + 4:.0f}" fill="{COLOURS[name]}">{word}</text>'
            for at, name, word in ends]
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 12}" text-anchor="middle">'
               "size of one dimension, the others at their middle</text></svg>")
    return "\n".join(out) + "\n"
