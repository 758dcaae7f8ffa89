"""Why a plan is as it is: its cost, and why no plan fits."""

from __future__ import annotations

import pandas as pd

from capacity.catalogue.cards import Accelerator, Interconnect, ModelCard
from capacity.errors import InputError
from capacity.serving.architecture import bytes_of
from capacity.serving.calibration import Calibration
from capacity.serving.cells import cell_of, precisions
from capacity.serving.memory import activation_bytes, weight_bytes
from capacity.serving.modes import Modes
from capacity.serving.plans import LIMITS, Candidates, Cell, candidates
from capacity.serving.sizing import largest_loads, least_in_flight
from capacity.serving.system import GIB
from capacity.serving.workload import SECONDS_PER_HOUR, Slo, Workload

MILLION = 1e6


def cost_per_million_tokens(frontier: pd.DataFrame, usd_per_accelerator_hour: float,
                            prefill_usd_per_accelerator_hour: float | None = None) -> pd.Series:
    """USD per million output tokens of each row of a frontier, all cost of the copy charged to its output.

    `prefill_usd_per_accelerator_hour`: of the accelerators of prefill pools, where they are others. Raises InputError
    for a negative price.
    """
    other = usd_per_accelerator_hour if prefill_usd_per_accelerator_hour is None else prefill_usd_per_accelerator_hour
    for price in (usd_per_accelerator_hour, other):
        if not price >= 0:
            raise InputError(f"cost_per_million_tokens: usd_per_accelerator_hour must not be negative, got {price}")
    share = frontier["prefill_accelerators"] / frontier["accelerators"]
    per_hour = frontier["output_tokens_s_per_accelerator"] * SECONDS_PER_HOUR / MILLION
    return ((usd_per_accelerator_hour + share * (other - usd_per_accelerator_hour)) / per_hour).rename(
        "usd_per_million_tokens")


def serves_as(row: pd.Series) -> str:
    """How a row of a frontier serves, in a few words."""
    own = _held(row, "")
    if row["mode"] != "disaggregated":
        return own or "whole copy"
    wide = "x".join(f"{row[f'prefill_{axis}']:g}" for axis in ("tp", "pp", "dp") if row[f"prefill_{axis}"] > 1)
    told = "; ".join(filter(None, (wide, _held(row, "prefill_"))))
    return (f"{row['decode_copies']} decode" + (f" ({own})" if own else "") + f" + {row['prefill_copies']} prefill"
            + (f" ({told})" if told else ""))


def _held(row: pd.Series, pool: str) -> str:
    """The part of a chip that a copy has and what of its weights streams; empty for whole chips that hold all."""
    part, streamed = float(row[f"{pool}part"]), float(row[f"{pool}streamed"])
    source = "host RAM" if row[f"{pool}stream_from"] == "host" else "NVMe"
    return ", ".join([*([f"1/{round(1 / part)} of a chip"] if part < 1.0 else []),
                      *([f"{streamed:.0%} of layers from {source}"] if streamed else [])])


def why_empty(model: ModelCard, accelerator: Accelerator, interconnect: Interconnect, workload: Workload, slo: Slo, *,
              weights: str = "fp8", kv: str = "fp8", calibration: Calibration | None = None,
              max_accelerators: int = 4096, modes: Modes | None = None) -> str:
    """One sentence that names what keeps `frontier` empty; says so when it is not.

    Of several precisions the narrowest weights are looked at.
    """
    narrow, cached = min(precisions(accelerator, weights, kv), key=lambda pair: (bytes_of(pair[0]), bytes_of(pair[1])))
    cell = cell_of(model, accelerator, interconnect, workload, slo, narrow, cached, calibration, modes or Modes())
    plans = candidates(cell, max_accelerators)
    pair = f"{model.id} at {narrow} on {accelerator.id}"
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
