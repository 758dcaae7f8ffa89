"""Location problems: told by their rows, bounded by prices, optimal as counted out by hand."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from benchmarks.reference import read
from capacity.errors import InfeasibleError, LimitError
from capacity.solving import Options, search, solve
from capacity.solving.compile import compile_problem
from capacity.solving.highs import Deadline
from capacity.solving.location import Location, location_of
from capacity.solving.location_bound import Pricing
from capacity.solving.location_plans import Plans
from capacity.solving.location_search import Tree
from tests.benchmarks.files import DATA

CAP, PMED = DATA / "orlib" / "cap61.txt", DATA / "orlib" / "pmed1.txt"


def form_of(kind, file, variant="", capacity=None):
    return compile_problem(read(kind, file, variant, capacity))


def told(form):
    return location_of(form, form.cost["cost"])


def random_location(seed):
    """Up to 8 places and 13 customers: with room or without, some customers out of some places' reach, some counts."""
    r = np.random.default_rng(seed)
    m, n = int(r.integers(2, 9)), int(r.integers(1, 14))
    cost = np.round(r.random((m, n)) * 100, r.integers(0, 3))
    load, room = np.zeros(n), np.full(m, np.inf)
    if r.random() < 0.6:
        load = np.where(r.random(n) < 0.1, 0.0, np.round(r.random(n) * 10, 1))
        room = np.round(r.random(m) * load.sum() * r.choice([0.4, 0.8]), 1)
    else:
        cost[r.random((m, n)) < 0.2] = np.inf
        cost[r.integers(m, size=n), np.arange(n)] = 5.0
    most = int(r.integers(1, m + 1))
    fewest = int(r.integers(0, most + 1)) if r.random() < 0.3 else 0
    opening = np.round(r.random(m) * r.choice([0, 50, 200]), 1)
    return Location(opening, cost, load, room, fewest, most, np.arange(m), float(r.integers(0, 2)) * 7)


def tree(problem, limit=60.0):
    made = Tree(problem, 0.0, Deadline(limit), lambda *_: None)
    made.run()
    return made


def counted_out(problem):
    """The least cost over all choices of places."""
    plans = Plans(problem, Pricing(problem))
    choices = (np.array(c) for c in product([False, True], repeat=len(problem.open_cost)))
    return min((plans.value(c) for c in choices if problem.fewest <= c.sum() <= problem.most), default=np.inf)


@pytest.mark.parametrize("seed", range(60))
def test_optima_counted_out(seed):
    problem = random_location(seed)
    best, found = counted_out(problem), tree(problem)
    if np.isfinite(best):
        assert found.plans.cost == pytest.approx(best)
        assert found.bound == pytest.approx(best)
    else:
        assert found.plans.opened is None


@pytest.mark.parametrize("seed", range(20))
def test_any_prices_give_a_bound(seed):
    problem = random_location(seed)
    best = counted_out(problem)
    pricing, none = Pricing(problem), np.zeros(len(problem.open_cost), dtype=bool)
    prices = np.random.default_rng(seed).normal(30, 40, problem.cost.shape[1])
    assert pricing.choose(prices, pricing.part(none, none)).bound <= best + 1e-9


def test_a_program_is_told_by_its_rows():
    cap = told(form_of("orlib-cap", CAP))
    assert cap.cost.shape == (16, 50)
    assert (cap.room == 15000).all()
    assert cap.load.sum() == pytest.approx(58268)
    free = told(form_of("orlib-cap", CAP, "uncapacitated"))
    assert not free.limited
    assert np.allclose(free.cost, cap.cost)
    medians = told(form_of("orlib-pmed", PMED))
    assert (medians.most, medians.cost.shape, medians.whole_costs()) == (5, (100, 100), True)


def test_a_program_with_more_to_it_is_not_taken_for_one():
    form = form_of("orlib-cap", CAP)
    cost = form.cost["cost"]
    assert location_of(form, cost) is not None
    columns = np.arange(form.columns)
    half = np.where(columns == form.labels.span("serve").start, form.upper / 2, form.upper)
    assert location_of(replace(form, upper=half), cost) is None  # a place that may serve half of a customer
    handling = np.where(columns == form.labels.span("use").start, 1.0, cost)
    assert location_of(form, handling) is None  # a charge on what is handled
    high = form.row_upper.copy()
    high[form.rows_of("serve_within_latency_what_is_made")[0].start] = 5.0  # room that stands there without a place
    assert location_of(replace(form, row_upper=high), cost) is None
    assert told(form_of("orlib-cap", CAP, "single-source")) is None


@pytest.mark.parametrize(("kind", "file", "variant", "capacity", "objective"), [
    ("orlib-pmed", PMED, "", None, 5819), ("orlib-cap", CAP, "", 5000.0, 1040444.375),
    ("orlib-cap", CAP, "", None, 932615.75), ("orlib-cap", CAP, "uncapacitated", None, 932615.75),
])
def test_the_same_optimum_either_way(monkeypatch, kind, file, variant, capacity, objective):
    problem = read(kind, file, variant, capacity)
    quick = solve(problem, Options(gap=0.0))
    assert any("choices of places left" in line for line in quick.log)
    assert quick.status == "optimal"
    assert quick.stages[-1].objective == pytest.approx(objective, rel=1e-9)
    assert quick.stages[-1].bound == pytest.approx(objective, rel=1e-6)
    if kind == "orlib-cap":
        monkeypatch.setattr(search, "WORTH_A_LOOK", 10**9)
        assert solve(problem, Options(gap=0.0)).stages[-1].objective == pytest.approx(objective, rel=1e-6)


def test_too_little_room_is_said_as_ever():
    with pytest.raises(InfeasibleError, match="short by"):
        solve(read("orlib-cap", CAP, "", 100.0), Options(gap=0.0))


def test_no_time_is_no_plan_or_a_plan_with_its_gap():
    try:
        found = solve(read("orlib-pmed", PMED), Options(gap=0.0, time_limit=0.0))
    except LimitError:
        return
    assert found.stages[-1].bound <= 5819 + 1e-6 <= found.stages[-1].objective + 2e-6
