"""Distillation and small models for easy work: what they keep, what they cost, and the cheapest mix, solved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.mix import SCENARIO, Form, by_factor, graded
from capacity.studies.founding.say import share, short
from capacity.studies.founding.work import MILLION, PROMPT, SECONDS_OF_HOUR, tokens_s, written

CHIP, POD = "h200-sxm", 64
TRIED = tuple((Form(large, large), Form(small, small)) for large, small in (
    ("deepseek-r1", "llama3.1-70b"), ("deepseek-r1", "qwen3-32b"), ("deepseek-r1", "llama3.1-8b"),
    ("gpt3-davinci", "gpt3-curie"), ("gpt3-davinci", "gpt3-babbage"), ("gpt3-davinci", "gpt3-ada")))
"""Large and small models between which a plan chooses at each factor."""
WIDE = Form("gpt3-davinci", "gpt3-davinci at 16 bits", "fp16", "fp16")
NARROW = (Form("gpt3-davinci", "gpt3-davinci at 8 bits"),
          Form("gpt3-davinci", "gpt3-davinci with weights of 4 bits", "int4"))
"""One model at several precisions, between which a plan chooses likewise."""
PAIRS = (*TRIED, *((WIDE, narrow) for narrow in NARROW))
SAVES = 0.9
"""A mix is cheaper that costs less than this share of the largest variant alone."""


def _inputs(facts: Facts) -> tuple[Input, ...]:
    rows = facts.catalogue.table("distillation").to_dict("records")

    def of(large: str, small: str, name: str, words: str) -> Input:
        row = next(row for row in rows if (row["large"], row["small"]) == (large, small))
        return Input(name, words, float(row["share_of_gain_low"]), float(row["share_of_gain"]),
                     float(row["share_of_gain_high"]), "share", f"distillation.csv {large} {small}",
                     str(row["confidence"]), most=0.99)

    return (of("deepseek-r1", "llama3.1-70b", "kept", "worth that DeepSeek-R1's distillate into Llama 70B keeps"),
            of("gpt3-davinci", "gpt3-ada", "easy", "share of the work that Ada does as well as Davinci"),
            facts.input("constants", "worth_at_8_bits", "eight", "worth that a model keeps at 8 bits of its 16",
                        most=1.0),
            facts.input("constants", "worth_at_4_bits", "four", "worth that it keeps with weights of 4 bits", most=1.0))


def _distil(facts: Facts, given: Values) -> Outcome:
    table, pairs = _smaller(facts, given), facts.catalogue.table("distillation")
    grades, against = graded(facts, given["easy"])
    choice = facts.keep("by factor", lambda: pd.concat([by_factor(facts, *pair) for pair in PAIRS], ignore_index=True))
    keeps = {form.words: (given[name], wins_from(choice, WIDE.words, form.words))
             for form, name in zip(NARROW, ("eight", "four"), strict=True)}
    switch = float(pairs.loc[pairs["small"] == "", "share_of_gain"].iloc[0])
    distilled = table[table["large"] == "deepseek-r1"]
    near = distilled.iloc[int((distilled["size"] * facts.claim("distil_smaller") - 1).abs().argmin())]
    tiny = distilled.iloc[int((distilled["size"] / facts.claim("distil_rest") - 1).abs().argmin())]
    mix = ", ".join(f"{row['variant']} {share(row['share_of_work'])}" for row in
                    grades.sort_values("share_of_work", ascending=False).to_dict("records"))
    parts = (
        Part("a model five times smaller loses most of the gain",
             f"{near['small']}, {short(1 / near['size'])} times smaller than {near['large']}, keeps "
             f"{share(near['worth_kept'])}", bool(1 - near["worth_kept"] > facts.claim("distil_lost"))),
        Part("one of 1 % of the size keeps a third", f"{share(switch)} in the paper quoted; {tiny['small']} at "
             f"{share(tiny['size'])} keeps {share(tiny['worth_kept'])}",
             abs(switch - facts.claim("distil_kept")) < 0.05),
        Part("the cheapest mix gives the easy work to small models",
             f"{mix} of the work, at {share(against)} of the cost of the largest alone",
             against < SAVES and len(grades["variant"].unique()) > 1),
        Part("low precision saves more than it loses", "; ".join(
            f"{name} keeps {share(kept)} and wins {_from(edge)}" for name, (kept, edge) in keeps.items()),
             all(kept > edge for kept, edge in keeps.values())),
    )
    return Outcome(parts, _figures(against, distilled, choice), _reading(near, distilled, grades, against, choice),
                   {"small against large": table, "cheapest mix": grades, "by factor": choice}, _charts(table, choice))


def _from(edge: float) -> str:
    return f"from {share(edge)} on" if edge == edge else "nowhere"


def _figures(against: float, distilled: pd.DataFrame, choice: pd.DataFrame) -> tuple[Figure, ...]:
    told = [Figure("cost of the cheapest mix of GPT-3's sizes", against, "of its large one", SCENARIO),
            Figure("worth kept by R1's best distillate", float(distilled["worth_kept"].max()), "share",
                   "distillation.csv")]
    for large, small in PAIRS:
        told.append(Figure(f"factor from which {small.words} wins over {large.words}",
                           wins_from(choice, large.words, small.words), "share", f"{SCENARIO}, solved"))
    return tuple(told)


def wins_from(choice: pd.DataFrame, large: str, small: str) -> float:
    """The factor at which both cost the same: where the small one serves it takes a share of the accelerators that is
    this over its factor. NaN where it serves nowhere."""
    rows = choice[(choice["large"] == large) & (choice["small"] == small) & (choice["small_serves"] > 0.5)]
    return float((rows["against_large"] * rows["factor"]).iloc[0]) if len(rows) else float("nan")


def _reading(near: pd.Series, distilled: pd.DataFrame, grades: pd.DataFrame, against: float,
             choice: pd.DataFrame) -> str:
    large = grades.iloc[int(grades["share_of_accelerators"].argmax())]
    edge = {small.words: wins_from(choice, large.words, small.words) for large, small in PAIRS}
    ada, seventy = edge["gpt3-ada"], edge[str(near["small"])]
    eight, four = (edge[form.words] for form in NARROW)
    return (
        "A small model wins on all work of which it keeps a larger share of the worth than its share of the cost, and "
        f"a plan that may choose does just that: Ada serves whatever work it does at {share(ada)} of Davinci's worth "
        f"or more, Babbage from {share(edge['gpt3-babbage'])} and Curie from {share(edge['gpt3-curie'])} on; "
        f"{near['small']} needs {share(seventy)} of {near['large']}'s, whose experts work a few at a time. Fewer bits "
        f"are the same trade: GPT-3 at 8 wins over 16 {_from(eight)}, with weights of 4 bits {_from(four)}. "
        f"With Davinci's work in four grades the cheapest mix costs {share(against)} of Davinci "
        f"alone, and {large['variant']} still takes {share(large['share_of_accelerators'])} of the accelerators for "
        f"{share(large['share_of_work'])} of the work"
        + (": the hard rest is the bill" if large["share_of_accelerators"] > large["share_of_work"] else "")
        + ". The loss quoted in 2021 was that of "
        f"the Switch paper; the distillates of 2025 keep {share(distilled['worth_kept'].min())} to "
        f"{share(distilled['worth_kept'].max())} of a benchmark that they were distilled for. How much work is easy, "
        "for Ada to Davinci, is a guess.")


def _charts(table: pd.DataFrame, choice: pd.DataFrame) -> tuple[Chart, ...]:
    edges = pd.DataFrame([(f"{small.words} for {large.words}", wins_from(choice, large.words, small.words))
                          for large, small in PAIRS], columns=["pair", "worth"])
    return (Chart("A small model against its large one", "share", table.assign(
                pair=table["small"] + " for " + table["large"]).set_index("pair")[["cost", "worth_kept"]].rename(
                    columns={"cost": "its cost", "worth_kept": "worth it keeps"}), "bars", log=True),
            Chart("Worth that a smaller form must keep to win in the cheapest plan", "share",
                  edges.set_index("pair"), "bars", log=True))


def _smaller(facts: Facts, given: Values) -> pd.DataFrame:
    """Each small model against its large one: size, cost, worth kept, cost for the same worth."""
    pairs = facts.catalogue.table("distillation")
    rows = []
    for row in pairs[pairs["small"] != ""].to_dict("records"):
        kept = given["kept"] if row["small"] == "llama3.1-70b" else float(row["share_of_gain"])
        large, small = (_hours(facts, str(row[name])) for name in ("large", "small"))
        rows.append({"large": row["large"], "small": row["small"], "size": _size(facts, row),
                     "cost": small / large, "worth_kept": kept, "cost_of_its_worth": small / kept / large,
                     "confidence": row["confidence"]})
    return pd.DataFrame(rows)


def _hours(facts: Facts, model: str) -> float:
    """Accelerator-hours of a million tokens, at best."""
    found = written(facts, model, CHIP, PROMPT, facts.catalogue.constant("tokens_per_word"), weights="fp8", pod=POD)
    return MILLION / tokens_s(found) / SECONDS_OF_HOUR


def _size(facts: Facts, row: Mapping[Any, Any]) -> float:
    small, large = (facts.catalogue.model(str(row[name])) for name in ("small", "large"))
    return float(small.params_total_b or 0.0) / float(large.params_total_b or 1.0)


ARGUMENTS = (
    Argument("distillation", "Distillation and small models for easy work",
             "A five times smaller model loses most of the gain; 1 % of the size keeps a third; people use the "
             "smallest model that does the work.", _inputs, _distil),
)
__all__ = ["ARGUMENTS"]
