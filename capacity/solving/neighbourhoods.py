"""Neighbourhoods of a plan: which whole numbers may move while the others stay."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from capacity.solving.compile import Form
from capacity.solving.networks import Network

YEARS, PLACES = 3, 4
"""Years in a window of years; places in a set of places."""

SHARE = 0.4
"""Share of a network's rooms whose modules may move at once."""


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


def around_places(
    form: Form, nets: list[Network], rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.bool_], str, int]]:
    """Endless (free columns, description, windows in one round): the modules of links near one place after the other.

    Links are taken by the hops of their nearer end from the place, ties in the order of chance, up to `SHARE` of them:
    traffic is rerouted over cycles through that part of the network.
    """
    in_round = sum(net.places for net in nets)
    while in_round:
        for net in nets:
            hops = _hops(net)
            for place in rng.permutation(net.places):
                far = np.minimum(hops[place, net.ends[:, 0]], hops[place, net.ends[:, 1]]) + 0.5 * rng.random(net.rooms)
                near = np.argsort(far, kind="stable")[: max(int(np.ceil(SHARE * net.rooms)), 2)]
                free = np.zeros(form.columns, dtype=bool)
                free[net.supplier_column[np.isin(net.supplier_room, near)]] = True
                yield free, f"moving modules around place {place + 1}", in_round


def _hops(net: Network) -> NDArray[np.float64]:
    """(places, places): hops between places; the number of places where there is no way."""
    ones = np.ones(net.rooms)
    graph = csr_array((ones, (net.ends[:, 0], net.ends[:, 1])), shape=(net.places, net.places))
    return np.minimum(shortest_path(graph, directed=False, unweighted=True), net.places)
