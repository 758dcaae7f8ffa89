"""Folded-Clos networks and scale-up domains in layers: accelerators below, leaves, aggregation switches, cores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from capacity.network.clos import Clos
from capacity.network.designs import Choice
from capacity.network.draw_marks import ACCELERATOR, FAINT, INK, PAPER, TIERS, some

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEFT, RIGHT = 0.19, 0.81
HEIGHTS = {1: (0.32, 0.64), 2: (0.18, 0.45, 0.80), 3: (0.14, 0.35, 0.60, 0.86)}
"""Of accelerators and tiers, by number of tiers."""
SWITCH_TALL = 0.042
GAP = "…"
FLOW = 0.86
"""Where the figures of bandwidth stand."""
Spot = tuple[float, float]


def layers(axes: Axes, choice: Choice) -> None:
    """One plane in front, the others as cards behind it; its tiers with their counts, ports and bandwidth."""
    side, planes = choice.shape.sides[0], _planes(choice)
    axes.set_xlim(0, 1)
    axes.set_ylim(0.03, 1.0)
    _cards(axes, side, planes)
    names = (("leaf", "leaves"), ("spine", "spines"), ("core", "cores"))
    if side.tiers == 3:
        names = (names[0], ("aggregation", "aggregation"), names[2])
    leaves, tops = _pods(axes, side)
    if side.tiers == 3:
        cores = _row(axes, some(side.cores, 12), LEFT + 0.06, RIGHT - 0.06, HEIGHTS[3][3], TIERS[2])
        for pod in tops:
            _cables(axes, pod, cores)
    heights = HEIGHTS[side.tiers]
    for tier, count in enumerate(side.switches):
        ports = f"{choice.parts.radix} ports each"
        _label(axes, heights[tier + 1], f"{planes * count:,} {names[tier][planes * count > 1]}", TIERS[tier],
               f"{planes} × {count:,}, {ports}" if planes > 1 else ports)
    where = "" if planes == 1 else " over all planes" if choice.kind == "scale-up" else f", {side.endpoints:,} a plane"
    _label(axes, heights[0], f"{choice.shape.size:,} accelerators", ACCELERATOR,
           f"{choice.rate_gb_s:,.0f} GB/s each{where}")
    _rates(axes, side, heights, choice.rate_gb_s * choice.shape.size)
    most = 24 if side.tiers == 1 else 4
    for leaf, number in leaves:
        _accelerators(axes, leaf, heights[0], number, most)


def _planes(choice: Choice) -> int:
    return choice.bundles if choice.kind == "scale-up" else len(choice.shape.sides)


def _cards(axes: Axes, side: Clos, planes: int) -> None:
    """Outlines of the planes behind the first one."""
    from matplotlib.patches import FancyBboxPatch

    low, high = HEIGHTS[side.tiers][1] - 0.075, HEIGHTS[side.tiers][-1] + 0.075
    for behind in range(min(planes, 4) - 1, -1, -1):
        shift = 0.011 * behind
        axes.add_patch(FancyBboxPatch((LEFT - 0.012 + shift, low + shift * 1.3), RIGHT - LEFT + 0.024, high - low,
                                      boxstyle="round,pad=0,rounding_size=0.012", linewidth=0.8,
                                      edgecolor="#c3ccd4" if planes > 1 else PAPER, facecolor=PAPER, zorder=-behind))
    if planes > 1:
        axes.text(RIGHT, high - 0.022, f"1 of {planes} planes", ha="right", fontsize=8.5, color=FAINT)


def _pods(axes: Axes, side: Clos) -> tuple[list[tuple[Spot, int]], list[list[Spot]]]:
    """Leaves with their numbers of accelerators, and the switches above them by pod."""
    heights = HEIGHTS[side.tiers]
    shown = some(len(side.leaves_of_pod), 4) if side.tiers == 3 else [0]
    width = (RIGHT - LEFT) / len(shown)
    leaves: list[tuple[Spot, int]] = []
    tops: list[list[Spot]] = []
    for place, pod in enumerate(shown):
        begin, end = LEFT + place * width + 0.012, LEFT + (place + 1) * width - 0.012
        if pod is None:
            axes.text((begin + end) / 2, (heights[1] + heights[2]) / 2, f"{GAP}\n{len(side.leaves_of_pod)} pods",
                      ha="center", va="center", fontsize=10, color=FAINT)
            continue
        most = 4 if side.tiers == 3 else 10
        number = side.leaves_of_pod[pod] if side.tiers == 3 else side.leaves
        below = _row(axes, some(number, most), begin, end, heights[1], TIERS[0])
        each = round(side.endpoints / side.leaves)
        leaves += [(spot, each) for spot in below]
        if side.tiers > 1:
            above = _row(axes, some(side.aggs_of_pod[pod], most), begin, end, heights[2], TIERS[1])
            _cables(axes, below, above)
            tops.append(above)
        if side.tiers == 3:
            axes.text((begin + end) / 2, heights[1] + 0.052, f"pod {pod + 1}: {number} + {side.aggs_of_pod[pod]}",
                      ha="center", va="center", fontsize=7.5, color=FAINT,
                      bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8})
    return leaves, tops


def _row(axes: Axes, shown: Sequence[int | None], begin: float, end: float, y: float, colour: str) -> list[Spot]:
    """Switches side by side; a gap stands for those left out."""
    from matplotlib.patches import FancyBboxPatch

    step = (end - begin) / len(shown)
    wide, spots = min(step * 0.72, 0.055), []
    for place, number in enumerate(shown):
        x = begin + (place + 0.5) * step
        if number is None:
            axes.text(x, y, GAP, ha="center", va="center", fontsize=12, color=FAINT)
            continue
        axes.add_patch(FancyBboxPatch((x - wide / 2, y - SWITCH_TALL / 2), wide, SWITCH_TALL, zorder=3, linewidth=0,
                                      boxstyle="round,pad=0,rounding_size=0.006", facecolor=colour))
        spots.append((x, y))
    return spots


def _cables(axes: Axes, below: list[Spot], above: list[Spot]) -> None:
    from matplotlib.collections import LineCollection

    lines = [[(x, y + SWITCH_TALL / 2), (u, v - SWITCH_TALL / 2)] for x, y in below for u, v in above]
    axes.add_collection(LineCollection(lines, colors=INK, linewidths=0.5, alpha=0.28, zorder=1))


def _accelerators(axes: Axes, leaf: Spot, y: float, number: int, most: int) -> None:
    """A few accelerators under a leaf, and how many there are."""
    from matplotlib.collections import LineCollection

    x, top = leaf
    shown = some(number, most) if most > 4 else list(range(min(number, most)))
    wide = 0.55 if most > 4 else 0.032
    places = [x + wide * ((n + 0.5) / len(shown) - 0.5) for n in range(len(shown))]
    spots = [(place, y) for place, one in zip(places, shown, strict=True) if one is not None]
    lines = [[(x, top - SWITCH_TALL / 2), (u, v + 0.012)] for u, v in spots]
    axes.add_collection(LineCollection(lines, colors=INK, linewidths=0.5, alpha=0.35, zorder=1))
    axes.scatter([u for u, _ in spots], [v for _, v in spots], s=16 if most == 4 else 90, marker="s",
                 color=ACCELERATOR, zorder=3)
    for place, one in zip(places, shown, strict=True):
        if one is None and most > 4:
            axes.text(place, y, GAP, ha="center", va="center", fontsize=12, color=FAINT)
    axes.text(x, y - 0.045, f"{number}", ha="center", va="center", fontsize=8, color=FAINT)


def _label(axes: Axes, y: float, name: str, colour: str, note: str) -> None:
    axes.text(0.0, y + 0.016, name, fontsize=10.5, fontweight="bold", color=colour, va="center")
    axes.text(0.0, y - 0.020, note, fontsize=8, color=FAINT, va="center")


def _rates(axes: Axes, side: Clos, heights: Sequence[float], whole_gb_s: float) -> None:
    """Bandwidth upwards between the tiers, against that of the accelerators, with a bar of that length."""
    spans = [1.0, *(cables / side.endpoints for cables in side.above())]
    for tier, share in enumerate(spans):
        y = (heights[tier] + heights[tier + 1]) / 2
        axes.plot([FLOW, FLOW + 0.12], [y - 0.012] * 2, color="#e3e8ec", linewidth=5.0, solid_capstyle="butt")
        axes.plot([FLOW, FLOW + 0.12 * min(share, 1.0)], [y - 0.012] * 2, color=TIERS[tier], linewidth=5.0,
                  solid_capstyle="butt")
        axes.text(FLOW, y + 0.022, f"{whole_gb_s * share / 1000:,.1f} TB/s upwards", fontsize=9, va="center")
        axes.text(FLOW, y - 0.043, f"{share:.0%} of the accelerators'", fontsize=8, va="center", color=FAINT)
