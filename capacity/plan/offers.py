"""What was not on offer and how round trips were known: the plan's room to choose, in the user's words."""

from __future__ import annotations

import re

import pandas as pd

from capacity.plan.columns import conform, word
from capacity.plan.flows import KINDS
from capacity.plan.model import Plan
from capacity.plan.quantities import opened
from capacity.problem import Problem

MIRRORED = KINDS["served"]


def refused_table(problem: Problem) -> pd.DataFrame:
    """Plan table `refused`: each class, variant and pod design that no sharding plan serves within the limits."""
    return conform("refused", word(problem, "refused").sort_values(["service_class", "variant", "pod"]))


def trips_table(problem: Problem) -> pd.DataFrame:
    """Plan table `trips`: the round trip of every region and site, and how it is known."""
    trips = word(problem, "trips").rename(columns={"source": "region", "target": "site"})
    return conform("trips", trips.sort_values(["region", "site"]))


def refused_groups(plan: Plan) -> list[dict[str, str]]:
    """`service_class`, `variant`, `pods` and `reason` of each kind of refusal, the reason told of its first pod.

    Two reasons are of one kind when they differ in nothing but numbers and the pair of model and accelerator.
    """
    rows = plan.tables["refused"]
    said = rows["reason"].str.split(": ", n=1).str[-1]
    kind = [re.sub(r"[\d.,]+", "#", text) for text in said]
    groups = rows.assign(said=said, kind=kind).groupby(["service_class", "variant", "kind"], sort=False)
    return [
        {
            "service_class": str(key[0]), "variant": str(key[1]), "pods": ", ".join(group["pod"]),
            "reason": ("" if len(group) == 1 else f"{group['pod'].iloc[0]}: ") + str(group["said"].iloc[0]),
        }
        for key, group in groups
    ]


def refused_share(plan: Plan) -> tuple[int, int]:
    """Combinations of class, variant and pod design not on offer, and all that were tried."""
    missing = plan.tables["refused"][["service_class", "variant", "pod"]].drop_duplicates()
    offered = word(plan.problem, "serving")[["service_class", "variant", "pod"]].drop_duplicates()
    return len(missing), len(missing) + len(offered)


def trips_known(plan: Plan) -> dict[str, tuple[int, float]]:
    """For each basis of round trips: how many pairs of region and site, and its share of the instance-hours served."""
    trips = plan.tables["trips"]
    placed = plan.tables["placement"].merge(plan.problem.table("slices"), on="slice")
    placed = placed.assign(served=placed["instances"] * placed["hours"])
    over = placed.merge(trips[["region", "site", "basis"]], on=["region", "site"])
    shares = over.groupby("basis")["served"].sum() / max(float(over["served"].sum()), 1e-300)
    pairs = trips["basis"].value_counts()
    return {str(basis): (int(n), float(shares.get(basis, 0.0))) for basis, n in pairs.items() if basis}


def mirrored_nowhere(plan: Plan) -> str:
    """One sentence on session state whose partner, the nearest site whether open or not, is not in use then; or none.

    The partner is fixed before the plan is known: a restriction, which may light links to sites not in use.
    """
    flows = plan.tables["flows"]
    sent = flows[flows["traffic"] == MIRRORED][["year", "from", "to"]].drop_duplicates()
    there = opened(plan.problem, plan.values).rename(columns={"period": "year"})
    shut = there[there["opened"] < 0.5]
    both = pd.concat([sent.merge(shut, left_on=["year", end], right_on=["year", "place"]) for end in ("from", "to")])
    if not len(both):
        return ""
    years = both.groupby("place")["year"].agg(["min", "max"])
    when = [f"{p} ({a}{'' if a == b else f'-{b}'})" for p, a, b in years.itertuples(name=None)]
    return ("Session state is mirrored at each site's nearest neighbour, whether that is in use or not, a restriction: "
            f"here at {', '.join(when)} before it opens.")


def out_of_reach(plan: Plan) -> list[str]:
    """One sentence for each class and region whose demand no site is near enough to serve: the nearest one, its round
    trip, and the longest that the class's limits leave."""
    asked = plan.problem.table("demands")[["demand", "place", "commodity"]]
    served = asked["demand"].isin(plan.problem.table("assignments")["demand"])
    reached = served.groupby([asked["place"], asked["commodity"]]).any()
    trips = plan.tables["trips"].sort_values("rtt_ms").drop_duplicates("region").set_index("region")
    slack = plan.problem.table("activities").groupby("commodity")["slack"].max()
    out = []
    for region, name in reached.index[~reached.to_numpy()]:
        if region in trips.index and name in slack.index:
            nearest = trips.loc[region]
            out.append(f"{name} in {region} is out of reach, all of it short: the nearest site, {nearest['site']}, is "
                       f"{nearest['rtt_ms']:.0f} ms away, and {_allowed(plan, name, float(slack[name]))}")
    return out


def _allowed(plan: Plan, name: str, slack_ms: float) -> str:
    """The longest round trip that a class allows or its time to first token leaves."""
    limit = None if plan.scenario is None else plan.scenario.classes[name].max_rtt
    if limit is not None and limit * 1000 <= slack_ms:
        return f"the class allows {limit * 1000:.0f} ms (classes.{name}.max_rtt)"
    return f"the fastest configuration leaves {slack_ms:.0f} ms of the time to first token (classes.{name}.ttft)"
