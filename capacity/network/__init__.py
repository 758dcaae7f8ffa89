"""Networks: fabrics inside a cluster, links between clusters; networkx graphs and what they imply.

`round_trips` and `site_graph` speak of places, `fabric_design` and `fabric_graph` of one cluster's inside.
"""

from __future__ import annotations

from typing import Any

_HOME = {
    "FabricDesign": "designs",
    "domain_price": "designs",
    "fabric_design": "designs",
    "interconnect": "designs",
    "fabric_graph": "designs",
    "round_trips": "rtt",
    "site_graph": "sites",
    "shortest_routes": "sites",
    "feasible": "tiers",
    "latency_tiers": "tiers",
}

__all__ = ["FabricDesign", "domain_price", "fabric_design", "fabric_graph", "feasible", "interconnect",
           "latency_tiers", "round_trips", "shortest_routes", "site_graph"]


def __getattr__(name: str) -> Any:
    """Import pandas and networkx only when a name of this room is used, so that `capacity --help` stays fast."""
    from importlib import import_module

    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
