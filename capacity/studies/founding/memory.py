"""Memory: sweeping all of it once, fitting a copy, the largest model of a cluster, streaming weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Accelerator, ModelCard
from capacity.serving import Modes, Slo, weight_bytes
from capacity.serving.offload import shared_link_bytes_s, stream, streamed_step_s
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts, narrowest
from capacity.studies.founding.price import GPT3
from capacity.studies.founding.work import PATIENT, writer, written

GB, GIB, MS = 1e9, 2.0**30, 1e3
OF_2021, OF_NOW = "a100-sxm-80", "gb300-nvl72"
DATACENTRE = ("v100-sxm2-32", "a100-sxm-40", "a100-sxm-80", "h100-sxm", "h200-sxm", "b200-sxm", "gb300-nvl72",
              "vr200-nvl72", "rubin-ultra-nvl576", "archetype-2030", "archetype-2034")

# ---- sweeping all of memory ------------------------------------------------------------------------------------------


def _sweep_inputs(facts: Facts) -> tuple[Input, ...]:
    return (facts.input("constants", "model_size_growth", "growth", "growth of the largest served model"),)


def _sweep(facts: Facts, given: Values) -> Outcome:
    chips = [facts.catalogue.accelerator(name) for name in DATACENTRE]
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
             f"{first['sweep_ms']:.0f} ms on {first['accelerator']}, {last['sweep_ms']:.0f} ms on {last['accelerator']}",
             grows["memory_gb"] > grows["bandwidth_gb_s"]),
        Part("memory grows faster than the link to the host",
             f"{grows['memory_gb']:.2f}x a year against {grows['host_link_gb_s']:.2f}x",
             grows["memory_gb"] > grows["host_link_gb_s"]),
        Part("models grow faster than bandwidth", f"{given['growth']:.2f}x a year against "
             f"{grows['bandwidth_gb_s']:.2f}x", given["growth"] > grows["bandwidth_gb_s"]),
    )
    reading = (f"A copy that fills its memory cannot write a token faster than one sweep of it, whatever its model: "
               f"{first['sweep_ms']:.0f} ms in {first['year']:.0f}, {last['sweep_ms']:.0f} ms in {last['year']:.0f}. "
               f"Stacked memory gained bandwidth with its size, so the floor under latency stands almost still; from "
               f"the host it is {first['sweep_over_host_link_s']:.1f} s then and {last['sweep_over_host_link_s']:.1f} s.")
    chart = table.set_index("year")[["sweep_ms"]]
    return Outcome(parts, (Figure("sweep of all memory, newest", last["sweep_ms"], "ms", str(last["accelerator"])),
                           Figure("sweep of all memory, V100", first["sweep_ms"], "ms", str(first["accelerator"])),
                           Figure("growth of bandwidth", grows["bandwidth_gb_s"], "x a year", "accelerators.csv")),
                   reading, {"sweep": table}, (Chart("Time to read all of memory once", "ms", chart),))


def _growth(years: pd.Series, values: pd.Series) -> float:
    """Factor a year of an exponential through the points, by least squares on logs."""
    return float(np.exp(np.polyfit(years.to_numpy(), np.log(values.to_numpy()), 1)[0]))


# ---- fitting a copy --------------------------------------------------------------------------------------------------

NODE = 8
GROWN = "gpt3x1000-dense-gqa"
LARGE_POD = 8192


def _fit_inputs(facts: Facts) -> tuple[Input, ...]:
    return (Input("bytes", "bytes a parameter is kept in", 0.5, 2.0, 4.0, "bytes", "fp4, fp16, fp32", "published"),)


def _fit(facts: Facts, given: Values) -> Outcome:
    card, big = facts.catalogue.model(GPT3), facts.catalogue.model(GROWN)
    rows = []
    for name in DATACENTRE:
        chip = facts.catalogue.accelerator(name)
        pod = max(LARGE_POD, chip.scale_up_domain)
        own, wide = narrowest(chip), _least(facts, big, chip, narrowest(chip), pod)
        rows.append({"accelerator": name, "year": int(chip.available), "gpt3_at_16_bits": _least(facts, card, chip, "fp16", 64),
                     "gpt3_at_its_narrowest": _least(facts, card, chip, own, 64), "precision": own,
                     "gpt3x1000": wide, "domains_of_gpt3x1000": wide / chip.scale_up_domain})
    table = pd.DataFrame(rows)
    v100 = facts.catalogue.accelerator(DATACENTRE[0])
    by_bytes = float(np.ceil(_params(card) * given["bytes"] / (v100.memory_usable_gb * GIB)))
    first = table.loc[table["gpt3_at_its_narrowest"] <= NODE, ["year", "accelerator"]].iloc[0]
    racks = table.loc[table["accelerator"] == OF_NOW].iloc[0]
    parts = (
        Part("GPT-3 needs hundreds of GPUs just to fit in memory",
             f"{by_bytes:.0f} V100 of 32 GB at {given['bytes']:.1f} bytes a parameter, "
             f"{table['gpt3_at_16_bits'].iloc[0]:.0f} as a copy that serves", by_bytes >= facts.claim("gpus_to_fit")),
        Part("a 1000x model spans many machines", f"{racks['gpt3x1000']:,.0f} of {racks['accelerator']}, "
             f"{racks['domains_of_gpt3x1000']:,.1f} scale-up domains", racks["domains_of_gpt3x1000"] > 1),
    )
    reading = (f"GPT-3 at 16 bits is {_params(card) * 2 / GB:.0f} GB: {table['gpt3_at_16_bits'].iloc[0]:.0f} V100, not "
               f"hundreds. It became one node of {NODE} in {first['year']} with {first['accelerator']}, and one "
               f"accelerator {_one(table)}.")
    return Outcome(parts, (Figure("V100 that hold the weights", by_bytes, "accelerators", "models/gpt3-davinci.yaml"),
                           Figure("V100 of a copy that serves", float(table["gpt3_at_16_bits"].iloc[0]), "accelerators",
                                  "serving"),
                           Figure("scale-up domains of a 1000x copy", float(racks["domains_of_gpt3x1000"]), "domains",
                                  str(racks["accelerator"]))),
                   reading, {"least accelerators of a copy": table},
                   (Chart("Least accelerators of a copy", "accelerators",
                          table.set_index("accelerator")[["gpt3_at_16_bits", "gpt3_at_its_narrowest", "gpt3x1000"]],
                          "bars", log=True),))


def _one(table: pd.DataFrame) -> str:
    alone = table.loc[table["gpt3_at_its_narrowest"] <= 1]
    return "not yet" if alone.empty else f"in {alone['year'].iloc[0]} with {alone['accelerator'].iloc[0]}"


def _params(card: ModelCard) -> float:
    return weight_bytes(card, "fp8")


def _least(facts: Facts, card: ModelCard, chip: Accelerator, weights: str, pod: int) -> float:
    """Least accelerators of a copy that serves at all; NaN where none in the pod does."""
    found = written(facts, card, chip, PATIENT, facts.catalogue.constant("tokens_per_word"), weights=weights, pod=pod)
    return float("nan") if found.empty else float(found["accelerators"].min())


# ---- the largest model -----------------------------------------------------------------------------------------------

CLUSTERS = (8, 72, 576, 4608, 32768)
SLOS = {"50 ms a token": Slo(5.0, 0.05), "800 ms a token": PATIENT}
HEAD, GROUP = 128, 16
"""Width of a head; heads come in groups of so many, so that they split evenly."""


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
    return replace(card, id=name, name=name, layers=layers, d_model=width, heads=heads, kv_heads=max(1, heads // 8),
                   head_dim=HEAD, attention="gqa", d_ff_dense=4 * width, params_total_b=None, params_active_b=None,
                   params_exact=False)


def largest(facts: Facts, chip: str, size: int, slo: Slo) -> float:
    """Parameters of the largest dense model of GPT-3's proportions that so many accelerators serve within limits."""
    card = facts.catalogue.model(GPT3)
    accelerator = facts.catalogue.accelerator(chip)
    work = writer(facts, facts.catalogue.constant("tokens_per_word"), slo)
    low, high = 1e-3, 1e5
    for _ in range(14):
        middle = float(np.sqrt(low * high))
        fits = not facts.frontier(scaled(card, middle), accelerator, work, slo, pod=size).empty
        low, high = (middle, high) if fits else (low, middle)
    return _params(scaled(card, low))


