"""The race: models grow, hardware and algorithms improve; wages; the share of compute that inference takes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.serving import cost_per_million_tokens
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.copies import planned, wage
from capacity.studies.founding.facts import HOURS, Facts
from capacity.studies.founding.price import GPT3, MILLION
from capacity.studies.founding.work import PROMPT, most, written

BOUGHT = (("v100-sxm2-32", 2020), ("a100-sxm-80", 2022), ("h100-sxm", 2023), ("b200-sxm", 2025), ("vr200-nvl72", 2027),
          ("archetype-2030", 2030), ("archetype-2032", 2032), ("archetype-2034", 2034))
SECONDS_OF_HOUR, DAYS_OF_MONTH = 3600.0, 365.25 / 12
FIRST, LAST = 2020, 2040


def _race_inputs(facts: Facts) -> tuple[Input, ...]:
    loss = facts.input("trends", "algo_lm", "halving", "months in which algorithms halve the compute of a result", least=1.0)
    return (
        facts.input("constants", "model_size_growth", "growth", "growth of the largest served model", least=1.0),
        loss,
        facts.input("human_equivalents", "tokens_per_task_hour_agentic", "tokens", "tokens of a human-hour of work"),
        facts.input("constants", "model_at_par", "par", "size at human level in the first year, of GPT-3's"),
        *facts.money(),
    )


def _race(facts: Facts, given: Values) -> Outcome:
    hardware = _hardware(facts, given)
    years = np.arange(FIRST, LAST + 1)
    slope, level = np.polyfit(hardware["year"], np.log(hardware["usd_per_mtok_of_gpt3"]), 1)
    chips = np.exp(level + slope * years)
    better = 2.0 ** (12.0 / given["halving"])
    hour = given["tokens"] / MILLION * chips * given["par"]
    grow = given["growth"] ** (years - FIRST)
    table = pd.DataFrame({"year": years, "hardware alone": hour,
                          "hardware and algorithms": hour / better ** (years - FIRST),
                          "hardware, models growing": hour * grow,
                          "all three": hour * grow / better ** (years - FIRST)})
    falls = float(np.exp(-slope))
    passes = pd.DataFrame([{"region": region, "wage_usd_h": usd, **{case: _below(table, case, usd) for case in table.columns[1:]}}
                           for region, usd in wage(facts).items()])
    every = passes["hardware and algorithms"].notna().all()
    race = falls * better / given["growth"]
    parts = (
        Part("experience curves are steep", f"the same model costs {falls:.2f} times less each year by hardware and "
             f"{better:.1f} times by algorithms", falls * better > 2),
        Part("models grow faster than costs fall", f"models {given['growth']:.1f}x a year, costs {falls * better:.1f}x",
             race < 1),
        Part("an instance-hour passes below the wage of every region by 2040",
             _passing(passes), bool(every)),
    )
    reading = (f"Hardware makes the same tokens {falls:.2f} times cheaper a year; algorithms halve the compute of a result "
               f"every {given['halving']:.0f} months. Against models that grow {given['growth']:.1f} times a year the cost of "
               f"the frontier {'falls' if race > 1 else 'rises'} {max(race, 1 / race):.1f} times a year. The trends are never "
               "multiplied with a price trend, which holds both already.")
    return Outcome(parts, (Figure("fall of the frontier's cost", race, "x a year", "serving and trends.csv"),
                           Figure("fall of cost by hardware", falls, "x a year", "serving, accelerator_prices.csv")), reading,
                   {"hour": table, "below the wage": passes},
                   (Chart("An hour of human-equivalent work", "USD", table.set_index("year"), log=True),))


def _hardware(facts: Facts, given: Values) -> pd.DataFrame:
    """Owner's cost of a million tokens of GPT-3 by accelerator and year of purchase."""
    rows = []
    for chip, year in BOUGHT:
        found = written(facts, GPT3, chip, PROMPT, facts.catalogue.constant("tokens_per_word"))
        rows.append({"accelerator": chip, "year": year,
                     "usd_per_mtok_of_gpt3": float(cost_per_million_tokens(found, facts.hour(chip, year, given)).min())})
    return pd.DataFrame(rows)


