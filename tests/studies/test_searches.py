"""Break-even, frontiers, sensitivity: each equals what solving everywhere says."""

import numpy as np
import pandas as pd
import pytest

from capacity.errors import CapacityError, InputError
from capacity.plan import load_plan
from capacity.studies import StudySpec, plan_study, run_study
from capacity.studies.ask import Asked, Condition
from capacity.studies.breakeven import break_even, wage_crossings
from capacity.studies.frontier import frontier
from capacity.studies.sensitivity import morris, sobol, tornado


@pytest.fixture
def asked(tiny, tmp_path):
    return Asked(tiny, tmp_path / "s" / "s", gap=0.0)


def everywhere(tiny, folder, path, values):
    spec = StudySpec(name="all", scenario=tiny, vary={path: values}, gap=0.0)
    table = run_study(plan_study(spec), folder / "s" / "all")
    return table[table["member"] > 0]


@pytest.mark.long
def test_break_even_brackets_the_change_that_a_grid_finds(asked, tiny, tmp_path):
    found = break_even(asked, "money.capex_budget", "x0.05", "x0.65", "instances_last >= 1.5e6", accuracy=0.1)
    assert found.found
    assert (found.holds_at_low, found.holds_at_high) == (False, True)
    low, high = float(found.low[1:]), float(found.high[1:])
    assert high - low <= 0.1 * 0.6
    table = everywhere(tiny, tmp_path, "money.capex_budget", [f"x{v:.4g}" for v in np.linspace(0.05, 0.65, 5)])
    holds = table["instances_last"] >= 1.5e6
    assert (table["money.capex_budget"][holds] >= low).all()
    assert (table["money.capex_budget"][~holds] <= high).all()
    assert found.solves == 2 + 4  # ends, then halves until a tenth
    again = break_even(Asked(asked.scenario, asked.folder, gap=0.0), "money.capex_budget", "x0.05", "x0.65",
                       "instances_last >= 1.5e6", accuracy=0.1)
    assert again.solves == 0
    assert (again.low, again.high) == (found.low, found.high)


def test_which_site_wins(asked):
    found = break_even(asked, "sites.abilene.power_price", "$0.05/kWh", "$9/kWh", "mw.hamina > 0", accuracy=0.3)
    assert not found.holds_at_low
    assert found.holds_at_high


@pytest.mark.parametrize(("text", "words"), [
    ("instances >", "write a condition"), ("instances_lst > 3", "did you mean `instances_last`"),
    ("mw.hamnia > 3", "nearest: hamina"),
])
def test_bad_conditions_are_told(asked, text, words):
    with pytest.raises(InputError, match=words):
        break_even(asked, "money.capex_budget", "x1", "x2", text)


def test_conditions():
    row = {"a": 2.0, "b": 3.0}
    assert Condition.read("a < b").holds(row, lambda: None)
    assert not Condition.read("a > 2").holds(row, lambda: None)
    assert Condition.read("a >= 2").holds(row, lambda: None)


def test_first_year_below_the_wage(asked):
    plan = asked.plan({})
    found = wage_crossings(plan).set_index("region")
    cost = plan.tables["schedule"].set_index("year")["usd_per_instance_hour"]
    for region, row in found.iterrows():
        below = [y for y in cost.index if cost[y] < row["wage_usd_h"]]
        assert row["first_year"] == below[0] if below else np.isnan(row["first_year"]), region


@pytest.mark.long
def test_a_frontier_encloses_what_lies_between_its_points(asked, tiny, tmp_path):
    found = frontier(asked, "demand.amount", "x0.5", "x1.5", accuracy=0.3)
    assert found.error <= 0.3
    assert found.monotone
    assert found.solves == len(found.points)
    values = [f"x{v}" for v in (0.5, 0.8, 1.1, 1.5)]
    table = everywhere(tiny, tmp_path, "demand.amount", values)
    at, cost = found.points["x"].to_numpy(float), found.points["cost_musd"].to_numpy(float)
    for value, direct in zip(table["demand.amount"], table["cost_musd"], strict=True):
        right = min(int(np.searchsorted(at, value - 1e-9)), len(at) - 1)
        left = max(right - 1, 0)
        assert min(cost[left], cost[right]) - 1e-6 <= direct <= max(cost[left], cost[right]) + 1e-6
        if np.isclose(at[right], value):
            assert cost[right] == pytest.approx(direct, rel=1e-6)