def _largest_inputs(facts: Facts) -> tuple[Input, ...]:
    return ()


def _largest(facts: Facts, given: Values) -> Outcome:
    table = pd.DataFrame([{"accelerator": chip, "cluster": size, "limit": limit,
                           "parameters": largest(facts, chip, size, slo)}
                          for chip in (OF_2021, OF_NOW) for size in CLUSTERS for limit, slo in SLOS.items()
                          if size >= facts.catalogue.accelerator(chip).scale_up_domain])
    wanted = _params(facts.catalogue.model(GPT3)) * facts.claim("larger")
    then = table[(table["accelerator"] == OF_2021) & (table["cluster"] >= facts.claim("largest_cluster"))]
    now = table[table["accelerator"] == OF_NOW]
    stores = facts.claim("largest_cluster") * facts.catalogue.accelerator(OF_2021).memory_usable_gb * GIB / 2
    best, quick = then["parameters"].max(), now.loc[now["limit"] == "50 ms a token", "parameters"].max()
    parts = (
        Part("a cluster of tens of thousands of GPUs of 2021 may not store a 1000x model",
             f"it stores {stores / 1e12:,.0f} trillion parameters at 16 bits, {wanted / 1e12:,.0f} are wanted",
             stores < wanted),
        Part("nor serve it within limits on latency",
             f"the largest it serves has {best / 1e12:,.1f} trillion parameters; at 50 ms a token a cluster of "
             f"{OF_NOW} reaches {quick / 1e12:,.1f}", best < wanted),
    )
    reading = (f"Memory was never the limit: {facts.claim('largest_cluster'):,.0f} {OF_2021} hold "
               f"{stores / wanted:.1f} times the 1000x model. Latency is: each doubling of the cluster beyond what "
               f"tensor parallelism can use brings no larger model at 50 ms a token.")
    wide = table.assign(series=table["accelerator"] + ", " + table["limit"]).pivot(
        index="cluster", columns="series", values="parameters")
    return Outcome(parts, (Figure("largest model of 2021's largest cluster", best / 1e12, "trillion parameters",
                                  OF_2021),
                           Figure("largest model at 50 ms a token now", quick / 1e12, "trillion parameters", OF_NOW)),
                   reading, {"largest": table}, (Chart("Largest dense model by size of the cluster", "parameters",
                                                       wide, log=True),))


