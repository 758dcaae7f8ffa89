"""Price: 750 words and 1000 times the parameters, margin under competition, what a price is made of."""

from __future__ import annotations

import pandas as pd

from capacity.catalogue.cards import ModelCard
from capacity.serving import cost_per_million_tokens, step_budget
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import HOURS, Facts
from capacity.studies.founding.say import share, short, times, usd
from capacity.studies.founding.work import (
    GPT3,
    MILLION,
    PATIENT,
    PROMPT,
    SECONDS_OF_HOUR,
    most,
    scaled,
    tokens_s,
    writer,
    written,
)

OWNED = (("v100-sxm2-32", 2021), ("a100-sxm-80", 2021), ("h100-sxm", 2023), ("b200-sxm", 2025), ("gb300-nvl72", 2026))
MHA, GQA, MOE = "gpt3x1000-dense", "gpt3x1000-dense-gqa", "gpt3x1000-moe"
NOW = ("gb300-nvl72", 2026)
POD = 8192
"""Accelerators of a pod in which a 1000x model may spread."""
BATCHES = (1, 8, 64)
LIMITS = {"prompt answers": PROMPT, "patient": PATIENT}


def per_words(facts: Facts, model: ModelCard | str, given: Values, weights: str = "fp8") -> float:
    """USD for the claimed number of words, prompt included, to who owns `NOW`; infinite where nothing fits.

    `model`: a card or its id; under patient limits.
    """
    chip, year = NOW
    found = written(facts, model, chip, PATIENT, given["tokens_per_word"], weights=weights, pod=POD)
    if found.empty:
        return float("inf")
    tokens = facts.claim("words") * given["tokens_per_word"]
    return float(cost_per_million_tokens(found, facts.hour(chip, year, given)).min()) * tokens / MILLION


def _words_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.price(*NOW), *facts.money(), facts.tokens_per_word())


def _words(facts: Facts, given: Values) -> Outcome:
    then = pd.DataFrame(_owned(facts, given))
    api = api_price(facts) * given["tokens_per_word"] * facts.claim("words") / MILLION
    wide = _larger(facts, given)
    cost = wide.set_index("model")["usd_per_750_words"]
    base, dense, cheapest = float(cost.iloc[0]), float(cost[[MHA, GQA]].min()), float(cost.iloc[1:].min())
    first = float(then.loc[then["load"] == "patient", "usd_per_750_words"].iloc[0])
    thousand = api * facts.claim("larger")
    parts = (
        Part("750 words with GPT-3 cost 6 cents", f"{usd(api)} at the API price of 2022, which was that of 2021",
             abs(api / facts.claim("words_usd") - 1) < 0.1),
        Part("1000 times the price would be "
             "$60", f"{usd(thousand)}", abs(thousand / facts.claim("larger_usd") - 1) < 0.1),
        Part("1000 times the parameters cost 1000 times as much (or at least half of that)",
             f"{times(dense / base)} as much for a dense model at the same precision",
             dense / base >= facts.claim("larger") / 2),
        Part("so 750 words of a 1000x model cost $60",
             f"{usd(dense)} as a dense model and {usd(cheapest)} in the cheapest form, to an owner in {NOW[1]}",
             cheapest >= facts.claim("larger_usd")),
    )
    reading = (
        f"The price of 2021 was not the cost of 2021. Whoever owned V100 paid {usd(first)} for the words that the API "
        f"sold for {usd(api)}, as long as enough requests shared the weights; whoever owns {NOW[0]} today pays "
        f"{usd(base)}. A dense model of 1000 times the parameters costs {times(float(cost[MHA]) / base)} as much as "
        f"GPT-3 with its own attention and {times(float(cost[GQA]) / base)} with that of today, which keeps less per "
        f"token: {usd(float(cost[GQA]))}. As a mixture of experts it costs "
        f"{usd(float(cost[MOE]))}. The batch decides: with one request at a time GPT-3's words cost "
        f"{usd(_alone(then))} on the same machine, {times(_alone(then) / base)} as much, and those of the dense "
        f"thousandfold model {usd(float(wide.set_index('model')['usd_batch 1'][GQA]))}.")
    figures = (Figure("750 words of a 1000x model, cheapest form", cheapest, "USD", f"{NOW[0]} {NOW[1]}"),
               Figure("750 words of GPT-3 at the API price", api, "USD", "token_prices.csv davinci"),
               Figure("1000 times that", thousand, "USD", "token_prices.csv davinci"),
               Figure("750 words of GPT-3 to an owner now", base, "USD", f"{NOW[0]} {NOW[1]}"),
               Figure("750 words of a dense 1000x model to an owner now", dense, "USD", f"{NOW[0]} {NOW[1]}"),
               Figure("a dense 1000x model against GPT-3", dense / base, "x", f"{NOW[0]} {NOW[1]}"))
    served = then[then["load"] == "patient"].assign(name=lambda t: t["accelerator"] + " " + t["bought"].astype(str))
    charts = (Chart(f"750 words to an owner of {NOW[0]}, by model", "USD for 750 words",
                    wide.set_index("model")[["usd_per_750_words"]], "bars", log=True),
              Chart("750 words of GPT-3 to an owner, by accelerator", "USD for 750 words",
                    served.set_index("name")[["usd_per_750_words"]], "bars", log=True))
    return Outcome(parts, figures, reading, {"GPT-3 to an owner": then, "1000x": wide}, charts)


