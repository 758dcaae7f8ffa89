"""What stops a search is its own effort: with several goals, and with failure cases apart, a busy machine finds the
same plan as a quiet one."""

from __future__ import annotations

import pytest

from capacity.solving import Options, cases, neighbourhood_search, solve
from tests.solving.busy import busy
from tests.solving.test_cases import losing_any_site
from tests.support.random_problem import random_problem

GOALS = ("shortage", "cost")


@pytest.fixture
def cut_short(monkeypatch):
    """Every search of a box ends by its effort, none by its own proof."""
    monkeypatch.setattr(neighbourhood_search, "SMALL", 0)
    monkeypatch.setattr(neighbourhood_search, "LOOKS_OF_ROUNDING", 2)
    monkeypatch.setattr(neighbourhood_search, "LOOKS_OF_USED", (3, 6))
    monkeypatch.setattr(neighbourhood_search, "LOOKS_OF_ONE", 4)
    monkeypatch.setattr(cases, "APART", 0)


def found(problem):
    solution = solve(problem, Options(gap=1e-3, threads=1))
    assert any("moving" in line for line in solution.log)
    stages = [(stage.objective, stage.bound) for stage in solution.stages]
    return stages, {name: table.to_csv() for name, table in solution.values.items()}


@pytest.mark.parametrize("lost", [False, True], ids=["two goals", "failure cases"])
def test_a_busy_machine_finds_the_same_plan(cut_short, lost):
    problem = random_problem(seed=3, sites=3, years=3, designs=2, regions=2, pod=40.0, goals=GOALS)
    problem = losing_any_site(problem, 0.7) if lost else problem
    quiet = found(problem)
    with busy():
        assert found(problem) == quiet
