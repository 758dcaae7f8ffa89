"""Plans of a location problem: what a choice of places costs, and better choices by opening, shutting and swapping."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.solving.highs import Deadline, Machine
from capacity.solving.location import Location
from capacity.solving.location_bound import Pricing

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TRIED_AT_ONCE = 10
"""Swaps whose routing is solved in one round, the most promising first."""
WORTH = 1e-9
"""Share of a plan's cost that a change must save."""


@dataclass
class Plans:
    """The best choice of places so far; each choice is valued once."""

    problem: Location
    pricing: Pricing
    cost: float = np.inf
    opened: Flags | None = None
    latest: float = np.inf
    known: set[bytes] = field(default_factory=set)

    def offer(self, opened: Flags) -> bool:
        """Value a choice; True when it is better than any before."""
        return self._valued(opened) < np.inf and self._taken(opened)

    def _valued(self, opened: Flags) -> float:
        """Cost of a choice; inf where it has too few or too many places, cannot serve all, or was valued before."""
        key = np.packbits(opened).tobytes()
        if key in self.known or not self.problem.fewest <= int(opened.sum()) <= self.problem.most:
            return np.inf
        self.known.add(key)
        self.latest = self.value(opened)
        return self.latest

    def _taken(self, opened: Flags) -> bool:
        """Take the choice valued last where it is better than any before."""
        better = not np.isfinite(self.cost) or self.latest < self.cost - WORTH * abs(self.cost)
        if better:
            self.cost, self.opened = self.latest, opened.copy()
        return better

    def value(self, opened: Flags) -> float:
        """Cost of the best service from these places; inf where they cannot serve all."""
        given = self.problem
        fixed = float(given.open_cost[opened].sum()) + given.constant
        if not opened.any():
            return np.inf
        if not given.limited:
            return fixed + float(given.cost[opened].min(axis=0).sum())
        return fixed + self._routed(opened)

    def _routed(self, opened: Flags) -> float:
        """Cost of serving everyone from places of limited room: a transport problem."""
        given, rows = self.problem, np.flatnonzero(opened)
        if given.room[rows].sum() < given.load.sum() * (1 - 1e-12):
            return np.inf
        places, customers = len(rows), given.cost.shape[1]
        allowed = np.isfinite(given.cost[rows])
        at, of = np.nonzero(allowed)
        limit = np.where(np.isfinite(given.room[rows]), given.room[rows], given.load.sum())
        scale = max(float(given.load.max()), 1e-300)
        share = sp.csr_matrix((np.ones(len(of)), (of, np.arange(len(of)))), shape=(customers, len(of)))
        load = sp.csr_matrix((given.load[of] / scale, (at, np.arange(len(of)))), shape=(places, len(of)))
        machine = Machine(
            sp.csr_matrix(sp.vstack([share, load])), np.concatenate([np.ones(customers), np.full(places, -np.inf)]),
            np.concatenate([np.ones(customers), limit / scale]), 1, cost=given.cost[rows][allowed],
        )
        answer = machine.run(Deadline(), {"solver": "simplex"})
        return answer.objective if answer.status == "optimal" else np.inf

    def improve(self, prices: Floats) -> None:
        """Open, shut or swap places of the best choice as long as it saves something, guided by `prices`."""
        while self.opened is not None and self._better_of_few(self.opened, prices):
            pass

    def descend(self, opened: Flags, only_better: bool = False) -> bool:
        """Open, shut or swap unlimited places as long as it saves something; True where a better plan came of it.

        `only_better`: from choices alone that are better than any before.
        """
        start, better = self._valued(opened), False
        while np.isfinite(start) and (start < self.cost or not only_better):
            better |= self._taken(opened)
            opened = self._next(opened, start)
            start = self._valued(opened)
        return better

    def _next(self, opened: Flags, cost: float) -> Flags:
        """After the best single opening, shutting or swap of unlimited places; the same where none saves anything.

        Gains and losses of all swaps come from the nearest and second nearest open place of each customer (Whitaker
        1983, Resende & Werneck 2007).
        """
        given = self.problem
        rows, others = np.flatnonzero(opened), np.flatnonzero(~opened)
        reach, far = reachable(given)
        near = np.argsort(reach[rows], axis=0, kind="stable")[:2]
        first = reach[rows[near[0]], np.arange(reach.shape[1])]
        second = reach[rows[near[1]], np.arange(reach.shape[1])] if len(rows) > 1 else np.full(reach.shape[1], far)
        gain = np.maximum(first - reach[others], 0.0).sum(axis=1) - given.open_cost[others]
        loss = np.bincount(near[0], weights=second - first, minlength=len(rows)) - given.open_cost[rows]
        order = np.argsort(near[0], kind="stable")
        spared = np.maximum(second - np.maximum(reach[others], first), 0.0)[:, order]
        starts = np.searchsorted(near[0][order], np.arange(len(rows)))
        spared = np.hstack([spared, np.zeros((len(others), 1))])
        regain = np.add.reduceat(spared, starts, axis=1) if len(others) else np.zeros((0, len(rows)))
        regain[:, np.bincount(near[0], minlength=len(rows)) == 0] = 0.0
        saved = [(float(g), (int(j), -1)) for g, j in zip(gain, others, strict=True)] if len(rows) < given.most else []
        if len(rows) > max(given.fewest, 1):
            saved += [(float(-v), (-1, int(r))) for v, r in zip(loss, rows, strict=True)]
        if len(others):
            swap = gain[:, None] - loss[None, :] + regain
            best = np.unravel_index(int(np.argmax(swap)), swap.shape)
            saved.append((float(swap[best]), (int(others[best[0]]), int(rows[best[1]]))))
        worth, (into, out) = max(saved, default=(0.0, (-1, -1)))
        return _changed(opened, into, out) if worth > WORTH * max(1.0, abs(cost)) else opened

    def _better_of_few(self, opened: Flags, prices: Floats) -> bool:
        """Some single change of the best choice that saves: those whose bound at the prices is lowest are routed."""
        given = self.problem
        none = np.zeros(len(opened), dtype=bool)
        price = self.pricing.choose(prices, self.pricing.part(none, none)).price
        standing = float(prices.sum() + price[opened].sum()) + given.constant
        rows, others = np.flatnonzero(opened), np.flatnonzero(~opened)
        into = np.concatenate([np.repeat(others, len(rows)), others, np.full(len(rows), -1)])
        out = np.concatenate([np.tile(rows, len(others)), np.full(len(others), -1), rows])
        bound = standing + np.where(into >= 0, price[into], 0.0) - np.where(out >= 0, price[out], 0.0)
        for at in np.argsort(bound, kind="stable")[:TRIED_AT_ONCE].tolist():
            if bound[at] < self.cost * (1 - WORTH) and self.offer(_changed(opened, int(into[at]), int(out[at]))):
                return True
        return False


def reachable(given: Location) -> tuple[Floats, float]:
    """(costs with a high one where a place may not serve, that high one)"""
    known = given.cost[np.isfinite(given.cost)]
    far = 10.0 * (1.0 + float(np.abs(known).max(initial=0.0)) + float(np.abs(given.open_cost).max(initial=0.0)))
    return np.minimum(given.cost, far), far


def _changed(opened: Flags, into: int, out: int) -> Flags:
    """A choice with one place more, one less, or both; -1 for none."""
    made = opened.copy()
    if into >= 0:
        made[into] = True
    if out >= 0:
        made[out] = False
    return made
