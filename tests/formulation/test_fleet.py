"""Fleet: vintages that serve and retire, rent, power behind every unit."""

import pytest

from capacity.errors import InfeasibleError
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small


def problem(power=3.0, life=5, **changes):
    """One unit (2 amounts, 1.5 MW) is there from period 0 and ends with period 1; 3 then 4 amounts must be served."""
    tables = {
        "places": frame("place kind", ("S", "site"), ("R", "region")),
        "openings": frame("place period objective", ("S", 1, 0.5), ("S", 2, 0.4)),
        "blocks": frame("place block resource capacity existing", ("S", "b", "power", power, 1.0)),
        "assets": frame("asset unit_size", ("g", 2.0)),
        "asset_uses": frame("asset resource amount", ("g", "power", 1.5)),
        "asset_cells": frame(
            "place asset vintage max objective life", ("S", "g", 1, 3.0, 10.0, life), ("S", "g", 2, 3.0, 6.0, life)
        ),
        "committed": frame("place asset vintage count life", ("S", "g", 0, 1.0, 2)),
        "upkeep": frame("place asset period objective", ("S", "g", 1, 1.0), ("S", "g", 2, 1.0)),
        "rentals": frame("place asset period max objective", ("S", "g", 1, 5.0, 2.0)),
        "activities": frame("activity asset commodity output_per_unit", ("run", "g", "c", 1.0)),
        "activity_costs": frame("place activity period objective", ("S", "run", 1, 0.5), ("S", "run", 2, 0.5)),
        "demands": frame(
            "demand place commodity period slice amount must_serve",
            ("d1", "R", "c", 1, "all", 3.0, True), ("d2", "R", "c", 2, "all", 4.0, True),
        ),
        "assignments": frame("demand place", ("d1", "S"), ("d2", "S")),
    }
    return small(periods=(1, 2), **{**tables, **changes})


def bought(solution):
    return {r.vintage: r.value for r in solution.values["bought"].itertuples()}


def test_golden():
    check_golden("fleet", problem())


def test_by_hand():
    """Period 1: the old unit (upkeep 1) and 1 rented for 2. Period 2: two new, 12, upkeep 2. Use 7 x 0.5; open 0.5."""
    solution = solve(problem(), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(1 + 2 + 12 + 2 + 3.5 + 0.5)
    assert bought(solution) == {2: 2}
    assert solution.values["rent"]["value"].tolist() == pytest.approx([1.0])


def test_by_hand_without_rent():
    """One unit bought in period 1 for 10, one in period 2 for 6. In service: 1.5 units, half of the old one, then 2."""
    none = frame("place asset period max objective")
    solution = solve(problem(rentals=none), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx((10 + 1.5) + (6 + 2) + 3.5 + 0.5)
    assert bought(solution) == {1: 1, 2: 1}


def test_power_bounds_what_stands():
    """4.4 MW carry two units of 1.5 MW, 2.9 MW carry one: four amounts cannot be served in period 2."""
    assert solve(problem(power=4.4), Options(gap=0.0)).stages[0].objective == pytest.approx(21)
    with pytest.raises(InfeasibleError, match="d2"):
        solve(problem(power=2.9), Options(gap=0.0))


def test_a_life_that_ends_is_bought_again():
    """Without rent and with a life of one period, period 2 needs two new units: 10 + 12, upkeep 1.5 and 2."""
    none = frame("place asset period max objective")
    solution = solve(problem(life=1, rentals=none), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx((10 + 1.5) + (12 + 2) + 3.5 + 0.5)
    assert bought(solution) == {1: 1, 2: 2}


def test_a_unit_that_is_not_needed_retires():
    """Nothing is asked for in period 2: no upkeep is paid for it, and what left does not come back."""
    demands = problem().table("demands")
    solution = solve(problem(demands=demands.assign(amount=[4.0, 0.0]), rentals=frame("place asset period max")),
                     Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(10 + 2 * 1 + 4 * 0.5 + 0.5)
    alive = solution.values["alive"]
    assert alive.loc[alive["period"] == 2, "value"].sum() == 0
