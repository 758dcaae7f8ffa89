"""Links: candidates, what the plan's traffic puts on them, what a wave costs."""

import math

import pandas as pd
import pytest

from capacity.problem.demand import demands
from capacity.problem.wan import links
from capacity.serving import kv_bytes, weight_bytes

SITES = {"abilene": None, "hamina": None, "singapore": None}


def made(asked):
    table, _ = demands(asked)
    everywhere = pd.DataFrame({"place": [s.id for s in asked.sites], "rtt": 1.0})
    assigned = table[["demand"]].merge(everywhere, how="cross")
    return links(asked, table, assigned)


def test_no_links_without_two_sites_or_when_left_out(world):
    for asked in (world(sites={"abilene": None}), world(links={"include": False})):
        tables, words = made(asked)
        assert tables == {}
        assert words.empty


def test_session_state_by_hand(world):
    """A tenth of an instance's state an hour: bytes x 8 bits x 1000 instances / 3600 s, in Gb/s."""
    asked = world(links={"sync_share": 0.1})
    tables, words = made(asked)
    state = kv_bytes(asked.catalogue.model("gpt-oss-120b"), "fp8", 8000)
    assert tables["serve_loads"]["load"].tolist() == pytest.approx([0.1 * state * 8 * 1000 / 3600 / 1e9] * 8)
    assert set(tables["serve_loads"]["link"]) == {"abilene--hamina"}
    assert words["link"].tolist() == ["abilene--hamina"]


def test_the_largest_state_of_the_variants_counts(world):
    both = {
        "a": {"model": "gpt-oss-120b", "weights": "fp4", "equivalence": {"chat": 1.0}},
        "b": {"model": "gpt3-davinci", "weights": "fp8", "equivalence": {"chat": 1.0}},
    }
    more, _ = made(world(variants=both))
    less, _ = made(world())
    cards = world().catalogue
    ratio = kv_bytes(cards.model("gpt3-davinci"), "fp8", 8000) / kv_bytes(cards.model("gpt-oss-120b"), "fp8", 8000)
    assert more["serve_loads"]["load"].iloc[0] / less["serve_loads"]["load"].iloc[0] == pytest.approx(ratio)


def test_new_weights_by_hand(world):
    """Weights x 8 bits in two hours, from the hub over every link of the route to each other site."""
    asked = world(sites=SITES, links={"update_hours": 2})
    tables, words = made(asked)
    gbps = weight_bytes(asked.catalogue.model("gpt-oss-120b"), "fp4") * 8 / 7200 / 1e9
    loads = tables["open_loads"]
    assert loads["load"].tolist() == pytest.approx([gbps] * len(loads))
    assert loads.groupby("place").size().to_dict() == dict.fromkeys(loads["place"].unique(), 2)
    assert loads["place"].nunique() == 2
    assert set(loads["link"]) <= set(words["link"])


def test_no_traffic_of_what_is_switched_off(world):
    tables, _ = made(world(links={"sync_share": 0.0}))
    assert tables["serve_loads"].empty
    tables, _ = made(world(links={"model_updates_per_year": 0}))
    assert tables["open_loads"].empty


def test_a_variant_loads_the_links_from_its_first_year(world):
    late = {"v": {"model": "gpt-oss-120b", "weights": "fp4", "equivalence": {"chat": 1.0}, "available": 2028}}
    tables, _ = made(world(variants=late))
    assert tables["open_loads"].groupby("period")["load"].max()[2027] == 0
    assert tables["open_loads"].groupby("period")["load"].max()[2028] > 0


def test_a_wave_by_hand(world):
    """Its yearly price at the fall of prices until the year of lighting, for the years it is lit inside the horizon."""
    wave = {"module": "100 Gb/s", "life": 2}
    asked = world(years={"first": 2027, "last": 2029}, links=wave, money__merge={"price_year": 2026})
    tables, words = made(asked)
    fall = 1 - asked.catalogue.constant("wavelength_price_decline")
    yearly = words["usd_per_gbps_year"].iloc[0] * 100 / 1e6
    waves = tables["modules"].set_index("period")
    assert waves["cash"].tolist() == pytest.approx([yearly * fall, yearly * fall**2, yearly * fall**3])
    years = [1 + 0.8, 0.8 + 0.64, 0.64]
    assert waves["objective"].tolist() == pytest.approx([c * n for c, n in zip(waves["cash"], years, strict=True)])
    assert set(waves["capacity"]) == {100}


def test_enough_waves_for_all_traffic_at_once(world):
    asked = world(links={"module": "1 Gb/s"})
    tables, _ = made(asked)
    table, _ = demands(asked)
    most = tables["modules"].set_index("period")["max"]
    for year in (2027, 2028):
        amount = table.loc[table["period"] == year, "amount"].sum()
        load = tables["serve_loads"]["load"].iloc[0] * 2 * amount  # both sites mirror over the one link
        held = tables["open_loads"].query("period == @year")["load"].sum()
        assert most[year] == math.ceil(load + held)
