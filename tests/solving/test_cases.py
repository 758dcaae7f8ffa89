"""Failure cases apart from the program: the same optima as with all of them in it, and every plan survives."""

import numpy as np
import pandas as pd
import pytest

from capacity.errors import InfeasibleError
from capacity.plan.audit import audit, check_audit
from capacity.problem import Problem
from capacity.solving import Options, cases, solve
from capacity.solving.cases import apart, filled
from capacity.solving.compile import compile_problem
from capacity.solving.highs import Deadline
from capacity.solving.resolve import resolve
from tests.formulation.test_paths import handed_over, two_ways
from tests.formulation.test_survivability import ONE_LINK, lost, routed, served
from tests.support.random_problem import random_problem


@pytest.fixture
def out_of_the_program(monkeypatch):
    monkeypatch.setattr(cases, "APART", 0)
    monkeypatch.setattr(cases, "TOGETHER", 20)


def losing_any_site(problem, keep):
    """The loss of each site by itself, in every period."""
    places, periods = problem.table("places"), problem.table("periods")["period"]
    sites = places[places["kind"] == "site"]["place"]
    losses = pd.DataFrame({"case": "loss of " + sites, "kind": "place", "element": sites, "keep": keep,
                           "slice": problem.table("slices")["slice"].iloc[0]})
    return Problem.of({**problem.tables, "failures": losses.merge(periods, how="cross")}, name=problem.name)


def small(seed, keep=0.8, goals=("shortage", "cost")):
    return losing_any_site(random_problem(seed=seed, sites=3, years=2, designs=1, regions=2, goals=goals), keep)


def cost(problem):
    return solve(problem, Options(gap=0.0)).stages[-1].objective


@pytest.mark.parametrize(("problem", "objective"), [
    (routed("link AB"), 2), (routed("link AC", "link CB"), 4), (routed("link AB", "link AC", "link CB"), 6),
    (routed("place C"), 4), (served("place A", "place B"), 12), (served("place A", "place B", keep=0.5), 6),
    (two_ways(rent=4.0, failures=lost("link A-B")), 16), (handed_over(rent_at_a=8.0, failures=lost("place B")), 20),
])
def test_costs_worked_out_by_hand(out_of_the_program, problem, objective):
    assert cost(problem) == pytest.approx(objective)


@pytest.mark.parametrize("seed", range(2))
def test_the_same_optimum_as_with_all_cases_in_the_program(monkeypatch, seed):
    problem = small(seed, [0.5, 1.0][seed])
    options = Options(gap=1e-3)
    whole = solve(problem, options).stages
    monkeypatch.setattr(cases, "APART", 0)
    apart_ = solve(problem, options)
    assert apart_.size["rows"] < compile_problem(problem).matrix.shape[0] + 2 * cases.SPARE
    for one, other in zip(whole, apart_.stages, strict=True):
        assert other.objective == pytest.approx(one.objective, rel=2e-3, abs=1e-3)
        assert other.bound <= one.objective * (1 + 1e-6) + 1e-6
        assert one.bound <= other.objective * (1 + 1e-6) + 1e-6
    report = audit(None, problem, apart_.values)
    assert report["topic"].str.startswith("after failures").any()
    check_audit(report)


def test_a_like_problem_is_solved_from_what_was_kept(out_of_the_program):
    problem = small(0)
    first = resolve(problem, Options(gap=0.01))
    again = resolve(problem, Options(gap=0.01), first.keepsake)
    assert again.solution.stages[-1].objective <= first.solution.stages[-1].objective * 1.0001
    assert again.solution.gap <= 0.01


def test_no_row_cuts_off_a_plan_that_survives(monkeypatch):
    """Rows made at random points hold at the best plan of the whole program."""
    problem = small(1, goals=("cost",))
    form = compile_problem(problem)
    plan = solve(problem, Options(gap=0.01))
    best = np.zeros(form.columns)
    for name, table in plan.values.items():
        if name in form.labels and form.labels.size(name):
            positions, index = form.labels[name]
            at = dict(zip(index, positions, strict=True))
            keys = list(table.drop(columns="value").itertuples(index=False, name=None))
            keys = [key[0] for key in keys] if table.shape[1] == 2 else keys
            best[[at[k] for k in keys]] = table["value"]
    monkeypatch.setattr(cases, "APART", 0)
    program, found = apart(form)
    assert found is not None
    made, rng = [], np.random.default_rng(0)
    for _ in range(10):
        x = best * rng.uniform(0, 1.2, len(best)) + rng.uniform(0, 1, len(best)) * (rng.random(len(best)) < 0.2)
        made += found.asked(x, Deadline())[0]
    assert len(made) > 10
    assert all(cut.depth > 0 for cut in made)
    assert all(cut.coefficients @ best[cut.columns] >= cut.lower - 1e-5 * (1 + abs(cut.lower)) for cut in made)
    assert not found.asked(best, Deadline())[0]
    tight, rows = filled(program, found, made[:5])
    assert tight.matrix.shape == program.matrix.shape
    assert np.allclose(tight.row_lower[rows], [cut.lower for cut in made[:5]])


def test_few_cases_stay_in_the_program():
    form = compile_problem(small(0))
    assert apart(form) == (form, None)
    plain = compile_problem(random_problem(seed=0, sites=3, years=2))
    assert apart(plain)[1] is None


def test_what_cannot_survive_is_named_as_ever(out_of_the_program):
    duct = pd.concat([lost("link AB"), lost("link AC")]).assign(case="duct")
    with pytest.raises(InfeasibleError, match=r"flow after a failure, duct,f,[BC] \(short by 3 of 3\)"):
        solve(routed(failures=duct))
    with pytest.raises(InfeasibleError, match="no link leads to 'B'"):
        solve(routed("link AB", **ONE_LINK))
