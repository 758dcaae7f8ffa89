"""More of a scenario's features where they change the plan, on the round site of `test_by_hand`: time zones, variants,
shared supply, hours of the day, what is written off. Money in million USD; see `test_options_by_hand` for the site."""

import pytest

from tests.test_by_hand import demand, folder, pods_of_demand
from tests.test_options_by_hand import BOTH, plan_table, pod_price, short_share, solved, solved_sets

__all__ = ["folder"]
DUTY = ("classes.chat={output_tokens: 30k, fresh_input_tokens: 10k, context_mean: 8k, ttft: 2 s, tpot: 50 ms, "
        "duty: {start: 9, hours: 9}}")
"""Nine hours: three slices of three hours, in a time zone of whole hours."""


def test_two_regions_share_pods_around_the_clock(folder):
    """Eight pods' worth in all, half in the United States (9 to 18 is 15 to 24 UTC), half in Japan (0 to 9 UTC). In one
    slice of 24 hours both count at once; in slices of three hours 4 pods serve the one day, then the other."""
    both = ("regions=[usa, japan]", demand(BOTH, pods_of_demand(folder, 8, 8)).replace(
        "demand={", "demand={split: {usa: 50 %, japan: 50 %}, "), DUTY)
    once = solved_sets(folder, both)
    shared = solved_sets(folder, [*both, "time_slices=8"])
    assert once.value("bought", "vintage") == {2027: 8}
    assert shared.value("bought", "vintage") == {2027: 4}
    assert short_share(shared) == pytest.approx([0, 0], abs=1e-6)


VARIANT = "variants.v={{model: gpt-oss-120b, weights: fp4, equivalence: {{chat: 1}}{}}}"
BETTER = "variants.better={{model: gpt-oss-120b, weights: fp4, equivalence: {{chat: 2}}{}}}"


def test_a_variant_that_appears_in_a_year(folder):
    """Worth twice as much and there from 2028 on: 4 pods serve in 2027, and the 8 of 2028 too."""
    better = solved(folder, (4, 8), VARIANT.format(""), BETTER.format(", available: 2028"))
    assert better.value("bought", "vintage") == {2027: 4}
    assert solved(folder, (4, 8)).value("bought", "vintage") == {2027: 4, 2028: 4}


def test_a_class_is_routed_over_two_variants(folder):
    """The better variant may take half: 8 pods' worth takes 4 for one half, 2 for the other."""
    routed = solved(folder, (8, 8), VARIANT.format(""), BETTER.format(", available: 2027, max_share: {chat: 50 %}"))
    assert routed.value("bought", "vintage") == {2027: 6}
    used = plan_table(routed, "sharding").query("year == 2027").set_index("variant")["instances"]
    assert used["better"] == pytest.approx(used["v"], rel=1e-6)


@pytest.mark.parametrize(("supply", "bought"), [
    ("supply.hbm={2027: 300 TB/year, 2028: 600 TB/year}", {2027: 2, 2028: 3}),
    ("supply.vendors={NVIDIA: {2027: 3000, 2028: 1000}}", {2027: 3, 2028: 1}),
    ("supply.accelerators={2027: 4000, 2028: 4000}", {2027: 4, 2028: 1}),
    ("accelerators.h200-sxm={price: 30000, supply: {2027: 1500, 2028: 9000}}", {2027: 1, 2028: 4}),
])
def test_shared_supply_bounds_what_enters_service(folder, supply, bought):
    """A pod of 1000 H200 holds 141 TB of HBM: 300 TB are two pods a year, then 600 are four, of which three are
    needed. Of accelerators, a vendor's or a type's as many thousand as are given."""
    assert solved(folder, (5, 5), supply).value("bought", "vintage") == bought


def test_power_in_service_bounds_phases(folder):
    """25 MW carry two phases of ten pods; 12.5 MW one of five."""
    wide, tight = (solved(folder, (7, 7), f"supply.power={{2027: {mw} MW}}") for mw in (25, 12.5))
    assert wide.value("built", "period") == {2027: 2}
    assert tight.value("built", "period") == {2027: 1}
    assert tight.value("bought", "vintage") == {2027: 5}


