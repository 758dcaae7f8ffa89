"""The search of network loading: what is lit is chosen by branch and bound over rows that say what traffic needs.

First rounds of the relaxation over what is lit, with cut sets and metric inequalities that it violates. Then in turn:
the choices of least cost under all rows so far, by branch and bound; what lacks room among them is refused by rows
(`loading_rows`), and widened and thinned out to plans; around the best plan the modules near one place move while the
others stay, under the same rows. The bound of every branch and bound over all choices holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.solving.cutsets import Cut, cut_sets, first_sets, promising
from capacity.solving.highs import Machine
from capacity.solving.loading import Loading, Router
from capacity.solving.loading_rows import Rows
from capacity.solving.neighbourhoods import around_places
from capacity.solving.networks import networks
from capacity.solving.options import Progress
from capacity.solving.separation import STALLED, as_matrix, unlike, violated

if TYPE_CHECKING:
    from capacity.solving.search import Search

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ROUNDS, WINDOW, TIDY = 120, 12, 5
"""Rounds of the relaxation at most; they end when so many brought little; every so many, slack rows are dropped."""
SETS_IN_A_ROUND, METRICS_IN_A_ROUND = 40, 12
ORDERS = 4
"""Largest choices above one that lacks room."""
FIRST_S, SHARE = 20.0, 0.3
"""Seconds of a branch and bound at the least, and its share of the time so far."""
NEAR_S, NEAR_TURNS = 5.0, 12
"""Seconds of one neighbourhood's branch and bound, and how often it meets new rows."""


@dataclass
class Tried:
    """One branch and bound: the choices met on the way, the best last; its bound; whether it was finished."""

    choices: list[Floats]
    bound: float
    finished: bool


