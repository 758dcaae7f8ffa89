"""Links between sites: candidates, modules, and the traffic that the plan puts on them.

Mirrored session state goes from each site to its nearest neighbour, and new model weights from the hub (the site
nearest to all others) to every open site. With `routing: fixed` each has one way, that of least round trip: a
restriction, stated in the plan. With `routing: free` both choose their ways (`traffic`), as they must where losses are
to be survived. Users' traffic may take lit links (`traffic.user_paths`).
"""

from __future__ import annotations

import math
from itertools import pairwise

import networkx as nx
import pandas as pd

from capacity.network.links import link_graph, wave_price_factor
from capacity.network.rtt import wan_figures
from capacity.network.sites import link_name
from capacity.problem import traffic
from capacity.problem.joint import shipments
from capacity.problem.mirrors import companions, partners, state_rates
from capacity.problem.money import discount
from capacity.problem.world import World
from capacity.serving import weight_bytes

MODULE = "wave"
MONTHS = 12
WORDS = ["link", "from", "to", "km", "rtt_ms", "gbps_module", "usd_per_gbps_year", "route_km", "basis", "medium",
         "existing_gbps"]


def links(
    world: World, demand: pd.DataFrame, assigned: pd.DataFrame, reach: pd.Series | None = None,
    joint: pd.DataFrame | None = None,
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """(tables of links and what they carry; links in the user's words). Data rates in Gb/s.

    `reach` is the longest round trip of each class in ms; users' routes over lit links bring further sites within it,
    and the assignments are returned with them. Raises InputError for links that do not fit the sites.
    """
    asked = world.scenario.links
    if not asked.include or len(world.sites) < 2:
        return {}, pd.DataFrame(columns=WORDS)
    demand = demand[demand["slice"] != ""]  # batch work takes the public internet, and nothing of it is mirrored
    graph = link_graph(world.sites, world.catalogue, asked)
    words = pd.DataFrame([{"link": link_name(a, b), "from": a, "to": b, "gbps_module": asked.module, **d}
                          for a, b, d in graph.edges(data=True)])
    tables = {"links": words[["link", "from", "to"]].assign(
        existing=words["existing_gbps"], mode="each_way" if asked.full_duplex else "shared")}
    if asked.routing == "fixed":
        tables |= {"serve_loads": _mirrored(world, graph, demand, assigned), "open_loads": _weights(world, graph)}
        most = _most(tables["serve_loads"], tables["open_loads"], demand)
    else:
        tables |= traffic.free_flows(world, demand, assigned, partners(graph), state_rates(world), _hub(graph),
                                     _weight_rates(world))
        most = pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[], []], names=["link", "period"]))
    if asked.user_routes:
        tables |= traffic.user_paths(world, graph, demand, assigned, reach)
    if joint is not None and len(joint):
        sent = shipments(graph, joint)
        tables |= {name: pd.concat([tables[name], t], ignore_index=True) if name in tables else t
                   for name, t in sent.items()}
    tables |= companions(world, partners(graph)) | traffic.hoses(world) | traffic.failures(world, words, demand)
    everywhere = traffic.most_anywhere(world, tables, demand, joint)
    if len(everywhere):
        grid = words[["link"]].merge(everywhere.reset_index(), how="cross").set_index(["link", "period"])["most"]
        most = most.add(grid, fill_value=0.0) if len(most) else grid
    tables["modules"] = _modules(world, words, most)
    return tables, words[WORDS]


def _most(mirrored: pd.DataFrame, updates: pd.DataFrame, demand: pd.DataFrame) -> pd.Series:
    """Gb/s that a link could ever be asked to carry in a year, by (link, period): all of its traffic at once."""
    asked = mirrored.merge(demand[["demand", "period", "slice", "amount"]], on="demand")
    asked["gbps"] = asked["load"] * asked["amount"]
    served = asked.groupby(["link", "period", "slice"])["gbps"].sum().groupby(["link", "period"]).max()
    held = updates.groupby(["link", "period"])["load"].sum()
    return served.add(held, fill_value=0.0)


