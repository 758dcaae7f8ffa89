"""Variants: mixtures of experts, distillation and small models for easy work, longer contexts and more samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from capacity.catalogue.cards import ModelCard
from capacity.serving import Slo, Workload, cost_per_million_tokens, step_budget
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.say import share, short, times
from capacity.studies.founding.work import GPT3, MILLION, PATIENT, PROMPT, SECONDS_OF_HOUR, most, scaled, written

CHIP, YEAR = "h200-sxm", 2025
POD = 64


def _tokens(facts: Facts) -> float:
    return facts.catalogue.constant("tokens_per_word")


# ---- mixtures of experts --------------------------------------------------------------------------------------------


def _moe_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.price(CHIP, YEAR), *facts.money())


def dense_twin(card: ModelCard, scale: float) -> ModelCard:
    """The model without its experts, `scale` times as large."""
    plain = replace(card, kind="dense", experts_total=0, experts_active=0, experts_shared=0, d_ff_expert=0, moe_every=1,
                    d_ff_dense=card.d_ff_dense or card.d_ff_expert)
    return scaled(plain, scale)


def _moe(facts: Facts, given: Values) -> Outcome:
    hour = facts.hour(CHIP, YEAR, given)
    table = pd.DataFrame([_pair(facts, row, hour) for row in facts.catalogue.table("quality_pairs").to_dict("records")])
    loaded, alone = table["dense_over_sparse_loaded"], table["dense_over_sparse_alone"]
    best, least = table.iloc[int(loaded.argmax())], table.iloc[int(loaded.argmin())]
    parts = (
        Part("mixtures of experts lower the cost of inference at full load (by a tenth at least, each)",
             _said(table, "loaded"), bool((loaded > 1.1).all())),
        Part("and with few requests, where reading the weights is "
             "all", _said(table, "alone"), bool((alone > 1.1).all())),
        Part("or only that of training", f"{best['sparse']} serves {times(best['dense_over_sparse_loaded'])} cheaper",
             bool((loaded <= 1.1).all())),
    )
    reading = (
        f"Against the dense model of equal quality, {best['sparse']} is {times(best['dense_over_sparse_loaded'])} "
        f"cheaper at full load, {least['sparse']} {times(least['dense_over_sparse_loaded'])}. With one request at a "
        f"time a token reads its own experts alone and saves {times(alone.min())} or more. Between the two the batch "
        "touches every expert and the advantage shrinks. What experts cost is memory: the smallest copy of "
        f"{best['sparse']} takes {best['sparse_accelerators']:g} accelerators, its dense peer "
        f"{best['dense_accelerators']:g}. So both sides of the dispute had a model in mind for which they were right: "
        "the thin experts of 2021 hardly pay, those of 2024 do.")
    return Outcome(parts, (Figure("advantage at full load, most", float(loaded.max()), "x", str(best["sparse"])),
                           Figure("advantage at full load, least", float(loaded.min()), "x", str(least["sparse"])),
                           Figure("advantage alone, least", float(alone.min()), "x", CHIP)),
                   reading, {"experts": table},
                   (Chart("Cost of the dense model over the mixture, at equal quality", "x",
                          table.set_index("sparse")[["dense_over_sparse_loaded", "dense_over_sparse_alone"]].rename(
                              columns={"dense_over_sparse_loaded": "at full load",
                                       "dense_over_sparse_alone": "one request at a time"}), "bars"),))


def _said(table: pd.DataFrame, load: str) -> str:
    return ", ".join(f"{name} {short(value)}x" for name, value in
                     zip(table["sparse"], table[f"dense_over_sparse_{load}"], strict=True)) + " cheaper than dense"


def _pair(facts: Facts, row: Mapping[Any, Any], hour: float) -> dict[str, object]:
    """Cost of a million tokens of a mixture and of its dense peer, at full load and one request at a time."""
    cat = facts.catalogue
    sparse = cat.model(str(row["sparse"]))
    same = row["dense"] == row["sparse"]
    dense = dense_twin(sparse, float(str(row["dense_scale"]))) if same else cat.model(str(row["dense"]))
    out: dict[str, object] = {"sparse": row["sparse"], "dense": dense.name, "proxy": row["proxy"]}
    for kind, card in (("sparse", sparse), ("dense", dense)):
        plans = written(facts, card, CHIP, PROMPT, _tokens(facts), weights="fp8", pod=POD)
        best, small = most(plans), plans.iloc[int(plans["accelerators"].argmin())]
        assert best is not None
        out[f"{kind}_accelerators"] = small["accelerators"]
        out[f"{kind}_loaded"] = hour / (best["output_tokens_s_per_accelerator"] * SECONDS_OF_HOUR) * MILLION
        out[f"{kind}_alone"] = hour * small["accelerators"] * _alone(facts, card, small) / SECONDS_OF_HOUR * MILLION
    for load in ("loaded", "alone"):
        out[f"dense_over_sparse_{load}"] = float(str(out[f"dense_{load}"])) / float(str(out[f"sparse_{load}"]))
    return out


def _alone(facts: Facts, card: ModelCard, plan: pd.Series) -> float:
    """Seconds of a token with one request in the copy."""
    chip = facts.catalogue.accelerator(CHIP)
    row = plan.copy()
    row["batch"] = 1.0
    work = Workload(1.0, 0.0, 0.0, facts.said("context"), facts.said("context"), 1e-3)
    return float(step_budget(card, chip, facts.links(chip, POD), work, row)["seconds"].sum())


# ---- distillation ---------------------------------------------------------------------------------------------------


def _distil_inputs(facts: Facts) -> tuple[Input, ...]:
    rows = facts.catalogue.table("distillation").to_dict("records")
    r1 = next(row for row in rows if (row["large"], row["small"]) == ("deepseek-r1", "llama3.1-70b"))
    return (Input("kept", "worth that DeepSeek-R1's distillate into Llama 70B keeps", float(r1["share_of_gain_low"]),
                  float(r1["share_of_gain"]), float(r1["share_of_gain_high"]), "share",
                  "distillation.csv deepseek-r1 llama3.1-70b", str(r1["confidence"]), most=1.0), *facts.money())


def _distil(facts: Facts, given: Values) -> Outcome:
    pairs = facts.catalogue.table("distillation")
    table = _smaller(facts, given)
    switch = float(pairs.loc[pairs["small"] == "", "share_of_gain"].iloc[0])
    distilled = table[table["large"] == "deepseek-r1"]
    near = distilled.iloc[int((distilled["size"] * facts.claim("distil_smaller") - 1).abs().argmin())]
    tiny = distilled.iloc[int((distilled["size"] / facts.claim("distil_rest") - 1).abs().argmin())]
    wins = int((table["usd_per_unit_of_worth"] < 1).sum())
    cheapest = table.iloc[int(table["usd_per_unit_of_worth"].argmin())]
    parts = (
        Part("a model five times smaller loses most of the gain",
             f"{near['small']}, {short(1 / near['size'])} times smaller than {near['large']}, keeps "
             f"{share(near['worth_kept'])}", bool(1 - near["worth_kept"] > facts.claim("distil_lost"))),
        Part("one of 1 % of the size keeps a third", f"{share(switch)} in the paper quoted; {tiny['small']} at "
             f"{share(tiny['size'])} keeps "
             f"{share(tiny['worth_kept'])}", abs(switch - facts.claim("distil_kept")) < 0.05),
        Part("small models for the easy work are the cheapest mix",
             f"{wins} of {len(table)} small models deliver a unit of worth for less than their large one",
             wins > len(table) / 2),
    )
    reading = (
        "A small model wins on all work of which it keeps a larger share of the worth than its share of the cost. "
        f"That bar is low: {cheapest['small']} costs {share(cheapest['cost'])} of {cheapest['large']} a token, "
        f"{near['small']} {share(near['cost'])} of {near['large']}. The loss quoted in 2021 was that of the Switch "
        f"paper; the distillates of 2025 keep {share(distilled['worth_kept'].min())} to "
        f"{share(distilled['worth_kept'].max())} of a benchmark that they were distilled for. What a small model "
        "cannot do at all stays with the large one, and how much of the work that is, for Ada to Davinci, is a guess.")
    figures = (Figure("cost of a unit of worth, cheapest small model over its large one",
                      float(cheapest["usd_per_unit_of_worth"]), "x", CHIP),
               Figure("worth kept by R1's best distillate", float(distilled["worth_kept"].max()), "share",
                      "distillation.csv"),
               Figure("cost of the distillate nearest to a fifth", float(near["cost"]), "of its large one", CHIP))
    return Outcome(parts, figures, reading, {"small against large": table},
                   (Chart("A small model against its large one", "share", table.assign(
                       pair=table["small"] + " for " + table["large"]).set_index("pair")[["cost", "worth_kept"]].rename(
                           columns={"cost": "its cost", "worth_kept": "worth it keeps"}), "bars", log=True),))


def _smaller(facts: Facts, given: Values) -> pd.DataFrame:
    """Each small model against its large one: cost of a token, worth kept, and the factor above which it wins."""
    pairs = facts.catalogue.table("distillation")
    rows = []
    for row in pairs[pairs["small"] != ""].to_dict("records"):
        kept = given["kept"] if row["small"] == "llama3.1-70b" else float(row["share_of_gain"])
        large, small = (_usd(facts, str(row[name]), given) for name in ("large", "small"))
        rows.append({"large": row["large"], "small": row["small"], "size": _size(facts, row),
                     "cost": small / large, "worth_kept": kept, "wins_above": small / large,
                     "usd_per_unit_of_worth": small / kept / large, "confidence": row["confidence"]})
    return pd.DataFrame(rows)


def _usd(facts: Facts, model: str, given: Values) -> float:
    found = written(facts, model, CHIP, PROMPT, _tokens(facts), weights="fp8", pod=POD)
    return float(cost_per_million_tokens(found, facts.hour(CHIP, YEAR, given)).min())


def _size(facts: Facts, row: Mapping[Any, Any]) -> float:
    small, large = (facts.catalogue.model(str(row[name])) for name in ("small", "large"))
    return float(small.params_total_b or 0.0) / float(large.params_total_b or 1.0)


# ---- context and samples --------------------------------------------------------------------------------------------

LONGER = (1, 4, 16, 64)
"""Contexts tried, of the claimed one."""
SAMPLES = (1, 2, 4, 8, 16)
MODERN = "llama3.1-70b"


def _more_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.tokens_per_word(),)


def _more(facts: Facts, given: Values) -> Outcome:
    contexts = [int(facts.claim("context") * times_longer) for times_longer in LONGER]
    table = _answers(facts, facts.claim("words") * given["tokens_per_word"], contexts)
    fresh = table[~table["cached"]]
    long = _wide(fresh[fresh["samples"] == 1], "context")
    held = _wide(table[table["cached"] | (table["context"] == contexts[0]) & (table["samples"] == 1)], "context")
    many = _wide(fresh[fresh["context"] == contexts[0]], "samples")
    eight, last, kept, best = (float(x) for x in (
        long[MODERN].iloc[1], long[MODERN].iloc[-1], held[MODERN].iloc[-1], many[MODERN].iloc[-1]))
    parts = (
        Part("a context longer than 2048 costs more",
             f"{contexts[1]:,} tokens {short(eight)}x and {contexts[-1]:,} {short(last)}x on {MODERN}; GPT-3 "
             f"{short(long[GPT3].iloc[1])}x and {short(long[GPT3].iloc[-1])}x", eight > 1),
        Part("sampling better than greedily costs more", f"the best of {SAMPLES[-1]} answers {short(best)}x on "
                                                         f"{MODERN}, "
             f"{short(many[GPT3].iloc[-1])}x on GPT-3", best > 1),
        Part("as many times as samples are drawn (nine tenths at least)", f"{short(best)}x for {SAMPLES[-1]}",
             best > 0.9 * SAMPLES[-1]),
    )
    reading = (
        f"Both cost more, as claimed. An answer after {contexts[-1]:,} tokens costs {times(last)} one after 2048 on "
        f"{MODERN}; if the context is in the cache already, as in a long conversation, {times(kept)}: then the "
        f"reading is saved and the keys in memory, which crowd out other requests, remain. The best of {SAMPLES[-1]} "
        f"answers costs {times(best)} one and not {SAMPLES[-1]} times, since samples share the prompt. Long thought "
        "and long memory are how inference became dearer for a given size, and nobody's estimate of 2021 has them.")
    return Outcome(parts, (Figure(f"cost of the best of {SAMPLES[-1]} against greedy", best, "x", MODERN),
                           Figure("cost of the longest context", last, "x", MODERN),
                           Figure("and with the context cached", kept, "x", MODERN)), reading, {"cost": table},
                   (Chart("Cost of an answer by context, against 2048 tokens", "x", long, log=True, log_x=True),
                    Chart("Cost of an answer by samples, against one", "x", many)))


def _wide(table: pd.DataFrame, index: str) -> pd.DataFrame:
    return table.pivot_table(index=index, columns="model", values="times_greedy_2048")


def _answers(facts: Facts, wrote: float, contexts: Sequence[int]) -> pd.DataFrame:
    """Accelerator-hours of an answer by model, context, samples and whether the prompt is cached."""
    cases = [(context, samples, cached) for context in contexts for samples in SAMPLES for cached in (False, True)
             if (context == contexts[0] or samples == 1) and not (cached and context == contexts[0])]
    table = pd.DataFrame([{"model": model, "context": context, "samples": samples, "cached": cached,
                           "hours_per_answer": _answer(facts, model, wrote, context, samples, cached)}
                          for model in (GPT3, MODERN) for context, samples, cached in cases])
    first = table.groupby("model")["hours_per_answer"].transform("first")
    table["times_greedy_2048"] = table["hours_per_answer"] / first
    return table


def _answer(facts: Facts, model: str, wrote: float, context: int, samples: int, cached: bool) -> float:
    """Accelerator-hours of one answer, its prompt filling the context; NaN where nothing fits."""
    slo = Slo(PATIENT.ttft_s, PROMPT.tpot_s)
    prompt = max(context - wrote, 1.0)
    turns = 1.0 / (slo.tpot_s * wrote + slo.ttft_s)
    old, new = (prompt, 0.0) if cached else (0.0, prompt)
    work = Workload(wrote * turns, new * turns, old * turns, context - wrote / 2, float(context), turns, float(samples))
    best = facts.best(model, CHIP, work, slo, weights="fp8", kv="fp8", pod=POD)
    return float("nan") if best is None else 1.0 / (best["instances_per_accelerator"] * turns) / SECONDS_OF_HOUR


ARGUMENTS = (
    Argument("experts", "Mixtures of experts: cheaper inference, or only training",
             "Mixture-of-experts models lower the cost of inference; or they only make training cheaper and parallel.",
             _moe_inputs, _moe),
    Argument("distillation", "Distillation and small models for easy work",
             "A five times smaller model loses most of the gain; 1 % of the size keeps a third; people use the "
             "smallest "
             "model that does the work.", _distil_inputs, _distil),
    Argument("context", "Longer contexts and better sampling cost more",
             "Future models may look at more than 2048 tokens, and greedy sampling is cheap but suboptimal.",
             _more_inputs, _more),
)
