"""Goals: what each of them counts, by hand."""

import pytest

from capacity.errors import InputError
from capacity.formulation import build_model
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small

GOALS = ("shortage", "cost", "cost_and_shortage", "served")


def problem(order, **changes):
    """10 by day (6000 h), 8 by night (2000 h, weight 2), 9 on sale at 3 each; use costs 0.4 for a whole year."""
    tables = {
        "slices": frame("slice hours", ("day", 6000.0), ("night", 2000.0)),
        "places": frame("place kind", ("S", "site"), ("R", "region")),
        "assets": frame("asset integer", ("g", False)),
        "asset_cells": frame("place asset vintage max objective", ("S", "g", 1, 9.0, 3.0)),
        "upkeep": frame("place asset period objective", ("S", "g", 1, 0.5)),
        "activities": frame("activity asset commodity output_per_unit", ("run", "g", "c", 1.0)),
        "activity_costs": frame("place activity period objective", ("S", "run", 1, 0.4)),
        "demands": frame(
            "demand place commodity period slice amount weight shortage_price",
            ("day", "R", "c", 1, "day", 10.0, 1.0, 4.0), ("night", "R", "c", 1, "night", 8.0, 2.0, 1.0),
        ),
        "assignments": frame("demand place unit_cost", ("day", "S", 0.1), ("night", "S", 0.2)),
    }
    return small(order, **{**tables, **changes})


@pytest.mark.parametrize("goal", GOALS)
def test_golden(goal):
    check_golden(f"goal_{goal}", problem([goal]), goal)


def objectives(*order, **changes):
    return [s.objective for s in solve(problem(order, **changes), Options(gap=0.0)).stages]


def test_shortage_then_cost():
    """9 serve by day: 1 short in 3/4 of the year. Cost: 9 x 3.5, use 0.4 x (9 x 3/4 + 8 x 1/4), service 0.9 + 1.6."""
    assert objectives("shortage", "cost") == pytest.approx([0.75, 31.5 + 0.4 * (6.75 + 2) + 2.5])


def test_cost_alone_does_nothing():
    assert objectives("cost") == pytest.approx([0.0])


def test_cost_and_priced_shortage():
    """An amount served by day and night costs 3.5 + 0.4 + 0.1 + 0.2 = 4.2 and saves 5; by day only it costs
    3.5 + 0.3 + 0.1 = 3.9 and saves 4: buy 9, leave 1 by day for 4."""
    assert objectives("cost_and_shortage") == pytest.approx([8 * 4.2 + 3.9 + 4])


def test_served_is_minus_the_weighted_hours():
    """9 x 3/4 by day and 2 x 8 x 1/4 by night."""
    assert objectives("served") == pytest.approx([-(6.75 + 4)])


def test_an_earlier_goal_is_kept_unless_it_may_give_up_a_share():
    """Shortage may grow by a third, 0.75 -> 1: 1/3 less by day, and a stock of 26/3, saves 3.9 / 3; the same weight
    by night is 1/2, which saves 0.5 x 0.3 only. Cost: 3.5 + 0.3 + 0.1 for each by day, 0.1 + 0.2 by night."""
    goals = frame("order goal tolerance", (1, "shortage", 1 / 3), (2, "cost", 0.0))
    assert objectives(goals=goals) == pytest.approx([0.75, 26 / 3 * 3.9 + 8 * 0.3])


def test_an_unknown_goal_is_refused():
    with pytest.raises(InputError, match="no goal 'profit'; allowed: shortage, cost"):
        build_model(problem(["profit"]))
