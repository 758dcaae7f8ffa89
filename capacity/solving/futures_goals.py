"""Several futures and several goals: met in order, or two of them traded against each other.

    regret        worst,  with  worst >= cost_and_shortage_k(x_k) - best_k            each future k
    any other     sum_k w[k] goal_k(x_k)

    in order      each goal least, with the earlier ones held at what they reached
    frontier      second goal least, with  first goal <= epsilon,  for epsilons between the two ends

Regret is Savage's (1951): what a future's plan costs more than the cheapest plan for that future alone. The frontier is
the epsilon-constraint method (Haimes, Lasdon and Wismer 1971); every point is least in both goals in turn, so that none
is beaten in one of them for nothing. With a single future these are several goals of one plan.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capacity.errors import InfeasibleError, InputError, Interrupted, LimitError
from capacity.solving.compile import Form
from capacity.solving.futures import Together, together
from capacity.solving.highs import Answer, Deadline, Machine
from capacity.solving.options import Options
from capacity.solving.solution import Stage, relative_gap

Floats = NDArray[np.float64]
REGRET = "regret"
REGRETTED = "cost_and_shortage"
"""The goal whose excess over the best of each future is regretted."""
ROOM = 1e-7
"""Room, relative to its size, that a goal which is held leaves for rounding."""
SAME = 1e-5
"""Share of a frontier's width by which two of its points must differ in the first goal: rounding is less."""
EXACT = 1e-9
"""Gap at which branch and bound stops where none is allowed."""
Told = Callable[[str], None]


@dataclass(frozen=True)
class Reached:
    """Each future's point on its own form's columns, and what was reached of each goal."""

    points: tuple[Floats, ...]
    stages: tuple[Stage, ...]

    @property
    def status(self) -> str:
        """That of the stage which is proven least well."""
        worst = max(self.stages, key=lambda s: s.gap)
        return "optimal" if worst.gap <= 1e-6 else worst.status


@dataclass
class Goals:
    """All futures in one program, with the cost vector of every goal over its columns.

    `best`: least cost_and_shortage of each future alone, where regret is a goal. `nodes` as in `futures.together`.
    """

    forms: Sequence[Form]
    weights: Sequence[float]
    nodes: Sequence[Mapping[int, Hashable]]
    names: Sequence[str]
    options: Options
    best: Sequence[float] | None = None
    tell: Told | None = None
    deadline: Deadline = field(init=False)
    program: Together = field(init=False)
    costs: dict[str, tuple[Floats, float]] = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = Deadline(self.options.time_limit)
        self.costs = {}
        plain = [name for name in self.names if name != REGRET]
        for name in (*plain, REGRETTED) if REGRET in self.names else plain:
            missing = next((form for form in self.forms if name not in form.cost), None)
            if missing is not None:
                raise InputError(f"no goal {name!r} in this problem; allowed: {', '.join(missing.cost)}")
        for name in plain:
            self.program = together(self.forms, name, self.weights, self.nodes)
            self.costs[name] = self.program.cost, self.program.offset
        if REGRET in self.names:
            if self.best is None:
                raise InputError("regret is a goal, so the least cost of each future must be known")
            told = self.forms, REGRETTED, self.weights, self.nodes
            self.program = together(*told, regret_against=self.best)
            self.costs = {name: (np.append(cost, 0.0), offset) for name, (cost, offset) in self.costs.items()}
            self.costs[REGRET] = self.program.cost, self.program.offset
        program = self.program
        self.machine = Machine(program.matrix, program.row_lower, program.row_upper, self.options.threads)

    def value(self, name: str, x: Floats) -> float:
        """A goal's value at a point of all columns."""
        cost, offset = self.costs[name]
        return float(cost @ x) + offset

    def in_order(
        self, names: Sequence[str] = (), given_up: Mapping[str, float] | None = None,
        below: tuple[str, float] | None = None,
    ) -> Reached:
        """The goals in order, each held while the next is treated, but for the share of it that may be given up.

        `names`: another order of them; `below`: a goal and its most. Raises InfeasibleError, and LimitError or
        Interrupted before any plan.
        """
        rows: list[int] = []
        if below is not None:
            rows.append(self._hold(*below))
        stages: list[Stage] = []
        x: Floats | None = None
        try:
            for order, name in enumerate(names or self.names, start=1):
                x, stage = self._treat(order, name, x)
                stages.append(stage)
                share = (given_up or {}).get(name, 0.0)
                rows.append(self._hold(name, stage.objective + share * abs(stage.objective)))
        finally:
            if rows:
                self.machine.drop_rows(np.array(rows, dtype=np.int64))
        assert x is not None
        return Reached(tuple(x[where] for where in self.program.at), tuple(stages))

    def _hold(self, name: str, most: float) -> int:
        cost, offset = self.costs[name]
        return self.machine.add_row(-np.inf, most - offset + ROOM * max(1.0, abs(most)), cost)

    def _treat(self, order: int, name: str, x: Floats | None) -> tuple[Floats, Stage]:
        """One goal, from the point of the goals before it."""
        begun = self.deadline.elapsed()
        if self.tell is not None:
            self.tell(f"{name.replace('_', ' ')}: all futures together")
        if x is not None and self.deadline.left() <= 0:  # valued at the plan found, without a bound
            return x, Stage(order, name, self.value(name, x), float("-inf"), float("inf"), 0.0, self._why())
        machine, program = self.machine, self.program
        cost, offset = self.costs[name]
        machine.highs.clearSolver()
        machine.set_integer(program.integer)
        machine.set_bounds(program.lower, program.upper)
        machine.set_cost(cost, offset)
        settings = {"mip_rel_gap": max(self.options.gap, EXACT), "mip_abs_gap": EXACT, "solver": "choose"}
        answer = machine.run(self.deadline, settings, x)
        found = self._found(answer, x)
        point = self._whole(found, name)
        value = self.value(name, point)
        bound = min(float(answer.bound), value)
        gap = relative_gap(value, bound)
        done = "optimal" if gap <= 1e-6 else "gap_reached" if gap <= self.options.gap else self._why()
        return point, Stage(order, name, value, bound, gap, self.deadline.elapsed() - begun, done)

    def _found(self, answer: Answer, x: Floats | None) -> Floats:
        if answer.x is not None:
            return answer.x
        if x is not None:
            return x
        if answer.status == "infeasible":
            raise InfeasibleError("no decision before the futures part can meet what every one of them requires")
        if self.deadline.interrupted:
            raise Interrupted("stopped before any plan was found")
        raise LimitError(f"no plan for all futures was found within {self.options.time_limit:g} s; allow more time")

    def _whole(self, x: Floats, name: str) -> Floats:
        """Whole numbers exactly whole and the rest solved again around them; as it was where that has no solution."""
        program, machine = self.program, self.machine
        if not program.integer.any():
            return x
        out = np.where(program.integer, np.round(x), x)
        machine.set_integer(np.zeros(len(x), dtype=bool))
        machine.set_bounds(np.where(program.integer, out, program.lower), np.where(program.integer, out, program.upper))
        machine.set_cost(*self.costs[name])
        machine.highs.clearSolver()
        answer = machine.run(Deadline(), {"solver": "choose"})
        return answer.x if answer.status == "optimal" and answer.x is not None else out

    def _why(self) -> str:
        return "interrupted" if self.deadline.interrupted else "time_limit"


