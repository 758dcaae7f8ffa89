"""A small fleet: what is proven holds against the optimum, with one thread and with two."""

from __future__ import annotations

import pytest

from capacity.catalogue import load_catalogue
from capacity.problem import build_problem
from capacity.scenario import load_scenario
from capacity.scenario.synth import Size, synthesise
from capacity.solving import Options, solve
from capacity.solving.compile import compile_problem
from capacity.solving.highs import Deadline, Machine
from tests.solving.busy import busy


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    path = synthesise(tmp_path_factory.mktemp("synth") / "a", Size(3, 3, 3, 2, 3), 2)
    scenario = load_scenario(path)
    return build_problem(scenario, load_catalogue(scenario.catalogue))


@pytest.fixture(scope="module")
def optimum(problem):
    form = compile_problem(problem)
    goal = next(iter(form.cost))
    machine = Machine(form.matrix, form.row_lower, form.row_upper, 2, form.cost[goal], (form.lower, form.upper),
                      form.integer)
    answer = machine.run(Deadline(), {"mip_rel_gap": 2e-4})
    assert answer.status == "optimal"
    return answer.bound + form.offset[goal], answer.objective + form.offset[goal]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("gap", [0.003, 5e-4])
def test_bound_and_plan_stand_on_either_side_of_the_optimum(problem, optimum, threads, gap):
    stage = solve(problem, Options(gap=gap, threads=threads)).stages[-1]
    least, most = optimum
    assert stage.bound <= most * (1 + 1e-6)
    assert stage.objective >= least * (1 - 1e-6)
    assert stage.objective - stage.bound <= gap * stage.objective * (1 + 1e-6)


def rounded_only(monkeypatch):
    """The first plan comes by rounding alone, and is far off."""
    for name, value in (("PHASES", 0), ("PODS", 0), ("NEXT", 0), ("ROUNDED", (0, 0))):
        monkeypatch.setattr(f"capacity.solving.first_plans.LOOKS_OF_{name}", value)
    monkeypatch.setattr("capacity.solving.first_plans.FIRST_LOOKS", 0)


def test_a_proof_cut_short_goes_on_with_twice_the_effort(problem, optimum, monkeypatch):
    rounded_only(monkeypatch)
    monkeypatch.setattr("capacity.solving.pods_last.LOOKS_OF_PROOF", 3)
    solution = solve(problem, Options(gap=1e-3))
    assert sum("proving that nothing" in line for line in solution.log) > 1
    assert solution.stages[-1].objective <= optimum[1] * 1.0011


def test_a_busy_machine_proves_the_same_plan(problem, monkeypatch):
    rounded_only(monkeypatch)
    monkeypatch.setattr("capacity.solving.pods_last.LOOKS_OF_PROOF", 100)

    def points():
        solution = solve(problem, Options(gap=1e-3, threads=2))
        assert any("proving that nothing is cheaper" in line for line in solution.log)
        stage = solution.stages[-1]
        return stage.objective, stage.bound, {name: table.to_csv() for name, table in solution.values.items()}

    quiet = points()
    with busy():
        assert points() == quiet
