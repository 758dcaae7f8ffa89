"""Hose: totals of places instead of a matrix, against worst matrices by hand."""

import pytest

from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small


def triangle(mode="shared", totals=(("A", 1.0, 1.0), ("B", 1.0, 1.0), ("C", 1.0, 1.0)), **changes):
    """Modules of 1 for 1 on each side of a triangle."""
    return small(**{
        "places": frame("place kind", ("A", "site"), ("B", "site"), ("C", "site")),
        "links": frame("link from to mode", ("AB", "A", "B", mode), ("BC", "B", "C", mode), ("AC", "A", "C", mode)),
        "modules": frame("link module period capacity max objective",
                         *((e, "m", 1, 1.0, 9.0, 1.0) for e in ("AB", "BC", "AC"))),
        "hoses": frame("place period slice out into", *((p, 1, "all", out, into) for p, out, into in totals)),
        **changes,
    })


def cost(problem):
    return solve(problem, Options(gap=0.0)).stages[0].objective


def test_golden():
    check_golden("hose", triangle(totals=(("A", 1.0, 2.0), ("B", 3.0, 4.0))))


def test_a_star_carries_every_matrix():
    """Over a star each link sees what its leaf sends and receives: 2 and 2. Three direct links of 2 would be 6."""
    assert cost(triangle()) == pytest.approx(4)


def test_full_duplex_halves_it():
    assert cost(triangle("each_way")) == pytest.approx(2)


def test_one_sender():
    """A sends 3, B and C receive 2 each: a star at A must carry 2 and 2, over B and on 3 and 2; not 3 in all, since
    either may receive 2."""
    totals = (("A", 3.0, 0.0), ("B", 0.0, 2.0), ("C", 0.0, 2.0))
    assert cost(triangle(totals=totals)) == pytest.approx(4)


def test_a_closed_place_has_no_traffic():
    """C must be opened to be used and nobody asks it to: what A and B exchange, 1 and 1, is all there is."""
    assert cost(triangle(openings=frame("place period objective", ("C", 1, 9.0)))) == pytest.approx(2)


def test_after_the_loss_of_a_link():
    """Any one link may be lost: a star of two links is no longer enough; two each on all three are (2 + 2 + 2)."""
    cases = [(f"loss of {e}", "link", e, 1, "all") for e in ("AB", "BC", "AC")]
    assert cost(triangle(failures=frame("case kind element period slice", *cases))) == pytest.approx(6)
