"""Machines with one thread each that search the same program at the same time, and how finds are offered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
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
        large = self.form.columns > LARGE
        options = {"solver": "ipm" if large and not task.whole.any() else "choose", "run_crossover": "on",
                   "mip_rel_gap": task.gap, "mip_abs_gap": 1e-9, "mip_lp_solver": "ipm" if large else "choose"}
        return machine.run(self.deadline, options, start if inside else None)


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