def test_a_frontier_ends_where_there_is_no_plan(tiny, tmp_path):
    asked = Asked(tiny, tmp_path / "s" / "s", ("demand.must_serve=true",), gap=0.0)
    found = frontier(asked, "money.capex_budget", "x0.1", "x1", accuracy=0.5, most=4)
    assert found.points["cost_musd"].isna().iloc[0]
    assert "must be served" in found.points["reason"].iloc[0]
    with pytest.raises(CapacityError, match="no plan at either end"):
        frontier(asked, "money.capex_budget", "x0.05", "x0.1")


def fake(function):
    """A runner whose plans cost what a function of the inputs says."""

    def run(study, _folder):
        rows = []
        for member in study.members:
            x = {p: float(v) for p, v in member.values.items()}
            cost = function(x)
            rows.append({"member": member.number, "label": member.label, "reason": "", "cost_musd": cost,
                         "cost_objective": cost, "cost_bound": cost})
        return pd.DataFrame(rows)

    return run


INPUTS = {"money.discount_rate": {"low": 0.0, "mid": 0.05, "high": 0.1, "shape": "uniform"},
          "money.upkeep_share": {"low": 0.0, "mid": 0.1, "high": 0.2, "shape": "uniform"},
          "money.carbon_price": {"low": 0.0, "mid": 5.0, "high": 10.0, "shape": "uniform"}}


def linear(x):
    """Effects over each range: 3, 1 and 0."""
    return 30 * x.get("money.discount_rate", 0.05) + 5 * x.get("money.upkeep_share", 0.1)


@pytest.fixture
def spec(tiny):
    return StudySpec(name="s", scenario=tiny, inputs=INPUTS, gap=0.0)


def test_tornado(spec, tmp_path):
    table = tornado(spec, tmp_path, fake(linear))
    assert table["input"].tolist() == ["money.discount_rate", "money.upkeep_share", "money.carbon_price"]
    assert table["swing"].tolist() == pytest.approx([3.0, 1.0, 0.0])
    assert table["decided"].all()
    with pytest.raises(InputError, match="did you mean `cost_musd`"):
        tornado(spec, tmp_path, fake(linear), "cost_must")


def test_morris_and_sobol_know_a_linear_model(spec, tmp_path):
    pytest.importorskip("SALib")
    screened = morris(spec, tmp_path, fake(linear)).set_index("input")
    assert screened["effect"].tolist() == pytest.approx([3.0, 1.0, 0.0], abs=1e-6)
    assert screened["spread"].tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)
    shares = sobol(spec, tmp_path, fake(linear), samples=256).set_index("input")["total"]
    assert shares["money.discount_rate"] == pytest.approx(0.9, abs=0.03)  # 9 / (9 + 1)
    assert shares["money.upkeep_share"] == pytest.approx(0.1, abs=0.03)
    assert shares["money.carbon_price"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.long
def test_tornado_of_real_plans(tiny, tmp_path):
    inputs = {"accelerators.h200.price": {"low": "x0.8", "high": "x1.2"},
              "money.carbon_price": {"low": "$0/tonne", "high": "$1/tonne"}}
    spec = StudySpec(name="s", scenario=tiny, inputs=inputs, gap=0.0)
    table = tornado(spec, tmp_path / "s" / "s", run_study)
    assert table["input"][0] == "accelerators.h200.price"
    assert table["at_low"][0] < table["base"][0] < table["at_high"][0]
    direct = load_plan(next((tmp_path / "s" / "s" / "plans").iterdir()))
    assert direct.status == "optimal"
