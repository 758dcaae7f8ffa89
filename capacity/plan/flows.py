"""Plan table `flows`: every kind of traffic between places, from where to where, by which way and how much."""

from __future__ import annotations

import pandas as pd

from capacity.plan.audit_network import wanted
from capacity.plan.columns import conform
from capacity.plan.quantities import Values
from capacity.plan.traffic import MOMENT, link_parts, on_paths
from capacity.problem import Problem

KINDS = {"served": "mirrored state", "open": "new weights", "hose": "uncertain traffic"}
"""Traffic that is known link by link."""
FREE = "any"
"""What chooses its own way, in parts if need be."""
LEAST = 1e-9
"""Gb/s that are no traffic but rounding."""


def flows_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `flows`.

    Traffic that is known by link (fixed ways, uncertain traffic at its most) has a row a link; what takes a path has
    one a path; what chooses its way one a pair of places.
    """
    parts = [_by_link(problem, values), _free(problem, values), _by_path(problem, values)]
    rows = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    rows = rows[rows["gbps"] > LEAST].rename(columns={"period": "year"})
    return conform("flows", rows.sort_values(["year", "slice", "traffic", "from", "to", "way"]))


def _by_link(problem: Problem, values: Values) -> pd.DataFrame:
    ends = problem.table("links")[["link", "from", "to"]]
    parts = link_parts(problem, values)
    parts = parts[parts["kind"].isin(list(KINDS))].groupby(["link", *MOMENT, "kind"], as_index=False)[["load"]].max()
    told = parts.merge(ends, on="link").rename(columns={"load": "gbps", "link": "way"})
    return told.assign(traffic=told["kind"].map(KINDS), rtt_ms=float("nan"))


def _free(problem: Problem, values: Values) -> pd.DataFrame:
    told = wanted(problem, values).merge(problem.table("flows"), on="flow")
    told = told.rename(columns={"wanted": "gbps", "source": "from", "place": "to"})
    kind = told["flow"].str.split(" | ", regex=False).str[0] if len(told) else told["flow"]
    names = {"weights": "new weights", "state": "mirrored state"}
    return told.assign(traffic=kind.map(names).fillna(told["flow"]), way=FREE, rtt_ms=float("nan"))


def _by_path(problem: Problem, values: Values) -> pd.DataFrame:
    taken = on_paths(problem, values).merge(problem.table("paths"), on="path")
    taken = taken.assign(gbps=taken["load"] + taken["load_back"])
    key = ["kind", "path", "from", "to", "rtt", *MOMENT]
    told = taken.groupby(key, as_index=False)[["gbps"]].sum().rename(columns={"path": "way", "rtt": "rtt_ms"})
    return told.assign(traffic=told["kind"].map({"via": "users", "ship": "sent between sites"}))
