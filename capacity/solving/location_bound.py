"""Bounds of a location problem: its demand rows priced, what is left falls apart into one small problem a place.

With a price u[i] for serving customer i, place j earns if open

    value[j]  =  min sum_i (cost[i,j] - u[i]) x[i,j]   with  sum_i load[i] x[i,j] <= room[j],  0 <= x <= 1

(a fractional knapsack: sorted by value a load), and the bound is sum_i u[i] + sum of open[j] + value[j] over the
cheapest choice of places, as many as their number and their total room demand. Prices rise where a customer is served
less than once and fall where more (volume algorithm: Barahona & Anbil 2000), which also leaves an average of the
choices, near the relaxation's own, to branch on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capacity.solving.location import Location

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ROOT_STEPS, NODE_STEPS = 1500, 80
"""Most price changes at the root and at each later node."""
PATIENCE, SHORTER, LONGER = 6, 0.5, 1.1
"""Steps without a better bound after which they get shorter; by how much; and by how much longer they may get."""
LEAST_STEP = 2e-3
"""Length of a step, as a share of the distance to the best plan, below which prices are left as they are."""
AVERAGE = 0.1
"""Weight of the newest choice in the average of choices."""
BEYOND = 0.02
"""How far beyond the best plan the bound is thought to be able to rise, as a share of it."""
EVERY = 10
"""Steps between choices that are handed on to be valued as plans."""
NOTHING, TINY = 1e-12, 1e-9
NO_PLACE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Choice:
    """The cheapest choice at some prices: its bound, which places it opens, what each place would cost, and how often
    each customer is served."""

    bound: float
    opened: Flags
    price: Floats
    served: Floats


@dataclass(frozen=True)
class Part:
    """The places that are not shut: their numbers, which of them are kept open, and what the problem says of them."""

    rows: NDArray[np.int64]
    kept: Flags
    open_cost: Floats
    cost: Floats
    room: Floats


@dataclass(frozen=True)
class Bounded:
    """The choice of a node's best bound, the prices that prove it, and the average of choices."""

    choice: Choice
    prices: Floats
    average: Floats


