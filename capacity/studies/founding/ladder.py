"""The ladder from raw operations to the API price: what each step costs, and where the claimed 250x goes."""

from __future__ import annotations

import pandas as pd

from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.price import api_price
from capacity.studies.founding.say import short, times, usd
from capacity.studies.founding.work import GPT3, MILLION, PROMPT, SECONDS_OF_HOUR, most, written

RENTED = ("a100-sxm-40", 2021)
MINUTES, TERA = 60.0, 1e12


def _inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("human_equivalents", "reading_silent_nonfiction", "words_min", "words read in a minute"),
            facts.tokens_per_word(),
            facts.input("constants", "busy_share", "busy", "share of the hours in which a copy carries its load",
                        most=1.0))


def _claimed(facts: Facts) -> tuple[float, float]:
    """The 250x as it was computed, 250 words a minute against one a second; and at one rate."""
    a_second = facts.claim("hardware_usd_h") * facts.claim("ops_word") / facts.claim("hardware_ops_s")
    as_said = facts.claim("reading_usd_h") / a_second
    return as_said, as_said / (facts.claim("reading_wpm") / MINUTES)


def _rungs(facts: Facts, given: Values, ops: float, used: float) -> pd.DataFrame:
    """USD of an hour of reading, rung by rung; `used` is the achieved share of peak operations."""
    chip, year = RENTED
    reserved, on_demand = (facts.rental(chip, year, channel) for channel in ("1-year reserved", "on demand"))
    words = given["words_min"] * MINUTES
    peak_hours = words * ops / (facts.catalogue.accelerator(chip).bf16_tflops * TERA) / SECONDS_OF_HOUR
    asked = words * given["tokens_per_word"] * api_price(facts) / MILLION
    rungs = [("operations at peak, reserved", peak_hours * reserved),
             ("at the utilisation achieved", peak_hours / used * reserved),
             ("with the hours it idles", peak_hours / used * reserved / given["busy"]),
             ("rented on demand", peak_hours / used * on_demand / given["busy"]),
             ("the API price", asked)]
    table = pd.DataFrame(rungs, columns=["rung", "usd_per_hour_of_reading"])
    table["times_the_one_before"] = table["usd_per_hour_of_reading"] / table["usd_per_hour_of_reading"].shift()
    return table


def _ladder(facts: Facts, given: Values) -> Outcome:
    cat, (chip, year) = facts.catalogue, RENTED
    peak, unit = cat.accelerator(chip).bf16_tflops * TERA, facts.claim("hardware_ops_s")
    reserved, on_demand = (facts.rental(chip, year, channel) for channel in ("1-year reserved", "on demand"))
    ops = 2.0 * float(cat.model(GPT3).params_active_b or 0.0) * 1e9 * given["tokens_per_word"]
    best = most(written(facts, GPT3, chip, PROMPT, given["tokens_per_word"], weights="fp16", kv="fp16"))
    assert best is not None
    used = float(best["output_tokens_s_per_accelerator"]) / given["tokens_per_word"] * ops / peak
    table = _rungs(facts, given, ops, used)
    cost, steps = table["usd_per_hour_of_reading"], table["times_the_one_before"]
    claimed, one_rate = _claimed(facts)
    true, left = float(cost.iloc[-1] / cost.iloc[0]), float(steps.iloc[-1])
    parts = (
        Part("1e14 operations a second rent for well under $1 an hour",
             f"{usd(reserved * unit / peak)} reserved for a year, {usd(on_demand * unit / peak)} on demand, on {chip} "
             "in "
             f"{year}", reserved * unit / peak < facts.claim("hardware_usd_h")),
        Part("GPT-3 needs half a trillion operations a word", short(ops),
             abs(ops / facts.claim("ops_word") - 1) < 0.25),
        Part("a reader's hour costs $1.20 at the API price", usd(float(cost.iloc[-1])),
             abs(cost.iloc[-1] / facts.claim("reading_usd_h") - 1) < 0.25),
        Part("that is some 250 times the hardware",
             f"{short(claimed)} as computed, which holds 250 words a minute against one a second; {short(one_rate)} "
             "at one "
             f"rate; {short(true)} with the rents of {year}", true >= facts.claim("api_over_hardware") / 2),
        Part("on demand costs about 10 times more", times(on_demand / reserved),
             on_demand / reserved >= facts.claim("on_demand_factor") / 2),
    )
    reading = (
        f"The famous 250 mixes two speeds: set both sides to one rate and it is {short(one_rate)}; put in what {chip} "
        f"rented for and it is {short(true)}. That gap is no riddle. {times(float(steps.iloc[1])).capitalize()} is "
        "utilisation: decoding reads all weights and keys to do a few operations with each. "
        f"{times(float(steps.iloc[2])).capitalize()} is idle hours, {times(float(steps.iloc[3]))} the surcharge for "
        f"renting by the hour, and {times(left)} is left for margin, staff and training.")
    figures = (Figure("what is left for margin, staff and training", left, "x", f"{chip} {year}"),
               Figure("API price against peak operations at one rate", true, "x", f"{chip} {year}"),
               Figure("the 250x as it was computed", claimed, "x", "founding_claims.csv"),
               Figure("the 250x at one rate and $1 an hour", one_rate, "x", "founding_claims.csv"),
               Figure("operations a word", ops / TERA, "trillion", "models/gpt3-davinci.yaml"),
               Figure("share of peak operations achieved", used, "share", f"serving, {chip}"))
    return Outcome(parts, figures, reading, {"ladder": table},
                   (Chart("An hour of reading, from raw operations to the API price", "USD an hour",
                          table.set_index("rung")[["usd_per_hour_of_reading"]], "bars", log=True),))


ARGUMENTS = (
    Argument("ladder", "From raw operations to the API price",
             "1e14 operations a second rent for well under $1 an hour, GPT-3 needs half a trillion a word: the API "
             "asks "
             "some 250 times the hardware, and on demand costs 10 times more.", _inputs, _ladder),
)
