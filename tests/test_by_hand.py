"""Whole scenarios small enough for paper: from YAML and tables to the plan, every number worked out in a comment.

The site is round: 12.5 MW phases carry 10 MW of IT (peak PUE 1.25) at 10 million USD per MW; opening costs 100; an H200
is 30 thousand USD and 2 kW, a pod of 1000 takes 2 MW and serves with 900 (a tenth is spare). Money: 25 % a year and two
years of life, so that an annuity is 5/9 of the price (5/9 + 0.8 x 5/9 = 1); nothing grows in price. Only what the
physics of serving says is read from the plan: instances and watts per accelerator (tests/serving), and the fabric's
price (tests/network).
"""

from functools import lru_cache

import pytest

from capacity.catalogue import load_catalogue
from capacity.formulation.limits import KEYS
from capacity.problem import build_problem
from capacity.scenario import load_scenario
from capacity.solving import Options, solve
from tests.support.scenarios import ACCELERATORS, SITES

YAML = """\
name: paper
years: {first: 2027, last: 2028}
classes: {chat: {output_tokens: 30k, fresh_input_tokens: 10k, context_mean: 8k, ttft: 2 s, tpot: 50 ms}}
variants: {v: {model: gpt-oss-120b, weights: fp4, equivalence: {chat: 1.0}}}
demand: {classes: {chat: {by_year: {2027: 1, 2028: 1}}}}
regions: [usa]
sites: [abilene]
accelerators: {h200-sxm: {price: 30000}}
pods: {size: 1000, spare_share: 10 %}
phases: {size: 12.5 MW, orders_from: 2026}
links: {include: false}
serving: {plans_per_cell: 1}
money:
  {discount_rate: 25 %, price_year: 2027, it_life: 2 years, shell_life: 2 years, upkeep_share: 3 %,
   shell_upkeep_share: 2 %, build_cost_growth: 1, power_price_growth: 1, general_inflation: 0}
catalogue: [round]
"""
HOURS = 8766.0
NEAR = 1e-4
"""A pod more or less is 10 % here; demand is a thousandth below whole pods, so that nothing hangs on rounding."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the scenario and its tables of round numbers lie."""
    made = tmp_path_factory.mktemp("paper")
    (made / "round").mkdir()
    (made / "round" / "sites.csv").write_text(SITES, encoding="utf-8")
    (made / "round" / "accelerators.csv").write_text(ACCELERATORS, encoding="utf-8")
    (made / "paper.yaml").write_text(YAML, encoding="utf-8")
    return made


@lru_cache
def catalogue(tables):
    return load_catalogue(tables)


class Paper:
    """A scenario from YAML and overrides, its problem, and what the physics says of its first configuration."""

    def __init__(self, folder, *sets):
        self.scenario = load_scenario(folder / "paper.yaml", sets)
        self.problem = build_problem(self.scenario, catalogue(tuple(self.scenario.catalogue)))
        self.serving = self.problem.words["serving"].set_index("accelerator")

    def solve(self):
        self.solution = solve(self.problem, Options(gap=0.0))
        assert self.solution.status == "optimal"
        self.shortage, self.cost = (s.objective for s in self.solution.stages)
        return self

    def value(self, variable, *keys):
        """{key, or tuple of keys: value} of a variable whose other keys never change."""
        table = self.solution.values[variable].round({"value": 6})
        assert not table.duplicated(list(keys)).any()
        return table.set_index(list(keys) if len(keys) > 1 else keys[0])["value"].to_dict()

    def cash(self, topic, year):
        """Nominal million USD paid on a topic in a year: the plan times the cost rows."""
        total = 0.0
        rows = self.problem.words["costs"]
        rows = rows[(rows["topic"] == topic) & (rows["year"] == year)]
        for variable, chosen in rows.groupby("variable"):
            keys = list(KEYS[variable])
            both = chosen.merge(self.solution.values[variable].set_axis([*keys, "value"], axis=1), on=keys)
            total += float((both["cash"] * both["value"]).sum())
        return total


@lru_cache
def instances_per_accelerator(folder):
    return float(Paper(folder).serving.loc["h200-sxm", "instances_per_accelerator"])


def pods_of_demand(folder, *pods):
    """Demand by year, in instances, that takes this many pods of 900 accelerators, less a thousandth."""
    return [0.999 * n * 900 * instances_per_accelerator(folder) for n in pods]


