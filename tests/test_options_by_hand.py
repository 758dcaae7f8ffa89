"""Each optional feature of a scenario where it changes the plan, on the round site of `test_by_hand`.

A phase of 12.5 MW carries 10 MW of IT for 100; opening costs 100; a pod of 1000 H200 takes 2 MW and serves with 900. An
annuity is 5/9 of the price; what is bought in 2028 counts 4/9 of it. Power costs 5 cents. All money in million USD.
"""

import pandas as pd
import pytest

from capacity.errors import InputError
from capacity.plan import assemble, audit, check_audit
from capacity.problem.energy import hour_factor
from capacity.scenario.options import HourPrice
from tests.test_by_hand import HOURS, Paper, demand, folder, pods_of_demand

__all__ = ["folder"]
BOTH = (2027, 2028)


def solved(folder, pods, *sets):
    """The paper scenario for as many pods a year, solved and audited."""
    paper = Paper(folder, demand(BOTH, pods_of_demand(folder, *pods)), *sets).solve()
    if sets:
        stages = pd.DataFrame([(s.order, s.objective) for s in paper.solution.stages], columns=["order", "objective"])
        check_audit(audit(paper.scenario, paper.problem, paper.solution.values, stages))
    return paper


def plan_table(paper, name):
    return assemble(paper.scenario, paper.problem, paper.solution).tables[name]


def pod_price(paper):
    return 1000 * (30000 + float(paper.problem.words["pods"]["fabric_usd_per_accelerator"].iloc[0])) / 1e6


def short_share(paper):
    return plan_table(paper, "schedule")["short_share"].tolist()


def total(paper, variable):
    return float(paper.solution.values[variable]["value"].sum()) if variable in paper.solution.values else 0.0


HALLS = "phases.types={{air: {{max_rack: {air}}}, liquid: {{max_rack: 200 kW, cost_factor: 1.5}}}}"


def test_dense_racks_need_the_dearer_halls(folder):
    """Eight H200 of 2 kW make a rack of 16 kW: too dense for air at 10 kW, not at 20 kW. A liquid phase costs 150."""
    liquid, air = (solved(folder, (5, 5), HALLS.format(air=kw)) for kw in ("10 kW", "20 kW"))
    assert liquid.value("built", "block") == {"liquid": 1}
    assert air.value("built", "block") == {"air": 1}
    assert liquid.cost - air.cost == pytest.approx(50 * (1 + 0.02 * 1.8))
    assert liquid.cash("shell", 2027) == pytest.approx(150)


GRID = "sites={abilene: {grid: {2027: 12.5 MW, 2028: 25 MW}}}"
TURBINE = "onsite={{turbines: {{size: 12.5 MW, price: {price}, life: 2 years, energy_price: $0.05/kWh, max_count: 1}}}}"


def test_a_grid_that_ramps_and_a_turbine_that_bridges(folder):
    """The grid carries one phase of 5 pods in 2027. A turbine of 12.5 MW at 1 a MW lets the second stand a year early:
    7 pods, at no dearer power. Turbines too dear do not change the shortage: it comes first."""
    ramp = solved(folder, (7, 7), GRID)
    assert ramp.value("bought", "vintage") == {2027: 5, 2028: 2}
    assert short_share(ramp) == pytest.approx([2 / 7, 0], abs=2e-3)
    bridge = solved(folder, (7, 7), GRID, TURBINE.format(price="$1 million"))
    assert bridge.value("bought", "vintage") == {2027: 7}
    assert bridge.value("built", "block", "period") == {("phase", 2027): 2, ("turbines", 2027): 1}
    assert bridge.cash("turbines", 2027) == pytest.approx(12.5)
    assert short_share(bridge) == pytest.approx([0, 0], abs=1e-6)


def test_storage_bridges_as_far_as_it_is_firm(folder):
    """Half of a battery of 12.5 MW counts: two of them carry the second phase."""
    battery = "onsite={battery: {size: 12.5 MW, price: $0.1 million, storage: 4 h, firm: 50 %}}"
    paper = solved(folder, (7, 7), GRID, battery, "time_slices=2")
    assert paper.value("built", "block", "period")["battery", 2027] == 2


