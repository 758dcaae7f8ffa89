"""Goals: what is minimised, first to last.

    shortage           sum_d weight[d] * hours[h] * short[d]
    cost               sum of all discounted costs: openings, blocks, assets, upkeep, rent, use, service, modules,
                       flows, holding, contracts, energy, moves, training; less the proceeds of resale
    cost_and_shortage  cost + sum_d price[d] * short[d]
    served             - sum_{d,p} weight[d] * hours[h] * serve[d,p]
    surplus            cost - sum_{d,p} price[d] * serve[d,p]
    worst_shortage     worst,  with  sum_{d in y} weight[d] * hours[h] * short[d]  <=  worst         each period y
    any other          sum_terms coefficient * variable, as its rows of table `goal_terms` state (carbon)

Hours count as shares of the year. Surplus is what those who are served would pay at most, less what serving them
costs, negated: the price of not serving a demand is then its worth. Several goals are met in order.
"""

from __future__ import annotations

from functools import partial

import pandas as pd
import pyomo.environ as pyo

from capacity.errors import InputError
from capacity.formulation import closing, contracts, energy, flows, stability, training
from capacity.formulation.ageing import proceeds, with_upkeep_factor
from capacity.formulation.coded import coded, keyed
from capacity.formulation.index import groups, values
from capacity.formulation.limits import KEYS, check_variables
from capacity.formulation.presence import STANDING, USE, possible_use, service_years
from capacity.problem import Problem


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    goals = problem.table("goals").sort_values("order")["goal"].tolist() or ["cost"]
    known = {
        "shortage": lambda m: _shortage(m, problem),
        "cost": lambda m: _cost(m, problem),
        "cost_and_shortage": lambda m: _cost(m, problem) + _priced_shortage(m, problem),
        "served": lambda m: -_served(m, problem, _weights(problem)),
        "surplus": lambda m: _cost(m, problem) - _served(m, problem, _worth(problem)),
        "worst_shortage": lambda m: m.worst["shortage"],
    }
    stated = problem.table("goal_terms")
    check_variables(stated, "goal")
    known |= {str(name): partial(_stated, problem, rows) for name, rows in stated.groupby("goal", sort=False)}
    if "worst_shortage" in goals:
        _worst(m, problem)
    for goal in goals:
        if goal not in known:
            raise InputError(f"no goal {goal!r}; allowed: {', '.join(known)}, or one with rows in goal_terms")
        m.add_component(f"goal_{goal}", pyo.Objective(rule=known[goal], sense=pyo.minimize))


def _weights(problem: Problem) -> pd.Series:
    """Weight of one amount of each demand: its own weight times the share of the year its slice lasts."""
    hours = problem.table("slices").set_index("slice")["hours"]
    demands = problem.table("demands").set_index("demand")
    lasts = demands["slice"].map(hours).fillna(float(hours.sum()))  # what is asked for by the day lasts all of it
    return demands["weight"] * lasts / max(float(hours.sum()), 1e-300)


def _shortage(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    weights = keyed(problem, "demands").only("demand").plus(weight=_weights(problem).to_numpy())
    return sum(w * m.short[d] for d, w in values(weights, ["demand"], "weight").items())


def _worst(m: pyo.ConcreteModel, problem: Problem) -> None:
    demands = problem.table("demands")[["demand", "period", "amount"]].assign(weight=_weights(problem).to_numpy())
    most = (demands["amount"] * demands["weight"]).groupby(demands["period"]).sum()
    m.WORST = pyo.Set(initialize=["shortage"])
    m.worst = pyo.Var(m.WORST, domain=pyo.NonNegativeReals, bounds=(0, float(most.max()) if len(most) else 0.0))
    counted = groups(demands, ["period"], ["demand", "weight"])
    m.YEAR_ASKED = pyo.Set(initialize=list(counted))

    @m.Constraint(m.YEAR_ASKED)
    def no_year_is_shorter_than_the_worst(m, y):
        return sum(w * m.short[d] for d, w in counted[y]) <= m.worst["shortage"]


def _stated(problem: Problem, rows: pd.DataFrame, m: pyo.ConcreteModel) -> pyo.Expression:
    """The sum of a goal's terms; what may run nowhere then has none."""
    total = 0
    for variable, each in rows.groupby("variable", sort=False):
        keys, table = KEYS[str(variable)], coded(each)
        if variable == "use":
            table = table.with_rows_of(possible_use(problem).only(*USE, activity="item"), *keys)
        total += sum(c * getattr(m, str(variable))[i] for i, c in values(table, keys, "coefficient").items())
    return total


def _worth(problem: Problem) -> pd.Series:
    """Price of one amount of each demand."""
    return problem.table("demands").set_index("demand")["shortage_price"]


def _served(m: pyo.ConcreteModel, problem: Problem, each: pd.Series) -> pyo.Expression:
    """What is served at so much each. Not as what is asked less what is short: where little of a large demand is met,
    that difference of two large numbers loses its digits."""
    served = keyed(problem, "assignments").only("demand", "place")
    served = served.plus(each=each.reindex(problem.table("assignments")["demand"]).to_numpy(dtype=float))
    worth = values(served.where(served.numbers("each") != 0), ["demand", "place"], "each")
    return sum(c * m.serve[i] for i, c in worth.items())


def _priced_shortage(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    prices = values(keyed(problem, "demands"), ["demand"], "shortage_price")
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
        + sum(topic.cost(m, problem) for topic in (closing, contracts, energy, stability, training))
        - proceeds(m, problem)
    )


def _column(
    variable: pyo.Var, problem: Problem, table: str, keys: list[str], column: str = "objective"
) -> pyo.Expression:
    priced = keyed(problem, table)
    priced = priced.where(priced.numbers(column) != 0)
    return sum(c * variable[i] for i, c in values(priced, keys, column).items())


def _upkeep(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    table = keyed(problem, "upkeep").only(*STANDING, "objective")
    held = service_years(problem).join(table.where(table.numbers("objective") != 0), *STANDING)
    held = with_upkeep_factor(problem, held)
    cost = values(held, ["place", "asset", "vintage", "period"], "objective")
    return sum(c * m.alive[i] for i, c in cost.items())


def _running(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    slices, table = keyed(problem, "slices"), keyed(problem, "activity_costs")
    hours = slices.numbers("hours")
    share = values(slices.plus(share=hours / hours.sum()), ["slice"], "share")
    table = table.where(table.numbers("objective") != 0)
    cost = values(table, ["place", "activity", "period"], "objective")
    return sum(
        cost[p, a, y] * share[h] * m.use[p, a, y, h] for p, a, y, h in m.USE if (p, a, y) in cost
    )
