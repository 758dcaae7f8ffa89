"""Mirrored session state: where each site's is kept a second time, how much it is, and whether that site is in use."""

from __future__ import annotations

import networkx as nx
import pandas as pd

from capacity.problem.world import World
from capacity.serving import kv_bytes


def partners(graph: nx.Graph[str]) -> dict[str, str]:
    """The nearest neighbour of each site, where its session state is mirrored."""
    return {s: min(graph[s].items(), key=lambda item: (item[1]["rtt_ms"], item[0]))[0] for s in graph}


def state_rates(world: World) -> dict[str, float]:
    """Gb/s of mirrored state per thousand instances of each class."""
    share = world.scenario.links.sync_share
    return {name: share * _state_bytes(world, name) * 8 * 1000 / 3600 / 1e9 for name in world.scenario.classes}


def companions(world: World, near: dict[str, str]) -> dict[str, pd.DataFrame]:
    """Table companions: each site serves the classes whose state is mirrored only while its partner (`near`) is in use;
    nothing unless asked for."""
    if not world.scenario.links.mirror_in_use:
        return {}
    mirrored = [name for name, rate in state_rates(world).items() if rate > 0]
    rows = [(site, name, partner) for site, partner in near.items() for name in mirrored]
    return {"companions": pd.DataFrame(rows, columns=["place", "commodity", "companion"])} if rows else {}


def _state_bytes(world: World, service_class: str) -> float:
    """Largest session state of a class over the variants that may serve it."""
    context = world.scenario.classes[service_class].context_mean
    return max(
        (
            kv_bytes(world.catalogue.model(v.model), v.kv, context)
            for v in world.scenario.variants.values()
            if service_class in v.equivalence
        ),
        default=0.0,
    )
