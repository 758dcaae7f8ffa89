"""One site, one accelerator, two years, on paper: 2 pods a year, 4 then 8 of 10 thousand instances served.

Cash 2027: opening 10 + shell 100 + pods 2 x 20 = 150 capex; upkeep 2 + energy 2 x 0.5 = 3 opex (million USD).
Cash 2028: pods 40 capex; upkeep 4 + energy 2 = 6 opex.
Objective: 12 + 90 + 2 x 15 + 2 x 5 + upkeep (2 + 4/2) + energy (1 + 2/2) = 148.
"""

import pandas as pd
import pytest

from capacity.plan import assemble
from capacity.problem import Problem
from capacity.solving import Solution, Stage


def frame(columns, *rows):
    return pd.DataFrame(list(rows), columns=columns.split())


TABLES = {
    "periods": frame("period years discount", (2027, 1.0, 1.0), (2028, 1.0, 0.5)),
    "slices": frame("slice hours", ("all", 8000.0)),
    "places": frame("place kind", ("S", "site"), ("R", "region")),
    "openings": frame("place period objective cash", ("S", 2027, 12.0, 10.0), ("S", 2028, 6.0, 10.0)),
    "blocks": frame("place block resource capacity life", ("S", "phase", "power", 100.0, 10)),
    "block_cells": frame(
        "place block period max max_total objective cash",
        ("S", "phase", 2027, 2.0, 1.0, 90.0, 100.0), ("S", "phase", 2028, 2.0, 3.0, 40.0, 100.0),
    ),
    "assets": frame("asset unit_size", ("chip pod", 1.0)),
    "asset_cells": frame(
        "place asset vintage max objective cash life",
        ("S", "chip pod", 2027, 3.0, 15.0, 20.0, 5), ("S", "chip pod", 2028, 3.0, 5.0, 20.0, 5),
    ),
    "upkeep": frame(
        "place asset period objective cash", ("S", "chip pod", 2027, 1.0, 1.0), ("S", "chip pod", 2028, 0.5, 1.0)
    ),
    "asset_uses": frame("asset resource amount", ("chip pod", "power", 1.5)),
    "activities": frame(
        "activity asset commodity group output_per_unit slack", ("run", "chip pod", "think", "m", 2.0, 50.0)
    ),
    "activity_costs": frame(
        "place activity period objective cash", ("S", "run", 2027, 0.5, 0.5), ("S", "run", 2028, 0.25, 0.5)
    ),
    "demands": frame(
        "demand place commodity period slice amount",
        ("d27", "R", "think", 2027, "all", 4.0), ("d28", "R", "think", 2028, "all", 10.0),
    ),
    "assignments": frame("demand place rtt", ("d27", "S", 20.0), ("d28", "S", 20.0)),
    "links": frame("link from to", ("S-R", "S", "R")),
    "modules": frame(
        "link module period capacity objective cash life",
        ("S-R", "wave", 2027, 100.0, 0.0, 0.0, 5), ("S-R", "wave", 2028, 100.0, 0.0, 0.0, 5),
    ),
    "serve_loads": frame("link demand place load", ("S-R", "d27", "S", 20.0), ("S-R", "d28", "S", 20.0)),
    "shares": frame("commodity group max_share", ("think", "m", 1.0)),
    "limits": frame(
        "limit topic sense rhs period",
        ("supply 2027", "supply", "<=", 3.0, 2027), ("supply 2028", "supply", "<=", 2.0, 2028)
    ),
    "limit_terms": frame(
        "limit variable place item period coefficient",
        ("supply 2027", "bought", "S", "chip pod", 2027, 1.0), ("supply 2028", "bought", "S", "chip pod", 2028, 1.0),
    ),
    "goals": frame("order goal", (1, "shortage"), (2, "cost")),
}
WORDS = {
    "pods": frame("pod accelerator fabric size", ("chip pod", "chip", "rail", 1030.0)),
    "sites": frame(
        "site name country latitude longitude pue pue_peak power_usd_kwh carbon_g_kwh",
        ("S", "Southport", "US", 32.0, -99.0, 1.2, 1.5, 0.05, 400.0),
    ),
    "regions": frame("region name latitude longitude wage_usd_h", ("R", "Riverland", 50.0, 10.0, 40.0)),
    "serving": frame(
        "activity service_class variant model weights kv pod accelerator fabric tp pp ep dp accelerators batch ttft_s "
        "tpot_s memory_gb power_w_per_accelerator rtt_slack_s limited_by equivalence",
        ("run", "think", "m", "M", "fp8", "fp8", "chip pod", "chip", "rail", 8, 1, 1, 1, 8, 64.0, 1.5, 0.04, 120.0,
         500.0, 0.05, "memory", 1.0),
    ),
    "assumptions": frame(
        "what value unit confidence source",
        ("price", "20", "M$", "estimate", "a guess"), ("pue", "1.2", "", "published", "x")
    ),
}


def one(columns, *rows):
    return frame(columns + " value", *rows)


@pytest.fixture
def problem():
    return Problem.of(TABLES, WORDS, "paper")


@pytest.fixture
def values():
    return {
        "open": one("place period", ("S", 2027, 1.0)),
        "built": one("place block period", ("S", "phase", 2027, 1.0)),
        "bought": one("place asset vintage", ("S", "chip pod", 2027, 2.0), ("S", "chip pod", 2028, 2.0)),
        "alive": one(
            "place asset vintage period", ("S", "chip pod", 2027, 2027, 2.0), ("S", "chip pod", 2027, 2028, 2.0),
            ("S", "chip pod", 2028, 2028, 2.0),
        ),
        "use": one("place activity period slice", ("S", "run", 2027, "all", 2.0), ("S", "run", 2028, "all", 4.0)),
        "serve": one("demand place", ("d27", "S", 4.0), ("d28", "S", 8.0)),
        "short": one("demand", ("d28", 2.0)),
        "modules": one("link module period", ("S-R", "wave", 2027, 1.0), ("S-R", "wave", 2028, 1.0)),
    }


@pytest.fixture
def solution(values):
    stages = (
        Stage(1, "shortage", 2.0, 2.0, 0.0, 0.1, "optimal"), Stage(2, "cost", 148.0, 147.0, 1 / 148, 0.2, "gap_reached")
    )
    return Solution("gap_reached", stages, values, 0.3)


@pytest.fixture
def plan(problem, solution):
    return assemble(None, problem, solution)
