"""Another solver, by file and through Pyomo, finds what ours finds."""

import highspy
import numpy as np
import pytest

from capacity.errors import InfeasibleError, InputError
from capacity.solving import Options, solve
from capacity.solving.compile import compile_problem
from capacity.solving.elsewhere import check_solver, solve_with, write_program
from tests.support.random_problem import random_problem
from tests.support.tiny_problem import tiny_problem

EXACT = Options(gap=0.0)
PROBLEM = tiny_problem(0)


def read(path):
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
    highs.run()
    return highs


@pytest.mark.parametrize("ending", ["mps", "lp"])
def test_a_written_program_has_the_optimum_of_its_first_goal(tmp_path, ending):
    path = tmp_path / f"program.{ending}"
    assert write_program(PROBLEM, path) == "shortage"
    found = read(path)
    assert found.getObjectiveValue() == pytest.approx(solve(PROBLEM, EXACT).stages[0].objective)
    form = compile_problem(PROBLEM)
    assert found.getNumCol() == form.columns
    assert found.getNumRow() == form.matrix.shape[0]


def test_a_later_goal_with_the_earlier_one_kept(tmp_path):
    first, second = solve(PROBLEM, EXACT).stages
    path = tmp_path / "cost.mps"
    assert write_program(PROBLEM, path, "cost", {"shortage": first.objective + 1e-7}) == "cost"
    assert read(path).getObjectiveValue() == pytest.approx(second.objective, rel=1e-5)


def test_names_say_what_they_are_and_stand_once(tmp_path):
    problem = random_problem(1, sites=2, years=2, regions=2)
    write_program(problem, tmp_path / "a.mps")
    lp = read(tmp_path / "a.mps").getLp()
    for names in (lp.col_names_, lp.row_names_):
        assert len(set(names)) == len(names)
        assert not any(" " in name for name in names)
    assert "bought(s0.g0.2027)" in lp.col_names_
    assert "limits_hold(supply_2027)" in lp.row_names_


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(InputError, match=r"cots.*nearest: 'cost'"):
        write_program(PROBLEM, tmp_path / "a.mps", "cots")
    with pytest.raises(InputError, match=r"\.mps or \.lp"):
        write_program(PROBLEM, tmp_path / "a.txt")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_program(PROBLEM, tmp_path / "file" / "a.mps")


@pytest.mark.parametrize("name", ["highs", "scip"])
@pytest.mark.parametrize("seed", [0, 4])
def test_another_solver_finds_the_same(name, seed):
    if name == "scip":
        pytest.importorskip("pyscipopt")
    problem = tiny_problem(seed)
    mine, theirs = solve(problem, EXACT), solve_with(name, problem, EXACT)
    for one, other in zip(mine.stages, theirs.stages, strict=True):
        assert other.goal == one.goal
        assert other.objective == pytest.approx(one.objective, rel=1e-5, abs=1e-5)
        assert other.bound <= other.objective + 1e-9
    assert set(theirs.values) == set(mine.values)
    assert np.allclose(theirs.values["bought"]["value"] % 1, 0)


def test_an_infeasible_problem_is_said_to_be_one():
    problem = tiny_problem(0)
    demands = problem.table("demands").assign(must_serve=True, amount=1e6)
    hopeless = type(problem).of({**problem.tables, "demands": demands})
    with pytest.raises(InfeasibleError, match="highs finds no plan"):
        solve_with("highs", hopeless, EXACT)


def test_a_solver_that_is_not_there_is_named_with_what_it_needs(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match=r"--solver cbc: not found .*export SCENARIO --mps"):
        check_solver("cbc")
    with pytest.raises(InputError, match=r"'gurobbi' is unknown.*did you mean 'gurobi'"):
        check_solver("gurobbi")
