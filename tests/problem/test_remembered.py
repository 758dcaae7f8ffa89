"""A frontier is searched once for the same question, and anew for another."""

import pandas as pd
import pytest

from capacity.catalogue import load_catalogue
from capacity.problem import build_problem, remembered
from capacity.scenario import load_scenario


@pytest.fixture
def searched(monkeypatch):
    """How many frontiers were searched, with nothing remembered at first."""
    count = []
    real = remembered.frontiers
    monkeypatch.setattr(remembered, "_known", type(remembered._known)())
    monkeypatch.setattr(remembered, "frontiers", lambda **asked: count.extend(asked["pools"]) or real(**asked))
    return count


def build(*sets):
    scenario = load_scenario("gpt3-2021", sets)
    return build_problem(scenario, load_catalogue(scenario.catalogue))


def test_prices_and_demand_search_nothing_anew(searched):
    first = build()
    once = len(searched)
    assert once > 0
    other = build("money.discount_rate=12 %", "demand.classes.writer.growth=3x")
    assert len(searched) == once
    pd.testing.assert_frame_equal(other.words["serving"], first.words["serving"])


@pytest.mark.parametrize("changed", [
    "classes.writer.tpot=100 ms", "classes.writer.context_p95=4k tokens", "variants.gpt3.weights=int8",
    "serving.max_accelerators_per_copy=8", "pods.size=128",
])
def test_what_serving_depends_on_is_searched_anew(searched, changed):
    build()
    once = len(searched)
    build(changed)
    assert len(searched) > once


def test_a_caller_cannot_spoil_what_is_remembered(searched):
    serving = build().words["serving"]
    kept = serving.copy()
    remembered_frame = next(iter(remembered._known.values()))[0]
    before = remembered_frame.copy()
    serving.loc[:, "batch"] = -1.0
    pd.testing.assert_frame_equal(remembered_frame, before)
    pd.testing.assert_frame_equal(build().words["serving"], kept)
