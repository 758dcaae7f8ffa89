"""Batch: work asked for by the day fills the slices that other work leaves empty."""

import pytest

from capacity.errors import InputError
from capacity.plan import assemble, audit, check_audit
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small


def problem(**changes):
    """Talk needs 4 for the 6 hours of the morning alone. Work of 2, as a mean of the day, may be made at any hour, 3
    at most in the other 18. Both run on what is rented for 1 at A; work runs at B too, where rent costs 5."""
    tables = {
        "slices": frame("slice hours", ("morning", 6.0), ("rest", 18.0)),
        "places": frame("place kind", ("A", "site"), ("B", "site"), ("R", "region")),
        "assets": frame("asset", ("g",)),
        "rentals": frame("place asset period max objective cash", ("A", "g", 1, 9.0, 1.0, 1.0),
                         ("B", "g", 1, 9.0, 5.0, 5.0)),
        "activities": frame(
            "activity asset commodity group output_per_unit slack",
            ("talk", "g", "talk", "v", 1.0, 50.0), ("work", "g", "work", "v", 1.0, 500.0),
            ("small work", "g", "work", "w", 4.0, 500.0),
        ),
        "shares": frame("commodity group max_share", ("work", "w", 0.0)),
        "demands": frame(
            "demand place commodity period slice amount shortage_price",
            ("d1", "R", "talk", 1, "morning", 4.0, 10.0), ("d2", "R", "work", 1, "", 2.0, 10.0),
        ),
        "assignments": frame("demand place rtt", ("d1", "A", 10.0), ("d2", "A", 10.0), ("d2", "B", 300.0)),
    }
    return small(("cost_and_shortage",), **{**tables, **changes})


def solved(asked):
    solution = solve(asked, Options(gap=0.0))
    plan = assemble(None, asked, solution)
    check_audit(audit(None, asked, solution.values, plan.stages))
    return solution


def rented(solution):
    return {r.place: round(r.value, 6) for r in solution.values["rent"].itertuples()}


def test_golden():
    check_golden("batch", problem(), "cost_and_shortage")


def test_work_fills_the_hours_that_talk_leaves():
    """Talk alone needs 4 at A. In the other 18 of 24 hours those make 4 x 3/4 = 3, more than the 2 asked for: nothing
    more is rented. Asked for in each slice, work would need 2 beside the 4 of the morning."""
    solution = solved(problem())
    assert rented(solution) == {"A": 4}
    assert solution.stages[0].objective == pytest.approx(4)
    by_slice = problem(demands=frame(
        "demand place commodity period slice amount shortage_price", ("d1", "R", "talk", 1, "morning", 4.0, 10.0),
        ("d2", "R", "work", 1, "morning", 2.0, 10.0), ("d3", "R", "work", 1, "rest", 2.0, 10.0)),
        assignments=frame("demand place rtt", *((d, "A", 10.0) for d in ("d1", "d2", "d3"))))
    assert rented(solved(by_slice)) == {"A": 6}


def test_what_the_valley_cannot_hold_is_bought_for():
    """Work of 5 needs 20/3 in the rest of the day alone; spread over the whole of it, 4 + r in the rest and r in the
    morning make 4 x 3/4 + r = 5: r = 2."""
    more = problem().table("demands").assign(amount=[4.0, 5.0])
    assert rented(solved(problem(demands=more))) == {"A": 6}


def test_it_is_made_only_by_what_bears_its_round_trip():
    """From B, 300 away, where rent is cheap now: what bears 200 only does not reach it, and A serves."""
    rent = frame("place asset period max objective cash", ("A", "g", 1, 4.0, 1.0, 1.0), ("B", "g", 1, 9.0, 0.1, 0.1))
    near = problem().table("activities").assign(slack=[50.0, 200.0, 200.0])
    more = problem().table("demands").assign(amount=[4.0, 5.0])
    far = solved(problem(rentals=rent, demands=more))
    assert rented(far)["B"] == pytest.approx(2)
    short = solved(problem(rentals=rent, demands=more, activities=near))
    assert "B" not in rented(short)
    assert short.values["short"]["value"].tolist() == pytest.approx([2])


def test_a_variant_keeps_its_share_of_the_day():
    """Half of the work may be small, four times as fast: 1 takes 1/4, the other 1 as before, all in the valley."""
    half = frame("commodity group max_share", ("work", "w", 0.5))
    more = problem().table("demands").assign(amount=[4.0, 10.0])
    solution = solved(problem(shares=half, demands=more))
    assert rented(solution) == {"A": pytest.approx(5 + 5 / 4 + 4 * 6 / 24)}


def test_by_the_day_and_by_the_slice_do_not_mix():
    both = frame("demand place commodity period slice amount", ("d1", "R", "work", 1, "rest", 4.0),
                 ("d2", "R", "work", 1, "", 2.0))
    with pytest.raises(InputError, match="'work' is asked for by the day"):
        solve(problem(demands=both), Options())
    links = {"links": frame("link from to", ("A-B", "A", "B")),
             "serve_loads": frame("link demand place load", ("A-B", "d2", "A", 1.0))}
    with pytest.raises(InputError, match="table serve_loads: demand 'd2' is asked for by the day"):
        solve(problem(**links), Options())


def test_it_runs_on_no_asset_too():
    """Making 2 as a mean in the rest of the day takes 8/3 there."""
    free = problem().table("activities").assign(asset=["g", "", ""])
    solution = solved(problem(activities=free))
    assert rented(solution) == {"A": 4}
    assert solution.stages[0].objective == pytest.approx(4)
