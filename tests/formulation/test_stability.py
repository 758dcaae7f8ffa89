"""Stability: a class moves between places only as far as it may, and for a price."""

import pytest

from capacity.errors import InputError
from capacity.formulation import build_model
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small


def problem(asked=(10.0, 10.0), share=0.3, price=0.0, **changes):
    """A serves for 1 and later for 5, B for 2: all of it would move to B in period 2."""
    tables = {
        "places": frame("place kind", ("A", "site"), ("B", "site"), ("R", "region")),
        "demands": frame("demand place commodity period slice amount must_serve", *(
            (f"d{y}", "R", "c", y, "all", amount, True) for y, amount in enumerate(asked, start=1))),
        "assignments": frame(
            "demand place unit_cost", ("d1", "A", 1.0), ("d1", "B", 2.0), ("d2", "A", 5.0), ("d2", "B", 2.0)),
        "moves": frame("commodity period max_share objective", ("c", 2, share, price)),
    }
    return small(periods=(1, 2), **{**tables, **changes})


def cost(*args, **changes):
    return solve(problem(*args, **changes), Options(gap=0.0)).stages[0].objective


def test_golden():
    check_golden("stability", problem(price=0.5))


def test_by_hand():
    """Free to move: 10 + 20. At 30 % a place keeps 7 of 10, so B serves x from the first: A then 7 of 10 - x less,
    10 + x in period 1, and 2 x 10 + 3 (10 - x - 3) in period 2: x = 7 makes all of period 2 B's, 17 + 20."""
    none = frame("commodity period max_share objective")
    assert cost(moves=none) == pytest.approx(30)
    assert cost() == pytest.approx(17 + 20)


def test_a_price_on_moving():
    """At 1 for an amount moved all ten move (30 + 10); at 2.5 serving 10 from B from the first is dearer by 10."""
    assert cost(share=1.0, price=0.9) == pytest.approx(30 + 9)
    assert cost(share=1.0, price=2.5) == pytest.approx(20 + 20)


def test_growth_is_no_move():
    """Twice as much is asked for: what B adds is growth, and A loses 3 of its 10 at most."""
    assert cost((10.0, 20.0)) == pytest.approx(17 + 40)
    grown = solve(problem((10.0, 20.0)), Options(gap=0.0)).values["serve"]
    assert grown.query("demand == 'd2' and place == 'B'")["value"].sum() == pytest.approx(20)


def test_shrinking_is_no_move():
    """Half as much is asked for: A may shrink to nothing, B take over 3."""
    solution = solve(problem((10.0, 5.0)), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(10 + 2 + 10)


def test_nothing_moves_in_the_first_period():
    with pytest.raises(InputError, match="'c' cannot move in 1"):
        build_model(problem(moves=frame("commodity period max_share", ("c", 1, 0.5))))
