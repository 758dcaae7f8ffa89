"""Streaming weights from the host: the discussion's arithmetic, links and machines, and what serving makes of it."""

from __future__ import annotations

import math

import pandas as pd

from capacity.serving.offload import shared_link_bytes_s, stream, streamed_step_s
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.say import short, times, usd
from capacity.studies.founding.streaming_price import (
    GENERATIONS,
    LINKS,
    PRICED,
    YEAR,
    best,
    by_link,
    by_load,
    by_lookahead,
    offers,
    terabyte,
    wins_below,
)

GB, MS = 1e9, 1e3
CARDS = 8
"""Accelerators of a machine."""
HOST = "epyc-7003"
MACHINES = (1, 2, 4, 8, 16, 32)
LOOKS = (1, 2, 3, 4, 5, 6, 8, 10)
"""Layers that fit beside the one at work."""
BEARABLE = 0.5
"""Seconds a token at which a person still talks with it: more than a word a second."""
PATIENCE = 20.0
"""Seconds a token of work that nobody waits for."""
MANY = 100.0
"""Tokens a second that stand for many readers."""


def _inputs(facts: Facts) -> tuple[Input, ...]:
    memory = float(facts.catalogue.row("hosts", HOST)["memory_gb_s"])
    return (Input("root", "what a host of eight cards reads from its memory at once", memory / 2, memory, memory * 2,
                  "GB/s", f"hosts.csv {HOST} (half and twice)", "published"),
            facts.price(PRICED, YEAR), facts.memory(), *facts.money())


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
    table, talk, patient = best(facts, given), *(by_load(facts, given, limit) for limit in (BEARABLE, PATIENCE))
    fewer, few = _fewer(facts), wins_below(talk)
    many = talk[talk["tokens_s"] >= MANY].iloc[0]
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
        Part(f"it is the cheapest way to serve a conversation ({1 / BEARABLE:g} tokens a second)",
             _at(talk, 1 / BEARABLE), few >= 1 / BEARABLE),
        Part(f"and many of them ({MANY:g} tokens a second)", _at(talk, MANY),
             bool(many["streamed"] < many["resident"])),
    )
    tera, ahead, link = terabyte(facts, given), by_lookahead(facts, given), by_link(facts, given)
    loads, slow = pd.concat([talk, patient], ignore_index=True), wins_below(patient)
    return Outcome(parts, _figures(overlapped, batched, transfer, by_lanes, by_memory, halved, few, slow),
                   _reading(given, table, fewer, lanes, by_memory, talk, patient, (tera, ahead, link)),
                   {"resident and streamed": table, "by load": loads, "a terabyte by machines": tera,
                    "by look-ahead": ahead, "by link": link, "links": links, "look-ahead": _looking_ahead(facts)},
                   _charts(facts, tera, links, talk, patient))


def _charts(facts: Facts, tera: pd.DataFrame, links: pd.DataFrame, talk: pd.DataFrame,
            patient: pd.DataFrame) -> tuple[Chart, ...]:
    both = pd.DataFrame({"tokens a second": talk["tokens_s"], f"resident, {BEARABLE:g} s a token": talk["resident"],
                         f"streamed, {BEARABLE:g} s a token": talk["streamed"],
                         f"streamed, {PATIENCE:g} s a token": patient["streamed"]})
    many = tera.assign(series=tera["kind"] + ", " + tera["link"]).pivot_table(
        index="machines", columns="series", values="tpot_s")
    return (Chart("GPT-3 at 8 bits: an hour of the cheapest machines, by load", "USD an hour",
                  both.set_index("tokens a second"), log=True, log_x=True),
            Chart("A model of a terabyte: the quickest token by machines of eight cards", "s a token", many, log=True,
                  log_x=True),
            Chart("A terabyte of weights read once, by link and number of cards", "s",
                  links.pivot_table(index="cards", columns="link", values="seconds"), log=True, log_x=True),
            Chart("The commenter's pass of 100 layers, by layers that fit in memory", "s",
                  _looking_ahead(facts).set_index("slots")))


def _figures(overlapped: float, batched: float, transfer: float, by_lanes: float, by_memory: float,
             halved: float, few: float, slow: float) -> tuple[Figure, ...]:
    return (Figure("load up to which streaming is the cheapest, at 0.5 s a token", few, "tokens a second", "serving"),
            Figure("and at 20 s a token", slow, "tokens a second", "serving"),
            Figure("GPT-3 streamed to eight small cards", by_memory, "s a token", f"hosts.csv {HOST}"),
            Figure("by lane arithmetic", by_lanes, "s a token", "fabrics.csv pcie4x16"),
            Figure("four cards and half of the lanes", halved, "s a token", "fabrics.csv pcie4x16"),
            Figure("overlapped", overlapped, "s", "schedule"), Figure("five at a time", batched, "s", "schedule"),
            Figure("where the fetch is transfer", transfer, "s", "schedule"))


