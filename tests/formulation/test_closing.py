"""Closing: a place may be given up when holding it costs more than serving from elsewhere."""

import pandas as pd
import pytest

from capacity.errors import InputError
from capacity.formulation import build_model
from capacity.plan import assemble, audit, check_audit
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small


def problem(holding=5.0, **changes):
    """S is owned with one block of 3 MW and one unit of 2 amounts; N can open. 2 amounts, then 1, then 1 are asked for.

    Holding S costs 5 a period and 1 for its block; a unit at N costs 2 (its opening 1), and serves for ever.
    """
    tables = {
        "places": frame("place kind", ("S", "site"), ("N", "site"), ("R", "region")),
        "openings": frame("place period objective", *(("N", y, 1.0) for y in (1, 2, 3))),
        "blocks": frame(
            "place block resource capacity existing", ("S", "b", "power", 3.0, 1.0), ("N", "hall", "power", 3.0, 1.0)
        ),
        "block_cells": frame("place block period max objective", ("S", "b", 2, 1.0, 50.0)),
        "holdings": frame("place period objective", *(("S", y, holding) for y in (1, 2, 3))),
        "block_upkeep": frame("place block period objective", *(("S", "b", y, 1.0) for y in (1, 2, 3))),
        "assets": frame("asset unit_size", ("g", 2.0)),
        "asset_uses": frame("asset resource amount", ("g", "power", 3.0)),
        "asset_cells": frame("place asset vintage max objective", *(("N", "g", y, 1.0, 2.0) for y in (1, 2, 3))),
        "committed": frame("place asset vintage count", ("S", "g", 0, 1.0)),
        "activities": frame("activity asset commodity output_per_unit", ("run", "g", "c", 1.0)),
        "demands": frame("demand place commodity period slice amount must_serve", *(
            (f"d{y}", "R", "c", y, "all", amount, True) for y, amount in ((1, 2.0), (2, 1.0), (3, 1.0)))),
        "assignments": frame("demand place", *((f"d{y}", p) for y in (1, 2, 3) for p in ("S", "N"))),
    }
    return small(periods=(1, 2, 3), **{**tables, **changes})


def held(solution):
    return set(solution.values["held"].query("value > 0.5")["period"])


def test_golden():
    check_golden("closing", problem())


def test_given_up_at_once_where_holding_is_dear():
    """N for all three periods costs 1 + 2; holding S at 5 + 1 a period would cost 18."""
    solution = solve(problem(), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(3)
    assert "held" not in solution.values or not held(solution)


def test_kept_as_long_as_it_is_the_cheaper_one():
    """N sells in period 3 only: S is held for 1 and 2, its block whole, then half (6 + 5.5); N takes over for 3."""
    late = frame("place asset vintage max objective", ("N", "g", 3, 1.0, 2.0))
    solution = solve(problem(asset_cells=late), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(6 + 5.5 + 3)
    assert held(solution) == {1, 2}


def test_a_block_is_given_up_before_its_place():
    """Holding costs nothing: S serves all along, its block at 1, 0.5 and 0.5 against 3 for N."""
    solution = solve(problem(holding=0.0, asset_cells=frame("place asset vintage max objective")), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(2)
    assert solution.values["kept"]["value"].tolist() == pytest.approx([1.0, 0.5, 0.5])


def test_a_place_given_up_takes_nothing_back():
    """Period 2 alone needs half of S, which must be kept in period 1 too: 2 x 5.5. It is given up after it."""
    demands = problem().table("demands").assign(amount=[0.0, 1.0, 0.0])
    solution = solve(problem(asset_cells=frame("place asset vintage max objective"), demands=demands), Options(gap=0.0))
    assert held(solution) == {1, 2}
    assert solution.stages[0].objective == pytest.approx(11)


def test_upkeep_of_blocks_that_are_never_kept_is_refused():
    with pytest.raises(InputError, match="'hall' of place 'N'"):
        build_model(problem(block_upkeep=frame("place block period objective", ("N", "hall", 1, 1.0))))


def selling(*sales):
    """Holding costs 0.5 a period and blocks nothing: 1.5 in all, against 3 at N."""
    free = frame("place block period objective")
    return problem(0.5, block_upkeep=free, sales=frame("place period objective", *sales))


def test_golden_of_a_sale():
    check_golden("closing_sale", selling(("S", 1, 1.0), ("S", 3, 2.8)))


def test_a_place_is_sold_when_it_brings_most():
    """For 2 at once: 3 - 2. For 2.8 in the third period: 2 periods of 0.5, then 3 - 2.8. For 1 it is kept."""
    for sales, cost, periods in (
        ([("S", 1, 2.0)], 1.0, set()), ([("S", 3, 2.8)], 1.2, {1, 2}), ([("S", 1, 1.0)], 1.5, {1, 2, 3}),
        ([("S", 1, 1.0), ("S", 3, 2.8)], 1.2, {1, 2}),
    ):
        asked = selling(*sales)
        solution = solve(asked, Options(gap=0.0))
        assert solution.stages[0].objective == pytest.approx(cost)
        assert held(solution) == periods
        stages = assemble(None, asked, solution).stages
        check_audit(audit(None, asked, solution.values, stages))


def test_a_place_is_not_sold_while_it_is_held():
    asked = selling(("S", 3, 2.8))
    solution = solve(asked, Options(gap=0.0))
    kept = solution.values["held"].assign(value=1.0)
    kept = pd.concat([kept, frame("place period value", ("S", 3, 1.0))]).drop_duplicates(["place", "period"])
    report = audit(None, asked, {**solution.values, "held": kept}).set_index("topic")
    assert report.loc["places given up", "largest_violation"] == pytest.approx(1)


def test_a_sale_of_a_place_that_is_never_given_up_is_refused():
    with pytest.raises(InputError, match="table sales: place 'N', period 1"):
        build_model(selling(("N", 1, 1.0)))
