"""Where prices, ramps, spares and mirrors move a plan, on the round site of `test_by_hand`: each case is worked out.

Money in million USD. Bought in 2027 for two years an asset counts whole, in 2028 for one 4/9, and a bill of 2028 0.8.
"""

import pytest

from capacity.problem import build_problem
from capacity.solving import Options, solve
from tests.test_by_hand import HOURS, Paper, catalogue, demand, folder, pods_of_demand
from tests.test_options_by_hand import BOTH, plan_table, pod_price, short_share, solved, solved_sets, total

__all__ = ["folder"]
PATH = "accelerators.h200-sxm={{price_by_year: {{2027: 30000, 2028: {}}}}}"


def test_dearer_chips_later_are_bought_early(folder):
    """Two pods' worth, then four. A pod of 2028 counts 4/9 of its price, one of 2027 all of it and a year more of its
    upkeep of 3 % (0.03 x 30): at the same price the last two wait, at three times the price (40 against 30.9) none."""
    flat, rising = (solved(folder, (2, 4), PATH.format(price)) for price in (30000, 90000))
    assert flat.value("bought", "vintage") == {2027: 2, 2028: 2}
    assert rising.value("bought", "vintage") == {2027: 4}


def test_adoption_follows_the_price_of_a_chip(folder):
    """Halls stand and power is free. A pod of 2028, at a tenth of the price of 2027, serves the second half of demand
    where it is worth less than its cost in 2027 (it lives a year: price and 3 % upkeep) and more than in 2028."""
    half = pods_of_demand(folder, 2)[0]
    fabric = pod_price(Paper(folder)) - 30
    early, late = 30 + fabric, 3 + fabric
    worth = 0.5 * 1.03 * (early + late) * 1e6 / (half / 2 * HOURS)  # per instance-hour: between the two
    curve = f"demand.worth={{chat: [{{share: 50 %, of_wage: 1}}, {{share: 50 %, worth: {worth:.8f}}}]}}"
    amounts = demand(BOTH, [2 * half] * 2)
    paper = Paper(folder, amounts, curve, "sites={abilene: {existing: 12.5 MW, power_price: 0}}",
                  PATH.format(3000), "goal={kind: most_surplus}", "money.it_life=1 year")
    solution = solve(paper.problem, Options(gap=0.0))
    served = {y: solution.values["serve"].merge(paper.problem.table("demands").query("period == @y"), on="demand")[
        "value"].sum() * 1000 for y in BOTH}
    assert served == {2027: pytest.approx(half, rel=2e-3), 2028: pytest.approx(2 * half, rel=2e-3)}


@pytest.mark.parametrize(("water_price", "pods"), [(0, 4), (1000, 2)])
def test_dear_water_leaves_unserved_what_is_hardly_worth_its_machines(folder, water_price, pods):
    """Halls stand, power is free, and the second half of demand is worth 5 % more than a pod of one year of life (its
    price and 3 % upkeep). Some 2 MW of IT evaporate 0.4 l a kWh: 7 million dollars a pod and year at $1000 a tonne."""
    half = pods_of_demand(folder, 2)[0]
    worth = 1.05 * 1.03 * pod_price(Paper(folder)) * 1e6 / (half / 2 * HOURS)
    curve = f"demand.worth={{chat: [{{share: 50 %, of_wage: 1}}, {{share: 50 %, worth: {worth:.8f}}}]}}"
    paper = Paper(folder, demand((2027,), [2 * half]), curve, "years.last=2027",
                  f"energy={{water_price: {water_price}}}",
                  "sites={abilene: {existing: 12.5 MW, power_price: 0}}", "goal={kind: most_surplus}",
                  "money.it_life=1 year")
    solution = solve(paper.problem, Options(gap=0.0))
    assert solution.values["bought"]["value"].sum() == pytest.approx(pods)


HALLS = "sites={{abilene: {{existing: 12.5 MW{}}}, hamina: {{existing: 12.5 MW{}}}}}"
SHARE = "energy={{clean_share: {{2027: {}}}}}"


@pytest.mark.parametrize(("abilene", "hamina", "sets", "site"), [
    ("", "", (), "hamina"),
    ("", ", power_prices: {2027: $0.04/kWh, 2028: $0.4/kWh}", (), "abilene"),
    ("", ", power_prices: {2027: $0.04/kWh, 2028: $0.4/kWh}", ("energy={}",), "abilene"),
    (", pue: 1.01, power_price: $0.042/kWh", "", (), "abilene"),
    (", carbon: 10", "", ("energy={}",), "hamina"),
    (", carbon: 10", "", ("energy={carbon_price: {2027: 1000}}",), "abilene"),
    (", carbon: 10", "", ("money.carbon_price=1000",), "abilene"),
    (", pue: 1.3, power_price: $0.038/kWh", "", ("energy={}",), "hamina"),
    (", pue: 1.3, power_price: $0.038/kWh", "", ("energy={overhead_fixed: 100 %}",), "abilene"),
    (", power_price: $0.01/kWh", "", (SHARE.format(0),), "abilene"),
    (", power_price: $0.01/kWh", "", (SHARE.format(0.9),), "hamina"),
])
def test_the_bill_of_power_decides_between_two_halls(folder, abilene, hamina, sets, site):
    """Halls stand at both. A kWh of IT costs 0.05 x 1.2 at Abilene and 0.04 x 1.1 at Hamina (50 g of CO2, clean but for
    a tenth at most). In turn: ten times the price in the second year; 0.042 x 1.01; 1000 dollars a tonne, 1.2 x (0.05 +
    0.01) against 1.1 x (0.04 + 0.05); 0.038 x 1.3, of which 0.3 are drawn by the hall, used or not; and a clean share
    that the grid of Texas does not have."""
    paper = solved(folder, (2, 2), HALLS.format(abilene, hamina), *sets)
    assert set(paper.value("bought", "place")) == {site}
    assert short_share(paper) == pytest.approx([0, 0], abs=1e-6)


