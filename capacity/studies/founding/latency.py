"""Latency: pipelining and width, how fast a model of each size can think, depth against width."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.catalogue.cards import ModelCard
from capacity.serving import step_budget
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.memory import scaled
from capacity.studies.founding.price import GPT3, MILLION
from capacity.studies.founding.work import PATIENT, writer, written

CHIP, YEAR = "gb300-nvl72", 2026
SIZES = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
WIDTHS = (1, 2, 4, 8, 16, 32, 64)
DEPTHS = (1, 2, 4, 8)
LARGE_POD = 8192
MS = 1e3


def token_s(facts: Facts, card: ModelCard, tp: int, pp: int, weights: str = "fp4") -> float:
    """Seconds of one token of a single request, batch 1, on a stated sharding."""
    chip = facts.catalogue.accelerator(CHIP)
    work = writer(facts, facts.catalogue.constant("tokens_per_word"), PATIENT)
    links = facts.links(chip, LARGE_POD)
    plan = {"tp": float(tp), "pp": float(pp), "ep": 1.0, "dp": 1.0, "batch": 1.0}
    return float(step_budget(card, chip, links, work, plan, weights=weights)["seconds"].sum())


def quickest(facts: Facts, card: ModelCard, weights: str = "fp4") -> tuple[float, int]:
    """Least seconds a token at batch 1 over widths within what splits the heads, and that width."""
    widths = [w for w in (2**i for i in range(11)) if card.heads % w == 0]
    times = [token_s(facts, card, w, 1, weights) for w in widths]
    best = int(np.argmin(times))
    return times[best], widths[best]


def _none(facts: Facts) -> tuple[Input, ...]:
    return ()


# ---- pipelining and width --------------------------------------------------------------------------------------------


def _pipeline(facts: Facts, given: Values) -> Outcome:
    card = facts.catalogue.model(GPT3)
    deep = [token_s(facts, card, 1, pp) for pp in DEPTHS]
    wide = [token_s(facts, card, tp, 1) for tp in (1, 2, 4, 8, 16, 32)]
    gains = [before / after for before, after in zip(wide[:-1], wide[1:], strict=True)]
    sizes = pd.DataFrame([{"size_of_gpt3": size, "parameters_b": size * 175,
                           **dict(zip(("token_ms", "width"), _quick(facts, card, size), strict=True))} for size in SIZES])
    growth = sizes["token_ms"].iloc[-1] / sizes.loc[sizes["size_of_gpt3"] == 1, "token_ms"].iloc[0]
    parts = (
        Part("pipelining does not reduce a request's latency",
             f"{deep[0] * MS:.1f} ms a token in one stage, {deep[-1] * MS:.1f} ms in {DEPTHS[-1]}",
             min(deep[1:]) >= deep[0]),
        Part("tensor parallelism does", f"{wide[0] * MS:.1f} ms on one accelerator, {min(wide) * MS:.1f} ms at best",
             min(wide) < wide[0]),
        Part("until communication grows", f"doubling from 1 gains {gains[0]:.2f}x, from 16 {gains[-1]:.2f}x",
             gains[-1] < gains[0]),
        Part("bigger nets have higher latency", f"a model of 1000 times the size takes {growth:.1f} times as long a "
             "token at its best width", growth > 1),
    )
    reading = (f"At the best width a token of GPT-3 takes {min(wide) * MS:.1f} ms on {CHIP}; a thousand times the "
               f"parameters take {growth:.0f} times as long, not a thousand: width absorbs most of the size, layers "
               "and collectives the rest.")
    widths = pd.DataFrame({"width": (1, 2, 4, 8, 16, 32), "token_ms": np.array(wide) * MS})
    return Outcome(parts, (Figure("token of a 1000x model against GPT-3, best widths", growth, "x", CHIP),
                           Figure("token of GPT-3 at its best width", min(wide) * MS, "ms", CHIP)), reading,
                   {"size": sizes, "width": widths, "depth": pd.DataFrame({"stages": DEPTHS, "token_ms": np.array(deep) * MS})},
                   (Chart("Time of a token by size, at the best width", "ms",
                          sizes.set_index("parameters_b")[["token_ms"]], log=True),))


def _quick(facts: Facts, card: ModelCard, size: float) -> tuple[float, int]:
    time, width = quickest(facts, scaled(card, size))
    return time * MS, width


# ---- serial speed ----------------------------------------------------------------------------------------------------


def _serial_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("human_equivalents", "thought_tokens_per_second", "human", "tokens a human thinks in a second"),
            facts.price(CHIP, YEAR), *facts.money())


def _serial(facts: Facts, given: Values) -> Outcome:
    card, hour = facts.catalogue.model(GPT3), facts.hour(CHIP, YEAR, given)
    rows = []
    for size in SIZES:
        model = scaled(card, size)
        time, width = quickest(facts, model)
        cheapest = _cheap(facts, model)
        alone = width * time / 3600 * hour
        rows.append({"parameters_b": 175 * size, "width": width, "tokens_s": 1 / time,
                     "times_human": 1 / time / given["human"], "usd_per_mtok_at_that_speed": alone * MILLION,
                     "usd_per_mtok_cheapest": cheapest * hour, "times_the_price": alone * MILLION / (cheapest * hour)})
    table = pd.DataFrame(rows)
    level = table.loc[np.isclose(table["parameters_b"], 175)].iloc[0]
    parts = (
        Part("a model may run 1000x faster than a human",
             f"at best {table['times_human'].max():,.0f}x, a model of {table['parameters_b'].iloc[0]:g} billion "
             f"parameters; GPT-3's size {level['times_human']:,.0f}x", table["times_human"].max() >= facts.claim("faster")),
        Part("for 1000x the cost", f"GPT-3's size at its quickest costs {level['times_the_price']:,.0f} times its cheapest "
             "token", level["times_the_price"] >= facts.claim("faster") / 3),
    )
    reading = (f"At human thought, {given['human']:g} tokens a second, a model of GPT-3's size thinks at most "
               f"{level['times_human']:.0f} times faster than a human and of 1000 times its size "
               f"{table['times_human'].iloc[-1]:.1f} times; speed costs {level['times_the_price']:.0f} times the price "
               "a token. More chips do not help: the layers follow one another.")
    return Outcome(parts, (Figure("fastest thought against a human, GPT-3's size", level["times_human"], "x", CHIP),
                           Figure("and of a 1000x model", table["times_human"].iloc[-1], "x", CHIP),
                           Figure("price of a token at the quickest", level["times_the_price"], "x of the cheapest", CHIP)),
                   reading, {"speed": table},
                   (Chart("Fastest serial speed by size", "times human thought",
                          table.set_index("parameters_b")[["times_human"]], log=True),))


def _cheap(facts: Facts, card: ModelCard) -> float:
    """Accelerator-hours per million tokens under patient limits; NaN where nothing fits."""
    found = written(facts, card, CHIP, PATIENT, facts.catalogue.constant("tokens_per_word"), weights="fp4",
                    pod=LARGE_POD)
    if found.empty:
        return float("nan")
    return MILLION / float(found["output_tokens_s_per_accelerator"].max()) / 3600


# ---- depth against width ---------------------------------------------------------------------------------------------

SHAPES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def _shape(facts: Facts, given: Values) -> Outcome:
    card = facts.catalogue.model(GPT3)
    rows = []
    for depth in SHAPES:
        model = scaled(card, 1.0, depth)
        time, width = quickest(facts, model)
        rows.append({"layers": model.layers, "width_of_model": model.d_model, "token_ms": time * MS, "tp": width,
                     "accelerator_hours_per_mtok": _cheap(facts, model)})
    table = pd.DataFrame(rows)
    slow = table["token_ms"].iloc[-1] / table["token_ms"].iloc[0]
    cost = table["accelerator_hours_per_mtok"].iloc[-1] / table["accelerator_hours_per_mtok"].iloc[0]
    parts = (
        Part("depth costs latency that width does not", f"at one size {table['layers'].iloc[-1]} layers take "
             f"{slow:.1f} times as long a token as {table['layers'].iloc[0]}", slow > 1),
        Part("but a deep, narrow network is cheap to run",
             f"a token costs {cost:.2f} times as much in {table['layers'].iloc[-1]} layers as in "
             f"{table['layers'].iloc[0]}", cost < 1),
    )
    reading = (f"With parameters held at GPT-3's, going from {table['layers'].iloc[0]} to {table['layers'].iloc[-1]} "
               f"layers multiplies the latency of a token by {slow:.1f} and its cost by {cost:.2f}: an accelerator, "
               "like an animal, pays for depth in time. What depth buys in quality is outside of this figure.")
    return Outcome(parts, (Figure("latency, deepest against shallowest", slow, "x", CHIP),
                           Figure("cost of a token, deepest against shallowest", cost, "x", CHIP)), reading,
                   {"shape": table}, (Chart("Time of a token by depth, parameters held", "ms",
                                            table.set_index("layers")[["token_ms"]], log=True),))


ARGUMENTS = (
    Argument("pipelining", "Pipelining, width and size",
             "Pipelining over accelerators does not reduce latency; width-wise parallelism does, until communication "
             "grows; bigger nets have higher latency.", _none, _pipeline),
    Argument("speed", "A thousand times faster than a human",
             "You'd be paying 1000x as much to run your model 1000x faster than a human; or latency forbids it.",
             _serial_inputs, _serial),
    Argument("brains", "Brains face the same trade of width against depth",
             "A brain must be shallow and wide to be quick enough, though deep and skinny would save energy.",
             _none, _shape),
)
__all__ = ["ARGUMENTS", "quickest", "token_s"]
