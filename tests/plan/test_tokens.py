"""Tokens, work-years and API prices of the paper plan, by hand.

The class writes 30k tokens an hour, reads 10k fresh and 100k cached, at twice a person's speed, in two branches.
An instance-hour: 30k x 2 x 2 = 120k tokens out, 20k fresh, 200k cached. 2028: 8000 instances x 8000 h = 64 M hours.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from capacity.catalogue import load_catalogue
from capacity.plan import assemble
from capacity.plan.proof import goal_unit, proofs
from capacity.plan.tokens import token_prices, worth_by_year
from capacity.scenario.schema import Scenario

WORK_HOURS = 1765


def asked(**goal):
    return Scenario.model_validate({
        "name": "paper", "years": {"first": 2027, "last": 2028}, "goal": goal,
        "classes": {"think": {
            "output_tokens": "30k", "fresh_input_tokens": "10k", "cached_input_tokens": "100k", "context_mean": "32k",
            "ttft": "2 s", "tpot": "50 ms", "speed": 2, "branches": 2,
        }},
        "variants": {"m": {"model": "gpt-oss-120b", "equivalence": {"think": 1.0}}},
        "demand": {"classes": {"think": {"start": 4000, "end": 10000}}}, "regions": ["usa"], "sites": {"abilene": None},
        "accelerators": {"h100-sxm": None},
    })


def worth(problem, values, scenario):
    return worth_by_year(problem, values, scenario, load_catalogue()).set_index("year")


def test_tokens_and_work_years_by_hand(problem, values):
    found = worth(problem, values, asked())
    assert found["output_tokens"][2028] == pytest.approx(64e6 * 120e3)
    assert found["work_years"][2028] == pytest.approx(64e6 * 2 / WORK_HOURS)


def test_a_variant_worth_less_writes_more_tokens(problem, values):
    serving = problem.words["serving"].assign(equivalence=0.4)
    weak = replace(problem, words={**problem.words, "serving": serving})
    found = worth(weak, values, asked())
    assert found["output_tokens"][2028] == pytest.approx(64e6 * 120e3 / 0.4)
    assert found["work_years"][2028] == pytest.approx(64e6 * 2 / WORK_HOURS)


def test_tokens_are_unknown_without_a_scenario(plan):
    schedule = plan.tables["schedule"]
    assert schedule["output_tokens"].isna().all()
    assert schedule["usd_per_million_output_tokens"].isna().all()
    assert schedule["work_years"].iloc[1] == pytest.approx(64e6 / WORK_HOURS)


def test_cost_per_million_tokens(problem, solution):
    plan = assemble(asked(), problem, solution)
    assert plan.tables["schedule"]["usd_per_million_output_tokens"].iloc[1] == pytest.approx(114e6 / (64e6 * 0.12))
    assert plan.summary["years"][1]["usd_per_million_output_tokens"] == pytest.approx(114 / (64 * 0.12))


def test_api_prices_by_hand():
    """gpt-5, August 2025: $1.25 fresh, $0.125 cached, $10 out per million tokens."""
    rows = token_prices(asked(), load_catalogue()).set_index("model")
    assert rows.loc["gpt-5", "usd_per_instance_hour"] == pytest.approx(0.12 * 10 + 0.02 * 1.25 + 0.2 * 0.125)
    assert rows.loc["gpt-5", "usd_per_million_output_tokens"] == pytest.approx(1.25 / 0.12)
    assert "davinci (GPT-3 175B)" not in rows.index
    assert rows["usd_per_instance_hour"].is_monotonic_increasing


def test_a_plan_of_the_past_is_compared_with_prices_of_its_time():
    past = asked().model_copy(update={"years": asked().years.model_copy(update={"first": 2021, "last": 2023})})
    rows = token_prices(past, load_catalogue()).set_index("model")
    assert "davinci (GPT-3 175B)" in rows.index
    assert "gpt-4 8k" not in rows.index
    assert rows.loc["davinci (GPT-3 175B)", "cached_input_usd_per_mtok"] == 60


@pytest.mark.parametrize(("name", "goal", "unit"), [
    ("shortage", {}, "% of a year's demand, summed over years"),
    ("shortage", {"counted": "instances"}, "thousand instance-years"),
    ("shortage", {"year_weights": {2027: 2.0}}, "% of a year's demand, summed over years, weighted"),
    ("served", {"kind": "most_instances"}, "thousand instance-years"),
    ("cost", {}, "million USD, discounted"), ("surplus", {}, "million USD, discounted"),
    ("worst_shortage", {}, "% of a year's demand"), ("carbon", {}, "kt CO2, summed over years"),
])
def test_the_unit_of_each_goal(name, goal, unit):
    assert goal_unit(name, asked(**goal)) == unit


def test_what_is_maximised_is_told_positive(plan):
    stages = pd.DataFrame([{"order": 1, "goal": "served", "objective": -5.0, "bound": -6.0, "gap": 0.2, "seconds": 1.0,
                            "status": "time_limit"}])
    proof = proofs(replace(plan, stages=stages))[0]
    assert (proof.goal, proof.reached, proof.bound, proof.ended) == ("most served", "5", "6", "time limit")


def test_a_goal_that_time_did_not_reach_has_no_bound(plan):
    stages = pd.DataFrame([{"order": 2, "goal": "cost", "objective": 5.0, "bound": -np.inf, "gap": np.inf,
                            "seconds": 0.0, "status": "time_limit"}])
    proof = proofs(replace(plan, stages=stages))[0]
    assert (proof.reached, proof.bound, proof.gap) == ("5", "–", "–")
