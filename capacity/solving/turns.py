"""Neighbourhoods of a fleet's plan in turn: years, places, and where plan and relaxation differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity.solving.compile import Form
from capacity.solving.team import CLOSE

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

GROW, SHRINK = 1.25, 0.7
"""By how much neighbourhoods grow when they are searched to the end, and shrink when steps run out without a find."""
LEAST_SIZE, MOST_SIZE = 0.06, 0.8
"""Smallest and largest share of the years or places that a neighbourhood frees."""


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

    def __init__(self, form: Form, point: Floats, seed: int = 0) -> None:
        self.form, self.point = form, point
        self.rng = np.random.default_rng(seed)
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
