"""Candidate and existing links of a scenario: where each comes from, how long its fibre is, what a lit Gb/s costs.

    table           the user's rows, in place of what would be computed
    backbone        sites joined along a real backbone (optional package topohub): a link where the shortest way over it
                    passes no third site
    nearest         great circles to near sites, a spanning tree and long hauls (`sites.site_graph`)
    sea lanes       the lengths of submarine links (optional package searoute)

An edge has, beside what `sites` says,

    route_km            km of fibre
    basis               table, backbone, sea lanes or great circle: where its length comes from
    lead_months, life_years, most_gbps     how soon, for how long and how much of it may be lit
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import networkx as nx
import numpy as np

from capacity.catalogue.cards import Site
from capacity.catalogue.catalogue import Catalogue
from capacity.errors import InputError, nearest
from capacity.network.rtt import MS, great_circle_km, wan_figures
from capacity.network.sites import MONTHS, candidate_links, link_name, site_graph
from capacity.scenario.wan import LinkRow, Links

_WAVE = re.compile(r"wave_(\d+)g_price_per_gbps_against_(\d+)g")
HOW_TO_INSTALL = "install it with: pip install 'capacity[networks]'"


def link_graph(sites: Sequence[Site], cat: Catalogue, asked: Links) -> nx.Graph[str]:
    """The graph of a scenario's sites and the links between them that are lit or may be lit; it is connected.

    Raises InputError for a link to an unknown site, given twice, for sites that no link reaches, for an unknown
    backbone, and where an optional package is asked for that is not installed.
    """
    names = [site.id for site in sites]
    rows = _rows(names, asked.table)
    if asked.only_table:
        pairs: set[tuple[str, str]] = set()
        graph = candidate_links(sites, sorted(rows), cat)
    elif asked.backbone is not None:
        lengths = backbone_lengths(sites, asked.backbone, wan_figures(cat))
        pairs = set(lengths)
        graph = candidate_links(sites, sorted(pairs | set(rows)), cat)
        _measure(graph, lengths, "backbone", cat)
    else:
        graph = site_graph(sites, cat, asked.neighbours)
        missing = sorted(pair for pair in rows if not graph.has_edge(*pair))
        graph = nx.compose(candidate_links(sites, missing, cat), graph) if missing else graph
    figures = wan_figures(cat)
    for _, _, edge in graph.edges(data=True):
        edge.setdefault("route_km", edge["km"] * figures["route_inflation_over_great_circle"])
        edge.setdefault("basis", "great circle")
        edge.update(lead_months=asked.lead_time, life_years=asked.life, most_gbps=math.inf)
    if asked.sea_distances:
        lanes = {pair: sea_km(graph, *pair, figures) for pair in graph.edges
                 if graph.edges[pair]["medium"] == "submarine" and graph.edges[pair]["basis"] == "great circle"}
        _measure(graph, lanes, "sea lanes", cat)
    for pair, row in rows.items():
        _as_given(graph.edges[pair], row, figures)
    _refuse_islands(graph)
    return graph


def _rows(names: Sequence[str], table: Sequence[LinkRow]) -> dict[tuple[str, str], LinkRow]:
    """The user's rows by pair of sites, in alphabetical order."""
    rows: dict[tuple[str, str], LinkRow] = {}
    for i, row in enumerate(table):
        where = f"links.table row {i + 1}"
        for name in row.between:
            if name not in names:
                near = nearest(name, list(names))
                raise InputError(f"{where}: `{name}` is no site of the scenario"
                                 + (f"; nearest: `{near}`" if near else ""))
        one, other = sorted(row.between)
        if one == other:
            raise InputError(f"{where}: `{one}` is linked with itself; name two sites")
        if (one, other) in rows:
            raise InputError(f"{where}: the link between `{one}` and `{other}` is given twice; keep one row")
        rows[one, other] = row
    return rows


def _as_given(edge: dict[str, Any], row: LinkRow, figures: Mapping[str, float]) -> None:
    """What the user says of a link, over what was computed."""
    if row.km is not None:
        _lay(edge, row.km, "table", figures)
    if row.rtt is not None:
        edge["rtt_ms"] = row.rtt * MS
    given = {"usd_per_gbps_year": row.price, "lead_months": row.lead_time, "life_years": row.life,
             "most_gbps": row.most}
    edge.update({name: value for name, value in given.items() if value is not None}, existing_gbps=row.existing)


def _measure(graph: nx.Graph[str], lengths: Mapping[tuple[str, str], float], basis: str, cat: Catalogue) -> None:
    for pair, km in lengths.items():
        _lay(graph.edges[pair], km, basis, wan_figures(cat))


def _lay(edge: dict[str, Any], route_km: float, basis: str, figures: Mapping[str, float]) -> None:
    """A link of another length: its round trip and its price follow. Light takes 2 km / speed, there and back."""
    price = figures[f"{edge['medium']}_400g_wave_usd_per_gbps_km_month"]
    monthly = figures["wave_minimum_usd_per_gbps_month"] + price * route_km
    edge.update(route_km=route_km, basis=basis, rtt_ms=2 * route_km / figures["fibre_speed"] * MS,
                usd_per_gbps_year=monthly * MONTHS)


