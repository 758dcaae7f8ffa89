"""What a search tells on its way is sound, and a search that goes on from it never does worse."""

import numpy as np
import pytest

from capacity.problem import Problem
from capacity.solving import Options, solve
from capacity.solving.anytime import AnytimeSearch, Earlier, solve_anytime
from capacity.solving.keepsake import Keepsake
from tests.support.random_problem import random_problem
from tests.support.tiny_problem import tiny_problem

EXACT = Options(gap=0.0, threads=1)


def told_by(problem, options=EXACT, earlier=None):
    """Everything a keeper hears, with the solution: [(keepsake, standing)], solution."""
    heard = []

    def keeper(search, standing):
        heard.append((Keepsake(*search.names, standing.point.copy(), dict(search.memory)), standing))

    return heard, solve_anytime(problem, options, None, keeper, earlier)


def as_earlier(keepsake, standing):
    return Earlier(keepsake, True, {s.goal: s.bound for s in standing.stages}, standing.kept)


def reached(stages):
    return np.array([s.objective for s in stages])


@pytest.mark.parametrize("seed", range(8))
def test_every_standing_is_a_plan_with_bounds_that_hold(seed):
    problem = tiny_problem(seed)
    heard, solution = told_by(problem)
    best = solve(problem, EXACT)
    assert heard
    for _, standing in heard:
        assert [s.goal for s in standing.stages] == [s.goal for s in best.stages]
        for number, (then, last) in enumerate(zip(standing.stages, best.stages, strict=True)):
            earlier_goals_same = np.allclose(reached(standing.stages[:number]), reached(best.stages[:number]))
            if number == 0 or earlier_goals_same:
                assert then.bound <= last.objective + 1e-5 * max(1.0, abs(last.objective))
    np.testing.assert_allclose(reached(solution.stages), reached(best.stages), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", [0, 1, 4, 6])
def test_going_on_from_any_standing_is_never_worse_and_ends_where_a_fresh_search_does(seed):
    problem = tiny_problem(seed)
    heard, solution = told_by(problem)
    for keepsake, standing in heard[:: max(1, len(heard) // 3)]:
        _, again = told_by(problem, earlier=as_earlier(keepsake, standing))
        np.testing.assert_allclose(reached(again.stages), reached(solution.stages), rtol=1e-5, atol=1e-5)


def test_what_was_finished_is_not_searched_again(monkeypatch):
    problem = random_problem(3, sites=2, years=2, regions=2)
    heard, solution = told_by(problem, Options(gap=0.05, threads=1))
    keepsake, standing = heard[-1]
    monkeypatch.setattr(AnytimeSearch, "relax", lambda *a: pytest.fail("solved a relaxation again"))
    _, again = told_by(problem, Options(gap=0.05, threads=1), as_earlier(keepsake, standing))
    assert reached(again.stages) == pytest.approx(reached(solution.stages), abs=1e-6)
    assert [s.bound for s in again.stages] == pytest.approx([s.bound for s in solution.stages])


def test_no_time_gives_the_saved_plan_and_its_bounds():
    problem = random_problem(3, sites=2, years=2, regions=2)
    heard, _ = told_by(problem, Options(gap=0.0, threads=1, time_limit=30))
    for keepsake, standing in heard:
        _, again = told_by(problem, Options(gap=0.0, time_limit=0.0), as_earlier(keepsake, standing))
        assert reached(again.stages) == pytest.approx(reached(standing.stages), abs=1e-6)
        for then, now in zip(standing.stages, again.stages, strict=True):
            assert now.bound == pytest.approx(then.bound) or now.bound >= then.bound - 1e-6 * abs(then.bound)


def test_bounds_of_a_problem_that_changed_are_not_taken_over():
    problem = random_problem(3, sites=2, years=2, regions=2)
    heard, solution = told_by(problem)
    keepsake, standing = heard[-1]
    cheap = {**problem.tables, "asset_cells": problem.table("asset_cells").assign(objective=0.1)}
    cheaper = Problem.of({k: v for k, v in cheap.items() if len(v)})
    _, again = told_by(cheaper, earlier=Earlier(keepsake))
    np.testing.assert_allclose(reached(again.stages), reached(solve(cheaper, EXACT).stages), rtol=1e-5, atol=1e-5)
    assert reached(again.stages)[-1] < reached(solution.stages)[-1]
    assert as_earlier(keepsake, standing).bounds["cost"] > reached(again.stages)[-1]


def test_a_listener_that_fails_stops_the_search_behind_it():
    def keeper(search, standing):
        raise RuntimeError("no room")

    with pytest.raises(RuntimeError, match="no room"):
        solve_anytime(tiny_problem(1), EXACT, None, keeper)


def test_a_goal_still_to_come_has_the_bound_of_the_look_ahead():
    problem = random_problem(3, sites=2, years=2, regions=2)
    heard, solution = told_by(problem)
    settled = [s for _, s in heard if s.stages[0].status != "stopped"]
    last = solution.stages[1]
    assert settled
    assert all(np.isfinite(s.stages[1].bound) and s.stages[1].bound <= last.objective + 1e-5 for s in settled)
