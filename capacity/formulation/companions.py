"""Companions: what a place serves only while another is in use, such as the one that mirrors its session state.

    serve[d,p]  <=  amount[d] * opened[q,y]      each companion q of place p for the commodity of d, y the period of d
    serve[d,p]  <=  amount[d] * held[q,y]        where q may be given up (see `closing`)

A companion that stands from the start and is never given up asks for no row, and so does demand by the day.
"""

from __future__ import annotations

import pyomo.environ as pyo

from capacity.formulation.coded import keyed
from capacity.formulation.index import index_set, values
from capacity.problem import Problem

KEY = ["demand", "place", "companion"]


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    demands = keyed(problem, "demands").only("demand", "commodity", "period", "slice")
    asked = demands.where(~demands.is_word("slice", ""))
    both = keyed(problem, "assignments").only("demand", "place").join(asked, "demand")
    m.COMPANION = index_set(both.join(keyed(problem, "companions"), "place", "commodity"), KEY)
    period = values(problem.table("demands"), ["demand"], "period")

    @m.Constraint(m.COMPANION)
    def serve_only_beside_a_place_in_use(m, d, p, q):
        if q in m.MAY_CLOSE:
            return m.serve[d, p] <= m.amount[d] * m.held[q, period[d]]
        if q in m.MUST_OPEN:
            return m.serve[d, p] <= m.amount[d] * m.opened[q, period[d]]
        return pyo.Constraint.Skip
