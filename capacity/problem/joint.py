"""Configurations of more than one site: prompts prefilled elsewhere, and model copies pipelined over linked sites.

Both are two activities at the waist: one serves at its site and takes what the other makes, there or elsewhere, sent
along routes whose round trip stays within the stated limit.

    hand-over   `write` serves; it takes prompts, which `read` makes. The first token waits for the prefill (its share
                of the limit), the round trip and the KV state of one prompt over one wave; answers' KV returns.
    span        `head` serves with the first stages of the pipeline; it takes the others', which `rest` makes. Each
                token passes all sites once around, which the limits of TTFT and TPOT are tightened by.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import networkx as nx
import pandas as pd

from capacity.catalogue.cards import ModelCard
from capacity.network.routes import k_shortest_routes
from capacity.network.rtt import MS
from capacity.problem.configurations import about, calibration
from capacity.problem.pods import Pod
from capacity.problem.remembered import remembered_frontier
from capacity.problem.world import World
from capacity.scenario.schema import ServiceClass, Variant
from capacity.serving import Slo, Workload, kv_bytes

BITS, GIGA, THOUSAND = 8, 1e9, 1000
WIDEST = "bf16"
"""Precision at which activations travel, and KV where the scenario leaves its precision open."""


@dataclass(frozen=True)
class Cell:
    """One class, variant and pod design."""

    name: str
    service: ServiceClass
    variant_name: str
    variant: Variant
    pod: Pod
    card: ModelCard

    @property
    def label(self) -> str:
        """The start of its activities' names."""
        return f"{self.name} | {self.variant_name} | {self.pod.id}"


def joint_configurations(world: World, designs: list[Pod], offered: pd.DataFrame) -> pd.DataFrame:
    """Rows like `configurations`' with further columns: what is taken or made and what sending it loads.

    `takes` is a commodity, `taken` its amount per accelerator, `makes` the commodity of what serves nobody; `ship_load`
    and `ship_back` are Gb/s per thousand sent, `within_ms` and `routes` say over which routes. Empty unless asked for,
    or (spans) where a class has no configuration at all.
    """
    links = world.scenario.links
    if not links.include or len(world.sites) < 2:
        return pd.DataFrame()
    served = set(offered["service_class"]) if len(offered) else set()
    rows: list[dict[str, Any]] = []
    for cell in _cells(world, designs):
        if links.handoff is not None:
            rows += _handed_over(world, cell)
        if links.span.offer == "always" or (links.span.offer == "when needed" and cell.name not in served):
            rows += _spanning(world, cell)
    return pd.DataFrame(rows)


def _cells(world: World, designs: list[Pod]) -> Iterator[Cell]:
    for name, service in world.scenario.classes.items():
        for variant_name, variant in world.scenario.variants.items():
            if name in variant.equivalence and not service.batch:
                for pod in designs:
                    yield Cell(name, service, variant_name, variant, pod, world.catalogue.model(variant.model))


def _best(world: World, cell: Cell, workload: Workload, slo: Slo, over: int = 1) -> pd.DataFrame:
    """Sharding plans of a cell, most instances per accelerator first; on up to `over` pods joined as one."""
    size = cell.pod.size * over
    asked = {
        "model": cell.card, "accelerator": cell.pod.accelerator, "workload": workload, "slo": slo,
        "interconnect": replace(cell.pod.interconnect, reach=int(cell.pod.interconnect.reach * over)),
        "weights": cell.variant.weights, "kv": cell.variant.kv, "calibration": calibration(world),
        "max_accelerators": int(min(world.scenario.serving.max_accelerators_per_copy * over, size)),
    }
    return remembered_frontier(asked)[0]


def _row(world: World, cell: Cell, found: pd.Series, part: str, **more: object) -> dict[str, Any]:
    """One activity, with every column of `configurations`."""
    blank = {"ship_load": 0.0, "ship_back": 0.0, "takes": "", "taken": 0.0, "makes": "", "within_ms": 0.0, "routes": 0}
    figures = {str(name): value for name, value in found.items()}
    return {
        "activity": f"{cell.label} | {part}", **figures, "service_class": cell.name,
        "variant": cell.variant_name, "pod": cell.pod.id, **about(world, cell.name, cell.variant, cell.pod),
        "serves_as": part, **blank, **more,
    }


