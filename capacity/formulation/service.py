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
import pyomo.environ as pyo

from capacity.formulation import paths
from capacity.formulation.coded import Coded, keyed, stacked
from capacity.formulation.index import groups, index_set, values
from capacity.formulation.numbering import numbered_keys, sorted_once
from capacity.formulation.presence import possible_use
from capacity.formulation.relations import numbered
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

    alone = demands.where(demands.numbers("single_source"))
    m.SINGLE = index_set(assignments.with_rows_of(alone, "demand"), ["demand", "place"])
    m.chosen = pyo.Var(m.SINGLE, domain=pyo.Binary)

    @m.Constraint(m.SINGLE)
    def one_place_serves_it_whole(m, d, p):
        return m.serve[d, p] == m.amount[d] * m.chosen[d, p]


def _latency(m: pyo.ConcreteModel, problem: Problem) -> None:
    where = ["place", "commodity", "period", "slice"]
    demands = keyed(problem, "demands").only("demand", "commodity", "period", "slice")
    demands = demands.where(~demands.is_word("slice", ""))
    by_path = keyed(problem, "assignment_paths")
    served = keyed(problem, "assignments").only("demand", "place", "rtt")
    if by_path.size:
        served = served.where(served.rows_in(by_path, "demand", "place") < 0)
    served = served.join(demands, "demand")
    by_path = by_path.join(keyed(problem, "paths").only("path", "rtt"), "path").join(demands, "demand")
    activities = keyed(problem, "activities")
    slacks = activities.only("activity", "commodity").with_column("slack", activities.coded("slack"))
    usable = possible_use(problem).join(slacks, "activity")
    m.CUSTOMERS = groups(served, where, ["demand", "rtt"])
    m.PATH_CUSTOMERS = groups(by_path, where, ["demand", "path", "rtt"])
    m.SERVERS = groups(usable, where, ["activity", "slack"])
    m.output = values(activities, ["activity"], "output_per_unit")
    asking = stacked([table.only(*where, "rtt") for table in (served, by_path)])
    cells = thresholds(asking if activities.size else asking.take(slice(0)), usable.only(*where, "slack"))
    m.LATENCY_CELL = index_set(cells, [*where, "rtt"])

    @m.Constraint(m.LATENCY_CELL)
    def serve_within_latency_what_is_made(m, p, c, y, h, t):
        far = sum(m.serve[d, p] for d, rtt in m.CUSTOMERS[p, c, y, h] if rtt >= t)
        far += sum(m.via[d, p, w] for d, w, rtt in m.PATH_CUSTOMERS[p, c, y, h] if rtt >= t)
        fast = sum(m.output[a] * m.use[p, a, y, h] for a, slack in m.SERVERS[p, c, y, h] if slack >= t)
        return far <= fast


def thresholds(asking: Coded, serving: Coded) -> Coded:
    """Rows (place, commodity, period, slice, rtt): the round trips that need a row, least of each run that no slack of
    what serves there separates. `asking` has their rtt, `serving` the slack."""
    where = [name for name in asking.columns if name != "rtt"]
    cell = numbered(stacked([asking.only(*where), serving.only(*where)]).relation(where))[0]
    slack = serving.coded("slack")
    assert slack.labels is not None
    slacks, rank = np.unique(slack.labels.to_numpy(), return_inverse=True)
    step, trips, cells = len(slacks) + 1, asking.numbers("rtt"), int(cell.max(initial=0)) + 1
    own, others = cell[: asking.size], sorted_once(cell[asking.size :] * step + rank[slack.codes], cells * step)
    # a cell has one run more than it has slacks: with its number added, no two cells share one
    run = np.searchsorted(others, own * step + np.searchsorted(slacks, trips))
    code, first = numbered_keys(own + run, len(others) + cells)
    least = trips[first]
    np.minimum.at(least, code, trips)
    return asking.take(first).plus(rtt=least)


def _shares(m: pyo.ConcreteModel, problem: Problem) -> None:
    demands, shares = keyed(problem, "demands"), keyed(problem, "shares")
    shares = shares.where(shares.rows_in(demands.where(demands.is_word("slice", "")), "commodity") < 0)
    m.SHARE = index_set(shares, ["commodity", "group"])
    m.max_share = values(shares, ["commodity", "group"], "max_share")
    grouped = keyed(problem, "activities").only("activity", "commodity", "group").with_rows_of(shares, "group")
    usable = possible_use(problem).join(grouped, "activity")
    members = groups(usable, ["commodity", "group", "period", "slice"], ["place", "activity"])
    asked = groups(demands, ["commodity", "period", "slice"], ["demand"])

    @m.Constraint(m.SHARE, m.PERIOD, m.SLICE)
    def a_variant_serves_at_most_its_share(m, c, g, y, h):
        if not members[c, g, y, h]:
            return pyo.Constraint.Skip
        made = sum(m.output[a] * m.use[p, a, y, h] for p, a in members[c, g, y, h])
        served = sum(m.serve[d, p] for d in asked[c, y, h] for p in m.PLACES_OF[d])
        return made <= m.max_share[c, g] * served
