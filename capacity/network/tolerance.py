"""What a fabric bears: ways between its ends, and what a failed switch takes away; by structure, and off a graph.

    ways             edge-disjoint shortest ways between the first and the last accelerator of one plane, beyond their
                     own cables: the width over which equal-cost routing can spread one conversation
    cut_off_share    accelerators that the worst single failed switch leaves without any way to the rest
    bisection_left   share of the bandwidth between halves that remains then

Where accelerators switch themselves (torus, mesh) the failed switch is one of them. A plane's accelerators reach the
others through their host's scale-up links, so several planes or rails cut nobody off. The structure takes even layouts:
halves of whole leaves and pods, cables spread evenly; on uneven ones the graph may tell a few per cent less.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil, prod

import networkx as nx

from capacity.network.clos import Clos
from capacity.network.measure import bisection_share
from capacity.network.structure import Dragonfly

SOURCE, SINK = ("source", 0), ("sink", 0)


@dataclass(frozen=True)
class Tolerance:
    """See the head of this file."""

    ways: int
    cut_off_share: float
    bisection_left: float


def clos_tolerance(sides: tuple[Clos, ...], size: int, *, hosts: bool, everywhere: bool = False) -> Tolerance:
    """Of the planes of a fat-tree.

    `hosts`: its accelerators also meet in their host; `everywhere`: each accelerator is in every plane (`sides` has one
    for each).
    """
    worst = min(sides, key=_left)
    if everywhere:
        cut = 0.0 if len(sides) > 1 else _cut_off(worst)
        return Tolerance(sum(clos_ways(side) for side in sides), cut, 1 - (1 - _left(worst)) / len(sides))
    cut = 0.0 if hosts else _cut_off(worst) * worst.endpoints / size
    return Tolerance(min(clos_ways(side) for side in sides), cut, 1 - (1 - _left(worst)) * worst.endpoints / size)


def _cut_off(side: Clos) -> float:
    return 1.0 if side.tiers == 1 else side.fullest_leaf / side.endpoints


def _left(side: Clos) -> float:
    """Share of one plane's bisection that the worst failed switch leaves: the narrowest tier, before and after."""
    if side.tiers == 1:
        return 0.0
    half, leaf = side.endpoints / 2, side.fullest_leaf
    above = [cables / 2 for cables in side.above()]
    whole = min([half, *above])
    cases = [min([half - leaf, above[0] - side.uplinks, *above[1:]])]
    widest = max(range(len(side.aggs_of_pod)), key=lambda p: side.leaves_of_pod[p] / side.aggs_of_pod[p])
    down = ceil(side.leaves_of_pod[widest] * side.uplinks / side.aggs_of_pod[widest])
    if side.tiers == 2:
        cases.append(min(half, above[0] - down / 2))  # a spine's cables go to both halves
    else:
        up = ceil(side.core_cables_of_pod[widest] / side.aggs_of_pod[widest])
        cases.append(min(half, above[0] - down, above[1] - up))
        cases.append(min(half, above[0], above[1] - ceil(2 * above[1] / side.cores) / 2))
    return max(0.0, min(cases) / whole)


def clos_ways(side: Clos) -> int:
    """Edge-disjoint shortest ways between the first leaf and the last of one plane; 1 where they are the same."""
    if side.tiers == 1:
        return 1
    last = len(side.aggs_of_pod) - 1
    first_up, last_up = _uplinks(side, 0, 0), _uplinks(side, last, side.leaves_of_pod[last] - 1)
    if side.tiers == 2:
        return sum(min(count, last_up[spine]) for spine, count in first_up.items())
    flow: nx.DiGraph[tuple[str, int]] = nx.DiGraph()
    for (agg, core), count in _core_cables(side, 0).items():
        flow.add_edge(("first", agg), ("core", core), capacity=count)
    for (agg, core), count in _core_cables(side, last).items():
        flow.add_edge(("core", core), ("last", agg), capacity=count)
    flow.add_edges_from((SOURCE, ("first", agg), {"capacity": count}) for agg, count in first_up.items())
    flow.add_edges_from((("last", agg), SINK, {"capacity": count}) for agg, count in last_up.items())
    return int(nx.maximum_flow_value(flow, SOURCE, SINK))


def _uplinks(side: Clos, pod: int, leaf: int) -> Counter[int]:
    """Cables of one leaf of a pod to each aggregation switch of it."""
    begin = leaf * side.uplinks
    return Counter(cable % side.aggs_of_pod[pod] for cable in range(begin, begin + side.uplinks))


def _core_cables(side: Clos, pod: int) -> Counter[tuple[int, int]]:
    """Cables of a pod by (aggregation switch of it, core)."""
    done = sum(side.core_cables_of_pod[:pod])
    return Counter((cable % side.aggs_of_pod[pod], (done + cable) % side.cores)
                   for cable in range(side.core_cables_of_pod[pod]))


