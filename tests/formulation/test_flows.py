"""Flows: traffic that chooses its way, over links whose two directions share, have their own or do not exist."""

import pytest

from capacity.errors import InfeasibleError, InputError
from capacity.formulation import build_model
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small

PLACES = frame("place kind", ("A", "site"), ("B", "site"), ("C", "site"))


def triangle(direct=1.0, price=0.6):
    """From A 2 must arrive at B and 3 at C; the direct way to C carries 2 a module."""
    links = ("A-B", "B-C", "A-C")
    return small(
        places=PLACES,
        links=frame("link from to", ("A-B", "A", "B"), ("B-C", "B", "C"), ("A-C", "A", "C")),
        modules=frame(
            "link module period capacity max objective",
            ("A-B", "m", 1, 10.0, 1.0, 4.0), ("B-C", "m", 1, 10.0, 1.0, 3.0), ("A-C", "m", 1, 2.0, direct, 1.0),
        ),
        flows=frame("flow source period slice", ("f", "A", 1, "all")),
        flow_sinks=frame("flow sink amount", ("f", "B", 2.0), ("f", "C", 3.0)),
        arc_costs=frame("link period objective", *((link, 1, price) for link in links)),
    )


def cost(problem):
    return solve(problem, Options(gap=0.0)).stages[0].objective


def test_golden():
    check_golden("flows", triangle())


def test_by_hand():
    """All over B: 4 + 3 and 5 + 3 carried. With the direct link: 8, and 3 + 1 + 2 carried. At 0.6 that is less, at 0.4
    more. Two direct modules for 2 leave out B-C: 4 + 2, 2 + 3 carried."""
    assert cost(triangle()) == pytest.approx(8 + 0.6 * 6)
    assert cost(triangle(price=0.4)) == pytest.approx(7 + 0.4 * 8)
    assert cost(triangle(direct=2.0)) == pytest.approx(6 + 0.6 * 5)


def test_where_it_flows():
    flow = solve(triangle(), Options(gap=0.0)).values["flow"]
    assert {(r.link, r.toward): round(r.value, 6) for r in flow.itertuples()} == {
        ("A-B", "B"): 3, ("B-C", "C"): 1, ("A-C", "C"): 2}


def two_ways(mode, basis="both", back=6.0):
    """6 from A to B and `back` from B to A, over modules of 10 at 5 each; 1 for each unit carried."""
    return small(
        places=PLACES,
        links=frame("link from to mode", ("A-B", "A", "B", mode)),
        modules=frame("link module period capacity max objective", ("A-B", "m", 1, 10.0, 3.0, 5.0)),
        flows=frame("flow source period slice", ("out", "A", 1, "all"), ("home", "B", 1, "all")),
        flow_sinks=frame("flow sink amount", ("out", "B", 6.0), ("home", "A", back)),
        arc_costs=frame("link period objective basis", ("A-B", 1, 1.0, basis)),
    )


def test_directions_share_a_link_or_have_their_own():
    assert cost(two_ways("shared")) == pytest.approx(2 * 5 + 12)
    assert cost(two_ways("each_way")) == pytest.approx(5 + 12)


def test_both_directions_pay_or_the_busier_one():
    assert cost(two_ways("each_way", "both", 4.0)) == pytest.approx(5 + 10)
    assert cost(two_ways("each_way", "busier", 4.0)) == pytest.approx(5 + 6)


def test_no_way_back_is_named():
    with pytest.raises(InfeasibleError, match="flow 'home': no link leads to 'A', where 6 must arrive"):
        build_model(two_ways("one_way"))
    assert cost(two_ways("one_way", back=0.0)) == pytest.approx(5 + 6)


def test_too_little_capacity_is_named():
    with pytest.raises(InfeasibleError, match=r"flow home,A must arrive \(short by 16 of 40\)"):
        solve(two_ways("shared", back=40.0))


def test_unknown_words_are_refused():
    with pytest.raises(InputError, match="table links: mode 'duplex' is unknown; allowed: shared, each_way, one_way"):
        build_model(two_ways("duplex"))
    with pytest.raises(InputError, match="table arc_costs: basis 'half' is unknown; allowed: both, busier"):
        build_model(two_ways("shared", "half"))


def test_flows_of_other_periods_are_apart():
    """6 in each of two periods; a module lives one period: 5 in the first, 3 in the second, 6 carried twice for 1."""
    problem = small(
        periods=(1, 2), places=PLACES,
        links=frame("link from to", ("A-B", "A", "B")),
        modules=frame(
            "link module period capacity max objective life",
            ("A-B", "m", 1, 10.0, 3.0, 5.0, 1), ("A-B", "m", 2, 10.0, 3.0, 3.0, 1),
        ),
        flows=frame("flow source period slice", ("one", "A", 1, "all"), ("two", "A", 2, "all")),
        flow_sinks=frame("flow sink amount", ("one", "B", 6.0), ("two", "B", 6.0)),
        arc_costs=frame("link period objective", ("A-B", 1, 1.0), ("A-B", 2, 1.0)),
    )
    assert cost(problem) == pytest.approx(5 + 3 + 12)
