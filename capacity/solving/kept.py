"""What one goal leaves for the next: the value it is kept at, and the relaxation solved ahead of its turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass
class Kept:
    """An earlier goal, kept as a row `cost x <= value`."""

    goal: str
    row: int
    value: float


@dataclass(frozen=True)
class Ahead:
    """The relaxation of the next goal, solved while this one was treated: its point and row multipliers."""

    goal: str
    point: Floats
    dual: Floats
    objective: float
    basis: Any

    def starts(self, goal: str) -> bool:
        """Whether it leaves a basis near the optimum of a goal."""
        return self.goal == goal and self.basis is not None
