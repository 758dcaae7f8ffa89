"""Flows on a triangle in every mode, beside other traffic, in slices that are a part of the year."""

import pytest

from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small


def problem(mode="shared", back=0.0, **changes):
    """A triangle: 3 from A to B and 2 to C, `back` from C to A; modules of 4 for 5 on A-B, 3 on A-C, 1 on B-C."""
    sinks = [("from A", "B", 3.0), ("from A", "C", 2.0), *([("from C", "A", back)] if back else [])]
    tables = {
        "places": frame("place kind", ("A", "site"), ("B", "site"), ("C", "site")),
        "links": frame("link from to mode", ("A-B", "A", "B", mode), ("A-C", "A", "C", mode), ("B-C", "B", "C", mode)),
        "modules": frame(
            "link module period capacity max objective",
            ("A-B", "m", 1, 4.0, 9.0, 5.0), ("A-C", "m", 1, 4.0, 9.0, 3.0), ("B-C", "m", 1, 4.0, 9.0, 1.0),
        ),
        "flows": frame("flow source period slice", ("from A", "A", 1, "all"), ("from C", "C", 1, "all")),
        "flow_sinks": frame("flow sink amount", *sinks),
    }
    return small(**{**tables, **changes})


def cost(problem):
    return solve(problem, Options(gap=0.0)).stages[0].objective


def pair(basis, hours=(8766.0,), mode="each_way"):
    """3 one way and 2 back on a link lit already, at 2 each."""
    names = [f"h{i}" for i in range(len(hours))]
    return small(
        slices=frame("slice hours", *zip(names, hours, strict=True)),
        places=frame("place kind", ("A", "site"), ("B", "site")),
        links=frame("link from to existing mode", ("A-B", "A", "B", 4.0, mode)),
        flows=frame("flow source period slice", ("on", "A", 1, "h0"), ("back", "B", 1, "h0")),
        flow_sinks=frame("flow sink amount", ("on", "B", 3.0), ("back", "A", 2.0)),
        arc_costs=frame("link period objective basis", ("A-B", 1, 2.0, basis)),
    )


@pytest.mark.parametrize("mode", ["each_way", "one_way"])
def test_golden(mode):
    check_golden(f"flows_{mode}", problem(mode))


def test_golden_of_costs():
    check_golden("flows_busier", pair("busier"))


def test_by_hand():
    """All 5 over A-C (2 modules, 6), 3 of them on over B-C (1)."""
    solution = solve(problem(), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(7)
    flow = {(r.link, r.toward): r.value for r in solution.values["flow"].itertuples()}
    assert flow == pytest.approx({("A-C", "C"): 5, ("B-C", "B"): 3})


def test_by_hand_with_traffic_back():
    """4 from C to A: free where each direction has the capacity; shared, 9 leave or enter A: 3 modules of A-C."""
    assert cost(problem("each_way", 4.0)) == pytest.approx(7)
    assert cost(problem("shared", 4.0)) == pytest.approx(9 + 1)


def test_by_hand_one_way():
    """B is reached from A only, C from both: a module on A-B and one on A-C."""
    assert cost(problem("one_way")) == pytest.approx(5 + 3)


def test_a_slice_pays_for_its_share_of_the_year():
    assert cost(pair("both", (2000.0, 6000.0))) == pytest.approx(2 * (3 + 2) / 4)
    assert cost(pair("busier", (2000.0, 6000.0))) == pytest.approx(2 * 3 / 4)


def test_serving_and_flows_share_a_link():
    """2 more on A-C for a demand served over it: 7 in all, still two modules; 4 more need a third."""
    given = {
        "assets": frame("asset", ("g",)), "rentals": frame("place asset period max", ("A", "g", 1, 99.0)),
        "activities": frame("activity asset commodity output_per_unit", ("run", "g", "c", 1.0)),
        "assignments": frame("demand place", ("d", "A")),
        "serve_loads": frame("link demand place load", ("A-C", "d", "A", 1.0)),
    }
    for amount, paid in ((2.0, 7.0), (4.0, 10.0)):
        demand = frame("demand place commodity period slice amount must_serve", ("d", "C", "c", 1, "all", amount, True))
        assert cost(problem(demands=demand, **given)) == pytest.approx(paid)
