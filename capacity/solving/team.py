"""Machines with one thread each that search the same program at the same time, and how finds are offered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capacity.solving.compile import Form
from capacity.solving.highs import Answer, Deadline, Machine

if TYPE_CHECKING:
    from capacity.solving.search import Search

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Box = tuple[Floats, Floats]

LARGE = 20_000
"""Columns from which on linear programs without a basis to start from are solved by interior point."""
CLOSE = 1e-6
PIVOTS_PER_ROW = 0.5
"""Simplex steps per row, from a basis of other bounds or fewer rows, before a linear program is solved afresh."""
NO_LIMIT = 2**31 - 1
WITHIN = ("mip_heuristic_run_rins", "mip_heuristic_run_rens", "mip_heuristic_run_root_reduced_cost")
"""HiGHS's searches within a search."""
SOUND = 1e-9
"""Largest violation, relative to a row's size, of a find that is taken as it is."""


@dataclass(frozen=True)
class Task:
    """One search: bounds, what is whole, the gap and the looks (`Machine.most_looks`) at which it ends, its start."""

    box: Box
    whole: Flags
    gap: float = 0.0
    looks: float = np.inf
    start: Floats | None = None
    target: float = -np.inf
    """Cost, without its constant, of a point that is good enough: the search ends there."""
    wins: bool = False
    """Whether reaching the target ends a race."""
    stride: float = 1.0
    """What one look counts in a race: more where looks are far apart, as in a larger box."""
    basis: Any = None
    """A basis near the optimum of a linear program."""
    alone: bool = False
    """Whether branch and bound does without searches within it, each of which begins a linear program from nothing."""


@dataclass
class Team:
    """Machines with one thread each; `others` are those of searches of their own that run beside."""

    form: Form
    cost: Floats
    threads: int
    deadline: Deadline
    machines: list[Machine] = field(init=False)
    others: list[Machine] = field(default_factory=list)

    def __post_init__(self) -> None:
        form = self.form
        self.machines = [
            Machine(form.matrix, form.row_lower, form.row_upper, 1, self.cost, (form.lower, form.upper), form.integer)
            for _ in range(max(1, self.threads))
        ]

    def run(self, tasks: Sequence[Task]) -> list[Answer]:
        """One answer for each task, in their order; those beyond the number of machines wait for their turn."""
        out: list[Answer] = []
        for at in range(0, len(tasks), len(self.machines)):
            some = tasks[at : at + len(self.machines)]
            out += self.together([partial(self.one, *pair) for pair in zip(self.machines, some, strict=False)])
        return out

    def race(self, tasks: Sequence[Task]) -> list[Answer | None]:
        """As `run`, until one reaches its target: the search that took the fewest looks to it, whichever of them the
        clock saw first. None stands for searches that went on for longer than that; those that cannot win are
        then broken off."""
        out: list[Answer | None] = [None] * len(tasks)
        looks, wins = np.full(len(tasks), np.inf), np.zeros(len(tasks), dtype=bool)
        for at in range(0, len(tasks), len(self.machines)):
            some = range(at, min(at + len(self.machines), len(tasks)))
            least = float(looks[wins].min(initial=np.inf))
            lanes = _Lanes([self.machines[i - at] for i in some], [tasks[i] for i in some], least)
            answers = self.together([partial(self._lane, lanes, i - at) for i in some])
            out[at:at + len(some)] = answers
            looks[some], wins[some] = lanes.looks, lanes.won
        if not wins.any():
            return out
        first = looks[wins].min()
        return [a if n <= first and t.wins else None for a, n, t in zip(out, looks, tasks, strict=True)]

    def _lane(self, lanes: _Lanes, at: int) -> Answer | None:
        """One of several searches that race."""
        task = lanes.begin(at)
        if task is None:
            return None
        answer = self.one(lanes.machines[at], task)
        lanes.end(at, answer, self.cost)
        return answer

    def together(self, jobs: Sequence[Callable[[], Any]]) -> list[Any]:
        """What each job gives, all run at once; Ctrl-C stops every machine and what was found is given."""
        with ThreadPoolExecutor(len(jobs)) as pool:
            running = [pool.submit(job) for job in jobs]
            while not all(job.done() for job in running):
                try:
                    wait(running, timeout=0.2)
                except KeyboardInterrupt:
                    self.deadline.interrupted = True
                    for machine in (*self.machines, *self.others):
                        machine.stop = True
        return [job.result() for job in running]

    def one(self, machine: Machine, task: Task) -> Answer:
        """The answer of one machine to one task."""
        machine.highs.clearSolver()
        machine.set_bounds(*task.box)
        machine.set_integer(task.whole)
        machine.most_looks = task.looks
        start, (lower, upper) = task.start, task.box
        inside = start is not None and bool(np.all(start >= lower - CLOSE) and np.all(start <= upper + CLOSE))
        if task.basis is not None and not task.whole.any():
            answer = self._from_basis(machine, task.basis)
            if answer.status in ("optimal", "infeasible") or self.deadline.left() <= 0:
                return answer
        large = self.form.columns > LARGE
        options = {"solver": "ipm" if large and not task.whole.any() else "choose", "run_crossover": "on",
                   "mip_rel_gap": task.gap, "mip_abs_gap": 1e-9, "mip_lp_solver": "ipm" if large else "choose",
                   "objective_target": task.target, **dict.fromkeys(WITHIN, not task.alone)}
        return machine.run(self.deadline, options, start if inside else None)


    def _from_basis(self, machine: Machine, basis: Any) -> Answer:
        """A linear program by simplex from a basis, if that takes few steps."""
        machine.set_basis(basis)
        limit = int(PIVOTS_PER_ROW * self.form.matrix.shape[0]) + 1000
        answer = machine.run(self.deadline, {"solver": "simplex", "simplex_iteration_limit": limit})
        machine.highs.setOptionValue("simplex_iteration_limit", NO_LIMIT)
        if answer.status == "limit":
            machine.highs.clearSolver()
        return answer


