"""Configurations that another stands for are dropped, and no plan is the worse for it."""

import pandas as pd
import pytest

from capacity.problem import Problem
from capacity.problem.prune import dominated
from capacity.solving import Options, solve
from tests.support.frames import frame
from tests.support.tiny_problem import tiny_problem

ACTIVITIES = "activity asset commodity group output_per_unit slack first"
NO_SHARES = frame("commodity group max_share")


def dropped(*rows, costs=None, shares=NO_SHARES):
    """{activity: by}; every activity costs 1 per accelerator at one place and time unless given."""
    table = frame(ACTIVITIES, *rows)
    costs = costs or [(name, "s", 2027, 1.0) for name in table["activity"]]
    found = dominated(table, frame("activity place period objective", *costs), shares)
    return dict(zip(found["activity"], found["by"], strict=True))


BASE = ("base", "g", "c", "v", 100.0, 50.0, 2027)


@pytest.mark.parametrize(("other", "expected"), [
    (("other", "g", "c", "w", 120.0, 50.0, 2027), {"base": "other"}),
    (("other", "g", "c", "w", 80.0, 50.0, 2027), {"other": "base"}),
    (("other", "g", "c", "w", 80.0, 60.0, 2027), {}),
    (("other", "g", "c", "w", 120.0, 50.0, 2028), {}),
    (("other", "h", "c", "w", 120.0, 50.0, 2027), {}),
    (("other", "g", "d", "w", 120.0, 50.0, 2027), {}),
])
def test_by_hand(other, expected):
    """More made, no less slack, from no later a year, on the same asset for the same commodity."""
    assert dropped(BASE, other) == expected


def test_of_two_alike_one_stays():
    assert len(dropped(BASE, ("twin", *BASE[1:]))) == 1


def test_dearer_for_an_amount_somewhere_is_kept():
    """120 for 1.3 is more per amount than 100 for 1 at t, though not at s."""
    more = ("more", "g", "c", "w", 120.0, 50.0, 2027)
    costs = [("base", "s", 2027, 1.0), ("base", "t", 2027, 1.0), ("more", "s", 2027, 1.1), ("more", "t", 2027, 1.3)]
    assert dropped(BASE, more, costs=costs) == {}
    assert dropped(BASE, more, costs=[*costs[:3], ("more", "t", 2027, 1.2)]) == {"base": "more"}


def test_what_is_under_a_share_limit_stands_for_nothing():
    more = ("more", "g", "c", "big", 120.0, 50.0, 2027)
    assert dropped(BASE, more, shares=frame("commodity group max_share", ("c", "big", 0.5))) == {}
    assert dropped(BASE, more, shares=frame("commodity group max_share", ("c", "v", 0.5))) == {"base": "more"}


def test_nothing_to_drop():
    assert dominated(frame(ACTIVITIES), frame("activity place period objective"), NO_SHARES).empty


@pytest.mark.parametrize("seed", range(12))
def test_no_plan_is_the_worse_for_it(seed):
    """Random problems with three more configurations each, some of them needless."""
    base = tiny_problem(seed, ("cost_and_shortage",), (2, 2, 1))
    tables = dict(base.tables)
    more = tables["activities"].copy()
    more["activity"] += " again"
    more["output_per_unit"] *= 0.9 + 0.02 * (seed % 8)
    extra = tables["activity_costs"].assign(activity=tables["activity_costs"]["activity"] + " again")
    tables["activities"] = pd.concat([tables["activities"], more])
    tables["activity_costs"] = pd.concat([tables["activity_costs"], extra])
    full = Problem.of(tables)
    needless = set(dominated(full.table("activities"), full.table("activity_costs"), full.table("shares"))["activity"])
    assert needless
    pruned = Problem.of({
        **tables, "activities": full.table("activities").query("activity not in @needless"),
        "activity_costs": full.table("activity_costs").query("activity not in @needless"),
    })
    answers = [solve(p, Options(gap=0.0)).stages[0].objective for p in (full, pruned)]
    assert answers[0] == pytest.approx(answers[1], rel=1e-6)