LEASE = "leases=[{{site: abilene, size: 12.5 MW, price: {price}, term: {term}}}]"


def test_a_lease_is_cheaper_for_a_year_and_dearer_for_two(folder):
    """A phase for 2028 alone costs 4/9 of 100 and 0.8 of its upkeep of 2: 46. Leased at 4 a MW it costs 50 x 0.8 = 40.
    For 2027 a lease (50) does not pay beside a phase for both years (100 + 3.6 against 90, and the first must open the
    site): two leases of a year each and a phase in 2028 cost 50 + 46. At 6 a MW none is signed."""
    later = solved(folder, (5, 10), LEASE.format(price="$4 million", term=1))
    assert later.value("built", "block", "period") == {
        ("lease 1 (1 years)", 2027): 1, ("lease 1 (1 years)", 2028): 1, ("phase", 2028): 1}
    dear = solved(folder, (5, 10), LEASE.format(price="$6 million", term=1))
    assert dear.value("built", "block", "period") == {("phase", 2027): 1, ("phase", 2028): 1}
    assert later.cost < dear.cost


def test_a_term_is_paid_to_its_end(folder):
    """Needed in 2027 only: a phase costs its first annuity and no more may be asked, a lease of two years 2 x 50."""
    one, two = (solved(folder, (5, 0), LEASE.format(price="$4 million", term=t), "money.horizon_credit=false")
                for t in (1, 2))
    assert one.cash("lease", 2028) == 0
    assert two.cash("lease", 2027) == two.cash("lease", 2028) == pytest.approx(50)
    assert two.cost - one.cost == pytest.approx(50 * 0.8)


def test_an_owned_site_is_given_up_when_nothing_is_asked_there(folder):
    """Abilene (25 MW, no opening) serves 5 pods in 2027 and nothing after: it is held for 30 in 2027 only."""
    owned = "sites={abilene: {existing: 25 MW, holding_cost: $30 million}}"
    paper = solved(folder, (5, 0), owned)
    assert paper.value("held", "period") == {2027: 1}
    assert paper.cash("holding", 2027) == pytest.approx(30)
    assert paper.cash("holding", 2028) == 0
    assert paper.cash("shell upkeep", 2027) == pytest.approx(0.02 * 100, rel=2e-3)
    both = solved(folder, (5, 5), owned)
    assert both.value("held", "period") == {2027: 1, 2028: 1}


def test_a_site_is_sold_when_it_is_needed_no_more(folder):
    """It costs nothing to hold, and brings 50 in 2028: 50 x 4/9 in the objective, as an opening of that year costs."""
    owned = "sites={{abilene: {{existing: 12.5 MW, holding_cost: 0{}}}}}"
    kept, sold = (solved(folder, (5, 0), owned.format(more)) for more in ("", ", sale_value: $50 million"))
    assert sold.value("held", "period") == {2027: 1}
    assert sold.value("given_up", "period") == {2028: 1}
    assert sold.cash("site sale", 2028) == pytest.approx(-50)
    assert kept.cost - sold.cost == pytest.approx(50 * 4 / 9)
    with pytest.raises(InputError, match=r"sites.abilene.sale_value: in 2027 .* more than the 100.0 that it costs"):
        Paper(folder, "sites={abilene: {holding_cost: 0, sale_value: $200 million}}")


def test_failures_beyond_the_spares_need_more_pods(folder):
    """A fifth is always in repair (one failure a year, 73.05 days), a tenth is spare: 800 of 1000 serve. At twice the
    failures a year later 600 do: 4 pods' worth is 4.5, then 6 pods. Upkeep doubles with them."""
    failures = "pods.failures={per_year: 1, repair_time: 73.05 days, growth: 2}"
    paper = solved(folder, (4, 4), failures)
    assert paper.problem.table("ageing")["serving"].tolist() == pytest.approx([800 / 900, 600 / 900])
    assert paper.problem.table("ageing")["upkeep"].tolist() == [1, 2]
    plain = solved(folder, (4, 4))
    assert plain.value("bought", "vintage") == {2027: 4}
    bought = paper.value("bought", "vintage")
    assert 600 * bought[2027] + 800 * bought.get(2028, 0) >= 3600 * 0.999 - 1e-6
    assert 800 * bought[2027] >= 3600 * 0.999 - 1e-6