def _modules(world: World, words: pd.DataFrame, most: pd.Series) -> pd.DataFrame:
    """Waves on offer where traffic may arise, from the year in which they can be lit.

    A lit wave costs its yearly price, at the prices of the year of lighting, for its life inside the horizon.
    """
    sizes = pd.DataFrame(_sizes(world), columns=["module", "capacity", "price_factor"])
    years = pd.DataFrame({"period": world.years})
    table = words[["link", "usd_per_gbps_year", "lead_months", "life_years", "most_gbps"]]
    table = table.merge(years, how="cross")
    table = table.merge(most.rename("most").reset_index(), on=["link", "period"]).merge(sizes, how="cross")
    table = table[table["period"] >= world.years[0] + (table["lead_months"] / MONTHS).map(math.ceil)]
    table = table.reset_index(drop=True)
    life = table["life_years"].astype(int)
    decline = world.catalogue.constant("wavelength_price_decline")
    price = (1 - decline) ** (table["period"] - world.scenario.money.price_year)
    yearly = table["usd_per_gbps_year"] * table["price_factor"] * table["capacity"] * price / 1e6
    served = (world.years[-1] + 1 - table["period"]).clip(upper=life)
    ahead = [
        sum(discount(world.scenario, pd.Series([y + i for i in range(n)], dtype=float).to_numpy()))
        for y, n in zip(table["period"], served, strict=True)
    ]
    allowed = (table["most_gbps"] / table["capacity"]).map(lambda n: n if math.isinf(n) else math.floor(n + 1e-9))
    return pd.DataFrame(
        {
            "link": table["link"],
            "module": table["module"],
            "period": table["period"],
            "capacity": table["capacity"],
            "max": (table["most"] / table["capacity"]).map(math.ceil).astype(float).clip(upper=allowed),
            "life": life,
            "objective": yearly * ahead,
            "cash": yearly,
        }
    )


def _sizes(world: World) -> list[tuple[str, float, float]]:
    """(name, Gb/s, price per Gb/s against the stated one) of the waves on offer."""
    asked = world.scenario.links
    if not asked.modules:
        return [(MODULE, asked.module, 1.0)]
    figures = wan_figures(world.catalogue)
    return [(f"{MODULE} {g:g}G", g, wave_price_factor(g, figures)) for g in sorted(set(asked.modules))]


def _mirrored(world: World, graph: nx.Graph[str], demand: pd.DataFrame, assigned: pd.DataFrame) -> pd.DataFrame:
    """Gb/s per thousand instances on the link from the serving site to its nearest neighbour."""
    if world.scenario.links.sync_share == 0:
        return pd.DataFrame(columns=["link", "demand", "place", "load"])
    rate, partner = state_rates(world), partners(graph)
    rows = assigned.merge(demand[["demand", "commodity"]], on="demand")
    return pd.DataFrame(
        {
            "link": [link_name(s, partner[s]) for s in rows["place"]],
            "demand": rows["demand"],
            "place": rows["place"],
            "load": rows["commodity"].map(rate).astype(float),
        }
    )


def _weights(world: World, graph: nx.Graph[str]) -> pd.DataFrame:
    """Gb/s that new weights need on each link of the route from the hub to an open site."""
    if world.scenario.links.model_updates_per_year == 0:
        return pd.DataFrame(columns=["link", "place", "period", "load"])
    hub, load = _hub(graph), _weight_rates(world)
    routes = nx.single_source_dijkstra_path(graph, hub, weight="rtt_ms")
    rows = [
        (link_name(a, b), site, year, load[year])
        for site, route in routes.items()
        for a, b in pairwise(route)
        for year in world.years
    ]
    return pd.DataFrame(rows, columns=["link", "place", "period", "load"])


def _hub(graph: nx.Graph[str]) -> str:
    """The site nearest to all others, where new weights come from."""
    return min(graph, key=lambda n: (sum(nx.single_source_dijkstra_path_length(graph, n, weight="rtt_ms").values()), n))


def _weight_rates(world: World) -> dict[int, float]:
    """Gb/s that the largest set of weights of each year needs to reach a site in time; 0 where nothing is updated."""
    seconds = world.scenario.links.update_hours * 3600
    if world.scenario.links.model_updates_per_year == 0:
        return dict.fromkeys(world.years, 0.0)
    return {
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