# ---- streaming weights -----------------------------------------------------------------------------------------------

LINKS = ("a100-sxm-80", "h100-sxm", "gh200-96", "gb300-nvl72")
STREAMED = Modes(streaming=("host", "nvme"))
SLOWER = (Slo(60.0, 0.1), Slo(60.0, 0.5), Slo(300.0, 2.0), Slo(3600.0, 20.0))


def _stream_inputs(facts: Facts) -> tuple[Input, ...]:
    host = facts.catalogue.row("hosts", "epyc-7003")
    memory = float(host["memory_gb_s"])
    return (Input("root", "what a host of eight cards reads from its memory at once", memory / 2, memory, memory * 2,
                  "GB/s", "hosts.csv epyc-7003 (half and twice)", "published"),)


def _stream(facts: Facts, given: Values) -> Outcome:
    c = facts.claim
    n, compute, fetch, slots = int(c("layers")), c("layer_ms") / MS, c("fetch_ms") / MS, int(c("slots"))
    latency = stream(n, compute, fetch, slots).total_s
    batched = stream(n, compute, fetch, slots, fetch="batched").total_s
    bound = stream(n, compute, fetch, slots, transfer_s=fetch).total_s
    lane = float(facts.catalogue.fabric("pcie4x16")["gb_s_per_dir_per_accel"]) / 16
    lanes = c("host_lanes") * lane
    held = c("cards") * c("card_gb")
    all_lanes = streamed_step_s(c("gpt3_gb") * GB, held * GB, shared_link_bytes_s(int(c("cards")), lanes * GB / c("cards")), 0.0)
    root = streamed_step_s(c("gpt3_gb") * GB, held * GB, min(given["root"], lanes) * GB, 0.0)
    halved = streamed_step_s(c("gpt3_gb") * GB, c("half_cards") * c("half_card_gb") * GB, lanes * GB / 2, 0.0)
    table = pd.DataFrame([row for chip in LINKS for slo in SLOWER for row in _streamed_rows(facts, chip, slo)])
    wins = table[table["best"] == "streamed"]
    parts = (
        Part("with loads overlapped 1.04 s", f"{latency:.2f} s; if the 40 ms are transfer and not latency {bound:.2f} s",
             abs(latency - c("streamed_s")) < 1e-9),
        Part("loading five at a time 1.8 s", f"{batched:.2f} s", abs(batched - c("batched_s")) < 1e-9),
        Part("8 cards of 6 GB run GPT-3 in 1 s over 128 lanes",
             f"{all_lanes:.2f} s by lane arithmetic, {root:.2f} s through memory that reads {given['root']:.0f} GB/s",
             root <= c("cards_s") * 1.1),
        Part("4 cards of 12 GB with half of the lanes in 2 s", f"{halved:.2f} s", abs(halved / c("half_s") - 1) < 0.01),
        Part("16 GB over 16 GB/s never in under a second", f"{c('host_gb') / c('host_gb_s'):.2f} s",
             c("host_gb") / c("host_gb_s") >= 1),
        Part("streaming may serve large models on clusters no bigger than today's",
             "cheapest under " + ", ".join(sorted({f"{t:g} s a token" for t in wins["tpot_s"]})) if len(wins)
             else "never the cheapest here", len(wins) > 0),
    )
    reading = (f"The arithmetic of the discussion is right, and the root complex it suspected is real: the lanes carry "
               f"{lanes:.0f} GB/s, the host's memory {given['root']:.0f}. Streaming needs "
               f"{_fewest(table)}; under limits a person would bear its cost against resident weights is "
               f"{_against(table)}.")
    return Outcome(parts, (Figure("GPT-3 streamed to eight small cards", root, "s a token", "hosts.csv epyc-7003"),
                           Figure("by lane arithmetic", all_lanes, "s a token", "fabrics.csv pcie4x16"),
                           Figure("overlapped", latency, "s", "schedule"), Figure("five at a time", batched, "s", "schedule"),
                           Figure("bandwidth-bound", bound, "s", "schedule")),
                   reading, {"resident and streamed": table})


