"""Scenario and catalogue to Problem: what a dollar belongs to, what the goal is, and what cannot be planned at all."""

import numpy as np
import pytest

from capacity.errors import InfeasibleError, InputError
from capacity.problem import TABLES, build_problem
from tests.support.scenarios import BASE, scenario

CHAT = BASE["classes"]["chat"]
EVERYTHING = {
    "years": {"first": 2027, "last": 2029}, "time_slices": 2,
    "sites": {"abilene": {"existing": 25}, "hamina": None, "singapore": None},
    "accelerators": {"h200-sxm": {"price": 30000.0}, "mi300x": {"price": 20000.0, "last": 2030}},
    "existing": [{"site": "abilene", "accelerator": "h100-sxm", "count": 1500, "entered": 2026}],
    "rentals": [{"accelerator": "h200-sxm", "site": "hamina", "price": 2.5, "max_count": 3000}],
    "variants": {
        "v": {"model": "gpt-oss-120b", "weights": "fp4", "equivalence": {"chat": 1.0}, "max_share": {"chat": 0.9}},
        "w": {"model": "gpt-oss-20b", "weights": "fp4", "equivalence": {"chat": 0.3}},
    },
    "money__merge": {"capex_budget": {2027: 1e9}, "general_inflation": 0.02, "build_cost_growth": 1.05},
}


@pytest.fixture(scope="module")
def full(cat):
    return build_problem(scenario(**EVERYTHING), cat)


BY_HAND_ONLY = {"activity_uses", "flows", "flow_sinks", "arc_costs"}
"""Tables that no scenario fills."""
OPTIONAL = {
    "goal_terms", "training", "keeps", "companions",
    "block_resources", "holdings", "block_upkeep", "ageing", "resale", "reservations", "orders", "order_terms",
    "sales", "sources", "source_blocks", "draws", "idle_draws", "block_draws", "stores", "moves",
    "flow_terms", "paths", "path_links", "assignment_paths", "needs", "shipments", "hoses", "failures",
}
"""Tables of features that other tests turn on one by one (tests/test_options_by_hand.py; links in tests/problem)."""


def test_every_table_that_can_be_used_is(full):
    assert {name for name in TABLES if not full.table(name).empty} == set(TABLES) - BY_HAND_ONLY - OPTIONAL


@pytest.mark.parametrize(("variable", "table", "keys", "columns"), [
    ("open", "openings", ["place", "period"], ["place", "period"]),
    ("built", "block_cells", ["place", "item", "period"], ["place", "block", "period"]),
    ("bought", "asset_cells", ["place", "item", "period"], ["place", "asset", "vintage"]),
    ("alive", "upkeep", ["place", "item", "period2"], ["place", "asset", "period"]),
    ("rent", "rentals", ["place", "item", "period"], ["place", "asset", "period"]),
    ("use", "activity_costs", ["place", "item", "period"], ["place", "activity", "period"]),
    ("modules", "modules", ["place", "item", "period"], ["link", "module", "period"]),
])
def test_the_objective_of_each_variable_is_the_sum_of_its_cost_rows(full, variable, table, keys, columns):
    rows = full.words["costs"]
    rows = rows[rows["variable"] == variable]
    if variable == "alive":  # the same for every vintage in service
        rows = rows.groupby([*keys, "period"], as_index=False)["objective"].sum().drop_duplicates([*keys, "objective"])
    summed = rows.groupby(keys)["objective"].sum()
    stated = full.table(table).set_index(columns)["objective"]
    shared = stated.loc[[key for key in stated.index if key in summed.index]]
    assert len(shared) == len(summed) > 0
    assert summed.loc[list(shared.index)].tolist() == pytest.approx(shared.tolist(), rel=1e-9)


def test_every_dollar_has_a_topic_a_kind_and_a_year_of_the_horizon(full):
    rows = full.words["costs"]
    assert set(rows["kind"]) == {"capex", "opex"}
    assert rows.groupby("kind")["topic"].unique().map(set).to_dict() == {
        "capex": {"opening", "shell", "accelerators", "fabric"},
        "opex": {"shell upkeep", "upkeep", "rental", "links", "energy"},
    }
    assert rows["year"].between(2027, 2029).all()
    assert np.isfinite(rows[["cash", "objective"]].to_numpy(dtype=float)).all()
    assert (rows["cash"] >= 0).all()
    key = ["variable", "place", "item", "period", "period2", "slice", "topic", "year"]
    assert not rows.duplicated(key).any()


def test_capex_is_paid_in_the_year_of_entering_service(full):
    rows = full.words["costs"]
    capex = rows[rows["kind"] == "capex"]
    assert (capex["year"] == capex["period"]).all()


def test_a_pods_price_is_chips_and_fabric(full):
    """Cash and objective are split alike, and the chips of an H200 pod of 1000 cost 30 million."""
    rows = full.words["costs"]
    bought = rows[rows["variable"] == "bought"]
    key = ["place", "item", "period"]
    cash, charged = (bought.pivot(index=key, columns="topic", values=column) for column in ("cash", "objective"))
    shares = [t.div(t.sum(axis=1), axis=0)["fabric"].tolist() for t in (cash, charged)]
    assert shares[0] == pytest.approx(shares[1])
    assert cash.xs("h200-sxm", level="item")["accelerators"].tolist() == pytest.approx([30] * 8)
    assert (cash["fabric"] > 0).all()


