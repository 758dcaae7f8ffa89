"""Copies: human-equivalents per operation, consumer devices, eight billion, the first copies, each doubling in size."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Accelerator
from capacity.plan import Plan, assemble, audit, check_audit
from capacity.problem import build_problem
from capacity.scenario import load_scenario
from capacity.serving import Slo, Workload, weight_bytes
from capacity.solving import Options, solve
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.memory import scaled
from capacity.studies.founding.price import GPT3, MILLION
from capacity.studies.founding.work import PATIENT, most, written

TERA, BILLION = 1e12, 1e9
SECONDS_OF_HOUR = 3600.0


def stock(facts: Facts, year: int) -> dict[str, float]:
    """Accelerators in the world at a year's end, by type."""
    table = facts.catalogue.table("stock")
    return {str(row["accelerator"]): float(row["units"]) for row in table[table["year_end"] == year].to_dict("records")}


def wage(facts: Facts) -> pd.Series:
    """USD per working hour with overhead, by region."""
    return facts.catalogue.table("regions").set_index("id")["wage_usd_h"]


# ---- 1e14 and 1e17 operations a second --------------------------------------------------------------------------------

BOUGHT = (("v100-sxm2-32", 2020), ("a100-sxm-80", 2022), ("h100-sxm", 2023), ("b200-sxm", 2025), ("vr200-nvl72", 2027),
          ("archetype-2030", 2030), ("archetype-2034", 2034))


def _ops_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("trends", "mfu_decode", "used", "share of peak operations that serving achieves", most=1.0),
            *facts.money())


def _ops(facts: Facts, given: Values) -> Outcome:
    cat, unit, orders = facts.catalogue, facts.claim("hardware_ops_s"), facts.claim("more_orders")
    rows = []
    for chip, year in BOUGHT:
        usd = facts.hour(chip, year, {**given, "busy": 1.0}) * unit / (_peak(cat.accelerator(chip)) * given["used"])
        rows.append({"accelerator": chip, "year": year, "usd_per_hour_at_1e14": usd,
                     "usd_per_hour_at_1e17": usd * orders})
    cost = pd.DataFrame(rows)
    years = sorted(set(cat.table("stock")["year_end"]))
    held = pd.DataFrame({"year": years})
    held["operations_s"] = [sum(units * _peak(cat.accelerator(chip)) for chip, units in stock(facts, year).items())
                            for year in years]
    held["copies_at_1e14"] = held["operations_s"] * given["used"] / unit
    held["copies_at_1e17"] = held["copies_at_1e14"] / orders
    top = float(wage(facts).max())
    now, last = cost[cost["year"] <= 2025].iloc[-1], held.iloc[-1]
    parts = (
        Part("at 1e14 operations/s a human-equivalent costs far less than a wage",
             f"${now['usd_per_hour_at_1e14']:.2f} an hour on {now['accelerator']}, the highest wage is ${top:.0f}",
             now["usd_per_hour_at_1e14"] < top),
        Part("and the world could run many", f"{last['copies_at_1e14'] / MILLION:,.0f} million on the stock of "
             f"{last['year']:.0f}", last["copies_at_1e14"] > MILLION),
        Part("three orders more would still be transformative",
             f"${now['usd_per_hour_at_1e17']:,.0f} an hour and {last['copies_at_1e17']:,.0f} copies",
             now["usd_per_hour_at_1e17"] < top and last["copies_at_1e17"] > MILLION),
    )
    below = cost.loc[cost["usd_per_hour_at_1e17"] < top, "year"]
    when = f"in {below.iloc[0]}" if len(below) else f"not by {cost['year'].iloc[-1]}"
    reading = (f"At 1e14 operations a second a human-equivalent costs ${now['usd_per_hour_at_1e14']:.2f} an hour and the "
               f"stock of {last['year']:.0f} runs {last['copies_at_1e14'] / MILLION:,.0f} million of them. At 1e17 the same "
               f"stock runs {last['copies_at_1e17']:,.0f}; an hour passes below the highest wage {when}.")
    return Outcome(parts, (Figure("hour at 1e14 operations/s", now["usd_per_hour_at_1e14"], "USD", str(now["accelerator"])),
                           Figure("hour at 1e17 operations/s", now["usd_per_hour_at_1e17"], "USD", str(now["accelerator"])),
                           Figure("copies at 1e17 on the world's stock", last["copies_at_1e17"], "copies", "stock.csv")),
                   reading, {"cost": cost, "stock": held},
                   (Chart("An hour of a human-equivalent to an owner", "USD",
                          cost.set_index("year")[["usd_per_hour_at_1e14", "usd_per_hour_at_1e17"]], log=True),))


