"""A fleet's search with rows added on whole phases that is killed goes on from its saved plan and bound."""

from __future__ import annotations

import subprocess
import sys

import pytest

from capacity.catalogue import load_catalogue
from capacity.plan import audit, check_audit, latest
from capacity.plan.running import left_in
from capacity.problem import build_problem
from capacity.scenario import load_scenario
from capacity.scenario.synth import Size, synthesise
from capacity.solving import Options
from capacity.solving.anytime import solve_anytime

KILLED = """
import os, sys
from pathlib import Path
from capacity.catalogue import load_catalogue
from capacity.plan.running import Running
from capacity.problem import build_problem
from capacity.scenario import load_scenario
from capacity.solving import Options
from capacity.solving.anytime import solve_anytime

scenario = load_scenario(Path(sys.argv[1]))
problem = build_problem(scenario, load_catalogue(scenario.catalogue))
running = Running(scenario, problem, Path(sys.argv[2]))

def note(search, standing):
    running(search, standing)
    if any('added on whole phases' in line for line in search.log) and standing.stages[0].gap < 0.05:
        os._exit(9)

solve_anytime(problem, Options(gap=1e-4, threads=1), keeper=note)
"""


@pytest.fixture(scope="module")
def question(tmp_path_factory):
    path = synthesise(tmp_path_factory.mktemp("synth") / "a", Size(6, 4, 4, 3, 10), 1)
    scenario = load_scenario(path)
    return path, build_problem(scenario, load_catalogue(scenario.catalogue))


def test_a_killed_search_goes_on(question, tmp_path):
    path, problem = question
    run = tmp_path / "run"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), str(run)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 9, done.stderr
    left = left_in(run)
    assert left is not None
    saved = left.stages[0]
    assert saved.gap < 0.05
    earlier = left.earlier(problem)
    assert earlier.same

    again = solve_anytime(problem, Options(gap=saved.gap * 1.001, threads=1), earlier=earlier)
    assert again.stages[0].status == "gap_reached"  # what was saved is good enough: nothing is searched again
    assert not any("rounding" in line or "settling" in line for line in again.log)

    further = solve_anytime(problem, Options(gap=saved.gap / 2, threads=1), earlier=earlier)
    for stage in (again.stages[0], further.stages[0]):
        assert stage.objective <= saved.objective * (1 + 1e-9)
        assert stage.bound >= saved.bound * (1 - 1e-9)
    assert further.stages[0].gap <= saved.gap / 2

    plan = latest(run)
    check_audit(audit(plan.scenario, plan.problem, plan.values, plan.stages))
    assert plan.stages["objective"].iloc[0] == pytest.approx(saved.objective)

