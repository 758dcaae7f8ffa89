"""Amounts and prices far from one: the plan still passes its audit, goal after goal."""

import pytest

from capacity.plan import assemble, audit, check_audit
from capacity.problem import Problem
from capacity.solving import Options, solve
from tests.support.tiny_problem import tiny_problem

PRICES = {"openings": "objective", "block_cells": "objective", "asset_cells": "objective", "upkeep": "objective",
          "rentals": "objective", "activity_costs": "objective", "assignments": "unit_cost", "modules": "objective"}


def scaled(problem, demand, price):
    tables = dict(problem.tables)
    tables["demands"] = tables["demands"].assign(amount=lambda t: t["amount"] * demand)
    for name, column in PRICES.items():
        if len(tables[name]):
            tables[name] = tables[name].assign(**{column: tables[name][column] * price})
    return Problem.of({k: v for k, v in tables.items() if len(v)}, name=problem.name)


@pytest.mark.parametrize(("order", "demand", "price"), [
    (("served", "cost"), 1e9, 1.0), (("served", "cost"), 1e-6, 1e6), (("shortage", "cost"), 1e6, 1e-6),
    (("surplus",), 1e9, 1.0),
])
def test_a_plan_at_the_edge_of_the_numbers_passes_its_audit(order, demand, price):
    problem = scaled(tiny_problem(4, order), demand, price)
    solution = solve(problem, Options(gap=0.01, time_limit=60))
    plan = assemble(None, problem, solution)
    check_audit(audit(None, problem, solution.values, plan.stages))
