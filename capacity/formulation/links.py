"""Links: modules lit between places carry the traffic of what is served and of what is open.

    sum_{d of y,h; p} load[e,d,p] * serve[d,p] + sum_p load[e,p,y] * opened[p,y]
        <=  existing[e] + sum_{i, v <= y < v + life} capacity[e,i,v] * modules[e,i,v]      each link e, period y, slice h
"""

from __future__ import annotations

import math

import pyomo.environ as pyo

from capacity.formulation.index import groups, rows, values
from capacity.problem import Problem

CELL = ["link", "module", "period"]


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    table = problem.table("modules")
    m.MODULE_CELL = pyo.Set(initialize=rows(table, CELL), dimen=3)
    most, whole = values(table, CELL, "max"), values(table, CELL, "integer")
    capacity, life = values(table, CELL, "capacity"), values(table, CELL, "life")
    m.modules = pyo.Var(
        m.MODULE_CELL,
        domain=lambda m, *i: pyo.NonNegativeIntegers if whole[i] else pyo.NonNegativeReals,
        bounds=lambda m, *i: (0, None if math.isinf(most[i]) else most[i]),
    )
    lit = groups(table, ["link"], ["module", "period"])
    existing = values(problem.table("links"), ["link"], "existing")

    demands = problem.table("demands")[["demand", "period", "slice"]]
    carried = problem.table("serve_loads").merge(demands, on="demand")
    m.CARRIED = groups(carried, ["link", "period", "slice"], ["demand", "place", "load"])
    m.HELD_OPEN = groups(problem.table("open_loads"), ["link", "period"], ["place", "load"])
    busy = [(e, y, h) for e in existing for y in m.PERIOD for h in m.SLICE if m.CARRIED[e, y, h] or m.HELD_OPEN[e, y]]
    m.BUSY_LINK = pyo.Set(initialize=busy, dimen=3)

    @m.Constraint(m.BUSY_LINK)
    def lit_modules_carry_the_traffic(m, e, y, h):
        served = sum(load * m.serve[d, p] for d, p, load in m.CARRIED[e, y, h])
        held = sum(load * (m.opened[p, y] if p in m.MUST_OPEN else 1) for p, load in m.HELD_OPEN[e, y])
        bright = sum(capacity[e, i, v] * m.modules[e, i, v] for i, v in lit[e] if v <= y < v + life[e, i, v])
        return served + held <= existing[e] + bright
