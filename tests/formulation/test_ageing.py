"""Ageing: failures that grow with age, and resale below replacement."""

import pytest

from capacity.errors import InputError
from capacity.formulation import build_model
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small

NONE = frame("asset age serving upkeep")
UNSOLD = frame("place asset vintage period objective")


def problem(asked=(4.0, 4.0), **changes):
    """A unit of 2 amounts costs 10, later 8; at age 1 it serves three quarters for twice the upkeep of 1."""
    years = tuple(range(1, len(asked) + 1))
    tables = {
        "places": frame("place kind", ("S", "site"), ("R", "region")),
        "assets": frame("asset unit_size integer", ("g", 2.0, False)),
        "asset_cells": frame(
            "place asset vintage max objective", *(("S", "g", y, 9.0, 10.0 if y == 1 else 8.0) for y in years)),
        "upkeep": frame("place asset period objective", *(("S", "g", y, 1.0) for y in years)),
        "ageing": frame("asset age serving upkeep", ("g", 1, 0.75, 2.0)),
        "resale": frame("place asset vintage period objective", ("S", "g", 1, 2, 3.0)),
        "activities": frame("activity asset commodity output_per_unit", ("run", "g", "c", 1.0)),
        "demands": frame("demand place commodity period slice amount must_serve", *(
            (f"d{y}", "R", "c", y, "all", amount, True) for y, amount in zip(years, asked, strict=True))),
        "assignments": frame("demand place", *((f"d{y}", "S") for y in years)),
    }
    return small(periods=years, **{**tables, **changes})


def cost(*args, **changes):
    return solve(problem(*args, **changes), Options(gap=0.0)).stages[0].objective


def test_golden():
    check_golden("ageing", problem())


def test_old_units_serve_less_and_cost_more_to_keep():
    """Two units serve 4, then 3 at twice the upkeep; half a new one (8 + 1) makes up. Without ageing two are enough."""
    assert cost(resale=UNSOLD) == pytest.approx(20 + 2 + 2 * 2 + 0.5 * 9)
    assert cost(resale=UNSOLD, ageing=NONE) == pytest.approx(20 + 2 + 2)


def test_a_unit_that_is_not_needed_is_sold():
    """Of two units one and a third serve 2 in period 2: the rest leaves for 3 each."""
    assert cost((4.0, 2.0)) == pytest.approx(20 + 2 + 4 / 3 * 2 - 2 / 3 * 3)
    assert cost((4.0, 2.0), resale=UNSOLD) == pytest.approx(20 + 2 + 4 / 3 * 2)


def test_a_good_price_renews_the_fleet():
    """Sold for 7.5, replacing a unit costs 0.5 and saves a unit of upkeep and a quarter that no longer serves."""
    dear = frame("place asset vintage period objective", ("S", "g", 1, 2, 7.5))
    assert cost(resale=dear) == pytest.approx(20 + 2 + 2 * (8 + 1 - 7.5))


@pytest.mark.parametrize("asked", [(0.0, 0.0), (0.0, 4.0), (4.0, 0.0)])
@pytest.mark.parametrize("price", [5.0, 9.999])
def test_buying_to_sell_never_profits_below_replacement(asked, price):
    """With resale below what a unit costs, none is bought that no demand needs: at most 9 are for sale."""
    table = frame("place asset vintage period objective", ("S", "g", 1, 2, price))
    solution = solve(problem(asked, ageing=NONE, resale=table), Options(gap=0.0))
    assert solution.values["bought"].query("vintage == 1")["value"].sum() == pytest.approx(
        2.0 if asked[0] else 0.0, abs=1e-6)


def test_the_same_unit_dearer_than_new_would_be_bought_to_sell():
    """The test above can fail: at 12 a unit earns 1 after its upkeep, and all nine are bought for it."""
    table = frame("place asset vintage period objective", ("S", "g", 1, 2, 12.0))
    assert cost((0.0, 0.0), ageing=NONE, resale=table) == pytest.approx(-9)


def test_what_never_served_cannot_be_sold():
    with pytest.raises(InputError, match="'g' of 2 at 'S' cannot be sold in 2"):
        build_model(problem(resale=frame("place asset vintage period objective", ("S", "g", 2, 2, 1.0))))
