"""Memory: sweeping all of it once, fitting a copy, the largest model of a cluster."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Accelerator, ModelCard
from capacity.serving import Slo
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts, narrowest
from capacity.studies.founding.say import short, times
from capacity.studies.founding.shapes import shapes
from capacity.studies.founding.work import (
    GPT3,
    PACES,
    PATIENT,
    QUICKEST,
    parameters,
    scaled,
    writer,
    written,
)

GB, GIB, MS, TRILLION = 1e9, 2.0**30, 1e3, 1e12
OF_2021, OF_NOW = "a100-sxm-80", "gb300-nvl72"
DATACENTRE = ("v100-sxm2-32", "a100-sxm-40", "a100-sxm-80", "h100-sxm", "h200-sxm", "b200-sxm", "gb300-nvl72",
              "vr200-nvl72", "rubin-ultra-nvl576", "archetype-2030", "archetype-2034")

# ---- sweeping all of memory -----------------------------------------------------------------------------------------


def _sweep_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("constants", "model_size_growth", "growth", "growth of the largest served model"),)


def _sweep(facts: Facts, given: Values) -> Outcome:
    chips = [facts.card(name) for name in DATACENTRE]
    table = pd.DataFrame({
        "accelerator": [chip.id for chip in chips], "year": [chip.available for chip in chips],
        "memory_gb": [chip.memory_usable_gb for chip in chips],
        "bandwidth_gb_s": [chip.memory_bandwidth_gb_s for chip in chips],
        "host_link_gb_s": [chip.host_link_gb_s for chip in chips],
    })
    table["sweep_ms"] = table["memory_gb"] / table["bandwidth_gb_s"] * MS
    table["sweep_over_host_link_s"] = table["memory_gb"] / table["host_link_gb_s"]
    grows = {name: _growth(table["year"], table[name]) for name in ("memory_gb", "bandwidth_gb_s", "host_link_gb_s")}
    first, last = table.iloc[0], table.iloc[-1]
    parts = (
        Part("memory grows faster than its bandwidth",
             f"{grows['memory_gb']:.2f}x a year against {grows['bandwidth_gb_s']:.2f}x: a sweep takes "
             f"{first['sweep_ms']:.0f} ms on {first['accelerator']}, {last['sweep_ms']:.0f} ms on "
             f"{last['accelerator']}",
             grows["memory_gb"] > grows["bandwidth_gb_s"]),
        Part("memory grows faster than the link to the host",
             f"{grows['memory_gb']:.2f}x a year against {grows['host_link_gb_s']:.2f}x",
             grows["memory_gb"] > grows["host_link_gb_s"]),
        Part("models grow faster than bandwidth", f"{given['growth']:.2f}x a year against "
             f"{grows['bandwidth_gb_s']:.2f}x", given["growth"] > grows["bandwidth_gb_s"]),
    )
    reading = (
        "A copy whose dense weights fill its memory cannot write a token faster than one sweep of that memory, "
        f"whatever else is done: {first['sweep_ms']:.0f} ms on the V100 of {first['year']:.0f}, "
        f"{last['sweep_ms']:.0f} ms on what trends suggest for {last['year']:.0f}. Between accelerator and memory "
        + ("the fear of 2021 came true: size outgrew bandwidth" if parts[0].holds else
           "the fear of 2021 did not come true: stacked memory gained bandwidth along with its size, and the floor "
           "under latency did not rise")
        + f". Between host and accelerator it {'did' if parts[1].holds else 'did not either'}: filling the memory once "
        f"takes {first['sweep_over_host_link_s']:.1f} s there and {last['sweep_over_host_link_s']:.1f} s here. "
        "Archetypes are extrapolated.")
    chart = table.set_index("accelerator")[["sweep_ms"]]
    return Outcome(parts, (Figure("sweep of all memory, newest", last["sweep_ms"], "ms", str(last["accelerator"])),
                           Figure("sweep of all memory, V100", first["sweep_ms"], "ms", str(first["accelerator"])),
                           Figure("growth of bandwidth", grows["bandwidth_gb_s"], "x a year", "accelerators.csv")),
                   reading, {"sweep": table}, (Chart("Time to read all of memory once", "ms", chart, "bars"),))


def _growth(years: pd.Series, values: pd.Series) -> float:
    """Factor a year of an exponential through the points, by least squares on logs."""
    return float(np.exp(np.polyfit(years.to_numpy(), np.log(values.to_numpy()), 1)[0]))


# ---- fitting a copy -------------------------------------------------------------------------------------------------

NODE = 8
GROWN = "gpt3x1000-dense-gqa"
LARGE_POD = 8192


def _fit_inputs(facts: Facts) -> tuple[Input, ...]:
    return (Input("bytes", "bytes a parameter is kept in", 0.5, 2.0, 4.0, "bytes", "fp4, fp16, fp32", "published"),)


def _fit(facts: Facts, given: Values) -> Outcome:
    card, table = facts.catalogue.model(GPT3), facts.keep("fit", lambda: _fits(facts))
    v100 = facts.catalogue.accelerator(DATACENTRE[0])
    by_bytes = float(np.ceil(parameters(card) * given["bytes"] / (v100.memory_usable_gb * GIB)))
    first = table.loc[table["gpt3_at_its_narrowest"] <= NODE, ["year", "accelerator"]].iloc[0]
    racks = table.loc[table["accelerator"] == OF_NOW].iloc[0]
    serves, whole = float(table["gpt3_at_16_bits"].iloc[0]), float(np.ceil(racks["domains_of_gpt3x1000"]))
    parts = (
        Part("GPT-3 needs hundreds of GPUs just to fit in memory",
             f"{by_bytes:.0f} V100 of {v100.memory_gb:.0f} GB at {short(given['bytes'])} bytes a parameter, "
             f"{serves:.0f} as a copy that serves", by_bytes >= facts.claim("gpus_to_fit")),
        Part("a 1000x model spans many machines",
             f"{racks['gpt3x1000']:,.0f} {racks['accelerator']} in {whole:.0f} scale-up "
             f"domains of {facts.catalogue.accelerator(OF_NOW).scale_up_domain}",
             bool(racks["domains_of_gpt3x1000"] > 1)),
    )
    reading = (
        f"At 16 bits GPT-3 is {parameters(card) * 2 / GB:.0f} GB. {by_bytes:.0f} V100 hold it and {serves:.0f} serve "
        f"it{'' if parts[0].holds else ', not hundreds'}. It became one node of {NODE} in {first['year']} with "
        f"{first['accelerator']}, and fits on one accelerator {_one(table)}. A thousandfold GPT-3 "
        + (f"takes {whole:.0f} racks of {OF_NOW}, as the footnote of 2021 feared: its every token crosses the fabric "
           "between racks" if parts[1].holds else f"fits in one scale-up domain of {OF_NOW}")
        + f", and {_whole_rack(table)}. {_too_slow(table)}")
    shown = table.set_index("accelerator")[["gpt3_at_16_bits", "gpt3_at_its_narrowest", "gpt3x1000"]]
    return Outcome(parts, (Figure("V100 that hold the weights", by_bytes, "accelerators", "models/gpt3-davinci.yaml"),
                           Figure("V100 of a copy that serves", serves, "accelerators", "serving"),
                           Figure("scale-up domains of a 1000x copy", whole, "domains",
                                  str(racks["accelerator"]))),
                   reading, {"least accelerators of a copy": table},
                   (Chart("Least accelerators of a copy", "accelerators", shown.rename(columns={
                       "gpt3_at_16_bits": "GPT-3 at 16 bits", "gpt3_at_its_narrowest": "GPT-3 at the narrowest format",
                       "gpt3x1000": "1000x at the narrowest format"}), "bars", log=True),))


def _fits(facts: Facts) -> pd.DataFrame:
    """Least accelerators by type of GPT-3 at 16 bits, of it at the narrowest format, and of the 1000x model."""
    card, big = facts.catalogue.model(GPT3), facts.catalogue.model(GROWN)
    rows = []
    for name in DATACENTRE:
        chip = facts.card(name)
        own, wide = narrowest(chip), _least(facts, big, chip, narrowest(chip), max(LARGE_POD, chip.scale_up_domain))
        rows.append({"accelerator": name, "year": int(chip.available),
                     "gpt3_at_16_bits": _least(facts, card, chip, "fp16", 64),
                     "gpt3_at_its_narrowest": _least(facts, card, chip, own, 64), "precision": own, "gpt3x1000": wide,
                     "domains_of_gpt3x1000": wide / chip.scale_up_domain})
    return pd.DataFrame(rows)


def _whole_rack(table: pd.DataFrame) -> str:
    within = table.loc[table["domains_of_gpt3x1000"] <= 1]
    if within.empty:
        return "no announced machine holds it in one scale-up domain"
    return f"the first single domain that holds it is that of {within['accelerator'].iloc[0]}"


def _too_slow(table: pd.DataFrame) -> str:
    """The machines on which no sharding of the 1000x model keeps the limit."""
    none = table.loc[table["gpt3x1000"].isna(), "accelerator"]
    if none.empty:
        return "Every machine here serves it."
    return f"On {', '.join(none)} no sharding of it writes a token within {PATIENT.tpot_s:g} seconds."


def _one(table: pd.DataFrame) -> str:
    alone = table.loc[table["gpt3_at_its_narrowest"] <= 1]
    return "not yet" if alone.empty else f"since {alone['year'].iloc[0]}, with {alone['accelerator'].iloc[0]}"


def _least(facts: Facts, card: ModelCard, chip: Accelerator, weights: str, pod: int) -> float:
    """Least accelerators of a copy that serves at all; NaN where none in the pod does."""
    found = written(facts, card, chip, PATIENT, facts.catalogue.constant("tokens_per_word"), weights=weights, pod=pod)
    return float("nan") if found.empty else float(found["accelerators"].min())


# ---- the largest model ----------------------------------------------------------------------------------------------

UNEVEN = (1.1, 1.3, 1.6)
"""Layers and heads come whole, so a model may fit where a smaller one does not: these times its size are tried too."""
HALVINGS = 10
"""Of the range of sizes in logs; the last step is 2 %."""
CLUSTERS = (8, 72, 576, 4608, 32768)
ALIKE = 0.95
"""Models of that share of a size count as alike: sizes are found by bisection."""
QUICK = "50 ms a token"
SLOS = {QUICK: Slo(5.0, 0.05), "800 ms a token": PATIENT}


def _fits_within(facts: Facts, card: ModelCard, chip: Accelerator, size: int, slo: Slo) -> bool:
    """Whether some plan keeps the limits, at their own pace or at a quicker one, which holds keys for less time."""
    wrote, (plain, *rounded) = facts.catalogue.constant("tokens_per_word"), shapes(card)
    likely = (*rounded[::-1], replace(plain, name=plain.id))
    quicker = QUICKEST * PACES ** np.floor(np.log(slo.tpot_s / QUICKEST) / np.log(PACES) - np.arange(2))
    for pace in (slo.tpot_s, *quicker.tolist()):
        at = Slo(slo.ttft_s * pace / slo.tpot_s, pace, slo.percentile)
        if any(len(facts.frontier(shape, chip, writer(facts, wrote, at), at, pod=size)) for shape in likely):
            return True
    return False


def largest(facts: Facts, chip: str, size: int, slo: Slo) -> float:
    """Parameters of the largest dense model of GPT-3's proportions that so many accelerators serve within limits."""
    card = facts.catalogue.model(GPT3)
    accelerator = facts.catalogue.accelerator(chip)

    def fits(times_gpt3: float) -> bool:
        return _fits_within(facts, scaled(card, times_gpt3), accelerator, size, slo)
    low, high = 1e-3, 1e5
    for _ in range(HALVINGS):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if fits(middle) else (low, middle)
    further = [low * step for step in UNEVEN if fits(low * step)]
    return parameters(scaled(card, max([low, *further])))


