"""The search of a fleet: added rows cut off no plan, and a busy machine finds the same plan as a quiet one."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest

from capacity.catalogue import load_catalogue
from capacity.problem import build_problem
from capacity.scenario import load_scenario
from capacity.scenario.synth import Size, synthesise
from capacity.solving import Options, solve
from capacity.solving.bound import lagrangian_bound
from capacity.solving.compile import compile_problem
from capacity.solving.first_plans import opening_boxes
from capacity.solving.highs import Deadline, Machine
from capacity.solving.team import Task, Team
from capacity.solving.tighten import round_rows
from capacity.solving.tightened import in_groups, tightened
from tests.solving.busy import busy


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    path = synthesise(tmp_path_factory.mktemp("synth") / "a", Size(6, 4, 4, 3, 10), 1)
    scenario = load_scenario(path)
    return build_problem(scenario, load_catalogue(scenario.catalogue))


def test_a_busy_machine_finds_the_same_plan(problem, monkeypatch):
    monkeypatch.setattr("capacity.solving.first_plans.SMALL", 0)
    monkeypatch.setattr("capacity.solving.fleet_search.SMALL", 0)
    monkeypatch.setattr("capacity.solving.first_plans.LOOKS_OF_ROUNDED", (0, 0))  # a first plan that may be bettered

    def points():
        solution = solve(problem, Options(gap=0.01, threads=2))
        assert any("moving" in line for line in solution.log)
        return solution.stages[-1].objective, {name: table.to_csv() for name, table in solution.values.items()}

    quiet = points()
    with busy():
        assert points() == quiet


def test_the_final_plan_buys_and_builds_whole_pods_and_phases(problem):
    solution = solve(problem, Options(gap=0.03))
    for name in ("open", "built", "bought"):
        counts = solution.values[name]["value"].to_numpy()
        assert len(counts) > 0
        np.testing.assert_array_equal(counts, np.round(counts))


def test_the_tree_of_totals_proves_more_than_the_relaxation_and_never_too_much(problem):
    loose = solve(problem, Options(gap=0.03)).stages[-1]
    tight = solve(problem, Options(gap=0.008)).stages[-1]
    assert tight.bound >= loose.bound
    assert loose.bound <= tight.objective * (1 + 1e-9)
    assert tight.objective <= loose.objective


def test_rows_on_whole_phases_cut_off_no_plan(problem):
    plain = round_rows(compile_problem(problem))
    program, relaxed = tightened(problem, plain, Deadline(), 1)
    assert relaxed is not None
    assert program.matrix.shape[0] > plain.matrix.shape[0]
    goal = next(iter(plain.cost))
    rng = np.random.default_rng(0)
    for _ in range(3):  # plans of the plain program under other prices
        machine = Machine(plain.matrix, plain.row_lower, plain.row_upper, 1,
                          plain.cost[goal] * rng.uniform(0.5, 2.0, plain.columns), (plain.lower, plain.upper),
                          plain.integer)
        answer = machine.run(Deadline(), {"mip_rel_gap": 0.05})
        assert answer.x is not None
        activity = program.matrix @ answer.x
        size = 1.0 + abs(program.matrix) @ np.abs(answer.x)
        assert np.max((program.row_lower - activity) / size) < 1e-6


def test_summed_links_prove_a_bound_of_the_whole_program(problem):
    form = round_rows(compile_problem(problem))
    goal = next(iter(form.cost))
    links = in_groups(problem, form)
    assert links is not None
    assert len(links.rows) > int(links.group.max()) + 1
    relaxed = links.relaxation(form, goal, Deadline(), 1)
    assert relaxed is not None
    machine = Machine(form.matrix, form.row_lower, form.row_upper, 1, form.cost[goal], (form.lower, form.upper))
    best = machine.run(Deadline(), {}).objective
    proven = lagrangian_bound(form, form.cost[goal], relaxed.dual)
    assert proven == pytest.approx(relaxed.objective, rel=1e-5)
    assert 0.9 * best < proven <= best * (1 + 1e-9)


def test_each_place_opens_once_where_its_share_passes_the_threshold(problem):
    form = round_rows(compile_problem(problem))
    span = form.labels.span("open")
    point = np.zeros(form.columns)
    point[span] = 0.3
    places = form.labels.keys_of("open")[0].codes
    for lower, upper in opening_boxes(form, point):
        np.testing.assert_array_equal(lower[span], upper[span])
        assert np.bincount(places, weights=lower[span]).max() == 1.0


def test_a_race_is_won_by_the_fewest_looks_whatever_the_clock_saw_first(problem):
    form = round_rows(compile_problem(problem))
    cost = form.cost[next(iter(form.cost))]
    whole = (form.lower, form.upper)
    one = Team(form, cost, 1, Deadline())
    loose, strict = (one.one(one.machines[0], Task(whole, form.integer, gap)).objective for gap in (0.2, 0.05))
    tasks = [Task(whole, form.integer, 1e-3, 200, target=strict * 1.02, wins=True),
             Task(whole, form.integer, 1e-3, 200, target=loose * 1.5, wins=True),
             Task(whole, form.integer, 1e-3, 200)]
    for threads in (1, 2, 3):
        with busy() if threads == 2 else nullcontext():
            answers = Team(form, cost, threads, Deadline()).race(tasks)
        assert answers[1] is not None
        assert answers[1].x is not None
        assert float(cost @ answers[1].x) <= loose * 1.5
        assert answers[2] is None  # it could not win, so nothing of it is waited for
        if answers[0] is not None:  # only where it was there just as soon
            assert float(cost @ answers[0].x) <= strict * 1.02
