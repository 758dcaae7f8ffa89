"""Demand over years and regions, against numbers worked out by hand."""

import numpy as np
import pytest

from capacity.catalogue.cards import Region
from capacity.errors import InputError
from capacity.scenario import by_year, capex_budget, demand_table
from capacity.scenario.asked import Path
from capacity.scenario.demand import path_by_year
from capacity.scenario.schema import Horizon, Money, Scenario

YEARS = Horizon(first=2027, last=2031)


def region(name, gdp, people):
    return Region(name, name, people, gdp, 0.0, 0.0, 0.0, 10.0)


def scenario(**demand):
    return Scenario.model_validate({
        "name": "t", "years": {"first": 2027, "last": 2029},
        "classes": {"chat": {"output_tokens": 1, "fresh_input_tokens": 1, "context_mean": 1, "ttft": 1, "tpot": 1}},
        "variants": {"v": {"model": "m", "equivalence": {"chat": 1}}}, "demand": demand, "regions": ["a", "b"],
        "sites": {"s": None}, "accelerators": {"g": None},
    })  # fmt: skip


def test_between_years_geometric_outside_held():
    values = {2027: 1.0, 2029: 4.0}
    assert by_year(values, 2028) == pytest.approx(2.0)
    assert by_year(values, 2028, "linear") == pytest.approx(2.5)
    assert by_year(values, [2020, 2027, 2029, 2040]).tolist() == [1, 1, 4, 4]


def test_zero_is_left_linearly_and_given_years_come_back_exactly():
    values = {2027: 0.0, 2029: 4.0, 2031: 0.3}
    assert by_year(values, [2027, 2028, 2029, 2031]).tolist() == [0.0, 2.0, 4.0, 0.3]


def test_no_year_is_refused():
    with pytest.raises(InputError, match="names no year"):
        by_year({}, 2027)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (Path(start=1, end=16), [1, 2, 4, 8, 16]),
        (Path(start=1, growth=2), [1, 2, 4, 8, 16]),
        (Path(end=16, growth=2), [1, 2, 4, 8, 16]),
        (Path(start=1, end=5, shape="linear"), [1, 2, 3, 4, 5]),
        (Path(by_year={2027: 1, 2029: 4}), [1, 2, 4, 4, 4]),
        # odds N/(90-N) start at 10/80 and double: 1/8, 1/4, 1/2, 1, 2
        (Path(start=10, end=90, growth=2, shape="logistic"), [10, 18, 30, 45, 60]),
    ],
)
def test_paths(path, values):
    assert path_by_year(path, YEARS) == pytest.approx(values)


@pytest.mark.parametrize(
    "path",
    [
        Path(start=1), Path(start=1, end=2, growth=3), Path(start=0, end=2), Path(start=1, growth=2, shape="linear"),
        Path(start=5, end=2, growth=2, shape="logistic"), Path(),
    ],
)  # fmt: skip
def test_paths_that_do_not_determine_the_demand(path):
    with pytest.raises(InputError, match=f"shape {path.shape} needs"):
        path_by_year(path, YEARS)


@pytest.mark.parametrize(
    ("split", "shares"), [("gdp", (0.75, 0.25)), ("population", (0.2, 0.8)), ({"a": 1.0}, (1.0, 0.0))]
)
def test_split_over_regions(split, shares):
    s = scenario(classes={"chat": {"start": 100, "growth": 2}}, split=split)
    table = demand_table(s, [region("a", 30, 1), region("b", 10, 4)])
    assert list(table.columns) == ["region", "service_class", "year", "instances"]
    wide = table.pivot_table(index="year", columns="region", values="instances")
    assert np.allclose(wide.to_numpy(), np.outer([100, 200, 400], shares))


def test_table_rows_are_interpolated_and_absent_regions_ask_nothing():
    rows = [{"region": "b", "service_class": "chat", "year": y, "instances": n} for y, n in ((2027, 1), (2029, 4))]
    table = demand_table(scenario(table=rows), [region("a", 1, 1), region("b", 1, 1)])
    assert table["instances"].tolist() == pytest.approx([0, 0, 0, 1, 2, 4])


def test_capex_budget_grows_past_the_last_given_year():
    money = Money(capex_budget={2027: 60e9}, capex_growth=1.25)
    assert capex_budget(money, [2027, 2028, 2029]) == pytest.approx([60e9, 75e9, 93.75e9])
    assert capex_budget(Money(), [2027]) is None
