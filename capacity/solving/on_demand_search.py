"""The search of a program whose linking rows come on demand: roundings, what the relaxation uses, then everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity.solving.on_demand import OnDemand, box_within, reduced_cost, roundings
from capacity.solving.options import Progress

if TYPE_CHECKING:
    from capacity.solving.search import Search

Floats = NDArray[np.float64]

LOOKS_OF_USED, SHARE_OF_USED = 2000, 0.2
"""Effort of a search among what the relaxation uses (`Machine.most_looks`), or that share of the time left if less."""


def hunt_on_demand(search: Search, goal: str, program: OnDemand, point: Floats) -> None:
    """Roundings of the relaxation, a search among what it uses, then all on the rows that bind, more as needed."""
    cost, whole = search.form.cost[goal], search.form.integer
    for rounded in roundings(search.form, point):
        if search.closed(goal) or search.deadline.left() <= 0:
            return
        offer_rounded(search, rounded, cost, goal)
    unused = whole & (point < 1e-6) & ~search.in_use()
    box = (search.form.lower, np.where(unused, 0.0, search.form.upper))
    if not search.closed(goal):
        search.branch(goal, cost, box, "searching what the relaxation uses", SHARE_OF_USED * search.deadline.left(),
                      LOOKS_OF_USED)
    start_bound = search.bound
    while not search.closed(goal) and search.deadline.left() > 0:
        if not branch_on_demand(search, goal, program, start_bound):
            break


def offer_rounded(search: Search, rounded: Floats, cost: Floats, goal: str) -> None:
    """Offer the best plan with these whole numbers, if there is one."""
    whole = search.form.integer
    search.machine.set_integer(np.zeros(search.form.columns, dtype=bool))
    search.machine.set_bounds(np.where(whole, rounded, search.form.lower), np.where(whole, rounded, search.form.upper))
    search.machine.set_cost(cost)
    search.machine.highs.clearSolver()
    answer = search.machine.run(search.deadline, {"solver": "choose"})
    if answer.status == "optimal" and answer.x is not None:
        search.take(answer.x, cost, goal)


def branch_on_demand(search: Search, goal: str, program: OnDemand, relaxed: float) -> bool:
    """One branch-and-bound run on the rows taken in; False when it brought neither bound, plan nor rows.

    `relaxed`: the bound that the multipliers at hand prove.
    """
    cost, offset = search.form.cost[goal], search.form.offset[goal]
    box = (search.form.lower, search.form.upper)
    if search.best is not None:
        program.take_those_around(search.best)
        if search.dual is not None:
            reduced = reduced_cost(search.form, cost, search.dual)
            box = box_within(search.form, reduced, relaxed, float(cost @ search.best))
            program.take_what_is_left(*box, reduced)
    before = _standing(search, cost, program)
    program.machine.set_bounds(*box)
    program.machine.set_integer(search.form.integer)
    program.machine.highs.clearSolver()
    phase = f"searching all on {int(program.taken.sum()):,} rows"
    search.tell(Progress(search.deadline.elapsed(), goal, phase, bound=search.bound + offset))
    options = {"solver": "choose", "mip_rel_gap": search.options.gap, "mip_abs_gap": 1e-9, "mip_lp_solver": "ipm",
               "objective_target": search.target(goal)}
    answer = program.machine.run(search.deadline, options, search.best)
    if answer.status == "infeasible" and search.best is not None:  # nothing in the box is cheaper than the best plan
        search.bound = max(search.bound, float(cost @ search.best))
        return False
    if answer.status in ("optimal", "limit") and np.isfinite(answer.bound):
        ceiling = np.inf if search.best is None else float(cost @ search.best)
        search.bound = max(search.bound, min(answer.bound - offset, ceiling))
    if answer.x is not None:
        search.offer(answer.x, cost, goal)
        rows = program.missing(answer.x)
        if len(rows):
            program.take(rows)
    return before != _standing(search, cost, program)


def _standing(search: Search, cost: Floats, program: OnDemand) -> tuple[float, float, int]:
    """(bound, cost of the best plan, rows taken in)"""
    value = np.inf if search.best is None else float(cost @ search.best)
    return search.bound, value, int(program.taken.sum())
