"""Paths: which way over the links takes what is served, and what is sent from place to place.

    sum_w via[d,p,w]  =  serve[d,p]                             each demand d and place p with paths w between them
    via counts in the latency rows with its path's round trip (`service`), and loads its links (`links`)

    sum_a need[a,c] * use[p,a,y,h]  <=  sum_a out[a] * use[p,a,y,h]
                                        + sum_{w to p} ship[c,w,y,h] - sum_{w from p} ship[c,w,y,h]
    sum_{w from p} ship[c,w,y,h]    <=  sum_a out[a] * use[p,a,y,h]              what is sent on was made at its place
                                              each place p, commodity c that activities take, period y, slice h

Only the paths listed may be taken: a restriction, priced out in `solving.unrestricted`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import pandas as pd
import pyomo.environ as pyo

from capacity.errors import InputError
from capacity.formulation.coded import keyed
from capacity.formulation.index import groups, rows
from capacity.formulation.presence import possible_use
from capacity.problem import Problem

PATH = ["demand", "place", "path"]
SENT = ["commodity", "path", "period", "slice"]


class Load(NamedTuple):
    """A variable's data rate on a link, per unit: along its path, which leaves the link at `toward`, and against it."""

    variable: str
    key: tuple[Any, ...]
    toward: str
    along: float
    against: float

    def on(self, end: str | None) -> float:
        """Toward one end of the link, or both together."""
        if end is None:
            return self.along + self.against
        return self.along if end == self.toward else self.against


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    _check(problem)
    given = problem.table("assignment_paths")
    m.PATH = pyo.Set(initialize=rows(given, PATH), dimen=3)
    m.via = pyo.Var(m.PATH, domain=pyo.NonNegativeReals, bounds=lambda m, d, p, w: (0, m.serve[d, p].ub))
    m.WAYS = groups(given, ["demand", "place"], ["path"])
    m.WITH_PATHS = pyo.Set(initialize=list(m.WAYS), dimen=2)

    @m.Constraint(m.WITH_PATHS)
    def what_is_served_takes_some_path(m, d, p):
        return sum(m.via[d, p, w] for w in m.WAYS[d, p]) == m.serve[d, p]

    _shipments(m, problem)
    m.PATH_LOADS = loads(problem)


def _shipments(m: pyo.ConcreteModel, problem: Problem) -> None:
    ends = problem.table("paths")[["path", "from", "to"]]
    sent, offered = problem.table("shipments"), pd.DataFrame(columns=[*SENT, "from", "to"])
    if len(sent):
        moments = problem.table("periods")[["period"]].merge(problem.table("slices")[["slice"]], how="cross")
        offered = sent.merge(ends, on="path").merge(moments, how="cross")
    m.SHIPMENT = pyo.Set(initialize=rows(offered, SENT), dimen=4)
    m.ship = pyo.Var(m.SHIPMENT, domain=pyo.NonNegativeReals)
    m.ARRIVING = groups(offered, ["to", "commodity", "period", "slice"], ["path"])
    m.LEAVING = groups(offered, ["from", "commodity", "period", "slice"], ["path"])
    runs, needs = possible_use(problem), keyed(problem, "needs")
    made = runs.join(keyed(problem, "activities").only("activity", "commodity", "output_per_unit"), "activity")
    made = made.with_rows_of(needs, "commodity")
    where = ["place", "commodity", "period", "slice"]
    m.MAKERS = groups(made, where, ["activity", "output_per_unit"])
    m.TAKERS = groups(runs.join(needs, "activity"), where, ["activity", "amount"])
    m.TAKEN = pyo.Set(initialize=list(m.TAKERS), dimen=4)
    m.SENT_FROM = pyo.Set(initialize=list(m.LEAVING), dimen=4)

    @m.Constraint(m.TAKEN)
    def what_runs_has_what_it_takes(m, p, c, y, h):
        needed = sum(amount * m.use[p, a, y, h] for a, amount in m.TAKERS[p, c, y, h])
        arriving = sum(m.ship[c, w, y, h] for w in m.ARRIVING[p, c, y, h])
        leaving = sum(m.ship[c, w, y, h] for w in m.LEAVING[p, c, y, h])
        return needed + leaving <= sum(out * m.use[p, a, y, h] for a, out in m.MAKERS[p, c, y, h]) + arriving

    @m.Constraint(m.SENT_FROM)
    def what_is_sent_was_made_there(m, p, c, y, h):
        made_there = sum(out * m.use[p, a, y, h] for a, out in m.MAKERS[p, c, y, h])
        return sum(m.ship[c, w, y, h] for w in m.LEAVING[p, c, y, h]) <= made_there


def loads(problem: Problem) -> dict[tuple[str, int, str], list[Load]]:
    """{(link, period, slice): what paths put on it}"""
    hops = problem.table("path_links")
    if not len(hops):
        return {}
    demands = problem.table("demands")[["demand", "period", "slice"]]
    served = problem.table("assignment_paths").merge(demands, on="demand").merge(hops, on="path")
    moments = problem.table("periods")[["period"]].merge(problem.table("slices")[["slice"]], how="cross")
    sent = problem.table("shipments").merge(moments, how="cross").merge(hops, on="path")
    out: dict[tuple[str, int, str], list[Load]] = defaultdict(list)
    for name, keys, table in (("via", PATH, served), ("ship", SENT, sent)):
        at, index = rows(table, ["link", "period", "slice"]), rows(table, keys)
        numbers = rows(table, ["toward", "load", "load_back"])
        for where, key, (toward, along, against) in zip(at, index, numbers, strict=True):
            if along or against:
                out[where].append(Load(name, key, toward, along, against))
    return out


def _check(problem: Problem) -> None:
    """Raises InputError where paths, what is taken and what is demanded do not fit together."""
    if not any(len(problem.table(t)) for t in ("path_links", "assignment_paths", "needs")):
        return
    links = problem.table("links")[["link", "from", "to"]].rename(columns={"from": "one", "to": "other"})
    hops = problem.table("path_links").merge(links, on="link")
    wrong = hops[(hops["toward"] != hops["one"]) & (hops["toward"] != hops["other"])]
    if len(wrong):
        row = wrong.iloc[0]
        raise InputError(f"table path_links: link {row['link']!r} does not lead toward {row['toward']!r}; allowed: "
                         f"{row['one']!r}, {row['other']!r}")
    given = problem.table("assignment_paths")
    named = problem.table("assignments")[["demand", "place"]]
    pairs = named[named["demand"].isin(given["demand"])].assign(known=1.0)
    given = given.merge(pairs, on=["demand", "place"], how="left")
    if given["known"].isna().any():
        row = given[given["known"].isna()].iloc[0]
        raise InputError(f"table assignment_paths: demand {row['demand']!r} is not assigned to {row['place']!r}")
    asked = set(problem.table("demands")["commodity"])
    for commodity in problem.table("needs")["commodity"]:
        if commodity in asked:
            raise InputError(f"table needs: {commodity!r} is demanded too; what activities take must be demanded by "
                             "nobody")
