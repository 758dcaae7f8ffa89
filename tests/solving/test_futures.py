"""Futures solved together equal the best of all commitments, tried one by one."""

import itertools

import numpy as np
import pytest

from capacity.errors import InfeasibleError
from capacity.problem import Problem
from capacity.solving import Options
from capacity.solving.compile import compile_problem
from capacity.solving.futures import solve_together, together
from tests.support.tiny_problem import tiny_problem

EXACT, GOAL = Options(gap=0.0, threads=1), "cost_and_shortage"
WEIGHTS = (0.5, 0.3, 0.2)


def futures(seed):
    """Three futures of a tiny problem: demand as it is, half, one and a half times."""
    problem = tiny_problem(seed, order=("cost_and_shortage",), shape=(1, 2, 1))
    forms = []
    for factor in (1.0, 0.5, 1.5):
        tables = {k: v for k, v in problem.tables.items() if len(v)}
        tables["demands"] = tables["demands"].assign(amount=lambda t, f=factor: t["amount"] * f)
        forms.append(compile_problem(Problem.of(tables)))
    return forms


def committed(form):
    """Columns of what is bought or built in the first year: the same in all futures."""
    out = {}
    for name in ("bought", "built", "open"):
        if name in form.labels:
            years = [int(y) for y in form.labels.keys_of(name)[-1]]
            first = form.labels.span(name).start
            out |= {first + i: () for i, y in enumerate(years) if y == min(years)}
    return out


def alone(form, fixed=None):
    """Least cost of one future, some columns fixed; infinite where nothing is feasible."""
    from dataclasses import replace

    lower, upper = form.lower.copy(), form.upper.copy()
    for column, value in (fixed or {}).items():
        lower[column] = upper[column] = value
    try:
        return solve_together(together([replace(form, lower=lower, upper=upper)], GOAL, [1.0], [{}]), EXACT).objective
    except InfeasibleError:
        return np.inf


def tried(forms):
    """Costs of every future for every commitment of whole numbers."""
    columns = list(committed(forms[0]))
    ranges = [range(int(forms[0].lower[c]), int(forms[0].upper[c]) + 1) for c in columns]
    assert np.prod([len(r) for r in ranges]) <= 64
    choices = [dict(zip(columns, choice, strict=True)) for choice in itertools.product(*ranges)]
    return np.array([[alone(form, choice) for form in forms] for choice in choices])


def tail(costs, alpha):
    """CVaR of three weighted costs, from its definition as a minimum over eta."""
    return min(eta + sum(w * max(c - eta, 0) for w, c in zip(WEIGHTS, costs, strict=True)) / (1 - alpha)
               for eta in costs if np.isfinite(eta))


@pytest.mark.parametrize("seed", [0, 3, 6, 9])
def test_expected_cost_cvar_and_regret_equal_brute_force(seed):
    forms = futures(seed)
    nodes = [committed(f) for f in forms]
    costs = tried(forms)
    costs = costs[np.isfinite(costs).all(axis=1)]
    expected = solve_together(together(forms, GOAL, WEIGHTS, nodes), EXACT)
    assert expected.objective == pytest.approx((costs @ WEIGHTS).min(), rel=1e-6)
    for risk, alpha in ((1.0, 0.6), (0.5, 0.8)):
        program = together(forms, GOAL, WEIGHTS, nodes, risk, alpha)
        best = min((1 - risk) * (row @ WEIGHTS) + risk * tail(row, alpha) for row in costs)
        assert solve_together(program, EXACT).objective == pytest.approx(best, rel=1e-6)
    own = [alone(f) for f in forms]
    regret = solve_together(together(forms, GOAL, WEIGHTS, nodes, regret_against=own), EXACT).objective
    assert regret == pytest.approx((costs - own).max(axis=1).min(), rel=1e-6, abs=1e-6)
    assert expected.objective >= np.dot(own, WEIGHTS) - 1e-6


def test_commitments_are_the_same_and_the_rest_is_not():
    forms = futures(0)
    nodes = [committed(f) for f in forms]
    points = solve_together(together(forms, GOAL, WEIGHTS, nodes), EXACT).points
    for column in nodes[0]:
        assert points[0][column] == points[1][column] == points[2][column]
    apart = solve_together(together(forms, GOAL, WEIGHTS, [{}] * 3), EXACT)
    assert apart.objective == pytest.approx(np.dot([alone(f) for f in forms], WEIGHTS), rel=1e-7)


def test_futures_that_allow_no_common_decision():
    from dataclasses import replace

    forms = futures(0)
    nodes = [committed(f) for f in forms]
    column = next(iter(nodes[0]))
    low, high = (f.lower.copy() for f in forms[:2])
    low[column], high[column] = 0.0, 1.0
    upper = forms[0].upper.copy()
    upper[column] = 0.0
    clash = [replace(forms[0], lower=low, upper=upper), replace(forms[1], lower=high)]
    with pytest.raises(InfeasibleError, match="no common decision"):
        together(clash, GOAL, [0.5, 0.5], nodes[:2])
