"""Figures of a fabric read off its graph; the same fields as `structure.py` computes from shape alone."""

from __future__ import annotations

from typing import Any

import networkx as nx

from capacity.network.structure import Structure

SOURCE, SINK = "source", "sink"


def measure(graph: nx.Graph[str], port_gb_s: float) -> Structure:
    """The Structure of a fabric graph of a few hundred accelerators at most (all pairs are walked).

    Accelerators send at `port_gb_s`; the halves of the bisection are the first and the second half in order.
    `uniform_share` is not measured and equals the bisection bound of uniform traffic.
    """
    kinds = nx.get_node_attributes(graph, "kind")
    accelerators = [node for node, kind in kinds.items() if kind == "accelerator"]
    access = trunk = 0
    for one, other, edge in graph.edges(data=True):
        if "accelerator" in (kinds[one], kinds[other]):
            access += edge["cables"]
        else:
            trunk += edge["cables"]
    hops = _hops(graph, kinds, accelerators)
    share = bisection_share(graph, accelerators, port_gb_s)
    tiers = max((data["tier"] for _, data in graph.nodes(data=True)), default=0)
    return Structure("graph", len(accelerators), tiers, sum(kind == "switch" for kind in kinds.values()), access, trunk,
                     max(hops, default=0), sum(hops) / len(hops) if hops else 0.0, share, min(1.0, 2 * share))


def _hops(graph: nx.Graph[str], kinds: dict[str, str], accelerators: list[str]) -> list[int]:
    """Switches passed (or cables followed between accelerators) on the shortest way of every ordered pair."""

    def weight(one: str, other: str, _: dict[str, Any]) -> int:
        direct = kinds[one] == kinds[other] == "accelerator"
        return 1 if direct or kinds[other] == "switch" else 0

    found = []
    for source in accelerators:
        lengths = nx.single_source_dijkstra_path_length(graph, source, weight=weight)
        found += [int(lengths[target]) for target in accelerators if target != source]
    return found


def bisection_share(graph: nx.Graph[str], accelerators: list[str], port_gb_s: float) -> float:
    """Largest flow from the first half of the accelerators to the second, over what the smaller half can send."""
    half = len(accelerators) // 2
    if not half:
        return 1.0
    flow: nx.DiGraph[str] = nx.DiGraph()
    for one, other, edge in graph.edges(data=True):
        flow.add_edge(one, other, capacity=edge["capacity_gb_s"])
        flow.add_edge(other, one, capacity=edge["capacity_gb_s"])
    flow.add_edges_from(((SOURCE, n) for n in accelerators[:half]), capacity=port_gb_s)
    flow.add_edges_from(((n, SINK) for n in accelerators[half:]), capacity=port_gb_s)
    value = nx.maximum_flow_value(flow, SOURCE, SINK)
    return float(value) / (half * port_gb_s)


def totals(graph: nx.Graph[str]) -> dict[str, float]:
    """Sums over nodes and edges: `switches`, `cables`, `optics`, `price_usd`, `power_w`."""
    nodes = [data for _, data in graph.nodes(data=True)]
    edges = [data for _, _, data in graph.edges(data=True)]
    return {
        "switches": sum(data["kind"] == "switch" for data in nodes),
        "cables": sum(edge["cables"] for edge in edges),
        "optics": sum(edge["optics"] for edge in edges),
        "price_usd": sum(x.get("price_usd", 0.0) for x in (*nodes, *edges)),
        "power_w": sum(x.get("power_w", 0.0) for x in (*nodes, *edges)),
    }


def measured_group(graph: nx.Graph[str], members: int, port_gb_s: float) -> tuple[int, float]:
    """(switches on the longest way, share of its bandwidth each gets) when groups of `members` neighbours send to all.

    Each accelerator sends `port_gb_s` in equal parts to the others of its group, split evenly over all shortest ways
    (equal-cost routing); the fullest cable binds. For a few hundred accelerators at most.
    """
    kinds = nx.get_node_attributes(graph, "kind")
    ways: nx.Graph[str] = nx.Graph(graph.subgraph(node for node, kind in kinds.items() if kind != "scale-up"))
    everyone = [node for node, kind in kinds.items() if kind == "accelerator"]
    load: dict[tuple[str, str], float] = dict.fromkeys(ways.edges(), 0.0)
    longest = 0
    for first in range(0, len(everyone), members):
        group = everyone[first : first + members]
        for source in group:
            longest = max(longest, _send(ways, source, group, port_gb_s, load, kinds))
    fullest = max((sent / (2 * ways.edges[edge]["capacity_gb_s"]) for edge, sent in load.items()), default=0.0)
    return longest, 1.0 if fullest <= 1.0 else 1 / fullest


def _send(ways: nx.Graph[str], source: str, group: list[str], port_gb_s: float, load: dict[tuple[str, str], float],
          kinds: dict[str, str]) -> int:
    """Add one accelerator's traffic to the load of the cables (both directions together); the most switches passed."""
    others = set(group) - {source}
    if not others:
        return 0
    distance = nx.single_source_shortest_path_length(ways, source)
    order = sorted(distance, key=lambda node: distance[node])
    count = {source: 1.0}
    for node in order[1:]:
        count[node] = sum(count[n] * ways.edges[n, node]["cables"] for n in ways[node]
                          if distance[n] == distance[node] - 1)
    flow = {node: port_gb_s / len(others) if node in others else 0.0 for node in order}
    for node in reversed(order[1:]):
        for n in ways[node]:
            if distance[n] == distance[node] - 1:
                part = flow[node] * count[n] * ways.edges[n, node]["cables"] / count[node]
                flow[n] += part
                load[(n, node) if (n, node) in load else (node, n)] += part
    switched = any(kinds[node] == "switch" for node in order)
    return max(distance[node] for node in others) - switched
