"""Gaps: relative to the objective, never negative, closed when only rounding is left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.solving import Solution, Stage
from capacity.solving.solution import relative_gap


def test_by_hand():
    assert relative_gap(100.0, 98.0) == pytest.approx(0.02)
    assert relative_gap(-98.0, -100.0) == pytest.approx(2 / 98)
    assert relative_gap(98.0, 100.0) == 0.0
    assert relative_gap(0.0, 0.0) == 0.0
    assert relative_gap(1e6, 1e6 - 1e-4) == 0.0
    assert relative_gap(0.5, 0.0, scale=10.0) == pytest.approx(0.05)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_never_below_zero_and_zero_only_when_closed(objective, bound):
    gap = relative_gap(objective, bound)
    assert gap >= 0
    assert (gap > 0) == (objective - bound > 1e-9 * max(1.0, abs(objective)))


def test_the_gap_of_a_solution_is_its_worst():
    stages = (Stage(1, "shortage", 1, 1, 0.0, 0.1, "optimal"), Stage(2, "cost", 10, 9, 0.1, 0.1, "gap_reached"))
    assert Solution("gap_reached", stages, {}, 0.2).gap == 0.1
    assert Solution("optimal", (), {}, 0.0).gap == 0.0
