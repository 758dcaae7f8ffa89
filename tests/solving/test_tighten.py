"""Rows made tighter: no whole-number point is lost, and fractions are."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from capacity.formulation import build_model
from capacity.solving.compile import compile_model
from capacity.solving.tighten import round_rows
from tests.solving.brute import _choices
from tests.solving.test_bound import form
from tests.support.tiny_problem import tiny_problem

INF = np.inf


def whole(rows, low, high):
    made = form(rows, low, high, [0, 0], [9, 9])
    return replace(made, integer=np.ones(2, dtype=bool))


def test_by_hand():
    """4a + 4b <= 10 is a + b <= 2; 3a + 3b >= 4 is a + b >= 2; unequal coefficients stay as they are."""
    made = round_rows(whole([[4, 4], [3, 3], [2, 3]], [-INF, 4, -INF], [10, INF, 7.5]))
    assert made.row_upper.tolist() == [8, INF, 7.5]
    assert made.row_lower.tolist() == [-INF, 6, -INF]


def test_a_difference_counts_by_its_size():
    made = round_rows(whole([[2, -2]], [-3], [3]))
    assert (made.row_lower[0], made.row_upper[0]) == (-2, 2)


def test_a_row_with_a_fraction_in_it_stays():
    made = whole([[4, 4]], [-INF], [10])
    free = replace(made, integer=np.array([True, False]))
    assert round_rows(free).row_upper.tolist() == [10]


def test_a_row_that_only_fractions_meet_stays_infeasible():
    made = round_rows(whole([[2, 2]], [3], [3]))
    points = np.array(list(itertools.product(range(10), repeat=2)))
    sums = 2 * points.sum(axis=1)
    assert not ((sums >= made.row_lower[0]) & (sums <= made.row_upper[0])).any()


def test_empty_rows_do_no_harm():
    made = whole([[0, 0], [4, 4]], [-INF, -INF], [1, 10])
    made.matrix.eliminate_zeros()
    assert round_rows(made).row_upper.tolist() == [1, 8]
    none = replace(made, matrix=sp.csr_matrix((0, 2)), row_lower=np.zeros(0), row_upper=np.zeros(0))
    assert len(round_rows(none).row_upper) == 0


@pytest.mark.parametrize("seed", range(12))
def test_no_whole_choice_is_lost(seed):
    before = compile_model(build_model(tiny_problem(seed)))
    after = round_rows(before)
    assert {tuple(c) for c in _choices(before)} == {tuple(c) for c in _choices(after)}
