"""Where the time of a plan goes: of one token, and of the first one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Accelerator, Interconnect, ModelCard
from capacity.errors import InputError
from capacity.serving.architecture import Array
from capacity.serving.calibration import Calibration
from capacity.serving.cells import cell_of
from capacity.serving.disaggregated import Units, transfer_s
from capacity.serving.load import prefill
from capacity.serving.memory import kv_room
from capacity.serving.modes import Modes
from capacity.serving.offload import stalled_s
from capacity.serving.passes import draft_s, tokens_per_round
from capacity.serving.plans import Candidates, Cell, streams
from capacity.serving.step import PARTS, decode_parts
from capacity.serving.system import Layout
from capacity.serving.workload import Slo, Workload

STEP_PARTS = (*PARTS, "stall", "draft")
FIRST_PARTS = ("reload", "transfer", "prefill", "beside", "queue")
NEEDED = ("tp", "pp", "ep", "dp", "batch")


@dataclass(frozen=True)
class Plan:
    """One row of a frontier with what it takes to work it out again."""

    cell: Cell
    candidate: Candidates
    batch: Array
    pool: Units | None


def step_budget(model: ModelCard, accelerator: Accelerator, interconnect: Interconnect, workload: Workload,
                plan: Mapping[str, float] | pd.Series, *, weights: str = "fp8", kv: str = "fp8",
                calibration: Calibration | None = None, modes: Modes | None = None) -> pd.DataFrame:
    """Where the time of one token goes, for a row of `frontier`.

    Columns part, seconds, share. Parts: weights, kv, flops (what compute adds to the memory time it overlaps with),
    collectives, overhead; where the plan has them also stall (waiting for streamed weights) and draft. With a draft, a
    round gives several tokens: the parts are of one. Mean context, `batch` sequences in flight, no prefill mixed in.
    """
    slo = Slo(np.inf, np.inf)
    cell = _cell(model, accelerator, interconnect, workload, slo, plan, weights, kv, calibration, modes)
    return _table(_step_seconds(_plan(cell, plan)), PARTS)


def first_token_budget(model: ModelCard, accelerator: Accelerator, interconnect: Interconnect, workload: Workload,
                       slo: Slo, plan: pd.Series, *, weights: str = "fp8", kv: str = "fp8",
                       calibration: Calibration | None = None, modes: Modes | None = None,
                       prefill_on: tuple[Accelerator, Interconnect] | None = None) -> pd.DataFrame:
    """Where the time to the first token goes, for a row of `frontier`; its sum is the row's `ttft_s`.

    Columns part, seconds, share. Parts: reload (KV from host RAM), transfer (KV between pools), prefill, beside (decode
    steps that run between its chunks), queue (waiting for other prompts, and what the percentile adds to the mean).
    """
    cell = _cell(model, accelerator, interconnect, workload, slo, plan, weights, kv, calibration, modes)
    pool = prefill_on or (accelerator, interconnect)
    other = _cell(model, *pool, workload, slo, plan, weights, kv, calibration, modes)
    return _table(_first_seconds(_plan(cell, plan, other), float(plan["ttft_s"])), FIRST_PARTS)


def _cell(model: ModelCard, accelerator: Accelerator, links: Interconnect, workload: Workload, slo: Slo,
          plan: Mapping[str, float] | pd.Series, weights: str, kv: str, calibration: Calibration | None,
          modes: Modes | None) -> Cell:
    """The cell that a row was found in; a row that states its precisions keeps them."""
    missing = [name for name in NEEDED if name not in plan]
    if missing:
        raise InputError(f"step_budget: the plan lacks {', '.join(missing)}; give a row of `frontier`")
    pair = (str(plan.get("weights") or weights), str(plan.get("kv") or kv))
    return cell_of(model, accelerator, links, workload, slo, *pair, calibration, modes or Modes())


def _plan(cell: Cell, plan: Mapping[str, float] | pd.Series, other: Cell | None = None) -> Plan:
    layout = _layout(cell, plan)
    first = prefill(cell.system, layout, cell.workload)
    host = np.array([plan.get("kv_home") == "host"])
    candidate = Candidates.of(cell.system, layout, host, first, kv_room(cell.system, layout))
    batch = np.array([float(plan["batch"])])
    pool = _pool(cell, other, candidate, batch, plan) if other is not None and plan.get("prefill_copies") else None
    return Plan(cell, candidate, batch, pool)


def _layout(cell: Cell, plan: Mapping[str, float] | pd.Series, pool: str = "") -> Layout:
    """The sharding of a row, or of its prefill pool."""
    tp = float(plan[f"{pool}tp"]) * float(plan.get(f"{pool}part") or 1.0)
    layout = Layout.of(tp, *(plan[f"{pool}{name}"] for name in ("pp", "ep", "dp")))
    share = float(plan.get(f"{pool}streamed") or 0.0)
    if share:
        source = [str(plan[f"{pool}stream_from"])]
        layout = replace(layout, stream=streams(cell.system, cell.modes, source, np.array([share])))
    return layout if cell.system.draft is None else replace(layout, draft=cell.system.draft.layout(layout))


def _pool(cell: Cell, other: Cell, candidate: Candidates, batch: Array, plan: Mapping[str, float] | pd.Series) -> Units:
    """A disaggregated row as the unit that it is."""
    layout = _layout(other, plan, "prefill_")
    own = replace(candidate.prefill, chunks=0.0, chunk_s=np.zeros(1))
    decode = replace(candidate, prefill=own)
    copies = np.array([float(plan["decode_copies"])]), np.array([float(plan["prefill_copies"])])
    return Units(cell, other, decode, cell.load(decode, batch), batch, np.array([float(plan["instances"])]) / copies[0],
                 layout, prefill(other.system, layout, cell.workload), *copies, np.zeros(1), np.zeros(1))


def _step_seconds(plan: Plan) -> dict[str, float]:
    cell, layout = plan.cell, plan.candidate.layout
    sequences = np.maximum(plan.batch / (layout.pp * layout.dp), 1.0)
    context = np.full(1, cell.workload.context_mean)
    parts = decode_parts(cell.system, layout, sequences, context)
    step = sum(parts.values(), np.zeros(1))
    parts["stall"] = layout.pp * stalled_s(cell.system, layout, step / layout.pp) - step
    if cell.system.draft is not None:
        parts["draft"] = cell.system.draft.drafted * draft_s(cell.system, layout, sequences, context)
    return {name: float(seconds[0]) / tokens_per_round(cell.system) for name, seconds in parts.items()}


def _first_seconds(plan: Plan, ttft: float) -> dict[str, float]:
    """Parts of the mean, and the rest of the percentile as queue."""
    seconds = dict.fromkeys(FIRST_PARTS, 0.0)
    if plan.pool is not None:
        unit, first, layout = plan.pool, plan.pool.first, plan.pool.prefill
        turns = unit.cell.workload.turns_s * unit.instances * unit.decode_copies / unit.prefill_copies
        seconds["reload"] = float(unit.at.reload[0])
        seconds["transfer"] = float(transfer_s(unit, turns)[0])
    else:
        cell, candidate = plan.cell, plan.candidate
        first, layout = candidate.prefill, candidate.layout
        if candidate.host[0]:
            seconds["reload"] = float(first.prefix_bytes[0] / cell.system.host_rate)
        beside = first.latency_s(layout, _round(plan)) - first.latency_s(layout, np.zeros(1))
        seconds["beside"] = float(beside[0])
    seconds["prefill"] = float(first.latency_s(layout, np.zeros(1))[0])
    return {**seconds, "queue": max(ttft - sum(seconds.values()), 0.0)}


def _round(plan: Plan) -> Array:
    return np.array([sum(_step_seconds(plan).values()) * tokens_per_round(plan.cell.system)])


def _table(seconds: dict[str, float], always: tuple[str, ...]) -> pd.DataFrame:
    """Parts that take time, in order, with their share of the whole."""
    parts = {name: value for name, value in seconds.items() if value > 0 or (name in always and always is PARTS)}
    values = np.array(list(parts.values()))
    return pd.DataFrame({"part": list(parts), "seconds": values, "share": values / values.sum()})
