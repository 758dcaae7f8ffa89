"""Copies: human-equivalents per operation, consumer devices, the first copies, each doubling in size."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Accelerator
from capacity.serving import Slo, weight_bytes
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.say import share, short, times, usd
from capacity.studies.founding.work import GPT3, MILLION, PATIENT, SECONDS_OF_HOUR, most, scaled, tokens_s, written

TERA, BILLION, GIB = 1e12, 1e9, 2.0**30


def stock(facts: Facts, year: int) -> dict[str, float]:
    """Accelerators in the world at a year's end, by type."""
    table = facts.catalogue.table("stock")
    return {str(row["accelerator"]): float(row["units"]) for row in table[table["year_end"] == year].to_dict("records")}


def wage(facts: Facts) -> pd.Series:
    """Nominal USD that an hour of work costs its employer, overhead included, by region."""
    regions = facts.catalogue.table("regions").set_index("id")
    return regions["wage_usd_h"] * (1 + regions["overhead_share"])


# ---- 1e14 and 1e17 operations a second ------------------------------------------------------------------------------

BOUGHT = (("v100-sxm2-32", 2020), ("a100-sxm-80", 2022), ("h100-sxm", 2023), ("b200-sxm", 2025), ("vr200-nvl72", 2027),
          ("archetype-2030", 2030), ("archetype-2034", 2034))
TODAY = 2025


def _ops_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("trends", "mfu_decode", "used", "share of peak operations that serving achieves", most=1.0),
            *facts.money())


def _ops_tables(facts: Facts, given: Values) -> tuple[pd.DataFrame, pd.DataFrame]:
    """USD of an hour at both rates by accelerator; copies that the stock of each year runs."""
    cat, unit, orders = facts.catalogue, facts.claim("hardware_ops_s"), facts.claim("more_orders")
    cost = pd.DataFrame([{"accelerator": chip, "year": year, "usd_per_hour_at_1e14":
                          facts.hour(chip, year, given) * unit / (_peak(cat.accelerator(chip)) * given["used"])}
                         for chip, year in BOUGHT])
    cost["usd_per_hour_at_1e17"] = cost["usd_per_hour_at_1e14"] * orders
    held = pd.DataFrame({"year": sorted(set(cat.table("stock")["year_end"]))})
    held["operations_s"] = [sum(units * _peak(cat.accelerator(chip)) for chip, units in stock(facts, year).items())
                            for year in held["year"]]
    held["copies_at_1e14"] = held["operations_s"] * given["used"] / unit
    held["copies_at_1e17"] = held["copies_at_1e14"] / orders
    return cost, held


def _ops(facts: Facts, given: Values) -> Outcome:
    cost, held = _ops_tables(facts, given)
    top = float(wage(facts).max())
    now, last = cost[cost["year"] <= TODAY].iloc[-1], held.iloc[-1]
    cheap, dear = float(now["usd_per_hour_at_1e14"]), float(now["usd_per_hour_at_1e17"])
    many, few = float(last["copies_at_1e14"]), float(last["copies_at_1e17"])
    below = cost.loc[cost["usd_per_hour_at_1e17"] < top, "year"]
    when = f"from {below.iloc[0]} on" if len(below) else f"not by {cost['year'].iloc[-1]} either"
    parts = (
        Part("at 1e14 operations a second a human-equivalent costs far less than a wage (a tenth)",
             f"{usd(cheap)} an hour on {now['accelerator']}; the highest wage, overhead included, is {usd(top)}",
             cheap < top / 10),
        Part("and the world could run many (a million)",
             f"{short(many)} on the stock of {last['year']:.0f}", many > MILLION),
        Part("three orders more would still be transformative: below a wage, and many",
             f"{usd(dear)} an hour and {short(few)} copies", dear < top and few > MILLION),
    )
    reading = (
        f"Operations are cheap and serving uses few of them: at the {share(given['used'])} of peak that decoding "
        f"achieves, 1e14 operations a second cost {usd(cheap)} an hour on {now['accelerator']} and the stock of "
        f"{last['year']:.0f} runs {short(many)} such workers. That would be a large country's worth of specialists, "
        f"as the commenter said. Three orders of magnitude more is another matter: {usd(dear)} an hour, {short(few)} "
        f"copies, and below the best paid region's wage {when}.")
    return Outcome(parts, (Figure("hour at 1e14 operations/s", cheap, "USD", str(now["accelerator"])),
                           Figure("hour at 1e17 operations/s", dear, "USD", str(now["accelerator"])),
                           Figure("copies at 1e14 on the world's stock", many, "copies", "stock.csv"),
                           Figure("copies at 1e17 on the world's stock", few, "copies", "stock.csv")),
                   reading, {"cost": cost, "stock": held},
                   (Chart("An hour of a human-equivalent to an owner", "USD",
                          cost.set_index("year")[["usd_per_hour_at_1e14", "usd_per_hour_at_1e17"]].rename(
                              columns=lambda name: "at " + name[-4:] + " operations a second"), log=True),
                    Chart("Copies that the world's stock runs", "copies",
                          held.set_index("year")[["copies_at_1e14", "copies_at_1e17"]].rename(
                              columns=lambda name: "at " + name[-4:] + " operations a second"), log=True)))


