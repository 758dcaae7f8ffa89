"""Service: who is served from where, within latency, and who is not.

    sum_p serve[d,p] + short[d]  =  amount[d]                                          every demand is served or short
    sum_{d of c,y,h: rtt[d,p] >= t} serve[d,p]  <=  sum_{a of c: slack[a] >= t} out[a] * use[p,a,y,h]
                                                  each place p, commodity c, period y, slice h, round trip t
    serve[d,p]  <=  amount[d] * opened[p,y]                                            only from an open place
    sum_{p, a in group g} out[a] * use[p,a,y,h]  <=  share[c,g] * sum_{d,p} serve[d,p] a variant's largest share

A problem without activities needs nothing to be made: its places serve freely once they are open.
What is asked for by the day has its rows in `batch`. What takes a path (`paths`) counts with the path's round trip, as
via[d,p,w] in place of serve[d,p].
Nested round trips make the latency rule exact: `use` needs no tier. Where no configuration distinguishes two round
trips, the stronger row stands for both.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from capacity.formulation import paths
from capacity.formulation.coded import keyed
from capacity.formulation.fleet import possible_use
from capacity.formulation.index import groups, index_set, rows, values
from capacity.formulation.relations import Relation
from capacity.problem import Problem


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    _demand(m, problem)
    paths.declare(m, problem)
    _latency(m, problem)
    _shares(m, problem)


def _demand(m: pyo.ConcreteModel, problem: Problem) -> None:
    demands, assignments = keyed(problem, "demands"), keyed(problem, "assignments")
    m.DEMAND = index_set(demands, ["demand"])
    m.amount = values(demands, ["demand"], "amount")
    most = values(assignments, ["demand", "place"], "max")
    must = values(demands, ["demand"], "must_serve")
    period = values(demands, ["demand"], "period")
    m.ASSIGNMENT = index_set(assignments, ["demand", "place"])
    m.serve = pyo.Var(
        m.ASSIGNMENT,
        domain=pyo.NonNegativeReals,
        bounds=lambda m, d, p: (0, min(most[d, p], m.amount[d])),
    )
    m.short = pyo.Var(
        m.DEMAND, domain=pyo.NonNegativeReals, bounds=lambda m, d: (0, 0 if must[d] else m.amount[d])
    )
    m.PLACES_OF = groups(assignments, ["demand"], ["place"])

    @m.Constraint(m.DEMAND)
    def every_demand_is_served_or_short(m, d):
        return sum(m.serve[d, p] for p in m.PLACES_OF[d]) + m.short[d] == m.amount[d]

    @m.Constraint(m.ASSIGNMENT)
    def serve_only_from_open_places(m, d, p):
        if p not in m.MUST_OPEN:
            return pyo.Constraint.Skip
        return m.serve[d, p] <= min(most[d, p], m.amount[d]) * m.opened[p, period[d]]

    alone = demands.loc[demands["single_source"], "demand"]
    m.SINGLE = index_set(assignments[assignments["demand"].isin(alone)], ["demand", "place"])
    m.chosen = pyo.Var(m.SINGLE, domain=pyo.Binary)

    @m.Constraint(m.SINGLE)
    def one_place_serves_it_whole(m, d, p):
        return m.serve[d, p] == m.amount[d] * m.chosen[d, p]


def _latency(m: pyo.ConcreteModel, problem: Problem) -> None:
    demands = keyed(problem, "demands").loc[~problem.by_the_day(), ["demand", "commodity", "period", "slice"]]
    served = keyed(problem, "assignments")[["demand", "place", "rtt"]].merge(demands, on="demand")
    served = served[[at not in m.WAYS for at in rows(served, ["demand", "place"])]] if m.WAYS else served
    trips = problem.table("paths")[["path", "rtt"]]
    by_path = keyed(problem, "assignment_paths")
    by_path = by_path.merge(trips, on="path").merge(demands, on="demand") if len(by_path) else by_path.assign(
        rtt=0.0, commodity="", period=0, slice="")
    activities = keyed(problem, "activities")
    usable = possible_use(problem).merge(activities[["activity", "commodity", "slack"]], on="activity")
    where = ["place", "commodity", "period", "slice"]
    m.CUSTOMERS = groups(served, where, ["demand", "rtt"])
    m.PATH_CUSTOMERS = groups(by_path, where, ["demand", "path", "rtt"])
    m.SERVERS = groups(usable, where, ["activity", "slack"])
    m.output = values(activities, ["activity"], "output_per_unit")
    asking = pd.concat([served[[*where, "rtt"]], by_path[[*where, "rtt"]]]) if len(by_path) else served[[*where, "rtt"]]
    cells = thresholds(asking if len(activities) else asking.head(0), usable[[*where, "slack"]])
    m.LATENCY_CELL = index_set(cells, [*where, "rtt"])

    @m.Constraint(m.LATENCY_CELL)
    def serve_within_latency_what_is_made(m, p, c, y, h, t):
        far = sum(m.serve[d, p] for d, rtt in m.CUSTOMERS[p, c, y, h] if rtt >= t)
        far += sum(m.via[d, p, w] for d, w, rtt in m.PATH_CUSTOMERS[p, c, y, h] if rtt >= t)
        fast = sum(m.output[a] * m.use[p, a, y, h] for a, slack in m.SERVERS[p, c, y, h] if slack >= t)
        return far <= fast


def thresholds(asking: pd.DataFrame, serving: pd.DataFrame) -> pd.DataFrame:
    """Rows (place, commodity, period, slice, rtt): the round trips that need a row, least of each run that no slack of
    what serves there separates. `asking` has their rtt, `serving` the slack."""
    where = [c for c in asking.columns if c != "rtt"]
    cell = pd.factorize(Relation.of(pd.concat([asking[where], serving[where]]), where).keys)[0].astype(np.int64)
    slacks, level = np.unique(serving["slack"], return_inverse=True)
    step, trips = len(slacks) + 1, asking["rtt"].to_numpy()
    own, others = cell[: len(asking)], np.unique(cell[len(asking) :] * step + level)
    run = np.searchsorted(others, own * step + np.searchsorted(slacks, trips))
    code, runs = pd.factorize(own * (len(others) + 1) + run)
    first, least = np.zeros(len(runs), dtype=np.int64), np.full(len(runs), np.inf)
    first[code[::-1]] = np.arange(len(code))[::-1]
    np.minimum.at(least, code, trips)
    return asking.iloc[first].assign(rtt=least)


def _shares(m: pyo.ConcreteModel, problem: Problem) -> None:
    shares = problem.table("shares")
    daily = problem.table("demands").loc[problem.by_the_day(), "commodity"]
    shares = shares[~shares["commodity"].isin(daily)]
    m.SHARE = index_set(shares, ["commodity", "group"])
    m.max_share = values(shares, ["commodity", "group"], "max_share")
    grouped = keyed(problem, "activities")[["activity", "commodity", "group"]]
    usable = possible_use(problem).merge(grouped[grouped["group"].isin(shares["group"])], on="activity")
    members = groups(usable, ["commodity", "group", "period", "slice"], ["place", "activity"])
    demands = groups(keyed(problem, "demands"), ["commodity", "period", "slice"], ["demand"])

    @m.Constraint(m.SHARE, m.PERIOD, m.SLICE)
    def a_variant_serves_at_most_its_share(m, c, g, y, h):
        if not members[c, g, y, h]:
            return pyo.Constraint.Skip
        made = sum(m.output[a] * m.use[p, a, y, h] for p, a in members[c, g, y, h])
        served = sum(m.serve[d, p] for d in demands[c, y, h] for p in m.PLACES_OF[d])
        return made <= m.max_share[c, g] * served
