"""Rows over what is lit, from metric inequalities: rounded, and taken where a choice lacks as little as can be.

A metric row  sum_c a[c] x[c] >= b  (a = mu * capacity, b = rho - mu * existing) is rounded with a divisor d as in
`cutsets`, after columns near their upper bound u are counted from there, x' = u - x (complemented mixed-integer
rounding: Marchand & Wolsey 2001).

Of a choice that does not carry the traffic the rows are taken at a largest one: columns are raised while traffic is
still lacking, those of multiplier zero at once. There a row lacks so little that rounding makes it say that one of
few columns must rise, and it rules out every smaller choice with it (the combinatorial Benders cuts of Codato &
Fischetti 2006 are the case of one unit).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capacity.solving.cutsets import CLOSE, Cut, gathered
from capacity.solving.loading import Loading, Router

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DIVISORS = 30
"""Most divisors tried on one row."""
FRACTIONS = (1.0, 2.0, 3.0)
"""A column's coefficient over each of these is a divisor."""
LEAST = 1e-4
"""Distance from the point from which on a row counts as violated."""


def rounded(a: Floats, b: float, x: Floats, upper: Floats, rng: np.random.Generator) -> Cut | None:
    """The rounding of a @ x >= b that x violates most, over whole x between 0 and `upper`; None if it violates none."""
    best: tuple[float, Floats, float] | None = None
    every = np.unique(np.round(np.concatenate([a[a > 0] / f for f in FRACTIONS]), 9))
    chosen = every if len(every) <= DIVISORS else rng.choice(every, DIVISORS, replace=False)
    for turned in (np.zeros(len(a), dtype=bool), (a > 0) & (x > upper / 2)):
        sign = np.where(turned, -1.0, 1.0)
        need, value = b - float((a * upper)[turned].sum()), np.where(turned, upper - x, x)
        for divisor in chosen[chosen > 0]:
            each, side = _mir(sign * a / divisor, need / divisor)
            size = float(np.linalg.norm(each))
            if size < CLOSE:
                continue
            depth = (side - float(each @ value)) / size
            if depth > LEAST and (best is None or depth > best[0]):
                best = depth, sign * each / size, (side - float((each * upper)[turned].sum())) / size
    if best is None:
        return None
    used = np.flatnonzero(np.abs(best[1]) > 1e-9)
    return gathered(used, best[1][used], best[2], x)


def _mir(a: Floats, b: float) -> tuple[Floats, float]:
    """(coefficients, side) of the mixed-integer rounding of a @ x >= b over whole x >= 0."""
    ceiling = np.ceil(b - CLOSE)
    part = b - ceiling + 1
    part = 1.0 if part > 1 - CLOSE else part
    floor = np.floor(a + CLOSE)
    rest = np.where(a - floor < CLOSE, 0.0, a - floor)
    return np.asarray(part * floor + np.minimum(part, rest)), float(part * ceiling)


@dataclass
class Rows:
    """The rows found so far, each once."""

    loading: Loading
    router: Router
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    cuts: list[Cut] = field(default_factory=list)
    known: set[bytes] = field(default_factory=set)

    def add(self, cut: Cut) -> bool:
        """Keep a row unless it is known."""
        key = cut.columns.tobytes() + np.round(np.append(cut.coefficients, cut.lower), 7).tobytes()
        if key in self.known:
            return False
        self.known.add(key)
        self.cuts.append(cut)
        return True

    def drop_slack(self, x: Floats) -> None:
        """Forget the rows that are slack at a point; they may come again."""
        kept = [cut for cut in self.cuts if cut.coefficients @ x[cut.columns] <= cut.lower + 1e-6]
        self.cuts, self.known = [], set()
        for cut in kept:
            self.add(cut)

    def metric(self, multiplier: Floats, *points: Floats) -> int:
        """Add the row of these multipliers, and its rounding, for each of the points that violates them."""
        each = np.asarray(self.loading.rooms.T @ multiplier)
        side = self.router.least(multiplier) - float(multiplier @ self.loading.network.existing)
        added, used = 0, np.flatnonzero(each > 0)
        for x in points:
            cut = rounded(each, side, x, self.loading.upper, self.rng) if len(used) else None
            plain = gathered(used, each[used], side, x)
            for row in (cut, plain):
                if row is not None and row.depth > LEAST:
                    added += self.add(row)
        return added

    def refuse(self, x: Floats, orders: int) -> int:
        """Rows that rule out a whole choice which lacks room, taken at so many largest choices above it; returns how
        many were new."""
        added, cost = 0, self.loading.cost
        for turn in range(orders):
            order = np.argsort(cost, kind="stable") if turn == 0 else self.rng.permutation(len(cost))
            above, multiplier = self.largest(x, order)
            if not multiplier.any():
                break
            added += self.metric(multiplier, x, above)
        return added

    def largest(self, x: Floats, order: Ints) -> tuple[Floats, Floats]:
        """(a choice not below x that still lacks room, its multipliers), its columns raised in this order.

        What a raise takes off the lack is at most multiplier * capacity, so that many raises need no linear program.
        """
        x, loading = x.copy(), self.loading
        lack, multiplier = self.router.lacks(loading.lit(x))
        tried = np.zeros(len(x), dtype=bool)
        while lack > 0:
            each = np.asarray(loading.rooms.T @ multiplier)
            x = np.where((each == 0) & loading.adds, np.maximum(loading.upper, x), x)
            open_ = ~tried & loading.adds & (x < loading.upper)
            left = order[open_[order]]
            if not len(left):
                break
            at = left[0]
            sure = min(np.ceil(lack / each[at] - CLOSE) - 1, loading.upper[at] - x[at])
            if sure >= 1:
                x[at], lack = x[at] + sure, lack - sure * each[at]
                continue
            more = x.copy()
            more[at] += 1
            still, steeper = self.router.lacks(loading.lit(more))
            if still > 0:
                x, lack, multiplier = more, still, steeper
            else:
                tried[at] = True
        return x, multiplier
