"""Copies: consumer devices, the first copies, each doubling in size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from capacity.catalogue.cards import ModelCard
from capacity.serving import weight_bytes
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.say import share, short, times, usd
from capacity.studies.founding.shapes import UNBUILT
from capacity.studies.founding.work import (
    DISTANT,
    GPT3,
    MILLION,
    PATIENT,
    SECONDS_OF_HOUR,
    most,
    parameters,
    scaled,
    tokens_s,
    writer,
    written,
)

BILLION, GIB = 1e9, 2.0**30


def stock(facts: Facts, year: int) -> dict[str, float]:
    """Accelerators in the world at a year's end, by type."""
    facts.guess("stock", "the world's stock of accelerators")
    table = facts.catalogue.table("stock")
    return {str(row["accelerator"]): float(row["units"]) for row in table[table["year_end"] == year].to_dict("records")}


def wage(facts: Facts) -> pd.Series:
    """Nominal USD that an hour of work costs its employer, overhead included, by region."""
    facts.guess("regions", "wages and overheads of regions")
    regions = facts.catalogue.table("regions").set_index("id")
    return regions["wage_usd_h"] * (1 + regions["overhead_share"])


# ---- consumer devices -----------------------------------------------------------------------------------------------

BOX, FEW_OF = 8, 0.1
LIKE = "rtx4090"
"""The card that a device without one is taken to be built as."""


def _consumer_inputs(facts: Facts) -> tuple[Input, ...]:
    row = facts.catalogue.row("consumer_devices", "rtx4090")
    low, mid, high = (float(row[name]) for name in ("units_m_low", "units_m", "units_m_high"))
    return (Input("units", "RTX 4090 in use", low, mid, high, "million", "consumer_devices.csv rtx4090", "estimate"),
            facts.tokens_per_word())


def _consumer(facts: Facts, given: Values) -> Outcome:
    need = weight_bytes(facts.catalogue.model(GPT3), "fp4")
    table, world = _devices(facts, given, need), facts.keep(
        ("world", given["tokens_per_word"]), lambda: _world(facts, given))
    cards, phones = table[table["tokens_s_of_a_box"].notna()], table[table["device"].str.startswith("phone")]
    gamers, held = float(cards["all_of_them_tokens_s"].sum()) / world, int(phones["devices_to_hold_gpt3"].min())
    box, phone = cards.iloc[int(cards["usd_per_mtok"].argmin())], phones.iloc[-1]
    year = int(facts.catalogue.table("stock")["year_end"].max())
    parts = (
        Part("GPT-3 does not run on a smartphone", f"at 4 bits it fills the memory of {held} {_many(phone['device'])}",
             bool((phones["devices_to_hold_gpt3"] > 1).all())),
        Part("consumer GPUs cannot be repurposed for it: a box of 8 does not serve GPT-3",
             f"{box['device']}: {box['tpot_s_in_a_box_of_8'] * 1e3:.0f} ms a token, {usd(box['usd_per_mtok'])} a "
             "million",
             bool(cards.empty)),
        Part("and all of them together would add little (a tenth of the datacentres at most)",
             f"{share(gamers)} of what the datacentre stock of {year} could write", gamers < FEW_OF),
    )
    reading = (
        f"At 4 bits GPT-3 is {need / BILLION:.0f} GB: "
        f"{cards['devices_to_hold_gpt3'].iloc[0]:.0f} cards of {cards['memory_gb'].iloc[0]:.0f} GB, and a box of {BOX} "
        f"serves it at {box['tpot_s_in_a_box_of_8'] * 1e3:.0f} ms a token. So a gamer's card can be repurposed, one "
        "box at a time. "
        f"{'What it does not change is the world' if gamers < FEW_OF else 'And it changes the world'}'s capacity: all "
        "such cards, in the hours that their owners lend them, would write "
        f"{share(gamers)} of what datacentres could. A {phone['device']} serves at most {phone['largest_model_alone']} "
        f"at 4 bits, {phone['tpot_s_alone'] * 1e3:.0f} ms a token and {usd(phone['usd_per_mtok'])} a million tokens of "
        f"its price and current; GPT-3 would fill {held} of them.")
    return Outcome(parts, (Figure("gamers' cards against the datacentre stock", gamers, "share", "serving, stock.csv"),
                           Figure(f"{_many(phone['device'])} that hold GPT-3", float(held), "phones",
                                  "consumer_devices.csv"),
                           Figure("token of GPT-3 in a box of eight cards", float(box["tpot_s_in_a_box_of_8"]), "s",
                                  str(box["device"]))), reading, {"devices": table},
                   (Chart("Devices whose memory GPT-3 fills at 4 bits", "devices",
                          table.set_index("device")[["devices_to_hold_gpt3"]], "bars"),))