def test_used_accelerators_are_sold_and_never_bought_to_be_sold(folder):
    """Of 5 pods 2 are needed in 2028: three leave for 60 % of 30 each. The objective counts their last annuity in the
    same proportion: with a year of life left, 18 paid back a year later are worth 14.4."""
    sale = "money.resale=0.6"
    paper, plain = solved(folder, (5, 2), sale), solved(folder, (5, 2))
    assert paper.cash("resale", 2028) == pytest.approx(-3 * 18, rel=1e-3)
    assert plain.cost - paper.cost == pytest.approx(3 * 18 * 0.8, rel=1e-3)
    assert paper.value("bought", "vintage") == plain.value("bought", "vintage") == {2027: 5}


@pytest.mark.parametrize("credit", ["true", "false"])
@pytest.mark.parametrize("factor", [0.5, 0.95, 0.999])
def test_buying_to_sell_never_profits(folder, credit, factor):
    """However high resale is below replacement, and however little of a life the horizon sees: what is bought is what
    demand needs."""
    sets = (f"money.resale={factor}", f"money.horizon_credit={credit}", "money.upkeep_share=0", "money.it_life=5 years")
    paper = solved(folder, (3, 0), *sets)
    assert paper.value("bought", "vintage") == {2027: 3}
    assert paper.cost > 0


def test_reserving_for_a_term_beats_rent_by_the_year(folder):
    """Rent at $2, two years reserved at $1: 900 accelerators x 8766 h. Without sites of its own, that is the plan."""
    offers = (
        "rentals=[{accelerator: h200-sxm, site: abilene, price: $2/hour, max_count: 10000}]",
        "reservations=[{accelerator: h200-sxm, site: abilene, price: $1/hour, term: 2, max_count: 10000}]",
        "accelerators={h200-sxm: {price: 300000}}", "sites={abilene: {opening_cost: 0, existing: 12.5 MW}}",
    )
    paper = solved(folder, (1, 1), *offers)
    assert paper.value("reserve", "period") == {2027: pytest.approx(0.999 * 0.9)}
    assert paper.cash("reserved", 2028) == pytest.approx(0.999 * 900 * HOURS / 1e6)
    dearer = offers[1].replace("$1/hour", "$1.5/hour")
    once = solved(folder, (1, 0), offers[0], dearer, *offers[2:])
    assert once.value("rent", "period") == {2027: pytest.approx(0.999 * 0.9)}, "2 against 1.5 x 1.8 for the whole term"


def test_export_rules_send_the_fleet_elsewhere(folder):
    """Finland may not have the H200: all of it goes to the dearer Abilene; up to 2,000 may go when the rule says so."""
    sites = "sites=[abilene, hamina]"
    years = ("phases.orders_from=2025",)
    free = solved(folder, (3, 3), sites, *years)
    assert set(free.value("bought", "place")) == {"hamina"}
    ruled = solved(folder, (3, 3), sites, "exports=[{accelerators: [h200-sxm], countries: [FIN]}]", *years)
    assert ruled.value("bought", "place") == {"abilene": 3}
    some = solved(folder, (3, 3), sites, "exports=[{accelerators: [h200-sxm], countries: [FIN], most: 2000}]", *years)
    assert some.value("bought", "place").get("hamina", 0) <= 2