@dataclass
class Pricing:
    """The problem at prices: `choose` is exact for any prices, so every bound it gives holds."""

    problem: Location
    ratio: Floats = field(init=False)
    fewest: int = field(init=False)
    limited: bool = field(init=False)

    def __post_init__(self) -> None:
        given = self.problem
        self.limited = given.limited
        self.ratio = 1.0 / np.maximum(given.load, TINY * max(1.0, float(given.load.max())))
        room = np.sort(np.where(np.isfinite(given.room), given.room, np.inf))[::-1]
        enough = np.cumsum(room) >= given.load.sum() * (1 - 1e-9)
        self.fewest = max(given.fewest, int(np.argmax(enough)) + 1 if enough.any() else len(room) + 1, 1)

    def part(self, shut: Flags, kept: Flags) -> Part:
        """The problem without the places that are shut."""
        given, rows = self.problem, np.flatnonzero(~shut)
        return Part(rows, kept[rows], given.open_cost[rows], given.cost[rows], given.room[rows])

    def choose(self, prices: Floats, part: Part) -> Choice:
        """The cheapest choice of places; its bound is inf where there is none. Places that are shut cost inf."""
        given = self.problem
        gain = np.minimum(part.cost - prices, 0.0)
        value = gain.sum(axis=1)
        full = np.flatnonzero((gain < 0) @ given.load > part.room) if self.limited else NO_PLACE
        if len(full):
            packed = self._knapsacks(gain[full], part.room[full])
            value[full] = np.einsum("ij,ij->i", gain[full], packed)
        price = part.open_cost + value
        everywhere = np.full(len(given.open_cost), np.inf)
        everywhere[part.rows] = price
        order = np.flatnonzero(~part.kept)
        order = order[np.argsort(price[order], kind="stable")]
        held = len(price) - len(order)
        least, most = max(self.fewest - held, 0), given.most - held
        if least > len(order) or most < 0:
            return Choice(np.inf, np.zeros(len(everywhere), dtype=bool), everywhere, np.zeros(len(prices)))
        number = min(max(int((price[order] < 0).sum()), least), most)
        chosen = np.concatenate([np.flatnonzero(part.kept), order[:number]])
        share = (gain[chosen] < 0).astype(float)
        if len(full):
            where = np.minimum(np.searchsorted(full, chosen), len(full) - 1)
            tight = full[where] == chosen
            share[tight] = packed[where[tight]]
        opened = np.zeros(len(everywhere), dtype=bool)
        opened[part.rows[chosen]] = True
        bound = float(prices.sum() + price[chosen].sum()) + given.constant
        return Choice(bound, opened, everywhere, share.sum(axis=0))

    def _knapsacks(self, gain: Floats, room: Floats) -> Floats:
        """Shares (places, n) of fractional knapsacks, the best value for a load first."""
        order = np.argsort(gain * self.ratio, axis=1)
        load = np.where(np.take_along_axis(gain, order, axis=1) < 0, self.problem.load[order], 0.0)
        before = np.cumsum(load, axis=1) - load
        part = np.where(load > 0, np.clip((room[:, None] - before) / np.where(load > 0, load, 1.0), 0.0, 1.0), 1.0)
        share = np.empty_like(gain)
        np.put_along_axis(share, order, part, axis=1)
        share[gain >= 0] = 0.0
        return share

    def first_prices(self) -> Floats:
        """Prices to begin with: the cheapest way to serve a customer, with its part of the place's opening."""
        given = self.problem
        if given.limited:
            room = np.where(np.isfinite(given.room), np.maximum(given.room, TINY), max(float(given.load.sum()), TINY))
            return np.asarray((given.cost + np.outer(given.open_cost / room, given.load)).min(axis=0))
        second = np.sort(given.cost, axis=0)[:2]
        return np.asarray(np.where(np.isfinite(second[-1]), second[-1], second[0]))

    def raised(
        self, prices: Floats, best: float, enough: float, shut: Flags, kept: Flags, steps: int, tries: list[Flags]
    ) -> Bounded:
        """Prices raised until the bound reaches `enough` or stops rising; `best`: what the best plan costs, or inf.

        `tries` takes up choices of places met on the way.
        """
        part = self.part(shut, kept)
        top, at = self.choose(prices, part), prices
        average, missing = top.opened.astype(float), 1.0 - top.served
        length, idle = 1.0, 0
        for step in range(steps):
            norm = float(missing @ missing)
            if top.bound >= enough or norm < NOTHING or length < LEAST_STEP:
                break
            distance = BEYOND * abs(top.bound) + (max(best - top.bound, 0.0) if np.isfinite(best) else 0.0)
            tried = at + length * max(distance, NOTHING) / norm * missing
            found = self.choose(tried, part)
            missing_now = 1.0 - found.served
            if found.bound > top.bound:
                length = min(length * LONGER, 2.0) if float(missing @ missing_now) > 0 else length
                top, at, idle = found, tried, 0
            else:
                idle += 1
                if idle >= PATIENCE:
                    length, idle = length * SHORTER, 0
            missing = AVERAGE * missing_now + (1 - AVERAGE) * missing
            average = AVERAGE * found.opened + (1 - AVERAGE) * average
            if step % EVERY == EVERY - 1:
                tries += [found.opened, self.rounded(average)]
        return Bounded(top, at, average)

    def rounded(self, average: Floats) -> Flags:
        """The places that an average opens most, as many as it opens in all or as total room needs."""
        number = min(max(round(float(average.sum())), self.fewest), self.problem.most)
        opened = np.zeros(len(average), dtype=bool)
        opened[np.argsort(-average, kind="stable")[:number]] = True
        return opened
