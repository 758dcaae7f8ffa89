"""The work that arguments ask of a model: writing so many words, as fast as limits demand, answer after answer."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from capacity.catalogue.cards import Accelerator, ModelCard
from capacity.serving import Modes, Slo, Workload, weight_bytes
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.shapes import UNBUILT

PROMPT, PATIENT = Slo(3.0, 0.1), Slo(60.0, 0.8)
"""Limits under which answers feel prompt, and under which a patient reader still waits."""
DISTANT = Slo(300.0, 20.0)
"""Limits so wide that only memory decides."""
PACES = 2.0
"""Each next pace tried is so many times quicker."""
QUICKEST = 0.0125
"""Seconds a token of the quickest pace tried; limits below it are tried as they are."""
HEAD, GROUP = 128, 16
"""Width of a head; heads come in groups of so many, so that they split evenly."""
GPT3 = "gpt3-davinci"
MILLION = 1e6
SECONDS_OF_HOUR = 3600.0


def writer(facts: Facts, tokens_per_word: float, slo: Slo) -> Workload:
    """Writes the claimed words within the claimed context, the rest of which is the prompt, then the next ones.

    As fast as the limits demand, so that no answer waits in memory for its reader.
    """
    wrote = facts.said("words") * tokens_per_word
    prompt = facts.said("context") - wrote
    speed = 1.0 / (slo.tpot_s + slo.ttft_s / wrote)
    mean = prompt + wrote / 2
    return Workload(speed, prompt * speed / wrote, 0.0, mean, facts.said("context"), speed / wrote)


def written(facts: Facts, model: ModelCard | str, chip: Accelerator | str, slo: Slo, tokens_per_word: float, *,
            weights: str | None = None, kv: str | None = None, pod: int = 64,
            modes: Modes | None = None) -> pd.DataFrame:
    """Plans that write within limits, at the limit's own pace and quicker ones; a column `pace_s` says which.

    A quicker pace holds each answer's KV for less time, so the cheapest plan within patient limits may be a quick one.
    """
    parts, pace = [], slo.tpot_s
    while True:
        at = Slo(slo.ttft_s * pace / slo.tpot_s, pace, slo.percentile)
        found = facts.frontier(model, chip, writer(facts, tokens_per_word, at), at, weights=weights, kv=kv, pod=pod,
                               modes=modes)
        parts.append(found.assign(pace_s=pace))
        pace /= PACES
        if pace < QUICKEST:
            break
    some = [part for part in parts if len(part)]
    return pd.concat(some, ignore_index=True) if some else parts[0]


def most(found: pd.DataFrame) -> pd.Series | None:
    """The plan that writes most per accelerator; None of none."""
    return None if found.empty else found.iloc[int(found["output_tokens_s_per_accelerator"].argmax())]


def tokens_s(found: pd.DataFrame) -> float:
    """Most tokens a second that a plan writes per accelerator; 0 of none."""
    return 0.0 if found.empty else float(found["output_tokens_s_per_accelerator"].max())


def parameters(card: ModelCard) -> float:
    """Parameters of a model, from its architecture: bytes at one byte each."""
    return weight_bytes(card, "fp8")


def scaled(card: ModelCard, size: float, depth: float = 1.0) -> ModelCard:
    """A model of `size` times the parameters, as deep as `depth` times the growth of all of its dimensions.

    Layers x width^2 = size: with depth 1 both grow by size^(1/3). Queries in groups of eight, feed-forward of four
    times the width. The name says the size.
    """
    layers = max(1, round(card.layers * size ** (1 / 3) * depth))
    wanted = card.d_model * (size * card.layers / layers) ** 0.5
    heads = GROUP * max(1, round(wanted / HEAD / GROUP))
    width = heads * HEAD
    name = f"{card.id} x {size:.4g}, {layers} layers"
    return replace(card, id=name, name=f"{UNBUILT} {name}", layers=layers, d_model=width, heads=heads,
                   kv_heads=max(1, heads // 8), head_dim=HEAD, attention="gqa", d_ff_dense=4 * width,
                   params_total_b=None, params_active_b=None, params_exact=False)