def _largest_table(facts: Facts) -> pd.DataFrame:
    return pd.DataFrame([{"accelerator": chip, "cluster": size, "limit": limit,
                          "parameters": largest(facts, chip, size, slo)}
                         for chip in (OF_2021, OF_NOW) for size in CLUSTERS for limit, slo in SLOS.items()
                         if size >= facts.catalogue.accelerator(chip).scale_up_domain])


def _best_of_2021(facts: Facts, cluster: int, limit: float, wanted: float) -> float:
    """Parameters of the largest model within a limit; at least `wanted` where a model of just that size is served."""
    slo = Slo(PATIENT.ttft_s * limit / PATIENT.tpot_s, limit)
    card = facts.catalogue.model(GPT3)
    big = scaled(card, wanted / parameters(card))
    big = scaled(card, (wanted / parameters(card)) ** 2 * parameters(card) / parameters(big))
    served = _fits_within(facts, big, facts.catalogue.accelerator(OF_2021), cluster, slo)
    return max(largest(facts, OF_2021, cluster, slo), wanted if served else 0.0)


def _storing(held: float) -> str:
    return "Storing was never the difficulty" if held >= 1 else "They could not store it"


def _serving(served: float, limit: float) -> str:
    return (f"Nor was serving, for one who waits {short(limit)} s for a token" if served >= 1 else
            f"Serving was, within {short(limit)} s a token")


