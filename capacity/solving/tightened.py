"""The program that is searched: the plain one with rows rounded, and rows added that its relaxation violates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.problem import Problem
from capacity.solving import phase_cuts
from capacity.solving.compile import Form
from capacity.solving.highs import Answer, Deadline, Machine
from capacity.solving.loading import loading_of
from capacity.solving.on_demand import linking_rows
from capacity.solving.reach import within_reach
from capacity.solving.separation import as_matrix, strengthened
from capacity.solving.tighten import round_rows

Floats = NDArray[np.float64]

SMALL = 5000
"""Columns up to which simplex solves a relaxation soonest, and the whole program is searched at once."""
ROUNDS = 8
"""Most rounds of separation."""
STALLED = 1e-5
"""The rounds end when the bound rose by less than this share."""
PIVOTS_PER_ROW = 0.5
"""Simplex steps per row, from the basis before the new rows, before interior point is tried instead."""
NO_LIMIT = 2**31 - 1
MANY = 100_000
"""Linking rows from which on sums of them stand in the relaxation."""


@dataclass(frozen=True)
class Relaxation:
    """The relaxation of the tightened program, where separating solved it: its point, multipliers, value and basis."""

    point: Floats
    dual: Floats
    objective: float
    basis: Any


Tell = Callable[[str, float], None]


def tightened(
    problem: Problem, form: Form, deadline: Deadline, threads: int, tell: Tell | None = None
) -> tuple[Form, Relaxation | None]:
    """The tightened program, and its relaxation where that is known already. Its whole-number plans are the same."""
    form, solved, alone = round_rows(within_reach(form)), None, len(form.cost) == 1
    if not alone or loading_of(problem, form, next(iter(form.cost.values()))) is None:
        form, solved = strengthened(problem, form, deadline, threads, tell)  # network loading is cut without its flows
    if not alone or not phase_cuts.applies(problem, form):
        known = Relaxation(solved.point, solved.dual, solved.objective, None) if alone and solved is not None else None
        return form, known
    return _with_phase_cuts(problem, form, deadline, threads, tell)


def _with_phase_cuts(
    problem: Problem, form: Form, deadline: Deadline, threads: int, tell: Tell | None
) -> tuple[Form, Relaxation | None]:
    goal = next(iter(form.cost))
    if tell is not None:
        tell("solving the relaxation", np.nan)
    links = in_groups(problem, form)
    if links is not None and len(links.rows) >= MANY:
        return form, links.relaxation(form, goal, deadline, threads)
    machine = Machine(form.matrix, form.row_lower, form.row_upper, threads)
    machine.set_bounds(form.lower, form.upper)
    machine.set_cost(form.cost[goal])
    forced = phase_cuts.reaches(problem, form)
    answer, last, added = first_relaxation(machine, deadline, form.columns), -np.inf, 0
    for _ in range(ROUNDS):
        if answer.status != "optimal" or answer.x is None:
            return form, None
        if answer.objective - last < STALLED * abs(answer.objective):
            break
        last = answer.objective
        cuts = phase_cuts.separated(forced, answer.x, form.columns)
        if not cuts:
            break
        form = phase_cuts.with_cuts(form, cuts, added)
        added += len(cuts)
        lower = np.array([cut.lower for cut in cuts])
        machine.add_rows(sp.csr_matrix(as_matrix(cuts, form.columns)), lower, np.full(len(cuts), np.inf))
        answer = _again(machine, deadline, form)
    if tell is not None and added:
        tell(f"{added} rows added on whole phases", answer.objective + form.offset[goal])
    if answer.status != "optimal" or answer.x is None or answer.row_dual is None:
        return form, None
    return form, Relaxation(answer.x, answer.row_dual, answer.objective, machine.basis())


@dataclass(frozen=True)
class Links:
    """The rows `serve <= amount * opened` of a program, in groups that share their column `opened` and a commodity.

    The sum of a group's rows is one row nearly as strong as all of them. Its multiplier stands for each of them.
    """

    rows: NDArray[np.int64]
    """(n,) positions of the rows"""
    group: NDArray[np.int64]
    """(n,) group of each"""

    def relaxation(self, form: Form, goal: str, deadline: Deadline, threads: int) -> Relaxation | None:
        """The relaxation with summed rows in place of their own, by interior point; multipliers are of all rows.

        Its value is never above that of the relaxation with every row. None where it was not solved.
        """
        count = int(self.group.max()) + 1
        sums = sp.csr_matrix((np.ones(len(self.rows)), (self.group, self.rows)), shape=(count, form.matrix.shape[0]))
        others = np.ones(form.matrix.shape[0], dtype=bool)
        others[self.rows] = False
        matrix = sp.csr_matrix(sp.vstack([form.matrix[others], sums @ form.matrix]))
        lower = np.concatenate([form.row_lower[others], np.full(count, -np.inf)])
        upper = np.concatenate([form.row_upper[others], np.zeros(count)])
        machine = Machine(matrix, lower, upper, threads, form.cost[goal], (form.lower, form.upper))
        answer = machine.run(deadline, {"solver": "ipm", "run_crossover": "off"})
        if answer.status != "optimal" or answer.x is None or answer.row_dual is None:
            return None
        dual = np.zeros(form.matrix.shape[0])
        dual[others] = answer.row_dual[: int(others.sum())]
        dual[self.rows] = answer.row_dual[int(others.sum()) :][self.group]
        return Relaxation(answer.x, dual, answer.objective, None)


def in_groups(problem: Problem, form: Form) -> Links | None:
    """The linking rows of what is served, in their groups; None without any."""
    if not {"serve", "opened"} <= set(form.labels):
        return None
    served, opened = form.labels.span("serve"), form.labels.span("opened")
    rows = np.flatnonzero(linking_rows(form))
    first = form.matrix.indptr[rows]
    columns = np.sort(np.stack([form.matrix.indices[first], form.matrix.indices[first + 1]]), axis=0)
    low, high = (opened, served) if opened.start < served.start else (served, opened)
    fits = (columns[0] >= low.start) & (columns[0] < low.stop) & (columns[1] >= high.start) & (columns[1] < high.stop)
    if not fits.any():
        return None
    rows, columns = rows[fits], columns[:, fits]
    place, serve = (columns[0], columns[1]) if low is opened else (columns[1], columns[0])
    demand = form.labels.keys_of("serve")[0]
    commodity = problem.table("demands").set_index("demand")["commodity"].loc[[str(d) for d in demand.categories]]
    code = pd.factorize(commodity)[0][demand.codes][serve - served.start]
    return Links(rows, np.asarray(pd.factorize(place * (code.max() + 1) + code)[0], dtype=np.int64))


def first_relaxation(machine: Machine, deadline: Deadline, columns: int) -> Answer:
    """A relaxation without anything to start from: by interior point with crossover unless it is small."""
    return machine.run(deadline, {"solver": "simplex" if columns < SMALL else "ipm", "run_crossover": "on"})


def _again(machine: Machine, deadline: Deadline, form: Form) -> Answer:
    """The relaxation after rows were added: by simplex from the basis before, if that takes few steps."""
    limit = int(PIVOTS_PER_ROW * form.matrix.shape[0]) + 1000
    answer = machine.run(deadline, {"solver": "simplex", "simplex_iteration_limit": limit})
    machine.highs.setOptionValue("simplex_iteration_limit", NO_LIMIT)
    if answer.status == "optimal" or deadline.left() <= 0:
        return answer
    machine.highs.clearSolver()
    return first_relaxation(machine, deadline, form.columns)