def _peak(chip: Accelerator) -> float:
    return chip.bf16_tflops * TERA


# ---- consumer devices -------------------------------------------------------------------------------------------------

BOX = 8
DISTANT = Slo(300.0, 20.0)


def _consumer_inputs(facts: Facts) -> tuple[Input, ...]:
    row = facts.catalogue.row("consumer_devices", "rtx4090")
    low, mid, high = (float(row[name]) for name in ("units_m_low", "units_m", "units_m_high"))
    return (Input("units", "RTX 4090 in use", low, mid, high, "million", "consumer_devices.csv rtx4090", "estimate"),
            facts.tokens_per_word())


def _consumer(facts: Facts, given: Values) -> Outcome:
    cat = facts.catalogue
    rows = []
    for row in cat.table("consumer_devices").to_dict("records"):
        chip = cat.accelerator(row["accelerator"]) if row["accelerator"] else None
        need = weight_bytes(cat.model(GPT3), "fp4")
        out = {"device": row["name"], "memory_gb": row["memory_gb"], "gpt3_at_4_bits_gb": need / BILLION,
               "devices_to_hold_it": int(np.ceil(need / (row["memory_gb"] * 2**30))),
               "sweep_of_memory_s": row["memory_gb"] * 2**30 / BILLION / row["bandwidth_gb_s"]}
        best = None if chip is None else most(written(facts, GPT3, chip, DISTANT, given["tokens_per_word"],
                                                      weights="int4", kv="fp8", pod=BOX))
        out["tpot_s_in_a_box_of_8"] = float("nan") if best is None else best["tpot_s"]
        out["tokens_s_of_a_box"] = float("nan") if best is None else best["output_tokens_s_per_accelerator"] * BOX
        units = given["units"] if row["id"] == "rtx4090" else row["units_m"]
        out["all_of_them_tokens_s"] = (out["tokens_s_of_a_box"] / BOX * units * MILLION * row["hours_per_day"] / 24)
        rows.append(out)
    table = pd.DataFrame(rows)
    gamers = float(table["all_of_them_tokens_s"].sum())
    year = int(cat.table("stock")["year_end"].max())
    world = sum(units * _rate(facts, chip, given) for chip, units in stock(facts, year).items())
    phone = table[table["device"].str.startswith("phone")]
    boxed = table["tpot_s_in_a_box_of_8"].min()
    parts = (
        Part("GPT-3 does not run on a smartphone", f"it needs the memory of {phone['devices_to_hold_it'].min()} phones of "
             "2025 at 4 bits", bool((phone["devices_to_hold_it"] > 1).all())),
        Part("all consumer GPUs cannot be repurposed for it",
             f"the gamers' cards would add {gamers / world:.1%} to what the datacentre stock of {year} writes"
             + ("" if np.isnan(boxed) else f", at {boxed:.2g} s a token in boxes of {BOX}"), gamers < world),
    )
    reading = (f"At 4 bits GPT-3 takes {need / BILLION:.0f} GB: {table['devices_to_hold_it'].iloc[0]} cards of 24 GB, which "
               f"do stand in one box. What keeps gamers' cards out is not memory but numbers and hours: together "
               f"{gamers / world:.1%} of the world's datacentre accelerators.")
    return Outcome(parts, (Figure("gamers' cards against the datacentre stock", gamers / world, "share", "serving, stock.csv"),
                           Figure("phones of 2025 that hold GPT-3", float(phone["devices_to_hold_it"].min()), "phones",
                                  "consumer_devices.csv")), reading, {"devices": table})


