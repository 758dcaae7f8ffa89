"""Streaming weights from the host: the discussion's arithmetic, links and machines, and what serving makes of it."""

from __future__ import annotations

import math

import pandas as pd

from capacity.serving import Modes, Slo
from capacity.serving.offload import shared_link_bytes_s, stream, streamed_step_s
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.say import short, times
from capacity.studies.founding.work import GPT3, tokens_s, written

GB, MS = 1e9, 1e3
HOST = "epyc-7003"
CHIPS = ("v100-sxm2-32", "a100-sxm-80", "h100-sxm", "gh200-96", "gb300-nvl72")
"""One for each way to the host: PCIe 3, 4, 5 and two generations of chip-to-chip links."""
GENERATIONS = ("pcie3x16", "pcie4x16", "pcie5x16", "pcie6x16")
MACHINES = (1, 2, 4, 8, 16, 32)
LOOKS = (1, 2, 3, 4, 5, 6, 8, 10)
"""Layers that fit beside the one at work."""
STREAMED = Modes(streaming=("host", "nvme"))
SLOWER = (Slo(60.0, 0.1), Slo(60.0, 0.5), Slo(300.0, 2.0), Slo(3600.0, 20.0))
BEARABLE = 0.5
"""Seconds a token at which a person still talks with it: two words a second."""


def _inputs(facts: Facts) -> tuple[Input, ...]:
    memory = float(facts.catalogue.row("hosts", HOST)["memory_gb_s"])
    return (Input("root", "what a host of eight cards reads from its memory at once", memory / 2, memory, memory * 2,
                  "GB/s", f"hosts.csv {HOST} (half and twice)", "published"),)


def _schedules(facts: Facts) -> tuple[float, float, float]:
    """Seconds of one pass: overlapped, five at a time, and where the fetch is transfer and not latency."""
    c = facts.claim
    layers, compute, fetch, slots = int(c("layers")), c("layer_ms") / MS, c("fetch_ms") / MS, int(c("slots"))
    return (stream(layers, compute, fetch, slots).total_s,
            stream(layers, compute, fetch, slots, fetch="batched").total_s,
            stream(layers, compute, 0.0, slots, transfer_s=fetch).total_s)


def _cards(facts: Facts, root: float) -> tuple[float, float, float, float]:
    """Seconds a token of GPT-3: eight cards by lanes, and through memory of `root` GB/s; four cards; GB/s of lanes."""
    c = facts.claim
    lanes = c("host_lanes") * float(facts.catalogue.fabric("pcie4x16")["gb_s_per_dir_per_accel"]) / 16
    held, size, cards = c("cards") * c("card_gb") * GB, c("gpt3_gb") * GB, int(c("cards"))
    by_lanes = streamed_step_s(size, held, shared_link_bytes_s(cards, lanes * GB / cards), 0.0)
    by_memory = streamed_step_s(size, held, shared_link_bytes_s(cards, lanes * GB / cards, root * GB), 0.0)
    halved = streamed_step_s(size, c("half_cards") * c("half_card_gb") * GB, lanes * GB / 2, 0.0)
    return by_lanes, by_memory, halved, lanes


def _links(facts: Facts) -> pd.DataFrame:
    """Seconds to read the claimed terabyte once, by link generation and number of cards that each pull a part."""
    size = facts.claim("terabyte")
    rates = {name: float(facts.catalogue.fabric(name)["gb_s_per_dir_per_accel"]) for name in GENERATIONS}
    return pd.DataFrame([{"link": name, "gb_s": rate, "cards": cards,
                          "seconds": streamed_step_s(size * GB, 0.0, cards * rate * GB, 0.0),
                          "cards_for_a_second": math.ceil(size / rate)}
                         for name, rate in rates.items() for cards in MACHINES])


def _looking_ahead(facts: Facts) -> pd.DataFrame:
    c = facts.claim
    return pd.DataFrame([{"slots": slots, "seconds": stream(int(c("layers")), c("layer_ms") / MS, c("fetch_ms") / MS,
                                                            slots).total_s} for slots in LOOKS])


