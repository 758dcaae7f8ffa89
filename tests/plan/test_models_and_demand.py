"""Goals, training, progress, sovereignty, batch work, worth and site losses of scenarios: solved, told and audited."""

import pytest

from capacity.plan import assemble, audit, check_audit
from capacity.problem import build_problem
from capacity.solving import Options, solve
from tests.support.scenarios import round_catalogue, scenario

SITES = {
    "abilene": {"existing": 100, "grid_limit": 2000},
    "hamina": {"existing": 100, "grid_limit": 2000, "power_price": 0.3},
}
DEMAND = {"classes": {"chat": {"start": "300 thousand", "end": "300 thousand"}}, "split": {"usa": 0.75, "eu": 0.25}}


@pytest.fixture(scope="module")
def cat(tmp_path_factory):
    return round_catalogue(tmp_path_factory.mktemp("round"))


def planned(cat, gap=0.01, **changes):
    """(plan, values) of the round scenario with power at both sites; the audit has passed."""
    asked = scenario(**{"sites": SITES, "demand": DEMAND, "links": {"include": False}, **changes})
    problem = build_problem(asked, cat)
    solution = solve(problem, Options(gap=gap, threads=1, time_limit=60))
    plan = assemble(asked, problem, solution)
    check_audit(audit(asked, problem, solution.values, plan.stages))
    return plan, dict(solution.values)


@pytest.mark.parametrize("changes", [{}, {"energy": {}}])
def test_carbon_is_what_the_plan_reports(cat, changes):
    """The goal's value, in kilotonnes over the years, is the sum of plan table `power`'s carbon: dear power of 50 g/kWh
    in place of cheap power of 400."""
    plan, _ = planned(cat, goal={"kind": "least_carbon"}, time_slices=2, **changes)
    reached = plan.stages.set_index("goal").loc["carbon", "objective"]
    assert float(plan.tables["power"]["carbon_kt"].sum()) == pytest.approx(reached)
    dirty, _ = planned(cat, goal={"kind": "least_shortage_then_cost"}, time_slices=2, **changes)
    assert 0 < reached < 0.5 * float(dirty.tables["power"]["carbon_kt"].sum())


RUN = {"accelerators": {"h200-sxm": 2000}, "begins": 2027, "months": 9, "sites": ["abilene"], "cost": "$50 million"}


def test_a_training_run_holds_machines_and_prices_recover_it(cat):
    """2000 accelerators more in 2027, power for nine months; all of its cost comes back in 2028, with interest."""
    none, _ = planned(cat)
    plan, values = planned(cat, training={"big": {**RUN, "recover_over": 1}})
    assert values["train"].query("value > 0.5")["place"].tolist() == ["abilene"]
    run = plan.tables["training"].iloc[0]
    energy = 2000 * 2000 / 1e9 * 1.2 * 0.75 * 8766
    assert (run["months"], run["accelerators"]) == (9, 2000)
    assert run["energy_gwh"] == pytest.approx(energy)
    assert run["carbon_kt"] == pytest.approx(energy * 0.4)
    held = plan.tables["fleet"].groupby("year")["accelerators"].sum() - none.tables["fleet"].groupby("year")[
        "accelerators"].sum()
    assert held[2027] >= 2000
    money = plan.tables["money"].query("topic == 'training'")
    assert money["cash_usd"].sum() == pytest.approx(50e6 + energy * 1e6 * 0.05)
    prices, schedule = plan.tables["prices"].set_index("year"), plan.tables["schedule"].set_index("year")
    assert prices["training_usd_per_instance_hour"][2027] == pytest.approx(0, abs=1e-12)
    hours = schedule["annual_cost_usd"] / schedule["usd_per_instance_hour"]
    back = prices["training_usd_per_instance_hour"][2028] * hours[2028]
    assert back == pytest.approx(run["cost_usd"] * 1.25)
    price = prices["price_usd_per_instance_hour"] * hours
    assert price[2027] == pytest.approx(schedule["annual_cost_usd"][2027] - run["cost_usd"])
    assert price[2028] == pytest.approx(schedule["annual_cost_usd"][2028] + back)


def test_power_of_a_training_run_is_drawn_from_its_sources(cat):
    plan, _ = planned(cat, training={"big": {**RUN, "held": "months"}}, energy={})
    without, _ = planned(cat, energy={})
    more = plan.tables["power"]["energy_gwh"].sum() - without.tables["power"]["energy_gwh"].sum()
    assert more == pytest.approx(float(plan.tables["training"]["energy_gwh"].sum()), rel=1e-3)


def test_prices_without_training_hold_none(cat):
    plan, _ = planned(cat)
    assert plan.tables["training"].empty
    assert (plan.tables["prices"]["training_usd_per_instance_hour"] == 0).all()
