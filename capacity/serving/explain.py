"""Why a plan is as it is: the time budget of its step, its cost, and why no plan fits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Accelerator, Interconnect, ModelCard
from capacity.errors import InputError
from capacity.serving.calibration import Calibration
from capacity.serving.load import SECONDS_PER_HOUR, Slo, Workload
from capacity.serving.memory import activation_bytes, weight_bytes
from capacity.serving.plans import LIMITS, Candidates, Cell, candidates
from capacity.serving.sizing import largest_loads, least_in_flight
from capacity.serving.step import PARTS, decode_parts
from capacity.serving.system import GIB, Layout, system

MILLION = 1e6


def step_budget(model: ModelCard, accelerator: Accelerator, interconnect: Interconnect, workload: Workload,
                plan: Mapping[str, float] | pd.Series, *, weights: str = "fp8", kv: str = "fp8",
                calibration: Calibration | None = None) -> pd.DataFrame:
    """Where the time of one decode step goes, for a row of `frontier`.

    Columns part (weights, kv, flops, collectives, overhead), seconds, share; flops is what compute adds to the memory
    time it overlaps with. Mean context, `batch` sequences in flight, no prefill mixed in.
    """
    missing = [name for name in ("tp", "pp", "ep", "dp", "batch") if name not in plan]
    if missing:
        raise InputError(f"step_budget: the plan lacks {', '.join(missing)}; give a row of `frontier`")
    resolved = system(model, accelerator, interconnect, weights=weights, kv=kv, calibration=calibration)
    layout = Layout.of(plan["tp"], plan["pp"], plan["ep"], plan["dp"])
    sequences = np.maximum(plan["batch"] / (layout.pp * layout.dp), 1.0)
    parts = decode_parts(resolved, layout, sequences, np.full(1, workload.context_mean))
    seconds = np.array([float(parts[name][0]) for name in PARTS])
    return pd.DataFrame({"part": list(PARTS), "seconds": seconds, "share": seconds / seconds.sum()})


def cost_per_million_tokens(frontier: pd.DataFrame, usd_per_accelerator_hour: float) -> pd.Series:
    """USD per million output tokens of each row of a frontier, all cost of the copy charged to its output."""
    if not usd_per_accelerator_hour >= 0:
        raise InputError("cost_per_million_tokens: usd_per_accelerator_hour must not be negative, "
                         f"got {usd_per_accelerator_hour}")
    per_hour = frontier["output_tokens_s_per_accelerator"] * SECONDS_PER_HOUR / MILLION
    return (usd_per_accelerator_hour / per_hour).rename("usd_per_million_tokens")


def why_empty(model: ModelCard, accelerator: Accelerator, interconnect: Interconnect, workload: Workload, slo: Slo, *,
              weights: str = "fp8", kv: str = "fp8", calibration: Calibration | None = None,
              max_accelerators: int = 4096) -> str:
    """One sentence that names what keeps `frontier` empty; says so when it is not."""
    resolved = system(model, accelerator, interconnect, weights=weights, kv=kv, calibration=calibration)
    cell = Cell(resolved, workload, slo)
    plans = candidates(cell, max_accelerators)
    pair = f"{model.id} at {weights} on {accelerator.id}"
    if not (plans.room > 0).any():
        return f"{pair}: does not fit in memory: " + _memory_reason(cell, plans)
    plans = plans.take(plans.room > 0)
    if len(largest_loads(cell, plans).plans):
        return f"{pair}: not empty, some plans keep the SLO"
    return f"{pair}: " + _floor_reason(cell, plans)


def _memory_reason(cell: Cell, plans: Candidates) -> str:
    need = weight_bytes(cell.system, plans.layout) + activation_bytes(cell.system, plans.layout)
    best = int(need.argmin())
    arch, most = cell.system.arch, int(plans.layout.accelerators.max())
    return (f"the weights are {arch.total * cell.system.weight_bytes / GIB:,.0f} GB; even spread over "
            f"{plans.layout.accelerators[best]:.0f} accelerators (at most {most} allowed or reached) each needs "
            f"{need[best] / GIB:,.1f} GB for weights and activations, "
            f"at most {cell.system.memory_bytes / GIB:,.1f} GB usable")


def _floor_reason(cell: Cell, plans: Candidates) -> str:
    """Which limit fails at a load of one instance, taking each limit's best plan, then the best compromise."""
    at = cell.load(plans, least_in_flight(cell, plans))
    pressure = cell.pressure(plans, at)
    floor = pressure.min(axis=1)
    worst = int(floor.argmax())
    if floor[worst] <= 1.0:
        worst = int(pressure[:, pressure.max(axis=0).argmin()].argmax())
        prefix = "no single plan keeps every limit; in the nearest one, "
        at_best = int(pressure.max(axis=0).argmin())
    else:
        prefix, at_best = "", int(pressure[worst].argmin())
    slo, tail = cell.slo, f"at p{cell.slo.percentile * 100:.0f} is above the SLO of"
    return prefix + {
        "memory": f"one session's KV needs {at.kv_bytes[at_best] / GIB:,.2f} GB per accelerator, at most "
                  f"{plans.room[at_best] / GIB:,.2f} GB free beside the weights",
        "host_memory": f"sessions need {at.host_bytes[at_best] / GIB:,.2f} GB of host RAM per accelerator",
        "tpot": f"TPOT floor {at.tpot[at_best] * 1e3:,.1f} ms {tail} {slo.tpot_s * 1e3:,.1f} ms",
        "ttft": f"TTFT floor {at.ttft[at_best]:,.3f} s {tail} {slo.ttft_s:,.3f} s",
        "pace": f"an instance needs {at.pace[at_best]:,.2f} s of serving per second of its work: it falls behind",
        "compute": "prefill of a single instance takes more than all the time of the copy",
        "host_link": "reloads of a single instance take more than all the time of the host link",
    }[LIMITS[worst]]
