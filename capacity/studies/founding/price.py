"""Price: 750 words, the ladder from raw operations to the API, margin under competition, what a price is made of."""

from __future__ import annotations

import pandas as pd

from capacity.serving import Slo, cost_per_million_tokens, step_budget
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.work import PATIENT, PROMPT, most, writer, written

MILLION = 1e6
GPT3, OWNED = "gpt3-davinci", (("v100-sxm2-32", 2021), ("a100-sxm-80", 2021), ("h100-sxm", 2023), ("b200-sxm", 2025),
                               ("gb300-nvl72", 2026))
LARGER = ("gpt3x1000-dense", "gpt3x1000-dense-gqa", "gpt3x1000-moe")
NOW = ("gb300-nvl72", 2026)
POD = 8192
BATCHES = (1, 8, 64)
LIMITS = {"prompt answers": PROMPT, "patient": PATIENT}


def per_words(facts: Facts, model: str, chip: str, year: int, given: Values, *, slo: Slo = PATIENT,
              weights: str | None = None, pod: int = 64) -> float:
    """USD for the claimed number of words, prompt included, to who owns the hardware; infinite where nothing fits."""
    found = written(facts, model, chip, slo, given["tokens_per_word"], weights=weights, pod=pod)
    if found.empty:
        return float("inf")
    tokens = facts.claim("words") * given["tokens_per_word"]
    return float(cost_per_million_tokens(found, facts.hour(chip, year, given)).min()) * tokens / MILLION


def _words_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.price(*NOW), *facts.money(),
            facts.tokens_per_word())


def _words(facts: Facts, given: Values) -> Outcome:
    then, api = pd.DataFrame(_owned(facts, given)), api_price(facts) * given["tokens_per_word"]
    api_words = api * facts.claim("words") / MILLION
    base = per_words(facts, GPT3, *NOW, given, pod=POD, weights="fp8")
    larger = {card: per_words(facts, card, *NOW, given, pod=POD, weights="fp8") for card in LARGER}
    narrow = per_words(facts, LARGER[1], *NOW, given, pod=POD, weights="fp4")
    small = base / facts.claim("distil_smaller")
    dense = min(larger[LARGER[0]], larger[LARGER[1]])
    cheapest = min(*larger.values(), narrow)
    wide = pd.DataFrame([{"model": name, "usd_per_750_words": value, "against_gpt3": value / base} for name, value in
                         ((GPT3, base), *larger.items(), (f"{LARGER[1]} at 4 bits", narrow),
                          ("GPT-3 distilled to a fifth", small))])
    parts = (
        Part("750 words cost 6 cents at the API price", f"{api_words * 100:.2f} cents",
             abs(api_words / facts.claim("words_usd") - 1) < 0.1),
        Part("1000x the parameters, 1000x the cost", f"{dense / base:,.0f}x for a dense model at the same precision",
             dense / base >= facts.claim("larger") / 2),
        Part("750 words would then cost $60 or more", f"${cheapest:,.2g} to an owner in {NOW[1]}",
             cheapest >= facts.claim("larger_usd")),
    )
    reading = (f"At the API price of 2022 the words cost {api_words * 100:.1f} cents. Owners of the hardware paid "
               f"{then['usd_per_750_words'].min() * 100:.2g} cents in the best case on record here and pay "
               f"{base * 100:.2g} cents on {NOW[0]} for the same model. A dense model of 1000 times the parameters "
               f"costs {dense / base:,.0f} times as much, ${dense:,.2g}; as a mixture of experts ${larger[LARGER[2]]:,.2g}.")
    figures = (Figure("750 words of a 1000x model, cheapest form", cheapest, "USD", f"{NOW[0]} {NOW[1]}"),
               Figure("750 words of GPT-3 at the API price", api_words, "USD", "token_prices.csv davinci"),
               Figure("750 words of GPT-3 to an owner now", base, "USD", f"{NOW[0]} {NOW[1]}"),
               Figure("a dense 1000x model against GPT-3", dense / base, "x", f"{NOW[0]} {NOW[1]}"))
    return Outcome(parts, figures, reading, {"GPT-3 to an owner": then, "1000x": wide},
                   (Chart("750 words to an owner of the hardware", "USD", wide.set_index("model")[["usd_per_750_words"]],
                          "bars", log=True),))


