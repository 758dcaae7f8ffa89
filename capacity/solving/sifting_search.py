"""A plan from the columns that relaxations looked at: one run of branch and bound, which is several times smaller.

A goal that another one follows is not driven to its best: it is held at a share of the asked gap above its bound, and
the next goal is searched for, so that one plan serves both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.solving.highs import Machine

if TYPE_CHECKING:
    from capacity.solving.resolve import AlikeSearch

Floats = NDArray[np.float64]

USED = 1e-6
"""Value in the relaxation from which on a whole number may be searched."""
CLOSE = 0.4
"""Share of the asked gap up to which such a program is searched: its own bound is none of the whole one's."""
LOOKS = 400
"""How often HiGHS may ask whether to stop."""


def hunt_among_seen(
    search: AlikeSearch, goal: str, cost: Floats, held: Sequence[tuple[Floats, float]], target: float, point: Floats
) -> None:
    """Offer the best plan found for `cost` with goals held, among the columns seen whose whole numbers the relaxed
    point uses. target: value without a constant at which the search may stop."""
    form, gap = search.form, search.options.gap
    among = search.in_view() & ~(form.integer & (point < USED) & ~search.in_use())
    matrix = sp.csr_matrix(sp.vstack([form.matrix, *(sp.csr_matrix(c) for c, _ in held)]))
    lower = np.concatenate([form.row_lower, np.full(len(held), -np.inf)])
    upper = np.concatenate([form.row_upper, [value for _, value in held]])
    rest = np.where(among, 0.0, np.clip(0.0, form.lower, form.upper))
    moved = matrix @ rest
    part = sp.csr_matrix(sp.csc_matrix(matrix)[:, among])
    there = np.diff(part.indptr) > 0
    machine = Machine(part[there], (lower - moved)[there], (upper - moved)[there], search.options.threads, cost[among],
                      (form.lower[among], form.upper[among]), form.integer[among])
    machine.most_looks = LOOKS
    start = search.best[among] if search.best is not None and search.in_use()[~among].sum() == 0 else None
    options = {"solver": "choose", "mip_rel_gap": CLOSE * gap, "objective_target": target - float(cost @ rest)}
    search.tell_of(goal, "searching what was looked at")
    answer = machine.run(search.deadline, options, start)
    if answer.x is not None:
        rest[among] = answer.x
        search.settle_point(rest, cost, held, goal)