def _peak(chip: Accelerator) -> float:
    return chip.bf16_tflops * TERA


# ---- consumer devices -----------------------------------------------------------------------------------------------

BOX = 8
DISTANT = Slo(300.0, 20.0)
"""Limits so wide that only memory decides."""


def _consumer_inputs(facts: Facts) -> tuple[Input, ...]:
    row = facts.catalogue.row("consumer_devices", "rtx4090")
    low, mid, high = (float(row[name]) for name in ("units_m_low", "units_m", "units_m_high"))
    return (Input("units", "RTX 4090 in use", low, mid, high, "million", "consumer_devices.csv rtx4090", "estimate"),
            facts.tokens_per_word())


def _consumer(facts: Facts, given: Values) -> Outcome:
    need = weight_bytes(facts.catalogue.model(GPT3), "fp4")
    table, world = _devices(facts, given, need), _world(facts, given)
    cards, phones = table[table["tokens_s_of_a_box"].notna()], table[table["device"].str.startswith("phone")]
    gamers, held = float(cards["all_of_them_tokens_s"].sum()) / world, int(phones["devices_to_hold_gpt3"].min())
    box, phone = cards.iloc[int(cards["usd_per_mtok"].argmin())], phones.iloc[-1]
    year = int(facts.catalogue.table("stock")["year_end"].max())
    parts = (
        Part("GPT-3 does not run on a smartphone", f"at 4 bits it fills the memory of {held} phones of 2025",
             bool((phones["devices_to_hold_gpt3"] > 1).all())),
        Part("consumer GPUs cannot be repurposed for it: a box of 8 does not serve GPT-3",
             f"{box['device']}: {box['tpot_s_in_a_box_of_8'] * 1e3:.0f} ms a token, {usd(box['usd_per_mtok'])} a "
             "million",
             bool(cards.empty)),
        Part("and all of them together would add little (a tenth of the datacentres at most)",
             f"{share(gamers)} of what the datacentre stock of {year} could write", gamers < 0.1),
    )
    reading = (
        f"At 4 bits, which nobody used in 2021, GPT-3 is {need / BILLION:.0f} GB: "
        f"{cards['devices_to_hold_gpt3'].iloc[0]:.0f} cards of 24 GB, and a box of {BOX} serves it at "
        f"{box['tpot_s_in_a_box_of_8'] * 1e3:.0f} ms a token. So a gamer's card can be repurposed, one box at a time. "
        "What it does not change is the world's capacity: all such cards, in the hours they are on, would write "
        f"{share(gamers)} of what datacentres could. A phone holds {short(phone['largest_model_b'])} billion "
        f"parameters at 4 bits and reads them in {phone['sweep_of_memory_s'] * 1e3:.0f} ms a token; GPT-3 takes "
        f"{held} of them.")
    return Outcome(parts, (Figure("gamers' cards against the datacentre stock", gamers, "share", "serving, stock.csv"),
                           Figure("phones of 2025 that hold GPT-3", float(held), "phones", "consumer_devices.csv"),
                           Figure("token of GPT-3 in a box of eight cards", float(box["tpot_s_in_a_box_of_8"]), "s",
                                  str(box["device"]))), reading, {"devices": table},
                   (Chart("Devices whose memory GPT-3 fills at 4 bits", "devices",
                          table.set_index("device")[["devices_to_hold_gpt3"]], "bars"),))