def test_land_bounds_phases_at_a_site(folder):
    """A site of at most 12.5 MW takes one phase of five pods, though seven are asked for and the grid has room."""
    paper = solved(folder, (7, 7), "phases.site_limit=12.5 MW")
    assert paper.value("built", "period") == {2027: 1}
    assert paper.value("bought", "vintage") == {2027: 5}
    assert short_share(paper) == pytest.approx([2 / 7, 2 / 7], rel=1e-2)


def test_an_opex_budget_runs_no_more_than_it_pays_for(folder):
    """What three pods cost a year to run, power and upkeep, pays for three of the five that are asked for."""
    three = plan_table(solved(folder, (3, 3)), "schedule")["opex_usd"].min()
    paper = solved(folder, (5, 5), f"money.opex_budget={{2027: {three:.0f}}}")
    assert paper.value("bought", "vintage") == {2027: 3}
    assert short_share(paper) == pytest.approx([2 / 5, 2 / 5], rel=1e-2)


def test_an_opex_budget_counts_sites_from_when_they_are_ready(folder):
    """Hamina is ready in 2028 only: nothing can run there in 2027, and the budget of that year knows nothing of it."""
    sites = "sites={abilene: {}, hamina: {earliest: 2028}}"
    paper = solved(folder, (3, 3), sites, "money.opex_budget={2027: $100 million}")
    assert short_share(paper) == pytest.approx([0, 0], abs=1e-6)


def test_idle_machines_draw_power(folder):
    """Of five pods of 2 MW 0.9 x 0.999 run; the rest draws 30 % of its power, all at a PUE of 1.2, for a year."""
    busy, idle = (plan_table(solved(folder, (5, 3), *more), "schedule")["energy_gwh"].iloc[0]
                  for more in (("energy={}",), ("energy={idle_power: 30 %}",)))
    assert idle - busy == pytest.approx(10 * (1 - 0.9 * 0.999) * 0.3 * 1.2 * 8766 / 1000, rel=1e-6)


def test_an_owned_site_is_expanded(folder):
    """12.5 MW stand already and carry five pods: the second phase alone is built, and nothing is opened."""
    paper = solved(folder, (5, 7), "sites={abilene: {existing: 12.5 MW, grid_limit: 25 MW}}")
    assert paper.value("built", "period") == {2028: 1}
    assert paper.cash("opening", 2027) == paper.cash("opening", 2028) == 0


def test_batch_work_waits_for_the_cheap_hours(folder):
    """Power is three times as dear in twelve hours of the day. Two pods' worth of work around the clock takes 4 pods
    if it is all done in the other twelve; where 4 stand anyway (for a day of chat), so it is done."""
    chat, study = pods_of_demand(folder, 4, 1.5)
    sets = ["time_slices=8", "energy={hour_prices: [{start: 18, hours: 12, factor: 3}]}", DUTY.replace("9}}", "9}}"),
            f"demand={{classes: {{chat: {{start: {chat}, end: {chat}}}, study: {{start: {study}, end: {study}}}}}}}",
            "classes.study={output_tokens: 30k, fresh_input_tokens: 10k, context_mean: 8k, batch: true}",
            "variants.v={model: gpt-oss-120b, weights: fp4, equivalence: {chat: 1, study: 1}}"]
    flat = solved_sets(folder, [s for s in sets if "hour_prices" not in s] + ["energy={}"])
    dear = solved_sets(folder, sets)
    assert flat.value("bought", "vintage") == dear.value("bought", "vintage") == {2027: 4}
    price = dear.problem.table("sources").query("period == 2027").set_index("slice")["cash"]
    done = plan_table(dear, "day").query("year == 2027 and batch").set_index("slice")["accelerators_used"]
    cheap = price[price < 1.5 * price.min()].index
    busy = plan_table(dear, "day").query("year == 2027 and not batch").set_index("slice")["accelerators_used"]
    room = sum(4 * 900 - busy.get(h, 0.0) for h in cheap)
    assert done.reindex(cheap).fillna(0.0).sum() == pytest.approx(min(room, done.sum()), rel=2e-3)
    assert sum(dear.cash("energy", y) for y in BOTH) > sum(flat.cash("energy", y) for y in BOTH)


