"""Ageing: units that fail more as they grow old, and what a unit that leaves early is sold for.

    sum_a use[p,a,y,h]  <=  sum_v size[k] * serving[k,y-v] * alive[p,k,v,y] + ...     the share that serves at its age
    cost of upkeep       =  sum upkeep[p,k,y] * factor[k,y-v] * alive[p,k,v,y]
    proceeds             =  sum resale[p,k,v,y] * (alive[p,k,v,y-1] - alive[p,k,v,y]) what left before y is sold then

An age without a row serves whole at factor 1. Nothing is sold before the second period: what the first one does not
keep was sold before the plan begins.
"""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo

from capacity.errors import InputError
from capacity.formulation.coded import Coded, keyed
from capacity.formulation.index import values
from capacity.formulation.relations import Values
from capacity.problem import Problem


def serving_share(problem: Problem) -> Values:
    """{(asset, age): share that serves}; what is missing serves whole."""
    return values(problem.table("ageing"), ["asset", "age"], "serving")


def with_upkeep_factor(problem: Problem, held: Coded) -> Coded:
    """`held` (asset, vintage, period, objective) with the objective times the factor of its age."""
    factors = keyed(problem, "ageing")
    if not factors.size:
        return held
    row = held.plus(age=held.numbers("period") - held.numbers("vintage")).rows_in(factors, "asset", "age")
    factor = np.where(row < 0, 1.0, factors.numbers("upkeep")[np.maximum(row, 0)])
    return held.plus(objective=held.numbers("objective") * factor)


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
