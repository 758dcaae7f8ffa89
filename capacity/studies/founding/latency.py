"""Latency: pipelining and width, how fast a model of each size can think, depth against width."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capacity.catalogue.cards import ModelCard
from capacity.serving import Modes, Speculation, step_budget
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.say import short, times
from capacity.studies.founding.shapes import widths
from capacity.studies.founding.work import (
    GPT3,
    MILLION,
    PATIENT,
    SECONDS_OF_HOUR,
    parameters,
    scaled,
    tokens_s,
    writer,
    written,
)

CHIP, YEAR = "gb300-nvl72", 2026
SIZES = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
DEPTHS = (1, 2, 4, 8)
DRAFTED = (1, 2, 4, 8, 16)
LARGE_POD = 8192
MS = 1e3


def token_s(facts: Facts, card: ModelCard, tp: int, pp: int, weights: str = "fp4",
            modes: Modes | None = None) -> float:
    """Seconds of one token of a single request, batch 1, on a stated sharding."""
    chip = facts.catalogue.accelerator(CHIP)
    work = writer(facts, facts.catalogue.constant("tokens_per_word"), PATIENT)
    links = facts.links(chip, LARGE_POD)
    plan = {"tp": float(tp), "pp": float(pp), "ep": 1.0, "dp": 1.0, "batch": 1.0}
    return float(step_budget(card, chip, links, work, plan, weights=weights, modes=modes)["seconds"].sum())


def quickest(facts: Facts, card: ModelCard, weights: str = "fp4") -> tuple[float, int]:
    """Least seconds a token at batch 1 over widths, and that width."""
    even = widths(card.heads)
    times = [token_s(facts, card, w, 1, weights) for w in even]
    best = int(np.argmin(times))
    return times[best], even[best]


def _sizes(facts: Facts) -> tuple[Input, ...]:
    return (Input("size", "size of the model, of GPT-3's", 0.1, 1.0, 10.0, "x", "a tenth and ten times: models in use",
                  "derived"),)


def _of_size(facts: Facts, size: float) -> ModelCard:
    card = facts.catalogue.model(GPT3)
    return card if size == 1.0 else scaled(card, size)


# ---- pipelining and width -------------------------------------------------------------------------------------------


def _pipeline(facts: Facts, given: Values) -> Outcome:
    card = _of_size(facts, given["size"])
    even = widths(card.heads)
    deep = [token_s(facts, card, 1, pp) for pp in DEPTHS]
    wide = [token_s(facts, card, tp, 1) for tp in even]
    gains = [before / after for before, after in pairwise(wide)]
    sizes = _by_size(facts)
    at = sizes.set_index("size_of_gpt3")["token_ms"]
    growth = float(at[SIZES[-1]] / at[1.0])
    parts = (
        Part("pipelining does not reduce a request's latency",
             f"{deep[0] * MS:.1f} ms a token in one stage, {deep[-1] * MS:.1f} ms in {DEPTHS[-1]}",
             min(deep[1:]) >= deep[0]),
        Part("width-wise (tensor) parallelism does",
             f"{wide[0] * MS:.1f} ms on one accelerator, {min(wide) * MS:.1f} ms at best", min(wide) < wide[0]),
        Part("until communication grows", f"the first doubling gains {short(gains[0])}x, that from {even[-2]} to "
             f"{even[-1]} {short(gains[-1])}x", gains[-1] < gains[0]),
        Part("bigger nets have higher latency", f"a model of 1000 times the size takes {times(growth)} as long a "
                                                "token at "
             "its best width", growth > 1),
    )
    best = even[int(np.argmin(wide))]
    more = ("wider still it is slower, for the collectives of each layer take longer than the reading that they save"
            if best < even[-1] else "with one head on each it cannot be split further in that way")
    reading = (
        f"{'Here the author wins on every count. ' if all(part.holds for part in parts) else ''}On {CHIP}, GPT-3 at 4 "
        f"bits writes a token in {wide[0] * MS:.0f} ms on one accelerator and in {min(wide) * MS:.1f} ms on {best}; "
        f"{more}. A pipeline of {DEPTHS[-1]} stages {'only adds hops' if deep[-1] >= deep[0] else 'is quicker'}. "
        f"A thousand times the parameters take {times(growth)} as long: width absorbs what it can, and more layers "
        "with their collectives are the rest.")
    return Outcome(parts, (Figure("token of a 1000x model against GPT-3, best widths", growth, "x", CHIP),
                           Figure("token of GPT-3 at its best width", min(wide) * MS, "ms", CHIP)), reading,
                   {"size": sizes, "width": pd.DataFrame({"width": even, "token_ms": np.array(wide) * MS}),
                    "depth": pd.DataFrame({"stages": DEPTHS, "token_ms": np.array(deep) * MS})},
                   (Chart(f"A token by billions of parameters, at the best width on {CHIP}", "ms a token",
                          sizes.set_index("parameters_b")[["token_ms"]], log=True, log_x=True),
                    Chart("A token of GPT-3 by width", "ms a token", pd.DataFrame(
                        {"token_ms": np.array(wide) * MS},
                        index=pd.Index(even, name="accelerators side by side")), log_x=True)))


def _by_size(facts: Facts) -> pd.DataFrame:
    """Quickest token and its width by size of a model of GPT-3's proportions."""
    def make() -> pd.DataFrame:
        rows = []
        for size in SIZES:
            model = scaled(facts.catalogue.model(GPT3), size)
            time, width = quickest(facts, model)
            rows.append({"size_of_gpt3": size, "parameters_b": parameters(model) / 1e9, "token_ms": time * MS,
                         "width": width, "accelerator_hours_per_mtok": _cheap(facts, model)})
        return pd.DataFrame(rows)
    return facts.keep("quickest by size", make)


