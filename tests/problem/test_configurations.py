"""Serving configurations: those worth offering, what they make and use, and why a cell has none."""

import numpy as np
import pandas as pd
import pytest

from capacity.problem.configurations import (
    _few,
    activities,
    configurations,
    nothing_fits,
    running_costs,
    shares,
)
from capacity.problem.pods import pods
from capacity.serving import FRONTIER_COLUMNS
from tests.support.scenarios import BASE

FAR_S = 0.2


def plans(*rows):
    """A frontier by hand: instances per accelerator, slack (s), watts per accelerator, accelerators."""
    table = pd.DataFrame(0.0, index=range(len(rows)), columns=list(FRONTIER_COLUMNS))
    columns = ["instances_per_accelerator", "rtt_slack_s", "power_w_per_accelerator", "accelerators"]
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        table[column] = [float(v) for v in values]
    return table


def kept(table, count, far_s=FAR_S):
    return _few(table, count, np.array([0.0, far_s]))["instances_per_accelerator"].tolist()


def test_the_most_instances_and_the_farthest_reach():
    """100 with no slack, 80 that reach everywhere, 90 in between."""
    table = plans((100, 0.01, 100, 8), (90, 0.1, 100, 8), (80, 0.3, 100, 8))
    assert kept(table, 1) == [100]
    assert kept(table, 2) == [100, 80]


def test_slack_beyond_the_farthest_region_is_worth_nothing():
    table = plans((100, 0.25, 100, 8), (80, 0.5, 100, 8))
    assert kept(table, 2) == [100]


def test_among_nearly_equals_the_smallest_copy():
    assert kept(plans((100, 0.3, 100, 64), (99.5, 0.3, 100, 8), (98, 0.3, 100, 4)), 1) == [99.5]


def test_the_least_power_for_an_instance_is_the_third_choice():
    table = plans((100, 0.01, 100, 8), (80, 0.3, 100, 8), (60, 0.1, 30, 8))
    assert kept(table, 2) == [100, 80]
    assert kept(table, 3) == [100, 80, 60]


def offered(asked):
    return configurations(asked, pods(asked), np.array([0.0, FAR_S]))


def test_what_is_offered_and_what_is_refused(world):
    """GPT-3 in fp16 needs more than the 2 x 141 GB that a copy may take here; gpt-oss-120b in fp4 fits one."""
    factor = {"low": 0.2, "mid": 0.5, "high": 1}
    asked = world(
        variants={
            "small": {"model": "gpt-oss-120b", "weights": "fp4", "equivalence": {"chat": factor}},
            "big": {"model": "gpt3-davinci", "weights": "fp16", "kv": "fp16", "equivalence": {"chat": 1.0}},
        },
        serving={"plans_per_cell": 2, "max_accelerators_per_copy": 2},
    )
    made, refused = offered(asked)
    assert set(made["variant"]) == {"small"}
    assert set(made["equivalence"]) == {0.5}
    assert made["activity"].is_unique
    assert made["activity"].iloc[0] == "chat | small | h200-sxm | 1"
    assert (made["accelerators"] <= 2).all()
    assert (made["tpot_s"] <= 0.05).all()
    assert (made["ttft_s"] <= 2).all()
    assert refused[["service_class", "variant", "pod"]].to_numpy().tolist() == [["chat", "big", "h200-sxm"]]
    assert "does not fit in memory" in refused["reason"].iloc[0]


def test_activities_by_hand(world):
    made = pd.DataFrame({
        "activity": ["x"], "pod": ["g"], "service_class": ["chat"], "variant": ["v"],
        "instances_per_accelerator": [200.0], "equivalence": [0.5], "rtt_slack_s": [0.125], "first": [2029],
    })
    got = activities(world(), made, FAR_S).to_dict("records")
    assert got == [{
        "activity": "x", "asset": "g", "commodity": "chat", "group": "v", "output_per_unit": 100.0, "slack": 125.0,
        "first": 2029}]


def test_slack_counts_as_far_as_anyone_is_and_years_from_the_first(world):
    made = pd.DataFrame({
        "activity": ["x"], "pod": ["g"], "service_class": ["chat"], "variant": ["v"],
        "instances_per_accelerator": [200.0], "equivalence": [0.5], "rtt_slack_s": [3.0], "first": [2020],
    })
    (far,) = activities(world(), made, FAR_S).to_dict("records")
    assert (far["slack"], far["first"]) == (pytest.approx(200), 2027)
    near = {"chat": {**BASE["classes"]["chat"], "max_rtt": "80 ms"}}
    (limited,) = activities(world(classes=near), made, FAR_S).to_dict("records")
    assert limited["slack"] == pytest.approx(80)


def test_running_costs_by_hand(world):
    """1000 W x PUE 1.2 x 8766 h x a thousand: 10519.2 MWh, at 5 cents 0.52596 million; with 400 g and 100 USD a tonne
    0.420768 more. Prices grow 2 % from 2026."""
    money = {"price_year": 2026, "power_price_growth": 1.02, "carbon_price": 100.0}
    asked = world(sites={"abilene": None}, money__merge=money)
    made = running_costs(asked, pd.DataFrame({"activity": ["x"], "power_w_per_accelerator": [1000.0], "first": [2027]}))
    made = made.set_index("period")
    assert made["mwh"].tolist() == pytest.approx([10519.2, 10519.2])
    assert made["tonnes"].tolist() == pytest.approx([4207.68, 4207.68])
    assert made["cash"].tolist() == pytest.approx([0.52596 * 1.02 + 0.420768, 0.52596 * 1.02**2 + 0.420768])
    assert made["objective"].tolist() == pytest.approx([made.loc[2027, "cash"], 0.8 * made.loc[2028, "cash"]])


def test_no_cost_before_a_variant_can_be_served(world):
    plan = pd.DataFrame({"activity": ["x"], "power_w_per_accelerator": [1000.0], "first": [2028]})
    assert set(running_costs(world(), plan)["period"]) == {2028}


def test_shares_below_one_only(world):
    variant = {"model": "gpt-oss-120b", "equivalence": {"chat": 1.0}}
    asked = world(variants={"a": {**variant, "max_share": {"chat": 0.3}}, "b": {**variant, "max_share": {"chat": 1.0}}})
    assert shares(asked).to_dict("records") == [{"commodity": "chat", "group": "a", "max_share": 0.3}]


def test_why_nothing_fits():
    refused = pd.DataFrame({"reason": ["too large", "too slow", "too large"]})
    assert nothing_fits(refused).endswith("too large (2 of 3 cells); too slow (1 of 3 cells)")
