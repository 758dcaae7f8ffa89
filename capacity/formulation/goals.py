"""Goals: what is minimised, first to last.

    shortage           sum_d weight[d] * hours[h] * short[d]
    cost               sum of all discounted costs: openings, blocks, assets, upkeep, rent, use, service, modules,
                       flows, holding, contracts, energy, moves; less the proceeds of resale
    cost_and_shortage  cost + sum_d price[d] * short[d]
    served             - sum_d weight[d] * hours[h] * (amount[d] - short[d])
"""

from __future__ import annotations

import pandas as pd
import pyomo.environ as pyo

from capacity.errors import InputError
from capacity.formulation import closing, contracts, energy, flows, stability
from capacity.formulation.ageing import proceeds, with_upkeep_factor
from capacity.formulation.coded import keyed
from capacity.formulation.fleet import service_years
from capacity.formulation.index import values
from capacity.problem import Problem


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    goals = problem.table("goals").sort_values("order")["goal"].tolist() or ["cost"]
    known = {
        "shortage": lambda m: _shortage(m, problem),
        "cost": lambda m: _cost(m, problem),
        "cost_and_shortage": lambda m: _cost(m, problem) + _priced_shortage(m, problem),
        "served": lambda m: _shortage(m, problem) - _asked(problem),
    }
    for goal in goals:
        if goal not in known:
            raise InputError(f"no goal {goal!r}; allowed: {', '.join(known)}")
        m.add_component(f"goal_{goal}", pyo.Objective(rule=known[goal], sense=pyo.minimize))


def _weights(problem: Problem) -> pd.Series:
    """Weight of one amount of each demand: its own weight times the share of the year its slice lasts."""
    hours = problem.table("slices").set_index("slice")["hours"]
    demands = problem.table("demands").set_index("demand")
    return demands["weight"] * demands["slice"].map(hours) / max(float(hours.sum()), 1e-300)


def _shortage(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    weights = _weights(problem).rename("weight").reset_index()
    return sum(w * m.short[d] for d, w in values(weights, ["demand"], "weight").items())


def _asked(problem: Problem) -> float:
    demands = problem.table("demands").set_index("demand")
    return float((demands["amount"] * _weights(problem)).sum())


def _priced_shortage(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    prices = values(problem.table("demands"), ["demand"], "shortage_price")
    return sum(price * m.short[d] for d, price in prices.items() if price)


def _cost(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    return (
        _column(m.open, problem, "openings", ["place", "period"])
        + _column(m.built, problem, "block_cells", ["place", "block", "period"])
        + _column(m.bought, problem, "asset_cells", ["place", "asset", "vintage"])
        + _column(m.rent, problem, "rentals", ["place", "asset", "period"])
        + _column(m.modules, problem, "modules", ["link", "module", "period"])
        + _column(m.serve, problem, "assignments", ["demand", "place"], "unit_cost")
        + _upkeep(m, problem)
        + _running(m, problem)
        + flows.cost(m, problem)
        + sum(topic.cost(m, problem) for topic in (closing, contracts, energy, stability))
        - proceeds(m, problem)
    )


def _column(
    variable: pyo.Var, problem: Problem, table: str, keys: list[str], column: str = "objective"
) -> pyo.Expression:
    priced = keyed(problem, table)
    priced = priced[priced[column] != 0]
    return sum(c * variable[i] for i, c in values(priced, keys, column).items())


def _upkeep(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    table = keyed(problem, "upkeep")
    held = service_years(problem).merge(table[table["objective"] != 0], on=["place", "asset", "period"])
    held = with_upkeep_factor(problem, held)
    cost = values(held, ["place", "asset", "vintage", "period"], "objective")
    return sum(c * m.alive[i] for i, c in cost.items())


def _running(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    slices = problem.table("slices")
    share = values(slices.assign(share=slices["hours"] / slices["hours"].sum()), ["slice"], "share")
    table = keyed(problem, "activity_costs")
    table = table[table["objective"] != 0]
    cost = values(table, ["place", "activity", "period"], "objective")
    return sum(
        cost[p, a, y] * share[h] * m.use[p, a, y, h] for p, a, y, h in m.USE if (p, a, y) in cost
    )
