"""Relaxations from some columns: proven below the optimum, as near to it as asked, from whatever columns they start."""

import numpy as np
import pytest

from capacity.solving import Options
from capacity.solving.compile import compile_problem
from capacity.solving.highs import Deadline, Machine
from capacity.solving.keepsake import names_of
from capacity.solving.resolve import AlikeSearch, resolve
from capacity.solving.sifting import Places, owners, shared_rows, sift
from tests.solving.test_resolve import EXACT
from tests.support.tiny_problem import tiny_problem

SEEDS = (1, 3, 4, 5)
"""Of several places, and with optima that are not zero: to a relative gap of nothing there is none."""


def parts(seed):
    problem = tiny_problem(seed)
    form = compile_problem(problem)
    owner = owners(form, problem.table("openings")["place"].unique())
    return problem, form, owner


def optimum(form, cost, held=()):
    machine = Machine(form.matrix, form.row_lower, form.row_upper, 1, cost, (form.lower, form.upper))
    for coefficients, value in held:
        machine.add_row(-np.inf, value, coefficients)
    answer = machine.run(Deadline(), {"solver": "simplex"})
    assert answer.status == "optimal"
    return answer.objective


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_are_shared_where_they_join_places(seed):
    problem, form, owner = parts(seed)
    places = sorted(problem.table("openings")["place"].unique())
    span = form.labels.span("open")
    assert [places[at] for at in owner[span]] == list(form.labels.keys_of("open")[0])
    shared, dense = shared_rows(form, owner), form.matrix.toarray()
    for row in range(len(shared)):
        assert shared[row] == (len(set(owner[np.flatnonzero(dense[row])])) > 1)
    assert 0 < shared.sum() < len(shared)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("near", [1e-6, 0.05])
def test_value_and_bound_enclose_the_optimum(seed, near):
    _, form, owner = parts(seed)
    shared = shared_rows(form, owner)
    assert shared.mean() <= 0.5, "the tiny problem has places enough to be looked at alone"
    held = []
    for goal, cost in form.cost.items():
        every = np.ones(form.columns, dtype=bool)
        found = sift(form, cost, held, Places(form, shared), every, near, Deadline(), form.offset[goal])
        true = optimum(form, cost, held)
        slack = 1e-5 * max(1.0, abs(true))
        assert found is not None
        assert found.bound - slack <= true <= found.objective + slack
        assert found.objective - found.bound <= near * abs(found.objective + form.offset[goal]) + slack
        held.append((cost, true + 0.01 * abs(true) + slack))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("times", [0.0, 0.5, 2.0])
def test_prices_paid_before_change_the_way_and_not_the_end(seed, times):
    """However wrong the prices are that the search starts around, and with only what is used to start from."""
    _, form, owner = parts(seed)
    shared = shared_rows(form, owner)
    goal = list(form.cost)[-1]
    cost, every = form.cost[goal], np.ones(form.columns, dtype=bool)
    free = sift(form, cost, [], Places(form, shared), every, 1e-6, Deadline(), form.offset[goal])
    assert free is not None
    start = (owner < 0) | (free.point > 1e-7)
    found = sift(form, cost, [], Places(form, shared), start, 1e-6, Deadline(), form.offset[goal],
                 paid=[times * free.dual])
    true = optimum(form, cost)
    assert found is not None
    assert found.objective == pytest.approx(true, rel=1e-5, abs=1e-6)
    assert found.bound == pytest.approx(true, rel=1e-5, abs=1e-6)


def test_columns_left_out_are_called_for():
    _, form, owner = parts(1)
    goal = next(iter(form.cost))
    cost, shared = form.cost[goal], shared_rows(form, owner)
    start = owner < 0  # what is served at no place: nothing is built
    found = sift(form, cost, [], Places(form, shared), start, 1e-6, Deadline(), form.offset[goal])
    true = optimum(form, cost)
    assert found is not None
    assert found.columns.sum() > start.sum()
    assert found.objective == pytest.approx(true, rel=1e-5, abs=1e-6)


def test_without_shared_rows_there_is_nothing_to_sift():
    _, form, _ = parts(1)
    goal = next(iter(form.cost))
    every, none = np.ones(form.columns, dtype=bool), np.zeros(len(form.row_lower), dtype=bool)
    assert sift(form, form.cost[goal], [], Places(form, none), every, 0.01, Deadline()) is None
    assert sift(form, form.cost[goal], [], Places(form, ~none), every, 0.01, Deadline()) is None


def test_a_keepsake_tells_the_columns_used(monkeypatch):
    monkeypatch.setattr("capacity.solving.resolve.SMALL", 0)
    first = resolve(tiny_problem(2), EXACT).keepsake
    second = resolve(tiny_problem(2), Options(gap=0.02, threads=1), first).keepsake
    search = AlikeSearch(tiny_problem(2), EXACT, None, donor=first, donors=(first,))
    names = names_of(search.form)
    assert (first.used(names) >= (first.best > 1e-6)).all()
    assert not first.used(names).all()
    assert (second.used(names) >= (second.best > 1e-6)).all()
    stranger = names[0].copy()
    stranger[0] = 1
    assert first.used((stranger, names[1]))[0]
