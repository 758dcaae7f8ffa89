"""Goals: what each of them counts, by hand."""

import pytest

from capacity.errors import InputError
from capacity.formulation import build_model
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small

GOALS = ("shortage", "cost", "cost_and_shortage", "served", "surplus", "worst_shortage", "carbon")


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
        "goal_terms": frame(
            "goal variable place item period slice coefficient",
            ("carbon", "use", "S", "run", 1, "day", 0.3), ("carbon", "use", "S", "run", 1, "night", 0.5)),
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


def test_most_surplus_serves_what_is_worth_more_than_it_costs():
    """Worth 4 by day and 1 by night: 8 of both earn 5 - 4.2 each, a ninth by day 4 - 3.9, a tenth is not on sale."""
    assert objectives("surplus") == pytest.approx([-(8 * 0.8 + 0.1)])
    cheap = frame("place asset vintage max objective", ("S", "g", 1, 9.0, 3.9))
    assert objectives("surplus", asset_cells=cheap) == pytest.approx([0.0])


def years(order, share=(1.0, 1.0)):
    """10 asked for in each of two years; a fleet for both, and rent by the year, out of one budget."""
    tables = {
        "places": frame("place kind", ("S", "site"), ("R", "region")),
        "assets": frame("asset integer", ("g", False)),
        "asset_cells": frame("place asset vintage max objective life", ("S", "g", 1, 8.0, 3.0, 2)),
        "rentals": frame("place asset period max objective", ("S", "g", 1, 1.0, 1.0), ("S", "g", 2, 9.0, 1.0)),
        "activities": frame("activity asset commodity output_per_unit", ("run", "g", "c", 1.0)),
        "demands": frame("demand place commodity period slice amount weight", *(
            (f"d{y}", "R", "c", y, "all", 10.0, w) for y, w in zip((1, 2), share, strict=True))),
        "assignments": frame("demand place", ("d1", "S"), ("d2", "S")),
        "limits": frame("limit topic sense rhs", ("money", "budget", "<=", 24.0)),
        "limit_terms": frame("limit variable place item period coefficient", ("money", "bought", "S", "g", 1, 3.0),
                             ("money", "rent", "S", "g", 1, 0.5), ("money", "rent", "S", "g", 2, 2.0)),
    }
    return small(order, periods=(1, 2), **tables)


def test_the_worst_year_is_treated_first():
    """24 to spend; for both years a unit costs 3, rent 0.5 in the first year (one at most) and 2 in the second.
    Least in all: rent 1 and buy 23.5 / 3, short 1.17 and 2.17. The second year is the worst: one unit of rent in both
    costs 2.5 where the fleet costs 3, so rent 1 in both and buy 21.5 / 3, each year 1.83 short."""
    least = solve(years(("shortage",)), Options(gap=0.0)).stages[0].objective
    assert least == pytest.approx(20 - 1 - 2 * 23.5 / 3)
    worst, total = (s.objective for s in solve(years(("worst_shortage", "shortage")), Options(gap=0.0)).stages)
    assert worst == pytest.approx(9 - 21.5 / 3)
    assert total == pytest.approx(2 * worst)
    assert total > least


def test_least_carbon_after_shortage():
    """All that the stock serves is served first; its use emits 0.3 by day and 0.5 by night."""
    assert objectives("shortage", "carbon") == pytest.approx([0.75, 9 * 0.3 + 8 * 0.5])
    assert objectives("carbon") == pytest.approx([0.0])
