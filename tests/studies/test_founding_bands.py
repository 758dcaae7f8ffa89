"""Arguments of the founding question at their middle values: arithmetic by hand exactly, what is modelled in bands."""

import math

import numpy as np
import pytest

from capacity.catalogue import load_catalogue
from capacity.studies.founding import Facts, named


@pytest.fixture(scope="module")
def facts():
    return Facts(load_catalogue())


def found(facts, name):
    argument = named(name)
    outcome = argument.compute(facts, {given.name: given.mid for given in argument.inputs(facts)})
    return outcome, {figure.words: figure.value for figure in outcome.figures}


def test_a_sweep_of_memory_is_memory_over_bandwidth(facts):
    """32 GB at 900 GB/s take 35.6 ms, and two seconds over 16 GB/s of PCIe."""
    outcome, told = found(facts, "sweep")
    assert told["sweep of all memory, V100"] == pytest.approx(32 / 900 * 1000)
    table = outcome.tables["sweep"].set_index("accelerator")
    assert table.loc["v100-sxm2-32", "sweep_over_host_link_s"] == pytest.approx(32 / 16)
    by_hand = 1000 * table["memory_gb"] / table["bandwidth_gb_s"]
    assert table["sweep_ms"].to_numpy() == pytest.approx(by_hand.to_numpy())
    assert 1.2 < told["growth of bandwidth"] < 1.7
    assert outcome.held == (False, True, True)


def test_accelerators_that_hold_gpt3(facts):
    """350 GB at 16 bits on V100 of 32 GiB: eleven; a copy that serves takes a few more, and soon one node does."""
    outcome, told = found(facts, "fit")
    assert told["V100 that hold the weights"] == 11
    assert 11 <= told["V100 of a copy that serves"] <= 16
    table = outcome.tables["least accelerators of a copy"].set_index("accelerator")
    assert table.loc["a100-sxm-80", "gpt3_at_16_bits"] <= 8
    assert (table["gpt3_at_its_narrowest"] <= table["gpt3_at_16_bits"]).all()
    assert math.isnan(table.loc["v100-sxm2-32", "gpt3x1000"])
    racks = table.loc["gb300-nvl72"]
    assert racks["domains_of_gpt3x1000"] == pytest.approx(racks["gpt3x1000"] / 72)
    assert 3 <= told["scale-up domains of a 1000x copy"] <= 12
    assert outcome.held == (False, True)


def test_a_price_is_training_serving_and_margin(facts):
    outcome, told = found(facts, "price")
    table = outcome.tables["price"].set_index("copies")
    parts = table[["share_of_training", "share_of_serving", "share_of_margin"]]
    assert parts.sum(axis=1).to_numpy() == pytest.approx(np.ones(len(table)))
    assert (table["training_usd_per_mtok"] * table.index).to_numpy() == pytest.approx(
        np.full(len(table), table["training_usd_per_mtok"].iloc[0]))
    even = told["copies at which training costs as much as serving"]
    assert even == pytest.approx(table["training_usd_per_mtok"].iloc[0] / table["serving_usd_per_mtok"].iloc[0])
    assert 20 < even < 500
    assert 0.1 < told["serving"] < 2
    assert 3e6 < told["training, research included"] < 1e8
    assert outcome.held == (True, False)


def test_what_trained_can_serve(facts):
    """10,000 V100 in copies of 64; streams of thought on release day in the ten thousands to millions."""
    outcome, told = found(facts, "overhang")
    table = outcome.tables["release day"].set_index("model")
    assert table.loc["gpt3-davinci", "accelerators"] == 10_000
    assert 50 < table.loc["gpt3-davinci", "copies"] <= 10_000 / 12
    assert 5e3 < told["streams of thought on release day, least"] < 3e5
    assert 1e5 < told["streams of thought on release day, most"] < 1e7
    assert told["streams of thought on release day, most"] == table["human_equivalents"].max()
    assert outcome.held == (False, True, True)


def test_depth_costs_latency_and_width_does_not(facts):
    outcome, told = found(facts, "brains")
    table = outcome.tables["shape"]
    assert (table["token_ms"].diff().dropna() > 0).all()
    assert (table["width_of_model"].diff().dropna() < 0).all()
    same = table["layers"] * table["width_of_model"].astype(float) ** 2  # parameters but for a factor
    assert (same / same.iloc[0]).between(0.8, 1.25).all()
    ratio = table["token_ms"].iloc[-1] / table["token_ms"].iloc[0]
    assert told["latency, deepest against shallowest"] == pytest.approx(ratio)
    assert 10 < ratio < 100
    assert outcome.held == (True, False)


def test_prices_over_the_cost_of_owning(facts):
    outcome, told = found(facts, "competition")
    table = outcome.tables["margin"]
    by_hand = table["asked_usd_per_mtok"] / table["owner_usd_per_mtok"]
    assert table["times"].to_numpy() == pytest.approx(by_hand.to_numpy())
    medians = table.groupby("year")["times"].median()
    early, late = (told[f"price over the cost of owning, median of {year}"] for year in (2022, 2025))
    assert (early, late) == (pytest.approx(medians[2022]), pytest.approx(medians[2025]))
    assert 10 < early < 80
    assert 2 < late < 12
    assert outcome.held == (True, False)


def test_costs_race_models(facts):
    outcome, told = found(facts, "race")
    hour = outcome.tables["hour"].set_index("year")
    fall = told["fall of cost by hardware"]
    assert 1.1 < fall < 1.6
    assert (hour["hardware alone"].shift() / hour["hardware alone"]).dropna().to_numpy() == pytest.approx(fall)
    assert (hour["hardware, models growing"].loc[:2026].diff().dropna() > 0).all()
    frontier = told["fall of the frontier's cost"]
    assert 1.1 < frontier < 2
    assert hour["all three"].loc[2020] / hour["all three"].loc[2021] == pytest.approx(frontier)
    wages = outcome.tables["below the wage"]
    assert told["regions whose wage a model of unchanging ability passes by 2040"] == (
        wages["hardware and algorithms"] <= 2040).sum() == len(wages)
    for _, row in wages.iterrows():
        below = hour.index[hour["hardware alone"] <= row["wage_usd_h"]]
        assert row["hardware alone"] == (below[0] if len(below) else pytest.approx(float("nan"), nan_ok=True))
    assert outcome.held == (True, False, True, True)


def test_consumer_cards_serve_and_phones_do_not(facts):
    outcome, told = found(facts, "consumer")
    table = outcome.tables["devices"].set_index("device")
    assert told["phones of 2025 that hold GPT-3"] == table.loc["phone of 2025", "devices_to_hold_gpt3"] == 7
    assert table.loc["GeForce RTX 4090", "devices_to_hold_gpt3"] == 4
    assert 0.03 < told["token of GPT-3 in a box of eight cards"] < 0.3
    assert told["token of GPT-3 in a box of eight cards"] == pytest.approx(
        table.loc["GeForce RTX 4090", f"tpot_s_in_a_box_of_{8}"])
    assert 3e-4 < told["gamers' cards against the datacentre stock"] < 0.1
    assert outcome.held == (True, False, True)
