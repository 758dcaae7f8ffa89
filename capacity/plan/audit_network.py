"""The audit of traffic: flows, paths, what is sent, uncertain traffic, links. Rows as in `audit_rows`.

Written from the meaning of `problem.tables`, not from the formulation, so that the two can disagree. The same functions
judge the network as it is and, through `failure_view`, what is left of it after each failure.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from capacity.plan.audit_rows import at_most, equal
from capacity.plan.quantities import PUBLIC, TERM_KEY, Values, as_terms, chosen, links_lit, opened, provided
from capacity.plan.traffic import BOTH, MOMENT, directions, link_loads
from capacity.problem import Problem

Check = Callable[[Problem, Values], pd.DataFrame]
HOSE = ["source", "sink", *MOMENT]


def zero(frame: pd.DataFrame) -> pd.Series:
    """A right-hand side of zeros."""
    return pd.Series(0.0, index=frame.index)


def links(problem: Problem, values: Values) -> pd.DataFrame:
    """Traffic is within what is lit: each link, period, slice; each direction where it has its own capacity."""
    both = link_loads(problem, values).merge(links_lit(problem, values), on=["link", "period"])
    return at_most(both, ["link", "toward", *MOMENT], both["load"], both["capacity"])


def known_traffic(problem: Problem, values: Values) -> pd.DataFrame:
    """No traffic where the problem offers no way for it: against a one-way link, back into its source, on no path."""
    arcs = problem.table("flows")[["flow", "source"]].merge(directions(problem), how="cross")
    moments = problem.table("periods")[["period"]].merge(problem.table("slices")[["slice"]], how="cross")
    hoses = problem.table("hoses")
    pairs = hoses[["place", *MOMENT]].merge(hoses[["place", *MOMENT]], on=MOMENT)
    pairs = pairs.rename(columns={"place_x": "source", "place_y": "sink"}).merge(directions(problem), how="cross")
    cells = {
        "flow": arcs[arcs["toward"] != arcs["source"]],
        "via": problem.table("assignment_paths"),
        "ship": problem.table("shipments").merge(moments, how="cross"),
        "template": pairs[(pairs["source"] != pairs["sink"]) & (pairs["toward"] != pairs["source"])].assign(case=""),
    }
    parts = []
    for name, table in cells.items():
        keys = PUBLIC[name]
        given = chosen(values, name)
        given = given[given["case"] == ""] if "case" in given else given
        found = given.merge(table[list(keys)].assign(known=1.0), on=list(keys), how="left")
        unknown = found["value"].abs().where(found["known"].isna(), 0.0)
        parts.append(at_most(found.assign(variable=name), ["variable", *keys], unknown, zero(found)))
    return pd.concat(parts, ignore_index=True)


def flow_balance(problem: Problem, values: Values) -> pd.DataFrame:
    """What arrives at a place less what goes on is what must arrive there: each flow and place but its source."""
    arcs = directions(problem)
    flow = chosen(values, "flow").merge(arcs, on=["link", "toward"])
    key = ["flow", "place"]
    come = flow.rename(columns={"toward": "place"}).groupby(key, as_index=False)[["value"]].sum()
    gone = flow.rename(columns={"back": "place"}).groupby(key, as_index=False)[["value"]].sum()
    grid = pd.concat([come[key], gone[key], wanted(problem, values)[key]]).drop_duplicates()
    both = grid.merge(come, on=key, how="left").merge(gone, on=key, how="left", suffixes=("", "_gone"))
    both = both.merge(wanted(problem, values), on=key, how="left").merge(problem.table("flows"), on="flow")
    both = both[both["place"] != both["source"]].fillna({"value": 0.0, "value_gone": 0.0, "wanted": 0.0})
    return equal(both, key, both["value"] - both["value_gone"], both["wanted"])


def wanted(problem: Problem, values: Values) -> pd.DataFrame:
    """(flow, place, wanted): what must arrive, its fixed amount and what follows decisions."""
    fixed = problem.table("flow_sinks").rename(columns={"amount": "wanted"})
    terms = problem.table("flow_terms")
    parts = [fixed]
    for name in terms["variable"].unique():
        taken = as_terms(str(name), chosen(values, str(name)), PUBLIC[str(name)])[[*TERM_KEY, "value"]]
        follow = terms[terms["variable"] == name].merge(taken, on=TERM_KEY)
        parts.append(follow.assign(wanted=follow["coefficient"] * follow["value"]))
    both = pd.concat([p[["flow", "sink", "wanted"]] for p in parts if len(p)] or [fixed[["flow", "sink", "wanted"]]])
    return both.rename(columns={"sink": "place"}).groupby(["flow", "place"], as_index=False)[["wanted"]].sum()


def busier(problem: Problem, values: Values) -> pd.DataFrame:
    """Where the busier direction alone pays, neither carries more than is paid for."""
    paying = problem.table("arc_costs")
    paying = paying[paying["basis"] == "busier"][["link", "period"]]
    flow = chosen(values, "flow").merge(problem.table("flows"), on="flow").merge(paying, on=["link", "period"])
    carried = flow.groupby(["link", "toward", *MOMENT], as_index=False)[["value"]].sum()
    paid = chosen(values, "busier").rename(columns={"value": "paid"})
    both = carried.merge(paid, on=["link", *MOMENT], how="left").fillna({"paid": 0.0})
    return at_most(both, ["link", "toward", *MOMENT], both["value"], both["paid"])


def paths_taken(problem: Problem, values: Values) -> pd.DataFrame:
    """What is served takes its paths, no more and no less: each assignment that has paths."""
    key = ["demand", "place"]
    pairs = problem.table("assignment_paths")[key].drop_duplicates()
    via = chosen(values, "via").groupby(key, as_index=False)[["value"]].sum()
    both = pairs.merge(via, on=key, how="left").merge(chosen(values, "serve"), on=key, how="left",
                                                      suffixes=("", "_served"))
    both = both.fillna({"value": 0.0, "value_served": 0.0})
    return equal(both, key, both["value"], both["value_served"])


def taken(problem: Problem, values: Values) -> pd.DataFrame:
    """What activities take is made at their place or sent there, and only what is made at a place is sent from it."""
    key = ["place", "commodity", *MOMENT]
    use = chosen(values, "use")
    needs = use.merge(problem.table("needs"), on="activity")
    needs = needs.assign(needed=needs["value"] * needs["amount"]).groupby(key, as_index=False)[["needed"]].sum()
    makers = problem.table("activities")[["activity", "commodity", "output_per_unit"]]
    makers = makers[makers["commodity"].isin(problem.table("needs")["commodity"])]
    made = use.merge(makers, on="activity")
    made = made.assign(made=made["value"] * made["output_per_unit"]).groupby(key, as_index=False)[["made"]].sum()
    ship = chosen(values, "ship").merge(problem.table("paths"), on="path")
    come, gone = (ship.rename(columns={end: "place"}).groupby(key, as_index=False)[["value"]].sum()
                  for end in ("to", "from"))
    both = pd.concat([needs[key], gone[key]]).drop_duplicates()
    for part, name in ((needs, "needed"), (made, "made"), (come, "come"), (gone, "gone")):
        both = both.merge(part.rename(columns={"value": name}), on=key, how="left")
    both = both.fillna({"needed": 0.0, "made": 0.0, "come": 0.0, "gone": 0.0})
    had = at_most(both, key, both["needed"] + both["gone"], both["made"] + both["come"])
    return pd.concat([had, at_most(both, key, both["gone"], both["made"])], ignore_index=True)


def running(problem: Problem, values: Values) -> pd.DataFrame:
    """Blocks in use carry what stands and what runs: each place, resource, period, slice."""
    key = ["place", "resource", "period"]
    use = chosen(values, "use").merge(problem.table("activity_uses"), on="activity")
    used = use.assign(used=use["value"] * use["amount"]).groupby([*key, "slice"], as_index=False)[["used"]].sum()
    alive = chosen(values, "alive").merge(problem.table("asset_uses"), on="asset")
    held = alive.assign(held=alive["value"] * alive["amount"]).groupby(key, as_index=False)[["held"]].sum()
    both = used.merge(held, on=key, how="left").merge(provided(problem, values), on=key, how="left")
    both = both.fillna({"held": 0.0, "amount": 0.0})
    return at_most(both, [*key, "slice"], both["used"] + both["held"], both["amount"])


def hose_balance(problem: Problem, values: Values) -> pd.DataFrame:
    """Between any two open places with totals, whole templates arrive; a part stands for a part of an opening."""
    hoses = problem.table("hoses")[["place", *MOMENT]]
    pairs = hoses.merge(hoses, on=MOMENT, suffixes=("", "_to")).rename(columns={"place": "source", "place_to": "sink"})
    pairs = pairs[pairs["source"] != pairs["sink"]]
    is_open = opened(problem, values)
    for end in ("source", "sink"):
        pairs = pairs.merge(is_open.rename(columns={"place": end, "opened": f"{end}_open"}), on=[end, "period"])
    pairs = pairs.assign(both=(pairs["source_open"] + pairs["sink_open"] - 1).clip(lower=0.0))
    template = chosen(values, "template")
    template = template[template["case"] == ""].merge(directions(problem), on=["link", "toward"])
    key = [*HOSE, "place"]
    come = template.rename(columns={"toward": "place"}).groupby(key, as_index=False)[["value"]].sum()
    gone = template.rename(columns={"back": "place"}).groupby(key, as_index=False)[["value"]].sum()
    grid = pd.concat([come[key], gone[key], pairs.assign(place=pairs["sink"])[key]]).drop_duplicates()
    net = grid.merge(come, on=key, how="left").merge(gone, on=key, how="left", suffixes=("", "_gone"))
    net = net.fillna({"value": 0.0, "value_gone": 0.0}).merge(pairs[[*HOSE, "both"]], on=HOSE, how="left")
    net = net[net["place"] != net["source"]].fillna({"both": 0.0})
    arrives = net["place"] == net["sink"]
    balance = net["value"] - net["value_gone"]
    enough = at_most(net[arrives], key, net["both"][arrives], balance[arrives])
    passing = equal(net[~arrives], key, balance[~arrives], zero(net[~arrives]))
    return pd.concat([enough, passing], ignore_index=True)


def hose_certificate(problem: Problem, values: Values) -> pd.DataFrame:
    """Each pair's share of a link is within its certificate, so that no matrix exceeds it (weak duality)."""
    modes = problem.table("links")
    shared = set(modes[modes["mode"] == "shared"]["link"])
    template = chosen(values, "template")
    template = template[template["case"] == ""]
    template = template.assign(toward=template["toward"].mask(template["link"].isin(shared), BOTH))
    key = ["link", "toward", *MOMENT]
    used = template.groupby([*HOSE, "link", "toward"], as_index=False)[["value"]].sum()
    for name, end in (("hose_out", "source"), ("hose_into", "sink")):
        share = chosen(values, name)
        share = share[share["case"] == ""].rename(columns={"place": end, "value": name}).drop(columns="case")
        used = used.merge(share, on=[*key, end], how="left")
    used = used.fillna({"hose_out": 0.0, "hose_into": 0.0})
    return at_most(used, [*HOSE, "link", "toward"], used["value"], used["hose_out"] + used["hose_into"])


NETWORK_TOPICS: dict[str, tuple[tuple[str, ...], Check]] = {
    "traffic only where it may go": (("flows", "assignment_paths", "shipments", "hoses"), known_traffic),
    "flows arrive": (("flows",), flow_balance),
    "the busier direction pays": (("arc_costs",), busier),
    "what is served takes its paths": (("assignment_paths",), paths_taken),
    "what runs has what it takes": (("needs", "shipments"), taken),
    "blocks carry what runs": (("activity_uses",), running),
    "uncertain traffic arrives": (("hoses",), hose_balance),
    "no matrix exceeds its certificate": (("hoses",), hose_certificate),
}
"""Topic -> the tables any of which asks for it, and its rows."""


def asked_topics(problem: Problem) -> dict[str, Check]:
    """The topics that a problem's tables ask for."""
    return {topic: check for topic, (tables, check) in NETWORK_TOPICS.items()
            if any(len(problem.table(table)) for table in tables)}
