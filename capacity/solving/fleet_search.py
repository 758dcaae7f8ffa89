"""Better plans of a fleet: the relaxation rounded in several ways, then neighbourhoods, several at a time.

Each neighbourhood holds the whole numbers of the best plan but for some years, some places, or wherever the plan and
the relaxation differ, and is a small search of its own. As many run at once as there are threads, each with one thread
and a limit on the steps of its search, never on time, and all wait for each other before the best is taken over: with
the same threads the same scenario has the same plan, however busy the machine is. Where two that ran together both
found something, both finds are tried in one plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity.solving.compile import Form
from capacity.solving.highs import Answer, Deadline, Machine
from capacity.solving.tightened import SMALL
from capacity.solving.totals import Totals

if TYPE_CHECKING:
    from capacity.solving.search import Search

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Box = tuple[Floats, Floats]

THRESHOLDS = (0.5, 0.25, 0.75, 0.1)
"""Shares of an opening in the relaxation from which on a place is opened."""
LOOKS, LOOKS_OF_LARGE = 100, 50
"""Effort of one neighbourhood: how often its search may ask whether to stop (`Machine.most_looks`)."""
LOOKS_OF_ALL = 2000
"""Effort of branch and bound on the whole of a small program before anything else."""
FIRST_LOOKS = 600
"""The same of a first rounding."""
NODES, NODE_COLUMNS = 40, 10_000
"""Nodes of the tree of totals between two rounds; from so many columns on it waits until neighbourhoods bring nothing:
better plans close the gap of a large program sooner than a better bound."""
GROW, SHRINK = 1.25, 0.7
"""By how much neighbourhoods grow when they are searched to the end, and shrink when steps run out without a find."""
LEAST_SIZE, MOST_SIZE = 0.06, 0.8
"""Smallest and largest share of the years or places that a neighbourhood frees."""
IDLE_ROUNDS = 6
"""Rounds without a better plan after which the search of neighbourhoods ends."""
LARGE = 20_000
"""Columns from which on linear programs without a basis to start from are solved by interior point."""
CLOSE = 1e-6
SOUND = 1e-9
"""Largest violation, relative to a row's size, of a find that is taken as it is."""


@dataclass
class Team:
    """Machines with one thread each that search the same program at the same time."""

    form: Form
    cost: Floats
    threads: int
    deadline: Deadline
    machines: list[Machine] = field(init=False)

    def __post_init__(self) -> None:
        form = self.form
        self.machines = [
            Machine(form.matrix, form.row_lower, form.row_upper, 1, self.cost, (form.lower, form.upper), form.integer)
            for _ in range(max(1, self.threads))
        ]

    def run(self, boxes: list[Box], whole: Flags, gap: float, looks: float, start: Floats | None) -> list[Answer]:
        """One answer for each box, in their order; boxes beyond the number of machines wait for their turn."""
        out: list[Answer] = []
        for at in range(0, len(boxes), len(self.machines)):
            out += self._at_once(boxes[at : at + len(self.machines)], whole, gap, looks, start)
        return out

    def _at_once(self, boxes: list[Box], whole: Flags, gap: float, looks: float, start: Floats | None) -> list[Answer]:
        with ThreadPoolExecutor(len(boxes)) as pool:
            tasks = [
                pool.submit(self._one, machine, box, whole, gap, looks, start)
                for machine, box in zip(self.machines, boxes, strict=False)
            ]
            while not all(task.done() for task in tasks):
                try:
                    wait(tasks, timeout=0.2)
                except KeyboardInterrupt:
                    self.deadline.interrupted = True
                    for machine in self.machines:
                        machine.stop = True
        return [task.result() for task in tasks]

    def _one(self, machine: Machine, box: Box, whole: Flags, gap: float, looks: float, start: Floats | None) -> Answer:
        machine.highs.clearSolver()
        machine.set_bounds(*box)
        machine.set_integer(whole)
        machine.most_looks = looks
        inside = start is not None and bool(np.all(start >= box[0] - CLOSE) and np.all(start <= box[1] + CLOSE))
        large = self.form.columns > LARGE
        options = {"solver": "ipm" if large and not whole.any() else "choose", "run_crossover": "on",
                   "mip_rel_gap": gap, "mip_abs_gap": 1e-9, "mip_lp_solver": "ipm" if large else "choose"}
        return machine.run(self.deadline, options, start if inside else None)


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
        search.machine.most_looks = LOOKS_OF_ALL
        search.branch(goal, cost, (form.lower, form.upper), "searching all", None)
        search.machine.most_looks = np.inf
        if search.closed(goal) or search.deadline.left() <= 0:
            return
    first_plans(search, goal, team, point)
    if search.best is None:
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
        answers = team.run(boxes, form.integer, fine, looks, best)
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
    relaxed = team.run(boxes, none, 0.0, np.inf, None)
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
    fine = max(0.5 * search.options.gap, 1e-4)
    for narrow in (near, [boxes[at] for at in chosen]):
        answers = team.run(narrow, form.integer, fine, FIRST_LOOKS, search.best)
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
    answer = team.run([box], np.zeros(form.columns, dtype=bool), 0.0, np.inf, None)[0]
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


