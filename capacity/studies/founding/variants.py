"""Variants: mixtures of experts, longer contexts and more samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from capacity.catalogue.cards import ModelCard
from capacity.serving import Slo, Workload, step_budget
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.say import share, short, times
from capacity.studies.founding.work import GPT3, MILLION, PATIENT, PROMPT, SECONDS_OF_HOUR, most, scaled, written

CHIP, YEAR = "h200-sxm", 2025
POD = 64
WORTH = 1.1
"""From here on a mixture counts as cheaper."""


def _tokens(facts: Facts) -> float:
    return facts.catalogue.constant("tokens_per_word")


# ---- mixtures of experts --------------------------------------------------------------------------------------------


def _moe_inputs(facts: Facts) -> tuple[Input, ...]:
    return (Input("equal", "size of the dense model of equal quality over the one in quality_pairs", 0.5, 1.0, 2.0, "x",
                  "quality_pairs.csv; half and twice, at a cost in proportion to size", "estimate"),)


def dense_twin(card: ModelCard, scale: float) -> ModelCard:
    """The model without its experts, `scale` times as large."""
    plain = replace(card, kind="dense", experts_total=0, experts_active=0, experts_shared=0, d_ff_expert=0, moe_every=1,
                    d_ff_dense=card.d_ff_dense or card.d_ff_expert)
    return scaled(plain, scale)


def _moe(facts: Facts, given: Values) -> Outcome:
    hour = facts.hour(CHIP, YEAR, {given.name: given.mid for given in facts.money()})
    table = facts.keep("experts", lambda: pd.DataFrame([
        _pair(facts, row, hour) for row in facts.catalogue.table("quality_pairs").to_dict("records")])).copy()
    ratios = ["dense_over_sparse_loaded", "dense_over_sparse_alone"]
    table[ratios] *= given["equal"]
    loaded, alone = table["dense_over_sparse_loaded"], table["dense_over_sparse_alone"]
    best, least = table.iloc[int(loaded.argmax())], table.iloc[int(loaded.argmin())]
    ratio = float(least["dense_over_sparse_loaded"])
    little = times(ratio) if ratio > WORTH else "hardly at all"
    parts = (
        Part("mixtures of experts lower the cost of inference at full load (by a tenth at least, each)",
             _said(table, "loaded"), bool((loaded > WORTH).all())),
        Part("and with few requests, where reading the weights is "
             "all", _said(table, "alone"), bool((alone > WORTH).all())),
        Part("or only that of training", f"{best['sparse']} serves {times(best['dense_over_sparse_loaded'])} cheaper",
             bool((loaded <= WORTH).all())),
    )
    reading = (
        f"Against the dense model of equal quality, {best['sparse']} is {times(best['dense_over_sparse_loaded'])} "
        f"cheaper at full load, {least['sparse']} {little}. With one request at a time a token reads its own experts "
        f"alone and saves {times(alone.min())} or more. {_between(table)} At full "
        f"load compute adds {share(table['dense_compute'].max())} of the dense models' step "
        f"at most and {share(table['sparse_compute'].max())} of the mixtures'; the rest is reading and talking. What "
        f"experts cost is memory: the smallest copy of {best['sparse']} takes {best['sparse_accelerators']:g} "
        f"accelerators, its dense peer {best['dense_accelerators']:g}."
        + (f" So each side of the dispute has a model for which it is right: {least['sparse']} and {best['sparse']}."
           if least["dense_over_sparse_loaded"] <= WORTH < best["dense_over_sparse_loaded"] else ""))
    return Outcome(parts, (Figure("advantage at full load, most", float(loaded.max()), "x", str(best["sparse"])),
                           Figure("advantage at full load, least", float(loaded.min()), "x", str(least["sparse"])),
                           Figure("advantage alone, least", float(alone.min()), "x", CHIP)),
                   reading, {"experts": table},
                   (Chart("Cost of the dense model over the mixture, at equal quality", "x",
                          table.set_index("sparse")[["dense_over_sparse_loaded", "dense_over_sparse_alone"]].rename(
                              columns={"dense_over_sparse_loaded": "at full load",
                                       "dense_over_sparse_alone": "one request at a time"}), "bars"),))


def _between(table: pd.DataFrame) -> str:
    """Of which mixtures a full batch shrinks the advantage, and of which it grows."""
    less = table["dense_over_sparse_loaded"] < table["dense_over_sparse_alone"]
    shrinks, grows = (" and ".join(table.loc[rows, "sparse"]) for rows in (less, ~less))
    if not shrinks:
        return f"With a full batch the advantage of {grows} is larger still."
    return (f"A full batch touches every expert, so that the advantage of {shrinks} is smaller there"
            + (f"; that of {grows} is larger." if grows else "."))


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
        out[f"{kind}_alone"] = (hour * small["accelerators"] * _step(facts, card, small, 1.0)["seconds"].sum()
                                / SECONDS_OF_HOUR * MILLION)
        step = _step(facts, card, best, float(best["batch"])).set_index("part")["share"]
        out[f"{kind}_compute"], out[f"{kind}_memory"] = step["flops"], step["weights"] + step["kv"]
    for load in ("loaded", "alone"):
        out[f"dense_over_sparse_{load}"] = float(str(out[f"dense_{load}"])) / float(str(out[f"sparse_{load}"]))
    return out


def _step(facts: Facts, card: ModelCard, plan: pd.Series, batch: float) -> pd.DataFrame:
    """Where the time of a token goes with so many requests in the copy."""
    chip = facts.catalogue.accelerator(CHIP)
    row = plan.copy()
    row["batch"] = batch
    work = Workload(1.0, 0.0, 0.0, facts.said("context"), facts.said("context"), 1e-3)
    return step_budget(card, chip, facts.links(chip, POD), work, row)


# ---- context and samples --------------------------------------------------------------------------------------------

LONGER = (1, 4, 16, 64)
"""Contexts tried, of the claimed one."""
SAMPLES = (1, 2, 4, 8, 16)
MODERN = "llama3.1-70b"


def _more_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.tokens_per_word(),)


def _more(facts: Facts, given: Values) -> Outcome:
    contexts = [int(facts.claim("context") * times_longer) for times_longer in LONGER]
    table = _answers(facts, facts.said("words") * given["tokens_per_word"], contexts)
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
        f"{'Both cost more, as claimed. ' if parts[0].holds and parts[1].holds else ''}"
        f"An answer after {contexts[-1]:,} tokens costs {times(last)} one after 2048 on "
        f"{MODERN}; if the context is in the cache already, as in a long conversation, {times(kept)}: then the "
        f"reading is saved and the keys in memory, which crowd out other requests, remain. The best of {SAMPLES[-1]} "
        f"answers costs {times(best)} one"
        + (f" and not {SAMPLES[-1]} times, since samples share the prompt." if best < SAMPLES[-1] else "."))
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
    Argument("context", "Longer contexts and better sampling cost more",
             "Future models may look at more than 2048 tokens, and greedy sampling is cheap but suboptimal.",
             _more_inputs, _more),
)
