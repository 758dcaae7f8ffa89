"""Stability: how much of what is served may move from place to place from one period to the next.

    moved[c,p,y]  >=  served[p,c,y-1] - served[p,c,y]          what a place loses, while as much or more is asked for
    moved[c,p,y]  >=  served[p,c,y] - served[p,c,y-1]          what a place gains, while less is asked for
    sum_p moved[c,p,y]  <=  max_share[c,y] * sum_p served[p,c,y-1]

with served[p,c,y] the average over the day of what place p serves of c. Growth is no move where more is asked for,
and shrinking none where less is: each way counts only what one place takes over from another. Limits on the yearly
change of a place or of a class at it are `limits` over `alive` and `use`.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyomo.environ as pyo

from capacity.errors import InputError
from capacity.formulation.coded import keyed
from capacity.formulation.index import groups, rows, values
from capacity.problem import Problem


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    moves = problem.table("moves")
    _after_the_first(m, rows(moves, ["commodity", "period"]))
    demands = problem.table("demands")[["demand", "commodity", "period", "slice", "amount"]]
    demands = demands[demands["commodity"].isin(moves["commodity"])]
    hours = values(problem.table("slices"), ["slice"], "hours")
    weight = {"": 1.0} | {h: given / sum(hours.values()) for h, given in hours.items()}
    asked: dict[tuple[str, int], float] = defaultdict(float)
    for c, y, h, amount in rows(demands, ["commodity", "period", "slice", "amount"]):
        asked[c, y] += amount * weight[h]
    named = keyed(problem, "assignments").only("demand", "place")
    named = named.join(keyed(problem, "demands").with_rows_of(keyed(problem, "moves"), "commodity"), "demand")
    served_by = groups(named, ["place", "commodity", "period"], ["demand", "slice"])
    places = groups(named.once("commodity", "place"), ["commodity"], ["place"])
    cells = [(c, p, y) for c, y in rows(moves, ["commodity", "period"]) for p in places[c]]
    m.MOVE = pyo.Set(initialize=cells, dimen=3)
    m.moved = pyo.Var(
        m.MOVE, domain=pyo.NonNegativeReals,
        bounds=lambda m, c, p, y: (0, max(asked[c, y], asked[c, m.PERIOD.prev(y)])),
    )

    def served(p, c, y):
        return sum(weight[h] * m.serve[d, p] for d, h in served_by[p, c, y])

    @m.Constraint(m.MOVE)
    def what_moves_is_counted(m, c, p, y):
        before = m.PERIOD.prev(y)
        lost = served(p, c, before) - served(p, c, y)
        shrinks = asked[c, y] < asked[c, before]
        return m.moved[c, p, y] >= (-lost if shrinks else lost)

    limited = moves[np.isfinite(moves["max_share"])]
    share = values(limited, ["commodity", "period"], "max_share")
    m.MOVE_LIMIT = pyo.Set(initialize=[(c, y) for c, y in share if places[c]], dimen=2)

    @m.Constraint(m.MOVE_LIMIT)
    def only_a_share_moves(m, c, y):
        before = sum(served(p, c, m.PERIOD.prev(y)) for p in places[c])
        return sum(m.moved[c, p, y] for p in places[c]) <= share[c, y] * before


def _after_the_first(m: pyo.ConcreteModel, given: list[tuple[str, int]]) -> None:
    for c, y in given:
        if y == m.PERIOD.first():
            raise InputError(f"table moves: {c!r} cannot move in {y}, the first period: nothing is served before it")


def cost(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    price = values(problem.table("moves"), ["commodity", "period"], "objective")
    return sum(price[c, y] * m.moved[c, p, y] for c, p, y in m.MOVE if price[c, y])
