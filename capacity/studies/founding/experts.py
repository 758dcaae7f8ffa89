"""Mixtures of experts against dense models of equal quality: an instance-hour by batch, and what bounds a step.

An instance is the human-equivalent of the scenario for 8 billion: its tokens an hour, its limits on waiting. A pair of
models with a shorter context gets the same tokens in more turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from capacity.catalogue.cards import Accelerator, ModelCard
from capacity.scenario import load_scenario
from capacity.serving import Slo, Workload, step_budget
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.say import short, times, usd
from capacity.studies.founding.tipping import SCENARIO
from capacity.studies.founding.work import DISTANT, MILLION, SECONDS_OF_HOUR, scaled

CHIP, YEAR, POD = "h200-sxm", 2025, 64
WORTH = 1.1
"""From here on a mixture counts as cheaper."""
BATCHES = (1, 4, 16, 64, 256, 1024)
ALONE, LOADED, PATIENT = "one request at a time", "full load", "full load, nobody waits"
"""Loads told of: a copy that decodes one sequence, the best plan within the instance's limits, and without limits."""
FASTER = 2.0
MEMORY, COMPUTE, REST = "memory", "compute", "links and overhead"


def _inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("constants", "equal_quality", "equal",
                        "size of the dense model of equal quality over the one in quality_pairs"),)


def dense_twin(card: ModelCard, scale: float) -> ModelCard:
    """The model without its experts, `scale` times as large."""
    plain = replace(card, kind="dense", experts_total=0, experts_active=0, experts_shared=0, d_ff_expert=0, moe_every=1,
                    d_ff_dense=card.d_ff_dense or card.d_ff_expert)
    return scaled(plain, scale)


def an_instance(context: float) -> tuple[Workload, Slo]:
    """The scenario's instance with a context (p95) of so many tokens at most: shorter contexts take more turns."""
    kind = load_scenario(SCENARIO).classes["instance"]
    mean = min(kind.context_mean, context / 2)
    tokens = kind.output_tokens + kind.fresh_input_tokens + kind.cached_input_tokens
    asked = kind.model_copy(update={"context_mean": mean, "turns": max(kind.turns, tokens / mean)})
    return Workload.of(asked), Slo(kind.ttft, kind.tpot, kind.percentile)


def _table(facts: Facts) -> pd.DataFrame:
    """A row per pair, kind and load or batch: plan, USD of an instance-hour and of a million tokens, what bounds it."""
    hour = facts.hour(CHIP, YEAR, {given.name: given.mid for given in facts.money()})
    rows: list[dict[str, object]] = []
    for pair in facts.catalogue.table("quality_pairs").to_dict("records"):
        cards = _cards(facts, pair)
        work, slo = an_instance(min(card.context for card in cards.values()))
        for kind, card in cards.items():
            told = {"pair": pair["sparse"], "kind": kind, "model": card.id,
                    "context": work.context_mean}
            rows += [{**told, **row} for row in _loads(facts, card, work, slo, hour)]
    return pd.DataFrame(rows)


def _cards(facts: Facts, pair: Mapping[Any, Any]) -> dict[str, ModelCard]:
    sparse = facts.catalogue.model(str(pair["sparse"]))
    dense = dense_twin(sparse, float(pair["dense_scale"])) if pair["dense"] == pair["sparse"] else (
        facts.catalogue.model(str(pair["dense"])))
    return {"sparse": sparse, "dense": dense}


def _loads(facts: Facts, card: ModelCard, work: Workload, slo: Slo, hour: float) -> list[dict[str, object]]:
    """At each batch the cheapest plan that holds it, decoding alone; at full load the plan with its prompts."""
    found, patient = (facts.frontier(card, CHIP, work, limits, weights="fp8", kv="fp8", pod=POD)
                      for limits in (slo, DISTANT))
    rows = []
    for batch in BATCHES:
        held = [plan.copy() for _, plan in found[found["batch"] >= batch].iterrows()]
        told = [_row(facts, card, work, plan, float(batch), hour) for plan in held]
        if told:
            best = min(told, key=lambda row: float(str(row["usd_per_instance_hour"])))
            rows.append({"load": ALONE if batch == BATCHES[0] else f"batch {batch}", **best})
    for load, plans in ((LOADED, found), (PATIENT, patient)):
        best_plan = plans.iloc[int(plans["instances_per_accelerator"].argmax())]
        rows.append({"load": load, **_row(facts, card, work, best_plan, float(best_plan["batch"]), hour),
                     **_priced(hour / float(best_plan["instances_per_accelerator"]), work)})
    return rows