def demand(years, amounts):
    by_year = ", ".join(f"{y}: {n:.10g}" for y, n in zip(years, amounts, strict=True))
    return f"demand={{classes: {{chat: {{by_year: {{{by_year}}}}}}}}}"


def test_one_site_one_accelerator_one_class_two_years(folder):
    """5 pods in 2027 (10 MW: one phase), 7 in 2028 (14 MW: two phases)."""
    paper = Paper(folder, demand((2027, 2028), pods_of_demand(folder, 5, 7))).solve()
    assert paper.shortage == pytest.approx(0, abs=1e-6)
    assert paper.value("open", "period") == {2027: 1}
    assert paper.value("built", "period") == {2027: 1, 2028: 1}
    assert paper.value("bought", "vintage") == {2027: 5, 2028: 2}
    fabric = float(paper.problem.words["pods"]["fabric_usd_per_accelerator"].iloc[0])
    pod = 1000 * (30000 + fabric) / 1e6
    watts = paper.serving.loc["h200-sxm", "power_w_per_accelerator"]
    # energy of a year: 900 of each pod x watts x PUE 1.2 x 8766 h at 5 cents per kWh, in million USD
    energy = [n * 0.999 * 900 * watts * 1.2 * HOURS / 1000 * 0.05 / 1e6 for n in (5, 7)]
    for year, opening, shell, chips, upkeep, shells_kept, used in (
        (2027, 100, 100, 5 * 30, 5 * 0.03 * pod, 0.02 * 100, energy[0]),
        (2028, 0, 100, 2 * 30, 7 * 0.03 * pod, 2 * 0.02 * 100, energy[1]),
    ):
        assert paper.cash("opening", year) == pytest.approx(opening)
        assert paper.cash("shell", year) == pytest.approx(shell)
        assert paper.cash("accelerators", year) == pytest.approx(chips)
        assert paper.cash("upkeep", year) == pytest.approx(upkeep, rel=2e-3)  # a thousandth may be switched off
        assert paper.cash("shell upkeep", year) == pytest.approx(shells_kept)
        assert paper.cash("energy", year) == pytest.approx(used, rel=1e-6)
    # Objective: what lives two years inside the horizon is charged in full, what lives one of them 5/9, discounted
    # by 0.8: 4/9. Upkeep and energy of 2028 count 0.8.
    whole, half = 1.0, 5 / 9 * 0.8
    expected = (
        100 * whole + 100 * whole + 100 * half + 5 * pod * whole + 2 * pod * half
        + (5 + 0.8 * 7) * 0.03 * pod + 0.02 * 100 * (1 + 0.8 * 2) + energy[0] + 0.8 * energy[1]
    )
    assert paper.cost == pytest.approx(expected, rel=NEAR)


def test_without_the_credit_all_is_charged_when_paid(folder):
    """As above, but capex of 2028 counts 0.8 instead of 4/9."""
    amounts = demand((2027, 2028), pods_of_demand(folder, 5, 7))
    credit = Paper(folder, amounts).solve()
    whole = Paper(folder, amounts, "money.horizon_credit=false").solve()
    fabric = float(whole.problem.words["pods"]["fabric_usd_per_accelerator"].iloc[0])
    later = 100 + 2 * (30000 + fabric) / 1000
    assert whole.cost - credit.cost == pytest.approx((0.8 - 4 / 9) * later, rel=1e-3)


def test_a_budget_binds_on_nominal_cash(folder):
    """2027: opening 100, both phases 200 and 5 pods of 34.3 leave no room for a sixth in 480. 2028: 50 is one pod.
    Of 7 pods' demand 6 are served."""
    amounts = demand((2027, 2028), pods_of_demand(folder, 5, 7))
    paper = Paper(folder, amounts, "money.capex_budget={2027: 480 million USD, 2028: 50 million USD}").solve()
    assert paper.value("bought", "vintage") == {2027: 5, 2028: 1}
    # shortage is counted in per cent of the year's demand: (6.993 - 6) of 6.993
    assert paper.shortage == pytest.approx(100 * (6.993 - 6) / 6.993, rel=NEAR)


def test_supply_binds_on_delivery(folder):
    """6400 accelerators a year are six pods; what a pod lacks in 2027 is bought the year after."""
    amounts = demand((2027, 2028), pods_of_demand(folder, 7, 7))
    paper = Paper(folder, amounts, "supply={accelerators: {2027: 6400}}").solve()
    assert paper.value("bought", "vintage") == {2027: 6, 2028: 1}
    assert paper.shortage == pytest.approx(100 * (6.993 - 6) / 6.993, rel=NEAR)


