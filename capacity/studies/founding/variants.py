"""Longer contexts and more samples."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from capacity.serving import Slo, Workload
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.say import short, times
from capacity.studies.founding.work import GPT3, PATIENT, PROMPT, SECONDS_OF_HOUR

CHIP, POD = "h200-sxm", 64
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
    Argument("context", "Longer contexts and better sampling cost more",
             "Future models may look at more than 2048 tokens, and greedy sampling is cheap but suboptimal.",
             _more_inputs, _more),
)
