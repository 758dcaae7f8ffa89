"""The audit of every failure: a problem of what is left after it, and its values, judged by the same rows.

Each case and moment becomes a slice of its own, `SLICE after CASE`; demands and flows are there again under such names.
What `still_*` does not speak of (what is bought, lit, opened) is as it is. After the loss of links alone, service and
use are as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from capacity.plan import audit_network as network
from capacity.plan import audit_rows as rows
from capacity.plan.audit_rows import at_most
from capacity.plan.quantities import PUBLIC, Values, chosen, links_lit, opened
from capacity.plan.traffic import MOMENT, ends, link_parts
from capacity.problem import Problem

AFTER = " after "
Check = Callable[[Problem, Values], pd.DataFrame]

TOPICS: dict[str, Check] = {
    "latency": rows.latency,
    "use only what serves": rows.stock,
    "shares of variants": rows.shares,
    "traffic only where it may go": network.known_traffic,
    "flows arrive": network.flow_balance,
    "what is served takes its paths": network.paths_taken,
    "what runs has what it takes": network.taken,
    "blocks carry what runs": network.running,
    "uncertain traffic arrives": network.hose_balance,
    "no matrix exceeds its certificate": network.hose_certificate,
}
"""Rows that hold after a failure as they do before it."""


def failure_rows(problem: Problem, values: Values) -> dict[str, pd.DataFrame]:
    """{topic: rows} of all failures together; empty for a problem without any."""
    if not len(problem.table("failures")):
        return {}
    moments = _moments(problem)
    left, still = _problem_left(problem, moments), _values_left(problem, values, moments)
    out = {f"after failures: {topic}": check(left, still) for topic, check in TOPICS.items()}
    out["after failures: links carry the traffic"] = _links(
        left, still, _lost_links(problem), _lost(problem, "place"))
    out["after failures: nothing at lost places"] = _nothing_there(problem, values)
    out["after failures: what was served still is"] = _kept(problem, values, moments)
    out["after failures: only from open places"] = _open_only(left, still)
    return {topic: frame for topic, frame in out.items() if len(frame)}


def _moments(problem: Problem) -> pd.DataFrame:
    """(case, period, slice, keep, relocates, after): each failure, and whether it takes a place away."""
    table = problem.table("failures").assign(relocates=lambda t: t["kind"] == "place")
    out = table.groupby(["case", *MOMENT], as_index=False, sort=False).agg(
        keep=("keep", "min"), relocates=("relocates", "max"))
    return out.assign(after=out["slice"] + AFTER + out["case"])


def _lost(problem: Problem, kind: str) -> pd.DataFrame:
    """(case, period, slice, element, after) of the lost elements of one kind."""
    table = problem.table("failures")
    table = table[table["kind"] == kind][["case", *MOMENT, "element"]]
    return table.assign(after=table["slice"] + AFTER + table["case"])


def _lost_links(problem: Problem) -> pd.DataFrame:
    """(case, period, slice, element, after): lost links, those of lost places among them."""
    ends = problem.table("links")[["link", "from", "to"]].melt("link", value_name="element")[["link", "element"]]
    through = _lost(problem, "place").merge(ends, on="element").drop(columns="element")
    return pd.concat([_lost(problem, "link"), through.rename(columns={"link": "element"})]).drop_duplicates()


def _again(table: pd.DataFrame, moments: pd.DataFrame, column: str | None = None) -> pd.DataFrame:
    """Rows of a table by moment, once for each failure at it, in its slice; `column` gets the case in its name."""
    both = table.merge(moments[["case", *MOMENT, "after"]], on=MOMENT)
    both = both.assign(slice=both["after"])
    return both.assign(**{column: both[column] + AFTER + both["case"]}) if column else both


def _renamed(table: pd.DataFrame, names: pd.DataFrame, column: str) -> pd.DataFrame:
    """Rows that speak of a demand or flow, once for each of its names after failures."""
    return table.merge(names, on=column).drop(columns=column).rename(columns={f"{column}_after": column})


def _names(table: pd.DataFrame, moments: pd.DataFrame, column: str) -> pd.DataFrame:
    both = table[[column, *MOMENT]].merge(moments, on=MOMENT)
    return pd.DataFrame({column: both[column], f"{column}_after": both[column] + AFTER + both["case"]})


def _problem_left(problem: Problem, moments: pd.DataFrame) -> Problem:
    """What must hold after each failure, as a problem of its own; lost links and places are dealt with apart."""
    gone = _lost(problem, "place").rename(columns={"element": "place"})[["place", "period", "after"]]
    demands = _again(problem.table("demands"), moments, "demand")
    flows = _again(problem.table("flows"), moments, "flow")
    flows = _without(flows.assign(place=flows["source"]), gone).drop(columns="place")
    flow_names = _names(problem.table("flows"), moments, "flow")
    flow_names = flow_names[flow_names["flow_after"].isin(flows["flow"])]
    names = _names(problem.table("demands"), moments, "demand")
    sinks = [
        _arriving(_renamed(problem.table(t), flow_names, "flow"), flows, gone) for t in ("flow_sinks", "flow_terms")
    ]
    hoses = _without(_again(problem.table("hoses"), moments), gone)
    slices = pd.DataFrame({"slice": moments["after"].unique()}).assign(hours=0.0)
    waits = problem.table("demands").loc[problem.by_the_day(), "commodity"]  # work of the day, after a failure
    shares = problem.table("shares")
    tables = {
        **problem.tables, "slices": slices, "shares": shares[~shares["commodity"].isin(waits)],
        "demands": demands[problem.table("demands").columns],
        "flows": flows[problem.table("flows").columns], "hoses": hoses[problem.table("hoses").columns],
        "flow_sinks": sinks[0], "flow_terms": _terms(sinks[1], moments),
        **{t: _renamed(problem.table(t), names, "demand") for t in ("assignments", "serve_loads", "assignment_paths")},
    }
    return replace(problem, tables=tables, words={})


def _without(table: pd.DataFrame, gone: pd.DataFrame) -> pd.DataFrame:
    """Rows (place, period, slice) whose place is not lost then."""
    both = table.merge(gone.rename(columns={"after": "slice"}).drop_duplicates(), on=["place", *MOMENT], how="left",
                       indicator="lost")
    return both[both["lost"] == "left_only"].drop(columns="lost")


def _arriving(sinks: pd.DataFrame, flows: pd.DataFrame, gone: pd.DataFrame) -> pd.DataFrame:
    """Sinks of flows (or terms of them) that are not lost."""
    when = flows[["flow", *MOMENT]].rename(columns={"period": "_period", "slice": "_slice"})
    lost = gone.rename(columns={"place": "sink", "period": "_period", "after": "_slice"})
    both = sinks.merge(when, on="flow").merge(lost.drop_duplicates(), on=["sink", "_period", "_slice"], how="left",
                                              indicator="lost")
    return both[both["lost"] == "left_only"][sinks.columns]


def _terms(terms: pd.DataFrame, moments: pd.DataFrame) -> pd.DataFrame:
    """Terms whose variables have other names after a failure."""
    case = terms["flow"].str.rsplit(AFTER, n=1).str[-1] if len(terms) else terms["flow"]
    served, used = terms["variable"] == "serve", terms["variable"] == "use"
    return terms.assign(
        place=(terms["place"] + AFTER + case).where(served, terms["place"]),
        slice=(terms["slice"] + AFTER + case).where(used, terms["slice"]),
    )


def _values_left(problem: Problem, values: Values, moments: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every variable as it is after the failures, under the names of `_problem_left`."""
    stays = moments[~moments["relocates"]]
    when = problem.table("demands")[["demand", *MOMENT]]
    served = _again(chosen(values, "serve").merge(when, on="demand"), stays, "demand")
    used = _again(chosen(values, "use"), stays)
    out = dict(values)
    for name, plain in (("serve", served), ("use", used)):
        moved = _of_case(chosen(values, f"still_{name}"), name)
        out[name] = pd.concat([plain[[*PUBLIC[name], "value"]], moved], ignore_index=True)
    for name in ("via", "ship", "flow"):
        out[name] = _of_case(chosen(values, f"still_{name}"), name)
    for name in ("template", "hose_out", "hose_into"):
        given = chosen(values, name)
        given = given[given["case"] != ""]
        out[name] = given.assign(slice=given["slice"] + AFTER + given["case"], case="")
    return out