def _rate(facts: Facts, chip: str, given: Values) -> float:
    best = most(written(facts, GPT3, chip, PATIENT, given["tokens_per_word"]))
    return 0.0 if best is None else float(best["output_tokens_s_per_accelerator"])


# ---- eight billion copies ---------------------------------------------------------------------------------------------

SCENARIO = "eight-billion"
GAP, SECONDS = 0.02, 120.0
DEFINITIONS: dict[str, tuple[str, ...]] = {
    "a stream of thought on a model of 2026": (),
    "a tenth of that": ("classes.instance.output_tokens=3k tokens", "classes.instance.fresh_input_tokens=1k tokens",
                        "classes.instance.cached_input_tokens=10k tokens"),
    "agentic work, ten times thought": ("classes.instance.output_tokens=300k tokens",
                                        "classes.instance.fresh_input_tokens=100k tokens",
                                        "classes.instance.cached_input_tokens=1M tokens", "classes.instance.turns=200",
                                        "classes.instance.branches=4"),
    "thought on a mixture of 168 trillion parameters": ("variants.deepseek-v4-pro.model=gpt3x1000-moe",
                                                        "variants.deepseek-v4-pro.weights=fp4",
                                                        "classes.instance.tpot=110 ms"),
}
STOCK_YEARS = (2022, 2023, 2025)


def _billion_inputs(facts: Facts) -> tuple[Input, ...]:
    return ()


def planned(facts: Facts, sets: tuple[str, ...]) -> Plan:
    """The audited plan of the scenario with overrides. Raises CapacityError where there is none."""
    scenario = load_scenario(SCENARIO, sets)
    problem = build_problem(scenario, facts.catalogue)
    solution = solve(problem, Options(gap=GAP, time_limit=SECONDS, threads=1))
    plan = assemble(scenario, problem, solution)
    check_audit(audit(scenario, problem, solution.values, plan.stages))
    return plan


def _billion(facts: Facts, given: Values) -> Outcome:
    table = pd.DataFrame([_defined(name, planned(facts, sets)) for name, sets in DEFINITIONS.items()])
    base, worst = table.iloc[0], table.iloc[int(table["accelerators_m"].argmax())]
    have = pd.DataFrame([_runs(facts, year) for year in STOCK_YEARS])
    wanted = facts.claim("human_population")
    parts = (
        Part("8 billion copies need many new supercomputers",
             f"{base['accelerators_m']:.1f} to {worst['accelerators_m']:.0f} million accelerators and {base['gw']:.0f} to "
             f"{worst['gw']:.0f} GW by 2036, by definition of the instance", base["accelerators_m"] > 0.1),
        Part("the machines of the time could not run them",
             f"the stock of {have['year'].iloc[0]} runs {have['instances_m'].iloc[0]:,.1f} million streams of thought on a "
             f"model of 2026, that of {have['year'].iloc[-1]} {have['instances_m'].iloc[-1]:,.0f} million",
             have["instances_m"].iloc[0] * MILLION < wanted),
    )
    reading = (f"Under the most modest wide definition, a human's stream of thought on a model that exists in 2026, 8 billion "
               f"copies in 2036 take {base['accelerators_m']:.1f} million accelerators, {base['gw']:.0f} GW at "
               f"{base['sites']:.0f} parts of the world and {base['busd']:,.0f} billion dollars over ten years; {base['binds']}. "
               f"Defined as {worst['definition']} they take {worst['accelerators_m']:.0f} million and {worst['gw']:.0f} GW, "
               f"of which {worst['short']:.0%} cannot be served in 2036: {worst['binds']}.")
    return Outcome(parts, (Figure("accelerators for 8 billion, first definition", base["accelerators_m"], "million", SCENARIO),
                           Figure("power for 8 billion, first definition", base["gw"], "GW", SCENARIO),
                           Figure("accelerators, most demanding definition", worst["accelerators_m"], "million", SCENARIO)),
                   reading, {"8 billion": table, "stock": have},
                   (Chart("Accelerators for 8 billion copies by definition", "million",
                          table.set_index("definition")[["accelerators_m"]], "bars", log=True),))


