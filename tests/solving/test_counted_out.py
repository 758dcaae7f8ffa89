"""Plans against the optimum counted out from the tables alone, by a linear program that is not ours."""

import pytest

from capacity.solving import Options, solve
from tests.support.counted_out import least_cost
from tests.support.tiny_problem import tiny_problem


def agrees(seed):
    problem = tiny_problem(seed, ("cost_and_shortage",))
    found = solve(problem, Options(gap=0.0, threads=1)).stages[0].objective
    best, tried = least_cost(problem)
    assert tried >= 1
    assert found == pytest.approx(best, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_the_least_cost_is_that_of_every_choice_tried(seed):
    agrees(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(12, 72))
def test_so_it_is_for_sixty_more(seed):
    agrees(seed)
