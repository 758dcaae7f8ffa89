from dataclasses import replace

import pandas as pd
import pytest

from capacity.plan import assemble
from capacity.plan.offers import mirrored_nowhere, out_of_reach, refused_groups, refused_share, trips_known
from capacity.problem import Problem
from tests.support.frames import frame


@pytest.fixture
def told(problem, solution):
    refused = pd.DataFrame([
        ("think", "big", "t4", "m at fp8 on t4: does not fit in memory: the weights are 1,600 GB"),
        ("think", "big", "l4", "m at fp8 on l4: does not fit in memory: the weights are 1,500 GB"),
        ("think", "big", "a100", "m at fp8 on a100: TPOT floor 61.0 ms at p95 is above the SLO of 50.0 ms"),
    ], columns=["service_class", "variant", "pod", "reason"])
    trips = pd.DataFrame({"source": ["R", "R"], "target": ["S", "T"], "rtt_ms": [20.0, 30.0], "km": [1e3, 2e3],
                          "basis": ["measured", "fitted"]})
    return assemble(None, replace(problem, words={**problem.words, "refused": refused, "trips": trips}), solution)


def test_refusals_of_one_kind_are_told_once(told):
    groups = {g["pods"]: g["reason"] for g in refused_groups(told)}
    assert groups == {
        "l4, t4": "l4: does not fit in memory: the weights are 1,500 GB",
        "a100": "TPOT floor 61.0 ms at p95 is above the SLO of 50.0 ms",
    }
    assert refused_share(told) == (3, 4)


def test_round_trips_are_counted_by_pair_and_by_what_is_served_over_them(told):
    assert trips_known(told) == {"measured": (1, 1.0), "fitted": (1, 0.0)}


def test_nothing_refused_and_no_trips(plan):
    assert refused_groups(plan) == []
    assert trips_known(plan) == {}


def test_state_mirrored_at_a_site_that_is_not_open_is_told(plan):
    """S mirrors at T, which opens in 2028: told for 2027 alone; nothing where T is open from the first year on."""
    tables = {**plan.problem.tables, "places": frame("place kind", ("S", "site"), ("T", "site"), ("R", "region")),
              "openings": frame("place period", ("S", 2027), ("S", 2028), ("T", 2027), ("T", 2028)),
              "links": frame("link from to", ("S-T", "S", "T"))}
    del tables["modules"], tables["serve_loads"]
    flows = frame("year slice traffic from to way gbps rtt_ms", *(
        (y, "all", "mirrored state", "S", "T", "any", 3.0, 1.0) for y in (2027, 2028)))
    for since, told in ((2028, "here at T (2027) before it opens."), (2027, "")):
        opens = frame("place period value", ("S", 2027, 1.0), ("T", since, 1.0))
        seen = replace(plan, problem=Problem.of(tables), values={"open": opens}, tables={**plan.tables, "flows": flows})
        assert mirrored_nowhere(seen).endswith(told)
        assert bool(mirrored_nowhere(seen)) is bool(told)


def test_a_region_that_no_site_reaches_is_told_with_its_nearest_site(told):
    assert out_of_reach(told) == []
    far = {**told.problem.tables, "assignments": told.problem.table("assignments").head(0)}
    far["activities"] = told.problem.table("activities").assign(slack=12.0)
    alone = replace(told, problem=replace(told.problem, tables=far))
    commodity = told.problem.table("demands")["commodity"].iloc[0]
    (sentence, *_) = out_of_reach(alone)
    assert sentence.startswith(f"{commodity} in R is out of reach, all of it short: the nearest site, S, is 20 ms away")
    assert "leaves 12 ms of the time to first token" in sentence
