"""Eight billion copies: a solved plan under several definitions of the instance, and what the stock of the time "
  "runs."""

from __future__ import annotations

import pandas as pd

from capacity.plan import Plan, assemble, audit, check_audit
from capacity.problem import build_problem
from capacity.scenario import load_scenario
from capacity.serving import Slo, Workload
from capacity.solving import Options, solve
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.copies import stock
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.say import share, short, usd
from capacity.studies.founding.work import MILLION

SCENARIO = "eight-billion"
GAP, SECONDS = 0.02, 120.0
FIRST = "a stream of thought on a model of 2026"
DEFINITIONS: dict[str, tuple[str, ...]] = {
    FIRST: (),
    "a tenth of that": ("classes.instance.output_tokens=3k tokens", "classes.instance.fresh_input_tokens=1k tokens",
                        "classes.instance.cached_input_tokens=10k tokens"),
    "agentic work, ten times thought": ("classes.instance.output_tokens=300k tokens",
                                        "classes.instance.fresh_input_tokens=100k tokens",
                                        "classes.instance.cached_input_tokens=1M tokens", "classes.instance.turns=200",
                                        "classes.instance.branches=4"),
    "thought on a mixture 1000 times GPT-3": ("variants.deepseek-v4-pro.model=gpt3x1000-moe",
                                              "variants.deepseek-v4-pro.weights=fp4", "classes.instance.tpot=110 ms"),
}
STOCK_YEARS = (2021, 2023, 2025)


def _inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("trends", "nvidia_stock_growth", "growth", "growth a year of the stock before the first count",
                        least=1.0),)


def planned(facts: Facts, sets: tuple[str, ...]) -> Plan:
    """The audited plan of the scenario with overrides, solved once. Raises CapacityError where there is none."""
    def make() -> Plan:
        scenario = load_scenario(SCENARIO, sets)
        problem = build_problem(scenario, facts.catalogue)
        solution = solve(problem, Options(gap=GAP, time_limit=SECONDS, threads=1))
        plan = assemble(scenario, problem, solution)
        check_audit(audit(scenario, problem, solution.values, plan.stages))
        return plan
    return facts.keep(("plan", *sets), make)


def _billion(facts: Facts, given: Values) -> Outcome:
    table = pd.DataFrame([_defined(name, planned(facts, sets)) for name, sets in DEFINITIONS.items()])
    have = pd.DataFrame([_runs(facts, year, given["growth"]) for year in STOCK_YEARS])
    base, worst = table.iloc[0], table.iloc[int(table["short"].argmax())]
    wanted, last = facts.claim("human_population"), have.iloc[-1]
    first, now = (float(have["instances_m"].iloc[at]) * MILLION for at in (0, -1))
    needs = float(base["accelerators_m"]) * MILLION
    parts = (
        Part("8 billion copies need many new supercomputers",
             f"the stock of {last['year']:.0f} runs {short(now)}; the plan builds {short(needs)} newer accelerators "
             "and "
             f"{short(base['gw'])} GW for the first definition", now < wanted),
        Part("the machines of the time could not run them",
             f"the stock of {have['year'].iloc[0]:.0f} runs {short(first)} streams of thought", first < wanted),
        Part("for demanding instances the world's supply falls short for years (by 2036)",
             "; ".join(f"{name}: {share(short_of)} short" for name, short_of in
                       zip(table["definition"], table["short"], strict=True)), bool((table["short"] > GAP).any())),
    )
    return Outcome(parts, _figures(base, worst, now), _reading(base, worst, last, now, wanted),
                   {"8 billion": table, "stock": have},
                   (Chart("Accelerators in the plan of 2036 by definition of the instance", "million",
                          table.set_index("definition")[["accelerators_m"]], "bars", log=True),
                    Chart("Power in the plan of 2036", "GW", table.set_index("definition")[["gw"]], "bars", log=True)))


