"""What a solve returns: values as long tables, and for each goal its objective, its proven bound and its gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Stage:
    """One goal of a lexicographic sequence: all are minimised; `bound` is never above the true optimum."""

    order: int
    goal: str
    objective: float
    bound: float
    gap: float
    seconds: float
    status: str
    """optimal, gap_reached, time_limit, interrupted, or stopped: the best so far of a search that was killed"""


@dataclass(frozen=True)
class Solution:
    """A feasible integer point and the proof of how good it is.

    `values` holds one table per variable of `problem.VARIABLES` (its index columns and `value`), zeros left out.
    """

    status: str
    stages: tuple[Stage, ...]
    values: Mapping[str, pd.DataFrame]
    seconds: float
    log: tuple[str, ...] = ()
    size: Mapping[str, int] | None = None

    @property
    def gap(self) -> float:
        """The largest gap of all goals."""
        return max((s.gap for s in self.stages), default=0.0)


def relative_gap(objective: float, bound: float, scale: float = 0.0) -> float:
    """(objective - bound) / max(|objective|, scale), never below zero; `scale` guards objectives near zero.

    Goals are minimised, so a bound above the objective by rounding counts as closed.
    """
    difference = max(objective - bound, 0.0)
    if difference <= 1e-9 * max(1.0, abs(objective)):
        return 0.0
    return difference / max(abs(objective), scale, 1e-300)