def _defined(name: str, plan: Plan) -> dict[str, object]:
    last, rows = plan.tables["schedule"].iloc[-1], plan.tables["schedule"]
    short = float(last["instances_short"] / last["instances_demanded"])
    years = rows.loc[rows["binds"].astype(str) != "", ["year", "binds"]]
    binds = "nothing binds" if years.empty else f"first binds, in {years['year'].iloc[0]}: {years['binds'].iloc[0]}"
    worst = plan.summary["gap"]
    return {"definition": name, "accelerators_m": float(last["accelerators"]) / MILLION,
            "gw": float(last["facility_mw"]) / 1e3, "sites": int(last["sites"]),
            "busd": float((rows["capex_usd"] + rows["opex_usd"]).sum()) / BILLION, "usd_per_instance_hour": float(last["usd_per_instance_hour"]),
            "short": short, "binds": binds, "gap": float("nan") if worst is None else float(worst)}


def _runs(facts: Facts, year: int) -> dict[str, object]:
    """Streams of thought that a year's stock runs at once, each chip at its best plan."""
    scenario = load_scenario(SCENARIO)
    work, total = Workload.of(scenario.classes["instance"]), 0.0
    cls = scenario.classes["instance"]
    slo = Slo(cls.ttft, cls.tpot, cls.percentile)
    (variant,) = scenario.variants.values()
    for chip, units in stock(facts, year).items():
        best = facts.best(variant.model, chip, work, slo)
        total += 0.0 if best is None else units * float(best["instances_per_accelerator"])
    have = sum(stock(facts, year).values())
    return {"year": year, "accelerators_m": have / MILLION, "instances_m": total / MILLION}


# ---- the first copies -------------------------------------------------------------------------------------------------

def _first_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("human_equivalents", "thought_tokens_per_second", "human", "tokens a human thinks in a second"),
            facts.input("constants", "tokens_per_word", "tokens_per_word", "tokens in a word", least=1.0, most=2.0))


def _first(facts: Facts, given: Values) -> Outcome:
    rows = []
    for run in facts.catalogue.table("training_runs").to_dict("records"):
        best = most(written(facts, run["model"], run["accelerator"], PATIENT, given["tokens_per_word"]))
        rate = float("nan") if best is None else float(best["output_tokens_s_per_accelerator"])
        least = float("nan") if best is None else float(best["accelerators"])
        count = float(run["accelerators"])
        rows.append({"model": run["model"], "trained_on": run["accelerator"], "year": run["year"], "accelerators": count,
                     "copies": count / least, "human_equivalents": count * rate / given["human"]})
    table = pd.DataFrame(rows)
    shown = table[table["human_equivalents"].notna()]
    fewest, many = shown["human_equivalents"].min(), shown["human_equivalents"].max()
    parts = (
        Part("only a few copies run at first", f"the cluster that trained serves {fewest:,.0f} to {many:,.0f} humans' streams "
             "of thought", fewest < 1000),
        Part("the chips that trained can serve: an overhang", f"up to {many:,.0f} streams on release day", many > 10_000),
    )
    v3 = table[table["model"] == "deepseek-v3"].iloc[0]
    reading = (f"A training run leaves a cluster behind that serves its model at once: the {v3['accelerators']:,.0f} "
               f"accelerators of {v3['model']} hold {v3['copies']:,.0f} copies, which think for "
               f"{v3['human_equivalents']:,.0f} humans. Neither a few nor billions: the first day's workforce is that of a "
               "town.")
    return Outcome(parts, (Figure("streams of thought on release day, least", fewest, "streams", "serving"),
                           Figure("streams of thought on release day, most", many, "streams", "serving")), reading,
                   {"release day": table},
                   (Chart("Streams of thought that the training cluster serves", "streams",
                          shown.set_index("model")[["human_equivalents"]], "bars", log=True),))


