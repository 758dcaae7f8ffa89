"""What two plans differ in, and when the gaps leave it open."""

import pytest

from capacity.studies.differ import decided


def row(low, high, **more):
    return {"cost_bound": low, "cost_objective": high, **more}


@pytest.mark.parametrize(("other", "told"), [
    (row(80, 85), "cheaper"), (row(95, 99), "not decided"), (row(101, 103), "dearer"), (row(98, 100), "same"),
    (row(100.00000001, 101), "not decided"),
])
def test_intervals_decide(other, told):
    assert decided(row(98, 100), other, ["cost"]) == told


def test_the_first_goal_comes_first():
    short = {"shortage_bound": 1.0, "shortage_objective": 1.0}
    worse = {"shortage_bound": 2.0, "shortage_objective": 2.5}
    assert decided(row(98, 100, **short), row(10, 11, **worse), ["shortage", "cost"]) == "more short"
    assert decided(row(98, 100, **short), row(10, 11, **short), ["shortage", "cost"]) == "cheaper"
    open_ = {"shortage_bound": 0.5, "shortage_objective": 2.5}
    assert decided(row(98, 100, **short), row(10, 11, **open_), ["shortage", "cost"]) == "not decided"