def test_a_ramp_of_mw_by_year(folder):
    """12.5 MW more of the grid each year: one phase of 10 MW IT in 2027 carries 5 of 7 pods, a second comes in 2028."""
    ramp = solved(folder, (7, 7), "sites={abilene: {lead_time: 12 months, grid_ramp: 12.5 MW}}")
    assert ramp.value("built", "period") == {2027: 1, 2028: 1}
    assert ramp.value("bought", "vintage") == {2027: 5, 2028: 2}
    assert short_share(ramp) == pytest.approx([2 / 7, 0], abs=2e-3)


def test_spares_of_a_class_are_bought_too(folder):
    """A fifth of what runs for the class stands by: 4 pods' worth takes 5."""
    chat = ("classes.chat={output_tokens: 30k, fresh_input_tokens: 10k, context_mean: 8k, ttft: 2 s, tpot: 50 ms, "
            "spare_share: 20 %}")
    assert solved(folder, (4, 4), chat).value("bought", "vintage") == {2027: 5}


@pytest.mark.parametrize(("share", "pods"), [(0, 4), (0.2, 5), (0.5, 8)])
def test_spares_of_a_pod_are_bought_too(folder, share, pods):
    """900 of 1000 serve with a tenth spare, all of them without any: 4 pods of 900 are 3.6 pods of 1000."""
    paper = solved(folder, (4, 4), f"pods={{size: 1000, spare_share: {share}}}")
    assert paper.value("bought", "vintage") == {2027: pods}


@pytest.mark.parametrize(("term", "price", "reserved"), [(1, 1.9, 3), (2, 1.9, 2), (3, 1.9, 1), (3, 2.4, 0)])
def test_terms_of_one_to_three_years(folder, term, price, reserved):
    """A pod's worth in three years, with rent at $2 an accelerator-hour. Reserved for less it beats rent: in each year
    for a year, for two and again, or once for three; for more than rent never."""
    offers = (
        "years.last=2029", "accelerators={h200-sxm: {price: 300000, last: 2029}}",
        "sites={abilene: {opening_cost: 0, existing: 12.5 MW}}",
        "rentals=[{accelerator: h200-sxm, site: abilene, price: $2/hour, max_count: 10000}]",
        f"reservations=[{{accelerator: h200-sxm, site: abilene, price: ${price}/hour, term: {term}, max_count: 5000}}]",
    )
    years = (2027, 2028, 2029)
    paper = solved_sets(folder, [demand(years, pods_of_demand(folder, 1, 1, 1)), *offers])
    signed = {y: n for y, n in paper.value("reserve", "period").items() if n > 1e-6} if reserved else {}
    assert len(signed) == reserved
    assert short_share(paper) == pytest.approx([0, 0, 0], abs=1e-6)


def test_who_is_served_where_money_is_short(folder):
    """Money for four pods that live a year: 2 pods' worth are asked for in 2027 and 8 in 2028. In per cent of its year
    a pod of 2027 counts four times one of 2028, so those two come first; in instances all count alike, and a pod of
    2028 counts 0.8 of its price."""
    pod = pod_price(Paper(folder))
    sets = (f"money.capex_budget={{2027: {4.1 * pod:.3f} million USD, 2028: 1}}", "money.carry_over=true",
            "money.it_life=1 year", "sites={abilene: {existing: 25 MW, power_price: 0}}")
    share, most = (solved(folder, (2, 8), *sets, f"goal={{kind: {kind}}}")
                   for kind in ("least_shortage_then_cost", "most_instances"))
    assert share.value("bought", "vintage") == {2027: 2, 2028: 2}
    assert most.value("bought", "vintage") == {2028: 4}


def test_state_is_mirrored_at_a_site_in_use(folder):
    """Hamina serves alone for 261.1. That Abilene, which mirrors it, be in use costs its opening, a phase and that
    one's upkeep: 100 + 100 + 2 x 1.8. Where Abilene stands already, it would serve alone, for Hamina need not be built;
    with the rule Hamina is built and serves beside it, which is cheaper than to be built and to serve nobody."""
    links = ("links={{include: true, module: 1 Gb/s, routing: {}, mirror_in_use: {}}}",
             "sites={{abilene: {{{}}}, hamina: {{lead_time: 12 months}}}}")
    for routing in ("fixed", "free"):
        alone, beside = (solved(folder, (3, 4), links[0].format(routing, rule), links[1].format(""))
                         for rule in ("false", "true"))
        assert alone.value("open", "place") == {"hamina": 1}
        assert beside.value("open", "place") == {"abilene": 1, "hamina": 1}
        assert beside.cost - alone.cost == pytest.approx(100 + 100 + 2 * 1.8)
    free, ruled = (solved(folder, (3, 4), links[0].format("fixed", rule), links[1].format("existing: 12.5 MW"))
                   for rule in ("false", "true"))
    assert (set(free.value("bought", "place", "vintage")), total(free, "open")) == (
        {("abilene", 2027), ("abilene", 2028)}, 0)
    assert set(ruled.value("bought", "place", "vintage")) == {("hamina", 2027), ("hamina", 2028)}
    assert ruled.cost == pytest.approx(alone.cost)
    scenario = beside.scenario
    assert build_problem(scenario, catalogue(tuple(scenario.catalogue))).table("companions").shape == (2, 3)
    assert set(plan_table(beside, "flows").query("traffic == 'mirrored state'")["to"]) <= {"abilene", "hamina"}
