"""Batch: work asked for by the day, made in any of its slices, where whatever else is served leaves room.

    sum_{d of c,y: rtt[d,p] >= t} serve[d,p]  <=  sum_h share[h] * sum_{a of c: slack[a] >= t} out[a] * use[p,a,y,h]
                                                          each place p, commodity c, period y, round trip t
    sum_h share[h] * sum_{p, a in group g} out[a] * use[p,a,y,h]  <=  share[c,g] * sum_{d,p} serve[d,p]

A demand without a slice is of this kind: its amount is a mean over the day, and share[h] is the part of the day that
slice h lasts. A commodity is asked for by the day or by the slice, not both. What is asked for by the day loads no
links, and after a failure it waits: `survivability` knows of it only that it may be served less.
"""

from __future__ import annotations

import pyomo.environ as pyo

from capacity.errors import InputError
from capacity.formulation.coded import Coded, keyed
from capacity.formulation.index import groups, index_set, values
from capacity.formulation.presence import USE, possible_use
from capacity.formulation.relations import Values
from capacity.formulation.service import thresholds
from capacity.problem import Problem

WHERE = ["place", "commodity", "period"]


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    if not problem.by_the_day().any():
        return
    _check(problem)
    demands = keyed(problem, "demands")
    demands = demands.where(demands.is_word("slice", "")).only("demand", "commodity", "period")
    served = keyed(problem, "assignments").only("demand", "place", "rtt").join(demands, "demand")
    activities = keyed(problem, "activities").only("activity", "commodity", "slack", "group")
    running = possible_use(problem).only(*USE).join(activities.with_rows_of(demands, "commodity"), "activity")
    _made_in_the_day(m, problem, served, running)
    _shares(m, problem, demands, running)


def _made_in_the_day(m: pyo.ConcreteModel, problem: Problem, served: Coded, running: Coded) -> None:
    part = _parts_of_the_day(problem)
    m.DAY_CUSTOMERS = groups(served, WHERE, ["demand", "rtt"])
    m.DAY_SERVERS = groups(running, WHERE, ["activity", "slice", "slack"])
    asking = served if len(problem.table("activities")) else served.take(slice(0))
    m.DAY_CELL = index_set(thresholds(asking.only(*WHERE, "rtt"), running.only(*WHERE, "slack")), [*WHERE, "rtt"])

    @m.Constraint(m.DAY_CELL)
    def serve_in_a_day_what_is_made_in_it(m, p, c, y, t):
        far = sum(m.serve[d, p] for d, rtt in m.DAY_CUSTOMERS[p, c, y] if rtt >= t)
        made = sum(part[h] * m.output[a] * m.use[p, a, y, h] for a, h, slack in m.DAY_SERVERS[p, c, y] if slack >= t)
        return far <= made


def _shares(m: pyo.ConcreteModel, problem: Problem, demands: Coded, running: Coded) -> None:
    part = _parts_of_the_day(problem)
    shares = keyed(problem, "shares").with_rows_of(demands, "commodity")
    most = values(shares, ["commodity", "group"], "max_share")
    makers = groups(running, ["commodity", "group", "period"], ["place", "activity", "slice"])
    asked = groups(demands, ["commodity", "period"], ["demand"])
    m.DAY_SHARE = index_set(shares, ["commodity", "group"])

    @m.Constraint(m.DAY_SHARE, m.PERIOD)
    def a_variant_makes_at_most_its_share_of_the_day(m, c, g, y):
        if not makers[c, g, y]:
            return pyo.Constraint.Skip
        made = sum(part[h] * m.output[a] * m.use[p, a, y, h] for p, a, h in makers[c, g, y])
        return made <= most[c, g] * sum(m.serve[d, p] for d in asked[c, y] for p in m.PLACES_OF[d])


def _parts_of_the_day(problem: Problem) -> Values:
    """{slice: part of the day that it lasts}"""
    slices = problem.table("slices")
    return values(slices.assign(part=slices["hours"] / slices["hours"].sum()), ["slice"], "part")


def _check(problem: Problem) -> None:
    """Raises InputError where a demand by the day has traffic, or its commodity is asked for by the slice too."""
    demands, daily = problem.table("demands"), problem.by_the_day()
    both = set(demands.loc[daily, "commodity"]) & set(demands.loc[~daily, "commodity"])
    if both:
        raise InputError(f"table demands: commodity {sorted(both)[0]!r} is asked for by the day (an empty slice) and "
                         "by the slice; give the two kinds of work different commodities")
    names = set(demands.loc[daily, "demand"])
    for table in ("serve_loads", "assignment_paths"):
        given = problem.table(table)["demand"]
        if given.isin(names).any():
            name = given[given.isin(names)].iloc[0]
            raise InputError(
                f"table {table}: demand {name!r} is asked for by the day; its traffic has no slice to load")
