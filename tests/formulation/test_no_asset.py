"""Activities that need no asset: limited by the blocks they fill, or by nothing."""

import pytest

from capacity.errors import InfeasibleError, InputError
from capacity.formulation import build_model
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small


def problem(**changes):
    """A and B open for 10 and 12 and handle 5 each in a hall; 4 and 3 are asked; A is nearer by 1 an amount to both."""
    tables = {
        "places": frame("place kind", ("A", "site"), ("B", "site"), ("R", "region")),
        "openings": frame("place period objective", ("A", 1, 10.0), ("B", 1, 12.0)),
        "blocks": frame("place block resource capacity", ("A", "hall", "room", 5.0), ("B", "hall", "room", 5.0)),
        "block_cells": frame("place block period max", ("A", "hall", 1, 1.0), ("B", "hall", 1, 1.0)),
        "activities": frame("activity asset commodity output_per_unit", ("handle", "", "c", 2.0)),
        "activity_uses": frame("activity resource amount", ("handle", "room", 2.0)),
        "demands": frame(
            "demand place commodity period slice amount must_serve",
            ("d1", "R", "c", 1, "all", 4.0, True), ("d2", "R", "c", 1, "all", 3.0, True),
        ),
        "assignments": frame(
            "demand place unit_cost", ("d1", "A", 1.0), ("d1", "B", 2.0), ("d2", "A", 1.0), ("d2", "B", 2.0)
        ),
    }
    return small(**{**tables, **changes})


def cost(problem):
    return solve(problem, Options(gap=0.0)).stages[0].objective


def test_golden():
    check_golden("no_asset", problem())


def test_by_hand():
    """7 asked, 5 fit in A: both open, 5 from A and 2 from B."""
    solution = solve(problem(), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(10 + 12 + 5 + 2 * 2)
    served = solution.values["serve"].groupby("place")["value"].sum().to_dict()
    assert served == pytest.approx({"A": 5.0, "B": 2.0})
    assert solution.values["use"]["value"].max() <= 5.0 / 2.0 + 1e-9


def test_by_hand_with_a_single_source():
    """d1 (4) from A and d2 (3) from B, or d1 from B: 4 + 6 against 8 + 3."""
    assert cost(problem(demands=problem().table("demands").assign(single_source=True))) == pytest.approx(22 + 10)


def test_what_uses_nothing_is_unlimited():
    assert cost(problem(activity_uses=frame("activity resource amount"))) == pytest.approx(10 + 7)


def test_blocks_that_are_too_small():
    with pytest.raises(InfeasibleError):
        cost(problem(block_cells=frame("place block period max", ("A", "hall", 1, 1.0), ("B", "hall", 1, 0.0))))


def test_assets_and_activities_share_a_block():
    """A machine that stands in A's hall takes 3 of its 5, so 2 are left to handle; it serves 4 of another class."""
    solved = solve(problem(
        assets=frame("asset unit_size", ("g", 4.0)), asset_uses=frame("asset resource amount", ("g", "room", 3.0)),
        asset_cells=frame("place asset vintage max", ("A", "g", 1, 1.0)),
        activities=frame(
            "activity asset commodity output_per_unit", ("handle", "", "c", 2.0), ("run", "g", "other", 1.0)
        ),
        demands=frame(
            "demand place commodity period slice amount must_serve", ("d1", "R", "c", 1, "all", 4.0, True),
            ("d2", "R", "c", 1, "all", 3.0, True), ("d3", "R", "other", 1, "all", 4.0, True),
        ),
        assignments=frame(
            "demand place unit_cost", ("d1", "A", 1.0), ("d1", "B", 2.0), ("d2", "A", 1.0), ("d2", "B", 2.0),
            ("d3", "A", 0.0),
        ),
    ), Options(gap=0.0))
    assert solved.stages[0].objective == pytest.approx(10 + 12 + 2 + 5 * 2)


def test_without_activities_open_places_serve_freely():
    none = {name: frame(" ".join(problem().table(name).columns)) for name in ("activities", "activity_uses", "blocks")}
    given = problem(**none, block_cells=frame("place block period"))
    assert cost(given) == pytest.approx(10 + 7)
    assert not len(build_model(given).serve_within_latency_what_is_made)


def test_an_unknown_asset_is_still_refused():
    with pytest.raises(InputError, match="activities: asset 'h' is not in table assets"):
        problem(activities=frame("activity asset commodity output_per_unit", ("handle", "h", "c", 2.0)))
