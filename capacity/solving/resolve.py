"""Solving a problem like several solved before: their multipliers are mixed, their rows tell which rows matter.

A large program's simplex runs from a kept basis take longer than interior point from nothing once many numbers differ.
So each goal is treated like this: (1) the whole numbers of every donor, the rest solved again, are plans; (2) the best
mix of all donors' multipliers is a bound (`mixing`); (3) the relaxation of a goal that others follow is solved over the
rows that bound in any donor, which are several times fewer, that of the last goal over all; both without a basis; (4)
after the first search, if the gap is still open, a bound that was not the relaxation's own is raised to it. Small
programs are treated as in `warm`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.problem import Problem
from capacity.solving.bound import lagrangian_bound
from capacity.solving.compile import Form
from capacity.solving.highs import Answer, Machine
from capacity.solving.keepsake import Keepsake, Relaxed
from capacity.solving.mixing import best_mix, rows_that_bound
from capacity.solving.options import Listener, Options
from capacity.solving.revise import Built
from capacity.solving.search import SMALL
from capacity.solving.solution import Solution
from capacity.solving.strategy import finish
from capacity.solving.warm import ROUTES, WarmSearch

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

HELD_ABOVE = 0.5
"""Share of the asked gap by which a goal is held above a bound of some rows while the next one is looked ahead to."""
FINER = 4.0
"""Times the asked gap up to which multipliers are mixed rule by rule, which takes longer than mixing them whole."""

__all__ = ["ROUTES", "AlikeSearch", "Resolved", "WarmSearch", "resolve"]


@dataclass
class AlikeSearch(WarmSearch):
    """A search that starts from the keepsakes of several problems like this one; `donor` is the first of them."""

    donors: tuple[Keepsake, ...] = ()
    partial: set[str] = field(default_factory=set)
    """Goals whose relaxation was solved over some rows, or with earlier goals held elsewhere: their bound may rise."""
    searched: set[str] = field(default_factory=set)
    """Goals that were searched once already."""
    before: Built = field(default_factory=Built)
    """What was built last, for problems that differ in numbers only."""

    def built(self) -> Form:
        """The problem as arrays: not built again where only prices and limits differ from the one built last."""
        return self.before.form(self.problem)

    @property
    def many(self) -> bool:
        """Whether the program is large enough for donors' rows and multipliers to be worth more than a basis."""
        return bool(self.donors) and self.form.columns > SMALL and self.cases is None

    def take_over(self, goal: str) -> None:
        """Of the donors' plans, or the best at hand once there is one, the best with the rest solved for this goal."""
        if self.best is not None or not self.many:
            super().take_over(goal)
            return
        for donor in self.donors:
            self.offer(self.whole(donor.point(self.form, self.names)), self.form.cost[goal], goal)

    def multipliers(self, goal: str) -> list[Floats]:
        """What each donor that treated the goal paid for this problem's rows and kept goals."""
        earlier = len(self.held_before(goal))
        return [d.dual(goal, self.names, earlier) for d in self.donors if goal in d.relaxed]

    def held_before(self, goal: str) -> list[tuple[Floats, float]]:
        """Earlier goals than this as rows: coefficients and the value that they are held at."""
        before = self.goals[: self.goals.index(goal)]
        return [(self.form.cost[k.goal], k.value) for k in self.kept if k.goal in before]

    def kept_bound(self, goal: str) -> float:
        """What the donors' multipliers, mixed, prove about this problem."""
        bound = super().kept_bound(goal)
        for by_rule in (False, True) if self.many else ():
            bound = max(bound, self.mixed(goal, by_rule=by_rule))
            if self.best is None or self.gap(goal, float(self.form.cost[goal] @ self.best), bound) > self.worth():
                break
        return bound

    def mixed(self, goal: str, *more: Floats, by_rule: bool = True) -> float:
        """The best bound from mixing the donors' multipliers and `more`, each whole or rule by rule."""
        held, duals = self.held_before(goal), [*more, *self.multipliers(goal)]
        return best_mix(self.form, self.form.cost[goal], duals, held, self.deadline, by_rule).bound

    def worth(self) -> float:
        """Gap up to which a finer mix may close it."""
        return FINER * self.options.gap

    def relax(self, goal: str, cost: Floats) -> tuple[Floats | None, float]:
        """Relaxation of one goal. One that was looked ahead to is not solved again: its multipliers, mixed with the
        donors', prove a bound at the value that the goal before was held at in the end."""
        if not self.many or self.ahead is None or self.ahead.goal != goal or not self.kept:
            return super().relax(goal, cost)
        self.partial.add(goal)
        return self.ahead.point, self.mixed(goal, self.ahead.dual, by_rule=False)

    def look_ahead(self, goal: str, later: str, point: Floats) -> tuple[Floats, Floats | None]:
        """(guiding cost, relaxed point) of the next goal. Where this goal's bound is that of some rows, which all rows
        may not reach, it is held above it by half the asked gap."""
        if goal not in self.partial:
            return super().look_ahead(goal, later, point)
        proven = self.bound
        self.bound += HELD_ABOVE * self.options.gap * abs(proven + self.form.offset[goal])
        try:
            return super().look_ahead(goal, later, point)
        finally:
            self.bound = proven

    def linear(self, cost: Floats, near: bool = False) -> Answer:
        """A linear program by interior point; over the rows that bound in a donor where only its bound is asked for:
        whole numbers are searched around the last goal's point, which must meet all rows."""
        goal = next(g for g in self.goals if self.form.cost[g] is cost)
        duals = self.multipliers(goal)
        if not self.many or not duals:
            return super().linear(cost, near)
        known = [d.knows(self.names) for d in self.donors if goal in d.relaxed]
        rows = rows_that_bound(self.form, duals, known)
        if goal == self.goals[-1]:
            rows[:] = True
        answer = self.over(goal, rows)
        if answer.status == "infeasible" and not rows.all():  # held at a bound of some rows, which all cannot meet
            answer = self.over(goal, np.ones(len(rows), dtype=bool))
        elif not rows.all():
            self.partial.add(goal)
        return answer

    def over(self, goal: str, rows: Flags) -> Answer:
        """The relaxation over some rows by interior point; multipliers of the others, and none of a basis, are zero."""
        form, at, kept = self.form, np.flatnonzero(rows), self.held_before(goal)
        matrix = sp.vstack([form.matrix[at], *(sp.csr_matrix(c) for c, _ in kept)]) if kept else form.matrix[at]
        lower = np.concatenate([form.row_lower[at], np.full(len(kept), -np.inf)])
        upper = np.concatenate([form.row_upper[at], [value for _, value in kept]])
        machine = Machine(
            sp.csr_matrix(matrix), lower, upper, self.options.threads, form.cost[goal], (form.lower, form.upper))
        answer = machine.run(self.deadline, {"solver": "ipm", "run_crossover": "off"})
        if answer.row_dual is None:
            return answer
        dual = np.zeros(len(rows) + len(kept))
        dual[np.concatenate([at, len(rows) + np.arange(len(kept))])] = answer.row_dual
        if answer.status == "optimal":
            self.memory[goal] = replace(self.statuses(goal), dual=dual)
        return replace(answer, row_dual=dual)

    def statuses(self, goal: str) -> Relaxed:
        """A basis to leave behind: the first donor's that has one."""
        donor = next(d for d in self.donors if goal in d.relaxed)
        return donor.relaxed_here(goal, self.names, len(self.held_before(goal)))

    def inherited(self, goal: str) -> Relaxed:
        """The donors' basis and multipliers in this problem's order."""
        return self.statuses(goal) if self.many else super().inherited(goal)

    def branch(
        self, goal: str, guide: Floats, box: tuple[Floats, Floats], phase: str, seconds: float | None
    ) -> None:
        """One branch-and-bound run; before the second one the bound is raised as far as the relaxation allows."""
        if goal in self.searched and goal in self.partial:
            self.raise_bound(goal)
            if self.closed(goal):
                return
        self.searched.add(goal)
        super().branch(goal, guide, box, phase, seconds)

    def raise_bound(self, goal: str) -> None:
        """The bound of the relaxation over all rows, earlier goals held where they are."""
        self.partial.discard(goal)
        answer = self.over(goal, np.ones(self.form.matrix.shape[0], dtype=bool))
        if answer.status == "optimal" and answer.row_dual is not None:
            proven = lagrangian_bound(self.form, self.form.cost[goal], answer.row_dual, self.held_before(goal))
            self.bound = max(self.bound, proven)


@dataclass(frozen=True)
class Resolved:
    """A solution, how each goal was reached (`ROUTES`), and what it leaves behind."""

    solution: Solution
    routes: tuple[str, ...]
    keepsake: Keepsake | None


def resolve(
    problem: Problem, options: Options, donor: Keepsake | Sequence[Keepsake] | None = None,
    listen: Listener | None = None, before: Built | None = None,
) -> Resolved:
    """Solve a problem from the keepsakes of like ones, the likest first, or from nothing when there are none.

    before: what was built last; taken up, and brought up to this problem. Raises as `solve` does. The gap of every goal
    is proven for this problem; a donor changes the effort only.
    """
    donors = (donor,) if isinstance(donor, Keepsake) else tuple(donor or ())
    search = AlikeSearch(problem, options, listen, donor=donors[0] if donors else None, donors=donors,
                         before=before or Built())
    solution = finish(search)
    return Resolved(solution, tuple(search.routes), search.keepsake())
