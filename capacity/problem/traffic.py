"""Traffic between sites that chooses its way, users' ways over lit links, uncertain traffic, and what may be lost."""

from __future__ import annotations

import networkx as nx
import pandas as pd

from capacity.network.routes import ACCESS, k_shortest_routes, with_regions
from capacity.network.rtt import wan_figures
from capacity.problem.demand import busiest_slices
from capacity.problem.world import World
from capacity.serving import Workload

ENTRIES = 3
BITS = 8
TERM = ["flow", "sink", "variable", "place", "item", "period", "coefficient"]
DIRECT = "internet"


def free_flows(
    world: World, demand: pd.DataFrame, assigned: pd.DataFrame, partners: dict[str, str],
    state: dict[str, float], hub: str, weights: dict[int, float],
) -> dict[str, pd.DataFrame]:
    """Tables flows, flow_sinks and flow_terms: new weights from the hub to every open site, state to the partner.

    A site in service before the first year needs no opening: its weights are a fixed amount. Amounts follow the
    decisions to open and to serve; each year and slice is a flow of its own.
    """
    moments = pd.MultiIndex.from_product([world.years, world.slices["slice"]], names=["period", "slice"]).to_frame(
        index=False)
    flows, sinks = [], []
    for y, h in zip(moments["period"], moments["slice"], strict=True):
        name = f"weights | {y} | {h}"
        if weights[y] > 0:
            flows.append((name, hub, y, h))
            sinks += [(name, s.id, weights[y]) for s in world.sites if s.existing_mw > 0 and s.id != hub]
    table = pd.DataFrame(flows, columns=["flow", "source", "period", "slice"])
    mirrored, following = _mirrors(demand, assigned, partners, state)
    opening = [s.id for s in world.sites if s.existing_mw == 0 and s.id != hub]
    terms = pd.DataFrame(
        [(f, p, "open", p, "", v, weights[y]) for f, _, y, _ in flows for p in opening for v in world.years if v <= y],
        columns=TERM)
    return {
        "flows": pd.concat([table, mirrored], ignore_index=True),
        "flow_sinks": pd.DataFrame(sinks, columns=["flow", "sink", "amount"]),
        "flow_terms": pd.concat([terms, following], ignore_index=True),
    }