@dataclass
class Lights:
    """A search of what is lit: the best plan, the bound, the rows."""

    search: Search
    goal: str
    loading: Loading
    rows: Rows = field(init=False)
    best: Floats | None = None
    bound: float = -np.inf
    seen: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rows = Rows(self.loading, Router(self.loading.network))
        self.bound = self.search.bound

    # ---- plans --------------------------------------------------------------------------------------------------

    def value(self, x: Floats | None) -> float:
        """Cost of a choice; infinite without one."""
        return np.inf if x is None else float(self.loading.cost @ x)

    def thin(self, x: Floats, order: NDArray[np.int64]) -> Floats:
        """A choice that carries the traffic without what it can do without, columns in this order."""
        x, loading = x.copy(), self.loading
        for at in order:
            while x[at] > loading.lower[at] and loading.cost[at] > 0:
                x[at] -= 1
                if self.rows.router.lacks(loading.lit(x))[0] > 0 or not loading.allowed(x):
                    x[at] += 1
                    break
        return x

    def widened(self, x: Floats) -> Floats | None:
        """A choice that carries the traffic, raised from one that lacks room where that pays most; None if none is."""
        x, loading = x.copy(), self.loading
        cost = np.maximum(loading.cost, 1e-9)
        while True:
            lack, multiplier = self.rows.router.lacks(loading.lit(x))
            if lack == 0:
                return x if loading.allowed(x) else None
            gain = np.minimum(np.asarray(loading.rooms.T @ multiplier), lack) / cost
            gain[x >= loading.upper] = 0.0
            if gain.max() <= 0:
                return None
            x[int(np.argmax(gain))] += 1

    def offer(self, x: Floats | None) -> None:
        """Thin a plan out, the dearest columns first, and keep it where it is better."""
        if x is None:
            return
        x = self.thin(x, np.argsort(-self.loading.cost * self.loading.adds, kind="stable"))
        if self.value(x) < self.value(self.best) - 1e-9 * abs(self.value(x)):
            search, whole = self.search, self.loading.whole(x, self.search.form.columns)
            search.offer(whole, search.form.cost[self.goal], self.goal)
            self.best = x

    # ---- bounds -------------------------------------------------------------------------------------------------

    def machine(self, lower: Floats, upper: Floats) -> Machine:
        """All rows so far, within bounds."""
        loading, cuts = self.loading, self.rows.cuts
        matrix, row_lower, row_upper = loading.rows, loading.row_lower, loading.row_upper
        if cuts:
            matrix = sp.csr_matrix(sp.vstack([matrix, as_matrix(cuts, len(loading.cost))]))
            row_lower = np.concatenate([row_lower, [c.lower for c in cuts]])
            row_upper = np.concatenate([row_upper, np.full(len(cuts), np.inf)])
        threads = self.search.options.threads
        return Machine(matrix, row_lower, row_upper, threads, loading.cost, (lower, upper))

    def tighten(self) -> None:
        """Rounds of the relaxation, until they bring little. The first row is the metric of what room costs."""
        loading, rng = self.loading, self.rows.rng
        sets = first = first_sets(loading.network, rng)
        price = loading.cost / np.maximum(np.asarray(loading.rooms.sum(axis=0)).ravel(), 1e-9)
        paid = np.asarray((loading.rooms > 0) @ price).ravel() / np.maximum(loading.rooms.getnnz(axis=1), 1)
        self.rows.metric(paid, loading.lower)
        values: list[float] = []
        middle: Floats | None = None
        for turn in range(ROUNDS):
            if turn % TIDY == 0:
                machine, loaded = self.machine(loading.lower, loading.upper), len(self.rows.cuts)
            answer = machine.run(self.search.deadline, {"solver": "simplex"})
            if answer.status != "optimal" or answer.x is None or self.search.deadline.left() <= 0:
                return
            x = answer.x
            values.append(answer.objective)
            self.raise_bound(answer.objective, "rows for the relaxation of what is lit" if turn % 10 == 0 else "")
            if len(values) > WINDOW and values[-1] - values[-1 - WINDOW] < STALLED * abs(values[-1]):
                break
            middle = x if middle is None else 0.5 * (middle + x)
            sets = promising(loading.network, sets, x)
            added = sum(self.rows.add(cut) for cut in self._sets_violated(sets, x))
            added += self._metrics(0.5 * (x + middle), x)
            if not (added or self._metrics(x, x)):
                break
            sets = np.unique(np.vstack([first, sets]), axis=0)
            fresh, loaded = self.rows.cuts[loaded:], len(self.rows.cuts)
            lower = np.array([cut.lower for cut in fresh])
            machine.add_rows(as_matrix(fresh, len(x)), lower, np.full(len(fresh), np.inf))
            if turn % TIDY == TIDY - 1:
                self.rows.drop_slack(x)

    def _sets_violated(self, sets: Flags, x: Floats) -> list[Cut]:
        cuts = sorted(cut_sets(self.loading.network, sets, x), key=lambda cut: -cut.depth)
        return [c for c in unlike(cuts, len(x))[:SETS_IN_A_ROUND] if violated(c, x)]

    def _metrics(self, x: Floats, point: Floats) -> int:
        """Metric rows at x that the relaxation's point violates: after each, what it found lacking is given."""
        lit, added = self.loading.lit(x), 0
        for _ in range(METRICS_IN_A_ROUND):
            lack, multiplier = self.rows.router.lacks(lit)
            if lack == 0:
                break
            added += self.rows.metric(multiplier, point)
            lit = lit + np.where(multiplier > 0, lack / multiplier.sum() + 1, 0.0)
        return added

    def raise_bound(self, bound: float, phase: str) -> None:
        """Take a proven bound and tell of it."""
        self.bound = max(self.bound, bound)
        self.search.bound = min(self.bound, self.value(self.best))
        if phase:
            search, offset = self.search, self.search.form.offset[self.goal]
            gap = np.nan if self.best is None else search.gap(self.goal, self.value(self.best))
            value = np.nan if self.best is None else self.value(self.best) + offset
            search.tell(Progress(search.deadline.elapsed(), self.goal, phase, value, search.bound + offset, gap))

    # ---- search -------------------------------------------------------------------------------------------------

    def branch(self, lower: Floats, upper: Floats, seconds: float) -> Tried:
        """Choices of least cost within bounds under all rows so far."""
        machine = self.machine(lower, upper)
        choices: list[Floats] = []
        machine.set_integer(self.loading.integer)
        machine.found = choices.append
        gap = max(0.2 * self.search.options.gap, 1e-7)
        answer = machine.run(self.search.deadline, {"solver": "choose", "mip_rel_gap": gap, "time_limit": seconds,
                                                    "mip_abs_gap": 1e-9}, self.best)
        met = [*choices, *([] if answer.x is None else [answer.x])]
        return Tried([self._whole(x) for x in met], answer.bound, answer.status in ("optimal", "infeasible"))

    def _whole(self, x: Floats) -> Floats:
        return np.where(self.loading.integer, np.round(x), x)

    def learn(self, tried: Tried, orders: int) -> int:
        """Refuse the choices that lack room, and make plans of them; returns how many rows are new."""
        added = 0
        for x in tried.choices[::-1]:
            if x.tobytes() in self.seen or self.value(x) >= self.value(self.best) or self.search.deadline.left() <= 0:
                continue
            self.seen.add(x.tobytes())
            lacking = self.rows.router.lacks(self.loading.lit(x))[0] > 0
            if lacking:
                added += self.rows.refuse(x, orders)
            self.offer(self.widened(x) if lacking else x)
        return added

    def closed(self) -> bool:
        """Whether the gap asked for is proven, or time is up."""
        return self.search.closed(self.goal) or self.search.deadline.left() <= 0

    def near(self, free: Flags) -> None:
        """The best plan with only some columns free to move, until no choice under the rows is better."""
        assert self.best is not None
        for _ in range(NEAR_TURNS):
            before, held = self.value(self.best), ~free & self.loading.integer
            lower = np.where(held, self.best, self.loading.lower)
            upper = np.where(held, self.best, self.loading.upper)
            tried = self.branch(lower, upper, NEAR_S)
            if self.closed() or (not self.learn(tried, 1) and self.value(self.best) == before):
                return

    def run(self, turns: Iterator[Flags]) -> None:
        """Until the gap is proven, time is up, or nothing is learned."""
        loading = self.loading
        if self.search.best is not None:
            self.best = self._whole(self.search.best[loading.columns])
        elif loading.allowed(loading.upper):
            self.offer(loading.upper)
        self.tighten()
        while not self.closed():
            begun = self.search.deadline.elapsed()
            tried = self.branch(loading.lower, loading.upper, max(FIRST_S, SHARE * begun))
            before = self.value(self.best)
            learned = self.learn(tried, ORDERS)
            self.raise_bound(tried.bound, f"choices under {len(self.rows.cuts)} rows of what traffic needs")
            if tried.finished and not learned and self.value(self.best) == before:
                return
            for free in turns if not tried.finished and self.best is not None else ():
                self.near(free)
                if self.closed() or self.search.deadline.elapsed() > begun + 2 * FIRST_S:
                    break


def hunt_loading(search: Search, goal: str, loading: Loading) -> None:
    """Search network loading until its gap is proven or time is up."""
    lights = Lights(search, goal, loading)
    around = around_places(search.form, networks(search.problem, search.form), lights.rows.rng)
    try:
        lights.run(free[loading.columns] for free, _, _ in around)
    except KeyboardInterrupt:
        search.deadline.interrupted = True
