"""Layout of one plane of a folded-Clos network (fat-tree) of one to three tiers: counts, and who is wired to whom.

    tier 1   leaves; accelerators spread evenly over them
    tier 2   spines (two tiers), or aggregation switches inside pods (three tiers)
    tier 3   cores, joining the pods

As few tiers are used as hold the endpoints. A leaf has one uplink for every `oversubscription` endpoints, a pod one
cable to the cores for every `upper` uplinks of its leaves (both rounded up).
The structure is that of Al-Fares et al. 2008, with partly filled pods; figures and graphs are both made from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from capacity.errors import InputError


@dataclass(frozen=True)
class Clos:
    """One plane. `leaves_of_pod` and `aggs_of_pod` have one entry per pod (two tiers: one pod, aggs are spines)."""

    endpoints: int
    tiers: int
    leaves: int
    uplinks: int
    """Cables from one leaf upwards."""
    leaves_of_pod: tuple[int, ...]
    aggs_of_pod: tuple[int, ...]
    cores: int
    core_cables_of_pod: tuple[int, ...] = ()
    """Cables from each pod to the cores (three tiers)."""

    @property
    def switches(self) -> tuple[int, ...]:
        """Switches of each tier, leaves first."""
        return (self.leaves, sum(self.aggs_of_pod), self.cores)[: self.tiers]

    @property
    def trunk_cables(self) -> int:
        """Cables between switches."""
        return self.leaves * self.uplinks + sum(self.core_cables_of_pod)

    @property
    def bisection_share(self) -> float:
        """Bandwidth between two halves, made of whole leaves, over that of the accelerators of one half."""
        return min([1.0, *(cables / self.endpoints for cables in self.above())])

    @property
    def uniform_share(self) -> float:
        """Share of its own bandwidth each accelerator gets when all send to all: the fullest leaf or pod binds."""
        return self.group(self.endpoints)[1]

    @property
    def fullest_leaf(self) -> int:
        """Endpoints of the fullest leaf."""
        return ceil(self.endpoints / self.leaves)

    @property
    def fullest_pod(self) -> int:
        """Endpoints of the fullest pod; all of them in one or two tiers."""
        ends = np.cumsum((0, *self.leaves_of_pod))
        return int(np.diff(spread(self.endpoints, self.leaves)[ends]).max())

    def above(self) -> tuple[int, ...]:
        """Cables upwards from all leaves, and from all pods, as far as there are such tiers."""
        return (self.leaves * self.uplinks, sum(self.core_cables_of_pod))[: self.tiers - 1]

    def group(self, members: int) -> tuple[int, float]:
        """(switches on the longest way, share of its bandwidth that each gets) when so many neighbours send to all.

        All groups of the size do so at once, leaf after leaf and pod after pod filled by them.
        """
        leaf, pod = self.fullest_leaf, self.fullest_pod
        share = 1.0
        if members > leaf and self.tiers > 1:
            share = min(share, self.uplinks / leaf * (members - 1) / (members - leaf))
        if members > pod and self.tiers > 2:
            share = min(share, max(self.core_cables_of_pod) / pod * (members - 1) / (members - pod))
        return 1 + 2 * ((members > leaf) + (members > pod)), share

    @property
    def max_hops(self) -> int:
        """Switches on the longest shortest way."""
        return 2 * self.tiers - 1

    @property
    def mean_hops(self) -> float:
        """Switches on the shortest way, mean over ordered pairs of different endpoints."""
        total = self.endpoints * (self.endpoints - 1)
        if not total:
            return 0.0
        leaf = np.diff(spread(self.endpoints, self.leaves))
        pod = np.add.reduceat(leaf, np.cumsum((0, *self.leaves_of_pod))[:-1])
        same_leaf = float((leaf * (leaf - 1)).sum())
        same_pod = float((pod * (pod - 1)).sum()) - same_leaf
        return (same_leaf + 3 * same_pod + 5 * (total - same_leaf - same_pod)) / total

    def leaf_of(self, endpoint: int) -> int:
        """The leaf an endpoint hangs on."""
        return int(np.searchsorted(spread(self.endpoints, self.leaves), endpoint, side="right")) - 1

    def up_cables(self) -> Iterator[tuple[int, int]]:
        """(leaf, aggregation switch or spine) for every cable of the second tier, both numbered through."""
        leaf = agg = 0
        for leaves, aggs in zip(self.leaves_of_pod, self.aggs_of_pod, strict=True):
            for cable in range(leaves * self.uplinks):
                yield leaf + cable // self.uplinks, agg + cable % aggs
            leaf, agg = leaf + leaves, agg + aggs

    def core_cables(self) -> Iterator[tuple[int, int]]:
        """(aggregation switch, core) for every cable of the third tier."""
        agg = done = 0
        for cables, aggs in zip(self.core_cables_of_pod, self.aggs_of_pod, strict=False):
            for cable in range(cables):
                yield agg + cable % aggs, (done + cable) % self.cores
            agg, done = agg + aggs, done + cables


def spread(count: int, boxes: int) -> np.ndarray[tuple[int], np.dtype[np.int_]]:
    """Boundaries (boxes + 1) that share `count` things out evenly, in order."""
    return np.arange(boxes + 1) * count // boxes


def ports_below(radix: int, oversubscription: float) -> int:
    """Ports of a leaf that face accelerators, when all of its ports are used."""
    below = radix
    while below + ceil(below / oversubscription) > radix:
        below -= 1
    return below


def largest(radix: int, tiers: int, oversubscription: float, upper: float = 1.0) -> int:
    """Most endpoints that one plane of so many tiers holds."""
    below = ports_below(radix, oversubscription)
    return (radix, radix * below, radix * ports_below(radix, upper) * below)[tiers - 1]


def lay_out(endpoints: int, radix: int, max_tiers: int, oversubscription: float = 1.0, upper: float = 1.0) -> Clos:
    """The layout of one plane with as few tiers as hold the endpoints.

    `radix` counts the ports of a switch; `upper` is the oversubscription of the aggregation switches of three tiers.
    Raises InputError when `max_tiers` are too few, naming the most they hold.
    """
    if endpoints < 1 or radix < 2 or not 1 <= max_tiers <= 3 or oversubscription < 1 or upper < 1:
        raise InputError(f"fat-tree of {endpoints} endpoints, radix {radix}, {max_tiers} tiers, oversubscription "
                         f"{oversubscription:g} and {upper:g} above: allowed are 1 endpoint or more, radix 2 or more, "
                         "1 to 3 tiers and oversubscriptions of 1 or more")
    if endpoints <= radix:
        return Clos(endpoints, 1, 1, 0, (1,), (0,), 0)
    most = largest(radix, max_tiers, oversubscription, upper)
    if endpoints > most:
        raise InputError(f"fat-tree of {endpoints} endpoints a plane: {max_tiers} tier{'s' * (max_tiers > 1)} of radix "
                         f"{radix} at oversubscription {oversubscription:g} hold{'s' * (max_tiers == 1)} {most} at "
                         "most; take a smaller pod, more tiers or more planes")
    leaves = ceil(endpoints / ports_below(radix, oversubscription))
    uplinks = ceil(ceil(endpoints / leaves) / oversubscription)
    if leaves <= radix:
        return Clos(endpoints, 2, leaves, uplinks, (leaves,), (ceil(leaves * uplinks / radix),), 0)
    below = ports_below(radix, upper)
    pods = [int(n) for n in np.diff(spread(leaves, ceil(leaves / below)))]
    aggs = tuple(ceil(n * uplinks / below) for n in pods)
    cables = tuple(ceil(n * uplinks / upper) for n in pods)
    return Clos(endpoints, 3, leaves, uplinks, tuple(pods), aggs, ceil(sum(cables) / radix), cables)
