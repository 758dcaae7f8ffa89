"""Numbers that dwarf what a plan can do are brought within reach, and no plan is lost."""

import numpy as np
import pytest

from capacity.problem import Problem
from capacity.solving import Options, solve
from capacity.solving.compile import compile_problem
from capacity.solving.ranges import MOST, spread
from capacity.solving.reach import within_reach
from tests.support.tiny_problem import tiny_problem

EXACT = Options(gap=0.0, threads=1, time_limit=60)


def asking(seed, factor, order=("served", "cost")):
    problem = tiny_problem(seed, order)
    tables = {**problem.tables, "demands": problem.table("demands").assign(amount=lambda t: t["amount"] * factor)}
    return Problem.of({k: v for k, v in tables.items() if len(v)}, name=problem.name)


@pytest.mark.parametrize("seed", range(6))
def test_a_sound_program_is_left_as_it_is(seed):
    form = compile_problem(tiny_problem(seed))
    assert within_reach(form) is form


@pytest.mark.parametrize("seed", [1, 4, 5, 7])
def test_a_demand_a_million_times_too_large_is_one_that_is_just_too_large(seed):
    form = compile_problem(asking(seed, 1e7))
    assert spread(form).most > MOST
    tight = within_reach(form)
    serve = form.labels.span("serve")
    assert tight.upper[serve].max() < 1e5 < form.upper[serve].max()
    assert np.all(tight.lower <= tight.upper)
    wanted, found = solve(asking(seed, 1e3), EXACT), solve(asking(seed, 1e7), EXACT)
    for one, other in zip(wanted.stages, found.stages, strict=True):
        assert other.objective == pytest.approx(one.objective, rel=1e-5, abs=1e-5)
        assert other.bound <= one.objective + 1e-5 * max(1.0, abs(one.objective))
        assert other.gap < 1e-4