def _larger(facts: Facts, given: Values) -> pd.DataFrame:
    """GPT-3 and what 1000 times its parameters cost: dense, as experts, at 4 bits, distilled to a fifth."""
    fifth = 1 / facts.claim("distil_smaller")
    distilled = scaled(facts.catalogue.model(GQA), fifth)
    kinds = ((GPT3, GPT3, "fp8"), (MHA, MHA, "fp8"), (GQA, GQA, "fp8"), (f"{GQA} at 4 bits", GQA, "fp4"),
             (MOE, MOE, "fp8"), (f"{MOE} at 4 bits", MOE, "fp4"), (f"{GQA} distilled to a fifth", distilled, "fp8"))
    rows = [{"model": name, "usd_per_750_words": per_words(facts, model, given, weights)}
            for name, model, weights in kinds]
    table = pd.DataFrame(rows)
    table["against_gpt3"] = table["usd_per_750_words"] / table["usd_per_750_words"].iloc[0]
    hour, tokens = facts.hour(*NOW, given), facts.claim("words") * given["tokens_per_word"]
    loads = facts.keep("1000x by load", lambda: pd.DataFrame([
        _loads(facts, facts.catalogue.model(model) if isinstance(model, str) else model, weights)
        for _, model, weights in kinds]))
    return table.join(loads.mul(hour * tokens).rename(columns=lambda load: f"usd_{load}"))


def _loads(facts: Facts, card: ModelCard, weights: str) -> dict[str, float]:
    """Accelerator-hours of a token under prompt limits and, decoding alone, of fixed batches on the smallest copy.

    NaN where nothing keeps the limits.
    """
    wrote = facts.catalogue.constant("tokens_per_word")
    plans, prompt = (written(facts, card, NOW[0], slo, wrote, weights=weights, pod=POD) for slo in (PATIENT, PROMPT))
    loads = {"prompt answers": float("nan") if prompt.empty else 1 / tokens_s(prompt) / SECONDS_OF_HOUR}
    if plans.empty:
        return loads | {f"batch {batch}": float("nan") for batch in BATCHES}
    small = plans.iloc[int(plans["accelerators"].argmin())].copy()
    chip = facts.catalogue.accelerator(NOW[0])
    for batch in BATCHES:
        small["batch"] = float(batch)
        step = step_budget(card, chip, facts.links(chip, POD), writer(facts, wrote, PATIENT), small, weights=weights)
        loads[f"batch {batch}"] = float(step["seconds"].sum()) / batch * float(small["accelerators"]) / SECONDS_OF_HOUR
    return loads


def _alone(then: pd.DataFrame) -> float:
    chip = then[then["accelerator"] == NOW[0]]
    return float(chip.loc[chip["load"].str.startswith("batch 1,"), "usd_per_750_words"].iloc[0])


def _owned(facts: Facts, given: Values) -> list[dict[str, object]]:
    """GPT-3 by accelerator, at limits and at fixed batches of the plan that is best under patience."""
    rows: list[dict[str, object]] = []
    for chip, year in OWNED:
        hour = facts.hour(chip, year, {**given, "price": 1.0})
        for limit, slo in LIMITS.items():
            best = most(written(facts, GPT3, chip, slo, given["tokens_per_word"]))
            if best is not None:
                rate = float(best["output_tokens_s_per_accelerator"])
                rows.append(_row(chip, year, limit, best, float(best["batch"]), rate, hour, facts, given))
        if best is None:
            continue
        for batch in BATCHES:
            rate = batch / _step(facts, chip, given, best, batch) / float(best["accelerators"])
            rows.append(_row(chip, year, f"batch {batch}, decoding alone", best, batch, rate, hour, facts, given))
    return rows


