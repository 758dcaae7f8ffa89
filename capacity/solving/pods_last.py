"""A small fleet: phases first with pods in fractions, pods around them, then the proof that nothing is much cheaper.

Phases are the dearest lumps, and with pods in fractions branch and bound settles them soon. With those phases held,
pods become whole at little more. What is left is to show that no plan is cheaper by the asked gap: that is one more
row, under which the program has no plan, or a better one. The row lets reduced costs decide most columns at once,
which a gap that HiGHS closes from a plan of its own does not. Meanwhile the other machines search neighbourhoods.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity.solving.highs import Answer, Machine
from capacity.solving.team import Task, Team, held_but, offer
from capacity.solving.turns import Turns

if TYPE_CHECKING:
    from capacity.solving.search import Search

Floats = NDArray[np.float64]

LOOKS_OF_PROOF = 10_000
"""Effort of the first proof; each further one has twice as much."""
LOOKS = 100
"""Effort of one neighbourhood."""
INSIDE = 0.999
"""Share of the asked gap that a proof is asked for: the last digits are left to it."""
ROOM = 1e-9
"""Relative size of the last digits of a proven bound."""


def hunt_small(search: Search, goal: str, team: Team, point: Floats) -> None:
    """Proofs of growing effort beside neighbourhoods of the best plan, until the gap is proven or time is up.

    Does nothing without a plan to start from.
    """
    looks, turns = LOOKS_OF_PROOF, [Turns(search.form, point, seed) for seed, _ in enumerate(team.machines)]
    while search.best is not None and not search.closed(goal) and search.deadline.left() > 0:
        if prove(search, goal, team, turns, looks):
            return
        looks *= 2


def prove(search: Search, goal: str, team: Team, turns: list[Turns], looks: int) -> bool:
    """One proof beside neighbourhoods; True when it came to its end without a better plan, so that the gap is proven.

    What neighbourhoods found is left aside then: whether the proof or they were sooner must not matter.
    """
    cost, best = search.form.cost[goal], search.best
    assert best is not None
    value = float(cost @ best)
    step = max(INSIDE * search.options.gap, ROOM) * max(abs(value + search.form.offset[goal]), ROOM)
    search.tell_of(goal, "proving that nothing is cheaper by the gap asked for")
    done = threading.Event()
    beside = team.machines[1:] if len(team.machines) > 1 else []
    jobs = [partial(_series, search, team, machine, turn, best, looks // 2, done)
            for machine, turn in zip(beside, turns, strict=False)]
    proof, *found = team.together([partial(_proof, search, goal, team, value - step, looks, done), *jobs])
    if proof.status == "infeasible":
        search.bound = max(search.bound, value - step - ROOM * abs(value))
        return True
    if proof.status in ("optimal", "limit") and np.isfinite(proof.bound):
        search.bound = max(search.bound, min(proof.bound, value - step))
    if not beside:
        found = [_series(search, team, team.machines[0], turns[0], best, looks // 4, done)]
    for x in sorted([x for x in (proof.x, *found) if x is not None], key=lambda x: float(cost @ x)):
        offer(search, x, cost, goal)
    return False


def _proof(search: Search, goal: str, team: Team, most: float, looks: int, done: threading.Event) -> Answer:
    """Branch and bound on what costs at most so much; the first such plan ends it."""
    form, cost = search.form, search.form.cost[goal]
    machine = Machine(form.matrix, form.row_lower, form.row_upper, 1, cost, (form.lower, form.upper), form.integer)
    machine.add_row(-np.inf, most, cost)
    machine.most_looks = looks
    team.others.append(machine)
    answer = machine.run(search.deadline, {"solver": "choose", "mip_rel_gap": 1e-6, "mip_abs_gap": 1e-9,
                                           "mip_heuristic_effort": 0.0, "mip_max_improving_sols": 1})
    team.others.remove(machine)
    if answer.status == "infeasible":
        done.set()
    return answer


def _series(
    search: Search, team: Team, machine: Machine, turns: Turns, best: Floats, looks: int, done: threading.Event
) -> Floats | None:
    """The best point of neighbourhoods one after the other, each of the best before; None without a better one."""
    form, cost, used, found = search.form, team.cost, 0, None
    fine = max(0.1 * search.options.gap, 1e-4)
    while used < looks and not done.is_set() and search.deadline.left() > 0:
        turn = turns.next(best)
        answer = team.one(machine, Task(held_but(form, best, turn.free), form.integer, fine, LOOKS, best))
        used += machine.looks
        better = answer.x is not None and float(cost @ answer.x) < float(cost @ best) - ROOM * abs(float(cost @ best))
        turn.learn(answer.status == "optimal", better)
        if better and answer.x is not None:
            best = found = np.where(form.integer, np.round(answer.x), answer.x)
    return found