def _reading(given: Values, table: pd.DataFrame, fewer: pd.DataFrame, lanes: float, by_memory: float,
             talk: pd.DataFrame, patient: pd.DataFrame, ways: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> str:
    at = table[table["limit_s"] == PATIENCE].pivot_table(index="accelerator", columns="kind", values="usd_per_mtok")
    dearer = (at["streamed"] / at["resident"]).dropna()
    tera, ahead, link = ways
    one = tera[tera["kind"] == "streamed"].sort_values(["machines", "tpot_s"]).iloc[0]
    two = tera[(tera["kind"] == "resident") & (tera["accelerator"] == one["accelerator"])].iloc[0]
    lost = float(ahead.groupby("accelerator")["tokens_s"].agg(lambda part: part.iloc[0] / part.iloc[-1]).max())
    few, slow = wins_below(talk), wins_below(patient)
    waits = f", or {short(slow)} where nobody waits," if slow > few else ""
    return (
        "The commenter's schedule is right to the millisecond, and so is the suspicion about the root complex: 128 "
        f"lanes carry {short(lanes)} GB/s, but the memory behind them reads {short(given['root'])} GB/s, which makes "
        f"it {by_memory:.2f} s a token. Streaming does put a model where it does not fit ({_fewest(fewer)}). A model "
        f"of a terabyte streams to one machine with {LINKS[str(one['accelerator'])]} at {one['tpot_s']:.1f} s a token; "
        f"{two['machines']:.0f} machines simply hold it, at {two['tpot_s'] * 1e3:.0f} ms.{_smaller(tera)} What decides "
        "is the batch, which neither side mentions. A token of a streamed model "
        f"costs {times(float(dearer.min()))} to {times(float(dearer.max()))} one of resident weights when machines are "
        "full. When they are not, a streamed model needs fewer of them: up to "
        f"{short(few)} tokens a second at {BEARABLE:g} s a token{waits} streaming is the cheapest way there is "
        f"({usd(float(talk['streamed'].iloc[0]))} an hour against {usd(float(talk['resident'].iloc[0]))}). "
        f"{_looks(ahead, lost)} {_generations(link)} "
        + ("Streaming is for the one who wants to talk to the model, not for the one who sells it."
           if few >= 1 / BEARABLE and few < MANY else ""))


def _looks(ahead: pd.DataFrame, lost: float) -> str:
    most = ahead["look_ahead"].max()
    if lost <= 1:
        return f"Room for {most} layers instead of one writes {times(1 / lost)} the tokens."
    return ("To look further ahead than one layer does not help: the link is the limit already, and the room for "
            f"{most} layers, taken from the batch, costs {times(lost)} the tokens.")


def _generations(link: pd.DataFrame) -> str:
    """What each generation of the link makes of one accelerator that streams."""
    told = ", ".join(f"{row['tpot_s']:.1f} s ({usd(row['usd_per_mtok'])} a million) on {row['generation']}"
                     for row in link.to_dict("records"))
    return f"With a host to itself the link sets the pace, and one H100 takes {told} for a token."


def _smaller(tera: pd.DataFrame) -> str:
    """The terabyte on the cards that need most machines to hold it: quicker by the machine, then held."""
    held = tera[tera["kind"] == "resident"].drop_duplicates("accelerator")
    row = held.iloc[int(held["accelerators"].argmax())]
    own = tera[(tera["accelerator"] == row["accelerator"]) & (tera["kind"] == "streamed")].drop_duplicates("tpot_s")
    if len(own) < 2:
        return ""
    steps = ", ".join(f"{given['tpot_s']:.1f} s on {given['machines']:.0f}" for given in own.to_dict("records"))
    return (f" Machines of smaller cards each pull their part: of {row['accelerator']}, {steps}, and "
            f"{math.ceil(row['accelerators'] / CARDS)} hold it, at {row['tpot_s']:.2f} s.")


def _fewer(facts: Facts) -> pd.DataFrame:
    """Accelerator and limit at which the smallest streamed copy is smaller than the smallest resident one."""
    table = offers(facts)
    least = table.assign(kind=table["streamed"].map({True: "streamed", False: "resident"})).pivot_table(
        index=["accelerator", "limit_s"], columns="kind", values="accelerators", aggfunc="min").reset_index()
    return least[least["streamed"] < least["resident"]]


def _fewest(fewer: pd.DataFrame) -> str:
    if fewer.empty:
        return "nowhere here"
    row = fewer.sort_values(["streamed", "limit_s"]).iloc[0]
    return (f"GPT-3 on {row['streamed']:g} {row['accelerator']} within {row['limit_s']:g} s a token, "
            f"{row['resident']:g} if resident")


def _at(table: pd.DataFrame, load: float) -> str:
    """The cheapest resident and streamed fleets at a load or the next one above it."""
    row = table[table["tokens_s"] >= load].iloc[0]
    return (f"{usd(row['streamed'])} an hour streamed to {row['streamed_on']}, {usd(row['resident'])} resident on "
            f"{row['resident_on']}, within {BEARABLE:g} s a token")


ARGUMENTS = (
    Argument("streaming", "Streaming weights from the host",
             "Weights may be streamed layer by layer while earlier layers compute; PCIe and its root complex limit it.",
             _inputs, _stream),
)
