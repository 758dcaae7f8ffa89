"""Fabrics as networkx graphs, cable by cable: for small clusters, for drawing, and to check `structure.py`.

Nodes `acc0`, `acc1`, ... are accelerators in order (each with its network port); others have the kind `switch` with
`tier` (1: next to the accelerators), `plane`, `ports`, `capacity_gb_s` (of all ports, per direction), `latency_s`,
`price_usd` and `power_w`, or `scale-up`: what joins the accelerators of a host. Parallel cables are one edge, with

    cables          how many
    capacity_gb_s   all of them, per direction
    latency_s       of one hop
    optics          transceivers at their ends; 0 for copper
    price_usd, power_w
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, pairwise, product

import networkx as nx

from capacity.errors import InputError
from capacity.network.clos import Clos, largest, lay_out, spread
from capacity.network.structure import lay_out_dragonfly, planes_of, torus_sides

ENDS = 2
"""A cable has two."""


@dataclass(frozen=True)
class Parts:
    """What a fabric is built of: one switch, one port, one end of an optical cable, one copper cable."""

    radix: int
    port_gb_s: float
    switch_price_usd: float = 0.0
    switch_power_w: float = 0.0
    end_price_usd: float = 0.0
    end_power_w: float = 0.0
    hop_latency_s: float = 0.0
    copper_share: float = 0.0
    """Share of the cables that touch an accelerator and are copper."""
    copper_price_usd: float = 0.0

    def copper_of(self, access_cables: int) -> int:
        """How many of so many cables to accelerators are copper."""
        return int(round(self.copper_share * access_cables, 6))


class _Builder:
    """Adds switches and cables to a graph; every cable to an accelerator counts towards the share of copper."""

    def __init__(self, size: int, parts: Parts) -> None:
        if size < 1:
            raise InputError(f"a fabric of {size} accelerators: allowed are 1 or more")
        self.graph: nx.Graph[str] = nx.Graph()
        self.parts = parts
        self.access = 0
        for n in range(size):
            self.graph.add_node(f"acc{n}", kind="accelerator", tier=0)

    def switches(self, prefix: str, count: int, tier: int, plane: int = 0) -> list[str]:
        names = [f"{prefix}{n}" for n in range(count)]
        parts = self.parts
        self.graph.add_nodes_from(names, kind="switch", tier=tier, plane=plane, ports=parts.radix,
                                  capacity_gb_s=parts.radix * parts.port_gb_s, latency_s=parts.hop_latency_s,
                                  price_usd=parts.switch_price_usd, power_w=parts.switch_power_w)
        return names

    def access_cable(self, one: str, other: str, gb_s: float) -> None:
        """A cable that touches an accelerator."""
        before, self.access = self.access, self.access + 1
        copper = self.parts.copper_of(self.access) > self.parts.copper_of(before)
        self._cable(one, other, gb_s, copper)

    def trunk_cables(self, pairs: Iterable[tuple[str, str]]) -> None:
        """A cable between two switches, for each pair."""
        for one, other in pairs:
            self._cable(one, other, self.parts.port_gb_s, False)

    def _cable(self, one: str, other: str, gb_s: float, copper: bool) -> None:
        if not self.graph.has_edge(one, other):
            self.graph.add_edge(one, other, cables=0, capacity_gb_s=0.0, latency_s=self.parts.hop_latency_s, optics=0,
                                price_usd=0.0, power_w=0.0)
        edge = self.graph.edges[one, other]
        ends = 0 if copper else ENDS
        edge["cables"] += 1
        edge["capacity_gb_s"] += gb_s
        edge["optics"] += ends
        edge["price_usd"] += self.parts.copper_price_usd if copper else ends * self.parts.end_price_usd
        edge["power_w"] += ends * self.parts.end_power_w


def fat_tree(size: int, parts: Parts, max_tiers: int, oversubscription: float = 1.0, planes: int = 1,
             host_gb_s: float = 0.0, *, upper: float = 1.0, rails: int = 1) -> nx.Graph[str]:
    """A fat-tree of one to three tiers; with several `planes`, accelerator n uses plane n modulo planes.

    In one plane, `rails` puts the accelerators of the same place in their hosts side by side under a leaf. With several
    planes or rails, the accelerators of a host are joined by a node of kind `scale-up` at `host_gb_s` each. `upper`:
    oversubscription above the second tier. Raises InputError when the tiers do not hold the size.
    """
    build = _Builder(size, parts)
    order = sorted(range(size), key=lambda n: (n % rails, n))
    for plane, endpoints in enumerate(planes_of(size, planes)):
        if not endpoints:
            continue
        plan = lay_out(endpoints, parts.radix, max_tiers, oversubscription, upper)
        names = _plane(build, plan, plane)
        for endpoint in range(endpoints):
            accelerator = order[endpoint] if planes == 1 else endpoint * planes + plane
            build.access_cable(f"acc{accelerator}", names[plan.leaf_of(endpoint)], parts.port_gb_s)
    if max(planes, rails) > 1:
        _join_hosts(build.graph, size, max(planes, rails), host_gb_s)
    return build.graph


def _plane(build: _Builder, plan: Clos, plane: int) -> list[str]:
    """The switches of one plane with the cables between them; its leaves."""
    names = [build.switches(f"{level}{plane}.", count, tier + 1, plane)
             for tier, (level, count) in enumerate(zip(("leaf", "agg", "core"), plan.switches, strict=False))]
    if plan.tiers > 1:
        build.trunk_cables((names[0][leaf], names[1][agg]) for leaf, agg in plan.up_cables())
    if plan.tiers > 2:
        build.trunk_cables((names[1][agg], names[2][core]) for agg, core in plan.core_cables())
    return names[0]


def _join_hosts(graph: nx.Graph[str], size: int, width: int, gb_s: float) -> None:
    for n in range(size):
        host = f"host{n // width}"
        graph.add_node(host, kind="scale-up", tier=0)
        graph.add_edge(f"acc{n}", host, cables=0, capacity_gb_s=gb_s, latency_s=0.0, optics=0, price_usd=0.0,
                       power_w=0.0)


def dragonfly_plus(size: int, parts: Parts, taper: float = 1.0) -> nx.Graph[str]:
    """Groups of leaves and spines, every two groups joined by the same number of cables between their spines."""
    build = _Builder(size, parts)
    plan = lay_out_dragonfly(size, parts.radix, taper)
    bounds = spread(size, plan.groups)
    spines: list[list[str]] = []
    for group in range(plan.groups):
        leaves = build.switches(f"leaf{group}.", plan.leaves, 1, group)
        spines.append(build.switches(f"spine{group}.", plan.spines, 2, group))
        first, count = int(bounds[group]), int(bounds[group + 1] - bounds[group])
        inside = spread(count, plan.leaves)
        for leaf, (start, end) in enumerate(pairwise(inside)):
            for n in range(int(start), int(end)):
                build.access_cable(f"acc{first + n}", leaves[leaf], parts.port_gb_s)
        if plan.spines:
            build.trunk_cables((leaves[n // plan.uplinks], spines[group][n % plan.spines])
                               for n in range(plan.leaves * plan.uplinks))
    used = [0] * plan.groups
    for one, other in combinations(range(plan.groups), 2):
        for _ in range(plan.between):
            build.trunk_cables([(spines[one][used[one] % plan.spines], spines[other][used[other] % plan.spines])])
            used[one], used[other] = used[one] + 1, used[other] + 1
    return build.graph


def torus(size: int, dimensions: int, parts: Parts) -> nx.Graph[str]:
    """A torus of exactly `size` accelerators in the most even sides; each shares `port_gb_s` out over its links.

    Raises InputError, naming the nearest size, where the size has no such sides.
    """
    sides = torus_sides(size, dimensions)
    build = _Builder(size, parts)
    number = {spot: n for n, spot in enumerate(product(*(range(k) for k in sides)))}
    for spot, n in number.items():
        for axis, k in enumerate(sides):
            if k == 2 and spot[axis] == 1:
                continue  # a ring of two is one cable
            beside = tuple((at + (axis == d)) % sides[d] for d, at in enumerate(spot))
            build.access_cable(f"acc{n}", f"acc{number[beside]}", parts.port_gb_s / (2 * dimensions))
    return build.graph


def full_mesh(size: int, parts: Parts) -> nx.Graph[str]:
    """Every two accelerators joined; each shares `port_gb_s` out over its links."""
    build = _Builder(size, parts)
    for one, other in combinations(range(size), 2):
        build.access_cable(f"acc{one}", f"acc{other}", parts.port_gb_s / (size - 1))
    return build.graph


def scale_up(size: int, parts: Parts, planes: int, max_tiers: int = 1) -> nx.Graph[str]:
    """A scale-up domain: every accelerator joined to each of `planes`, a switch or a small fat-tree; `port_gb_s` each.

    Raises InputError when a plane holds fewer accelerators than the domain has.
    """
    most = largest(parts.radix, max_tiers, 1.0)
    if not 1 <= size <= most or planes < 1:
        raise InputError(f"scale-up domain of {size} accelerators on {planes} planes: allowed are 1 to {most} "
                         "accelerators (what the switches of a plane hold) and 1 plane or more")
    build = _Builder(size, parts)
    plan = lay_out(size, parts.radix, max_tiers)
    for plane in range(planes):
        leaves = _plane(build, plan, plane)
        for n in range(size):
            build.access_cable(f"acc{n}", leaves[plan.leaf_of(n)], parts.port_gb_s)
    return build.graph