def _saturates(table: pd.DataFrame) -> str:
    """From which cluster on a larger one serves no larger model under either limit."""
    wide = table.pivot_table(index="cluster", columns=["accelerator", "limit"], values="parameters")
    enough = wide.ge(wide.max() * ALIKE).all(axis=1)
    if not bool(enough.iloc[:-1].any()):
        return "A larger cluster still serves a larger model."
    return (f"From {short(float(str(enough.idxmax())))} accelerators on a larger cluster brings more copies, not "
            "larger ones: no sharding makes use of it for one.")


def _largest_inputs(facts: Facts) -> tuple[Input, ...]:
    claimed = facts.said("largest_cluster")
    return (Input("limit", "seconds a token that one waits for", PATIENT.tpot_s / 8, PATIENT.tpot_s, PATIENT.tpot_s * 8,
                  "s", "a limit, not a fact: an eighth and eight times", "derived"),
            Input("cluster", "accelerators of the largest cluster of 2021", claimed / 3, claimed, claimed * 3,
                  "accelerators", "founding_claims.csv largest_cluster (tens of thousands)", "estimate", least=8.0,
                  most=claimed * 4))


def _largest(facts: Facts, given: Values) -> Outcome:
    table = facts.keep("largest", lambda: _largest_table(facts))
    wanted = parameters(facts.catalogue.model(GPT3)) * facts.claim("larger")
    now, limit = table[table["accelerator"] == OF_NOW], given["limit"]
    claimed = facts.claim("largest_cluster")
    meant = "" if given["cluster"] == claimed else f" ({short(claimed)} were meant)"
    stores = given["cluster"] * facts.catalogue.accelerator(OF_2021).memory_usable_gb * GIB / 2
    best = _best_of_2021(facts, int(given["cluster"]), limit, wanted)
    quick, patient = (float(part["parameters"].max()) for part in (
        now[now["limit"] == QUICK], now[now["limit"] != QUICK]))
    then = float(table.loc[(table["accelerator"] == OF_2021) & (table["limit"] == QUICK), "parameters"].max())
    parts = (
        Part("a cluster of tens of thousands of GPUs of 2021 may not store a 1000x model",
             f"{short(given['cluster'])} store {short(stores)} parameters at 16 bits, {short(wanted)} are wanted"
             f"{meant}", stores < wanted),
        Part("it may not be able to serve one",
             f"the largest that it serves within {short(limit)} s a token has {short(best)} "
             "parameters", best < wanted),
    )
    reading = (
        f"{_storing(stores / wanted)}: {short(given['cluster'])} {OF_2021} hold {times(stores / wanted)} the "
        f"thousandfold model. {_serving(best / wanted, limit)}: with heads in numbers that split over many, those "
        f"machines reach {short(best)} parameters. It is haste that they cannot offer: at a conversational 50 ms a "
        f"token the largest has {short(then)}. {OF_NOW} reaches {short(patient)} within {PATIENT.tpot_s:g} s and "
        f"{short(quick)} within 50 ms. {_saturates(table)}")
    wide = table.assign(series=table["accelerator"] + ", " + table["limit"]).pivot_table(
        index="cluster", columns="series", values="parameters").rename_axis("accelerators of the cluster")
    return Outcome(parts, (Figure("largest model of 2021's largest cluster", best / TRILLION, "trillion parameters",
                                  OF_2021),
                           Figure("largest model at 50 ms a token now", quick / TRILLION, "trillion "
                                                                                          "parameters", OF_NOW),
                           Figure("and at 800 ms", patient / TRILLION, "trillion parameters", OF_NOW)),
                   reading, {"largest": table},
                   (Chart("Largest dense model by accelerators of the cluster", "parameters", wide, log=True,
                          log_x=True),))


ARGUMENTS = (
    Argument("sweep", "Storage and models grow faster than bandwidth",
             "Storage capacity, not to mention model size, keeps rising faster than bandwidth does.",
             _sweep_inputs, _sweep),
    Argument("fit", "Hundreds of GPUs to fit GPT-3", "GPT-3 needs hundreds of GPUs just to fit into memory; a 1000x "
             "larger model may not fit today's supercomputers.", _fit_inputs, _fit),
    Argument("largest", "The largest model of a cluster",
             "The largest clusters have tens of thousands of GPUs; a 1000x model may not fit one.",
             _largest_inputs, _largest),
)
__all__ = ["ARGUMENTS", "DATACENTRE", "largest"]
