"""Links: modules lit between places carry the traffic of what is served, of what is open and of what flows.

    sum_{d of y,h; p} load[e,d,p] * serve[d,p] + sum_p load[e,p,y] * opened[p,y] + sum_{f,t} flow[f,e,t]
        + sum load * via + sum load * ship                     what takes a path over the link (`paths`)
        + sum_p out[p] * hose_out[e,p] + into[p] * hose_into[e,p]       the most that uncertain traffic may be (`hose`)
        <=  existing[e] + sum_{i, v <= y < v + life} capacity[e,i,v] * modules[e,i,v]     each link e, period y, slice h

A link whose mode is not `shared` has this row for each of its directions t, with the flows of that direction; service
and open places load both.
"""

from __future__ import annotations

import math

import pyomo.environ as pyo

from capacity.formulation import hose
from capacity.formulation.coded import keyed
from capacity.formulation.flows import declare_module_share
from capacity.formulation.index import grouped, groups, rows, values
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
        bounds=lambda m, *i: (0, None if most[i] == math.inf else most[i]),
    )
    offered = groups(table, ["link"], ["module", "period"])
    m.lit = grouped({
        (e, y): [(i, v, capacity[e, i, v]) for i, v in offered[e] if v <= y < v + life[e, i, v]]
        for e in problem.table("links")["link"] for y in m.PERIOD
    }, 2, 3)
    _capacity(m, problem)
    declare_module_share(m, problem, m.lit)


def _capacity(m: pyo.ConcreteModel, problem: Problem) -> None:
    links = problem.table("links")
    existing, mode = values(links, ["link"], "existing"), values(links, ["link"], "mode")
    carried = keyed(problem, "serve_loads").join(keyed(problem, "demands").only("demand", "period", "slice"), "demand")
    m.CARRIED = groups(carried, ["link", "period", "slice"], ["demand", "place", "load"])
    m.HELD_OPEN = groups(problem.table("open_loads"), ["link", "period"], ["place", "load"])
    busy = [
        (e, y, h) for e in existing for y in m.PERIOD for h in m.SLICE
        if m.CARRIED[e, y, h] or m.HELD_OPEN[e, y] or m.FLOWS_ON[e, y, h] or (e, y, h) in m.PATH_LOADS
        or (e, y, h) in m.HOSES_ON
    ]
    m.BUSY_LINK = pyo.Set(initialize=[at for at in busy if mode[at[0]] == "shared"], dimen=3)
    each_way = [(e, t, y, h) for e, y, h in busy if mode[e] != "shared" for t in m.ENDS[e]]
    m.BUSY_DIRECTION = pyo.Set(initialize=each_way, dimen=4)

    def room(m, e, y, h, end, flowing):
        served = sum(load * m.serve[d, p] for d, p, load in m.CARRIED[e, y, h])
        held = sum(load * (m.opened[p, y] if p in m.MUST_OPEN else 1) for p, load in m.HELD_OPEN[e, y])
        bright = sum(c * m.modules[e, i, v] for i, v, c in m.lit[e, y])
        on_paths = sum(load.on(end) * getattr(m, load.variable)[load.key] for load in m.PATH_LOADS.get((e, y, h), ())
                       ) if m.PATH_LOADS else 0
        on_hoses = hose.most(m, "", e, end, y, h) if m.HOSES_ON else 0
        return served + held + flowing + on_paths + on_hoses <= existing[e] + bright

    @m.Constraint(m.BUSY_LINK)
    def lit_modules_carry_the_traffic(m, e, y, h):
        return room(m, e, y, h, None, sum(m.flow[f, e, t] for f, t in m.FLOWS_ON[e, y, h]))

    @m.Constraint(m.BUSY_DIRECTION)
    def lit_modules_carry_each_direction(m, e, t, y, h):
        return room(m, e, y, h, t, sum(m.flow[f, e, t] for f in m.FLOWS_TOWARD[e, t, y, h]))
