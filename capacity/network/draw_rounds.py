"""Fabrics without layers: dragonfly+ and full meshes in a circle, tori as a grid with its rings closed."""

from __future__ import annotations

from itertools import combinations, product
from math import cos, pi, sin
from typing import TYPE_CHECKING

from capacity.network.designs import Choice
from capacity.network.draw_marks import ACCELERATOR, FAINT, INK, PAPER, TIERS
from capacity.network.structure import lay_out_dragonfly, torus_sides

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_GROUPS, MOST_SIDE, MOST_NAMED = 24, 8, 16
Spot = tuple[float, float]


def dragonfly(axes: Axes, choice: Choice) -> None:
    """Groups in a circle, every two joined; one of them opened beside it."""
    plan = lay_out_dragonfly(choice.shape.size, choice.parts.radix, float(choice.row["oversubscription"]))
    shown = min(plan.groups, MOST_GROUPS)
    spots = _circle(shown, (0.385, 0.475), 0.35)
    _frame(axes)
    if shown > 1:
        _lines(axes, list(combinations(spots, 2)), TIERS[1], 0.35)
    for x, y in spots:
        axes.scatter([x], [y], s=420 if shown <= 12 else 210, color=TIERS[0], zorder=3, edgecolor=PAPER, linewidth=1.2)
    if shown < plan.groups:
        axes.text(0.385, 0.045, f"{shown} of {plan.groups} groups drawn", ha="center", fontsize=8.5, color=FAINT)
    _opened(axes, plan.leaves, plan.spines, choice.parts.radix)
    each = -(-plan.endpoints // plan.groups)
    notes = [f"{plan.groups} group{'s' * (plan.groups > 1)}", f"{plan.leaves} leaves and {plan.spines} spines in each",
             f"{each:,} accelerators a group, {choice.rate_gb_s:,.0f} GB/s each"]
    if plan.groups > 1:
        across = plan.between * (plan.groups - 1) / each
        notes += [f"{plan.between} cables between every two groups", f"{across:.0%} of a group's bandwidth leaves it"]
    for line, note in enumerate(notes):
        axes.text(0.80, 0.38 - 0.055 * line, note, fontsize=9.5, va="center", fontweight="bold" if line == 0 else None)


def _opened(axes: Axes, leaves: int, spines: int, radix: int) -> None:
    """One group: leaves below, spines above."""
    most = 6
    low = [(0.82 + 0.055 * n, 0.60) for n in range(min(leaves, most))]
    high = [(0.82 + 0.055 * n, 0.80) for n in range(min(spines, most))]
    _lines(axes, list(product(low, high)), INK, 0.3)
    axes.scatter([x for x, _ in low], [y for _, y in low], s=130, marker="s", color=TIERS[0], zorder=3)
    if high:
        axes.scatter([x for x, _ in high], [y for _, y in high], s=130, marker="s", color=TIERS[1], zorder=3)
        axes.text(0.80, 0.845, f"spines, {radix} ports: half to the leaves, half to other groups", fontsize=8,
                  color=TIERS[1])
    axes.text(0.80, 0.545, f"leaves, {radix} ports: half to accelerators", fontsize=8, color=TIERS[0])
    axes.text(0.80, 0.895, "inside a group", fontsize=9.5, fontweight="bold")


def mesh(axes: Axes, choice: Choice) -> None:
    """Accelerators in a circle with all their cables."""
    size = choice.shape.size
    spots = _circle(size, (0.5, 0.47), 0.36)
    _frame(axes)
    _lines(axes, list(combinations(spots, 2)), INK, 0.45 if size <= MOST_NAMED else 0.12)
    axes.scatter([x for x, _ in spots], [y for _, y in spots], s=260 if size <= MOST_NAMED else 60, marker="s",
                 color=ACCELERATOR, zorder=3, edgecolor=PAPER)
    axes.text(1.0, 0.80, f"{size} accelerators\n{size - 1} cables each\n"
              f"{choice.rate_gb_s / (size - 1):,.1f} GB/s a cable", fontsize=10, va="top", linespacing=1.6)


def torus(axes: Axes, choice: Choice) -> None:
    """A grid of at most MOST_SIDE accelerators a side; of three dimensions the faces that are seen."""
    sides = torus_sides(choice.shape.size, int(choice.row["dimensions"]))
    shown = [min(k, MOST_SIDE if len(sides) == 2 else MOST_SIDE // 2 + 1) for k in sides]
    _frame(axes)
    spots = {at: _projected(at, shown) for at in product(*(range(k) for k in shown)) if _seen(at, shown)}
    inner, outer = [], []
    for at, spot in spots.items():
        for axis, k in enumerate(shown):
            beside = tuple((n + (axis == d)) for d, n in enumerate(at))
            if beside in spots:
                inner.append((spot, spots[beside]))
            elif sides[axis] > 2 and at[axis] == k - 1 and _at_the_rim(at, axis, shown):
                first = tuple(0 if axis == d else n for d, n in enumerate(at))
                ends = (spot, spots[first]) if axis == 1 and len(at) == 3 else (spots[first], spot)  # bent outwards
                outer.append((*ends, k))
    _lines(axes, inner, INK, 0.55)
    for start, end, k in outer:
        _closing(axes, start, end, k)
    axes.scatter([x for x, _ in spots.values()], [y for _, y in spots.values()], s=90 if len(sides) == 2 else 55,
                 marker="s", color=ACCELERATOR, zorder=3, edgecolor=PAPER, linewidth=0.8)
    links = 2 * len(sides)
    note = " × ".join(map(str, sides)) + f" accelerators\n{links} cables each, {choice.rate_gb_s / links:,.1f} GB/s"
    if shown != list(sides):
        note += "\n" + " × ".join(map(str, shown)) + " of them drawn"
    axes.text(1.0, 0.80, note + "\nevery row is a ring: curves close it", fontsize=10, va="top", linespacing=1.6)


def _seen(at: tuple[int, ...], shown: list[int]) -> bool:
    """On the front, the top or the right face; in two dimensions all."""
    return len(at) < 3 or at[2] == 0 or at[1] == shown[1] - 1 or at[0] == shown[0] - 1


def _at_the_rim(at: tuple[int, ...], axis: int, shown: list[int]) -> bool:
    """Whether a ring is one whose closing is drawn: all in two dimensions, in three those along the outer edges."""
    if len(at) < 3:
        return True
    return {0: at[1] == 0 and at[2] == 0, 1: at[0] == 0 and at[2] == 0, 2: at[0] == shown[0] - 1 and at[1] == 0}[axis]


def _projected(at: tuple[int, ...], shown: list[int]) -> Spot:
    depth = at[2] if len(at) > 2 else 0
    behind = shown[2] - 1 if len(shown) > 2 else 0
    step = 0.70 / (max(shown[:2]) - 1 + 0.45 * behind)
    return 0.12 + step * (at[0] + 0.45 * depth), 0.10 + step * (at[1] + 0.36 * depth)


def _closing(axes: Axes, start: Spot, end: Spot, count: int) -> None:
    """A flat curve from the last of a ring to its first."""
    from matplotlib.patches import FancyArrowPatch

    axes.add_patch(FancyArrowPatch(start, end, connectionstyle=f"arc3,rad={0.9 / max(count, 2):.2f}", arrowstyle="-",
                                   color=TIERS[1], linewidth=0.8, alpha=0.55, zorder=1))


def _circle(count: int, centre: Spot, radius: float) -> list[Spot]:
    return [(centre[0] + radius * sin(2 * pi * n / count), centre[1] + radius * cos(2 * pi * n / count))
            for n in range(count)]


def _frame(axes: Axes) -> None:
    axes.set_xlim(0.0, 1.45)
    axes.set_ylim(0.03, 0.92)
    axes.set_aspect("equal")


def _lines(axes: Axes, pairs: list[tuple[Spot, Spot]], colour: str, alpha: float) -> None:
    from matplotlib.collections import LineCollection

    axes.add_collection(LineCollection([list(pair) for pair in pairs], colors=colour, linewidths=0.8, alpha=alpha,
                                       zorder=1))
