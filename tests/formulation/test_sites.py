"""Sites: opening, blocks in service for their life, grid and land."""

import pytest

from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small


def problem(**changes):
    """S must be opened; T is in use with one block already. Three new blocks must stand in periods 2 and 3."""
    need = [
        ("in service 2", "S", 1), ("in service 2", "S", 2), ("in service 2", "T", 2),
        ("in service 3", "S", 2), ("in service 3", "S", 3), ("in service 3", "T", 2),
    ]
    tables = {
        "places": frame("place kind", ("S", "site"), ("T", "site")),
        "openings": frame("place period objective", ("S", 1, 7.0), ("S", 2, 5.0), ("S", 3, 4.0)),
        "blocks": frame(
            "place block resource capacity life existing",
            ("S", "b", "power", 10.0, 2, 0.0), ("T", "b", "power", 10.0, 9, 1.0),
        ),
        "block_cells": frame(
            "place block period max max_total objective",
            ("S", "b", 1, 2.0, 3.0, 10.0), ("S", "b", 2, 2.0, 3.0, 9.0), ("S", "b", 3, 2.0, 3.0, 8.0),
            ("T", "b", 2, 4.0, 2.0, 8.0),
        ),
        "limits": frame("limit sense rhs", ("in service 2", ">=", 3.0), ("in service 3", ">=", 3.0)),
        "limit_terms": frame(
            "limit variable place item period coefficient", *((n, "built", p, "b", y, 1.0) for n, p, y in need)
        ),
    }
    return small(periods=(1, 2, 3), **{**tables, **changes})


def built(solution):
    return {(r.place, r.period): r.value for r in solution.values["built"].itertuples()}


def test_golden():
    check_golden("sites", problem())


def test_by_hand():
    """T's grid carries 2 blocks and one stands: 1 more for 8. S brings 2 in period 2 (18) and opens only then (5)."""
    solution = solve(problem(), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(8 + 18 + 5)
    assert built(solution) == {("S", 2): 2, ("T", 2): 1}
    assert solution.values["open"][["place", "period"]].to_numpy().tolist() == [["S", 2]]


def test_by_hand_without_the_other_site():
    """S alone, blocks live 2 periods, at most 2 a period and 3 in all: 1, 2, 1 for 10 + 18 + 8, opened for 7."""
    cells = problem().table("block_cells")
    alone = cells.assign(max=cells["max"].where(cells["place"] == "S", 0.0))
    solution = solve(problem(block_cells=alone), Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(36 + 7)
    assert built(solution) == {("S", 1): 1, ("S", 2): 2, ("S", 3): 1}


def test_a_place_does_not_open_without_a_block():
    """Asked to be open in period 1, S must build a block then: 7 + 10, and what is asked later comes on top."""
    opened = frame("limit variable place period coefficient", ("be open", "open", "S", 1, 1.0))
    alone = problem(
        limits=frame("limit sense rhs", ("be open", ">=", 1.0)), limit_terms=opened
    )
    solution = solve(alone, Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(17)
    assert built(solution) == {("S", 1): 1}