def _devices(facts: Facts, given: Values, need: float) -> pd.DataFrame:
    """What each device holds, how fast it reads it, what a box of eight writes and costs, and all of them together."""
    rows = []
    for row in facts.catalogue.table("consumer_devices").to_dict("records"):
        memory = float(row["memory_gb"]) * GIB
        units = given["units"] if row["id"] == "rtx4090" else float(row["units_m"])
        best = None if not row["accelerator"] else most(written(
            facts, GPT3, str(row["accelerator"]), DISTANT, given["tokens_per_word"], weights="int4", kv="fp8", pod=BOX))
        rate = float("nan") if best is None else float(best["output_tokens_s_per_accelerator"])
        sweep = memory / BILLION / float(row["bandwidth_gb_s"])
        hour = facts.device_hour(float(row["price_usd"]), float(row["watts"]))
        alone = 1 / sweep if best is None else rate
        rows.append({"device": row["name"], "memory_gb": row["memory_gb"],
                     "devices_to_hold_gpt3": int(np.ceil(need / memory)), "largest_model_b": memory * 2 / BILLION,
                     "sweep_of_memory_s": sweep, "usd_per_hour": hour, "usd_per_mtok": hour / alone / SECONDS_OF_HOUR
                     * MILLION, "of": "GPT-3 in a box of 8" if best is not None else "the largest model it holds, "
                                                                                     "alone",
                     "tpot_s_in_a_box_of_8": float("nan") if best is None else float(best["tpot_s"]),
                     "tokens_s_of_a_box": rate * BOX,
                     "all_of_them_tokens_s": rate * units * MILLION * float(row["hours_per_day"]) / 24})
    return pd.DataFrame(rows)


def _world(facts: Facts, given: Values) -> float:
    """Tokens of GPT-3 a second that the newest stock writes."""
    year = int(facts.catalogue.table("stock")["year_end"].max())
    return sum(units * tokens_s(written(facts, GPT3, chip, PATIENT, given["tokens_per_word"]))
               for chip, units in stock(facts, year).items())


# ---- the first copies -----------------------------------------------------------------------------------------------

FEW = 1000


def _first_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("human_equivalents", "thought_tokens_per_second", "human", "tokens a human thinks in a second"),
            facts.tokens_per_word())


def _released(facts: Facts, given: Values) -> pd.DataFrame:
    """Copies, and humans' streams of thought, that each training cluster serves of the model it trained."""
    rows = []
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
             many > 1e5),
    )
    reading = (
        f"A training run leaves behind a cluster that can serve what it trained. The {short(last['accelerators'])} "
        f"accelerators of {last['model']} hold {short(last['copies'])} copies of it; each copy carries many requests "
        f"at once, and together they keep up with the thought of {short(last['human_equivalents'])} humans. Neither a "
        f"few nor billions: on release day there is the workforce of a city, {short(fewest)} to {short(many)} minds "
        f"by the runs on record. From there to the human population it is a factor of {short(wanted / many)}, which "
        "is built and not switched on.")
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
        f"leaves one in {short(1 / left)}. The loss is a little more than half a time because a larger model must "
        "spread over more accelerators and spend more of each step on talking. Whoever has a fleet for a billion "
        "mediocre workers has one for a million excellent ones.")
    return Outcome(parts, (Figure("instances lost per doubling", lost, "share", chip),
                           Figure("fewer instances over the "
                                  "range", 1 / left, "x", chip)), reading, {"doublings": table},
                   (Chart("Instances left on a fixed fleet, by size in GPT-3", "share",
                          served.set_index("size_of_gpt3")[["share_left"]], log=True, log_x=True),))


ARGUMENTS = (
    Argument("operations", "Human-equivalents at 1e14 and 1e17 operations a second",
             "A model of 1e14 operations/s competitive with trained humans would be transformative, and even of three "
             "orders more.", _ops_inputs, _ops),
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