def _step(facts: Facts, chip: str, given: Values, plan: pd.Series, batch: int) -> float:
    cat, work = facts.catalogue, writer(facts, given["tokens_per_word"], PATIENT)
    card, accelerator = cat.model(GPT3), cat.accelerator(chip)
    row = plan.copy()
    row["batch"] = float(batch)
    links = facts.links(accelerator, max(64, accelerator.scale_up_domain))
    return float(step_budget(card, accelerator, links, work, row)["seconds"].sum())


def _row(chip: str, year: int, load: str, plan: pd.Series, batch: float, rate: float, hour: float, facts: Facts,
         given: Values) -> dict[str, object]:
    tokens = facts.claim("words") * given["tokens_per_word"]
    return {"accelerator": chip, "bought": year, "load": load, "accelerators": int(plan["accelerators"]),
            "batch": round(batch), "usd_per_accelerator_hour": hour,
            "usd_per_750_words": hour / (rate * SECONDS_OF_HOUR) * tokens}


def api_price(facts: Facts, model: str = "davinci (GPT-3 175B)") -> float:
    """USD per million tokens of output."""
    prices = facts.catalogue.table("token_prices")
    return float(prices.loc[prices["model"] == model, "output_usd_per_mtok"].iloc[0])


# ---- competition ----------------------------------------------------------------------------------------------------

SOLD_ON = {2022: "a100-sxm-80", 2023: "h100-sxm", 2024: "h100-sxm", 2025: "h200-sxm", 2026: "gb300-nvl72"}
"""The accelerator that a seller would have served on, by the year of a price."""


def _margin_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("constants", "gross_margin", "close", "gross margin that still counts as close to cost",
                        most=0.99), facts.price("h200-sxm", 2025), *facts.money(), facts.tokens_per_word())


def _margin(facts: Facts, given: Values) -> Outcome:
    table = _margins(facts, given)
    by_year = table.groupby("year")["times"].median().reset_index()
    before, after = (float(by_year["times"].iloc[at]) for at in (0, -1))
    early, late = (int(by_year["year"].iloc[at]) for at in (0, -1))
    close = 1 / (1 - given["close"])
    last = table.iloc[-1]
    parts = (
        Part("GPT-3 was sold far above the cost of its hardware", f"at {times(before)} it in the median of {early}",
             before > 2 * close),
        Part("with competition the price approaches that cost",
             f"{times(after)} it in the median of {late}; a gross margin of {share(given['close'])} would be "
             f"{times(close)}", after < 2 * close),
    )
    reading = (
        f"In {early} the API asked {times(before)} what an owner of {SOLD_ON[early]} needed to recover. For open "
        f"models that many sell, the price of {late} is {times(after)} the cost of owning ({last['sold']}: "
        f"{times(float(last['times']))}). "
        + ("The prediction of 2021 came true within a few years" if after < 2 * close else
           f"So the price {'came down' if after < before else 'rose'} in {late - early} years and is not there: a "
           f"gross margin of {share(given['close'])} would make {times(close)}; what is above it pays for staff, "
           "free users and a reserve for the busy hour, or is profit")
        + ". Prompt tokens are priced at their own rate.")
    return Outcome(parts, (Figure(f"price over the cost of owning, median of {late}", after, "x", "token_prices.csv"),
                           Figure(f"price over the cost of owning, median of {early}", before, "x",
                                  "token_prices.csv")),
                   reading, {"margin": table, "by year": by_year},
                   (Chart("Price asked over the cost of owning", "x",
                          table.assign(name=table["sold"] + ", " + table["as_of"]).set_index("name")[["times"]],
                          "bars", log=True),))


def _margins(facts: Facts, given: Values) -> pd.DataFrame:
    facts.guess("token_prices", "prices of tokens")
    prices = facts.catalogue.table("token_prices")
    prices = prices[prices["card"] != ""]
    work = writer(facts, given["tokens_per_word"], PROMPT)
    mix = work.fresh_tokens_s / work.output_tokens_s
    rows = []
    for row in prices.to_dict("records"):
        year = int(str(row["as_of"])[:4])
        chip = SOLD_ON[year]
        found = written(facts, str(row["card"]), chip, PROMPT, given["tokens_per_word"])
        if found.empty:
            continue
        own = float(cost_per_million_tokens(found, facts.hour(chip, year, given)).min())
        asked = float(row["output_usd_per_mtok"]) + mix * float(row["input_usd_per_mtok"])
        rows.append({"sold": row["model"], "as_of": str(row["as_of"]), "year": year, "served_on": chip,
                     "owner_usd_per_mtok": own, "asked_usd_per_mtok": asked, "times": asked / own})
    return pd.DataFrame(rows).sort_values("as_of", ignore_index=True)


# ---- what a price is made of ----------------------------------------------------------------------------------------

