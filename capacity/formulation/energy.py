"""Energy: what runs draws power from sources at the meter, at the price of the hour; stores move it between hours.

    sum_s draw[p,s,y,h] + sum_t (discharge[p,t,y,h] - charge[p,t,y,h])
        =  sum_a amount[p,a,y] * use[p,a,y,h] + sum_b amount[p,b] * in_use[p,b,y]     every draw is supplied
                                     (and what trains: `training`; what stands idle: `idle`)
    draw[p,s,y,h]  <=  max[p,s,y,h] + sum_b amount[p,s,b] * in_use[p,b,y]            sources give what they have
    charge[p,t,y,h], discharge[p,t,y,h]  <=  power[t] * in_use[p,b(t),y]
    sum_h hours[h] * (efficiency[t] * charge[p,t,y,h] - discharge[p,t,y,h])  =  0    a day ends as full as it began
    sum_h hours[h] * discharge[p,t,y,h]  <=  days * energy[t] * in_use[p,b(t),y]     one cycle a day

All in MW, averaged over a slice. Limits on carbon, water or the share of clean power are `limits` over `draw`.
"""

from __future__ import annotations

import math
from collections import defaultdict

import pyomo.environ as pyo

from capacity.formulation.closing import in_use, most_in_use
from capacity.formulation.coded import keyed
from capacity.formulation.idle import Idle
from capacity.formulation.index import groups, rows, values
from capacity.formulation.presence import possible_use
from capacity.formulation.training import drawn_by_training
from capacity.problem import Problem

HOURS_OF_DAY = 24.0
KEY = ["place", "source", "period", "slice"]


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    sources = problem.table("sources")
    m.SOURCE = pyo.Set(initialize=rows(sources, KEY), dimen=4)
    idle = Idle(problem)
    needed = _most_needed(m, problem, idle)
    m.draw = pyo.Var(m.SOURCE, domain=pyo.NonNegativeReals, bounds=lambda m, p, s, y, h: (0, needed[p, y, h]))
    _stores(m, problem)
    _balance(m, problem, idle)
    most = values(sources, KEY, "max")
    feeding = groups(problem.table("source_blocks"), ["place", "source"], ["block", "amount"])

    @m.Constraint(m.SOURCE)
    def sources_give_what_they_have(m, p, s, y, h):
        if most[p, s, y, h] == math.inf:
            return pyo.Constraint.Skip
        fed = sum(amount * in_use(m, p, b, y) for b, amount in feeding[p, s])
        return m.draw[p, s, y, h] <= most[p, s, y, h] + fed


def _balance(m: pyo.ConcreteModel, problem: Problem, idle: Idle) -> None:
    draws, keys = keyed(problem, "draws"), ["place", "activity", "period"]
    amount = values(draws.where(draws.numbers("amount") != 0), keys, "amount")
    running = possible_use(problem).join(draws if amount else draws.take(slice(0)), *keys)
    users = groups(running, ["place", "period", "slice"], ["activity"])
    steady = groups(problem.table("block_draws"), ["place"], ["block", "amount"])
    giving = groups(problem.table("sources"), ["place", "period", "slice"], ["source"])
    stored = groups(problem.table("stores"), ["place"], ["store"])
    trained = drawn_by_training(problem)
    always = [(p, y, h) for p in steady for y in m.PERIOD for h in m.SLICE]
    always += [(p, y, h) for p, y in (*trained, *idle.places()) for h in m.SLICE]
    m.DRAWN = pyo.Set(initialize=list(dict.fromkeys([*users, *giving, *always])), dimen=3)

    @m.Constraint(m.DRAWN)
    def every_draw_is_supplied(m, p, y, h):
        given = sum(m.draw[p, s, y, h] for s in giving[p, y, h])
        moved = sum(m.discharge[p, t, y, h] - m.charge[p, t, y, h] for t in stored[p])
        running = sum(amount.get((p, a, y), 0.0) * m.use[p, a, y, h] for a in users[p, y, h])
        always_on = sum(each * in_use(m, p, b, y) for b, each in steady[p])
        training = sum(mw * m.train[p, k, n] for k, n, mw in trained[p, y])
        return given + moved == running + always_on + training + idle.drawn(m, p, y)