def _row(facts: Facts, card: ModelCard, work: Workload, plan: pd.Series, batch: float,
         hour: float) -> dict[str, object]:
    chip = facts.catalogue.accelerator(CHIP)
    plan = plan.copy()
    plan["batch"] = batch
    step = _step(facts, card, chip, work, plan)
    shares = _shares(facts, card, chip, work, plan, step)
    usd_hour = hour * float(plan["accelerators"]) * work.output_tokens_s * step / batch
    return {"batch": batch, "accelerators": float(plan["accelerators"]), "step_ms": step * 1e3,
            **_priced(usd_hour, work), "bound": max(shares, key=lambda part: shares[part]),
            **{f"{part} share": value for part, value in shares.items()}}


def _priced(usd_hour: float, work: Workload) -> dict[str, object]:
    tokens = work.output_tokens_s * SECONDS_OF_HOUR
    return {"usd_per_instance_hour": usd_hour, "usd_per_mtok": usd_hour / tokens * MILLION}


def _step(facts: Facts, card: ModelCard, chip: Accelerator, work: Workload, plan: pd.Series) -> float:
    return float(step_budget(card, chip, facts.links(chip, POD), work, plan)["seconds"].sum())


def _shares(facts: Facts, card: ModelCard, chip: Accelerator, work: Workload, plan: pd.Series,
            step: float) -> dict[str, float]:
    """What memory, compute and the rest hold of a step: what twice the bandwidth, twice the operations would save.

    A resource that takes a share of the time gives half of it back when doubled. The largest is the bound.
    """
    wider = replace(chip, memory_bandwidth_gb_s=chip.memory_bandwidth_gb_s * FASTER)
    rates = ("bf16_tflops", "fp8_tflops", "fp4_tflops", "int8_tops")
    quicker = replace(chip, **{name: getattr(chip, name) * FASTER for name in rates if getattr(chip, name)})
    memory, compute = ((1 - _step(facts, card, other, work, plan) / step) * FASTER / (FASTER - 1)
                       for other in (wider, quicker))
    return {MEMORY: memory, COMPUTE: compute, REST: 1 - memory - compute}


def _ratios(table: pd.DataFrame, equal: float) -> pd.DataFrame:
    """Cost of the dense model over the mixture, by pair (in the order of quality_pairs) and load."""
    wide = table.pivot_table(index="pair", columns=["load", "kind"], values="usd_per_instance_hour").loc[
        table["pair"].unique()]
    return pd.DataFrame({load: wide[load]["dense"] / wide[load]["sparse"] * equal
                         for load in (ALONE, LOADED, PATIENT)})


def _moe(facts: Facts, given: Values) -> Outcome:
    table = facts.keep("experts", lambda: _table(facts))
    ratios = _ratios(table, given["equal"])
    loaded, patient = ratios[LOADED], ratios[PATIENT]
    best, least = str(loaded.idxmax()), str(loaded.idxmin())
    parts = (
        Part("mixtures of experts lower the cost of inference at full load (by a tenth at least, each)",
             _said(loaded), bool((loaded > WORTH).all())),
        Part("and with few requests, where reading the weights is all", _said(ratios[ALONE]),
             bool((ratios[ALONE] > WORTH).all())),
        Part("and in batches so large that nobody could wait for them", _said(patient), bool((patient > WORTH).all())),
        Part("or only that of training", f"{best} serves {times(float(loaded.max()))} cheaper",
             bool((loaded <= WORTH).all())),
    )
    figures = (Figure("advantage at full load, most", float(loaded.max()), "x", best),
               Figure("advantage at full load, least", float(loaded.min()), "x", least),
               Figure("advantage of one request at a time, least", float(ratios[ALONE].min()), "x", CHIP),
               *(Figure(f"instance-hour of {best}, {load}", _of(table, best, "sparse", load)["usd_per_instance_hour"],
                        "USD", f"scenario {SCENARIO}, {CHIP}") for load in (ALONE, LOADED)))
    return Outcome(parts, figures, _reading(table, ratios, best, least),
                   {"by batch": table, "dense over sparse": ratios.reset_index()}, _charts(table, ratios))


