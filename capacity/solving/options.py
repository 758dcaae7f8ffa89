"""What a caller may ask of a solve, and what a solve tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True)
class Options:
    """gap: relative gap asked for each goal; time_limit in seconds; threads for HiGHS."""

    gap: float = 0.02
    time_limit: float = float("inf")
    threads: int = 2


@dataclass(frozen=True)
class Progress:
    """What a solve tells while it runs. Objective and bound are of the goal under way; NaN where unknown."""

    seconds: float
    goal: str
    phase: str
    objective: float = float("nan")
    bound: float = float("nan")
    gap: float = float("nan")

    def line(self) -> str:
        """One line for the plan's log."""
        return (f"{self.seconds:8.1f} s  {self.goal:10s} {self.phase}"
                + (f"  {self.objective:,.6g}" if isfinite(self.objective) else "")
                + (f"  bound {self.bound:,.6g}" if isfinite(self.bound) else "")
                + (f"  gap {self.gap:.2%}" if isfinite(self.gap) else ""))


Listener = Callable[[Progress], None]
"""Called with each Progress."""