def _stream(facts: Facts, given: Values) -> Outcome:
    c = facts.claim
    overlapped, batched, transfer = _schedules(facts)
    by_lanes, by_memory, halved, lanes = _cards(facts, given["root"])
    links = _links(facts)
    table = facts.keep("streamed", lambda: pd.DataFrame(
        [row for chip in CHIPS for slo in SLOWER for row in _rows(facts, chip, slo)]))
    fewer = table[table["streamed_accelerators"] < table["resident_accelerators"]]
    wins = table[table["streamed_tokens_s"] > table["resident_tokens_s"]]
    need = links.groupby("link")["cards_for_a_second"].first()
    parts = (
        Part("with loads overlapped the pass takes 1.04 s", f"{overlapped:.2f} s; if the 40 ms are transfer and not "
             f"latency, {transfer:.2f} s", abs(overlapped - c("streamed_s")) < 1e-9),
        Part("loading five at a time 1.8 s", f"{batched:.2f} s", abs(batched - c("batched_s")) < 1e-9),
        Part("8 cards of 6 GB run GPT-3 in 1 s over 128 lanes",
             f"{by_lanes:.2f} s by the lanes, {by_memory:.2f} s through memory that reads {short(given['root'])} GB/s",
             by_memory <= c("cards_s") * 1.1),
        Part("4 cards of 12 GB with half of the lanes in 2 s", f"{halved:.2f} s", abs(halved / c("half_s") - 1) < 0.01),
        Part("16 GB over 16 GB/s never in under a second", f"{c('host_gb') / c('host_gb_s'):.2f} s",
             c("host_gb") / c("host_gb_s") >= 1),
        Part("1 TB in a second takes more lanes than a machine has",
             f"{need['pcie4x16']} cards of PCIe 4 or {need['pcie5x16']} of PCIe 5, in several machines",
             bool(need["pcie4x16"] * 16 > c("host_lanes"))),
        Part("streaming serves a model on fewer accelerators than hold it",
             _fewest(fewer), len(fewer) > 0),
        Part("and is the cheapest way to serve it", _cheapest(wins), len(wins) > 0),
    )
    return Outcome(parts, _figures(overlapped, batched, transfer, by_lanes, by_memory, halved),
                   _reading(facts, given, table, fewer, lanes, by_memory),
                   {"resident and streamed": table, "links": links, "look-ahead": _looking_ahead(facts)},
                   (Chart("A terabyte of weights read once, by link and number of cards", "s",
                          links.pivot_table(index="cards", columns="link", values="seconds"), log=True, log_x=True),
                    Chart("The pass of 100 layers by layers that fit in memory", "s",
                          _looking_ahead(facts).set_index("slots"))))


def _figures(overlapped: float, batched: float, transfer: float, by_lanes: float, by_memory: float,
             halved: float) -> tuple[Figure, ...]:
    return (Figure("GPT-3 streamed to eight small cards", by_memory, "s a token", f"hosts.csv {HOST}"),
            Figure("by lane arithmetic", by_lanes, "s a token", "fabrics.csv pcie4x16"),
            Figure("four cards and half of the lanes", halved, "s a token", "fabrics.csv pcie4x16"),
            Figure("overlapped", overlapped, "s", "schedule"), Figure("five at a time", batched, "s", "schedule"),
            Figure("where the fetch is transfer", transfer, "s", "schedule"))


def _reading(facts: Facts, given: Values, table: pd.DataFrame, fewer: pd.DataFrame, lanes: float,
             by_memory: float) -> str:
    quick = table[(table["tpot_s"] <= BEARABLE) & (table["streamed_tokens_s"] > 0)]
    against = (quick["resident_tokens_s"] / quick["streamed_tokens_s"]).min() if len(quick) else float("nan")
    old = table[table["accelerator"].isin(("v100-sxm2-32", "a100-sxm-80", "h100-sxm"))]
    slowest = old.loc[old["streamed_tokens_s"] > 0, "tpot_s"].min()
    return (
        "The commenter's schedule is right to the millisecond, and so is the suspicion about the root complex: 128 "
        f"lanes carry {short(lanes)} GB/s, but the memory behind them reads {short(given['root'])} GB/s, which makes "
        f"it {by_memory:.2f} s a token. Streaming does put a model where it does not fit ({_fewest(fewer)}). But a "
        f"stream pays for the link what the batch then has to earn: over PCIe nothing streams below {short(slowest)} "
        f"s a token, and where it meets {BEARABLE:g} s, over chip-to-chip links, resident weights still write "
        f"{times(against)} as much per accelerator at the least. So the author's worry about latency and the "
        "commenter's overlap are both right; the batch, which neither mentions, decides the cost.")


def _rows(facts: Facts, chip: str, slo: Slo) -> list[dict[str, object]]:
    weights = "fp8" if facts.catalogue.accelerator(chip).fp8_tflops else "int8"
    found = written(facts, GPT3, chip, slo, facts.catalogue.constant("tokens_per_word"), weights=weights,
                    modes=STREAMED)
    if found.empty:
        return []
    row: dict[str, object] = {"accelerator": chip, "weights": weights, "tpot_s": slo.tpot_s}
    for name, part in (("resident", found[found["streamed"] == 0]), ("streamed", found[found["streamed"] > 0])):
        row[f"{name}_tokens_s"] = tokens_s(part)
        row[f"{name}_accelerators"] = float(part["accelerators"].min()) if len(part) else float("nan")
    return [row]


def _fewest(fewer: pd.DataFrame) -> str:
    if fewer.empty:
        return "nowhere here"
    row = fewer.sort_values(["streamed_accelerators", "tpot_s"]).iloc[0]
    return (f"GPT-3 on {row['streamed_accelerators']:g} {row['accelerator']} within {row['tpot_s']:g} s a token, "
            f"{row['resident_accelerators']:g} if resident")


def _cheapest(wins: pd.DataFrame) -> str:
    if wins.empty:
        return "at no limit between 0.1 and 20 s a token on any of the accelerators tried"
    return "on " + ", ".join(sorted({f"{r.accelerator} at {r.tpot_s:g} s" for r in wins.itertuples()}))


ARGUMENTS = (
    Argument("streaming", "Streaming weights from the host",
             "Weights may be streamed layer by layer while earlier layers compute; PCIe and its root complex limit it.",
             _inputs, _stream),
)