def test_a_vendor_may_own_at_most_its_share_of_the_fleet(folder):
    """At most half of the fleet from NVIDIA: as many MI300X as H200, though they are dear."""
    two = "accelerators={h200-sxm: {price: 30000}, mi300x: {price: 90000, last: 2030}}"
    assert set(solved(folder, (4, 4), two).value("bought", "asset")) == {"h200-sxm"}
    half = solved(folder, (4, 4), two, "supply.vendor_share={NVIDIA: 50 %}")
    bought = half.value("bought", "asset")
    assert bought["mi300x"] >= bought.get("h200-sxm", 0) > 0


def test_a_minimum_order_and_its_cost(folder):
    """2 pods are needed, later 4: with orders of at least 4,000 all are bought at once, or 4 in each year."""
    paper = solved(folder, (2, 4), "accelerators.h200-sxm={price: 30000, minimum_order: 4000, order_cost: $7 million}")
    assert paper.value("bought", "vintage") == {2027: 4}
    assert paper.cash("orders", 2027) == pytest.approx(7)
    assert solved(folder, (2, 4)).value("bought", "vintage") == {2027: 2, 2028: 2}


def test_a_contract_must_be_taken(folder):
    paper = solved(folder, (2, 2), "accelerators.h200-sxm={price: 30000, contract: {2028: 3000}}")
    assert paper.value("bought", "vintage") == {2027: 2, 2028: 3}


def test_a_lead_time_from_order_to_service(folder):
    """Orders from 2026 with 24 months: nothing before 2028."""
    paper = solved(folder, (2, 2), "accelerators.h200-sxm={price: 30000, lead_time: 24 months}")
    assert paper.value("bought", "vintage") == {2028: 2}
    assert short_share(paper) == pytest.approx([1, 0], abs=1e-6)


def test_packaging_is_shared(folder):
    """An H200 takes 0.0345 of a wafer: 100 wafers are 2 pods of 1000 a year."""
    paper = solved(folder, (5, 5), "supply.packaging={2027: 100}")
    assert paper.value("bought", "vintage") == {2027: 2, 2028: 2}


def test_a_price_path(folder):
    paper = solved(folder, (5, 5), "accelerators.h200-sxm={price_by_year: {2027: 40000, 2028: 20000}}")
    assert paper.cash("accelerators", 2027) == pytest.approx(5 * 40)


def test_a_budget_carries_over(folder):
    """2027 needs opening, a phase and 2 pods (268.6 of 300); what is left buys the third pod of 2028 beside 5."""
    sets = ("money.capex_budget={2027: 300 million USD, 2028: 5 million USD}",)
    strict = solved(folder, (2, 3), *sets)
    assert strict.value("bought", "vintage") == {2027: 2}
    carried = solved(folder, (2, 3), *sets, "money.carry_over=true")
    assert carried.value("bought", "vintage") == {2027: 2, 2028: 1}


def test_milestones_are_paid_before_service(folder):
    """Half of a pod of 2028 is paid in 2027, where the budget ends after 5 pods of 2027: it does not fit; paid on
    delivery it does. In the objective the early half costs a quarter more."""
    pods = (5, 6)
    budget = "money.capex_budget={2027: 372 million USD, 2028: 50 million USD}"
    early = "money.milestones={accelerators: {1: 50 %, 0: 50 %}}"
    room = "sites={abilene: {existing: 12.5 MW, grid_limit: 50 MW}}"
    late = solved(folder, pods)
    ahead = solved(folder, pods, early)
    assert ahead.cash("accelerators", 2027) == pytest.approx(5 * 30 + 15)
    assert ahead.cash("accelerators", 2028) == pytest.approx(15)
    assert ahead.cost - late.cost == pytest.approx(30 * (0.5 * 1.25 + 0.5 - 1) * 4 / 9)
    assert solved(folder, pods, budget, room).value("bought", "vintage") == {2027: 5, 2028: 1}
    tight = "money.capex_budget={2027: 172 million USD, 2028: 150 million USD}"
    assert solved(folder, pods, tight, room).value("bought", "vintage") == {2027: 5, 2028: 1}
    assert solved(folder, pods, tight, room, early).value("bought", "vintage") == {2027: 5}


