"""Partition cuts: what must hang together takes a lit link for all parts but one."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree

from capacity.formulation import build_model
from capacity.problem import Problem
from capacity.solving.compile import compile_model
from capacity.solving.highs import Deadline
from capacity.solving.networks import networks
from capacity.solving.partitions import Modules, partition_cuts, parts_of_least_excess
from capacity.solving.separation import strengthened

PLACES = 7


def wide(seed, existing=0.0, fraction=False, exchanges=None):
    """Every two of some places may be joined by one wide module; `exchanges`: (from, to) with traffic, default all to
    the first."""
    rng = np.random.default_rng(seed)
    pairs = [(a, b) for a in range(PLACES) for b in range(a)]
    links = pd.DataFrame({"link": [f"{a}-{b}" for a, b in pairs], "from": [f"p{a}" for a, _ in pairs],
                          "to": [f"p{b}" for _, b in pairs], "existing": 0.0, "mode": "each_way"})
    links.loc[0, "existing"] = existing
    price = rng.integers(20, 90, len(pairs)).astype(float)
    modules = pd.DataFrame({"link": links["link"], "module": "wave", "period": 1, "capacity": 1000.0, "max": 9.0,
                            "integer": [not fraction, *[True] * (len(pairs) - 1)], "objective": price})
    exchanges = [(a, 0) for a in range(1, PLACES)] if exchanges is None else exchanges
    sinks = pd.DataFrame({"flow": [f"p{a}" for a, _ in exchanges], "sink": [f"p{b}" for _, b in exchanges],
                          "amount": 2.0})
    problem = Problem.of({
        "periods": pd.DataFrame({"period": [1]}), "slices": pd.DataFrame({"slice": ["all"], "hours": [1.0]}),
        "places": pd.DataFrame({"place": [f"p{i}" for i in range(PLACES)], "kind": "site"}),
        "links": links, "modules": modules,
        "flows": pd.DataFrame({"flow": sinks["flow"].unique(), "source": sinks["flow"].unique(), "period": 1,
                               "slice": "all"}),
        "flow_sinks": sinks, "goals": pd.DataFrame({"order": [1], "goal": ["cost"]}),
    })
    cost = np.zeros((PLACES, PLACES))
    for (a, b), usd in zip(pairs, price, strict=True):
        cost[a, b] = usd
    return problem, compile_model(build_model(problem)), cost


@pytest.mark.parametrize("seed", range(5))
def test_wide_modules_are_bought_as_a_spanning_tree_and_the_relaxation_says_so(seed):
    problem, form, cost = wide(seed)
    _, relaxed = strengthened(problem, form, Deadline(), 1)
    assert relaxed.objective == pytest.approx(minimum_spanning_tree(cost).sum())


def partitions(n):
    """Every partition of n things, as part numbers."""
    if n == 0:
        yield []
        return
    for rest in partitions(n - 1):
        for part in range(max(rest, default=-1) + 2):
            yield [*rest, part]


@pytest.mark.parametrize("seed", range(6))
def test_the_most_violated_partition_is_found(seed):
    rng = np.random.default_rng(seed)
    weight = np.triu(rng.choice([0.0, 0.2, 0.5, 0.7, 1.0], (6, 6)), 1)
    weight = weight + weight.T

    def excess(part):
        part = np.asarray(part)
        return weight[part[:, None] != part].sum() / 2 - len(np.unique(part))

    best = min(excess(part) for part in partitions(6))
    assert excess(parts_of_least_excess(weight, rng.permutation(6))) == pytest.approx(best, abs=1e-5)


def needed(form, problem, x=None):
    """Right sides of the rows violated where nothing is lit."""
    net = networks(problem, form)[0]
    cuts = partition_cuts(net, np.zeros(form.columns) if x is None else x, np.random.default_rng(0))
    return {round(cut.lower) for cut in cuts}


def test_all_parts_but_one_take_a_link():
    problem, form, _ = wide(0)
    assert max(needed(form, problem)) == PLACES - 1


def test_places_that_exchange_nothing_need_not_hang_together():
    problem, form, _ = wide(0, exchanges=[(1, 0), (3, 2), (4, 2)])
    assert max(needed(form, problem)) == 3


@pytest.mark.parametrize("given", [{"existing": 5.0}, {"fraction": True}])
def test_a_link_that_stands_or_widens_by_fractions_joins_its_ends(given):
    problem, form, _ = wide(0, **given)
    modules = Modules(networks(problem, form)[0])
    assert modules.joined[0] == modules.joined[1]
    assert len(np.unique(modules.joined)) == PLACES - 1
    assert max(needed(form, problem)) == PLACES - 2


def test_a_plan_violates_no_partition():
    problem, form, _ = wide(0)
    x = np.zeros(form.columns)
    columns, index = form.labels["modules"]
    for column, (link, *_) in zip(columns, index, strict=True):
        x[column] = float(link.endswith("-0"))
    assert not needed(form, problem, x)
