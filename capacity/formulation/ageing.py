"""Ageing: units that fail more as they grow old, and what a unit that leaves early is sold for.

    sum_a use[p,a,y,h]  <=  sum_v size[k] * serving[k,y-v] * alive[p,k,v,y] + ...     the share that serves at its age
    cost of upkeep       =  sum upkeep[p,k,y] * factor[k,y-v] * alive[p,k,v,y]
    proceeds             =  sum resale[p,k,v,y] * (alive[p,k,v,y-1] - alive[p,k,v,y]) what left before y is sold then

An age without a row serves whole at factor 1. Nothing is sold before the second period: what the first one does not
keep was sold before the plan begins.
"""

from __future__ import annotations

import pandas as pd
import pyomo.environ as pyo

from capacity.errors import InputError
from capacity.formulation.index import values
from capacity.formulation.relations import Values
from capacity.problem import Problem


def serving_share(problem: Problem) -> Values:
    """{(asset, age): share that serves}; what is missing serves whole."""
    return values(problem.table("ageing"), ["asset", "age"], "serving")


def with_upkeep_factor(problem: Problem, held: pd.DataFrame) -> pd.DataFrame:
    """`held` (asset, vintage, period, objective) with the objective times the factor of its age."""
    factors = problem.table("ageing")[["asset", "age", "upkeep"]]
    if not len(factors):
        return held
    aged = held.assign(age=held["period"] - held["vintage"]).merge(factors, on=["asset", "age"], how="left")
    return aged.assign(objective=aged["objective"] * aged["upkeep"].fillna(1.0))


def proceeds(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    """Discounted proceeds of what is sold. Raises InputError where a unit cannot have served in the period before."""
    table = problem.table("resale")
    keys = ["place", "asset", "vintage", "period"]

    def sold(p, k, v, y):
        before = m.PERIOD.prev(y) if y != m.PERIOD.first() else None
        if before is None or (p, k, v, before) not in m.VINTAGE_ALIVE:
            raise InputError(
                f"table resale: {k!r} of {v} at {p!r} cannot be sold in {y}: it does not serve in the period before"
            )
        return m.alive[p, k, v, before] - (m.alive[p, k, v, y] if (p, k, v, y) in m.VINTAGE_ALIVE else 0)

    return sum(price * sold(p, k, v, y) for (p, k, v, y), price in values(table, keys, "objective").items())
