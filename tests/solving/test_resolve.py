"""Solved again from a keepsake: the same optimum, less work, never a bound that is not one."""

from dataclasses import replace

import numpy as np
import pytest

from capacity.errors import InputError
from capacity.problem import Problem
from capacity.solving import Options, solve
from capacity.solving.keepsake import Keepsake
from capacity.solving.resolve import ROUTES, resolve
from tests.support.tiny_problem import tiny_problem

EXACT = Options(gap=0.0, threads=1)


def dearer(problem, rng):
    """The same problem with other prices and other demand."""
    tables = dict(problem.tables)
    tables["asset_cells"] = tables["asset_cells"].assign(
        objective=lambda t: t["objective"] * rng.uniform(0.5, 2.0, len(t)))
    tables["demands"] = tables["demands"].assign(amount=lambda t: t["amount"] * rng.uniform(0.7, 1.4, len(t)))
    return Problem.of({k: v for k, v in tables.items() if len(v)}, name="moved")


@pytest.mark.parametrize("seed", range(12))
def test_the_optimum_is_that_of_a_cold_solve(seed):
    problem = tiny_problem(seed)
    kept = resolve(problem, EXACT).keepsake
    moved = dearer(problem, np.random.default_rng(seed))
    cold, warm = solve(moved, EXACT), resolve(moved, EXACT, kept).solution
    for one, other in zip(cold.stages, warm.stages, strict=True):
        assert other.objective == pytest.approx(one.objective, rel=1e-5, abs=1e-5)
        assert other.bound <= one.objective + 1e-5 * max(1.0, abs(one.objective))


def test_the_same_problem_again_needs_no_search():
    problem = tiny_problem(4)
    first = resolve(problem, Options(gap=0.05, threads=1))
    again = resolve(problem, Options(gap=0.2, threads=1), first.keepsake)
    assert set(again.routes) <= set(ROUTES[:2])
    assert again.solution.gap <= 0.2


def test_a_keepsake_survives_its_file_and_other_problems():
    kept = resolve(tiny_problem(1), EXACT).keepsake
    read = Keepsake.from_bytes(kept.to_bytes())
    assert np.array_equal(read.best, kept.best)
    assert set(read.relaxed) == set(kept.relaxed)
    other = tiny_problem(2)
    assert resolve(other, EXACT, read).solution.stages[-1].objective == pytest.approx(
        solve(other, EXACT).stages[-1].objective, rel=1e-5, abs=1e-5)
    with pytest.raises(InputError, match="damaged"):
        Keepsake.from_bytes(kept.to_bytes()[:100])


def test_wrong_multipliers_prove_nothing_wrong():
    problem = tiny_problem(3)
    kept = resolve(problem, EXACT).keepsake
    rng = np.random.default_rng(0)
    spoilt = replace(kept, relaxed={
        g: replace(r, dual=rng.normal(size=len(r.dual)) * 100) for g, r in kept.relaxed.items()})
    warm, cold = resolve(problem, EXACT, spoilt).solution, solve(problem, EXACT)
    for one, other in zip(cold.stages, warm.stages, strict=True):
        assert other.bound <= one.objective + 1e-5 * max(1.0, abs(one.objective))
        assert other.objective == pytest.approx(one.objective, rel=1e-5, abs=1e-5)
