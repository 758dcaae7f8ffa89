"""Sites: when a place enters use, and the blocks (phases) built there.

    sum_y open[p,y]  <=  1                                                     a place opens once
    opened[p,y]      =   opened[p,y-1] + open[p,y]                             and stays open
    standing[p,b,y]  =   existing[p,b] + sum_{v <= y < v + life} built[p,b,v]        may provide several resources
    standing[p,b,y]  <=  max_total[p,b,y] * opened[p,y]                        grid and land
    built[p,b,y]     <=  max[p,b,y] * opened[p,y]                              only in an open place
    opened[p,y]      <=  sum_{b, v <= y} built[p,b,v] + existing[p,b]          a place opens with its first block
"""

from __future__ import annotations

import pandas as pd
import pyomo.environ as pyo

from capacity.formulation.index import groups, index_set, values
from capacity.problem import Problem


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    openings, blocks, cells = (problem.table(t) for t in ("openings", "blocks", "block_cells"))

    m.OPENING = index_set(openings, ["place", "period"])
    m.MUST_OPEN = pyo.Set(initialize=openings["place"].drop_duplicates().tolist())
    m.open = pyo.Var(m.OPENING, domain=pyo.Binary)
    m.opened = pyo.Var(m.MUST_OPEN, m.PERIOD, bounds=(0, 1))

    @m.Constraint(m.MUST_OPEN)
    def a_place_opens_once(m, p):
        return sum(m.open[p, y] for y in m.PERIOD if (p, y) in m.OPENING) <= 1

    @m.Constraint(m.MUST_OPEN, m.PERIOD)
    def an_open_place_stays_open(m, p, y):
        before = m.opened[p, m.PERIOD.prev(y)] if y != m.PERIOD.first() else 0
        return m.opened[p, y] == before + (m.open[p, y] if (p, y) in m.OPENING else 0)

    m.BLOCK = index_set(blocks, ["place", "block"])
    m.BLOCK_CELL = index_set(cells, ["place", "block", "period"])
    m.block_capacity = pyo.Param(m.BLOCK, initialize=values(blocks, ["place", "block"], "capacity"))
    m.block_existing = pyo.Param(m.BLOCK, initialize=values(blocks, ["place", "block"], "existing"))
    life = values(blocks, ["place", "block"], "life")
    whole = values(blocks, ["place", "block"], "integer")
    most = values(cells, ["place", "block", "period"], "max")
    most_in_all = values(cells, ["place", "block", "period"], "max_total")
    m.BLOCKS_OF = groups(blocks, ["place"], ["block"])

    m.built = pyo.Var(
        m.BLOCK_CELL,
        domain=lambda m, p, b, y: pyo.NonNegativeIntegers if whole[p, b] else pyo.NonNegativeReals,
        bounds=lambda m, p, b, y: (0, _finite(min(most[p, b, y], most_in_all[p, b, y]))),
    )

    def standing(m, p, b, y):
        built = sum(m.built[p, b, v] for v in m.PERIOD if v <= y < v + life[p, b] and (p, b, v) in m.BLOCK_CELL)
        return m.block_existing[p, b] + built

    m.standing = pyo.Expression(m.BLOCK, m.PERIOD, rule=standing)
    more = problem.table("block_resources").rename(columns={"amount": "capacity"})
    given = pd.concat([blocks, more]) if len(more) else blocks
    m.PROVIDES = groups(given, ["place", "resource"], ["block", "capacity"])

    @m.Constraint(m.BLOCK_CELL)
    def grid_and_land_bound_blocks(m, p, b, y):
        if most_in_all[p, b, y] == float("inf"):
            return pyo.Constraint.Skip
        in_use = m.opened[p, y] if p in m.MUST_OPEN else 1
        return m.standing[p, b, y] <= most_in_all[p, b, y] * in_use

    @m.Constraint(m.BLOCK_CELL)
    def build_only_where_open(m, p, b, y):
        bound = min(most[p, b, y], most_in_all[p, b, y])
        if p not in m.MUST_OPEN or bound == float("inf"):
            return pyo.Constraint.Skip
        return m.built[p, b, y] <= bound * m.opened[p, y]

    @m.Constraint(m.MUST_OPEN, m.PERIOD)
    def open_with_a_first_block(m, p, y):
        if not m.BLOCKS_OF[p]:
            return pyo.Constraint.Skip
        ever = sum(m.built[p, b, v] for b in m.BLOCKS_OF[p] for v in m.PERIOD if v <= y and (p, b, v) in m.BLOCK_CELL)
        if sum(m.block_existing[p, b] for b in m.BLOCKS_OF[p]) >= 1:
            return pyo.Constraint.Skip
        return m.opened[p, y] <= ever


def _finite(bound: float) -> float | None:
    return None if bound == float("inf") else bound
