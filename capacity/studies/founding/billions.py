"""Eight billion copies: solved plans under several definitions of the instance, and what the stock of the time runs."""

from __future__ import annotations

import pandas as pd

from capacity.plan import Plan
from capacity.scenario import load_scenario
from capacity.scenario.schema import Horizon
from capacity.serving import Slo, Workload
from capacity.studies.founding.argument import ROUGH, Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.copies import stock
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.say import share, short, usd
from capacity.studies.founding.tipping import (
    ANY,
    GAP,
    PROBED,
    SCENARIO,
    missing,
    planned,
    supplied,
    thought,
    tipping,
)
from capacity.studies.founding.work import MILLION

FIRST = "a stream of thought on a model of 2026"
AGENT = "agentic work, ten times thought"
DEFINITIONS: dict[str, tuple[str, ...]] = {
    FIRST: (),
    "a tenth of that": ("classes.instance.output_tokens=3k tokens", "classes.instance.fresh_input_tokens=1k tokens",
                        "classes.instance.cached_input_tokens=10k tokens"),
    AGENT: ("classes.instance.output_tokens=300k tokens", "classes.instance.fresh_input_tokens=100k tokens",
            "classes.instance.cached_input_tokens=1M tokens", "classes.instance.turns=200",
            "classes.instance.branches=4"),
    "thought on a mixture 1000 times GPT-3": ("variants.deepseek-v4-pro.model=gpt3x1000-moe",
                                              "variants.deepseek-v4-pro.weights=fp4", "classes.instance.tpot=110 ms"),
}
SERIES = {"a stream of thought": FIRST, "agentic work": AGENT}
"""Definitions of which the whole path is drawn."""
STOCK_YEARS = (2021, 2023, 2025)
MOST_TOKENS, LEAST_SUPPLY = 10.0, 0.05
"""Tipping points are looked for up to that many times a stream of thought's tokens, and down to that supply."""
REACH = 3.0
"""Supply is moved so many times beyond its range."""
WORLD = ("accelerator supply", "HBM supply", "power supply")
"""Limits that hold for the world and not for one place."""


def _inputs(facts: Facts) -> tuple[Input, ...]:
    rows = facts.catalogue.table("supply")
    year = load_scenario(SCENARIO).years.last
    power, left = (rows[(rows["year"] == year) & (rows["quantity"] == name)] for name in ("ai_power_mw",
                                                                                          "inference_share"))
    low, mid, high = (float(power[level].iloc[0]) * float(left[level].iloc[0]) for level in ("low", "value", "high"))
    return (
        facts.input("trends", "nvidia_stock_growth", "growth", "growth a year of the stock before the first count",
                    least=1.0),
        Input("supply", "accelerators, memory and power that the world supplies, grids included, all by one factor",
              low / mid, 1.0, high / mid, "of mid", f"supply.csv: ai_power_mw and inference_share of {year}",
              str(power["confidence"].iloc[0]), search="range", reach=REACH),
    )


def _billion(facts: Facts, given: Values) -> Outcome:
    moved = supplied(facts, given["supply"])
    asked, gap = (DEFINITIONS, GAP) if not moved else ({k: DEFINITIONS[k] for k in (FIRST, AGENT)}, PROBED)
    table = pd.DataFrame([_defined(name, planned(facts, (*sets, *moved), gap)) for name, sets in asked.items()])
    have = pd.DataFrame([_runs(facts, year, given["growth"]) for year in STOCK_YEARS])
    base, worst = table.iloc[0], table.iloc[int(table["short"].argmax())]
    wanted, last = facts.claim("human_population"), have.iloc[-1]
    then, now = (float(have["instances_m"].iloc[at]) * MILLION for at in (0, -1))
    parts = (
        Part("8 billion copies need many new supercomputers",
             f"the stock of {last['year']:.0f} runs {short(now)}; the plan holds "
             f"{short(float(base['accelerators_m']) * MILLION)} newer accelerators and {short(base['gw'])} GW for the "
             "first definition", now < wanted),
        Part("the machines of the time could not run them",
             f"the stock of {have['year'].iloc[0]:.0f} runs {short(then)} streams of thought", then < wanted),
        Part("for demanding instances the world's supply falls short, still in 2036",
             "unserved: " + "; ".join(f"{name} {share(missing)}" for name, missing in
                                      zip(table["definition"], table["short"], strict=True)),
             bool((table["short"] > ANY).any())),
    )
    tables, tips = {"8 billion": table, "stock": have}, (float("nan"), float("nan"))
    if not moved:
        tables["by tokens"] = facts.keep("by tokens", lambda: tipping(facts, thought, 1.0, MOST_TOKENS))
        tables["by supply"] = facts.keep("by supply", lambda: tipping(
            facts, lambda factor: supplied(facts, factor), 1.0, LEAST_SUPPLY))
        tables["by year"] = _by_year(facts)
        served = [tables[name].loc[tables[name]["short"] <= ANY, "value"] for name in ("by tokens", "by supply")]
        tips = float(served[0].max()), float(served[1].min())
    reading = _reading(base, worst, last, now, wanted, tips, load_scenario(SCENARIO).years)
    return Outcome(parts, _figures(base, worst, now, wanted, tips), reading, tables, _charts(tables))


