"""Frontiers, break-even, the price of not knowing: each equals what counting out every whole-number choice gives."""

from types import SimpleNamespace

import numpy as np
import pytest

from capacity.catalogue import load_catalogue
from capacity.problem import build_problem
from capacity.scenario import load_scenario
from capacity.solving.compile import compile_problem
from capacity.studies.ask import Asked
from capacity.studies.breakeven import break_even
from capacity.studies.frontier import frontier
from capacity.studies.keys import Base
from capacity.studies.risk import FutureSpec, RiskSpec, compile_futures, conditional_value, weigh
from tests.solving.brute import counted
from tests.studies.world import TEXT, write_world

GOAL, VALUE = "cost_and_shortage", "cost_and_shortage_objective"
SETS = ("money.capex_budget=null",)
COARSE = TEXT.replace("size: 1000, ", "size: 8000, ").replace("size: 12.5 MW", "size: 50 MW")
"""Units so large that a dozen whole numbers of a few values each are all there is to choose."""


@pytest.fixture(scope="module")
def coarse(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("coarse"), COARSE)


@pytest.fixture(scope="module")
def counting(coarse):
    """The program under one change, with the cost of every whole-number choice; each counted out once."""
    known = {}

    def of(**values):
        key = tuple(sorted(values.items()))
        if key not in known:
            base = Base(load_scenario(coarse, SETS))
            sets = [s for path, text in values.items() for s in base.sets(path, text)]
            scenario = load_scenario(coarse, (*SETS, *sets))
            form = compile_problem(build_problem(scenario, load_catalogue(scenario.catalogue)))
            choices, costs = counted(form)
            known[key] = SimpleNamespace(form=form, choices=choices, costs=costs, best=float(costs.min()))
        return known[key]

    return of


@pytest.mark.long
def test_every_point_of_a_frontier(coarse, counting, tmp_path):
    asked = Asked(coarse, tmp_path / "s" / "s", SETS, gap=0.0)
    found = frontier(asked, "demand.amount", "x0.5", "x1.5", VALUE, accuracy=0.4)
    assert len(found.points) >= 3
    for point in found.points.to_dict("records"):
        best = counting(**{"demand.amount": point["value"]}).best
        assert point[VALUE] == pytest.approx(best, rel=1e-6), point["value"]
    assert found.points["decided"].all(), "proven optima that differ are told apart"


@pytest.mark.long
def test_break_even_lies_where_the_counted_cost_crosses(coarse, counting, tmp_path):
    ends = [counting(**{"demand.amount": text}).best for text in ("x0.5", "x1.5")]
    limit = 0.3 * ends[0] + 0.7 * ends[1]
    asked = Asked(coarse, tmp_path / "s" / "s", SETS, gap=0.0)
    found = break_even(asked, "demand.amount", "x0.5", "x1.5", f"{VALUE} <= {limit:.6f}", accuracy=0.05)
    assert found.found
    low, high = (counting(**{"demand.amount": text}).best for text in (found.low, found.high))
    assert low <= limit < high
    assert float(found.high[1:]) - float(found.low[1:]) <= 0.05 * (1.5 - 0.5) + 1e-9


FUTURES = {"calm": (3, "x0.7"), "boom": (1, "x1.3")}


@pytest.fixture(scope="module")
def futures(counting):
    """Cost of each future under each choice of what is committed before they part: openings, phases, pods of 2027."""
    by_future = []
    for _, demand in FUTURES.values():
        one = counting(**{"demand.amount": demand})
        by_future.append(_by_commitment(one.form, one.choices, one.costs))
    common = sorted(set(by_future[0]) & set(by_future[1]))
    costs = np.array([[future[c] for future in by_future] for c in common])
    return common, costs, np.array([0.75, 0.25])


def _by_commitment(form, choices, costs):
    whole, early = np.flatnonzero(form.integer), np.zeros(form.columns, dtype=bool)
    for name in ("open", "built", "bought"):
        years = [int(year) for year in form.labels.keys_of(name)[1 if name == "open" else 2]]
        early[form.labels.span(name)] = np.array(years) < 2028
    found = {}
    for choice, cost in zip(choices, costs, strict=True):
        key = tuple(choice[early[whole]])
        found[key] = min(cost, found.get(key, np.inf))
    return found


@pytest.fixture(scope="module")
def spec(coarse):
    told = [FutureSpec(name=n, weight=w, set={"demand.amount": x}) for n, (w, x) in FUTURES.items()]
    return RiskSpec(scenario=coarse, set=list(SETS), reveal=2028, lead=0, futures=told, gap=0.0)


def test_expected_cost_and_the_value_of_information(spec, futures):
    _, costs, weights = futures
    expected, alone = (costs @ weights).min(), costs.min(axis=0)
    risk = weigh(compile_futures(spec))
    assert risk.expected == pytest.approx(expected, rel=1e-6)
    assert risk.wait_and_see == pytest.approx(alone @ weights, rel=1e-6)
    assert risk.perfect_information == pytest.approx(expected - alone @ weights, abs=1e-6 * expected)


def test_the_value_of_the_stochastic_solution(spec, futures, counting):
    commitments, costs, weights = futures
    middle = counting()
    own = _by_commitment(middle.form, middle.choices, middle.costs)
    best = [c for c, cost in own.items() if cost <= middle.best * (1 + 1e-9)]
    assert len(best) == 1, "the scenario's own plan commits to one thing only"
    risk = weigh(compile_futures(spec))
    committed = costs[commitments.index(best[0])] @ weights
    assert risk.stochastic_solution == pytest.approx(committed - (costs @ weights).min(), abs=1e-6 * committed)


def test_the_least_tail_and_the_least_regret(spec, futures):
    _, costs, weights = futures
    tails = [conditional_value(row, weights, 0.8) for row in costs]
    averse = weigh(compile_futures(spec.model_copy(update={"risk": 1.0, "alpha": 0.8})), "cvar")
    assert averse.cvar == pytest.approx(min(tails), rel=1e-6)
    regrets = (costs - costs.min(axis=0)).max(axis=1)
    sorry = weigh(compile_futures(spec), "regret")
    assert sorry.worst_regret == pytest.approx(regrets.min(), abs=1e-6 * costs.max())
