"""Limits: supply by chip, memory, vendor and type, power of the world, budgets; each a row of terms."""

import pytest

from capacity.problem import build_problem
from capacity.problem.supply import supply_of
from tests.support.scenarios import scenario

TWO = {"h200-sxm": {"price": 30000.0}, "mi300x": {"price": 20000.0, "last": 2030}}


@pytest.fixture
def limits(cat):
    """{limit: (rhs, {(variable, place, item, period): coefficient})} of the round scenario with changes."""

    def make(**changes):
        problem = build_problem(scenario(**{"links": {"include": False}, **changes}), cat)
        terms = problem.table("limit_terms")
        return {
            r.limit: (r.rhs, {
                (t.variable, t.place, t.item, t.period): t.coefficient
                for t in terms[terms["limit"] == r.limit].itertuples()
            })
            for r in problem.table("limits").itertuples()
        }

    return make


def test_no_limits_unless_asked_for(limits):
    assert limits() == {}


def test_accelerators_in_thousands(limits):
    """Between given years geometrically: 2027 4000, 2028 8000. A pod of 1000 is one."""
    made = limits(supply={"accelerators": {2027: 4000, 2029: 16000}}, accelerators=TWO)
    assert [made[f"accelerator supply {y}"][0] for y in (2027, 2028)] == pytest.approx([4, 8])
    _, terms = made["accelerator supply 2027"]
    assert terms == {("bought", "abilene", "h200-sxm", 2027): 1.0, ("bought", "abilene", "mi300x", 2027): 1.0}


def test_memory_in_petabytes(limits, cat):
    made = limits(supply={"hbm": {2027: 5e6}}, accelerators=TWO)
    rhs, terms = made["HBM supply 2027"]
    assert rhs == 5
    assert terms[("bought", "abilene", "h200-sxm", 2027)] == pytest.approx(0.141)
    assert terms[("bought", "abilene", "mi300x", 2027)] == pytest.approx(cat.accelerator("mi300x").memory_gb / 1000)


def test_a_vendor_and_a_type(limits):
    own = {**TWO, "mi300x": {"price": 20000.0, "last": 2030, "supply": {2027: 2000}}}
    made = limits(supply={"vendors": {"NVIDIA": {2027: 3000}}}, accelerators=own)
    assert made["NVIDIA supply 2027"][0] == 3
    assert {k[2] for k in made["NVIDIA supply 2027"][1]} == {"h200-sxm"}
    assert made["mi300x supply 2027"][0] == 2
    assert {k[2] for k in made["mi300x supply 2027"][1]} == {"mi300x"}


def test_the_catalogues_supply_less_what_others_take(limits, world, cat):
    table = cat.table("supply").set_index(["quantity", "year"])
    mid = table.loc[("accelerators_shipped", 2027), "value"] * table.loc[("inference_share", 2027), "value"]
    low = table.loc[("accelerators_shipped", 2027), "low"] * table.loc[("inference_share", 2027), "low"]
    assert supply_of(world(), "accelerators_shipped")[2027] == pytest.approx(mid)
    assert supply_of(world(supply={"level": "low"}), "accelerators_shipped")[2027] == pytest.approx(low)
    made = limits(supply={"accelerators": "catalogue", "share": 0.1})
    assert made["accelerator supply 2027"][0] == pytest.approx(0.1 * mid / 1000)


def test_power_in_service_beyond_what_exists(limits):
    """200 MW, 25 of them there already; a phase of 12.5 counts from the year it enters for its life."""
    made = limits(
        years={"first": 2027, "last": 2029}, supply={"power": {2027: 200}},
        sites={"abilene": {"existing": 25}, "hamina": None},
    )
    rhs, terms = made["power supply 2028"]
    assert rhs == 175
    assert terms == {
        ("built", "abilene", "phase", 2027): 12.5, ("built", "abilene", "phase", 2028): 12.5,
        ("built", "hamina", "phase", 2028): 12.5,
    }
    _, terms = made["power supply 2029"]
    assert {k[3] for k in terms if k[1] == "abilene"} == {2028, 2029}


def test_a_capex_budget_counts_what_is_paid_in_the_year(limits):
    made = limits(sites={"abilene": None}, money__merge={"capex_budget": {2027: 400e6}, "capex_growth": 1.25})
    assert [made[f"capex budget {y}"][0] for y in (2027, 2028)] == pytest.approx([400, 500])
    _, terms = made["capex budget 2028"]
    pod = terms.pop(("bought", "abilene", "h200-sxm", 2028))
    assert terms == {("open", "abilene", "", 2028): 100.0, ("built", "abilene", "phase", 2028): 100.0}
    assert 30 < pod < 40


def test_an_opex_budget_counts_upkeep_and_energy_of_the_year(limits):
    made = limits(sites={"abilene": None}, money__merge={"opex_budget": {2027: 10e6}})
    _, terms = made["opex budget 2028"]
    kinds = {(k[0], k[3]) for k in terms}
    assert kinds == {("built", 2027), ("built", 2028), ("alive", 2027), ("alive", 2028), ("use", 2028)}
    assert terms[("built", "abilene", "phase", 2027)] == pytest.approx(2)