def _by_year(facts: Facts) -> pd.DataFrame:
    """Accelerators, GW and unserved share by year of the definitions that are drawn."""
    parts = []
    for name, definition in SERIES.items():
        rows = planned(facts, DEFINITIONS[definition]).tables["schedule"]
        parts.append(pd.DataFrame({
            "definition": name, "year": rows["year"], "accelerators_m": rows["accelerators"] / MILLION,
            "gw": rows["facility_mw"] / 1e3, "capex_busd": rows["capex_usd"] / 1e9,
            "short": rows["instances_short"] / rows["instances_demanded"], "binds": rows["binds"].astype(str)}))
    return pd.concat(parts, ignore_index=True)


def _charts(tables: dict[str, pd.DataFrame]) -> tuple[Chart, ...]:
    table = tables["8 billion"].set_index("definition")
    charts = [Chart("Accelerators in the plan of 2036 by definition of the instance", "million",
                    table[["accelerators_m"]], "bars", log=True)]
    if "by year" in tables:
        charts += [
            Chart("Power of the plan by year", "GW",
                  tables["by year"].pivot_table(index="year", columns="definition", values="gw", sort=False), log=True),
            Chart("Unserved in 2036, by tokens of an instance-hour against a stream of thought's", "share",
                  tables["by tokens"].set_index(tables["by tokens"]["value"].rename("times the tokens"))[["short"]],
                  log_x=True),
            Chart("Unserved streams of thought in 2036, by the world's supply against its mid", "share",
                  tables["by supply"].set_index(tables["by supply"]["value"].rename("times the supply"))[["short"]],
                  log_x=True)]
    return tuple(charts)


def _figures(base: pd.Series, worst: pd.Series, now: float, wanted: float,
             tips: tuple[float, float]) -> tuple[Figure, ...]:
    told = (Figure("streams of thought on the newest stock", now, "streams", "stock.csv, serving"),
            Figure("accelerators for 8 billion, a stream of thought", float(base["accelerators_m"]), "million",
                   SCENARIO),
            Figure("power for 8 billion, a stream of thought", float(base["gw"]), "GW", SCENARIO),
            Figure("cost of an instance-hour, a stream of thought", float(base["usd_per_instance_hour"]), "USD",
                   SCENARIO),
            Figure("unserved in 2036, most demanding definition", float(worst["short"]), "share", SCENARIO),
            Figure("tokens of an instance-hour at which the stock would do, against a stream of thought's",
                   now / wanted, "x", "stock.csv, serving"))
    if any(tip != tip for tip in tips):
        return told
    return (*told, Figure("tokens that the supply of 2036 still serves, against a stream of thought's", tips[0], "x",
                          f"{SCENARIO}, to {ROUGH:g} times"),
            Figure("supply that still serves 8 billion streams of thought", tips[1], "of mid",
                   f"{SCENARIO}, to {ROUGH:g} times"))