def _most_needed(m: pyo.ConcreteModel, problem: Problem, idle: Idle) -> dict[tuple[str, int, str], float | None]:
    """Bound of what one source is asked for: all that may run, stand and charge at once."""
    draws = problem.table("draws")
    amount = values(draws[draws["amount"] != 0], ["place", "activity", "period"], "amount")
    need: dict[tuple[str, int, str], float] = defaultdict(float)
    for p, a, y, h in m.USE if amount else ():
        if (p, a, y) in amount:
            most = m.use[p, a, y, h].ub
            need[p, y, h] += math.inf if most is None else amount[p, a, y] * most
    steady = rows(problem.table("block_draws"), ["place", "block", "amount"])
    stored = rows(problem.table("stores"), ["place", "block", "power"])
    for p, b, each in [*steady, *stored]:
        for y in m.PERIOD:
            most = each * most_in_use(m, p, b, y)
            for h in m.SLICE:
                need[p, y, h] += most
    for (p, y), runs in drawn_by_training(problem).items():
        for h in m.SLICE:
            need[p, y, h] += sum(mw for _, _, mw in runs)
    for (p, y), mw in idle.most(m).items():
        for h in m.SLICE:
            need[p, y, h] += mw
    return {at: _finite(need[at]) for at in ((p, y, h) for p, _, y, h in m.SOURCE)}


def _finite(bound: float) -> float | None:
    return None if bound == math.inf else bound


def _stores(m: pyo.ConcreteModel, problem: Problem) -> None:
    stores = problem.table("stores")
    block, power, energy, back = (
        values(stores, ["place", "store"], c) for c in ("block", "power", "energy", "efficiency")
    )
    m.STORE = pyo.Set(initialize=rows(stores, ["place", "store"]), dimen=2)
    hours = values(problem.table("slices"), ["slice"], "hours")
    days = sum(hours.values()) / HOURS_OF_DAY
    most = {(p, t, y): power[p, t] * most_in_use(m, p, block[p, t], y) for p, t in m.STORE for y in m.PERIOD}
    m.charge = pyo.Var(m.STORE, m.PERIOD, m.SLICE, bounds=lambda m, p, t, y, h: (0, _finite(most[p, t, y])))
    m.discharge = pyo.Var(m.STORE, m.PERIOD, m.SLICE, bounds=lambda m, p, t, y, h: (0, _finite(most[p, t, y])))

    @m.Constraint(m.STORE, m.PERIOD, m.SLICE)
    def a_store_charges_within_its_power(m, p, t, y, h):
        return m.charge[p, t, y, h] <= power[p, t] * in_use(m, p, block[p, t], y)

    @m.Constraint(m.STORE, m.PERIOD, m.SLICE)
    def a_store_gives_within_its_power(m, p, t, y, h):
        return m.discharge[p, t, y, h] <= power[p, t] * in_use(m, p, block[p, t], y)

    @m.Constraint(m.STORE, m.PERIOD)
    def a_day_ends_as_full_as_it_began(m, p, t, y):
        return sum(hours[h] * (back[p, t] * m.charge[p, t, y, h] - m.discharge[p, t, y, h]) for h in m.SLICE) == 0

    @m.Constraint(m.STORE, m.PERIOD)
    def one_cycle_a_day(m, p, t, y):
        given = sum(hours[h] * m.discharge[p, t, y, h] for h in m.SLICE)
        return given <= days * energy[p, t] * in_use(m, p, block[p, t], y)


def cost(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    prices = values(problem.table("sources"), KEY, "objective")
    return sum(price * m.draw[i] for i, price in prices.items() if price)