def test_an_existing_fleet_serves_until_its_life_ends(folder):
    """2000 from 2026 live two years, 2026 and 2027: two pods serve in 2027, one is bought; three are needed in 2028.
    10 MW are there already, and need neither opening nor phase."""
    amounts = demand((2027, 2028), pods_of_demand(folder, 3, 3))
    fleet = "existing=[{site: abilene, accelerator: h200-sxm, count: 2000, entered: 2026}]"
    paper = Paper(folder, amounts, fleet, "sites={abilene: {existing: 12.5 MW}}").solve()
    assert paper.value("bought", "vintage") == {2027: 1, 2028: 2}
    assert paper.value("built", "period") == {}
    assert paper.value("open", "period") == {}
    assert paper.shortage == pytest.approx(0, abs=1e-6)


YEARS = (2027, 2028, 2029)


@pytest.mark.parametrize(("months", "first"), [(12, 2027), (13, 2028), (24, 2028), (36, 2029)])
def test_a_lead_time_shifts_a_build(folder, months, first):
    """Ordered from 2026 on, a site of 13 months of lead enters service in 2028. Until then nobody is served: the whole
    100 % of each year before. What is served later is bought later: opening, phase and pods in the first year."""
    amounts = demand(YEARS, pods_of_demand(folder, 5, 5, 5))
    paper = Paper(
        folder, amounts, "years.last=2029", f"sites={{abilene: {{lead_time: {months} months}}}}",
        "money.it_life=3 years", "money.shell_life=3 years", "accelerators={h200-sxm: {price: 30000, last: 2029}}",
    ).solve()
    assert paper.shortage == pytest.approx(100 * (first - 2027), abs=1e-5)
    assert paper.value("open", "period") == {first: 1}
    assert paper.value("built", "period") == {first: 1}
    assert paper.value("bought", "vintage") == {first: 5}
    # 25 % over three years: 0.2 / (1 - 0.512) = 0.40984 a year, in the years first..2029, discounted
    annuity = 0.2 / (1 - 0.8**3)
    charged = annuity * sum(0.8 ** (y - 2027) for y in YEARS if y >= first)
    opening = paper.problem.table("openings").set_index("period")["objective"]
    assert opening.to_dict() == {y: pytest.approx(100 * annuity * sum(0.8 ** (z - 2027) for z in YEARS if z >= y))
                                 for y in YEARS if y >= first}
    assert opening[first] == pytest.approx(100 * charged)


def test_a_dear_site_that_is_ready_bridges_the_lead_time_of_a_cheap_one(folder):
    """Singapore is ready in 2027, Abilene (cheaper in everything) in 2028. To serve 2027 Singapore must open."""
    amounts = demand(YEARS[:2], pods_of_demand(folder, 4, 8))
    ready = Paper(folder, amounts, "sites={abilene: {}, singapore: {}}").solve()
    assert ready.value("open", "place", "period") == {("abilene", 2027): 1}
    late = Paper(folder, amounts, "sites={abilene: {lead_time: 24 months}, singapore: {}}").solve()
    assert late.value("built", "place", "period")[("singapore", 2027)] == 1
    assert late.shortage == pytest.approx(0, abs=1e-6)
    assert late.cost > ready.cost


def first_token(paper):
    """Milliseconds to the first token without the network, at the percentile."""
    return 1000 * paper.serving.loc["h200-sxm", "ttft_s"]


def where(paper):
    return set(paper.solution.values["serve"]["place"])


