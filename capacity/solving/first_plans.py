"""First plans of a fleet: whole numbers next to the relaxation's, and phases settled before pods.

Two ways race. The whole numbers that the relaxation leaves within one of its own (Berthold 2014, RENS: the optimal
rounding) make a small program, whose best is often good enough. Beside it phases are settled with pods in fractions,
openings rounded first where places are many; with those phases held, pods become whole. Whichever first has a plan
within the asked gap of the bound ends the race.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity.solving.compile import Form
from capacity.solving.highs import Answer, Machine
from capacity.solving.team import CLOSE, LARGE, Box, Flags, Floats, Task, Team, held_but, offer
from capacity.solving.tightened import SMALL

if TYPE_CHECKING:
    from capacity.solving.search import Search

THRESHOLDS = (0.5, 0.25, 0.75, 0.1)
"""Shares of an opening in the relaxation from which on a place is opened."""
LOOKS_OF_NEXT = 12
"""Effort of a search next to the relaxation: how often it may ask whether to stop (`Machine.most_looks`)."""
LOOKS_OF_PHASES, LOOKS_OF_PODS = 150, 100
"""Effort of branch and bound on phases with pods in fractions, and on pods with phases held, in a small program."""
LOOKS_OF_ROUNDED, LOOKS_OF_ROUNDED_LARGE = (60, 60), (20, 30)
"""The same where openings are rounded first."""
FIRST_LOOKS = 600
"""Effort of a first rounding without phases."""
HUGE = 50_000
"""Columns from which on phases are settled without searches within the search: their linear programs take simplex
longer than branching on the few phases that are left (large 2: 55 of 67 CPU s)."""
STRIDE = 4.0
"""How many times as far apart the looks of a search are where all pods may move as where those in use may by one."""
ENOUGH = 0.3
"""Share of the asked gap that phases may cost above the relaxation around them: pods need the rest."""


def first_plans(search: Search, goal: str, team: Team, point: Floats) -> None:
    """A plan next to the relaxation, then plans around phases settled first; of a large program one rounded at once
    before these."""
    form, small = search.form, search.form.columns < SMALL
    relaxed = beside_the_relaxation(search, goal, team, point)
    boxes = [box for box, _ in relaxed]
    if search.closed(goal) or not boxes or search.deadline.left() <= 0:
        return
    if search.best is None:
        offer_rounded(search, goal, team, np.asarray(relaxed[0][1].x))
    if "built" in form.labels:
        pods = LOOKS_OF_PODS if small else LOOKS_OF_ROUNDED[1] if form.columns < LARGE else LOOKS_OF_ROUNDED_LARGE[1]
        points = [np.asarray(settled.x) for settled in phases_in(search, goal, team, relaxed)]
        at_once = len(team.machines) if form.columns > HUGE else 1
        for at in range(0, len(points), at_once):
            if not search.closed(goal) and search.deadline.left() > 0:
                pods_around(search, goal, team, points[at:at + at_once], pods)
    if search.best is None and search.deadline.left() > 0:
        whatever(search, goal, team, boxes)


def beside_the_relaxation(search: Search, goal: str, team: Team, point: Floats) -> list[tuple[Box, Answer]]:
    """(bounds with openings rounded, the relaxation in them), the cheapest first, as many as there are threads; the
    whole program where it is small. Meanwhile whole numbers next to the relaxation's are searched: where that gives
    a plan within the asked gap, nothing else is waited for."""
    form, cost = search.form, search.form.cost[goal]
    boxes = [(form.lower, form.upper)] if form.columns < SMALL else opening_boxes(form, point)
    basis = search.ahead.basis if search.ahead is not None and search.ahead.starts(goal) else None
    target, fine = search.target(goal) - form.offset[goal], max(0.1 * search.options.gap, 1e-4)
    search.tell_of(goal, "rounding the relaxation")
    first, *others = team.machines
    beside, found = (others or [first])[0], threading.Event()

    left, relaxed = iter(enumerate(boxes)), list[tuple[float, int, Answer]]()

    def next_one(machine: Machine) -> Answer:
        answer = team.one(machine, Task(next_to(form, point), form.integer, fine, LOOKS_OF_NEXT, target=target))
        if answer.x is not None and float(cost @ answer.x) <= target:
            found.set()
            beside.most_looks = 0
        return answer

    def openings(machine: Machine) -> None:
        while not found.is_set() and (turn := next(left, None)) is not None:
            at, box = turn
            answer = team.one(machine, Task(box, np.zeros(form.columns, dtype=bool), basis=basis))
            if answer.status == "optimal" and answer.x is not None:
                relaxed.append((float(cost @ answer.x), at, answer))

    def both(machine: Machine) -> Answer:
        answer = next_one(machine)
        openings(machine)
        return answer

    near = team.together([partial(both, first), partial(openings, beside)])[0] if others else both(first)
    relaxed.sort(key=lambda some: some[:2])
    if near.x is not None:
        offer(search, near.x, cost, goal)
    return [(boxes[at], answer) for _, at, answer in relaxed[: len(team.machines)]]


def next_to(form: Form, x: Floats, room: float = 0.0, box: Box | None = None) -> Box:
    """Bounds with whole numbers next to a point's, inside of a box; with room, those it has as many more or less."""
    lower, upper = box or (form.lower, form.upper)
    low, high = np.floor(x + CLOSE) - room, np.ceil(x - CLOSE) + np.where(x > CLOSE, room, 0.0)
    return (np.where(form.integer, np.clip(low, lower, upper), lower),
            np.where(form.integer, np.clip(high, lower, upper), upper))


