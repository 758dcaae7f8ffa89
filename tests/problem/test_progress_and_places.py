"""Progress, spares, sovereignty, worth and losses of a scenario, as the tables they become."""

import pytest

from capacity.errors import InfeasibleError, InputError
from capacity.problem import build_problem
from capacity.scenario.check import disagreements
from tests.support.scenarios import scenario

VARIANT = {"model": "gpt-oss-120b", "weights": "fp4", "equivalence": {"chat": 1.0}}
ALONE = {"include": False}


def outputs(problem):
    table = problem.table("activities")
    return {(a, f, e): out for a, f, e, out in zip(
        table["activity"], table["first"], table["last"], table["output_per_unit"], strict=True)}


def test_progress_makes_an_activity_of_each_year(cat):
    """A quarter more in the second year, at the same power: energy per instance falls with it."""
    plain = build_problem(scenario(links=ALONE), cat)
    better = build_problem(scenario(links=ALONE, variants={"v": {**VARIANT, "progress": 1.25}}), cat)
    (name, _, _), made = next(iter(outputs(plain).items()))
    got = outputs(better)
    assert got[f"{name} | 2027", 2027, 2027] == pytest.approx(made)
    assert got[f"{name} | 2028", 2028, 2028] == pytest.approx(1.25 * made)
    assert len(got) == 2 * len(outputs(plain))
    runs = better.table("activity_costs")
    assert (runs["activity"].str[-4:].astype(int) == runs["period"]).all()
    costs = plain.table("activity_costs")
    costs = costs[(costs["activity"] == name) & (costs["period"] == 2028)]["cash"].tolist()
    assert runs[runs["activity"] == f"{name} | 2028"]["cash"].tolist() == pytest.approx(costs)
    assert set(better.table("activities")["activity"]) <= set(better.words["serving"]["activity"])


def test_spares_of_a_class_serve_nobody(cat):
    chat = {"output_tokens": "30k", "fresh_input_tokens": "10k", "context_mean": "8k", "ttft": "2 s", "tpot": "50 ms"}
    plain = build_problem(scenario(links=ALONE, classes={"chat": chat}), cat).table("activities")
    spare = build_problem(scenario(links=ALONE, classes={"chat": {**chat, "spare_share": "20 %"}}), cat)
    assert spare.table("activities")["output_per_unit"].tolist() == pytest.approx(
        (0.8 * plain["output_per_unit"]).tolist())


def test_a_sovereign_region_is_served_from_its_own_sites(cat):
    problem = build_problem(scenario(links=ALONE, sovereignty=[{"regions": ["eu"], "sites": ["hamina"]}]), cat)
    both = problem.table("assignments").merge(problem.table("demands"), on="demand", suffixes=("_site", ""))
    pairs = set(zip(both["place"], both["place_site"], strict=True))
    assert pairs == {("eu", "hamina"), ("usa", "abilene"), ("usa", "hamina")}
    with pytest.raises(InfeasibleError, match="sovereignty of eu: none of the scenario's sites is in FRA"):
        build_problem(scenario(links=ALONE, sovereignty=[{"regions": ["eu"], "countries": ["FRA"]}]), cat)


def test_a_demand_curve_is_blocks_of_demand_each_with_its_worth(cat):
    """60 % worth 50 USD and 40 % half the wage, per thousand instances and year, in millions."""
    demand = {"classes": {"chat": {"start": "1 million", "end": "2 million"}}, "split": {"usa": 0.75, "eu": 0.25},
              "worth": {"chat": [{"share": "60 %", "worth": 50.0}, {"share": "40 %", "of_wage": 0.5}]}}
    problem = build_problem(scenario(links=ALONE, demand=demand, goal={"kind": "most_surplus"}), cat)
    rows = problem.table("demands").query("place == 'usa' and period == 2027").set_index("demand")
    wage = cat.region("usa").wage_usd_h
    assert rows["amount"].tolist() == pytest.approx([450, 300])
    assert rows["shortage_price"].tolist() == pytest.approx([50 * 8.766, wage / 2 * 8.766])


def test_losses_become_cases_of_the_busiest_slice(cat):
    asked = {"any_site": True, "groups": {"north": ["hamina"]}, "keep": "80 %", "classes": {"chat": "50 %"},
             "first": 2028}
    problem = build_problem(scenario(links=ALONE, resilience=asked), cat)
    table = problem.table("failures")
    assert set(zip(table["case"], table["kind"], table["element"], table["period"], table["keep"], strict=True)) == {
        ("loss of abilene", "place", "abilene", 2028, 0.8), ("loss of hamina", "place", "hamina", 2028, 0.8),
        ("loss of north", "place", "hamina", 2028, 0.8)}
    assert set(problem.table("keeps")["keep"]) == {0.5}


TOKENS = {"output_tokens": "30k", "fresh_input_tokens": "10k", "context_mean": "8k"}


@pytest.mark.parametrize(("changes", "path", "message"), [
    ({"resilience": {"any_site": True}, "sites": {"abilene": None}}, "any_site", "only one site may open"),
    ({"resilience": {"any_site": True}}, "resilience", "routing: free"),
    ({"resilience": {"groups": {"all": ["abilene", "hamina"]}}}, "all", "holds every site"),
    ({"resilience": {"classes": {"chta": 0.5}}}, "chta", "chat"),
    ({"sovereignty": [{"regions": ["eu"]}]}, "0", "neither `sites` nor `countries`"),
    ({"sovereignty": [{"regions": ["uk"], "sites": ["hamina"]}]}, "0", "uk"),
    ({"training": {"t": {"accelerators": {"h200-sxm": 10}, "begins": 2028, "months": 13}}}, "begins", "2028 to 2029"),
    ({"sites": {"abilene": {"sale_value": 1e6}}}, "sale_value", "needs `holding_cost`"),
    ({"classes": {"chat": TOKENS}}, "ttft", "is needed but not given; only a class with `batch: true`"),
    ({"classes": {"chat": TOKENS | {"batch": True, "tpot": "50 ms"}}}, "tpot", "batch work, which has no"),
    ({"classes": {"chat": TOKENS | {"batch": True, "duty": {"hours": 8}}}}, "duty", "done at any hour"),
    ({"classes": {"chat": TOKENS | {"batch": True}}, "resilience": {"classes": {"chat": 0.5}}}, "chat", "it waits"),
])
def test_contradictions_are_told_before_solving(changes, path, message):
    found = [(where, text) for where, text in disagreements(scenario(**changes)) if path in where]
    assert any(message in text for _, text in found)


def test_training_on_what_is_not_offered(cat):
    run = {"accelerators": {"b200": 10}, "begins": 2027, "months": 3}
    with pytest.raises(InputError, match="training t: accelerator 'b200' is neither sold"):
        build_problem(scenario(links=ALONE, training={"t": run}), cat)
