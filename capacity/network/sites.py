"""The graph of sites: which links may be lit, how long and how dear they are, and the routes over them.

A node is a site. An edge is a candidate link, with

    link                 its name, the two sites in alphabetical order joined by `--`
    km                   great circle
    rtt_ms               round trip over the link
    medium               terrestrial, or submarine where the two sites stand on different landmasses
    usd_per_gbps_year    price of one lit Gb/s
    existing_gbps        lit already
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse.csgraph import shortest_path

from capacity.catalogue.cards import Site
from capacity.catalogue.catalogue import Catalogue
from capacity.errors import InputError, nearest
from capacity.network.rtt import distances_km, fibre_ms, round_trips, wan_figures

MONTHS = 12


def link_name(one: str, other: str) -> str:
    """The name of the link between two sites, whichever is named first."""
    return "--".join(sorted((one, other)))


def site_graph(sites: Sequence[Site], cat: Catalogue, neighbours: int = 4,
               existing: Mapping[str, float] | None = None) -> nx.Graph[str]:
    """Candidate links between sites: to the `neighbours` nearest each, a minimum spanning tree, and long-haul links.

    A long-haul link is added, shortest first, where the way over the others would be longer than `detour_limit`
    (`wan_costs.csv`) times the great circle: without those no ocean would be crossed. The graph is connected.
    `existing` gives Gb/s already lit by link name; a link named there is always in the graph.
    Prices are those of `wan_costs.csv`: a wave costs its price per Gb/s and km of route, terrestrial or submarine,
    plus the equipment at its ends; a link's round trip is that of fibre on a usual route, or the measured one
    where that is lower (a better route exists). Raises InputError for two sites of one name or an unknown country.
    """
    lit = dict(existing or {})
    names = [site.id for site in sites]
    _refuse_doubles(names)
    km = distances_km(sites, sites)
    chosen = _nearest_pairs(km, neighbours) | _tree_pairs(km) | _named_pairs(names, lit)
    chosen |= _long_hauls(km, chosen, wan_figures(cat)["detour_limit"])
    return _graph(sites, np.array(sorted(chosen), dtype=int).reshape(-1, 2), km, cat, lit)


def candidate_links(sites: Sequence[Site], pairs: Sequence[tuple[str, str]], cat: Catalogue) -> nx.Graph[str]:
    """The graph of all sites with links between the given pairs alone, each as `site_graph` would make it.

    Raises InputError for two sites of one name or an unknown country.
    """
    names = [site.id for site in sites]
    _refuse_doubles(names)
    at = np.array([(names.index(one), names.index(other)) for one, other in pairs], dtype=int).reshape(-1, 2)
    return _graph(sites, at, distances_km(sites, sites), cat, {})


def _graph(sites: Sequence[Site], pairs: NDArray[np.int_], km: NDArray[np.float64], cat: Catalogue,
           lit: Mapping[str, float]) -> nx.Graph[str]:
    table = _edges(sites, pairs, km, cat)
    graph: nx.Graph[str] = nx.Graph()
    for site in sites:
        graph.add_node(site.id, latitude=site.latitude, longitude=site.longitude, country=site.country)
    for row in table.to_dict("records"):
        one, other = str(row.pop("one")), str(row.pop("other"))
        graph.add_edge(one, other, **{str(key): value for key, value in row.items()},
                       existing_gbps=float(lit.get(str(row["link"]), 0.0)))
    return graph


def shortest_routes(graph: nx.Graph[str], weight: str = "rtt_ms") -> pd.DataFrame:
    """The route of least round trip between every two sites.

    Returns a table with a row per unordered pair (`source` < `target`): `rtt_ms`, `km`, `usd_per_gbps_year` summed over
    the route, and `links`, the tuple of link names from source to target. Pairs without a route are absent.
    """
    rows = []
    for source, ways in nx.all_pairs_dijkstra_path(graph, weight=weight):
        for target, way in ways.items():
            if source < target:
                hops = [graph.edges[hop] for hop in pairwise(way)]
                total = {name: sum(hop[name] for hop in hops) for name in ("rtt_ms", "km", "usd_per_gbps_year")}
                rows.append({"source": source, "target": target, **total, "links": tuple(h["link"] for h in hops)})
    columns = ["source", "target", "rtt_ms", "km", "usd_per_gbps_year", "links"]
    return pd.DataFrame(rows, columns=columns).sort_values(["source", "target"], ignore_index=True)


def route_links(routes: pd.DataFrame) -> pd.DataFrame:
    """The routes link by link: `source`, `target`, `hop` (0 first), `link`."""
    long = routes[["source", "target", "links"]].explode("links").rename(columns={"links": "link"})
    long["hop"] = long.groupby(["source", "target"]).cumcount()
    return long[["source", "target", "hop", "link"]].reset_index(drop=True)


def _edges(sites: Sequence[Site], pairs: NDArray[np.int_], km: NDArray[np.float64], cat: Catalogue) -> pd.DataFrame:
    """The attributes of candidate links, one row a pair."""
    figures = wan_figures(cat)
    land = _landmasses(sites, cat)
    names = np.array([site.id for site in sites], dtype=object)
    one, other = pairs[:, 0], pairs[:, 1]
    distance = km[one, other]
    trips = round_trips(sites, sites, cat)
    shape = km.shape
    measured = np.where(trips["basis"] == "measured", trips["rtt_ms"], np.inf).reshape(shape)[one, other]
    submarine = land[one] != land[other]
    price = np.where(submarine, figures["submarine_400g_wave_usd_per_gbps_km_month"],
                     figures["terrestrial_400g_wave_usd_per_gbps_km_month"])
    route_km = distance * figures["route_inflation_over_great_circle"]
    monthly = figures["wave_minimum_usd_per_gbps_month"] + price * route_km
    return pd.DataFrame({
        "one": names[one], "other": names[other],
        "link": [link_name(names[i], names[j]) for i, j in pairs],
        "km": distance, "rtt_ms": np.minimum(fibre_ms(distance, figures), measured),
        "medium": np.where(submarine, "submarine", "terrestrial"), "usd_per_gbps_year": monthly * MONTHS,
    })


def _landmasses(sites: Sequence[Site], cat: Catalogue) -> NDArray[np.object_]:
    """The landmass each site stands on, by its country."""
    table = cat.table("region_countries")
    land = dict(zip(table["iso3"].astype(str), table["landmass"].astype(str), strict=True))
    for site in sites:
        if site.country not in land:
            near = nearest(site.country, list(land))
            raise InputError(f"site `{site.id}`: country `{site.country}` is not in region_countries.csv; allowed: "
                             f"ISO 3166 codes of three letters{f'; nearest: `{near}`' if near else ''}")
    return np.array([land[site.country] for site in sites], dtype=object)


def _nearest_pairs(km: NDArray[np.float64], neighbours: int) -> set[tuple[int, int]]:
    count = min(neighbours, len(km) - 1)
    if count < 1:
        return set()
    apart = km + np.diag(np.full(len(km), np.inf))
    near = np.argsort(apart, axis=1, kind="stable")[:, :count]
    rows = np.repeat(np.arange(len(km)), count)
    return {(min(i, j), max(i, j)) for i, j in zip(rows.tolist(), near.ravel().tolist(), strict=True)}


def _tree_pairs(km: NDArray[np.float64]) -> set[tuple[int, int]]:
    complete: nx.Graph[int] = nx.Graph()
    complete.add_weighted_edges_from((i, j, km[i, j]) for i in range(len(km)) for j in range(i))
    return {(min(i, j), max(i, j)) for i, j in nx.minimum_spanning_edges(complete, data=False)}


def _long_hauls(km: NDArray[np.float64], chosen: set[tuple[int, int]], detour: float) -> set[tuple[int, int]]:
    """Pairs, shortest first, whose way over the links chosen so far exceeds `detour` x km (a greedy spanner)."""
    way = np.where(np.eye(len(km), dtype=bool), 0.0, np.inf)
    for i, j in chosen:
        way[i, j] = way[j, i] = km[i, j]
    way = np.asarray(shortest_path(way, directed=False))
    added = set()
    rows, columns = np.triu_indices(len(km), 1)
    order = np.argsort(km[rows, columns], kind="stable")
    for i, j in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if way[i, j] > detour * km[i, j]:
            added.add((i, j))
            over = np.minimum(way[:, [i]] + way[[j], :], way[:, [j]] + way[[i], :]) + km[i, j]
            way = np.minimum(way, over)
    return added


def _named_pairs(names: list[str], lit: Mapping[str, float]) -> set[tuple[int, int]]:
    """The pairs of sites whose link is named as lit."""
    known = {link_name(names[i], names[j]): (j, i) for i in range(len(names)) for j in range(i)}
    for link in lit:
        if link not in known:
            near = nearest(link, list(known))
            raise InputError(f"existing link `{link}` joins no two of the sites; write it as `one--other`, in "
                             f"alphabetical order{f'; nearest: `{near}`' if near else ''}")
    return {known[link] for link in lit}


def _refuse_doubles(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"site `{name}` is given twice; each site of the graph needs a name of its own")
