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
from numpy.typing import NDArray

from capacity.solving.compile import Form
from capacity.solving.pods_last import LOOKS_OF_PHASES, LOOKS_OF_PODS, hunt_small, phases_first
from capacity.solving.team import CLOSE, LARGE, Box, Floats, Task, Team, held_but, offer
from capacity.solving.tightened import SMALL
from capacity.solving.totals import Totals
from capacity.solving.turns import Turns

if TYPE_CHECKING:
    from capacity.solving.search import Search

THRESHOLDS = (0.5, 0.25, 0.75, 0.1)
"""Shares of an opening in the relaxation from which on a place is opened."""
LOOKS, LOOKS_OF_LARGE = 100, 50
"""Effort of one neighbourhood: how often its search may ask whether to stop (`Machine.most_looks`)."""
LOOKS_OF_ROUNDED, LOOKS_OF_ROUNDED_LARGE = (60, 60), (20, 30)
"""The same of phases with pods in fractions, and of pods with phases held, where openings are rounded."""
FIRST_LOOKS = 600
"""The same of a first rounding without phases."""
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
    bought = "bought" in labels and bool(search.form.integer[labels.span("bought")].any())
    lit = "modules" in labels and bool(search.form.integer[labels.span("modules")].any())
    if lit and search.form.columns < SMALL:  # a small network is closed sooner by branch and bound on its cuts
        return False
    return bought and int(search.form.integer.sum()) >= 2 * len(THRESHOLDS) ** 2


def hunt_fleet(search: Search, goal: str, point: Floats) -> None:
    """Rounded relaxations, then neighbourhoods until the gap is proven, nothing gets better or time is up."""
    cost, form = search.form.cost[goal], search.form
    team = Team(form, cost, search.options.threads, search.deadline)
    if form.columns < SMALL:
        phases_first(search, goal, team, [(form.lower, form.upper)], (LOOKS_OF_PHASES, LOOKS_OF_PODS))
    if search.best is None or form.columns >= SMALL:
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
        answers = team.run([Task(box, form.integer, fine, looks, best) for box in boxes])
        found = [a.x for a in answers]
        value = float(cost @ best)
        gains = [0.0 if x is None else value - float(cost @ x) for x in found]
        for turn, answer, gain in zip(free, answers, gains, strict=True):
            turn.learn(answer.status == "optimal", gain > CLOSE * abs(value))
        take_over(search, goal, cost, [x for x, g in zip(found, gains, strict=True) if x is not None and g > 0])
        assert search.best is not None
        idle = 0 if float(cost @ search.best) < value - 1e-5 * abs(value) else idle + 1
    while tree is not None and not tree.stuck and not search.closed(goal) and search.deadline.left() > 0:
        tree.advance(NODES)
    search.offer(search.best, cost, goal)


def first_plans(search: Search, goal: str, team: Team, point: Floats) -> None:
    """Plans with the openings of the relaxation rounded at thresholds, whole numbers within one of what is then best.

    The relaxation with each choice of openings fixed tells which choices are worth rounding.
    """
    form, cost = search.form, search.form.cost[goal]
    boxes = opening_boxes(form, point)
    search.tell_of(goal, "rounding the openings")
    none = np.zeros(form.columns, dtype=bool)
    relaxed = team.run([Task(box, none) for box in boxes])
    sound = [(float(cost @ a.x), at) for at, a in enumerate(relaxed) if a.status == "optimal" and a.x is not None]
    chosen = [at for _, at in sorted(sound)[: len(team.machines)]]
    if not chosen:
        return
    search.tell_of(goal, "rounding phases and pods")
    near = []
    for at in chosen:
        x, (lower, upper) = relaxed[at].x, boxes[at]
        assert x is not None
        if search.best is None:
            offer_rounded(search, goal, team, x)
        near.append((np.where(form.integer, np.clip(np.floor(x + CLOSE), lower, upper), lower),
                     np.where(form.integer, np.clip(np.ceil(x - CLOSE), lower, upper), upper)))
    effort = LOOKS_OF_ROUNDED if form.columns < LARGE else LOOKS_OF_ROUNDED_LARGE
    if "built" in form.labels and phases_first(search, goal, team, [boxes[at] for at in chosen], effort):
        return
    fine = max(0.5 * search.options.gap, 1e-4)
    for narrow in (near, [boxes[at] for at in chosen]):
        answers = team.run([Task(box, form.integer, fine, FIRST_LOOKS, search.best) for box in narrow])
        for answer in answers:
            if answer.x is not None:
                offer(search, answer.x, cost, goal)
        if any(answer.x is not None for answer in answers):
            return