def _figures(base: pd.Series, worst: pd.Series, now: float) -> tuple[Figure, ...]:
    return (Figure("streams of thought on the newest stock", now, "streams", "stock.csv, serving"),
            Figure("accelerators for 8 billion, a stream of "
                   "thought", float(base["accelerators_m"]), "million", SCENARIO),
            Figure("power for 8 billion, a stream of thought", float(base["gw"]), "GW", SCENARIO),
            Figure("cost of an instance-hour, a stream of "
                   "thought", float(base["usd_per_instance_hour"]), "USD", SCENARIO),
            Figure("unserved in 2036, most demanding definition", float(worst["short"]), "share", SCENARIO))


def _reading(base: pd.Series, worst: pd.Series, last: pd.Series, now: float, wanted: float) -> str:
    return (
        "What is an instance? The answer moves by orders of magnitude with the definition, so here are several, each "
        f"a plan solved to within {share(GAP)}. A human's stream of thought on a model that exists in 2026: "
        f"{short(base['accelerators_m'])} million accelerators by 2036 at {short(base['sites'])} parts of the world, "
        f"{short(base['gw'])} GW, {usd(base['busd'] * 1e9)} over ten years, {usd(base['usd_per_instance_hour'])} an "
        f"instance-hour; {base['binds']}. The most demanding, {worst['definition']}, leaves {share(worst['short'])} "
        f"of 2036 unserved with {short(worst['accelerators_m'])} million accelerators and {short(worst['gw'])} GW; "
        f"{worst['binds']}. The stock of {last['year']:.0f} would run {short(now)} streams of thought on that model "
        f"if it did nothing else: {share(now / wanted)} of the 8 billion. Many new supercomputers indeed, but a "
        "decade's worth and not a century's, for a model of today's size.")


def _defined(name: str, plan: Plan) -> dict[str, object]:
    """The last year of a plan in one row, and what first binds."""
    rows = plan.tables["schedule"]
    last = rows.iloc[-1]
    missing = float(last["instances_short"] / last["instances_demanded"])
    years = rows.loc[rows["binds"].astype(str) != "", ["year", "binds"]]
    first = "" if years.empty else f"first to bind, in {years['year'].iloc[0]}: {years['binds'].iloc[0]}"
    worst = plan.summary["gap"]
    return {"definition": name, "accelerators_m": float(last["accelerators"]) / MILLION,
            "gw": float(last["facility_mw"]) / 1e3, "sites": int(last["sites"]),
            "busd": float((rows["capex_usd"] + rows["opex_usd"]).sum()) / 1e9,
            "usd_per_instance_hour": float(last["usd_per_instance_hour"]), "short": missing,
            "binds": first or "nothing binds",
            "gap": float("nan") if worst is None else float(worst)}


def _runs(facts: Facts, year: int, growth: float) -> dict[str, object]:
    """Streams of thought of the scenario's class on the stock of a year; before the first count, that count shrunk."""
    first = int(facts.catalogue.table("stock")["year_end"].min())
    shrink = growth ** min(year - first, 0)
    have = stock(facts, max(year, first))
    scenario = load_scenario(SCENARIO)
    kind = scenario.classes["instance"]
    (variant,) = scenario.variants.values()
    work, slo = Workload.of(kind), Slo(kind.ttft, kind.tpot, kind.percentile)
    total = 0.0
    for chip, units in have.items():
        best = facts.best(variant.model, chip, work, slo)
        total += 0.0 if best is None else units * float(best["instances_per_accelerator"])
    return {"year": year, "counted_in": max(year, first), "accelerators_m": sum(have.values()) * shrink / MILLION,
            "instances_m": total * shrink / MILLION}


ARGUMENTS = (
    Argument("eight-billion", "Eight billion copies", "To run billions of copies, we'd need to dramatically increase "
                                                      "the "
             "world's number of supercomputers.", _inputs, _billion, searchable=False),
)
__all__ = ["ARGUMENTS", "planned"]