def test_power_has_its_price_in_each_year_and_carbon_too(folder):
    """5 cents in 2027 and 10 in 2028; 400 g/kWh at 100 a tonne add 4 cents."""
    plain = solved(folder, (4, 4), "energy={}")
    by_year = solved(folder, (4, 4), "energy={}", "sites={abilene: {power_prices: {2027: $0.05/kWh, 2028: $0.1/kWh}}}")
    assert by_year.cash("energy", 2027) == pytest.approx(plain.cash("energy", 2027))
    assert by_year.cash("energy", 2028) == pytest.approx(2 * plain.cash("energy", 2028))
    taxed = solved(folder, (4, 4), "energy={carbon_price: {2027: 100}}")
    assert taxed.cash("energy", 2027) == pytest.approx(plain.cash("energy", 2027) * 9 / 5)


def test_a_water_limit_leaves_demand_short(folder):
    """Half of the water that all of it takes serves half of it."""
    plain = solved(folder, (4, 4), "energy={}")
    tonnes = plan_table(plain, "power")["energy_gwh"].max() * 1e6 * 0.4 / 1.2 / 1000
    half = solved(folder, (4, 4), f"energy={{water_limit: {{2027: {tonnes / 2:.6f}}}}}")
    assert short_share(half) == pytest.approx([0.5, 0.5], rel=1e-3)


def test_a_class_may_take_so_many_more_accelerators_a_year(folder):
    """2 pods' worth in 2027 and 4 in 2028: of the 3596 accelerators of 2028 at least 2596 must run the class before, so
    three pods come in 2027 and one in 2028."""
    paper = solved(folder, (2, 4), "stability={class_change: 1000}")
    assert paper.value("bought", "vintage") == {2027: 3, 2028: 1}
    assert paper.value("use", "period")[2027] == pytest.approx(4 * 0.999 * 0.9 - 1)


def test_the_loss_of_a_group_of_sites_is_borne_by_the_third(folder):
    """Two sites of one grid and Hamina: after the loss of the two, Hamina alone serves half."""
    room = "existing: 25 MW"
    sets = (f"sites={{abilene: {{{room}}}, columbus: {{{room}}}, hamina: {{{room}, power_price: 1}}}}",
            "resilience={groups: {states: [abilene, columbus]}, keep: 50 %}")
    free, borne = solved(folder, (4, 4), sets[0]), solved(folder, (4, 4), *sets)
    assert "hamina" not in free.value("bought", "place", "vintage")
    assert sum(n for (p, _), n in borne.value("bought", "place", "vintage").items() if p == "hamina") == 2


def test_what_is_invested_is_written_off_and_half_of_it_owed(folder):
    """5 pods with their fabric and a phase over two years, the opening never: after 2027 half of them is left, after
    2028 the opening alone. Debt is half of the book value, at 6 %. A margin of a fifth of the price and 10 % inflation
    a year from 2027 on."""
    paper = solved(folder, (5, 5), "money.debt_share=50 %", "money.margin=20 %", "money.general_inflation=10 %")
    accounts = plan_table(paper, "accounts").set_index("year")
    pods, shell = 5 * pod_price(paper), paper.cash("shell", 2027)
    assert accounts.loc[2027, "invested_usd"] / 1e6 == pytest.approx(pods + shell + paper.cash("opening", 2027))
    assert accounts.loc[2027, "depreciation_usd"] / 1e6 == pytest.approx((pods + shell) / 2)
    assert accounts.loc[2028, "book_usd"] / 1e6 == pytest.approx(paper.cash("opening", 2027), rel=1e-5)
    assert accounts["debt_usd"].tolist() == pytest.approx((accounts["book_usd"] / 2).tolist())
    assert accounts["interest_usd"].tolist() == pytest.approx((accounts["book_usd"] * 0.03).tolist())
    prices = plan_table(paper, "prices").set_index("year")
    assert set(prices["price_year"]) == {2027}
    cost = plan_table(paper, "schedule").set_index("year")["usd_per_instance_hour"]
    assert prices["price_usd_per_instance_hour"].tolist() == pytest.approx((cost / 0.8).tolist())
    assert prices.loc[2028, "real_price_usd_per_instance_hour"] == pytest.approx(cost[2028] / 0.8 / 1.1)
    tokens = 30_000  # of an instance-hour
    assert prices.loc[2027, "price_usd_per_million_output_tokens"] == pytest.approx(cost[2027] / 0.8 / tokens * 1e6)