# ---- serial speed ---------------------------------------------------------------------------------------------------


def _serial_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("human_equivalents", "thought_tokens_per_second", "human",
                        "tokens a human thinks in a second"),
            facts.input("constants", "draft_acceptance", "accepted", "share of drafted tokens that are accepted",
                        most=0.99),
            facts.input("constants", "draft_cost", "draft", "time to draft a token over that of a step", most=1.0))


def _serial(facts: Facts, given: Values) -> Outcome:
    table = _by_size(facts).copy()
    hour = facts.hour(CHIP, YEAR, {asked.name: asked.mid for asked in facts.money()})
    table["tokens_s"] = MS / table["token_ms"]
    table["times_human"] = table["tokens_s"] / given["human"]
    table["times_human_drafted"] = _drafted(facts, table, given["accepted"], given["draft"]) / given["human"]
    table["usd_per_mtok_at_that_speed"] = table["width"] / table["tokens_s"] / SECONDS_OF_HOUR * hour * MILLION
    table["usd_per_mtok_cheapest"] = table["accelerator_hours_per_mtok"] * hour
    table["times_the_price"] = table["usd_per_mtok_at_that_speed"] / table["usd_per_mtok_cheapest"]
    prices = pd.DataFrame({"at the greatest speed": table["usd_per_mtok_at_that_speed"],
                           "at the cheapest": table["usd_per_mtok_cheapest"]}).set_index(
                               pd.Index(table["parameters_b"], name="parameters_b"))
    level = table.loc[table["size_of_gpt3"] == 1.0].iloc[0]
    small, large = table.iloc[0], table.iloc[-1]
    parts = (
        Part("latency forbids a model that runs 1000 times faster than a human",
             f"at best {times(small['times_human'])}, a model of {short(small['parameters_b'])} billion parameters, "
             f"{times(small['times_human_drafted'])} where tokens are drafted and checked together; GPT-3's size "
             f"{times(level['times_human'])} and {times(level['times_human_drafted'])}",
             bool(table[["times_human", "times_human_drafted"]].to_numpy().max() < facts.claim("faster"))),
        Part("and short of that the price grows as the speed does",
             f"GPT-3's size costs {times(level['times_the_price'])} its cheapest token at "
             f"{times(level['times_human'])} "
             "human speed", bool(level["times_the_price"] <= level["times_human"])),
    )
    reading = (
        f"A human thinks at some {short(given['human'])} tokens a second. At its quickest sharding on {CHIP}, a model "
        f"of GPT-3's size thinks {times(level['times_human'])} as fast, one of 1000 times its size "
        f"{times(large['times_human'])}. Drafting makes it {times(level['times_human_drafted'])} and "
        f"{times(large['times_human_drafted'])}. The price of haste is {times(level['times_the_price'])} the cheapest "
        "token, since nobody shares the weights. Money does not buy the rest: layers follow one another, and each "
        "waits for its collectives. Machines that hold all weights on the chip might; the catalogue has none.")
    return Outcome(parts, (Figure("fastest thought against a human, GPT-3's size", level["times_human"], "x", CHIP),
                           Figure("and of a 1000x model", large["times_human"], "x", CHIP),
                           Figure("GPT-3's size with drafted tokens", level["times_human_drafted"], "x", CHIP),
                           Figure("price of a token at the quickest over the cheapest", level["times_the_price"],
                                  "x", CHIP)),
                   reading, {"speed": table},
                   (Chart("Fastest serial speed by billions of parameters", "times human thought",
                          table.set_index("parameters_b")[["times_human", "times_human_drafted"]].rename(columns={
                              "times_human": "token by token", "times_human_drafted": "drafted and checked"}), log=True,
                          log_x=True),
                    Chart("A million tokens at that speed, and at the cheapest", "USD a million tokens", prices,
                          log=True, log_x=True)))