def test_lead_times_bound_every_purchase(full):
    """Abilene has power already; Hamina comes in 2028, Singapore in 2027: nothing is bought or built before."""
    first = full.table("asset_cells").groupby("place")["vintage"].min().to_dict()
    assert first == {"abilene": 2027, "hamina": 2028, "singapore": 2027}
    assert full.table("block_cells").groupby("place")["period"].min().to_dict() == first
    assert set(full.table("openings")["place"]) == {"hamina", "singapore"}


@pytest.mark.parametrize(("kind", "goals"), [
    ("least_shortage_then_cost", ["shortage", "cost"]), ("least_cost", ["cost_and_shortage"]),
    ("most_instances", ["served", "cost"]), ("most_surplus", ["surplus"]),
    ("least_carbon", ["shortage", "carbon", "cost"]), ("least_worst_shortage", ["worst_shortage", "shortage", "cost"]),
])
def test_goals(cat, kind, goals):
    problem = build_problem(scenario(goal={"kind": kind}), cat)
    assert problem.table("goals")["goal"].tolist() == goals
    assert problem.table("goals")["order"].tolist() == list(range(1, len(goals) + 1))


def test_a_sequence_of_goals_replaces_the_kind(cat):
    steps = [{"goal": "carbon", "give_up": "10 %"}, {"goal": "cost"}]
    problem = build_problem(scenario(goal={"sequence": steps}), cat)
    assert problem.table("goals").to_dict("list") == {"order": [1, 2], "goal": ["carbon", "cost"],
                                                      "tolerance": [0.1, 0.0]}


def test_the_words_speak_of_the_same_things(full):
    words = full.words
    used, needless = set(full.table("activities")["activity"]), set(words["dominated"]["activity"])
    assert set(words["serving"]["activity"]) == used | needless
    assert not used & needless
    assert set(words["dominated"]["by"]) <= used | needless
    assert set(words["pods"]["pod"]) == set(full.table("assets")["asset"])
    assert set(words["sites"]["site"]) | set(words["regions"]["region"]) == set(full.table("places")["place"])
    assert set(words["demand"]["demand"]) == set(full.table("demands")["demand"])
    assert set(words["links"]["link"]) == set(full.table("links")["link"])
    assert set(words["assumptions"].columns) == {"what", "value", "unit", "confidence", "source"}
    assert set(words["assumptions"]["confidence"]) <= {"published", "derived", "estimate"}


def test_the_same_scenario_gives_the_same_problem(full, cat):
    again = build_problem(scenario(**EVERYTHING), cat)
    assert all(again.table(name).equals(full.table(name)) for name in TABLES)


def test_nothing_fits_in_memory(cat):
    """GPT-3 in fp16, 350 GB, on one H200."""
    huge = {"v": {"model": "gpt3-davinci", "weights": "fp16", "kv": "fp16", "equivalence": {"chat": 1.0}}}
    asked = scenario(variants=huge, serving={"max_accelerators_per_copy": 1})
    with pytest.raises(InfeasibleError, match=r"no serving configuration .* not fit in memory: .* \(1 of 1 cells\)"):
        build_problem(asked, cat)


def test_nothing_is_fast_enough(cat):
    with pytest.raises(InfeasibleError, match="no serving configuration meets the service classes"):
        build_problem(scenario(classes={"chat": {**CHAT, "tpot": "0.01 ms"}}), cat)


def test_what_must_be_served_is_out_of_reach(cat):
    asked = scenario(
        demand={**BASE["demand"], "must_serve": True}, sites={"hamina": None},
        classes={"chat": {**CHAT, "max_rtt": "100 ms"}},
    )
    with pytest.raises(InfeasibleError, match="region usa, class chat: no site is near enough"):
        build_problem(asked, cat)


def test_out_of_reach_is_a_shortage_where_it_may_be_short(cat):
    asked = scenario(sites={"hamina": None}, classes={"chat": {**CHAT, "max_rtt": "10 ms"}})
    assert build_problem(asked, cat).table("assignments").empty
    both = scenario(classes={"chat": {**CHAT, "max_rtt": "10 ms"}})
    assert build_problem(both, cat).table("serve_loads").empty


def test_no_demand_is_refused(cat):
    with pytest.raises(InputError, match="scenario round: no demand in 2027-2028"):
        build_problem(scenario(demand={"classes": {"chat": {"by_year": {2027: 0}}}}), cat)


def test_a_site_that_is_not_in_the_catalogue(cat):
    with pytest.raises(InputError, match=r"`abilen`.*abilene"):
        build_problem(scenario(sites={"abilen": None}), cat)


def test_periods_know_their_discount_so_that_annual_costs_are_nominal(full):
    """At 25 % a year a dollar of 2028 is worth 0.8, of 2029 0.64: energy's annual cost is what is paid in the year."""
    assert full.table("periods")["discount"].tolist() == pytest.approx([1, 0.8, 0.64])
