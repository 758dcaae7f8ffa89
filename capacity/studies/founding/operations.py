"""Human-equivalents counted in operations: what 1e14 and 1e17 a second cost to serve, and how many the world runs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Accelerator, ModelCard
from capacity.serving import Slo
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.copies import stock, wage
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.latency import CHIP, quickest
from capacity.studies.founding.say import share, short, times, usd
from capacity.studies.founding.work import GPT3, MILLION, PATIENT, parameters, scaled, tokens_s, writer

BOUGHT = (("v100-sxm2-32", 2020), ("a100-sxm-80", 2022), ("h100-sxm", 2023), ("b200-sxm", 2025), ("vr200-nvl72", 2027),
          ("archetype-2030", 2030), ("archetype-2034", 2034))
TODAY = 2025
TERA, PER_PARAMETER, POD = 1e12, 2.0, 576
"""Operations of a token per parameter: a multiplication and an addition."""


def _inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("human_equivalents", "thought_tokens_per_second", "human", "tokens a human thinks in a second"),
            *facts.money())


def _mind(facts: Facts, given: Values) -> ModelCard:
    """The dense model that computes the claimed operations a second when it thinks as fast as a human."""
    card = facts.catalogue.model(GPT3)
    return scaled(card, facts.claim("hardware_ops_s") / given["human"] / PER_PARAMETER / parameters(card))


def _instances(facts: Facts, given: Values, chip: str, pace_s: float) -> float:
    """Human-equivalents per accelerator by operations, prompts included, each token within `pace_s`; 0: none fits."""
    card, wrote, best = _mind(facts, given), facts.catalogue.constant("tokens_per_word"), 0.0
    for pace in (pace_s, pace_s / 4):  # a quicker pace holds an answer's keys for less time
        limits = Slo(PATIENT.ttft_s, pace)
        found = facts.frontier(card, chip, writer(facts, wrote, limits), limits, pod=POD)
        best = max(best, tokens_s(found))
    return best * PER_PARAMETER * parameters(card) / facts.claim("hardware_ops_s")


def _tables(facts: Facts, given: Values) -> tuple[pd.DataFrame, pd.DataFrame]:
    """USD of an hour at both rates by accelerator; human-equivalents that the stock of each year runs."""
    cat, unit, orders = facts.catalogue, facts.claim("hardware_ops_s"), facts.claim("more_orders")
    bought, have = [chip for chip, _ in BOUGHT], map(str, cat.table("stock")["accelerator"])
    each, slow = facts.keep(("instances by operations", given["human"]), lambda: (
        {chip: _instances(facts, given, chip, 1.0 / given["human"]) for chip in dict.fromkeys([*bought, *have])},
        {chip: _instances(facts, given, chip, max(PATIENT.tpot_s, 1.0 / given["human"])) for chip in bought}))
    cost = pd.DataFrame([{"accelerator": chip, "year": year,
                          "share_of_peak": each[chip] * unit / _peak(cat.accelerator(chip)),
                          "usd_per_hour_at_1e14": facts.hour(chip, year, given) / each[chip] if each[chip] else np.nan}
                         for chip, year in BOUGHT])
    slow = {chip: max(slow[chip], each[chip]) for chip in slow}
    cost["usd_per_hour_at_1e14_slowly"] = [facts.hour(chip, year, given) / slow[chip] if slow[chip] else np.nan
                                           for chip, year in BOUGHT]
    cost["usd_per_hour_at_1e17"] = cost["usd_per_hour_at_1e14"] * orders
    held = pd.DataFrame({"year": sorted(set(cat.table("stock")["year_end"]))})
    held["copies_at_1e14"] = [sum(units * each[chip] for chip, units in stock(facts, year).items())
                              for year in held["year"]]
    held["copies_at_1e17"] = held["copies_at_1e14"] / orders
    return cost, held


def _ops(facts: Facts, given: Values) -> Outcome:
    cost, held = _tables(facts, given)
    top = float(wage(facts).max())
    now, last = cost[cost["year"] <= TODAY].iloc[-1], held.iloc[-1]
    cheap, dear = (float(now[f"usd_per_hour_at_{rate}"]) for rate in ("1e14", "1e17"))
    many, few = (float(last[f"copies_at_{rate}"]) for rate in ("1e14", "1e17"))
    parts = (
        Part("at 1e14 operations a second a human-equivalent costs far less than a wage (a tenth)",
             f"{usd(cheap)} an hour on {now['accelerator']}; the highest wage, overhead included, is {usd(top)}",
             cheap < top / 10),
        Part("and the world could run many (a million)",
             f"{short(many)} on the stock of {last['year']:.0f}", many > MILLION),
        Part("three orders more would still be transformative: below a wage, and many",
             f"{usd(dear)} an hour and {short(few)} human-equivalents", dear < top and few > MILLION),
    )
    figures = (Figure("hour at 1e14 operations/s", cheap, "USD", f"serving, {now['accelerator']}"),
               Figure("hour at 1e17 operations/s", dear, "USD", f"serving, {now['accelerator']}"),
               Figure("human-equivalents at 1e14 on the world's stock", many, "1", "serving, stock.csv"),
               Figure("human-equivalents at 1e17 on the world's stock", few, "1", "serving, stock.csv"),
               Figure("share of peak operations that serving achieves", float(now["share_of_peak"]), "share",
                      f"serving, {now['accelerator']}, against its peak at 16 bits"))
    return Outcome(parts, figures, _reading(facts, given, cost, held, top), {"cost": cost, "stock": held},
                   (_chart("An hour of a human-equivalent to an owner", "USD an hour", cost, "usd_per_hour_at_"),
                    _chart("Human-equivalents that the world's stock runs", "human-equivalents", held, "copies_at_")))


def _reading(facts: Facts, given: Values, cost: pd.DataFrame, held: pd.DataFrame, top: float) -> str:
    now, last = cost[cost["year"] <= TODAY].iloc[-1], held.iloc[-1]
    size, orders = parameters(_mind(facts, given)) / parameters(facts.catalogue.model(GPT3)), facts.claim("more_orders")
    below = cost.loc[cost["usd_per_hour_at_1e17"] < top, "year"]
    when = f"from {below.iloc[0]} on" if len(below) else f"not by {cost['year'].iloc[-1]} either"
    pace, _ = quickest(facts, scaled(facts.catalogue.model(GPT3), size * orders))
    alone = 1.0 / pace / given["human"]
    return (
        f"A mind that computes 1e14 operations a second at a human's {short(given['human'])} tokens of thought is a "
        f"dense model of {short(size)} times GPT-3. Served on {now['accelerator']}, where its instances reach "
        f"{share(float(now['share_of_peak']))} of the peak at 16 bits between them, it costs "
        f"{usd(float(now['usd_per_hour_at_1e14']))} an hour, and the stock of {last['year']:.0f} runs "
        f"{short(last['copies_at_1e14'])} of them: {_people(facts, float(last['copies_at_1e14']))}. Three orders of "
        f"magnitude more, as {short(orders)} such thoughts side by side, cost "
        f"{usd(float(now['usd_per_hour_at_1e17']))} an hour, below the best paid region's wage {when}, and the stock "
        f"runs {short(last['copies_at_1e17'])}.{_first(cost)} As one model of that size it thinks at {times(alone)} a "
        f"human's pace, on {CHIP} at its best width: "
        + ("too slow to be a colleague." if alone < 1 else "quick enough."))


def _first(cost: pd.DataFrame) -> str:
    """The first machine at a human's pace, and what a slower mind cost before it; empty where all keep the pace."""
    able = cost["usd_per_hour_at_1e14"].notna()
    before = cost[~able & cost["usd_per_hour_at_1e14_slowly"].notna()]
    if able.all() or not able.any():
        return ""
    first = cost[able].iloc[0]
    told = f" {first['accelerator']} ({first['year']}) is the first here that keeps a human's pace"
    if before.empty:
        return told + "."
    row = before.iloc[-1]
    return told + (f"; the same operations at {PATIENT.tpot_s:g} s a token cost "
                   f"{usd(row['usd_per_hour_at_1e14_slowly'])} an hour on {row['accelerator']} ({row['year']}).")


