"""A plan's folder while it is searched for: whole at any moment, also for a process that is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from capacity.errors import AuditError, InputError
from capacity.plan import audit, check_audit, latest, load_plan
from capacity.plan import running as module
from capacity.plan.running import Running, alone, digest, finished, left_in, worse
from capacity.problem import Problem
from capacity.solving import Options
from capacity.solving.anytime import solve_anytime
from tests.support.tiny_problem import tiny_problem

PROBLEM = tiny_problem(5)
EXACT = Options(gap=0.0, threads=1)


@pytest.fixture
def at_once(monkeypatch):
    """Tables are written at every step."""
    monkeypatch.setattr(module, "FIRST_S", 0.0)
    monkeypatch.setattr(module, "EVERY_S", 0.0)
    monkeypatch.setattr(module, "SHARE", 1e9)


@pytest.fixture(scope="module")
def heard():
    """All that a keeper hears in a whole search."""
    steps = []
    solve_anytime(PROBLEM, EXACT, None, lambda *told: steps.append(told))
    assert len(steps) > 3
    return steps


def sound(plan):
    check_audit(audit(plan.scenario, plan.problem, plan.values, plan.stages))
    return plan


def goals(stages):
    return [s.objective for s in stages]


def test_the_folder_holds_a_sound_plan_with_its_proof(tmp_path, heard, at_once):
    run = tmp_path / "run"
    keeper = Running(None, PROBLEM, run)
    for search, standing in (heard[0], heard[-1]):
        keeper(search, standing)
        plan = sound(load_plan(run))
        assert plan.status == "stopped"
        assert plan.stages["objective"].tolist() == pytest.approx(goals(standing.stages))
        assert plan.stages["bound"].tolist() == pytest.approx([s.bound for s in standing.stages])
        assert left_in(run).whole
    assert digest(plan.problem) == digest(PROBLEM)
    assert left_in(run).earlier(plan.problem).same


def test_the_first_point_stands_in_its_folder_at_once_and_becomes_a_plan_when_asked_for(tmp_path, heard):
    run = tmp_path / "run"
    keeper = Running(None, PROBLEM, run)
    keeper(*heard[0])
    with pytest.raises(InputError, match="makes them"):
        load_plan(run)
    keeper(*heard[-1])
    with alone(run), pytest.raises(InputError, match="makes them"):
        latest(run)  # a search goes on there
    plan = sound(latest(run))
    assert plan.status == "stopped"
    assert plan.stages["objective"].tolist() == pytest.approx(goals(heard[-1][1].stages), abs=1e-6)
    assert plan.stages["bound"].tolist() == pytest.approx([s.bound for s in heard[-1][1].stages], abs=1e-5)
    assert left_in(run).whole
    assert latest(run).stages.equals(plan.stages)


def test_between_two_plans_only_the_point_is_written(tmp_path, heard, at_once, monkeypatch):
    run = tmp_path / "run"
    keeper = Running(None, PROBLEM, run)
    keeper(*heard[0])
    monkeypatch.setattr(module, "EVERY_S", 1e9)
    keeper(*heard[-1])
    assert load_plan(run).stages["objective"].tolist() == pytest.approx(goals(heard[0][1].stages))
    assert not left_in(run).whole
    assert goals(left_in(run).stages) == pytest.approx(goals(heard[-1][1].stages))


def test_a_point_that_fails_its_audit_is_never_a_plan(tmp_path, heard, at_once):
    search, standing = heard[-1]
    (tmp_path / "run").mkdir()
    keeper = Running(None, PROBLEM, tmp_path / "run")
    keeper(search, replace(standing, point=standing.point * 1.1))
    assert not list((tmp_path / "run").iterdir())
    assert "breaks its own problem" in keeper.refused[0]


def test_a_worse_plan_on_the_way_does_not_replace_a_better_one_of_the_same_scenario(tmp_path, heard, monkeypatch):
    best = tuple(goals(heard[-1][1].stages))
    first = next(h for h in heard if worse(tuple(goals(h[1].stages)), best))
    monkeypatch.setattr(module, "rival", lambda folder, scenario: best)
    keeper = Running(None, PROBLEM, tmp_path / "run")
    keeper(*first)
    assert not (tmp_path / "run").exists()
    keeper(*heard[-1])
    assert (tmp_path / "run").is_dir()


def test_the_first_goal_that_differs_decides():
    assert worse((1.0, 5.0), (1.0, 4.0))
    assert not worse((1.0, 5.0), (2.0, 1.0))
    assert not worse((1.0, 5.0), (1.0, 5.0 + 1e-12))


def test_a_problem_is_told_from_another():
    moved = {**PROBLEM.tables, "demands": PROBLEM.table("demands").assign(weight=2.5)}
    assert digest(Problem.of({k: v for k, v in moved.items() if len(v)}, name=PROBLEM.name)) != digest(PROBLEM)


def test_two_searches_do_not_write_one_folder(tmp_path):
    with alone(tmp_path / "run"), pytest.raises(InputError, match="another search"), alone(tmp_path / "run"):
        pass
    with alone(tmp_path / "run"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_damaged_point_is_named(tmp_path, heard):
    Running(None, PROBLEM, tmp_path / "run")(*heard[0])
    (tmp_path / "run" / "best.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"best\.npz: damaged"):
        left_in(tmp_path / "run")


def test_an_audit_failure_at_the_end_is_an_audit_error():
    solution = solve_anytime(PROBLEM, EXACT)
    values = {**solution.values, "serve": solution.values["serve"].assign(value=lambda t: t["value"] * 1.1)}
    with pytest.raises(AuditError):
        finished(None, PROBLEM, replace(solution, values=values))


CHILD = """
import sys
from pathlib import Path
import numpy as np
from capacity.plan import running
from capacity.solving import Options
from capacity.solving.anytime import solve_anytime
from tests.support.tiny_problem import tiny_problem

problem = tiny_problem(5)
folder, heard = Path(sys.argv[1]), []
running.FIRST_S = 0.0
solve_anytime(problem, Options(gap=0.0, threads=1), None, lambda *told: heard.append(told))
keeper = running.Running(None, problem, folder)
with running.alone(folder):
    print("searching", flush=True)
    for number in range(10**6):  # the steps of one search again and again, as of a long one
        running.EVERY_S, running.SHARE = (0.0, 1e9) if number % 9 == 8 else (1e9, 1.0)
        keeper(*heard[number % len(heard)])
"""


def killed(folder, after):
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True,
                             cwd=Path(__file__).parents[2])
    assert child.stdout.readline() == "searching\n"
    while not folder.is_dir():
        time.sleep(0.01)
    time.sleep(after)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()


@pytest.mark.parametrize("trials", [1, pytest.param(20, marks=pytest.mark.long)])
def test_killed_at_any_moment_it_leaves_a_sound_plan_that_a_search_goes_on_from(tmp_path, trials):
    run = tmp_path / "run"
    for after in np.random.default_rng(trials).uniform(0.0, 4.0, trials):
        killed(run, after)
        left = left_in(run)
        up = sound(latest(run))
        json.dumps(up.summary, allow_nan=False)
        assert not worse(tuple(up.stages["objective"]), tuple(s.objective + 1e-6 for s in left.stages))
        again = solve_anytime(PROBLEM, EXACT, earlier=left.earlier(PROBLEM))
        assert not worse(tuple(s.objective for s in again.stages), tuple(up.stages["objective"] + 1e-6))
        with alone(run):
            pass
        assert [p.name for p in tmp_path.iterdir()] == ["run"]