def held_but(form: Form, best: Floats, free: Flags) -> Box:
    """Bounds that hold the whole numbers of a plan but for the free ones."""
    held = form.integer & ~free
    kept = np.round(best)
    return np.where(held, kept, form.lower), np.where(held, kept, form.upper)


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


def offer(search: Search, x: Floats, cost: Floats, goal: str) -> None:
    """Offer a find: as it is where it is sound with its whole numbers exactly whole, else polished first."""
    exact = np.where(search.form.integer, np.round(x), x)
    if search.violation(exact) <= SOUND:
        search.take(exact, cost, goal)
    else:
        search.offer(x, cost, goal)


@dataclass
class Kind:
    """A kind of neighbourhood, and the share of the whole that one of it frees."""

    words: str
    size: float


@dataclass
class Turn:
    """One neighbourhood: what is free, and the kind that learns from it."""

    free: Flags
    words: str
    kind: Kind

    def learn(self, finished: bool, better: bool) -> None:
        """Larger neighbourhoods after one searched to its end, smaller ones after one that brought nothing."""
        factor = GROW if finished else 1.0 if better else SHRINK
        self.kind.size = float(np.clip(self.kind.size * factor, LEAST_SIZE, MOST_SIZE))


class Turns:
    """Neighbourhoods in turn: a window of years, a set of places, and what differs from the relaxation."""

    kinds = 3

    def __init__(self, form: Form, point: Floats) -> None:
        self.form, self.point = form, point
        self.rng = np.random.default_rng(0)
        self.period, self.place = form.column_period(), form.column_place()
        whole = form.integer
        self.years = np.unique(self.period[whole & (self.period >= 0)])
        self.places = np.unique(self.place[whole & (self.place >= 0)])
        self.sizes = {"years": Kind("years", 0.3), "places": Kind("places", 0.15), "both": Kind("roundings", 0.3)}
        self.order = self._order()
        self.queue: list[int] = []

    def _order(self) -> Iterator[str]:
        while True:
            yield from ("both", "places", "years", "both", "years")

    def next(self, best: Floats) -> Turn:
        """The next neighbourhood of a plan."""
        kind = next(self.order)
        if kind == "years" and len(self.years):
            return self._window(self.sizes[kind])
        if kind == "places" and len(self.places):
            return self._places(self.sizes[kind], best)
        return self._unlike(self.sizes["both"], best)

    def _window(self, kind: Kind) -> Turn:
        count = max(1, round(kind.size * len(self.years)))
        start = int(self.rng.integers(len(self.years) - count + 1))
        chosen = self.years[start : start + count]
        return Turn(np.isin(self.period, chosen), f"years {chosen[0]} to {chosen[-1]}", kind)

    def _places(self, kind: Kind, best: Floats) -> Turn:
        """Some places in use, and as many others that may take over."""
        used = np.unique(self.place[self.form.integer & (best > CLOSE) & (self.place >= 0)])
        idle = np.setdiff1d(self.places, used)
        count = max(2, round(kind.size * len(used)))
        chosen = np.concatenate([
            self.rng.permutation(used)[:count], self.rng.permutation(idle)[: max(1, count // 2)]])
        return Turn(np.isin(self.place, chosen), f"{len(chosen)} places", kind)

    def _unlike(self, kind: Kind, best: Floats) -> Turn:
        """Where plan and relaxation differ most, in a share of the places drawn at random."""
        count = max(2, round(min(2 * kind.size, 1.0) * len(self.places)))
        near = np.isin(self.place, self.rng.permutation(self.places)[:count]) if len(self.places) else True
        apart = np.abs(best - self.point) > 0.5
        used = (best > CLOSE) | (self.point > CLOSE)
        return Turn(np.asarray(apart & used & near), "what differs from the relaxation", kind)
