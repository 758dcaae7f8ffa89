"""Better plans of a fleet: the relaxation rounded in several ways, then neighbourhoods, several at a time.

Each neighbourhood holds the whole numbers of the best plan but for some years, some places, or wherever the plan and
the relaxation differ, and is a small search of its own. As many run at once as there are threads, each with one thread
and a limit on the steps of its search, never on time, and all wait for each other before the best is taken over: with
the same threads the same scenario has the same plan, however busy the machine is. Where two that ran together both
found something, both finds are tried in one plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity.solving.first_plans import first_plans
from capacity.solving.pods_last import hunt_small
from capacity.solving.team import CLOSE, Floats, Task, Team, held_but, offer
from capacity.solving.tightened import SMALL
from capacity.solving.totals import Totals
from capacity.solving.turns import Turns

if TYPE_CHECKING:
    from capacity.solving.search import Search

LOOKS, LOOKS_OF_LARGE = 100, 50
"""Effort of one neighbourhood: how often its search may ask whether to stop (`Machine.most_looks`)."""
LEAST_WHOLE = 32
"""Whole numbers from which on neighbourhoods are worth it."""
NODES, NODE_COLUMNS = 40, 10_000
"""Nodes of the tree of totals between two rounds; from so many columns on it waits until neighbourhoods bring nothing:
better plans close the gap of a large program sooner than a better bound."""
IDLE_ROUNDS = 6
"""Rounds without a better plan after which the search of neighbourhoods ends."""


def worth_a_team(search: Search) -> bool:
    """Whether a program is a fleet with enough whole numbers for neighbourhoods, and stands whole in its form."""
    labels = search.form.labels
    if search.cases is not None:
        return False
    if "chosen" in labels and labels.size("chosen"):  # who serves whom, all alike: branch and bound sees through it
        return False
    bought = "bought" in labels and bool(search.form.integer[labels.span("bought")].any())
    lit = "modules" in labels and bool(search.form.integer[labels.span("modules")].any())
    if lit and search.form.columns < SMALL:  # a small network is closed sooner by branch and bound on its cuts
        return False
    return bought and int(search.form.integer.sum()) >= LEAST_WHOLE


def hunt_fleet(search: Search, goal: str, point: Floats) -> None:
    """Rounded relaxations, then neighbourhoods until the gap is proven, nothing gets better or time is up."""
    cost, form = search.form.cost[goal], search.form
    team = Team(form, cost, search.options.threads, search.deadline)
    first_plans(search, goal, team, point)
    if search.best is None:
        return
    if form.columns < SMALL:
        hunt_small(search, goal, team, point)
        return
    turns, idle = Turns(form, point), 0
    at_once = form.columns < NODE_COLUMNS
    looks = LOOKS if at_once else LOOKS_OF_LARGE
    known = search.ahead is not None and search.ahead.starts(goal)
    tree = Totals(search, goal, search.ahead.basis) if known and search.ahead is not None else None
    fine = max(0.1 * search.options.gap, 1e-4)
    while not search.closed(goal) and search.deadline.left() > 0 and idle < IDLE_ROUNDS * turns.kinds:
        if tree is not None and at_once:
            search.tell_of(goal, "proving how good it is")
            tree.advance(NODES)
            if search.closed(goal) or search.deadline.left() <= 0:
                break
        best = search.best
        free = [turns.next(best) for _ in team.machines]
        phase = " and ".join(dict.fromkeys(turn.words for turn in free))
        search.tell_of(goal, f"moving {phase}")
        boxes = [held_but(form, best, turn.free) for turn in free]
        target = search.target(goal) - form.offset[goal]
        answers = team.race([Task(box, form.integer, fine, looks, best, target, wins=True) for box in boxes])
        found = [None if a is None else a.x for a in answers]
        value = float(cost @ best)
        gains = [0.0 if x is None else value - float(cost @ x) for x in found]
        for turn, answer, gain in zip(free, answers, gains, strict=True):
            if answer is not None:
                turn.learn(answer.status == "optimal", gain > CLOSE * abs(value))
        take_over(search, goal, cost, [x for x, g in zip(found, gains, strict=True) if x is not None and g > 0])
        assert search.best is not None
        idle = 0 if float(cost @ search.best) < value - 1e-5 * abs(value) else idle + 1
    while tree is not None and not tree.stuck and not search.closed(goal) and search.deadline.left() > 0:
        tree.advance(NODES)
    search.offer(search.best, cost, goal)


def take_over(search: Search, goal: str, cost: Floats, found: list[Floats]) -> None:
    """Take the finds of one round, the best first; where there are several, all their changes together as well."""
    before = search.best
    assert before is not None
    for x in sorted(found, key=lambda x: float(cost @ x)):
        offer(search, x, cost, goal)
    if len(found) > 1 and not search.closed(goal):
        whole, together = search.form.integer, before.copy()
        for x in found:
            moved = whole & (np.round(x) != np.round(before))
            together[moved] = np.round(x[moved])
        search.offer(together, cost, goal)
