"""Eight billion copies: solved plans under several definitions of the instance, and what the stock of the time runs."""

from __future__ import annotations

import pandas as pd

from capacity.plan import Plan
from capacity.scenario import load_scenario
from capacity.serving import Slo, Workload
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.copies import stock
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.say import share, short, usd
from capacity.studies.founding.solved import solved
from capacity.studies.founding.work import MILLION

SCENARIO = "eight-billion"
GAP, ROUGH, SECONDS = 0.02, 0.05, 120.0
"""Gap to prove for a plan whose figures are told, and for one of which only a share or a yes is."""
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
MOST_TOKENS, CLOSE = 10.0, 1.15
"""Multiples of a stream of thought's tokens are looked at up to here; the tipping point is known within this factor."""
WORLD = ("accelerator supply", "HBM supply", "power supply")
"""Limits that hold for the world and not for one place."""
ANY = 1e-3
"""Share of a year's demand unserved from which it counts as short."""


def _inputs(facts: Facts) -> tuple[Input, ...]:
    rows = facts.catalogue.table("supply")
    power = rows[rows["quantity"] == "ai_power_mw"].sort_values("year").iloc[-1]
    return (
        facts.input("trends", "nvidia_stock_growth", "growth", "growth a year of the stock before the first count",
                    least=1.0),
        Input("supply", "accelerators, memory and power that the world supplies, all at their low, mid or high",
              float(power["low"] / power["value"]), 1.0, float(power["high"] / power["value"]), "of mid",
              f"supply.csv, told by ai_power_mw of {power['year']}", str(power["confidence"]), search="ends"),
    )


def planned(facts: Facts, sets: tuple[str, ...], gap: float = GAP) -> Plan:
    """The plan for 8 billion with overrides. Raises CapacityError where there is none."""
    return solved(facts, SCENARIO, sets, gap, SECONDS)


def _level(supply: float) -> tuple[str, ...]:
    """The scenario's level of supply that is meant by a factor of its mid."""
    return () if supply == 1.0 else ("supply.level=low",) if supply < 1.0 else ("supply.level=high",)


def _billion(facts: Facts, given: Values) -> Outcome:
    level = _level(given["supply"])
    asked, gap = (DEFINITIONS, GAP) if not level else ({k: DEFINITIONS[k] for k in (FIRST, AGENT)}, ROUGH)
    table = pd.DataFrame([_defined(name, planned(facts, (*sets, *level), gap)) for name, sets in asked.items()])
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
    tables, tip = {"8 billion": table, "stock": have}, float("nan")
    if not level:
        tables["by tokens"] = facts.keep("by tokens", lambda: _by_tokens(facts))
        tables["by year"] = _by_year(facts)
        tip = float(tables["by tokens"].loc[tables["by tokens"]["short"] <= ANY, "times_thought"].max())
    return Outcome(parts, _figures(base, worst, now, wanted, tip), _reading(base, worst, last, now, wanted, tip),
                   tables, _charts(tables))


def _by_tokens(facts: Facts) -> pd.DataFrame:
    """Share of the last year unserved, by tokens of an instance-hour, with where it begins known within `CLOSE`.

    What is served of the most tokens tells where to look first; the bracket is then halved in logs.
    """
    found = {1.0: _missing(planned(facts, DEFINITIONS[FIRST])),
             MOST_TOKENS: _missing(planned(facts, _thought(MOST_TOKENS), ROUGH))}
    low, high = 1.0, MOST_TOKENS
    guess = MOST_TOKENS * ((1 - found[MOST_TOKENS]) / CLOSE) ** 0.5
    while high / low > CLOSE and found[high] > ANY >= found[low]:
        middle, guess = guess if low < guess < high else (low * high) ** 0.5, guess * CLOSE
        found[middle] = _missing(planned(facts, _thought(middle), ROUGH))
        low, high = (low, middle) if found[middle] > ANY else (middle, high)
    return pd.DataFrame(sorted(found.items()), columns=["times_thought", "short"])