def _owned(facts: Facts, given: Values) -> list[dict[str, object]]:
    """GPT-3 by accelerator, at limits and at fixed batches of the plan that is best under patience."""
    rows: list[dict[str, object]] = []
    for chip, year in OWNED:
        hour = facts.hour(chip, year, {**given, "price": 1.0})
        for limit, slo in LIMITS.items():
            best = most(written(facts, GPT3, chip, slo, given["tokens_per_word"]))
            if best is not None:
                rows.append(_row(chip, year, limit, best, best["output_tokens_s_per_accelerator"], hour, facts, given))
        if best is None:
            continue
        for batch in BATCHES:
            rate = batch / _step(facts, chip, given, best, batch) / best["accelerators"]
            rows.append(_row(chip, year, f"batch {batch}, decoding alone", best, rate, hour, facts, given, batch))
    return rows


def _step(facts: Facts, chip: str, given: Values, plan: pd.Series, batch: int) -> float:
    cat, work = facts.catalogue, writer(facts, given["tokens_per_word"], PATIENT)
    card, accelerator = cat.model(GPT3), cat.accelerator(chip)
    row = plan.copy()
    row["batch"] = float(batch)
    links = facts.links(accelerator, max(64, accelerator.scale_up_domain))
    return float(step_budget(card, accelerator, links, work, row)["seconds"].sum())


def _row(chip: str, year: int, limit: str, plan: pd.Series, rate: float, hour: float, facts: Facts, given: Values,
         batch: float | None = None) -> dict[str, object]:
    tokens = facts.claim("words") * given["tokens_per_word"]
    return {"accelerator": chip, "bought": year, "load": limit, "accelerators": int(plan["accelerators"]),
            "batch": round(float(plan["batch"] if batch is None else batch)), "usd_per_accelerator_hour": hour,
            "usd_per_750_words": hour / (rate * 3600) * tokens}


def api_price(facts: Facts, model: str = "davinci (GPT-3 175B)") -> float:
    """USD per million tokens of output."""
    prices = facts.catalogue.table("token_prices")
    return float(prices.loc[prices["model"] == model, "output_usd_per_mtok"].iloc[0])


# ---- the ladder -----------------------------------------------------------------------------------------------------

RENTED = ("a100-sxm-40", 2021)


def _ladder_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("human_equivalents", "reading_silent_nonfiction", "words_min", "words read in a minute"),
            facts.tokens_per_word(),
            facts.input("constants", "busy_share", "busy", "share of the hours in which a copy carries its load",
                        most=1.0))


