"""The best alternative is the best of all plans within the slack, tried one by one."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from capacity.errors import InfeasibleError
from capacity.solving import Options
from capacity.solving.compile import compile_problem
from capacity.solving.futures import solve_together, together
from capacity.solving.nearby import groups_used, nearby
from tests.support.tiny_problem import tiny_problem

EXACT, GOAL = Options(gap=0.0, threads=1), "cost_and_shortage"


def by_year(form):
    group, size = np.full(form.columns, -1), np.zeros(form.columns)
    span, years = form.labels.span("bought"), [int(y) for y in form.labels.keys_of("bought")[2]]
    group[span], size[span] = np.array(years) - min(years), 1.0
    return group, size


def least_cost(form, goal_cost=None):
    return solve_together(together([form], GOAL, [1.0], [{}]), EXACT)


@pytest.mark.parametrize("seed", [0, 3, 6, 9, 12])
@pytest.mark.parametrize("slack", [0.0, 0.1, 0.5])
def test_least_of_the_same_equals_brute_force(seed, slack):
    form = compile_problem(tiny_problem(seed, order=(GOAL,), shape=(1, 2, 1)))
    first = least_cost(form)
    group, size = by_year(form)
    best = first.points[0]
    found = nearby(form, best, group, size, slack, 1, EXACT)[0]
    used = groups_used([best], group, size)
    whole = np.flatnonzero(np.isin(group, list(used)) & (size > 0))
    every = np.flatnonzero(size > 0)
    limit = first.objective + slack * abs(first.objective) + 1e-6
    alike = np.inf
    for choice in itertools.product(*(range(int(form.lower[c]), int(form.upper[c]) + 1) for c in every)):
        lower, upper = form.lower.copy(), form.upper.copy()
        lower[every] = upper[every] = choice
        try:
            cost = least_cost(replace(form, lower=lower, upper=upper)).objective
        except InfeasibleError:
            continue
        if cost <= limit:
            alike = min(alike, sum(v for c, v in zip(every, choice, strict=True) if c in whole))
    assert found.alike == pytest.approx(alike, abs=1e-6)
    assert found.bound <= alike + 1e-6
    assert float(form.cost[GOAL] @ found.point) + form.offset[GOAL] <= limit + 1e-6 * abs(limit)