def test_without_the_horizons_credit_the_last_years_starve(folder):
    """Shortage at its price: a pod in 2028 costs 4/9 of 34.3 with the credit and 0.8 without, against what its
    instances are worth in that one year. A phase stands for both years, so only pods starve."""
    each = pods_of_demand(folder, 1)[0] / 0.999
    worth = 0.62 * 34.3e6 / (each * HOURS)  # per instance-hour: between the two
    goal = f"goal={{kind: least_cost, shortage_price: {worth:.8f}}}"
    owned = "sites={abilene: {existing: 12.5 MW, power_price: 0}}"
    frugal = ("money.upkeep_share=0", "money.it_life=5 years")

    class Cost(Paper):
        def solve(self):
            from capacity.solving import Options, solve

            self.solution = solve(self.problem, Options(gap=0.0))
            return self

    amounts = demand(BOTH, pods_of_demand(folder, 1, 4))
    credit = Cost(folder, amounts, goal, owned, *frugal).solve()
    whole = Cost(folder, amounts, goal, owned, *frugal, "money.horizon_credit=false").solve()
    assert credit.value("bought", "vintage") == {2027: 1, 2028: 3}
    assert whole.value("bought", "vintage") == {2027: 1}


def test_hours_of_the_day_have_their_price():
    windows = [HourPrice(start=8, hours=12, factor=2.0), HourPrice(start=12, hours=4, factor=0.5)]
    assert hour_factor(windows, 0.0, 0.0, 24.0) == pytest.approx((12 + 8 * 2 + 4 * 0.5) / 24)
    assert hour_factor(windows, 0.0, 12.0, 4.0) == pytest.approx(0.5)
    assert hour_factor(windows, -90.0, 18.0, 4.0) == pytest.approx(0.5), "18 UTC is noon at 90 degrees west"


def test_energy_by_source_costs_what_one_price_costs(folder):
    """Without prices by hour the plan and its cost are those of the yearly price; a fixed half of the overhead is
    drawn by the idle phase too."""
    plain = solved(folder, (5, 5), "time_slices=2")
    drawn = solved(folder, (5, 5), "time_slices=2", "energy={}")
    assert drawn.cost == pytest.approx(plain.cost, rel=1e-6)
    assert drawn.cash("energy", 2028) == pytest.approx(plain.cash("energy", 2028), rel=1e-5)
    fixed = solved(folder, (5, 5), "time_slices=2", "energy={overhead_fixed: 50 %}")
    used = plain.cash("energy", 2027) / 1.2  # at PUE 1
    assert fixed.cash("energy", 2027) == pytest.approx(used * 1.1 + 10 * 0.1 * HOURS * 50 / 1e6, rel=1e-4)


def test_a_carbon_limit_moves_service_to_the_cleaner_grid(folder):
    """Abilene (400 g) is nearer, Hamina (50 g) has to serve what the limit does not allow there."""
    amounts = ("sites={abilene: null, hamina: {lead_time: 12 months, opening_cost: 300000000}}",)
    dirty = solved(folder, (4, 4), *amounts, "energy={}")
    assert set(dirty.value("bought", "place")) == {"abilene"}
    tonnes = float(plan_table(dirty, "schedule")["carbon_kt"].max())
    clean = solved(folder, (4, 4), *amounts, f"energy={{carbon_limit: {{2027: {tonnes * 600:.0f} tonnes}}}}")
    assert "hamina" in clean.value("bought", "place")
    assert plan_table(clean, "schedule")["carbon_kt"].max() <= 0.6 * tonnes * 1.001


def test_a_clean_share_is_bought_at_its_premium(folder):
    """All of it clean from 2028 on: the premium of 2 cents on that year's power."""
    energy = "energy={{clean_power: {{premium: $0.02/kWh}}, clean_share: {{2027: 0, 2028: {share}}}}}"
    none, full = (solved(folder, (4, 4), energy.format(share=s)) for s in (0, 1))
    power = none.cash("energy", 2028) / 0.05
    assert full.cash("energy", 2028) - none.cash("energy", 2028) == pytest.approx(power * 0.02, rel=1e-4)
    assert full.cash("energy", 2027) == pytest.approx(none.cash("energy", 2027))


