import json

import numpy as np
import pytest

from capacity.errors import InputError
from capacity.plan.columns import PLAN_TABLES


def row(table, **keys):
    for column, value in keys.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_every_table_has_exactly_its_stated_columns(plan):
    for name, table in plan.tables.items():
        assert list(table.columns) == list(PLAN_TABLES[name])
    assert set(plan.tables) | {"stages", "assumptions"} == set(PLAN_TABLES)


def test_buildout_on_paper(plan):
    assert plan.tables["openings"].to_dict("records") == [{"site": "S", "year": 2027}]
    phase = row(plan.tables["phases"], year=2027)
    assert (phase["built"], phase["it_mw"], phase["facility_mw"], phase["total_facility_mw"]) == (1, 100, 150, 150)
    assert row(plan.tables["phases"], year=2028)["total_facility_mw"] == 150
    assert row(plan.tables["pods"], vintage=2028)["accelerators"] == 2060
    assert list(plan.tables["fleet"]["accelerators"]) == [2060, 4120]
    assert list(plan.tables["fleet"]["it_mw"]) == [3.0, 6.0]
    assert not len(plan.tables["retirements"])
    assert list(plan.tables["links"]["gbps"]) == [100, 200]
    assert list(plan.tables["links"]["used_gbps"]) == [80, 160]


def test_service_on_paper(plan):
    served = row(plan.tables["served"], year=2028)
    assert (served["instances_demanded"], served["instances_served"], served["instances_short"]) == (10e3, 8e3, 2e3)
    assert served["instance_hours_served"] == 8e3 * 8000
    assert row(plan.tables["placement"], year=2028)["instances"] == 8000
    used = row(plan.tables["sharding"], year=2028)
    assert (used["accelerators_used"], used["instances"], used["ttft_ms"], used["network_ms"]) == (4000, 8000, 1500, 20)
    assert used["meets_slo"]


def test_power_on_paper(plan):
    """4000 accelerators x 500 W x 8000 h x PUE 1.2 = 19.2 GWh; at 400 g/kWh 7.68 kt."""
    power = row(plan.tables["power"], year=2028)
    assert power["energy_gwh"] == pytest.approx(19.2)
    assert power["carbon_kt"] == pytest.approx(7.68)
    assert power["facility_mw"] == 150


def test_money_on_paper(plan):
    money = plan.tables["money"].groupby(["year", "kind"])[["cash_usd"]].sum()["cash_usd"] / 1e6
    assert money[2027, "capex"] == pytest.approx(150)
    assert money[2027, "opex"] == pytest.approx(3)
    assert money[2028, "capex"] == pytest.approx(40)
    assert money[2028, "opex"] == pytest.approx(6)
    assert plan.tables["money"]["objective_usd"].sum() == pytest.approx(148e6)


def test_cost_per_instance_hour_on_paper(plan):
    """Annuities: opening 12/1.5 = 8, shell 90/1.5 = 60, pods 30/1.5 = 20 and 10/0.5 = 20 a year."""
    schedule = plan.tables["schedule"].set_index("year")
    assert schedule["annual_cost_usd"][2027] == pytest.approx(91e6)
    assert schedule["annual_cost_usd"][2028] == pytest.approx(114e6)
    assert schedule["usd_per_instance_hour"][2027] == pytest.approx(91e6 / (4000 * 8000))
    assert schedule["usd_per_instance_hour"][2028] == pytest.approx(114e6 / (8000 * 8000))


def test_what_binds_and_the_headline(plan):
    schedule = plan.tables["schedule"].set_index("year")
    assert schedule["short_share"][2027] == 0
    assert schedule["short_share"][2028] == pytest.approx(0.2)
    assert "supply" not in schedule["binds"][2027]
    assert "supply" in schedule["binds"][2028]
    assert plan.summary["headline"].startswith("Supply first falls short in 2028: 20.0 %")
    assert plan.summary["first_short_year"] == 2028


def test_the_summary_is_json(plan):
    text = json.dumps(plan.summary, allow_nan=False)
    years = json.loads(text)["years"]
    assert [y["shortage"] for y in years] == [0, 2000]
    assert plan.summary["gap"] == pytest.approx(1 / 148)


def test_retirement_is_the_drop_of_a_vintage(problem, solution, values):
    from dataclasses import replace

    from capacity.plan import assemble

    alive = values["alive"].copy()
    alive.loc[1, "value"] = 0.5
    plan = assemble(None, problem, replace(solution, values={**values, "alive": alive}))
    gone = row(plan.tables["retirements"], year=2028)
    assert (gone["vintage"], gone["accelerators"]) == (2027, pytest.approx(1.5 * 1030))


def test_a_problem_without_words_keeps_the_waists_names(solution, problem):
    from dataclasses import replace

    from capacity.plan import assemble

    plan = assemble(None, replace(problem, words={}), solution)
    assert set(plan.tables["fleet"]["accelerator"]) == {"chip pod"}
    assert set(plan.tables["served"]["service_class"]) == {"think"}
    assert np.isnan(plan.tables["power"]["energy_gwh"]).all()


def test_an_unknown_table_names_the_nearest(plan):
    with pytest.raises(InputError, match="nearest: 'sharding'"):
        plan.table("shardin")