def phases_in(search: Search, goal: str, team: Team, relaxed: list[tuple[Box, Answer]]) -> list[Answer]:
    """Phases settled in boxes, pods in fractions; a point that costs no more above the cheapest relaxation than a
    share of the asked gap is enough. In a large program phases stay next to those of the relaxation in their box; in a
    huge one they are first rounded up and the rest solved again, which may do."""
    form, cost, gap = search.form, search.form.cost[goal], search.options.gap
    small, phases = form.columns < SMALL, settled_first(form)
    least = min(answer.objective for _, answer in relaxed)
    enough = least + ENOUGH * gap * abs(least + form.offset[goal])
    looks = LOOKS_OF_PHASES if small else LOOKS_OF_ROUNDED[0] if form.columns < LARGE else LOOKS_OF_ROUNDED_LARGE[0]
    search.tell_of(goal, "settling phases, pods in fractions")
    if form.columns > HUGE:
        rounded = team.run([rounded_up(search, goal, box, np.asarray(answer.x)) for box, answer in relaxed])
        good = [a for a in rounded if a.status == "optimal" and a.x is not None and float(cost @ a.x) <= enough]
        if good:
            return sorted(good, key=lambda a: float(cost @ np.asarray(a.x)))
    tasks = []
    for box, answer in relaxed:
        assert answer.x is not None
        near = box if small else tuple(np.where(phases, *both) for both in zip(next_to(form, answer.x, 0.0, box), box,
                                                                             strict=True))
        tasks.append(Task((near[0], near[1]), phases, max(0.2 * gap, 1e-4), looks, target=enough, wins=True,
                          alone=form.columns > HUGE))
    settled = [answer for answer in team.race(tasks) if answer is not None]
    if small and settled and settled[0].status in ("optimal", "limit") and np.isfinite(settled[0].bound):
        search.bound = max(search.bound, settled[0].bound)
    return sorted((a for a in settled if a.x is not None), key=lambda a: float(cost @ np.asarray(a.x)))


def rounded_up(search: Search, goal: str, box: Box, x: Floats) -> Task:
    """The rest of a relaxation solved with its phases rounded up, none bought twice."""
    form = search.form
    span, (lower, upper) = form.labels.span("built"), (box[0].copy(), box[1].copy())
    whole = _by_running_sums(form, x, x)[span]
    lower[span] = upper[span] = np.where(form.integer[span], np.clip(whole, lower[span], upper[span]), x[span])
    basis = search.ahead.basis if search.ahead is not None and search.ahead.starts(goal) else None
    return Task((lower, upper), np.zeros(form.columns, dtype=bool), basis=basis)


def settled_first(form: Form) -> Flags:
    """Whole numbers but for pods."""
    phases = form.integer.copy()
    phases[form.labels.span("bought")] = False
    return phases


def pods_around(search: Search, goal: str, team: Team, points: list[Floats], looks: float) -> None:
    """Pods made whole with the phases of a point held: those that it has by one more or less, and beside that any of
    them; in a huge program, where any takes too long, the former around several points at once."""
    form, cost = search.form, search.form.cost[goal]
    search.tell_of(goal, "making pods whole")
    fine, target = max(0.1 * search.options.gap, 1e-4), search.target(goal) - form.offset[goal]
    held = [held_but(form, x, ~settled_first(form)) for x in points]
    near = [Task(next_to(form, x, 1.0, box), form.integer, fine, looks, target=target, wins=True)
            for x, box in zip(points, held, strict=True)]
    tasks = near if form.columns > HUGE else [near[0], replace(near[0], box=held[0], stride=STRIDE)]
    for answer in team.race(tasks):
        if answer is not None and answer.x is not None:
            offer(search, answer.x, cost, goal)


def whatever(search: Search, goal: str, team: Team, boxes: list[Box]) -> None:
    """A first plan with much effort: openings rounded, then the whole program."""
    form, cost = search.form, search.form.cost[goal]
    fine, target = max(0.5 * search.options.gap, 1e-4), search.target(goal) - form.offset[goal]
    for some in (boxes, [(form.lower, form.upper)]):
        for answer in team.race([Task(box, form.integer, fine, FIRST_LOOKS, target=target, wins=True) for box in some]):
            if answer is not None and answer.x is not None:
                offer(search, answer.x, cost, goal)
        if search.best is not None:
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