def _refuse_islands(graph: nx.Graph[str]) -> None:
    parts = sorted(nx.connected_components(graph), key=lambda part: (-len(part), sorted(part)))
    if len(parts) > 1:
        alone = sorted(parts[1])[0]
        raise InputError(f"links: no way over the links leads from `{alone}` to `{sorted(parts[0])[0]}`; add a link in "
                         "links.table, or let candidates be added with links.only_table: false")


def backbone_lengths(
    sites: Sequence[Site], name: str, figures: Mapping[str, float]
) -> dict[tuple[str, str], float]:
    """Km of fibre between sites next to each other on a backbone of topohub, such as `backbone/world`.

    A site joins at the nearest point of presence within `backbone_snap_radius`; two are next to each other where the
    shortest way between them passes the point of no third. Raises InputError: not installed, unknown, too far away.
    """
    graph, spots = _backbone(name)
    parts = [list(part) for part in nx.connected_components(graph)]
    largest = max(parts, key=len)
    inside = sorted(largest)
    latitude, longitude = (np.array([spots[n][i] for n in inside]) for i in (1, 0))
    points, way_in = {}, {}
    for site in sites:
        km = great_circle_km(site.latitude, site.longitude, latitude, longitude)
        at = int(km.argmin())
        if km[at] > figures["backbone_snap_radius"]:
            raise InputError(f"links.backbone: site `{site.id}` is {km[at]:,.0f} km from `{name}`; allowed: "
                             f"{figures['backbone_snap_radius']:g} km (wan_costs.csv, backbone_snap_radius)")
        points[site.id], way_in[site.id] = inside[at], float(km[at])
    taken = set(points.values())
    lengths: dict[tuple[str, str], float] = {}
    for one in sorted(points):
        reached = nx.single_source_dijkstra_path_length(graph, points[one], weight="dist")
        ways = nx.single_source_dijkstra_path(graph, points[one], weight="dist")
        for other in (o for o in points if o > one and points[o] in reached):
            if not taken & set(ways[points[other]][1:-1]):
                way_km = float(reached[points[other]]) + way_in[one] + way_in[other]
                lengths[one, other] = max(way_km, 1.0) * figures["backbone_route_inflation"]
    return lengths


def _backbone(name: str) -> tuple[nx.Graph[Any], dict[Any, Sequence[float]]]:
    """(graph with `dist` in km, position of each node as longitude and latitude)."""
    found = _optional("topohub", "links.backbone")
    try:
        given = found.get(name)
    except KeyError:
        raise InputError(f"links.backbone: topohub has no `{name}`; such as backbone/world, backbone/europe, "
                         "topozoo/Abilene, sndlib/polska") from None
    graph: nx.Graph[Any] = nx.Graph()
    spots = {node["id"]: node["pos"] for node in given["nodes"] if "pos" in node}
    graph.add_weighted_edges_from(((e["source"], e["target"], e["dist"]) for e in given["edges"]
                                   if e["source"] in spots and e["target"] in spots), weight="dist")
    if not len(graph):
        raise InputError(f"links.backbone: `{name}` says not where its nodes are; name another")
    return graph, spots


def sea_km(graph: nx.Graph[str], one: str, other: str, figures: Mapping[str, float]) -> float:
    """Km of cable between two sites: along sea lanes, and from both sites to the sea as over any land.

    Sea lanes go round capes as cables do. Never below the great circle.
    """
    searoute = _optional("searoute", "links.sea_distances")
    ends = [[graph.nodes[name]["longitude"], graph.nodes[name]["latitude"]] for name in (one, other)]
    at_sea, whole = (float(searoute.searoute(*ends, append_orig_dest=legs)["properties"]["length"])
                     for legs in (False, True))
    on_land = (whole - at_sea) * figures["route_inflation_over_great_circle"]
    return max(at_sea + on_land, float(graph.edges[one, other]["km"]))


def _optional(package: str, key: str) -> Any:
    try:
        return import_module(package)
    except ImportError:
        raise InputError(f"{key}: the optional package {package} is not installed; {HOW_TO_INSTALL}") from None


def wave_price_factor(gbps: float, figures: Mapping[str, float]) -> float:
    """Price per Gb/s of a wave against that of the size that prices are stated for (400 Gb/s).

    Known sizes are the rows `wave_<size>g_price_per_gbps_against_400g` of `wan_costs.csv`; between them the logarithm
    of the factor is linear in the logarithm of the size, beyond them it is held.
    """
    rows = {item: _WAVE.fullmatch(item) for item in figures}
    factors = {float(row[1]): figures[item] for item, row in rows.items() if row}
    factors |= {float(row[2]): 1.0 for row in rows.values() if row}
    sizes = sorted(factors)
    return float(np.exp(np.interp(math.log(gbps), np.log(sizes), np.log([factors[size] for size in sizes]))))


__all__ = ["backbone_lengths", "link_graph", "link_name", "sea_km", "wave_price_factor"]
