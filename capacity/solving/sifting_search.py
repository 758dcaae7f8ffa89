"""Plans from the columns that relaxations looked at: runs of branch and bound over a program several times smaller.

First whole numbers within one of the relaxed point, which is mostly enough; then one less too, since what is built need
not be rounded down only because what stands in it is; then any whole numbers that the relaxation or the best plan uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.solving.highs import Machine

if TYPE_CHECKING:
    from capacity.solving.resolve import AlikeSearch

Floats = NDArray[np.float64]

PHASES = ("rounding", "rounding with one less", "searching what was looked at")
USED = 1e-6
"""Value in the relaxation from which on a whole number may be searched."""
CLOSE = 0.2
"""Share of the asked gap up to which such a program is searched: its own bound is none of the whole one's."""
LOOKS = 400
"""How often HiGHS may ask whether to stop."""


def hunt_among_seen(search: AlikeSearch, goal: str, guide: Floats, point: Floats) -> None:
    """Offer the best plans found for the cost `guide` among the columns seen, around the relaxed point."""
    pure = search.form.cost[goal]
    dearer = pure if guide is pure else guide + 99 * search.price * pure
    for phase, box in _boxes(search, goal, point):
        cost = dearer if phase == PHASES[-1] else guide
        if search.closed(goal) or search.deadline.left() <= 0:
            return
        search.tell_of(goal, phase)
        found = _best(search, goal, cost, box)
        if found is not None:
            search.offer(found, cost, goal)


def _boxes(search: AlikeSearch, goal: str, point: Floats) -> Iterator[tuple[str, tuple[Floats, Floats]]]:
    """Ever wider boxes around the relaxed point, by phase. Where goals are held the first may have no plan that keeps
    them, which shows at once; each after it holds the best plan, which does."""
    form = search.form
    low, high = np.floor(point + USED), np.ceil(point - USED)
    held = search.best is not None and bool(search.held_before(goal))
    for phase, less, with_best in ((PHASES[0], 0.0, False), (PHASES[0], 0.0, True), (PHASES[1], 1.0, True)):
        if with_best and not held and less == 0.0:
            continue
        least, most = np.maximum(form.lower, low - less), np.minimum(form.upper, high)
        if with_best and held and search.best is not None:
            least, most = np.minimum(least, search.best), np.maximum(most, search.best)
        yield phase, (np.where(form.integer, least, form.lower), np.where(form.integer, most, form.upper))
    used = ~form.integer | (point > USED) | search.in_use()
    yield PHASES[2], (form.lower, np.where(used, form.upper, np.clip(0.0, form.lower, form.upper)))


def _best(search: AlikeSearch, goal: str, cost: Floats, box: tuple[Floats, Floats]) -> Floats | None:
    """The best point in a box over the columns seen, earlier goals held."""
    form, held = search.form, search.held_before(goal)
    rest = np.asarray(np.clip(0.0, *box))
    among = (box[1] > box[0]) & (form.integer | search.seen | search.in_use())
    matrix = sp.csr_matrix(sp.vstack([form.matrix, *(sp.csr_matrix(c) for c, _ in held)]))
    lower = np.concatenate([form.row_lower, np.full(len(held), -np.inf)])
    upper = np.concatenate([form.row_upper, [value for _, value in held]])
    rest[among] = 0.0
    moved = matrix @ rest
    part = sp.csr_matrix(sp.csc_matrix(matrix)[:, among])
    there = np.diff(part.indptr) > 0
    machine = Machine(part[there], (lower - moved)[there], (upper - moved)[there], search.options.threads, cost[among],
                      (box[0][among], box[1][among]), form.integer[among])
    machine.most_looks = LOOKS
    start, pure = None, cost is form.cost[goal]
    if search.best is not None and bool(np.all((search.best >= box[0] - USED) & (search.best <= box[1] + USED))):
        start = search.best[among]
    constant = (form.offset[goal] if pure else 0.0) + float(cost @ rest)
    machine.set_cost(cost[among], constant)
    stop = search.target(goal) if pure else -np.inf
    options = {"solver": "choose", "mip_rel_gap": CLOSE * search.options.gap, "objective_target": stop}
    answer = machine.run(search.deadline, options, start)
    if answer.x is None:
        return None
    rest[among] = answer.x
    return rest
