"""First plans of a network: every demand on one way, every link lit as cheaply as its load allows.

    cost = sum over links of the least that modules for its load cost  +  what the ways themselves cost

Starts by prices: demands take the cheapest ways at a price per unit on each link, which then becomes what the link
costs over what it carries, and again (slope scaling: Kim & Pardalos 1999). Then moves, each kept if the cost falls:
a demand is taken off and put on its cheapest way at the prices of further modules; a link is narrowed to a smaller
choice of modules, and what no longer fits goes elsewhere; some demands that share a link are taken off together and put
back in another order (ruin and recreate: Schrimpf et al. 2000). Effort is counted in shortest ways, not seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from capacity.solving.network_steps import Steps

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SLOPES = 40
"""Rounds of prices at most."""
SLOPES_IDLE = 8
"""Rounds of prices without a cheaper plan after which they end."""
DEARER = 1.5
"""What the price of a link is multiplied with that cannot carry what was put on it."""
THRESHOLDS = (0.03, 0.02, 0.06, 0.01)
"""How much dearer than the best a plan may be at first to be gone on from, turn by turn."""
NARROW = 0.5
"""How often a link is made narrower rather than emptied in part."""


@dataclass
class Ways:
    """Demands and the arcs that each of their flows may take.

    `flow`, `source`, `place`, `amount` (demands,); `room`, `back`, `toward` (arcs,); `price` (flows, arcs): cost of a
    unit, infinite where the flow may not go.
    """

    places: int
    flow: Ints
    source: Ints
    place: Ints
    amount: Floats
    room: Ints
    back: Ints
    toward: Ints
    price: Floats
    graph: csr_array = field(init=False)
    order: Ints = field(init=False)
    """(arcs,) arcs as the graph's entries are sorted"""
    at: Ints = field(init=False)
    """(pairs,) where a new pair of places begins in that order"""
    between: Ints = field(init=False)
    """(places * places,) number of the pair from one place to another, -1 without an arc"""
    runs: int = 0
    """Shortest ways looked for so far."""

    def __post_init__(self) -> None:
        key = self.back * self.places + self.toward
        self.order = np.argsort(key, kind="stable")
        pairs, self.at = np.unique(key[self.order], return_index=True)
        self.between = np.full(self.places * self.places, -1, dtype=np.int64)
        self.between[pairs] = np.arange(len(pairs))
        starts = np.searchsorted(pairs // self.places, np.arange(self.places + 1))
        self.graph = csr_array((np.ones(len(pairs)), (pairs % self.places).astype(np.int32), starts.astype(np.int32)),
                               shape=(self.places, self.places))

    def tree(self, source: int, cost: Floats) -> tuple[Floats, Ints, Ints]:
        """(distance of each place, place before it, cheapest arc of each pair) at a cost of each arc."""
        self.runs += 1
        sorted_cost = cost[self.order]
        self.graph.data[:] = np.minimum.reduceat(sorted_cost, self.at)
        found: Any = dijkstra(self.graph, True, [source], True)
        far, before = found[0][0], found[1][0]
        if len(self.at) == len(cost):
            return far, before, self.order
        same = np.repeat(np.arange(len(self.at)), np.diff(np.append(self.at, len(cost))))
        ranked = np.lexsort((sorted_cost, same))
        return far, before, self.order[ranked[self.at]]

    def way(self, source: int, place: int, before: Ints, cheapest: Ints) -> Ints:
        """Arcs from a source to a place, along a tree."""
        arcs = []
        while place != source:
            last = int(before[place])
            arcs.append(int(cheapest[self.between[last * self.places + place]]))
            place = last
        return np.array(arcs[::-1], dtype=np.int64)


@dataclass
class Routed:
    """Demands on their ways: loads of rooms, modules' cost of each link; moved one demand at a time."""

    ways: Ways
    steps: Steps
    taken: list[Ints]
    load: Floats
    most: Floats
    """(links,) widest that a link may become at the moment"""

    @classmethod
    def by_prices(cls, ways: Ways, steps: Steps, slope: Floats) -> Routed:
        """Every demand on its cheapest way at a price per unit of each link."""
        taken: list[Ints] = [np.zeros(0, dtype=np.int64)] * len(ways.flow)
        for flow in np.unique(ways.flow):
            mine = np.flatnonzero(ways.flow == flow)
            cost = np.maximum(slope[steps.link[ways.room]] + ways.price[flow], 0.0) + steps.nothing
            _, before, cheapest = ways.tree(int(ways.source[mine[0]]), cost)
            for k in mine.tolist():
                taken[k] = ways.way(int(ways.source[k]), int(ways.place[k]), before, cheapest)
        load = np.zeros(steps.rooms)
        for k, arcs in enumerate(taken):
            np.add.at(load, ways.room[arcs], ways.amount[k])
        return cls(ways, steps, taken, load, np.full(steps.links, np.inf))

    def cost(self) -> float:
        """Cost of modules and ways; infinite where a link cannot be wide enough."""
        ways = self.ways
        by_way = sum(float(ways.price[ways.flow[k], arcs].sum() * ways.amount[k]) for k, arcs in enumerate(self.taken))
        return float(self.steps.cost(self.steps.need(self.load)).sum() + by_way)

    def off(self, demand: int) -> None:
        """Take a demand off its way."""
        np.add.at(self.load, self.ways.room[self.taken[demand]], -self.ways.amount[demand])

    def on(self, demand: int) -> bool:
        """Put a demand on its cheapest way at what further modules cost; False where there is none."""
        ways, steps, amount = self.ways, self.steps, float(self.ways.amount[demand])
        need = steps.need(self.load)
        link = steps.link[ways.room]
        wider = np.maximum(need[link], self.load[ways.room] + amount - steps.existing[ways.room])
        now = steps.cost(need)
        more = steps.at(link, wider) - np.where(np.isfinite(now), now, 0.0)[link]  # too narrow as it is: no way
        more = np.where(wider > self.most[link] + 1e-9, np.inf, more)
        cost = np.maximum(more + amount * ways.price[ways.flow[demand]], 0.0) + steps.nothing
        far, before, cheapest = ways.tree(int(ways.source[demand]), cost)
        if not np.isfinite(far[ways.place[demand]]):
            return False
        self.taken[demand] = ways.way(int(ways.source[demand]), int(ways.place[demand]), before, cheapest)
        np.add.at(self.load, ways.room[self.taken[demand]], amount)
        return True

    def users(self, link: int) -> Ints:
        """Demands on a link."""
        mine = self.steps.link[self.ways.room] == link
        return np.array([k for k, arcs in enumerate(self.taken) if mine[arcs].any()], dtype=np.int64)

    def again(self, demands: Ints) -> bool:
        """Take demands off and put them back in this order; False where one finds no way."""
        for k in demands:
            self.off(int(k))
        return all(self.on(int(k)) for k in demands)

    def saved(self) -> tuple[list[Ints], Floats]:
        """What `restore` needs."""
        return list(self.taken), self.load.copy()

    def restore(self, saved: tuple[list[Ints], Floats]) -> None:
        """Back to what was saved."""
        self.taken, self.load = list(saved[0]), saved[1].copy()
        self.most[:] = np.inf


def best_by_prices(ways: Ways, steps: Steps, effort: Effort) -> Routed:
    """The cheapest of the rounds of prices; they begin at the least that a unit costs on each link."""
    slope = steps.least_price()
    routed = best = Routed.by_prices(ways, steps, slope)
    value, idle = best.cost(), 0
    for _ in range(SLOPES):
        need = steps.need(routed.load)
        paid = steps.cost(need) / np.maximum(need, 1e-9)
        slope = np.where(need <= 1e-9, slope, np.where(np.isfinite(paid), paid, slope * DEARER))
        routed = Routed.by_prices(ways, steps, slope)
        cost = routed.cost()
        best, value, idle = (routed, cost, 0) if cost < value * (1 - 1e-9) else (best, value, idle + 1)
        if idle >= SLOPES_IDLE or effort.spent(ways):
            break
    return best


@dataclass(frozen=True)
class Effort:
    """How long to go on: until so many shortest ways were looked for, a cost is reached, or `stop` says so."""

    runs: int
    enough: float
    stop: Callable[[], bool]

    def spent(self, ways: Ways) -> bool:
        """Whether nothing more may be looked for."""
        return ways.runs >= self.runs or self.stop()


def settled(routed: Routed, rng: np.random.Generator, effort: Effort) -> float:
    """Each demand once more on its cheapest way, then each link narrower, while it helps; returns the cost."""
    value = routed.cost()
    while not effort.spent(routed.ways):
        before = value
        for k in rng.permutation(len(routed.taken)):
            routed.again(np.array([k]))
            if effort.spent(routed.ways):
                break
        value = routed.cost()
        if value >= before * (1 - 1e-6):
            break
    return narrowed(routed, rng, effort, value)


def shaken(routed: Routed, rng: np.random.Generator, effort: Effort) -> float:
    """Moves that may cost more at first, from a settled plan; leaves the best plan met and returns its cost.

    Plans dearer than the best by up to a threshold are gone on from, which falls to nothing on the way (threshold
    accepting: Dueck & Scheuer 1990), several times, each from the best plan.
    """
    ways, begun, least = routed.ways, routed.ways.runs, routed.cost()
    best = routed.saved()
    for turn, threshold in enumerate(THRESHOLDS, start=1):
        ends, value = begun + turn * (effort.runs - begun) // len(THRESHOLDS), least
        length = max(ends - ways.runs, 1)
        while ways.runs < ends and least > effort.enough and not effort.spent(ways):
            left = (ends - ways.runs) / length
            value = _moved(routed, rng, value, least * (1 + threshold * left))
            if value < least * (1 - 1e-9):
                best, least = routed.saved(), value
        routed.restore(best)
    return least


def narrowed(routed: Routed, rng: np.random.Generator, effort: Effort, value: float) -> float:
    """Each link made narrower by a step, or dark, where that is cheaper."""
    for link in rng.permutation(routed.steps.links):
        need = routed.steps.need(routed.load)[link]
        for width in routed.steps.narrower(int(link), float(need)):
            if effort.spent(routed.ways):
                return value
            before, value = value, forced(routed, rng, int(link), width, value, value * (1 - 1e-9))
            if value < before:
                break
    return value


def forced(
    routed: Routed, rng: np.random.Generator, link: int, width: float, value: float, allowed: float
) -> float:
    """What does not fit into a narrower link put on other ways; kept where the cost then is `allowed`."""
    saved, users = routed.saved(), rng.permutation(routed.users(link))
    routed.most[link] = width
    return _kept(routed, _too_many(routed, link, users, width), value, saved, allowed)


def _moved(routed: Routed, rng: np.random.Generator, value: float, allowed: float) -> float:
    """A link that is in use made narrower, or its demands put back in another order."""
    need = routed.steps.need(routed.load)
    used = np.flatnonzero(need > 1e-9)
    if not len(used):
        return value
    link = int(rng.choice(used))
    if rng.random() < NARROW:
        widths = list(routed.steps.narrower(link, float(need[link])))
        return forced(routed, rng, link, widths[int(rng.integers(len(widths)))], value, allowed) if widths else value
    return ruined(routed, rng, link, value, allowed)


def _too_many(routed: Routed, link: int, users: Ints, width: float) -> Ints:
    """The first of a link's users without which it fits into a width."""
    rooms = np.flatnonzero(routed.steps.link == link)
    load, gone = routed.load[rooms].copy(), []
    for k in users:
        if np.all(load - routed.steps.existing[rooms] <= width + 1e-9):
            break
        taken = routed.ways.room[routed.taken[k]]
        load -= routed.ways.amount[k] * (taken[:, None] == rooms).sum(axis=0)
        gone.append(k)
    return np.array(gone, dtype=np.int64)


def ruined(routed: Routed, rng: np.random.Generator, link: int, value: float, allowed: float) -> float:
    """Some demands that share a link taken off and put back in another order, the largest first or by chance; kept
    where the cost then is `allowed`."""
    users = rng.permutation(routed.users(link))
    users = users[: max(int(np.ceil(rng.random() * len(users))), 2)]
    if rng.random() < 0.5:
        users = users[np.argsort(-routed.ways.amount[users], kind="stable")]
    return _kept(routed, users, value, routed.saved(), allowed)


def _kept(routed: Routed, demands: Ints, value: float, saved: tuple[list[Ints], Floats], allowed: float) -> float:
    """Demands put on other ways where the cost is `allowed` then; the cost then."""
    if routed.again(demands):
        routed.most[:] = np.inf
        cost = routed.cost()
        if cost <= allowed:
            return cost
    routed.restore(saved)
    return value
