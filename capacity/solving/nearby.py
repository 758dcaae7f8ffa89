"""Plans nearly as good as the best that do as little as possible of what was done before.

    min  sum over columns of the groups used so far of size x column,   every goal at most (1 + slack) of its best

Hop, skip and jump (Brill, Chang and Hopkins 1982; modelling to generate alternatives): a group is a site, a vendor or a
year, and a plan that leaves a group alone differs in it. Each alternative adds its own groups before the next is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity.errors import LimitError
from capacity.solving.compile import Form
from capacity.solving.highs import Answer, Deadline, Machine
from capacity.solving.options import Options

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Nearby:
    """An alternative: its point, what it still does of the groups used before, and a proven bound on that."""

    point: Floats
    alike: float
    bound: float


def nearby(
    form: Form, best: Floats, group: Ints, size: Floats, slack: float, count: int, options: Options,
    listen: Callable[[int], None] | None = None,
) -> list[Nearby]:
    """Up to `count` alternatives to the point `best`, each as unlike all before it as the slack allows.

    group: number of each column's group, -1 for columns that do not count; size: what one unit of a column counts.
    slack: share by which each goal may be worse. Fewer come back when nothing different is left. Raises LimitError when
    time runs out before the first.
    """
    machine = Machine(form.matrix, form.row_lower, form.row_upper, options.threads)
    for goal, cost in form.cost.items():
        value = float(cost @ best)
        room = slack * abs(value + form.offset[goal]) + 1e-7 * max(1.0, abs(value))
        machine.add_row(-np.inf, value + room, cost)
    machine.set_bounds(form.lower, form.upper)
    machine.set_integer(form.integer)
    used, found, start = groups_used([best], group, size), list[Nearby](), best
    for number in range(count):
        alike = np.where(np.isin(group, list(used)), size, 0.0)
        machine.set_cost(alike)
        settings = {"mip_rel_gap": options.gap, "mip_abs_gap": 1e-9, "solver": "choose"}
        answer = machine.run(Deadline(options.time_limit), settings, start)
        if answer.x is None:
            if not found:
                raise LimitError(f"no alternative was found within {options.time_limit:g} s; allow more time")
            break
        new = groups_used([answer.x], group, size)
        found.append(_nearby(answer, alike))
        if listen is not None:
            listen(number + 1)
        if new <= used:
            break
        used |= new
    return found


def _nearby(answer: Answer, alike: Floats) -> Nearby:
    assert answer.x is not None
    value = float(alike @ answer.x)
    return Nearby(answer.x, value, min(value, float(answer.bound)))


def groups_used(points: Sequence[Floats], group: Ints, size: Floats) -> set[int]:
    """Groups in which any of the points does something that counts."""
    return {int(g) for x in points for g in np.unique(group[(group >= 0) & (size * x > 1e-6)])}