def _people(facts: Facts, many: float) -> str:
    """A number of human-equivalents against the people of a region."""
    people = facts.catalogue.table("regions").set_index("id")["population_m"] * MILLION
    fewer = people[people <= many]
    if fewer.empty:
        return f"fewer than the people of {people.idxmin()}"
    return f"as many as {fewer.idxmax()} has people" if many < 2 * fewer.max() else (
        f"{times(many / float(fewer.max()))} the people of {fewer.idxmax()}")


def _chart(title: str, unit: str, table: pd.DataFrame, stem: str) -> Chart:
    columns = {f"{stem}{rate}": f"at {rate} operations a second" for rate in ("1e14", "1e17")}
    columns[f"{stem}1e14_slowly"] = f"at 1e14, {PATIENT.tpot_s:g} s a token"
    columns = {name: words for name, words in columns.items() if name in table}
    return Chart(title, unit, table.set_index("year")[[*columns]].rename(columns=columns), log=True)


def _peak(chip: Accelerator) -> float:
    return chip.bf16_tflops * TERA


ARGUMENTS = (
    Argument("operations", "Human-equivalents at 1e14 and 1e17 operations a second",
             "A model of 1e14 operations/s competitive with trained humans would be transformative, and even of three "
             "orders more.", _inputs, _ops),
)
__all__ = ["ARGUMENTS"]
