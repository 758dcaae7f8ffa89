"""The bound over any paths: never above the optimum with all of them, equal where the listed ones are enough."""

import pytest

from capacity.errors import InputError
from capacity.solving import Options, solve
from capacity.solving.unrestricted import path_bound, path_bounds
from tests.support.frames import frame, small

RTT = {"A-B": 30.0, "A-C": 15.0, "B-C": 15.0}
LISTED = [("long", "A-B", "A")]
SHORT = [("over C", "B-C", "C"), ("over C", "A-C", "A")]


def waves(over_c):
    return frame("link module period capacity max objective integer", ("A-B", "m", 1, 1.0, 9.0, 5.0, False),
                 ("A-C", "m", 1, 1.0, 9.0, over_c, False), ("B-C", "m", 1, 1.0, 9.0, over_c, False))


def problem(both, **changes):
    """4 from R at A, entering at B after 10 ms: over the dear link A-B, or (not listed) over C for a tenth of it."""
    ways = ["long", "over C"] if both else ["long"]
    return small(**{
        "places": frame("place kind", ("A", "site"), ("B", "site"), ("C", "site"), ("R", "region")),
        "links": frame("link from to", ("A-B", "A", "B"), ("A-C", "A", "C"), ("B-C", "B", "C")),
        "modules": waves(0.25),
        "assets": frame("asset", ("g",)), "rentals": frame("place asset period objective", ("A", "g", 1, 1.0)),
        "activities": frame("activity asset commodity output_per_unit slack", ("slow", "g", "c", 2.0, 60.0),
                            ("quick", "g", "c", 1.0, 200.0)),
        "demands": frame("demand place commodity period slice amount must_serve", ("d", "R", "c", 1, "all", 4.0, True)),
        "assignments": frame("demand place rtt", ("d", "A", 40.0)),
        "paths": frame("path from to rtt", *((w, "R", "A", 40.0) for w in ways)),
        "path_links": frame("path link toward", *LISTED, *(SHORT if both else [])),
        "assignment_paths": frame("demand place path load load_back", *(("d", "A", w, 0.25, 0.75) for w in ways)),
        **changes,
    })


def test_a_missing_path_is_found_and_the_bound_stays_below_the_optimum_with_it():
    """Listed: 2 for accelerators, 20 for A-B. With the other way: 2 + 4 x 0.5."""
    found = path_bound(problem(both=False), RTT)
    assert found.listed == pytest.approx(22)
    assert found.improving[["demand", "place"]].to_dict("records") == [{"demand": "d", "place": "A"}]
    best = solve(problem(both=True), Options(gap=0.0)).stages[0].objective
    assert best == pytest.approx(4)
    assert found.any_path <= best + 1e-9


def test_nothing_improves_where_all_paths_are_listed():
    found = path_bound(problem(both=True), RTT)
    assert found.improving.empty
    assert found.any_path == pytest.approx(found.listed) == pytest.approx(4)


def test_a_path_that_is_dear_is_no_better():
    """Over C for 2.4 and 2.4 a unit it would be 2 + 19.2, less than 22; for 2.6 and 2.6 it would be more."""
    assert len(path_bound(problem(both=False, modules=waves(2.4)), RTT).improving) == 1
    found = path_bound(problem(both=False, modules=waves(2.6)), RTT)
    assert found.improving.empty
    assert found.any_path == found.listed


def test_a_slow_path_never_lifts_the_bound_above_the_optimum_with_it():
    """Over C it takes 170 ms and needs quick ones, 4, and 2 on the links."""
    slow = {**RTT, "A-C": 80.0, "B-C": 80.0}
    trips = frame("path from to rtt", ("long", "R", "A", 40.0), ("over C", "R", "A", 170.0))
    best = solve(problem(both=True, paths=trips), Options(gap=0.0)).stages[0].objective
    assert best == pytest.approx(6)
    assert path_bound(problem(both=False), slow).any_path <= best + 1e-9


def test_what_cannot_be_priced_is_said():
    with pytest.raises(InputError, match="no path limits"):
        path_bound(small(), {})


@pytest.mark.parametrize("element", ["A-B", "A-C"])
def test_losses_only_make_plans_dearer_so_the_bound_without_them_holds(element):
    """After the loss of A-B all goes over C, after that of A-C over A-B, where waves for all cost 20."""
    lost = frame("case kind element period slice", ("x", "link", element, 1, "all"))
    found = path_bound(problem(both=False), RTT)
    with_losses = path_bound(problem(both=False, failures=lost), RTT)
    best = solve(problem(both=True, failures=lost), Options(gap=0.0)).stages[0].objective
    assert (with_losses.listed, with_losses.any_path) == pytest.approx((found.listed, found.any_path))
    assert best == pytest.approx(4 if element == "A-B" else 22)
    assert with_losses.any_path <= best + 1e-9


OPTIONAL = frame("demand place commodity period slice amount must_serve", ("d", "R", "c", 1, "all", 4.0, False))


def test_a_goal_of_shortage_sees_ways_whose_waves_cost_nothing_to_it():
    """A-B carries 1 at most, that is 4 x 0.25 along and 3 against it with 0.75 a unit: so 4 / 3 is served of 4."""
    few = waves(0.25).assign(max=[1.0, 9.0, 9.0])
    told = path_bounds(problem(both=False, modules=few, demands=OPTIONAL, order=("shortage", "cost")), RTT, [])
    best = solve(problem(both=True, modules=few, demands=OPTIONAL, order=("shortage", "cost")), Options(gap=0.0))
    assert [b.goal for b in told] == ["shortage"]
    assert told[0].listed > best.stages[0].objective + 1
    assert len(told[0].improving) == 1
    assert told[0].any_path <= best.stages[0].objective + 1e-6


def test_later_goals_are_bounded_for_plans_that_keep_the_earlier_ones():
    """All is served either way: over A-B for 22, over C for 4."""
    asked = {"demands": OPTIONAL, "order": ("shortage", "cost")}
    listed = solve(problem(both=False, **asked), Options(gap=0.0)).stages
    best = solve(problem(both=True, **asked), Options(gap=0.0)).stages
    first, second = path_bounds(problem(both=False, **asked), RTT, [listed[0].objective])
    assert (first.goal, second.goal) == ("shortage", "cost")
    assert first.any_path == pytest.approx(0.0, abs=1e-4)
    assert second.listed == pytest.approx(22, rel=1e-4)
    assert second.any_path <= best[1].objective + 1e-4
    assert len(second.improving) == 1


def test_pricing_stops_when_time_is_up():
    assert path_bounds(problem(both=False), RTT, [], seconds=0.0) == []
