"""A point made a plan: whole numbers exactly whole, every row met to a millionth of its size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity.solving.highs import Deadline

if TYPE_CHECKING:
    from capacity.solving.search import Search

Floats = NDArray[np.float64]

SOUND = 1e-6
"""Largest violation of a row, relative to its size, of a plan."""
TOLERANCES = (1e-7, 1e-9)
"""What HiGHS may leave of a row, in its own measure: as usual, and finer where that is too much."""
LIMIT_S = 60.0


def polished(search: Search, x: Floats, guide: Floats) -> Floats:
    """A point's whole numbers, rounded, with the rest solved again around them for the guiding cost.

    Solved once more, to a finer tolerance, where a row is missed by more than `SOUND`. The point with its whole
    numbers rounded where that has no solution.
    """
    form, machine = search.form, search.machine
    if not form.integer.any():
        return x
    out = np.where(form.integer, np.round(x), x)
    machine.set_integer(np.zeros(form.columns, dtype=bool))
    machine.set_bounds(np.where(form.integer, out, form.lower), np.where(form.integer, out, form.upper))
    machine.set_cost(guide)
    for tolerance in TOLERANCES:
        machine.highs.clearSolver()
        answer = machine.run(Deadline(LIMIT_S), {"solver": "choose", "primal_feasibility_tolerance": tolerance})
        out = answer.x if answer.status == "optimal" and answer.x is not None else out
        if search.violation(out) <= SOUND:
            break
    machine.highs.setOptionValue("primal_feasibility_tolerance", TOLERANCES[0])
    return out