def _ladder(facts: Facts, given: Values) -> Outcome:
    cat, (chip, year) = facts.catalogue, RENTED
    peak = cat.accelerator(chip).bf16_tflops * 1e12
    reserved, on_demand = (facts.rental(chip, year, channel) for channel in ("1-year reserved", "on demand"))
    unit = facts.claim("hardware_ops_s")
    ops = 2.0 * cat.model(GPT3).params_active_b * 1e9 * given["tokens_per_word"]  # type: ignore[operator]
    words_h = given["words_min"] * 60
    best = most(written(facts, GPT3, chip, PROMPT, given["tokens_per_word"], weights="fp16", kv="fp16"))
    assert best is not None
    used = best["output_tokens_s_per_accelerator"] / given["tokens_per_word"] * ops / peak
    hour = words_h * ops / 3600
    rungs = [("operations at peak, reserved", hour / peak * reserved),
             ("at the utilisation that a limit on latency allows", hour / (peak * used) * reserved),
             ("and the hours when it idles", hour / (peak * used) * reserved / given["busy"]),
             ("rented on demand", hour / (peak * used) * on_demand / given["busy"]),
             ("the API price", words_h * given["tokens_per_word"] * api_price(facts) / MILLION)]
    table = pd.DataFrame(rungs, columns=["rung", "usd_per_hour_of_reading"])
    table["times_the_one_before"] = table["usd_per_hour_of_reading"] / table["usd_per_hour_of_reading"].shift()
    claimed = facts.claim("reading_usd_h") / (facts.claim("hardware_usd_h") * facts.claim("ops_word") / unit)
    one_rate = facts.claim("reading_usd_h") / (facts.claim("hardware_usd_h") * facts.claim("reading_wpm") / 60
                                               * facts.claim("ops_word") / unit)
    true = rungs[-1][1] / rungs[0][1]
    per_unit = reserved / (peak / unit)
    parts = (
        Part("1e14 operations/s rent for well under $1 an hour", f"${per_unit:.2f} reserved, "
             f"${on_demand / (peak / unit):.2f} on demand, {chip} in {year}", per_unit < facts.claim("hardware_usd_h")),
        Part("half a trillion operations a word", f"{ops / 1e12:.2f} trillion",
             abs(ops / facts.claim("ops_word") - 1) < 0.25),
        Part("the API costs some 250x the hardware",
             f"{claimed:.0f}x compares 250 words a minute with one a second; at one rate {one_rate:.0f}x; with the "
             f"prices of {year} {true:.0f}x", true >= facts.claim("api_over_hardware") / 2),
        Part("on demand costs 10x more", f"{on_demand / reserved:.1f}x",
             on_demand / reserved >= facts.claim("on_demand_factor") / 2),
    )
    last = table["times_the_one_before"].iloc[-1]
    reading = (f"Of the {true:.0f}x between peak operations and the API, {1 / used:.1f}x is utilisation under a limit on "
               f"latency, {1 / given['busy']:.1f}x idle hours, {on_demand / reserved:.1f}x renting by the hour, and "
               f"{last:.1f}x is left for margin, staff and training.")
    figures = (Figure("what is left for margin, staff and training", last, "x", f"{chip} {year}"),
               Figure("API price against peak operations at one rate", true, "x", f"{chip} {year}"),
               Figure("the 250x as it was computed", claimed, "x", "founding_claims.csv"),
               Figure("the 250x at one rate and $1/h", one_rate, "x", "founding_claims.csv"),
               Figure("utilisation of peak under a limit on latency", used, "share", f"serving, {chip}"))
    return Outcome(parts, figures, reading, {"ladder": table},
                   (Chart("An hour of reading, from raw operations to the API", "USD",
                          table.set_index("rung")[["usd_per_hour_of_reading"]], "bars", log=True),))


# ---- competition ----------------------------------------------------------------------------------------------------

SOLD_ON = {2022: "a100-sxm-80", 2023: "h100-sxm", 2024: "h100-sxm", 2025: "h200-sxm", 2026: "gb300-nvl72"}
CLOSE = 3.0


def _margin_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.price("h200-sxm", 2025), *facts.money(),
            facts.tokens_per_word())


def _margin(facts: Facts, given: Values) -> Outcome:
    prices = facts.catalogue.table("token_prices")
    prices = prices[prices["card"] != ""]
    rows = []
    work = writer(facts, given["tokens_per_word"], PROMPT)
    mix = work.fresh_tokens_s / work.output_tokens_s
    for row in prices.to_dict("records"):
        year = int(str(row["as_of"])[:4])
        chip = SOLD_ON[year]
        found = written(facts, row["card"], chip, PROMPT, given["tokens_per_word"])
        if found.empty:
            continue
        own = float(cost_per_million_tokens(found, facts.hour(chip, year, given)).min())
        asked = row["output_usd_per_mtok"] + mix * row["input_usd_per_mtok"]
        rows.append({"sold": row["model"], "as_of": str(row["as_of"]), "served_on": chip,
                     "owner_usd_per_mtok": own, "asked_usd_per_mtok": asked, "times": asked / own})
    table = pd.DataFrame(rows).sort_values("as_of", ignore_index=True)
    first, last = table.iloc[0], table.iloc[-1]
    before = table[table["as_of"] < "2023"]["times"].median()
    after = table[table["as_of"] >= "2024"]["times"].median()
    parts = (
        Part("GPT-3 was sold far above the cost of its hardware", f"{before:.0f}x in the median of 2022", before > CLOSE),
        Part("with competition the price approaches that cost", f"{after:.1f}x in the median since 2024", after < CLOSE),
    )
    reading = (f"In 2022 tokens were asked at {before:.0f} times what an owner pays to make them; where many sell the "
               f"same open model, {after:.1f} times ({last['sold']}: {last['times']:.1f}, {first['sold']}: "
               f"{first['times']:.0f}). Prompt tokens are priced at their own rate, {mix:.1f} of them to one written.")
    return Outcome(parts, (Figure("asked over owning cost, median since 2024", after, "x", "token_prices.csv, serving"),
                           Figure("asked over owning cost, median of 2022", before, "x", "token_prices.csv, serving")),
                   reading, {"margin": table},
                   (Chart("Price asked over the cost of owning", "x",
                          table.assign(name=table["sold"] + " " + table["as_of"]).set_index("name")[["times"]],
                          "bars", log=True),))


