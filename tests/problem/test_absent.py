"""What a scenario does not use makes no rows: of all features off, and of each by itself."""

from collections import Counter

import pytest

from capacity.formulation import build_model
from capacity.problem import build_problem
from capacity.problem.tables import TABLES
from capacity.solving.compile import compile_model
from tests.support.random_scenarios import FEATURES, random_scenario

PLAIN = {
    "activities", "activity_costs", "asset_cells", "asset_uses", "assets", "assignments", "block_cells", "blocks",
    "demands", "goals", "openings", "periods", "places", "slices", "upkeep",
}
"""Tables of a scenario of classes, sites and accelerators alone."""
POWER = {"sources", "draws", "limits", "limit_terms"}
LINKS = {"links", "modules"}
BRINGS = {
    "budget carried over": {"limits", "limit_terms"}, "carbon and water": POWER, "clean power": POWER,
    "contract": {"limits", "limit_terms"}, "exports": {"limits", "limit_terms"}, "failures and ageing": {"ageing"},
    "goals in sequence": {"goal_terms"}, "halls": {"block_resources", "limits", "limit_terms"},
    "hour prices": {"sources", "draws", "block_draws"}, "idle power": {"sources", "draws", "idle_draws"},
    "joint supply": {"limits", "limit_terms"}, "least carbon": {"goal_terms"},
    "links of fixed ways": LINKS | {"open_loads", "serve_loads", "companions"},
    "links of free routing": LINKS | {"failures", "flow_terms", "flows", "companions"},
    "loss of a group": {"failures", "keeps"}, "loss of any site": {"failures"},
    "minimum order": {"orders", "order_terms"}, "most instances": {"limits", "limit_terms"}, "old stock": {"committed"},
    "on-site generation": POWER | {"source_blocks"}, "on-site storage": POWER | {"stores"},
    "opex budget": {"limits", "limit_terms"}, "owned site given up": {"block_upkeep", "holdings", "sales"},
    "packaging": {"limits", "limit_terms"}, "rent": {"rentals"}, "resale": {"resale"}, "reservations": {"reservations"},
    "small variant": {"shares"}, "stability": {"limits", "limit_terms", "moves"}, "training": {"training"},
    "vendor share": {"limits", "limit_terms"},
}
"""Tables that each feature adds; the others (a price, a year, a lead time) add none: they change numbers only."""


def filled(problem):
    return {name for name in TABLES if len(problem.table(name))}


def rules(problem):
    """{rule: number of its rows} of the compiled program."""
    return Counter(name.split("[")[0] for name in compile_model(build_model(problem)).row_names)


def test_with_every_feature_off(cat):
    """Two sites (one ready in 2028 only), two years, one accelerator, one class in two regions, whose demand of each
    year is a row; every other row follows from a table that is there."""
    problem = build_problem(random_scenario(7, set()), cat)
    assert filled(problem) == PLAIN
    years, demands = len(problem.table("periods")), len(problem.table("demands"))
    cells, ready = len(problem.table("asset_cells")), len(problem.table("block_cells"))
    assert demands == 2 * years
    counted = rules(problem)
    assert counted["every_demand_is_served_or_short"] == demands
    assert counted["buy_only_where_open"] == cells
    assert counted["build_only_where_open"] == ready
    assert set(counted) == {
        "a_place_opens_once", "an_open_place_stays_open", "a_vintage_only_shrinks", "blocks_carry_what_stands_in_them",
        "build_only_where_open", "buy_only_where_open", "every_demand_is_served_or_short", "grid_and_land_bound_blocks",
        "open_with_a_first_block", "serve_only_from_open_places",
        "serve_within_latency_what_is_made", "use_only_what_still_serves",
    }


@pytest.mark.parametrize("feature", sorted(FEATURES))
def test_a_feature_brings_its_own_tables_and_no_others(cat, feature):
    """Amounts are drawn, so that a table may be there for one seed or another; no other is for any."""
    own, seen = BRINGS.get(feature, set()), set()
    without = {"activity_costs"} if "sources" in own else set()
    for seed in (7, 8):
        found = filled(build_problem(random_scenario(seed, {feature}), cat))
        assert found - PLAIN <= own
        assert PLAIN - found <= without
        seen |= found - PLAIN
        if seen == own:
            return
    assert seen == own
