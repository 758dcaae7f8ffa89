"""The k shortest routes between places of a graph, without a node passed twice.

Yen's algorithm (Management Science 17, 1971) with Lawler's rule: a route is only left where its parent was not. The
search for each deviation is A* with the true distance to the target as its guide, which removed links can only raise,
so that it mostly walks straight to the target.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import pairwise
from math import inf

import networkx as nx
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from capacity.catalogue.catalogue import Catalogue
from capacity.network.rtt import Place, round_trips

ROUTE_COLUMNS = ["source", "target", "rank", "rtt_ms", "km", "usd_per_gbps_year", "places", "links"]
ACCESS = ""
"""Name of the hop from a region to a site over the public internet: nothing there can be lit."""

Arcs = Mapping[int, Mapping[int, float]]


def k_shortest_routes(
    graph: nx.Graph[str], sources: Iterable[str], targets: Iterable[str], k: int, weight: str = "rtt_ms"
) -> pd.DataFrame:
    """The `k` routes of least `weight` from each source to each target, ROUTE_COLUMNS, rank 0 the shortest.

    `places` and `links` are tuples from source to target; fewer than `k` rows where there are fewer simple routes, none
    where there is none or where source and target are one. Weights must not be negative. A directed graph is walked
    along its arcs.
    """
    names = list(graph)
    at = {name: i for i, name in enumerate(names)}
    arcs = {at[a]: {at[b]: float(data[weight]) for b, data in graph[a].items()} for a in graph}
    ends = list(dict.fromkeys(targets))
    left = _distances_to(arcs, [at[t] for t in ends], len(names))
    rows = []
    for source in dict.fromkeys(sources):
        for target, guide in zip(ends, left, strict=True):
            if source == target or guide[at[source]] == inf:
                continue
            ways = _yen(arcs, at[source], at[target], k, guide)
            rows += [_row(graph, [names[i] for i in way], rank) for rank, way in enumerate(ways)]
    return pd.DataFrame(rows, columns=ROUTE_COLUMNS)


def with_regions(graph: nx.Graph[str], sites: Sequence[Place], regions: Sequence[Place], cat: Catalogue,
                 entries: int) -> nx.DiGraph[str]:
    """The graph with every region joined to its `entries` nearest sites by round trip, over the public internet.

    Those arcs lead from the region only, so that no route passes through one; their link is ACCESS, at no price.
    """
    out = graph.to_directed()
    trips = round_trips(regions, sites, cat).sort_values(["source", "rtt_ms", "target"])
    near = trips[trips.groupby("source").cumcount() < entries]
    ends = zip(near["source"].astype(str), near["target"].astype(str), strict=True)
    for (region, site), rtt, km in zip(ends, near["rtt_ms"].tolist(), near["km"].tolist(), strict=True):
        out.add_edge(region, site, link=ACCESS, rtt_ms=rtt, km=km, usd_per_gbps_year=0.0)
    return out


def _row(graph: nx.Graph[str], way: list[str], rank: int) -> tuple[object, ...]:
    hops = [graph.edges[hop] for hop in pairwise(way)]
    sums = [sum(float(hop[name]) for hop in hops) for name in ("rtt_ms", "km", "usd_per_gbps_year")]
    return (way[0], way[-1], rank, *sums, tuple(way), tuple(str(hop["link"]) for hop in hops))


def _distances_to(arcs: Arcs, targets: Sequence[int], size: int) -> list[list[float]]:
    """Distance of every node to each target."""
    tails = [a for a, heads in arcs.items() for _ in heads]
    heads = [b for ways in arcs.values() for b in ways]
    length = [max(w, np.finfo(float).tiny) for ways in arcs.values() for w in ways.values()]  # 0 would be no arc
    backward = csr_matrix((length, (heads, tails)), shape=(size, size))
    return [list(row) for row in dijkstra(backward, indices=targets).tolist()] if targets else []


def _yen(arcs: Arcs, source: int, target: int, k: int, guide: Sequence[float]) -> list[list[int]]:
    """Up to k simple routes, shortest first; ties by the nodes passed."""
    first = _walk(arcs, source, target, frozenset(), frozenset(), guide)
    waiting: list[tuple[float, list[int], int]] = [(first[0], first[1], 0)] if first else []
    found: list[list[int]] = []
    seen = {tuple(first[1])} if first else set()
    while waiting and len(found) < k:
        _, way, left_at = heappop(waiting)
        found.append(way)
        if len(found) == k:
            break
        so_far = _length(arcs, way[: left_at + 1])
        for i in range(left_at, len(way) - 1):
            shut = frozenset(other[i + 1] for other in found if len(other) > i + 1 and other[: i + 1] == way[: i + 1])
            spur = _walk(arcs, way[i], target, frozenset(way[:i]), shut, guide)
            if spur is not None and (whole := tuple(way[:i] + spur[1])) not in seen:
                seen.add(whole)
                heappush(waiting, (so_far + spur[0], list(whole), i))
            so_far += arcs[way[i]][way[i + 1]]
    return found


def _walk(
    arcs: Arcs, source: int, target: int, avoid: frozenset[int], shut: frozenset[int], guide: Sequence[float]
) -> tuple[float, list[int]] | None:
    """Shortest way that avoids nodes and does not leave the source for the shut ones: (length, nodes); A*."""
    best = {source: 0.0}
    before: dict[int, int] = {}
    queue = [(guide[source], source)]
    done: set[int] = set()
    while queue:
        _, node = heappop(queue)
        if node == target:
            way = [node]
            while node != source:
                node = before[node]
                way.append(node)
            return best[target], way[::-1]
        if node in done:
            continue
        done.add(node)
        for other, length in arcs[node].items():
            if other in avoid or guide[other] == inf or (node == source and other in shut):
                continue
            distance = best[node] + length
            if distance < best.get(other, inf):
                best[other], before[other] = distance, node
                heappush(queue, (distance + guide[other], other))
    return None


def _length(arcs: Arcs, way: Sequence[int]) -> float:
    return sum(arcs[a][b] for a, b in pairwise(way))