def _reading(base: pd.Series, worst: pd.Series, last: pd.Series, now: float, wanted: float,
             tips: tuple[float, float], years: Horizon) -> str:
    turns = "" if any(tip != tip for tip in tips) else (
        f" What would flip it: an instance that thinks with {share(now / wanted)} of the tokens, and the stock would "
        f"do; one with more than {short(tips[0])} times them, and the supply of {years.last} no longer does. A stream "
        f"of thought is still served with {share(tips[1])} of what the world is expected to supply.")
    return (
        "What is an instance? The answer moves by orders of magnitude with the definition, so here are several, each "
        "a solved plan on what the world is expected to supply. A human's stream of thought on a model that exists in "
        f"{years.first - 1}: {short(base['accelerators_m'])} million accelerators by {years.last} in "
        f"{short(base['sites'])} parts of the world, {short(base['gw'])} GW, {usd(base['busd'] * 1e9)} over "
        f"{years.last - years.first + 1} years, {usd(base['usd_per_instance_hour'])} an instance-hour; {_bound(base)}. "
        f"The most demanding, {worst['definition']}, leaves {share(worst['short'])} of {years.last} unserved on "
        f"{short(worst['accelerators_m'])} million accelerators and {short(worst['gw'])} GW: {_bound(worst)}. The "
        f"stock of {last['year']:.0f} would run {short(now)} streams of thought on that model if it did nothing else: "
        f"{share(now / wanted)} of "
        f"the 8 billion.{turns}")


def _bound(row: pd.Series) -> str:
    last, since = str(row["binds_in_the_end"]), row["short_from"]
    if row["binds_first"] == "nothing":
        return "with no limit of the world reached"
    told = f"the first limit of the world to bind is {row['binds_first']}, in {row['binds_from']:.0f}"
    if last not in ("nothing", str(row["binds_first"])):
        told += f", and in the end {last} does"
    return told + (f"; from {since:.0f} on it falls short" if since == since else "")


def _defined(name: str, plan: Plan) -> dict[str, object]:
    """The last year of a plan in one row, and which limit of the world binds first and in the end."""
    rows = plan.tables["schedule"]
    last = rows.iloc[-1]
    limits = plan.tables["limits"]
    bound = limits[limits["binding"] & limits["topic"].isin(WORLD)].sort_values("year")
    world, early = bound.loc[bound["year"] == last["year"], "topic"], bound[bound["year"] == bound["year"].min()]
    worst = plan.summary["gap"]
    lacks = rows.loc[rows["instances_short"] > ANY * rows["instances_demanded"], "year"]
    return {"definition": name, "accelerators_m": float(last["accelerators"]) / MILLION,
            "gw": float(last["facility_mw"]) / 1e3, "sites": int(last["sites"]),
            "busd": float((rows["capex_usd"] + rows["opex_usd"]).sum()) / 1e9,
            "usd_per_instance_hour": float(last["usd_per_instance_hour"]), "short": missing(plan),
            "short_from": float(lacks.iloc[0]) if len(lacks) else float("nan"),
            "binds_first": " and ".join(dict.fromkeys(early["topic"])) or "nothing",
            "binds_from": float(early["year"].iloc[0]) if len(early) else float("nan"),
            "binds_in_the_end": " and ".join(dict.fromkeys(world)) or "nothing",
            "gap": float("nan") if worst is None else float(worst)}


def _runs(facts: Facts, year: int, growth: float) -> dict[str, object]:
    """Streams of thought of the scenario's class on the stock of a year; before the first count, that count shrunk."""
    first = int(facts.catalogue.table("stock")["year_end"].min())
    shrink = growth ** min(year - first, 0)
    have, instances = facts.keep(("runs", max(year, first)), lambda: _counted(facts, max(year, first)))
    return {"year": year, "counted_in": max(year, first), "accelerators_m": have * shrink / MILLION,
            "instances_m": instances * shrink / MILLION}


def _counted(facts: Facts, year: int) -> tuple[float, float]:
    """(accelerators, instances of the scenario's class that they run) of a year's count."""
    have, scenario = stock(facts, year), load_scenario(SCENARIO)
    kind = scenario.classes["instance"]
    (variant,) = scenario.variants.values()
    work, slo = Workload.of(kind), Slo(kind.ttft, kind.tpot, kind.percentile)
    total = 0.0
    for chip, units in have.items():
        best = facts.best(variant.model, chip, work, slo)
        total += 0.0 if best is None else units * float(best["instances_per_accelerator"])
    return sum(have.values()), total


ARGUMENTS = (
    Argument("eight-billion", "Eight billion copies", "To run billions of copies, we'd need to dramatically increase "
             "the world's number of supercomputers.", _inputs, _billion),
)