def _drafted(facts: Facts, table: pd.DataFrame, accepted: float, draft: float) -> NDArray[np.float64]:
    """Tokens a second by row of sizes at their best width, with the best number of drafted tokens."""
    def make() -> NDArray[np.float64]:
        return np.array([1.0 / min(token_s(facts, _of_size(facts, float(row["size_of_gpt3"])), int(row["width"]), 1,
                                           modes=Modes(speculation=Speculation(drafted, accepted, draft)))
                                   for drafted in DRAFTED) for row in table.to_dict("records")])
    return facts.keep(("drafted", accepted, draft), make)


def _cheap(facts: Facts, card: ModelCard) -> float:
    """Accelerator-hours per million tokens under patient limits; NaN where nothing fits."""
    found = written(facts, card, CHIP, PATIENT, facts.catalogue.constant("tokens_per_word"), weights="fp4",
                    pod=LARGE_POD)
    return MILLION / tokens_s(found) / SECONDS_OF_HOUR if len(found) else float("nan")


# ---- depth against width --------------------------------------------------------------------------------------------

SHAPES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def _shapes(facts: Facts, size: float) -> pd.DataFrame:
    """All shapes of GPT-3's size; of another size the shallowest and the deepest."""
    card = facts.catalogue.model(GPT3)
    rows = []
    for depth in SHAPES if size == 1.0 else (SHAPES[0], SHAPES[-1]):
        model = scaled(card, size, depth)
        time, width = quickest(facts, model)
        rows.append({"layers": model.layers, "width_of_model": model.d_model, "token_ms": time * MS, "tp": width,
                     "accelerator_hours_per_mtok": _cheap(facts, model)})
    return pd.DataFrame(rows)


def _shape(facts: Facts, given: Values) -> Outcome:
    table = facts.keep(("shapes", given["size"]), lambda: _shapes(facts, given["size"]))
    slow = table["token_ms"].iloc[-1] / table["token_ms"].iloc[0]
    cost = table["accelerator_hours_per_mtok"].iloc[-1] / table["accelerator_hours_per_mtok"].iloc[0]
    parts = (
        Part("depth costs latency that width does not", f"at one size {table['layers'].iloc[-1]} layers take "
             f"{slow:.1f} times as long a token as {table['layers'].iloc[0]}", slow > 1),
        Part("but a deep, narrow network is cheap to run",
             f"a token costs {cost:.2f} times as much in {table['layers'].iloc[-1]} layers as in "
             f"{table['layers'].iloc[0]}", cost < 1),
    )
    reading = (
        f"Hold the parameters at GPT-3's and go from {table['layers'].iloc[0]} layers to {table['layers'].iloc[-1]}: "
        f"a token at its best width takes {times(slow)} as long and costs {times(cost)} as much. The remark about "
        f"animals {'carries over in its first half: depth is paid for in time' if slow > 1 else 'fails at once'}. "
        + ("In its second half it does not: a deep and skinny network would save a brain its energy, but an "
           "accelerator pays for every layer's keys, overhead and collectives. " if cost >= 1 else
           "In its second half too: the deep network is the cheap one. ")
        + "What depth buys in quality stands outside of these figures.")
    return Outcome(parts, (Figure("latency, deepest against shallowest", slow, "x", CHIP),
                           Figure("cost of a token, deepest against shallowest", cost, "x", CHIP)), reading,
                   {"shape": table}, (Chart(f"A token by layers at GPT-3's parameters, best width on {CHIP}",
                                            "ms a token", table.set_index("layers")[["token_ms"]], log=True,
                                            log_x=True),))


ARGUMENTS = (
    Argument("pipelining", "Pipelining, width and size",
             "Pipelining over accelerators does not reduce latency; width-wise parallelism does, until communication "
             "grows; bigger nets have higher latency.", _sizes, _pipeline),
    Argument("speed", "A thousand times faster than a human",
             "You'd be paying 1000x as much to run your model 1000x faster than a human; or latency forbids it.",
             _serial_inputs, _serial),
    Argument("brains", "Brains face the same trade of width against depth",
             "A brain must be shallow and wide to be quick enough, though deep and skinny would save energy.",
             _sizes, _shape),
)
__all__ = ["ARGUMENTS", "quickest", "token_s"]