@dataclass(frozen=True)
class Point:
    """A plan of a frontier: `first` and `second` are the values of its two goals, `gap` the larger of their gaps."""

    first: float
    second: float
    gap: float
    reached: Reached


def frontier(goals: Goals, most: int = 9) -> list[Point]:
    """Plans that trade the two goals of `goals` against each other, from the least of the first to that of the second.

    At most `most` points (at least 2); fewer where there are no more. Each halves the largest rectangle between two
    neighbours that may still hold one. Raises InputError unless there are two goals, and what `in_order` raises.
    """
    if len(goals.names) != 2:
        raise InputError(f"a frontier is of two goals; {len(goals.names)} are given")
    if most < 2:
        raise InputError(f"a frontier has two ends; {most} points are asked for")
    first, second = goals.names
    turned = second, first
    start, end = _point(goals, goals.in_order()), _point(goals, goals.in_order(turned))
    if start.second <= end.second + _room(end.second):
        return [start]
    found, wide, high = [start, end], end.first - start.first, start.second - end.second
    gaps: list[tuple[float, int, float, Point, float]] = []

    def look(low: float, right: Point, above: float) -> None:
        """Between the first goal's `low` and the point `right`, with the second below `above`, there may be more."""
        size = (right.first - low) / wide * (above - right.second) / high
        if right.first - low > SAME * wide and size > ROOM:
            heapq.heappush(gaps, (-size, len(gaps) + len(found), low, right, above))

    look(start.first, end, start.second)
    while gaps and len(found) < most and goals.deadline.left() > 0:
        _, _, low, right, above = heapq.heappop(gaps)
        middle = (low + right.first) / 2
        point = _point(goals, goals.in_order(turned, below=(first, middle)))
        if any(abs(p.first - point.first) <= SAME * wide for p in found):
            look(middle, right, above)  # nothing new up to the middle
            continue
        found.append(point)
        look(low, point, above)
        look(middle, right, point.second)
    return sorted(found, key=lambda p: p.first)


def _point(goals: Goals, reached: Reached) -> Point:
    values = {stage.goal: stage.objective for stage in reached.stages}
    return Point(values[goals.names[0]], values[goals.names[1]], max(s.gap for s in reached.stages), reached)


def _room(value: float) -> float:
    return ROOM * max(1.0, abs(value))
