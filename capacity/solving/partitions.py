"""Partition cuts: places that must exchange traffic hang together, and that takes a lit link for all but one of them.

Split the places into k parts. Parts whose traffic joins them, directly or over others, lie in one piece; with c pieces
    sum of modules on links between parts  >=  k - c
since a link without a module carries nothing. Links with capacity that stands, or that widens by fractions, join their
ends beforehand. Where one module carries more than a part needs these rows are those of spanning trees, and twice as
strong as the cut sets of single parts (Magnanti, Mirchandani & Vachani 1993; Chopra 1989).

The most violated partition for c = 1 is found exactly by one minimum cut for each place: parts are minimal for
sum (half the modules that leave a part - 1), a Dilworth truncation (Barahona, "Separating from the dominant of the
spanning tree polytope", 1992; Frank & Tardos 1988).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import breadth_first_order, connected_components, maximum_flow

from capacity.solving.cutsets import Cut, gathered
from capacity.solving.networks import Network

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNITS = 10**6
"""A module in the whole units that the maximum flow counts in."""
ORDERS = 4
"""Orders of the places tried in one round; each may find another partition."""
CLOSE = 1e-9


def partition_cuts(network: Network, x: Floats, rng: np.random.Generator, least: float = 1e-2) -> list[Cut]:
    """Rows that x violates by more than `least` modules."""
    modules = Modules(network)
    piece, weight = modules.joined, modules.between(x)
    cuts = []
    for _ in range(ORDERS):
        order = rng.permutation(len(weight))
        for part in (parts_of_least_excess(weight, order), *merged(weight, rng)):
            cut = modules.row(part[piece], x, least)
            if cut is not None:
                cuts.append(cut)
    return cuts


class Modules:
    """The whole modules of a network, each once, between places joined beforehand.

    `joined` (places,): number of the group of places that stand joined.
    """

    def __init__(self, network: Network) -> None:
        room, carries = network.supplier_room, network.supplier_capacity > CLOSE
        stands = network.existing > CLOSE
        stands[room[carries & ~network.supplier_whole]] = True
        ends = network.ends[stands]
        graph = sp.csr_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(network.places, network.places))
        _, joined = connected_components(graph, directed=False)
        self.joined: Ints = joined.astype(np.int64)
        whole = np.flatnonzero(carries & network.supplier_whole)
        self.column, first = np.unique(network.supplier_column[whole], return_index=True)
        self.ends: Ints = network.ends[room[whole[first]]]
        source, sink = network.source[network.sink_flow], network.sink_place
        self.exchanges: Ints = np.stack([source, sink], axis=1)
        self.places = network.places

    def between(self, x: Floats) -> Floats:
        """(groups, groups) modules lit between groups, symmetric."""
        count = int(self.joined.max()) + 1
        ends, weight = self.joined[self.ends], np.zeros((count, count))
        np.add.at(weight, (ends[:, 0], ends[:, 1]), x[self.column])
        weight = weight + weight.T
        np.fill_diagonal(weight, 0.0)
        return weight

    def row(self, part: Ints, x: Floats, least: float) -> Cut | None:
        """The row of a partition (places,), None where x violates it by less than `least`."""
        parts = int(part.max()) + 1
        ends = part[self.exchanges]
        graph = sp.csr_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(parts, parts))
        needed = parts - connected_components(graph, directed=False)[0]
        across = self.column[part[self.ends[:, 0]] != part[self.ends[:, 1]]]
        if needed - float(x[across].sum()) < least:
            return None
        return gathered(across, np.ones(len(across)), float(needed), x)


def parts_of_least_excess(weight: Floats, order: Ints) -> Ints:
    """(groups,) the partition that minimises the sum over parts of (half the weight that leaves it - 1).

    Greedy over groups in the order given; `weight` (groups, groups) is symmetric.
    """
    count = len(weight)
    value, part = np.zeros(count), np.full(count, -1)
    for done, group in enumerate(order):
        before = order[:done]
        value[group], near = _tight(weight, value, before, int(group))
        for other in np.unique(part[before[near]]):
            part[part == other] = group
        part[group] = group
    return np.asarray(np.unique(part, return_inverse=True)[1], dtype=np.int64)


def _tight(weight: Floats, value: Floats, before: Ints, group: int) -> tuple[float, NDArray[np.bool_]]:
    """(least of half what leaves a set - 1 - the values in it, over sets of `before` with `group`; that set)."""
    inner = [*before.tolist(), group]
    own, n = weight[np.ix_(inner, inner)] / 2, len(inner)
    outward = weight[inner].sum(axis=1) / 2 - own.sum(axis=1)
    worth = np.append(value[before], 0.0)
    wide = np.zeros((n + 1, n + 1))  # the last place stands for all that stays outside
    wide[:n, :n] = own
    wide[:n, n] = outward + np.maximum(-worth, 0.0)
    wide[n - 1, : n - 1] += np.maximum(worth[:-1], 0.0)
    graph = sp.csr_array(np.round(wide * UNITS).astype(np.int32))
    flow = maximum_flow(graph, n - 1, n)
    left = sp.csr_array(graph - flow.flow)
    left.data = np.maximum(left.data, 0)
    left.eliminate_zeros()
    inside = np.zeros(n + 1, dtype=bool)
    inside[breadth_first_order(left, n - 1, return_predecessors=False)] = True
    chosen = inside[:n]
    leaves = float(own[np.ix_(chosen, ~chosen)].sum() + outward[chosen].sum())
    return leaves - 1 - float(worth[chosen].sum()), inside[: n - 1]


def merged(weight: Floats, rng: np.random.Generator) -> list[Ints]:
    """Partitions on the way from single groups to few parts, the two with most between them (and some chance) joined
    first: (groups,) each."""
    between, part = weight * rng.uniform(0.9, 1.1, weight.shape), np.arange(len(weight))
    found = []
    while len(between) > 2:
        if between.max() < 1:
            found.append(part)
        first, second = sorted(np.unravel_index(int(np.argmax(between)), between.shape))
        between[first] += between[second]
        between[:, first] += between[:, second]
        between[first, first] = 0.0
        between = np.delete(np.delete(between, second, 0), second, 1)
        part = np.where(part == second, first, part)
        part = np.where(part > second, part - 1, part)
    return found
