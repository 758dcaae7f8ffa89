"""Weak duality: whatever the multipliers, the bound is below the optimum; at the right ones it meets it."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from capacity.formulation import build_model
from capacity.solving.bound import lagrangian_bound
from capacity.solving.compile import Form, compile_model
from capacity.solving.highs import Deadline, Machine
from tests.support.tiny_problem import tiny_problem

INF = np.inf


def form(rows, low, high, lower, upper):
    """Arrays without a model."""
    columns = len(lower)
    return Form(
        sp.csr_matrix(np.array(rows, dtype=float)), np.array(low, dtype=float), np.array(high, dtype=float),
        np.array(lower, dtype=float), np.array(upper, dtype=float), np.zeros(columns, dtype=bool), {}, {}, {}, (),
    )


def relaxed(made, cost, kept=()):
    """(optimum, row duals) of the relaxation."""
    machine = Machine(made.matrix, made.row_lower, made.row_upper, threads=1)
    for coefficients, value in kept:
        machine.add_row(-INF, value, coefficients)
    machine.set_bounds(made.lower, made.upper)
    machine.set_cost(cost)
    answer = machine.run(Deadline(), {"solver": "simplex"})
    assert answer.status == "optimal"
    return answer.objective, answer.row_dual


def test_by_hand():
    """min 2a + 3b, a + b >= 4, a <= 3, b <= 9: a = 3, b = 1, 9. At the dual 3: 12 + (2 - 3) x 3 = 9; at 2: 8."""
    made = form([[1, 1]], [4], [INF], [0, 0], [3, 9])
    cost = np.array([2.0, 3.0])
    assert lagrangian_bound(made, cost, np.array([3.0])) == pytest.approx(9)
    assert lagrangian_bound(made, cost, np.array([2.0])) == pytest.approx(8)
    assert lagrangian_bound(made, cost, np.array([0.0])) == 0


def test_a_multiplier_of_the_wrong_sign_counts_for_nothing():
    made = form([[1, 1]], [4], [INF], [0, 0], [3, 9])
    assert lagrangian_bound(made, np.array([2.0, 3.0]), np.array([-5.0])) == 0


def test_no_bound_where_a_column_has_no_end():
    made = form([[1, 1]], [4], [INF], [0, 0], [INF, 9])
    assert lagrangian_bound(made, np.array([2.0, 3.0]), np.array([3.0])) == -INF
    assert lagrangian_bound(made, np.array([2.0, 3.0]), np.array([2.0])) == pytest.approx(8)


def test_a_kept_goal_is_a_row_like_any_other():
    """As above, and a kept at or below 2: a = 2, b = 2, 10."""
    made = form([[1, 1]], [4], [INF], [0, 0], [3, 9])
    cost, kept = np.array([2.0, 3.0]), [(np.array([1.0, 0.0]), 2.0)]
    assert lagrangian_bound(made, cost, np.array([3.0, -1.0]), kept) == pytest.approx(10)
    assert lagrangian_bound(made, cost, np.array([3.0, 0.0]), kept) == pytest.approx(9)


FORMS = [compile_model(build_model(tiny_problem(seed, shape=(2, 2, 1)))) for seed in range(6)]


@pytest.mark.parametrize("made", FORMS, ids=range(len(FORMS)))
def test_at_the_optimal_multipliers_it_is_the_optimum(made):
    for goal in made.cost:
        optimum, dual = relaxed(made, made.cost[goal])
        equal = made.row_lower == made.row_upper
        other = ~equal
        rows = sp.vstack([made.matrix[other], -made.matrix[other]]).toarray()
        sides = np.concatenate([made.row_upper[other], -made.row_lower[other]])
        finite = np.isfinite(sides)
        check = linprog(
            made.cost[goal], rows[finite], sides[finite], made.matrix[equal].toarray(), made.row_lower[equal],
            np.column_stack([made.lower, made.upper]),
        )
        assert optimum == pytest.approx(check.fun, abs=1e-6)
        assert lagrangian_bound(made, made.cost[goal], dual) == pytest.approx(optimum, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(FORMS) - 1), st.integers(0, 10**6), st.floats(0.01, 30))
def test_no_multipliers_give_more_than_the_optimum(which, seed, size):
    made = FORMS[which]
    draw = np.random.default_rng(seed)
    for goal, cost in made.cost.items():
        optimum, dual = RELAXED[which][goal]
        anywhere = draw.normal(0, size, len(dual))
        nearby = dual + draw.normal(0, 0.01 * size, len(dual))
        assert lagrangian_bound(made, cost, anywhere) <= optimum + 1e-7 * (1 + abs(optimum))
        assert lagrangian_bound(made, cost, nearby) <= optimum + 1e-7 * (1 + abs(optimum))


@pytest.mark.parametrize("made", FORMS, ids=range(len(FORMS)))
def test_with_an_earlier_goal_kept(made):
    first, second = made.cost.values()
    least, _ = relaxed(made, first)
    kept = [(first, least + 0.1 * abs(least))]
    optimum, dual = relaxed(made, second, kept)
    assert lagrangian_bound(made, second, dual, kept) == pytest.approx(optimum, abs=1e-6)
    draw = np.random.default_rng(3)
    for _ in range(20):
        assert lagrangian_bound(made, second, dual + draw.normal(0, 1, len(dual)), kept) <= optimum + 1e-6


RELAXED = [{goal: relaxed(made, cost) for goal, cost in made.cost.items()} for made in FORMS]
