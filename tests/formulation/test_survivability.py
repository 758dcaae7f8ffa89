"""Survivability: what the loss of a link or a place costs, by hand."""

import pytest

from capacity.errors import InfeasibleError, InputError
from capacity.formulation import build_model
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.formulation.test_paths import handed_over, two_ways
from tests.support.frames import frame, small

SITES = frame("place kind", ("A", "site"), ("B", "site"), ("C", "site"), ("R", "region"))


def lost(*cases, keep=1.0):
    """`kind element` of each case, at the one moment there is."""
    rows = [(f"loss of {c.split()[1]}", *c.split(), 1, "all", keep) for c in cases]
    return frame("case kind element period slice keep", *rows)


def routed(*cases, **changes):
    """3 from A to B: 4 on the direct link, 1 and 1 over C."""
    return small(**{
        "places": SITES,
        "links": frame("link from to", ("AB", "A", "B"), ("AC", "A", "C"), ("CB", "C", "B")),
        "modules": frame("link module period capacity max objective", ("AB", "m", 1, 10.0, 1.0, 4.0),
                         ("AC", "m", 1, 10.0, 1.0, 1.0), ("CB", "m", 1, 10.0, 1.0, 1.0)),
        "flows": frame("flow source period slice", ("f", "A", 1, "all")),
        "flow_sinks": frame("flow sink amount", ("f", "B", 3.0)),
        **({"failures": lost(*cases)} if cases else {}),
        **changes,
    })


def served(*cases, keep=1.0, **changes):
    """4 from R: accelerators for 1 each at A, 2 each at B."""
    return small(**{
        "places": SITES,
        "assets": frame("asset integer", ("g", False)),
        "asset_cells": frame("place asset vintage max objective", ("A", "g", 1, 99.0, 1.0), ("B", "g", 1, 99.0, 2.0)),
        "activities": frame("activity asset commodity output_per_unit slack", ("run", "g", "c", 1.0, 50.0)),
        "demands": frame("demand place commodity period slice amount must_serve", ("d", "R", "c", 1, "all", 4.0, True)),
        "assignments": frame("demand place rtt", ("d", "A", 10.0), ("d", "B", 20.0)),
        **({"failures": lost(*cases, keep=keep)} if cases else {}),
        **changes,
    })


ONE_LINK = {"links": frame("link from to", ("AB", "A", "B")),
            "modules": frame("link module period capacity", ("AB", "m", 1, 10.0))}


def cost(problem):
    return solve(problem, Options(gap=0.0)).stages[0].objective


def test_goldens():
    check_golden("survivability_flows", routed("link AB", "place C"))
    check_golden("survivability_service", served("place A", "place B", keep=0.5))


def test_another_way_for_every_link():
    assert cost(routed()) == pytest.approx(2)
    assert cost(routed("link AB")) == pytest.approx(2)
    assert cost(routed("link AC", "link CB")) == pytest.approx(4)
    assert cost(routed("link AB", "link AC", "link CB")) == pytest.approx(6)


def test_nothing_passes_a_lost_place():
    assert cost(routed("place C")) == pytest.approx(4)


def test_what_ends_at_a_lost_place_is_gone():
    assert cost(routed("place B")) == pytest.approx(2)


def test_links_lost_together():
    """AB and AC belong to one duct: nothing is left of A."""
    duct = frame("case kind element period slice", ("duct", "link", "AB", 1, "all"), ("duct", "link", "AC", 1, "all"))
    with pytest.raises(InfeasibleError, match=r"flow after a failure, duct,f,[BC] \(short by 3 of 3\)"):
        solve(routed(failures=duct))
    with pytest.raises(InfeasibleError, match="after loss of AB, no link leads to 'B', where 3 of flow 'f'"):
        solve(routed("link AB", **ONE_LINK))


def test_another_place_for_what_a_lost_one_served():
    """All again at the other: 4 + 8. Half of it: 2 at each, 2 + 4."""
    assert cost(served()) == pytest.approx(4)
    assert cost(served("place A", "place B")) == pytest.approx(4 + 8)
    assert cost(served("place A", "place B", keep=0.5)) == pytest.approx(2 + 4)


def test_a_class_may_keep_a_share_of_its_own():
    """After the loss of A half of it (2 at B), after that of B all (4 at A): 4 + 4."""
    half = frame("case commodity keep", ("loss of place A", "c", 0.5))
    cases = served("place A", "place B", keeps=half.assign(case=lost("place A")["case"].iloc[0]))
    assert cost(cases) == pytest.approx(4 + 4)
    check_golden("survivability_keeps", cases)


def test_a_place_too_far_away_is_no_help():
    far = frame("demand place rtt", ("d", "A", 10.0), ("d", "B", 60.0))
    with pytest.raises(InfeasibleError):
        solve(served("place A", assignments=far))


def test_power_stands_where_work_moves():
    """B holds power for 3 of the 4: keep at most three quarters, three of them at B from the start."""
    blocks = {"blocks": frame("place block resource capacity existing", ("A", "b", "power", 9.0, 1.0),
                              ("B", "b", "power", 3.0, 1.0)),
              "activity_uses": frame("activity resource amount", ("run", "power", 1.0))}
    assert cost(served("place A", keep=0.75, **blocks)) == pytest.approx(1 + 2 * 3)
    with pytest.raises(InfeasibleError):
        solve(served("place A", keep=0.8, **blocks))


def test_users_take_another_path():
    """The link is lost: slow ones no longer bear the way that is left, so quick ones must stand there for all."""
    assert cost(two_ways(rent=4.0, failures=lost("link A-B"))) == pytest.approx(16)


def test_what_is_taken_is_still_sent_or_made():
    """Without B and its link, prompts must be prefilled at A."""
    assert cost(handed_over(rent_at_a=8.0, failures=lost("place B"))) == pytest.approx(4 + 16)


def test_one_fixed_way_cannot_be_lost():
    fixed = frame("link place period load", ("AB", "B", 1, 1.0))
    with pytest.raises(InputError, match="loses link 'AB', whose traffic of open places has one way only"):
        build_model(routed("link AB", open_loads=fixed))


def test_unknown_elements_are_named():
    with pytest.raises(InputError, match="case 'loss of XY': there is no link 'XY'"):
        build_model(routed("link XY"))
    with pytest.raises(InputError, match="kind 'site' is unknown; allowed: link, place"):
        build_model(routed("site A"))