def _mirrors(demand: pd.DataFrame, assigned: pd.DataFrame, partners: dict[str, str],
             state: dict[str, float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(flows, flow_terms) of session state, from each site that may serve to its partner."""
    rows = assigned[["demand", "place"]].merge(demand[["demand", "commodity", "period", "slice"]], on="demand")
    rows = rows.assign(coefficient=rows["commodity"].map(state).astype(float))
    rows = rows[rows["coefficient"] > 0]
    name = "state | " + rows["place"] + " | " + rows["period"].astype(str) + " | " + rows["slice"]
    rows = rows.assign(flow=name, sink=rows["place"].map(partners), variable="serve")
    flows = rows[["flow", "place", "period", "slice"]].drop_duplicates("flow").rename(columns={"place": "source"})
    terms = rows.rename(columns={"demand": "place", "place": "item"}).assign(period=0)
    return flows, terms[TERM]


def openings_offered(terms: pd.DataFrame, openings: pd.DataFrame) -> pd.DataFrame:
    """`flow_terms` without openings that no year offers (a site's lead time)."""
    known = openings[["place", "period"]].assign(variable="open")
    both = terms.merge(known, on=["variable", "place", "period"], how="left", indicator="there")
    return terms[((terms["variable"] != "open").to_numpy()) | (both["there"] == "both").to_numpy()]


def user_paths(
    world: World, graph: nx.Graph[str], demand: pd.DataFrame, assigned: pd.DataFrame, reach: pd.Series | None
) -> dict[str, pd.DataFrame]:
    """Tables assignments, paths, path_links, assignment_paths: users' ways over lit links where those are faster.

    Each region enters at its nearest sites; the public internet stays a way of its own. Requests flow to the site,
    answers back, with their framing. A site that only a lit way brings within reach is assigned too.
    """
    direct = assigned.merge(demand[["demand", "place"]].rename(columns={"place": "region"}), on="demand")
    regions = [r for r in world.regions if r.id in set(demand["place"])]
    whole = with_regions(graph, world.sites, regions, world.catalogue, ENTRIES)
    routes = k_shortest_routes(whole, [r.id for r in regions], [s.id for s in world.sites],
                               world.scenario.links.user_routes + 1)
    routes = routes[routes["links"].map(lambda names: names != (ACCESS,))]
    routes = routes.assign(path=routes["places"].map(lambda places: " > ".join(places)))
    offered = _faster(routes, demand, direct, reach)
    lit = offered[["path", "source", "target", "rtt_ms", "links", "places"]].drop_duplicates("path")
    own = direct[direct["demand"].isin(offered["demand"])].merge(
        offered[["demand", "target"]].drop_duplicates(), left_on=["demand", "place"], right_on=["demand", "target"])
    own = own.assign(path=own["region"] + " > " + own["place"] + f" ({DIRECT})")
    plain = own.drop_duplicates("path")
    hops = lit[["path", "links", "places"]].assign(toward=lit["places"].map(lambda places: places[1:]))
    hops = hops.explode(["links", "toward"])
    hops = hops[hops["links"] != ACCESS]
    ways = pd.concat([offered[["demand", "target", "path"]].rename(columns={"target": "place"}),
                      own[["demand", "place", "path"]]], ignore_index=True)
    ways = ways.merge(demand[["demand", "commodity"]], on="demand")
    there, back = _user_rates(world)
    far = offered.groupby(["demand", "target"], as_index=False)[["rtt_ms"]].min()
    far = far.rename(columns={"target": "place", "rtt_ms": "rtt"})
    new = far.merge(assigned[["demand", "place"]], on=["demand", "place"], how="left", indicator="known")
    return {
        "assignments": pd.concat([assigned, new.loc[new["known"] == "left_only", assigned.columns]], ignore_index=True),
        "paths": pd.concat([
            pd.DataFrame({"path": lit["path"], "from": lit["source"], "to": lit["target"], "rtt": lit["rtt_ms"]}),
            pd.DataFrame({"path": plain["path"], "from": plain["region"], "to": plain["place"], "rtt": plain["rtt"]}),
        ], ignore_index=True),
        "path_links": hops.rename(columns={"links": "link"})[["path", "link", "toward"]].reset_index(drop=True),
        "assignment_paths": ways.assign(load=_lit_rate(ways, there, own), load_back=_lit_rate(ways, back, own))[
            ["demand", "place", "path", "load", "load_back"]],
    }


def _lit_rate(ways: pd.DataFrame, rates: dict[str, float], own: pd.DataFrame) -> pd.Series:
    """Gb/s per thousand instances on a path's links; nothing over the public internet."""
    return ways["commodity"].map(rates).astype(float).where(~ways["path"].isin(own["path"]), 0.0)


def _faster(routes: pd.DataFrame, demand: pd.DataFrame, direct: pd.DataFrame, reach: pd.Series | None) -> pd.DataFrame:
    """(demand, routes' columns): ways within the class's reach that beat the public internet."""
    both = demand[["demand", "place", "commodity"]].merge(routes, left_on="place", right_on="source")
    own = direct[["demand", "place", "rtt"]].rename(columns={"place": "target"})
    both = both.merge(own, on=["demand", "target"], how="left")
    within = both["commodity"].map(reach).astype(float) if reach is not None else both["rtt"]
    return both[(both["rtt_ms"] < both["rtt"].fillna(float("inf"))) & (both["rtt_ms"] <= within)]


def _user_rates(world: World) -> tuple[dict[str, float], dict[str, float]]:
    """Gb/s per thousand instances of each class, of prompts and of answers."""
    figures = wan_figures(world.catalogue)
    gbit = figures["text_bytes_per_token"] * figures["request_framing"] * BITS * 1000 / 1e9
    loads = {name: Workload.of(c) for name, c in world.scenario.classes.items()}
    return ({name: w.fresh_tokens_s * gbit for name, w in loads.items()},
            {name: w.output_tokens_s * w.branches * gbit for name, w in loads.items()})


def hoses(world: World) -> dict[str, pd.DataFrame]:
    """Table hoses: the stated totals of each site, at every moment."""
    given = world.scenario.links.hose
    if not given:
        return {}
    table = pd.DataFrame([(site, h.out, h.into) for site, h in given.items()], columns=["place", "out", "into"])
    moments = pd.DataFrame({"period": world.years}).merge(world.slices[["slice"]], how="cross")
    return {"hoses": table.merge(moments, how="cross")}


def failures(world: World, words: pd.DataFrame, demand: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Table failures: each link or site lost by itself, in the slice of each year that asks for most."""
    asked = world.scenario.links
    lost = [(f"loss of {e}", "link", e) for e in words["link"]] if "link" in asked.survive else []
    lost += [(f"loss of {s.id}", "place", s.id) for s in world.sites] if "site" in asked.survive else []
    if not lost:
        return {}
    busy = busiest_slices(demand)
    table = pd.DataFrame(lost, columns=["case", "kind", "element"]).merge(busy, how="cross")
    return {"failures": table.assign(keep=asked.survive_share)}


def most_anywhere(
    world: World, tables: dict[str, pd.DataFrame], demand: pd.DataFrame, joint: pd.DataFrame | None = None
) -> pd.Series:
    """Gb/s of all traffic that may take any way, by period (`most`): what a link could ever be asked to carry."""
    parts = []
    when = demand[["demand", "period", "slice", "amount"]]
    if "flows" in tables:
        sinks = tables["flow_sinks"].merge(tables["flows"], on="flow")
        terms = tables["flow_terms"]
        opens = terms[terms["variable"] == "open"].drop_duplicates(["flow", "sink"]).merge(tables["flows"][
            ["flow", "slice"]].assign(at=tables["flows"]["period"]), on="flow", suffixes=("_", ""))
        served = terms[terms["variable"] == "serve"][["place", "coefficient"]].drop_duplicates("place")
        served = served.rename(columns={"place": "demand"}).merge(when, on="demand")
        parts += [sinks.assign(gbps=sinks["amount"]), served.assign(gbps=served["coefficient"] * served["amount"]),
                  opens.assign(gbps=opens["coefficient"], period=opens["at"])]
    if "assignment_paths" in tables:
        ways = tables["assignment_paths"].drop_duplicates(["demand", "load", "load_back"]).merge(when, on="demand")
        ways = ways.assign(gbps=(ways["load"] + ways["load_back"]) * ways["amount"])
        parts.append(ways.loc[ways.groupby("demand")["gbps"].idxmax()] if len(ways) else ways)
    if "hoses" in tables:
        parts.append(tables["hoses"].assign(gbps=tables["hoses"]["out"] + tables["hoses"]["into"]))
    if joint is not None and len(joint):
        parts.append(_most_sent(when.merge(demand[["demand", "commodity"]], on="demand"), joint))
    whole = pd.concat([p[["period", "slice", "gbps"]] for p in parts if len(p)]) if any(map(len, parts)) else None
    if whole is None:
        return pd.Series(dtype=float)
    total = whole.groupby(["period", "slice"])["gbps"].sum().groupby("period").max()
    return total.rename("most")


def _most_sent(asked: pd.DataFrame, joint: pd.DataFrame) -> pd.DataFrame:
    """(period, slice, gbps): what would be sent if all of a class were served by the configuration that sends most."""
    makers = joint[joint["makes"] != ""].drop_duplicates("makes").set_index("makes")
    takers = joint[joint["takes"] != ""]
    load = takers["takes"].map(makers["ship_load"] + makers["ship_back"]) * takers["taken"]
    each = load / (takers["instances_per_accelerator"] * takers["equivalence"])
    most = each.groupby(takers["service_class"]).max()
    asked = asked.assign(gbps=asked["amount"] * asked["commodity"].map(most).fillna(0.0))
    return asked.groupby(["period", "slice"], as_index=False)[["gbps"]].sum()
