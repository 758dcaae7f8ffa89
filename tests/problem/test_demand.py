"""Demand: split over regions, years and slices; weights; who is in reach."""

import pandas as pd
import pytest

from capacity.problem.demand import assignments, demands


def chat(**changes):
    base = {"output_tokens": "30k", "fresh_input_tokens": "10k", "context_mean": "8k", "ttft": "2 s", "tpot": "50 ms"}
    return {"chat": {**base, **changes}}


def test_split_and_growth_by_hand(world):
    """A million in 2027, two in 2028; three quarters in the USA; in thousands."""
    table, words = demands(world())
    got = table.set_index(["place", "period"])["amount"]
    assert got.to_dict() == pytest.approx({
        ("usa", 2027): 750, ("usa", 2028): 1500, ("eu", 2027): 250, ("eu", 2028): 500})
    assert words["amount"].tolist() == table["amount"].tolist()
    assert list(words.columns) == ["demand", "region", "service_class", "period", "slice", "amount"]
    assert table["demand"].is_unique


@pytest.mark.parametrize(("split", "field"), [("gdp", "gdp_busd"), ("population", "population_m")])
def test_split_by_size(world, split, field):
    asked = world(demand={"classes": {"chat": {"start": "1 million", "end": "2 million"}}, "split": split})
    table, _ = demands(asked)
    sizes = {r.id: getattr(r, field) for r in asked.regions}
    got = table[table["period"] == 2027].set_index("place")["amount"]
    assert got.sum() == pytest.approx(1000)
    assert got["usa"] / got["eu"] == pytest.approx(sizes["usa"] / sizes["eu"])


def test_around_the_clock_is_asked_for_in_every_slice(world):
    table, _ = demands(world(time_slices=3))
    assert table.groupby(["place", "period"]).size().tolist() == [3] * 4
    assert table.groupby("period")["amount"].sum().to_dict() == pytest.approx({2027: 3000, 2028: 6000})


def test_a_working_day_is_asked_for_where_it_is_day(world):
    """9 to 17 in the USA (UTC-6) is 15 to 23 UTC, in the EU (UTC+1) 8 to 16: slices of 8 h from some hour on."""
    asked = world(time_slices=3, classes=chat(duty={"start": 9, "hours": 8}))
    table, _ = demands(asked)
    starts = dict(zip(asked.slices["slice"], asked.slices["start_utc_h"], strict=True))
    for place, offset in (("usa", -6), ("eu", asked.regions[1].utc_offset_h)):
        busy = {starts[s] for s in table[table["place"] == place]["slice"]}
        day = {(9 - offset + minute / 60) % 24 for minute in range(1, 480)}
        expected = {s for s in starts.values() if any((d - s) % 24 < 8 for d in day)}
        assert busy == expected
    assert (table["amount"] > 0).all()


def test_no_demand_makes_no_rows(world):
    table, _ = demands(world(demand={"classes": {"chat": {"by_year": {2027: 0, 2028: 5}}}, "split": {"usa": 1.0}}))
    assert table[["place", "period"]].to_numpy().tolist() == [["usa", 2028]]


def test_a_years_shortage_counts_in_per_cent(world):
    """All of a year unserved is 100 times the year's weight, whatever the year's size; per slice by its hours."""
    goal = {"kind": "least_shortage_then_cost", "year_weights": {2028: 3.0}}
    asked = world(goal=goal, time_slices=2)
    table, _ = demands(asked)
    hours = table["slice"].map(asked.slices.set_index("slice")["hours"]) / 8766
    full = (table["amount"] * table["weight"] * hours).groupby(table["period"]).sum()
    assert full.to_dict() == pytest.approx({2027: 100, 2028: 300})


def test_or_in_thousand_instances(world):
    table, _ = demands(world(goal={"kind": "least_shortage_then_cost", "counted": "instances"}))
    assert set(table["weight"]) == {1.0}
    table, _ = demands(world(goal={"kind": "most_instances"}))
    assert set(table["weight"]) == {1.0}


def test_the_price_of_shortage_by_hand(world):
    """50 USD x 8766 h x 1000 instances in millions; a year later 0.8 of it; split over the slices."""
    goal = {"kind": "least_cost", "shortage_price": 50.0}
    table, _ = demands(world(goal=goal))
    prices = table.groupby("period")["shortage_price"].first()
    assert prices.to_dict() == pytest.approx({2027: 438.3, 2028: 350.64})
    split, _ = demands(world(goal=goal, time_slices=2))
    assert split.groupby("period")["shortage_price"].first().to_dict() == pytest.approx({2027: 219.15, 2028: 175.32})


def test_shortage_at_the_wage_of_the_region(world):
    asked = world(goal={"kind": "least_cost", "shortage_price": "wage"})
    table, _ = demands(asked)
    wages = {r.id: r.wage_usd_h for r in asked.regions}
    got = table[table["period"] == 2027].set_index("place")["shortage_price"]
    assert got.to_dict() == pytest.approx({r: w * 8.766 for r, w in wages.items()})


def reach(asked, slack_s):
    table, _ = demands(asked)
    offered = pd.DataFrame({"service_class": ["chat"] * len(slack_s), "rtt_slack_s": slack_s})
    made, trips = assignments(asked, table, offered)
    return made, trips.set_index(["source", "target"])["rtt_ms"]


def test_only_what_some_configuration_bears_is_assigned(world):
    """Abilene - USA 47 ms, Hamina - EU 49, across the ocean 133 and 153: 100 ms of slack reach only the near ones."""
    made, trips = reach(world(), [0.05, 0.1])
    pairs = {(d.split(" | ")[0], p) for d, p in zip(made["demand"], made["place"], strict=True)}
    assert pairs == {("usa", "abilene"), ("eu", "hamina")}
    assert {trips[pair] for pair in pairs} == set(made["rtt"])
    made, _ = reach(world(), [2.0])
    assert len(made) == 8
    made, _ = reach(world(), [0.001])
    assert made.empty


def test_the_hard_limit_of_a_class(world):
    made, _ = reach(world(classes=chat(max_rtt="100 ms")), [2.0])
    assert made["rtt"].max() <= 100
    assert len(made) == 4
