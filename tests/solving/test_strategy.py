"""Plans against the true optimum, counted out or found by another solver; and solves that are cut short."""

import signal

import numpy as np
import pytest

from capacity.errors import InfeasibleError, InputError, Interrupted, LimitError
from capacity.formulation import build_model
from capacity.solving import Options, solve
from capacity.solving.compile import compile_model
from tests.solving.brute import brute_force
from tests.solving.milp import milp_optimum
from tests.support import recount
from tests.support.frames import frame
from tests.support.random_problem import random_problem
from tests.support.tiny_problem import tiny_problem

NEAR = {"rel": 2e-4, "abs": 2e-4}
"""An earlier goal is kept with a little room, so a later one may be a little better than without it."""
LEXICOGRAPHIC, PRICED, SERVED = ("shortage", "cost"), ("cost_and_shortage",), ("served", "cost")


def objectives(solution):
    return [stage.objective for stage in solution.stages]


@pytest.mark.parametrize("seed", range(36))
def test_every_choice_counted_out(seed):
    problem = tiny_problem(seed)
    solution = solve(problem, Options(gap=0.0))
    assert objectives(solution) == pytest.approx(brute_force(problem), **NEAR)
    assert solution.status == "optimal"


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("order", [PRICED, SERVED], ids=lambda order: order[0])
def test_every_choice_counted_out_for_other_goals(order, seed):
    problem = tiny_problem(seed, order)
    assert objectives(solve(problem, Options(gap=0.0))) == pytest.approx(brute_force(problem), **NEAR)


@pytest.mark.parametrize("order", [LEXICOGRAPHIC, PRICED, SERVED], ids=lambda order: order[0])
@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 3, 1)], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_another_solver_finds_the_same(seed, shape, order):
    problem = tiny_problem(seed, order, shape)
    assert objectives(solve(problem, Options(gap=0.0))) == pytest.approx(milp_optimum(problem), **NEAR)


@pytest.mark.parametrize("order", [LEXICOGRAPHIC, PRICED, SERVED], ids=lambda order: order[0])
@pytest.mark.parametrize("seed", range(4))
def test_with_time_enough_every_goal_reaches_the_gap_asked_for(order, seed):
    """A goal's constant part counts in its gap, also where HiGHS decides when to stop."""
    for gap in (0.01, 0.03, 0.1):
        solution = solve(tiny_problem(seed, order, (3, 3, 1)), Options(gap=gap, time_limit=60.0))
        assert {stage.status for stage in solution.stages} <= {"optimal", "gap_reached"}


@pytest.fixture(scope="module", params=[0.0, 0.02, 0.2], ids=lambda gap: f"gap {gap:g}")
def solved(request):
    problem = random_problem(5, sites=3, years=3, regions=3, slices=2, scarcity=1.5)
    return problem, solve(problem, Options(gap=request.param, time_limit=8.0)), request.param


def test_no_bound_is_above_its_objective_and_each_gap_is_theirs(solved):
    problem, solution, asked = solved
    assert [s.goal for s in solution.stages] == problem.table("goals")["goal"].tolist()
    for stage in solution.stages:
        assert stage.bound <= stage.objective + 1e-6 * max(1.0, abs(stage.objective))
        if stage.gap > 1e-6:
            assert stage.gap == pytest.approx((stage.objective - stage.bound) / abs(stage.objective))
        assert stage.gap <= asked + 1e-6 or stage.status == "time_limit"
    assert solution.gap == max(s.gap for s in solution.stages)


def test_bounds_hold_for_the_true_optimum(solved):
    """The least cost that any solver finds is not below the bound, nor is ours below it."""
    _, solution, _ = solved
    exact = solve(random_problem(5, sites=3, years=3, regions=3, slices=2, scarcity=1.5), Options(gap=0.005))
    for ours, best in zip(solution.stages, exact.stages, strict=True):
        assert ours.bound <= best.objective * (1 + 1e-4) + 1e-6


def test_the_tables_say_the_same_as_the_objectives(solved):
    problem, solution, _ = solved
    counted = recount.goals(problem, solution.values)
    assert [counted[s.goal] for s in solution.stages] == pytest.approx(objectives(solution), rel=1e-6, abs=1e-6)


def test_the_tables_are_a_feasible_plan_in_whole_units(solved):
    problem, solution, _ = solved
    form = compile_model(build_model(problem))
    x = np.zeros(form.columns)
    for name, table in solution.values.items():
        positions, index = form.labels[name]
        at = {key if isinstance(key, tuple) else (key,): p for p, key in zip(positions, index, strict=True)}
        for *key, value in table.itertuples(index=False):
            x[at[tuple(key)]] = value
    positions, index = form.labels["opened"]
    opening = solution.values["open"]
    since = dict(zip(opening["place"], opening["period"], strict=True))
    x[positions] = [float(y >= since.get(p, np.inf)) for p, y in index]
    assert x[form.integer] == pytest.approx(np.round(x[form.integer]), abs=1e-9)
    assert (form.matrix @ x <= form.row_upper + 1e-5 * (1 + np.abs(form.row_upper))).all()
    assert (form.matrix @ x >= form.row_lower - 1e-5 * (1 + np.abs(form.row_lower))).all()
    assert (x <= form.upper + 1e-6).all()
    assert (x >= form.lower - 1e-6).all()


