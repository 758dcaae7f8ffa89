"""Training: runs that hold accelerators for a time and give them back.

    sum_{p,k} train[p,k,n]  =  1                                               each run n at one place
    use only what serves (fleet)  ... - sum_n amount[n,p,k,y] * train[p,k,n]   meanwhile they serve nobody
    sum_n amount[n,p,k,y] * train[p,k,n]  <=  what serves of k at p            where nothing else could run
    every draw is supplied (energy)  ... + sum_n draw[n,p,k,y] * train[p,k,n]

`train` is 0 or 1: a run is not split over places. `amount` is stated by period, so that a run ends when its months do.
"""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo

from capacity.errors import InfeasibleError
from capacity.formulation.coded import keyed
from capacity.formulation.index import groups, index_set, values
from capacity.formulation.relations import Groups
from capacity.problem import Problem

CELL = ["place", "asset", "run"]


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    table = keyed(problem, "training")
    m.TRAIN = index_set(table, CELL)
    m.train = pyo.Var(m.TRAIN, domain=pyo.Binary)
    m.TRAINING_AT = groups(table, ["place", "asset", "period"], ["run", "amount"])
    ways = groups(table.once(*CELL), ["run"], ["place", "asset"])
    m.RUN = pyo.Set(initialize=list(ways))

    @m.Constraint(m.RUN)
    def every_run_trains_somewhere(m, n):
        return sum(m.train[p, k, n] for p, k in ways[n]) == 1


def held_by_training(m: pyo.ConcreteModel, p: str, k: str, y: int) -> pyo.Expression:
    """Asset amount that runs hold at a place in a period."""
    return sum(amount * m.train[p, k, n] for n, amount in m.TRAINING_AT[p, k, y])


def drawn_by_training(problem: Problem) -> Groups:
    """{(place, period): [(asset, run, MW)]} of runs whose power is drawn from sources."""
    table = keyed(problem, "training")
    return groups(table.where(table.numbers("draw") != 0), ["place", "period"], ["asset", "run", "draw"])


def cost(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    table = keyed(problem, "training").merged(CELL, "objective", np.add)
    priced = table.where(table.numbers("objective") != 0)
    return sum(c * m.train[i] for i, c in values(priced, CELL, "objective").items())


def check_room(m: pyo.ConcreteModel, problem: Problem) -> None:
    """Raises InfeasibleError for a run that nothing on offer could ever carry at once."""
    if not len(problem.table("training")):
        return
    needed = problem.table("training").groupby(CELL, sort=False)
    fits: dict[str, bool] = {}
    for (p, k, n), rows in ((tuple(map(str, key)), rows) for key, rows in needed):
        room = all(_most(m, p, k, y) >= amount * (1 - 1e-9) for y, amount in zip(rows["period"], rows["amount"],
                                                                                 strict=True))
        fits[str(n)] = fits.get(str(n), False) or room
    for n, there in fits.items():
        if not there:
            raise InfeasibleError(f"training run {n!r}: no place can hold as many accelerators of one kind in its "
                                  "years; give it later years, fewer accelerators, or sites with more power")


def _most(m: pyo.ConcreteModel, p: str, k: str, y: int) -> float:
    def top(variable: pyo.Var) -> float:
        return float("inf") if variable.ub is None else float(variable.ub)

    owned = m.unit_size[k] * sum(top(m.alive[p, k, v, y]) for v in m.VINTAGES[p, k, y])
    rented = top(m.rent[p, k, y]) if (p, k, y) in m.RENTAL else 0.0
    return float(owned + rented + sum(top(m.reserve[p, k, c, v]) for c, v in m.RESERVED[p, k, y]))