def _streamed_rows(facts: Facts, chip: str, slo: Slo) -> list[dict[str, object]]:
    found = written(facts, GPT3, chip, slo, facts.catalogue.constant("tokens_per_word"), weights="fp8", kv="fp8",
                    modes=STREAMED)
    if found.empty:
        return []
    resident, streamed = found[found["streamed"] == 0], found[found["streamed"] > 0]
    rate = {name: float(part["output_tokens_s_per_accelerator"].max()) if len(part) else 0.0
            for name, part in (("resident", resident), ("streamed", streamed))}
    least = {name: float(part["accelerators"].min()) if len(part) else float("nan")
             for name, part in (("resident", resident), ("streamed", streamed))}
    return [{"accelerator": chip, "tpot_s": slo.tpot_s, "resident_tokens_s": rate["resident"],
             "streamed_tokens_s": rate["streamed"], "resident_accelerators": least["resident"],
             "streamed_accelerators": least["streamed"], "best": max(rate, key=lambda name: rate[name])}]


def _fewest(table: pd.DataFrame) -> str:
    some = table.dropna(subset="streamed_accelerators")
    if some.empty:
        return "more than it saves everywhere here"
    row = some.iloc[int(some["streamed_accelerators"].argmin())]
    return (f"as little as {row['streamed_accelerators']:g} {row['accelerator']} at {row['tpot_s']:g} s a token "
            f"(resident {row['resident_accelerators']:g})")


def _against(table: pd.DataFrame) -> str:
    quick = table[(table["tpot_s"] <= 0.5) & (table["streamed_tokens_s"] > 0)]
    if quick.empty:
        return "beyond comparison: no streamed plan is on the frontier"
    ratio = (quick["resident_tokens_s"] / quick["streamed_tokens_s"]).min()
    return f"{ratio:.1f} times at best"


ARGUMENTS = (
    Argument("sweep", "Storage and models grow faster than bandwidth",
             "Storage capacity, not to mention model size, keeps rising faster than bandwidth does.",
             _sweep_inputs, _sweep),
    Argument("fit", "Hundreds of GPUs to fit GPT-3", "GPT-3 needs hundreds of GPUs just to fit into memory; a 1000x "
             "larger model may not fit today's supercomputers.", _fit_inputs, _fit),
    Argument("largest", "The largest model of a cluster",
             "The largest clusters have tens of thousands of GPUs; a 1000x model may not fit one.",
             _largest_inputs, _largest),
    Argument("streaming", "Streaming weights from the host",
             "Weights may be streamed layer by layer while earlier layers compute; PCIe and its root complex limit it.",
             _stream_inputs, _stream),
)
__all__ = ["ARGUMENTS", "largest", "scaled"]
