"""Multipliers of problems solved before: mixed they prove more than alone, and never more than is true."""

import numpy as np
import pytest

from capacity.solving import Options, solve
from capacity.solving.bound import lagrangian_bound
from capacity.solving.compile import compile_problem
from capacity.solving.highs import Deadline
from capacity.solving.keepsake import names_of
from capacity.solving.mixing import best_mix
from capacity.solving.resolve import resolve
from tests.solving.test_resolve import EXACT, dearer
from tests.support.tiny_problem import tiny_problem

SEEDS = range(6)


def moved(seed, times):
    return dearer(tiny_problem(seed), np.random.default_rng(100 * seed + times))


@pytest.fixture
def always(monkeypatch):
    """Every program counts as large."""
    monkeypatch.setattr("capacity.solving.resolve.SMALL", 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mix_proves_no_less_than_any_donor_and_no_more_than_the_optimum(seed):
    donors = [resolve(moved(seed, times), EXACT).keepsake for times in (1, 2)]
    problem = moved(seed, 3)
    form = compile_problem(problem)
    goal = next(iter(form.cost))
    duals = [d.dual(goal, names_of(form), 0) for d in donors]
    whole, finer = (best_mix(form, form.cost[goal], duals, [], Deadline(), by_rule) for by_rule in (False, True))
    alone = max(lagrangian_bound(form, form.cost[goal], dual) for dual in duals)
    optimum = solve(problem, EXACT).stages[0].objective - form.offset[goal]
    slack = 1e-6 * max(1.0, abs(optimum))
    assert alone - slack <= whole.bound <= finer.bound + slack
    assert finer.bound <= optimum + slack
    assert finer.bound == pytest.approx(lagrangian_bound(form, form.cost[goal], finer.dual))


def test_multipliers_that_prove_nothing_are_mixed_to_nothing_wrong():
    form = compile_problem(tiny_problem(3))
    goal = next(iter(form.cost))
    wrong = [np.random.default_rng(n).normal(size=len(form.row_lower)) * 1e3 for n in range(3)]
    mixed = best_mix(form, form.cost[goal], wrong, [], Deadline())
    optimum = solve(tiny_problem(3), EXACT).stages[0].objective
    assert mixed.bound <= optimum - form.offset[goal] + 1e-6 * max(1.0, abs(optimum))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("gap", [0.0, 0.05])
def test_large_programs_reach_what_a_cold_solve_does(always, seed, gap):
    donors = [resolve(moved(seed, times), EXACT).keepsake for times in (1, 2)]
    problem = moved(seed, 3)
    cold, warm = solve(problem, EXACT), resolve(problem, Options(gap=gap, threads=1), donors).solution
    for one, other in zip(cold.stages, warm.stages, strict=True):
        slack = 1e-5 * max(1.0, abs(one.objective))
        if gap == 0 or one is cold.stages[0]:
            assert other.bound <= one.objective + slack
            assert one.objective - slack <= other.objective <= one.objective * (1 + 1.1 * gap) + slack
        assert other.gap <= gap + 1e-6
