"""Limits: any linear rule over any public variable."""

import pytest

from capacity.errors import InfeasibleError, InputError
from capacity.formulation import build_model
from capacity.formulation.limits import KEYS
from capacity.problem import OPTIONAL_VARIABLES, VARIABLES
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small


def problem(limits=(("at most two places", "<=", 2.0),), terms=(), d3_must=True):
    """Three places at 0, 4 and 10 on a road; 4, 1 and 2 to serve at 0, 5 and 9; an amount costs 1 and its distance."""
    places, homes = {"P1": 0, "P2": 4, "P3": 10}, {"d1": 0, "d2": 5, "d3": 9}
    tables = {
        "places": frame("place kind", *((p, "site") for p in places), ("R", "region")),
        "openings": frame("place period", *((p, 1) for p in places)),
        "assets": frame("asset", ("g",)),
        "rentals": frame("place asset period max objective", *((p, "g", 1, 99.0, 1.0) for p in places)),
        "activities": frame("activity asset commodity output_per_unit", ("run", "g", "c", 1.0)),
        "demands": frame(
            "demand place commodity period slice amount must_serve", ("d1", "R", "c", 1, "all", 4.0, True),
            ("d2", "R", "c", 1, "all", 1.0, True), ("d3", "R", "c", 1, "all", 2.0, d3_must),
        ),
        "assignments": frame(
            "demand place unit_cost",
            *((d, p, float(abs(at - home))) for d, home in homes.items() for p, at in places.items()),
        ),
        "limits": frame("limit sense rhs", *limits),
        "limit_terms": frame("limit variable place item period coefficient", *(
            ("at most two places", "open", p, "", 1, 1.0) for p in places), *terms),
    }
    return small(**tables)


EVERY_SENSE = (
    (
        ("at most two places", "<=", 2.0), ("grid of P1", "<=", 3.0), ("take or pay", ">=", 5.0),
        ("curtailed", "==", 1.0),
    ),
    (
        ("grid of P1", "rent", "P1", "g", 1, 1.0), ("take or pay", "rent", "P2", "g", 1, 1.0),
        ("curtailed", "short", "d3", "", 0, 1.0),
    ),
)


def cost(problem):
    return solve(problem, Options(gap=0.0)).stages[0].objective


def test_golden():
    check_golden("limits", problem(*EVERY_SENSE, d3_must=False))


def test_by_hand():
    """Two places: P1 and P3 serve at 0 x 4 + 5 + 2 x 1; one place: P1 at 0 + 5 + 18. And 7 amounts for 1 each."""
    assert cost(problem()) == pytest.approx(7 + 7)
    assert cost(problem((("at most two places", "<=", 1.0),))) == pytest.approx(23 + 7)
    assert cost(problem((("at most two places", "<=", 3.0),))) == pytest.approx(0 + 1 + 2 + 7)


def test_by_hand_with_every_sense():
    """P1 takes 3 of 4, so P2 (4 away) beats P3 (10 away) for the fourth; d3 goes without 1. Distance 4 + 1 + 5.
    P1 pays 3, P2 uses 3 but pays 5."""
    assert cost(problem(*EVERY_SENSE, d3_must=False)) == pytest.approx(10 + 3 + 5)


def test_a_limit_that_cannot_be_met_is_named():
    """P2 rents 99 at most."""
    given = problem((("at most two places", "<=", 2.0), ("take or pay", ">=", 200.0)), EVERY_SENSE[1][1:2])
    with pytest.raises(InfeasibleError, match=r"limit take or pay \(short by 101 of 200\)"):
        solve(given, Options(gap=0.0))


def test_a_limit_without_terms_is_judged_at_once():
    build_model(problem((("at most two places", "<=", 2.0), ("nothing", "<=", 0.0))))
    with pytest.raises(InfeasibleError, match=r"'nothing' .* cannot be met"):
        build_model(problem((("at most two places", "<=", 2.0), ("nothing", ">=", 1.0))))


def test_an_unknown_variable_is_refused():
    with pytest.raises(InputError, match="no variable 'opened'; allowed: open, "):
        build_model(problem(terms=(("at most two places", "opened", "P1", "", 1, 1.0),)))


def test_every_public_variable_can_stand_in_a_limit():
    public = {**VARIABLES, **OPTIONAL_VARIABLES}
    assert set(KEYS) == set(public)
    assert all(len(KEYS[name]) == len(public[name]) for name in KEYS)