def _of_case(still: pd.DataFrame, name: str) -> pd.DataFrame:
    """`still_*` under the names after the failure."""
    case = AFTER + still["case"]
    renamed = {c: still[c] + case for c in ("demand", "flow", "slice") if c in PUBLIC[name]}
    return still.assign(**renamed)[[*PUBLIC[name], "value"]]


def _links(left: Problem, still: Values, lost: pd.DataFrame, lost_places: pd.DataFrame) -> pd.DataFrame:
    """Traffic is within what is lit; a lost link carries nothing. Traffic of lost places over fixed ways is gone."""
    parts = [link_parts(left, still), _open_at_lost_places(left, still, lost_places)]
    gone = lost[["element", "period", "after"]].drop_duplicates()
    gone = gone.rename(columns={"element": "link", "after": "slice"})
    key = ["link", "toward", *MOMENT]
    loads = pd.concat(parts).groupby(key, as_index=False)[["load"]].sum()
    loads = loads.merge(links_lit(left, still), on=["link", "period"])
    loads = loads.merge(gone, on=["link", *MOMENT], how="left", indicator="lost")
    there = loads["capacity"].where(loads["lost"] == "left_only", 0.0)
    return at_most(loads, key, loads["load"], there)


def _open_at_lost_places(left: Problem, still: Values, lost: pd.DataFrame) -> pd.DataFrame:
    """The traffic of open places that `link_parts` counts at every moment, where the place is lost: taken off again."""
    there = lost.drop(columns="slice").rename(columns={"element": "place", "after": "slice"})
    held = left.table("open_loads").merge(opened(left, still), on=["place", "period"])
    held = held.merge(there, on=["place", "period"])
    held = held.assign(load=-held["load"] * held["opened"], kind="open").merge(ends(left), on="link")
    return held[["link", "toward", *MOMENT, "kind", "load"]]


