"""Mixed cuts of one flow: what a place needs of a flow crosses every border, as flow or as a share of what is lit.

For a flow, a place that must receive d of it, and a set of places with the source but without that place: of the rooms
out of the set, count some by their flow and the others by the most of d that they can carry,
    sum_{arcs counted by flow} flow[a]  +  sum_{others} ( min(existing, d) + sum_c min(capacity[c], d) x[c] )  >=  d
(with capacity[c] itself where x[c] need not be whole). The best set is a minimum cut where every arc is as wide as the
smaller of the two. These rows give most of what one flow for each place would give, at a fraction of its columns
(Rardin & Choe 1979; Ortega & Wolsey, "A branch-and-cut algorithm for the single-commodity, uncapacitated, fixed-charge
network flow problem", 2003).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from capacity.solving.cutsets import Cut, gathered
from capacity.solving.networks import Network

Floats = NDArray[np.float64]
UNITS = 10**6
"""A demand in the whole units that the maximum flow counts in."""
SINKS_AT_A_TIME = 250
"""Most places looked at in one round; the others take their turn in the next."""


def dicuts(network: Network, x: Floats, turn: int, least: float = 1e-2) -> list[Cut]:
    """Rows that x violates by more than `least` of the demand; `turn`: number of the round."""
    count = len(network.sink_flow)
    chosen = np.arange(count)
    if count > SINKS_AT_A_TIME:
        chosen = (np.arange(SINKS_AT_A_TIME) + turn * SINKS_AT_A_TIME) % count
    arcs_of = [np.flatnonzero(network.arc_flow == f) for f in range(len(network.source))]
    cuts = []
    for sink in chosen:
        flow, place, demand = network.sink_flow[sink], network.sink_place[sink], network.sink_amount[sink]
        cuts += _of_a_place(network, x, arcs_of[flow], int(network.source[flow]), int(place), float(demand), least)
    return cuts


def _of_a_place(
    network: Network, x: Floats, arcs: NDArray[np.int64], source: int, place: int, demand: float, least: float
) -> list[Cut]:
    share = np.where(network.supplier_whole, np.minimum(network.supplier_capacity, demand), network.supplier_capacity)
    lit = network.by_room(share * x[network.supplier_column]) + np.clip(network.existing, 0.0, demand)
    room, flowing = network.arc_room[arcs], x[network.arc_column[arcs]]
    if np.all(flowing <= lit[room] + 1e-9):
        return []
    back, toward = network.arc_back[arcs], network.arc_toward[arcs]
    width = np.clip(np.minimum(flowing, lit[room]), 0.0, demand)
    open_ = width > 1e-9 * demand
    graph = sp.csr_array(
        (np.ceil(width[open_] / demand * UNITS).astype(np.int32), (back[open_], toward[open_])),
        shape=(network.places, network.places),
    )
    most = maximum_flow(graph, source, place)
    if most.flow_value >= UNITS * (1 - least):
        return []
    left = sp.csr_array(graph - most.flow)
    left.data = np.maximum(left.data, 0)
    left.eliminate_zeros()
    cuts = []
    for reached in _two_sides(left, source, place):
        out = reached[back] & ~reached[toward]
        by_room = out & (lit[room] < flowing)
        rooms = np.unique(room[by_room])
        lights = np.isin(network.supplier_room, rooms)
        cut = gathered(
            np.concatenate([network.arc_column[arcs[out & ~by_room]], network.supplier_column[lights]]),
            np.concatenate([np.ones(int((out & ~by_room).sum())), share[lights]]),
            demand - float(np.clip(network.existing[rooms], 0.0, demand).sum()), x,
        )
        if cut.depth > 1e-6:
            cuts.append(cut)
    return cuts


def _two_sides(left: sp.csr_array, source: int, place: int) -> list[NDArray[np.bool_]]:
    """The minimum cut nearest to the source and the one nearest to the place, as sets that hold the source."""
    near = np.zeros(left.shape[0], dtype=bool)
    near[breadth_first_order(left, source, return_predecessors=False)] = True
    far = np.ones(left.shape[0], dtype=bool)
    far[breadth_first_order(sp.csr_array(left.T), place, return_predecessors=False)] = False
    return [near] if bool(np.array_equal(near, far)) else [near, far]