def offer_rounded(search: Search, goal: str, team: Team, x: Floats) -> None:
    """Offer a relaxed plan with phases rounded up and all else down, the rest solved again: less is served, but what
    was bought fits."""
    form = search.form
    up = np.zeros(form.columns, dtype=bool)
    for name in ("open", "built"):
        if name in form.labels:
            up[form.labels.span(name)] = True
    whole = np.where(up, np.ceil(x - CLOSE), np.floor(x + CLOSE))
    if "built" in form.labels:
        whole = _by_running_sums(form, x, whole)
    fixed = np.where(form.integer, np.clip(whole, form.lower, form.upper), 0.0)
    box = (np.where(form.integer, fixed, form.lower), np.where(form.integer, fixed, form.upper))
    answer = team.run([Task(box, np.zeros(form.columns, dtype=bool))])[0]
    if answer.status == "optimal" and answer.x is not None:
        offer(search, np.where(form.integer, fixed, answer.x), form.cost[goal], goal)


def _by_running_sums(form: Form, x: Floats, whole: Floats) -> Floats:
    """Phases such that each place's sum up to every year is the relaxation's rounded up: none is bought twice."""
    out, span = whole.copy(), form.labels.span("built")
    place, block, _ = (np.asarray(k.codes) for k in form.labels.keys_of("built"))
    order = np.lexsort((form.column_period()[span], block, place))
    group = place[order].astype(np.int64) * (block.max(initial=0) + 1) + block[order]
    begins = np.flatnonzero(np.r_[True, group[1:] != group[:-1]]) if len(group) else np.zeros(0, dtype=np.int64)
    total = np.cumsum(x[span][order])
    before = np.repeat(np.r_[0.0, total[begins[1:] - 1]], np.diff(np.r_[begins, len(order)])) if len(order) else total
    sums = np.ceil(total - before - CLOSE)
    steps = np.diff(np.r_[0.0, sums])
    steps[begins] = sums[begins]
    built = np.zeros(len(order))
    built[order] = np.maximum(steps, 0.0)
    out[span] = built
    return out


def opening_boxes(form: Form, point: Floats) -> list[Box]:
    """Bounds with all openings fixed, for each distinct rounding of the relaxation's; without openings the whole."""
    if "open" not in form.labels or form.labels.size("open") == 0:
        return [(form.lower, form.upper)]
    span = form.labels.span("open")
    place, period = (k.codes for k in form.labels.keys_of("open"))
    order = np.lexsort((np.asarray(form.labels.keys_of("open")[1].to_numpy(), dtype=float)[: len(period)], place))
    share = np.maximum(point[span], 0.0)
    seen, out = set(), []
    for threshold in THRESHOLDS:
        opened = _first_past(place[order], share[order], threshold)
        chosen = np.zeros(len(share))
        chosen[order[opened]] = 1.0
        if chosen.tobytes() in seen:
            continue
        seen.add(chosen.tobytes())
        lower, upper = form.lower.copy(), form.upper.copy()
        lower[span] = np.clip(chosen, form.lower[span], form.upper[span])
        upper[span] = np.clip(chosen, form.lower[span], form.upper[span])
        out.append((lower, upper))
    return out


def _first_past(place: NDArray[np.int64], share: Floats, threshold: float) -> NDArray[np.int64]:
    """Positions at which the running sum of a place's shares first reaches a threshold; places stand in order."""
    total = np.cumsum(share)
    begins = np.flatnonzero(np.r_[True, place[1:] != place[:-1]])
    before = np.repeat(np.r_[0.0, total[begins[1:] - 1]], np.diff(np.r_[begins, len(place)]))
    past = total - before >= threshold - CLOSE
    fresh = past & np.r_[True, ~past[:-1] | (place[1:] != place[:-1])]
    return np.flatnonzero(fresh)


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