SERVED = "deepseek-v3"
SERVED_ON = ("h200-sxm", 2025)
COPIES = (1, 10, 100, 1000, 10_000, 100_000)


def _built_inputs(facts: Facts) -> tuple[Input, ...]:
    return (*trained_inputs(facts), facts.input("constants", "gross_margin", "margin", "gross margin", most=0.99),
            facts.price(*SERVED_ON), *facts.money())


def trained_inputs(facts: Facts) -> tuple[Input, Input]:
    """What the burden of training rests on."""
    return (facts.input("constants", "research_over_final_run", "trials",
                        "hours of research over those of the final run", least=1.0),
            facts.input("constants", "model_life_years", "years", "years the model is sold"))


def training_usd(facts: Facts, model: str, given: Values) -> float:
    """USD of the accelerator-hours of a published training run, and of the research before it, to their owner."""
    run = facts.catalogue.row("training_runs", model)
    chip = str(run["accelerator"])
    prices = facts.catalogue.table("accelerator_prices")
    year = max(int(run["year"]), int(prices.loc[prices["accelerator"] == chip, "year"].min()))
    hours = float(run["accelerator_hours_m"]) * MILLION * given["trials"]
    return hours * facts.hour(chip, year, {**given, "price": 1.0, "busy": 1.0})


def _built(facts: Facts, given: Values) -> Outcome:
    best = most(written(facts, SERVED, SERVED_ON[0], PROMPT, facts.catalogue.constant("tokens_per_word")))
    assert best is not None
    rate = float(best["output_tokens_s_per_accelerator"])
    own = facts.hour(*SERVED_ON, given) / (rate * SECONDS_OF_HOUR) * MILLION
    copy_tokens = rate * float(best["accelerators"]) * SECONDS_OF_HOUR * HOURS * given["busy"] * given["years"]
    trained = training_usd(facts, SERVED, given)
    table = pd.DataFrame({"copies": COPIES})
    table["training_usd_per_mtok"] = trained / (table["copies"] * copy_tokens) * MILLION
    table["serving_usd_per_mtok"] = own
    table["price_usd_per_mtok"] = (table["training_usd_per_mtok"] + own) / (1 - given["margin"])
    table["share_of_training"] = table["training_usd_per_mtok"] / table["price_usd_per_mtok"]
    table["share_of_serving"] = table["serving_usd_per_mtok"] / table["price_usd_per_mtok"]
    table["share_of_margin"] = 1 - table["share_of_training"] - table["share_of_serving"]
    even = trained / (copy_tokens / MILLION * own)
    few, many = (float(table["share_of_training"].iloc[at]) for at in (0, -1))
    parts = (
        Part("a price carries compute, profit and the recovery of training",
             f"with one copy served {share(few)} of the price recovers training",
             few > (1 - given["margin"]) / 2),
        Part("the recovery of training still matters once many copies are served",
             f"{share(many)} of the price with {short(COPIES[-1])} copies", many > 0.1),
    )
    reading = (
        f"All of the accelerator-hours behind {SERVED}, failed trials included, are worth {usd(trained)} to their "
        f"owner. Serving costs as much once {short(even)} copies run for {short(given['years'])} years. A laboratory "
        f"that sells a handful of copies sells its training; one that sells {short(COPIES[-1])} sells electricity and "
        f"silicon, with {share(many)} of the price for the training. That is the overhang in a ledger: the price of a "
        "copy falls with the number of copies until only inference is left of it.")
    return Outcome(parts, (Figure("copies at which training costs as much as serving", even, "copies",
                                  f"{SERVED} on {SERVED_ON[0]}"),
                           Figure("training, research included", trained, "USD", "training_runs.csv"),
                           Figure("serving", own, "USD per million tokens", f"{SERVED} on {SERVED_ON[0]}")),
                   reading, {"price": table},
                   (Chart("Share of the price that recovers training, by copies served", "share",
                          table.set_index("copies")[["share_of_training"]], log=True, log_x=True),))


ARGUMENTS = (
    Argument("words", "750 words, and 1000 times the parameters",
             "750 words with GPT-3 cost 6 cents; with 1000 times the parameters $60, as much as a good human writer.",
             _words_inputs, _words),
    Argument("competition", "Competition drives the price to the cost of hardware",
             "OpenAI sells far above its hardware; with competition the price approaches the cost of the hardware.",
             _margin_inputs, _margin),
    Argument("price", "A price is compute, profit and the recovery of training",
             "To the cost of compute comes a profit, and what recovers the training.", _built_inputs, _built),
)
__all__ = ["ARGUMENTS", "api_price", "per_words", "trained_inputs", "training_usd"]
