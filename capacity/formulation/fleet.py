"""Fleet: what is bought, what of it still serves, what is rented, and what it uses.

    alive[p,k,v,v]   =   bought[p,k,v] + committed[p,k,v]                      a vintage enters service whole
    alive[p,k,v,y]   <=  committed[p,k,v]        in the first period, where nothing of the vintage is for sale
    alive[p,k,v,y]   <=  alive[p,k,v,y-1]                                      an asset retired stays retired
    sum_a use[p,a,y,h]  <=  size[k] * sum_v alive[p,k,v,y] + rent[p,k,y]       use only what serves (see `ageing`,
                                                          `contracts` and `training` for what else is or is not there)
    sum_{k,v} amount[k,r] * alive[p,k,v,y]  <=  sum_b capacity[p,b] * standing[p,b,y]     power stands behind it
    the same + sum_a amount[a,r] * use[p,a,y,h]  <=  the same                  and behind what runs, where that uses any
    bought[p,k,v]    <=  max[p,k,v] * opened[p,v]                              only in an open place

An activity on no asset runs wherever its commodity may be served from, at most as far as all that may be asked there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pyomo.environ as pyo

from capacity.formulation import training
from capacity.formulation.ageing import serving_share
from capacity.formulation.closing import in_use
from capacity.formulation.coded import keyed
from capacity.formulation.contracts import declare_reservations, reserved
from capacity.formulation.index import groups, index_set, keys_of, rows, values
from capacity.formulation.presence import CELL, STANDING, USE, most_asked, most_serving, possible_use, service_years
from capacity.problem import Problem


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    _stock(m, problem)
    declare_reservations(m, problem)
    training.declare(m, problem)
    _use(m, problem)
    _resources(m, problem)


def _stock(m: pyo.ConcreteModel, problem: Problem) -> None:
    assets, cells, committed = (keyed(problem, t) for t in ("assets", "asset_cells", "committed"))
    m.ASSET = index_set(assets, ["asset"])
    m.unit_size = pyo.Param(m.ASSET, initialize=values(assets, ["asset"], "unit_size"))
    whole = values(assets, ["asset"], "integer")
    most = values(cells, CELL, "max")
    m.ASSET_CELL = index_set(cells, CELL)
    m.committed = values(committed, CELL, "count")
    m.bought = pyo.Var(
        m.ASSET_CELL,
        domain=lambda m, p, k, v: pyo.NonNegativeIntegers if whole[k] else pyo.NonNegativeReals,
        bounds=lambda m, p, k, v: (0, _finite(most[p, k, v])),
    )
    alive = service_years(problem)
    m.VINTAGE_ALIVE = index_set(alive, [*CELL, "period"])
    m.VINTAGES = groups(alive, ["place", "asset", "period"], ["vintage"])
    m.alive = pyo.Var(
        m.VINTAGE_ALIVE,
        domain=pyo.NonNegativeReals,
        bounds=lambda m, p, k, v, y: (0, _finite(most.get((p, k, v), 0.0) + m.committed.get((p, k, v), 0.0))),
    )

    @m.Constraint(m.VINTAGE_ALIVE)
    def a_vintage_only_shrinks(m, p, k, v, y):
        before = m.PERIOD.prev(y) if y != m.PERIOD.first() else None
        if before is not None and (p, k, v, before) in m.VINTAGE_ALIVE:
            return m.alive[p, k, v, y] <= m.alive[p, k, v, before]
        held = m.committed.get((p, k, v), 0.0)
        if (p, k, v) in m.ASSET_CELL:
            return m.alive[p, k, v, y] == m.bought[p, k, v] + held
        return m.alive[p, k, v, y] <= held

    @m.Constraint(m.ASSET_CELL)
    def buy_only_where_open(m, p, k, v):
        if p not in m.MUST_OPEN or most[p, k, v] == math.inf:
            return pyo.Constraint.Skip
        return m.bought[p, k, v] <= most[p, k, v] * m.opened[p, v]


def _use(m: pyo.ConcreteModel, problem: Problem) -> None:
    rentals = keyed(problem, "rentals")
    most = values(rentals, STANDING, "max")
    m.RENTAL = index_set(rentals, STANDING)
    m.rent = pyo.Var(
        m.RENTAL,
        domain=pyo.NonNegativeReals,
        bounds=lambda m, *i: (0, _finite(most[i])),
    )
    usable, share = possible_use(problem), serving_share(problem)
    m.USE = index_set(usable, USE)
    asset = values(keyed(problem, "activities"), ["activity"], "asset")
    asked = most_asked(problem)

    serving = values(most_serving(problem), STANDING, "most")

    def most_in_use(m, p, a, y, h):
        k = asset[a]
        return (0, _finite(serving[p, k, y] if k else asked[p, a, y, h]))

    m.use = pyo.Var(m.USE, domain=pyo.NonNegativeReals, bounds=most_in_use)
    on_assets = usable.where(~usable.is_word("asset", ""))
    m.ACTIVITIES_AT = groups(on_assets, ["place", "asset", "period", "slice"], ["activity"])
    m.STOCK = keys_of(m.ACTIVITIES_AT)

    @m.Constraint(m.STOCK)
    def use_only_what_still_serves(m, p, k, y, h):
        busy = sum(m.use[p, a, y, h] for a in m.ACTIVITIES_AT[p, k, y, h])
        return busy <= serving_stock(m, share, p, k, y)

    training.check_room(m, problem)
    trained = list(dict.fromkeys(rows(problem.table("training"), STANDING)))
    working = {(p, k, y) for p, k, y, _ in m.STOCK} if trained else set()
    m.TRAINED_ONLY = pyo.Set(initialize=[at for at in trained if at not in working], dimen=3)

    @m.Constraint(m.TRAINED_ONLY)
    def train_only_on_what_serves(m, p, k, y):
        return serving_stock(m, share, p, k, y) >= 0


def serving_stock(m: pyo.ConcreteModel, share: Mapping[Any, float], p: str, k: str, y: int) -> pyo.Expression:
    """Amount of an asset that serves at a place: owned, as far as its age lets it (`share`), rented and reserved, less
    what training holds."""
    serving = m.unit_size[k] * sum(share.get((k, y - v), 1.0) * m.alive[p, k, v, y] for v in m.VINTAGES[p, k, y])
    rented = m.rent[p, k, y] if (p, k, y) in m.RENTAL else 0
    return serving + rented + reserved(m, p, k, y) - training.held_by_training(m, p, k, y)


def _resources(m: pyo.ConcreteModel, problem: Problem) -> None:
    uses = keyed(problem, "asset_uses")
    m.resource_use = values(uses, ["asset", "resource"], "amount")
    users = service_years(problem).join(uses.only("asset", "resource"), "asset")
    m.USERS = groups(users, ["place", "resource", "period"], ["asset", "vintage"])
    m.RESOURCE_AT = keys_of(m.USERS)

    def provided(p, r, y):
        return sum(capacity * in_use(m, p, b, y) for b, capacity in m.PROVIDES[p, r])

    @m.Constraint(m.RESOURCE_AT)
    def blocks_carry_what_stands_in_them(m, p, r, y):
        used = sum(m.resource_use[k, r] * m.alive[p, k, v, y] for k, v in m.USERS[p, r, y])
        return used <= provided(p, r, y)

    per_use = values(problem.table("activity_uses"), ["activity", "resource"], "amount")
    running = possible_use(problem).join(keyed(problem, "activity_uses"), "activity")
    runners = groups(running, ["place", "resource", "period", "slice"], ["activity"])
    m.RESOURCE_RUNNING = keys_of(runners)

    @m.Constraint(m.RESOURCE_RUNNING)
    def blocks_carry_what_runs(m, p, r, y, h):
        used = sum(per_use[a, r] * m.use[p, a, y, h] for a in runners[p, r, y, h])
        held = sum(m.resource_use[k, r] * m.alive[p, k, v, y] for k, v in m.USERS[p, r, y])
        return used + held <= provided(p, r, y)


def _finite(bound: float) -> float | None:
    return None if bound == math.inf else bound
