"""Ours against plain HiGHS on the same matrix, one after the other: CPU seconds until the gap is 5 % and 1 %.

Each may use so many CPU seconds of this process and is stopped as by Ctrl-C then, so that neither pays for what else
the machine does. Each contestant's gap is its own objective against its own bound, (objective - bound) / |objective|.
Reading the file is outside both clocks; building the model is inside both, so that the peer pays for nothing that we
did. Both get the same number of threads; CPU seconds count them all.
"""

from __future__ import annotations

import _thread
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from capacity.errors import InfeasibleError, Interrupted
from capacity.formulation import build_model
from capacity.problem import Problem
from capacity.solving import Options, Progress, solve
from capacity.solving.compile import compile_model
from capacity.solving.highs import Deadline, Machine
from capacity.solving.solution import relative_gap

GAPS = (0.05, 0.01)


@dataclass
class Clock:
    """Best objective and bound so far of one contestant, and the CPU seconds at which each gap was first reached."""

    begun: float = field(default_factory=time.process_time)
    objective: float = math.inf
    bound: float = -math.inf
    reached: dict[float, float] = field(default_factory=dict)

    def note(self, objective: float, bound: float) -> None:
        """Take what was said; not-a-number means nothing new."""
        self.objective = min(self.objective, objective) if math.isfinite(objective) else self.objective
        self.bound = max(self.bound, bound) if math.isfinite(bound) else self.bound
        for gap in GAPS:
            if self.gap() <= gap:
                self.reached.setdefault(gap, time.process_time() - self.begun)

    def gap(self) -> float:
        """Relative gap; infinite before there are both."""
        both = math.isfinite(self.objective) and math.isfinite(self.bound)
        return relative_gap(self.objective, self.bound) if both else math.inf

    def told(self, who: str) -> dict[str, Any]:
        """What is printed of a contestant; None where a gap was not reached."""
        times = {f"cpu_s_to_{gap:.0%}": self.reached.get(gap) for gap in GAPS}
        gap = self.gap()
        known = {
            "objective": self.objective if math.isfinite(self.objective) else None,
            "bound": self.bound if math.isfinite(self.bound) else None, "gap": gap if math.isfinite(gap) else None,
        }
        return {"solver": who, **known, **times, "cpu_s": time.process_time() - self.begun}


@contextmanager
def stopped_after(cpu_s: float) -> Iterator[None]:
    """Ctrl-C for what runs inside once it has used so many CPU seconds."""
    over, done = time.process_time() + cpu_s, threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            if time.process_time() > over:
                _thread.interrupt_main()
                return

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores Ctrl-C
    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        done.set()
        signal.signal(signal.SIGINT, before)


def race(problem: Problem, time_limit: float, threads: int = 1) -> list[dict[str, Any]]:
    """One line for each contestant; `time_limit` in CPU seconds for each."""
    return [ours(problem, time_limit, threads), plain(problem, time_limit, threads)]


def ours(problem: Problem, time_limit: float, threads: int) -> dict[str, Any]:
    """The planner's own search, to a gap of a hundredth of the smallest one asked for."""
    clock = Clock()

    def listen(progress: Progress) -> None:
        clock.note(progress.objective, progress.bound)

    try:
        with stopped_after(time_limit):
            solution = solve(problem, Options(gap=GAPS[-1] / 100, threads=threads), listen)
    except (Interrupted, InfeasibleError):
        return clock.told("ours")
    clock.note(solution.stages[-1].objective, solution.stages[-1].bound)
    return clock.told("ours")


def plain(problem: Problem, time_limit: float, threads: int) -> dict[str, Any]:
    """HiGHS on the same rows and columns, as they leave the compiler."""
    clock = Clock()
    form = compile_model(build_model(problem))
    goal = list(form.cost)[-1]
    machine = Machine(form.matrix, form.row_lower, form.row_upper, threads)
    machine.set_bounds(form.lower, form.upper)
    machine.set_integer(form.integer)
    machine.set_cost(form.cost[goal], form.offset[goal])
    report: Callable[[float, float, float], None] = lambda best, bound, _: clock.note(best, bound)  # noqa: E731
    with stopped_after(time_limit):
        answer = machine.run(Deadline(), {"mip_rel_gap": GAPS[-1] / 100}, None, report)
    clock.note(answer.objective if answer.x is not None else np.nan, answer.bound)
    return clock.told("plain HiGHS")


def table(lines: list[dict[str, Any]]) -> str:
    """The race in Markdown: a row for each instance and contestant."""
    heads = ["instance", "solver", "objective", "bound", "gap", *(f"CPU s to {g:.0%}" for g in GAPS), "CPU s in all"]
    out = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for line in lines:
        cells = [
            line["instance"], line["solver"], *(_number(line[k], "{:,.6g}") for k in ("objective", "bound")),
            _number(line["gap"], "{:.2%}"), *(_number(line[f"cpu_s_to_{g:.0%}"], "{:.1f}") for g in GAPS),
            _number(line["cpu_s"], "{:.0f}"),
        ]
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out)


def _number(value: float | None, pattern: str) -> str:
    return "-" if value is None else pattern.format(value)
