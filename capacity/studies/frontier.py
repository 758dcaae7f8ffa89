"""Frontiers: one figure of the plan against another along one key, with the fewest solves for a stated accuracy.

Where the figure only rises or only falls along the key, two solved points enclose what lies between them: the value is
between theirs. The next solve halves the largest such rectangle; it stops when each is either no taller than the
accuracy asked or no wider: a step of the figure is then located to that share of the key's range. Every value also has
its own gap, which is reported and not hidden by the accuracy.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pandas as pd

from capacity.errors import CapacityError, InputError
from capacity.studies.ask import Asked, value_of
from capacity.studies.differ import decided
from capacity.studies.uncertain import ends_of


@dataclass(frozen=True)
class Frontier:
    """Points in the key's order: value, x, y, the plan's gap; and how well the curve between them is known.

    A point is `decided` where the gaps tell its plan from that of the point before it; the first always.
    `error`: the tallest enclosure left that is not a located step, as a share of y's range. `steps`: pairs of values
    between which the figure steps. `turns`: points that contradict a curve that only rises or only falls; beside them
    the enclosures do not hold.
    """

    path: str
    x: str
    y: str
    points: pd.DataFrame
    error: float
    steps: tuple[tuple[str, str], ...]
    turns: tuple[str, ...]
    solves: int

    @property
    def monotone(self) -> bool:
        """Whether the points only rise or only fall."""
        return not self.turns


def frontier(
    asked: Asked, path: str, low: str, high: str, y: str = "cost_musd", x: str | None = None, accuracy: float = 0.05,
    most: int = 33,
) -> Frontier:
    """The figure `y` along `path` from low to high, against the key itself or the figure `x`.

    accuracy: tallest enclosure between neighbours as a share of y's range, or the width to which a step is located.
    `most` bounds the solves. Values without a plan end the curve there and are listed with their reason. Raises
    InputError for ends that are no numbers, CapacityError where neither end has a plan.
    """
    if not 0 < accuracy < 1:
        raise InputError(f"accuracy {accuracy:g}: give a share between 0 and 1, such as 5 %")
    left, right, write = ends_of(asked.base, path, low, high)
    known: dict[float, float | None] = {}
    begun = asked.solved

    def solve(value: float) -> None:
        values = {path: write(value)}
        try:
            row = asked.row(values)
        except InputError:
            raise
        except CapacityError:
            known[value] = None
            return
        known[value] = value_of(y, row, lambda: asked.plan(values))

    solve(left)
    solve(right)
    while len(known) < most:
        widest = _tallest(known, accuracy * (right - left), accuracy)
        if widest is None:
            break
        solve((widest[0] + widest[1]) / 2)
    rows = [_point(asked, path, write(value), x, y, known[value]) for value in sorted(known)]
    _flag(asked, path, rows)
    found = [v for v in (known[k] for k in sorted(known)) if v is not None]
    if not found:
        reasons = "; ".join(str(row["reason"]) for row in rows)
        raise CapacityError(f"{path}: no plan at either end: {reasons}")
    width = accuracy * (right - left) * (1 + 1e-9)
    steps = tuple((write(a), write(b)) for a, b in _neighbours(known)
                  if b - a <= width and _height(known, a, b) > accuracy)
    return Frontier(path, x or path, y, pd.DataFrame(rows), _error(known, width, accuracy), steps, _turns(known),
                    asked.solved - begun)


def _point(asked: Asked, path: str, text: str, x: str | None, y: str, value: float | None) -> dict[str, object]:
    values = {path: text}
    if value is None:
        done = next(asked.done[m.number] for m in asked.members if dict(m.values) == values)
        return {"value": text, x or "x": None, y: None, "gap": None, "reason": done.row["reason"]}
    row = asked.row(values)
    across = value_of(x, row, lambda: asked.plan(values)) if x else float(text.removeprefix("x"))
    return {"value": text, x or "x": across, y: value, "gap": row["gap"], "reason": ""}


def _flag(asked: Asked, path: str, rows: list[dict[str, object]]) -> None:
    """Say of each point whether its plan and that of the point before differ by more than their gaps."""
    before: dict[str, object] | None = None
    for point in rows:
        point["decided"] = True
        if point["gap"] is None:
            continue
        row = asked.row({path: str(point["value"])})
        if before is not None:
            goals = [name.removesuffix("_objective") for name in row if name.endswith("_objective")]
            point["decided"] = decided(before, row, goals) != "not decided"
        before = row


def _neighbours(known: dict[float, float | None]) -> list[tuple[float, float]]:
    order = sorted(known)
    return list(itertools.pairwise(order))


def _range(known: dict[float, float | None]) -> float:
    values = [v for v in known.values() if v is not None]
    return max(values) - min(values) if values else 0.0


def _tallest(known: dict[float, float | None], narrowest: float, accuracy: float) -> tuple[float, float] | None:
    """The neighbours whose enclosure is largest among those too tall; the edge of what has a plan is followed too."""
    best, chosen = 0.0, None
    whole = _range(known) or 1.0
    for one, other in _neighbours(known):
        a, b = known[one], known[other]
        if other - one <= narrowest * (1 + 1e-9) or (a is None and b is None):
            continue
        height = 1.0 if a is None or b is None else abs(b - a) / whole
        if height > accuracy and height * (other - one) > best:
            best, chosen = height * (other - one), (one, other)
    return chosen


def _height(known: dict[float, float | None], one: float, other: float) -> float:
    """Height of the enclosure between two neighbours, as a share of the range; 0 where one of them has no plan."""
    a, b, whole = known[one], known[other], _range(known)
    return abs(b - a) / whole if a is not None and b is not None and whole else 0.0


def _error(known: dict[float, float | None], width: float, accuracy: float) -> float:
    heights = [(_height(known, a, b), b - a) for a, b in _neighbours(known)]
    return max((h for h, wide in heights if wide > width or h <= accuracy), default=0.0)


def _turns(known: dict[float, float | None]) -> tuple[str, ...]:
    values = [(k, v) for k, v in sorted(known.items()) if v is not None]
    if len(values) < 3:
        return ()
    rising = values[-1][1] >= values[0][1]
    room = 1e-9 * max(abs(v) for _, v in values)
    steps = itertools.pairwise(values)
    return tuple(f"{b[0]:g}" for a, b in steps if ((b[1] < a[1] - room) if rising else (b[1] > a[1] + room)))