def dragonfly_tolerance(plan: Dragonfly) -> Tolerance:
    """Of a dragonfly+; a failed leaf, or a spine with its cables to other groups."""
    leaf = ceil(plan.endpoints / (plan.groups * plan.leaves))
    if not plan.spines:
        return Tolerance(1, 1.0, 0.0)
    half, spines = plan.endpoints / 2, plan.spines
    if plan.groups == 1:
        down = ceil(plan.leaves * plan.uplinks / spines) / 2
        up = plan.leaves * plan.uplinks / 2
        left = min(half - leaf, up - plan.uplinks, up - down) / min(half, up)
        side = Clos(plan.endpoints, 2, plan.leaves, plan.uplinks, (plan.leaves,), (spines,), 0)
        return Tolerance(clos_ways(side), leaf / plan.endpoints, left)
    other = plan.groups - plan.groups // 2
    across = plan.groups // 2 * other * plan.between
    whole = min(half, across)
    left = min(half - leaf, across - ceil(other * plan.between / spines)) if across <= half else half - leaf
    return Tolerance(_dragonfly_ways(plan), leaf / plan.endpoints, min(left, whole) / whole)


def _dragonfly_ways(plan: Dragonfly) -> int:
    """Between a leaf of the first group and one of the last: up, across the cables of the two groups, down."""
    up = Counter(n % plan.spines for n in range(plan.uplinks))
    begin = (plan.leaves - 1) * plan.uplinks
    down = Counter(n % plan.spines for n in range(begin, begin + plan.uplinks))
    used = (plan.groups - 2) * plan.between
    across = Counter(((used + n) % plan.spines, n % plan.spines) for n in range(plan.between))
    flow: nx.DiGraph[tuple[str, int]] = nx.DiGraph()
    flow.add_edges_from((SOURCE, ("first", spine), {"capacity": count}) for spine, count in up.items())
    flow.add_edges_from((("last", spine), SINK, {"capacity": count}) for spine, count in down.items())
    flow.add_edges_from((("first", a), ("last", b), {"capacity": count}) for (a, b), count in across.items())
    if SOURCE not in flow or SINK not in flow:
        return 0
    return int(nx.maximum_flow_value(flow, SOURCE, SINK))


def torus_tolerance(sides: tuple[int, ...]) -> Tolerance:
    """Of a torus: a failed accelerator takes one cable of the cut between halves with it."""
    crossing = (1 if sides[0] == 2 else 2) * prod(sides[1:])
    return Tolerance(sum(2 if k % 2 == 0 and k > 2 else 1 for k in sides), 0.0, 1 - 1 / crossing)


def mesh_tolerance(size: int) -> Tolerance:
    """Of a full mesh: a failed accelerator takes its cables to the other half with it."""
    half = size // 2
    return Tolerance(1, 0.0, (half - 1) / half)


def measured_tolerance(graph: nx.Graph[str], port_gb_s: float, one: str, other: str) -> Tolerance:
    """The same read off a graph of a few dozen switches at most; ways between the accelerators `one` and `other`."""
    kinds = nx.get_node_attributes(graph, "kind")
    everyone = [node for node, kind in kinds.items() if kind == "accelerator"]
    failing = [node for node, kind in kinds.items() if kind == "switch"] or everyone
    whole = bisection_share(graph, everyone, port_gb_s)
    cut, left = 0.0, 1.0
    for node in failing:
        rest = graph.copy()
        rest.remove_node(node)
        largest = max(sum(kinds[n] == "accelerator" for n in part) for part in nx.connected_components(rest))
        others = len(everyone) - (kinds[node] == "accelerator")
        cut = max(cut, (others - largest) / len(everyone) if largest > 1 else 1.0)
        rest.add_node(node)
        left = min(left, bisection_share(rest, everyone, port_gb_s) / whole)
    return Tolerance(measured_ways(graph, one, other), cut, left)


def measured_ways(graph: nx.Graph[str], one: str, other: str) -> int:
    """Edge-disjoint shortest ways between two accelerators, beyond their own cables to switches."""
    kinds = nx.get_node_attributes(graph, "kind")
    direct = graph.subgraph(node for node, kind in kinds.items() if kind != "scale-up")
    there, back = (nx.single_source_shortest_path_length(direct, end) for end in (one, other))
    flow: nx.DiGraph[str] = nx.DiGraph()
    bounded = False
    for a, b, edge in direct.edges(data=True):
        own = (kinds[a] == "accelerator") != (kinds[b] == "accelerator")
        for u, v in ((a, b), (b, a)):
            if u in there and v in back and there[u] + 1 + back[v] == there[other]:
                flow.add_edge(u, v, **({} if own else {"capacity": edge["cables"]}))
                bounded |= not own
    if not bounded:
        return sum(1 for node in flow if kinds[node] == "switch")
    return int(nx.maximum_flow_value(flow, one, other))
