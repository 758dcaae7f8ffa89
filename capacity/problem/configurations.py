"""Serving configurations: for each class, model variant and pod design the few sharding plans worth offering."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capacity.problem.money import discount, power_price
from capacity.problem.pods import Pod
from capacity.problem.remembered import remembered_frontiers
from capacity.problem.world import HOURS_PER_YEAR, World
from capacity.scenario.schema import ServiceClass, Variant
from capacity.serving import (
    FRONTIER_COLUMNS,
    Calibration,
    Modes,
    Slo,
    Speculation,
    Workload,
    calibration_of,
    serves_as,
)

Floats = NDArray[np.float64]


def configurations(world: World, designs: list[Pod], trips_s: Floats) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(offered, refused): serving configurations with their performance, and why a cell has none.

    `trips_s` are the round trips that occur, ascending. Columns of `offered`: activity, service_class, variant, model,
    weights, kv, pod, accelerator, fabric, equivalence, first, and the frontier's own.
    """
    kept, refused = [], []
    for class_name, service in world.scenario.classes.items():
        for variant_name, variant in world.scenario.variants.items():
            if class_name not in variant.equivalence:
                continue
            cells = _cells(world, service, variant, designs)
            for pod, (every, reason) in zip(designs, cells, strict=True):
                found = _offered(world, service, every, trips_s)
                label = {"service_class": class_name, "variant": variant_name, "pod": pod.id}
                if found.empty:
                    refused.append({**label, "reason": reason})
                else:
                    ways = [serves_as(row) for _, row in found.iterrows()]
                    kept.append(found.assign(**label, **about(world, class_name, variant, pod), serves_as=ways))
    if not kept:
        return pd.DataFrame(columns=["activity", "service_class", "variant", "pod"]), pd.DataFrame(refused)
    offered = pd.concat(kept, ignore_index=True)
    rank = offered.groupby(["service_class", "variant", "pod"]).cumcount() + 1
    offered.insert(0, "activity", _join(offered, rank))
    return offered, pd.DataFrame(refused, columns=["service_class", "variant", "pod", "reason"])


def _join(table: pd.DataFrame, rank: pd.Series) -> pd.Series:
    return table["service_class"] + " | " + table["variant"] + " | " + table["pod"] + " | " + rank.astype(str)


def about(world: World, class_name: str, variant: Variant, pod: Pod) -> dict[str, Any]:
    """What every configuration of a class, variant and pod design says beside its performance."""
    card = world.catalogue.model(variant.model)
    return {
        "model": card.id,
        "weights": variant.weights,
        "kv": variant.kv,
        "accelerator": pod.accelerator.id,
        "fabric": pod.fabric,
        "equivalence": world.level(variant.equivalence[class_name], "mid"),
        "first": variant.available or math.floor(card.available),
    }


def _cells(world: World, service: ServiceClass, variant: Variant, designs: list[Pod]) -> list[tuple[pd.DataFrame, str]]:
    """The frontier on each pod design, and why it is empty; those that allow a copy alike are searched together."""
    asked: dict[str, Any] = {
        "model": world.catalogue.model(variant.model),
        "workload": Workload.of(service),
        "slo": Slo(service.ttft, service.tpot, service.percentile),
        "weights": variant.weights,
        "kv": variant.kv,
        "calibration": calibration(world),
        "modes": _modes(world, variant),
    }
    largest = [int(min(world.scenario.serving.max_accelerators_per_copy, pod.size)) for pod in designs]
    found: dict[str, tuple[pd.DataFrame, str]] = {}
    for most in dict.fromkeys(largest):
        alike = [pod for pod, own in zip(designs, largest, strict=True) if own == most]
        pools = [(pod.accelerator, pod.interconnect) for pod in alike]
        searched = remembered_frontiers({**asked, "max_accelerators": most}, pools)
        found |= {pod.id: got for pod, got in zip(alike, searched, strict=True)}
    return [found[pod.id] for pod in designs]


def _offered(world: World, service: ServiceClass, found: pd.DataFrame, trips_s: Floats) -> pd.DataFrame:
    """The plans of a frontier that the planner chooses between."""
    if found.empty:
        return found
    near = trips_s[trips_s <= (service.max_rtt or np.inf)]
    few = _few(found, world.scenario.serving.plans_per_cell, near if len(near) else trips_s[:1])
    if service.spare_share:  # spares idle: as many fewer instances, and as much less power, per accelerator set aside
        kept = {c: few[c] * (1 - service.spare_share) for c in ("instances_per_accelerator", "power_w_per_accelerator")}
        few = few.assign(**kept)
    return few


def calibration(world: World) -> Calibration:
    """The scenario's own, else the catalogue's with the scenario's overlays."""
    given = world.scenario.serving.calibration
    return Calibration.read(Path(given)) if given else calibration_of(world.catalogue)


def _modes(world: World, variant: Variant) -> Modes:
    """Ways of serving that the scenario offers; prefill's pool is in the same pod, since a configuration is of one."""
    serving, draft = world.scenario.serving, variant.draft
    speculation = None
    if draft is not None:
        model = None if draft.model is None else world.catalogue.model(draft.model)
        speculation = Speculation(draft.tokens, draft.acceptance, draft.cost, model)
    return Modes(
        parts=serving.copies_per_accelerator,
        streaming=("host", "nvme") if serving.weight_streaming else (),
        disaggregated=serving.disaggregated,
        shared_prefix=serving.shared_prefix,
        speculation=speculation,
    )


