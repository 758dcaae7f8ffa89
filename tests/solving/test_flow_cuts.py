"""Rows that count part of a border by its flow: right by hand, and no whole-number plan breaks one."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from capacity.problem import Problem
from capacity.solving.compile import compile_problem
from capacity.solving.cutsets import cut_sets, first_sets
from capacity.solving.flow_cuts import MOST_SETS, flow_cuts
from capacity.solving.networks import networks
from capacity.solving.separation import unlike
from tests.solving.test_cuts import network


def two_ways(mode):
    """9 from p0 to p1: over a link of modules of 4, or over one where 20 stand."""
    return Problem.of({
        "periods": pd.DataFrame({"period": [1]}), "slices": pd.DataFrame({"slice": ["all"], "hours": [1.0]}),
        "places": pd.DataFrame({"place": ["p0", "p1"], "kind": "site"}),
        "links": pd.DataFrame({"link": ["lit", "stands"], "from": ["p0", "p0"], "to": ["p1", "p1"], "mode": mode,
                               "existing": [0.0, 20.0]}),
        "modules": pd.DataFrame({"link": ["lit"], "module": "m", "period": 1, "capacity": 4.0, "objective": 1.0}),
        "flows": pd.DataFrame({"flow": ["f"], "source": ["p0"], "period": [1], "slice": ["all"]}),
        "flow_sinks": pd.DataFrame({"flow": ["f"], "sink": ["p1"], "amount": [9.0]}),
        "goals": pd.DataFrame({"order": [1], "goal": ["cost"]}),
    })


def best(form, cost, whole=True):
    """The cheapest point at these prices."""
    rows = LinearConstraint(form.matrix, form.row_lower, form.row_upper)
    found = milp(cost, integrality=form.integer * int(whole), bounds=Bounds(form.lower, form.upper), constraints=rows)
    assert found.status == 0, found.message
    return found.x


@pytest.mark.parametrize("mode", ["one_way", "each_way", "shared"])
def test_a_border_of_two_rooms_by_hand(mode):
    """2.2 modules and 0.2 by the other way carry the 9; rounded, 9/4 = 2 + 1/4 needs x + flow >= 3."""
    form = compile_problem(two_ways(mode))
    (net,) = networks(two_ways(mode), form)
    x = np.zeros(form.columns)
    x[net.supplier_column] = 2.2
    onward = net.arc_toward > net.arc_back
    over_lit = np.isin(net.arc_room, net.supplier_room)
    x[net.arc_column[onward & over_lit]], x[net.arc_column[onward & ~over_lit]] = 8.8, 0.2
    sets = first_sets(net, np.random.default_rng(0))
    assert not cut_sets(net, sets, x)
    cuts = flow_cuts(net, sets, x, 0)
    assert cuts
    for cut in cuts:
        assert set(cut.columns) == {*net.supplier_column, *net.arc_column[onward & ~over_lit]}
        assert cut.coefficients.tolist() == pytest.approx([1.0, 1.0])
        assert cut.lower == pytest.approx(3.0)
        assert cut.depth == pytest.approx((3 - 2.4) / np.sqrt(2))


@pytest.mark.parametrize("seed", range(6))
def test_no_plan_breaks_a_row(seed):
    """Rows violated by one relaxed point hold at whole-number plans that are best for any other prices."""
    problem = network(seed)
    form = compile_problem(problem)
    (net,) = networks(problem, form)
    sets = first_sets(net, np.random.default_rng(0))
    rng = np.random.default_rng(seed)
    prices = [np.where(form.integer, rng.random(form.columns), 0.02 * rng.random(form.columns)) for _ in range(4)]
    plans = [best(form, price) for price in prices]
    found = 0
    for price in [form.cost["cost"], *prices]:
        for cut in flow_cuts(net, sets, best(form, price, whole=False), 0):
            found += 1
            for plan in plans:
                assert float(cut.coefficients @ plan[cut.columns]) >= cut.lower - 1e-6
    assert found


def test_many_sets_are_thinned_to_the_nearest():
    problem = network(3, places=16)
    form = compile_problem(problem)
    (net,) = networks(problem, form)
    rng = np.random.default_rng(0)
    sets = rng.random((3 * MOST_SETS, net.places)) < 0.5
    sets[:, 0] = False
    x = best(form, form.cost["cost"], whole=False)
    few, many = flow_cuts(net, sets[:MOST_SETS], x, 0), flow_cuts(net, sets, x, 0)
    assert max(c.depth for c in many) >= max(c.depth for c in few) - 1e-9


def test_rows_that_say_the_same_are_added_once():
    problem = network(0)
    form = compile_problem(problem)
    (net,) = networks(problem, form)
    x = best(form, form.cost["cost"], whole=False)
    cuts = sorted(flow_cuts(net, first_sets(net, np.random.default_rng(0)), x, 0), key=lambda cut: -cut.depth)
    assert cuts
    chosen = unlike([*cuts, *cuts], form.columns)
    assert chosen == unlike(cuts, form.columns)
    assert chosen[0] is cuts[0]
