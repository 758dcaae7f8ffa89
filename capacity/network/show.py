"""Tables of what is there to choose from: fabric designs, links, routes and round trips between places."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from capacity.catalogue.catalogue import Catalogue
from capacity.network.rtt import Place, round_trips
from capacity.network.sites import shortest_routes, site_graph


def design_table(cat: Catalogue) -> pd.DataFrame:
    """The designs on offer: id, kind, planes, tiers, oversubscription, what they are."""
    return cat.table("fabric_designs")[["id", "kind", "planes", "max_tiers", "oversubscription", "description"]]


def link_table(cat: Catalogue, sites: Sequence[str], neighbours: int = 4) -> pd.DataFrame:
    """Candidate links between sites: `link`, `km`, `rtt_ms`, `medium`, `usd_per_gbps_year`, `existing_gbps`."""
    graph = site_graph([cat.site(name) for name in sites], cat, neighbours)
    rows = [data for _, _, data in graph.edges(data=True)]
    columns = ["link", "km", "rtt_ms", "medium", "usd_per_gbps_year", "existing_gbps"]
    return pd.DataFrame(rows, columns=columns).sort_values("link", ignore_index=True)


def route_table(cat: Catalogue, sites: Sequence[str], neighbours: int = 4) -> pd.DataFrame:
    """The fastest route between every two sites: `source`, `target`, `rtt_ms`, `km`, `usd_per_gbps_year`, `links`."""
    return shortest_routes(site_graph([cat.site(name) for name in sites], cat, neighbours))


def round_trip_table(cat: Catalogue, regions: Sequence[str], sites: Sequence[str]) -> pd.DataFrame:
    """Round trips in ms, a row per site and a column per region, sites in the order given."""
    sources: list[Place] = [cat.region(name) for name in regions]
    targets: list[Place] = [cat.site(name) for name in sites]
    trips = round_trips(sources, targets, cat)
    return trips.pivot_table(index="target", columns="source", values="rtt_ms").loc[list(sites), list(regions)]
