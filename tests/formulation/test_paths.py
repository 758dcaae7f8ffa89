"""Paths: the route decides the round trip; what is taken at one place is made at another and sent."""

import pytest

from capacity.errors import InfeasibleError, InputError
from capacity.formulation import build_model
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small

PLACES = frame("place kind", ("A", "site"), ("B", "site"), ("R", "region"))
WIRE = {
    "links": frame("link from to mode", ("A-B", "A", "B", "shared")),
    "modules": frame("link module period capacity max objective", ("A-B", "m", 1, 3.0, 9.0, 5.0)),
}


def two_ways(rent=3.0, **changes):
    """4 from R served at A: over the internet in 100 ms, or entering at B and over A-B in 40 ms, at 1 on the link each.

    `quick` bears 120 ms and makes 1 on each accelerator; `slow` bears 60 ms and makes 2.
    """
    return small(**{
        "places": PLACES, **WIRE,
        "assets": frame("asset", ("g",)), "rentals": frame("place asset period objective", ("A", "g", 1, rent)),
        "activities": frame("activity asset commodity output_per_unit slack",
                            ("quick", "g", "c", 1.0, 120.0), ("slow", "g", "c", 2.0, 60.0)),
        "demands": frame("demand place commodity period slice amount must_serve", ("d", "R", "c", 1, "all", 4.0, True)),
        "assignments": frame("demand place rtt", ("d", "A", 1.0)),
        "paths": frame("path from to rtt", ("internet", "R", "A", 100.0), ("lit", "R", "A", 40.0)),
        "path_links": frame("path link toward", ("lit", "A-B", "A")),
        "assignment_paths": frame("demand place path load load_back", ("d", "A", "internet", 0.0, 0.0),
                                  ("d", "A", "lit", 0.25, 0.75)),
        **changes,
    })


def handed_over(rent_at_a=4.0, **changes):
    """4 written at A, each taking half a prompt; a prompt prefilled at B comes over A-B and is 2 there."""
    return small(**{
        "places": PLACES, **WIRE,
        "assets": frame("asset", ("g",), ("b",)),
        "rentals": frame("place asset period objective", ("A", "g", 1, 1.0), ("A", "b", 1, rent_at_a),
                         ("B", "b", 1, 1.0)),
        "activities": frame("activity asset commodity output_per_unit", ("write", "g", "c", 1.0),
                            ("read", "b", "prompt", 1.0)),
        "needs": frame("activity commodity amount", ("write", "prompt", 0.5)),
        "paths": frame("path from to rtt", ("B>A", "B", "A", 10.0)),
        "path_links": frame("path link toward", ("B>A", "A-B", "A")),
        "shipments": frame("commodity path load", ("prompt", "B>A", 2.0)),
        "demands": frame("demand place commodity period slice amount must_serve", ("d", "R", "c", 1, "all", 4.0, True)),
        "assignments": frame("demand place rtt", ("d", "A", 1.0)),
        **changes,
    })


def found(problem):
    return solve(problem, Options(gap=0.0))


def cost(problem):
    return found(problem).stages[0].objective


def test_goldens():
    check_golden("paths", two_ways())
    check_golden("paths_shipments", handed_over())


def test_the_route_decides_what_may_serve():
    """At 3: all quick over the internet, 12. At 4: three over the link by slow ones (6 and a module 5), one quick."""
    assert cost(two_ways()) == pytest.approx(12)
    solution = found(two_ways(rent=4.0))
    assert solution.stages[0].objective == pytest.approx(6 + 5 + 4)
    assert solution.values["via"].set_index("path")["value"].to_dict() == pytest.approx({"internet": 1, "lit": 3})


def test_each_direction_bears_its_own_part():
    """Three quarters flow back: 4 served are 3 that way, one module, where each direction has the capacity."""
    links = frame("link from to mode", ("A-B", "A", "B", "each_way"))
    assert cost(two_ways(rent=4.0, links=links)) == pytest.approx(8 + 5)


def test_what_is_taken_is_made_here_or_sent():
    """Prefill at A for 4 each: 4 + 2 x 4. For 8: three quarters sent, 3 on the link, one module; the rest at A. For 20:
    all sent, 4 on the link, two modules."""
    assert cost(handed_over()) == pytest.approx(4 + 8)
    assert cost(handed_over(rent_at_a=8.0)) == pytest.approx(4 + 1.5 + 5 + 0.5 * 8)
    solution = found(handed_over(rent_at_a=20.0))
    assert solution.stages[0].objective == pytest.approx(4 + 2 + 10)
    assert solution.values["ship"]["value"].tolist() == pytest.approx([2.0])


def test_what_comes_is_not_sent_on():
    """Prompts made at B come to A, but not from there to C, where they are taken."""
    relay = {
        "places": frame("place kind", ("A", "site"), ("B", "site"), ("C", "site"), ("R", "region")),
        "links": frame("link from to", ("A-B", "A", "B"), ("A-C", "A", "C")),
        "modules": frame("link module period capacity", ("A-B", "m", 1, 9.0), ("A-C", "m", 1, 9.0)),
        "rentals": frame("place asset period", ("C", "g", 1), ("B", "b", 1)),
        "assignments": frame("demand place", ("d", "C")),
        "paths": frame("path from to", ("B>A", "B", "A"), ("A>C", "A", "C"), ("B>C", "B", "C")).assign(rtt=1.0),
        "path_links": frame("path link toward", ("B>A", "A-B", "A"), ("A>C", "A-C", "C"), ("B>C", "A-B", "A"),
                            ("B>C", "A-C", "C")),
    }
    ways = {"B>A": 2.0, "A>C": 2.0, "B>C": 2.0}
    whole = frame("commodity path load", *(("prompt", w, load) for w, load in ways.items()))
    assert found(handed_over(**relay, shipments=whole)).values["ship"]["path"].tolist() == ["B>C"]
    with pytest.raises(InfeasibleError):
        solve(handed_over(**relay, shipments=whole[whole["path"] != "B>C"]))


@pytest.mark.parametrize(("changes", "told"), [
    ({"path_links": frame("path link toward", ("lit", "A-B", "R"))}, "not lead toward 'R'; allowed: 'A', 'B'"),
    ({"assignment_paths": frame("demand place path load", ("d", "B", "lit", 1.0))}, "'d' is not assigned to 'B'"),
    ({"needs": frame("activity commodity amount", ("quick", "c", 1.0))}, "'c' is demanded too"),
])
def test_what_does_not_fit_is_named(changes, told):
    with pytest.raises(InputError, match=told):
        build_model(two_ways(**changes))
