"""Neighbourhoods of a plan: which whole numbers may move while the others stay."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from capacity.solving.compile import Form

YEARS, PLACES = 3, 4
"""Years in a window of years; places in a set of places."""


def windows(form: Form, rng: np.random.Generator) -> Iterator[tuple[NDArray[np.bool_], str, int]]:
    """Endless (free columns, description, windows in one round): years in overlapping turns, then sets of places.

    Without periods or places in the problem, that kind of window is left out.
    """
    period, place = form.column_period(), form.column_place()
    whole = form.integer
    years = np.unique(period[whole & (period >= 0)])
    starts = list(range(0, max(len(years) - YEARS + 1, 1), 2))
    names = np.unique(place[whole & (place >= 0)])
    sets = int(np.ceil(len(names) / PLACES))
    in_round = len(starts) + sets
    while in_round:
        for start in starts:
            chosen = years[start : start + YEARS]
            yield np.isin(period, chosen), f"moving years {chosen[0]} to {chosen[-1]}", in_round
        shuffled = rng.permutation(names)
        for i in range(sets):
            chosen = shuffled[i * PLACES : (i + 1) * PLACES]
            yield np.isin(place, chosen), f"moving {len(chosen)} places", in_round