def _nothing_there(problem: Problem, values: Values) -> pd.DataFrame:
    """Nothing is served, runs, passes or is sent at a lost place or over a lost link."""
    places = _lost(problem, "place").rename(columns={"element": "place"})
    hops = problem.table("path_links").merge(_lost_links(problem).rename(columns={"element": "link"}), on="link")
    ends = problem.table("paths")[["path", "from", "to"]].melt("path", value_name="place").merge(places, on="place")
    cut = pd.concat([hops[["case", "path", *MOMENT]], ends[["case", "path", *MOMENT]]]).drop_duplicates()
    when = problem.table("demands")[["demand", *MOMENT]]
    parts = []
    for name, there, by in (("still_serve", places, "place"), ("still_use", places, "place"),
                            ("still_via", cut, "path"), ("still_ship", cut, "path")):
        given = chosen(values, name)
        given = given if "period" in given else given.merge(when, on="demand")
        found = given.merge(there[["case", by, *MOMENT]].drop_duplicates(), on=["case", by, *MOMENT])
        parts.append(at_most(found.assign(variable=name), ["variable", "case", by], found["value"],
                             network.zero(found)))
    return pd.concat(parts, ignore_index=True)


def _kept(problem: Problem, values: Values, moments: pd.DataFrame) -> pd.DataFrame:
    """After the loss of a place, the asked share of what was served of each demand is served still."""
    demands = problem.table("demands")[["demand", *MOMENT]]
    before = chosen(values, "serve").groupby("demand", as_index=False)[["value"]].sum().merge(demands, on="demand")
    before = before.merge(moments[moments["relocates"]], on=MOMENT)
    still = chosen(values, "still_serve").groupby(["case", "demand"], as_index=False)[["value"]].sum()
    both = before.merge(still, on=["case", "demand"], how="left", suffixes=("", "_still")).fillna({"value_still": 0.0})
    if len(problem.table("keeps")):
        own = problem.table("keeps").rename(columns={"keep": "own"})
        both = both.merge(problem.table("demands")[["demand", "commodity"]], on="demand")
        both = both.merge(own, on=["case", "commodity"], how="left")
        both = both.assign(keep=both["own"].fillna(both["keep"]))
    return at_most(both, ["case", "demand"], both["keep"] * both["value"], both["value_still"])


def _open_only(left: Problem, still: Values) -> pd.DataFrame:
    """Nothing is served from a place that is not open, or beyond what an assignment allows."""
    demands = left.table("demands")[["demand", "period", "amount"]]
    serve = still["serve"].merge(demands, on="demand").merge(opened(left, still), on=["place", "period"])
    serve = serve.merge(left.table("assignments")[["demand", "place", "max"]], on=["demand", "place"], how="left")
    most = serve[["max", "amount"]].min(axis=1).where(serve["max"].notna(), 0.0)
    return at_most(serve, ["demand", "place"], serve["value"], most * serve["opened"])
