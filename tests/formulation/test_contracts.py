"""Contracts: reservations for a term beside rent by the period; orders with a minimum."""

import pytest

from capacity.errors import InputError
from capacity.formulation import build_model
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small

NOTHING = frame("order period least most objective")
NO_TERMS = frame("order variable place item period coefficient")


def problem(asked=(4.0, 4.0, 1.0), **changes):
    """Rent costs 3 an amount and period; reserved for two periods 4 in all, for three 5. A unit of 1 costs 4.5, and at
    least 4 of them must be ordered."""
    years = (1, 2, 3)
    tables = {
        "places": frame("place kind", ("S", "site"), ("R", "region")),
        "assets": frame("asset unit_size", ("g", 1.0)),
        "asset_cells": frame("place asset vintage max objective", ("S", "g", 1, 9.0, 4.5)),
        "rentals": frame("place asset period max objective", *(("S", "g", y, 9.0, 3.0) for y in years)),
        "reservations": frame(
            "place asset contract period life max objective", ("S", "g", "two", 1, 2, 9.0, 4.0),
            ("S", "g", "two", 2, 2, 9.0, 4.0), ("S", "g", "three", 1, 3, 2.0, 5.0),
        ),
        "orders": frame("order period least most objective", ("lot", 1, 4.0, 9.0, 0.5)),
        "order_terms": frame("order variable place item period coefficient", ("lot", "bought", "S", "g", 1, 1.0)),
        "activities": frame("activity asset commodity output_per_unit", ("run", "g", "c", 1.0)),
        "demands": frame("demand place commodity period slice amount must_serve", *(
            (f"d{y}", "R", "c", y, "all", amount, True) for y, amount in zip(years, asked, strict=True))),
        "assignments": frame("demand place", *((f"d{y}", "S") for y in years)),
    }
    return small(periods=years, **{**tables, **changes})


def solved(*args, **changes):
    return solve(problem(*args, **changes), Options(gap=0.0))


def test_golden():
    check_golden("contracts", problem())


def test_an_order_at_its_minimum_or_reservations():
    """Four units cost 18.5 with the order's own 0.5. Reserved: one for three periods (5), three for two (12): 17."""
    solution = solved()
    assert solution.stages[0].objective == pytest.approx(17)
    assert solution.values["reserve"].set_index("contract")["value"].to_dict() == pytest.approx(
        {"three": 1.0, "two": 3.0})
    assert "ordered" not in solution.values or solution.values["ordered"].empty


def test_without_contracts_the_lot_is_ordered_whole():
    """Rent for 4, 4, 1 costs 27; the lot of four 18.5. Without its minimum, three bought and one rented cost more."""
    none = frame("place asset contract period life max objective")
    solution = solved(reservations=none)
    assert solution.stages[0].objective == pytest.approx(18.5)
    assert solution.values["bought"]["value"].tolist() == [4.0]


def test_a_minimum_too_large_for_the_need_is_not_ordered():
    """1, 1, 1 asked: a unit alone costs 4.5 but four must be ordered; reserved for three periods it costs 5."""
    assert solved((1.0, 1.0, 1.0)).stages[0].objective == pytest.approx(5)
    free = solved((1.0, 1.0, 1.0), orders=NOTHING, order_terms=NO_TERMS)
    assert free.stages[0].objective == pytest.approx(4.5)


def test_a_reservation_serves_for_its_term_only():
    """Asked for in period 3 alone: a term of two from period 2 covers it (4), rent is 3."""
    assert solved((0.0, 0.0, 1.0)).stages[0].objective == pytest.approx(3)
    none = frame("place asset period max objective")
    assert solved((0.0, 0.0, 1.0), rentals=none).stages[0].objective == pytest.approx(4)


def test_orders_without_terms_or_bounds_are_refused():
    with pytest.raises(InputError, match="'lot' has no terms"):
        build_model(problem(order_terms=NO_TERMS))
    endless = frame("place asset vintage objective", ("S", "g", 1, 4.5))
    with pytest.raises(InputError, match="'lot' needs a finite `most`"):
        build_model(problem(asset_cells=endless, orders=frame("order period least", ("lot", 1, 4.0))))
