"""Closing: places that may be given up, and what is kept in use there until then.

    held[p,y]    <=  held[p,y-1] + open[p,y]              a place given up is never held again (an owned one was held)
    kept[p,b,y]  <=  standing[p,b,y]                      only what stands is kept
    kept[p,b,y]  <=  kept[p,b,y-1] + built[p,b,y]         a block given up stays so (before the first period: existing)
    kept[p,b,y]  <=  most[p,b,y] * held[p,y]              nothing is kept in a place given up
    serve[d,p]   <=  amount[d] * held[p,y]                and nothing is served from it
    given_up[p,y]  <=  held[p,y-1] + open[p,y] - held[p,y]   what was held is sold once, when it is held no more
    proceeds     =  sum sale[p,y] * given_up[p,y]         (an owned place was held before the first period)

What stands in such a place must stand in blocks that are kept (`fleet`). `most` is what could stand there at all.
"""

from __future__ import annotations

import math

import pyomo.environ as pyo

from capacity.errors import InputError
from capacity.formulation.coded import keyed
from capacity.formulation.index import groups, index_set, mapped, rows, values
from capacity.problem import Problem


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    holdings = problem.table("holdings")
    m.MAY_CLOSE = pyo.Set(initialize=holdings["place"].drop_duplicates().tolist())
    m.held = pyo.Var(m.MAY_CLOSE, m.PERIOD, domain=pyo.Binary)
    m.KEPT = pyo.Set(initialize=[(p, b, y) for p, b in m.BLOCK if p in m.MAY_CLOSE for y in m.PERIOD], dimen=3)
    standing = {(p, b, y): most_in_use(m, p, b, y) for p, b, y in m.KEPT}
    for (p, b, _), bound in standing.items():
        if bound == math.inf:
            raise InputError(f"table block_cells: place {p!r} may be given up, so {b!r} needs a finite max")
    most = mapped(standing, 3)
    m.kept = pyo.Var(m.KEPT, domain=pyo.NonNegativeReals, bounds=lambda m, *i: (0, most[i]))

    @m.Constraint(m.MAY_CLOSE, m.PERIOD)
    def a_place_given_up_is_never_held_again(m, p, y):
        opens = m.open[p, y] if (p, y) in m.OPENING else 0
        if y == m.PERIOD.first():
            return m.held[p, y] <= opens if p in m.MUST_OPEN else pyo.Constraint.Skip
        return m.held[p, y] <= m.held[p, m.PERIOD.prev(y)] + opens

    m.SALE = index_set(problem.table("sales"), ["place", "period"])
    for p, y in m.SALE:
        if p not in m.MAY_CLOSE:
            raise InputError(f"table sales: place {p!r}, period {y}: it stands not in table holdings, so it is never "
                             "given up")
    m.given_up = pyo.Var(m.SALE, domain=pyo.NonNegativeReals, bounds=(0, 1))

    @m.Constraint(m.SALE)
    def only_what_was_held_is_sold(m, p, y):
        opens = m.open[p, y] if (p, y) in m.OPENING else 0
        if y == m.PERIOD.first():
            return m.given_up[p, y] <= (opens if p in m.MUST_OPEN else 1) - m.held[p, y]
        return m.given_up[p, y] <= m.held[p, m.PERIOD.prev(y)] + opens - m.held[p, y]

    @m.Constraint(m.KEPT)
    def only_what_stands_is_kept(m, p, b, y):
        return m.kept[p, b, y] <= m.standing[p, b, y]

    @m.Constraint(m.KEPT)
    def a_block_given_up_stays_so(m, p, b, y):
        built = m.built[p, b, y] if (p, b, y) in m.BLOCK_CELL else 0
        before = m.block_existing[p, b] if y == m.PERIOD.first() else m.kept[p, b, m.PERIOD.prev(y)]
        return m.kept[p, b, y] <= before + built

    @m.Constraint(m.KEPT)
    def nothing_is_kept_in_a_place_given_up(m, p, b, y):
        return m.kept[p, b, y] <= most[p, b, y] * m.held[p, y]


def declare_service(m: pyo.ConcreteModel, problem: Problem) -> None:
    """The last row of the topic, once there is service."""
    period = values(problem.table("demands"), ["demand"], "period")
    leaving = keyed(problem, "assignments").with_rows_of(keyed(problem, "holdings"), "place")
    m.SERVED_WHILE_HELD = index_set(leaving, ["demand", "place"])

    @m.Constraint(m.SERVED_WHILE_HELD)
    def serve_only_while_held(m, d, p):
        return m.serve[d, p] <= m.amount[d] * m.held[p, period[d]]


def most_in_use(m: pyo.ConcreteModel, p: str, b: str, y: int) -> float:
    """Blocks that could stand at all: the existing ones and all that may be built until then."""
    cells = [v for v in m.PERIOD if v <= y and (p, b, v) in m.BLOCK_CELL]
    built = sum(math.inf if m.built[p, b, v].ub is None else m.built[p, b, v].ub for v in cells)
    return float(pyo.value(m.block_existing[p, b]) + built)


def in_use(m: pyo.ConcreteModel, p: str, b: str, y: int) -> pyo.Expression:
    """Blocks in use: those kept where a place may be given up, else all that stand."""
    return m.kept[p, b, y] if p in m.MAY_CLOSE else m.standing[p, b, y]


def cost(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    """Holding places and keeping their blocks, less what places bring when they are given up.

    Raises InputError for upkeep of blocks that are never kept.
    """
    holdings, upkeep = problem.table("holdings"), problem.table("block_upkeep")
    held = values(holdings[holdings["objective"] != 0], ["place", "period"], "objective")
    kept = values(upkeep, ["place", "block", "period"], "objective")
    known = set(groups(problem.table("blocks"), ["place", "block"], ["place"]))
    for p, b in rows(upkeep, ["place", "block"]):
        if p not in m.MAY_CLOSE or (p, b) not in known:
            raise InputError(f"table block_upkeep: block {b!r} of place {p!r} is not one of a place in table holdings")
    sales = problem.table("sales")
    brought = values(sales[sales["objective"] != 0], ["place", "period"], "objective")
    return (
        sum(c * m.held[i] for i, c in held.items()) + sum(c * m.kept[i] for i, c in kept.items() if c)
        - sum(c * m.given_up[i] for i, c in brought.items())
    )
