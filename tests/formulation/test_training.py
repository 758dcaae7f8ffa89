"""Training: a run takes machines from serving while it lasts and gives them back."""

import pytest

from capacity.errors import InfeasibleError
from capacity.formulation import build_model
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small


def problem(run=4.0, years=(1,), asked=10.0, **changes):
    """A sells for 1 a unit, B for 2, both 8 at most, life two years; serving from either is free."""
    drawn = 0.5 if "sources" in changes else 0.0
    tables = {
        "places": frame("place kind", ("A", "site"), ("B", "site"), ("R", "region")),
        "assets": frame("asset integer", ("g", False)),
        "asset_cells": frame("place asset vintage max objective life", *(
            (p, "g", y, 8.0, price, 2) for p, price in (("A", 1.0), ("B", 2.0)) for y in (1, 2))),
        "activities": frame("activity asset commodity output_per_unit", ("run", "g", "c", 1.0)),
        "demands": frame("demand place commodity period slice amount must_serve", *(
            (f"d{y}", "R", "c", y, "all", asked, True) for y in (1, 2))),
        "assignments": frame("demand place", *((f"d{y}", p) for y in (1, 2) for p in "AB")),
        "training": frame("place asset run period amount draw objective", *(
            (p, "g", "big", y, run, drawn, extra) for p, extra in (("A", 0.3), ("B", 0.1)) for y in years)),
    }
    return small(periods=(1, 2), **{**tables, **changes})


def solved(*args, **changes):
    return solve(problem(*args, **changes), Options(gap=0.0, threads=1))


def test_golden():
    check_golden("training", problem())


def test_by_hand():
    """10 served in both years: 8 of A, 2 of B cost 12. With a run of 4 in the first year B has 6: 20, and the run 0.1
    at B, where no more is bought than for serving alone at A. In the second year the run's machines serve: 10 of 14."""
    none = frame("place asset run period amount")
    assert solved(training=none).stages[0].objective == pytest.approx(12)
    solution = solved()
    assert solution.stages[0].objective == pytest.approx(8 + 6 * 2 + 0.1)
    assert solution.values["train"].set_index(["place", "asset", "run"])["value"].to_dict() == {("B", "g", "big"): 1.0}


def test_what_is_freed_serves_the_growth_of_the_next_year():
    """8 asked for, then 12: without a run 8 of A and 4 more cost 12. The run's 4 of B (8) serve the growth of the
    second year, for which A's 4 (4) are then not bought; a run of both years keeps them, and A's 4 are bought too."""
    asked = frame("demand place commodity period slice amount must_serve",
                  ("d1", "R", "c", 1, "all", 8.0, True), ("d2", "R", "c", 2, "all", 12.0, True))
    none = frame("place asset run period amount")
    assert solved(demands=asked, training=none).stages[0].objective == pytest.approx(12)
    assert solved(demands=asked).stages[0].objective == pytest.approx(12 + 8 - 4 + 0.1)
    assert solved(demands=asked, years=(1, 2)).stages[0].objective == pytest.approx(12 + 8 + 0.2)


def test_a_run_stays_whole():
    """5 at A and 5 at B are not a run of 10."""
    with pytest.raises(InfeasibleError, match="training run 'big': no place can hold"):
        build_model(problem(run=10.0))


def test_a_run_on_what_serves_nobody_needs_its_machines_too():
    """Nothing is asked for: 4 machines at A cost 4 and the run 0.3, or 8 and 0.1 at B."""
    free = problem(demands=frame("demand place commodity period slice amount"), assignments=frame("demand place"),
                   activities=frame("activity asset commodity output_per_unit"))
    solution = solve(free, Options(gap=0.0, threads=1))
    assert solution.stages[0].objective == pytest.approx(4.3)


def test_a_run_draws_its_power():
    """0.5 MW all year at 1 a MW from A's grid, 9 from B's: now A trains, and B has 6 as before."""
    grids = frame("place source period slice objective", *((p, "grid", y, "all", price) for p, price in
                                                          (("A", 1.0), ("B", 9.0)) for y in (1, 2)))
    solution = solved(sources=grids)
    assert solution.stages[0].objective == pytest.approx(20 + 0.3 + 0.5)
