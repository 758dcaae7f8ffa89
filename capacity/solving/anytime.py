"""A search whose best plan and bounds are known at any moment, and one that goes on where another stopped.

Whoever asks to be told (a `Keeper`) hears of each better plan as it is found, also inside a run of branch and bound,
and of each better bound: the best point, and every goal with what is proven of it so far. A goal not yet under way has
the bound that the look ahead proves: its multipliers, with every earlier goal held at the value that the plan reached.

A search that goes on starts from the saved point. Bounds saved for the same problem hold again wherever the earlier
goals are held no looser than they were; for a problem that has changed since, the saved multipliers prove new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capacity.problem import Problem
from capacity.solving.bound import lagrangian_bound
from capacity.solving.compile import Form
from capacity.solving.highs import Answer
from capacity.solving.keepsake import Keepsake
from capacity.solving.options import Listener, Options, Progress
from capacity.solving.resolve import WarmSearch
from capacity.solving.search import Search
from capacity.solving.solution import Solution, Stage
from capacity.solving.strategy import finish

Floats = NDArray[np.float64]

SOUND = 1e-6
"""Largest relative violation of a point told before it was polished."""
BOUND_S = 2.0
"""Least seconds from one better bound that is told to the next."""
ALIKE = 1e-9
"""Relative difference up to which a goal counts as held at the same value."""


@dataclass(frozen=True)
class Standing:
    """Where a search stands: `point` has a value for each of the form's columns, all goals are in `stages`.

    Goals not closed have the status "stopped". `kept` are the values, without constants, at which goals are held for
    the bounds of those after them.
    """

    form: Form
    point: Floats
    stages: tuple[Stage, ...]
    kept: Mapping[str, float]
    seconds: float

    def solution(self) -> Solution:
        """The plan as tables, as if the search had been stopped now."""
        return Solution("stopped", self.stages, self.form.tables(self.point), self.seconds)


Keeper = Callable[["AnytimeSearch", Standing], None]
"""Called with the search and where it stands, whenever its best plan or a bound has become better."""


@dataclass(frozen=True)
class Earlier:
    """What an earlier search of a problem left: its keepsake, and where the problem is the same its proven bounds
    (goal: bound with the goal's constant) with the values at which goals were held for them (goal: value without)."""

    keepsake: Keepsake
    same: bool = False
    """Whether the problem is the same; bounds and goals' values are read only then."""
    bounds: Mapping[str, float] = field(default_factory=dict)
    kept: Mapping[str, float] = field(default_factory=dict)


@dataclass
class AnytimeSearch(WarmSearch):
    """A search that tells its keeper where it stands, and takes up what an earlier one left."""

    keeper: Keeper | None = None
    earlier: Earlier | None = None
    proven: dict[str, float] = field(default_factory=dict)
    """Best bound of each goal taken up so far, with its constant."""
    begun: float = 0.0
    guide: Floats | None = None
    told: float = np.inf
    """Guiding cost of the best point told in the run of branch and bound under way."""
    told_at: float = -np.inf
    """Seconds at which the keeper heard last."""

    def __post_init__(self) -> None:
        self.donor = None if self.earlier is None else self.earlier.keepsake
        super().__post_init__()

    def may_wait(self) -> bool:
        """Whether linking rows may wait: as in any search, since a run is more often finished than taken up."""
        return Search.may_wait(self)

    # ---- goals ------------------------------------------------------------------------------------------------

    @property
    def under_way(self) -> str:
        """The goal that is treated now; the last one once all are."""
        return self.goals[min(len(self.stages), len(self.goals) - 1)]

    def treat(self, order: int, goal: str) -> None:
        """One goal, from where an earlier search left it."""
        self.begun = self.deadline.elapsed()
        self.take_over(goal)
        self.bound = self.bound_of_earlier(goal)
        if self.closed(goal):
            self.proven[goal] = self.bound + self.form.offset[goal]
            if self.donor is not None and goal in self.donor.relaxed:
                self.memory[goal] = self.inherited(goal)
            self.settle(order, goal, self.begun)
        else:
            super().treat(order, goal)
        self.tell_keeper()

    def take_over(self, goal: str) -> None:
        """The saved point as it is where it is sound here, else its whole numbers with the rest solved again."""
        if self.earlier is None or (self.earlier.same and self.best is not None):
            return
        saved = self.earlier.keepsake.point(self.form, self.names)
        if self.earlier.same and self.violation(saved) <= SOUND:
            self.take(saved, self.form.cost[goal], goal)
        else:
            super().take_over(goal)

    def bound_of_earlier(self, goal: str, x: Floats | None = None) -> float:
        """What the earlier search proved of a goal, without the constant; -inf where it does not hold here: where a
        goal before it is held looser than then (or would be at a point x, if it is not finished)."""
        if self.earlier is None or not self.earlier.same or goal not in self.earlier.bounds:
            return -np.inf
        before, held = self.goals[: self.goals.index(goal)], self.held(x)
        for g in before:
            then = self.earlier.kept.get(g, -np.inf)
            if g not in held or held[g] > then + ALIKE * max(1.0, abs(then)):
                return -np.inf
        return self.earlier.bounds[goal] - self.form.offset[goal]

    def kept_bound(self, goal: str) -> float:
        """The better of what multipliers prove and what the earlier search proved."""
        return max(super().kept_bound(goal), self.bound_of_earlier(goal))

    def relax(self, goal: str, cost: Floats) -> tuple[Floats | None, float]:
        """Relaxation of one goal; its bound is never below the earlier search's."""
        point, bound = super().relax(goal, cost)
        return point, max(bound, self.bound_of_earlier(goal))

    def linear(self, cost: Floats, near: bool = False) -> Answer:
        """A linear program; remembered for who goes on, unless its linking rows came on demand."""
        return Search.linear(self, cost, near) if self.on_demand is not None else super().linear(cost, near)

    def leave_open(self, treated: int) -> None:
        """Later goals that time did not reach: valued at the plan found, with the bounds known of them."""
        assert self.best is not None
        status = self.why_stopped()
        for stage in self.standing(self.best).stages[treated:]:
            self.stages.append(Stage(stage.order, stage.goal, stage.objective, stage.bound, stage.gap, stage.seconds,
                                     status))

    def held_at(self, goal: str, value: float) -> float:
        """Value at which a finished goal is held: no looser than in the earlier search, lest room be added to room."""
        held, then = super().held_at(goal, value), -np.inf
        if self.earlier is not None and self.earlier.same:
            then = self.earlier.kept.get(goal, -np.inf)
        return min(held, then) if value <= then else held

    # ---- telling ----------------------------------------------------------------------------------------------

    def tell(self, progress: Progress) -> None:
        """Pass progress on, and remember the bounds it tells of the goal under way."""
        super().tell(progress)
        goal = progress.goal
        if not hasattr(self, "goals") or goal != self.under_way or not np.isfinite(progress.bound):
            return
        if progress.bound > self.proven.get(goal, -np.inf):
            self.proven[goal] = progress.bound
            if self.deadline.elapsed() - self.told_at > BOUND_S:
                self.tell_keeper()

    def take(self, x: Floats, guide: Floats, goal: str) -> None:
        """Take a polished point as the best plan if it is better, and tell of it."""
        before = self.best
        super().take(x, guide, goal)
        if self.best is not before:
            self.tell_keeper()

    def branch(
        self, goal: str, guide: Floats, box: tuple[Floats, Floats], phase: str, seconds: float | None = None,
        looks: float = np.inf,
    ) -> None:
        """One run of branch and bound, whose better points are told while it runs."""
        self.guide = guide
        self.told = np.inf if self.best is None else float(guide @ self.best)
        self.machine.found = self.inside if self.keeper is not None else None
        try:
            super().branch(goal, guide, box, phase, seconds, looks)
        finally:
            self.machine.found = None

    def inside(self, x: Floats) -> None:
        """A point of the run under way: told when it is sound as it is and better than those told before."""
        assert self.guide is not None
        x = np.where(self.form.integer, np.round(x), x)
        value = float(self.guide @ x)
        if value < self.told and self.violation(x) <= SOUND:
            self.told = value
            self.tell_keeper(x)

    def tell_keeper(self, x: Floats | None = None) -> None:
        """Tell where the search stands, with another point than the best polished one where one is at hand."""
        point = self.best if x is None else x
        if self.keeper is not None and point is not None:
            self.keeper(self, self.standing(point))
            self.told_at = self.deadline.elapsed()

    def standing(self, x: Floats) -> Standing:
        """Every goal with what is proven of it, valued at a point; those not treated yet are left open."""
        stages = list(self.stages)
        for order, goal in enumerate(self.goals[len(stages):], start=len(stages) + 1):
            offset, now = self.form.offset[goal], goal == self.under_way
            value = float(self.form.cost[goal] @ x)
            proven = self.proven.get(goal, -np.inf) - offset if now else -np.inf
            bound = max(proven, self.bound_of_earlier(goal, x))
            bound = bound if np.isfinite(bound) else self.bound_ahead(goal, x)
            seconds = self.deadline.elapsed() - self.begun if now else 0.0
            gap = self.gap(goal, value, bound)
            stages.append(Stage(order, goal, value + offset, min(bound, value) + offset, gap, seconds, "stopped"))
        return Standing(self.form, x, tuple(stages), self.held(x), self.deadline.elapsed())

    def held(self, x: Floats | None) -> dict[str, float]:
        """Values at which goals are held, without constants: finished ones as they are, others as they would be were
        the search for them to end at a point."""
        treated = {s.goal for s in self.stages}
        found = {k.goal: k.value for k in self.kept if k.goal in treated}
        if x is not None:
            found |= {g: self.held_at(g, float(self.form.cost[g] @ x)) for g in self.goals if g not in found}
        return found

    def bound_ahead(self, goal: str, x: Floats) -> float:
        """What the look ahead proves of a later goal for plans whose earlier goals are as good as at this point."""
        if self.ahead is None or self.ahead.goal != goal or self.goals.index(goal) > len(self.stages) + 1:
            return -np.inf
        held = self.held(x)
        kept = [(self.form.cost[k.goal], held[k.goal]) for k in self.kept]
        return lagrangian_bound(self.form, self.form.cost[goal], self.ahead.dual, kept)


def solve_anytime(
    problem: Problem, options: Options, listen: Listener | None = None, keeper: Keeper | None = None,
    earlier: Earlier | None = None,
) -> Solution:
    """Solve a problem, telling `keeper` of each better plan and bound, from where `earlier` stopped if it is given.

    Raises as `solve` does. The plan is never worse than the earlier one where the problem is the same.
    """
    return finish(AnytimeSearch(problem, options, listen, keeper=keeper, earlier=earlier))
