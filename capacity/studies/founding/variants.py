"""Variants: mixtures of experts, distillation and small models for easy work, longer contexts and more samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from capacity.catalogue.cards import ModelCard
from capacity.serving import Slo, Workload, cost_per_million_tokens, step_budget
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.memory import scaled
from capacity.studies.founding.price import GPT3, MILLION
from capacity.studies.founding.work import PATIENT, PROMPT, most, written

CHIP, YEAR = "h200-sxm", 2025
POD = 64


def _tokens(facts: Facts) -> float:
    return facts.catalogue.constant("tokens_per_word")


# ---- mixtures of experts ---------------------------------------------------------------------------------------------


def _moe_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.price(CHIP, YEAR), *facts.money())


def dense_twin(card: ModelCard, scale: float) -> ModelCard:
    """The model without its experts, `scale` times as large."""
    plain = replace(card, kind="dense", experts_total=0, experts_active=0, experts_shared=0, d_ff_expert=0, moe_every=1,
                    d_ff_dense=card.d_ff_dense or card.d_ff_expert)
    return scaled(plain, scale)


def _moe(facts: Facts, given: Values) -> Outcome:
    hour = facts.hour(CHIP, YEAR, given)
    rows = [_pair(facts, row, hour) for row in facts.catalogue.table("quality_pairs").to_dict("records")]
    table = pd.DataFrame(rows)
    held = float((1 / table["dense_over_sparse_loaded"]).max())
    parts = (
        Part("mixtures of experts lower the cost of inference",
             ", ".join(f"{r['sparse']} {r['dense_over_sparse_loaded']:.1f}x" for r in rows) + " cheaper than dense models "
             "of their quality at full load", bool((table["dense_over_sparse_loaded"] > 1).all())),
        Part("or only that of training: with one request at a time they cost as much",
             ", ".join(f"{r['sparse']} {r['dense_over_sparse_alone']:.1f}x" for r in rows) + " at batch 1",
             bool((table["dense_over_sparse_alone"] < 1).any())),
    )
    v3 = table.iloc[int(table["dense_over_sparse_loaded"].argmax())]
    reading = (f"At full load experts save most for {v3['sparse']}, {v3['dense_over_sparse_loaded']:.1f} times, and least "
               f"{1 / held:.2f} times. With one request at a time the least saving is "
               f"{table['dense_over_sparse_alone'].min():.1f} times: a token reads its own experts alone. What experts "
               f"cost is memory: the smallest copy of {v3['sparse']} takes {v3['sparse_accelerators']:g} accelerators, "
               f"{v3['dense_accelerators']:g} for the dense model.")
    return Outcome(parts, (Figure("least advantage at full load", 1 / held, "x", CHIP),
                           Figure("advantage alone, least", float(table["dense_over_sparse_alone"].min()), "x", CHIP)),
                   reading, {"experts": table},
                   (Chart("Dense cost over sparse cost, at equal quality", "x",
                          table.set_index("sparse")[["dense_over_sparse_loaded", "dense_over_sparse_alone"]], "bars"),))


def _pair(facts: Facts, row: Mapping[Any, Any], hour: float) -> dict[str, object]:
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
        out[f"{kind}_loaded"] = hour / (best["output_tokens_s_per_accelerator"] * 3600) * MILLION
        out[f"{kind}_alone"] = hour * small["accelerators"] * _alone(facts, card, small) / 3600 * MILLION
    for load in ("loaded", "alone"):
        out[f"dense_over_sparse_{load}"] = float(str(out[f"dense_{load}"])) / float(str(out[f"sparse_{load}"]))
    return out


def _alone(facts: Facts, card: ModelCard, plan: pd.Series) -> float:
    """Seconds of a token with one request in the copy."""
    chip = facts.catalogue.accelerator(CHIP)
    row = plan.copy()
    row["batch"] = 1.0
    work = Workload(1.0, 0.0, 0.0, facts.claim("context"), facts.claim("context"), 1e-3)
    return float(step_budget(card, chip, facts.links(chip, POD), work, row)["seconds"].sum())


# ---- distillation ----------------------------------------------------------------------------------------------------


def _distil_inputs(facts: Facts) -> tuple[Input, ...]:
    rows = facts.catalogue.table("distillation").to_dict("records")
    r1 = next(row for row in rows if (row["large"], row["small"]) == ("deepseek-r1", "llama3.1-70b"))
    return (Input("kept", "worth that DeepSeek-R1's distillate into Llama 70B keeps", float(r1["share_of_gain_low"]),
                  float(r1["share_of_gain"]), float(r1["share_of_gain_high"]), "share",
                  "distillation.csv deepseek-r1 llama3.1-70b", str(r1["confidence"]), most=1.0), *facts.money())


def _distil(facts: Facts, given: Values) -> Outcome:
    pairs = facts.catalogue.table("distillation")
    rows = []
    for row in pairs[pairs["small"] != ""].to_dict("records"):
        kept = given["kept"] if row["small"] == "llama3.1-70b" else row["share_of_gain"]
        large, small = (_usd(facts, str(row[name]), given) for name in ("large", "small"))
        rows.append({"large": row["large"], "small": row["small"], "size": _size(facts, row),
                     "cost": small / large, "worth_kept": kept, "wins_above": small / large,
                     "usd_per_unit_of_worth": small / kept / large, "confidence": row["confidence"]})
    table = pd.DataFrame(rows)
    switch = float(pairs.loc[pairs["small"] == "", "share_of_gain"].iloc[0])
    r1 = table[table["large"] == "deepseek-r1"]
    fifth = table[table["size"] > 1 / facts.claim("distil_smaller") / 2]
    wins = int((table["usd_per_unit_of_worth"] < 1).sum())
    parts = (
        Part("a model five times smaller loses most of the gain",
             f"R1's distillates keep {r1['worth_kept'].min():.0%} to {r1['worth_kept'].max():.0%}",
             float(r1["worth_kept"].max()) < 1 - facts.claim("distil_lost")),
        Part("one of 1 % of the size keeps a third", f"{switch:.0%} in the paper quoted",
             abs(switch - facts.claim("distil_kept")) < 0.05),
        Part("small models for the easy work are the cheapest mix",
             f"{wins} of {len(table)} small models deliver a unit of worth for less than their large one",
             wins > len(table) / 2),
    )
    cheapest = table.iloc[int(table["usd_per_unit_of_worth"].argmin())]
    reading = (f"A small model wins wherever it keeps a larger share of the worth than its share of the cost. "
               f"{cheapest['small']} costs {cheapest['cost']:.1%} of {cheapest['large']} a token and so wins on all work "
               f"of which it delivers more than that; what it cannot do at all stays with the large one.")
    figures = (Figure("least cost of a unit of worth, small over large", float(cheapest["usd_per_unit_of_worth"]), "x", CHIP),
               Figure("worth kept by R1's best distillate", float(r1["worth_kept"].max()), "share", "distillation.csv"),
               Figure("models at about a fifth of the size", float(len(fifth)), "pairs", "distillation.csv"))
    return Outcome(parts, figures, reading, {"small against large": table},
                   (Chart("Cost of a small model against its large one", "share",
                          table.assign(pair=table["small"] + " for " + table["large"]).set_index("pair")[
                              ["cost", "worth_kept"]], "bars", log=True),))


def _usd(facts: Facts, model: str, given: Values) -> float:
    found = written(facts, model, CHIP, PROMPT, _tokens(facts), weights="fp8", pod=POD)
    return float(cost_per_million_tokens(found, facts.hour(CHIP, YEAR, given)).min())


def _size(facts: Facts, row: Mapping[Any, Any]) -> float:
    small, large = (facts.catalogue.model(str(row[name])) for name in ("small", "large"))
    return float(small.params_total_b or 0.0) / float(large.params_total_b or 1.0)


# ---- context and samples ---------------------------------------------------------------------------------------------

CONTEXTS = (2048, 8192, 32768, 131072)
SAMPLES = (1, 2, 4, 8, 16)
MODERN = "llama3.1-70b"


def _more_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.tokens_per_word(),)


def _more(facts: Facts, given: Values) -> Outcome:
    wrote = facts.claim("words") * given["tokens_per_word"]
    rows = [{"model": model, "context": context, "samples": samples, "hours_per_answer": _answer(facts, model, wrote, context, samples)}
            for model in (GPT3, MODERN) for context in CONTEXTS for samples in SAMPLES
            if (context == CONTEXTS[0] or samples == 1)]
    table = pd.DataFrame(rows)
    base = table.groupby("model")["hours_per_answer"].transform("first")
    table["times_greedy_2048"] = table["hours_per_answer"] / base
    long = table[(table["samples"] == 1)].pivot(index="context", columns="model", values="times_greedy_2048")
    many = table[(table["context"] == CONTEXTS[0])].pivot(index="samples", columns="model", values="times_greedy_2048")
    last = long[MODERN].iloc[-1]
    parts = (
        Part("a context longer than 2048 costs more", f"{CONTEXTS[1]:,} tokens {long[MODERN].iloc[1]:.1f}x, "
             f"{CONTEXTS[-1]:,} {last:.0f}x on {MODERN}; GPT-3 {long[GPT3].iloc[1]:.1f}x and "
             + (f"{long[GPT3].iloc[-1]:.0f}x" if np.isfinite(long[GPT3].iloc[-1]) else "impossible"), long[MODERN].iloc[1] > 1),
        Part("sampling better than greedily costs more", f"the best of {SAMPLES[-1]} answers {many[MODERN].iloc[-1]:.1f}x "
             f"on {MODERN}, {many[GPT3].iloc[-1]:.1f}x on GPT-3", many[MODERN].iloc[-1] > 1),
        Part("as many times as samples are drawn", f"{many[MODERN].iloc[-1]:.1f}x of {SAMPLES[-1]}",
             many[MODERN].iloc[-1] > 0.9 * SAMPLES[-1]),
    )
    reading = (f"Context is paid in memory: with every head's keys kept (GPT-3) it is the dearest part, with shared heads "
               f"{CONTEXTS[-1]:,} tokens cost {last:.0f} times the claimed 2048. {SAMPLES[-1]} samples cost "
               f"{many[MODERN].iloc[-1]:.1f} times one, since they share the prompt.")
    return Outcome(parts, (Figure("cost of the best of sixteen against greedy", many[MODERN].iloc[-1], "x", MODERN),
                           Figure("cost of the longest context", last, "x", MODERN)), reading, {"cost": table},
                   (Chart("Cost of an answer by context, against 2048 tokens", "x", long, log=True),
                    Chart("Cost of an answer by samples, against one", "x", many)))


def _answer(facts: Facts, model: str, wrote: float, context: int, samples: int) -> float:
    """Accelerator-hours of one answer, its prompt filling the context; NaN where nothing fits."""
    slo = Slo(PATIENT.ttft_s, PROMPT.tpot_s)
    fresh = max(context - wrote, 1.0)
    turns = 1.0 / (slo.tpot_s * wrote + slo.ttft_s)
    work = Workload(wrote * turns, fresh * turns, 0.0, context - wrote / 2, float(context), turns, float(samples))
    best = facts.best(model, CHIP, work, slo, weights="fp8", kv="fp8", pod=POD)
    return float("nan") if best is None else 1.0 / (best["instances_per_accelerator"] * turns) / 3600


ARGUMENTS = (
    Argument("experts", "Mixtures of experts: cheaper inference, or only training",
             "Mixture-of-experts models lower the cost of inference; or they only make training cheaper and parallel.",
             _moe_inputs, _moe),
    Argument("distillation", "Distillation and small models for easy work",
             "A five times smaller model loses most of the gain; 1 % of the size keeps a third; people use the smallest "
             "model that does the work.", _distil_inputs, _distil),
    Argument("context", "Longer contexts and better sampling cost more",
             "Future models may look at more than 2048 tokens, and greedy sampling is cheap but suboptimal.",
             _more_inputs, _more),
)
