"""Latency tiers by hand, and what must hold for any round trips and edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.errors import InputError
from capacity.network.tiers import BEYOND, feasible, latency_tiers


def test_by_hand():
    tier, counted = latency_tiers([5, 20, 20.1, 60, 200], [20, 60, 120])
    assert tier.tolist() == [0, 0, 1, 1, BEYOND]
    assert counted.tolist() == [20, 20, 60, 60, np.inf]


@given(st.lists(st.floats(0, 500), min_size=1, max_size=20),
       st.lists(st.floats(1, 500), min_size=1, max_size=6, unique=True))
def test_no_round_trip_counts_for_less_than_it_is(rtt, edges):
    edges = sorted(edges)
    tier, counted = latency_tiers(rtt, edges)
    assert (counted >= np.asarray(rtt)).all()
    for t, value, trip in zip(tier, counted, rtt, strict=True):
        if t == BEYOND:
            assert trip > edges[-1]
        else:
            assert value == edges[t]
            assert t == 0 or trip > edges[t - 1]


def test_shape_is_kept():
    tier, counted = latency_tiers(np.zeros((3, 4)), [10])
    assert tier.shape == counted.shape == (3, 4)


@pytest.mark.parametrize("edges", [[], [20, 20], [60, 20], [[1, 2]]])
def test_edges_that_do_not_rise_are_refused(edges):
    with pytest.raises(InputError, match="must rise"):
        latency_tiers([5], edges)


def test_feasible_broadcasts_and_heeds_both_limits():
    fits = feasible(np.array([[10.0], [80.0], [200.0]]), [50.0, 100.0], 150.0)
    assert fits.tolist() == [[True, True], [False, True], [False, False]]
    assert not feasible(200.0, 500.0, 150.0)
