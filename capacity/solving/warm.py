"""Solving a problem like one solved before: its bound, its plan and its bases are tried before anything is searched.

For each goal in order: (1) the kept whole numbers with the rest solved again are a plan; (2) the kept multipliers give
a bound by one matrix product; (3) if the two are not near enough, the relaxation is solved by simplex from the kept
basis; (4) only then is there a search, from the plan and the relaxation at hand. Rows whose coefficients depend on the
data were formed anew with the problem, so every bound is proven for the problem at hand, not for the old one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capacity.solving.bound import lagrangian_bound
from capacity.solving.highs import Answer
from capacity.solving.keepsake import USED, Keepsake, Names, Relaxed, names_of, relaxed
from capacity.solving.search import Search

if TYPE_CHECKING:
    from capacity.solving.kept import Ahead

Floats = NDArray[np.float64]

PIVOTS_PER_ROW = 0.25
"""Simplex steps from a kept basis, per row, before interior point is tried instead: the problem is then not alike."""
NO_LIMIT = 2**31 - 1

ROUTES = ("kept bound", "kept basis", "search")
"""How far a goal had to go, the least effort first."""


@dataclass
class WarmSearch(Search):
    """A search that starts from a keepsake and leaves one."""

    donor: Keepsake | None = None
    names: tuple[Names, Names] = field(init=False)
    memory: dict[str, Relaxed] = field(default_factory=dict)
    routes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.names = names_of(self.form)

    def may_wait(self) -> bool:
        """No: the next problem like this one asks for the basis of all rows."""
        return False

    def treat(self, order: int, goal: str) -> None:
        """One goal, with as little work as its gap allows."""
        if self.donor is None or goal not in self.donor.relaxed:
            self.routes.append(ROUTES[2])
            super().treat(order, goal)
            return
        begun = self.deadline.elapsed()
        cost = self.form.cost[goal]
        self.take_over(goal)
        self.bound = self.kept_bound(goal)
        if self.closed(goal):
            self.memory[goal] = self.inherited(goal)
            self.routes.append(ROUTES[0])
            self.settle(order, goal, begun)
            return
        point, proven = self.relax(goal, cost)
        self.bound = max(self.bound, proven)
        if self.closed(goal):
            self.routes.append(ROUTES[1])
            self.settle(order, goal, begun)
            return
        self.routes.append(ROUTES[2])
        self.seek(order, goal, point)
        self.settle(order, goal, begun)

    def take_over(self, goal: str) -> None:
        """The best plan at hand (the donor's at first): its whole numbers kept, the rest solved for this goal."""
        if self.donor is None:
            return
        start = self.donor.point(self.form, self.names) if self.best is None else self.best
        if self.form.integer.any():
            self.offer(self.whole(start), self.form.cost[goal], goal)

    def whole(self, start: Floats) -> Floats:
        """A point whose whole numbers are whole, and within this problem's bounds."""
        low, high = np.ceil(self.form.lower - 1e-9), np.floor(self.form.upper + 1e-9)
        return np.where(self.form.integer, np.clip(np.round(start), low, high), start)

    def kept_bound(self, goal: str) -> float:
        """What the donor's multipliers prove about this problem."""
        assert self.donor is not None
        kept = [(self.form.cost[k.goal], k.value) for k in self.kept]
        return lagrangian_bound(self.form, self.form.cost[goal], self.donor.dual(goal, self.names, len(kept)), kept)

    def inherited(self, goal: str) -> Relaxed:
        """The donor's basis and multipliers in this problem's order."""
        assert self.donor is not None
        kept = len(self.kept)
        return self.donor.relaxed_here(goal, self.names, kept)

    def remember(self, goal: str, relaxed_before: Ahead) -> None:
        """Keep what separating rows already solved."""
        if relaxed_before.basis is not None:
            self.memory[goal] = relaxed(relaxed_before.basis, relaxed_before.dual, relaxed_before.point > USED)

    def linear(self, cost: Floats, near: bool = False) -> Answer:
        """A linear program, by simplex from the kept basis where there is one, and remembered."""
        goal = next(g for g in self.goals if self.form.cost[g] is cost)
        answer = self.from_kept_basis(goal, cost) if not near else None
        if answer is None:
            answer = super().linear(cost, near)
        if answer.status == "optimal" and answer.row_dual is not None and answer.x is not None:
            self.memory[goal] = relaxed(self.machine.basis(), answer.row_dual, answer.x > USED)
        return answer

    def from_kept_basis(self, goal: str, cost: Floats) -> Answer | None:
        """The answer of a simplex run from the kept basis; None without one, or when it takes too many steps."""
        if self.donor is None or goal not in self.donor.relaxed:
            return None
        rows = self.form.matrix.shape[0]
        self.machine.set_cost(cost)
        self.machine.highs.clearSolver()
        extra = int(self.machine.highs.getNumRow()) - rows
        self.machine.set_basis(self.donor.basis(goal, self.names, extra))
        limit: dict[str, Any] = {"solver": "simplex", "simplex_iteration_limit": int(PIVOTS_PER_ROW * rows) + 1000}
        answer = self.machine.run(self.deadline, limit)
        self.machine.highs.setOptionValue("simplex_iteration_limit", NO_LIMIT)
        return answer if answer.status != "limit" or self.deadline.left() <= 0 else None

    def keepsake(self) -> Keepsake | None:
        """What this solve leaves behind; None before there is a plan."""
        if self.best is None:
            return None
        return Keepsake(*self.names, self.best, dict(self.memory))
