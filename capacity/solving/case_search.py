"""What a search does about failure cases that stand apart: relaxations are cut until they survive, plans are completed.

A relaxation's point is asked about half-way to the average of those before it first (in-out separation: Ben-Ameur &
Neto 2007), then itself. A plan that does not survive is solved again with its whole numbers and the new rows; where
that cannot be, it is refused, and no plan with these whole numbers comes again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity.solving.cases import CaseRow, Cases, filled
from capacity.solving.highs import Answer

if TYPE_CHECKING:
    from capacity.solving.search import Search

Floats = NDArray[np.float64]

ROUNDS = 100
"""Most rounds of cuts on one relaxation, or on one plan."""
INWARD = 0.5
"""How far from the relaxation's point toward the average rows are looked for first."""
STALLED, WINDOW = 1e-5, 5
"""A relaxation is left when its bound rose by less than this share in so many rounds."""


def add(search: Search, cases: Cases, cuts: list[CaseRow]) -> None:
    """Write cuts into free rows of the program and of the loaded model."""
    if not cuts:
        return
    old = search.form
    search.form, rows = filled(old, cases, cuts)
    for row in rows.tolist():
        was, now = (form.matrix[row] for form in (old, search.form))
        columns = np.union1d(was.indices, now.indices)
        search.machine.set_coefficients(np.full(len(columns), row), columns, np.asarray(now[:, columns].todense())[0])
    search.machine.set_sides(rows, search.form.row_lower[rows], search.form.row_upper[rows])


def surviving(search: Search, cases: Cases, answer: Answer) -> Answer:
    """The relaxation solved again with rows of the cases that its point does not survive, until it survives all."""
    bounds: list[float] = []
    for _ in range(ROUNDS):
        if answer.status != "optimal" or answer.x is None or search.deadline.left() <= 0:
            break
        bounds.append(answer.objective)
        if len(bounds) > WINDOW and bounds[-1] - bounds[-1 - WINDOW] <= STALLED * abs(bounds[-1]):
            break
        x = answer.x
        cases.middle = x if cases.middle is None else 0.5 * (cases.middle + x)
        found, _ = cases.asked(x + INWARD * (cases.middle - x), search.deadline)
        cuts = [c for c in found if c.lower - c.coefficients @ x[c.columns] > 1e-7]
        if not cuts:
            cuts, _ = cases.asked(x, search.deadline)
        if not cuts:
            break
        add(search, cases, cuts)
        answer = search.machine.run(search.deadline, {"solver": "simplex"})
    return answer


def completed(search: Search, cases: Cases, x: Floats, guide: Floats) -> tuple[Floats | None, bool]:
    """(a plan with the whole numbers of x and with what happens in every case, whether it is x itself); None where
    those whole numbers cannot survive. Rows that x violates are in the program from then on."""
    whole, fixed = search.form.integer, np.round(x)
    for turn in range(ROUNDS):
        cuts, full = cases.asked(x, search.deadline)
        if not cuts:
            return full, turn == 0
        add(search, cases, cuts)
        form = search.form
        search.machine.set_integer(np.zeros(form.columns, dtype=bool))
        search.machine.set_bounds(np.where(whole, fixed, form.lower), np.where(whole, fixed, form.upper))
        search.machine.set_cost(guide)
        answer = search.machine.run(search.deadline, {"solver": "simplex"})
        if answer.status != "optimal" or answer.x is None:
            break
        x = answer.x
    return None, False
