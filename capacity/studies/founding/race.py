"""The race: models grow, hardware and algorithms improve; when an hour costs less than the wage of each region."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.serving import cost_per_million_tokens
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.copies import wage
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.say import short, times, usd
from capacity.studies.founding.work import GPT3, MILLION, PROMPT, written

BOUGHT = (("v100-sxm2-32", 2020), ("a100-sxm-80", 2022), ("h100-sxm", 2023), ("b200-sxm", 2025), ("vr200-nvl72", 2027),
          ("archetype-2030", 2030), ("archetype-2032", 2032), ("archetype-2034", 2034))
FIRST, LAST = 2020, 2040
MONTHS = 12.0
STEADY, ALL = "hardware and algorithms", "all three"


def _halving(facts: Facts) -> Input:
    """Months in which algorithms halve the inference of a result.

    Training compute of a result halves as `algo_lm` says. At best its size halves as fast as the densest models do;
    at worst only the square root of it reaches the size, and with it inference (parameters and data grow alike).
    """
    mid = facts.input("trends", "algo_lm", "halving", "", least=1.0)
    fast = facts.input("trends", "densing_law", "halving", "")
    return Input("halving", "months in which algorithms halve the inference of a "
                            "result", fast.mid, mid.mid, 2 * mid.mid,
                 "months", "trends.csv densing_law, algo_lm, and twice algo_lm (half of it reaches "
                           "inference)", "derived",
                 least=1.0)


def _race_inputs(facts: Facts) -> tuple[Input, ...]:
    return (
        facts.input("constants", "model_size_growth", "growth", "growth of the largest served model", least=1.0),
        _halving(facts),
        facts.input("constants", "race_trend_years", "lasts", "years for which both go on"),
        facts.input("human_equivalents", "tokens_per_task_hour_agentic", "tokens", "tokens of a human-hour of work"),
        facts.input("constants", "model_at_par", "par", f"size at human level in {FIRST}, of GPT-3's"),
        *facts.money(),
    )


def _hours(facts: Facts, given: Values) -> tuple[pd.DataFrame, float, float]:
    """USD of an hour of human-equivalent work by year and case; factors a year of hardware and of algorithms."""
    hardware = _hardware(facts, given)
    years = np.arange(FIRST, LAST + 1)
    slope, level = np.polyfit(hardware["year"], np.log(hardware["usd_per_mtok_of_gpt3"]), 1)
    better = 2.0 ** (MONTHS / given["halving"])
    hour = given["tokens"] / MILLION * np.exp(level + slope * years) * given["par"]
    age = (years - FIRST).clip(max=given["lasts"])
    grow, learn = given["growth"] ** age, better**age
    table = pd.DataFrame({"year": years, "hardware alone": hour, STEADY: hour / learn,
                          "hardware, models growing": hour * grow, ALL: hour * grow / learn})
    return table, float(np.exp(-slope)), float(better)


def _race(facts: Facts, given: Values) -> Outcome:
    table, falls, better = _hours(facts, given)
    passes = pd.DataFrame([{"region": region, "wage_usd_h": pay,
                            **{case: _below(table, case, float(pay)) for case in table.columns[1:]}}
                           for region, pay in wage(facts).items()])
    race = falls * better / given["growth"]
    same, grown = (int(passes[case].notna().sum()) for case in (STEADY, ALL))
    parts = (
        Part("costs fall along a steep curve (by half a year or more)",
             f"{short(falls)}x a year by hardware, {short(better)}x by algorithms", falls * better > 2),
        Part("models grow faster than costs fall", f"models {short(given['growth'])}x a year, costs "
             f"{short(falls * better)}x", race < 1),
        Part(f"a model of unchanging ability works below the wage of every region by {LAST}", _passing(passes, STEADY),
             same == len(passes)),
        Part(f"and so does the largest model of its year by {LAST}", _passing(passes, ALL), grown == len(passes)),
    )
    reading = (
        f"Two exponentials race. The same tokens become {times(falls)} cheaper a year by hardware alone (from V100 to "
        f"the archetypes of {BOUGHT[-1][1]}, which are extrapolations), and algorithms need half the inference for a "
        f"result every {short(given['halving'])} months. Against that stands the appetite for size, "
        f"{times(given['growth'])} a year. While both last, taken here as {short(given['lasts'])} years, the cost of "
        f"an hour at the frontier {'falls' if race > 1 else 'rises'} {times(max(race, 1 / race))} a year. Had a model "
        f"of {short(given['par'])} times GPT-3 done human work in {FIRST}, its hour would have cost "
        f"{usd(float(table[STEADY].iloc[0]))}. At that ability the cost passes below wages "
        f"{_passing(passes, STEADY)}; for whoever always serves the largest model, {_passing(passes, ALL)}. No trend "
        "of prices enters: such trends hold both already.")
    return Outcome(parts, (Figure("fall of the frontier's cost", race, "x a year", "serving and trends.csv"),
                           Figure("fall of cost by hardware", falls, "x a year", "serving, accelerator_prices.csv"),
                           Figure(f"regions whose wage a model of unchanging ability passes by {LAST}", float(same),
                                  f"of {len(passes)}", "regions.csv")), reading,
                   {"hour": table, "below the wage": passes},
                   (Chart("An hour of human-equivalent work", "USD an hour", table.set_index("year"), log=True),))


def _hardware(facts: Facts, given: Values) -> pd.DataFrame:
    """Owner's cost of a million tokens of GPT-3 by accelerator and year of purchase."""
    rows = []
    for chip, year in BOUGHT:
        found = written(facts, GPT3, chip, PROMPT, facts.catalogue.constant("tokens_per_word"))
        cost = float(cost_per_million_tokens(found, facts.hour(chip, year, given)).min())
        rows.append({"accelerator": chip, "year": year, "usd_per_mtok_of_gpt3": cost})
    return pd.DataFrame(rows)


def _below(table: pd.DataFrame, case: str, pay: float) -> float:
    """First year in which the hour costs less; NaN where none does."""
    years = table.loc[table[case] < pay, "year"]
    return float(years.iloc[0]) if len(years) else float("nan")


def _passing(passes: pd.DataFrame, case: str) -> str:
    done = passes.dropna(subset=[case]).sort_values([case, "region"])
    if done.empty:
        return f"no region's by {LAST}"
    first, last, more = done.iloc[0], done.iloc[-1], len(passes) - len(done)
    told = f"from {first['region']} in {first[case]:.0f} to {last['region']} in {last[case]:.0f}"
    return told + (f", {more} regions not by {LAST}" if more else "")


ARGUMENTS = (
    Argument("race", "Experience curves against growing models", "Costs fall along steep experience curves; or models "
             "grow faster, and inference stays as dear as human work.", _race_inputs, _race),
)
__all__ = ["ARGUMENTS"]
