"""The plain program: fewer rows, a weaker relaxation, the same plans; and rows stay that nothing else implies."""

from __future__ import annotations

import pytest

from capacity.errors import InputError
from capacity.problem import Problem
from capacity.solving.compile import compile_problem
from capacity.solving.elsewhere import program
from capacity.solving.highs import Deadline, Machine
from capacity.solving.plain import LINKING, plain
from tests.support.frames import frame
from tests.support.random_problem import random_problem


def priced(seed, **more):
    """A random problem of three sites and two years in which what is not served has a price."""
    tables = dict(random_problem(seed, sites=3, years=2, regions=2, goals=("cost_and_shortage",)).tables)
    tables["demands"] = tables["demands"].assign(shortage_price=50.0)
    return Problem.of({**tables, **more}, name=f"priced {seed}")


def optimum(form, whole=True):
    goal = list(form.cost)[-1]
    machine = Machine(form.matrix, form.row_lower, form.row_upper, 1, form.cost[goal], (form.lower, form.upper),
                      form.integer if whole else None)
    answer = machine.run(Deadline(), {"mip_rel_gap": 0.0, "mip_abs_gap": 1e-9})
    assert answer.status == "optimal"
    return answer.objective


def linked(form):
    return sum(any(name.startswith(f"{rule}[") for rule in LINKING) for name in form.row_names)


@pytest.mark.parametrize("seed", range(3))
def test_every_program_has_the_same_optimum(seed):
    problem = priced(seed)
    programs = [program(problem, kind) for kind in ("plain", "linked", "tightened")]
    assert linked(programs[0]) < linked(programs[1])
    best = [optimum(form) for form in programs]
    assert best == pytest.approx([best[0]] * 3, rel=1e-6)
    relaxed = [optimum(form, whole=False) for form in programs]
    assert relaxed == sorted(relaxed)


def test_the_plain_relaxation_is_the_weaker_one():
    problem = priced(0)
    form = compile_problem(problem)
    assert linked(plain(form)) == 0
    assert optimum(plain(form), whole=False) < optimum(form, whole=False) * (1 - 1e-6)


def test_what_may_serve_without_standing_on_a_phase_keeps_its_rows():
    """Rented accelerators need no power here: only the row itself says that a shut place serves nobody."""
    problem = priced(0)
    asset = problem.table("assets")["asset"].iloc[0]
    places = problem.table("openings")["place"].unique()
    years = [int(y) for y in problem.table("periods")["period"]]
    rented = frame("place asset period max objective cash", *[(places[0], asset, y, 5.0, 1.0, 1.0) for y in years])
    form = compile_problem(priced(0, rentals=rented))
    kept = [name for name in plain(form).row_names if name.startswith(LINKING)]
    assert kept
    assert all(f",{places[0]}]" in name for name in kept)
    assert optimum(plain(form)) == pytest.approx(optimum(form), rel=1e-6)


def test_an_unknown_program_is_said():
    with pytest.raises(InputError, match=r"no program 'linkd'; allowed: plain, linked, tightened; nearest: 'linked'"):
        program(random_problem(0, sites=2, years=1, regions=1), "linkd")
