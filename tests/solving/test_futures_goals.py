"""Least regret, sequences and frontiers of goals, against futures whose every choice is counted out."""

import math
from dataclasses import replace

import numpy as np
import pytest

from capacity.errors import InfeasibleError, InputError
from capacity.solving import Options, solve
from capacity.solving.compile import compile_problem
from capacity.solving.futures_goals import Goals, frontier
from tests.support.counted_out import choices, rest
from tests.support.frames import frame, small
from tests.support.tiny_problem import tiny_problem

EXACT = Options(gap=0.0, threads=1)
WEIGHTS = (0.85, 0.1, 0.05)
AHEAD = ("open", "built", "bought")
"""What is decided before the futures part, in the first period; rent, retirement and use follow them."""


def futures_of(seed):
    """Two kinds of accelerators bought in whole units for two years, cheap ahead and dear later, and three futures of
    what the second year asks for and would pay."""
    draw = np.random.default_rng(seed)
    kinds, years = ("g", "h"), (2027, 2028)
    most = {("g", 2027): 7.0, ("h", 2027): 3.0, ("g", 2028): 1.0, ("h", 2028): 1.0}
    cells = [("S", k, y, most[k, y], size * float(draw.uniform(5, 7)) * (1 if y == 2027 else 1.5), 2)
             for k, size in (("g", 1.0), ("h", 2.3)) for y in years]
    first, price = float(draw.uniform(0, 2)), float(draw.uniform(6, 12))
    out = []
    for asked in sorted(draw.uniform(0, 12, 3)):
        out.append(small(
            ["cost_and_shortage"], years,
            places=frame("place kind", ("S", "site"), ("R", "region")),
            assets=frame("asset unit_size", ("g", 1.0), ("h", 2.3)),
            asset_cells=frame("place asset vintage max objective life", *cells),
            upkeep=frame("place asset period objective", *(
                ("S", k, y, float(draw.uniform(0, 1))) for k in kinds for y in years)),
            rentals=frame("place asset period max objective", ("S", "g", 2028, 1.0, float(draw.uniform(5, 20)))),
            activities=frame("activity asset commodity output_per_unit", *((f"run {k}", k, "c", 1.0) for k in kinds)),
            demands=frame(
                "demand place commodity period slice amount shortage_price",
                ("now", "R", "c", 2027, "all", first, price),
                ("then", "R", "c", 2028, "all", float(asked), price * float(draw.uniform(1, 3)))),
            assignments=frame("demand place", ("now", "S"), ("then", "S"))))
    return out


def ahead(form, first=2027):
    """Columns decided in the first period, as nodes for the solver."""
    nodes = {}
    for name in AHEAD:
        if name in form.labels and form.labels.size(name):
            start = form.labels.span(name).start
            years = list(form.labels.keys_of(name)[-1])
            nodes |= {start + i: "before" for i, year in enumerate(years) if int(year) == first}
    return nodes


def goals_of(problems, names, best=None):
    forms = [compile_problem(problem) for problem in problems]
    if best is None:
        best = [solve(problem, EXACT).stages[-1].objective for problem in problems]
    return Goals(forms, WEIGHTS, [ahead(form) for form in forms], names, EXACT, best)


def counted(problems, first=2027):
    """(regret, expected cost) of every choice of what is decided ahead, the rest as cheap as it can be in each future.

    Nothing of the formulation or the solver is in it.
    """
    by_choice = []
    for problem in problems:
        tables = {name: problem.table(name).to_dict("records") for name in problem.tables}
        cheapest = {}
        for cost, choice in choices(tables):
            key = tuple((name, *at, n) for (name, at), n in (
                (k, v) for k, v in choice.items() if isinstance(v, int)) if name in AHEAD and at[-1] == first)
            if cost < cheapest.get(key, math.inf):
                cheapest[key] = min(cheapest.get(key, math.inf), cost + rest(tables, choice))
        by_choice.append(cheapest)
    best = [min(costs.values()) for costs in by_choice]
    common = [key for key in by_choice[0] if all(key in costs and costs[key] < math.inf for costs in by_choice)]
    points = []
    for key in common:
        own = [costs[key] for costs in by_choice]
        points.append((max(c - b for c, b in zip(own, best, strict=True)),
                       sum(w * c for w, c in zip(WEIGHTS, own, strict=True))))
    return best, points


def undominated(points):
    """The points that no other beats in one goal without losing in the other, by the first."""
    out = []
    for regret, cost in sorted(points):
        if not out or cost < out[-1][1] - 1e-6:
            out.append((regret, cost))
    return out


SEEDS = (1, 3, 4, 7, 8, 11)


@pytest.fixture(scope="module", params=SEEDS)
def case(request):
    problems = futures_of(request.param)
    return problems, *counted(problems)