@dataclass
class _Lanes:
    """Searches that race on machines of their own: `looks` each took to its end, by its stride, and which `won`."""

    machines: list[Machine]
    tasks: list[Task]
    least: float
    """Fewest looks to its target of any search so far."""
    looks: Floats = field(init=False)
    won: Flags = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.looks, self.won = np.full(len(self.tasks), np.inf), np.zeros(len(self.tasks), dtype=bool)

    def begin(self, at: int) -> Task | None:
        """The search as it may run now; None where another has won already and it could not."""
        with self.lock:
            task = self.tasks[at]
            if np.isfinite(self.least) and not task.wins:
                return None
            return replace(task, looks=min(task.looks, self.least / task.stride))

    def end(self, at: int, answer: Answer, cost: Floats) -> None:
        """Note how a search ended; where it won, the others have no more looks than it took."""
        with self.lock:
            task, looks = self.tasks[at], self.machines[at].looks * self.tasks[at].stride
            self.looks[at] = looks
            there = answer.x is not None and float(cost @ answer.x) <= task.target + CLOSE * abs(task.target)
            self.won[at] = task.wins and there
            if self.won[at] and looks < self.least:
                self.least = looks
                for machine, other in zip(self.machines, self.tasks, strict=True):
                    machine.most_looks = min(machine.most_looks, looks / other.stride if other.wins else 0)


def held_but(form: Form, best: Floats, free: Flags) -> Box:
    """Bounds that hold the whole numbers of a plan but for the free ones."""
    held = form.integer & ~free
    kept = np.round(best)
    return np.where(held, kept, form.lower), np.where(held, kept, form.upper)


def offer(search: Search, x: Floats, cost: Floats, goal: str) -> None:
    """Offer a find: as it is where it is sound with its whole numbers exactly whole, else polished first."""
    exact = np.where(search.form.integer, np.round(x), x)
    if search.violation(exact) <= SOUND:
        search.take(exact, cost, goal)
    else:
        search.offer(x, cost, goal)
