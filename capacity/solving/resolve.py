"""Solving a problem like several solved before: their columns and multipliers tell where to look.

A large program's simplex runs from a kept basis take longer than interior point from nothing once many numbers differ.
So each goal is treated like this: (1) the whole numbers of every donor, the rest solved again, are plans; (2) the best
mix of all donors' multipliers is a bound (`mixing`); (3) the relaxation is solved over the columns that donors used and
those that its prices call for, prices staying near what donors paid (`sifting`); (4) plans are searched among these
columns (`sifting_search`); (5) if the gap is still open, a bound proven with earlier goals held elsewhere is raised,
and the search goes on as any does. Small programs are treated as in `warm`.
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
from capacity.solving.mixing import best_mix
from capacity.solving.options import Listener, Options
from capacity.solving.revise import Built
from capacity.solving.search import SMALL
from capacity.solving.sifting import USED, Places, owners, shared_rows, sift
from capacity.solving.sifting_search import hunt_among_seen
from capacity.solving.solution import Solution
from capacity.solving.strategy import finish
from capacity.solving.warm import ROUTES, WarmSearch

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

NEAR, LOOSE, EXACT = 0.1, 0.5, 1e-7
"""Shares of the asked gap up to which a relaxation is proven, and its point may be from that until a goal was searched
in vain; and the least relative gap that it is solved to."""

__all__ = ["ROUTES", "AlikeSearch", "Resolved", "WarmSearch", "resolve"]


@dataclass
class AlikeSearch(WarmSearch):
    """A search that starts from the keepsakes of several problems like this one; `donor` is the first of them."""

    donors: tuple[Keepsake, ...] = ()
    partial: set[str] = field(default_factory=set)
    """Goals whose relaxation was solved with earlier goals held elsewhere: their bound may rise."""
    searched: set[str] = field(default_factory=set)
    """Goals that were searched once already."""
    sifted: set[str] = field(default_factory=set)
    """Goals for which places were looked at alone, at first from a donor's basis."""
    before: Built = field(default_factory=Built)
    """What was built last, for problems that differ in numbers only."""
    owner: NDArray[np.int64] = field(init=False)
    """Number of the place that a column is about, see `sifting.owners`."""
    seen: Flags = field(init=False)
    """Columns that a relaxation looked at."""
    places: Places = field(init=False)
    """Every place by itself."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.seen = np.zeros(self.form.columns, dtype=bool)
        if self.many:
            self.owner = owners(self.form, self.problem.table("openings")["place"].unique())
            self.places = Places(self.form, shared_rows(self.form, self.owner), self.options.threads)

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
        return max(bound, self.mixed(goal)) if self.many else bound

    def mixed(self, goal: str, *more: Floats) -> float:
        """The best bound from mixing the donors' multipliers and `more`, each as a whole."""
        held, duals = self.held_before(goal), [*more, *self.multipliers(goal)]
        return best_mix(self.form, self.form.cost[goal], duals, held, self.deadline, by_rule=False).bound

    def relax(self, goal: str, cost: Floats) -> tuple[Floats | None, float]:
        """Relaxation of one goal. One that was looked ahead to is not solved again where its multipliers, mixed with
        the donors', prove enough at the value that the goal before was held at in the end."""
        if not self.many or self.ahead is None or self.ahead.goal != goal or not self.kept:
            return super().relax(goal, cost)
        proven = self.mixed(goal, self.ahead.dual)
        before, self.bound = self.bound, max(self.bound, proven)
        if self.closed(goal):
            self.partial.add(goal)
            return self.ahead.point, proven
        self.bound = before
        return super().relax(goal, cost)

    def linear(self, cost: Floats, near: bool = False) -> Answer:
        """A linear program: over the columns that donors used, and those that their prices call for (`sifting`)."""
        goal = next(g for g in self.goals if self.form.cost[g] is cost)
        if not self.many or not self.multipliers(goal):
            return super().linear(cost, near)
        if goal not in self.sifted:
            self.sifted.add(goal)
            self.places.start(self.statuses(goal))
        found = sift(
            self.form, cost, self.held_before(goal), self.places, self.in_view(goal),
            max(NEAR * self.options.gap, EXACT), self.deadline, self.form.offset[goal], self.options.threads,
            [*self.multipliers(goal), *self.just_paid(goal)],
            0.0 if goal in self.searched else LOOSE * self.options.gap)
        if found is None:
            return self.over(goal)
        self.seen |= found.columns
        self.memory[goal] = self.leaving(goal, found.point, found.dual)
        return Answer("optimal", found.point, found.bound, found.bound, found.dual)

    def just_paid(self, goal: str) -> list[Floats]:
        """What the look ahead to a goal ended with."""
        return [self.ahead.dual] if self.ahead is not None and self.ahead.goal == goal else []

    def in_view(self, goal: str) -> Flags:
        """Columns that the best plan uses, or a donor for this goal, or what earlier ones came to here."""
        seen = (self.owner < 0) | self.in_use() | (self.form.lower > 0)
        for donor in self.donors:
            seen |= donor.used(self.names, goal)
        for earlier in self.goals[: self.goals.index(goal) + 1]:
            seen |= self.memory[earlier].used if earlier in self.memory else False
        return seen

    def over(self, goal: str) -> Answer:
        """The whole relaxation by interior point, without a basis."""
        form, kept = self.form, self.held_before(goal)
        matrix = sp.vstack([form.matrix, *(sp.csr_matrix(c) for c, _ in kept)]) if kept else form.matrix
        lower = np.concatenate([form.row_lower, np.full(len(kept), -np.inf)])
        upper = np.concatenate([form.row_upper, [value for _, value in kept]])
        machine = Machine(
            sp.csr_matrix(matrix), lower, upper, self.options.threads, form.cost[goal], (form.lower, form.upper))
        answer = machine.run(self.deadline, {"solver": "ipm", "run_crossover": "on"})
        if answer.status == "optimal" and answer.row_dual is not None:
            point = np.zeros(self.form.columns) if answer.x is None else answer.x
            self.seen |= point > USED
            self.memory[goal] = self.leaving(goal, point, answer.row_dual)
        return answer

    def hunt(self, goal: str, guide: Floats, point: Floats | None) -> None:
        """Plans among the columns that relaxations looked at, then as any search does."""
        if self.many and point is not None and self.form.integer.any():
            hunt_among_seen(self, goal, guide, point)
            if self.closed(goal):
                return
        super().hunt(goal, guide, point)

    def statuses(self, goal: str) -> Relaxed:
        """A basis to leave behind: the first donor's that has one."""
        donor = next(d for d in self.donors if goal in d.relaxed)
        return donor.relaxed_here(goal, self.names, len(self.held_before(goal)))

    def leaving(self, goal: str, point: Floats, dual: Floats) -> Relaxed:
        """What a relaxation solved here leaves: columns that its point uses, its multipliers, a donor's basis."""
        return replace(self.statuses(goal), dual=dual, used=point > USED)

    def inherited(self, goal: str) -> Relaxed:
        """The donors' basis and multipliers in this problem's order."""
        return self.statuses(goal) if self.many else super().inherited(goal)

    def branch(
        self, goal: str, guide: Floats, box: tuple[Floats, Floats], phase: str, seconds: float | None = None,
        looks: float = np.inf,
    ) -> None:
        """One branch-and-bound run; before the second one the bound is raised as far as the relaxation allows."""
        if goal in self.searched and goal in self.partial:
            self.raise_bound(goal)
            if self.closed(goal):
                return
        self.searched.add(goal)
        super().branch(goal, guide, box, phase, seconds, looks)

    def raise_bound(self, goal: str) -> None:
        """The bound of the relaxation over all rows, earlier goals held where they are."""
        self.partial.discard(goal)
        answer = self.linear(self.form.cost[goal])
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