def _thought(factor: float) -> tuple[str, ...]:
    """Overrides for an instance that thinks, reads and turns so many times as much in an hour."""
    kind = load_scenario(SCENARIO).classes["instance"]
    names = ("output_tokens", "fresh_input_tokens", "cached_input_tokens", "turns")
    return tuple(f"classes.instance.{name}={getattr(kind, name) * factor:.6g}" for name in names)


def _missing(plan: Plan) -> float:
    last = plan.tables["schedule"].iloc[-1]
    return float(last["instances_short"] / last["instances_demanded"])


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
                  tables["by tokens"].rename(columns={"times_thought": "times the tokens"}).set_index(
                      "times the tokens"), log_x=True)]
    return tuple(charts)


def _figures(base: pd.Series, worst: pd.Series, now: float, wanted: float, tip: float) -> tuple[Figure, ...]:
    told = (Figure("streams of thought on the newest stock", now, "streams", "stock.csv, serving"),
            Figure("accelerators for 8 billion, a stream of thought", float(base["accelerators_m"]), "million",
                   SCENARIO),
            Figure("power for 8 billion, a stream of thought", float(base["gw"]), "GW", SCENARIO),
            Figure("cost of an instance-hour, a stream of thought", float(base["usd_per_instance_hour"]), "USD",
                   SCENARIO),
            Figure("unserved in 2036, most demanding definition", float(worst["short"]), "share", SCENARIO),
            Figure("tokens of an instance-hour at which the stock would do, against a stream of thought's",
                   now / wanted, "x", "stock.csv, serving"))
    if tip != tip:
        return told
    return (*told, Figure("tokens that the supply of 2036 still serves, against a stream of thought's", tip, "x",
                          f"{SCENARIO}, to {CLOSE:g} times"))


def _reading(base: pd.Series, worst: pd.Series, last: pd.Series, now: float, wanted: float, tip: float) -> str:
    tips = "" if tip != tip else (
        f" What would flip it: an instance that thinks with {share(now / wanted)} of the tokens, and the stock would "
        f"do; one with more than {short(tip)} times them, and the supply of 2036 no longer does.")
    return (
        "What is an instance? The answer moves by orders of magnitude with the definition, so here are several, each "
        f"a solved plan on what the world is expected to supply. A human's stream of thought on a model that exists in "
        f"2026: {short(base['accelerators_m'])} million accelerators by 2036 in {short(base['sites'])} parts of the "
        f"world, {short(base['gw'])} GW, {usd(base['busd'] * 1e9)} over ten years, "
        f"{usd(base['usd_per_instance_hour'])} an instance-hour, with {_bound(base)}. The most demanding, "
        f"{worst['definition']}, leaves {share(worst['short'])} of 2036 unserved on {short(worst['accelerators_m'])} "
        f"million accelerators and {short(worst['gw'])} GW, with {_bound(worst)}. The stock of {last['year']:.0f} "
        f"would run {short(now)} streams of thought on that model if it did nothing else: {share(now / wanted)} of "
        f"the 8 billion.{tips}")


def _bound(row: pd.Series) -> str:
    last = str(row["binds_in_the_end"])
    return "no limit of the world reached" if last == "nothing" else f"the world's {last} used up"


def _defined(name: str, plan: Plan) -> dict[str, object]:
    """The last year of a plan in one row, and what first binds."""
    rows = plan.tables["schedule"]
    last = rows.iloc[-1]
    years = rows.loc[rows["binds"].astype(str) != "", ["year", "binds"]]
    first = "" if years.empty else f"{years['binds'].iloc[0]} ({years['year'].iloc[0]})"
    limits = plan.tables["limits"]
    world = limits[limits["binding"] & (limits["year"] == last["year"]) & limits["topic"].isin(WORLD)]["topic"]
    worst = plan.summary["gap"]
    return {"definition": name, "accelerators_m": float(last["accelerators"]) / MILLION,
            "gw": float(last["facility_mw"]) / 1e3, "sites": int(last["sites"]),
            "busd": float((rows["capex_usd"] + rows["opex_usd"]).sum()) / 1e9,
            "usd_per_instance_hour": float(last["usd_per_instance_hour"]), "short": _missing(plan),
            "binds_first": first or "nothing", "binds_in_the_end": " and ".join(dict.fromkeys(world)) or "nothing",
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
__all__ = ["ARGUMENTS", "planned"]