def _of(table: pd.DataFrame, pair: str, kind: str, load: str) -> pd.Series:
    return table[(table["pair"] == pair) & (table["kind"] == kind) & (table["load"] == load)].iloc[0]


def _said(ratios: pd.Series) -> str:
    return ", ".join(f"{name} {short(value)}x" for name, value in zip(
        ratios.index, ratios.to_numpy(float).tolist(), strict=True)) + " cheaper than dense"


def _reading(table: pd.DataFrame, ratios: pd.DataFrame, best: str, least: str) -> str:
    most, ratio = float(ratios[LOADED].max()), float(ratios[LOADED].min())
    little = f"{times(ratio)} cheaper" if ratio > WORTH else "hardly cheaper" if ratio > 1 / WORTH else "dearer"
    loads = (("sparse", ALONE), ("sparse", LOADED), ("dense", ALONE), ("dense", LOADED))
    alone, full, dense_alone, dense = (_of(table, best, *load) for load in loads)
    own, loaded, peer_own, peer = (float(row["usd_per_instance_hour"]) for row in (alone, full, dense_alone, dense))
    big, small = (_of(table, _largest(table), kind, ALONE)["accelerators"] for kind in ("sparse", "dense"))
    return (
        "The instance here is a stream of thought, the one of the plan for 8 billion. Against the dense model of equal "
        f"quality {best} is {times(most)} cheaper at full load, {usd(loaded)} an instance-hour to {usd(peer)}, and "
        f"{least} {little}. With one request at a time the two cost {usd(own)} and {usd(peer_own)}, and every mixture "
        f"saves {times(float(ratios[ALONE].min()))} or more. {_between(ratios)} {_bounds(table)} What experts cost is "
        f"memory: alone, {_largest(table)} takes {big:g} accelerators and its dense peer {small:g}."
        + (f" So each side of the dispute has a model for which it is right: {least} and {best}."
           if ratio <= WORTH < most else ""))


def _largest(table: pd.DataFrame) -> str:
    """The pair whose mixture takes most accelerators for one request at a time."""
    alone = table[(table["load"] == ALONE) & (table["kind"] == "sparse")]
    return str(alone["pair"].iloc[int(alone["accelerators"].argmax())])


def _bounds(table: pd.DataFrame) -> str:
    """Which models memory, compute or the rest bounds, at each load; loads with the same bounds together."""
    said: dict[str, list[str]] = {}
    for load in (ALONE, LOADED, PATIENT):
        rows = table[table["load"] == load].groupby("bound", sort=False)["model"]
        told = "; ".join(f"{bound} for {_listed(list(models))}" for bound, models in rows)
        said.setdefault(told, []).append(load)
    return " ".join(f"What bounds a step at {_listed(loads)}: {told}." for told, loads in said.items()).replace(
        "at full load, nobody waits", "where nobody waits").replace("at one request", "with one request")


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _between(ratios: pd.DataFrame) -> str:
    """Of which mixtures a full batch shrinks the advantage, and of which it grows."""
    less = ratios[LOADED] < ratios[ALONE]
    shrinks, grows = (" and ".join(ratios.index[rows]) for rows in (less, ~less))
    if not shrinks:
        return f"With a full batch the advantage of {grows} is larger still."
    return (f"A full batch touches every expert, so that the advantage of {shrinks} is smaller there"
            + (f"; that of {grows} is larger." if grows else "."))


def _charts(table: pd.DataFrame, ratios: pd.DataFrame) -> tuple[Chart, ...]:
    steps = table[~table["load"].isin([LOADED, PATIENT])]
    lines = steps.assign(series=steps["model"]).pivot_table(index="batch", columns="series", sort=False,
                                                           values="usd_per_instance_hour").sort_index()
    return (Chart("Cost of the dense model over the mixture, at equal quality", "x", ratios, "bars"),
            Chart(f"An instance-hour by requests decoded at a time, on {CHIP}", "USD an hour", lines, log=True,
                  log_x=True))


ARGUMENTS = (
    Argument("experts", "Mixtures of experts: cheaper inference, or only training",
             "Mixture-of-experts models lower the cost of inference; or they only make training cheaper and parallel.",
             _inputs, _moe),
)
