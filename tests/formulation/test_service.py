"""Service: from where, within which latency, by which variant, and who goes without."""

import pytest

from capacity.formulation.coded import coded
from capacity.formulation.service import thresholds
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small


def problem(**changes):
    """A is dear, B cheap. `slow` makes twice as much but bears only 80; at most half may come from it."""
    tables = {
        "places": frame("place kind", ("A", "site"), ("B", "site"), ("R", "region")),
        "assets": frame("asset", ("g",)),
        "rentals": frame("place asset period max objective", ("A", "g", 1, 9.0, 3.0), ("B", "g", 1, 9.0, 1.0)),
        "activities": frame(
            "activity asset commodity group output_per_unit slack",
            ("fast", "g", "c", "little", 1.0, 50.0), ("slow", "g", "c", "big", 2.0, 100.0),
        ),
        "shares": frame("commodity group max_share", ("c", "big", 0.5)),
        "demands": frame(
            "demand place commodity period slice amount shortage_price single_source",
            ("d1", "R", "c", 1, "all", 4.0, 10.0, False), ("d2", "R", "c", 1, "all", 2.0, 10.0, True),
        ),
        "assignments": frame(
            "demand place rtt", ("d1", "A", 10.0), ("d1", "B", 80.0), ("d2", "A", 60.0), ("d2", "B", 20.0)
        ),
    }
    return small(("cost_and_shortage",), **{**tables, **changes})


def served(solution):
    return {(r.demand, r.place): round(r.value, 6) for r in solution.values["serve"].itertuples()}


def test_golden():
    check_golden("service", problem(), "cost_and_shortage")


def test_by_hand():
    """B is 80 from d1: only `slow` reaches it, for 0.5 each, at most 3 of 6. The fourth: A, fast, for 3; d2 for 2."""
    solution = solve(problem(), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(3 * 0.5 + 3 + 2)
    assert served(solution) == {("d1", "A"): 1, ("d1", "B"): 3, ("d2", "B"): 2}


def test_by_hand_without_the_share():
    """Then all comes slow from B: 6 / 2."""
    solution = solve(problem(shares=frame("commodity group max_share")), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(3)


def test_short_where_it_costs_less_than_serving():
    """Fast at A (3) lets one more come slow from B (0.5): 3.5 for two of d1. Going without costs 2 x 1.5, so two do;
    the other two come slow from B for 1, as much as the two of d2, fast for 2."""
    demands = problem().table("demands").assign(shortage_price=1.5)
    solution = solve(problem(demands=demands), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(1 + 2 + 2 * 1.5)
    short = solution.values["short"]
    assert dict(zip(short["demand"], short["value"].round(6), strict=True)) == {"d1": 2}


def test_single_source_is_served_whole_from_one_place():
    """B rents 0.9, even slow not enough for the 2 of d2; they cannot be split, so they go to A, slow, for 3.
    Half of 6 may be slow: 2 for d2 at A, 1 of d1 at B (0.5); 3 of d1 at A fast for 9."""
    rentals = frame("place asset period max objective", ("A", "g", 1, 9.0, 3.0), ("B", "g", 1, 0.9, 1.0))
    solution = solve(problem(rentals=rentals), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(3 + 0.5 + 9)
    whole = served(solution)
    assert whole[("d2", "A")] == 2
    assert ("d2", "B") not in whole


def test_slack_is_shared_among_round_trips():
    """Two demands at one place, 10 and 80 away: what can bear 80 serves both, what can bear 50 only the near one."""
    assert rows_at([10.0, 80.0], [50.0, 100.0]) == [10.0, 80.0]
    assert rows_at([10.0, 40.0], [50.0]) == [10.0]
    assert rows_at([10.0, 80.0, 200.0], [50.0]) == [10.0, 80.0]
    assert rows_at([10.0, 80.0], []) == [10.0]


def rows_at(trips, slacks):
    """Round trips with a row of their own at a place; another place, where everything is borne, does not matter."""
    asking = frame("place rtt", *(("S", t) for t in trips), ("other", 70.0), ("other", 90.0))
    serving = frame("place slack", *(("S", s) for s in slacks), ("other", 100.0))
    found = thresholds(coded(asking), coded(serving))
    elsewhere = found.is_word("place", "other")
    assert found.numbers("rtt")[elsewhere].tolist() == [70.0]
    return found.numbers("rtt")[~elsewhere].tolist()


def test_a_round_trip_equal_to_the_slack_is_borne():
    near = problem().table("assignments").assign(rtt=[10.0, 100.0, 60.0, 20.0])
    solution = solve(problem(assignments=near), Options(gap=0.0))
    assert served(solution)[("d1", "B")] == 3


def test_nobody_is_served_by_what_is_too_slow():
    """Both places 200 away from d1: it goes without, 40; d2 comes from B, half slow and half fast: 0.5 + 1."""
    far = problem().table("assignments").assign(rtt=[200.0, 200.0, 60.0, 20.0])
    solution = solve(problem(assignments=far), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(40 + 1.5)