def _below(table: pd.DataFrame, case: str, usd: float) -> float:
    """First year in which the hour costs less; NaN where none does."""
    years = table.loc[table[case] < usd, "year"]
    return float(years.iloc[0]) if len(years) else float("nan")


def _passing(passes: pd.DataFrame) -> str:
    done = passes.dropna(subset=["hardware and algorithms"]).sort_values("hardware and algorithms")
    if done.empty:
        return "nowhere"
    first, last = done.iloc[0], done.iloc[-1]
    more = len(passes) - len(done)
    return (f"{first['region']} in {first['hardware and algorithms']:.0f}, last {last['region']} in "
            f"{last['hardware and algorithms']:.0f}" + (f"; {more} not by {LAST}" if more else ""))


# ---- the share of inference -------------------------------------------------------------------------------------------

MODEL = "deepseek-v3"


def _share_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("constants", "research_over_final_run", "trials", "hours of research over those of the final run"),
            facts.input("constants", "model_life_years", "years", "years the model is sold"),
            facts.input("constants", "busy_share", "busy", "share of the hours in which a copy carries its load", most=1.0))


def _share(facts: Facts, given: Values) -> Outcome:
    plan = planned(facts, ())
    fleet = plan.tables["schedule"][["year", "accelerators", "instances_served"]].copy()
    run = facts.catalogue.row("training_runs", MODEL)
    peak = facts.catalogue.accelerator(str(run["accelerator"])).bf16_tflops
    base = float(run["accelerator_hours_m"]) * MILLION * given["trials"] / given["years"] * peak
    chips = plan.tables["fleet"].groupby(["year", "accelerator"], as_index=False)["accelerators"].sum()
    flops = {name: facts.catalogue.accelerator(name).bf16_tflops for name in chips["accelerator"].unique()}
    chips["work"] = chips["accelerators"] * chips["accelerator"].map(flops) * HOURS * given["busy"]
    fleet["inference"] = fleet["year"].map(chips.groupby("year")["work"].sum())
    growth = facts.catalogue.constant("model_size_growth")
    fleet["training"] = base * growth ** (2 * (fleet["year"] - int(run["year"])))
    fleet["share_of_inference"] = fleet["inference"] / (fleet["inference"] + fleet["training"])
    fleet["share_if_the_model_stays"] = fleet["inference"] / (fleet["inference"] + base)
    best = most(written(facts, MODEL, str(run["accelerator"]), PROMPT, facts.catalogue.constant("tokens_per_word")))
    assert best is not None
    even = float(run["accelerator_hours_m"]) * MILLION * given["trials"] / (given["years"] * HOURS * given["busy"])
    first, last = fleet.iloc[0], fleet.iloc[-1]
    parts = (
        Part("most compute is spent on inference", f"{first['share_if_the_model_stays']:.1%} in {first['year']:.0f} for one "
             f"model of today's size, {last['share_if_the_model_stays']:.2%} in {last['year']:.0f}",
             first["share_if_the_model_stays"] > facts.claim("inference_share")),
        Part("and stays so while models grow", f"with training growing as the square of the size {last['share_of_inference']:.0%} "
             f"in {last['year']:.0f}", last["share_of_inference"] > facts.claim("inference_share")),
    )
    reading = (f"Training {MODEL} is worth {even:,.0f} accelerators that serve for the life of the model: whoever serves with "
               f"more spends most on inference. For 8 billion copies the fleet of {last['year']:.0f} dwarfs any one training "
               f"run of today's size; only training that grows with the square of a model that itself grows "
               f"{growth:.1f} times a year keeps pace.")
    return Outcome(parts, (Figure("accelerators at which serving equals training", even, "accelerators", "training_runs.csv"),
                           Figure("share of inference at the end", last["share_if_the_model_stays"], "share", "solved plan")),
                   reading, {"fleet": fleet},
                   (Chart("Share of compute spent on inference", "share",
                          fleet.set_index("year")[["share_of_inference", "share_if_the_model_stays"]]),))


ARGUMENTS = (
    Argument("race", "Experience curves against growing models", "Costs fall along steep experience curves; or models grow "
             "faster, and inference stays as dear as human work.", _race_inputs, _race),
    Argument("share", "Inference takes most of the compute", "Most compute used for deep learning is spent not on training "
             "but on inference.", _share_inputs, _share, searchable=False),
)