def test_water_has_a_price(folder):
    plain = solved(folder, (4, 4), "energy={}")
    priced = solved(folder, (4, 4), "energy={water_price: $5/tonne}")
    litres = plan_table(plain, "power")["energy_gwh"].sum() * 1e6 * 0.4 / 1.2
    paid = sum(priced.cash("energy", y) - plain.cash("energy", y) for y in BOTH)
    assert paid == pytest.approx(litres / 1000 * 5 / 1e6, rel=1e-4)


def test_a_site_may_change_by_so_many_mw_a_year(folder):
    """6 MW of IT a year are three pods: the 8 of 2028 need 5 in 2027, where nothing stands before and 4 would do."""
    paper = solved(folder, (4, 8), "stability={site_change: 6 MW}")
    assert paper.value("bought", "vintage") == {2027: 5, 2028: 3}
    assert solved(folder, (4, 8)).value("bought", "vintage") == {2027: 4, 2028: 4}


def test_a_class_may_not_move(folder):
    """Hamina opens in 2028 with cheaper power; unless moving is free of limits, the class stays at Abilene."""
    two = ("sites={abilene: {power_price: $0.5/kWh}, hamina: {opening_cost: 0, existing: 25 MW, power_price: 0, "
           "earliest: 2028}}", "accelerators={h200-sxm: {price: 30000}}")
    stays = solved(folder, (3, 3), *two, "stability={move_share: 0 %}")
    where = plan_table(stays, "placement").groupby(["year", "site"])["instances"].sum()
    for site in ("abilene", "hamina"):
        assert where.get((2027, site), 0.0) == pytest.approx(where.get((2028, site), 0.0), rel=1e-3, abs=1.0)


BATCH = (
    "time_slices=3",
    "demand={classes: {chat: {by_year: {2027: %s, 2028: %s}}, study: {by_year: {2027: %s, 2028: %s}}}}",
    "classes.chat={output_tokens: 30k, fresh_input_tokens: 10k, context_mean: 8k, ttft: 2 s, tpot: 50 ms, "
    "duty: {start: 9, hours: 8}}",
    "classes.study={output_tokens: 30k, fresh_input_tokens: 10k, context_mean: 8k, %s}",
    "variants.v={model: gpt-oss-120b, weights: fp4, equivalence: {chat: 1, study: 1}}",
)


def test_batch_work_fills_the_night(folder):
    """Chat takes 4 pods for the 8 hours of a working day, study 2 pods' worth around the clock. With limits of its own
    study needs 2 more; as batch work it needs 3 pods for the other 16 hours, which are there: none is bought for it."""
    chat, study = pods_of_demand(folder, 4, 2)
    amounts = (chat, chat, study, study)
    sets = [text % amounts if "by_year" in text else text for text in BATCH]
    timed, batch = (
        solved_sets(folder, [text % limits if "%s" in text else text for text in sets])
        for limits in ("ttft: 2 s, tpot: 50 ms", "batch: true"))
    assert timed.value("bought", "vintage") == {2027: 6}
    assert batch.value("bought", "vintage") == {2027: 4}
    day = plan_table(batch, "day").query("year == 2027 and batch")
    assert (day["instances"] * day["hours"]).sum() / HOURS == pytest.approx(study, rel=1e-6)
    served = plan_table(batch, "served").query("service_class == 'study'")
    assert served["instance_hours_served"].tolist() == pytest.approx([study * HOURS] * 2, rel=1e-6)
    assert short_share(batch) == pytest.approx([0, 0], abs=1e-6)


def solved_sets(folder, sets):
    paper = Paper(folder, *sets).solve()
    stages = pd.DataFrame([(s.order, s.objective) for s in paper.solution.stages], columns=["order", "objective"])
    check_audit(audit(paper.scenario, paper.problem, paper.solution.values, stages))
    return paper