@pytest.mark.parametrize("seed", range(4))
def test_every_kind_of_cost_is_counted(seed):
    problem = tiny_problem(seed, PRICED, (2, 2, 2))
    solution = solve(problem, Options(gap=0.0))
    counted = recount.goals(problem, solution.values)["cost_and_shortage"]
    assert counted == pytest.approx(objectives(solution)[0], rel=1e-6)


def test_the_same_problem_gives_the_same_plan():
    first, second = (solve(random_problem(3, sites=3, years=2), Options(gap=0.01)) for _ in range(2))
    assert objectives(first) == objectives(second)
    for name, table in first.values.items():
        assert table.equals(second.values[name]), name


def must_serve(problem, **changes):
    tables = {name: problem.table(name) for name in problem.tables}
    tables["demands"] = tables["demands"].assign(must_serve=True)
    return type(problem).of({**tables, **changes})


def test_what_must_be_served_and_cannot_be_is_named():
    given = random_problem(1, sites=2, years=2, regions=2, scarcity=40.0)
    said = r"demand r\dc0202\dh0 must be served \(short by [\d,.]+ of [\d,.]+ thousand instances\)"
    with pytest.raises(InfeasibleError, match=said):
        solve(must_serve(given))


def test_a_limit_that_stands_in_the_way_is_named():
    given = random_problem(1, sites=2, years=1, regions=2, scarcity=0.1)
    solve(must_serve(given), Options(gap=0.5))
    none = given.table("limits").assign(rhs=[-5.0])
    with pytest.raises(InfeasibleError, match=r"limit supply 2027 \(short by [5-9][\d.]* of 5\)"):
        solve(must_serve(given, limits=none))


def test_a_number_beyond_the_world_is_bad_input():
    given = random_problem(1, sites=2, years=1, regions=2)
    tables = {name: given.table(name) for name in given.tables}
    tables["demands"] = tables["demands"].assign(amount=1e27)
    with pytest.raises(InputError, match="too large to solve with"):
        solve(type(given).of(tables))


def test_whole_units_that_cannot_meet_what_fractions_can():
    """Half a block is asked for, and only whole ones are sold."""
    problem = tiny_problem(0, ("cost",))
    tables = {name: problem.table(name) for name in problem.tables}
    tables["limits"] = frame("limit topic sense rhs", ("half", "rule", "==", 0.5))
    half = ("half", "built", "s0", "b", 2027, 1.0)
    tables["limit_terms"] = frame("limit variable place item period coefficient", half)
    with pytest.raises(InfeasibleError, match="whole pods cannot meet"):
        solve(type(problem).of(tables))


@pytest.mark.parametrize("problem", [tiny_problem(3), random_problem(3)], ids=["tiny", "random"])
def test_no_time_is_a_limit_not_a_plan(problem):
    with pytest.raises(LimitError, match="no plan was found within 0 s"):
        solve(problem, Options(time_limit=0.0))


def large():
    return random_problem(2, sites=8, years=5, designs=3, regions=5, scarcity=2.0)


def test_a_time_limit_returns_the_best_plan_with_its_gap():
    problem = large()
    solution = solve(problem, Options(gap=0.0, time_limit=1.5))
    assert solution.status == "time_limit"
    assert 0 < solution.gap < 1
    assert solution.seconds < 6
    counted = recount.goals(problem, solution.values)
    assert [counted[s.goal] for s in solution.stages] == pytest.approx(objectives(solution), rel=1e-6, abs=1e-6)


def test_ctrl_c_while_searching_returns_the_best_plan():
    problem, pressed = large(), []

    def listen(progress):
        if progress.goal == "cost" and progress.phase.startswith("searching") and not pressed:
            pressed.append(signal.setitimer(signal.ITIMER_REAL, 0.7))

    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        solution = solve(problem, Options(gap=0.0), listen)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    assert pressed
    assert solution.status == "interrupted"
    assert solution.seconds < 10
    counted = recount.goals(problem, solution.values)
    assert [counted[s.goal] for s in solution.stages] == pytest.approx(objectives(solution), rel=1e-6, abs=1e-6)


def pressed_at(count):
    """A listener that presses Ctrl-C at the count-th message; the messages it heard."""
    heard = []

    def listen(progress):
        heard.append(progress)
        if len(heard) == count:
            signal.raise_signal(signal.SIGINT)

    return listen, heard


def test_ctrl_c_before_any_plan():
    listen, _ = pressed_at(2)
    with pytest.raises(Interrupted, match="before any plan"):
        solve(tiny_problem(3, shape=(3, 3, 2)), Options(gap=0.0), listen)


def test_ctrl_c_at_any_moment_gives_a_whole_answer_or_says_so():
    """Between two runs of the solver too: every goal has a stage, and none that was cut short counts as optimal."""
    problem = tiny_problem(3, shape=(3, 3, 2))
    whole = solve(problem, Options(gap=0.0))
    ended = {}
    for count in range(2, 14):
        listen, _ = pressed_at(count)
        try:
            solution = solve(problem, Options(gap=0.0), listen)
        except Interrupted:
            ended[count] = "nothing"
            continue
        ended[count] = solution.status
        assert [s.goal for s in solution.stages] == ["shortage", "cost"]
        if solution.status == "optimal":
            assert objectives(solution) == pytest.approx(objectives(whole), **NEAR)
        else:
            assert solution.status == "interrupted"
            assert solution.gap > 0
        counted = recount.goals(problem, solution.values)
        assert [counted[s.goal] for s in solution.stages] == pytest.approx(objectives(solution), rel=1e-6, abs=1e-6)
    assert set(ended.values()) == {"nothing", "interrupted", "optimal"}
