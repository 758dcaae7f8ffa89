"""What a plan says is whole, and the error of what is not."""

from dataclasses import replace

import pandas as pd

from capacity.plan.proof import wholeness


def test_copies_in_fractions_tell_what_rounding_up_would_take(plan):
    """2027: 100 of 8 is 12.5 copies (4 more), 24 of 8 is 3 (none): 4 of 200 are 2 %. 2028: 30 of 16 (2 more) of 400."""
    used = pd.DataFrame({"year": [2027, 2027, 2028], "copy_accelerators": [8.0, 8.0, 16.0],
                         "accelerators_used": [100.0, 24.0, 30.0]})
    fleet = pd.DataFrame({"year": [2027, 2027, 2028], "accelerators": [150.0, 50.0, 400.0]})
    told = wholeness(replace(plan, tables={**plan.tables, "sharding": used, "fleet": fleet}))
    assert told.startswith("Sites, phases, pods and link modules are whole. ")
    assert "at most 4 accelerators more in 2027, 2.0 % of those in service" in told


def test_without_copies_only_lumps_are_told(plan):
    empty = replace(plan, tables={**plan.tables, "sharding": plan.tables["sharding"].iloc[:0]})
    assert wholeness(empty) == "Sites, phases, pods and link modules are whole."


def test_what_the_tables_leave_in_fractions_is_named(plan):
    assets = plan.problem.table("assets").assign(integer=False)
    split = replace(plan, problem=replace(plan.problem, tables={**plan.problem.tables, "assets": assets}))
    name = sorted(assets["asset"].astype(str))[0]
    assert f"link modules are whole, but not pods {name}" in wholeness(split)
