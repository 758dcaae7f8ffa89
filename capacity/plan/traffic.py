"""What the values of a solution put on the links, direction by direction, and how much of each link is lit.

These helpers know the meaning of the waist's tables and nothing of the formulation.
"""

from __future__ import annotations

import pandas as pd

from capacity.plan.quantities import Values, chosen, opened, slice_shares
from capacity.problem import Problem

MOMENT = ["period", "slice"]
BOTH = ""
"""Toward neither end in particular: a link whose directions share its capacity."""


def directions(problem: Problem) -> pd.DataFrame:
    """(link, back, toward): each direction that a link has."""
    links = problem.table("links")
    onward = links.rename(columns={"from": "back", "to": "toward"})[["link", "back", "toward", "mode"]]
    homeward = links.rename(columns={"to": "back", "from": "toward"})[["link", "back", "toward", "mode"]]
    both = pd.concat([onward, homeward[homeward["mode"] != "one_way"]], ignore_index=True)
    return both[["link", "back", "toward"]]


def ends(problem: Problem) -> pd.DataFrame:
    """(link, toward): the directions that have a capacity of their own; BOTH where they share one."""
    links = problem.table("links")[["link", "mode"]]
    own = directions(problem).merge(links, on="link")
    shared = links[links["mode"] == "shared"].assign(toward=BOTH)
    return pd.concat([own[own["mode"] != "shared"], shared])[["link", "toward"]].reset_index(drop=True)


def link_parts(problem: Problem, values: Values) -> pd.DataFrame:
    """(link, toward, period, slice, kind, load): data rate on each link toward each of its `ends`, by kind of traffic.

    Kinds: served, open, flow, via, ship, hose. What has no direction of its own (served over a fixed way, open) counts
    whole in each.
    """
    shared = problem.table("links")
    shared = shared[shared["mode"] == "shared"][["link"]]
    parts = [part(problem, values) for part in (_fixed, _flowing, _on_paths, _uncertain)]
    told = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    joint = told["link"].isin(shared["link"])
    told = told.assign(toward=told["toward"].mask(joint, BOTH))
    key = ["link", "toward", *MOMENT, "kind"]
    return told.groupby(key, as_index=False)[["load"]].sum()


def link_loads(problem: Problem, values: Values) -> pd.DataFrame:
    """(link, toward, period, slice, load): all kinds of traffic together."""
    key = ["link", "toward", *MOMENT]
    return link_parts(problem, values).groupby(key, as_index=False)[["load"]].sum()


def link_traffic(problem: Problem, values: Values) -> pd.DataFrame:
    """(link, period, slice, load): traffic that counts against a link's capacity; of two directions the busier."""
    key = ["link", *MOMENT]
    return link_loads(problem, values).groupby(key, as_index=False)[["load"]].max()


def _fixed(problem: Problem, values: Values) -> pd.DataFrame:
    """What is served and what is open, over its one way, in both directions alike."""
    demands = problem.table("demands")[["demand", *MOMENT]]
    served = problem.table("serve_loads").merge(chosen(values, "serve"), on=["demand", "place"])
    served = served.merge(demands, on="demand").assign(load=lambda t: t["load"] * t["value"], kind="served")
    held = problem.table("open_loads").merge(opened(problem, values), on=["place", "period"])
    held = held.assign(load=held["load"] * held["opened"], kind="open")
    held = held.merge(slice_shares(problem)[["slice"]], how="cross")
    columns = ["link", *MOMENT, "kind", "load"]
    whole = pd.concat([served[columns], held[columns]]).groupby(["link", *MOMENT, "kind"], as_index=False).sum()
    return whole.merge(ends(problem), on="link")


def _flowing(problem: Problem, values: Values) -> pd.DataFrame:
    flow = chosen(values, "flow").merge(problem.table("flows"), on="flow")
    return flow.assign(load=flow["value"], kind="flow")[["link", "toward", *MOMENT, "kind", "load"]]


def on_paths(problem: Problem, values: Values) -> pd.DataFrame:
    """(kind, path, period, slice, amount, load, load_back): what takes each path."""
    demands = problem.table("demands")[["demand", *MOMENT]]
    via = chosen(values, "via").merge(problem.table("assignment_paths"), on=["demand", "place", "path"])
    via = via.merge(demands, on="demand").assign(kind="via")
    ship = chosen(values, "ship").merge(problem.table("shipments"), on=["commodity", "path"]).assign(kind="ship")
    columns = ["kind", "path", *MOMENT, "value", "load", "load_back"]
    both = pd.concat([p[columns] for p in (via, ship) if len(p)] or [via[columns]], ignore_index=True)
    return both.assign(load=both["load"] * both["value"], load_back=both["load_back"] * both["value"])


def _on_paths(problem: Problem, values: Values) -> pd.DataFrame:
    taken = on_paths(problem, values).merge(problem.table("path_links"), on="path")
    other = directions(problem).merge(taken[["link", "toward"]].drop_duplicates(), left_on=["link", "back"],
                                      right_on=["link", "toward"], suffixes=("", "_end"))
    back = taken.merge(other[["link", "back", "toward"]].rename(columns={"toward": "away"}),
                       left_on=["link", "toward"], right_on=["link", "back"], how="left")
    back = back.assign(toward=back["away"].fillna(BOTH), load=back["load_back"])
    columns = ["link", "toward", *MOMENT, "kind", "load"]
    return pd.concat([taken[columns], back[back["load"] > 0][columns]], ignore_index=True)


def _uncertain(problem: Problem, values: Values) -> pd.DataFrame:
    """The most that uncertain traffic may be, by its certificate; of the network as it is."""
    hoses = problem.table("hoses")
    parts = []
    for name, total in (("hose_out", "out"), ("hose_into", "into")):
        share = chosen(values, name)
        share = share[share["case"] == ""].merge(hoses, on=["place", *MOMENT])
        parts.append(share.assign(load=share["value"] * share[total], kind="hose"))
    both = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    return both[["link", "toward", *MOMENT, "kind", "load"]]
