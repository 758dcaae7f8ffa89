"""Links: what is lit carries what is served and what is open."""

import pytest

from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small


def problem(**changes):
    """B is cheaper by 1 an amount, but each puts 2 on the link, and B itself 3 while open; 4 are lit already."""
    tables = {
        "places": frame("place kind", ("A", "site"), ("B", "site"), ("R", "region")),
        "openings": frame("place period objective", ("B", 1, 0.5), ("B", 2, 0.5)),
        "assets": frame("asset", ("g",)),
        "rentals": frame(
            "place asset period max objective",
            ("A", "g", 1, 99.0, 2.0), ("A", "g", 2, 99.0, 2.0), ("B", "g", 1, 99.0, 1.0), ("B", "g", 2, 99.0, 1.0),
        ),
        "activities": frame("activity asset commodity output_per_unit", ("run", "g", "c", 1.0)),
        "demands": frame(
            "demand place commodity period slice amount must_serve",
            ("d1", "R", "c", 1, "all", 5.0, True), ("d2", "R", "c", 2, "all", 8.0, True),
        ),
        "assignments": frame("demand place", ("d1", "A"), ("d1", "B"), ("d2", "A"), ("d2", "B")),
        "links": frame("link from to existing", ("A-B", "A", "B", 4.0)),
        "modules": frame(
            "link module period capacity max objective life",
            ("A-B", "wave", 1, 10.0, 5.0, 3.0, 2), ("A-B", "wave", 2, 10.0, 5.0, 2.0, 1),
        ),
        "serve_loads": frame("link demand place load", ("A-B", "d1", "B", 2.0), ("A-B", "d2", "B", 2.0)),
        "open_loads": frame("link place period load", ("A-B", "B", 1, 3.0), ("A-B", "B", 2, 3.0)),
    }
    return small(periods=(1, 2), **{**tables, **changes})


def test_golden():
    check_golden("links", problem())


def test_by_hand():
    """All at B: 13 for rent, 0.5 to open; 10 + 3 <= 4 + 10 lit in period 1 (3), 16 + 3 <= 4 + 20 with one more (2)."""
    solution = solve(problem(), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(13 + 0.5 + 3 + 2)
    lit = solution.values["modules"]
    assert dict(zip(lit["period"], lit["value"], strict=True)) == {1: 1, 2: 1}


def test_by_hand_when_a_module_ends():
    """Lit for one period only, period 2 would need two modules at 2 each; the second adds 2.5 at B and saves 0.5."""
    modules = problem().table("modules").assign(life=1)
    solution = solve(problem(modules=modules), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(13 + 0.5 + 3 + 4)


def test_an_open_place_needs_its_own_traffic():
    """Open load 30 in period 2 takes four modules (8); B stays shut and A serves all 13 for 26."""
    loads = frame("link place period load", ("A-B", "B", 1, 30.0), ("A-B", "B", 2, 30.0))
    solution = solve(problem(open_loads=loads), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(26)
    assert solution.values["open"].empty


def test_traffic_of_a_place_that_needs_no_opening_is_a_constant():
    """B in use already: its 3 are carried in both periods whether or not it serves; only the 0.5 is saved."""
    solution = solve(problem(openings=frame("place period objective")), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(13 + 3 + 2)