# ---- each doubling ----------------------------------------------------------------------------------------------------

DOUBLINGS = 10
FLEET = ("gb300-nvl72", 8192)


def _doubling_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.tokens_per_word(),)


def _doubling(facts: Facts, given: Values) -> Outcome:
    card = facts.catalogue.model(GPT3)
    chip, pod = FLEET
    sizes = [float(2**i) for i in range(DOUBLINGS + 1)]
    rates = []
    for size in sizes:
        best = most(written(facts, scaled(card, size), chip, PATIENT, given["tokens_per_word"], weights="fp4", pod=pod))
        rates.append(0.0 if best is None else float(best["output_tokens_s_per_accelerator"]))
    table = pd.DataFrame({"size_of_gpt3": sizes, "tokens_s_per_accelerator": rates})
    table["share_left"] = table["tokens_s_per_accelerator"] / rates[0]
    table["lost_by_the_doubling"] = 1 - table["tokens_s_per_accelerator"] / table["tokens_s_per_accelerator"].shift()
    served = table[table["tokens_s_per_accelerator"] > 0]
    lost = float(1 - (served["share_left"].iloc[-1]) ** (1 / max(len(served) - 1, 1)))
    whole = 1 / served["share_left"].iloc[-1]
    parts = (
        Part("crossing the human range takes a factor of 1000 in size",
             f"a fixed fleet then serves {whole:,.0f} times fewer instances", whole >= facts.claim("human_range") / 3),
        Part("each doubling halves what a fleet serves", f"{lost:.0%} lost per doubling on average", abs(lost - 0.5) < 0.1),
    )
    reading = (f"On a fixed fleet of {chip} a doubling of the model loses {lost:.0%} of the instances on average; over "
               f"{len(served) - 1} doublings {whole:,.0f} of {whole:,.0f} parts but one.")
    return Outcome(parts, (Figure("instances lost per doubling", lost, "share", chip),
                           Figure("fewer instances over the range", whole, "x", chip)), reading, {"doublings": table},
                   (Chart("Instances left on a fixed fleet, by size", "share",
                          served.set_index("size_of_gpt3")[["share_left"]], log=True),))


ARGUMENTS = (
    Argument("operations", "Human-equivalents at 1e14 and 1e17 operations a second",
             "A model of 1e14 operations/s competitive with trained humans would be transformative, and even of three "
             "orders more.", _ops_inputs, _ops),
    Argument("consumer", "Consumer GPUs and phones",
             "You can't just repurpose all consumer GPUs for inferencing, let alone run GPT-3 on your smartphone.",
             _consumer_inputs, _consumer),
    Argument("eight-billion", "Eight billion copies", "To run billions of copies, we'd need to dramatically increase the "
             "world's number of supercomputers.", _billion_inputs, _billion, searchable=False),
    Argument("overhang", "Few copies at first, or an overhang after training",
             "It may take a while before we can run lots of copies; but what trained the model can serve it.",
             _first_inputs, _first),
    Argument("doubling", "Even the human range takes factors of 1000 in size",
             "Doubling model size is worth about one stone of Go, so the human range is about a factor of 1000 in size.",
             _doubling_inputs, _doubling),
)
__all__ = ["ARGUMENTS", "planned", "stock", "wage"]