# ---- what a price is made of ----------------------------------------------------------------------------------------

SERVED = "deepseek-v3"
COPIES = (1, 10, 100, 1000, 10_000, 100_000)


def _built_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("constants", "research_over_final_run", "trials", "hours of research over those of the final run"),
            facts.input("constants", "model_life_years", "years", "years the model is sold"),
            facts.input("constants", "gross_margin", "margin", "gross margin", most=0.99), facts.price("h200-sxm", 2025),
            *facts.money())


def training_usd(facts: Facts, model: str, given: Values) -> float:
    """USD of the accelerator-hours of a published training run, and of the research before it, to their owner."""
    run = facts.catalogue.row("training_runs", model)
    chip = str(run["accelerator"])
    year = max(int(run["year"]), int(facts.catalogue.table("accelerator_prices").query("accelerator == @chip")["year"].min()))
    hours = float(run["accelerator_hours_m"]) * MILLION * given["trials"]
    return hours * facts.hour(chip, year, {**given, "price": 1.0, "busy": 1.0})


def _built(facts: Facts, given: Values) -> Outcome:
    chip, year = "h200-sxm", 2025
    best = most(written(facts, SERVED, chip, PROMPT, facts.catalogue.constant("tokens_per_word")))
    assert best is not None
    own = facts.hour(chip, year, given) / (best["output_tokens_s_per_accelerator"] * 3600) * MILLION
    copy_tokens = best["output_tokens_s_per_accelerator"] * best["accelerators"] * 3600 * 8766 * given["busy"]
    trained = training_usd(facts, SERVED, given)
    table = pd.DataFrame({"copies": COPIES})
    table["training_usd_per_mtok"] = trained / (table["copies"] * copy_tokens * given["years"]) * MILLION
    table["serving_usd_per_mtok"] = own
    cost = table["training_usd_per_mtok"] + own
    table["price_usd_per_mtok"] = cost / (1 - given["margin"])
    table["share_of_training"] = table["training_usd_per_mtok"] / table["price_usd_per_mtok"]
    even = trained / (copy_tokens * given["years"] / MILLION * own)
    few = float(table["share_of_training"].iloc[0])
    many = float(table["share_of_training"].iloc[-1])
    parts = (
        Part("a price carries compute, profit and the recovery of training",
             f"with one copy served training is {few:.0%} of the price", few > given["margin"] / 2),
        Part("the recovery of training matters once many copies are served",
             f"with {COPIES[-1]:,} copies {many:.2%}", many > 0.1),
    )
    reading = (f"Training {SERVED}, trials included, takes accelerator-hours worth ${trained / 1e6:,.0f} M to their "
               f"owner. That equals the cost of serving when {even:,.1f} copies are served for {given['years']:.1f} years; with "
               f"{COPIES[-1]:,} copies it is {many:.2%} of the price.")
    return Outcome(parts, (Figure("copies at which training costs as much as serving", even, "copies",
                                  f"{SERVED} on {chip}"), Figure("training", trained, "USD", "training_runs.csv"),
                           Figure("serving", own, "USD/Mtok", f"{SERVED} on {chip}")),
                   reading, {"price": table},
                   (Chart("Share of the price that recovers training", "share",
                          table.set_index("copies")[["share_of_training"]], log=True),))


ARGUMENTS = (
    Argument("words", "750 words, and 1000 times the parameters",
             "750 words with GPT-3 cost 6 cents; with 1000 times the parameters $60, as much as a good human writer.",
             _words_inputs, _words),
    Argument("ladder", "From raw operations to the API price",
             "1e14 operations a second rent for well under $1 an hour, GPT-3 needs half a trillion a word: the API asks "
             "some 250 times the hardware, and on demand costs 10 times more.", _ladder_inputs, _ladder),
    Argument("competition", "Competition drives the price to the cost of hardware",
             "OpenAI sells far above its hardware; with competition the price approaches the cost of the hardware.",
             _margin_inputs, _margin),
    Argument("price", "A price is compute, profit and the recovery of training",
             "To the cost of compute comes a profit, and what recovers the training.", _built_inputs, _built),
)
__all__ = ["ARGUMENTS", "api_price", "per_words", "training_usd"]
