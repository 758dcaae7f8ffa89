"""First plans of networks: what modules cost for a load, ways demand by demand, moves that only ever end cheaper."""

from itertools import product

import numpy as np
import pytest

from capacity.formulation import build_model
from capacity.problem import Problem
from capacity.solving.compile import compile_model
from capacity.solving.network_plans import Effort, best_by_prices, settled, shaken
from capacity.solving.network_start import start_network, ways_of
from capacity.solving.network_steps import steps_of
from capacity.solving.networks import networks
from capacity.solving.options import Options
from capacity.solving.search import Search
from capacity.solving.strategy import solve
from tests.solving.test_cuts import network as mixed
from tests.solving.test_partitions import wide


def whole(seed):
    """A random network whose modules must all be whole."""
    problem = mixed(seed)
    modules = problem.table("modules")
    return Problem.of({**problem.tables, "modules": modules[modules["module"] != "part"]})


def made(problem):
    form = compile_model(build_model(problem))
    net = networks(problem, form)[0]
    cost = form.cost["cost"]
    return form, net, cost, steps_of(net, form, cost), ways_of(net, cost)


def effort(ways, runs=1500, enough=-np.inf):
    return Effort(ways.runs + runs, enough, lambda: False)


@pytest.mark.parametrize("seed", range(4))
def test_the_cheapest_modules_for_a_width_are_those_of_trying_all(seed):
    form, net, cost, steps, _ = made(whole(seed))
    at = seed % steps.links
    columns = steps.columns[at]
    capacity = np.where(cost[columns] == cost[columns].min(), 4.0, 15.0)
    tried = [np.array(n) for n in product(range(10), repeat=len(columns))]
    for need in (0.0, 0.5, 4.0, 4.1, 14.0, 23.0, 61.0):
        best = min((float(n @ cost[columns]) for n in tried if n @ capacity >= need - 1e-9), default=np.inf)
        wanted = np.zeros(steps.links)
        wanted[at] = need
        if need <= net.sink_amount.sum():  # no link ever carries more
            assert steps.cost(wanted)[at] == pytest.approx(best)
            lit = steps.lit(wanted, form.lower)
            assert capacity @ lit[columns] >= need - 1e-6


@pytest.mark.parametrize("seed", range(6))
def test_a_plan_of_single_ways_is_a_plan_and_moves_make_it_no_dearer(seed):
    problem = whole(seed)
    _, _, _, steps, ways = made(problem)
    rng = np.random.default_rng(seed)
    routed = best_by_prices(ways, steps, effort(ways))
    first = routed.cost()
    second = settled(routed, rng, effort(ways))
    third = shaken(routed, rng, effort(ways))
    assert np.isfinite(first)
    assert third <= second + 1e-9 <= first + 2e-9
    load = np.zeros(steps.rooms)
    for demand, arcs in enumerate(routed.taken):
        place = ways.source[demand]
        for arc in arcs:
            assert ways.back[arc] == place
            place = ways.toward[arc]
            load[ways.room[arc]] += ways.amount[demand]
        assert place == ways.place[demand]
    assert routed.load == pytest.approx(load)
    assert routed.cost() == pytest.approx(third)
    best = solve(problem, Options(gap=0.0)).stages[-1].objective
    assert third >= best - 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_the_search_starts_from_a_plan_near_the_optimum(seed):
    problem = whole(seed)
    search = Search(problem, Options(gap=0.0), None)
    search.bound = -np.inf
    start_network(search, "cost")
    assert search.best is not None
    best = solve(problem, Options(gap=0.0)).stages[-1].objective
    value = float(search.form.cost["cost"] @ search.best) + search.form.offset["cost"]
    assert best - 1e-6 <= value <= 1.25 * best


def test_wide_modules_settle_as_a_spanning_tree():
    _, form, _ = wide(3)
    problem = wide(3)[0]
    _, _, _, steps, ways = made(problem)
    routed = best_by_prices(ways, steps, effort(ways))
    settled(routed, np.random.default_rng(0), effort(ways))
    shaken(routed, np.random.default_rng(0), effort(ways))
    lit = steps.lit(steps.need(routed.load), np.zeros(form.columns))
    assert lit.sum() == 6


def test_fractions_of_modules_are_left_to_others():
    problem = mixed(0)
    search = Search(problem, Options(gap=0.0), None)
    start_network(search, "cost")
    assert search.best is None


def test_a_stopped_search_looks_no_further():
    _, _, _, steps, ways = made(whole(0))
    routed = best_by_prices(ways, steps, effort(ways))
    before = ways.runs
    settled(routed, np.random.default_rng(0), Effort(10**9, -np.inf, lambda: True))
    shaken(routed, np.random.default_rng(0), Effort(10**9, -np.inf, lambda: True))
    assert ways.runs == before