def _handed_over(world: World, cell: Cell) -> list[dict[str, Any]]:
    asked = world.scenario.links.handoff
    assert asked is not None
    service, work = cell.service, Workload.of(cell.service)
    kv = _widest(cell.variant.kv)
    prompt = kv_bytes(cell.card, kv, work.fresh_per_turn)
    hand_s = asked.within + prompt * BITS / (world.scenario.links.module * GIGA)
    first, rest = asked.ttft_share * service.ttft, (1 - asked.ttft_share) * service.ttft - hand_s
    if rest <= 0:
        return []
    reading = replace(work, output_tokens_s=work.turns_s, branches=1.0)
    writing = replace(work, fresh_tokens_s=0.0)
    readers = _best(world, cell, reading, Slo(first, first, service.percentile))  # nobody waits for its second token
    writers = _best(world, cell, writing, Slo(rest, service.tpot, service.percentile))
    if readers.empty or writers.empty:
        return []
    read, write = readers.iloc[0], writers.iloc[0]
    prompts = f"prompts of {cell.name} | {cell.variant_name}"
    answers = kv_bytes(cell.card, kv, work.output_per_turn) * work.branches
    rates = [size * work.turns_s * BITS * THOUSAND / GIGA for size in (prompt, answers)]
    whole = write.copy()
    whole["ttft_s"] = write["ttft_s"] + first + hand_s
    whole["rtt_slack_s"] = service.ttft - whole["ttft_s"]
    way = {"within_ms": asked.within * MS, "routes": asked.routes, "ship_load": rates[0], "ship_back": rates[1]}
    return [
        _row(world, cell, whole, "write", takes=prompts, taken=float(write["instances_per_accelerator"])),
        _row(world, cell, read, "read", makes=prompts, **way),
    ]


def _spanning(world: World, cell: Cell) -> list[dict[str, Any]]:
    asked, service = world.scenario.links.span, cell.service
    around = asked.within * asked.sites / 2  # one way over each of as many links
    if around >= min(service.tpot, service.ttft):
        return []
    slo = Slo(service.ttft - around, service.tpot - around, service.percentile)
    work = Workload.of(service)
    found = _best(world, cell, work, slo, asked.sites)
    found = found[(found["accelerators"] > cell.pod.size) & (found["pp"] >= asked.sites)]
    if found.empty:
        return []
    best = found.iloc[0].copy()
    head = math.ceil(best["pp"] / asked.sites) / best["pp"]
    each = float(best["instances_per_accelerator"])
    best["ttft_s"], best["tpot_s"] = best["ttft_s"] + around, best["tpot_s"] + around
    best["rtt_slack_s"] = service.ttft - best["ttft_s"]
    tokens_s = work.output_tokens_s * work.branches + work.fresh_tokens_s
    gbps = tokens_s * cell.card.d_model * 2 * BITS / GIGA  # two bytes an activation
    stages = f"stages of {cell.label}"
    front, back = best.copy(), best.copy()
    front["instances_per_accelerator"] = each / head
    back["instances_per_accelerator"] = 1.0
    load = THOUSAND * gbps * each / (1 - head)
    way = {"within_ms": asked.within * MS, "routes": asked.routes, "ship_load": load, "ship_back": load}
    return [
        _row(world, cell, front, "head", takes=stages, taken=(1 - head) / head),
        _row(world, cell, back, "rest", makes=stages, **way),
    ]


def _widest(kv: str) -> str:
    """The precision that KV is sent at: the first one named, or the widest where the choice is open."""
    first = kv.split(",")[0].strip()
    return WIDEST if first == "any" else first


def with_joint(makers: pd.DataFrame, joint: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(activities with what serves nobody under its own commodity, table needs)."""
    if joint.empty:
        return makers, pd.DataFrame(columns=["activity", "commodity", "amount"])
    made = dict(zip(joint["activity"], joint["makes"], strict=True))
    each = dict(zip(joint["activity"], joint["instances_per_accelerator"], strict=True))
    inner = makers["activity"].map(made).fillna("") != ""
    out = makers.assign(
        commodity=makers["activity"].map(made).where(inner, makers["commodity"]),
        output_per_unit=makers["activity"].map(each).where(inner, makers["output_per_unit"]).astype(float),
        slack=makers["slack"].mask(inner, 0.0),
    )
    takes = joint[joint["takes"] != ""]
    needs = takes[["activity", "takes", "taken"]].rename(columns={"takes": "commodity", "taken": "amount"})
    return out, needs.reset_index(drop=True)


def shipments(graph: nx.Graph[str], joint: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables paths, path_links and shipments of what joint configurations send: routes within their round trip."""
    making = joint[joint["makes"] != ""]
    made = making.drop_duplicates("makes")
    count, farthest = int(made["routes"].max()), float(made["within_ms"].max())
    routes = k_shortest_routes(graph, graph, graph, count)
    routes = routes[routes["rtt_ms"] <= farthest]
    routes = routes.assign(path=routes["places"].map(lambda places: " >> ".join(places)))
    sent = routes.merge(made[["makes", "ship_load", "ship_back", "within_ms", "routes"]], how="cross")
    sent = sent[(sent["rtt_ms"] <= sent["within_ms"]) & (sent["rank"] < sent["routes"])]
    hops = routes.assign(toward=routes["places"].map(lambda places: places[1:])).explode(["links", "toward"])
    return {
        "paths": pd.DataFrame({"path": routes["path"], "from": routes["source"], "to": routes["target"],
                               "rtt": routes["rtt_ms"]}),
        "path_links": hops.rename(columns={"links": "link"})[["path", "link", "toward"]].reset_index(drop=True),
        "shipments": sent.rename(columns={"makes": "commodity", "ship_load": "load", "ship_back": "load_back"})[
            ["commodity", "path", "load", "load_back"]].reset_index(drop=True),
    }