def test_a_latency_tier_forces_a_nearer_dearer_site(folder):
    """Hamina is 133 ms from the USA and cheaper (opening 50, 8 a MW, 4 cents); Abilene is 47 ms away.

    2 s to the first token leave time for both sites; 90 ms more than the configuration itself takes only for Abilene.
    The hard limit max_rtt does the same. Both sites can be ready in 2027.
    """
    both = "sites={abilene: {}, hamina: {lead_time: 12 months}}"
    amounts = demand((2027, 2028), pods_of_demand(folder, 4, 4))
    loose = Paper(folder, amounts, both).solve()
    assert where(loose) == {"hamina"}
    trips = loose.problem.words["trips"].set_index("target")["rtt_ms"]
    assert trips["abilene"] < 60 < 100 < trips["hamina"]
    for tight in (f"classes.chat.ttft={first_token(loose) + 90:.3f} ms", "classes.chat.max_rtt=100 ms"):
        near = Paper(folder, amounts, both, tight).solve()
        assert where(near) == {"abilene"}, tight
        assert near.value("open", "place") == {"abilene": 1}
        # 4 pods of 8 MW: one phase each. Dearer by 50 to open, 20 for the phase and its upkeep; energy 5 cents x 1.2
        # against 4 cents x 1.1 in both years. Pods cost the same at both.
        watts = [p.serving.loc["h200-sxm", "power_w_per_accelerator"] for p in (near, loose)]
        used = [n * 900 * 0.999 * 4 * 1.8 * HOURS / 1000 / 1e6 for n in watts]
        energy = used[0] * 1.2 * 0.05 - used[1] * 1.1 * 0.04
        each = [p.serving.loc["h200-sxm", "instances_per_accelerator"] for p in (near, loose)]
        assert each[0] == each[1]
        assert near.shortage == pytest.approx(0, abs=1e-6)
        assert near.cost - loose.cost == pytest.approx(50 + 20 * (1 + 0.02 * 1.8) + energy, rel=1e-3)


def test_a_site_out_of_reach_serves_nobody(folder):
    """Within 100 ms the USA are out of Hamina's reach: all of it is short, and nothing is built."""
    amounts = demand((2027, 2028), pods_of_demand(folder, 4, 4))
    tight = "classes.chat.max_rtt=100 ms"
    paper = Paper(folder, amounts, "sites={hamina: {lead_time: 12 months}}", tight).solve()
    assert paper.shortage == pytest.approx(200)
    assert paper.cost == pytest.approx(0, abs=1e-6)


def test_a_cheaper_accelerator_that_cannot_hold_the_model_is_not_bought(folder):
    """GPT-3 in fp16 is 350 GB. Eight V100 of 32 GB hold 256 GB, eight H200 of 141 GB 1128 GB: at 8 accelerators a copy
    only the H200 can serve, though a V100 costs a thousandth. At 64 a copy the V100 holds it too, and is bought."""
    sets = (
        "variants={v: {model: gpt3-davinci, weights: fp16, kv: fp16, equivalence: {chat: 1.0}}}",
        "accelerators={v100-sxm2-32: {price: 30, last: 2030}, h200-sxm: {price: 30000}}",
        "classes.chat.tpot=200 ms", "classes.chat.ttft=10 s", demand((2027, 2028), (500, 500)),
    )
    small = Paper(folder, *sets, "serving.max_accelerators_per_copy=8").solve()
    assert set(small.value("bought", "asset")) == {"h200-sxm"}
    refused = small.problem.words["refused"].set_index("pod")["reason"]
    assert "does not fit in memory" in refused["v100-sxm2-32"]
    assert "8 accelerators" in refused["v100-sxm2-32"]
    assert small.serving.loc["h200-sxm", "accelerators"] == 8
    large = Paper(folder, *sets, "serving.max_accelerators_per_copy=64").solve()
    assert set(large.value("bought", "asset")) == {"v100-sxm2-32"}
    assert large.serving.loc["v100-sxm2-32", "accelerators"] * 32 > 350
    assert large.shortage == pytest.approx(0, abs=1e-6)
    assert large.cost < small.cost


def test_a_human_equivalent_needs_more_of_a_weaker_model(folder):
    """At a factor of 0.5 the same demand takes twice the pods."""
    amounts = demand((2027, 2028), pods_of_demand(folder, 2, 2))
    paper = Paper(folder, amounts, "variants.v.equivalence={chat: 0.5}").solve()
    assert paper.value("bought", "vintage") == {2027: 4}


def test_a_working_day_needs_the_pods_but_not_the_energy_of_the_night(folder):
    """On duty 9 to 17 local, 15 to 23 UTC: with three slices the same pods are used for a third of the year."""
    amounts = demand((2027, 2028), pods_of_demand(folder, 5, 5))
    always = Paper(folder, amounts, "time_slices=3").solve()
    office = Paper(folder, amounts, "time_slices=3", "classes.chat.duty={start: 9, hours: 8}").solve()
    assert always.value("bought", "vintage") == office.value("bought", "vintage") == {2027: 5}
    assert office.cash("energy", 2027) == pytest.approx(always.cash("energy", 2027) / 3)
    assert set(office.solution.values["use"]["slice"]) == {"15.0-23.0 UTC"}