def _devices(facts: Facts, given: Values, need: float) -> pd.DataFrame:
    """What each device holds, how fast it reads it, what a box of eight writes and costs, and all of them together."""
    rows = []
    facts.guess("consumer_devices", "consumers' devices, their number and the hours they are lent")
    for row in facts.catalogue.table("consumer_devices").to_dict("records"):
        memory = float(row["memory_gb"]) * GIB
        units = given["units"] if row["id"] == "rtx4090" else float(row["units_m"])
        best = None if not row["accelerator"] else most(written(
            facts, GPT3, str(row["accelerator"]), DISTANT, given["tokens_per_word"], weights="int4", kv="fp8", pod=BOX))
        rate = float("nan") if best is None else float(best["output_tokens_s_per_accelerator"])
        hour = facts.device_hour(float(row["price_usd"]), float(row["watts"]))
        model, own_s = facts.keep(("alone", row["id"]), lambda row=row: _alone(facts, row))  # type: ignore[misc]
        alone = 1 / own_s if best is None else rate
        rows.append({"device": row["name"], "memory_gb": row["memory_gb"],
                     "devices_to_hold_gpt3": int(np.ceil(need / memory)), "largest_model_alone": model,
                     "tpot_s_alone": own_s, "sweep_of_memory_s": memory / BILLION / float(row["bandwidth_gb_s"]),
                     "usd_per_hour": hour, "usd_per_mtok": hour / alone / SECONDS_OF_HOUR * MILLION,
                     "of": "GPT-3 in a box of 8" if best is not None else "the largest model it serves, alone",
                     "tpot_s_in_a_box_of_8": float("nan") if best is None else float(best["tpot_s"]),
                     "tokens_s_of_a_box": rate * BOX,
                     "all_of_them_tokens_s": rate * units * MILLION * float(row["hours_per_day"]) / 24})
    return pd.DataFrame(rows)


def _alone(facts: Facts, row: Mapping[Any, Any]) -> tuple[str, float]:
    """The largest dense model of the catalogue that one such device serves at 4 bits, and its seconds a token.

    A device without a row of its own is a consumer card of the catalogue with the device's memory, bandwidth and speed.
    """
    like = facts.catalogue.accelerator(str(row["accelerator"]) or LIKE)
    card = like if row["accelerator"] else replace(
        like, id=str(row["id"]), name=str(row["name"]), bf16_tflops=float(row["tflops"]), fp8_tflops=None,
        fp4_tflops=None, int8_tops=2 * float(row["tflops"]), memory_gb=float(row["memory_gb"]),
        memory_usable_gb=float(row["memory_gb"]) * like.memory_usable_gb / like.memory_gb,
        memory_bandwidth_gb_s=float(row["bandwidth_gb_s"]))
    wrote = facts.catalogue.constant("tokens_per_word")
    for model in facts.keep("dense by size", lambda: _dense(facts)):
        if weight_bytes(model, "int4") > card.memory_usable_gb * GIB:
            continue
        found = facts.frontier(model, card, writer(facts, wrote, DISTANT), DISTANT, weights="int4", kv="fp16", pod=1)
        if len(found):
            return model.name, float(found["tpot_s"].min())
    return "none", float("nan")


def _dense(facts: Facts) -> list[ModelCard]:
    """Dense models that exist, the largest first."""
    cards = facts.catalogue.models().values()
    dense = [card for card in cards if not card.experts_total and not card.name.startswith(UNBUILT)]
    return sorted(dense, key=parameters, reverse=True)


def _world(facts: Facts, given: Values) -> float:
    """Tokens of GPT-3 a second that the newest stock writes."""
    year = int(facts.catalogue.table("stock")["year_end"].max())
    return sum(units * tokens_s(written(facts, GPT3, chip, PATIENT, given["tokens_per_word"]))
               for chip, units in stock(facts, year).items())


# ---- the first copies -----------------------------------------------------------------------------------------------

FEW, OVERHANG = 1000, 1e5


def _many(device: str) -> str:
    """The plural of a phone's name: phones of 2025."""
    return device.replace("phone", "phones", 1)


def _first_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("human_equivalents", "thought_tokens_per_second", "human", "tokens a human thinks in a second"),
            facts.tokens_per_word())


def _released(facts: Facts, given: Values) -> pd.DataFrame:
    """Copies, and humans' streams of thought, that each training cluster serves of the model it trained."""
    rows = []
    facts.guess("training_runs", "the clusters that trained the models")
    for run in facts.catalogue.table("training_runs").to_dict("records"):
        best = most(written(facts, str(run["model"]), str(run["accelerator"]), PATIENT, given["tokens_per_word"]))
        rate = float("nan") if best is None else float(best["output_tokens_s_per_accelerator"])
        size, count = float("nan") if best is None else float(best["accelerators"]), float(run["accelerators"])
        rows.append({"model": run["model"], "trained_on": run["accelerator"], "year": run["year"],
                     "accelerators": count, "copies": count / size, "human_equivalents": count * rate / given["human"]})
    return pd.DataFrame(rows)


