"""The search for one goal after the other: relaxation, look ahead, rounding, branch and bound in growing boxes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from capacity.errors import InfeasibleError, Interrupted, LimitError
from capacity.problem import Problem
from capacity.solving.bound import lagrangian_bound, violation
from capacity.solving.case_search import completed, surviving
from capacity.solving.cases import Cases, apart
from capacity.solving.compile import Form, compile_problem
from capacity.solving.diagnosis import whole_decisions, why_infeasible
from capacity.solving.fleet_search import hunt_fleet, worth_a_team
from capacity.solving.highs import Answer, Deadline, Machine
from capacity.solving.kept import Ahead, Kept
from capacity.solving.location import Location, location_of
from capacity.solving.location_search import hunt_location
from capacity.solving.neighbourhood_search import hunt_around
from capacity.solving.on_demand import MANY, OnDemand, linking_rows
from capacity.solving.on_demand_search import hunt_on_demand
from capacity.solving.options import Listener, Options, Progress
from capacity.solving.polish import SOUND, polished
from capacity.solving.ranges import check_size, warnings
from capacity.solving.separation import without_cuts
from capacity.solving.solution import Solution, Stage, relative_gap
from capacity.solving.tightened import NO_LIMIT, PIVOTS_PER_ROW, tightened

Floats = NDArray[np.float64]

SMALL = 5000
"""Columns up to which the whole problem is searched at once."""

WORTH_A_LOOK = 500
"""Linking rows from which on a program is looked at as a location problem."""


@dataclass
class Search:
    """One solve: its model, the best plan so far, the goals treated and those still to come."""

    problem: Problem
    options: Options
    listen: Listener | None
    deadline: Deadline = field(init=False)
    form: Form = field(init=False)
    machine: Machine = field(init=False)
    best: Floats | None = None
    bound: float = -np.inf
    """Proven bound of the goal under way, without its constant."""
    kept: list[Kept] = field(default_factory=list)
    ahead: Ahead | None = None
    price: float = 0.0
    """Price of the goal under way in the guiding cost."""
    on_demand: OnDemand | None = None
    """The program without most of its linking rows, where they are many."""
    dual: Floats | None = None
    """Row multipliers that prove the bound of the program on demand."""
    location: Location | None = None
    """The program as a location problem, where it is one."""
    cases: Cases | None = None
    """Failure cases that stand apart from the program, where they are many."""
    stages: list[Stage] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.deadline = Deadline(self.options.time_limit)
        self.tell(Progress(0.0, "", "building the model"))
        self.form = self.built()
        check_size(self.form)
        for sentence in warnings(self.form):
            self.tell(Progress(self.deadline.elapsed(), "", sentence))
        self.log += [f"worked out row by row: {why}" for why in self.form.row_by_row.values()]
        self.form, self.cases = apart(self.form)
        told = self.deadline, self.options.threads, self.tell_of_cuts
        self.form, relaxed = tightened(self.problem, self.form, *told)
        self.machine = Machine(self.form.matrix, self.form.row_lower, self.form.row_upper, self.options.threads)
        self.goals = list(self.form.cost)
        if relaxed is not None and self.cases is None:
            known = relaxed.point, relaxed.dual, relaxed.objective, relaxed.basis
            self.ahead = Ahead(self.goals[0], *known)
        linking = int(linking_rows(self.form).sum()) if self.may_wait() and self.cases is None else 0
        if linking >= WORTH_A_LOOK:
            self.location = location_of(self.form, self.form.cost[self.goals[0]])
        if linking >= MANY and self.location is None and not worth_a_team(self):
            goal = self.goals[0]
            self.on_demand = OnDemand(self.form, self.form.cost[goal], self.form.offset[goal], self.options.threads)

    def built(self) -> Form:
        """The problem as arrays."""
        return compile_problem(self.problem)

    def may_wait(self) -> bool:
        """Whether linking rows may wait until they bind: with one goal, for whose multipliers no other asks."""
        return len(self.goals) == 1

    # ---- one goal -----------------------------------------------------------------------------------------------

    def treat(self, order: int, goal: str) -> None:
        """Bound, search and keep one goal."""
        begun = self.deadline.elapsed()
        if self.location is None or not hunt_location(self, goal, self.location):
            point, self.bound = self.relax(goal, self.form.cost[goal])
            self.seek(order, goal, point)
        self.settle(order, goal, begun)

    def seek(self, order: int, goal: str, point: Floats | None) -> None:
        """Search for plans around the relaxed point of a goal."""
        later = self.goals[order] if order < len(self.goals) else None
        guide = self.form.cost[goal]
        # with fractions alone, goal by goal is exact
        if later is not None and point is not None and self.form.integer.any():
            guide, point = self.look_ahead(goal, later, point)
        self.hunt(goal, guide, point)

    def settle(self, order: int, goal: str, begun: float) -> None:
        """Note what a goal reached and hold it while the next ones are treated; `begun`: when it was taken up."""
        if self.best is None:
            self.give_up()
        assert self.best is not None
        cost, offset = self.form.cost[goal], self.form.offset[goal]
        value = float(cost @ self.best)
        bound, gap = self.bound, self.gap(goal, value)
        status = "optimal" if gap <= 1e-6 else "gap_reached" if gap <= self.options.gap else self.why_stopped()
        seconds = self.deadline.elapsed() - begun
        self.stages.append(Stage(order, goal, value + offset, bound + offset, gap, seconds, status))
        self.tell(Progress(self.deadline.elapsed(), goal, "goal done", value + offset, bound + offset, gap))
        if order < len(self.goals):
            self.keep(goal, value)

    def leave_open(self, treated: int) -> None:
        """Later goals that time did not reach: valued at the plan found, without a bound."""
        assert self.best is not None
        for order, goal in enumerate(self.goals[treated:], start=treated + 1):
            value = float(self.form.cost[goal] @ self.best) + self.form.offset[goal]
            self.stages.append(Stage(order, goal, value, float("-inf"), float("inf"), 0.0, self.why_stopped()))

    def relax(self, goal: str, cost: Floats) -> tuple[Floats | None, float]:
        """Relaxation of one goal under the kept rows: (point, proven bound).

        Multipliers found while looking ahead still prove a bound after the kept value moved a little.
        """
        kept = [(self.form.cost[k.goal], k.value) for k in self.kept]
        if self.ahead is not None and self.ahead.goal == goal:
            proven = lagrangian_bound(self.form, cost, self.ahead.dual, kept)
            if relative_gap(self.ahead.objective, proven) < 0.1 * max(self.options.gap, 1e-6):
                self.remember(goal, self.ahead)
                return self.ahead.point, proven
        self.tell(Progress(self.deadline.elapsed(), goal, "solving the relaxation"))
        self.machine.set_integer(np.zeros(self.form.columns, dtype=bool))
        self.machine.set_bounds(self.form.lower, self.form.upper)
        answer = self.linear(cost, near=self.ahead is not None and self.ahead.starts(goal))
        if answer.status == "infeasible":
            raise InfeasibleError(why_infeasible(self.problem, without_cuts(self.with_cases())))
        if answer.status == "limit":
            return None, -np.inf
        if answer.status != "optimal" or answer.x is None or answer.row_dual is None:
            raise RuntimeError(f"the relaxation of goal {goal!r} ended as {answer.status!r}")
        proven = lagrangian_bound(self.form, cost, answer.row_dual, kept)
        bound = proven if np.isfinite(proven) and relative_gap(answer.objective, proven) < 1e-3 else answer.objective
        self.tell(Progress(self.deadline.elapsed(), goal, "relaxation solved", bound=bound + self.form.offset[goal]))
        return answer.x, bound

    def remember(self, goal: str, relaxed: Ahead) -> None:
        """A goal's relaxation was known before it was taken up: for who keeps bases and multipliers."""

    def linear(self, cost: Floats, near: bool = False) -> Answer:
        """A linear program: by simplex where it is small or where the look ahead left a basis near its optimum, else
        by interior point with crossover."""
        if self.cases is None:
            return self.alone(cost, near)
        return surviving(self, self.cases, self.alone(cost, near))

    def alone(self, cost: Floats, near: bool) -> Answer:
        """A linear program as it stands, without asking whether it survives failure cases that stand apart."""
        if self.on_demand is not None:
            answer = self.on_demand.relaxation(self.deadline)
            self.dual = answer.row_dual
            return replace(answer, objective=answer.objective - self.on_demand.offset)
        self.machine.set_cost(cost)
        self.machine.highs.clearSolver()
        if near and self.ahead is not None:
            self.machine.set_basis(self.ahead.basis)
            limit = int(PIVOTS_PER_ROW * self.form.matrix.shape[0]) + 1000
            answer = self.machine.run(self.deadline, {"solver": "simplex", "simplex_iteration_limit": limit})
            self.machine.highs.setOptionValue("simplex_iteration_limit", NO_LIMIT)
            if answer.status == "optimal" or self.deadline.left() <= 0:
                return answer
            self.machine.highs.clearSolver()
        solver = "simplex" if self.form.columns < SMALL else "ipm"
        return self.machine.run(self.deadline, {"solver": solver, "run_crossover": "on"})

    def look_ahead(self, goal: str, later: str, point: Floats) -> tuple[Floats, Floats | None]:
        """(guiding cost, relaxed point): the next goal plus this one at a price that keeps it first.

        The price is a multiple of the dual value of keeping this goal at its bound, or where the relaxed point leaves
        it if that is more: a relaxation solved to within a share of the gap need not reach what it proves.
        """
        cost, next_cost = self.form.cost[goal], self.form.cost[later]
        bound = self.bound if point is None else max(self.bound, float(cost @ point))
        room = 1e-6 * max(1.0, abs(bound), self.scale(goal))
        row = self.machine.add_row(-np.inf, bound + room, cost)
        self.kept.append(Kept(goal, row, bound + room))
        self.tell(Progress(self.deadline.elapsed(), goal, f"looking ahead to {later}"))
        answer = self.linear(next_cost)
        self.machine.set_row(row, -np.inf, np.inf)
        if answer.status != "optimal" or answer.x is None or answer.row_dual is None:
            return cost, point
        self.ahead = Ahead(later, answer.x, answer.row_dual, answer.objective, self.machine.basis())
        price = 10.0 * abs(float(answer.row_dual[row]))
        floor = 1e-3 * (abs(answer.objective) + 1.0) / max(self.scale(goal), 1e-9)
        self.price = max(price, floor)
        return next_cost + self.price * cost, answer.x

    def keep(self, goal: str, value: float) -> None:
        """Hold a finished goal at its value, with room for rounding of floating point only."""
        found = next((k for k in self.kept if k.goal == goal), None)
        if found is None:
            found = Kept(goal, self.machine.add_row(-np.inf, value, self.form.cost[goal]), 0.0)
            self.kept.append(found)
        found.value = self.held_at(goal, value)
        self.machine.set_row(found.row, -np.inf, found.value)

    def held_at(self, goal: str, value: float) -> float:
        """Value at which a finished goal is held, with room for rounding measured on the goal with its constant."""
        share = max(float(self.problem.table("goals").set_index("goal")["tolerance"].get(goal, 0.0)), 1e-13)
        return value + max(1e-7 * max(1.0, abs(value + self.form.offset[goal])), share * abs(value))

    # ---- search -------------------------------------------------------------------------------------------------

    def hunt(self, goal: str, guide: Floats, point: Floats | None) -> None:
        """Points by ever wider searches around the relaxed point, until the gap of this goal is proven."""
        whole = self.form.integer
        if not whole.any():
            if point is not None:
                self.offer(point, guide, goal)
            return
        if self.on_demand is not None and point is not None:
            hunt_on_demand(self, goal, self.on_demand, point)
            return
        if len(self.goals) == 1 and point is not None and worth_a_team(self):
            hunt_fleet(self, goal, point)
            point = None
        if point is not None:
            hunt_around(self, goal, guide, point)
        if not self.closed(goal) and self.deadline.left() > 0:
            self.branch(goal, self.form.cost[goal], (self.form.lower, self.form.upper), "searching all")

    def in_use(self) -> NDArray[np.bool_]:
        """Columns that the best plan uses."""
        return np.zeros(self.form.columns, dtype=bool) if self.best is None else self.best > 1e-6

    def branch(
        self, goal: str, guide: Floats, box: tuple[Floats, Floats], phase: str, seconds: float | None = None,
        looks: float = np.inf,
    ) -> None:
        """One branch-and-bound run inside a box of bounds, from the best point known, within so much effort
        (`Machine.most_looks`), or so many seconds."""
        offset, bound = self.form.offset[goal], self.bound
        self.machine.set_bounds(*box)
        self.machine.set_integer(self.form.integer)
        pure = guide is self.form.cost[goal]
        constant = offset if pure else 0.0  # else HiGHS measures its gap on a sum without it, and stops too early
        self.machine.set_cost(guide, constant)
        inside = self.best is not None and bool(
            np.all(self.best >= box[0] - 1e-6) and np.all(self.best <= box[1] + 1e-6)
        )
        whole = pure and bool(np.all(box[0] <= self.form.lower) and np.all(box[1] >= self.form.upper))
        options = {
            "solver": "choose", "mip_rel_gap": self.options.gap * (1.0 if whole else 0.2), "mip_abs_gap": 1e-9,
            "mip_lp_solver": "ipm" if self.form.columns > 20000 else "choose",
            "objective_target": self.target(goal) if pure else -np.inf,
        }
        if seconds is not None and np.isfinite(seconds):
            options["time_limit"] = seconds
        now = None if self.best is None else float(self.form.cost[goal] @ self.best) + offset
        self.tell(Progress(self.deadline.elapsed(), goal, phase, np.nan if now is None else now, bound + offset))

        def report(incumbent: float, best_bound: float, _gap: float) -> None:
            if pure and np.isfinite(incumbent):
                proven = max(bound, best_bound - constant) if whole else bound
                gap = self.gap(goal, incumbent - constant, proven)
                self.tell(Progress(self.deadline.elapsed(), goal, phase, incumbent, proven + offset, gap))

        self.machine.most_looks = looks
        answer = self.machine.run(self.deadline, options, self.best if inside else None, report)
        self.machine.most_looks = np.inf
        if whole and answer.status in ("optimal", "limit") and np.isfinite(answer.bound):
            self.bound = max(self.bound, answer.bound - constant)
        if answer.x is None or self.offer(answer.x, guide, goal) or self.closed(goal) or self.deadline.left() <= 0:
            return
        self.branch(goal, guide, box, phase, seconds, looks)  # what did not survive is cut off now

    def target(self, goal: str) -> float:
        """Objective (with its constant) at which the asked gap is proven."""
        total, gap = self.bound + self.form.offset[goal], self.options.gap
        return float(total + gap * abs(total) / (1 - gap * np.sign(total)))

    def offer(self, x: Floats, guide: Floats, goal: str) -> bool:
        """Take a point as the best plan if it is feasible and better by the guiding cost; False where it did not
        survive failure cases that stand apart: the plan then has its whole numbers only, if it can."""
        polished, as_it_was = self.polish(x, guide), True
        if self.cases is not None:
            survives, as_it_was = completed(self, self.cases, polished, guide)
            if survives is None:
                return False
            polished = survives
        self.take(polished, guide, goal)
        return as_it_was

    def take(self, x: Floats, guide: Floats, goal: str) -> None:
        """Take a polished point as the best plan if it is feasible and better by the guiding cost."""
        if self.violation(x) > SOUND:
            self.log.append(f"{goal}: a point was refused, it violates a row by {self.violation(x):.2g}")
            return
        if self.best is None or float(guide @ x) < float(guide @ self.best):
            self.best = x
            value, offset = float(self.form.cost[goal] @ x), self.form.offset[goal]
            gap = self.gap(goal, value)
            self.tell(Progress(self.deadline.elapsed(), goal, "better plan", value + offset, self.bound + offset, gap))

    def polish(self, x: Floats, guide: Floats) -> Floats:
        """Integers made exactly whole and the rest solved again around them; the point itself if that fails."""
        return polished(self, x, guide)

    def with_cases(self) -> Form:
        """The program with every failure case in it."""
        return self.form if self.cases is None else self.cases.whole

    def violation(self, x: Floats) -> float:
        """Largest violation of a row, a bound or a goal kept, relative to its size."""
        treated = {s.goal for s in self.stages}
        kept = [(self.form.cost[k.goal], k.value) for k in self.kept if k.goal in treated]
        return violation(self.with_cases(), x, kept)

    # ---- words --------------------------------------------------------------------------------------------------

    def scale(self, goal: str) -> float:
        """Size of a goal: what it would be worth with every column at its bound."""
        finite = np.where(np.isfinite(self.form.upper), self.form.upper, 0.0)
        return float(np.abs(self.form.cost[goal]) @ finite)

    def gap(self, goal: str, value: float, bound: float | None = None) -> float:
        """Relative gap of a goal against its bound, both with the goal's constant part."""
        offset, bound = self.form.offset[goal], self.bound if bound is None else bound
        nothing = 1e-9 * max(1.0, self.scale(goal))
        if max(abs(value + offset), abs(bound + offset)) <= nothing:  # both zero, but for the last digits
            return 0.0
        return relative_gap(value + offset, bound + offset)

    def closed(self, goal: str) -> bool:
        """Whether the best plan is within the asked gap of the bound."""
        return self.best is not None and self.gap(goal, float(self.form.cost[goal] @ self.best)) <= self.options.gap

    def why_stopped(self) -> str:
        """The status of a goal that was left before its gap was proven."""
        return "interrupted" if self.deadline.interrupted else "time_limit"

    def give_up(self) -> None:
        """No plan: because of Ctrl-C, the limit, or because whole units cannot meet what fractions can."""
        if self.deadline.interrupted:
            raise Interrupted("stopped before any plan was found")
        if self.deadline.left() <= 0:
            raise LimitError(f"no plan was found within {self.options.time_limit:g} s; allow more time")
        raise InfeasibleError(f"{whole_decisions(self.form)} cannot meet what is required; fractions of them could")

    def tell_of_cuts(self, phase: str, bound: float) -> None:
        """Pass on what the separation of network rows did for the last goal."""
        self.tell(Progress(self.deadline.elapsed(), list(self.form.cost)[-1], phase, bound=bound))

    def tell_of(self, goal: str, phase: str) -> None:
        """Pass on what is tried next, with where the goal stands."""
        value = np.nan if self.best is None else float(self.form.cost[goal] @ self.best)
        offset, gap = self.form.offset[goal], np.nan if self.best is None else self.gap(goal, value)
        self.tell(Progress(self.deadline.elapsed(), goal, phase, value + offset, self.bound + offset, gap))

    def tell(self, progress: Progress) -> None:
        """Pass progress on and keep it for the plan's log."""
        self.log.append(progress.line())
        if self.listen is not None:
            self.listen(progress)

    def solution(self) -> Solution:
        """The best plan as tables."""
        assert self.best is not None
        worst = max(self.stages, key=lambda s: (s.gap > self.options.gap, s.gap))
        status = worst.status if worst.gap > 1e-6 else "optimal"
        size = {"rows": int(self.form.matrix.shape[0]), "columns": self.form.columns,
                "nonzeros": int(self.form.matrix.nnz), "integers": int(self.form.integer.sum())}
        return Solution(status, tuple(self.stages), self.form.tables(self.best), self.deadline.elapsed(),
                        tuple(self.log), size)