NEARLY = 0.01
"""Plans this near to the best count as tied; the one with the smallest copy is taken."""


def _few(found: pd.DataFrame, count: int, trips_s: Floats) -> pd.DataFrame:
    """The plans worth choosing between: the best for each round trip that occurs, and the one of least power.

    Of more than `count`, the best of all and the one that reaches farthest stay, then those spread between them.
    """
    slack = found["rtt_slack_s"].to_numpy(dtype=float)
    each = found["instances_per_accelerator"].to_numpy(dtype=float)
    power = found["power_w_per_accelerator"].to_numpy(dtype=float) / each
    size = found["accelerators"].to_numpy(dtype=float)
    best = np.array([each[slack >= t].max(initial=0.0) for t in trips_s])
    steps = [float(trips_s[best == value].max()) for value in np.unique(best[best > 0])[::-1]]
    order = dict.fromkeys(_smallest(size, slack >= t, each) for t in steps or [float(slack.max())])
    chosen = list(order)
    if len(chosen) > count:
        chosen = [chosen[i] for i in np.unique(np.linspace(0, len(chosen) - 1, max(count, 1)).round().astype(int))]
    if len(chosen) < count:
        chosen = list(dict.fromkeys([*chosen, _smallest(size, power <= power.min() / (1 - NEARLY), each)]))
    reach = np.minimum(slack, trips_s.max())
    return found.take([i for i in chosen if not _dominated(i, chosen, each, reach, power)])[list(FRONTIER_COLUMNS)]


def _smallest(size: Floats, among: NDArray[np.bool_], each: Floats) -> int:
    """The smallest copy among the plans that are nearly the best of a set."""
    near = among & (each >= (1 - NEARLY) * each[among].max())
    return int(np.where(near, size, np.inf).argmin())


def _dominated(i: int, others: list[int], each: Floats, slack: Floats, power: Floats) -> bool:
    return any(
        bool(each[j] >= each[i])
        and slack[j] >= slack[i]
        and power[j] <= power[i]
        and (each[j] > each[i] or slack[j] > slack[i] or power[j] < power[i] or j < i)
        for j in others
        if j != i
    )


ROUNDING = 1e-9
"""Room for the last digit, so that the farthest round trip itself stays within reach."""


def activities(world: World, offered: pd.DataFrame, far_s: float) -> pd.DataFrame:
    """Table activities: human-equivalents per accelerator in use, slack in ms (what exceeds the farthest is no use)."""
    reach = {name: min(far_s, c.max_rtt or far_s) * (1 + ROUNDING) for name, c in world.scenario.classes.items()}
    return pd.DataFrame(
        {
            "activity": offered["activity"],
            "asset": offered["pod"],
            "commodity": offered["service_class"],
            "group": offered["variant"],
            "output_per_unit": offered["instances_per_accelerator"] * offered["equivalence"],
            "slack": np.minimum(offered["rtt_slack_s"], offered["service_class"].map(reach)) * 1000.0,
            "first": offered["first"].clip(lower=world.years[0]).astype(int),
        }
    )


def running_costs(world: World, offered: pd.DataFrame) -> pd.DataFrame:
    """Energy and carbon of a thousand accelerators in use for a year: place, activity, period, objective, cash.

    Also `mwh` and `tonnes` of CO2 per thousand accelerators and year, for reports.
    """
    years = np.array(world.years, dtype=float)
    sites = pd.concat([
        pd.DataFrame({
            "place": s.id, "g_kwh": s.carbon_g_kwh, "pue": s.pue, "period": world.years,
            "usd_kwh": power_price(world.scenario, s, years), "discount": discount(world.scenario, years),
        }) for s in world.sites
    ], ignore_index=True)
    table = offered[["activity", "power_w_per_accelerator", "first"]].merge(sites, how="cross")
    table = table[table["period"] >= table["first"]]
    table["mwh"] = table["power_w_per_accelerator"] * table["pue"] * HOURS_PER_YEAR * 1000 / 1e6
    table["tonnes"] = table["mwh"] * table["g_kwh"] / 1000
    energy = table["mwh"] * 1000 * table["usd_kwh"]
    table["cash"] = (energy + table["tonnes"] * world.scenario.money.carbon_price) / 1e6
    table["objective"] = table["cash"] * table["discount"]
    return table[["place", "activity", "period", "objective", "cash", "mwh", "tonnes"]].reset_index(drop=True)


def shares(world: World) -> pd.DataFrame:
    """Largest share of a class that a variant may serve."""
    rows = [
        (class_name, name, share)
        for name, variant in world.scenario.variants.items()
        for class_name, share in variant.max_share.items()
        if share < 1
    ]
    return pd.DataFrame(rows, columns=["commodity", "group", "max_share"])


def nothing_fits(refused: pd.DataFrame) -> str:
    """One sentence on why no configuration exists at all."""
    common = refused["reason"].value_counts()
    examples = [f"{reason} ({count} of {len(refused)} cells)" for reason, count in common.head(3).items()]
    return "no serving configuration meets the service classes: " + "; ".join(examples)