def _first(facts: Facts, given: Values) -> Outcome:
    table = _released(facts, given)
    shown = table[table["human_equivalents"].notna()]
    fewest, many = float(shown["human_equivalents"].min()), float(shown["human_equivalents"].max())
    last, wanted = table.iloc[-1], facts.claim("human_population")
    parts = (
        Part("only a few copies run at first (less than a thousand humans' streams of thought)",
             f"the cluster that trained serves {short(fewest)} to {short(many)}", fewest < FEW),
        Part("it takes a while before there are as many as humans", "the largest release day falls "
                                                                    f"{times(wanted / many)} "
             "short", many < wanted),
        Part("the chips that trained can serve: an overhang (a hundred thousand streams)", f"up to {short(many)}",
             many > OVERHANG),
    )
    reading = (
        f"A training run leaves behind a cluster that can serve what it trained. The {short(last['accelerators'])} "
        f"accelerators of {last['model']} hold {short(last['copies'])} copies of it; each copy carries many requests "
        f"at once, and together they keep up with the thought of {short(last['human_equivalents'])} humans. "
        f"{'Neither a few nor billions: on' if fewest > FEW and many < wanted else 'On'} release day there are "
        f"{short(fewest)} to {short(many)} minds by the runs on record. From the most of them to the human population "
        f"it is a factor of {short(wanted / many)}, which has to be built and cannot be switched on.")
    return Outcome(parts, (Figure("streams of thought on release day, least", fewest, "streams", "serving"),
                           Figure("streams of thought on release day, most", many, "streams", "serving")), reading,
                   {"release day": table},
                   (Chart("Streams of thought that the training cluster serves", "streams",
                          shown.set_index("model")[["human_equivalents"]], "bars", log=True),))


# ---- each doubling --------------------------------------------------------------------------------------------------

DOUBLINGS = 10
FLEET = ("gb300-nvl72", 8192)


def _doubling_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.tokens_per_word(),)


def _doubling(facts: Facts, given: Values) -> Outcome:
    card, (chip, pod) = facts.catalogue.model(GPT3), FLEET
    table = pd.DataFrame({"size_of_gpt3": [float(2**i) for i in range(DOUBLINGS + 1)]})
    table["tokens_s_per_accelerator"] = [
        tokens_s(written(facts, scaled(card, size), chip, PATIENT, given["tokens_per_word"], weights="fp4", pod=pod))
        for size in table["size_of_gpt3"]]
    rate = table["tokens_s_per_accelerator"]
    table["share_left"] = rate / rate.iloc[0]
    table["lost_by_the_doubling"] = 1 - rate / rate.shift()
    served = table[rate > 0]
    doublings = len(served) - 1
    left = float(served["share_left"].iloc[-1])
    lost = 1 - left ** (1 / max(doublings, 1))
    parts = (
        Part("the human range takes a factor of 1000 in size, and a fixed fleet then serves 1000 times fewer (500 at "
             "least)",
             f"{times(1 / left)} fewer over {doublings} doublings", 1 / left >= facts.claim("human_range") / 2),
        Part("each doubling halves what a fleet serves (loses 40 to 60 %)", f"{share(lost)} lost on average",
             abs(lost - 0.5) < 0.1),
    )
    reading = (
        "If doubling a model is worth one stone of Go and the human range spans ten, then the range is paid for in "
        f"copies: on a fixed fleet of {chip} each doubling takes {share(lost)} of the instances, and the whole range "
        f"leaves one in {short(1 / left)}. "
        + ("It is more than half at a time because a larger model must spread over more accelerators and spend more of "
           "each step on talking. " if lost > 0.5 else "")
        + f"Whoever has a fleet for {short(BILLION)} workers at the lower end has one for {short(BILLION * left)} at "
        "the upper.")
    return Outcome(parts, (Figure("instances lost per doubling", lost, "share", chip),
                           Figure("fewer instances over the "
                                  "range", 1 / left, "x", chip)), reading, {"doublings": table},
                   (Chart("Instances left on a fixed fleet, by size in GPT-3", "share",
                          served.set_index("size_of_gpt3")[["share_left"]], log=True, log_x=True),))


ARGUMENTS = (
    Argument("consumer", "Consumer GPUs and phones",
             "You can't just repurpose all consumer GPUs for inferencing, let alone run GPT-3 on your smartphone.",
             _consumer_inputs, _consumer),
    Argument("overhang", "Few copies at first, or an overhang after training",
             "It may take a while before we can run lots of copies; but what trained the model can serve it.",
             _first_inputs, _first),
    Argument("doubling", "Even the human range takes factors of 1000 in size",
             "Doubling model size is worth about one stone of Go, so the human range is about a factor of 1000 in "
             "size.",
             _doubling_inputs, _doubling),
)
__all__ = ["ARGUMENTS", "stock", "wage"]
