"""Links between sites: candidates, modules, and the traffic that the plan puts on them.

Two kinds of traffic: mirrored session state from each site to its nearest neighbour, and new model weights from the
hub (the site nearest to all others) to every open site along the route of least round trip. One route each: a
restriction, stated in the plan.
"""

from __future__ import annotations

import math
from itertools import pairwise

import networkx as nx
import pandas as pd

from capacity.network import site_graph
from capacity.network.sites import link_name
from capacity.problem.money import discount
from capacity.problem.world import World
from capacity.serving import kv_bytes, weight_bytes

MODULE = "wave"


def links(world: World, demand: pd.DataFrame, assigned: pd.DataFrame) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """(tables links, modules, serve_loads, open_loads; links in the user's words). Data rates in Gb/s."""
    if not world.scenario.links.include or len(world.sites) < 2:
        return {}, pd.DataFrame(columns=["link", "from", "to", "km", "rtt_ms", "gbps_module", "usd_per_gbps_year"])
    graph = site_graph(world.sites, world.catalogue, neighbours=world.scenario.links.neighbours)
    words = pd.DataFrame(
        [
            {
                "link": link_name(a, b),
                "from": a,
                "to": b,
                "km": d["km"],
                "rtt_ms": d["rtt_ms"],
                "gbps_module": world.scenario.links.module,
                "usd_per_gbps_year": d["usd_per_gbps_year"],
            }
            for a, b, d in graph.edges(data=True)
        ]
    )
    mirrored, updates = _mirrored(world, graph, demand, assigned), _weights(world, graph)
    tables = {
        "links": words[["link", "from", "to"]].assign(existing=0.0),
        "modules": _modules(world, words, _most(mirrored, updates, demand)),
        "serve_loads": mirrored,
        "open_loads": updates,
    }
    return tables, words


def _most(mirrored: pd.DataFrame, updates: pd.DataFrame, demand: pd.DataFrame) -> pd.Series:
    """Gb/s that a link could ever be asked to carry in a year, by (link, period): all of its traffic at once."""
    asked = mirrored.merge(demand[["demand", "period", "slice", "amount"]], on="demand")
    asked["gbps"] = asked["load"] * asked["amount"]
    served = asked.groupby(["link", "period", "slice"])["gbps"].sum().groupby(["link", "period"]).max()
    held = updates.groupby(["link", "period"])["load"].sum()
    return served.add(held, fill_value=0.0)


def _modules(world: World, words: pd.DataFrame, most: pd.Series) -> pd.DataFrame:
    """Waves on offer where traffic may arise.

    A lit wave costs its yearly price, at the prices of the year of lighting, for its life inside the horizon.
    """
    life = int(world.scenario.links.life)
    decline = world.catalogue.constant("wavelength_price_decline")
    years = pd.DataFrame({"period": world.years})
    table = words[["link", "gbps_module", "usd_per_gbps_year"]].merge(years, how="cross")
    table = table.merge(most.rename("most").reset_index(), on=["link", "period"])
    price = (1 - decline) ** (table["period"] - world.scenario.money.price_year)
    yearly = table["usd_per_gbps_year"] * table["gbps_module"] * price / 1e6
    served = (world.years[-1] + 1 - table["period"]).clip(upper=life)
    ahead = [
        sum(discount(world.scenario, pd.Series([y + i for i in range(n)], dtype=float).to_numpy()))
        for y, n in zip(table["period"], served, strict=True)
    ]
    return pd.DataFrame(
        {
            "link": table["link"],
            "module": MODULE,
            "period": table["period"],
            "capacity": table["gbps_module"],
            "max": (table["most"] / table["gbps_module"]).map(math.ceil),
            "life": life,
            "objective": yearly * ahead,
            "cash": yearly,
        }
    )


def _mirrored(world: World, graph: nx.Graph[str], demand: pd.DataFrame, assigned: pd.DataFrame) -> pd.DataFrame:
    """Gb/s per thousand instances on the link from the serving site to its nearest neighbour."""
    share = world.scenario.links.sync_share
    if share == 0:
        return pd.DataFrame(columns=["link", "demand", "place", "load"])
    rate = {name: share * _state_bytes(world, name) * 8 * 1000 / 3600 / 1e9 for name in world.scenario.classes}
    partner = {s: min(graph[s].items(), key=lambda item: (item[1]["rtt_ms"], item[0]))[0] for s in graph}
    rows = assigned.merge(demand[["demand", "commodity"]], on="demand")
    return pd.DataFrame(
        {
            "link": [link_name(s, partner[s]) for s in rows["place"]],
            "demand": rows["demand"],
            "place": rows["place"],
            "load": rows["commodity"].map(rate).astype(float),
        }
    )


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


def _weights(world: World, graph: nx.Graph[str]) -> pd.DataFrame:
    """Gb/s that new weights need on each link of the route from the hub to an open site."""
    if world.scenario.links.model_updates_per_year == 0:
        return pd.DataFrame(columns=["link", "place", "period", "load"])
    hub = min(graph, key=lambda n: (sum(nx.single_source_dijkstra_path_length(graph, n, weight="rtt_ms").values()), n))
    seconds = world.scenario.links.update_hours * 3600
    load = {
        year: max(
            (
                weight_bytes(world.catalogue.model(v.model), v.weights)
                for v in world.scenario.variants.values()
                if (v.available or world.catalogue.model(v.model).available) <= year
            ),
            default=0.0,
        )
        * 8
        / seconds
        / 1e9
        for year in world.years
    }
    routes = nx.single_source_dijkstra_path(graph, hub, weight="rtt_ms")
    rows = [
        (link_name(a, b), site, year, load[year])
        for site, route in routes.items()
        for a, b in pairwise(route)
        for year in world.years
    ]
    return pd.DataFrame(rows, columns=["link", "place", "period", "load"])
