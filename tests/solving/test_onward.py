"""Going on from a year: earlier years stay as they were, later ones are solved as if the earlier ones were given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity.problem import Problem
from capacity.solving import Options
from capacity.solving.compile import compile_problem
from capacity.solving.onward import fixed_before, onward, years_of
from capacity.solving.resolve import resolve
from tests.support.random_problem import random_problem

EXACT = Options(gap=0.0, threads=1)


@pytest.fixture(scope="module")
def problem():
    return random_problem(seed=5, sites=3, years=4, designs=2, regions=2, pod=40.0)


@pytest.fixture(scope="module")
def whole(problem):
    return resolve(problem, EXACT)


def years(problem):
    return sorted(set(problem.table("periods")["period"]))


def test_from_the_best_plan_s_own_past_nothing_better_is_found_and_nothing_worse(problem, whole):
    for year in years(problem):
        found = onward(problem, EXACT, whole.keepsake, year).solution
        assert found.stages[-1].objective == pytest.approx(whole.solution.stages[-1].objective, rel=1e-7)


def test_earlier_years_stay_though_another_plan_is_better(problem, whole):
    """Two years were decided where the place that is best cost fifty times as much."""
    year = years(problem)[2]
    openings, best = problem.table("openings"), whole.solution.values["open"]
    dear = openings["place"].isin(best["place"])
    told = openings.assign(objective=openings["objective"].mask(dear, 50 * openings["objective"]))
    misled = Problem.of({**problem.tables, "openings": told}, problem.words, problem.name)
    before = resolve(misled, EXACT)
    found = onward(problem, EXACT, before.keepsake, year)
    for name in ("open", "built", "bought", "use"):
        key = "vintage" if name == "bought" else "period"
        then, now = (s.values[name][s.values[name][key] < year] for s in (before.solution, found.solution))
        pd.testing.assert_frame_equal(then.reset_index(drop=True), now.reset_index(drop=True), atol=1e-6)
    was = before.solution.values["open"]
    assert set(was["place"][was["period"] < year]) != set(best["place"][best["period"] < year])
    assert found.solution.stages[0].objective >= whole.solution.stages[0].objective - 1e-6
    assert found.solution.stages[-1].objective != pytest.approx(whole.solution.stages[-1].objective, rel=1e-6)


def test_rows_of_the_past_alone_are_let_go_and_no_other(problem, whole):
    form = compile_problem(problem)
    year = years(problem)[2]
    fixed = fixed_before(form, problem, whole.keepsake, year)
    when = years_of(form, problem)
    past = (when >= 0) & (when < year)
    free = np.isinf(fixed.row_lower) & np.isinf(fixed.row_upper)
    touched = np.asarray((form.matrix[:, ~past] != 0).sum(axis=1)).ravel() > 0
    assert not (free & touched).any()
    assert (free | touched).all()
    assert (fixed.lower[past] == fixed.upper[past]).all()
    np.testing.assert_array_equal(fixed.lower[~past], form.lower[~past])


def test_a_first_year_has_no_past(problem, whole):
    found = onward(problem, EXACT, None, years(problem)[0]).solution
    for name, table in whole.solution.values.items():
        assert isinstance(found.values[name], pd.DataFrame), name
        assert list(found.values[name].columns) == list(table.columns)
    assert found.stages[-1].objective == pytest.approx(whole.solution.stages[-1].objective, rel=1e-7)