def test_best_of_each_future(case):
    problems, best, _ = case
    assert [solve(problem, EXACT).stages[-1].objective for problem in problems] == pytest.approx(best, rel=1e-6)


def test_least_regret_then_least_expected_cost(case):
    problems, _, points = case
    reached = goals_of(problems, ["regret", "cost_and_shortage"]).in_order()
    assert [s.objective for s in reached.stages] == pytest.approx(undominated(points)[0], rel=1e-5, abs=1e-5)
    assert [s.bound for s in reached.stages] == pytest.approx([s.objective for s in reached.stages], rel=1e-6)
    assert reached.status == "optimal"


def test_the_other_way_round(case):
    problems, _, points = case
    reached = goals_of(problems, ["cost_and_shortage", "regret"]).in_order()
    last = undominated(points)[-1]
    assert [s.objective for s in reached.stages] == pytest.approx((last[1], last[0]), rel=1e-5, abs=1e-5)


def test_some_regret_given_up(case):
    """Half as much regret again is allowed: the cheapest choice within it."""
    problems, _, points = case
    least = undominated(points)[0][0]
    reached = goals_of(problems, ["regret", "cost_and_shortage"]).in_order(given_up={"regret": 0.5})
    cheapest = min(cost for regret, cost in points if regret <= 1.5 * least + 1e-6)
    assert reached.stages[1].objective == pytest.approx(cheapest, rel=1e-5)


def test_the_frontier_is_every_choice_that_none_beats(case):
    problems, _, points = case
    found = frontier(goals_of(problems, ["regret", "cost_and_shortage"]), most=50)
    expected = undominated(points)
    assert [p.first for p in found] == pytest.approx([p[0] for p in expected], rel=1e-5, abs=1e-5)
    assert [p.second for p in found] == pytest.approx([p[1] for p in expected], rel=1e-5)


def test_somewhere_the_two_goals_differ():
    """Else the tests above would compare one point with itself."""
    assert max(len(undominated(counted(futures_of(seed))[1])) for seed in SEEDS) >= 3


def test_few_points_keep_both_ends(case):
    problems, _, points = case
    found = frontier(goals_of(problems, ["regret", "cost_and_shortage"]), most=2)
    ends = undominated(points)
    assert [found[0].first, found[-1].first] == pytest.approx([ends[0][0], ends[-1][0]], rel=1e-5, abs=1e-5)


def test_one_future_has_nothing_to_regret():
    problem = futures_of(0)[0]
    form, best = compile_problem(problem), solve(problem, EXACT).stages[-1].objective
    reached = Goals([form], [1.0], [{}], ["regret"], EXACT, [best]).in_order()
    assert reached.stages[0].objective == pytest.approx(0.0, abs=1e-5)


def test_goals_of_one_plan_are_traded_too():
    """Serving more costs more: from all that can be served to nothing bought."""
    problem = tiny_problem(6, ("shortage", "cost"), (1, 2, 1))
    found = frontier(Goals([compile_problem(problem)], [1.0], [{}], ["shortage", "cost"], EXACT), most=6)
    assert len(found) == 6
    assert [p.first for p in found] == sorted(p.first for p in found)
    assert [p.second for p in found] == sorted((p.second for p in found), reverse=True)
    stages = solve(problem, EXACT).stages
    assert (found[0].first, found[0].second) == pytest.approx([s.objective for s in stages], rel=1e-6, abs=1e-6)
    assert found[-1].second == pytest.approx(0.0, abs=1e-6)


def test_what_cannot_be_is_told():
    problem = futures_of(0)[0]
    form = compile_problem(problem)
    with pytest.raises(InputError, match="no goal 'carbon'"):
        Goals([form], [1.0], [{}], ["carbon"], EXACT)
    with pytest.raises(InputError, match="least cost of each future"):
        Goals([form], [1.0], [{}], ["regret"], EXACT)
    with pytest.raises(InputError, match="two goals; 1"):
        frontier(Goals([form], [1.0], [{}], ["cost_and_shortage"], EXACT))
    with pytest.raises(InputError, match="two ends"):
        frontier(Goals([form], [1.0], [{}], ["cost_and_shortage", "regret"], EXACT, [0.0]), most=1)


def test_futures_without_a_common_decision_are_told():
    problem = futures_of(0)[0]
    cells = problem.table("asset_cells")
    forms = [compile_problem(replace(problem, tables={**problem.tables, "asset_cells": cells.assign(max=most)}))
             for most in (3.0, 3.0)]
    forms[1] = replace(forms[1], lower=np.where(forms[1].integer, 1.0, 0.0))
    forms[0] = replace(forms[0], upper=np.where(forms[0].integer, 0.0, forms[0].upper))
    with pytest.raises(InfeasibleError, match="no common decision"):
        Goals(forms, (0.5, 0.5), [ahead(f) for f in forms], ["cost_and_shortage"], EXACT)
